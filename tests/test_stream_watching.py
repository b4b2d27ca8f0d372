"""Units of a stream in any pieces: blocks that are joined, units that are long, gaps that are wide."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest

from ncd.streams import StreamDetector
from ncd.streams.base import TextUnits
from ncd.streams.edetector import EDetector
from ncd.streams.learning import learn, text_signals
from ncd.streams.watching import Watch

pytestmark = pytest.mark.filterwarnings("ignore::ncd.exceptions.DependenceWarning")


def pages(n: int, *, seed: int = 0, size: int = 3_000) -> bytes:
    """Pages one after another, each in words of its own."""
    rng = random.Random(seed)
    made = []
    for _ in range(n):
        words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(12)]
        made.append(" ".join(rng.choices(words, k=size // 7)))
    return "\n".join(made).encode()


def joining(data: bytes, chunk: int) -> StreamDetector:
    """A detector of bytes that has taken the data in chunks."""
    detector = StreamDetector(unit="bytes", gap=0, arl=1_000)
    for i in range(0, len(data), chunk):
        detector.feed(data[i : i + chunk])
    return detector


def test_joined_blocks_in_any_chunks():
    data = pages(60)
    whole = joining(data, 10**9)
    assert whole.block_size == 512
    assert whole.n_changes
    for chunk in (100, 256 * 100, 256 * 101, 30_000):
        parts = joining(data, chunk)
        assert (parts.n_units, parts.n_bytes) == (whole.n_units, whole.n_bytes)
        assert parts.changes == whole.changes
        assert parts.statistic == whole.statistic
    assert whole.n_bytes == whole.n_units * 512


def test_the_gap_of_joined_blocks_that_are_learned_again():
    asked: list[int] = []

    class Observer(StreamDetector):
        def _gap(self, units, times):
            asked.append(times)
            return super()._gap(units, times)

    detector = Observer(unit="bytes", gap=0, arl=1_000)
    detector.feed(pages(60))
    assert detector.block_size == 512
    first = asked.index(2, 1)
    assert detector.n_changes > 1
    assert set(asked[first:]) - {3} == {2}


def test_a_reference_that_lacked_units_is_learned_again_from_as_few():
    rng = random.Random(0)
    detector = StreamDetector(reference=45, window=1_000)  # units that fill the window make no rows
    detector.update_many([f"{rng.random()} of {rng.random()}" for _ in range(300)])
    assert not detector.is_learning
    assert detector._watch is not None
    assert detector._watch._more == 0


def test_long_units(monkeypatch):
    monkeypatch.setattr("ncd.streams.watching._LEARNED", 1_000)
    monkeypatch.setattr("ncd.streams.watching._RECENT_BYTES", 60_000)
    rng = np.random.default_rng(0)
    units = [rng.integers(97, 105, 3_000, dtype=np.uint8).tobytes() for _ in range(150)]
    detector = StreamDetector(reference=100, relearn=False, arl=1e9)
    for unit in units[:99]:
        detector.update(unit)
    assert detector.nbytes < 99 * 1_040
    detector.update_many(units[99:])
    assert detector.n_units == 150
    assert detector.n_bytes == 150 * 3_000
    watch = detector._watch
    assert watch is not None
    assert watch.learned is not None
    assert list(watch.learned.signals.reference) == [unit[:1_000] for unit in units[:100]]
    assert list(watch._recent) == units[-20:]
    restored = Watch(watch.plan)
    restored.restore(watch.state())
    assert restored._recent_bytes == watch._recent_bytes == 60_000
    given = StreamDetector(reference=units[:100], relearn=False)
    given.update(units[100])
    assert given._watch is not None
    assert list(given._watch.learned.signals.reference) == [unit[:1_000] for unit in units[:100]]


def test_a_unit_that_is_longer_than_all_that_is_kept():
    detector = StreamDetector(reference=[f"line {i * i % 97} of a calm stream" for i in range(200)], arl=1e12)
    detector.update("x" * (5 << 20))
    watch = detector._watch
    assert watch is not None
    assert list(map(len, watch._recent)) == [5 << 20]
    detector.update("short")
    assert list(map(len, watch._recent)) == [5]


def test_a_gap_is_an_eighth_of_the_reference_at_most():
    rng = random.Random(0)
    lines = [f"{rng.choice(['GET', 'PUT'])} /{rng.randrange(99)} from {rng.randrange(99)}" for _ in range(600)]
    size = sum(map(len, lines[:200])) // 8
    detector = StreamDetector(reference=lines[:200], gap=10**9, arl=1_000)
    with pytest.warns(UserWarning, match=rf"gap is 1,000,000,000 bytes.*choose gap={size} or less"):
        detector.update(lines[200])
    assert detector.update_many(lines[201:]) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        same = StreamDetector(reference=lines[:200], gap=size, arl=1_000)
        same.update_many(lines[200:])
    assert same.statistic == detector.statistic


def test_blocks_of_units_count_for_the_gap():
    asked: list[int] = []

    def gap(units: TextUnits, times: int) -> tuple[int, float]:
        asked.append(times)
        return 0, 0.0

    learn(
        [b"%d of %d" % (i, i * i % 7) for i in range(400)],
        lambda gap: text_signals("ngram", window=256, gap=gap, framed=False),
        lambda signals: EDetector(signals.weights),
        gap,
        may_join=False,
        joined=3,
    )
    assert asked == [3]
