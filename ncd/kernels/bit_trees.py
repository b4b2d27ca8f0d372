"""
Code lengths of all prefixes and all suffixes of a stretch of symbols, by context-tree weighting on full binary trees.

A symbol of q bits is q decisions, the highest bit first. Where the bits before are u, the decision has a binary context
tree of its own, whose contexts are the last 0, 1 ... D bits of a context word that is given for each place. For the
bits that came in a context s there, with P_e(s) their probability by Krichevsky and Trofimov's estimator,

    P_w(s) = P_e(s) where s has D bits, else (P_e(s) + P_w(0s) P_w(1s)) / 2,

and the probability of the stretch is the product of P_w(no context) over the q-bit symbol's 2^q - 1 trees. All of it
depends on counts alone and not on the order in which places are counted: so one sweep from the first place on gives the
code lengths of all prefixes, and one from the last place back those of all suffixes.

A node keeps the two shares of its sum, w of P_e and v of what is below, with w + v = 1. A bit of probability p_e in the
node and p' below it has p = w p_e + v p', and then w <- w p_e / p, v <- v p' / p.

Several coordinates add up. Where there are two context words for a coordinate, their trees are mixed in the same way.

F. Willems, Y. Shtarkov, T. Tjalkens (1995), The context-tree weighting method: basic properties, IEEE Trans. Inf.
Theory 41.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["Coded", "best_cuts", "cut_gains", "pooled_bits", "prefix_bits"]

_LEAST = 1e-290  # a share, so that it can grow again


class Coded(NamedTuple):
    """Symbols with their contexts, and memory for the trees of one coordinate."""

    symbols: NDArray[np.uint8]  # (d, n)
    contexts: NDArray[np.uint16]  # (d, k, n): k = 1 or 2 context words for each symbol, the nearest bit lowest
    bits: int  # q
    depth: int  # D
    given: int  # symbols at the beginning that cost nothing and teach nothing: they have no full context
    nodes: NDArray[np.float64]  # zeros, ones, w, v of every node


@inlined
def _tree(coded: Coded, which: Any, before: Any) -> Any:
    """The node before the root of the tree for the bits `before` (a one leads them)."""
    return ((which << coded.bits) + before) << (coded.depth + 1)


@inlined
def _fresh(nodes: NDArray[np.float64], node: Any) -> None:
    """A node that has counted nothing."""
    at = node << 2
    nodes[at] = 0.0
    nodes[at + 1] = 0.0
    nodes[at + 2] = 0.5
    nodes[at + 3] = 0.5


@inlined
def _learn(coded: Coded, root: Any, context: Any, bit: Any) -> Any:
    """The probability of a bit in its context, which all nodes of the path count."""
    nodes, k = coded.nodes, coded.depth
    at = (root + (1 << k) + (context & ((1 << k) - 1))) << 2
    here = nodes[at + bit] + 0.5
    below = here / (nodes[at] + nodes[at + 1] + 1.0)
    nodes[at + bit] = here + 0.5
    while k > 0:
        k -= 1
        at = (root + (1 << k) + (context & ((1 << k) - 1))) << 2
        here = nodes[at + bit] + 0.5
        share = nodes[at + 2] * (here / (nodes[at] + nodes[at + 1] + 1.0))
        rest = nodes[at + 3] * below
        below = share + rest
        scale = 1.0 / below
        nodes[at + bit] = here + 0.5
        nodes[at + 2] = max(share * scale, _LEAST)
        nodes[at + 3] = max(rest * scale, _LEAST)
    return below


@inlined
def _clear(coded: Coded, which: Any, coordinate: Any, start: Any, stop: Any) -> None:
    """Forget a stretch: along its paths if they are short, else all."""
    nodes, bits, depth = coded.nodes, coded.bits, coded.depth
    if (stop - start) * bits * (depth + 1) < 1 << (bits + depth + 1):
        for t in range(start, stop):
            symbol, context = np.int64(coded.symbols[coordinate, t]), np.int64(coded.contexts[coordinate, which, t])
            for b in range(bits):
                root = _tree(coded, which, (1 << b) | (symbol >> (bits - b)))
                for k in range(depth + 1):
                    _fresh(nodes, root + (1 << k) + (context & ((1 << k) - 1)))
    else:
        for node in range(which << (bits + depth + 1), (which + 1) << (bits + depth + 1)):
            _fresh(nodes, node)


@inlined
def _symbol_bits(coded: Coded, coordinate: Any, t: Any, mix: Any) -> Any:
    """Bits of one symbol, and the share of the first context word after it."""
    bits, symbol = coded.bits, np.int64(coded.symbols[coordinate, t])
    first = np.int64(coded.contexts[coordinate, 0, t])
    product = 1.0
    if coded.contexts.shape[1] == 1:
        for b in range(bits):
            before = (1 << b) | (symbol >> (bits - b))
            product *= _learn(coded, _tree(coded, 0, before), first, (symbol >> (bits - 1 - b)) & 1)
        return -math.log2(product), mix
    second = np.int64(coded.contexts[coordinate, 1, t])
    other = 1.0
    for b in range(bits):
        before, bit = (1 << b) | (symbol >> (bits - b)), (symbol >> (bits - 1 - b)) & 1
        product *= _learn(coded, _tree(coded, 0, before), first, bit)
        other *= _learn(coded, _tree(coded, 1, before), second, bit)
    share = mix * product
    whole = share + (1.0 - mix) * other
    return -math.log2(whole), min(max(share / whole, 1e-15), 1.0 - 1e-15)


@inlined
def _sweep(coded: Coded, start: Any, stop: Any, backward: Any, out: NDArray[np.float64]) -> None:
    """Code lengths of the prefixes [start, start + i) or of the suffixes [start + i, stop), in out[i]."""
    size = stop - start
    for i in range(size + 1):
        out[i] = 0.0
    for coordinate in range(coded.symbols.shape[0]):
        total, mix = 0.0, 0.5
        if backward:
            for i in range(size - 1, -1, -1):
                if start + i < coded.given:
                    out[i] += total
                    continue
                spent, mix = _symbol_bits(coded, coordinate, start + i, mix)
                total += spent
                out[i] += total
        else:
            for i in range(size):
                if start + i < coded.given:
                    continue
                spent, mix = _symbol_bits(coded, coordinate, start + i, mix)
                total += spent
                out[i + 1] += total
        for which in range(coded.contexts.shape[1]):
            _clear(coded, which, coordinate, start, stop)


@kernel
def prefix_bits(coded: Coded, start: int, stop: int, out: NDArray[np.float64]) -> None:
    """Code lengths in bits of [start, start + i) for i = 0 ... stop - start, into `out`."""
    _sweep(coded, start, stop, False, out)


@kernel
def cut_gains(coded: Coded, start: int, stop: int, left: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    """Bits that a cut after i symbols saves, into left[i]: code length of [start, stop) less those of its two parts."""
    _sweep(coded, start, stop, False, left)
    _sweep(coded, start, stop, True, right)
    whole = left[stop - start]
    for i in range(stop - start + 1):
        left[i] = whole - left[i] - right[i]


@kernel
def best_cuts(
    coded: Coded,
    intervals: NDArray[np.int64],
    lowest: int,
    highest: int,
    edge: int,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    cuts: NDArray[np.int64],
    gains: NDArray[np.float64],
) -> None:
    """
    The best cut of each interval.

    Parameters
    ----------
    coded : Coded
    intervals : ndarray of int64, shape (k, 2)
    lowest, highest : int
        The first and the last place at which a cut is allowed.
    edge : int
        Least distance of a cut from the ends of its interval.
    left, right : ndarray of float64
        Scratch, one more than the longest interval.
    cuts, gains : ndarray, shape (k,)
        Filled in: places (-1 if there is none) and bits that they save.
    """
    for j in range(len(intervals)):
        start, stop = intervals[j, 0], intervals[j, 1]
        low, high = max(lowest, start + edge), min(highest, stop - edge)
        cuts[j] = -1
        gains[j] = -math.inf
        if low > high:
            continue
        _sweep(coded, start, stop, False, left)
        _sweep(coded, start, stop, True, right)
        whole = left[stop - start]
        for t in range(low, high + 1):
            gain = whole - left[t - start] - right[t - start]
            if gain > gains[j]:
                cuts[j] = t
                gains[j] = gain


@kernel
def pooled_bits(coded: Coded, parts: NDArray[np.int64]) -> float:
    """Code length in bits of several stretches [parts[i, 0], parts[i, 1]) that one model learns together."""
    result = 0.0
    for coordinate in range(coded.symbols.shape[0]):
        mix = 0.5
        for j in range(len(parts)):
            for t in range(max(parts[j, 0], coded.given), parts[j, 1]):
                spent, mix = _symbol_bits(coded, coordinate, t, mix)
                result += spent
        for which in range(coded.contexts.shape[1]):
            for j in range(len(parts)):
                _clear(coded, which, coordinate, parts[j, 0], parts[j, 1])
    return result
