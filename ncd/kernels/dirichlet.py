"""
Code lengths of symbols under a Dirichlet prior: the adaptive code of order 0, of which KT's is the case a = 1/2.

A symbol v that has come n_v times among t is given the probability (a_v + n_v) / (A + t), A the sum of all a_v. The
product over a sequence does not depend on its order, and has the closed form

    lnG(A + t) - lnG(A) - sum_v [lnG(a_v + n_v) - lnG(a_v)]    nats for t more symbols, G the gamma function.

What has been seen before is part of the prior: give a_v plus its counts, and A plus their sum.

R. Krichevsky, V. Trofimov (1981), The performance of universal encoding, IEEE Trans. Inf. Theory 27.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["add_counts", "dirichlet_block", "dirichlet_blocks", "dirichlet_growing", "dirichlet_steps"]

_LN2 = math.log(2.0)


@inlined
def _weight(weights: NDArray[np.float64], symbol: Any) -> float:
    """a_v: one number for all symbols, or one for each."""
    return weights[0] if len(weights) == 1 else weights[symbol]


@kernel
def add_counts(symbols: NDArray[np.uint32], counts: NDArray[np.int64]) -> None:
    """Count each symbol in `counts`."""
    for i in range(len(symbols)):
        counts[symbols[i]] += 1


@kernel
def dirichlet_steps(
    symbols: NDArray[np.uint32],
    weights: NDArray[np.float64],
    total: float,
    counts: NDArray[np.int64],
    bits: NDArray[np.float64],
) -> None:
    """
    Bits of each symbol after those before it; `total` is A plus the sum of `counts`, where symbols are counted.

    Leaves `counts` as they are after the last symbol.
    """
    for i in range(len(symbols)):
        symbol = symbols[i]
        bits[i] = math.log2(total / (_weight(weights, symbol) + counts[symbol]))
        counts[symbol] += 1
        total += 1.0


@kernel
def dirichlet_growing(
    symbols: NDArray[np.uint32],
    start: int,
    weights: NDArray[np.float64],
    total: float,
    counts: NDArray[np.int64],
    bits: NDArray[np.float64],
) -> None:
    """
    Bits of ``symbols[start:start + i]`` in ``bits[i]``, for every i: the costs of all segments with one start.

    As many as fit into `bits`. `counts` are those of what was seen before, and are left so.
    """
    bits[0] = 0.0
    for i in range(len(bits) - 1):
        symbol = symbols[start + i]
        bits[i + 1] = bits[i] + math.log2((total + i) / (_weight(weights, symbol) + counts[symbol]))
        counts[symbol] += 1
    for i in range(len(bits) - 1):
        counts[symbols[start + i]] -= 1


@inlined
def _block(
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    weights: NDArray[np.float64],
    total: float,
    seen: NDArray[np.int64],
    scratch: NDArray[np.int64],
) -> float:
    """Nats of ``symbols[start:stop]`` by the closed form."""
    for i in range(start, stop):
        scratch[symbols[i]] += 1
    nats = math.lgamma(total + (stop - start)) - math.lgamma(total)
    for i in range(start, stop):
        symbol = symbols[i]
        n = scratch[symbol]
        if n:
            scratch[symbol] = 0
            before = _weight(weights, symbol)
            if len(seen):
                before += seen[symbol]
            if n == 1:
                nats -= math.log(before)
            else:
                nats -= math.lgamma(before + n) - math.lgamma(before)
    return nats


@kernel
def dirichlet_block(
    symbols: NDArray[np.uint32],
    start: int,
    stop: int,
    weights: NDArray[np.float64],
    total: float,
    seen: NDArray[np.int64],
    scratch: NDArray[np.int64],
) -> float:
    """
    Bits of ``symbols[start:stop]`` by the closed form, after what is counted in `seen` (empty: nothing).

    `total` is A plus the sum of `seen`. `scratch` has a zero for every symbol, before and after.
    """
    return _block(symbols, start, stop, weights, total, seen, scratch) / _LN2


@kernel
def dirichlet_blocks(
    symbols: NDArray[np.uint32],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    weights: NDArray[np.float64],
    total: float,
    seen: NDArray[np.int64],
    scratch: NDArray[np.int64],
    bits: NDArray[np.float64],
) -> None:
    """`dirichlet_block` of many pieces of one array of symbols."""
    for k in range(len(starts)):
        bits[k] = _block(symbols, starts[k], stops[k], weights, total, seen, scratch) / _LN2
