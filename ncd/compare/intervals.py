"""Intervals of figures, and tests of two methods on the same texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, seed, whole_number

__all__ = [
    "Difference",
    "Estimate",
    "accuracy",
    "bootstrap",
    "holm",
    "mcnemar",
    "mean_interval",
    "paired_means",
    "paired_spearman",
    "spearman",
    "wilson",
]

Floats = NDArray[np.float64]
_CELLS = 1 << 21  # numbers that are drawn at once


@dataclass(frozen=True)
class Estimate:
    """
    A figure and its interval.

    Attributes
    ----------
    value, low, high : float
        The figure, and the ends of its interval.
    n : int
        Number of independent things (texts, pairs, draws) that it rests on.
    level : float
        Confidence level of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; ends that are not finite are None."""
        return plain(asdict(self))


@dataclass(frozen=True)
class Difference:
    """
    How much more one method reaches than another on the same texts.

    Attributes
    ----------
    value, low, high : float
        Figure of the first method minus that of the second, and the ends of its interval.
    p_value : float
        Two-sided, of the hypothesis that the methods do not differ.
    n : int
        Number of texts (pairs, draws) that both have seen.
    level : float
        Confidence level of the interval.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}], p = {self.p_value:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; ends that are not finite are None."""
        return plain(asdict(self))


def wilson(right: int, n: int, *, level: float = 0.95) -> Estimate:
    """
    A proportion with Wilson's score interval.

    Parameters
    ----------
    right : int
        How many of the `n` were right.
    n : int
        At least 1.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Estimate

    Raises
    ------
    TypeError, ValueError
        For numbers that are no such counts.

    References
    ----------
    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.

    Examples
    --------
    >>> print(wilson(93, 100))
    0.930 [0.863, 0.966]
    """
    from scipy.stats import binomtest

    n = whole_number(n, "n", 1)
    right = whole_number(right, "right", 0, n)
    interval = binomtest(right, n).proportion_ci(confidence(level), method="wilson")
    return Estimate(right / n, float(interval.low), float(interval.high), n, level)


def accuracy(hits: ArrayLike, *, level: float = 0.95) -> Estimate:
    """
    The share of right answers with Wilson's interval.

    Parameters
    ----------
    hits : array_like of bool, shape (n,)
        Whether each answer was right.
    level : float
        Confidence level.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> print(accuracy([True, True, False, True]))
    0.750 [0.301, 0.954]
    """
    answers = _answers(hits, "hits")
    return wilson(int(answers.sum()), len(answers), level=level)


def mcnemar(mine: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> Difference:
    """
    Accuracies of two methods on the same texts: McNemar's exact test, and an interval of their difference.

    The test: of the b + c texts that only one method gets right, each is as likely to be one method's as the other's.
    The interval is Bonett and Price's: with p = (b + 1)/(n + 2) and q = (c + 1)/(n + 2) it is
    p - q +- z sqrt((p + q - (p - q)^2) / (n + 2)), which is centred a little nearer to 0 than (b - c)/n. The two
    disagree at times about 0 where p_value is near 1 - level; the test is exact.

    Parameters
    ----------
    mine, other : array_like of bool, shape (n,)
        Which answers of each method were right, text by text.
    level : float
        Confidence level of the interval.

    Returns
    -------
    Difference
        Of accuracies, as shares.

    Raises
    ------
    TypeError, ValueError
        For answers that are not of the same texts, or none.

    References
    ----------
    D. G. Bonett, R. M. Price, Adjusted Wald confidence interval for a difference of binomial proportions based on
    paired data, Journal of Educational and Behavioral Statistics 37, 2012.

    Examples
    --------
    >>> print(mcnemar([True] * 9 + [False], [False] * 7 + [True] * 3))
    +0.600 [+0.068, +0.932], p = 0.07
    """
    from scipy.stats import binomtest, norm

    a, b = _answers(mine, "mine"), _answers(other, "other")
    n = _same_length(mine=a, other=b)
    only_mine, only_other = int((a & ~b).sum()), int((b & ~a).sum())
    p_value = float(binomtest(only_mine, only_mine + only_other).pvalue) if only_mine + only_other else 1.0
    p, q = (only_mine + 1) / (n + 2), (only_other + 1) / (n + 2)
    half = float(norm.ppf((1 + confidence(level)) / 2)) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    return Difference((only_mine - only_other) / n, low, high, p_value, n, level)


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """
    A mean with Student's interval, such as that of accuracies over independent draws.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        One value has an interval without ends.
    level : float
        Confidence level.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> print(mean_interval([0.71, 0.74, 0.69]))
    0.713 [0.651, 0.776]
    """
    numbers = _numbers(values, "values", 1)
    mean, half = _student(numbers, confidence(level))
    return Estimate(mean, mean - half, mean + half, len(numbers), level)


def paired_means(mine: ArrayLike, other: ArrayLike, *, level: float = 0.95) -> Difference:
    """
    Means of two methods on the same texts or draws, by Student's paired test.

    Parameters
    ----------
    mine, other : array_like of float, shape (n,)
        A figure of each text (the error of a segmentation) or draw, n >= 2.
    level : float
        Confidence level.

    Returns
    -------
    Difference

    Examples
    --------
    >>> print(paired_means([4, 6, 5, 7], [5, 8, 5, 9]))
    -1.250 [-2.773, +0.273], p = 0.08
    """
    from scipy.stats import t

    a, b = _numbers(mine, "mine", 2), _numbers(other, "other", 2)
    n = _same_length(mine=a, other=b)
    mean, half = _student(a - b, confidence(level))
    error = float((a - b).std(ddof=1)) / math.sqrt(n)
    t_value = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    p_value = float(2 * t.sf(abs(t_value), n - 1))
    return Difference(mean, mean - half, mean + half, p_value, n, level)


def bootstrap(
    statistic: Callable[..., float],
    *samples: ArrayLike,
    n_resamples: int = 2000,
    level: float = 0.95,
    random_state: int = 0,
) -> Estimate:
    """
    A figure with its bootstrap interval: quantiles of the figure on rows drawn with replacement.

    The same rows of all samples are drawn, so that what belongs together stays together. Draws in which the figure
    is not a finite number are left out.

    Parameters
    ----------
    statistic : callable
        Takes arrays with the rows of the samples that were drawn and returns a number.
    *samples : array_like, shape (n, ...)
        n >= 2.
    n_resamples : int
        Number of draws.
    level : float
        Confidence level.
    random_state : int
        Seed of the draws.

    Returns
    -------
    Estimate
        Its ends are not finite where the figure was not in any draw.

    References
    ----------
    B. Efron, R. J. Tibshirani, An introduction to the bootstrap, 1993, chapter 13 (percentile interval).

    Examples
    --------
    >>> import numpy as np
    >>> print(bootstrap(np.median, [1, 2, 3, 4, 5, 6, 7, 8, 9]))
    5.000 [2.000, 8.000]
    """
    arrays = [np.asarray(sample) for sample in samples]
    if not arrays or any(array.ndim == 0 for array in arrays):
        raise ValueError(f"bootstrap of {len(arrays)} samples: give one or more arrays of n rows each")
    n = _same_length(**{f"samples[{i}]": array for i, array in enumerate(arrays)})
    if n < 2:
        raise ValueError(f"samples have {n} rows: give 2 or more")
    drawn = np.array(
        [
            float(statistic(*(array[rows] for array in arrays)))
            for block in draws(n, n_resamples, random_state)
            for rows in block
        ]
    )
    low, high = percentiles(drawn, confidence(level))
    return Estimate(float(statistic(*arrays)), low, high, n, level)


def spearman(
    scores: ArrayLike, truth: ArrayLike, *, n_resamples: int = 2000, level: float = 0.95, random_state: int = 0
) -> Estimate:
    """
    Spearman's rank correlation with its bootstrap interval.

    Parameters
    ----------
    scores, truth : array_like of float, shape (n,)
        Scores of a method and those it is held against (of people), pair by pair; n >= 3.
    n_resamples, level, random_state
        As in `bootstrap`; the draws of pairs depend on n and the seed only.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If all scores are equal, so that they have no order.

    Examples
    --------
    >>> print(spearman([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5]))
    0.829 [0.000, 1.000]
    """
    x, y = _ranked(scores, "scores"), _ranked(truth, "truth")
    n = _same_length(scores=x, truth=y)
    drawn = [_rank_correlation(x[rows], y[rows]) for rows in draws(n, n_resamples, random_state)]
    low, high = percentiles(np.concatenate(drawn), confidence(level))
    return Estimate(float(_rank_correlation(x[None], y[None])[0]), low, high, n, level)


def paired_spearman(
    mine: ArrayLike,
    other: ArrayLike,
    truth: ArrayLike,
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
    random_state: int = 0,
) -> Difference:
    """
    Spearman correlations of two methods with the same truth, by a paired bootstrap.

    Both methods are held against the truth on the same draws of pairs. The p-value is twice the share of draws in
    which the smaller side of 0 is met, (1 + count)/(1 + draws), so it is 2/(1 + n_resamples) at least.

    Parameters
    ----------
    mine, other, truth : array_like of float, shape (n,)
        Scores of the two methods and those they are held against; n >= 3.
    n_resamples, level, random_state
        As in `bootstrap`.

    Returns
    -------
    Difference
        Correlation of `mine` minus that of `other`.

    Examples
    --------
    >>> truth = list(range(20))
    >>> print(paired_spearman(truth, truth[::-1], truth))
    +2.000 [+2.000, +2.000], p = 0.001
    """
    a, b, y = _ranked(mine, "mine"), _ranked(other, "other"), _ranked(truth, "truth")
    n = _same_length(mine=a, other=b, truth=y)
    drawn = np.concatenate(
        [
            _rank_correlation(a[rows], y[rows]) - _rank_correlation(b[rows], y[rows])
            for rows in draws(n, n_resamples, random_state)
        ]
    )
    value = float((_rank_correlation(a[None], y[None]) - _rank_correlation(b[None], y[None]))[0])
    defined = drawn[np.isfinite(drawn)]
    # Sums of ranks differ in their last bits with their order: that is no side of 0.
    smaller = min(int((defined <= 1e-12).sum()), int((defined >= -1e-12).sum()))
    p_value = min(1.0, 2 * (1 + smaller) / (1 + len(defined)))
    low, high = percentiles(defined, confidence(level))
    return Difference(value, low, high, p_value, n, level)


def holm(p_values: ArrayLike) -> Floats:
    """
    P-values adjusted for their number by Holm's rule: rejecting those below a keeps the chance of any error below a.

    Parameters
    ----------
    p_values : array_like of float, shape (m,)

    Returns
    -------
    ndarray of float64, shape (m,)

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _numbers(p_values, "p_values", 0)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("p_values are not all between 0 and 1")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values for JSON, which has no infinity."""
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in values.items()}


def confidence(level: float) -> float:
    """A confidence level, checked."""
    return real_number(level, "level", "give a share between 0 and 1", lambda share: 0 < share < 1)


def _numbers(values: ArrayLike, name: str, least: int) -> Floats:
    """A row of finite numbers."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or len(array) < least:
        raise ValueError(f"{name} has shape {array.shape}: give a row of {least} or more numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}[{int(np.argmin(np.isfinite(array)))}] is not a finite number")
    return array


def _answers(hits: ArrayLike, name: str) -> NDArray[np.bool_]:
    """A row of right and wrong answers."""
    array = np.asarray(hits)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}: give a row of one or more answers")
    if array.dtype != bool and not (array.dtype.kind in "iu" and np.isin(array, (0, 1)).all()):
        raise TypeError(f"{name} holds {array.dtype.name}: give True for right answers and False for wrong ones")
    return array.astype(bool)


def _same_length(**arrays: NDArray[Any]) -> int:
    """The common number of rows."""
    sizes = {name: len(array) for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
        raise ValueError(f"lengths differ ({said}): give the same texts in the same order")
    return next(iter(sizes.values()))


def _student(values: Floats, level: float) -> tuple[float, float]:
    """Mean, and half of its interval; infinite for one value."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return float(values.mean()), math.inf
    return float(values.mean()), float(t.ppf((1 + level) / 2, n - 1) * values.std(ddof=1) / math.sqrt(n))


def draws(n: int, n_resamples: int, random_state: int) -> Iterator[NDArray[np.int64]]:
    """Rows drawn with replacement, some draws at once; the same for all methods."""
    count = whole_number(n_resamples, "n_resamples", 1)
    random = np.random.default_rng(seed(random_state))
    block = max(1, _CELLS // n)
    for first in range(0, count, block):
        yield random.integers(0, n, (min(block, count - first), n))


def percentiles(drawn: Sequence[float] | Floats, level: float) -> tuple[float, float]:
    """Ends of the percentile interval of the draws that gave a number."""
    values = np.asarray(drawn, np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return -math.inf, math.inf
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ranked(values: ArrayLike, name: str) -> Floats:
    """Ranks of numbers that have an order."""
    from scipy.stats import rankdata

    array = _numbers(values, name, 3)
    if array.min() == array.max():
        raise ValueError(f"{name} are all {array[0]:g}: equal numbers have no order, so no rank correlation either")
    return np.asarray(rankdata(array), np.float64)


def _rank_correlation(x: Floats, y: Floats) -> Floats:
    """Spearman's correlation in every row; not a number where a row is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (x, y))
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)), np.float64)
