"""The report's procedure against gzip and a loop, and evidence that can speak against a cut."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import ncd
from ncd.changepoint import byte_stream, split_units
from ncd.changepoint.drift import reference_p_value, text_change_test
from ncd.changepoint.verify import verify
from ncd.data import load_udhr

UDHR = load_udhr()
STEPS = (100, 80, 50, 20, 10)


def text_in(name, size, start=0):
    return UDHR.texts[UDHR.labels.index(name)][start : start + size]


ENGLISH, FINNISH = text_in("English", 2500), text_in("Finnish", 2500)
MIXED = ENGLISH[:1500] + FINNISH[:1200]
CUT = len(ENGLISH[:1500].encode())


def naive_brackets(words, position, steps, first=10, last=15):
    """Grow, compress, take the neighbours of which only the second reaches beyond the position; then again inside."""
    low, high, found = 0, len(words), []
    for step in steps:
        ends = [*range(low, high, step), high]
        sizes = [max(0, len(gzip.compress(b"".join(words[:end]), 9)) - first - last) for end in ends]
        for i in range(len(ends) - 1):
            if sizes[i + 1] > position:
                break
        found.append((ends, sizes, (ends[i], ends[i + 1])))
        low, high = found[-1][2]
    return found


@pytest.mark.parametrize("unit", ["words", "chars", "bytes"])
@pytest.mark.parametrize("position", [1, 20, 413, 700, 1000])
def test_brackets_are_those_of_the_report(unit, position):
    units = split_units(MIXED, unit)[:]
    assert position < byte_stream(MIXED).size
    found = verify(MIXED, position, unit=unit, shuffles=2, codes=())
    expected = naive_brackets(units, position, STEPS)
    assert len(found.steps) == 5
    offsets = np.cumsum([0, *map(len, units)])
    for step, size, (ends, sizes, (a, b)) in zip(found.steps, STEPS, expected, strict=True):
        assert step.size == size
        assert step.prefixes.tolist() == ends
        assert step.lengths.tolist() == sizes
        assert step.units == (a, b)
        assert step.text == (offsets[a], offsets[b])
        low, high = step.stream
        assert low <= position < high
    assert found.bracket == found.steps[-1].text
    assert found.bracket[0] <= found.cut <= found.bracket[1]
    assert found.bracket[1] - found.bracket[0] <= 10 * max(map(len, units))


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_brackets_of_any_position_hold_it(data):
    compressor = data.draw(st.sampled_from(["gzip:1", "zlib", "bz2", "xz", "ppm:2", "kt"]))
    strip = data.draw(st.sampled_from(["auto", (10, 15), None]))
    size = byte_stream(MIXED, compressor, strip).size
    position = data.draw(st.integers(1, size - 1))
    found = verify(MIXED, position, compressor, (60, 7), strip=strip, shuffles=2, codes=())
    ends = found.steps[-1].prefixes
    assert len(ends) >= 2
    low, high = found.stream_bracket
    units = found.steps[-1].units
    if low <= position < high:
        assert units[0] < units[1]
    else:  # in the header, or in a model's last byte
        assert units[0] == 0 or units[1] == len(split_units(MIXED, "words"))


def test_a_place_of_the_text():
    found = verify(MIXED, CUT, counted="text")
    for step in found.steps:
        assert step.text[0] <= CUT < step.text[1]
        assert step.lengths.tolist() == [
            max(0, len(gzip.compress(MIXED.encode()[:end], 9)) - 25) for end in step.offsets.tolist()
        ]
    assert found.cut == CUT
    assert found.character == 1500
    assert found.position == len(gzip.compress(MIXED.encode()[:CUT], 9)) - 25


def test_a_real_change_holds():
    found = verify(MIXED, CUT, counted="text")
    assert found.stable
    assert {gain.code for gain in found.gains} == {"gzip:9", "ppm:3", "words"}  # zlib is gzip in another frame
    for gain in found.gains:
        assert gain.score > 3
        assert gain.excess == gain.bits - gain.shuffled == pytest.approx(gain.score * gain.spread)
        cost = "zlib" if gain.code == "gzip:9" else gain.code
        tested = text_change_test(MIXED, cost=cost)
        nearest = np.abs(tested.units.offsets[1:-1] - CUT).argmin()
        assert gain.effect == pytest.approx(tested.effects[nearest], rel=1e-3)  # gzip and zlib differ in their frames
        assert gain.p_value == reference_p_value(gain.effect, cost) < 0.05
    assert found.p_value == found.gains[1].p_value  # of ppm:3
    assert found.verified
    assert not verify(MIXED, CUT, counted="text", alpha=found.p_value / 2).verified
    assert [one.source for one in found.agreements] == ["gzip:9", "ppm:3", "words", "even units", "odd units"]
    assert all(one.distance <= 0.1 for one in found.agreements)


def test_a_wrong_cut_of_the_same_text_does_not():
    found = verify(MIXED, 600, counted="text")
    assert not found.stable
    assert not found.verified
    assert found.p_value > 0.05
    right = verify(MIXED, CUT, counted="text")
    for wrong, true in zip(found.gains, right.gains, strict=True):
        assert wrong.excess < true.excess / 2


def test_one_source_is_not_verified():
    for language in ("English", "Turkish", "Russian"):
        found = verify(text_in(language, 2000, 3000), 1000, "zlib", counted="text")
        assert found.p_value is not None
        assert not found.verified


def test_near_the_ends_there_is_no_reference():
    found = verify(MIXED, 60, counted="text")
    assert [(gain.effect, gain.p_value) for gain in found.gains] == [(None, None)] * 3
    assert found.p_value is None
    assert not found.verified
    assert "too near an end" in repr(found)


def test_codes_without_a_reference_have_no_p_value():
    found = verify(MIXED, CUT, "bz2", counted="text", codes=())
    assert found.gain.effect > 0
    assert found.gain.p_value is None is found.p_value
    assert verify(MIXED, CUT, "deflate", counted="text", codes=()).p_value < 0.05
    assert verify(MIXED, CUT, "deflate:1", counted="text", codes=()).p_value is None


def test_the_gain_is_that_of_the_code_lengths():
    found = verify(MIXED, CUT, counted="text", codes=())
    data = MIXED.encode()
    parts = [len(part) for part in split_units(MIXED)[:]]
    edges = np.cumsum(parts)
    nearest = int(edges[np.abs(edges - CUT).argmin()])
    if nearest == CUT:  # the cut is at the end of a sentence
        coder = ncd.get_compressor("deflate")
        whole = (coder.length(data) + coder.length(data[::-1])) / 2
        expected = 8 * (whole - coder.length(data[:CUT]) - coder.length(data[:CUT:-1] + data[CUT : CUT + 1]))
        assert found.gain.bits == expected


def test_within_a_part():
    """The same answers as of the part alone, counted from the beginning of the text."""
    before, after = "æ" * 100 + "\n", " More of it. And more."
    begin = len(before.encode())
    whole = before + MIXED + after
    alone = verify(MIXED, CUT, counted="text")
    part = verify(whole, begin + CUT, counted="text", within=(begin, begin + len(MIXED.encode())))
    assert part.within == (begin, begin + len(MIXED.encode()))
    assert part.cut == begin + CUT
    assert part.character == len(before) + 1500
    assert part.bracket == tuple(begin + byte for byte in alone.bracket)
    assert part.stream_bracket == alone.stream_bracket
    assert part.gains == alone.gains
    assert [one.cut - begin for one in part.agreements] == [one.cut for one in alone.agreements]
    by_stream = verify(whole, 413, within=part.within)
    assert by_stream.bracket == tuple(begin + byte for byte in verify(MIXED, 413).bracket)


def test_models_and_their_names():
    found = verify(MIXED, CUT, "ppm:3", counted="text", steps=(50, 5))
    assert found.gains[0].code == "ppm:3"
    assert len(found.gains) == 3
    assert found.steps[0].lengths[-1] == pytest.approx(ncd.get_compressor("ppm:3").length(MIXED) / 8)


def test_an_object_of_ones_own():
    class Halves:
        name = "halves"

        def length(self, data):
            return len(data) // 2 + 3

    found = verify(MIXED, CUT, Halves(), counted="text", codes=())
    assert found.gain.code == "halves"
    assert found.gain.score == 0 or abs(found.gain.excess) < 40


def test_short_texts_have_a_bracket_and_no_evidence():
    found = verify("to be or not to be", 5, steps=(3, 1), counted="text")
    assert found.bracket == (3, 6)
    assert found.gains == ()
    assert found.agreements == ()
    assert found.gain is None
    assert not found.stable
    assert "gain" not in repr(found)


def test_bytes_that_are_no_text():
    noise = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    found = verify(noise, 1000, unit="bytes")
    assert found.steps[-1].units[1] - found.steps[-1].units[0] <= 10
    assert abs(found.cut - 1000) < 100  # noise cannot be compressed


def test_result_speaks_for_itself():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = verify(MIXED, 413)
    lines = repr(found).splitlines()
    assert lines[0].startswith("<Verification by gzip:9: byte")
    assert lines[0].endswith("413 of the stream>")
    assert lines[1].startswith("steps of 100 words: ")
    assert sum(line.startswith("gain by") for line in lines) == 3
    record = found.to_dict()
    assert record["position"] == 413
    assert record["steps"][4]["size"] == 10
    import json

    json.dumps(record)
    ax = found.plot()
    curve, position = ax.lines
    assert curve.get_xdata()[0] == 0
    assert set(position.get_ydata()) == {413}
    assert len(ax.patches) == 1
    pyplot.close(ax.figure)


def test_same_seed_same_answer():
    assert verify(MIXED, 413).to_dict() == verify(MIXED, 413).to_dict()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: verify("", 1), ncd.EmptyTextError, "text is empty"),
        (lambda: verify(MIXED, 0), ValueError, "changepoint is 0: with a stream of"),
        (lambda: verify(MIXED, 10**6), ValueError, "changepoint is 1000000"),
        (lambda: verify(MIXED, 10**6, counted="text"), ValueError, "within bytes 0 to 2,"),
        (lambda: verify(MIXED, 3.5), TypeError, "changepoint is 3.5"),
        (lambda: verify(MIXED, 5, counted="words"), ValueError, "choose from 'stream', 'text'"),
        (lambda: verify(MIXED, 5, steps=()), ValueError, "descending"),
        (lambda: verify(MIXED, 5, steps=(10, 20)), ValueError, "descending"),
        (lambda: verify(MIXED, 5, steps=(10, 0)), ValueError, r"steps\[1\] is 0"),
        (lambda: verify(MIXED, 5, steps=10), TypeError, "steps is 10"),
        (lambda: verify(MIXED, 5, unit="pages"), ValueError, "unit is 'pages'"),
        (lambda: verify(MIXED, 5, "gzp"), ValueError, "gzip"),
        (lambda: verify(MIXED, 5, codes="zlib"), TypeError, "codes is 'zlib'"),
        (lambda: verify(MIXED, 5, shuffles=1), ValueError, "shuffles is 1"),
        (lambda: verify(MIXED, 5, tolerance=2), ValueError, "tolerance is 2"),
        (lambda: verify(MIXED, 5, alpha=0), ValueError, "alpha is 0"),
        (lambda: verify("a", 1, counted="text", strip="auto"), ValueError, "changepoint is 1"),
        (lambda: verify("a", 1, counted="text"), ValueError, "has 21 bytes"),
        (lambda: verify(MIXED, 5, counted="text", strip=(10**9, 0)), ValueError, r"strip is \(1000000000, 0\)"),
        (lambda: verify(MIXED, 5, tolerance=None), TypeError, "tolerance is None"),
        (lambda: verify(MIXED, 5, tolerance="a"), TypeError, "tolerance is 'a'"),
        (lambda: verify(MIXED, 5, tolerance=True), TypeError, "tolerance is True"),
        (lambda: verify(MIXED, 5, tolerance=float("nan")), ValueError, "tolerance is nan"),
        (lambda: verify(MIXED, 5, alpha=None), TypeError, "alpha is None"),
        (lambda: verify(MIXED, 5, alpha="x"), TypeError, "alpha is 'x'"),
        (lambda: verify(MIXED, 5, codes=None), TypeError, "codes is None"),
        (lambda: verify(MIXED, 5, codes=3), TypeError, "codes is 3"),
        (lambda: verify("a b c", 1, strip="auto", random_state="x"), TypeError, "random_state is 'x'"),
        (lambda: verify(MIXED, 5, random_state=-1), ValueError, "random_state is -1"),
        (lambda: verify("a", 1), ValueError, "has 21 bytes"),
        (lambda: verify(MIXED, 5, within=(50, 20), counted="text"), ValueError, r"within\[1\] is 20"),
        (lambda: verify(MIXED, 5, within=(50, 90), counted="text"), ValueError, "within bytes 50 to 90"),
        (lambda: verify(MIXED, 5, within=7), TypeError, "within is 7"),
        (lambda: verify(MIXED, 5, strip=3, counted="text"), TypeError, "strip is 3"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_other_compressors_compress_so_often_and_no_more():
    class Counted:
        name = "counted"
        calls = 0

        def length(self, data):
            self.calls += 1
            return ncd.get_compressor("zlib").length(data)

    coder = Counted()
    text = text_in("English", 3500) + text_in("Finnish", 3500)
    found = verify(text, 3500, coder, counted="text", codes=(), tolerance=np.float32(0.25), alpha=np.float64(0.05))
    assert coder.calls < 1700  # 500 for the text and for each half, and the brackets
    assert abs(next(one.cut for one in found.agreements if one.source == "counted") - 3500) < 400
    assert found.gain.excess > 0


def test_steps_are_readable():
    step = verify(MIXED, CUT, counted="text").steps[-1]
    assert repr(step).startswith(f"<Step of 10 units, {len(step.prefixes)} prefixes: bytes {step.text[0]:,} to")


def test_slow_compressors_see_fewer_and_larger_units():
    from ncd.changepoint.evidence import FEWEST, judged_by
    from ncd.changepoint.sweeps import short_units

    text = "".join(f"Sentence number {i} of this text. " for i in range(1500))
    units = short_units(text)
    cut = int(units.offsets[777])
    bz2, zlib = (judged_by(ncd.get_compressor(name), units, cut, 16, 0) for name in ("bz2", "zlib"))
    assert zlib.units is units
    assert FEWEST <= len(bz2.units) < 40
    assert cut in bz2.units.offsets
    assert bz2.units.text == units.text
    assert np.diff(bz2.units.offsets).max() < 2.5 * len(units.text) / len(bz2.units)


def test_repr_ends_with_the_verdict() -> None:
    udhr = load_udhr()
    english, finnish = (udhr.texts[udhr.labels.index(name)][:900] for name in ("English", "Finnish"))
    lines = repr(verify(english + finnish, 900, counted="text")).splitlines()
    assert lines[-1].startswith("verified at 0.05: reference p = 0.0")
    assert repr(verify(english, 450, counted="text")).splitlines()[-1].startswith("not verified at 0.05: ")
    short = verify("one two three four. " * 3, 20, counted="text", unit="words", strip="auto")
    assert repr(short).splitlines()[-1] == "not verified: the text is too short to be judged"
