"""
The strings of 1 to M symbols that occur in several texts, as features: which text has which.

Strings that occur in the very same texts, equally often in each, are one feature with a multiplicity: nothing that is
learned from those texts can tell them apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.class_counts import child_of
from ncd.kernels.jit import inlined, kernel
from ncd.kernels.ngrams import common, width

__all__ = ["STEPS", "FeatureScan", "Strings", "features_of", "nodes_of", "scan_strings"]


#: How often a text has a string, rounded down: each number up to 16, then by a quarter more.
STEPS = np.array([*range(1, 17), *(int(16 * 1.25**k) for k in range(1, 17))], np.uint32)


class Strings(NamedTuple):
    """
    The strings as a tree, level by level; the children of a node lie side by side.

    Attributes
    ----------
    first : ndarray of int32, shape (alphabet,)
        The node of each single symbol, or -1.
    labels : ndarray of uint8 or uint32, shape (nodes,)
    children : ndarray of uint32, shape (nodes + 1,)
        Where the children of each node begin; they end where those of the next node begin.
    feature : ndarray of int32, shape (nodes,)
        The feature that a string is, or -1.
    """

    first: NDArray[np.int32]
    labels: Any
    children: NDArray[np.uint32]
    feature: NDArray[np.int32]


class FeatureScan(NamedTuple):
    """Scratch of a scan over sorted strings, by level, and what it writes: nodes of several texts, level by level."""

    stamp: NDArray[np.int64]  # (levels + 1, n_texts): the node that the text was last seen in
    opened: NDArray[np.int64]  # (levels + 1,): nodes opened
    texts: NDArray[np.int64]  # texts of the open node
    digest: NDArray[np.uint64]  # sum of their digests
    below: NDArray[np.int64]  # its kept children
    kept: NDArray[np.int64]  # where the kept nodes go on
    labels: Any
    n_children: NDArray[np.uint32]
    n_texts: NDArray[np.uint32]
    digests: NDArray[np.uint64]


@inlined
def _close(
    scan: FeatureScan, level: int, key: np.uint64, shift: np.uint64, mask: np.uint64, least: int, fill: bool
) -> None:
    """Write down the open node of a level, if enough texts have it."""
    if scan.texts[level] >= least:
        at = scan.kept[level]
        scan.kept[level] = at + 1
        scan.below[level - 1] += 1
        if fill:
            scan.labels[at] = ((key >> shift) & mask) - np.uint64(1)
            scan.n_children[at] = scan.below[level]
            scan.n_texts[at] = scan.texts[level]
            scan.digests[at] = scan.digest[level]
    scan.texts[level] = 0


@kernel
def scan_strings(
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint32],
    digest_of: NDArray[np.uint64],
    order: int,
    bits: int,
    least: int,
    fill: bool,
    scan: FeatureScan,
) -> None:
    """
    Find the strings that at least `least` texts have.

    Parameters
    ----------
    keys, owners
        Sorted strings, as `ncd.kernels.ngrams.radix_sort` leaves them.
    digest_of : ndarray of uint64, shape (n_texts,)
        A random number for each text: strings that occur equally often in each text have the same sum.
    order, bits : int
    least : int
    fill : bool
        Whether to write the strings down, or only to count them in `scan.kept`.
    scan : FeatureScan
    """
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    before = np.uint64(0)
    open_levels = 0
    for i in range(len(keys)):
        key = keys[i]
        length = width(key, order, bits)
        shared = min(common(before, key, order, bits), open_levels)
        for level in range(open_levels, shared, -1):
            _close(scan, level, before, np.uint64(bits * (order - level)), mask, least, fill)
        for level in range(shared + 1, length + 1):
            scan.opened[level] += 1
            scan.digest[level] = np.uint64(0)
            scan.below[level] = 0
        open_levels = max(shared, length)
        text = owners[i]
        for level in range(1, length + 1):
            if scan.stamp[level, text] != scan.opened[level]:
                scan.stamp[level, text] = scan.opened[level]
                scan.texts[level] += 1
            scan.digest[level] += digest_of[text]
        before = key
    for level in range(open_levels, 0, -1):
        _close(scan, level, before, np.uint64(bits * (order - level)), mask, least, fill)


@inlined
def _advance(strings: Strings, nodes: NDArray[np.int64], symbol: int, levels: int) -> int:
    """
    The nodes of the strings that end with the next symbol, in place: ``nodes[l]`` for length l.

    Gives the length of the longest; what follows it is -1.
    """
    before = nodes[1]
    node = np.int64(strings.first[symbol]) if symbol < len(strings.first) else np.int64(-1)
    nodes[1] = node
    level = 1
    while node >= 0 and level < levels and before >= 0:
        node = child_of(strings, before, symbol)
        level += 1
        before = nodes[level]
        nodes[level] = node
    longest = level if node >= 0 else level - 1
    for rest in range(longest + 1, levels + 1):
        nodes[rest] = -1
    return longest


@kernel
def features_of(
    strings: Strings,
    symbols: Any,
    offsets: NDArray[np.int64],
    begin: int,
    end: int,
    levels: int,
    leaders: NDArray[np.int64],
    nodes: NDArray[np.int64],
    places: NDArray[np.int64],
    times: NDArray[np.uint32],
    ends: NDArray[np.int64],
    features: NDArray[np.uint32],
) -> int:
    """
    The features of texts begin..end one after another; gives their number.

    Parameters
    ----------
    strings : Strings
    symbols, offsets
        Texts, as in `ncd.kernels.ngrams.fill_keys`.
    begin, end, levels : int
    leaders : ndarray of int64, shape (n_features,) or (0,)
        For each feature the one string of it that counts; none: a feature is there for each of its strings.
    nodes : ndarray of int64, shape (levels + 1,)
        Scratch.
    places : ndarray of int64, shape (n_strings,)
        Scratch, all -1.
    times : ndarray of uint32
        Scratch; has the room of `features`.
    ends : ndarray of int64, shape (end - begin,)
        Filled in: where the features of each text end.
    features : ndarray of uint32
        Filled in: 32 times the feature, plus the step of how often the text has it (see `STEPS`). Has room for `levels`
        features a symbol.
    """
    count = 0
    for text in range(begin, end):
        first = count
        nodes[:] = -1
        for at in range(offsets[text], offsets[text + 1]):
            longest = _advance(strings, nodes, np.int64(symbols[at]), levels)
            for level in range(1, longest + 1):
                node = nodes[level]
                feature = np.int64(strings.feature[node])
                if feature < 0 or (len(leaders) > 0 and leaders[feature] != node):
                    continue
                place = places[node]
                if place < first:
                    places[node] = place = count
                    features[place] = feature
                    times[place] = 0
                    count += 1
                times[place] += 1
        for place in range(first, count):
            step = 0
            while step < 31 and STEPS[step + 1] <= times[place]:
                step += 1
            features[place] = (features[place] << np.uint32(5)) | np.uint32(step)
        ends[text - begin] = count
    return count


@kernel
def nodes_of(strings: Strings, symbols: Any, levels: int, nodes: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """The node of the string of each length that ends at each symbol, or -1: shape (n_symbols, levels + 1)."""
    nodes[:] = -1
    for at in range(len(symbols)):
        _advance(strings, nodes, np.int64(symbols[at]), levels)
        for level in range(levels + 1):
            found[at, level] = nodes[level]
