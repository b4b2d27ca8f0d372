"""Exact deflate lengths: our kernels against zlib, on every kind of text that zlib treats in a way of its own."""

import itertools
import json
import random
import zlib
from unittest.mock import Mock

import deflate_cases as cases
import naive_deflate as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import make_text

from ncd.compressors import deflate
from ncd.compressors.deflate import is_classic
from ncd.corpus import Packed
from ncd.engines import exact
from ncd.kernels import huffman
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS, Trees, block_costs, block_costs_of_two, flushed

EVERYDAY, EXHAUSTIVE = 24_000, 1_000_000  # cases, one in three a single text, the others pairs
FRESH = 1_000_000  # number of the first case of the long run

classic = pytest.mark.skipif(
    not is_classic(), reason=f"zlib {zlib.ZLIB_RUNTIME_VERSION} is not classic zlib and has lengths of its own"
)
every_kind = pytest.mark.parametrize(("form", "name"), cases.KINDS, ids=lambda part: part)


def stream(text, level=9, dictionary=b""):
    coder = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=dictionary)
    return coder.compress(text) + coder.flush()


def by_zlib(firsts, seconds, separator=b" ", primed=False):
    return cases.Pairs(firsts, seconds, separator, primed, None).by_zlib()


# made-up texts


def compare(form, name, number, total):
    """Compare cases of a kind, from a number on, until there are as many as its share of a total."""
    kinds, part = (cases.SINGLES, 1 / 3) if form == "single" else (cases.PAIRS, 2 / 3)
    wanted, done = total * part * kinds[name].share, 0
    while done < wanted:
        case = cases.make(form, name, number)
        assert case.by_kernel() == case.by_zlib(), f"cases.make({form!r}, {name!r}, {number})"
        done, number = done + case.count, number + 1


@classic
@every_kind
def test_lengths_are_those_of_zlib(form, name):
    compare(form, name, 0, EVERYDAY)


@classic
@pytest.mark.exhaustive
@every_kind
def test_a_million_lengths_are_those_of_zlib(form, name):
    compare(form, name, FRESH, EXHAUSTIVE)


@pytest.mark.parametrize("kinds", [cases.SINGLES, cases.PAIRS])
def test_shares_make_a_whole(kinds):
    assert sum(kind.share for kind in kinds.values()) == pytest.approx(1)


def test_recorded_lengths():
    """Where zlib is not classic, nothing else tells; if the cases are others, run tests/deflate_cases.py."""
    written = json.loads(cases.RECORDED.read_text("utf-8"))
    made = [[*labels, case.by_kernel()] for labels, case in cases.recorded()]
    assert [row[:4] for row in written] == [row[:4] for row in made]
    for row, other in zip(written, made, strict=True):
        assert row == other
    assert {(form, name) for form, name, *_ in written} == set(cases.KINDS)


def features(text, level):
    """What zlib does with a text."""
    blocks = naive.inflate(stream(text, level))
    found = {("block", block.kind) for block in blocks} | {("blocks", min(len(blocks), 3))}
    for block in blocks:
        if block.kind == naive.DYNAMIC:
            found.add(("distances", min(3, sum(map(bool, block.distances)))))
            found.add(("literals", sum(map(bool, block.literals))))
            header = naive.runs(block.literal_lengths) + naive.runs(block.distance_lengths)
            header = [header.count(symbol) for symbol in range(19)]
            found |= {("header too deep", naive.deepest(header) > 7)}
            found |= {("distances too deep", naive.deepest(block.distances) > 15)}
    return found


@classic
@pytest.mark.parametrize(
    ("name", "numbers", "wanted"),
    [
        ("tiny", 5, [("block", naive.FIXED), ("blocks", 1)]),
        ("blocks", 12, [("block", naive.STORED), ("blocks", 2), ("blocks", 3)]),
        ("mixes", 4, [("block", naive.STORED), ("block", naive.DYNAMIC), ("blocks", 3)]),
        ("few_distances", 60, [("distances", 0), ("distances", 1), ("distances", 2)]),
        ("all_symbols", 8, [("literals", SYMBOLS)]),
        ("chain", 20, [("header too deep", True), ("header too deep", False)]),
        ("steep", 8, [("distances too deep", True), ("distances too deep", False)]),
    ],
)
def test_cases_are_what_they_are_for(name, numbers, wanted):
    found = set()
    for number in range(numbers):
        found |= features(cases.single(name, number).texts[0], 9)
    assert found >= set(wanted)


# texts that shrink


@st.composite
def repetitive(draw, most=25):
    """Letters, and repetitions of what was before."""
    letters = draw(st.sampled_from([b"a", b"ab", b"\0\xff", b"abcdefgh", bytes(range(256))]))
    steps = st.one_of(
        st.lists(st.sampled_from(letters), max_size=6).map(bytes),
        st.tuples(st.integers(1, 40) | st.integers(4090, 4100), st.integers(1, 20) | st.integers(250, 300)),
        st.builds(lambda seed, size: random.Random(seed).randbytes(size), st.integers(0, 2), st.integers(0, 5000)),
    )
    text = bytearray()
    for step in draw(st.lists(steps, max_size=most)):
        if isinstance(step, bytes):
            text += step
        else:
            back, length = step
            for _ in range(length if back <= len(text) else 0):
                text.append(text[-back])
    return bytes(text)


@classic
@settings(max_examples=300)
@given(text=repetitive(), dictionary=st.just(b"") | repetitive(), level=st.integers(1, 9))
def test_any_text(text, dictionary, level):
    found = exact.single([text], level=level, dictionary=dictionary)
    assert found == [cases.zlib_length(text, level, dictionary)]


@st.composite
def related(draw):
    """First and second texts, some of which go on where others end."""
    whole = draw(repetitive())
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=2))
    firsts = [whole[:cut] for cut in cuts] + draw(st.lists(repetitive(8), min_size=1, max_size=2))
    seconds = [whole[cut:] for cut in cuts] + draw(st.lists(repetitive(8), min_size=1, max_size=2))
    return firsts, seconds


@classic
@settings(max_examples=300)
@given(
    texts=related(),
    separator=st.sampled_from([b"", b" ", b"a", b"ab", b"aa", b"\0", b"abcdefghij"]),
    primed=st.booleans(),
)
def test_any_pairs(texts, separator, primed):
    firsts, seconds = texts
    found = exact.pairs(firsts, seconds, separator=separator, primed=primed)
    assert found.tolist() == by_zlib(firsts, seconds, separator, primed)


# limits, one after another


@classic
@pytest.mark.parametrize("letters", [32, 128, 256])
def test_where_blocks_end(letters):
    """A block is closed at 16,383 symbols, some more bytes of noise, which has few matches."""
    text = cases.few_letters(random.Random(letters), 3 * cases.BLOCK, letters)
    within, beyond = cases.BLOCK, len(text)
    while beyond - within > 1:
        middle = (within + beyond) // 2
        if len(naive.inflate(stream(text[:middle]))) == 1:
            within = middle
        else:
            beyond = middle
    block = naive.inflate(stream(text[:within]))[0]
    if block.kind != naive.STORED:
        assert sum(block.literals) - 1 in (cases.BLOCK - 1, cases.BLOCK)
    sizes = range(within - 5, within + 6)
    assert exact.single([text[:size] for size in sizes]) == [cases.zlib_length(text[:size], 9) for size in sizes]
    for cut in (5, 3000):
        seconds = [text[cut:size] for size in sizes]
        assert exact.pairs([text[:cut]], seconds, separator=b"").tolist() == by_zlib([text[:cut]], seconds, b"")


def longest(text, level=9):
    return max(length for block in naive.inflate(stream(text, level)) for length, _ in block.matches)


@classic
@pytest.mark.parametrize("strings", [1, 40])
@pytest.mark.parametrize(("level", "chain"), [*enumerate([4, 8, 32, 16, 32, 128, 256, 1024, 4096], 1)])
def test_where_chains_end(level, chain, strings):
    """As many places of an equal hash are looked at; the next one has a longer match."""
    r = random.Random(level)
    found = []
    for steps in range(chain - 4, chain + 4):
        text = cases.hidden(r, cases.same_hash(r, strings), max(0, steps), near=False)
        assert exact.single([text], level=level) == [cases.zlib_length(text, level)]
        found.append(longest(text, level) == 53)
    assert set(found) == {True, False}


@classic
@pytest.mark.parametrize("strings", [1, 40])
def test_where_the_shortcut_ends(strings):
    """Behind a match of 40 bytes, zlib looks at 1,024 places of an equal hash; with more, the shortcut is wrong."""
    r = random.Random(strings)
    found = []
    for steps in range(1014, 1034):
        text = cases.hidden(r, cases.same_hash(r, strings), steps, near=True)
        for cut in (20, 700, 2500, len(text) - 60):
            firsts, seconds = [text[:cut]], [text[cut:]]
            assert exact.pairs(firsts, seconds, separator=b"").tolist() == by_zlib(firsts, seconds, b"")
            assert exact.pairs(firsts, seconds, primed=True).tolist() == by_zlib(firsts, seconds, primed=True)
        found.append(longest(text) > 40)
    assert set(found) == {True, False}


@classic
@pytest.mark.parametrize("back", range(4094, 4100))
def test_three_bytes_from_afar(back):
    """Wherever in a pair a match of three bytes begins and ends, 4,096 bytes is the farthest."""
    noise = cases.few_letters(random.Random(back), 12_000)
    for start in (6000, 6001, 6002):
        place = start + back
        text = noise[:place] + noise[start : start + 3] + noise[place + 3 :]
        for gap in (0, 1, 2, 3):
            cuts = [*range(start - 3, start + 5), start + 900, *range(place - 2, place + 4)]
            pairs = [(text[:cut], text[cut + gap :], text[cut : cut + gap]) for cut in cuts]
            for first, second, separator in pairs:
                for primed in (False, True):
                    found = exact.pairs([first], [second], separator=separator, primed=primed)
                    assert found.tolist() == by_zlib([first], [second], separator, primed)


# ordinary pairs and others


@pytest.fixture
def rare(monkeypatch):
    """The pairs that the kernel for pairs has left to others."""
    found = []

    def note(first, seconds, *rest):
        found.extend((first, second) for second in seconds)
        return faithful(first, seconds, *rest)

    faithful = exact._faithful
    monkeypatch.setattr(exact, "_faithful", note)
    return found


@pytest.mark.parametrize("name", ["natural", "copies", "noise", "skewed", "binary", "mixed"])
def test_ordinary_pairs_come_from_the_kernel(name, rare):
    """All of 1,024 bytes and less, if the first text has four."""
    for number in range(30):
        case = cases.pairs(name, number)
        firsts = [b"four" + first[:500] for first in case.firsts]
        exact.pairs(firsts, [second[:520] for second in case.seconds], separator=b"", primed=case.primed)
    assert rare == []


def test_pages_of_text_come_from_the_kernel(rare):
    r = random.Random(0)
    texts = [cases.natural(r, 12_000) for _ in range(12)]
    texts = [b"four" + text for text in texts]
    exact.pairs(texts, texts)
    assert rare == []


LONG = make_text(1, 20_000).encode()


@classic
@pytest.mark.parametrize(
    ("first", "second", "forms"),
    [
        (b"abc", b"abc abc", [False, True]),
        (b"a" * 1200, b"a" * 30, [False, True]),
        (b"a" * 30, b"a" * 1200, [False, True]),
        (b"a" * 700, b"a" * 700, [False, True]),
        (LONG[:70_000], b"a", [False]),  # its end is a good dictionary
        (b"abcd", LONG[:70_000], [False, True]),
        (b"abcd", cases.few_letters(random.Random(1), 17_000), [False, True]),
    ],
    ids=["short", "run before", "run behind", "runs", "long before", "long behind", "symbols"],
)
def test_other_pairs_go_another_way(first, second, forms, rare):
    firsts, seconds = [b"to be or not to be", first, b"whether"], [b"that is the question", second, b"'tis nobler"]
    for primed in forms:
        found = exact.pairs(firsts, seconds, separator=b"", primed=primed)
        assert found.tolist() == by_zlib(firsts, seconds, b"", primed)
        assert (first, second) in rare
        assert not [pair for pair in rare if first not in pair and second not in pair]


def few_symbols(r, size, letters=range(256)):
    """Noise and repetitions of it: two of 33,000 bytes are one block still, and no hash is frequent."""
    text = bytearray(r.choices(letters, k=3000))
    while len(text) < size:
        begin = r.randrange(len(text) - 40)
        text += text[begin : begin + r.randrange(20, 40)] + bytes(r.choices(letters))
    return bytes(text[:size])


@classic
@pytest.mark.parametrize("gap", [0, 1])
@pytest.mark.parametrize("second", [1, 500, cases.FARTHEST - 3])
def test_where_pairs_end_at_the_slide(second, gap, rare):
    """
    The kernel for pairs takes both texts together up to the last byte before zlib's window slides.

    The string at the slide comes back from as far as a match may reach, which is out of the window once it has slid;
    a byte earlier it would not be.
    """
    r = random.Random(0)
    again = r.randbytes(20)
    # The halves have nothing in common that would be as far away as a match may be.
    text = few_symbols(r, cases.WINDOW, range(128)) + again
    text += few_symbols(r, cases.FARTHEST - 24, range(128, 256)) + r.randbytes(4) + again
    blocks = [naive.inflate(stream(whole)) for whole in (text, text[1:])]
    assert [(20, cases.FARTHEST) in block.matches for (block,) in blocks] == [False, True]
    for beyond in (-3, -2, -1, 0, 1, 2, 3, 4, 20):
        whole = text[: cases.SLIDE + beyond]
        cut = len(whole) - second
        first, separator, after = whole[: cut - gap], whole[cut - gap : cut], whole[cut:]
        found = exact.pairs([first], [after], separator=separator)
        assert found.tolist() == [[cases.zlib_length(whole, 9)]] == [exact.single([whole])]
        assert rare == ([] if beyond < 0 else [(first, after)])
        rare.clear()


@classic
@pytest.mark.parametrize("primed", [False, True])
def test_where_second_texts_end(primed, rare):
    """The kernel for pairs takes second texts of which every byte is in sight of the separator's last bytes."""
    whole = few_symbols(random.Random(1), cases.WINDOW + cases.FARTHEST)
    first = whole[: cases.WINDOW] if primed else whole[:100]
    for size in range(cases.FARTHEST - 5, cases.FARTHEST + 1):
        after = whole[len(first) : len(first) + size]
        for dictionary in (first, b"longer than the window " + first) if primed else (first,):
            found = exact.pairs([dictionary], [after], separator=b"", primed=primed)
            assert found.tolist() == by_zlib([dictionary], [after], b"", primed)
        assert bool(rare) == (size > cases.FARTHEST - 3)
        rare.clear()


@classic
@pytest.mark.parametrize("name", ["alike", "near_limit", "tiny", "blocks"])
def test_other_pairs_without_zlib(name, monkeypatch, rare):
    """Where zlib is not classic, the kernel for single texts does the rare pairs."""
    some = [cases.pairs(name, number) for number in range(6)]
    wanted = [case.by_zlib() for case in some]
    monkeypatch.setattr(deflate, "is_classic", lambda: False)
    monkeypatch.setattr(
        deflate, "zlib", Mock(compress=Mock(side_effect=OSError), compressobj=Mock(side_effect=OSError))
    )
    assert [case.by_kernel() for case in some] == wanted
    assert rare


# what must not matter


def some_texts(seed, count=14):
    """Texts of all sizes and small kinds, some of which have much in common."""
    r = random.Random(seed)
    whole = cases.natural(r, 4000) + cases.copies(r, 2000)
    texts = [cases.mixed(r, r.choice([30, 300, 3000])) for _ in range(count)]
    for _ in range(count):
        begin = r.randrange(len(whole))
        texts.append(whole[begin : begin + r.choice([20, 200, 2000])])
    r.shuffle(texts)
    return texts


@pytest.mark.parametrize("primed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_company_and_order_do_not_matter(seed, primed):
    """Scratch memory is used again from pair to pair, and two second texts are worked on at a time."""
    texts = some_texts(seed)
    together = exact.pairs(texts, texts, primed=primed)
    alone = [[int(exact.pairs([x], [y], primed=primed)[0, 0]) for y in texts] for x in texts]
    assert together.tolist() == alone
    order = random.Random(seed).sample(range(len(texts)), len(texts))
    shuffled = [texts[i] for i in order]
    assert (exact.pairs(shuffled, texts, primed=primed) == together[order]).all()
    assert (exact.pairs(texts, shuffled, primed=primed) == together[:, order]).all()
    assert (exact.pairs(texts[:1], texts, primed=primed) == together[:1]).all()
    assert (exact.pairs(texts, texts[:1], primed=primed) == together[:, :1]).all()
    skip = np.random.default_rng(seed).random(together.shape) < 0.5
    assert (exact.pairs(texts, texts, primed=primed, skip=skip) == np.where(skip, 0, together)).all()
    assert (exact.pairs(texts, texts, primed=primed, skip=~skip) == np.where(skip, together, 0)).all()


@pytest.mark.parametrize("level", [1, 6, 9])
def test_company_of_single_texts_does_not_matter(level):
    texts = [*some_texts(5), LONG, b"", LONG[:70_000][::-1]]
    assert exact.single(texts, level=level) == [exact.single([text], level=level)[0] for text in texts]


@pytest.mark.parametrize("fill", [0x00, 0x5A, 0xFF])
def test_fresh_memory_may_hold_anything(fill, monkeypatch):
    texts = some_texts(7)
    pairs, single = exact.pairs(texts, texts), exact.single(texts)

    def filled(*args, **kwargs):
        array = empty(*args, **kwargs)
        array.view(np.uint8).fill(fill)
        return array

    empty = np.empty
    monkeypatch.setattr(np, "empty", filled)
    assert (exact.pairs(texts, texts) == pairs).all()
    assert exact.single(texts) == single


def test_parts_of_packed_texts():
    """As they come from tiles: texts among others in memory."""
    texts = some_texts(9)
    whole = exact.pairs(texts, texts)
    packed = Packed.of(texts)
    for top, bottom, left, right in ((3, 9, 0, 28), (0, 1, 27, 28), (5, 28, 11, 12), (27, 28, 2, 20)):
        rows = Packed(packed.data, packed.offsets[top : bottom + 1])
        columns = Packed(packed.data, packed.offsets[left : right + 1])
        assert (exact.pairs(rows, columns) == whole[top:bottom, left:right]).all()


@pytest.mark.parametrize("size", [1, 100, 3000])
def test_second_texts_in_parts(size, monkeypatch):
    """Many are prepared a part at a time."""
    texts = [*some_texts(11), b"", b""]
    skip = np.random.default_rng(1).random((len(texts), len(texts))) < 0.2
    whole, some = exact.pairs(texts, texts), exact.pairs(texts, texts, skip=skip)
    monkeypatch.setattr(exact, "_CHUNK_BYTES", size)
    assert (exact.pairs(texts, texts) == whole).all()
    assert (exact.pairs(texts, texts, skip=skip) == some).all()


# codes


ALPHABET = np.arange(SYMBOLS, dtype=np.uint16)


def fibonacci(count, most):
    numbers = [1, 1]
    while len(numbers) < count and sum(numbers[-2:]) + sum(numbers) < most:
        numbers.append(sum(numbers[-2:]))
    return numbers


def frequencies(r, symbols, most):
    """How often symbols occur: many ties, few symbols or all, and such that some codes would be too long."""
    used = r.sample(range(symbols), r.choice([0, 1, 2, 3, symbols // 2, symbols, r.randrange(symbols + 1)]))
    form = r.randrange(6)
    if form == 0:
        counts = [r.choice([1, 1, 1, 2, 3]) for _ in used]
    elif form == 1:
        counts = [r.randrange(1, 2 + most // (2 * symbols)) for _ in used]
    elif form == 2:
        counts = fibonacci(len(used), most)
    elif form == 3:
        counts = [1 << min(i // 2, 10) for i, _ in enumerate(used)]
    elif form == 4:
        counts = [max(1, int(most * 0.3 * r.choice([0.5, 0.6, 0.7]) ** i)) for i, _ in enumerate(used)]
    else:
        counts = [1 + int(r.expovariate(0.02)) for _ in used]
    result = [0] * symbols
    for symbol, count in zip(used, counts, strict=False):
        result[symbol] = min(count, max(0, most - sum(result)))
    return result


def block(seed):
    """Frequencies of a block: at least its end, and no more in all than the pairs' kernel may see."""
    r = random.Random(seed)
    literals = frequencies(r, SYMBOLS, 32_000)
    literals[naive.END] = 1
    return literals, frequencies(r, DISTANCES, 10_000)


@pytest.mark.parametrize("symbols", [SYMBOLS, DISTANCES, 19])
def test_each_code_is_that_of_zlib(symbols):
    """Lengths of all codes, and the bits of all symbols."""
    longest = {SYMBOLS: 15, DISTANCES: 15, 19: 7}[symbols]
    tree, fixed, cut = huffman.Huffman.empty(symbols), np.full(symbols, 5, np.int64), 0
    for seed in range(500):
        counts = frequencies(random.Random(seed), symbols, 32_000)
        alphabet = np.arange(symbols, dtype=np.uint16)
        leaves, forced, bits = huffman.gather(tree, np.array(counts, np.uint16), alphabet, symbols, fixed)
        total = huffman.code(tree, leaves, longest)
        wanted = naive.code_lengths(counts, longest)
        found = dict(zip(tree.symbol[:leaves].tolist(), tree.length[:leaves].tolist(), strict=True))
        assert found == {symbol: length for symbol, length in enumerate(wanted) if length}
        assert total - forced == sum(count * length for count, length in zip(counts, wanted, strict=True))
        assert bits == 5 * sum(counts)
        cut += naive.deepest(counts) > longest
    assert cut > 5


def arrays(literals, distances):
    return np.array(literals, np.uint16), np.array(distances, np.uint16)


def wanted_bits(literals, distances):
    return naive.dynamic_bits(literals, distances), naive.fixed_bits(literals, distances)


def test_bits_of_blocks():
    trees, others = Trees.empty(), Trees.empty()
    made = [block(seed) for seed in range(600)]
    wanted = [wanted_bits(*frequencies) for frequencies in made]
    for (literals, distances), bits in zip(made, wanted, strict=True):
        literal, distance = arrays(literals, distances)
        assert block_costs(trees, literal, ALPHABET, distance) == bits
        assert block_costs(trees, literal, np.flatnonzero(literal).astype(np.uint16), distance) == bits
    pairs = zip(made, made[7:], wanted, wanted[7:], strict=False)
    for one, two, bits, more in pairs:
        found = block_costs_of_two(trees, *arrays(*one), others, *arrays(*two), ALPHABET)
        assert found == (*bits, *more)


@given(
    literals=st.dictionaries(st.integers(0, SYMBOLS - 1), st.integers(1, 100)),
    distances=st.dictionaries(st.integers(0, DISTANCES - 1), st.integers(1, 100)),
)
def test_bits_of_any_block(literals, distances):
    literals = [literals.get(symbol, 0) for symbol in range(SYMBOLS)]
    literals[naive.END] = 1
    distances = [distances.get(symbol, 0) for symbol in range(DISTANCES)]
    literal, distance = arrays(literals, distances)
    assert block_costs(Trees.empty(), literal, ALPHABET, distance) == wanted_bits(literals, distances)


def test_forms_of_blocks():
    """Forms are compared in bytes: one that has fewer bits may lose, and one that is as long may win."""
    r = random.Random(0)
    kinds = set()
    for _ in range(3000):
        dynamic = r.randrange(30, 300)
        fixed, size = dynamic + r.randrange(-12, 13), dynamic // 8 + r.randrange(-7, 2)
        for in_window, last in itertools.product((False, True), repeat=2):
            kind, wanted = naive.flush_block(position := r.randrange(50), dynamic, fixed, size, in_window, last)
            assert flushed(position, dynamic, fixed, size, in_window, last) == wanted
            kinds.add((kind, fixed < dynamic))
    assert len(kinds) == 5  # the fixed code may have more bits and win, never fewer and lose


@classic
@pytest.mark.parametrize("level", [1, 9])
def test_slow_codes_are_those_in_streams(level):
    """What the tests above compare with is itself compared with what zlib writes."""
    compared = 0
    for name in ("natural", "skewed", "few_distances", "steep", "binary", "all_symbols", "chain", "three_from_afar"):
        for number in range(3 if name == "steep" else 15):
            text = cases.single(name, number).texts[0]
            data = stream(text, level)
            blocks = naive.inflate(data)
            assert b"".join(block.text for block in blocks) == text
            for block in blocks:
                if block.kind == naive.DYNAMIC:
                    for sent, counts in (
                        (block.literal_lengths, block.literals),
                        (block.distance_lengths, block.distances),
                    ):
                        lengths = naive.code_lengths(counts, 15)
                        assert sent == lengths[: len(sent)]
                        assert not any(lengths[len(sent) :])
                    compared += 1
            if len(blocks) == 1 and blocks[0].kind != naive.STORED:
                counts = blocks[0].literals, blocks[0].distances
                dynamic, fixed = (bits + naive.extra_bits(*counts) for bits in wanted_bits(*counts))
                assert (blocks[0].kind, 8 * len(data)) == naive.flush_block(0, dynamic, fixed, len(text), True, True)
    assert compared > 40
