"""Matrices and neighbours against the naive versions."""

import os
import re
import signal
import threading
import time
from functools import cache
from pathlib import Path

import joblib
import naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import Slow, WhoWorks, finish, make_bytes, make_text, tiles, wait_until

import ncd

TEXTS = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5)
METRICS = sorted(naive.METRICS)
BACK_ENDS = {"threading": threading.get_ident, "loky": os.getpid, "multiprocessing": os.getpid}


@st.composite
def codings(draw):
    """A compressor and the options of a joint code length that go with it."""
    spec = draw(st.sampled_from(["gzip:6", "deflate:9", "zlib:1", "zstd:3", "zstd:-5", "bz2:1", "lz4:0", "brotli:5"]))
    joint = draw(st.sampled_from(["concat", "primed"] if ncd.get_compressor(spec).can_prime else ["concat"]))
    order = draw(st.sampled_from(["xy", "yx"] if joint == "primed" else ["xy", "yx", "sorted"]))
    separator = draw(st.sampled_from([b" ", b"", b"\x00\xff"]))
    return spec, {"order": order, "joint": joint, "separator": separator}


@st.composite
def options(draw):
    spec, coding = draw(codings())
    symmetrize = draw(st.sampled_from([None, "min", "mean", "max"]))
    return spec, coding | {"symmetrize": symmetrize, "remove_overhead": draw(st.booleans())}


TILES = st.tuples(st.integers(1, 4), st.integers(1, 4))


def assert_same(found, expected, metric):
    assert found.shape == np.shape(expected)
    if metric == "savings":  # the logarithm's last bit is the library's own
        np.testing.assert_allclose(found, expected, rtol=1e-15)
    else:
        np.testing.assert_array_equal(found, expected)


# against the naive versions


@given(X=TEXTS, Y=st.none() | TEXTS, chosen=options(), metric=st.sampled_from(METRICS), clip=st.booleans(), tile=TILES)
@settings(max_examples=150)
def test_pairwise(X, Y, chosen, metric, clip, tile):
    spec, more = chosen
    expected = naive.pairwise(spec, X, X if Y is None else Y, metric, clip=clip, **more)
    with tiles(*tile):
        found = ncd.pairwise(X, Y, compressor=spec, metric=metric, clip=clip, **more)
    assert found.dtype == np.float64
    assert_same(found, expected, metric)


@given(X=TEXTS, Y=st.none() | TEXTS, coding=codings(), tile=TILES)
def test_joint_lengths(X, Y, coding, tile):
    spec, more = coding
    expected = naive.joint_lengths(spec, X, X if Y is None else Y, **more)
    with tiles(*tile):
        found = ncd.joint_lengths(X, Y, compressor=spec, **more)
    assert found.dtype == np.int64
    assert found.tolist() == expected


@given(X=TEXTS, Y=TEXTS, coding=codings(), tile=TILES)
def test_conditional_lengths(X, Y, coding, tile):
    spec, more = coding
    joint, separator = more["joint"], more["separator"]
    if joint == "primed":
        expected = [[naive.primed(spec, x, y) for y in Y] for x in X]
    else:
        expected = [[naive.length(spec, x + separator + y) - naive.length(spec, x) for y in Y] for x in X]
    with tiles(*tile):
        found = ncd.conditional_lengths(X, Y, compressor=spec, joint=joint, separator=separator)
    assert found.tolist() == expected


@given(
    X=TEXTS,
    Y=TEXTS,
    chosen=options(),
    tile=TILES,
    k=st.integers(1, 5),
    metric=st.sampled_from(sorted({*METRICS} - {"savings"})),
)
@settings(max_examples=100)
def test_neighbors(X, Y, chosen, tile, k, metric):
    spec, more = chosen
    k = min(k, len(Y))
    with tiles(*tile):
        found = ncd.neighbors(X, Y, k, compressor=spec, metric=metric, **more)
    distances, indices = naive.neighbors(spec, X, Y, k, metric, **more)
    assert found.distances.tolist() == distances
    assert found.indices.tolist() == indices
    assert (found.distances.dtype, found.indices.dtype) == (np.float64, np.int64)


@given(
    X=st.lists(st.binary(min_size=1, max_size=3), min_size=2, max_size=7), chosen=options(), tile=TILES, data=st.data()
)
@settings(max_examples=100)
def test_neighbors_within(X, chosen, tile, data):
    spec, more = chosen
    k = data.draw(st.integers(1, len(X) - 1))
    with tiles(*tile):
        found = ncd.neighbors(X, k=k, compressor=spec, **more)
    distances, indices = naive.neighbors(spec, X, X, k, "ncd", own=True, **more)
    assert found.distances.tolist() == distances
    assert found.indices.tolist() == indices


def test_neighbors_by_savings(texts):
    rows = ncd.pairwise(texts, metric="savings")
    found = ncd.neighbors(texts, k=3, metric="savings")
    for i, row in enumerate(rows.tolist()):
        values, places = naive.nearest(row, 3, leave_out=i)
        assert found.distances[i].tolist() == values
        assert found.indices[i].tolist() == places


def test_equal_distances_come_in_the_order_of_y():
    a, b = make_bytes(1, 50), make_bytes(2, 50)
    Y = [a, b, a, b, a]
    for tile in ((1, 1), (1, 2), (5, 5)):
        with tiles(*tile):
            assert ncd.neighbors([a], Y, 4).indices.tolist() == [[0, 2, 4, 1]]
            assert ncd.neighbors([b], Y, 5).indices.tolist() == [[1, 3, 0, 2, 4]]
            assert ncd.neighbors(Y, k=2).indices.tolist() == [[2, 4], [3, 0], [0, 4], [1, 0], [0, 2]]


@pytest.mark.parametrize("spec", ["gzip:9", "zstd:19", "xz:1", "ppmd:6", "brotli:11"])
@pytest.mark.parametrize("metric", METRICS)
def test_pairwise_of_longer_texts(texts, spec, metric):
    X, Y = texts[:6], texts[3:]
    assert_same(ncd.pairwise(X, Y, compressor=spec, metric=metric), naive.pairwise(spec, X, Y, metric), metric)


def test_defaults_are_those_of_the_documentation(texts):
    expected = [[naive.distance("gzip:9", x, y, "ncd", separator=b" ", order="xy") for y in texts] for x in texts]
    assert ncd.pairwise(texts).tolist() == expected


@given(X=st.lists(st.binary(max_size=30), min_size=1, max_size=20))
def test_lengths(X):
    found = ncd.lengths(X, compressor="zstd:3")
    assert found.tolist() == naive.lengths("zstd:3", X)
    assert found.dtype == np.int64


def test_str_is_utf8():
    X = ["naïve", "日本語", "\ud800"]
    raw = [text.encode("utf-8", "surrogatepass") for text in X]
    assert np.array_equal(ncd.pairwise(X, separator="é"), ncd.pairwise(raw, separator="é".encode()))


def test_sorted_order_and_symmetrizing_make_symmetric_matrices(texts):
    for options in ({"order": "sorted"}, {"symmetrize": "min"}, {"symmetrize": "mean"}, {"symmetrize": "max"}):
        matrix = ncd.pairwise(texts, **options)
        assert np.array_equal(matrix, matrix.T)
    assert not np.array_equal(matrix := ncd.pairwise(texts), matrix.T)


def test_symmetry_halves_the_work(texts):
    n = len(texts)
    for options, factor in (({}, n * n), ({"order": "sorted"}, n * (n + 1) / 2), ({"symmetrize": "min"}, n * (n + 1))):
        slow = Slow()
        with tiles(1, 1):
            ncd.pairwise(texts, compressor=slow, n_jobs=1, **options)
        assert slow.calls == n + factor


def test_empty_texts_where_allowed():
    X = [b"abc", b""]
    assert ncd.pairwise(X, allow_empty=True).tolist() == naive.pairwise("gzip:9", X, X, "ncd")
    assert ncd.joint_lengths(X, allow_empty=True).tolist() == naive.joint_lengths("gzip:9", X, X)
    assert ncd.conditional_lengths(X, X, compressor="deflate", allow_empty=True)[0, 1] == 2
    assert ncd.neighbors(X, k=1, allow_empty=True).indices.tolist() == [[1], [0]]


# metrics of one's own


def test_metric_of_ones_own(texts):
    def shared(lx, ly, lxy):
        return lxy - lx - ly

    expected = [[shared(*(naive.length("gzip:9", t) for t in (x, y, x + b" " + y))) for y in texts] for x in texts]
    assert ncd.pairwise(texts, metric=shared).tolist() == expected
    found = ncd.neighbors(texts, k=2, metric=shared)
    assert found.indices.tolist() == [naive.nearest(row, 2, leave_out=i)[1] for i, row in enumerate(expected)]


def test_metric_that_returns_a_view(texts):
    def one(lx, ly, lxy):
        return np.broadcast_to(1.0, lxy.shape)

    assert (ncd.pairwise(texts, metric=one) == 1).all()
    assert ncd.neighbors(texts, k=1, metric=one).indices.ravel().tolist() == [1] + [0] * (len(texts) - 1)


def test_metric_of_another_shape(texts):
    with pytest.raises(ValueError, match=r"metric returned shape \(\) for code lengths of shape"):
        ncd.pairwise(texts, metric=lambda lx, ly, lxy: 1.0)


# workers never change results


GROWING = [make_text(seed, 5 + 3 * seed).encode() for seed in range(25)]


@cache
def slowly(spec, **options):
    """Distances between these texts."""
    return naive.pairwise(spec, GROWING, GROWING, "ncd", **options)


@pytest.mark.parametrize("n_jobs", [1, 2, -1, None, np.int64(2)])
@pytest.mark.parametrize(
    "more",
    [{}, {"symmetrize": "mean"}, {"order": "sorted"}, {"joint": "primed"}, {"joint": "primed", "order": "yx"}],
    ids=str,
)
def test_workers(n_jobs, more):
    assert ncd.pairwise(GROWING, compressor="zstd", n_jobs=n_jobs, **more).tolist() == slowly("zstd:3", **more)
    with tiles(4, 9):  # which also says that a pair takes a millisecond, so that workers are used
        found = ncd.pairwise(GROWING, compressor="gzip", n_jobs=n_jobs, **more)
    assert found.tolist() == slowly("gzip:9", **more)


@pytest.mark.parametrize("spec", ["gzip", "zstd:3", "lz4", "ppmd", Slow()], ids=str)
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_joblib_back_ends(back_end, spec):
    X = [make_text(seed, 20) for seed in range(20)]
    joint, single = ncd.joint_lengths(X, compressor=spec), ncd.lengths(X, compressor=spec)
    with joblib.parallel_config(backend=back_end, n_jobs=2):
        assert np.array_equal(ncd.joint_lengths(X, compressor=spec), joint)
        assert np.array_equal(ncd.lengths(X, compressor=spec), single)


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_neighbors_by_joblib_back_ends(back_end):
    X = [make_text(seed, 20) for seed in range(20)]
    row = ncd.pairwise(X)[3]
    with joblib.parallel_config(backend=back_end, n_jobs=2):
        assert np.array_equal(ncd.neighbors(X, k=4).distances[3], np.sort(np.delete(row, 3))[:4])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_work_goes_to_the_back_end(back_end, n_jobs):
    X = [make_text(seed, 3) for seed in range(20)]
    ask = BACK_ENDS[back_end]
    with joblib.parallel_config(backend=back_end, n_jobs=2):
        workers = set(ncd.joint_lengths(X, compressor=WhoWorks(ask), n_jobs=n_jobs).ravel().tolist())
    assert ask() not in workers


def test_threads_by_default():
    X = [make_text(seed, 3) for seed in range(25)]
    workers = set(ncd.joint_lengths(X, compressor=WhoWorks(threading.get_ident), n_jobs=2).ravel().tolist())
    assert threading.get_ident() not in workers
    assert set(ncd.joint_lengths(X[:9], compressor=WhoWorks(os.getpid), n_jobs=2).ravel().tolist()) == {os.getpid()}
    alone = ncd.joint_lengths(X[:9], compressor=WhoWorks(threading.get_ident), n_jobs=1)
    assert set(alone.ravel().tolist()) == {threading.get_ident()}


def test_inside_a_worker_of_joblib():
    X = [make_text(seed, 20) for seed in range(10)]
    expected = ncd.pairwise(X)
    for prefer in ("threads", "processes"):
        found = joblib.Parallel(n_jobs=2, prefer=prefer)(joblib.delayed(ncd.pairwise)(X) for _ in range(2))
        assert all(np.array_equal(matrix, expected) for matrix in found)


# where the matrix goes


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_array(texts, dtype):
    out = np.full((len(texts), len(texts)), np.nan, dtype)
    assert ncd.pairwise(texts, out=out) is out
    assert np.array_equal(out, ncd.pairwise(texts).astype(dtype))


def test_out_memmap(texts, tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "d.npy", "w+", np.float64, (len(texts), 3))
    assert ncd.pairwise(texts, texts[:3], out=out) is out
    out.flush()
    assert np.array_equal(np.load(tmp_path / "d.npy"), ncd.pairwise(texts, texts[:3]))


@pytest.mark.parametrize("more", [{}, {"symmetrize": "max"}, {"order": "sorted"}], ids=str)
@pytest.mark.parametrize("tile", [(1, 1), (2, 5), (3, 12), (50, 50)])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_out_path(texts, tmp_path, more, tile, checkpoint):
    with tiles(*tile):
        found = ncd.pairwise(texts, out=tmp_path / "d.npy", checkpoint=checkpoint, **more)
    assert np.array_equal(found, ncd.pairwise(texts, **more))
    assert np.array_equal(np.load(tmp_path / "d.npy"), found)
    assert [path.name for path in tmp_path.iterdir()] == ["d.npy"]
    assert isinstance(found, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


@pytest.mark.parametrize("dtype", ["float32", np.float64])
def test_dtype(texts, tmp_path, dtype):
    expected = ncd.pairwise(texts).astype(dtype)
    in_memory = ncd.pairwise(texts, dtype=dtype)
    on_disk = ncd.pairwise(texts, dtype=dtype, out=str(tmp_path / "d.npy"))
    for found in (in_memory, on_disk):
        assert found.dtype == dtype
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_link_is_followed(texts, tmp_path, checkpoint):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "d.npy"
    try:
        link.symlink_to(elsewhere / "far.npy")
    except OSError:
        pytest.skip("no links here")
    for _ in range(2):
        assert np.array_equal(ncd.pairwise(texts, out=link, checkpoint=checkpoint), ncd.pairwise(texts))
        assert link.is_symlink()
        assert [path.name for path in elsewhere.iterdir()] == ["far.npy"]


def test_a_finished_file_is_replaced(texts, tmp_path):
    path = tmp_path / "d.npy"
    path.write_bytes(b"something else")
    ncd.pairwise(texts, out=path)
    assert np.array_equal(np.load(path), ncd.pairwise(texts))


@pytest.mark.parametrize(
    "out",
    [np.empty((2, 3)), np.empty(12), *(np.empty((12, 12), t) for t in (int, bool, "f2")), [[0.0] * 12] * 12, 3],
)
def test_out_that_does_not_fit(texts, out):
    with pytest.raises(ValueError, match=r"out has .*float64 or float32 array of shape \(12, 12\)"):
        ncd.pairwise(texts, out=out)


def test_paths_that_cannot_be(texts, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.npy or \.zarr"):
        ncd.pairwise(texts, out=tmp_path / "d.csv")
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere does not exist"):
        ncd.pairwise(texts, out=tmp_path / "nowhere" / "d.npy")
    (tmp_path / "folder.npy").mkdir()
    slow = Slow()
    for checkpoint in (False, True):
        with pytest.raises(IsADirectoryError, match=r"folder\.npy is a folder"):
            ncd.pairwise(texts, compressor=slow, out=tmp_path / "folder.npy", checkpoint=checkpoint)
    assert slow.calls == 0
    with pytest.raises(ValueError, match="checkpoint=True needs a path"):
        ncd.pairwise(texts, checkpoint=True)
    with pytest.raises(ValueError, match="checkpoint=True needs a path"):
        ncd.pairwise(texts, checkpoint=True, out=np.empty((12, 12)))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npy"]


# options that are none


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"order": "zz"}, "order is 'zz': choose from 'xy', 'yx', 'sorted'"),
        ({"order": None}, "order is None"),
        ({"joint": "both"}, "joint is 'both': choose from 'concat', 'primed'"),
        ({"symmetrize": "sum"}, "symmetrize is 'sum': choose from None, 'min', 'max', 'mean'"),
        ({"symmetrize": True}, "symmetrize is True"),
        ({"metric": "ncdd"}, "metric 'ncdd' is not known; did you mean 'ncd'?"),
        ({"compressor": "gzp"}, "compressor 'gzp' is not known; did you mean 'gzip'?"),
        ({"joint": "primed", "order": "sorted"}, 'order="sorted" goes with joint="concat" only'),
        ({"dtype": int}, "choose float64 or float32"),
        ({"dtype": "foo"}, "dtype is 'foo': choose float64 or float32"),
        ({"dtype": "float16"}, "dtype is 'float16': choose float64 or float32"),
        ({"dtype": "f8,"}, "choose float64 or float32"),
        ({"dtype": np.longdouble}, "choose float64 or float32"),
        ({"dtype": "float32", "out": np.empty((12, 12))}, "give a path or a float32 array"),
        ({"n_jobs": 0}, "n_jobs is 0: give a number of workers"),
        ({"n_jobs": 1.5}, "n_jobs is 1.5"),
        ({"n_jobs": True}, "n_jobs is True"),
    ],
    ids=str,
)
def test_wrong_options(texts, more, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ncd.pairwise(texts, **more)


@pytest.mark.parametrize(
    "more",
    [
        {"separator": None},
        {"separator": 3},
        {"metric": 3},
        {"compressor": None},
        {"joint": "primed", "compressor": "bz2"},
    ],
    ids=str,
)
def test_options_of_the_wrong_kind(texts, more):
    name = "bz2:9 cannot be primed" if "joint" in more else next(iter(more))
    with pytest.raises(TypeError, match=name):
        ncd.pairwise(texts, **more)


@pytest.mark.parametrize("k", [0, -1, 13, 1.0, True, None, "1"])
def test_wrong_k(texts, k):
    with pytest.raises(ValueError, match=r"k is .*: with 12 texts choose from 1 to 12"):
        ncd.neighbors(texts, texts, k)


def test_a_text_is_not_its_own_neighbour(texts):
    with pytest.raises(ValueError, match="k is 12: with 12 texts choose from 1 to 11"):
        ncd.neighbors(texts, k=12)
    assert ncd.neighbors(texts, k=np.int64(11)).indices.shape == (12, 11)


def test_one_text_has_no_neighbour():
    with pytest.raises(ValueError, match="X needs at least two texts"):
        ncd.neighbors(["a"])
    assert ncd.neighbors(["a"], ["a"]).indices.tolist() == [[0]]


def test_errors_come_before_work(texts, tmp_path):
    slow = Slow()
    for more in (
        {"order": "zz"},
        {"symmetrize": "zz"},
        {"metric": "zz"},
        {"out": 3},
        {"dtype": int},
        {"joint": "primed"},
    ):
        with pytest.raises((ValueError, TypeError)):
            ncd.pairwise(texts, compressor=slow, **more)
    assert slow.calls == 0


# windows


CALLS = [
    lambda X, c: ncd.pairwise(X, compressor=c),
    lambda X, c: ncd.joint_lengths(X, compressor=c),
    lambda X, c: ncd.neighbors(X, compressor=c),
]


@pytest.mark.parametrize("call", CALLS)
def test_window_warning(call):
    X = [b"short", make_bytes(1, 32_769), make_bytes(2, 40_000)]
    with pytest.warns(ncd.WindowWarning) as caught:
        call(X, "gzip:1")
    assert len(caught) == 1
    assert "X[2] has 40,000 bytes and gzip:1 finds matches within 32,768 (2 of 3 texts are longer)" in str(
        caught[0].message
    )
    assert caught[0].filename == __file__


def test_window_warning_names_each_argument():
    long = [b"short", make_bytes(1, 40_000)]
    with pytest.warns(ncd.WindowWarning) as caught:
        ncd.conditional_lengths(long, long, compressor="deflate:1")
    assert [str(warning.message)[:4] for warning in caught] == ["X[1]", "Y[1]"]
    assert {warning.filename for warning in caught} == {__file__}
    with pytest.warns(ncd.WindowWarning, match=r"^Y\[0\]"):
        ncd.pairwise(["short"], long[1:], compressor="gzip:1")


@pytest.mark.parametrize("call", CALLS)
def test_no_warning_within_the_window(call):
    X = [b"short", make_bytes(1, 32_768)]
    call(X, "gzip:1")
    call([*X, make_bytes(2, 200_000)], "zstd:1")
    call([*X, make_bytes(2, 200_000)], Slow())
    ncd.lengths([make_bytes(2, 200_000)], compressor="gzip:1")  # no pairs, nothing to warn of


# progress


def test_progress(texts, capsys):
    ncd.pairwise(texts, progress=True)
    assert "compressing with gzip:9" in capsys.readouterr().err
    for progress in (None, False):
        ncd.pairwise(texts, progress=progress)
        assert capsys.readouterr() == ("", "")


# interruption


INTERRUPTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import ncd
from support import Slow, make_text
texts = [make_text(seed, {words}) for seed in range({n})]
ncd.pairwise(texts, compressor={compressor}, out={out!r}, checkpoint={checkpoint}, n_jobs={n_jobs})
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("compressor", "n_jobs", "n", "words"),
    [("Slow(0.004)", 1, 120, 5), ("Slow(0.004)", 2, 120, 5), ("'xz:6'", 2, 500, 300)],
)
@pytest.mark.parametrize("checkpoint", [False, True])
def test_ctrl_c(tmp_path, python, compressor, n_jobs, n, words, checkpoint):
    out = tmp_path / "d.npy"
    code = INTERRUPTED.format(
        words=words, n=n, compressor=compressor, out=str(out), checkpoint=checkpoint, n_jobs=n_jobs
    )
    process = python(code)
    wait_until(lambda: any(tmp_path.glob("*.partial")) or process.poll() is not None)
    time.sleep(0.5)  # in the middle of the work, with its workers started
    assert process.poll() is None, process.communicate()[1]
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 3
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == (["d.npy.partial", "d.npy.progress"] if checkpoint else [])


# memory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory of one process is told by Linux only")
def test_memory_stays_small(tmp_path, python):
    """A matrix of 72 MB passes through a few MB; getrusage would also count the parent's memory."""
    code = f"""
import re
from pathlib import Path
import ncd
class Size:
    name = "size"
    def length(self, data):
        return len(data)
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
X = [b"x" * (1 + i % 50) for i in range(3000)]
ncd.pairwise(X[:300], compressor=Size(), out={str(tmp_path / "small.npy")!r}, n_jobs=2)
before = peak()
matrix = ncd.pairwise(X, compressor=Size(), out={str(tmp_path / "large.npy")!r}, n_jobs=2)
print(matrix.shape, matrix[7, 9], max(0, peak() - before))
"""
    process = python(code)
    shape, value, grown = re.fullmatch(r"(\(.*\)) (\S+) (\S+)\n", finish(process)).groups()
    assert shape == "(3000, 3000)"
    assert float(value) == (8 + 1 + 10 - 8) / 10
    assert (tmp_path / "large.npy").stat().st_size == 128 + 8 * 3000**2
    assert float(grown) < 30  # MB


@pytest.mark.parametrize(
    "function",
    [ncd.joint_lengths, ncd.pairwise, ncd.neighbors, lambda X, **options: ncd.conditional_lengths(X, X, **options)],
)
def test_engines(function, monkeypatch):
    texts = ["to be or not to be", "that is the question", "whether it is nobler"]
    with pytest.raises(ValueError, match="engine is 'gpu': choose from 'auto', 'host', 'cuda'"):
        function(texts, compressor="gzip", engine="gpu")
    with pytest.raises(ValueError, match=r"engine='cuda' computes gzip:9, .* compressor is 'zstd:3'"):
        function(texts, compressor="zstd:3", engine="cuda")
    monkeypatch.setattr("ncd.engines.cuda.why_not", lambda: "there is no device")
    with pytest.raises(RuntimeError, match="engine='cuda': there is no device"):
        function(texts, compressor="gzip", engine="cuda")
