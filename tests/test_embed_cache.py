"""Encodings on disk, and fewer dimensions."""

import pickle
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.exceptions import NotFittedError

from ncd.embed import (
    Cached,
    Embedder,
    EmbeddingTransformer,
    Reduced,
    Tfidf,
    WordVectors,
    cache as module,
    cache_folder,
    get_embedder,
    reduce,
)
from ncd.embed.base import digest_of, refuse_wordless
from ncd.exceptions import EmptyTextError, UnknownWordsWarning, WindowWarning


class Hashes(Embedder):
    """Vectors from the characters of a text; counts what it encodes, and can fail on a text."""

    def __init__(self, dim=3, fails_on=None):
        self._dim, self.seen, self.fails_on = dim, [], fails_on

    name = "hashes"

    @property
    def dim(self):
        return self._dim

    @property
    def digest(self):
        return digest_of("hashes", self._dim)

    def _encode(self, texts, progress):
        if self.fails_on in texts:
            raise KeyboardInterrupt
        self.seen += texts
        return [[sum(map(ord, text)) % (7 + i) for i in range(self._dim)] for text in texts]


TEXTS = [f"text number {i}" for i in range(20)]


def test_texts_are_encoded_once(tmp_path):
    inner = Hashes()
    cached = Cached(inner, tmp_path)
    expected = Hashes().encode(TEXTS)
    np.testing.assert_array_equal(cached.encode(TEXTS[:12]), expected[:12])
    assert (cached.hits_, cached.misses_) == (0, 12)
    again = cached.encode(TEXTS)
    np.testing.assert_array_equal(again, expected)
    assert again.dtype == np.float32
    assert (cached.hits_, cached.misses_) == (12, 8)
    assert inner.seen == TEXTS
    np.testing.assert_array_equal(Cached(Hashes(), tmp_path).encode(TEXTS[::-1]), expected[::-1])
    assert [file.name for file in tmp_path.iterdir()] == [cached.path.name]


@settings(max_examples=25)
@given(st.lists(st.lists(st.text(min_size=1, max_size=3, alphabet="ab\0ä"), min_size=1), max_size=6))
def test_any_texts_in_any_order(tmp_path_factory, collections):
    folder = tmp_path_factory.mktemp("cache")
    cached = Cached(Hashes(), folder)
    for texts in collections:
        np.testing.assert_array_equal(cached.encode(texts), Hashes().encode(texts))
    assert len(cached.embedder.seen) == len({text for texts in collections for text in texts})


def test_interrupted_encoding_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    with pytest.raises(KeyboardInterrupt):
        Cached(Hashes(fails_on=TEXTS[10]), tmp_path).encode(TEXTS)
    inner = Hashes()
    cached = Cached(inner, tmp_path)
    np.testing.assert_array_equal(cached.encode(TEXTS), Hashes().encode(TEXTS))
    assert cached.hits_ == 8
    assert inner.seen == TEXTS[8:]


def test_models_do_not_share_vectors(tmp_path):
    assert Cached(Hashes(3), tmp_path).encode(TEXTS).shape == (20, 3)
    assert Cached(Hashes(4), tmp_path).encode(TEXTS).shape == (20, 4)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_was_learned_is_part_of_the_key(tmp_path):
    cached = Cached(Tfidf(2), tmp_path)
    assert cached.learns
    assert not cached.fitted
    with pytest.raises(NotFittedError):
        cached.encode(["a cat"])
    first = cached.fit(["a cat", "a dog", "stocks"]).encode(["a cat"])
    assert cached.fitted
    assert (cached.dim, cached.name, cached.tokens("a cat")) == (2, "tfidf:2", ["a", "cat"])
    np.testing.assert_array_equal(first, cached.embedder.encode(["a cat"]))
    cached.fit(["cat fish", "dog fish", "a cat of stocks"])
    np.testing.assert_array_equal(cached.encode(["a cat"]), cached.embedder.encode(["a cat"]))
    assert cached.encode_tokens("a cat").shape == (2, 2)
    assert cached.n_parameters == cached.embedder.n_parameters
    assert cached.nbytes == cached.embedder.nbytes


WRITER = """
import sys
import numpy as np
from ncd.embed.base import Embedder
from ncd.embed.cache import Cached

class Sizes(Embedder):
    name, dim, digest = "sizes", 1, "5" * 64
    def _encode(self, texts, progress):
        return [[len(text)] for text in texts]

start, stop, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
texts = ["x" * i for i in range(start, stop)]
for i in range(0, len(texts), 5):
    assert Cached(Sizes(), folder).encode(texts[i:i + 5])[:, 0].tolist() == [len(text) for text in texts[i:i + 5]]
cached = Cached(Sizes(), folder)
cached.encode(texts)
assert cached.misses_ == 0
"""


def test_several_processes_write_into_one_folder(tmp_path, python):
    arguments = [("1", "60"), ("30", "90"), ("10", "50")]
    processes = [python(f"import sys; sys.argv[1:] = {[*pair, str(tmp_path)]}\n{WRITER}") for pair in arguments]
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0
    with closing(sqlite3.connect(next(tmp_path.iterdir()))) as table:
        assert table.execute("SELECT count(*) FROM vectors").fetchone() == (89,)


def test_damage_is_noticed(tmp_path):
    cached = Cached(Hashes(), tmp_path)
    cached.encode(TEXTS)
    with sqlite3.connect(cached.path) as table:
        table.execute("UPDATE vectors SET vector = x'00' WHERE text IN (SELECT text FROM vectors LIMIT 3)")
    table.close()
    np.testing.assert_array_equal(cached.encode(TEXTS), Hashes().encode(TEXTS))
    assert cached.misses_ == 3
    cached.path.write_bytes(b"no database " * 100)
    with pytest.raises(ValueError, match="damaged or no file of encodings"):
        cached.encode(TEXTS)
    assert cached.path.read_bytes() == b"no database " * 100


class Knows(Hashes):
    """One that knows texts with an a only, and says how many it was given."""

    def _encode(self, texts, progress):
        refuse_wordless([i for i, text in enumerate(texts) if "a" not in text], "no a", "add one")
        self.truncated_ = sum(len(text) > 4 for text in texts)
        return super()._encode(texts, progress)

    def _say(self, n):
        if self.truncated_:
            warnings.warn(f"{self.truncated_} of {n}", WindowWarning, stacklevel=2)


def test_errors_have_the_indices_of_the_users_texts(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    cached = Cached(Knows(), tmp_path)
    cached.encode(["a", "ba"])
    texts = ["a", "a", "ba", "ca", "da", "ea", "fa", "x", "ga", "x"]
    with pytest.raises(EmptyTextError, match=r"^texts\[7\] has no a \(2 such texts\): add one$"):
        cached.encode(texts)
    assert Cached(Knows(), tmp_path).encode(texts[:6]).shape == (6, 3)


def test_what_is_said_is_of_all_texts_and_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    cached = Cached(Knows(), tmp_path)
    texts = [f"a{10 ** (i % 5)}" for i in range(10)] + [f"a{i}" for i in range(20, 28)]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        cached.encode(texts)
        cached.encode(texts)
    assert [str(warning.message) for warning in seen] == ["2 of 13"]
    assert cached.truncated_ == 0  # of those that were not kept


def test_coverage_is_summed(tmp_path, monkeypatch):
    gensim = pytest.importorskip("gensim", reason="needs the extra 'embed'")
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    keyed = gensim.models.KeyedVectors(2)
    keyed.add_vectors(["cat", "dog"], np.eye(2, dtype=np.float32))
    texts = [f"cat dog xyzzy{i} plugh{i} {'foo' if i else 'cat'}" for i in range(8)]
    plain = WordVectors(keyed)
    with pytest.warns(UnknownWordsWarning) as direct:
        plain.encode(texts)
    cached = Cached(WordVectors(keyed), tmp_path)
    with pytest.warns(UnknownWordsWarning) as through:
        cached.encode(texts)
    assert cached.coverage_ == plain.coverage_ == cached.embedder.coverage_
    assert [str(warning.message) for warning in through] == [str(warning.message) for warning in direct]
    assert len(through) == 1
    cached.encode(texts)
    assert cached.coverage_.tokens == 0


def test_a_file_that_was_written_again_has_other_encodings(tmp_path):
    pytest.importorskip("gensim", reason="needs the extra 'embed'")
    file = tmp_path / "words.txt"
    file.write_text("2 2\ncat 1 2\ndog 3 4\n", "utf-8")
    before = WordVectors(file)
    assert Cached(before, tmp_path / "cache").encode(["cat"]).tolist() == [[1, 2]]
    file.write_text("2 2\ncat 5 6\ndog 7 8.\n", "utf-8")
    assert Cached(before, tmp_path / "cache").encode(["dog"]).tolist() == [[3, 4]]
    after = Cached(WordVectors(file), tmp_path / "cache")
    assert after.encode(["cat", "dog"]).tolist() == [[5, 6], [7, 8]]
    assert after.digest != before.digest


def test_objects_with_a_digest_can_be_kept(tmp_path):
    class Plain:
        name, digest, dim, n_parameters, nbytes = "plain", "7" * 64, 2, 10, 40

        def __init__(self):
            self.seen = []

        def encode(self, texts):
            self.seen += texts
            return np.ones((len(texts), 2))

    plain = Plain()
    cached = Cached(plain, tmp_path)
    assert cached.encode(["a", "b"]).shape == Cached(plain, tmp_path).encode(["b", "a"]).shape == (2, 2)
    assert plain.seen == ["a", "b"]
    assert (cached.dim, cached.n_parameters, cached.nbytes, cached.digest) == (2, 10, 40, "7" * 64)


def test_wrong_arguments(tmp_path):
    class Plain:
        def encode(self, texts):
            return np.ones((len(texts), 2))

    with pytest.raises(TypeError, match="has no digest"):
        Cached(Plain(), tmp_path)
    with pytest.raises(TypeError, match="has no digest"):
        Cached(Reduced(Plain(), 1, "random"), tmp_path)
    with pytest.raises(TypeError, match="embedder is 3"):
        Cached(3, tmp_path)
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(NotADirectoryError, match="which is a file"):
        Cached(Hashes(), tmp_path / "file")


def test_default_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NCD_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    cached = Cached(Hashes())
    cached.encode(["a"])
    assert cached.path.parent == tmp_path / "mine"
    monkeypatch.delenv("NCD_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ncd"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("~/.cache/ncd").expanduser()
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == Path("~/Library/Caches/ncd").expanduser()
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "ncd"


VECTORS = np.random.default_rng(0).normal(size=(40, 6)) @ np.diag([5, 3, 1, 1, 0.5, 0.1]) + 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_components", [1, 3, 6])
def test_principal_components(n_components, dtype):
    vectors = VECTORS.astype(dtype)
    made = reduce(vectors, n_components)
    centred = VECTORS - VECTORS.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    expected = u[:, :n_components] * s[:n_components]
    assert made.dtype == dtype
    np.testing.assert_allclose(abs(made), abs(expected), atol=1e-4)
    np.testing.assert_allclose(made @ made.T, expected @ expected.T, atol=1e-3)


def test_random_projection_keeps_squared_distances_in_the_mean():
    vectors = VECTORS[:2]
    true = ((vectors[0] - vectors[1]) ** 2).sum()
    found = []
    for seed in range(400):
        low = reduce(vectors, 4, method="random", random_state=seed)
        found.append(((low[0] - low[1]) ** 2).sum())
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - true) < 4 * error
    assert abs(np.std(found) - true * np.sqrt(2 / 4)) < 0.2 * true  # chi-squared of 4 degrees
    np.testing.assert_array_equal(reduce(VECTORS, 9, method="random"), reduce(VECTORS, 9, method="random"))


@pytest.mark.parametrize(
    ("vectors", "n", "options", "kind", "message"),
    [
        (VECTORS, 7, {}, ValueError, "n_components is 7: 40 vectors of dimension 6 have 6"),
        (VECTORS[:3], 4, {}, ValueError, "3 vectors of dimension 6 have 3"),
        (VECTORS, 0, {}, ValueError, "n_components is 0"),
        (VECTORS, 2.5, {}, TypeError, "n_components is 2.5"),
        (VECTORS, 2, {"method": "umap"}, ValueError, "method is 'umap': choose from pca, random"),
        (VECTORS[0], 2, {}, ValueError, r"shape \(6,\)"),
        (VECTORS[:0], 2, {}, ValueError, r"shape \(0, 6\)"),
        ([[1.0, 2.0], [np.nan, 1.0]], 1, {}, ValueError, r"vectors\[1\] is not finite"),
        (VECTORS, 2, {"random_state": -1}, ValueError, "random_state is -1"),
    ],
)
def test_wrong_reductions(vectors, n, options, kind, message):
    with pytest.raises(kind, match=message):
        reduce(vectors, n, **options)


@pytest.mark.parametrize("method", ["pca", "random"])
def test_reduced_embedders(method):
    inner = Hashes(6)
    made = Reduced(inner, 2, method)
    assert made.dim == 2
    assert made.name == f"hashes {method} 2"
    assert made.learns == (method == "pca")
    assert made.fitted == (method == "random")
    if method == "pca":
        with pytest.raises(NotFittedError, match="call fit"):
            made.encode(TEXTS)
    made.fit(iter(TEXTS))
    vectors = made.encode(TEXTS)
    np.testing.assert_allclose(vectors, reduce(inner.encode(TEXTS), 2, method=method), atol=1e-4)
    np.testing.assert_allclose(made.encode(TEXTS[3:4]), vectors[3:4], atol=1e-5)
    assert made.digest == Reduced(Hashes(6), 2, method).fit(TEXTS).digest
    other = Reduced(Hashes(6), 3, method).fit(TEXTS)
    assert made.digest != other.digest
    assert pickle.loads(pickle.dumps(made)).digest == made.digest


def test_an_embedder_that_was_given_is_never_trained():
    texts, others = ["the cat sat", "a dog sat", "stocks fell"], ["gold rose", "gold fell", "a fund rose"]
    inner = Tfidf(3).fit(texts)
    digest = inner.digest
    made = Reduced(inner, 2).fit(others)
    assert inner.digest == made.embedder.digest == digest
    new = Tfidf(3)
    made = Reduced(new, 2).fit(texts)
    assert not new.fitted
    first = made.digest
    assert made.fit(others).digest != first
    assert made.fit(texts).digest == first
    assert made.digest == Reduced(Tfidf(3), 2).fit(texts).digest


def test_axes_follow_the_last_fit():
    made = Reduced(Tfidf(10), 2, "random").fit(["a cat", "a dog"])
    assert made.encode(["cat"]).shape == (1, 2)
    texts = ["a cat", "a dog", "a fish", "the stocks", "the bonds"]
    np.testing.assert_array_equal(
        made.fit(texts).encode(texts), Reduced(Tfidf(10), 2, "random").fit(texts).encode(texts)
    )


def test_texts_are_encoded_once_to_learn_from_them():
    inner = Hashes(6)
    made = Reduced(inner, 2)
    vectors = made.fit_encode(TEXTS)
    assert inner.seen == TEXTS or made.embedder.seen == TEXTS
    np.testing.assert_allclose(vectors, Reduced(Hashes(6), 2).fit(TEXTS).encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(Reduced(Hashes(6), 2, "random").fit_encode(TEXTS), reduce(
        Hashes(6).encode(TEXTS), 2, method="random"), rtol=1e-4, atol=1e-4)  # fmt: skip
    np.testing.assert_array_equal(Tfidf(2).fit_encode(TEXTS), Tfidf(2).fit(TEXTS).encode(TEXTS))
    inner = Hashes(6)
    step = EmbeddingTransformer(Reduced(inner, 2))
    np.testing.assert_allclose(step.fit_transform(TEXTS), vectors, atol=1e-5)
    assert len(step.embedder_.embedder.seen) == len(TEXTS)
    np.testing.assert_allclose(step.transform(TEXTS), vectors, atol=1e-5)
    assert not EmbeddingTransformer(Reduced(inner, 2)).embedder.fitted


@pytest.mark.parametrize(
    "name", ["tfidf:4 pca 2", "tfidf:4,analyzer=chars random 3,random_state=5", "tfidf:9 pca 3 pca 2"]
)
def test_names_of_reductions_are_specifications(name):
    made = get_embedder(name)
    assert made.name == name
    texts = ["the cat sat", "a dog sat", "stocks fell", "stocks rose", "a cat fell"]
    assert made.fit(texts).digest == get_embedder(made.name).fit(texts).digest
    assert made.dim == int(name.partition(",random")[0][-1])


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vectors_without_variance(n, dtype):
    assert not reduce(np.ones((n, 3), dtype), min(n, 2)).any()


def test_reduction_of_what_learns(tmp_path):
    texts = ["the cat sat", "a dog sat", "stocks fell", "stocks rose", "a cat fell"]
    made = Reduced(Tfidf(4), 2).fit(texts)
    assert made.encode(texts).shape == (5, 2)
    assert made.encode_tokens("a cat").shape == (2, 2)
    assert made.tokens("a cat") == ["a", "cat"]
    assert made.n_parameters == made.embedder.n_parameters + 2 * 4 + 4
    assert made.nbytes == made.embedder.nbytes + 4 * (2 * 4 + 4)
    assert Reduced(Tfidf(4), 2).nbytes is None
    cached = Cached(made, tmp_path)
    np.testing.assert_allclose(cached.encode(texts), made.encode(texts))


def test_names_are_embedders_too(tmp_path):
    assert Reduced("tfidf:4", 2).fit_encode(["a cat sat", "a dog ran", "no bird"] * 3).shape == (9, 2)
    with pytest.raises(ValueError, match="did you mean 'tfidf'"):
        Cached("tfid", tmp_path)
