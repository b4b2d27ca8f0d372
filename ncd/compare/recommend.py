"""The recommendation: plain sentences that follow from the figures by stated rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ncd.compare.collection import counted
from ncd.compare.intervals import paired_means
from ncd.compare.results import Advice, Agreement, Curve, Score, TaskResult

__all__ = ["RULES", "recommended"]

_LEVEL = 0.05
_MARGIN = 0.02  # of the figure: what is given up for a cheaper method
_WIDE = 0.05  # half an interval from which on it is called wide
_TIMES = 2.0  # as fast: what is worth a word where figures cannot decide
_OVERLAP = 0.3
_FEW = 100  # labels a class beyond which a lead is no matter of few labels
_LEAKED = 0.5  # of the test texts
_LEAST = {"texts": 30, "pairs": 30, "documents": 10}

#: What the sentences follow from.
RULES = {
    "too few": f"Below {_LEAST['texts']} test texts, {_LEAST['pairs']} pairs or {_LEAST['documents']} documents no "
    "method is named and none is recommended, whatever the figures are.",
    "leak": "Test texts that are word for word among the training texts are counted: if half of them or more are, "
    "no method is recommended.",
    "best": "The method with the best figure is named, with its 95 % interval.",
    "chance": "If a baseline has the best figure, or the best method is not clearly better than the best baseline "
    "(p of 0.05 or more, of that comparison alone), no method is recommended.",
    "small": f"If half of the best method's interval is {100 * _WIDE:.0f} points or more, the collection is called "
    "small.",
    "equal": "Methods whose figures are not clearly worse than the best one (adjusted p of 0.05 or more) cannot be "
    "told apart from it.",
    "take": f"Taken is the fastest of the best method and those that cannot be told apart from it and are at most "
    f"{100 * _MARGIN:.0f} points behind. Where that is the best one itself, and one further behind is at least "
    f"{_TIMES:.0f} times as fast and cannot be told apart either, both are named.",
    "families": "The best compression method is held against the best embedding method: one leads if the adjusted p is "
    "below 0.05.",
    "cost": "Beside it stand the time for an answer, encoding included, and the size on disk of both.",
    "few": "With few labels, the means over the draws of the best compression and the best embedding method are held "
    "against each other at each size: one leads if the 95 % interval of the paired difference does not hold 0.",
    "geometry": f"Sources of distances are said to disagree if the interval of their shared neighbours is below "
    f"{100 * _OVERLAP:.0f} %.",
    "left out": "What was asked for and could not be measured is named, with the reason.",
}

_ABOUT = {
    "classify": "Classification",
    "cluster": "Clustering",
    "similarity": "Similarity",
    "segment": "Segmentation",
    "geometry": "Geometry",
}


def recommended(
    results: Sequence[TaskResult], agreements: Sequence[Agreement] = (), left_out: Mapping[str, str] | None = None
) -> list[Advice]:
    """
    What the figures say, task by task.

    Parameters
    ----------
    results : sequence of TaskResult
    agreements : sequence of Agreement
    left_out : dict of str to str, optional
        Sources that were not measured at all, and why.

    Returns
    -------
    list of Advice
        Each with the rule of `RULES` that it follows from.
    """
    said = [replace(advice, about=about(result)) for result in results if result.scores for advice in _on_task(result)]
    missing = [Advice("left out", f"{name} was left out: {why}.", "Left out") for name, why in (left_out or {}).items()]
    return [*said, *_on_geometry(agreements), *missing]


def about(result: TaskResult) -> str:
    """What a task's sentences are about."""
    return f"{_ABOUT[result.task]}: {result.measure}, {counted(result.n, _unit(result))}"


def _unit(result: TaskResult) -> str:
    """What is counted, in the plural."""
    return "test texts" if result.task == "classify" else result.unit


def _on_task(result: TaskResult) -> Iterator[Advice]:
    """The sentences on one task."""
    yield from _on_figures(result)
    for name, why in result.left_out.items():
        yield Advice("left out", f"{name} was left out: {why}.")


def _on_figures(result: TaskResult) -> Iterator[Advice]:
    """The sentences on its figures: few texts, texts known before, chance; or which method to take."""
    real = [score for score in result.scores if score.family != "baseline"]
    if not real:
        yield Advice("best", "No method was measured.")
        return
    unit, least = _unit(result), _LEAST[result.unit]
    if result.n < least:
        yield Advice(
            "too few",
            f"{counted(result.n, unit)}: far too few, and no method can be recommended. Bring more: {least} at the "
            "very least, hundreds to tell methods apart that are near each other.",
        )
        return
    best = real[0]
    baseline = next((score for score in result.scores if score.family == "baseline"), None)
    if result.leaked:
        yield _on_leak(result)
    if baseline is not None and result.scores[0] is baseline:
        yield Advice(
            "chance",
            f"The baseline {baseline.method!r} with {_figure(result, baseline)} is better than every method, or as "
            f"good (the best is {best.method} with {_figure(result, best)}): no method can be recommended.",
        )
        return
    yield Advice("best", f"The best is {best.method} with {_figure(result, best)}.")
    if baseline is not None and not _clearly_beaten(baseline):
        yield Advice("chance", f"That is not clearly better than {baseline.method!r}: no method can be recommended.")
        return
    if result.leaked >= _LEAKED * result.n:
        return
    half = (best.estimate.high - best.estimate.low) / 2
    if half >= _WIDE:
        yield Advice(
            "small",
            f"With {counted(result.n, unit)} that figure is only known to ± {_points(result, half)}: more {unit} would "
            "help.",
        )
    equal = [score for score in real[1:] if score.to_best is not None and score.to_best.p_value >= _LEVEL]
    if equal:
        names = [score.method for score in equal[:5]] + ([f"{len(equal) - 5} more"] if len(equal) > 5 else [])
        yield Advice("equal", f"Not clearly worse, and not to be told apart from it here: {_listed(names)}.")
    elif len(real) > 1:
        yield Advice("equal", "All other methods are clearly worse.")
    yield from _take(result, best, equal)
    yield from _on_families(result, real)
    yield from _on_few_labels(result)


def _on_leak(result: TaskResult) -> Advice:
    """What test texts that were learned from do to the figures."""
    known = f"{result.leaked:,} of {result.n:,} test texts are word for word among the training texts"
    if result.leaked < _LEAKED * result.n:
        return Advice("leak", f"{known}: the figures are too high. Take such texts out.")
    return Advice(
        "leak",
        f"{known}: the figures say how well texts are found again, and no method can be recommended. Take such texts "
        "out, or give another test set.",
    )


def _clearly_beaten(baseline: Score) -> bool:
    """Whether the baseline is clearly worse than the best."""
    return baseline.to_best is not None and baseline.to_best.p_value < _LEVEL


def _take(result: TaskResult, best: Score, equal: Sequence[Score]) -> Iterator[Advice]:
    """Which method to take."""
    timed = [score for score in equal if score.cost.answer is not None]
    close = [score for score in timed if _behind(score) <= _MARGIN]
    if best.cost.answer is None:
        yield Advice("take", f"Take {best.method}: the best.")
        return
    chosen = min((best, *close), key=_answer)
    seconds = f"{_seconds(chosen.cost.answer)} for 1,000 {result.unit}"
    rival = min(timed, key=_answer, default=None)
    if chosen is not best:
        yield Advice(
            "take",
            f"Take {chosen.method}: it cannot be told apart from {best.method}, the best ({_apart(result, chosen)}), "
            f"and is {_faster(chosen, best)} ({seconds}).",
        )
    elif rival is not None and _TIMES * _answer(rival) <= _answer(best):
        yield Advice(
            "take",
            f"These {_unit(result)} cannot decide between {best.method} and {rival.method} ({_apart(result, rival)}): "
            f"take {best.method} for its figure, or {rival.method}, which is {_faster(rival, best)}.",
        )
    else:
        why = "the best" + (", and the fastest of those that cannot be told apart from it" if equal else "")
        yield Advice("take", f"Take {chosen.method}: {why} ({seconds}).")


def _answer(score: Score) -> float:
    """Seconds for 1,000 answers."""
    return score.cost.answer or 0.0


def _behind(score: Score) -> float:
    """How far a method is from the best."""
    return 0.0 if score.to_best is None else abs(score.to_best.value)


def _apart(result: TaskResult, score: Score) -> str:
    """The same in words."""
    behind = _behind(score)
    return f"{_points(result, behind)} apart" if behind else "both have the same figure"


def _faster(one: Score, other: Score) -> str:
    """How many times as fast."""
    ratio = _answer(other) / _answer(one) if _answer(one) else float("inf")
    if not ratio < 1e6:
        return "faster beyond measure"
    return f"{ratio:,.0f} times as fast" if ratio >= 9.5 else f"{ratio:.1f} times as fast"


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
        text = f"Compression ({ours}) and embeddings ({theirs}) cannot be told apart ({apart}, {p})."
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
    leads: list[tuple[str, list[str]]] = []  # who leads, and where
    for i, size in enumerate(ours[0].per_class):
        if size > _FEW or len(ours[0].accuracies[i]) < 2:
            continue
        a, b = (max(curves, key=lambda curve: _mean(curve, i)) for curves in (ours, theirs))
        held = paired_means(a.accuracies[i], b.accuracies[i])
        who, piece = "neither leads clearly", f"{size}"
        if held.low > 0:
            who, piece = "compression leads", f"{size} ({a.method}, by {_points(result, held.value)})"
        elif held.high < 0:
            who, piece = "embeddings lead", f"{size} ({b.method}, by {_points(result, -held.value)})"
        if leads and leads[-1][0] == who:
            leads[-1][1].append(piece)
        else:
            leads.append((who, [piece]))
    if leads:
        text = "; ".join(f"with {_listed(pieces)} labelled texts a class {who}" for who, pieces in leads)
        yield Advice("few", f"{text[0].upper()}{text[1:]}.")


def _mean(curve: Curve, i: int) -> float:
    """Mean accuracy over the draws."""
    return float(np.mean(curve.accuracies[i]))


def _on_geometry(agreements: Sequence[Agreement]) -> Iterator[Advice]:
    """Which sources see the same neighbours."""
    if not agreements:
        return
    subject = f"Geometry: {counted(agreements[0].n, 'texts')}"
    if agreements[0].n < _LEAST["texts"]:
        yield Advice("too few", f"{counted(agreements[0].n, 'texts')}: far too few to say what is near what.", subject)
        return
    most = max(agreements, key=lambda one: one.overlap.value)
    least = min(agreements, key=lambda one: one.overlap.value)
    shared = f"{least.a} and {least.b} share {100 * least.overlap.value:.0f} % of their {least.k} nearest neighbours"
    if len(agreements) > 1 and most.overlap.value == least.overlap.value:
        shared = f"Every two sources share {100 * most.overlap.value:.0f} % of their {most.k} nearest neighbours"
    elif len(agreements) > 1:
        shared = (
            f"{most.a} and {most.b} agree most ({100 * most.overlap.value:.0f} % of the {most.k} nearest neighbours "
            f"are the same), {least.a} and {least.b} least ({100 * least.overlap.value:.0f} %)"
        )
    differ = least.overlap.high < _OVERLAP
    what = (
        " Those two mostly disagree on what is near: look at the neighbours before you trust either." if differ else ""
    )
    yield Advice("geometry", f"{shared}.{what}", subject)


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
