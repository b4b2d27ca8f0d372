"""What a reference says of signals: where they lie, how wide they are, how far neighbours are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ncd.streams.conformal import lag1_autocorrelation

__all__ = ["LEAST_ROWS", "Whitening", "whitening"]

#: Rows of a reference, at least.
LEAST_ROWS: Final = 40
_FLAT: Final = 1e-9
_TINY: Final = 1e-300
_CLOSEST: Final = 0.99


@dataclass(frozen=True)
class Whitening:
    """
    One number a signal of everything: u_t = z_t - rho z_(t-1) with z = (x - mean) / scale.

    `autocorrelation` is that of x, `limit` what it exceeds by chance in 5 %, `residual` the autocorrelation of u.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    rho: NDArray[np.float64]
    autocorrelation: NDArray[np.float64]
    limit: NDArray[np.float64]
    residual: NDArray[np.float64]


def whitening(rows: NDArray[np.float64], whiten: str | bool) -> Whitening:
    """
    Standardisation and whitening of signals, from rows (n, n_signals) of a reference.

    The smallest scale is 1e-9 of the mean. `whiten` says for which signals rho is not 0: "auto" for those with a
    significantly positive autocorrelation, True for all, False for none. It is corrected for its bias.

    Raises
    ------
    ValueError
        If there are under 40 rows, or a number that is not finite.
    """
    n = len(rows)
    if n < LEAST_ROWS:
        raise ValueError(
            f"the reference has {n} rows: {LEAST_ROWS} are needed, better 100. With n rows before it the first "
            "p-value is hardly ever under 1 / (n + 1), and the scale and autocorrelation of fewer are mostly chance"
        )
    finite = np.isfinite(rows).all(1)
    if not finite.all():
        raise ValueError(f"row {int(finite.argmin())} of the reference has a number that is not finite")
    size = np.abs(rows).max(0)
    unit = np.where(size > 0.0, size, 1.0)
    inside = rows / unit  # squares of large numbers would be infinite
    mean = inside.mean(0) * unit
    scale = np.maximum(inside.std(0) * unit, np.maximum(_FLAT * np.abs(mean), _TINY))
    found = [lag1_autocorrelation(column) for column in inside.T]
    use = [whiten is True or (whiten == "auto" and one.significant) for one in found]
    rho = np.array([_unbiased(one.value, n) if used else 0.0 for one, used in zip(found, use, strict=True)])
    left = [lag1_autocorrelation(column).value for column in (inside[1:] - rho * inside[:-1]).T]
    values, limits = (np.array([getattr(one, name) for one in found]) for name in ("value", "limit"))
    return Whitening(mean, scale, rho, values, limits, np.array(left))


def _unbiased(autocorrelation: float, n: int) -> float:
    """The autocorrelation of n rows at lag 1 without its bias, (1 + 3 rho) / n (Kendall 1954)."""
    return min(autocorrelation + (1.0 + 3.0 * autocorrelation) / n, _CLOSEST)
