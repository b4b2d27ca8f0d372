"""The first screen of a comparison's report: what to take, why, and how to use it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from ncd.compare.recommend import about
from ncd.compare.results import Advice, Score, TaskResult
from ncd.compare.usage import usage_of
from ncd.visible import shown

if TYPE_CHECKING:
    from ncd.compare.comparison import Comparison

__all__ = ["sentence", "taken", "verdict_of"]

_DETAILS = ("equal", "families", "cost", "few")  # rules whose sentences stand at the end of the page


def verdict_of(comparison: Comparison) -> Iterator[str]:
    """For every task what to take, the sentences that bear on it, and a line of Python and one of the command line."""
    if not comparison.advice:
        yield '<div class="advice"><p class="take">Nothing follows from these figures.</p></div>'
    results = {about(result): result for result in comparison.results}
    for topic, group in groupby(comparison.advice, key=lambda one: one.about):
        said = sorted((one for one in group if one.rule not in _DETAILS), key=lambda one: one.rule != "take")
        lines = [f"<p>{sentence(one.text)}</p>" for one in said]
        if topic in results:
            used = "".join(_use(results[topic], score) for score in taken(results[topic], said))
            lines[:1] = [line.replace("<p>", '<p class="take">', 1) + used for line in lines[:1]]
        yield f'<div class="advice"><p class="about">{escape(topic)}</p>{"".join(lines)}</div>'


def sentence(text: str) -> str:
    """A sentence for the page: numbers stay with their percent signs."""
    return escape(shown(text)).replace(" %", "&nbsp;%")


def taken(result: TaskResult, advice: Sequence[Advice]) -> list[Score]:
    """The methods that the recommendation takes: one, or those between which it cannot decide, or none."""
    text = next((one.text for one in advice if one.rule == "take"), "")
    found: dict[int, Score] = {}
    for score in sorted(result.scores, key=lambda score: len(score.method)):  # "minilm, Ward" is not "minilm"
        place = re.search(rf"\b(?:[Tt]ake|or) {re.escape(score.method)}(?=[:,.]| for )", text)
        if place:
            found[place.start()] = score
    return [found[place] for place in sorted(found)]


def _use(result: TaskResult, score: Score) -> str:
    """How to use a method."""
    used = usage_of(result.task, score.method, score.family)
    if not used.python:
        return ""
    command = f"<code>{escape(shown(used.command))}</code>" if used.command else "none for this method"
    if used.instead:
        command += f"; with nearest neighbours in its place: <code>{escape(shown(used.instead))}</code>"
    python = f"<code>{escape(shown(used.python))}</code>"
    cells = f"<span>In Python</span>{python}<span>Command line</span><span>{command}</span>"
    return f"<p>{escape(shown(f'{score.method}: {used.words}'))}</p><div class='use'>{cells}</div>"
