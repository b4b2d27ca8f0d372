"""Are two samples of vectors from one distribution? Tests by permutation, and one in linear time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import seed, whole_number
from ncd.distances.discrepancy import (
    Kernel,
    PairMeans,
    bandwidth_of,
    checked_biased,
    checked_kernel,
    distance_tiles,
    kernel_tiles,
    pooled_samples,
)
from ncd.distances.tiles import Tiles, values_of

__all__ = ["SampleTest", "energy_test", "linear_time_mmd", "mmd_test"]

Floats = NDArray[np.float64]

_ROUNDING = 2e-13  # of sums in float64, in proportion to the largest mean
_LEAST_TERMS = 20  # of a linear-time statistic


@dataclass(frozen=True)
class SampleTest:
    """
    Result of a test of two samples.

    Attributes
    ----------
    statistic : float
        Large where the samples differ.
    p_value : float
        Probability of a statistic as large or larger if both are from one distribution.
    method : str
        "mmd", "energy" or "linear-time mmd".
    sizes : tuple of int
        Vectors of both samples.
    kernel : str or None
    bandwidth : float or None
    n_permutations : int or None
        None where the p-value is from Student's t distribution.
    standard_error : float or None
        Of the statistic, where it is known.
    null : ndarray of float64, shape (n_permutations,)
        The statistic of every permutation.
    """

    statistic: float
    p_value: float
    method: str
    sizes: tuple[int, int]
    kernel: str | None = None
    bandwidth: float | None = None
    n_permutations: int | None = None
    standard_error: float | None = None
    null: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the permutations' statistics as plain Python values."""
        names = ("statistic", "p_value", "method", "sizes", "kernel", "bandwidth", "n_permutations", "standard_error")
        return {name: list(value) if isinstance(value := getattr(self, name), tuple) else value for name in names}

    def __repr__(self) -> str:
        n, m = self.sizes
        how = "Student's t" if self.n_permutations is None else f"{self.n_permutations:,} permutations"
        what = f"{self.method} {self.statistic:.4g} of {n:,} and {m:,} vectors"
        return f"<SampleTest: {what}, p = {self.p_value:.3g} ({how})>"


def _permuted(
    tiles: Tiles, sizes: list[int], biased: bool, random_state: int, n: int, n_jobs: int | None, factor: float = 1.0
) -> tuple[Floats, float]:
    """
    The discrepancy, times a factor, of the samples as they are and of n random divisions of all vectors.

    And the p-value of the first: what differs by rounding is as large. Sums of float64 err by that of a few hundred
    terms; those of float32, which is taken for vectors of about one size, by far less than their spread.
    """
    rng = np.random.default_rng(random_state)
    chosen = np.zeros((len(tiles), n + 1), np.bool_)
    chosen[: sizes[0], 0] = True
    for column in range(1, n + 1):
        chosen[rng.choice(len(tiles), sizes[0], replace=False, shuffle=False), column] = True
    means = PairMeans.of_choices(tiles, chosen, sizes, n_jobs)
    values = factor * means.discrepancy(biased)
    slack = _ROUNDING * abs(factor) * means.size()
    if tiles.dtype == np.float32:
        slack += 1e-5 * float(values.std())
    return values, float((values >= values[0] - slack).mean())


def _statistic(value: float, biased: bool) -> float:
    """A discrepancy; one of all pairs is not below 0 but for rounding."""
    return max(0.0, float(value)) if biased else float(value)


def mmd_test(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: float | Literal["median"] = "median",
    biased: bool = False,
    n_permutations: int = 999,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> SampleTest:
    """
    Test whether two samples are from one distribution, by their maximum mean discrepancy.

    The p-value is (1 + b) / (1 + B), with b of B random divisions of all vectors into two samples of these sizes having
    a discrepancy as large: P(p <= a) <= a for every a and every distribution, if under the hypothesis all orders of the
    vectors are equally likely. Vectors of neighbouring words or sentences depend on each other, and then p-values are
    too small: take one vector of each document.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d)
    kernel, bandwidth, biased : see `mmd`
        The median rule looks at both samples together, so that it does not disturb the test.
    n_permutations : int
        B, 19 or more: the p-value is at least 1 / (1 + B).
    random_state : int
        Seed of the permutations and of the median rule.
    n_jobs : int or None
        Threads; None: one for each core.

    Returns
    -------
    SampleTest
        Its statistic is `mmd`, but for rounding.

    Raises
    ------
    TypeError, ValueError
        As `mmd`.

    Notes
    -----
    Each tile of the kernel matrix is multiplied by the 0/1 memberships of all permutations: time
    O((n + m)^2 (d + B)), memory O((n + m) (d + B)).

    References
    ----------
    .. [1] A. Gretton et al. (2012), A kernel two-sample test, JMLR 13.
    .. [2] B. Phipson, G. K. Smyth (2010), Permutation p-values should never be zero, Statistical Applications in
       Genetics and Molecular Biology 9.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> mmd_test(rng.normal(0, 1, (50, 3)), rng.normal(1, 1, (40, 3)), n_permutations=199)
    <SampleTest: mmd 0.1658 of 50 and 40 vectors, p = 0.005 (199 permutations)>
    """
    vectors, sizes = pooled_samples([X, Y], ["X", "Y"], 1 if checked_biased(biased) else 2)
    n_permutations = whole_number(n_permutations, "n_permutations", 19)
    tiles, width = kernel_tiles(vectors, kernel, bandwidth, random_state)
    values, p_value = _permuted(tiles, sizes, biased, random_state, n_permutations, n_jobs)
    return SampleTest(
        _statistic(values[0], biased),
        p_value,
        "mmd",
        (sizes[0], sizes[1]),
        kernel,
        None if kernel == "linear" else width,
        n_permutations,
        null=values[1:],
    )


def energy_test(
    X: ArrayLike, Y: ArrayLike, *, n_permutations: int = 999, random_state: int = 0, n_jobs: int | None = None
) -> SampleTest:
    """
    Test whether two samples are from one distribution, by their energy distance.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d)
    n_permutations, random_state, n_jobs : see `mmd_test`

    Returns
    -------
    SampleTest
        Its statistic is the square of `energy_distance`; the p-value is as in `mmd_test`.

    Raises
    ------
    TypeError, ValueError
        As `energy_distance`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> energy_test(rng.normal(0, 1, 60), rng.normal(0, 3, 60), n_permutations=199).p_value
    0.005
    """
    vectors, sizes = pooled_samples([X, Y], ["X", "Y"])
    n_permutations = whole_number(n_permutations, "n_permutations", 19)
    tiles, unit = distance_tiles(vectors)
    values, p_value = _permuted(tiles, sizes, True, seed(random_state), n_permutations, n_jobs, -unit)
    return SampleTest(
        _statistic(values[0], True),
        p_value,
        "energy",
        (sizes[0], sizes[1]),
        n_permutations=n_permutations,
        null=values[1:],
    )


def linear_time_mmd(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: float | Literal["median"] = "median",
    random_state: int = 0,
) -> SampleTest:
    r"""
    Maximum mean discrepancy, squared, from n/2 quadruples of vectors in place of all pairs, with Student's t.

    .. math:: \frac{1}{\lfloor n/2 \rfloor} \sum_i k(x_{2i-1}, x_{2i}) + k(y_{2i-1}, y_{2i})
              - k(x_{2i-1}, y_{2i}) - k(x_{2i}, y_{2i-1})

    over the vectors in random order, as many of each sample as the smaller one has. Unbiased, with a standard error
    from the spread of the terms, and far noisier than `mmd`: for samples too large for that.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d)
        At least 40 vectors of each, which make 20 terms.
    kernel, bandwidth : see `mmd`
    random_state : int
        Seed of the order and of the median rule.

    Returns
    -------
    SampleTest
        The p-value is from Student's t distribution with terms - 1 degrees of freedom, and never below 1/2 to the power
        of the number of terms: without a difference they are above 0 as often as below, independently.

    Raises
    ------
    TypeError, ValueError
        As `mmd`.

    Notes
    -----
    Time and memory O(n d).

    References
    ----------
    .. [1] A. Gretton et al. (2012), A kernel two-sample test, JMLR 13, lemma 14.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = linear_time_mmd(rng.normal(0, 1, (4000, 3)), rng.normal(0.5, 1, (4000, 3)))
    >>> found.p_value < 1e-6
    True
    """
    from scipy.stats import t

    vectors, sizes = pooled_samples([X, Y], ["X", "Y"], 2 * _LEAST_TERMS)
    width = 1.0 if checked_kernel(kernel) == "linear" else bandwidth_of(vectors, bandwidth, random_state)
    rng = np.random.default_rng(seed(random_state))
    used = min(sizes) // 2 * 2
    x = vectors[rng.permutation(sizes[0])[:used]]
    y = vectors[sizes[0] + rng.permutation(sizes[1])[:used]]
    x1, x2, y1, y2 = x[::2], x[1::2], y[::2], y[1::2]
    terms = _kernel_of_rows(kernel, width, x1, x2) + _kernel_of_rows(kernel, width, y1, y2)
    terms -= _kernel_of_rows(kernel, width, x1, y2) + _kernel_of_rows(kernel, width, x2, y1)
    error = float(terms.std(ddof=1) / np.sqrt(len(terms)))
    statistic = float(terms.mean())
    least = 2.0 ** -len(terms)
    if error > 0:
        p_value = max(float(t.sf(statistic / error, len(terms) - 1)), least)
    else:
        p_value = least if statistic > 0 else 1.0
    return SampleTest(
        statistic,
        p_value,
        "linear-time mmd",
        (sizes[0], sizes[1]),
        kernel,
        None if kernel == "linear" else width,
        standard_error=error,
    )


def _kernel_of_rows(kernel: Kernel, width: float, a: Floats, b: Floats) -> Floats:
    """k(a_i, b_i) for each i, less 1 but for the linear kernel: a term of both signs does without it."""
    if kernel == "linear":
        return np.einsum("ij,ij->i", a, b)
    difference = (a - b) / width
    return values_of(kernel, np.einsum("ij,ij->i", difference, difference) / -2, less_one=True)
