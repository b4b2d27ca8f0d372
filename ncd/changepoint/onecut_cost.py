"""The search for one cut in a short text as a cost of segments."""

from __future__ import annotations

from typing import Self

import numpy as np

from ncd.changepoint.costs import Bits, SegmentCost
from ncd.changepoint.onecut import one_cut
from ncd.changepoint.units import Units

__all__ = ["OneCutCost"]


class OneCutCost(SegmentCost):
    """
    What `one_cut` finds, in bits: for two segments of a short text, where each single code is often wrong.

    The gain of a cut is the mean over zlib, PPM and words of what it saves beyond the same cut of the shuffled text,
    the codes scaled so that their gains spread equally over the shuffles. The beginning of the text up to t costs minus
    that gain, and the rest nothing; other segments cannot be, so that there is one cut or none.

    Attributes
    ----------
    found : OneCut
        After `fit`.

    Examples
    --------
    >>> from ncd.changepoint import split_units
    >>> cost = OneCutCost().fit(split_units("one two three. " * 4 + "uno dos tres. " * 4, "words"))
    >>> int(cost.gains(0, len(cost.units)).argmax()) + 1
    12
    """

    name = "zlib+ppm:3+words"

    def fit(self, units: Units) -> Self:
        """Look for the cut; returns itself."""
        self.found = one_cut(units)
        spreads = [part.spread for part in self.found.parts.values() if part.standardised.any()]
        self._gains = self.found.scores * (np.mean(spreads) / len(spreads) if spreads else 0.0)
        return self

    def growing(self, start: int, stop: int) -> Bits:
        """Costs c(start, e) in bits for e = start + 1 ... stop; infinite for segments within the text."""
        n = len(self.units)
        costs = -np.append(self._gains, 0.0) if start == 0 else np.append(np.full(n - 1, np.inf), 0.0)
        return costs[start:stop]

    def __repr__(self) -> str:
        return "OneCutCost()"
