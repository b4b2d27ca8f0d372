"""One cut in a short text: sweeps against slow versions, and texts whose parts are known."""

import math
import re

import naive_codelengths as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import make_bytes, make_text

import ncd
from ncd.changepoint import OneCut, one_cut, split_units
from ncd.changepoint.sweeps import CompressorSweep, WordSweep, null_of, short_units
from ncd.data import load_factbook
from ncd.exceptions import EmptyTextError

FACTS = load_factbook()


def two_topics(one="economy", other="military", seed=0, texts=3):
    """Two labels of the fact book, and the character at which the second begins."""
    rng = np.random.default_rng(seed)
    parts = []
    for label in (one, other):
        found = [text for text, its in zip(FACTS.texts, FACTS.labels, strict=True) if its == label]
        parts.append(" ".join(found[i] for i in rng.permutation(len(found))[:texts]))
    return " ".join(parts), len(parts[0]) + 1


@pytest.mark.parametrize("name", ["zlib", "ppm:3", "bz2", "ctw:2"])
def test_compressor_sweep(name):
    units = split_units(make_text(1, 40).replace(" of ", ". Of ") + ". Ünd.", "sentences")
    compressor, pieces = ncd.get_compressor(name), units[:]
    order = np.random.default_rng(1).permutation(len(units))
    places = np.array([1, 2, len(units) - 1])
    expected = [naive.gain(compressor, [pieces[i] for i in order], place) for place in places]
    assert CompressorSweep(units, name).gains(order, places) == pytest.approx(expected)


def test_word_sweep():
    units = split_units("Words here. More words, and WORDS again. Another sentence. Naïve wordsmiths.", "sentences")
    order = np.array([2, 0, 3, 1])
    pieces = [units[int(i)] for i in order]
    words = [[w[:5] for w in re.findall(r"\w+", piece.decode().lower())] for piece in pieces]
    expected = [naive.word_gain(words, place, 0.2) for place in (1, 2, 3)]
    assert WordSweep(units, 0.2).gains(order, np.array([1, 2, 3])) == pytest.approx(expected)


def test_null():
    units = split_units(two_topics()[0], "sentences")
    sweep = CompressorSweep(units, "ppm:2")
    found = null_of(units, sweep, 3, 7)
    gains, means, spread = naive.null(ncd.get_compressor("ppm:2"), units[:], 3, 7)
    assert found.gains == pytest.approx(gains)
    assert found.means == pytest.approx(means)
    assert found.spread == pytest.approx(spread)
    assert found.standardised == pytest.approx((np.array(gains) - means) / spread)


def test_null_of_many_units_is_looked_at_in_places():
    units = split_units(make_text(1, 900), "words")
    sweep = WordSweep(units, 0.2)
    found, every = null_of(units, sweep, 2, 0), null_of(split_units(make_text(1, 200), "words"), sweep, 2, 0)
    assert found.gains.shape == (899,)
    assert every.means.shape == (199,)
    orders = np.random.default_rng(0)
    curves = [sweep.gains(orders.permutation(900), np.arange(1, 900)) for _ in range(2)]
    assert found.means == pytest.approx(np.mean(curves, axis=0), abs=0.1 * np.abs(curves).max())


@pytest.mark.parametrize("seed", range(4))
def test_finds_the_change(seed):
    text, cut = two_topics(("economy", "geography", "history", "disputes")[seed], "communications", seed)
    found = one_cut(text)
    assert isinstance(found, OneCut)
    assert abs(found.character - cut) < 0.1 * len(text)
    assert found.scores.argmax() + 1 == found.cut
    assert found.scores == pytest.approx(sum(part.standardised for part in found.parts.values()))
    assert b"".join(found.halves) == text.encode()
    assert found.halves[0].decode() == text[: found.character]
    assert set(found.gains) == {"zlib:9", "ppm:3", "words"}


def test_deterministic():
    text, _ = two_topics()
    assert (one_cut(text).scores == one_cut(text).scores).all()
    assert (one_cut(text).scores != one_cut(text, random_state=1).scores).any()


def test_result():
    text, _ = two_topics()
    found = one_cut(text, costs=["ppm:2"])
    said = found.to_dict()
    assert (said["cut"], said["unit"]) == (found.cut, "sentences")
    assert said["byte"] == found.byte == int(found.units.offsets[found.cut])
    assert said["gains"] == {"ppm:2": pytest.approx(found.parts["ppm:2"].excess.max())}
    assert said["n_units"] == len(found.units)
    assert repr(found).startswith(f"<OneCut at byte {found.byte:,} of {len(text.encode()):,}")
    axes = found.plot()
    assert axes.get_ylabel().startswith("gain")
    assert [line.get_xdata()[0] for line in axes.lines[1:]] == [found.byte]


def test_units_are_taken_as_they_are():
    units = split_units("aaaa\naaaa\nbbbb\nbbbb\n", "lines")
    assert one_cut(units, costs=["ppm:1"]).cut == 2
    assert one_cut(units.text, unit="lines", costs=["ppm:1"]).cut == 2


def test_equal_units_have_no_score():
    found = one_cut("The same again. " * 10, costs=["words", "ppm:3"])
    assert np.abs(found.parts["words"].standardised).max() == 0
    assert np.isfinite(found.scores).all()


def test_text_without_words():
    assert (one_cut("... !!! " * 30, unit="words", costs=["words"]).scores == 0).all()


@given(st.binary(min_size=2, max_size=120))
@settings(max_examples=30)
def test_any_bytes(data):
    found = one_cut(data, unit="bytes", shuffles=2)
    assert 1 <= found.cut < len(data)
    assert np.isfinite(found.scores).all()


@given(st.text(min_size=1, max_size=2000))
@settings(max_examples=60)
def test_short_units_are_the_text(text):
    units = short_units(text)
    data = text.encode("utf-8", "surrogatepass")
    assert b"".join(units) == data
    assert (np.diff(units.offsets) > 0).all()


def test_short_units_are_short():
    text = " ".join(make_text(seed, 30) for seed in range(20))
    units = short_units(text)
    assert np.diff(units.offsets).max() <= 1.5 * len(text) / 20
    assert all(unit.endswith(b" ") for unit in units[:-1])
    chinese = short_units("字" * 400)
    assert np.diff(chinese.offsets).max() <= 1.5 * 1200 / 20
    assert (chinese.offsets % 3 == 0).all()
    assert len(short_units(make_bytes(0, 3000))) >= 20


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: one_cut(""), EmptyTextError, "empty"),
        (lambda: one_cut("One."), ValueError, "one unit of sentences"),
        (lambda: one_cut("a b", unit="pages"), ValueError, "unit is 'pages': choose from 'auto'"),
        (lambda: one_cut("a b", unit="words", costs=["zlip"]), ValueError, "cost is 'zlip': choose 'words' or"),
        (lambda: one_cut("a b", unit="words", costs="zlib"), TypeError, "costs is 'zlib': give a sequence"),
        (lambda: one_cut("a b", unit="words", costs=()), ValueError, "give at least one"),
        (lambda: one_cut("a b", unit="words", costs=None), TypeError, "costs is None"),
        (lambda: one_cut("a b", unit="words", random_state="x"), TypeError, "random_state is 'x'"),
        (lambda: one_cut("a b", unit="words", random_state=-1), ValueError, "random_state is -1"),
        (lambda: one_cut("a b", unit="words", shuffles=1), ValueError, "shuffles is 1: give 2 or more"),
        (lambda: one_cut("a b", unit="words", shuffles=2.0), TypeError, "whole number"),
        (lambda: one_cut(None), TypeError, "missing"),
    ],
)
def test_bad_arguments(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_lgamma_is_the_sum_of_steps():
    assert naive.word_bits([["a", "b"], ["a"]], 0.5, 2) == pytest.approx(
        -math.log2(0.5 / 1) - math.log2(0.5 / 2) - math.log2(1.5 / 3)
    )


def test_short_lines_are_units_where_they_are_many():
    log = "".join(f"12:00:{i:02} user {i} logged in\n" for i in range(60))
    assert len(short_units(log)) == 60
    wrapped = "A sentence that goes on\nin the next line. " * 30
    assert len(short_units(wrapped)) == 30
