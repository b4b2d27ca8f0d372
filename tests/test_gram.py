"""The kernel cost against its formula, in loops."""

import numpy as np
import pytest

import ncd
from ncd.changepoint import SegmentCost, split_units
from ncd.changepoint.gram import KernelCost, gram_of, rank_transform
from ncd.data import load_udhr

RNG = np.random.default_rng(0)


def lines(n):
    return split_units("".join(f"line {i}\n" for i in range(n)), "lines")


def naive_cost(k, s, e):
    return sum(k[i, i] for i in range(s, e)) - sum(k[i, j] for i in range(s, e) for j in range(s, e)) / (e - s)


def naive_rank(m, size):
    n, reach = len(m), size // 2
    result = np.zeros(m.shape)
    for i in range(n):
        for j in range(m.shape[1]):
            near = [
                m[a, b]
                for a in range(max(0, i - reach), min(n, i + reach + 1))
                for b in range(max(0, j - reach), min(m.shape[1], j + reach + 1))
                if (a, b) != (i, j)
            ]
            result[i, j] = sum(x < m[i, j] for x in near) / len(near) if near else 0
    return result


@pytest.mark.parametrize("kernel", ["cosine", "rbf", "linear"])
def test_costs_follow_the_formula(kernel):
    vectors = RNG.normal(size=(14, 3))
    k = gram_of(vectors, kernel)
    cost = KernelCost.of_embeddings(vectors, kernel).fit(lines(14))
    assert isinstance(cost, SegmentCost)
    pairs = [(s, e) for s in range(14) for e in range(s + 1, 15)]
    expected = [naive_cost(k, s, e) for s, e in pairs]
    starts, ends = np.array(pairs).T
    assert cost.evaluate(starts, ends) == pytest.approx(expected, abs=1e-9)
    for s in range(14):
        assert cost.growing(s, 14) == pytest.approx([naive_cost(k, s, e) for e in range(s + 1, 15)], abs=1e-9)
    gains = [naive_cost(k, 2, 11) - naive_cost(k, 2, t) - naive_cost(k, t, 11) for t in range(3, 11)]
    assert cost.gains(2, 11) == pytest.approx(gains, abs=1e-9)


def test_linear_kernel_is_the_squared_distance_from_the_mean():
    vectors = RNG.normal(size=(9, 4))
    cost = KernelCost.of_embeddings(vectors, "linear").fit(lines(9))
    inside = vectors[2:7]
    assert cost.growing(2, 7)[-1] == pytest.approx(((inside - inside.mean(0)) ** 2).sum())


def test_kernels():
    vectors = RNG.normal(size=(7, 2))
    distances = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    h = np.median(distances[np.triu_indices(7, 1)])
    assert gram_of(vectors, "rbf") == pytest.approx(np.exp(-(distances**2) / (2 * h * h)))
    assert gram_of(vectors, "rbf", bandwidth=2) == pytest.approx(np.exp(-(distances**2) / 8))
    assert gram_of([[1, 1], [1, 1]], "rbf").tolist() == [[1, 1], [1, 1]]
    assert gram_of([[0, 0], [3, 4]]).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("size", [3, 5, 11])
def test_ranks(size):
    for shape in ((1, 1), (2, 2), (9, 9), (4, 13)):
        matrix = RNG.integers(0, 6, size=shape).astype(float)
        assert rank_transform(matrix, size) == pytest.approx(naive_rank(matrix, size))


def test_ncd_of_the_units():
    udhr = load_udhr()
    english, finnish = (udhr.texts[udhr.labels.index(name)].splitlines()[2:10] for name in ("English", "Finnish"))
    units = split_units("\n".join([*english, *finnish]), "lines")
    cost = KernelCost(compressor="ppm:3").fit(units)
    distances = ncd.pairwise(units[:], compressor="ppm:3")
    assert cost.matrix == pytest.approx(1 - (distances + distances.T) / 2)
    assert KernelCost.of_distances(distances).fit(units).growing(0, 16) == pytest.approx(cost.growing(0, 16))
    assert int(cost.gains(0, 16).argmax()) + 1 == 8
    ranked = KernelCost(compressor="ppm:3", rank=11).fit(units)
    assert ranked.matrix == pytest.approx(rank_transform(cost.matrix, 11))
    assert int(ranked.gains(0, 16).argmax()) + 1 == 8


def test_segmenter_takes_it_as_a_cost():
    from ncd.changepoint.segment import TextSegmenter

    rng = np.random.default_rng(5)
    vectors = np.repeat(rng.normal(size=(3, 8)), 30, axis=0) * 3 + rng.normal(size=(90, 8))
    cost = KernelCost.of_embeddings(vectors, "rbf")
    found = TextSegmenter(cost, n_segments=3, unit="lines").fit_predict(lines(90).text)
    assert [segment.stop for segment in found.segments] == [30, 60, 90]


def test_too_many_units_are_refused_before_they_are_computed():
    units = split_units(bytes(3_000_000), "bytes")
    with pytest.raises(MemoryError, match="larger or fewer units"):
        KernelCost().fit(units)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: KernelCost([[1, 2], [3, 4]]), ValueError, "not symmetric"),
        (lambda: KernelCost([[1, 2, 3]]), ValueError, "give a square one"),
        (lambda: KernelCost([[np.nan]]), ValueError, "NaN"),
        (lambda: KernelCost([]), ValueError, "give a matrix"),
        (lambda: KernelCost(rank=4), ValueError, "odd number"),
        (lambda: KernelCost(compressor="gzp"), ValueError, "gzip"),
        (lambda: KernelCost.of_distances([[1, 2, 3]]), ValueError, "square"),
        (lambda: KernelCost.of_embeddings([[1.0], [np.inf]]), ValueError, "infinite"),
        (lambda: gram_of([[1.0]], "poly"), ValueError, "choose from 'cosine', 'rbf', 'linear'"),
        (lambda: gram_of([[1.0]], "rbf", bandwidth=0), ValueError, "bandwidth is 0"),
        (lambda: gram_of([[1.0]], "rbf", bandwidth="a"), TypeError, "bandwidth is 'a'"),
        (lambda: gram_of([[1.0]], "cosine", bandwidth=np.nan), ValueError, "bandwidth is nan"),
        (lambda: gram_of([["a"]]), TypeError, "give a matrix of numbers"),
        (lambda: gram_of([[1e200], [1e200]], "linear"), ValueError, "no finite numbers: divide"),
        (lambda: gram_of([[1e200], [-1e200]], "rbf"), ValueError, "no finite numbers: divide"),
        (lambda: gram_of([[1e308]] * 9, "rbf"), ValueError, "no finite numbers: divide"),
        (lambda: KernelCost(np.full((4, 4), 1e308)).fit(lines(4)), ValueError, "divide it by that"),
        (lambda: KernelCost([[0, 1e308], [-1e308, 0]]), ValueError, "not symmetric"),
        (lambda: KernelCost(rank="a"), TypeError, "size is 'a'"),
        (lambda: KernelCost(np.eye(3)).fit(lines(4)), ValueError, "matrix is of 3 units and the text has 4"),
        (lambda: KernelCost().fit(split_units("")), ValueError, "nothing to cut"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_gram_of_any_scale_and_place():
    vectors = np.random.default_rng(0).normal(size=(6, 3))
    for scale in (1e-300, 1e200, 1e307):
        assert gram_of(vectors * scale) == pytest.approx(gram_of(vectors))
    near = gram_of(np.array([[0.0], [1.0], [2.0]]) + 1e9, "rbf", bandwidth=1.0)
    assert near == pytest.approx(np.exp(-(np.subtract.outer(range(3), range(3)) ** 2) / 2))
    assert gram_of([[1.0], [2.0]], "rbf", bandwidth=1e-300).tolist() == np.eye(2).tolist()
    assert gram_of([[1.0], [2.0]], "rbf", bandwidth=1e300).tolist() == np.ones((2, 2)).tolist()
