"""
Code lengths of texts under class models that back off to the model of all classes.

With n_c(u) occurrences of u in class c, T_c(u) of them followed by a symbol, D_c(u) distinct symbols that follow, g all
classes together, and u_k the k symbols before:

    G_{-1} = 1 / A;  G_k(s) = [n_g(u_k s) + D_g(u_k) G_{k-1}(s)] / [T_g(u_k) + D_g(u_k)]    (G_{k-1} if u_k is unseen)
    B_0 = G_0;       B_k = (1 - w) H_{c,k-1} + w G_k
    H_{c,k}(s) = [n_c(u_k s) + a D_c(u_k) B_k(s)] / [T_c(u_k) + a D_c(u_k)]                 (B_k if unseen in c)
    bits_c = (1/K) sum_{k=1..K} sum_i -log2 H_{c,k}(x_i)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.class_counts import Counts, child_of
from ncd.kernels.jit import inlined, kernel

__all__ = ["Own", "Rule", "Work", "bits_by_class", "bits_by_position"]

_LEAST = 1e-40  # product at which its logarithm is taken


class Rule(NamedTuple):
    """K, a, w and G_{-1} of the recursion."""

    order: int
    alpha: float
    weight: float
    base: float


class Own(NamedTuple):
    """What one text has contributed to the counts, a row a node; for leaving it out."""

    table: NDArray[np.int32]  # rows by a hash of their nodes, or -1; the length is a power of 2
    slots: NDArray[np.int64]  # (rows,): where in the table
    nodes: NDArray[np.int64]
    parents: NDArray[np.int64]
    n: NDArray[np.int64]
    followed: NDArray[np.int64]
    distinct: NDArray[np.int64]  # symbols that only this text has after the string, in its class
    distinct_all: NDArray[np.int64]  # and in all classes
    total: NDArray[np.int64]  # (4,): rows in use; T, D of its class and D of all for the empty string


class Work(NamedTuple):
    """Scratch of one thread."""

    h: NDArray[np.float64]  # (classes,)
    product: NDArray[np.float64]  # (classes,)
    n: NDArray[np.float64]  # (classes,): 0 between two symbols
    here: NDArray[np.int64]  # (levels + 1,): nodes of the strings that end at this symbol
    last: NDArray[np.int64]  # and at the one before
    own: Own


@inlined
def _slot(own: Own, node: int) -> int:
    """Where the row of a node is, or would be, in the table."""
    mask = len(own.table) - 1
    at = (node * 0x9E3779B1) & mask
    while own.table[at] >= 0 and own.nodes[own.table[at]] != node:
        at = (at + 1) & mask
    return at


@inlined
def _step(counts: Counts, work: Work, symbol: int, levels: int) -> int:
    """The nodes of all strings that end with the next symbol; the length of the longest that is known."""
    here, last = work.here, work.last
    for level in range(levels):
        last[level] = here[level]
    node = np.int64(counts.first[symbol]) if symbol < len(counts.first) else np.int64(-1)
    here[1] = node
    level, longest = 1, 0
    while node >= 0:
        longest = level
        if level == levels or last[level] < 0:
            break
        node = child_of(counts, last[level], symbol)
        level += 1
        here[level] = node
    for rest in range(longest + 1, levels + 1):
        here[rest] = -1
    return longest


@kernel
def _collect(counts: Counts, symbols: Any, start: int, stop: int, levels: int, c: int, work: Work) -> None:
    """Fill `work.own` with what the text has contributed."""
    own = work.own
    own.total[:] = 0
    work.here[:] = -1
    for at in range(start, stop):
        longest = _step(counts, work, np.int64(symbols[at]), levels)
        for level in range(1, longest + 1):
            node = work.here[level]
            slot = _slot(own, node)
            row = np.int64(own.table[slot])
            if row < 0:
                row = own.total[0]
                own.total[0] = row + 1
                own.table[slot] = row
                own.slots[row] = slot
                own.nodes[row] = node
                own.parents[row] = work.last[level - 1] if level > 1 else -1
                own.n[row] = 0
                own.followed[row] = 0
                own.distinct[row] = 0
                own.distinct_all[row] = 0
            own.n[row] += 1
    for row in range(own.total[0]):
        node, mine = own.nodes[row], own.n[row]
        everywhere = np.int64(0)
        in_class = np.int64(0)
        for entry in range(np.int64(counts.entries[node]), np.int64(counts.entries[node + 1])):
            everywhere += np.int64(counts.n[entry])
            if np.int64(counts.classes[entry]) == c:
                in_class = np.int64(counts.n[entry])
        parent = own.parents[row]
        if parent < 0:
            own.total[1] += mine
            own.total[2] += in_class == mine
            own.total[3] += everywhere == mine
        else:
            above = own.table[_slot(own, parent)]
            own.followed[above] += mine
            own.distinct[above] += in_class == mine
            own.distinct_all[above] += everywhere == mine


@inlined
def _forget(own: Own) -> None:
    """Empty the table."""
    for row in range(own.total[0]):
        own.table[own.slots[row]] = -1
    own.total[0] = 0


@inlined
def _left(
    counts: Counts, k: int, work: Work, alpha: float, own_t: int, own_d: int, own_n: int, c: int, h: float
) -> float:
    """H of the class that a text has left; `h` is B."""
    t, d = counts.root_followed[c], counts.root_distinct[c]
    if k > 0:
        t, d = np.int64(0), np.int64(0)
        context = work.last[k]
        for entry in range(np.int64(counts.entries[context]), np.int64(counts.entries[context + 1])):
            if np.int64(counts.classes[entry]) == c:
                t, d = np.int64(counts.followed[entry]), np.int64(counts.distinct[entry])
    t -= own_t
    if t <= 0:
        return h
    prior = alpha * np.float64(d - own_d)
    return (work.n[c] - np.float64(own_n) + prior * h) / (np.float64(t) + prior)


@inlined
def _level(counts: Counts, k: int, work: Work, rule: Rule, g: float, left_out: int) -> float:
    """
    Take H from order k - 1 to order k, and multiply the products by the old H if k > 1; gives G_k.

    `left_out`: the class that the text in `work.own` leaves, or -1.
    """
    h, product, n_of = work.h, work.product, work.n
    n_classes = len(h)
    context, node = work.last[k], work.here[k + 1]
    known = k == 0 or context >= 0
    own_t, own_d, own_all, own_n = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    if left_out >= 0:
        if node >= 0:
            own_n = work.own.n[work.own.table[_slot(work.own, node)]]
        if k == 0:
            own_t, own_d, own_all = work.own.total[1], work.own.total[2], work.own.total[3]
        elif known:
            row = work.own.table[_slot(work.own, context)]
            own_t, own_d, own_all = work.own.followed[row], work.own.distinct[row], work.own.distinct_all[row]
    first, end, low, high = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    if known:
        n_all = -own_n
        if node >= 0:
            low, high = np.int64(counts.entries[node]), np.int64(counts.entries[node + 1])
            for entry in range(low, high):
                n = np.int64(counts.n[entry])
                n_of[counts.classes[entry]] = np.float64(n)
                n_all += n
        t_all, d_all = -own_t, -own_all
        if k == 0:
            t_all += counts.root_followed[n_classes]
            d_all += counts.root_distinct[n_classes]
        else:
            first, end = np.int64(counts.entries[context]), np.int64(counts.entries[context + 1])
            for entry in range(first, end):
                t_all += np.int64(counts.followed[entry])
            d_all += np.int64(counts.children[context + 1]) - np.int64(counts.children[context])
        if t_all > 0:
            g = (np.float64(n_all) + np.float64(d_all) * g) / np.float64(t_all + d_all)
    if k == 0:
        for c in range(n_classes):
            h[c] = g
    elif k == 1:
        for c in range(n_classes):
            h[c] = (1.0 - rule.weight) * h[c] + rule.weight * g
    else:
        for c in range(n_classes):
            product[c] *= h[c]
            h[c] = (1.0 - rule.weight) * h[c] + rule.weight * g
    if not known:
        return g
    mine = 0.0
    if left_out >= 0:
        mine = _left(counts, k, work, rule.alpha, own_t, own_d, own_n, left_out, h[left_out])
    if k == 0:
        for c in range(n_classes):
            t = np.float64(counts.root_followed[c])
            prior = rule.alpha * np.float64(counts.root_distinct[c])
            if t > 0:
                h[c] = (n_of[c] + prior * h[c]) / (t + prior)
    else:
        for entry in range(first, end):
            t = np.float64(counts.followed[entry])
            if t > 0:
                c = np.int64(counts.classes[entry])
                prior = rule.alpha * np.float64(counts.distinct[entry])
                h[c] = (n_of[c] + prior * h[c]) / (t + prior)
    if left_out >= 0:
        h[left_out] = mine
    for entry in range(low, high):
        n_of[counts.classes[entry]] = 0.0
    return g


@inlined
def _drain(product: NDArray[np.float64], bits: Any) -> None:
    """Take the logarithms of products that have become small."""
    for c in range(len(product)):
        if product[c] < _LEAST:
            bits[c] -= np.log2(product[c])
            product[c] = 1.0


@inlined
def _bits(
    counts: Counts,
    symbols: Any,
    start: int,
    stop: int,
    rule: Rule,
    base: float,
    work: Work,
    left_out: int,
    careful: bool,
    bits: Any,
) -> None:
    """Add the code length of one text under each class."""
    product, h = work.product, work.h
    n_classes = len(product)
    work.here[:] = -1
    for c in range(n_classes):
        product[c] = 1.0
    for at in range(start, stop):
        _step(counts, work, np.int64(symbols[at]), rule.order + 1)
        if at == start:
            continue
        g = base
        for k in range(rule.order + 1):
            g = _level(counts, k, work, rule, g, left_out)
            if careful:
                _drain(product, bits)
        for c in range(n_classes):
            product[c] *= h[c]
        _drain(product, bits)
    for c in range(n_classes):
        bits[c] = (bits[c] - np.log2(product[c])) / rule.order


@kernel
def bits_by_class(
    counts: Counts,
    symbols: Any,
    offsets: NDArray[np.int64],
    begin: int,
    end: int,
    left_out: NDArray[np.int64],
    shrinks: bool,
    careful: bool,
    rule: Rule,
    work: Work,
    bits: NDArray[np.float64],
) -> None:
    """
    Code lengths of texts begin..end under each class.

    Parameters
    ----------
    counts : Counts
    symbols, offsets
        Texts, as in `ncd.kernels.ngrams.fill_keys`; the first symbol of each is not coded.
    left_out : ndarray of int64, shape (n_texts,)
        The class of each text, which is one of those counted and is left out of the counts; or -1.
    shrinks : bool
        Whether the symbols that only a text has, when it is left out, leave the alphabet with it.
    careful : bool
        Whether the probabilities of one symbol, K orders multiplied, may be too small for a float.
    rule : Rule
    work : Work
    bits : ndarray of float64, shape (n_texts, n_classes)
        Filled in at rows begin..end.
    """
    n_classes = bits.shape[1]
    for text in range(begin, end):
        start, stop = offsets[text], offsets[text + 1]
        base = rule.base
        if left_out[text] >= 0:
            _collect(counts, symbols, start, stop, rule.order + 1, left_out[text], work)
            if shrinks:  # the unknown symbol is not among those counted
                base = 1.0 / np.float64(counts.root_distinct[n_classes] + 1 - work.own.total[3])
        for c in range(n_classes):
            bits[text, c] = 0.0
        _bits(counts, symbols, start, stop, rule, base, work, left_out[text], careful, bits[text])
        if left_out[text] >= 0:
            _forget(work.own)


@kernel
def bits_by_position(
    counts: Counts, symbols: Any, start: int, stop: int, rule: Rule, work: Work, bits: NDArray[np.float64]
) -> None:
    """Bits of each symbol of one text under each class: row i for symbol start + i, the first row 0."""
    n_classes = bits.shape[1]
    work.here[:] = -1
    for at in range(start, stop):
        _step(counts, work, np.int64(symbols[at]), rule.order + 1)
        for c in range(n_classes):
            bits[at - start, c] = 0.0
        if at == start:
            continue
        g = rule.base
        for k in range(rule.order + 1):
            g = _level(counts, k, work, rule, g, -1)
            if k > 0:
                for c in range(n_classes):
                    bits[at - start, c] -= np.log2(work.h[c]) / rule.order
