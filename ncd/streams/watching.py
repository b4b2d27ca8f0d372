"""Units of a stream, one after another: learned, judged, and learned again after a change."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncd.streams.base import State, StreamSignals, TextUnits, Units
from ncd.streams.change import StreamChange, shown_unit
from ncd.streams.edetector import EDetector
from ncd.streams.learning import Learned, learn, warn_of_dependence
from ncd.streams.masking import Mask, masked
from ncd.streams.novel import NovelText, novel_texts
from ncd.streams.observations import packed, unpacked
from ncd.streams.whitening import LEAST_ROWS

__all__ = ["Plan", "Watch"]

_KEPT = 100  # changes
_RECENT_BYTES = 4 << 20
_LEARNED = 1 << 16  # bytes of a unit
_BATCH = 8192  # units that are measured before the first of them is judged
_NUMBERS = ("n_units", "n_bytes", "n_changes", "is_learning", "times", "_first", "_more", "_pending_bytes")


@dataclass(frozen=True)
class Plan:
    """
    What a watch has to know.

    Attributes
    ----------
    is_text : bool
    mask : {"times", "digits", "nothing"}
        What of a unit of text is not looked at.
    signals : callable
        Makes signals that leave out so many bytes on both sides of a unit of the reference.
    gap : callable
        How many bytes that are for units of so many blocks, and the dependence of neighbours, if it was looked for.
    edetector : callable
        Makes, of the signals and the number of changes so far, what judges them.
    n_reference, n_reference_bytes : int
        Units and bytes of a reference that is learned from the stream, at least.
    n_enough : int
        Units that are enough, however few bytes they have.
    may_join : bool
        Whether blocks may be joined where they depend on each other.
    relearn : bool
        Whether a reference is learned after a change.
    """

    is_text: bool
    mask: Mask
    signals: Callable[[int], StreamSignals]
    gap: Callable[[TextUnits, int], tuple[int, float | None]]
    edetector: Callable[[StreamSignals, int], EDetector]
    n_reference: int
    n_reference_bytes: int
    n_enough: int
    may_join: bool
    relearn: bool


class Watch:
    """
    Takes units and finds changes.

    Of a unit longer than 65,536 bytes the first 65,536 are learned; all of it is measured. Of the units since a change
    the newest 4 MB are kept for the next reference, at least one unit.

    Attributes
    ----------
    n_units, n_bytes, n_changes : int
        So far.
    changes : deque of StreamChange
        The last 100.
    is_learning : bool
    learned : Learned or None
        The reference.
    times : int
        Blocks that make a unit.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.n_units = self.n_bytes = self.n_changes = 0
        self.changes: deque[StreamChange] = deque(maxlen=_KEPT)
        self.is_learning = True
        self.learned: Learned | None = None
        self.times = 1
        self._first = 0  # unit of the statistic's first row
        self._carry: list[bytes] = []  # blocks that make no whole unit yet
        self._pending: list[Any] = []  # a reference in the making
        self._pending_bytes = 0
        self._more = 0  # units that it has turned out to lack
        self._recent: deque[Any] = deque()
        self._recent_bytes = 0  # of text
        self._calibrated: State | None = None  # of the e-detector, where the reference is kept

    @property
    def share_learned(self) -> float:
        """Share of the reference that has been seen; 1 once it is learned."""
        if not self.is_learning:
            return 1.0
        plan, n = self.plan, len(self._pending)
        share = n / (plan.n_reference + self._more)
        if plan.n_reference_bytes:
            enough = n / (plan.n_enough + self._more)
            share = min(share, max(self._pending_bytes / plan.n_reference_bytes, enough))
        return min(share, 0.99)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        parts = 0 if self.learned is None else self.learned.signals.nbytes + self.learned.edetector.nbytes
        return parts + sum(_size(unit) for kept in (self._recent, self._pending, self._carry) for unit in kept)

    def learn_from(self, units: Sequence[Any]) -> int:
        """Learn a reference that is no part of the stream; how many units it lacks, 0 if none."""
        self._pending = [_part(unit) for unit in units]
        lacking = self._learn()
        self._carry, self.n_units, self.n_bytes = [], 0, 0
        return lacking

    def take(self, units: Units) -> list[StreamChange]:
        """Take units, learning or judging as it comes."""
        found: list[StreamChange] = []
        at = 0
        if self.times > 1:
            units = self._joined(units)
        while at < len(units):
            if self.is_learning:
                before = self.times
                at += self._collect(units[at:])
                if self.times > before:  # blocks have just turned out to be too short
                    units, at = self._joined(units[at:]), 0
                continue
            at += self._judge(units[at : at + _BATCH], found)
        return found

    def _judge(self, units: Units, found: list[StreamChange]) -> int:
        """Take units until the reference has to be learned anew; how many were taken."""
        assert self.learned is not None
        edetector = self.learned.edetector
        rows = self.learned.signals.measure(self._masked(units))
        judged = 0
        while judged < len(rows) and not self.is_learning:
            taken = edetector.update(rows[judged:])
            self._keep(units[judged : judged + taken])
            judged += taken
            if edetector.alarm:
                found.append(self._change())
        return judged

    def _joined(self, units: Units | list[bytes]) -> TextUnits:
        """Units of several blocks each; blocks left over wait for the next."""
        blocks = [*self._carry, *units]
        n = len(blocks) // self.times * self.times
        self._carry = blocks[n:]
        return TextUnits.of([b"".join(blocks[i : i + self.times]) for i in range(0, n, self.times)])

    def _count(self, units: Units) -> None:
        self.n_units += len(units)
        if isinstance(units, TextUnits):
            self.n_bytes += int((units.ends - units.starts).sum())

    def _keep(self, units: Units) -> None:
        """Count units, and keep the newest ones for the next reference."""
        self._count(units)
        most = self._recent.maxlen or 0
        newest = units[-most:] if len(units) > most else units
        if not isinstance(newest, TextUnits):
            self._recent.extend(newest)
            return
        kept = self._recent
        for unit in newest:
            if len(kept) == most:
                self._recent_bytes -= len(kept.popleft())
            kept.append(unit)
            self._recent_bytes += len(unit)
            while self._recent_bytes > _RECENT_BYTES and len(kept) > 1:
                self._recent_bytes -= len(kept.popleft())

    def _collect(self, units: Units) -> int:
        """Take units for the reference, and learn it when there are enough; how many were taken."""
        plan, n = self.plan, len(self._pending)
        least, most = plan.n_reference + self._more, plan.n_enough + self._more
        wanted = max(least - n, 1)
        if isinstance(units, TextUnits):
            missing = plan.n_reference_bytes - self._pending_bytes
            if missing > 0:
                sizes = np.minimum(units.ends - units.starts, _LEARNED)
                reached = int(np.searchsorted(np.cumsum(sizes), missing)) + 1
                wanted = max(wanted, min(reached, most - n))
        part = units[:wanted]
        self._count(part)
        if isinstance(part, TextUnits):
            ends = np.minimum(part.ends, part.starts + _LEARNED)
            self._pending_bytes += int((ends - part.starts).sum())
            self._pending.extend(TextUnits(part.data, part.starts, ends))
        else:
            self._pending.extend(part)
        n = len(self._pending)
        if n >= least and (self._pending_bytes >= plan.n_reference_bytes or n >= most):
            lacking = self._learn()  # sets the number to 0 where none are
            self._more += lacking
        return len(part)

    def _learn(self) -> int:
        """Learn what has been collected; how many units are lacking, 0 if none."""
        units, plan = self._pending, self.plan
        found = learn(
            list(self._as_units(units)),
            plan.signals,
            lambda signals: plan.edetector(signals, self.n_changes),
            plan.gap,
            may_join=plan.may_join and self.learned is None,
            joined=self.times,
        )
        if isinstance(found, int):
            return found
        if self.learned is None:  # those that are learned later are of the same stream
            warn_of_dependence(found)
        self.learned = found
        if found.times > 1:
            self.times = found.times
            self._carry = units[len(units) // self.times * self.times :]
            self.n_units //= self.times
            self.n_bytes -= sum(map(len, self._carry))  # they are counted with their unit
        self._first = self.n_units
        if not plan.relearn:
            self._calibrated = found.edetector.state()
        self._recent, self._recent_bytes = deque(maxlen=max(found.n_units, LEAST_ROWS)), 0
        self._pending, self._pending_bytes, self._more, self.is_learning = [], 0, 0, False
        return 0

    def _change(self) -> StreamChange:
        """The alarm that has just been raised, and what follows from it."""
        assert self.learned is not None
        signals, edetector = self.learned.signals, self.learned.edetector
        start, low, high = (self._first + row for row in edetector.when())
        unit = self.n_units - 1
        kept = list(self._recent)[start - self.n_units :]
        looked_at = self._as_units(kept)
        is_text = self.plan.is_text
        change = StreamChange(
            unit=unit,
            start=start,
            interval=(low, high),
            statistic=edetector.statistic,
            threshold=edetector.threshold,
            signal=signals.names[edetector.strongest],
            bits_before=self.learned.bits,
            bits_after=float(signals.bits(looked_at).mean()),
            n_after=len(kept),
            novel=_novel(signals, looked_at),
            first=shown_unit(kept[0]) if is_text and len(kept) == self.n_units - start else None,
            measured_in=signals.measured_in,
        )
        self.n_changes += 1
        self.changes.append(change)
        if self.plan.relearn:
            self.is_learning = True
            self._pending = [_part(unit) for unit in kept]
            self._pending_bytes = sum(map(len, self._pending)) if is_text else 0
            self._recent.clear()
            self._recent_bytes = 0
        else:
            assert self._calibrated is not None
            edetector.restore(self._calibrated)  # the bag has units after the change
            self._first = self.n_units
        return change

    def _as_units(self, units: Iterable[Any]) -> Units:
        """Units as signals take them."""
        return self._masked(TextUnits.of(list(units)) if self.plan.is_text else np.asarray(list(units)))

    def _masked(self, units: Units) -> Units:
        """Units without what is not looked at."""
        return masked(units, self.plan.mask) if isinstance(units, TextUnits) else units

    def bits(self, units: Sequence[Any]) -> Any:
        """Bits of units under the reference, per byte or number."""
        assert self.learned is not None
        return self.learned.signals.bits(self._as_units(units))

    def state(self) -> State:
        """All that it is."""
        learned = self.learned
        return {
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
            "changes": [change.to_state() for change in self.changes],
            "carry": packed(self._carry),
            "pending": packed(self._pending),
            "recent": packed(self._recent),
            "n_recent": self._recent.maxlen,
            "calibrated": self._calibrated,
            "learned": None
            if learned is None
            else {
                "signals": learned.signals.state(),
                "edetector": learned.edetector.state(),
                "bits": learned.bits,
                "gap": learned.gap,
                "dependence": learned.dependence,
            },
        }

    def restore(self, state: State) -> None:
        """Be as the watch that gave the state; this one has to be new."""
        for name in _NUMBERS:
            setattr(self, name, state["numbers"][name])
        self.changes.extend(StreamChange.from_state(change) for change in state["changes"])
        self._carry, self._pending = unpacked(state["carry"]), unpacked(state["pending"])
        self._recent = deque(unpacked(state["recent"]), state["n_recent"])
        self._recent_bytes = sum(map(len, self._recent)) if self.plan.is_text else 0
        self._calibrated = state["calibrated"]
        if state["learned"] is not None:
            kept = state["learned"]
            signals = self.plan.signals(kept["gap"])
            signals.restore(kept["signals"])
            edetector = self.plan.edetector(signals, self.n_changes)
            edetector.restore(kept["edetector"])
            self.learned = Learned(
                signals, edetector, kept["bits"], gap=kept["gap"], dependence=kept["dependence"], times=self.times
            )


def _part(unit: Any) -> Any:
    """What is learned of a unit: of a long text its beginning."""
    return unit[:_LEARNED] if isinstance(unit, bytes) else unit


def _size(unit: Any) -> int:
    """Bytes of memory of a unit that is kept."""
    return len(unit) + 33 if isinstance(unit, bytes) else int(unit.nbytes) + 112


def _novel(signals: StreamSignals, units: Units) -> tuple[NovelText, ...]:
    """What is new in the units, where the reference's model can say that."""
    from ncd.streams.byte_signals import ByteSignals

    if not isinstance(signals, ByteSignals) or not isinstance(units, TextUnits):
        return ()
    return tuple(novel_texts(signals, list(units)))
