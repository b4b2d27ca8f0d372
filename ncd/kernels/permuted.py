"""Products of a matrix with another one whose rows and columns are put in another order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import kernel

__all__ = ["permuted_products"]


@kernel
def permuted_products(
    x: NDArray[np.float64], y: NDArray[np.float64], orders: NDArray[np.int64], result: NDArray[np.float64]
) -> None:
    """
    For each order o the sum of ``x[o[i], o[j]] * y[i, j]`` over j < i, without a copy of x in that order.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n, n)
    orders : ndarray of int64, shape (m, n)
    result : ndarray of float64, shape (m,)
        Filled in.
    """
    n = len(x)
    for m in range(len(orders)):
        order = orders[m]
        even = odd = 0.0  # two sums: neither waits for the other
        for i in range(1, n):
            row, other = x[order[i]], y[i]
            for j in range(0, i - 1, 2):
                even += row[order[j]] * other[j]
                odd += row[order[j + 1]] * other[j + 1]
            if i % 2:
                even += row[order[i - 1]] * other[i - 1]
        result[m] = even + odd
