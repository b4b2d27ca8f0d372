"""
Zstandard (RFC 8878).

The codec is the standard library's ``compression.zstd`` (Python 3.14+) and before that ``backports.zstd``, its
back-port by the same authors: one interface on every Python, one bundled libzstd a release. On short texts a
reused context is three times faster than the one-shot function, so each thread keeps one; a context is never
shared between threads (that crashes).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

from ncd.compressors.base import Compressor, Primed
from ncd.exceptions import MissingLibraryError

__all__ = ["Zstd"]

_LEAST_DICTIONARY = 8  # bytes; libzstd ignores shorter raw-content dictionaries
_CONTEXTS_A_THREAD = 2
_local = threading.local()


@cache
def library() -> ModuleType:
    """The module that speaks zstd on this Python."""
    try:
        from compression import zstd
    except ImportError:
        try:
            from backports import zstd
        except ImportError:
            raise MissingLibraryError.of("the compressor 'zstd'", "zstd") from None
    return zstd


class Zstd(Compressor):
    """
    Zstandard, one frame a text, its size in the frame header, no checksum.

    Lengths equal ``len(zstd.compress(data, level))``. The header is 6 bytes (magic number, descriptor, size) for
    texts under 256 bytes and 1 to 7 bytes longer for larger ones; the constant part is counted.
    `primed(x)` uses x as a raw-content dictionary: L(y|x) is the frame of y, which may copy from x, less the 6
    bytes. Left alone, libzstd sizes its tables for small dictionaries and sees as little as the last 65 KB of a large
    one at fast levels; here tables and window grow with x, so that all of it is seen, up to `primed_window`. libzstd
    ignores an x of fewer than 8 bytes.

    Parameters
    ----------
    level : int
        -131072 (fastest) to 22 (smallest); 0 means 3.
    window_log : int
        Base-2 logarithm of the window, 10 to 31; 0 leaves it to the level. Primed coders have a window of their own.
    """

    family = "zstd"
    defaults: ClassVar = {"level": 3, "window_log": 0}
    header = 6
    can_prime = True
    prefer = "processes"  # so fast on short texts that the interpreter's lock becomes the bottleneck

    def __init__(self, level: int = 3, window_log: int = 0) -> None:
        super().__init__(level=level, window_log=window_log)
        self._check_range("level", -131072, 22)
        if window_log != 0:
            self._check_range("window_log", 10, 31)

    @property
    def _options(self) -> dict[Any, int]:
        parameter = library().CompressionParameter
        options = {parameter.compression_level: self._params["level"]}
        if self._params["window_log"]:
            options[parameter.window_log] = self._params["window_log"]
        return options

    @property
    def window(self) -> int:
        # A frame of unknown size states its window in the sixth byte: exponent (5 bits), eighths (3 bits).
        # It does not depend on the search, whose tables are kept small here: those of level 22 take 700 MB.
        zstd = library()
        p = zstd.CompressionParameter
        small = {p.strategy: zstd.Strategy.fast, p.hash_log: 6, p.chain_log: 6}
        coder = zstd.ZstdCompressor(options=self._options | small)
        frame = coder.compress(b"0", zstd.ZstdCompressor.CONTINUE) + coder.flush(zstd.ZstdCompressor.FLUSH_BLOCK)
        base = 1 << (10 + (frame[5] >> 3))
        return int(base + (base >> 3) * (frame[5] & 7))

    @property
    def primed_window(self) -> int:
        # Levels up to 4 keep 24 bits of a position; beyond, 64 MB were measured.
        return 1 << (24 if self._params["level"] <= 4 else 26)

    @property
    def version(self) -> str:
        return f"libzstd {library().zstd_version}"

    def _context(self) -> Any:
        """This thread's own coder for these parameters."""
        contexts = getattr(_local, "contexts", None)
        if contexts is None:
            contexts = _local.contexts = OrderedDict()
        key = tuple(self._params.values())
        if key not in contexts:
            contexts[key] = library().ZstdCompressor(options=self._options)
            if len(contexts) > _CONTEXTS_A_THREAD:
                contexts.popitem(last=False)
        contexts.move_to_end(key)
        return contexts[key]

    def _compress(self, data: bytes) -> bytes:
        context = self._context()
        return context.compress(data, context.FLUSH_FRAME)

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        context = self._context()
        compress, end = context.compress, context.FLUSH_FRAME
        return [len(compress(text, end)) for text in texts]

    def _primed(self, x: bytes) -> Primed:
        return _PrimedZstd(self, x)


class _PrimedZstd(Primed):
    """Zstandard with a raw-content dictionary; one context a call, so that threads never share one."""

    def __init__(self, compressor: Zstd, x: bytes) -> None:
        self._compressor, self._x = compressor, x

    def __reduce__(self) -> tuple[Any, ...]:
        return _PrimedZstd, (self._compressor, self._x)

    def _context(self) -> Any:
        """A coder that has x in tables large enough for all of it."""
        zstd, options = library(), self._compressor._options
        if len(self._x) < _LEAST_DICTIONARY:
            return zstd.ZstdCompressor(options=options)
        parameter, bits = zstd.CompressionParameter, min(max((len(self._x) - 1).bit_length(), 10), 26)
        options |= {parameter.window_log: bits + 1, parameter.hash_log: bits, parameter.chain_log: bits}
        # "Undigested": the coder digests it once, with these options instead of those of the level.
        dictionary = zstd.ZstdDict(self._x, is_raw=True).as_undigested_dict
        return zstd.ZstdCompressor(options=options, zstd_dict=dictionary)

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        return self._prepared()(texts)

    def _prepared(self) -> Callable[[Sequence[bytes]], list[Any]]:
        context, header = self._context(), self._compressor.header
        compress, end = context.compress, context.FLUSH_FRAME
        return lambda texts: [len(compress(text, end)) - header for text in texts]
