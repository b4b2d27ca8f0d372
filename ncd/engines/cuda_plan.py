"""What is to be computed on cards, what of it fits at a time, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines.cuda_device import SIMULATED, cuda
from ncd.engines.host import Block
from ncd.kernels.deflate_batch import LANES, Columns, Rows
from ncd.kernels.deflate_codes import FARTHEST, SHORTEST, WINDOW
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS

__all__ = ["ALIGNED", "SLOTS", "Plan", "Ranking", "Task", "Tile", "Work", "free_memory", "scratch_bytes"]

#: Tiles on a card at a time: one is computed while another one travels.
SLOTS = 2
#: Arrays that travel together begin at multiples of so many bytes.
ALIGNED = 256

_MOST_PAIRS = 1 << 22  # of a tile
_MOST_COLUMNS = 1 << 17
_MOST_ROW_BYTES = 1 << 28  # of a tile's prepared first texts
_PAIR_BYTES = 2 * (SYMBOLS + DISTANCES) + 5 * 4
_SIMULATED_MEMORY = 1 << 26
_ROW_SLACK = 32 * ALIGNED  # between the arrays of a tile's first texts


@dataclass(frozen=True, eq=False)
class Work:
    """Pairs of texts and how they are joined."""

    xs: Packed
    ys: Packed
    separator: bytes
    primed: bool

    @classmethod
    def of(cls, xs: Packed, ys: Packed, separator: bytes, primed: bool) -> Work:
        """A preset dictionary has no separator, and its last 32,768 bytes count."""
        if primed and len(xs) and int(np.diff(xs.offsets).max()) > WINDOW:
            xs = Packed.of([first[-WINDOW:] for first in xs])
        return cls(xs, ys, b"" if primed else separator, primed)


@dataclass(frozen=True)
class Ranking:
    """What makes distances of lengths, and how many of the nearest are wanted."""

    metric: int
    k: int
    lx: NDArray[np.int64]
    ly: NDArray[np.int64]
    add: NDArray[np.int64]
    own: bool


class Task(NamedTuple):
    """A tile to be computed: pairs of `work`, a rectangle of their matrix, and what it belongs to."""

    work: Work
    block: Block
    tag: int


@dataclass(frozen=True)
class Tile:
    """What comes back: all lengths (-1: left out), or the nearest columns of every row and the pairs left out."""

    lengths: NDArray[np.int32]
    distances: NDArray[np.float64]
    columns: NDArray[np.int64]
    rare: NDArray[np.int64]  # rows and columns, sorted


@dataclass(frozen=True)
class Plan:
    """What of a card's memory goes where."""

    pairs: int  # of a tile, with those of lanes without a text
    rows: int  # bytes of a tile's prepared first texts
    columns: int  # bytes of prepared second texts
    scratch: int  # bytes for the threads that parse long texts

    @classmethod
    def of(cls, work: Work, memory: int) -> Plan:
        """Shares of the memory, or an error if one of them is too small for these texts."""
        pairs = min(_MOST_PAIRS, memory // 2 // (SLOTS * _PAIR_BYTES))
        plan = cls(pairs, min(_MOST_ROW_BYTES, memory // 16 // SLOTS), memory // 4 // SLOTS, memory // 8)
        longest, sizes = 0, [np.diff(texts.offsets) for texts in (work.xs, work.ys)]
        row = 0
        for texts, size in zip((work.xs, work.ys), sizes, strict=True):
            longest = max(longest, int(size[size <= FARTHEST].max(initial=0)))
            row = max(row, int(np.diff(_row_bytes(texts, len(work.separator))).max()) + _ROW_SLACK)
        least = max(
            2 * SLOTS * LANES * _PAIR_BYTES,
            16 * SLOTS * row,
            4 * SLOTS * LANES * (11 * longest + 1300),
            8 * SLOTS * LANES * scratch_bytes(longest),
        )
        if least > memory:
            raise MemoryError(
                f"texts of up to {int(sizes[0].max()):,} and {int(sizes[1].max()):,} bytes need {least:,} bytes of a "
                f"card's memory, and {memory:,} may be used: end other programs on the card, or use engine='host'"
            )
        return plan

    def split(self, work: Work, block: Block) -> Iterator[Block]:
        """Tiles that fit, as few as possible."""
        used = _row_bytes(work.xs, len(work.separator))
        left = block.left
        while left < block.right:
            right = min(block.right, left + _MOST_COLUMNS, left + self.pairs // LANES * LANES)
            while right - left > LANES and Columns.bytes_of(work.ys, left, right) > self.columns:
                right = left + (right - left) // 2
            height = max(1, self.pairs // (-(-(right - left) // LANES) * LANES))
            top = block.top
            while top < block.bottom:
                fit = int(np.searchsorted(used, used[top] + self.rows - _ROW_SLACK, "right")) - 1
                bottom = max(top + 1, min(block.bottom, top + height, fit))
                yield Block(top, bottom, left, right)
                top = bottom
            left = right


def _row_bytes(xs: Packed, separator: int) -> NDArray[np.int64]:
    """Bytes of prepared first texts before each one."""
    return Rows.bytes_of(Rows.edges_of(xs, 0, len(xs), separator))


def scratch_bytes(longest: int) -> int:
    """Bytes for a thread that parses a second text."""
    return 2 * (longest + 1) + 8 * (longest // SHORTEST + 2)


def free_memory() -> int:
    """Bytes that may be used on the card with the least."""
    if SIMULATED:
        return _SIMULATED_MEMORY
    least = []
    for number in range(len(cuda.gpus)):
        with cuda.gpus[number]:
            least.append(int(cuda.current_context().get_memory_info().free))
    return int(0.9 * min(least))
