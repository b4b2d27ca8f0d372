"""Costs of segments from the words in them: Dirichlet codes of words or of runs of characters, and the one of U00."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.costs import Bits, SegmentCost
from ncd.changepoint.symbols import Symbols, char_symbols, spaceless_share, word_symbols
from ncd.changepoint.units import Units

__all__ = ["CharCost", "U00Cost", "WordCost"]

_LN2 = math.log(2.0)
_EULER = 0.5772156649015329
_SPREAD = 1.28  # standard deviation of ln of an exponential variable
_PRIOR, _PRIOR_LONG = 600.0, 1000.0


class _SymbolCost(SegmentCost):
    """c(s, e) = total(mass of its symbols) - sum of increments, one for each time that a symbol comes."""

    units: Units
    _symbols: Symbols
    _base: NDArray[np.int64]
    _increments: NDArray[np.float64]
    _masses: NDArray[np.float64]  # of the symbols before each unit
    _counts: NDArray[np.int64]

    @abstractmethod
    def _total(self, mass: NDArray[np.float64]) -> Bits:
        """The part of the cost that depends on the mass alone, in bits."""

    def _prepare(
        self, symbols: Symbols, base: NDArray[np.int64], increments: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> None:
        """Keep the tables; `increments` are in bits."""
        if not len(symbols.ids):
            raise ValueError(
                f"the text has no letters or digits, or too few: cost {self.name!r} sees nothing in it; choose a "
                "compressor, such as cost='ppm:3'"
            )
        self._symbols, self._base, self._increments = symbols, base, increments
        mass = np.concatenate([[0.0], np.cumsum(weights[symbols.ids])])
        self._masses = mass[symbols.bounds]
        self._counts = np.zeros(symbols.kinds, np.int64)

    def _sums(self, first: int, step: int, many: int) -> Bits:
        """Increments of `many` units, beginning with `first`, up or down."""
        from ncd.kernels.segmentation import grow

        sums = np.empty(many)
        if many:
            held = self._symbols
            grow(held.ids, held.bounds, first, step, self._base, self._increments, self._counts, sums)
        return sums

    def growing(self, start: int, stop: int) -> Bits:
        """Costs c(start, e) in bits for e = start + 1 ... stop."""
        mass = self._masses[start + 1 : stop + 1] - self._masses[start]
        return self._total(mass) - self._sums(start, 1, stop - start)

    def shrinking(self, start: int, stop: int) -> Bits:
        """Costs c(s, stop) in bits for s = start ... stop - 1."""
        mass = self._masses[stop] - self._masses[start:stop]
        return self._total(mass) - self._sums(stop - 1, -1, stop - start)[::-1]

    def gains(self, start: int, stop: int) -> Bits:
        """Bits that one cut saves, for cuts at start + 1 ... stop - 1; two passes over the symbols."""
        left = self.growing(start, stop)
        return np.asarray(left[-1] - left[:-1] - self.shrinking(start, stop)[1:])


def _counted(symbols: Symbols) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each symbol comes, and where its table begins, if each has as many entries."""
    counts = np.bincount(symbols.ids, minlength=symbols.kinds)
    return counts, np.cumsum(counts) - counts


def _evenness_weights(symbols: Symbols, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """
    Weight of each symbol: near 1 where it comes in bursts, near 0 where it is spread evenly, 1/2 where it comes once.

    With N symbols in all and gaps g (in symbols) between the c times that one comes, b = mean of -ln(g c / N) minus
    Euler's constant is about 0 for a symbol that falls anywhere; z = b sqrt(c - 1) / 1.28, and the weight is
    1/(1 + e^(-1.5(z - 1))).
    """
    ids = symbols.ids
    order = np.argsort(ids, kind="stable")
    same = ids[order[1:]] == ids[order[:-1]]
    gaps, owners = np.diff(order)[same], ids[order[1:]][same]
    logs = np.bincount(owners, np.log(gaps * counts[owners] / len(ids)), symbols.kinds)
    many = np.maximum(counts - 1, 1)
    z = (-logs / many - _EULER) * np.sqrt(many) / _SPREAD
    return np.where(counts > 1, 1 / (1 + np.exp(-1.5 * (z - 1))), 0.5)


class _DirichletCost(_SymbolCost):
    """What costs of words and of runs of characters share; see `WordCost` for the formula."""

    _long: int  # symbols beyond which texts are long

    def __init__(self, *, prior: float | None = None, weighted: bool | None = None) -> None:
        if prior is not None and not (isinstance(prior, int | float) and 0 < prior < math.inf):
            raise ValueError(f"prior is {prior!r}: give a number above 0, or None")
        self.prior, self.weighted = prior, weighted

    @abstractmethod
    def _cut(self, units: Units) -> Symbols:
        """The symbols of the units."""

    def fit(self, units: Units) -> Self:
        """Number the symbols of a text, and make the tables of the code; returns itself."""
        from scipy.special import gammaln

        symbols = self._cut(units)
        total = len(symbols.ids)
        counts, base = _counted(symbols)
        long = total > self._long
        prior = self.prior if self.prior is not None else _PRIOR_LONG if long else min(total / 4, _PRIOR)
        weighted = not long if self.weighted is None else self.weighted
        weights = _evenness_weights(symbols, counts) if weighted else np.ones(symbols.kinds)
        before = np.repeat(prior * counts / max(total, 1), counts)
        weight = np.repeat(weights, counts)
        times = np.arange(total) - np.repeat(base, counts)
        increments = (gammaln(before + (times + 1) * weight) - gammaln(before + times * weight)) / _LN2
        self.units, self.mass = units, prior
        self.weights = weights
        self._prepare(symbols, base, increments, weights)
        return self

    def _total(self, mass: NDArray[np.float64]) -> Bits:
        from scipy.special import gammaln

        return np.asarray((gammaln(self.mass + mass) - gammaln(self.mass)) / _LN2)

    def __repr__(self) -> str:
        given = {"prior": self.prior, "weighted": self.weighted}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items() if v is not None)})"


class WordCost(_DirichletCost):
    r"""
    Code length of a segment's words under a Dirichlet prior that is the text's own distribution.

    Words are in lower case and cut to their first `prefix` characters: that stands in for a stemmer, of any language,
    and there is no stop list. With N words in the text, :math:`c_v` of them v, and :math:`n_v` in the segment,

    .. math::

        c(s, e) = \frac{1}{\ln 2} \Big[ \ln\Gamma(m + T) - \ln\Gamma(m)
                  - \sum_v \big(\ln\Gamma(a_v + w_v n_v) - \ln\Gamma(a_v)\big) \Big],
                  \qquad a_v = m\, c_v / N, \quad T = \sum_v w_v n_v .

    The weight :math:`w_v` of a word is near 1 if it comes in bursts and near 0 if it is spread evenly over the text
    (function words are): :math:`b_v = \mathrm{mean}(-\ln(g c_v / N)) - \gamma` over the gaps g between its places,
    :math:`z_v = b_v \sqrt{c_v - 1} / 1.28`, :math:`w_v = 1 / (1 + e^{-1.5 (z_v - 1)})`, and 1/2 for a word that comes
    once. With weights the numbers are no code length that a decoder could reach; differences between segmentations are
    what they are for.

    Parameters
    ----------
    prefix : int
        Characters of a word that count.
    prior : float, optional
        m, the words' worth of the prior. Default: N/4, at most 600; and 1,000 in texts of more than 100,000 words.
    weighted : bool, optional
        Whether words are weighted. Default: unless the text has more than 100,000 words.

    Attributes
    ----------
    mass : float
        m, after `fit`.
    weights : ndarray of float64
        Of each symbol, after `fit`.

    See Also
    --------
    CharCost : for scripts without spaces.

    Notes
    -----
    One pass over the words gives the costs of all segments with one beginning: a word that comes for the j-th time in
    a segment adds a number from a table.

    References
    ----------
    M. Utiyama, H. Isahara (2001), A statistical model for domain-independent text segmentation, ACL.
    J. Eisenstein, R. Barzilay (2008), Bayesian unsupervised topic segmentation, EMNLP.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> cost = WordCost().fit(split_units("a cat\na cat sat\nthe rain\nrain", "lines"))
    >>> cost.gains(0, 4).round(1).tolist()
    [0.1, 0.9, 0.0]
    """

    name = "words"
    _long = 100_000

    def __init__(self, *, prefix: int = 5, prior: float | None = None, weighted: bool | None = None) -> None:
        super().__init__(prior=prior, weighted=weighted)
        if not isinstance(prefix, int) or prefix < 1:
            raise ValueError(f"prefix is {prefix!r}: give a number of characters, 1 or more")
        self.prefix = prefix

    def _cut(self, units: Units) -> Symbols:
        return word_symbols(units, self.prefix)


class CharCost(_DirichletCost):
    """
    The code of `WordCost` over runs of characters in place of words: for scripts that write no spaces.

    Parameters
    ----------
    size : int, optional
        Characters of a run. Default: 4, and 2 where most letters are Chinese or Japanese.
    prior : float, optional
        As of `WordCost`, counted in runs; texts of more than 500,000 runs are long.
    weighted : bool, optional
        As of `WordCost`.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> cost = CharCost().fit(split_units("猫が好き。猫が鳴く。雨が降る。雨の日。", "sentences"))
    >>> int(cost.gains(0, 4).argmax()) + 1
    2
    """

    name = "chars"
    _long = 500_000

    def __init__(self, *, size: int | None = None, prior: float | None = None, weighted: bool | None = None) -> None:
        super().__init__(prior=prior, weighted=weighted)
        if size is not None and (not isinstance(size, int) or size < 1):
            raise ValueError(f"size is {size!r}: give a number of characters, 1 or more, or None")
        self.size = size

    def _cut(self, units: Units) -> Symbols:
        size = self.size if self.size is not None else 2 if spaceless_share(units)[0] > 0.5 else 4
        return char_symbols(units, size)


class U00Cost(_SymbolCost):
    r"""
    The cost of Utiyama and Isahara (2001), "U00": words of a segment under its own counts plus one.

    .. math:: c(s, e) = \sum_{v} n_v \log_2 \frac{n + k}{n_v + 1}

    with n words in the segment, :math:`n_v` of them v, and k different words in the text. They add log2 of the number
    of the text's words for each segment; as `penalty="auto"` of `TextSegmenter` that is what a cut costs. They also
    take a stop list and a stemmer; here words are in lower case, whole unless `prefix` is given, and all count.

    Parameters
    ----------
    prefix : int, optional
        Characters of a word that count; default: all (the first 64).

    References
    ----------
    M. Utiyama, H. Isahara (2001), A statistical model for domain-independent text segmentation, ACL.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> cost = U00Cost().fit(split_units("a a\nb", "lines"))
    >>> cost.growing(0, 2).round(3).tolist()  # 2 log2(4/3); 2 log2(5/3) + log2(5/2)
    [0.83, 2.796]
    """

    name = "u00"

    def __init__(self, *, prefix: int | None = None) -> None:
        if prefix is not None and (not isinstance(prefix, int) or prefix < 1):
            raise ValueError(f"prefix is {prefix!r}: give a number of characters, 1 or more, or None")
        self.prefix = prefix

    def fit(self, units: Units) -> Self:
        """Number the words of a text; returns itself."""
        symbols = word_symbols(units, self.prefix or 64)
        most = int(np.bincount(symbols.ids, minlength=1).max())
        times = np.arange(most + 1)
        increments = np.diff(times * np.log2(times + 1))
        self.units = units
        self._prepare(symbols, np.zeros(symbols.kinds, np.int64), increments, np.ones(symbols.kinds))
        return self

    @property
    def cut_bits(self) -> float:
        """What a segment more costs in the published method: log2 of the number of words."""
        return math.log2(len(self._symbols.ids))

    def _total(self, mass: NDArray[np.float64]) -> Bits:
        return np.asarray(mass * np.log2(mass + self._symbols.kinds))

    def __repr__(self) -> str:
        return "U00Cost()" if self.prefix is None else f"U00Cost(prefix={self.prefix})"
