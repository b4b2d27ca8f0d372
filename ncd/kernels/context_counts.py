"""
Adaptive models from counts of contexts: the probability of the next symbol, and what is counted once it is known.

With u_k the last k symbols, n(us) the count of s after u, T(u) the sum and D(u) the number of these counts, all rules
but PPM interpolate from the longest context down to the uniform distribution over the alphabet of A symbols:

    P_k(s) = [n(u_k s) - d_k] / Z(u_k) + e(u_k) / Z(u_k) P_{k-1}(s)

| rule | d | e | Z |
| Witten-Bell | 0 | D | T + D |
| Kneser-Ney | d_k | d_k D | T |
| Dirichlet, order 0 | 0 | a A | T + a A |

NGRAM is the mean of Witten-Bell's P_1 ... P_K. PPM codes by escapes (method D) and leaves out, in a context, the
symbols that a longer one offered.

An open alphabet (A = 0) has no end: symbols are numbered as they come, and the one more that may come next is "a new
one". It takes the whole of P_{-1}; under PPM it is the one symbol that no context offers. Dirichlet's rule counts the V
new ones that have come: n(s) + a for a known symbol, V + a for a new one, by n + V + a (V + 1).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.context_trie import (
    CHILD,
    COUNT,
    DISTINCT,
    NEXT,
    NODE,
    NONE,
    PARENT,
    SUFFIX,
    TOTAL,
    Trie,
    Walk,
    create,
    descend,
    enter,
    is_open,
    remove,
    stand_at,
)
from ncd.kernels.jit import inlined, kernel

__all__ = [
    "DIRICHLET",
    "KNESER_NEY",
    "NGRAM",
    "PPM",
    "WITTEN_BELL",
    "Rule",
    "add_bits",
    "add_symbol",
    "base_share",
    "forget",
    "learn",
    "own_weight",
    "read_only",
    "shape_of",
    "size_of",
]

WITTEN_BELL, KNESER_NEY, NGRAM, PPM, DIRICHLET = range(5)


class Rule(NamedTuple):
    """How probabilities follow from counts."""

    kind: int
    order: int  # of the longest context
    alphabet: int  # 0: open
    alpha: float  # of Dirichlet's prior, for each symbol
    single: bool  # whether an event is counted in the longest contexts only, down to the first that knew the symbol


@inlined
def size_of(trie: Trie, rule: Rule) -> Any:
    """How many symbols may come."""
    return rule.alphabet if rule.alphabet != 0 else np.int64(trie.nodes[DISTINCT]) + 1


@inlined
def base_share(trie: Trie, rule: Rule, new: Any) -> Any:
    """P_{-1} of a symbol that has never come, or of one that has."""
    if rule.alphabet != 0:
        return 1.0 / rule.alphabet
    if rule.kind == DIRICHLET:
        distinct = np.float64(trie.nodes[DISTINCT])
        own = distinct + rule.alpha if new else rule.alpha
        return own / (distinct + rule.alpha * (distinct + 1.0))
    return 1.0 if new else 0.0


@inlined
def _discount(trie: Trie, k: Any) -> Any:
    """Kneser-Ney's discount of the strings of k + 1 symbols."""
    tally = trie.tally
    at = 2 * (k + 1)
    return (tally[at] + 1.0) / (tally[at] + 2.0 * tally[at + 1] + 2.0)


@inlined
def shape_of(trie: Trie, rule: Rule, k: Any, at: Any) -> Any:
    """Discount, escape and norm of a context: a symbol's count n has the share (n - discount) / norm."""
    total, distinct = np.float64(trie.nodes[at + TOTAL]), np.float64(trie.nodes[at + DISTINCT])
    if rule.kind == KNESER_NEY:
        discount = _discount(trie, k)
        return discount, discount * distinct, total
    if rule.kind == DIRICHLET:
        prior = rule.alpha * size_of(trie, rule) + (distinct if rule.alphabet == 0 else 0.0)
        return 0.0, prior, total + prior
    return 0.0, distinct, total + distinct


@inlined
def own_weight(rule: Rule, k: Any, depth: Any) -> Any:
    """The weight of order k itself, where `depth` is the longest context that there is."""
    if rule.kind == NGRAM:
        if k == depth:
            return (rule.order - max(depth, 1) + 1) / rule.order
        return 1.0 / rule.order if k > 0 else 0.0
    return 1.0 if k == depth else 0.0


@inlined
def _interpolated(trie: Trie, walk: Walk, rule: Rule, reached: Any) -> Any:
    """Probability of the symbol that is `found` after contexts of up to `reached` symbols."""
    nodes, chain, found = trie.nodes, walk.chain, walk.found
    depth = walk.depth[0]
    share, weight = 0.0, 0.0
    for k in range(depth, -1, -1):
        weight += own_weight(rule, k, depth)
        at = chain[k] << NODE
        if nodes[at + TOTAL] != 0 or rule.kind == DIRICHLET:
            discount, escape, norm = shape_of(trie, rule, k, at)
            weight /= norm
            if k <= reached:
                share += weight * (nodes[(found[k] << NODE) + COUNT] - discount)
            weight *= escape
    return min(share + weight * base_share(trie, rule, reached < 0), 1.0)  # rounding may add a little


@inlined
def _left(trie: Trie, above: Any, at: Any) -> Any:
    """Sum of the counts in a context of the symbols that the next longer one has not offered."""
    nodes = trie.nodes
    total = np.int64(nodes[at + TOTAL])
    if above != NONE:
        other = np.uint64(nodes[(above << NODE) + CHILD])
        while other != NONE:
            there = other << NODE
            total -= np.int64(nodes[(np.uint64(nodes[there + SUFFIX]) << NODE) + COUNT])
            other = np.uint64(nodes[there + NEXT])
    return total


@inlined
def _partial_match(trie: Trie, walk: Walk, rule: Rule, reached: Any) -> Any:
    """Probability, by PPM, of the symbol that is `found` after contexts of up to `reached` symbols."""
    nodes, chain, found = trie.nodes, walk.chain, walk.found
    share, above, offered = 1.0, NONE, np.int64(0)
    size = size_of(trie, rule)
    for k in range(walk.depth[0], -1, -1):
        at = chain[k] << NODE
        distinct = np.int64(nodes[at + DISTINCT])
        fresh = distinct - offered
        if fresh != 0:
            norm = 2 * _left(trie, above, at)
            if k <= reached:
                escapes = 0 if distinct == size else fresh
                return share * (2 * np.int64(nodes[(found[k] << NODE) + COUNT]) - 1) / (norm - (fresh - escapes))
            share *= fresh / norm
        above, offered = chain[k], distinct
    return share / (size - offered)


@inlined
def _share(trie: Trie, walk: Walk, rule: Rule, reached: Any) -> Any:
    """Probability of the symbol that is `found`."""
    if rule.kind == PPM:
        return _partial_match(trie, walk, rule, reached)
    return _interpolated(trie, walk, rule, reached)


@inlined
def _tally(trie: Trie, length: Any, count: Any, change: Any) -> None:
    """Enter or leave a count of 1 or 2."""
    if 0 < count < 3:
        trie.tally[2 * length + count - 1] += change


@inlined
def add_symbol(trie: Trie, walk: Walk, rule: Rule, symbol: Any, reached: Any) -> Any:
    """
    Count the symbol after every context, and go on.

    Returns the node of the longest string that ends with it.
    """
    nodes, chain, found = trie.nodes, walk.chain, walk.found
    depth = walk.depth[0]
    for k in range(reached + 1, depth + 1):
        found[k] = create(trie, chain[k], symbol, found[k - 1] if k else NONE)
    for k in range(depth, (max(reached, 0) if rule.single else 0) - 1, -1):
        at = (found[k] << NODE) + COUNT
        before = np.int64(nodes[at])
        nodes[at] = before + 1
        nodes[(chain[k] << NODE) + TOTAL] += 1
        if rule.kind == KNESER_NEY:
            _tally(trie, k + 1, before, -1)
            _tally(trie, k + 1, before + 1, 1)
    node = found[depth]
    enter(walk, depth, rule.order)
    return node


@kernel
def learn(
    trie: Trie,
    walk: Walk,
    rule: Rule,
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    ends: NDArray[np.uint64],
    shares: NDArray[np.float64],
) -> Any:
    """
    Probabilities of symbols, each counted once it is known.

    Parameters
    ----------
    trie, walk, rule
        What is known of ``symbols[:start]``.
    symbols : ndarray of uint32
        Less than the size of the alphabet; of an open one, at most the number of different ones before.
    start, stop : int
    ends : ndarray of uint64
        Filled in from `start` on: nodes by which `forget` finds its way back.
    shares : ndarray of float64
        Filled in from `start` on: the probabilities.

    Returns
    -------
    int
        `stop`, or where the trie was full: go on from there once it is larger.
    """
    for i in range(start, stop):
        if not is_open(trie.sizes, rule.order + 1):
            return i
        symbol = np.uint64(symbols[i])
        reached = descend(trie, walk, symbol, walk.depth[0])
        shares[i] = _share(trie, walk, rule, reached)
        ends[i] = add_symbol(trie, walk, rule, symbol, reached)
    return stop


@kernel
def forget(trie: Trie, walk: Walk, rule: Rule, ends: NDArray[np.uint64], start: int, stop: int) -> None:
    """Go back from ``symbols[:stop]`` to ``symbols[:start]``, as if nothing had been learned since."""
    nodes = trie.nodes
    for i in range(stop - 1, start - 1, -1):
        node = ends[i]
        length = min(i, rule.order) + 1
        while node != NONE:
            at = node << NODE
            before = np.int64(nodes[at + COUNT])
            following = np.uint64(nodes[at + SUFFIX])
            nodes[at + COUNT] = before - 1
            nodes[(np.uint64(nodes[at + PARENT]) << NODE) + TOTAL] -= 1
            if rule.kind == KNESER_NEY:
                _tally(trie, length, before, -1)
                _tally(trie, length, before - 1, 1)
            if before == 1:
                remove(trie)
            elif rule.single:
                break
            node = following
            length -= 1
    if start == 0:
        stand_at(trie, walk, NONE, 0)
    else:
        node = ends[start - 1]
        if start > rule.order:
            node = np.uint64(nodes[(node << NODE) + SUFFIX])
        stand_at(trie, walk, node, min(start, rule.order))


@kernel
def read_only(
    trie: Trie, walk: Walk, rule: Rule, symbols: NDArray[np.uint32], start: int, stop: int, shares: NDArray[np.float64]
) -> None:
    """Probabilities of symbols by what the trie knows; nothing is counted, several walks may use it at once."""
    for i in range(start, stop):
        reached = descend(trie, walk, np.uint64(symbols[i]), walk.depth[0])
        shares[i] = _share(trie, walk, rule, reached)
        enter(walk, reached, rule.order)


@kernel
def add_bits(shares: NDArray[np.float64], start: int, stop: int, bits: float) -> Any:
    """`bits` and those of ``shares[start:stop]``, added one after another: in parts the sum is the same as in one."""
    for i in range(start, stop):
        bits -= np.log2(shares[i])
    return bits
