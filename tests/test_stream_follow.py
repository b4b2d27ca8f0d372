"""Bytes of pipes and of files that grow, are rotated, cut off, deleted and made again."""

import gzip
import io
import itertools
import logging
import os
import random
import threading
import time

import pytest
from support import finish, wait_until

from ncd.streams.follow import Position, follow, read_chunks


class Reader:
    """Follows a file in a thread; a list of chunks and what was said."""

    def __init__(self, path, **options):
        self.data, self.position, self.said, self.event, self.failed = b"", None, [], threading.Event(), None
        self.thread = threading.Thread(target=self.run, args=(path, options))
        self.thread.start()

    def run(self, path, options):
        try:
            for chunk, position in follow(path, interval=0.005, stop=self.event, say=self.said.append, **options):
                self.data, self.position = self.data + chunk, position
        except Exception as error:
            self.failed = error

    def wait(self, data):
        wait_until(lambda: self.data == data or not self.thread.is_alive(), 10)
        assert self.data == data

    def stop(self):
        self.event.set()
        self.thread.join(5)
        assert not self.thread.is_alive()
        assert self.failed is None


@pytest.fixture
def following():
    readers = []

    def start(path, **options):
        readers.append(Reader(path, **options))
        return readers[-1]

    yield start
    for reader in readers:
        reader.event.set()
        reader.thread.join(5)


def add(path, data):
    with open(path, "ab") as file:
        file.write(data)


def test_what_is_written_is_read(tmp_path, following):
    log = tmp_path / "log"
    reader = following(log)  # the file is not there yet
    add(log, b"one\n")
    reader.wait(b"one\n")
    add(log, b"tw")
    reader.wait(b"one\ntw")
    add(log, b"o\n" + bytes(3 << 20))
    reader.wait(b"one\ntwo\n" + bytes(3 << 20))
    assert reader.position.offset == 8 + (3 << 20)
    reader.stop()


def test_start(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"0123456789")
    assert next(follow(log, start=4))[0] == b"456789"
    with pytest.raises(ValueError, match=r"start is 11: .* has 10 bytes"):
        next(follow(log, start=11))
    lines = follow(log, start="end", idle=0.01, interval=0.01)
    chunk, position = next(lines)
    assert (chunk, position.offset) == (b"", 10)
    add(log, b"x")
    assert next(chunk for chunk, _ in lines if chunk) == b"x"


def test_rotation_finishes_the_old_file_first(tmp_path, following):
    log = tmp_path / "log"
    add(log, b"1\n")
    reader = following(log)
    reader.wait(b"1\n")
    writer = open(log, "ab", buffering=0)  # noqa: SIM115 - goes on with the old file
    log.rename(tmp_path / "log.1")
    writer.write(b"2\n")
    reader.wait(b"1\n2\n")
    log.touch()  # logrotate makes the new file, before the writer turns to it
    writer.write(b"3\n")
    reader.wait(b"1\n2\n3\n")
    time.sleep(0.05)
    writer.write(b"4\n")
    writer.close()
    add(log, b"5\n")
    reader.wait(b"1\n2\n3\n4\n5\n")
    reader.stop()
    assert reader.said == [f"{log} is another file now: it is read from its beginning"]


def test_an_unfinished_line_is_ended_by_rotation(tmp_path, following):
    log = tmp_path / "log"
    add(log, b"half a line")
    reader = following(log)
    reader.wait(b"half a line")
    log.rename(tmp_path / "log.1")
    add(log, b"new\n")
    reader.wait(b"half a line\nnew\n")
    reader.stop()


def test_cut_off_files_are_read_anew(tmp_path, following):
    log = tmp_path / "log"
    add(log, b"one\ntwo\nthree")
    reader = following(log)
    reader.wait(b"one\ntwo\nthree")
    log.write_bytes(b"")
    add(log, b"four\n")
    reader.wait(b"one\ntwo\nthree\nfour\n")
    reader.stop()
    assert reader.said == [f"{log} was cut off after 13 bytes: it is read from its beginning"]


def test_deleted_and_made_again(tmp_path, following):
    log = tmp_path / "log"
    add(log, b"one\n")
    reader = following(log)
    reader.wait(b"one\n")
    log.unlink()
    time.sleep(0.03)
    add(log, b"two\n")
    reader.wait(b"one\ntwo\n")
    reader.stop()


def test_resumes_in_the_same_file(tmp_path):
    log = tmp_path / "log"
    add(log, b"one\ntwo\n")
    _, position = next(follow(log))
    add(log, b"three\n")
    assert next(follow(log, start=Position(*list(position))))[0] == b"three\n"


@pytest.mark.parametrize("names", [["log.1"], ["log-20240131"], ["log.1", "log.2"], ["log.1", "log.2", "log.3"]])
def test_resumes_in_a_file_rotated_meanwhile(tmp_path, following, names):
    log = tmp_path / "log"
    add(log, b"0\n")
    _, position = next(follow(log))
    add(log, b"late\n")
    wanted = b"late\n"
    for number in range(len(names)):
        for name, older in zip(reversed(names[:number]), reversed(names[1 : number + 1]), strict=True):
            (tmp_path / name).rename(tmp_path / older)
        log.rename(tmp_path / names[0])
        add(log, b"file %d\n" % number)
        wanted += b"file %d\n" % number
    reader = following(log, start=position)
    reader.wait(wanted)
    reader.stop()
    assert reader.said[0] == f"{log} was rotated meanwhile: {names[-1]} is finished first"


def test_resumes_after_copy_and_truncation(tmp_path, following):
    log = tmp_path / "log"
    add(log, b"one\ntwo\n")
    _, position = next(follow(log))
    add(log, b"three\n")
    (tmp_path / "log.1").write_bytes(log.read_bytes())
    log.write_bytes(b"")
    add(log, b"four, and longer than before\n")
    reader = following(log, start=position)
    reader.wait(b"three\nfour, and longer than before\n")
    reader.stop()


def test_says_that_data_are_lost(tmp_path, caplog):
    log = tmp_path / "log"
    add(log, b"one\ntwo\n")
    _, position = next(follow(log))
    log.write_bytes(b"other\nlines\n")  # the same inode
    with caplog.at_level(logging.WARNING, "ncd.streams"):
        assert next(follow(log, start=position))[0] == b"other\nlines\n"
    assert caplog.messages == [f"{log}: the file that was read up to byte 8 is gone: what it got afterwards is lost"]


def test_nothing_was_there(tmp_path, following):
    """The position of a file that was never opened."""
    empty, position = next(follow(tmp_path / "log", idle=0.01, interval=0.01))
    assert empty == b""
    add(tmp_path / "log", b"one\n")
    reader = following(tmp_path / "log", start=position)
    reader.wait(b"one\n")
    reader.stop()
    assert not reader.said


WRITER = """
import os, random, time
chance = random.Random(SEED)
for number in range(1, 2000):
    if chance.random() < 0.01:
        for older in range(60, 0, -1):
            name = f"{PATH}.{older}"
            if os.path.exists(name):
                os.rename(name, f"{PATH}.{older + 1}")
        os.rename(PATH, f"{PATH}.1")
    with open(PATH, "a") as file:
        file.write(f"line {number}\\n")
    if chance.random() < 0.1:
        time.sleep(0.001)
"""


@pytest.mark.parametrize("seed", range(3))
def test_no_line_is_lost_or_doubled_by_rotation_and_restarts(tmp_path, python, seed):
    """A writer rotates about 20 times; the reader stops and resumes from its position again and again."""
    log = tmp_path / "log"
    add(log, b"line 0\n")
    data, position = next(follow(log))
    process = python(f"SEED, PATH = {seed}, {str(log)!r}" + WRITER)
    chance, restarts, end = random.Random(seed), 0, time.monotonic() + 20
    while data.count(b"\n") < 2000 and time.monotonic() < end:
        lines = follow(log, start=position, interval=0.0005, idle=0.05, say=lambda text: None)
        for found in itertools.islice(lines, chance.randrange(1, 30)):
            chunk, position = found
            data += chunk
        restarts += 1
    finish(process)
    assert data.decode().splitlines() == [f"line {number}" for number in range(2000)]
    assert restarts > 5


def test_arguments(tmp_path):
    with pytest.raises(IsADirectoryError):
        next(follow(tmp_path))
    with pytest.raises(ValueError, match="no regular file"):
        next(follow("/dev/null"))
    for start in ("beginning", (1, 2, 3, 4), -1):
        with pytest.raises(ValueError, match="start is"):
            follow(tmp_path / "log", start=start)
    with pytest.raises(ValueError, match="interval is 0"):
        follow(tmp_path / "log", interval=0)
    with pytest.raises(TypeError, match="stop is 3"):
        next(follow(tmp_path / "log", stop=3))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_files(tmp_path):
    (tmp_path / "log").touch(0o000)
    with pytest.raises(PermissionError):
        next(follow(tmp_path / "log"))


def test_chunks_come_as_they_arrive():
    reader, writer = os.pipe()
    with open(reader, "rb") as file:
        chunks = read_chunks(file, idle=0.01)
        os.write(writer, b"half a li")
        assert next(chunks) == b"half a li"
        assert next(chunks) == b""  # nothing for a while
        os.write(writer, b"ne\n")
        assert next(chunk for chunk in chunks if chunk) == b"ne\n"
        os.close(writer)
        assert list(chunks) == []


def test_a_pipe_that_does_not_block():
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    threading.Timer(0.05, lambda: (os.write(writer, b"late"), os.close(writer))).start()
    assert b"".join(read_chunks(reader)) == b"late"
    os.close(reader)


def test_files_without_a_descriptor_and_packed_ones(tmp_path):
    data = random.Random(0).randbytes(3_000_000)
    with gzip.open(tmp_path / "data.gz", "wb") as file:
        file.write(data)
    with gzip.open(tmp_path / "data.gz") as file:
        assert b"".join(read_chunks(file)) == data
    assert b"".join(read_chunks(io.BytesIO(data))) == data
    with pytest.raises(TypeError, match="give a binary file"):
        next(read_chunks(io.StringIO("text")))


def test_chunks_stop():
    assert list(read_chunks(io.BytesIO(b"x"), stop=lambda: True)) == []
