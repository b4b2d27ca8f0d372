"""Clustering of samples that keep coming and growing: all prefixes of the collection have a say."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from copy import deepcopy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.cluster.base import Clustering
from ncd.cluster.matrix import Floats, refuse_negative
from ncd.cluster.offline import by_farthest_points
from ncd.cluster.sources import Family, FunctionSource, Source, family_of, of_vectors
from ncd.distances.cells import as_sequence

__all__ = ["OnlineClustering"]


class OnlineClustering(Clustering):
    r"""
    The online algorithm of Khaleghi, Ryabko, Mary and Preux, over any distance.

    Samples come one after another, and each may grow. The offline algorithm alone is misled by a newcomer that is still
    short, and so far from everything. So it is run on the first j samples for each j = kappa ... N; the first sample of
    each cluster is its candidate centre, and the candidates :math:`c_1^j < \dots < c_\kappa^j` are weighted by how well
    they are apart:

    .. math:: w_j = \frac{1}{j (j + 1)}, \quad \gamma_j = \min_{k \ne l} d(x_{c_k^j}, x_{c_l^j}), \quad
        \text{label}(i) = \arg\min_k \frac{1}{\eta} \sum_{j=\kappa}^N w_j \gamma_j\, d(x_i, x_{c_k^j}), \quad
        \eta = \sum_j w_j \gamma_j

    Prefixes without samples of all clusters have a :math:`\gamma_j` that goes to 0. For stationary ergodic processes
    and the distributional distance the clustering of any fixed first samples is right from some time on, whatever comes
    later; the number of clusters must be known.

    Parameters
    ----------
    n_clusters : int
        kappa.
    metric, compressor, embedder, n_jobs, progress
        As in `ncd.cluster.OfflineClustering`.

    Attributes
    ----------
    labels_ : ndarray of int64, shape (n,)
        Clusters from 0, in the order of the samples' coming.
    centers_ : ndarray of int64, shape (n - n_clusters + 1, n_clusters)
        Candidate centres of each prefix, as indices of samples.
    weights_ : ndarray of float64, shape (n - n_clusters + 1,)
        Weight of each prefix, w_j gamma_j / eta.
    keys_ : list
        After `update`: the key of each sample.

    References
    ----------
    .. [1] A. Khaleghi, D. Ryabko, J. Mary, P. Preux (2012), Online clustering of processes, AISTATS.
    .. [2] A. Khaleghi, D. Ryabko, J. Mary, P. Preux (2016), Consistent algorithms for clustering time series, Journal
       of Machine Learning Research 17(3), 1-32.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw = lambda p, n: (rng.random(n) < p).astype(int)
    >>> model = OnlineClustering(2)
    >>> model.update({"a": draw(0.3, 200), "b": draw(0.6, 200)})
    {'a': 0, 'b': 1}
    >>> model.update({"a": draw(0.3, 200), "c": draw(0.6, 300)})
    {'a': 0, 'b': 1, 'c': 1}
    """

    def __init__(
        self,
        n_clusters: int,
        *,
        metric: Any = "auto",
        compressor: Any = "gzip",
        embedder: Any = None,
        n_jobs: int | None = None,
        progress: bool | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.compressor = compressor
        self.embedder = embedder
        self.n_jobs = n_jobs
        self.progress = progress
        self._grown: dict[Hashable, Any] = {}

    def fit(self, X: Any, y: Any = None) -> Self:
        """
        Cluster samples, which came in the order of X.

        Parameters
        ----------
        X : list of texts, list of sequences, array of shape (n, d), or matrix (n, n)
            As in `ncd.cluster.OfflineClustering.fit`.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            As in `ncd.cluster.OfflineClustering.fit`.
        """
        del y
        source = self._source(X)
        k = whole_number(self.n_clusters, "n_clusters", 1, source.n, of=f"with {source.n:,} samples")
        self.centers_, self.weights_, self.labels_ = _online(source, k)
        return self

    def update(self, stretches: Mapping[Hashable, Any]) -> dict[Hashable, int]:
        """
        Take what has come and cluster all samples so far.

        Parameters
        ----------
        stretches : mapping
            By key: a text or a sequence. It is appended to the sample of that key; a new key is a new sample. While
            there are fewer samples than clusters, they are checked and kept, as copies.

        Returns
        -------
        dict
            The cluster of each key; empty as long as there are fewer samples than clusters.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; nothing that came before is lost, and nothing of `stretches` is taken.
        """
        if not isinstance(stretches, Mapping):
            raise TypeError(f"stretches is of type {type(stretches).__name__}: give a mapping of keys to new stretches")
        family = family_of(self.metric, self.embedder)
        if family == "matrix":
            raise ValueError('metric="precomputed" has no samples that could grow: call fit with the matrix')
        k = whole_number(self.n_clusters, "n_clusters", 1)
        grown = dict(self._grown)
        for key, stretch in stretches.items():
            new = deepcopy(stretch) if family == "any" else self._taken(family, stretch, key, grown)
            grown[key] = _appended(grown[key], new, key) if key in grown else new
        if len(grown) < k:
            if callable(self.metric) and self.embedder is None:
                FunctionSource(list(grown.values()), self.metric).matrix()  # what has none is not to stay
            self._grown = grown
            return {}
        self.fit(list(grown.values()))
        self._grown, self.keys_ = grown, list(grown)
        return dict(zip(self.keys_, self.labels_.tolist(), strict=True))

    def _taken(self, family: Family, stretch: Any, key: Hashable, grown: Mapping[Hashable, Any]) -> Any:
        """A copy of a stretch that fits the metric and the other samples."""
        where = f"stretches[{key!r}]"
        text = isinstance(stretch, str | bytes)
        if family == "auto" and grown:
            family = "texts" if isinstance(next(iter(grown.values())), str | bytes) else "samples"
        if text and family == "vectors":
            raise ValueError(of_vectors(self.metric, f"{where} is a text"))
        if family != "auto" and text != (family == "texts"):
            raise TypeError(
                f"{where} is of type {type(stretch).__name__}, and "
                + ("texts are clustered" if family == "texts" else "samples of numbers are clustered")
            )
        if text:
            if not stretch and key not in grown:
                raise ValueError(f"{where} is empty: give at least one character")
            return stretch
        found = as_sequence(stretch, where)
        if not len(found) and key not in grown:
            raise ValueError(f"{where} is empty: give at least one element")
        other = next((other for other in grown if other != key), key)
        if len(found) and other != key and (dimension := as_sequence(grown[other]).shape[1]) != found.shape[1]:
            raise ValueError(f"{where} has {found.shape[1]} coordinates and the sample {other!r} has {dimension}")
        return np.array(stretch)


def _appended(old: Any, new: Any, key: Hashable) -> Any:
    """A sample with what has come to it."""
    for kind in (str, bytes):
        if isinstance(old, kind) or isinstance(new, kind):
            if not (isinstance(old, kind) and isinstance(new, kind)):
                raise TypeError(f"stretches[{key!r}] is of type {type(new).__name__}, its sample {type(old).__name__}")
            return old + new  # type: ignore[operator]
    first, second = np.asarray(old), np.asarray(new)
    if first.shape[1:] != second.shape[1:] or not first.ndim:
        raise ValueError(f"stretches[{key!r}] has shape {second.shape}, its sample {first.shape}: they do not fit")
    return np.concatenate([first, second])


def _online(source: Source, k: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Candidate centres of all prefixes, their weights, and the clusters."""
    prefixes = range(k, source.n + 1)
    centers = np.zeros((len(prefixes), k), np.int64)
    weights, total = np.zeros(len(prefixes)), np.zeros((k, source.n))
    for row, j in enumerate(prefixes):
        labels = by_farthest_points(source, k, j).labels
        centers[row] = np.sort(np.unique(labels, return_index=True)[1])
        columns = np.stack([source.column(int(c)) for c in centers[row]])
        refuse_negative(columns, "the online algorithm")
        apart = columns[:, centers[row]][~np.eye(k, dtype=bool)]
        weights[row] = (apart.min() if k > 1 else 1.0) / (j * (j + 1))
        total += weights[row] * columns
    norm = weights.sum()
    return centers, weights / norm if norm > 0 else weights, total.argmin(axis=0).astype(np.int64)
