"""Whether two matrices of distances between the same texts agree."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import seed, whole_number
from ncd.compare.intervals import Estimate, confidence, draws, percentiles, plain

__all__ = ["MantelTest", "mantel", "neighbor_overlap", "trustworthiness"]

Floats = NDArray[np.float64]
Correlation: TypeAlias = Literal["pearson", "spearman"]
Alternative: TypeAlias = Literal["two-sided", "greater"]
_RESAMPLES = 1000
_ROUNDING = 1e-12  # sums of the same numbers differ in their last bits with their order


@dataclass(frozen=True)
class MantelTest:
    """
    The correlation of two distance matrices.

    Attributes
    ----------
    value, low, high : float
        The correlation over pairs of different texts, and its bootstrap interval.
    p_value : float
        Of the hypothesis that the texts of one matrix have nothing to do with those of the other.
    n : int
        Number of texts.
    n_permutations : int
    level : float
        Confidence level of the interval.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int
    n_permutations: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], p = {self.p_value:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; ends that are not finite are None."""
        return plain(asdict(self))


def mantel(
    first: ArrayLike,
    second: ArrayLike,
    *,
    method: Correlation = "pearson",
    alternative: Alternative = "two-sided",
    n_permutations: int = 999,
    level: float = 0.95,
    random_state: int = 0,
) -> MantelTest:
    """
    Mantel's test: do texts that are far apart in one matrix lie far apart in the other?

    The correlation is over the n (n - 1)/2 pairs. Pairs of the same text are not independent, so its p-value comes from
    permutations of the texts of one matrix, (1 + count)/(1 + n_permutations), and its interval from drawing texts with
    replacement, where a text never makes a pair with itself. For ``"spearman"`` the distances are replaced by their
    ranks first, once. The two of d(x, y) and d(y, x) are averaged, the diagonal is ignored.

    Time is O(n^2) for a permutation and for a draw (seconds in all for 1,000 texts and 999 permutations), memory a
    few times that of the matrices in float64.

    Parameters
    ----------
    first, second : array_like of float, shape (n, n)
        Distances between the same n >= 4 texts in the same order.
    method : {"pearson", "spearman"}
    alternative : {"two-sided", "greater"}
        Which correlations count as more extreme: those as far from 0, or as large.
    n_permutations : int
        0 for none: the p-value is then 1.
    level : float
        Confidence level of the interval.
    random_state : int
        Seed of permutations and draws.

    Returns
    -------
    MantelTest

    Raises
    ------
    TypeError, ValueError
        For matrices that are not square, of different size, not finite, or of equal distances only.

    References
    ----------
    N. Mantel, The detection of disease clustering and a generalized regression approach, Cancer Research 27, 1967.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.random.default_rng(0).random(30)
    >>> line = abs(points[:, None] - points)
    >>> found = mantel(line, line ** 2)
    >>> round(found.value, 2), found.p_value
    (0.96, 0.001)
    """
    if method not in get_args(Correlation):
        raise ValueError(f"method is {method!r}: choose from {', '.join(get_args(Correlation))}")
    if alternative not in get_args(Alternative):
        raise ValueError(f"alternative is {alternative!r}: choose from {', '.join(get_args(Alternative))}")
    count = whole_number(n_permutations, "n_permutations", 0)
    confidence(level)
    random = np.random.default_rng(seed(random_state))
    a, b = _matrices(first, second, 4)
    x, y = _standard(a, method, "first"), _standard(b, method, "second")
    n = len(x)
    value = float((x * y).sum())
    permuted = 2 * _permuted(x, y, count, random)
    if alternative == "two-sided":
        as_extreme = np.abs(permuted) >= abs(value) - _ROUNDING
    else:
        as_extreme = permuted >= value - _ROUNDING
    low, high = percentiles(_resampled(x, y, random), level)
    return MantelTest(value, low, high, (1 + int(as_extreme.sum())) / (1 + count), n, count, level)


def neighbor_overlap(
    first: ArrayLike,
    second: ArrayLike,
    *,
    k: int = 10,
    n_resamples: int = 2000,
    level: float = 0.95,
    random_state: int = 0,
) -> Estimate:
    """
    The share of a text's k nearest neighbours in one matrix that are so in the other too, averaged over the texts.

    Two matrices that have nothing in common share k/(n - 1). Equal distances are put in an order at random, in each
    matrix its own, so that ties make no agreement.

    Parameters
    ----------
    first, second : array_like of float, shape (n, n)
        Distances between the same texts; a row holds those of a text to all others. The diagonal is ignored.
    k : int
        Neighbours, 1 to n - 1.
    n_resamples, level, random_state
        As in `ncd.compare.bootstrap`; the seed is that of the ties too.

    Returns
    -------
    Estimate
        Its interval is a bootstrap over texts, the neighbours of each held fixed.

    Raises
    ------
    TypeError, ValueError
        For bad matrices or a k that there are not so many neighbours for.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.random.default_rng(0).random(30)
    >>> line = abs(points[:, None] - points)
    >>> neighbor_overlap(line, line ** 2, k=3).value
    1.0
    """
    a, b = _matrices(first, second, 3)
    k = whole_number(k, "k", 1, len(a) - 1, of=f"with {len(a)} texts")
    random = np.random.default_rng(seed(random_state))
    members = np.zeros(a.shape, np.bool_)
    np.put_along_axis(members, _order(a, random)[:, :k], True, axis=1)
    shared = np.take_along_axis(members, _order(b, random)[:, :k], axis=1).mean(1)
    return _mean(shared, n_resamples, level, random_state)


def trustworthiness(
    first: ArrayLike,
    second: ArrayLike,
    *,
    k: int = 10,
    n_resamples: int = 2000,
    level: float = 0.95,
    random_state: int = 0,
) -> Estimate:
    """
    Whether the k nearest neighbours in the second matrix are near in the first, far ones counting by how far.

    T(k) = 1 - 2/(n k (2n - 3k - 1)) sum_i sum_j max(0, r(i, j) - k) over the k nearest j of i in the second matrix,
    with r(i, j) the rank of j among the neighbours of i in the first. 1 says that all are neighbours there too, about
    1/2 that the two matrices have nothing in common. With the matrices exchanged it is the *continuity*. The function
    of the same name in scikit-learn takes coordinates for the second matrix; of these it gives the same numbers.

    Parameters
    ----------
    first, second : array_like of float, shape (n, n)
        Distances between the same texts; the diagonal is ignored.
    k : int
        Neighbours, 1 to (n - 1)/2.
    n_resamples, level, random_state
        As in `neighbor_overlap`.

    Returns
    -------
    Estimate

    Raises
    ------
    TypeError, ValueError
        For bad matrices or a k outside its range.

    References
    ----------
    J. Venna, S. Kaski, Neighborhood preservation in nonlinear projection methods: an experimental study, ICANN 2001,
    equation 1.

    Examples
    --------
    >>> import numpy as np
    >>> points = np.random.default_rng(0).random(30)
    >>> line = abs(points[:, None] - points)
    >>> trustworthiness(line, line ** 2, k=3).value
    1.0
    """
    a, b = _matrices(first, second, 3)
    n = len(a)
    k = whole_number(k, "k", 1, (n - 1) // 2, of=f"with {n} texts")
    random = np.random.default_rng(seed(random_state))
    ranks = np.empty((n, n), np.int64)
    np.put_along_axis(ranks, _order(a, random), np.arange(1, n + 1), axis=1)
    found = np.take_along_axis(ranks, _order(b, random)[:, :k], axis=1)
    values = 1 - 2 / (k * (2 * n - 3 * k - 1)) * np.maximum(0, found - k).sum(1)
    return _mean(values, n_resamples, level, random_state)


def _matrices(first: ArrayLike, second: ArrayLike, least: int) -> tuple[Floats, Floats]:
    """Two square matrices of finite numbers of one size."""
    checked = []
    for name, given in (("first", first), ("second", second)):
        try:
            matrix = np.array(given, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} is no matrix of numbers: {error}") from error
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"{name} has shape {matrix.shape}: give distances of n texts to each other, (n, n)")
        if len(matrix) < least:
            raise ValueError(f"{name} has {len(matrix)} texts: give {least} or more")
        np.fill_diagonal(matrix, 0.0)
        if not np.isfinite(matrix).all():
            i, j = np.argwhere(~np.isfinite(matrix))[0]
            raise ValueError(f"{name}[{i}, {j}] is not finite")
        checked.append(matrix)
    if len(checked[0]) != len(checked[1]):
        raise ValueError(
            f"first has {len(checked[0]):,} texts and second {len(checked[1]):,}: give distances of the same texts"
        )
    return checked[0], checked[1]


def _standard(matrix: Floats, method: Correlation, name: str) -> Floats:
    """Distances (or their ranks) with mean 0 and squares that add up to 1 over the pairs; a diagonal of 0."""
    from scipy.stats import rankdata

    upper = np.triu_indices(len(matrix), 1)
    pairs = (matrix + matrix.T)[upper] / 2
    if pairs.min() == pairs.max():
        raise ValueError(f"{name} has equal distances only: they correlate with nothing")
    if method == "spearman":
        pairs = rankdata(pairs)
    pairs = pairs / np.abs(pairs).max()  # squares of tiny or huge distances
    pairs -= pairs.mean()
    pairs /= np.sqrt(2 * (pairs @ pairs))
    result = np.zeros_like(matrix)
    result[upper] = pairs
    return result + result.T


def _permuted(x: Floats, y: Floats, count: int, random: np.random.Generator) -> Floats:
    """Sums over pairs of products, with the texts of x in orders drawn at random."""
    from ncd.kernels.jit import announced
    from ncd.kernels.permuted import permuted_products

    orders = random.permuted(np.tile(np.arange(len(x)), (count, 1)), axis=1)
    sums = np.empty(count)
    with announced("permutations of a matrix"):
        permuted_products(x, y, orders, sums)
    return sums


def _resampled(x: Floats, y: Floats, random: np.random.Generator) -> Floats:
    """Correlations when texts are drawn with replacement: sums over pairs, weighted by how often both were drawn."""
    n = len(x)
    weights = random.multinomial(n, np.full(n, 1 / n), _RESAMPLES).astype(np.float64)

    def weighted(values: Floats) -> Floats:
        return np.asarray(((weights @ values) * weights).sum(1), np.float64)

    total = weights.sum(1) ** 2 - (weights**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = weighted(x) / total, weighted(y) / total
        covariance = weighted(x * y) / total - mean_x * mean_y
        spread = (weighted(x * x) / total - mean_x**2) * (weighted(y * y) / total - mean_y**2)
        return np.asarray(covariance / np.sqrt(spread), np.float64)


def _order(matrix: Floats, random: np.random.Generator) -> NDArray[np.int64]:
    """Every row's texts by distance, equal ones in random order, the row's own text last."""
    keys = matrix.copy()
    np.fill_diagonal(keys, np.inf)
    return np.asarray(np.lexsort((random.random(keys.shape, np.float32), keys), axis=1), np.int64)


def _mean(values: Floats, n_resamples: int, level: float, random_state: int) -> Estimate:
    """A mean over texts with its bootstrap interval."""
    drawn = np.concatenate([values[rows].mean(1) for rows in draws(len(values), n_resamples, random_state)])
    low, high = percentiles(drawn, confidence(level))
    return Estimate(float(values.mean()), low, high, len(values), level)
