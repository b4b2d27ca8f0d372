"""TF-IDF and SVD against dense linear algebra on a table of counts."""

import pickle
from collections import Counter

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from ncd.embed import Tfidf
from ncd.embed.tfidf import words_of
from ncd.exceptions import EmptyTextError

TEXTS = [
    "The cat sat on the mat, and the dog sat on the log.",
    "A dog and a cat: a quarrel!",
    "Stocks fell today; bonds rose.",
    "Bonds and stocks rose, gold fell.",
    "The the the mat.",
    "gold, GOLD, and a dog",
]


def _weights(texts, fitted_on):
    """TF-IDF by its formula, as a dense matrix over the sorted words of the texts that it is fitted on."""
    vocabulary = sorted({word for text in fitted_on for word in words_of(text)})
    n_with = np.array([sum(word in words_of(text) for text in fitted_on) for word in vocabulary])
    rows = []
    for text in texts:
        counts = Counter(words_of(text))
        tf = np.array([1 + np.log(counts[word]) if counts[word] else 0.0 for word in vocabulary])
        row = tf * (1 + np.log((1 + len(fitted_on)) / (1 + n_with)))
        rows.append(row / (np.linalg.norm(row) or 1))
    return np.array(rows)


@pytest.mark.parametrize("dim", [1, 2, 3, 6])
def test_projection_on_the_singular_vectors(dim):
    weights = _weights(TEXTS, TEXTS)
    new = ["a dog sat", "bonds fell", "gold on the mat"]
    axes = np.linalg.svd(weights, full_matrices=False)[2][:dim]
    expected = _weights(new, TEXTS) @ axes.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    vectors = Tfidf(dim).fit(TEXTS).encode(new)
    assert vectors.shape == (3, dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-5)  # signs of axes are free


def test_dimension_falls_to_the_rank():
    embedder = Tfidf(100)
    assert embedder.dim == 100
    assert embedder.fit(TEXTS).dim == len(TEXTS)
    assert embedder.fit(["a b c d"]).dim == 1
    assert embedder.encode(["a", "x"]).tolist() == [[1.0], [0.0]]
    assert embedder.fit(["a", "a a", "a"]).dim == 1
    np.testing.assert_allclose(embedder.encode(["a a"]), [[1.0]])


def test_dimension_falls_to_the_numerical_rank():
    embedder = Tfidf(100).fit(["abc def"] * 5)
    assert embedder.dim == 1
    np.testing.assert_allclose(embedder.encode(["abc", "def abc"]), [[1], [1]] * embedder.encode(["abc"])[0], rtol=1e-5)
    assert Tfidf(100).fit([*TEXTS, *TEXTS]).dim == len(TEXTS)


def test_characters_know_parts_of_words():
    embedder = Tfidf(4, analyzer="chars").fit(TEXTS)
    vectors = embedder.encode(["dogs", "dog", "stock"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_texts_of_unknown_words():
    assert not Tfidf(3).fit(TEXTS).encode(["xyzzy"]).any()
    with pytest.raises(EmptyTextError, match=r"texts\[1\] has no known term \(2 such texts\)"):
        Tfidf(3, empty="error").fit(TEXTS).encode(["dog", "xyzzy", "?!"])
    with pytest.raises(EmptyTextError, match="not a single word in 2"):
        Tfidf(3).fit(["?!", "..."])
    with pytest.raises(EmptyTextError, match="no known term"):
        Tfidf(3).fit(TEXTS).tokens("xyzzy")


def test_before_fit():
    embedder = Tfidf(3)
    assert embedder.learns
    assert not embedder.fitted
    assert embedder.n_parameters is None
    assert embedder.nbytes is None
    for call in (lambda: embedder.encode(["a"]), lambda: embedder.tokens("a"), lambda: embedder.digest):
        with pytest.raises(NotFittedError, match="call fit"):
            call()


def test_tokens_have_vectors():
    embedder = Tfidf(3).fit(TEXTS)
    assert embedder.tokens("The xyzzy DOG") == ["the", "dog"]
    vectors = embedder.encode_tokens("The xyzzy DOG")
    assert vectors.shape == (2, 3)
    np.testing.assert_allclose(vectors[1] / np.linalg.norm(vectors[1]), embedder.encode(["dog"])[0], atol=1e-5)


def test_same_texts_same_model():
    first, again = Tfidf(3).fit(TEXTS), Tfidf(3).fit(TEXTS)
    assert first.digest == again.digest
    assert np.array_equal(first.encode(TEXTS), again.encode(TEXTS))
    assert first.digest != Tfidf(3).fit(TEXTS[:-1]).digest
    assert first.digest != Tfidf(2).fit(TEXTS).digest
    copied = pickle.loads(pickle.dumps(first))
    assert copied.digest == first.digest
    assert np.array_equal(copied.encode(TEXTS), first.encode(TEXTS))


def test_size():
    embedder = Tfidf(3).fit(TEXTS)
    n_words = len({word for text in TEXTS for word in words_of(text)})
    assert embedder.n_parameters == 4 * n_words
    assert embedder.nbytes > 4 * embedder.n_parameters


def test_words_keep_combining_marks():
    assert words_of("हिन्दी, NAÏVE") == ["हिन्दी", "naïve"]
