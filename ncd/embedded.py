"""Distances of embedded texts, in the blocks that matrices and nearest neighbours are made of."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Texts
from ncd.distances.vectors import VECTOR_METRICS, VectorMetric, get_vector_metric
from ncd.embed.base import Adapted, Embedder, Vectors, as_strings, checked_vectors, learned
from ncd.embed.registry import get_embedder
from ncd.engines.host import Block, Grid
from ncd.exceptions import EmptyTextError
from ncd.progress import progress_bar

__all__ = ["EmbeddedDistances", "refuse_code_options"]

_SIDE = 1024  # rows and columns of a block: its distances are 8 MB


def refuse_code_options(options: Mapping[str, tuple[Any, Any]]) -> None:
    """Raise for options of code lengths, each with its default, that would do nothing beside an embedder."""
    for name, (value, usual) in options.items():
        if value is usual or value == usual:
            continue
        if name == "allow_empty":
            raise ValueError(
                f"allow_empty is {value!r} together with an embedder, and an empty text has no vector: leave it out, "
                "and the empty texts too"
            )
        raise ValueError(
            f"{name} is {value!r} together with an embedder, which has vectors and no code lengths: leave one of "
            "them out"
        )


@dataclass(eq=False)
class EmbeddedDistances:
    """From texts to vectors, when they are first needed, and to blocks of distances."""

    model: Embedder
    xs: list[str]
    ys: list[str]
    own: bool  # the pairs are those within one collection
    metric: VectorMetric
    names: tuple[str, str] = ("X", "Y")
    known: Vectors | None = None  # vectors of ys that are there already
    _vectors: tuple[Vectors, Vectors] | None = field(default=None, repr=False)

    @classmethod
    def read(
        cls,
        X: Texts,
        Y: Texts | None,
        embedder: Any,
        metric: str | VectorMetric | None,
        *,
        names: tuple[str, str] = ("X", "Y"),
        known: Vectors | None = None,
    ) -> EmbeddedDistances:
        """Check the arguments; nothing is encoded, and nothing learned, before the vectors are asked for."""
        chosen = get_vector_metric("cosine" if metric is None else metric)
        model = get_embedder(embedder)
        xs = as_strings(X, name=names[0])
        return cls(model, xs, xs if Y is None else as_strings(Y, name=names[1]), Y is None, chosen, names, known)

    def encode(self, n_jobs: int | None, progress: bool | None) -> tuple[Vectors, Vectors]:
        """Vectors of both collections; equal texts are encoded once, so that they are equal in every batch."""
        if self._vectors is None:
            with _threads(n_jobs, self.model):
                self.model = learned(self.model, self.ys)
            with _threads(n_jobs, self.model):
                self._vectors = self._encoded(progress)
        return self._vectors

    def _encoded(self, progress: bool | None) -> tuple[Vectors, Vectors]:
        """The vectors of the different texts, and from them those of all."""
        rows: dict[str, int] = {}
        for text in self.ys:
            rows.setdefault(text, len(rows))
        n_known = len(rows) if self.known is not None else 0
        for text in self.xs:
            rows.setdefault(text, len(rows))
        new = list(rows)[n_known:]
        parts = []
        if self.known is not None:
            first: dict[str, int] = {}
            for i, text in enumerate(self.ys):
                first.setdefault(text, i)
            parts.append(self.known[list(first.values())])
        if new:
            try:
                parts.append(checked_vectors(self.model.encode(new, progress=progress), len(new), name=self.model.name))
            except ValueError as error:  # EmptyTextError too
                message = re.sub(r"texts\[(\d+)\]|for text (\d+)$", lambda found: self._place(found, new), str(error))
                if message == str(error):
                    raise
                raise (EmptyTextError if isinstance(error, EmptyTextError) else ValueError)(message) from error
        if len({part.shape[1] for part in parts}) > 1:
            raise ValueError(
                f"{self.model.name} gave vectors of {parts[1].shape[1]} numbers for X, and of {parts[0].shape[1]} "
                "before: the distance of two vectors needs as many numbers in both"
            )
        vectors = parts[0] if len(parts) == 1 else np.concatenate(parts)
        y = vectors[[rows[text] for text in self.ys]]
        return (y if self.own else vectors[[rows[text] for text in self.xs]]), y

    def _place(self, found: re.Match[str], new: list[str]) -> str:
        """Where the user gave the text that an error is about."""
        text = new[int(found[1] or found[2])]
        where = (
            f"{self.names[0]}[{self.xs.index(text)}]" if text in self.xs else f"{self.names[1]}[{self.ys.index(text)}]"
        )
        return where if found[1] else f"for {where}"

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.xs), len(self.ys)

    def grid(self, n_jobs: int | None, *, most: int | None = None) -> Grid:
        """Blocks that stay in the caches, and not more than `most` of them."""
        del n_jobs
        side = _SIDE
        while most is not None and (-(-self.shape[0] // side)) * (-(-self.shape[1] // side)) > most:
            side *= 2
        mirrored = self.own and self.metric in VECTOR_METRICS.values()  # a user's may depend on the order
        return Grid(self.shape, min(side, self.shape[0]), min(side, self.shape[1]), mirrored)

    def digest(self, n_jobs: int | None, progress: bool | None) -> str:
        """A fingerprint of vectors and metric, so that a checkpoint is never mixed up with another."""
        metric = (getattr(self.metric, "__module__", ""), getattr(self.metric, "__qualname__", repr(self.metric)))
        sha = hashlib.sha256(repr((self.model.name, metric, self.own, self.shape)).encode())
        for vectors in self.encode(n_jobs, progress):
            sha.update(np.ascontiguousarray(vectors).data)
        return sha.hexdigest()

    def blocks(
        self, grid: Grid, done: Any, n_jobs: int | None, progress: bool | None
    ) -> Iterator[tuple[int, list[tuple[Block, NDArray[np.float64]]]]]:
        """The index of each block of the grid with its distances, its mirror image included."""
        todo = [(i, block) for i, block in enumerate(grid.blocks()) if i not in done]
        x, y = self.encode(n_jobs, progress)
        with (
            _threads(n_jobs),
            progress_bar(f"distances by {self.model.name}", sum(b.pairs for _, b in todo), show=progress) as advance,
        ):
            for i, block in todo:
                values = self._between(x[block.top : block.bottom], y[block.left : block.right])
                parts = [(block, values)]
                if grid.mirrored and block == block.transposed:
                    parts = [(block, np.minimum(values, values.T))]  # sums in another order differ in the last digit
                elif grid.mirrored:
                    parts.append((block.transposed, values.T))
                yield i, parts
                advance(block.pairs)

    def _between(self, rows: Vectors, columns: Vectors) -> NDArray[np.float64]:
        """Distances of some rows and columns, with the result of a user's metric checked."""
        values = np.asarray(self.metric(rows, columns), np.float64)
        wanted = (len(rows), len(columns))
        if values.shape != wanted:
            raise ValueError(f"metric returned shape {values.shape} for {wanted[0]} and {wanted[1]} vectors")
        if np.isnan(values).any():
            raise ValueError("metric returned NaN for some pair: a distance is a number")
        return values


@contextmanager
def _threads(n_jobs: int | None, model: Embedder | None = None) -> Iterator[None]:
    """As many threads of matrix products, and of the embedder, as there are jobs."""
    if n_jobs is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    from ncd.engines import workers

    count = workers.count(n_jobs)
    if model is not None and model.fitted and not isinstance(model, Adapted):
        model.dim  # noqa: B018  a model that is read now brings its libraries, whose threads are counted below
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    with threadpool_limits(count):
        try:
            if torch is not None:
                torch.set_num_threads(min(count, before))
            yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)
