"""How far a segmentation is from the true one: Pk, WindowDiff, boundary similarity, covering, F1 and Hausdorff."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, whole_number

__all__ = ["boundary_f1", "boundary_similarity", "covering", "f1_score", "hausdorff", "pk", "window_diff"]

Positions = NDArray[np.int64]


def _segmentation(bounds: ArrayLike, name: str) -> Positions:
    """Bounds checked: whole numbers from 1 up to n, ascending."""
    given = np.asarray(bounds)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"{name} has shape {given.shape}: give the ends of its segments, [n] if there is but one")
    if not np.issubdtype(given.dtype, np.integer):
        raise TypeError(f"{name} holds {given.dtype}: give whole numbers")
    ends = given.astype(np.int64)
    if ends[0] < 1 or np.any(ends[1:] <= ends[:-1]):
        raise ValueError(f"{name} is {given.tolist()[:10]}: give ends of segments, ascending, from 1 to n")
    return ends


def _weights(sizes: ArrayLike, n: int) -> Positions:
    """Where the units begin, and the end, when a unit counts for as much as its size."""
    given = np.asarray(sizes)
    if given.shape != (n,):
        raise ValueError(f"sizes have shape {given.shape}: give one for each of the {n} units")
    if not np.issubdtype(given.dtype, np.integer):
        raise TypeError(f"sizes hold {given.dtype}: give whole numbers")
    if given.min() < 0 or not given.any():
        raise ValueError(f"sizes go from {given.min()} to {given.max()}: give none below 0, and one above")
    return np.concatenate([[0], np.cumsum(given, dtype=np.int64)])


def _pair(reference: ArrayLike, predicted: ArrayLike, sizes: ArrayLike | None) -> tuple[Positions, Positions, int]:
    """Inner boundaries of both, and the number of units."""
    a, b = _segmentation(reference, "reference"), _segmentation(predicted, "predicted")
    n = int(a[-1])
    if n != b[-1]:
        raise ValueError(f"reference ends with {n} and predicted with {b[-1]}: both end with the number of units")
    if sizes is None:
        return a[:-1], b[:-1], n
    weighed = _weights(sizes, n)
    n = int(weighed[-1])
    a, b = np.unique(weighed[a]), np.unique(weighed[b])
    return a[(a > 0) & (a < n)], b[(b > 0) & (b < n)], n


def _window(k: int | None, boundaries: int, n: int) -> int:
    """Size of the window: half the mean segment of the reference, as segeval rounds it."""
    if k is None:
        return max(2, round(Fraction(n, 2 * (boundaries + 1))))
    return whole_number(k, "k", 1, n - 1, of=f"with {n} units")


def _in_windows(boundaries: Positions, firsts: Positions, k: int) -> Positions:
    """Boundaries between unit i and unit i + k, for windows that begin at `firsts`."""
    return np.searchsorted(boundaries, firsts + k, "right") - np.searchsorted(boundaries, firsts, "right")


def _share_of_windows(a: Positions, b: Positions, n: int, k: int, *, only_whether: bool) -> float:
    """Share of windows with different numbers of boundaries in two segmentations, or where but one has any."""
    changes = np.concatenate([[0], a, b, a - k, b - k])  # windows in between have the same boundaries
    firsts = np.unique(changes[(changes >= 0) & (changes < n - k)])
    counts = [_in_windows(boundaries, firsts, k) for boundaries in (a, b)]
    if only_whether:
        counts = [np.minimum(count, 1) for count in counts]
    return int(np.diff(firsts, append=n - k)[counts[0] != counts[1]].sum()) / (n - k)


def pk(reference: ArrayLike, predicted: ArrayLike, k: int | None = None, *, sizes: ArrayLike | None = None) -> float:
    """
    Share of windows whose two ends are wrongly held to be of one segment, or of two.

    Pk = mean over i = 0 ... n - k - 1 of [(unit i and unit i + k are in one segment of the reference) differs from
    (they are in one segment of the prediction)]. 0 is best. Equals ``segeval.pk``.

    Parameters
    ----------
    reference, predicted : array_like of int
        Ends of the segments, ascending; the last is n, the number of units, as `predict` of ruptures returns them.
    k : int, optional
        Size of the window in units; default: half the mean segment of the reference, rounded to the nearest (halves to
        the even one), and at least 2, as in segeval.
    sizes : array_like of int, shape (n,), optional
        What each unit counts for, such as the words of a line: `k` and the windows are then counted in words, while
        boundaries stand between lines, as in published figures on Choi's documents.

    Returns
    -------
    float
        0 where no window fits (n up to 2), as in segeval.

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, are not ascending, or `k` is not below n.

    References
    ----------
    D. Beeferman, A. Berger, J. Lafferty, "Statistical models for text segmentation", Machine Learning 34 (1999).

    Examples
    --------
    >>> pk([5, 10], [8, 10]), pk([5, 10], [10])
    (0.5, 0.25)
    """
    a, b, n = _pair(reference, predicted, sizes)
    k = _window(k, len(a), n)
    if n <= k:
        return 0.0
    return _share_of_windows(a, b, n, k, only_whether=True)


def window_diff(
    reference: ArrayLike, predicted: ArrayLike, k: int | None = None, *, sizes: ArrayLike | None = None
) -> float:
    """
    Share of windows that do not hold as many boundaries in the prediction as in the reference.

    WindowDiff = mean over i = 0 ... n - k - 1 of [boundaries between unit i and unit i + k differ in number]. 0 is
    best; a prediction that cuts everywhere gets 1. Equals ``segeval.window_diff``.

    Parameters
    ----------
    reference, predicted : array_like of int
        Ends of the segments, ascending; the last is n, the number of units.
    k : int, optional
        Size of the window in units; default as in `pk`.
    sizes : array_like of int, shape (n,), optional
        What each unit counts for, as in `pk`.

    Returns
    -------
    float
        0 where no window fits (n up to 2).

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, are not ascending, or `k` is not below n.

    References
    ----------
    L. Pevzner, M. A. Hearst, "A critique and improvement of an evaluation metric for text segmentation",
    Computational Linguistics 28 (2002).

    Examples
    --------
    >>> window_diff([5, 10], [6, 10]), window_diff([5, 10], [4, 5, 10])
    (0.25, 0.25)
    """
    a, b, n = _pair(reference, predicted, sizes)
    k = _window(k, len(a), n)
    if n <= k:
        return 0.0
    return _share_of_windows(a, b, n, k, only_whether=False)


def _transposed(only_a: Positions, only_b: Positions, furthest: int) -> list[int]:
    """Distances over which boundaries of one are taken for the other's: nearest first, then from the left."""
    side = dict.fromkeys(only_a.tolist(), 0) | dict.fromkeys(only_b.tolist(), 1)
    places = sorted(side)
    distances: list[int] = []
    possible: Iterable[int] = range(1, furthest + 1)
    if furthest > len(only_a) * len(only_b):
        apart = np.unique(np.abs(np.subtract.outer(only_a, only_b)))
        possible = apart[apart <= furthest].tolist()
    for distance in possible:
        for place in places:
            other = place + distance
            if place in side and other in side and side[place] != side[other]:
                del side[place], side[other]
                distances.append(distance)
    return distances


def boundary_similarity(
    reference: ArrayLike, predicted: ArrayLike, *, n_t: int = 2, sizes: ArrayLike | None = None
) -> float:
    """
    Boundary similarity B: 1 minus the cost of the edits for each boundary that matches or is edited.

    B = 1 - (A + sum of d/n_t over transpositions) / (A + T + M): M boundaries match, T are near misses (d < `n_t`
    units away: transpositions), A are in one segmentation only. 1 is best. Equals ``segeval.boundary_similarity``.

    Parameters
    ----------
    reference, predicted : array_like of int
        Ends of the segments, ascending; the last is n, the number of units.
    n_t : int
        Boundaries fewer than `n_t` units apart are a near miss; 1 allows none.
    sizes : array_like of int, shape (n,), optional
        What each unit counts for, as in `pk`.

    Returns
    -------
    float
        1 where neither has a boundary.

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, are not ascending, or `n_t` is below 1.

    References
    ----------
    C. Fournier, "Evaluating text segmentation using boundary edit distance", ACL 2013.

    Examples
    --------
    >>> boundary_similarity([5, 10], [6, 10]), boundary_similarity([5, 10], [5, 7, 10])
    (0.5, 0.5)
    """
    n_t = whole_number(n_t, "n_t", 1)
    a, b, n = _pair(reference, predicted, sizes)
    matches = len(np.intersect1d(a, b, assume_unique=True))
    distances = _transposed(np.setdiff1d(a, b), np.setdiff1d(b, a), min(int(n_t), n) - 1)
    additions = len(a) + len(b) - 2 * (matches + len(distances))
    edited = additions + len(distances) + matches
    return 1 - (additions + sum(distances) / n_t) / edited if edited else 1.0


def _margin(margin: float) -> float:
    """A margin checked."""
    return real_number(margin, "margin", "give a number of units, 0 or more", lambda units: 0 <= units < math.inf)


def boundary_f1(
    reference: ArrayLike, predicted: ArrayLike, margin: float = 0, *, sizes: ArrayLike | None = None
) -> float:
    """
    F1 of boundaries, matched one to one within a margin.

    The most pairs (r, p) with abs(r - p) <= margin are formed, each boundary in one pair at most; precision = pairs /
    predicted boundaries, recall = pairs / true boundaries, F1 = 2 pairs / (predicted + true). Neither the beginning
    nor the end counts as a boundary.

    Parameters
    ----------
    reference, predicted : array_like of int
        Ends of the segments, ascending; the last is n, the number of units.
    margin : float
        Largest distance in units.
    sizes : array_like of int, shape (n,), optional
        What each unit counts for, as in `pk`.

    Returns
    -------
    float
        1 where neither has a boundary.

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, are not ascending, or `margin` is negative.

    Examples
    --------
    >>> boundary_f1([5, 10, 20], [6, 20]), boundary_f1([5, 10, 20], [6, 20], margin=1)
    (0.0, 0.6666666666666666)
    """
    _margin(margin)
    first, second, _ = _pair(reference, predicted, sizes)
    a, b = first.tolist(), second.tolist()
    if not a and not b:
        return 1.0
    i = j = pairs = 0
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= margin:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return 2 * pairs / (len(a) + len(b))


def _annotators(reference: ArrayLike | Sequence[ArrayLike]) -> list[Positions]:
    """One segmentation, or one from each annotator."""
    several = isinstance(reference, list | tuple) and len(reference) > 0 and np.ndim(reference[0]) > 0
    if not several:
        return [_segmentation(reference, "reference")]  # type: ignore[arg-type]
    return [_segmentation(one, f"reference {i}") for i, one in enumerate(reference)]  # type: ignore[arg-type]


def _against(
    reference: ArrayLike | Sequence[ArrayLike], predicted: ArrayLike
) -> tuple[list[Positions], Positions, int]:
    """Every annotator's segmentation and the predicted one, all with their end n."""
    annotators, found = _annotators(reference), _segmentation(predicted, "predicted")
    n = int(found[-1])
    for one in annotators:
        if one[-1] != n:
            raise ValueError(f"reference ends with {one[-1]} and predicted with {n}: both end with the number of units")
    return annotators, found, n


def _true_positives(true: set[int], predicted: list[int], margin: float) -> int:
    """True changepoints that take a predicted one, the nearest that is left, in the order of the set."""
    left = sorted(predicted)
    found = 0
    for place in true:
        after = bisect_left(left, place)
        near = [(abs(left[i] - place), i) for i in (after - 1, after) if 0 <= i < len(left)]
        distance, i = min(near, default=(math.inf, 0))
        if distance <= margin:
            del left[i]
            found += 1
    return found


def f1_score(reference: ArrayLike | Sequence[ArrayLike], predicted: ArrayLike, margin: float = 5) -> float:
    """
    F1 of changepoints within a margin, against one or several annotators, as in the Turing benchmark (TCPDBench).

    Precision P = TP(T*, X) / #X over the union T* of the annotators' changepoints; recall R = mean over annotators k
    of TP(T_k, X) / #T_k; F1 = 2 P R / (P + R). All sets hold the position 0. TP counts true changepoints with a
    predicted one within `margin`; each takes the nearest that is left (the earlier one of two). Where changepoints are
    closer than the margin the order may matter: it is that of the benchmark's own program (Python's order of the
    set). `boundary_f1` has neither the 0 nor an order.

    Parameters
    ----------
    reference : array_like of int, or list of such
        Ends of the segments, ascending; the last is n, the number of units. A list of lists holds one for each
        annotator.
    predicted : array_like of int
        As one of them.
    margin : float
        Largest distance in units.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, are not ascending, or `margin` is negative.

    References
    ----------
    G. J. J. van den Burg, C. K. I. Williams, "An evaluation of change point detection algorithms", arXiv:2003.06222.

    Examples
    --------
    >>> f1_score([50, 100], [53, 80, 100]), f1_score([[50, 100], [20, 50, 100]], [50, 100])
    (0.8, 0.9090909090909091)
    """
    _margin(margin)
    annotators, found, _ = _against(reference, predicted)
    ends = [0, *found[:-1].tolist()]
    true: list[set[int]] = []
    union: set[int] = set()
    for one in annotators:  # sets are made as in the benchmark's program, for the same order
        places = set(one[:-1].tolist())
        places.add(0)
        true.append(places)
    for places in true:
        for place in places:
            union.add(place)
    precision = _true_positives(union, ends, margin) / len(ends)
    recall = sum(_true_positives(places, ends, margin) / len(places) for places in true) / len(true)
    return 2 * precision * recall / (precision + recall)


def covering(reference: ArrayLike | Sequence[ArrayLike], predicted: ArrayLike) -> float:
    """
    Covering of the true segments by the predicted ones, averaged over annotators, as in the Turing benchmark.

    C = (1/n) sum over true segments S of #S max over predicted segments S' of #(S and S') / #(S or S'). 1 is best.

    Parameters
    ----------
    reference : array_like of int, or list of such
        Ends of the segments, ascending; the last is n, the number of units. A list of lists holds one for each
        annotator.
    predicted : array_like of int
        As one of them.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, or are not ascending.

    References
    ----------
    P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour detection and hierarchical image segmentation", PAMI 33
    (2011); G. J. J. van den Burg, C. K. I. Williams, arXiv:2003.06222.

    Examples
    --------
    >>> covering([5, 10], [10]), covering([[5, 10], [10]], [10])
    (0.5, 0.75)
    """
    annotators, found, n = _against(reference, predicted)
    starts = np.concatenate([[0], found[:-1]])
    return float(np.mean([_covered(one, starts, found) / n for one in annotators]))


def _covered(true: Positions, starts: Positions, ends: Positions) -> float:
    """Sum of every true segment's size times its best overlap."""
    total = 0.0
    start = 0
    for end in true.tolist():
        low, high = np.searchsorted(ends, start, "right"), np.searchsorted(starts, end, "left")
        a, b = starts[low:high], ends[low:high]
        shared = np.minimum(b, end) - np.maximum(a, start)
        total += (end - start) * float(np.max(shared / (np.maximum(b, end) - np.minimum(a, start))))
        start = end
    return total


def hausdorff(reference: ArrayLike, predicted: ArrayLike, *, sizes: ArrayLike | None = None) -> float:
    """
    Hausdorff distance: the largest distance of a boundary of one segmentation to the nearest of the other.

    Parameters
    ----------
    reference, predicted : array_like of int
        Ends of the segments, ascending; the last is n, the number of units, and is no boundary.
    sizes : array_like of int, shape (n,), optional
        What each unit counts for, as in `pk`.

    Returns
    -------
    float
        In units. 0 where neither has a boundary, infinite where only one has.

    Raises
    ------
    ValueError
        If the segmentations do not end with the same n, or are not ascending.

    Examples
    --------
    >>> hausdorff([5, 10, 20], [6, 20])
    4.0
    """
    a, b, _ = _pair(reference, predicted, sizes)
    if not len(a) or not len(b):
        return 0.0 if len(a) == len(b) else math.inf
    return float(max(_nearest(a, b).max(), _nearest(b, a).max()))


def _nearest(places: Positions, others: Positions) -> Positions:
    """Distance of every place to the nearest of the others."""
    after = np.searchsorted(others, places)
    left, right = others[np.maximum(after - 1, 0)], others[np.minimum(after, len(others) - 1)]
    return np.minimum(np.abs(places - left), np.abs(right - places))
