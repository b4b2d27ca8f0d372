"""The e-detector: against an obvious one, its bounds by simulation, its state."""

import math

import naive_edetector as naive
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.integrate import quad
from scipy.stats import beta, kstest, norm

from ncd.kernels.edetector import normal_deviates, seeded
from ncd.streams.conformal import conformal_p_values, lag1_autocorrelation
from ncd.streams.edetector import EDetector
from ncd.streams.starts import start_interval

BETS = (0.5, 1.0, 1.5, 2.0)


def rows_of(kind, n, k, seed):
    """Rows of signals without a change."""
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.normal(3.0, 2.0, (n, k))
    if kind == "heavy":
        return rng.standard_t(1.5, (n, k))
    if kind == "discrete":
        return rng.integers(0, 4, (n, k)).astype(float)
    if kind == "constant":
        return np.full((n, k), 0.3)
    noise = rng.normal(size=(n, k))  # "alike": neighbours depend on each other
    for i in range(1, n):
        noise[i] += 0.6 * noise[i - 1]
    return noise


def p_interval(hits, n, level=0.999):
    """Clopper and Pearson's interval of a share."""
    tail = (1 - level) / 2
    low = beta.ppf(tail, hits, n - hits + 1) if hits else 0.0
    return low, beta.isf(tail, hits + 1, n - hits) if hits < n else 1.0


def test_inverse_normal():
    p = np.concatenate([10.0 ** -np.linspace(0.001, 300, 5000), 1 - 10.0 ** -np.linspace(0.01, 15.9, 2000), [0.5]])
    deviates = np.empty_like(p)
    normal_deviates(p, deviates)
    np.testing.assert_allclose(deviates, norm.isf(p), rtol=0, atol=1e-9)


@pytest.mark.parametrize("bet", BETS)
def test_bets_have_mean_one(bet):
    area, _ = quad(lambda z: math.exp(bet * z - bet * bet / 2) * norm.pdf(z), -12, 20)
    assert area == pytest.approx(1.0, abs=1e-9)


def calibrated(n=100, k=1, seed=0, **options):
    """A detector with a normal reference."""
    detector = EDetector((1.0,) * k, **options)
    detector.calibrate(rows_of("normal", n, k, seed))
    return detector


@pytest.mark.parametrize("kind", ["normal", "heavy", "discrete", "constant", "alike"])
@pytest.mark.parametrize("alpha", [None, 1e-15])
def test_equals_the_obvious_one(kind, alpha):
    weights, k, n = (3.0, 1.0), 2, 60
    rows = rows_of(kind, n + 130, k, 1)
    rows[n + 115 :] += 0.1 if kind == "constant" else 1.0
    detector = EDetector(weights, alpha=alpha, arl=1e15 if alpha is None else None, random_state=5)
    detector.calibrate(rows[:n])
    # numbers for the ties are drawn row by row, signal by signal
    random = naive.Random(seeded(5))
    uniforms = np.array([[random.uniform() for _ in range(k)] for _ in range(130)])
    bags, news = [], []
    rhos = [naive.autocorrelation(list(rows[:n, j])) for j in range(k)]
    used = [rho + (1 + 3 * rho) / n if rho > norm.isf(0.05) / math.sqrt(n) else 0.0 for rho in rhos]
    assert kind not in ("alike", "constant") or any(used) == (kind == "alike")
    for j in range(k):
        mean, scale = rows[:n, j].mean(), max(rows[:n, j].std(), 1e-9 * abs(rows[:n, j].mean()))
        before = None if any(used) else 0.0
        bag, last = naive.bins(list(rows[:n, j]), mean, scale, used[j], before)
        bags.append(bag)
        news.append(naive.bins(list(rows[n:, j]), mean, scale, used[j], last)[0])
    p_values = [naive.p_values(bags[j], news[j], list(uniforms[:, j])) for j in range(k)]
    taken = 0
    for size in (1, 7, 92, 30):
        assert detector.update(rows[n + taken : n + taken + size]) == size
        taken += size
        shares = [
            w * naive.statistic(p[:taken], BETS, alpha is not None) for w, p in zip((0.75, 0.25), p_values, strict=True)
        ]
        assert detector.statistic == pytest.approx(max(shares), rel=1e-9)
    np.testing.assert_allclose(detector.autocorrelation, rhos, atol=1e-12)
    np.testing.assert_allclose(detector.p_values, np.array(p_values).T, rtol=1e-5)
    leading = int(np.argmax(shares))
    for level in (0.5, 0.95):
        starts = naive.starts(p_values[leading], BETS, alpha is not None)
        assert detector.when(level) == naive.interval(starts, level)
    assert detector.n_rows == 130


@given(shares=st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any), at=st.floats(0, 1, exclude_max=True))
def test_interval_is_the_shortest(shares, at):
    level = (int(at * sum(shares)) + 0.5) / sum(shares)  # between sums of shares, which are whole numbers
    array = np.array(shares, dtype=float)
    assert start_interval(array, level) == naive.interval(array, level)


def test_older_starts_are_counted_with_the_oldest():
    detector = EDetector(arl=1e15, bets=[1e-6])  # hardly any bet: all starts have the same share
    detector.update_p(np.full(2048, 0.5))
    start, low, high = detector.when(0.5)
    assert (start, low) == (1024, 1024)
    assert high <= 1025
    assert detector.when(0.75).high == pytest.approx(1024 + 512, abs=2)


@pytest.mark.parametrize("prior", [False, True])
def test_p_values_of_ones_own(prior):
    p = np.random.default_rng(3).random(200)
    p[7] = 1.0
    detector = EDetector(arl=None if prior else 1e15, alpha=1e-15 if prior else None)
    assert detector.update_p(p[:120]) == 120
    assert detector.update_p(p[120:]) == 80
    p[7] = 1 - 2**-53
    assert detector.statistic == pytest.approx(naive.statistic(p, BETS, prior), rel=1e-9)


def test_batches_make_no_difference():
    rows = rows_of("heavy", 500, 2, 8)
    one, many = calibrated(k=2, arl=1e12), calibrated(k=2, arl=1e12)
    one.update(rows)
    for row in rows:
        many.update(row[None])
    assert all(np.array_equal(a, b) for a, b in zip(one.state().values(), many.state().values(), strict=True))


def test_alarm_stops_at_its_row():
    detector = calibrated(arl=1000)
    rows = rows_of("normal", 60, 1, 1)
    rows[20:] += 8.0
    taken = detector.update(rows)
    assert detector.alarm
    assert detector.warning
    assert detector.n_rows == taken < 30
    assert detector.statistic >= detector.threshold == 1000
    start, low, high = detector.when()
    assert low <= start <= high < taken
    assert abs(start - 20) <= 1
    assert detector.update(rows[:0]) == 0
    detector.reset()
    assert (detector.alarm, detector.warning, detector.n_rows, detector.statistic) == (False, False, 0, 0.0)
    assert detector.p_values.shape == (0, 1)


def test_statistic_is_the_largest_signal():
    detector = calibrated(k=2, arl=1e15)
    rows = rows_of("normal", 30, 2, 1)
    rows[20:, 1] += 6.0
    detector.update(rows)
    assert detector.strongest == 1
    alone = EDetector(arl=1e15)
    alone.update_p(detector.p_values[:, 1])
    assert detector.statistic == pytest.approx(alone.statistic / 2, rel=1e-4)


@pytest.mark.parametrize("k", [1, 2])
def test_state_continues_identically(k):
    rows = rows_of("normal", 300, k, 4)
    detector = calibrated(k=k, arl=1e9, random_state=3)
    detector.update(rows[:170])
    saved = detector.state()
    other = EDetector((1.0,) * k, arl=1e9)
    other.restore(saved)
    for one in (detector, other):
        one.update(rows[170:])
    ends = [one.state() for one in (detector, other)]
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert other.when() == detector.when()
    assert saved["counters"][1] == 170


def test_state_of_others_is_refused():
    detector, state = calibrated(), calibrated().state()
    before = detector.state()
    for name, value, message in [
        ("arl", 5.0, "arl"),
        ("bets", [1.0], "bets"),
        ("weights", [0.5, 0.5], "weights"),
        ("tree", state["tree"][:, :5], "shape"),
        ("tree", state["tree"].astype(float), "float64"),
        ("running", None, "running"),
        ("running", state["running"] * np.nan, "damaged"),
        ("tree", state["tree"] * 2, "damaged"),
    ]:
        with pytest.raises(ValueError, match=message):
            detector.restore({**state, name: value})
    with pytest.raises(ValueError, match="weights"):
        detector.restore({})
    assert all(np.array_equal(before[name], value) for name, value in detector.state().items())


def test_large_statistics_stay_finite():
    for options in ({"arl": 1e15}, {"alpha": 1e-15}):
        detector = EDetector(**options, bets=(0.5, 8.0))
        assert detector.update_p(np.full(10, 5e-324)) < 10
        for _ in range(2000):
            detector.update_p([5e-324])
        assert detector.alarm
        assert np.isfinite(detector.statistic)
        assert detector.when().high < detector.n_rows == 2001
        detector.update_p([1.0])
        assert np.isfinite(detector.statistic)


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324])
def test_extreme_rows(value):
    rows = rows_of("normal", 100, 1, 0)
    for reference in (rows, rows * 0.0, rows * 0.0 + 7.0, rows * 1e-200, np.abs(rows) * 1e300):
        detector = EDetector(arl=1e15)
        detector.calibrate(reference)
        detector.update(np.full((3, 1), value))
        assert np.isfinite(detector.statistic)
        assert ((detector.p_values > 0) & (detector.p_values < 1)).all()


def test_larger_than_a_constant_reference_is_the_largest():
    detector = EDetector(arl=1e15)
    detector.calibrate(np.full((100, 1), 0.1))
    detector.update([[0.1], [0.1 + 1e-6], [0.1 - 1e-6]])
    assert detector.p_values[1, 0] < 1 / 102
    assert detector.p_values[2, 0] > 1 - 1 / 103


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arl": 100, "alpha": 0.1}, "arl is 100 and alpha is 0.1"),
        ({"arl": 0}, "arl is 0"),
        ({"arl": math.nan}, "arl is nan"),
        ({"arl": math.inf}, "arl is inf"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"alpha": 1.0}, "alpha is 1.0"),
        ({"weights": ()}, "weights is"),
        ({"weights": (1.0, -1.0)}, "weights is"),
        ({"weights": "novelty"}, "weights is 'novelty'"),
        ({"bets": (0.0,)}, "bets is"),
        ({"bets": (9.0,)}, "at most 8"),
        ({"whiten": "yes"}, "whiten is 'yes'"),
        ({"whiten": 1}, "whiten is 1"),
        ({"random_state": -1}, "random_state is -1"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        EDetector(**options)


def test_settings_of_another_type():
    with pytest.raises(TypeError, match="arl is '100'"):
        EDetector(arl="100")
    assert EDetector().threshold == 10_000
    assert EDetector(alpha=0.01).threshold == pytest.approx(100)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((39, 2)), "has 39 rows: 40 are needed"),
        (np.zeros((50, 3)), r"shape \(50, 3\)"),
        (np.zeros(50), r"shape \(50,\)"),
        ([["a", "b"]] * 50, "no numbers"),
        (np.array([[0.0, 1.0]] * 49 + [[math.nan, 0.0]]), "row 49 of the reference"),
    ],
)
def test_bad_references_change_nothing(rows, message):
    detector = calibrated(k=2)
    before = detector.state()
    with pytest.raises(ValueError, match=message):
        detector.calibrate(rows)
    assert all(np.array_equal(before[name], value) for name, value in detector.state().items())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_rows_change_nothing(bad):
    detector = calibrated(k=2)
    before = detector.state()
    with pytest.raises(ValueError, match="row 3 has"):
        detector.update([[0.0, 0.0]] * 3 + [[0.0, bad]])
    with pytest.raises(ValueError, match="one column a signal"):
        detector.update(np.zeros((4, 1)))
    with pytest.raises(ValueError, match="row 1 is"):
        detector.update_p([[0.5, 0.5], [0.5, 0.0]])
    with pytest.raises(ValueError, match="no row"):
        detector.when()
    with pytest.raises(ValueError, match="level is 1"):
        detector.when(1)
    assert all(np.array_equal(before[name], value) for name, value in detector.state().items())
    with pytest.raises(RuntimeError, match="calibrate"):
        EDetector().update([[0.0]])


def test_memory_of_two_signals():
    detector = calibrated(k=2)
    before = detector.nbytes
    detector.update(rows_of("normal", 5000, 2, 3))
    assert detector.nbytes == before < 30_000


@pytest.mark.parametrize(
    ("value", "whitened"), [("auto", [True, False]), (True, [True, True]), (False, [False, False])]
)
def test_whitening(value, whitened):
    rows = np.column_stack([rows_of("alike", 200, 1, 0), rows_of("normal", 200, 1, 1)])
    detector = EDetector((0.5, 0.5), whiten=value)
    detector.calibrate(rows)
    assert detector.whitened.tolist() == whitened
    assert (
        detector.autocorrelation[0] > 0.45 > detector.autocorrelation_limit == pytest.approx(1.645 / 200**0.5, rel=1e-3)
    )
    assert (abs(detector.residual_autocorrelation[0]) < 0.15) == whitened[0]


def test_bounds_as_numbers():
    assert EDetector(arl=1000).false_alarm_bound(50) == 0.05
    assert EDetector(arl=1000).false_alarm_bound(5000) == 1.0
    assert EDetector(alpha=0.05).false_alarm_bound(10**9) == 0.05
    assert EDetector().false_alarm_bound(0) == EDetector(alpha=0.05).false_alarm_bound(0) == 0.0
    with pytest.raises(ValueError, match="n_rows is -1"):
        EDetector().false_alarm_bound(-1)


@pytest.mark.parametrize("kind", ["normal", "heavy", "discrete"])
@pytest.mark.parametrize(("n", "k"), [(40, 1), (100, 2)])
def test_bound_of_arl(kind, n, k):
    runs, rows, arl = 3000, 300, 1000
    alarms = 0
    for seed in range(runs):
        stream = rows_of(kind, n + rows, k, seed)
        detector = EDetector((0.5,) * k, arl=arl, random_state=seed)
        detector.calibrate(stream[:n])
        detector.update(stream[n:])
        alarms += detector.alarm
    assert p_interval(alarms, runs)[0] <= detector.false_alarm_bound(rows)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_bound_of_alpha(alpha):
    runs, rows, n = 3000, 1000, 60
    alarms = 0
    for seed in range(runs):
        stream = rows_of("normal", n + rows, 1, seed)
        detector = EDetector(alpha=alpha, random_state=seed)
        detector.calibrate(stream[:n])
        detector.update(stream[n:])
        alarms += detector.alarm
    assert p_interval(alarms, runs)[0] <= alpha


def test_mean_run_length():
    rng = np.random.default_rng(0)
    detector = EDetector(arl=50)
    lengths = []
    for _ in range(2000):
        detector.reset()
        while not detector.alarm:
            detector.update_p(rng.random(100))
        lengths.append(detector.n_rows)
    assert np.mean(lengths) + 3.3 * np.std(lengths) / len(lengths) ** 0.5 >= 50


@given(scores=st.lists(st.integers(0, 6), min_size=1, max_size=40), first=st.integers(0, 40))
def test_conformal_p_values(scores, first):
    first = min(first, len(scores))
    random = naive.Random(seeded(2))
    uniforms = [random.uniform() for _ in scores[first:]]
    found = conformal_p_values(scores, first, random_state=2)
    np.testing.assert_allclose(found, naive.p_values(scores[:first], scores[first:], uniforms), rtol=1e-12)


def test_conformal_p_values_are_uniform_and_independent():
    p = conformal_p_values(np.random.default_rng(0).poisson(1.0, 20_000), 40)
    assert kstest(p, "uniform").pvalue > 1e-3
    assert abs(lag1_autocorrelation(p).value) < 3.3 / len(p) ** 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conformal_p_values([[1.0]], 0), "shape"),
        (lambda: conformal_p_values([1.0, math.nan], 0), "NaN at 1"),
        (lambda: conformal_p_values([1.0], 2), "n_reference is 2"),
        (lambda: conformal_p_values(["a"], 0), "scores is not"),
        (lambda: lag1_autocorrelation([1.0, 2.0]), "three or more"),
        (lambda: lag1_autocorrelation([1.0, 2.0, math.inf]), "infinity"),
    ],
)
def test_bad_sequences(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_autocorrelation():
    values = rows_of("alike", 300, 1, 2)[:, 0]
    found = lag1_autocorrelation(values)
    assert found.value == pytest.approx(naive.autocorrelation(list(values)))
    assert found.significant
    assert lag1_autocorrelation([4.0] * 9).value == 0.0
    assert not lag1_autocorrelation([4.0] * 9).significant
    assert lag1_autocorrelation(values * 1e300).value == pytest.approx(found.value)


def test_equals_online_cp():
    martingale = pytest.importorskip("online_cp.martingale")
    betting = pytest.importorskip("online_cp.betting")
    strategy = betting.FixedStrategy(pdf=lambda p: math.exp(norm.isf(p) - 0.5), check_integration=False)
    peer = martingale.ShiryaevRobertsWrapper(martingale.PluginMartingale(strategy))
    ours = EDetector(arl=1e15, bets=(1.0,))
    for p in np.random.default_rng(0).random(200):
        peer.update(p)
        ours.update_p([p])
        assert ours.statistic == pytest.approx(peer.R, rel=1e-9)


def test_p_values_of_crepes_have_the_same_ranks():
    peer = pytest.importorskip("crepes.martingales")
    scores = np.random.default_rng(0).integers(0, 9, 300)
    theirs, ours = peer.semi_online_p_values(scores, seed=0), conformal_p_values(scores, 0)
    before = np.arange(len(scores))
    greater = np.array([(scores[:i] > s).sum() for i, s in enumerate(scores)])
    equal = np.array([(scores[:i] == s).sum() for i, s in enumerate(scores)])
    for p in (theirs, ours):
        assert (p * (before + 1) >= greater - 1e-9).all()
        assert (p * (before + 1) <= greater + equal + 1 + 1e-9).all()
