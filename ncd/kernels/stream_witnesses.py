"""
Units of the reference under the present window: how novel what has not changed looks there.

Neighbouring units share a window. A window that happens to hold something rare makes all units novel that have it, and
one that lacks something common all that do not: signals that the window moves are no independent ranks. So what the
window says counts only of a unit that stands out, and only as far as units of the reference, the witnesses, do not
stand out as much under the same window:

    signal = min(news, lift)                                 if novelty <= limits[ASIDE], or more than ASIDE witnesses
                                                             are as novel,
             lift + min(novelty, limits[k]) - limits[ASIDE]  if k witnesses are,

with news, the standardised bits of the unit, novelty = news + 2 x the standardised gain, limits[k], the novelty that a
share of k / n of the reference's rows reach, and lift, the largest news of the reference.

A witness keeps its bytes and the probability of each under the reference without itself: 65535 x p, rounded, at
least 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel
from ncd.kernels.stream_bits import SCALE, TINY, WHOLE, bits_of
from ncd.kernels.stream_window import NEWLINE, Window, in_window

__all__ = ["ASIDE", "N_WITNESSES", "Witnesses", "signal", "standardised"]

#: Units of the reference that are kept as witnesses, at most, and how many of them may be as novel as a unit that is.
N_WITNESSES, ASIDE = 32, 4


class Witnesses(NamedTuple):
    """
    Attributes
    ----------
    symbols : uint8, (n,)
        Coded bytes of all witnesses.
    codes : uint16, (n,)
        Their probabilities.
    ends : int64, (n_witnesses,)
        Where each ends.
    news, bits : float64, (n_witnesses,)
        Standardised bits per byte of each, and bits by the rounded probabilities.
    limits : float64, (n_witnesses + 2,)
        The novelty that a share of k / n_witnesses of the reference's rows reach, for k = 0 a larger one; and the lift.
    """

    symbols: NDArray[np.uint8]
    codes: NDArray[np.uint16]
    ends: NDArray[np.int64]
    news: NDArray[np.float64]
    bits: NDArray[np.float64]
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


@inlined
def signal(window: Any, scales: Any, witnesses: Any, news: Any, novelty: Any) -> Any:
    """The signal of a unit."""
    n = witnesses.ends.size
    aside = min(ASIDE, n)
    lift = witnesses.limits[n + 1]
    if novelty > witnesses.limits[aside]:
        k = _as_novel(window, scales, witnesses, novelty, aside)
        if k <= aside:
            return lift + min(novelty, witnesses.limits[k]) - witnesses.limits[aside]
    return min(news, lift)


@kernel
def _as_novel(window: Window, scales: NDArray[np.float64], witnesses: Witnesses, novelty: float, most: int) -> int:
    """How many witnesses are as novel under the window; counted until there are more than `most`."""
    count = 0
    at = np.int64(0)
    for i in range(witnesses.ends.size):
        first, last = at, witnesses.ends[i]
        new, times = 1.0, 0
        before = np.uint64(NEWLINE)
        while at < last:
            symbol = np.uint64(witnesses.symbols[at])
            new *= in_window(window, witnesses.codes[at] / WHOLE, before, symbol)
            if new < TINY:
                new *= SCALE
                times += 1
            before = symbol
            at += 1
        if last > first:
            gain = (witnesses.bits[i] - bits_of(new, times)) / (last - first)
            count += witnesses.news[i] + 2.0 * standardised(scales, 1, gain) >= novelty
            if count > most:
                break
    return count
