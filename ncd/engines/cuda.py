"""
Exact deflate lengths of all pairs of texts on NVIDIA cards, at level 9.

The texts of Y are prepared on the CPU once and stay on the card; those of X follow tile by tile. Pairs that the kernels
leave out, which are rare, go to the CPU. The lengths are those of `ncd.engines.exact`, whichever computes them.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines import exact
from ncd.engines.host import Block, Job
from ncd.exceptions import MissingLibraryError

__all__ = ["METRICS", "MOST_NEIGHBORS", "available", "devices", "joint_lengths_blocks", "run", "top_k", "why_not"]

#: Names of `ncd.distances.lengths` that `top_k` knows, in the order of the kernel's numbers.
METRICS = ("ncd", "ncd_conditional", "cdm", "clm", "cosine", "savings", "nrc")
#: The largest k of `top_k`.
MOST_NEIGHBORS = 128

_INSTALL = "pip install 'ncd[cuda12]' (or 'ncd[cuda13]', for a driver that supports CUDA 13)"


def why_not() -> str | None:
    """
    Why there is no CUDA engine here; None if there is one.

    Returns
    -------
    str or None
        What is missing, and how to get it.
    """
    simulated = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
    if importlib.util.find_spec("numba_cuda") is None and not simulated:
        return f"numba-cuda is not installed: {_INSTALL}"
    from ncd.engines.cuda_device import cuda

    try:
        count = len(cuda.gpus)
    except Exception as error:
        said = " ".join(str(error).replace(":\n", ": ").strip(": \n").split())
        return (
            f"CUDA's driver does not start ({said}). It comes with the NVIDIA driver of the system, not with a Python "
            "package: try `nvidia-smi`"
        )
    return None if count else "CUDA finds no device: try `nvidia-smi`, and see what CUDA_VISIBLE_DEVICES says"


def available() -> bool:
    """
    Whether there is a CUDA engine here.

    Returns
    -------
    bool
    """
    return why_not() is None


def devices() -> list[str]:
    """
    Names of the cards; empty without CUDA.

    Returns
    -------
    list of str
    """
    if not available():
        return []
    from ncd.engines.cuda_device import cuda

    names = (getattr(card, "name", "simulated") for card in cuda.gpus)
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _require() -> None:
    """Raise where there is no CUDA engine."""
    reason = why_not()
    if reason is not None:
        raise MissingLibraryError(f"engine='cuda' cannot run: {reason}; or use engine='host'")


def joint_lengths_blocks(
    X: Sequence[bytes], Y: Sequence[bytes], *, separator: bytes = b" ", primed: bool = False, memory: int | None = None
) -> Iterator[tuple[Block, NDArray[np.int64]]]:
    """
    Lengths of the raw deflate streams of all pairs at level 9, block by block.

    Parameters
    ----------
    X, Y : sequences of bytes, of n and m texts
        First and second texts; `ncd.corpus.Packed` is taken as it is.
    separator : bytes
        Stands between the two texts of a pair; not used with `primed`.
    primed : bool
        False: the stream of x + separator + y. True: the stream of y, with x as preset dictionary.
    memory : int, optional
        Bytes of a card's memory to use at most; default: most of what is free.

    Yields
    ------
    block : Block
        Rows are texts of X.
    lengths : ndarray of int64
        Bytes, the same as zlib's.

    Raises
    ------
    MissingLibraryError
        If there is no CUDA engine (see `why_not`).
    MemoryError
        If a card has not enough memory for a single tile.
    """
    _require()
    from ncd.engines import cuda_plan as plans, cuda_tiles as tiles

    work = plans.Work.of(Packed.of(X), Packed.of(Y), separator, primed)
    plan = plans.Plan.of(work, plans.free_memory() if memory is None else memory)
    whole = Block(0, len(work.xs), 0, len(work.ys))
    tasks = (plans.Task(work, block, 0) for block in plan.split(work, whole))
    for task, tile in tiles.run(plan, tasks, _alphabet(work)):
        yield task.block, _lengths(task, tile)


def run(
    job: Job, xs: Sequence[bytes], ys: Sequence[bytes], blocks: Sequence[Block], *, twice: bool = False
) -> Iterator[tuple[Block, NDArray[Any], NDArray[Any] | None]]:
    """
    Compute blocks as `ncd.engines.host.run` does.

    Parameters
    ----------
    job : Job
    xs, ys : sequences of bytes
    blocks : sequence of Block
        Those larger than a card's memory are computed in parts.
    twice : bool
        Also give each block for the opposite order of its texts.

    Yields
    ------
    block, lengths, lengths of the opposite order or None
        In no particular order.

    Raises
    ------
    MissingLibraryError, MemoryError
        As in `joint_lengths_blocks`.
    """
    _require()
    from ncd.engines import cuda_plan as plans, cuda_tiles as tiles

    first = Packed.of(xs)
    second = first if ys is xs else Packed.of(ys)
    primed, overhead = job.joint == "primed", 0 if job.joint == "primed" else job.compressor.overhead
    forward = plans.Work.of(first, second, job.separator, primed)
    backward = plans.Work.of(second, first, job.separator, primed)  # rows are texts of Y
    plan = plans.Plan.of(forward, plans.free_memory())
    ways = (forward, backward) if twice or job.order == "sorted" else (backward if job.order == "yx" else forward,)
    ordered = sorted(blocks, key=lambda block: (block.left, block.top))
    missing = {i: block.pairs * len(ways) for i, block in enumerate(ordered)}
    begun: dict[int, list[NDArray[np.int64]]] = {}
    tasks = (
        plans.Task(way, part, i)
        for i, block in enumerate(ordered)
        for way in ways
        for part in plan.split(way, block if way is forward else block.transposed)
    )
    for task, tile in tiles.run(plan, tasks, _alphabet(forward)):
        whole = ordered[task.tag]
        shape = whole.bottom - whole.top, whole.right - whole.left
        parts = begun.setdefault(task.tag, [np.empty(shape, np.int64) for _ in ways])
        part, values = task.block, _lengths(task, tile) + overhead
        if task.work is backward:
            part, values = part.transposed, values.T
        rows, columns = (
            slice(part.top - whole.top, part.bottom - whole.top),
            slice(part.left - whole.left, part.right - whole.left),
        )
        parts[ways.index(task.work)][rows, columns] = values
        missing[task.tag] -= part.pairs
        if not missing[task.tag]:
            yield whole, *_in_order(job, first, second, whole, begun.pop(task.tag), twice)


def _in_order(
    job: Job, xs: Packed, ys: Packed, block: Block, parts: list[NDArray[np.int64]], twice: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """A block's lengths, and those of the opposite order, from L(xy) and L(yx)."""
    if job.order == "sorted":
        rows, columns = xs[block.top : block.bottom], ys[block.left : block.right]
        later = np.array([[x > y for y in columns] for x in rows])
        lengths = np.where(later, parts[1], parts[0])
        return lengths, lengths if twice else None
    if job.order == "yx":
        parts = parts[::-1]
    return parts[0], parts[1] if twice else None


def _alphabet(work: Any) -> NDArray[np.uint16]:
    """Symbols that may occur."""
    from ncd.kernels.deflate_batch import alphabet_of

    return alphabet_of([work.xs, work.ys], work.separator)


def _lengths(task: Any, tile: Any) -> NDArray[np.int64]:
    """A tile's lengths, those that the card has left out among them."""
    lengths: NDArray[np.int64] = tile.lengths.astype(np.int64)
    rare = np.argwhere(lengths < 0)
    lengths[rare[:, 0], rare[:, 1]] = _left_out(task.work, task.block, rare)
    return lengths


def _left_out(work: Any, block: Block, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lengths of the pairs of a block that the card has left out, sorted by row."""
    if not len(pairs):
        return np.empty(0, np.int64)
    rows, starts = np.unique(pairs[:, 0], return_index=True)

    def lengths(row: int, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        texts = [work.ys[block.left + int(column)] for column in columns]
        return exact.pairs([work.xs[block.top + row]], texts, separator=work.separator, primed=work.primed)[0]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(lengths, rows.tolist(), np.split(pairs[:, 1], starts[1:]))))


def top_k(
    X: Sequence[bytes],
    Y: Sequence[bytes],
    k: int,
    *,
    metric: str,
    lx: NDArray[np.int64],
    ly: NDArray[np.int64],
    add: NDArray[np.int64] | int = 0,
    separator: bytes = b" ",
    primed: bool = False,
    own: bool = False,
    memory: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """
    The k nearest texts of Y for every text of X; only these leave the card.

    Distances are those of `ncd.distances.lengths` to the last bit, so their order is that of the CPU.

    Parameters
    ----------
    X, Y : sequences of bytes, of n and m texts
        First and second texts of the pairs.
    k : int
        1 to `MOST_NEIGHBORS`, at most m (m - 1 with `own`).
    metric : str
        One of `METRICS`.
    lx, ly : ndarray of int64, shapes (n,) and (m,)
        L(x) and L(y).
    add : int or ndarray of int64, shape (n,)
        What makes L(xy) of the length of a raw stream: header and trailer, or L(x) with `primed`.
    separator, primed, memory
        As in `joint_lengths_blocks`.
    own : bool
        X is Y, and no text is its own neighbour.

    Returns
    -------
    distances : ndarray of float64, shape (n, k)
    indices : ndarray of int64, shape (n, k)
        Nearest first; equal distances in the order of Y.

    Raises
    ------
    ValueError
        If `metric` or `k` is none of these.
    MissingLibraryError, MemoryError
        As in `joint_lengths_blocks`.
    """
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}: on the card choose from {', '.join(map(repr, METRICS))}")
    xs, ys = Packed.of(X), Packed.of(Y)
    most = min(MOST_NEIGHBORS, len(ys) - own)
    if not 1 <= k <= most:
        raise ValueError(f"k is {k!r}: with {len(ys)} texts choose from 1 to {most} on the card")
    _require()
    from ncd.distances.lengths import METRICS as FORMULAS
    from ncd.engines import cuda_plan as plans, cuda_tiles as tiles

    extra = np.broadcast_to(np.asarray(add, np.int64), len(xs))
    work = plans.Work.of(xs, ys, separator, primed)
    plan = plans.Plan.of(work, plans.free_memory() if memory is None else memory)
    ranking = plans.Ranking(METRICS.index(metric), int(k), np.asarray(lx), np.asarray(ly), extra, own)
    distances = np.full((len(xs), k), np.inf)
    indices = np.full((len(xs), k), len(ys), np.int64)
    tasks = (plans.Task(work, block, 0) for block in plan.split(work, Block(0, len(xs), 0, len(ys))))
    for (_, block, _), tile in tiles.run(plan, tasks, _alphabet(work), ranking):
        columns = np.where(tile.columns < 0, len(ys), tile.columns + block.left)
        _merge(distances, indices, np.arange(block.top, block.bottom), tile.distances, columns)
        if len(tile.rare):
            i, j = tile.rare[:, 0] + block.top, tile.rare[:, 1] + block.left
            rare = FORMULAS[metric][0](lx[i], ly[j], _left_out(work, block, tile.rare) + extra[i])
            rows, starts = np.unique(i, return_index=True)
            for row, values, places in zip(rows, np.split(rare, starts[1:]), np.split(j, starts[1:]), strict=True):
                _merge(distances, indices, row[None], values[None], places[None])
    return distances, indices


def _merge(
    distances: NDArray[np.float64],
    indices: NDArray[np.int64],
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    places: NDArray[np.int64],
) -> None:
    """Put candidates of some rows among their nearest, equal distances in the order of their places."""
    k = distances.shape[1]
    values = np.concatenate([distances[rows], values], axis=1)
    places = np.concatenate([indices[rows], places], axis=1)
    order = np.lexsort((places, values), axis=1)[:, :k]
    distances[rows], indices[rows] = np.take_along_axis(values, order, 1), np.take_along_axis(places, order, 1)
