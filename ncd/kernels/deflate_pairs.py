"""
Lengths of raw deflate streams of many pairs at level 9, with what their first texts have in common done once.

At level 9 zlib takes, at every position where it looks, the nearest of the longest matches before it, as long as its
chains end before their limits do. Then the match depends on the position alone, and not on the parse so far:

- a second text's own matches are found once (`prepare_seconds`);
- a first text is parsed once, up to the first step whose outcome may depend on what follows (`prepare_first`), and its
  trigrams are put into buckets;
- a pair (`pair_bytes`) goes on from there: the buckets are searched at those positions where the parse looks.

`ordinary` says whether a pair is of that kind; others are for `deflate_oneshot.deflate_bytes`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncd.kernels.deflate_codes import END, FARTHEST, LONGEST, SHORTEST, TOO_FAR, distance_code, length_code
from ncd.kernels.deflate_oneshot import hash3
from ncd.kernels.deflate_trees import BLOCK_SYMBOLS, SYMBOLS, block_costs, flushed
from ncd.kernels.jit import inlined, kernel, load64, trailing_zeros

_CLASS = 1024  # zlib's chain limit at level 9 where the match so far is good: 4096 / 4
_KEY_BITS = 16


@inlined
def _key(word: Any) -> Any:
    """A bucket for the three lowest bytes of a word."""
    mixed = np.uint32(word & np.uint64(0xFFFFFF)) * np.uint32(0x9E3779B1)
    return np.uint16(mixed >> np.uint32(32 - _KEY_BITS))


@inlined
def _common(left: Any, right: Any) -> Any:
    """Equal bytes at the beginning of two words."""
    differ = left ^ right
    return np.int64(trailing_zeros(differ) >> np.uint64(3)) if differ != 0 else 8


@inlined
def _run(data: Any, there: Any, here: Any, length: Any, most: Any) -> Any:
    """Equal bytes from two positions of an array, at most `most`, the first `length` known."""
    while length < most:
        more = _common(load64(data, there + length), load64(data, here + length))
        length += more
        if more < 8:
            break
    return min(length, most)


@kernel
def prepare_seconds(data: Any, offsets: Any, left: Any, right: Any, context: Any, own: Any, key: Any, most_equal: Any, counts: Any,
                    newest: Any, before: Any) -> None:
    """
    Matches of texts within themselves: at every position the nearest of the longest, as ``length << 16 | distance``.
    """
    shift = offsets[left]
    newest[:] = -1
    for text in range(left, right):
        begin, end = offsets[text], offsets[text + 1]
        equal = 0
        for at in range(begin, end):
            slot = at - shift
            key[slot] = _key(load64(data, at))
            own[slot] = 0
            before[slot] = -1
            if at + SHORTEST > end:
                continue
            code = hash3(data, at)
            found = newest[code]
            if found >= begin:
                counts[code] += 1
            else:
                counts[code] = 1
                found = -1
            equal = max(equal, counts[code])
            before[slot] = found
            newest[code] = at
        most_equal[text - left] = equal
        if equal > _CLASS and end - begin > _CLASS:
            continue
        for at in range(begin, end - 2):
            slot = at - shift
            most = min(LONGEST, end - at)
            best, far = SHORTEST - 1, 0
            candidate = before[slot]
            while candidate >= 0 and best < most:
                if data[candidate + best] == data[at + best]:
                    length = _run(data, candidate, at, 0, most)
                    if length > best:
                        best, far = length, at - candidate
                candidate = before[candidate - shift]
            for back in range(1, len(context) + 1):
                # a match that begins in the separator
                length = 0
                while length < most:
                    source = length - back
                    byte = context[len(context) + source] if source < 0 else data[begin + source]
                    if byte != data[at + length]:
                        break
                    length += 1
                if length > best:
                    best, far = length, at - begin + back
            if far:
                own[slot] = (best << 16) | far


@kernel
def prepare_first(prefix: Any, size: Any, coded: Any, starts: Any, places: Any, words: Any, state: Any, literal: Any, distance: Any) -> None:
    """Buckets of a first text's trigrams, and its parse up to the first step that may depend on what follows."""
    bits = 8
    while (1 << bits) < 4 * size and bits < _KEY_BITS:
        bits += 1
    down = np.uint16(_KEY_BITS - bits)
    for slot in range((1 << bits) + 1):
        starts[slot] = 0
    for at in range(1, size - 2):
        starts[_key(load64(prefix, at)) >> down] += 1
    total = 0
    for slot in range(1 << bits):
        total += starts[slot]
        starts[slot] = total
    starts[1 << bits] = total
    for at in range(1, size - 2):
        word = load64(prefix, at)
        slot = _key(word) >> down
        place = starts[slot] - 1
        starts[slot] = place
        places[place] = at
        words[place] = word
    for symbol in range(SYMBOLS):
        literal[symbol] = 0
    for code in range(30):
        distance[code] = 0
    literal[END] = 1
    symbols, extra = 0, 0
    position, pending, far = size - coded, 0, 0
    keep_position, keep_pending, keep_far = position, 0, 0
    known = True
    while position < size:
        look = position + (pending > 0)
        best = max(pending, SHORTEST - 1)
        found = 0
        if look + SHORTEST > size:
            break
        if best < LONGEST:
            word = load64(prefix, look)
            slot = _key(word) >> down
            most = min(LONGEST, size - look)
            for place in range(starts[slot], starts[slot + 1]):
                at = np.int64(places[place])
                if at >= look:
                    continue
                length = _run(prefix, at, look, 0, most)
                if length >= SHORTEST and look + length >= size:
                    known = False
                if length > best:
                    best, found = length, look - at
            if not known:
                break
            if best == SHORTEST and found > TOO_FAR:
                found = 0
        if found:
            if pending:
                literal[prefix[position]] += 1
                symbols += 1
                position += 1
            pending, far = best, found
        elif pending:
            coded_length, more = length_code(pending)
            code, again = distance_code(far)
            literal[coded_length] += 1
            distance[code] += 1
            extra += more + again
            symbols += 1
            position += pending
            pending = 0
        else:
            literal[prefix[position]] += 1
            symbols += 1
            position += 1
    state[0], state[1], state[2], state[3], state[4], state[5] = position, pending, far, symbols, extra, down


@inlined
def _byte(prefix: Any, size: Any, data: Any, begin: Any, at: Any) -> Any:
    """A byte of the two texts together."""
    return prefix[at] if at < size else data[begin + at - size]


@kernel
def _across(prefix: Any, size: Any, data: Any, begin: Any, there: Any, here: Any, length: Any, most: Any) -> Any:
    """Equal bytes from two positions of the two texts together, at most `most`, the first `length` known."""
    while length < most:
        if _byte(prefix, size, data, begin, there + length) != _byte(prefix, size, data, begin, here + length):
            break
        length += 1
    return length


@inlined
def _find(
    prefix: Any, size: Any, starts: Any, places: Any, words: Any, down: Any, data: Any, begin: Any, end: Any, seams: Any, own: Any, key: Any,
    shift: Any, look: Any, known: Any
) -> Any:
    """The nearest of the longest matches at a position that are longer than known: ``length << 16 | distance``."""
    inside = look - size
    here = begin + inside
    most = min(LONGEST, end - here)
    if most < SHORTEST:
        return 0
    best, far = known, 0
    if inside >= 0:
        mine = np.int64(own[here - shift])
        if (mine >> 16) > best:
            best, far = mine >> 16, mine & 0xFFFF
        slot = key[here - shift] >> down
        word = load64(data, here)
    else:
        word = np.uint64(0)
        for i in range(8):
            word |= np.uint64(_byte(prefix, size, data, begin, min(look + i, size + end - begin - 1))) << np.uint64(8 * i)
        slot = _key(word) >> down
    for back in range(3 - seams, 3):
        at = size - back
        if at < look and prefix[at] == word & np.uint64(255):
            length = _across(prefix, size, data, begin, at, look, 0, most)
            if length > best:
                best, far = length, look - at
    for place in range(starts[slot], starts[slot + 1]):
        length = _common(words[place], word)
        if length > SHORTEST - 1:
            at = np.int64(places[place])
            left = size - at
            if length >= left:
                length = _across(prefix, size, data, begin, at, look, left, most)
            elif length == 8:
                length = _across(prefix, size, data, begin, at, look, 8, most)
            length = min(length, most)
            if length > best and at < look:
                best, far = length, look - at
    if best == SHORTEST and far > TOO_FAR:
        return 0
    return best << 16 | far if far else 0


@kernel
def pair_bytes(
    prefix: Any, size: Any, coded: Any, starts: Any, places: Any, words: Any, state: Any, data: Any, begin: Any, end: Any, seams: Any, own: Any,
    key: Any, shift: Any, literal: Any, distance: Any, alphabet: Any, letters: Any, heap: Any, parent: Any, order: Any, length: Any, symbol: Any, weight: Any, header: Any, lengths: Any
) -> Any:
    """Bytes of the raw stream of a pair, or -1 where there are too many symbols; frequencies are those of the state."""
    position, pending, far, symbols, extra = state[0], state[1], state[2], state[3], state[4]
    down = np.uint16(state[5])
    whole = size + end - begin
    while position < whole:
        if pending == 0:
            found = _find(prefix, size, starts, places, words, down, data, begin, end, seams, own, key, shift, position, SHORTEST - 1)
            if found == 0:
                literal[_byte(prefix, size, data, begin, position)] += 1
                symbols += 1
                position += 1
                continue
            pending, far = found >> 16, found & 0xFFFF
        found = 0
        if pending < LONGEST:
            found = _find(prefix, size, starts, places, words, down, data, begin, end, seams, own, key, shift, position + 1, pending)
        if found:
            literal[_byte(prefix, size, data, begin, position)] += 1
            symbols += 1
            position += 1
            pending, far = found >> 16, found & 0xFFFF
        else:
            coded_length, more = length_code(pending)
            code, again = distance_code(far)
            literal[coded_length] += 1
            distance[code] += 1
            extra += more + again
            symbols += 1
            position += pending
            pending = 0
    if symbols >= BLOCK_SYMBOLS:
        return -1
    own_bits, fixed = block_costs(heap, parent, order, length, symbol, weight, header, lengths, literal, alphabet, letters, distance)
    return flushed(0, own_bits + extra, fixed + extra, coded + end - begin, True, True) >> 3
