"""Units of texts: nothing is lost, offsets agree, and sentences end where they end."""

from __future__ import annotations

import typing

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.changepoint.units import Unit, split_units

UNITS = typing.get_args(Unit)


@pytest.mark.parametrize("unit", UNITS)
@given(text=st.text(st.sampled_from("ab .\n\r!?Zé。你\u0301\t"), max_size=40) | st.binary(max_size=30))
def test_nothing_is_lost(unit: Unit, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    units = split_units(text, unit)
    assert b"".join(units[:]) == data == units.text
    assert [units.offsets[0], units.offsets[-1]] == [0, len(data)]
    assert np.all(np.diff(units.offsets) > 0)
    assert len(units) == len(units[:])
    decoded = data.decode("utf-8", "surrogateescape")
    if unit != "bytes":
        sizes = [len(decoded[:k].encode("utf-8", "surrogateescape")) for k in units.characters]
        assert sizes == units.offsets.tolist()
    if unit in ("sentences", "lines", "words") and decoded.strip():
        assert all(piece.decode("utf-8", "surrogateescape").strip() for piece in units[:])


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [
        ("lines", "\n\n a b\n\nc\r\nd\n \n", ["\n\n a b\n\n", "c\r\n", "d\n \n"]),
        ("lines", "no break", ["no break"]),
        ("words", "  a b\n c ", ["  a ", "b\n ", "c "]),
        ("chars", "aé", ["a", "é"]),
        ("sentences", "One. Two? Three! four", ["One. ", "Two? ", "Three! four"]),
        (
            "sentences",
            'J. Smith said "No." He left at 3.5 p.m. and came.',
            ['J. Smith said "No." ', "He left at 3.5 p.m. and came."],
        ),
        (
            "sentences",
            "A wrapped\nline. Next\nline.\n\ntitle\n\nText.",
            ["A wrapped\nline. ", "Next\nline.\n\n", "title\n\n", "Text."],
        ),
        ("sentences", "你好。再见！好", ["你好。", "再见！", "好"]),
        ("sentences", "नमस्ते। आप कैसे हैं", ["नमस्ते। ", "आप कैसे हैं"]),
    ],
)
def test_where_units_end(unit: Unit, text: str, expected: list[str]) -> None:
    assert [piece.decode() for piece in split_units(text, unit)[:]] == expected


def test_bytes_that_are_not_utf8_are_characters() -> None:
    assert split_units(b"a\xffb\xc3\xa9", "chars").offsets.tolist() == [0, 1, 2, 3, 5]
    assert split_units(b"a\xffb\xc3\xa9", "chars").characters.tolist() == [0, 1, 2, 3, 4]
    assert split_units(b"a\xff. B", "sentences")[:] == [b"a\xff. ", b"B"]


def test_empty_and_unknown() -> None:
    for unit in UNITS:
        assert len(split_units("", unit)) == 0
    assert split_units("  \n ", "lines")[:] == [b"  \n "]
    with pytest.raises(ValueError, match="unit is 'paragraphs': choose from 'sentences', 'lines'"):
        split_units("a", "paragraphs")  # type: ignore[arg-type]
