"""Context-tree weighting without learning: probabilities of the next byte; and streams, coded bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.arithmetic import AT, LOOKAHEAD, ROOM, UNIT, Coder, narrow, offer, take
from ncd.kernels.context_ctw import ALPHABET, BITS, Tree, Weights, can_learn, estimate, go_on, learn_byte
from ncd.kernels.context_trie import COUNT, NODE, NONE, TOTAL, Trie, Walk, descend, enter
from ncd.kernels.jit import inlined, kernel

__all__ = ["all_bytes", "read_bytes", "transcode_bytes"]


@inlined
def _begin_byte(trie: Trie, walk: Walk, cursor: Any) -> None:
    """Stand before the first bit."""
    for k in range(walk.depth[0] + 1):
        following = np.uint64(trie.nodes[(walk.chain[k] << NODE) + TOTAL])
        cursor[k] = following - np.uint64(ALPHABET) if following >= np.uint64(ALPHABET) else NONE


@inlined
def _share(trie: Trie, walk: Walk, weights: Weights, tree: Tree, cursor: Any, before: Any, place: Any, bit: Any) -> Any:
    """Probability of a bit at a place, where the bits above it are those of `before`."""
    nodes = trie.nodes
    share = 0.5
    for k in range(walk.depth[0], -1, -1):
        at = walk.chain[k] << NODE
        following, count = np.int64(nodes[at + TOTAL]), np.int64(nodes[at + COUNT])
        this, other, beta = np.int64(0), np.int64(0), 1.0
        if following >= ALPHABET:
            if cursor[k] != NONE:
                there = cursor[k] << np.uint64(2)
                this = np.int64(weights.bits[there + np.uint64(bit)])
                other = np.int64(weights.bits[there + np.uint64(1 - bit)])
                beta = weights.bit_beta[cursor[k]]
        elif count != 0 and following >> (place + 1) == before >> (place + 1):
            beta = weights.beta[walk.chain[k]]
            if (following >> place) & 1 == bit:
                this = count
            else:
                other = count
        own = estimate(tree, this, other)
        share = own if k == tree.depth else (beta * own + share) / (beta + 1.0)
    return share


@inlined
def _step(walk: Walk, weights: Weights, cursor: Any, bit: Any) -> None:
    """Go on to the next bit of a byte."""
    for k in range(walk.depth[0] + 1):
        if cursor[k] != NONE:
            cursor[k] = np.uint64(weights.bits[(cursor[k] << np.uint64(2)) + np.uint64(2) + np.uint64(bit)])


@kernel
def read_bytes(
    trie: Trie,
    walk: Walk,
    weights: Weights,
    tree: Tree,
    cursor: NDArray[np.uint64],
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    shares: NDArray[np.float64],
) -> None:
    """Probabilities of bytes by what is known; nothing is learned, and any number of walks may use it at once."""
    for i in range(start, stop):
        byte, result = np.int64(symbols[i]), 1.0
        _begin_byte(trie, walk, cursor)
        for place in range(BITS - 1, -1, -1):
            bit = (byte >> place) & 1
            result *= _share(trie, walk, weights, tree, cursor, byte, place, bit)
            _step(walk, weights, cursor, bit)
        shares[i] = result
        reached = descend(trie, walk, np.uint64(byte), min(walk.depth[0], tree.depth - 1))
        enter(walk, reached, tree.depth)


@kernel
def all_bytes(
    trie: Trie, walk: Walk, weights: Weights, tree: Tree, cursor: NDArray[np.uint64], shares: NDArray[np.float64]
) -> None:
    """Probabilities of all 256 bytes where a text is, put into `shares`."""
    for byte in range(ALPHABET):
        result = 1.0
        _begin_byte(trie, walk, cursor)
        for place in range(BITS - 1, -1, -1):
            bit = (byte >> place) & 1
            result *= _share(trie, walk, weights, tree, cursor, byte, place, bit)
            _step(walk, weights, cursor, bit)
        shares[byte] = result


@kernel
def transcode_bytes(
    trie: Trie,
    walk: Walk,
    weights: Weights,
    tree: Tree,
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    coder: Coder,
    reading: bool,
) -> Any:
    """
    Encode bytes, or decode them, bit by bit; parameters and result as those of `ncd.kernels.context_coder.transcode`.
    """
    cursor = weights.cursor
    for i in range(start, stop):
        if not can_learn(trie, weights, tree):
            return i
        if not reading and np.int64(coder.register[AT]) + BITS * ROOM > len(coder.stream):
            return i
        byte = np.int64(symbols[i]) if not reading else np.int64(0)
        _begin_byte(trie, walk, cursor)
        for place in range(BITS - 1, -1, -1):
            one = _share(trie, walk, weights, tree, cursor, byte, place, 1)
            ones, zeros = np.uint64(one * UNIT) + np.uint64(1), np.uint64((1.0 - one) * UNIT) + np.uint64(1)
            total = ones + zeros
            if reading:
                bit = np.int64(offer(coder, total) < ones)
                byte |= bit << place
            else:
                bit = (byte >> place) & 1
            begin, size = (np.uint64(0), ones) if bit else (ones, zeros)
            if reading:
                take(coder, begin, size, total)
            else:
                narrow(coder, begin, size, total)
            _step(walk, weights, cursor, bit)
        if reading and np.int64(coder.register[AT]) > len(coder.stream) + LOOKAHEAD:
            return -1
        symbols[i] = byte
        learn_byte(trie, walk, weights, tree, np.uint64(byte), False)
        go_on(trie, walk, weights, tree, np.uint64(byte))
    return stop
