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
def prepare_seconds(
    data: Any, offsets: Any, left: Any, right: Any, context: Any, own: Any, key: Any, marks: Any, first_mark: Any,
    literals: Any, equal: Any, newest: Any, before: Any, counts: Any
) -> None:
    """
    Matches of texts within themselves: at every position the nearest of the longest, as ``length << 16 | distance``.
    """
    shift = offsets[left]
    for code in range(len(newest)):
        newest[code] = -1
    behind = len(context)
    for text in range(left, right):
        begin, end = offsets[text], offsets[text + 1]
        row = text - left
        for symbol in range(256):
            literals[row, symbol] = 0
        most_equal = 0
        for at in range(begin, end):
            slot = at - shift
            literals[row, data[at]] += 1
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
            most_equal = max(most_equal, counts[code])
            before[slot] = found
            newest[code] = at
        equal[row] = most_equal
        mark = first_mark[row]
        for word in range(mark, first_mark[row + 1]):
            marks[word] = 0
        if most_equal > _CLASS and end - begin > _CLASS:
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
            for back in range(1, behind + 1):
                # a match that begins in the separator
                length = 0
                while length < most:
                    source = length - back
                    byte = context[behind + source] if source < 0 else data[begin + source]
                    if byte != data[at + length]:
                        break
                    length += 1
                if length > best:
                    best, far = length, at - begin + back
            if far:
                own[slot] = (best << 16) | far
            seam = False
            if behind < 2:
                seam = data[at + 2] == data[begin]
                if behind == 1:
                    seam = seam and data[at + 1] == context[0]
            if behind == 0:
                seam = seam or (data[at + 1] == data[begin] and data[at + 2] == data[begin + 1])
            if far or seam:
                marks[mark + ((at - begin) >> 6)] |= np.uint64(1) << np.uint64((at - begin) & 63)


@kernel
def prepare_first(prefix: Any, size: Any, coded: Any, starts: Any, places: Any, words: Any, state: Any, present: Any, literal: Any, distance: Any) -> None:
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
        present[slot] = starts[slot] != 0
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
    for at in range(position, size):  # the rest for now; pairs take off what their matches cover
        literal[prefix[at]] += 1
    symbols += size - position
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


@inlined
def _mark(key: Any, low: Any, high: Any, down: Any, present: Any, marks: Any, mark: Any, mask: Any) -> None:
    """Positions at which a match may begin: one of its own, or a trigram that the first text has."""
    word = 0
    at = low
    while at < high:
        bits = marks[mark + word]
        stop = min(at + 64, high)
        one = np.uint64(0)
        for here in range(at, stop):
            bits |= np.uint64(present[key[here] >> down]) << one
            one += np.uint64(1)
        mask[word] = bits
        word += 1
        at += 64
    mask[word] = np.uint64(0)


@inlined
def _next(mask: Any, at: Any, last: Any) -> Any:
    """The first marked position from here on, or one beyond the last."""
    word = at >> 6
    bits = mask[word] >> np.uint64(at & 63)
    if bits != 0:
        return at + np.int64(trailing_zeros(bits))
    word += 1
    while word <= last >> 6:
        if mask[word] != 0:
            return (word << 6) + np.int64(trailing_zeros(mask[word]))
        word += 1
    return last + 1


@inlined
def _marked(mask: Any, at: Any) -> Any:
    """Whether a match may begin here."""
    return (mask[at >> 6] >> np.uint64(at & 63)) & np.uint64(1) != 0


@inlined
def _find_inside(
    prefix: Any, size: Any, starts: Any, places: Any, words: Any, down: Any, data: Any, begin: Any, end: Any,
    near: Any, nearer: Any, own: Any, key: Any, shift: Any, inside: Any, known: Any
) -> Any:
    """As `_find`, within the second text."""
    here = begin + inside
    look = size + inside
    most = min(LONGEST, end - here)
    mine = np.int64(own[here - shift])
    best, far = known, 0
    if (mine >> 16) > known:
        best, far = mine >> 16, mine & 0xFFFF
    slot = key[here - shift] >> down
    word = load64(data, here)
    if (near ^ word) & np.uint64(0xFFFFFF) == 0:
        length = _across(prefix, size, data, begin, size - 1, look, SHORTEST, most)
        if length > best:
            best, far = length, inside + 1
    if (nearer ^ word) & np.uint64(0xFFFFFF) == 0:
        length = _across(prefix, size, data, begin, size - 2, look, SHORTEST, most)
        if length > best:
            best, far = length, inside + 2
    for place in range(starts[slot], starts[slot + 1]):
        at = np.int64(places[place])
        length = _common(words[place], word)
        if length == 8 or length + at >= size:
            length = _across(prefix, size, data, begin, at, look, min(length, size - at), most)
        length = min(length, most)
        if length > best:
            best, far = length, look - at
    if best == SHORTEST and far > TOO_FAR:
        return 0
    return best << 16 | far if far else 0


@kernel
def pair_bytes(
    prefix: Any, size: Any, coded: Any, starts: Any, places: Any, words: Any, present: Any, state: Any, data: Any,
    begin: Any, end: Any, seams: Any, own: Any, key: Any, marks: Any, mark: Any, shift: Any, mask: Any,
    literal: Any, distance: Any, alphabet: Any, letters: Any, heap: Any, parent: Any, order: Any, length: Any,
    symbol: Any, weight: Any, header: Any, lengths: Any
) -> Any:
    """Bytes of the raw stream of a pair, or -1 where there are too many symbols; frequencies are those of the state."""
    position, pending, far, symbols, extra = state[0], state[1], state[2], state[3], state[4]
    down = np.uint16(state[5])
    after = end - begin
    symbols += after
    _mark(key, begin - shift, end - shift, down, present, marks, mark, mask)
    while position < size or pending:
        known = max(pending, SHORTEST - 1)
        found = 0
        if known < LONGEST:
            found = _find(
                prefix, size, starts, places, words, down, data, begin, end, seams, own, key, shift,
                position + (pending > 0), known
            )
        if found:
            position += pending > 0
            pending, far = found >> 16, found & 0xFFFF
        elif pending:
            for covered in range(pending):
                literal[_byte(prefix, size, data, begin, position + covered)] -= 1
            coded_length, more = length_code(pending)
            code, again = distance_code(far)
            literal[coded_length] += 1
            distance[code] += 1
            extra += more + again
            symbols += 1 - pending
            position += pending
            pending = 0
        else:
            position += 1
    inside = position - size
    near = np.uint64(0)
    nearer = np.uint64(0)
    if seams:
        nearer = np.uint64(prefix[size - 2]) | np.uint64(prefix[size - 1]) << np.uint64(8) | np.uint64(data[begin]) << np.uint64(16)
        if seams == 2:
            near = np.uint64(prefix[size - 1]) | np.uint64(data[begin]) << np.uint64(8) | np.uint64(data[begin + 1]) << np.uint64(16)
    last = after - SHORTEST
    while inside <= last:
        inside = _next(mask, inside, last)
        if inside > last:
            break
        found = _find_inside(prefix, size, starts, places, words, down, data, begin, end, near, nearer, own, key, shift, inside, SHORTEST - 1)
        if found == 0:
            inside += 1
            continue
        pending = found >> 16
        while pending < LONGEST and inside + pending <= after - 1 and _marked(mask, inside + 1) and _marked(mask, inside + pending - 1):
            again = _find_inside(prefix, size, starts, places, words, down, data, begin, end, near, nearer, own, key, shift, inside + 1, pending)
            if again == 0:
                break
            found = again
            pending = found >> 16
            inside += 1
        far = found & 0xFFFF
        for covered in range(begin + inside, begin + inside + pending):
            literal[data[covered]] -= 1
        coded_length, more = length_code(pending)
        code, again = distance_code(far)
        literal[coded_length] += 1
        distance[code] += 1
        extra += more + again
        symbols += 1 - pending
        inside += pending
    if symbols >= BLOCK_SYMBOLS:
        return -1
    own_bits, fixed = block_costs(
        heap, parent, order, length, symbol, weight, header, lengths, literal, alphabet, letters, distance
    )
    return flushed(0, own_bits + extra, fixed + extra, coded + after, True, True) >> 3
