"""The strings of up to M symbols that occur in texts, sorted: what class counts and n-gram features are read from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["common", "count_first", "fill_keys", "places_of", "radix_sort", "width"]

_DIGIT = np.uint64(11)
_BUCKETS = 1 << 11


@kernel
def count_first(symbols: Any, counts: NDArray[np.int64]) -> None:
    """Count each symbol in `counts`."""
    for at in range(len(symbols)):
        counts[symbols[at]] += 1


@kernel
def places_of(symbols: Any, group_of: NDArray[np.int32], nexts: NDArray[np.int64], places: NDArray[np.uint32]) -> None:
    """
    Positions in the texts, group by group, ascending in each.

    Parameters
    ----------
    symbols : ndarray of uint8 or uint32, shape (n,)
    group_of : ndarray of int32
        The group of a position, by its symbol.
    nexts : ndarray of int64, shape (groups,)
        Where each group begins in `places`; at the end: where it ends.
    places : ndarray of uint32, shape (n,)
        Filled in.
    """
    for at in range(len(symbols)):
        group = group_of[symbols[at]]
        places[nexts[group]] = at
        nexts[group] += 1


@kernel
def fill_keys(
    symbols: Any,
    offsets: NDArray[np.int64],
    places: NDArray[np.uint32],
    order: int,
    bits: int,
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint32],
) -> None:
    """
    The string of `order` symbols at each place, as a number whose order is that of the strings.

    A symbol s takes `bits` bits as s + 1; past the end of its text a string is filled with zeros.

    Parameters
    ----------
    symbols : ndarray of uint8 or uint32
        All texts.
    offsets : ndarray of int64, shape (n_texts + 1,)
        Where each text begins and the last one ends.
    places : ndarray of uint32, shape (n,)
        Ascending.
    order, bits : int
        At most 64 bits in all.
    keys, owners : ndarrays, shape (n,)
        Filled in: the strings, and the text that each is in.
    """
    text = 0
    shift = np.uint64(bits)
    for i in range(len(places)):
        place = np.int64(places[i])
        while place >= offsets[text + 1]:
            text += 1
        stop = min(place + order, offsets[text + 1])
        key = np.uint64(0)
        for at in range(place, stop):
            key = (key << shift) | (np.uint64(symbols[at]) + np.uint64(1))
        keys[i] = key << np.uint64(bits * (order - (stop - place)))
        owners[i] = text


@kernel
def radix_sort(
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint32],
    other_keys: NDArray[np.uint64],
    other_owners: NDArray[np.uint32],
    counts: NDArray[np.int64],
    bits: int,
) -> bool:
    """
    Sort keys of so many bits, stable, and their owners with them.

    Returns
    -------
    bool
        Whether the result is in `other_keys` and `other_owners`.
    """
    n = len(keys)
    digits = (bits + 10) // 11
    mask = np.uint64(_BUCKETS - 1)
    counts[:] = 0
    for i in range(n):
        key = keys[i]
        for digit in range(digits):
            counts[(digit << 11) + np.int64((key >> (np.uint64(digit) * _DIGIT)) & mask)] += 1
    swapped = False
    for digit in range(digits):
        base, shift = digit << 11, np.uint64(digit) * _DIGIT
        source_keys, source_owners = (other_keys, other_owners) if swapped else (keys, owners)
        target_keys, target_owners = (keys, owners) if swapped else (other_keys, other_owners)
        if n == 0 or counts[base + np.int64((source_keys[0] >> shift) & mask)] == n:
            continue
        total = 0
        for bucket in range(base, base + _BUCKETS):
            count = counts[bucket]
            counts[bucket] = total
            total += count
        for i in range(n):
            key = source_keys[i]
            bucket = base + np.int64((key >> shift) & mask)
            place = counts[bucket]
            counts[bucket] = place + 1
            target_keys[place] = key
            target_owners[place] = source_owners[i]
        swapped = not swapped
    return swapped


@inlined
def width(key: np.uint64, order: int, bits: int) -> int:
    """Number of symbols in a key: those before the zeros at its end."""
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    count = order
    while count > 0 and ((key >> np.uint64(bits * (order - count))) & mask) == np.uint64(0):
        count -= 1
    return count


@inlined
def common(one: np.uint64, two: np.uint64, order: int, bits: int) -> int:
    """Number of symbols at the start that two keys share."""
    different = one ^ two
    count = 0
    while count < order and (different >> np.uint64(bits * (order - count - 1))) == np.uint64(0):
        count += 1
    return count
