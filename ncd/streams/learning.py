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

__all__ = ["BLOCK", "LEAST_ROWS", "Learned", "learn", "model_order", "text_signals"]

#: Units of the reference that have to be measured, each under the others, before anything can be ranked among them.
LEAST_ROWS = 40

#: Characters or bytes of a block, at least.
BLOCK = 256

_TIMES = (1, 2, 3)
_WINDOW = 1024
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
    """

    signals: StreamSignals
    edetector: EDetector
    bits: float
    n_units: int = 0
    times: int = 1


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


def text_signals(
    compressor: str | Compressor, *, window: int | None, gap: int | None, framed: bool, block: int
) -> StreamSignals:
    """What measures units of text."""
    window = _WINDOW if window is None else window
    gap = (0 if framed else block) if gap is None else gap
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
    *,
    may_join: bool,
) -> Learned | int:
    """
    Learn a reference; blocks that depend on each other are joined, as long as enough of them are left.

    Parameters
    ----------
    units : sequence of bytes, or of arrays of float64
    signals : callable
        Makes signals for units of so many blocks.
    edetector : callable
        Makes what ranks signals.
    may_join : bool

    Returns
    -------
    Learned, or int
        How many units are lacking.
    """
    best: tuple[float, Learned] | None = None
    dependence: tuple[float, float] = (0.0, 0.0)
    for times in _TIMES if may_join else (1,):
        whole = range(0, len(units) - times + 1, times)
        those = units if times == 1 else [b"".join(units[i : i + times]) for i in whole]
        meter = signals(times)
        rows = meter.learn(TextUnits.of(those) if isinstance(those[0], bytes) else np.asarray(those))
        if len(rows) < LEAST_ROWS:
            if best is None:
                return LEAST_ROWS - len(rows)
            break
        ranks = edetector(meter)
        ranks.calibrate(rows)
        found = float(ranks.autocorrelation[0])
        if best is None or found < best[0]:
            best = found, Learned(meter, ranks, _mean_bits(meter, rows), len(those), times)
            dependence = found, 2.326 / len(rows) ** 0.5
        if not ranks.whitened[0]:
            break
    assert best is not None
    if dependence[0] > dependence[1]:
        warnings.warn(
            f"the reference's units depend on each other: lag-1 autocorrelation {dependence[0]:.2f} (by chance up to "
            f"{dependence[1]:.2f}); the signals are whitened, but the bound on false alarms is for exchangeable units: "
            "give units that are records of their own, a larger block, or a longer reference",
            DependenceWarning,
            stacklevel=2,
        )
    return best[1]


def _mean_bits(signals: StreamSignals, rows: NDArray[np.float64]) -> float:
    """Mean bits of the reference's units, each under the others."""
    return -float(rows[:, signals.names.index("plainness")].mean())
