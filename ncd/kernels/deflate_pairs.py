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
from ncd.kernels.deflate_trees import BLOCK_SYMBOLS, SYMBOLS, block_costs_of_two, flushed
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
    data: Any, offsets: Any, left: Any, right: Any, context: Any, own: Any, key: Any, marks: Any,
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
            marks[slot] = 0
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
            marks[slot] = far != 0 or seam


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
    # Behind the last bucket stands its last entry once more, for who reads two at a time.
    for beyond in range(total, total + 2):
        places[beyond] = places[total - 1]
        words[beyond] = words[total - 1]
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
def _mark(key: Any, marks: Any, low: Any, after: Any, down: Any, present: Any, following: Any) -> None:
    """For every place the next one at which a match may begin: one of its own, or a trigram that the first text has."""
    found = np.uint64(after)
    place = found
    here = np.uint64(low + after)
    following[place] = found
    while place > np.uint64(0):
        place -= np.uint64(1)
        here -= np.uint64(1)
        possible = marks[here] | present[np.uint64(key[here] >> down)]
        found = place if possible else found
        following[place] = found


@inlined
def _step(
    prefix: Any, size: Any, starts: Any, places: Any, words: Any, down: Any, data: Any, begin: Any, after: Any,
    near: Any, nearer: Any, own: Any, key: Any, shift: Any, following: Any, matches: Any,
    inside: Any, pending: Any, far: Any, count: Any
) -> Any:
    """
    One look for a match in the second text, and what zlib does upon it; returns the new state.

    The state is the place inside the text, length and distance of the match that begins there and may yet be given
    up for a longer one at the next place (0: none), and the number of `matches` so far. Almost nothing here branches,
    so that the steps of two pairs, one after the other, run at the same time.
    """
    lazy = np.int64(pending > 0)
    look = inside + lazy
    here = begin + look
    most = min(np.int64(LONGEST), after - look)
    known = max(pending, np.int64(SHORTEST - 1))
    row = np.uint64(here - shift)
    slot = np.uint64(key[row] >> down)
    word = load64(data, here)
    mine = np.int64(own[row])
    own_length = min(mine >> 16, most)
    longer = own_length > known
    best = own_length if longer else known
    new_far = mine & 0xFFFF if longer else np.int64(0)
    if ((near ^ word) << np.uint64(40) == 0) | ((nearer ^ word) << np.uint64(40) == 0):
        for back in range(1, 3):
            if (nearer if back == 2 else near) << np.uint64(40) == word << np.uint64(40):
                length = min(_across(prefix, size, data, begin, size - back, size + look, SHORTEST, most), most)
                longer = length > best
                best = length if longer else best
                new_far = look + back if longer else new_far
    place, stop = np.uint64(starts[slot]), np.uint64(starts[slot + np.uint64(1)])
    while True:
        # Two at a time, also where there is one or none: the next bucket's differ in their first three bytes.
        for _ in range(2):
            at = np.int64(places[place])
            length = np.int64(trailing_zeros(words[place] ^ word) >> np.uint64(3))
            if (length == 8) | ((length + at >= size) & (length >= SHORTEST)):
                length = _across(prefix, size, data, begin, at, size + look, min(length, size - at), most)
            length = min(length, most)
            longer = length > best
            best = length if longer else best
            new_far = size + look - at if longer else new_far
            place += np.uint64(1)
        if place >= stop:
            break
    found = (best > known) & ((best > SHORTEST) | (new_far <= TOO_FAR))
    matches[np.uint64(count)] = inside << 32 | pending << 16 | far
    emitted = lazy & np.int64(not found)
    count += emitted
    onward = min(look + 1, after)
    onward = inside + pending if emitted else onward
    onward = np.int64(following[np.uint64(onward)])
    inside = look if found else onward
    pending = best if found else np.int64(0)
    far = new_far if found else far
    return inside, pending, far, count


@kernel
def _begin(
    prefix: Any, size: Any, starts: Any, places: Any, words: Any, present: Any, state: Any, data: Any, begin: Any,
    end: Any, seams: Any, own: Any, key: Any, marks: Any, shift: Any, following: Any, literal: Any, distance: Any
) -> Any:
    """The steps of a pair that look from within the first text; returns the place in the second where they end."""
    position, pending, far, symbols, extra = state[0], state[1], state[2], state[3], state[4]
    down = np.uint16(state[5])
    symbols += end - begin
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
    _mark(key, marks, begin - shift, end - begin, down, present, following)
    return np.int64(following[position - size]), symbols, extra


@inlined
def _seam(prefix: Any, at: Any, size: Any, data: Any, begin: Any) -> Any:
    """The three bytes at one of the last two places of the first text."""
    first, second = np.uint64(prefix[at]), np.uint64(_byte(prefix, size, data, begin, at + 1))
    return first | second << np.uint64(8) | np.uint64(_byte(prefix, size, data, begin, at + 2)) << np.uint64(16)


@inlined
def _count(data: Any, begin: Any, matches: Any, count: Any, literal: Any, distance: Any) -> Any:
    """Frequencies once matches have taken the place of the literals that they cover; returns symbols, extra bits."""
    symbols, extra = count, np.int64(0)
    for match in range(count):
        packed = matches[match]
        length, start = (packed >> 16) & 0xFFFF, begin + (packed >> 32)
        coded_length, more = length_code(length)
        code, again = distance_code(packed & 0xFFFF)
        literal[np.uint64(coded_length)] += 1
        distance[np.uint64(code)] += 1
        extra += more + again
        symbols -= length
        for covered in range(6):
            literal[data[np.uint64(start + covered)]] -= covered < length
        for covered in range(6, length):
            literal[data[np.uint64(start + covered)]] -= 1
    return symbols, extra


@kernel
def pair_bytes(
    prefix: Any, size: Any, coded: Any, starts: Any, places: Any, words: Any, present: Any, state: Any, data: Any,
    seams: Any, own: Any, key: Any, marks: Any, shift: Any, alphabet: Any, letters: Any, lengths: Any,
    begin: Any, end: Any, following: Any, matches: Any, literal: Any, distance: Any, heap: Any, parent: Any,
    order: Any, length: Any, symbol: Any, weight: Any, header: Any,
    begin2: Any, end2: Any, following2: Any, matches2: Any, literal2: Any, distance2: Any, heap2: Any, parent2: Any,
    order2: Any, length2: Any, symbol2: Any, weight2: Any, header2: Any
) -> Any:
    """Bytes of the raw streams of two pairs, or -1 where there are too many symbols; frequencies are those of the state."""
    down = np.uint16(state[5])
    inside, symbols, extra = _begin(
        prefix, size, starts, places, words, present, state, data, begin, end, seams, own, key, marks, shift, following,
        literal, distance
    )
    inside2, symbols2, extra2 = _begin(
        prefix, size, starts, places, words, present, state, data, begin2, end2, seams, own, key, marks, shift,
        following2, literal2, distance2
    )
    nearer = near = nearer2 = near2 = np.uint64(0)
    if seams:
        nearer = _seam(prefix, size - 2, size, data, begin)
        nearer2 = _seam(prefix, size - 2, size, data, begin2)
    if seams == 2:
        near = _seam(prefix, size - 1, size, data, begin)
        near2 = _seam(prefix, size - 1, size, data, begin2)
    after, after2 = end - begin, end2 - begin2
    pending = far = count = pending2 = far2 = count2 = np.int64(0)
    while inside < after or inside2 < after2:
        inside, pending, far, count = _step(
            prefix, size, starts, places, words, down, data, begin, after, near, nearer, own, key, shift, following,
            matches, inside, pending, far, count
        )
        inside2, pending2, far2, count2 = _step(
            prefix, size, starts, places, words, down, data, begin2, after2, near2, nearer2, own, key, shift,
            following2, matches2, inside2, pending2, far2, count2
        )
    fewer, more = _count(data, begin, matches, count, literal, distance)
    fewer2, more2 = _count(data, begin2, matches2, count2, literal2, distance2)
    own_bits, fixed, own_bits2, fixed2 = block_costs_of_two(
        heap, parent, order, length, symbol, weight, header, heap2, parent2, order2, length2, symbol2, weight2,
        header2, lengths, literal, literal2, alphabet, letters, distance, distance2
    )
    extra, extra2 = extra + more, extra2 + more2
    first = flushed(0, own_bits + extra, fixed + extra, coded + after, True, True) >> 3
    second = flushed(0, own_bits2 + extra2, fixed2 + extra2, coded + after2, True, True) >> 3
    if symbols + fewer >= BLOCK_SYMBOLS:
        first = -1
    if symbols2 + fewer2 >= BLOCK_SYMBOLS:
        second = -1
    return first, second


@inlined
def _copy(literal: Any, distance: Any, literals: Any, row: Any, to_literal: Any, to_distance: Any) -> None:
    """Frequencies of a pair if there were no more matches."""
    for symbol in range(256):
        to_literal[symbol] = literal[symbol] + literals[row, symbol]
    for symbol in range(256, SYMBOLS):
        to_literal[symbol] = literal[symbol]
    for code in range(30):
        to_distance[code] = distance[code]


@kernel
def row_bytes(
    prefix: Any, size: Any, coded: Any, columns: Any, data: Any, offsets: Any, left: Any, own: Any, key: Any,
    marks: Any, literals: Any, alphabet: Any, seams: Any, first: Any, pair: Any, pair2: Any, result: Any
) -> None:
    """Bytes of the raw streams of a first text with many second texts, -1 where there are too many symbols."""
    starts, places, words, present, state, literal, distance = first
    following, matches, literal1, distance1, heap, parent, order, length, symbol, weight, header, lengths = pair
    following2, matches2, literal2, distance2, heap2, parent2, order2, length2, symbol2, weight2, header2, _ = pair2
    prepare_first(prefix, size, coded, starts, places, words, state, present, literal, distance)
    shift = offsets[left]
    for k in range(0, len(columns), 2):
        again = min(k + 1, len(columns) - 1)
        column, column2 = columns[k], columns[again]
        _copy(literal, distance, literals, column - left, literal1, distance1)
        _copy(literal, distance, literals, column2 - left, literal2, distance2)
        result[k], result[again] = pair_bytes(
            prefix, size, coded, starts, places, words, present, state, data, seams, own, key, marks, shift,
            alphabet, len(alphabet), lengths,
            offsets[column], offsets[column + 1], following, matches, literal1, distance1, heap, parent, order, length,
            symbol, weight, header,
            offsets[column2], offsets[column2 + 1], following2, matches2, literal2, distance2, heap2, parent2, order2,
            length2, symbol2, weight2, header2
        )
