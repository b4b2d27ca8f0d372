"""Runs that end early, and those that take up where they stopped."""

import io
import json
import os
import re
import shutil
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from support import FullDisk, Slow, make_text, tiles, wait_until

import ncd
from ncd import matrixfile, storage
from ncd.engines.host import Block, Grid
from ncd.matrixfile import MatrixFile

X = [make_text(seed, 10) for seed in range(60)]
ROWS = 4  # rows of a block, so 15 blocks of 240 pairs
BLOCK = ROWS * len(X)


@pytest.fixture(scope="module")
def expected():
    return ncd.pairwise(X, compressor=Slow())


@pytest.fixture(params=["npy", "zarr"])
def out(request, tmp_path):
    """Where a matrix goes, in each format."""
    if request.param == "zarr":
        pytest.importorskip("zarr")
    return tmp_path / f"d.{request.param}"


@pytest.fixture
def npy(tmp_path):
    return tmp_path / "d.npy"


def under_construction(out):
    return [f"{out.name}.partial", f"{out.name}.progress"]


def content(folder):
    """All that is in a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(out, slow, *, n_jobs=1, texts=X, **options):
    with tiles(ROWS, len(X)):
        return ncd.pairwise(texts, compressor=slow, out=out, n_jobs=n_jobs, **options)


def fail(out, blocks, *, seconds=0.0, **options):
    """A run whose compressor breaks down after the single lengths, some blocks, and a part of another."""
    with pytest.raises(OSError, match="broke down"):
        run(out, Slow(seconds, fail_after=len(X) + blocks * BLOCK + 100), **options)


def names(out):
    return sorted(path.name for path in out.parent.iterdir())


def finished(out):
    return [int(line) for line in Path(f"{out}.progress").read_text().splitlines()[1:]]


# failures


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failure_leaves_nothing(out, n_jobs):
    fail(out, 3, n_jobs=n_jobs)
    assert names(out) == []


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_failure_leaves_an_earlier_file_as_it_was(out, checkpoint):
    run(out, Slow(), texts=X[:9])
    before = content(out.parent)
    fail(out, 3, checkpoint=checkpoint)
    assert before.items() <= content(out.parent).items()


def test_resuming_computes_what_is_missing_only(out, expected):
    fail(out, 3, checkpoint=True)
    assert names(out) == under_construction(out)
    assert finished(out) == [0, 1, 2]
    fail(out, 5, checkpoint=True)
    assert finished(out) == list(range(8))
    slow = Slow()
    matrix = run(out, slow, checkpoint=True)
    assert slow.calls == len(X) + 7 * BLOCK
    assert np.array_equal(matrix, expected)
    assert names(out) == [out.name]


def test_resuming_keeps_the_earlier_blocks(out, expected):
    fail(out, 3, checkpoint=True)
    with tiles(7, 5):  # what would be chosen now
        matrix = ncd.pairwise(X, compressor=Slow(), out=out, checkpoint=True)
    assert np.array_equal(matrix, expected)


@pytest.mark.parametrize("options", [{"symmetrize": "min"}, {"order": "sorted"}, {"dtype": "float32"}], ids=str)
def test_resuming_with_other_options(out, options):
    whole = ncd.pairwise(X, compressor=Slow(), **options)
    with tiles(20, 20), pytest.raises(OSError, match="broke down"):
        ncd.pairwise(X, compressor=Slow(fail_after=1000), out=out, checkpoint=True, n_jobs=1, **options)
    assert 0 < len(finished(out)) < 6
    assert np.array_equal(run(out, Slow(), checkpoint=True, **options), whole)


def test_resuming_with_workers(out, expected):
    fail(out, 6, checkpoint=True, n_jobs=2, seconds=1e-4)
    assert 1 <= len(finished(out)) <= 6
    assert np.array_equal(run(out, Slow(), checkpoint=True, n_jobs=2), expected)


def test_without_checkpoint_a_run_starts_anew(out, expected):
    fail(out, 3, checkpoint=True)
    slow = Slow()
    assert np.array_equal(run(out, slow), expected)
    assert slow.calls == len(X) + 15 * BLOCK


@pytest.mark.parametrize("ends", ["well", "by failure"])
def test_without_checkpoint_an_earlier_one_stays_as_it_was(out, expected, ends):
    fail(out, 3, checkpoint=True)
    before = content(out.parent)
    if ends == "well":
        run(out, Slow())
        shutil.rmtree(out) if out.is_dir() else out.unlink()
    else:
        fail(out, 1)
    assert content(out.parent) == before
    assert np.array_equal(run(out, Slow(), checkpoint=True), expected)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_run_without_checkpoint_does_no_harm(out, python, expected):
    fail(out, 3, checkpoint=True)
    process = python(KILLED.format(out=str(out), n_jobs=1).replace("checkpoint=True", "checkpoint=False"))
    wait_until(lambda: process.poll() is not None or len(names(out)) == 3)
    assert process.poll() is None, process.communicate()[1]
    process.kill()
    process.wait()
    slow = Slow()
    assert np.array_equal(run(out, slow, checkpoint=True), expected)
    assert slow.calls == len(X) + 12 * BLOCK


def test_old_notes_are_gone_before_there_are_new_data(npy, expected):
    fail(npy, 3, checkpoint=True)
    Path(f"{npy}.partial").unlink()

    def killed(path, mode="r", **options):
        if "w" in mode and str(path).endswith(".partial"):
            assert Path(f"{npy}.progress").stat().st_size == 0
        return open(path, mode, **options)

    with mock.patch.object(storage, "open", killed, create=True):
        assert np.array_equal(run(npy, Slow(), checkpoint=True), expected)


def test_a_shortened_file_is_refused(npy):
    fail(npy, 3, checkpoint=True)
    partial = Path(f"{npy}.partial")
    os.truncate(partial, 500)
    slow = Slow()
    with pytest.raises(
        ValueError, match=r"has 500 bytes instead of 28,928.*: delete d\.npy\.progress and d\.npy\.partial"
    ):
        run(npy, slow, checkpoint=True)
    assert slow.calls == 0
    assert partial.stat().st_size == 500
    assert finished(npy) == [0, 1, 2]


def test_notes_without_data_or_data_without_notes(out, expected):
    for lost in ("partial", "progress"):
        fail(out, 3, checkpoint=True)
        gone = Path(f"{out}.{lost}")
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        slow = Slow()
        assert np.array_equal(run(out, slow, checkpoint=True), expected)
        assert slow.calls == len(X) + 15 * BLOCK
        assert names(out) == [out.name]


# torn notes


def test_a_torn_line_is_ignored(out, expected):
    fail(out, 3, checkpoint=True)
    with open(f"{out}.progress", "a") as notes:
        notes.write("1")  # of 10 or 11
    slow = Slow()
    assert np.array_equal(run(out, slow, checkpoint=True), expected)
    assert slow.calls == len(X) + 12 * BLOCK


def test_a_torn_line_does_not_join_the_next(out, expected):
    fail(out, 3, checkpoint=True)
    with open(f"{out}.progress", "a") as notes:
        notes.write("1")
    fail(out, 2, checkpoint=True)
    assert finished(out) == [0, 1, 2, 3, 4]  # and not 13, which has never been computed
    assert np.array_equal(run(out, Slow(), checkpoint=True), expected)


# checkpoints of something else


@pytest.mark.parametrize(
    "other",
    [
        {"texts": [*X[:-1], "another text"]},
        {"texts": X[:-1]},
        {"metric": "cdm"},
        {"separator": ""},
        {"order": "yx"},
        {"symmetrize": "min"},
        {"remove_overhead": True},
        {"clip": True},
        {"dtype": np.float32},
        {"Y": X},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_checkpoint_is_refused(out, other, expected):
    fail(out, 3, checkpoint=True)
    before = content(out.parent)
    slow = Slow()
    with pytest.raises(ValueError, match=r"belongs to other texts or options: delete d\.(npy|zarr)\.progress"):
        run(out, slow, checkpoint=True, **other)
    assert slow.calls == 0
    assert content(out.parent) == before
    assert np.array_equal(run(out, Slow(), checkpoint=True), expected)


def test_another_compressor_is_refused(npy):
    fail(npy, 3, checkpoint=True)
    with pytest.raises(ValueError, match="belongs to other texts or options"):
        run(npy, "gzip", checkpoint=True)
    newer = Slow()
    newer.version = "2"
    with pytest.raises(ValueError, match="belongs to other texts or options"):
        run(npy, newer, checkpoint=True)


@pytest.mark.parametrize("content", ["", "what?", "[]", "3", "{}", '{"format": "ncd-matrix-progress", "version": 99}'])
def test_notes_of_another_kind_are_refused(out, content):
    fail(out, 3, checkpoint=True)
    Path(f"{out}.progress").write_text(content + "\n")
    with pytest.raises(ValueError, match=r"is not a checkpoint of this release: delete d\.(npy|zarr)\.progress and"):
        run(out, Slow(), checkpoint=True)


# killed


KILLED = """
import ncd
from ncd import matrixfile
from support import Slow, make_text
matrixfile._SAVE_SECONDS = 0.1
X = [make_text(seed, 10) for seed in range(60)]
ncd.pairwise(X, compressor=Slow(0.002), out={out!r}, checkpoint=True, n_jobs={n_jobs})
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_killed_run_resumes(out, python, expected, n_jobs):
    process = python(KILLED.format(out=str(out), n_jobs=n_jobs))
    notes = Path(f"{out}.progress")
    wait_until(lambda: process.poll() is not None or (notes.exists() and notes.read_text().count("\n") > 1))
    assert process.poll() is None, process.communicate()[1]
    process.kill()
    process.wait()
    assert names(out) == under_construction(out)
    done = finished(out)
    header = json.loads(notes.read_text().splitlines()[0])
    blocks = Grid((60, 60), header["rows"], header["columns"]).blocks()
    missing = [block for i, block in enumerate(blocks) if i not in done]
    assert 1 <= len(done) < len(blocks)
    with open(notes, "a") as torn:
        torn.write("1")
    slow = Slow()
    assert np.array_equal(run(out, slow, checkpoint=True), expected)
    assert slow.calls == 60 + sum((b.bottom - b.top) * (b.right - b.left) for b in missing)
    assert names(out) == [out.name]


# two runs at once


locking = pytest.mark.skipif(matrixfile.fcntl is None, reason="no locks here")


@locking
def test_a_second_run_is_refused(tmp_path):
    grid = Grid((4, 3), 4, 3)
    first = MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    for _ in range(2):
        with pytest.raises(BlockingIOError, match=r"another run is writing .*d\.npy: wait"):
            MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    other = MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=False)
    other.write(grid.blocks()[0], np.full((4, 3), 2.0))
    first.write(grid.blocks()[0], np.full((4, 3), 1.0))
    assert other.commit().tolist() == [[2.0] * 3] * 4
    first.finish(0)
    first.abandon()
    again = MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    assert again.done == {0}
    assert again.commit().tolist() == [[1.0] * 3] * 4
    assert names(tmp_path / "d.npy") == ["d.npy"]


@locking
def test_a_run_that_ends_meanwhile_takes_its_lock_along(tmp_path):
    """Between opening the notes and locking them, the other run has removed them: there is nothing to hold."""
    grid = Grid((4, 3), 4, 3)
    notes = tmp_path / "d.npy.progress"
    flock, calls = matrixfile.fcntl.flock, []

    def slow_flock(*arguments):
        if not calls:
            notes.unlink()
        calls.append(arguments)
        flock(*arguments)

    with mock.patch.object(matrixfile.fcntl, "flock", slow_flock):
        file = MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    assert len(calls) == 2
    with pytest.raises(BlockingIOError):
        MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    file.abandon(keep=False)
    assert names(tmp_path / "d.npy") == []


@locking
def test_where_a_file_system_has_no_locks(npy, expected):
    with mock.patch.object(matrixfile.fcntl, "flock", side_effect=OSError("not supported")):
        assert np.array_equal(run(npy, Slow(), checkpoint=True), expected)
    assert names(npy) == [npy.name]


@locking
def test_a_forked_worker_does_not_keep_the_lock(tmp_path, python):
    """A killed run's workers may live a little longer."""
    code = f"""
import os, sys, time
import numpy as np
from ncd.engines.host import Grid
from ncd.matrixfile import MatrixFile
file = MatrixFile({str(tmp_path / "d.npy")!r}, Grid((4, 3), 4, 3), np.float64, "digest", checkpoint=True)
if not (worker := os.fork()):
    print(os.getpid(), flush=True)
    os.close(1)
    os.close(2)
    time.sleep(60)
time.sleep(60)
"""
    process = python(code)
    worker = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        os.kill(worker, 0)
        MatrixFile(tmp_path / "d.npy", Grid((4, 3), 4, 3), np.float64, "digest", checkpoint=True).abandon()
    finally:
        os.kill(worker, 9)


# the file itself


@pytest.mark.parametrize("room", [0, 128, 10_000])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_full_disk_leaves_nothing_behind(npy, expected, checkpoint, room):
    """Closing such a file fails too."""

    def opens(path, mode="r", **options):
        if not str(path).endswith(".partial"):
            return open(path, mode, **options)
        raw = FullDisk(path, mode.replace("b", ""))
        raw.room = room
        return io.BufferedRandom(raw)

    with (
        mock.patch.object(storage, "open", opens, create=True),
        pytest.raises(OSError, match="No space left on device"),
    ):
        run(npy, Slow(), checkpoint=checkpoint)
    assert names(npy) == (under_construction(npy) if checkpoint and room else [])
    assert np.array_equal(run(npy, Slow(), checkpoint=checkpoint), expected)
    assert names(npy) == [npy.name]


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_file_that_cannot_get_its_name(out, expected, checkpoint):
    replace = os.replace

    def refuse(source, target):
        if Path(target) == out:
            raise PermissionError("not now")
        replace(source, target)

    with mock.patch.object(os, "replace", refuse), pytest.raises(PermissionError, match="not now"):
        run(out, Slow(), checkpoint=checkpoint)
    assert names(out) == (under_construction(out) if checkpoint else [])
    slow = Slow()
    assert np.array_equal(run(out, slow, checkpoint=checkpoint), expected)
    assert slow.calls == len(X) + (0 if checkpoint else 15 * BLOCK)


def test_unwritable_data_leave_nothing(npy):
    with (
        mock.patch.object(np.lib.format, "write_array_header_1_0", side_effect=OSError("disk full")),
        pytest.raises(OSError, match="disk full"),
    ):
        run(npy, Slow(), checkpoint=True)
    assert names(npy) == []


def test_unwritable_data_do_not_cost_the_checkpoint(npy, expected):
    fail(npy, 3, checkpoint=True)
    with (
        mock.patch.object(np.lib.format, "write_array_header_1_0", side_effect=OSError("disk full")),
        pytest.raises(OSError, match="disk full"),
    ):
        run(npy, Slow(), checkpoint=True)
    assert finished(npy) == [0, 1, 2]
    slow = Slow()
    assert np.array_equal(run(npy, slow, checkpoint=True), expected)
    assert slow.calls == len(X) + 12 * BLOCK


def test_notes_follow_their_data(tmp_path):
    """At every moment, what the notes list is in the file already."""
    grid = Grid((4, 3), 1, 3)
    file = MatrixFile(tmp_path / "d.npy", grid, np.float64, "digest", checkpoint=True)
    for index, block in enumerate(grid.blocks()):
        file.write(block, np.full((1, 3), index + 1.0))
        file._saved -= 10  # as if seconds had passed
        file.finish(index)
        copy = tmp_path / f"copy{index}.npy"
        shutil.copy(file.partial, copy)
        assert file.progress.read_text().splitlines()[1:] == [str(i) for i in range(index + 1)]
        assert np.load(copy)[: index + 1].tolist() == [[i + 1.0] * 3 for i in range(index + 1)]
    assert file.commit().shape == (4, 3)


@pytest.mark.parametrize("block", [Block(0, 2, 0, 5), Block(1, 3, 2, 4), Block(3, 4, 4, 5)])
def test_blocks_are_put_in_place(tmp_path, block):
    file = MatrixFile(tmp_path / "d.npy", Grid((4, 5), 1, 1), np.float32, "digest", checkpoint=False)
    values = np.random.default_rng(0).random((block.right - block.left, block.bottom - block.top)).T  # not contiguous
    file.write(block, values)
    found = file.commit()
    wanted = np.zeros((4, 5), np.float32)
    wanted[block.top : block.bottom, block.left : block.right] = values
    assert np.array_equal(found, wanted)


def test_the_digest_covers_where_texts_end(npy):
    with tiles(1, 1), pytest.raises(OSError, match="broke down"):
        ncd.pairwise(["ab", "c"], ["d"], compressor=Slow(fail_after=4), out=npy, checkpoint=True, n_jobs=1)
    assert finished(npy) == [0]
    for X, Y in ((["a", "bc"], ["d"]), (["ab"], ["c", "d"])):
        with pytest.raises(ValueError, match=re.escape("belongs to other texts or options")):
            ncd.pairwise(X, Y, compressor=Slow(), out=npy, checkpoint=True)
