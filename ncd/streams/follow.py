"""Bytes of a file that grows and is rotated, the moment they come."""

from __future__ import annotations

import logging
import os
import re
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, Literal, NamedTuple

from ncd.arguments import real_number, whole_number
from ncd.streams.pipes import MOST, Stop, asked, read_chunks, seconds

__all__ = ["Follower", "Position", "follow", "read_chunks"]

_MARK = 64  # bytes before a position by which its file is known again
_log = logging.getLogger("ncd.streams")


class Position(NamedTuple):
    """
    A place in a file that may have been renamed meanwhile; ``list(position)`` can stand in a checkpoint.

    Attributes
    ----------
    device, inode : int
        Of the file.
    offset : int
        Bytes before the place.
    mark : int
        CRC-32 of the last 64 of them: inodes are used again, files are cut off and grow again.
    """

    device: int
    inode: int
    offset: int
    mark: int


def follow(
    path: os.PathLike[str] | str,
    *,
    start: int | Literal["end"] | Position = 0,
    interval: float = 0.1,
    idle: float | None = None,
    stop: Stop = None,
    say: Callable[[str], None] | None = None,
) -> Iterator[tuple[bytes, Position]]:
    """
    What is written to a file, as ``tail -F`` shows it, through rotation.

    The file need not exist yet. Where another file has taken its name (rotation) the old one is read to its end, until
    there is something in the new one; then those between (``path.2``, ``path.1``, where it was rotated several times),
    then the new one from its beginning. A file that has become shorter is read from its beginning. A last line without
    end is ended by a line feed before another file begins. After a restart the file of `start` is looked for under the
    names that rotation gives: ``path.1``, ``path-20240131`` and the like.

    Parameters
    ----------
    path : path-like
        Of a regular file.
    start : int, "end" or Position
        Bytes to leave out of the file that is there now; "end" for all of them; or the last position that was taken in
        by an earlier run.
    interval : float
        Seconds between two looks.
    idle : float, optional
        Seconds without data after which an empty chunk is given, again and again.
    stop : threading.Event or callable, optional
        Asked between two chunks; an event ends the waiting at once.
    say : callable, optional
        Is told, in a sentence, of rotation, truncation and lost data. Default: the logger ``ncd.streams``, as warnings
        where data are lost.

    Yields
    ------
    chunk : bytes
        Up to 1 MiB.
    position : Position
        The place after it.

    Raises
    ------
    ValueError
        If `start` is beyond the end of the file, or there is something else at `path` than a regular file.

    Notes
    -----
    The file is looked at, not watched by the system: `interval` bounds the delay. Data are lost, and cannot be
    noticed, where a file is cut off and grows beyond its former size between two looks.

    Examples
    --------
    >>> log = getfixture("tmp_path") / "app.log"
    >>> _ = log.write_bytes(b"one\\n")
    >>> lines = follow(log)
    >>> chunk, position = next(lines)
    >>> chunk, position.offset
    (b'one\\n', 4)
    >>> _ = log.rename(log.with_suffix(".log.1"))
    >>> _ = log.write_bytes(b"two\\n")
    >>> next(lines)[0]
    b'two\\n'
    >>> [chunk for chunk, _ in follow(log, start=position, stop=lambda: True)]
    []
    >>> next(follow(log, start=position))[0]
    b'two\\n'
    """
    return Follower(path, interval=interval, idle=idle, stop=stop, say=say).chunks(_checked_start(start))


class Follower:
    """An open file, how much of it has been read, and where to go on."""

    def __init__(
        self,
        path: os.PathLike[str] | str,
        *,
        interval: float,
        idle: float | None,
        stop: Stop,
        say: Callable[[str], None] | None,
    ) -> None:
        self.path, self.idle, self.say = Path(path), seconds(idle, "idle"), say
        self.interval = real_number(
            interval, "interval", "give seconds, more than 0", lambda seconds: 0 < seconds < 1e6
        )
        self.stop, self.stopped = stop, asked(stop)
        self.file: Any = None
        self.at = Position(0, 0, 0, 0)
        self.tail = b""
        self.trouble = ""

    def chunks(self, start: int | Literal["end"] | Position) -> Iterator[tuple[bytes, Position]]:
        """See `follow`."""
        try:
            if not isinstance(start, Position):
                if self._open(self.path):
                    self._skip(start)
            elif any(start):  # nothing had been opened otherwise
                self._resume(start)
            silent = time.monotonic()
            while not self.stopped():
                data = self._read()
                if not data:
                    unfinished, before = self.tail[-1:] not in (b"", b"\n"), self.at
                    if data := self._turn():
                        pass
                    elif self.at != before:
                        data = b"\n" if unfinished else b""
                        if not data:
                            continue
                if data:
                    yield data, self.at
                    silent = time.monotonic()
                    continue
                if self.idle is not None and time.monotonic() - silent >= self.idle:
                    yield b"", self.at
                    silent = time.monotonic()
                self._pause()
        finally:
            self._close()

    def earlier(self, count: int) -> Position:
        """So many bytes before the position, in the same file."""
        if not count:
            return self.at
        offset = self.at.offset - count
        before = min(offset, _MARK)
        self.file.seek(offset - before)
        mark = zlib.crc32(self.file.read(before))
        self.file.seek(self.at.offset)
        return self.at._replace(offset=offset, mark=mark)

    def _read(self) -> bytes:
        """What there is after the position, up to a chunk."""
        data: bytes = b"" if self.file is None else self.file.read(MOST)
        if data:
            self.tail = (self.tail + data[-_MARK:])[-_MARK:]
            self.at = self.at._replace(offset=self.at.offset + len(data), mark=zlib.crc32(self.tail))
        return data

    def _turn(self) -> bytes:
        """Go on to the next file if there is one; or what the present one has got at the last moment."""
        if self.file is None:
            self._open(self.path)
            return b""
        try:
            found = os.stat(self.path)
        except OSError:
            return b""  # deleted or renamed: the open file may go on growing
        if (found.st_dev, found.st_ino) == self.at[:2]:
            if found.st_size < self.at.offset:
                self._tell(f"{self.path} was cut off after {self.at.offset:,} bytes: it is read from its beginning")
                self.file.seek(0)
                self.at, self.tail = Position(*self.at[:2], 0, 0), b""
            return b""
        if not found.st_size:
            return b""
        last = self._read()  # its writer has turned to the new file by now
        if not last:
            self._next()
        return last

    def _next(self) -> None:
        """Open the file that came after the present one."""
        ours, number = self.at[:2], -1
        while number != (number := self._number(ours)):  # again, where it was rotated at this very moment
            for between in range(number - 1, 0, -1):
                if self._open(self.path.with_name(f"{self.path.name}.{between}")):
                    said = f"{self.path} was rotated more than once: {self.path.name}.{between} is next"
                    break
            else:
                self._open(self.path)
                said = f"{self.path} is another file now: it is read from its beginning"
        if self.at[:2] != ours:
            self._tell(said)

    def _number(self, file: tuple[int, int]) -> int:
        """The n of a file that is path.n now, or 0."""
        names = {(found.st_dev, found.st_ino): name for name, found in self._siblings()}
        number = re.fullmatch(r"\.(\d+)", names.get(file, "").removeprefix(self.path.name))
        return int(number[1]) if number else 0

    def _resume(self, start: Position) -> None:
        """Open the file of a position, wherever it is now."""
        if self._open(self.path) and self._take_up(start):
            return
        same = self.file is not None and self.at[:2] == start[:2]
        for name, found in sorted(self._siblings(), key=lambda pair: pair[1].st_mtime_ns, reverse=True):
            # A file that was cut off may have been copied before.
            ours = re.fullmatch(r"[.-]\d[\d.:T_-]*", name.removeprefix(self.path.name)) if same else None
            if (found.st_dev, found.st_ino) != start[:2] and not ours:
                continue
            if self._open(self.path.with_name(name)) and self._take_up(start, anywhere=ours is not None):
                self._tell(f"{self.path} was rotated meanwhile: {name} is finished first")
                return
        self._tell(
            f"{self.path}: the file that was read up to byte {start.offset:,} is gone: what it got afterwards is lost",
            lost=True,
        )
        self._close()
        self._open(self.path)

    def _take_up(self, start: Position, *, anywhere: bool = False) -> bool:
        """Go to the position if the open file has it."""
        if self.file is None or (self.at[:2] != start[:2] and not anywhere):
            return False
        before = min(start.offset, _MARK)
        self.file.seek(start.offset - before)
        tail = self.file.read(before)
        if len(tail) < before or zlib.crc32(tail) != start.mark:
            return False
        self.tail, self.at = tail, Position(*self.at[:2], start.offset, start.mark)
        return True

    def _skip(self, start: int | Literal["end"]) -> None:
        """Leave out the beginning of the open file."""
        size = os.fstat(self.file.fileno()).st_size
        offset = size if start == "end" else start
        if offset > size:
            raise ValueError(f"start is {offset}: {self.path} has {size} bytes")
        before = min(offset, _MARK)
        self.file.seek(offset - before)
        self.tail = self.file.read(before)
        self.at = self.at._replace(offset=offset, mark=zlib.crc32(self.tail))

    def _open(self, path: Path) -> bool:
        """Open a file at its beginning, instead of the present one."""
        first = self.file is None and not any(self.at)
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(f"{path} is a folder: give the name of a file")
            if not stat.S_ISREG(mode):
                raise ValueError(f"{path} is no regular file: read pipes and devices with read_chunks")
            file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by _close
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            if first:
                raise
            if str(error) != self.trouble:
                self.trouble = str(error)
                self._tell(f"{path} cannot be read: {error}", lost=True)
            return False
        self._close()
        found = os.fstat(file.fileno())
        self.file, self.tail, self.at = file, b"", Position(found.st_dev, found.st_ino, 0, 0)
        return True

    def _siblings(self) -> list[tuple[str, os.stat_result]]:
        """Regular files whose names begin with that of the file."""
        siblings = []
        with suppress(OSError):
            for name in os.listdir(self.path.parent):
                if name.startswith(self.path.name) and name != self.path.name:
                    with suppress(OSError):  # gone since
                        found = os.stat(self.path.with_name(name))
                        if stat.S_ISREG(found.st_mode):
                            siblings.append((name, found))
        return siblings

    def _close(self) -> None:
        """Close the open file, if there is one."""
        if self.file is not None:
            self.file.close()
            self.file = None

    def _pause(self) -> None:
        """Wait until it is time to look again."""
        if isinstance(self.stop, Event):
            self.stop.wait(self.interval)
        else:
            time.sleep(self.interval)

    def _tell(self, text: str, *, lost: bool = False) -> None:
        """Say what happened."""
        if self.say is not None:
            self.say(text)
        else:
            _log.log(logging.WARNING if lost else logging.INFO, "%s", text)


def _checked_start(start: int | Literal["end"] | Position) -> int | Literal["end"] | Position:
    """Where to begin, checked."""
    if isinstance(start, Position) or start == "end":
        return start
    if isinstance(start, str | tuple | list):
        raise ValueError(f"start is {start!r}: give a number of bytes, 'end', or a Position")
    return whole_number(start, "start", 0)
