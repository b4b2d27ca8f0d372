"""
A byte model's counts of a reference, and its units measured under what the others teach.

The strings of up to order + 1 bytes are nodes of a trie (`ncd.kernels.context_trie`). For each coded byte the longest
string that ends there is kept, in `path`: its suffixes are all other strings that the byte counts in, so that a unit is
counted in and out without a search. In the trie, a node's COUNT is n(us), how often the string was coded; its TOTAL is
T(u) and its DISTINCT, from `count_all` on, D(u): how often a byte followed it, and how many different ones.

    p_k(s) = [n(us) + D(u) p_{k-1}(s)] / [T(u) + D(u)],   p_{-1} = 1/256

with the last k bytes as u, for k up to the order; contexts without a count pass p_{k-1} on. That is Witten and Bell's
estimate of what is new (method C) in blended form: I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE
Transactions on Information Theory 37(4), 1991.

A unit begins after one newline, and its contexts reach back to that. If it is framed, the newline at its end is coded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.context_trie import (
    COUNT,
    DISTINCT,
    NODE,
    NONE,
    SUFFIX,
    SYMBOL,
    TOTAL,
    USED,
    Trie,
    Walk,
    create,
    descend,
    enter,
    is_open,
)
from ncd.kernels.jit import inlined, kernel
from ncd.kernels.stream_bits import SCALE, TINY, WHOLE, bits_of
from ncd.kernels.stream_window import NEWLINE, Window, in_window, take_in

__all__ = ["START", "chance_of", "counted", "left_out"]

#: The node of the newline that each unit begins after.
START = np.uint64(1)


def counted(
    data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], framed: bool, order: int
) -> tuple[Trie, NDArray[np.uint32], NDArray[np.int64]]:
    """Trie, path, and the place in the path of each unit's first byte (n_units + 1)."""
    firsts = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends - starts + framed, dtype=np.int64)])
    path = np.empty(int(firsts[-1]), np.uint32)
    trie, walk = Trie.empty(order, 4 * len(path) + 4 * order + 16), Walk.empty(order)
    place = np.zeros(2, np.int64)
    while not _read(trie, walk, place, data, starts, ends, firsts, order, path):
        trie = trie.larger()
    _count_all(trie, path, firsts, order)
    return trie, path, firsts


@kernel
def _read(
    trie: Trie,
    walk: Walk,
    place: NDArray[np.int64],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    firsts: NDArray[np.int64],
    order: int,
    path: NDArray[np.uint32],
) -> bool:
    """Find the strings; false, with `place` (unit, byte of it) where it stopped, if the trie needs more room."""
    if trie.sizes[USED] == 1:
        create(trie, NONE, np.uint64(NEWLINE), NONE)
    unit, at = place[0], place[1]
    while unit < starts.size:
        start, end = starts[unit], ends[unit]
        size = firsts[unit + 1] - firsts[unit]
        if at == 0:
            walk.chain[0] = NONE
            if order > 0:
                walk.chain[1] = START
            walk.depth[0] = min(order, 1)
        while at < size:
            if not is_open(trie.sizes, order + 1):
                place[0], place[1] = unit, at
                return False
            symbol = np.uint64(data[start + at]) if start + at < end else np.uint64(NEWLINE)
            top = walk.depth[0]
            for k in range(descend(trie, walk, symbol, top) + 1, top + 1):
                walk.found[k] = create(trie, walk.chain[k], symbol, walk.found[k - 1] if k else NONE)
            path[firsts[unit] + at] = walk.found[top]
            enter(walk, top, order)
            at += 1
        unit += 1
        at = 0
    return True


@kernel
def _count_all(trie: Trie, path: NDArray[np.uint32], firsts: NDArray[np.int64], order: int) -> None:
    """Count all units in."""
    for node in range(trie.sizes[USED]):
        trie.nodes[(np.uint64(node) << NODE) + DISTINCT] = 0
    for unit in range(firsts.size - 1):
        _count(trie.nodes, path, firsts[unit], firsts[unit + 1], order, True)


@inlined
def _next_context(nodes: Any, path: Any, first: Any, at: Any, order: Any) -> Any:
    """The longest context of what comes after a byte."""
    node = np.uint64(path[at])
    return np.uint64(nodes[(node << NODE) + SUFFIX]) if at - first + 2 > order else node


@inlined
def _count(nodes: Any, path: Any, first: Any, last: Any, order: Any, more: Any) -> None:
    """Count a unit in, or out."""
    context = START if order > 0 else NONE
    for at in range(first, last):
        node = np.uint64(path[at])
        while True:
            here, above = (node << NODE), (context << NODE)
            if more:
                nodes[above + TOTAL] += 1
                nodes[above + DISTINCT] += nodes[here + COUNT] == 0
                nodes[here + COUNT] += 1
            else:
                nodes[above + TOTAL] -= 1
                nodes[here + COUNT] -= 1
                nodes[above + DISTINCT] -= nodes[here + COUNT] == 0
            if context == NONE:
                break
            node, context = np.uint64(nodes[here + SUFFIX]), np.uint64(nodes[above + SUFFIX])
        context = _next_context(nodes, path, first, at, order)


@inlined
def chance_of(nodes: Any, node: Any, context: Any) -> Any:
    """The probability of the byte that makes a node's string of its context's."""
    chance, left = 0.0, 1.0
    while True:
        above = context << NODE
        total = np.int64(nodes[above + TOTAL])
        if total != 0:
            distinct = np.int64(nodes[above + DISTINCT])
            share = left / (total + distinct)
            chance += share * nodes[(node << NODE) + COUNT]
            left = share * distinct
        if context == NONE:
            break
        node, context = np.uint64(nodes[(node << NODE) + SUFFIX]), np.uint64(nodes[above + SUFFIX])
    return chance + left / 256.0


@kernel
def left_out(
    trie: Trie,
    path: NDArray[np.uint32],
    firsts: NDArray[np.int64],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    order: int,
    back: int,
    ahead: int,
    window: Window,
    found: NDArray[np.float64],
    codes: NDArray[np.uint16],
) -> None:
    """
    Bits and gain per coded byte of each unit (n_units, 2), units with a byte `back` or `ahead` of it counted out.

    `codes` takes the probability of each coded byte, rounded (`ncd.kernels.stream_witnesses`). The window moves over
    the units; the counts are afterwards as they were.
    """
    nodes = trie.nodes
    n = firsts.size - 1
    low = high = 0
    for unit in range(n):
        first, last = firsts[unit], firsts[unit + 1]
        while high < n and firsts[high] < last + ahead:
            _count(nodes, path, firsts[high], firsts[high + 1], order, False)
            high += 1
        while firsts[low + 1] <= first - back:
            _count(nodes, path, firsts[low], firsts[low + 1], order, True)
            low += 1
        old, new = 1.0, 1.0
        old_times, new_times = 0, 0
        context = START if order > 0 else NONE
        before = np.uint64(NEWLINE)
        for at in range(first, last):
            node = np.uint64(path[at])
            symbol = np.uint64(nodes[(node << NODE) + SYMBOL])
            chance = chance_of(nodes, node, context)
            codes[at] = max(np.int64(1), np.int64(chance * WHOLE + 0.5))
            old *= chance
            new *= in_window(window, chance, before, symbol)
            if old < TINY:
                old *= SCALE
                old_times += 1
            if new < TINY:
                new *= SCALE
                new_times += 1
            before = symbol
            context = _next_context(nodes, path, first, at, order)
        bits = bits_of(old, old_times)
        found[unit, 0] = bits / max(last - first, 1)
        found[unit, 1] = (bits - bits_of(new, new_times)) / max(last - first, 1)
        size = ends[unit] - starts[unit]
        take_in(window, data, starts[unit], ends[unit], last - first - size)
    while low < high:
        _count(nodes, path, firsts[low], firsts[low + 1], order, True)
        low += 1
