"""
The parse of a pair at level 9, step by step, from what its texts have in common with those of other pairs.

Hardly anything in a step branches, so that a processor works on the steps of two pairs at the same time instead of
waiting for one or guessing wrongly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.deflate_codes import FARTHEST, LONGEST, SHORTEST, TOO_FAR, distance_code, length_code
from ncd.kernels.deflate_prepare import First, Seconds, common, key_of
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS, Trees
from ncd.kernels.jit import inlined, kernel, load64

__all__ = ["Pair", "Place", "begin_pair", "count_all", "place_of", "step"]


class Pair(NamedTuple):
    """Scratch memory for one pair."""

    following: NDArray[np.uint16]  # for every place of the second text, the next one where a match may begin
    matches: NDArray[np.int64]  # place << 32 | length << 16 | distance
    literal: NDArray[np.uint16]  # frequencies
    distance: NDArray[np.uint16]
    also: NDArray[np.uint16]  # half of the covered bytes, so that counts need not wait; or none
    doubt: NDArray[np.uint8]  # [0]: whether zlib's choice may depend on more than the place
    trees: Trees

    @classmethod
    def empty(cls, size: int) -> Pair:
        """Memory for a second text of at most so many bytes."""
        return cls(
            np.empty(size + 1, np.uint16),
            np.empty(size // SHORTEST + 2, np.int64),
            np.empty(SYMBOLS, np.uint16),
            np.empty(DISTANCES, np.uint16),
            np.empty(256, np.uint16),
            np.empty(1, np.uint8),
            Trees.empty(),
        )


class Place(NamedTuple):
    """Where the two texts of a pair are."""

    size: int  # bytes before the second text
    begin: int  # of the second text in its data
    after: int  # bytes of the second text


@inlined
def _byte(first: First, place: Place, data: Any, at: Any) -> Any:
    """A byte of the two texts together."""
    return first.prefix[at] if at < place.size else data[place.begin + at - place.size]


@inlined
def _trigram(first: First, place: Place, data: Any, at: Any) -> Any:
    """Three bytes of the two texts together, the first one lowest."""
    word = np.uint64(_byte(first, place, data, at))
    word |= np.uint64(_byte(first, place, data, at + 1)) << np.uint64(8)
    return word | np.uint64(_byte(first, place, data, at + 2)) << np.uint64(16)


@inlined
def place_of(size: Any, seconds: Seconds, text: Any) -> Place:
    """The place of a pair."""
    begin = seconds.offsets[text]
    return Place(size, begin, seconds.offsets[text + 1] - begin)


@kernel
def _across(first: First, place: Place, data: Any, there: Any, here: Any, length: Any, most: Any) -> Any:
    """Equal bytes from two positions of the two texts together, at most `most`, the first `length` known."""
    size, shift = place.size, place.begin - place.size
    while length < most:
        left, right = there + length, here + length
        if right >= size and (left >= size or left + 8 <= size):
            word = load64(data, left + shift) if left >= size else load64(first.prefix, left)
            more = common(word, load64(data, right + shift))
            length += more
            if more < 8:
                break
        elif _byte(first, place, data, left) == _byte(first, place, data, right):
            length += 1
        else:
            break
    return min(length, most)


@inlined
def _find_early(first: First, place: Place, seconds: Seconds, pair: Pair, look: Any, known: Any) -> Any:
    """The nearest of the longest matches from the first text's last bytes on: ``length << 16 | distance``, or 0."""
    size, data = place.size, seconds.data
    most = min(LONGEST, size + place.after - look)
    if most < SHORTEST:
        return 0
    best, far = known, 0
    if look == size:
        mine = np.int64(seconds.own[place.begin - seconds.offsets[0]])
        if (mine >> 16) > best:
            best, far = mine >> 16, mine & 0xFFFF
    for back in range(1, 3):
        if size - back < look:
            length = _across(first, place, data, size - back, look, 0, most)
            if length > best:
                best, far = length, look - size + back
    slot = key_of(_trigram(first, place, data, look)) >> np.uint16(first.state[5])
    for entry in range(first.starts[slot], first.starts[slot + 1]):
        at = np.int64(first.places[entry]) & 0xFFFF
        if at < look and look - at <= FARTHEST:
            length = _across(first, place, data, at, look, 0, most)
            pair.doubt[0] |= look - at == FARTHEST
            if length > best:
                best, far = length, look - at
    if best == SHORTEST and far > TOO_FAR:
        return 0
    return best << 16 | far if far else 0


@kernel
def _search_far(
    first: First,
    place: Place,
    seconds: Seconds,
    pair: Pair,
    look: Any,
    entry: Any,
    stop: Any,
    best: Any,
    far: Any,
) -> Any:
    """Length and distance of the match at a place, where a bucket may reach out of the window."""
    here = place.size + look
    most = min(np.int64(LONGEST), place.after - look)
    word = load64(seconds.data, place.begin + look)
    while entry < stop and best < most:
        spot = np.int64(first.places[entry])
        at = spot & 0xFFFF
        if here - at > FARTHEST:
            break
        length = common(first.words[entry], word)
        if length >= spot >> 16:
            length = _across(first, place, seconds.data, at, here, min(length, place.size - at), most)
        length = min(length, most)
        if length > best:
            best, far = length, here - at
            # At the very end of the window zlib finds the newest of its chain alone.
            pair.doubt[0] |= far == FARTHEST
        entry += np.uint64(1)
    return best, far


@inlined
def _count(pair: Pair, length: Any, far: Any) -> Any:
    """Count a match, but for the literals that it covers; returns its extra bits."""
    symbol, extra = length_code(length)
    code, more = distance_code(far)
    pair.literal[np.uint64(symbol)] += 1
    pair.distance[np.uint64(code)] += 1
    return extra + more


@inlined
def begin_pair(first: First, place: Place, seconds: Seconds, text: Any, pair: Pair) -> Any:
    """
    Frequencies if there were no more matches, then the steps that begin within the first text.

    Returns the place in the second text where they end, a pending match's length and distance, symbols, extra bits.
    """
    for symbol in range(256):
        pair.literal[symbol] = first.literal[symbol] + seconds.literals[text, symbol]
    for symbol in range(256, SYMBOLS):
        pair.literal[symbol] = first.literal[symbol]
    for code in range(DISTANCES):
        pair.distance[code] = first.distance[code]
    pair.doubt[0] = 0
    position, pending, far, symbols, extra, _down = first.state
    symbols += place.after
    while position < place.size:
        look = position + (pending > 0)
        found = _find_early(first, place, seconds, pair, look, max(pending, SHORTEST - 1))
        if found:
            position, pending, far = look, found >> 16, found & 0xFFFF
        elif pending:
            for covered in range(position, position + pending):
                pair.literal[_byte(first, place, seconds.data, covered)] -= 1
            extra += _count(pair, pending, far)
            symbols += 1 - pending
            position += pending
            pending = 0
        else:
            position += 1
    _follow(first, place, seconds, pair)
    inside = position - place.size
    return inside if pending else np.int64(pair.following[inside]), pending, far, symbols, extra


@inlined
def _follow(first: First, place: Place, seconds: Seconds, pair: Pair) -> None:
    """Set for every place the next one where a match may begin: one that is marked, or whose bucket is not empty."""
    key, mark, present, following = seconds.key, seconds.mark, first.present, pair.following
    down, one = np.uint16(first.state[5]), np.uint64(1)
    inside = found = np.uint64(place.after)
    row = np.uint64(place.begin + place.after - seconds.offsets[0])
    following[inside] = inside
    while inside > np.uint64(0):
        inside -= one
        row -= one
        possible = mark[row] | present[np.uint64(key[row] >> down)]
        found = inside if possible else found
        following[inside] = found


@inlined
def step(
    first: First, place: Place, seconds: Seconds, pair: Pair, inside: Any, pending: Any, far: Any, count: Any
) -> Any:
    """
    One look for a match in the second text, and what zlib does upon it; returns the new state.

    The state is the place inside the text, length and distance of the match that begins there and may yet be given
    up for a longer one at the next place (0: none), and the number of matches so far.
    """
    size, after = place.size, place.after
    lazy = pending > 0
    look = inside + np.int64(lazy)
    here = place.begin + look
    most = min(np.int64(LONGEST), after - look)
    known = max(pending, np.int64(SHORTEST - 1))
    row = np.uint64(here - seconds.offsets[0])
    slot = np.uint64(seconds.key[row] >> np.uint16(first.state[5]))
    word = load64(seconds.data, here)
    mine = np.int64(seconds.own[row])
    length = min(mine >> 16, most)
    longer = length > known
    best = length if longer else known
    new_far = mine & 0xFFFF if longer else np.int64(0)
    if seconds.mark[row] > 1:
        for back in range(1, 3):
            length = _across(first, place, seconds.data, size - back, size + look, 0, most)
            longer = length > best
            best = length if longer else best
            new_far = look + back if longer else new_far
    entry, stop = np.uint64(first.starts[slot]), np.uint64(first.starts[slot + np.uint64(1)])
    if size + look > FARTHEST:
        best, new_far = _search_far(first, place, seconds, pair, look, entry, stop, best, new_far)
    else:
        while True:
            # Two at a time, also where there is one or none: the next bucket's differ in their first three bytes.
            for _ in range(2):
                spot = np.int64(first.places[entry])
                length = common(first.words[entry], word)
                if length >= spot >> 16:
                    at = spot & 0xFFFF
                    length = _across(first, place, seconds.data, at, size + look, min(length, size - at), most)
                length = min(length, most)
                longer = length > best
                best = length if longer else best
                new_far = size + look - (spot & 0xFFFF) if longer else new_far
                entry += np.uint64(1)
            if (entry >= stop) | (best == most):
                break
    found = (best > known) & ((best > SHORTEST) | (new_far <= TOO_FAR))
    start = look if found else inside
    length = best  # not found: as long as the pending match, or of no use
    far = new_far if found else far
    # A longer match at the next place needs a trigram there, and at its own end.
    then = np.uint64(min(look + 1, after))
    needed = np.uint64(min(look + length - (SHORTEST - 1) + 1, after))
    final = (pair.following[then] != then) | (pair.following[needed] != needed)
    stays = found & (not final)
    taken = (found & final) | (lazy & (not found))
    pair.matches[np.uint64(count)] = start << 32 | length << 16 | far
    onward = start + length if taken else min(look + 1, after)
    onward = np.int64(pair.following[np.uint64(onward)])
    inside = look if stays else onward
    pending = length if stays else np.int64(0)
    return inside, pending, far, count + np.int64(taken)


@inlined
def count_all(place: Place, data: Any, pair: Pair, count: Any) -> Any:
    """Count the matches of the second text, which take the place of literals; returns new symbols and extra bits."""
    literal, apart = pair.literal, len(pair.also)
    also = pair.also if apart else literal
    for symbol in range(apart):
        also[symbol] = 0
    symbols, extra = count, np.int64(0)
    for match in range(count):
        packed = pair.matches[match]
        length, start = (packed >> 16) & 0xFFFF, np.uint64(place.begin + (packed >> 32))
        extra += _count(pair, length, packed & 0xFFFF)
        symbols -= length
        for covered in range(0, 8, 2):  # most are shorter: no loop of a length that cannot be guessed
            literal[data[start + np.uint64(covered)]] -= covered < length
            also[data[start + np.uint64(covered + 1)]] -= covered + 1 < length
        for covered in range(8, length):
            literal[data[start + np.uint64(covered)]] -= 1
    for symbol in range(apart):
        literal[symbol] += also[symbol]
    return symbols, extra
