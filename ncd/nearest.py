"""The nearest of many, kept while blocks of distances come and go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.distances.lengths import METRICS
from ncd.engines.host import Block
from ncd.pairs import Distances

__all__ = ["Nearest", "nearest_on_gpu"]


class Nearest:
    """
    The k nearest columns of every row, from blocks of a matrix in any order; equal distances by column.

    Parameters
    ----------
    shape : (int, int)
        Of the matrix.
    k : int
    own : bool
        The matrix is of texts with themselves: the diagonal is left out.

    Attributes
    ----------
    distances : ndarray of float64, shape (n, k)
        Nearest first.
    indices : ndarray of int64, shape (n, k)
    """

    def __init__(self, shape: tuple[int, int], k: int, *, own: bool) -> None:
        n, m = shape
        self.k, self.own = k, own
        self.distances = np.full((n, k), np.inf)
        self.indices = np.full((n, k), m, np.int64)  # m, beyond every column: an empty place

    def add(self, block: Block, values: NDArray[np.float64]) -> None:
        """Take from a block what is nearer than what is there."""
        rows = slice(block.top, block.bottom)
        best, index = self.distances[rows], self.indices[rows]
        limit = best[:, -1:]
        if values.shape[1] > self.k + 1 and not np.isfinite(limit).all():
            # One more than k, since one of them may be on the diagonal.
            limit = np.minimum(limit, np.partition(values, self.k, axis=1)[:, self.k : self.k + 1])
        near = values <= limit
        if self.own:
            same = np.arange(max(block.top, block.left), min(block.bottom, block.right))
            near[same - block.top, same - block.left] = False
        row, column = np.nonzero(near)
        changed, row = np.unique(row, return_inverse=True)
        if not len(changed):
            return
        # All candidates of all rows in one list, sorted by row, distance and column: the first k of each row stay.
        row = np.concatenate([np.repeat(np.arange(len(changed)), self.k), row])
        value = np.concatenate([best[changed].ravel(), values[near]])
        place = np.concatenate([index[changed].ravel(), column + block.left])
        order = np.lexsort((place, value, row))
        starts = np.searchsorted(row[order], np.arange(len(changed)))
        first = order[starts[:, None] + np.arange(self.k)]
        best[changed], index[changed] = value[first], place[first]


def nearest_on_gpu(
    distances: Distances, k: int, n_jobs: int | None, progress: bool | None
) -> tuple[NDArray[np.float64], NDArray[np.int64]] | None:
    """Distances and indices of the k nearest, kept on the card; None where the card cannot say which they are."""
    from ncd.engines import cuda

    pairs, job = distances.pairs, distances.pairs.job
    name = next((name for name, entry in METRICS.items() if entry[0] is distances.metric), None)
    if name not in cuda.METRICS or k > cuda.MOST_NEIGHBORS or distances.symmetrize or job.order != "xy":
        return None
    distances.measure_alone(n_jobs, progress)
    lx, ly = distances.lx, distances.ly
    if min(lx.min(), ly.min()) <= 0:
        return None
    primed = job.joint == "primed"
    return cuda.top_k(
        pairs.xs,
        pairs.ys,
        k,
        metric=name,
        lx=lx,
        ly=ly,
        add=lx if primed else job.compressor.overhead - distances.cut,
        separator=job.separator,
        primed=primed,
        own=pairs.own,
    )
