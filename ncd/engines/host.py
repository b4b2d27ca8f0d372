"""Code lengths of all pairs on this machine's cores, or on a cluster through joblib's back ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.corpus import Packed
from ncd.engines import exact, workers
from ncd.engines.workers import effective_jobs

__all__ = [
    "Block",
    "Engine",
    "Grid",
    "Job",
    "Joint",
    "Order",
    "dispatch",
    "effective_jobs",
    "run",
    "seconds_per_pair",
]

#: What is measured: the concatenation, or the second text by a coder that is primed with the first.
Joint: TypeAlias = Literal["concat", "primed"]
#: Which text comes first in a pair.
Order: TypeAlias = Literal["xy", "yx", "sorted"]
#: Where code lengths of pairs are computed.
Engine: TypeAlias = Literal["auto", "host", "cuda"]

T = TypeVar("T")

_TILE_SECONDS = 0.25  # a tile is what Ctrl-C waits for and a killed run loses
_LEAST_TILE_SECONDS = 0.005  # handing out a block costs about a tenth of that
_TILE_PAIRS = 1 << 18
_PRIMED_TEXTS = 64  # that share a priming, however slow they are
_MOST_BLOCKS = 100_000  # all are listed
_PROBE_SECONDS = 0.01
_PARALLEL_FROM_SECONDS = 0.2
_THREADS_FROM_PAIR_SECONDS = 3e-6  # in shorter calls threads mostly wait for the interpreter lock
_PROCESSES_FROM_SECONDS = 5.0  # starting workers takes about one
_LEAK_BYTES = 1 << 29
_GPU_PAIR_SECONDS = 1e-8
_GPU_TILE_PAIRS = 1 << 22
_GPU_TILE_COLUMNS = 1 << 17
_TILE_BYTES = 1 << 26  # of texts that a worker takes out of the corpus at once


class Block(NamedTuple):
    """A rectangle of the matrix: rows top..bottom, columns left..right, ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def transposed(self) -> Block:
        """The mirror image on the other side of the diagonal."""
        return Block(self.left, self.right, self.top, self.bottom)

    @property
    def pairs(self) -> int:
        """Number of its pairs."""
        return (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True)
class Grid:
    """
    A matrix cut into blocks of `rows` x `columns`.

    With `mirrored`, the matrix is square and only blocks on and above the diagonal are listed.
    """

    shape: tuple[int, int]
    rows: int
    columns: int
    mirrored: bool = False

    @classmethod
    def plan(
        cls,
        job: Job,
        shape: tuple[int, int],
        pair_seconds: float,
        jobs: int,
        *,
        mirrored: bool = False,
        most: int = _MOST_BLOCKS,
    ) -> Grid:
        """
        Blocks that each take a quarter of a second at most, and leave every worker many.

        Priming is paid once a block, so a primed coder gets many texts in one block, up to a second's work, where
        there is enough other work to share. Blocks take longer where there would be more than `most` of them.
        """
        n, m = shape
        parts, longest = (
            (8, 4 * _TILE_SECONDS) if job.kernel else (32, _TILE_SECONDS)
        )  # its texts are prepared once a block
        seconds = min(longest, max(_LEAST_TILE_SECONDS, pair_seconds * n * m / (parts * jobs)))
        least = math.ceil(n * m / (1 + mirrored) / most)
        pairs = int(min(max(seconds / pair_seconds, least), _TILE_PAIRS))
        if job.device == "cuda":  # tiles over the whole width of the second texts, which stay on the card
            first, second = (m, n) if job.order == "yx" else (n, m)
            wide = min(second, _GPU_TILE_COLUMNS)
            tall = min(first, math.ceil(max(least, _GPU_TILE_PAIRS) / wide))
            if not mirrored:
                return cls(shape, wide, tall) if job.order == "yx" else cls(shape, tall, wide)
            pairs = _GPU_TILE_PAIRS
        if mirrored:
            side = max(1, min(n, int(pairs**0.5)))
            return cls(shape, side, side, True)
        if job.kernel:  # both texts of a pair are prepared once a block
            columns = min(m, max(1, pairs // min(n, math.ceil(pairs**0.5))))
            return cls(shape, max(1, min(n, pairs // columns)), columns)
        if job.joint == "primed":
            primed, coded = (m, n) if job.order == "yx" else (n, m)
            most = min(max(_PRIMED_TEXTS, int(4 * _TILE_SECONDS / pair_seconds), pairs), _TILE_PAIRS)
            long = math.ceil(coded / max(math.ceil(2 * jobs / primed), math.ceil(coded / most)))
            short = max(1, min(primed // (2 * jobs), pairs // long))
            return cls(shape, long, short) if job.order == "yx" else cls(shape, short, long)
        columns = min(m, pairs)
        return cls(shape, max(1, min(n, pairs // columns)), columns)

    def blocks(self) -> list[Block]:
        """The blocks, row by row."""
        n, m = self.shape
        return [
            Block(top, min(top + self.rows, n), left, min(left + self.columns, m))
            for top in range(0, n, self.rows)
            for left in range(top if self.mirrored else 0, m, self.columns)
        ]


@dataclass(frozen=True)
class Job:
    """
    What to compute for every pair of texts.

    Attributes
    ----------
    compressor : Compressor
    separator : bytes
        Stands between the two texts of a concatenation.
    order : {"xy", "yx", "sorted"}
        Which text comes first; "sorted" puts the bytewise smaller one first, so that L(xy) = L(yx).
    joint : {"concat", "primed"}
        L(first + separator + second), or L(second|first) from a primed coder (no separator).
    kernel : bool
        Whether our own kernel computes the lengths instead of the compressor's library, as
        `ncd.engines.tuning.tuned` decides. They are the same.
    device : {"host", "cuda"}
        Where the kernel runs.
    """

    compressor: Compressor
    separator: bytes = b" "
    order: Order = "xy"
    joint: Joint = "concat"
    kernel: bool = False
    device: Literal["host", "cuda"] = "host"

    @property
    def prefer(self) -> Literal["threads", "processes"]:
        """What keeps several cores busy; primed coders and the kernel work long enough outside Python for threads."""
        return "threads" if self.kernel or self.joint == "primed" else self.compressor.prefer

    def lengths(self, xs: Sequence[bytes], ys: Sequence[bytes]) -> NDArray[Any]:
        """Code lengths of all pairs, shape (len(xs), len(ys))."""
        if self.order == "yx":
            return self._forward(ys, xs).T
        if self.order == "sorted":
            return self._sorted(xs, ys)
        return self._forward(xs, ys)

    def _forward(self, firsts: Sequence[bytes], seconds: Sequence[bytes]) -> NDArray[Any]:
        """Pairs with the row's text first."""
        compressor, separator = self.compressor, self.separator
        if self.kernel:
            return self._exact(firsts, seconds)
        block = np.empty((len(firsts), len(seconds)), compressor.dtype)
        for i, first in enumerate(firsts):
            if self.joint == "primed":
                block[i] = compressor.primed(first)._lengths(seconds)
            else:
                head = first + separator
                block[i] = compressor._lengths(head + second for second in seconds)
        return block

    def _sorted(self, xs: Sequence[bytes], ys: Sequence[bytes]) -> NDArray[Any]:
        """Pairs with the bytewise smaller text first."""
        compressor, separator = self.compressor, self.separator
        if self.kernel:
            return self.lengths_where(np.ones((len(xs), len(ys)), bool), xs, ys)
        block = np.empty((len(xs), len(ys)), compressor.dtype)
        for i, x in enumerate(xs):
            head, tail = x + separator, separator + x
            block[i] = compressor._lengths(head + y if x <= y else y + tail for y in ys)
        return block

    def lengths_where(self, wanted: NDArray[np.bool_], xs: Sequence[bytes], ys: Sequence[bytes]) -> NDArray[Any]:
        """Code lengths of the pairs that are wanted, from our own kernel; shape (len(xs), len(ys)), others anything."""
        if self.order == "yx":
            return self._exact(ys, xs, ~wanted.T).T
        if self.order == "xy":
            return self._exact(xs, ys, ~wanted)
        i, j = np.nonzero(wanted)
        later = np.zeros_like(wanted)
        later[i, j] = [xs[row] > ys[column] for row, column in zip(i.tolist(), j.tolist(), strict=True)]
        return np.where(later, self._exact(ys, xs, ~later.T).T, self._exact(xs, ys, later | ~wanted))

    def _exact(
        self, firsts: Sequence[bytes], seconds: Sequence[bytes], skip: NDArray[np.bool_] | None = None
    ) -> NDArray[Any]:
        """Pairs with the row's text first, from our own kernel."""
        primed = self.joint == "primed"
        raw = exact.pairs(firsts, seconds, separator=self.separator, primed=primed, skip=skip)
        return raw if primed else raw + self.compressor.overhead

    def block(self, xs: Packed, ys: Packed, block: Block) -> NDArray[Any]:
        """Code lengths of a block's pairs, computed in halves where its texts are too large for memory."""
        top, bottom, left, right = block
        rows, columns = xs.size(top, bottom), ys.size(left, right)
        if block.pairs == 1 or rows + columns <= _TILE_BYTES:
            try:
                return self.lengths(xs[top:bottom], ys[left:right])
            except MemoryError:
                if block.pairs == 1:
                    raise MemoryError(
                        f"texts of {rows:,} and {columns:,} bytes do not fit in memory together with the state of "
                        f"{self.compressor.name}: shorten them, use fewer workers (n_jobs), or a compressor with a "
                        "smaller window"
                    ) from None
        if right - left == 1 or (rows > columns and bottom - top > 1):
            middle = (top + bottom) // 2
            parts = [Block(top, middle, left, right), Block(middle, bottom, left, right)]
            return np.concatenate([self.block(xs, ys, part) for part in parts])
        middle = (left + right) // 2
        parts = [Block(top, bottom, left, middle), Block(top, bottom, middle, right)]
        return np.concatenate([self.block(xs, ys, part) for part in parts], axis=1)


def seconds_per_pair(job: Job, xs: Sequence[bytes], ys: Sequence[bytes]) -> float:
    """Measured time of one pair on one core, from a few pairs spread over the texts."""
    if job.device == "cuda":
        return _GPU_PAIR_SECONDS
    if job.kernel:
        rows, columns = (texts[:: math.ceil(len(texts) / 24)] for texts in (xs, ys))
        job.lengths(rows[:1], columns[:1])  # compiled or loaded by now
        start = time.perf_counter()
        job.lengths(rows, columns)
        return max((time.perf_counter() - start) / (len(rows) * len(columns)), 1e-7)
    if job.joint == "primed":  # a coder is primed for many texts: share its cost among a sample of them
        firsts, seconds = (ys, xs) if job.order == "yx" else (xs, ys)
        sample = seconds[:: math.ceil(len(seconds) / 64)]
        start = time.perf_counter()
        Job(job.compressor, joint="primed").lengths([firsts[len(firsts) // 2]], sample)
        return max((time.perf_counter() - start) / len(sample), 1e-7)
    start, pairs, step = time.perf_counter(), 0, 1
    few = max(1, len(xs) * len(ys) // 20)
    while (spent := time.perf_counter() - start) < _PROBE_SECONDS and pairs < min(few, 128):
        rows = [xs[(7919 * step) % len(xs)]]
        columns = [ys[(104729 * (step + j)) % len(ys)] for j in range(step)]
        job.lengths(rows, columns)
        pairs += step
        step *= 2
    return max(spent / max(pairs, 1), 1e-7)


def _in_processes(job: Job, seconds: float, pairs: int) -> bool:
    """Whether worker processes are worth their start, or needed to give leaked memory back."""
    long = seconds > _PROCESSES_FROM_SECONDS and job.prefer == "processes"
    return long or job.compressor.leak * pairs > _LEAK_BYTES


def run(
    job: Job,
    xs: Sequence[bytes],
    ys: Sequence[bytes],
    blocks: Sequence[Block],
    *,
    twice: bool = False,
    n_jobs: int | None = None,
    pair_seconds: float,
) -> Iterator[tuple[Block, NDArray[Any], NDArray[Any] | None]]:
    """
    Compute blocks as workers become free.

    Parameters
    ----------
    job : Job
    xs, ys : sequences of bytes
    blocks : sequence of Block
    twice : bool
        Also give each block for the opposite order of its texts (not on a mirrored block's diagonal).
    n_jobs : int or None
    pair_seconds : float
        From `seconds_per_pair`; decides between this thread, threads and processes. The result never depends on it.

    Yields
    ------
    block, lengths, lengths of the opposite order or None
        In no particular order.
    """
    first = Packed.of(xs)
    second = first if ys is xs else Packed.of(ys)
    texts = first.data, first.offsets, second.data, second.offsets
    pairs = sum(block.pairs for block in blocks) * (1 + twice)
    yield from dispatch(job, _compute, (job, *texts, twice), blocks, pairs, n_jobs=n_jobs, pair_seconds=pair_seconds)


def dispatch(
    job: Job,
    function: Callable[..., T],
    common: tuple[Any, ...],
    items: Sequence[Any],
    pairs: int,
    *,
    n_jobs: int | None,
    pair_seconds: float,
) -> Iterator[T]:
    """
    Results of ``function(*common, item)`` for every item, from where so much work is done best.

    That is this thread, threads, processes, or what a `joblib.parallel_config` says.

    Parameters
    ----------
    job : Job
    function : callable
        Of a module's own level, so that it can be sent.
    common : tuple
    items : sequence
    pairs : int
        Number of pairs in all items.
    n_jobs : int or None
    pair_seconds : float

    Yields
    ------
    result
        In no particular order.
    """
    seconds = pair_seconds * pairs
    jobs = effective_jobs(n_jobs)
    processes = _in_processes(job, seconds, pairs)
    if processes and jobs == 1 and job.compressor.leak:
        jobs = 2  # joblib would stay in this process, which must not grow
    brief = seconds < _PARALLEL_FROM_SECONDS or (
        not (processes or job.kernel) and pair_seconds < _THREADS_FROM_PAIR_SECONDS
    )
    if (jobs == 1 or brief) and not workers.configured():
        for item in items:
            yield function(*common, item)
        return
    yield from workers.spread(function, common, items, n_jobs=jobs, prefer="processes" if processes else "threads")


def _compute(
    job: Job,
    x_data: NDArray[np.uint8],
    x_offsets: NDArray[np.int64],
    y_data: NDArray[np.uint8],
    y_offsets: NDArray[np.int64],
    twice: bool,
    block: Block,
) -> tuple[Block, NDArray[Any], NDArray[Any] | None]:
    """One block, in whichever worker."""
    xs, ys = Packed(x_data, x_offsets), Packed(y_data, y_offsets)
    return block, job.block(xs, ys, block), job.block(ys, xs, block.transposed).T if twice else None
