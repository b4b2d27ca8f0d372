"""Signals of numbers, vectors, and text under any compressor: against obvious ones, and against changes."""

from __future__ import annotations

import bz2
import pickle
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.covariance import ledoit_wolf

from ncd.data import load_udhr
from ncd.exceptions import WindowWarning
from ncd.streams.base import TextUnits
from ncd.streams.compressor_signals import CompressorSignals
from ncd.streams.edetector import EDetector
from ncd.streams.vector_signals import VectorSignals

WINDOW = 16


def normal(n: int, d: int = 1, seed: int = 0) -> np.ndarray:
    """Independent standard normal vectors."""
    return np.random.default_rng(seed).normal(size=(n, d))


# --- An obvious Gaussian code: fitted anew without each unit. Nothing is cut of the data that it is used for. ---


def gaussian_bits(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Bits of one vector."""
    deviation = x - mean
    return float(
        0.5 * (deviation @ np.linalg.solve(covariance, deviation) + np.linalg.slogdet(2 * np.pi * covariance)[1])
    ) / np.log(2)


def limited(u: np.ndarray) -> np.ndarray:
    """A standardised vector at its usual length at most."""
    return u * min(1.0, (np.sqrt(len(u)) + 3) / max(float(np.linalg.norm(u)), 1e-300))


def along(x: np.ndarray, before: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    """Component of x along the mean of the vectors before it, after whitening."""
    root = np.linalg.cholesky(covariance)
    way = sum(limited(np.linalg.solve(root, one - mean)) for one in before)
    return float(np.linalg.solve(root, x - mean) @ way / np.linalg.norm(way))


def obvious_signals(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Signals of the reference's units from the window on, then of new units; no autoregression."""
    n, d = reference.shape
    centre = np.median(reference, axis=0)
    scale = 1.4826 * np.median(np.abs(reference - centre), axis=0)
    log_scale = float(np.log2(scale).sum())
    x, y = (reference - centre) / scale, (new - centre) / scale
    mean = x.mean(axis=0)
    covariance, share = ledoit_wolf(x)
    level = np.trace(np.cov(x.T, bias=True).reshape(d, d)) / d
    rows = []
    for i in range(WINDOW, n):
        others = np.delete(x, i, axis=0)
        own = (1 - share) * np.cov(others.T, bias=True).reshape(d, d) + share * level * np.eye(d)
        bits = (gaussian_bits(x[i], others.mean(axis=0), own) + log_scale) / d
        far = np.delete(x, range(i - WINDOW, i + 1), axis=0).mean(axis=0)
        base = (1 - share) * n / (n - 1) * np.cov(x.T, bias=True).reshape(d, d) + share * level * np.eye(d)
        root = np.linalg.cholesky(base)
        way = root @ sum(limited(np.linalg.solve(root, one - far)) for one in x[i - WINDOW : i])
        solved = np.linalg.solve(own, way)
        rows.append((float((x[i] - far) @ solved) / np.sqrt(way @ solved), bits, -bits))
    both = np.concatenate([x, y])
    for i in range(n, len(both)):
        bits = (gaussian_bits(both[i], mean, covariance) + log_scale) / d
        rows.append((along(both[i], both[i - WINDOW : i], mean, covariance), bits, -bits))
    return np.array(rows)


@pytest.mark.parametrize(("d", "mixed"), [(2, False), (3, True), (30, False)])
def test_vectors_against_an_obvious_code(d, mixed):
    # Uniform numbers have no outliers: nothing is cut.
    units = np.random.default_rng(d).uniform(-1, 1, (140, d)) * 3 + 7
    if mixed:
        units = units @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -0.7], [0.0, 0.0, 0.2]])
    signals = VectorSignals(order=0)
    found = np.concatenate([signals.learn(units[:100]), signals.measure(units[100:])])
    np.testing.assert_allclose(found, obvious_signals(units[:100], units[100:]), rtol=1e-8, atol=1e-8)


def test_numbers_against_the_normal_density():
    units = np.random.default_rng(0).uniform(-1, 1, (400, 1)) * 1e-6
    signals = VectorSignals(order=0)
    found = signals.learn(units[:300])
    bits = signals.bits(units[300:])
    found = np.concatenate([found, signals.measure(units[300:])])
    mean, deviation = units[:300].mean(), units[:300].std()
    z = (units[:, 0] - mean) / deviation
    expected = np.log2(np.sqrt(2 * np.pi) * deviation) + z**2 / (2 * np.log(2))
    np.testing.assert_allclose(found, np.column_stack([z, -z, expected, -expected]), rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(bits, found[300:, 2])
    assert (bits < 0).all()


def test_bits_leave_the_window_where_it_is():
    signals = VectorSignals(order=1)
    signals.learn(normal(100, 2))
    before = signals.state()["code"]
    signals.bits(normal(5, 2))
    for key, value in signals.state()["code"].items():
        np.testing.assert_array_equal(value, before[key])


def test_equal_numbers_have_equal_signals():
    # Ties have to be ties for the e-detector, which breaks them at random.
    units = np.round(normal(300))
    signals = VectorSignals(order=0)
    rows = np.concatenate([signals.learn(units[:200]), signals.measure(units[200:])])
    for value in np.unique(units):
        assert len(np.unique(rows[units[:, 0] == value], axis=0)) == 1


@pytest.mark.parametrize("d", [1, 5, 50])
def test_left_out_units_are_like_new_ones(d):
    differences = []
    for seed in range(30):
        units = normal(200, d, seed)
        signals = VectorSignals()
        reference, new = signals.learn(units[:100]), signals.measure(units[100:])
        differences.append((reference.mean(axis=0) - new.mean(axis=0)) / reference.std(axis=0))
    mean = np.mean(differences, axis=0)
    assert (np.abs(mean) < 4 * np.std(differences, axis=0) / np.sqrt(30)).all(), mean


@pytest.mark.parametrize(
    ("change", "signal"),
    [
        (lambda x: x + 1.5, "upward"),
        (lambda x: x - 1.5, "downward"),
        (lambda x: 2 * x, "surprise"),
        (lambda x: x / 2, "plainness"),
    ],
)
@pytest.mark.parametrize("d", [1, 5, 50])
def test_each_signal_finds_its_change(change, signal, d):
    units = normal(400, d)
    signals = VectorSignals()
    reference = signals.learn(units[:200])
    new = signals.measure(change(units[200:]))
    column = signals.names.index(signal if signal in signals.names else "novelty")
    assert new[:, column].mean() > reference[:, column].mean() + (0.5 if d > 1 else 0.3) * reference[:, column].std()


def test_autoregression_takes_out_what_is_known():
    rng = np.random.default_rng(0)
    series = np.zeros(1200)
    for t in range(2, 1200):
        series[t] = 1.2 * series[t - 1] - 0.5 * series[t - 2] + rng.normal()
    signals = VectorSignals()
    rows = signals.learn(series[:800, None])
    np.testing.assert_allclose(signals.coefficients[:2], [1.2, -0.5], atol=0.1)
    for column in (0, 2):
        assert abs(np.corrcoef(rows[1:, column], rows[:-1, column])[0, 1]) < 0.12
    plain = VectorSignals(order=0)
    kept = plain.learn(series[:800, None])[:, 0]
    assert np.corrcoef(kept[1:], kept[:-1])[0, 1] > 0.4
    assert len(VectorSignals(order=3).learn(series[:100, None])) == 100 - 3
    assert len(VectorSignals(order=3).learn(np.hstack([series, series])[:200].reshape(100, 2))) == 100 - 3 - WINDOW


def test_a_jump_out_of_the_range_stays_a_surprise():
    # Without the cut, an autoregression with a coefficient near one would explain all but the first unit.
    rng = np.random.default_rng(1)
    series = np.zeros(600)
    for t in range(1, 600):
        series[t] = 0.95 * series[t - 1] + rng.normal()
    signals = VectorSignals()
    reference = signals.learn(series[:500, None])
    after = signals.measure(series[500:, None] + 60)
    assert after[20:, 2].min() > reference[:, 2].max()


def test_outliers_of_the_reference_do_not_hide_a_change():
    units = normal(300)
    units[[30, 60, 90]] = 1e6
    signals = VectorSignals(order=0)
    reference = signals.learn(units[:200])
    assert signals.measure(units[200:] + 3)[:, 0].mean() > 1.5
    assert np.median(reference[:, 2]) < 3


@pytest.mark.parametrize("d", [1, 4])
def test_vectors_in_any_batches_and_from_a_state(d):
    units = np.cumsum(normal(300, d), axis=0)
    signals = VectorSignals()
    signals.learn(units[:150])
    whole = pickle.loads(pickle.dumps(signals)).measure(units[150:])
    parts = []
    for at in range(150, 300, 7):
        restored = VectorSignals()
        restored.restore(signals.state())
        signals = restored
        parts.append(signals.measure(units[at : at + 7]))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert signals.nbytes > 0


def test_a_state_is_its_own():
    signals = VectorSignals()
    signals.learn(normal(100, 2))
    before = signals.state()
    signals.measure(normal(5, 2, seed=1))
    assert (before["code"]["newest"] != signals.state()["code"]["newest"]).any()


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(-1e150, 1e150), min_size=60, max_size=60),
    new=st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=9),
)
def test_any_numbers_have_finite_signals(values, new):
    signals = VectorSignals()
    rows = signals.learn(np.array(values)[:, None])
    assert np.isfinite(rows).all()
    assert np.isfinite(signals.measure(np.array(new)[:, None])).all()


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.floats(-1e150, 1e150), min_size=80, max_size=80),
    few=st.lists(st.sampled_from([0.0, 1.0, -1e150, 1e-150, 1e9]), min_size=60, max_size=60),
    order=st.sampled_from([None, 0, 2]),
)
def test_any_vectors_have_finite_signals(values, few, order):
    new = np.array(values[:20])
    for column in (np.array(values[20:]), np.array(few)):
        for units in (np.stack([column] * 3, axis=1), np.stack([column, column[::-1]], axis=1)):
            signals = VectorSignals(order=order)
            assert np.isfinite(signals.learn(units)).all()
            assert np.isfinite(signals.measure(np.stack([new] * units.shape[1], axis=1))).all()


def test_a_constant_reference():
    signals = VectorSignals()
    rows = signals.learn(np.full((100, 2), 5.0))
    np.testing.assert_allclose(rows.std(axis=0), 0, atol=1e-9)
    new = signals.measure(np.array([[5.0, 5.0], [5.0, 5.1]]))
    surprise = signals.names.index("surprise")
    assert new[0, surprise] == pytest.approx(rows[0, surprise])
    assert new[1, surprise] > new[0, surprise] + 1


def sparse(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Independent zeros and, one of twenty, ones."""
    return (np.random.default_rng(seed).random((n, d)) < 0.05).astype(float)


def test_vectors_with_atoms_have_no_novelty():
    units = np.column_stack([normal(300, 2), sparse(300, 1)])
    signals = VectorSignals(order=0)
    assert signals.learn(units[:200]).shape == (200, 2)
    assert signals.names == ("surprise", "plainness")
    assert sum(signals.weights) == pytest.approx(1)
    restored = VectorSignals(order=0)
    restored.restore(signals.state())
    assert restored.names == signals.names
    np.testing.assert_array_equal(restored.measure(units[200:]), signals.measure(units[200:]))
    assert VectorSignals(order=0).learn(normal(200, 3)).shape == (200 - WINDOW, 3)


def test_equal_sparse_vectors_have_equal_signals():
    units = sparse(400, 2)
    signals = VectorSignals(order=0)
    rows = np.concatenate([signals.learn(units[:200]), signals.measure(units[200:])])
    for value in np.unique(units, axis=0):
        assert len(np.unique(rows[(units == value).all(axis=1)], axis=0)) == 1


@pytest.mark.parametrize("d", [1, 2, 3])
def test_false_alarms_of_sparse_vectors(d):
    alarms = 0
    for seed in range(60):
        units = sparse(400, d, seed)
        signals = VectorSignals()
        rows = signals.learn(units[:100])
        judge = EDetector(signals.weights, arl=1_000, bets=signals.bets, random_state=seed)
        judge.calibrate(rows)
        judge.update(signals.measure(units[100:]))
        alarms += bool(judge.alarm)
    assert alarms <= 0.3 * 60


def test_too_few_units_teach_nothing():
    signals = VectorSignals()
    assert signals.learn(normal(WINDOW + 1, 2)).shape == (0, 3)
    with pytest.raises(ValueError, match="no reference yet"):
        signals.measure(normal(3))


@pytest.mark.parametrize(
    ("units", "error", "words"),
    [
        (np.array([[1.0], [np.nan]]), ValueError, "unit 1 is nan"),
        (np.array([[1.0, 2.0], [1.0, np.inf]]), ValueError, r"unit 1 is inf \(number 1\)"),
        (np.array([[1e200]]), ValueError, "up to 1e150"),
        (np.arange(3.0), ValueError, "one row a unit"),
        (np.empty((3, 0)), ValueError, "one row a unit"),
        (np.array([["a"]]), TypeError, "array of <U1"),
        ([[1.0]], TypeError, "units are list"),
        (TextUnits.of([b"a"]), TypeError, "units are TextUnits"),
    ],
)
def test_bad_vectors(units, error, words):
    signals = VectorSignals()
    with pytest.raises(error, match=words):
        signals.learn(units)


def test_bad_vectors_leave_everything_as_it_was():
    signals = VectorSignals()
    signals.learn(normal(100, 2))
    before = signals.state()
    for units in (normal(3, 1), np.array([[0.0, 0.0], [np.nan, 0.0]])):
        with pytest.raises(ValueError, match=r"those of the reference 2|unit 1 is nan"):
            signals.measure(units)
    after = signals.state()
    for key, value in before["code"].items():
        np.testing.assert_array_equal(value, after["code"][key])


def test_states_that_do_not_fit():
    signals = VectorSignals()
    signals.learn(normal(100))
    with pytest.raises(ValueError, match="window=16 and order=None"):
        VectorSignals(window=8).restore(signals.state())
    for damage in ({"code": {"centre": np.zeros(1)}}, {"code": 3}):
        with pytest.raises(ValueError, match="no state of VectorSignals"):
            VectorSignals().restore({**signals.state(), **damage})
    state = signals.state()
    state["code"]["past"] = np.zeros((9, 3))
    with pytest.raises(ValueError, match="past is no array"):
        VectorSignals().restore(state)
    for bad in ({"window": 0}, {"order": -1}):
        with pytest.raises(ValueError, match=r"give 1 or more|choose from 0 to 64"):
            VectorSignals(**bad)


# --- Compressors ---


def lines(n: int, seed: int = 0) -> list[bytes]:
    """Lines of a log."""
    rng = np.random.default_rng(seed)
    return [b"GET /item/%d HTTP/1.1 200 %d" % tuple(rng.integers(0, 9999, 2)) for _ in range(n)]


def deflate_bits(seen: bytes, text: bytes) -> float:
    """Bits a byte of a text after what has been seen, by zlib alone."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=seen)
    return 8 * (len(coder.compress(text)) + len(coder.flush())) / len(text)


@pytest.mark.parametrize(("framed", "gap"), [(True, 0), (False, 0), (True, 500)])
def test_compressor_against_zlib(framed, gap):
    units = lines(160)
    texts = [unit + b"\n" if framed else unit for unit in units]
    window, n = 256, 120
    signals = CompressorSignals("deflate", window=window, gap=gap, framed=framed)
    rows = signals.learn(TextUnits.of(units[:n]))
    found = np.concatenate([rows, signals.measure(TextUnits.of(units[n:]))])

    first = next(i for i in range(n) if len(b"".join(texts[:i])) >= window)
    whole = b"".join(texts[:n])
    stretch = -(-len(b"".join(texts[first:n])) // 40)
    alone, start = [], first
    while start < n:
        end = start + 1
        while end < n and len(b"".join(texts[start:end])) < stretch:
            end += 1
        low = len(b"".join(texts[:start]))
        rest = whole[: max(low - max(window, gap), 0)] + whole[len(b"".join(texts[:end])) + gap :]
        alone += [deflate_bits(rest, text) for text in texts[start:end]]
        start = end
    alone += [deflate_bits(whole, text) for text in texts[n:]]

    newest, primer, fresh, gains = b"", b"", 0, []
    for i, text in enumerate(texts):
        under_window = deflate_bits(primer, text)
        newest, fresh = (newest + text)[-window:], fresh + len(text)
        if fresh >= window // 8:
            primer, fresh = newest, 0
        if i >= first:
            gains.append(alone[i - first] - under_window)
    both, gain = np.array(alone), np.array(gains)
    used = n - first
    novelty = (both - both[:used].mean()) / both[:used].std()
    novelty += 2 * (gain - gain[:used].mean()) / gain[:used].std()
    np.testing.assert_allclose(found, np.column_stack([novelty, -both]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(signals.bits(TextUnits.of(units[n:])), both[used:], rtol=1e-12)


@pytest.mark.parametrize("spec", ["zstd", "gzip:6", "brotli:5", "bz2", "lzma:0", "ppm:2"])
def test_any_compressor_finds_another_language(spec):
    corpus = load_udhr()
    english, spanish = (corpus.texts[corpus.labels.index(name)].encode() for name in ("English", "Spanish"))
    units = [english[i : i + 150] for i in range(0, 9_000, 150)]
    signals = CompressorSignals(spec, window=512, framed=False)
    rows = signals.learn(TextUnits.of(units[:50]))
    same = signals.measure(TextUnits.of(units[50:]))
    other = signals.measure(TextUnits.of([spanish[i : i + 150] for i in range(0, 1_500, 150)]))
    assert other[:, 0].mean() > max(rows[:, 0].mean(), same[:, 0].mean()) + rows[:, 0].std()


def test_a_compressor_that_cannot_be_primed():
    signals = CompressorSignals("bz2", window=64, framed=False)
    units = lines(40)
    signals.learn(TextUnits.of(units))
    whole = b"".join(units)
    expected = 8 * (len(bz2.compress(whole + b"something")) - len(bz2.compress(whole))) / 9
    assert signals.bits(TextUnits.of([b"something"])).tolist() == [expected]


def test_an_object_with_a_length_is_enough():
    class Distinct:
        name = "distinct"

        def length(self, data):
            return len(set(data))

    signals = CompressorSignals(Distinct(), window=8)
    assert np.isfinite(signals.learn(TextUnits.of([b"abc", b"bcd", b"cde"] * 20))).all()
    assert signals.measure(TextUnits.of([b"xyz"]))[0, 0] > signals.measure(TextUnits.of([b"abc"]))[0, 0]


@pytest.mark.parametrize("spec", ["zstd", "deflate", "ppm:2", "lz4"])
def test_text_in_any_batches_and_from_a_state(spec):
    units = lines(120)
    signals = CompressorSignals(spec, window=200, gap=100)
    signals.learn(TextUnits.of(units[:80]))
    whole = pickle.loads(pickle.dumps(signals)).measure(TextUnits.of(units[80:]))
    parts = []
    for at in range(80, 120, 3):
        restored = CompressorSignals(spec, window=200, gap=100)
        restored.restore(signals.state())
        signals = restored
        parts.append(signals.measure(TextUnits.of(units[at : at + 3])))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert signals.nbytes >= sum(len(unit) + 1 for unit in units[:80])


@pytest.mark.parametrize("framed", [True, False])
def test_units_of_any_length(framed):
    signals = CompressorSignals("zstd", window=50, framed=framed)
    units = [b"x", b"a" * 3000, *lines(30), b"\0\xff\n"]
    if framed:
        units.append(b"")
    assert np.isfinite(signals.learn(TextUnits.of(units))).all()
    assert np.isfinite(signals.measure(TextUnits.of([*units, b"b" * 1_000_000]))).all()
    assert signals.measure(TextUnits.of([])).shape == (0, 2)
    assert signals.state()["newest"].size == 50


def test_reference_beyond_the_window_of_deflate():
    units = TextUnits.of(lines(1200))
    with pytest.warns(WindowWarning, match=r"has 3\d,\d+ bytes, of which gzip:9 sees the last 32,768"):
        CompressorSignals("gzip").learn(units)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CompressorSignals("zstd").learn(units)


def test_too_little_text_teaches_nothing():
    signals = CompressorSignals("deflate")
    assert signals.learn(TextUnits.of(lines(30))).shape == (0, 2)
    with pytest.raises(ValueError, match="no reference yet"):
        signals.measure(TextUnits.of(lines(1)))


def test_bad_text():
    signals = CompressorSignals("deflate", window=64, framed=False)
    with pytest.raises(ValueError, match="unit 1 is empty"):
        signals.learn(TextUnits.of([b"abc", b"", b"abc"]))
    with pytest.raises(TypeError, match="units are list"):
        signals.learn([b"abc"])
    with pytest.raises(TypeError, match="units are ndarray"):
        signals.learn(normal(3))
    with pytest.raises(ValueError, match="not known"):
        CompressorSignals("zstandard")
    with pytest.raises(ValueError, match="window is 0"):
        CompressorSignals("zstd", window=0)


def test_states_of_another_compressor():
    signals = CompressorSignals("deflate", window=64)
    signals.learn(TextUnits.of(lines(40)))
    state = signals.state()
    with pytest.raises(ValueError, match="compressor='deflate:9', this object 'zstd:3'"):
        CompressorSignals("zstd", window=64).restore(state)
    for damage in ({"scales": np.zeros((2, 2))}, {"newest": "text"}, {"newest": np.zeros(65, np.uint8)}, {"fresh": -1}):
        with pytest.raises(ValueError, match="no state of CompressorSignals"):
            CompressorSignals("deflate", window=64).restore({**state, **damage})
    with pytest.raises(ValueError, match="no state of CompressorSignals"):
        CompressorSignals("deflate", window=64).restore({})
