"""Codecs whose libraries are optional: LZ4 and PPMd."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any, ClassVar

from ncd.compressors.base import Compressor
from ncd.exceptions import MissingLibraryError

__all__ = ["Lz4", "Ppmd"]


def _load(module: str, family: str) -> Any:
    """An optional module, or an error that names the extra of the same name as the family."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingLibraryError.of(f"the compressor {family!r}", family) from None


class Lz4(Compressor):
    """
    LZ4 in the frame format.

    Lengths equal ``len(lz4.frame.compress(data, compression_level=level, store_size=False))``. Header: magic number
    4, descriptor 3; trailer: end mark 4.

    Parameters
    ----------
    level : int
        0 to 16: 0 to 2 fast, 3 and more high compression; negative values are faster still.
    """

    family = "lz4"
    defaults: ClassVar = {"level": 0}
    header, trailer = 7, 4
    prefer = "processes"  # under a microsecond on short texts: threads would only wait for each other

    def __init__(self, level: int = 0) -> None:
        super().__init__(level=level)
        self._check_range("level", -65537, 16)

    @property
    def window(self) -> int:
        return 65536

    @property
    def version(self) -> str:
        return f"lz4 {_load('lz4', 'lz4').library_version_string()}"

    def _compress(self, data: bytes) -> bytes:
        lz4 = _load("lz4.frame", "lz4")
        return bytes(lz4.compress(data, compression_level=self._params["level"], store_size=False))

    def _lengths(self, texts: Any) -> list[Any]:
        compress, level = _load("lz4.frame", "lz4").compress, self._params["level"]
        return [len(compress(text, compression_level=level, store_size=False)) for text in texts]


class Ppmd(Compressor):
    """
    PPMd variant I (Shkarin), prediction by partial matching of bytes, through pyppmd.

    Contexts reach over the whole text until `memory` is used up, when the model starts afresh.
    pyppmd 1.3.1 loses about 8 KB at every call (measured); long runs therefore go to worker processes that are
    replaced before they grow.

    Parameters
    ----------
    order : int
        2 to 64, the longest context in bytes.
    memory : int
        Model memory in bytes, 2**11 and more.
    """

    family = "ppmd"
    defaults: ClassVar = {"order": 6, "memory": 1 << 24}
    prefer = "processes"
    leak = 8000

    def __init__(self, order: int = 6, memory: int = 1 << 24) -> None:
        super().__init__(order=order, memory=memory)
        self._check_range("order", 2, 64)
        self._check_range("memory", 1 << 11, (1 << 32) - 37)

    @property
    def version(self) -> str:
        _load("pyppmd", "ppmd")
        return f"pyppmd {version('pyppmd')}"

    def _compress(self, data: bytes) -> bytes:
        pyppmd = _load("pyppmd", "ppmd")
        order, memory = self._params["order"], self._params["memory"]
        return bytes(pyppmd.compress(data, max_order=order, mem_size=memory, variant="I"))
