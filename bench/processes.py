"""
Sequences with known changepoints, and sequences without: the processes on which PyChest was judged, written afresh.

Bernoulli and rotation are the published sequences themselves: numpy's RandomState(1 + index of the process), rotation 0
and Bernoulli 1, draws the places of the changes, RandomState(iteration + 3) the elements. The others follow the same
plan with parameters of our own, since none are published with their results: Markov tables are drawn from
RandomState(order).

A. Khaleghi, L. Zierahn (2021), PyChEst: a Python package for the consistent retrospective estimation of distributional
changes in piece-wise stationary time series, arXiv 2112.10565.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

#: Least distance of changes from each other and from the ends, as a share of the length.
GAP = 0.28
#: What the published runs gave their estimators: three quarters of it.
MIN_DISTANCE = 0.21
#: Angles of the published rotations, in turns.
ANGLES = (0.452341643253462432, 0.6345354645623456234234)

Floats = NDArray[np.float64]
#: Draws a stretch of one process: random numbers, length, which of the processes.
Draw = Callable[[RandomState, int, int], Floats]

_AVERAGED = 25
_OVERLAP = 0.1
_WARMING = 100


@dataclass(frozen=True)
class Sample:
    """A sequence and its changes: where it changes, and the places that were meant (not whole numbers)."""

    x: Floats
    changes: tuple[int, ...]
    meant: tuple[float, ...]
    length: int  # that was asked for: a few elements may be missing

    def error(self, found: list[int], meant: bool = False) -> float:
        """Mean distance as a share of the length; 1 if the number is wrong."""
        wanted = self.meant if meant else self.changes
        if len(found) != len(wanted):
            return 1.0
        return float(np.abs(np.sort(found) - np.asarray(wanted)).mean() / self.length)


def change_places(seed: int, count: int = 2, gap: float = GAP) -> tuple[float, ...]:
    """Uniform places, drawn until they are `gap` apart, as the published runs drew them."""
    random = RandomState(seed)
    while True:
        found: list[float] = []
        for _ in range(100):
            place = random.random_sample()
            if gap <= place <= 1 - gap and all(abs(place - other) >= gap for other in found):
                found.append(place)
            if len(found) == count:
                return tuple(sorted(found))


def bernoulli(*probabilities: float) -> Draw:
    """Independent zeros and ones."""
    return lambda random, n, which: random.binomial(1, probabilities[which], n).astype(np.float64)


def rotation(*angles: float) -> Draw:
    """Whether a point that is turned by an angle at each step is nearer to 1 than to 0: no chance but the first."""

    def draw(random: RandomState, n: int, which: int) -> Floats:
        steps = np.full(n, angles[which])
        steps[0] = random.random_sample()
        return np.rint(np.cumsum(steps) % 1)

    return draw


def markov_tables(order: int, count: int) -> Floats:
    """Probabilities of a one after each context, shape (count, 2**order): shares of two uniform numbers."""
    numbers = RandomState(order).random_sample((count, 1 << order, 2))
    return np.asarray(numbers[..., 1] / numbers.sum(-1))


def markov(order: int, count: int = 2) -> Draw:
    """Binary Markov chains, of which the first elements are left out."""
    tables = markov_tables(order, count)

    def draw(random: RandomState, n: int, which: int) -> Floats:
        table, mask = tables[which].tolist(), (1 << order) - 1
        result, state = [], 0
        for number in random.random_sample(n + _WARMING).tolist():
            result.append(int(number < table[state]))
            state = (state << 1 | result[-1]) & mask
        return np.array(result[_WARMING:], np.float64)

    return draw


def normal(*parameters: tuple[float, float]) -> Draw:
    """Independent normal numbers."""
    return lambda random, n, which: random.normal(*parameters[which], n)


def autoregressive(*coefficients: float) -> Draw:
    """x_t = a x_(t-1) + normal noise, from its stationary distribution."""

    def draw(random: RandomState, n: int, which: int) -> Floats:
        a = coefficients[which]
        noise = random.normal(size=n)
        noise[0] /= np.sqrt(1 - a * a)
        result = []
        value = 0.0
        for number in noise.tolist():
            value = a * value + number
            result.append(value)
        return np.array(result)

    return draw


def hidden(of: Draw) -> Draw:
    """(1 - overlap) x plus uniform noise."""

    def draw(random: RandomState, n: int, which: int) -> Floats:
        return (1 - _OVERLAP) * of(random, n, which) + random.random_sample(n)

    return draw


def averaged(of: Draw) -> Draw:
    """Means of 25 elements in a row."""

    def draw(random: RandomState, n: int, which: int) -> Floats:
        return np.convolve(of(random, n + _AVERAGED - 1, which), np.full(_AVERAGED, 1 / _AVERAGED), "valid")

    return draw


#: Processes with two changes: the first process, the second, the first again.
CHANGING: dict[str, Draw] = {
    "rotation": rotation(*ANGLES),
    "Bernoulli .8/.5/.8": bernoulli(0.8, 0.5),
    "hidden rotation": hidden(rotation(*ANGLES)),
    "hidden Bernoulli": hidden(bernoulli(0.8, 0.5)),
    "Markov, order 2": markov(2),
    "Markov, order 3": markov(3),
    "Markov, order 4": markov(4),
    "Markov, order 7": markov(7),
    "hidden Markov, order 2": hidden(markov(2)),
    "hidden Markov, order 4": hidden(markov(4)),
    "hidden Markov, order 7": hidden(markov(7)),
    "moving average of Bernoulli": averaged(bernoulli(0.8, 0.5)),
    "normal, mean 0/.5/0": normal((0, 1), (0.5, 1)),
    "normal, deviation 1/1.5/1": normal((0, 1), (0, 1.5)),
}

#: Stationary processes: eight kinds.
STEADY: dict[str, Draw] = {
    "Bernoulli .3": bernoulli(0.3),
    "rotation": rotation(ANGLES[0]),
    "Markov, order 2": markov(2),
    "Markov, order 7": markov(7),
    "hidden rotation": hidden(rotation(ANGLES[0])),
    "hidden Markov, order 4": hidden(markov(4)),
    "normal": normal((0, 1)),
    "autoregressive, .7": autoregressive(0.7),
}
#: Stationary processes that depend on a longer past than contexts reach.
HARDER: dict[str, Draw] = {
    "autoregressive, .95": autoregressive(0.95),
    "moving average of Bernoulli": averaged(bernoulli(0.5)),
}


def changing(name: str, n: int, iteration: int) -> Sample:
    """A sequence of n elements (or a few less) with two changes."""
    places = change_places(1 + list(CHANGING).index(name))
    edges = (0.0, *places, 1.0)
    lengths = [int((b - a) * n) for a, b in pairwise(edges)]
    random = RandomState(iteration + 3)
    draw = CHANGING[name]
    parts = [draw(random, length, i % 2) for i, length in enumerate(lengths)]
    changes = tuple(int(end) for end in np.cumsum(lengths)[:-1])
    return Sample(np.concatenate(parts), changes, tuple(place * n for place in places), n)


def steady(name: str, n: int, iteration: int) -> Floats:
    """A sequence of n elements without a change."""
    return (STEADY | HARDER)[name](RandomState(iteration + 3), n, 0)
