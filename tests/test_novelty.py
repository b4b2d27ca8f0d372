"""Window novelty and depth scores against loops."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import ncd
from ncd.changepoint import split_units
from ncd.changepoint.novelty import depth_scores, novelty
from ncd.data import load_udhr
from ncd.distances import lengths

UDHR = load_udhr()


def lines_of(name, n):
    return UDHR.texts[UDHR.labels.index(name)].splitlines()[3 : 3 + n]


MIXED = "\n".join([*lines_of("English", 20), *lines_of("Finnish", 20), *lines_of("Welsh", 20)])


def naive_depth(x):
    result = []
    for i in range(len(x)):
        left = right = i
        while left > 0 and x[left - 1] <= x[left]:
            left -= 1
        while right < len(x) - 1 and x[right + 1] <= x[right]:
            right += 1
        result.append((x[i] - x[left]) + (x[i] - x[right]))
    return result


@given(st.lists(st.integers(0, 9), max_size=40))
def test_depth_goes_down_both_sides(values):
    assert depth_scores(values).tolist() == naive_depth(values)


def test_curve_is_the_distance_of_the_windows():
    units = split_units(MIXED, "lines")
    found = novelty(units, 4, compressor="zlib")
    n = len(units)
    for t in (1, 3, 17, 40, n - 1):
        before, after = units.between(max(0, t - 4), t), units.between(t, min(n, t + 4))
        coder = ncd.get_compressor("zlib")
        lx, ly, lxy = (coder.length(part) for part in (before, after, before + after))
        assert found.curve[t - 1] == pytest.approx(lengths.ncd(lx, ly, lxy))
    assert found.depth.tolist() == naive_depth(found.curve)


def test_changes_of_language_are_found():
    found = novelty(MIXED, 6, unit="lines", n_segments=3)
    assert found.cuts == [20, 40]
    assert found.ends == [20, 40, 60]
    assert found.offsets == [found.units.offsets[20], found.units.offsets[40]]
    assert found.cutoff is None
    free = novelty(MIXED, 6, unit="lines", min_size=5)
    assert {20, 40} <= set(free.cuts)
    assert free.cutoff == pytest.approx(free.depth.mean() - free.depth.std() / 2)
    assert np.diff([0, *free.ends]).min() >= 5
    assert novelty(MIXED, 6, unit="lines", cutoff=1e9).cuts == []


def test_any_distance():
    def vowels(a, b):
        return abs(sum(a.count(v) for v in b"aeiou") / len(a) - sum(b.count(v) for v in b"aeiou") / len(b))

    found = novelty(MIXED, 5, unit="lines", distance=vowels)
    assert found.distance == "vowels"
    assert found.curve[9] == vowels(found.units.between(5, 10), found.units.between(10, 15))
    assert novelty(MIXED, 5, unit="lines", metric=lengths.cdm).distance == "cdm (ppm:3)"


def test_result_speaks_for_itself():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = novelty(MIXED, 6, unit="lines", n_segments=3)
    assert repr(found).startswith("<Novelty: 2 cuts of 60 lines, ncd (ppm:3) of 6 before and after>\nunit     20  byte")
    record = found.to_dict()
    assert record["cuts"] == [20, 40]
    assert len(record["curve"]) == 59
    ax = found.plot()
    assert len(ax.lines) == 3
    pyplot.close(ax.figure)


def test_small_texts():
    one = novelty("A single sentence.")
    assert one.cuts == []
    assert one.curve.size == 0
    assert novelty("One. Two.", 3, min_size=1, n_segments=2).cuts == [1]
    assert novelty("a\n" * 30, 3, unit="lines", distance=lambda a, b: 0.0).cuts == []
    assert novelty(b"\xff\xfe \xfd" * 9, 3, unit="bytes", n_segments=3).ends[-1] == 36


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: novelty(""), ncd.EmptyTextError, "nothing to cut"),
        (lambda: novelty(MIXED, 0), ValueError, "window is 0"),
        (lambda: novelty(MIXED, 2.5), TypeError, "window is 2.5"),
        (lambda: novelty(MIXED, unit="pages"), ValueError, "unit is 'pages'"),
        (
            lambda: novelty("One. Two.", n_segments=3),
            ValueError,
            "n_segments is 3: with 2 sentences choose from 1 to 2",
        ),
        (lambda: novelty("One. Two.", n_segments=2), ValueError, "there is no room"),
        (lambda: novelty(MIXED, n_segments=2, cutoff=0.1), ValueError, "give one of them"),
        (lambda: novelty(MIXED, metric="ncdd"), ValueError, "ncd"),
        (lambda: novelty(MIXED, distance=3), TypeError, "distance is 3"),
        (lambda: novelty(MIXED, distance=lambda a, b: np.nan), ValueError, "must be finite"),
        (lambda: novelty(MIXED, distance=lambda a, b: None), TypeError, "returned is None"),
        (lambda: novelty(MIXED, cutoff="a"), TypeError, "cutoff is 'a'"),
        (lambda: novelty(MIXED, cutoff=np.nan), ValueError, "cutoff is nan"),
        (lambda: depth_scores("a"), TypeError, "curve is 'a'"),
        (lambda: depth_scores([1, np.inf]), ValueError, "finite"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_function_keeps_its_name_when_its_module_is_imported():
    import ncd.changepoint.novelty

    assert ncd.changepoint.novelty is novelty
