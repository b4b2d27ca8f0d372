"""
Adaptive models under way: the memory of the context kernels, which grows where a kernel says that it is full.

A learner stands after a sequence of symbols. It goes on to another one from what both begin with, by forgetting what
it learned since, or begins anew where that is less work. So a text that is coded before many others is learned once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.arithmetic import AT, Coder, finish
from ncd.kernels.context_counts import add_bits
from ncd.kernels.context_trie import Trie, Walk
from ncd.kernels.jit import announced

__all__ = ["Learner", "Symbols", "bits_of", "borrowed", "run", "running_bits"]

Symbols = NDArray[np.uint32]

_MOST_SYMBOLS = (1 << 31) - 1  # counts have 32 bits
_AT_ONCE = 1 << 20  # symbols of one call: what Ctrl-C waits for
_FORGETTING = 0.5  # of the time of learning
_KEPT_BYTES = 1 << 23  # of a learner that waits for later calls
_KEPT_MODELS = 8


def run(kernel: Any, *arguments: Any) -> Any:
    """Call a kernel; if it has to be compiled first, say so."""
    if getattr(kernel, "signatures", True):
        return kernel(*arguments)
    with announced("the kernels of context models"):
        return kernel(*arguments)


def bits_of(shares: NDArray[np.float64]) -> float:
    """Bits of symbols with these probabilities."""
    return float(run(add_bits, shares, 0, len(shares), 0.0))


def running_bits(shares: NDArray[np.float64], ends: Sequence[int]) -> list[float]:
    """Bits of the first symbols up to each end, ascending; the same numbers as by themselves."""
    result, at, bits = [], 0, 0.0
    for end in ends:
        bits = float(run(add_bits, shares, at, end, bits))
        result.append(bits)
        at = end
    return result


def _checked(size: int) -> int:
    """A number of symbols that can be counted, or an error."""
    if size > _MOST_SYMBOLS:
        raise ValueError(f"there are {size:,} symbols in all: a context model counts {_MOST_SYMBOLS:,} at most")
    return size


def _common(one: Symbols, other: Symbols) -> int:
    """How many symbols two sequences have in common at their beginning."""
    size = min(len(one), len(other))
    differ = one[:size] != other[:size]
    first = int(differ.argmax()) if size else 0
    return first if size and differ[first] else size


class Learner(ABC):
    """
    A model, and the symbols that it has learned.

    Parameters
    ----------
    order : int
        Of the longest context.
    longest : int
        Of the strings in the trie.
    alphabet : int
    """

    def __init__(self, order: int, longest: int, alphabet: int) -> None:
        self._order, self._longest, self._alphabet = order, longest, alphabet
        self._trie = Trie.empty(longest, 16)
        self._walk = Walk.empty(longest)
        self._position = 0
        self._symbols: Symbols = np.empty(0, np.uint32)
        self._shares = np.empty(0)
        self._ends = np.empty(0, np.uint64)
        self._anchor = 0, 0.0  # a position, and the bits up to it

    @abstractmethod
    def _learn(self, start: int, stop: int, undo: bool) -> int:
        """Learn symbols; returns where memory ran out, or `stop`."""

    @abstractmethod
    def _forget(self, position: int) -> None:
        """Go back."""

    @abstractmethod
    def _transcode(self, symbols: Symbols, start: int, stop: int, coder: Coder, reading: bool) -> int:
        """Code symbols and learn them; returns where memory ran out, or `stop`, or -1 if a stream ended before."""

    @abstractmethod
    def _read(self, walk: Walk, symbols: Symbols, shares: NDArray[np.float64]) -> None:
        """Probabilities of symbols by what is known."""

    @abstractmethod
    def distribution(self) -> NDArray[np.float64]:
        """Probabilities of all symbols that may come next."""

    def _clear(self, size: int) -> None:
        """Forget everything; `size` symbols will follow, for which there is room at once if they are few."""
        nodes = min(1 + self._longest * (size + 1), 4096 + size // 4)
        if self._trie.fits(nodes):
            self._trie.clear(nodes)
        else:
            self._trie = Trie.empty(self._longest, nodes)
        self._walk.chain[0] = self._walk.depth[0] = 0
        self._position, self._anchor = 0, (0, 0.0)

    def _enlarge(self) -> bool:
        """Make room for one more symbol, and many; false if there is."""
        if self._trie.has_room(self._longest):
            return False
        self._trie = self._trie.larger()
        return True

    def _may_undo(self, size: int, base: int) -> bool:
        """Whether symbols that are learned now may be forgotten later."""
        del size, base
        return True

    def _can_forget(self, position: int) -> bool:
        """Whether there is a way back to a position."""
        del position
        return True

    def _arrays(self) -> list[NDArray[Any]]:
        """What takes memory."""
        return [self._symbols, self._shares, self._ends, *self._trie]

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return sum(array.nbytes for array in self._arrays())

    def stand(self, symbols: Symbols, base: int = 0) -> int:
        """
        Learn a sequence after the first `base` symbols of those that are known; what it shares with them is kept.

        Returns how many symbols of all that were.
        """
        size = _checked(base + len(symbols))
        kept = base + _common(self._symbols[base : self._position], symbols)
        if kept < self._position:
            worth = base > 0 or kept > _FORGETTING * (self._position - kept)
            if worth and self._can_forget(kept):
                self._forget(kept)
            else:
                kept = 0
        if kept == 0:
            self._clear(size)
        self._position = kept
        self._reserve(size)
        if kept < base:
            self._advance(base, False)
        self._symbols[self._position : size] = symbols[self._position - base :]
        self._advance(size, self._may_undo(len(symbols), base))
        return kept

    def bits(self, symbols: Symbols, base: int = 0) -> float:
        """Code length of a sequence, after the first `base` symbols of those that are known."""
        kept = self.stand(symbols, base)
        if base:
            return float(run(add_bits, self._shares, base, self._position, 0.0))
        place, before = self._anchor if self._anchor[0] <= kept else (0, 0.0)
        before = float(run(add_bits, self._shares, place, kept, before))
        self._anchor = kept, before
        return float(run(add_bits, self._shares, kept, self._position, before))

    def shares(self, symbols: Symbols, base: int = 0) -> NDArray[np.float64]:
        """Probability of each symbol of a sequence."""
        self.stand(symbols, base)
        return self._shares[base : self._position].copy()

    def read(self, symbols: Symbols) -> NDArray[np.float64]:
        """Probability of each symbol by what is known; nothing is learned, and several threads may ask at once."""
        walk = Walk(self._walk.chain.copy(), self._walk.found.copy(), self._walk.depth.copy())
        shares = np.empty(len(symbols))
        self._read(walk, symbols, shares)
        return shares

    def encode(self, symbols: Symbols) -> bytes:
        """The stream of a sequence."""
        self._clear(_checked(len(symbols)))
        coder, at = Coder.writing(len(symbols) // 2 + 256), 0
        while at < len(symbols):
            at = self._transcode(symbols, at, min(at + _AT_ONCE, len(symbols)), coder, False)
            if at < len(symbols) and not self._enlarge():
                coder = coder.larger()
        run(finish, coder)
        return coder.stream[: int(coder.register[int(AT)])].tobytes()

    def decode(self, stream: bytes, size: int) -> Symbols | None:
        """The sequence of a stream; None if that ended before."""
        if size > _MOST_SYMBOLS:
            return None
        self._clear(min(size, _AT_ONCE))
        symbols: Symbols = np.empty(min(size, _AT_ONCE), np.uint32)
        coder, at = Coder.reading(stream), 0
        while at < size:
            at = self._transcode(symbols, at, min(at + _AT_ONCE, len(symbols)), coder, True)
            if at < 0:
                return None
            self._enlarge()
            if at == len(symbols) < size:
                symbols = np.concatenate([symbols, np.empty(min(at, size - at), np.uint32)])
        return symbols

    def settle(self) -> None:
        """Give back the memory that only learning needs."""
        self._symbols, self._shares, self._ends = np.empty(0, np.uint32), np.empty(0), np.empty(0, np.uint64)

    def _reserve(self, size: int) -> None:
        """Room for what is kept of each symbol."""
        if len(self._symbols) < size:
            more = max(size, 2 * self._position) - len(self._symbols)
            self._symbols = np.concatenate([self._symbols, np.empty(more, np.uint32)])
            self._shares = np.concatenate([self._shares, np.empty(more)])
            self._ends = np.concatenate([self._ends, np.empty(more, np.uint64)])

    def _advance(self, stop: int, undo: bool) -> None:
        """Learn up to a position, with as much memory as it takes."""
        while self._position < stop:
            self._position = self._learn(self._position, min(self._position + _AT_ONCE, stop), undo)
            self._enlarge()


class _Reusable(Protocol):
    """What may be kept for later calls."""

    @property
    def nbytes(self) -> int: ...


_L = TypeVar("_L", bound=_Reusable)
_idle: OrderedDict[Hashable, deque[Any]] = OrderedDict()


@contextmanager
def borrowed(key: Hashable, make: Callable[[], _L]) -> Iterator[_L]:
    """
    A learner of one's own, with the memory of an earlier call.

    It comes back only if nothing went wrong, so that none is used that stopped half way.
    """
    idle = _idle.setdefault(key, deque(maxlen=64))
    try:
        learner = idle.pop()
    except IndexError:
        learner = make()
    yield learner
    if learner.nbytes <= _KEPT_BYTES:
        idle.append(learner)
    while len(_idle) > _KEPT_MODELS:
        _idle.popitem(last=False)
