"""Code lengths of chosen pairs instead of all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines import host, workers
from ncd.engines.host import Block, Job
from ncd.engines.tuning import tuned

__all__ = ["lengths"]

Places: TypeAlias = NDArray[np.int64]

_PROBE_SECONDS = 0.01
_TASK_SECONDS = 0.25  # what Ctrl-C waits for
_LEAST_TASK_SECONDS = 0.005
_PRIMED_PAIRS = 64  # at least in a task, so that hardly any text primes a coder twice
_KERNEL_TEXTS = 256, 512  # first texts in a task for the kernel, least and most
_BYTES_AT_ONCE = 1 << 26


def lengths(
    job: Job,
    xs: Packed,
    ys: Packed,
    rows: Places,
    columns: Places,
    *,
    n_jobs: int | None,
    advance: Callable[[int], None] | None = None,
) -> NDArray[Any]:
    """
    Code lengths of pairs of texts.

    Pairs with the same first text are computed together, in whatever order they are given: the coder is primed with
    it once.

    Parameters
    ----------
    job : Job
    xs, ys : Packed
    rows, columns : ndarray of int64, shape (p,)
        The pairs: the numbers of their texts in `xs` and in `ys`.
    n_jobs : int or None
        As in `ncd.engines.host.run`.
    advance : callable, optional
        Called with the number of pairs just done.

    Returns
    -------
    ndarray, shape (p,)
        What ``job.lengths(xs, ys)[rows, columns]`` would be.
    """
    job = tuned(replace(job, kernel=False, device="host"), xs, ys, len(rows), "host")
    order = np.argsort(columns if job.order == "yx" else rows, kind="stable")
    rows, columns = rows[order], columns[order]
    result = np.empty(len(order), job.compressor.dtype)
    common = job, xs.data, xs.offsets, ys.data, ys.offsets

    def keep(start: int, values: NDArray[Any]) -> None:
        result[order[start : start + len(values)]] = values
        if advance is not None:
            advance(len(values))

    done, seconds = 0, 0.0
    if job.kernel:
        seconds = host.seconds_per_pair(job, xs, ys)
        edges = _kernel_edges(columns if job.order == "yx" else rows, workers.count(n_jobs))
    else:  # the first pairs show how fast it is
        began, step = time.perf_counter(), 1
        while done < len(order) and (done == 0 or time.perf_counter() - began < _PROBE_SECONDS):
            keep(*_compute(*common, (done, rows[done : done + step], columns[done : done + step])))
            done, step = min(done + step, len(order)), 2 * step
        seconds = max((time.perf_counter() - began) / done, 1e-7)
        most = min(_TASK_SECONDS, max(_LEAST_TASK_SECONDS, seconds * len(order) / (32 * workers.count(n_jobs))))
        pairs = max(int(most / seconds), _PRIMED_PAIRS if job.joint == "primed" else 1)
        edges = [*range(done, len(order), pairs), len(order)]
    tasks = [(a, rows[a:b], columns[a:b]) for a, b in pairwise(edges)]
    left = len(order) - done
    for start, values in host.dispatch(job, _compute, common, tasks, left, n_jobs=n_jobs, pair_seconds=seconds):
        keep(start, values)
    return result


def _kernel_edges(firsts: Places, jobs: int) -> list[int]:
    """Where tasks for the kernel begin and end: each has many first texts, which share the preparation of others."""
    starts = _starts(firsts)
    some = max(math.ceil(len(starts) / (4 * jobs)), min(_KERNEL_TEXTS[0], math.ceil(len(starts) / jobs)))
    return [*starts[:: min(some, _KERNEL_TEXTS[1])].tolist(), len(firsts)]


def _compute(
    job: Job,
    x_data: NDArray[np.uint8],
    x_offsets: NDArray[np.int64],
    y_data: NDArray[np.uint8],
    y_offsets: NDArray[np.int64],
    task: tuple[int, Places, Places],
) -> tuple[int, NDArray[Any]]:
    """Code lengths of some pairs, those with the same first text beside each other; in whichever worker."""
    start, rows, columns = task
    return start, _lengths(job, Packed(x_data, x_offsets), Packed(y_data, y_offsets), rows, columns)


def _lengths(job: Job, xs: Packed, ys: Packed, rows: Places, columns: Places) -> NDArray[Any]:
    """Code lengths of pairs, in halves where their texts are too large for memory."""
    if len(rows) == 1:
        i, j = int(rows[0]), int(columns[0])
        return job.block(xs, ys, Block(i, i + 1, j, j + 1))[0]
    turned = job.order == "yx"
    (heads, firsts), (tails, seconds) = ((ys, columns), (xs, rows)) if turned else ((xs, rows), (ys, columns))
    starts = _starts(firsts)
    if _size(heads, firsts[starts]) + _size(tails, seconds) <= _BYTES_AT_ONCE:
        values = np.empty(len(rows), job.compressor.dtype)
        edges = pairwise([*starts.tolist(), len(rows)])
        try:
            if job.kernel:
                return _by_kernel(job, xs, ys, rows, columns)
            some = _take(tails, seconds)
            for head, (a, b) in zip(_take(heads, firsts[starts]), edges, strict=True):
                values[a:b] = job.lengths(some[a:b], [head])[:, 0] if turned else job.lengths([head], some[a:b])[0]
            return values
        except MemoryError:
            pass
    middle = len(rows) // 2
    halves = (slice(None, middle), slice(middle, None))
    return np.concatenate([_lengths(job, xs, ys, rows[half], columns[half]) for half in halves])


def _by_kernel(job: Job, xs: Packed, ys: Packed, rows: Places, columns: Places) -> NDArray[Any]:
    """Code lengths of pairs as part of a matrix of all their texts."""
    (above, i), (across, j) = (np.unique(places, return_inverse=True) for places in (rows, columns))
    wanted = np.zeros((len(above), len(across)), bool)
    wanted[i, j] = True
    return job.lengths_where(wanted, _take(xs, above), _take(ys, across))[i, j]


def _starts(firsts: Places) -> Places:
    """Where another first text begins."""
    return np.concatenate([[0], np.flatnonzero(np.diff(firsts)) + 1])


def _size(texts: Packed, places: Places) -> int:
    """Bytes of some of the texts."""
    return int((texts.offsets[places + 1] - texts.offsets[places]).sum())


def _take(texts: Packed, places: Places) -> list[bytes]:
    """Some of the texts; faster than one by one."""
    data: Any = texts.data.data
    edges = zip(texts.offsets[places].tolist(), texts.offsets[places + 1].tolist(), strict=True)
    return [bytes(data[start:stop]) for start, stop in edges]
