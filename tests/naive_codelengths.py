"""Slow, obvious versions of the costs by code length."""

from collections import Counter
from math import lgamma, log

import numpy as np


def bits(compressor, text):
    """Code length in bits."""
    return compressor.length(text) * (8 if compressor.unit == "bytes" else 1)


def ordinary(compressor, pieces, size, shuffles, starts, seed):
    """Mean bits of `size` bytes of shuffled pieces, linear between their ends."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(pieces)) for _ in range(shuffles)]
    step = max(1, -(-len(pieces) // starts))
    values = []
    for order in orders:
        for start in range(0, len(pieces), step):
            text, before, length = b"", 0.0, 0
            for place in range(len(pieces)):
                piece = pieces[order[(start + place) % len(pieces)]]
                after = bits(compressor, text + piece)
                if length + len(piece) >= size:
                    values.append(before + (after - before) * (size - length) / len(piece))
                    break
                text, before, length = text + piece, after, length + len(piece)
    return sum(values) / len(values)


def calibrated(compressor, pieces, start, stop, shuffles, starts, seed):
    """Cost of a segment."""
    text = b"".join(pieces[start:stop])
    return bits(compressor, text) - ordinary(compressor, pieces, len(text), shuffles, starts, seed)


def gain(compressor, pieces, place):
    """Bits that a cut after `place` pieces saves, the second part coded backwards."""
    left, right = b"".join(pieces[:place]), b"".join(pieces[place:])[::-1]
    whole = left + right[::-1]
    both = (bits(compressor, whole) + bits(compressor, whole[::-1])) / 2
    return both - bits(compressor, left) - bits(compressor, right)


def word_bits(words, alpha, kinds):
    """Closed form of the Dirichlet code."""
    counts = Counter(word for part in words for word in part)
    total = alpha * kinds
    nats = lgamma(total + sum(counts.values())) - lgamma(total)
    nats -= sum(lgamma(alpha + count) - lgamma(alpha) for count in counts.values())
    return nats / log(2)


def word_gain(words, place, alpha):
    """Bits that a cut after `place` parts saves."""
    kinds = len({word for part in words for word in part})
    whole, left, right = (word_bits(part, alpha, kinds) for part in (words, words[:place], words[place:]))
    return whole - left - right


def null(compressor, pieces, shuffles, seed):
    """Gains of all cuts, their means over shuffles at the same byte, their mean standard deviation."""
    n, rng = len(pieces), np.random.default_rng(seed)
    places = np.cumsum([len(piece) for piece in pieces])
    curves = []
    for _ in range(shuffles):
        shuffled = [pieces[i] for i in rng.permutation(n)]
        ends = np.cumsum([len(piece) for piece in shuffled])
        curve = [gain(compressor, shuffled, place) for place in range(1, n)]
        curves.append([float(np.interp(at, [0, *ends], [0, *curve, 0])) for at in places[:-1]])
    gains = [gain(compressor, pieces, place) for place in range(1, n)]
    columns = np.array(curves).T
    means = [float(sum(column) / shuffles) for column in columns]
    spreads = [
        (sum((x - mean) ** 2 for x in column) / (shuffles - 1)) ** 0.5
        for column, mean in zip(columns, means, strict=True)
    ]
    return gains, means, sum(spreads) / len(spreads)
