"""Costs for ruptures: its own searches find the cuts, and give what an exhaustive search gives."""

from itertools import combinations

import numpy as np
import pytest
import ruptures as rpt
from ruptures.base import BaseCost
from ruptures.costs import NotEnoughPoints

import ncd
from ncd.changepoint import CalibratedCost, CodeLengthCost, WordCost, split_units
from ncd.data import load_udhr
from ncd.exceptions import EmptyTextError

UDHR = dict(zip(load_udhr().labels, load_udhr().texts, strict=True))
LINES = UDHR["English"].split("\n")[2:12] + UDHR["Swahili"].split("\n")[12:20] + UDHR["Welsh"].split("\n")[20:29]
TRUTH = [10, 18, 27]
SIGNAL = CodeLengthCost.as_signal(LINES)


def total(cost, cuts):
    """Cost of a segmentation."""
    return sum(cost.error(a, b) for a, b in zip([0, *cuts[:-1]], cuts, strict=True))


@pytest.mark.parametrize("compressor", ["zstd", "ppm:3", "zlib"])
@pytest.mark.parametrize(
    "search",
    [
        lambda cost: rpt.Dynp(custom_cost=cost, jump=1),
        lambda cost: rpt.Binseg(custom_cost=cost, jump=1),
    ],
)
def test_known_number(search, compressor):
    cost = CodeLengthCost(compressor)
    assert isinstance(cost, BaseCost)
    assert search(cost).fit(SIGNAL).predict(n_bkps=2) == TRUTH


def test_bottom_up():
    """It merges for good: a line may go to the wrong side before that has a subject."""
    found = rpt.BottomUp(custom_cost=CodeLengthCost("ppm:3"), jump=1).fit(SIGNAL).predict(n_bkps=2)
    assert np.abs(np.subtract(found, TRUTH)).max() <= 1


def test_pelt():
    assert rpt.Pelt(custom_cost=CodeLengthCost("ppm:3"), jump=1, min_size=2).fit(SIGNAL).predict(pen=40) == TRUTH


def test_window():
    found = rpt.Window(width=8, custom_cost=CodeLengthCost("ppm:3"), jump=1).fit(SIGNAL).predict(n_bkps=2)
    assert found == TRUTH


@pytest.mark.parametrize("n_bkps", [1, 2])
def test_dynp_is_the_best_of_all(n_bkps):
    lines = CodeLengthCost.as_signal(LINES[5:16])
    cost = CodeLengthCost("zlib")
    found = rpt.Dynp(custom_cost=cost, jump=1, min_size=1).fit(lines).predict(n_bkps)
    every = [[*cuts, 11] for cuts in combinations(range(1, 11), n_bkps)]
    best = min(every, key=lambda cuts: total(cost, cuts))
    assert total(cost, found) == pytest.approx(total(cost, best))


def test_errors_are_the_calibrated_costs_in_any_order():
    cost = CodeLengthCost("ppm:2").fit(SIGNAL)
    units = split_units("\n".join(LINES), "lines")
    expected = CalibratedCost("ppm:2").fit(units)
    pairs = [(s, e) for s in range(len(LINES)) for e in range(s + 1, len(LINES) + 1)]
    for at in np.random.default_rng(0).permutation(len(pairs)):
        start, end = pairs[at]
        assert cost.error(start, end) == pytest.approx(expected.growing(start, end)[-1])


def test_plain_code_length():
    cost = CodeLengthCost("xz", calibrated=False).fit(SIGNAL)
    text = "".join(line + "\n" for line in LINES[3:8])
    assert cost.error(3, 8) == 8 * ncd.get_compressor("xz").length(text)


def test_any_cost_of_segments():
    cost = CodeLengthCost(WordCost())
    assert rpt.Dynp(custom_cost=cost, jump=1).fit(SIGNAL).predict(n_bkps=2) == TRUTH
    expected = WordCost().fit(split_units("\n".join(LINES), "lines"))
    assert cost.error(4, 20) == pytest.approx(expected.growing(4, 20)[-1])
    assert "words" in repr(cost)


@pytest.mark.parametrize(
    "made", [lambda t: t, np.array, lambda t: split_units("\n".join(t), "lines"), lambda t: SIGNAL[:, None]]
)
def test_signals_of_texts(made):
    cost, expected = CodeLengthCost("ppm:1").fit(made(LINES)), CodeLengthCost("ppm:1").fit(SIGNAL)
    assert cost.signal.shape[0] == len(LINES)
    assert cost.error(2, 9) == expected.error(2, 9)


def test_numbers():
    rng = np.random.default_rng(0)
    walk = np.concatenate([rng.normal(0, 1, (150, 2)), rng.normal(4, 1, (150, 2))])
    cost = CodeLengthCost("dirichlet")
    found = rpt.Binseg(custom_cost=cost, jump=1).fit(walk).predict(n_bkps=1)
    assert abs(found[0] - 150) <= 5
    bits = rng.integers(0, 2, 300).astype(np.uint8) * (np.arange(300) >= 100)
    found = rpt.Binseg(custom_cost=CodeLengthCost("kt"), jump=1).fit(bits.astype(np.uint8)).predict(n_bkps=1)
    assert abs(found[0] - 100) <= 5


def test_bytes_are_taken_as_they_are():
    signal = np.frombuffer(b"abababcdcdcd", np.uint8)
    cost = CodeLengthCost("ppm:1", calibrated=False).fit(signal)
    assert cost.error(2, 9) == ncd.get_compressor("ppm:1").length(b"ababcdc")


def test_separator():
    plain = CodeLengthCost("ppm:1", calibrated=False, separator="").fit(["ab", "cd ", "ef"])
    assert plain.error(0, 3) == ncd.get_compressor("ppm:1").length("abcd ef")
    lines = CodeLengthCost("ppm:1", calibrated=False).fit(["ab", "cd ", "ef"])
    assert lines.error(0, 3) == ncd.get_compressor("ppm:1").length("ab\ncd ef")


def test_min_size():
    cost = CodeLengthCost("ppm:1", min_size=3).fit(SIGNAL)
    with pytest.raises(NotEnoughPoints):
        cost.error(4, 6)
    found = rpt.Dynp(custom_cost=cost, jump=1, min_size=1).fit(SIGNAL).predict(n_bkps=3)
    assert np.diff([0, *found]).min() >= 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: CodeLengthCost("zlip"), ValueError, "zlip"),
        (lambda: CodeLengthCost("zlib", min_size=0), ValueError, "min_size is 0"),
        (lambda: CodeLengthCost("zlib").fit([]), EmptyTextError, "empty"),
        (lambda: CodeLengthCost("zlib").fit("one text"), TypeError, "single text"),
        (lambda: CodeLengthCost("zlib").fit(np.array([1.0, np.nan])), ValueError, "nan"),
        (lambda: CodeLengthCost("zlib").fit(np.array([["a", "b"]])), TypeError, "one column"),
        (lambda: CodeLengthCost("zlib").fit(["a", None]), TypeError, "missing"),
        (lambda: CodeLengthCost("zlib").fit(SIGNAL).error(5, 99), ValueError, "end is 99: with 27 units"),
        (lambda: CodeLengthCost("zlib").fit(SIGNAL).error(5, 2), ValueError, "end is 2"),
        (lambda: CodeLengthCost("zlib").fit(SIGNAL).error(-1, 2), ValueError, "start is -1"),
        (lambda: CodeLengthCost("zlib").fit(SIGNAL).error(0.5, 3.9), TypeError, "start is 0.5"),
        (lambda: CodeLengthCost("zlib").error(0, 2), ValueError, r"call fit\(signal\) first"),
        (lambda: CodeLengthCost("zlib").fit(None), TypeError, "texts is None"),
        (lambda: CodeLengthCost("zlib").fit([1, 2, 3]), TypeError, "an array of numbers as the signal"),
    ],
)
def test_bad_arguments(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_memory_is_bounded_and_answers_stay(monkeypatch):
    monkeypatch.setattr("ncd.changepoint.rupture._MOST_BYTES", 600)
    bounded, usual = (CodeLengthCost("zlib").fit(SIGNAL) for _ in range(2))
    monkeypatch.undo()
    n = len(SIGNAL)
    pairs = [(a, b) for b in range(n, 0, -1) for a in range(b)]
    free = [usual.error(a, b) for a, b in pairs]
    assert len(usual._rows) == n - 3
    monkeypatch.setattr("ncd.changepoint.rupture._MOST_BYTES", 600)
    assert [bounded.error(a, b) for a, b in pairs] == pytest.approx(free, rel=1e-12)
    assert 0 < sum(row.nbytes for row in bounded._rows.values()) <= 600


def test_ruptures_is_imported_when_it_is_used(python):
    before = "import sys, ncd.changepoint as c; c.split_units; assert 'ruptures' not in sys.modules"
    process = python(f"{before}; c.CodeLengthCost; assert 'ruptures' in sys.modules")
    assert process.wait() == 0, process.stderr.read()
