"""What is new in a stream, told in words."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.exceptions import NotFittedError

from ncd.streams.base import TextUnits
from ncd.streams.byte_signals import ByteSignals
from ncd.streams.novel import NovelText, _maximal, _tokens, novel_texts

WORDS = ["cache", "index", "order", "payment", "queue", "replica", "session", "shard", "user", "worker"]


def line(rng, text=None):
    """A line of a log, with a number that no other has."""
    time = f"12:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}.{rng.randint(0, 999):03d}"
    said = text or f"INFO {rng.choice(WORDS)} {rng.choice(WORDS)} done"
    return f"{time} {said} id={rng.getrandbits(32):08x} in {rng.randint(1, 300)} ms".encode()


def learned(units, **arguments):
    signals = ByteSignals(**arguments)
    signals.learn(TextUnits.of(units))
    return signals


@pytest.fixture(scope="module")
def log():
    rng = random.Random(0)
    return learned([line(rng) for _ in range(120)])


def test_words_of_a_log(log):
    rng = random.Random(1)
    units = [line(rng, "ERROR connection refused") if i % 2 else line(rng) for i in range(20)]
    found = novel_texts(log, units)
    assert (found[0].shown, found[0].count) == ("ERROR connection refused", 10)
    bits = [log.byte_bits(unit) for unit in units[1::2]]
    places = [unit.index(b"ERROR") for unit in units[1::2]]
    costs = [b[at : at + len(found[0].text)].sum() for b, at in zip(bits, places, strict=True)]
    assert found[0].bits == pytest.approx(np.mean(costs), rel=1e-5)
    assert found[0].share > 0.5
    assert sum(text.share for text in found) <= 1 + 1e-9
    assert [text.share for text in found] == sorted((text.share for text in found), reverse=True)
    assert len(novel_texts(log, units, n=1)) == 1
    assert novel_texts(log, units) == found


def test_nothing_new(log):
    """Numbers that no line shares are usual here."""
    rng = random.Random(2)
    extra = [novel_texts(log, [line(rng) for _ in range(5)]) for _ in range(20)]
    assert sum(map(bool, extra)) <= 6  # one unit in twenty is beyond what is usual, by definition
    assert novel_texts(log, []) == []
    assert novel_texts(log, [b""]) == []


def test_several_texts_that_lines_share_in_part(log):
    rng = random.Random(3)
    units = [line(rng, f"ERROR disk {'full' if i % 3 else 'quota exceeded'} on {rng.choice(WORDS)}") for i in range(12)]
    texts = {text.shown: text.count for text in novel_texts(log, units)}
    assert any("full" in text and count == 8 for text, count in texts.items())
    assert any("quota exceeded" in text and count == 4 for text, count in texts.items())


def test_script_without_spaces():
    rng = random.Random(4)
    words = ["今天", "天气", "很好", "公园", "散步", "孩子", "花开", "春天"]
    units = ["".join(rng.choice(words) for _ in range(12)).encode() for _ in range(100)]
    new = [
        ("".join(rng.choice(words) for _ in range(6)) + "数据库连接失败" + rng.choice(words)).encode() for _ in range(6)
    ]
    found = novel_texts(learned(units), new)
    assert (found[0].shown, found[0].count) == ("数据库连接失败", 6)


def test_combining_marks_stay_with_their_letters():
    rng = random.Random(5)
    words = ["यह", "एक", "अच्छा", "दिन", "है", "और", "हम", "घर", "जा", "रहे"]
    units = [" ".join(rng.choice(words) for _ in range(10)).encode() for _ in range(100)]
    new = [
        (" ".join(rng.choice(words) for _ in range(4)) + " विद्यार्थी " + rng.choice(words)).encode() for _ in range(6)
    ]
    assert novel_texts(learned(units), new)[0].shown == "विद्यार्थी"


def test_binary():
    rng = random.Random(6)
    units = [bytes(rng.choice(b"\x00\x01\x02\xfe\xff") for _ in range(100)) for _ in range(100)]
    new = [bytes(rng.choice(b"\x00\x01\x02\xfe\xff") for _ in range(50)) + b"\x93\x94\xa0\x07" * 3 for _ in range(6)]
    found = novel_texts(learned(units, framed=False), new)
    assert found[0].text in b"\x93\x94\xa0\x07" * 3
    assert found[0].shown.startswith("\\x93")
    noise = [rng.randbytes(100) for _ in range(80)]
    assert novel_texts(learned(noise[:70]), noise[70:]) == []


def test_another_language_is_new_as_a_whole():
    rng = random.Random(7)
    english = ["the", "cat", "sat", "on", "a", "mat", "and", "looked", "at", "that", "dog", "which", "ran", "away"]
    units = [" ".join(rng.choice(english) for _ in range(20)).encode() for _ in range(60)]
    new = [b"Zwei Hunde bellen laut im Garten, kein Mensch schl\xc3\xa4ft"]
    (found,) = novel_texts(learned(units), new)
    assert found.text == new[0]
    assert found.count == 1


def test_long_units(log):
    rng = random.Random(8)
    long = b"ERROR connection refused " + b" ".join(line(rng) for _ in range(40_000))
    assert any("ERROR connection refused" in text.shown for text in novel_texts(log, [long]))
    garbage = rng.randbytes(1 << 20)
    assert all(len(text.text) < 300 and len(text.shown) <= 100 for text in novel_texts(log, [garbage]))


@pytest.mark.parametrize("reference", [[b"only"], [b""], [b"a", b"b"], [b"x" * 3_000_000, b"y"]])
def test_small_and_odd_references(reference):
    found = novel_texts(learned(reference), [b"something else entirely"] * 3)
    assert all(text.count == 3 for text in found)


def test_refusals(log):
    with pytest.raises(NotFittedError):
        novel_texts(ByteSignals(), [b"a"])
    with pytest.raises(ValueError, match="n is 0"):
        novel_texts(log, [b"a"], n=0)


def test_shown_and_stored():
    novel = NovelText(b"caf\xc3\xa9\x00\xff " + b"x" * 200, 3, 12.5, 0.25)
    assert novel.shown.startswith("café\\x00\\xff xxx")
    assert len(novel.shown) == 100
    assert json.loads(json.dumps(novel.to_dict()))["text"] == novel.shown
    assert NovelText.from_state(novel.to_state()) == novel


@given(st.binary(max_size=60))
def test_tokens_are_the_unit(unit):
    assert "".join(_tokens(unit)).encode("utf-8", "surrogateescape") == unit


def naive_maximal(scores, offset=0):
    """The run with the largest sum, the shortest of equal ones, and what is so to both sides of it."""
    size = len(scores)
    runs = [(sum(scores[i:j]), i - j, -i, i, j) for i in range(size) for j in range(i + 1, size + 1)]
    best = max(runs, default=(0,))
    if best[0] <= 0:
        return []
    i, j = best[3], best[4]
    left, right = naive_maximal(scores[:i], offset), naive_maximal(scores[j:], offset + j)
    return [*left, (i + offset, j + offset), *right]


@given(st.lists(st.integers(-40, 40).filter(bool), max_size=14))
def test_maximal_runs(scores):
    assert _maximal(scores) == naive_maximal(scores)
