"""Changepoints of a sequence as an estimator: scikit-learn's fit, ruptures' predict."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ncd.arguments import whole_number
from ncd.changepoint.grid import as_share
from ncd.changepoint.seeded import Gains
from ncd.changepoint.sequence_problem import Problem, SequenceMethod, bits_of, check_options
from ncd.changepoint.trend import LinearTrendCost, checked_floor, trend_changepoints, trend_penalty, trend_room
from ncd.distances.cells import Cells, as_filled
from ncd.distances.distributional import Weights

__all__ = ["SequenceChangepoints"]

_CHOICES = (*get_args(SequenceMethod), "trend")


class SequenceChangepoints(BaseEstimator):  # type: ignore[misc]
    """
    Changepoints of a numeric sequence.

    Parameters
    ----------
    method : {"ctw", "distributional", "ngram", "trend"}, default "ctw"
        ``ctw``, ``distributional`` and ``ngram`` find changes of distribution between stationary processes: see
        `list_estimator`. ``trend`` takes the values for straight lines with normal noise. Take it for measured
        real-valued series, which are rarely stationary: on the univariate series of the Turing Change Point Dataset its
        mean cover is 0.712 and its F1 0.766, those of ``ctw`` 0.667 and 0.710 (``bench/tcpd.py``).
    n_changepoints : int, optional
        Their number, if it is known.
    n_processes : int, optional
        The number of different processes, if it is known: see `find_changepoints`.
    min_distance : float, optional
        A lower bound of the distance of changepoints as a share of the length, in (0, 0.5]; from the ends it is a third
        of that. Default: none (for ``distributional`` 0.05;
        segments of ``trend`` have three elements in any case).
    penalty : float or "auto", default "auto"
        Bits that a changepoint has to save when nothing is known; ``auto`` is log2 n, for ``trend`` 6 log2 n for each
        coordinate. Larger values give fewer changepoints.
    bits, depth : int, default 2 and 8
        Of the context-tree code: see `ContextTreeCode`.
    weights, cells
        Of the distributional distance: see `distributional_distance`.
    floor : float, default 0.01
        Of ``trend``: see `LinearTrendCost`.

    Attributes
    ----------
    changepoints_ : ndarray of int64
        First elements of all segments but the first, ascending; empty: no change.
    labels_ : ndarray of int64, shape (n,)
        For each element the process of its segment if `n_processes` is given, else the number of its segment.
    gains_ : ndarray of float64
        Bits that each changepoint saves between its neighbours.
    significances_ : ndarray of float64 or None
        Of each changepoint: see `list_estimator`. None for ``trend``, whose cost is not a code.
    n_features_in_ : int
        Coordinates.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.changepoint import SequenceChangepoints
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.normal(0, 1, 400), rng.normal(0, 3, 600)])
    >>> SequenceChangepoints().fit_predict(x)
    [401, 1000]
    >>> SequenceChangepoints().fit_predict(rng.normal(0, 1, 1000))
    [1000]
    """

    def __init__(
        self,
        method: SequenceMethod | Literal["trend"] = "ctw",
        *,
        n_changepoints: int | None = None,
        n_processes: int | None = None,
        min_distance: float | None = None,
        penalty: float | Literal["auto"] = "auto",
        bits: int = 2,
        depth: int = 8,
        weights: Weights = "papers",
        cells: Cells = "rank",
        floor: float = 0.01,
    ) -> None:
        self.method = method
        self.n_changepoints = n_changepoints
        self.n_processes = n_processes
        self.min_distance = min_distance
        self.penalty = penalty
        self.bits = bits
        self.depth = depth
        self.weights = weights
        self.cells = cells
        self.floor = floor

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """
        Find the changepoints of a sequence.

        Parameters
        ----------
        X : array_like of shape (n,) or (n, d), or bytes
            Booleans, integers or floats.
        y : ignored

        Returns
        -------
        SequenceChangepoints
            Itself.

        Raises
        ------
        ValueError, TypeError
            If X is empty, ragged, not finite or not of numbers, if both numbers are given, if there is no room for so
            many changepoints or processes, or if a parameter is none of the above.
        """
        if self.method not in _CHOICES:
            raise ValueError(f"method is {self.method!r}: choose from {', '.join(map(repr, _CHOICES))}")
        if self.n_changepoints is not None and self.n_processes is not None:
            raise ValueError("n_changepoints and n_processes are both given: give one of them")
        if self.n_changepoints is not None:
            whole_number(self.n_changepoints, "n_changepoints", 0)
        if self.n_processes is not None:
            whole_number(self.n_processes, "n_processes", 1)
        check_options(self.bits, self.depth, self.weights, self.cells)
        checked_floor(self.floor)
        if self.method == "trend":
            self._fit_trend(X)
        else:
            self._fit_sequence(X, self.method)
        return self

    def predict(self, X: ArrayLike | None = None) -> list[int]:
        """
        Ends of the segments, ascending, the last one n: ruptures' convention.

        Parameters
        ----------
        X : array_like, optional
            A sequence to be fitted first; default: the one that was.
        """
        if X is not None:
            self.fit(X)
        check_is_fitted(self, "changepoints_")
        return [*self.changepoints_.tolist(), len(self.labels_)]

    def fit_predict(self, X: ArrayLike, y: Any = None) -> list[int]:
        """`fit`, then `predict`."""
        return self.fit(X).predict()

    def _fit_sequence(self, x: ArrayLike, method: SequenceMethod) -> None:
        problem = Problem.of(
            x, method, self.min_distance, self.penalty, self.bits, self.depth, self.weights, self.cells
        )
        labels = None
        if self.n_processes is not None:
            cuts, labels = problem.of_processes(self.n_processes)
        elif self.n_changepoints is not None:
            cuts = problem.known(self.n_changepoints)
        else:
            cuts = problem.ranked()[1]
        self.significances_: NDArray[np.float64] | None = np.array(problem.significances(cuts), np.float64)
        self._keep(cuts, problem.gains.between(cuts), problem.x.shape, labels)

    def _fit_trend(self, x: ArrayLike) -> None:
        if self.n_processes is not None:
            raise ValueError("n_processes is for stationary processes: method='trend' knows n_changepoints alone")
        sequence = as_filled(x)
        n, d = sequence.shape
        if self.min_distance is not None:
            as_share(self.min_distance)
        penalty = (
            trend_penalty(n, d)
            if isinstance(self.penalty, str) and self.penalty == "auto"
            else bits_of(self.penalty, n)
        )
        cost, room = LinearTrendCost.of(sequence, floor=self.floor), trend_room(n, self.min_distance)
        if (self.n_changepoints or 0) > room.most:
            raise ValueError(
                f"n_changepoints is {self.n_changepoints}: {room.most} fit into {n:,} elements with min_distance "
                f"{self.min_distance}; take fewer, or a smaller min_distance"
            )
        cuts = trend_changepoints(cost, room, penalty, self.n_changepoints)
        self.significances_ = None
        self._keep(cuts, Gains(cost).between(cuts), sequence.shape, None)

    def _keep(self, cuts: list[int], gains: list[float], shape: tuple[int, ...], labels: list[int] | None) -> None:
        """Set what was found."""
        n, d = shape
        self.changepoints_ = np.array(cuts, np.int64)
        self.gains_ = np.array(gains, np.float64)
        sizes = np.diff([0, *cuts, n])
        self.labels_ = np.repeat(np.arange(len(sizes)) if labels is None else np.array(labels, np.int64), sizes)
        self.n_features_in_ = d
