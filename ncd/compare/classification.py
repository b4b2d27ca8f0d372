"""The task "classify": accuracy, few-label curves, and what each classifier takes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compare.intervals import accuracy, mcnemar
from ncd.compare.measure import kept_bytes, peak_memory, reset_peak, spent, too_slow
from ncd.compare.ranking import Entrant, ranking
from ncd.compare.results import Cost, Curve, TaskResult
from ncd.compare.sources import Classifier, Source, classifiers_of, embedder_of, uncached
from ncd.compare.splitting import Split, draw
from ncd.progress import progress_bar

__all__ = ["Outcome", "Plan", "classification", "classified", "curve_sizes"]

_PROBE = 16  # test texts whose time is taken before all are asked about
_FRESH = 200  # texts whose encoding is timed, past any cache


@dataclass(frozen=True)
class Plan:
    """
    What is done with each source.

    Attributes
    ----------
    per_class : tuple of int
        Sizes of the few-label curves.
    draws : int
        Draws of the training texts for each size.
    curve_texts : int
        Test texts of the curves.
    patience : float
        Seconds that a method may be expected to take for its answers.
    cache : path, bool or None
        Where encodings are kept: None for the usual folder, False for nowhere.
    n_jobs, progress, random_state
        As everywhere.
    """

    per_class: tuple[int, ...] = (5, 10, 20, 50, 100)
    draws: int = 5
    curve_texts: int = 500
    patience: float = 600.0
    cache: str | os.PathLike[str] | bool | None = None
    n_jobs: int | None = None
    progress: bool | None = None
    random_state: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a classifier of a source said; or why it was left out."""

    method: str
    predictions: NDArray[Any] | None = None
    cost: Cost = field(default_factory=Cost)
    left_out: str = ""
    curve: Curve | None = None


def curve_sizes(labels: Sequence[str], wanted: Sequence[int]) -> tuple[int, ...]:
    """Those numbers of texts a class that at least half of the classes have, with texts to spare."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]

    def possible(size: int) -> bool:
        return bool(np.mean(counts >= size) >= 0.5 and np.minimum(counts, size).sum() < len(labels))

    return tuple(filter(possible, sorted(set(wanted))))


def classified(source: Source, split: Split, plan: Plan) -> list[Outcome]:
    """Fit, ask and time every classifier of a source."""
    if source.kind == "embedder":
        return _with_vectors(source, split, plan)
    return [_with_texts(source, one, split, plan) for one in classifiers_of(source, len(split.train), plan.n_jobs)]


def _with_texts(source: Source, one: Classifier, split: Split, plan: Plan) -> Outcome:
    """A classifier of texts."""
    _warm_up(one)
    reset_peak()
    indexed = spent(lambda: one.make().fit(split.train, split.train_labels))
    model, n_test = indexed.value, len(split.test)
    if n_test > 4 * _PROBE:
        probe = spent(lambda: model.predict(split.test[:_PROBE]))
        expected = probe.seconds * n_test / _PROBE
        if expected > plan.patience:
            return Outcome(one.name, left_out=too_slow("answers", expected, plan.patience))
    asked = spent(lambda: model.predict(split.test))
    cost = Cost(
        index=indexed.per_thousand(len(split.train)),
        query=asked.per_thousand(n_test),
        memory=peak_memory(),
        disk=kept_bytes(model),
        pretrained=None if source.name.startswith("hf") else 0,
        energy=None if asked.energy is None else 1000 * asked.energy / n_test,
    )

    def answers(places: Sequence[int], texts: Sequence[str]) -> NDArray[Any]:
        labels = [split.train_labels[i] for i in places]
        few = classifiers_of(source, len(places), plan.n_jobs)
        fresh = next(c for c, known in zip(few, _names(source, split, plan), strict=True) if known == one.name)
        return fresh.make().fit([split.train[i] for i in places], labels).predict(texts)

    return Outcome(one.name, np.asarray(asked.value), cost, curve=_curve(one.name, source, split, plan, answers))


def _names(source: Source, split: Split, plan: Plan) -> list[str]:
    """Names of the classifiers of a source on all training texts."""
    return [one.name for one in classifiers_of(source, len(split.train), plan.n_jobs)]


def _with_vectors(source: Source, split: Split, plan: Plan) -> list[Outcome]:
    """The classifiers on the vectors of an embedder."""
    reset_peak()
    fitted = spent(lambda: _learned(source, split.train, plan.cache))
    embedder = fitted.value
    bare = uncached(embedder)
    loaded = spent(lambda: bare.encode([min(split.test, key=len)], progress=False))
    fresh = split.test[:_FRESH]
    coded = spent(lambda: bare.encode(fresh, progress=False))
    n_train, n_test = len(split.train), len(split.test)
    train = embedder.encode(split.train, progress=plan.progress)
    test = embedder.encode(split.test, progress=plan.progress)
    outcomes = []
    known: dict[tuple[int, ...], tuple[NDArray[Any], NDArray[Any]]] = {}
    for number, one in enumerate(classifiers_of(source, n_train, plan.n_jobs)):
        indexed = spent(lambda one=one: one.make().fit(train, split.train_labels))  # type: ignore[misc]
        asked = spent(lambda model=indexed.value: model.predict(test))  # type: ignore[misc]
        energy = None
        if asked.energy is not None and coded.energy is not None:
            energy = 1000 * (asked.energy / n_test + coded.energy / len(fresh))
        sizes = (embedder.nbytes, kept_bytes(indexed.value))
        cost = Cost(
            load=loaded.seconds,
            encode=coded.per_thousand(len(fresh)),
            index=indexed.per_thousand(n_train) + (fitted.per_thousand(n_train) if embedder.learns else 0.0),
            query=asked.per_thousand(n_test),
            memory=peak_memory(),
            disk=None if None in sizes else sum(size for size in sizes if size is not None),
            pretrained=0 if embedder.learns else embedder.n_parameters,
            energy=energy,
        )

        def answers(places: Sequence[int], texts: Sequence[str], number: int = number) -> NDArray[Any]:
            few = classifiers_of(source, len(places), plan.n_jobs)[number].make()
            labels = [split.train_labels[i] for i in places]
            if not embedder.learns:
                return few.fit(train[list(places)], labels).predict(test[: len(texts)])
            key = tuple(places)
            if key not in known:  # both classifiers see the same draws
                drawn = [split.train[i] for i in places]
                learned = _learned(source, drawn, False)
                known[key] = learned.encode(drawn, progress=False), learned.encode(texts, progress=False)
            return few.fit(known[key][0], labels).predict(known[key][1])

        outcomes.append(
            Outcome(one.name, np.asarray(asked.value), cost, curve=_curve(one.name, source, split, plan, answers))
        )
    return outcomes


def _learned(source: Source, texts: Sequence[str], cache: Any) -> Any:
    """The source's embedder, which has learned from the texts if it does."""
    from threadpoolctl import threadpool_limits

    embedder = embedder_of(source, cache)
    with threadpool_limits(1 if embedder.learns else None):  # small matrices: threads would wait for each other
        return embedder.fit(texts)


def _warm_up(one: Classifier) -> None:
    """Compiled code is loaded, and libraries imported, before anything is timed."""
    texts, labels = ["a cat sat here", "snow fell there", "a dog sat there", "rain fell here"] * 2, ["a", "b"] * 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.make().fit(texts, labels).predict(texts[:2])


Answers = Callable[[Sequence[int], Sequence[str]], NDArray[Any]]


def _curve(name: str, source: Source, split: Split, plan: Plan, answers: Answers) -> Curve | None:
    """Accuracies with few labels, on the first test texts; None where there are no sizes."""
    texts = split.test[: plan.curve_texts]
    truth = np.asarray(split.test_labels[: plan.curve_texts])
    found: list[tuple[float, ...]] = []
    with progress_bar(
        f"Few labels ({name})", len(plan.per_class) * plan.draws, show=plan.progress, unit="fits"
    ) as step:
        for size in plan.per_class:
            values = []
            for seed in range(plan.draws):
                places = draw(split.train_labels, size, plan.random_state + seed)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    values.append(float(np.mean(answers(places, texts) == truth)))
                step(1)
            found.append(tuple(values))
    return Curve(name, source.family, plan.per_class, tuple(found)) if found else None


def classification(
    found: Sequence[tuple[Source, Sequence[Outcome]]], split: Split, plan: Plan, shown: Callable[[Cost], Cost]
) -> TaskResult:
    """Accuracies with intervals, each held against the best on the same texts; `shown` are the costs that count."""
    truth = np.asarray(split.test_labels)
    names, counts = np.unique(np.asarray(split.train_labels), return_counts=True)
    entrants = [Entrant("most frequent label", "baseline", truth == names[counts.argmax()], Cost())]
    entrants += [
        Entrant(one.method, source.family, one.predictions == truth, shown(one.cost))
        for source, outcomes in found
        for one in outcomes
        if one.predictions is not None
    ]
    scores, duels = ranking(entrants, accuracy, mcnemar)
    outcomes = {one.method: one for _, those in found for one in those}
    curves = tuple(curve for one in scores if one.method in outcomes and (curve := outcomes[one.method].curve))
    left_out = {one.method: one.left_out for one in outcomes.values() if one.predictions is None}
    return TaskResult(
        "classify",
        "accuracy",
        True,
        len(truth),
        scores,
        duels,
        left_out,
        curves,
        min(plan.curve_texts, len(truth)),
        leaked=split.leaked,
    )
