"""When a change began: what each start contributes to an e-detector's statistic."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["StartInterval", "start_interval", "start_shares"]


class StartInterval(NamedTuple):
    """
    The first row of a change.

    Attributes
    ----------
    start : int
        The likeliest one.
    low, high : int
        Both ends of the interval, which belong to it.
    """

    start: int
    low: int
    high: int


def start_shares(
    deviates: NDArray[np.float64], bets: NDArray[np.float64], total: float, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    The share of each row in an e-detector's statistic, if the change began with it.

    The statistic is a sum over starts of products of e-values, R = sum_s prior_s mean_lambda prod_(i >= s) e_i.

    Parameters
    ----------
    deviates : ndarray of float64, shape (n,)
        Normal deviates of the newest rows, the newest last.
    bets : ndarray of float64
        The values of lambda: e_i = exp(lambda z_i - lambda^2 / 2).
    total : float
        The statistic; what older starts have is given to the oldest row here.
    prior : ndarray of float64, shape (n,)
        Weights of the starts.

    Returns
    -------
    ndarray of float64, shape (n,)
        They sum to 1.
    """
    logs = deviates[:, None] * bets - bets**2 / 2
    sums = logs[::-1].cumsum(0)[::-1]
    sums += np.log(prior)[:, None]
    largest = float(sums.max())
    parts = np.exp(sums - largest).mean(1)
    parts[0] += max(0.0, total * np.exp(-largest) - parts.sum())
    return parts / parts.sum()


def start_interval(shares: NDArray[np.float64], level: float) -> StartInterval:
    """The start with the largest share, and the smallest run of neighbours around it that has `level` of all."""
    best = int(shares.argmax())
    sums = np.concatenate([np.zeros(1), shares.cumsum()])
    lows = np.arange(best + 1)
    highs = np.searchsorted(sums, sums[lows] + level * sums[-1] - 1e-12)
    highs = np.maximum(highs, best + 1)
    inside = highs < len(sums)
    lows, highs = lows[inside], highs[inside]
    lengths = highs - lows
    shortest = lows[lengths == lengths.min()]
    width = int(lengths.min())
    low = int(shortest[(sums[shortest + width] - sums[shortest]).argmax()])
    return StartInterval(best, low, low + width - 1)
