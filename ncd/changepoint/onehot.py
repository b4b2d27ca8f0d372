"""n-grams of a sequence as one-hot vectors, and the squared CUSUM of their means: the cheap way to find cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ncd.distances.cells import symbols_of

__all__ = ["NgramCusum"]

_MOST_BITS = 8


@dataclass(frozen=True, eq=False)
class NgramCusum:
    r"""
    Squared CUSUM of a sequence's n-grams: for [a, b) cut at t, with means :math:`\bar z` of their one-hot vectors,

    .. math:: S(t) = \frac{(t - a)(b - t)}{b - a} \lVert \bar z_{[a, t)} - \bar z_{[t, b)} \rVert^2,

    which is what the cut saves in the sum of squares within segments. The n-grams of a coordinate are as long as eight
    bits of symbols allow, at most four; an n-gram stands at its second half's first place. Coordinates add up.
    """

    grams: NDArray[np.int32]  # (d, n)
    count: int

    @classmethod
    def of(cls, x: NDArray[np.generic], bits: int = 2) -> Self:
        """Of a sequence of shape (n, d)."""
        symbols, used = symbols_of(x, bits)
        size = max(1, min(4, _MOST_BITS // used))
        n = symbols.shape[1]
        grams = np.zeros(symbols.shape, np.int32)
        for place in range(size):
            around = np.clip(np.arange(n) + place - size // 2, 0, max(n - 1, 0))
            grams = (grams << used) | symbols[:, around]
        return cls(grams, 1 << (size * used))

    def best_cuts(
        self, intervals: NDArray[np.int64], low: int, high: int, edge: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The place with the largest statistic in each interval, and the statistic; -1 and minus infinity if none."""
        from ncd.kernels.gram_cusum import largest_cusums

        cuts, scores = np.empty(len(intervals), np.int64), np.empty(len(intervals))
        if len(intervals):
            longest = int((intervals[:, 1] - intervals[:, 0]).max()) + 1
            counts = np.zeros((2, self.count), np.int64)
            largest_cusums(self.grams, intervals, low, high, edge, counts, np.empty(longest), cuts, scores)
        return cuts, scores
