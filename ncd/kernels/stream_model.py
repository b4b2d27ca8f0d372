"""
A byte model that no longer learns, as an automaton that reads a byte in one step as a rule.

A state is the longest context that the reference holds; it is a list of records that stand one after another: one for
each byte seen there, the most frequent first, then one for all others. A record is a word, ``symbol + 512 * next``,
and a probability (float32). A byte's record has the byte's probability and leads to the state after it; the last one,
of symbol 256, has the probability of an unseen byte, D / (T + D), and leads to the state of the next shorter context,
where the byte is looked for again. The state of the empty context is the first: 256 records, one a byte.

No byte seen in a context is missing in a shorter one, and what the longest context after a byte is depends on nothing
older than the one before it: the automaton gives the probabilities of `ncd.kernels.stream_counts`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.context_trie import CHILD, COUNT, DISTINCT, NEXT, NODE, NONE, SUFFIX, SYMBOL, TOTAL, USED, Trie
from ncd.kernels.jit import inlined, kernel
from ncd.kernels.stream_bits import SCALE, TINY, bits_of
from ncd.kernels.stream_counts import START, chance_of
from ncd.kernels.stream_window import NEWLINE, Window, in_window, take_in
from ncd.kernels.stream_witnesses import Witnesses, signal, standardised

__all__ = ["Automaton", "bits_of_bytes", "bits_of_units", "frozen", "signals_of_units"]

_OTHERS = np.uint64(256)
_SYMBOL, _NEXT_STATE = np.uint64(511), np.uint64(9)
_MOST_NARROW = 1 << 23


class Automaton(NamedTuple):
    """The frozen model."""

    words: NDArray[np.uint32] | NDArray[np.uint64]  # uint64 if there are 2^23 records or more
    chances: NDArray[np.float32]
    start: int  # the state after the newline that a unit begins after

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.words.nbytes + self.chances.nbytes


def frozen(trie: Trie, wide: bool | None = None) -> Automaton:
    """The automaton of a trie with counts; `wide` forces words of 64 bits or 32."""
    states = np.empty(int(trie.sizes[USED]), np.int64)
    records = int(_number_states(trie, states))
    narrow = records < _MOST_NARROW if wide is None else not wide
    words = np.zeros(records, np.uint32 if narrow else np.uint64)
    chances = np.zeros(records, np.float32)
    _write_records(trie, states, words, chances)
    return Automaton(words, chances, int(states[int(START)]))


@kernel
def _number_states(trie: Trie, states: NDArray[np.int64]) -> int:
    """The first record of each context's state, of other strings that of their longest suffix; number of records."""
    nodes = trie.nodes
    records = 256
    states[0] = 0
    for number in range(1, states.size):
        at = np.uint64(number) << NODE
        if nodes[at + TOTAL] == 0:
            states[number] = -1
        else:
            states[number] = records
            records += np.int64(nodes[at + DISTINCT]) + 1
    for number in range(1, states.size):
        suffix = number
        while states[suffix] < 0:
            suffix = np.int64(nodes[(np.uint64(suffix) << NODE) + SUFFIX])
        states[number] = states[suffix]
    return records


@kernel
def _write_records(trie: Trie, states: NDArray[np.int64], words: Any, chances: NDArray[np.float32]) -> None:
    """Fill all records."""
    nodes = trie.nodes
    total, distinct = np.int64(nodes[TOTAL]), np.int64(nodes[DISTINCT])
    unseen = distinct / 256.0 / (total + distinct) if total else 1.0 / 256.0
    for symbol in range(256):
        words[symbol] = symbol
        chances[symbol] = unseen
    words[NEWLINE] = NEWLINE | (states[START] << np.int64(_NEXT_STATE))  # a context even if none was ever coded
    child = np.uint64(nodes[CHILD])
    while child != NONE:
        at = child << NODE
        if nodes[at + COUNT] != 0:
            symbol = np.int64(nodes[at + SYMBOL])
            words[symbol] = symbol | (states[child] << np.int64(_NEXT_STATE))
            chances[symbol] = chance_of(nodes, child, NONE)
        child = np.uint64(nodes[at + NEXT])
    for number in range(1, states.size):
        context = np.uint64(number)
        above = context << NODE
        total, distinct = np.int64(nodes[above + TOTAL]), np.int64(nodes[above + DISTINCT])
        if total == 0:
            continue
        first = last = states[number]
        child = np.uint64(nodes[above + CHILD])
        while child != NONE:
            if nodes[(child << NODE) + COUNT] != 0:
                _sort_in(nodes, words, first, last, child)
                last += 1
            child = np.uint64(nodes[(child << NODE) + NEXT])
        for at in range(first, last):
            child = np.uint64(words[at])
            words[at] = np.int64(nodes[(child << NODE) + SYMBOL]) | (states[child] << np.int64(_NEXT_STATE))
            chances[at] = chance_of(nodes, child, context)
        words[last] = 256 | (states[nodes[above + SUFFIX]] << np.int64(_NEXT_STATE))
        chances[last] = distinct / (total + distinct)


@inlined
def _sort_in(nodes: Any, words: Any, first: Any, last: Any, child: Any) -> None:
    """Put a node among others that are in order: the largest counts first, of equal ones the lowest symbol."""
    here = child << NODE
    at = last
    while at > first:
        other = np.uint64(words[at - 1]) << NODE
        if nodes[other + COUNT] > nodes[here + COUNT]:
            break
        if nodes[other + COUNT] == nodes[here + COUNT] and nodes[other + SYMBOL] < nodes[here + SYMBOL]:
            break
        words[at] = words[at - 1]
        at -= 1
    words[at] = child


@inlined
def _step(words: Any, chances: Any, state: Any, symbol: Any) -> Any:
    """The probability of a byte, and the state after it."""
    chance = 1.0
    at = state if state != 0 else symbol
    word = np.uint64(words[at])
    while (word & _SYMBOL) != symbol:
        if (word & _SYMBOL) == _OTHERS:
            chance *= chances[at]
            at = word >> _NEXT_STATE
            if at == 0:
                at = symbol
        else:
            at += np.uint64(1)
        word = np.uint64(words[at])
    return chance * chances[at], word >> _NEXT_STATE


@kernel
def signals_of_units(
    words: Any,
    chances: NDArray[np.float32],
    start_state: int,
    window: Window,
    scales: NDArray[np.float64],
    witnesses: Witnesses,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    framed: int,
    rows: NDArray[np.float64],
) -> int:
    """
    Novelty and plainness of each unit; the window moves on.

    Parameters
    ----------
    scales : float64, (2, 3)
        Of bits and of gain per byte: mean, scale, and 1 where differences of less than half the scale count as none.
    witnesses : Witnesses
        Units of the reference that say how large novelty is under the present window without a change.

    Returns
    -------
    int
        The first unit that is not within the data, where reading stopped; otherwise the number of units.
    """
    for unit in range(starts.size):
        start, end = starts[unit], ends[unit]
        if start < 0 or end < start or end > data.size:
            return unit
        old, new = 1.0, 1.0
        old_times, new_times = 0, 0
        state = np.uint64(start_state)
        before = np.uint64(NEWLINE)
        for at in range(start, end + framed):
            symbol = np.uint64(data[at]) if at < end else np.uint64(NEWLINE)
            chance, state = _step(words, chances, state, symbol)
            old *= chance
            new *= in_window(window, chance, before, symbol)
            if old < TINY:
                old *= SCALE
                old_times += 1
            if new < TINY:
                new *= SCALE
                new_times += 1
            before = symbol
        coded = end - start + framed
        bits = bits_of(old, old_times)
        news = saved = 0.0
        if coded:
            news = standardised(scales, 0, bits / coded)
            saved = standardised(scales, 1, (bits - bits_of(new, new_times)) / coded)
        rows[unit, 0] = signal(window, scales, witnesses, news, news + 2.0 * saved)
        rows[unit, 1] = -(scales[0, 0] + scales[0, 1] * news)
        take_in(window, data, start, end, framed)
    return starts.size


@kernel
def bits_of_units(
    words: Any,
    chances: NDArray[np.float32],
    start_state: int,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    framed: int,
    bits: NDArray[np.float64],
) -> int:
    """Bits per coded byte of each unit, 0 where there is none; returns what `signals_of_units` does."""
    for unit in range(starts.size):
        start, end = starts[unit], ends[unit]
        if start < 0 or end < start or end > data.size:
            return unit
        product, times = 1.0, 0
        state = np.uint64(start_state)
        for at in range(start, end + framed):
            symbol = np.uint64(data[at]) if at < end else np.uint64(NEWLINE)
            chance, state = _step(words, chances, state, symbol)
            product *= chance
            if product < TINY:
                product *= SCALE
                times += 1
        bits[unit] = bits_of(product, times) / max(end - start + framed, 1)
    return starts.size


@kernel
def bits_of_bytes(
    words: Any,
    chances: NDArray[np.float32],
    start_state: int,
    data: NDArray[np.uint8],
    framed: int,
    bits: NDArray[np.float32],
) -> None:
    """Bits of each coded byte of one unit."""
    state = np.uint64(start_state)
    for at in range(data.size + framed):
        symbol = np.uint64(data[at]) if at < data.size else np.uint64(NEWLINE)
        chance, state = _step(words, chances, state, symbol)
        bits[at] = bits_of(chance, 0)
