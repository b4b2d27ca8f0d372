"""
Distances of vectors: what stands beside distances of code lengths where texts have been embedded.

Every function takes two arrays of vectors, (n, d) and (m, d), and returns the (n, m) distances in float64; smaller
means more alike. Numbers may be of any size that float64 has.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["VECTOR_METRICS", "VectorMetric", "cosine_distances", "euclidean_distances", "get_vector_metric"]

Floats: TypeAlias = NDArray[np.float64]
#: A distance of vectors: a function of arrays (n, d) and (m, d) that gives (n, m).
VectorMetric: TypeAlias = Callable[[Any, Any], Any]

_CANCELLED = 1e-6  # of the squared norms: what is left of a squared distance below that has few digits
_EXACT_VALUES = 1 << 20
_USUAL = (1e-100, 1e100)  # sizes whose squares are neither 0 nor infinite


def cosine_distances(A: ArrayLike, B: ArrayLike) -> Floats:
    r"""
    Cosine distance, :math:`1 - \langle a, b \rangle / (|a| |b|)`.

    Range 0 to 2; symmetric; independent of length. A vector of zeros has no direction: its distance is 1 from
    everything, itself included.

    Parameters
    ----------
    A, B : array_like, shapes (n, d) and (m, d)

    Returns
    -------
    ndarray of float64, shape (n, m)

    Raises
    ------
    ValueError
        If they are not two-dimensional, have vectors of different dimensions, or hold NaN or infinity.

    Examples
    --------
    >>> cosine_distances([[1, 0], [1, 1]], [[2, 0]]).round(3).tolist()
    [[0.0], [0.293]]
    """
    left, right = (_directions(vectors) for vectors in _checked(A, B))
    return np.clip(1.0 - left @ right.T, 0.0, 2.0)


def euclidean_distances(A: ArrayLike, B: ArrayLike) -> Floats:
    r"""
    Euclidean distance, :math:`|a - b|_2`.

    Computed from :math:`|a|^2 + |b|^2 - 2 \langle a, b \rangle` after the mean of all vectors is taken off, and from
    the differences themselves where that loses its digits, so that equal vectors have distance 0.

    Parameters
    ----------
    A, B : array_like, shapes (n, d) and (m, d)

    Returns
    -------
    ndarray of float64, shape (n, m)

    Raises
    ------
    ValueError
        If they are not two-dimensional, have vectors of different dimensions, or hold NaN or infinity.

    Examples
    --------
    >>> euclidean_distances([[0, 0], [3, 4]], [[3, 4]]).tolist()
    [[5.0], [0.0]]
    """
    left, right = _checked(A, B)
    if not left.size or not right.size:
        return np.zeros((len(left), len(right)))
    exponent = _exponent(max(np.abs(left).max(), np.abs(right).max()))
    if exponent:
        left, right = np.ldexp(left, -exponent), np.ldexp(right, -exponent)
    centre = (left.sum(axis=0) + right.sum(axis=0)) / (len(left) + len(right))
    a, b = left - centre, right - centre
    norms = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :]
    squared = norms - 2.0 * (a @ b.T)
    rows, columns = np.nonzero(squared <= _CANCELLED * norms)
    step = max(1, _EXACT_VALUES // max(1, left.shape[1]))
    for first in range(0, len(rows), step):
        i, j = rows[first : first + step], columns[first : first + step]
        squared[i, j] = np.square(left[i] - right[j]).sum(axis=1)
    distances = np.sqrt(squared)
    return np.ldexp(distances, exponent) if exponent else distances


def _checked(A: ArrayLike, B: ArrayLike) -> tuple[Floats, Floats]:
    """Two arrays of finite vectors of one dimension."""
    left, right = np.asarray(A, np.float64), np.asarray(B, np.float64)
    for name, array in (("A", left), ("B", right)):
        if array.ndim != 2:
            raise ValueError(f"{name} has shape {array.shape}: give an array of vectors, one a row")
        if not np.isfinite(array).all():
            row = int(np.argwhere(~np.isfinite(array))[0][0])
            raise ValueError(f"{name}[{row}] holds NaN or infinity: vectors are finite numbers")
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"A has vectors of {left.shape[1]} numbers and B of {right.shape[1]}: give as many in both")
    return left, right


def _exponent(largest: float) -> int:
    """The power of two to divide by, so that squares are neither 0 nor infinite; 0 where they are not anyway."""
    return 0 if largest == 0 or _USUAL[0] <= largest <= _USUAL[1] else int(np.frexp(largest)[1])


def _directions(array: Floats) -> Floats:
    """The vectors at length one; zeros stay."""
    largest = np.abs(array).max(axis=1, initial=0.0)[:, None]
    if ((largest > 0) & ((largest < _USUAL[0]) | (largest > _USUAL[1]))).any():
        array = np.ldexp(array, -np.frexp(largest)[1])
    norms = np.sqrt(np.einsum("ij,ij->i", array, array))[:, None]
    return np.divide(array, norms, out=np.zeros_like(array), where=norms > 0)


#: Distances of vectors by name.
VECTOR_METRICS: dict[str, VectorMetric] = {"cosine": cosine_distances, "euclidean": euclidean_distances}


def get_vector_metric(metric: str | VectorMetric) -> VectorMetric:
    """
    A distance of vectors by name, or a function as it is.

    Raises
    ------
    ValueError
        If the name is not known; the message lists the choices.

    Examples
    --------
    >>> get_vector_metric("cosine").__name__
    'cosine_distances'
    """
    if callable(metric):
        return metric
    if metric in VECTOR_METRICS:
        return VECTOR_METRICS[metric]
    near = difflib.get_close_matches(str(metric), VECTOR_METRICS, n=1)
    hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
    raise ValueError(
        f"metric is {metric!r}: vectors of an embedder have no code lengths; {hint} from "
        f"{', '.join(map(repr, VECTOR_METRICS))}, or give a function of two arrays of vectors"
    )
