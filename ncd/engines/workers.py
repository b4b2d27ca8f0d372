"""Tasks for joblib's workers: threads, processes and clusters, some of which may be lost on the way."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import secrets
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, Literal, TypeVar

import numpy as np

from ncd.engines.dask import is_dask, mended, recoverable

__all__ = ["configured", "count", "effective_jobs", "spread"]

T = TypeVar("T")

_PROCESS = secrets.token_hex(8)  # tells this process from all others, on any machine
_AT_ONCE = 4  # tasks a worker, where a back end gives no result before all are there
_DASK_BEFORE = 64  # tasks handed over in advance, in case that a cluster grows
_LOSSES = 3
_RETURN_SECONDS = 10.0  # for workers that a cluster starts again
_TERMINATED = "TerminatedWorkerError"  # loky's
_KILLED = "KilledWorker"  # Dask's, after it has tried a task on several workers


def effective_jobs(n_jobs: int | None) -> int | None:
    """
    Number of workers to ask joblib for.

    None means every core that this process may use, unless an enclosing `joblib.parallel_config` or a nested
    call decides; then None is handed on. Other values are joblib's (-1: all cores).
    """
    if n_jobs is not None:
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
            raise ValueError(f"n_jobs is {n_jobs!r}: give a number of workers, -1 for all cores, or None")
        if n_jobs > 0:
            return int(n_jobs)
        import joblib

        return int(joblib.effective_n_jobs(int(n_jobs)))  # of the back end in force, counted back from all
    import joblib

    if configured():
        return None
    backend, _ = joblib.parallel.get_active_backend()
    return None if backend.nesting_level else int(joblib.cpu_count())


def count(n_jobs: int | None) -> int:
    """Number of workers that there will be, those of a cluster included."""
    import joblib

    jobs = effective_jobs(n_jobs)
    return max(1, int(joblib.effective_n_jobs(jobs))) if configured() else jobs or 1


def configured() -> bool:
    """Whether a `joblib.parallel_config` is in force around us."""
    from joblib import parallel

    default = parallel.default_parallel_config  # in force again where a context has ended
    return getattr(getattr(parallel, "_backend", None), "config", default) is not default


def spread(
    function: Callable[..., T],
    common: tuple[Any, ...],
    items: Sequence[Any],
    *,
    n_jobs: int | None,
    prefer: Literal["threads", "processes"],
) -> Iterator[T]:
    """
    Results of ``function(*common, item)`` for every item, as they come.

    Processes share large arrays in `common`, and each worker of a cluster is sent them once, since all tasks name the
    same objects. Where workers are lost, what they have not finished is begun again, a few times.

    Parameters
    ----------
    function : callable
        Of a module's own level, so that it can be sent.
    common : tuple
    items : sequence
    n_jobs : int or None
        From `effective_jobs`.
    prefer : {"threads", "processes"}
        Where no `joblib.parallel_config` is in force.

    Yields
    ------
    result
        In no particular order.

    Raises
    ------
    RuntimeError
        If workers are lost again and again.
    """
    waiting = dict(enumerate(items))
    losses, before = 0, count(n_jobs)
    while waiting:
        try:
            with closing(_results(function, common, list(waiting.items()), n_jobs, prefer)) as results:
                for number, result in results:
                    del waiting[number]
                    yield result
        except (Exception, asyncio.CancelledError) as error:
            if not _is_loss(error):
                raise
            losses += 1
            left = f"{len(waiting)} of {len(items)} blocks"
            if losses > _LOSSES or _is_a(error, _KILLED):
                raise RuntimeError(
                    f"workers were lost again and again, with {left} left to do: they are killed from outside, perhaps "
                    f"for want of memory (use fewer, n_jobs), or the compressor crashes ({type(error).__name__})"
                ) from error
            warnings.warn(
                f"a worker was lost ({type(error).__name__}): the {left} that are not done are begun again",
                RuntimeWarning,
                stacklevel=2,
            )
            _wait_for(before, n_jobs)


def _is_loss(error: BaseException) -> bool:
    """Whether a worker died, or what only that worker had is gone; not an error of what it was doing."""
    cancelled = concurrent.futures.CancelledError | asyncio.CancelledError  # by Dask, for what others depended on
    return isinstance(error, cancelled) or _is_a(error, _TERMINATED) or _is_a(error, _KILLED)


def _is_a(error: BaseException, name: str) -> bool:
    """Whether an error is of a class of this name, of a module that may not be there."""
    return any(kind.__name__ == name for kind in type(error).__mro__)


def _wait_for(workers: int, n_jobs: int | None) -> None:
    """Give a cluster time to replace workers."""
    end = time.monotonic() + _RETURN_SECONDS
    while count(n_jobs) < workers and time.monotonic() < end:
        time.sleep(0.1)


def _results(
    function: Callable[..., T],
    common: tuple[Any, ...],
    items: Sequence[tuple[int, Any]],
    n_jobs: int | None,
    prefer: Literal["threads", "processes"],
) -> Generator[tuple[int, T], None, None]:
    """Numbers and results of items, from one call of joblib's."""
    import joblib

    task = joblib.delayed(_numbered)
    backend, _ = joblib.parallel.get_active_backend(prefer=prefer)
    before: int | str = "2 * n_jobs"
    if is_dask(backend):
        common = recoverable(backend.client, function, common)
        before = max(_DASK_BEFORE, 2 * count(n_jobs))
    here = _PROCESS, _libraries(common)
    tasks = (task(function, here, number, item, *common) for number, item in items)
    if not (backend.supports_return_generator or isinstance(backend, joblib.parallel.SequentialBackend)):
        # multiprocessing, Spark's and Ray's give lists only
        at_once = _AT_ONCE * joblib.effective_n_jobs(n_jobs)
        with joblib.Parallel(n_jobs=n_jobs) as parallel:
            while some := list(itertools.islice(tasks, at_once)):
                yield from parallel(some)
        return
    parallel = joblib.Parallel(n_jobs=n_jobs, prefer=prefer, return_as="generator_unordered", pre_dispatch=before)
    with mended(parallel._backend):
        results = parallel(tasks)
        try:
            for result in results:  # noqa: UP028 - `yield from` would close `results` before the warning is silenced
                yield result
        finally:
            with warnings.catch_warnings():
                # joblib warns of tasks done in vain, which is what stopping means
                warnings.simplefilter("ignore", UserWarning)
                results.close()


def _numbered(
    function: Callable[..., T], caller: tuple[str, list[str]], number: int, item: Any, *common: Any
) -> tuple[int, T]:
    """One task, in whichever worker; arrays are arguments of its own, for which joblib looks there only."""
    process, wanted = caller
    if process != _PROCESS and (found := _libraries(common)) != wanted:
        raise RuntimeError(
            f"a worker has {', '.join(found)} and this process {', '.join(wanted)}, whose code lengths may differ: "
            "install the same version on both"
        )
    return number, function(*common, item)


def _libraries(common: tuple[Any, ...]) -> list[str]:
    """The libraries that make code lengths, with their versions."""
    return [part.compressor.version for part in common if hasattr(part, "compressor")]
