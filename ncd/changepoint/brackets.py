"""Growing prefixes of a text, compressed: between which two of them a place lies, in ever smaller steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.changepoint.bytestream import Strip, checked_strip, framing, stripped, too_much
from ncd.changepoint.units import Units
from ncd.compressors.base import Compressor

__all__ = ["Growing", "Step"]


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """
    One size of step: the prefixes that were compressed, and the two between which the place lies.

    Attributes
    ----------
    size : int
        Units by which the prefix grows.
    prefixes : ndarray of int64, shape (m,)
        Ends of the prefixes in units, ascending.
    offsets : ndarray of int64, shape (m,)
        The same in bytes of the text.
    lengths : ndarray of float64, shape (m,)
        Code lengths of the prefixes in bytes, without what was stripped.
    units, text : (int, int)
        The bracket, in units and in bytes of the text.
    stream : (float, float)
        The bracket in the stream: code lengths of the two prefixes.
    """

    size: int
    prefixes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.float64]
    units: tuple[int, int]
    text: tuple[int, int]
    stream: tuple[float, float]

    def __repr__(self) -> str:
        (a, b), (low, high) = self.text, self.stream
        return (
            f"<Step of {self.size:,} units, {len(self.prefixes):,} prefixes: bytes {a:,} to {b:,} of the text, "
            f"{low:,.0f} to {high:,.0f} of the stream>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers."""
        return {
            "size": self.size,
            "prefixes": self.prefixes.tolist(),
            "offsets": self.offsets.tolist(),
            "lengths": self.lengths.tolist(),
            "units": list(self.units),
            "text": list(self.text),
            "stream": list(self.stream),
        }


class Growing:
    """The prefixes of a text under one compressor, measured as streams of their own; offsets count from `begin`."""

    def __init__(self, units: Units, coder: Compressor, strip: Strip, *, streamed: bool, begin: int = 0) -> None:
        self.units, self.coder, self.begin = units, coder, begin
        models = coder.unit == "bits"  # code lengths of models have no framing
        if not streamed:
            taken = checked_strip(strip) or (coder.header, coder.trailer)
            whole = 0 if models else int(coder.length(units.text))
            if not models and sum(taken) > whole:
                raise too_much(taken, coder, whole)
            self._less = 0.0 if models else float(sum(taken))
            return
        stream = coder.compress(units.text)
        taken = stripped(stream, strip, coder)
        self.size = len(stream) - sum(taken)
        self._less = float(sum(taken) - (sum(framing(stream, coder)) if models else 0))

    def lengths(self, prefixes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Bytes of the streams of prefixes that end with these units."""
        return self._without_framing(self.coder.prefix_lengths(self.units.text, self.units.offsets[prefixes]))

    def length_of(self, offset: int) -> float:
        """Bytes of the stream of so many bytes of the text."""
        return float(self._without_framing(np.asarray(self.coder.length(self.units.text[:offset]))))

    def _without_framing(self, found: NDArray[Any]) -> NDArray[np.float64]:
        """Code lengths in bytes, less what is stripped."""
        return np.maximum(found / (8 if self.coder.unit == "bits" else 1) - self._less, 0.0)

    def step(self, size: int, inside: tuple[int, int], *, position: int | None, offset: int | None) -> Step:
        """The two prefixes of a step between which a position of the stream, or an offset of the text, lies."""
        low, high = inside
        prefixes = np.append(np.arange(low, high, size), high)
        offsets, lengths = self.units.offsets[prefixes], self.lengths(prefixes)
        if offset is not None:
            at = int(np.searchsorted(offsets, offset, "right")) - 1
        else:  # before the first prefix beyond the position: lengths are not quite monotone
            beyond = np.flatnonzero(lengths > (position or 0))
            at = int(beyond[0]) - 1 if len(beyond) else len(prefixes)
        at = min(max(at, 0), len(prefixes) - 2)
        a, b = prefixes[at : at + 2].tolist()
        offsets = offsets + self.begin
        text = (int(offsets[at]), int(offsets[at + 1]))
        stream = (float(lengths[at]), float(lengths[at + 1]))
        return Step(size, prefixes, offsets, lengths, (a, b), text, stream)

    def steps(self, sizes: Sequence[int], *, position: int | None = None, offset: int | None = None) -> list[Step]:
        """Every step inside the bracket of the one before."""
        inside, found = (0, len(self.units)), []
        for size in sizes:
            found.append(self.step(size, inside, position=position, offset=offset))
            inside = found[-1].units
        return found


def checked_steps(steps: Sequence[int]) -> list[int]:
    """Sizes of steps, each smaller than the one before."""
    if isinstance(steps, str) or not hasattr(steps, "__len__"):
        raise TypeError(f"steps is {steps!r}: give whole numbers, such as (100, 80, 50, 20, 10)")
    sizes = [whole_number(size, f"steps[{i}]", 1) for i, size in enumerate(steps)]
    if not sizes or any(b >= a for a, b in pairwise(sizes)):
        raise ValueError(f"steps is {steps!r}: give descending numbers, such as (100, 80, 50, 20, 10)")
    return sizes
