"""Adaptive context models: kernels against slow versions, known figures, proper probabilities, streams, priming."""

import math
import pickle
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import naive_context as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import finish, make_bytes, make_text

import ncd
from ncd.compressors import context_learners, learners
from ncd.compressors.context import Ctw, KneserNey, Ngram, Ppm, WittenBell
from ncd.compressors.context_learners import CountLearner, CtwLearner
from ncd.compressors.text_learners import number as _number, read_number as _read_number
from ncd.data import load_factbook
from ncd.kernels import context_counts as counts
from ncd.kernels.context_ctw import Tree

MODELS = [
    "ppm:5",
    "ppm:3,update_exclusion=False",
    "wb:5",
    "kn:5",
    "ngram:6",
    "dirichlet:0.5",
    "ctw:8",
    "ctw:3,estimator=kt",
]
SHORT = ["ppm:0", "ppm:1", "ppm:2,update_exclusion=False", "wb:0", "wb:2", "kn:0", "kn:1", "kn:2", "ngram:1", "ngram:2"]
LONG = ["ppm:24", "wb:24", "kn:24", "ngram:24", "ctw:24"]
COUNTING = [spec for spec in MODELS + SHORT if not spec.startswith("ctw")]
WEIGHTING = ["ctw:0", "ctw:1", "ctw:2", "ctw:4", "ctw:1,estimator=kt", "ctw:4,estimator=kt"]
RULES = {
    "ppm": (counts.PPM, True, naive.ppm),
    "ppm, full": (counts.PPM, False, naive.ppm_full),
    "wb": (counts.WITTEN_BELL, False, naive.wb),
    "kn": (counts.KNESER_NEY, True, naive.kn),
    "ngram": (counts.NGRAM, False, naive.ngram),
}

REAL = "\n".join(load_factbook("test").texts[:60]).encode()
CHANCE = random.Random(0)
SAMPLES = {
    "text": REAL[:500],
    "noise": make_bytes(1, 400),
    "two letters": bytes(CHANCE.choice(b"ab") for _ in range(300)),
    "a run, broken": b"a" * 150 + b"b" + b"a" * 100 + b"c",
    "all bytes, twice": bytes(range(256)) * 2,
    "a word again and again": b"abracadabra " * 25,
    "not UTF-8": b"caf\xe9 \xff\xfe\x00\x80" * 5,
}
LONGER = SAMPLES | {
    "nothing": b"",
    "one byte": b"\xff",
    "long text": REAL,
    "long noise": make_bytes(2, 20_000),
    "long run": b"z" * 50_000,
    "all bytes": bytes(range(256)) * 40,
}
samples = pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
every = pytest.mark.parametrize("spec", MODELS)


@pytest.fixture(params=MODELS)
def model(request):
    return ncd.get_compressor(request.param)


def symbols_of(data):
    return np.frombuffer(data, np.uint8).astype(np.uint32)


def relative(found, expected):
    """Greatest relative difference of two arrays of probabilities."""
    return float(np.max(np.abs(np.asarray(found) / np.asarray(expected, float) - 1), initial=0.0))


# step by step against the slow versions


@samples
@pytest.mark.parametrize("spec", COUNTING)
def test_every_probability_of_models_that_count(spec, data):
    found = 2.0 ** -ncd.get_compressor(spec).code_lengths(data)
    family, _, rest = spec.partition(":")
    rule = {"dirichlet": naive.dirichlet(0.5)}.get(family) or naive.RULES[family]
    if "update_exclusion=False" in spec:
        rule = naive.ppm_full
    order = 0 if family == "dirichlet" else int(rest.partition(",")[0])
    assert relative(found, naive.shares(rule, order, data)) < 1e-11


@samples
@pytest.mark.parametrize("spec", WEIGHTING)
def test_every_probability_of_context_tree_weighting(spec, data):
    data = data[110:170]
    found = 2.0 ** -ncd.get_compressor(spec).code_lengths(data)
    estimator = naive.kt if "kt" in spec else naive.zr
    assert relative(found, naive.ctw_shares(data, int(spec[4]), estimator)) < 1e-11


@samples
@every
def test_distributions_are_those_of_the_slow_versions(spec, data):
    compressor, past = ncd.get_compressor(spec), data[: len(data) // 2]
    found = compressor.distribution(past)
    wanted = [compressor.primed(past).length(bytes([byte])) for byte in range(256)]
    assert relative(found, 2.0 ** -np.array(wanted)) < 1e-9
    if compressor.family in naive.RULES and "update" not in spec:
        learned = naive.learned(compressor.params["order"], past)
        expected = [naive.RULES[compressor.family](learned, byte) for byte in range(256)]
        assert relative(found, expected) < 1e-11


@pytest.mark.parametrize("kind", RULES)
@given(
    size=st.integers(1, 5),
    order=st.integers(0, 4),
    data=st.data(),
)
def test_any_alphabet(kind, size, order, data):
    if kind == "ngram":
        order += 1
    symbols = data.draw(st.lists(st.integers(0, size - 1), max_size=60))
    number, single, rule = RULES[kind]
    learner = CountLearner(counts.Rule(number, order, size, 0.0, single))
    found = learner.shares(np.array(symbols, np.uint32))
    assert relative(found, naive.shares(rule, order, symbols, alphabet=size)) < 1e-11
    distribution = learner.distribution()
    assert distribution.shape == (size,)
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    assert (distribution > 0).all()


def test_a_hundred_thousand_symbols():
    alphabet, chance = 100_000, np.random.default_rng(0)
    symbols = np.minimum(chance.zipf(1.3, 3000) - 1, alphabet - 1).astype(np.uint32)
    for kind, (number, single, rule) in RULES.items():
        learner = CountLearner(counts.Rule(number, 2, alphabet, 0.0, single))
        found = learner.shares(symbols)
        expected = naive.shares(rule, 2, symbols[:600].tolist(), alphabet=alphabet)
        assert relative(found[:600], expected) < 1e-11, kind
        assert learner.distribution().sum() == pytest.approx(1, abs=1e-10)


def test_how_many_strings_are_counted_once_is_what_counting_gives():
    # the slow version keeps it up to date itself
    learned = naive.learned(3, SAMPLES["text"])
    for k in range(4):
        counted = Counter(n for u in list(learned.every) if len(u) == k for n in learned.continued(u).values())
        assert +learned.how_many[k] == counted


# known figures


def test_the_worked_example_of_method_d():
    # Teahan (2000), table 1 and what follows it: "tobeornottobe", order 2, contexts without update exclusion
    model = ncd.get_compressor("ppm:2,update_exclusion=false")
    shares = model.distribution("tobeornottobe")
    assert shares[ord("o")] == 1 / 2
    assert shares[ord("t")] == pytest.approx(1 / 2 * 5 / 18)
    assert shares[ord("x")] == pytest.approx(1 / 2 * 5 / 18 / 250)
    learned = naive.learned(2, b"tobeornottobe")
    assert naive.ppm_full(learned, ord("x"), Fraction(1)) == Fraction(1, 2) * Fraction(5, 18) / 250


def test_update_exclusion_leaves_out_what_longer_contexts_said():
    # the second "b" after "a" is counted in the context "a" and not in the empty one
    with_it, without = (ncd.get_compressor(f"ppm:1,update_exclusion={on}") for on in ("true", "false"))
    assert with_it.distribution("ababc")[ord("d")] == pytest.approx(3 / 8 / 253)
    assert without.distribution("ababc")[ord("d")] == pytest.approx(3 / 10 / 253)


def test_kt_is_the_block_probability():
    for data in (b"", b"aaab", b"abcabcab", bytes(range(256))):
        sizes = Counter(data).values()
        gamma = math.lgamma(128) - math.lgamma(128 + len(data))
        gamma += sum(math.lgamma(n + 0.5) - math.lgamma(0.5) for n in sizes)
        assert ncd.get_compressor("kt").length(data) == pytest.approx(-gamma / math.log(2), abs=1e-9)
    assert naive.kt(3, 0) == Fraction(5, 16)
    assert naive.kt(2, 2) == Fraction(3, 128)
    assert naive.zr(3, 0) == Fraction(5, 32) + Fraction(1, 4)
    for zeros in range(5):
        for ones in range(5):
            assert naive.kt_bits(zeros, ones) == pytest.approx(-math.log2(naive.kt(zeros, ones)))
            assert naive.zr_bits(zeros, ones) == pytest.approx(-math.log2(naive.zr(zeros, ones)))


@pytest.mark.parametrize("estimator", ["kt", "zr"])
def test_weighting_is_the_mixture_over_all_trees(estimator):
    estimate = getattr(naive, estimator)
    for data in (b"abaab", b"abcab", b"aaaaaa"):
        for depth in (0, 1, 2, 3):
            product = Fraction(1)
            for events in naive.decisions(data).values():
                mixture = naive.mixture(events, depth, estimate)
                assert mixture == naive.weighted(events, depth, estimate)
                product *= mixture
            length = ncd.get_compressor(f"ctw:{depth},estimator={estimator}").length(data)
            assert length == pytest.approx(-math.log2(product), abs=1e-9)
    # the trees share all of the weight
    events = naive.decisions(b"abcabbac")[""]
    assert sum(Fraction(1, 2**cost) for _, cost in naive.trees(events, 2)) == 1


def test_zero_redundancy_where_the_table_ends():
    # the approximation that takes over has the table's values
    data = b"a" * 3000
    found = ncd.get_compressor("ctw:0").code_lengths(data)
    for n in (1, 2, 1022, 1023, 1024, 1025, 2999):
        bits = 8 * (naive.zr_bits(n + 1, 0) - naive.zr_bits(n, 0))
        assert found[n] == pytest.approx(bits, rel=1e-8)


def test_first_byte_costs_eight_bits(model):
    assert model.length("x") == pytest.approx(8, abs=1e-12)
    assert model.length("") == 0


def test_what_the_orders_are_worth_on_text():
    text = REAL
    by_order = {spec: ncd.get_compressor(spec).length(text) / len(text) for spec in (*MODELS, *SHORT)}
    assert by_order["ppm:0"] == pytest.approx(by_order["wb:0"], rel=0.01)  # all are about the entropy of letters
    assert 4 < by_order["dirichlet:0.5"] < 5
    for family in ("ppm", "wb", "kn"):
        found = [ncd.get_compressor(f"{family}:{order}").length(text) for order in range(4)]
        assert found == sorted(found, reverse=True)
    assert by_order["ctw:8"] < ncd.get_compressor("ctw:8,estimator=kt").length(text) / len(text)
    assert by_order["ppm:5"] < 8 * ncd.get_compressor("xz").length(text) / len(text)


# proper probabilities


@pytest.mark.parametrize("spec", MODELS + SHORT + LONG)
@samples
def test_probabilities_sum_to_one_at_every_step(spec, data):
    compressor, symbols = ncd.get_compressor(spec), symbols_of(data)
    learner, step = compressor._learner(), max(1, len(data) // 40)
    bits = compressor.code_lengths(data)
    for at in [*range(min(12, len(data))), *range(0, len(data), step)]:
        learner.stand(symbols[:at])
        shares = learner.distribution()
        assert shares.sum() == pytest.approx(1, abs=1e-12)
        assert (shares > 0).all()
        assert shares[symbols[at]] == pytest.approx(2.0 ** -bits[at], rel=1e-9)


def test_nothing_is_left_for_escapes_once_all_bytes_were_seen():
    for order in (0, 1):
        shares = Ppm(order).distribution(bytes(range(256)) * 3)
        assert shares.sum() == pytest.approx(1, abs=1e-13)


def test_probabilities_stay_numbers_in_the_worst_case():
    # after a long run each order gives a new byte next to nothing
    for spec in LONG:
        bits = ncd.get_compressor(spec).length(b"a" * 300_000 + b"b")
        assert math.isfinite(bits)
        assert bits < 1000


# lengths


def test_lengths_are_sums(model):
    for data in LONGER.values():
        bits = model.code_lengths(data)
        assert bits.shape == (len(data),)
        assert bits.sum() == pytest.approx(model.length(data), rel=1e-12)
        assert (bits >= 0).all()


def test_lengths_do_not_depend_on_what_was_asked_before(model):
    head = REAL[:700]
    texts = [head + REAL[at : at + 90] for at in range(0, 3000, 90)] + [head[:650], head, b"", head + b"x", head]
    alone = [model.length(text) for text in texts]
    assert model.lengths(texts).tolist() == alone
    assert model.lengths(texts[::-1]).tolist() == alone[::-1]
    for split in (1, 7, 20):
        assert [*model.lengths(texts[:split]), *model.lengths(texts[split:])] == alone


@settings(max_examples=60)
@given(data=st.data(), spec=st.sampled_from(["ppm:2", "wb:3", "kn:2", "ngram:3", "ctw:2", "dirichlet:1.0"]))
def test_any_texts_one_after_another(data, spec):
    words = st.lists(st.sampled_from([b"ab", b"a", b"ba", b"abcab", b"\x00", b"\xff"]), max_size=20).map(b"".join)
    texts = data.draw(st.lists(words, min_size=1, max_size=6))
    model = ncd.get_compressor(spec)
    learner = model._learner()
    found = [learner.bits(symbols_of(text)) for text in texts]
    assert found == [model.length(text) for text in texts]
    assert found == pytest.approx([naive.bits(spec, text) for text in texts], abs=1e-8)


@pytest.mark.parametrize(
    "learner", [lambda: WittenBell(3)._learner(), lambda: KneserNey(3)._learner(), lambda: Ctw(3)._learner()]
)
def test_what_is_forgotten_leaves_no_trace(learner):
    one, symbols = learner(), symbols_of(REAL[:4000])
    other = learner()
    for end in (4000, 2500, 2600, 700, 1, 690):
        one.stand(symbols[:end])
    other.stand(symbols[:690])
    used = int(other._trie.sizes[0])
    assert one._trie.sizes[:2].tolist() == other._trie.sizes[:2].tolist()
    assert np.array_equal(one._trie.tally, other._trie.tally)
    words = one._trie.nodes[: used * 8].reshape(-1, 8), other._trie.nodes[: used * 8].reshape(-1, 8)
    known = words[1][:, 3] > 0  # elsewhere nothing has followed
    assert np.array_equal(words[0][:, [0, 1, 2, 3, 4, 5, 7]], words[1][:, [0, 1, 2, 3, 4, 5, 7]])
    assert np.array_equal(words[0][known], words[1][known])
    assert np.array_equal(one.distribution(), other.distribution())


def test_growing_memory_changes_nothing(monkeypatch, model):
    expected = model.length(REAL)
    learner = model._learner()
    symbols = symbols_of(REAL)
    start = type(learner)._clear

    def small(self, size):
        start(self, 1)

    monkeypatch.setattr(type(learner), "_clear", small)
    monkeypatch.setattr(learners, "_AT_ONCE", 999)
    assert learner.bits(symbols) == expected
    assert learner.bits(symbols[:3000]) == model.length(REAL[:3000])


def test_memory_of_small_texts_is_small(model):
    learner = model._learner()
    learner.bits(symbols_of(REAL[:250]))
    assert learner.nbytes < 400_000


def test_memory_is_what_the_docs_say():
    text = REAL * 1
    learner = Ppm(5)._learner()
    learner.bits(symbols_of(text))
    used, slots = int(learner._trie.sizes[0]), 1 << (64 - int(learner._trie.sizes[2]))
    strings = sum(len({text[i : i + k] for i in range(len(text) - k + 1)}) for k in range(1, 7))
    assert used == strings + 1
    assert learner._trie.sizes[1] < 0.75 * slots
    assert 4 * slots <= 8 * int(learner._trie.sizes[3])


def test_too_many_symbols_are_refused(monkeypatch):
    monkeypatch.setattr(learners, "_MOST_SYMBOLS", 1000)
    model = ncd.get_compressor("wb:1")
    assert model.length(b"a" * 1000) > 0
    with pytest.raises(ValueError, match="there are 1,001 symbols in all: a context model counts 1,000 at most"):
        model.length(b"a" * 1001)
    with pytest.raises(ValueError, match="1,001 symbols"):
        model.primed(b"a" * 500).length(b"a" * 501)
    with pytest.raises(ValueError, match="1,001 symbols"):
        model.compress(b"a" * 1001)


# streams


@every
def test_streams_come_back(spec):
    compressor = ncd.get_compressor(spec)
    for data in LONGER.values():
        stream = compressor.compress(data)
        assert compressor.decompress(stream) == data
        # at most the header and one byte more than the bits say; where probabilities are tiny, less
        shares = 2.0 ** -compressor.code_lengths(data)
        least = -np.log2(np.minimum(shares + 9 / 2**32, 1)).sum() / 8
        assert least + 5 <= len(stream) + 1e-6
        assert len(stream) <= math.ceil(compressor.length(data) / 8 + len(data) * 2e-7 / 8) + 10


@pytest.mark.parametrize("spec", ["kn:5", "ctw:5"])
def test_a_megabyte_comes_back(spec):
    words = make_text(3, 240_000).encode()[:900_000] + make_bytes(3, 100_000)
    compressor = ncd.get_compressor(spec)
    stream = compressor.compress(words)
    assert compressor.decompress(stream) == words
    assert abs(len(stream) - compressor.length(words) / 8) < 16


@pytest.mark.parametrize("spec", [*SHORT, *LONG, "ctw:0", "ctw:1,estimator=kt"])
def test_streams_of_other_orders_come_back(spec):
    compressor = ncd.get_compressor(spec)
    for data in SAMPLES.values():
        assert compressor.decompress(compressor.compress(data)) == data


@pytest.mark.parametrize("spec", ["ppm:2", "wb:3", "kn:2", "ngram:3", "ctw:2", "dirichlet:1.0"])
@given(data=st.binary(max_size=300))
def test_any_bytes_come_back(spec, data):
    compressor = ncd.get_compressor(spec)
    assert compressor.decompress(compressor.compress(data)) == data


def test_carries_go_back_over_many_bytes():
    # streams of bytes 255 that a carry turns to 0 are rare: many short texts have some
    compressor = ncd.get_compressor("dirichlet:100.0")
    carried = 0
    for seed in range(400):
        data = make_bytes(seed, 60)
        stream = compressor.compress(data)
        carried += b"\xff" in stream[5:] or b"\0" in stream[5:]
        assert compressor.decompress(stream) == data
    assert carried > 20


@every
def test_damaged_streams_are_refused(spec):
    compressor, data = ncd.get_compressor(spec), REAL[:300]
    stream = compressor.compress(data)
    message = "it was not made by .*, or it is damaged or cut short"
    for at in range(len(stream)):
        with pytest.raises(ValueError, match=message):
            compressor.decompress(stream[:at])
        broken = bytearray(stream)
        broken[at] ^= 1 << at % 8
        with pytest.raises(ValueError, match=message):
            compressor.decompress(bytes(broken))
    for more in (stream + b"\0", b"", b"\xff" * 40, stream[1:]):
        with pytest.raises(ValueError, match=message):
            compressor.decompress(more)


def test_streams_of_other_models_are_refused():
    stream = ncd.get_compressor("ppm:3").compress(REAL[:200])
    for spec in ("ppm:4", "wb:3", "ppm:3,update_exclusion=false", "ctw:3"):
        with pytest.raises(ValueError, match="it was not made by"):
            ncd.get_compressor(spec).decompress(stream)
    assert ncd.get_compressor("ppm:3,frozen=true").decompress(stream) == REAL[:200]


@every
@pytest.mark.parametrize("size", [10_000, 2**31 - 1, 2**35 - 1])
def test_a_stream_that_ends_too_early_is_refused_where_it_ends(spec, size):
    # the checksum is right, the number of bytes is not
    compressor = ncd.get_compressor(spec)
    payload = compressor._learner().encode(symbols_of(make_bytes(1, 300)))
    head = _number(size)
    assert _read_number(head + b"rest") == (size, len(head))
    with pytest.raises(ValueError, match="cut short"):
        compressor.decompress(head + compressor._checksum(head, payload) + payload)


@pytest.mark.parametrize("bad", ["text", None, 3, ["a"]])
def test_a_stream_is_bytes(bad):
    with pytest.raises(TypeError, match="stream is a"):
        ncd.get_compressor("ppm").decompress(bad)


def test_codecs_are_decompressed_by_their_own_libraries():
    with pytest.raises(TypeError, match="gzip:9 does not decompress here: use the library whose format it is"):
        ncd.get_compressor("gzip").decompress(b"abc")


# primed coders


@every
def test_what_is_known_and_what_follows_make_the_whole(spec):
    compressor = ncd.get_compressor(spec)
    for x in (b"", REAL[:1], REAL[:2000], make_bytes(1, 300)):
        primed = compressor.primed(x)
        for y in (b"", b"a", REAL[1000:1600], REAL[5000:5400], make_bytes(1, 300)):
            whole = compressor.length(x + y)
            assert compressor.length(x) + primed.length(y) == pytest.approx(whole, rel=1e-12, abs=1e-9)
            assert primed.code_lengths(y).sum() == pytest.approx(primed.length(y), abs=1e-9)


@every
def test_primed_against_the_slow_version(spec):
    compressor = ncd.get_compressor(spec)
    primed = compressor.primed(REAL[:400])
    seconds = [REAL[300:500], REAL[300:450], make_bytes(4, 60), b"", REAL[300:500]]
    expected = [naive.bits(spec, y, REAL[:400]) for y in seconds]
    assert primed.lengths(seconds).tolist() == pytest.approx(expected, abs=1e-7)
    assert [primed.length(y) for y in seconds] == primed.lengths(seconds).tolist()


@pytest.mark.parametrize("spec", [spec for spec in MODELS if not spec.startswith("ctw")])
def test_frozen_against_the_slow_version(spec):
    frozen = ncd.get_compressor(spec + ",frozen=true")
    primed = frozen.primed(REAL[:400])
    for y in (REAL[300:500], make_bytes(4, 60), b""):
        assert primed.length(y) == pytest.approx(naive.bits(frozen.name, y, REAL[:400]), abs=1e-7)
    assert frozen.length(REAL[:99]) == ncd.get_compressor(spec).length(REAL[:99])


@pytest.mark.parametrize("spec", ["ctw:0", "ctw:3", "ctw:3,estimator=kt"])
def test_frozen_weighting_against_the_slow_version(spec):
    primed = ncd.get_compressor(spec + ",frozen=true").primed(REAL[:60])
    estimator = naive.kt if "kt" in spec else naive.zr
    for y in (REAL[40:80], make_bytes(4, 20), REAL[:5], b""):
        expected = naive.ctw_frozen_shares(y, int(spec[4]), estimator, REAL[:60])
        assert relative(2.0 ** -primed.code_lengths(y), expected) < 1e-9
    assert ncd.get_compressor(spec + ",frozen=true").primed(b"").length(b"zzz") == pytest.approx(24)


def test_frozen_contexts_reach_into_the_text():
    frozen = ncd.get_compressor("ppm:2,update_exclusion=false,frozen=true").primed("tobeornottobe")
    assert frozen.code_lengths("o")[0] == 1
    # no "eo" was followed by anything but "r"; "or" by "n"
    assert frozen.code_lengths("orn").tolist() == pytest.approx([1, 1, 1])


def test_frozen_and_adaptive_are_told_apart():
    one, other = ncd.get_compressor("ppm:5"), ncd.get_compressor("ppm:5,frozen=true")
    assert one != other
    assert other.name == "ppm:5,frozen=True"
    assert other.primed("ab").length("zzzzzz") > one.primed("ab").length("zzzzzz")


@pytest.mark.parametrize("spec", [*MODELS, "kn:3,frozen=True", "ctw:3,frozen=True"])
def test_threads_share_a_primed_coder(spec):
    primed = ncd.get_compressor(spec).primed(REAL[:3000])
    texts = [REAL[at : at + 150] for at in range(0, 6000, 150)]
    serial = primed.lengths(texts).tolist()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(primed.length, texts * 4)) == serial * 4
    assert pickle.loads(pickle.dumps(primed)).lengths(texts).tolist() == serial


@pytest.mark.parametrize("spec", ["kn:5", "ctw:5"])
def test_other_threads_go_on_meanwhile(spec):
    model, text = ncd.get_compressor(spec), make_bytes(1, 400_000)
    model.length(b"a")
    with ThreadPoolExecutor(1) as pool:
        job, steps = pool.submit(model.length, text), 0
        while not job.done():
            time.sleep(0.001)
            steps += 1
    assert steps > 10  # a kernel that holds the interpreter's lock leaves room for one or two


def test_memory_of_long_texts_is_given_back():
    model = ncd.get_compressor("wb:4")
    model.length(make_bytes(1, 100_000))
    assert all(learner.nbytes <= 1 << 23 for idle in learners._idle.values() for learner in idle)


def test_a_primed_coder_that_failed_is_not_used_again(monkeypatch):
    primed = ncd.get_compressor("wb:2").primed(REAL[:500])
    expected = primed.length(b"abc")
    monkeypatch.setattr(learners, "_MOST_SYMBOLS", 1000)
    with pytest.raises(ValueError, match="symbols"):
        primed.length(bytes(501))
    assert primed.length(b"abc") == expected


def test_weighting_without_a_log_learns_again(monkeypatch):
    model, x = ncd.get_compressor("ctw:3"), REAL[:2000]
    texts = [REAL[at : at + 300] for at in (0, 4000, 100)]
    expected = model.primed(x).lengths(texts).tolist()
    monkeypatch.setattr(context_learners, "_LOG_BYTES", 0)
    monkeypatch.setattr(CtwLearner, "nbytes", 0)
    assert model.primed(x).lengths(texts).tolist() == expected
    monkeypatch.setattr(context_learners, "_LOGGED_TEXT", 0)
    assert model.lengths([x + text for text in texts]).tolist() == [model.length(x + text) for text in texts]


# used wherever a compressor is


def test_pairs_and_neighbours():
    texts = load_factbook("test").texts[:8]
    for spec in ("ppm:3", "ctw:2"):
        model = ncd.get_compressor(spec)
        joint = ncd.joint_lengths(texts, compressor=spec)
        assert joint.dtype == np.float64
        assert joint.tolist() == [[model.joint_length(x, y) for y in texts] for x in texts]
        given_x = ncd.conditional_lengths(texts, texts, compressor=spec)
        assert given_x.tolist() == [[model.primed(x).length(y) for y in texts] for x in texts]
        distances = ncd.pairwise(texts, compressor=spec)
        assert (distances.argmin(axis=1) == np.arange(8)).all()
        assert np.array_equal(ncd.pairwise(texts, compressor=spec, n_jobs=1), distances)
        assert ncd.neighbors(texts, k=1, compressor=spec, n_jobs=2).indices.shape == (8, 1)


# errors


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("ppm:25", ValueError, "ppm: order is 25: choose from 0 to 24"),
        ("ppm:-1", ValueError, "ppm: order is -1"),
        ("ppm:2.5", TypeError, "ppm: order is '2.5': give a whole number from 0 to 24"),
        ("ngram:0", ValueError, "ngram: order is 0: choose from 1 to 24"),
        ("kn:5,frozen=2", ValueError, "kn: frozen is 2: choose from False, True"),
        ("wb:5,discount=1", TypeError, "has no parameter 'discount'; choose from order, frozen"),
        ("ppm:5,update_exclusion=no", ValueError, "ppm: update_exclusion is 'no': choose from False, True"),
        ("ctw:8,estimator=zero", ValueError, "ctw: estimator is 'zero': choose from 'zr', 'kt'"),
        ("dirichlet:0", ValueError, "dirichlet: alpha is 0: choose from 1e-06 to 1e+06"),
        ("dirichlet:nan", TypeError, "dirichlet: alpha is 'nan': give a number"),
        ("dirichlet:much", TypeError, "dirichlet: alpha is 'much': give a number from 1e-06 to 1e+06"),
        ("dirichlet:true", TypeError, "dirichlet: alpha is True: give a number"),
        ("kt:0.2", ValueError, "compressor 'kt:0.2': after the first value write key=value, not '0.2'"),
    ],
)
def test_bad_parameters(spec, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ncd.get_compressor(spec)


def test_names():
    assert ncd.get_compressor("kt").name == "dirichlet:0.5"
    assert ncd.get_compressor("kt:frozen=true").name == "dirichlet:0.5,frozen=True"
    assert ncd.get_compressor("dirichlet:1").name == "dirichlet:1.0"
    assert ncd.get_compressor("dirichlet:1") == ncd.get_compressor("dirichlet:1.0")
    assert [ncd.get_compressor(family).name for family in ("ppm", "wb", "kn", "ngram", "ctw")] == [
        "ppm:5",
        "wb:5",
        "kn:5",
        "ngram:6",
        "ctw:8",
    ]
    with pytest.raises(ValueError, match="'kt' exists already"):
        ncd.register_compressor("kt", Ngram)


def test_kernels_are_imported_when_they_are_used(python):
    code = "import sys, ncd; c = ncd.get_compressor('ppm'); ncd.available(); print('numba' in sys.modules, end=' ')"
    assert finish(python(code + "; c.length('a'); print('numba' in sys.modules)")).strip() == "False True"


def test_trees_of_no_depth_know_no_contexts():
    learner = CtwLearner(Tree(0, False))
    found = learner.shares(symbols_of(b"abab"))
    assert relative(found, naive.ctw_shares(b"abab", 0, naive.kt)) < 1e-12
