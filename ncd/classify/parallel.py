"""Work for compiled kernels on all cores: threads, since they hold no lock; results in order, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, TypeVar

import joblib
import numpy as np
from numpy.typing import NDArray

from ncd.engines.workers import count

__all__ = ["in_threads", "runs"]

T = TypeVar("T")

_RUN = 1 << 18  # symbols of a run of texts, about


def in_threads(task: Callable[[Any], T], items: Iterable[Any], n_jobs: int | None) -> list[T]:
    """`task` of each item, in the order of the items."""
    items = list(items)
    workers = min(count(n_jobs), len(items))
    if n_jobs is None:
        workers = min(workers, joblib.cpu_count())  # threads run here, also where a cluster is in force
    if workers <= 1:
        return [task(item) for item in items]
    return list(
        joblib.Parallel(n_jobs=workers, backend="threading", batch_size=1)(joblib.delayed(task)(i) for i in items)
    )


def runs(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Texts in runs of about equal size, which depend on the texts only: first text, and the one after the last."""
    n = len(offsets) - 1
    size = max(1, min(_RUN, int(offsets[-1]) // 16))
    cuts = np.unique(np.searchsorted(offsets[:-1], np.arange(0, offsets[-1] + 1, size)))
    edges = [*cuts[cuts < n].tolist(), n]
    return [(first, last) for first, last in pairwise(edges) if last > first]
