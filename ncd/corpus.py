"""Texts of every kind to `bytes`: the only place that encodes."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from ncd.exceptions import EmptyTextError

__all__ = ["Packed", "Text", "Texts", "as_bytes", "as_corpus", "is_missing"]

Text: TypeAlias = "str | bytes | bytearray | memoryview | os.PathLike[str]"
Texts: TypeAlias = "Iterable[Text] | np.ndarray[Any, Any]"

_PADDING = 16


class Packed(Sequence[bytes]):
    """
    Many texts in two arrays, which go to workers whole: shared through memory, or sent once.

    Attributes
    ----------
    data : ndarray of uint8, read only
        All texts one after another, then 16 zero bytes, so that a kernel may read a whole word at the last byte.
    offsets : ndarray of int64, shape (n + 1,), read only
        Where each text starts, and where the last one ends.

    Examples
    --------
    >>> packed = Packed.of([b"ab", b"", b"cde"])
    >>> packed.offsets.tolist(), packed[2], packed[:2]
    ([0, 2, 2, 5], b'cde', [b'ab', b''])
    """

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.data, self.offsets = _read_only(data), _read_only(offsets)

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Packed:
        """Pack texts; what is packed already is given back."""
        if isinstance(texts, Packed):
            return texts
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=offsets[1:])
        try:
            data = np.frombuffer(b"".join([*texts, bytes(_PADDING)]), np.uint8)
        except MemoryError:
            raise MemoryError(
                f"texts of {int(offsets[-1]):,} bytes do not fit in memory a second time, in the form in which they go "
                "to workers: give them in parts"
            ) from None
        return cls(data, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> bytes | list[bytes]:
        """One text, or a list of some; copies."""
        places = range(len(self))[index]
        if isinstance(places, int):
            return self.data[self.offsets[places] : self.offsets[places + 1]].tobytes()
        if places.step != 1 or not places:
            return [self[i] for i in places]
        edges = self.offsets[places.start : places.stop + 1].tolist()
        first = edges[0]
        whole = self.data[first : edges[-1]].tobytes()  # slicing bytes is faster than slicing an array
        return [whole[start - first : stop - first] for start, stop in pairwise(edges)]

    def size(self, start: int, stop: int) -> int:
        """Bytes of the texts start..stop, end not included."""
        return int(self.offsets[stop] - self.offsets[start])


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of a plain array, also of one that a worker finds in shared memory; the same type for every kernel."""
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def is_missing(value: object) -> bool:
    """Whether a text or label is not there: None, NaN, NaT or pandas.NA (recognised without importing pandas)."""
    if value is None:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, numbers.Number):
        return bool(value != value)  # NaN alone differs from itself
    kind = type(value)
    return kind.__name__ in ("NAType", "NaTType") and kind.__module__.partition(".")[0] == "pandas"


def as_bytes(text: Text, *, name: str = "text") -> bytes:
    """
    Bytes of one text.

    Parameters
    ----------
    text : str, bytes-like or path
        A `str` is encoded as UTF-8; lone surrogates are kept (``surrogatepass``), so that different strings
        always give different bytes. Bytes are taken as they are. A `pathlib.Path` (never a `str`) is a file
        whose bytes are read.
    name : str
        What an error message calls the text.

    Returns
    -------
    bytes

    Raises
    ------
    TypeError
        If `text` is something else; None, NaN, NaT and pandas.NA are named as missing values.
    OSError
        If `text` is a path that cannot be read.

    Examples
    --------
    >>> as_bytes("naïve")
    b'na\\xc3\\xafve'
    """
    if isinstance(text, bytes):
        return bytes(text)  # also turns numpy.bytes_ into plain bytes
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytearray | memoryview):
        return bytes(text)
    if isinstance(text, os.PathLike):
        return Path(text).read_bytes()
    if is_missing(text):
        raise TypeError(f"{name} is {text!r}, a missing value: drop it or replace it by a text")
    raise TypeError(f"{name} is a {type(text).__name__}: a text is str, bytes or a pathlib.Path")


def as_corpus(texts: Texts, *, name: str = "X", allow_empty: bool = False) -> list[bytes]:
    """
    Bytes of many texts.

    Parameters
    ----------
    texts : iterable of str, or of bytes-like, or of paths
        Lists, tuples, generators, one-dimensional numpy arrays, pandas and polars columns. A two-dimensional
        array of ``uint8`` is taken as one text a row. All texts are of one kind: `str` and `bytes` are not mixed.
    name : str
        What error messages call the argument.
    allow_empty : bool
        Whether texts of no bytes may pass. A distance to nothing says nothing, so they do not unless asked for.

    Returns
    -------
    list of bytes

    Raises
    ------
    TypeError
        If `texts` is a single text, a mapping or a set, mixes `str` with `bytes`, or holds something that is no text
        (the message gives its index).
    ValueError
        If there is no text at all, or an array has a wrong shape.
    EmptyTextError
        If a text is empty and `allow_empty` is false.

    Examples
    --------
    >>> as_corpus(["a", "é"])
    [b'a', b'\\xc3\\xa9']
    """
    if isinstance(texts, str | bytes | bytearray | memoryview | os.PathLike):
        raise TypeError(f"{name} is a single {type(texts).__name__}: give a list of texts, such as [{name}]")
    if isinstance(texts, dict):
        raise TypeError(f"{name} is a dict: give its texts as a list, such as list({name}.values())")
    if isinstance(texts, set | frozenset):
        raise TypeError(
            f"{name} is a {type(texts).__name__}, whose order is arbitrary: give a list, such as sorted({name})"
        )
    items = _items(texts, name)
    if not items:
        raise ValueError(f"{name} is empty: at least one text is needed")
    corpus = [as_bytes(item, name=f"{name}[{i}]") for i, item in enumerate(items)]
    _refuse_mixture(items, name)
    if not allow_empty:
        empty = [i for i, text in enumerate(corpus) if not text]
        if empty:
            more = f" ({len(empty)} such texts)" if len(empty) > 1 else ""
            raise EmptyTextError(
                f"{name}[{empty[0]}] is empty{more}: a distance to nothing says nothing; "
                "drop it or replace it by a text"
            )
    return corpus


def _items(texts: Any, name: str) -> Sequence[Any]:
    """The texts one by one, whatever holds them."""
    if hasattr(texts, "columns"):
        raise TypeError(f"{name} is a table ({type(texts).__name__}): give one of its columns")
    if isinstance(texts, np.ndarray):
        if texts.ndim == 2 and texts.dtype == np.uint8:
            return [row.tobytes() for row in texts]
        if texts.ndim != 1:
            raise ValueError(f"{name} has shape {texts.shape}: give a one-dimensional array of texts")
        return list(texts)
    try:
        return list(texts)
    except TypeError:
        raise TypeError(f"{name} is a {type(texts).__name__}: give a list of texts") from None


def _refuse_mixture(items: Sequence[Any], name: str) -> None:
    """Raise where str and bytes stand side by side: the same letters would differ in unseen ways."""
    text = next((i for i, item in enumerate(items) if isinstance(item, str)), None)
    raw = next((i for i, item in enumerate(items) if isinstance(item, bytes | bytearray | memoryview)), None)
    if text is not None and raw is not None:
        raise TypeError(f"{name} mixes str ({name}[{text}]) and bytes ({name}[{raw}]): encode or decode one of them")
