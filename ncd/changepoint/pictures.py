"""Pictures of changepoints: every function takes an Axes (or makes one) and returns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ncd.plot import axes_of

__all__ = ["curve", "dot_plot", "prefix_curve", "ribbon"]

# Colours that colour-blind readers can tell apart (Okabe & Ito).
_LINE, _CUT, _BRACKET = "#0072B2", "#D55E00", "#E69F00"
_SEGMENTS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")


def _bare(ax: Any) -> Any:
    """Without the frame's right and upper side."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def curve(
    offsets: ArrayLike,
    values: ArrayLike,
    *,
    cuts: Sequence[float] = (),
    brackets: Sequence[tuple[float, float]] = (),
    xlabel: str = "byte of the text",
    ylabel: str = "gain in bits",
    ax: Any = None,
) -> Any:
    """
    A value at each place, such as the gain of a cut there or the novelty, with cuts and brackets.

    Parameters
    ----------
    offsets : array_like of shape (n,)
        Places, in bytes of the text or positions of the sequence.
    values : array_like of shape (n,)
    cuts : sequence of float
        Places that are marked by a vertical line.
    brackets : sequence of (float, float)
        Intervals that are shaded.
    xlabel, ylabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    x, y = np.asarray(offsets, np.float64), np.asarray(values, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"offsets have shape {x.shape} and values {y.shape}: give as many of one as of the other")
    ax = axes_of(ax)
    for low, high in brackets:
        ax.axvspan(low, high, color=_BRACKET, alpha=0.3, linewidth=0)
    ax.plot(x, y, color=_LINE, linewidth=1)
    for cut in cuts:
        ax.axvline(cut, color=_CUT, linewidth=1.2)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return _bare(ax)


def prefix_curve(
    offsets: ArrayLike,
    lengths: ArrayLike,
    *,
    position: float | None = None,
    bracket: tuple[float, float] | None = None,
    unit: str = "bytes",
    ax: Any = None,
) -> Any:
    """
    Code length of growing prefixes, with a position of the stream and the bracket in the text that reaches it.

    Parameters
    ----------
    offsets : array_like of shape (n,)
        Ends of the prefixes, in bytes of the text.
    lengths : array_like of shape (n,)
        Their code lengths.
    position : float, optional
        A position in the stream: a horizontal line.
    bracket : (float, float), optional
        Interval of the text: shaded.
    unit : {"bytes", "bits"}
        Of the code lengths.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = curve(offsets, lengths, brackets=() if bracket is None else (bracket,), ylabel=f"code length in {unit}", ax=ax)
    if position is not None:
        ax.axhline(position, color=_CUT, linewidth=1.2)
    return ax


def ribbon(
    bounds: Sequence[float],
    *,
    names: Sequence[str] = (),
    kinds: Sequence[int] | None = None,
    xlabel: str = "byte of the text",
    ax: Any = None,
) -> Any:
    """
    Segments as a ribbon of coloured pieces.

    Parameters
    ----------
    bounds : sequence of k + 1 float
        Where the segments begin, and where the last one ends.
    names : sequence of k str, optional
        Written into the pieces.
    kinds : sequence of k int, optional
        Pieces of one kind have one colour; default: colours in turn.
    xlabel : str
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    edges = np.asarray(bounds, np.float64)
    if edges.ndim != 1 or len(edges) < 2:
        raise ValueError(f"bounds have shape {edges.shape}: give where segments begin, and the end of the last one")
    pieces = len(edges) - 1
    if names and len(names) != pieces:
        raise ValueError(f"there are {len(names)} names for {pieces} segments: give one a segment")
    kinds = range(pieces) if kinds is None else kinds
    ax = axes_of(ax)
    for i, kind in enumerate(kinds):
        width = edges[i + 1] - edges[i]
        ax.barh(0, width, left=edges[i], height=1, color=_SEGMENTS[kind % len(_SEGMENTS)], edgecolor="white")
        if names:
            ax.text(
                edges[i] + width / 2,
                0,
                names[i],
                ha="center",
                va="center",
                rotation=90 if width < (edges[-1] - edges[0]) / 6 else 0,
                fontsize=8,
                parse_math=False,
                clip_on=True,
            )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-0.5, 0.5)
    ax.set_yticks([])
    ax.set_xlabel(xlabel)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def dot_plot(
    matrix: ArrayLike, *, cuts: Sequence[float] = (), label: str = "NCD", unit: str = "unit", ax: Any = None
) -> Any:
    """
    Distances of a text's parts from each other, in their order, dark where they are alike; cuts as lines.

    Parameters
    ----------
    matrix : array_like of shape (n, n)
    cuts : sequence of float
        Rows before which a segment begins.
    label : str
        Of the colours.
    unit : str
        What a row stands for.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    square = np.asarray(matrix, np.float64)
    if square.ndim != 2 or square.shape[0] != square.shape[1]:
        raise ValueError(f"matrix has shape {square.shape}: give a square one")
    ax = axes_of(ax)
    others = square[~np.eye(len(square), dtype=bool)]
    low, high = (np.quantile(others, 0.02), others.max()) if len(others) else (0.0, 1.0)
    image = ax.imshow(square, cmap="viridis", vmin=low, vmax=high, interpolation="nearest")
    for cut in cuts:
        ax.axhline(cut - 0.5, color="white", linewidth=0.8)
        ax.axvline(cut - 0.5, color="white", linewidth=0.8)
    ax.set_xlabel(unit)
    ax.set_ylabel(unit)
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label=label)
    return ax
