"""
Units of the reference under the present window: how novel what has not changed looks there.

Neighbouring units share a window. A window that happens to hold something rare makes all units novel that have it, and
they come in bursts: their signals are no independent ranks. So a unit that stands out is compared with units of the
reference under the same window: if k of `N_WITNESSES` are as novel there, its novelty is no more than the one that a
share of k / N_WITNESSES of the reference's rows reach.

A witness keeps its bytes and the bits of each under the reference without itself, as a code: 12 x bits, rounded, 255 at
most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel
from ncd.kernels.stream_bits import CODES_A_BIT, SCALE, TINY, bits_of
from ncd.kernels.stream_window import NEWLINE, Window, in_window

__all__ = ["N_WITNESSES", "Witnesses", "as_novel", "standardised"]

#: Units of the reference that are kept as witnesses, at most.
N_WITNESSES = 32

_CHANCES = np.exp2(-np.arange(256) / CODES_A_BIT)


class Witnesses(NamedTuple):
    """
    Attributes
    ----------
    symbols, codes : uint8, (n,)
        Coded bytes of all witnesses, and their bits.
    ends : int64, (n_witnesses,)
        Where each ends.
    news : float64, (n_witnesses,)
        Standardised bits per byte of each.
    limits : float64, (n_witnesses + 1,)
        The novelty that a share of k / n_witnesses of the reference's rows reach; for k = 0 a larger one.
    """

    symbols: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    ends: NDArray[np.int64]
    news: NDArray[np.float64]
    limits: NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(array.nbytes for array in self)


@inlined
def standardised(scales: Any, which: Any, value: Any) -> Any:
    """Difference from the mean in scales."""
    difference = (value - scales[which, 0]) / scales[which, 1]
    return np.floor(difference + 0.5) if scales[which, 2] != 0.0 else difference


@kernel
def as_novel(window: Window, scales: NDArray[np.float64], witnesses: Witnesses, novelty: float) -> int:
    """How many witnesses are as novel under the window."""
    count = 0
    at = np.int64(0)
    for i in range(witnesses.ends.size):
        first, last = at, witnesses.ends[i]
        new, times, codes = 1.0, 0, np.int64(0)
        before = np.uint64(NEWLINE)
        while at < last:
            symbol = np.uint64(witnesses.symbols[at])
            code = witnesses.codes[at]
            codes += code
            new *= in_window(window, _CHANCES[code], before, symbol)
            if new < TINY:
                new *= SCALE
                times += 1
            before = symbol
            at += 1
        if last > first:
            gain = (codes / CODES_A_BIT - bits_of(new, times)) / (last - first)
            count += witnesses.news[i] + 2.0 * standardised(scales, 1, gain) >= novelty
    return count
