"""Byte model and window of streams, against sums over plain dictionaries."""

import copy
import math
import pickle
import random
import threading
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.exceptions import NotFittedError

from ncd.kernels.stream_bits import bits_of
from ncd.kernels.stream_counts import counted
from ncd.kernels.stream_model import bits_of_bytes, frozen
from ncd.kernels.stream_window import empty_window, pairs_of, refill, take_in
from ncd.streams.base import TextUnits
from ncd.streams.byte_signals import ByteSignals

UNITS = st.lists(st.lists(st.sampled_from(b"ab\nc\x00\xff"), max_size=14).map(bytes), min_size=1, max_size=12)


class NaiveModel:
    """Counts of all strings, and the recursion of the probabilities."""

    def __init__(self, order):
        self.order, self.after = order, defaultdict(Counter)

    def add(self, unit, framed):
        text = b"\n" + unit + b"\n" * framed
        for i in range(1, len(text)):
            for k in range(min(i, self.order) + 1):
                self.after[text[i - k : i]][text[i]] += 1

    def probability(self, context, byte, lowest=1 / 256):
        p = lowest
        for k in range(min(len(context), self.order) + 1):
            followers = self.after.get(context[len(context) - k :])
            if followers:
                total, distinct = sum(followers.values()), len(followers)
                p = (followers[byte] + distinct * p) / (total + distinct)
        return p

    def probabilities(self, unit, framed):
        text = b"\n" + unit + b"\n" * framed
        return [self.probability(text[:i], text[i]) for i in range(1, len(text))]


def pairs(unit, framed):
    text = b"\n" + unit + b"\n" * framed
    return [(text[i - 1], text[i]) for i in range(1, len(text))]


def naive_values(model, before, unit, framed, window):
    """Bits and gain per coded byte; `before`: pairs of all earlier units."""
    newest = NaiveModel(1)
    for context, byte in before[-window:]:
        newest.after[b""][byte] += 1
        newest.after[bytes([context])][byte] += 1
    old = new = 0.0
    for (context, byte), p in zip(pairs(unit, framed), model.probabilities(unit, framed), strict=True):
        old -= math.log2(p)
        new -= math.log2(newest.probability(bytes([context]), byte, p))
    coded = len(unit) + framed
    return (old / coded, (old - new) / coded) if coded else (math.nan, math.nan)


def naive_learned(units, order, window, gap, framed):
    """Bits and gain of each unit without those in its window and gap; whether it has a full window."""
    sizes = [len(unit) + framed for unit in units]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    found, before, chances = [], [], []
    for i, unit in enumerate(units):
        model = NaiveModel(order)
        for j, other in enumerate(units):
            in_window = j < i and ends[j] > starts[i] - window
            near = (j < i and ends[j] > starts[i] - gap) or (j > i and starts[j] < ends[i] + gap)
            if j != i and not in_window and not near:
                model.add(other, framed)
        found.append((*naive_values(model, before, unit, framed, window), starts[i] >= window))
        chances.append([max(1, math.floor(65535 * p + 0.5)) / 65535 for p in model.probabilities(unit, framed)])
        before += pairs(unit, framed)
    return found, before, chances


class Rounded:
    """A model that has the probabilities of one unit, rounded."""

    def __init__(self, chances):
        self.chances = chances

    def probabilities(self, unit, framed):
        return self.chances


def naive_signal(news, novelty, witnesses, rows, before, framed, window, standardised):
    """News, or where it stands out from the units of the reference under the same window, a rank above all news."""
    if not len(rows):
        return min(news, math.inf)
    n = len(witnesses)
    aside = min(4, n)
    desc = np.sort(rows[:, 1])[::-1]
    limits = [desc[0] + 0.5, *(desc[math.ceil(k * len(rows) / n) - 1] for k in range(1, n + 1))]
    lift = rows[:, 0].max()
    if novelty <= limits[aside]:
        return min(news, lift)
    as_novel = 0
    for unit, chances, own in witnesses:
        if chances:
            gain = naive_values(Rounded(chances), before, unit, framed, window)[1]
            as_novel += own + 2 * standardised(gain) >= novelty
    return min(news, lift) if as_novel > aside else lift + min(novelty, limits[as_novel]) - limits[aside]


def naive_rows(found, mean, scale, alike):
    rows = []
    for bits, gain in found:
        z = (np.where(np.isnan([bits, gain]), mean, [bits, gain]) - mean) / scale
        z = np.where(alike, np.floor(z + 0.5), z)
        rows.append((z[0], z[0] + 2 * z[1], -(mean[0] + scale[0] * z[0])))
    return np.array(rows).reshape(-1, 3)


@settings(max_examples=80)
@given(units=UNITS, fresh=UNITS, order=st.integers(0, 5), framed=st.booleans(), wide=st.booleans())
def test_frozen_probabilities(units, fresh, order, framed, wide):
    model = NaiveModel(order)
    for unit in units:
        model.add(unit, framed)
    packed = TextUnits.of(units)
    data, starts, ends = packed.data, packed.starts.copy(), packed.ends
    automaton = frozen(counted(data, starts, ends, framed, order)[0], wide)
    assert automaton.words.dtype == (np.uint64 if wide else np.uint32)
    for unit in [*units, *fresh]:
        bits = np.empty(len(unit) + framed, np.float32)
        bits_of_bytes(*automaton, np.frombuffer(unit, np.uint8), int(framed), bits)
        assert np.allclose(bits, [-math.log2(p) for p in model.probabilities(unit, framed)], rtol=1e-6, atol=1e-6)


@settings(max_examples=80)
@given(
    units=UNITS,
    fresh=UNITS,
    order=st.integers(0, 4),
    window=st.integers(1, 40),
    gap=st.integers(0, 30),
    framed=st.booleans(),
    cuts=st.lists(st.integers(0, 12), max_size=3),
)
def test_signals(units, fresh, order, window, gap, framed, cuts):
    signals = ByteSignals(window=window, gap=gap, framed=framed, order=order)
    rows = signals.learn(TextUnits.of(units))
    found, before, chances = naive_learned(units, order, window, gap, framed)
    full = [row[:2] for row in found if row[2]]
    assert rows.shape == (len(full), 2)
    used = [row for row in full if not math.isnan(row[0])] or [r[:2] for r in found if not math.isnan(r[0])]
    if not used:
        return
    mean, sd = np.mean(used, 0), np.std(used, 0)
    scale, alike = np.maximum(sd, 1e-3), sd < 1e-3
    if (np.abs(sd - 1e-3) < 1e-9).any():
        return
    assert np.allclose(signals._scales, np.stack([mean, scale, alike], 1), rtol=1e-9, atol=1e-11)
    learned = naive_rows(full, mean, scale, alike)
    assert np.allclose(rows[:, 1], learned[:, 2], rtol=1e-6, atol=1e-6)
    if full:
        n = min(len(full), 32)
        limit = np.sort(learned[:, 1])[::-1][math.ceil(min(4, n) * len(full) / n) - 1]
        lift = learned[:, 0].max()
        clear = np.abs(learned[:, 1] - limit) > 1e-6
        signal = np.where(learned[:, 1] > limit, lift + learned[:, 1] - limit, np.minimum(learned[:, 0], lift))
        assert np.allclose(rows[clear, 0], signal[clear], rtol=1e-6, atol=1e-6)

    model = NaiveModel(order)
    for unit in units:
        model.add(unit, framed)
    first = next((i for i, row in enumerate(found) if row[2]), len(found))
    chosen = np.linspace(0, len(full) - 1, min(len(full), 32)).astype(int) if full else []

    def standardised(gain):
        z = (gain - mean[1]) / scale[1]
        return math.floor(z + 0.5) if alike[1] else z

    def news(bits):
        z = (bits - mean[0]) / scale[0] if not math.isnan(bits) else 0.0
        return math.floor(z + 0.5) if alike[0] else z

    witnesses = [(units[first + i], chances[first + i], news(full[i][0])) for i in chosen]
    expected, limited = [], []
    for unit in fresh:
        expected.append(naive_values(model, before, unit, framed, window))
        own, novelty, _ = naive_rows(expected[-1:], mean, scale, alike)[0]
        limited.append(naive_signal(own, novelty, witnesses, learned, before, framed, window, standardised))
        before += pairs(unit, framed)
    packed = TextUnits.of(fresh)
    cuts = sorted({min(cut, len(fresh)) for cut in cuts} | {0, len(fresh)})
    parts = [signals.measure(packed[a:b]) for a, b in pairwise(cuts)]
    got = np.concatenate(parts)
    apart = ~(alike[None] & (np.abs((np.array(expected) - mean) / scale % 1 - 0.5) < 1e-2)).any(1)  # ties of rounding
    inside = [naive_values(model, [], unit, framed, window)[0] for unit in units]
    full_ones = [row[2] and not math.isnan(row[0]) for row in found]
    counted_in = full_ones if any(full_ones) else [not math.isnan(row[0]) for row in found]
    margin = 1e-3 + np.quantile([r[0] - own for r, own, yes in zip(found, inside, counted_in, strict=True) if yes], 0.9)
    wanted = np.stack([limited, naive_rows(expected, mean, scale, alike)[:, 2] - margin], 1)
    assert np.allclose(got[apart], wanted[apart], rtol=2e-4, atol=1e-3)
    bits = signals.bits(packed)
    assert np.allclose(bits, [0 if math.isnan(b) else b for b, _ in expected], rtol=1e-6, atol=1e-6)
    for unit, mean_bits in zip(fresh, bits, strict=True):
        per_byte = signals.byte_bits(unit)
        assert per_byte.dtype == np.float32
        assert per_byte.shape == (len(unit) + framed,)
        assert per_byte.sum() == pytest.approx(mean_bits * len(per_byte), rel=1e-5, abs=1e-5)


@settings(max_examples=60)
@given(units=st.lists(st.binary(max_size=90), max_size=30), window=st.integers(1, 70), framed=st.booleans())
def test_window_holds_the_newest(units, window, framed):
    kept, before = empty_window(window), []
    for unit in units:
        take_in(kept, np.frombuffer(unit, np.uint8), 0, len(unit), int(framed))
        before += pairs(unit, framed)
        newest = [256 * context + byte for context, byte in before[-window:]]
        assert pairs_of(kept).tolist() == newest
    again = empty_window(window)
    refill(again, pairs_of(kept))
    assert (again[8:776] == kept[8:776]).all()
    table = Counter(256 * context + byte for context, byte in before[-window:])
    assert _table(kept, window) == _table(again, window) == table


def _table(window, room):
    """Pairs and their counts."""
    table = window[776 + room :]
    return {int(pair): int(count) for pair, count in zip(table[::2], table[1::2], strict=True) if count}


def log_lines(n, seed=0):
    """Lines of about 80 bytes, of four kinds."""
    rng = random.Random(seed)
    words = ["cache", "index", "order", "payment", "queue", "replica", "session", "shard", "user", "worker"]
    made = []
    for _ in range(n):
        time = (
            f"2026-05-0{rng.randint(1, 9)}T{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
        )
        a, b = rng.choice(words), rng.randint(1, 9999)
        made.append(
            rng.choice(
                (
                    f"{time} INFO GET /api/v1/{a}/{b} from 10.0.3.{rng.randint(0, 255)} 200 {b % 97}ms",
                    f"{time} DEBUG {a} {rng.choice(words)} hit, id={rng.getrandbits(32):08x}, took {b % 300} ms",
                    f"{time} WARN slow query on {a}: {b} ms, rows={rng.randint(0, 1000)}",
                    f"{time} INFO worker-{b % 16} finished job {b} of {a} in {b / 1000:.2f} s",
                )
            ).encode()
        )
    return made


@pytest.fixture
def learned():
    signals = ByteSignals()
    signals.learn(TextUnits.of(log_lines(120)))
    return signals


def test_logarithm_of_products():
    for product in (1.0, 0.5, 0.7071067811865475, 0.7071067811865477, 2.0**-1022, 1 / 3, 1 - 2**-53, 1e-300):
        for times in (0, 3):
            assert bits_of.py_func(product, times) == pytest.approx(512 * times - math.log2(product), rel=4e-16)


def test_change_is_seen_and_no_change_is_not(learned):
    same = learned.measure(TextUnits.of(log_lines(300, seed=1)))
    new = learned.measure(
        TextUnits.of([b"panic: runtime error: invalid memory address or nil pointer dereference"] * 3)
    )
    assert np.median(same[:, 0]) < 1
    assert (new[:, 0] >= same[:, 0].max()).all()
    assert (new[:, 0] == new[0, 0]).all()  # the most that novelty can be
    simple = learned.measure(TextUnits.of([log_lines(1)[0]] * 3))
    assert simple[2, 1] > same[:, 1].max()


def test_memory_of_a_log(learned):
    assert len(b"".join(log_lines(120))) > 8000
    assert learned.nbytes < 125_000


def test_a_burst_of_what_the_reference_has_is_no_novelty():
    common = [b"GET /index.html 200", b"GET /news.html 200", b"PUT /cart/17 201"]
    rng = random.Random(0)
    reference = [rng.choice(common) if rng.random() < 0.9 else b"cron: backup of volume 7 done" for _ in range(400)]
    signals = ByteSignals(window=200)
    rows = signals.learn(TextUnits.of(reference))
    burst = signals.measure(TextUnits.of([b"cron: backup of volume 7 done"] * 6))[:, 0]
    new = signals.measure(TextUnits.of([b"segfault at 0000 ip 00007f sp"] * 6))[:, 0]
    assert burst.max() < new.min() == new.max() >= rows[:, 0].max()


@pytest.mark.parametrize("framed", [True, False])
def test_equal_units_are_no_change(framed):
    signals = ByteSignals(framed=framed)
    line = b"2026-05-01 INFO all is well, nothing to see here"
    rows = signals.learn(TextUnits.of([line] * 100))
    assert len(np.unique(rows, axis=0)) == 1
    same = signals.measure(TextUnits.of([line] * 200))
    assert (same == same[0]).all()
    assert (same[0] <= rows[0]).all()
    other = signals.measure(TextUnits.of([b"2026-05-01 WARN all is well, nothing to see here"]))
    assert other[0, 0] == rows[0, 0] + 0.5  # the most that novelty can be


def test_units_without_a_byte():
    signals = ByteSignals(window=8, framed=False)
    rows = signals.learn(TextUnits.of([b"abcab", b"", b"cabcacb", b"bcab", b"", b"cca"]))
    assert rows.shape == (3, 2)
    assert np.isfinite(rows).all()
    assert rows[1, 1] == pytest.approx(rows[[0, 2], 1].mean())
    assert np.isfinite(signals.measure(TextUnits.of([b""]))).all()
    assert signals.bits(TextUnits.of([b"", b"abc"]))[0] == 0
    assert signals.byte_bits(b"").shape == (0,)
    framed = ByteSignals(window=8)
    framed.learn(TextUnits.of([b"abcab", b"", b"cabcacb", b"bcab", b"", b"cca"]))
    assert framed.bits(TextUnits.of([b""]))[0] == pytest.approx(framed.byte_bits(b"")[0])
    assert framed.byte_bits(b"")[0] > 0


def test_short_reference_gives_few_rows():
    signals = ByteSignals()
    assert signals.learn(TextUnits.of([b"one", b"two"])).shape == (0, 2)
    assert np.isfinite(signals.measure(TextUnits.of([b"one", b"three"]))).all()
    signals = ByteSignals(framed=False)
    assert signals.learn(TextUnits.of([b""])).shape == (0, 2)
    assert signals.bits(TextUnits.of([b"ab"]))[0] == pytest.approx(8)


def test_lines_of_ten_megabytes(learned):
    long = (b"GET /api/v1/cache " * 600_000)[:10_000_000]
    units = [long, b"short"]
    expected = learned.byte_bits(long).mean(dtype=np.float64)
    assert learned.bits(TextUnits.of(units))[0] == pytest.approx(expected, rel=1e-6)
    once, tail = copy.deepcopy(learned), copy.deepcopy(learned)
    rows = once.measure(TextUnits.of(units))
    assert np.isfinite(rows).all()
    tail.measure(TextUnits.of([long[-3000:]]))  # whatever else was in the window is gone
    assert tail.measure(TextUnits.of([b"short"])).tolist() == rows[1:].tolist()


def test_large_reference():
    """More strings than the first table has room for."""
    rng = np.random.default_rng(0)
    units = [rng.integers(0, 256, 3000, np.uint8).tobytes() for _ in range(20)]
    signals = ByteSignals()
    rows = signals.learn(TextUnits.of(units))
    assert rows.shape == (19, 2)
    assert -rows[:, 1].mean() > 8  # chance, and what contexts seen once cost
    assert signals.bits(TextUnits.of(units)).mean() < 3


def test_units_of_any_buffer(learned):
    lines = log_lines(50, seed=3)
    data = np.frombuffer(b"<<" + b"\n".join(lines) + b">>", np.uint8)
    ends = np.cumsum([len(line) + 1 for line in lines]) + 1
    starts = ends - [len(line) for line in lines]
    expected = copy.deepcopy(learned).measure(TextUnits.of(lines))
    backwards = np.ascontiguousarray(data[::-1])[::-1]
    fixed = ends.copy()
    fixed.flags.writeable = False
    for units in (
        TextUnits(data, starts, ends),
        TextUnits(data.copy(), starts.astype(np.int32), fixed),
        TextUnits(backwards, np.repeat(starts, 2)[::2], ends),
    ):
        assert (copy.deepcopy(learned).measure(units) == expected).all()
    assert backwards.flags.writeable


def test_learning_keeps_no_hold_of_the_buffer():
    data = np.frombuffer(b"one two three four five six", np.uint8).copy()
    units = TextUnits(data, np.array([0, 8]), np.array([7, 13]))
    signals = ByteSignals(window=4)
    signals.learn(units)
    data[:] = 0
    assert list(signals.reference) == [b"one two", b"three"]
    assert signals.nbytes < 5000


@pytest.mark.parametrize("framed", [True, False])
def test_state_is_exact(framed):
    signals = ByteSignals(window=300, gap=70, framed=framed, order=3)
    signals.learn(TextUnits.of(log_lines(60)))
    signals.measure(TextUnits.of(log_lines(7, seed=5)))
    state = signals.state()
    kept = copy.deepcopy(state)
    after = TextUnits.of(log_lines(40, seed=6))
    again = ByteSignals()
    again.restore(state)
    assert (again.window, again.gap, again.framed, again.order) == (300, 70, framed, 3)
    copies = [again, copy.deepcopy(signals), pickle.loads(pickle.dumps(signals))]
    rows = signals.measure(after)
    for other in copies:
        assert (other.measure(after) == rows).all()
        assert (other.bits(after) == signals.bits(after)).all()
        np.testing.assert_equal(other.state(), signals.state())
        assert other.nbytes == signals.nbytes
    np.testing.assert_equal(state, kept)  # it shares no memory


def test_state_without_reference():
    again = ByteSignals()
    again.restore(ByteSignals(window=9, order=2).state())
    assert (again.window, again.order) == (9, 2)
    with pytest.raises(NotFittedError, match="learn"):
        again.measure(TextUnits.of([b"a"]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "VectorSignals"),
        (("window",), 0),
        (("window",), 100),  # fewer than the newest bytes
        (("window",), None),
        (("order",), 99),
        (("framed",), "yes"),
        (("gap",), 10**30),
        (("reference",), []),
        (("reference", "text"), b"abc"),
        (("reference", "text"), np.zeros(5, np.uint8)),
        (("reference", "ends"), np.zeros(0, np.int64)),
        (("reference", "ends"), np.array([-5, 10**9])),
        (("reference", "scales"), np.zeros((2, 3))),
        (("reference", "scales"), np.full((2, 3), np.nan)),
        (("reference", "scales"), np.ones((3, 3))),
        (("reference", "newest"), np.zeros(70_000, np.uint16)),
        (("reference", "newest"), np.zeros((2, 2), np.uint16)),
        (("reference", "newest"), None),
    ],
)
def test_states_that_are_refused(learned, path, value):
    state = learned.state()
    *way, last = path
    part = state
    for step in way:
        part = part[step]
    before = part[last]
    part[last] = value
    other = ByteSignals(window=77)
    with pytest.raises(ValueError, match=r"state|window|order|gap|framed"):
        other.restore(state)
    assert (other.window, other.state()["reference"]) == (77, None)
    part[last] = before
    del part[last]
    with pytest.raises(ValueError, match="ByteSignals"):
        other.restore(state)


@pytest.mark.parametrize("state", [None, [], {}, "state"])
def test_things_that_are_no_state(state):
    with pytest.raises(ValueError, match="state"):
        ByteSignals().restore(state)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"window": 0}, ValueError),
        ({"window": 65_536}, ValueError),
        ({"window": 10.0}, TypeError),
        ({"gap": -1}, ValueError),
        ({"order": 17}, ValueError),
        ({"order": True}, TypeError),
        ({"framed": 1}, TypeError),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(error, match=next(iter(arguments))):
        ByteSignals(**arguments)


def test_units_that_are_none(learned):
    for units in (np.zeros((3, 2)), [b"abc"], None):
        for method in (learned.learn, learned.measure, learned.bits):
            with pytest.raises(TypeError, match="TextUnits"):
                method(units)
    data = np.frombuffer(b"abcdef", np.uint8)
    for start, end in ((-1, 3), (4, 3), (4, 7)):
        units = TextUnits(data, np.array([0, start]), np.array([2, end]))
        for method in (learned.learn, learned.measure, learned.bits):
            with pytest.raises(ValueError, match="unit 1: the data have 6 bytes"):
                method(units)
    with pytest.raises(ValueError, match="shape"):
        learned.bits(TextUnits(data, np.array([0]), np.array([2, 3])))
    with pytest.raises(TypeError, match="uint8"):
        learned.bits(TextUnits(data.astype(np.int16), np.array([0]), np.array([2])))
    with pytest.raises(TypeError, match="float64"):
        learned.bits(TextUnits(data, np.array([0.0]), np.array([2])))
    with pytest.raises(ValueError, match="empty"):
        ByteSignals().learn(TextUnits.of([]))
    assert learned.measure(TextUnits.of([])).shape == (0, 2)
    assert learned.bits(TextUnits.of([])).shape == (0,)


def test_a_refused_reference_changes_nothing(learned):
    before = learned.state()
    with pytest.raises(ValueError, match="unit 0"):
        learned.learn(TextUnits(np.zeros(3, np.uint8), np.array([2]), np.array([9])))
    np.testing.assert_equal(learned.state(), before)


def test_objects_in_threads_of_their_own():
    units = [TextUnits.of(log_lines(2000, seed=seed)) for seed in range(4)]

    def rows_of(part):
        signals = ByteSignals()
        return np.concatenate([signals.learn(part[:150]), signals.measure(part[150:])])

    expected = [rows_of(part) for part in units]
    found = [None] * 4

    def work(i):
        found[i] = rows_of(units[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))
