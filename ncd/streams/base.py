"""What a detector watches: units of a stream, and signals of them that are large where the stream has changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["State", "StreamSignals", "TextUnits", "Units"]

#: What `ncd.streams.checkpoint` can write: strings, numbers, None, arrays, and lists and dicts (keys: str) of these.
State = dict[str, Any]


@dataclass(frozen=True)
class TextUnits:
    """
    Units of text in one buffer, so that thousands of short lines need no objects of their own.

    Attributes
    ----------
    data : numpy.ndarray of uint8, (n_bytes,)
    starts, ends : numpy.ndarray of int64, (n_units,)
        The unit i is ``data[starts[i]:ends[i]]``.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, units: Sequence[bytes]) -> TextUnits:
        """The units one after another."""
        ends = np.cumsum([len(unit) for unit in units], dtype=np.int64) if units else np.zeros(0, np.int64)
        data = np.frombuffer(b"".join(units), np.uint8)
        return cls(data, np.concatenate([np.zeros(1, np.int64), ends[:-1]])[: len(ends)], ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, part: slice) -> TextUnits:
        """Some of the units, without a copy."""
        return TextUnits(self.data, self.starts[part], self.ends[part])

    def __iter__(self) -> Iterator[bytes]:
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield self.data[start:end].tobytes()


#: Units of text, or of numbers and vectors: an array (n_units, dimension) of float64.
Units = TextUnits | NDArray[np.float64]


class StreamSignals(ABC):
    """
    Numbers that say how little a unit of a stream is like a frozen reference: one column a signal, large for a change.

    A signal of a unit depends on the unit, on the reference, and on the newest units before it (the window); never on
    later ones. Large values count as signs of change, small ones never do: what can change both ways has two signals.

    Attributes
    ----------
    names : tuple of str
        Of the signals.
    weights : tuple of float
        Their shares of the statistic; they sum to one.
    bets : tuple of float
        By how many standard deviations a change may move them (`EDetector`).
    measured_in : str
        What `bits` counts: "bits", or a distance where there is no code.
    """

    names: ClassVar[tuple[str, ...]]
    weights: ClassVar[tuple[float, ...]]
    bets: ClassVar[tuple[float, ...]] = (0.5, 1.0, 1.5, 2.0)
    measured_in: ClassVar[str] = "bits"

    @abstractmethod
    def learn(self, units: Units) -> NDArray[np.float64]:
        """
        Take the units as the reference, and give their own signals, each under what the others teach.

        The unit's own counts, those of the units in its window and of those within the gap are taken out of the
        reference while it is measured, so that it meets the reference as a new unit will. The first units, which have
        no full window before them, are left out of the result.

        Returns
        -------
        numpy.ndarray of float64, (n_used, n_signals)
            The last rows are those of the last units: afterwards the window holds the reference's newest units.
        """

    @abstractmethod
    def measure(self, units: Units) -> NDArray[np.float64]:
        """Signals of new units, (n_units, n_signals); the window moves on with each of them."""

    @abstractmethod
    def bits(self, units: Units) -> NDArray[np.float64]:
        """Bits of each unit under the reference alone, (n_units,): per byte of a text, per number of a vector."""

    @abstractmethod
    def state(self) -> State:
        """All that has been learned, and the window."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Be as the object was that gave this state; ValueError if it cannot be that."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of memory of what has been learned."""
