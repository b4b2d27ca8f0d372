"""Nearest neighbours among candidates."""

import os
import threading
from dataclasses import replace
from unittest import mock

import joblib
import naive
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from sklearn.base import clone
from support import Slow, WhoWorks, make_bytes, make_text

import ncd
from ncd import data, prefilter
from ncd.corpus import Packed
from ncd.engines import chosen, host, tuning
from ncd.engines.host import Job
from ncd.prefilter import Prefilter, Shingles, checked_candidates, fit_line, shingle_size, smallest

ANY = st.lists(st.binary(max_size=40), min_size=1, max_size=6)
SOME = st.lists(st.binary(min_size=1, max_size=40), min_size=2, max_size=7)
TEXTS = [make_text(seed, 10 + seed).encode() for seed in range(30)]
WAYS = [("xy", "concat"), ("yx", "concat"), ("sorted", "concat"), ("xy", "primed"), ("yx", "primed")]
FACTBOOK = data.load_factbook("train")


def found_among(X, Y, k, columns, **options):
    """Brute force: distances of the candidates alone, the nearest of them."""
    rows = ncd.pairwise(X, Y, **options).tolist()
    ranked = [sorted((row[j], j) for j in some)[:k] for row, some in zip(rows, columns.tolist(), strict=True)]
    return [[value for value, _ in row] for row in ranked], [[j for _, j in row] for row in ranked]


@pytest.fixture
def spied():
    """Every block of candidates that is chosen."""
    blocks = []
    candidates = Prefilter.candidates

    def spy(self, top, bottom, count):
        blocks.append(candidates(self, top, bottom, count))
        return blocks[-1]

    with mock.patch.object(Prefilter, "candidates", spy):
        yield blocks


# shingles


@given(X=ANY, Y=ANY, block=st.sampled_from([1, 7, 50, 1 << 20]))
@example(X=[b"", b"a"], Y=[b"", b"ab", b"a"], block=1)
@example(X=[b"a\x00", b"a"], Y=[b"a", b"a\x00", b"a\x00\x00"], block=1 << 20)
def test_overlaps(X, Y, block):
    with mock.patch.object(prefilter, "_BLOCK_BYTES", block):
        index = Shingles(Packed.of(Y))
        found = index.overlaps(Packed.of(X), 0, len(X))
    assert found.shape == (len(X), len(Y))
    np.testing.assert_allclose(found, naive.overlaps(X, Y), rtol=1e-5)


def test_overlaps_of_longer_texts():
    X, Y = ([text.encode() for text in FACTBOOK.texts[part]] for part in (slice(5), slice(5, 30)))
    index = Shingles(Packed.of(Y))
    assert index.size == 4
    found = index.overlaps(Packed.of(X), 1, 4)
    np.testing.assert_allclose(found, naive.overlaps(X, Y)[1:4], rtol=1e-5)


@pytest.mark.parametrize(("lengths", "size"), [([1], 3), ([15, 16], 3), ([16], 4), ([1, 509], 4), ([256], 5), ([0], 3)])
def test_shingle_size(lengths, size):
    assert shingle_size(Packed.of([bytes(length) for length in lengths])) == size


# choosing


@given(
    values=st.integers(1, 4).flatmap(
        lambda m: st.lists(
            st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0, 1e308]), min_size=m, max_size=m), min_size=1, max_size=5
        )
    ),
    data=st.data(),
)
def test_smallest(values, data):
    count = data.draw(st.integers(1, len(values[0])))
    expected = [sorted(sorted(range(len(row)), key=lambda j, row=row: (row[j], j))[:count]) for row in values]
    assert smallest(np.array(values), count).tolist() == expected


def test_line():
    x = np.arange(10.0)
    assert fit_line(x, 3 + 2 * x) == pytest.approx((3, 2))
    led = np.append(x, 60.0), np.append(3 + 2 * x, 30.0)  # by one pair of nearly equal texts
    assert 2 * np.polyfit(*led, 1)[0] < fit_line(*led)[1] < 2
    assert fit_line(np.zeros(4), np.array([1.0, 2, 3, 4])) == (2.5, 0.25)  # nothing is shared
    assert fit_line(x, -x)[1] == 1e-3  # what is shared never counts against a pair


# lengths of chosen pairs


@pytest.mark.parametrize(("order", "joint"), WAYS)
@pytest.mark.parametrize("spec", ["gzip:9", "zstd:3"])
@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40))
@settings(max_examples=20)
def test_chosen_lengths(spec, order, joint, pairs):
    xs, ys = Packed.of(TEXTS[:5]), Packed.of(TEXTS[5:12])
    job = Job(ncd.get_compressor(spec), separator=b"-", order=order, joint=joint)
    rows, columns = np.array(pairs).T
    steps = []
    found = chosen.lengths(job, xs, ys, rows, columns, n_jobs=1, advance=steps.append)
    assert found.tolist() == job.lengths(list(xs), list(ys))[rows, columns].tolist()
    assert found.dtype == np.int64
    assert sum(steps) == len(pairs)


@pytest.mark.parametrize("order", ["xy", "yx", "sorted"])
@pytest.mark.parametrize("limit", [0, 150, 400])
def test_chosen_lengths_of_large_texts(order, limit):
    """In halves where they are too large."""

    class Small(Slow):
        def length(self, data):
            if len(data) > 600:
                raise MemoryError
            return super().length(data)

    rows, columns = (places.ravel() for places in np.indices((5, 7)))
    xs, ys = Packed.of(TEXTS[:5]), Packed.of(TEXTS[5:12])
    job = Job(ncd.get_compressor(Small()), order=order)
    with mock.patch.object(chosen, "_BYTES_AT_ONCE", limit):
        found = chosen.lengths(job, xs, ys, rows, columns, n_jobs=1)
        assert found.tolist() == job.lengths(list(xs), list(ys)).ravel().tolist()
        with pytest.raises(MemoryError, match="do not fit in memory"):
            chosen.lengths(job, Packed.of([b"x" * 601]), ys, 0 * columns, columns, n_jobs=1)


@pytest.mark.parametrize(("order", "joint"), WAYS)
@pytest.mark.parametrize("texts", [(1, 2), (256, 512)])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_chosen_lengths_from_the_kernel(order, joint, texts, n_jobs):
    """Our own kernel computes the pairs as part of matrices."""
    draw = np.random.RandomState(1)
    rows, columns = draw.randint(0, 10, 300), draw.randint(0, 20, 300)
    xs, ys = Packed.of(TEXTS[:10]), Packed.of(TEXTS[10:])
    job = Job(ncd.get_compressor("gzip"), order=order, joint=joint)
    with (
        mock.patch.object(chosen, "_KERNEL_TEXTS", texts),
        mock.patch.object(chosen, "tuned", lambda job, *_: replace(job, kernel=True)),
        mock.patch.object(host, "_PARALLEL_FROM_SECONDS", 0),
    ):
        found = chosen.lengths(job, xs, ys, rows, columns, n_jobs=n_jobs)
        with mock.patch.object(chosen, "_BYTES_AT_ONCE", 2000):
            assert chosen.lengths(job, xs, ys, rows, columns, n_jobs=n_jobs).tolist() == found.tolist()
    assert found.tolist() == job.lengths(list(xs), list(ys))[rows, columns].tolist()


def test_a_coder_is_primed_once_for_each_first_text():
    primed = []

    class Coder:
        def length(self, data):
            return len(data)

    class Primable(Slow):
        def primed(self, x):
            primed.append(x)
            return Coder()

    rows, columns = (places.ravel() for places in np.indices((20, 8)))
    for order, firsts in (("yx", 8), ("xy", 20)):
        primed.clear()
        job = Job(ncd.get_compressor(Primable()), order=order, joint="primed")
        with mock.patch.object(chosen, "_PROBE_SECONDS", 0):
            chosen.lengths(job, Packed.of(TEXTS[:20]), Packed.of(TEXTS[20:28]), rows, columns, n_jobs=1)
        assert firsts <= len(primed) <= firsts + 160 / 64 + 1


# neighbours


@given(
    X=SOME,
    Y=st.none() | SOME,
    spec=st.sampled_from(["gzip:6", "deflate:9", "zstd:3", "bz2:1"]),
    way=st.sampled_from(WAYS),
    metric=st.sampled_from(sorted(naive.METRICS)),
    symmetrize=st.sampled_from([None, "min", "mean", "max"]),
    remove_overhead=st.booleans(),
    cells=st.sampled_from([1, 10, 1 << 19]),
    pairs=st.sampled_from([1, 6, 1 << 20]),
    data=st.data(),
)
@settings(max_examples=150)
def test_neighbors_among_candidates(X, Y, spec, way, metric, symmetrize, remove_overhead, cells, pairs, data):
    """Exactly the nearest ones of those that were chosen."""
    order, joint = way if spec != "bz2:1" else (way[0], "concat")
    most = len(X) - 1 if Y is None else len(Y)
    candidates = data.draw(st.integers(1, most))
    k = data.draw(st.integers(1, candidates))
    options = {
        "compressor": spec,
        "order": order,
        "joint": joint,
        "metric": metric,
        "symmetrize": symmetrize,
        "remove_overhead": remove_overhead,
    }
    blocks, choose = [], Prefilter.candidates
    with (
        mock.patch.object(Prefilter, "candidates", lambda *given: blocks.append(choose(*given)) or blocks[-1]),
        mock.patch.object(prefilter, "_BLOCK_CELLS", cells),
        mock.patch("ncd.pairwise._PAIRS_AT_ONCE", pairs),
    ):
        found = ncd.neighbors(X, Y, k, prefilter="shingles", candidates=candidates, **options)
    assert (found.distances.dtype, found.indices.dtype) == (np.float64, np.int64)
    if candidates == most:
        assert blocks == []
        exact = ncd.neighbors(X, Y, k, **options)
        assert found.indices.tolist() == exact.indices.tolist()
        assert found.distances.tolist() == exact.distances.tolist()
        return
    columns = np.concatenate(blocks)
    assert columns.shape == (len(X), candidates)
    assert (np.diff(columns) > 0).all()
    if Y is None:
        assert not (columns == np.arange(len(X))[:, None]).any()
    distances, indices = found_among(X, Y, k, columns, **options)
    assert found.indices.tolist() == indices
    assert found.distances.tolist() == distances


def test_candidates_are_those_with_the_smallest_estimates(spied):
    """By the formula, with the two numbers that were fitted."""
    X, Y = TEXTS[:4], TEXTS[4:]
    lines = []
    with mock.patch.object(prefilter, "fit_line", lambda *given: lines.append(fit_line(*given)) or lines[0]):
        ncd.neighbors(X, Y, prefilter="shingles", candidates=5, metric="cdm")
    (constant, slope), lx, ly = lines[0], ncd.lengths(X), ncd.lengths(Y)
    for i, row in enumerate(naive.overlaps(X, Y)):
        estimates = [naive.cdm(lx[i], ly[j], lx[i] + ly[j] - constant - slope * shared) for j, shared in enumerate(row)]
        assert spied[0][i].tolist() == sorted(sorted(range(len(Y)), key=estimates.__getitem__)[:5])


def test_most_neighbours_are_found():
    texts = FACTBOOK.texts
    X, Y = texts[:60], texts[60:]
    for options in (
        {"metric": "cosine", "compressor": "deflate", "joint": "primed", "order": "yx"},
        {"metric": "ncd", "compressor": "zstd:3"},
    ):
        exact = ncd.neighbors(X, Y, 5, **options).indices
        found = ncd.neighbors(X, Y, 5, prefilter="shingles", candidates=40, **options).indices
        kept = np.mean([len({*a} & {*b}) / 5 for a, b in zip(exact.tolist(), found.tolist(), strict=True)])
        assert kept > 0.9, options


@pytest.mark.parametrize("options", [{}, {"symmetrize": "mean"}, {"order": "sorted", "metric": "clm"}])
def test_a_text_has_the_same_neighbours_in_any_company(options):
    X, Y = TEXTS[:8], TEXTS[8:]
    options |= {"prefilter": "shingles", "candidates": 6}
    together = ncd.neighbors(X, Y, 3, **options)
    for i, text in enumerate(X):
        alone = ncd.neighbors([text], Y, 3, **options)
        assert alone.indices[0].tolist() == together.indices[i].tolist()
        assert alone.distances[0].tolist() == together.distances[i].tolist()


@pytest.mark.parametrize("n_jobs", [1, 2, None])
@pytest.mark.parametrize("backend", [None, "threading", "loky", "multiprocessing"])
def test_workers(backend, n_jobs):
    """The same from threads and processes, which are really at work."""
    options = {"compressor": "lz4", "k": 3, "prefilter": "shingles", "candidates": 6, "symmetrize": "min"}
    expected = ncd.neighbors(TEXTS, n_jobs=1, **options)
    with (
        mock.patch.object(host, "_PARALLEL_FROM_SECONDS", 0),
        mock.patch.object(host, "_THREADS_FROM_PAIR_SECONDS", 0),
        mock.patch.object(host, "_PROCESSES_FROM_SECONDS", 0),
        mock.patch.object(chosen, "_PROBE_SECONDS", 1e-6),
        mock.patch.object(prefilter, "_BLOCK_CELLS", 50),
        joblib.parallel_config(**({} if backend is None else {"backend": backend, "n_jobs": 2})),
    ):
        found = ncd.neighbors(TEXTS, n_jobs=n_jobs, **options)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.distances, expected.distances)


@pytest.mark.parametrize(("ask", "own"), [(threading.get_ident, threading.get_ident()), (os.getpid, os.getpid())])
def test_long_work_is_shared(ask, own):
    who = WhoWorks(ask)
    who.prefer = "processes" if ask is os.getpid else "threads"
    rows, columns = (places.ravel() for places in np.indices((30, 30)))
    with mock.patch.object(host, "_PROCESSES_FROM_SECONDS", 0.1):
        found = chosen.lengths(
            Job(ncd.get_compressor(who)), Packed.of(TEXTS), Packed.of(TEXTS), rows, columns, n_jobs=2
        )
    assert {*found.tolist()} - {own}


def test_only_candidates_are_compressed():
    slow = Slow()
    ncd.neighbors(TEXTS[:10], TEXTS[10:], compressor=slow, prefilter="shingles", candidates=4, n_jobs=1)
    alone, sample, pairs = 30, 20 * 8, 10 * 4
    assert slow.calls <= alone + sample + pairs + 10  # a few to see how fast it is


def test_the_bar_counts_candidates(capsys):
    with mock.patch("ncd.pairwise.progress_bar") as bar:
        steps = bar.return_value.__enter__.return_value
        for options, total in (({}, 30 * 4), ({"symmetrize": "max"}, 2 * 30 * 4)):
            steps.reset_mock()
            ncd.neighbors(TEXTS, prefilter="shingles", candidates=4, progress=True, **options)
            assert bar.call_args.args[1] == total
            assert sum(call.args[0] for call in steps.call_args_list) == total
    slow = Slow(1e-4)
    ncd.neighbors(TEXTS, compressor=slow, prefilter="shingles", candidates=4, progress=True, n_jobs=1)
    assert "compressing candidates with slow" in capsys.readouterr().err


# unusual texts


def neighbors(X, Y=None, k=1, candidates=2, **options):
    return ncd.neighbors(X, Y, k, prefilter="shingles", candidates=candidates, **options).indices.tolist()


def test_empty_texts():
    assert len(neighbors(["", "a", "", "ab"], ["b", "", "abc", "", "x"], 2, allow_empty=True)) == 4
    assert neighbors(["", "", "", ""], allow_empty=True) == [[1], [0], [0], [0]]
    with pytest.raises(ncd.EmptyTextError):
        neighbors(["", "a", "b", "c"])


def test_one_byte():
    assert neighbors(["a", "b"], ["c", "b", "d", "a"], 1, 1) == [[3], [1]]
    assert neighbors(["a", "b"], ["c" * 500, "b", "d" * 300, "a", "e" * 999], 1, 1) == [[3], [1]]


def test_equal_texts():
    assert neighbors(["same text"] * 5, k=2) == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]
    assert neighbors(["same text"] * 2, ["same text"] * 5, k=2) == [[0, 1], [0, 1]]
    assert neighbors(["other"], ["same text"] * 4, k=3, candidates=3) == [[0, 1, 2]]


def test_nothing_is_shared():
    X, Y = [make_bytes(1, 60)], [make_bytes(seed, 50 + seed) for seed in range(2, 12)]
    found = neighbors(X, Y, 5, 5, metric="cdm")
    assert len(set(found[0])) == 5
    assert neighbors(["aaaa"], ["bbbbbb", "ccccc", "dddd", "eeeeeee"], 3, 3)[0] != []


@pytest.mark.parametrize("k", [1, 3])
def test_duplicates_are_found(k):
    texts = [make_text(seed, 40) for seed in range(40)]
    found = neighbors(texts, texts[::-1], k, max(k, 2), metric="ncd")
    assert [row[0] for row in found] == list(range(39, -1, -1))


def test_unicode():
    Y = ["der Fluss fließt schnell", "日本語の文章です", "река течёт быстро", "日本の文学です", "le fleuve coule"]
    assert neighbors(["日本語の文学です", "река течёт медленно"], Y, 1, 2) == [[3], [2]]


def test_a_text_longer_than_a_block():
    with mock.patch.object(prefilter, "_BLOCK_BYTES", 64):
        assert neighbors([make_text(3, 200)], [make_text(seed, 150 + seed) for seed in range(9)]) == [[3]]


def test_as_many_candidates_as_texts():
    with mock.patch("ncd.pairwise.Prefilter", side_effect=AssertionError):
        assert neighbors(TEXTS[:5], k=4, candidates=4) == ncd.neighbors(TEXTS[:5], k=4).indices.tolist()
        assert neighbors(TEXTS[:5], candidates=1000) == ncd.neighbors(TEXTS[:5]).indices.tolist()
        assert neighbors(TEXTS[:5], candidates=None) == ncd.neighbors(TEXTS[:5]).indices.tolist()


def test_two_texts_are_enough_for_a_choice():
    assert neighbors(["abcdef"], ["uvwxyz", "abcdeg"], candidates=1) == [[1]]


# metrics of one's own


def test_a_metric_at_a_loss_with_an_estimate():
    def metric(lx, ly, lxy):
        return np.sqrt(lxy - np.maximum(lx, ly))  # estimates may be smaller than either text

    texts = [make_text(seed % 4, 60) for seed in range(12)]
    assert neighbors(texts, k=2, candidates=4, metric=metric)
    with pytest.raises(ValueError, match="metric returned NaN"):
        neighbors(TEXTS, metric=lambda lx, ly, lxy: lxy * np.nan)
    with pytest.raises(ValueError, match="metric returned shape"):
        neighbors(TEXTS, metric=lambda lx, ly, lxy: lx)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_estimates(value):
    def metric(lx, ly, lxy):
        return np.where(lxy == np.round(lxy), lxy, value)

    for row, places in enumerate(neighbors(TEXTS[:9], k=3, candidates=3, metric=metric)):
        assert row not in places


# arguments


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prefilter": "lsh"}, "prefilter is 'lsh': choose from None, 'shingles'"),
        ({"prefilter": True}, "prefilter is True"),
        ({"prefilter": ["shingles"]}, "prefilter is"),
        ({"candidates": 10}, "candidates is 10 without a prefilter"),
        ({"prefilter": "shingles", "candidates": 2}, "candidates is 2 and k is 3: give at least 3 candidates"),
        ({"prefilter": "shingles", "candidates": 0}, "candidates is 0 and k is 3"),
        ({"prefilter": "shingles", "candidates": 4.0}, "candidates is 4.0: give a whole number"),
        ({"prefilter": "shingles", "candidates": True}, "candidates is True: give a whole number"),
        ({"prefilter": "shingles", "candidates": "all"}, "candidates is 'all': give a whole number"),
    ],
)
def test_bad_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        ncd.neighbors(TEXTS, k=3, **options)
    with pytest.raises(ValueError, match=words.replace("k is", "n_neighbors is")):
        ncd.NCDClassifier(n_neighbors=3, **options).fit(TEXTS, [0, 1] * 15)


def test_candidates_are_compressed_on_this_machine():
    with (
        mock.patch.object(tuning, "_on_gpu", lambda job: job),
        pytest.raises(ValueError, match="engine='cuda' computes all pairs, not those of a prefilter"),
    ):
        neighbors(TEXTS, engine="cuda")


def test_how_many_candidates():
    assert checked_candidates(None, None, 3) is None
    assert [checked_candidates("shingles", None, k) for k in (1, 10, 11)] == [100, 100, 110]
    assert checked_candidates("shingles", np.int64(7), 7) == 7


# the classifier


def test_classifier():
    X, y = FACTBOOK.texts[:150], FACTBOOK.labels[:150]
    queries = FACTBOOK.texts[150:170]
    model = ncd.NCDClassifier(prefilter="shingles", candidates=20).fit(X, y)
    assert clone(model).get_params() == model.get_params()
    options = {"compressor": "deflate", "metric": "cosine", "order": "yx", "joint": "primed"}
    found = ncd.neighbors(queries, X, 5, prefilter="shingles", candidates=20, **options)
    distances, indices = model.kneighbors(queries)
    assert np.array_equal(indices, found.indices)
    assert np.array_equal(distances, found.distances)
    exact = ncd.NCDClassifier().fit(X, y)
    assert np.mean(model.predict(queries) == exact.predict(queries)) > 0.9
    everything = ncd.NCDClassifier(prefilter="shingles", candidates=150).fit(X, y)
    assert everything.predict(queries).tolist() == exact.predict(queries).tolist()
    assert everything.predict_proba(queries).tolist() == exact.predict_proba(queries).tolist()
    with pytest.raises(ValueError, match="candidates is 20 and n_neighbors is 21"):
        model.kneighbors(queries, 21)
