"""Slow, obvious versions of costs of segments and of the search for the best segmentation."""

import itertools
import math
import re
from collections import Counter

from scipy.special import gammaln


def words(text, prefix=5):
    """Words in lower case, cut."""
    return [word[:prefix] for word in re.findall(r"\w+", text.lower())]


def evenness_weights(tokens):
    """Weight of each word by the gaps between its places."""
    places = {}
    for i, token in enumerate(tokens):
        places.setdefault(token, []).append(i)
    result = {}
    for token, at in places.items():
        count = len(at)
        if count == 1:
            result[token] = 0.5
            continue
        logs = [-math.log((b - a) * count / len(tokens)) for a, b in itertools.pairwise(at)]
        b = sum(logs) / len(logs) - 0.5772156649015329
        z = b * math.sqrt(count - 1) / 1.28
        result[token] = 1 / (1 + math.exp(-1.5 * (z - 1)))
    return result


def length_weights(whole, tokens):
    """Mean length of the words that are cut to each token, over the mean length of all."""
    lengths = {}
    for word, token in zip(whole, tokens, strict=True):
        lengths.setdefault(token, []).append(len(word))
    means = {token: min(sum(found) / len(found), 12) for token, found in lengths.items()}
    mean = sum(means[token] for token in tokens) / len(tokens)
    return {token: length / mean for token, length in means.items()}


def word_cost(segment, text, prefix=5, prior=None, weighted=True, single=False):
    """Bits of a segment of a text."""
    first = dirichlet_cost(words(segment, prefix), words(text, prefix), prior, weighted)
    if single:
        return first
    whole, tokens = words(text, 99), words(text, prefix + 1)
    second = dirichlet_cost(words(segment, prefix + 1), tokens, prior, weighted, length_weights(whole, tokens))
    return 0.4 * first + 0.4 * second


def dirichlet_cost(segment, tokens, prior=None, weighted=True, factors=None):
    """Bits of a segment's words under the prior that all words make."""
    counts = Counter(tokens)
    mass = min(len(tokens) / 4, 600) if prior is None else prior
    weights = evenness_weights(tokens) if weighted else dict.fromkeys(tokens, 1.0)
    weights = {token: weight * (factors[token] if factors else 1) for token, weight in weights.items()}
    inside = Counter(segment)
    total = sum(weights[v] * n for v, n in inside.items())
    nats = gammaln(mass + total) - gammaln(mass)
    for v, n in inside.items():
        a = mass * counts[v] / len(tokens)
        nats -= gammaln(a + weights[v] * n) - gammaln(a)
    return float(nats / math.log(2))


def u00_cost(segment, tokens):
    """Bits of a segment's words as Utiyama and Isahara count them."""
    inside, kinds = Counter(segment), len(set(tokens))
    return sum(n * math.log2((len(segment) + kinds) / (n + 1)) for n in inside.values())


def segmentations(n):
    """All bounds of all segmentations of n units."""
    for flags in itertools.product([False, True], repeat=n - 1):
        yield (0, *(i + 1 for i, flag in enumerate(flags) if flag), n)


def total_cost(bounds, cost):
    """Sum of costs of segments."""
    return sum(cost(a, b) for a, b in itertools.pairwise(bounds))


def best_of_number(n, number, cost, longest=None):
    """Least sum of costs of segmentations into so many segments, or infinity."""
    sums = [
        total_cost(bounds, cost)
        for bounds in segmentations(n)
        if len(bounds) == number + 1
        and (longest is None or max(b - a for a, b in itertools.pairwise(bounds)) <= longest)
    ]
    return min(sums, default=math.inf)


def number_bits(n, number):
    """Bits of the number of segments and of their places."""
    return math.log2(math.comb(n + number - 2, number - 1)) + math.log2(n)
