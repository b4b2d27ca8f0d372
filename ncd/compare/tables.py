"""The tables of a comparison's report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ncd.compare.intervals import mean_interval
from ncd.compare.pictures import unit_of
from ncd.compare.results import Agreement, Curve, Geometry, Score, TaskResult

__all__ = ["agreements_table", "costs_table", "curves_table", "figures_table", "scores_table", "table"]

_SEEN = 3  # columns that a phone shows at once


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, words: Sequence[str] = (), wraps: bool = False) -> str:
    """
    A table in a box of its own, which scrolls where the page is narrow, and says so there.

    The first column, and those named in `words`, stand on the left; `wraps` is for tables of sentences.
    """
    left = {i for i, name in enumerate(head) if i == 0 or name in words or wraps}
    top = "".join(f'<th scope="col"{_left(i in left)}>{escape(name)}</th>' for i, name in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_left(i in left)}>{'–' if cell is None else escape(str(cell))}</td>" for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    hint = ""
    if len(head) > _SEEN and not wraps:
        hint = f'<p class="hint">Scrolls sideways → {escape(", ".join(head[_SEEN:]))}</p>'
    kind = ' class="wraps"' if wraps else ""
    return (
        f'{hint}<div class="box" tabindex="0" role="region" aria-label="table: {escape(", ".join(head), quote=True)}">'
        f"<table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _left(yes: bool) -> str:
    return ' class="l"' if yes else ""


def _figure(result: TaskResult, value: float, *, sign: bool = False) -> str:
    """A figure as the tables have it."""
    times, _ = unit_of(result)
    plus = "+" if sign else ""
    return f"{times * value:{plus}.1f}" if times == 100 else f"{value:{plus}.3f}"


def scores_table(result: TaskResult) -> str:
    """Figures, intervals, differences to the best."""
    rows = []
    for score in result.scores:
        one, held = score.estimate, score.to_best
        cells = [score.method, _figure(result, one.value)]
        cells.append(f"{_figure(result, one.low)} to {_figure(result, one.high)}")
        if held is None:
            cells += ["best", ""]
        else:
            cells += [_figure(result, held.value, sign=True), f"{held.p_value:.2g}"]
        rows.append([*cells, score.family])
    head = ["method", f"{result.measure}{unit_of(result)[1]}", "95 % interval", "to best", "p (adjusted)", "family"]
    return table(head, rows, words=["family"])


def costs_table(scores: Sequence[Score]) -> str:
    """What the methods take."""
    energy = any(score.cost.energy is not None for score in scores)
    head = ["method", "answer, s", "encode, s", "query, s", "index, s", "load, s", "memory", "disk"]
    rows = []
    for score in scores:
        cost = score.cost
        taken = (cost.answer, cost.encode, cost.query, cost.index, cost.load)
        seconds = [None if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2g}" for value in taken]
        cells = [score.method, *seconds, _size(cost.memory), _size(cost.disk)]
        cells.append(None if cost.pretrained is None else f"{cost.pretrained:,}")
        if energy:
            cells.append(None if cost.energy is None else f"{cost.energy:,.0f}")
        rows.append(cells)
    return table([*head, "pre-trained parameters", *(["energy, J"] if energy else [])], rows)


def _size(n_bytes: int | None) -> str | None:
    """A number of bytes, as one would say it."""
    if n_bytes is None:
        return None
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:,.0f} {unit}" if n_bytes >= 100 * size else f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} B"


def curves_table(curves: Sequence[Curve]) -> str:
    """Figures with few labels."""
    rows = []
    for curve in curves:
        cells = [curve.method]
        for values in curve.accuracies:
            found = mean_interval(values)
            half = f" ± {100 * (found.high - found.value):.1f}" if len(values) > 1 else ""
            cells.append(f"{100 * found.value:.1f}{half}")
        rows.append(cells)
    return table(["method", *(f"{size} a label, %" for size in curves[0].per_class)], rows)


def agreements_table(agreements: Sequence[Agreement]) -> str:
    """How far every two sources agree."""
    linear = any(one.linearity is not None for one in agreements)
    rows = [
        (
            f"{one.a} – {one.b}",
            f"{100 * one.overlap.value:.0f}",
            f"{100 * one.overlap.low:.0f} to {100 * one.overlap.high:.0f}",
            f"{one.mantel:.2f}",
            f"{one.p_value:.2g}",
            f"{one.trustworthiness:.2f}",
            *([_both_ways(one)] if linear else []),
        )
        for one in agreements
    ]
    heads = ["sources", "in common, %", "95 % interval", "Mantel", "p", "trustworthiness"]
    return table([*heads, *(["linearity"] if linear else [])], rows)


def _both_ways(one: Agreement) -> str | None:
    """How linear each of two representations is in the other."""
    return None if one.linearity is None else " / ".join(f"{there.value:.2f}" for there in one.linearity)


def figures_table(geometries: Sequence[Geometry]) -> str:
    """Figures of the vectors; nothing where no source has any."""
    names = list(dict.fromkeys(name for one in geometries for name in one.figures))
    rows = [
        [one.source, *(None if (value := one.figures.get(name)) is None else f"{value:.3g}" for name in names)]
        for one in geometries
        if one.figures
    ]
    return table(["source", *names], rows) if rows else ""
