"""A stream of bytes cut into units as it arrives."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ncd.streams.base import State, TextUnits

__all__ = ["LONGEST_UNIT", "StreamUnit", "UnitSplitter"]

#: What a stream may be cut into; "items" are not cut: each is a unit as it is given.
StreamUnit = Literal["lines", "chars", "bytes", "items"]

#: Bytes of a unit at most: a line that never ends must not take all memory.
LONGEST_UNIT = 64 << 20

_NONE = TextUnits(np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))


class UnitSplitter:
    """
    Cuts what arrives into units; what is not whole yet waits for the rest.

    Parameters
    ----------
    unit : {"lines", "chars", "bytes"}
        A line ends with a line feed, which is not part of it, nor is a carriage return before it. Characters are those
        of UTF-8; a byte that no character can begin with counts to the character before.
    block : int
        Lines, characters or bytes of a unit.

    Examples
    --------
    >>> splitter = UnitSplitter("lines", 1)
    >>> list(splitter.split(b"one\\ntw")), list(splitter.split(b"o\\r\\n\\nthr")), list(splitter.finish())
    ([b'one'], [b'two', b''], [b'thr'])
    """

    def __init__(self, unit: StreamUnit, block: int = 1) -> None:
        if unit == "items" or unit not in get_args(StreamUnit):
            raise ValueError(f"unit is {unit!r}: choose from 'lines', 'chars', 'bytes'")
        self.unit, self.block = unit, block
        self._rest: list[bytes] = []

    @property
    def waiting(self) -> int:
        """Bytes that have arrived and belong to no unit yet."""
        return sum(map(len, self._rest))

    @property
    def is_within_line(self) -> bool:
        """Whether the last line that has arrived has no line feed yet."""
        last = next((piece for piece in reversed(self._rest) if piece), b"\n")
        return self.unit == "lines" and not last.endswith(b"\n")

    def split(self, data: bytes) -> TextUnits:
        """The units that are whole now."""
        if self.unit == "lines" and self.block == 1 and not self._rest and data.find(b"\n") == len(data) - 1 >= 0:
            return TextUnits.of([data[:-2] if data.endswith(b"\r\n") else data[:-1]])  # one line, as `update` gives it
        if self.unit == "lines" and b"\n" not in data:  # a long line arrives in many pieces: join them once
            self._rest.append(data)
            return self._cut_long()
        whole = b"".join([*self._rest, data])
        array = np.frombuffer(whole, np.uint8)
        if self.unit == "lines":
            stops = np.flatnonzero(array == 10)[self.block - 1 :: self.block]
            starts = np.concatenate([np.zeros(1, np.int64), stops[:-1] + 1])[: len(stops)]
            last = int(stops[-1]) + 1 if len(stops) else 0
            stops = _without_returns(array, starts, stops)
        else:
            places = np.flatnonzero((array & 0xC0) != 0x80) if self.unit == "chars" else None
            cuts = np.arange(0, len(array) + 1, self.block) if places is None else places[:: self.block]
            starts, stops = cuts[:-1], cuts[1:]
            if places is not None and len(starts):
                starts = starts.copy()
                starts[0] = 0  # bytes before the first character go with it
            last = int(stops[-1]) if len(stops) else 0
        self._rest = [whole[last:]] if last < len(whole) else []
        if not len(stops):
            return self._cut_long()
        return TextUnits(array, starts.astype(np.int64), stops.astype(np.int64))

    def finish(self) -> TextUnits:
        """What is left at the end of the stream: the last line, or none; a block that is not full is no unit."""
        rest, self._rest = b"".join(self._rest), []
        return TextUnits.of([rest.removesuffix(b"\r")]) if rest and self.unit == "lines" else _NONE

    def _cut_long(self) -> TextUnits:
        """Nothing, unless what waits is longer than any unit may be."""
        if self.waiting < LONGEST_UNIT:
            return _NONE
        warnings.warn(
            f"a unit of the stream has reached {LONGEST_UNIT:,} bytes without an end: it is taken as it is, and what "
            "follows as the next one",
            UserWarning,
            stacklevel=2,
        )
        rest, self._rest = b"".join(self._rest), []
        return TextUnits.of([rest])

    def state(self) -> State:
        """What waits."""
        return {"rest": np.frombuffer(b"".join(self._rest), np.uint8)}

    def restore(self, state: State) -> None:
        """Wait for the rest of what waited then."""
        self._rest = [state["rest"].tobytes()] if state["rest"].size else []


def _without_returns(
    array: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where lines end, without the carriage return before a line feed."""
    if not len(stops):
        return stops
    returns = (stops > starts) & (array[np.maximum(stops - 1, 0)] == 13)
    return stops - returns
