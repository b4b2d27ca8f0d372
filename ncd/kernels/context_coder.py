"""Probabilities of all symbols by the models that count, and streams: each symbol is coded by them, then learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.arithmetic import AT, LOOKAHEAD, ROOM, UNIT, Coder, narrow, offer, take
from ncd.kernels.context_counts import DIRICHLET, PPM, Rule, add_symbol, base_share, own_weight, shape_of, size_of
from ncd.kernels.context_trie import (
    CHILD,
    COUNT,
    DISTINCT,
    NEXT,
    NODE,
    NONE,
    SYMBOL,
    TOTAL,
    Trie,
    Walk,
    descend,
    is_open,
)
from ncd.kernels.jit import inlined, kernel

__all__ = ["all_shares", "transcode"]

_ONE = np.uint64(1)


@inlined
def _all_interpolated(trie: Trie, walk: Walk, rule: Rule, shares: Any) -> None:
    """Probabilities of all symbols."""
    nodes, chain = trie.nodes, walk.chain
    depth = walk.depth[0]
    weight = 0.0
    for k in range(depth, -1, -1):
        weight += own_weight(rule, k, depth)
        at = chain[k] << NODE
        if nodes[at + TOTAL] != 0 or rule.kind == DIRICHLET:
            discount, escape, norm = shape_of(trie, rule, k, at)
            weight /= norm
            node = np.uint64(nodes[at + CHILD])
            while node != NONE:
                there = node << NODE
                shares[nodes[there + SYMBOL]] += weight * (nodes[there + COUNT] - discount)
                node = np.uint64(nodes[there + NEXT])
            weight *= escape
    known = weight * base_share(trie, rule, False)
    for symbol in range(size_of(trie, rule)):
        shares[symbol] += known
    if rule.alphabet == 0:
        shares[size_of(trie, rule) - 1] = weight * base_share(trie, rule, True)


@inlined
def _all_partial_matches(trie: Trie, walk: Walk, rule: Rule, shares: Any) -> None:
    """Probabilities of all symbols by PPM; those not yet offered are zero."""
    nodes, chain = trie.nodes, walk.chain
    weight, offered = 1.0, np.int64(0)
    size = size_of(trie, rule)
    for k in range(walk.depth[0], -1, -1):
        at = chain[k] << NODE
        distinct = np.int64(nodes[at + DISTINCT])
        fresh = distinct - offered
        if fresh == 0:
            continue
        norm = np.int64(0)
        node = np.uint64(nodes[at + CHILD])
        while node != NONE:
            there = node << NODE
            if shares[nodes[there + SYMBOL]] == 0.0:
                norm += 2 * np.int64(nodes[there + COUNT])
            node = np.uint64(nodes[there + NEXT])
        escapes = 0 if distinct == size else fresh
        own = weight / (norm - (fresh - escapes))
        node = np.uint64(nodes[at + CHILD])
        while node != NONE:
            there = node << NODE
            if shares[nodes[there + SYMBOL]] == 0.0:
                shares[nodes[there + SYMBOL]] = own * (2 * np.int64(nodes[there + COUNT]) - 1)
            node = np.uint64(nodes[there + NEXT])
        weight *= escapes / norm
        offered = distinct
    if offered < size:
        for symbol in range(size):
            if shares[symbol] == 0.0:
                shares[symbol] = weight / (size - offered)


@kernel
def all_shares(trie: Trie, walk: Walk, rule: Rule, shares: NDArray[np.float64]) -> None:
    """
    Probabilities of all symbols where a text is.

    Parameters
    ----------
    trie, walk, rule
    shares : ndarray of float64, as many as there are symbols
        Filled in.
    """
    for symbol in range(size_of(trie, rule)):
        shares[symbol] = 0.0
    if rule.kind == PPM:
        _all_partial_matches(trie, walk, rule, shares)
    else:
        _all_interpolated(trie, walk, rule, shares)


@kernel
def transcode(
    trie: Trie,
    walk: Walk,
    rule: Rule,
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    coder: Coder,
    shares: NDArray[np.float64],
    reading: bool,
) -> Any:
    """
    Encode symbols, or decode them: one function, so that both compute the same shares.

    Parameters
    ----------
    trie, walk, rule
        What is known of ``symbols[:start]``.
    symbols : ndarray of uint32
        Filled in where `reading`.
    start, stop : int
    coder : Coder
    shares : ndarray of float64, as many as there are symbols (of an open alphabet: stop + 1)
        Scratch memory.
    reading : bool

    Returns
    -------
    int
        `stop`; or where the trie or the stream was full; or -1 if a stream that is read has ended before.
    """
    for i in range(start, stop):
        if not is_open(trie.sizes, rule.order + 1):
            return i
        if not reading and np.int64(coder.register[AT]) + ROOM > len(coder.stream):
            return i
        all_shares(trie, walk, rule, shares)
        total = np.uint64(0)
        for symbol in range(size_of(trie, rule)):
            total += np.uint64(shares[symbol] * UNIT) + _ONE
        begin, size = np.uint64(0), np.uint64(0)
        if reading:
            target = offer(coder, total)
            coded = 0
            size = np.uint64(shares[0] * UNIT) + _ONE
            while begin + size <= target:
                begin += size
                coded += 1
                size = np.uint64(shares[coded] * UNIT) + _ONE
            take(coder, begin, size, total)
            if np.int64(coder.register[AT]) > len(coder.stream) + LOOKAHEAD:
                return -1
            symbols[i] = coded
        else:
            for symbol in range(symbols[i]):
                begin += np.uint64(shares[symbol] * UNIT) + _ONE
            narrow(coder, begin, np.uint64(shares[symbols[i]] * UNIT) + _ONE, total)
        coded = np.uint64(symbols[i])
        add_symbol(trie, walk, rule, coded, descend(trie, walk, coded, walk.depth[0]))
    return stop
