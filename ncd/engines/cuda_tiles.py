"""Tiles of a matrix on one or several cards: what is sent, what runs, what comes back."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.deflate import KERNEL
from ncd.engines import cuda_kernels as kernels
from ncd.engines.cuda_device import SIMULATED, cuda
from ncd.engines.cuda_nearest import nearest
from ncd.engines.cuda_plan import ALIGNED, SLOTS, Plan, Ranking, Task, Tile, scratch_bytes
from ncd.kernels.deflate_batch import LANES, Columns, Rows
from ncd.kernels.deflate_codes import SHORTEST
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS
from ncd.kernels.jit import announced

__all__ = ["run"]

_DEPTHS = (kernels.SHORT, 2048, 8192)  # second texts up to each length are parsed together

Clock: TypeAlias = Callable[[str, Any], None]


def _no_clock(stage: str, stream: Any) -> None:
    """Nobody wants to know."""


def _grid(blocks: int) -> int:
    """At least so many blocks: Numba warns of fewer than 128, and idle ones cost nothing."""
    return blocks if SIMULATED else max(128, blocks)


def _fields(array: Any, offset: int) -> int:
    """Where the next array begins."""
    return -(-(offset + array.nbytes) // ALIGNED) * ALIGNED


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
        self._grow(edges[-1] + ALIGNED)
        views = []
        for array, begin in zip(arrays, edges, strict=False):
            self._host[begin : begin + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
            part = self._card[begin : begin + max(array.nbytes, array.itemsize)].view(array.dtype)
            views.append(part.reshape(array.shape) if array.size else part)  # never empty: a kernel wants an address
        if edges[-1]:
            self._card[: edges[-1]].copy_to_device(self._host[: edges[-1]], stream=stream)
        return views


class _Slot:
    """What one tile needs on a card."""

    def __init__(self, plan: Plan, ranking: Ranking | None, number: int) -> None:
        self.number = number
        self.stream = cuda.stream()
        self.mirror = _Mirror(plan.rows)
        pairs = plan.pairs
        self.counts = cuda.device_array((2, pairs), np.int32)
        self.literal = cuda.device_array(SYMBOLS * pairs, np.uint16)
        self.distance = cuda.device_array(DISTANCES * pairs, np.uint16)
        self.crowded = cuda.device_array(pairs + 1, np.int32)
        self.result = cuda.device_array(pairs, np.int32)
        self.following, self.matches = cuda.device_array(1, np.uint16), cuda.device_array(1, np.int64)
        self.zero = cuda.pinned_array(1, np.int32)
        self.zero[0] = 0
        if ranking is None:
            self.lengths = cuda.pinned_array(pairs, np.int32)

    def scratch(self, threads: int, longest: int) -> tuple[Any, Any]:
        """`following` and `matches` for so many threads; those of an earlier tile are gone."""
        sizes = (longest + 1) * threads, (longest // SHORTEST + 2) * threads
        if self.following.size < sizes[0] or self.matches.size < sizes[1]:
            self.stream.synchronize()
            self.following, self.matches = cuda.device_array(sizes[0], np.uint16), cuda.device_array(sizes[1], np.int64)
        return self.following, self.matches

    def parsed(self, pairs: int) -> tuple[Any, ...]:
        """Symbols and extra bits, frequencies of literals and lengths, of distances."""
        return (
            self.counts[0][:pairs],
            self.counts[1][:pairs],
            self.literal[: SYMBOLS * pairs].reshape((SYMBOLS, pairs)),
            self.distance[: DISTANCES * pairs].reshape((DISTANCES, pairs)),
        )


class _Held:
    """Second texts on a card, and for a ranking what their distances need."""

    def __init__(self, columns: Columns, left: int, ranking: Ranking | None) -> None:
        self.depths = np.diff(columns.edges) // LANES - 1  # longest text of each group
        self.columns = Columns(
            *(cuda.to_device(array if array.size else np.zeros(1, array.dtype)) for array in columns)
        )
        if ranking is not None:
            ly = ranking.ly[left : left + len(columns.place)].astype(np.float64)
            self.ly, self.log_y = cuda.to_device(ly), cuda.to_device(np.log(np.maximum(ly, 2.0)))


class _Card:
    """One card at work."""

    def __init__(self, plan: Plan, alphabet: NDArray[np.uint16], ranking: Ranking | None, clock: Clock) -> None:
        self.plan, self.ranking, self.clock = plan, ranking, clock
        self.processors = 1 if SIMULATED else int(cuda.get_current_device().MULTIPROCESSOR_COUNT)
        self.alphabet = cuda.to_device(alphabet)
        self.slots = deque(_Slot(plan, ranking, number) for number in range(SLOTS))
        self.held: dict[tuple[int, int, int], _Held] = {}
        self.running: deque[tuple[Task, _Slot, Any]] = deque()
        if ranking is not None:
            blocks = _grid(1 if SIMULATED else 4 * self.processors)
            shape = (blocks, ranking.k, LANES)
            self.lists = [
                (
                    cuda.device_array(shape, np.float64),
                    cuda.device_array(shape, np.int32),
                    cuda.device_array(shape[::2], np.int32),
                )
                for _ in range(SLOTS)
            ]

    def take(self, task: Task, prepared: _Prepared) -> _Held:
        """The second texts of a task, on the card."""
        key = _columns_of(task)
        if key not in self.held:
            columns = prepared.of(task)
            if len(self.held) == SLOTS:
                for _task, slot, _best in self.running:
                    slot.stream.synchronize()
                del self.held[next(iter(self.held))]
            self.held[key] = _Held(columns, task.block.left, self.ranking)
        self.held[key] = held = self.held.pop(key)  # the last one used is the last one to go
        return held

    def start(self, task: Task, held: _Held) -> None:
        """Begin a tile."""
        slot = self.slots.popleft()
        (work, block, _tag), stream, ranking = task, slot.stream, self.ranking
        height, width = block.bottom - block.top, block.right - block.left
        rows = Rows.prepare(work.xs, block.top, block.bottom, work.separator, work.primed)
        short = rows.size <= kernels.SHORT
        chosen = [np.flatnonzero(short), np.flatnonzero(~short), np.arange(height)]
        more = [part.astype(np.int32) for part in chosen]
        if ranking is not None:
            more += [of_row[block.top : block.bottom].astype(np.float64) for of_row in (ranking.lx, ranking.add)]
        self.clock("prepare", stream)
        sent = slot.mirror.send([*rows, *more], stream)
        self.clock("send", stream)
        there, more = Rows(*sent[: len(rows)]), sent[len(rows) :]
        pairs = height * len(held.depths) * LANES
        parsed = slot.parsed(pairs)
        self._parse(there, held, more[:3], [len(part) for part in chosen], parsed, slot)
        self.clock("parse", stream)
        result = slot.result[: height * width].reshape((height, width))
        slot.crowded[:1].copy_to_device(slot.zero, stream=stream)
        grid = max(1, min(-(-pairs // kernels.COST_THREADS), 64 * self.processors))
        arguments = there, held.columns, self.alphabet, parsed, slot.crowded, result
        kernels.cost[_grid(grid), kernels.COST_THREADS, stream](*arguments)
        kernels.cost_crowded[_grid(1 if SIMULATED else 4 * self.processors), LANES, stream](*arguments)
        self.clock("cost", stream)
        best = None
        if ranking is None:
            slot.result[: block.pairs].copy_to_host(slot.lengths[: block.pairs], stream=stream)
        else:
            best = cuda.device_array((height, ranking.k), np.float64), cuda.device_array((height, ranking.k), np.int32)
            slot.crowded[:1].copy_to_device(slot.zero, stream=stream)
            own = block.top - block.left if ranking.own else width
            *lists, counts = self.lists[slot.number]
            nearest[counts.shape[0], LANES, stream](
                result,
                ranking.metric,
                more[3],
                held.ly,
                held.log_y,
                more[4],
                own,
                tuple(lists),
                counts,
                slot.crowded,
                best,
            )
        self.clock("keep", stream)
        self.running.append((task, slot, best))

    def _parse(
        self, rows: Rows, held: _Held, chosen: list[Any], counts: list[int], parsed: tuple[Any, ...], slot: _Slot
    ) -> None:
        """Parse all pairs of a tile: those of short texts by one kernel, the others by lengths of second texts."""
        short_rows, long_rows, all_rows = chosen
        groups = len(held.depths)
        first = int(np.searchsorted(held.depths, kernels.SHORT, "right"))
        if first and counts[0]:
            grid = min(counts[0] * first, 1 << 20)
            kernels.parse_short[_grid(grid), LANES, slot.stream](rows, held.columns, short_rows, 0, first, parsed)
        if first and counts[1]:
            self._parse_long(rows, held, long_rows, counts[1], (0, first), parsed, slot)
        for end in [*np.searchsorted(held.depths, _DEPTHS[1:], "right").tolist(), groups]:
            if end > first:
                self._parse_long(rows, held, all_rows, counts[2], (first, end), parsed, slot)
                first = end

    def _parse_long(
        self,
        rows: Rows,
        held: _Held,
        chosen: Any,
        count: int,
        groups: tuple[int, int],
        parsed: tuple[Any, ...],
        slot: _Slot,
    ) -> None:
        """Parse the pairs of rows and of groups from..to, with as many threads as there is memory for."""
        first, end = groups
        longest = int(held.depths[end - 1])
        most = max(1, self.plan.scratch // SLOTS // (LANES * scratch_bytes(longest)))
        grid = min(count * (end - first), most, 1 if SIMULATED else 8 * self.processors)
        following, matches = slot.scratch(grid * LANES, longest)
        kernels.parse_long[_grid(grid), LANES, slot.stream](
            rows, held.columns, chosen, first, end - first, grid, following, matches, parsed
        )

    def finish(self) -> tuple[Task, Tile]:
        """The result of the tile that was begun first."""
        task, slot, best = self.running.popleft()
        block = task.block
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
        return task, tile


def _columns_of(task: Task) -> tuple[int, int, int]:
    """Which second texts a task needs."""
    return id(task.work), task.block.left, task.block.right


class _Prepared:
    """Second texts, prepared once for all cards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[int, int, int], Columns] = {}

    def of(self, task: Task) -> Columns:
        """Those of a task."""
        with self._lock:
            key = _columns_of(task)
            if key not in self._held:
                if len(self._held) == SLOTS:
                    del self._held[next(iter(self._held))]
                work, block = task.work, task.block
                self._held[key] = Columns.prepare(work.ys, block.left, block.right, work.separator)
            return self._held[key]


def run(
    plan: Plan,
    tasks: Iterable[Task],
    alphabet: NDArray[np.uint16],
    ranking: Ranking | None = None,
    clock: Clock = _no_clock,
) -> Iterator[tuple[Task, Tile]]:
    """
    Tiles of all tasks, in no particular order, from all cards.

    Every card has a thread of its own, which prepares the next tile while the card is at work on the last one. `clock`
    is called with a name and a stream wherever a stage of a tile has been handed to the card.
    """
    waiting, lock, prepared = iter(tasks), threading.Lock(), _Prepared()
    results: queue.Queue[Any] = queue.Queue(2 * len(cuda.gpus))
    stop = threading.Event()

    def put(value: Any) -> None:
        """Hand over a result, unless nobody wants any."""
        while not stop.is_set():
            with suppress(queue.Full):
                results.put(value, timeout=0.1)
                return

    def work() -> None:
        """Compute tiles on this thread's card."""
        card = _Card(plan, alphabet, ranking, clock)
        first = True
        while not stop.is_set():
            with lock:
                task = next(waiting, None)
            if task is None:
                break
            with announced(KERNEL) if first and not SIMULATED else nullcontext():
                held = card.take(task, prepared)
                if not card.slots:
                    put(card.finish())
                card.start(task, held)
            first = False
        while card.running:
            put(card.finish())

    def guarded(number: int) -> None:
        """Send errors where results go."""
        try:
            with cuda.gpus[number]:
                work()
            put(None)
        except BaseException as error:
            put(error)

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(len(cuda.gpus))]
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
