"""
Context-tree weighting of bytes, one bit after another (Willems, Shtarkov, Tjalkens 1995; decomposition by Volf).

A byte is eight decisions: where the bits before are b, the next bit has a context tree of its own, whose contexts are
the last 0, 1 ... D whole bytes. For the bits that followed a context u there, with P_e the estimator's probability of
them,

    P_w(u) = P_e(u) where u has D bytes, else (P_e(u) + prod_a P_w(a u)) / 2    over the bytes a before u,

is a mixture over all trees that prune the full one. Before the text's first byte stands a symbol of its own. Next bits
follow from ratios beta(u) = P_e(u) / prod_a P_w(a u), from the longest context up:

    P_w(bit | u) = [beta P_e(bit | u) + P_w(bit | a u)] / (beta + 1),
    then beta <- beta P_e(bit | u) / P_w(bit | a u).

While one byte alone has followed a context, its eight nodes are equal and are kept as one, in the trie's node: COUNT
says how often it has followed, TOTAL which one. Later TOTAL is 256 plus the first of the nodes in `bits`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.context_trie import (
    COUNT,
    NODE,
    NONE,
    TOTAL,
    USED,
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
    "ALPHABET",
    "BITS",
    "Tree",
    "Weights",
    "can_learn",
    "estimate",
    "forget_bytes",
    "go_on",
    "learn_byte",
    "learn_bytes",
]

ALPHABET = 256
BITS = 8
_BRANCHED = np.uint32(ALPHABET)
_STEPS, _LOGGED = 0, 1  # of `Weights.sizes`: nodes in `bits`, entries in the log
_ALONE, _BIT, _BRANCH, _LINK = range(4)  # what an entry of the log undoes
_MOST, _LEAST = 2.0**500, 2.0**-500  # ratios, far beyond what can be told from 1 and 0
_EXACT = 1024
_MOST_BITS = (1 << 32) - ALPHABET


def _same_bits() -> NDArray[np.float64]:
    """Zero-redundancy probability of one more equal bit, after n of them."""
    ones = np.cumprod(np.concatenate([[1.0], (np.arange(_EXACT) + 0.5) / (np.arange(_EXACT) + 1.0)]))
    result = (2 * ones[1:] + 1) / (2 * ones[:-1] + 1)
    result[0] = 0.5
    return result


_SAME = _same_bits()


class Tree(NamedTuple):
    """How bits are predicted."""

    depth: int  # bytes of the longest context
    sure: bool  # the zero-redundancy estimator instead of Krichevsky and Trofimov's


@inlined
def _most(depth: Any) -> Any:
    """Decisions that one byte makes at most, and entries of the log: a branch and a path in each context."""
    return (2 * BITS + 1) * (depth + 1)


class Weights(NamedTuple):
    """The decisions of a trie's contexts, and a log by which they are undone."""

    beta: NDArray[np.float64]  # of contexts that one byte alone has followed, by node of the trie
    bits: NDArray[np.uint32]  # four words: zeros, ones, the nodes after a zero and after a one
    bit_beta: NDArray[np.float64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.int64]
    values: NDArray[np.float64]
    cursor: NDArray[np.uint64]  # where each context is within a byte

    @classmethod
    def empty(cls, tree: Tree) -> Weights:
        """Memory for one byte."""
        most = 1 + _most.py_func(tree.depth)
        return cls(
            np.ones(1),
            np.empty(4 * most, np.uint32),
            np.empty(most),
            np.array([1, 0], np.int64),
            np.empty(most, np.int64),
            np.empty(most),
            np.zeros(tree.depth + 1, np.uint64),
        )

    def clear(self) -> None:
        """Begin anew."""
        self.sizes[:] = 1, 0
        self.beta[0] = 1.0

    def drop_log(self) -> None:
        """Give up the way back."""
        self.sizes[_LOGGED] = 0

    def fitted(self, tree: Tree, nodes: int) -> Weights:
        """The same with room for a trie of so many nodes and, in any case, for one more byte."""
        most = _most.py_func(tree.depth)
        bits, log = (
            2 * len(array) if used + most > len(array) else len(array)
            for used, array in zip(self.sizes.tolist(), (self.bit_beta, self.keys), strict=True)
        )
        if bits > _MOST_BITS:
            raise MemoryError(f"context trees of {bits:,} nodes: {_MOST_BITS:,} are the most; take a lower depth")
        return self._replace(
            beta=_longer(self.beta, nodes),
            bits=_longer(self.bits, 4 * bits),
            bit_beta=_longer(self.bit_beta, bits),
            keys=_longer(self.keys, log),
            values=_longer(self.values, log),
        )


def _longer(array: NDArray[Any], size: int) -> NDArray[Any]:
    """The array with room for more."""
    if len(array) >= size:
        return array
    result = np.empty(size, array.dtype)
    result[: len(array)] = array
    return result


@inlined
def _same(tree: Tree, n: Any) -> Any:
    """Estimated probability that n equal bits are followed by one more."""
    if not tree.sure:
        return (n + 0.5) / (n + 1.0)
    if n < _EXACT:
        return _SAME[n]
    ones = (1.0 - (1.0 - (1.0 + 2.5 / n) / (16.0 * n)) / (8.0 * n)) / np.sqrt(np.pi * n)
    return (ones * (2.0 * n + 1.0) / (n + 1.0) + 1.0) / (2.0 * ones + 1.0)


@inlined
def estimate(tree: Tree, this: Any, other: Any) -> Any:
    """Estimated probability of a bit that has been seen `this` times, and its opposite `other` times."""
    if tree.sure:
        if other == 0:
            return _same(tree, this)
        if this == 0:
            return 1.0 - _same(tree, other)
    return (this + 0.5) / (this + other + 1.0)


@inlined
def _bounded(beta: Any) -> Any:
    """A ratio that stays a number."""
    return min(max(beta, _LEAST), _MOST)


@inlined
def _log(weights: Weights, logging: Any, kind: Any, place: Any, value: Any) -> None:
    """Note what was there before."""
    if logging:
        at = weights.sizes[_LOGGED]
        weights.keys[at] = np.int64(place) << 2 | kind
        weights.values[at] = value
        weights.sizes[_LOGGED] = at + 1


@inlined
def _new_bit(weights: Weights) -> Any:
    """A node that no bit has reached."""
    node = np.uint64(weights.sizes[_STEPS])
    weights.sizes[_STEPS] += 1
    at = node << np.uint64(2)
    for word in range(4):
        weights.bits[at + np.uint64(word)] = 0
    weights.bit_beta[node] = 1.0
    return node


@inlined
def _branch(trie: Trie, weights: Weights, context: Any, logging: Any) -> None:
    """Give a context nodes of its own: so far one byte alone has followed it."""
    at = context << NODE
    byte, count, beta = np.int64(trie.nodes[at + TOTAL]), trie.nodes[at + COUNT], weights.beta[context]
    _log(weights, logging, _BRANCH, context, byte)
    trie.nodes[at + TOTAL] = np.uint64(ALPHABET) + np.uint64(weights.sizes[_STEPS])
    for place in range(BITS - 1, -1, -1):
        node = _new_bit(weights)
        bit = np.uint64((byte >> place) & 1)
        weights.bits[(node << np.uint64(2)) + bit] = count
        weights.bits[(node << np.uint64(2)) + np.uint64(2) + bit] = node + np.uint64(1) if place else np.uint64(0)
        weights.bit_beta[node] = beta


@inlined
def _learn_alone(
    trie: Trie, weights: Weights, tree: Tree, context: Any, k: Any, byte: Any, below: Any, logging: Any
) -> Any:
    """A context that nothing else has followed: the probability of each of the byte's bits."""
    at = context << NODE
    n = np.int64(trie.nodes[at + COUNT])
    trie.nodes[at + COUNT] = n + 1
    trie.nodes[at + TOTAL] = byte
    beta = weights.beta[context]
    _log(weights, logging, _ALONE, context, beta)
    share = _same(tree, n)
    if k == tree.depth:
        return share
    weights.beta[context] = _bounded(beta * share / below)
    return (beta * share + below) / (beta + 1.0)


@inlined
def _learn_bit(weights: Weights, tree: Tree, k: Any, node: Any, bit: Any, below: Any, logging: Any) -> Any:
    """The probability of a bit in one context."""
    at = node << np.uint64(2)
    this, other = np.int64(weights.bits[at + bit]), np.int64(weights.bits[at + (np.uint64(1) - bit)])
    weights.bits[at + bit] = this + 1
    beta = weights.bit_beta[node]
    _log(weights, logging, _BIT, node << np.uint64(1) | bit, beta)
    share = estimate(tree, this, other)
    if k == tree.depth:
        return share
    weights.bit_beta[node] = _bounded(beta * share / below)
    return (beta * share + below) / (beta + 1.0)


@inlined
def _follow(weights: Weights, node: Any, bit: Any, logging: Any) -> Any:
    """The node after a bit, made if there is none."""
    at = (node << np.uint64(2)) + np.uint64(2) + bit
    following = np.uint64(weights.bits[at])
    if following == NONE:
        following = _new_bit(weights)
        weights.bits[at] = following
        _log(weights, logging, _LINK, node << np.uint64(1) | bit, 0.0)
    return following


@inlined
def learn_byte(trie: Trie, walk: Walk, weights: Weights, tree: Tree, byte: Any, logging: Any) -> Any:
    """The probability of a byte, which every context learns."""
    nodes, chain, cursor = trie.nodes, walk.chain, weights.cursor
    depth = walk.depth[0]
    branched = 0
    while branched <= depth:
        at = chain[branched] << NODE
        if nodes[at + TOTAL] < _BRANCHED:
            if nodes[at + COUNT] == 0 or nodes[at + TOTAL] == byte:
                break
            _branch(trie, weights, chain[branched], logging)
        cursor[branched] = np.uint64(nodes[at + TOTAL]) - np.uint64(ALPHABET)
        branched += 1
    alone = 0.5  # what the symbol before the text says, where the contexts end there
    for k in range(depth, branched - 1, -1):
        alone = _learn_alone(trie, weights, tree, chain[k], k, byte, alone, logging)
    result = 1.0
    for place in range(BITS - 1, -1, -1):
        bit = (byte >> np.uint64(place)) & np.uint64(1)
        share = alone
        for k in range(branched - 1, -1, -1):
            share = _learn_bit(weights, tree, k, cursor[k], bit, share, logging)
            if place:
                cursor[k] = _follow(weights, cursor[k], bit, logging)
        result *= share
    return result


@inlined
def go_on(trie: Trie, walk: Walk, weights: Weights, tree: Tree, byte: Any) -> Any:
    """Enter the contexts that end with the byte; returns the node of the longest."""
    chain, found = walk.chain, walk.found
    top = min(walk.depth[0], tree.depth - 1)
    reached = descend(trie, walk, byte, top)
    for k in range(reached + 1, top + 1):
        found[k] = create(trie, chain[k], byte, found[k - 1] if k else NONE)
        weights.beta[found[k]] = 1.0
    enter(walk, top, tree.depth)
    return walk.chain[walk.depth[0]]


@inlined
def can_learn(trie: Trie, weights: Weights, tree: Tree) -> Any:
    """Whether one more byte can be learned in any case."""
    sizes = weights.sizes
    if not is_open(trie.sizes, tree.depth) or sizes[_STEPS] + _most(tree.depth) > len(weights.bit_beta):
        return False
    return sizes[_LOGGED] + _most(tree.depth) <= len(weights.keys)


@kernel
def learn_bytes(
    trie: Trie,
    walk: Walk,
    weights: Weights,
    tree: Tree,
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    ends: NDArray[np.uint64],
    marks: NDArray[np.int64],
    shares: NDArray[np.float64],
    logging: bool,
) -> Any:
    """
    Probabilities of bytes, each learned once it is known.

    Parameters
    ----------
    trie, walk, weights, tree
        What is known of ``symbols[:start]``.
    symbols : ndarray of uint32
        Bytes.
    start, stop : int
    ends : ndarray of uint64
        Filled in from `start` on: the node of the longest context after each byte.
    marks : ndarray of int64, shape (n, 2)
        Filled in from `start` on: sizes of the log and of the trie before each byte.
    shares : ndarray of float64
        Filled in from `start` on: the probabilities.
    logging : bool
        Whether `forget_bytes` is to undo this.

    Returns
    -------
    int
        `stop`, or where the memory was full: go on from there once it is larger.
    """
    for i in range(start, stop):
        if not can_learn(trie, weights, tree):
            return i
        marks[i, 0], marks[i, 1] = weights.sizes[_LOGGED], trie.sizes[USED]
        byte = np.uint64(symbols[i])
        shares[i] = learn_byte(trie, walk, weights, tree, byte, logging)
        ends[i] = go_on(trie, walk, weights, tree, byte)
    return stop


@kernel
def forget_bytes(
    trie: Trie, walk: Walk, weights: Weights, tree: Tree, ends: NDArray[np.uint64], marks: NDArray[np.int64], start: int
) -> None:
    """Go back to ``symbols[:start]``, as if nothing had been learned since; since then all was logged."""
    nodes, bits = trie.nodes, weights.bits
    for entry in range(weights.sizes[_LOGGED] - 1, marks[start, 0] - 1, -1):
        kind, place = weights.keys[entry] & 3, np.uint64(weights.keys[entry] >> 2)
        value = weights.values[entry]
        if kind == _ALONE:
            nodes[(place << NODE) + COUNT] -= 1
            weights.beta[place] = value
        elif kind == _BIT:
            node, bit = place >> np.uint64(1), place & np.uint64(1)
            bits[(node << np.uint64(2)) + bit] -= 1
            weights.bit_beta[node] = value
        elif kind == _BRANCH:
            nodes[(place << NODE) + TOTAL] = np.int64(value)
            weights.sizes[_STEPS] -= BITS
        else:
            node, bit = place >> np.uint64(1), place & np.uint64(1)
            bits[(node << np.uint64(2)) + np.uint64(2) + bit] = 0
            weights.sizes[_STEPS] -= 1
    weights.sizes[_LOGGED] = marks[start, 0]
    while trie.sizes[USED] > marks[start, 1]:
        remove(trie)
    if start == 0:
        stand_at(trie, walk, NONE, 0)
    else:
        stand_at(trie, walk, ends[start - 1], min(start, tree.depth))
