"""Cost of a segment by the vectors of its units: how far they lie together, in bits that the text itself calibrates."""

from __future__ import annotations

import copy
import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import seed, whole_number
from ncd.changepoint.costs import Bits, SegmentCost
from ncd.changepoint.dynamic import most_segments, table
from ncd.changepoint.gram import finite_matrix, of_length_one
from ncd.changepoint.search import number_bits
from ncd.changepoint.units import Units
from ncd.embed.base import Embedder, learned
from ncd.embed.units import shared_embedder, unit_texts, unit_vectors
from ncd.exceptions import EmptyTextError

__all__ = ["EmbeddingCost"]

Vectors = NDArray[np.float64]
_LARGEST = 150  # units of a text in random order
_LEAST_SHARE = 0.05  # of the variance, that segments are taken to have at least
_NOTHING = 1e-9  # of the variance, below which random orders save nothing
_AT_ONCE = 1 << 20  # numbers of an array in between


class EmbeddingCost(SegmentCost):
    r"""
    How far the vectors of a segment's units lie together, beyond what chance would have it.

    The vectors x of the text's N units are set to length one, and their mean is taken off. A segment of n units with
    the sum S of their vectors costs

    .. math::

        c(s, e) = \frac{1}{b} \, \frac{\tau^2}{\sigma^2 + n \tau^2} \,
                  \Big( \frac{n (N - n)}{N} v - |S|^2 \Big), \qquad v = \frac{1}{N - 1} \sum |x|^2 .

    In the brackets is what is missing from :math:`|S|^2` to its mean over all sets of n units of the text: the cost is
    calibrated by shuffling, as that of compressors in `CalibratedCost`, but all orders are averaged by a formula. The
    factor before is that of the code length of vectors :math:`m + u`, where u has variance :math:`\sigma^2` from unit
    to unit and the segment's m variance :math:`\tau^2` from segment to segment: :math:`\sigma^2` is half the mean
    square of the difference of neighbours, which seldom have a border between them (von Neumann 1941), and
    :math:`\tau^2 = v - \sigma^2`, or v/20 if that is more.

    b makes bits of it. In real texts the components of vectors are not independent, and sentences that are alike by
    chance are more frequent than in any Gaussian: with the b of the formula there would be far too many cuts. So random
    order says what a bit is. In a text in random order, with b = 1, the best segmentation into K segments saves
    :math:`g_K`; the largest :math:`g_K / \log_2 \binom{n + K - 2}{K - 1}`, over the bits that say where the segments
    are, is what has to be a bit so that such a text is just not cut. b is twice its mean over `shuffles` orders (the
    best penalty is about twice the least one: Birgé's and Massart's slope heuristic). That needs no labels. With the
    number of segments given, b has no part.

    Parameters
    ----------
    embedder : str or Embedder
        A name, as `ncd.embed.get_embedder` knows them, or an object. One that learns and has not (TF-IDF, word2vec
        without a file) learns from the units of each text that is fitted. Units without a letter or digit, and those in
        which the embedder knows nothing, stand at the mean of the others.
    n_components : int, optional
        Principal components of the text's vectors that are kept, as many as the vectors have numbers at most; default:
        all.
    shuffles : int
        Random orders for b, of the whole text or of 150 of its units.
    random_state : int
        Seed of the orders.

    Attributes
    ----------
    embedder : Embedder
    name : str
        ``embedding:`` and the embedder's name.
    vectors : ndarray of float64, shape (n_units, d)
        After `fit`: of length one, less their mean, reduced.
    bit : float
        b; infinite where random orders save nothing at all, as of equal vectors, and all costs are 0.

    See Also
    --------
    ncd.changepoint.gram.KernelCost : Any matrix of similarities; for a known number of segments.

    Notes
    -----
    n units take 8 n d bytes twice, and all n^2 costs n^2 d operations; encoding takes far longer in most cases. See
    `ncd.embed.Cached` for encodings that are kept on disk.

    References
    ----------
    J. von Neumann et al. (1941), The mean square successive difference, Annals of Mathematical Statistics 12.
    L. Birgé, P. Massart (2007), Minimal penalties for Gaussian model selection, Probability Theory and Related Fields
    138.
    S. Arlot, A. Celisse, Z. Harchaoui (2019), A kernel multiple change-point algorithm via model selection, JMLR 20
    (the cost without calibration, for tau much larger than sigma).

    Examples
    --------
    >>> from ncd.changepoint import TextSegmenter
    >>> text = "The cat sat. A cat ate. The cat slept. Rain fell. More rain came. Rain and wind."
    >>> TextSegmenter(EmbeddingCost("tfidf"), 2).fit_predict(text).cuts
    (3,)
    >>> TextSegmenter("embedding:minilm").fit_predict(text).cuts  # doctest: +SKIP
    (3,)
    """

    pace = 8.0

    def __init__(
        self,
        embedder: str | Any = "minilm",
        *,
        n_components: int | None = None,
        shuffles: int = 8,
        random_state: int = 0,
    ) -> None:
        self.embedder: Embedder | None = shared_embedder(embedder)
        self.name = f"embedding:{self.embedder.name}"
        self._given: Vectors = np.empty((0, 1))
        self._set(n_components, shuffles, random_state)

    def _set(self, n_components: int | None, shuffles: int, random_state: int) -> None:
        """Check and keep the parameters that all ways of making one share."""
        self.n_components = None if n_components is None else whole_number(n_components, "n_components", 1)
        self.shuffles, self.random_state = whole_number(shuffles, "shuffles", 1), seed(random_state)

    @classmethod
    def of_vectors(
        cls, vectors: ArrayLike, *, n_components: int | None = None, shuffles: int = 8, random_state: int = 0
    ) -> Self:
        """
        From a vector for each unit.

        Parameters
        ----------
        vectors : array_like of shape (n_units, d)
            A row of zeros stands for a unit that says nothing.
        n_components, shuffles, random_state
            As of the class.

        Raises
        ------
        TypeError, ValueError
            If they are no matrix of finite numbers.

        Examples
        --------
        >>> from ncd.changepoint import split_units
        >>> cost = EmbeddingCost.of_vectors([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
        >>> int(cost.fit(split_units("a b c d", "words")).gains(0, 4).argmax()) + 1
        2
        """
        cost = cls.__new__(cls)
        cost.embedder, cost.name = None, "embedding"
        cost._given = finite_matrix(vectors, "vectors")
        cost._set(n_components, shuffles, random_state)
        return cost

    def __repr__(self) -> str:
        source = f"vectors of {len(self._given)} units" if self.embedder is None else repr(self.embedder.name)
        reduced = "" if self.n_components is None else f", n_components={self.n_components}"
        return f"EmbeddingCost({source}{reduced})"

    def fit(self, units: Units) -> Self:
        """
        Encode the units of a text, and find what a bit is.

        Raises
        ------
        EmptyTextError
            If the embedder knows nothing in any unit.
        ValueError
            If there are not as many units as vectors were given, or `n_components` is more than a vector has numbers.
        """
        vectors = self._given if self.embedder is None else self._encoded(units, self.embedder)
        if len(vectors) != len(units):
            raise ValueError(f"vectors are {len(vectors)} and the text has {len(units)} units: give one row a unit")
        own = _reduced(_centred(of_length_one(vectors)), self.n_components)
        steps = float(np.sum(np.diff(own, axis=0) ** 2)) / 2
        whole = float(np.sum(own**2))
        between = max(whole - steps, _LEAST_SHARE * whole)
        self._prior = steps / between if between > 0 else 1.0
        self._have(own)
        self.bit = self._bit_by_chance()
        return self

    def _encoded(self, units: Units, embedder: Embedder) -> NDArray[Any]:
        """The vectors of the units; zeros for those that say nothing."""
        try:
            vectors = unit_vectors(learned(embedder, unit_texts(units[:])), units[:])
        except EmptyTextError:
            vectors = np.zeros((1, 1), np.float32)
        if not vectors.any():
            raise EmptyTextError(f"the text has no words that cost {self.name!r} knows: it sees nothing in it")
        return vectors

    def _have(self, vectors: Vectors) -> None:
        """Have vectors whose sum is zero; a bit is 1 then."""
        self.vectors, self.bit = vectors, 1.0
        self._variance = float(np.sum(vectors**2)) / max(len(vectors) - 1, 1)
        self._sums = np.zeros((len(vectors) + 1, vectors.shape[1]))
        np.cumsum(vectors, axis=0, out=self._sums[1:])

    def _bit_by_chance(self) -> float:
        """Twice what random orders save for a bit that says where their segments are."""
        n = min(len(self.vectors), _LARGEST)
        if n < 3:
            return math.inf
        rng, most = np.random.default_rng(self.random_state), most_segments(n)
        shuffled = copy.copy(self)
        shuffled.units = Units(b" " * n, "bytes", np.arange(n + 1))
        bits = number_bits(n)(np.arange(2, most + 1)) - math.log2(n)
        chance = 0.0
        for _ in range(self.shuffles):
            shuffled._have(_centred(self.vectors[rng.permutation(len(self.vectors))[:n]]))
            best, _back = table(shuffled, np.arange(n + 1), most + 1, np.zeros(most + 1), 1, n)
            chance += float(((best[-1, 1] - best[-1, 2:]) / bits).max(initial=0.0)) / self.shuffles
        return 2.0 * chance if chance > _NOTHING * self._variance else math.inf

    def growing(self, start: int, stop: int) -> Bits:
        """Costs c(start, e) in bits for e = start + 1 ... stop."""
        ends = np.arange(start + 1, stop + 1)
        return self._costs(np.full(len(ends), start), ends)

    def evaluate(self, starts: ArrayLike, ends: ArrayLike) -> Bits:
        """Costs of many segments, an array of the shape of `starts`."""
        return self._costs(np.asarray(starts), np.asarray(ends))

    def _costs(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Bits:
        """Costs of segments, so many at once that memory stays small."""
        squares = np.empty(len(starts))
        step = max(1, _AT_ONCE // self.vectors.shape[1])
        for first in range(0, len(starts), step):
            part = slice(first, first + step)
            sums = self._sums[ends[part]] - self._sums[starts[part]]
            squares[part] = np.einsum("ij,ij->i", sums, sums)
        n, sizes = len(self.vectors), (ends - starts).astype(np.float64)
        return np.asarray((sizes * (n - sizes) / n * self._variance - squares) / (self._prior + sizes) / self.bit)


def _centred(vectors: Vectors) -> Vectors:
    """Vectors less the mean of those that are not zero, which stay zero; their sum is zero."""
    says = vectors.any(axis=1)
    result = np.zeros_like(vectors)
    if says.any():
        result[says] = vectors[says] - vectors[says].mean(axis=0)
    return result


def _reduced(vectors: Vectors, n_components: int | None) -> Vectors:
    """The first principal components."""
    d = vectors.shape[1]
    if n_components is not None and n_components > d:
        raise ValueError(f"n_components is {n_components}, and the vectors have {d:,} numbers: choose from 1 to {d:,}")
    if n_components is None or n_components == d:
        return vectors
    return vectors @ np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1][:, :n_components]
