"""Units from sources to detectors: nothing is acknowledged before it is in a checkpoint."""

import ast
import gc
import queue
import random
import threading
import time
import weakref

import pytest
from stream_toys import Chain, chained
from support import killed, wait_until

from ncd.streams.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from ncd.streams.detector import StreamDetector
from ncd.streams.follow import Position
from ncd.streams.keyed import KeyedDetectors, KeyedUpdateError
from ncd.streams.sources import FileSource, Source, watch

UNITS = [f"unit {number}" for number in range(400)]


class Letters:
    """A queue that delivers again what was not acknowledged, in batches; it notes when that happened."""

    def __init__(self, units, batch=7):
        self.units, self.batch, self.acknowledged, self.notes = units, batch, 0, []

    def __iter__(self):
        for first in range(self.acknowledged, len(self.units), self.batch):
            units = self.units[first : first + self.batch]
            yield first + len(units), units

    def acknowledge(self, token):
        self.acknowledged = token
        self.notes.append(token)


def test_any_iterable_of_units():
    assert list(watch(UNITS, Chain())) == chained(UNITS)
    assert list(watch(iter(UNITS), Chain())) == chained(UNITS)
    assert list(watch([], Chain())) == []


def test_changes_are_given_the_moment_they_are_known():
    taken = []

    def units():
        for unit in UNITS:
            taken.append(unit)
            yield unit

    for change in watch(units(), Chain()):
        assert change["unit"] == len(taken) - 1


def test_batches_are_acknowledged_when_their_changes_have_been_taken():
    source = Letters(UNITS)
    assert isinstance(source, Source)
    assert list(watch(source, Chain())) == chained(UNITS)
    assert source.notes == [*range(7, 400, 7), 400]
    source = Letters(UNITS)
    changes = watch(source, Chain())
    first = next(changes)
    assert source.acknowledged == first["unit"] // 7 * 7  # its own batch is not done
    next(changes)
    assert source.acknowledged > first["unit"]


def test_a_batch_is_acknowledged_after_its_checkpoint(tmp_path):
    path, seen = tmp_path / "c", []

    class Noting(Letters):
        def acknowledge(self, token):
            seen.append((token, read_checkpoint(path, kind="watch of a Chain")["detector"]["n_units"]))
            super().acknowledge(token)

    list(watch(Noting(UNITS), Chain(), checkpoint=path, every=0))
    assert seen == [(token, token) for token in [*range(7, 400, 7), 400]]
    seen.clear()
    path.unlink()
    list(watch(Noting(UNITS), Chain(), checkpoint=path, every=1000))
    assert seen == [(400, 400)]  # at the end


@pytest.mark.parametrize("seed", range(5))
def test_stopped_at_any_moment_it_goes_on_there(tmp_path, seed):
    """The reader of changes stops at will, as in a crash: each change is there, and those twice are the same."""
    chance, source, found = random.Random(seed), Letters(UNITS, batch=4 + 3 * seed), {}
    for _ in range(10_000):
        detector = Chain()
        for change in watch(source, detector, checkpoint=tmp_path / "c", every=0):
            assert found.setdefault(change["unit"], change) == change
            if chance.random() < 0.4:
                break
        else:
            break
    assert [found[unit] for unit in sorted(found)] == chained(UNITS)
    assert detector.n_units == source.acknowledged == len(UNITS)


def test_a_failed_checkpoint_acknowledges_nothing(tmp_path):
    source = Letters(UNITS)
    with pytest.raises(FileNotFoundError):
        list(watch(source, Chain(), checkpoint=tmp_path / "none" / "c", every=0))
    assert source.notes == []


def test_empty_batches_are_the_time_for_a_checkpoint(tmp_path):
    class Silent(Letters):
        def __iter__(self):
            yield 3, self.units[:3]
            for _ in range(4):
                time.sleep(0.02)
                yield 3, []

    source = Silent(UNITS)
    list(watch(source, Chain(), checkpoint=tmp_path / "c", every=0.03))
    assert source.notes == [3]  # once: nothing was new afterwards


def test_keys():
    keyed = KeyedDetectors(Chain)
    found = list(watch(UNITS, keyed, key=lambda unit: unit[-1]))
    assert {key: detector.n_units for key, detector in keyed.items()} == dict.fromkeys("0123456789", 40)
    for key in keyed:
        assert [change for k, change in found if k == key] == chained(unit for unit in UNITS if unit[-1] == key)


def test_keyed_detectors_come_back_from_a_checkpoint(tmp_path):
    whole = KeyedDetectors(Chain)
    wanted = list(watch(UNITS, whole, key=lambda unit: unit[-1]))
    first = list(watch(UNITS[:150], KeyedDetectors(Chain), key=lambda unit: unit[-1], checkpoint=tmp_path / "c"))
    keyed = KeyedDetectors(Chain)
    second = list(watch(UNITS[150:], keyed, key=lambda unit: unit[-1], checkpoint=tmp_path / "c"))
    assert first + second == wanted
    assert {key: keyed[key].value for key in keyed} == {key: whole[key].value for key in whole}


def test_stream_detectors_go_on_as_they_were(tmp_path):
    """Restarted at random moments: the same changes, the same statistics to the last bit."""
    chance = random.Random(3)
    lines = [f"{chance.choice('ab')} GET /{chance.randrange(40)} 200 {chance.randrange(10_000)}" for _ in range(700)]
    lines += [f"{chance.choice('ab')} worker {chance.randrange(99)} killed: out of memory" for _ in range(80)]

    def new():
        return KeyedDetectors(lambda: StreamDetector(reference=100, arl=10_000))

    whole, found, at = new(), [], 0
    wanted = list(watch(lines, whole, key=lambda line: line[0]))
    while at < len(lines):
        detectors, size = new(), chance.randrange(1, 200)
        found += watch(lines[at : at + size], detectors, key=lambda line: line[0], checkpoint=tmp_path / "c")
        at += size
    assert found == wanted
    assert {key for key, _ in wanted} == {"a", "b"}
    assert [detectors[key].statistic for key in "ab"] == [whole[key].statistic for key in "ab"]


def test_other_checkpoints_are_refused(tmp_path):
    list(watch(UNITS, Chain(), checkpoint=tmp_path / "c"))
    with pytest.raises(CheckpointError, match="of a 'watch of a Chain', where one of a 'watch of a KeyedDetectors'"):
        list(watch(UNITS, KeyedDetectors(Chain), key=str, checkpoint=tmp_path / "c"))
    with pytest.raises(CheckpointError, match="it has no position of its source"):
        list(watch(FileSource(tmp_path / "log", stop=lambda: True), Chain(), checkpoint=tmp_path / "c"))
    write_checkpoint(tmp_path / "c", {}, kind="other")
    with pytest.raises(CheckpointError, match="of a 'other'"):
        list(watch(UNITS, Chain(), checkpoint=tmp_path / "c"))


def test_bad_arguments():
    with pytest.raises(TypeError, match="key and KeyedDetectors go together"):
        watch(UNITS, KeyedDetectors(Chain))
    with pytest.raises(TypeError, match="key and KeyedDetectors go together"):
        watch(UNITS, Chain(), key=str)
    with pytest.raises(TypeError, match="source is a single str"):
        watch("unit", Chain())
    with pytest.raises(ValueError, match="every is -1"):
        watch(UNITS, Chain(), every=-1)


def test_lines_of_a_file(tmp_path):
    log, stop = tmp_path / "log", threading.Event()
    log.write_bytes(b"one\r\ntwo\n\xff\nhalf")
    batches = iter(FileSource(log, interval=0.01, stop=stop))
    position, lines = next(batches)
    assert (lines, position.offset) == ([b"one", b"two", b"\xff"], 11)
    with open(log, "ab") as file:
        file.write(b" a line\nlast\nno")
    assert [lines for _, lines in [next(batches)]] == [[b"half a line", b"last"]]
    log.rename(tmp_path / "log.1")
    log.write_bytes(b"new\n")
    position, lines = next(batches)
    assert (lines, position.offset) == ([b"no"], 0)  # ended by the rotation
    assert next(batches)[1] == [b"new"]
    stop.set()
    assert list(batches) == []


def test_a_long_line_comes_once_it_is_whole(tmp_path):
    log, long = tmp_path / "log", random.Random(0).randbytes(5_000_000).replace(b"\n", b".").replace(b"\r", b".")
    log.write_bytes(b"first\n" + long + b"\nlast\n")
    source = FileSource(log)
    seen = []
    for position, lines in source:
        seen += lines
        source.seek(source.position(position))
        if len(seen) == 3:
            break
    assert seen == [b"first", long, b"last"]
    assert position == Position(log.stat().st_dev, log.stat().st_ino, log.stat().st_size, position.mark)
    assert isinstance(source, Source)


WATCHER = """
import sys
from stream_toys import Chain
from ncd.streams.sources import FileSource, watch
print("ready", flush=True)
source = FileSource(LOG, interval=0.001, say=lambda text: None)
for change in watch(source, Chain(), checkpoint=CHECKPOINT, every=0.005):
    print(change, flush=True)
"""


def test_a_killed_watcher_of_a_rotated_file_misses_nothing(tmp_path, python):
    """Killed six times while the file grows and is rotated: every line is counted once."""
    log, checkpoint, chance, printed = tmp_path / "log", tmp_path / "c", random.Random(0), ""
    lines = [b"line %d" % number for number in range(1500)]
    for part in range(0, 1500, 250):
        process = python(f"LOG, CHECKPOINT = {str(log)!r}, {str(checkpoint)!r}" + WATCHER)
        assert process.stdout.readline() == "ready\n"
        for line in lines[part : part + 250]:
            with open(log, "ab") as file:
                file.write(line + b"\n")
            if line is lines[0]:  # without a checkpoint nobody knows of files that were rotated before
                wait_until(checkpoint.exists)
            if chance.random() < 0.01:
                for older in range(40, 0, -1):
                    if (tmp_path / f"log.{older}").exists():
                        (tmp_path / f"log.{older}").rename(tmp_path / f"log.{older + 1}")
                log.rename(tmp_path / "log.1")
            if chance.random() < 0.05:
                time.sleep(0.001)
        printed += killed(process)
    stop, detector, found = threading.Event(), Chain(), []
    source = FileSource(log, interval=0.001, stop=stop, say=lambda text: None)
    thread = threading.Thread(target=lambda: found.extend(watch(source, detector, checkpoint=checkpoint)))
    thread.start()
    wait_until(lambda: detector.n_units >= len(lines))
    stop.set()
    thread.join()
    assert detector.n_units == len(lines)
    once = {change["unit"]: change for change in [*map(ast.literal_eval, printed.splitlines()), *found]}
    assert [once[unit] for unit in sorted(once)] == chained(lines)


def test_bad_units_of_a_key_are_reported_with_the_others_changes():
    class Strict(Chain):
        def update_many(self, xs):
            if any(x.endswith("3") for x in xs):
                raise TypeError("a three")
            return super().update_many(xs)

    with pytest.raises(KeyedUpdateError, match="key '3': a three"):
        list(watch(UNITS, KeyedDetectors(Strict), key=lambda unit: unit[-1]))


def test_a_queue_of_the_standard_library():
    """As the guide shows it."""
    waiting = queue.SimpleQueue()

    class QueueSource:
        def __iter__(self):
            while True:
                units = [waiting.get()]
                while not waiting.empty():
                    units.append(waiting.get())
                if units[-1] is None:
                    yield None, units[:-1]
                    return
                yield None, units

        def acknowledge(self, token):
            pass

    def put():
        for unit in [*UNITS, None]:
            waiting.put(unit)

    thread = threading.Thread(target=put)
    thread.start()
    assert list(watch(QueueSource(), Chain())) == chained(UNITS)
    thread.join()


def test_changes_are_not_kept_without_a_store():
    class Change:
        pass

    class Always(Chain):
        def update_many(self, xs):
            return [Change() for _ in xs]

    watching = watch(range(50), Always())
    seen = [weakref.ref(next(watching)) for _ in range(20)]
    gc.collect()
    assert sum(change() is not None for change in seen) <= 1
