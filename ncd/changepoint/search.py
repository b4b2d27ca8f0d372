"""Searches for the segmentation with the least sum of costs: exact, and from candidates where a text is long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.costs import Bits, SegmentCost

__all__ = ["Found", "best_segmentation", "number_bits"]

Places = NDArray[np.int64]
#: Bits of the number of segments and of where they are, for arrays of numbers of segments.
Penalty = Callable[[NDArray[np.int64]], Bits]

_EXACT = 2000  # places that are searched exactly, for every number of segments
_WORK = 3_000_000_000  # bytes of the text that rows of costs may go over, and steps of dynamic programming
_WINDOW, _APART = 20, 3  # of candidates: units on both sides of a cut; units within which it is the best
_PENALTIES = np.concatenate([-(4.0 ** np.arange(8, -1, -1)), [0.0], 0.25 * 1.25 ** np.arange(71)])


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
    Bits that say how many segments there are and where they begin: log2 C(n - 1, K - 1) + log2 n for K segments.

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
    >>> number_bits(4)(np.array([1, 2, 4])).round(3).tolist()  # 2, 2 + log2 3, 2
    [2.0, 3.585, 2.0]
    """

    def bits(numbers: NDArray[np.int64]) -> Bits:
        from scipy.special import gammaln

        ways = gammaln(units) - gammaln(numbers) - gammaln(units - numbers + 1)
        return np.asarray(ways / np.log(2) + np.log2(units))

    return bits


def _table(
    cost: SegmentCost, places: Places, columns: int, penalties: Bits, shift: int, reach: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Best sums of costs of segmentations with bounds at `places`, no segment of more than `reach` units."""
    from ncd.kernels.segmentation import relax

    best = np.full((len(places), columns), np.inf)
    back = np.full((len(places), columns), -1, np.int32)
    best[0, 0 if shift else slice(None)] = 0.0
    ends = np.minimum(np.searchsorted(places, places + reach, side="right"), len(places)) - 1
    for i, end in enumerate(ends.tolist()[:-1]):
        if end == i:  # the next place is too far away
            continue
        start = int(places[i])
        costs = cost.growing(start, int(places[end]))[places[i + 1 : end + 1] - start - 1]
        relax(best, back, i, np.ascontiguousarray(costs), penalties, shift)
    return best, back


def _path(places: Places, back: NDArray[np.int32], column: int, shift: int) -> tuple[int, ...]:
    """Bounds of the best segmentation of one column."""
    bounds, at = [], len(places) - 1
    while at > 0:
        bounds.append(int(places[at]))
        at, column = int(back[at, column]), column - shift
    return (0, *reversed(bounds))


def _most(units: int) -> int:
    """The largest number of segments that is looked for: two units each, but two segments where that is possible."""
    return max(1, (units + 2) // 2)


def _exact(cost: SegmentCost, places: Places, number: int | None, penalty: Penalty, reach: int) -> tuple[int, ...]:
    """The best of all segmentations with bounds at `places`."""
    most = number if number is not None else min(_most(int(places[-1])), len(places) - 1)
    best, back = _table(cost, places, most + 1, np.zeros(most + 1), 1, reach)
    sums = best[-1]
    if number is None:
        numbers = np.arange(1, most + 1)
        number = int(numbers[np.argmin(sums[1:] + penalty(numbers))])
    if not np.isfinite(sums[number]):
        raise ValueError(f"max_length is {reach}: {number} segments of at most so many units do not reach the end")
    return _path(places, back, number, 1)


def _candidates(cost: SegmentCost, units: int, wanted: int) -> Places:
    """Places at which a cut between 20 units before and 20 after saves more than at the three on both sides."""
    gains = np.full(units + 1, -np.inf)
    before = np.full((units + 1, 2), np.nan)  # c(t - 20, t) and c(t - 20, t + 20), of fewer units at the ends
    for start in range(units):
        row = cost.growing(start, min(start + 2 * _WINDOW, units))
        middle = start + _WINDOW
        if middle < units:
            before[middle] = row[_WINDOW - 1], row[-1]
        if start >= _WINDOW:
            after = row[min(_WINDOW, len(row)) - 1]
            gains[start] = before[start, 1] - before[start, 0] - after
    for start in range(1, min(_WINDOW, units)):
        row = cost.growing(0, min(start + _WINDOW, units))
        gains[start] = row[-1] - row[start - 1] - cost.growing(start, min(start + _WINDOW, units))[-1]
    padded = np.concatenate([np.full(_APART, -np.inf), gains, np.full(_APART, -np.inf)])
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _APART + 1).max(1)
    peaks = np.flatnonzero((gains >= around) & np.isfinite(gains))
    if len(peaks) < wanted - 1:
        peaks = np.arange(1, units)
    return np.concatenate([[0], peaks, [units]])


def _reach(cost: SegmentCost, places: Places, units: int, limit: int) -> int:
    """Units of the longest segment that is searched, so that the work stays bounded."""
    per_unit = len(cost.units.text) / units
    steps = len(places) * len(_PENALTIES) * len(places) / units
    return int(max(1, min(limit, units, _WORK / (len(places) * per_unit), _WORK / steps)))


def _merged(cost: SegmentCost, bounds: tuple[int, ...], number: int) -> tuple[int, ...]:
    """Segments joined with a neighbour where that costs least, until there are `number`."""
    kept = list(bounds)

    def loss(i: int) -> float:
        row = cost.growing(kept[i - 1], kept[i + 1])
        return float(row[-1] - row[kept[i] - kept[i - 1] - 1] - cost.growing(kept[i], kept[i + 1])[-1])

    losses = [np.inf, *(loss(i) for i in range(1, len(kept) - 1)), np.inf]
    while len(kept) - 1 > number:
        i = int(np.argmin(losses))
        del kept[i], losses[i]
        for j in (i - 1, i):
            if 0 < j < len(kept) - 1:
                losses[j] = loss(j)
    return tuple(kept)


def _from_candidates(
    cost: SegmentCost, units: int, number: int | None, penalty: Penalty, limit: int
) -> tuple[tuple[int, ...], int]:
    """
    The best segmentation of a long text, and how many cuts were searched.

    Dynamic programming with 80 penalties at once gives a segmentation for each, from coarse to fine; the cuts of those
    about the wanted number are then searched exactly.
    """
    places = np.arange(units + 1)
    if len(places) * len(cost.units.text) / 2 > _WORK or len(places) ** 2 / 2 * len(_PENALTIES) > _WORK:
        places = _candidates(cost, units, number or 1)
    searched = len(places) - 2
    if len(places) > _EXACT:
        reach = _reach(cost, places, units, limit)
        best, back = _table(cost, places, len(_PENALTIES), _PENALTIES, 0, reach)
        paths = [_path(places, back, column, 0) for column in range(len(_PENALTIES)) if np.isfinite(best[-1, column])]
        sums = best[-1, np.isfinite(best[-1])] - _PENALTIES[np.isfinite(best[-1])] * [len(path) - 1 for path in paths]
        numbers = np.array([len(path) - 1 for path in paths])  # falling
        if number is not None:
            at = int(np.flatnonzero(numbers >= number)[-1])
            near = paths[at : at + 1]
        else:
            allowed = numbers <= _most(units)
            at = int(np.argmin(np.where(allowed, sums + penalty(np.minimum(numbers, units)), np.inf)))
            near = paths[max(at - 1, 0) : at + 2]
        union = np.unique(np.concatenate(near))
        if len(union) > _EXACT:
            return (paths[at] if number is None else _merged(cost, paths[at], number)), searched
        places = union
        if number is None:  # at most two segments of the coarsest become one
            limit = min(limit, 2 * max(int(np.diff(path).max()) for path in near))
    return _exact(cost, places, number, penalty, limit), searched


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
    which keeps one row of costs at a time. Beyond that, cuts are made at candidates: everywhere as long as that is
    affordable, otherwise where the gain of a cut between 20 units before and 20 after has a local maximum. Dynamic
    programming with many penalties per cut at once, and with segments as long as the work allows, finds a segmentation
    for each; the cuts of those with about the right number of segments are then searched exactly (if there are at most
    2,000 such cuts), where the number is not known with segments
    up to twice as long as the longest of them.

    Parameters
    ----------
    cost : SegmentCost
        Fitted.
    n_segments : int, optional
        From 1 to the number of units; default: the number with the least sum.
    penalty : callable, optional
        Bits for an array of numbers of segments; default: `number_bits`. Not used if the number is given. Numbers up to
        half that of the units (and 2) are looked at.
    max_length : int, optional
        Units that a segment has at most.

    Returns
    -------
    Found

    Raises
    ------
    ValueError
        If no segmentation has so many segments of at most that length.
    """
    units = len(cost.units)
    limit = units if max_length is None else max_length
    penalty = number_bits(units) if penalty is None else penalty
    if n_segments == 1 and limit >= units:
        return Found((0, units), "exact", units - 1)
    if units <= _EXACT:
        bounds = _exact(cost, np.arange(units + 1), n_segments, penalty, limit)
        return Found(bounds, "exact", units - 1)
    bounds, searched = _from_candidates(cost, units, n_segments, penalty, limit)
    assert all(b - a <= limit for a, b in pairwise(bounds))
    return Found(bounds, "candidates", searched)
