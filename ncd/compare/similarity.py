"""The task "similarity": nearness of two texts against the scores of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncd.compare.classification import Plan
from ncd.compare.collection import Collection
from ncd.compare.intervals import Difference, Estimate, paired_spearman, spearman
from ncd.compare.measure import peak_memory, reset_peak, spent, too_slow
from ncd.compare.ranking import Entrant, ranking
from ncd.compare.results import Cost, TaskResult
from ncd.compare.run import Found, Limits, Report, each_source
from ncd.compare.sources import Source, embedder_of, encoding_time

__all__ = ["Nearness", "compare_pairs", "nearness_of"]

_PROBE = 50  # pairs whose time is taken before all are compressed
_RESAMPLES = 2000


@dataclass(frozen=True)
class Nearness:
    """Minus the distance of every pair, and what it took."""

    values: NDArray[np.float64]
    cost: Cost


@dataclass(frozen=True)
class _Asked:
    """What one source is to do."""

    source: Source
    firsts: list[str]
    seconds: list[str]
    plan: Plan


def nearness_of(asked: _Asked) -> Nearness:
    """How near the texts of each pair are under one source."""
    source, firsts, seconds, plan = asked.source, asked.firsts, asked.seconds, asked.plan
    n = len(firsts)
    reset_peak()
    if source.kind == "compressor":
        _compressed(source, firsts[:2], seconds[:2], plan)
        probe = spent(lambda: _compressed(source, firsts[:_PROBE], seconds[:_PROBE], plan))
        expected = probe.seconds * n / min(n, _PROBE)
        if expected > plan.patience:
            raise RuntimeError(too_slow("distances", expected, plan.patience))
        made = spent(lambda: _compressed(source, firsts, seconds, plan))
        pretrained = None if source.name.startswith("hf") else 0
        return Nearness(-made.value, Cost(query=made.per_thousand(n), memory=peak_memory(), pretrained=pretrained))
    if source.kind == "words":
        found = spent(lambda: _words(firsts, seconds))
        return Nearness(found.value, Cost(query=found.per_thousand(n), memory=peak_memory(), pretrained=0))
    embedder = embedder_of(source, plan.cache)
    fitted = spent(lambda: embedder.fit([*firsts, *seconds]))
    embedder = fitted.value
    vectors = embedder.encode([*firsts, *seconds], progress=plan.progress)
    held = spent(lambda: _cosines(vectors[:n], vectors[n:]))
    cost = Cost(
        encode=2 * encoding_time(embedder, firsts),  # two texts a pair
        index=fitted.per_thousand(n) if embedder.learns else None,
        query=held.per_thousand(n),
        memory=peak_memory(),
        disk=embedder.nbytes,
        pretrained=0 if embedder.learns else embedder.n_parameters,
    )
    return Nearness(held.value, cost)


def _compressed(source: Source, firsts: Sequence[str], seconds: Sequence[str], plan: Plan) -> NDArray[np.float64]:
    """Normalized compression distance of each pair, the mean of both orders."""
    from ncd.distances.lengths import get_metric
    from ncd.pairwise import lengths

    n = len(firsts)
    both = [f"{x} {y}" for x, y in zip(firsts, seconds, strict=True)]
    turned = [f"{y} {x}" for x, y in zip(firsts, seconds, strict=True)]
    found = lengths(
        [*firsts, *seconds, *both, *turned], compressor=source.spec, n_jobs=plan.n_jobs, progress=plan.progress
    ).astype(np.float64)
    lx, ly, lxy, lyx = (found[i * n : (i + 1) * n] for i in range(4))
    ncd = get_metric("ncd")
    return np.asarray((ncd(lx, ly, lxy) + ncd(ly, lx, lyx)) / 2, np.float64)


def _words(firsts: Sequence[str], seconds: Sequence[str]) -> NDArray[np.float64]:
    """Cosines of TF-IDF weights; document frequencies are those of the pairs themselves."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(sublinear_tf=True).fit([*firsts, *seconds])
    product = weights.transform(firsts).multiply(weights.transform(seconds))
    return np.asarray(product.sum(1), np.float64).reshape(-1)


def _cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each pair of rows; 0 where a vector is zero."""
    lengths = np.linalg.norm(a.astype(np.float64), axis=1) * np.linalg.norm(b.astype(np.float64), axis=1)
    products = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    return np.divide(products, lengths, out=np.zeros(len(a)), where=lengths > 0)


def compare_pairs(collection: Collection, sources: Sequence[Source], limits: Limits, report: Report) -> Found:
    """Rank correlations of every source with the scores."""
    n, most = len(collection.texts), limits.max_test
    places = list(range(n))
    notes = []
    if most is not None and n > most:
        places = sorted(np.random.default_rng(limits.random_state).permutation(n)[: max(most, 3)].tolist())
        notes.append(f"Of {n:,} pairs {len(places):,} were sampled with seed {limits.random_state}.")
    firsts, seconds = ([side[i] for i in places] for side in (collection.texts, collection.seconds))
    scores = np.array([collection.scores[i] for i in places])
    if scores.min() == scores.max():
        raise ValueError(f"{collection.name}: all scores are {scores[0]:g}: there is no order to be found again")
    plan = limits.plan()
    answers, left_out, remarks = each_source(
        sources, nearness_of, lambda source: _Asked(source, firsts, seconds, plan), limits, report
    )
    of = {source.name: source for source in sources}
    equal = [name for name, one in answers.items() if one.values.min() == one.values.max()]
    entrants = [
        Entrant(name, of[name].family, one.values, limits.shown(one.cost))
        for name, one in answers.items()
        if name not in equal
    ]
    if not entrants:
        raise ValueError(f"{collection.name}: every source finds all pairs equally near: nothing can be compared")

    def estimate(values: NDArray[np.float64]) -> Estimate:
        return spearman(values, scores, n_resamples=_RESAMPLES, random_state=limits.random_state)

    def difference(mine: NDArray[np.float64], other: NDArray[np.float64]) -> Difference:
        return paired_spearman(mine, other, scores, n_resamples=_RESAMPLES, random_state=limits.random_state)

    ranked, duels = ranking(entrants, estimate, difference)
    result = TaskResult(
        "similarity",
        "Spearman correlation",
        True,
        len(scores),
        ranked,
        duels,
        dict.fromkeys(equal, "all its distances are equal"),
        unit="pairs",
    )
    return Found((*notes, *remarks), (result,), left_out=left_out)
