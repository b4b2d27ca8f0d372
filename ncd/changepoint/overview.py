"""A segmentation at a glance: what a cut would save at each place, and the segments below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.segments import Segmentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["gain_curve", "overview"]


def gain_curve(cost: SegmentCost, bounds: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    r"""
    What a cut saves at each place, in place of the nearest one that was made.

    For a cut between the segments [a, b) and [b, c), and each t from the middle of the first to that of the second,
    c(a, c) - c(a, t) - c(t, c). Without a cut: the same for the whole text.

    Parameters
    ----------
    cost : SegmentCost
        Fitted.
    bounds : tuple of int
        Units at which segments begin, and the number of units.

    Returns
    -------
    places : ndarray of int64
        Units before which the cut would be, ascending.
    gains : ndarray of float64
        Bits.

    Examples
    --------
    >>> from ncd.changepoint import WordCost, split_units
    >>> cost = WordCost().fit(split_units("a b\na b\na b\nc d\nc d\nc d", "lines"))
    >>> places, gains = gain_curve(cost, (0, 3, 6))
    >>> int(places[gains.argmax()])
    3
    """
    edges = bounds if len(bounds) > 2 else (bounds[0], bounds[-1], bounds[-1])
    places, gains = [], []
    for i in range(1, len(edges) - 1):
        start, stop = edges[i - 1], edges[i + 1]
        first = start + 1 if i == 1 else (start + edges[i]) // 2 + 1
        last = stop - 1 if i == len(edges) - 2 else (edges[i] + stop) // 2
        places.append(np.arange(first, last + 1))
        gains.append(cost.gains(start, stop)[first - start - 1 : last - start])
    return np.concatenate(places), np.concatenate(gains)


def overview(segmentation: Segmentation, cost: SegmentCost, *, figure: Figure | None = None) -> Figure:
    """
    The gain curve with the cuts, and the segments as a ribbon.

    Parameters
    ----------
    segmentation : Segmentation
    cost : SegmentCost
        Fitted to the same text: ``TextSegmenter.cost_``.
    figure : matplotlib Figure, optional

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    from ncd.changepoint.pictures import curve

    figure = Figure(figsize=(9, 4.5), layout="constrained") if figure is None else figure
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    places, gains = gain_curve(cost, segmentation.bounds)
    offsets = segmentation.units.offsets
    curve(offsets[places], gains, cuts=offsets[list(segmentation.cuts)].tolist(), xlabel="", ax=upper)
    segmentation.plot(ax=lower)
    upper.set_title(f"{len(segmentation)} segments, cost {segmentation.cost!r}")
    return figure
