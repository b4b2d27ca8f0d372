"""
Length of a raw deflate stream at any level, by following zlib's parse step by step.

This is the faithful path: chains of equal hashes with their limits, the sliding window and what it loses, blocks. It
follows ``deflate.c`` (fill_window, longest_match, deflate_fast, deflate_slow, deflateSetDictionary) of zlib 1.2.13, for
input given in one piece; the parse of other classic releases is the same. Positions are absolute: what zlib keeps in
tables that slide is here compared with the window's start, `base`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.deflate_codes import (
    END,
    FARTHEST,
    LEVELS,
    LONGEST,
    SHORTEST,
    TOO_FAR,
    WINDOW,
    distance_code,
    length_code,
)
from ncd.kernels.deflate_trees import BLOCK_SYMBOLS, DISTANCES, SYMBOLS, Trees, block_costs, flushed
from ncd.kernels.jit import inlined, kernel

__all__ = ["Parse", "deflate_bytes", "hash3"]

_RESERVE = LONGEST + SHORTEST + 1  # zlib refills its window when fewer bytes are ahead
_HASHES = 32768
_ALPHABET = np.arange(SYMBOLS, dtype=np.uint16)


class Parse(NamedTuple):
    """Scratch memory of `deflate_bytes`."""

    newest: NDArray[np.int64]  # position of each hash
    before: NDArray[np.int64]  # the position before, of equal hash
    literal: NDArray[np.uint16]  # frequencies in this block
    distance: NDArray[np.uint16]
    trees: Trees

    @classmethod
    def empty(cls) -> Parse:
        """Memory for one text at a time."""
        frequencies = np.empty(SYMBOLS, np.uint16), np.empty(DISTANCES, np.uint16)
        return cls(np.empty(_HASHES, np.int64), np.empty(WINDOW, np.int64), *frequencies, Trees.empty())


@inlined
def hash3(data: Any, at: Any) -> Any:
    """zlib's hash of three bytes (15 bits)."""
    first, second, third = np.int64(data[at]), np.int64(data[at + 1]), np.int64(data[at + 2])
    return ((first << 10) ^ (second << 5) ^ third) & (_HASHES - 1)


@inlined
def _insert(data: Any, begin: Any, position: Any, newest: Any, before: Any) -> Any:
    """Enter a position into its chain; returns the newest position of the same hash so far."""
    code = hash3(data, begin + position)
    found = newest[code]
    before[position & (WINDOW - 1)] = found
    newest[code] = position
    return found


@kernel
def _longest(
    data: Any, begin: Any, position: Any, candidate: Any, known: Any, ahead: Any, base: Any, before: Any, limits: Any
) -> Any:
    """The first longest match along a chain that is longer than `known`: length (or `known`) and start."""
    good, _lazy, nice, steps, _slow = limits
    if known >= good:
        steps >>= 2
    nice = min(nice, ahead)
    most = min(LONGEST, ahead)
    last = max(base, position - FARTHEST)
    best, start = known, np.int64(0)
    here = begin + position
    while True:
        there = begin + candidate
        if best >= most or data[there + best] == data[here + best]:
            length = 0
            while length < most and data[there + length] == data[here + length]:
                length += 1
            if length > best:
                best, start = length, candidate
                if length >= nice:
                    break
        candidate = before[candidate & (WINDOW - 1)]
        steps -= 1
        if candidate <= last or steps == 0:
            break
    return min(best, ahead), start


@kernel
def _clear(literal: Any, distance: Any) -> None:
    """Begin a block."""
    for symbol in range(SYMBOLS):
        literal[symbol] = 0
    for code in range(DISTANCES):
        distance[code] = 0
    literal[END] = 1


@inlined
def _count_match(literal: Any, distance: Any, length: Any, far: Any) -> Any:
    """Count a match; returns its extra bits."""
    symbol, extra = length_code(length)
    code, more = distance_code(far)
    literal[symbol] += 1
    distance[code] += 1
    return extra + more


@kernel
def deflate_bytes(data: Any, begin: Any, coded: Any, end: Any, level: Any, parse: Parse) -> Any:
    """
    Bytes of the raw deflate stream of ``data[coded:end]``, with ``data[begin:coded]`` as preset dictionary.

    Parameters
    ----------
    data : uint8 array
    begin, coded, end : int
        The dictionary is at most 32,768 bytes; ``begin == coded`` without one.
    level : int
        1 to 9.
    parse : Parse

    Returns
    -------
    int64
    """
    newest, before, literal, distance, trees = parse
    limits = (LEVELS[level, 0], LEVELS[level, 1], LEVELS[level, 2], LEVELS[level, 3], LEVELS[level, 4])
    lazy, slow = limits[1], limits[4] == 1
    size = end - begin
    for code in range(_HASHES):
        newest[code] = 0
    position = coded - begin
    for old in range(min(position, size - 2)):
        _insert(data, begin, old, newest, before)
    base, filled = 0, min(size, 2 * WINDOW)
    block, symbols, extra, bits = position, 0, np.int64(0), np.int64(0)
    known, start, pending = SHORTEST - 1, 0, False
    _clear(literal, distance)
    while True:
        if filled - position < _RESERVE:
            if position - base >= WINDOW + FARTHEST:
                base += WINDOW
            filled = min(size, base + 2 * WINDOW)
        ahead = filled - position
        if ahead == 0:
            break
        candidate = np.int64(0)
        if ahead >= SHORTEST:
            candidate = _insert(data, begin, position, newest, before)
        length, found = SHORTEST - 1, np.int64(0)
        if candidate > base and position - candidate <= FARTHEST and (not slow or known < lazy):
            shortest = known if slow else SHORTEST - 1
            length, found = _longest(data, begin, position, candidate, shortest, ahead, base, before, limits)
        if not slow:
            if length >= SHORTEST:
                extra += _count_match(literal, distance, length, position - found)
                if length <= lazy and ahead - length >= SHORTEST:
                    for old in range(position + 1, position + length):
                        _insert(data, begin, old, newest, before)
                position += length
            else:
                literal[data[begin + position]] += 1
                position += 1
            symbols += 1
            full = symbols == BLOCK_SYMBOLS
        else:
            if length == SHORTEST and position - found > TOO_FAR:
                length = SHORTEST - 1
            full = False
            if known >= SHORTEST and length <= known:
                extra += _count_match(literal, distance, known, position - 1 - start)
                symbols += 1
                full = symbols == BLOCK_SYMBOLS
                last = position + ahead - SHORTEST
                for old in range(position + 1, min(position + known - 1, last + 1)):
                    _insert(data, begin, old, newest, before)
                position += known - 1
                known, pending = SHORTEST - 1, False
            else:
                if pending:
                    literal[data[begin + position - 1]] += 1
                    symbols += 1
                    full = symbols == BLOCK_SYMBOLS
                    if full:  # zlib closes the block before it steps on
                        own, fixed = block_costs(trees, literal, _ALPHABET, distance)
                        bits = flushed(bits, own + extra, fixed + extra, position - block, block >= base, False)
                        block, symbols, extra, full = position, 0, np.int64(0), False
                        _clear(literal, distance)
                known, start, pending = length, found, True
                position += 1
        if full:
            own, fixed = block_costs(trees, literal, _ALPHABET, distance)
            bits = flushed(bits, own + extra, fixed + extra, position - block, block >= base, False)
            block, symbols, extra = position, 0, np.int64(0)
            _clear(literal, distance)
    if pending:
        literal[data[begin + position - 1]] += 1
    own, fixed = block_costs(trees, literal, _ALPHABET, distance)
    bits = flushed(bits, own + extra, fixed + extra, position - block, block >= base, True)
    return bits >> 3
