"""Segments as they are shown."""

import pytest

from ncd.changepoint import Segment, TextSegmenter


def opening(data, width=40):
    return Segment(0, 1, 0, len(data), 0, len(data), data, None, None).opening(width)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain words", "plain words"),
        (b"a\x00b\x1b[31mc\x07", "a\\x00b\\x1b[31mc\\x07"),
        ("left \u202eright".encode(), "left \\u202eright"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("na\u00efve\n\tcaf\u00e9".encode(), "na\u00efve caf\u00e9"),
    ],
)
def test_openings_hide_nothing(data, shown):
    assert opening(data) == shown


@pytest.mark.parametrize("width", [4, 12, 40])
def test_openings_are_no_longer_than_their_width(width):
    for data in (b"\x00" * 100, b"word " * 100, b"\x1b[0m \x00" * 50):
        assert len(opening(data, width)) <= width


def test_binary_texts_print_no_control_characters():
    text = b"\x1b[2J\x00\x01 one two.\n" * 6 + b"\x07\x08 three four.\n" * 6
    printed = repr(TextSegmenter("ppm:3", 2, unit="lines", p_values=False).fit_predict(text))
    assert printed.replace("\n", "").isprintable()
