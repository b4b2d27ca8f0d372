"""Units of a text as symbols: words cut to their first characters, or runs of a few characters."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.units import Units
from ncd.tokens import decoded

__all__ = ["Symbols", "char_symbols", "spaceless_share", "word_symbols"]

# Scripts that write no spaces between words: first and last code point.
_HAN_KANA = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0x20000, 0x3FFFF),
)
_OTHERS = ((0x0E00, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai, Lao, Tibetan, Burmese, Khmer
_MOST = 1 << 62


@dataclass(frozen=True, eq=False)
class Symbols:
    """
    The symbols of a text, and which unit each belongs to.

    Attributes
    ----------
    ids : ndarray of uint32, shape (N,)
        From 0 to `kinds` - 1.
    bounds : ndarray of int64, shape (n_units + 1,)
        Unit u has ``ids[bounds[u]:bounds[u + 1]]``: the symbols that begin in it.
    kinds : int
        Number of different symbols.
    lengths : ndarray of float64, shape (kinds,)
        Mean length in characters of what each one stands for.
    """

    ids: NDArray[np.uint32]
    bounds: NDArray[np.int64]
    kinds: int
    lengths: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Letters:
    """A text's characters as small numbers: 0 for what is no part of a word, equal for both cases."""

    ranks: NDArray[np.uint32]
    size: int

    @classmethod
    def of(cls, text: str) -> _Letters:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        distinct = np.flatnonzero(np.bincount(codes)) if len(codes) else np.empty(0, np.int64)
        lowered = [chr(code).lower()[:1] if _in_word(chr(code)) else "" for code in distinct.tolist()]
        number = {character: rank for rank, character in enumerate(dict.fromkeys(["", *lowered]))}
        table = np.zeros(int(distinct[-1]) + 1 if len(distinct) else 1, np.uint32)
        table[distinct] = [number[character] for character in lowered]
        return cls(table[codes], len(number))


def _in_word(character: str) -> bool:
    r"""As in `ncd.words.words_with_marks`: \w, combining marks, the zero-width joiners."""
    return character.isalnum() or character in "_\u200c\u200d" or unicodedata.category(character)[0] == "M"


def _numbered(columns: list[NDArray[np.uint32]], size: int) -> tuple[NDArray[np.uint32], int]:
    """Equal rows of small numbers (under `size`) get equal symbols."""
    keys, kinds = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        if kinds * size >= _MOST:
            keys, kinds = _dense(keys)
        keys, kinds = keys * size + column, kinds * size
    keys, kinds = _dense(keys)
    return keys.astype(np.uint32), kinds


def _dense(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Keys as numbers from 0, in the order of the keys."""
    distinct, numbers = np.unique(keys, return_inverse=True)
    return numbers.astype(np.int64), len(distinct)


def _symbols(
    columns: list[NDArray[np.uint32]],
    size: int,
    starts: NDArray[np.int64],
    sizes: NDArray[np.int64],
    units: Units,
) -> Symbols:
    """Symbols of `sizes` characters that begin at characters `starts`."""
    ids, kinds = _numbered(columns, size)
    lengths = np.bincount(ids, sizes, kinds) / np.maximum(np.bincount(ids, minlength=kinds), 1)
    return Symbols(ids, np.searchsorted(starts, units.characters), kinds if len(ids) else 0, lengths)


def word_symbols(units: Units, prefix: int = 5) -> Symbols:
    r"""
    Words in lower case, cut to their first characters.

    A word is a run of letters, digits, underscores and combining marks, as in `ncd.words.words_with_marks`; marks of
    punctuation are left out. It belongs to the unit in which it begins.

    Parameters
    ----------
    units : Units
    prefix : int
        Characters that are kept.

    Returns
    -------
    Symbols

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> found = word_symbols(split_units("Compress, compressed.\nA text", "lines"))
    >>> found.ids.tolist(), found.bounds.tolist()
    ([1, 1, 0, 2], [0, 2, 4])
    """
    letters = _Letters.of(decoded(units.text))
    ranks = np.concatenate([letters.ranks, np.zeros(prefix, np.uint32)])
    inside = letters.ranks > 0
    starts = np.flatnonzero(inside & ~np.concatenate([[False], inside[:-1]]))
    ends = np.flatnonzero(inside & ~np.concatenate([inside[1:], [False]])) + 1
    columns = [ranks[starts]]
    for shift in range(1, prefix):
        columns.append(np.where(columns[-1] > 0, ranks[starts + shift], 0).astype(np.uint32))
    return _symbols(columns, letters.size, starts, ends - starts, units)


def char_symbols(units: Units, size: int = 4) -> Symbols:
    """
    All runs of `size` characters in lower case, at every character; what stands between words counts as one space.

    A run belongs to the unit in which it begins, and may end in a later one.

    Parameters
    ----------
    units : Units
    size : int

    Returns
    -------
    Symbols

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> char_symbols(split_units("ab, ab", "bytes"), 3).ids.tolist()  # "ab ", "b a", " ab"
    [1, 2, 0]
    """
    letters = _Letters.of(decoded(units.text))
    inside = letters.ranks > 0
    kept = np.flatnonzero(inside | np.concatenate([[False], inside[:-1]])) if len(inside) else np.empty(0, np.int64)
    ranks = letters.ranks[kept]
    count = max(len(kept) - size + 1, 0)
    columns = [ranks[shift : shift + count] for shift in range(size)]
    return _symbols(columns, letters.size, kept[:count], np.full(count, size), units)


def spaceless_share(units: Units) -> tuple[float, float]:
    """
    Share of the letters that are of scripts without spaces: Chinese and Japanese; Thai, Lao, Tibetan, Burmese, Khmer.

    Returns
    -------
    han_kana, others : float
        0 and 0 where there is no letter.
    """
    if units.text.isascii():
        return 0.0, 0.0
    codes = np.frombuffer(decoded(units.text).encode("utf-32-le", "surrogatepass"), np.uint32)
    counts = np.bincount(codes)
    letters = sum(int(counts[code]) for code in np.flatnonzero(counts).tolist() if _in_word(chr(code)))

    def share(ranges: tuple[tuple[int, int], ...]) -> float:
        return sum(int(counts[low : high + 1].sum()) for low, high in ranges) / letters if letters else 0.0

    return share(_HAN_KANA), share(_OTHERS)
