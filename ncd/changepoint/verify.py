"""Is there a change at a place of a text: the bracket of growing prefixes, and evidence that can speak against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ncd.arguments import real_number, seed, whole_number
from ncd.changepoint.brackets import Growing, Step, checked_steps
from ncd.changepoint.bytestream import Strip, characters_of
from ncd.changepoint.drift import checked_alpha
from ncd.changepoint.evidence import FEWEST, Agreement, Gain, agreements, different_codes, gain_at, judged_by
from ncd.changepoint.sweeps import several_codes, short_units
from ncd.changepoint.units import Unit, split_units
from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text, as_bytes
from ncd.exceptions import EmptyTextError

__all__ = ["Verification", "verify"]

#: What a changepoint's position counts.
Counted = Literal["stream", "text"]

_TELLING = ("ppm", "gzip", "zlib", "deflate", "words")  # codes with a reference, by power


@dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """
    What growing prefixes, shuffles and other codes say of a changepoint.

    Attributes
    ----------
    compressor : str
    unit : {"words", "chars", "bytes", "sentences", "lines"}
        By what prefixes grow.
    position : float
        Position in the stream: as given, or the code length of the text before the cut.
    counted : {"stream", "text"}
        What the changepoint was given in.
    within : (int, int)
        Bytes of the text that were looked at.
    steps : tuple of Step
        For each size of step the prefixes, their code lengths, and the bracket.
    cut, character : int
        Where the text is cut, in bytes and in characters: as given, or the beginning of the unit whose prefix reaches
        the position.
    gains : tuple of Gain
        Of the cut, by the compressor and by every other code, beyond that of shuffles. Empty where the text is too
        short to be shuffled (fewer than 8 sentences or parts of such).
    agreements : tuple of Agreement
        Whether other codes, and the halves of the units, find the same cut.
    tolerance : float
        Distance that counts as the same, as a share of the text.
    alpha : float
        Level of `verified`.
    """

    compressor: str
    unit: str
    position: float
    counted: str
    within: tuple[int, int]
    steps: tuple[Step, ...]
    cut: int
    character: int
    gains: tuple[Gain, ...]
    agreements: tuple[Agreement, ...]
    tolerance: float
    alpha: float

    @property
    def bracket(self) -> tuple[int, int]:
        """Bytes of the text between which the last step has the position."""
        return self.steps[-1].text

    @property
    def stream_bracket(self) -> tuple[float, float]:
        """Code lengths of the last step's two prefixes."""
        return self.steps[-1].stream

    @property
    def gain(self) -> Gain | None:
        """The gain by the compressor itself; None where the text is too short."""
        return self.gains[0] if self.gains else None

    @property
    def p_value(self) -> float | None:
        """Reference p-value by the code that tells most: ppm:3, else zlib, else words; None where there is none."""
        known = {gain.code.partition(":")[0]: gain.p_value for gain in self.gains if gain.p_value is not None}
        return next((known[family] for family in _TELLING if family in known), None)

    @property
    def stable(self) -> bool:
        """
        Whether more than half of the codes and halves find the same cut.

        They also agree on the best cut of most texts without a change: what this tells is one place from another.
        """
        return sum(one.agrees for one in self.agreements) * 2 > len(self.agreements)

    @property
    def verified(self) -> bool:
        """Whether the cut is stable and its p-value at most `alpha`."""
        return self.stable and self.p_value is not None and self.p_value <= self.alpha

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers."""
        return {
            "compressor": self.compressor,
            "unit": self.unit,
            "position": self.position,
            "counted": self.counted,
            "within": list(self.within),
            "steps": [step.to_dict() for step in self.steps],
            "bracket": list(self.bracket),
            "stream_bracket": list(self.stream_bracket),
            "cut": self.cut,
            "character": self.character,
            "gains": [gain.to_dict() for gain in self.gains],
            "agreements": [one.to_dict() for one in self.agreements],
            "tolerance": self.tolerance,
            "alpha": self.alpha,
            "p_value": self.p_value,
            "stable": self.stable,
            "verified": self.verified,
        }

    def plot(self, ax: Any = None) -> Any:
        """Code length of the prefixes over the text, with position and bracket; returns the matplotlib Axes."""
        from ncd.changepoint.pictures import prefix_curve

        offsets = np.concatenate([step.offsets for step in self.steps])
        lengths = np.concatenate([step.lengths for step in self.steps])
        places, first = np.unique(offsets, return_index=True)
        return prefix_curve(places, lengths[first], position=self.position, bracket=self.bracket, ax=ax)

    def __repr__(self) -> str:
        """What it says, a line each."""
        begin, end = self.within
        lines = [
            f"<Verification by {self.compressor}: byte {self.cut:,} of the text ({begin:,} to {end:,}), "
            f"{self.position:,.0f} of the stream>"
        ]
        for step in self.steps:
            (a, b), (low, high) = step.text, step.stream
            lines.append(
                f"steps of {step.size:,} {self.unit}: {a:,} to {b:,} of the text, "
                f"{low:,.0f} to {high:,.0f} of the stream"
            )
        lines += [
            f"gain by {gain.code}: {gain.bits:,.0f} bits, shuffled {gain.shuffled:,.0f} (sd {gain.spread:.0f}): "
            f"{gain.excess:+,.0f}{_beside_drift(gain)}"
            for gain in self.gains
        ]
        lines += [
            f"best cut by {one.source}: {one.cut:,}, {one.distance:.0%} of the text away: "
            f"{'the same' if one.agrees else 'another'}"
            for one in self.agreements
        ]
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        """The last line: verified or not, and why."""
        if not self.gains:
            return "not verified: the text is too short to be judged"
        p = "no reference p-value" if self.p_value is None else f"reference p = {self.p_value:.2g}"
        places = f"the same cut by {sum(one.agrees for one in self.agreements)} of {len(self.agreements)}"
        return f"{'verified' if self.verified else 'not verified'} at {self.alpha:g}: {p}, {places}"


def _beside_drift(gain: Gain) -> str:
    """What a gain is worth beside those of texts without a change."""
    if gain.effect is None:
        return ", too near an end to be judged"
    return f", effect {gain.effect:.2f}" + ("" if gain.p_value is None else f" (reference p = {gain.p_value:.2g})")


def _part(within: tuple[int, int] | None, size: int) -> tuple[int, int]:
    """The part of a text that is looked at."""
    if within is None:
        return 0, size
    try:
        begin, end = within
    except (TypeError, ValueError):
        raise TypeError(f"within is {within!r}: give two bytes of the text") from None
    of = f"with a text of {size:,} bytes"
    return whole_number(begin, "within[0]", 0, size - 1, of=of), whole_number(end, "within[1]", begin + 1, size, of=of)


def verify(
    text: Text,
    changepoint: int,
    compressor: str | SupportsLength = "gzip",
    steps: Sequence[int] = (100, 80, 50, 20, 10),
    unit: Unit = "words",
    *,
    counted: Counted = "stream",
    within: tuple[int, int] | None = None,
    strip: Strip = (10, 15),
    codes: Sequence[str | SupportsLength] = ("zlib", "ppm:3", "words"),
    shuffles: int = 16,
    tolerance: float = 0.1,
    alpha: float = 0.05,
    random_state: int = 0,
) -> Verification:
    """
    Verify a changepoint of a text.

    The bracket. Prefixes of the text grow by ``steps[0]`` units; each is compressed, and the two neighbours are found
    between whose code lengths the position lies. Between these two, prefixes grow by ``steps[1]`` units, and so on.
    There always is such a bracket, whatever the position, as code lengths of prefixes grow: it says where in the text a
    position of the stream is, and nothing about a change.

    The evidence, which may speak against the changepoint: the bits that the cut saves by several codes, beyond what it
    saves in the same text with its sentences in random order; what that is worth beside ordinary texts without a
    change, whose order matters too (a reference p-value, see `text_change_test`); and whether the best cut of each
    code, and of every other unit of the text, is the same. A text with several changes has several good cuts: give with
    `within` the part from the changepoint before to the one after.

    Parameters
    ----------
    text : str, bytes-like or path
    changepoint : int
        A position in ``byte_stream(text, compressor, strip)``, as the estimators for sequences give it, or with
        ``counted="text"`` a byte of the text: the first one after the change.
    compressor : str or Compressor
        zlib, gzip, deflate and the context models compress only what each prefix adds; others every prefix. Those look
        at about 40 places of a cut, at equal distances and the one in question, and at fewer `shuffles`, 5 then, so
        that they compress 500 times at most: an answer in seconds for a short text, and a rougher one.
    steps : sequence of int
        Units by which prefixes grow, descending.
    unit : {"words", "chars", "bytes", "sentences", "lines"}
    counted : {"stream", "text"}
        What `changepoint` counts.
    within : (int, int), optional
        Look at this part of the text only, in bytes. Positions in the stream are those of this part's stream; places of
        the text are still counted from its beginning.
    strip : (int, int), "auto" or None
        Bytes taken off both ends of every stream; see `byte_stream`.
    codes : sequence of str or Compressor
        Other codes of the evidence; "words" is the code of words of `one_cut`. Empty: the compressor alone.
    shuffles : int
        Random orders of the sentences, at least 2.
    tolerance : float
        Cuts so far apart, as a share of the text, are the same.
    alpha : float
        Level of the reference p-value below which the change is `verified`.
    random_state : int
        Seed of these orders.

    Returns
    -------
    Verification

    Raises
    ------
    EmptyTextError
        If the text is empty.
    TypeError, ValueError
        If the changepoint is outside of the text or the stream, or `steps`, `unit` or another argument is none of the
        choices.

    Examples
    --------
    >>> import ncd.data
    >>> udhr = ncd.data.load_udhr()
    >>> english, finnish = (udhr.texts[udhr.labels.index(name)][:900] for name in ("English", "Finnish"))
    >>> found = verify(english + finnish, 900, counted="text")
    >>> found.bracket[0] <= 900 < found.bracket[1], found.verified
    (True, True)
    """
    if counted not in get_args(Counted):
        raise ValueError(f"counted is {counted!r}: choose from {', '.join(map(repr, get_args(Counted)))}")
    give = "give a share of the text, from 0 to 1"
    tolerance = real_number(tolerance, "tolerance", give, lambda share: 0 <= share <= 1)
    alpha, random_state, codes = checked_alpha(alpha), seed(random_state), several_codes(codes, "codes")
    shuffles, sizes, data = whole_number(shuffles, "shuffles", 2), checked_steps(steps), as_bytes(text, name="text")
    if not data:
        raise EmptyTextError("text is empty: there is no change in it")
    begin, end = _part(within, len(data))
    units = split_units(data[begin:end], unit)
    coder = get_compressor(compressor)
    growing = Growing(units, coder, strip, streamed=counted == "stream", begin=begin)
    if counted == "text":
        of = f"within bytes {begin:,} to {end:,} of the text"
        cut = whole_number(changepoint, "changepoint", begin + 1, end - 1, of=of) - begin
        found = growing.steps(sizes, offset=cut)
        position = growing.length_of(cut)
    else:
        size = growing.size
        position = whole_number(changepoint, "changepoint", 1, size - 1, of=f"with a stream of {size:,} bytes")
        found = growing.steps(sizes, position=position)
        last = growing.step(1, found[-1].units, position=position, offset=None)
        cut = int(units.offsets[min(max(last.units[0], 1), max(len(units) - 1, 0))])
    parts = short_units(units.text)
    gains: list[Gain] = []
    others: list[Agreement] = []
    if len(parts) >= FEWEST:
        judged = {code: judged_by(code, parts, cut, shuffles, random_state) for code in different_codes(coder, codes)}
        gains = [gain_at(code, one, cut) for code, one in judged.items()]
        others = agreements(
            parts, judged, cut, begin=begin, tolerance=tolerance, shuffles=shuffles, random_state=random_state
        )
    return Verification(
        compressor=coder.name,
        unit=unit,
        position=float(position),
        counted=counted,
        within=(begin, end),
        steps=tuple(found),
        cut=begin + cut,
        character=characters_of(data, begin + cut, begin + cut)[1],
        gains=tuple(gains),
        agreements=tuple(others),
        tolerance=tolerance,
        alpha=alpha,
    )
