"""Where to cut a sequence: candidates from seeded intervals, dynamic programming over them, and refinement."""

from __future__ import annotations

import heapq
import math
from bisect import bisect, insort
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Code",
    "Gains",
    "Room",
    "Scorer",
    "candidates",
    "fill",
    "known_number",
    "programmed",
    "programmed_known",
    "resplit",
    "seeded_intervals",
    "unknown_number",
]

_SHORTEST = 32
_SPAN = 32  # candidates that a segment may skip
_FROM_OTHERS = 500  # candidates whose scores are no code lengths; of long sequences one in 400 elements
_FOR_KNOWN = 60  # candidates for a known number, at least
_FULL = 256  # candidates of which all pairs are looked at
_FILLED = 200  # further candidates in a list
_ROUNDS = 10
_RESPLITS = 2


@dataclass(frozen=True)
class Room:
    """How far apart cuts must be: from each other, and from the two ends of the sequence."""

    n: int
    apart: int = 1
    edge: int = 1

    @classmethod
    def of(cls, n: int, min_distance: float | None) -> Room:
        """For a least distance as a share of n: that far from each other, a third of it from the ends."""
        if min_distance is None:
            return cls(n)
        return cls(n, max(1, math.ceil(min_distance * n - 1e-9)), max(1, math.ceil(min_distance * n / 3 - 1e-9)))

    @property
    def most(self) -> int:
        """How many cuts there is room for."""
        return max(0, (self.n - 2 * self.edge) // self.apart + 1) if self.n > 1 else 0

    def between(self, start: int, stop: int) -> tuple[int, int]:
        """First and last place for a cut between two others, or an end."""
        return start + (self.apart if start else self.edge), stop - (self.apart if stop < self.n else self.edge)


def seeded_intervals(n: int, shortest: int = _SHORTEST) -> NDArray[np.int64]:
    """
    Intervals of lengths n, n/2, n/4 ... down to `shortest`, each length half overlapping; shape (k, 2).

    S. Kovács, H. Li, P. Bühlmann, A. Munk (2023), Seeded binary segmentation, Biometrika 110.
    """
    result, halves = [(0, n)], 2
    while n / halves >= shortest:
        bounds = np.round(np.arange(2 * halves + 1) * n / (2 * halves)).astype(np.int64)
        result += zip(bounds[:-2].tolist(), bounds[2:].tolist(), strict=True)
        halves *= 2
    return np.array(result, np.int64)


class Scorer(Protocol):
    """What says where in an interval a cut is best."""

    def best_cuts(
        self, intervals: NDArray[np.int64], low: int, high: int, edge: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Place and score of the best cut in each interval; -1 and minus infinity where there is no room."""


class Code(Scorer, Protocol):
    """A scorer whose scores are bits saved."""

    @property
    def n(self) -> int:
        """Length of the sequence."""

    def growing(self, start: int, stop: int) -> NDArray[np.float64]:
        """Bits of [start, e) for e = start + 1 ... stop."""

    def pooled(self, parts: ArrayLike) -> float:
        """Bits of one or several parts."""


def candidates(scorer: Scorer, room: Room, least: float, most: int | None = None) -> NDArray[np.int64]:
    """The best cuts of seeded intervals with scores of `least` or more, best first; of close ones only the best."""
    intervals = seeded_intervals(room.n, max(_SHORTEST, room.apart // 2))
    cuts, gains = scorer.best_cuts(intervals, room.edge, room.n - room.edge, 1)
    near = (intervals[:, 1] - intervals[:, 0]) // 16
    order = np.argsort(-gains, kind="stable")
    order = order[(gains[order] >= least) & (cuts[order] >= 0)]
    return _apart(cuts[order], near[order])[:most]


def _apart(cuts: NDArray[np.int64], near: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cuts in their order, without those that are as near as `near` to one before them."""
    kept: list[int] = []
    found: list[int] = []
    for cut, radius in zip(cuts.tolist(), near.tolist(), strict=True):
        at = bisect(kept, cut)
        if all(abs(cut - other) > radius for other in kept[max(at - 1, 0) : at + 1]):
            insort(kept, cut)
            found.append(cut)
    return np.array(found, np.int64)


def _costs(code: Code, nodes: NDArray[np.int64], span: int) -> NDArray[np.float64]:
    """Bits of [nodes[i], nodes[i + 1 + k]) in [i, k], infinite beyond the last."""
    result = np.full((len(nodes) - 1, span), np.inf)
    for i in range(len(nodes) - 1):
        ends = nodes[i + 1 : i + 1 + span]
        result[i, : len(ends)] = code.growing(int(nodes[i]), int(ends[-1]))[ends - nodes[i] - 1]
    return result


def _allowed(nodes: NDArray[np.int64], room: Room, costs: NDArray[np.float64]) -> None:
    """Make segments that are too short infinitely dear."""
    last = len(nodes) - 1
    for i in range(last):
        ends = np.arange(i + 1, min(i + 1 + costs.shape[1], last + 1))
        least = np.full(len(ends), room.apart)
        least[(ends == last) | (i == 0)] = room.edge
        least[(ends == last) & (i == 0)] = 0
        costs[i, : len(ends)][nodes[ends] - nodes[i] < least] = np.inf


def _nodes(n: int, cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.sort(cuts), [n]]).astype(np.int64)


def programmed(code: Code, cuts: NDArray[np.int64], room: Room, penalty: float, full: int = _FULL) -> list[int]:
    """The cuts among the given ones with the smallest sum of code lengths and penalties; up to `full` all pairs."""
    nodes = _nodes(room.n, cuts)
    span = len(nodes) - 1 if len(cuts) <= full else _SPAN
    costs = _costs(code, nodes, span)
    _allowed(nodes, room, costs)
    best, before = np.full(len(nodes), np.inf), np.zeros(len(nodes), np.int64)
    best[0] = -penalty
    for i in range(len(nodes) - 1):
        ends = np.arange(i + 1, min(i + 1 + span, len(nodes)))
        totals = best[i] + penalty + costs[i, : len(ends)]
        better = totals < best[ends]
        best[ends[better]] = totals[better]
        before[ends[better]] = i
    path, at = [], int(before[-1])
    while at:
        path.append(int(nodes[at]))
        at = int(before[at])
    return path[::-1]


def programmed_known(
    code: Code, cuts: NDArray[np.int64], room: Room, number: int, full: int = _FULL
) -> list[int] | None:
    """So many of the cuts with the smallest sum of code lengths; None if there are none that are far enough apart."""
    nodes = _nodes(room.n, cuts)
    size = len(nodes)
    for span in dict.fromkeys([size - 1 if len(cuts) <= full else _SPAN, size - 1]):
        costs = _costs(code, nodes, span)
        _allowed(nodes, room, costs)
        best = np.full((number + 2, size), np.inf)
        before = np.zeros((number + 2, size), np.int64)
        best[0, 0] = 0.0
        for i in range(size - 1):
            ends = np.arange(i + 1, min(i + 1 + span, size))
            totals = best[:-1, i, None] + costs[i, : len(ends)]
            better = totals < best[1:, ends]
            rows, columns = np.nonzero(better)
            best[rows + 1, ends[columns]] = totals[rows, columns]
            before[rows + 1, ends[columns]] = i
        if np.isfinite(best[number + 1, -1]):
            path, at = [], size - 1
            for used in range(number + 1, 1, -1):
                at = int(before[used, at])
                path.append(int(nodes[at]))
            return path[::-1]
    return None


def _best_cut(scorer: Scorer, start: int, stop: int, room: Room) -> tuple[int, float]:
    """Place and score of the best cut between two others, or the ends; -1 and minus infinity without room."""
    cut, score = scorer.best_cuts(np.array([[start, stop]], np.int64), *room.between(start, stop), 1)
    return int(cut[0]), float(score[0])


def resplit(scorer: Scorer, cuts: list[int], room: Room) -> list[int]:
    """Each cut at its best place between its neighbours, twice."""
    bounds = [0, *cuts, room.n]
    for _ in range(_RESPLITS):
        for i in range(1, len(bounds) - 1):
            cut, _score = _best_cut(scorer, bounds[i - 1], bounds[i + 1], room)
            bounds[i] = cut if cut >= 0 else bounds[i]
    return bounds[1:-1]


class Gains:
    """Bits that cuts of one sequence save between their neighbours, none computed twice."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._known: dict[tuple[int, int], float] = {}

    def bits(self, start: int, stop: int) -> float:
        """Code length of a part."""
        if (start, stop) not in self._known:
            self._known[start, stop] = self.code.pooled([[start, stop]])
        return self._known[start, stop]

    def of(self, start: int, cut: int, stop: int) -> float:
        """What a cut saves between two others."""
        return self.bits(start, stop) - self.bits(start, cut) - self.bits(cut, stop)

    def between(self, cuts: list[int]) -> list[float]:
        """What each of ascending cuts saves between its neighbours."""
        bounds = [0, *cuts, self.code.n]
        return [self.of(*bounds[i : i + 3]) for i in range(len(cuts))]

    def prune(self, cuts: list[int], penalty: float) -> list[int]:
        """Without the cuts that save no more than the penalty between their neighbours, the worst first."""
        cuts = sorted(cuts)
        gains = self.between(cuts)
        while cuts and min(gains) <= penalty:
            worst = int(np.argmin(gains))
            del cuts[worst], gains[worst]
            bounds = [0, *cuts, self.code.n]
            for i in range(max(worst - 1, 0), min(worst + 1, len(cuts))):
                gains[i] = self.of(*bounds[i : i + 3])
        return cuts


def _added(scorer: Scorer, gains: Gains, cuts: list[int], room: Room, penalty: float) -> list[int]:
    """With the best cut of each segment that saves more than the penalty."""
    found = list(cuts)
    for start, stop in pairwise([0, *cuts, room.n]):
        cut, _ = _best_cut(scorer, start, stop, room)
        if cut >= 0 and gains.of(start, cut, stop) > penalty:
            found.append(cut)
    return sorted(found)


def unknown_number(code: Code, scorer: Scorer, room: Room, penalty: float) -> list[int]:
    """Cuts, ascending, of which each saves more bits of the code than the penalty."""
    if room.most < 1:
        return []
    least, most = (penalty / 2, None) if scorer is code else (-math.inf, max(_FROM_OTHERS, room.n // 400))
    cuts = candidates(scorer, room, least, most)
    gains = Gains(code)
    found = programmed(code, cuts, room, penalty) if len(cuts) else []
    for _ in range(_ROUNDS):
        before = found
        found = gains.prune(resplit(scorer, found, room), penalty)
        found = _added(scorer, gains, found, room, penalty)
        if found == before:
            break
    return gains.prune(found, penalty)


def known_number(code: Code, scorer: Scorer, room: Room, number: int) -> list[int]:
    """So many cuts, ascending, with the smallest code length among candidates; each at the scorer's best place."""
    if number == 0:
        return []
    cuts = candidates(scorer, room, -math.inf, max(_FOR_KNOWN, 4 * number))
    found = programmed_known(code, cuts, room, number) if len(cuts) >= number else None
    if found is None:
        found = sorted(cut for cut, _ in fill(scorer, [], room, number))
    if len(found) < number:  # greedy cuts left too little room
        found = [room.edge + (room.n - 2 * room.edge) * i // max(number - 1, 1) for i in range(number)]
    return resplit(scorer, found, room)


def fill(scorer: Scorer, cuts: list[int], room: Room, most: int = _FILLED) -> list[tuple[int, float]]:
    """At most so many further cuts where there is room, each time the best of all segments, with their scores."""
    heap: list[tuple[float, int, int, int]] = []

    def push(start: int, stop: int) -> None:
        cut, score = _best_cut(scorer, start, stop, room)
        if cut >= 0:
            heapq.heappush(heap, (-score, cut, start, stop))

    for start, stop in pairwise([0, *cuts, room.n]):
        push(start, stop)
    result: list[tuple[int, float]] = []
    while heap and len(result) < most:
        score, cut, start, stop = heapq.heappop(heap)
        result.append((cut, -score))
        push(start, cut)
        push(cut, stop)
    return result
