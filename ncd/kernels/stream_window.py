"""
The newest bytes of a stream and their models of orders 0 and 1, small enough for a processor's first cache.

The window keeps pairs: a byte and the one before it in its unit, or a newline where it is the first; the pairs are
256 * before + byte. All is in one array of uint16::

    0 ... 7           how many pairs it holds, where the next one goes, how many different bytes it holds,
                      32 - log2 of the number of the table's slots, how many pairs it can hold; three words are free
    8 ... 263         how often each byte is in it
    264 ... 519       how often each byte is the one before: the total of its context
    520 ... 775       how many different bytes follow it
    776 ...           the pairs, in a ring
    then              a table of different pairs and how often each is there, two words a slot; a count of 0: free

The table is at most half full. A pair whose count becomes 0 is taken out, and those after it move up (Knuth, The Art
of Computer Programming 3, 6.4, algorithm R), so that no search ever meets what is gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = ["MOST", "NEWLINE", "Window", "empty_window", "in_window", "pairs_of", "refill", "take_in"]

#: What a unit begins after, and what ends a line.
NEWLINE = 10
#: Pairs that a window can hold at most.
MOST = 65535

Window = NDArray[np.uint16]

_HELD, _NEXT, _KINDS, _SHIFT, _ROOM = range(5)
_COUNT, _TOTAL, _DISTINCT, _RING = 8, 264, 520, 776
_MULTIPLIER = np.uint64(0x9E3779B1)  # 2^32 over the golden ratio
_BYTE, _EIGHT = np.uint64(255), np.uint64(8)
_ONE = np.uint64(1)


def empty_window(room: int) -> Window:
    """A window for so many bytes."""
    power = max(2 * room - 1, 15).bit_length()
    window = np.zeros(_RING + room + (2 << power), np.uint16)
    window[_SHIFT], window[_ROOM] = 32 - power, room
    return window


def pairs_of(window: Window) -> NDArray[np.uint16]:
    """The pairs, the oldest first."""
    held, at, room = (int(window[word]) for word in (_HELD, _NEXT, _ROOM))
    ring = window[_RING : _RING + room]
    return np.concatenate([ring[at:], ring[:at]])[room - held :]


@kernel
def refill(window: Window, pairs: NDArray[np.uint16]) -> None:
    """Hold these pairs and nothing else."""
    _clear(window)
    for i in range(pairs.size):
        _add(window, np.uint64(pairs[i]))


@inlined
def _clear(window: Any) -> None:
    """Hold nothing."""
    window[_HELD] = window[_NEXT] = window[_KINDS] = 0
    for at in range(_COUNT, _RING):
        window[at] = 0
    for at in range(_RING + window[_ROOM], window.size):
        window[at] = 0


@inlined
def _table(window: Any) -> Any:
    """Where the table begins, and its last slot."""
    return np.uint64(_RING) + np.uint64(window[_ROOM]), (_ONE << (np.uint64(32) - np.uint64(window[_SHIFT]))) - _ONE


@inlined
def _home(window: Any, pair: Any) -> Any:
    """The slot where the search for a pair begins."""
    return np.uint64(np.uint32(pair * _MULTIPLIER)) >> np.uint64(window[_SHIFT])


@inlined
def _find(window: Any, pair: Any) -> Any:
    """Place in the window of the pair's words in the table, or of free ones."""
    first, last = _table(window)
    slot = _home(window, pair)
    at = first + (slot << _ONE)
    while window[at + _ONE] != 0 and window[at] != pair:
        slot = (slot + _ONE) & last
        at = first + (slot << _ONE)
    return at


@inlined
def _free(window: Any, gone: Any) -> None:
    """Take out the pair at a place; of those after it, up to a free place, each moves up if its search allows."""
    first, last = _table(window)
    hole = (gone - first) >> _ONE
    slot = (hole + _ONE) & last
    at = first + (slot << _ONE)
    while window[at + _ONE] != 0:
        if ((slot - _home(window, np.uint64(window[at]))) & last) >= ((slot - hole) & last):
            to = first + (hole << _ONE)
            window[to] = window[at]
            window[to + _ONE] = window[at + _ONE]
            hole = slot
        slot = (slot + _ONE) & last
        at = first + (slot << _ONE)
    window[first + (hole << _ONE) + _ONE] = 0


@inlined
def _count_in(window: Any, pair: Any) -> None:
    """Count a pair."""
    byte, before = pair & _BYTE, pair >> _EIGHT
    if window[np.uint64(_COUNT) + byte] == 0:
        window[_KINDS] += 1
    window[np.uint64(_COUNT) + byte] += 1
    window[np.uint64(_TOTAL) + before] += 1
    at = _find(window, pair)
    if window[at + _ONE] == 0:
        window[at] = pair
        window[np.uint64(_DISTINCT) + before] += 1
    window[at + _ONE] += 1


@inlined
def _count_out(window: Any, pair: Any) -> None:
    """Undo `_count_in`."""
    byte, before = pair & _BYTE, pair >> _EIGHT
    window[np.uint64(_COUNT) + byte] -= 1
    if window[np.uint64(_COUNT) + byte] == 0:
        window[_KINDS] -= 1
    window[np.uint64(_TOTAL) + before] -= 1
    at = _find(window, pair)
    window[at + _ONE] -= 1
    if window[at + _ONE] == 0:
        window[np.uint64(_DISTINCT) + before] -= 1
        _free(window, at)


@inlined
def _add(window: Any, pair: Any) -> None:
    """Hold one more pair; the oldest one goes if there is no room."""
    place = np.uint64(window[_NEXT])
    if window[_HELD] == window[_ROOM]:
        oldest = np.uint64(window[np.uint64(_RING) + place])
        if oldest != pair:
            _count_out(window, oldest)
            _count_in(window, pair)
    else:
        window[_HELD] += 1
        _count_in(window, pair)
    window[np.uint64(_RING) + place] = pair
    place += _ONE
    window[_NEXT] = 0 if place == window[_ROOM] else place


@inlined
def take_in(window: Any, data: Any, start: Any, end: Any, framed: Any) -> None:
    """Let the window move on over a unit."""
    room = np.int64(window[_ROOM])
    at, last = np.int64(start), end + framed
    before = np.uint64(NEWLINE)
    if last - at >= room:  # nothing older stays
        _clear(window)
        at = last - room
        if at > start:
            before = np.uint64(data[at - 1])
    while at < last:
        byte = np.uint64(data[at]) if at < end else np.uint64(NEWLINE)
        _add(window, (before << _EIGHT) | byte)
        before = byte
        at += 1


@inlined
def in_window(window: Any, chance: Any, before: Any, byte: Any) -> Any:
    """
    The probability of a byte after another by the window, of which the reference gives `chance`.

    q_k = [n(us) + D(u) q_{k-1}] / [T(u) + D(u)] for contexts u of k = 0 and 1 bytes, q_{-1} = chance; a context that
    the window does not hold passes q_{k-1} on.
    """
    held = np.int64(window[_HELD])
    if held == 0:
        return chance
    kinds = np.int64(window[_KINDS])
    q = (window[np.uint64(_COUNT) + byte] + kinds * chance) / (held + kinds)
    total = np.int64(window[np.uint64(_TOTAL) + before])
    if total != 0:
        distinct = np.int64(window[np.uint64(_DISTINCT) + before])
        q = (window[_find(window, (before << _EIGHT) | byte) + _ONE] + distinct * q) / (total + distinct)
    return q
