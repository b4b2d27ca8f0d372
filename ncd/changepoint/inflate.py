"""Where each token of a deflate stream (RFC 1951) stands, in the stream and in the text that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tokens", "read_tokens"]

# Extra bits and least values of the symbols of lengths (257 ...) and of distances (RFC 1951, 3.2.5).
_LENGTH_EXTRA = [0] * 8 + [bits for bits in range(1, 6) for _ in range(4)] + [0]
_DISTANCE_EXTRA = [0, 0] + [bits for bits in range(14) for _ in range(2)]
_LENGTH_BASE = [*np.cumsum([3, *(1 << bits for bits in _LENGTH_EXTRA[:27])]).tolist(), 258]
_DISTANCE_BASE = np.cumsum([1, *(1 << bits for bits in _DISTANCE_EXTRA[:29])]).tolist()
# The order in which the lengths of the codes of code lengths are sent (3.2.7).
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_END = 256


@dataclass(frozen=True, eq=False)
class Tokens:
    """
    The tokens of a deflate stream: single bytes, copies, and bytes of stored blocks.

    Attributes
    ----------
    starts, ends : ndarray of int64, shape (m,)
        Bit at which each token's code begins and ends, counted from the beginning of the deflate stream, the lowest
        bit of a byte first. What lies between tokens are the headers and ends of blocks.
    offsets : ndarray of int64, shape (m + 1,)
        Byte of the text at which each token begins, and the length of the text.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def in_byte(self, position: int) -> tuple[int, int]:
        """Bytes of the text (from, to) whose tokens have a bit in one byte of the stream; from = to where none has."""
        first = int(np.searchsorted(self.ends, 8 * position, "right"))
        after = int(np.searchsorted(self.starts, 8 * position + 8, "left"))
        return int(self.offsets[first]), int(self.offsets[max(first, after)])

    def of_byte(self, offset: int) -> tuple[int, int]:
        """Bytes of the stream (from, to) in which the token of one byte of the text stands."""
        token = int(np.searchsorted(self.offsets, offset, "right")) - 1
        return int(self.starts[token] // 8), int(-(-self.ends[token] // 8))


class _Code:
    """A Huffman code: a table that gives symbol and bits of what comes next."""

    def __init__(self, lengths: list[int]) -> None:
        self.most = max(lengths, default=0)
        if sum(1 << (self.most - n) for n in lengths if n) > 1 << self.most:
            raise ValueError("stream is damaged: a Huffman code has more codes than there is room for")
        table = np.full((1 << self.most, 2), -1, np.int64)
        code = 0
        for bits in range(1, self.most + 1):
            code <<= 1
            for symbol, length in enumerate(lengths):
                if length == bits:
                    table[int(f"{code:0{bits}b}"[::-1], 2) :: 1 << bits] = symbol, bits
                    code += 1
        self.symbols, self.bits = table.T.tolist()
        self.mask = (1 << self.most) - 1


def _fixed() -> tuple[_Code, _Code]:
    """The codes of blocks that send none."""
    return _Code([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), _Code([5] * 30)


class _Reader:
    """A deflate stream that is read bit by bit."""

    def __init__(self, stream: bytes) -> None:
        self.stream, self.at = stream, 0
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.offsets = [0]

    def peek(self) -> int:
        """At least 57 bits from here on, zeros behind the end."""
        return int.from_bytes(self.stream[self.at >> 3 : (self.at >> 3) + 8], "little") >> (self.at & 7)

    def take(self, bits: int) -> int:
        """The next bits as a number."""
        value = self.peek() & ((1 << bits) - 1)
        self.at += bits
        return value

    def symbol(self, code: _Code) -> int:
        """The next symbol."""
        entry = self.peek() & code.mask
        self.at += code.bits[entry]
        return self.checked(code.symbols[entry])

    def checked(self, symbol: int) -> int:
        """The symbol, if there is one and the stream has not ended before."""
        if symbol < 0 or self.at > 8 * len(self.stream):
            raise ValueError(f"stream is damaged or cut short at byte {self.at // 8:,} of {len(self.stream):,}")
        return symbol

    def blocks(self) -> None:
        """All blocks, up to the last one."""
        last = 0
        while not last:
            last, kind = self.take(1), self.take(2)
            self.checked(0 if kind < 3 else -1)
            if kind == 0:
                self.stored()
            else:
                self.coded(*(_fixed() if kind == 1 else self.dynamic()))

    def stored(self) -> None:
        """A block of plain bytes."""
        self.at = -(-self.at // 8) * 8
        size, complement = self.take(16), self.take(16)
        self.checked(0 if size == complement ^ 0xFFFF else -1)
        begin, offset = self.at, self.offsets[-1]
        self.at += 8 * size
        self.checked(0)
        self.starts.extend(range(begin, self.at, 8))
        self.ends.extend(range(begin + 8, self.at + 8, 8))
        self.offsets.extend(range(offset + 1, offset + size + 1))

    def dynamic(self) -> tuple[_Code, _Code]:
        """The codes that a block sends."""
        literals, distances, sent = self.take(5) + 257, self.take(5) + 1, self.take(4) + 4
        lengths = [0] * 19
        for place in _ORDER[:sent]:
            lengths[place] = self.take(3)
        code = _Code(lengths)
        lengths = []
        while len(lengths) < literals + distances:
            symbol = self.symbol(code)
            if symbol < 16:
                lengths.append(symbol)
            elif symbol == 16:
                self.checked(0 if lengths else -1)
                lengths += lengths[-1:] * (3 + self.take(2))
            else:
                lengths += [0] * (3 + self.take(3) if symbol == 17 else 11 + self.take(7))
        self.checked(0 if len(lengths) == literals + distances else -1)
        return _Code(lengths[:literals]), _Code(lengths[literals:])

    def coded(self, literal: _Code, distance: _Code) -> None:
        """A block of bytes and copies."""
        stream, offset, at, end = self.stream, self.offsets[-1], self.at, 8 * len(self.stream)
        symbols, bits, mask = literal.symbols, literal.bits, literal.mask
        while True:
            word = int.from_bytes(stream[at >> 3 : (at >> 3) + 8], "little") >> (at & 7)
            entry = word & mask
            symbol, used = symbols[entry], bits[entry]
            if symbol == _END or symbol < 0 or at > end:
                break
            if symbol < _END:
                offset += 1
            else:
                symbol -= _END + 1
                self.checked(symbol if symbol < 29 else -1)
                extra = _LENGTH_EXTRA[symbol]
                offset += _LENGTH_BASE[symbol] + (word >> used & ((1 << extra) - 1))
                used += extra
                entry = word >> used & distance.mask
                far = distance.symbols[entry]
                self.checked(far if far < 30 else -1)
                extra = _DISTANCE_EXTRA[far]
                used += distance.bits[entry] + extra
                reach = _DISTANCE_BASE[far] + (word >> (used - extra) & ((1 << extra) - 1))
                self.checked(0 if reach <= self.offsets[-1] else -1)
            self.starts.append(at)
            at += used
            self.ends.append(at)
            self.offsets.append(offset)
        self.at = at + max(used, 0)
        self.checked(symbol)


def read_tokens(stream: bytes) -> Tokens:
    """
    The tokens of a raw deflate stream; the text itself is not built.

    Raises
    ------
    ValueError
        If the stream is damaged or cut short.

    Examples
    --------
    >>> import zlib
    >>> tokens = read_tokens(zlib.compress(b"abcabcabcabc", 9, -15))
    >>> tokens.offsets.tolist(), tokens.starts.tolist()
    ([0, 1, 2, 3, 4, 12], [3, 11, 19, 27, 35])
    """
    reader = _Reader(stream)
    reader.blocks()
    return Tokens(*(np.array(values, np.int64) for values in (reader.starts, reader.ends, reader.offsets)))
