"""The distributional distance of sequences: how differently often they have each word."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import whole_number
from ncd.distances.cells import Cells, as_filled, cells_of_level, levels_of
from ncd.distances.tiles import in_blas_threads

__all__ = ["Weights", "WordSpace", "distributional_distance", "weights_table"]

#: Names of weights.
WeightNames = Literal["papers", "geometric", "pychest"]
#: Weights of word lengths m = 1, 2 ... at levels l = 0, 1 ...: a name, a function of (m, l), or an array [l, m - 1].
Weights = WeightNames | Callable[[int, int], float] | ArrayLike

_NEGLIGIBLE = 2.0**-60
_WORTH_THREADS = 1 << 22  # places of words to count


def _one_over(j: int) -> float:
    return 1.0 / (j * (j + 1))


_BY_NAME: dict[str, Callable[[int, int], float]] = {
    "papers": lambda m, level: _one_over(m) * _one_over(level + 1),
    "geometric": lambda m, level: 2.0 ** -(m + level + 1),
    "pychest": lambda m, level: 4.0 ** -(m * (level + 1)),
}


def weights_table(weights: Weights, levels: int, max_length: int) -> NDArray[np.float64]:
    """Weights as an array [level, m - 1]."""
    if isinstance(weights, str):
        if weights not in _BY_NAME:
            choices = ", ".join(map(repr, get_args(WeightNames)))
            raise ValueError(f"weights is {weights!r}: choose from {choices}, or give a function or an array")
        weights = _BY_NAME[weights]
    if callable(weights):
        rows = [[weights(m, level) for m in range(1, max_length + 1)] for level in range(levels)]
        try:
            table = np.array(rows, np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"weights gave {rows[0][0]!r} for m = 1 and level 0: it must give numbers") from None
    else:
        try:
            table = np.asarray(weights, np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"weights is {weights!r}: give a name, a function, or an array of numbers") from None
        if table.ndim == 1:
            table = table[None, :]
        if table.ndim != 2 or 0 in table.shape:
            raise ValueError(f"weights has shape {table.shape}: give [level, word length - 1]")
    if not (np.isfinite(table).all() and (table >= 0).all()):
        raise ValueError("weights must be finite and not below 0")
    return table


@dataclass(frozen=True, eq=False)
class WordSpace:
    """A sequence with the cells and weights by which its parts are compared."""

    x: NDArray[np.generic]
    cells: Cells
    table: NDArray[np.float64]  # [level, word length - 1]

    @classmethod
    def of(
        cls, x: NDArray[np.generic], weights: Weights, cells: Cells, max_length: int | None, levels: int | None
    ) -> WordSpace:
        """With as many levels and word lengths as are asked for, or as the sequence is worth."""
        if max_length is None:
            max_length = max(1, int(math.log(max(len(x), 3))))
        worth = levels_of(x, cells)
        depth = worth if levels is None else whole_number(levels, "levels", 1)
        return cls(x, cells, weights_table(weights, depth, whole_number(max_length, "max_length", 1)))

    def words(self) -> Iterator[tuple[int, float, NDArray[np.int32], int]]:
        """For each level and length with any weight: length, weight, number of the word at each place, how many."""
        from ncd.kernels.word_distance import longer_words

        n = len(self.x)
        size = 1 << max(2 * n, 16).bit_length()
        keys, ids = np.zeros(size, np.uint64), np.zeros(size, np.int32)
        least = self.table.max() * _NEGLIGIBLE
        for level, row in enumerate(self.table):
            symbols, alphabet = cells_of_level(self.x, level, self.cells)
            words, count = np.zeros(n, np.int32), 1
            for m in range(1, min(len(row), n) + 1):
                if not (row[m - 1 :] > least).any():
                    break
                count = longer_words(words, symbols, m - 1, count, alphabet, keys, ids)
                if row[m - 1] > least:
                    yield m, float(row[m - 1]), words, count

    def curves(self, cuts: NDArray[np.int64]) -> list[NDArray[np.float64]]:
        """For each row (start, first, last, stop) the distances of [start, t) and [t, stop), t = first ... last."""
        from ncd.kernels.word_distance import WordCounts, add_distances

        n = len(self.x)
        longest = int((cuts[:, 2] - cuts[:, 1]).max()) + 1 if len(cuts) else 0
        memory = WordCounts(
            np.zeros(n, np.int64),
            np.zeros(n, np.int64),
            np.zeros(n, np.int8),
            np.empty(n, np.int32),
            np.empty(longest, np.int32),
        )
        result = [np.zeros(last - first + 1) for _, first, last, _ in cuts.tolist()]
        for m, weight, words, _ in self.words():
            for (start, first, last, stop), out in zip(cuts.tolist(), result, strict=True):
                add_distances(words, m, start, first, last, stop, weight, memory, out)
        return result

    def distances(self, parts: NDArray[np.int64], i: int) -> NDArray[np.float64]:
        """Distances of all stretches [parts[j, 0], parts[j, 1]) from one of them."""
        from ncd.kernels.word_distance import add_pair

        result = np.zeros(len(parts))
        counts = np.zeros(len(self.x), np.int64)
        for m, weight, words, _ in self.words():
            for j in range(len(parts)):
                if i != j:
                    result[j] += add_pair(words, m, np.concatenate([parts[i], parts[j]]), weight, counts)
        return result

    def matrix(self, parts: NDArray[np.int64], n_jobs: int | None = None) -> NDArray[np.float64]:
        """Distances of each two stretches [parts[j, 0], parts[j, 1])."""
        from ncd.kernels.word_distance import add_pair

        k = len(parts)
        result = np.zeros((k, k))
        for m, weight, words, count in self.words():

            def of_row(i: int, m: int = m, weight: float = weight, words: Any = words, count: int = count) -> Any:
                counts = np.zeros(count, np.int64)
                pairs = (np.concatenate([parts[i], other]) for other in parts[i + 1 :])
                return [add_pair(words, m, pair, weight, counts) for pair in pairs]

            small = k * len(self.x) <= _WORTH_THREADS
            rows = map(of_row, range(k)) if small else in_blas_threads(of_row, range(k), n_jobs)
            for i, row in enumerate(rows):
                result[i, i + 1 :] += row
        return result + result.T


def distributional_distance(
    a: ArrayLike,
    b: ArrayLike,
    *,
    weights: Weights = "papers",
    cells: Cells = "rank",
    max_length: int | None = None,
    levels: int | None = None,
) -> float:
    r"""
    Empirical distributional distance of two sequences: how differently often they have each word.

    .. math:: d(a, b) = \sum_l \sum_m w_{m,l} \sum_{u} |\nu_a(u) - \nu_b(u)|

    over levels l = 0, 1 ... of ever finer cells, lengths m of words u over the cells of a level, and with the share
    :math:`\nu_a(u)` of the places of a, of the n_a - m + 1 where a word of length m may stand, at which u does. Lengths
    at which one of the two has no word do not count.

    Parameters
    ----------
    a, b : array_like of shape (n,) or (n, d)
        Numbers, or bytes. With d coordinates a cell is a box.
    weights : {"papers", "geometric", "pychest"}, callable or array_like, default "papers"
        ``papers``: 1 / (m (m + 1)) 1 / ((l + 1) (l + 2)); ``geometric``: 2^-m 2^-(l + 1); ``pychest``:
        4^-(m (l + 1)). A function is called with (m, l); an array is read as [l, m - 1].
    cells : {"rank", "raw"}, default "rank"
        ``rank``: the mean rank in both sequences together, in 2^(l + 1) steps: nothing depends on scale and shift.
        ``raw``: trunc(x 2^(l + 1)), for values in [0, 1).
    max_length : int, optional
        Of words; default: the natural logarithm of the length of both together, rounded down. Arrays bring their own.
    levels : int, optional
        Default: until all values are told apart, at most 5.

    Returns
    -------
    float
        From 0 to twice the sum of the weights.

    Raises
    ------
    ValueError, TypeError
        If one of them is empty, is not finite, is ragged or is not of numbers, or an option is unknown.

    Notes
    -----
    One pass over the sequences for each length and level: O((n_a + n_b) ln n). It is symmetric, 0 for equal sequences,
    and consistent: for stationary ergodic sequences it converges to a distance of their distributions.

    References
    ----------
    .. [1] A. Khaleghi, D. Ryabko (2012), Locating changes in highly dependent data with unknown number of change
       points, NeurIPS.
    .. [2] A. Khaleghi, D. Ryabko (2014), Asymptotically consistent estimation of the number of change points in highly
       dependent time series, ICML.
    .. [3] A. Khaleghi, L. Zierahn (2021), PyChEst: a Python package for the consistent retrospective estimation of
       distributional changes in piece-wise stationary time series, arXiv 2112.10565.

    Examples
    --------
    >>> from ncd.changepoint import distributional_distance
    >>> distributional_distance([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1])
    0.0
    >>> round(distributional_distance([0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 0, 0], weights=[1, 1]), 3)
    1.533
    """
    left, right = as_filled(a, "a"), as_filled(b, "b")
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"a has {left.shape[1]} coordinates and b {right.shape[1]}: give the same number")
    both = np.concatenate([left, right])
    space = WordSpace.of(both, weights, cells, max_length, levels)
    at = len(left)
    return float(space.curves(np.array([[0, at, at, len(both)]]))[0][0])
