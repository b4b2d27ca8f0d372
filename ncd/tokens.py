"""Texts as sequences of symbols: bytes, words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Text, Texts, as_bytes, as_corpus

__all__ = [
    "ALPHABETS",
    "Alphabet",
    "Bytes",
    "Ids",
    "alphabet_from_dict",
    "decoded",
    "encoded",
    "get_alphabet",
    "offsets_of",
]

#: Names that `get_alphabet` knows.
ALPHABETS = ("bytes", "words")

#: Symbols of many texts one after another, and where each text starts (and the last one ends).
Ids: TypeAlias = "tuple[NDArray[np.uint32], NDArray[np.int64]]"


def decoded(data: bytes) -> str:
    r"""
    The characters of UTF-8 text; a byte that is not UTF-8 becomes one lone surrogate, U+DC80 to U+DCFF.

    `encoded` gives back the same bytes, whatever they were.

    Examples
    --------
    >>> decoded(b"na\xc3\xafve \xff")
    'naïve \udcff'
    """
    return data.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    r"""
    The bytes that `decoded` has turned to characters.

    Examples
    --------
    >>> encoded("naïve \udcff")
    b'na\xc3\xafve \xff'
    """
    return text.encode("utf-8", "surrogateescape")


class Alphabet(ABC):
    """
    Turns texts into symbols, whole numbers from 0 to `size` - 1, and knows which symbol stands for which bytes.

    Attributes
    ----------
    kind : {"bytes", "words"}
    size : int
        How many symbols there are, the one for unknown symbols included.
    unknown : int or None
        The symbol for what is in no text that the alphabet has been fitted on; None where nothing can be unknown.
    """

    kind: ClassVar[str]
    unknown: int | None = None

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of symbols."""

    @abstractmethod
    def fit(self, texts: Texts) -> Self:
        """
        Learn the symbols of `texts`, forgetting what was known.

        Returns
        -------
        Alphabet
            Itself.
        """

    @abstractmethod
    def _encode(self, texts: Sequence[bytes]) -> Ids:
        """Symbols of texts already turned to bytes."""

    @abstractmethod
    def symbol(self, index: int) -> bytes:
        """The bytes that a symbol stands for, as far as the alphabet keeps them; empty for the unknown one."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All that `alphabet_from_dict` needs, in types that JSON has."""

    def encode(self, text: Text) -> NDArray[np.uint32]:
        """
        Symbols of one text.

        Parameters
        ----------
        text : str, bytes-like or path
            May be empty.

        Returns
        -------
        ndarray of uint32, shape (n_symbols,)

        Raises
        ------
        ValueError
            If the alphabet has to be fitted first.
        """
        return self._encode([as_bytes(text)])[0]

    def encode_many(self, texts: Texts) -> Ids:
        """
        Symbols of many texts.

        Parameters
        ----------
        texts : iterable of str, or of bytes-like, or of paths
            May contain empty texts.

        Returns
        -------
        ids : ndarray of uint32, shape (n_symbols,)
            The symbols of all texts one after another.
        offsets : ndarray of int64, shape (n_texts + 1,)
            Text i is ``ids[offsets[i]:offsets[i + 1]]``.

        Raises
        ------
        ValueError
            If the alphabet has to be fitted first.
        """
        return self._encode(as_corpus(texts, name="texts", allow_empty=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and type(self) is type(other) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.size:,} symbols>"


class Bytes(Alphabet):
    """
    The 256 bytes. Nothing has to be fitted, and nothing is unknown.

    Examples
    --------
    >>> Bytes().encode("né")
    array([110, 195, 169], dtype=uint32)
    """

    kind = "bytes"

    @property
    def size(self) -> int:
        """256."""
        return 256

    def fit(self, texts: Texts) -> Self:
        """Itself: there is nothing to learn."""
        as_corpus(texts, name="texts", allow_empty=True)
        return self

    def _encode(self, texts: Sequence[bytes]) -> Ids:
        return np.frombuffer(b"".join(texts), np.uint8).astype(np.uint32), offsets_of(map(len, texts), len(texts))

    def symbol(self, index: int) -> bytes:
        """The byte itself."""
        return bytes([index])

    def to_dict(self) -> dict[str, Any]:
        """The name of the alphabet."""
        return {"alphabet": self.kind}


def offsets_of(lengths: Iterable[int], n: int) -> NDArray[np.int64]:
    """Where each of n texts starts, and where the last one ends."""
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, n), out=offsets[1:])
    return offsets


def get_alphabet(alphabet: str | Alphabet, **options: Any) -> Alphabet:
    """
    An alphabet by name.

    Parameters
    ----------
    alphabet : {"bytes", "words"} or Alphabet
        An object is given back as it is.
    **options
        Go to the class: `lower` and `pattern` of `ncd.words.Words`.

    Returns
    -------
    Alphabet
        Not fitted yet.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If there are options for which the alphabet has no use.

    Examples
    --------
    >>> get_alphabet("words", lower=False).fit(["Hear, hear"]).symbols
    ['Hear', ',', 'hear']
    """
    if isinstance(alphabet, Alphabet):
        if options:
            raise TypeError(f"alphabet is an object: {next(iter(options))!r} has to be set when it is made")
        return alphabet
    if alphabet == "bytes":
        if options:
            raise TypeError(f"the alphabet 'bytes' has no option {next(iter(options))!r}")
        return Bytes()
    if alphabet == "words":
        from ncd.words import Words

        return Words(**options)
    raise ValueError(f"alphabet is {alphabet!r}: choose from {', '.join(map(repr, ALPHABETS))}")


def alphabet_from_dict(state: Mapping[str, Any]) -> Alphabet:
    """
    The alphabet whose `to_dict` gave `state`.

    Raises
    ------
    ValueError
        If `state` is not such a dictionary.

    Examples
    --------
    >>> alphabet_from_dict(get_alphabet("words").fit(["a b"]).to_dict()).encode("b")
    array([2], dtype=uint32)
    """
    try:
        if state["alphabet"] == "bytes":
            return Bytes()
        if state["alphabet"] == "words":
            from ncd.words import Words

            return Words._from_dict(state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"this is not the state of an alphabet: {error}") from None
    raise ValueError(f"this is not the state of an alphabet: {state['alphabet']!r} is none of {', '.join(ALPHABETS)}")
