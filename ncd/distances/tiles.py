"""
Sums of a kernel over all pairs of vectors, tile by tile: the matrix of all pairs is never there.

With vectors scaled by the bandwidth and with their mean at the origin, one matrix product gives a tile of
e = -|x - y|^2 / 2: the two halves of the norms stand in columns of their own, each as a float and what it has lost. The
kernel is a function of e, taken in place while the tile is in the cache. Of a symmetric matrix one half is computed.

**Error.** A product of d + 4 columns in floats of unit roundoff u errs by at most 2 (d + 4) u r^2 in e, with r the
length of the longest scaled vector, and the Gaussian and the rational kernel by no more than e does. float32
(u = 2^-24) is taken where that bound is below 1e-3, and below 1e-3 of the usual -e (the median of some pairs), as it is
by far with a bandwidth of about the median distance and without far outliers. Elsewhere float64, by the same rule with
1e-8; in few dimensions, and where float64 is not enough, differences of coordinates. The bound is for the worst case:
values of normal vectors err by less than 2e-7 (`bench.samples_speed`), and sums by less still. Where the usual -e is
small, as with a bandwidth far above the distances, values near 1 would round what they differ by: then 1 is taken off
all of them, which no difference of means notices. A row of a tile is summed pairwise in its own type, everything else
in float64. Distances and the Laplace kernel take the root of e: they are of float64, and err by 2 r sqrt((d + 4) u) at
most, where vectors nearly coincide (4e-7 r for d = 300).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from threading import Event, Lock, Thread
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Form", "Tiles", "in_blas_threads"]

Floats = NDArray[np.float64]
#: A function of two vectors: a kernel, or their distance.
Form = Literal["gaussian", "laplace", "rational", "linear", "distance", "exponent"]
T = TypeVar("T")

_SIDE = 512  # vectors of a tile: 1 MB in float32, what the cache of a core holds
_SINGLE, _DOUBLE = 2.0**-24, 2.0**-53
_SINGLE_ERROR, _DOUBLE_ERROR = 1e-3, 1e-8
_NEAR_ONE = 0.1  # of the usual -e: with less, 1 is taken off the kernel
_LEAST_SINGLE = 1e-20  # of the usual -e: squares of smaller numbers have few digits in float32
_PAIRS = 1_024  # that the usual -e is of
_FEW_DIMENSIONS = 4
_SMOOTH = ("gaussian", "rational")  # they err by no more than e does


def values_of(form: Form, e: NDArray[Any], less_one: bool = False) -> NDArray[Any]:
    """The function of two vectors from e = -|x - y|^2 / 2 (from the product of vectors for linear), in place."""
    if form == "linear":
        return e
    np.minimum(e, 0, out=e)
    if form == "exponent":
        return e
    if form == "rational":
        divisor = 1 - e
        return np.divide(e, divisor, out=e) if less_one else np.reciprocal(divisor, out=e)
    if form != "gaussian":
        e *= -2
        np.sqrt(e, out=e)
        if form == "distance":
            return e
        np.negative(e, out=e)
    return np.expm1(e, out=e) if less_one else np.exp(e, out=e)


def _usual_exponent(vectors: Floats, bandwidth: float | Floats) -> float:
    """The median of |x - y|^2 / 2 of some pairs of vectors that differ; 0 where none do."""
    some = vectors[:: -(-len(vectors) // _PAIRS)]
    difference = (some - np.roll(some, -(-len(some) // 2), axis=0)) / bandwidth
    squares = np.einsum("ij,ij->i", difference, difference) / 2
    squares = squares[squares > 0]
    return float(np.median(squares)) if len(squares) else 0.0


class Tiles:
    """
    Values of a kernel of a bandwidth, or distances, between any two of N vectors.

    `gaussian` is exp(-|x - y|^2 / 2), `exponent` its logarithm, `laplace` exp(-|x - y|), `rational`
    1 / (1 + |x - y|^2 / 2), `linear` x y and `distance` |x - y|, of vectors divided by the bandwidth (a number, or one
    for each coordinate) and with their mean at the origin. With `less_one` they are the kernel less 1.
    """

    def __init__(self, vectors: Floats, form: Form, bandwidth: float | Floats = 1.0) -> None:
        self.form: Form = form
        with np.errstate(over="ignore", invalid="ignore"):
            rows = vectors - vectors.mean(0)
            rows /= bandwidth
            norms = np.einsum("ij,ij->i", rows, rows)
            usual = _usual_exponent(vectors, bandwidth)
        if not np.isfinite(rows).all():
            raise ValueError(
                f"the vectors hold values up to {np.abs(vectors).max():.3g}, which cannot be subtracted or divided by "
                f"a bandwidth of {np.min(bandwidth):.3g}: rescale them"
            )
        n, d = rows.shape
        bound = 2 * (d + 4) * float(norms.max())
        scale = min(1.0, usual)
        single = form in _SMOOTH and scale >= _LEAST_SINGLE and bound * _SINGLE <= _SINGLE_ERROR * scale
        self.less_one = form in (*_SMOOTH, "laplace") and usual < _NEAR_ONE
        self._rows: Floats | None = None
        alone = 0.0 if form in ("distance", "exponent") or self.less_one else 1.0
        self.diagonal = norms if form == "linear" else np.full(n, alone)
        if form == "linear":
            if not np.isfinite(bound):
                raise ValueError("the products of the vectors are no finite numbers: rescale them")
            self._left = self._right = rows
        elif not single and (d <= _FEW_DIMENSIONS or not bound * _DOUBLE <= _DOUBLE_ERROR * scale):
            # An outlier moves the mean so far that the others' digits are lost: not the median.
            self._rows = (vectors - np.median(vectors, axis=0)) / bandwidth
        else:
            dtype = np.float32 if single else np.float64
            halves = np.empty((n, 2), dtype)
            halves[:, 0] = norms / -2
            halves[:, 1] = norms / -2 - halves[:, 0]
            ones = np.ones((n, 2), dtype)
            rows = rows.astype(dtype, copy=False)
            self._left, self._right = np.hstack([rows, halves, ones]), np.hstack([rows, ones, halves])
        self.dtype: np.dtype[Any] = np.dtype(np.float64 if self._rows is not None else self._left.dtype)

    def __len__(self) -> int:
        return len(self.diagonal)

    def block(self, i: slice, j: slice, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Values between vectors i and vectors j, where i and j are equal 0 on the diagonal; in `out` if it fits."""
        if self._rows is not None:
            from scipy.spatial.distance import cdist

            e = cdist(self._rows[i], self._rows[j], "sqeuclidean")
            e *= -0.5
        else:
            left, right = self._left[i], self._right[j].T
            shape = (len(left), right.shape[1])
            e = np.matmul(left, right, out=out if out is not None and out.shape == shape else None)
        values = values_of(self.form, e, self.less_one)
        if i == j:
            np.fill_diagonal(values, 0)
        return values

    def _row(self, first: int) -> Iterator[tuple[slice, slice, NDArray[Any]]]:
        """The tiles of one row of them from the diagonal on."""
        n = len(self)
        i = slice(first, min(first + _SIDE, n))
        buffer = np.empty((_SIDE, _SIDE), self.dtype) if self._rows is None else None
        for start in range(first, n, _SIDE):
            j = slice(start, min(start + _SIDE, n))
            yield i, j, self.block(i, j, buffer)

    def group_sums(self, sizes: Sequence[int], n_jobs: int | None = None) -> Floats:
        """
        Sums over all pairs i, j of different vectors, for i and j in each of the groups that follow each other.

        Returns
        -------
        ndarray of float64, shape (n_groups, n_groups)
            Symmetric; both orders of a pair within a group count.
        """
        edges = np.concatenate([[0], np.cumsum(sizes)])
        n_groups = len(sizes)

        def of_row(first: int) -> Floats:
            sums = np.zeros((n_groups, n_groups))
            for i, j, tile in self._row(first):
                (a, rows), (b, columns) = _groups_in(edges, i), _groups_in(edges, j)
                inner = np.add.reduceat(tile, columns, axis=1).astype(np.float64)
                part = np.add.reduceat(inner, rows, axis=0)
                sums[a : a + len(rows), b : b + len(columns)] += part
                if i != j:
                    sums[b : b + len(columns), a : a + len(rows)] += part.T
            return sums

        result = np.zeros((n_groups, n_groups))
        for part in in_blas_threads(of_row, range(0, len(self), _SIDE), n_jobs):
            result += part
        return (result + result.T) / 2  # the same to the last digit

    def chosen_sums(self, chosen: NDArray[np.bool_], n_jobs: int | None = None) -> tuple[Floats, Floats, float]:
        """
        For each of P choices of vectors, sums over pairs i, j of different vectors.

        Parameters
        ----------
        chosen : ndarray of bool, shape (N, P)
        n_jobs : int or None

        Returns
        -------
        both, one : ndarray of float64, shape (P,)
            Over all pairs of chosen ones; over all pairs whose first is chosen.
        total : float
            Over all pairs.
        """
        choices = chosen.shape[1]

        def of_row(first: int) -> tuple[Floats, Floats]:
            both, every = np.zeros(choices), np.zeros(len(self))
            for i, j, tile in self._row(first):
                products = tile @ chosen[j].astype(self.dtype)
                products[~chosen[i]] = 0
                twice = 1.0 if i == j else 2.0
                both += twice * products.sum(axis=0, dtype=np.float64)
                every[i] += tile.sum(axis=1, dtype=np.float64)
                if i != j:
                    every[j] += tile.sum(axis=0, dtype=np.float64)
            return both, every

        both, every = np.zeros(choices), np.zeros(len(self))
        for part, sums in in_blas_threads(of_row, range(0, len(self), _SIDE), n_jobs):
            both += part
            every += sums
        one = np.zeros(choices)
        for first in range(0, len(self), _SIDE):
            one += every[first : first + _SIDE] @ chosen[first : first + _SIDE]
        return both, one, float(every.sum())


def _groups_in(edges: NDArray[np.int64], part: slice) -> tuple[int, NDArray[np.int64]]:
    """The first group in a stretch of vectors, and where each of its groups begins, counted from its start."""
    first = int(np.searchsorted(edges, part.start, "right")) - 1
    last = int(np.searchsorted(edges, part.stop, "left"))
    return first, np.maximum(edges[first:last] - part.start, 0)


class _OneBlasThread:
    """
    While somebody is inside, products of matrices are made by the thread that asks for them.

    The limit is one for the whole process, and only the thread that has set it may take it back: a thread of its own
    does both, for the first who comes in and after the last who goes out.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._over = Lock(), 0, Event()
        self._holder: Thread | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                set_now, self._over = Event(), Event()
                self._holder = Thread(target=self._hold, args=(set_now, self._over), daemon=True)
                self._holder.start()
                set_now.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._holder is not None:
                self._over.set()
                self._holder.join()

    @staticmethod
    def _hold(set_now: Event, over: Event) -> None:
        try:
            with _controller().limit(limits=1, user_api="blas"):
                set_now.set()
                over.wait()
        finally:
            set_now.set()


@cache
def _controller() -> Any:
    """The libraries that are loaded."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_one_blas_thread = _OneBlasThread()


def in_blas_threads(task: Callable[[int], T], items: Sequence[int], n_jobs: int | None) -> Iterator[T]:
    """`task` of each item in threads, whose matrix products keep to theirs; results in the order of the items."""
    import joblib

    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0):
        raise ValueError(f"n_jobs is {n_jobs!r}: give a number of threads, -1 for all cores, or None")
    nested = joblib.parallel.get_active_backend()[0].nesting_level
    jobs = (1 if nested else joblib.cpu_count()) if n_jobs is None else joblib.effective_n_jobs(n_jobs)
    workers = min(jobs, len(items))
    if len(items) <= 1:
        yield from map(task, items)
        return
    with _one_blas_thread:  # also for one worker: products round otherwise in more threads
        if workers <= 1:
            yield from map(task, items)
            return
        parallel = joblib.Parallel(n_jobs=workers, backend="threading", batch_size=1, return_as="generator")
        yield from parallel(joblib.delayed(task)(item) for item in items)
