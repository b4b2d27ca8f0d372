"""The recommendation: plain sentences that follow from the figures by stated rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ncd.compare.intervals import paired_means
from ncd.compare.results import Advice, Agreement, Curve, Score, TaskResult

__all__ = ["RULES", "recommended"]

_LEVEL = 0.05
_MARGIN = 0.02  # of the figure: what is given up for a cheaper method
_WIDE = 0.05  # half an interval from which on a collection is too small
_OVERLAP = 0.3
_FEW = 100  # labels a class beyond which a lead is no matter of few labels

#: What the sentences follow from.
RULES = {
    "best": "The method with the best figure, with its 95 % interval.",
    "small": f"Half the best method's interval is {100 * _WIDE:.0f} points or more: the collection is too small to "
    "tell methods apart that differ by less.",
    "chance": "The best method is not clearly better than saying the same of every text (adjusted p of 0.05 or more): "
    "nothing is recommended.",
    "equal": "Methods whose figures are not clearly worse than the best one (adjusted p of 0.05 or more).",
    "take": f"Of the best method and those not clearly worse and at most {100 * _MARGIN:.0f} points behind, the one "
    "that answers soonest.",
    "families": "The best compression method against the best embedding method: one leads if the adjusted p is below "
    "0.05.",
    "cost": "Time for an answer, encoding included, and size on disk of the best method of either family.",
    "few": "With few labels, the mean over the draws of the best compression and the best embedding method at each "
    "size: one leads if the 95 % interval of the paired difference does not hold 0.",
    "geometry": f"Sources of distances agree on neighbours if they share {100 * _OVERLAP:.0f} % or more of them.",
}

_ABOUT = {
    "classify": "Classification",
    "cluster": "Clustering",
    "similarity": "Similarity",
    "segment": "Segmentation",
    "geometry": "Geometry",
}


def recommended(results: Sequence[TaskResult], agreements: Sequence[Agreement] = ()) -> list[Advice]:
    """
    What the figures say, task by task.

    Parameters
    ----------
    results : sequence of TaskResult
    agreements : sequence of Agreement

    Returns
    -------
    list of Advice
        Each with the rule of `RULES` that it follows from.
    """
    said = [replace(advice, about=about(result)) for result in results if result.scores for advice in _on_task(result)]
    return [*said, *_on_geometry(agreements)]


def about(result: TaskResult) -> str:
    """What a task's sentences are about."""
    return f"{_ABOUT[result.task]}: {result.measure}, {result.n:,} {result.unit}"


def _on_task(result: TaskResult) -> Iterator[Advice]:
    """The sentences on one task."""
    real = [score for score in result.scores if score.family != "baseline"]
    if not real:
        yield Advice("best", "No method was measured.")
        return
    best = real[0]
    baseline = next((score for score in result.scores if score.family == "baseline"), None)
    yield Advice("best", f"The best is {best.method} with {_figure(result, best)}.")
    if baseline is not None and not _clearly_beaten(result, baseline):
        yield Advice("chance", f"That is not clearly better than {baseline.method!r}: no method can be recommended.")
        return
    half = (best.estimate.high - best.estimate.low) / 2
    if half >= _WIDE:
        yield Advice(
            "small",
            f"With {result.n:,} {result.unit} the interval is ± {_points(result, half)}: methods that differ by less "
            f"cannot be told apart here. More {result.unit} would help.",
        )
    equal = [score for score in real[1:] if score.to_best is not None and score.to_best.p_value >= _LEVEL]
    if equal:
        names = _listed([score.method for score in equal[:5]])
        more = f" and {len(equal) - 5} more" if len(equal) > 5 else ""
        yield Advice("equal", f"Not clearly worse: {names}{more}.")
    elif len(real) > 1:
        yield Advice("equal", "All other methods are clearly worse.")
    yield from _take(result, best, equal)
    yield from _on_families(result, real)
    yield from _on_few_labels(result)


def _clearly_beaten(result: TaskResult, baseline: Score) -> bool:
    """Whether the baseline is clearly worse than the best."""
    return baseline.to_best is not None and baseline.to_best.p_value < _LEVEL


def _take(result: TaskResult, best: Score, equal: Sequence[Score]) -> Iterator[Advice]:
    """Which method to take."""
    close = [s for s in equal if s.to_best is not None and abs(s.to_best.value) <= _MARGIN]
    timed = [score for score in (best, *close) if score.cost.answer is not None]
    if not timed:
        yield Advice("take", f"Take {best.method}.")
        return
    chosen = min(timed, key=lambda score: score.cost.answer or 0.0)
    seconds = f"{_seconds(chosen.cost.answer)} for 1,000 {result.unit}"
    if chosen is best:
        why = "the best" + (", and the fastest of those at most 2 points behind" if close else "")
    else:
        why = f"{_points(result, abs(chosen.to_best.value) if chosen.to_best else 0)} behind the best, and faster"
    yield Advice("take", f"Take {chosen.method}: {why} ({seconds}).")


def _on_families(result: TaskResult, real: Sequence[Score]) -> Iterator[Advice]:
    """Compression against embeddings: figures, then cost."""
    duel = next((one for one in result.duels if set(one.families) == {"compression", "embedding"}), None)
    if duel is None:
        return
    ours, theirs = (duel.a, duel.b) if duel.families[0] == "compression" else (duel.b, duel.a)
    ahead = duel.difference.value * (1 if duel.a == ours else -1) * (1 if result.higher_is_better else -1)
    p = f"adjusted p = {duel.difference.p_value:.2g}"
    if duel.difference.p_value >= _LEVEL:
        apart = _points(result, abs(ahead))
        text = f"Compression ({ours}) and embeddings ({theirs}) cannot be told apart: {apart} ({p})."
    elif ahead > 0:
        text = f"Compression ({ours}) beats embeddings ({theirs}) by {_points(result, ahead)} ({p})."
    else:
        text = f"Embeddings ({theirs}) beat compression ({ours}) by {_points(result, -ahead)} ({p})."
    yield Advice("families", text)
    of = {score.method: score.cost for score in real}
    mine, its = of[ours], of[theirs]
    if mine.answer and its.answer:
        ratio = its.answer / mine.answer
        if ratio >= 1:
            times = f"{theirs} takes {ratio:,.1f} times as long as {ours}"
        else:
            times = f"{ours} takes {1 / ratio:,.1f} times as long as {theirs}"
        sizes = ""
        if mine.disk and its.disk:
            sizes = f"; on disk they take {_size(its.disk)} ({theirs}) and {_size(mine.disk)} ({ours})"
        yield Advice("cost", f"For an answer {times}{sizes}.")


def _on_few_labels(result: TaskResult) -> Iterator[Advice]:
    """Which family leads with how many labels."""
    ours = [curve for curve in result.curves if curve.family == "compression"]
    theirs = [curve for curve in result.curves if curve.family == "embedding"]
    if not ours or not theirs:
        return
    pieces = []
    for i, size in enumerate(ours[0].per_class):
        if size > _FEW or len(ours[0].accuracies[i]) < 2:
            continue
        a, b = (max(curves, key=lambda curve: _mean(curve, i)) for curves in (ours, theirs))
        held = paired_means(a.accuracies[i], b.accuracies[i])
        if held.low > 0:
            pieces.append(f"{size}: compression ({a.method}) by {_points(result, held.value)}")
        elif held.high < 0:
            pieces.append(f"{size}: embeddings ({b.method}) by {_points(result, -held.value)}")
        else:
            pieces.append(f"{size}: neither clearly")
    if pieces:
        yield Advice("few", f"With so many labelled texts a class there leads: {'; '.join(pieces)}.")


def _mean(curve: Curve, i: int) -> float:
    """Mean accuracy over the draws."""
    return float(np.mean(curve.accuracies[i]))


def _on_geometry(agreements: Sequence[Agreement]) -> Iterator[Advice]:
    """Which sources see the same neighbours."""
    if not agreements:
        return
    most = max(agreements, key=lambda one: one.overlap.value)
    least = min(agreements, key=lambda one: one.overlap.value)
    shared = f"{least.a} and {least.b} share {100 * least.overlap.value:.0f} % of their {least.k} nearest neighbours"
    if len(agreements) > 1:
        shared = (
            f"{most.a} and {most.b} agree most ({100 * most.overlap.value:.0f} % of the {most.k} nearest neighbours "
            f"are the same), {least.a} and {least.b} least ({100 * least.overlap.value:.0f} %)"
        )
    differ = least.overlap.high < _OVERLAP
    what = (
        " Those two mostly disagree on what is near: look at the neighbours before you trust either." if differ else ""
    )
    yield Advice("geometry", f"{shared}.{what}", f"Geometry: {least.n:,} texts")


def _figure(result: TaskResult, score: Score) -> str:
    """A figure with its interval."""
    one = score.estimate
    if result.task == "similarity":
        return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _points(result: TaskResult, value: float) -> str:
    return f"{value:.3f}" if result.task == "similarity" else f"{100 * value:.1f} points"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2g} s" if value < 10 else f"{value:,.0f} s"


def _size(value: int) -> str:
    return f"{value / 1e6:,.1f} MB" if value >= 1e5 else f"{value / 1e3:,.1f} kB"
