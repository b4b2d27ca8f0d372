"""StreamDetector: what it takes, what it finds, how it goes on, and what it refuses."""

from __future__ import annotations

import copy
import math
import random
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

import ncd
from ncd.exceptions import DependenceWarning
from ncd.streams import CheckpointError, StreamDetector, TextUnits
from ncd.streams.splitting import UnitSplitter

# A reference that is learned anew may have units from both sides of a change.
pytestmark = pytest.mark.filterwarnings("ignore::ncd.exceptions.DependenceWarning")

UNIFORM = np.random.default_rng(0).random((110, 2))
CALM = ["GET /index.html 200", "GET /news.html 200", "GET /help.html 404", "POST /login 302", "GET /image.png 304"]


def calm(n: int, seed: int = 0) -> list[str]:
    """Lines of an unchanged stream."""
    rng = random.Random(seed)
    return [f"{rng.choice(CALM)} {rng.randrange(900)} bytes to client {rng.randrange(40)}" for _ in range(n)]


def storm(n: int, seed: int = 0) -> list[str]:
    """Lines of something else."""
    rng = random.Random(seed)
    return [f"worker {rng.randrange(90)} killed: out of memory" for _ in range(n)]


@pytest.fixture(scope="module")
def found() -> tuple[StreamDetector, ncd.streams.StreamChange]:
    detector = StreamDetector(arl=10_000)
    changes = detector.update_many(calm(800) + storm(30))
    assert len(changes) == 1
    return detector, changes[0]


class TestFinding:
    def test_change(self, found):
        detector, change = found
        assert change.start == 800
        assert change.interval[0] <= 800 <= change.interval[1]
        assert 800 < change.unit <= 806
        assert change.statistic >= change.threshold == 10_000
        assert change.bits_after > change.bits_before + 1
        assert change.first == storm(1)[0]
        assert "out of memory" in change.novel[0].shown
        assert detector.drift_detected
        assert detector.n_changes == 1
        assert detector.last_change == change == detector.changes[-1]

    def test_learns_anew_and_finds_the_way_back(self):
        detector = StreamDetector(arl=1_000, reference=60)
        changes = detector.update_many(calm(400) + storm(400) + calm(400, 1))
        assert len(changes) == 2
        for change, place in zip(changes, (400, 800), strict=True):
            assert abs(change.start - place) <= 2
        assert not detector.is_learning or detector.learned < 1

    def test_a_simpler_stream_is_a_change(self):
        rng = random.Random(3)
        words = [bytes(rng.choices(b"abcdefghijklmnop", k=8)).decode() for _ in range(300)]
        text = [" ".join(rng.choices(words, k=12)) for _ in range(500)]
        changes = StreamDetector(arl=10_000).update_many([*text, *[text[0]] * 60])
        assert len(changes) == 1
        assert abs(changes[0].start - 500) <= 10

    def test_kept_reference_alarms_again(self):
        detector = StreamDetector(reference=calm(300), relearn=False, arl=100_000)
        changes = detector.update_many(calm(200, 1) + storm(60))
        assert len(changes) > 3
        assert all(change.start >= 199 for change in changes)
        assert detector.update_many(calm(300, 2)) == []

    def test_numbers(self):
        rng = np.random.default_rng(0)
        values = np.concatenate([rng.normal(size=600), rng.normal(4, size=60)])
        changes = StreamDetector(arl=1_000).update_many(values)
        assert len(changes) == 1
        assert abs(changes[0].start - 600) <= 3
        assert changes[0].novel == ()
        assert changes[0].first is None

    def test_vectors(self):
        rng = np.random.default_rng(1)
        values = np.concatenate([rng.normal(size=(600, 3)), rng.normal(3, size=(60, 3))])
        changes = StreamDetector(arl=1e6).update_many(list(values))
        assert len(changes) == 1
        assert abs(changes[0].start - 600) <= 3

    @pytest.mark.parametrize("unit", ["chars", "bytes"])
    def test_blocks(self, unit):
        rng = random.Random(0)
        one = " ".join(rng.choices(["über", "calm", "lake", "rain", "tree", "stone", "wind"], k=9_000))
        other = " ".join(rng.choices(["profit", "loss", "dividend", "share", "quarter"], k=900))
        detector = StreamDetector(unit=unit, arl=1_000)
        data = (one + other).encode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DependenceWarning)  # by chance in one of a hundred
            changes = [change for i in range(0, len(data), 7_001) for change in detector.feed(data[i : i + 7_001])]
        size = len(one if unit == "chars" else one.encode())
        assert len(changes) == 1
        assert abs(changes[0].start * detector.block_size - size) <= 2 * detector.block_size

    def test_other_compressors(self):
        changes = StreamDetector("zstd", arl=1_000).update_many(calm(600) + storm(30))
        assert [abs(change.start - 600) <= 2 for change in changes] == [True]

    def test_alpha(self):
        changes = StreamDetector(alpha=0.01).update_many(calm(600) + storm(60))
        assert [abs(change.start - 600) <= 2 for change in changes] == [True]


class TestTaking:
    def test_one_at_a_time_equals_many(self, found):
        _, change = found
        detector = StreamDetector(arl=10_000)
        alarms = []
        for i, line in enumerate(calm(800) + storm(30)):
            assert detector.update(line) is None
            if detector.drift_detected:
                alarms.append(i)
        assert alarms == [change.unit]
        assert detector.last_change == change

    @pytest.mark.parametrize("size", [1, 7, 100, 10**6])
    def test_any_pieces_of_bytes(self, found, size):
        _, change = found
        detector = StreamDetector(arl=10_000)
        data = "\r\n".join(calm(800) + storm(30)).encode()
        changes = [c for i in range(0, len(data), size) for c in detector.feed(data[i : i + size])]
        changes += detector.finish()
        assert changes == [change]
        assert detector.n_units == 830

    def test_lines_in_one_text(self):
        one, other = StreamDetector(), StreamDetector()
        one.update_many(calm(120))
        other.update("\n".join(calm(120)) + "\n")
        assert one.n_units == other.n_units == 120
        assert one.n_bytes == other.n_bytes == sum(map(len, calm(120)))

    def test_empty_lines_and_bytes_that_are_no_text(self):
        rng = random.Random(0)
        lines = [rng.choice([b"", b"\xff\xfe\x00 noise", b"plain text of a line"]) for _ in range(3_000)]
        detector = StreamDetector(arl=1e6)
        assert detector.update_many(lines) == []
        assert detector.n_units == 3_000

    def test_a_line_of_ten_megabytes(self):
        detector = StreamDetector(reference=calm(300))
        detector.update_many(calm(10, 1))
        detector.feed(b"x" * (5 << 20))
        detector.feed(b"x" * (5 << 20) + b"\n")
        assert detector.n_units == 11
        assert detector.nbytes < 40 << 20

    def test_reference_of_each_kind(self):
        lines = calm(300)
        as_list = StreamDetector(reference=lines)
        as_text = StreamDetector(reference="\n".join(lines) + "\n")
        as_first = StreamDetector(reference=300)
        as_first.update_many(lines)
        for detector in (as_list, as_text, as_first):
            detector.update_many(calm(50, 1))
        assert as_list.statistic == as_text.statistic == as_first.statistic > 0
        assert as_list.n_units == 50
        assert as_first.n_units == 350

    def test_score_samples(self):
        detector = StreamDetector(reference=calm(300))
        scores = detector.score_samples([*calm(5, 1), *storm(5)])
        assert scores.shape == (10,)
        assert scores[:5].min() > scores[5:].max()
        assert detector.n_units == 0
        fitted = StreamDetector(reference=100).partial_fit(calm(100))
        assert np.isfinite(fitted.score_samples(["anything"])).all()
        assert fitted.score_samples([]).shape == (0,)
        with pytest.raises(TypeError, match="X is a single str"):
            fitted.score_samples("abc")

    def test_a_column(self, tmp_path):
        lines = calm(300)
        expected = StreamDetector(reference=lines).partial_fit(calm(50, 1))
        column = pd.Series(lines, index=range(5, 305))
        detector = StreamDetector(reference=column).partial_fit(pd.DataFrame({"line": calm(50, 1)}))
        assert detector.statistic == expected.statistic > 0
        detector.save(tmp_path / "state")
        assert StreamDetector.load(tmp_path / "state").statistic == expected.statistic

    def test_constant_memory(self):
        detector = StreamDetector(arl=1e9)
        detector.update_many(calm(2_000))
        before = detector.nbytes
        detector.update_many(calm(20_000, 1))
        assert detector.nbytes <= before * 1.2

    def test_like_the_public_name(self):
        assert ncd.StreamDetector is StreamDetector


class TestRiver:
    def test_retrains(self):
        river = pytest.importorskip("river")
        from river import datasets, drift, linear_model, preprocessing

        assert river.__version__
        data = list(datasets.synth.ConceptDriftStream(
            stream=datasets.synth.SEA(seed=1, variant=0),
            drift_stream=datasets.synth.SEA(seed=1, variant=3),
            seed=1, position=1_500, width=50,
        ).take(3_000))  # fmt: skip
        detector = StreamDetector(arl=1_000, reference=200)
        model = drift.DriftRetrainingClassifier(
            model=preprocessing.StandardScaler() | linear_model.LogisticRegression(), drift_detector=detector
        )
        for x, y in data:
            model.predict_one(x)
            model.learn_one(x, y)
        assert detector.n_units > 2_900
        copied = model.clone()
        assert isinstance(copied.drift_detector, StreamDetector)
        assert copied.drift_detector.get_params() == detector.get_params()

    def test_scikit_learn_clones(self):
        from sklearn.base import clone

        detector = StreamDetector("zstd", arl=50, unit="items")
        assert clone(detector).get_params() == detector.get_params()


class TestCheckpoint:
    @pytest.mark.parametrize("cut", [0, 1, 150, 700, 803, 815, 1_000])
    def test_goes_on_as_if_nothing_had_happened(self, tmp_path, cut):
        data = "\n".join(calm(800) + storm(400) + calm(100, 1)).encode()
        cut = cut * 40
        whole = StreamDetector(arl=1_000)
        expected = whole.feed(data) + whole.finish()
        assert expected
        first = StreamDetector(arl=1_000)
        changes = first.feed(data[:cut])
        first.save(tmp_path / "state")
        second = StreamDetector.load(tmp_path / "state")
        assert second.changes == first.changes
        changes += second.feed(data[cut:]) + second.finish()
        assert changes == expected
        assert second.statistic == whole.statistic
        assert second.n_bytes == whole.n_bytes

    @pytest.mark.parametrize(
        ("detector", "units"),
        [
            (StreamDetector(reference=UNIFORM[30:]), UNIFORM[:30]),
            (StreamDetector("zstd", reference=calm(200)), calm(30, 1)),
            (StreamDetector(reference=calm(200), relearn=False, arl=10), storm(50)),
        ],
        ids=["vectors", "zstd", "kept"],
    )  # fmt: skip
    def test_of_every_kind(self, tmp_path, detector, units):
        whole = copy.deepcopy(detector)
        detector = copy.deepcopy(detector)
        expected = whole.update_many(units)
        changes = detector.update_many(units[:17])
        detector.save(tmp_path / "state")
        again = StreamDetector.load(tmp_path / "state")
        assert changes + again.update_many(units[17:]) == expected
        assert again.statistic == whole.statistic

    def test_refusals(self, tmp_path):
        detector = StreamDetector(arl=1_000)
        detector.update_many(calm(300))
        state = detector.state()
        with pytest.raises(ValueError, match="other parameters: arl=1000, here 50"):
            StreamDetector(arl=50).restore(state)
        with pytest.raises(ValueError, match="not that of a StreamDetector"):
            StreamDetector().restore({"something": 1})
        broken = {**state, "watch": {**state["watch"], "recent": {"kind": "texts"}}}
        other = StreamDetector(arl=1_000)
        with pytest.raises(ValueError, match="not that of a StreamDetector"):
            other.restore(broken)
        assert other.n_units == 0
        path = tmp_path / "state"
        detector.save(path)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(CheckpointError):
            StreamDetector.load(path)


class TestRefusing:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"unit": "words"}, "unit is 'words': choose from"),
            ({"arl": 10, "alpha": 0.1}, "give one of them"),
            ({"arl": 0.5}, "arl is 0.5"),
            ({"alpha": 1.5}, "alpha is 1.5"),
            ({"block": 0}, "block is 0"),
            ({"block": 5, "unit": "items"}, "block is 5"),
            ({"reference": 10}, "reference is 10"),
            ({"compressor": "nothing"}, "nothing"),
            ({"compressor": "ngram:9"}, "ngram:9"),
            ({"window": 0}, "window is 0"),
            ({"window": 100_000}, "window is 100000: choose from 1 to 65535"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            StreamDetector(**arguments)

    @pytest.mark.parametrize(
        ("x", "error", "message"),
        [
            (None, ValueError, "unit 0 is None, a missing value"),
            (math.nan, ValueError, "unit 0 is nan"),
            (math.inf, ValueError, "unit 0 is inf"),
            ([1.0, math.nan], ValueError, "unit 0 is"),
            ({"a": 1}, TypeError, "unit 0 is a dict"),
            ([], ValueError, "shape"),
            ([[1.0]], ValueError, "shape"),
            (1j, TypeError, "complex"),
        ],
    )
    def test_units(self, x, error, message):
        detector = StreamDetector()
        with pytest.raises(error, match=message):
            detector.update(x)
        detector.update("a text, as if nothing had been")
        assert detector.n_units == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"reference": Path("usual.log")}, "reference is the path 'usual.log': give what is in the file"),
            ({"reference": 50.5}, "reference is 50.5: give a text"),
            ({"reference": iter(["a"])}, "reference is <list_iterator"),
            ({"reference": np.array(60.0)}, "reference is array"),
            ({"reference": {"a": 1}}, "reference is {'a': 1}"),
            ({"reference": pd.DataFrame({"a": [1.0], "b": [2.0]})}, "reference is a table of 2 columns"),
            ({"relearn": "no"}, "relearn is 'no': give True or False"),
        ],
    )
    def test_types_of_arguments(self, arguments, message):
        with pytest.raises(TypeError, match=message):
            StreamDetector(**arguments)

    @pytest.mark.parametrize(
        ("xs", "message"),
        [
            (None, "xs is None: give a list"),
            (3, "xs is 3: give a list"),
            (np.array(3.0), "xs is array"),
            ({"a": 1}, "xs is a dict"),
            ({"a"}, "xs is a set"),
            (pd.DataFrame({"a": ["x"], "b": ["y"]}), "xs is a table of 2 columns"),
        ],
    )
    def test_what_is_no_list_of_units(self, xs, message):
        detector = StreamDetector()
        with pytest.raises(TypeError, match=message):
            detector.partial_fit(xs)
        assert detector.n_units == 0

    def test_large_numbers_are_refused_before_any_is_taken(self):
        detector = StreamDetector()
        values = np.zeros(20_000)
        values[15_000] = -1e151
        with pytest.raises(ValueError, match=r"unit 15000 is .*: give numbers up to 1e\+150"):
            detector.update_many(values)
        assert detector.n_units == 0
        detector.update(1e150)
        assert detector.n_units == 1

    def test_an_unfinished_line(self):
        detector = StreamDetector(block=2)
        detector.feed(b"one\nhalf a li")
        detector.feed(b"")
        with pytest.raises(ValueError, match="unfinished line: feed its rest"):
            detector.update("GET 5")
        detector.feed(b"ne\nthree\n")
        detector.update("four")
        assert detector.n_units == 2

    def test_parameters_set_later(self):
        detector = StreamDetector(arl=1_000)
        detector.update_many(calm(120))
        assert detector.set_params().n_units == 120
        for wrong in ({"alpha": 0.1}, {"window": 50, "unit": "words"}, {"window": 50, "nothing": 1}):
            with pytest.raises(ValueError, match=r"arl|unit|nothing"):
                detector.set_params(**wrong)
            assert (detector.arl, detector.alpha, detector.unit, detector.window) == (1_000, None, "lines", None)
        assert detector.n_units == 120
        assert detector.set_params(unit="bytes", block=10, arl=50) is detector
        assert (detector.n_units, detector.threshold, detector.block_size) == (0, 50, 10)
        detector.update("x" * 35)
        assert detector.n_units == 3

    def test_mixtures(self):
        detector = StreamDetector()
        detector.update("text")
        with pytest.raises(TypeError, match="unit 1 is of numbers, the stream so far of text"):
            detector.update(1.0)
        with pytest.raises(TypeError, match="unit 2 is a float"):
            detector.update_many(["text", 1.0])
        assert detector.n_units == 1
        vectors = StreamDetector()
        vectors.update([1.0, 2.0])
        with pytest.raises(ValueError, match="vectors of 3 numbers, the stream so far of vectors of 2"):
            vectors.update([1.0, 2.0, 3.0])
        with pytest.raises(TypeError, match="feed"):
            vectors.feed(b"text")
        with pytest.raises(ValueError, match="items"):
            StreamDetector(unit="items").feed(b"text")
        with pytest.raises(TypeError, match="single str"):
            StreamDetector().update_many("text")
        with pytest.raises(TypeError, match="feed"):
            StreamDetector().feed("text")

    def test_short_reference_says_how_much_is_needed(self):
        with pytest.raises(ValueError, match=r"reference has 30 units: at least \d+ are needed"):
            StreamDetector(reference=calm(30)).update("x")
        with pytest.raises(ValueError, match="reference is empty"):
            StreamDetector(reference=[]).update("x")
        detector = StreamDetector(reference=40)
        detector.update_many(calm(40))
        assert detector.is_learning  # the window takes the first units: more are collected
        detector.update_many(calm(40, 1))
        assert not detector.is_learning
        with pytest.raises(TypeError, match="reference is of text, the stream of numbers"):
            StreamDetector(reference=calm(300)).update(1.0)
        with pytest.raises(ValueError, match="no reference yet"):
            StreamDetector().score_samples(["x"])

    def test_dependence_is_said(self):
        rng = np.random.default_rng(0)
        value, lines = 0.0, []
        for _ in range(600):
            value = 0.97 * value + rng.normal()
            letters = "etaoin" if value > 0 else "xqzjkv"
            lines.append("".join(rng.choice(list(letters), 40)))
        detector = StreamDetector(reference=400)
        with pytest.warns(DependenceWarning, match="lag-1 autocorrelation"):
            detector.update_many(lines)
        assert detector.autocorrelation > 2.3 / 20


class TestSplitting:
    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=300), st.sampled_from(["lines", "chars", "bytes"]), st.integers(1, 5), st.randoms())
    def test_pieces_do_not_matter(self, data, unit, block, rng):
        whole = UnitSplitter(unit, block)
        expected = [*whole.split(data), *whole.finish()]
        pieces, found, at = UnitSplitter(unit, block), [], 0
        while at < len(data):
            size = rng.randrange(1, 40)
            found.extend(pieces.split(data[at : at + size]))
            at += size
            again = UnitSplitter(unit, block)
            again.restore(pieces.state())
            pieces = again
        assert [*found, *pieces.finish()] == expected

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))))
    def test_lines(self, lines):
        splitter = UnitSplitter("lines", 1)
        assert list(splitter.split(b"".join(line + b"\n" for line in lines))) == lines
        assert splitter.waiting == 0

    @given(st.text(max_size=100), st.integers(1, 7))
    def test_characters(self, text, block):
        units = list(UnitSplitter("chars", block).split((text + "x").encode("utf-8", "surrogatepass")))
        whole = [text[i : i + block] for i in range(0, len(text), block) if len(text) - i >= block]
        if not any("\ud800" <= character <= "\udfff" for character in text):
            assert [unit.decode() for unit in units] == whole

    def test_units_in_one_buffer(self):
        units = TextUnits.of([b"a", b"", b"ccc"])
        assert list(units) == [b"a", b"", b"ccc"]
        assert list(units[1:]) == [b"", b"ccc"]
        assert len(TextUnits.of([])) == 0
