"""How many clusters there are, where nobody says it: a threshold, the widest gap, or the silhouette."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, whole_number
from ncd.cluster.matrix import as_matrix, in_order, refuse_negative

__all__ = ["gap_threshold", "silhouette_number", "threshold_clusters"]


def threshold_clusters(distances: ArrayLike, threshold: float) -> NDArray[np.int64]:
    """
    Clusters of samples that are linked by distances of at most a threshold.

    Two samples are in one cluster if they are at most `threshold` apart, or if a chain of such pairs leads from one to
    the other: the connected components of the graph, which is single linkage cut at that height.

    Parameters
    ----------
    distances : array_like of shape (n, n)
        Made symmetric by the mean; the diagonal is ignored.
    threshold : float
        In the unit of the distances.

    Returns
    -------
    ndarray of int64, shape (n,)
        Clusters, numbered from 0 in the order of their first samples.

    Raises
    ------
    ValueError
        If the matrix is not square or not finite, or the threshold is not finite.

    Notes
    -----
    This is the rule of [1]_ for an unknown number of clusters. It is consistent if the threshold goes to 0 with the
    length of the samples, but more slowly than the distances of samples of one process: a bound on how fast those fall
    has to be known, which [1]_ and [2]_ take from a known bound on the rate of mixing. For stationary ergodic processes
    without such a bound nothing can be consistent, not even in telling one cluster from two [2]_.

    References
    ----------
    .. [1] D. Ryabko (2010), Clustering processes, ICML.
    .. [2] A. Khaleghi, D. Ryabko, J. Mary, P. Preux (2016), Consistent algorithms for clustering time series, Journal
       of Machine Learning Research 17(3).

    Examples
    --------
    >>> threshold_clusters([[0, 1, 5], [1, 0, 5], [5, 5, 0]], 2).tolist()
    [0, 0, 1]
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    limit = real_number(threshold, "threshold")
    labels = connected_components(csr_array(as_matrix(distances) <= limit), directed=False)[1]
    return in_order(labels)


def gap_threshold(distances: ArrayLike) -> float:
    """
    The middle of the widest gap between the heights at which single linkage merges.

    Parameters
    ----------
    distances : array_like of shape (n, n)

    Returns
    -------
    float
        A threshold for `threshold_clusters`, which gives at least two clusters with it.

    Raises
    ------
    ValueError
        With fewer than three samples, or if all heights are equal: then there is no gap.

    Notes
    -----
    A rule of our own for a matrix of which nothing else is known. It assumes that there are two clusters at least, and
    that the step from the largest link inside a cluster to the smallest one between clusters is wider than all others.
    A single outlier is a cluster to it.

    Examples
    --------
    >>> gap_threshold([[0, 1, 5], [1, 0, 5], [5, 5, 0]])
    3.0
    """
    from scipy.cluster.hierarchy import linkage

    matrix = as_matrix(distances)
    if len(matrix) < 3:
        raise ValueError(f"there are {len(matrix)} samples, and a gap needs three: give a threshold or a number")
    heights = np.sort(linkage(matrix[np.triu_indices(len(matrix), 1)], "single")[:, 2])
    steps = np.diff(heights)
    widest = int(steps.argmax())
    if steps[widest] <= 0:
        raise ValueError("all samples are equally far from their nearest ones, so that there is no gap: give a number")
    return float(heights[widest] + heights[widest + 1]) / 2


def silhouette_number(distances: ArrayLike, *, max_clusters: int | None = None) -> int:
    """
    The number of clusters from 2 with the largest mean silhouette of the offline clustering.

    Parameters
    ----------
    distances : array_like of shape (n, n)
    max_clusters : int, optional
        2 to n - 1; default: the square root of n, rounded up, at least 2.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        With fewer than three samples, or distances below 0.

    Notes
    -----
    The silhouette of a sample is (b - a) / max(a, b), with its mean distance a from the others of its cluster and b
    from those of the nearest other cluster (Rousseeuw 1987; scikit-learn's `silhouette_score`). It never says that
    there is one cluster only. Of equally good numbers the smallest is taken.

    Examples
    --------
    >>> silhouette_number([[0, 1, 5, 6], [1, 0, 5, 6], [5, 5, 0, 1], [6, 6, 1, 0]], max_clusters=3)
    2
    """
    from sklearn.metrics import silhouette_score

    from ncd.cluster.offline import by_farthest_points
    from ncd.cluster.sources import MatrixSource

    matrix = as_matrix(distances)
    refuse_negative(matrix, "a silhouette")
    n = len(matrix)
    if n < 3:
        raise ValueError(f"there are {n} samples, and a silhouette needs three: give the number of clusters")
    usual = min(max(2, math.ceil(math.sqrt(n))), n - 1)
    most = usual if max_clusters is None else whole_number(max_clusters, "max_clusters", 2, n - 1)
    source, best = MatrixSource(matrix), (-math.inf, 2)
    for k in range(2, most + 1):
        labels = by_farthest_points(source, k).labels
        score = float(silhouette_score(matrix, labels, metric="precomputed"))
        best = max(best, (score, k), key=lambda pair: (pair[0], -pair[1]))
    return best[1]
