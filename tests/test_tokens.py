"""Texts as symbols: what is split where, that nothing is lost, and that numbers are the same by every way."""

import json
import pickle
import random
import re
import subprocess
import sys
import unicodedata
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.exceptions import MissingLibraryError
from ncd.subwords import Tokens
from ncd.tokens import Bytes, alphabet_from_dict, decoded, encoded, get_alphabet
from ncd.words import WORDS, Words, split_alternating, words_with_marks

ODD_BYTES = [
    b"",
    b" ",
    b"word",
    b"two words",
    b"\xff",
    b"caf\xc3",
    b"\xa9 caf\xc3\xa9 \xc3",
    b"\xed\xa0\x80",  # a lone surrogate, as `surrogatepass` writes it
    b"\xed\xb3\xbf",  # one of those that `surrogateescape` uses
    b"\xf0\x9f\x98\x80 \xf0\x9f\x98",
    b"\xc0\x80 \xf5\x80\x80\x80",  # overlong, too large
    b"a\x00b\r\n\tc\x1c\x85",
    "e\u0301 हिन्दी ไทย 中文 \u200d\u2028".encode(),
    bytes(range(256)),
    bytes(range(255, -1, -1)) * 3,
]


@pytest.mark.parametrize("data", ODD_BYTES)
def test_splitting_loses_nothing(data):
    _check_alternating(data)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=40).map(lambda text: text.encode()),
        st.text(st.characters(), max_size=40),
    )
)
def test_splitting_loses_nothing_of_anything(data):
    _check_alternating(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))


def _check_alternating(data):
    parts = split_alternating(data)
    assert encoded("".join(parts)) == data
    assert b"".join(encoded(part) for part in parts) == data
    assert len(parts) % 2 == 1
    assert all(parts[1:-1])
    for word in parts[::2]:
        assert all(_in_word(character) for character in word)
    for gap in parts[1::2]:
        assert not any(_in_word(character) for character in gap)


def _in_word(character):
    """A letter of a word, from the Unicode tables and not from a regular expression."""
    return character.isalnum() or character in "_\u200c\u200d" or unicodedata.category(character).startswith("M")


def test_words_are_those_of_the_pattern():
    words = Words().fit(["It's naïve: ÉCOLE no. 5_6"])
    assert words.symbols == ["it", "'", "s", "naïve", ":", "école", "no", ".", "5_6"]
    assert words.encode("école 5_6 école?").tolist() == [6, 9, 6, 0]
    assert words.size == 10
    assert Words(lower=False).split("Hear hear") == ["Hear", "hear"]
    assert Words(pattern=r"\S+").split("it's  so") == ["it's", "so"]


def test_symbols_are_bytes_again():
    words = Words().fit([b"caf\xc3\xa9 \xff"])
    assert [words.symbol(i) for i in range(words.size)] == [b"", "café".encode(), b"\xff"]
    with pytest.raises(IndexError, match="from 0 to 2"):
        words.symbol(3)
    assert Bytes().symbol(200) == b"\xc8"


def test_marks_are_parts_of_words():
    pattern = words_with_marks()
    yoruba = "o\u0323mo\u0323\u0301, ọmọ́"
    assert re.findall(pattern, yoruba) == ["o\u0323mo\u0323\u0301", ",", "ọmọ́"]
    assert len(re.findall(WORDS, yoruba)) > 3
    plain = "No marks here: 42, naïve_école! \udcff"
    assert re.findall(pattern, plain) == re.findall(WORDS, plain)


@pytest.mark.parametrize("alphabet", [Bytes(), Words(), Words(lower=False, pattern=words_with_marks())], ids=repr)
def test_many_texts_are_texts_one_by_one(alphabet):
    alphabet.fit(["one two", "zwei drei, one"])
    ids, offsets = alphabet.encode_many(ODD_BYTES)
    assert (ids.dtype, offsets.dtype) == (np.uint32, np.int64)
    assert (offsets[0], offsets[-1], len(offsets)) == (0, len(ids), len(ODD_BYTES) + 1)
    for data, (start, stop) in zip(ODD_BYTES, pairwise(offsets), strict=True):
        np.testing.assert_array_equal(ids[start:stop], alphabet.encode(data))
    assert not len(ids) or ids.max() < alphabet.size


def test_blocks_do_not_show(monkeypatch):
    rng = random.Random(1)
    texts = [" ".join(rng.choices(["a", "bb", "c,c", "Ď"], k=rng.randrange(9))) for _ in range(300)]
    whole = Words().update_encode(texts)
    monkeypatch.setattr("ncd.tokens._BLOCK", 17)
    for one, other in zip(whole, Words().update_encode(texts), strict=True):
        np.testing.assert_array_equal(one, other)


def test_learning_in_parts_is_learning_at_once():
    texts = ["b a", "c a d", "", "D e"]
    whole = Words().fit(texts)
    ids, offsets = whole.encode_many(texts)
    parts = Words()
    found = [parts.update_encode(texts[:1]), parts.update_encode(texts[1:])]
    assert parts == whole
    assert np.concatenate([part[0] for part in found]).tolist() == ids.tolist() == [1, 2, 3, 2, 4, 4, 5]
    assert offsets.tolist() == [0, 2, 5, 5, 7]
    assert parts.fit(["z"]).symbols == ["z"]


def test_text_and_bytes_are_the_same():
    words = Words().fit(["naïve café"])
    assert words.encode("café") == words.encode("café".encode()) == [2]


def test_unknown_bytes_are_symbols_of_their_own():
    words = Words().fit([b"a\xffb\xfe\xff"])
    assert words.encode(b"\xff\xfea").tolist() == [2, 4, 1]


@pytest.mark.parametrize("alphabet", [Bytes(), Words(), Words().fit(["a \ud800 b"]), Words().fit([b"\xff \x00 \xc3"])])
def test_state_goes_through_json_and_pickle(alphabet):
    again = alphabet_from_dict(json.loads(json.dumps(alphabet.to_dict())))
    assert again == alphabet == pickle.loads(pickle.dumps(alphabet))
    assert again.to_dict() == alphabet.to_dict()


def test_states_that_are_none():
    good = Words().fit(["a b"]).to_dict()
    for state in [
        {},
        {"alphabet": "runes"},
        {**good, "symbols": ["a", "a"]},
        {**good, "symbols": [1]},
        {**good, "pattern": 5},
        [],
    ]:
        with pytest.raises(ValueError, match="not the state of an alphabet"):
            alphabet_from_dict(state)


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="call fit or update"):
        Words().encode("a")
    with pytest.raises(ValueError, match="no regular expression"):
        Words(pattern="[")
    with pytest.raises(ValueError, match=r"\(\?:"):
        Words(pattern="(a)b")
    with pytest.raises(ValueError, match="empty text"):
        Words(pattern=r"\w*")
    with pytest.raises(TypeError, match="regular expression as str"):
        Words(pattern=b"a")
    with pytest.raises(ValueError, match="'bytes', 'words', 'tokens'"):
        get_alphabet("letters")
    with pytest.raises(TypeError, match="no option 'lower'"):
        get_alphabet("bytes", lower=True)
    with pytest.raises(TypeError, match="when it is made"):
        get_alphabet(Words(), lower=True)
    with pytest.raises(TypeError, match="missing value"):
        Words().fit(["a", None])
    with pytest.raises(TypeError, match="single str"):
        Words().fit("a b")


def test_alphabets_by_name():
    assert get_alphabet("bytes") == Bytes()
    assert get_alphabet("words", lower=False) == Words(lower=False)
    words = Words()
    assert get_alphabet(words) is words
    assert repr(words.fit(["a b"])) == "<Words of 3 symbols>"
    assert words != Bytes()
    assert words != "words"


@given(st.binary(max_size=80))
def test_characters_are_bytes_again(data):
    assert encoded(decoded(data)) == data


def test_nothing_heavy_is_imported():
    code = "import sys, ncd.tokens; print(sorted({'tokenizers', 'torch', 'sklearn', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


TEXTS = ["the cat sat on the mat", "the dog sat on the log", "Café au lait, naïve and naïve", "cats and dogs"] * 5


@pytest.fixture(scope="module")
def tokenizers():
    return pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")


@pytest.fixture(params=["bpe", "wordpiece"])
def tokens(request, tokenizers):
    return Tokens(request.param, vocab_size=290).fit(TEXTS)


def test_byte_level_tokens_lose_nothing(tokenizers):
    tokens = Tokens("bpe", vocab_size=290).fit(TEXTS)
    assert tokens.lossless
    assert tokens.size == 290
    for data in [*ODD_BYTES, *map(str.encode, TEXTS)]:
        ids = tokens.encode(data)
        assert tokens.decode(ids) == data
        assert b"".join(tokens.symbol(i) for i in ids) == data
    assert len(tokens.encode("the cat")) < 4


@given(st.binary(max_size=60))
def test_byte_level_tokens_lose_nothing_of_anything(data):
    pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")
    tokens = _trained_once()
    assert tokens.decode(tokens.encode(data)) == data


@lru_cache
def _trained_once():
    return Tokens("bpe", vocab_size=290).fit(TEXTS)


def test_pieces_of_words(tokenizers):
    tokens = Tokens("wordpiece", vocab_size=60).fit(TEXTS)
    assert tokens.unknown == 0
    assert not tokens.lossless
    assert b"".join(tokens.symbol(i).removeprefix(b"##") for i in tokens.encode("The CATS")) == b"thecats"
    assert tokens.encode("\u4e2d \u6587").tolist() == [0, 0]
    assert tokens.encode(b"\xff").tolist() == [0]
    with pytest.raises(TypeError, match="loses a part"):
        tokens.decode([1])


def test_tokens_of_many_texts_are_those_of_texts_one_by_one(tokens, monkeypatch):
    ids, offsets = tokens.encode_many(ODD_BYTES)
    for data, (start, stop) in zip(ODD_BYTES, pairwise(offsets), strict=True):
        np.testing.assert_array_equal(ids[start:stop], tokens.encode(data))
    monkeypatch.setattr("ncd.tokens._BLOCK", 5)
    for one, other in zip(tokens.encode_many(ODD_BYTES), (ids, offsets), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_is_the_same_in_every_process(tokens):
    code = (
        "import sys, json; from ncd.subwords import Tokens; "
        "made = Tokens(sys.argv[1], vocab_size=290).fit(json.loads(sys.argv[2])); "
        "print(json.dumps(made.to_dict()))"
    )
    for _ in range(2):
        made = subprocess.run(
            [sys.executable, "-c", code, tokens.tokenizer, json.dumps(TEXTS)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(made.stdout) == tokens.to_dict()


def test_tokens_go_through_json_pickle_and_files(tokens, tmp_path):
    state = json.loads(json.dumps(tokens.to_dict()))
    (tmp_path / "tokenizer.json").write_text(json.dumps(state["state"]))
    again = [alphabet_from_dict(state), pickle.loads(pickle.dumps(tokens))]
    files = [Tokens(tmp_path), Tokens(str(tmp_path / "tokenizer.json")).fit(["other texts"])]
    assert again == [tokens, tokens]
    assert files[0] == files[1] == alphabet_from_dict(files[0].to_dict())
    for made in again + files:
        assert made.encode(TEXTS[2]).tolist() == tokens.encode(TEXTS[2]).tolist()
        assert (made.size, made.unknown, made.lossless) == (tokens.size, tokens.unknown, tokens.lossless)


def test_more_texts_do_not_change_tokens(tokens):
    state = tokens.to_dict()
    assert tokens.update(["zzzz zzzz"]).to_dict() == state
    assert tokens.fit(["zzzz zzzz"]).to_dict() != state
    fresh = Tokens(tokens.tokenizer, vocab_size=290)
    ids, _ = fresh.update_encode(TEXTS)
    assert fresh.to_dict() == state
    assert len(ids)


def test_settings_of_a_file_that_change_texts_are_left_out(tokenizers, tmp_path):
    tokens = Tokens("bpe", vocab_size=290).fit(TEXTS)
    made = tokenizers.Tokenizer.from_str(json.dumps(tokens.to_dict()["state"]))
    made.add_special_tokens(["<end>"])
    made.enable_truncation(2)
    made.enable_padding(length=50)
    made.post_processor = tokenizers.processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 290)])
    made.model.dropout = 0.5
    made.save(str(tmp_path / "tokenizer.json"))
    from_file = Tokens(tmp_path)
    assert from_file.size == 291
    assert from_file.symbol(290) == b"<end>"
    for text in [*TEXTS[:4], "<end> of <end>"]:
        np.testing.assert_array_equal(from_file.encode(text), tokens.encode(text))
        assert from_file.decode(from_file.encode(text)) == text.encode()


def test_tokenizers_that_change_characters_are_not_lossless(tokenizers, tmp_path):
    state = Tokens("bpe", vocab_size=290).fit(TEXTS).to_dict()["state"]
    for change in [
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": {**state["pre_tokenizer"], "add_prefix_space": True}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, state["pre_tokenizer"]]}},
    ]:
        path = tmp_path / "changed.json"
        path.write_text(json.dumps({**state, **change}))
        tokens = Tokens(path)
        assert not tokens.lossless
        assert b"".join(tokens.symbol(i) for i in tokens.encode("The  cat")) != b"The  cat"


def test_errors_of_tokens_name_what_is_wrong(tokenizers, tmp_path):
    with pytest.raises(ValueError, match="call fit"):
        Tokens().encode("a")
    with pytest.raises(ValueError, match="at least 257"):
        Tokens(vocab_size=256)
    with pytest.raises(ValueError, match="'bpe' or 'wordpiece'"):
        Tokens("unigram")
    with pytest.raises(TypeError, match="the path of a"):
        Tokens(5)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="cannot be taken: this is no tokenizer"):
        Tokens(tmp_path)
    good = Tokens("bpe", vocab_size=290).fit(TEXTS)
    with pytest.raises(IndexError, match="0 to 289"):
        good.symbol(290)
    for change in [{"tokenizer": "odd"}, {"vocab_size": "many"}, {"state": {}}]:
        with pytest.raises(ValueError, match="not the state of an alphabet"):
            alphabet_from_dict({**good.to_dict(), **change})


def test_bytes_without_a_token_are_refused(tokenizers, tmp_path):
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={"a": 0}, merges=[]))
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="0xFF, which is not UTF-8"):
        Tokens(tmp_path).encode(b"a\xff")


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'ncd\[tokens\]'"):
        get_alphabet("tokens")
