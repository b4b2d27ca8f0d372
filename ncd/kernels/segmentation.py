"""Costs of segments of symbols, grown unit by unit, and the step of dynamic programming over segmentations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import kernel

__all__ = ["grow", "relax"]


@kernel
def grow(
    symbols: NDArray[np.uint32],
    bounds: NDArray[np.int64],
    first: int,
    step: int,
    base: NDArray[np.int64],
    increments: NDArray[np.float64],
    counts: NDArray[np.int64],
    sums: NDArray[np.float64],
) -> None:
    """
    Sum of the increments of units first, first + step ... up to each one, as many as fit into `sums`; step is 1 or -1.

    Unit u has the symbols from ``bounds[u]`` to ``bounds[u + 1]``; the j-th time that symbol v comes (from 0) it adds
    ``increments[base[v] + j]``. `counts` has a zero for every symbol, before and after.
    """
    total = 0.0
    for k in range(len(sums)):
        unit = first + step * k
        for i in range(bounds[unit], bounds[unit + 1]):
            symbol = symbols[i]
            total += increments[base[symbol] + counts[symbol]]
            counts[symbol] += 1
        sums[k] = total
    last = first + step * (len(sums) - 1)
    for i in range(bounds[min(first, last)], bounds[max(first, last) + 1]):
        counts[symbols[i]] = 0


@kernel
def relax(
    best: NDArray[np.float64],
    back: NDArray[np.int32],
    start: int,
    costs: NDArray[np.float64],
    penalties: NDArray[np.float64],
    shift: int,
) -> None:
    """
    Take segments from place `start` to places start + 1, start + 2 ... into the table of the best segmentations.

    ``best[e, k]`` is the least cost of what is before place e, and ``back[e, k]`` where its last segment begins. A
    segment adds its cost and ``penalties[k]``, and leads from column k to k + `shift`: with 1, columns are numbers of
    segments; with 0, each column has a penalty of its own.
    """
    columns = best.shape[1] - shift
    if shift:
        columns = min(columns, start + 1)  # no more segments than places before
    for j in range(len(costs)):
        end = start + 1 + j
        for k in range(columns):
            value = best[start, k] + costs[j] + penalties[k]
            better = value < best[end, k + shift]
            best[end, k + shift] = value if better else best[end, k + shift]
            back[end, k + shift] = start if better else back[end, k + shift]
