"""What joblib's back end for Dask leaves undone: data that outlive workers, errors that end a run, clusters of one."""

from __future__ import annotations

import concurrent.futures
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

__all__ = ["is_dask", "mended", "recoverable"]

T = TypeVar("T")


def is_dask(backend: Any) -> bool:
    """Whether a back end is joblib's for Dask; which is told without importing that."""
    return type(backend).__name__ == "DaskDistributedBackend"


def recoverable(client: Any, function: Any, common: tuple[Any, ...]) -> tuple[Any, ...]:
    """
    Arrays as results of tasks, which Dask computes again where the workers that had them are lost.

    What joblib would scatter is on one worker at first, and lost with it for good.

    Parameters
    ----------
    client : dask.distributed.Client
    function : callable
        What tasks will do, and `common` its arguments: pickled to see whether they can be, since joblib would wait
        for ever for what cannot.
    common : tuple

    Returns
    -------
    tuple
        `common` with a future in the place of each array; equal ones where it names one array twice.

    Raises
    ------
    TypeError
        If something cannot be pickled.
    """
    import cloudpickle

    try:
        cloudpickle.dumps((function, [part for part in common if not isinstance(part, np.ndarray)]))
    except Exception as error:
        raise TypeError(f"the compressor cannot be sent to the cluster's workers: {error}") from error
    sent: dict[int, Any] = {}
    for part in common:
        if isinstance(part, np.ndarray) and id(part) not in sent:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # sent once, as it advises
                sent[id(part)] = client.submit(_itself, part, pure=False)
    return tuple(sent.get(id(part), part) for part in common)


def _itself(part: T) -> T:
    """What a worker is sent."""
    return part


@contextmanager
def mended(backend: Any) -> Iterator[None]:
    """
    Mend joblib's back end (1.5, 1.6) for a while.

    It would wait for ever for tasks that a worker cannot unpickle, such as where a library is not installed there,
    and for those of which several workers have died. And where a cluster has one worker, perhaps while others are
    starting, it would do everything in this process.

    Parameters
    ----------
    backend : joblib.ParallelBackendBase
        Others than Dask's are left alone.
    """
    if not is_dask(backend) or "submit" in vars(backend):
        yield
        return
    submit, effective = backend.submit, backend.effective_n_jobs

    def reporting(tasks: Any, callback: Callable[[Any], None]) -> Any:
        future = submit(tasks, callback)

        def report(done: concurrent.futures.Future[Any]) -> None:
            if (error := done.exception()) is not None:
                callback(error)

        future.add_done_callback(report)
        return future

    backend.submit = reporting
    backend.effective_n_jobs = lambda n_jobs: max(2, effective(n_jobs))
    try:
        yield
    finally:
        del backend.submit, backend.effective_n_jobs
