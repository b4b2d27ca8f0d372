"""
zlib's Huffman codes, replayed to the last tie.

Among optimal prefix codes of the same symbols lengths differ, and with them the header that transmits them. zlib's
choice is that of its heap (``trees.c``: build_tree, pqdownheap, gen_bitlen), so the heap is what runs here: the same
sifts on the same array, with keys ``weight << 16 | depth << 10 | node``. zlib's comparison of weights, and of depths
among equal weights, is that of keys without the node.

Two codes at a time take little more time than one: the steps of a sift wait for each other, not those of two heaps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["Huffman", "code", "code_two", "gather"]

_ABSENT = np.uint32(0xFFFFFFFF)
_WEIGHT = np.uint32(0xFFFF0000)
_DEPTH = np.uint32(0x0000FC00)
_NODE = np.uint32(0x000003FF)
_DEEPER = np.uint32(0x00000400)


class Huffman(NamedTuple):
    """Scratch memory for one code at a time; the code is left in `symbol` and `length`, by leaf."""

    heap: NDArray[np.uint32]  # a power of two above all leaves, and a level of sentinels below them
    parent: NDArray[np.uint16]  # of each node, leaves first
    order: NDArray[np.uint16]  # nodes in the order in which they left the heap
    length: NDArray[np.uint8]  # of each node's code
    symbol: NDArray[np.uint16]  # of each leaf
    weight: NDArray[np.uint16]  # of each leaf
    lengths: NDArray[np.uint16]  # how many codes have each length, only where some are too long

    @classmethod
    def empty(cls, symbols: int) -> Huffman:
        """Memory for an alphabet of at most 511 symbols."""
        return cls(
            np.empty(1024, np.uint32),
            np.empty(2 * symbols, np.uint16),
            np.empty(2 * symbols, np.uint16),
            np.empty(2 * symbols, np.uint8),
            np.empty(symbols + 1, np.uint16),
            np.empty(symbols + 1, np.uint16),
            np.empty(16, np.uint16),
        )


@inlined
def gather(tree: Huffman, frequency: Any, alphabet: Any, size: Any, fixed: Any) -> Any:
    """
    Put the symbols that occur into the heap, in their order; returns leaves, those forced, the bits of a fixed code.

    `alphabet` lists, in order, `size` symbols among which all those that occur are. Where fewer than two occur, zlib
    adds others of weight 1: their bits, one each, are not in the stream.
    """
    heap, symbol, weight = tree.heap, tree.symbol, tree.weight
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
def _levels(size: Any) -> Any:
    """Levels below the root of a heap of so many."""
    levels = 0
    while size > 1:
        size >>= 1
        levels += 1
    return levels


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
def _joined(first: Any, second: Any, node: Any) -> Any:
    """Key of the parent of two."""
    weight = (first & _WEIGHT) + (second & _WEIGHT)
    return weight | (max(first & _DEPTH, second & _DEPTH) + _DEEPER) | node


@inlined
def _note(tree: Huffman, leaves: Any, first: Any, second: Any, node: Any) -> None:
    """Two nodes have left the heap for their parent."""
    tree.parent[first & _NODE] = node
    tree.parent[second & _NODE] = node
    popped = (node - np.uint64(leaves)) << np.uint64(1)
    tree.order[popped] = first & _NODE
    tree.order[popped + np.uint64(1)] = second & _NODE


@inlined
def _merge(tree: Huffman, leaves: Any, size: Any, total: Any) -> Any:
    """Join the two least of a heap of a size until one is left; returns the bits of all symbols, with those before."""
    heap = tree.heap
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
        _note(tree, leaves, first, second, node)
        node += one
        total += np.int64(joined >> np.uint64(16))
    return total


@inlined
def _set_lengths(tree: Huffman, leaves: Any) -> Any:
    """Length of every node's code; returns the longest."""
    parent, length = tree.parent, tree.length
    node = np.uint64(2 * leaves - 2)
    length[node] = 0
    deepest = np.uint64(0)
    while node > np.uint64(0):
        node -= np.uint64(1)
        bits = np.uint64(length[parent[node]]) + np.uint64(1)
        length[node] = bits
        deepest = max(deepest, bits)
    return np.int64(deepest)


@kernel
def _shorten(tree: Huffman, leaves: Any, longest: Any) -> Any:
    """Bring codes down to the longest that may be, as gen_bitlen does; returns the bits of all symbols."""
    parent, order, length, weight, lengths = tree.parent, tree.order, tree.length, tree.weight, tree.lengths
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
def _finish(tree: Huffman, leaves: Any, total: Any, longest: Any) -> Any:
    """Set the lengths; returns the bits of all symbols, which shorter codes than the heap's make more."""
    return _shorten(tree, leaves, longest) if _set_lengths(tree, leaves) > longest else total


@inlined
def code(tree: Huffman, leaves: Any, longest: Any) -> Any:
    """Lengths of all codes, from what `gather` has put into the heap; returns the bits of all symbols."""
    levels = _levels(leaves)
    _heapify(tree.heap, leaves, levels, levels)
    return _finish(tree, leaves, _merge(tree, leaves, leaves, np.int64(0)), longest)


@inlined
def code_two(tree: Huffman, leaves: Any, tree2: Huffman, leaves2: Any, longest: Any) -> Any:
    """As `code`, for two at a time."""
    heap, heap2 = tree.heap, tree2.heap
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
        _note(tree, leaves, first, second, node)
        _note(tree2, leaves2, first2, second2, node2)
        node += one
        node2 += one
        total += np.int64(joined >> np.uint64(16))
        total2 += np.int64(joined2 >> np.uint64(16))
    return (
        _finish(tree, leaves, _merge(tree, leaves, left, total), longest),
        _finish(tree2, leaves2, _merge(tree2, leaves2, left2, total2), longest),
    )
