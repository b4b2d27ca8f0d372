"""
What one block of deflate costs: zlib's Huffman trees, replayed to the last tie.

Among optimal prefix codes of the same block, code lengths differ, and with them the header that transmits them. zlib's
choice is that of its heap (``trees.c``: build_tree, gen_bitlen, scan_tree, build_bl_tree, _tr_flush_block), so the
heap is what runs here: the same sifts on the same array, with keys ``weight << 16 | depth << 10 | node``. zlib's
comparison of weights, and of depths among equal weights, is that of keys without the node.

Arrays of scratch memory are the caller's, so that the functions run on a GPU as well; `block_scratch` makes them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["BLOCK_SYMBOLS", "SYMBOLS", "block_costs", "block_scratch", "flushed"]

#: Symbols of the literal/length alphabet that occur: 256 literals, end of block, 29 lengths.
SYMBOLS = 286
DISTANCES = 30
#: A block is closed at so many literals and matches (zlib's memLevel 8).
BLOCK_SYMBOLS = 16383

_HEAP = 1024  # places of the heap: a power of two above all leaves, and a level of sentinels below them
_NODES = 2 * SYMBOLS
_ABSENT = np.uint32(0xFFFFFFFF)
_WEIGHT = np.uint32(0xFFFF0000)
_DEPTH = np.uint32(0x0000FC00)
_NODE = np.uint32(0x000003FF)
_DEEPER = np.uint32(0x00000400)
_LONGEST_CODE, _LONGEST_HEADER_CODE = 15, 7
_REPEAT, _ZEROS, _MANY_ZEROS = 16, 17, 18

# Bits of the fixed code (RFC 1951, 3.2.6).
_FIXED = np.array([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8, np.int64)
_FIXED_DISTANCE = np.full(DISTANCES, 5, np.int64)
_DISTANCE_CODES = np.arange(DISTANCES, dtype=np.uint16)
_HEADER_CODES = np.arange(19, dtype=np.uint16)


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
# Order in which the header gives the lengths of its own code (RFC 1951, 3.2.7): place of each symbol.
_PLACE = np.argsort([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]).astype(np.int64)


def block_scratch() -> tuple[Any, ...]:
    """Scratch memory of `block_costs`, for one thread."""
    return (
        np.empty(_HEAP, np.uint32),
        np.empty(_NODES, np.uint16),  # parent of each node
        np.empty(_NODES, np.uint16),  # nodes in the order in which they left the heap
        np.empty(_NODES, np.uint8),  # length of each node's code
        np.empty(SYMBOLS + 1, np.uint16),  # symbol of each leaf
        np.empty(SYMBOLS + 1, np.uint16),  # weight of each leaf
        np.empty(19, np.uint16),  # how often each symbol of the header occurs
        np.empty(16, np.uint16),  # number of codes of each length
    )


@inlined
def _sift(heap: Any, key: Any, levels: Any, start: Any) -> None:
    """
    Let a key sink from a place of the heap to its own.

    A right child wins ties, and a key sinks no further than a child of its own weight. After the key has found its
    place, the loop goes on to the bottom with the keys it meets, which all stay where they are: a fixed number of
    steps without a branch is faster than the right number.
    """
    place = start
    for _ in range(levels):
        child = place + place
        left, right = heap[child], heap[child + np.uint64(1)]
        second = right <= (left | _NODE)
        least = right if second else left
        stays = key <= (least | _NODE)
        heap[place] = key if stays else least
        key = least if stays else key
        place = child + np.uint64(second)
    heap[place] = key


@inlined
def _levels(size: Any) -> Any:
    """Levels below the root of a heap of so many."""
    levels = 0
    while size > 1:
        size >>= 1
        levels += 1
    return levels


@kernel
def _shorten(parent: Any, order: Any, length: Any, weight: Any, lengths: Any, leaves: Any, longest: Any) -> Any:
    """Bring codes down to the longest that may be, as gen_bitlen does; returns the bits of all symbols."""
    for bits in range(16):
        lengths[bits] = 0
    root = 2 * leaves - 2
    excess = 0
    for node in range(root - 1, -1, -1):
        bits = np.int64(length[parent[node]]) + 1
        if bits > longest:
            bits = longest
            excess += 1
        length[node] = bits
        if node < leaves:
            lengths[bits] += 1
    while excess > 0:
        bits = longest - 1
        while lengths[bits] == 0:
            bits -= 1
        lengths[bits] -= 1
        lengths[bits + 1] += 2
        lengths[longest] -= 1
        excess -= 2
    total = np.int64(0)
    at = 0
    for bits in range(longest, 0, -1):  # the longest codes go to what left the heap first
        left = np.int64(lengths[bits])
        while left > 0:
            node = np.int64(order[at])
            at += 1
            if node < leaves:
                length[node] = bits
                total += bits * np.int64(weight[node])
                left -= 1
    return total


@inlined
def _sift_both(heap: Any, key: Any, heap2: Any, key2: Any, levels: Any) -> None:
    """Two keys sink in two heaps: neither has to wait for the other, so that they take little more time than one."""
    place = place2 = np.uint64(1)
    for _ in range(levels):
        child, child2 = place + place, place2 + place2
        left, right = heap[child], heap[child + np.uint64(1)]
        left2, right2 = heap2[child2], heap2[child2 + np.uint64(1)]
        second, second2 = right <= (left | _NODE), right2 <= (left2 | _NODE)
        least, least2 = right if second else left, right2 if second2 else left2
        stays, stays2 = key <= (least | _NODE), key2 <= (least2 | _NODE)
        heap[place] = key if stays else least
        heap2[place2] = key2 if stays2 else least2
        key, key2 = least if stays else key, least2 if stays2 else key2
        place, place2 = child + np.uint64(second), child2 + np.uint64(second2)
    heap[place] = key
    heap2[place2] = key2


@inlined
def _joined(first: Any, second: Any, node: Any) -> Any:
    """Key of the parent of two."""
    weight = (first & _WEIGHT) + (second & _WEIGHT)
    return weight | (max(first & _DEPTH, second & _DEPTH) + _DEEPER) | node


@inlined
def _heapify(heap: Any, leaves: Any, levels: Any, above: Any) -> None:
    """Sentinels behind the leaves, for so many levels in all, and zlib's first sifts."""
    for place in range(leaves + 1, 2 << above):
        heap[place] = _ABSENT
    start = leaves >> 1
    for level in range(levels - 1, -1, -1):
        for place in range(start, (1 << level) - 1, -1):
            _sift(heap, heap[np.uint64(place)], levels - level, np.uint64(place))
        start = (1 << level) - 1


@inlined
def _merge(heap: Any, parent: Any, order: Any, leaves: Any, size: Any, total: Any) -> Any:
    """Join the two least of a heap of a size until one is left; returns the bits of all symbols, with those before."""
    one = np.uint64(1)
    left = np.uint64(size)
    node = np.uint64(2 * leaves - size)
    levels = _levels(size)
    while left > one:
        first = heap[one]
        last = heap[left]
        heap[left] = _ABSENT
        left -= one
        if left < np.uint64(1) << np.uint64(levels):
            levels -= 1
        _sift(heap, last, levels, one)
        second = heap[one]
        joined = _joined(first, second, node)
        _sift(heap, joined, levels, one)
        parent[first & _NODE] = node
        parent[second & _NODE] = node
        popped = (node - np.uint64(leaves)) << one
        order[popped] = first & _NODE
        order[popped + one] = second & _NODE
        node += one
        total += np.int64(joined >> np.uint64(16))
    return total


@inlined
def _lengths(parent: Any, length: Any, leaves: Any) -> Any:
    """Length of every node's code; returns the longest."""
    node = np.uint64(2 * leaves - 2)
    length[node] = 0
    deepest = np.uint64(0)
    while node > np.uint64(0):
        node -= np.uint64(1)
        bits = np.uint64(length[parent[node]]) + np.uint64(1)
        length[node] = bits
        deepest = max(deepest, bits)
    return np.int64(deepest)


@inlined
def _build_two(
    heap: Any, parent: Any, order: Any, length: Any, weight: Any, leaves: Any,
    heap2: Any, parent2: Any, order2: Any, length2: Any, weight2: Any, leaves2: Any, lengths: Any, longest: Any
) -> Any:
    """As `_build`, for two at a time."""
    levels = max(_levels(leaves), _levels(leaves2))
    _heapify(heap, leaves, _levels(leaves), levels)
    _heapify(heap2, leaves2, _levels(leaves2), levels)
    one = np.uint64(1)
    left, left2 = np.uint64(leaves), np.uint64(leaves2)
    node, node2 = left, left2
    total = total2 = np.int64(0)
    while left > one and left2 > one:
        first, first2 = heap[one], heap2[one]
        last, last2 = heap[left], heap2[left2]
        heap[left] = _ABSENT
        heap2[left2] = _ABSENT
        left -= one
        left2 -= one
        if max(left, left2) < np.uint64(1) << np.uint64(levels):
            levels -= 1
        _sift_both(heap, last, heap2, last2, levels)
        second, second2 = heap[one], heap2[one]
        joined, joined2 = _joined(first, second, node), _joined(first2, second2, node2)
        _sift_both(heap, joined, heap2, joined2, levels)
        parent[first & _NODE] = node
        parent[second & _NODE] = node
        parent2[first2 & _NODE] = node2
        parent2[second2 & _NODE] = node2
        popped = (node - np.uint64(leaves)) << one
        order[popped] = first & _NODE
        order[popped + one] = second & _NODE
        popped = (node2 - np.uint64(leaves2)) << one
        order2[popped] = first2 & _NODE
        order2[popped + one] = second2 & _NODE
        node += one
        node2 += one
        total += np.int64(joined >> np.uint64(16))
        total2 += np.int64(joined2 >> np.uint64(16))
    total = _merge(heap, parent, order, leaves, left, total)
    total2 = _merge(heap2, parent2, order2, leaves2, left2, total2)
    if _lengths(parent, length, leaves) > longest:
        total = _shorten(parent, order, length, weight, lengths, leaves, longest)
    if _lengths(parent2, length2, leaves2) > longest:
        total2 = _shorten(parent2, order2, length2, weight2, lengths, leaves2, longest)
    return total, total2


@kernel
def _build(heap: Any, parent: Any, order: Any, length: Any, weight: Any, lengths: Any, leaves: Any, longest: Any) -> Any:
    """
    Lengths of all codes, from the leaves' keys in the heap and their weights; returns the bits of all symbols.

    The lengths are left in scratch, by leaf. There are at least two leaves.
    """
    levels = _levels(leaves)
    _heapify(heap, leaves, levels, levels)
    total = _merge(heap, parent, order, leaves, leaves, np.int64(0))
    if _lengths(parent, length, leaves) > longest:
        total = _shorten(parent, order, length, weight, lengths, leaves, longest)
    return total


@inlined
def _gather(heap: Any, symbol: Any, weight: Any, frequency: Any, alphabet: Any, size: Any, fixed: Any) -> Any:
    """
    Put the symbols that occur into the heap, in their order; returns leaves, those forced, the bits of a fixed code.

    `alphabet` lists, in order, `size` symbols among which all those that occur are. Where fewer than two occur, zlib
    adds others of weight 1: their bits, one each, are not in the stream.
    """
    leaves = 0
    fixed_bits = np.int64(0)
    for i in range(size):
        this = alphabet[i]
        count = np.int64(frequency[this])
        leaf = np.uint64(leaves)
        heap[leaf + np.uint64(1)] = (np.uint64(count) << np.uint64(16)) | leaf
        symbol[leaf] = this
        weight[leaf] = count
        fixed_bits += count * fixed[this]
        leaves += count != 0
    forced = max(2 - leaves, 0)
    if forced:
        only = np.int64(symbol[0])
        if leaves == 0:
            symbol[0], weight[0] = 0, 1
            symbol[1], weight[1] = 1, 1
        elif only >= 2:
            symbol[1], weight[1] = symbol[0], weight[0]
            symbol[0], weight[0] = 0, 1
        else:
            symbol[1], weight[1] = only + 1, 1
        heap[1] = np.uint32(weight[0]) << np.uint32(16)
        heap[2] = (np.uint32(weight[1]) << np.uint32(16)) | np.uint32(1)
    return leaves + forced, forced, fixed_bits


@inlined
def _count_runs(length: Any, symbol: Any, header: Any, leaves: Any) -> Any:
    """
    Count the header's symbols for the codes' lengths (scan_tree); returns their extra bits.

    A run of zeros, between two symbols, and a run of equal lengths each give counts that a table holds, so that
    nothing here branches.
    """
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
    for i in range(19):
        header[i] = 0


@inlined
def _places(symbol: Any, leaves: Any) -> Any:
    """Bits of the header before its symbols: the three counts, and the lengths of the header's own code."""
    place = np.int64(3)
    for leaf in range(leaves):
        place = max(place, _PLACE[symbol[leaf]])
    return 3 * (place + 1) + 14


@kernel
def block_costs(
    heap: Any, parent: Any, order: Any, length: Any, symbol: Any, weight: Any, header: Any, lengths: Any,
    literal: Any, alphabet: Any, size: Any, distance: Any
) -> Any:
    """
    Bits of one block with the code of its own, and with the fixed code, extra bits of lengths and distances left out.

    Parameters
    ----------
    heap, parent, order, length, symbol, weight, header, lengths : arrays
        From `block_scratch`.
    literal : integer array
        How often each symbol of the literal/length alphabet occurs, the end of block (256) included.
    alphabet : integer array
        Symbols in order, among which all those are that occur.
    size : int
        Entries of `alphabet`.
    distance : integer array
        How often each of the 30 distance codes occurs.

    Returns
    -------
    own, fixed : int64
        Bits without the three of the block's type.
    """
    _begin_header(header)
    leaves, forced, fixed = _gather(heap, symbol, weight, literal, alphabet, size, _FIXED)
    bits = _build(heap, parent, order, length, weight, lengths, leaves, _LONGEST_CODE) - forced
    bits += _count_runs(length, symbol, header, leaves)
    leaves, forced, more = _gather(heap, symbol, weight, distance, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE)
    bits += _build(heap, parent, order, length, weight, lengths, leaves, _LONGEST_CODE) - forced
    bits += _count_runs(length, symbol, header, leaves)
    leaves, forced, _ = _gather(heap, symbol, weight, header, _HEADER_CODES, 19, _FIXED_DISTANCE)
    bits += _build(heap, parent, order, length, weight, lengths, leaves, _LONGEST_HEADER_CODE) - forced
    return bits + _places(symbol, leaves), fixed + more


@kernel
def block_costs_of_two(
    heap: Any, parent: Any, order: Any, length: Any, symbol: Any, weight: Any, header: Any,
    heap2: Any, parent2: Any, order2: Any, length2: Any, symbol2: Any, weight2: Any, header2: Any, lengths: Any,
    literal: Any, literal2: Any, alphabet: Any, size: Any, distance: Any, distance2: Any
) -> Any:
    """As `block_costs`, for two blocks at a time: own and fixed bits of the first, then of the second."""
    _begin_header(header)
    _begin_header(header2)
    leaves, forced, fixed = _gather(heap, symbol, weight, literal, alphabet, size, _FIXED)
    leaves2, forced2, fixed2 = _gather(heap2, symbol2, weight2, literal2, alphabet, size, _FIXED)
    bits, bits2 = _build_two(
        heap, parent, order, length, weight, leaves, heap2, parent2, order2, length2, weight2, leaves2, lengths,
        _LONGEST_CODE
    )
    bits += _count_runs(length, symbol, header, leaves) - forced
    bits2 += _count_runs(length2, symbol2, header2, leaves2) - forced2
    leaves, forced, more = _gather(heap, symbol, weight, distance, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE)
    leaves2, forced2, more2 = _gather(
        heap2, symbol2, weight2, distance2, _DISTANCE_CODES, DISTANCES, _FIXED_DISTANCE
    )
    again, again2 = _build_two(
        heap, parent, order, length, weight, leaves, heap2, parent2, order2, length2, weight2, leaves2, lengths,
        _LONGEST_CODE
    )
    bits += again + _count_runs(length, symbol, header, leaves) - forced
    bits2 += again2 + _count_runs(length2, symbol2, header2, leaves2) - forced2
    leaves, forced, _ = _gather(heap, symbol, weight, header, _HEADER_CODES, 19, _FIXED_DISTANCE)
    leaves2, forced2, _ = _gather(heap2, symbol2, weight2, header2, _HEADER_CODES, 19, _FIXED_DISTANCE)
    again, again2 = _build_two(
        heap, parent, order, length, weight, leaves, heap2, parent2, order2, length2, weight2, leaves2, lengths,
        _LONGEST_HEADER_CODE
    )
    bits += again - forced + _places(symbol, leaves)
    bits2 += again2 - forced2 + _places(symbol2, leaves2)
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
