"""Models on disk."""

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


def rewrite(path, **changes):
    """The same file with other entries in its head."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(parts["model.json"])
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
        ({"params": {"compressor": "gzip"}}, "its parameters are"),
    ],
)
def test_refuses_what_it_does_not_know(saved, changes, words):
    rewrite(saved, **changes)
    with pytest.raises(ncd.ModelFileError, match=words):
        ncd.load_model(saved)


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
