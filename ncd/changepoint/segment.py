"""Texts cut into segments by description length."""

from __future__ import annotations

import math
import numbers
import re
from itertools import pairwise
from typing import Self, get_args

import numpy as np

from ncd.changepoint.calibrated import CalibratedCost
from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.dynamic import Penalty
from ncd.changepoint.onecut_cost import OneCutCost
from ncd.changepoint.reference import reference_p_values
from ncd.changepoint.search import Found, best_segmentation, number_bits
from ncd.changepoint.segments import Segment, Segmentation
from ncd.changepoint.symbols import spaceless_share, word_symbols
from ncd.changepoint.units import Unit, Units, split_units
from ncd.changepoint.words_cost import CharCost, U00Cost, WordCost
from ncd.corpus import Text
from ncd.exceptions import EmptyTextError
from ncd.parameters import Parameters

__all__ = ["COSTS", "TextSegmenter", "get_cost"]

#: Names that `get_cost` knows beside those of compressors.
COSTS = ("auto", "words", "chars", "u00", "kernel", "embedding:NAME")

_SHORT = 500  # words of a text in which codes of words alone see little
_ALPHANUMERIC = re.compile(rb"[0-9A-Za-z]")
_SMALL = ("chars", "bytes")


def get_cost(cost: str | SegmentCost, units: Units, n_segments: int | None = None) -> SegmentCost:
    """
    The cost of a name, not fitted yet.

    Parameters
    ----------
    cost : str or SegmentCost
        "words", "chars", "u00", "kernel", "embedding:" and the name of an embedder, the name of a compressor, or
        "auto". An object is given back as it is. "auto" is "chars" where most letters are of scripts that write no
        spaces (Chinese, Japanese, Thai, Lao, Tibetan, Burmese, Khmer); for two segments of a text of fewer than 500
        words, `OneCutCost`; "ppm:3" where there is not a letter or digit; otherwise "words".
    units : Units
        Of the text, which "auto" looks at.
    n_segments : int, optional
        That are looked for, where "auto" looks at that.

    Returns
    -------
    SegmentCost

    Raises
    ------
    TypeError, ValueError
        If it is no cost; the message lists the choices.

    Examples
    --------
    >>> get_cost("auto", split_units("A text. Another one."))
    WordCost()
    """
    if isinstance(cost, SegmentCost):
        return cost
    if not isinstance(cost, str):
        raise TypeError(f"cost is {cost!r}: give a name or a SegmentCost object")
    if cost == "auto":
        if sum(spaceless_share(units)) > 0.5:
            return CharCost()
        if n_segments == 2 and len(word_symbols(units).ids) < _SHORT:
            return OneCutCost()
        if _ALPHANUMERIC.search(units.text) is None and not len(word_symbols(units).ids):
            cost = "ppm:3"
        else:
            return WordCost()
    made = {"words": WordCost, "chars": CharCost, "u00": U00Cost}.get(cost)
    if made is not None:
        return made()
    if cost == "kernel":
        from ncd.changepoint.gram import KernelCost

        return KernelCost()
    family, _, embedder = cost.partition(":")
    if family == "embedding":
        from ncd.changepoint.embedding_cost import EmbeddingCost

        if not embedder:
            raise ValueError(f"cost is {cost!r}: name an embedder, such as 'embedding:minilm' or 'embedding:tfidf'")
        return EmbeddingCost(embedder)
    from ncd.compressors import get_compressor

    try:
        compressor = get_compressor(cost)
    except ValueError as error:
        names = ", ".join(map(repr, COSTS))
        raise ValueError(f"cost is {cost!r}: choose from {names}, or a compressor ({error})") from None
    return CalibratedCost(compressor)


class TextSegmenter(Parameters):
    r"""
    Cuts a text where its subject (author, language, format) changes.

    The segmentation is the one with the least sum of costs c(s, e) of its segments. Where the number of segments is not
    known, K segments of n units pay ``penalty`` times log2 C(n + K - 2, K - 1) + log2 n bits, the length of a message
    that says how many there are and where they begin: that needs no labels. How finely real texts should be cut is a
    matter of taste that no text can tell; `penalty` above 1 gives fewer segments, below 1 more.

    Parameters
    ----------
    cost : str or SegmentCost
        - ``"words"``: `WordCost`, Dirichlet codes of words cut to five and six letters, for subjects;
        - ``"chars"``: `CharCost`, the same of runs of characters, for scripts without spaces;
        - ``"auto"``: "chars" for texts that are mostly in such scripts; for ``n_segments=2`` and fewer than 500 words
          the sum of zlib, PPM and words (`OneCutCost`), which finds one cut in a short text far more often; "ppm:3" for
          texts without a letter or digit (such as emoji); otherwise "words";
        - ``"u00"``: `U00Cost`;
        - ``"kernel"``: `ncd.changepoint.gram.KernelCost`, NCD of the units with each other; give `n_segments`;
        - ``"embedding:minilm"``, or another embedder's name: `ncd.changepoint.EmbeddingCost`, vectors of
          the units, for subjects that are told in ever different words;
        - a compressor's name, such as ``"ppm:3"`` or ``"zlib:9"``: its code length less that of the same number of
          bytes of the shuffled text, for anything in bytes; give `n_segments` where units are chars or bytes.
    n_segments : int, optional
        Number of segments; default: chosen with the penalty.
    penalty : "auto" or float
        What the bits of number and places are multiplied by, 0 or more. "auto" is 1. For "u00" they are the method's
        own, log2 of the number of words for each segment.
    unit : {"sentences", "lines", "words", "chars", "bytes"}
        What a segment consists of; see `split_units`.
    max_length : int, optional
        Units that a segment may have at most.
    p_values : bool
        Whether to compare texts of up to 100,000 bytes with those without a change, which takes far longer than the
        segmentation (0.1 s for 10,000 bytes). There are references for the costs "auto", "words", "ppm:3" and "zlib".

    Attributes
    ----------
    segmentation_ : Segmentation
        After `fit`.
    cost_ : SegmentCost
        Fitted to the text.

    Notes
    -----
    Up to 2,000 units the search is exact. Longer texts are cut at candidates, as `best_segmentation` describes;
    ``segmentation_.method`` and ``.places`` say what was done. Memory is bounded by that of the text's words and about
    100 MB.

    Scores are gains in bits. Every cut can save bits, so a positive score does not mean that there is a change:
    ``segmentation_.p_value`` says how often texts without one give as much. Those of the cuts are exploratory: each cut
    is the best of many, and neighbours were chosen together.

    References
    ----------
    M. Utiyama, H. Isahara (2001), A statistical model for domain-independent text segmentation, ACL.

    Examples
    --------
    >>> text = "The cat sat. A cat ate. The cat slept. Rain fell. More rain came. Rain and wind."
    >>> TextSegmenter("words", 2).fit_predict(text)
    <Segmentation: 2 segments of 6 sentences, cost 'words', 1.6 bits saved>
    unit  byte  bits  begins
       0     0        The cat sat. A cat ate. The cat slept.
       3    39   1.6  Rain fell. More rain came. Rain and wind.
    """

    segmentation_: Segmentation
    cost_: SegmentCost

    def __init__(
        self,
        cost: str | SegmentCost = "auto",
        n_segments: int | None = None,
        *,
        penalty: str | float = "auto",
        unit: Unit = "sentences",
        max_length: int | None = None,
        p_values: bool = True,
    ) -> None:
        self.cost, self.n_segments, self.penalty = cost, n_segments, penalty
        self.unit, self.max_length, self.p_values = unit, max_length, p_values

    # Not BaseEstimator's: importing scikit-learn takes longer than cutting a book.
    def fit(self, text: Text) -> Self:
        """
        Cut a text; returns itself.

        Parameters
        ----------
        text : str, bytes-like or path
            A `str` is taken as text, a `pathlib.Path` as a file. Bytes need not be UTF-8.

        Raises
        ------
        EmptyTextError
            If the text is empty.
        ValueError
            If it has one unit only or less units than segments are asked for, or if a parameter is out of range.
        """
        if self.unit not in get_args(Unit):
            raise ValueError(f"unit is {self.unit!r}: choose from {', '.join(map(repr, get_args(Unit)))}")
        penalty = self._checked_penalty()
        units = split_units(text, self.unit)
        self._check_size(units)
        cost = get_cost(self.cost, units, self.n_segments)
        if self.n_segments is None and self.penalty == "auto":
            self._check_number_can_be_found(cost)
        cost.fit(units)
        bits = _penalty_bits(cost, units, penalty)
        found = best_segmentation(cost, self.n_segments, penalty=bits, max_length=self.max_length)
        paid = float(bits(np.array([len(found.bounds) - 1]))[0]) if self.n_segments is None else 0.0
        self.cost_ = cost
        self.segmentation_ = _segmentation(cost, found, paid, self.max_length, self.p_values)
        return self

    def fit_predict(self, text: Text) -> Segmentation:
        """
        Cut a text.

        Parameters
        ----------
        text : str, bytes-like or path

        Returns
        -------
        Segmentation
        """
        return self.fit(text).segmentation_

    def _checked_penalty(self) -> float:
        value = self.penalty
        if isinstance(value, str) and value == "auto":
            return 1.0
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= float(value) < math.inf:
            raise ValueError(f'penalty is {value!r}: give "auto" or a number, 0 or more')
        return float(value)

    def _check_number_can_be_found(self, cost: SegmentCost) -> None:
        """Refuse costs with which the number of segments would mean nothing."""
        if cost.name == "kernel":
            raise ValueError("cost 'kernel' does not count in bits: give n_segments, or penalty as a number")
        if self.unit in _SMALL and (isinstance(cost, CalibratedCost) or cost.name.startswith("embedding")):
            raise ValueError(
                f"cost {cost.name!r} finds far too many segments of single {self.unit}: give n_segments, penalty as a "
                "number, or a larger unit"
            )

    def _check_size(self, units: Units) -> None:
        """Refuse texts that cannot be cut, and numbers that do not fit."""
        name, n = self.unit, len(units)
        if not n:
            raise EmptyTextError("the text is empty: there is nothing to cut")
        if n == 1:
            lines, words = (len(split_units(units.text, smaller)) for smaller in ("lines", "words"))
            raise ValueError(
                f"the text is one unit (unit={name!r}), which cannot be cut: choose a smaller unit; it has {lines:,} "
                f"lines and {words:,} words"
            )
        for key in ("n_segments", "max_length"):
            value = getattr(self, key)
            if value is None:
                continue
            if not isinstance(value, numbers.Integral) or isinstance(value, bool):
                raise TypeError(f"{key} is {value!r}: give a whole number or None")
            if value < 1:
                raise ValueError(f"{key} is {value}: give 1 or more")
        if self.n_segments is not None and self.n_segments > n:
            raise ValueError(
                f"n_segments is {self.n_segments}, but the text has {n} {name}: choose from 1 to {n}, or a smaller unit"
            )
        if self.max_length is not None and (self.n_segments or n) * self.max_length < n:
            raise ValueError(
                f"max_length is {self.max_length}: {self.n_segments} segments of at most so many {name} do not reach "
                f"the end of {n}"
            )


def _penalty_bits(cost: SegmentCost, units: Units, factor: float) -> Penalty:
    """Bits of a number of segments, times the factor."""
    if isinstance(cost, U00Cost):
        each = factor * cost.cut_bits
        return lambda numbers: np.asarray(each * numbers)
    bits = number_bits(len(units))
    return lambda numbers: np.asarray(factor * bits(numbers))


def _segmentation(cost: SegmentCost, found: Found, paid: float, max_length: int | None, p: bool) -> Segmentation:
    """The result, with what each cut saves."""
    units, bounds = cost.units, np.array(found.bounds)
    own = cost.evaluate(bounds[:-1], bounds[1:])
    joined = cost.evaluate(bounds[:-2], bounds[2:])
    whole = float(cost.evaluate(bounds[:1], bounds[-1:])[0])
    whole_p, p_values = (
        reference_p_values(units, found.bounds, cost.name) if p else (None, [None] * (len(found.bounds) - 2))
    )
    scores = [None, *(joined - own[:-1] - own[1:]).tolist()]
    data, characters = units.offsets, units.characters
    segments = tuple(
        Segment(
            start=int(a),
            stop=int(b),
            byte_start=int(data[a]),
            byte_stop=int(data[b]),
            char_start=int(characters[a]),
            char_stop=int(characters[b]),
            data=units.between(int(a), int(b)),
            score=score,
            p_value=p_value,
        )
        for (a, b), score, p_value in zip(pairwise(found.bounds), scores, [None, *p_values], strict=True)
    )
    return Segmentation(
        segments=segments,
        units=units,
        cost=cost.name,
        gain=whole - float(own.sum()),
        penalty=paid,
        method=found.method,
        places=found.places,
        max_length=max_length,
        p_value=whole_p,
    )
