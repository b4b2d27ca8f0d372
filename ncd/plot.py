"""Pictures: every function takes an Axes (or makes one) and returns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from ncd.streams.change import StreamChange

__all__ = ["axes_of", "bars", "confusion", "dendrogram", "heatmap", "linkage_of", "running_bits", "statistic"]

# Two colours that colour-blind readers can tell apart (Okabe & Ito).
_FOR, _AGAINST = "#0072B2", "#D55E00"


def axes_of(ax: Any) -> Any:
    """The given Axes, or a new one."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _square(distances: ArrayLike, labels: Sequence[str]) -> NDArray[np.float64]:
    """A square matrix with as many rows as labels."""
    matrix = np.asarray(distances, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(labels) != len(matrix):
        raise ValueError(f"distances have shape {matrix.shape} and there are {len(labels)} labels: give n x n and n")
    return matrix


def linkage_of(distances: ArrayLike, *, method: str = "average") -> NDArray[np.float64]:
    """
    Hierarchical clustering of a distance matrix, as scipy's linkage matrix.

    Real compressors give d(x, y) and d(y, x) that differ a little and d(x, x) above 0: the mean of the two is taken,
    and the diagonal is ignored.

    Parameters
    ----------
    distances : array_like of shape (n, n)
    method : str
        As in `scipy.cluster.hierarchy.linkage`.

    Returns
    -------
    ndarray of shape (n - 1, 4)

    Examples
    --------
    >>> linkage_of([[0.1, 0.2, 0.9], [0.3, 0.1, 0.9], [0.9, 0.9, 0.1]])[0, :2].tolist()
    [0.0, 1.0]
    """
    from scipy.cluster.hierarchy import linkage

    matrix = np.asarray(distances, np.float64)
    upper = np.triu_indices(len(matrix), 1)
    return linkage(((matrix + matrix.T) / 2)[upper], method)


def heatmap(distances: ArrayLike, labels: Sequence[str], *, order: Sequence[int] | None = None, ax: Any = None) -> Any:
    """
    A distance matrix in colours, dark where texts are alike.

    The scale leaves the diagonal out, and the smallest twentieth of the other distances, which would hide the rest.

    Parameters
    ----------
    distances : array_like of shape (n, n)
    labels : sequence of n str
    order : sequence of int, optional
        Order of the rows and columns, such as the leaves of a dendrogram.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    matrix = _square(distances, labels)
    order = range(len(labels)) if order is None else order
    ax = axes_of(ax)
    others = matrix[~np.eye(len(matrix), dtype=bool)]
    low, high = (np.quantile(others, 0.05), others.max()) if len(matrix) > 2 else (matrix.min(), matrix.max())
    image = ax.imshow(matrix[np.ix_(order, order)], cmap="viridis", vmin=low, vmax=high)
    names = [labels[i] for i in order]
    ax.set_xticks(range(len(names)), names, rotation=90)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(labelsize=max(4, min(9, 300 / len(names))), length=0)
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label="distance", extend="min")
    return ax


def dendrogram(
    distances: ArrayLike,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    method: str = "average",
    ax: Any = None,
) -> Any:
    """
    The tree of a hierarchical clustering.

    Parameters
    ----------
    distances : array_like of shape (n, n)
    labels : sequence of n str
    groups : sequence of n str, optional
        Known groups, shown by the colour of the labels.
    method : str
        As in `scipy.cluster.hierarchy.linkage`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    from scipy.cluster import hierarchy

    _square(distances, labels)
    ax = axes_of(ax)
    links = linkage_of(distances, method=method)
    tree = hierarchy.dendrogram(
        links,
        labels=list(labels),
        orientation="left",
        ax=ax,
        color_threshold=0,
        above_threshold_color="0.35",
    )
    ax.tick_params(axis="y", labelsize=max(4, min(9, 300 / len(labels))))
    ax.spines[["top", "left", "right"]].set_visible(False)
    ax.set_xlabel("distance")
    low, high = links[:, 2].min(), links[:, 2].max()
    if high > low:  # distances crowd near 1: show the part of the axis where something happens
        ax.set_xlim(high + 0.02 * (high - low), low - 0.1 * (high - low))
    if groups is not None:
        import matplotlib as mpl

        palette = [*mpl.color_sequences["tab10"], *mpl.color_sequences["Dark2"]]
        colours = {group: palette[i % len(palette)] for i, group in enumerate(dict.fromkeys(groups))}
        for tick, leaf in zip(ax.get_yticklabels(), tree["leaves"], strict=True):
            tick.set_color(colours[groups[leaf]])
    return ax


def confusion(matrix: ArrayLike, labels: Sequence[str], *, ax: Any = None) -> Any:
    """
    A confusion matrix with its counts; rows are true classes, columns predicted ones.

    Parameters
    ----------
    matrix : array_like of shape (n, n)
    labels : sequence of n str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    counts = _square(matrix, labels)
    ax = axes_of(ax)
    ax.imshow(counts / np.maximum(counts.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for i, j in np.argwhere(counts > 0):
        shade = "white" if counts[i, j] > 0.6 * counts[i].sum() else "black"
        ax.text(j, i, f"{counts[i, j]:.0f}", ha="center", va="center", color=shade, fontsize=8)
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    return ax


def running_bits(
    bits: ArrayLike, *, start: float = 0.0, names: Sequence[tuple[int, int, str]] = (), ax: Any = None
) -> Any:
    """
    Bits of one byte after another, added up.

    Parameters
    ----------
    bits : array_like of shape (n,)
    start : float
        What the sum starts from.
    names : sequence of (int, int, str)
        Stretches of bytes, first and one after the last, that are drawn in colour and named.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    steps = np.asarray(bits, np.float64)
    if steps.ndim != 1:
        raise ValueError(f"bits have shape {steps.shape}: give one number a byte")
    ax = axes_of(ax)
    total = start + np.concatenate([[0.0], np.cumsum(steps)])
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.plot(total, color="0.35", linewidth=1)
    height = float(np.ptp(total)) or 1.0
    for first, stop, name in names:
        up = total[stop] >= total[first]
        ax.plot(range(first, stop + 1), total[first : stop + 1], color=_FOR if up else _AGAINST, linewidth=2.5)
        ax.text(
            (first + stop) / 2,
            min(total[first], total[stop]) - 0.03 * height,
            name,
            color=_FOR if up else _AGAINST,
            ha="center",
            va="top",
            fontsize=8,
            rotation=90,
            parse_math=False,
        )
    ax.set_xlim(0, len(steps))
    ax.set_ylim(total.min() - (0.35 if names else 0.1) * height, total.max() + 0.1 * height)
    ax.set_xlabel("byte of the text")
    ax.set_ylabel("bits")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def bars(names: Sequence[str], bits: ArrayLike, *, ax: Any = None) -> Any:
    """
    Bits as horizontal bars, the first one at the top; positive ones blue, negative ones orange.

    Parameters
    ----------
    names : sequence of n str
    bits : array_like of shape (n,)
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    sizes = np.asarray(bits, np.float64)
    if sizes.shape != (len(names),):
        raise ValueError(f"bits have shape {sizes.shape} and there are {len(names)} names: give one number a name")
    ax = axes_of(ax)
    ax.barh(range(len(names)), sizes, color=[_FOR if size >= 0 else _AGAINST for size in sizes])
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.invert_yaxis()
    ax.set_xlabel("bits")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def statistic(values: ArrayLike, threshold: float, changes: Sequence[StreamChange] = (), *, ax: Any = None) -> Any:
    """
    The statistic of a stream on a logarithmic scale, its threshold, and the changes that were found.

    Parameters
    ----------
    values : array_like of shape (n,)
        The statistic after each unit (`StreamDetector.statistic`); 0 while a reference is learned.
    threshold : float
    changes : sequence of StreamChange
        The interval of each start is shaded.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    steps = np.asarray(values, np.float64)
    if steps.ndim != 1:
        raise ValueError(f"values have shape {steps.shape}: give one number a unit")
    ax = axes_of(ax)
    low = 0.1
    ax.plot(np.where(steps > 0, np.maximum(steps, low), np.nan), color=_FOR, linewidth=1)
    ax.axhline(threshold, color="0.35", linewidth=1, linestyle="--")
    ax.text(0, threshold, " threshold", va="bottom", color="0.35", fontsize=8)
    for change in changes:
        first, last = change.interval
        ax.axvspan(first - 0.5, last + 0.5, color=_AGAINST, alpha=0.3, linewidth=0)
        ax.plot([change.unit], [change.statistic], "o", color=_AGAINST, markersize=5)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    ax.yaxis.set_minor_formatter(lambda *_: "")
    ax.set_ylim(low, max(threshold, steps.max(initial=0.0)) * 4)
    ax.set_xlabel("unit of the stream")
    ax.set_ylabel("statistic")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
