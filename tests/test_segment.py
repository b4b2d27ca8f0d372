"""Texts cut into segments, against slow versions and on texts whose changes are known."""

import itertools
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from naive_segments import (
    best_of_number,
    dirichlet_cost,
    number_bits,
    segmentations,
    total_cost,
    u00_cost,
    word_cost,
    words,
)

from ncd import EmptyTextError, data
from ncd.changepoint import (
    CalibratedCost,
    CharCost,
    KernelCost,
    SegmentCost,
    TextSegmenter,
    U00Cost,
    WordCost,
    best_segmentation,
    candidates,
    search,
    split_units,
)
from ncd.changepoint.onecut import one_cut
from ncd.changepoint.onecut_cost import OneCutCost
from ncd.changepoint.symbols import char_symbols, word_symbols

TOPICS = (
    ["the", "cat", "and", "the", "kitten", "purr", "while", "a", "cat", "naps", "near", "the", "fire"],
    ["rain", "and", "wind", "over", "a", "sea", "of", "storms", "while", "the", "sailor", "steers", "north"],
    ["bread", "flour", "yeast", "and", "salt", "make", "the", "dough", "that", "a", "baker", "bakes"],
)


def lines_of(seed, lengths, words_each=8):
    """Lines about one topic after another."""
    rng = random.Random(seed)
    return [
        " ".join(rng.choices(TOPICS[i % len(TOPICS)], k=words_each)) + "."
        for i, length in enumerate(lengths)
        for _ in range(length)
    ]


def factbook(per_subject=6, subjects=4, seed=0):
    """Passages of the factbook, and how many sentences each run of one subject has."""
    corpus = data.load_factbook()
    rng = random.Random(seed)
    groups = {}
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        groups.setdefault(label, []).append(text)
    chosen = rng.sample(sorted(groups), subjects)
    return ["\n".join(" ".join(t.split()) for t in rng.sample(groups[label], per_subject)) for label in chosen]


class Naive(SegmentCost):
    """Costs from a function of a segment's lines."""

    name = "naive"

    def __init__(self, function):
        self.function = function

    def fit(self, units):
        self.units = units
        return self

    def growing(self, start, stop):
        return np.array([self.function(start, end) for end in range(start + 1, stop + 1)])


@pytest.mark.parametrize("seed", range(4))
def test_word_cost_is_its_formula(seed):
    lines = lines_of(seed, (3, 4, 2))
    text = "\n".join(lines)
    for options in ({}, {"single": True}, {"weighted": False}, {"prior": 7.5}, {"prefix": 2, "single": True}):
        cost = WordCost(**options).fit(split_units(text, "lines"))
        for start in range(len(lines)):
            expected = [word_cost(" ".join(lines[start:end]), text, **options) for end in range(start + 1, 10)]
            np.testing.assert_allclose(cost.growing(start, len(lines)), expected, rtol=1e-9, atol=1e-9)


def test_cost_of_characters_is_its_formula():
    lines = lines_of(2, (3, 4))
    flat = " ".join(line.rstrip(".").lower() for line in lines) + " "
    grams = [flat[i : i + 4] for i in range(len(flat) - 3)]
    ends = np.minimum(np.cumsum([len(line.rstrip(".")) + 1 for line in lines]), len(grams))
    cost = CharCost().fit(split_units("\n".join(lines), "lines"))
    expected = [dirichlet_cost(grams[:end], grams) / 12 for end in ends]
    np.testing.assert_allclose(cost.growing(0, len(lines)), expected, rtol=1e-9, atol=1e-9)


def test_u00_is_its_formula():
    lines = lines_of(1, (3, 4))
    cost = U00Cost().fit(split_units("\n".join(lines), "lines"))
    tokens = words("\n".join(lines), 99)
    for start, end in itertools.combinations(range(8), 2):
        expected = u00_cost(words(" ".join(lines[start:end]), 99), tokens)
        assert cost.growing(start, end)[-1] == pytest.approx(expected, abs=1e-9)
    assert cost.cut_bits == pytest.approx(np.log2(len(tokens)))


@pytest.mark.parametrize("make", [WordCost, CharCost, U00Cost])
def test_costs_agree_with_themselves(make):
    units = split_units("\n".join(lines_of(3, (5, 4, 6))), "lines")
    cost = make().fit(units)
    n = len(units)
    starts, ends = (np.array(side) for side in zip(*itertools.combinations(range(n + 1), 2), strict=True))
    table = dict(zip(zip(starts.tolist(), ends.tolist(), strict=True), cost.evaluate(starts, ends), strict=True))
    for start, stop in ((0, n), (3, 9), (n - 2, n), (4, 5)):
        np.testing.assert_allclose(cost.growing(start, stop), [table[start, e] for e in range(start + 1, stop + 1)])
        np.testing.assert_allclose(cost.shrinking(start, stop), [table[s, stop] for s in range(start, stop)])
        gains = [table[start, stop] - table[start, t] - table[t, stop] for t in range(start + 1, stop)]
        np.testing.assert_allclose(cost.gains(start, stop), gains, atol=1e-9)


def test_words_of_all_scripts():
    text = "Straße, STRASSE; don't\nहिन्दी हिन्दी a_b 42\ncafe\u0301s cafe\u0301\n\n— …"
    found = word_symbols(split_units(text, "lines"), 99)
    pieces = re.findall(r"[\w\u0301\u093f\u094d\u0940]+", text.lower())
    number = {}
    expected = [number.setdefault(piece, len(number)) for piece in pieces]
    first = {}
    assert [first.setdefault(i, len(first)) for i in found.ids.tolist()] == expected
    assert found.bounds.tolist() == [0, 4, 8, 10, 10]
    assert found.kinds == len(number)


def test_words_are_numbered_apart_with_any_number_of_letters():
    rng = np.random.default_rng(0)
    letters = [chr(0x4E00 + i) for i in range(9000)]  # too many letters for five of them in one number
    made = ["".join(letters[i] for i in rng.integers(0, 9000, rng.integers(1, 8))) for _ in range(3000)]
    found = word_symbols(split_units(" ".join(made), "lines"))
    first, number = {}, {}
    assert [first.setdefault(i, len(first)) for i in found.ids.tolist()] == [
        number.setdefault(word[:5], len(number)) for word in made
    ]


def test_runs_of_characters():
    text = "Ab  ab, cd!\nab"
    found = char_symbols(split_units(text, "lines"), 3)
    flat = "ab ab cd ab"
    number = {}
    expected = [number.setdefault(flat[i : i + 3], len(number)) for i in range(len(flat) - 2)]
    first = {}
    assert [first.setdefault(i, len(first)) for i in found.ids.tolist()] == expected
    assert found.bounds.tolist() == [0, 9, 9]


def test_every_symbol_belongs_to_the_unit_in_which_it_begins():
    text = "eins zwei drei"
    found = word_symbols(split_units(text, "bytes"))
    assert np.flatnonzero(np.diff(found.bounds)).tolist() == [0, 5, 10]


@pytest.mark.parametrize("seed", range(6))
def test_search_finds_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    n = 9
    table = rng.normal(size=(n, n + 1)) * 4
    cost = Naive(lambda a, b: float(table[a, b])).fit(split_units("x\n" * n, "lines"))
    for number in range(1, n + 1):
        found = best_segmentation(cost, number)
        assert len(found.bounds) == number + 1
        assert found.method == "exact"
        assert total_cost(found.bounds, cost.function) == pytest.approx(best_of_number(n, number, cost.function))
    for longest in (2, 4):
        found = best_segmentation(cost, 6, max_length=longest)
        best = best_of_number(n, 6, cost.function, longest)
        assert total_cost(found.bounds, cost.function) == pytest.approx(best)
    for factor in (0.0, 1.0, 3.0):
        bits = search.number_bits(n)
        found = best_segmentation(cost, penalty=lambda k, f=factor, b=bits: f * b(k))
        best = min(
            total_cost(bounds, cost.function) + factor * number_bits(n, len(bounds) - 1)
            for bounds in segmentations(n)
            if len(bounds) - 1 <= (n + 2) // 2
        )
        total = total_cost(found.bounds, cost.function) + factor * number_bits(n, len(found.bounds) - 1)
        assert total == pytest.approx(best)


def test_known_changes_are_found():
    lines = lines_of(5, (12, 9, 14, 10, 8))
    text = "\n".join(lines)
    true = (12, 21, 35, 45)
    assert TextSegmenter(n_segments=5, unit="lines").fit_predict(text).cuts == true
    assert TextSegmenter(unit="lines").fit_predict(text).cuts == true
    assert TextSegmenter("u00", 5, unit="lines").fit_predict(text).cuts == true
    assert TextSegmenter("chars", 5, unit="lines").fit_predict(text).cuts == true


def test_subjects_of_the_factbook():
    parts = factbook()
    text = "\n".join(parts)
    found = TextSegmenter(n_segments=len(parts), unit="lines").fit_predict(text)
    true = np.cumsum([part.count("\n") + 1 for part in parts])[:-1]
    assert np.abs(np.array(found.cuts) - true).max() <= 1


@pytest.mark.parametrize("cost", ["kernel", "ppm:3", "zlib:9"])
def test_costs_of_other_modules(cost):
    languages = dict(zip(data.load_udhr().labels, data.load_udhr().texts, strict=True))
    parts = [languages["English"][:1500], languages["Finnish"][:1500]]
    found = TextSegmenter(cost, 2, unit="lines").fit_predict("\n".join(parts))
    assert abs(found[1].char_start - 1501) < 200


def test_more_penalty_gives_fewer_segments():
    text = "\n".join(lines_of(2, (6,) * 8))
    numbers = [len(TextSegmenter(unit="lines", penalty=p).fit_predict(text)) for p in (0, 0.5, 1, 2, 4, 1000)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > numbers[-1] == 1


def test_result():
    lines = lines_of(5, (12, 9, 14))
    text = "Prélude. " + "\n".join(lines)
    made = TextSegmenter(n_segments=3, unit="lines")
    found = made.fit_predict(text)
    assert made.segmentation_ is found
    assert b"".join(segment.data for segment in found) == text.encode()
    assert "".join(text[s.char_start : s.char_stop] for s in found) == text
    assert all(text.encode()[s.byte_start : s.byte_stop] == s.data for s in found)
    assert all(text[s.char_start : s.char_stop] == s.text for s in found)
    assert [s.start for s in found] + [found[-1].stop] == list(found.bounds)
    cost = made.cost_
    assert found[0].score is None
    for before, segment in itertools.pairwise(found):
        joined = cost.growing(before.start, segment.stop)[-1]
        own = cost.growing(before.start, before.stop)[-1] + cost.growing(segment.start, segment.stop)[-1]
        assert segment.score == pytest.approx(joined - own)
    whole = cost.growing(0, len(found.units))[-1]
    assert found.gain == pytest.approx(whole - sum(cost.growing(s.start, s.stop)[-1] for s in found))
    assert found[:2] == found.segments[:2]
    stored = json.loads(json.dumps(found.to_dict()))
    assert [s["byte_start"] for s in stored["segments"]] == [s.byte_start for s in found]
    assert stored["method"] == "exact"
    text = repr(found)
    assert "3 segments of 35 lines" in text
    assert len(text.splitlines()) == 5
    assert repr(found[1]).startswith("<Segment: units 12-21")


def test_p_values_are_those_of_the_reference():
    from ncd.changepoint.drift import effect, reference_p_value

    parts = factbook(8, 3)
    text = "\n".join(parts)
    found = TextSegmenter("words", 3, unit="lines").fit_predict(text)
    assert found.p_value == reference_p_value(effect(text, "words"), "words")
    assert found[0].p_value is None
    for before, segment in itertools.pairwise(found):
        pair = before.data + segment.data
        assert segment.p_value >= reference_p_value(effect(pair, "words"), "words")
    assert "p = " in repr(TextSegmenter("words", 2, unit="lines").fit_predict(text))
    alike = "\n".join(factbook(16, 1))
    assert TextSegmenter("words", unit="lines").fit_predict(alike).p_value > 2 * found.p_value
    for silent in (TextSegmenter("chars", 3, unit="lines"), TextSegmenter(n_segments=3, unit="lines", p_values=False)):
        without = silent.fit_predict(text)
        assert without.p_value is None
        assert all(segment.p_value is None for segment in without)


def test_repr_of_many_segments_is_short():
    text = "\n".join(lines_of(0, (2,) * 60))
    found = TextSegmenter(n_segments=60, unit="lines").fit_predict(text)
    assert len(found) == 60
    assert len(repr(found).splitlines()) < 35


def test_plot():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    found = TextSegmenter(n_segments=3, unit="lines").fit_predict("\n".join(lines_of(5, (12, 9, 14))))
    ax = Figure().subplots()
    assert found.plot(ax) is ax
    assert len(ax.patches) == 3


def test_parameters():
    made = TextSegmenter("u00", 3, penalty=2.0, unit="lines")
    assert TextSegmenter(**made.get_params()).get_params() == made.get_params()
    assert made.set_params(unit="words").unit == "words"
    with pytest.raises(ValueError, match=r"units.*choose from cost"):
        made.set_params(units="words")
    assert repr(made) == "TextSegmenter(cost='u00', n_segments=3, penalty=2.0, unit='words', p_values=True)"


@pytest.mark.parametrize("unit", ["sentences", "lines", "words", "chars", "bytes"])
def test_every_unit(unit):
    lines = [line.capitalize() for line in lines_of(4, (10, 10))]
    text = " \n".join(lines)
    found = TextSegmenter(n_segments=2, unit=unit).fit_predict(text)
    true = len(" \n".join(lines[:10])) + 2
    assert abs(found[1].byte_start - true) < 60


def test_auto_takes_characters_where_there_are_no_spaces():
    chinese = "".join(["猫在窗边睡觉。小猫喜欢鱼。猫会抓老鼠。"] * 3 + ["今天下雨了。风很大。明天还会下雨。"] * 3)
    found = TextSegmenter(n_segments=2).fit_predict(chinese)
    assert found.cost == "chars"
    assert found.cuts == (9,)
    assert TextSegmenter(n_segments=3).fit_predict("A cat. The cat. Rain. More rain.").cost == "words"


def test_auto_takes_several_codes_for_one_cut_in_a_short_text():
    parts = factbook(3, 2)
    text = " ".join(parts)
    made = TextSegmenter(n_segments=2)
    found = made.fit_predict(text)
    assert found.cost == "zlib+ppm:3+words"
    assert found[1].byte_start == one_cut(split_units(text)).byte
    gains = made.cost_.gains(0, len(found.units))
    assert gains.argmax() + 1 == found.cuts[0]
    assert found[1].score == pytest.approx(gains.max()) == pytest.approx(found.gain)
    assert len(made.set_params(n_segments=2, cost=OneCutCost()).fit_predict("Oh. No. No. Yes. Yes.")) == 2


def test_bytes_that_are_not_utf8():
    text = b"\xff\xfe caf\xe9 noir.\n" * 5 + b"\x80\x81 rain \xf0 wind.\n" * 5
    found = TextSegmenter(n_segments=2, unit="lines").fit_predict(text)
    assert found.cuts == (5,)
    assert b"".join(s.data for s in found) == text


def test_path(tmp_path):
    path = Path(tmp_path, "text.txt")
    path.write_text("\n".join(lines_of(5, (12, 9))), encoding="utf-8")
    assert TextSegmenter(n_segments=2, unit="lines").fit_predict(path).cuts == (12,)


@pytest.mark.parametrize(
    ("options", "text", "error", "message"),
    [
        ({}, "", EmptyTextError, "the text is empty"),
        ({}, "One sentence only", ValueError, "one unit.*smaller unit"),
        (
            {"n_segments": 3},
            "A cat. A dog.",
            ValueError,
            "n_segments is 3, but the text has 2 sentences: choose from 1 to 2",
        ),
        ({"n_segments": 0}, "A cat. A dog.", ValueError, "n_segments is 0"),
        ({"n_segments": 1.5}, "A cat. A dog.", TypeError, "n_segments is 1.5"),
        ({"n_segments": True}, "A cat. A dog.", TypeError, "n_segments is True"),
        ({"max_length": 0}, "A cat. A dog.", ValueError, "max_length is 0"),
        ({"max_length": 1, "n_segments": 1}, "A cat. A dog.", ValueError, "max_length is 1"),
        ({"unit": "page"}, "A cat. A dog.", ValueError, "unit is 'page': choose from 'sentences'"),
        ({"cost": "wrods"}, "A cat. A dog.", ValueError, "cost is 'wrods': choose from 'auto', 'words'.*gzip"),
        ({"cost": "kernel"}, "A cat. A dog.", ValueError, "'kernel' does not count in bits: give n_segments"),
        ({"cost": "zlib", "unit": "bytes"}, "A cat.", ValueError, "too many segments of single bytes: give n_segments"),
        ({"cost": "ppm:3", "unit": "chars"}, "A cat.", ValueError, "of single chars: give n_segments"),
        ({"cost": 3}, "A cat. A dog.", TypeError, "cost is 3"),
        ({"penalty": -1}, "A cat. A dog.", ValueError, "penalty is -1"),
        ({"penalty": float("nan")}, "A cat. A dog.", ValueError, "penalty is nan"),
        ({"penalty": "big"}, "A cat. A dog.", ValueError, "penalty is 'big'"),
        ({"cost": "words"}, "... !!! ... ??? \n\n --- \n\n ***", ValueError, "no letters or digits"),
    ],
)
def test_bad_input(options, text, error, message):
    with pytest.raises(error, match=message):
        TextSegmenter(**options).fit_predict(text)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WordCost(prefix=0), "prefix is 0"),
        (lambda: WordCost(prior=-1), "prior is -1"),
        (lambda: WordCost(prior=float("inf")), "prior is inf"),
        (lambda: CharCost(size=0), "size is 0"),
        (lambda: U00Cost(prefix=-1), "prefix is -1"),
    ],
)
def test_bad_costs(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def long_text(pieces=60, each=50):
    """A text of 3,000 lines."""
    rng = random.Random(1)
    topics = [[f"{chr(97 + t % 26)}{chr(97 + t // 26)}word{i}" for i in range(30)] for t in range(pieces)]
    common = ["the", "of", "and", "to", "in", "that", "it", "is", "was", "for"]
    return "\n".join(" ".join(rng.choices(topics[t] + common * 3, k=9)) for t in range(pieces) for _ in range(each))


def test_long_text():
    text = long_text()
    true = tuple(range(50, 3000, 50))
    found = TextSegmenter(unit="lines").fit_predict(text)
    assert found.method == "candidates"
    assert found.cuts == true
    for number in (2, 60, 100):
        again = TextSegmenter(n_segments=number, unit="lines").fit_predict(text)
        assert len(again) == number
        assert number != 60 or again.cuts == true
    assert set(TextSegmenter(n_segments=30, unit="lines").fit_predict(text).cuts) <= set(true)


def test_long_text_from_local_maxima(monkeypatch):
    """What texts of more than a hundred thousand words go through, on a smaller one."""
    monkeypatch.setattr(candidates, "_WORK", 20_000_000)
    true = set(range(50, 3000, 50))
    found = TextSegmenter(unit="lines").fit_predict(long_text())
    assert found.places < 1000
    assert len(true & set(found.cuts)) >= 57
    assert len(found) <= 63
    two = TextSegmenter(n_segments=2, unit="lines").fit_predict(long_text())
    assert len(two) == 2
    many = TextSegmenter(n_segments=2500, unit="lines").fit_predict(long_text())
    assert len(many) == 2500


@pytest.mark.parametrize("work", [3_000_000_000, 20_000_000])
@pytest.mark.parametrize("number", [None, 100, 101, 150, 2400])
def test_longest_segment_of_a_long_text(monkeypatch, work, number):
    monkeypatch.setattr(candidates, "_WORK", work)
    found = TextSegmenter(n_segments=number, unit="lines", max_length=30).fit_predict(long_text())
    assert max(s.stop - s.start for s in found) <= 30
    assert number is None or len(found) == number


@pytest.mark.parametrize("unit", ["words", "chars", "bytes"])
def test_small_units_of_a_long_text(unit):
    """Windows are as long as for lines, and cuts as exact as the unit."""
    lines = long_text(8, 60).split("\n")
    found = TextSegmenter(n_segments=8, unit=unit).fit_predict("\n".join(lines))
    true = np.cumsum([len(line) + 1 for line in lines])[59:-1:60]
    assert found.method == "candidates"
    assert np.abs(np.array([s.byte_start for s in found[1:]]) - true).max() <= 40


def test_the_search_of_long_texts_is_as_good_as_the_exact_one(monkeypatch):
    lines = lines_of(7, (12, 9, 14, 10, 8, 20, 7, 11))
    cost = WordCost().fit(split_units("\n".join(lines), "lines"))
    exact = best_segmentation(cost)
    known = best_segmentation(cost, 6)
    monkeypatch.setattr(search, "EXACT", 40)
    monkeypatch.setattr(candidates, "EXACT", 40)
    monkeypatch.setattr(candidates, "_UNION", 20)
    long = best_segmentation(cost)
    assert (long.method, long.bounds) == ("candidates", exact.bounds)
    assert total_cost(best_segmentation(cost, 6).bounds, lambda a, b: cost.growing(a, b)[-1]) <= 1.0001 * total_cost(
        known.bounds, lambda a, b: cost.growing(a, b)[-1]
    )


COSTS = {
    "words": WordCost,
    "chars": CharCost,
    "u00": U00Cost,
    "ppm": lambda: CalibratedCost("ppm:1", shuffles=1, starts=1),
    "kernel": lambda: KernelCost(np.eye(6)),
    "onecut": OneCutCost,
    "own": lambda: Naive(lambda start, end: float(end - start) ** 2),
}


@pytest.mark.parametrize("make", COSTS.values(), ids=COSTS)
def test_costs_refuse_what_is_beyond_the_text(make):
    with pytest.raises(ValueError, match=r"is not fitted: call fit\(units\) first"):
        make().growing(0, 1)
    for wrong in ("A cat.", b"A cat.", None, ["A cat."]):
        with pytest.raises(TypeError, match=r"give Units, such as split_units\(text\)"):
            make().fit(wrong)
    with pytest.raises(EmptyTextError, match="nothing to cut"):
        make().fit(split_units(""))
    cost = make()
    assert cost.fit(split_units("\n".join(lines_of(1, (3, 3))), "lines")) is cost
    before = cost.gains(0, 6)
    for start, stop in ((-1, 3), (0, 7), (0, 10**7), (5, 3), (7, 7), (0, 2**70)):
        for method in (cost.growing, cost.gains):
            with pytest.raises(ValueError, match=r"of 6 units.*choose from|of 6 units"):
                method(start, stop)
        if abs(stop) < 2**60:
            with pytest.raises(ValueError, match=r"starts\[1\] is .* of 6 units"):
                cost.evaluate([0, start], [1, stop])
    for start, stop in (("a", 3), (0, 2.5), (None, 2), (False, 2)):
        with pytest.raises(TypeError, match="whole number"):
            cost.growing(start, stop)
    with pytest.raises(TypeError, match=r"starts holds float64: give whole numbers"):
        cost.evaluate([0.5], [2])
    with pytest.raises(ValueError, match=r"starts and ends have shapes \(2,\) and \(1,\)"):
        cost.evaluate([0, 1], [2])
    with pytest.raises(ValueError, match=r"starts\[0\] is 2 and ends\[0\] is 2"):
        cost.evaluate([2], [2])
    assert cost.growing(3, 3).shape == cost.gains(3, 3).shape == cost.gains(3, 4).shape == (0,)
    assert cost.evaluate([], []).shape == (0,)
    assert (cost.evaluate([0, 0], [2, 6]) == cost.growing(0, 6)[[1, 5]]).all()
    assert (cost.gains(0, 6) == before).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_segments": 0}, ValueError, "n_segments is 0: of 6 units choose from 1 to 6"),
        ({"n_segments": -1}, ValueError, "n_segments is -1"),
        ({"n_segments": 7}, ValueError, "n_segments is 7: of 6 units choose from 1 to 6"),
        ({"n_segments": 10**9}, ValueError, "n_segments is 1000000000"),
        ({"n_segments": 1.5}, TypeError, "n_segments is 1.5"),
        ({"n_segments": "2"}, TypeError, "n_segments is '2'"),
        ({"max_length": 0}, ValueError, "max_length is 0"),
        ({"max_length": -1}, ValueError, "max_length is -1"),
        ({"max_length": 1.5}, TypeError, "max_length is 1.5"),
        ({"n_segments": 2, "max_length": 2}, ValueError, "max_length is 2: 2 segments"),
        ({"penalty": 3}, TypeError, "penalty is 3: give a function"),
        ({"penalty": lambda k: np.full(len(k), np.nan)}, ValueError, "penalty of 1 segments is NaN"),
        ({"penalty": lambda k: 1.0}, ValueError, r"penalty gives shape \(\)"),
    ],
)
def test_bad_arguments_of_the_search(options, error, message):
    cost = WordCost().fit(split_units("\n".join(lines_of(1, (3, 3))), "lines"))
    with pytest.raises(error, match=message):
        best_segmentation(cost, **options)


def test_the_search_wants_a_fitted_cost():
    with pytest.raises(ValueError, match=r"WordCost is not fitted: call fit\(units\) first"):
        best_segmentation(WordCost())
    with pytest.raises(TypeError, match="cost is 'words': give a fitted SegmentCost"):
        best_segmentation("words")


@pytest.mark.parametrize(("lines", "longest"), [(36, 1), (37, 2), (3000, 1), (3000, 2), (3000, 7)])
def test_longest_segment_of_few_units(lines, longest):
    text = "\n".join(long_text().split("\n")[:lines])
    found = TextSegmenter(unit="lines", max_length=longest, p_values=False).fit_predict(text)
    assert max(s.stop - s.start for s in found) <= longest
    assert len(found) >= -(-lines // longest)


def test_numbers_of_segments_cost_more_and_more():
    for n in (1, 2, 3, 10, 300):
        bits = search.number_bits(n)(np.arange(1, n + 1))
        assert bits[0] == pytest.approx(np.log2(n))
        assert (np.diff(bits) >= 1 - 1e-9).all()
        assert bits == pytest.approx([number_bits(n, k) for k in range(1, n + 1)])
    assert len(TextSegmenter(p_values=False).fit_predict("One. Two.")) == 1


def test_auto_takes_bytes_where_there_are_no_letters():
    rng = random.Random(0)
    text = "".join("".join(rng.choices(kind, k=9)) + "! " for kind in ("😀😃😄😁", "★☆✦✧") for _ in range(20))
    found = TextSegmenter(n_segments=3).fit_predict(text)
    assert found.cost == "ppm:3"
    assert 20 in found.cuts
    assert TextSegmenter(n_segments=2).fit_predict(text).cuts == (20,)
    assert TextSegmenter().fit_predict("... !!! ... ??? \n\n --- \n\n ***").cost == "ppm:3"
    assert TextSegmenter().fit_predict("Жар! Щит! Жар! Щит!").cost == "words"


@pytest.mark.parametrize("pace", [1.0, 20.0])
def test_cuts_of_small_units_move_to_the_best_place_around(pace):
    lines = lines_of(5, (12, 9, 14))
    cost = WordCost().fit(split_units("\n".join(lines), "chars"))
    n = len(cost.units)
    cost.pace = pace
    whole = best_segmentation(cost, 3)
    assert whole.method == "exact"
    moved = tuple(bound + shift for bound, shift in zip(whole.bounds, (0, 17, -30, 0), strict=True))
    found = candidates._refined(cost, moved, 60, n)

    def total(bounds):
        return sum(cost.evaluate(bounds[:-1], bounds[1:]))

    assert total(found) == pytest.approx(total(whole.bounds))
    assert candidates._refined(cost, moved, 0, n) == moved
