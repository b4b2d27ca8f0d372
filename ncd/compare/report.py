"""The report of a comparison: one HTML page with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ncd.compare.intervals import mean_interval
from ncd.compare.recommend import RULES
from ncd.compare.results import Cost, Score, TaskResult
from ncd.compare.svg import STYLE, agreement_picture, curves_picture, family_key, scores_picture, time_picture
from ncd.visible import shown

if TYPE_CHECKING:
    from ncd.compare.comparison import Comparison

__all__ = ["page_of"]

_PAGE = (
    ":root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{font:16px/1.5 sans-serif;margin:0 auto;max-width:60em;padding:1em;overflow-wrap:anywhere;"
    "background:Canvas;color:CanvasText}"
    "h1{font-size:1.5em;line-height:1.2}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid rgba(128,128,128,.4)}"
    "h3{font-size:1em;margin-bottom:.3em}"
    ".box{overflow-x:auto;margin:.5em 0}table{border-collapse:collapse;font-size:14px}"
    "th,td{padding:.25em .7em;text-align:right;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,.25)}"
    "th{vertical-align:bottom}th:first-child,td:first-child,.words td,.words th{text-align:left}"
    ".words td{white-space:normal;vertical-align:top;min-width:9em}"
    ".small{font-size:85%;opacity:.85}.key{margin-right:1em;white-space:nowrap}"
    ".advice{border-left:4px solid var(--k0);padding:.1em 1em;margin:1em 0;background:rgba(128,128,128,.1)}"
    "@media print{body{max-width:none}.box{overflow:visible}}"
)
_TITLES = {
    "classify": "Classification",
    "cluster": "Clustering",
    "similarity": "Similarity",
    "segment": "Segmentation",
    "geometry": "Geometry",
}
_ABOUT = {
    "classify": "Share of test texts that get their label. The interval is Wilson's (95 %); p is McNemar's exact test "
    "against the best method on the same texts, adjusted for the number of methods (Holm). The best one is chosen on "
    "the same texts, which flatters it a little.",
    "cluster": "Texts are put into as many clusters as there are labels, from distances alone; counted are texts in "
    "the cluster that stands for their label, under the naming of the clusters that makes them most. The interval is "
    "Wilson's (95 %), the clusters held fixed; p is McNemar's exact test, adjusted (Holm).",
    "similarity": "Spearman's rank correlation of nearness with the scores of the pairs. The interval is a bootstrap "
    "over pairs (95 %); p is a paired bootstrap against the best method, adjusted (Holm).",
    "segment": "Errors of the segmentations of documents, averaged; less is better. Pk counts in lines, with windows "
    "of half a mean segment. The interval is Student's over documents (95 %); p is Student's paired test, adjusted "
    "(Holm).",
}
_TEXT_SHOWN = 160  # characters of a text


def page_of(comparison: Comparison) -> str:
    """The whole page."""
    title = f"{shown(PurePath(comparison.name).name)}: compression or embeddings?"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(comparison.described)}. <a href='#advice'>Recommendation</a> at the end.</p>",
        *_task_parts(comparison),
        *_geometry_parts(comparison),
        *_notes(comparison),
        *_advice(comparison),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE}{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _task_parts(comparison: Comparison) -> Iterator[str]:
    """Pictures and tables of every task."""
    for result in comparison.results:
        yield f"<h2>{_TITLES[result.task]}: {escape(result.measure)}</h2>"
        yield f'<p class="small">{escape(_ABOUT[result.task])} n = {result.n:,} {result.unit}.</p>'
        if not result.scores:
            yield "<p>No method was measured.</p>"
        else:
            yield family_key([score.family for score in result.scores])
            yield scores_picture(result.scores, result.measure)
            yield _scores_table(result)
            yield from _costs(result)
            yield from _few_labels(result)
        if result.left_out:
            rows = [(name, why) for name, why in result.left_out.items()]
            yield "<h3>Left out</h3>" + _table(["method", "why"], rows, words=True)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, words: bool = False) -> str:
    """A table in a box of its own, which scrolls where the page is narrow."""
    kind = ' class="words"' if words else ""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{'–' if cell is None else escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="box" tabindex="0" role="region" aria-label="table: {escape(", ".join(head), quote=True)}">'
        f"<table{kind}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _percent(result: TaskResult) -> bool:
    """Whether figures are shares."""
    return result.task != "similarity"


def _figure(result: TaskResult, value: float, *, sign: bool = False) -> str:
    """A figure as the tables have it."""
    plus = "+" if sign else ""
    return f"{100 * value:{plus}.1f}" if _percent(result) else f"{value:{plus}.3f}"


def _scores_table(result: TaskResult) -> str:
    """Figures, intervals, differences to the best."""
    unit = ", %" if _percent(result) else ""
    rows = []
    for score in result.scores:
        one, held = score.estimate, score.to_best
        cells = [score.method, score.family, _figure(result, one.value)]
        cells.append(f"{_figure(result, one.low)} to {_figure(result, one.high)}")
        if held is None:
            cells += ["best", ""]
        else:
            cells += [_figure(result, held.value, sign=True), f"{held.p_value:.2g}"]
        rows.append(cells)
    return _table(["method", "family", f"{result.measure}{unit}", "95 % interval", "to best", "p (adjusted)"], rows)


def _costs(result: TaskResult) -> Iterator[str]:
    """What the methods take."""
    timed = [score for score in result.scores if score.cost != Cost()]
    if not timed:
        return
    yield "<h3>What it takes</h3>"
    yield (
        f'<p class="small">Seconds by the clock for 1,000 {result.unit}: encode, the vectors (on texts that were in no '
        "cache); index, learning from training texts; query, the answers, vectors at hand. Load: seconds until the "
        "model is ready. Memory: the largest resident size of the process that did all of it, Python and the texts "
        "included. Disk: the model and what was learned. Energy: joules of the processor for 1,000 answers, of all "
        "programs on the machine.</p>"
    )
    yield time_picture(timed, result.measure, result.unit)
    energy = any(score.cost.energy is not None for score in timed)
    head = ["method", "load, s", "encode", "index", "query", "memory, MB", "disk, MB", "pre-trained parameters"]
    rows = [_cost_row(score, energy) for score in timed]
    yield _table([*head, *(["energy, J"] if energy else [])], rows)
    if not energy:
        yield '<p class="small">Energy: not measurable here (no readable counter of the processor).</p>'


def _cost_row(score: Score, energy: bool) -> list[Any]:
    """A line of the table of costs."""
    cost = score.cost
    seconds = [None if value is None else f"{value:.3g}" for value in (cost.load, cost.encode, cost.index, cost.query)]
    sizes = [None if value is None else f"{value / 1e6:,.1f}" for value in (cost.memory, cost.disk)]
    cells = [score.method, *seconds, *sizes, None if cost.pretrained is None else f"{cost.pretrained:,}"]
    return [*cells, None if cost.energy is None else f"{cost.energy:,.0f}"] if energy else cells


def _few_labels(result: TaskResult) -> Iterator[str]:
    """Curves and their table."""
    if not result.curves:
        return
    sizes, draws = result.curves[0].per_class, len(result.curves[0].accuracies[0])
    yield "<h3>Few labels</h3>"
    yield (
        f'<p class="small">{result.measure.capitalize()} in percent when so many texts of each label are learned from '
        f"(all of a label that has fewer): mean of {draws} draws, the same for all methods, ± half of Student's 95 % "
        f"interval over draws; {result.curve_texts:,} test texts. Methods that learn from texts see the drawn ones "
        "only.</p>"
    )
    yield curves_picture(result.curves, result.measure)
    rows = []
    for curve in result.curves:
        cells = [curve.method]
        for values in curve.accuracies:
            found = mean_interval(values)
            half = f" ± {100 * (found.high - found.value):.1f}" if len(values) > 1 else ""
            cells.append(f"{100 * found.value:.1f}{half}")
        rows.append(cells)
    yield _table(["method", *(f"{size} a label" for size in sizes)], rows)


def _geometry_parts(comparison: Comparison) -> Iterator[str]:
    """Agreement of the sources, figures of vectors, neighbours."""
    if not comparison.geometries:
        return
    yield "<h2>Geometry: what is near what</h2>"
    if comparison.agreements:
        one = comparison.agreements[0]
        yield (
            f'<p class="small">{one.n:,} texts. Neighbours: the share of the {one.k} nearest ones that two sources '
            f"have in common, with a bootstrap interval (95 %); by chance it would be "
            f"{100 * one.k / (one.n - 1):.1f} %. Mantel: correlation of the distances, p by permutations. "
            "Trustworthiness: whether the second source's neighbours are near under the first (1: all).</p>"
        )
        yield agreement_picture(comparison.agreements)
        rows = [
            (
                f"{one.a} – {one.b}",
                f"{100 * one.overlap.value:.0f}",
                f"{100 * one.overlap.low:.0f} to {100 * one.overlap.high:.0f}",
                f"{one.mantel:.2f}",
                f"{one.p_value:.2g}",
                f"{one.trustworthiness:.2f}",
            )
            for one in comparison.agreements
        ]
        yield _table(["sources", "neighbours, %", "95 % interval", "Mantel", "p", "trustworthiness"], rows)
    names = list(dict.fromkeys(name for one in comparison.geometries for name in one.figures))
    if names:
        yield "<h3>Vectors</h3>"
        yield (
            '<p class="small">Anisotropy: the share of the variance along one direction. Mean cosine: of two different '
            "texts. Intrinsic dimension: how many coordinates the vectors need locally.</p>"
        )
        figures = [
            [one.source, *(None if (value := one.figures.get(name)) is None else f"{value:.3g}" for name in names)]
            for one in comparison.geometries
            if one.figures
        ]
        yield _table(["source", *names], figures)
    yield "<h3>Nearest neighbours of some texts</h3>"
    for number, (place, *_) in enumerate(comparison.geometries[0].neighbours):
        yield f"<p>{_excerpt(comparison.texts[place])}</p>"
        nearest = [
            (one.source, _excerpt(comparison.texts[one.neighbours[number][1]], raw=True))
            for one in comparison.geometries
        ]
        yield _table(["source", "nearest text"], nearest, words=True)


def _excerpt(text: str, *, raw: bool = False) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    line = shown(line if len(line) <= _TEXT_SHOWN else f"{line[:_TEXT_SHOWN]}…")
    return line if raw else f"<b>{escape(line)}</b>"


def _notes(comparison: Comparison) -> Iterator[str]:
    """How it was done."""
    yield "<h2>How it was done</h2>"
    lines = [*comparison.notes]
    lines += [f"{name} was left out: {why}" for name, why in comparison.left_out.items()]
    machine = comparison.machine
    if machine:
        packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
        lines.append(
            f"{machine['processor']}, {machine['cores']} cores; {machine['platform']}; Python {machine['python']}, "
            f"ncd {machine['ncd']}, {packages}. The whole comparison took {comparison.seconds:,.0f} s."
        )
    lines += [f"{name}: {_setting(value)}" for name, value in comparison.settings.items() if value is not None]
    yield f'<ul class="small">{"".join(f"<li>{escape(shown(line))}</li>" for line in lines)}</ul>'


def _setting(value: Any) -> str:
    """A parameter as one would say it."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _advice(comparison: Comparison) -> Iterator[str]:
    """The recommendation and its rules."""
    yield '<h2 id="advice">Recommendation</h2>'
    if not comparison.advice:
        yield "<p>Nothing follows from these figures.</p>"
        return
    for about, group in groupby(comparison.advice, key=lambda one: one.about):
        lines = "".join(f"<p>{escape(shown(one.text))}</p>" for one in group)
        yield f'<div class="advice"><p><b>{escape(about)}</b></p>{lines}</div>'
    used = list(dict.fromkeys(one.rule for one in comparison.advice))
    yield "<h3>The rules it follows from</h3>"
    yield f'<ul class="small">{"".join(f"<li>{escape(RULES[rule])}</li>" for rule in used)}</ul>'
