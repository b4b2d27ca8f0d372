"""Tiles of a matrix on one or several cards: what fits, what is sent, what runs, what comes back."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines import cuda_kernels as kernels
from ncd.engines.host import Block
from ncd.kernels.deflate_batch import LANES, Columns, Rows, alphabet_of
from ncd.kernels.deflate_codes import FARTHEST, SHORTEST, WINDOW
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS
from ncd.kernels.jit import announced

__all__ = ["Plan", "Ranking", "Tile", "Work", "run"]

_MOST_PAIRS = 1 << 22  # of a tile
_MOST_COLUMNS = 1 << 17
_MOST_ROW_BYTES = 1 << 28  # of a tile's prepared first texts
_PAIR_BYTES = 2 * (SYMBOLS + DISTANCES) + 5 * 4
_SLOTS = 2  # tiles on a card at a time: one is computed while another one travels
_SIMULATED_MEMORY = 1 << 26
_ALIGNED = 256
_DEPTHS = (kernels.SHORT, 2048, 8192)  # second texts up to each length are parsed together


@dataclass(frozen=True)
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

    memory: int
    pairs: int  # of a tile, with those of lanes without a text
    rows: int  # bytes of a tile's prepared first texts
    columns: int  # bytes of prepared second texts
    scratch: int  # bytes for the threads that parse long texts

    @classmethod
    def of(cls, work: Work, memory: int) -> Plan:
        """Shares of the memory, or an error if one of them is too small for these texts."""
        pairs = min(_MOST_PAIRS, memory // 2 // (_SLOTS * _PAIR_BYTES))
        plan = cls(memory, pairs, min(_MOST_ROW_BYTES, memory // 16 // _SLOTS), memory // 4, memory // 8)
        sizes = np.diff(work.ys.offsets)
        longest = int(min(sizes.max(), FARTHEST))
        edges = Rows.edges_of(work.xs, 0, len(work.xs), len(work.separator))
        row = int(np.diff(Rows.bytes_of(edges)).max()) + _ALIGNED * 16
        least = max(
            2 * _SLOTS * LANES * _PAIR_BYTES,
            16 * _SLOTS * row,
            4 * LANES * (8 * longest + 700),
            8 * LANES * _scratch(longest),
        )
        if least > memory:
            raise MemoryError(
                f"texts of up to {int(np.diff(work.xs.offsets).max()):,} and {int(sizes.max()):,} bytes need "
                f"{least:,} bytes of a card's memory, and {memory:,} may be used: end other programs on the card, or "
                "use engine='host'"
            )
        return plan

    def blocks(self, work: Work) -> Iterator[Block]:
        """Tiles that fit, as few as possible."""
        n, m = len(work.xs), len(work.ys)
        used = Rows.bytes_of(Rows.edges_of(work.xs, 0, n, len(work.separator))) + _ALIGNED * 16
        left = 0
        while left < m:
            right = min(m, left + _MOST_COLUMNS, left + self.pairs // LANES * LANES)
            while right - left > LANES and Columns.bytes_of(work.ys, left, right) > self.columns:
                right = left + (right - left) // 2
            height = max(1, self.pairs // (-(-(right - left) // LANES) * LANES))
            top = 0
            while top < n:
                fit = int(np.searchsorted(used, used[top] + self.rows, "right")) - 1
                bottom = max(top + 1, min(n, top + height, fit))
                yield Block(top, bottom, left, right)
                top = bottom
            left = right


def _scratch(longest: int) -> int:
    """Bytes for a thread that parses a second text."""
    return 2 * (longest + 1) + 8 * (longest // SHORTEST + 2)


def _fields(array: Any, offset: int) -> int:
    """Where the next array begins."""
    return -(-(offset + array.nbytes) // _ALIGNED) * _ALIGNED


class _Mirror:
    """Arrays that go to a card together, by way of memory that the card can read while the program goes on."""

    def __init__(self, size: int) -> None:
        self._size = 0
        self._grow(size)

    def _grow(self, size: int) -> None:
        """Room for so many bytes."""
        if size > self._size:
            self._host = cuda.pinned_array(size, np.uint8)
            self._card = cuda.device_array(size, np.uint8)
            self._size = size

    def send(self, arrays: list[Any], stream: Any) -> list[Any]:
        """The arrays on the card; those sent before are gone."""
        edges = [0]
        for array in arrays:
            edges.append(_fields(array, edges[-1]))
        self._grow(max(edges[-1], 1))
        views = []
        for array, begin in zip(arrays, edges, strict=False):
            self._host[begin : begin + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
            part = self._card[begin : begin + max(array.nbytes, array.itemsize)]
            views.append(part.view(array.dtype).reshape(array.shape) if array.size else part.view(array.dtype)[:0])
        if edges[-1]:
            self._card[: edges[-1]].copy_to_device(self._host[: edges[-1]], stream=stream)
        return views


class _Slot:
    """What one tile needs on a card."""

    def __init__(self, plan: Plan, ranking: Ranking | None) -> None:
        self.stream = cuda.stream()
        self.mirror = _Mirror(plan.rows)
        pairs = plan.pairs
        self.counts = cuda.device_array((2, pairs), np.int32)
        self.literal = cuda.device_array(SYMBOLS * pairs, np.uint16)
        self.distance = cuda.device_array(DISTANCES * pairs, np.uint16)
        self.crowded = cuda.device_array(pairs + 1, np.int32)
        self.result = cuda.device_array(pairs, np.int32)
        self.zero = cuda.pinned_array(1, np.int32)
        self.zero[0] = 0
        if ranking is None:
            self.lengths = cuda.pinned_array(pairs, np.int32)

    def parsed(self, pairs: int) -> tuple[Any, ...]:
        """Symbols and extra bits, frequencies of literals and lengths, of distances."""
        return (
            self.counts[0][:pairs],
            self.counts[1][:pairs],
            self.literal[: SYMBOLS * pairs].reshape((SYMBOLS, pairs)),
            self.distance[: DISTANCES * pairs].reshape((DISTANCES, pairs)),
        )


class _Card:
    """One card at work."""

    def __init__(self, work: Work, plan: Plan, ranking: Ranking | None) -> None:
        self.work, self.plan, self.ranking = work, plan, ranking
        self.processors = 1 if kernels.SIMULATED else int(cuda.get_current_device().MULTIPROCESSOR_COUNT)
        self.alphabet = cuda.to_device(alphabet_of([work.xs, work.ys], work.separator))
        self.slots = deque(_Slot(plan, ranking) for _ in range(_SLOTS))
        self.scratch = self.left = None
        self.running: deque[tuple[Block, _Slot, Any]] = deque()

    def take(self, left: int, columns: Columns) -> None:
        """Second texts for the tiles that follow."""
        if left == self.left:
            return
        for _block, slot, _ in self.running:
            slot.stream.synchronize()
        self.left = left
        self.host_columns = columns
        self.depths = np.diff(columns.edges) // LANES - 1
        self.columns = Columns(
            *(cuda.to_device(array if array.size else np.zeros(1, array.dtype)) for array in columns)
        )
        if self.ranking is not None:
            ly = self.ranking.ly[left : left + len(columns.place)].astype(np.float64)
            self.ly, self.log_y = cuda.to_device(ly), cuda.to_device(np.log(np.maximum(ly, 2.0)))
            blocks = 1 if kernels.SIMULATED else 4 * self.processors
            shape = (blocks, self.ranking.k, LANES)
            self.lists = cuda.device_array(shape, np.float64), cuda.device_array(shape, np.int32)
            self.held = cuda.device_array((blocks, LANES), np.int32)

    def start(self, block: Block) -> None:
        """Begin a tile."""
        slot = self.slots.popleft()
        work, stream = self.work, slot.stream
        rows = Rows.prepare(work.xs, block.top, block.bottom, work.separator, work.primed)
        short = rows.size <= kernels.SHORT
        chosen = [np.flatnonzero(short), np.flatnonzero(~short), np.arange(len(short))]
        more = [part.astype(np.int32) for part in chosen]
        if self.ranking is not None:
            more += [self.ranking.lx[block.top : block.bottom].astype(np.float64)]
            more += [self.ranking.add[block.top : block.bottom].astype(np.float64)]
        sent = slot.mirror.send([*rows, *more], stream)
        there = Rows(*sent[: len(rows)])
        groups = len(self.depths)
        pairs = (block.bottom - block.top) * groups * LANES
        parsed = slot.parsed(pairs)
        self._parse(there, sent[len(rows) : len(rows) + 3], [len(part) for part in chosen], parsed, stream)
        m = block.right - block.left
        result = slot.result[: (block.bottom - block.top) * m].reshape((block.bottom - block.top, m))
        slot.crowded[:1].copy_to_device(slot.zero, stream=stream)
        grid = max(1, min(-(-pairs // kernels.COST_THREADS), 64 * self.processors))
        arguments = there, self.columns, self.alphabet, parsed, slot.crowded, result
        kernels.cost[grid, kernels.COST_THREADS, stream](*arguments)
        kernels.cost_crowded[1 if kernels.SIMULATED else 4 * self.processors, LANES, stream](*arguments)
        kept = self._rank(block, result, sent[len(rows) + 3 :], slot) if self.ranking is not None else None
        if kept is None:
            result.reshape(-1).copy_to_host(slot.lengths[: block.pairs], stream=stream)
        self.running.append((block, slot, kept))

    def _parse(self, rows: Rows, chosen: list[Any], counts: list[int], parsed: tuple[Any, ...], stream: Any) -> None:
        """Parse all pairs of a tile: those of short texts by one kernel, the others by lengths of second texts."""
        short_rows, long_rows, all_rows = chosen
        groups = len(self.depths)
        first = int(np.searchsorted(self.depths, kernels.SHORT, "right"))
        if first and counts[0]:
            grid = min(counts[0] * first, 1 << 20)
            kernels.parse_short[grid, LANES, stream](rows, self.columns, short_rows, 0, first, parsed)
        if first and counts[1]:
            self._parse_long(rows, long_rows, counts[1], 0, first, parsed, stream)
        ends = [int(np.searchsorted(self.depths, depth, "right")) for depth in _DEPTHS[1:]]
        for end in [*ends, groups]:
            if end > first:
                self._parse_long(rows, all_rows, counts[2], first, end, parsed, stream)
                first = end

    def _parse_long(
        self, rows: Rows, chosen: Any, count: int, first: int, end: int, parsed: tuple[Any, ...], stream: Any
    ) -> None:
        """Parse the pairs of rows and of groups first..end, with as many threads as there is memory for."""
        longest = int(self.depths[end - 1])
        most = max(1, self.plan.scratch // _SLOTS // (LANES * _scratch(longest)))
        grid = min(count * (end - first), most, 1 if kernels.SIMULATED else 8 * self.processors)
        threads = grid * LANES
        following = cuda.device_array((longest + 1) * threads, np.uint16, stream=stream)
        matches = cuda.device_array((longest // SHORTEST + 2) * threads, np.int64, stream=stream)
        kernels.parse_long[grid, LANES, stream](
            rows, self.columns, chosen, first, end - first, following, matches, parsed
        )

    def _rank(self, block: Block, result: Any, sent: list[Any], slot: _Slot) -> Any:
        """Keep the nearest of every row."""
        ranking, stream = self.ranking, slot.stream
        assert ranking is not None
        n, m = result.shape
        best = cuda.device_array((n, ranking.k), np.float64), cuda.device_array((n, ranking.k), np.int32)
        own = block.top - block.left if ranking.own else m
        slot.crowded[:1].copy_to_device(slot.zero, stream=stream)
        kernels.nearest[min(n, len(self.held)), LANES, stream](
            result,
            ranking.metric,
            sent[0],
            self.ly,
            self.log_y,
            sent[1],
            own,
            self.lists,
            self.held,
            slot.crowded,
            best,
        )
        return best

    def finish(self) -> tuple[Block, Tile]:
        """The result of the tile that was begun first."""
        block, slot, best = self.running.popleft()
        slot.stream.synchronize()
        rare, none = np.empty((0, 2), np.int64), np.empty((0, 0))
        if best is None:
            lengths = slot.lengths[: block.pairs].reshape(block.bottom - block.top, -1).copy()
            tile = Tile(lengths, none, rare, rare)
        else:
            count = int(slot.crowded[:1].copy_to_host()[0])
            if count:
                places = np.sort(slot.crowded[1 : 1 + count].copy_to_host().astype(np.int64))
                rare = np.stack(np.divmod(places, block.right - block.left), axis=1)
            tile = Tile(none.astype(np.int32), best[0].copy_to_host(), best[1].copy_to_host().astype(np.int64), rare)
        self.slots.append(slot)
        return block, tile


class _Prepared:
    """Second texts, prepared once for all cards."""

    def __init__(self, work: Work) -> None:
        self._work, self._lock = work, threading.Lock()
        self._held: dict[int, Columns] = {}

    def of(self, block: Block) -> Columns:
        """Those of a tile."""
        with self._lock:
            if block.left not in self._held:
                if len(self._held) > 1:
                    del self._held[min(self._held)]
                work = self._work
                self._held[block.left] = Columns.prepare(work.ys, block.left, block.right, work.separator)
            return self._held[block.left]


def free_memory() -> int:
    """Bytes that may be used on the card with the least."""
    if kernels.SIMULATED:
        return _SIMULATED_MEMORY
    least = []
    for number in range(len(cuda.gpus)):
        with cuda.gpus[number]:
            least.append(int(cuda.current_context().get_memory_info().free))
    return int(0.9 * min(least))


def run(work: Work, *, ranking: Ranking | None = None, memory: int | None = None) -> Iterator[tuple[Block, Tile]]:
    """
    All tiles, in no particular order, from all cards.

    Every card has a thread of its own, which prepares the next tile while the card is at work on the last one.
    """
    plan = Plan.of(work, free_memory() if memory is None else memory)
    blocks, lock = plan.blocks(work), threading.Lock()
    prepared = _Prepared(work)
    results: queue.Queue[Any] = queue.Queue(2 * len(cuda.gpus))
    stop = threading.Event()

    def put(value: Any) -> None:
        while not stop.is_set():
            try:
                results.put(value, timeout=0.1)
                return
            except queue.Full:
                continue

    def loop(number: int) -> None:
        try:
            with cuda.gpus[number]:
                card = _Card(work, plan, ranking)
                first = True
                while not stop.is_set():
                    with lock:
                        block = next(blocks, None)
                    if block is None:
                        break
                    with announced() if first else nullcontext():
                        card.take(block.left, prepared.of(block))
                        if not card.slots:
                            put(card.finish())
                        card.start(block)
                    first = False
                while card.running and not stop.is_set():
                    put(card.finish())
                if not kernels.SIMULATED:
                    cuda.synchronize()
            put(None)
        except BaseException as error:
            put(error)

    threads = [threading.Thread(target=loop, args=(number,), daemon=True) for number in range(len(cuda.gpus))]
    for thread in threads:
        thread.start()
    left = len(threads)
    try:
        while left:
            value = results.get()
            if value is None:
                left -= 1
            elif isinstance(value, BaseException):
                raise value
            else:
                yield value
    finally:
        stop.set()
        for thread in threads:
            thread.join()
