"""Intervals and paired tests, against scipy and against definitions written out."""

import json
import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from ncd.compare.intervals import (
    Difference,
    Estimate,
    accuracy,
    bootstrap,
    holm,
    mcnemar,
    mean_interval,
    paired_means,
    paired_spearman,
    spearman,
    wilson,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (17, 40), (93, 100), (2100, 2189)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson_is_the_closed_form(right, n, level):
    z, p = stats.norm.ppf((1 + level) / 2), right / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = wilson(right, n, level=level)
    assert found.value == p
    assert found.low == pytest.approx(max(0, (centre - half) / (1 + z * z / n)), abs=1e-9)
    assert found.high == pytest.approx(min(1, (centre + half) / (1 + z * z / n)), abs=1e-9)
    assert found.n == n
    assert found.level == level


def test_accuracy_counts_right_answers():
    hits = np.array([True, False, True, True, False])
    assert accuracy(hits) == wilson(3, 5)
    assert accuracy([1, 0, 1, 1, 0]) == wilson(3, 5)


def test_mcnemar_is_the_binomial_sum(rng):
    for _ in range(20):
        mine, other = rng.random((2, 25)) < rng.random((2, 1))
        b, c = int((mine & ~other).sum()), int((other & ~mine).sum())
        tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
        found = mcnemar(mine, other)
        assert found.p_value == pytest.approx(min(1.0, 2 * tail))
        assert found.value == pytest.approx(mine.mean() - other.mean())
        assert -1 <= found.low <= found.high <= 1


def test_mcnemar_of_equal_answers():
    found = mcnemar([True, False, True], [True, False, True])
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.low < 0 < found.high


def test_intervals_cover_the_truth_about_as_often_as_they_say(rng):
    n, trials = 60, 400
    covered = np.zeros(3)
    for _ in range(trials):
        shared = rng.random(n) < 0.6
        mine = np.where(rng.random(n) < 0.7, shared, rng.random(n) < 0.9)
        other = np.where(rng.random(n) < 0.7, shared, rng.random(n) < 0.5)
        truth = 0.3 * (0.9 - 0.5)
        found = mcnemar(mine, other)
        covered[0] += found.low <= truth <= found.high
        a, b = rng.standard_normal((2, 12))
        found = paired_means(a + 1, b)
        covered[1] += found.low <= 1 <= found.high
        found = bootstrap(np.mean, a, n_resamples=200)
        covered[2] += found.low <= 0 <= found.high
    # The percentile bootstrap of 12 values is known to be too narrow: 0.90 or so.
    assert np.all(np.abs(covered / trials - [0.95, 0.95, 0.90]) < [0.04, 0.04, 0.06])


def test_means_are_students(rng):
    values = rng.random(7)
    found = mean_interval(values, level=0.9)
    low, high = stats.t.interval(0.9, 6, values.mean(), stats.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))
    a, b = rng.random((2, 9))
    test = stats.ttest_rel(a, b)
    found = paired_means(a, b)
    assert found.p_value == pytest.approx(test.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval()))


def test_one_value_has_no_ends():
    found = mean_interval([0.7])
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.to_dict() == {"value": 0.7, "low": None, "high": None, "n": 1, "level": 0.95}


@pytest.mark.parametrize(("shift", "p_value"), [(0.0, 1.0), (0.5, 0.0)])
def test_differences_without_spread(shift, p_value):
    values = np.array([1.0, 2, 3])
    assert paired_means(values + shift, values).p_value == p_value


def test_spearman_is_scipys_and_draws_are_kept_together(rng):
    x = rng.integers(0, 6, 50).astype(float)
    y = x + rng.normal(0, 2, 50)
    found = spearman(x, y, n_resamples=300, random_state=3)
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    drawn = np.random.default_rng(3).integers(0, 50, (300, 50))
    values = [stats.spearmanr(x[rows], y[rows]).statistic for rows in drawn]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert found == spearman(x, y, n_resamples=300, random_state=3)
    assert found != spearman(x, y, n_resamples=300, random_state=4)


def test_spearman_does_not_depend_on_how_much_is_drawn_at_once(rng, monkeypatch):
    x, y = rng.random((2, 30))
    whole = spearman(x, y, n_resamples=50)
    monkeypatch.setattr("ncd.compare.intervals._CELLS", 100)
    assert spearman(x, y, n_resamples=50) == whole


def test_paired_spearman_is_the_difference_on_the_same_draws(rng):
    truth = rng.random(80)
    good, bad = truth + rng.normal(0, 0.2, 80), truth + rng.normal(0, 1, 80)
    found = paired_spearman(good, bad, truth, n_resamples=500)
    assert found.value == pytest.approx(stats.spearmanr(good, truth).statistic - stats.spearmanr(bad, truth).statistic)
    assert found.p_value == pytest.approx(2 / 501)
    assert found.low > 0
    turned = paired_spearman(bad, good, truth, n_resamples=500)
    assert (turned.value, turned.low, turned.high) == pytest.approx((-found.value, -found.high, -found.low))
    same = paired_spearman(good, good * 3, truth, n_resamples=100)
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def test_bootstrap_leaves_out_draws_without_a_figure():
    def ratio(values):
        return values.sum() / values.max() if values.max() else math.nan

    found = bootstrap(ratio, [0, 0, 1])
    assert np.isfinite([found.low, found.high]).all()
    nothing = bootstrap(lambda values: math.nan, [1, 2])
    assert (nothing.low, nothing.high) == (-math.inf, math.inf)


def test_holm_is_the_step_down_rule(rng):
    for m in range(1, 7):
        p = rng.random(m) ** 3
        adjusted = holm(p)
        for alpha in (0.01, 0.05, 0.2):
            rejected = set()
            for rank, i in enumerate(np.argsort(p)):
                if p[i] > alpha / (m - rank):
                    break
                rejected.add(i)
            assert rejected == set(np.flatnonzero(adjusted <= alpha))
    assert holm([]).size == 0


def test_figures_are_values():
    estimate, difference = Estimate(0.5, 0.4, 0.6, 10), Difference(0.1, -0.1, 0.3, 0.04, 10)
    assert str(estimate) == "0.500 [0.400, 0.600]"
    assert str(difference) == "+0.100 [-0.100, +0.300], p = 0.04"
    assert json.loads(json.dumps(difference.to_dict(), allow_nan=False))["p_value"] == 0.04


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: wilson(3, 2), ValueError, "right is 3"),
        (lambda: wilson(0, 0), ValueError, "n is 0"),
        (lambda: wilson(1.0, 2), TypeError, "right is 1.0"),
        (lambda: wilson(1, 2, level=1), ValueError, "level is 1"),
        (lambda: accuracy([]), ValueError, "hits"),
        (lambda: accuracy([0.5, 1]), TypeError, "float64"),
        (lambda: accuracy([2, 1]), TypeError, "int64"),
        (lambda: mcnemar([True], [True, False]), ValueError, "mine 1, other 2"),
        (lambda: mean_interval([]), ValueError, "values"),
        (lambda: mean_interval([1, math.nan]), ValueError, r"values\[1\]"),
        (lambda: paired_means([1], [2]), ValueError, "2 or more"),
        (lambda: spearman([1, 1, 1], [1, 2, 3]), ValueError, "scores are all 1"),
        (lambda: spearman([1, 2, 3], [1, 2, 3, 4]), ValueError, "truth 4"),
        (lambda: spearman([1, 2, 3], [1, 2, 3], n_resamples=0), ValueError, "n_resamples"),
        (lambda: spearman([1, 2, 3], [1, 2, 3], random_state=-1), ValueError, "random_state"),
        (lambda: bootstrap(np.mean), ValueError, "0 samples"),
        (lambda: bootstrap(np.mean, 3), ValueError, "n rows each"),
        (lambda: bootstrap(np.mean, [3]), ValueError, "1 rows"),
        (lambda: holm([0.1, 1.1]), ValueError, "between 0 and 1"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_pairs_of_methods_are_tested_on_common_texts_only(rng):
    answers = rng.random((3, 30)) < 0.7
    for mine, other in combinations(answers, 2):
        assert mcnemar(mine, other).value == pytest.approx(-mcnemar(other, mine).value)
