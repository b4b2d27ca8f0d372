"""What a detector learns of a reference: signals, what they are ranked among, and how long a block has to be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.exceptions import DependenceWarning
from ncd.streams.base import StreamSignals, TextUnits
from ncd.streams.edetector import EDetector
from ncd.streams.whitening import LEAST_ROWS

__all__ = ["BLOCK", "Learned", "learn", "model_order", "text_signals", "warn_of_dependence"]

#: Characters or bytes of a block, at least.
BLOCK = 256

_SIGNIFICANT = 3.09  # exceeded by chance in one of a thousand

_TIMES = (1, 2, 3)
_SHARE = 8  # of the reference's bytes: the widest gap
_ORDER = 4


@dataclass(frozen=True)
class Learned:
    """
    A reference that has been learned.

    Attributes
    ----------
    signals : StreamSignals
    edetector : EDetector
    bits : float
        Mean bits of its units, each under the others.
    n_units : int
    times : int
        Blocks that were joined to one unit.
    gap : int
        Bytes on both sides of a unit that were left out while it was measured.
    dependence : float or None
        Of neighbouring units (`ncd.streams.dependence`); None where the gap was given.
    """

    signals: StreamSignals
    edetector: EDetector
    bits: float
    n_units: int = 0
    times: int = 1
    gap: int = 0
    dependence: float | None = None


def model_order(compressor: str | Compressor) -> int | None:
    """The order of the byte model, which is measured by kernels of its own; None for other compressors."""
    if not isinstance(compressor, str):
        return None
    name, _, order = compressor.partition(":")
    if name != "ngram":
        return None
    if not order:
        return _ORDER
    if not order.isdigit() or not 1 <= int(order) <= 6:
        raise ValueError(f"compressor is {compressor!r}: choose an order from 'ngram:1' to 'ngram:6'")
    return int(order)


def text_signals(compressor: str | Compressor, *, window: int, gap: int, framed: bool) -> StreamSignals:
    """What measures units of text."""
    order = model_order(compressor)
    if order is not None:
        from ncd.streams.byte_signals import ByteSignals

        return ByteSignals(window=window, gap=gap, framed=framed, order=order)
    from ncd.streams.compressor_signals import CompressorSignals

    return CompressorSignals(compressor, window=window, gap=gap, framed=framed)


def learn(
    units: Sequence[Any],
    signals: Callable[[int], StreamSignals],
    edetector: Callable[[StreamSignals], EDetector],
    gap: Callable[[TextUnits, int], tuple[int, float | None]],
    *,
    may_join: bool,
    joined: int = 1,
) -> Learned | int:
    """
    Learn a reference; blocks that depend on each other are joined, as long as enough of them are left.

    A gap is an eighth of the reference's bytes at most: a unit that is measured without nearly all of the reference
    says nothing of those that come after it.

    Parameters
    ----------
    units : sequence of bytes, or of arrays of float64
    signals : callable
        Makes signals with such a gap.
    edetector : callable
        Makes what ranks signals.
    gap : callable
        The gap for units of so many blocks, and the dependence of neighbours, if it was looked for.
    may_join : bool
    joined : int, default 1
        Blocks that each of the units has already.

    Returns
    -------
    Learned, or int
        How many units are lacking.

    Warns
    -----
    UserWarning
        If a gap that was given is wider than an eighth of the reference.
    """
    best: tuple[float, Learned] | None = None
    given = 0
    for times in _TIMES if may_join else (1,):
        whole = range(0, len(units) - times + 1, times)
        those = units if times == 1 else [b"".join(units[i : i + times]) for i in whole]
        packed = TextUnits.of(those) if isinstance(those[0], bytes) else np.asarray(those)
        bytes_out, dependence = gap(packed, times * joined) if isinstance(packed, TextUnits) else (0, None)
        if isinstance(packed, TextUnits) and dependence is None:
            given = bytes_out
            bytes_out = min(given, int((packed.ends - packed.starts).sum()) // _SHARE)
        meter = signals(bytes_out)
        rows = meter.learn(packed)
        if len(rows) < LEAST_ROWS:
            if best is None:
                return LEAST_ROWS - len(rows)
            break
        ranks = edetector(meter)
        ranks.calibrate(rows)
        found = float(ranks.autocorrelation[0])
        if best is None or found < best[0]:
            best = found, Learned(meter, ranks, _mean_bits(meter, rows), len(those), times, bytes_out, dependence)
        if not ranks.whitened[0]:
            break
    assert best is not None
    if given > best[1].gap:
        warnings.warn(
            f"gap is {given:,} bytes, more than an eighth of the reference: {best[1].gap:,} are left out on both sides "
            f"of a unit; choose gap={best[1].gap} or less, or a reference of {_SHARE * given:,} bytes",
            stacklevel=2,
        )
    return best[1]


def warn_of_dependence(learned: Learned) -> None:
    """Say where units depend on each other."""
    found, n = float(learned.edetector.autocorrelation[0]), learned.n_units
    signs = []
    if found > _SIGNIFICANT / n**0.5:
        signs.append(f"lag-1 autocorrelation {found:.2f}, by chance up to {_SIGNIFICANT / n**0.5:.2f}")
    if learned.dependence is not None:
        from ncd.streams.dependence import DEPENDENT  # late: numbers need no model of bytes

        if learned.dependence > DEPENDENT:
            signs.append(f"neighbours are alike, t = {learned.dependence:.1f}, by chance up to {DEPENDENT:.0f}")
    if signs:
        warnings.warn(
            f"the reference's units depend on each other ({'; '.join(signs)}): there may be more false alarms than the "
            "bound says; a longer reference, or units that are records of their own, bring it nearer",
            DependenceWarning,
            stacklevel=2,
        )


def _mean_bits(signals: StreamSignals, rows: NDArray[np.float64]) -> float:
    """Mean bits of the reference's units, each under the others."""
    return -float(rows[:, signals.names.index("plainness")].mean())
