"""Bytes of a pipe the moment they come; what ends an endless source."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Callable, Iterator
from threading import Event
from typing import BinaryIO, TypeAlias

from ncd.arguments import real_number

__all__ = ["MOST", "Stop", "asked", "read_chunks", "seconds"]

#: What ends an endless source: an event that is set, or a function that says so.
Stop: TypeAlias = Event | Callable[[], bool] | None

#: Bytes of a chunk.
MOST = 1 << 20


def read_chunks(file: BinaryIO | int, *, idle: float | None = None, stop: Stop = None) -> Iterator[bytes]:
    """
    What a pipe or file gives, at once: nothing waits for a buffer to be full.

    Parameters
    ----------
    file : binary file or int
        Of which nothing has been read yet, such as ``sys.stdin.buffer``; or its descriptor.
    idle : float, optional
        Seconds without data after which an empty chunk is given, again and again, so that the caller can see to other
        things. Not for files without a descriptor, nor for pipes on Windows.
    stop : threading.Event or callable, optional
        Asked before each chunk; without `idle` a silent pipe is left only when it speaks.

    Yields
    ------
    bytes
        Up to 1 MiB.

    Examples
    --------
    >>> import os
    >>> reader, writer = os.pipe()
    >>> chunks = read_chunks(reader)
    >>> _ = os.write(writer, b"first line\\nhalf a li")
    >>> next(chunks)
    b'first line\\nhalf a li'
    >>> os.close(writer)
    >>> list(chunks)
    []
    """
    idle = seconds(idle, "idle")
    stopped = asked(stop)
    read, descriptor = _reader(file)
    while not stopped():
        if descriptor is not None and idle is not None and not _ready(descriptor, idle):
            yield b""
            continue
        try:
            data = read(MOST)
        except BlockingIOError:  # another program has set the pipe so
            data = None
        if data is None:
            if descriptor is not None:
                _ready(descriptor, idle)
            continue
        if not data:
            return
        yield data


def asked(stop: Stop) -> Callable[[], bool]:
    """What says whether to stop."""
    if stop is None:
        return lambda: False
    if isinstance(stop, Event):
        return stop.is_set
    if not callable(stop):
        raise TypeError(f"stop is {stop!r}: give a threading.Event or a function without arguments")
    return stop


def seconds(value: float | None, name: str) -> float | None:
    """A time, checked."""
    if value is None:
        return None
    return real_number(value, name, "give seconds, more than 0", lambda time: 0 < time < 1e6)


def _reader(file: BinaryIO | int) -> tuple[Callable[[int], bytes | None], int | None]:
    """How to read what is there, and the descriptor to wait for."""
    if isinstance(file, int):
        return (lambda size: os.read(file, size)), file
    raw = getattr(file, "raw", file)
    if isinstance(raw, io.FileIO):
        descriptor = raw.fileno()
        return (lambda size: os.read(descriptor, size)), descriptor
    read = getattr(file, "read1", None) or getattr(file, "read", None)
    if read is None or isinstance(file, io.TextIOBase):
        raise TypeError(f"file is {file!r}: give a binary file, such as sys.stdin.buffer, or a descriptor")
    return read, None


def _ready(descriptor: int, seconds: float | None) -> bool:
    """Whether there is something to read within the time; always where the system cannot say."""
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    except (OSError, ValueError):  # Windows knows sockets only; select knows descriptors up to 1,023
        return True
