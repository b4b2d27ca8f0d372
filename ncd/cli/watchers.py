"""Bytes of a stream to changes: of the whole stream, key by key, or of numbers; for ``ncd stream``."""

from __future__ import annotations

import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ncd.cli.options import UsageError

if TYPE_CHECKING:
    from ncd.streams import KeyedDetectors, State, StreamChange, StreamDetector

__all__ = ["KeyWatcher", "NumberWatcher", "Watcher", "key_finder"]

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


class NumberWatcher(StreamWatcher):
    """A line is a number, or some with commas, semicolons, tabs or spaces between them."""

    def __init__(self, detector: StreamDetector) -> None:
        from ncd.streams.splitting import UnitSplitter

        super().__init__(detector)
        self._lines = UnitSplitter("lines")
        self._n_lines = self._n_bad = 0

    def feed(self, data: bytes) -> Found:
        return self._take(list(self._lines.split(data)))

    def finish(self) -> Found:
        found = self._take(list(self._lines.finish()))
        if self._n_bad > _MOST_SAID:
            print(f"ncd: {self._n_bad:,} lines were no numbers and have been left out", file=sys.stderr)
        return found

    def _take(self, lines: list[bytes]) -> Found:
        found: Found = []
        rows: list[list[float]] = []
        for line in lines:
            self._n_lines += 1
            try:
                row = [float(cell) for cell in re.split(rb"[,;\s]+", line.strip())]
                if not all(map(_is_finite, row)) or (rows and len(rows[-1]) != len(row)):
                    raise ValueError
                rows.append(row)
            except ValueError:
                self._n_bad += 1
                if self._n_bad <= _MOST_SAID:
                    shown = line[:60].decode("utf-8", "backslashreplace")
                    print(f"ncd: warning: line {self._n_lines:,} is no row of numbers: {shown!r}", file=sys.stderr)
        if rows:
            found = [(None, change) for change in self.detector.update_many(rows)]
        return found

    def state(self) -> State:
        return {"detector": super().state(), "lines": self._lines.state(), "counts": [self._n_lines, self._n_bad]}

    def restore(self, state: State) -> None:
        super().restore(state["detector"])
        self._lines.restore(state["lines"])
        self._n_lines, self._n_bad = state["counts"]


class KeyWatcher(Watcher):
    """A detector for each key; lines without one have a detector of their own."""

    def __init__(self, keyed: KeyedDetectors, key: Callable[[bytes], str]) -> None:
        from ncd.streams.splitting import UnitSplitter

        self.keyed, self._key = keyed, key
        self._lines = UnitSplitter("lines")
        self._n_units = 0

    def feed(self, data: bytes) -> Found:
        return self._take(list(self._lines.split(data)))

    def finish(self) -> Found:
        return self._take(list(self._lines.finish()))

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


def _is_finite(number: float) -> bool:
    return number - number == 0


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
