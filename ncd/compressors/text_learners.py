"""
Learners of texts: how a text becomes symbols for the models, and a stream becomes a text again.

Bytes and tokens are one sequence of symbols. Words are four: a text is cut into words and what stands between them; the
words, numbered as they come, are one sequence, the gaps another; and what comes for the first time, which the models
code as "a new one", is spelled letter by letter in two more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.learners import Learner, Symbols, bits_of, running_bits
from ncd.tokens import Alphabet, Bytes, encoded
from ncd.words import split_alternating

__all__ = ["Symbolwise", "TextLearner", "Wordwise", "number", "read_number"]

_END = 256  # of a word that is spelled


def number(value: int) -> bytes:
    """A number in bytes of seven bits, the lowest first, all but the last one marked."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def read_number(stream: bytes) -> tuple[int, int]:
    """The number that a stream begins with, and where it ends; whatever stands there."""
    value, at = 0, 0
    for at, byte in enumerate(stream[:5], 1):
        value |= (byte & 127) << 7 * (at - 1)
        if byte < 128:
            break
    return value, at


class TextLearner(ABC):
    """A model that learns texts."""

    @abstractmethod
    def prime(self, text: bytes, settle: bool) -> None:
        """Learn a text that comes before all others; `settle` gives back the memory that only learning needs."""

    @abstractmethod
    def bits(self, text: bytes, frozen: bool = False) -> float:
        """Code length of a text; `frozen` learns nothing from it."""

    def prefix_bits(self, text: bytes, ends: Sequence[int]) -> list[float]:
        """Code lengths of prefixes whose ends, in bytes, ascend."""
        return [self.bits(text[:end]) for end in ends]

    @abstractmethod
    def each(self, text: bytes, frozen: bool = False) -> NDArray[np.float64]:
        """Bits of each byte, token, or word and gap."""

    @abstractmethod
    def distribution(self, past: bytes) -> NDArray[np.float64]:
        """Probabilities of the symbols that may follow a text."""

    @abstractmethod
    def encode(self, text: bytes) -> tuple[int, bytes]:
        """Number of symbols or words, and the stream that goes with it."""

    @abstractmethod
    def decode(self, size: int, stream: bytes) -> bytes | None:
        """The text of a number and a stream; None if there is none."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes of memory."""


class Symbolwise(TextLearner):
    """Texts as one sequence of symbols of an alphabet."""

    def __init__(self, learner: Learner, alphabet: Alphabet) -> None:
        self._learner, self._alphabet = learner, alphabet
        self._base = 0

    def prime(self, text: bytes, settle: bool) -> None:
        symbols = self._alphabet.encode(text)
        self._learner.stand(symbols)
        self._base = len(symbols)
        if settle:
            self._learner.settle()

    def bits(self, text: bytes, frozen: bool = False) -> float:
        symbols = self._alphabet.encode(text)
        return bits_of(self._learner.read(symbols)) if frozen else self._learner.bits(symbols, self._base)

    def prefix_bits(self, text: bytes, ends: Sequence[int]) -> list[float]:
        if not isinstance(self._alphabet, Bytes):  # a token may go on behind a prefix's end
            return super().prefix_bits(text, ends)
        text = text[: ends[-1]] if ends else b""
        return running_bits(self._learner.shares(self._alphabet.encode(text), self._base), ends)

    def each(self, text: bytes, frozen: bool = False) -> NDArray[np.float64]:
        symbols = self._alphabet.encode(text)
        return -np.log2(self._learner.read(symbols) if frozen else self._learner.shares(symbols, self._base))

    def distribution(self, past: bytes) -> NDArray[np.float64]:
        self._learner.stand(self._alphabet.encode(past))
        return self._learner.distribution()

    def encode(self, text: bytes) -> tuple[int, bytes]:
        symbols = self._alphabet.encode(text)
        return len(symbols), self._learner.encode(symbols)

    def decode(self, size: int, stream: bytes) -> bytes | None:
        symbols = self._learner.decode(stream, size)
        return None if symbols is None else self._alphabet.decode(symbols)

    @property
    def nbytes(self) -> int:
        return self._learner.nbytes


class Wordwise(TextLearner):
    """
    Texts as words and gaps.

    Parameters
    ----------
    make : callable
        A learner over an open alphabet, for words and for gaps.
    spell : callable
        A learner over 257 symbols, bytes and the end of a word.
    """

    def __init__(self, make: Callable[[], Learner], spell: Callable[[], Learner]) -> None:
        self._learners = make(), make(), spell(), spell()
        self._known: tuple[dict[str, int], dict[str, int]] = {}, {}
        self._bases = [0, 0, 0, 0]

    def _numbered(self, kind: int, parts: Sequence[str], frozen: bool) -> tuple[Symbols, list[str]]:
        """Numbers of words or gaps, and those that have to be spelled."""
        known = self._known[kind]
        if frozen:  # every unknown one is new again
            numbers = [known.get(part, len(known)) for part in parts]
            return np.array(numbers, np.uint32), [part for part in parts if part not in known]
        fresh: defaultdict[str, int] = defaultdict(count(len(known)).__next__)
        if known:
            numbers = [known[part] if part in known else fresh[part] for part in parts]
            return np.array(numbers, np.uint32), list(fresh)
        return np.fromiter(map(fresh.__getitem__, parts), np.uint32, len(parts)), list(fresh)

    def _sequences(self, text: bytes, frozen: bool) -> tuple[list[Symbols], tuple[list[str], list[str]]]:
        """What the four learners are given, and the words and gaps that are spelled."""
        parts = split_alternating(text) if text else []
        words, new_words = self._numbered(0, parts[::2], frozen)
        gaps, new_gaps = self._numbered(1, parts[1::2], frozen)
        return [words, gaps, _letters(new_words), _letters(new_gaps)], (new_words, new_gaps)

    def prime(self, text: bytes, settle: bool) -> None:
        sequences, spelled = self._sequences(text, frozen=False)
        for learner, symbols in zip(self._learners, sequences, strict=True):
            learner.stand(symbols)
            if settle:
                learner.settle()
        self._known = {part: i for i, part in enumerate(spelled[0])}, {part: i for i, part in enumerate(spelled[1])}
        self._bases = [len(symbols) for symbols in sequences]

    def bits(self, text: bytes, frozen: bool = False) -> float:
        sequences, _ = self._sequences(text, frozen)
        if frozen:
            return sum(bits_of(learner.read(s)) for learner, s in zip(self._learners, sequences, strict=True))
        return sum(
            learner.bits(symbols, base)
            for learner, symbols, base in zip(self._learners, sequences, self._bases, strict=True)
        )

    def each(self, text: bytes, frozen: bool = False) -> NDArray[np.float64]:
        sequences, _ = self._sequences(text, frozen)
        words, gaps, word_letters, gap_letters = (
            -np.log2(learner.read(symbols) if frozen else learner.shares(symbols, base))
            for learner, symbols, base in zip(self._learners, sequences, self._bases, strict=True)
        )
        result = np.empty(len(words) + len(gaps))
        result[::2] = _with_spelling(words, sequences[0], word_letters, sequences[2], len(self._known[0]), frozen)
        result[1::2] = _with_spelling(gaps, sequences[1], gap_letters, sequences[3], len(self._known[1]), frozen)
        return result

    def distribution(self, past: bytes) -> NDArray[np.float64]:
        del past
        raise TypeError("alphabet='words' has no list of all words that may come: distribution is for bytes and tokens")

    def encode(self, text: bytes) -> tuple[int, bytes]:
        sequences, _ = self._sequences(text, frozen=False)
        streams = [learner.encode(symbols) for learner, symbols in zip(self._learners, sequences, strict=True)]
        sizes = [len(sequences[2]), len(sequences[3]), *map(len, streams[:3])]
        return len(sequences[0]), b"".join([*map(number, sizes), *streams])

    def decode(self, size: int, stream: bytes) -> bytes | None:
        sizes = []
        for _ in range(5):
            value, at = read_number(stream)
            sizes.append(value)
            stream = stream[at:]
        edges = np.cumsum([0, *sizes[2:]]).tolist()
        streams = [stream[a:b] for a, b in zip(edges, [*edges[1:], len(stream)], strict=True)]
        found = []
        for learner, n, part in zip(self._learners, [size, max(size - 1, 0), *sizes[:2]], streams, strict=True):
            found.append(learner.decode(part, n))
        if any(symbols is None for symbols in found):
            return None
        words, gaps = (_spelled(*pair) for pair in (found[::2], found[1::2]))
        if words is None or gaps is None:
            return None
        text = [b""] * (len(words) + len(gaps))
        text[::2], text[1::2] = words, gaps
        return b"".join(text)

    @property
    def nbytes(self) -> int:
        return sum(learner.nbytes for learner in self._learners)


def _letters(parts: Sequence[str]) -> Symbols:
    """Bytes of words or gaps, each with its end."""
    texts = [encoded(part) for part in parts]
    letters = np.frombuffer(b"\0".join([*texts, b""]), np.uint8).astype(np.uint32)
    letters[np.cumsum([len(text) + 1 for text in texts], dtype=np.int64) - 1] = _END
    return letters


def _with_spelling(
    bits: NDArray[np.float64],
    numbers: Symbols,
    letter_bits: NDArray[np.float64],
    letters: Symbols,
    known: int,
    frozen: bool,
) -> NDArray[np.float64]:
    """Bits of words or gaps, those that are spelled with their letters."""
    new = np.flatnonzero(numbers >= known)
    if not frozen:
        new = new[np.unique(numbers[new], return_index=True)[1]]
        new.sort()
    starts = np.concatenate([[0], np.flatnonzero(letters == _END)[:-1] + 1]).astype(np.int64)
    result = bits.copy()
    if len(new):
        result[new] += np.add.reduceat(letter_bits, starts)
    return result


def _spelled(numbers: Any, letters: Any) -> list[bytes] | None:
    """Words or gaps from numbers and spellings; None if they do not fit."""
    ends = np.flatnonzero(letters == _END)
    if len(letters) != (ends[-1] + 1 if len(ends) else 0) or len(ends) != (
        int(numbers.max()) + 1 if len(numbers) else 0
    ):
        return None
    raw = np.where(letters == _END, 0, letters).astype(np.uint8).tobytes()
    starts = [0, *(ends[:-1] + 1).tolist()]
    table = [raw[a:b] for a, b in zip(starts, ends.tolist(), strict=False)]
    return [table[i] for i in numbers.tolist()]
