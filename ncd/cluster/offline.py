"""Clustering of samples that are all there: the farthest points, then the nearest of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import real_number, whole_number
from ncd.cluster.base import Clustering
from ncd.cluster.matrix import Floats
from ncd.cluster.number import gap_threshold, silhouette_number, threshold_clusters
from ncd.cluster.sources import Source

__all__ = ["OfflineClustering", "by_farthest_points"]

_RULES = ("silhouette", "gap", "halves")


@dataclass(frozen=True, eq=False)
class Partition:
    """Which centre each sample is nearest to."""

    centers: NDArray[np.int64]
    distances: Floats  # [center, sample]
    labels: NDArray[np.int64]


def by_farthest_points(source: Source, k: int, among: int | None = None) -> Partition:
    """The offline algorithm on the first `among` samples; ties go to the earlier sample and the earlier centre."""
    n = source.n if among is None else among
    centers, rows = [0], [source.column(0)[:n]]
    nearest = rows[0].copy()
    nearest[0] = -math.inf  # a centre is no candidate, also where all distances are 0
    while len(centers) < k:
        centers.append(int(nearest.argmax()))
        rows.append(source.column(centers[-1])[:n])
        nearest = np.minimum(nearest, rows[-1])
        nearest[centers[-1]] = -math.inf
    distances = np.stack(rows)
    labels = distances.argmin(axis=0)
    labels[centers] = np.arange(k)
    return Partition(np.array(centers, np.int64), distances, labels.astype(np.int64))


class OfflineClustering(Clustering):
    r"""
    The offline algorithm of Khaleghi, Ryabko, Mary and Preux, over any distance.

    The first sample is the first centre. The next centre is the sample that is farthest from the centres so far,
    :math:`c_k = \arg\max_i \min_{j < k} d(x_i, x_{c_j})`, until there are as many as clusters; then each sample goes to
    the nearest centre. For samples of stationary ergodic processes and the distributional distance this is consistent:
    with probability 1, from some length on, samples are in one cluster if and only if they are of one process. That
    takes the number of clusters to be known, and nothing else: no independence, no rate of mixing. There is no chance
    in it. Of texts, of vectors and by a function only the distances from the centres are computed.

    Parameters
    ----------
    n_clusters : int or None
        Number of clusters; None: found by `rule`.
    metric : str or callable
        "auto": with `embedder` "cosine"; for a list of sequences of numbers "distributional"; for texts "ncd".
        A distance of code lengths (`ncd.distances.lengths.METRICS`, but "cosine": that of code lengths needs
        "precomputed" and `ncd.pairwise`) for texts; "cosine" or "euclidean" for texts with `embedder`, or for vectors
        (X of shape (n, d), for which "auto" does not choose); "distributional", "mmd", "energy" or "kde_l1" for samples
        of numbers or vectors, as in `ncd.distances.samples.sample_distances` (which has options); a function of two
        samples, taken to be symmetric (with `embedder`, of two arrays of vectors); "precomputed": X is the matrix.
    compressor : str or object
        For texts, as in `ncd.get_compressor`. The bytewise smaller text of a pair stands first.
    embedder : str or object, optional
        For texts, as in `ncd.embed.get_embedder`; one that learns, learns from X.
    rule : float or {"silhouette", "gap", "halves"}
        How clusters are found if `n_clusters` is None. A number: the papers' threshold, see
        `ncd.cluster.threshold_clusters`. "halves": that with the largest distance between the two halves of a sample
        as the threshold. "gap": that with `ncd.cluster.gap_threshold`. "silhouette": as many clusters as
        `ncd.cluster.silhouette_number` says, by the farthest points; it and "gap" never find a single cluster.
        Beside `n_clusters` another one than the default is refused, as is `compressor` where nothing is compressed.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.

    Attributes
    ----------
    labels_ : ndarray of int64, shape (n,)
        Clusters from 0, in the order of `centers_`.
    centers_ : ndarray of int64, as many as there are clusters
        The centres, as indices of samples; under a threshold the first sample of each cluster.
    n_clusters_ : int
    threshold_ : float or None
        Where a threshold was used.

    Notes
    -----
    The largest distance between halves bounds the threshold from below by what is seen: halves are of one process
    and are shorter than samples, so that their distances are larger than those between samples of one process. It
    goes to 0 for stationary ergodic processes, so that different processes are told apart in the end; that samples of
    one process are joined follows where their distances fall faster than those of halves, as they do for mixing
    processes. A sample that changes in the middle makes it too large. It is our rule, not the papers'.

    Asymmetric distances count with their mean in both directions.

    References
    ----------
    .. [1] A. Khaleghi, D. Ryabko, J. Mary, P. Preux (2016), Consistent algorithms for clustering time series, Journal
       of Machine Learning Research 17(3), 1-32.
    .. [2] D. Ryabko (2010), Clustering processes, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = [(rng.random(500) < p).astype(int) for p in (0.3, 0.6, 0.3, 0.6, 0.6)]
    >>> OfflineClustering(2).fit_predict(X).tolist()
    [0, 1, 0, 1, 1]
    >>> OfflineClustering(rule="halves").fit(X).n_clusters_
    2
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog sat on it", "le chien est sur le lit"]
    >>> OfflineClustering(2).fit_predict(texts).tolist()
    [0, 1, 0, 1]
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        metric: Any = "auto",
        compressor: Any = "gzip",
        embedder: Any = None,
        rule: float | Literal["silhouette", "gap", "halves"] = "silhouette",
        n_jobs: int | None = None,
        progress: bool | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.compressor = compressor
        self.embedder = embedder
        self.rule = rule
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> Self:
        """
        Cluster samples.

        Parameters
        ----------
        X : list of texts, list of sequences of shape (n_i,) or (n_i, d), array of shape (n, d), or matrix (n, n)
            As `metric` asks for.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For samples that are empty, not finite or of different dimension, more clusters than samples, names that
            are not known, rules that do not fit, and options that would do nothing.
        """
        del y
        if self.n_clusters is None:
            self._check_rule()
        elif self.rule != "silhouette":
            raise ValueError(
                f"rule is {self.rule!r} together with n_clusters={self.n_clusters!r}, which needs none: leave one of "
                "them out"
            )
        source = self._source(X)
        self.threshold_: float | None = None
        k = self.n_clusters
        if k is None and source.n == 1:
            k = 1
        if k is None and self.rule == "silhouette":
            k = silhouette_number(source.matrix())
        if k is None:
            self._by_threshold(source)
            return self
        k = whole_number(k, "n_clusters", 1, source.n, of=f"with {source.n:,} samples")
        found = by_farthest_points(source, k)
        self.centers_, self.labels_, self.n_clusters_ = found.centers, found.labels, k
        return self

    def _check_rule(self) -> None:
        """Raise for a rule that there is not, before anything is computed."""
        rule: object = self.rule
        if isinstance(rule, str) and rule in _RULES:
            return
        if not isinstance(rule, Real):
            raise ValueError(f"rule is {rule!r}: choose from {', '.join(map(repr, _RULES))}, or give a threshold")
        real_number(rule, "rule", "give a finite threshold")

    def _by_threshold(self, source: Source) -> None:
        """Connected components under a threshold."""
        if self.rule == "halves":
            self.threshold_ = float(source.halves().max())
            matrix = source.matrix()
        else:
            matrix = source.matrix()
            self.threshold_ = gap_threshold(matrix) if self.rule == "gap" else float(self.rule)
        self.labels_ = threshold_clusters(matrix, self.threshold_)
        self.centers_ = np.unique(self.labels_, return_index=True)[1].astype(np.int64)
        self.n_clusters_ = len(self.centers_)
