"""Conformal p-values of a sequence, and how far its neighbours depend on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import seed, whole_number

__all__ = ["Autocorrelation", "conformal_p_values", "lag1_autocorrelation"]

_QUANTILE = 1.6448536269514722  # of the standard normal distribution, 95 %


def conformal_p_values(scores: ArrayLike, n_reference: int, *, random_state: int = 0) -> NDArray[np.float64]:
    """
    The p-value of each score among all scores up to it: small where it is larger than most.

    With n scores before it, of which g are greater and q equal, and U uniform on (0, 1),

        p = (g + U (q + 1)) / (n + 1).

    If the scores are exchangeable (their joint distribution is the same in any order), these p-values are independent
    and uniform on (0, 1): exactly, for every length of the reference, and with ties [1]_. The bag of scores has to grow
    for that: p-values against a frozen reference are uniform one by one, but depend on each other.

    Parameters
    ----------
    scores : array_like of float, shape (n,)
        In the order of time.
    n_reference : int
        The first scores, which get no p-value.
    random_state : int, default 0
        Seed of U.

    Returns
    -------
    numpy.ndarray of float64, shape (n - n_reference,)

    Raises
    ------
    ValueError
        If scores is no sequence of numbers, has NaN, or is shorter than the reference.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer: Algorithmic Learning in a Random World, second edition, 2022, chapters 2
       and 8.

    Examples
    --------
    >>> from ncd.streams.conformal import conformal_p_values
    >>> conformal_p_values([1, 2, 3, 4, 2.5, 9], 4).round(2).tolist()
    [0.4, 0.07]
    """
    from ncd.kernels.edetector import COUNTERS, RANDOM, rank_p_values, seeded

    values = _series(scores, "scores")
    first = whole_number(n_reference, "n_reference", 0, len(values), of=f"with {len(values):,} scores")
    distinct, ranks = np.unique(values, return_inverse=True)
    counters = np.zeros(COUNTERS, np.int64)
    counters[RANDOM] = seeded(seed(random_state))
    p_values = np.empty(len(values) - first)
    rank_p_values(ranks.astype(np.int64), first, np.zeros(len(distinct), np.int64), counters, p_values)
    return p_values


@dataclass(frozen=True)
class Autocorrelation:
    """
    How far neighbours in a sequence depend on each other.

    Attributes
    ----------
    value : float
        The sum of x_i x_(i+1) over that of x_i^2, x being the values less their mean; 0 for a constant sequence.
    limit : float
        What independent values exceed with a probability of 5 %: 1.645 / sqrt(n).
    """

    value: float
    limit: float

    @property
    def significant(self) -> bool:
        """Whether neighbours are more alike than chance makes them."""
        return self.value > self.limit


def lag1_autocorrelation(values: ArrayLike) -> Autocorrelation:
    """
    The autocorrelation of a sequence at lag 1, with its critical value.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Three or more.

    Returns
    -------
    Autocorrelation

    Raises
    ------
    ValueError
        If there are fewer than three values, or a NaN or an infinity among them.

    Examples
    --------
    >>> from ncd.streams.conformal import lag1_autocorrelation
    >>> found = lag1_autocorrelation([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    >>> round(found.value, 2), round(found.limit, 2), found.significant
    (0.7, 0.52, True)
    """
    series = _series(values, "values")
    if len(series) < 3:
        raise ValueError(f"values has {len(series)}: an autocorrelation needs three or more")
    if not np.isfinite(series).all():
        raise ValueError("values has an infinity: leave such rows out")
    limit = _QUANTILE / math.sqrt(len(series))
    if np.ptp(series) == 0.0:
        return Autocorrelation(0.0, limit)
    centred = series - series.mean()
    centred /= np.abs(centred).max()
    return Autocorrelation(float(centred[1:] @ centred[:-1] / (centred @ centred)), limit)


def _series(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """A sequence of numbers without NaN."""
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not a sequence of numbers") from error
    if series.ndim != 1:
        raise ValueError(f"{name} has shape {series.shape}: give a sequence of numbers")
    if np.isnan(series).any():
        raise ValueError(f"{name} has NaN at {int(np.isnan(series).argmax())}: leave it out or give it a value")
    return series
