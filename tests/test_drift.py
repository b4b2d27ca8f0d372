"""Whether a text has a change at all: effects against their definition, references, false alarms and power."""

import json

import naive_codelengths as naive
import numpy as np
import pytest

import ncd
from ncd.changepoint import DriftReference, effect, reference_p_value, split_units, text_change_test
from ncd.changepoint.drift import quantiles
from ncd.changepoint.drift_table import EFFECTS, TEXTS
from ncd.data import load_factbook, load_udhr
from ncd.exceptions import EmptyTextError

UDHR = dict(zip(load_udhr().labels, load_udhr().texts, strict=True))
TWO = UDHR["English"][:1500] + UDHR["Swahili"][:1500]
ONE = UDHR["English"][:3000]


@pytest.mark.parametrize("name", ["ppm:2", "zlib"])
def test_definition(name):
    units = split_units(TWO, "lines")
    gains, means, spread = naive.null(ncd.get_compressor(name), units[:], 3, 4)
    size = len(units.text)
    inside = [0.1 * size <= at <= 0.9 * size for at in units.offsets[1:-1]]
    scores = [(g - m) / spread / (size / 1000) ** 0.5 for g, m in zip(gains, means, strict=True)]
    expected = max(score for score, inner in zip(scores, inside, strict=True) if inner)
    assert effect(units, name, shuffles=3, random_state=4) == pytest.approx(expected)


@pytest.mark.parametrize("cost", ["ppm:3", "zlib", "words"])
def test_one_change_and_none(cost):
    found, none = text_change_test(TWO, cost=cost), text_change_test(ONE, cost=cost)
    assert found.changed
    assert abs(found.character - 1500) <= 150
    assert found.effect == effect(TWO, cost) == found.effects.max()
    assert found.p_value == reference_p_value(found.effect, cost) <= 0.05
    assert not none.changed
    assert none.p_value > 0.05


def test_false_alarms_on_other_texts_of_one_source():
    alarms = []
    for label in ("economy", "geography", "history", "communications", "military", "disputes"):
        texts = [text for text, its in zip(load_factbook().texts, load_factbook().labels, strict=True) if its == label]
        alarms += [text_change_test(" ".join(texts[at : at + 6])).changed for at in range(0, 48, 6)]
    assert len(alarms) == 48
    assert sum(alarms) <= 6  # 5 % on average: 7 or more of 48 happen once in 100 times


def test_references_of_the_package():
    assert set(EFFECTS) == {"ppm:3", "zlib:9", "words"}
    for cost, effects in EFFECTS.items():
        assert effects == sorted(effects)
        reference = DriftReference.shipped(cost)
        assert reference.texts == TEXTS
        assert reference.p_value(reference.threshold(0.05)) == pytest.approx(0.05, abs=0.001)
        assert reference.p_value(-100) == 1
        assert reference.p_value(100) == 1 / (1 + TEXTS)
        assert reference.p_value(np.inf) == 1 / (1 + TEXTS)


def test_reference_of_ones_own():
    texts = [text[:600] for text in load_udhr().texts[:9]]
    reference = DriftReference.fit(texts, cost="ppm:1", shuffles=4)
    effects = [effect(text, "ppm:1", shuffles=4) for text in texts]
    assert reference.effects.tolist() == sorted(effects)
    for value in [*effects, 0.0, 99.0]:
        assert reference.p_value(value) == (1 + sum(other >= value for other in effects)) / 10
    found = text_change_test(TWO, reference=reference, alpha=0.2)
    assert found.cost == "ppm:1"
    assert found.changed == (found.p_value <= 0.2)
    assert "ppm:1" in repr(reference)


def test_quantiles():
    values = np.random.default_rng(0).normal(size=1000)
    kept = quantiles(values)
    assert len(kept) == 201
    reference = DriftReference("x", np.array(kept), 1000)
    for value in (-1.0, 0.0, 1.5):
        assert reference.p_value(value) == pytest.approx((1 + (values >= value).sum()) / 1001, abs=0.004)


def test_longer_texts_of_the_same_have_the_same_effect():
    short, long = (UDHR["English"][:size] + UDHR["Zulu"][:size] for size in (1200, 4800))
    assert effect(long) == pytest.approx(effect(short), rel=0.5)


def test_result():
    found = text_change_test(TWO)
    said = found.to_dict()
    assert (said["cut"], said["unit"]) == (found.cut, "sentences")
    assert said["changed"] is True
    assert said["byte"] == found.byte
    assert said["threshold"] == DriftReference.shipped().threshold()
    assert repr(found).startswith(f"<TextChange: a change at byte {found.byte:,}")
    assert "no change beyond" in repr(text_change_test(ONE))
    axes = found.plot()
    assert [line.get_xdata()[0] for line in axes.lines[1:2]] == [found.byte]
    assert len(text_change_test(ONE).plot().lines) == 2  # curve and threshold
    assert (text_change_test(TWO).effects == found.effects).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: text_change_test(""), EmptyTextError, "empty"),
        (lambda: text_change_test("One. Two."), ValueError, "one unit|fewer than 8"),
        (lambda: text_change_test("A b c d.", unit="words"), ValueError, "4 units .* fewer than 8"),
        (lambda: text_change_test(TWO, cost="bz2"), ValueError, r"reference for 'ppm:3', .*DriftReference.fit"),
        (lambda: text_change_test(TWO, cost="zlip"), ValueError, "zlip"),
        (lambda: text_change_test(TWO, alpha=0), ValueError, "alpha is 0"),
        (lambda: text_change_test(TWO, alpha="x"), TypeError, "alpha is 'x'"),
        (lambda: text_change_test(TWO, shuffles=1), ValueError, "shuffles is 1"),
        (
            lambda: text_change_test(TWO, cost="zlib", reference=DriftReference.shipped("words")),
            ValueError,
            "'zlib:9' and the reference is for 'words'",
        ),
        (lambda: DriftReference.fit([ONE]), ValueError, "give two texts"),
        (lambda: DriftReference.fit(ONE), TypeError, "give several texts"),
        (lambda: DriftReference.fit(None), TypeError, "texts is None"),
        (lambda: DriftReference.shipped("words").threshold(None), TypeError, "alpha is None"),
        (lambda: text_change_test(TWO, reference=3), TypeError, "reference is 3"),
        (lambda: text_change_test(TWO, random_state="x"), TypeError, "random_state is 'x'"),
        (lambda: effect(TWO, random_state=-1), ValueError, "random_state is -1"),
        (lambda: reference_p_value(None), TypeError, "effect is None"),
        (lambda: reference_p_value(True), TypeError, "effect is True"),
        (lambda: reference_p_value(float("nan")), ValueError, "nan"),
        (lambda: reference_p_value(1.0, "lz4"), ValueError, "reference for"),
    ],
)
def test_bad_arguments(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_reference_from_a_generator():
    texts = [ONE, TWO, ONE[::-1]]
    made = DriftReference.fit((text for text in texts), cost="words")
    assert made.to_dict() == DriftReference.fit(texts, cost="words").to_dict()
    assert made.to_dict() == {"cost": "words", "texts": 3, "effects": made.effects.tolist()}
    json.dumps(made.to_dict())
