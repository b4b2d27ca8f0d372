"""The sources of a comparison, one after another, each with all tasks."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ncd.compare.classification import Outcome, Plan, classification, classified, curve_sizes
from ncd.compare.collection import Collection, Task
from ncd.compare.geometry import Distances, agreements_of, distances_of, geometry_of
from ncd.compare.results import Agreement, Cost, Geometry, TaskResult
from ncd.compare.sources import Source, sources_of
from ncd.compare.splitting import Split, sample, split_of
from ncd.compare.worker import UnsentError, called, isolated

__all__ = ["Found", "Limits", "Report", "each_source", "run_tasks"]

Report = Callable[[str], None]

_EXPECTED = (ValueError, TypeError, ArithmeticError, RuntimeError, ImportError, MemoryError, OSError)  # say what it was


@dataclass(frozen=True)
class Limits:
    """The options of a comparison; see `ncd.compare.compare_collection`."""

    max_train: int | None
    max_test: int | None
    max_texts: int
    per_class: tuple[int, ...]
    draws: int
    patience: float
    isolate: bool
    cache: str | bool | None
    random_state: int
    n_jobs: int | None
    progress: bool | None

    def shown(self, cost: Cost) -> Cost:
        """Without the memory of a process that did other things too."""
        return cost if self.isolate else replace(cost, memory=None)

    def plan(self, sizes: tuple[int, ...] = ()) -> Plan:
        """What each source is told."""
        return Plan(
            per_class=sizes,
            draws=self.draws,
            patience=self.patience,
            cache=self.cache,
            n_jobs=self.n_jobs,
            progress=self.progress,
            random_state=self.random_state,
        )


@dataclass
class Found:
    """What goes into a `Comparison`."""

    notes: tuple[str, ...] = ()
    results: tuple[TaskResult, ...] = ()
    geometries: tuple[Geometry, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    texts: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """What one source is to do."""

    source: Source
    split: Split | None
    sample: list[str]
    plan: Plan


@dataclass(frozen=True)
class _Answered:
    """What it found."""

    outcomes: list[Outcome]
    distances: Distances | None


def _worked(asked: _Asked) -> _Answered:
    """All that one source has to do on texts."""
    outcomes = [] if asked.split is None else classified(asked.source, asked.split, asked.plan)
    distances = distances_of(asked.source, asked.sample, asked.plan) if asked.sample else None
    return _Answered(outcomes, distances)


def each_source(
    sources: Sequence[Source], work: Callable[[Any], Any], ask: Callable[[Source], Any], limits: Limits, report: Report
) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Answers of all sources, why others have none, and what libraries warned of."""
    answers: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    remarks: list[str] = []
    for number, source in enumerate(sources, 1):
        start = time.perf_counter()
        try:
            answers[source.name], heard = _one(source, work, ask(source), limits)
            remarks += [f"{source.name}: {line}" for line in heard]
            said = "done"
        except Exception as error:  # of any embedder and compressor: the others go on
            kind = "" if isinstance(error, _EXPECTED) and str(error) else f"{type(error).__name__}: "
            left_out[source.name] = " ".join(f"{kind}{error}".split())
            said = f"left out: {left_out[source.name]}"
        report(f"{number}/{len(sources)} {source.name}: {said} ({time.perf_counter() - start:.1f} s)")
    if not answers:
        raise ValueError(f"nothing could be compared: {'; '.join(f'{k}: {v}' for k, v in left_out.items())}")
    return answers, left_out, remarks


def _one(source: Source, work: Callable[[Any], Any], asked: Any, limits: Limits) -> tuple[Any, list[str]]:
    """One source, in a process of its own where that is wanted and possible."""
    if not limits.isolate:
        return called(work, asked)
    if not source.registered_here:
        try:
            return isolated(work, asked)
        except UnsentError:  # a class of the script that is run, for example
            pass
        except (pickle.PicklingError, TypeError, AttributeError):
            if _sendable(asked):
                raise
    answer, remarks = called(work, asked)
    return answer, [*remarks, "worked in the main process, because it cannot be sent to another one"]


def _sendable(asked: Any) -> bool:
    """Whether it can be pickled."""
    try:
        pickle.dumps(asked)
    except (pickle.PicklingError, TypeError, AttributeError):
        return False
    return True


def run_tasks(
    collection: Collection,
    tasks: Sequence[Task],
    embedders: Sequence[Any] | None,
    compressors: Sequence[Any] | None,
    limits: Limits,
    report: Report,
) -> Found:
    """Everything that is asked of a collection."""
    if collection.kind == "pairs":
        from ncd.compare.similarity import compare_pairs

        return compare_pairs(collection, sources_of("similarity", embedders, compressors), limits, report)
    if collection.kind == "documents":
        from ncd.compare.segmentation import compare_documents

        return compare_documents(collection, sources_of("segment", embedders, compressors), limits, report)
    return _compare_texts(collection, tasks, embedders, compressors, limits, report)


def _compare_texts(
    collection: Collection,
    tasks: Sequence[Task],
    embedders: Sequence[Any] | None,
    compressors: Sequence[Any] | None,
    limits: Limits,
    report: Report,
) -> Found:
    """Classification, clustering, and what is near what."""
    sources = sources_of("classify" if "classify" in tasks else tasks[0], embedders, compressors)
    notes: list[str] = []
    split = None
    if "classify" in tasks:
        split = split_of(
            collection, max_train=limits.max_train, max_test=limits.max_test, random_state=limits.random_state
        )
        notes += split.notes
    texts, labels, note = _sampled(collection, limits) if set(tasks) & {"cluster", "geometry"} else ([], None, "")
    notes += [note] if note else []
    sizes = () if split is None or not limits.draws else curve_sizes(split.train_labels, limits.per_class)
    plan = limits.plan(sizes)
    answers, left_out, remarks = each_source(
        sources, _worked, lambda source: _Asked(source, split, texts, plan), limits, report
    )
    results = []
    of = {source.name: source for source in sources}
    if split is not None:
        results.append(
            classification([(of[name], one.outcomes) for name, one in answers.items()], split, plan, limits.shown)
        )
    distances = {name: one.distances for name, one in answers.items() if one.distances is not None}
    if "cluster" in tasks and distances:
        from ncd.compare.clusters import clustering

        assert labels is not None
        results.append(clustering([(of[name], one) for name, one in distances.items()], labels, limits.shown))
    geometries, agreements = [], []
    if "geometry" in tasks and distances:
        geometries = [geometry_of(of[name], one, labels) for name, one in distances.items()]
        agreements = agreements_of(distances, limits.random_state)
    return Found(
        (*notes, *remarks), tuple(results), tuple(geometries), tuple(agreements),
        tuple(texts) if geometries else (), left_out,
    )  # fmt: skip


def _sampled(collection: Collection, limits: Limits) -> tuple[list[str], list[str] | None, str]:
    """Texts for clustering and geometry, with their labels, and what is to be said of the sample."""
    texts = [*collection.texts, *collection.test]
    labels = None if collection.labels is None else [*collection.labels, *collection.test_labels]
    most = limits.max_texts
    if limits.max_train is not None and limits.max_test is not None:
        most = min(most, limits.max_train + limits.max_test)
    places = sample(labels or ["text"] * len(texts), most, limits.random_state)
    note = ""
    if len(places) < len(texts):
        how = " by label" if labels else ""
        note = (
            f"Distances are of {len(places):,} of {len(texts):,} texts, sampled{how} with seed {limits.random_state}."
        )
    return [texts[i] for i in places], None if labels is None else [labels[i] for i in places], note
