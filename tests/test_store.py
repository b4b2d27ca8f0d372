"""Models on disk."""

import io
import json
import zipfile

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import ncd
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


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "m.ncd"
    ncd.save_model(ncd.CodeLengthClassifier().fit(X, Y), path)
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
        ({"version": 2}, "has version 2; this release reads version 1"),
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
        {"arrays": {"codes_": [0, 1, 0]}},
        {"arrays": {"codes_": [0, 1, 0, 2]}},
        {"arrays": {"codes_": [0, 1, 0, -1]}},
        {"arrays": {"codes_": [0, 0, 0, 0]}},
        {"arrays": {"codes_": [0.0, 1.0, 0.0, 1.0]}},
        {"arrays": {"codes_": [FOUR]}},
        {"arrays": {"ends": [3, 2, 1, 20]}},
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
        {"arrays": {"owners_": [0, 1, 0]}},
        {"arrays": {"owners_": [0, 1, 0, 2]}},
        {"arrays": {"owners_": [0, 1, -1, 1]}},
        {"arrays": {"owners_": [1, 1, 1, 1]}},
        {"arrays": {"deals_": [0, 0, 1]}},
        {"arrays": {"deals_": [0, 0, -1, 1]}},
        {"arrays": {"counts_": [2]}},
        {"arrays": {"counts_": [2, 0]}},
        {"params": {"reduce": "median"}},
        {"params": {"deals": 0}},
        {"params": {"dictionaries": "two"}},
    ],
}
ALWAYS_IMPOSSIBLE = [
    {"classes": []},
    {"classes": ["a"]},
    {"classes": "ab"},
    {"classes": ["b", "a"]},
    {"classes": ["a", "a"]},
    {"classes": ["a", "b", "c"]},
    {"classes": ["a", 1]},
    {"classes": [0, True]},
    {"classes": [0.0, float("nan")]},
    {"classes": [None, None]},
    {"classes": [["a"], ["b"]]},
    {"params": {"compressor": "no such"}},
    {"params": {"compressor": 3}},
    {"params": {"separator": None}},
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
    options = {"n_neighbors": 4} if kind is ncd.NCDClassifier else {"dictionaries": 2}
    ncd.save_model(kind(**options).fit(["one", "two", "three", "four"], ["a", "b", "a", "b"]), path)
    ncd.load_model(path)
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
    for family, factory in (("made", lambda: Distinct(name)), ("kept", Distinct(name))):
        ncd.register_compressor(family, factory)
        model = kind(family).fit(X, Y)
        ncd.save_model(model, tmp_path / family)
        loaded = ncd.load_model(tmp_path / family)
        assert loaded.compressor == family
        assert loaded.predict(QUERIES).tolist() == model.predict(QUERIES).tolist()


def test_models_of_earlier_releases(tmp_path):
    """Without the parameters that came later; and what does not use these is written as it was before."""
    path = tmp_path / "m.ncd"
    for changes, later in (({}, set()), ({"prefilter": "shingles"}, {"prefilter"})):
        model = ncd.NCDClassifier("deflate:9", n_neighbors=3, **changes).fit(X, Y)
        ncd.save_model(model, path, force=True)
        with zipfile.ZipFile(path) as archive:
            params = json.loads(archive.read("model.json"))["params"]
        assert {*model.get_params()} - {*params} == {"prefilter", "candidates", "engine"} - later
        assert ncd.load_model(path).get_params() == model.get_params()


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
    rewrite(saved, compressor_version="libzstd 0.0.1")
    with pytest.warns(UserWarning, match="libzstd 0.0.1"):
        ncd.load_model(saved)


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
