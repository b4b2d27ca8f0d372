"""The list estimator of changepoints that is built on the distributional distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import real_number
from ncd.distances.distributional import WordSpace

__all__ = ["as_share", "grid_estimates", "has_room"]


def as_share(min_distance: float, name: str = "min_distance") -> float:
    """A least distance between changepoints, as a share of the length in (0, 0.5]."""
    give = "give a share of the sequence's length, above 0 and at most 0.5"
    return real_number(min_distance, name, give, lambda share: 0 < share <= 0.5)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Cells of one grid whose neighbours on both sides exist; cell i is [bounds[i], bounds[i + 1])."""

    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, n: int, alpha: float, which: int) -> _Grid:
        first = n * alpha / (which + 2)
        steps = int((n - first) / (n * alpha) + 1e-9)
        return cls(np.round(first + n * alpha * np.arange(steps + 1)).astype(np.int64))


def has_room(n: int, min_distance: float) -> bool:
    """Whether a cell of a grid has two elements, so that it can be cut."""
    return n * min_distance / 3 >= 2


def grid_estimates(space: WordSpace, min_distance: float) -> list[tuple[int, float]]:
    """
    The list estimator on two grids: places with their scores, best first.

    With alpha = min_distance / 3 there are two grids, n alpha / (t + 2) + i n alpha for t = 0, 1. A cell between two
    others of its grid is scored by the distance of its two halves. The best cell is taken, its neighbours (two on each
    side, and three of the other grid) are put aside, and so on. The place in a cell [b_i, b_i+1) is the one with the
    largest distance of [b_i-1, t) and [t, b_i+2); places nearer than n min_distance to an earlier one are dropped.
    """
    n, alpha = len(space.x), min_distance / 3
    if not has_room(n, min_distance):
        return []
    grids = [_Grid.of(n, alpha, which).bounds for which in (0, 1)]
    cells = [(which, i) for which, bounds in enumerate(grids) for i in range(1, len(bounds) - 2)]
    halves = [(grids[g][i], (grids[g][i] + grids[g][i + 1]) // 2, grids[g][i + 1]) for g, i in cells]
    curves = space.curves(np.array([[a, t, t, b] for a, t, b in halves], np.int64).reshape(-1, 4))
    scores = np.array([curve[0] for curve in curves])
    chosen, taken = [], np.zeros(len(cells), bool)
    for place in np.argsort(-scores, kind="stable"):
        if taken[place]:
            continue
        chosen.append(int(place))
        g, i = cells[place]
        middle = (grids[g][i] + grids[g][i + 1]) / 2
        others = sorted(
            (abs((grids[h][j] + grids[h][j + 1]) / 2 - middle), at) for at, (h, j) in enumerate(cells) if h != g
        )
        taken[[at for at, (h, j) in enumerate(cells) if h == g and abs(i - j) <= 2]] = True
        taken[[at for _, at in others[:3]]] = True
    around = [
        (grids[g][i - 1], grids[g][i], grids[g][i + 1], grids[g][i + 2]) for g, i in map(cells.__getitem__, chosen)
    ]
    result: list[tuple[int, float]] = []
    for place, row, curve in zip(chosen, around, space.curves(np.array(around, np.int64).reshape(-1, 4)), strict=True):
        cut = int(row[1] + np.argmax(curve))
        if all(abs(cut - earlier) >= min_distance * n for earlier, _ in result):
            result.append((cut, float(scores[place])))
    return result
