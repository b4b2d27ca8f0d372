"""Processes of this machine: texts shared through memory, killed workers survived."""

import os
from unittest import mock

import joblib
import numpy as np
import pytest
from support import Fragile, Slow, make_text, tiles

import ncd
from ncd.engines import host, workers
from ncd.engines.host import Grid, Job

X = [make_text(seed, 20) for seed in range(24)]
posix = pytest.mark.skipif(os.name != "posix", reason="signals")


class Looking(Job):
    """A job whose lengths tell where its worker finds the texts."""

    def block(self, xs, ys, block):
        base = xs.data
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        found = [isinstance(base, np.memmap), xs.data.flags.writeable, type(xs.data) is np.ndarray, os.getpid()]
        return np.array([found])


def look(texts, backend):
    """What blocks of four pairs find in workers."""
    blocks = Grid((len(texts), len(texts)), 2, 2).blocks()
    with joblib.parallel_config(backend=backend, n_jobs=2):
        results = host.run(Looking(ncd.get_compressor("gzip")), texts, texts, blocks, pair_seconds=1.0)
        return {tuple(int(value) for value in values[0]) for _, values, _ in results}


def test_large_corpora_are_shared_through_memory():
    texts = [make_text(seed, 40_000).encode() for seed in range(8)]
    assert sum(map(len, texts)) > 1_000_000
    found = look(texts, "loky")
    assert {row[:3] for row in found} == {(True, False, True)}
    assert os.getpid() not in {row[3] for row in found}


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_small_corpora(backend):
    assert {row[:3] for row in look([b"a", b"b", b"c"], backend)} == {(False, False, True)}


@pytest.mark.parametrize("twice", [False, True])
def test_all_tasks_name_the_same_arrays(twice):
    seen = []

    def compute(job, *arguments):
        seen.append(arguments[:4])
        return original(job, *arguments)

    original = host._compute
    texts = [x.encode() for x in X]
    with mock.patch.object(host, "_compute", compute), joblib.parallel_config(backend="threading", n_jobs=2):
        blocks = Grid((24, 24), 6, 6).blocks()
        assert (
            len(list(host.run(Job(ncd.get_compressor("gzip")), texts, texts, blocks, twice=twice, pair_seconds=1)))
            == 16
        )
    assert {tuple(map(id, arrays)) for arrays in seen} == {tuple(map(id, seen[0]))}
    assert seen[0][0] is seen[0][2]
    assert seen[0][1] is seen[0][3]


@posix
def test_a_killed_process_is_survived(tmp_path):
    """As by the system when memory runs out."""
    expected = ncd.pairwise(X, compressor=Slow(), n_jobs=1)
    with (
        tiles(2, 24),
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.warns(RuntimeWarning, match=r"a worker was lost \(TerminatedWorkerError\): the \d+ of \d+ blocks"),
    ):
        found = ncd.pairwise(X, compressor=Fragile(tmp_path / "died", 1e-4))
    assert np.array_equal(found, expected)


@posix
def test_a_compressor_at_which_every_process_dies():
    with (
        mock.patch.object(workers, "_LOSSES", 1),
        tiles(2, 24),
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(
            RuntimeError, match=r"again and again, with 1 of 1 blocks left .*\(TerminatedWorkerError\)"
        ) as caught,
        pytest.warns(RuntimeWarning, match="a worker was lost"),
    ):
        ncd.lengths(X, compressor=Fragile())
    assert type(caught.value.__cause__).__name__ == "TerminatedWorkerError"


def cannot_be_read():
    raise ValueError("no such codec")


class Unreadable(Slow):
    def __reduce__(self):
        return cannot_be_read, ()


def test_other_errors_are_not_tried_again():
    broken = joblib.externals.loky.process_executor.BrokenProcessPool
    with joblib.parallel_config(backend="loky", n_jobs=2):
        with pytest.raises(OSError, match="broke down"):
            ncd.pairwise(X, compressor=Slow(fail_after=30))
        with pytest.raises(broken, match="un-serialize"):
            ncd.pairwise(X, compressor=Unreadable())


class Local(Slow):
    """A compressor with another version in every process."""

    @property
    def version(self):
        return f"local {os.getpid()}"


def test_workers_with_another_version_are_refused():
    with (
        joblib.parallel_config(backend="loky", n_jobs=2),
        pytest.raises(
            RuntimeError,
            match=rf"a worker has local \d+ and this process local {os.getpid()}, .*: install the same version",
        ),
    ):
        ncd.pairwise(X, compressor=Local())
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert ncd.pairwise(X, compressor=Local()).shape == (24, 24)


def test_count():
    with joblib.parallel_config(backend="threading", n_jobs=5):
        assert workers.count(None) == 5
        assert workers.count(2) == 2
    assert workers.count(3) == 3
    assert workers.count(None) == joblib.cpu_count()
