"""A compressed text as a sequence of bytes, and which part of the text stands at which place of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.changepoint.inflate import Tokens, read_tokens
from ncd.changepoint.units import split_units
from ncd.compressors import get_compressor
from ncd.compressors.base import Compressor, SupportsLength
from ncd.corpus import Text, as_bytes

__all__ = ["StreamInterval", "Strip", "TextInterval", "byte_stream", "framing", "stream_to_text", "text_to_stream"]

#: Bytes taken off both ends of a stream.
Strip: TypeAlias = "tuple[int, int] | Literal['auto'] | None"
#: How a place of the stream is found in the text.
Method = Literal["auto", "parse", "prefix"]

#: How streams begin.
_BEGINNINGS = {
    "gzip": b"\x1f\x8b",
    "zlib": b"\x78",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
    "lz4": b"\x04\x22\x4d\x18",
}
_DEFLATE = ("deflate", "zlib", "gzip")
_CHECKSUM = 4


def _zstd_framing(stream: bytes) -> tuple[int, int]:
    """Frame header of RFC 8878, 3.1.1.1; its checksum."""
    descriptor = stream[4]
    single = descriptor >> 5 & 1
    size = (single, 2, 4, 8)[descriptor >> 6]
    return 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + size, 4 * (descriptor >> 2 & 1)


def _xz_framing(stream: bytes) -> tuple[int, int]:
    """Stream header, and index and footer; the footer says how long the index is."""
    return 12, 12 + 4 * (int.from_bytes(stream[-8:-4], "little") + 1)


def _model_framing(words: bool, stream: bytes) -> tuple[int, int]:
    """Numbers of symbols, which take seven bits of a byte, and the checksum after the first."""
    from ncd.compressors.text_learners import read_number

    at = read_number(stream)[1] + _CHECKSUM
    for _ in range(5 if words else 0):
        at += read_number(stream[at:])[1]
    return at, 0


def _framing_of(compressor: Compressor) -> Callable[[bytes], tuple[int, int]] | None:
    """What reads the framing off a stream of a format in which its size depends on the text."""
    if compressor.unit == "bits" and compressor.version.startswith("ncd context"):
        return partial(_model_framing, compressor.params.get("alphabet") == "words")
    return {"zstd": _zstd_framing, "xz": _xz_framing}.get(compressor.family)


def framing(stream: bytes, compressor: str | SupportsLength = "gzip") -> tuple[int, int]:
    """
    Bytes of header and of trailer of a stream.

    The constants of the format (`header` and `trailer` of the compressor); with zstd, xz and the context models, whose
    framing grows with the text, what this stream has.

    Parameters
    ----------
    stream : bytes
        What ``compress`` of the compressor returned.
    compressor : str or Compressor

    Raises
    ------
    TypeError
        If the stream is not bytes.
    ValueError
        If it does not begin as the format does, or is shorter than its framing.

    Examples
    --------
    >>> import ncd
    >>> framing(ncd.get_compressor("gzip").compress("a text"), "gzip")
    (10, 8)
    """
    if not isinstance(stream, bytes | bytearray | memoryview):
        raise TypeError(f"stream is {stream!r:.60}: give the bytes that `compress` returned")
    stream, coder = bytes(stream), get_compressor(compressor)
    if not stream.startswith(_BEGINNINGS.get(coder.family, b"")):
        raise ValueError(f"stream begins with {stream[:6]!r}: a stream of {coder.name} does not")
    read = _framing_of(coder)
    try:
        first, last = read(stream) if read and stream else (coder.header, coder.trailer)
    except IndexError:
        first = len(stream) + 1
        last = 0
    if first + last > len(stream):
        raise ValueError(f"stream has {len(stream)} bytes: it is cut short, or not of {coder.name}")
    return first, last


def checked_strip(strip: Strip) -> tuple[int, int] | None:
    """Bytes to take off both ends; None for those of the format."""
    if strip is None:
        return 0, 0
    if isinstance(strip, str):
        if strip != "auto":
            raise ValueError(f"strip is {strip!r}: choose 'auto', None, or two numbers such as (10, 15)")
        return None
    try:
        first, last = strip
    except (TypeError, ValueError):
        raise TypeError(f"strip is {strip!r}: give 'auto', None, or two numbers such as (10, 15)") from None
    return whole_number(first, "strip[0]", 0), whole_number(last, "strip[1]", 0)


def stripped(stream: bytes, strip: Strip, coder: Compressor) -> tuple[int, int]:
    """Bytes to take off both ends of a stream."""
    taken = checked_strip(strip)
    if taken is None:
        return framing(stream, coder)
    if sum(taken) > len(stream):
        raise too_much(taken, coder, len(stream))
    return taken


def too_much(taken: tuple[int, int], coder: Compressor, size: int) -> ValueError:
    """The error of a stream that has fewer bytes than are taken off."""
    return ValueError(
        f"strip is {taken!r}: the {coder.name} stream of this text has {size} bytes; "
        "give a longer text, or strip='auto'"
    )


def byte_stream(text: Text, compressor: str | SupportsLength = "gzip", strip: Strip = (10, 15)) -> NDArray[np.uint8]:
    """
    The bytes of a compressed text, without its framing.

    Parameters
    ----------
    text : str, bytes-like or path
        str is encoded as UTF-8.
    compressor : str or Compressor
        Any that has `compress`: codecs and context models.
    strip : (int, int), "auto" or None
        Bytes taken off the beginning and the end. (10, 15) is what the experiment of `report_experiment` takes off
        gzip: its header of 10 bytes, and 7 bytes of data beside its trailer of 8. "auto" takes off header and trailer
        of the format (`framing`) and nothing else; None takes off nothing.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If `strip` is more than the stream has.
    TypeError
        If the compressor gives lengths only.

    Examples
    --------
    >>> byte_stream("to be or not to be, that is the question").size
    31
    >>> byte_stream("to be or not to be, that is the question", strip="auto").size
    38
    """
    coder = get_compressor(compressor)
    stream = coder.compress(text)
    first, last = stripped(stream, strip, coder)
    return np.frombuffer(stream, np.uint8)[first : len(stream) - last].copy()


@dataclass(frozen=True)
class TextInterval:
    """
    The part of a text that stands at a place of its compressed stream.

    Attributes
    ----------
    start, stop : int
        Bytes of the text, `stop` not included. Equal where no text stands there (headers, checksums).
    start_character, stop_character : int
        The same in characters.
    method : {"parse", "prefix"}
        How it was found.
    """

    start: int
    stop: int
    start_character: int
    stop_character: int
    method: str

    def to_dict(self) -> dict[str, Any]:
        """The interval as a dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class StreamInterval:
    """
    The part of a compressed stream in which a byte of the text stands.

    Attributes
    ----------
    start, stop : int
        Positions in `byte_stream` with the same `strip`, `stop` not included; below 0 or beyond its end where `strip`
        has cut them off.
    method : {"parse", "prefix"}
        How it was found.
    """

    start: int
    stop: int
    method: str

    def to_dict(self) -> dict[str, Any]:
        """The interval as a dictionary."""
        return asdict(self)


def characters_of(data: bytes, start: int, stop: int) -> tuple[int, int]:
    """The characters that have bytes between two offsets."""
    begins = split_units(data, "chars").offsets
    first = int(np.searchsorted(begins, start, "right")) - 1
    return min(first, len(begins) - 1), int(np.searchsorted(begins, stop, "left"))


class _Mapping:
    """A text, its stream, and how one is found in the other; positions count from the end of the header."""

    def __init__(self, text: Text, compressor: str | SupportsLength, strip: Strip, method: str) -> None:
        if method not in get_args(Method):
            raise ValueError(f"method is {method!r}: choose from {', '.join(map(repr, get_args(Method)))}")
        self.data, self.coder = as_bytes(text, name="text"), get_compressor(compressor)
        parsed = self.coder.family in _DEFLATE
        if method == "parse" and not parsed:
            raise ValueError(
                f"method is 'parse' and the compressor {self.coder.name}: only the streams of "
                f"{', '.join(_DEFLATE)} are parsed; choose method='prefix'"
            )
        stream = self.coder.compress(self.data)
        first, last = stripped(stream, strip, self.coder)
        self.header, self.trailer = framing(stream, self.coder)
        self.size, self.shift = len(stream) - first - last, first - self.header
        self.method = "parse" if parsed and method != "prefix" else "prefix"
        self.tokens: Tokens | None = None
        if self.method == "parse":
            self.tokens = read_tokens(stream[self.header : len(stream) - self.trailer])

    def bits(self, end: int) -> float:
        """Bits of data that the prefix of so many bytes takes, without framing."""
        length = self.coder.length(self.data[:end])
        return float(length) if self.coder.unit == "bits" else 8.0 * (length - self.header - self.trailer)

    def reaching(self, bits: float) -> int:
        """The end of a prefix that takes at least so many bits, while the prefix one byte shorter does not."""
        low, high = 0, len(self.data)
        if self.bits(high) < bits:
            return high
        while low < high:
            middle = (low + high) // 2
            if self.bits(middle) < bits:
                low = middle + 1
            else:
                high = middle
        return low

    def text_at(self, position: int) -> tuple[int, int]:
        """Bytes of the text that stand in one byte of the stream."""
        place = position + self.shift
        if self.tokens is not None:
            return self.tokens.in_byte(place)
        if place < 0:
            return 0, 0
        begun, filled = np.nextafter(8.0 * place, np.inf), 8.0 * place + 8
        if self.coder.unit == "bytes":  # that a byte is full shows when the next one is begun
            filled += 1
        begin = max(self.reaching(begun) - 1, 0)
        return begin, max(begin, self.reaching(filled))

    def stream_at(self, offset: int) -> tuple[int, int]:
        """Bytes of the stream in which one byte of the text stands."""
        if offset == len(self.data):
            return self.end - self.shift, self.end - self.shift
        if self.tokens is not None:
            start, stop = self.tokens.of_byte(offset)
        else:
            before, after = sorted([self.bits(offset), self.bits(offset + 1)])  # lengths are not quite monotone
            start = int(before // 8) - (self.coder.unit == "bytes")
            stop = math.ceil(after / 8)
        start = max(start, 0)
        return start - self.shift, max(start + 1, stop) - self.shift

    @property
    def end(self) -> int:
        """Bytes of data of the whole text."""
        if self.tokens is None:
            return math.ceil(self.bits(len(self.data)) / 8)
        return math.ceil(self.tokens.ends[-1] / 8) if len(self.tokens.ends) else 0


def stream_to_text(
    text: Text,
    position: int,
    compressor: str | SupportsLength = "gzip",
    *,
    strip: Strip = (10, 15),
    method: Method = "auto",
) -> TextInterval:
    """
    The part of a text that stands at a position of its compressed stream.

    - ``"parse"`` (gzip, zlib, deflate) reads the tokens of the stream: the interval holds exactly the bytes whose codes
      have a bit in that byte of the stream. It is empty where the byte belongs to framing or to the table of a Huffman
      code (the first 40 to 100 bytes of a block).
    - ``"prefix"`` (all compressors) compresses prefixes: the interval begins before the byte of the text at which the
      data of the prefix come to reach into that byte of the stream, and ends where they have gone beyond it. It takes
      about 2 log2(n) compressions. L(prefix) is not exactly monotone, so that there may be several such places;
      bisection finds one of them, at which the length of the prefix crosses the position upwards. A prefix is
      compressed for itself, with its own Huffman code: its bytes are not the first ones of the whole stream.
      For models that count bits the position is one in ``bits / 8``.

    Parameters
    ----------
    text : str, bytes-like or path
    position : int
        Index into ``byte_stream(text, compressor, strip)``, or its size.
    compressor : str or Compressor
    strip : (int, int), "auto" or None
        As in `byte_stream`.
    method : {"auto", "parse", "prefix"}
        "auto" parses where it can.

    Returns
    -------
    TextInterval

    Raises
    ------
    ValueError
        If `position` is outside of the stream, or the compressor's streams cannot be parsed.

    Examples
    --------
    >>> text = "to be or not to be, that is the question"
    >>> place = stream_to_text(text, 10)
    >>> place.start, place.stop, text[place.start : place.stop]
    (9, 11, 'no')
    """
    mapping = _Mapping(text, compressor, strip, method)
    start, stop = mapping.text_at(whole_number(position, "position", 0, mapping.size))
    return TextInterval(start, stop, *characters_of(mapping.data, start, stop), mapping.method)


def text_to_stream(
    text: Text,
    offset: int,
    compressor: str | SupportsLength = "gzip",
    *,
    strip: Strip = (10, 15),
    method: Method = "auto",
) -> StreamInterval:
    """
    The part of the compressed stream in which a byte of the text stands: the inverse of `stream_to_text`.

    Parameters
    ----------
    text : str, bytes-like or path
    offset : int
        Byte of the text, or the number of its bytes, which stands for the end of the data.
    compressor : str or Compressor
    strip : (int, int), "auto" or None
        As in `byte_stream`.
    method : {"auto", "parse", "prefix"}
        As in `stream_to_text`; "prefix" compresses the text up to the byte, with it and without.

    Returns
    -------
    StreamInterval

    Raises
    ------
    ValueError
        If `offset` is outside of the text, or the compressor's streams cannot be parsed.

    Examples
    --------
    >>> text_to_stream("to be or not to be, that is the question", 9)
    StreamInterval(start=9, stop=11, method='parse')
    """
    mapping = _Mapping(text, compressor, strip, method)
    start, stop = mapping.stream_at(whole_number(offset, "offset", 0, len(mapping.data)))
    return StreamInterval(start, stop, mapping.method)
