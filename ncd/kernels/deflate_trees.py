"""
What one block of deflate costs (zlib's ``trees.c``: scan_tree, build_bl_tree, _tr_flush_block).

Arrays of scratch memory are the caller's, so that the functions run on a GPU as well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.huffman import Huffman, code, code_two, gather
from ncd.kernels.jit import inlined

__all__ = ["BLOCK_SYMBOLS", "DISTANCES", "SYMBOLS", "Trees", "block_costs", "block_costs_of_two", "flushed"]

#: Symbols of the literal/length alphabet that occur: 256 literals, end of block, 29 lengths.
SYMBOLS = 286
DISTANCES = 30
#: A block is closed at so many literals and matches (zlib's memLevel 8).
BLOCK_SYMBOLS = 16383

_HEADER_SYMBOLS = 19
_LONGEST_CODE, _LONGEST_HEADER_CODE = 15, 7
_REPEAT, _ZEROS, _MANY_ZEROS = 16, 17, 18

# Bits of the fixed code (RFC 1951, 3.2.6).
_FIXED = np.array([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8, np.int64)
_FIXED_DISTANCE = np.full(DISTANCES, 5, np.int64)
_DISTANCE_CODES = np.arange(DISTANCES, dtype=np.uint16)
_HEADER_CODES = np.arange(_HEADER_SYMBOLS, dtype=np.uint16)
# Order in which the header gives the lengths of its own code (RFC 1951, 3.2.7): place of each symbol.
_PLACE = np.argsort([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]).astype(np.int64)


class Trees(NamedTuple):
    """Scratch memory of `block_costs`."""

    tree: Huffman
    header: NDArray[np.uint16]  # how often each symbol of the header occurs

    @classmethod
    def empty(cls) -> Trees:
        """Memory for one block at a time."""
        return cls(Huffman.empty(SYMBOLS), np.empty(_HEADER_SYMBOLS, np.uint16))


def _run_tables() -> tuple[NDArray[np.uint64], NDArray[np.uint16], NDArray[np.uint64]]:
    """What the header says of a run: of zeros (packed counts), of equal lengths (singles; packed repeats)."""
    zeros, singles, repeats = (np.zeros(SYMBOLS + 1, np.uint64) for _ in range(3))
    for run in range(SYMBOLS + 1):
        many, rest = divmod(run, 138)
        none, few = (rest, 0) if rest < 3 else (0, 1) if rest < 11 else (0, 0)
        zeros[run] = none | few << 16 | (many + (rest >= 11)) << 32
        again, rest = divmod(max(run - 7, 0), 6)
        again, rest = (again + 1, 0) if rest >= 3 else (again, rest)
        singles[run] = run if run < 4 else 1 + rest
        repeats[run] = 0 if run < 4 else (1 + again) << 48
    return zeros, singles.astype(np.uint16), repeats


_ZERO_RUN, _SINGLE, _REPEATED = _run_tables()


@inlined
def _count_runs(trees: Trees, leaves: Any) -> Any:
    """
    Count the header's symbols for the codes' lengths (scan_tree); returns their extra bits.

    A run of zeros, between two symbols, and a run of equal lengths each give counts that a table holds, so that
    nothing here branches.
    """
    length, symbol, header = trees.tree.length, trees.tree.symbol, trees.header
    packed = np.uint64(0)  # 16 bits each: zeros, short runs of zeros, long runs of zeros, repeats
    expected = np.int64(0)
    before = np.uint64(0)  # no length of a symbol
    run = np.int64(0)
    for leaf in range(leaves):
        this = np.int64(symbol[leaf])
        bits = np.uint64(length[leaf])
        zeros = this - expected
        expected = this + 1
        packed += _ZERO_RUN[np.uint64(zeros)]
        goes_on = zeros == 0 and bits == before
        ended = 0 if goes_on else run
        header[before] += _SINGLE[np.uint64(ended)]
        packed += _REPEATED[np.uint64(ended)]
        run = run + 1 if goes_on else 1
        before = bits
    header[before] += _SINGLE[run]
    packed += _REPEATED[run]
    short = (packed >> np.uint64(16)) & np.uint64(0xFFFF)
    long = (packed >> np.uint64(32)) & np.uint64(0xFFFF)
    repeats = packed >> np.uint64(48)
    header[0] += packed & np.uint64(0xFFFF)
    header[_ZEROS] += short
    header[_MANY_ZEROS] += long
    header[_REPEAT] += repeats
    return np.int64(repeats + repeats + np.uint64(3) * short + np.uint64(7) * long)


@inlined
def _begin_header(header: Any) -> None:
    """No symbol of the header so far."""
    for symbol in range(_HEADER_SYMBOLS):
        header[symbol] = 0


@inlined
def _places(symbol: Any, leaves: Any) -> Any:
    """Bits of the header before its symbols: the three counts, and the lengths of the header's own code."""
    place = np.int64(3)
    for leaf in range(leaves):
        place = max(place, _PLACE[symbol[leaf]])
    return 3 * (place + 1) + 14


@inlined
def block_costs(trees: Trees, literal: Any, alphabet: Any, distance: Any) -> Any:
    """
    Bits of one block with a code of its own, and with the fixed code, extra bits of lengths and distances left out.

    Parameters
    ----------
    trees : Trees
    literal : uint16 array
        How often each symbol of the literal/length alphabet occurs, the end of block (256) included.
    alphabet : uint16 array
        Symbols in order, among which all those are that occur.
    distance : uint16 array
        How often each of the 30 distance codes occurs.

    Returns
    -------
    own, fixed : int64
        Bits without the three of the block's type.
    """
    tree, header = trees.tree, trees.header
    _begin_header(header)
    leaves, forced, fixed = gather(tree, literal, alphabet, len(alphabet), _FIXED)
    bits = code(tree, leaves, _LONGEST_CODE) - forced
    bits += _count_runs(trees, leaves)
    leaves, forced, more = gather(tree, distance, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE)
    bits += code(tree, leaves, _LONGEST_CODE) - forced
    bits += _count_runs(trees, leaves)
    leaves, forced, _ = gather(tree, header, _HEADER_CODES, _HEADER_SYMBOLS, _FIXED_DISTANCE)
    bits += code(tree, leaves, _LONGEST_HEADER_CODE) - forced
    return bits + _places(tree.symbol, leaves), fixed + more


@inlined
def block_costs_of_two(
    trees: Trees, literal: Any, distance: Any, trees2: Trees, literal2: Any, distance2: Any, alphabet: Any
) -> Any:
    """As `block_costs`, for two blocks at a time: own and fixed bits of the first, then of the second."""
    one, two = trees.tree, trees2.tree
    _begin_header(trees.header)
    _begin_header(trees2.header)
    leaves, forced, fixed = gather(one, literal, alphabet, len(alphabet), _FIXED)
    leaves2, forced2, fixed2 = gather(two, literal2, alphabet, len(alphabet), _FIXED)
    bits, bits2 = code_two(one, leaves, two, leaves2, _LONGEST_CODE)
    bits += _count_runs(trees, leaves) - forced
    bits2 += _count_runs(trees2, leaves2) - forced2
    leaves, forced, more = gather(one, distance, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE)
    leaves2, forced2, more2 = gather(two, distance2, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE)
    again, again2 = code_two(one, leaves, two, leaves2, _LONGEST_CODE)
    bits += again + _count_runs(trees, leaves) - forced
    bits2 += again2 + _count_runs(trees2, leaves2) - forced2
    leaves, forced, _ = gather(one, trees.header, _HEADER_CODES, _HEADER_SYMBOLS, _FIXED_DISTANCE)
    leaves2, forced2, _ = gather(two, trees2.header, _HEADER_CODES, _HEADER_SYMBOLS, _FIXED_DISTANCE)
    again, again2 = code_two(one, leaves, two, leaves2, _LONGEST_HEADER_CODE)
    bits += again - forced + _places(one.symbol, leaves)
    bits2 += again2 - forced2 + _places(two.symbol, leaves2)
    return bits, fixed + more, bits2, fixed2 + more2


@inlined
def flushed(position: Any, own: Any, fixed: Any, stored: Any, may_store: Any, last: Any) -> Any:
    """
    Bits of the stream once a block has been added to it at a position (_tr_flush_block, one flush a block).

    Parameters
    ----------
    position : int
        Bits so far.
    own, fixed : int
        From `block_costs`, extra bits of lengths and distances added.
    stored : int
        Bytes of text that the block stands for.
    may_store : bool
        Whether the window still holds all of them.
    last : bool
        The stream ends with a full byte.
    """
    best = min((own + 10) >> 3, (fixed + 10) >> 3)
    if may_store and stored + 4 <= best:
        position = ((position + 10) & ~np.int64(7)) + 8 * (4 + stored)
    elif (fixed + 10) >> 3 == best:
        position += 3 + fixed
    else:
        position += 3 + own
    return (position + 7) & ~np.int64(7) if last else position
