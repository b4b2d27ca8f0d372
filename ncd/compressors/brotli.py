"""Brotli (RFC 7932) from Google's binding."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from ncd.compressors.base import Compressor
from ncd.exceptions import MissingLibraryError

__all__ = ["Brotli"]

_MODES = ("generic", "text", "font")


def _library() -> ModuleType:
    """The binding, or an error that says how to get it."""
    try:
        import brotli
    except ImportError:
        raise MissingLibraryError.of("the compressor 'brotli'", "brotli") from None
    return brotli


class Brotli(Compressor):
    """
    Brotli: deflate's successor with a built-in dictionary of web text and context modelling.

    Its few bits of header share a byte with data, so no byte counts as overhead.

    Parameters
    ----------
    quality : int
        0 to 11.
    lgwin : int
        Base-2 logarithm of the window, 10 to 24.
    mode : {"generic", "text", "font"}
        Hint about the input.
    """

    family = "brotli"
    defaults: ClassVar = {"quality": 11, "lgwin": 22, "mode": "generic"}

    def __init__(self, quality: int = 11, lgwin: int = 22, mode: str = "generic") -> None:
        super().__init__(quality=quality, lgwin=lgwin, mode=mode)
        self._check_range("quality", 0, 11)
        self._check_range("lgwin", 10, 24)
        self._check_choice("mode", _MODES)
        if quality <= 4:
            self.prefer = "processes"  # too quick for threads to keep out of each other's way

    @property
    def window(self) -> int:
        return (1 << int(self._params["lgwin"])) - 16  # RFC 7932, section 9.1

    @property
    def version(self) -> str:
        return f"brotli {_library().__version__}"

    def _compress(self, data: bytes) -> bytes:
        library, params = _library(), self._params
        stream: Any = library.compress(
            data, mode=_MODES.index(params["mode"]), quality=params["quality"], lgwin=params["lgwin"]
        )
        return bytes(stream)
