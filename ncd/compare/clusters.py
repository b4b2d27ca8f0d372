"""The task "cluster": the texts of each label found again from distances alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.cluster.linkage import linkage_clusters
from ncd.cluster.offline import OfflineClustering
from ncd.compare.geometry import Distances
from ncd.compare.intervals import accuracy, mcnemar
from ncd.compare.ranking import Entrant, ranking
from ncd.compare.results import Cost, TaskResult
from ncd.compare.sources import Source

__all__ = ["clustering", "matched"]

_WAYS: dict[str, Callable[[NDArray[np.float64], int], NDArray[np.int64]]] = {
    "Ward": lambda matrix, number: linkage_clusters(matrix, number, method="ward"),
    "average linkage": lambda matrix, number: linkage_clusters(matrix, number, method="average"),
    "farthest points": lambda matrix, number: OfflineClustering(number, metric="precomputed").fit_predict(matrix),
}


def matched(labels: Sequence[Any], clusters: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
    """
    Which texts are in the cluster of their label, under the naming of the clusters that makes them most.

    Examples
    --------
    >>> matched(["a", "a", "b", "b"], [1, 1, 0, 1]).tolist()
    [True, True, True, False]
    """
    from scipy.optimize import linear_sum_assignment

    _, true = np.unique(np.asarray(labels), return_inverse=True)
    _, found = np.unique(np.asarray(clusters), return_inverse=True)
    counts = np.zeros((found.max() + 1, true.max() + 1), np.int64)
    np.add.at(counts, (found, true), 1)
    named = np.full(len(counts), -1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    named[rows] = columns
    return named[found] == true


def clustering(
    found: Sequence[tuple[Source, Distances]], labels: Sequence[str], shown: Callable[[Cost], Cost]
) -> TaskResult:
    """Shares of texts in the right cluster; as many clusters as labels, which is all that is told of the labels."""
    number = len(set(labels))
    entrants = [Entrant("one cluster", "baseline", matched(labels, [0] * len(labels)), Cost())]
    for source, distances in found:
        matrix = distances.matrix.astype(np.float64)
        np.fill_diagonal(matrix, 0.0)  # real compressors give d(x, x) > 0
        for way, clusters in _WAYS.items():
            hits = matched(labels, clusters(matrix, number))
            entrants.append(Entrant(f"{source.name}, {way}", source.family, hits, shown(distances.cost)))
    scores, duels = ranking(entrants, accuracy, mcnemar)
    return TaskResult("cluster", "texts in the right cluster", True, len(labels), scores, duels)
