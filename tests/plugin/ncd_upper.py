"""A compressor that does not care about case."""

import zlib
from typing import ClassVar

from ncd import Compressor


class Upper(Compressor):
    """zlib on upper-case bytes."""

    family = "upper"
    defaults: ClassVar = {"level": 9}
    header, trailer = 2, 4

    def __init__(self, level=9):
        super().__init__(level=level)
        self._check_range("level", 0, 9)

    @property
    def version(self):
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"

    def _compress(self, data):
        return zlib.compress(data.upper(), self._params["level"])


class Shout:
    """The least that is accepted: a name and length()."""

    name = "shout"

    def length(self, data):
        return data.count(b"!")


SHOUT = Shout()
