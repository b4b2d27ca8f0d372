"""The task "segment": where documents change, found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.metrics import pk
from ncd.compare.classification import Plan
from ncd.compare.collection import Collection, Document, counted
from ncd.compare.intervals import Difference, Estimate, mean_interval, paired_means
from ncd.compare.measure import peak_memory, reset_peak, spent, too_slow
from ncd.compare.ranking import Entrant, ranking
from ncd.compare.results import Cost, TaskResult
from ncd.compare.run import Found, Limits, Report, each_source
from ncd.compare.sources import Source, embedder_of, encoding_time

__all__ = ["Errors", "compare_documents", "errors_of"]

_PROBE = 2  # documents whose time is taken before all are cut


@dataclass(frozen=True)
class Errors:
    """Pk of each document, with the number of segments known and not, and what it took."""

    known: NDArray[np.float64]
    unknown: NDArray[np.float64] | None
    cost: Cost
    why: str = ""


@dataclass(frozen=True)
class _Asked:
    """What one source is to do."""

    source: Source
    documents: list[Document]
    plan: Plan


def _cost_of(source: Source, embedder: Any) -> Any:
    """What `TextSegmenter` calls the source."""
    if source.kind == "learner":
        return "words"
    if source.kind == "compressor":
        if not isinstance(source.spec, str):
            from ncd.changepoint.calibrated import CalibratedCost
            from ncd.compressors.registry import get_compressor

            return CalibratedCost(get_compressor(source.spec))
        return source.spec
    from ncd.changepoint.embedding_cost import EmbeddingCost

    return EmbeddingCost(embedder)


def _cut(cost: Any, document: Document, number: int | None) -> list[int]:
    """Where the segments of a document end."""
    from ncd.changepoint.segment import TextSegmenter

    segmenter = TextSegmenter(cost, number, unit="lines", p_values=False)
    return list(segmenter.fit_predict("\n".join(document.lines)).bounds[1:])


def errors_of(asked: _Asked) -> Errors:
    """Cut every document with one source."""
    documents, plan = asked.documents, asked.plan
    n = len(documents)
    reset_peak()
    embedder = embedder_of(asked.source, plan.cache) if asked.source.kind == "embedder" else None
    encode = None if embedder is None or embedder.learns else _encoded(embedder, documents, plan)
    cost = _cost_of(asked.source, embedder)
    _cut(cost, documents[0], len(documents[0].ends))
    few = documents[-_PROBE:]
    probe = spent(lambda: [_cut(cost, one, len(one.ends)) for one in few])
    expected = 2 * probe.seconds * n / len(few)
    if expected > plan.patience:
        raise RuntimeError(too_slow("segmentations", expected, plan.patience))
    made = spent(lambda: [_cut(cost, one, len(one.ends)) for one in documents])
    pretrained = 0 if embedder is None or embedder.learns else embedder.n_parameters
    taken = Cost(
        encode=encode,
        query=made.per_thousand(n),
        memory=peak_memory(),
        disk=None if embedder is None else embedder.nbytes,
        pretrained=None if asked.source.name.startswith("hf") else pretrained,
    )
    known = _errors(documents, made.value)
    try:
        return Errors(known, _errors(documents, [_cut(cost, one, None) for one in documents]), taken)
    except ValueError as error:
        return Errors(known, None, taken, " ".join(str(error).split()))


def _encoded(embedder: Any, documents: Sequence[Document], plan: Plan) -> float | None:
    """Keep the vectors of all lines, where they can be kept; seconds for those of 1,000 documents, or None."""
    if plan.cache is False:
        return None  # then each segmentation encodes its own
    from ncd.embed.units import unit_vectors

    lines = [line for one in documents for line in one.lines if any(map(str.isalnum, line))]
    unit_vectors(embedder, [line.encode() for line in lines], progress=plan.progress)
    return encoding_time(embedder, lines) * len(lines) / len(documents)


def _errors(documents: Sequence[Document], found: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Pk of every document, in lines."""
    return np.array([pk(one.ends, ends) for one, ends in zip(documents, found, strict=True)])


def _baselines(documents: Sequence[Document]) -> list[Entrant]:
    """No cut at all, and equal parts of the true number."""
    none = [[len(one.lines)] for one in documents]
    even = [
        np.unique(np.linspace(0, len(one.lines), len(one.ends) + 1).round().astype(int))[1:].tolist()
        for one in documents
    ]
    return [
        Entrant("no cut", "baseline", _errors(documents, none), Cost()),
        Entrant("equal parts", "baseline", _errors(documents, even), Cost()),
    ]


def _mean(errors: NDArray[np.float64]) -> Estimate:
    """The mean error; Student's interval, which knows no bounds, ends at 0 and 1."""
    found = mean_interval(errors)
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def _difference(mine: NDArray[np.float64], other: NDArray[np.float64]) -> Difference:
    """Student's paired test, with p no smaller than signs of n differences can give: some hardly vary."""
    found = paired_means(mine, other)
    return replace(found, p_value=max(found.p_value, 2.0 ** (1 - found.n)))


def compare_documents(collection: Collection, sources: Sequence[Source], limits: Limits, report: Report) -> Found:
    """Errors of every source, with the number of segments known and not."""
    usable = [one for one in collection.documents if len(one.ends) > 1]
    notes = []
    if len(usable) < len(collection.documents):
        notes.append(f"Left out: {counted(len(collection.documents) - len(usable), 'documents')} of one segment.")
    if len(usable) < 2:
        raise ValueError(
            f"{collection.name}: {counted(len(usable), 'documents')} of two segments or more: give two or more"
        )
    if limits.max_test is not None and len(usable) > limits.max_test:
        order = np.random.default_rng(limits.random_state).permutation(len(usable))[: max(2, limits.max_test)]
        notes.append(f"Of {len(usable):,} documents {len(order):,} were sampled with seed {limits.random_state}.")
        usable = [usable[i] for i in sorted(order.tolist())]
    plan = limits.plan()
    answers, left_out, remarks = each_source(
        sources, errors_of, lambda source: _Asked(source, usable, plan), limits, report
    )
    of = {source.name: source for source in sources}
    results = []
    for known in (True, False):
        entrants = [
            Entrant(name, of[name].family, values, limits.shown(one.cost if known else Cost()))
            for name, one in answers.items()
            if (values := one.known if known else one.unknown) is not None
        ]
        if not entrants:
            continue
        baselines = _baselines(usable)
        ranked, duels = ranking(
            [*entrants, *(baselines if known else baselines[:1])], _mean, _difference, higher_is_better=False
        )
        results.append(
            TaskResult(
                "segment",
                f"Pk, number of segments {'known' if known else 'not known'}",
                False,
                len(usable),
                ranked,
                duels,
                {} if known else {name: one.why for name, one in answers.items() if one.why},
                unit="documents",
            )
        )
    return Found((*notes, *remarks), tuple(results), left_out=left_out)
