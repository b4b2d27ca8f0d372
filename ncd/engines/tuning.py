"""Who computes code lengths of pairs: the compressor's library, our own kernel, or the kernel on a GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from ncd.engines import exact, host
from ncd.engines.host import Engine, Job

__all__ = ["tuned"]

_KERNEL_FROM_SECONDS = 1.0  # of the library's work: loading the kernel takes half of that
_LOADED_FROM_SECONDS = 0.05  # where this process has it already
_COMPILE_FROM_SECONDS = 30.0  # and compiling it, once, about 20
_GPU_FROM_SECONDS = 20.0  # the kernel for a GPU is compiled in every process
_KERNEL_BYTES = 16384  # texts whose pairs are longer than the window gain nothing


def tuned(job: Job, xs: Sequence[bytes], ys: Sequence[bytes], pairs: int, engine: Engine = "auto") -> Job:
    """
    The job with our own kernel instead of the compressor's library, where that is faster or asked for.

    Parameters
    ----------
    job : Job
    xs, ys : sequences of bytes
    pairs : int
        How many of their pairs are wanted.
    engine : {"auto", "host", "cuda"}
        "auto": a GPU where there is one and the work is long enough.

    Returns
    -------
    Job

    Raises
    ------
    ValueError
        If `engine` is none of these, or "cuda" with a compressor that has no kernel.
    RuntimeError
        If it is "cuda" and there is no GPU to use.
    """
    if engine not in get_args(Engine):
        raise ValueError(f"engine is {engine!r}: choose from {', '.join(map(repr, get_args(Engine)))}")
    if engine == "cuda":
        return _on_gpu(job)
    if not job.compressor.has_kernel or min(len(xs), len(ys)) < 2 or pairs < 2:
        return job
    sample = [text for texts in (xs, ys) for text in texts[:: math.ceil(len(texts) / 256)]]
    if sorted(map(len, sample))[len(sample) // 2] > _KERNEL_BYTES:
        return job
    seconds = host.seconds_per_pair(job, xs, ys) * pairs
    loaded = exact.is_loaded()
    if seconds < (_LOADED_FROM_SECONDS if loaded else _KERNEL_FROM_SECONDS):
        return job
    if not loaded and seconds < _COMPILE_FROM_SECONDS and not exact.is_compiled():
        return job
    if engine == "auto" and seconds > _GPU_FROM_SECONDS and _gpu_refusal() is None:
        return _on_gpu(job)
    return replace(job, kernel=True)


def _gpu_refusal() -> str | None:
    """Why there is no GPU to use, or None."""
    from ncd.engines import cuda

    return cuda.why_not()


def _on_gpu(job: Job) -> Job:
    """The job for a GPU, or an error that says what is in the way."""
    if not job.compressor.has_kernel:
        raise ValueError(
            f"engine='cuda' computes gzip:9, zlib:9 and deflate:9 only, and compressor is {job.compressor.name!r}: "
            "choose one of them, or engine='host'"
        )
    if (reason := _gpu_refusal()) is not None:
        raise RuntimeError(f"engine='cuda': {reason}")
    return replace(job, kernel=True, device="cuda")
