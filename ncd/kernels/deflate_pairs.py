"""
Lengths of the deflate streams of pairs at level 9: which pairs are ordinary, one at a time, and all of two collections.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncd.kernels.deflate_codes import SLIDE
from ncd.kernels.deflate_prepare import CHAIN, First, Seconds, most_alike, prepare_first, prepare_seconds
from ncd.kernels.deflate_steps import Pair, Place, begin_pair, count_all, place_of, step
from ncd.kernels.deflate_trees import BLOCK_SYMBOLS, SYMBOLS, block_costs, block_costs_of_two, flushed
from ncd.kernels.jit import inlined, kernel

__all__ = [
    "SLIDE",
    "SYMBOLS",
    "First",
    "Pair",
    "Place",
    "Seconds",
    "all_bytes",
    "enter_first",
    "is_ordinary",
    "pair_bytes",
    "parsed",
    "prepare_seconds",
    "stream_bytes",
]

_LEAST = 4  # bytes of a first text that has a trigram which may be found


@inlined
def stream_bytes(doubt: Any, whole: Any, symbols: Any, extra: Any, own: Any, fixed: Any) -> Any:
    """Bytes of a stream of one block for so many of text, or -1 where there would be more blocks, or is doubt."""
    length = flushed(0, own + extra, fixed + extra, whole, True, True) >> 3
    return length if symbols < BLOCK_SYMBOLS and not doubt else np.int64(-1)


@inlined
def parsed(first: First, size: Any, seconds: Seconds, text: Any, pair: Pair) -> Any:
    """Parse a pair into the frequencies of `pair`; returns the second text's bytes, symbols, extra bits."""
    place = place_of(size, seconds, text)
    inside, pending, far, symbols, extra = begin_pair(first, place, seconds, text, pair)
    count = np.int64(0)
    while inside < place.after:
        inside, pending, far, count = step(first, place, seconds, pair, inside, pending, far, count)
    fewer, more = count_all(place, seconds.data, pair, count)
    return place.after, symbols + fewer, extra + more


@inlined
def pair_bytes(first: First, size: Any, coded: Any, seconds: Seconds, text: Any, pair: Pair, alphabet: Any) -> Any:
    """
    Bytes of the raw deflate stream of a pair at level 9.

    Parameters
    ----------
    first : First
        From `prepare_first`.
    size, coded : int
        Bytes of the first text and the separator, and how many of them are part of the stream.
    seconds : Seconds
        From `prepare_seconds`.
    text : int
        Which of the second texts.
    pair : Pair
    alphabet : uint16 array
        Symbols in order, among which all those are that occur.

    Returns
    -------
    int64
        Or -1 where the stream has more than one block.
    """
    after, symbols, extra = parsed(first, size, seconds, text, pair)
    own, fixed = block_costs(pair.trees, pair.literal, alphabet, pair.distance)
    return stream_bytes(pair.doubt[0], coded + after, symbols, extra, own, fixed)


@inlined
def _two_pairs(
    first: First, size: Any, coded: Any, seconds: Seconds, text: Any, text2: Any, pair: Pair, pair2: Pair, alphabet: Any
) -> Any:
    """As `pair_bytes`, for two second texts."""
    place = place_of(size, seconds, text)
    place2 = place_of(size, seconds, text2)
    inside, pending, far, symbols, extra = begin_pair(first, place, seconds, text, pair)
    inside2, pending2, far2, symbols2, extra2 = begin_pair(first, place2, seconds, text2, pair2)
    count = count2 = np.int64(0)
    while inside < place.after or inside2 < place2.after:
        inside, pending, far, count = step(first, place, seconds, pair, inside, pending, far, count)
        inside2, pending2, far2, count2 = step(first, place2, seconds, pair2, inside2, pending2, far2, count2)
    fewer, more = count_all(place, seconds.data, pair, count)
    fewer2, more2 = count_all(place2, seconds.data, pair2, count2)
    own, fixed, own2, fixed2 = block_costs_of_two(
        pair.trees, pair.literal, pair.distance, pair2.trees, pair2.literal, pair2.distance, alphabet
    )
    return (
        stream_bytes(pair.doubt[0], coded + place.after, symbols + fewer, extra + more, own, fixed),
        stream_bytes(pair2.doubt[0], coded + place2.after, symbols2 + fewer2, extra2 + more2, own2, fixed2),
    )


@inlined
def enter_first(first: First, data: Any, begin: Any, end: Any, separator: Any, primed: Any) -> Any:
    """
    Prepare a first text and its separator, where any of its pairs may be ordinary.

    Returns the bytes of both, how many of them are part of the stream, and the size of the largest class of equal
    hashes: more than `CHAIN` where no pair is ordinary.
    """
    size = end - begin + len(separator)
    if size < _LEAST or size >= SLIDE:
        return size, 0, CHAIN + 1
    for at in range(end - begin):
        first.prefix[at] = data[begin + at]
    for at in range(len(separator)):
        first.prefix[end - begin + at] = separator[at]
    for at in range(size, size + 16):
        first.prefix[at] = 0
    coded = 0 if primed else size
    alike = most_alike(first.prefix, 0, size, first.alike)
    if alike <= CHAIN:
        prepare_first(first, size, coded)
    return size, coded, alike


@inlined
def is_ordinary(size: Any, alike: Any, after: Any, alike2: Any) -> Any:
    """Whether a pair is ordinary (see `all_bytes`), from sizes and largest classes of both texts."""
    whole = size + after
    return whole < SLIDE and alike2 <= CHAIN and (whole <= CHAIN or alike + alike2 + 2 <= CHAIN)


@inlined
def _leave_out(result: Any, row: Any) -> None:
    """No pair of a first text is ordinary."""
    for text in range(result.shape[1]):
        if result[row, text] == 0:
            result[row, text] = -1


@kernel
def all_bytes(
    data: Any,
    offsets: Any,
    separator: Any,
    primed: Any,
    seconds: Seconds,
    first: First,
    pair: Pair,
    pair2: Pair,
    alphabet: Any,
    result: Any,
) -> None:
    """
    Bytes of the raw deflate streams of all pairs, -1 for those that are not ordinary.

    A pair is ordinary if no limit of zlib's can play a part: the window does not slide, the largest class of equal
    hashes is within the chain's limit, there is one block, and the first text has a trigram that may be found.

    Parameters
    ----------
    data : uint8 array
    offsets : int64 array, shape (n + 1,)
        First texts.
    separator : uint8 array
    primed : bool
        The first text, of which the last 32,768 bytes count, is a preset dictionary, without separator.
    seconds : Seconds
        From `prepare_seconds`.
    first, pair, pair2 : First, Pair
        Scratch memory.
    alphabet : uint16 array
        Symbols in order, among which all those are that occur in any pair.
    result : int64 array, shape (n, m)
        Pairs whose entry is not 0 are left alone.
    """
    texts = len(seconds.offsets) - 1
    for row in range(len(offsets) - 1):
        size, coded, alike = enter_first(first, data, offsets[row], offsets[row + 1], separator, primed)
        if alike > CHAIN:
            _leave_out(result, row)
            continue
        waiting = -1
        for text in range(texts):
            if result[row, text] != 0:
                continue
            if not is_ordinary(size, alike, seconds.offsets[text + 1] - seconds.offsets[text], seconds.alike[text]):
                result[row, text] = -1
            elif waiting < 0:
                waiting = text
            else:
                result[row, waiting], result[row, text] = _two_pairs(
                    first, size, coded, seconds, waiting, text, pair, pair2, alphabet
                )
                waiting = -1
        if waiting >= 0:
            result[row, waiting] = pair_bytes(first, size, coded, seconds, waiting, pair, alphabet)
