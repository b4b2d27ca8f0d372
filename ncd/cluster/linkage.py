"""Clusters of a distance matrix by scipy's linkage and scikit-learn's HDBSCAN."""

from __future__ import annotations

import inspect
import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, whole_number
from ncd.cluster.matrix import as_matrix, in_order

__all__ = ["hdbscan_clusters", "linkage_clusters"]

Method = Literal["average", "complete", "single", "weighted", "ward", "centroid", "median"]


def linkage_clusters(
    distances: ArrayLike,
    n_clusters: int | None = None,
    *,
    threshold: float | None = None,
    method: Method = "average",
) -> NDArray[np.int64]:
    """
    Hierarchical clustering of a distance matrix, cut into a number of clusters or at a height.

    Parameters
    ----------
    distances : array_like of shape (n, n)
        Made symmetric by the mean; the diagonal is ignored.
    n_clusters : int, optional
        This or `threshold`.
    threshold : float, optional
        Merges at greater heights are undone.
    method : {"average", "complete", "single", "weighted", "ward", "centroid", "median"}
        As in `scipy.cluster.hierarchy.linkage`; the last three are meant for Euclidean distances.

    Returns
    -------
    ndarray of int64, shape (n,)
        Clusters, numbered from 0 in the order of their first samples.

    Raises
    ------
    ValueError, TypeError
        If the matrix is not square or not finite, or neither or both of number and threshold are given.

    Examples
    --------
    >>> linkage_clusters([[0, 1, 5], [1, 0, 5], [5, 5, 0]], 2).tolist()
    [0, 0, 1]
    """
    from scipy.cluster.hierarchy import cut_tree, fcluster

    from ncd.plot import linkage_of

    if (n_clusters is None) == (threshold is None):
        raise ValueError("give either n_clusters or threshold")
    if method not in get_args(Method):
        raise ValueError(f"method is {method!r}: choose from {', '.join(map(repr, get_args(Method)))}")
    matrix = as_matrix(distances)
    n = len(matrix)
    if n_clusters is not None:
        n_clusters = whole_number(n_clusters, "n_clusters", 1, n, of=f"with {n:,} samples")
    else:
        threshold = real_number(
            threshold, "threshold", "give a number that is not below 0", lambda v: 0 <= v < math.inf
        )
    if n == 1:
        return np.zeros(1, np.int64)
    tree = linkage_of(matrix, method=method)
    if n_clusters is not None:
        return in_order(cut_tree(tree, n_clusters)[:, 0])
    return in_order(fcluster(tree, threshold, "distance"))


def hdbscan_clusters(distances: ArrayLike, *, min_cluster_size: int = 5, **options: Any) -> NDArray[np.int64]:
    """
    scikit-learn's HDBSCAN on a distance matrix: dense groups, any number of them, and noise.

    Parameters
    ----------
    distances : array_like of shape (n, n)
        Made symmetric by the mean; the diagonal is ignored.
    min_cluster_size : int
        Smaller groups are noise.
    **options
        Further parameters of `sklearn.cluster.HDBSCAN`, such as ``min_samples`` or ``cluster_selection_method``.

    Returns
    -------
    ndarray of int64, shape (n,)
        Clusters from 0; -1: noise.

    Raises
    ------
    ValueError, TypeError
        If the matrix is not square or not finite, or an option is out of range or is none.

    Examples
    --------
    >>> x = np.array([0, 1, 2, 50, 51, 52, 200])
    >>> hdbscan_clusters(abs(x[:, None] - x), min_cluster_size=3).tolist()
    [0, 0, 0, 1, 1, 1, -1]
    """
    from sklearn.cluster import HDBSCAN

    matrix = as_matrix(distances)
    size = whole_number(min_cluster_size, "min_cluster_size", 2, len(matrix), of=f"with {len(matrix):,} samples")
    own = ("min_cluster_size", "metric", "copy")
    choices = [name for name in inspect.signature(HDBSCAN).parameters if name not in own]
    for name in options:
        if name not in choices:
            raise TypeError(f"{name} is no option here: choose from {', '.join(choices)}")
    model = HDBSCAN(min_cluster_size=size, metric="precomputed", copy=True, **options)
    labels = np.array(model.fit_predict(matrix), np.int64)
    labels[labels >= 0] = in_order(labels[labels >= 0])
    return labels
