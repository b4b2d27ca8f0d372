"""DEFLATE (RFC 1951) from the standard library's zlib, raw or framed as zlib (RFC 1950) and gzip (RFC 1952)."""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, ClassVar

from ncd.compressors.base import Compressor, Primed
from ncd.corpus import Packed

__all__ = ["Deflate", "Gzip", "Zlib"]

#: What is compiled, as its user is told.
KERNEL = "the kernel of exact deflate lengths"
_WINDOW = 32768
_CLASSIC_VERSION = re.compile(r"1\.[23](\.\d+)*")
# Lengths of a text that tell classic zlib from its successors, which also use its version numbers.
_PROBE_LEVELS, _PROBE_LENGTHS = (9, 6, 1), (2446, 2446, 2467)
_COPY_FROM = 2048  # bytes of dictionary from which copying a primed state beats hashing it again


def _probe() -> bytes:
    """A few thousand bytes with many matches to choose from, the same everywhere."""
    state, words = 1, []
    for _ in range(1500):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        words.append(b"%x" % (state >> 8 & (0xFF if state >> 20 & 3 else 0xFFF)))
    return b" ".join(words)


@cache
def is_classic() -> bool:
    """
    Whether the standard library's zlib gives the lengths of classic zlib (madler's).

    Successors, such as zlib-ng, are other compressors: their streams are valid and have other lengths.
    """
    if not _CLASSIC_VERSION.fullmatch(zlib.ZLIB_RUNTIME_VERSION):
        return False
    probe = _probe()
    return tuple(len(zlib.compress(probe, level, -15)) for level in _PROBE_LEVELS) == _PROBE_LENGTHS


def single(texts: Iterable[bytes], *, level: int = 9, dictionary: bytes = b"") -> list[int]:
    """
    Lengths of the raw deflate streams of texts from our own kernel, which follows classic zlib step by step.

    Parameters
    ----------
    texts : iterable of bytes
    level : int
        1 to 9.
    dictionary : bytes
        Preset for each text; its last 32,768 bytes count.

    Returns
    -------
    list of int
        Bytes.
    """
    from ncd.kernels.deflate_oneshot import Parse, deflate_bytes
    from ncd.kernels.jit import announced

    dictionary = dictionary[-_WINDOW:]
    scratch, lengths, begin = Parse.empty(), [], len(dictionary)
    with announced(KERNEL):
        deflate_bytes(Packed.of([b""]).data, 0, 0, 0, level, scratch)
    for text in texts:
        data = Packed.of([dictionary + text]).data
        lengths.append(int(deflate_bytes(data, 0, begin, begin + len(text), level, scratch)))
    return lengths


class Deflate(Compressor):
    """
    Raw deflate: no header, no trailer.

    Code lengths are those of classic zlib everywhere. Where the standard library uses a successor such as zlib-ng,
    they come from our own kernel, and `compress` gives that library's stream, of another length.

    `primed(x)` presets the last 32,768 bytes of x as zlib's dictionary: L(y|x) is the length of the raw deflate
    stream of y in which matches may reach back into x.

    Parameters
    ----------
    level : int
        0 (stored) to 9 (most effort).
    """

    family = "deflate"
    defaults: ClassVar = {"level": 9}
    can_prime = True
    _wbits = -15

    def __init__(self, level: int = 9) -> None:
        super().__init__(level=level)
        self._check_range("level", 0, 9)
        self.has_kernel = type(self) in (Deflate, Zlib, Gzip) and self._params["level"] == 9

    @property
    def window(self) -> int:
        return _WINDOW

    @property
    def version(self) -> str:
        version = f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
        return version if is_classic() else f"zlib 1.2.13 (lengths; streams: {version})"

    def _compress(self, data: bytes) -> bytes:
        return zlib.compress(data, self._params["level"], self._wbits)

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        # The raw stream spares the checksum; the frame around it has a constant length.
        compress, level, frame = zlib.compress, self._params["level"], self.overhead
        if level and not is_classic():
            return [length + frame for length in single(texts, level=level)]
        return [len(compress(text, level, -15)) + frame for text in texts]

    def _prefix_lengths(self, data: bytes, ends: list[int]) -> list[Any]:
        level, frame = self._params["level"], self.overhead
        # What zlib does before its input ends does not depend on the pieces that it comes in, but for stored blocks.
        if not level or not is_classic():
            return super()._prefix_lengths(data, ends)
        direct = bisect_right(ends, _COPY_FROM)
        result = [len(zlib.compress(data[:end], level, -15)) + frame for end in ends[:direct]]
        coder, done, fed = zlib.compressobj(level, zlib.DEFLATED, -15), frame, 0
        for end in ends[direct:]:
            done += len(coder.compress(data[fed:end]))
            fed = end
            result.append(done + len(coder.copy().flush()))
        return result

    def _primed(self, x: bytes) -> Primed:
        return _PrimedDeflate(x[-_WINDOW:], self._params["level"])


class Zlib(Deflate):
    """
    Deflate in zlib's frame: 2 bytes of header, 4 of Adler-32 checksum.

    Parameters
    ----------
    level : int
        0 (stored) to 9 (most effort).
    """

    family = "zlib"
    header, trailer = 2, 4
    _wbits = 15


class Gzip(Deflate):
    """
    Deflate in gzip's frame: 10 bytes of header (no name, no time), 8 of CRC-32 and size.

    Lengths equal ``len(gzip.compress(data, level))``.

    Parameters
    ----------
    level : int
        0 (stored) to 9 (most effort).
    """

    family = "gzip"
    header, trailer = 10, 8
    _wbits = 31


class _PrimedDeflate(Primed):
    """Raw deflate with a preset dictionary."""

    def __init__(self, dictionary: bytes, level: int) -> None:
        self._dictionary, self._level = dictionary, level

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        level, dictionary = self._level, self._dictionary
        if level and not is_classic():
            return list(single(texts, level=level, dictionary=dictionary))
        if len(dictionary) < _COPY_FROM or len(texts) == 1:
            coders = (zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary) for _ in texts)
        else:
            primed = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary)
            coders = (primed.copy() for _ in texts)
        return [len(coder.compress(text)) + len(coder.flush()) for coder, text in zip(coders, texts, strict=True)]
