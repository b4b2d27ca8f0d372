"""Word vectors: files, unknown and compound words, and word2vec learned from texts."""

import copy
import gzip
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.exceptions import NotFittedError

from ncd.embed import Coverage, LearnedWords, Lookup, WordVectors, get_embedder, word_lookup
from ncd.embed.word_files import format_of, read_vectors
from ncd.embed.word_lookup import words_and_compounds
from ncd.exceptions import EmptyTextError, UnknownWordsWarning

pytest.importorskip("gensim", reason="needs the extra 'embed'")

ENTRIES = {
    "the": (1.0, 0.0, 0.0),
    "cat": (0.0, 1.0, 0.0),
    "Paris": (0.0, 0.0, 1.0),
    "New_York": (3.0, 0.5, -2.0),
    "San_Francisco": (2.0, 2.0, 2.0),
    "well": (-1.0, 0.0, 0.0),
    "known": (0.0, -1.0, 0.0),
    "email": (5.0, 0.0, 0.0),
    "####": (0.0, 7.0, 0.0),
    "don't": (0.25, 0.0, 0.0),
    "USA": (0.0, 0.0, 9.0),
}


@pytest.fixture(scope="module")
def keyed():
    from gensim.models import KeyedVectors

    made = KeyedVectors(3)
    made.add_vectors(list(ENTRIES), np.array(list(ENTRIES.values()), np.float32))
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory, keyed):
    """The same vectors in every format."""
    folder = tmp_path_factory.mktemp("vectors")
    keyed.save_word2vec_format(str(folder / "a.bin"), binary=True)
    keyed.save_word2vec_format(str(folder / "a.txt"), binary=False)
    keyed.save(str(folder / "a.kv"))
    text = (folder / "a.txt").read_text("utf-8")
    (folder / "glove.txt").write_text(text.partition("\n")[2], "utf-8")
    for name in ("a.bin", "a.txt"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    return folder


@pytest.mark.parametrize(
    ("word", "entries", "way"),
    [
        ("cat", ["cat"], "exact"),
        ("Cat", ["cat"], "variants"),
        ("CAT", ["cat"], "variants"),
        ("paris", ["Paris"], "variants"),
        ("usa", ["USA"], "variants"),
        ("don’t", ["don't"], "variants"),
        ("1984", ["####"], "variants"),
        ("New_York", ["New_York"], "exact"),
        ("new_york", ["New_York"], "variants"),
        ("New-York", ["New_York"], "joined"),
        ("e-mail", ["email"], "joined"),
        ("well-known", ["well", "known"], "split"),
        ("well-bred", ["well"], "split"),
        ("Paris's", ["Paris"], "split"),
        ("xyzzy", [], "unknown"),
        ("7", [], "unknown"),
    ],
)
def test_how_single_words_are_found(word, entries, way):
    found, coverage = Lookup({entry: i for i, entry in enumerate(ENTRIES)}).words(word)
    assert found == entries
    assert coverage == Coverage(tokens=1, **{way: 1})


def test_unknown_words_are_joined_to_the_next():
    lookup = Lookup({entry: i for i, entry in enumerate(ENTRIES)})
    assert lookup.words("the San Francisco cat") == (
        ["the", "San_Francisco", "cat"], Coverage(tokens=4, exact=2, joined=2)
    )  # fmt: skip
    assert lookup.words("SAN FRANCISCO") == (["San_Francisco"], Coverage(tokens=2, joined=2))
    assert lookup.words("San Jose") == ([], Coverage(tokens=2, unknown=2))
    assert lookup.words("San") == ([], Coverage(tokens=1, unknown=1))


@given(st.lists(st.sampled_from([*ENTRIES, "San", "Francisco", "new-york", "xyzzy", "CAT", "well-known", "?"])))
def test_every_word_is_counted_once(words):
    lookup = Lookup({entry: i for i, entry in enumerate(ENTRIES)})
    text = " ".join(words)
    found, coverage = lookup.words(text)
    ways = coverage.to_dict()
    assert ways.pop("tokens") == sum(ways.values()) == len(words_and_compounds(text))
    assert set(found) <= set(ENTRIES)
    assert lookup.words(text) == (found, coverage)  # also from what it remembers
    assert (coverage + coverage).tokens == 2 * coverage.tokens


def test_a_stream_of_new_words_is_not_remembered_forever(monkeypatch):
    monkeypatch.setattr(word_lookup, "_REMEMBERED", 10)
    lookup = Lookup({"cat": 0})
    for i in range(100):
        assert lookup.words(f"Cat xyzzy{i}") == (["cat"], Coverage(tokens=2, variants=1, unknown=1))
        assert len(lookup._known) <= 10


def test_words_of_scripts_and_compounds():
    assert words_and_compounds("L’été, vingt-et-un; हिन्दी!") == ["L’été", "vingt-et-un", "हिन्दी"]
    assert words_and_compounds("- ' _x") == ["_x"]
    assert Coverage().unknown_share == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.bin", "binary"),
        ("a.txt", "text"),
        ("a.kv", "gensim"),
        ("glove.txt", "glove"),
        ("a.bin.gz", "binary"),
        ("a.txt.gz", "text"),
    ],
)
def test_formats(files, keyed, name, kind):
    assert format_of(files / name) == kind
    embedder = get_embedder(f"word2vec:{files / name}")
    assert embedder.fitted
    assert not embedder.learns
    assert embedder.dim == 3
    assert embedder.n_parameters == 33
    assert embedder.nbytes == (files / name).stat().st_size
    text = "The cat in New York, Paris; well-known San Francisco"
    words = ["the", "cat", "New_York", "Paris", "well", "known", "San_Francisco"]
    np.testing.assert_allclose(
        embedder.encode([text, "cat"]), [np.mean([ENTRIES[w] for w in words], 0), (0, 1, 0)], rtol=1e-6
    )
    assert embedder.coverage_ == Coverage(tokens=10, exact=3, variants=1, joined=4, split=1, unknown=1)
    assert embedder.tokens(text) == words
    np.testing.assert_array_equal(embedder.encode_tokens(text), np.array([ENTRIES[w] for w in words], np.float32))
    limited = get_embedder(f"word2vec:{files / name},limit=2")
    assert len(limited.keyed) == 2
    assert limited.digest != embedder.digest
    assert get_embedder(embedder.name).digest == embedder.digest
    copied = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_array_equal(copied.encode([text]), embedder.encode([text]))


def test_copies_share_the_vectors(files, keyed):
    for embedder in (WordVectors(files / "a.bin"), WordVectors(keyed)):
        embedder.encode(["cat"])
        assert copy.deepcopy(embedder).keyed is embedder.keyed


def test_vectors_in_memory(keyed):
    embedder = WordVectors(keyed)
    assert embedder.encode(["cat"]).tolist() == [[0, 1, 0]]
    assert embedder.nbytes == 4 * 33
    assert len(embedder.digest) == 64
    with pytest.raises(TypeError, match="source is 3"):
        WordVectors(3)


def test_words_without_a_vector(keyed):
    embedder = WordVectors(keyed)
    with pytest.warns(UnknownWordsWarning, match=r"no vector for 67% of the words \(2 of 3\)"):
        embedder.encode(["cat xyzzy plugh"])
    embedder.encode(["cat xyzzy"])  # half is no more than half
    with pytest.raises(EmptyTextError, match=r"texts\[1\] has no word that has a vector: .*empty=zero"):
        embedder.encode(["the cat", "?!"])
    with pytest.raises(EmptyTextError, match="no word that has a vector"):
        embedder.tokens("xyzzy")
    zero = WordVectors(keyed, empty="zero")
    assert not zero.encode(["cat", "?!"])[1].any()
    assert zero.digest != embedder.digest
    with pytest.raises(EmptyTextError):
        embedder.encode(["cat", ""])


def test_many_texts_are_summed_in_parts(keyed):
    texts = [" ".join(np.random.default_rng(i).choice(["the", "cat", "Paris"], 1 + i % 5)) for i in range(9000)]
    expected = [np.mean([ENTRIES[word] for word in text.split()], axis=0) for text in texts]
    np.testing.assert_allclose(WordVectors(keyed).encode(texts), expected, atol=1e-6)


def test_entries_of_glove_with_spaces(tmp_path):
    (tmp_path / "glove.txt").write_text("cat 1 2 3\n. . . 4 5 6\nat name@domain.com 7 8 9\ncat 0 0 0\n", "utf-8")
    keyed = read_vectors(tmp_path / "glove.txt")
    assert keyed.index_to_key == ["cat", ". . .", "at name@domain.com"]
    assert keyed.vectors.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def _row(word, dim, separator=" "):
    return separator.join([word, *(f"{i / 8 - 1:.3f}" for i in range(dim))])


@pytest.mark.parametrize(
    ("content", "words", "dim"),
    [
        ("\n".join(["2 3", _row("New York", 3), _row("cat", 3)]), ["New York", "cat"], 3),
        ("\n".join(["2 1", "cat 0.5", "dog 1"]), ["cat", "dog"], 1),
        ("\n".join(["2 3", _row("cat", 3, "\t"), _row("dog", 3, "\t")]), ["cat", "dog"], 3),
        ("\n".join([_row("cat", 3, "\t"), _row("dog", 3, "\t")]) + "\n", ["cat", "dog"], 3),
        ("\n".join([_row(". .", 3), _row("12", 3), _row("a\u00a0b", 3)]) + "\n", [". .", "12", "a\u00a0b"], 3),
        ("2 3 \r\n" + _row("cat", 3) + " \r\n\r\n" + _row("dog", 3) + "\r\n", ["cat", "dog"], 3),
    ],
)
def test_texts_of_vectors(tmp_path, content, words, dim):
    (tmp_path / "vectors.txt").write_bytes(content.encode())
    keyed = read_vectors(tmp_path / "vectors.txt")
    assert keyed.index_to_key == words
    expected = np.arange(dim) / 8 - 1 if dim > 1 else [[0.5], [1.0]]
    np.testing.assert_allclose(keyed.vectors, np.broadcast_to(expected, (len(words), dim)), atol=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 3, 25, 300])
def test_binary_files_of_any_dimension_are_known(tmp_path, dim):
    from gensim.models import KeyedVectors

    rng = np.random.default_rng(dim)
    made = KeyedVectors(dim)
    made.add_vectors(["cat", "na\u00efve", "New_York"] + [f"word{i}" for i in range(50)], rng.normal(size=(53, dim)))
    made.save_word2vec_format(str(tmp_path / "a"), binary=True)
    assert format_of(tmp_path / "a") == "binary"
    read = read_vectors(tmp_path / "a")
    assert read.index_to_key == made.index_to_key
    np.testing.assert_allclose(read.vectors, made.vectors, rtol=1e-6)


def test_texts_are_never_read_as_binary(tmp_path):
    def read(content, name="a.txt"):
        (tmp_path / name).write_bytes(content)
        return read_vectors(tmp_path / name)

    rows = "\n".join(_row(word, 299) for word in ("cat", "dog", "cow"))
    with pytest.raises(ValueError, match="line 2 has 299 numbers behind its word, not 300 as the header says"):
        read(f"3 300\n{rows}\n".encode())
    with pytest.raises(ValueError, match="it has 2 words, where its header says 3"):
        read(b"3 2\ncat 1 2\ndog 3 4\n")
    prose = "It was a dark and stormy night; the rain fell in torrents.\n" * 40
    for text in (prose, prose.replace("a", "\u00e4"), prose.replace(" ", " \u041c\u043e\u0441\u043a\u0432\u0430 ")):
        with pytest.raises(ValueError, match="no file of word vectors"):
            read(b"12 15\n" + text.encode())
    with pytest.raises(ValueError, match="no file of word vectors"):
        read(b"12 15\n" + prose.replace("a", "\u00e4").encode("latin-1"))
    damaged = bytearray(gzip.compress(rows.encode()))
    damaged[20:40] = b"\xff" * 20
    with pytest.raises(ValueError, match="no file of word vectors"):
        read(bytes(damaged), "a.txt.gz")


def test_files_that_are_none(tmp_path, files):
    def written(name, content):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    good = (files / "a.txt").read_bytes()
    wrong = [
        (tmp_path / "missing.bin", FileNotFoundError, "does not exist"),
        (tmp_path, IsADirectoryError, "a folder"),
        (written("empty", b""), ValueError, "no file of word vectors"),
        (written("prose.txt", b"It was a dark and stormy night.\nThe end.\n"), ValueError, "no file of word vectors"),
        (written("noise.bin", bytes(range(256)) * 9), ValueError, "no file of word vectors"),
        (written("zero.txt", b"0 3\n"), ValueError, "no file of word vectors"),
        (written("not.gz", b"no archive"), ValueError, "no file of word vectors"),
        (written("other.kv", pickle.dumps({"a": 1})), ValueError, "no model can be read"),
        (written("short.txt", good[: len(good) // 2]), ValueError, "no model can be read"),
        (written("short.bin", (files / "a.bin").read_bytes()[:-8]), ValueError, "no model can be read"),
        (written("ragged.txt", b"2 3\na 1 2 3\nb 1 2\n"), ValueError, "no model can be read"),
        (written("ragged_glove.txt", b"a 1 2 3\nb 1 2\n"), ValueError, "no model can be read"),
        (written("nan.txt", b"2 3\na 1 2 3\nb 1 nan 3\n"), ValueError, "vector of 'b' .* not finite"),
        (written("fasttext.bin", struct.pack("<ii", 793712314, 12) + b"\0" * 40), ValueError, "no model can be read"),
    ]
    for path, kind, message in wrong:
        with pytest.raises(kind, match=message):
            WordVectors(path).encode(["cat"])


def test_parameters_that_do_not_go_together(files):
    with pytest.raises(TypeError, match="dim is of word2vec that learns"):
        get_embedder(f"word2vec:{files / 'a.bin'},dim=3")
    with pytest.raises(TypeError, match="limit is 3"):
        get_embedder("word2vec:limit=3")
    with pytest.raises(ValueError, match="limit is 0"):
        get_embedder(f"word2vec:{files / 'a.bin'},limit=0")
    with pytest.raises(ValueError, match="empty is 'drop'"):
        get_embedder("word2vec:empty=drop")
    with pytest.raises(ValueError, match="epochs is 0"):
        get_embedder("word2vec:epochs=0")


@pytest.fixture(scope="module")
def two_topics():
    """Texts whose words keep the company of their own topic."""
    topics = [["cat", "dog", "horse", "cow", "sheep", "goat"], ["bond", "stock", "fund", "bank", "share", "loan"]]
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(topics[i % 2], 12)).capitalize() for i in range(400)]


def test_learned_words_know_their_topic(two_topics):
    embedder = get_embedder("word2vec:dim=16,epochs=5")
    assert embedder.learns
    assert not embedder.fitted
    assert embedder.dim == 16
    assert embedder.nbytes is None
    assert embedder.n_parameters is None
    with pytest.raises(NotFittedError, match="call fit"):
        embedder.encode(["cat"])
    embedder.fit(two_topics)
    assert embedder.n_parameters == 12 * 16
    assert embedder.nbytes == 4 * 12 * 16 + len("catdoghorsecowsheepgoatbondstockfundbankshareloan")
    vectors = embedder.encode(["Cat COW", "goat", "loan bank"])
    cosines = vectors @ vectors.T / np.outer(*[np.linalg.norm(vectors, axis=1)] * 2)
    assert cosines[0, 1] > cosines[0, 2] + 0.2
    assert embedder.coverage_ == Coverage(tokens=5, exact=5)
    assert embedder.tokens("a Cat") == ["cat"]


def test_learning_again_gives_the_same(two_topics):
    first, again = (LearnedWords(dim=8, epochs=2).fit(two_topics) for _ in range(2))
    assert first.digest == again.digest
    other = LearnedWords(dim=8, epochs=2, random_state=1).fit(two_topics)
    assert other.digest != first.digest
    copied = pickle.loads(pickle.dumps(first))
    np.testing.assert_array_equal(copied.encode(two_topics), first.encode(two_topics))
    saved = get_embedder(first.name)
    assert saved.fit(two_topics).digest == first.digest


def test_long_texts_are_learned_whole():
    words = ["cat", "dog"] * 5000 + ["bond", "stock"] * 500
    whole = LearnedWords(dim=4, epochs=1).fit([" ".join(words)])
    assert (
        whole.digest == LearnedWords(dim=4, epochs=1).fit([" ".join(words[:10_000]), " ".join(words[10_000:])]).digest
    )


def test_nothing_to_learn():
    with pytest.raises(EmptyTextError, match="3 words, none of which occurs 2 times"):
        LearnedWords().fit(["one two", "three"])


def test_fasttext_gives_unknown_words_vectors(tmp_path, two_topics):
    from gensim.models import FastText
    from gensim.models.fasttext import save_facebook_model

    sentences = [text.lower().split() for text in two_topics]
    model = FastText(sentences, vector_size=8, bucket=500, min_n=4, max_n=5, epochs=2, workers=1, seed=1)
    save_facebook_model(model, str(tmp_path / "model.bin"))
    embedder = WordVectors(tmp_path / "model.bin")
    assert format_of(tmp_path / "model.bin") == "fasttext"
    np.testing.assert_allclose(embedder.encode(["horses"])[0], model.wv["horses"], rtol=1e-5)
    assert embedder.coverage_ == Coverage(tokens=1, subwords=1)
    assert embedder.n_parameters == 12 * 8 + 500 * 8
    embedder.encode(["cat HORSE horses a"])  # <a> is shorter than any n-gram
    assert embedder.coverage_ == Coverage(tokens=4, exact=1, variants=1, subwords=1, unknown=1)
    assert embedder.encode_tokens("horses cat").shape == (2, 8)
    with pytest.raises(ValueError, match="read whole"):
        WordVectors(tmp_path / "model.bin", limit=3)
    in_memory = WordVectors(model)
    np.testing.assert_allclose(in_memory.encode(["horses"]), embedder.encode(["horses"]), rtol=1e-5)
    assert len(read_vectors(tmp_path / "model.bin")) == 12
