"""A CUDA kernel that keeps the nearest texts of every row: distances of lengths, and lists of the best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ncd.engines.cuda_device import cuda, launched, on_device
from ncd.kernels.deflate_batch import LANES

__all__ = ["nearest"]


@on_device
def _ratio(numerator: Any, denominator: Any) -> Any:
    """As in `ncd.distances.lengths`."""
    return 0.0 if denominator == 0.0 and numerator == 0.0 else numerator / denominator


@on_device
def _distance(metric: Any, x: Any, y: Any, xy: Any, log_y: Any) -> Any:
    """
    A distance of `ncd.distances.lengths`, by its place in `ncd.engines.cuda.METRICS`.

    The same operations on the same numbers in the same order. IEEE 754 leaves none of them a choice, and the logarithm,
    which it would, comes from where it always does.
    """
    if metric == 0:
        return _ratio(xy - min(x, y), max(x, y))
    if metric == 1:
        return _ratio(xy - x, max(x, y))
    if metric == 2:
        return _ratio(xy, x + y)
    if metric == 3:
        return 1.0 - _ratio(x + y - xy, xy)
    if metric == 4:
        return 1.0 - _ratio(x + y - xy, np.float64(math.sqrt(x * y)))
    if metric == 5:
        return _ratio(xy - x - y, log_y)
    return _ratio(xy - x, y)


@on_device
def _enter(distances: Any, places: Any, held: Any, distance: Any, place: Any) -> Any:
    """Enter a candidate into a list of the nearest, sorted by distance and place; returns how many there are."""
    most = distances.shape[0]
    if held == most:
        last = distances[most - 1]
        if distance > last or (distance == last and place > places[most - 1]):
            return held
    else:
        held += 1
    at = held - 1
    while at > 0 and (distance < distances[at - 1] or (distance == distances[at - 1] and place < places[at - 1])):
        distances[at], places[at] = distances[at - 1], places[at - 1]
        at -= 1
    distances[at], places[at] = distance, place
    return held


@launched
def nearest(
    lengths: Any,
    metric: Any,
    lx: Any,
    ly: Any,
    log_y: Any,
    add: Any,
    own: Any,
    lists: Any,
    counts: Any,
    rare: Any,
    best: Any,
) -> None:
    """
    The nearest texts of every row.

    Parameters
    ----------
    lengths : int32 array, shape (n, m)
        From `cost`. Pairs without a length are listed in `rare`, behind their number.
    metric : int
    lx, ly, log_y : float64 arrays, shapes (n,), (m,), (m,)
    add : float64 array, shape (n,)
        What makes L(xy) of a length in a row.
    own : int
        The column in which the first row's own text is; columns beyond the last one if it is in none.
    lists : pair of arrays, float64 and int32, shape (blocks, k, LANES)
        Scratch memory.
    counts : int32 array, shape (blocks, LANES)
        Scratch memory.
    rare : int32 array
    best : pair of arrays, float64 and int32, shape (n, k)
        Distances and columns; column -1 where there are no more.
    """
    lane, block = cuda.threadIdx.x, cuda.blockIdx.x
    n, m = lengths.shape
    most = best[0].shape[1]
    distances, places = lists[0][block, :, lane], lists[1][block, :, lane]
    for row in range(block, n, cuda.gridDim.x):
        held = 0
        for column in range(lane, m, LANES):
            length = lengths[row, column]
            if column == own + row:
                continue
            if length < 0:
                rare[1 + cuda.atomic.add(rare, 0, 1)] = row * m + column
                continue
            distance = _distance(metric, lx[row], ly[column], np.float64(length) + add[row], log_y[column])
            held = _enter(distances, places, held, distance, column)
        counts[block, lane] = held
        step = LANES // 2
        while step > 0:
            cuda.syncthreads()
            if lane < step:
                for i in range(counts[block, lane + step]):
                    distance = lists[0][block, i, lane + step]
                    held = _enter(distances, places, held, distance, lists[1][block, i, lane + step])
                counts[block, lane] = held
            step //= 2
        if lane == 0:
            for i in range(most):
                best[0][row, i] = distances[i] if i < held else np.inf
                best[1][row, i] = places[i] if i < held else -1
        cuda.syncthreads()
