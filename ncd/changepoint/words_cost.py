"""Costs of segments from the words in them: Dirichlet codes of words or of runs of characters, and the one of U00."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ncd.arguments import whole_number
from ncd.changepoint.costs import Bits, SegmentCost
from ncd.changepoint.symbols import Symbols, char_symbols, spaceless_share, word_symbols
from ncd.changepoint.units import Units
from ncd.changepoint.word_codes import Code, CountCode, DirichletCode, evenness_weights

__all__ = ["CharCost", "U00Cost", "WordCost"]

_PRIOR, _PRIOR_LONG = 600.0, 1000.0
_LONG_WORDS, _LONG_RUNS = 100_000, 500_000
_SHARE = 0.4  # of each of two codes of the same words
_LONGEST, _WHOLE = 12, 64  # characters of a word: that make it weigh more; that are told apart


class _CodeCost(SegmentCost):
    """A weighed sum of codes."""

    #: What each code counts, and the codes, after `fit`.
    codes: Sequence[tuple[float, Code]]

    @abstractmethod
    def _codes(self, units: Units) -> Iterator[tuple[float, Code]]:
        """The codes of a text."""

    def fit(self, units: Units) -> Self:
        """
        Number the symbols of a text, and make the tables of the code.

        Parameters
        ----------
        units : Units

        Returns
        -------
        SegmentCost
            Itself.

        Raises
        ------
        ValueError
            If there is not a single symbol in the text.
        """
        self.codes = tuple(self._codes(units))
        return self

    def growing(self, start: int, stop: int) -> Bits:
        """Costs c(start, e) in bits for e = start + 1 ... stop."""
        return np.asarray(sum(share * code.growing(start, stop) for share, code in self.codes))

    def shrinking(self, start: int, stop: int) -> Bits:
        """Costs c(s, stop) in bits for s = start ... stop - 1."""
        return np.asarray(sum(share * code.shrinking(start, stop) for share, code in self.codes))

    def evaluate(self, starts: ArrayLike, ends: ArrayLike) -> Bits:
        """Costs of many segments, an array of the shape of `starts`; one pass for each different start."""
        starts, ends = np.asarray(starts), np.asarray(ends)
        result = np.empty(len(starts))
        order = np.lexsort((ends, starts))
        firsts = np.flatnonzero(np.diff(starts[order], prepend=-1)).tolist()
        for first, last in pairwise([*firsts, len(order)]):
            group = order[first:last]
            result[group] = sum(share * code.at(int(starts[group[0]]), ends[group]) for share, code in self.codes)
        return result

    def gains(self, start: int, stop: int) -> Bits:
        """Bits that one cut saves, for cuts at start + 1 ... stop - 1; two passes over the symbols."""
        left = self.growing(start, stop)
        return np.asarray(left[-1] - left[:-1] - self.shrinking(start, stop)[1:])

    def _some(self, symbols: Symbols) -> Symbols:
        """Symbols, of which there has to be one."""
        if not len(symbols.ids):
            raise ValueError(
                f"the text has no letters or digits, or too few: cost {self.name!r} sees nothing in it; choose a "
                "compressor, such as cost='ppm:3'"
            )
        return symbols


def _shown(cost: SegmentCost, **defaults: Any) -> str:
    """A cost as it is made, without what is by default."""
    given = (f"{key}={getattr(cost, key)!r}" for key, value in defaults.items() if getattr(cost, key) != value)
    return f"{type(cost).__name__}({', '.join(given)})"


def _checked_prior(prior: float | None) -> float | None:
    if prior is None or (isinstance(prior, int | float) and not isinstance(prior, bool) and 0 < prior < math.inf):
        return prior
    raise ValueError(f"prior is {prior!r}: give a number above 0, or None")


class WordCost(_CodeCost):
    r"""
    Code length of a segment's words under a Dirichlet prior that is the text's own distribution.

    Words are in lower case and cut to their first `prefix` characters: that stands in for a stemmer, of any language,
    and there is no stop list. With N words in the text, :math:`c_v` of them v, and :math:`n_v` in the segment,

    .. math::

        L(s, e) = \frac{1}{\ln 2} \Big[ \ln\Gamma(m + T) - \ln\Gamma(m)
                  - \sum_v \big(\ln\Gamma(a_v + w_v n_v) - \ln\Gamma(a_v)\big) \Big],
                  \qquad a_v = m\, c_v / N, \quad T = \sum_v w_v n_v .

    The weight :math:`w_v` of a word is near 1 if it comes in bursts and near 0 if it is spread evenly over the text
    (function words are): :math:`b_v = \mathrm{mean}(-\ln(g c_v / N)) - \gamma` over the gaps g between its places,
    :math:`z_v = b_v \sqrt{c_v - 1} / 1.28`, :math:`w_v = 1 / (1 + e^{-1.5 (z_v - 1)})`, and 1/2 for a word that comes
    once.

    Two such codes see a text a little differently, and their sum cuts better than each: the cost is
    :math:`c = 0.4 L + 0.4 L'`, where L' has words of one character more, whose weights are also multiplied by their
    length (up to 12 characters) over the mean length: long words say more of a subject. With ``single=True`` the cost
    is L alone. In texts of more than 100,000 words it is L with m = 1,000.

    With weights the numbers are no code length that a decoder could reach; differences between segmentations are what
    they are for.

    Parameters
    ----------
    prefix : int
        Characters of a word that count.
    prior : float, optional
        m, the words' worth of the prior. Default: N/4, at most 600; and 1,000 in texts of more than 100,000 words.
    weighted : bool
        Whether words are weighted; otherwise all count 1 (in L', their length over the mean).
    single : bool, optional
        Whether the cost is the first code alone. Default: in texts of more than 100,000 words.

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
    [0.1, 0.7, -0.0]
    """

    name = "words"

    def __init__(
        self,
        *,
        prefix: int = 5,
        prior: float | None = None,
        weighted: bool = True,
        single: bool | None = None,
    ) -> None:
        self.prefix, self.prior = whole_number(prefix, "prefix", 1), _checked_prior(prior)
        self.weighted, self.single = weighted, single

    def _codes(self, units: Units) -> Iterator[tuple[float, Code]]:
        symbols = self._some(word_symbols(units, self.prefix))
        long = len(symbols.ids) > _LONG_WORDS
        single = long if self.single is None else self.single
        prior = _prior(self.prior, symbols, long)
        weights = evenness_weights(symbols) if self.weighted else np.ones(symbols.kinds)
        yield 1.0 if single else _SHARE, DirichletCode(symbols, prior, weights)
        if not single:
            symbols = word_symbols(units, self.prefix + 1)
            lengths = np.minimum(symbols.lengths, _LONGEST)
            weights = evenness_weights(symbols) if self.weighted else np.ones(symbols.kinds)
            yield _SHARE, DirichletCode(symbols, prior, weights * lengths / lengths[symbols.ids].mean())

    def __repr__(self) -> str:
        return _shown(self, prefix=5, prior=None, weighted=True, single=None)


def _prior(given: float | None, symbols: Symbols, long: bool) -> float:
    """m of a text."""
    if given is not None:
        return given
    return _PRIOR_LONG if long else min(len(symbols.ids) / 4, _PRIOR)


class CharCost(_CodeCost):
    """
    The first code of `WordCost` over runs of characters in place of words: for scripts that write no spaces.

    A run begins at every character, so that neighbours say much the same: the bits are divided by 3 times the length
    of a run. (Measured on English, with runs of 4: the number of segments comes out right. It changes nothing where
    the number is given.)

    Parameters
    ----------
    size : int, optional
        Characters of a run. Default: 4, and 2 where most letters are Chinese or Japanese.
    prior : float, optional
        As of `WordCost`, counted in runs; texts of more than 500,000 runs are long.
    weighted : bool
        As of `WordCost`.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> cost = CharCost().fit(split_units("猫が好き。猫が鳴く。雨が降る。雨の日。", "sentences"))
    >>> int(cost.gains(0, 4).argmax()) + 1
    2
    """

    name = "chars"

    def __init__(self, *, size: int | None = None, prior: float | None = None, weighted: bool = True) -> None:
        self.size = None if size is None else whole_number(size, "size", 1)
        self.prior, self.weighted = _checked_prior(prior), weighted

    def _codes(self, units: Units) -> Iterator[tuple[float, Code]]:
        size = self.size if self.size is not None else 2 if spaceless_share(units)[0] > 0.5 else 4
        symbols = self._some(char_symbols(units, size))
        long = len(symbols.ids) > _LONG_RUNS
        weights = evenness_weights(symbols) if self.weighted else np.ones(symbols.kinds)
        yield 1 / (3 * size), DirichletCode(symbols, _prior(self.prior, symbols, long), weights)

    def __repr__(self) -> str:
        return _shown(self, size=None, prior=None, weighted=True)


class U00Cost(_CodeCost):
    r"""
    The cost of Utiyama and Isahara (2001), "U00": words of a segment under its own counts plus one.

    .. math:: c(s, e) = \sum_{v} n_v \log_2 \frac{n + k}{n_v + 1}

    with n words in the segment, :math:`n_v` of them v, and k different words in the text. They add log2 of the number
    of the text's words for each segment; as ``penalty="auto"`` of `TextSegmenter` that is what a cut costs. They also
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
        self.prefix = None if prefix is None else whole_number(prefix, "prefix", 1)

    def _codes(self, units: Units) -> Iterator[tuple[float, Code]]:
        yield 1.0, CountCode(self._some(word_symbols(units, self.prefix or _WHOLE)))

    @property
    def cut_bits(self) -> float:
        """What a segment more costs in the published method: log2 of the number of words."""
        return math.log2(len(self.codes[0][1].symbols.ids))

    def __repr__(self) -> str:
        return _shown(self, prefix=None)
