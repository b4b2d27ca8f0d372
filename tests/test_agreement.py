"""Agreement of distance matrices, against definitions written out and against scikit-learn."""

import json
from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import squareform
from sklearn import manifold
from sklearn.metrics import pairwise_distances

from ncd.compare.agreement import mantel, neighbor_overlap, trustworthiness
from ncd.kernels.permuted import permuted_products


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def distances(points):
    return pairwise_distances(points)


@pytest.fixture
def clouds(rng):
    points = rng.standard_normal((40, 5))
    return points, points[:, :2] + rng.normal(0, 0.3, (40, 2))


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_mantel_is_the_correlation_of_pairs(clouds, method):
    a, b = map(distances, clouds)
    found = mantel(a, b, method=method, n_permutations=0)
    expected = getattr(stats, f"{method}r")(squareform(a, checks=False), squareform(b, checks=False)).statistic
    assert found.value == pytest.approx(expected)
    assert found.p_value == 1


def test_mantel_counts_permutations(rng):
    a, b = (distances(rng.random((5, 2))) for _ in range(2))
    pairs = list(combinations(range(5), 2))
    x = [a[i, j] for i, j in pairs]
    value = np.corrcoef(x, [b[i, j] for i, j in pairs])[0, 1]
    all_values = np.array([np.corrcoef(x, [b[p[i], p[j]] for i, j in pairs])[0, 1] for p in permutations(range(5))])
    for alternative, share in (
        ("greater", np.mean(all_values >= value - 1e-12)),
        ("two-sided", np.mean(np.abs(all_values) >= abs(value) - 1e-12)),
    ):
        found = mantel(a, b, alternative=alternative, n_permutations=4000)
        assert found.p_value == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("n", range(1, 8))
def test_permuted_products_are_those_of_a_copy_in_that_order(rng, n):
    x, y = rng.random((2, n, n))
    orders = np.array([rng.permutation(n) for _ in range(5)])
    sums = np.empty(5)
    permuted_products(x, y, orders, sums)
    assert sums == pytest.approx([np.tril(x[np.ix_(order, order)] * y, -1).sum() for order in orders])


def test_mantel_holds_its_level(rng):
    p_values = [
        mantel(*(distances(rng.random((12, 2))) for _ in range(2)), n_permutations=99).p_value for _ in range(200)
    ]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)


def test_mantel_interval_is_that_of_texts_drawn_with_replacement(clouds):
    a, b = map(distances, clouds)
    found = mantel(a, b, n_permutations=0, random_state=5)
    random = np.random.default_rng(8)
    values = []
    for _ in range(1000):
        rows = random.integers(0, 40, 40)
        pairs = [(i, j) for i, j in zip(*(rows[k] for k in np.triu_indices(40, 1)), strict=True) if i != j]
        i, j = np.array(pairs).T
        values.append(np.corrcoef(a[i, j], b[i, j])[0, 1])
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=0.03)
    assert found.low < found.value < found.high


def test_mantel_averages_the_two_directions_and_ignores_the_diagonal(clouds, rng):
    a, b = map(distances, clouds)
    noise = rng.random(a.shape)
    skew = noise - noise.T
    assert mantel(a + skew, b, n_permutations=9).value == pytest.approx(mantel(a, b, n_permutations=9).value)
    full = a + np.diag(rng.random(40))
    assert mantel(full, b, n_permutations=9) == mantel(a, b, n_permutations=9)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_mantel_of_tiny_and_huge_distances(clouds, scale):
    a, b = map(distances, clouds)
    assert mantel(a * scale, b, n_permutations=0).value == pytest.approx(mantel(a, b, n_permutations=0).value)


def test_mantel_is_a_value(clouds):
    found = mantel(*map(distances, clouds), n_permutations=19)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["n_permutations"] == 19
    assert str(found).endswith("p = 0.05")


@pytest.mark.parametrize("k", [1, 3, 10, 39])
def test_overlap_counts_common_neighbours(clouds, k):
    a, b = map(distances, clouds)
    shared = []
    for i in range(40):
        near = [set(sorted((j for j in range(40) if j != i), key=matrix[i].__getitem__)[:k]) for matrix in (a, b)]
        shared.append(len(near[0] & near[1]) / k)
    found = neighbor_overlap(a, b, k=k)
    assert found.value == pytest.approx(np.mean(shared))
    assert found.low <= found.value <= found.high
    assert found.n == 40


def test_overlap_of_unrelated_matrices_is_chance(rng):
    a, b = (rng.random((300, 300)) for _ in range(2))
    found = neighbor_overlap(a, b, k=10)
    assert found.low < 10 / 299 < found.high


def test_ties_make_no_agreement():
    equal = np.ones((200, 200))
    assert neighbor_overlap(equal, equal, k=10).value == pytest.approx(10 / 199, abs=0.03)
    assert trustworthiness(equal, equal, k=10).value == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("k", [1, 5, 19])
def test_trustworthiness_is_scikit_learns(clouds, k):
    points, reduced = clouds
    found = trustworthiness(distances(points), distances(reduced), k=k)
    assert found.value == pytest.approx(manifold.trustworthiness(points, reduced, n_neighbors=k))


def test_neighbours_are_those_of_rows(rng):
    a = rng.random((20, 20))
    assert neighbor_overlap(a, a.T, k=3).value < 0.6
    assert neighbor_overlap(a, a.copy(), k=3).value == 1


SQUARE = np.array([[0.0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: mantel(SQUARE[:3], SQUARE), ValueError, r"first has shape \(3, 4\)"),
        (lambda: mantel(SQUARE, SQUARE[:3, :3]), ValueError, "second has 3 texts: give 4"),
        (lambda: neighbor_overlap(SQUARE, SQUARE[:3, :3], k=1), ValueError, "first has 4 texts and second 3"),
        (lambda: mantel(SQUARE, np.where(SQUARE == 4, np.nan, SQUARE)), ValueError, r"second\[1, 2\]"),
        (lambda: mantel(np.ones((4, 4)), SQUARE), ValueError, "equal distances only"),
        (lambda: mantel(SQUARE, [[1, 2], [3]]), ValueError, "second is no matrix"),
        (lambda: mantel(SQUARE, SQUARE, method="kendall"), ValueError, "choose from pearson, spearman"),
        (lambda: mantel(SQUARE, SQUARE, alternative="less"), ValueError, "choose from two-sided, greater"),
        (lambda: mantel(SQUARE, SQUARE, n_permutations=-1), ValueError, "n_permutations"),
        (lambda: mantel(SQUARE, SQUARE, level=2), ValueError, "level is 2"),
        (lambda: neighbor_overlap(SQUARE, SQUARE, k=4), ValueError, "with 4 texts choose from 1 to 3"),
        (lambda: trustworthiness(SQUARE, SQUARE, k=2), ValueError, "k is 2"),
        (lambda: trustworthiness(SQUARE, SQUARE, k=1.0), TypeError, "k is 1.0"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_matrices_that_are_given_stay_as_they_are(clouds):
    a, b = map(distances, clouds)
    np.fill_diagonal(a, 7)
    kept = a.copy()
    mantel(a, b, n_permutations=1)
    neighbor_overlap(a, b)
    trustworthiness(a, b)
    assert np.array_equal(a, kept)
