"""A change of a stream, as it was found."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from ncd.streams.base import State
from ncd.streams.novel import NovelText
from ncd.tokens import decoded
from ncd.visible import shown

__all__ = ["StreamChange", "shown_unit"]

_SHOWN = 120  # characters of a unit


@dataclass(frozen=True)
class StreamChange:
    """
    An alarm: what was found, when it happened, and what is new.

    Units are counted from the stream's first one, which is 0.

    Attributes
    ----------
    unit : int
        At which the alarm was raised.
    start : int
        The first unit after the change, as estimated: the start with the largest share of the statistic.
    interval : tuple of int
        First and last possible start; the starts between them have 95 % of the statistic.
    statistic, threshold : float
        The statistic at the alarm, and what it had to reach.
    signal : str
        The signal with the largest share. Of text: "novelty" (costs more than the reference does, and the newest window
        saves bits) or "plainness" (costs less). Of numbers: "upward", "downward", "surprise" (far from the reference's
        mean, costs more), "plainness" (nearer to it). Of vectors: "novelty" (moves in the direction of the newest
        window), "surprise", "plainness"; of text with an embedder the same.
    bits_before, bits_after : float
        Mean bits per byte (of numbers: per number) of the reference's units, each without itself, and of the units
        since the estimated start, under the same reference. With an embedder, cosine distances to the nearest units of
        the reference.
    n_after : int
        How many of the units since the estimated start were at hand for `bits_after` and `novel`.
    novel : tuple of NovelText
        What costs most bits under the reference; empty for numbers.
    first : str or None
        The unit at which the change is estimated to start, as text, shortened.
    measured_in : str
        What `bits_before` and `bits_after` are: "bits", or "cosine distance".
    """

    unit: int
    start: int
    interval: tuple[int, int]
    statistic: float
    threshold: float
    signal: str
    bits_before: float
    bits_after: float
    n_after: int
    novel: tuple[NovelText, ...] = ()
    first: str | None = None
    measured_in: str = "bits"

    @property
    def delay(self) -> int:
        """Units from the estimated start to the alarm, both counted."""
        return self.unit - self.start + 1

    def to_dict(self) -> dict[str, Any]:
        """All attributes, for JSON."""
        return {**self._plain(), "novel": [piece.to_dict() for piece in self.novel]}

    def _plain(self) -> dict[str, Any]:
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "interval": list(self.interval)}

    def to_state(self) -> State:
        """The same for a checkpoint, from which `from_state` makes an equal change."""
        return {**self._plain(), "novel": [piece.to_state() for piece in self.novel]}

    @classmethod
    def from_state(cls, state: State) -> Self:
        """The change again."""
        novel = tuple(NovelText.from_state(piece) for piece in state["novel"])
        return cls(**{**state, "interval": tuple(state["interval"]), "novel": novel})

    def __str__(self) -> str:
        low, high = self.interval
        new = "; new: " + ", ".join(repr(piece.shown) for piece in self.novel[:5]) if self.novel else ""
        return (
            f"change at unit {self.start:,} ({low:,} to {high:,}), known at {self.unit:,}: "
            f"{self.bits_before:.2f} -> {self.bits_after:.2f} {self.measured_in}{new}"
        )


def shown_unit(unit: bytes) -> str:
    """A unit as a line of text, shortened."""
    text = decoded(unit[: 4 * _SHOWN + 4])
    return shown(text) if len(text) <= _SHOWN else shown(text[: _SHOWN - 1]) + "…"
