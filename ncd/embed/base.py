"""The contract of an embedder: a name, and a vector of any text."""

from __future__ import annotations

import copy
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Texts, as_corpus
from ncd.exceptions import EmptyTextError

__all__ = ["Adapted", "Embedder", "SupportsEncode", "Vectors", "as_embedder", "as_strings", "checked_vectors"]

Vectors: TypeAlias = NDArray[np.float32]

_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


class WordlessError(EmptyTextError):
    """Texts have nothing that an embedder knows; `places` are their indices."""

    def __init__(self, places: Sequence[int], what: str, remedy: str) -> None:
        more = f" ({len(places):,} such texts)" if len(places) > 1 else ""
        super().__init__(f"texts[{places[0]}] has {what}{more}: {remedy}")
        self.places, self.what, self.remedy = list(places), what, remedy

    def __reduce__(self) -> Any:
        return WordlessError, (self.places, self.what, self.remedy)


@runtime_checkable
class SupportsEncode(Protocol):
    """The least that is accepted where an embedder is asked for; an attribute `name` is taken up."""

    def encode(self, texts: Any, /) -> Any: ...


def as_strings(texts: Texts, *, name: str = "texts") -> list[str]:
    """
    Texts as strings, for models that read characters: bytes are decoded as UTF-8.

    Parameters
    ----------
    texts : iterable of str, or of bytes-like, or of paths
        As in `ncd.pairwise`; none may be empty.
    name : str
        What error messages call the argument.

    Returns
    -------
    list of str

    Raises
    ------
    TypeError, EmptyTextError
        For what is no collection of texts, or an empty text.
    ValueError
        If a text is not UTF-8; the message gives its index and the offset of the byte.

    Examples
    --------
    >>> as_strings([b"na\\xc3\\xafve"])
    ['naïve']
    """
    strings = []
    for i, text in enumerate(as_corpus(texts, name=name)):
        try:
            strings.append(text.decode())
        except UnicodeDecodeError as error:
            if _SURROGATE.match(text, error.start):
                raise ValueError(
                    f"{name}[{i}] has half a surrogate pair (at offset {error.start:,} of its bytes), which is no "
                    "character: replace it, as by text.encode(errors='replace'), or use a compressor, which reads bytes"
                ) from None
            raise ValueError(
                f"{name}[{i}] is not UTF-8 (byte 0x{text[error.start]:02x} at offset {error.start:,}), and embedders "
                "read characters: decode it with its own encoding, or use a compressor, which reads bytes"
            ) from None
    return strings


def checked_vectors(vectors: Any, n: int, *, name: str) -> Vectors:
    """What an embedder gave, as a float32 array of n finite rows, or an error in its name."""
    try:
        array = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} gave no array of vectors of one dimension: {error}") from error
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ValueError(f"{name} gave an array of shape {array.shape} for {n:,} texts: one row each was expected")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"{name} gave a vector that is not finite for text {row}")
    return array


class Embedder(ABC):
    """
    Vectors of texts under one model.

    A subclass has `name` and `dim` and implements `_encode`; one that learns from texts implements `fit` too and
    raises `sklearn.exceptions.NotFittedError` before. Vectors are float32. Nothing is ever downloaded, unless the
    subclass has a parameter that allows it.

    Attributes
    ----------
    name : str
        The specification that `ncd.embed.get_embedder` turns into an equal embedder, where there is one.
    learns : bool
        Whether `fit` learns something from the texts.
    """

    learns: bool = False

    @property
    @abstractmethod
    def name(self) -> str:
        """What the embedder is called in tables."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Dimension of the vectors."""

    @property
    def n_parameters(self) -> int | None:
        """Numbers that the model consists of; None where that is not known."""
        return None

    @property
    def nbytes(self) -> int | None:
        """Bytes of the model on disk (of its numbers where it is not on disk); None where that is not known."""
        return None

    @property
    def digest(self) -> str:
        """Hexadecimal fingerprint of the model and of all that its vectors depend on: the key of cached encodings."""
        raise NotImplementedError(f"{self.name} has no digest, so its encodings cannot be kept")

    @property
    def has_digest(self) -> bool:
        """Whether the embedder is of a kind that has a `digest`."""
        return type(self).digest is not Embedder.digest

    @property
    def fitted(self) -> bool:
        """Whether `encode` has all that it needs; one that learns overrides it."""
        return not self.learns

    def fit(self, texts: Texts) -> Self:
        """
        Learn what the embedder learns from texts (never labels); a trained model learns nothing.

        Returns
        -------
        self
        """
        del texts
        return self

    def encode(self, texts: Texts, *, progress: bool | None = None) -> Vectors:
        """
        A vector of every text.

        Parameters
        ----------
        texts : iterable of str or bytes, shape (n,)
            Bytes must be UTF-8.
        progress : bool or None
            None: a bar on a terminal after a second.

        Returns
        -------
        ndarray of float32, shape (n, dim)

        Raises
        ------
        TypeError, ValueError, EmptyTextError
            For texts that are missing, empty (also after tokenising), or not UTF-8.
        """
        strings = as_strings(texts)
        vectors = self._encode_checked(strings, progress)
        self._say(len(strings))
        return vectors

    def fit_encode(self, texts: Texts, *, progress: bool | None = None) -> Vectors:
        """
        Learn from texts, and give their vectors: ``fit(texts).encode(texts)``, in one pass where that can be.

        Parameters
        ----------
        texts, progress
            As in `encode`.

        Returns
        -------
        ndarray of float32, shape (n, dim)
        """
        strings = as_strings(texts)
        return self.fit(strings).encode(strings, progress=progress)

    def _encode_checked(self, strings: Sequence[str], progress: bool | None) -> Vectors:
        """Vectors of texts that are strings and not empty; nothing is said of them yet."""
        return checked_vectors(self._encode(strings, progress), len(strings), name=self.name)

    def _say(self, n: int) -> None:  # noqa: B027 - most have nothing to say
        """Warn of what was found in n texts that have just been encoded."""

    @abstractmethod
    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        """Vectors of texts that are strings and not empty."""

    def tokens(self, text: str | bytes) -> list[str]:
        """The tokens of one text that have vectors, in their order."""
        raise NotImplementedError(f"{self.name} has vectors of texts only, not of tokens")

    def encode_tokens(self, text: str | bytes) -> Vectors:
        """
        A vector of every token of one text, in the order of `tokens`.

        Returns
        -------
        ndarray of float32, shape (n_tokens, dim)

        Raises
        ------
        EmptyTextError
            If the text has no token with a vector.
        NotImplementedError
            If the model has vectors of whole texts only.
        """
        raise NotImplementedError(f"{self.name} has vectors of texts only, not of tokens")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class Adapted(Embedder):
    """An embedder from any object that has `encode(texts) -> (n, d)`, such as a SentenceTransformer."""

    def __init__(self, model: SupportsEncode) -> None:
        self._model = model
        self._dim: int | None = None

    @property
    def name(self) -> str:
        """The object's name, or that of its class."""
        return str(getattr(self._model, "name", type(self._model).__name__))

    @property
    def dim(self) -> int:
        """Dimension of the vectors: what the object says, or that of a text's vector."""
        if self._dim is None:
            self._dim = self._number("dim")
        if self._dim is None:
            self._dim = int(np.asarray(self._model.encode(["a text"])).shape[1])
        return self._dim

    @property
    def n_parameters(self) -> int | None:
        """The object's number, where it has one."""
        return self._number("n_parameters")

    @property
    def nbytes(self) -> int | None:
        """The object's number, where it has one."""
        return self._number("nbytes")

    @property
    def digest(self) -> str:
        """The object's digest, where it has one."""
        return str(self._model.digest) if self.has_digest else super().digest  # type: ignore[attr-defined]

    @property
    def has_digest(self) -> bool:
        return hasattr(self._model, "digest")

    def _number(self, attribute: str) -> int | None:
        """A whole number that the object says of itself."""
        value = getattr(self._model, attribute, None)
        return int(value) if isinstance(value, int | np.integer) and not isinstance(value, bool) else None

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        return self._model.encode(list(texts))


def as_embedder(model: Any) -> Embedder:
    """
    An embedder from an object that can serve as one.

    Raises
    ------
    TypeError
        If it has no method `encode`.
    """
    if isinstance(model, Embedder):
        return model
    if isinstance(model, type) or not isinstance(model, SupportsEncode):
        raise TypeError(f"embedder is {model!r}: give a name, or an object with encode(texts)")
    return Adapted(model)


def learned(model: Embedder, texts: Texts) -> Embedder:
    """An embedder that can encode: one that learns, and has not, gives a copy that has learned from these texts."""
    return model if model.fitted else copy.deepcopy(model).fit(texts)


def refuse_wordless(places: Sequence[int], what: str, remedy: str) -> None:
    """Raise where texts have nothing that the model knows."""
    if places:
        raise WordlessError(places, what, remedy)


def digest_of(*parts: Any) -> str:
    """A fingerprint of strings, numbers and arrays."""
    sha = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            sha.update(repr((part.dtype.str, part.shape)).encode())
            sha.update(np.ascontiguousarray(part).view(np.uint8).reshape(-1).data)
        else:
            data = part if isinstance(part, bytes) else repr(part).encode()
            sha.update(len(data).to_bytes(8, "little") + data)
    return sha.hexdigest()


def spelled(family: str, argument: object = "", **params: tuple[object, object]) -> str:
    """The specification of an embedder; each parameter is a value and its default, at which it is left out."""
    parts = [str(argument)] if argument != "" else []
    parts += [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, (value, default) in params.items()
        if value != default
    ]
    return f"{family}:{','.join(parts)}" if parts else family
