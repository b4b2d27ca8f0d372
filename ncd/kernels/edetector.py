"""
Conformal p-values by ranks in a growing bag, and the e-detector that bets on them, many rows in one call.

The bag is a histogram of everything so far, as a Fenwick tree (Fenwick 1994): a rank costs as much as an addition, the
logarithm of the bins. The inverse normal is algorithm AS 241 of Wichura (1988), with his coefficients; the random
numbers are those of splitmix64 (Steele, Lea and Flood 2014).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = [
    "ALARM",
    "BAG",
    "BINS",
    "COUNTERS",
    "CURRENT",
    "NEWEST",
    "RANDOM",
    "ROWS",
    "SHARE",
    "fill_bag",
    "normal_deviates",
    "rank_p_values",
    "seeded",
    "take",
    "take_p",
]

#: Bins of the bag: of 1/32 standard deviation, from -8 to 24.
BINS = 1024
_PER_UNIT, _LOWEST = 32.0, -8.0
_HIGHEST = _LOWEST + BINS / _PER_UNIT
#: Rows whose bets are kept.
NEWEST = 1024
#: Places in `counters`: rows in the bag, rows taken, whether the last one raised the alarm, state of the generator.
BAG, ROWS, ALARM, RANDOM = range(4)
COUNTERS = 4
#: Places in a row of `running` before the bets: the last standardised value, the signal's share of the statistic.
LAST, SHARE = range(2)
CURRENT = 2
_LARGEST = 1e300
_GOLDEN, _MIX1, _MIX2 = (np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_S11, _S27, _S30, _S31 = (np.uint64(shift) for shift in (11, 27, 30, 31))


@inlined
def _uniform(counters: NDArray[np.int64]) -> float:
    """The next random number, between 0 and 1 and neither of them."""
    word = np.uint64(counters[RANDOM]) + _GOLDEN
    counters[RANDOM] = np.int64(word)
    word = (word ^ (word >> _S30)) * _MIX1
    word = (word ^ (word >> _S27)) * _MIX2
    word ^= word >> _S31
    return (float(np.int64(word >> _S11)) + 0.5) * 2.0**-53


@inlined
def _deviate(p: float) -> float:
    """The standard normal deviate that is exceeded with probability p (Wichura 1988), to about 1e-15."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        a = 2509.0809287301226727
        a = a * r + 33430.575583588128105
        a = a * r + 67265.770927008700853
        a = a * r + 45921.953931549871457
        a = a * r + 13731.693765509461125
        a = a * r + 1971.5909503065514427
        a = a * r + 133.14166789178437745
        a = a * r + 3.387132872796366608
        b = 5226.495278852854561
        b = b * r + 28729.085735721942674
        b = b * r + 39307.89580009271061
        b = b * r + 21213.794301586595867
        b = b * r + 5394.1960214247511077
        b = b * r + 687.1870074920579083
        b = b * r + 42.313330701600911252
        return -q * a / (b * r + 1.0)
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        a = 7.7454501427834140764e-4
        a = a * r + 0.0227238449892691845833
        a = a * r + 0.24178072517745061177
        a = a * r + 1.27045825245236838258
        a = a * r + 3.64784832476320460504
        a = a * r + 5.7694972214606914055
        a = a * r + 4.6303378461565452959
        a = a * r + 1.42343711074968357734
        b = 1.05075007164441684324e-9
        b = b * r + 5.475938084995344946e-4
        b = b * r + 0.0151986665636164571966
        b = b * r + 0.14810397642748007459
        b = b * r + 0.68976733498510000455
        b = b * r + 1.6763848301838038494
        b = b * r + 2.05319162663775882187
    else:
        r -= 5.0
        a = 2.01033439929228813265e-7
        a = a * r + 2.71155556874348757815e-5
        a = a * r + 1.2426609473880784386e-3
        a = a * r + 0.026532189526576123093
        a = a * r + 0.29656057182850489123
        a = a * r + 1.7848265399172913358
        a = a * r + 5.4637849111641143699
        a = a * r + 6.6579046435011037772
        b = 2.04426310338993978564e-15
        b = b * r + 1.4215117583164458887e-7
        b = b * r + 1.8463183175100546818e-5
        b = b * r + 7.868691311456132591e-4
        b = b * r + 0.0148753612908506148525
        b = b * r + 0.1369298809227358053
        b = b * r + 0.59983220655588793769
    z = a / (b * r + 1.0)
    return z if q < 0.0 else -z


@inlined
def _put(tree: NDArray[np.int64], at: int) -> None:
    """One more in a bin."""
    i = at + 1
    while i <= len(tree):
        tree[i - 1] += 1
        i += i & -i


@inlined
def _below(tree: NDArray[np.int64], at: int) -> int:
    """How many are in the bins before this one."""
    total = 0
    i = at
    while i > 0:
        total += tree[i - 1]
        i &= i - 1
    return total


@inlined
def _clipped(value: float) -> float:
    """A standardised value within the bins."""
    return min(max(value, _LOWEST), _HIGHEST)


@inlined
def _bin(value: float) -> int:
    """The bin of a standardised value."""
    return min(int((_clipped(value) - _LOWEST) * _PER_UNIT), BINS - 1)


@inlined
def _p_value(tree: NDArray[np.int64], at: int, size: int, uniform: float) -> float:
    """The rank of one more value in this bin, ties at random, as a p-value; the bag is left as it was."""
    upto = _below(tree, at + 1)
    return (size - upto + uniform * (upto - _below(tree, at) + 1)) / (size + 1)


@inlined
def _bet(
    p: float,
    j: int,
    row: int,
    weight: float,
    running: NDArray[np.float64],
    newest: NDArray[np.float32],
    bets: NDArray[np.float64],
    prior: bool,
) -> float:
    """The j-th signal's share of the statistic after a p-value in the given row, the first being 1."""
    z = _deviate(min(p, 1.0 - 2.0**-53))
    newest[j, (row - 1) % NEWEST] = z
    fresh = 1.0 / (row * (row + 1.0)) if prior else 1.0
    total = 0.0
    for i in range(len(bets)):
        grown = (running[j, CURRENT + i] + fresh) * math.exp(bets[i] * (z - 0.5 * bets[i]))
        running[j, CURRENT + i] = min(grown, _LARGEST)
        total += running[j, CURRENT + i] / len(bets)
    share = weight * (total + 1.0 / (row + 1.0) if prior else total)
    running[j, SHARE] = share
    return share


@kernel
def fill_bag(
    rows: NDArray[np.float64],
    first: int,
    setup: NDArray[np.float64],
    tree: NDArray[np.int64],
    running: NDArray[np.float64],
) -> None:
    """
    Put the rows of a reference into an empty bag.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, k)
    first : int
        The first row for the bag: 1 where a signal is whitened, since that needs the row before.
    setup : ndarray of float64, shape (4, k)
        Mean, scale, autoregression and weight of each signal.
    tree : ndarray of int64, shape (k, BINS)
        Zeros; filled in.
    running : ndarray of float64, shape (k, CURRENT + bets)
        The last standardised values are filled in.
    """
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            z = _clipped((rows[i, j] - setup[0, j]) / setup[1, j])
            if i >= first:
                _put(tree[j], _bin(z - setup[2, j] * running[j, LAST]))
            running[j, LAST] = z


@kernel
def take(
    rows: NDArray[np.float64],
    setup: NDArray[np.float64],
    tree: NDArray[np.int64],
    running: NDArray[np.float64],
    newest: NDArray[np.float32],
    counters: NDArray[np.int64],
    bets: NDArray[np.float64],
    threshold: float,
    prior: bool,
) -> int:
    """
    Take rows until one raises the alarm.

    Parameters
    ----------
    rows, setup, tree, running : ndarray
        As in `fill_bag`.
    newest : ndarray of float32, shape (k, NEWEST)
        Ring of the newest normal deviates.
    counters : ndarray of int64, shape (COUNTERS,)
    bets : ndarray of float64
        Means of the normal alternatives.
    threshold : float
    prior : bool
        Whether starts have the weights 1 / (t (t + 1)), which makes the statistic a test martingale.

    Returns
    -------
    int
        How many rows were taken; -1 - i if the row i has a number that is not finite, and nothing was taken.
    """
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if not math.isfinite(rows[i, j]):
                return -1 - i
    for i in range(rows.shape[0]):
        counters[ROWS] += 1
        statistic = 0.0
        for j in range(rows.shape[1]):
            z = _clipped((rows[i, j] - setup[0, j]) / setup[1, j])
            at = _bin(z - setup[2, j] * running[j, LAST])
            running[j, LAST] = z
            p = _p_value(tree[j], at, counters[BAG], _uniform(counters))
            _put(tree[j], at)
            share = _bet(p, j, counters[ROWS], setup[3, j], running, newest, bets, prior)
            statistic = max(statistic, share)
        counters[BAG] += 1
        counters[ALARM] = 1 if statistic >= threshold else 0
        if counters[ALARM]:
            return i + 1
    return rows.shape[0]


@kernel
def take_p(
    rows: NDArray[np.float64],
    setup: NDArray[np.float64],
    running: NDArray[np.float64],
    newest: NDArray[np.float32],
    counters: NDArray[np.int64],
    bets: NDArray[np.float64],
    threshold: float,
    prior: bool,
) -> int:
    """Take rows of p-values until one raises the alarm; arguments and result as those of `take`."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if not 0.0 < rows[i, j] <= 1.0:
                return -1 - i
    for i in range(rows.shape[0]):
        counters[ROWS] += 1
        statistic = 0.0
        for j in range(rows.shape[1]):
            share = _bet(rows[i, j], j, counters[ROWS], setup[3, j], running, newest, bets, prior)
            statistic = max(statistic, share)
        counters[ALARM] = 1 if statistic >= threshold else 0
        if counters[ALARM]:
            return i + 1
    return rows.shape[0]


@kernel
def rank_p_values(
    ranks: NDArray[np.int64], first: int, tree: NDArray[np.int64], counters: NDArray[np.int64], out: NDArray[np.float64]
) -> None:
    """
    Conformal p-values of values given by their dense ranks.

    Parameters
    ----------
    ranks : ndarray of int64, shape (n,)
        From 0; equal ranks are ties.
    first : int
        The first value that gets a p-value; those before it only fill the bag.
    tree : ndarray of int64
        Zeros, one a rank.
    counters : ndarray of int64, shape (COUNTERS,)
        State of the generator.
    out : ndarray of float64, shape (n - first,)
        Filled in.
    """
    for i in range(len(ranks)):
        if i >= first:
            out[i - first] = _p_value(tree, ranks[i], i, _uniform(counters))
        _put(tree, ranks[i])


@kernel
def normal_deviates(p: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """The standard normal deviates that are exceeded with the given probabilities."""
    for i in range(len(p)):
        out[i] = _deviate(p[i])


def seeded(number: int) -> int:
    """The state of the generator for a seed: neighbouring seeds give unrelated sequences."""
    return int(np.random.SeedSequence(number).generate_state(1, np.uint64).view(np.int64)[0])
