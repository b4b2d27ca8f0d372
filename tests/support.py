"""Helpers that tests import: made-up texts, a compressor that counts its calls."""

import errno
import io
import os
import random
import signal
import time
from contextlib import contextmanager
from unittest import mock

from ncd.engines import host

WORDS = """
the of and a to in is was he for it with as his on be at by i this had not are but from or have an
they which one you were her all she there would their we him been has when who will more no if out
so said what up its
""".split()  # noqa: SIM905 - easier to read


def make_text(seed, words=60):
    """A reproducible text of common words."""
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def make_bytes(seed, size):
    """Reproducible bytes that nothing can compress."""
    return random.Random(seed).randbytes(size)


def finish(process, timeout=60):
    """Standard output of a process that must succeed."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


def killed(process):
    """Kill a process; the rest of its standard output."""
    process.kill()
    process.wait()
    return process.stdout.read()  # communicate() would lose what has been read ahead


def wait_until(condition, seconds=30):
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class FullDisk(io.FileIO):
    """A file on a disk with room for so many bytes."""

    room = 0

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


class Slow:
    """A compressor of the least interface: counts its calls, may take its time, may fail."""

    name = "slow"

    def __init__(self, seconds=0.0, fail_after=None):
        self.seconds, self.fail_after, self.calls = seconds, fail_after, 0

    def length(self, data):
        self.calls += 1
        if self.fail_after is not None and self.calls > self.fail_after:
            raise OSError("the codec broke down")
        if self.seconds:
            time.sleep(self.seconds)
        return len(set(data)) + len(data) / 8


class WhoWorks:
    """A compressor whose lengths tell the process or thread that worked."""

    name = "who"
    dtype = "int64"

    def __init__(self, ask):
        self.ask = ask

    def length(self, data):
        time.sleep(0.0005)
        return self.ask()


class Gate(Slow):
    """A compressor that waits for a file, at pairs that begin with one text."""

    def __init__(self, path, closed_at):
        super().__init__()
        self.path, self.closed_at = path, closed_at.encode()

    def length(self, data):
        if data.startswith(self.closed_at) and data != self.closed_at:
            wait_until(self.path.exists, 20)
        return super().length(data)


class Fragile(Slow):
    """A compressor at which its process dies: until there is a file, or whenever it is asked for a pair."""

    def __init__(self, path=None, seconds=0.0):
        super().__init__(seconds)
        self.path = path

    def length(self, data):
        if self.path is None or not self.path.exists():
            if self.path is not None:
                self.path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().length(data)


@contextmanager
def tiles(rows, columns):
    """Cut every matrix into blocks of this size, and measure nothing, so that calls can be counted."""

    def plan(cls, *args, mirrored=False, **_):
        shape = next(argument for argument in args if isinstance(argument, tuple))
        return cls(shape, rows, rows if mirrored else columns, mirrored)

    with (
        mock.patch.object(host.Grid, "plan", classmethod(plan)),
        mock.patch.object(host, "seconds_per_pair", return_value=1e-3),
    ):
        yield
