"""
Arithmetic coding: symbols by their shares of an interval, into bytes and back (a range coder with carry).

The interval begins at `low` and is `range` wide, 64 bits of an endless number of which the bytes before are written.
The width is kept at 2^56 and more, so that shares in units of 2^-32 lose at most 2^-24 of it in rounding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["AT", "LOOKAHEAD", "ROOM", "UNIT", "Coder", "finish", "narrow", "offer", "take"]

UNIT = np.float64(1 << 32)  # of shares: a probability p becomes floor(p UNIT) + 1
ROOM = 8  # bytes that one symbol takes at most
LOOKAHEAD = 8  # bytes beyond its end that are read of a sound stream

LOW, RANGE, AT = np.uint64(0), np.uint64(1), np.uint64(2)
_ONE, _BYTE, _TOP, _LEAST = np.uint64(1), np.uint64(8), np.uint64(56), np.uint64(1 << 56)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Coder(NamedTuple):
    """A stream under way."""

    register: NDArray[np.uint64]  # low (when decoding: the number less low), range, position in the stream
    stream: NDArray[np.uint8]

    @classmethod
    def writing(cls, size: int) -> Coder:
        """An empty stream with room for so many bytes."""
        return cls(np.array([0, _ALL, 0], np.uint64), np.empty(size, np.uint8))

    @classmethod
    def reading(cls, stream: bytes) -> Coder:
        """A stream to be decoded."""
        head = int.from_bytes(stream[:LOOKAHEAD].ljust(LOOKAHEAD, b"\0"), "big")
        return cls(np.array([head, _ALL, LOOKAHEAD], np.uint64), np.frombuffer(stream, np.uint8).copy())

    def larger(self) -> Coder:
        """The same stream with twice the room."""
        return Coder(self.register, np.concatenate([self.stream, np.empty_like(self.stream)]))


@inlined
def _put(coder: Coder) -> None:
    """Write the first byte of the interval's begin."""
    register, stream = coder.register, coder.stream
    stream[register[AT]] = register[LOW] >> _TOP
    register[AT] += _ONE
    register[LOW] <<= _BYTE


@inlined
def _carry(coder: Coder) -> None:
    """Add one to the number that is written."""
    at = coder.register[AT] - _ONE
    while coder.stream[at] == 255:
        coder.stream[at] = 0
        at -= _ONE
    coder.stream[at] += 1


@inlined
def narrow(coder: Coder, start: Any, size: Any, total: Any) -> None:
    """Encode: go on with the part of the interval from ``start / total``, ``size / total`` wide."""
    register = coder.register
    unit = register[RANGE] // total
    begin = register[LOW] + unit * start
    if begin < register[LOW]:
        _carry(coder)
    register[LOW] = begin
    register[RANGE] = unit * size
    while register[RANGE] < _LEAST:
        _put(coder)
        register[RANGE] <<= _BYTE


@inlined
def offer(coder: Coder, total: Any) -> Any:
    """Decode: in which of `total` equal parts of the interval the number is."""
    return min(coder.register[LOW] // (coder.register[RANGE] // total), total - _ONE)


@inlined
def take(coder: Coder, start: Any, size: Any, total: Any) -> None:
    """Decode: go on with the part of the interval that holds the number; beyond the stream's end there are zeros."""
    register, stream = coder.register, coder.stream
    unit = register[RANGE] // total
    register[LOW] -= unit * start
    register[RANGE] = unit * size
    while register[RANGE] < _LEAST:
        byte = np.uint64(stream[register[AT]]) if register[AT] < len(stream) else np.uint64(0)
        register[LOW] = register[LOW] << _BYTE | byte
        register[AT] += _ONE
        register[RANGE] <<= _BYTE


@kernel
def finish(coder: Coder) -> None:
    """Write the one byte, or none, that tells the interval from all others when zeros follow."""
    register = coder.register
    if register[LOW] != 0:
        begin = register[LOW] + (_LEAST - _ONE)
        if begin < register[LOW]:
            _carry(coder)
        register[LOW] = begin
        if begin >= _LEAST:
            _put(coder)
