"""DEFLATE (RFC 1951) from the standard library's zlib, raw or framed as zlib (RFC 1950) and gzip (RFC 1952)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ncd.compressors.base import Compressor, Primed

__all__ = ["Deflate", "Gzip", "Zlib"]

_WINDOW = 32768
_COPY_FROM = 2048  # bytes of dictionary from which copying a primed state beats hashing it again


class Deflate(Compressor):
    """
    Raw deflate: no header, no trailer.

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

    @property
    def window(self) -> int:
        return _WINDOW

    @property
    def version(self) -> str:
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"

    def _compress(self, data: bytes) -> bytes:
        return zlib.compress(data, self._params["level"], self._wbits)

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        # The raw stream spares the checksum; the frame around it has a constant length.
        compress, level, frame = zlib.compress, self._params["level"], self.overhead
        return [len(compress(text, level, -15)) + frame for text in texts]

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
        if len(dictionary) < _COPY_FROM or len(texts) == 1:
            coders = (zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary) for _ in texts)
        else:
            primed = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary)
            coders = (primed.copy() for _ in texts)
        return [len(coder.compress(text)) + len(coder.flush()) for coder, text in zip(coders, texts, strict=True)]
