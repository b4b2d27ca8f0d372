"""Code lengths of a numeric sequence's parts under context-tree weighting, and what a cut saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.changepoint.arguments import whole_number
from ncd.changepoint.cells import as_sequence, symbols_of

if TYPE_CHECKING:
    from ncd.kernels.bit_trees import Coded

__all__ = ["ContextTreeCode"]

Bits = NDArray[np.float64]
_MOST_DEPTH = 16


@dataclass(frozen=True, eq=False)
class ContextTreeCode:
    """
    A sequence under a code that learns it as it goes: bits of any part of it, and what cutting a part in two saves.

    Values become symbols: few different values (16 at most, each 8 times on average) are kept, others are put into
    ``2**bits`` cells by rank, so that scale and shift do not matter. A symbol's bits are coded one after another by
    context-tree weighting, over all binary context trees of up to `depth` bits of what came before, with Krichevsky and
    Trofimov's estimator in the leaves and weights 1/2. The context reaches back beyond the beginning of a
    part; the sequence's first elements, which have no full context, cost nothing.

    With d coordinates the code lengths of the coordinates add up. Each is an even mixture of two codes: one with the
    coordinate's own past as its context, and one with the coordinates before it at the same time, then all of the time
    before: changes of one coordinate show in the first, changes of how they go together in the second.

    Attributes
    ----------
    n : int
        Length of the sequence.
    symbols : ndarray of uint8, shape (d, n)
    bits : int
        Bits of a symbol.
    depth : int
        Bits of the longest context.
    given : int
        Elements at the beginning that cost nothing.

    References
    ----------
    .. [1] F. Willems, Y. Shtarkov, T. Tjalkens (1995), The context-tree weighting method: basic properties, IEEE Trans.
       Inf. Theory 41.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.concatenate([np.tile([0, 1], 50), np.tile([0, 0, 1, 1], 25)])
    >>> code = ContextTreeCode.of(x, depth=4)
    >>> gains = code.gains(0, 200)
    >>> int(gains.argmax()) + 1, round(float(gains.max()), 1)
    (101, 7.2)
    """

    n: int
    symbols: NDArray[np.uint8]
    bits: int
    depth: int
    given: int
    _coded: Coded

    @classmethod
    def of(cls, x: ArrayLike, *, bits: int = 2, depth: int = 8) -> Self:
        """
        The code of a sequence.

        Parameters
        ----------
        x : array_like of shape (n,) or (n, d)
        bits : int, default 2
            Values that are not few become 2**bits cells by rank; 1 to 4.
        depth : int, default 8
            Bits of the longest context, 0 to 16. The trees take 32 * 2**(bits + depth + 1) bytes.

        Raises
        ------
        ValueError, TypeError
            If x is not a sequence of finite numbers, or bits or depth are out of range.
        """
        from ncd.kernels.bit_trees import Coded

        bits, depth = whole_number(bits, "bits", 1, 4), whole_number(depth, "depth", 0, _MOST_DEPTH)
        sequence = as_sequence(x)
        symbols, used = symbols_of(sequence, bits)
        own = np.stack([_contexts(row[None, :], used, depth)[0] for row in symbols])
        contexts = own[:, None]
        if len(symbols) > 1:
            contexts = np.stack([own, _contexts(symbols, used, depth)], 1)
        nodes = np.zeros((contexts.shape[1] << (used + depth + 1), 4))
        nodes[:, 2:] = 0.5
        given = min(-(-depth // used), len(sequence))
        coded = Coded(symbols, np.ascontiguousarray(contexts), used, depth, given, nodes.reshape(-1))
        return cls(len(sequence), symbols, used, depth, given, coded)

    def growing(self, start: int, stop: int) -> Bits:
        """Code lengths of [start, e) for e = start + 1 ... stop, an array of shape (stop - start,)."""
        from ncd.kernels.bit_trees import prefix_bits

        out = np.empty(stop - start + 1)
        prefix_bits(self._coded, start, stop, out)
        return out[1:]

    def gains(self, start: int, stop: int) -> Bits:
        """Bits that a cut at t = start + 1 ... stop - 1 saves, an array of shape (stop - start - 1,)."""
        from ncd.kernels.bit_trees import cut_gains

        left, right = np.empty((2, stop - start + 1))
        cut_gains(self._coded, start, stop, left, right)
        return left[1:-1]

    def best_cuts(self, intervals: NDArray[np.int64], low: int, high: int, edge: int) -> tuple[NDArray[np.int64], Bits]:
        """
        The cut that saves most in each interval, and the bits that it saves.

        Cuts are from `low` to `high` and at least `edge` from the ends of the interval; where there is none, -1 and
        minus infinity.
        """
        from ncd.kernels.bit_trees import best_cuts

        cuts, gains = np.empty(len(intervals), np.int64), np.empty(len(intervals))
        if len(intervals):
            left, right = np.empty((2, int((intervals[:, 1] - intervals[:, 0]).max()) + 1))
            best_cuts(self._coded, intervals, low, high, edge, left, right, cuts, gains)
        return cuts, gains

    def pooled(self, parts: ArrayLike) -> float:
        """Bits of several parts [start, stop), an array of shape (k, 2), that are learned together as one."""
        from ncd.kernels.bit_trees import pooled_bits

        return float(pooled_bits(self._coded, np.asarray(parts, np.int64).reshape(-1, 2)))


def _contexts(symbols: NDArray[np.uint8], bits: int, depth: int) -> NDArray[np.uint16]:
    """For each symbol of each row those before it, row by row at each time: the nearest lowest, highest bits first."""
    d, n = symbols.shape
    mirrored = np.array([int(f"{value:0{bits}b}"[::-1], 2) for value in range(1 << bits)], np.uint16)
    stream = mirrored[symbols.T.reshape(-1)]
    result = np.zeros(d * n, np.uint16)
    for back in range(1, min(-(-depth // bits), d * n) + 1):
        result[back:] |= stream[:-back] << np.uint16(bits * (back - 1))
    return (result & np.uint16((1 << depth) - 1)).reshape(n, d).T
