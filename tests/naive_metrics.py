"""Slow, obvious versions of the metrics of segmentations, straight from the papers' definitions."""

from itertools import combinations, permutations


def segments(ends):
    """Sets of the units of each segment."""
    return [set(range(a, b)) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def covering(annotators, predicted):
    """Overlap of sets, unit by unit."""
    n = predicted[-1]
    scores = []
    for true in annotators:
        best = [max(len(s & p) / len(s | p) for p in segments(predicted)) for s in segments(true)]
        scores.append(sum(len(s) * b for s, b in zip(segments(true), best, strict=True)) / n)
    return sum(scores) / len(scores)


def taken(true, predicted, margin):
    """True changepoints that each take the nearest predicted one that is left."""
    left, found = set(predicted), set()
    for place in true:
        near = sorted((abs(place - x), x) for x in left if abs(place - x) <= margin)
        if near:
            left.remove(near[0][1])
            found.add(place)
    return found


def f1_score(annotators, predicted, margin):
    """Precision over the union, recall averaged, 0 a changepoint of everyone."""
    true = [set(ends[:-1]) for ends in annotators]
    union = set()
    for places in true:
        places.add(0)
        for place in places:
            union.add(place)
    found = {0, *predicted[:-1]}
    precision = len(taken(union, found, margin)) / len(found)
    recall = sum(len(taken(places, found, margin)) / len(places) for places in true) / len(true)
    return 2 * precision * recall / (precision + recall)


def most_pairs(a, b, margin):
    """The most pairs within a margin, by trying every matching."""
    if len(a) > len(b):
        a, b = b, a
    for size in range(len(a), 0, -1):
        for chosen in combinations(a, size):
            for others in permutations(b, size):
                if all(abs(x - y) <= margin for x, y in zip(chosen, others, strict=True)):
                    return size
    return 0


def hausdorff(a, b):
    """Largest of all smallest distances."""
    one = max(min(abs(x - y) for y in b) for x in a)
    return max(one, max(min(abs(x - y) for y in a) for x in b))
