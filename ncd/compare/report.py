"""The report of a comparison: one HTML page with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ncd.compare.collection import counted
from ncd.compare.glossary import glossary_of
from ncd.compare.pictures import agreement_picture, curves_picture, family_key, scores_picture, time_picture
from ncd.compare.recommend import RULES
from ncd.compare.results import Cost, TaskResult
from ncd.compare.svg import STYLE
from ncd.compare.tables import (
    agreements_table,
    costs_table,
    curves_table,
    figures_table,
    scores_table,
    table,
)
from ncd.compare.usage import usage_of
from ncd.compare.verdict import sentence, verdict_of
from ncd.visible import shown

if TYPE_CHECKING:
    from ncd.compare.comparison import Comparison

__all__ = ["page_of"]

_SHADE = "rgba(128,128,128,.45)"
_PAGE = (
    ":root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{font:16px/1.5 sans-serif;margin:0 auto;max-width:68em;padding:1em;overflow-wrap:anywhere;"
    "background:Canvas;color:CanvasText}p,ul,ol,dl{max-width:52em}"
    "h1{font-size:1.5em;line-height:1.2;margin:.4em 0}"
    "h2{font-size:1.25em;margin-top:2em;border-bottom:1px solid rgba(128,128,128,.4)}"
    "h3{font-size:1em;margin:1.6em 0 .3em}"
    # The shadows at the sides lie still, what covers them at either end scrolls along: they show where there is more.
    ".box{overflow-x:auto;margin:.5em 0;max-width:100%;background:"
    "linear-gradient(90deg,Canvas 50%,transparent) 0 0/2.5em 100% no-repeat local,"
    "linear-gradient(-90deg,Canvas 50%,transparent) 100% 0/2.5em 100% no-repeat local,"
    f"linear-gradient(90deg,{_SHADE},transparent) 0 0/1em 100% no-repeat scroll,"
    f"linear-gradient(-90deg,{_SHADE},transparent) 100% 0/1em 100% no-repeat scroll}}"
    "table{border-collapse:collapse;font-size:14px;min-width:100%;overflow-wrap:normal}"
    "th,td{padding:.25em .7em;text-align:right;white-space:nowrap;border-bottom:1px solid rgba(128,128,128,.25)}"
    "th{vertical-align:bottom}th:first-child,td:first-child{padding-left:.2em}.l{text-align:left}"
    ".wraps td{white-space:normal;vertical-align:top;min-width:7.5em;overflow-wrap:anywhere}"
    ".hint{display:none;font-size:13px;margin:.6em 0 0}"
    "@media (max-width:600px){.hint{display:block}th,td{padding:.25em .4em}th{white-space:normal}"
    "td:first-child{white-space:normal;min-width:7.5em;overflow-wrap:anywhere}}"
    ".small{font-size:87%;opacity:.9}.key{margin-right:1em;white-space:nowrap}"
    "dt{font-weight:bold}dd{margin:0 0 .4em 1em}"
    ".advice{border-left:4px solid var(--k0);padding:.1em 1em;margin:.8em 0;background:rgba(128,128,128,.1)}"
    ".advice p{margin:.4em 0}.about{font-size:87%;opacity:.9}.take{font-size:1.1em;font-weight:bold}"
    ".use{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.2em .8em;font-size:87%;margin:.5em 0}"
    "@media (max-width:600px){.use{grid-template-columns:minmax(0,1fr)}}"
    "code{font:13px/1.45 monospace}li{margin:.2em 0}"
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
    "of half a mean segment. The interval is for the mean over documents (95 %); p is a paired test over documents, "
    "adjusted (Holm).",
}
#: Settings as sentences; those that change no figure are not told.
_SETTINGS = {
    "tasks": "Tasks: {}.",
    "max_train": "Training texts: {} at most.",
    "max_test": "Test texts, pairs or documents: {} at most.",
    "max_texts": "Texts for clusters and distances: {} at most.",
    "per_class": "Few labels: {} texts of each label, where there are as many.",
    "draws": "Draws of training texts for each of these numbers: {}.",
    "patience": "A method that was expected to need more than {} s for its answers was left out.",
    "random_state": "Seed of all samples and draws: {}.",
}
_SILENT = ("progress", "n_jobs", "cache", "isolate")
_TEXT_SHOWN = 160  # characters of a text


def page_of(comparison: Comparison) -> str:
    """The whole page."""
    title = f"{shown(PurePath(comparison.name).name)}: compression or embeddings?"
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(shown(comparison.described))}. {_contents(comparison)}</p>",
        *verdict_of(comparison),
        *_task_parts(comparison),
        *_geometry_parts(comparison),
        *_methods(comparison),
    ]
    body.append(glossary_of("\n".join(body)))
    body += [*_notes(comparison), *_advice(comparison)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_PAGE}{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def _contents(comparison: Comparison) -> str:
    """Links to the parts of the page."""
    tasks = [result.task for result in comparison.results]
    links = [
        (f"task{i}", _TITLES[one.task] if tasks.count(one.task) == 1 else escape(one.measure))
        for i, one in enumerate(comparison.results)
    ]
    if comparison.geometries:
        links.append(("geometry", "Geometry"))
    if any(result.scores for result in comparison.results):
        links.append(("methods", "Methods"))
    links += [("words", "Words"), ("done", "How it was done"), ("advice", "Why: the rules")]
    return '<span class="small">' + " · ".join(f'<a href="#{to}">{name}</a>' for to, name in links) + "</span>"


def _task_parts(comparison: Comparison) -> Iterator[str]:
    """Pictures and tables of every task."""
    for i, result in enumerate(comparison.results):
        yield f'<h2 id="task{i}">{_TITLES[result.task]}: {escape(result.measure)}</h2>'
        yield f'<p class="small">{escape(_ABOUT[result.task])} {counted(result.n, result.unit).capitalize()}.</p>'
        if not result.scores:
            yield "<p>No method was measured.</p>"
        else:
            yield family_key([score.family for score in result.scores])
            yield scores_picture(result)
            yield scores_table(result)
            yield from _costs(result)
            yield from _few_labels(result)
        if result.left_out:
            rows = [(name, shown(why)) for name, why in result.left_out.items()]
            yield "<h3>Left out</h3>" + table(["method", "why"], rows, wraps=True)


def _costs(result: TaskResult) -> Iterator[str]:
    """What the methods take."""
    timed = [score for score in result.scores if score.cost != Cost()]
    if not timed:
        return
    yield "<h3>What it takes</h3>"
    yield (
        f'<p class="small">Seconds by the clock for 1,000 {result.unit}. Answer: encode and query together. Encode: '
        "the vectors, of texts that were in no cache. Query: the answers, vectors at hand. Index: learning from "
        "training texts. Load: seconds until the model is ready. Memory: the largest resident size of the process that "
        "did all of it, Python and the texts included. Disk: the model and what was learned. Energy: joules of the "
        "processor for 1,000 answers, of all programs on the machine.</p>"
    )
    yield time_picture(result)
    yield costs_table(timed)
    if all(score.cost.energy is None for score in timed):
        yield '<p class="small">Energy: not measurable here (no readable counter of the processor).</p>'


def _few_labels(result: TaskResult) -> Iterator[str]:
    """Curves and their table."""
    if not result.curves:
        return
    draws = len(result.curves[0].accuracies[0])
    means = "one draw" if draws == 1 else f"mean of {draws} draws"
    half = "" if draws == 1 else ", ± half of Student's 95 % interval over draws"
    yield "<h3>Few labels</h3>"
    yield (
        f'<p class="small">{result.measure.capitalize()} in percent when so many texts of each label are learned from '
        f"(all of a label that has fewer): {means}, the same for all methods{half}; "
        f"{counted(result.curve_texts, 'test texts')}. Methods that learn from texts see the drawn ones only. The "
        "picture has of each family the best with the most labels and the best with the fewest; the table has all.</p>"
    )
    yield curves_picture(result)
    yield curves_table(result.curves)


def _geometry_parts(comparison: Comparison) -> Iterator[str]:
    """Agreement of the sources, figures of vectors, neighbours."""
    if not comparison.geometries:
        return
    yield '<h2 id="geometry">Geometry: what is near what</h2>'
    if comparison.agreements:
        one = comparison.agreements[0]
        nearest = "nearest one" if one.k == 1 else f"{one.k} nearest ones"
        yield (
            f'<p class="small">{counted(one.n, "texts")}. In common: the share of the {nearest} of a text that two '
            f"sources both name, with a bootstrap interval (95 %); by chance it would be "
            f"{100 * one.k / (one.n - 1):.1f} %. Mantel: correlation of the distances, p by permutations. "
            "Trustworthiness: whether the second source's neighbours are near under the first (1: all). Linearity, of "
            "two embedders: how much of the second's vectors, and of the first's, is a linear function of the other's "
            "(1: all), in their first components and on texts that were held out.</p>"
        )
        yield agreement_picture(comparison.agreements)
        yield agreements_table(comparison.agreements)
    figures = figures_table(comparison.geometries)
    if figures:
        yield "<h3>Vectors</h3>"
        yield (
            '<p class="small">Anisotropy: the share of the variance along one direction. Mean cosine: of two different '
            "texts. Intrinsic dimension: how many coordinates the vectors need locally. Between / within labels: the "
            "mean distance of texts of different labels over that of texts of one label (1: labels are no groups), of "
            "the whole vectors and of their first principal components.</p>"
        )
        yield figures
    yield "<h3>Nearest neighbours of some texts</h3>"
    for number, (place, *_) in enumerate(comparison.geometries[0].neighbours):
        yield f"<p><b>{escape(_excerpt(comparison.texts[place]))}</b></p>"
        nearest_texts = [
            (one.source, _excerpt(comparison.texts[one.neighbours[number][1]])) for one in comparison.geometries
        ]
        yield table(["source", "nearest text"], nearest_texts, wraps=True)


def _excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text.split())
    return shown(line if len(line) <= _TEXT_SHOWN else f"{line[:_TEXT_SHOWN]}…")


def _methods(comparison: Comparison) -> Iterator[str]:
    """What each method is, and a line of Python for it."""
    told: dict[str, str] = {}
    for result in comparison.results:
        for score in result.scores:
            used = usage_of(result.task, score.method, score.family)
            code = f"<br><code>{escape(shown(used.python))}</code>" if used.python else ""
            told[score.method] = f"<dt>{escape(shown(score.method))}</dt><dd>{escape(shown(used.words))}{code}</dd>"
    if told:
        yield f'<h2 id="methods">Methods</h2><dl class="small">{"".join(told.values())}</dl>'


def _notes(comparison: Comparison) -> Iterator[str]:
    """How it was done."""
    yield '<h2 id="done">How it was done</h2>'
    lines = [*comparison.notes]
    lines += [f"{name} was left out: {why}" for name, why in comparison.left_out.items()]
    lines += _settings(comparison.settings)
    machine = comparison.machine
    if machine:
        packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
        lines.append(
            f"{machine['processor']}, {counted(machine['cores'], 'cores')}; {machine['platform']}; Python "
            f"{machine['python']}, ncd {machine['ncd']}, {packages}. The whole comparison took "
            f"{comparison.seconds:,.0f} s."
        )
    yield f'<ul class="small">{"".join(f"<li>{escape(shown(line))}</li>" for line in lines)}</ul>'


def _settings(settings: dict[str, Any]) -> Iterator[str]:
    """Parameters as one would say them."""
    for name, value in settings.items():
        if value is None or value == [] or name in _SILENT:
            continue
        said = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        if isinstance(said, float) and said.is_integer():
            said = int(said)
        if isinstance(said, int) and not isinstance(said, bool) and name != "random_state":
            said = f"{said:,}"
        yield _SETTINGS.get(name, f"{name.replace('_', ' ').capitalize()}: {{}}.").format(said)


def _advice(comparison: Comparison) -> Iterator[str]:
    """The recommendation sentence by sentence, and the rules."""
    yield '<h2 id="advice">Recommendation</h2>'
    numbers = {rule: i for i, rule in enumerate(RULES, 1)}
    for about, group in groupby(comparison.advice, key=lambda one: one.about):
        lines = "".join(
            f"<p>{sentence(one.text)} <a href='#rule{numbers.get(one.rule, 0)}' class='small'>(rule "
            f"{numbers.get(one.rule, 0)})</a></p>"
            for one in group
        )
        yield f'<div class="advice"><p><b>{escape(about)}</b></p>{lines}</div>'
    yield "<h3>The rules it follows from</h3>"
    yield _numbered([(f"rule{i}", RULES[rule]) for rule, i in numbers.items()])


def _numbered(items: Sequence[tuple[str, str]]) -> str:
    """A numbered list with anchors."""
    lines = "".join(f'<li id="{anchor}">{sentence(text)}</li>' for anchor, text in items)
    return f'<ol class="small">{lines}</ol>'
