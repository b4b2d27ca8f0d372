"""Cost of a segment in a kernel matrix: how far its units lie from their mean in feature space."""

from __future__ import annotations

import math
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd import memory
from ncd.arguments import real_number, whole_number
from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.units import Units
from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength

__all__ = ["KernelCost", "finite_matrix", "gram_of", "of_length_one", "rank_transform"]

#: Similarities of embeddings.
Kernel = Literal["cosine", "rbf", "linear"]
_MOST = 1e306  # of a sum of all similarities
_REMEDY = "cut the text into larger or fewer units, or choose a cost that keeps no matrix, such as 'words'"


def finite_matrix(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """A matrix of numbers."""
    try:
        matrix = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {values!r:.60}: give a matrix of numbers") from None
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{name} has shape {matrix.shape}: give a matrix")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds NaN or infinite values: give finite ones")
    return matrix


def gram_of(embeddings: ArrayLike, kernel: Kernel = "cosine", *, bandwidth: float | None = None) -> NDArray[np.float64]:
    """
    Kernel matrix of vectors.

    Parameters
    ----------
    embeddings : array_like of shape (n, d)
        A vector for each unit.
    kernel : {"cosine", "rbf", "linear"}
        cosine: ``x y / (|x| |y|)``, 0 with a vector of zeros; rbf: ``exp(-|x - y|^2 / (2 h^2))``; linear: ``x y``.
    bandwidth : float, optional
        h; default: the median distance of two vectors, or 1 if that is 0.

    Returns
    -------
    ndarray of float64, shape (n, n)

    Raises
    ------
    ValueError
        If the vectors or their products are not finite, the kernel is none of these, or `bandwidth` is not above 0.
    MemoryError
        If n x n numbers do not fit in memory.

    Examples
    --------
    >>> gram_of([[1, 0], [2, 0], [0, 1]]).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if kernel not in get_args(Kernel):
        raise ValueError(f"kernel is {kernel!r}: choose from {', '.join(map(repr, get_args(Kernel)))}")
    if bandwidth is not None:
        bandwidth = real_number(bandwidth, "bandwidth", "give a number above 0", lambda h: 0 < h < math.inf)
    vectors = finite_matrix(embeddings, "embeddings")
    if kernel == "cosine":
        vectors = of_length_one(vectors)
    products = memory.new_matrix((len(vectors), len(vectors)), np.float64, _REMEDY)
    with np.errstate(over="ignore", invalid="ignore"):
        if kernel == "rbf":
            vectors = vectors - vectors.mean(0)  # so that no digits are lost far from the origin
        np.matmul(vectors, vectors.T, out=products)
        if kernel == "rbf":
            squares = np.diagonal(products).copy()
            products *= -2
            products += squares[:, None]
            products += squares
            np.maximum(products, 0, out=products)
    if not np.isfinite(products).all():
        raise ValueError(
            f"embeddings hold values up to {np.abs(embeddings).max():.3g}, whose products are no finite numbers: "
            "divide them by their largest one"
        )
    if kernel != "rbf":
        return products
    if bandwidth is None:
        others = products[np.triu_indices(len(products), 1)]
        bandwidth = math.sqrt(float(np.median(others))) if len(others) else 1.0
        bandwidth = bandwidth or 1.0
    with np.errstate(over="ignore"):
        products /= -bandwidth
        products /= bandwidth
        products /= 2
    return np.exp(products, out=products)


def of_length_one(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows divided by their lengths; those of zeros as they are. Scaled before, so that no square is lost."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.divide(scaled, norms, out=scaled, where=norms > 0)


def rank_transform(matrix: ArrayLike, size: int = 11) -> NDArray[np.float64]:
    """
    Each entry's rank among its neighbours: the share of those in a square around it that are smaller.

    Ranks are comparable where similarities of short texts are not (Choi 2000, who takes 11 x 11).

    Parameters
    ----------
    matrix : array_like of shape (n, m)
    size : int
        Side of the square, an odd number from 3 on; at the border the part inside the matrix counts.

    Returns
    -------
    ndarray of float64, shape (n, m)
        From 0 to 1. 0 where an entry has no neighbours.

    Raises
    ------
    ValueError
        If `size` is even or below 3.

    Examples
    --------
    >>> rank_transform([[1, 2], [3, 4]], 3).round(2).tolist()
    [[0.0, 0.33], [0.67, 1.0]]
    """
    if whole_number(size, "size", 3) % 2 == 0:
        raise ValueError(f"size is {size}: give an odd number from 3 on")
    values = finite_matrix(matrix, "matrix")
    n, m = values.shape
    smaller, around = np.zeros((n, m), np.int32), np.zeros((n, m), np.int32)
    reach = size // 2
    for down in range(-min(reach, n - 1), min(reach, n - 1) + 1):
        for right in range(-min(reach, m - 1), min(reach, m - 1) + 1):
            if down or right:
                here = slice(max(0, -down), n - max(0, down)), slice(max(0, -right), m - max(0, right))
                there = slice(max(0, down), n + min(0, down)), slice(max(0, right), m + min(0, right))
                smaller[here] += values[there] < values[here]
                around[here] += 1
    return smaller / np.maximum(around, 1)


class KernelCost(SegmentCost):
    """
    Scatter of a segment's units around their mean in the feature space of a kernel k:

        c(s, e) = sum_i k(i, i) - 1/(e - s) sum_{i, j} k(i, j),    i, j = s ... e - 1.

    A matrix of prefix sums gives each cost by four look-ups. Costs are in the kernel's units, not in bits: give the
    number of segments. They fall with every further cut, and penalties in bits do not say where to stop.

    Where no matrix is given, `fit` computes k = 1 - NCD of all pairs of units, the mean of both orders; units should be
    sentences, lines or longer, as short ones have hardly anything in common for a compressor. 1 - NCD is not exactly a
    kernel (not positive definite), so that a cost may be slightly negative.

    n units take 8 n^2 bytes for the prefix sums and as many for the matrix: 1.6 GB for 10,000 units.

    Parameters
    ----------
    matrix : array_like of shape (n, n), optional
        Similarities of the units, symmetric: a kernel matrix. See `of_distances` and `of_embeddings`.
    compressor : str or Compressor
        Of the NCD, where no matrix is given.
    rank : int, optional
        Replace similarities by their ranks in squares of so many units (`rank_transform`); 11 is Choi's.
    Attributes
    ----------
    matrix : ndarray of float64, shape (n, n)
        After `fit`.

    References
    ----------
    S. Arlot, A. Celisse, Z. Harchaoui, "A kernel multiple change-point algorithm via model selection", JMLR 20 (2019);
    F. Y. Y. Choi, "Advances in domain independent linear text segmentation", NAACL 2000 (ranks).

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> units = split_units("1\\n2\\n3\\n4\\n", "lines")
    >>> cost = KernelCost.of_embeddings([[1, 0], [1, 0], [0, 1], [0, 1]]).fit(units)
    >>> cost.gains(0, 4).round(2).tolist()
    [0.67, 2.0, 0.67]
    """

    name = "kernel"

    def __init__(
        self,
        matrix: ArrayLike | None = None,
        *,
        compressor: str | SupportsLength = "ppm:3",
        rank: int | None = None,
    ) -> None:
        self._given = None if matrix is None else _symmetric(matrix)
        self.compressor = get_compressor(compressor)
        if rank is not None:
            rank_transform([[0.0]], rank)  # raises where it is no size
        self.rank = rank

    @classmethod
    def of_distances(cls, distances: ArrayLike, **options: Any) -> Self:
        """
        From a matrix of distances, such as NCD: k = 1 - (d + transposed d)/2; options as of the class.

        Parameters
        ----------
        distances : array_like of shape (n, n)
        """
        d = finite_matrix(distances, "distances")
        if d.shape[0] != d.shape[1]:
            raise ValueError(f"distances have shape {d.shape}: give a square matrix")
        return cls(1 - (d / 2 + d.T / 2), **options)

    @classmethod
    def of_embeddings(
        cls, embeddings: ArrayLike, kernel: Kernel = "cosine", *, bandwidth: float | None = None, **options: Any
    ) -> Self:
        """
        From a vector for each unit; see `gram_of`; options as of the class.

        Parameters
        ----------
        embeddings : array_like of shape (n, d)
        kernel : {"cosine", "rbf", "linear"}
        bandwidth : float, optional
        """
        return cls(gram_of(embeddings, kernel, bandwidth=bandwidth), **options)

    def __repr__(self) -> str:
        source = (
            f"compressor={self.compressor.name!r}" if self._given is None else f"matrix of {len(self._given)} units"
        )
        ranks = "" if self.rank is None else f", rank={self.rank}"
        return f"KernelCost({source}{ranks})"

    def fit(self, units: Units) -> Self:
        """
        Compute the matrix and its prefix sums.

        Raises
        ------
        ValueError
            If there are no units, or not as many as the given matrix has, or its values are too large to be summed.
        MemoryError
            If n x n numbers do not fit in memory.
        """
        if not len(units):
            raise ValueError("units are empty: there is nothing to cut")
        if self._given is not None and len(self._given) != len(units):
            raise ValueError(
                f"matrix is of {len(self._given)} units and the text has {len(units)}: give one row a unit"
            )
        sums = memory.new_matrix((len(units) + 1, len(units) + 1), np.float64, _REMEDY)
        matrix = self._similarities(units) if self._given is None else self._given
        if self.rank is not None:
            matrix = rank_transform(matrix, self.rank)
        self.units, self.matrix = units, matrix
        largest = max(float(matrix.max()), -float(matrix.min()))
        if largest * len(units) ** 2 > _MOST:
            raise ValueError(
                f"matrix holds values up to {largest:.3g}: their sums are beyond floats; divide it by that"
            )
        sums[0], sums[:, 0] = 0, 0
        np.cumsum(matrix, axis=0, out=sums[1:, 1:])
        np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
        self._sums, self._square = sums, np.diagonal(sums).copy()
        self._trace = np.concatenate([[0.0], np.cumsum(np.diagonal(matrix))])
        return self

    def _similarities(self, units: Units) -> NDArray[np.float64]:
        """1 - NCD of every pair of units."""
        from ncd.pairwise import pairwise

        distances = pairwise(units[:], compressor=self.compressor, symmetrize="mean", progress=False)
        return np.subtract(1, distances, dtype=np.float64)

    def _costs(self, starts: Any, ends: Any, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Costs from the sums of the rectangles before."""
        sizes = ends - starts
        inside = self._square[ends] - 2 * sums + self._square[starts]
        return np.asarray(self._trace[ends] - self._trace[starts] - inside / sizes)

    def growing(self, start: int, stop: int) -> NDArray[np.float64]:
        """Costs c(start, e) for e = start + 1 ... stop, an array of shape (stop - start,)."""
        return self._costs(start, np.arange(start + 1, stop + 1), self._sums[start, start + 1 : stop + 1])

    def evaluate(self, starts: ArrayLike, ends: ArrayLike) -> NDArray[np.float64]:
        """Costs of many segments, an array of the shape of `starts`."""
        starts, ends = np.asarray(starts), np.asarray(ends)
        return self._costs(starts, ends, self._sums[starts, ends])


def _symmetric(values: ArrayLike) -> NDArray[np.float64]:
    """A symmetric matrix."""
    matrix = finite_matrix(values, "matrix")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix has shape {matrix.shape}: give a square one")
    with np.errstate(over="ignore"):
        symmetric = np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-9)
    if not symmetric:
        raise ValueError("matrix is not symmetric: give (m + m.T) / 2, or use KernelCost.of_distances")
    return matrix
