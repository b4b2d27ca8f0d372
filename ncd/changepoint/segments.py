"""What a segmentation of a text is: its segments, where they lie, and what each cut saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

from ncd.changepoint.units import Units
from ncd.visible import shown

__all__ = ["Segment", "Segmentation"]


@dataclass(frozen=True)
class Segment:
    """
    A piece of a text.

    Attributes
    ----------
    start, stop : int
        Its units, `stop` not included.
    byte_start, byte_stop : int
        Where it lies in the text, in bytes.
    char_start, char_stop : int
        The same in characters; a byte that is not UTF-8 counts as one.
    data : bytes
        The piece itself.
    score : float or None
        Gain in bits of the cut at its beginning: what it would cost to join it with the segment before. None for the
        first one.
    p_value : float or None
        Reference p-value of that cut within this segment and the one before; None where there is no reference, or too
        little text. On short segments it finds little: a large one does not speak against the cut.
    """

    start: int
    stop: int
    byte_start: int
    byte_stop: int
    char_start: int
    char_stop: int
    data: bytes
    score: float | None
    p_value: float | None

    @property
    def text(self) -> str:
        """The piece as characters; bytes that are not UTF-8 become U+FFFD."""
        return self.data.decode("utf-8", "replace")

    def opening(self, width: int = 40) -> str:
        """
        The first words on one line, at most `width` characters; control characters as escapes.

        Examples
        --------
        >>> Segment(0, 1, 0, 20, 0, 20, b"One two, three  four", None, None).opening(12)
        'One two, ...'
        """
        line = shown(" ".join(self.data[: 8 * width + 64].decode("utf-8", "replace").split()))
        if len(line) <= width:
            return line
        head = line[: width - 3]
        return f"{head.rsplit(' ', 1)[0] if ' ' in head else head[:-1]} ..."

    def __repr__(self) -> str:
        score = "" if self.score is None else f", {self.score:,.1f} bits"
        return f"<Segment: units {self.start}-{self.stop}, bytes {self.byte_start}-{self.byte_stop}{score}>"

    def to_dict(self) -> dict[str, Any]:
        """All but `data`, as JSON has it, with the first words under "opening"."""
        names = ("start", "stop", "byte_start", "byte_stop", "char_start", "char_stop", "score", "p_value")
        return {name: getattr(self, name) for name in names} | {"opening": self.opening()}


@dataclass(frozen=True, eq=False)
class Segmentation(Sequence[Segment]):
    """
    A text in segments: a sequence of `Segment`, and how they were found.

    Attributes
    ----------
    segments : tuple of Segment
    units : Units
        The text and the units it was cut into.
    cost : str
        Name of the cost.
    gain : float
        Bits that the cuts save in all, against one segment; before any penalty. Its sign says nothing.
    penalty : float
        Bits that were set against the gain for the number of segments and their places; 0 if the number was given.
    method : {"exact", "candidates"}
        How the search was made; see `TextSegmenter`.
    places : int
        Places of cuts that were searched; units less one, or the number of candidates in a long text.
    max_length : int or None
        Units that a segment has at most, if that was asked for.
    p_value : float or None
        Whether there is a change at all: the share of texts without one whose best cut has at least this effect
        (`text_change_test`). It refers to a table of such texts; None where there is none for the cost, for texts of
        more than 100,000 bytes, and where it was not asked for. It looks at one cut of the whole text: a text of many
        subjects has no cut that stands out, and may have a large one.
    """

    segments: tuple[Segment, ...]
    units: Units
    cost: str
    gain: float
    penalty: float
    method: str
    places: int
    max_length: int | None = None
    p_value: float | None = None

    def __len__(self) -> int:
        return len(self.segments)

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Segment, ...]: ...
    def __getitem__(self, index: int | slice) -> Segment | tuple[Segment, ...]:
        """A segment, or a tuple of some."""
        return self.segments[index]

    @property
    def bounds(self) -> tuple[int, ...]:
        """Units at which segments begin, and the number of units."""
        return (*(segment.start for segment in self.segments), len(self.units))

    @property
    def cuts(self) -> tuple[int, ...]:
        """Units at which segments begin, without the first."""
        return self.bounds[1:-1]

    def __repr__(self) -> str:
        """A table with one line a segment; of many segments the first and last ones."""
        asked = self.p_value is not None and len(self) <= 2  # with more segments one cut says little
        whole = f", reference p = {self.p_value:.2g}" if asked else ""
        segments = "1 segment" if len(self) == 1 else f"{len(self):,} segments"
        head = (
            f"<Segmentation: {segments} of {len(self.units):,} {self.units.unit}, cost {self.cost!r}, "
            f"{self.gain:,.1f} bits saved{whole}>"
        )
        shown = list(self.segments) if len(self) <= 30 else [*self.segments[:20], None, *self.segments[-5:]]
        rows = [("unit", "byte", "bits", "begins")]
        rows += [
            ("...", "", "", "")
            if s is None
            else (
                f"{s.start:,}",
                f"{s.byte_start:,}",
                "" if s.score is None else f"{s.score:,.1f}",
                s.opening(60),
            )
            for s in shown
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = ["  ".join([*(row[i].rjust(widths[i]) for i in range(3)), row[3]]).rstrip() for row in rows]
        return "\n".join([head, *lines])

    def to_dict(self) -> dict[str, Any]:
        """All but the text, as JSON has it."""
        return {
            "cost": self.cost,
            "unit": self.units.unit,
            "units": len(self.units),
            "bytes": len(self.units.text),
            "gain": self.gain,
            "penalty": self.penalty,
            "method": self.method,
            "places": self.places,
            "max_length": self.max_length,
            "p_value": self.p_value,
            "segments": [segment.to_dict() for segment in self.segments],
        }

    def plot(self, ax: Any = None) -> Any:
        """
        The segments as a ribbon over the text.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        from ncd.changepoint.pictures import ribbon

        names = [segment.opening(18) for segment in self.segments] if len(self) <= 12 else ()
        return ribbon([*(s.byte_start for s in self.segments), len(self.units.text)], names=names, ax=ax)
