"""Costs as sums over symbols: a number from a table each time that one comes, and a part for how many came."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.scratch import Scratch
from ncd.changepoint.symbols import Symbols

__all__ = ["Code", "CountCode", "DirichletCode", "evenness_weights"]

Bits = NDArray[np.float64]

_LN2 = math.log(2.0)
_EULER = 0.5772156649015329
_SPREAD = 1.28  # standard deviation of ln of an exponential variable


class Code(ABC):
    """
    Bits of runs of units: total(mass of the symbols in it) less the sum of increments, one each time a symbol comes.

    Parameters
    ----------
    symbols : Symbols
    base : ndarray of int64, shape (kinds,)
        Where a symbol's increments begin.
    increments : ndarray of float64
        In bits; the j-th time that v comes in a segment (from 0) it is number base[v] + j.
    weights : ndarray of float64, shape (kinds,)
        Mass of each symbol.
    """

    def __init__(
        self, symbols: Symbols, base: NDArray[np.int64], increments: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> None:
        self.symbols, self.weights = symbols, weights
        self._base, self._increments = base, increments
        self._masses = np.concatenate([[0.0], np.cumsum(weights[symbols.ids])])[symbols.bounds]
        self._counts = Scratch(np.zeros, symbols.kinds, np.int64)

    @abstractmethod
    def _total(self, mass: NDArray[np.float64]) -> Bits:
        """The part that depends on the mass alone, in bits."""

    def _sums(self, bounds: NDArray[np.int64], first: int, step: int, many: int) -> Bits:
        """Increments of `many` runs of symbols between `bounds`, beginning with run `first`, up or down."""
        from ncd.kernels.segmentation import grow

        sums = np.empty(many)
        if many:
            grow(self.symbols.ids, bounds, first, step, self._base, self._increments, self._counts.array(), sums)
        return sums

    def at(self, start: int, ends: NDArray[np.int64]) -> Bits:
        """Bits of [start, e) for each e of `ends`, which ascend."""
        bounds = self.symbols.bounds[np.concatenate([[start], ends])]
        return self._total(self._masses[ends] - self._masses[start]) - self._sums(bounds, 0, 1, len(ends))

    def growing(self, start: int, stop: int) -> Bits:
        """Bits of [start, e) for e = start + 1 ... stop."""
        mass = self._masses[start + 1 : stop + 1] - self._masses[start]
        return self._total(mass) - self._sums(self.symbols.bounds, start, 1, stop - start)

    def shrinking(self, start: int, stop: int) -> Bits:
        """Bits of [s, stop) for s = start ... stop - 1."""
        mass = self._masses[stop] - self._masses[start:stop]
        return self._total(mass) - self._sums(self.symbols.bounds, stop - 1, -1, stop - start)[::-1]


class DirichletCode(Code):
    """
    The code of symbols under a Dirichlet prior that is the text's own distribution; see `WordCost` for the formula.

    Parameters
    ----------
    symbols : Symbols
    prior : float
        m, what the prior's counts add up to.
    weights : ndarray of float64, shape (kinds,)
        What a symbol counts.
    """

    def __init__(self, symbols: Symbols, prior: float, weights: NDArray[np.float64]) -> None:
        from scipy.special import gammaln

        counts = np.bincount(symbols.ids, minlength=symbols.kinds)
        base = np.cumsum(counts) - counts
        before = np.repeat(prior * counts / len(symbols.ids), counts)
        weight = np.repeat(weights, counts)
        times = np.arange(len(symbols.ids)) - np.repeat(base, counts)
        increments = (gammaln(before + (times + 1) * weight) - gammaln(before + times * weight)) / _LN2
        self.prior = prior
        super().__init__(symbols, base, increments, weights)

    def _total(self, mass: NDArray[np.float64]) -> Bits:
        from scipy.special import gammaln

        return np.asarray((gammaln(self.prior + mass) - gammaln(self.prior)) / _LN2)


class CountCode(Code):
    """The code of symbols by their own counts plus one; see `U00Cost`."""

    def __init__(self, symbols: Symbols) -> None:
        times = np.arange(int(np.bincount(symbols.ids, minlength=1).max()) + 1)
        increments = np.diff(times * np.log2(times + 1))
        super().__init__(symbols, np.zeros(symbols.kinds, np.int64), increments, np.ones(symbols.kinds))

    def _total(self, mass: NDArray[np.float64]) -> Bits:
        return np.asarray(mass * np.log2(mass + self.symbols.kinds))


def evenness_weights(symbols: Symbols) -> NDArray[np.float64]:
    """
    Weight of each symbol: near 1 where it comes in bursts, near 0 where it is spread evenly, 1/2 where it comes once.

    With N symbols in all and gaps g (in symbols) between the c times that one comes, b = mean of -ln(g c / N) minus
    Euler's constant is about 0 for a symbol that falls anywhere; z = b sqrt(c - 1) / 1.28, and the weight is
    1/(1 + e^(-1.5(z - 1))).

    Returns
    -------
    ndarray of float64, shape (kinds,)
    """
    ids = symbols.ids
    counts = np.bincount(ids, minlength=symbols.kinds)
    order = np.argsort(ids, kind="stable")
    same = ids[order[1:]] == ids[order[:-1]]
    gaps, owners = np.diff(order)[same], ids[order[1:]][same]
    logs = np.bincount(owners, np.log(gaps * counts[owners] / len(ids)), symbols.kinds)
    many = np.maximum(counts - 1, 1)
    z = (-logs / many - _EULER) * np.sqrt(many) / _SPREAD
    return np.where(counts > 1, 1 / (1 + np.exp(-1.5 * (z - 1))), 0.5)
