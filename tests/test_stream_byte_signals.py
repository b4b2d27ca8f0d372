"""Byte model and window of streams, against sums over plain dictionaries."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.exceptions import NotFittedError

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
    found, before = [], []
    for i, unit in enumerate(units):
        model = NaiveModel(order)
        for j, other in enumerate(units):
            in_window = j < i and ends[j] > starts[i] - window
            near = (j < i and ends[j] > starts[i] - gap) or (j > i and starts[j] < ends[i] + gap)
            if j != i and not in_window and not near:
                model.add(other, framed)
        found.append((*naive_values(model, before, unit, framed, window), starts[i] >= window))
        before += pairs(unit, framed)
    return found, before


def naive_rows(found, mean, scale, alike):
    rows = []
    for bits, gain in found:
        z = (np.where(np.isnan([bits, gain]), mean, [bits, gain]) - mean) / scale
        z = np.where(alike, np.floor(z + 0.5), z)
        rows.append((z[0] + 2 * z[1], -(mean[0] + scale[0] * z[0])))
    return np.array(rows).reshape(-1, 2)


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
    found, before = naive_learned(units, order, window, gap, framed)
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
    assert np.allclose(rows, naive_rows(full, mean, scale, alike), rtol=1e-6, atol=1e-6)

    model = NaiveModel(order)
    for unit in units:
        model.add(unit, framed)
    expected = []
    for unit in fresh:
        expected.append(naive_values(model, before, unit, framed, window))
        before += pairs(unit, framed)
    packed = TextUnits.of(fresh)
    cuts = sorted({min(cut, len(fresh)) for cut in cuts} | {0, len(fresh)})
    parts = [signals.measure(packed[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]
    got = np.concatenate(parts)
    apart = ~(alike[None] & (np.abs((np.array(expected) - mean) / scale % 1 - 0.5) < 1e-2)).any(1)  # ties of rounding
    assert np.allclose(got[apart], naive_rows(expected, mean, scale, alike)[apart], rtol=2e-4, atol=1e-3)
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
