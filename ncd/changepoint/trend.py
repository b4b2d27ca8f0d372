"""Straight lines with noise: a cost for measured series that rise, fall and jump, and are not stationary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number
from ncd.changepoint.seeded import Room, known_number, programmed, programmed_known, unknown_number
from ncd.distances.cells import as_sequence

__all__ = ["LinearTrendCost", "trend_changepoints", "trend_penalty"]

Bits = NDArray[np.float64]
_EXACT = 2000  # elements up to which every place is a candidate
_SHORTEST = 3
_PER_CHANGE = 6.0  # log2 n bits


@dataclass(frozen=True, eq=False, repr=False)
class LinearTrendCost:
    r"""
    Bits of a part of a series under a straight line with normal noise, in O(1) for any part.

    .. math:: c(s, e) = \sum_j \frac{m}{2} \log_2 \left( \frac{RSS_j(s, e)}{m} + f \sigma_j^2 \right), \quad m = e - s

    with the residual sum of squares of the least-squares line, coordinate by coordinate, and the variance
    :math:`\sigma_j^2` of the whole series. f, the `floor`, is the share of the variance that is noise in any case:
    without it a stretch that happens to be smooth would be a segment. Up to a constant, all does not depend on scale
    and shift of the values.

    Attributes
    ----------
    n : int
        Length of the series.
    d : int
        Coordinates.
    floor : float

    Examples
    --------
    >>> import numpy as np
    >>> series = np.concatenate([np.arange(30.0), 30 - np.arange(30.0)])
    >>> cost = LinearTrendCost.of(series)
    >>> cut, saved = cost.best_cuts(np.array([[0, 60]]), 1, 59, 2)
    >>> int(cut[0]), bool(saved[0] > 60)
    (30, True)
    """

    n: int
    d: int
    floor: float
    _sums: Bits  # (n + 1, 3): of 1, t, t^2 up to each place
    _moments: Bits  # (n + 1, d, 3): of y, t y, y^2

    @classmethod
    def of(cls, x: ArrayLike, *, floor: float = 0.01) -> Self:
        """
        The cost of a series.

        Parameters
        ----------
        x : array_like of shape (n,) or (n, d)
        floor : float, default 0.01
            Share of the variance of the whole series, above 0 and at most 1.
        """
        floor = checked_floor(floor)
        y = as_sequence(x).astype(np.float64)
        n, d = y.shape
        t = (np.arange(n) - (n - 1) / 2) / max(n, 1)
        with np.errstate(over="ignore"):
            y = y / (np.abs(y).max(0, initial=0) + (y == 0).all(0))  # so that no square overflows
        y = y - y.mean(0) if n else y
        deviation = y.std(0) if n else np.ones(d)
        y = y / np.where(deviation > 0, deviation, 1)
        sums, moments = np.zeros((n + 1, 3)), np.zeros((n + 1, d, 3))
        np.cumsum(np.stack([np.ones(n), t, t * t], 1), axis=0, out=sums[1:])
        np.cumsum(np.stack([y, t[:, None] * y, y * y], 2), axis=0, out=moments[1:])
        return cls(n, d, floor, sums, moments)

    def __repr__(self) -> str:
        return f"<LinearTrendCost: {self.n:,} elements, {self.d} coordinate{'s' * (self.d != 1)}, floor {self.floor}>"

    def evaluate(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Bits:
        """Costs in bits of parts [starts, ends), an array of their shape; empty parts cost nothing."""
        m, t, tt = np.moveaxis(self._sums[ends] - self._sums[starts], -1, 0)
        y, ty, yy = np.moveaxis(self._moments[ends] - self._moments[starts], -1, 0)
        m = np.maximum(m, 1)
        spread = (tt - t * t / m)[..., None]
        slope = np.divide(ty - (t / m)[..., None] * y, spread, out=np.zeros_like(y), where=m[..., None] > 1)
        rest = yy - y * y / m[..., None] - slope * (ty - (t / m)[..., None] * y)
        noise = np.maximum(rest / m[..., None], 0) + self.floor
        return np.asarray(np.where(ends > starts, m / 2 * np.log2(noise).sum(-1), 0.0))

    def growing(self, start: int, stop: int) -> Bits:
        """Costs of [start, e) for e = start + 1 ... stop, an array of shape (stop - start,)."""
        ends = np.arange(start + 1, stop + 1)
        return self.evaluate(np.full(len(ends), start), ends)

    def pooled(self, parts: ArrayLike) -> float:
        """Sum of the costs of parts [start, stop), an array of shape (k, 2)."""
        pairs = np.asarray(parts, np.int64).reshape(-1, 2)
        return float(self.evaluate(pairs[:, 0], pairs[:, 1]).sum())

    def best_cuts(self, intervals: NDArray[np.int64], low: int, high: int, edge: int) -> tuple[NDArray[np.int64], Bits]:
        """As those of `ContextTreeCode`: the cut that saves most in each interval, and the bits."""
        cuts, gains = np.full(len(intervals), -1, np.int64), np.full(len(intervals), -np.inf)
        for i, (start, stop) in enumerate(intervals.tolist()):
            places = np.arange(max(low, start + edge), min(high, stop - edge) + 1)
            if len(places):
                a, b = np.full(len(places), start), np.full(len(places), stop)
                saved = self.evaluate(a[:1], b[:1]) - self.evaluate(a, places) - self.evaluate(places, b)
                cuts[i], gains[i] = places[saved.argmax()], saved.max()
        return cuts, gains


def checked_floor(floor: float) -> float:
    """A share of the variance."""
    give = "give a share of the variance, above 0 and at most 1"
    return real_number(floor, "floor", give, lambda share: 0 < share <= 1)


def trend_penalty(n: int, d: int) -> float:
    """Bits of a change in d lines: 6 log2 n for one of them, in proportion to 3/2 d + 1 for more."""
    return _PER_CHANGE * (1.5 * d + 1) / 2.5 * float(np.log2(max(n, 2)))


def trend_room(n: int, min_distance: float | None) -> Room:
    """Room for segments that a line does not fit in any case."""
    room = Room.of(n, min_distance)
    return Room(n, max(room.apart, _SHORTEST), max(room.edge, _SHORTEST))


def trend_changepoints(cost: LinearTrendCost, room: Room, penalty: float, number: int | None) -> list[int]:
    """Ascending changepoints, so many or with a penalty, with the least sum of costs: exact up to 2,000 elements."""
    places = np.arange(1, cost.n)
    if number is None:
        if cost.n <= _EXACT:
            return programmed(cost, places, room, penalty, cost.n)
        return unknown_number(cost, cost, room, penalty)
    found = programmed_known(cost, places, room, number, cost.n) if cost.n <= _EXACT else None
    return known_number(cost, cost, room, number) if found is None else found
