"""Published ways to cut a text into segments, written from their papers: what ours is measured against."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint import U00Cost, best_segmentation, split_units
from ncd.changepoint.gram import KernelCost, gram_of, rank_transform

#: Takes the lines of a text and the number of segments (None: not known); gives the ends of the segments.
Segmenter = Callable[[Sequence[str], "int | None"], Sequence[int]]

_RANK = 11  # side of the squares in which C99 ranks similarities
_CUTOFF = 1.2  # standard deviations above the mean at which C99 stops
_SMOOTH = np.array([1, 2, 4, 8, 4, 2, 1])


@cache
def _stems() -> Callable[[Sequence[str]], list[str]]:
    """Porter's stemmer."""
    import snowballstemmer

    return snowballstemmer.stemmer("porter").stemWords


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return ENGLISH_STOP_WORDS


def content_stems(line: str) -> list[str]:
    """Stems of a line's words that are on no stop list."""
    words = re.findall(r"[a-z]+", line.lower())
    return [stem for stem in _stems()([word for word in words if word not in _stop_words()]) if stem]


def _vectors(lines: Sequence[str]) -> NDArray[np.float64]:
    """Counts of the content stems of every line."""
    tokens = [content_stems(line) for line in lines]
    number = {stem: i for i, stem in enumerate(dict.fromkeys(stem for line in tokens for stem in line))}
    counts = np.zeros((len(lines), max(len(number), 1)))
    for row, line in zip(counts, tokens, strict=True):
        np.add.at(row, [number[stem] for stem in line], 1)
    return counts


def say_nothing(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """One segment."""
    del number
    return [len(lines)]


def uniform(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """Segments of equal length."""
    assert number is not None
    return np.unique(np.rint(np.linspace(0, len(lines), number + 1)).astype(int))[1:].tolist()


def _kernel(lines: Sequence[str], number: int | None, rank: int | None) -> Sequence[int]:
    units = split_units("\n".join(lines), "lines")
    return best_segmentation(KernelCost(gram_of(_vectors(lines)), rank=rank).fit(units), number).bounds[1:]


def cosine(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """Kernel of the cosines of lines, dynamic programming: what ruptures' notebook on texts does."""
    return _kernel(lines, number, None)


def cosine_rank(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """The same with C99's ranks in the place of cosines."""
    return _kernel(lines, number, _RANK)


def c99(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """
    C99: ranks of cosines, divisive clustering by inside density.

    Where the number is not known it stops when the smoothed gain of a split falls below the mean and 1.2 standard
    deviations. F. Choi (2000), Advances in domain independent linear text segmentation, NAACL.
    """
    n = len(lines)
    sums = np.zeros((n + 1, n + 1))
    np.cumsum(np.cumsum(rank_transform(gram_of(_vectors(lines)), _RANK), 0), 1, out=sums[1:, 1:])

    def inside(a: Any, b: Any) -> Any:
        return sums[b, b] - sums[a, b] - sums[b, a] + sums[a, a]

    edges, order, densities = [0, n], [], []
    total, area = inside(0, n), float(n * n)
    densities.append(total / area)
    while len(edges) < (n + 1 if number is None else number + 1):
        best: tuple[float, int, float, float] = (-1.0, 0, 0.0, 0.0)
        for a, b in pairwise(edges):
            cuts = np.arange(a + 1, b)
            if len(cuts):
                sizes = area - (b - a) ** 2 + (cuts - a) ** 2 + (b - cuts) ** 2
                values = total - inside(a, b) + inside(a, cuts) + inside(cuts, b)
                at = int(np.argmax(values / sizes))
                best = max(best, (values[at] / sizes[at], int(cuts[at]), values[at], sizes[at]))
        _, cut, total, area = best
        edges = sorted([*edges, cut])
        order.append(cut)
        densities.append(total / area)
    if number is None:
        gains = np.convolve(np.diff(densities), _SMOOTH / _SMOOTH.sum(), "same")
        above = gains > gains.mean() + _CUTOFF * gains.std()
        first = int(above.argmax()) if above.any() else 0
        order = order[: first + int(np.argmin([*above[first:], False]))] if above.any() else []
    return [*sorted(order), n]


def u00(lines: Sequence[str], number: int | None) -> Sequence[int]:
    """U00 with stop list and stemmer, as published."""
    stems = [" ".join(content_stems(line)) or "·" for line in lines]
    cost = U00Cost().fit(split_units("\n".join(stems), "lines"))
    each = cost.cut_bits
    return best_segmentation(cost, number, penalty=lambda numbers: each * numbers).bounds[1:]


#: Those that use lists of words or a stemmer.
WITH_LISTS = frozenset({"cosine DP", "cosine + rank DP", "C99", "U00"})
PEERS: dict[str, Segmenter] = {
    "say nothing": say_nothing,
    "uniform": uniform,
    "cosine DP": cosine,
    "cosine + rank DP": cosine_rank,
    "C99": c99,
    "U00": u00,
}
#: Methods that cannot find the number of segments themselves.
NUMBER_GIVEN = frozenset({"uniform", "cosine DP", "cosine + rank DP"})
