"""Reference p-values of a segmentation: of the text as a whole, and of each cut between its two neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncd.changepoint.drift import reference_p_value, text_change_test
from ncd.changepoint.sweeps import short_units
from ncd.changepoint.units import Units

__all__ = ["reference_of", "reference_p_values"]

_LONGEST = 100_000  # bytes of a text that is compared with the reference
_FEWEST = 8  # units of one
_REFERENCES = {"words": "words", "ppm:3": "ppm:3", "zlib:9": "zlib", "zlib": "zlib", "zlib+ppm:3+words": "ppm:3"}


def reference_of(cost: str) -> str | None:
    """The cost of the shipped reference that stands for a segmenter's cost; None where there is none."""
    return _REFERENCES.get(cost)


def reference_p_values(units: Units, bounds: Sequence[int], cost: str) -> tuple[float | None, list[float | None]]:
    """
    Reference p-value for a change anywhere in a text, and for each of its cuts.

    The share of texts without a change whose best cut has at least the effect of this text's best cut, or of this cut
    in the text of the two segments that it parts (see `ncd.changepoint.text_change_test`; units are its own). None
    where there is no reference for the cost, for texts above 100,000 bytes, and for fewer than 8 units.

    Parameters
    ----------
    units : Units
    bounds : sequence of int
        Units at which segments begin, and the number of units.
    cost : str
        Name of the segmenter's cost.

    Returns
    -------
    whole : float or None
    cuts : list of float or None
        One a cut.
    """
    reference = reference_of(cost)
    if reference is None or len(units.text) > _LONGEST:
        return None, [None] * (len(bounds) - 2)
    whole = _p_value(units.text, reference, None)
    cuts = []
    for i in range(1, len(bounds) - 1):
        begin, cut = units.offsets[bounds[i - 1]], units.offsets[bounds[i]]
        cuts.append(_p_value(units.between(bounds[i - 1], bounds[i + 1]), reference, int(cut - begin)))
    return whole, cuts


def _p_value(text: bytes, reference: str, byte: int | None) -> float | None:
    """Of the best cut, or of the one that is nearest to a byte."""
    units = short_units(text)
    if len(units) < _FEWEST:
        return None
    found = text_change_test(units, cost=reference)
    if byte is None:
        return found.p_value
    nearest = int(np.abs(units.offsets[1:-1] - byte).argmin())
    return reference_p_value(found.effects[nearest], reference)
