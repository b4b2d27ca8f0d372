"""Metrics of segmentations against segeval, TCPDBench's definitions and naive versions."""

import itertools
import math
import time

import naive_metrics as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ncd.changepoint import metrics

segeval = pytest.importorskip("segeval")


@st.composite
def ends_of(draw, n):
    inner = draw(st.sets(st.integers(1, max(1, n - 1)), max_size=min(n - 1, 12))) if n > 1 else set()
    return [*sorted(inner), n]


@st.composite
def pairs(draw, low=1, high=60):
    n = draw(st.integers(low, high))
    return draw(ends_of(n)), draw(ends_of(n))


def masses(ends):
    return tuple(np.diff([0, *ends]).tolist())


@settings(deadline=None, max_examples=300)
@given(pairs())
def test_pk_is_segevals(pair):
    true, found = pair
    assert metrics.pk(true, found) == pytest.approx(float(segeval.pk(masses(found), masses(true))), abs=1e-15)


@settings(deadline=None, max_examples=300)
@given(pairs(low=3))
def test_window_diff_is_segevals(pair):
    true, found = pair
    expected = segeval.window_diff(masses(found), masses(true))
    assert metrics.window_diff(true, found) == pytest.approx(float(expected), abs=1e-15)


@settings(deadline=None, max_examples=200)
@given(pairs(low=4), st.data())
def test_window_size_is_a_parameter(pair, data):
    true, found = pair
    k = data.draw(st.integers(1, true[-1] - 1))
    for ours, theirs in ((metrics.pk, segeval.pk), (metrics.window_diff, segeval.window_diff)):
        expected = float(theirs(masses(found), masses(true), window_size=k))
        assert ours(true, found, k) == pytest.approx(expected, abs=1e-15)


@settings(deadline=None, max_examples=300)
@given(pairs(low=2, high=40), st.integers(2, 6))
def test_boundary_similarity_is_segevals(pair, n_t):
    true, found = pair
    if len(true) == len(found) == 1:
        assert metrics.boundary_similarity(true, found) == 1.0  # segeval divides by the number of boundary types, 0
        return
    expected = float(segeval.boundary_similarity(masses(true), masses(found), n_t=n_t))
    assert metrics.boundary_similarity(true, found, n_t=n_t) == pytest.approx(expected, abs=1e-12)


def test_published_example():
    """Hearst's Stargazer text: every coder against every other, as segeval has them."""
    coders = list(segeval.HEARST_1997_STARGAZER["stargazer"].values())
    for a, b in itertools.permutations(coders, 2):
        true, found = np.cumsum(a), np.cumsum(b)
        assert metrics.pk(true, found) == pytest.approx(float(segeval.pk(b, a)), abs=1e-15)
        assert metrics.window_diff(true, found) == pytest.approx(float(segeval.window_diff(b, a)), abs=1e-15)
        assert metrics.boundary_similarity(true, found) == pytest.approx(float(segeval.boundary_similarity(a, b)))


@settings(deadline=None, max_examples=200)
@given(pairs(low=2, high=20), st.data())
def test_sizes_count_words_while_boundaries_stand_between_lines(pair, data):
    true, found = pair
    sizes = data.draw(st.lists(st.integers(1, 9), min_size=true[-1], max_size=true[-1]))
    starts = np.cumsum([0, *sizes])
    for measure in (metrics.pk, metrics.window_diff, metrics.boundary_similarity, metrics.boundary_f1):
        assert measure(true, found, sizes=sizes) == measure(starts[true], starts[found])
    assert metrics.hausdorff(true, found, sizes=sizes) == metrics.hausdorff(starts[true], starts[found])
    assert metrics.pk(true, found, sizes=np.ones(true[-1], int)) == metrics.pk(true, found)


def test_a_line_without_words_counts_for_nothing():
    assert metrics.pk([2, 3, 5], [1, 3, 5], sizes=[4, 0, 4, 4, 4]) == 0.0
    assert metrics.window_diff([1, 5], [5], sizes=[0, 3, 3, 3, 3]) == 0.0


@settings(deadline=None, max_examples=200)
@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.lists(ends_of(n), min_size=1, max_size=4), ends_of(n))))
def test_benchmark_definitions(drawn):
    annotators, found = drawn
    assert metrics.covering(annotators, found) == pytest.approx(naive.covering(annotators, found), abs=1e-12)
    for margin in (0, 1, 5, 20):
        expected = naive.f1_score(annotators, found, margin)
        assert metrics.f1_score(annotators, found, margin) == pytest.approx(expected, abs=1e-12)


def test_one_annotator_is_a_plain_list():
    assert metrics.f1_score([30, 60], [33, 60]) == metrics.f1_score([[30, 60]], [33, 60]) == 1.0
    assert metrics.covering(np.array([30, 60]), [33, 60]) == metrics.covering([(30, 60)], [33, 60])


@settings(deadline=None, max_examples=200)
@given(st.integers(2, 25).flatmap(lambda n: st.tuples(ends_of(n), ends_of(n))), st.integers(0, 6))
def test_boundary_f1_forms_the_most_pairs(pair, margin):
    true, found = pair[0][-6:], pair[1][-6:]
    total = len(true) + len(found) - 2
    expected = 2 * naive.most_pairs(true[:-1], found[:-1], margin) / total if total else 1.0
    assert metrics.boundary_f1(true, found, margin) == pytest.approx(expected)


@settings(deadline=None, max_examples=100)
@given(pairs(low=2))
def test_hausdorff(pair):
    true, found = pair
    if len(true) == 1 or len(found) == 1:
        assert metrics.hausdorff(true, found) == (0.0 if len(true) == len(found) else math.inf)
    else:
        assert metrics.hausdorff(true, found) == naive.hausdorff(true[:-1], found[:-1])
        theirs = pytest.importorskip("ruptures.metrics")
        assert metrics.hausdorff(true, found) == theirs.hausdorff(true, found)


@given(pairs(low=1))
def test_a_segmentation_is_like_itself(pair):
    true, _ = pair
    assert metrics.pk(true, true) == metrics.window_diff(true, true) == metrics.hausdorff(true, true) == 0.0
    for measure in (metrics.boundary_similarity, metrics.boundary_f1, metrics.f1_score, metrics.covering):
        assert measure(true, true) == 1.0


def test_long_texts_take_no_time():
    rng = np.random.default_rng(0)
    n = 60_000
    true, found = ([*sorted(rng.choice(n - 1, 3000, False) + 1), n] for _ in range(2))
    start = time.process_time()
    for measure in (
        metrics.pk,
        metrics.window_diff,
        metrics.boundary_similarity,
        metrics.boundary_f1,
        metrics.f1_score,
        metrics.covering,
        metrics.hausdorff,
    ):
        assert math.isfinite(measure(true, found))
    assert time.process_time() - start < 2


ALL = [getattr(metrics, name) for name in metrics.__all__]


@pytest.mark.parametrize("measure", ALL)
@pytest.mark.parametrize(
    ("true", "found", "error", "message"),
    [
        ([5, 10], [5, 11], ValueError, "both end with the number of units"),
        ([], [10], ValueError, r"reference has shape \(0,\)"),
        ([10], [], ValueError, r"predicted has shape \(0,\)"),
        ([5, 5, 10], [10], ValueError, "ascending"),
        ([10], [0, 10], ValueError, "from 1 to n"),
        ([5.0, 10.0], [10], TypeError, "whole numbers"),
        ([10], [math.nan], TypeError, "whole numbers"),
    ],
)
def test_wrong_segmentations(measure, true, found, error, message):
    with pytest.raises(error, match=message):
        measure(true, found)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.pk([10], [10], 10), ValueError, "choose from 1 to 9"),
        (lambda: metrics.pk([10], [10], 2.5), TypeError, "k is 2.5"),
        (lambda: metrics.window_diff([10], [10], 0), ValueError, "k is 0"),
        (lambda: metrics.boundary_similarity([10], [10], n_t=0), ValueError, "n_t is 0"),
        (lambda: metrics.f1_score([10], [10], -1), ValueError, "margin is -1"),
        (lambda: metrics.boundary_f1([10], [10], math.nan), ValueError, "margin is nan"),
        (lambda: metrics.boundary_f1([10], [10], None), TypeError, "margin is None"),
        (lambda: metrics.f1_score([10], [10], "a"), TypeError, "margin is 'a'"),
        (lambda: metrics.pk([3], [3], sizes=[1, 2]), ValueError, "one for each of the 3 units"),
        (lambda: metrics.pk([3], [3], sizes=[1, 2, -1]), ValueError, "none below 0"),
        (lambda: metrics.pk([3], [3], sizes=[0, 0, 0]), ValueError, "one above"),
        (lambda: metrics.pk([3], [3], sizes=[0.5, 1, 1]), TypeError, "whole numbers"),
        (lambda: metrics.covering([[5, 10], [5, 9]], [10]), ValueError, "reference ends with 9"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_windows_of_a_huge_text_are_counted_by_boundaries():
    n = 10**11
    for measure in (metrics.pk, metrics.window_diff):
        assert measure([n], [n]) == 0
        assert measure([n // 2, n], [n // 2 + 1, n]) == pytest.approx(2 / (n - n // 4), rel=1e-9)
        assert measure([n // 2, n], [n]) == pytest.approx(1 / 3)


def test_near_misses_of_a_huge_text():
    n = 10**11
    assert metrics.boundary_similarity([5, n], [10**9, n], n_t=10**10) == pytest.approx(1 - (10**9 - 5) / 10**10)
    assert metrics.boundary_similarity([n], [n], n_t=10**11) == 1
