"""Distances between two samples of vectors by means over pairs: maximum mean discrepancy and energy distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, seed
from ncd.distances.cells import as_filled
from ncd.distances.tiles import Form, Tiles

__all__ = ["Kernel", "PairMeans", "checked_samples", "energy_distance", "median_distance", "mmd", "pooled_samples"]

Floats = NDArray[np.float64]
#: Kernels of vectors.
Kernel = Literal["gaussian", "laplace", "rational", "linear"]

_MEDIAN_OF = 2_000  # vectors
_LARGEST = 1e300


def checked_samples(samples: Sequence[ArrayLike], names: Sequence[str], least: int = 1) -> list[NDArray[np.generic]]:
    """Samples of vectors of one dimension; `least` vectors are needed of each."""
    arrays = [as_filled(sample, name) for sample, name in zip(samples, names, strict=True)]
    for array, name in zip(arrays, names, strict=True):
        if array.shape[1] != arrays[0].shape[1]:
            raise ValueError(
                f"{names[0]} has vectors of dimension {arrays[0].shape[1]} and {name} of {array.shape[1]}: "
                "give vectors of one embedder"
            )
    for array, name in zip(arrays, names, strict=True):
        if len(array) < least:
            raise ValueError(f"{name} has {len(array)} vectors: {least} are needed")
    return arrays


def pooled_samples(samples: Sequence[ArrayLike], names: Sequence[str], least: int = 1) -> tuple[Floats, list[int]]:
    """The same one after another in float64, and how many vectors each has."""
    arrays = checked_samples(samples, names, least)
    for array, name in zip(arrays, names, strict=True):
        if (largest := float(np.abs(array.astype(np.float64)).max())) > _LARGEST:
            raise ValueError(f"{name} holds values up to {largest:.3g}, whose distances are not finite: rescale it")
    return np.concatenate([array.astype(np.float64) for array in arrays]), [len(array) for array in arrays]


def checked_biased(biased: object) -> bool:
    """Whether an estimate is of all pairs."""
    if not isinstance(biased, bool | np.bool_):
        raise TypeError(f"biased is {biased!r}: give True or False")
    return bool(biased)


def checked_kernel(kernel: Kernel) -> Kernel:
    """A kernel's name."""
    if kernel not in get_args(Kernel):
        raise ValueError(f"kernel is {kernel!r}: choose from {', '.join(map(repr, get_args(Kernel)))}")
    return kernel


def median_distance(vectors: ArrayLike, *, random_state: int = 0) -> float:
    """
    The median rule for a kernel's bandwidth: the median of the Euclidean distances above 0 of all pairs i < j.

    Of more than 2,000 vectors 2,000 are drawn without replacement, all with equal chances.

    Parameters
    ----------
    vectors : array_like of shape (n, d)
    random_state : int
        Seed of the draw.

    Returns
    -------
    float
        1 where no two vectors differ.

    References
    ----------
    D. Garreau, W. Jitkrittum, M. Kanagawa (2017), Large sample analysis of the median heuristic, arXiv 1707.07269.

    Examples
    --------
    >>> median_distance([0, 1, 3])
    2.0
    """
    from scipy.spatial.distance import pdist

    rows = as_filled(vectors, "vectors").astype(np.float64)
    if len(rows) > _MEDIAN_OF:
        rows = rows[np.sort(np.random.default_rng(seed(random_state)).choice(len(rows), _MEDIAN_OF, replace=False))]
    largest = np.abs(rows).max()
    if largest == 0:
        return 1.0
    distances = pdist(rows / largest)
    distances = distances[distances > 0]
    return float(np.median(distances) * largest) if len(distances) else 1.0


def bandwidth_of(vectors: Floats, bandwidth: float | str, random_state: int) -> float:
    """A bandwidth by its rule, or as it is given."""
    random_state = seed(random_state)
    if isinstance(bandwidth, str):
        if bandwidth != "median":
            raise ValueError(f"bandwidth is {bandwidth!r}: give 'median' or a number above 0")
        return median_distance(vectors, random_state=random_state)
    return real_number(bandwidth, "bandwidth", "give 'median' or a number above 0", lambda h: 0 < h < math.inf)


class PairMeans(NamedTuple):
    """Sums over the pairs of two samples, or of many choices of two: within each, between them, and of k(x, x)."""

    first: Floats
    second: Floats
    between: Floats
    first_alone: Floats
    second_alone: Floats
    sizes: tuple[int, int]

    @classmethod
    def of_groups(cls, tiles: Tiles, sizes: Sequence[int], n_jobs: int | None) -> PairMeans:
        """Of two samples that follow each other."""
        n, m = sizes
        sums = tiles.group_sums(sizes, n_jobs)
        alone = tiles.diagonal
        return cls(sums[0, 0], sums[1, 1], sums[0, 1], alone[:n].sum(), alone[n:].sum(), (n, m))

    @classmethod
    def of_choices(cls, tiles: Tiles, chosen: NDArray[np.bool_], sizes: Sequence[int], n_jobs: int | None) -> PairMeans:
        """Of the chosen and the other vectors, for each column."""
        n, m = sizes
        both, one, total = tiles.chosen_sums(chosen, n_jobs)
        alone = np.array([tiles.diagonal[column].sum() for column in chosen.T])
        return cls(both, total - 2 * one + both, one - both, alone, tiles.diagonal.sum() - alone, (n, m))

    def discrepancy(self, biased: bool) -> Floats:
        """Mean within the first and within the second less twice the mean between them."""
        n, m = self.sizes
        if biased:
            within = (self.first + self.first_alone) / n**2 + (self.second + self.second_alone) / m**2
        else:
            within = self.first / (n * (n - 1)) + self.second / (m * (m - 1))
        return np.asarray(within - 2 * self.between / (n * m))

    def size(self) -> float:
        """The largest of the means that discrepancies are differences of: what rounding is in proportion to."""
        n, m = self.sizes
        means = (
            (self.first + self.first_alone) / n**2,
            (self.second + self.second_alone) / m**2,
            self.between / (n * m),
        )
        return max(float(np.abs(mean).max()) for mean in means)


def kernel_tiles(vectors: Floats, kernel: Kernel, bandwidth: float | str, random_state: int) -> tuple[Tiles, float]:
    """Values of a kernel, and its bandwidth (1 for the linear one, which has none)."""
    form: Form = checked_kernel(kernel)
    if kernel == "linear":
        bandwidth_of(vectors[:1], bandwidth, random_state)
        return Tiles(vectors, form), 1.0
    width = bandwidth_of(vectors, bandwidth, random_state)
    return Tiles(vectors, form, width), width


def distance_tiles(vectors: Floats) -> tuple[Tiles, float]:
    """Euclidean distances in units of the largest coordinate's size, and that size."""
    unit = float(np.abs(vectors).max()) or 1.0
    return Tiles(vectors, "distance", unit), unit


def mmd(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: float | Literal["median"] = "median",
    biased: bool = False,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> float:
    r"""
    Maximum mean discrepancy of two samples, squared: how far apart their means are in the feature space of a kernel.

    .. math:: MMD^2 = \mathbb E k(x, x') + \mathbb E k(y, y') - 2\, \mathbb E k(x, y)

    estimated by means over pairs: of different vectors within a sample (unbiased; may be below 0), or of all pairs
    (biased; never below 0, too large by about (1/n + 1/m)(1 - E k)).

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d), or (n,) and (m,)
        Two samples of vectors, at least two of each (one if biased). Order does not matter.
    kernel : {"gaussian", "laplace", "rational", "linear"}
        With bandwidth h: :math:`e^{-|x - y|^2 / 2h^2}`, :math:`e^{-|x - y| / h}`, :math:`1 / (1 + |x - y|^2 / 2h^2)`,
        and x y, which compares the means of the vectors only.
    bandwidth : "median" or float
        h; "median": `median_distance` of both samples together. Nothing to the linear kernel.
    biased : bool
    random_state : int
        Seed of the median rule, which draws from more than 2,000 vectors.
    n_jobs : int or None
        Threads; None: one for each core.

    Returns
    -------
    float
        An estimate of the square. It has no scale of its own: see `mmd_test` for a p-value.

    Raises
    ------
    TypeError, ValueError
        For samples that are empty, hold what is not finite, or have vectors of different dimension; an unknown kernel;
        a bandwidth that is not above 0.

    Notes
    -----
    Time O((n + m)^2 d), memory O((n + m) d): the matrix of all pairs is computed in tiles, one half of it. Products are
    of float32 where no value of the kernel can err by more than 1e-3 by that, nor by more than 1e-3 of what values
    usually differ from 1 by (as measured, of normal vectors, by 2e-7, and the estimate by 1e-9), else of float64 or of
    differences; ``ncd.distances.tiles`` has the bound. Sums are of
    float64.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola (2012), A kernel two-sample test, JMLR 13,
       equations 3 (unbiased) and 5 (biased).

    Examples
    --------
    >>> mmd([0, 1], [0, 1], kernel="linear", biased=True)
    0.0
    >>> round(mmd([[0, 0], [1, 0]], [[3, 0], [4, 0]], bandwidth=1), 3)
    1.134
    """
    vectors, sizes = pooled_samples([X, Y], ["X", "Y"], 1 if checked_biased(biased) else 2)
    tiles, _ = kernel_tiles(vectors, kernel, bandwidth, random_state)
    found = float(PairMeans.of_groups(tiles, sizes, n_jobs).discrepancy(biased))
    return max(found, 0.0) if biased else found


def energy_distance(X: ArrayLike, Y: ArrayLike, *, n_jobs: int | None = None) -> float:
    r"""
    Energy distance of two samples.

    .. math:: D = \sqrt{2\, \mathbb E |x - y| - \mathbb E |x - x'| - \mathbb E |y - y'|}

    with means over all pairs of the samples. It is 0 only for equal samples, has the unit of the square root of the
    vectors' unit, and needs no bandwidth. For numbers it is `scipy.stats.energy_distance`.

    Parameters
    ----------
    X, Y : array_like of shape (n, d) and (m, d), or (n,) and (m,)
    n_jobs : int or None
        Threads; None: one for each core.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For samples that are empty, hold what is not finite, or have vectors of different dimension.

    Notes
    -----
    Time O((n + m)^2 d), of numbers O((n + m) log(n + m)); memory O((n + m) d).

    References
    ----------
    .. [1] G. J. Szekely, M. L. Rizzo (2013), Energy statistics: a class of statistics based on distances, Journal of
       Statistical Planning and Inference 143.

    Examples
    --------
    >>> round(energy_distance([0, 0], [2, 2]), 6)
    2.0
    """
    vectors, sizes = pooled_samples([X, Y], ["X", "Y"])
    if vectors.shape[1] == 1:
        from scipy.stats import energy_distance as of_numbers

        unit = float(np.abs(vectors).max()) or 1.0
        numbers = vectors[:, 0] / unit
        return float(of_numbers(numbers[: sizes[0]], numbers[sizes[0] :]) * math.sqrt(unit))
    tiles, unit = distance_tiles(vectors)
    return root_of(-PairMeans.of_groups(tiles, sizes, n_jobs).discrepancy(biased=True) * unit)


def root_of(square: NDArray[np.float64] | float) -> float:
    """The root of what rounding may have taken below 0."""
    return math.sqrt(max(0.0, float(square)))
