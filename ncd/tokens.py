"""Texts as sequences of symbols: bytes, words, or tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.corpus import Text, Texts, as_bytes, as_corpus

__all__ = [
    "ALPHABETS",
    "Alphabet",
    "Bytes",
    "Ids",
    "alphabet_from_dict",
    "blocks_of",
    "decoded",
    "encoded",
    "get_alphabet",
    "offsets_of",
]

#: Names that `get_alphabet` knows.
ALPHABETS = ("bytes", "words", "tokens")

#: Symbols of many texts one after another, and where each text starts (and the last one ends).
Ids: TypeAlias = "tuple[NDArray[np.uint32], NDArray[np.int64]]"

_BLOCK = 1 << 20  # bytes whose words are Python objects at one time


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
    kind : {"bytes", "words", "tokens"}
    unknown : int or None
        The symbol for what is in no text that the alphabet has been fitted on; None where nothing can be unknown.
    lossless : bool
        Whether `decode` gives back every text.
    """

    kind: ClassVar[str]
    unknown: int | None = None
    lossless: bool = False

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of symbols, the one for unknown symbols included."""

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
    def update(self, texts: Texts) -> Self:
        """
        Learn the symbols of more texts, if the alphabet can; no symbol changes its number.

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

    def update_encode(self, texts: Texts) -> Ids:
        """
        `update` and then `encode_many`, in one pass over the texts where that is possible.

        Parameters
        ----------
        texts : iterable of str, or of bytes-like, or of paths

        Returns
        -------
        ids, offsets
            As from `encode_many`.

        Examples
        --------
        >>> get_alphabet("words").update_encode(["a b", "b a c"])
        (array([1, 2, 2, 1, 3], dtype=uint32), array([0, 2, 5]))
        """
        return self._update_encode(as_corpus(texts, name="texts", allow_empty=True))

    def _update_encode(self, texts: Sequence[bytes]) -> Ids:
        """The same of texts already turned to bytes."""
        return self.update(texts)._encode(texts)

    def decode(self, ids: ArrayLike) -> bytes:
        """
        The text whose symbols these are.

        Parameters
        ----------
        ids : array_like of int

        Returns
        -------
        bytes

        Raises
        ------
        TypeError
            If the alphabet is not `lossless`.

        Examples
        --------
        >>> Bytes().decode([97, 98])
        b'ab'
        """
        if not self.lossless:
            raise TypeError(f"{self!r} loses a part of the text: bytes, and tokens of kind 'bpe', can be decoded")
        return b"".join(self.symbol(index) for index in np.asarray(ids).tolist())

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
    lossless = True

    @property
    def size(self) -> int:
        """256."""
        return 256

    def fit(self, texts: Texts) -> Self:
        """Itself: there is nothing to learn."""
        as_corpus(texts, name="texts", allow_empty=True)
        return self

    update = fit

    def _encode(self, texts: Sequence[bytes]) -> Ids:
        return np.frombuffer(b"".join(texts), np.uint8).astype(np.uint32), offsets_of(map(len, texts), len(texts))

    def encode(self, text: Text) -> NDArray[np.uint32]:
        """The bytes as numbers."""
        return np.frombuffer(as_bytes(text), np.uint8).astype(np.uint32)

    def decode(self, ids: ArrayLike) -> bytes:
        """The numbers as bytes."""
        numbers = np.asarray(ids)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < 256:
            raise ValueError(f"ids go from {numbers.min()} to {numbers.max()}: bytes are from 0 to 255")
        return numbers.astype(np.uint8).tobytes()

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


def blocks_of(texts: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Texts in groups of about a megabyte."""
    block: list[bytes] = []
    size = 0
    for text in texts:
        block.append(text)
        size += len(text)
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def get_alphabet(alphabet: str | Alphabet, **options: Any) -> Alphabet:
    """
    An alphabet by name.

    Parameters
    ----------
    alphabet : {"bytes", "words", "tokens"} or Alphabet
        An object is given back as it is.
    **options
        Go to the class: `lower` and `pattern` of `ncd.words.Words`, `tokenizer` and `vocab_size` of
        `ncd.subwords.Tokens`.

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
    MissingLibraryError
        If "tokens" is asked for and the library `tokenizers` is not installed.

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
    if alphabet == "tokens":
        from ncd.subwords import Tokens

        return Tokens(**options)
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
        if state["alphabet"] == "tokens":
            from ncd.subwords import Tokens

            return Tokens._from_dict(state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"this is not the state of an alphabet: {error}") from None
    raise ValueError(f"this is not the state of an alphabet: {state['alphabet']!r} is none of {', '.join(ALPHABETS)}")
