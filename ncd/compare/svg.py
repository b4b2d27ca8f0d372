"""Pictures of a comparison as SVG that takes its colours from the page: light, dark, or printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from ncd.compare.intervals import mean_interval
from ncd.compare.results import Agreement, Curve, Family, Score

__all__ = ["STYLE", "agreement_picture", "curves_picture", "family_key", "scores_picture", "time_picture"]

_WIDTH = 420  # of every picture, in its own units: on a phone letters stay legible
_ROW = 22
_LEFT = 150
_CLASS: dict[Family, str] = {"compression": "k0", "TF-IDF": "k1", "embedding": "k2", "baseline": "k3"}
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 5")

#: Colours of Okabe and Ito, which colour-blind readers can tell apart; lighter ones on dark ground.
STYLE = (
    ":root{--k0:#0072b2;--k1:#9a6a00;--k2:#c14a00;--k3:#777}"
    "@media (prefers-color-scheme:dark){:root{--k0:#56b4e9;--k1:#e6b422;--k2:#ff8a4c;--k3:#999}}"
    "svg{display:block;width:100%;max-width:42em;height:auto;margin:.5em 0;font:12px sans-serif;overflow:visible}"
    "svg text{fill:currentColor}svg .axis{stroke:currentColor;stroke-opacity:.25;stroke-width:1;fill:none}"
    + "".join(
        f".{k}{{color:var(--{k})}}svg .{k}{{stroke:var(--{k});fill:var(--{k})}}svg path.{k}{{fill:none}}"
        for k in _CLASS.values()
    )
    + "svg text.small{font-size:10px}"
)


class _Scale(NamedTuple):
    """From figures to places."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        share = (value - low) / ((high - low) or 1.0)
        return self.start + min(1.0, max(0.0, share)) * (self.stop - self.start)


def family_key(families: Sequence[Family]) -> str:
    """What the colours mean."""
    marks = (f'<span class="key {_CLASS[family]}">● {escape(family)}</span>' for family in dict.fromkeys(families))
    return f'<p class="small">{" ".join(marks)}</p>'


def _svg(height: float, label: str, parts: Sequence[str]) -> str:
    """A picture with a name for those who do not see it."""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )


def _short(name: str, most: int = 24) -> str:
    """A name that fits beside a picture."""
    return escape(name if len(name) <= most else f"{name[: most - 1]}…")


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{f" class={kind!r}" if kind else ""}>{text}</text>'


def _line(points: Sequence[tuple[float, float]], kind: str, extra: str = "") -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{kind}" d="{path}"{extra}/>'


def _ticks(low: float, high: float) -> list[float]:
    """Round figures between two."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2)) if high > low else 1.0
    step = next(step * m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 5)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten between two figures."""
    return [10.0**e for e in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def scores_picture(scores: Sequence[Score], measure: str) -> str:
    """Figures with their intervals, one line a method; a baseline far below only stands in the table."""
    real = [score.estimate for score in scores if score.family != "baseline"] or [score.estimate for score in scores]
    low, high = min(one.low for one in real), max(one.high for one in real)
    near = (low - (high - low), high + (high - low))
    scores = [one for one in scores if one.family != "baseline" or near[0] <= one.estimate.value <= near[1]]
    low = min(score.estimate.low for score in scores)
    high = max(score.estimate.high for score in scores)
    pad = 0.05 * (high - low or 1.0)
    scale = _Scale(low - pad, high + pad, _LEFT, _WIDTH - 8)
    bottom = _ROW * len(scores) + 6
    parts = []
    for tick in _ticks(scale.low, scale.high):
        x = scale(tick)
        parts += [_line([(x, 0), (x, bottom)], "axis"), _text(x, bottom + 13, f"{tick:.3g}", "middle", "small")]
    for i, score in enumerate(scores):
        y, kind = _ROW * i + 12, _CLASS[score.family]
        one = score.estimate
        parts.append(_text(_LEFT - 8, y + 4, _short(score.method), "end"))
        parts.append(_line([(scale(one.low), y), (scale(one.high), y)], kind, ' stroke-width="2.5"'))
        parts.append(f'<circle class="{kind}" cx="{scale(one.value):.1f}" cy="{y}" r="4"/>')
    return _svg(bottom + 18, f"{measure} with 95 % intervals", parts)


def curves_picture(curves: Sequence[Curve], measure: str) -> str:
    """Figures against the number of labelled texts, the mean over the draws; the best of each family in full."""
    values = {curve.method: [float(np.mean(row)) for row in curve.accuracies] for curve in curves}
    sizes = curves[0].per_class
    flat = [value for row in values.values() for value in row]
    y = _Scale(min(flat), max(flat) or 1.0, 210, 12)
    x = _Scale(sizes[0], max(sizes[-1], sizes[0] + 1), 40, _WIDTH - 14, log=True)
    parts = [
        part
        for tick in _ticks(y.low, y.high)
        for part in (
            _line([(40, y(tick)), (_WIDTH - 14, y(tick))], "axis"),
            _text(34, y(tick) + 4, f"{tick:.2g}", "end", "small"),
        )
    ]
    parts += [_text(x(size), 228, str(size), "middle", "small") for size in sizes]
    parts.append(_text((_WIDTH + 26) / 2, 243, "labelled texts a class (logarithmic)", "middle", "small"))
    rank: dict[Family, int] = {}
    legend = []
    for curve in sorted(curves, key=lambda one: -values[one.method][-1]):
        nth = rank[curve.family] = rank.get(curve.family, -1) + 1
        kind, dash = _CLASS[curve.family], _DASHES[min(nth, len(_DASHES) - 1)]
        points = [(x(size), y(value)) for size, value in zip(sizes, values[curve.method], strict=True)]
        extra = f' stroke-width="2"{f" stroke-dasharray={dash!r}" if dash else ""}'
        if nth == 0:
            for size, row in zip(sizes, curve.accuracies, strict=True):
                if len(row) > 1:
                    found = mean_interval(row)
                    parts.append(_line([(x(size), y(found.low)), (x(size), y(found.high))], kind))
        parts.append(_line(points, kind, extra))
        legend.append((kind, extra, curve.method))
    for i, (kind, extra, name) in enumerate(legend):
        left, top = 8 + (i % 2) * 205, 262 + 16 * (i // 2)
        parts += [_line([(left, top), (left + 26, top)], kind, extra), _text(left + 32, top + 4, _short(name, 26))]
    return _svg(262 + 16 * math.ceil(len(legend) / 2) + 4, f"{measure} against labelled texts a class", parts)


def time_picture(scores: Sequence[Score], measure: str, unit: str) -> str:
    """Figures against the time for an answer; numbers stand for methods."""
    shown = [score for score in scores if score.cost.answer]
    if len(shown) < 2:
        return ""
    times = [score.cost.answer or 1.0 for score in shown]
    figures = [score.estimate.value for score in shown]
    span = max(figures) - min(figures) or 0.1
    x = _Scale(min(times) / 1.6, max(times) * 1.6, 40, _WIDTH - 14, log=True)
    y = _Scale(min(figures) - 0.08 * span, max(figures) + 0.08 * span, 210, 12)
    parts = []
    for tick in _ticks(y.low, y.high):
        parts += [
            _line([(40, y(tick)), (_WIDTH - 14, y(tick))], "axis"),
            _text(34, y(tick) + 4, f"{tick:.3g}", "end", "small"),
        ]
    for tick in _decades(x.low, x.high):
        parts += [
            _line([(x(tick), 12), (x(tick), 210)], "axis"),
            _text(x(tick), 226, f"{tick:g} s", "middle", "small"),
        ]
    parts.append(_text((_WIDTH + 26) / 2, 242, f"seconds for 1,000 {unit} (logarithmic)", "middle", "small"))
    for i, score in enumerate(shown, 1):
        cx, cy = x(score.cost.answer or 1.0), y(score.estimate.value)
        parts.append(f'<circle class="{_CLASS[score.family]}" cx="{cx:.1f}" cy="{cy:.1f}" r="4"/>')
        parts.append(_text(cx + 6, cy - 4, str(i), "start", "small"))
    for i, score in enumerate(shown):
        parts.append(_text(8 + (i % 2) * 205, 262 + 16 * (i // 2), f"{i + 1} {_short(score.method, 28)}"))
    height = 262 + 16 * math.ceil(len(shown) / 2)
    return _svg(height, f"{measure} against the time for an answer", parts)


def agreement_picture(agreements: Sequence[Agreement]) -> str:
    """The share of common neighbours of every two sources, darker where it is larger."""
    names = list(dict.fromkeys(name for one in agreements for name in (one.a, one.b)))
    of = {frozenset((one.a, one.b)): one.overlap.value for one in agreements}
    cell = min(44.0, (_WIDTH - _LEFT) / max(len(names), 1))
    parts = []
    for i, name in enumerate(names):
        y = cell * i
        parts.append(_text(_LEFT - 8, y + cell / 2 + 4, f"{_short(name, 20)} {i + 1}", "end"))
        parts.append(_text(_LEFT + cell * (i + 0.5), cell * len(names) + 14, str(i + 1), "middle"))
        for j, other in enumerate(names):
            value = 1.0 if i == j else of.get(frozenset((name, other)))
            if value is None:
                continue
            place = f'x="{_LEFT + cell * j + 1:.1f}" y="{y + 1:.1f}" width="{cell - 2:.1f}" height="{cell - 2:.1f}"'
            parts.append(f'<rect style="fill:var(--k0);fill-opacity:{0.6 * value:.2f}" {place}/>')
            if i != j:
                parts.append(_text(_LEFT + cell * (j + 0.5), y + cell / 2 + 4, f"{100 * value:.0f}", "middle", "small"))
    return _svg(cell * len(names) + 20, "share of common nearest neighbours in percent", parts)
