"""Methods in order of their figures, each held against the best, and the best of each family against the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from numpy.typing import NDArray

from ncd.compare.intervals import Difference, Estimate, holm
from ncd.compare.results import FAMILIES, Cost, Duel, Family, Score

__all__ = ["Entrant", "ranking"]


@dataclass(frozen=True)
class Entrant:
    """A method with what it reached on each text (pair, document)."""

    method: str
    family: Family
    values: NDArray[Any]
    cost: Cost


def ranking(
    entrants: Sequence[Entrant],
    estimate: Callable[[NDArray[Any]], Estimate],
    difference: Callable[[NDArray[Any], NDArray[Any]], Difference],
    *,
    higher_is_better: bool = True,
) -> tuple[tuple[Score, ...], tuple[Duel, ...]]:
    """
    Scores, best first, and duels.

    Equal figures stand in the order of the time for an answer. The best is chosen on the same texts on which the others
    are held against it, which flatters it a little. p-values of methods are adjusted for the number of methods; those
    of baselines are not, because only the best method is held against them.

    Parameters
    ----------
    entrants : sequence of Entrant
    estimate : callable
        The figure of a method from its values, with an interval.
    difference : callable
        Figure of one method less that of another, from the values of both.
    higher_is_better : bool

    Returns
    -------
    scores : tuple of Score
    duels : tuple of Duel
    """
    sign = -1.0 if higher_is_better else 1.0
    figures = {one.method: estimate(one.values) for one in entrants}
    order = sorted(entrants, key=lambda one: (sign * figures[one.method].value, one.cost.answer or 0.0, one.method))
    to_best = [difference(one.values, order[0].values) for one in order[1:]]
    methods = [i for i, one in enumerate(order[1:]) if one.family != "baseline"]
    for i, held in zip(methods, _adjusted([to_best[i] for i in methods]), strict=True):
        to_best[i] = held
    scores = tuple(
        Score(one.method, one.family, figures[one.method], held, one.cost)
        for one, held in zip(order, [None, *to_best], strict=True)
    )
    leaders = [
        next((one for one in order if one.family == family), None) for family in FAMILIES if family != "baseline"
    ]
    pairs = list(combinations([one for one in leaders if one is not None], 2))
    fought = _adjusted([difference(a.values, b.values) for a, b in pairs])
    duels = tuple(
        Duel(a.method, b.method, (a.family, b.family), found) for (a, b), found in zip(pairs, fought, strict=True)
    )
    return scores, duels


def _adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """With p-values adjusted for their number."""
    p_values = holm([one.p_value for one in differences])
    return [replace(one, p_value=float(p)) for one, p in zip(differences, p_values, strict=True)]
