"""The report's experiment: the same steps done by hand, and what it says of itself."""

import gzip
import json

import numpy as np
import pytest

import ncd
from ncd.changepoint import list_estimator, report_experiment, verify
from ncd.data import load_udhr

UDHR = load_udhr()
TEXT = "".join(UDHR.texts[UDHR.labels.index(name)][:900] for name in ("English", "Finnish"))


def test_it_is_the_recipe():
    found = report_experiment(TEXT)
    stream = np.frombuffer(gzip.compress(TEXT.encode(), 9), np.uint8)[10:-15]
    assert found.n_stream == len(stream)
    by_hand = list_estimator(stream, 0.5, method="distributional", weights="pychest", cells="raw")
    assert found.candidates.positions == by_hand.positions
    assert found.position == by_hand[0].position
    assert [step.size for step in found.verification.steps] == [100, 80, 50, 20, 10]
    low, high = found.bracket
    lengths = [len(gzip.compress(TEXT.encode()[:end], 9)) - 25 for end in (low, high)]
    assert lengths[0] <= found.position < lengths[1]
    assert found.middle == (low + high) / 2


def test_it_says_that_it_is_at_chance():
    found = report_experiment(TEXT)
    assert "at chance" in repr(found)
    assert "at chance" in found.to_dict()["note"]
    assert "at chance" in " ".join(report_experiment.__doc__.split())
    json.dumps(found.to_dict())


def test_its_parts_can_be_exchanged():
    found = report_experiment(
        TEXT, compressor="xz", strip="auto", min_distance=0.2, steps=(30, 3), unit="chars", method="ctw", codes=()
    )
    assert found.verification.compressor == "xz:6"
    assert [step.size for step in found.verification.steps] == [30, 3]
    assert len(found.verification.gains) == 1


def test_plot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    ax = report_experiment(TEXT).plot()
    assert len(ax.patches) == 1
    pyplot.close(ax.figure)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: report_experiment(""), ValueError, "has 20 bytes"),
        (lambda: report_experiment("", strip=(10, 10)), ValueError, "nothing is left"),
        (lambda: report_experiment("abc"), ValueError, "has 23 bytes"),
        (lambda: report_experiment("abcdefg"), ValueError, "has 2 bytes, in which no changepoint was looked for"),
        (lambda: report_experiment(TEXT, min_distance=0.7), ValueError, "min_distance"),
        (lambda: report_experiment(TEXT, method="best"), ValueError, "method"),
        (lambda: report_experiment(TEXT, unit="pages"), ValueError, "unit is 'pages'"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_noise_and_constants_do_not_abort():
    noise = np.random.default_rng(0).integers(0, 256, 2000, dtype=np.uint8).tobytes()
    assert 0 < report_experiment(noise, unit="bytes").position < 2000
    same = report_experiment(b"a" * 5_000_000, unit="bytes", codes=(), shuffles=2, steps=(10_000,))
    assert same.bracket[1] <= 5_000_000
    assert isinstance(ncd.changepoint.report_experiment(TEXT.encode()).position, int)


def test_options_of_the_evidence_are_those_of_verify():
    found = report_experiment(TEXT, codes=("zlib",), shuffles=4, tolerance=0.2, alpha=0.5, random_state=3)
    again = verify(TEXT, found.position, "gzip", codes=("zlib",), shuffles=4, tolerance=0.2, alpha=0.5, random_state=3)
    assert found.verification.to_dict() == again.to_dict()
    for option in ({"counted": "text"}, {"within": (0, 9)}):
        with pytest.raises(TypeError, match="unexpected keyword"):
            report_experiment(TEXT, **option)
