"""What speaks for a cut of a text and what against it: its gain beyond that of shuffles, and whether others find it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.drift import effects_of, reference_p_value
from ncd.changepoint.drift_table import EFFECTS
from ncd.changepoint.sweeps import Null, null_of, sweep_of
from ncd.changepoint.units import Units
from ncd.compressors import get_compressor
from ncd.compressors.base import Compressor, SupportsLength
from ncd.compressors.deflate import Deflate

__all__ = ["FEWEST", "Agreement", "Gain", "Judged", "agreements", "different_codes", "gain_at", "judged_by"]

#: "words", or a compressor.
Code: TypeAlias = "str | Compressor"

_ALPHA = 0.2  # prior of the code of words, as in `one_cut`
FEWEST = 8  # units that a text is shuffled in
_PLACES = 40  # of a cut, and
_COMPRESSIONS = 500  # of a text and its shuffles, and
_BYTES = 2 * 10**7  # that a code compresses at most, where every prefix has to be compressed from its beginning
_FEWEST_SHUFFLES = 4
_EDGE = 0.1  # share of the text at each end where no other cut is looked for


@dataclass(frozen=True)
class Gain:
    """
    What a cut saves by one code.

    Attributes
    ----------
    code : str
        A compressor, or "words".
    bits : float
        Bits saved: [L(whole) + L'(whole)]/2 - L(before) - L'(after), L' being the code of the text read backwards, all
        without header and trailer. With an adaptive code it is negative for most cuts, as the second part has to be
        learned anew: its sign decides nothing.
    shuffled : float
        The mean of the same over the text's units in random order.
    spread : float
        Standard deviation over these orders.
    effect : float or None
        Of this cut as in `text_change_test`: `score`, whatever the length of the text. None within a tenth of the text
        from either end, where ordinary texts were not looked at.
    p_value : float or None
        Share of texts without a change of which the best cut has at least this effect: the reference p-value of
        `text_change_test`. For a cut that was not chosen as the best one it is too large rather than too small. None
        where the code has no reference.
    """

    code: str
    bits: float
    shuffled: float
    spread: float
    effect: float | None
    p_value: float | None

    @property
    def excess(self) -> float:
        """Bits beyond those of the random orders: what the order of the units makes the cut worth."""
        return self.bits - self.shuffled

    @property
    def score(self) -> float:
        """The same in standard deviations; 0 where the random orders do not differ."""
        return self.excess / self.spread if self.spread > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers."""
        return asdict(self) | {"excess": self.excess, "score": self.score}


@dataclass(frozen=True)
class Agreement:
    """
    Whether the best cut by another code, or of half of the text, is the same.

    Attributes
    ----------
    source : str
        A code, "odd units" or "even units".
    cut : int
        Byte of the text before which the second part begins.
    distance : float
        From the cut in question, as a share of the text.
    agrees : bool
        Whether that is within the tolerance.
    """

    source: str
    cut: int
    distance: float
    agrees: bool

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Judged:
    """A code's gains of all cuts between some units, and what they would be with the units in random order."""

    units: Units
    null: Null

    def best(self) -> int:
        """Byte at which the second part begins, away from both ends."""
        return int(self.units.offsets[_best(self.units, self.null.standardised)])


def judged_by(code: Code, units: Units, cut: int, shuffles: int, random_state: int) -> Judged:
    """Gains by a code; between fewer, larger units where it would have to compress too much."""
    incremental = isinstance(code, str) or type(code)._prefix_lengths is not Compressor._prefix_lengths
    if not incremental:
        places = min(_BYTES // (len(units.text) * (1 + shuffles)), _PLACES)
        units = _coarser(units, max(places, FEWEST), cut)
        shuffles = min(shuffles, max(_COMPRESSIONS // (2 * len(units)) - 1, _FEWEST_SHUFFLES))
    return Judged(units, null_of(units, sweep_of(units, code, _ALPHA), shuffles, random_state))


def _coarser(units: Units, most: int, cut: int) -> Units:
    """About so many units of equal size, if there are more; the end of a unit nearest to the cut remains one."""
    if len(units) <= most:
        return units
    inner = units.offsets[1:-1]
    wanted = len(units.text) * np.arange(1, most) / most
    kept = inner[np.abs(inner[None, :] - np.append(wanted, cut)[:, None]).argmin(axis=1)]
    return Units(units.text, units.unit, np.unique([0, *kept, len(units.text)]).astype(np.int64))


def different_codes(coder: Compressor, codes: Sequence[str | SupportsLength]) -> list[Code]:
    """The compressor, and the codes that are not the same in another frame (deflate, zlib and gzip)."""
    found: dict[object, Code] = {}
    for code in (coder, *("words" if code == "words" else get_compressor(code) for code in codes)):
        found.setdefault(_body(code), code)
    return list(found.values())


def _body(code: Code) -> object:
    """What is the same for codes that differ in their frames only."""
    return ("deflate", code.params["level"]) if isinstance(code, Deflate) else _name(code)


def _name(code: Code) -> str:
    """What a code is called."""
    return code if isinstance(code, str) else code.name


def gain_at(code: Code, judged: Judged, cut: int) -> Gain:
    """The gain at the end of a unit that is nearest to a byte."""
    units, null = judged.units, judged.null
    at = int(np.abs(units.offsets[1:-1] - cut).argmin())
    frame = 0 if isinstance(code, str) else 8 * code.overhead
    effect = float(effects_of(units, null)[at])
    inner = math.isfinite(effect)
    name = "zlib:9" if _body(code) == ("deflate", 9) else _name(code)  # the same in another frame
    known = inner and name in EFFECTS
    return Gain(
        code=_name(code),
        bits=float(null.gains[at]) + frame,
        shuffled=float(null.means[at]) + frame,
        spread=null.spread,
        effect=effect if inner else None,
        p_value=reference_p_value(effect, name) if known else None,
    )


def _best(units: Units, scores: NDArray[np.float64]) -> int:
    """The unit with which the second part begins, away from both ends."""
    places = units.offsets[1:-1] / len(units.text)
    inner = (places >= _EDGE) & (places <= 1 - _EDGE)
    return int(np.where(inner | ~inner.any(), scores, -np.inf).argmax()) + 1


def _every_other(units: Units, first: int) -> Units:
    """Every second unit of a text, as a text."""
    kept = units[first::2]
    return Units(b"".join(kept), units.unit, np.cumsum([0, *map(len, kept)]).astype(np.int64))


def agreements(
    units: Units,
    judged: dict[Code, Judged],
    cut: int,
    *,
    begin: int,
    tolerance: float,
    shuffles: int,
    random_state: int,
) -> list[Agreement]:
    """The best cut by every code, and of the even and the odd units by all codes together; bytes count from `begin`."""
    found = {_name(code): one.best() for code, one in judged.items()}
    for first, source in enumerate(("even units", "odd units")):
        half = _every_other(units, first)
        if len(half) > 1:
            here = int(np.searchsorted(units.offsets[first:-1:2], cut))
            near = int(half.offsets[here])  # the cut in the half
            every = [judged_by(code, half, near, shuffles, random_state) for code in judged]
            places = half.offsets[1:-1]
            scores = [np.interp(places, one.units.offsets[1:-1], one.null.standardised) for one in every]
            unit = 2 * _best(half, np.sum(scores, axis=0)) + first
            found[source] = int(units.offsets[unit])
    result = []
    for source, byte in found.items():
        distance = abs(byte - cut) / len(units.text)
        result.append(Agreement(source, begin + byte, distance, distance <= tolerance))
    return result
