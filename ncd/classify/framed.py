"""Texts as symbols between two marks, which is how class models and n-gram features see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ncd.tokens import Alphabet, get_alphabet, offsets_of

__all__ = ["Frame", "Framed", "new_frame"]

_MARK = b"\n"


@dataclass(frozen=True)
class Framed:
    """
    Texts as symbols.

    Attributes
    ----------
    symbols : ndarray of uint8 or uint32
        All texts one after another, each with a mark before and after it.
    offsets : ndarray of int64, shape (n_texts + 1,)
        Where each begins, with its mark, and where the last one ends.
    """

    symbols: NDArray[Any]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def select(self, texts: NDArray[np.int64]) -> Framed:
        """Some of the texts, in the order given."""
        starts, sizes = self.offsets[:-1][texts], np.diff(self.offsets)[texts]
        offsets = offsets_of(sizes.tolist(), len(texts))
        at = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], sizes)
        return Framed(self.symbols[at], offsets)


class Frame:
    """
    Turns texts into symbols; the mark is a newline among bytes, and a symbol of its own among words and tokens.

    Attributes
    ----------
    alphabet : Alphabet or None
        None for bytes.
    """

    def __init__(self, alphabet: Alphabet | None) -> None:
        self.alphabet = alphabet

    @property
    def size(self) -> int:
        """Number of symbols, the mark and the one for unknown symbols included."""
        return 256 if self.alphabet is None else self.alphabet.size + 1

    @property
    def bits(self) -> int:
        """Bits of a symbol + 1, as `ncd.kernels.ngrams.fill_keys` takes them."""
        return self.size.bit_length()

    def learn(self, texts: Sequence[bytes]) -> Framed:
        """The symbols of training texts, which the alphabet, not fitted yet, gets to know."""
        if self.alphabet is None:
            return _framed_bytes(texts)
        if self.alphabet.kind == "words":
            return self._framed(*self.alphabet.update_encode(texts))
        return self._framed(*self.alphabet.fit(texts).encode_many(texts))

    def read(self, texts: Sequence[bytes]) -> Framed:
        """The symbols of texts."""
        if self.alphabet is None:
            return _framed_bytes(texts)
        return self._framed(*self.alphabet.encode_many(texts))

    def _framed(self, ids: NDArray[np.uint32], offsets: NDArray[np.int64]) -> Framed:
        """Ids with a mark before and after each text."""
        n = len(offsets) - 1
        mark = np.uint32(self.size - 1)
        symbols = np.full(len(ids) + 2 * n, mark, np.uint32)
        sizes = np.diff(offsets)
        symbols[np.arange(len(ids)) + np.repeat(2 * np.arange(n) + 1, sizes)] = ids
        return Framed(symbols, offsets_of((sizes + 2).tolist(), n))


def new_frame(kind: Literal["bytes", "words", "tokens"]) -> Frame:
    """A frame for an alphabet that is not fitted yet."""
    return Frame(None if kind == "bytes" else get_alphabet(kind))


def _framed_bytes(texts: Sequence[bytes]) -> Framed:
    """Newline, text, newline."""
    joined = b"".join(part for text in texts for part in (_MARK, text, _MARK))
    return Framed(np.frombuffer(joined, np.uint8), offsets_of((len(text) + 2 for text in texts), len(texts)))
