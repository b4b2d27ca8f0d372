"""bzip2 and LZMA from the standard library."""

from __future__ import annotations

import bz2
import lzma
import platform
from typing import ClassVar

from ncd.compressors.base import Compressor

__all__ = ["Bz2", "Lzma", "Xz"]

#: Dictionary sizes of the presets 0 to 9 (xz(1), "preset level"), in MiB.
_LZMA_DICTIONARY_MIB = (0.25, 1, 2, 4, 4, 8, 8, 16, 32, 64)
_CHECKS = {"none": lzma.CHECK_NONE, "crc32": lzma.CHECK_CRC32, "crc64": lzma.CHECK_CRC64, "sha256": lzma.CHECK_SHA256}


class Bz2(Compressor):
    """
    bzip2: Burrows-Wheeler transform in blocks.

    The window is the block: texts of one block share all their statistics, and nothing is shared across
    blocks. The trailer (end mark and CRC) is not byte-aligned; 10 is its length in whole bytes.

    Parameters
    ----------
    level : int
        1 to 9, the block size in units of 100,000 bytes.
    """

    family = "bz2"
    defaults: ClassVar = {"level": 9}
    header, trailer = 4, 10
    prefer = "processes"  # every call allocates megabytes, which threads cannot do side by side

    def __init__(self, level: int = 9) -> None:
        super().__init__(level=level)
        self._check_range("level", 1, 9)

    @property
    def window(self) -> int:
        return int(self._params["level"]) * 100_000

    @property
    def version(self) -> str:
        return f"bzip2 (Python {platform.python_version()})"  # the binding does not tell the library's version

    def _compress(self, data: bytes) -> bytes:
        return bz2.compress(data, self._params["level"])


class _LzmaFamily(Compressor):
    """What the two LZMA formats share: preset, extreme flag, window."""

    prefer = "processes"  # every call maps and clears megabytes, which threads cannot do side by side

    def __init__(self, level: int, extreme: bool, **params: object) -> None:
        super().__init__(level=level, extreme=extreme, **params)
        self._check_range("level", 0, 9)
        self._check_choice("extreme", (False, True))

    @property
    def _preset(self) -> int:
        return int(self._params["level"]) | (lzma.PRESET_EXTREME if self._params["extreme"] else 0)

    @property
    def window(self) -> int:
        return int(_LZMA_DICTIONARY_MIB[self._params["level"]] * (1 << 20))

    @property
    def version(self) -> str:
        return f"liblzma (Python {platform.python_version()})"  # the binding does not tell the library's version


class Xz(_LzmaFamily):
    """
    LZMA2 in the .xz container.

    Lengths equal ``len(lzma.compress(data, preset=level))``. Header: 12 bytes of stream header. Trailer: 12 of
    stream footer and 8 of index; block header, padding to four bytes and check come with every non-empty block.

    Parameters
    ----------
    level : int
        Preset 0 to 9.
    extreme : bool
        More effort at the same preset.
    check : {"crc64", "crc32", "sha256", "none"}
        Integrity check of the container.
    """

    family = "xz"
    defaults: ClassVar = {"level": 6, "extreme": False, "check": "crc64"}
    header, trailer = 12, 20

    def __init__(self, level: int = 6, extreme: bool = False, check: str = "crc64") -> None:
        super().__init__(level, extreme, check=check)
        self._check_choice("check", tuple(_CHECKS))

    def _compress(self, data: bytes) -> bytes:
        return lzma.compress(data, lzma.FORMAT_XZ, _CHECKS[self._params["check"]], self._preset)


class Lzma(_LzmaFamily):
    """
    LZMA2 raw: no container, one byte that ends the stream.

    Parameters
    ----------
    level : int
        Preset 0 to 9.
    extreme : bool
        More effort at the same preset.
    """

    family = "lzma"
    defaults: ClassVar = {"level": 6, "extreme": False}
    trailer = 1

    def __init__(self, level: int = 6, extreme: bool = False) -> None:
        super().__init__(level, extreme)

    def _compress(self, data: bytes) -> bytes:
        filters = [{"id": lzma.FILTER_LZMA2, "preset": self._preset}]
        return lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
