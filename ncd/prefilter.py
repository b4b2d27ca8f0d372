"""Which pairs are worth compressing: joint code lengths estimated from the shingles that two texts share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines import chosen, workers
from ncd.pairs import Distances

__all__ = ["PREFILTERS", "Prefilter", "Shingles", "checked_candidates", "shingle_size"]

PREFILTERS = ("shingles",)

_USUAL_CANDIDATES, _CANDIDATES_A_NEIGHBOR = 100, 10

_BUCKETS_LOG = 22
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: its products differ most in their high bits
_BLOCK_BYTES = 1 << 20  # of text that is cut into shingles at once
_BLOCK_CELLS = 1 << 19  # of the matrix of estimates that are in memory at once
_SAMPLE_FIRSTS, _SAMPLE_SECONDS = 32, 8  # texts that are coded first in the sample of pairs, and partners of each
_LEAST_SLOPE = 1e-3  # so that shared shingles decide at least what lengths leave open
_USUAL_SLOPE = 0.25  # bytes for each unit of weight, where the sample has no shared shingle


def checked_candidates(prefilter: Any, candidates: Any, k: int, *, name: str = "k") -> int | None:
    """
    Number of candidates for k neighbours, or None without a prefilter.

    Parameters
    ----------
    prefilter : {None, "shingles"}
    candidates : int or None
        None: 100, or 10 k if that is more.
    k : int
    name : str
        What an error message calls k.

    Raises
    ------
    ValueError
        If `prefilter` is something else, `candidates` is no number or less than k, or is given without a prefilter.

    Examples
    --------
    >>> checked_candidates("shingles", None, 5), checked_candidates("shingles", 20, 5)
    (100, 20)
    """
    if prefilter is not None and prefilter not in PREFILTERS:
        raise ValueError(f"prefilter is {prefilter!r}: choose from None, {', '.join(map(repr, PREFILTERS))}")
    if prefilter is None:
        if candidates is not None:
            raise ValueError(f'candidates is {candidates!r} without a prefilter: leave it out or name one, "shingles"')
        return None
    if candidates is None:
        return max(_USUAL_CANDIDATES, _CANDIDATES_A_NEIGHBOR * k)
    if isinstance(candidates, bool) or not isinstance(candidates, int | np.integer):
        raise ValueError(f"candidates is {candidates!r}: give a whole number, or None for the default")
    if candidates < k:
        raise ValueError(f"candidates is {candidates} and {name} is {k}: give at least {k} candidates")
    return int(candidates)


def shingle_size(texts: Packed) -> int:
    """
    Bytes of a shingle: 3 where texts have less than 16 bytes on average, 4 below 256, else 5.

    Of sizes 2 to 6 these kept most of the exact neighbours on training parts of public data sets (see the guide):
    long texts share too many short shingles by chance, short texts too few long ones at all.
    """
    mean = texts.size(0, len(texts)) / len(texts)
    return 3 if mean < 16 else 4 if mean < 256 else 5


class Shingles:
    """
    An index of texts by their shingles, which are strings of a few bytes.

    A text has a shingle at each of its bytes; at its end zero bytes follow, so that texts shorter than a shingle have
    some too. The weight of a shingle s that is in df(s) of m texts is

        w(s) = sqrt(log(1 + m / df(s))),

    and the overlap of two texts is the sum of the weights of the different shingles that both have. Shingles are
    hashed into 2^22 buckets; those that fall together are counted as one, which can change what is estimated from an
    overlap, but no code length.

    Parameters
    ----------
    texts : Packed
        The texts to be found, m of them.
    """

    def __init__(self, texts: Packed) -> None:
        from ncd.kernels.overlap import invert

        self.size = shingle_size(texts)
        parts = [self._of(texts, top, bottom) for top, bottom in _runs(texts, 0, len(texts), len(texts))]
        counts = np.concatenate([count for count, _ in parts])
        buckets = np.concatenate([bucket for _, bucket in parts])
        frequency = np.bincount(buckets, minlength=1 << _BUCKETS_LOG)
        present = np.flatnonzero(frequency)
        self.weights = np.zeros(len(frequency), np.float32)
        self.weights[present] = np.sqrt(np.log1p(len(texts) / frequency[present]))
        self._count = len(texts)
        self._starts = np.zeros(len(frequency) + 1, np.int64)
        np.cumsum(frequency[:-1], out=self._starts[2:])
        self._owners = np.empty(len(buckets), np.int32)
        invert(np.cumsum(counts), buckets, self._starts, self._owners)

    def _of(self, texts: Packed, top: int, bottom: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """How many different shingles each of some texts has, and their buckets, text by text."""
        first, last = int(texts.offsets[top]), int(texts.offsets[bottom])
        parts = [
            self._keys(texts, top, bottom, start, min(start + _BLOCK_BYTES, last))
            for start in range(first, max(last, first + 1), _BLOCK_BYTES)
        ]
        keys = parts[0] if len(parts) == 1 else _different(np.concatenate(parts))  # several: of one long text
        counts = np.bincount((keys >> np.uint64(_BUCKETS_LOG)).astype(np.int64), minlength=bottom - top)
        return counts, (keys & np.uint64((1 << _BUCKETS_LOG) - 1)).astype(np.int32)

    def _keys(self, texts: Packed, top: int, bottom: int, start: int, stop: int) -> NDArray[np.uint64]:
        """The different shingles that start at some bytes, each a bucket after the number of its text."""
        data = texts.data[start : stop + self.size - 1].astype(np.uint64)
        codes = np.zeros(stop - start, np.uint64)
        for i in range(self.size):
            codes |= data[i : i + len(codes)] << np.uint64(8 * i)
        for left in range(1, self.size):  # the last shingles of a text end with zeros, not with the next text
            places = texts.offsets[top + 1 : bottom + 1] - left
            places = places[(places >= np.maximum(texts.offsets[top:bottom], start)) & (places < stop)]
            codes[places - start] &= np.uint64((1 << 8 * left) - 1)
        codes = codes * _MULTIPLIER >> np.uint64(64 - _BUCKETS_LOG)
        inside = np.diff(np.clip(texts.offsets[top : bottom + 1], start, stop))
        owners = np.repeat(np.arange(bottom - top, dtype=np.uint64), inside)
        return _different(owners << np.uint64(_BUCKETS_LOG) | codes)

    def overlaps(self, texts: Packed, top: int, bottom: int) -> NDArray[np.float32]:
        """Overlap of each of some texts with each of the index, shape (bottom - top, m)."""
        from ncd.kernels.overlap import add_overlaps

        counts, buckets = self._of(texts, top, bottom)
        result = np.zeros((bottom - top, self._count), np.float32)
        add_overlaps(np.cumsum(counts), buckets, self.weights, self._starts, self._owners, result)
        return result


class Prefilter:
    """
    Candidates for the nearest neighbours of texts, by their estimated distance.

    The joint code length of two texts is estimated from their overlap,

        L(xy) ~ L(x) + L(y) - a - b overlap(x, y),

    with a and b fitted to the true code lengths of 256 pairs of texts of Y; the metric then makes distances of the
    estimates as it does of code lengths. So candidates suit the metric, and texts that share nothing are ranked by
    their lengths. Nothing depends on which other texts are looked for.

    Parameters
    ----------
    distances : Distances
        With single code lengths.
    n_jobs : int or None
    """

    def __init__(self, distances: Distances, n_jobs: int | None) -> None:
        import joblib

        self.distances = distances
        self.jobs = min(workers.count(n_jobs), joblib.cpu_count())
        self.index = Shingles(distances.packed[1])
        self.constant, self.slope = self._line(n_jobs)

    def _line(self, n_jobs: int | None) -> tuple[float, float]:
        """What two texts save when they are coded together: a constant, and so much for each unit of overlap."""
        texts, lengths, job = self.distances.packed[1], self.distances.ly, self.distances.pairs.job
        draw = np.random.RandomState(0)  # whose numbers never change
        firsts = draw.permutation(len(texts))[:_SAMPLE_FIRSTS]
        seconds = (firsts[:, None] + draw.randint(1, len(texts), (len(firsts), _SAMPLE_SECONDS))) % len(texts)
        overlaps = [self.index.overlaps(texts, i, i + 1)[0, some] for i, some in zip(firsts, seconds, strict=True)]
        pair = np.repeat(firsts, _SAMPLE_SECONDS), seconds.ravel()
        rows, columns = pair[::-1] if job.order == "yx" else pair
        coded = chosen.lengths(job, texts, texts, rows, columns, n_jobs=n_jobs)
        joint, _ = self.distances.joint(lengths[rows], lengths[columns], coded, None)
        return fit_line(np.concatenate(overlaps).astype(np.float64), lengths[rows] + lengths[columns] - joint)

    def candidates(self, top: int, bottom: int, count: int) -> NDArray[np.int64]:
        """
        Texts of Y with the smallest estimated distance from some texts of X, equal ones in the order of Y.

        Parameters
        ----------
        top, bottom : int
            Which texts of X.
        count : int
            Candidates for each, fewer than there are texts of Y.

        Returns
        -------
        ndarray of int64, shape (bottom - top, count)
            Numbers of texts of Y, ascending; without Y never the text's own.
        """
        xs, ys = self.distances.packed
        most = max(1, _BLOCK_CELLS // len(ys))
        runs = list(_runs(xs, top, bottom, most))
        jobs = min(self.jobs, len(runs))
        if jobs == 1:
            return np.concatenate([self._best(count, run) for run in runs])
        with ThreadPoolExecutor(jobs) as pool:  # kernel and numpy let go of the interpreter lock
            return np.concatenate(list(pool.map(partial(self._best, count), runs)))

    def _best(self, count: int, run: tuple[int, int]) -> NDArray[np.int64]:
        """Candidates of a few texts of X."""
        return smallest(self._estimates(*run), count)

    def _estimates(self, top: int, bottom: int) -> NDArray[np.float64]:
        """Estimated distances, shape (bottom - top, m); without Y infinite for a text and itself."""
        distances = self.distances
        lx, ly = distances.lx[top:bottom, None], distances.ly[None, :]
        saved = self.constant + self.slope * self.index.overlaps(distances.packed[0], top, bottom)
        joint = lx + ly - saved
        with np.errstate(all="ignore"):  # a metric may be at a loss with an estimate
            values = distances.between(lx, ly, joint, joint, checked=False)
        most = np.finfo(np.float64).max  # so that a text itself comes after what has no distance
        values = np.where(values < most, values, most)
        if distances.pairs.own:
            values[np.arange(bottom - top), np.arange(top, bottom)] = np.inf
        return values


def fit_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """
    Constant and slope of a line through the means of the points left and right of the median (Wald 1940).

    Least squares would follow a single pair of nearly equal texts wherever it leads.
    """
    right = x > np.median(x)
    if not right.any():
        return float(y.mean() - _USUAL_SLOPE * x.mean()), _USUAL_SLOPE
    slope = (y[right].mean() - y[~right].mean()) / (x[right].mean() - x[~right].mean())
    slope = max(float(slope), _LEAST_SLOPE)
    return float(y.mean() - slope * x.mean()), slope


def smallest(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the smallest values of each row, ascending; of equal values the first ones."""
    limit = np.partition(values, count - 1, axis=1)[:, count - 1, None]
    taken = values <= limit
    for i in np.flatnonzero(np.count_nonzero(taken, axis=1) > count):
        equal = np.flatnonzero(values[i] == limit[i])
        taken[i, equal[count - np.count_nonzero(values[i] < limit[i]) :]] = False
    return np.nonzero(taken)[1].reshape(len(values), count)


def _different(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each key once, ascending; sorts in place, which is faster than numpy's own way with a table."""
    keys.sort()
    first = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys[first]


def _runs(texts: Packed, top: int, bottom: int, most: int) -> Iterator[tuple[int, int]]:
    """Texts top..bottom in runs of limited bytes and number."""
    while top < bottom:
        fit = int(np.searchsorted(texts.offsets, texts.offsets[top] + _BLOCK_BYTES, "right")) - 1
        stop = min(max(fit, top + 1), top + most, bottom)
        yield top, stop
        top = stop
