"""Code lengths of growing prefixes: those of every prefix by itself, whatever the compressor."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import make_bytes, make_text

import ncd
from ncd.changepoint.prefixes import prefix_lengths

TEXT = (make_text(1, 120) + " ünïcödé " + make_text(2, 60)).encode() + make_bytes(0, 50)
AVAILABLE = [row.name for row in ncd.available() if row.installed and not row.name.endswith("PATH")]


@pytest.mark.parametrize("name", [*AVAILABLE, "zlib:1", "deflate:0", "ppm:1,alphabet=words", "ppm:2,frozen=True"])
def test_equals_the_length_of_each_prefix(name):
    compressor = ncd.get_compressor(name)
    ends = [3, 3, 4, 10, 90, 91, 200, len(TEXT) - 1, len(TEXT)]
    found = compressor.prefix_lengths(TEXT, ends, start=3)
    assert found.dtype == compressor.dtype
    assert found.tolist() == [compressor.length(TEXT[3:end]) for end in ends]
    assert prefix_lengths(TEXT, ends, name, start=3).tolist() == found.tolist()


@pytest.mark.parametrize("level", [1, 4, 6, 9])
@pytest.mark.parametrize("kind", ["words", "noise", "alike"])
def test_deflate_over_windows_and_blocks(level, kind):
    text = {"words": make_text(3, 30_000).encode(), "noise": make_bytes(1, 150_000), "alike": b"ab" * 75_000}[kind]
    ends = np.unique(np.random.default_rng(level).integers(0, len(text), 60))
    ends = np.concatenate([ends, [len(text)]])
    expected = [len(zlib.compress(text[:end], level)) for end in ends]
    assert ncd.get_compressor(f"zlib:{level}").prefix_lengths(text, ends).tolist() == expected


@given(
    st.binary(max_size=400), st.sampled_from(["zlib", "gzip:3", "ppm:3", "ctw:3", "ngram:4", "kn:3", "wb:2"]), st.data()
)
@settings(max_examples=60)
def test_any_bytes(data, name, draw):
    ends = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=12)))
    compressor = ncd.get_compressor(name)
    assert compressor.prefix_lengths(data, ends).tolist() == [compressor.length(data[:end]) for end in ends]


def test_deflate_where_the_library_is_another(monkeypatch):
    from ncd.compressors import deflate

    monkeypatch.setattr(deflate, "is_classic", lambda: False)
    ends = [10, 500, len(TEXT)]
    assert prefix_lengths(TEXT, ends, "zlib").tolist() == [len(zlib.compress(TEXT[:end], 9)) for end in ends]


def test_each_prefix_costs_its_new_bytes():
    class Coder:
        def __init__(self):
            self.given = 0

        def __getattr__(self, name):
            return getattr(coder, name)

        def compress(self, piece):
            self.given += len(piece)
            return coder.compress(piece)

    text = make_text(4, 20_000).encode()
    coder, spy = zlib.compressobj(9, zlib.DEFLATED, -15), Coder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "compressobj", lambda *_: spy)
        ncd.get_compressor("zlib").prefix_lengths(text, range(5_000, len(text), 1_000))
    assert spy.given <= len(text)


def test_own_objects():
    class Half:
        name = "half"

        def length(self, data):
            return len(data) / 2

    assert prefix_lengths("abcd", [1, 4], Half()).tolist() == [0.5, 2.0]


def test_nothing():
    assert prefix_lengths(b"", [0], "zlib").tolist() == [len(zlib.compress(b"", 9))]
    assert prefix_lengths(b"abc", [], "ppm:3").shape == (0,)
    assert prefix_lengths(b"abc", np.array([3], np.uint8), "ppm:3", start=3).tolist() == [0.0]


@pytest.mark.parametrize(
    ("ends", "start", "error", "words"),
    [
        ([2, 1], 0, ValueError, "ascend"),
        ([1, 99], 0, ValueError, "number of bytes"),
        ([-1], 0, ValueError, "ascend"),
        ([1], 2, ValueError, "ascend"),
        ([1], 9, ValueError, "start is 9: choose from 0 to 4"),
        ([1], 1.5, TypeError, "start is 1.5"),
        ([1.0], 0, TypeError, "float64"),
        ([np.nan], 0, TypeError, "whole numbers"),
        ([[1]], 0, ValueError, "shape"),
    ],
)
def test_bad_ends(ends, start, error, words):
    with pytest.raises(error, match=words):
        prefix_lengths("abcd", ends, "zlib", start=start)


def test_bad_compressor():
    with pytest.raises(ValueError, match="zlip"):
        prefix_lengths("abcd", [1], "zlip")
