"""Distances against their formulas, and what must hold of them."""

import math

import naive
import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.distances import lengths as distances
from ncd.distances.lengths import METRICS, get_metric

POSITIVE = st.integers(1, 10**9)
ANY = st.integers(0, 10**9)


@st.composite
def ideal_lengths(draw):
    """L(x), L(y), L(xy) of a compressor that keeps its promises: max(x, y) <= xy <= x + y."""
    x, y = draw(POSITIVE), draw(POSITIVE)
    return x, y, draw(st.integers(max(x, y), x + y))


@pytest.fixture(params=METRICS)
def metric(request):
    return request.param


def test_the_oracle_knows_every_metric():
    assert METRICS.keys() == naive.METRICS.keys()
    assert set(METRICS) < set(distances.__all__)


@pytest.mark.parametrize("metric", METRICS)
@given(lengths=st.tuples(ANY, ANY, ANY))
def test_formula(metric, lengths):
    found, expected = METRICS[metric][0](*lengths), naive.METRICS[metric](*lengths)
    if metric == "savings":  # the logarithm's last bit is the library's own
        assert math.isclose(found, expected, rel_tol=4e-16, abs_tol=0)
    else:
        assert float(found) == expected


@pytest.mark.parametrize("metric", METRICS)
@given(lengths=st.tuples(*[st.just(0.0) | st.floats(1e-3, 1e9)] * 3))
def test_formula_for_fractions(metric, lengths):
    found, expected = float(METRICS[metric][0](*lengths)), naive.METRICS[metric](*lengths)
    if metric == "savings":
        assert math.isclose(found, expected, rel_tol=4e-16, abs_tol=0)
    else:
        assert found == expected or (math.isnan(found) and math.isnan(expected))


RANGES = {
    "ncd": (0, 1),
    "ncd_conditional": (0, 1),
    "cdm": (0.5, 1),
    "clm": (0, 1),
    "cosine": (0, 1),
    "savings": (-math.inf, 0),
    "nrc": (0, 1),
}


@pytest.mark.parametrize(("metric", "bounds"), RANGES.items())
@given(lengths=ideal_lengths())
def test_range(metric, bounds, lengths):
    value = METRICS[metric][0](*lengths)
    assert bounds[0] <= value <= bounds[1] + 1e-15


@pytest.mark.parametrize("metric", METRICS)
@given(lengths=ideal_lengths(), more=st.integers(1, 1000))
def test_more_in_common_is_nearer(metric, lengths, more):
    x, y, xy = lengths
    assert METRICS[metric][0](x, y, xy) < METRICS[metric][0](x, y, xy + more)


@pytest.mark.parametrize("metric", [name for name, (_, symmetric) in METRICS.items() if symmetric])
@given(lengths=ideal_lengths())
def test_symmetric(metric, lengths):
    x, y, xy = lengths
    assert METRICS[metric][0](x, y, xy) == METRICS[metric][0](y, x, xy)


@pytest.mark.parametrize("metric", [name for name, (_, symmetric) in METRICS.items() if not symmetric])
def test_not_symmetric(metric):
    assert METRICS[metric][0](100, 50, 120) != METRICS[metric][0](50, 100, 120)


@pytest.mark.parametrize(
    ("metric", "equal", "apart"),
    [("ncd", 0, 1), ("ncd_conditional", 0, 1), ("cdm", 0.5, 1), ("clm", 0, 1), ("cosine", 0, 1), ("nrc", 0, 1)],
)
def test_ends_of_the_range(metric, equal, apart):
    assert METRICS[metric][0](100, 100, 100) == equal
    assert METRICS[metric][0](100, 100, 200) == apart


def test_savings():
    assert distances.savings(100, math.e**2, 100 + math.e**2 - 8) == pytest.approx(-4, rel=1e-15)
    assert distances.savings(10, 1, 5) == -6 / math.log(2)  # L(y) counts as 2
    assert distances.savings(10, 0, 5) == -5 / math.log(2)


def test_broadcasting(metric):
    function = METRICS[metric][0]
    lx, ly = np.array([[10], [20], [30]]), np.array([[15, 25]])
    lxy = np.arange(20, 26).reshape(3, 2)
    found = function(lx, ly, lxy)
    assert found.shape == (3, 2)
    assert found.dtype == np.float64
    for i in range(3):
        for j in range(2):
            assert found[i, j] == pytest.approx(naive.METRICS[metric](lx[i, 0], ly[0, j], lxy[i, j]), rel=4e-16, abs=0)
    assert function(10, 20, [25, 26]).shape == (2,)
    assert function([], [], []).shape == (0,)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, np.float32, np.float64])
def test_always_float64(metric, dtype):
    lengths = [np.array([value], dtype) for value in (100, 120, 124)]
    found = METRICS[metric][0](*lengths)
    assert found.dtype == np.float64
    assert found[0] == pytest.approx(naive.METRICS[metric](100, 120, 124), rel=4e-16)  # uint8 would overflow
    scalar = METRICS[metric][0](100, 120, 124)
    assert scalar == found[0]
    assert np.ndim(scalar) == 0


def test_arguments_are_left_alone(metric):
    lengths = [np.array([10.0, 0.0]), np.array([12.0, 0.0]), np.array([15.0, 0.0])]
    before = [array.copy() for array in lengths]
    METRICS[metric][0](*lengths)
    assert all(np.array_equal(a, b) for a, b in zip(lengths, before, strict=True))


@pytest.mark.parametrize("metric", ["ncd", "ncd_conditional", "cdm", "nrc", "savings"])
def test_nothing_over_nothing_is_zero(metric):
    assert METRICS[metric][0](0, 0, 0) == 0


@pytest.mark.parametrize("metric", ["ncd", "ncd_conditional", "cdm", "nrc"])
def test_something_over_nothing_is_infinite(metric):
    assert METRICS[metric][0](0, 0, 5) == np.inf


def test_negative_over_nothing():
    assert distances.nrc(5, 0, 3) == -np.inf


# names


def test_get_metric():
    for name, (function, _) in METRICS.items():
        assert get_metric(name) is function
        assert get_metric(function) is function
    assert get_metric(max) is max


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("ncdd", r"not known; did you mean 'ncd'\? Choose from"),
        ("cosin", "did you mean 'cosine'"),
        ("COSINE", "did you mean 'cosine'"),
        ("zzz", "is not known; choose from ncd,"),
    ],
)
def test_unknown_metric(wrong, near):
    with pytest.raises(ValueError, match=near) as caught:
        get_metric(wrong)
    assert all(name in str(caught.value) for name in METRICS)


@pytest.mark.parametrize("wrong", [None, 3, ["ncd"]])
def test_metric_of_the_wrong_kind(wrong):
    with pytest.raises(TypeError, match=r"metric is .*: give a name or a function"):
        get_metric(wrong)
