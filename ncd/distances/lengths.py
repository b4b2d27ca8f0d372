"""
Distances as pure functions of code lengths.

Every function takes L(x), L(y) and L(xy) (numbers or arrays that broadcast; bytes or bits, but all in one unit),
returns float64, keeps no state, and is a distance in one sense at least: **smaller means more alike**. "Symmetric" in
a docstring means: under exchange of x and y when L(xy) = L(yx); real compressors break the latter a little. Where the
divisor is 0 (nothing but overhead was removed), that quotient is 0 for a zero numerator and infinite otherwise.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "METRICS",
    "Metric",
    "cdm",
    "clm",
    "cosine",
    "get_metric",
    "ncd",
    "ncd_conditional",
    "nrc",
    "savings",
]

Floats: TypeAlias = NDArray[np.float64]
#: A distance: a function of L(x), L(y), L(xy).
Metric: TypeAlias = Callable[[Any, Any, Any], Any]


def _floats(*lengths: ArrayLike) -> list[Floats]:
    """The lengths as float64 arrays."""
    return [np.asarray(length, dtype=np.float64) for length in lengths]


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient; 0/0 is 0 and a/0 infinite with the sign of a."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.asarray(numerator / denominator)
    return np.where((denominator == 0) & (numerator == 0), 0.0, quotient)[()]


def ncd(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Normalized compression distance, (L(xy) - min(L(x), L(y))) / max(L(x), L(y)).

    Range 0 to 1 in theory, slightly above 1 in practice; NCD(x, x) is above 0 by what the compressor needs to say
    "again". Symmetric.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    References
    ----------
    Li, Chen, Li, Ma, Vitanyi, The similarity metric, IEEE Trans. Inf. Theory 50 (2004); Cilibrasi, Vitanyi,
    Clustering by compression, IEEE Trans. Inf. Theory 51 (2005), equation 2.

    Examples
    --------
    >>> float(ncd(100, 80, 120))
    0.4
    """
    x, y, xy = _floats(lx, ly, lxy)
    return _ratio(xy - np.minimum(x, y), np.maximum(x, y))


def ncd_conditional(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Conditional form of the NCD, (L(xy) - L(x)) / max(L(x), L(y)).

    The share of the longer code that y still needs after x. Range about 0 to 1, small whenever y is short beside x,
    so it compares badly across lengths (as a nearest-neighbour distance it is far behind `ncd`). Not symmetric; the
    larger of the two orders (``symmetrize="max"`` in `ncd.pairwise`) is the compression form of the normalized
    information distance.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    References
    ----------
    Li, Chen, Li, Ma, Vitanyi, The similarity metric, IEEE Trans. Inf. Theory 50 (2004), with L(xy) - L(x) for K(y|x).

    Examples
    --------
    >>> float(ncd_conditional(100, 80, 120))
    0.2
    """
    x, y, xy = _floats(lx, ly, lxy)
    return _ratio(xy - x, np.maximum(x, y))


def cdm(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Compression-based dissimilarity measure, L(xy) / (L(x) + L(y)).

    Range 1/2 (equal) to 1 (nothing in common), a little above with overhead. Symmetric.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    References
    ----------
    Keogh, Lonardi, Ratanamahatana, Towards parameter-free data mining, KDD 2004.

    Examples
    --------
    >>> round(float(cdm(100, 80, 120)), 4)
    0.6667
    """
    x, y, xy = _floats(lx, ly, lxy)
    return _ratio(xy, x + y)


def clm(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Chen-Li metric, 1 - (L(x) + L(y) - L(xy)) / L(xy).

    One minus the information that x and y share over the information in both. Range 0 to 1. Symmetric.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    References
    ----------
    Li, Badger, Chen, Kwong, Kearney, Zhang, An information-based sequence distance, Bioinformatics 17 (2001), with
    K(x) - K(x|y) = L(x) + L(y) - L(xy); named CLM by Sculley, Brodley, Compression and machine learning, DCC 2006.

    Examples
    --------
    >>> float(clm(100, 80, 120))
    0.5
    """
    x, y, xy = _floats(lx, ly, lxy)
    return 1.0 - _ratio(x + y - xy, xy)


def cosine(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Cosine-like distance, 1 - (L(x) + L(y) - L(xy)) / sqrt(L(x) L(y)).

    Shared information over the geometric mean of the two lengths. Range about 0 to 1. Symmetric.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    References
    ----------
    CosS in Sculley, Brodley, Compression and machine learning: a new perspective on feature space vectors, DCC 2006.

    Examples
    --------
    >>> round(float(cosine(100, 80, 120)), 4)
    0.3292
    """
    x, y, xy = _floats(lx, ly, lxy)
    return 1.0 - _ratio(x + y - xy, np.sqrt(x * y))


def savings(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Bytes saved, negated, -(L(x) + L(y) - L(xy)) / ln L(y), with y the training text.

    What the pair saves grows with the length of the training text, about as its logarithm; dividing by it lets long
    and short neighbours compete. Unlike the ratios above it does not reward texts for being as long as x. Range minus
    infinity to about 0. Not symmetric; L(y) counts as at least 2.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of the training text y, and of x followed by y.

    Returns
    -------
    float64 or ndarray

    Notes
    -----
    Source: this project's own comparison of formulas as nearest-neighbour distances; there is no paper. On
    texts of some hundred bytes it is more accurate than `ncd`, on very short ones (questions of 60 bytes) less.

    Examples
    --------
    >>> round(float(savings(100, 80, 120)), 4)
    -13.6923
    """
    x, y, xy = _floats(lx, ly, lxy)
    return _ratio(xy - x - y, np.log(np.maximum(y, 2.0)))


def nrc(lx: ArrayLike, ly: ArrayLike, lxy: ArrayLike) -> Floats:
    """
    Relative conditional code length, (L(xy) - L(x)) / L(y).

    The share of y's own code that is left once x is known, in the manner of the normalized relative compression,
    whose divisor is the uncompressed size of y. Range about 0 to 1. Not symmetric.

    Parameters
    ----------
    lx, ly, lxy : array_like
        Code lengths of x, of y, and of x followed by y; best with ``joint="primed"``, where L(xy) - L(x) is L(y|x).

    Returns
    -------
    float64 or ndarray

    References
    ----------
    Pratas, Silva, Pinho, Ferreira, An alignment-free method to find and visualise rearrangements between pairs of DNA
    sequences, Scientific Reports 5 (2015).

    Examples
    --------
    >>> float(nrc(100, 80, 120))
    0.25
    """
    x, y, xy = _floats(lx, ly, lxy)
    return _ratio(xy - x, y)


#: Distances by name; True for those that exchanging x and y leaves as they are when L(xy) = L(yx).
METRICS: dict[str, tuple[Metric, bool]] = {
    "ncd": (ncd, True),
    "ncd_conditional": (ncd_conditional, False),
    "cdm": (cdm, True),
    "clm": (clm, True),
    "cosine": (cosine, True),
    "savings": (savings, False),
    "nrc": (nrc, False),
}


def get_metric(metric: str | Metric) -> Metric:
    """
    A distance by name, or a function as it is.

    Parameters
    ----------
    metric : str or callable
        A key of `METRICS`, or a function of L(x), L(y), L(xy) that broadcasts and is smaller for texts that are more
        alike.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If `metric` is neither a name nor callable.

    Examples
    --------
    >>> get_metric("cdm").__name__
    'cdm'
    """
    if callable(metric):
        return metric
    if not isinstance(metric, str):
        raise TypeError(f"metric is {metric!r}: give a name or a function of L(x), L(y), L(xy)")
    if metric not in METRICS:
        near = difflib.get_close_matches(metric.lower(), METRICS, n=1)
        hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
        raise ValueError(f"metric {metric!r} is not known; {hint} from {', '.join(METRICS)}")
    return METRICS[metric][0]
