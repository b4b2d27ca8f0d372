"""Context models over other alphabets: open ones, words, tokens."""

import math
import pickle

import naive_context as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import ncd
from ncd.compressors.context_learners import CountLearner
from ncd.compressors.text_learners import Wordwise
from ncd.data import load_factbook
from ncd.kernels import context_counts as counts
from ncd.subwords import Tokens
from ncd.words import split_alternating

RULES = {
    "ppm": (counts.PPM, True, naive.ppm),
    "ppm, full": (counts.PPM, False, naive.ppm_full),
    "wb": (counts.WITTEN_BELL, False, naive.wb),
    "kn": (counts.KNESER_NEY, True, naive.kn),
    "ngram": (counts.NGRAM, False, naive.ngram),
}


def numbered(symbols):
    """Symbols by the order in which they come."""
    seen = {}
    return [seen.setdefault(symbol, len(seen)) for symbol in symbols]


def relative(found, expected):
    """Greatest relative difference."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float((np.abs(found - expected) / expected).max(initial=0))


# ---- symbols without end


@pytest.mark.parametrize("kind", RULES)
@given(order=st.integers(0, 4), symbols=st.lists(st.integers(0, 8), max_size=60).map(numbered))
def test_an_open_alphabet_is_the_limit_of_large_ones(kind, order, symbols):
    """Of very many symbols, all that have not come together have the probability of "a new one"."""
    if kind == "ngram":
        order += 1
    number, single, rule = RULES[kind]
    learner = CountLearner(counts.Rule(number, order, 0, 0.0, single))
    found = learner.shares(np.array(symbols, np.uint32))
    alphabet = 10**18
    expected = naive.shares(rule, order, symbols, alphabet=alphabet)
    known = 0
    for i, symbol in enumerate(symbols):
        if symbol == known:
            expected[i] *= alphabet - known
            known += 1
    assert relative(found, expected) < 1e-9
    distribution = learner.distribution()
    assert distribution.shape == (known + 1,)
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    assert (distribution > 0).all()
    past = naive.learned(order, symbols, alphabet)
    assert relative(distribution[:known], [rule(past, s) for s in range(known)]) < 1e-9


@given(symbols=st.lists(st.integers(0, 8), max_size=60).map(numbered), alpha=st.sampled_from([0.01, 0.5, 3.0]))
def test_dirichlet_without_end(symbols, alpha):
    learner = CountLearner(counts.Rule(counts.DIRICHLET, 0, 0, alpha, False))
    expected = []
    for i, symbol in enumerate(symbols):
        past = symbols[:i]
        known = len(set(past))
        own = past.count(symbol) if symbol < known else known
        expected.append((own + alpha) / (i + known + alpha * (known + 1)))
    assert relative(learner.shares(np.array(symbols, np.uint32)), expected) < 1e-12
    assert learner.distribution().sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", [*RULES, "dirichlet"])
@given(symbols=st.lists(st.integers(0, 30), max_size=300).map(numbered), order=st.integers(0, 3))
def test_streams_of_symbols_without_end(kind, symbols, order):
    number, single, _ = RULES.get(kind, (counts.DIRICHLET, False, None))
    order = {"dirichlet": 0, "ngram": order + 1}.get(kind, order)
    learner = CountLearner(counts.Rule(number, order, 0, 0.5, single))
    stream = learner.encode(np.array(symbols, np.uint32))
    assert learner.decode(stream, len(symbols)).tolist() == symbols
    bits = learner.bits(np.array(symbols, np.uint32))
    assert len(stream) <= np.ceil(bits / 8) + 1


def test_forgetting_new_symbols():
    """What is learned after a text and forgotten again was never there."""
    rng = np.random.default_rng(0)
    for number, single, _ in RULES.values():
        learner = CountLearner(counts.Rule(number, 2, 0, 0.0, single))
        first = np.array(numbered(rng.integers(0, 20, 80)), np.uint32)
        known = int(first.max()) + 1
        learner.stand(first)
        after = [np.array(numbered([*first, *rng.integers(0, 40, 30)]), np.uint32)[80:] for _ in range(5)]
        assert any(symbols.max() > known for symbols in after)
        for symbols in after:
            fresh = CountLearner(counts.Rule(number, 2, 0, 0.0, single))
            whole = fresh.shares(np.concatenate([first, symbols]))
            np.testing.assert_array_equal(learner.shares(symbols, len(first)), whole[80:])


# ---- words

WORDS = ["ppm:2", "ppm:1,update_exclusion=False", "wb:1", "kn:2", "ngram:2", "dirichlet:0.3"]
REAL = "\n".join(load_factbook("test").texts[:4]).encode()
SAMPLES = {
    "text": REAL[:600],
    "two words": b"to be or not to be, or to be",
    "spaces around": b"  to be  ",
    "one word": b"word",
    "only spaces": b" \n ",
    "not UTF-8": b"caf\xe9 \xff caf\xe9 \xff\xfe \x00",
    "accents": "naïve école, naïve e\u0301cole".encode(),
    "no spaces": "中文沒有空格".encode() * 3,
    "nothing": b"",
    "all bytes": bytes(range(256)) * 2,
}
samples = pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
words = pytest.mark.parametrize("spec", [f"{spec},alphabet=words" for spec in WORDS])


def open_shares(spec, symbols, past=(), frozen=False):
    """Probabilities of symbols of an open alphabet."""
    family, _, parameter = spec.partition(",")[0].partition(":")
    known = len(set(past))
    if family == "dirichlet":
        alpha, result, text = float(parameter), [], list(past)
        for symbol in symbols:
            different = len(set(text))
            own = text.count(symbol) if symbol in text else different
            result.append((own + alpha) / (len(text) + different + alpha * (different + 1)))
            text += [] if frozen else [symbol]
        return result
    rule = {"ppm": naive.ppm, "wb": naive.wb, "kn": naive.kn, "ngram": naive.ngram}[family]
    if "update_exclusion=False" in spec:
        rule = naive.ppm_full
    alphabet = 10**18
    result = naive.shares(rule, int(parameter), symbols, past, frozen=frozen, alphabet=alphabet)
    for i, symbol in enumerate(symbols):
        if symbol >= known:
            result[i] *= alphabet - known
            known += not frozen and symbol == known
    return result


def letter_shares(texts, past=(), frozen=False):
    """Probabilities of the letters of words, each with its end."""
    letters, before = ([c for text in group for c in [*text, 256]] for group in (texts, past))
    return naive.shares(naive.ppm, 3, letters, before, frozen=frozen, alphabet=257)


def naive_words(spec, data, past=b"", frozen=False):
    """Bits of each word and gap: dictionaries for words and gaps, one letter after another for new ones."""
    each = {}
    for kind in (0, 1):
        before = split_alternating(past)[kind::2] if past else []
        parts = split_alternating(data)[kind::2] if data else []
        table = {}
        numbers = [table.setdefault(part, len(table)) for part in before]
        known = len(table)
        spelled, coded = [], []
        for i, part in enumerate(parts):
            if part not in table or (frozen and table[part] >= known):
                spelled.append((i, part.encode("utf-8", "surrogateescape")))
            coded.append(known if frozen and table.get(part, known) >= known else table.setdefault(part, len(table)))
        bits = -np.log2(open_shares(spec, coded, numbers, frozen))
        first = [text.encode("utf-8", "surrogateescape") for text in dict.fromkeys(before)]
        letters = iter(letter_shares([text for _, text in spelled], first, frozen))
        for i, text in spelled:
            bits[i] += sum(-math.log2(next(letters)) for _ in [*text, 256])
        each[kind] = bits
    result = np.empty(len(each[0]) + len(each[1]))
    result[::2], result[1::2] = each[0], each[1]
    return result


@samples
@words
def test_words_cost_what_the_slow_version_says(spec, data):
    model = ncd.get_compressor(spec)
    expected = naive_words(spec, data)
    assert model.code_lengths(data) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert model.length(data) == pytest.approx(expected.sum(), rel=1e-9, abs=1e-9)
    assert model.unit == "bits"


@pytest.mark.parametrize("frozen", [False, True])
@words
def test_words_after_a_text(spec, frozen):
    x = SAMPLES["text"]
    primed = ncd.get_compressor(f"{spec},frozen={frozen}").primed(x)
    for data in (*SAMPLES.values(), REAL[500:900]):
        expected = naive_words(spec, data, x, frozen)
        assert primed.code_lengths(data) == pytest.approx(expected, rel=1e-8, abs=1e-9)
        assert primed.length(data) == pytest.approx(expected.sum(), rel=1e-9, abs=1e-9)
    again = pickle.loads(pickle.dumps(primed))
    assert again.length(REAL[500:900]) == primed.length(REAL[500:900])


def test_a_text_in_two_parts_of_words():
    """The chain rule, where the seam is one that both cuts have."""
    model = ncd.get_compressor("ppm:2,alphabet=words")
    x, y = "to be or not to be", " that is the question: to be"
    parts = [*split_alternating(x), *split_alternating(y)[1:]]  # the empty word before y's first space is one more
    assert split_alternating(x + y) == parts
    empty = model.primed(x).code_lengths(y)[0]
    assert model.length(x) + model.primed(x).length(y) > model.length(x + y)
    assert 0 < empty < 20
    assert model.primed("").length(x) == model.length(x)


@samples
@words
def test_streams_of_words(spec, data):
    model = ncd.get_compressor(spec)
    stream = model.compress(data)
    assert model.decompress(stream) == data
    assert len(stream) <= math.ceil(model.length(data) / 8) + 30


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=60).map(lambda text: text.encode())))
def test_streams_of_any_words(data):
    model = ncd.get_compressor("ppm:2,alphabet=words")
    assert model.decompress(model.compress(data)) == data
    assert model.code_lengths(data).sum() == pytest.approx(model.length(data), rel=1e-12)


def test_words_of_a_longer_text_cost_less_than_bytes():
    text = "\n".join(load_factbook("test").texts)
    words, letters = (ncd.bits_per_byte(text, spec) for spec in ("ppm:2,alphabet=words", "ppm:5"))
    assert words.bits < letters.bits
    model = ncd.get_compressor("ppm:2,alphabet=words")
    stream = model.compress(text)
    assert len(stream) * 8 == pytest.approx(words.bits, rel=1e-3)
    assert model.decompress(stream) == text.encode()


@given(st.integers(0, 40), st.binary(max_size=60))
def test_streams_of_chance_end_well(size, stream):
    """Without the checksum, whatever is read is a text or nothing."""
    model = ncd.get_compressor("ppm:1,alphabet=words")
    found = model._texts().decode(size, stream)
    assert found is None or isinstance(found, bytes)


def test_damaged_streams_of_words():
    model = ncd.get_compressor("ppm:1,alphabet=words")
    stream = model.compress(REAL[:300])
    for at in range(0, len(stream), 7):
        damaged = bytearray(stream)
        damaged[at] ^= 1
        with pytest.raises(ValueError, match="damaged"):
            model.decompress(bytes(damaged))
    with pytest.raises(ValueError, match="not made by"):
        ncd.get_compressor("ppm:1").decompress(stream)


def test_words_in_matrices(texts):
    spec = "wb:1,alphabet=words"
    one, two = (ncd.pairwise(texts[:6], compressor=spec, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one, two)
    model = ncd.get_compressor(spec)
    joint = model.joint_length(texts[0], texts[1])
    lengths = [model.length(text) for text in texts[:2]]
    assert one[0, 1] == (joint - min(lengths)) / max(lengths)
    assert one.shape == (6, 6)


def test_names_of_models_of_words():
    model = ncd.get_compressor("ppm:2,alphabet=words")
    assert model.name == "ppm:2,alphabet=words"
    assert model == ncd.get_compressor(model.name) == pickle.loads(pickle.dumps(model))
    assert model != ncd.get_compressor("ppm:2")
    assert model.length("to be or not to be") != ncd.get_compressor("ppm:2").length("to be or not to be")
    with pytest.raises(TypeError, match="no list of all words"):
        model.distribution("to be")
    with pytest.raises(ValueError, match="'bytes', 'words', 'tokens'"):
        ncd.get_compressor("ppm:2,alphabet=letters")
    with pytest.raises(ValueError, match="with alphabet=tokens, and only then"):
        ncd.get_compressor("ppm:2,alphabet=tokens")
    with pytest.raises(ValueError, match="and only then"):
        ncd.get_compressor("ppm:2,alphabet=words,tokenizer=x")
    with pytest.raises(TypeError, match="no parameter 'alphabet'"):
        ncd.get_compressor("ctw:2,alphabet=words")


def test_memory_of_words_is_counted():
    learner = ncd.get_compressor("ppm:1,alphabet=words")._texts()
    assert isinstance(learner, Wordwise)
    before = learner.nbytes
    learner.bits(REAL)
    assert learner.nbytes > before


# ---- tokens


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")
    path = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    Tokens("bpe", vocab_size=400).fit([REAL]).save(path)
    return path


@pytest.mark.parametrize("spec", WORDS)
def test_tokens_are_symbols_of_their_own(spec, tokenizer):
    model = ncd.get_compressor(f"{spec},alphabet=tokens,tokenizer={tokenizer}")
    tokens = Tokens(tokenizer)
    family, _, parameter = spec.partition(",")[0].partition(":")
    rule = naive.dirichlet(float(parameter)) if family == "dirichlet" else RULES[family][2]
    rule = naive.ppm_full if "update" in spec else rule
    order = 0 if family == "dirichlet" else int(parameter)
    for data in (SAMPLES["text"], SAMPLES["not UTF-8"], b""):
        shares = naive.shares(rule, order, tokens.encode(data).tolist(), alphabet=400)
        assert model.code_lengths(data) == pytest.approx(-np.log2(shares), rel=1e-9)
        assert model.length(data) == pytest.approx(-np.log2(shares).sum(), rel=1e-9)
        assert model.decompress(model.compress(data)) == data
        assert model.primed(data).length(b"the cat") > 0
    assert model.distribution("the").shape == (400,)
    assert model.distribution("the").sum() == pytest.approx(1, abs=1e-10)
    assert model == ncd.get_compressor(model.name) == pickle.loads(pickle.dumps(model))
    assert tokens.digest[:16] in model.version


def test_another_tokenizer_is_another_model(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer.read_bytes())
    model = ncd.get_compressor(f"ppm:1,alphabet=tokens,tokenizer={tmp_path}")
    version, length, stream = model.version, model.length(REAL), model.compress("to be")
    with pytest.raises(FileExistsError, match="force=True"):
        Tokens(path).save(path)
    Tokens("bpe", vocab_size=300).fit([REAL]).save(path, force=True)
    assert model.version != version
    assert model.length(REAL) != length
    with pytest.raises(ValueError, match="not made by"):
        model.decompress(stream)


def test_tokenizers_that_cannot_store_texts(tmp_path):
    pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")
    Tokens("wordpiece", vocab_size=60).fit([REAL]).save(tmp_path / "pieces.json")
    with pytest.raises(ValueError, match="lengths would not be true"):
        ncd.get_compressor(f"ppm:1,alphabet=tokens,tokenizer={tmp_path / 'pieces.json'}")
    with pytest.raises(ValueError, match="no file"):
        ncd.get_compressor(f"ppm:1,alphabet=tokens,tokenizer={tmp_path / 'nothing.json'}")
    with pytest.raises(ValueError, match="no room for commas"):
        ncd.compressors.context.Ppm(1, alphabet="tokens", tokenizer="a,b")
    with pytest.raises(ValueError, match="call fit"):
        Tokens().save(tmp_path / "x.json")
    with pytest.raises(ValueError, match="call fit"):
        _ = Tokens().digest
