"""``ncd stream``: changes of a stream of text, as they happen."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncd.cli.options import UsageError, add_download_option, checked_codec, checked_embedder, neighbor_count
from ncd.cli.output import json_line

if TYPE_CHECKING:
    from ncd.cli.watchers import Found, Watcher
    from ncd.streams import StreamChange

NAME = "stream"
SUMMARY = "changes of a stream of text or numbers, as they happen"
DESCRIPTION = """\
Reads lines as they come, learns what the first ones are like (100 lines and 20 kB, or 400 lines; or --reference), and
prints a line the moment it is known that the stream has changed: where the change began, how sure that place is, and
what is new. After that the reference is learned anew.

False alarms are bounded: with --arl N one comes within t units with a probability of at most t / N, with --alpha P
there is ever one with a probability of at most P, as long as the units of an unchanged stream do not depend on each
other ("exchangeable"). Where they do, this is said. Real logs in the order of time drift; their drift is reported as
change.

--key watches every user, service or host of its own: the spec is a regular expression with the key in parentheses, or
a field of JSON lines.

--checkpoint FILE keeps the state: written every few seconds, soon after a change and at the end, and taken up when the
command is started again. With --follow the place in the file is kept too, so that no line is lost or taken twice; of a
change that was found just before a crash the event may be printed a second time.

Units are counted from 1. FILE is read as bytes, UTF-8 or not; - is standard input."""
EXAMPLES = """\
  tail -f app.log | ncd stream --arl 100000
  ncd stream --follow /var/log/app.log --checkpoint app.ncd --json
  ncd stream access.log --key '^(\\S+)' --arl 1e6
  ncd stream chat.jsonl --key user --alpha 0.01
  ncd stream sensor.csv --numbers
"""
_STATUS_SECONDS, _SAVE_SECONDS, _IDLE, _PATIENCE = 0.5, 10.0, 0.2, 1.0
_REST = 10  # times as long as a checkpoint takes there is none for a change
_PIECE = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe takes at once where it takes any
_KIND = "ncd stream"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: - (standard input)")
    parser.add_argument("--arl", type=float, metavar="N", help="false alarm in t units: t / N at most (default: 10000)")
    parser.add_argument("--alpha", type=float, metavar="P", help="in place of --arl: chance of any false alarm ever")
    parser.add_argument("--unit", choices=("lines", "chars", "bytes"), default="lines", help="default: lines")
    parser.add_argument("--block", type=neighbor_count, metavar="N", help="lines, characters or bytes of a unit")
    parser.add_argument(
        "--mask",
        choices=("times", "digits", "nothing"),
        help="what is not looked at (default: times and dates, of lines)",
    )
    parser.add_argument("--numbers", action="store_true", help="a line is a number, or numbers with commas between")
    parser.add_argument("--reference", metavar="FILE", help="what the stream is like without a change")
    parser.add_argument("--learn", type=neighbor_count, metavar="N", help="learn the first N units instead")
    parser.add_argument("--keep", action="store_true", help="keep the reference after a change")
    parser.add_argument("--compressor", metavar="NAME", help="see 'ncd list' (default: ngram)")
    parser.add_argument("--embedder", metavar="NAME", help="measure vectors instead, such as minilm; see 'ncd list'")
    add_download_option(parser)
    parser.add_argument(
        "--window",
        type=neighbor_count,
        metavar="N",
        help="newest bytes compared (default: 1024); with --embedder, units",
    )
    parser.add_argument("--key", metavar="SPEC", help="one detector for each key; see above")
    parser.add_argument("--max-keys", type=neighbor_count, metavar="N", help="keys at once (default: 10000)")
    parser.add_argument("--follow", action="store_true", help="wait for more, as tail -F does, through rotation")
    parser.add_argument("--from-end", action="store_true", help="with --follow: leave out what is in the file now")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="keep the state there, and take it up again")
    parser.add_argument("--json", action="store_true", help="print one JSON object a change")
    parser.add_argument("--quiet", action="store_true", help="no status line, no remarks")


def run(arguments: argparse.Namespace) -> None:
    """Watch until the stream ends or the user ends it."""
    _check(arguments)
    if arguments.quiet:
        from ncd.exceptions import DependenceWarning

        warnings.simplefilter("ignore", DependenceWarning)
    with _Stop() as stop:
        watcher = _watcher(arguments)
        place = _restored(watcher, arguments)
        session = _Session(watcher, arguments, place, stop.event)
        for data, reached in _chunks(arguments, place, stop):
            session.take(data, reached)
        if stop.number is None:
            session.finish()
        session.close()
    stop.pass_on()


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, and what could only fail later."""
    from ncd.files import check_target
    from ncd.streams.whitening import LEAST_ROWS

    if arguments.arl is not None and arguments.alpha is not None:
        raise UsageError("--arl and --alpha are two kinds of guarantee: give one of them")
    if arguments.reference is not None and arguments.learn is not None:
        raise UsageError("--reference gives the reference, --learn takes it from the stream: give one of them")
    if arguments.learn is not None and arguments.learn < LEAST_ROWS:
        raise UsageError(f"--learn is {arguments.learn}: give {LEAST_ROWS} or more, to rank units")
    if arguments.checkpoint is not None:
        check_target(arguments.checkpoint, force=True)
    if arguments.follow and arguments.file == "-":
        raise UsageError("--follow needs the name of a file; standard input is followed by itself")
    if arguments.from_end and not arguments.follow:
        raise UsageError("--from-end has no use without --follow")
    if arguments.max_keys is not None and arguments.key is None:
        raise UsageError("--max-keys has no use without --key")
    if arguments.numbers:
        for name in ("key", "block", "mask", "embedder"):
            if getattr(arguments, name) is not None:
                raise UsageError(f"--{name} has no use with --numbers")
        if arguments.unit != "lines":
            raise UsageError("--unit has no use with --numbers: a line is a unit")
    if arguments.key is not None and arguments.unit != "lines":
        raise UsageError("--key is of lines: it has no use with --unit chars or bytes")
    if arguments.file != "-" and Path(arguments.file).is_dir():
        raise UsageError(f"{arguments.file} is a folder: give a file")
    if arguments.compressor is not None:
        if arguments.embedder is not None:
            raise UsageError("--compressor has no use with --embedder: vectors have no code lengths")
        if arguments.compressor.partition(":")[0] != "ngram":
            checked_codec(arguments.compressor)


def _watcher(arguments: argparse.Namespace) -> Watcher:
    """What the options ask for."""
    from ncd.cli.watchers import KeyWatcher, NumberWatcher, StreamWatcher, key_finder, reference_rows
    from ncd.streams import KeyedDetectors, StreamDetector

    embedder = checked_embedder(arguments.embedder, arguments)
    reference: Any = arguments.learn
    if arguments.reference is not None:
        name = arguments.reference
        reference = reference_rows(name) if arguments.numbers else Path(name).read_bytes()

    def make() -> StreamDetector:
        return StreamDetector(
            arguments.compressor or "ngram",
            reference=reference,
            embedder=embedder,
            window=arguments.window,
            arl=arguments.arl,
            alpha=arguments.alpha,
            unit="items" if arguments.numbers else arguments.unit,
            block="auto" if arguments.block is None else arguments.block,
            mask="auto" if arguments.mask is None else arguments.mask,
            relearn=not arguments.keep,
        )

    if arguments.key is not None:
        find = key_finder(arguments.key)
        return KeyWatcher(KeyedDetectors(make, max_keys=arguments.max_keys or 10_000), find)
    return NumberWatcher(make()) if arguments.numbers else StreamWatcher(make())


def _restored(watcher: Watcher, arguments: argparse.Namespace) -> Any:
    """Take up the checkpoint, if there is one; the place in the file."""
    from ncd.streams.checkpoint import read_checkpoint

    path = arguments.checkpoint
    if path is None or not path.exists():
        return None
    state = read_checkpoint(path, kind=_KIND)
    if state["watcher_kind"] != type(watcher).__name__:
        raise UsageError(f"--checkpoint {path} was written with other options (--key, --numbers)")
    watcher.restore(state["watcher"])
    if state["file"] not in (None, arguments.file) and arguments.follow:
        raise UsageError(f"--checkpoint {path} is of the file {state['file']}: give another checkpoint")
    return state["place"]


def _chunks(arguments: argparse.Namespace, place: Any, stop: _Stop) -> Iterator[tuple[bytes, Any]]:
    """What arrives, and the place after it; empty while nothing comes."""
    from ncd.streams.follow import Position, follow
    from ncd.streams.pipes import read_chunks

    if arguments.follow:
        start: Any = Position(*place) if place is not None else "end" if arguments.from_end else 0
        say = None if arguments.quiet else _say
        if say is not None and not Path(arguments.file).exists():
            say(f"{arguments.file} does not exist yet: waiting for it")
        for data, position in follow(arguments.file, start=start, idle=_IDLE, stop=stop.event, say=say):
            yield data, list(position)
        return
    with contextlib.ExitStack() as closing:
        file = sys.stdin.buffer if arguments.file == "-" else closing.enter_context(open(arguments.file, "rb"))
        for data in read_chunks(file, idle=_IDLE, stop=stop.event):
            yield data, None


class _Stop:
    """Ctrl-C and SIGTERM ask the loop to end between two chunks, so that the state is whole; then they go their way."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, frame: Any) -> None:
        del frame
        if self.number is not None:  # asked twice: at once
            self.__exit__()
            signal.raise_signal(number)
        self.number = number
        self.event.set()

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_on(self) -> None:
        """What the signal would have done without us."""
        if self.number is not None:
            signal.raise_signal(self.number)


class _Session:
    """Events printed, state kept, status shown."""

    def __init__(
        self, watcher: Watcher, arguments: argparse.Namespace, place: Any, stop: threading.Event | None = None
    ) -> None:
        self._watcher, self._arguments, self._place = watcher, arguments, place
        self._stop = threading.Event() if stop is None else stop
        self._has_news, self._save_took, self._is_cut = False, 0.0, False
        self._is_live = sys.stderr.isatty() and not arguments.quiet
        self._began = self._shown = self._saved = time.monotonic()
        self._n_bytes, self._first = 0, watcher.n_units
        self._width = 0

    def take(self, data: bytes, place: Any) -> None:
        """A chunk."""
        found = self._watcher.feed(data) if data else []
        self._n_bytes += len(data)
        self._place = place
        self._print_all(found)
        self._has_news = self._has_news or bool(found)
        now = time.monotonic()
        due = min(_REST * self._save_took, _SAVE_SECONDS) if self._has_news else _SAVE_SECONDS
        if self._arguments.checkpoint is not None and now - self._saved >= due:
            self._save()
        if self._is_live and now - self._shown >= _STATUS_SECONDS:
            self._status()

    def finish(self) -> None:
        """The stream has ended."""
        self._print_all(self._watcher.finish())
        lacking = self._watcher.lacking()
        if lacking is not None:
            self._clear()
            n = self._watcher.n_units
            print(f"ncd: warning: the stream has ended after {n:,} units: {lacking}", file=sys.stderr)

    def close(self) -> None:
        """Keep the state; the last word of the status line."""
        if self._arguments.checkpoint is not None:
            self._save()
        if self._is_live:
            self._status()
            print(file=sys.stderr)

    def _save(self) -> None:
        """Write the checkpoint; not past a change that was not printed, where the file can be read from there again."""
        if self._is_cut and self._arguments.follow:
            return
        began = time.monotonic()
        from ncd.streams.checkpoint import write_checkpoint

        file = self._arguments.file
        state = {
            "watcher_kind": type(self._watcher).__name__,
            "watcher": self._watcher.state(),
            "file": None if file == "-" else file,
            "place": self._place,
        }
        write_checkpoint(self._arguments.checkpoint, state, kind=_KIND)
        self._saved = time.monotonic()
        self._save_took, self._has_news = self._saved - began, False

    def _print_all(self, found: Found) -> None:
        """Changes, unless the user ends the command while nobody reads them."""
        for key, change in found:
            if not self._is_cut and not self._print(key, change):
                self._is_cut = True
                again = self._arguments.follow and self._arguments.checkpoint is not None
                print(
                    "ncd: warning: stopped before a change could be printed"
                    + (": it will be found again from the checkpoint" if again else ""),
                    file=sys.stderr,
                )

    def _print(self, key: str | None, change: StreamChange) -> bool:
        """One line for a change, at once; whether it was printed."""
        self._clear()
        if self._arguments.json:
            event = {"event": "change", "time": datetime.now(UTC).isoformat(timespec="milliseconds")}
            line = json_line({**event, **({} if key is None else {"key": key}), **_from_one(change)})
        else:
            line = f"{_named(key)}{_sentence(change, self._arguments)}\n".encode("utf-8", "backslashreplace")
        return _write(line, self._stop)

    def _status(self) -> None:
        """The live line."""
        seconds = max(time.monotonic() - self._began, 1e-3)
        n = self._watcher.n_units
        rate = f"{(n - self._first) / seconds:,.0f} units/s, {self._n_bytes / seconds / 1e6:,.2f} MB/s"
        text = f"{n:,} units, {rate}, {self._watcher.status()}"
        print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
        self._width, self._shown = len(text), time.monotonic()

    def _clear(self) -> None:
        """Make room where the status line stands."""
        if self._is_live and self._width:
            print(f"\r{'':<{self._width}}\r", end="", file=sys.stderr, flush=True)
            self._width = 0


def _from_one(change: StreamChange) -> dict[str, Any]:
    """A change for people, who count from one."""
    plain = change.to_dict()
    plain["unit"] += 1
    plain["start"] += 1
    plain["interval"] = [unit + 1 for unit in plain["interval"]]
    return plain


def _named(key: str | None) -> str:
    return "" if key is None else f"{key or '(no key)'}: "


def _sentence(change: StreamChange, arguments: argparse.Namespace) -> str:
    """A change in one line."""
    low, high = (unit + 1 for unit in change.interval)
    is_block = arguments.unit != "lines" or (arguments.block or 1) > 1
    unit = "row" if arguments.numbers else "block" if is_block else "line"
    whose = "" if arguments.key is None else " of its own"
    where = f"{change.start + 1:,}" + ("" if low == high else f" ({low:,} to {high:,})")
    measure = change.measured_in
    if measure == "bits":
        measure += " a number" if arguments.numbers else " a byte"
    bits = f"{change.bits_before:.2f} -> {change.bits_after:.2f} {measure}"
    what = {"plainness": ", more predictable"}.get(change.signal, "")
    new = "; new: " + " | ".join(piece.shown for piece in change.novel[:5]) if change.novel else ""
    if change.first is not None and not new:
        new = f"; first: {change.first}"
    return f"change at {unit} {where}{whose}, known at {change.unit + 1:,}; {bits}{what}{new}"


def _write(line: bytes, stop: threading.Event) -> bool:
    """
    Write to standard output at once; say so if nobody reads it.

    Returns
    -------
    bool
        Whether all of it was written: asked to stop, it waits for no reader.
    """
    sys.stdout.flush()
    raw = getattr(sys.stdout, "buffer", None)
    if raw is None:  # something that takes text only stands in for it
        sys.stdout.write(line.decode())
        sys.stdout.flush()
        return True
    rest, began, is_said = memoryview(line), time.monotonic(), False
    while rest:
        try:
            descriptor = raw.fileno()
            is_ready = select.select([], [descriptor], [], 0 if stop.is_set() else _IDLE)[1]
        except (OSError, ValueError):  # no descriptor, or a system that cannot tell
            raw.write(rest)
            raw.flush()
            return True
        if is_ready:
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(descriptor, rest[:_PIECE]) :]
        elif stop.is_set():
            return False
        elif not is_said and time.monotonic() - began >= _PATIENCE:
            print("ncd: warning: nobody reads standard output: waiting, and reading no further", file=sys.stderr)
            is_said = True
    return True


def _say(message: str) -> None:
    print(f"ncd: {message}", file=sys.stderr, flush=True)
