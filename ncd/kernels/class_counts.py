"""
Counts of strings by class, as a tree: how often each class has a string, and what follows it.

The nodes are the strings of 1 to M symbols that occur, level by level, in each level in the order of the strings; so
the children of a node (the strings one symbol longer) lie side by side. A node has one entry for each class that has
the string, ascending: n (occurrences), T (occurrences that a symbol follows) and D (distinct symbols that follow).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel
from ncd.kernels.ngrams import common, width

__all__ = ["Counts", "Part", "Scan", "child_of", "count_nodes", "fill_nodes"]


class Counts(NamedTuple):
    """
    The tree.

    Attributes
    ----------
    first : ndarray of int32, shape (alphabet,)
        The node of each single symbol, or -1.
    labels : ndarray of uint8 or uint32, shape (nodes,)
        The last symbol of each node's string.
    children : ndarray of uint32, shape (inner nodes + 1,)
        Where the children of each node of levels 1 to M - 1 begin; those of a node end where the next one's begin.
    entries : ndarray of uint32, shape (nodes + 1,)
        Where the entries of each node begin.
    classes : ndarray of uint16, shape (entries,)
    n : ndarray of uint32, shape (entries,)
    followed : ndarray of uint32, shape (entries of inner nodes,)
        T.
    distinct : ndarray of uint16, or uint32 for large alphabets, shape (entries of inner nodes,)
        D.
    root_followed, root_distinct : ndarray of int64, shape (classes + 1,)
        T and D of the empty string, those of all classes together at the end.
    """

    first: NDArray[np.int32]
    labels: Any
    children: NDArray[np.uint32]
    entries: NDArray[np.uint32]
    classes: NDArray[np.uint16]
    n: NDArray[np.uint32]
    followed: NDArray[np.uint32]
    distinct: Any
    root_followed: NDArray[np.int64]
    root_distinct: NDArray[np.int64]


class Part(NamedTuple):
    """The nodes and entries of some of the strings, as `Counts` has them, with sizes where that has places."""

    labels: Any
    n_children: NDArray[np.uint32]
    n_entries: NDArray[np.uint32]
    classes: NDArray[np.uint16]
    n: NDArray[np.uint32]
    followed: NDArray[np.uint32]
    distinct: Any
    next_node: NDArray[np.int64]  # (levels + 1,): where the nodes of each level go on
    next_entry: NDArray[np.int64]


class Scan(NamedTuple):
    """Scratch of a scan over sorted strings: by level and class what the open node has, and which classes it has."""

    stamp: NDArray[np.int64]  # (levels + 1, classes): the node that the class was last seen in
    n: NDArray[np.int64]
    followed: NDArray[np.int64]
    distinct: NDArray[np.int64]
    seen: NDArray[np.int64]  # (levels + 1, classes): the classes of the open node
    n_seen: NDArray[np.int64]  # (levels + 1,)


@kernel
def count_nodes(
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint32],
    class_of: NDArray[np.int64],
    order: int,
    bits: int,
    stamp: NDArray[np.int64],
    nodes: NDArray[np.int64],
    entries: NDArray[np.int64],
) -> None:
    """Count nodes and entries of each level; `stamp` has a row a level and a column a class, all -1."""
    before = np.uint64(0)
    for i in range(len(keys)):
        key = keys[i]
        length = width(key, order, bits)
        shared = common(before, key, order, bits) if i > 0 else 0
        c = class_of[owners[i]]
        for level in range(shared + 1, length + 1):
            nodes[level] += 1
        for level in range(1, length + 1):
            if stamp[level, c] != nodes[level]:
                stamp[level, c] = nodes[level]
                entries[level] += 1
        before = key


@inlined
def _close(level: int, order: int, scan: Scan, part: Part) -> None:
    """Write down the open node of a level, and tell its parent of the classes that have it."""
    seen = scan.seen[level]
    count = scan.n_seen[level]
    for i in range(1, count):  # by class
        c = seen[i]
        j = i
        while j > 0 and seen[j - 1] > c:
            seen[j] = seen[j - 1]
            j -= 1
        seen[j] = c
    at = part.next_entry[level]
    for i in range(count):
        c = seen[i]
        part.classes[at + i] = c
        part.n[at + i] = scan.n[level, c]
        if level < order:
            part.followed[at + i] = scan.followed[level, c]
            part.distinct[at + i] = scan.distinct[level, c]
        scan.distinct[level - 1, c] += 1
    part.n_entries[part.next_node[level]] = count
    if level > 1:
        part.n_children[part.next_node[level - 1]] += 1
    part.next_entry[level] += count
    part.next_node[level] += 1
    scan.n_seen[level] = 0


@kernel
def fill_nodes(
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint32],
    class_of: NDArray[np.int64],
    order: int,
    bits: int,
    scan: Scan,
    part: Part,
) -> None:
    """Write down nodes and entries of sorted strings; the places of `part` are where each level begins."""
    before = np.uint64(0)
    open_levels = 0
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for i in range(len(keys)):
        key = keys[i]
        length = width(key, order, bits)
        shared = min(common(before, key, order, bits), open_levels)
        for level in range(open_levels, shared, -1):
            _close(level, order, scan, part)
        c = class_of[owners[i]]
        for level in range(shared + 1, length + 1):
            symbol = (key >> np.uint64(bits * (order - level))) & mask
            part.labels[part.next_node[level]] = symbol - np.uint64(1)
        open_levels = max(shared, length)
        for level in range(1, length + 1):
            node = part.next_node[level]
            if scan.stamp[level, c] != node:
                scan.stamp[level, c] = node
                scan.n[level, c] = 0
                scan.followed[level, c] = 0
                scan.distinct[level, c] = 0
                scan.seen[level, scan.n_seen[level]] = c
                scan.n_seen[level] += 1
            scan.n[level, c] += 1
            if length > level:
                scan.followed[level, c] += 1
        before = key
    for level in range(open_levels, 0, -1):
        _close(level, order, scan, part)


@inlined
def child_of(counts: Counts, node: int, symbol: int) -> int:
    """The node of the string and one symbol more, or -1."""
    low, high = np.int64(counts.children[node]), np.int64(counts.children[node + 1])
    end = high
    while low < high:
        middle = (low + high) >> 1
        if counts.labels[middle] < symbol:
            low = middle + 1
        else:
            high = middle
    if low < end and counts.labels[low] == symbol:
        return low
    return -1
