"""Bytes of a stream to changes: of the whole stream, key by key, or of numbers; for ``ncd stream``."""

from __future__ import annotations

import json
import math
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncd.cli.options import UsageError
from ncd.streams.observations import LARGEST
from ncd.streams.splitting import UnitSplitter

if TYPE_CHECKING:
    from ncd.streams import KeyedDetectors, State, StreamChange, StreamDetector

__all__ = ["KeyWatcher", "NumberWatcher", "Watcher", "key_finder", "reference_rows"]

Found = list[tuple["str | None", "StreamChange"]]
_MOST_SAID = 5


class Watcher(ABC):
    """What takes bytes and gives changes, each with its key if there are keys."""

    @abstractmethod
    def feed(self, data: bytes) -> Found:
        """Take bytes as they come."""

    @abstractmethod
    def finish(self) -> Found:
        """The stream has ended."""

    @abstractmethod
    def state(self) -> State:
        """All that has to be kept."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Go on from there."""

    @abstractmethod
    def status(self) -> str:
        """What stands at the end of the status line."""

    @property
    @abstractmethod
    def n_units(self) -> int: ...

    def lacking(self) -> str | None:
        """What to say if nothing could be judged."""
        return None


class StreamWatcher(Watcher):
    """The whole stream is one."""

    def __init__(self, detector: StreamDetector) -> None:
        self.detector = detector

    def feed(self, data: bytes) -> Found:
        return [(None, change) for change in self.detector.feed(data)]

    def finish(self) -> Found:
        return [(None, change) for change in self.detector.finish()]

    def state(self) -> State:
        return self.detector.state()

    def restore(self, state: State) -> None:
        self.detector.restore(state)

    def status(self) -> str:
        if self.detector.is_learning:
            return f"learning {self.detector.learned:.0%}"
        return f"statistic {self.detector.statistic:,.3g} of {self.detector.threshold:,.6g}"

    @property
    def n_units(self) -> int:
        return self.detector.n_units

    def lacking(self) -> str | None:
        detector = self.detector
        if not detector.is_learning or detector.n_changes:
            return None
        return f"the reference was not complete ({detector.learned:.0%} of it seen): nothing has been judged"


class _Lines(Watcher):
    """What takes whole lines."""

    def __init__(self) -> None:
        self._lines = UnitSplitter("lines")

    def feed(self, data: bytes) -> Found:
        return self._take(list(self._lines.split(data)))

    def finish(self) -> Found:
        return self._take(list(self._lines.finish()))

    @abstractmethod
    def _take(self, lines: list[bytes]) -> Found:
        """Take lines, perhaps none."""


class NumberWatcher(_Lines, StreamWatcher):
    """
    A line is a number, or some with commas, semicolons, tabs or spaces between them.

    Lines that are none are reported and left out: units are rows, and not lines, where there are such.
    """

    def __init__(self, detector: StreamDetector) -> None:
        StreamWatcher.__init__(self, detector)
        _Lines.__init__(self)
        self._n_lines = self._n_bad = 0
        self._dimension: int | None = None

    def finish(self) -> Found:
        found = super().finish()
        if self._n_bad > _MOST_SAID:
            print(f"ncd: {self._n_bad:,} lines were no numbers and have been left out", file=sys.stderr)
        return found

    def _take(self, lines: list[bytes]) -> Found:
        rows: list[list[float]] = []
        for line in lines:
            self._n_lines += 1
            try:
                rows.append(_row(line, self._dimension))
                self._dimension = len(rows[-1])
            except ValueError as error:
                self._n_bad += 1
                if self._n_bad <= _MOST_SAID:
                    print(f"ncd: warning: line {self._n_lines:,} {error}; left out", file=sys.stderr)
        return [(None, change) for change in self.detector.update_many(rows)] if rows else []

    def state(self) -> State:
        counts = [self._n_lines, self._n_bad, self._dimension]
        return {"detector": super().state(), "lines": self._lines.state(), "counts": counts}

    def restore(self, state: State) -> None:
        super().restore(state["detector"])
        self._lines.restore(state["lines"])
        self._n_lines, self._n_bad, self._dimension = state["counts"]


class KeyWatcher(_Lines):
    """A detector for each key; lines without one have a detector of their own."""

    def __init__(self, keyed: KeyedDetectors, key: Callable[[bytes], str]) -> None:
        super().__init__()
        self.keyed, self._key = keyed, key
        self._n_units = 0

    def _take(self, lines: list[bytes]) -> Found:
        self._n_units += len(lines)
        if not lines:
            return []
        return [(key, change) for key, change in self.keyed.update_many([self._key(line) for line in lines], lines)]

    def state(self) -> State:
        return {"keyed": self.keyed.state(lazily=True), "lines": self._lines.state(), "n_units": self._n_units}

    def restore(self, state: State) -> None:
        self.keyed.restore(state["keyed"])
        self._lines.restore(state["lines"])
        self._n_units = state["n_units"]

    def status(self) -> str:
        evicted = f", {self.keyed.evicted:,} dropped" if self.keyed.evicted else ""
        return f"{len(self.keyed):,} keys{evicted}"

    @property
    def n_units(self) -> int:
        return self._n_units


def _row(line: bytes, dimension: int | None) -> list[float]:
    """The numbers of a line; the error says what the line is."""
    shown = repr(line[:60].decode("utf-8", "backslashreplace"))
    try:
        row = [float(cell) for cell in re.split(rb"[,;\s]+", line.strip())]
    except ValueError:
        raise ValueError(f"is no row of numbers: {shown}") from None
    if any(map(math.isnan, row)):
        raise ValueError(f"is no row of numbers: {shown}")
    if any(abs(number) > LARGEST for number in row):
        raise ValueError(f"has a number beyond {LARGEST:g}: {shown}")
    if dimension not in (None, len(row)):
        raise ValueError(f"has {len(row)} numbers, rows before it {dimension}: {shown}")
    return row


def reference_rows(path: str) -> list[list[float]]:
    """The rows of numbers of a file; empty lines are left out."""
    rows: list[list[float]] = []
    for number, line in enumerate(Path(path).read_bytes().split(b"\n"), 1):
        if line.strip():
            try:
                rows.append(_row(line, len(rows[-1]) if rows else None))
            except ValueError as error:
                raise UsageError(
                    f"--reference {path}: line {number:,} {error}; remove it, or give numbers with commas, semicolons "
                    "or spaces between, as many in each line"
                ) from None
    return rows


def key_finder(spec: str) -> Callable[[bytes], str]:
    """
    What finds the key of a line: a regular expression with a group, or the name of a field of JSON.

    Lines without the key have the key "".
    """
    if "(" in spec:
        try:
            pattern = re.compile(spec.encode())
        except re.error as error:
            raise UsageError(f"--key {spec}: not a regular expression: {error}") from None
        if not pattern.groups:
            raise UsageError(f"--key {spec}: put what the key is in parentheses, as in 'user=(\\w+)'")

        def by_pattern(line: bytes) -> str:
            match = pattern.search(line)
            return (match[1] or b"").decode("utf-8", "surrogateescape") if match else ""

        return by_pattern
    if not re.fullmatch(r"[\w.@-]+", spec):
        raise UsageError(
            f"--key {spec}: give a regular expression with the key in parentheses, or a field of JSON lines such as "
            "service or client.address"
        )
    path = spec.split(".")

    def by_field(line: bytes) -> str:
        try:
            value: Any = json.loads(line)
            for name in path:
                value = value[name]
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    return by_field
