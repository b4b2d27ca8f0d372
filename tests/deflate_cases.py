"""
Made-up texts for deflate, from a kind and a number alone: every kind that zlib treats in a way of its own.

``python tests/deflate_cases.py`` records zlib's lengths of some of them for machines that have no classic zlib.
"""

import hashlib
import json
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from naive_deflate import BASE_DISTANCE, EXTRA_DISTANCE

from ncd.compressors.deflate import is_classic
from ncd.data import load_udhr
from ncd.engines import exact

RECORDED = Path(__file__).parent / "deflate_lengths.json"

WINDOW = 32_768
FARTHEST = 32_506  # distance of a match
SLIDE = 65_274  # zlib's window slides when it gets here, and again every 32,768 bytes
BLOCK = 16_383  # symbols
SCRIPTS = (0x391, 0x5D0, 0x628, 0x905, 0xE01, 0x1200, 0x3041, 0x4E00, 0xAC00, 0x10428)  # Greek to Deseret
LENGTHS = (3, 3, 4, 5, 6, 8, 10, 11, 17, 31, 32, 33, 64, 130, 256, 257, 258, 259, 300)


def zlib_length(text, level, dictionary=b""):
    """Bytes of a raw deflate stream, by the standard library."""
    if not dictionary:
        return len(zlib.compress(text, level, -15))
    coder = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary)
    return len(coder.compress(text) + coder.flush())


class Single(NamedTuple):
    """Texts to be compressed one by one."""

    texts: list[bytes]
    dictionary: bytes
    levels: list[int]

    @property
    def inputs(self):
        return [*self.texts, self.dictionary]

    @property
    def count(self):
        return len(self.texts) * len(self.levels)

    def by_kernel(self):
        return [exact.single(self.texts, level=level, dictionary=self.dictionary) for level in self.levels]

    def by_zlib(self):
        return [[zlib_length(text, level, self.dictionary) for text in self.texts] for level in self.levels]


class Pairs(NamedTuple):
    """Texts to be compressed two by two."""

    firsts: list[bytes]
    seconds: list[bytes]
    separator: bytes
    primed: bool
    skip: np.ndarray | None

    @property
    def inputs(self):
        return [*self.firsts, *self.seconds, self.separator]

    @property
    def count(self):
        return len(self.firsts) * len(self.seconds) - (0 if self.skip is None else int(self.skip.sum()))

    def by_kernel(self):
        options = {"separator": self.separator, "primed": self.primed, "skip": self.skip}
        return exact.pairs(self.firsts, self.seconds, **options).tolist()

    def by_zlib(self):
        return [
            [0 if self.skip is not None and self.skip[i, j] else self._one(x, y) for j, y in enumerate(self.seconds)]
            for i, x in enumerate(self.firsts)
        ]

    def _one(self, x, y):
        return zlib_length(y, 9, x) if self.primed else zlib_length(x + self.separator + y, 9)


class Kind(NamedTuple):
    """How texts are made, and their share of all cases."""

    make: Callable
    share: float
    sizes: tuple[int, ...] = (30, 300, 3000)


def _size(r, most):
    """From 0 to a number; of any magnitude as often as of any other, or all alike."""
    return int((most + 1) ** r.random()) - r.randrange(2) if r.random() < 0.5 else r.randrange(most + 1)


def few_letters(r, size, letters=128):
    """Noise that is not stored, since it has few letters; as many as a power of two."""
    return r.randbytes(size).translate(bytes(range(letters)) * (256 // letters))


# texts


@cache
def _udhr():
    return load_udhr().texts


def tiny(r, most):
    return bytes(
        r.choices(r.choice([b"\0", b"a", b"ab", b"\0\xff", range(256)]), k=r.randrange(4 + (r.random() < 0.3)))
    )


def runs(r, most):
    return b"".join(bytes([r.choice(b"\0ab\xff")]) * _size(r, most) for _ in range(r.randrange(1, 5)))


def noise(r, most):
    return r.randbytes(_size(r, most))


def periodic(r, most):
    """A piece again and again; sometimes a byte of it is another."""
    piece = r.randbytes(r.choice([1, 2, 3, 4, 5, 16, 257, 258, 259, r.randrange(1, 1200)]))
    text = bytearray((piece * (most // len(piece) + 1))[: _size(r, most)])
    for _ in range(r.randrange(4)):
        if text:
            text[r.randrange(len(text))] = r.randrange(256)
    return bytes(text)


def skewed(r, most):
    """Few letters or many, some much more frequent than others."""
    letters = r.randbytes(r.choice([2, 3, 4, 8, 26, 100, 256]))
    ratio = r.choice([1.0, 0.97, 0.9, 0.8, 0.5, 0.3])
    return bytes(r.choices(letters, [ratio**i for i in range(len(letters))], k=_size(r, most)))


def natural(r, most):
    """A piece of a translation of the Declaration of Human Rights, in its letters or those of another script."""
    text = r.choice(_udhr())
    begin = r.randrange(len(text))
    text = text[begin : begin + _size(r, most)]
    if r.random() < 0.4:
        first = r.choice(SCRIPTS)
        text = "".join(chr(first + ord(letter) - 97) if "a" <= letter <= "z" else letter for letter in text.lower())
    data = text.encode()
    return data[r.randrange(4) :] if r.random() < 0.1 else data  # within a letter


def binary(r, most):
    """Rows of numbers that go on, or wander."""
    rows, value, step = [], r.randrange(2**31), r.choice([0, 1, 7, 256])
    form = r.choice(["<i", "<ih", ">qB", "<dI"])
    for _ in range(_size(r, most) // struct.calcsize(form)):
        value = (value + step + r.randrange(r.choice([1, 1, 1, 300]))) % 2**31
        rows.append(struct.pack(form, *[value, r.randrange(3)][: len(form) - 1]))
    return b"".join(rows)


def nuls(r, most):
    """NUL bytes at both ends, as there are behind the last text in memory."""
    inside = r.choice([noise, skewed, natural, copies])(r, most)
    return bytes(_size(r, 20)) + inside + bytes(_size(r, 20))


def copies(r, most):
    """Letters, and repetitions of what was before."""
    size, letters = _size(r, most), r.choice([b"ab", b"abcd", b"the quick brown fox", bytes(range(256))])
    out = bytearray()
    while len(out) < size:
        if r.random() < 0.4 or not out:
            out += bytes(r.choices(letters, k=r.randrange(1, 6)))
        else:
            back = min(len(out), r.choice([1, 2, 3, 4, 50, 4095, 4096, 4097, len(out), 1 + _size(r, len(out))]))
            for _ in range(r.choice(LENGTHS)):
                out.append(out[-back])
    return bytes(out[:size])


def three_from_afar(r, most):
    """Matches of three bytes, some of them too far away to be worth it: 4,096 bytes."""
    text = bytearray(few_letters(r, 4096 + r.randrange(300)))
    while len(text) < 4500 + most:
        back = r.choice([4094, 4095, 4096, 4096, 4097, 4097, 4098])
        start = len(text) - back
        text += text[start : start + r.choice([3, 3, 3, 4])]
        text += few_letters(r, r.randrange(1, 6))
    return bytes(text)


def window(r, most):
    """Noise in which strings come back where the window ends."""
    text = bytearray(few_letters(r, FARTHEST + _size(r, most), r.choice([8, 16, 128])))
    for _ in range(6):
        _again(text, r.randrange(FARTHEST - 20, WINDOW + 300), FARTHEST + r.randrange(-6, 265), r.choice(LENGTHS))
        _again(text, r.randrange(FARTHEST - 20, WINDOW + 300), FARTHEST + r.randrange(-2, 3), r.choice(LENGTHS))
    return bytes(text)


def _again(text, place, back, length):
    """Put into a text, at a place, what is some bytes before."""
    for at in range(max(place, back), min(place + length, len(text))):
        text[at] = text[at - back]


def slide(r, most):
    """Strings that come back just when the window slides: from its first bytes then, or the last that are lost."""
    times = r.choice([0, 0, 0, 1, 2])
    at = SLIDE + times * WINDOW
    after = r.choice([-300, -2, -1, 0, 1, 3, 200, 262, 263, 500, most])
    text = bytearray(few_letters(r, at + after, r.choice([8, 8, 16, 128, 256])))
    for _ in range(r.randrange(1, 5)):
        _again(text, at + r.randrange(-2, 4), FARTHEST + r.choice([0, 0, 0, 1, -1, 2]), r.choice(LENGTHS))
    return bytes(text)


def same_hash(r, count):
    """Distinct strings of three bytes with one hash: ((a << 10) ^ (b << 5) ^ c) & 0x7fff."""
    found, goal = {}, r.randrange(WINDOW)
    while len(found) < count:
        a, b = r.randrange(256), r.randrange(256)
        c = (goal ^ (a << 10) ^ (b << 5)) & 0x7FFF
        if c < 256:
            found[bytes([a, b, c])] = None
    return list(found)


def alike(r, most):
    """Strings of equal hashes, equal or not, about 1,024 of them."""
    strings = same_hash(r, r.choice([1, 2, 5, 60]))
    tails = [r.randbytes(r.randrange(8)) for _ in range(r.choice([1, 3, 20]))]
    count = r.choice([500, 1020, 1021, 1022, 1023, 1024, 1025, 1026, 1030, 1500, 2100])
    return b"".join(r.choice(strings) + r.choice(tails) for _ in range(count))


CHAINS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


def hidden(r, strings, steps, *, near):
    """
    A match of 53 bytes that is found only by who goes so many steps along a chain of equal hashes.

    With `near`, there is one of 40 bytes that begins a place before, and zlib goes a quarter of its way only.
    """
    one, other, *rest = r.sample(range(256), 52)
    tail = bytes(rest)
    between = b"".join(r.choice(strings) + r.randbytes(r.choice([1, 1, 2])) for _ in range(steps))
    close = bytes([other]) + strings[0] + tail[:36] + b"." if near else b""
    far, end = bytes([one]) + strings[0] + tail, bytes([other]) + strings[0] + tail
    return r.randbytes(r.randrange(1, 9)) + far + between + close + r.randbytes(2) + end


def chain(r, most):
    """Chains of equal hashes that end with a long match, or just before it."""
    steps = max(0, r.choice(CHAINS[:-1] if most < 1000 else CHAINS) + r.randrange(-3, 3))
    return hidden(r, same_hash(r, r.choice([1, 30])), steps, near=r.random() < 0.7)


def blocks(r, most):
    """About as many symbols as fill one block or more: some more, since noise has a few matches."""
    symbols = BLOCK * (r.choice([1, 1, 2, 3]) if most > WINDOW else 1) + r.randrange(-2, 25)
    copied = r.choice([0, 0, 1, 30, 1000])
    text = bytearray(r.choice([r.randbytes, partial(few_letters, r)])(symbols - copied))
    for _ in range(copied):
        start = r.randrange(len(text) - 300)
        text += text[start : start + r.choice([4, 4, 5, 7, 20])]
    return bytes(text)


def mixes(r, most):
    """Pieces that cannot be compressed between others that can."""
    kinds = [noise, runs, natural, skewed, periodic, copies]
    pieces = []
    while sum(map(len, pieces)) < most:
        pieces.append(r.choice(kinds)(r, r.choice([300, 5000, 40_000, most])))
        if r.random() < 0.5:
            pieces.append(r.randbytes(r.choice([100, 5000, 20_000])))
    return b"".join(pieces)[:most]


def steep(r, most):
    """
    Codes of distances that would be longer than 15 bits: each distance 1.68 times as frequent as one before.

    The first two blocks are noise; the third one has matches with parts of it.
    """
    out = bytearray(r.randbytes(WINDOW))
    codes = [code for code in range(13, 30) for _ in range(round(1.68 ** (code - 13)))]
    r.shuffle(codes)
    used = set()
    for code in codes:
        length = r.choice([4, 5, 6])
        for _ in range(20):
            back = BASE_DISTANCE[code] + r.randrange(1 << EXTRA_DISTANCE[code])
            start = min(len(out) - back, len(out) - length)
            if start > 0 and used.isdisjoint(range(start, start + length)):
                break
        used.update(range(start, start + length))
        out += out[start : start + length]
    return bytes(out)


def all_symbols(r, most):
    """Every byte, every length and nearly every distance."""
    text = bytearray(r.sample(range(256), 256) + r.choices(range(r.choice([2, 16, 200])), k=r.choice([0, most])))
    for length in r.sample(range(3, 259), r.choice([20, 80, 256])):
        back = r.randrange(1, len(text) + 1) if r.random() < 0.7 else min(len(text), r.randrange(1, 40))
        for _ in range(length):
            text.append(text[-back])
        text.append(r.randrange(256))
    return bytes(text)


def few_distances(r, most):
    """No match, or a few at one distance or two."""
    text = bytearray(r.sample(range(256), r.randrange(250)) if r.random() < 0.5 else few_letters(r, r.randrange(1500)))
    for back in r.choice([[], [1], [2], [3], [1, 1], [1, 2], [2, 3], [4, 5], [100], [7, 7, 60]]):
        for _ in range(r.choice([3, 4, 20]) if back <= len(text) else 0):
            text.append(text[-back])
        text += bytes(r.sample(range(256), r.randrange(1, 20)))
    return bytes(text)


def large(r, most):
    """Up to 300,000 bytes."""
    size = r.randrange(most)
    made = []
    while sum(map(len, made)) < size:
        made.append(r.choice([natural, natural, mixes, copies, skewed, binary, periodic])(r, r.choice([3000, 50_000])))
    return b"".join(made)[:size]


SMALL = (tiny, runs, periodic, noise, skewed, natural, binary, nuls, copies, few_distances)


def mixed(r, most):
    """Any of the small kinds."""
    return r.choice(SMALL)(r, most)


# cases


def single(name, number):
    """The case of a kind and a number: texts of this kind, mostly some; a dictionary or none."""
    kind, r = SINGLES[name], random.Random(f"single {name} {number}")
    most = r.choice(kind.sizes)
    texts = [kind.make(r, most)]
    small = len(texts[0]) < 6000
    texts += [kind.make(r, most) for _ in range(r.randrange(4) if small else 0)]
    dictionary = b""
    if r.random() < 0.4:
        dictionary = r.choice([tiny(r, most), kind.make(r, most), texts[0][: r.randrange(len(texts[0]) + 1)]])
    if r.random() < 0.02:  # as long as it may be, or longer
        dictionary = (natural(r, 9000) + dictionary + texts[0]) * (1 + WINDOW // max(1, len(dictionary + texts[0])))
        dictionary = dictionary[: WINDOW + r.choice([-3, -2, -1, 0, 0, 1, 2, 3000])]
        small = False
    return Single(texts, dictionary, list(range(1, 10)) if small else r.sample(range(1, 10), 2))


def pairs(name, number):
    """
    The case of a kind and a number: texts before and after some places of one text, and others.

    With the separator that has been there, a first and a second text give the whole text again.
    """
    kind, r = PAIRS[name], random.Random(f"pairs {name} {number}")
    most = r.choice(kind.sizes)
    whole = kind.make(r, most)
    many = len(whole) < 6000
    cuts = [r.randrange(len(whole) + 1) for _ in range(r.randrange(1, 5 if many else 3))]
    gap = r.choice([0, 0, 1, 1, 2, 3, 30])
    firsts, seconds = [whole[:cut] for cut in cuts], [whole[cut + gap :] for cut in cuts]
    for texts in (firsts, seconds) if many else ():
        texts += [mixed(r, most), r.choice(firsts + seconds)][: r.randrange(3)]
        begin = r.randrange(len(whole) + 1)
        texts += [whole[begin : begin + _size(r, most)], kind.make(r, most)][: r.randrange(3)]
        r.shuffle(texts)
    separator = r.choice([whole[cuts[0] : cuts[0] + gap]] * 3 + [b" ", b" ", b"", b"\n\n", whole[:1] * 2, whole[-40:]])
    skip = None
    if many and r.random() < 0.15:
        skip = np.array([[r.random() < 0.4 for _ in seconds] for _ in firsts])
    return Pairs(firsts, seconds, separator, r.random() < 0.35, skip)


def seam(r, most):
    """Strings around a place in the middle that come back behind it, and nothing else does."""
    before, after = r.randbytes(r.randrange(2, 60)), r.randbytes(r.randrange(1, 60))
    if r.random() < 0.3:
        before, after = before[:-2] + after[:1] * 2, after[:1] * r.randrange(1, 6) + after
    text, middle = bytearray(before + after), len(before)
    for _ in range(r.randrange(1, 6)):
        text += r.randbytes(r.randrange(3))
        start = max(0, middle - r.randrange(5))
        text += text[start : start + r.choice([3, 3, 4, 5, 8, 9, 20, 70])]
    return bytes(text)


def near_limit(r, most):
    """Texts that fit into the window, or into what zlib holds in memory, or just do not."""
    size = r.choice([FARTHEST, FARTHEST, WINDOW, SLIDE]) + r.randrange(-20, r.choice([20, 300]))
    text = bytearray((natural(r, most) + few_letters(r, 100)) * 2 + few_letters(r, r.randrange(9)))
    while len(text) < size:
        text += text[: size // 3] if r.random() < 0.5 else few_letters(r, r.randrange(5000))
    for _ in range(4):
        _again(text, r.randrange(FARTHEST - 300, size), FARTHEST + r.randrange(-300, 3), r.choice(LENGTHS))
    return bytes(text[:size])


SINGLES = {
    "tiny": Kind(tiny, 0.06),
    "runs": Kind(runs, 0.06, (10, 300, 700, 5000)),
    "periodic": Kind(periodic, 0.07, (30, 700, 5000)),
    "noise": Kind(noise, 0.05),
    "skewed": Kind(skewed, 0.1),
    "natural": Kind(natural, 0.13, (30, 300, 1000, 5000)),
    "binary": Kind(binary, 0.07),
    "nuls": Kind(nuls, 0.06, (30, 300)),
    "copies": Kind(copies, 0.13),
    "few_distances": Kind(few_distances, 0.08),
    "chain": Kind(chain, 0.06, (100, 100, 5000)),
    "all_symbols": Kind(all_symbols, 0.02, (300, 9000)),
    "three_from_afar": Kind(three_from_afar, 0.02, (300, 3000)),
    "alike": Kind(alike, 0.02),
    "near_limit": Kind(near_limit, 0.016),
    "window": Kind(window, 0.014, (60, 3000)),
    "blocks": Kind(blocks, 0.014, (10_000, 40_000)),
    "slide": Kind(slide, 0.014, (3000,)),
    "mixes": Kind(mixes, 0.005, (40_000, 80_000)),
    "steep": Kind(steep, 0.002),
    "large": Kind(large, 0.005, (300_000,)),
}
PAIRS = {
    "tiny": Kind(tiny, 0.05),
    "runs": Kind(runs, 0.06, (10, 300, 700, 3000)),
    "periodic": Kind(periodic, 0.06, (30, 700, 3000)),
    "noise": Kind(noise, 0.04),
    "skewed": Kind(skewed, 0.09),
    "natural": Kind(natural, 0.13, (30, 300, 1000, 3000)),
    "binary": Kind(binary, 0.06),
    "nuls": Kind(nuls, 0.06, (30, 300)),
    "copies": Kind(copies, 0.13),
    "few_distances": Kind(few_distances, 0.05),
    "mixed": Kind(mixed, 0.06),
    "seam": Kind(seam, 0.09, (100,)),
    "chain": Kind(chain, 0.03, (100, 5000)),
    "all_symbols": Kind(all_symbols, 0.015, (300, 9000)),
    "three_from_afar": Kind(three_from_afar, 0.02, (300, 3000)),
    "alike": Kind(alike, 0.02),
    "near_limit": Kind(near_limit, 0.012),
    "window": Kind(window, 0.006, (60, 3000)),
    "blocks": Kind(blocks, 0.009, (10_000,)),
    "slide": Kind(slide, 0.004, (3000,)),
    "mixes": Kind(mixes, 0.004, (40_000,)),
}
KINDS = [*(("single", name) for name in SINGLES), *(("pairs", name) for name in PAIRS)]


def make(form, name, number):
    """Any case."""
    return {"single": single, "pairs": pairs}[form](name, number)


# recorded lengths


def digest(case):
    """Tells whether a case is still the one that was recorded."""
    return hashlib.sha256(b"".join(b"%d," % len(text) + text for text in case.inputs)).hexdigest()[:12]


def recorded(least=50):
    """The first cases of every kind, with what stands before their lengths in the file."""
    for form, name in KINDS:
        number = done = 0
        while done < least:
            case = make(form, name, number)
            yield [form, name, number, digest(case)], case
            number, done = number + 1, done + case.count


def record():
    """Write zlib's lengths, a case a line."""
    assert is_classic(), f"zlib {zlib.ZLIB_RUNTIME_VERSION} has lengths of its own"
    lines = [json.dumps([*labels, case.by_zlib()], separators=(",", ":")) for labels, case in recorded()]
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    record()
