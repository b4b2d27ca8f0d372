"""Dynamic programming over segmentations whose cuts are at given places."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.costs import Bits, SegmentCost

__all__ = ["Penalty", "Places", "exact", "most_segments", "path", "table"]

_SPARSE = 20  # units a place from which on costs are asked for one by one

#: Units before which a cut may be, ascending, with 0 and the number of units.
Places = NDArray[np.int64]
#: Bits of the number of segments and of where they are, for arrays of numbers of segments.
Penalty = Callable[[NDArray[np.int64]], Bits]


def table(
    cost: SegmentCost, places: Places, columns: int, penalties: Bits, shift: int, reach: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """
    Best sums of costs of segmentations with bounds at `places`, no segment of more than `reach` units.

    With `shift` 1, column k is for k segments; with 0, each column is for one of the `penalties` of a segment. One row
    of costs is held at a time.

    Returns
    -------
    best : ndarray of float64, shape (len(places), columns)
        The least sum up to each place, infinite where there is none.
    back : ndarray of int32
        Index of the place at which the last of these segments begins.
    """
    from ncd.kernels.segmentation import relax

    best = np.full((len(places), columns), np.inf)
    back = np.full((len(places), columns), -1, np.int32)
    best[0, 0 if shift else slice(None)] = 0.0
    ends = np.minimum(np.searchsorted(places, places + reach, side="right"), len(places)) - 1
    for i, end in enumerate(ends.tolist()[:-1]):
        if end == i:  # the next place is too far away
            continue
        start = int(places[i])
        inside = places[i + 1 : end + 1]
        if len(inside) * _SPARSE < inside[-1] - start:
            costs = cost.evaluate(np.full(len(inside), start), inside)
        else:
            costs = cost.growing(start, int(inside[-1]))[inside - start - 1]
        relax(best, back, i, np.ascontiguousarray(costs), penalties, shift)
    return best, back


def path(places: Places, back: NDArray[np.int32], column: int, shift: int) -> tuple[int, ...]:
    """Bounds of the best segmentation of one column."""
    bounds, at = [], len(places) - 1
    while at > 0:
        bounds.append(int(places[at]))
        at, column = int(back[at, column]), column - shift
    return (0, *reversed(bounds))


def most_segments(units: int) -> int:
    """The largest number of segments that is looked for: two units each, but two segments where that is possible."""
    return max(1, (units + 2) // 2)


def fewest_segments(places: Places, reach: int) -> int:
    """The least number of segments of at most `reach` units with bounds at `places`, or 1 if there is none."""
    number, at, last = 0, 0, len(places) - 1
    while at < last:
        after = int(np.searchsorted(places, places[at] + reach, side="right")) - 1
        if after == at:
            return 1
        number, at = number + 1, after
    return number


def exact(cost: SegmentCost, places: Places, number: int | None, penalty: Penalty, reach: int) -> tuple[int, ...]:
    """
    The best of all segmentations with bounds at `places`.

    Raises
    ------
    ValueError
        If no segmentation has so many segments of at most `reach` units.
    """
    most = number
    if most is None:
        most = min(max(most_segments(int(places[-1])), fewest_segments(places, reach)), len(places) - 1)
    best, back = table(cost, places, most + 1, np.zeros(most + 1), 1, reach)
    sums = best[-1]
    if number is None:
        numbers = np.arange(1, most + 1)
        number = int(numbers[np.argmin(sums[1:] + penalty(numbers))])
    if not np.isfinite(sums[number]):
        raise ValueError(f"max_length is {reach}: {number} segments of at most so many units do not reach the end")
    return path(places, back, number, 1)
