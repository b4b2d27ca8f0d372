"""The one-shot functions that people call in a plain loop, by the name of the compressor here that equals them."""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import zlib
from collections.abc import Callable
from typing import Any

OneShot = Callable[[bytes], bytes]


def one_shot(spec: str) -> OneShot:
    """The codec's own function for a specification such as "zstd:3"."""
    family, _, level = spec.partition(":")
    return _MAKERS[family](int(level) if level else None)


def _gzip(level: int | None) -> OneShot:
    return gzip.compress if level is None else lambda data: gzip.compress(data, level)


def _zlib(level: int | None) -> OneShot:
    number = 9 if level is None else level
    return lambda data: zlib.compress(data, number)


def _deflate(level: int | None) -> OneShot:
    number = 9 if level is None else level
    return lambda data: zlib.compress(data, number, -15)


def _bz2(level: int | None) -> OneShot:
    return bz2.compress if level is None else lambda data: bz2.compress(data, level)


def _xz(level: int | None) -> OneShot:
    return lzma.compress if level is None else lambda data: lzma.compress(data, preset=level)


def _lzma(level: int | None) -> OneShot:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6 if level is None else level}]
    return lambda data: lzma.compress(data, lzma.FORMAT_RAW, filters=filters)


def _zstd(level: int | None) -> OneShot:
    try:
        zstd: Any = importlib.import_module("compression.zstd")
    except ImportError:
        zstd = importlib.import_module("backports.zstd")
    number = 3 if level is None else level
    return lambda data: zstd.compress(data, number)


def _brotli(level: int | None) -> OneShot:
    brotli: Any = importlib.import_module("brotli")
    number = 11 if level is None else level
    return lambda data: brotli.compress(data, quality=number)


def _lz4(level: int | None) -> OneShot:
    frame: Any = importlib.import_module("lz4.frame")
    number = 0 if level is None else level
    return lambda data: frame.compress(data, compression_level=number, store_size=False)


def _ppmd(order: int | None) -> OneShot:
    pyppmd: Any = importlib.import_module("pyppmd")
    number = 6 if order is None else order
    return lambda data: pyppmd.compress(data, max_order=number, mem_size=1 << 24, variant="I")


_MAKERS: dict[str, Callable[[int | None], OneShot]] = {
    "gzip": _gzip,
    "zlib": _zlib,
    "deflate": _deflate,
    "bz2": _bz2,
    "xz": _xz,
    "lzma": _lzma,
    "zstd": _zstd,
    "brotli": _brotli,
    "lz4": _lz4,
    "ppmd": _ppmd,
}
