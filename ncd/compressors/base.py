"""The contract of a compressor: a name, and the code length of any text."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.corpus import Text, Texts, as_bytes, as_corpus

__all__ = ["Adapted", "CodeLength", "Compressor", "Primed", "SupportsLength", "Unit", "as_compressor"]

#: A code length: whole bytes, or a fraction of bytes or bits where the compressor is a model.
CodeLength = int | float
#: What code lengths are counted in.
Unit = Literal["bytes", "bits"]


@runtime_checkable
class SupportsLength(Protocol):
    """The least that is accepted where a compressor is asked for."""

    @property
    def name(self) -> str: ...

    def length(self, data: bytes, /) -> CodeLength: ...


def _checked_ends(ends: ArrayLike, start: int, size: int) -> NDArray[np.int64]:
    """Ends of prefixes as an array."""
    places = np.asarray(ends)
    if isinstance(start, bool) or not isinstance(start, int | np.integer):
        raise TypeError(f"start is {start!r}: give a whole number from 0 to {size:,}, the bytes of the text")
    if places.size and not np.issubdtype(places.dtype, np.integer):
        raise TypeError(f"ends have type {places.dtype}: give whole numbers, offsets in bytes")
    if places.ndim != 1:
        raise ValueError(f"ends have shape {places.shape}: give one row of offsets")
    if not 0 <= start <= size:
        raise ValueError(f"start is {start}: choose from 0 to {size:,}, the bytes of the text")
    if places.size and (places[0] < start or places[-1] > size or (np.diff(places.astype(np.int64)) < 0).any()):
        raise ValueError(f"ends must ascend, from start ({start:,}) to the number of bytes ({size:,})")
    return places.astype(np.int64)


class Primed(ABC):
    """A compressor that has seen a text: it gives L(y|x), without header and trailer, in the compressor's unit."""

    def length(self, data: Text) -> CodeLength:
        """Conditional code length L(data|x)."""
        return self._lengths([as_bytes(data, name="data")])[0]

    def lengths(self, texts: Texts) -> NDArray[Any]:
        """Conditional code lengths of many texts, an array of shape (n,)."""
        return np.asarray(self._lengths(as_corpus(texts, name="texts", allow_empty=True)))

    @abstractmethod
    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        """Code lengths of texts already turned to bytes."""

    def _prepared(self) -> Callable[[Sequence[bytes]], list[Any]]:
        """What does the same as `_lengths` for one thread, and keeps from call to call what it makes of x."""
        return self._lengths


class Compressor(ABC):
    """
    Code lengths and byte streams of one codec at one setting.

    A subclass names its parameters in `defaults` (the first is the one that may stand alone in a name, as in
    ``zstd:19``) and implements `_compress`; everything else follows from it, and may be made faster.
    Instances are immutable, picklable, comparable, and may be shared between threads.

    Attributes
    ----------
    family : str
        The part of the name before the colon.
    header, trailer : int
        Constant bytes of framing before and after the coded data: what the stream of an empty text consists of, apart
        from its last block. Blocks have constant bytes of their own (zstd 3, lz4 4, xz about 20), not counted here.
    unit : {"bytes", "bits"}
        What code lengths are counted in: bytes of a stream, or bits where the compressor is a model.
    prefer : {"threads", "processes"}
        What keeps several cores busy: processes where the binding holds the interpreter lock or the allocator
        serialises the threads (measured by ``python -m bench.pairs``).
    can_prime : bool
        Whether `primed` works.
    dtype : numpy.dtype
        Type of the arrays of code lengths: int64 for whole bytes.
    has_kernel : bool
        Whether the engines have a kernel of their own that gives the same lengths of pairs.
    leak : int
        Bytes that the binding is known to lose at every call; 0 unless measured.
    """

    family: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}
    header: int = 0
    trailer: int = 0
    unit: Unit = "bytes"
    prefer: Literal["threads", "processes"] = "threads"
    can_prime: bool = False
    has_kernel: bool = False
    dtype: np.dtype[Any] = np.dtype(np.int64)
    leak: int = 0

    def __init__(self, **params: Any) -> None:
        self._params = {**self.defaults, **params}

    @property
    def params(self) -> Mapping[str, Any]:
        """Every parameter by name; read only."""
        return MappingProxyType(self._params)

    @property
    def name(self) -> str:
        """The specification that `ncd.get_compressor` turns into an equal compressor."""
        if not self._params:
            return self.family
        first, *others = self._params
        changed = [f",{key}={self._params[key]}" for key in others if self._params[key] != self.defaults[key]]
        return f"{self.family}:{self._params[first]}{''.join(changed)}"

    @property
    def overhead(self) -> int:
        """Constant bytes of framing: `header` + `trailer`."""
        return self.header + self.trailer

    @property
    def window(self) -> int | None:
        """Bytes of history in which matches are found; None where there is no limit but memory."""
        return None

    @property
    def primed_window(self) -> int | None:
        """Bytes at the end of x that a primed coder sees; None where there is no limit."""
        return self.window

    @property
    @abstractmethod
    def version(self) -> str:
        """Library and version that make the stream."""

    @abstractmethod
    def _compress(self, data: bytes) -> bytes:
        """The byte stream of `data`."""

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        """Code lengths of texts already turned to bytes; the inner loop of everything."""
        compress = self._compress
        return [len(compress(text)) for text in texts]

    def compress(self, data: Text) -> bytes:
        """The byte stream of `data` (str is encoded as UTF-8)."""
        return self._compress(as_bytes(data, name="data"))

    def decompress(self, stream: bytes) -> bytes:
        """
        The text of a byte stream that `compress` made.

        Raises
        ------
        TypeError
            If `stream` is not bytes, or the compressor is a codec: its own library decompresses its streams.
        ValueError
            If the stream is damaged, cut short, or was made by another compressor.
        """
        if not isinstance(stream, bytes | bytearray | memoryview):
            raise TypeError(f"stream is a {type(stream).__name__}: give the bytes that compress() returned")
        return self._decompress(bytes(stream))

    def _decompress(self, stream: bytes) -> bytes:
        """The text of a stream."""
        del stream
        raise TypeError(f"{self.name} does not decompress here: use the library whose format it is ({self.version})")

    def length(self, data: Text) -> CodeLength:
        """
        Code length L(data) in the compressor's `unit`.

        Bytes include header and trailer: ``len(compress(data))``.
        """
        return self._lengths([as_bytes(data, name="data")])[0]

    def lengths(self, texts: Texts) -> NDArray[Any]:
        """Code lengths of many texts, an array of shape (n,) and type `dtype`."""
        return np.asarray(self._lengths(as_corpus(texts, name="texts", allow_empty=True)), self.dtype)

    def prefix_lengths(self, data: Text, ends: ArrayLike, *, start: int = 0) -> NDArray[Any]:
        """
        Code lengths of a text's growing prefixes, L(data[start:e]) for each e of `ends`.

        Equal to `length` of each prefix. With deflate, zlib and gzip (levels 1 to 9) and with the context models each
        prefix costs little more than its new bytes; other codecs compress every prefix from its beginning.

        Parameters
        ----------
        data : str or bytes-like
            Offsets count bytes (of UTF-8).
        ends : array_like of int, shape (n,)
            Ascending, from `start` to the number of bytes.
        start : int
            Where all prefixes begin.

        Returns
        -------
        ndarray of type `dtype`, shape (n,)
            In the compressor's `unit`.

        Raises
        ------
        TypeError
            If `ends` are not whole numbers.
        ValueError
            If `ends` do not ascend, or reach outside of the text.

        Examples
        --------
        >>> import ncd
        >>> ncd.get_compressor("ppm:2").prefix_lengths("abab", [1, 2, 4]).round(2).tolist()
        [8.0, 16.99, 19.99]
        """
        text = as_bytes(data, name="data")
        places = _checked_ends(ends, start, len(text))
        return np.asarray(self._prefix_lengths(text[start:], (places - start).tolist()), self.dtype)

    def _prefix_lengths(self, data: bytes, ends: list[int]) -> list[Any]:
        """Code lengths of prefixes whose ends ascend."""
        return self._lengths(data[:end] for end in ends)

    def joint_length(self, x: Text, y: Text, *, separator: Text = b" ") -> CodeLength:
        """Code length L(x + separator + y) in the compressor's `unit`."""
        return self.length(as_bytes(x, name="x") + as_bytes(separator, name="separator") + as_bytes(y, name="y"))

    def primed(self, x: Text) -> Primed:
        """
        The compressor once it has seen `x`, giving conditional code lengths L(y|x).

        They leave out header and trailer, so that L(x) + L(y|x) may be compared with L(xy).

        Raises
        ------
        TypeError
            If the codec cannot be primed.
        """
        if not self.can_prime:
            raise TypeError(
                f"{self.name} cannot be primed with a text (zlib, gzip, deflate, zstd and context models can); "
                "use joint_length(x, y) - length(x)"
            )
        return self._primed(as_bytes(x, name="x"))

    def _primed(self, x: bytes) -> Primed:
        """The primed coder of a compressor whose `can_prime` is true."""
        raise NotImplementedError(f"{type(self).__name__} says can_prime and has no _primed")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._params == other._params

    def __hash__(self) -> int:
        return hash((type(self), tuple(self._params.items())))

    def _check_range(self, key: str, low: int, high: int) -> None:
        """Raise unless the parameter is a whole number within bounds."""
        value = self._params[key]
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{self.family}: {key} is {value!r}: give a whole number from {low} to {high}")
        if not low <= value <= high:
            raise ValueError(f"{self.family}: {key} is {value}: choose from {low} to {high}")
        self._params[key] = int(value)

    def _check_number(self, key: str, low: float, high: float) -> None:
        """Raise unless the parameter is a number within bounds; in a specification it is a text."""
        value = self._params[key]
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number):
            raise TypeError(f"{self.family}: {key} is {value!r}: give a number from {low:g} to {high:g}")
        if not low <= number <= high:
            raise ValueError(f"{self.family}: {key} is {value}: choose from {low:g} to {high:g}")
        self._params[key] = number

    def _check_choice(self, key: str, choices: Sequence[Any]) -> None:
        """Raise unless the parameter is one of the choices."""
        if self._params[key] not in choices:
            raise ValueError(
                f"{self.family}: {key} is {self._params[key]!r}: choose from {', '.join(map(repr, choices))}"
            )


class Adapted(Compressor):
    """Anything with `name` and `length()`, given the rest of the contract."""

    dtype = np.dtype(np.float64)

    def __init__(self, wrapped: SupportsLength) -> None:
        super().__init__()
        self._wrapped = wrapped
        for key in ("header", "trailer", "unit", "prefer", "leak"):
            if hasattr(wrapped, key):
                setattr(self, key, getattr(wrapped, key))
        self.dtype = np.dtype(getattr(wrapped, "dtype", self.dtype))
        self.can_prime = hasattr(wrapped, "primed")

    @property
    def family(self) -> str:  # type: ignore[override]
        return self.name.partition(":")[0]

    @property
    def name(self) -> str:
        return str(self._wrapped.name)

    @property
    def overhead(self) -> int:
        return int(getattr(self._wrapped, "overhead", self.header + self.trailer))

    @property
    def window(self) -> int | None:
        return getattr(self._wrapped, "window", None)

    @property
    def primed_window(self) -> int | None:
        return getattr(self._wrapped, "primed_window", self.window)

    @property
    def version(self) -> str:
        return str(getattr(self._wrapped, "version", "unknown"))

    def _compress(self, data: bytes) -> bytes:
        compress = getattr(self._wrapped, "compress", None)
        if compress is None:
            raise TypeError(f"{self.name} gives lengths only: its object has no compress()")
        return bytes(compress(data))

    def _decompress(self, stream: bytes) -> bytes:
        decompress = getattr(self._wrapped, "decompress", None)
        if decompress is None:
            raise TypeError(f"{self.name} does not decompress: its object has no decompress()")
        return bytes(decompress(stream))

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        length = self._wrapped.length
        return [length(text) for text in texts]

    def _primed(self, x: bytes) -> Primed:
        return _AdaptedPrimed(self._wrapped.primed(x))  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Adapted) and self._wrapped == other._wrapped

    def __hash__(self) -> int:
        return hash((Adapted, self.name))


class _AdaptedPrimed(Primed):
    """The primed coder of an adapted object."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        length = self._wrapped.length
        return [length(text) for text in texts]


def as_compressor(thing: Any) -> Compressor | None:
    """The thing as a full compressor, or None if it has no `name` and `length()`."""
    if isinstance(thing, Compressor):
        return thing
    if not isinstance(thing, type) and hasattr(thing, "name") and callable(getattr(thing, "length", None)):
        return Adapted(thing)
    return None
