"""Pairs of texts: how they are coded, and the blocks of code lengths and distances that follow."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.compressors.registry import get_compressor
from ncd.corpus import Packed, Text, Texts, as_bytes, as_corpus
from ncd.distances.lengths import Metric
from ncd.engines import chosen, host, workers
from ncd.engines.host import Block, Engine, Grid, Job, Joint, Order
from ncd.engines.tuning import tuned
from ncd.exceptions import WindowWarning
from ncd.progress import progress_bar

__all__ = ["Array", "Distances", "Pairs", "Symmetrize", "alone", "computed"]

Symmetrize: TypeAlias = Literal["min", "mean", "max"]
Array: TypeAlias = NDArray[Any]

_COMBINE: dict[str, Callable[[Any, Any], Any]] = {
    "min": np.minimum,
    "max": np.maximum,
    "mean": lambda a, b: (a + b) / 2,
}


def alone(codec: Compressor, texts: list[bytes], n_jobs: int | None, progress: bool | None) -> Array:
    """Single code lengths, computed in the same way as pairs: of nothing, followed by each text."""
    job = Job(codec, separator=b"")
    result = np.empty((1, len(texts)), codec.dtype)
    for block, values, _ in computed(job, [b""], texts, n_jobs=n_jobs, progress=progress):
        result[block.top : block.bottom, block.left : block.right] = values
    return result[0]


@dataclass(frozen=True)
class Pairs:
    """Two collections of texts and how their pairs are coded."""

    xs: list[bytes]
    ys: list[bytes]
    own: bool  # the pairs are those within one collection
    job: Job

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.xs), len(self.ys)

    @classmethod
    def read(
        cls,
        X: Texts,
        Y: Texts | None,
        compressor: Any,
        separator: Text,
        order: str,
        joint: str,
        allow_empty: bool,
        engine: Engine,
    ) -> Pairs:
        """Check arguments, encode texts, warn where the window is too small for them."""
        codec = get_compressor(compressor)
        for name, value, choices in (("order", order, get_args(Order)), ("joint", joint, get_args(Joint))):
            if value not in choices:
                raise ValueError(f"{name} is {value!r}: choose from {', '.join(map(repr, choices))}")
        if joint == "primed" and order == "sorted":
            raise ValueError('order="sorted" goes with joint="concat" only: choose order "xy" or "yx"')
        if joint == "primed" and not codec.can_prime:
            codec.primed(b"")  # raises, and says which can
        xs = as_corpus(X, name="X", allow_empty=allow_empty)
        ys = xs if Y is None else as_corpus(Y, name="Y", allow_empty=allow_empty)
        window = codec.primed_window if joint == "primed" else codec.window
        _warn_of_window(codec, window, {"X": xs} if Y is None else {"X": xs, "Y": ys})
        between = as_bytes(separator, name="separator")
        job = Job(codec, between, order, joint)  # type: ignore[arg-type]
        return cls(xs, ys, Y is None, tuned(job, xs, ys, len(xs) * len(ys), engine))


def _warn_of_window(codec: Compressor, window: int | None, corpora: dict[str, list[bytes]]) -> None:
    """Say that parts of long texts are out of each other's sight."""
    if window is None:
        return
    for name, texts in corpora.items():
        longest = max(range(len(texts)), key=lambda i: len(texts[i]))
        if len(texts[longest]) > window:
            count = sum(len(text) > window for text in texts)
            warnings.warn(
                f"{name}[{longest}] has {len(texts[longest]):,} bytes and {codec.name} finds matches within {window:,} "
                f"({count} of {len(texts)} texts are longer): such texts look unlike everything, themselves included. "
                "Use a compressor with a larger window, such as 'zstd:19' or 'xz'.",
                WindowWarning,
                stacklevel=4,
            )


def computed(
    job: Job,
    xs: list[bytes],
    ys: list[bytes],
    *,
    grid: Grid | None = None,
    done: Any = (),
    mirrored: bool = False,
    twice: bool = False,
    pair_seconds: float | None = None,
    n_jobs: int | None,
    progress: bool | None,
) -> Iterator[tuple[Block, Array, Array | None]]:
    """Blocks of code lengths as they come, under a progress bar."""
    pair_seconds = host.seconds_per_pair(job, xs, ys) if pair_seconds is None else pair_seconds
    if grid is None:
        grid = Grid.plan(job, (len(xs), len(ys)), pair_seconds, workers.count(n_jobs), mirrored=mirrored)
    blocks = [block for i, block in enumerate(grid.blocks()) if i not in done]
    pairs = sum(block.pairs for block in blocks)
    if job.device == "cuda":
        from ncd.engines import cuda

        results = cuda.run(job, xs, ys, blocks, twice=twice)
    else:
        results = host.run(job, xs, ys, blocks, twice=twice, n_jobs=n_jobs, pair_seconds=pair_seconds)
    with progress_bar(f"compressing with {job.compressor.name}", pairs, show=progress) as advance:
        for block, forward, backward in results:
            yield block, forward, backward
            advance(block.pairs)


@dataclass
class Distances:
    """From pairs to blocks of distances."""

    pairs: Pairs
    metric: Metric
    symmetrize: str | None
    remove_overhead: bool
    clip: bool
    lx: Array = field(init=False)
    ly: Array = field(init=False)

    def __post_init__(self) -> None:
        if self.symmetrize is not None and self.symmetrize not in _COMBINE:
            choices = ", ".join(map(repr, [None, *_COMBINE]))
            raise ValueError(f"symmetrize is {self.symmetrize!r}: choose from {choices}")

    @property
    def shape(self) -> tuple[int, int]:
        return self.pairs.shape

    @property
    def own(self) -> bool:
        """Whether the pairs are those within one collection."""
        return self.pairs.own

    @property
    def mirrored(self) -> bool:
        """Whether one block of code lengths serves both sides of the diagonal."""
        return self.pairs.own and (self.pairs.job.order == "sorted" or self.symmetrize is not None)

    @property
    def twice(self) -> bool:
        """Whether both orders of concatenation are needed and differ."""
        return self.symmetrize is not None and self.pairs.job.order != "sorted"

    @cached_property
    def pair_seconds(self) -> float:
        """What one pair takes on one core."""
        return host.seconds_per_pair(self.pairs.job, self.pairs.xs, self.pairs.ys)

    def grid(self, n_jobs: int | None, **options: Any) -> Grid:
        """Blocks for this work on this machine."""
        seconds = self.pair_seconds * (1 + self.twice)
        jobs = workers.count(n_jobs)
        return Grid.plan(self.pairs.job, self.pairs.shape, seconds, jobs, mirrored=self.mirrored, **options)

    @property
    def cut(self) -> int:
        """What is subtracted from the code length of every whole stream."""
        return self.pairs.job.compressor.overhead if self.remove_overhead else 0

    @cached_property
    def packed(self) -> tuple[Packed, Packed]:
        """Both collections as workers get them."""
        xs = Packed.of(self.pairs.xs)
        return xs, xs if self.pairs.own else Packed.of(self.pairs.ys)

    def measure_alone(self, n_jobs: int | None, progress: bool | None) -> None:
        """Single code lengths, which every distance needs."""
        codec = self.pairs.job.compressor
        self.lx = alone(codec, self.pairs.xs, n_jobs, progress) - self.cut
        self.ly = self.lx if self.pairs.own else alone(codec, self.pairs.ys, n_jobs, progress) - self.cut

    def digest(self) -> str:
        """A fingerprint of texts and options, so that a checkpoint is never mixed up with another."""
        job, codec = self.pairs.job, self.pairs.job.compressor
        options = (codec.name, codec.version, job.separator, job.order, job.joint, self.pairs.own, self.symmetrize)
        metric = (getattr(self.metric, "__module__", ""), getattr(self.metric, "__qualname__", repr(self.metric)))
        sha = hashlib.sha256(repr((options, metric, self.remove_overhead, self.clip)).encode())
        for texts in (self.pairs.xs, () if self.pairs.own else self.pairs.ys):
            sha.update(len(texts).to_bytes(8, "little"))
            for text in texts:
                sha.update(len(text).to_bytes(8, "little") + text)
        return sha.hexdigest()

    def blocks(
        self, grid: Grid, done: Any, n_jobs: int | None, progress: bool | None
    ) -> Iterator[tuple[int, list[tuple[Block, Array]]]]:
        """The index of each block of the grid with the distances that follow from it, its mirror image included."""
        self.measure_alone(n_jobs, progress)
        number = {block: i for i, block in enumerate(grid.blocks())}
        for block, forward, backward in computed(
            self.pairs.job,
            self.pairs.xs,
            self.pairs.ys,
            grid=grid,
            done=done,
            twice=self.twice,
            pair_seconds=self.pair_seconds,
            n_jobs=n_jobs,
            progress=progress,
        ):
            yield number[block], self._distances(block, forward, backward)

    def _distances(self, block: Block, forward: Array, backward: Array | None) -> list[tuple[Block, Array]]:
        """Distances of one block of code lengths."""
        lx, ly = self.lx[block.top : block.bottom, None], self.ly[None, block.left : block.right]
        lxy, lyx = self.joint(lx, ly, forward, backward)
        values = self.between(lx, ly, lxy, lyx)
        parts = [(block, values)]
        if self.mirrored and block != block.transposed:
            other = values if self.symmetrize is not None else self.between(ly, lx, lxy, lyx)
            parts.append((block.transposed, other.T))
        return parts

    def joint(self, lx: Array, ly: Array, forward: Array, backward: Array | None) -> tuple[Array, Array]:
        """L(xy) and L(yx), without overhead if that is asked for, from what the engine gives."""
        if self.pairs.job.joint == "primed":
            first, second = (lx, ly) if self.pairs.job.order == "xy" else (ly, lx)
            lxy, lyx = forward + first, None if backward is None else backward + second
        else:
            lxy, lyx = forward - self.cut, None if backward is None else backward - self.cut
        return lxy, lxy if lyx is None else lyx

    def chosen(self, top: int, columns: NDArray[np.int64], n_jobs: int | None, advance: Callable[[int], None]) -> Array:
        """Distances from some texts, beginning with number `top`, to those in each one's row of `columns`."""
        rows = np.repeat(np.arange(top, top + len(columns)), columns.shape[1])
        job, xs, ys = self.pairs.job, self.packed[0], self.packed[1]
        places = columns.ravel()
        forward = chosen.lengths(job, xs, ys, rows, places, n_jobs=n_jobs, advance=advance).reshape(columns.shape)
        backward = None
        if self.twice:
            backward = chosen.lengths(job, ys, xs, places, rows, n_jobs=n_jobs, advance=advance).reshape(columns.shape)
        lx, ly = self.lx[top : top + len(columns), None], self.ly[columns]
        return self.between(lx, ly, *self.joint(lx, ly, forward, backward))

    def between(self, lx: Array, ly: Array, lxy: Array, lyx: Array, *, checked: bool = True) -> Array:
        """Distances from x to y, from arrays of code lengths that broadcast."""
        values = self._metric(lx, ly, lxy, checked)
        if self.symmetrize is not None:
            values = _COMBINE[self.symmetrize](values, self._metric(ly, lx, lyx, checked))
        return np.clip(values, 0.0, 1.0) if self.clip else values

    def _metric(self, lx: Array, ly: Array, lxy: Array, checked: bool) -> Array:
        """The user's metric, or ours, with its result checked."""
        values = np.asarray(self.metric(lx, ly, lxy), np.float64)
        if values.shape != lxy.shape:
            raise ValueError(f"metric returned shape {values.shape} for code lengths of shape {lxy.shape}")
        if checked and np.isnan(values).any():
            raise ValueError("metric returned NaN for some pair: a distance is a number")
        return values
