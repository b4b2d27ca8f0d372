"""Clustering: against slow versions of the papers' algorithms, scipy and scikit-learn, and on known processes."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.spatial.distance import cdist

import ncd
from ncd.cluster import (
    OfflineClustering,
    OnlineClustering,
    clustering_error,
    gap_threshold,
    hdbscan_clusters,
    linkage_clusters,
    silhouette_number,
    threshold_clusters,
)
from ncd.data import load_udhr
from ncd.distances.samples import sample_distances

SEQUENCES = (0.3, 0.6, 0.9)


def points(seed, n=40, d=2):
    return np.random.default_rng(seed).normal(size=(n, d))


def bernoulli(seed, n, probabilities):
    rng = np.random.default_rng(seed)
    return [(rng.random(n) < p).astype(np.uint8) for p in probabilities]


def naive_offline(D, k):
    """The offline algorithm, a line of the paper a line."""
    centers = [0]
    while len(centers) < k:
        rest = [i for i in range(len(D)) if i not in centers]
        centers.append(max(rest, key=lambda i: (min(D[i][c] for c in centers), -i)))
    labels = [min(range(k), key=lambda j: (D[i][centers[j]], j)) for i in range(len(D))]
    for j, c in enumerate(centers):
        labels[c] = j
    return centers, labels


def naive_online(D, k):
    """The online algorithm, a line of the paper a line."""
    n = len(D)
    eta, parts = 0.0, []
    for j in range(k, n + 1):
        _, labels = naive_offline([row[:j] for row in D[:j]], k)
        c = sorted(min(i for i in range(j) if labels[i] == m) for m in range(k))
        gamma = min(D[c[a]][c[b]] for a in range(k) for b in range(k) if a != b)
        w = 1 / (j * (j + 1))
        eta += w * gamma
        parts.append((w, gamma, c))
    sums = [[sum(w * gamma * D[i][c[m]] for w, gamma, c in parts) / eta for m in range(k)] for i in range(n)]
    return [int(np.argmin(row)) for row in sums]


def naive_error(true, predicted):
    """All ways to name the clusters."""
    classes, clusters = sorted(set(true)), sorted(set(predicted))
    names = classes + [None] * len(clusters)
    best = max(
        sum(dict(zip(clusters, named, strict=False))[p] == t for t, p in zip(true, predicted, strict=True))
        for named in permutations(names, len(clusters))
    )
    return 1 - best / len(true)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_offline_is_the_papers(seed, k):
    D = cdist(points(seed), points(seed))
    model = OfflineClustering(k, metric="precomputed").fit(D)
    centers, labels = naive_offline(D.tolist(), k)
    assert model.centers_.tolist() == centers
    assert model.labels_.tolist() == labels
    assert model.n_clusters_ == k


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_online_is_the_papers(seed, k):
    D = cdist(points(seed, 25), points(seed, 25))
    model = OnlineClustering(k, metric="precomputed").fit(D)
    assert model.labels_.tolist() == naive_online(D.tolist(), k)
    assert model.weights_.sum() == pytest.approx(1)
    assert model.centers_.shape == (26 - k, k)
    assert (np.diff(model.centers_) > 0).all()


@pytest.mark.parametrize("model", [OfflineClustering, OnlineClustering])
def test_equal_samples(model):
    assert model(2, metric="precomputed").fit_predict(np.zeros((5, 5))).shape == (5,)
    D = np.ones((4, 4)) - np.eye(4)
    assert len(set(model(4, metric="precomputed").fit_predict(D).tolist())) == 4
    assert model(1, metric="precomputed").fit_predict([[0.0]]).tolist() == [0]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_vectors_and_a_function_and_the_matrix_agree(metric):
    X = points(4, 30, 5)
    D = cdist(X, X, metric)
    expected = OfflineClustering(4, metric="precomputed").fit(D)
    asked = []

    def distance(a, b):
        asked.append(1)
        return cdist(a[None], b[None], metric)[0, 0]

    for found in (OfflineClustering(4, metric=metric).fit(X), OfflineClustering(4, metric=distance).fit(list(X))):
        assert found.labels_.tolist() == expected.labels_.tolist()
        assert found.centers_.tolist() == expected.centers_.tolist()
    assert len(asked) == 4 * 30 - (4 + 6)  # each pair with a centre once
    online = OnlineClustering(4, metric="precomputed").fit_predict(D).tolist()
    assert OnlineClustering(4, metric=metric).fit_predict(X).tolist() == online


@pytest.mark.parametrize("metric", ["ncd", "cdm", "savings"])
def test_texts_are_compressed(metric):
    data = load_udhr()
    chosen = [i for i, name in enumerate(data.labels) if name in ("English", "French", "German", "Italian", "Spanish")]
    texts = [data.texts[i][:300] for i in chosen] + [data.texts[i][300:600] for i in chosen]
    D = ncd.pairwise(texts, order="sorted", metric=metric)
    model = OfflineClustering(5, metric=metric, compressor="gzip").fit(texts)
    assert model.labels_.tolist() == OfflineClustering(5, metric="precomputed").fit(D).labels_.tolist()
    unknown = OfflineClustering(metric=metric, rule="gap").fit(texts)
    assert unknown.threshold_ == pytest.approx(gap_threshold(D))
    if metric == "ncd":
        assert model.labels_.tolist() == OfflineClustering(5).fit_predict(texts).tolist()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=15), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_clusters_that_are_apart_are_found_in_any_order(truth, seed):
    noise = np.random.default_rng(seed).uniform(0, 1, (len(truth), len(truth)))
    D = noise + 2 * (np.array(truth)[:, None] != np.array(truth))
    kinds = len(set(truth))
    for model in (OfflineClustering, OnlineClustering):
        if model is OfflineClustering or sorted(set(truth[:kinds])) == sorted(set(truth)):
            assert clustering_error(truth, model(kinds, metric="precomputed").fit_predict(D)) == 0
    assert clustering_error(truth, OfflineClustering(metric="precomputed", rule=1.5).fit_predict(D)) == 0


def test_a_newcomer_that_is_short_misleads_the_offline_algorithm_only():
    X = [*bernoulli(0, 500, (0.3, 0.6, 0.3, 0.6, 0.6, 0.3)), np.ones(4, np.uint8)]
    truth = [0, 1, 0, 1, 1, 0]
    assert clustering_error(truth, OnlineClustering(2).fit_predict(X)[:6]) == 0
    assert clustering_error(truth, OfflineClustering(2).fit_predict(X)[:6]) > 0


@pytest.mark.parametrize("kinds", [2, 3])
@pytest.mark.parametrize("model", [OfflineClustering, OnlineClustering])
def test_processes_are_told_apart(kinds, model):
    X = bernoulli(kinds, 800, SEQUENCES[:kinds] * 5)
    assert clustering_error([*range(kinds)] * 5, model(kinds).fit_predict(X)) == 0


@pytest.mark.parametrize("metric", ["mmd", "energy", "kde_l1", "distributional"])
def test_samples_by_name(metric):
    rng = np.random.default_rng(2)
    X = [rng.normal(shift, 1, (40 + 5 * i, 1)) for i, shift in enumerate((0, 3, 0, 3, 0))]
    D = sample_distances(X, metric)
    found = OfflineClustering(2, metric=metric).fit_predict(X)
    assert found.tolist() == OfflineClustering(2, metric="precomputed").fit_predict(D).tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_unknown_number_of_processes(kinds):
    X = bernoulli(kinds, 1000, SEQUENCES[:kinds] * 6)
    truth = [*range(kinds)] * 6
    found = OfflineClustering(rule="halves").fit(X)
    halves = [half for x in X for half in (x[:500], x[500:])]
    D = sample_distances(halves, "distributional")
    assert found.threshold_ == max(D[2 * i, 2 * i + 1] for i in range(len(X)))
    assert clustering_error(truth, found.labels_) == 0
    if kinds > 1:
        assert clustering_error(truth, OfflineClustering().fit_predict(X)) == 0
        assert clustering_error(truth, OfflineClustering(rule="gap").fit_predict(X)) == 0
        assert clustering_error(truth, OfflineClustering(rule=0.15).fit_predict(X)) == 0


def test_threshold_is_single_linkage():
    D = cdist(points(5), points(5))
    for threshold in (0.0, 0.2, 0.5, 3.0):
        expected = linkage_clusters(D, threshold=threshold, method="single")
        assert threshold_clusters(D, threshold).tolist() == expected.tolist()


def test_gap_threshold():
    x = np.array([0.0, 1, 2.5, 20, 21, 40])
    D = abs(x[:, None] - x)
    assert gap_threshold(D) == (1.5 + 17.5) / 2
    assert threshold_clusters(D, gap_threshold(D)).tolist() == [0, 0, 0, 1, 1, 2]


def test_silhouette_number():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(10, 2)) + center for center in ((0, 0), (20, 0), (0, 20), (20, 20))])
    assert silhouette_number(cdist(X, X)) == 4
    assert OfflineClustering(metric="euclidean").fit(X).n_clusters_ == 4


@pytest.mark.parametrize("method", ["average", "complete", "single"])
def test_linkage_clusters(method):
    from sklearn.cluster import AgglomerativeClustering

    D = cdist(points(6), points(6))
    for k in (1, 2, 6, 40):
        expected = AgglomerativeClustering(k, metric="precomputed", linkage=method).fit_predict(D)
        found = linkage_clusters(D, k, method=method)
        assert clustering_error(expected, found) == 0
        assert np.unique(found, return_index=True)[1].tolist() == sorted(np.unique(found, return_index=True)[1])
    assert linkage_clusters([[0.0]], 1).tolist() == [0]


def test_hdbscan_clusters():
    from sklearn.cluster import HDBSCAN

    rng = np.random.default_rng(1)
    X = np.concatenate([rng.normal(size=(20, 2)), rng.normal(size=(20, 2)) + 30, [[300.0, 300.0]]])
    D = cdist(X, X)
    found = hdbscan_clusters(D, min_cluster_size=8)
    expected = HDBSCAN(min_cluster_size=8, metric="precomputed", copy=True).fit_predict(D)
    assert (found == -1).tolist() == (expected == -1).tolist()
    assert clustering_error(expected[expected >= 0], found[found >= 0]) == 0
    assert found[0] == 0
    assert found[-1] == -1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30),
)
@settings(max_examples=60)
def test_clustering_error(pairs):
    true, predicted = zip(*pairs, strict=True)
    assert clustering_error(true, predicted) == pytest.approx(naive_error(true, predicted))
    assert clustering_error(true, true) == 0


def test_noise_and_strings_in_clustering_error():
    assert clustering_error(["a", "a", "b"], [-1, 0, 1]) == pytest.approx(1 / 3)
    assert clustering_error(["a", "a", "b"], [-1, -1, -1]) == 1
    for noise in (np.array([-1, -1, 0], object), [-1.0, -1, 0], np.array([-1, -1, "a"], object)):
        assert clustering_error(["a", "a", "b"], noise) == pytest.approx(2 / 3)
    assert clustering_error([-1, 0], [-1, 0]) == 0.5
    assert clustering_error(np.array(["x", 1, None], object)[:2], ["u", "v"]) == 0


def test_update():
    X = bernoulli(8, 900, (0.3, 0.6, 0.9, 0.3, 0.6))
    model, keys = OnlineClustering(3), "abcde"
    assert model.update({"a": X[0][:300], "b": X[1][:300]}) == {}
    model.update({"c": X[2][:200], "a": X[0][300:]})
    with pytest.raises(ValueError, match=r"stretches\['a'\]"):
        model.update({"b": X[1][300:], "a": np.zeros((4, 2))})
    with pytest.raises(TypeError, match="mapping"):
        model.update([X[0]])
    with pytest.raises(ValueError, match="finite"):
        model.update({"d": [np.nan]})
    model.update({"d": X[3], "b": X[1][300:]})
    found = model.update({"c": X[2][200:], "e": X[4]})
    expected = OnlineClustering(3).fit_predict(X)
    assert found == dict(zip(keys, expected.tolist(), strict=True))
    assert model.keys_ == list(keys)
    assert expected.tolist() == [0, 1, 2, 0, 1]
    texts = OnlineClustering(2)
    texts.update({1: "the cat ", 2: "le chat "})
    assert texts.update({1: "sat on the mat", 3: "the dog sat on the mat"})[3] == 0
    with pytest.raises(TypeError, match="type bytes"):
        texts.update({1: b"bytes"})


def test_what_is_no_sample_does_not_stay():
    """Before there are enough samples to be clustered as afterwards."""
    model = OnlineClustering(2)
    with pytest.raises(ValueError, match=r"stretches\['a'\]\[1, 0\] is nan"):
        model.update({"b": [0, 1], "a": [[0], [np.nan]]})
    own = np.array([0, 1, 0, 1])
    assert model.update({"a": own}) == {}
    own[:] = 7
    assert model.update({"b": [0, 1, 1, 1], "a": []}) == {"a": 0, "b": 1}
    found = OnlineClustering(2).fit([[0, 1, 0, 1], [0, 1, 1, 1]])
    assert found.labels_.tolist() == model.labels_.tolist()
    assert (
        model._source(list(model._grown.values())).matrix()[0, 1]
        == found._source([[0, 1, 0, 1], [0, 1, 1, 1]]).matrix()[0, 1]
    )


def test_samples_that_come_one_by_one():
    X = bernoulli(3, 300, SEQUENCES[:2] * 3)
    for model in (
        OfflineClustering(2),
        OnlineClustering(2),
        OfflineClustering(2, metric=lambda a, b: abs(a.mean() - b.mean())),
    ):
        assert model.fit_predict(iter(X)).tolist() == [0, 1] * 3
    assert OfflineClustering(2, metric="precomputed").fit_predict(iter(GOOD)).tolist() == [0, 0, 1]


def test_what_a_metric_raises_comes_through():
    def metric(a, b):
        return b.decode("ascii")

    with pytest.raises(UnicodeDecodeError) as raised:
        OfflineClustering(2, metric=metric).fit([b"a", "ä".encode()])
    assert "X[0] and X[1]" in raised.value.__notes__[0]


class Letters:
    """How often each letter comes."""

    name = "letters"

    def encode(self, texts):
        return np.array([[text.count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32)


def test_embedder():
    texts = ["aaa bbb", "ccc ddd", "aab bba", "cdc dcd", "abab ab", "aabb bbaa"]
    V = Letters().encode(texts)
    for metric in ("auto", "cosine", "euclidean"):
        found = OfflineClustering(2, embedder=Letters(), metric=metric).fit_predict(texts)
        D = cdist(V, V, "cosine" if metric == "auto" else metric)
        assert found.tolist() == OfflineClustering(2, metric="precomputed").fit_predict(D).tolist()
    halves = OfflineClustering(embedder=Letters(), rule="halves").fit(["ab ab ab", "ba ab", "cd dc", "cd cd cd"])
    assert halves.labels_.tolist() == [0, 0, 1, 1]


def test_halves_of_texts():
    texts = ["abab abab", "cdcd cdcd", "x" * 9]
    codec = ncd.get_compressor("gzip")
    parts = [("abab", "abab"), ("cdcd", "cdcd"), ("xxxx", "xxxxx")]
    lengths = [[codec.length(s.encode()) for s in (a, b, f"{a} {b}")] for a, b in parts]
    expected = max((joint - min(a, b)) / max(a, b) for a, b, joint in lengths)
    assert OfflineClustering(rule="halves").fit(texts).threshold_ == pytest.approx(expected)


def test_parameters_are_as_scikit_learn_asks():
    from sklearn.base import clone

    model = clone(OfflineClustering(3, metric="precomputed", rule=0.2))
    assert model.get_params()["rule"] == 0.2
    assert clone(OnlineClustering(3, compressor="zlib")).compressor == "zlib"
    assert repr(OnlineClustering(3)).startswith("OnlineClustering(n_clusters=3")


GOOD = [[0.0, 1, 2], [1, 0, 1], [2, 1, 0]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OfflineClustering(2, metric="precomputed").fit([[0, 1, 2], [1, 0, 1]]), r"shape \(2, 3\)"),
        (lambda: OfflineClustering(2, metric="precomputed").fit([[0, np.nan], [1, 0]]), r"X\[0, 1\] is nan"),
        (lambda: OfflineClustering(2, metric="precomputed").fit([[0, 1], [1]]), "no matrix"),
        (lambda: OfflineClustering(2, metric="precomputed").fit([]), "square"),
        (lambda: OfflineClustering(4, metric="precomputed").fit(GOOD), "with 3 samples choose from 1 to 3"),
        (lambda: OfflineClustering(0, metric="precomputed").fit(GOOD), "n_clusters is 0"),
        (lambda: OfflineClustering(2.0, metric="precomputed").fit(GOOD), "n_clusters is 2.0"),
        (lambda: OfflineClustering(metric="precomputed", rule="halves").fit(GOOD), "matrix"),
        (lambda: OfflineClustering(metric="precomputed", rule="half").fit(GOOD), "'silhouette', 'gap', 'halves'"),
        (lambda: OfflineClustering(metric="precomputed", rule=np.inf).fit(GOOD), "finite threshold"),
        (lambda: OfflineClustering(2, metric="euklid").fit(["a", "b"]), "'euclidean'"),
        (lambda: OfflineClustering(2).fit([]), "X"),
        (lambda: OfflineClustering(2).fit("one text"), "X"),
        (lambda: OfflineClustering(2).fit(["text", ""]), r"X\[1\]"),
        (lambda: OfflineClustering(2).fit([[1, 2], []]), r"X\[1\] is empty"),
        (lambda: OfflineClustering(2).fit([[1, 2], [1, np.nan]]), r"X\[1\]\[1"),
        (lambda: OfflineClustering(2).fit([[[1, 2]], [[1, 2, 3]]]), "3 coordinates"),
        (lambda: OfflineClustering(2, metric="cosine").fit(np.array([[1, 2], [np.inf, 1]])), "inf"),
        (lambda: OfflineClustering(2, metric=lambda a, b: np.nan).fit(["a", "b"]), r"X\[0\] and X\[1\]"),
        (lambda: OfflineClustering(2, metric=lambda a, b: "x").fit(["a", "b"]), r"X\[0\] and X\[1\]"),
        (lambda: OfflineClustering(rule="halves").fit(["a", "b"]), "too short"),
        (lambda: OfflineClustering(rule="halves", metric=lambda a, b: 1.0).fit(["a b", b"a"]), r"X\[1\] is too short"),
        (lambda: OfflineClustering(rule="halves").fit([[1], [2, 3]]), "too short"),
        (lambda: OfflineClustering(2, embedder=Letters(), metric="ncd").fit(["a", "b"]), "'ncd'"),
        (lambda: OfflineClustering(2, embedder=Letters(), metric=lambda a, b: 1.0).fit(["a", "b"]), "shape"),
        (
            lambda: OfflineClustering(2, embedder=Letters(), compressor="zstd").fit(["a", "b"]),
            "compressor is 'zstd' tog",
        ),
        (
            lambda: OfflineClustering(2, compressor="nonsense").fit([[1, 2], [2, 1]]),
            "compressor is 'nonsense' together",
        ),
        (lambda: OfflineClustering(2, compressor="zstd", metric="precomputed").fit(GOOD), "compressor is 'zstd'"),
        (lambda: OfflineClustering(2, embedder="no", metric="precomputed").fit(GOOD), "embedder is 'no' together"),
        (lambda: OfflineClustering(2, rule="gap", metric="precomputed").fit(GOOD), "rule is 'gap' together"),
        (lambda: OfflineClustering(2, metric="cosine").fit(["a", "b"]), "give an embedder, or .*ncd.pairwise"),
        (lambda: OnlineClustering(2, metric="cosine").update({1: "a"}), "give an embedder"),
        (lambda: OfflineClustering(2, metric="euclidean").fit(["a", "b"]), "X holds texts: give an embedder$"),
        (lambda: OfflineClustering(2).fit(np.ones((5, 3))), "'euclidean' or 'cosine' for vectors, 'distributional'"),
        (lambda: OnlineClustering(2).update({"a": 0}), r"stretches\['a'\] has shape"),
        (lambda: OnlineClustering(2).update({"a": ""}), r"stretches\['a'\] is empty"),
        (lambda: OnlineClustering(2).update({"a": []}), r"stretches\['a'\] is empty"),
        (lambda: OnlineClustering(3).update({"a": "text", "b": [1, 2]}), r"stretches\['b'\] is of type list"),
        (lambda: OnlineClustering(3, metric="mmd").update({"b": "text"}), r"stretches\['b'\] is of type str"),
        (lambda: OnlineClustering(3).update({"a": [1], "b": [[1, 2]]}), r"stretches\['b'\] has 2 coordinates"),
        (lambda: OnlineClustering(3, metric="euklid").update({"b": [1]}), "'euclidean'"),
        (lambda: OnlineClustering(3, metric=lambda a, b: np.nan).update({"a": 1, "b": 2}), "no distance"),
        (lambda: hdbscan_clusters(GOOD, min_cluster_size=2, metric="cosine"), "metric is no option .*min_samples"),
        (lambda: clustering_error(np.array([np.nan, "a"], object), [1, 2]), r"y_true\[0\] is nan"),
        (lambda: OfflineClustering(2, metric=None).fit(["a", "b"]), "metric is None"),
        (lambda: OfflineClustering(2, metric=["ncd"]).fit(["a", "b"]), "metric is"),
        (lambda: OfflineClustering(2, embedder=object()).fit(["a", "b"]), "embedder"),
        (lambda: OnlineClustering(None).fit(["a", "b"]), "n_clusters"),
        (lambda: OnlineClustering(2, metric="precomputed").update({"a": 1}), "grow"),
        (lambda: threshold_clusters(GOOD, np.nan), "threshold is nan"),
        (lambda: gap_threshold([[0, 1], [1, 0]]), "three"),
        (lambda: gap_threshold(np.ones((4, 4))), "no gap"),
        (lambda: silhouette_number([[0, 1], [1, 0]]), "three"),
        (lambda: silhouette_number(GOOD, max_clusters=3), "max_clusters is 3"),
        (lambda: linkage_clusters(GOOD), "either"),
        (lambda: linkage_clusters(GOOD, 2, threshold=1), "either"),
        (lambda: linkage_clusters(GOOD, 2, method="best"), "'average'"),
        (lambda: linkage_clusters(GOOD, 4), "n_clusters is 4"),
        (lambda: hdbscan_clusters(GOOD, min_cluster_size=4), "min_cluster_size is 4"),
        (lambda: clustering_error([], []), "empty"),
        (lambda: clustering_error([1, 2], [1]), "2 labels"),
        (lambda: clustering_error([1, np.nan], [1, 2]), r"y_true\[1\]"),
        (lambda: clustering_error(["a", None], [1, 2]), r"y_true\[1\] is None"),
        (lambda: clustering_error("ab", [1, 2]), "y_true"),
        (lambda: clustering_error([[1, 2]], [1, 2]), r"shape \(1, 2\)"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_import_is_light(python):
    code = (
        "import sys, ncd.cluster; ncd.cluster.OfflineClustering; print({'sklearn', 'scipy', 'numba'} & {*sys.modules})"
    )
    assert python(code).communicate()[0].strip() == "set()"
