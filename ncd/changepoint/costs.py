"""The contract of a segment's cost: bits of any run of a text's units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.units import Units

__all__ = ["SegmentCost"]

Bits = NDArray[np.float64]


class SegmentCost(ABC):
    """
    Bits of a segment c(s, e): of the units from s up to e, e not included.

    A segmentation is good when the sum of its segments' costs is small. A subclass learns what it needs of a text in
    `fit`, and gives the costs of all segments with one beginning in `growing`, which is all that a search asks for;
    the rest follows, and may be made faster.

    Attributes
    ----------
    name : str
        As in ``TextSegmenter(cost=name)``.
    units : Units
        What `fit` was given.
    """

    name: str
    units: Units

    @abstractmethod
    def fit(self, units: Units) -> Self:
        """Learn what is needed of a text; returns itself."""

    @abstractmethod
    def growing(self, start: int, stop: int) -> Bits:
        """Costs c(start, e) for e = start + 1 ... stop, an array of shape (stop - start,)."""

    def evaluate(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Bits:
        """Costs of many segments, an array of the shape of `starts`."""
        result = np.empty(len(starts))
        for start in np.unique(starts):
            here = starts == start
            result[here] = self.growing(int(start), int(ends[here].max()))[ends[here] - start - 1]
        return result

    def gains(self, start: int, stop: int) -> Bits:
        """
        Bits that one cut saves, c(start, stop) - c(start, t) - c(t, stop) for t = start + 1 ... stop - 1.

        Returns
        -------
        ndarray of float64, shape (stop - start - 1,)
        """
        left = self.growing(start, stop)
        cuts = np.arange(start + 1, stop)
        return np.asarray(left[-1] - left[:-1] - self.evaluate(cuts, np.full(len(cuts), stop)))
