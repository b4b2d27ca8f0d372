"""Calibrated costs: against their definition, and on texts whose parts are known."""

import naive_codelengths as naive
import numpy as np
import pytest
from support import make_text

import ncd
from ncd.changepoint import CalibratedCost, best_segmentation, split_units
from ncd.changepoint.costs import SegmentCost

TOPICS = [
    "Stars and planets turn around each other in the sky. ",
    "A telescope shows the moons of the large planets in the sky. ",
    "Bread needs flour, water, salt and yeast. ",
    "The dough of a bread rises with the yeast. ",
]
TEXT = "".join([TOPICS[i % 2] for i in range(8)] + [TOPICS[2 + i % 2] for i in range(6)])


def units_of(text, unit="sentences"):
    return split_units(text, unit)


@pytest.mark.parametrize("name", ["ppm:3", "zlib", "bz2", "ppm:1,alphabet=words", "ctw:2"])
def test_definition(name):
    units = units_of(make_text(1, 20) + ". É. " + make_text(2, 30) + ".\n" + TEXT[:300])
    cost = CalibratedCost(name, shuffles=2, starts=3, random_state=5).fit(units)
    compressor, n = ncd.get_compressor(name), len(units)
    pairs = [(0, 1), (0, n), (1, 2), (n - 1, n), (2, 4)]
    expected = [naive.calibrated(compressor, units[:], s, e, 2, 3, 5) for s, e in pairs]
    # The curve is kept at places between which it is linear.
    tolerance = 0.03 * naive.bits(compressor, units.text)
    assert cost.evaluate(*np.array(pairs).T) == pytest.approx(expected, abs=tolerance)
    for (start, stop), value in zip(pairs, cost.evaluate(*np.array(pairs).T), strict=True):
        assert cost.growing(start, stop)[-1] == value


def test_ordinary_is_exact_where_the_curve_is_kept():
    units = units_of(TEXT)
    cost = CalibratedCost("ppm:2", shuffles=3, starts=2, random_state=1).fit(units)
    size = len(units.text)
    expected = naive.ordinary(ncd.get_compressor("ppm:2"), units[:], size, 3, 2, 1)
    assert cost.ordinary([0, size]).tolist() == pytest.approx([0, expected])


def test_does_not_depend_on_what_was_asked_before():
    units = units_of(make_text(1, 3000).replace(" the ", ". The "))
    assert len(units.text) > 1 << 13
    one, other = CalibratedCost("ppm:1").fit(units), CalibratedCost("ppm:1").fit(units)
    sizes = np.array([10, 700, 3000, len(units.text)])
    step_by_step = np.concatenate([one.ordinary(sizes[i : i + 1]) for i in range(4)])
    assert (step_by_step == other.ordinary(sizes)).all()


@pytest.mark.parametrize("compressor", ["ppm:3", "zlib", "ngram:4", ["ppm:3", "zlib"], ncd.get_compressor("ctw:3")])
def test_finds_the_change(compressor):
    units = units_of(TEXT)
    cost = CalibratedCost(compressor).fit(units)
    assert isinstance(cost, SegmentCost)
    assert int(cost.gains(0, len(units)).argmax()) + 1 == 8


def test_gains_are_the_costs_differences():
    units = units_of(TEXT)
    cost = CalibratedCost("zlib").fit(units)
    whole, gains = cost.growing(1, 9)[-1], cost.gains(1, 9)
    assert gains.shape == (7,)
    for i, cut in enumerate(range(2, 9)):
        assert gains[i] == pytest.approx(whole - cost.growing(1, cut)[-1] - cost.growing(cut, 9)[-1])


def test_several_compressors():
    units = units_of(TEXT)
    parts = [CalibratedCost(name).fit(units).growing(2, 9) for name in ("ppm:3", "gzip:6")]
    both = CalibratedCost(["ppm:3", "gzip:6"]).fit(units)
    assert both.name == "ppm:3+gzip:6"
    assert both.growing(2, 9) == pytest.approx(np.mean(parts, axis=0))


def test_one_unit():
    units = units_of("Only one.")
    assert CalibratedCost("ppm:3").fit(units).growing(0, 1) == pytest.approx([0.0])


def test_bytes_that_are_not_text():
    units = units_of(bytes(range(256)) * 2, "bytes")
    assert np.isfinite(CalibratedCost("ppm:1", shuffles=1, starts=1).fit(units).growing(250, 300)).all()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: CalibratedCost("zlip"), ValueError, "zlip"),
        (lambda: CalibratedCost([]), ValueError, "compressor is empty"),
        (lambda: CalibratedCost(shuffles=0), ValueError, "shuffles is 0"),
        (lambda: CalibratedCost(starts=1.5), TypeError, "starts is 1.5"),
        (lambda: CalibratedCost().fit(split_units("")), ValueError, "nothing to cut"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


def languages(size, unit):
    """A text that is English up to the middle, then French."""
    texts = dict(zip(ncd.data.load_udhr().labels, ncd.data.load_udhr().texts, strict=True))
    first, second = (texts[name].encode()[500 : 500 + size] for name in ("English", "French"))
    return units_of(first + second, unit)


def test_tiny_units_are_shuffled_in_runs():
    """Single bytes in random order are no reference: against them every segment has much in common."""
    units = languages(1000, "bytes")
    for name in ("zlib", "ppm:3"):
        cost = CalibratedCost(name, shuffles=4, starts=4).fit(units)
        cuts = np.arange(10, len(units), 10)
        start, stop = np.zeros_like(cuts), np.full_like(cuts, len(units))
        best = cuts[(cost.evaluate(start, cuts) + cost.evaluate(cuts, stop)).argmin()]
        assert abs(best - 1000) <= 20
        coded = 8 if name == "zlib" else 1
        own = np.array([coded * ncd.get_compressor(name).length(units.text[i : i + 100]) for i in range(0, 1900, 100)])
        assert abs((own - cost.ordinary([100])).mean()) < 0.06 * own.mean()


def test_work_for_many_units_is_bounded(monkeypatch):
    """Code lengths are asked for at about a thousand places of a curve and every hundred bytes of a search."""
    units = languages(8_000, "bytes")
    asked = []
    lengths = CalibratedCost._lengths

    def counted(self, text, ends, start):
        asked.append(len(ends))
        return lengths(self, text, ends, start)

    monkeypatch.setattr(CalibratedCost, "_lengths", counted)
    cost = CalibratedCost("zlib", shuffles=2, starts=2).fit(units)
    cost.ordinary([len(units)])
    assert sum(asked) < 4 * 1100
    asked.clear()
    found = best_segmentation(cost, 2)
    assert found.method == "candidates"
    assert abs(found.bounds[1] - 8_000) < 100
    assert max(asked) < 500
    assert sum(asked) < 5_000


def test_curve_of_many_units_is_that_of_all_places():
    units = units_of("\n".join(make_text(i, 5) for i in range(2100)), "lines")
    assert len(units) > 2048
    cost = CalibratedCost("ppm:1", shuffles=1, starts=1, random_state=3).fit(units)
    order = np.random.default_rng(3).permutation(len(units))
    shuffled = b"".join(units[int(i)] for i in order)
    sizes = np.array([1, 2, 16, 32, 1000, 20_000, len(shuffled) - 1, len(shuffled)])
    expected = ncd.get_compressor("ppm:1").prefix_lengths(shuffled, sizes)
    assert cost.ordinary(sizes) == pytest.approx(expected, rel=0.002, abs=1)
