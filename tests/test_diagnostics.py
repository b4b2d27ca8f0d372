"""Diagnostics of vectors, against definitions written out and clouds of which the answer is known."""

import json
import time
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.stats import t as student
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.metrics.pairwise import cosine_similarity

from ncd.compare.diagnostics import (
    anisotropy,
    cluster_ratio,
    cluster_ratios,
    intrinsic_dimension,
    linearity,
    mean_cosine,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(50, 7), (7, 50), (2, 2)])
@pytest.mark.parametrize("center", [True, False])
def test_anisotropy_is_the_share_of_the_first_singular_value(rng, shape, center):
    cloud = rng.standard_normal(shape) + 1
    singular = np.linalg.svd(cloud - cloud.mean(0) if center else cloud, compute_uv=False)
    assert anisotropy(cloud, center=center) == pytest.approx(singular[0] ** 2 / (singular**2).sum())


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e307])
def test_scale_does_not_matter(rng, scale):
    cloud, labels = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    figures = [
        anisotropy,
        mean_cosine,
        lambda vectors: intrinsic_dimension(vectors).value,
        lambda vectors: intrinsic_dimension(vectors, method="mle", k=5).value,
        lambda vectors: cluster_ratio(vectors, labels).ratio.value,
        lambda vectors: cluster_ratio(vectors, labels).ratio.low,
        lambda vectors: cluster_ratio(vectors, labels, metric="cosine").ratio.value,
        lambda vectors: linearity(vectors, cloud**2).value,
        lambda vectors: linearity(cloud**2, vectors, method="orthogonal").value,
    ]
    for figure in figures:
        assert figure(cloud * scale) == pytest.approx(figure(cloud))
    assert cluster_ratio(cloud * scale, labels).inter / scale == pytest.approx(cluster_ratio(cloud, labels).inter)


def test_anisotropy_of_a_line_and_of_a_ball(rng):
    assert anisotropy(np.outer(rng.random(20), rng.random(5))) == pytest.approx(1)
    assert anisotropy(rng.standard_normal((20_000, 10))) == pytest.approx(0.1, abs=0.005)


def test_a_mean_far_away_is_the_one_direction_without_centring(rng):
    cloud = rng.standard_normal((500, 20)) + 100
    assert anisotropy(cloud) < 0.1 < 0.99 < anisotropy(cloud, center=False)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_mean_cosine_is_the_mean_over_pairs(rng, dtype):
    cloud = (rng.standard_normal((40, 6)) * 5 + 2).astype(dtype)
    cosines = cosine_similarity(cloud.astype(float))
    assert mean_cosine(cloud) == pytest.approx(np.mean([cosines[i, j] for i, j in combinations(range(40), 2)]))


@given(n=st.integers(2, 12), seed=st.integers(0, 100))
def test_mean_cosine_is_in_its_range(n, seed):
    value = mean_cosine(np.random.default_rng(seed).standard_normal((n, 3)))
    assert -1 / (n - 1) - 1e-12 <= value <= 1 + 1e-12


def neighbours(points, k):
    """Sorted distances of every point to its k nearest, by all pairs."""
    return np.array(
        [np.sort([np.linalg.norm(p - q) for q in np.delete(points, i, 0)])[:k] for i, p in enumerate(points)]
    )


def test_twonn_is_the_fit_of_its_source(rng):
    points = rng.random((80, 3))
    near = neighbours(points, 2)
    ratios = np.sort(near[:, 1] / near[:, 0])[:72]  # a tenth is left out
    x, y = np.log(ratios), -np.log(1 - np.arange(1, 73) / 80)
    slope = LinearRegression(fit_intercept=False).fit(x[:, None], y).coef_[0]
    assert intrinsic_dimension(points).value == pytest.approx(slope)


@pytest.mark.parametrize("k", [2, 5, 10])
def test_mle_averages_the_inverses(rng, k):
    points = rng.random((60, 3))
    inverses = [np.mean([np.log(row[-1] / t) for t in row[:-1]]) for row in neighbours(points, k)]
    assert intrinsic_dimension(points, method="mle", k=k).value == pytest.approx(1 / np.mean(inverses))


@pytest.mark.parametrize(("method", "options"), [("twonn", {}), ("mle", {"k": 10})])
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_dimension_of_a_flat_sheet_that_is_turned(rng, method, options, dim):
    sheet = rng.standard_normal((3000, dim)) @ np.linalg.qr(rng.standard_normal((30, 30)))[0][:dim]
    found = intrinsic_dimension(sheet, method=method, **options)
    assert found.value == pytest.approx(dim, rel=0.08)
    assert found.low < found.value < found.high


def test_equal_vectors_count_once(rng):
    points = rng.random((100, 3))
    again = np.concatenate([points, points[:40], points[:7]])
    assert intrinsic_dimension(again) == intrinsic_dimension(points)


def test_close_points_far_from_the_origin(rng):
    points = rng.random((300, 2))
    assert intrinsic_dimension(points + 2.0**24).value == pytest.approx(intrinsic_dimension(points).value, rel=1e-3)


@pytest.mark.parametrize("method", ["twonn", "mle"])
def test_points_equally_far_from_each_other_have_no_finite_dimension(method):
    assert intrinsic_dimension(np.eye(6), method=method, k=3).value == np.inf


def ratio_of_pairs(points, labels, distance):
    """Inter and intra as they are defined."""
    groups = {label: [p for p, own in zip(points, labels, strict=True) if own == label] for label in set(labels)}
    between = [
        np.mean([distance(p, q) for p in groups[a] for q in groups[b]]) for a, b in combinations(sorted(groups), 2)
    ]
    within = [
        np.mean([distance(p, q) for p, q in combinations(members, 2)])
        for members in groups.values()
        if len(members) > 1
    ]
    return np.mean(between), np.mean(within)


def euclidean(p, q):
    return np.linalg.norm(p - q)


def cosine(p, q):
    return 1 - p @ q / np.linalg.norm(p) / np.linalg.norm(q)


@pytest.mark.parametrize(("metric", "distance"), [("euclidean", euclidean), ("cosine", cosine)])
def test_cluster_ratio_is_that_of_pairs(rng, metric, distance):
    points, labels = rng.standard_normal((30, 4)) + 1, [*rng.choice(["a", "b", "c"], 29), "alone"]
    inter, intra = ratio_of_pairs(points, labels, distance)
    found = cluster_ratio(points, labels, metric=metric)
    assert (found.inter, found.intra, found.ratio.value) == pytest.approx((inter, intra, inter / intra))
    left_out = np.array(
        [np.divide(*ratio_of_pairs(np.delete(points, i, 0), np.delete(labels, i), distance)) for i in range(30)]
    )
    error = np.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.ratio.high - found.ratio.value == pytest.approx(2.0452 * error, rel=1e-4)


@pytest.mark.parametrize("sizes", [(2, 1), (2, 2), (5, 1, 1), (2, 3, 4, 1)])
def test_jackknife_with_groups_that_vanish(rng, sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    points, n = rng.standard_normal((len(labels), 3)), len(labels)
    left_out = []
    for i in range(n):
        rest = np.delete(labels, i)
        if len(set(rest)) > 1 and np.bincount(rest).max() > 1:
            left_out.append(np.divide(*ratio_of_pairs(np.delete(points, i, 0), rest, euclidean)))
    found = cluster_ratio(points, labels).ratio
    if len(left_out) < 2:
        assert not np.isfinite(found.high)
        return
    m = len(left_out)
    error = np.sqrt((m - 1) / m * ((np.array(left_out) - np.mean(left_out)) ** 2).sum())
    assert found.high - found.value == pytest.approx(student.ppf(0.975, m - 1) * error)


def test_labels_of_any_kind(rng):
    points = rng.standard_normal((6, 2))
    expected = cluster_ratio(points, [0, 0, 0, 1, 1, 1])
    assert cluster_ratio(points, [None] * 3 + ["a"] * 3) == expected
    assert cluster_ratio(points, np.array([1, 1, 1, "a", "a", "a"], object)) == expected


def test_many_groups_take_little_time_and_memory(rng):
    points, labels = rng.standard_normal((3000, 2)), np.arange(3000) % 1500
    start = time.process_time()
    found = cluster_ratio(points, labels).ratio
    assert found.low < 1 < found.high
    assert time.process_time() - start < 10  # 3,000 copies of a 1,500 x 1,500 matrix took a minute


def test_cluster_ratio_of_no_groups_is_one(rng):
    found = cluster_ratio(rng.standard_normal((200, 5)), rng.integers(0, 3, 200))
    assert found.ratio.low < 1 < found.ratio.high
    assert json.loads(json.dumps(found.to_dict()))["dim"] == 5


def test_cluster_ratio_interval_covers(rng):
    def ratio(members):
        cloud = rng.standard_normal((2 * members, 2)) + np.repeat([[0, 0], [2, 0]], members, axis=0)
        return cluster_ratio(cloud, np.repeat([0, 1], members)).ratio

    truth = ratio(1000).value
    assert np.mean([found.low <= truth <= found.high for found in (ratio(20) for _ in range(120))]) > 0.88


def test_cluster_ratios_are_those_of_the_reduced_vectors(rng):
    cloud, labels = rng.standard_normal((40, 10)) * np.arange(10, 0, -1), rng.integers(0, 2, 40)
    found = cluster_ratios(cloud, labels, [2, 5])
    for dim, row in zip((2, 5), found, strict=True):
        reduced = PCA(dim, svd_solver="full").fit_transform(cloud)
        assert row.ratio.value == pytest.approx(cluster_ratio(reduced, labels).ratio.value, rel=1e-4)
    random = cluster_ratios(cloud, labels, [3], method="random", random_state=1)
    assert random == cluster_ratios(cloud, labels, [3], method="random", random_state=1)


def test_linear_score_is_the_r_squared_of_least_squares(rng):
    x, y = rng.standard_normal((60, 5)), rng.standard_normal((60, 3))
    y[:, 0] += x[:, 0]
    residual = y - LinearRegression().fit(x, y).predict(x)
    expected = 1 - (residual**2).sum() / ((y - y.mean(0)) ** 2).sum()
    assert linearity(x, y, folds=None).value == pytest.approx(expected)


@pytest.mark.parametrize(("d1", "d2"), [(4, 4), (6, 3), (3, 6)])
def test_orthogonal_score_is_procrustes(rng, d1, d2):
    x, y = rng.standard_normal((50, d1)), rng.standard_normal((50, d2))
    y[:, 0] += 2 * x[:, 1]
    dim = max(d1, d2)
    a, b = (np.pad(cloud - cloud.mean(0), ((0, 0), (0, dim - cloud.shape[1]))) for cloud in (x, y))
    turn, scale = orthogonal_procrustes(a, b)
    expected = 1 - ((b - a @ turn * scale / (a**2).sum()) ** 2).sum() / (b**2).sum()
    assert linearity(x, y, method="orthogonal", folds=None).value == pytest.approx(expected)
    assert linearity(y, x, method="orthogonal", folds=None).value == pytest.approx(expected)


def test_held_out_rows_are_predicted_from_the_others(rng):
    x = rng.standard_normal((30, 3))
    y = x @ rng.standard_normal((3, 2)) + rng.normal(0, 0.5, (30, 2))
    missed = spread = 0.0
    for i in range(30):
        rest = np.delete(np.arange(30), i)
        missed += ((y[i] - LinearRegression().fit(x[rest], y[rest]).predict(x[i : i + 1])[0]) ** 2).sum()
        spread += ((y[i] - y[rest].mean(0)) ** 2).sum()
    assert linearity(x, y, folds=30).value == pytest.approx(1 - missed / spread)


def test_noise_is_no_function_of_noise_where_rows_are_held_out(rng):
    x, y = rng.standard_normal((60, 100)), rng.standard_normal((60, 4))
    assert linearity(x, y, folds=None).value == pytest.approx(1)
    assert linearity(x, y).value < 0.05


@pytest.mark.parametrize("method", ["linear", "orthogonal"])
def test_a_turned_cloud_is_linear_in_the_other(rng, method):
    x = rng.standard_normal((80, 6))
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    found = linearity(x, 3 * x @ turn - 4, method=method, folds=None)
    assert found.value == pytest.approx(1)
    assert linearity(x, x @ turn, method=method).value == pytest.approx(1, abs=1e-3)


CLOUD = [[0.0, 1], [2, 1], [3, 5], [4, 4]]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: anisotropy([[1, 2], [3]]), ValueError, "vectors is no array of vectors of one dimension"),
        (lambda: anisotropy([[1, 2]]), ValueError, "1 vectors: give 2 or more"),
        (lambda: anisotropy([]), ValueError, r"shape \(0,\)"),
        (lambda: anisotropy(np.ones((3, 0))), ValueError, r"shape \(3, 0\)"),
        (lambda: anisotropy([[1, 2], [np.nan, 1]]), ValueError, r"vectors\[1\] is not finite"),
        (lambda: anisotropy([["a", "b"], ["c", "d"]]), ValueError, "vectors is no array"),
        (lambda: anisotropy(np.ones((2, 2)) * 1j), TypeError, "complex"),
        (lambda: anisotropy([[0.1, 0.7]] * 7), ValueError, "equal vectors only"),
        (lambda: anisotropy([[0, 0]] * 2, center=False), ValueError, "zeros only"),
        (lambda: mean_cosine([[1, 2], [0, 0]]), ValueError, r"vectors\[1\] is zero"),
        (lambda: intrinsic_dimension(CLOUD, method="pca"), ValueError, "choose from twonn, mle"),
        (lambda: intrinsic_dimension(CLOUD[:2]), ValueError, "2 different ones"),
        (lambda: intrinsic_dimension(CLOUD, method="mle"), ValueError, "give 21 or more"),
        (lambda: intrinsic_dimension(CLOUD, method="mle", k=1), ValueError, "k is 1"),
        (lambda: intrinsic_dimension(CLOUD, discard=1), ValueError, "discard is 1"),
        (lambda: intrinsic_dimension(CLOUD, random_state=0.5), TypeError, "random_state"),
        (lambda: cluster_ratio(CLOUD, [0, 0, 1]), ValueError, r"labels have shape \(3,\)"),
        (lambda: cluster_ratio(CLOUD, [0] * 4), ValueError, "labels make 1 groups"),
        (lambda: cluster_ratio(CLOUD, range(4)), ValueError, "the largest of 1"),
        (lambda: cluster_ratio(CLOUD, [0, 0, 1, 1], metric="l1"), ValueError, "choose from euclidean, cosine"),
        (lambda: cluster_ratio([[1, 1], [1, 1], [2, 2]], [0, 0, 1]), ValueError, "all vectors of a group are equal"),
        (
            lambda: cluster_ratio([[0.1, 0.3], [0.1, 0.3], [2, 2]], [0, 0, 1], metric="cosine"),
            ValueError,
            "all vectors of a group are equal",
        ),
        (
            lambda: cluster_ratio([[0.1, 0.3, 7], [0.7, 2.1, 49], [2, 2, 1]], [0, 0, 1], metric="cosine"),
            ValueError,
            "all vectors of a group are equal",
        ),
        (lambda: cluster_ratio(CLOUD, [0, 0, 1, np.nan]), ValueError, r"labels\[3\] is not finite"),
        (lambda: cluster_ratio(CLOUD, np.array([[], [], 1, 1], object)), TypeError, "labels cannot be told apart"),
        (lambda: intrinsic_dimension(CLOUD, k=-5), ValueError, "k is -5"),
        (lambda: intrinsic_dimension(CLOUD, method="mle", k=2, discard=7), ValueError, "discard is 7"),
        (lambda: cluster_ratio([[0, 0], [1, 1], [2, 2]], [0, 0, 1], metric="cosine"), ValueError, r"\[0\] is zero"),
        (lambda: cluster_ratio(CLOUD, [0, 0, 1, 1], level=0), ValueError, "level is 0"),
        (lambda: cluster_ratios(CLOUD, [0, 0, 1, 1], [0]), ValueError, "n_components is 0"),
        (lambda: linearity(CLOUD, CLOUD[:3]), ValueError, "source has 4 vectors and target 3"),
        (lambda: linearity(CLOUD, [[1.0]] * 4), ValueError, "target has equal vectors only"),
        (lambda: linearity(CLOUD, CLOUD, folds=5), ValueError, "folds is 5: with 4 texts choose from 2 to 4"),
        (lambda: linearity(CLOUD, CLOUD, method="affine"), ValueError, "choose from linear, orthogonal"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
