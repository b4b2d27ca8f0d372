"""Symbols of match lengths and distances (RFC 1951, 3.2.5), and the shape of zlib's search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined

__all__ = [
    "END",
    "FARTHEST",
    "LEVELS",
    "LONGEST",
    "SHORTEST",
    "SLIDE",
    "TOO_FAR",
    "WINDOW",
    "distance_code",
    "length_code",
]

END = 256  # symbol that ends a block
SHORTEST, LONGEST = 3, 258  # lengths of matches
WINDOW = 32768
FARTHEST = WINDOW - (LONGEST + SHORTEST + 1)  # distance of a match (zlib keeps 262 bytes of its window in reserve)
SLIDE = WINDOW + FARTHEST  # texts of so many bytes and more make zlib's window slide
TOO_FAR = 4096  # a match of three bytes from farther away costs more than three literals

#: zlib's deflate.c, configuration_table: good and lazy length, nice length, longest chain, and whether it is lazy.
LEVELS = np.array(
    [
        [0, 0, 0, 0, 0],
        [4, 4, 8, 4, 0],
        [4, 5, 16, 8, 0],
        [4, 6, 32, 32, 0],
        [4, 4, 16, 16, 1],
        [8, 16, 32, 32, 1],
        [8, 16, 128, 128, 1],
        [8, 32, 128, 256, 1],
        [32, 128, 258, 1024, 1],
        [32, 258, 258, 4096, 1],
    ],
    np.int64,
)


def _length_table() -> NDArray[np.uint16]:
    """Symbol of each length, and its extra bits times 512."""
    table = np.zeros(LONGEST + 1, np.uint16)
    length = SHORTEST
    for code in range(28):
        extra = max(0, code // 4 - 1)
        for _ in range(1 << extra):
            if length <= LONGEST:
                table[length] = (257 + code) | extra << 9
            length += 1
    table[LONGEST] = 285
    return table


def _distance_table() -> NDArray[np.uint8]:
    """Code of distance d + 1 at d for d < 256, at 256 + d // 128 above."""
    table = np.zeros(512, np.uint8)
    distance = 0
    for code in range(30):
        for _ in range(1 << max(0, code // 2 - 1)):
            table[distance if distance < 256 else 256 + (distance >> 7)] = code
            distance += 1
    return table


_LENGTH = _length_table()
_DISTANCE = _distance_table()


@inlined
def length_code(length: int) -> tuple[int, int]:
    """Symbol of a match's length, and the extra bits that go with it."""
    entry = np.int64(_LENGTH[np.uint64(length)])
    return entry & 511, entry >> 9


@inlined
def distance_code(distance: int) -> tuple[int, int]:
    """Code of a match's distance, and the extra bits that go with it."""
    before = distance - 1
    code = np.int64(_DISTANCE[np.uint64(before if before < 256 else 256 + (before >> 7))])
    return code, max(code - 2, 0) >> 1
