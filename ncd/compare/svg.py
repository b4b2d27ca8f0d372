"""Parts of pictures as SVG that takes its colours from the page: light, dark, or printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from ncd.compare.results import Family

__all__ = [
    "CLASS",
    "STYLE",
    "Frame",
    "Scale",
    "bounds",
    "circle",
    "decades",
    "in_all_widths",
    "line",
    "margin",
    "rounded",
    "short",
    "text",
    "text_width",
    "ticks",
]

#: Each picture is drawn for a phone, a tablet and a wide window; the page shows the one that fits.
_WIDTHS = {"phone": 330, "tablet": 640, "wide": 1000}
_LETTER = 7.0  # mean width of a letter
_LEAST = 0.06  # of all that a measure can be: the shortest axis
_INSIDE = 12  # between the ends of an axis and what is drawn

CLASS: dict[Family, str] = {"compression": "k0", "TF-IDF": "k1", "embedding": "k2", "baseline": "k3"}

#: Colours of Okabe and Ito, which colour-blind readers can tell apart; lighter ones on dark ground. The smallest window
#: of each picture leaves its letters at 11 pixels or more.
STYLE = (
    ":root{--k0:#0072b2;--k1:#8a5f00;--k2:#c14a00;--k3:#737373}"
    "@media (prefers-color-scheme:dark){:root{--k0:#56b4e9;--k1:#e6b422;--k2:#ff8a4c;--k3:#999}}"
    "svg{display:none;width:100%;height:auto;margin:.8em 0;font:13px sans-serif}"
    "svg.phone{display:block;max-width:30em}"
    "@media (min-width:600px){svg.phone{display:none}svg.tablet{display:block}}"
    "@media (min-width:900px){svg.tablet{display:none}svg.wide{display:block}}"
    "svg text{fill:currentColor}svg .axis{stroke:currentColor;stroke-opacity:.25;stroke-width:1;fill:none}"
    + "".join(
        f".{k}{{color:var(--{k})}}svg .{k}{{stroke:var(--{k});fill:var(--{k})}}svg path.{k}{{fill:none}}"
        for k in CLASS.values()
    )
    + "svg circle.hollow{fill:Canvas;stroke-width:2}"
)


class Scale(NamedTuple):
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


class Frame(NamedTuple):
    """The rectangle between the axes."""

    left: float
    right: float
    top: float
    bottom: float

    def across(self, low: float, high: float, *, log: bool = False) -> Scale:
        """The horizontal scale."""
        return Scale(low, high, self.left + _INSIDE, self.right - _INSIDE, log)

    def upward(self, low: float, high: float) -> Scale:
        """The vertical scale."""
        return Scale(low, high, self.bottom - _INSIDE, self.top + _INSIDE)

    def columns(self, places: Sequence[float], labels: Sequence[str], title: str) -> list[str]:
        """Vertical lines, their labels, and the title of the axis below."""
        parts = [
            part
            for x, label in zip(places, labels, strict=True)
            for part in (
                line([(x, self.top), (x, self.bottom)], "axis"),
                text(x, self.bottom + 17, escape(label), "middle"),
            )
        ]
        return [*parts, text((self.left + self.right) / 2, self.bottom + 37, escape(title), "middle")]

    def rows(self, places: Sequence[float], labels: Sequence[str], title: str) -> list[str]:
        """Horizontal lines, their labels, and the title of the axis above them."""
        parts = [
            part
            for y, label in zip(places, labels, strict=True)
            for part in (
                line([(self.left, y), (self.right, y)], "axis"),
                text(self.left - 6, y + 4, escape(label), "end"),
            )
        ]
        return [*parts, text(2, 13, escape(title))]


def in_all_widths(label: str, draw: Callable[[int], tuple[float, Sequence[str]]]) -> str:
    """A picture for every width, by a function that gives its height and its parts; each named for who cannot see."""
    made = []
    for kind, width in _WIDTHS.items():
        height, parts = draw(width)
        made.append(
            f'<svg class="{kind}" viewBox="0 0 {width} {height:.0f}" role="img" '
            f'aria-label="{escape(label, quote=True)}"><title>{escape(label)}</title>{"".join(parts)}</svg>'
        )
    return "".join(made)


def text_width(words: str) -> float:
    """About how wide a text is."""
    return _LETTER * len(words)


def short(name: str, width: float) -> str:
    """A name that fits into a width."""
    most = max(4, int(width / _LETTER))
    return name if len(name) <= most else f"{name[: most - 1]}…"


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Words, which are escaped already."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def line(points: Sequence[tuple[float, float]], kind: str, extra: str = "") -> str:
    """A line through points."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path class="{kind}" d="{path}"{extra}/>'


def circle(x: float, y: float, kind: str, radius: float = 4.5) -> str:
    """A dot."""
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _step(low: float, high: float) -> float:
    """A round distance of which at most five lie between two figures."""
    if high <= low:
        return 1.0
    step: float = 10.0 ** math.floor(math.log10((high - low) / 2))
    return next(step * m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 5)


def ticks(low: float, high: float) -> list[float]:
    """Round figures between two."""
    step = _step(low, high)
    return [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def bounds(low: float, high: float, limits: tuple[float, float]) -> tuple[float, float]:
    """Round figures around two, within the limits of what is measured where those hold the figures themselves."""
    least = _LEAST * (limits[1] - limits[0])
    if high - low < least:  # small differences are not to look large
        middle = min(max((low + high) / 2, limits[0] + least / 2), limits[1] - least / 2)
        low, high = min(low, middle - least / 2), max(high, middle + least / 2)
    step = _step(low, high)
    under, over = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return (
        max(under, limits[0]) if low >= limits[0] else under,
        min(over, limits[1]) if high <= limits[1] else over,
    )


def margin(ends: tuple[float, float]) -> float:
    """Room for the labels of a vertical axis."""
    return 14 + max(text_width(rounded(tick)) for tick in ticks(*ends))


def decades(low: float, high: float) -> list[float]:
    """Powers of ten between two figures, and halves and fifths of them where those are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 3), (1, 2, 5)):
        found = [f * 10.0**e for e in exponents for f in factors if low * 0.999 <= f * 10.0**e <= high * 1.001]
        if len(found) >= 3:
            break
    return found


def rounded(value: float) -> str:
    """A tick's label."""
    return f"{value:.6g}".replace("-", "\u2212")
