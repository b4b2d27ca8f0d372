"""The classifiers: scikit-learn's contract, a contract for texts, and oracles for their decisions."""

import pickle
import warnings
import zlib
from types import MappingProxyType

import naive
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import ncd
from ncd import data

TRAIN, TEST = data.load_factbook("train"), data.load_factbook("test")
X, Y = TRAIN.texts[:120], TRAIN.labels[:120]
QUERIES = TEST.texts[:25]
DICTIONARIES = ncd.CodeLengthClassifier("deflate")
MODELS = [ncd.NCDClassifier(), ncd.CodeLengthClassifier(), DICTIONARIES, ncd.BitsSavedClassifier()]
NAMES = ["NCDClassifier", "CodeLengthClassifier", "CodeLengthClassifier-deflate", "BitsSavedClassifier"]
every = pytest.mark.parametrize("model", MODELS, ids=NAMES)
compressing = pytest.mark.parametrize(
    ("model", "compressor"), [(ncd.NCDClassifier(), "compressor"), (ncd.CodeLengthClassifier(), "model")], ids=NAMES[:2]
)
#: What to search over, by the kind of model.
GRIDS = {
    ncd.NCDClassifier: {"compressor": ["zstd:3", "deflate:6"]},
    ncd.CodeLengthClassifier: {"model": ["zstd:3", "ngram", "words"]},
    ncd.BitsSavedClassifier: {"experts": ["strings", ("bytes", "words")]},
}


@pytest.fixture
def model(request):
    return clone(request.param)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", SkipTestWarning)  # the checks that need a numeric matrix; ours for texts follow
    scikit_learn_checks = parametrize_with_checks(MODELS)


@scikit_learn_checks
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@every
def test_learns_something(model):
    accuracy = clone(model).fit(TRAIN.texts, TRAIN.labels).score(TEST.texts[:100], TEST.labels[:100])
    assert accuracy > 0.75  # eight classes


@every
def test_same_answers_for_every_kind_of_collection(model):
    expected = clone(model).fit(X, Y).predict(QUERIES)
    for wrap in (tuple, np.array, pd.Series, pl.Series, lambda texts: [text.encode() for text in texts], iter):
        assert clone(model).fit(wrap(X), Y).predict(wrap(QUERIES)).tolist() == expected.tolist()
    assert clone(model).fit(X, pd.Series(Y)).predict(QUERIES).tolist() == expected.tolist()
    assert clone(model).fit(X, np.array(Y, object)).predict(QUERIES).tolist() == expected.tolist()


@every
def test_jobs_do_not_change_answers(model):
    one = clone(model).set_params(n_jobs=1).fit(X, Y).predict(QUERIES)
    assert clone(model).set_params(n_jobs=2).fit(X, Y).predict(QUERIES).tolist() == one.tolist()


@every
def test_integer_and_boolean_labels(model):
    numbers = [sorted(set(Y)).index(label) for label in Y]
    assert clone(model).fit(X, numbers).predict(QUERIES).dtype.kind == "i"
    answer = clone(model).fit(X, [label == "economy" for label in Y]).predict(QUERIES)
    assert answer.dtype == bool


@every
def test_clone_pickle_pipeline_and_search(model):
    fitted = clone(model).fit(X, Y)
    assert pickle.loads(pickle.dumps(fitted)).predict(QUERIES).tolist() == fitted.predict(QUERIES).tolist()
    upper = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    shouted = [text.upper() for text in QUERIES]
    direct = clone(model).fit([text.upper() for text in X], Y).predict(shouted)
    assert make_pipeline(upper, clone(model)).fit(X, Y).predict(QUERIES).tolist() == direct.tolist()
    grid = GRIDS[type(model)]
    search = GridSearchCV(clone(model), grid, cv=3, error_score="raise").fit(X, Y)
    assert all(value in grid[name] for name, value in search.best_params_.items())
    assert search.predict(QUERIES).shape == (25,)
    assert cross_val_score(clone(model), np.array(X), np.array(Y), cv=3).mean() > 0.4


@every
def test_search_with_worker_processes(model):
    search = GridSearchCV(clone(model), GRIDS[type(model)], cv=2, n_jobs=2, error_score="raise").fit(X, Y)
    assert search.score(X, Y) > 0.5


@compressing
def test_worker_processes_take_a_compressor_of_ones_own(model, compressor):
    class CaseBlind(ncd.Compressor):
        """One that no worker process can know by name."""

        family = "caseblind"
        version = "1"
        defaults = MappingProxyType({"level": 9})

        def __init__(self, level=9):
            super().__init__(level=level)

        def _compress(self, data):
            return zlib.compress(data.lower(), self.params["level"])

    search = GridSearchCV(clone(model), {compressor: [CaseBlind(9), CaseBlind(1)]}, cv=2, n_jobs=2, error_score="raise")
    assert search.fit(X[:40], [label > "f" for label in Y[:40]]).best_score_ > 0.5


@every
def test_not_fitted(model):
    with pytest.raises(NotFittedError):
        clone(model).predict(QUERIES)


@every
@pytest.mark.parametrize(
    ("texts", "labels", "error", "words"),
    [
        ([], [], ValueError, "X is empty"),
        (["a", "b"], ["x"], ValueError, "y has 1 labels and X 2 texts"),
        (["a", None, "c"], list("xyx"), TypeError, r"X\[1\] is None"),
        (["a", float("nan"), "c"], list("xyx"), TypeError, r"X\[1\] is nan"),
        (["a", b"b", "c"], list("xyx"), TypeError, "X mixes str"),
        (["a", "", "c"], list("xyx"), ncd.EmptyTextError, r"X\[1\] is empty"),
        (["a", "b", "c"], ["x", None, "y"], ValueError, r"y\[1\] is None"),
        (["a", "b", "c"], [1.0, float("nan"), 2.0], ValueError, r"y\[1\] is"),
        (["a", "b", "c"], ["x", float("nan"), "y"], ValueError, r"y\[1\] is nan, a missing value"),
        (["a", "b", "c"], ["x", pd.NA, "y"], ValueError, r"y\[1\] is <NA>, a missing value"),
        (["a", "b", "c"], ["x", pd.NaT, "y"], ValueError, r"y\[1\] is NaT, a missing value"),
        (["a", "b", "c"], pd.Series([1, None, 2], dtype="Int64"), ValueError, r"y\[1\] is <NA>, a missing value"),
        (["a", "b", "c"], pd.array([1, None, 2], dtype="Int64"), ValueError, r"y\[1\] is (<NA>|nan), a missing value"),
        ({"a", "b", "c"}, list("xyx"), TypeError, "X is a set"),
        (["a", "b", "c"], ["x", 1, "y"], TypeError, "y mixes str"),
        (["a", "b", "c"], ["x", "x", "x"], ValueError, "one class only"),
        (["a", "b", "c"], [["x"], ["y"], ["z"]], ValueError, "y has shape"),
        (["a", "b", "c"], [0.5, 1.5, 2.5], ValueError, "continuous"),
        ("one text", list("xy"), TypeError, "X is a single str"),
        ([[1.0], [2.0]], list("xy"), TypeError, r"X\[0\] is a list"),
    ],
)
def test_bad_training_data(model, texts, labels, error, words):
    with pytest.raises(error, match=words):
        clone(model).fit(texts, labels)


@every
def test_bad_queries(model):
    fitted = clone(model).fit(X, Y)
    with pytest.raises(TypeError, match=r"X\[1\] is None"):
        fitted.predict(["a", None])
    with pytest.raises(ValueError, match="X is empty"):
        fitted.predict([])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tie": "last"}, "tie is 'last': choose from 'nearest', 'first', 'random'"),
        ({"n_neighbors": 0}, "n_neighbors is 0"),
        ({"n_neighbors": 500}, "n_neighbors is 500: with 120 training texts choose from 1 to 120"),
        ({"n_neighbors": 1.5}, "n_neighbors is 1.5"),
        ({"metric": "ncdd"}, "did you mean 'ncd'"),
        ({"compressor": "gzp"}, "did you mean 'gzip'"),
        ({"order": "zy"}, "order is 'zy'"),
        ({"symmetrize": "median"}, "symmetrize is 'median': choose from None, 'min', 'mean', 'max'"),
        ({"joint": "both"}, "joint is 'both': choose from 'auto', 'concat', 'primed'"),
        ({"joint": "primed", "order": "sorted"}, 'order="sorted" goes with joint="concat" only'),
        ({"joint": "primed", "compressor": "bz2"}, "bz2:9 cannot be primed"),
        ({"separator": None}, "separator is None"),
    ],
)
def test_knn_parameters(wrong, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ncd.NCDClassifier(**wrong).fit(X, Y)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"reduce": "median"}, ValueError, "reduce is 'median'"),
        ({"joint": "both"}, ValueError, "joint is 'both'"),
        ({"dictionaries": 0}, ValueError, "dictionaries is 0"),
        ({"dictionaries": (1, 0)}, TypeError, "dictionaries is"),
        ({"dictionaries": "all"}, TypeError, "dictionaries is 'all'"),
        ({"dictionary_size": 0}, ValueError, "dictionary_size is 0"),
        ({"deals": None}, TypeError, "deals is None"),
        ({"deals": 0}, ValueError, "deals is 0"),
        ({"engine": "gpu"}, ValueError, "engine is 'gpu'"),
        ({"separator": None}, TypeError, "separator is None"),
        ({"model": "bz2", "joint": "primed"}, TypeError, "cannot be primed"),
        ({"model": "zzip"}, ValueError, "not known"),
    ],
)
def test_dictionary_parameters(wrong, error, words):
    with pytest.raises(error, match=words):
        ncd.CodeLengthClassifier(**{"model": "deflate", **wrong}).fit(X, Y)


def fixed(distances, labels):
    """A nearest-neighbour model whose distance to training text i is distances[i]."""
    lookup = {str(i).encode(): d for i, d in enumerate(distances)}

    class Table:
        name = "table"

        def length(self, data):
            return lookup.get(data.rpartition(b" ")[2], 0.0)

    model = ncd.NCDClassifier(Table(), metric=lambda lx, ly, lxy: lxy + 0 * (lx + ly), n_neighbors=1, order="xy")
    return model.fit([str(i) for i in range(len(labels))], labels)


def test_ties_follow_the_rule_and_training_labels_alone():
    model = fixed([0.1, 0.2, 0.3, 0.4], ["b", "a", "a", "b"]).set_params(n_neighbors=4)
    assert model.predict(["q"]).tolist() == ["b"]
    assert model.set_params(tie="first").predict(["q"]).tolist() == ["a"]
    chosen = {model.set_params(tie="random", random_state=seed).predict(["q"])[0] for seed in range(20)}
    assert chosen == {"a", "b"}
    again = model.set_params(random_state=3).predict(["q"] * 9).tolist()
    assert model.predict(["q"] * 9).tolist() == again


def test_majority_beats_nearness_and_equal_distances_keep_training_order():
    assert fixed([0.1, 0.2, 0.3], ["b", "a", "a"]).set_params(n_neighbors=3).predict(["q"]).tolist() == ["a"]
    model = fixed([0.5, 0.5, 0.5], ["c", "a", "b"]).set_params(n_neighbors=1)
    assert model.predict(["q"]).tolist() == ["c"]


@pytest.mark.parametrize(
    "params",
    [
        {"compressor": "gzip", "metric": "ncd", "joint": "concat", "order": "xy", "n_neighbors": 2},
        {"compressor": "deflate", "metric": "savings", "joint": "concat"},
        {"compressor": "zstd", "metric": "cdm", "joint": "primed", "order": "yx", "n_neighbors": 2},
    ],
    ids=str,
)
def test_knn_follows_from_the_matrix(params):
    model = ncd.NCDClassifier(**params).fit(X, Y)
    options = {key: value for key, value in params.items() if key != "n_neighbors"}
    matrix = ncd.pairwise(QUERIES, X, **{"metric": model.metric, "order": model.order, "joint": model.joint, **options})
    distances, indices = model.kneighbors(QUERIES)
    order = np.argsort(matrix, axis=1, kind="stable")[:, : model.n_neighbors]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(distances, np.take_along_axis(matrix, order, 1))
    votes = np.array([[np.mean([Y[i] == c for i in row]) for c in model.classes_] for row in order])
    np.testing.assert_allclose(model.predict_proba(QUERIES), votes)


def test_kneighbors_of_the_training_texts_leaves_each_out():
    model = ncd.NCDClassifier().fit(X[:30], Y[:30])
    indices = model.kneighbors(n_neighbors=3, return_distance=False)
    assert indices.shape == (30, 3)
    assert not any(i in row for i, row in enumerate(indices))


def dictionaries(model):
    """The dictionaries of a fitted model, and the class of each."""
    return model._prepared().texts, model._prepared().owners.tolist()


@pytest.mark.parametrize("spec", ["gzip:9", "bz2:9", "zstd:3", "brotli:5", "lz4:0", "xz:0"])
def test_dictionaries_by_concatenation_are_the_definition(spec):
    model = ncd.CodeLengthClassifier(spec, dictionaries=1, joint="concat").fit(X[:40], Y[:40])
    lengths = model.code_lengths(QUERIES[:4])
    for c, label in enumerate(model.classes_):
        own = "".join(text + "\n" for text, other in zip(X[:40], Y[:40], strict=True) if other == label).encode()
        for i, query in enumerate(QUERIES[:4]):
            expected = naive.length(spec, own + query.encode()) - naive.length(spec, own)
            assert lengths[i, c] == 8 * expected  # bits


@pytest.mark.parametrize(("spec", "bits"), [("zstd:5", 8), ("ppm:3", 1)])
def test_primed_code_lengths(spec, bits):
    model = ncd.CodeLengthClassifier(spec, dictionaries=2).fit(X, Y)
    codec = ncd.get_compressor(spec)
    lengths = model.code_lengths(QUERIES[:3])
    texts, owners = dictionaries(model)
    for c in range(len(model.classes_)):
        mine = [text for text, owner in zip(texts, owners, strict=True) if owner == c]
        assert len(mine) == 2
        assert sorted(b"".join(mine).splitlines()) == sorted(
            text.encode() for text, label in zip(X, Y, strict=True) if label == model.classes_[c]
        )
        for i, query in enumerate(QUERIES[:3]):
            expected = np.mean([codec.primed(text).length(query) for text in mine]) * bits
            np.testing.assert_allclose(lengths[i, c], expected, rtol=1e-12)
    least = ncd.CodeLengthClassifier(spec, dictionaries=2, reduce="min").fit(X, Y).code_lengths(QUERIES[:3])
    assert (least <= lengths).all()
    assert (least < lengths).any()


def test_a_model_that_forgets_nothing_has_one_dictionary():
    model = ncd.CodeLengthClassifier("ppm:3", dictionary_size=10).fit(X, Y)
    assert dictionaries(model)[1] == list(range(len(model.classes_)))


def test_decisions_and_ties_of_dictionaries():
    model = ncd.CodeLengthClassifier("deflate").fit(X, Y)
    lengths = model.code_lengths(QUERIES)
    np.testing.assert_array_equal(model.decision_function(QUERIES), -lengths)
    assert (model.predict(QUERIES) == model.classes_[lengths.argmin(1)]).mean() > 0.9  # ties aside
    two = ncd.CodeLengthClassifier("deflate").fit(["aaaa", "bbbb"], ["x", "y"])
    assert two.decision_function(["aaaa"]).shape == (1,)

    class Blind:
        name = "blind"

        def length(self, data):
            return 1

    tie = ncd.CodeLengthClassifier(Blind()).fit(["a", "b", "c"], ["x", "y", "y"])
    assert tie.predict(["q"]).tolist() == ["y"]  # the class with more training texts


def test_window_is_spoken_of_and_can_be_covered():
    texts = [f"{i} {i * 7919} lorem" * 40 for i in range(200)]
    labels = ["even", "odd"] * 100
    said = r"class '\w+' has a dictionary of [\d,]+ bytes, of which gzip:9 sees"
    with pytest.warns(ncd.WindowWarning, match=said) as caught:
        ncd.CodeLengthClassifier("gzip", dictionaries=1).fit(texts, labels)
    assert caught[0].filename == __file__
    model = ncd.CodeLengthClassifier("gzip", deals=1).fit(texts, labels)
    made, owners = dictionaries(model)
    assert np.bincount(owners).tolist() == [2, 2]
    assert max(map(len, made)) < 33_000
    assert sum(map(len, made)) == sum(len(text) + 1 for text in texts)
    everything = ncd.CodeLengthClassifier("ppmd", dictionary_size=None, deals=1).fit(X, Y)
    assert dictionaries(everything)[1] == list(range(8))
    with pytest.warns(ncd.WindowWarning, match="choose a compressor"):
        ncd.CodeLengthClassifier("gzip").fit(["a", "b" * 70_000], ["x", "y"])


def test_every_training_text_is_seen():
    rng = np.random.default_rng(0)
    texts = [rng.bytes(100) for _ in range(6000)]
    labels = [i % 2 for i in range(6000)]
    for spec in ("zstd:-5", "zstd:1", "zstd:3", "zstd:9", "deflate"):
        for size in (None, 131_072):
            model = ncd.CodeLengthClassifier(spec, dictionary_size=size, deals=1, reduce="min").fit(texts, labels)
            assert model.score(texts[::50], labels[::50]) == 1


def test_more_dictionaries_than_texts():
    model = ncd.CodeLengthClassifier("deflate", dictionaries=10).fit(["a" * 20, "b" * 20, "b" * 30], list("xyy"))
    assert dictionaries(model)[1] == [0, 1, 1]


def test_several_deals_are_averaged():
    one, two, both = (
        ncd.CodeLengthClassifier("deflate", reduce="min", **options).fit(X, Y).code_lengths(QUERIES)
        for options in ({"dictionaries": 1}, {"dictionaries": 2}, {"deals": 2})
    )
    np.testing.assert_allclose(both, (one + two) / 2)
    assert not np.array_equal(one, two)


def test_dictionaries_in_pieces():
    whole = ncd.CodeLengthClassifier("zstd:3").fit(X, Y)
    pieces = ncd.CodeLengthClassifier("zstd:3").partial_fit(X[:50], Y[:50]).partial_fit(X[50:], Y[50:])
    np.testing.assert_array_equal(pieces.code_lengths(QUERIES), whole.code_lengths(QUERIES))


def test_labels_of_another_kind_are_not_mixed_in():
    model = ncd.CodeLengthClassifier().fit(["a b", "c d"], [0, 1])
    for labels in ([True, False], ["0", "1"]):
        with pytest.raises(TypeError, match="make them all of one kind"):
            model.partial_fit(["a b", "c d"], labels)
    assert model.counts_.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("model", "options"), [("zstd:3", {"order": 3}), ("deflate", {"alpha": 1.0}), ("words", {"dictionaries": 2})]
)
def test_parameters_that_a_model_has_no_use_for(model, options):
    with pytest.raises(ValueError, match="has no use for it: order, alpha and shared are those of 'ngram'"):
        ncd.CodeLengthClassifier(model, **options).fit(["a b", "c d"], [0, 1])
