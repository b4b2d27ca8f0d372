"""Models on disk."""

import io
import json
import pickle
import warnings
import zipfile

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import NotFittedError

import ncd
import ncd.embed
from ncd import data

TRAIN = data.load_factbook("train")
X, Y = TRAIN.texts[:60], TRAIN.labels[:60]
QUERIES = TRAIN.texts[60:80]


@pytest.mark.parametrize(
    "model",
    [
        ncd.NCDClassifier("zstd:3", metric="cdm", separator=b"\xff\x00", n_neighbors=2),
        ncd.NCDClassifier(separator="|"),
        ncd.NCDClassifier(n_neighbors=3, prefilter="shingles", candidates=7),
        ncd.CodeLengthClassifier(),
        ncd.CodeLengthClassifier("words", order=1, shared=0.5),
        ncd.CodeLengthClassifier("deflate"),
        ncd.BitsSavedClassifier(),
        ncd.BitsSavedClassifier("strings", order=4, max_weights=3_000),
        ncd.BitsSavedClassifier(["words", "strings"]),
        ncd.CodeLengthClassifier(ncd.get_compressor("brotli:5,lgwin=18"), dictionaries=2, reduce="min"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [str, int, float, bool])
def test_round_trip(tmp_path, model, kind):
    names = sorted(set(Y))
    labels = (
        Y if kind is str else [kind(names.index(label) + 0.5 if kind is float else names.index(label)) for label in Y]
    )
    if kind is float:
        labels = [label - 0.5 for label in labels]  # whole numbers: scikit-learn takes others for regression
    model.fit(X, labels)
    ncd.save_model(model, tmp_path / "m.ncd")
    loaded = ncd.load_model(tmp_path / "m.ncd")
    assert type(loaded) is type(model)
    answer = loaded.predict(QUERIES)
    assert answer.dtype == model.predict(QUERIES).dtype
    np.testing.assert_array_equal(answer, model.predict(QUERIES))
    if hasattr(model, "decision_function"):
        np.testing.assert_array_equal(loaded.decision_function(QUERIES), model.decision_function(QUERIES))
    ncd.save_model(loaded, tmp_path / "again.ncd")
    assert contents(tmp_path / "again.ncd") == contents(tmp_path / "m.ncd")


def contents(path):
    """What is in the file, part by part."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_loaded_model_learns_on(tmp_path):
    model = ncd.CodeLengthClassifier().fit(X[:30], Y[:30])
    ncd.save_model(model, tmp_path / "m.ncd")
    loaded = ncd.load_model(tmp_path / "m.ncd").partial_fit(X[30:], Y[30:])
    whole = ncd.CodeLengthClassifier().fit(X, Y)
    np.testing.assert_array_equal(loaded.code_lengths(QUERIES), whole.code_lengths(QUERIES))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "m.ncd"
    ncd.save_model(ncd.CodeLengthClassifier("zstd:9").fit(X, Y), path)
    return path


def rewrite(path, arrays=(), params=(), **changes):
    """The same file with other entries in its head, and other arrays."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, array in dict(arrays).items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        parts[f"{name}.npy"] = buffer.getvalue()
    head = json.loads(parts["model.json"])
    head["params"].update(params)
    head.update(changes)
    parts["model.json"] = json.dumps(head).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "other"}, "is not a model file of ncd"),
        ({"version": 1}, "has version 1; this release reads version 2"),
        ({"class": "Evil"}, "holds a 'Evil'"),
        ({"params": {"future": 1}}, "its parameters are"),
    ],
)
def test_refuses_what_it_does_not_know(saved, changes, words):
    rewrite(saved, **changes)
    with pytest.raises(ncd.ModelFileError, match=words) as caught:
        ncd.load_model(saved)
    assert str(saved) in str(caught.value)


FOUR = [0, 1, 0, 1]
IMPOSSIBLE = {
    ncd.NCDClassifier: [
        {"arrays": {"codes": [0, 0, 0, 0]}},
        {"params": {"compressor": "no such"}},
        {"params": {"compressor": 3}},
        {"params": {"separator": None}},
        {"params": {"n_neighbors": 5}},
        {"params": {"n_neighbors": "many"}},
        {"params": {"metric": "no such"}},
        {"params": {"symmetrize": "median"}},
        {"params": {"order": 3}},
        {"params": {"joint": "primed", "compressor": "bz2:9"}},
        {"params": {"tie": None}},
        {"params": {"prefilter": "hashes"}},
        {"params": {"candidates": 4}},
        {"params": {"prefilter": "shingles", "candidates": 3}},
        {"params": {"prefilter": "shingles", "candidates": "all"}},
        {"params": {"random_state": "dice"}},
    ],
    ncd.CodeLengthClassifier: [
        {"params": {"model": "no such"}},
        {"params": {"model": 3}},
        {"params": {"separator": None}},
        {"params": {"order": 0}},
        {"params": {"alpha": "much"}},
        {"params": {"shared": 2.0}},
        {"params": {"reduce": "median"}},
        {"params": {"deals": 0}},
        {"params": {"dictionaries": "two"}},
    ],
    ncd.BitsSavedClassifier: [
        {"arrays": {"codes": [0, 0, 0, 0]}},
        {"expert_weights": [1.0, 1.0]},
        {"expert_weights": [1.0, 1.0, float("nan")]},
        {"expert_weights": "heavy"},
        {"class_bias": [0.0]},
        {"arrays": {"labels": np.zeros(3, np.uint8)}},
        {"arrays": {"n_children": np.zeros(1, np.uint16)}},
        {"arrays": {"feature": np.zeros(0, np.int32)}},
        {"arrays": {"multiplicity": np.ones(1)}},
        {"arrays": {"n_texts": np.ones(1, np.int64)}},
        {"arrays": {"weights": np.zeros((2, 1), np.uint16)}},
        {"arrays": {"squares": np.zeros((2, 1), np.float32)}},
        {"arrays": {"machine_bias": np.zeros(2, np.float32)}},
        {"params": {"experts": []}},
        {"params": {"experts": ["strings", "bytes"]}},
        {"params": {"experts": ["strings", "bytes", "stars"]}},
        {"params": {"order": 8}},
        {"params": {"cost": -1}},
        {"params": {"min_texts": 0}},
        {"params": {"max_weights": None}},
    ],
}
ALWAYS_IMPOSSIBLE = [
    {"arrays": {"codes": [0, 1, 0]}},
    {"arrays": {"codes": [0, 1, 0, 2]}},
    {"arrays": {"codes": [0, 1, 0, -1]}},
    {"arrays": {"codes": [0.0, 1.0, 0.0, 1.0]}},
    {"arrays": {"codes": [FOUR]}},
    {"arrays": {"ends": [3, 2, 1, 20]}},
    {"classes": []},
    {"classes": "ab"},
    {"classes": ["b", "a"]},
    {"classes": ["a", "a"]},
    {"classes": ["a", 1]},
    {"classes": [0, True]},
    {"classes": [0.0, float("nan")]},
    {"classes": [None, None]},
    {"classes": [["a"], ["b"]]},
    {"params": {"n_jobs": "all"}},
    {"params": {"n_jobs": 0}},
    {"params": {"progress": "bar"}},
]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [(kind, changes) for kind in IMPOSSIBLE for changes in IMPOSSIBLE[kind] + ALWAYS_IMPOSSIBLE],
    ids=str,
)
def test_refuses_what_fit_cannot_have_made(tmp_path, kind, changes):
    path = tmp_path / "m.ncd"
    options = {"n_neighbors": 4} if kind is ncd.NCDClassifier else {}
    if kind is ncd.CodeLengthClassifier:
        options = {"model": "deflate:9", "dictionaries": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ncd.FewLabelsWarning)
        ncd.save_model(kind(**options).fit(["one", "two", "three", "four"], ["a", "b", "a", "b"]), path)
    assert ncd.load_model(path).predict(["one"]).tolist() == ["a"]
    rewrite(path, **changes)
    with pytest.raises(ncd.ModelFileError) as caught:
        ncd.load_model(path)
    assert str(path) in str(caught.value)


class Distinct:
    """A compressor of one's own, each equal to itself alone."""

    def __init__(self, name="distinct"):
        self.name = name

    def length(self, data):
        return 1 + len(set(data))


@pytest.mark.parametrize("kind", [ncd.NCDClassifier, ncd.CodeLengthClassifier])
@pytest.mark.parametrize("name", ["distinct", "gzip:9", "gzip:77", "a:b,c,d"])
def test_a_compressor_whose_name_makes_another(tmp_path, registry, kind, name):
    model = kind(Distinct(name)).fit(X, Y)
    with pytest.raises(TypeError, match="does not make it again: register it"):
        ncd.save_model(model, tmp_path / "m.ncd")
    assert list(tmp_path.iterdir()) == []
    parameter = "compressor" if kind is ncd.NCDClassifier else "model"
    for family, factory in (("made", lambda: Distinct(name)), ("kept", Distinct(name))):
        ncd.register_compressor(family, factory)
        model = kind(family).fit(X, Y)
        ncd.save_model(model, tmp_path / family)
        loaded = ncd.load_model(tmp_path / family)
        assert getattr(loaded, parameter) == family
        assert loaded.predict(QUERIES).tolist() == model.predict(QUERIES).tolist()


def test_refuses_damage(saved, tmp_path):
    whole = saved.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"not a zip", whole[:300] + b"\x00" * 40 + whole[340:]):
        saved.write_bytes(broken)
        with pytest.raises(ncd.ModelFileError):
            ncd.load_model(saved)
    with pytest.raises(FileNotFoundError):
        ncd.load_model(tmp_path / "none.ncd")
    saved.write_bytes(whole)
    with zipfile.ZipFile(saved, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("ends.npy", b"\x80\x04pickle")
    with pytest.raises(ncd.ModelFileError):
        ncd.load_model(saved)


def test_another_library_version_is_spoken_of(saved):
    rewrite(saved, made_with="libzstd 0.0.1")
    with pytest.warns(UserWarning, match="libzstd 0.0.1"):
        ncd.load_model(saved)


def test_another_version_of_what_cuts_texts_is_spoken_of(tmp_path):
    path = tmp_path / "m.ncd"
    ncd.save_model(ncd.BitsSavedClassifier(["strings", "words"]).fit(X, Y), path)
    ncd.load_model(path)
    rewrite(path, made_with="Unicode 1.0.0")
    with pytest.warns(UserWarning, match="made with Unicode 1.0.0, this machine has Unicode 1"):
        ncd.load_model(path)
    ncd.save_model(ncd.BitsSavedClassifier("strings").fit(X, Y), path, force=True)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("model.json"))["made_with"] is None


def test_never_overwrites_unasked(saved):
    model = ncd.CodeLengthClassifier().fit(X, Y)
    with pytest.raises(FileExistsError):
        ncd.save_model(model, saved)
    ncd.save_model(model, saved, force=True)


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(NotFittedError):
        ncd.save_model(ncd.NCDClassifier(), tmp_path / "m.ncd")
    with pytest.raises(TypeError, match="metric is"):
        ncd.save_model(ncd.NCDClassifier(metric=lambda a, b, c: c).fit(X, Y), tmp_path / "m.ncd")
    with pytest.raises(TypeError, match="model is a str"):
        ncd.save_model("model", tmp_path / "m.ncd")
    assert list(tmp_path.iterdir()) == []


def with_embedder(path, embedder):
    """A model file that names an embedder, as anybody could write it."""
    ncd.save_model(ncd.NCDClassifier(embedder="tfidf:3", n_neighbors=1).fit(X, Y), path, force=True)
    rewrite(path, params={"embedder": embedder})
    return path


@pytest.mark.parametrize(
    "spec",
    [
        "word2vec:evil",
        "word2vec:x=evil",
        "word2vec:{evil}",
        "word2vec:path={evil}",
        "word2vec:dim=3,{evil}",
        "word2vec:x={evil}",
        "word2vec:{evil},dim=3",
        "model2vec:{evil}",
        "model2vec:minilm,{evil}",
        "sentence:someone/model,allow_download=true",
        "sentence:{evil}",
        "hidden:{evil}",
        "tfidf:{evil}",
        "registered:{evil}",
    ],
)
def test_a_file_makes_no_embedder_of_a_path(tmp_path, monkeypatch, spec):
    made = []

    class Registered:
        def __init__(self, path):
            made.append(path)

        def encode(self, texts):
            return np.ones((len(texts), 1))

    monkeypatch.setattr("ncd.embed.registry._registered", {"registered": Registered})

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    (tmp_path / "evil.kv").write_bytes(pickle.dumps(Evil()))
    path = with_embedder(tmp_path / "m.ncd", spec.format(evil=tmp_path / "evil.kv"))
    with pytest.raises(ncd.ModelFileError, match="if you trust it, say load_model"):
        ncd.load_model(path)
    assert not (tmp_path / "executed").exists()
    assert made == []


@pytest.mark.parametrize("spec", [3, ["tfidf"], {"bytes": "00"}, True, "no such", ""])
def test_refuses_embedders_that_are_none(tmp_path, spec):
    with pytest.raises(ncd.ModelFileError, match="embedder"):
        ncd.load_model(with_embedder(tmp_path / "m.ncd", spec))


@pytest.fixture
def vectors(tmp_path):
    """A file of word vectors, of words of the texts alone."""
    words = sorted({word for text in X for word in text.split() if word.isalpha()} - {"x"})
    rng = np.random.default_rng(0)
    rows = [" ".join([word, *(f"{value:.4f}" for value in rng.normal(size=5))]) for word in words]
    (tmp_path / "vectors.txt").write_text("\n".join([f"{len(rows)} 5", *rows]))
    return f"word2vec:{tmp_path / 'vectors.txt'}"


def test_an_embedder_of_a_path_is_given_again(tmp_path, vectors):
    pytest.importorskip("gensim")
    model = ncd.NCDClassifier(embedder=vectors, n_neighbors=1).fit(X, Y)
    ncd.save_model(model, tmp_path / "m.ncd")
    with pytest.raises(ncd.ModelFileError, match=r"load_model\(path, embedder='word2vec:"):
        ncd.load_model(tmp_path / "m.ncd")
    loaded = ncd.load_model(tmp_path / "m.ncd", embedder=vectors)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    ncd.save_model(ncd.NCDClassifier(embedder=ncd.embed.get_embedder(vectors)).fit(X, Y), tmp_path / "object.ncd")
    assert contents(tmp_path / "object.ncd")["texts.bin"] == contents(tmp_path / "m.ncd")["texts.bin"]
    with pytest.warns(UserWarning, match="made with word2vec .*, scikit-learn .* takes its place: vectors may differ"):
        ncd.load_model(tmp_path / "m.ncd", embedder="tfidf:4")
    ncd.save_model(ncd.NCDClassifier().fit(X, Y), tmp_path / "none.ncd")
    with pytest.raises(ValueError, match="holds a model without one"):
        ncd.load_model(tmp_path / "none.ncd", embedder="tfidf")


def test_embedders_that_can_be_saved(tmp_path, monkeypatch):
    class Lengths:
        def encode(self, texts):
            return np.array([[len(text), 1.0] for text in texts])

    monkeypatch.setattr("ncd.embed.registry._registered", {"lengths": Lengths})
    for embedder, spec in (("lengths", "lengths"), (ncd.embed.get_embedder("tfidf:4"), "tfidf:4")):
        model = ncd.NCDClassifier(embedder=embedder, metric="euclidean", n_neighbors=1).fit(X, Y)
        ncd.save_model(model, tmp_path / "m.ncd", force=True)
        loaded = ncd.load_model(tmp_path / "m.ncd")
        assert loaded.embedder == spec
        np.testing.assert_array_equal(loaded.predict(QUERIES), model.predict(QUERIES))
    made_with = json.loads(contents(tmp_path / "m.ncd")["model.json"])["made_with"]
    assert made_with == f"scikit-learn {sklearn.__version__}"
    rewrite(tmp_path / "m.ncd", made_with="scikit-learn 0.1")
    with pytest.warns(UserWarning, match="scikit-learn 0.1, this machine has scikit-learn .*: vectors may differ"):
        ncd.load_model(tmp_path / "m.ncd")


def test_embedders_that_cannot_be_saved(tmp_path):
    class Lengths:
        def encode(self, texts):
            return np.array([[len(text), 1.0] for text in texts])

    with pytest.raises(TypeError, match="does not make it again: register it with"):
        ncd.save_model(ncd.NCDClassifier(embedder=Lengths()).fit(X, Y), tmp_path / "m.ncd")
    learned = ncd.embed.get_embedder("tfidf:3").fit(QUERIES)
    with pytest.raises(TypeError, match="has learned from other texts"):
        ncd.save_model(ncd.NCDClassifier(embedder=learned).fit(X, Y), tmp_path / "m.ncd")
    assert list(tmp_path.iterdir()) == []


def test_embedders_with_a_reduction_are_made_again(tmp_path):
    texts = [f"{animal} {place} {i}" for i, (animal, place) in enumerate([("cat", "mat"), ("dog", "log")] * 6)]
    labels = [text.split()[0] for text in texts]
    model = ncd.NCDClassifier(embedder="tfidf:6 pca 3", n_neighbors=1).fit(texts, labels)
    ncd.save_model(model, tmp_path / "m.ncd")
    assert ncd.load_model(tmp_path / "m.ncd").predict(texts).tolist() == labels
    given = ncd.load_model(tmp_path / "m.ncd", embedder="tfidf:6 pca 3")
    assert given.predict(texts).tolist() == labels
