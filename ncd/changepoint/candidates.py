"""Segmentations of long texts: cuts at candidates, a rough search from coarse to fine, and a last exact one."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import numpy as np

from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.dynamic import Penalty, Places, exact, most_segments, path, table

__all__ = ["EXACT", "long_segmentation"]

EXACT = 2000  # places that are searched exactly, for every number of segments
_WORK = 3_000_000_000  # bytes of the text that rows of costs may go over, and steps of dynamic programming
_UNION = 500  # cuts that are searched exactly in the end, if there are as many
_WINDOW, _BYTES, _APART = 20, 2000, 3  # of candidates: steps, or bytes, beside a cut; steps within which it is the best
_PENALTIES = np.concatenate([-(4.0 ** np.arange(8, -1, -1)), [0.0], 0.25 * 1.25 ** np.arange(71)])


def _step(cost: SegmentCost, units: int) -> int:
    """Units between places that are looked at: 1 for sentences and lines, about 100 bytes of smaller units."""
    return max(1, round(_BYTES * units / len(cost.units.text) / _WINDOW))


def _peaks(cost: SegmentCost, units: int, step: int) -> Places:
    """Places at which a cut between 20 steps before and 20 after saves more than at the three on both sides."""
    tried = np.arange(step, units, step)
    low, high = np.maximum(tried - _WINDOW * step, 0), np.minimum(tried + _WINDOW * step, units)
    gains = cost.evaluate(low, high) - cost.evaluate(low, tried) - cost.evaluate(tried, high)
    padded = np.concatenate([np.full(_APART, -np.inf), gains, np.full(_APART, -np.inf)])
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _APART + 1).max(1)
    return np.asarray(tried[gains >= around])


def _candidates(cost: SegmentCost, units: int, wanted: int, limit: int) -> tuple[Places, int]:
    """Places for cuts, and how far a better one may be from each."""
    every = np.arange(units + 1)
    work = _WORK / cost.pace
    if units * len(cost.units.text) / 2 <= work and units**2 / 2 * len(_PENALTIES) <= work:
        return every, 0
    step = _step(cost, units)
    peaks = _peaks(cost, units, step)
    if limit < units:
        peaks = np.union1d(peaks, np.arange(limit, units, limit))
    if len(peaks) < wanted - 1:
        return every, 0
    return np.concatenate([[0], peaks, [units]]), step - 1


def _reach(cost: SegmentCost, places: Places, units: int, limit: int) -> int:
    """Units of the longest segment that is searched, so that the work stays bounded; at least one gap of places."""
    per_unit = len(cost.units.text) / units
    steps = len(places) * len(_PENALTIES) * len(places) / units
    affordable = min(_WORK / (len(places) * per_unit), _WORK / steps) / cost.pace
    return int(min(limit, units, max(affordable, np.diff(places).max())))


def _merged(cost: SegmentCost, bounds: tuple[int, ...], number: int, limit: int) -> tuple[int, ...]:
    """Segments joined with a neighbour where that costs least, until there are `number`."""
    after = dict(pairwise(bounds))
    before = {b: a for a, b in after.items()}

    def loss(cut: int) -> float:
        a, c = before[cut], after[cut]
        whole, left, right = cost.evaluate(np.array([a, a, cut]), np.array([c, cut, c])).tolist()
        return float(whole - left - right)

    heap = [(loss(cut), before[cut], cut, after[cut]) for cut in bounds[1:-1]]
    heapq.heapify(heap)
    left = len(bounds) - 1
    while left > number:
        if not heap:
            raise ValueError(f"max_length is {limit}: the search for {number} segments of at most so many units failed")
        _, a, cut, c = heapq.heappop(heap)
        if before.get(cut) != a or after.get(cut) != c or c - a > limit:
            continue  # out of date, or too long
        del before[cut], after[cut]
        before[c], after[a] = a, c
        left -= 1
        for other in (a, c):
            if other in before and other in after:
                heapq.heappush(heap, (loss(other), before[other], other, after[other]))
    return (0, *sorted(before))


def _refined(cost: SegmentCost, bounds: tuple[int, ...], around: int, limit: int) -> tuple[int, ...]:
    """Each cut moved to the best place up to `around` units away, one after another; slow costs look in two steps."""
    kept = list(bounds)
    strides = (1,) if cost.pace <= 1 else (math.isqrt(around) + 1, 1)
    for i in range(1, len(kept) - 1) if around else ():
        low, high = kept[i - 1], kept[i + 1]
        first = max(low + 1, kept[i] - around, high - limit)
        last = min(high - 1, kept[i] + around, low + limit)
        for stride in strides:
            cuts = np.unique([*range(first, last + 1, stride), kept[i]])
            left, right = np.full(len(cuts), low), np.full(len(cuts), high)
            kept[i] = int(cuts[(cost.evaluate(left, cuts) + cost.evaluate(cuts, right)).argmin()])
            first, last = max(first, kept[i] - stride + 1), min(last, kept[i] + stride - 1)
    return tuple(kept)


def long_segmentation(
    cost: SegmentCost, units: int, number: int | None, penalty: Penalty, limit: int
) -> tuple[tuple[int, ...], int]:
    """
    The best segmentation of a long text that was found, and how many places of cuts were searched.

    Dynamic programming with 81 penalties at once gives a segmentation for each, from coarse to fine; the cuts of those
    about the wanted number, and of finer ones up to 500 cuts, are then searched exactly.

    Parameters
    ----------
    cost : SegmentCost
        Fitted.
    units : int
    number : int or None
        Of segments.
    penalty : callable
    limit : int
        Units that a segment has at most.

    Raises
    ------
    ValueError
        If no segmentation has so many segments of at most that length.
    """
    places, around = _candidates(cost, units, number or 1, limit)
    searched = len(places) - 2
    if len(places) <= EXACT:
        return _refined(cost, exact(cost, places, number, penalty, limit), around, limit), searched
    best, back = table(cost, places, len(_PENALTIES), _PENALTIES, 0, _reach(cost, places, units, limit))
    paths = [path(places, back, column, 0) for column in range(len(_PENALTIES))]
    numbers = np.array([len(bounds) - 1 for bounds in paths])  # falling
    if number is not None:
        at = int(np.flatnonzero(numbers >= number)[-1])
        finest = at
    else:
        totals = best[-1] - _PENALTIES * numbers + penalty(np.minimum(numbers, units))
        most = max(most_segments(units), int(numbers[-1]))  # short segments alone may be allowed
        at = int(np.argmin(np.where(numbers <= most, totals, np.inf)))
        finest = max(at - 1, 0)
    coarsest = min(at + 1, len(paths) - 1)
    union = np.unique(np.concatenate(paths[finest : coarsest + 1]))
    if number is not None and limit < units:
        union = np.union1d(union, np.arange(0, units, limit))
    while finest and len(union) < _UNION:
        finest -= 1
        finer = np.union1d(union, paths[finest])
        if len(finer) > EXACT:
            break
        union = finer
    if len(union) > EXACT:
        found = paths[at] if number is None else _merged(cost, paths[at], number, limit)
    else:
        if number is None or numbers[coarsest] < number:  # two segments of the coarsest may become one
            limit = min(limit, 2 * int(np.diff(paths[coarsest]).max()))
        found = exact(cost, union, number, penalty, limit)
    return (_refined(cost, found, around, limit) if around else found), searched
