"""A checked sequence with what the methods need of it, and their answers as plain positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, whole_number
from ncd.changepoint.grid import as_share, grid_estimates, has_room
from ncd.changepoint.onehot import NgramCusum
from ncd.changepoint.seeded import Gains, Room, Scorer, fill, known_number, resplit, unknown_number
from ncd.changepoint.tree import ContextTreeCode
from ncd.distances.cells import Cells, as_filled, checked_cells
from ncd.distances.distributional import Weights, WordSpace, weights_table

__all__ = ["Problem", "SequenceMethod", "bits_of", "check_options", "farthest_points", "significance"]

#: How candidates are found.
SequenceMethod = Literal["ctw", "distributional", "ngram"]
_GROUPED = 20  # candidates that are grouped even if they are not accepted
_REGROUPINGS = 5
_NO_DISTANCE = 0.05  # for the grids of method="distributional"


def significance(gain: float, places: int) -> float:
    """An upper bound of how often a sequence without change has a cut that saves so much: min(1, places 2^-gain)."""
    return min(1.0, 2.0 ** (math.log2(max(places, 1)) - gain)) if gain > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Problem:
    """A checked sequence with what is needed to find its changepoints, computed when it is asked for."""

    x: NDArray[np.generic]
    method: SequenceMethod
    min_distance: float | None
    penalty: float
    bits: int
    depth: int
    weights: Weights
    cells: Cells

    @classmethod
    def of(
        cls,
        x: ArrayLike,
        method: SequenceMethod,
        min_distance: float | None,
        penalty: float | Literal["auto"],
        bits: int,
        depth: int,
        weights: Weights,
        cells: Cells,
    ) -> Problem:
        """With everything checked."""
        if method not in get_args(SequenceMethod):
            raise ValueError(f"method is {method!r}: choose from {', '.join(map(repr, get_args(SequenceMethod)))}")
        check_options(bits, depth, weights, cells)
        sequence = as_filled(x)
        share = None if min_distance is None else as_share(min_distance)
        return cls(sequence, method, share, bits_of(penalty, len(sequence)), bits, depth, weights, cells)

    @property
    def n(self) -> int:
        return len(self.x)

    @cached_property
    def code(self) -> ContextTreeCode:
        return ContextTreeCode.of(self.x, bits=self.bits, depth=self.depth)

    @cached_property
    def gains(self) -> Gains:
        return Gains(self.code)

    @cached_property
    def scorer(self) -> Scorer:
        return self.code if self.method == "ctw" else NgramCusum.of(self.x, self.bits)

    @cached_property
    def room(self) -> Room:
        return Room.of(self.n, self.min_distance)

    @cached_property
    def space(self) -> WordSpace:
        return WordSpace.of(self.x, self.weights, self.cells, None, None)

    @cached_property
    def is_constant(self) -> bool:
        return bool((self.x == self.x[0]).all())

    def ranked(self) -> tuple[list[tuple[int, float]], list[int]]:
        """Candidates with the method's scores, best first; and which of them each save more than the penalty."""
        if self.is_constant or self.n < 5:
            return [], []
        if self.method == "distributional":
            found = grid_estimates(self.space, self.min_distance or _NO_DISTANCE)
            return found, self.gains.prune([cut for cut, _ in found], self.penalty)
        accepted = unknown_number(self.code, self.scorer, self.room, self.penalty)
        return self._scored(accepted) + fill(self.scorer, accepted, self.room), accepted

    def _scored(self, accepted: list[int]) -> list[tuple[int, float]]:
        """Accepted cuts with the scorer's scores between their neighbours, best first."""
        bounds = [0, *accepted, self.n]
        around = np.array([[bounds[i], bounds[i + 2]] for i in range(len(accepted))], np.int64).reshape(-1, 2)
        scores = [float(self.scorer.best_cuts(around[i : i + 1], cut, cut, 1)[1][0]) for i, cut in enumerate(accepted)]
        return sorted(zip(accepted, scores, strict=True), key=lambda pair: -pair[1])

    def known(self, number: int) -> list[int]:
        """So many changepoints, ascending."""
        if self.method == "distributional":
            found = [cut for cut, _ in grid_estimates(self.space, self.min_distance or _NO_DISTANCE)]
            most = len(found)
        else:
            most = self.room.most
        if number > most:
            raise self._too_many("n_changepoints", number, f"{most} fit into {self.n:,} elements")
        if self.method == "distributional":
            return sorted(found[:number])
        return known_number(self.code, self.scorer, self.room, number)

    def of_processes(self, n_processes: int) -> tuple[list[int], list[int]]:
        """Changepoints between segments of different processes, ascending; and the process of each segment."""
        found, accepted = self.ranked()
        if len(found) + 1 < n_processes:
            if self.is_constant:
                raise ValueError(f"n_processes is {n_processes}: all elements are the same, which is one process")
            there = f"there {'is 1 segment' if not found else f'are {len(found) + 1} segments'} in {self.n:,} elements"
            raise self._too_many("n_processes", n_processes, there)
        if self.method == "distributional":
            cuts = sorted(cut for cut, _ in found)
            return borders(cuts, farthest_points(self._distances(self._parts(cuts)), n_processes))
        few = max(len(accepted), n_processes - 1)
        sets = {few, max(few, min(len(found), _GROUPED))}
        answers = [self._grouped(sorted(cut for cut, _ in found[:size]), n_processes) for size in sorted(sets)]
        return min(answers, key=self._bits_of)

    def _too_many(self, name: str, number: int, room: str) -> ValueError:
        """The error of a number for which there is no room."""
        distance = self.min_distance or _NO_DISTANCE if self.method == "distributional" else self.min_distance
        given = "" if distance is None else f" with min_distance {distance}"
        if self.method == "distributional" and not has_room(self.n, distance or _NO_DISTANCE):
            remedy = "its grids would have less than 2 elements a cell; take a larger min_distance, or method='ctw'"
        else:
            remedy = "take fewer" if distance is None else "take fewer, or a smaller min_distance"
        return ValueError(f"{name} is {number}: {room}{given}; {remedy}")

    def _parts(self, cuts: list[int]) -> NDArray[np.int64]:
        """The segments [start, stop), shape (k, 2)."""
        bounds = np.array([0, *cuts, self.n], np.int64)
        return np.stack([bounds[:-1], bounds[1:]], 1)

    def _grouped(self, cuts: list[int], n_processes: int) -> tuple[list[int], list[int]]:
        """Segments grouped around centres, then each where it costs least; cuts at the best place between them."""
        parts = self._parts(cuts)
        labels = np.array(farthest_points(self._distances(parts), n_processes))
        for _ in range(_REGROUPINGS if n_processes < len(parts) <= _GROUPED + 1 else 0):
            before = labels.copy()
            for i in range(len(parts)):
                others = labels.copy()
                others[i] = -1
                if (others == labels[i]).any():
                    alone = [self.code.pooled(parts[others == k]) for k in range(n_processes)]
                    joined = [
                        self.code.pooled(parts[(others == k) | (np.arange(len(parts)) == i)])
                        for k in range(n_processes)
                    ]
                    labels[i] = int(np.argmin(np.subtract(joined, alone)))
            if (labels == before).all():
                break
        cuts, kinds = borders(cuts, labels.tolist())
        return resplit(self.scorer, cuts, self.room), kinds

    def _bits_of(self, answer: tuple[list[int], list[int]]) -> float:
        """Code length of all, one code for each process, with the penalty for each cut."""
        cuts, labels = answer
        parts, kinds = self._parts(cuts), np.array(labels)
        return sum(self.code.pooled(parts[kinds == k]) for k in set(labels)) + self.penalty * len(cuts)

    def _distances(self, parts: NDArray[np.int64]) -> Callable[[int], NDArray[np.float64]]:
        """The function that gives the distances of all segments from one of them."""
        if self.method == "distributional":
            return lambda i: self.space.distances(parts, i)
        sizes, alone = parts[:, 1] - parts[:, 0], np.array([self.code.pooled([part]) for part in parts])

        def row(i: int) -> NDArray[np.float64]:
            joined = [0.0 if i == j else self.code.pooled(parts[[j, i]]) for j in range(len(parts))]
            result = (joined - alone - alone[i]) * (1 / sizes + 1 / sizes[i])
            result[i] = 0.0
            return result

        return row

    def significances(self, cuts: list[int]) -> list[float]:
        """Of each cut between its neighbours."""
        bounds = [0, *cuts, self.n]
        return [significance(gain, bounds[i + 2] - bounds[i] - 1) for i, gain in enumerate(self.gains.between(cuts))]


def bits_of(penalty: float | Literal["auto"], n: int) -> float:
    """Bits that a cut must save: log2 n unless they are given."""
    if isinstance(penalty, str):
        if penalty != "auto":
            raise ValueError(f"penalty is {penalty!r}: give 'auto' or bits per changepoint")
        return math.log2(max(n, 2))
    give = "give 'auto' or bits per changepoint, at least 0"
    return real_number(penalty, "penalty", give, lambda bits: 0 <= bits < math.inf)


def check_options(bits: int, depth: int, weights: Weights, cells: Cells) -> None:
    """Raise if one is none of its choices, whether the method looks at it or not."""
    whole_number(bits, "bits", 1, 4)
    whole_number(depth, "depth", 0, 16)
    weights_table(weights, 1, 1)
    checked_cells(cells)


def borders(cuts: list[int], labels: list[int]) -> tuple[list[int], list[int]]:
    """Only the cuts between segments of different groups, and the groups of the segments that are left."""
    kept = [i for i in range(len(cuts)) if labels[i] != labels[i + 1]]
    return [cuts[i] for i in kept], [labels[0], *(labels[i + 1] for i in kept)]


def farthest_points(distances: Callable[[int], NDArray[np.float64]], number: int) -> list[int]:
    """Segments grouped around centres: the first one, then each time the one farthest from all centres."""
    centres, rows = [0], [distances(0)]
    while len(centres) < number:
        nearest = np.min(rows, axis=0)
        nearest[centres] = -np.inf
        centres.append(int(nearest.argmax()))
        rows.append(distances(centres[-1]))
    table = np.array(rows)
    table[np.arange(number), centres] = -np.inf
    return [int(label) for label in table.argmin(0)]
