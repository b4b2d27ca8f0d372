"""Exact deflate lengths as an engine: who uses the kernel, and that nobody can tell."""

import random
import zlib

import pytest

from ncd.compressors.deflate import is_classic
from ncd.engines import exact

classic = pytest.mark.skipif(not is_classic(), reason="the standard library's zlib is not classic zlib")


# pairs that the kernel for pairs leaves out


@classic
def test_where_the_window_slides():
    """zlib, given a text in two pieces, slides its window a byte earlier if the first one ends at 65,535."""
    differs = 0
    for seed in range(12):
        text = bytearray(random.Random(seed).choices(range(128), k=66_000))
        text[65_274:65_294] = text[32_768:32_788]  # as far back as a match may be
        first, second = bytes(text[:65_535]), bytes(text[65_535:])
        whole = len(zlib.compress(text, 9, -15))
        assert exact.pairs([first], [second], separator=b"").tolist() == [[whole]]
        assert exact.single([bytes(text)]) == [whole]
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        differs += len(coder.compress(first) + coder.compress(second) + coder.flush()) != whole
    assert differs > 3
