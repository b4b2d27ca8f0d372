"""Cost of a segment by any compressor: its code length, less what that many bytes of the same text cost shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import whole_number
from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.units import Units
from ncd.compressors import Compressor, get_compressor
from ncd.compressors.base import SupportsLength

__all__ = ["CalibratedCost"]

Bits = NDArray[np.float64]
_FIRST = 1 << 12  # bytes that the shuffled text is coded for at first; twice as many whenever more are asked for
_TINY, _RUN, _RUNS = 8, 100, 64  # bytes of units that are shuffled in runs; bytes of a run at most; runs at least
_MANY, _PLACES = 2048, 1024  # units whose ends are all looked at; places of the curve where they are more


class CalibratedCost(SegmentCost):
    """
    Code length of a segment beyond the ordinary for its size.

        c(s, e) = L(units s ... e) - f(bytes of these units),    in bits.

    f(b) is the mean code length of b bytes of the same text with its units in random order. L alone is no cost: a
    compressor has to learn every segment anew, so that few and unequal segments always seem cheaper. f pays for the
    learning, and what is left is whether a segment's units have more in common than any units of the text.

    f is the mean over `shuffles` random orders, each begun at `starts` places spread evenly over it and read in a
    circle, so that the curve is as exact for long segments as for short ones. Between unit ends it is linear; with more
    than 2,048 units, or units of fewer than 8 bytes, between 1,024 sizes and the powers of two below.

    Units of fewer than 8 bytes on average, such as characters and bytes, are not shuffled one by one: that would leave
    nothing of a text but the counts of its bytes, against which every segment has much in common. Runs of neighbours
    are, of a 64th of the text and at most 100 bytes. Give the number of segments then: within a run every byte is a
    place for a cut, and left to itself the search makes too many (67 segments of 1,000 bytes of English, 6 of 8,000).

    All segments that begin at one unit cost one pass over the text with the context models, and little more with
    zlib, gzip and deflate: n passes for all n^2 of n units. Other compressors need one compression for each segment.

    Parameters
    ----------
    compressor : str, Compressor, or sequence of them
        Of several, the mean of their costs.
    shuffles : int
        Random orders. The noise of f moves cuts: of 50 of Choi's texts, with the number of segments known, Pk was 20 %
        with one curve, 13 with 8, and 11.6 with 16 or more; of all 400 of range 3-11 it is 11.7 with the defaults
        (lines, from raw bytes).
    starts : int
        Curves from each order.
    random_state : int
        Seed of the orders.

    Attributes
    ----------
    name : str
        Of the compressor; several are joined by ``+``.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> units = split_units("One two three. " * 4 + "Uno dos tres. " * 4)
    >>> cost = CalibratedCost("ppm:3").fit(units)
    >>> int(cost.gains(0, len(units)).argmax()) + 1
    4
    """

    pace = 20.0

    def __init__(
        self,
        compressor: str | SupportsLength | Sequence[str | SupportsLength] = "ppm:3",
        *,
        shuffles: int = 8,
        starts: int = 8,
        random_state: int = 0,
    ) -> None:
        self.compressors = _compressors(compressor)
        self.name = "+".join(one.name for one in self.compressors)
        self.shuffles, self.starts = whole_number(shuffles, "shuffles", 1), whole_number(starts, "starts", 1)
        self.random_state = random_state

    def __repr__(self) -> str:
        return f"<CalibratedCost {self.name!r}: {self.shuffles} shuffles from {self.starts} starts each>"

    def fit(self, units: Units) -> Self:
        """
        Take a text.

        Parameters
        ----------
        units : Units

        Raises
        ------
        EmptyTextError
            If there are no units.
        """
        self.units = units
        self._bounds = _pieces(units)
        rng = np.random.default_rng(self.random_state)
        self._orders = [rng.permutation(len(self._bounds) - 1) for _ in range(self.shuffles)]
        self._known = np.zeros(1), np.zeros(1)
        return self

    def ordinary(self, sizes: NDArray[np.int64] | Sequence[int]) -> Bits:
        """
        f(b): mean bits of so many bytes of the shuffled text, for each b of `sizes`.

        Parameters
        ----------
        sizes : array_like of int, shape (n,)
            Bytes, at most as many as the text has.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        wanted = np.asarray(sizes, np.int64)
        known = self._known
        if wanted.size and wanted.max() > known[0][-1]:
            most = _FIRST
            while most < wanted.max():
                most *= 2
            self._known = known = self._curve(most)
        return np.interp(wanted, *known)

    def _curve(self, most: int) -> tuple[Bits, Bits]:
        """Sizes up to `most`, and the mean bits of so many bytes over all curves."""
        text, bounds = self.units.text, self._bounds
        n, whole = len(bounds) - 1, len(text)
        dense = len(self.units) == n <= _MANY
        # Places that do not depend on `most`; the mean curve is smooth between them.
        apart = max(1, whole // (4 * n if dense else _PLACES))
        most = min(-(-most // apart) * apart, whole)
        small = () if dense else 2 ** np.arange(apart.bit_length())
        grid = np.unique([*range(0, most, apart), *small, most])
        grid = grid[grid <= most]
        every, step = np.diff(bounds), max(1, -(-n // self.starts))
        total, curves = np.zeros(len(grid)), 0
        for order in self._orders:
            for start in range(0, n, step):
                turned = np.roll(order, -start)
                ends = np.cumsum(every[turned])
                turned = turned[: int(np.searchsorted(ends, most)) + 1]
                shuffled = b"".join(text[bounds[i] : bounds[i + 1]] for i in turned.tolist())
                asked = ends[: len(turned)] if dense else grid[1:]
                total += np.interp(grid, [0, *asked], [0.0, *self._lengths(shuffled, asked, 0)])
                curves += 1
        return grid.astype(np.float64), total / curves

    def _lengths(self, text: bytes, ends: NDArray[np.int64], start: int) -> Bits:
        """Bits of prefixes, the mean over the compressors."""
        total = np.zeros(len(ends))
        for compressor in self.compressors:
            scale = 8.0 if compressor.unit == "bytes" else 1.0
            total += scale * compressor.prefix_lengths(text, ends, start=start)
        return total / len(self.compressors)

    def _costs(self, start: int, ends: NDArray[np.int64]) -> Bits:
        """Costs of segments from one unit, whose ends ascend."""
        offsets = self.units.offsets
        begin = int(offsets[start])
        return self._lengths(self.units.text, offsets[ends], begin) - self.ordinary(offsets[ends] - begin)

    def growing(self, start: int, stop: int) -> Bits:
        """
        Costs c(start, e) for e = start + 1 ... stop.

        Parameters
        ----------
        start, stop : int
            Units.

        Returns
        -------
        ndarray of float64, shape (stop - start,)
            Bits.
        """
        return self._costs(start, np.arange(start + 1, stop + 1))

    def evaluate(self, starts: ArrayLike, ends: ArrayLike) -> Bits:
        """
        Costs of many segments.

        Parameters
        ----------
        starts, ends : array_like of int, shape (n,)
            Units.

        Returns
        -------
        ndarray of float64, shape (n,)
            Bits.
        """
        starts, ends = np.asarray(starts), np.asarray(ends)
        result = np.empty(len(starts))
        for start in np.unique(starts):
            here = np.flatnonzero(starts == start)
            different, places = np.unique(ends[here], return_inverse=True)
            result[here] = self._costs(int(start), different)[places]
        return result


def _pieces(units: Units) -> NDArray[np.int64]:
    """Bytes at which that begins which is shuffled: units, or runs of tiny ones; and the length of the text."""
    offsets, whole = units.offsets, len(units.text)
    size = min(_RUN, whole // _RUNS)
    if whole >= _TINY * len(units) or size < 2:
        return offsets
    return np.unique([*offsets[np.searchsorted(offsets, np.arange(0, whole, size))], whole])


def _compressors(given: Any) -> list[Compressor]:
    """One compressor or several."""
    many = isinstance(given, Iterable) and not isinstance(given, str)
    found = [get_compressor(one) for one in given] if many else [get_compressor(given)]
    if not found:
        raise ValueError("compressor is empty: give at least one")
    return found
