"""Runs that are killed, again and again and at the worst moments; and what is special about zarr arrays."""

import json
import os
import random
import re
import shutil
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from support import Slow, make_text, tiles

import ncd
from ncd import storage
from ncd.engines.host import Block, Grid, Job
from ncd.matrixfile import MatrixFile
from ncd.storage import Zarr

zarr = pytest.importorskip("zarr", reason="needs zarr")
posix = pytest.mark.skipif(os.name != "posix", reason="signals")
formats = pytest.mark.parametrize("ending", ["npy", "zarr"])

# killed again and again

NAMES = [f"text{i:02d}" for i in range(40)]
ROWS = 3
RUN = """
import os, sys, time
import ncd
from ncd import matrixfile
from support import Slow, tiles

matrixfile._SAVE_SECONDS = 0.02
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

class Logging(Slow):
    def length(self, data):
        os.write(log, data + b"\\n")
        return super().length(data)

{before}
with tiles({rows}, 40):
    ncd.pairwise({names!r}, compressor=Logging({seconds}), out={out!r}, checkpoint=True, n_jobs={n_jobs}, **{options!r})
"""


def code(out, log, *, before="", seconds=0.0004, n_jobs=1, **options):
    """A run in a process of its own, which logs every pair that it computes."""
    return RUN.format(
        out=str(out),
        log=str(log),
        before=before,
        rows=ROWS,
        names=NAMES,
        seconds=seconds,
        n_jobs=n_jobs,
        options=options,
    )


def computed(log, before):
    """Pairs that were computed, from a place in the log on; single lengths are left out."""
    return [line for line in log.read_text()[before:].splitlines() if " " in line]


def finished(out):
    """The pairs of the blocks that the notes list."""
    lines = Path(f"{out}.progress").read_text().split("\n")
    header, done = json.loads(lines[0]), {int(line) for line in lines[1:-1]}
    grid = Grid(tuple(header["shape"]), header["rows"], header["columns"], header["mirrored"])
    blocks = [block for index, block in enumerate(grid.blocks()) if index in done]
    places = [(i, j) for b in blocks for i in range(b.top, b.bottom) for j in range(b.left, b.right)]
    return {f"{NAMES[i]} {NAMES[j]}" for i, j in places}


def values(path):
    """What a finished file holds, bit for bit."""
    return (np.load(path) if path.suffix == ".npy" else np.asarray(zarr.open_array(path, mode="r"))).tobytes()


@posix
@formats
@pytest.mark.parametrize(("n_jobs", "options"), [(1, {}), (2, {"symmetrize": "mean"})], ids=["one", "workers"])
def test_killed_at_random_moments(tmp_path, python, ending, n_jobs, options):
    """The same call goes on, and computes nothing again that was finished."""
    out, log = tmp_path / f"d.{ending}", tmp_path / "log"
    chance = random.Random(ending + str(n_jobs))
    log.touch()
    kills, seen = 0, set()
    while not out.exists():
        before = log.stat().st_size
        process = python(code(out, log, seconds=0.0003 * n_jobs, n_jobs=n_jobs, **options))
        while process.poll() is None and log.stat().st_size == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.05, 0.2))
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -9), errors
        assert not set(computed(log, before)) & seen, "finished before, and computed again"
        kills += process.returncode == -9
        if not out.exists() and Path(f"{out}.progress").read_text().count("\n"):
            pairs = finished(out)
            assert seen <= pairs, "what was finished once stays so"
            seen = pairs
    assert kills >= 3
    assert len(seen) > 0, "nothing was finished before a kill"
    for left in tmp_path.glob("*.progress"):  # killed between the last two steps
        left.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == [out.name, "log"]
    whole = tmp_path / f"whole.{ending}"
    with tiles(7, 11):
        ncd.pairwise(NAMES, compressor=Slow(), out=whole, **options)
    assert values(out) == values(whole)


AT = {
    "at the beginning": ("begin", "after"),
    "before the first block": ("write", "before"),
    "after the first block": ("write", "after"),
    "before it has its name": ("publish", "before"),
    "after it has its name": ("publish", "after"),
}


@posix
@formats
@pytest.mark.parametrize("moment", AT)
def test_killed_at_the_worst_moments(tmp_path, python, ending, moment):
    method, when = AT[moment]
    out, log = tmp_path / f"d.{ending}", tmp_path / "log"
    out_class = {"npy": "Npy", "zarr": "Zarr"}[ending]
    before = f"""
from ncd.storage import {out_class} as storage
original = storage.{method}
def killed(*args, **options):
    if {when!r} == "after":
        original(*args, **options)
    os.kill(os.getpid(), 9)
storage.{method} = killed
"""
    process = python(code(out, log, before=before, seconds=0))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -9, errors
    assert out.exists() == (moment == "after it has its name")
    slow = Slow()
    with tiles(ROWS, 40):
        ncd.pairwise(NAMES, compressor=slow, out=out, checkpoint=True, n_jobs=1)
    if moment == "before it has its name":
        assert slow.calls == len(NAMES)  # only the single lengths: every block was there
    whole = tmp_path / f"whole.{ending}"
    ncd.pairwise(NAMES, compressor=Slow(), out=whole)
    assert values(out) == values(whole)
    assert not list(tmp_path.glob("*.p*"))


@posix
@pytest.mark.parametrize("renames", [1, 2])
def test_killed_while_one_array_takes_the_place_of_another(tmp_path, python, renames):
    """Between the two steps there is none under the name; the same call brings the new one."""
    out, log = tmp_path / "d.zarr", tmp_path / "log"
    ncd.pairwise(["a", "b"], compressor=Slow(), out=out)
    before = f"""
calls = []
for name in ("rename", "replace"):
    def killed(source, target, original=getattr(os, name)):
        original(source, target)
        if str(target) == {str(out)!r} or str(source) == {str(out)!r}:
            calls.append(target)
            if len(calls) == {renames}:
                os.kill(os.getpid(), 9)
    setattr(os, name, killed)
"""
    process = python(code(out, log, before=before, seconds=0))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -9, errors
    assert out.exists() == (renames == 2)
    slow = Slow()
    with tiles(ROWS, 40):
        found = ncd.pairwise(NAMES, compressor=slow, out=out, checkpoint=True, n_jobs=1)
    assert found.shape == (40, 40)
    assert (slow.calls == len(NAMES)) == (renames == 1)


# zarr arrays

X = [make_text(seed, 8) for seed in range(20)]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "d.zarr"


@pytest.mark.parametrize(
    "options", [{}, {"symmetrize": "max"}, {"order": "sorted", "dtype": "float32"}, {"Y": X[:7], "clip": True}], ids=str
)
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_the_same_numbers_as_in_memory(out, options, n_jobs, checkpoint):
    expected = ncd.pairwise(X, compressor="zstd", **options)
    with tiles(6, 4):
        found = ncd.pairwise(X, compressor="zstd", out=out, n_jobs=n_jobs, checkpoint=checkpoint, **options)
    assert isinstance(found, zarr.Array)
    assert found.read_only
    assert found.dtype == expected.dtype
    assert found.chunks == ((6, 6) if found.shape == (20, 20) and options and "Y" not in options else (6, 4))
    assert np.array_equal(found, expected)
    assert np.array_equal(found[3:9, 2], expected[3:9, 2])
    assert np.array_equal(zarr.open_array(out, mode="r")[:], expected)
    assert [path.name for path in out.parent.iterdir()] == ["d.zarr"]


def test_not_too_many_files(out):
    """About ten thousand at most, however slow a pair is."""
    job = Job(ncd.get_compressor("zstd"))
    assert len(Grid.plan(job, (2000, 2000), 0.01, 1, most=Zarr.most_blocks).blocks()) == 10_000
    assert len(Grid.plan(job, (2000, 2000), 0.01, 1).blocks()) > 50_000
    with mock.patch.object(Grid, "plan", side_effect=Grid.plan) as plan:
        ncd.pairwise(X, compressor=Slow(), out=out)
    assert [call.kwargs["most"] for call in plan.call_args_list if "most" in call.kwargs] == [Zarr.most_blocks]


def test_an_earlier_array_is_replaced(out):
    for texts in (X, X[:5], X[:9]):
        ncd.pairwise(texts, compressor=Slow(), out=out)
        assert zarr.open_array(out).shape == (len(texts), len(texts))
    assert [path.name for path in out.parent.iterdir()] == ["d.zarr"]


def test_an_earlier_array_stays_where_it_cannot_be_replaced(out):
    ncd.pairwise(X[:5], compressor=Slow(), out=out)
    replace = os.replace

    def refuse(source, target):
        if Path(target) == out:
            raise PermissionError("not now")
        replace(source, target)

    with mock.patch.object(os, "replace", refuse), pytest.raises(PermissionError, match="not now"):
        ncd.pairwise(X, compressor=Slow(), out=out)
    assert zarr.open_array(out).shape == (5, 5)
    assert [path.name for path in out.parent.iterdir()] == ["d.zarr"]


def test_a_link_stays(out):
    real = out.parent / "elsewhere" / "real.zarr"
    real.parent.mkdir()
    try:
        out.symlink_to(real)
    except OSError:
        pytest.skip("no symbolic links")
    for texts in (X, X[:5]):
        ncd.pairwise(texts, compressor=Slow(), out=out)
        assert out.is_symlink()
        assert zarr.open_array(real).shape == (len(texts), len(texts))


@pytest.mark.parametrize("kind", ["file", "folder", "group"])
def test_what_is_no_array_is_not_replaced(out, kind):
    if kind == "file":
        out.write_bytes(b"mine")
    elif kind == "folder":
        out.mkdir()
        (out / "thesis.txt").write_bytes(b"mine")
    else:
        zarr.create_group(out).create_array("one", shape=(2, 2), dtype="int8")
    slow = Slow()
    message = (
        "is a file, and a zarr array is a folder" if kind == "file" else "is a folder and no zarr array, which could"
    )
    with pytest.raises(FileExistsError, match=re.escape(message)):
        ncd.pairwise(X, compressor=slow, out=out)
    assert slow.calls == 0
    assert out.exists()


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(out):
    ncd.pairwise(X[:5], compressor=Slow(), out=out)
    out.parent.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="may not write into the folder"):
            ncd.pairwise(X, compressor=Slow(), out=out)
    finally:
        out.parent.chmod(0o700)


def test_no_folder(out):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ncd.pairwise(X, out=out.parent / "gone" / "d.zarr")


def test_without_the_library(out):
    slow = Slow()
    with (
        mock.patch.dict(sys.modules, {"zarr": None}),
        pytest.raises(ncd.MissingLibraryError, match=re.escape("pip install 'ncd[zarr]'")),
    ):
        ncd.pairwise(X, compressor=slow, out=out)
    assert slow.calls == 0


def test_other_endings(tmp_path):
    with pytest.raises(ValueError, match=r"the file's name must end in \.npy or \.zarr"):
        ncd.pairwise(X, out=tmp_path / "d.hdf5")


# damage


@pytest.fixture
def interrupted(out):
    """A run that was broken off after five of seven blocks."""
    with tiles(3, 20), pytest.raises(OSError, match="broke down"):
        ncd.pairwise(X, compressor=Slow(fail_after=20 + 5 * 60 + 10), out=out, checkpoint=True, n_jobs=1)
    return Path(f"{out}.partial")


def resume(out, slow):
    with tiles(3, 20):
        return ncd.pairwise(X, compressor=slow, out=out, checkpoint=True, n_jobs=1)


def test_a_lost_file_is_noticed(out, interrupted):
    (interrupted / "c" / "3" / "0").unlink()
    slow = Slow()
    with pytest.raises(
        ValueError, match=r"lacks 1 of its files, so that .* delete d\.zarr\.progress and d\.zarr\.partial"
    ):
        resume(out, slow)
    assert slow.calls == 0
    assert (interrupted / "c" / "2" / "0").exists()


@pytest.mark.parametrize("damage", ["unreadable", "other"])
def test_a_damaged_array_is_noticed(out, interrupted, damage):
    about = interrupted / "zarr.json"
    if damage == "unreadable":
        about.write_text("{")
    else:
        about.write_text(about.read_text().replace("20", "21"))
    with pytest.raises(ValueError, match=r"cannot be read|has shape \(21, 21\) in chunks of"):
        resume(out, Slow())


def test_files_torn_by_a_kill_are_removed(out, interrupted):
    torn = interrupted / "c" / "4" / "0.0123abcd.partial"
    torn.write_bytes(b"half")
    (interrupted / "c" / "6").mkdir(exist_ok=True)
    (interrupted / "c" / "6" / "0").write_bytes(b"half of the edge")  # not noted: computed again
    slow = Slow()
    found = resume(out, slow)
    assert slow.calls == 20 + 60 + 40
    assert np.array_equal(found, ncd.pairwise(X, compressor=Slow()))
    assert not list(out.rglob("*.partial"))


def test_mirror_images_are_checked_too(out):
    grid = Grid((4, 4), 2, 2, mirrored=True)
    file = MatrixFile(out, grid, np.float32, "digest", Zarr, checkpoint=True)
    for block in (grid.blocks()[1], grid.blocks()[1].transposed):
        file.write(block, np.ones((2, 2)))
    file.finish(1)
    file.abandon()
    (Path(f"{out}.partial") / "c" / "1" / "0").unlink()
    with pytest.raises(ValueError, match="lacks 1 of its files"):
        MatrixFile(out, grid, np.float32, "digest", Zarr, checkpoint=True)


def test_data_have_reached_the_disk_before_their_notes(out):
    synced = []
    grid = Grid((4, 4), 2, 4)
    with mock.patch.object(storage.os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}"))):
        if not Path("/proc/self/fd").exists():
            pytest.skip("Linux")
        file = MatrixFile(out, grid, np.float64, "digest", Zarr, checkpoint=True)
        assert any(path.endswith("zarr.json") for path in synced)
        synced.clear()
        file.write(Block(2, 4, 0, 4), np.ones((2, 4)))
        file._saved -= 10
        file.finish(1)
        assert f"{out}.partial/c/1/0" in synced
        assert f"{out}.partial/c/1" in synced
        assert file.progress.read_text().splitlines()[1:] == ["1"]
    file.abandon(keep=False)
    assert not list(out.parent.iterdir())


def test_what_is_not_there_yet_is_nan(out):
    grid = Grid((4, 4), 2, 4)
    file = MatrixFile(out, grid, np.float64, "digest", Zarr, checkpoint=True)
    file.write(Block(2, 4, 0, 4), np.zeros((2, 4)))
    found = zarr.open_array(file.partial, mode="r")[:]
    assert np.isnan(found[:2]).all()
    assert (found[2:] == 0).all()
    file.abandon(keep=False)
    shutil.rmtree(out, ignore_errors=True)
