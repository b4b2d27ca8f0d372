"""A real Dask cluster of two processes: the same results, texts sent once, killed workers survived."""

import os
import pickle
import signal
import threading
from contextlib import contextmanager
from unittest import mock

import joblib
import numpy as np
import pytest
from support import Fragile, Gate, Slow, WhoWorks, make_text, tiles

import ncd
from ncd import pairs
from ncd.engines import workers
from ncd.engines.host import Grid, Job

distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals, and processes that start fast"),
    pytest.mark.filterwarnings("ignore:.apply_async. is deprecated:DeprecationWarning"),  # joblib 1.5 of its own doing
]
X = [make_text(seed, 30) for seed in range(24)]


@contextmanager
def cluster(**options):
    """A cluster of processes of one thread each, and its client."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"} | options
    with (
        distributed.LocalCluster(**options, silence_logs="CRITICAL") as local,
        distributed.Client(local) as client,
    ):
        client.wait_for_workers(options["n_workers"], timeout=30)
        yield client


@pytest.fixture(scope="module")
def shared():
    """A cluster for tests that leave it as it is."""
    with cluster() as client:
        yield client


@pytest.fixture
def fresh():
    """A cluster whose workers may be killed."""
    with cluster() as client:
        yield client


@contextmanager
def on_dask():
    """The work goes to the cluster."""
    with joblib.parallel_config(backend="dask"):
        yield


@contextmanager
def at_the_first_step(action):
    """Do something when the progress bar advances for the first time in the main part; counts all steps."""
    steps = []

    @contextmanager
    def bar(title, total, **_):
        steps.clear()  # the bar of single lengths comes first

        def advance(count):
            steps.append(count)
            if len(steps) == 1 and total > len(X):
                action()

        yield advance

    with mock.patch.object(pairs, "progress_bar", bar):
        yield steps


# the same results


@pytest.mark.parametrize(
    "options",
    [
        {"compressor": "gzip"},
        {"compressor": "zstd", "joint": "primed"},
        {"compressor": "zstd", "order": "sorted", "dtype": "float32"},
        {"compressor": "gzip", "symmetrize": "mean", "Y": None},
        {"compressor": Slow()},
    ],
    ids=str,
)
def test_the_same_matrix(shared, options, tmp_path):
    X, Y = globals()["X"], globals()["X"][:7]
    options = {"Y": Y} | options
    expected = ncd.pairwise(X, n_jobs=1, **options)
    with tiles(5, 4), on_dask():
        assert np.array_equal(ncd.pairwise(X, **options), expected)
        assert np.array_equal(ncd.pairwise(X, out=tmp_path / "d.npy", **options), expected)


def test_the_same_neighbours(shared):
    expected = ncd.neighbors(X, k=3, n_jobs=1)
    with on_dask():
        found = ncd.neighbors(X, k=3)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.distances, expected.distances)


def test_the_cluster_works(shared):
    who = ncd.get_compressor(WhoWorks(os.getpid))
    with tiles(1, 24), on_dask():
        found = ncd.joint_lengths(X, compressor=who)
    assert set(found.flat) <= set(shared.run(os.getpid).values())


def test_a_cluster_of_one():
    """For which joblib would work in this process."""
    with cluster(n_workers=1) as client, tiles(6, 24), on_dask():
        found = ncd.joint_lengths(X, compressor=WhoWorks(os.getpid))
        assert set(found.flat) == set(client.run(os.getpid).values())


# what is sent


def count_received():
    """Begin to count, in a worker, the bytes of all messages that it receives."""
    from distributed.comm import tcp

    received = tcp.received = [0]
    tcp.uncounted = from_frames = getattr(tcp, "uncounted", tcp.from_frames)

    def counting(frames, *args, **kwargs):
        received[0] += sum(memoryview(frame).nbytes for frame in frames)
        return from_frames(frames, *args, **kwargs)

    tcp.from_frames = counting


def received():
    """Bytes that this worker has received since."""
    from distributed.comm import tcp

    return tcp.received[0]


def test_texts_are_sent_once(shared):
    texts = [make_text(seed, 20_000).encode() for seed in range(40)]
    size = sum(map(len, texts))
    assert size > 2_000_000
    job = Job(ncd.get_compressor(Slow(0.0002)))
    grid = Grid((40, 40), 5, 5)
    shared.run(count_received)
    with on_dask():
        blocks = list(workers_run(job, texts, grid))
    assert len(blocks) == 64
    by_worker = list(shared.run(received).values())
    print(f"{size:,} bytes of texts, {len(blocks)} blocks: workers received {by_worker}")
    assert all(count < 1.5 * size for count in by_worker)
    assert sum(by_worker) >= size


def workers_run(job, texts, grid):
    """The blocks of a grid."""
    from ncd.engines import host

    return host.run(job, texts, texts, grid.blocks(), pair_seconds=1e-3)


def test_progress_shows_while_others_work(shared, tmp_path):
    """The last blocks do not end before the bar has advanced."""
    gate = Gate(tmp_path / "open", closed_at=X[-1])
    with at_the_first_step(gate.path.touch) as steps, tiles(2, 24), on_dask():
        matrix = ncd.pairwise(X, compressor=gate)
    assert len(steps) == 12
    assert np.array_equal(matrix, ncd.pairwise(X, compressor=gate, n_jobs=1))


# killed workers


@pytest.mark.parametrize("how_many", [1, 2])
def test_killed_workers_are_survived(fresh, how_many):
    expected = ncd.pairwise(X, compressor=Slow(), n_jobs=1)
    victims = list(fresh.run(os.getpid).values())[:how_many]

    def kill():
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    with at_the_first_step(kill) as steps, tiles(2, 24), on_dask():
        matrix = ncd.pairwise(X, compressor=Slow(0.001))
    assert np.array_equal(matrix, expected)
    assert len(steps) == 12
    assert not set(victims) & set(fresh.run(os.getpid).values())


def test_what_dask_gives_up_is_begun_again(shared):
    """As where all that had some data are lost."""
    expected = ncd.pairwise(X, compressor=Slow(), n_jobs=1)

    def cancel():
        shared.cancel([distributed.Future(key, shared) for key in list(shared.futures) if "batch_of" in str(key)])

    with (
        at_the_first_step(cancel) as steps,
        tiles(2, 24),
        on_dask(),
        pytest.warns(
            RuntimeWarning, match=r"a worker was lost \(.*\): the \d+ of 12 blocks that are not done are begun"
        ),
    ):
        matrix = ncd.pairwise(X, compressor=Slow(0.002))
    assert np.array_equal(matrix, expected)
    assert len(steps) == 12


def test_a_compressor_that_kills_its_workers():
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster(),
        tiles(2, 24),
        on_dask(),
        pytest.raises(RuntimeError, match=r"workers were lost again and again, .* or the compressor crashes \(Killed"),
    ):
        ncd.pairwise(X, compressor=Fragile())


# errors, for which joblib alone would wait for ever


def cannot_be_read():
    raise ModuleNotFoundError("No module named 'codec'")


class Unreadable(Slow):
    def __reduce__(self):
        return cannot_be_read, ()


def test_a_compressor_that_workers_cannot_read(shared):
    with on_dask(), pytest.raises((RuntimeError, ModuleNotFoundError)) as caught:
        ncd.pairwise(X, compressor=Unreadable())
    assert "codec" in str(caught.value) + str(caught.value.__cause__)


def test_a_compressor_that_cannot_be_sent(shared):
    slow = Slow()
    slow.lock = threading.Lock()
    with pytest.raises(TypeError):
        pickle.dumps(slow)
    with on_dask(), pytest.raises(TypeError, match=r"cannot be sent to the cluster's workers: .*lock"):
        ncd.pairwise(X, compressor=slow)


def test_an_error_of_the_compressor_is_its_own(shared):
    with on_dask(), pytest.raises(OSError, match="broke down"):
        ncd.pairwise(X, compressor=Slow(fail_after=30))
    assert np.array_equal(ncd.pairwise(X, compressor=Slow()), ncd.pairwise(X, compressor=Slow(), n_jobs=1))


def test_the_back_end_is_left_as_it_was(shared):
    with on_dask():
        backend, _ = joblib.parallel.get_active_backend()
        ncd.pairwise(X, compressor="zstd")
        assert not {"submit", "effective_n_jobs"} & set(vars(backend))
    assert workers.count(1) == 1
