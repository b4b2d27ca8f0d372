"""A Gaussian code of what an autoregression leaves of numbers and vectors, learned from a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.stream_vectors import LARGEST, follow_vectors, innovations, limited

__all__ = ["GaussianCode"]

_MOST_ORDER: Final = 8
_UNITS_A_COEFFICIENT: Final = 10
_NORMAL_MAD: Final = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
_USUAL: Final = 5.0  # standard deviations
_LEAST_VARIANCE: Final = 1e-12  # of one and of the mean variance
_LOG_2: Final = math.log(2.0)


@dataclass
class GaussianCode:
    """
    A normal distribution of what an autoregression leaves of standardised units, and how far it has come.

    Attributes
    ----------
    centre, scale : numpy.ndarray of float64, (d,)
    limit : numpy.ndarray of float64, (d,)
        In scales: values beyond explain no others.
    coefficients : numpy.ndarray of float64, (order,)
        Of the autoregression, lag 1 first.
    mean : numpy.ndarray of float64, (d,)
    whitening : numpy.ndarray of float64, (d, d)
        Lower triangle; times an innovation less the mean it has unit covariance.
    constant : numpy.ndarray of float64, (1,)
        Bits of a unit at the mean.
    past : numpy.ndarray of float64, (order, d)
        The newest units, standardised and cut.
    newest : numpy.ndarray of float64, (window, d)
        Innovations of the newest units, in a ring.
    at : numpy.ndarray of int64, (1,)
        The ring's next place.
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    limit: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]
    constant: NDArray[np.float64]
    past: NDArray[np.float64]
    newest: NDArray[np.float64]
    at: NDArray[np.int64]

    @classmethod
    def learned(
        cls, values: NDArray[np.float64], order: int | None, window: int, *, left_out: bool
    ) -> tuple[GaussianCode, NDArray[np.float64], NDArray[np.float64]] | None:
        """
        The code of a reference, and bits and drift of its units, as `follow` gives them for new ones.

        Parameters
        ----------
        values : numpy.ndarray of float64, (n, d)
        order : int or None
            Of the autoregression; None for the one of least BIC.
        window : int
            Units whose direction the drift follows; 0 for the first component itself.
        left_out : bool
            Whether each unit is measured under the code without it.

        Returns
        -------
        (GaussianCode, bits, drift), or None
            Without the first `order` + `window` units. None if there are too few.
        """
        code = _autoregression(values, order, window)
        first = len(code.coefficients)
        if len(values) <= first + window + 1:
            return None
        rest = np.empty_like(values)
        innovations(values, code.centre, code.scale, code.limit, code.coefficients, code.past, rest)
        moments = _Moments.of(rest[first:])
        code.mean, code.whitening = moments.mean, _lower_inverse(moments.shrunk(1.0))
        code.constant = np.array([_bits_at_mean(code.whitening, code.scale)])
        if left_out:
            return code, *_left_out(code, rest[first:], moments, window)
        code.past[:] = 0.0
        bits, drift = code.follow(values)
        return code, bits[first:], drift[first:]

    def follow(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        Take units one after another, (n, d).

        Returns
        -------
        bits, drift : numpy.ndarray of float64, (n,)
            Bits of each unit, and its component along the mean of those in the window, in standard deviations.
        """
        return self._followed(values, self.past, self.newest)

    def bits(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bits of units that follow one after another, (n,); everything stays as it is."""
        return self._followed(values, self.past.copy(), np.empty((0, values.shape[1])))[0]

    def _followed(
        self, values: NDArray[np.float64], past: NDArray[np.float64], newest: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Bits and drift of units; `past` and `newest` move on."""
        n, d = values.shape
        bits, drift = np.empty(n), np.empty(n)
        follow_vectors(
            values, self.centre, self.scale, self.limit, self.coefficients, past, self.mean, self.whitening,
            float(self.constant[0]), newest, self.at, np.empty((2, d)), bits, drift,
        )  # fmt: skip
        return bits, drift

    def checked(self, window: int) -> GaussianCode:
        """The code with copies of its arrays; ValueError if they do not fit together."""
        d, order = len(self.centre), len(self.coefficients)
        shapes = {
            "centre": (d,), "scale": (d,), "limit": (d,), "coefficients": (order,), "mean": (d,),
            "whitening": (d, d), "constant": (1,), "past": (order, d), "newest": (window, d), "at": (1,),
        }  # fmt: skip
        copies = {}
        for key, shape in shapes.items():
            value = getattr(self, key)
            if not isinstance(value, np.ndarray) or value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{key} is no array of finite numbers of shape {shape}")
            copies[key] = np.array(value, np.int64 if key == "at" else np.float64, order="C")
        if not 0 <= self.at[0] < max(window, 1):
            raise ValueError(f"at is {self.at[0]}, not a place in a window of {window}")
        return GaussianCode(**copies)  # type: ignore[arg-type]


def _autoregression(values: NDArray[np.float64], order: int | None, window: int) -> GaussianCode:
    """Centre, scale, limits and coefficients of units; the moments of what is left are still to come."""
    n, d = values.shape
    centre = np.median(values, axis=0)
    scale = _spread(values - centre)
    deviations = np.clip(values - centre, -LARGEST * scale, LARGEST * scale) / scale
    limit = _usual(deviations, np.ones(d))
    most = min(_MOST_ORDER, n // _UNITS_A_COEFFICIENT) if order is None else min(order, max(n - 2, 0))
    coefficients = _yule_walker(np.clip(deviations, -limit, limit), most, choose=order is None)
    empty = np.zeros((len(coefficients), d))
    return GaussianCode(
        centre, scale, limit, coefficients, np.zeros(d), np.eye(d), np.zeros(1), empty, np.zeros((window, d)),
        np.zeros(1, np.int64),
    )  # fmt: skip


def _usual(deviations: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far values may deviate before they are cut, (d,)."""
    return np.maximum(_USUAL * spread, 1.5 * np.quantile(np.abs(deviations), 0.95, axis=0))


def _spread(deviations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Robust standard deviations, (d,); plain ones where more than half of the values are the same, never zero."""
    robust = _NORMAL_MAD * np.median(np.abs(deviations), axis=0)
    plain = np.sqrt(np.mean(deviations**2, axis=0))
    spread = np.where(robust > 1e-9 * plain, robust, plain)
    return np.where(spread > 1e-150, spread, 1.0)


def _yule_walker(values: NDArray[np.float64], most: int, *, choose: bool) -> NDArray[np.float64]:
    """Coefficients of an autoregression that all components share, by Levinson's recursion; the order of least BIC."""
    n, d = values.shape
    centred = values - values.mean(axis=0)
    covariances = [float(np.sum(centred[k:] * centred[: n - k])) for k in range(most + 1)]
    best = current = np.zeros(0)
    error = covariances[0]
    if error <= 0.0:
        return np.zeros(0 if choose else most)
    least = n * d * math.log(error)
    for k in range(most):
        partial = (covariances[k + 1] - float(current @ np.array(covariances[k:0:-1]))) / error
        current = np.append(current - partial * current[::-1], partial)
        error = max(error * (1.0 - partial**2), 1e-12 * covariances[0])
        criterion = n * d * math.log(error) + (k + 1) * math.log(n * d)
        if criterion < least or not choose:
            best, least = current, criterion
    return best


def _shrinkage(centred: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    """Ledoit's and Wolf's share of the identity."""
    n, d = centred.shape
    level = np.trace(covariance) / d
    distance = float(np.sum((covariance - level * np.eye(d)) ** 2))
    if distance <= 0.0:
        return 0.0
    noise = (float(np.mean(np.sum(centred**2, axis=1) ** 2)) - float(np.sum(covariance**2))) / n
    return min(max(noise, 0.0), distance) / distance


def _lower_inverse(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """W, a lower triangle, with W covariance W' = 1."""
    return np.ascontiguousarray(np.tril(np.linalg.inv(np.linalg.cholesky(covariance))))


@dataclass(frozen=True)
class _Moments:
    """Mean and covariance of innovations, outliers cut."""

    mean: NDArray[np.float64]  # (d,)
    centred: NDArray[np.float64]  # (n, d)
    covariance: NDArray[np.float64]  # (d, d)
    share: float  # of the identity

    @classmethod
    def of(cls, rest: NDArray[np.float64]) -> _Moments:
        """Those of the innovations."""
        middle = np.median(rest, axis=0)
        limit = _usual(rest - middle, _spread(rest - middle))
        cut = np.clip(rest, middle - limit, middle + limit)
        mean = cut.mean(axis=0)
        centred = cut - mean
        covariance = centred.T @ centred / len(rest)
        return cls(mean, centred, covariance, _shrinkage(centred, covariance))

    def shrunk(self, factor: float) -> NDArray[np.float64]:
        """The covariance times a factor, shrunk by as much as it is without the factor."""
        d = len(self.mean)
        variance = np.trace(self.covariance) / d
        level = self.share * variance + _LEAST_VARIANCE * (1.0 + d * variance)
        return (1.0 - self.share) * factor * self.covariance + level * np.eye(d)


def _bits_at_mean(whitening: NDArray[np.float64], scale: NDArray[np.float64]) -> float:
    """The least bits of a unit."""
    d = len(scale)
    return float(0.5 * d * math.log2(2.0 * math.pi) - np.sum(np.log2(np.diag(whitening))) + np.sum(np.log2(scale)))


def _left_out(
    code: GaussianCode, rest: NDArray[np.float64], moments: _Moments, window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bits and drift of the reference's vectors, each under the others; the code's window becomes that of the last."""
    n, d = rest.shape
    mean, centred = moments.mean, moments.centred
    # Without unit i the covariance is (base - factor c c'), c its (cut) deviation: Sherman and Morrison do the rest.
    base = _lower_inverse(moments.shrunk(n / (n - 1)))
    factor = (1.0 - moments.share) * n / (n - 1) ** 2
    own = centred @ base.T
    left = np.maximum(1.0 - factor * np.sum(own**2, axis=1), 1e-12)
    weight = factor / left
    apart = (rest - mean + centred / (n - 1)) @ base.T  # from the mean without unit i
    squares = np.sum(apart**2, axis=1) + weight * np.sum(apart * own, axis=1) ** 2
    bits = _bits_at_mean(base, code.scale) + 0.5 * (np.log(left) + squares) / _LOG_2

    before = np.concatenate([np.zeros((1, d)), np.cumsum(centred, axis=0)])
    plain = (rest - mean) @ base.T
    drift = np.empty(n)
    for i in range(window, n):
        # By how much the mean moves once the window and the unit are out of it.
        shift = base @ (-(before[i + 1] - before[i - window]) / max(n - window - 1, 1))
        way = plain[i - window : i] - shift
        limited(way)
        direction, unit = way.sum(axis=0), plain[i] - shift
        along = float(direction @ unit) + weight[i] * float(direction @ own[i]) * float(unit @ own[i])
        length = float(direction @ direction) + weight[i] * float(direction @ own[i]) ** 2
        drift[i] = along / math.sqrt(length) if length > 0.0 else 0.0

    code.newest = (rest[n - window :] - mean) @ code.whitening.T
    limited(code.newest)
    return bits[window:], drift[window:]
