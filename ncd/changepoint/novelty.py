"""How new a text is at each place: the distance of what comes before from what comes after, and its peaks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import real_number, whole_number
from ncd.changepoint.units import Unit, Units, split_units
from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text
from ncd.distances.lengths import Metric, get_metric
from ncd.exceptions import EmptyTextError

__all__ = ["Novelty", "depth_scores", "novelty"]

Distance: TypeAlias = Callable[[bytes, bytes], float]
Curve = NDArray[np.float64]


def depth_scores(curve: Any) -> Curve:
    """
    How high each value stands above the nearest valleys to both sides.

    depth(t) = [x_t - min of the way down to the left] + [x_t - min of the way down to the right]: from t one goes on
    as long as values do not rise. Hearst's depth of a valley of similarity, for distances, whose peaks are asked for.

    Parameters
    ----------
    curve : array_like of shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        0 and more.

    Raises
    ------
    ValueError
        If the values are not finite, or not in one row.

    References
    ----------
    M. A. Hearst, "TextTiling: segmenting text into multi-paragraph subtopic passages", Computational Linguistics 23
    (1997).

    Examples
    --------
    >>> depth_scores([1, 3, 2, 2, 5]).tolist()
    [0.0, 3.0, 0.0, 0.0, 3.0]
    """
    try:
        x = np.asarray(curve, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"curve is {curve!r:.60}: give finite numbers in one row") from None
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError(f"curve has shape {x.shape}: give finite numbers in one row")
    return _climbed(x) + _climbed(x[::-1])[::-1]


def _climbed(x: Curve) -> Curve:
    """How far the value stands above the lowest one of its way down to the left."""
    if not len(x):
        return x.copy()
    begins = np.concatenate([[True], x[1:] < x[:-1]])  # the way down ends where the value before is higher
    return x - x[np.maximum.accumulate(np.where(begins, np.arange(len(x)), 0))]


@dataclass(frozen=True, eq=False, repr=False)
class Novelty:
    """
    The novelty of a text at each place between two units, and the cuts at its peaks.

    Attributes
    ----------
    units : Units
    window : int
        Units before and after a place that are compared.
    distance : str
        Name of the distance.
    places : ndarray of int64, shape (n - 1,)
        Units before which a cut may be: 1 ... n - 1.
    curve : ndarray of float64, shape (n - 1,)
        Distance at each place.
    depth : ndarray of float64, shape (n - 1,)
        `depth_scores` of the curve.
    cutoff : float or None
        Depth that a cut needs; None where the number of segments was given.
    cuts : list of int
        Units before which a segment begins, ascending.
    """

    units: Units
    window: int
    distance: str
    places: NDArray[np.int64]
    curve: Curve
    depth: Curve
    cutoff: float | None
    cuts: list[int] = field(default_factory=list)

    @property
    def ends(self) -> list[int]:
        """Ends of the segments in units, the last is n: what `ncd.changepoint.metrics` takes."""
        return [*self.cuts, len(self.units)]

    @property
    def offsets(self) -> list[int]:
        """Bytes of the text before which a segment begins."""
        return [int(self.units.offsets[cut]) for cut in self.cuts]

    def __repr__(self) -> str:
        lines = [
            f"<Novelty: {len(self.cuts)} cuts of {len(self.units):,} {self.units.unit}, "
            f"{self.distance} of {self.window} before and after>"
        ]
        lines += [
            f"unit {cut:6,}  byte {offset:8,}  distance {self.curve[cut - 1]:.3f}  depth {self.depth[cut - 1]:.3f}"
            for cut, offset in zip(self.cuts, self.offsets, strict=True)
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Curve, cuts and settings as plain lists and numbers."""
        return {
            "unit": self.units.unit,
            "n_units": len(self.units),
            "window": self.window,
            "distance": self.distance,
            "places": self.places.tolist(),
            "curve": self.curve.tolist(),
            "depth": self.depth.tolist(),
            "cutoff": self.cutoff,
            "cuts": list(self.cuts),
            "offsets": self.offsets,
        }

    def plot(self, ax: Any = None) -> Any:
        """The curve over the text, with the cuts; returns the matplotlib Axes."""
        from ncd.changepoint.pictures import curve

        return curve(self.units.offsets[1:-1], self.curve, cuts=self.offsets, ylabel=self.distance, ax=ax)


def _curve_of_lengths(units: Units, window: int, compressor: str | SupportsLength, metric: str | Metric) -> Curve:
    """Distances from the code lengths of the windows and of both together."""
    coder, formula = get_compressor(compressor), get_metric(metric)
    n = len(units)
    if n == 1:
        return np.zeros(0)
    places = range(1, n)
    before = coder.lengths([units.between(max(0, t - window), t) for t in places])
    after = coder.lengths([units.between(t, min(n, t + window)) for t in places])
    both = coder.lengths([units.between(max(0, t - window), min(n, t + window)) for t in places])
    return np.asarray(formula(before, after, both), np.float64)


def _peaks(curve: Curve, depth: Curve, most: int, cutoff: float | None, apart: int) -> list[int]:
    """The deepest peaks, no two nearer than `apart`."""
    chosen: list[int] = []
    for i in np.lexsort((np.arange(len(depth)), -curve, -depth)).tolist():
        if len(chosen) == most or (cutoff is not None and (depth[i] <= cutoff or depth[i] <= 0)):
            break
        if all(abs(i - j) >= apart for j in chosen):
            chosen.append(i)
    return sorted(i + 1 for i in chosen)


def novelty(
    text: Text | Units,
    window: int = 10,
    *,
    unit: Unit = "sentences",
    compressor: str | SupportsLength = "ppm:3",
    metric: str | Metric = "ncd",
    distance: Distance | None = None,
    n_segments: int | None = None,
    cutoff: float | None = None,
    min_size: int = 2,
) -> Novelty:
    """
    Novelty of a text: the distance of the `window` units before each place from the `window` units after it.

    Cuts are the deepest peaks (`depth_scores`): as many as are asked for, or those deeper than mean - sd/2 of all
    depths (Hearst 1997). At the text's ends windows are shorter. A local method, fast and easy to look at;
    `TextSegmenter` is better at finding cuts.

    Parameters
    ----------
    text : str, bytes-like, path or Units
    window : int
        Units on each side.
    unit : {"sentences", "lines", "words", "chars", "bytes"}
        Where a cut may be.
    compressor : str or Compressor
    metric : str or callable
        A distance of code lengths, as in `ncd.pairwise`.
    distance : callable, optional
        A function of two texts (bytes) that gives their distance, such as one of embeddings; it is called n - 1 times
        and takes the place of `compressor` and `metric`.
    n_segments : int, optional
        Number of segments, if known.
    cutoff : float, optional
        Depth that a cut must exceed; default: mean - sd/2.
    min_size : int
        Least number of units from one cut to the next, and from the ends.

    Returns
    -------
    Novelty

    Raises
    ------
    EmptyTextError
        If the text is empty.
    ValueError
        If a number is out of range, or a distance is not finite.

    Examples
    --------
    >>> found = novelty("one two three. " * 4 + "uno dos tres. " * 4, 3, unit="words", n_segments=2)
    >>> found.cuts
    [12]
    """
    units = text if isinstance(text, Units) else split_units(text, unit)
    n = len(units)
    if not n:
        raise EmptyTextError("text is empty: there is nothing to cut")
    of = f"{n} {units.unit}"
    window = whole_number(window, "window", 1)
    min_size = whole_number(min_size, "min_size", 1)
    if cutoff is not None:
        cutoff = real_number(cutoff, "cutoff", "give the depth that a cut must exceed", lambda x: not math.isnan(x))
    most = n - 1 if n_segments is None else whole_number(n_segments, "n_segments", 1, n, of=f"with {of}") - 1
    name, curve = _novelty_curve(units, window, compressor, metric, distance)
    if not np.isfinite(curve).all():
        raise ValueError(f"{name} gave {curve[~np.isfinite(curve)][0]}: distances must be finite")
    depth = depth_scores(curve)
    if n_segments is not None:
        if cutoff is not None:
            raise ValueError("n_segments and cutoff are both given: give one of them")
    elif cutoff is None:
        cutoff = float(depth.mean() - depth.std() / 2) if n > 1 else 0.0
    inner = slice(min_size - 1, max(n - min_size, min_size - 1))
    cuts = [i + min_size - 1 for i in _peaks(curve[inner], depth[inner], most, cutoff, min_size)]
    if n_segments is not None and len(cuts) < most:
        raise ValueError(f"n_segments is {n_segments}: with {of} of segments of at least {min_size} there is no room")
    return Novelty(units, window, name, np.arange(1, n), curve, depth, cutoff, cuts)


def _novelty_curve(
    units: Units, window: int, compressor: str | SupportsLength, metric: str | Metric, distance: Distance | None
) -> tuple[str, Curve]:
    """Name of the distance, and its value at each place."""
    if distance is None:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        return f"{name} ({get_compressor(compressor).name})", _curve_of_lengths(units, window, compressor, metric)
    if not callable(distance):
        raise TypeError(f"distance is {distance!r}: give a function of two texts")
    n = len(units)
    name = getattr(distance, "__name__", type(distance).__name__)
    values = [
        real_number(
            distance(units.between(max(0, t - window), t), units.between(t, min(n, t + window))),
            f"what {name} returned",
            "distances must be finite numbers",
        )
        for t in range(1, n)
    ]
    return name, np.array(values)
