"""Slow, obvious versions of what finds changepoints in sequences."""

import math
from collections import Counter
from itertools import combinations, pairwise

import numpy as np


def cells(values, level, kind):
    """The cell of each value: by mean rank among all, or by truncation."""
    if kind == "raw":
        return [math.trunc(v * 2 ** (level + 1)) for v in values]
    ordered = sorted(values)
    n = len(ordered)
    ranks = {v: ordered.index(v) + ordered.count(v) / 2 for v in set(ordered)}
    return [math.floor(ranks[v] / n * 2 ** (level + 1)) for v in values]


def word_distance(symbols, m, start, cut, stop, other=None):
    """L1 distance of the word frequencies of [start, cut) and [cut, stop), or of [other[0], other[1])."""
    right = (cut, stop) if other is None else other
    counts = [Counter(tuple(symbols[i : i + m]) for i in range(a, b - m + 1)) for a, b in ((start, cut), right)]
    sizes = [c.total() for c in counts]
    if not all(sizes):
        return 0.0
    return sum(abs(counts[0][w] / sizes[0] - counts[1][w] / sizes[1]) for w in counts[0] | counts[1])


def distributional_distance(a, b, weight, kind, max_length, levels):
    """The sum over levels and lengths, written out; vectors are in one cell if all their coordinates are."""
    both = np.concatenate([np.reshape(a, (len(a), -1)), np.reshape(b, (len(b), -1))])
    total = 0.0
    for level in range(levels):
        symbols = list(zip(*(cells(column.tolist(), level, kind) for column in both.T), strict=True))
        for m in range(1, max_length + 1):
            total += weight(m, level) * word_distance(symbols, m, 0, len(a), len(both))
    return total


def kt(zeros, ones):
    """Krichevsky and Trofimov's probability of so many zeros and ones, in any order."""
    result = 1.0
    for i in range(zeros):
        result *= (i + 0.5) / (i + 1)
    for i in range(ones):
        result *= (i + 0.5) / (zeros + i + 1)
    return result


def tree_probability(pairs, depth, at=0):
    """Context-tree weighting of (context, bit) pairs by its definition."""
    ones = sum(bit for _, bit in pairs)
    here = kt(len(pairs) - ones, ones)
    if at == depth or not pairs:
        return here
    below = 1.0
    for side in (0, 1):
        below *= tree_probability([p for p in pairs if (p[0] >> at) & 1 == side], depth, at + 1)
    return (here + below) / 2


def contexts_of(rows, bits, depth):
    """For each element of each row the bits before it, the nearest lowest: of its own row, and of all rows."""
    bit_rows = [[f"{v:0{bits}b}" for v in row] for row in rows]
    own, joint = [], []
    for j, row in enumerate(bit_rows):
        own.append([])
        joint.append([])
        for t in range(len(row)):
            past = [row[s] for s in range(t - 1, -1, -1)]
            around = [bit_rows[i][t] for i in range(j - 1, -1, -1)]
            around += [bit_rows[i][s] for s in range(t - 1, -1, -1) for i in range(len(rows) - 1, -1, -1)]
            for kept, symbols in ((own, past), (joint, around)):
                string = "".join(symbols)[:depth]
                kept[j].append(sum(int(c) << k for k, c in enumerate(string)))
    return own, joint


def code_length(rows, bits, depth, places):
    """Bits of the symbols at some places under context trees, from the definition."""
    own, joint = contexts_of(rows, bits, depth)
    total = 0.0
    for j, row in enumerate(rows):
        shares = []
        for contexts in [own[j], joint[j]] if len(rows) > 1 else [own[j]]:
            product = 1.0
            for length in range(bits):
                for before in range(1 << length):
                    pairs = [
                        (contexts[t], (row[t] >> (bits - 1 - length)) & 1)
                        for t in places
                        if row[t] >> (bits - length) == before
                    ]
                    product *= tree_probability(pairs, depth)
            shares.append(product)
        total -= math.log2(sum(shares) / len(shares))
    return total


def squared_cusum(grams, start, cut, stop):
    """Weighted squared distance of the mean one-hot vectors on both sides."""
    left, right = grams[start:cut], grams[cut:stop]
    vectors = np.eye(int(max(grams)) + 1)
    difference = vectors[left].mean(0) - vectors[right].mean(0)
    return len(left) * len(right) / (stop - start) * float(difference @ difference)


def line_cost(y, floor):
    """(m / 2) log2(mean squared residual of the best line + floor), a coordinate's variance being 1."""
    m = len(y)
    if m == 1:
        return 0.5 * math.log2(floor)
    t = np.arange(m)
    rest = y - np.polyval(np.polyfit(t, y, 1), t) if m > 2 else np.zeros(m)
    return m / 2 * math.log2(float(rest @ rest) / m + floor)


def best_cuts(n, cost, penalty, apart, edge):
    """Of all sets of cuts the one with the least sum of costs and penalties."""
    best = (cost(0, n), ())
    for number in range(1, n):
        for cuts in combinations(range(edge, n - edge + 1), number):
            if all(b - a >= apart for a, b in pairwise(cuts)):
                total = sum(cost(a, b) for a, b in pairwise((0, *cuts, n))) + penalty * number
                best = min(best, (total, cuts))
    return best
