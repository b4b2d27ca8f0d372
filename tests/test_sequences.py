"""Changepoints of numeric sequences: distances and codes against slow versions, answers, invariances, bad input."""

import json

import matplotlib as mpl
import naive_changepoint as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.base import clone

from ncd.changepoint import (
    ContextTreeCode,
    LinearTrendCost,
    SequenceChangepoints,
    change_test,
    distributional_distance,
    find_changepoints,
    list_estimator,
)
from ncd.changepoint.onehot import NgramCusum
from ncd.changepoint.seeded import Room, known_number, programmed, seeded_intervals, unknown_number
from ncd.distances.cells import as_filled, cells_of_level
from ncd.distances.distributional import WordSpace

mpl.use("agg")
METHODS = ["ctw", "distributional", "ngram"]
SEED = 20


def rng():
    return np.random.default_rng(SEED)


def coins(*probabilities, size=800):
    """Independent zeros and ones, as many for each probability."""
    random = rng()
    return np.concatenate([random.random(size) < p for p in probabilities]).astype(float)


def turns(*angles, size=800):
    """Halves of a circle in which a point is that is turned by an angle each step: no chance in it."""
    return np.concatenate([np.rint((0.1 + a * np.arange(size)) % 1) for a in angles])


# the distributional distance


@st.composite
def two_sequences(draw):
    d = draw(st.integers(1, 2))
    value = st.sampled_from([0.0, 0.1, 0.3, 0.55, 0.8, 0.95])
    lengths = draw(st.integers(1, 25)), draw(st.integers(1, 25))
    return [
        np.array(draw(st.lists(value, min_size=n * d, max_size=n * d))).reshape((n, d) if d > 1 else n) for n in lengths
    ]


@given(two_sequences(), st.sampled_from(["rank", "raw"]), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=60)
def test_distance_is_the_naive_one(pair, cells, max_length, levels):
    a, b = pair
    found = distributional_distance(a, b, cells=cells, max_length=max_length, levels=levels)
    weights = [[1 / (m * (m + 1) * (lev + 1) * (lev + 2)) for m in range(1, max_length + 1)] for lev in range(levels)]
    wanted = naive.distributional_distance(a, b, lambda m, lev: weights[lev][m - 1], cells, max_length, levels)
    assert found == pytest.approx(wanted, abs=1e-12)
    assert distributional_distance(b, a, weights=weights, cells=cells) == pytest.approx(wanted, abs=1e-12)


def test_named_weights():
    a, b = rng().random((2, 60))
    formulas = {
        "papers": lambda m, lev: 1 / (m * (m + 1) * (lev + 1) * (lev + 2)),
        "geometric": lambda m, lev: 2.0**-m * 2.0 ** -(lev + 1),
        "pychest": lambda m, lev: 4.0 ** (-m * (lev + 1)),
    }
    for name, formula in formulas.items():
        wanted = naive.distributional_distance(a, b, formula, "rank", 4, 3)
        for weights in (name, formula):
            found = distributional_distance(a, b, weights=weights, max_length=4, levels=3)
            assert found == pytest.approx(wanted, abs=1e-12)


@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=60),
    st.integers(1, 4),
    st.tuples(*[st.floats(0, 1)] * 4),
)
@settings(max_examples=100)
def test_curve_of_all_cuts_is_the_naive_one(symbols, m, shares):
    """One pass over all cuts gives what each cut gives alone."""
    n = len(symbols)
    start, first, last, stop = sorted(round(s * n) for s in shares)
    x = np.array(symbols)
    table = np.zeros((1, m))
    table[0, m - 1] = 1
    space = WordSpace(as_filled(x), "raw", table)
    found = space.curves(np.array([[start, first, last, stop]]))[0]
    wanted = [naive.word_distance(symbols, m, start, t, stop) for t in range(first, last + 1)]
    assert found == pytest.approx(wanted, abs=1e-12)


def test_pairs_of_parts():
    x = rng().integers(0, 3, 90)
    space = WordSpace(as_filled(x), "raw", np.ones((1, 3)))
    parts = np.array([[0, 20], [20, 50], [50, 51], [51, 90]])
    for i, (a, b) in enumerate(parts.tolist()):
        found = space.distances(parts, i)
        for j, other in enumerate(parts.tolist()):
            wanted = sum(naive.word_distance(x.tolist(), m, a, b, None, other) for m in (1, 2, 3)) if i != j else 0
            assert found[j] == pytest.approx(wanted, abs=1e-12)


def test_distance_of_large_words():
    """Words whose numbers go through the hash table."""
    x = rng().permutation(3000)
    assert distributional_distance(x[:1500], x[1500:], weights=[0, 0, 1], cells="raw") == pytest.approx(2)
    twice = np.concatenate([x, x])
    found = distributional_distance(twice[:3000], twice[3000:], weights=[1, 1, 1], cells="raw")
    assert found == 0


def test_rank_cells_keep_equal_values_together():
    x = np.array([5.0, 1, 1, 1, 9, 9, 2, 2])[:, None]
    for level in range(4):
        found, count = cells_of_level(x, level, "rank")
        wanted = naive.cells(x[:, 0].tolist(), level, "rank")
        assert len(set(zip(found.tolist(), wanted, strict=True))) == count == len(set(wanted))


# codes


@st.composite
def small_sequences(draw):
    d, top = draw(st.integers(1, 2)), draw(st.sampled_from([1, 3, 6]))
    n = draw(st.integers(12, 30))
    return np.array(draw(st.lists(st.integers(0, top), min_size=n * d, max_size=n * d))).reshape(n, d)


@given(small_sequences(), st.integers(0, 5), st.integers(1, 2), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40)
def test_code_length_is_the_definition(x, depth, bits, one, two):
    code = ContextTreeCode.of(x, bits=bits, depth=depth)
    n, rows = code.n, code.symbols.tolist()
    start, stop = sorted((round(one * n), round(two * n)))

    def wanted(*places):
        return naive.code_length(rows, code.bits, depth, [t for t in places if t >= code.given])

    lengths = code.growing(start, stop)
    assert len(lengths) == stop - start
    assert lengths == pytest.approx([wanted(*range(start, e)) for e in range(start + 1, stop + 1)], abs=1e-9)
    if stop - start > 1:
        whole = wanted(*range(start, stop))
        gains = [whole - wanted(*range(start, t)) - wanted(*range(t, stop)) for t in range(start + 1, stop)]
        assert code.gains(start, stop) == pytest.approx(gains, abs=1e-9)
    pooled = wanted(*range(start), *range(stop, n))
    assert code.pooled([[0, start], [stop, n]]) == pytest.approx(pooled, abs=1e-9)
    assert code.pooled([[0, n]]) == pytest.approx(wanted(*range(n)), abs=1e-9), "memory was left clean"


def test_backward_sums_of_long_runs():
    """Forward and backward agree where shares of nodes come near zero and back."""
    x = np.concatenate([np.zeros(4000), rng().integers(0, 2, 4000), np.zeros(4000)])
    code = ContextTreeCode.of(x)
    gains = code.gains(0, len(x))
    whole = code.pooled([[0, len(x)]])
    for cut in (100, 4000, 6000, 8000, 11900):
        assert gains[cut - 1] == pytest.approx(whole - code.pooled([[0, cut]]) - code.pooled([[cut, len(x)]]), abs=1e-6)


@given(st.lists(st.integers(0, 1), min_size=8, max_size=60), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40)
def test_cusum_is_the_naive_one(values, one, two):
    cusum = NgramCusum.of(np.array(values)[:, None])
    n = len(values)
    start, stop = sorted((round(one * n), round(two * n)))
    cut, score = cusum.best_cuts(np.array([[start, stop]]), 1, n - 1, 1)
    cuts = range(max(1, start + 1), min(n - 1, stop - 1) + 1)
    if not cuts:
        assert (cut[0], score[0]) == (-1, -np.inf)
        return
    wanted = [naive.squared_cusum(cusum.grams[0], start, t, stop) for t in cuts]
    assert score[0] == pytest.approx(max(wanted), abs=1e-9)
    assert wanted[int(cut[0]) - cuts[0]] == pytest.approx(max(wanted), abs=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=40), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60)
def test_line_cost_is_the_naive_one(values, one, two):
    y = np.round(np.array(values), 2)
    cost = LinearTrendCost.of(y)
    start, stop = sorted((round(one * len(y)), round(two * len(y))))
    if stop > start:
        scaled = (y - y.mean()) / (y.std() or 1)
        assert cost.growing(start, stop)[-1] == pytest.approx(naive.line_cost(scaled[start:stop], 0.01), abs=1e-6)


# searches


@pytest.mark.parametrize("seed", range(4))
def test_programming_finds_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    y = np.concatenate([random.normal(0, 0.2, 5), random.normal(3, 0.2, 4), np.arange(5) / 2])
    cost, n = LinearTrendCost.of(y), 14
    room = Room(n, 2, 3)
    wanted, cuts = naive.best_cuts(n, lambda a, b: float(cost.growing(a, b)[-1]), 4.0, 2, 3)
    found = programmed(cost, np.arange(1, n), room, 4.0, n)
    assert sum(cost.growing(a, b)[-1] for a, b in zip([0, *found], [*found, n], strict=True)) + 4.0 * len(
        found
    ) == pytest.approx(wanted)
    assert tuple(found) == cuts


def test_seeded_intervals_cover():
    found = seeded_intervals(1000, 32)
    assert found[0].tolist() == [0, 1000]
    lengths = found[:, 1] - found[:, 0]
    assert 32 <= lengths.min() < 64
    assert lengths.sum() < 2 * 1000 * 5
    for place in range(32, 968, 7):
        inside = found[(found[:, 0] <= place - 15) & (found[:, 1] >= place + 15)]
        assert (inside[:, 1] - inside[:, 0]).min() < 64


def test_many_changes():
    """More candidates than all pairs are looked at."""
    x = coins(*[0.2, 0.8] * 60, size=600)
    code = ContextTreeCode.of(x)
    for found in (
        unknown_number(code, code, Room(code.n), np.log2(code.n)),
        known_number(code, code, Room(code.n), 119),
    ):
        assert len(found) == 119
        assert np.abs(np.array(found) - 600 * np.arange(1, 120)).max() < 30


# answers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [coins(0.8, 0.3, 0.8), turns(0.4523, 0.6345, 0.4523)], ids=["coins", "rotations"])
def test_two_changes(method, x):
    found = list_estimator(x, 0.2, method=method)
    assert [abs(a - b) < 25 for a, b in zip(found.changepoints, [800, 1600], strict=True)] == [True, True]
    assert sorted(found.positions[:2]) == found.changepoints
    assert all(candidate.significance < 1e-6 for candidate in found[:2])
    assert all(candidate.significance > 0.01 for candidate in found[2:])
    assert np.diff([0, *sorted(found.positions), len(x)])[1:-1].min() >= 0.2 * len(x) - 1
    segments = find_changepoints(x, 0.2, 2, method=method)
    assert np.abs(np.array(segments) - [800, 1600]).max() < 25
    assert segments.processes == (0, 1, 0)
    assert segments.ends == [*segments.positions, len(x)]
    for options in ({"n_changepoints": 2}, {"n_processes": 2}, {}):
        ends = SequenceChangepoints(method, min_distance=0.2, **options).fit_predict(x)
        assert np.abs(np.array(ends) - [800, 1600, 2400]).max() < 25


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["coins", "normal", "rotation", "vectors"])
def test_no_change(method, kind):
    x = {
        "coins": coins(0.4, size=2000),
        "normal": rng().normal(size=2000),
        "rotation": turns(0.4523, size=2000),
        "vectors": rng().normal(size=(1500, 3)),
    }[kind]
    found = list_estimator(x, 0.1, method=method)
    assert found.changepoints == []
    assert "no change" in repr(found)
    assert len(found) > 0
    assert SequenceChangepoints(method, min_distance=0.1).fit(x).predict() == [len(x)]


@pytest.mark.parametrize("method", METHODS)
def test_scale_shift_and_repetition(method):
    x = np.concatenate([rng().normal(0, 1, 700), rng().normal(0, 2, 700)])
    first = list_estimator(x, 0.1, method=method)
    assert abs(first.changepoints[0] - 700) < 40
    for other in (x, 1e-9 * x + 5e-10, 1e9 * x - 7e9, np.exp(x)):
        assert list_estimator(other, 0.1, method=method).to_dict() == first.to_dict()
    mirrored = list_estimator(-x, 0.1, method=method)
    assert mirrored.changepoints == pytest.approx(first.changepoints, abs=2)


def test_vectors_whose_coordinates_do_not_change_alone():
    """Each coordinate stays normal; what changes is how they go together."""
    random = rng()
    a, b = random.normal(size=(2, 1200))
    x = np.stack([a, np.concatenate([b[:600], 0.9 * a[600:] + 0.43 * b[600:]])], 1)
    found = list_estimator(x, 0.1)
    assert len(found.changepoints) == 1
    assert abs(found.changepoints[0] - 600) < 40
    assert list_estimator(x[:, :1], 0.1).changepoints == list_estimator(x[:, 1:], 0.1).changepoints == []


@pytest.mark.parametrize("method", METHODS)
def test_vectors_of_which_one_coordinate_changes(method):
    random = rng()
    x = random.normal(size=(1500, 3))
    x[900:, 1] += 1.5
    found = list_estimator(x, 0.1, method=method)
    assert len(found.changepoints) == 1
    assert abs(found.changepoints[0] - 900) < 30


def test_bytes_and_booleans_are_numbers():
    stream = bytes(coins(0.2, 0.7, size=600).astype(np.uint8))
    wanted = list_estimator(list(stream), 0.2).to_dict()
    assert list_estimator(stream, 0.2).to_dict() == wanted
    assert list_estimator(np.frombuffer(stream, np.uint8), 0.2).to_dict() == wanted
    assert list_estimator(np.frombuffer(stream, np.uint8).astype(bool), 0.2).to_dict() == wanted
    assert abs(wanted["changepoints"][0] - 600) < 25


def test_min_distance_of_a_half():
    """The papers' grids leave the places from 0.22 to 0.75 of the length."""
    for seed in range(20):
        stream = np.random.default_rng(seed).integers(0, 256, 700, np.uint8)
        positions = list_estimator(stream, 0.5, method="distributional").positions
        assert len(positions) == 1
        assert 0.22 * 700 <= positions[0] <= 0.7501 * 700


def test_penalty_is_the_users():
    x = coins(0.5, 0.62, size=300)
    assert SequenceChangepoints(penalty=0).fit(x).changepoints_.size > 0
    assert SequenceChangepoints(penalty=1000).fit(x).changepoints_.size == 0


def test_significance_holds_without_a_change():
    """Of 300 sequences of three kinds at most the share p has a candidate with significance p."""
    least: list[float] = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        kinds = random.random(300) < 0.5, random.normal(size=300), np.cumsum(random.random(300) < 0.3) % 3
        least += [min(candidate.significance for candidate in list_estimator(x, 0.2)) for x in kinds]
    for p in (0.5, 0.2, 0.05):
        assert np.mean(np.array(least) <= p) <= p


def test_strict_test():
    p_values = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        p_values.append(change_test(random.random(200) < random.random(), order=seed % 3).p_value)
    for p in (0.5, 0.1, 0.05):
        assert np.mean(np.array(p_values) <= p) <= p
    for order, x in ((0, coins(0.8, 0.4)), (1, coins(0.8, 0.4)), (2, turns(0.4523, 0.6345))):
        found = change_test(x, order)
        assert found.p_value < 1e-6
        assert abs(found.position - 800) < 40
        assert found.to_dict()["order"] == order
    assert change_test([0, 1]).p_value == 1


def test_strict_test_by_hand():
    """Order 0, no context: the likelihood's entropy against the mean probability of all cuts."""
    x = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1]
    found = change_test(x, 0, depth=0)
    probabilities = [naive.kt(x[:t].count(0), sum(x[:t])) * naive.kt(x[t:].count(0), sum(x[t:])) for t in range(1, 12)]
    wanted = (7 / 12) ** 7 * (5 / 12) ** 5 / np.mean(probabilities)
    assert 2.0**-found.bits == pytest.approx(wanted)
    assert found.position == 6


# series


def test_trend():
    t = np.arange(60.0)
    random = rng()
    y = np.concatenate([t, 60 - t, 0 * t + 30]) + random.normal(0, 1, 180)
    model = SequenceChangepoints("trend").fit(y)
    assert np.abs(model.changepoints_ - [60, 120]).max() <= 3
    assert model.significances_ is None
    assert SequenceChangepoints("trend").fit_predict(1e6 * y - 5) == model.predict()
    assert SequenceChangepoints("trend").fit_predict(t + random.normal(0, 1, 60)) == [60]
    known = SequenceChangepoints("trend", n_changepoints=2).fit_predict(np.stack([y, -y], 1))
    assert np.abs(np.array(known) - [60, 120, 180]).max() <= 3


def test_trend_of_a_long_series():
    random = rng()
    y = np.concatenate([np.arange(3000) / 300, 20 - np.arange(3000) / 300]) + random.normal(0, 1, 6000)
    for options in ({}, {"n_changepoints": 1}):
        found = SequenceChangepoints("trend", **options).fit(y).changepoints_
        assert len(found) == 1
        assert abs(found[0] - 3000) < 100


# results and estimators


def test_results_are_plain_values(tmp_path):
    x = coins(0.8, 0.3)
    candidates, segments = list_estimator(x, 0.2), find_changepoints(x, 0.2, 2)
    for result in (candidates, segments):
        assert json.loads(json.dumps(result.to_dict()))["n"] == 1600
        ax = result.plot()
        ax.figure.savefig(tmp_path / "picture.png")
    assert "changepoints [" in repr(candidates)
    assert "processes [0, 1]" in repr(segments)
    assert candidates[:1] == candidates.candidates[:1]
    assert next(iter(candidates)) is candidates[0]
    assert segments[:] == segments.positions
    assert segments.significances[0] < 1e-9
    assert segments.gains[0] == pytest.approx(candidates[0].gain)


def test_estimator_is_scikit_learns():
    x = coins(0.8, 0.3, 0.8)
    model = SequenceChangepoints("ngram", n_processes=2, min_distance=0.2)
    other = clone(model).set_params(method="ctw")
    assert other.get_params()["n_processes"] == 2
    assert other.fit(x) is other
    assert other.labels_.tolist() == np.repeat([0, 1, 0], np.diff([0, *other.predict()])).tolist()
    assert other.predict(x[:1600]) == [*other.changepoints_, 1600]
    assert other.n_features_in_ == 1
    assert len(other.gains_) == len(other.significances_) == len(other.changepoints_)
    with pytest.raises(ValueError, match="not fitted"):
        SequenceChangepoints().predict()


# bad input

BAD = {
    "empty": ([], ValueError, "x is empty"),
    "nan": ([0.0, np.nan, 1.0], ValueError, r"x\[1\] is nan"),
    "infinite": ([[0.0, 1.0], [1.0, -np.inf]], ValueError, r"x\[1, 1\] is -inf"),
    "string": ("abc", TypeError, "encode"),
    "strings": (["a", "b"], TypeError, "booleans, integers or floats"),
    "objects": ([None, 1], TypeError, "object"),
    "complex": ([1j, 2], TypeError, "complex"),
    "ragged": ([[1, 2], [3]], ValueError, "ragged"),
    "cube": (np.zeros((2, 2, 2)), ValueError, "shape"),
    "no coordinates": (np.zeros((5, 0)), ValueError, "shape"),
    "scalar": (5, ValueError, "shape"),
    "masked": (np.ma.masked_equal([[1.0, 2], [3, 4]], 3), ValueError, r"x\[1, 0\] is masked"),
    "beyond double": (np.array([0, np.longdouble("1e4000")]), ValueError, r"x\[1\] is inf"),
}


@pytest.mark.parametrize("method", [*METHODS, "trend"])
@pytest.mark.parametrize("case", BAD)
def test_bad_sequences(method, case):
    x, error, message = BAD[case]
    with pytest.raises(error, match=message):
        SequenceChangepoints(method).fit(x)


@pytest.mark.parametrize("method", [*METHODS, "trend"])
@pytest.mark.parametrize(
    "x", [[1], [1, 2], [2, 1, 1], [1, 0, 1, 1], np.ones(100), np.zeros((50, 2)), [1e308, -1e308] * 40, [5e-324, 0] * 40]
)
def test_nothing_to_find(method, x):
    """Tiny, constant and extreme sequences: no change, and no warning."""
    assert SequenceChangepoints(method).fit_predict(x) == [len(x)]
    if method != "trend":
        assert list_estimator(x, 0.5, method=method).changepoints == []
        assert list(find_changepoints(x, 0.5, 1, method=method)) == []


@pytest.mark.parametrize("distance", [0, -0.1, 0.51, 2, float("nan"), "a", None, True])
def test_bad_distances(distance):
    for function in (list_estimator, lambda x, d: find_changepoints(x, d, 2)):
        with pytest.raises((ValueError, TypeError), match="min_distance is"):
            function([0, 1] * 20, distance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "'ctw', 'distributional', 'ngram', 'trend'"),
        ({"n_changepoints": 50, "min_distance": 0.1}, "n_changepoints is 50: 10 fit"),
        ({"method": "distributional", "n_changepoints": 20}, "fit into 200"),
        ({"method": "trend", "n_changepoints": 20, "min_distance": 0.3}, "n_changepoints is 20: 3 fit"),
        ({"n_changepoints": -1}, "n_changepoints is -1: give 0 or more"),
        ({"n_changepoints": 2.5}, "n_changepoints is 2.5: give a whole number"),
        ({"n_processes": 0}, "n_processes is 0: give 1 or more"),
        ({"n_processes": 90, "min_distance": 0.1}, "n_processes is 90"),
        ({"method": "trend", "n_processes": 2}, "stationary"),
        ({"n_processes": 2, "n_changepoints": 1}, "both given"),
        ({"penalty": "much"}, "'auto'"),
        ({"penalty": -1}, "at least 0"),
        ({"bits": 5}, "from 1 to 4"),
        ({"depth": 17}, "from 0 to 16"),
        ({"method": "distributional", "cells": "square"}, "'rank', 'raw'"),
        ({"method": "distributional", "weights": "heavy"}, "'papers', 'geometric', 'pychest'"),
        ({"method": "distributional", "weights": [[[1]]]}, "shape"),
        ({"method": "distributional", "weights": [-1]}, "not below 0"),
        ({"method": "trend", "floor": 0}, "above 0"),
        *(({"method": method, "floor": floor}, "floor is") for method in ("trend", "ctw") for floor in (None, "a")),
        *(({"method": method, "penalty": None}, "penalty is None") for method in ("trend", "ctw")),
        *(({"method": method, "penalty": np.ones(2)}, "penalty is") for method in ("trend", "ctw")),
        ({"penalty": [1]}, "penalty is"),
        ({"method": "trend", "bits": 99}, "bits is 99"),
        ({"method": "trend", "depth": None}, "depth is None"),
        ({"weights": "bogus"}, "weights is 'bogus'"),
        ({"method": "ngram", "weights": [["a"]]}, "weights is"),
        ({"cells": "bogus"}, "cells is 'bogus'"),
        ({"method": "distributional", "min_distance": 1e-9, "n_processes": 2}, "a larger min_distance"),
        ({"method": "distributional", "min_distance": 1e-9, "n_changepoints": 2}, "a larger min_distance"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        SequenceChangepoints(**options).fit(rng().random(200))


def test_numbers_of_numpy():
    x = coins(0.2, 0.8)
    usual = SequenceChangepoints(min_distance=0.25, penalty=8.0).fit_predict(x)
    assert SequenceChangepoints(min_distance=np.float32(0.25), penalty=np.int64(8)).fit_predict(x) == usual


def test_constant_sequences_have_one_process():
    with pytest.raises(ValueError, match="n_processes is 2: all elements are the same"):
        find_changepoints([1] * 100, 0.1, 2)


@pytest.mark.parametrize("method", METHODS)
def test_a_known_number_of_changepoints(method):
    x = coins(0.1, 0.9, 0.1)
    found = find_changepoints(x, 0.2, n_changepoints=2, method=method)
    assert found.ends == SequenceChangepoints(method, n_changepoints=2, min_distance=0.2).fit_predict(x)
    assert np.abs(np.subtract(found.positions, [800, 1600])).max() < 40
    assert found.processes == (0, 1, 2)
    assert len(found.gains) == len(found.significances) == 2
    assert find_changepoints(x, 0.2, n_changepoints=0, method=method).processes == (0,)


def test_one_of_two_numbers():
    for numbers, said in (({}, "none"), ({"n_processes": 2, "n_changepoints": 1}, "both")):
        with pytest.raises(ValueError, match=said):
            find_changepoints(coins(0.1, 0.9), 0.2, **numbers)
    with pytest.raises(ValueError, match="n_changepoints is 99: 5 fit"):
        find_changepoints(coins(0.1, 0.9), 0.2, n_changepoints=99)


@pytest.mark.parametrize(
    "x",
    [
        [1e308, -1e308] * 50,
        2**60 + np.arange(100),
        np.array([2**63, 2**64 - 1] * 50, np.uint64),
        [0, 5e-324] * 50,
        np.array([-(2**63), 2**63 - 1] * 50),
        np.arange(100) * 1e300,
        np.arange(100) % 3 == 0,
    ],
)
def test_raw_cells_of_any_finite_numbers(x):
    assert len(list_estimator(x, 0.2, method="distributional", cells="raw")) > 0


def test_raw_cells_are_those_of_the_formula():
    values = np.concatenate([rng().normal(0, 3, 200), [0.0, -0.0, -0.5, 0.5, 2.0**52, -(2.0**52)]])
    for level in range(5):
        cells, count = cells_of_level(values[:, None], level, "raw")
        expected = np.unique(np.trunc(values * 2 ** (level + 1)), return_inverse=True)[1]
        assert cells.tolist() == expected.tolist()
        assert count == expected.max() + 1


def test_large_whole_numbers_are_told_apart():
    assert cells_of_level(2**60 + np.arange(5)[:, None], 0, "raw")[0].tolist() == [0, 1, 2, 3, 4]


def test_change_test_of_a_likelihood_beyond_floats():
    found = change_test(np.random.default_rng(0).integers(0, 16, 20000), order=4)
    assert found.p_value == 1
    assert found.bits < -1074


@pytest.mark.parametrize("depth", [None, "8", 17, -1])
def test_bad_depth_of_change_test(depth):
    with pytest.raises((TypeError, ValueError), match="depth is"):
        change_test([0, 1] * 20, depth=depth)


def test_change_test_has_a_curve():
    found = change_test(coins(0.2, 0.8))
    assert found.curve.shape == (1599,)
    assert found.curve.argmax() + 1 == found.position
    assert found.bits == pytest.approx(np.log2(np.exp2(found.curve).mean()))
    assert set(found.to_dict()) == {"p_value", "position", "bits", "order"}
    ax = found.plot()
    assert ax.lines[0].get_ydata().max() == found.curve.max()
    mpl.pyplot.close(ax.figure)


def test_candidates_and_costs_are_readable():
    candidate = list_estimator(coins(0.2, 0.8), 0.25)[0]
    assert json.loads(json.dumps(candidate.to_dict()))["position"] == candidate.position
    assert repr(LinearTrendCost.of(np.eye(2))) == "<LinearTrendCost: 2 elements, 2 coordinates, floor 0.01>"


def test_bad_arguments_of_functions():
    for a, b, message in (([], [1], "a is empty"), ([1], [], "b is empty"), ([[1, 2]], [1], "coordinates")):
        with pytest.raises(ValueError, match=message):
            distributional_distance(a, b)
    for name in ("max_length", "levels"):
        with pytest.raises(ValueError, match=name):
            distributional_distance([1], [2], **{name: 0})
    with pytest.raises(ValueError, match="method is 'trend'"):
        list_estimator([1, 2], 0.5, method="trend")
    with pytest.raises(ValueError, match="order is 5"):
        change_test([1, 2], 5)
    with pytest.raises(ValueError, match="needs two"):
        change_test([1])
