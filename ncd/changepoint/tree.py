"""Code lengths of a numeric sequence's parts under context-tree weighting, and what a cut saves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import whole_number, whole_numbers
from ncd.changepoint.scratch import Scratch
from ncd.distances.cells import as_sequence, symbols_of

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
    _contexts: NDArray[np.uint16]
    _nodes: Scratch

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
        bits, depth = whole_number(bits, "bits", 1, 4), whole_number(depth, "depth", 0, _MOST_DEPTH)
        sequence = as_sequence(x)
        symbols, used = symbols_of(sequence, bits)
        own = np.stack([_contexts(row[None, :], used, depth)[0] for row in symbols])
        contexts = own[:, None]
        if len(symbols) > 1:
            contexts = np.stack([own, _contexts(symbols, used, depth)], 1)
        nodes = Scratch(_fresh_nodes, contexts.shape[1] << (used + depth + 1))
        given = min(-(-depth // used), len(sequence))
        return cls(len(sequence), symbols, used, depth, given, np.ascontiguousarray(contexts), nodes)

    def _coded(self) -> Coded:
        """What the kernels read, and the calling thread's memory for trees."""
        from ncd.kernels.bit_trees import Coded

        return Coded(self.symbols, self._contexts, self.bits, self.depth, self.given, self._nodes.array())

    def _part(self, start: int, stop: int) -> tuple[int, int]:
        """Two places with 0 <= start <= stop <= n."""
        of = f"of {self.n} elements"
        start = whole_number(start, "start", 0, self.n, of=of)
        return start, whole_number(stop, "stop", start, self.n, of=of)

    def _parts(self, parts: ArrayLike, name: str) -> NDArray[np.int64]:
        """Rows of two places with 0 <= start <= stop <= n."""
        rows = whole_numbers(parts, name)
        if not rows.size:
            return np.empty((0, 2), np.int64)
        if rows.ndim == 1 and len(rows) == 2:
            rows = rows[None]
        if rows.ndim != 2 or rows.shape[1] != 2:
            raise ValueError(f"{name} has shape {rows.shape}: give rows of start and stop")
        wrong = (rows[:, 0] < 0) | (rows[:, 1] < rows[:, 0]) | (rows[:, 1] > self.n)
        if wrong.any():
            at = int(wrong.argmax())
            raise ValueError(f"{name}[{at}] is {rows[at].tolist()}: give 0 <= start <= stop <= {self.n}")
        return np.ascontiguousarray(rows)

    def growing(self, start: int, stop: int) -> Bits:
        """
        Code lengths of [start, e) for e = start + 1 ... stop, an array of shape (stop - start,).

        Raises
        ------
        TypeError, ValueError
            Unless 0 <= start <= stop <= n.
        """
        from ncd.kernels.bit_trees import prefix_bits

        start, stop = self._part(start, stop)
        out = np.empty(stop - start + 1)
        prefix_bits(self._coded(), start, stop, out)
        return out[1:]

    def gains(self, start: int, stop: int) -> Bits:
        """
        Bits that a cut at t = start + 1 ... stop - 1 saves, an array of shape (stop - start - 1,), or empty.

        Raises
        ------
        TypeError, ValueError
            Unless 0 <= start <= stop <= n.
        """
        from ncd.kernels.bit_trees import cut_gains

        start, stop = self._part(start, stop)
        left, right = np.empty((2, stop - start + 1))
        cut_gains(self._coded(), start, stop, left, right)
        return left[1:-1]

    def best_cuts(self, intervals: ArrayLike, low: int, high: int, edge: int) -> tuple[NDArray[np.int64], Bits]:
        """
        The cut that saves most in each interval, and the bits that it saves.

        Parameters
        ----------
        intervals : array_like of int, shape (k, 2)
            Rows of start and stop, 0 <= start <= stop <= n.
        low, high : int
            The first place of a cut, 1 or more, and the last.
        edge : int
            Least distance of a cut from the ends of its interval, 1 or more.

        Returns
        -------
        cuts : ndarray of int64, shape (k,)
            -1 where there is no place for one.
        gains : ndarray of float64, shape (k,)
            Minus infinity there.

        Raises
        ------
        TypeError, ValueError
            If one of them is no whole number or out of range.
        """
        from ncd.kernels.bit_trees import best_cuts

        parts, most = self._parts(intervals, "intervals"), self.n + 1
        low, edge = min(whole_number(low, "low", 1), most), min(whole_number(edge, "edge", 1), most)
        high = min(whole_number(high, "high", -most), most)
        cuts, gains = np.empty(len(parts), np.int64), np.empty(len(parts))
        if len(parts):
            left, right = np.empty((2, int((parts[:, 1] - parts[:, 0]).max()) + 1))
            best_cuts(self._coded(), parts, low, high, edge, left, right, cuts, gains)
        return cuts, gains

    def pooled(self, parts: ArrayLike) -> float:
        """
        Bits of several parts [start, stop), an array of shape (k, 2), that are learned together as one.

        Raises
        ------
        TypeError, ValueError
            Unless 0 <= start <= stop <= n.
        """
        from ncd.kernels.bit_trees import pooled_bits

        return float(pooled_bits(self._coded(), self._parts(parts, "parts")))


def _fresh_nodes(nodes: int) -> NDArray[np.float64]:
    """Memory for trees that have counted nothing."""
    fresh = np.zeros((nodes, 4))
    fresh[:, 2:] = 0.5
    return fresh.reshape(-1)


def _contexts(symbols: NDArray[np.uint8], bits: int, depth: int) -> NDArray[np.uint16]:
    """For each symbol of each row those before it, row by row at each time: the nearest lowest, highest bits first."""
    d, n = symbols.shape
    mirrored = np.array([int(f"{value:0{bits}b}"[::-1], 2) for value in range(1 << bits)], np.uint16)
    stream = mirrored[symbols.T.reshape(-1)]
    result = np.zeros(d * n, np.uint16)
    for back in range(1, min(-(-depth // bits), d * n) + 1):
        result[back:] |= stream[:-back] << np.uint16(bits * (back - 1))
    return (result & np.uint16((1 << depth) - 1)).reshape(n, d).T
