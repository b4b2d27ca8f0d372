"""Distances of embedded texts, in the blocks that matrices and nearest neighbours are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Texts
from ncd.distances.vectors import VECTOR_METRICS, VectorMetric, get_vector_metric
from ncd.embed.base import Vectors, learned
from ncd.embed.registry import get_embedder
from ncd.engines.host import Block, Grid
from ncd.progress import progress_bar

__all__ = ["EmbeddedDistances", "refuse_code_options"]

_SIDE = 1024  # rows and columns of a block: its distances are 8 MB


def refuse_code_options(options: Mapping[str, tuple[Any, Any]]) -> None:
    """Raise for options of code lengths, each with its default, that would do nothing beside an embedder."""
    for name, (value, usual) in options.items():
        if value is not usual and value != usual:
            raise ValueError(
                f"{name} is {value!r} together with an embedder, which has vectors and no code lengths: leave one of "
                "them out"
            )


@dataclass(frozen=True, eq=False)
class EmbeddedDistances:
    """From vectors to blocks of distances."""

    name: str
    x: Vectors
    y: Vectors
    own: bool  # the pairs are those within one collection
    metric: VectorMetric

    @classmethod
    def read(
        cls, X: Texts, Y: Texts | None, embedder: Any, metric: str | VectorMetric | None, progress: bool | None
    ) -> EmbeddedDistances:
        """Encode both collections."""
        chosen = get_vector_metric("cosine" if metric is None else metric)
        X = X if isinstance(X, list | np.ndarray) else list(X)
        Y = Y if Y is None or isinstance(Y, list | np.ndarray) else list(Y)
        model = learned(get_embedder(embedder), X if Y is None else Y)
        x = model.encode(X, progress=progress)
        return cls(model.name, x, x if Y is None else model.encode(Y, progress=progress), Y is None, chosen)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.x), len(self.y)

    def grid(self, n_jobs: int | None, *, most: int | None = None) -> Grid:
        """Blocks that stay in the caches, and not more than `most` of them."""
        del n_jobs
        side = _SIDE
        while most is not None and (-(-self.shape[0] // side)) * (-(-self.shape[1] // side)) > most:
            side *= 2
        mirrored = self.own and self.metric in VECTOR_METRICS.values()  # a user's may depend on the order
        return Grid(self.shape, min(side, self.shape[0]), min(side, self.shape[1]), mirrored)

    def digest(self) -> str:
        """A fingerprint of vectors and metric, so that a checkpoint is never mixed up with another."""
        metric = (getattr(self.metric, "__module__", ""), getattr(self.metric, "__qualname__", repr(self.metric)))
        sha = hashlib.sha256(repr((self.name, metric, self.own, self.shape)).encode())
        for vectors in (self.x, self.y):
            sha.update(np.ascontiguousarray(vectors).data)
        return sha.hexdigest()

    def blocks(
        self, grid: Grid, done: Any, n_jobs: int | None, progress: bool | None
    ) -> Iterator[tuple[int, list[tuple[Block, NDArray[np.float64]]]]]:
        """The index of each block of the grid with its distances, its mirror image included."""
        todo = [(i, block) for i, block in enumerate(grid.blocks()) if i not in done]
        with (
            _threads(n_jobs),
            progress_bar(f"distances by {self.name}", sum(b.pairs for _, b in todo), show=progress) as advance,
        ):
            for i, block in todo:
                values = self._between(slice(block.top, block.bottom), slice(block.left, block.right))
                parts = [(block, values)]
                if grid.mirrored and block == block.transposed:
                    parts = [(block, np.minimum(values, values.T))]  # sums in another order differ in the last digit
                elif grid.mirrored:
                    parts.append((block.transposed, values.T))
                yield i, parts
                advance(block.pairs)

    def _between(self, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Distances of some rows and columns, with the result of a user's metric checked."""
        values = np.asarray(self.metric(self.x[rows], self.y[columns]), np.float64)
        wanted = (len(self.x[rows]), len(self.y[columns]))
        if values.shape != wanted:
            raise ValueError(f"metric returned shape {values.shape} for {wanted[0]} and {wanted[1]} vectors")
        if np.isnan(values).any():
            raise ValueError("metric returned NaN for some pair: a distance is a number")
        return values


def _threads(n_jobs: int | None) -> Any:
    """As many threads of the matrix product as there are jobs."""
    from ncd.engines import workers

    if n_jobs is None:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return threadpool_limits(workers.count(n_jobs))
