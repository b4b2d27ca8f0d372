"""Statistics of right and wrong answers: intervals, and two methods on the same texts."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compare import intervals

Z95 = 1.959964

Hits = NDArray[np.bool_]


def packed(hits: Hits) -> str:
    """Which answers were right, a bit each, as text."""
    return base64.b64encode(np.packbits(hits).tobytes()).decode()


def unpacked(text: str, n: int) -> Hits:
    """The inverse of `packed`."""
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=n).astype(bool)


@dataclass(frozen=True)
class Comparison:
    """
    One method against another on several sets, on texts that both have classified.

    Attributes
    ----------
    points : float
        Mean over the sets of the difference of accuracies, in percentage points.
    half : float
        Half of its 95 % interval; sampling of the test texts is what varies, the sets are fixed.
    won, lost : int
        Sets with the higher and with the lower accuracy.
    clearly_won, clearly_lost : int
        Those of them where McNemar's exact test gives p < 0.05.
    """

    points: float
    half: float
    won: int
    lost: int
    clearly_won: int
    clearly_lost: int

    @classmethod
    def of(cls, pairs: Sequence[tuple[Hits, Hits]]) -> Comparison:
        """From the answers of both methods on each set; only the first texts count, as many as both have."""
        means, variances, signs, clear = [], [], [], []
        for mine, other in pairs:
            n = min(len(mine), len(other))
            difference = mine[:n].astype(int) - other[:n].astype(int)
            means.append(float(difference.mean()))
            variances.append(float(difference.var()) / n)
            signs.append(int(np.sign(difference.sum())))
            clear.append(mcnemar(mine[:n], other[:n]) < 0.05)
        half = Z95 * math.sqrt(sum(variances)) / len(pairs)
        counts = [signs.count(1), signs.count(-1)]
        counts += [sum(s == sign and c for s, c in zip(signs, clear, strict=True)) for sign in (1, -1)]
        return cls(100 * float(np.mean(means)), 100 * half, *counts)


def mcnemar(mine: Hits, other: Hits) -> float:
    """Two-sided p of McNemar's exact test: the texts that only one of two methods gets right are even odds."""
    return intervals.mcnemar(mine, other).p_value


def mean_ranks(table: NDArray[Any]) -> NDArray[np.float64]:
    """Mean over rows (sets) of the ranks of columns (methods): 1 is the largest value, equal ones share their ranks."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.asarray(table, np.float64), axis=1).mean(0))


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half of its 95 % interval by Student's t; the half is infinite for one value."""
    found = intervals.mean_interval(values)
    return found.value, found.high - found.value
