"""Matrices of distances, checked; and clusters, numbered in order."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Floats", "as_matrix", "in_order", "refuse_negative"]

Floats: TypeAlias = NDArray[np.float64]


def as_matrix(distances: ArrayLike, name: str = "distances") -> Floats:
    """
    A square matrix of finite distances, made symmetric by the mean of d(x, y) and d(y, x), its diagonal 0.

    Raises
    ------
    ValueError
        If it is not square, is empty, or has an element that is not finite.
    """
    try:
        matrix = np.array(distances, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no matrix of distances: {error}") from error
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"{name} has shape {matrix.shape}: give a square matrix of distances, n x n")
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise ValueError(f"{name}[{row}, {column}] is {matrix[row, column]}: distances must be finite")
    return (matrix + matrix.T) / 2


def refuse_negative(distances: Floats, what: str) -> None:
    """Raise for distances below 0, such as bits saved, where they are used as weights or in quotients."""
    if (distances < 0).any():
        raise ValueError(f"a distance is {distances.min():.4g}: {what} takes none below 0, choose another metric")


def in_order(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Clusters numbered from 0 in the order of their first samples."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[codes.reshape(-1)]
