"""Byte streams: what is stripped, and which text stands where, against zlib itself and against prefixes."""

import itertools
import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import ncd
from ncd.changepoint.bytestream import byte_stream, framing, stream_to_text, text_to_stream
from ncd.changepoint.inflate import read_tokens
from ncd.data import load_udhr

ENGLISH = load_udhr().texts[load_udhr().labels.index("English")]
WORDS = "to be or not to be, that is the question: whether 'tis nobler in the mind to suffer"
INSTALLED = [row.name for row in ncd.available() if row.installed and not row.name.startswith("hf")]
LEVELS = ["gzip:9", "zlib:6", "deflate:1", "gzip:0", "deflate:3"]

texts = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"the ", b"cat ", b"sat", b"\n", b"aaaaaaaa"]), max_size=300).map(b"".join),
)


@pytest.mark.parametrize("name", INSTALLED)
def test_auto_takes_off_header_and_trailer_and_nothing_else(name):
    coder = ncd.get_compressor(name)
    short, long = (coder.compress(text) for text in ("a short text", ENGLISH))
    for text, stream in (("a short text", short), (ENGLISH, long)):
        header, trailer = framing(stream, name)
        assert header >= coder.header
        assert trailer >= coder.trailer - 4
        found = byte_stream(text, name, "auto")
        assert found.dtype == np.uint8
        assert found.tobytes() == stream[header : len(stream) - trailer]
        assert byte_stream(text, name, None).tobytes() == byte_stream(text, name, (0, 0)).tobytes() == stream


def test_what_is_left_is_the_data():
    assert zlib.decompress(byte_stream(ENGLISH, "gzip", "auto").tobytes(), -15) == ENGLISH.encode()
    assert zlib.decompress(byte_stream(ENGLISH, "zlib", "auto").tobytes(), -15) == ENGLISH.encode()
    assert byte_stream(ENGLISH, "gzip", "auto").tobytes() == byte_stream(ENGLISH, "deflate", None).tobytes()


def test_the_report_takes_ten_and_fifteen():
    stream = ncd.get_compressor("gzip").compress(ENGLISH)
    assert byte_stream(ENGLISH).tobytes() == stream[10:-15]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 65_791, 65_792, 70_000])
def test_framing_of_zstd_follows_the_size(size):
    zstd = pytest.importorskip("backports.zstd")
    data = random.Random(0).randbytes(size)
    stream = ncd.get_compressor("zstd").compress(data)
    assert framing(stream, "zstd") == (zstd.get_frame_info(stream) and 6 + (size > 255) + 2 * (size > 65_791), 0)


def test_framing_of_xz_is_what_the_footer_says():
    import lzma

    for check, size in (("none", 0), ("crc32", 4), ("crc64", 8), ("sha256", 32)):
        name = f"xz:6,check={check}"
        stream = ncd.get_compressor(name).compress(ENGLISH)
        header, trailer = framing(stream, name)
        block = stream[header : len(stream) - trailer]
        raw = lzma.decompress(
            block[(block[0] + 1) * 4 :], lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}]
        )
        assert raw == ENGLISH.encode()
        assert len(block) % 4 == size % 4 == 0


@pytest.mark.parametrize("alphabet", ["bytes", "words"])
def test_streams_of_models_lose_only_their_numbers(alphabet):
    name = f"ppm:3,alphabet={alphabet}"
    data = byte_stream(ENGLISH, name, "auto")
    bits = ncd.get_compressor(name).length(ENGLISH)
    streams = 4 if alphabet == "words" else 1
    assert bits / 8 - 1 <= data.size <= bits / 8 + 2 * streams


@settings(deadline=None, max_examples=150)
@given(
    texts, st.sampled_from([0, 1, 5, 9]), st.sampled_from([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
)
def test_tokens_cover_text_and_stream(data, level, strategy):
    coder = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    stream = coder.compress(data[: len(data) // 2]) + coder.flush(zlib.Z_FULL_FLUSH)  # at least two blocks
    stream += coder.compress(data[len(data) // 2 :]) + coder.flush()
    tokens = read_tokens(stream)
    assert tokens.offsets[0] == 0
    assert tokens.offsets[-1] == len(data)
    assert np.all(np.diff(tokens.offsets) >= 1)
    assert np.all(tokens.ends > tokens.starts)
    assert np.all(tokens.starts[1:] >= tokens.ends[:-1])
    assert not len(tokens.ends) or tokens.ends[-1] <= 8 * len(stream)


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_a_stream_cut_short_gives_the_text_before_the_token(level):
    """What zlib can inflate of the first bytes of a stream is what the tokens say stands in them."""
    data = (ENGLISH * 3).encode()[:70_000]
    stream = zlib.compress(data, level, -15)
    tokens = read_tokens(stream)
    for position in random.Random(level).sample(range(len(stream)), 60):
        inflated = len(zlib.decompressobj(-15).decompress(stream[:position]))
        complete = int(np.searchsorted(tokens.ends, 8 * position, "right"))
        assert inflated == tokens.offsets[complete]


@pytest.mark.parametrize("cut", [0, 1, 5, 40, 200])
def test_damaged_streams_are_refused(cut):
    stream = zlib.compress(ENGLISH.encode(), 9, -15)
    with pytest.raises(ValueError, match="cut short"):
        read_tokens(stream[:cut])
    with pytest.raises(ValueError, match="damaged"):
        read_tokens(b"\x07" + stream)


@settings(deadline=None, max_examples=300)
@given(st.binary(min_size=1, max_size=60))
def test_noise_is_refused_or_read(noise):
    try:
        expected = zlib.decompressobj(-15).decompress(noise + bytes(8))
        valid = True
    except zlib.error:
        valid = False
    try:
        tokens = read_tokens(noise)
    except ValueError:
        return
    assert valid
    assert tokens.offsets[-1] == len(expected)


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("strip", [(10, 15), "auto", None])
def test_parse_and_back(name, strip):
    data = ENGLISH.encode()
    size = byte_stream(data, name, strip).size
    for position in [0, size, *random.Random(1).sample(range(size), 40)]:
        place = stream_to_text(data, position, name, strip=strip)
        assert place.method == "parse"
        assert 0 <= place.start <= place.stop <= len(data)
        for offset in {place.start, place.stop - 1} if place.stop > place.start else ():
            back = text_to_stream(data, offset, name, strip=strip)
            assert back.start <= position < back.stop
    end = text_to_stream(data, len(data), name, strip=strip)
    assert end.start == end.stop
    assert stream_to_text(data, 0, name, strip=None).stop == 0  # a header of the format or of a block


def test_every_byte_of_the_stream_has_its_text_in_order():
    size = byte_stream(ENGLISH, "gzip", None).size
    places = [stream_to_text(ENGLISH, p, "gzip", strip=None) for p in range(0, size, 97)]
    assert all(a.start <= b.start and a.stop <= b.stop for a, b in itertools.pairwise(places))
    assert (places[0].start, places[0].stop) == (0, 0)  # gzip's header
    last = stream_to_text(ENGLISH, size - 1, "gzip", strip=None)  # its trailer
    assert last.start == last.stop == len(ENGLISH.encode())


@pytest.mark.parametrize("name", ["gzip", "bz2", "xz", "lzma", "ppm:2", "kt", "ctw", "brotli", "zstd"])
def test_prefixes_reach_the_position(name):
    coder = ncd.get_compressor(name)
    try:
        _ = coder.version
    except ncd.MissingLibraryError:
        pytest.skip("not installed")
    data = ENGLISH.encode()[:1500]
    stream = coder.compress(data)
    header, trailer = framing(stream, name)

    def length(end):
        value = coder.length(data[:end])
        return value / 8 if coder.unit == "bits" else value - header - trailer

    size = byte_stream(data, name, "auto").size
    for position in (size // 3, size // 2, 3 * size // 4):
        place = stream_to_text(data, position, name, strip="auto", method="prefix")
        assert place.method == "prefix"
        assert length(place.start) <= position < length(place.start + 1)
        assert place.stop == len(data) or length(place.stop) >= position + 1
        assert length(place.stop - 1) <= position + 1
    for offset in (400, 700, 1100):
        back = text_to_stream(data, offset, name, strip="auto", method="prefix")
        assert back.start < back.stop
        assert back.start <= min(length(offset), length(offset + 1))
        assert back.stop >= max(length(offset), length(offset + 1))


def test_models_map_exactly():
    """Where a code length is exact the two directions agree at every position."""
    data = WORDS.encode()
    for position in range(byte_stream(data, "ppm:2", "auto").size - 2):
        place = stream_to_text(data, position, "ppm:2", strip="auto")
        assert place.start < place.stop
        for offset in range(place.start, place.stop):
            back = text_to_stream(data, offset, "ppm:2", strip="auto")
            assert back.start <= position < back.stop


def test_characters():
    text = "æøå " * 40 + "end"
    place = stream_to_text(text, byte_stream(text, strip="auto").size - 4, strip="auto")
    data = text.encode()
    inside = text[place.start_character : place.stop_character]
    assert data[place.start : place.stop] in inside.encode()
    assert len(inside.encode()) - (place.stop - place.start) <= 2
    broken = b"\xff\xfe" * 50 + b"abc"
    place = stream_to_text(broken, 5, strip="auto")
    assert (place.start_character, place.stop_character) == (place.start, place.stop)


def test_empty_text():
    assert byte_stream("", strip="auto").tobytes() == b"\x03\x00"
    assert stream_to_text("", 0, strip="auto").to_dict() == {
        "start": 0,
        "stop": 0,
        "start_character": 0,
        "stop_character": 0,
        "method": "parse",
    }
    assert text_to_stream("", 0, strip="auto").to_dict() == {"start": 0, "stop": 0, "method": "parse"}
    with pytest.raises(ValueError, match=r"strip is \(10, 15\): the gzip:9 stream of this text has 20 bytes"):
        byte_stream("")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: byte_stream(WORDS, strip="all"), ValueError, "choose 'auto'"),
        (lambda: byte_stream(WORDS, strip=(1, -1)), ValueError, r"strip\[1\] is -1: give 0 or more"),
        (lambda: byte_stream(WORDS, strip=(1, 2.5)), TypeError, r"strip\[1\] is 2.5: give a whole number"),
        (lambda: byte_stream(WORDS, strip=10), TypeError, "two numbers"),
        (lambda: byte_stream(WORDS, "gzp"), ValueError, "gzip"),
        (lambda: byte_stream(3), TypeError, "int"),
        (lambda: framing(None, "gzip"), TypeError, "stream is None"),
        (lambda: framing("abc", "gzip"), TypeError, "stream is 'abc'"),
        (lambda: framing(b"\x28\xb5\x2f\xfd", "zstd"), ValueError, "4 bytes: it is cut short"),
        (lambda: framing(b"\xfd7zXZ\x00" + b"\xff" * 9, "xz"), ValueError, "15 bytes: it is cut short"),
        (lambda: framing(b"\xff" * 3, "ppm:3"), ValueError, "cut short"),
        *(
            (lambda name=name: framing(b"abc", name), ValueError, r"begins with b'abc'")
            for name in ("gzip", "zlib", "bz2", "xz", "zstd")
        ),
        (lambda: stream_to_text(WORDS, -1), ValueError, "position is -1: choose from 0 to"),
        (lambda: stream_to_text(WORDS, 10_000), ValueError, "position is 10000"),
        (lambda: stream_to_text(WORDS, 1.5), TypeError, "position is 1.5"),
        (lambda: text_to_stream(WORDS, 10_000), ValueError, "offset is 10000"),
        (lambda: stream_to_text(WORDS, 1, method="guess"), ValueError, "method is 'guess'"),
        (lambda: stream_to_text(WORDS, 1, "bz2", method="parse"), ValueError, "choose method='prefix'"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_lengths_alone_are_no_stream():
    class Count:
        name = "count"

        def length(self, data):
            return len(data)

    with pytest.raises(TypeError, match="gives lengths only"):
        byte_stream(WORDS, Count())


@pytest.mark.parametrize("name", ["gzip", "zlib", "bz2", "xz", "zstd:19", "lz4", "ppm:3", "wb"])
@pytest.mark.parametrize("text", ["", "a", "to be or not to be " * 50])
def test_framing_of_every_stream_of_its_own(name, text):
    stream = ncd.get_compressor(name).compress(text)
    assert framing(stream, name) == framing(memoryview(stream), name)
    assert sum(framing(stream, name)) <= len(stream)
