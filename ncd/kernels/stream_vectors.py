"""Numbers and vectors of a stream, one after another, under a Gaussian code of a reference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["LARGEST", "follow_vectors", "innovations", "limited"]

#: Deviations are cut to this many scales, so that their fourth powers stay finite.
LARGEST = 1e60


@inlined
def _innovation(
    x: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    limit: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    past: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """What the units before do not tell of x; they are the rows of `past`, the newest one first, and x joins them."""
    order = len(past)
    for j in range(len(x)):
        y = min(max((x[j] - centre[j]) / scale[j], -LARGEST), LARGEST)
        rest = y
        for k in range(order):
            rest -= coefficients[k] * past[k, j]
        out[j] = rest
        for k in range(order - 1, 0, -1):
            past[k, j] = past[k - 1, j]
        if order:
            past[0, j] = min(max(y, -limit[j]), limit[j])


@kernel
def innovations(
    units: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    limit: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    past: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """The units less what an autoregression tells of them, (n, d); `past` moves on."""
    for i in range(len(units)):
        _innovation(units[i], centre, scale, limit, coefficients, past, out[i])


@inlined
def _limit_length(vector: NDArray[np.float64]) -> None:
    """Shorten a standardised vector to what is usual, sqrt(d) + 3."""
    square = 0.0
    for j in range(len(vector)):
        square += vector[j] * vector[j]
    longest = math.sqrt(len(vector)) + 3.0
    if square > longest * longest:
        factor = longest / math.sqrt(square)
        for j in range(len(vector)):
            vector[j] *= factor


@kernel
def limited(vectors: NDArray[np.float64]) -> None:
    """Shorten each standardised vector, in place, to sqrt(d) + 3: no single unit sets a window's direction."""
    for i in range(len(vectors)):
        _limit_length(vectors[i])


@kernel
def follow_vectors(
    units: NDArray[np.float64],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
    limit: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    past: NDArray[np.float64],
    mean: NDArray[np.float64],
    whitening: NDArray[np.float64],
    constant: float,
    newest: NDArray[np.float64],
    at: NDArray[np.int64],
    work: NDArray[np.float64],
    squares: NDArray[np.float64],
    drift: NDArray[np.float64],
) -> None:
    """
    Bits of each unit, and how far it goes the way that the newest units before it have gone (numbers: how far upwards).

    Parameters
    ----------
    whitening : (d, d)
        Lower triangle; whitening times an innovation less `mean` has unit covariance.
    newest : (window, d)
        Standardised innovations of the newest units, a ring whose next place is ``at[0]``. If it is empty, `drift` is
        the first component itself.
    constant : float
        Bits of a unit at the mean.
    work : (2, d)
        Scratch.
    squares, drift : (n,)
        Results: bits, and the component along the mean of `newest` in standard deviations.
    """
    window, d = newest.shape
    for i in range(len(units)):
        _innovation(units[i], centre, scale, limit, coefficients, past, work[0])
        for j in range(d):
            work[0, j] -= mean[j]
        square = 0.0
        for j in range(d):
            total = 0.0
            for k in range(j + 1):
                total += whitening[j, k] * work[0, k]
            work[1, j] = total
            square += total * total
        squares[i] = constant + 0.5 * square / math.log(2.0)
        if window == 0:
            drift[i] = work[1, 0]
            continue
        along, length = 0.0, 0.0
        for j in range(d):
            direction = 0.0
            for k in range(window):
                direction += newest[k, j]
            along += direction * work[1, j]
            length += direction * direction
        drift[i] = along / math.sqrt(length) if length > 0.0 else 0.0
        _limit_length(work[1])
        for j in range(d):
            newest[at[0], j] = work[1, j]
        at[0] = (at[0] + 1) % window
