"""Distances between samples of vectors: against their definitions written out, and against scipy and scikit-learn."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import naive_changepoint as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity

from ncd.changepoint import SequenceChangepoints, find_changepoints, list_estimator
from ncd.data import load_factbook
from ncd.distances import tiles as tiles_module
from ncd.distances.samples import (
    DensityDistance,
    SampleTest,
    distributional_distance,
    energy_distance,
    energy_test,
    kde_l1,
    linear_time_mmd,
    median_distance,
    mmd,
    mmd_test,
    sample_distances,
)
from ncd.distances.tiles import Tiles
from ncd.embed import get_embedder, reduce

KERNELS = ["gaussian", "laplace", "rational", "linear"]
RNG = np.random.default_rng(7)


def kernel_value(kernel, x, y, h):
    """k(x, y) by its formula."""
    distance = math.dist(x, y) / h
    if kernel == "gaussian":
        return math.exp(-(distance**2) / 2)
    if kernel == "laplace":
        return math.exp(-distance)
    return 1 / (1 + distance**2 / 2) if kernel == "rational" else float(np.dot(x, y))


def naive_mmd(x, y, kernel, h, biased):
    """Means over pairs, pair by pair."""

    def mean(a, b, same):
        values = [
            kernel_value(kernel, p, q, h)
            for (i, p), (j, q) in itertools.product(enumerate(a), enumerate(b))
            if biased or not same or i != j
        ]
        return sum(values) / len(values)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def naive_energy(x, y):
    return math.sqrt(max(0, 2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean()))


def shifted(n, m, d, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (n, d)), rng.normal(shift, 1, (m, d))


# maximum mean discrepancy


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("d", [1, 3, 6])
def test_mmd_is_the_naive_one(kernel, biased, d):
    x, y = shifted(13, 9, d)
    found = mmd(x, y, kernel=kernel, bandwidth=1.7, biased=biased)
    assert found == pytest.approx(naive_mmd(x, y, kernel, 1.7, biased), abs=2e-6 if kernel != "linear" else 1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("side", [1, 4, 7, 22, 64])
def test_tiles_of_any_size(kernel, side, monkeypatch):
    x, y = shifted(13, 9, 8)
    wanted = mmd(x, y, kernel=kernel, bandwidth=2)
    monkeypatch.setattr(tiles_module, "_SIDE", side)
    assert mmd(x, y, kernel=kernel, bandwidth=2) == pytest.approx(wanted, abs=1e-6)
    assert mmd(x, y, kernel=kernel, bandwidth=2, n_jobs=2) == mmd(x, y, kernel=kernel, bandwidth=2, n_jobs=1)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.integers(1, 6),
    st.sampled_from(["gaussian", "laplace", "rational", "linear", "distance"]),
    st.integers(0, 2**32 - 1),
)
def test_group_sums(sizes, side, form, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(0, 1, (sum(sizes), int(rng.integers(1, 8))))
    tiles = Tiles(vectors, form, 1.5)
    whole = tiles.block(slice(0, len(tiles)), slice(0, len(tiles))).astype(float)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    wanted = [[whole[np.ix_(groups == a, groups == b)].sum() for b in range(len(sizes))] for a in range(len(sizes))]
    before, tiles_module._SIDE = tiles_module._SIDE, side
    try:
        found = tiles.group_sums(sizes, 1)
        chosen = rng.random((len(tiles), 3)) < 0.5
        both, one, total = tiles.chosen_sums(chosen, 1)
    finally:
        tiles_module._SIDE = before
    assert found == pytest.approx(np.array(wanted), abs=1e-4)
    assert both == pytest.approx([whole[np.ix_(c, c)].sum() for c in chosen.T], abs=1e-4)
    assert one == pytest.approx([whole[c].sum() for c in chosen.T], abs=1e-4)
    assert total == pytest.approx(whole.sum(), abs=1e-4)


def test_float32_is_within_its_bound():
    x, y = shifted(700, 600, 60)
    h = median_distance(np.concatenate([x, y]))
    single = Tiles(np.concatenate([x, y]), "gaussian", h)
    assert single.dtype == np.float32
    every = slice(0, 1300)
    centred = (np.concatenate([x, y]) - np.concatenate([x, y]).mean(0)) / h
    exact = np.exp(-cdist(centred, centred, "sqeuclidean") / 2)
    np.fill_diagonal(exact, 0)
    bound = 2 * 64 * 2.0**-24 * (centred**2).sum(1).max()
    error = np.abs(single.block(every, every) - exact)
    assert error.max() <= bound
    assert error.mean() <= bound / 20
    means = [exact[:700, :700].sum() / (700 * 699), exact[700:, 700:].sum() / (600 * 599), exact[:700, 700:].mean()]
    assert mmd(x, y, bandwidth=h) == pytest.approx(means[0] + means[1] - 2 * means[2], abs=1e-8)


@pytest.mark.parametrize(("offset", "scale"), [(0, 1e-200), (0, 1e200), (1e8, 1), (0, 1e4), (-1e12, 1e6)])
@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "rational"])
def test_scale_and_place_of_the_vectors_do_not_matter(kernel, offset, scale):
    x, y = shifted(40, 30, 9)
    wanted = mmd(x, y, kernel=kernel)
    assert mmd(x * scale + offset, y * scale + offset, kernel=kernel) == pytest.approx(wanted, abs=2e-6)


@pytest.mark.parametrize("d", [2, 20])
def test_narrow_kernels_see_near_vectors(d):
    """Products of float32 would lose them: they are chosen only where the bound allows."""
    x, y = shifted(30, 30, d, shift=1e3)
    y[:10] = x[:10] + 1e-4
    for kernel in ("gaussian", "rational", "laplace"):
        assert mmd(x, y, kernel=kernel, bandwidth=1e-4) == pytest.approx(
            naive_mmd(x, y, kernel, 1e-4, False), abs=1e-9, rel=1e-6
        )


SMOOTH = ["gaussian", "rational"]


@pytest.mark.parametrize("factor", [1e2, 1e3, 1e4, 1e9])
@pytest.mark.parametrize("kernel", [*SMOOTH, "laplace"])
@pytest.mark.parametrize("d", [2, 50])
def test_wide_kernels_see_what_is_there(kernel, factor, d):
    """Far above the distances a kernel is 1 less something small, which is all that a difference of means is of."""
    x, y = (sample * 1e-4 for sample in shifted(60, 60, d, shift=2 / math.sqrt(d)))
    h = median_distance(np.concatenate([x, y]))
    found = mmd_test(x, y, kernel=kernel, bandwidth=factor * h, n_permutations=99, random_state=1)
    assert found.p_value == 0.01
    assert mmd(x, y, kernel=kernel, bandwidth=factor * h) == pytest.approx(found.statistic, rel=1e-5)
    power = 2 if kernel in SMOOTH else 1
    if kernel in SMOOTH:  # the first term of the series
        assert found.statistic * factor**2 == pytest.approx(mmd(x, y, kernel="linear") / h**2, rel=1e-3)
    linear = [linear_time_mmd(x, y, kernel=kernel, bandwidth=times * h).statistic for times in (factor, 1e2)]
    assert linear[0] * factor**power == pytest.approx(linear[1] * 1e2**power, rel=0.05)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bandwidth", [1.0, 1e-3, 1e5])
def test_biased_is_never_below_0(kernel, bandwidth):
    for seed in range(5):
        x = np.random.default_rng(seed).normal(0, 1e-4, (60, 50))
        assert 0 <= mmd(x, x, kernel=kernel, bandwidth=bandwidth, biased=True) < 1e-15
        assert mmd_test(x, x, kernel=kernel, bandwidth=bandwidth, biased=True, n_permutations=19).statistic >= 0


@pytest.mark.parametrize("kernel", [*SMOOTH, "laplace"])
def test_far_outliers_do_not_hide_the_others(kernel):
    """One vector of each sample at 1e8, which is at no distance that the kernel sees, nor that doubles lose."""
    x, y = shifted(60, 50, 20)
    x[0] = y[0] = 1e8
    wanted = naive_mmd(x, y, kernel, 4, True)
    assert mmd(x, y, kernel=kernel, bandwidth=4, biased=True) == pytest.approx(wanted, rel=1e-6)


def test_unbiased_has_mean_zero_and_biased_does_not():
    """400 pairs of samples of one distribution; the standard error of the mean is about 0.0006."""
    rng = np.random.default_rng(3)
    pairs = [(rng.normal(0, 1, (20, 2)), rng.normal(0, 1, (30, 2))) for _ in range(400)]
    unbiased = [mmd(x, y, bandwidth=1, n_jobs=1) for x, y in pairs]
    assert abs(np.mean(unbiased)) < 4 * np.std(unbiased) / 20
    biased = [mmd(x, y, bandwidth=1, biased=True, n_jobs=1) for x, y in pairs]
    expected = 1 / (1 + 2)  # E exp(-|x - y|^2 / 2) for two standard normal vectors in two dimensions
    assert np.mean(biased) == pytest.approx((1 / 20 + 1 / 30) * (1 - expected), rel=0.05)


def test_gaussian_mmd_of_normal_samples_is_the_theoretical_one():
    x, y = shifted(4000, 4000, 1, shift=1.0, seed=5)
    theory = 2 / math.sqrt(3) * (1 - math.exp(-1 / 6))
    assert mmd(x, y, bandwidth=1) == pytest.approx(theory, abs=0.02)


def test_median_distance():
    x = RNG.normal(0, 1, (50, 4))
    wanted = np.median([math.dist(a, b) for a, b in itertools.combinations(x, 2)])
    assert median_distance(x) == pytest.approx(wanted)
    assert median_distance(np.repeat(x, 40, axis=0)[:1999]) > 0.5  # equal vectors do not count
    assert median_distance([[2, 2], [2, 2]]) == 1
    assert median_distance([5]) == 1
    many = RNG.normal(0, 1, (3000, 2))
    assert median_distance(many) == median_distance(many, random_state=0) != median_distance(many, random_state=1)
    assert median_distance(many, random_state=1) == pytest.approx(np.median(cdist(many, many)), rel=0.05)


def test_threads_leave_blas_as_it_was():
    from threadpoolctl import threadpool_info

    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    x, y = shifted(900, 700, 5)
    wanted = mmd(x, y, n_jobs=1)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda _: mmd(x, y, n_jobs=2), range(30))) == {wanted}
    assert threads() == before
    rows = tiles_module.in_blas_threads(lambda i: threads(), range(9), 2)
    assert set(map(tuple, rows)) == {(1,) * len(before)}
    assert threads() == before
    with pytest.raises(ZeroDivisionError):
        list(tiles_module.in_blas_threads(lambda i: 1 / (i - 3), range(9), 2))
    assert threads() == before


# tests


def test_mmd_test_is_mmd_of_every_permutation():
    x, y = shifted(12, 8, 6)
    for biased in (False, True):
        found = mmd_test(x, y, n_permutations=30, biased=biased, random_state=4)
        assert found.statistic == pytest.approx(mmd(x, y, biased=biased), abs=1e-6)
        assert found.n_permutations == len(found.null) == 30
        rng, both = np.random.default_rng(4), np.concatenate([x, y])
        for value in found.null:
            chosen = rng.choice(20, 12, replace=False, shuffle=False)
            others = np.setdiff1d(np.arange(20), chosen)
            wanted = mmd(both[chosen], both[others], bandwidth=found.bandwidth, biased=biased)
            assert value == pytest.approx(wanted, abs=1e-6)
        assert found.p_value == (1 + (found.null >= found.statistic).sum()) / 31


@pytest.mark.parametrize("test", [mmd_test, energy_test])
def test_permutation_tests_keep_their_level(test):
    """Without a difference P(p <= .1) <= .1; of 300 at most 46 (99.9 %)."""
    rng = np.random.default_rng(11)
    found = [
        test(
            rng.exponential(1, (9, 5)), rng.exponential(1, (7, 5)), n_permutations=19, random_state=i, n_jobs=1
        ).p_value
        for i in range(300)
    ]
    assert 14 <= sum(p <= 0.1 for p in found) <= 46
    assert min(found) == 0.05


@pytest.mark.parametrize("kernel", KERNELS)
def test_mmd_test_sees_what_its_kernel_sees(kernel):
    rng = np.random.default_rng(2)
    x, wider = rng.normal(0, 1, (80, 2)), rng.normal(0, 2, (80, 2))
    p_value = mmd_test(x, wider, kernel=kernel, n_permutations=199).p_value
    assert p_value > 0.05 if kernel == "linear" else p_value == 0.005
    assert mmd_test(x, x[:60] + 1, kernel=kernel, n_permutations=199).p_value == 0.005


def test_equal_permutations_are_as_large():
    """Of two equal samples every division with one 1 in each has the same statistic, which is not larger."""
    found = mmd_test([0, 1], [0, 1], n_permutations=99)
    assert found.p_value == 1
    assert mmd_test(np.ones((5, 8)), np.ones((5, 8)), n_permutations=19).p_value == 1
    assert energy_test(np.full(6, 0.1), np.full(5, 0.1), n_permutations=19).p_value == 1


def test_energy_test_is_of_the_square_of_the_distance():
    x, y = shifted(30, 20, 5)
    found = energy_test(x, y, n_permutations=99)
    assert found.statistic == pytest.approx(naive_energy(x, y) ** 2)
    assert found.p_value == (1 + (found.null >= found.statistic).sum()) / 100 < 0.05
    assert energy_test(x, y + 1, n_permutations=99).p_value == 0.01


def test_linear_time_mmd_is_the_mean_of_its_terms():
    x, y = shifted(43, 50, 3)
    found = linear_time_mmd(x, y, bandwidth=2, random_state=3)
    rng = np.random.default_rng(3)
    a, b = x[rng.permutation(43)[:42]], y[rng.permutation(50)[:42]]

    def k(p, q):
        return kernel_value("gaussian", p, q, 2)

    terms = [k(a[i], a[i + 1]) + k(b[i], b[i + 1]) - k(a[i], b[i + 1]) - k(a[i + 1], b[i]) for i in range(0, 42, 2)]
    assert found.statistic == pytest.approx(np.mean(terms))
    assert found.standard_error == pytest.approx(stats.sem(terms))
    assert found.p_value == pytest.approx(stats.ttest_1samp(terms, 0, alternative="greater").pvalue)


def test_linear_time_mmd_keeps_its_level_for_the_smallest_samples():
    """Of 2,000 pairs without a difference, 40 vectors each: the upper ends are those of 99.9 %."""
    rng = np.random.default_rng(17)
    drawn = rng.normal(0, 1, (2000, 2, 40, 3))
    found = [linear_time_mmd(x, y, bandwidth=1.5, random_state=i).p_value for i, (x, y) in enumerate(drawn)]
    for level in (0.05, 0.01, 0.001):
        assert np.less_equal(found, level).sum() <= stats.binom.ppf(0.999, 2000, level)


@pytest.mark.parametrize("kernel", KERNELS)
def test_linear_time_mmd_estimates_mmd(kernel):
    x, y = shifted(6000, 6000, 3, shift=0.7)
    found = linear_time_mmd(x, y, kernel=kernel, bandwidth=1.5)
    assert (
        abs(found.statistic - mmd(x[:1500], y[:1500], kernel=kernel, bandwidth=1.5)) < 4 * found.standard_error + 0.02
    )
    assert found.p_value < 1e-6
    nothing = [
        linear_time_mmd(*shifted(200, 200, 3, shift=0, seed=i), kernel=kernel, bandwidth=1.5).p_value
        for i in range(200)
    ]
    assert stats.kstest(nothing, "uniform").pvalue > 1e-3


def test_linear_time_mmd_of_constants():
    """All terms are above 0, and by chance one sign has a probability of one half."""
    assert linear_time_mmd(np.ones(40), np.ones(40)).p_value == 1
    assert linear_time_mmd(np.zeros(40), np.ones(40)).p_value == 2.0**-20
    assert linear_time_mmd(*shifted(40, 40, 3, shift=100), bandwidth=99).p_value == 2.0**-20


def test_sample_test_as_a_record():
    found = mmd_test(*shifted(10, 12, 2), n_permutations=19)
    assert isinstance(found, SampleTest)
    assert repr(found).startswith("<SampleTest: mmd ")
    assert "10 and 12 vectors" in repr(found)
    record = found.to_dict()
    assert record["sizes"] == [10, 12]
    assert record["kernel"] == "gaussian"
    assert "null" not in record
    assert mmd_test(*shifted(10, 12, 2), n_permutations=19) == found
    assert "Student's t" in repr(linear_time_mmd(*shifted(40, 41, 2)))


# energy distance


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6)), st.integers(0, 99))
def test_energy_distance_of_numbers(x, seed):
    y = np.random.default_rng(seed).normal(0, 1, 12)
    size = max(1, np.abs(x).max())
    assert energy_distance(x, y) == pytest.approx(stats.energy_distance(x, y), abs=1e-7 * math.sqrt(size))
    assert energy_distance(x, x) == pytest.approx(0, abs=1e-7 * math.sqrt(size))


@pytest.mark.parametrize("d", [2, 5, 40])
@pytest.mark.parametrize("scale", [1, 1e-100, 1e150])
def test_energy_distance_is_the_naive_one(d, scale):
    x, y = shifted(40, 25, d)
    wanted = naive_energy(x, y)
    assert energy_distance(x * scale, y * scale) == pytest.approx(wanted * math.sqrt(scale), rel=1e-6)
    assert energy_distance(x, x) <= 1e-6 * math.sqrt(scale)


@pytest.mark.parametrize("outlier", [1e3, 1e6, 1e8, 1e10])
def test_energy_with_a_far_outlier(outlier):
    """It is in both samples, so that it takes part in no difference; divisions that part it are far larger."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, (100, 30)), rng.normal(0, 2, (100, 30))
    x[0] = y[0] = outlier
    rest = energy_distance(x, y)
    assert rest == pytest.approx(naive_energy(x, y), rel=1e-5)
    assert sample_distances([x, y], "energy")[0, 1] == pytest.approx(rest, rel=1e-5)
    found = energy_test(x, y, n_permutations=199)
    assert found.statistic == pytest.approx(rest**2, rel=1e-4)
    assert found.p_value == (1 + (found.null >= found.statistic).sum()) / 200 < 0.7


def test_energy_of_equal_samples_is_not_minus_0():
    found = energy_test(np.ones((5, 2)), np.ones((6, 2)), n_permutations=19)
    assert "energy 0 of" in repr(found)
    assert math.copysign(1, found.statistic) == 1


def test_energy_of_many_samples_of_numbers_is_that_of_each_two():
    rng = np.random.default_rng(0)
    samples = [rng.normal(i % 2, 1, 30 + i) for i in range(6)]
    wanted = [[stats.energy_distance(a, b) for b in samples] for a in samples]
    found = sample_distances(samples, "energy")
    assert found == pytest.approx(np.array(wanted), abs=1e-12)
    pair = energy_distance  # tiles of all pairs round otherwise
    assert all(found[i, j] == pair(samples[i], samples[j]) for i, j in itertools.combinations(range(6), 2))


def test_vectors_of_one_coordinate_are_numbers():
    x, y = shifted(40, 25, 1)
    assert energy_distance(x, y) == energy_distance(x[:, 0], y[:, 0])
    padded = [np.column_stack([a, np.zeros(len(a))]) for a in (x, y)]
    assert energy_distance(*padded) == pytest.approx(energy_distance(x, y), rel=1e-6)


# densities


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_kde_l1_of_numbers_is_that_of_scipys_densities(rule):
    x, y = RNG.normal(0, 1, 60), RNG.exponential(2, 90)
    f, g = stats.gaussian_kde(x, rule), stats.gaussian_kde(y, rule)
    points = np.linspace(-12, 30, 200_001)
    wanted = np.abs(f(points) - g(points)).sum() * (points[1] - points[0])
    found = kde_l1(x, y, bandwidth=rule)
    assert found.method == "grid"
    assert found.value == pytest.approx(wanted, abs=1e-5)
    assert abs(found.value - wanted) <= 2 * found.error + 1e-9


def test_kde_l1_of_two_points_is_the_theoretical_one():
    """Two normal densities a distance s apart: 4 Phi(s / 2) - 2."""
    for s in (0.1, 1, 3, 40):
        wanted = 4 * stats.norm.cdf(s / 2) - 2
        assert kde_l1([0.0], [s], bandwidth=1).value == pytest.approx(wanted, abs=1e-3)
        for d in (2, 3, 50):
            y = np.zeros((1, d))
            y[0, 0] = s
            y[0, 1:] = 0
            found = kde_l1(np.zeros((1, d)), y, bandwidth=1, method="monte-carlo")
            assert abs(found.value - wanted) <= 4 * found.error + 1e-9


def test_kde_l1_in_two_dimensions_by_sklearn():
    x, y = shifted(30, 40, 2)
    found = kde_l1(x, y, bandwidth=0.5)
    axis = np.linspace(-6, 7, 400)
    points = np.array(np.meshgrid(axis, axis)).reshape(2, -1).T
    densities = [np.exp(KernelDensity(bandwidth=0.5).fit(s).score_samples(points)) for s in (x, y)]
    wanted = np.abs(densities[0] - densities[1]).sum() * (axis[1] - axis[0]) ** 2
    assert found.value == pytest.approx(wanted, abs=1e-3)
    assert found.method == "grid"


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("rule", ["scott", "silverman", 0.4])
def test_monte_carlo_agrees_with_the_grid(d, rule):
    x, y = shifted(50, 70, d)
    y[:, 0] *= 3
    grid = kde_l1(x, y, bandwidth=rule)
    drawn = [kde_l1(x, y, bandwidth=rule, method="monte-carlo", n_points=2000, random_state=i) for i in range(20)]
    z = [(found.value - grid.value) / found.error for found in drawn]
    assert abs(np.mean(z)) < 4 / math.sqrt(20)
    assert 0.6 < np.std(z) < 1.6


@pytest.mark.parametrize("d", [3, 30])
def test_monte_carlo_by_sklearn(d):
    x, y = shifted(40, 60, d, shift=2 / math.sqrt(d))
    h = 0.8
    rng = np.random.default_rng(1)
    kdes = [KernelDensity(bandwidth=h).fit(s) for s in (x, y)]
    points = np.concatenate([s[rng.integers(len(s), size=20_000)] + h * rng.normal(0, 1, (20_000, d)) for s in (x, y)])
    logs = np.array([kde.score_samples(points) for kde in kdes])
    shares = np.exp(logs - logsumexp(logs, axis=0))
    terms = 2 * np.abs(shares[0] - shares[1])
    found = kde_l1(x, y, bandwidth=h)
    assert found.method == "monte-carlo"
    assert abs(found.value - terms.mean()) < 4 * math.hypot(found.error, stats.sem(terms))


def test_kde_l1_does_not_depend_on_the_units_of_coordinates():
    x, y = shifted(40, 30, 3)
    units = np.array([1e-6, 1, 1e9])
    a, b = kde_l1(x, y), kde_l1(x * units + 5, y * units + 5)
    assert a.value == pytest.approx(b.value, rel=1e-6)
    assert np.allclose(a.bandwidths[0] * units, b.bandwidths[0], rtol=1e-6)
    assert kde_l1(x[:, :2], y[:, :2]).value == pytest.approx(
        kde_l1(x[:, :2] * units[:2], y[:, :2] * units[:2]).value, rel=1e-6
    )


def test_kde_l1_of_constants():
    assert kde_l1(np.ones((5, 3)), np.ones((4, 3))).value == 0
    x, y = shifted(40, 30, 1)
    padded = [np.column_stack([a, np.full(len(a), 7.0)]) for a in (x, y)]
    factor = 40 ** (1 / 6 - 1 / 5)  # the dimension that the rule counts
    assert kde_l1(*padded, bandwidth=0.3).value == kde_l1(x, y, bandwidth=0.3).value
    assert kde_l1(*padded).bandwidths[0][0] == pytest.approx(kde_l1(x, y).bandwidths[0][0] / factor)
    assert kde_l1([1, 1, 1], [2, 2, 2]).value > 0.5
    assert kde_l1([1], [1]).value == 0


def test_kde_l1_takes_monte_carlo_where_a_grid_would_be_too_coarse():
    x = np.array([0.0, 1e9])
    assert kde_l1(x, x + 3, bandwidth=1).method == "monte-carlo"
    with pytest.raises(ValueError, match="too wide"):
        kde_l1(x, x + 3, bandwidth=1, method="grid")
    with pytest.raises(ValueError, match="3 coordinates"):
        kde_l1(*shifted(5, 5, 3), method="grid")


def test_density_distance_as_a_record():
    found = kde_l1(*shifted(20, 20, 1))
    assert isinstance(found, DensityDistance)
    assert float(found) == found.value
    assert "by grid at" in repr(found)
    assert found.to_dict()["bandwidths"] == [found.bandwidths[0].tolist(), found.bandwidths[1].tolist()]


def test_kde_l1_is_a_total_variation():
    """The integral of the larger of two densities, by quadrature."""
    x, y = RNG.normal(0, 1, 5), RNG.normal(1, 2, 6)
    f, g = stats.gaussian_kde(x), stats.gaussian_kde(y)
    larger = quad(lambda z: max(f(z)[0], g(z)[0]), -20, 20, limit=400)[0]
    assert kde_l1(x, y).value == pytest.approx(2 * larger - 2, abs=1e-4)


# many samples


@pytest.fixture
def samples():
    rng = np.random.default_rng(9)
    return [rng.normal(i % 3, 1, (n, 2)) for i, n in enumerate((9, 14, 5, 20, 1))]


def test_mmd_of_many_samples(samples):
    h = median_distance(np.concatenate(samples))
    found = sample_distances(samples)
    wanted = [[math.sqrt(max(0, mmd(a, b, bandwidth=h, biased=True))) for a in samples] for b in samples]
    assert found == pytest.approx(np.array(wanted), abs=1e-3)
    assert found**2 == pytest.approx(np.array(wanted) ** 2, abs=1e-6)
    fixed = sample_distances(samples, "mmd", kernel="laplace", bandwidth=2)
    assert fixed[0, 1] == pytest.approx(
        math.sqrt(mmd(samples[0], samples[1], kernel="laplace", bandwidth=2, biased=True))
    )
    for a, b, c in itertools.permutations(range(5), 3):
        assert fixed[a, c] <= fixed[a, b] + fixed[b, c] + 1e-9


def test_other_distances_of_many_samples(samples):
    for name, pair in (("energy", energy_distance), ("kde_l1", lambda a, b: kde_l1(a, b).value)):
        found = sample_distances(samples, name)
        wanted = [[0 if a is b else pair(a, b) for b in samples] for a in samples]
        assert found == pytest.approx(np.array(wanted), abs=1e-6)
        assert (found == found.T).all()
        assert (np.diagonal(found) == 0).all()
    assert (sample_distances(samples, kde_l1) == sample_distances(samples, "kde_l1")).all()
    assert sample_distances(samples, lambda a, b: abs(len(a) - len(b)))[0].tolist() == [0, 5, 4, 11, 8]


@pytest.mark.parametrize("kind", ["rank", "raw"])
def test_distributional_distances_of_many_sequences(kind):
    rng = np.random.default_rng(4)
    sequences = [rng.integers(0, 3, n) / 4 for n in (30, 21, 40)]
    found = sample_distances(sequences, "distributional", cells=kind, max_length=3, levels=2)
    everything = np.concatenate(sequences)
    for (i, a), (j, b) in itertools.combinations(enumerate(sequences), 2):
        total = 0.0
        for level, m in itertools.product(range(2), range(1, 4)):
            symbols = naive.cells(everything.tolist(), level, kind)
            ends = np.cumsum([0, 30, 21, 40])
            distance = naive.word_distance(symbols, m, ends[i], ends[i + 1], None, (ends[j], ends[j + 1]))
            total += distance / (m * (m + 1) * (level + 1) * (level + 2))
        assert found[i, j] == found[j, i] == pytest.approx(total)
        if kind == "raw":
            alone = distributional_distance(a, b, cells="raw", max_length=3, levels=2)
            assert found[i, j] == pytest.approx(alone)


def test_distributional_distances_in_threads(monkeypatch):
    from ncd.distances import distributional

    sequences = [RNG.random(60) for _ in range(7)]
    wanted = sample_distances(sequences, "distributional", n_jobs=1)
    monkeypatch.setattr(distributional, "_WORTH_THREADS", 0)
    assert (sample_distances(sequences, "distributional", n_jobs=3) == wanted).all()
    assert sample_distances([2**60 + np.arange(5), 2**60 + np.arange(1, 6)], "distributional", cells="raw")[0, 1] > 0


def test_sequences_of_two_processes_are_told_apart():
    rng = np.random.default_rng(0)
    sequences = [rng.random(1500) < (0.3, 0.6)[i % 2] for i in range(8)]
    distances = sample_distances(sequences, "distributional")
    same = (np.arange(8)[:, None] - np.arange(8)) % 2 == 0
    assert distances[same].max() < distances[~same].min()


# embeddings as sequences


@pytest.fixture(scope="module")
def embedder():
    return get_embedder("tfidf:50").fit(load_factbook().texts)


def topic_changes(embedder, seed, n):
    """Word vectors of n texts, each a few descriptions of one subject and then of another, and where it changes."""
    test = load_factbook("test")
    rng = np.random.default_rng(seed)
    for _ in range(n):
        labels = rng.choice(sorted(set(test.labels)), 2, replace=False)
        parts = []
        for label in labels:
            texts = [text for text, other in zip(test.texts, test.labels, strict=True) if other == label]
            parts.append(" ".join(rng.permutation(texts)[: rng.integers(2, 9)]))
        yield embedder.encode_tokens(" ".join(parts)), len(embedder.tokens(parts[0]))


@pytest.mark.parametrize("method", ["ctw", "trend"])
def test_topic_changes_in_word_vectors(method, embedder):
    """Of 15 at least 10 within a tenth of the text, which the middle is not as often."""
    found = middle = 0
    for vectors, true in topic_changes(embedder, 1, 15):
        cut = SequenceChangepoints(method, n_changepoints=1).fit(reduce(vectors, 2)).changepoints_[0]
        found += abs(cut - true) <= 0.1 * len(vectors)
        middle += abs(len(vectors) / 2 - true) <= 0.1 * len(vectors)
    assert found >= 10 > middle


def test_every_sequence_method_takes_word_vectors(embedder):
    ((vectors, _),) = topic_changes(embedder, 2, 1)
    components = reduce(vectors, 3)
    assert components.dtype == np.float32
    for method in ("ctw", "distributional", "ngram", "trend"):
        ends = SequenceChangepoints(method, n_changepoints=1).fit_predict(components)
        assert ends[-1] == len(vectors)
        assert len(ends) == 2
    assert find_changepoints(components, 0.2, n_processes=2).positions
    assert len(list_estimator(components, 0.3, method="distributional", weights="pychest")) > 0


# what is no sample


X = np.zeros((3, 2))
TWO_SAMPLES = [mmd, mmd_test, energy_distance, energy_test, linear_time_mmd, kde_l1]


@pytest.mark.parametrize("function", TWO_SAMPLES)
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (np.zeros((5, 3)), np.zeros((5, 2)), ValueError, "X has vectors of dimension 3 and Y of 2"),
        ([[0.0, np.nan]] * 5, np.zeros((5, 2)), ValueError, r"X\[0, 1\] is nan"),
        (np.zeros((5, 2)), [[np.inf, 0]] * 5, ValueError, r"Y\[0, 0\] is inf"),
        (np.zeros((0, 2)), np.zeros((5, 2)), ValueError, "X is empty"),
        (["a", "b"], [1, 2], TypeError, "X holds values of type"),
        ("text", [1, 2], TypeError, "X is a string"),
        ([[1], [1, 2]], [1, 2], ValueError, "X is ragged"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2)), ValueError, "X has shape"),
    ],
)
def test_bad_samples(function, x, y, error, message):
    with pytest.raises(error, match=message):
        function(x, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mmd(X, X, kernel="cubic"), ValueError, "'gaussian', 'laplace', 'rational', 'linear'"),
        (lambda: mmd(X, X, bandwidth=0), ValueError, "bandwidth is 0: give 'median' or a number above 0"),
        (lambda: mmd(X, X, bandwidth=math.nan), ValueError, "bandwidth is nan"),
        (lambda: mmd(X, X, bandwidth="mean"), ValueError, "bandwidth is 'mean'"),
        (lambda: mmd(X, X, bandwidth=None), TypeError, "bandwidth is None"),
        (lambda: mmd(X, X, kernel="linear", bandwidth=-1), ValueError, "bandwidth is -1"),
        (lambda: mmd(X, X, random_state=-1), ValueError, "random_state is -1"),
        (lambda: mmd(X, X[:1]), ValueError, "Y has 1 vectors: 2 are needed"),
        (lambda: mmd([1e308, -1e308], [1e308, 1e308]), ValueError, "rescale"),
        (lambda: mmd([[1e200], [0]], [[1], [2]], kernel="linear"), ValueError, "rescale"),
        (lambda: mmd_test(X, X, n_permutations=5), ValueError, "n_permutations is 5: give 19 or more"),
        (lambda: linear_time_mmd(X, X), ValueError, "X has 3 vectors: 40 are needed"),
        (lambda: mmd(X, X, n_jobs="x"), ValueError, "n_jobs is 'x'"),
        (lambda: mmd(X, X, n_jobs=0), ValueError, "n_jobs is 0"),
        (lambda: mmd(X, X, biased="no"), TypeError, "biased is 'no': give True or False"),
        (lambda: mmd_test(X, X, biased=None), TypeError, "biased is None: give True or False"),
        (lambda: sample_distances(None), TypeError, "samples is of type NoneType"),
        (lambda: sample_distances("text"), TypeError, "samples is one text"),
        (
            lambda: sample_distances([X, X], "mmd", biased=True),
            TypeError,
            "'biased': choose from 'kernel', 'bandwidth'",
        ),
        (lambda: sample_distances([X, X], "energy", biased=True), TypeError, "'energy' has no option 'biased'"),
        (lambda: sample_distances([X, X], "kde_l1", kernel="x"), TypeError, "'kernel': choose from 'bandwidth'"),
        (lambda: sample_distances([X, X], lambda a, b: math.nan), ValueError, r"samples\[0\] and samples\[1\]: .* nan"),
        (lambda: sample_distances([X, X], lambda a, b: "x"), TypeError, r"samples\[0\] and samples\[1\]: .* 'x'"),
        (lambda: distributional_distance([1, 2], [2, 1], weights=lambda m, k: "a"), TypeError, "weights gave 'a'"),
        (lambda: kde_l1(X, X, method="exact"), ValueError, "'auto', 'grid', 'monte-carlo'"),
        (lambda: kde_l1(X, X, bandwidth="median"), ValueError, "'scott', 'silverman' or a number"),
        (lambda: kde_l1(X, X, bandwidth=-1.0), ValueError, "bandwidth is -1.0"),
        (lambda: kde_l1(X, X, n_points=1), ValueError, "n_points is 1"),
        (lambda: sample_distances([]), ValueError, "samples is empty"),
        (lambda: sample_distances(np.zeros(4)), TypeError, "an array of numbers"),
        (lambda: sample_distances([X, X], "mdm"), ValueError, "did you mean 'mmd'"),
        (lambda: sample_distances([X, X], 3), ValueError, "'mmd', 'energy', 'distributional', 'kde_l1'"),
        (lambda: sample_distances([X, X], "energy", kernel="gaussian"), TypeError, "kernel"),
        (lambda: sample_distances([X, X], mmd, kernel="gaussian"), TypeError, "no option 'kernel'"),
        (lambda: sample_distances([X, X[:, :1]], "mmd"), ValueError, r"samples\[0\] .* 2 and samples\[1\] of 1"),
        (lambda: sample_distances([X, []], "distributional"), ValueError, r"samples\[1\] is empty"),
        (lambda: sample_distances([X, [[0, np.nan]]], "kde_l1"), ValueError, r"samples\[1\]\[0, 1\] is nan"),
    ],
)
def test_bad_options(call, error, message):
    with pytest.raises(error, match=message):
        call()
