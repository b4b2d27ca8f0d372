"""The tasks "geometry" and "cluster": what is near what under each source of distances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncd.compare.agreement import mantel, neighbor_overlap, trustworthiness
from ncd.compare.diagnostics import (
    anisotropy,
    cluster_ratio,
    cluster_ratios,
    intrinsic_dimension,
    linearity,
    mean_cosine,
)
from ncd.compare.intervals import Estimate
from ncd.compare.measure import peak_memory, reset_peak, spent, too_slow
from ncd.compare.results import Agreement, Cost, Geometry
from ncd.compare.sources import Source, embedder_of, encoding_time
from ncd.distances.vectors import cosine_distances

if TYPE_CHECKING:
    from ncd.compare.classification import Plan

__all__ = ["Distances", "agreements_of", "distances_of", "geometry_of"]

_SHOWN = 8  # texts whose neighbours are shown
_PERMUTATIONS = 999
_NEIGHBORS = 10
_COMPONENTS = (2, 10, 50)  # at which clusters are looked at too
_TEXTS_A_COMPONENT = 10  # of representations that are fitted to each other


@dataclass(frozen=True)
class Distances:
    """
    Distances of the sampled texts to each other.

    Attributes
    ----------
    matrix : ndarray of float32, shape (n, n)
    cost : Cost
        A query is a text that is held against all others.
    figures : dict of str to float
        Of the vectors, where there are any.
    vectors : ndarray of float32, shape (n, dim), or None
    """

    matrix: NDArray[np.float32]
    cost: Cost
    figures: dict[str, float | None]
    vectors: NDArray[np.float32] | None = None


def distances_of(source: Source, texts: list[str], plan: Plan) -> Distances | None:
    """Distances of all texts to each other; None for a source that has none."""
    if source.kind == "learner":
        return None
    reset_peak()
    if source.kind == "compressor":
        return _compressed(source, texts, plan)
    if source.kind == "words":
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.metrics.pairwise import cosine_distances as sparse_distances

        made = spent(lambda: sparse_distances(TfidfVectorizer(sublinear_tf=True).fit_transform(texts)))
        return Distances(made.value.astype(np.float32), _cost(query=made.per_thousand(len(texts)), pretrained=0), {})
    embedder = embedder_of(source, plan.cache).fit(texts)
    vectors = embedder.encode(texts, progress=plan.progress)
    encode = encoding_time(embedder, texts)
    held = spent(lambda: cosine_distances(vectors, vectors))
    cost = _cost(
        encode=encode,
        query=held.per_thousand(len(texts)),
        disk=embedder.nbytes,
        pretrained=0 if embedder.learns else embedder.n_parameters,
    )
    return Distances(held.value.astype(np.float32), cost, _figures(vectors), vectors)


def _compressed(source: Source, texts: list[str], plan: Plan) -> Distances:
    """Normalized compression distances."""
    from ncd.pairwise import pairwise

    few = texts[: max(2, len(texts) // 20)]
    probe = spent(lambda: pairwise(few, compressor=source.spec, order="sorted", n_jobs=plan.n_jobs, progress=False))
    expected = probe.seconds * (len(texts) / len(few)) ** 2
    if expected > plan.patience:
        raise RuntimeError(too_slow("distances", expected, plan.patience))
    made = spent(
        lambda: pairwise(texts, compressor=source.spec, order="sorted", n_jobs=plan.n_jobs, progress=plan.progress)
    )
    cost = _cost(query=made.per_thousand(len(texts)), pretrained=None if source.name.startswith("hf") else 0)
    return Distances(made.value.astype(np.float32), cost, {})


def _cost(**given: Any) -> Cost:
    """With the peak of memory so far."""
    return Cost(memory=peak_memory(), **given)


def _figures(vectors: NDArray[np.float32]) -> dict[str, float | None]:
    """Diagnostics of vectors; None for one that they do not allow."""
    made: dict[str, Any] = {
        "anisotropy": lambda: anisotropy(vectors),
        "mean cosine": lambda: mean_cosine(vectors),
        "intrinsic dimension (TwoNN)": lambda: intrinsic_dimension(vectors).value,
        "intrinsic dimension (MLE)": lambda: intrinsic_dimension(vectors, method="mle").value,
    }
    found: dict[str, float | None] = {"dimension": float(vectors.shape[1])}
    for name, figure in made.items():
        try:
            found[name] = float(figure())
        except ValueError:  # too few different vectors, or one of them zero
            found[name] = None
    return found


def _ratios(vectors: NDArray[np.float32], labels: Sequence[str]) -> dict[str, float | None]:
    """Distances between labels over those within them, of the vectors and of their first principal components."""
    found: dict[str, float | None] = {}
    try:
        found["between / within labels"] = cluster_ratio(vectors, labels).ratio.value
        counts = [count for count in _COMPONENTS if count < min(vectors.shape)]
        for count, one in zip(counts, cluster_ratios(vectors, labels, counts), strict=True):
            found[f"at {count} components"] = one.ratio.value
    except ValueError:  # one label, labels of one text each, or equal vectors
        return {}
    return found


def geometry_of(source: Source, found: Distances, labels: Sequence[str] | None = None) -> Geometry:
    """The nearest texts of a few, and the diagnostics; of vectors also how far labels are apart."""
    matrix = found.matrix.copy()
    np.fill_diagonal(matrix, np.inf)
    near = matrix.argmin(1)
    shown = np.unique(np.linspace(0, len(matrix) - 1, min(_SHOWN, len(matrix))).astype(int))
    return Geometry(
        source.name,
        source.family,
        found.figures | ({} if found.vectors is None or labels is None else _ratios(found.vectors, labels)),
        tuple((int(i), int(near[i]), float(matrix[i, near[i]])) for i in shown),
    )


def agreements_of(distances: Mapping[str, Distances], random_state: int) -> list[Agreement]:
    """How far every two sources agree."""
    found = []
    for a, b in combinations(distances, 2):
        one, other = distances[a].matrix, distances[b].matrix
        n = len(one)
        k = min(_NEIGHBORS, (n - 1) // 2)
        if n < 4:
            continue
        try:
            related = mantel(one, other, n_permutations=_PERMUTATIONS, random_state=random_state)
        except ValueError:  # all distances equal
            continue
        overlap = neighbor_overlap(one, other, k=k, random_state=random_state)
        trusted = trustworthiness(one, other, k=k, random_state=random_state).value
        linear = _linear(distances[a].vectors, distances[b].vectors, random_state)
        found.append(Agreement(a, b, n, related.value, related.p_value, overlap, k, trusted, linear))
    return found


def _linear(
    one: NDArray[np.float32] | None, other: NDArray[np.float32] | None, random_state: int
) -> tuple[Estimate, Estimate] | None:
    """How much of each of two representations is a linear function of the other, in their first components."""
    if one is None or other is None:
        return None
    from ncd.embed.reduction import reduce

    try:
        most = len(one) // _TEXTS_A_COMPONENT
        first, second = (reduce(vectors, min(most, *vectors.shape)) for vectors in (one, other))
        there = linearity(first, second, random_state=random_state)
        return there, linearity(second, first, random_state=random_state)
    except ValueError:  # too few texts, or equal vectors
        return None
