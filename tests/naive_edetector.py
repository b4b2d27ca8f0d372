"""An obvious e-detector: lists, scipy's normal distribution, plain sums over all starts."""

import math
from itertools import pairwise

import numpy as np
from scipy.stats import norm

_WORD = (1 << 64) - 1


class Random:
    """splitmix64 in whole numbers of any size."""

    def __init__(self, state):
        self.state = state & _WORD

    def uniform(self):
        """The next number in (0, 1)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _WORD
        word = self.state
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
        word ^= word >> 31
        return ((word >> 11) + 0.5) / 2**53


def autocorrelation(values):
    """At lag 1."""
    mean = sum(values) / len(values)
    centred = [v - mean for v in values]
    if min(values) == max(values):
        return 0.0
    return sum(a * b for a, b in pairwise(centred)) / sum(c * c for c in centred)


def bins(column, mean, scale, rho, before):
    """Bins of 1/32 of the scale from -8 to 24, and the last standardised value; no bin without a value before."""
    found = []
    for value in column:
        z = min(max((value - mean) / scale, -8.0), 24.0)
        if before is not None:
            u = min(max(z - rho * before, -8.0), 24.0)
            found.append(min(math.floor((u + 8.0) * 32.0), 1023))
        before = z
    return found, before


def p_values(bag, bins, uniforms):
    """Ranks in a growing bag."""
    everything = list(bag)
    found = []
    for one, u in zip(bins, uniforms, strict=True):
        greater, equal = sum(b > one for b in everything), sum(b == one for b in everything)
        found.append((greater + u * (equal + 1)) / (len(everything) + 1))
        everything.append(one)
    return found


def starts(p_values, bets, prior):
    """What each start of a change contributes to the statistic: its weight x the mean over bets of products."""
    e = np.array([[math.exp(b * norm.isf(p) - b * b / 2) for b in bets] for p in p_values])
    weights = [1 / (t * (t + 1)) if prior else 1.0 for t in range(1, len(p_values) + 1)]
    return np.array([w * np.mean(np.prod(e[s:], axis=0)) for s, w in enumerate(weights)])


def statistic(p_values, bets, prior):
    """The sum over starts; with a prior, what it gives to later ones is added."""
    return float(starts(p_values, bets, prior).sum()) + (1 / (len(p_values) + 1) if prior else 0.0)


def interval(shares, level):
    """The largest share, and the shortest run around it with `level` of all; of those the one with most."""
    best = int(np.argmax(shares))
    runs = [
        (high - low, -float(shares[low : high + 1].sum()), low, high)
        for low in range(best + 1)
        for high in range(best, len(shares))
        if shares[low : high + 1].sum() >= level * shares.sum() - 1e-12
    ]
    _, _, low, high = min(runs)
    return best, low, high
