"""Blocks of code lengths, who computes them, and the progress bar above."""

import io
import os
import sys
import threading
from unittest import mock

import joblib
import naive
import numpy as np
import pytest
from hypothesis import given, strategies as st
from support import Slow, WhoWorks, make_text, wait_until

import ncd
from ncd import progress
from ncd.corpus import Packed
from ncd.engines import host
from ncd.engines.host import Block, Grid, Job
from ncd.progress import progress_bar

SIDE = st.integers(1, 30)
TEXTS = [make_text(seed, 3 + seed).encode() for seed in range(8)]


def cover(grid):
    """How often each cell is computed, mirror images included."""
    count = np.zeros(grid.shape, int)
    for block in grid.blocks():
        for part in {block, block.transposed} if grid.mirrored else {block}:
            assert part.top < part.bottom
            assert part.left < part.right
            count[part.top : part.bottom, part.left : part.right] += 1
    return count


# blocks


@given(n=SIDE, m=SIDE, rows=SIDE, columns=SIDE)
def test_every_cell_once(n, m, rows, columns):
    assert (cover(Grid((n, m), rows, columns)) == 1).all()


@given(n=SIDE, side=SIDE)
def test_mirrored_blocks_cover_every_cell_once(n, side):
    grid = Grid((n, n), side, side, mirrored=True)
    assert (cover(grid) == 1).all()
    assert all(block.left >= block.top for block in grid.blocks())


def test_transposed():
    assert Block(1, 2, 3, 4).transposed == Block(3, 4, 1, 2)


@pytest.mark.parametrize("order", ["xy", "yx"])
@pytest.mark.parametrize("joint", ["concat", "primed"])
@given(n=st.integers(1, 3000), m=st.integers(1, 3000), seconds=st.floats(1e-7, 10), jobs=st.integers(1, 64))
def test_planned_blocks(order, joint, n, m, seconds, jobs):
    job = Job(ncd.get_compressor("gzip"), order=order, joint=joint)
    for mirrored in (False, True):
        shape = (n, n if mirrored else m)
        grid = Grid.plan(job, shape, seconds, jobs, mirrored=mirrored)
        assert grid.shape == shape
        assert grid.mirrored == mirrored
        assert 1 <= grid.rows <= shape[0]
        assert 1 <= grid.columns <= shape[1]
        assert grid.rows * grid.columns <= 1 << 18
        assert not mirrored or grid.rows == grid.columns
        if joint == "concat":
            assert grid.rows * grid.columns * seconds <= max(0.26, 64 * seconds, (n * m / 100_000 + 1) * seconds)
        elif not mirrored:
            texts = grid.rows if order == "yx" else grid.columns
            assert texts <= max(64, 1 / seconds, n * m / 100_000 + 1)


def test_large_work_is_shared():
    job = Job(ncd.get_compressor("gzip"))
    for jobs in (2, 16):
        blocks = Grid.plan(job, (2000, 2000), 1e-5, jobs).blocks()
        assert 8 * jobs <= len(blocks) <= 1000


@pytest.mark.parametrize(
    ("firsts", "seconds", "texts"), [(5, 1e-3, 1000), (5, 5e-3, 200), (5, 1, 64), (5000, 5e-3, 250)]
)
def test_a_slow_primed_block_ends(firsts, seconds, texts):
    """After a second, but not before 64 texts, nor where blocks would be more than 100,000."""
    compressor = ncd.get_compressor("zstd")
    grid = Grid.plan(Job(compressor, order="xy", joint="primed"), (firsts, 5000), seconds, 2)
    assert (grid.rows, grid.columns) == (1, texts)
    grid = Grid.plan(Job(compressor, order="yx", joint="primed"), (5000, firsts), seconds, 2)
    assert (grid.rows, grid.columns) == (texts, 1)


@pytest.mark.parametrize("joint", ["concat", "primed"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_blocks_are_not_too_many_to_list(joint, mirrored):
    job = Job(ncd.get_compressor("zstd"), joint=joint)
    grid = Grid.plan(job, (10_000, 10_000), 5e-3, 8, mirrored=mirrored)
    assert 50_000 <= len(grid.blocks()) <= 110_000


# jobs


@pytest.mark.parametrize("spec", ["gzip:9", "zstd:3"])
@pytest.mark.parametrize(
    ("order", "joint"), [("xy", "concat"), ("yx", "concat"), ("sorted", "concat"), ("xy", "primed"), ("yx", "primed")]
)
def test_job(spec, order, joint):
    job = Job(ncd.get_compressor(spec), separator=b"-", order=order, joint=joint)
    xs, ys = TEXTS[:3], TEXTS[2:]
    found = job.lengths(xs, ys)
    if joint == "primed":
        ordered = [[(x, y) if order == "xy" else (y, x) for y in ys] for x in xs]
        expected = [[naive.primed(spec, *pair) for pair in row] for row in ordered]
    else:
        expected = naive.joint_lengths(spec, xs, ys, separator=b"-", order=order)
    assert found.tolist() == expected
    whole = Packed.of(TEXTS)
    assert job.block(whole, whole, Block(0, 3, 2, 8)).tolist() == expected
    with mock.patch.object(host, "_TILE_BYTES", 1):  # texts too large to be taken out of the corpus together
        assert job.block(whole, whole, Block(0, 3, 2, 8)).tolist() == expected


class Greedy(Slow):
    """A compressor that runs out of memory, at texts of more than so many bytes or so many calls."""

    def __init__(self, most):
        super().__init__()
        self.most, self.room = most, 5

    def length(self, data):
        if len(data) > self.most:
            raise MemoryError
        self.room -= 1
        if self.room < 0:
            self.room = 5
            raise MemoryError
        return super().length(data)


@pytest.mark.parametrize("order", ["xy", "yx", "sorted"])
def test_blocks_shrink_where_memory_is_short(order):
    whole = Packed.of(TEXTS)
    expected = Job(ncd.get_compressor(Slow()), order=order).lengths(TEXTS, TEXTS)
    job = Job(ncd.get_compressor(Greedy(10**6)), order=order)
    assert np.array_equal(job.block(whole, whole, Block(0, 8, 0, 8)), expected)


def test_a_pair_that_does_not_fit_in_memory():
    whole = Packed.of([b"a" * 100, b"b" * 1000])
    job = Job(ncd.get_compressor(Greedy(1000)))
    with pytest.raises(MemoryError, match=r"texts of 1,000 and 100 bytes do not fit in memory together .* slow: short"):
        job.block(whole, whole, Block(0, 2, 0, 2))


# workers


def test_effective_jobs():
    cores = joblib.cpu_count()
    assert host.effective_jobs(3) == 3
    assert host.effective_jobs(np.int64(3)) == 3
    assert host.effective_jobs(-1) == host.effective_jobs(None) == cores
    assert host.effective_jobs(-1000) == 1
    with joblib.parallel_config(backend="threading", n_jobs=5):
        assert host.effective_jobs(None) is None
        assert host.effective_jobs(2) == 2
    assert host.effective_jobs(None) == cores  # as before


def test_all_cores_get_blocks_of_the_usual_size():
    for more in ({}, {"joint": "primed"}, {"symmetrize": "min"}):
        with mock.patch.object(Grid, "plan", side_effect=Grid.plan) as plan:
            ncd.pairwise(TEXTS, n_jobs=-1, **more)
        assert {call.args[3] for call in plan.call_args_list} == {joblib.cpu_count()}


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("processes", [False, True])
def test_run_in_parallel(processes, twice):
    job = Job(ncd.get_compressor("lz4"))
    grid = Grid((8, 8), 3, 5)
    found = np.zeros((8, 8), int)
    with (
        mock.patch.object(host, "_PARALLEL_FROM_SECONDS", 0),
        mock.patch.object(host, "_PROCESSES_FROM_SECONDS", 0 if processes else 1e9),
    ):
        results = list(host.run(job, TEXTS, TEXTS, grid.blocks(), twice=twice, n_jobs=2, pair_seconds=1))
    assert len(results) == 6
    for block, forward, backward in results:
        found[block.top : block.bottom, block.left : block.right] = forward
        assert (backward is not None) == twice
        if twice:
            expected = job.lengths(TEXTS[block.left : block.right], TEXTS[block.top : block.bottom]).T
            assert np.array_equal(backward, expected)
    assert found.tolist() == naive.joint_lengths("lz4:0", TEXTS, TEXTS)


def who_works(ask, *, n_jobs, seconds, **attributes):
    """Who computes a few blocks that are said to take so many seconds a pair."""
    who = ncd.get_compressor(WhoWorks(ask))
    for key, value in attributes.items():
        setattr(who, key, value)
    blocks = Grid((8, 8), 2, 8).blocks()
    results = host.run(Job(who), TEXTS, TEXTS, blocks, n_jobs=n_jobs, pair_seconds=seconds)
    return {int(value) for _, lengths, _ in results for value in lengths.flat}


def test_short_work_stays_in_this_thread():
    assert who_works(threading.get_ident, n_jobs=2, seconds=1e-6) == {threading.get_ident()}
    assert threading.get_ident() not in who_works(threading.get_ident, n_jobs=2, seconds=1)


def test_processes_where_they_are_preferred_and_worth_it():
    assert who_works(os.getpid, n_jobs=2, seconds=1) == {os.getpid()}
    assert who_works(os.getpid, n_jobs=2, seconds=1e-3, prefer="processes") == {os.getpid()}
    assert os.getpid() not in who_works(os.getpid, n_jobs=2, seconds=1, prefer="processes")
    assert who_works(os.getpid, n_jobs=1, seconds=1, prefer="processes") == {os.getpid()}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_leaks_leaks_elsewhere(n_jobs):
    assert os.getpid() not in who_works(os.getpid, n_jobs=n_jobs, seconds=1e-2, leak=1 << 28)
    assert who_works(os.getpid, n_jobs=n_jobs, seconds=1e-2, leak=1) == {os.getpid()}


@pytest.mark.parametrize("n_jobs", [None, 1, 3])
def test_a_back_end_that_gives_lists(n_jobs):
    """As those of multiprocessing, Ray and Spark: some blocks for each worker at a time."""
    slow = Slow(1e-4)
    job = Job(ncd.get_compressor(slow))
    blocks = Grid((8, 8), 1, 1).blocks()
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        results = host.run(job, TEXTS, TEXTS, blocks, n_jobs=n_jobs, pair_seconds=1.0)
        found = {block: int(values[0, 0]) for block, values, _ in results}
    assert sorted(found) == sorted(blocks)
    assert list(found.values()) == [
        int(job.lengths(TEXTS[b.top : b.bottom], TEXTS[b.left : b.right])[0, 0]) for b in found
    ]


def test_lists_come_a_few_blocks_at_a_time():
    class Lists(joblib.parallel.ThreadingBackend):
        supports_return_generator = False

    slow = Slow()
    job = Job(ncd.get_compressor(slow))
    joblib.register_parallel_backend("lists", Lists)
    try:
        with joblib.parallel_config(backend="lists", n_jobs=2):
            results = host.run(job, TEXTS, TEXTS, Grid((8, 8), 1, 1).blocks(), pair_seconds=1.0)
            next(results)
            assert slow.calls <= 8
            results.close()
    finally:
        del joblib.parallel.BACKENDS["lists"]


def test_what_is_not_wanted_any_more_is_not_computed():
    slow = Slow(0.001)
    job = Job(ncd.get_compressor(slow))
    texts = TEXTS * 10
    with mock.patch.object(host, "_PARALLEL_FROM_SECONDS", 0):
        results = host.run(job, texts, texts, Grid((80, 80), 1, 80).blocks(), n_jobs=2, pair_seconds=1e-3)
        next(results)
        results.close()
    assert slow.calls < 80 * 80 / 2


def test_speed_is_measured():
    job = Job(ncd.get_compressor(Slow(0.002)))
    assert 0.0018 < host.seconds_per_pair(job, TEXTS, TEXTS) < 0.1
    quick = Job(ncd.get_compressor("gzip:1"))
    for xs, ys in ((TEXTS[:1], TEXTS[:1]), (TEXTS, TEXTS[:2])):
        for joint in ("concat", "primed"):
            assert 0 < host.seconds_per_pair(Job(quick.compressor, joint=joint), xs, ys) < 0.01


# progress


def test_a_forced_bar_is_written_to_stderr(capsys):
    with progress_bar("counting sheep", 10, show=True, unit="sheep") as advance:
        advance(3)
    written = capsys.readouterr()
    assert written.out == ""
    assert "counting sheep" in written.err
    assert "30%" in written.err
    assert "sheep/s" in written.err


@pytest.mark.parametrize("show", [None, False])
def test_silent_where_nobody_looks(capsys, show):
    with mock.patch.object(progress, "_QUIET_SECONDS", 0), progress_bar("counting", 10, show=show) as advance:
        advance(3)
        advance(7)
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("quiet", "shown"), [(0, True), (60, False)])
def test_on_a_terminal_after_a_while(monkeypatch, quiet, shown):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(progress, "_QUIET_SECONDS", quiet)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("counting", 10) as advance:
        assert sys.stderr.getvalue() == "" or quiet == 0
        advance(3)
    assert ("counting" in sys.stderr.getvalue()) == shown


def test_never_on_a_terminal_either(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar("counting", 10, show=False) as advance:
        advance(3)
    assert sys.stderr.getvalue() == ""


def test_the_bar_goes_away_with_an_error(capsys):
    def fails():
        with progress_bar("counting", 10, show=True) as advance:
            advance(3)
            raise KeyError

    before = threading.active_count()
    with pytest.raises(KeyError):
        fails()
    wait_until(lambda: threading.active_count() <= before)
    assert "counting" in capsys.readouterr().err
