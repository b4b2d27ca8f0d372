"""
Distances between the frequencies of words in stretches of a sequence, exact and in one pass over all cuts.

The words of length m at places start ... stop - m are those of [start, stop). Two stretches with a and b words, where
a word w comes x_w and y_w times, have the distance

    sum_w |x_w / a - y_w / b| = sum_w |b x_w - a y_w| / (a b).

For neighbours [start, t) and [t, stop), with N = a + b, c_w = x_w + y_w and F_w = N x_w - a c_w, it is
sum_w |F_w| / (a b).
When t moves on by one, every F_w falls by c_w, and two words change otherwise: one enters the left stretch, one leaves
the right one. So the sum falls by sum_w sign(F_w) c_w, kept up to date, and corrections are due for the two words and
for those whose F_w falls below zero. When that will happen is known, x_w N / c_w being a place, and never comes nearer:
such words wait in a list for each place. All in integers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["WordCounts", "add_distances", "add_pair", "longer_words"]

_NONE = np.int32(-1)


@kernel
def longer_words(
    words: NDArray[np.int32],
    symbols: NDArray[np.int32],
    before: int,
    count: int,
    alphabet: int,
    keys: NDArray[np.uint64],
    ids: NDArray[np.int32],
) -> int:
    """
    Words one symbol longer, numbered from 0 in the order of their first places.

    Parameters
    ----------
    words : ndarray of int32, shape (n,)
        Numbers of the words of length `before` at each place; replaced by those of the longer ones.
    symbols : ndarray of int32, shape (n,)
    before : int
    count : int
        How many different words there are.
    alphabet : int
        How many different symbols.
    keys, ids : ndarray
        Scratch, as long as a power of 2, at least 2 n.

    Returns
    -------
    int
        How many longer words there are.
    """
    size, found = len(ids), 0
    places = len(symbols) - before
    direct = count * alphabet <= size
    for i in range(count * alphabet if direct else size):
        ids[i] = _NONE
    mask = np.uint64(size - 1)
    for t in range(places):
        key = np.uint64(words[t]) * np.uint64(alphabet) + np.uint64(symbols[t + before])
        slot = key
        if not direct:
            slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
            while ids[slot] != _NONE and keys[slot] != key:
                slot = (slot + np.uint64(1)) & mask
        if ids[slot] == _NONE:
            ids[slot] = found
            keys[slot] = key
            found += 1
        words[t] = ids[slot]
    return found


class WordCounts(NamedTuple):
    """Memory for one number for each word, zeros between calls, and for the lists of waiting words."""

    left: NDArray[np.int64]
    whole: NDArray[np.int64]
    signs: NDArray[np.int8]
    following: NDArray[np.int32]
    heads: NDArray[np.int32]  # one for each cut


@kernel
def add_pair(
    words: NDArray[np.int32], length: int, parts: NDArray[np.int64], weight: float, counts: NDArray[np.int64]
) -> float:
    """`weight` times the distance of [parts[0], parts[1]) and [parts[2], parts[3]); 0 if one of them has no word."""
    a, b = parts[1] - parts[0] - length + 1, parts[3] - parts[2] - length + 1
    if a < 1 or b < 1:
        return 0.0
    for t in range(parts[0], parts[0] + a):
        counts[words[t]] += b
    for t in range(parts[2], parts[2] + b):
        counts[words[t]] -= a
    total = 0
    for part in range(0, 4, 2):
        for t in range(parts[part], parts[part + 1] - length + 1):
            total += abs(counts[words[t]])
            counts[words[t]] = 0
    return weight * (total / (float(a) * float(b)))


@inlined
def _wait_until(memory: WordCounts, word: Any, n: Any, offset: Any, most: Any) -> None:
    """Put a word whose F is above zero into the list of the cut at which it is so no more, if that one is wanted."""
    place = (memory.left[word] * n + memory.whole[word] - 1) // memory.whole[word] - offset
    if place <= most:
        memory.following[word] = memory.heads[place]
        memory.heads[place] = word


@inlined
def _change(
    memory: WordCounts,
    word: Any,
    left: Any,
    whole: Any,
    n: Any,
    a: Any,
    offset: Any,
    most: Any,
    total: Any,
    slope: Any,
) -> Any:
    """Count a word otherwise; returns the sums of |F| and of sign(F) c."""
    total -= abs(n * memory.left[word] - a * memory.whole[word])
    slope -= memory.signs[word] * memory.whole[word]
    memory.left[word] += left
    memory.whole[word] += whole
    value = n * memory.left[word] - a * memory.whole[word]
    total += abs(value)
    if value > 0 and memory.signs[word] < 0:
        memory.signs[word] = 1
        _wait_until(memory, word, n, offset, most)
    slope += memory.signs[word] * memory.whole[word]
    return total, slope


@kernel
def add_distances(
    words: NDArray[np.int32],
    length: int,
    start: int,
    first: int,
    last: int,
    stop: int,
    weight: float,
    memory: WordCounts,
    out: NDArray[np.float64],
) -> None:
    """
    Add to out[t - first] `weight` times the distance of [start, t) and [t, stop), for t = first ... last.

    Nothing for cuts with less than one word on a side.
    """
    first_cut = max(first, start + length)
    last_cut = min(last, stop - length)
    if first_cut > last_cut:
        return
    left, whole, signs, heads = memory.left, memory.whole, memory.signs, memory.heads
    a = first_cut - start - length + 1
    n = stop - start - 2 * (length - 1)
    offset = a
    for i in range(last_cut - first_cut + 1):
        heads[i] = _NONE
    for t in range(start, start + a):
        left[words[t]] += 1
        whole[words[t]] += 1
    for t in range(first_cut, stop - length + 1):
        whole[words[t]] += 1
    total, slope = np.int64(0), np.int64(0)
    for t in range(start, stop - length + 1):
        word = words[t]
        if signs[word] == 0:
            value = n * left[word] - a * whole[word]
            total += abs(value)
            if value > 0:
                signs[word] = 1
                _wait_until(memory, word, n, offset, last_cut - first_cut)
            else:
                signs[word] = -1
            slope += signs[word] * whole[word]
    for t in range(first_cut, last_cut + 1):
        out[t - first] += weight * (total / (float(a) * float(n - a)))
        if t == last_cut:
            break
        a += 1
        total -= slope
        word = heads[a - offset]
        while word != _NONE:
            following = memory.following[word]
            value = n * left[word] - a * whole[word]
            if value > 0:
                _wait_until(memory, word, n, offset, last_cut - first_cut)
            else:
                signs[word] = -1
                total -= 2 * value
                slope -= 2 * whole[word]
            word = following
        total, slope = _change(memory, words[t], 0, -1, n, a, offset, last_cut - first_cut, total, slope)
        total, slope = _change(memory, words[t + 1 - length], 1, 1, n, a, offset, last_cut - first_cut, total, slope)
    for t in range(start, stop - length + 1):
        left[words[t]] = 0
        whole[words[t]] = 0
        signs[words[t]] = 0
