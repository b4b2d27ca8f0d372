"""
zlib's code lengths from our own kernels: of single texts at every level, and of all pairs at level 9.

The lengths are those of classic zlib on every platform. `zlib` itself, where it is classic, computes the few pairs that
the kernel for pairs leaves out; elsewhere the kernel for single texts does.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.deflate import KERNEL, Deflate, single
from ncd.corpus import Packed

__all__ = ["compiled", "is_compiled", "is_loaded", "pairs", "single"]

_WINDOW = 32768
_CHUNK_BYTES = 1 << 22  # of second texts prepared at once: 27 bytes of memory each
_lock = threading.RLock()


@cache
def compiled() -> Any:
    """The kernels' module, compiled or loaded from disk, once in a process."""
    from ncd.kernels import deflate_pairs
    from ncd.kernels.jit import announced

    with _lock, announced(KERNEL):
        tiny = Packed.of([b"to be or not to be"])
        _all_bytes(deflate_pairs, tiny, tiny, b" ", False, np.zeros((1, 1), np.int64))
        return deflate_pairs


def is_loaded() -> bool:
    """Whether `compiled` costs nothing any more in this process."""
    return compiled.cache_info().currsize > 0


def is_compiled() -> bool:
    """Whether `compiled` will find the kernel for pairs on disk."""
    from ncd.kernels.deflate_pairs import all_bytes
    from ncd.kernels.jit import is_cached

    return is_cached(all_bytes)


def pairs(
    firsts: Sequence[bytes],
    seconds: Sequence[bytes],
    *,
    separator: bytes = b" ",
    primed: bool = False,
    skip: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """
    Lengths of the raw deflate streams of all pairs at level 9.

    Parameters
    ----------
    firsts, seconds : sequences of bytes, of n and m texts
    separator : bytes
        Stands between the two texts of a pair; not used with `primed`.
    primed : bool
        False: the stream of first + separator + second. True: the stream of the second text, with the first one (its
        last 32,768 bytes) as preset dictionary.
    skip : ndarray of bool, shape (n, m), optional
        Pairs not to be computed; their lengths are 0.

    Returns
    -------
    ndarray of int64, shape (n, m)
        Bytes, the same as zlib's.
    """
    kernels = compiled()
    if primed:
        separator, firsts = b"", [first[-_WINDOW:] for first in firsts]
    xs, ys = Packed.of(firsts), Packed.of(seconds)
    result = np.zeros((len(xs), len(ys)), np.int64)
    if skip is not None:
        result[skip] = 1  # the kernel computes what is 0
    starts = ys.offsets[:-1] // _CHUNK_BYTES
    edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(ys)]
    for left, right in pairwise(edges):
        part = np.zeros((len(xs), right - left), np.int64) if skip is None else result[:, left:right].copy()
        _all_bytes(kernels, xs, Packed(ys.data, ys.offsets[left : right + 1]), separator, primed, part)
        result[:, left:right] = part
    for row in np.flatnonzero((result < 0).any(1)).tolist():
        columns = np.flatnonzero(result[row] < 0)
        result[row, columns] = _faithful(xs[row], [ys[int(j)] for j in columns], separator, primed)
    if skip is not None:
        result[skip] = 0
    return result


def _all_bytes(kernels: Any, xs: Packed, ys: Packed, separator: bytes, primed: bool, result: NDArray[np.int64]) -> None:
    """Fill in what the kernel for pairs computes; -1 elsewhere."""
    between = np.frombuffer(separator, np.uint8)
    begin, end = int(ys.offsets[0]), int(ys.offsets[-1])
    used = np.zeros(kernels.SYMBOLS, np.bool_)
    used[256:] = True
    for data in (xs.data[xs.offsets[0] : xs.offsets[-1]], ys.data[begin:end], between):
        used[:256] |= np.bincount(data, minlength=256) > 0
    alphabet = np.flatnonzero(used).astype(np.uint16)
    longest_first = min(int(np.diff(xs.offsets).max()) + len(between), kernels.SLIDE)
    longest_second = min(int(np.diff(ys.offsets).max()), kernels.SLIDE)
    prepared = kernels.Seconds.of(ys.data, ys.offsets)
    kernels.prepare_seconds(prepared, between[-2:])
    kernels.all_bytes(
        xs.data,
        xs.offsets,
        between,
        primed,
        prepared,
        kernels.First.empty(longest_first),
        kernels.Pair.empty(longest_second),
        kernels.Pair.empty(longest_second),
        alphabet,
        result,
    )


def _faithful(first: bytes, seconds: list[bytes], separator: bytes, primed: bool) -> list[int]:
    """Lengths of pairs that are not ordinary."""
    deflate = Deflate(9)
    # In one piece: where a piece ends, zlib may slide its window a byte earlier, and lose a match.
    return (
        deflate.primed(first)._lengths(seconds)
        if primed
        else deflate._lengths([first + separator + second for second in seconds])
    )
