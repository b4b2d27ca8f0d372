"""
Squared CUSUM of one-hot vectors, in one pass over all cuts of an interval.

With x_w of the c_w vectors w on the left of a cut, a vectors there and b on the right, N = a + b,

    (a b / N) sum_w (x_w / a - (c_w - x_w) / b)^2 = N / (a b) sum_w (x_w - c_w a / N)^2,

and the sum is sum x_w^2 - 2 (a / N) sum x_w c_w + (a / N)^2 sum c_w^2, of which a step changes the first two.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["largest_cusums"]


@inlined
def _add_cusums(grams: Any, row: Any, start: Any, stop: Any, counts: NDArray[np.int64], out: Any) -> None:
    """Add the statistic of each cut start + i to out[i]; `counts` are zeros, before and after."""
    size = stop - start
    for t in range(start, stop):
        counts[0, grams[row, t]] += 1
    all_squares = 0.0
    for w in range(counts.shape[1]):
        all_squares += float(counts[0, w]) * float(counts[0, w])
    squares, products = 0.0, 0.0
    for t in range(start, stop - 1):
        w = grams[row, t]
        squares += 2.0 * counts[1, w] + 1.0
        products += counts[0, w]
        counts[1, w] += 1
        a = t + 1.0 - start
        share = a / size
        out[t + 1 - start] += (squares - 2.0 * share * products + share * share * all_squares) / (a * (1.0 - share))
    for w in range(counts.shape[1]):
        counts[0, w] = 0
        counts[1, w] = 0


@kernel
def largest_cusums(
    grams: NDArray[np.int32],
    intervals: NDArray[np.int64],
    lowest: int,
    highest: int,
    edge: int,
    counts: NDArray[np.int64],
    out: NDArray[np.float64],
    cuts: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> None:
    """
    The cut with the largest statistic in each interval.

    Parameters
    ----------
    grams : ndarray of int32, shape (d, n)
        Which vector stands at each place, for each coordinate.
    intervals : ndarray of int64, shape (k, 2)
    lowest, highest : int
        The first and the last place at which a cut is allowed.
    edge : int
        Least distance of a cut from the ends of its interval.
    counts : ndarray of int64, shape (2, v)
        Zeros; v different vectors.
    out : ndarray of float64
        Scratch, one more than the longest interval.
    cuts, scores : ndarray, shape (k,)
        Filled in: places (-1 if there is none) and statistics.
    """
    for j in range(len(intervals)):
        start, stop = intervals[j, 0], intervals[j, 1]
        low, high = max(lowest, start + edge), min(highest, stop - edge)
        cuts[j] = -1
        scores[j] = -math.inf
        if low > high:
            continue
        for i in range(stop - start + 1):
            out[i] = 0.0
        for row in range(grams.shape[0]):
            _add_cusums(grams, row, start, stop, counts, out)
        for t in range(low, high + 1):
            if out[t - start] > scores[j]:
                cuts[j] = t
                scores[j] = out[t - start]
