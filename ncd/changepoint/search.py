"""The segmentation with the least sum of costs: exact, and from candidates where a text is long."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.changepoint.candidates import EXACT, long_segmentation
from ncd.changepoint.costs import Bits, SegmentCost, fitted_units
from ncd.changepoint.dynamic import Penalty, exact

__all__ = ["Found", "best_segmentation", "number_bits"]


@dataclass(frozen=True)
class Found:
    """
    A segmentation.

    Attributes
    ----------
    bounds : tuple of int
        Units at which segments begin, the first one included, and the number of units.
    method : {"exact", "candidates"}
        Whether all segmentations were searched (within `max_length`), or those with cuts at candidates.
    places : int
        Cuts that could be made: the units less one, or the number of candidates.
    """

    bounds: tuple[int, ...]
    method: Literal["exact", "candidates"]
    places: int


def number_bits(units: int) -> Penalty:
    r"""
    Bits that say how many segments there are and where they begin: log2 C(n + K - 2, K - 1) + log2 n for K segments.

    So many ways there are for K - 1 cuts at n places if several may be at one. Cuts at different places could do with
    C(n - 1, K - 1), but that falls again where K is beyond the middle, so that in a short text many segments would
    cost no more than few.

    Parameters
    ----------
    units : int
        n.

    Returns
    -------
    callable
        Takes an array of K.

    Examples
    --------
    >>> number_bits(4)(np.array([1, 2, 4])).round(3).tolist()  # 2, 2 + log2 4, 2 + log2 20
    [2.0, 4.0, 6.322]
    """

    def bits(numbers: NDArray[np.int64]) -> Bits:
        from scipy.special import gammaln

        ways = gammaln(units + numbers - 1) - gammaln(numbers) - gammaln(units)
        return np.asarray(ways / np.log(2) + np.log2(units))

    return bits


def _checked(penalty: Penalty) -> Penalty:
    """A penalty that raises unless it gives a number for each number of segments."""
    if not callable(penalty):
        raise TypeError(f"penalty is {penalty!r}: give a function of arrays of numbers of segments, or None")

    def bits(numbers: NDArray[np.int64]) -> Bits:
        found = np.asarray(penalty(numbers), np.float64)
        if found.shape != numbers.shape:
            raise ValueError(f"penalty gives shape {found.shape} for {len(numbers)} numbers: give one for each")
        if np.isnan(found).any():
            raise ValueError(f"penalty of {numbers[np.isnan(found).argmax()]} segments is NaN: give a number of bits")
        return found

    return bits


def best_segmentation(
    cost: SegmentCost,
    n_segments: int | None = None,
    *,
    penalty: Penalty | None = None,
    max_length: int | None = None,
) -> Found:
    """
    The segmentation with the least sum of costs, or of costs and penalty where the number of segments is not known.

    Up to 2,000 units the search is exact: dynamic programming over all segmentations, for every number of segments,
    which keeps one row of costs at a time.

    Beyond that, cuts are made at candidates: everywhere as long as that is affordable, otherwise where the gain of a
    cut between 20 units before and 20 after has a local maximum (of units shorter than 100 bytes on average, as many as
    have 100 bytes count as one there). Up to 2,000 candidates are searched exactly. Of more, dynamic programming with
    many penalties of a segment at once, and with segments as long as the work allows, finds a segmentation for each
    penalty; the cuts of those with about the right number of segments are then searched exactly (if they are at most
    2,000; otherwise segments are joined one by one until the number is right).

    Parameters
    ----------
    cost : SegmentCost
        Fitted.
    n_segments : int, optional
        From 1 to the number of units; default: the number with the least sum.
    penalty : callable, optional
        Bits for an array of numbers of segments; default: `number_bits`. Not used if the number is given. Numbers up to
        half that of the units (and 2) are looked at, or as many as `max_length` needs.
    max_length : int, optional
        Units that a segment has at most.

    Returns
    -------
    Found

    Raises
    ------
    TypeError, ValueError
        If the cost is not fitted, an argument is out of range, the penalty of a number is none, or no segmentation has
        so many segments of at most that length.
    """
    if not isinstance(cost, SegmentCost):
        raise TypeError(f"cost is {cost!r}: give a fitted SegmentCost, such as WordCost().fit(split_units(text))")
    units = len(fitted_units(cost))
    if n_segments is not None:
        n_segments = whole_number(n_segments, "n_segments", 1, units, of=f"of {units} units")
    limit = units if max_length is None else min(whole_number(max_length, "max_length", 1), units)
    penalty = number_bits(units) if penalty is None else _checked(penalty)
    if n_segments == 1 and limit >= units:
        return Found((0, units), "exact", units - 1)
    if units <= EXACT:
        return Found(exact(cost, np.arange(units + 1), n_segments, penalty, limit), "exact", units - 1)
    bounds, searched = long_segmentation(cost, units, n_segments, penalty, limit)
    assert all(b - a <= limit for a, b in pairwise(bounds))
    return Found(bounds, "candidates", searched)
