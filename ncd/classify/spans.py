"""Which bytes of a text each of its symbols stands for."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ncd.tokens import Alphabet, decoded
from ncd.words import Words

__all__ = ["spans_of"]


def spans_of(alphabet: Alphabet | None, text: bytes) -> NDArray[np.int64]:
    """
    First byte of each symbol, and the one after its last.

    A word may be shorter or longer than its bytes, since it is a word of the text in lower case; two symbols may share
    the bytes of one character: the lower case of U+0130 is an i and a mark.

    Parameters
    ----------
    alphabet : Alphabet or None
        None for bytes.
    text : bytes

    Returns
    -------
    ndarray of int64, shape (n_symbols, 2)
        In the order in which the alphabet gives the symbols.

    Raises
    ------
    TypeError
        If the alphabet loses where its symbols come from.

    Examples
    --------
    >>> spans_of(Words(), "Été, 5".encode()).tolist()
    [[0, 5], [5, 6], [7, 8]]
    """
    if alphabet is None:
        starts = np.arange(len(text))
        return np.stack([starts, starts + 1], 1)
    if isinstance(alphabet, Words):
        return _of_words(alphabet, text)
    if not alphabet.lossless:
        raise TypeError(f"{alphabet!r} does not say which bytes a symbol stands for: tokens of kind 'bpe' do")
    sizes = [len(alphabet.symbol(index)) for index in alphabet.encode(text).tolist()]
    ends = np.cumsum(sizes, dtype=np.int64)
    return np.stack([ends - sizes, ends], 1)


def _of_words(words: Words, text: bytes) -> NDArray[np.int64]:
    """Spans of words and marks."""
    original = decoded(text)
    read = original.lower() if words.lower else original
    found = [match.span() for match in re.finditer(words.pattern, read)]
    spans = np.array(found, np.int64).reshape(-1, 2)
    if len(read) != len(original):  # every character has a lower case of its own, of one or more characters
        owner = np.repeat(np.arange(len(original)), [len(character.lower()) for character in original])
        spans = np.stack([owner[spans[:, 0]], owner[spans[:, 1] - 1] + 1], 1)
    return _byte_at(original)[spans]


def _byte_at(text: str) -> NDArray[np.int64]:
    """Where the bytes of each character begin, and where those of the last one end."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    sizes[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # a byte that is not UTF-8
    return np.concatenate([[0], np.cumsum(sizes)])
