"""
What the pairs of many texts have in common at level 9, done once for each text.

At level 9 zlib takes, wherever it looks, the nearest of the longest matches before it, as long as its chains end before
their limits do. Then a match depends on the place alone, and not on the parse so far: a second text's matches within
itself are found once, and so is the parse of a first text, up to the first step that may depend on what follows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.deflate_codes import END, FARTHEST, LONGEST, SHORTEST, TOO_FAR, distance_code, length_code
from ncd.kernels.deflate_oneshot import hash3
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS
from ncd.kernels.jit import inlined, kernel, load64, trailing_zeros

__all__ = [
    "CHAIN",
    "First",
    "Seconds",
    "bucket_bits",
    "common",
    "key_of",
    "most_alike",
    "prepare_first",
    "prepare_seconds",
]

#: zlib's chain limit at level 9, where the match so far is good: 4096 / 4.
CHAIN = 1024

_KEY_BITS = 16
_HASHES = 32768


class First(NamedTuple):
    """A first text: its bytes, the separator's among them, its trigrams in buckets, and its parse so far."""

    prefix: NDArray[np.uint8]  # 16 zero bytes behind
    starts: NDArray[np.uint16]  # of each bucket, among the following two; one more for the end of the last
    places: NDArray[np.uint32]  # of its trigrams, the last one in the text first; bytes of eight that are known << 16
    words: NDArray[np.uint64]  # eight bytes from each place on
    present: NDArray[np.uint8]  # whether a bucket has any
    state: NDArray[np.int64]  # position, length and distance of a pending match, symbols, extra bits, shift of keys
    literal: NDArray[np.uint16]  # frequencies, with a literal for every byte that is not parsed yet
    distance: NDArray[np.uint16]
    alike: NDArray[np.uint16]  # counts of hashes, all zero between uses

    @classmethod
    def empty(cls, size: int) -> First:
        """Memory for a first text of at most so many bytes."""
        return cls(
            np.zeros(size + 16, np.uint8),
            np.empty((1 << _KEY_BITS) + 1, np.uint16),
            np.empty(size + 2, np.uint32),
            np.empty(size + 2, np.uint64),
            np.empty(1 << _KEY_BITS, np.uint8),
            np.empty(6, np.int64),
            np.empty(SYMBOLS, np.uint16),
            np.empty(DISTANCES, np.uint16),
            np.zeros(_HASHES, np.uint16),
        )


class Seconds(NamedTuple):
    """Second texts and their matches within themselves; arrays by byte begin with the first text's first byte."""

    data: NDArray[np.uint8]  # 16 more bytes behind
    offsets: NDArray[np.int64]  # where each text starts in data, and where the last one ends
    own: NDArray[np.uint32]  # the nearest of the longest matches of each byte: length << 16 | distance, or 0
    key: NDArray[np.uint16]  # of the trigram at each byte
    mark: NDArray[np.uint8]  # 1: a match of its own, 2: one that begins in the first text's last bytes may be there
    literals: NDArray[np.uint16]  # how often each byte occurs in each text, shape (texts, 256)
    alike: NDArray[np.int64]  # size of the largest class of equal hashes of each text
    newest: NDArray[np.int64]  # scratch, 32,768 each
    counts: NDArray[np.int64]
    before: NDArray[np.int64]  # scratch, by byte

    @classmethod
    def of(cls, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Seconds:
        """The texts, and memory for the rest, one byte more than they have: reads go one beyond the end."""
        size, texts = int(offsets[-1] - offsets[0]) + 1, len(offsets) - 1
        return cls(
            data,
            offsets,
            np.zeros(size, np.uint32),
            np.zeros(size, np.uint16),
            np.zeros(size, np.uint8),
            np.empty((texts, 256), np.uint16),
            np.empty(texts, np.int64),
            np.empty(_HASHES, np.int64),
            np.empty(_HASHES, np.int64),
            np.empty(size, np.int64),
        )


@inlined
def key_of(word: Any) -> Any:
    """A key for the three lowest bytes of a word; buckets are its highest bits."""
    mixed = np.uint32(word & np.uint64(0xFFFFFF)) * np.uint32(0x9E3779B1)
    return np.uint16(mixed >> np.uint32(32 - _KEY_BITS))


@inlined
def common(left: Any, right: Any) -> Any:
    """Equal bytes at the beginning of two words."""
    return np.int64(trailing_zeros(left ^ right) >> np.uint64(3))


@inlined
def _run(data: Any, there: Any, here: Any, most: Any) -> Any:
    """Equal bytes from two positions of an array, at most `most`."""
    length = 0
    while length < most:
        more = common(load64(data, there + length), load64(data, here + length))
        length += more
        if more < 8:
            break
    return min(length, most)


@kernel
def most_alike(data: Any, begin: Any, end: Any, counts: Any) -> int:
    """Size of the largest class of equal hashes; the counts are zero before and after."""
    most = 0
    for at in range(begin, end - 2):
        code = hash3(data, at)
        counts[code] += 1
        most = max(most, counts[code])
    for at in range(begin, end - 2):
        counts[hash3(data, at)] = 0
    return most


@inlined
def _in_separator(data: Any, begin: Any, at: Any, back: Any, context: Any, most: Any) -> Any:
    """Length of the match that begins so many bytes before the second text."""
    length = 0
    while length < most:
        source = length - back
        byte = context[len(context) + source] if source < 0 else data[begin + source]
        if byte != data[at + length]:
            break
        length += 1
    return length


@inlined
def _at_seam(data: Any, begin: Any, at: Any, context: Any) -> bool:
    """
    Whether the trigram may be one that begins in the first text's last bytes and ends in the second text.

    The separator's last two bytes are known, and `own` has the matches that begin there; where it is shorter, what the
    trigram has of the separator and of the second text must agree.
    """
    behind = len(context)
    if behind >= 2:
        return False
    if data[at + 2] == data[begin] and (behind == 0 or data[at + 1] == context[0]):
        return True
    return behind == 0 and data[at + 1] == data[begin] and data[at + 2] == data[begin + 1]


@kernel
def prepare_seconds(seconds: Seconds, context: Any) -> None:
    """
    Find the matches of second texts within themselves, or beginning in the separator.

    Parameters
    ----------
    seconds : Seconds
        Filled in. Texts of which no pair is ordinary, too long or with too large a class of equal hashes, are left out.
    context : uint8 array
        What stands before every second text: at most the last two bytes of the separator.
    """
    data, offsets, own, key, mark, literals, alike, newest, counts, before = seconds
    shift = offsets[0]
    for code in range(_HASHES):
        newest[code] = -1
    for text in range(len(offsets) - 1):
        begin, end = offsets[text], offsets[text + 1]
        if end - begin > FARTHEST - SHORTEST:  # all of it is in sight of the separator's last bytes
            alike[text] = end - begin
            continue
        for symbol in range(256):
            literals[text, symbol] = 0
        most = 0
        for at in range(begin, end):
            row = at - shift
            literals[text, data[at]] += 1
            key[row] = key_of(load64(data, at))
            own[row] = 0
            mark[row] = 0
            if at + SHORTEST > end:
                continue
            code = hash3(data, at)
            known = newest[code] >= begin
            counts[code] = counts[code] + 1 if known else 1
            before[row] = newest[code] if known else -1
            newest[code] = at
            most = max(most, counts[code])
        alike[text] = most
        if most <= CHAIN:
            _find_own(seconds, begin, end, context)


@inlined
def _find_own(seconds: Seconds, begin: Any, end: Any, context: Any) -> None:
    """The nearest of the longest matches at every place of a text."""
    data, own, mark, before = seconds.data, seconds.own, seconds.mark, seconds.before
    shift = seconds.offsets[0]
    for at in range(begin, end - 2):
        most = min(LONGEST, end - at)
        best, far = SHORTEST - 1, 0
        candidate = before[at - shift]
        while candidate >= 0 and best < most:
            if data[candidate + best] == data[at + best]:
                length = _run(data, candidate, at, most)
                if length > best:
                    best, far = length, at - candidate
            candidate = before[candidate - shift]
        for back in range(1, len(context) + 1):
            length = _in_separator(data, begin, at, back, context, most)
            if length > best:
                best, far = length, at - begin + back
        if far:
            own[at - shift] = (best << 16) | far
        mark[at - shift] = (far != 0) + 2 * _at_seam(data, begin, at, context)


@inlined
def bucket_bits(size: Any) -> Any:
    """Bits of the number of buckets for a first text of so many bytes, the separator's among them."""
    bits = 8
    while (1 << bits) < 8 * size and bits < _KEY_BITS:
        bits += 1
    return bits


@inlined
def _fill_buckets(first: First, size: Any) -> Any:
    """Enter all trigrams but the first, which zlib never finds; returns the shift that turns keys into buckets."""
    prefix, starts, places, words, present = first.prefix, first.starts, first.places, first.words, first.present
    bits = bucket_bits(size)
    down = np.uint16(_KEY_BITS - bits)
    for slot in range((1 << bits) + 1):
        starts[slot] = 0
    for at in range(1, size - 2):
        starts[key_of(load64(prefix, at)) >> down] += 1
    total = 0
    for slot in range(1 << bits):
        present[slot] = starts[slot] != 0
        total += starts[slot]
        starts[slot] = total
    starts[1 << bits] = total
    for at in range(1, size - 2):
        word = load64(prefix, at)
        slot = key_of(word) >> down
        place = starts[slot] - 1
        starts[slot] = place
        places[place] = min(8, size - at) << 16 | at
        words[place] = word
    # Behind the last bucket stands its last entry once more, for who reads two at a time.
    for beyond in range(total, total + 2):
        places[beyond] = places[total - 1]
        words[beyond] = words[total - 1]
    return np.int64(down)


@kernel
def prepare_first(first: First, size: Any, coded: Any) -> None:
    """
    Enter a first text's trigrams, and parse it up to the first step that may depend on what follows.

    Parameters
    ----------
    first : First
        The text is in `prefix`; the rest is filled in.
    size : int
        Bytes of the text and the separator together, at least 4.
    coded : int
        How many of these, at the end, are part of the stream: all, or none of a preset dictionary.
    """
    prefix, starts, places, literal, distance = first.prefix, first.starts, first.places, first.literal, first.distance
    down = _fill_buckets(first, size)
    for symbol in range(SYMBOLS):
        literal[symbol] = 0
    for code in range(DISTANCES):
        distance[code] = 0
    literal[END] = 1
    for at in range(size - coded, size):
        literal[prefix[at]] += 1
    symbols, extra = coded, 0
    position, pending, far = size - coded, 0, 0
    while True:
        look = position + (pending > 0)
        if look + SHORTEST > size:
            break
        best, found, unsure = max(pending, SHORTEST - 1), 0, False
        slot = key_of(load64(prefix, look)) >> np.uint16(down)
        for place in range(starts[slot], starts[slot + 1]):
            at = np.int64(places[place]) & 0xFFFF
            if at < look and look - at <= FARTHEST:
                length = _run(prefix, at, look, min(LONGEST, size - look))
                unsure = unsure or (length >= SHORTEST and look + length == size) or look - at == FARTHEST
                if length > best:
                    best, found = length, look - at
        if unsure:
            break
        if best == SHORTEST and found > TOO_FAR:
            found = 0
        if found:
            position, pending, far = look, best, found
        elif pending:
            symbol, more = length_code(pending)
            code, again = distance_code(far)
            literal[symbol] += 1
            distance[code] += 1
            for at in range(position, position + pending):
                literal[prefix[at]] -= 1
            extra += more + again
            symbols += 1 - pending
            position += pending
            pending = 0
        else:
            position += 1
    first.state[0], first.state[1], first.state[2] = position, pending, far
    first.state[3], first.state[4], first.state[5] = symbols, extra, down
