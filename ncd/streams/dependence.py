"""Whether neighbouring units of a text are more alike than distant ones, and how wide a gap that asks for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.streams.base import TextUnits
from ncd.streams.byte_signals import ByteSignals

__all__ = ["DEPENDENT", "chosen_gap", "neighbour_dependence"]

#: Of `neighbour_dependence`: exceeded in a few of a thousand references whose units are exchangeable.
DEPENDENT = 4.0

_WIDER = 2048  # bytes, about a document
_SHARE = 8  # of the reference's bytes: the widest gap


def neighbour_dependence(units: TextUnits, *, gap: int, wider: int, framed: bool, window: int) -> float:
    """
    How much more a unit loses when its neighbours are left out of the reference than when strangers are.

    For each unit i, with b(i, g) its bits per byte under the reference without what is within g bytes of it, and b' the
    same in a random order of the units,

        d_i = [b(i, wider) - b(i, gap)] - [b'(i, wider) - b'(i, gap)],   t = mean(d) / (sd(d) / sqrt(n)).

    Where the order of the units means nothing, t has mean 0 and a standard deviation of 1.3 to 1.4 (lines of logs,
    short documents): units share what is left out of the reference, so that the d_i are not independent.

    Parameters
    ----------
    units : TextUnits
    gap, wider : int
        Bytes.
    framed : bool
        Whether the end of a unit is part of it.
    window : int
        Bytes.

    Returns
    -------
    float
        t; 0 if there are too few units.

    Examples
    --------
    >>> import random
    >>> rng = random.Random(0)
    >>> topics = [[f"word{rng.randrange(10**6)}" for _ in range(30)] for _ in range(20)]
    >>> pages = [" ".join(rng.choices(topics[i // 10], k=12)).encode() for i in range(200)]
    >>> options = {"gap": 0, "wider": 2048, "framed": True, "window": 1024}
    >>> neighbour_dependence(TextUnits.of(pages), **options) > 5
    True
    >>> rng.shuffle(pages)
    >>> abs(neighbour_dependence(TextUnits.of(pages), **options)) < 4
    True
    """
    order = np.random.default_rng(0).permutation(len(units))
    texts = list(units)
    mixed = TextUnits.of([texts[i] for i in order])

    def bits(those: TextUnits, left_out: int) -> NDArray[np.float64]:
        signals = ByteSignals(window=window, gap=left_out, framed=framed)
        rows = signals.learn(those)
        found = np.full(len(those), np.nan)
        found[len(those) - len(rows) :] = -rows[:, signals.names.index("plainness")]
        return found

    difference = bits(units, wider) - bits(units, gap)
    difference[order] -= bits(mixed, wider) - bits(mixed, gap)
    difference = difference[np.isfinite(difference)]
    spread = difference.std(ddof=1) if len(difference) > 2 else 0.0
    return float(difference.mean() / spread * np.sqrt(len(difference))) if spread > 0 else 0.0


def chosen_gap(units: TextUnits, *, gap: int, framed: bool, window: int) -> tuple[int, float]:
    """
    The gap that a reference needs, and the dependence that was found.

    It is 2 kB, or 4, 8 ... up to an eighth of the reference, as long as units depend on neighbours farther off.

    Parameters
    ----------
    units : TextUnits
    gap : int
        Bytes, where they do not.
    framed : bool
    window : int

    Returns
    -------
    gap : int
        Bytes.
    dependence : float
        `neighbour_dependence` beyond the first gap.
    """
    size = int((units.ends - units.starts).sum())
    first, wider = 0.0, _WIDER
    while wider <= size // _SHARE:
        found = neighbour_dependence(units, gap=gap, wider=wider, framed=framed, window=window)
        first = first or found
        if found <= DEPENDENT:
            break
        gap, wider = wider, 2 * wider
    return gap, first
