"""The contract of a segment's cost: bits of any run of a text's units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import whole_number, whole_numbers
from ncd.changepoint.units import Units
from ncd.exceptions import EmptyTextError

__all__ = ["SegmentCost"]

Bits = NDArray[np.float64]


class SegmentCost(ABC):
    """
    Bits of a segment c(s, e): of the units from s up to e, e not included.

    A segmentation is good when the sum of its segments' costs is small. A subclass has a `name`, learns what it needs
    of a text in `fit`, and gives the costs of all segments with one beginning in `growing`, which is all that a search
    asks for; the rest follows, and may be made faster.

    Arguments are checked before a subclass's own `fit`, `growing`, `shrinking`, `gains` and `evaluate` are called: with
    n units they are given whole numbers, 0 <= start < stop <= n (`evaluate` arrays of int64), and `fit` one unit or
    more. When `fit` has succeeded the units are kept as `units`, and the cost is returned whatever its own `fit` does.

    Attributes
    ----------
    name : str
        As in ``TextSegmenter(cost=name)``.
    units : Units
        What `fit` was given.
    pace : float
        About how many times as long as the code of words it takes; searches of long texts do the less for it.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> class Spread(SegmentCost):
    ...     name = "spread"
    ...
    ...     def fit(self, units):
    ...         self.values = [float(unit) for unit in units[:]]
    ...
    ...     def growing(self, start, stop):
    ...         return np.array([np.ptp(self.values[start:end]) for end in range(start + 1, stop + 1)])
    >>> cost = Spread().fit(split_units("1 2 8 9", "words"))
    >>> cost.gains(0, 4).tolist()
    [1.0, 6.0, 1.0]
    """

    name: str
    pace: float = 1.0
    units: Units

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, checked in _CHECKED.items():
            if name in cls.__dict__:
                setattr(cls, name, checked(cls.__dict__[name]))

    @abstractmethod
    def fit(self, units: Units) -> Self:
        """
        Learn what is needed of a text; returns itself.

        Parameters
        ----------
        units : Units
            Of `split_units`.

        Raises
        ------
        TypeError
            If they are no Units.
        EmptyTextError
            If there are none.
        """

    @abstractmethod
    def growing(self, start: int, stop: int) -> Bits:
        """
        Costs c(start, e) for e = start + 1 ... stop.

        Parameters
        ----------
        start, stop : int
            0 <= start <= stop <= n.

        Returns
        -------
        ndarray of float64, shape (stop - start,)

        Raises
        ------
        TypeError, ValueError
            If they are no whole numbers or beyond the text, or the cost is not fitted.
        """

    def evaluate(self, starts: ArrayLike, ends: ArrayLike) -> Bits:
        """
        Costs of many segments.

        Parameters
        ----------
        starts, ends : array_like of int, shape (k,)
            0 <= start < end <= n.

        Returns
        -------
        ndarray of float64, shape (k,)

        Raises
        ------
        TypeError, ValueError
            If they are no whole numbers, of different lengths or beyond the text, or the cost is not fitted.
        """
        firsts, lasts = _pairs(self, starts, ends)
        result = np.empty(len(firsts))
        for start in np.unique(firsts):
            here = firsts == start
            result[here] = self.growing(int(start), int(lasts[here].max()))[lasts[here] - start - 1]
        return result

    def gains(self, start: int, stop: int) -> Bits:
        """
        Bits that one cut saves, c(start, stop) - c(start, t) - c(t, stop) for t = start + 1 ... stop - 1.

        Parameters
        ----------
        start, stop : int
            0 <= start <= stop <= n.

        Returns
        -------
        ndarray of float64, shape (stop - start - 1,)
            Empty where there is no place for a cut.
        """
        start, stop = _ends(self, start, stop)
        if stop - start < 2:
            return np.empty(0)
        left = self.growing(start, stop)
        cuts = np.arange(start + 1, stop)
        return np.asarray(left[-1] - left[:-1] - self.evaluate(cuts, np.full(len(cuts), stop)))


def fitted_units(cost: SegmentCost) -> Units:
    """The units of a cost that has been fitted."""
    units = getattr(cost, "units", None)
    if units is None:
        raise ValueError(f"{type(cost).__name__} is not fitted: call fit(units) first")
    return units


def _ends(cost: SegmentCost, start: int, stop: int) -> tuple[int, int]:
    """Two units with 0 <= start <= stop <= n."""
    n = len(fitted_units(cost))
    if type(start) is type(stop) is int and 0 <= start <= stop <= n:
        return start, stop
    of = f"of {n} units"
    start = whole_number(start, "start", 0, n, of=of)
    return start, whole_number(stop, "stop", start, n, of=of)


def _pairs(cost: SegmentCost, starts: ArrayLike, ends: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Arrays of units with 0 <= start < end <= n."""
    n = len(fitted_units(cost))
    firsts, lasts = whole_numbers(starts, "starts"), whole_numbers(ends, "ends")
    if firsts.ndim != 1 or firsts.shape != lasts.shape:
        raise ValueError(f"starts and ends have shapes {firsts.shape} and {lasts.shape}: give two of the same length")
    wrong = (firsts < 0) | (lasts <= firsts) | (lasts > n)
    if wrong.any():
        at = int(wrong.argmax())
        raise ValueError(
            f"starts[{at}] is {firsts[at]} and ends[{at}] is {lasts[at]}: give 0 <= start < end <= {n}, of {n} units"
        )
    return firsts, lasts


def _checked_fit(own: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(own)
    def fit(self: SegmentCost, units: Units) -> SegmentCost:
        if not isinstance(units, Units):
            raise TypeError(f"units is of type {type(units).__name__}: give Units, such as split_units(text)")
        if not len(units):
            raise EmptyTextError("units are empty: there is nothing to cut")
        own(self, units)
        self.units = units
        return self

    return fit


def _checked_run(shortest: int) -> Callable[[Callable[..., Bits]], Callable[..., Bits]]:
    """Of a method with a beginning and an end; below so many units the result is empty."""

    def decorate(own: Callable[..., Bits]) -> Callable[..., Bits]:
        @wraps(own)
        def run(self: SegmentCost, start: int, stop: int) -> Bits:
            start, stop = _ends(self, start, stop)
            return own(self, start, stop) if stop - start >= shortest else np.empty(0)

        return run

    return decorate


def _checked_evaluate(own: Callable[..., Bits]) -> Callable[..., Bits]:
    @wraps(own)
    def evaluate(self: SegmentCost, starts: ArrayLike, ends: ArrayLike) -> Bits:
        firsts, lasts = _pairs(self, starts, ends)
        return own(self, firsts, lasts) if len(firsts) else np.empty(0)

    return evaluate


_CHECKED: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "fit": _checked_fit,
    "growing": _checked_run(1),
    "shrinking": _checked_run(1),
    "gains": _checked_run(2),
    "evaluate": _checked_evaluate,
}
