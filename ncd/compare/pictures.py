"""The pictures of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from ncd.compare.intervals import mean_interval
from ncd.compare.results import Agreement, Curve, Family, TaskResult
from ncd.compare.svg import (
    CLASS,
    Frame,
    Scale,
    bounds,
    circle,
    decades,
    in_all_widths,
    line,
    margin,
    rounded,
    short,
    text,
    text_width,
    ticks,
)

__all__ = ["agreement_picture", "curves_picture", "family_key", "scores_picture", "time_picture", "unit_of"]

_PHONE = 400  # pictures narrower than this have names above lines and beneath, not beside
_LINE = 17  # between lines of text

Box = tuple[float, float, float, float]


def unit_of(result: TaskResult) -> tuple[float, str]:
    """What figures are multiplied by to be shown, and what follows their name: shares are in percent."""
    return (1.0, "") if result.task == "similarity" else (100.0, ", %")


def family_key(families: Sequence[Family]) -> str:
    """What the colours mean."""
    marks = (f'<span class="key {CLASS[family]}">● {escape(family)}</span>' for family in dict.fromkeys(families))
    return f'<p class="small">{" ".join(marks)}</p>'


def _limits(result: TaskResult) -> tuple[float, float]:
    """What the figures lie between, as they are shown."""
    return (-1.0, 1.0) if result.task == "similarity" else (0.0, 100.0)


def _title(result: TaskResult) -> str:
    """What the figures are."""
    better = "" if result.higher_is_better else " (less is better)"
    return f"{result.measure}{unit_of(result)[1]}{better}"


def scores_picture(result: TaskResult) -> str:
    """Figures with their intervals, one line a method; a baseline far off only stands in the table."""
    times, _ = unit_of(result)
    real = [s.estimate for s in result.scores if s.family != "baseline"] or [s.estimate for s in result.scores]
    low, high = min(one.low for one in real), max(one.high for one in real)
    room = high - low
    scores = [s for s in result.scores if s.family != "baseline" or low - room <= s.estimate.value <= high + room]
    low, high = (f(getattr(s.estimate, end) for s in scores) for f, end in ((min, "low"), (max, "high")))
    ends = bounds(times * low, times * high, _limits(result))
    label = "{:.1f}" if times == 100 else "{:.3f}"

    def draw(width: int) -> tuple[float, list[str]]:
        narrow = width < _PHONE
        row = 40 if narrow else 26
        left = 2 if narrow else min(0.4 * width, max(text_width(s.method) for s in scores) + 10)
        frame = Frame(left, width - (2 if narrow else 50), 4, row * len(scores) + 8)
        x = frame.across(*ends)
        marks = ticks(*ends)
        parts = frame.columns([x(tick) for tick in marks], [rounded(tick) for tick in marks], _title(result))
        for i, score in enumerate(scores):
            one, kind = score.estimate, CLASS[score.family]
            y = row * i + (32 if narrow else 18)
            name, figure = escape(short(score.method, width - 60 if narrow else left)), label.format(times * one.value)
            parts.append(text(4, y - 13, name) if narrow else text(left - 8, y + 4, name, "end"))
            parts.append(text(width - 4, y - 13 if narrow else y + 4, figure, "end"))
            parts.append(line([(x(times * one.low), y), (x(times * one.high), y)], kind, ' stroke-width="3"'))
            parts.append(circle(x(times * one.value), y, kind))
        return frame.bottom + 44, parts

    return in_all_widths(f"{result.measure} with 95 % intervals", draw)


def _leaders(curves: Sequence[Curve]) -> list[Curve]:
    """Of each family the best curve with the most labels, and the best with the fewest."""
    found: list[Curve] = []
    for family in dict.fromkeys(curve.family for curve in curves):
        own = [curve for curve in curves if curve.family == family]
        for place in (-1, 0):
            best = max(own, key=lambda curve, place=place: float(np.mean(curve.accuracies[place])))  # type: ignore[misc]
            if best not in found:
                found.append(best)
    return sorted(found, key=lambda curve: -float(np.mean(curve.accuracies[-1])))


def curves_picture(result: TaskResult) -> str:
    """Figures against the number of labelled texts: means over the draws, with intervals."""
    times, _ = unit_of(result)
    curves, sizes = _leaders(result.curves), result.curves[0].per_class
    found = {c.method: [mean_interval(row) if len(row) > 1 else None for row in c.accuracies] for c in curves}
    means = {c.method: [times * float(np.mean(row)) for row in c.accuracies] for c in curves}
    ends_shown = [
        times * v for those in found.values() for one in those if one is not None for v in (one.low, one.high)
    ]
    flat = [value for row in means.values() for value in row] + ends_shown
    limits = _limits(result)
    ends = bounds(max(min(flat), limits[0]), min(max(flat), limits[1]), limits)
    first = {curve.family: curve.method for curve in reversed(curves)}

    def draw(width: int) -> tuple[float, list[str]]:
        narrow = width < _PHONE
        names = [short(curve.method, 0.3 * width if not narrow else width) for curve in curves]
        right = width - (4 if narrow else max(map(text_width, names)) + 26)
        frame = Frame(margin(ends), right, 22, 250 if narrow else 330)
        x, y = frame.across(sizes[0], max(sizes[-1], sizes[0] + 1), log=True), frame.upward(*ends)
        marks = ticks(*ends)
        parts = frame.rows([y(tick) for tick in marks], [rounded(tick) for tick in marks], _title(result))
        parts += frame.columns([x(s) for s in sizes], [str(s) for s in sizes], "labelled texts of each label")
        wanted = [y(means[curve.method][-1]) for curve in curves]
        beside = _spread(wanted, _LINE, frame.bottom)
        for i, curve in enumerate(curves):
            kind, leads = CLASS[curve.family], first[curve.family] == curve.method
            shift = 5 * (i - (len(curves) - 1) / 2)  # intervals stand side by side
            dots = [(x(size) + shift, y(value)) for size, value in zip(sizes, means[curve.method], strict=True)]
            for (at, _), one in zip(dots, found[curve.method], strict=True):
                if one is not None:
                    parts.append(line([(at, y(times * one.low)), (at, y(times * one.high))], kind))
            dash = "" if leads else ' stroke-dasharray="5 4"'
            parts.append(line(dots, kind, f' stroke-width="2"{dash}'))
            dot = kind if leads else f"{kind} hollow"
            parts += [circle(*place, dot, 4) for place in dots]
            if narrow:
                at = frame.bottom + 62 + _LINE * i
                parts += [line([(8, at), (40, at)], kind, f' stroke-width="2"{dash}'), circle(24, at, dot, 4)]
                parts.append(text(48, at + 4, escape(names[i])))
            else:
                parts.append(line([dots[-1], (right, beside[i]), (right + 8, beside[i])], "axis"))
                parts += [circle(right + 12, beside[i], dot, 4), text(right + 20, beside[i] + 4, escape(names[i]))]
        below = frame.bottom + 44
        return (below + 12 + _LINE * len(curves) if narrow else max(below, beside[-1] + 10)), parts

    return in_all_widths(f"{result.measure} against labelled texts of each label", draw)


def _spread(places: Sequence[float], gap: float, most: float) -> list[float]:
    """Places, in order, moved as little as it takes to keep a gap; the last not below the most where there is room."""
    found = list(places)
    for i, j in pairwise(range(len(found))):
        found[j] = max(found[j], found[i] + gap)
    if found[-1] > most:
        found[-1] = max(most, (len(found) - 1) * gap + 10)
        for i in reversed(range(len(found) - 1)):
            found[i] = min(found[i], found[i + 1] - gap)
    return found


def time_picture(result: TaskResult) -> str:
    """Figures against the time for an answer."""
    times, _ = unit_of(result)
    scores = [score for score in result.scores if score.cost.answer]
    if len(scores) < 2:
        return ""
    taken = [score.cost.answer or 1.0 for score in scores]
    figures = [times * score.estimate.value for score in scores]
    ends = bounds(min(figures), max(figures), _limits(result))
    span = (min(taken) / 1.3, max(taken) * 1.3)

    def draw(width: int) -> tuple[float, list[str]]:
        narrow = width < _PHONE
        frame = Frame(margin(ends), width - 4, 22, 270 if narrow else 370)
        x, y = frame.across(*span, log=True), frame.upward(*ends)
        marks, steps = ticks(*ends), decades(*span)
        title = f"seconds for 1,000 {result.unit}"
        parts = frame.rows([y(tick) for tick in marks], [rounded(tick) for tick in marks], _title(result))
        parts += frame.columns([x(step) for step in steps], [rounded(step) for step in steps], title)
        dots = [(x(second), y(figure)) for second, figure in zip(taken, figures, strict=True)]
        names = [str(i) if narrow else short(score.method, 0.4 * width) for i, score in enumerate(scores, 1)]
        boxes = _labels(dots, names, frame)
        for (left, top, right, bottom), (cx, cy) in zip(boxes, dots, strict=True):
            nearest = (min(max(cx, left), right), min(max(cy, top + 3), bottom - 3))
            if np.hypot(nearest[0] - cx, nearest[1] - cy) > 12:
                parts.append(line([(cx, cy), nearest], "axis"))
        for name, (left, _, _, bottom), dot, score in zip(names, boxes, dots, scores, strict=True):
            parts += [circle(*dot, CLASS[score.family]), text(left, bottom - 4, escape(name))]
        height = frame.bottom + 44
        if narrow:
            for i, score in enumerate(scores):
                at = height + 14 + _LINE * i
                parts += [circle(10, at - 4, CLASS[score.family], 4), text(34, at, str(i + 1), "end")]
                parts.append(text(40, at, escape(short(score.method, width - 44))))
            height += _LINE * len(scores) + 4
        return height, parts

    return in_all_widths(f"{result.measure} against the time for an answer", draw)


def _labels(dots: Sequence[tuple[float, float]], names: Sequence[str], frame: Frame) -> list[Box]:
    """A place for each name, near its dot, on no other name and no dot as far as there is room."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in dots]
    made: list[Box] = []
    for (x, y), name in zip(dots, names, strict=True):
        w, h = text_width(name), float(_LINE)
        places: list[Box] = []
        for away in (8.0, 16.0, 26.0, 38.0, 52.0, 68.0, 86.0, 106.0):
            for up in (0.0, -0.7, 0.7, -1.0, 1.0):
                for left in (
                    x + away * (1 - abs(up)) + 8 * abs(up),
                    x - away * (1 - abs(up)) - 8 * abs(up) - w,
                    x - w / 2,
                ):
                    top = y + up * away - h / 2 + (h / 2 if up > 0 else -h / 2 if up < 0 else 0)
                    places.append((left, top, left + w, top + h))
        inside = [
            b
            for b in places
            if b[0] >= frame.left and b[2] <= frame.right and b[1] >= frame.top and b[3] <= frame.bottom
        ] or places
        best = min(inside, key=lambda box: sum(_common(box, other) for other in taken))  # the nearest of equal ones
        taken.append(best)
        made.append(best)
    return made


def _common(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def agreement_picture(agreements: Sequence[Agreement]) -> str:
    """The share of common neighbours of every two sources, darker where it is larger."""
    names = list(dict.fromkeys(name for one in agreements for name in (one.a, one.b)))
    of = {frozenset((one.a, one.b)): one.overlap.value for one in agreements}

    def draw(width: int) -> tuple[float, list[str]]:
        narrow = width < _PHONE
        left = 24 if narrow else min(0.35 * width, max(map(text_width, names)) + 32)
        cell, high, top = min(110.0, (width - left) / len(names)), 32.0, 24.0
        column = Scale(0, len(names), left, left + cell * len(names))
        parts = [text(2, 13, "nearest neighbours in common, %")]
        for i, name in enumerate(names):
            y = top + high * i
            told = str(i + 1) if narrow else f"{escape(short(name, left - 30))} {i + 1}"
            parts.append(text(left - 8, y + high / 2 + 4, told, "end"))
            parts.append(text(column(i + 0.5), top + high * len(names) + 16, str(i + 1), "middle"))
            for j, other in enumerate(names):
                value = of.get(frozenset((name, other)))
                if i == j or value is None:
                    continue
                place = f'x="{column(j) + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2:.1f}" height="{high - 2:.1f}"'
                parts.append(f'<rect style="fill:var(--k0);fill-opacity:{0.6 * value:.2f}" {place}/>')
                parts.append(text(column(j + 0.5), y + high / 2 + 4, f"{100 * value:.0f}", "middle"))
        height = top + high * len(names) + 24
        if narrow:
            parts += [text(4, height + 14 + _LINE * i, f"{i + 1} {escape(name)}") for i, name in enumerate(names)]
            height += 8 + _LINE * len(names)
        return height, parts

    return in_all_widths("nearest neighbours in common, in percent", draw)
