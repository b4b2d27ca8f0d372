"""
Models to a file and back, without pickle.

The file is a zip archive of

- ``model.json``: ``format`` ("ncd-model"), ``version`` (1), ``class``, ``ncd`` (the release that wrote it),
  ``params`` (those of the constructor; one that an earlier release did not know is left out where it has its
  default, so that that release can read the file), ``classes`` (the labels), ``compressor_version`` (library and
  version that made the code lengths), ``compressor`` (the one used, where the parameter says "auto");
- ``texts.bin`` and ``ends.npy``: the texts one after another, and where each ends (int64);
- further ``.npy`` arrays of integers, by the class.

Reading it runs no code from the file; what is not known is refused.
"""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import TextClassifier
from ncd.classify.code_length import CodeLengthClassifier
from ncd.classify.knn import NCDClassifier
from ncd.compressors.registry import get_compressor
from ncd.exceptions import ModelFileError, WindowWarning
from ncd.files import atomic_path

__all__ = ["load_model", "save_model"]

_FORMAT = "ncd-model"
_VERSION = 1
#: For each class, the attribute that holds texts and those that hold arrays of integers.
_STATE = {
    NCDClassifier: ("texts_", ("codes_",)),
    CodeLengthClassifier: ("dictionaries_", ("owners_", "deals_", "counts_")),
}
#: Parameters that the first files of version 1 do not have: what is missing has its default.
_LATER = {"prefilter": None, "candidates": None, "engine": "auto"}
_LABELS = str | int | float | bool
_NAMES = {cls.__name__: cls for cls in _STATE}


def save_model(model: TextClassifier, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """
    Write a fitted classifier to a file.

    Parameters
    ----------
    model : NCDClassifier or CodeLengthClassifier
        Its compressor must be given by name, or have a name that makes an equal one; its metric must be given by name,
        and its labels be str, int, float or bool.
    path : path-like
    force : bool
        Replace an existing file.

    Raises
    ------
    TypeError
        If the model, or one of its parameters or labels, cannot be written without pickle.
    FileExistsError
        If the file exists and `force` is false.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Examples
    --------
    >>> import tempfile, ncd
    >>> model = ncd.CodeLengthClassifier().fit(["good and fine", "bad and poor"], ["+", "-"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ncd.save_model(model, folder + "/mood.ncd")
    ...     ncd.load_model(folder + "/mood.ncd").predict(["a fine thing"]).tolist()
    ['+']
    """
    if type(model) not in _STATE:
        raise TypeError(f"model is a {type(model).__name__}: choose from {', '.join(_NAMES)}")
    check_is_fitted(model)
    texts_name, arrays = _STATE[type(model)]
    texts: list[bytes] = getattr(model, texts_name)
    head = {
        "format": _FORMAT,
        "version": _VERSION,
        "class": type(model).__name__,
        "ncd": _release(),
        "params": {
            key: _plain(key, value)
            for key, value in model.get_params(deep=False).items()
            if key not in _LATER or value != _LATER[key]
        },
        "classes": _labels(model.classes_),
        "compressor": _spec(_used(model)),
        "compressor_version": get_compressor(_used(model)).version,
    }
    with atomic_path(path, force=force) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", json.dumps(head, indent=1, ensure_ascii=False))
        archive.writestr("texts.bin", b"".join(texts))
        archive.writestr("ends.npy", _to_npy(np.cumsum([len(text) for text in texts], dtype=np.int64)))
        for name in arrays:
            archive.writestr(f"{name}.npy", _to_npy(np.asarray(getattr(model, name), np.int64)))


def load_model(path: str | os.PathLike[str]) -> Any:
    """
    Read a classifier that `save_model` wrote.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    NCDClassifier or CodeLengthClassifier

    Raises
    ------
    ModelFileError
        If the file is no such model, is damaged, or comes from a version or holds a class that this release does not
        know.

    Warns
    -----
    UserWarning
        If the compressor's library has another version than the one that the model was made with.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            head = json.loads(archive.read("model.json"))
            if not isinstance(head, dict) or head.get("format") != _FORMAT:
                raise ModelFileError(f"{path} is not a model file of ncd")
            if head["version"] != _VERSION:
                raise ModelFileError(f"{path} has version {head['version']!r}; this release reads version {_VERSION}")
            if head["class"] not in _NAMES:
                raise ModelFileError(f"{path} holds a {head['class']!r}; this release knows {', '.join(_NAMES)}")
            model = _restore(archive, head)
            version = get_compressor(_used(model)).version
            made_with = head["compressor_version"]
    except (ModelFileError, OSError):
        raise
    except Exception as error:
        raise ModelFileError(f"{path} is not a readable model file: {error}") from error
    if version != made_with:
        warnings.warn(
            f"the model was made with {made_with}, this machine has {version}: code lengths may differ", stacklevel=2
        )
    return model


def _restore(archive: zipfile.ZipFile, head: dict[str, Any]) -> Any:
    """The classifier from the parts of its file; raises for anything that `fit` could not have made."""
    cls = _NAMES[head["class"]]
    known, found = set(cls().get_params(deep=False)), set(head["params"])
    if not known - set(_LATER) <= found <= known:
        raise ValueError(f"its parameters are {sorted(found)}, this release's are {sorted(known)}")
    model: Any = cls(**{key: _from_plain(value) for key, value in head["params"].items()})
    texts_name, arrays = _STATE[cls]
    blob, ends = archive.read("texts.bin"), _from_npy(archive.read("ends.npy"))
    starts = np.concatenate([[0], ends[:-1]])
    if len(ends) == 0 or ends[-1] != len(blob) or (ends <= starts).any():
        raise ValueError("its texts are damaged")
    if cls is CodeLengthClassifier:
        get_compressor(head["compressor"])
        model.compressor_ = head["compressor"]
    setattr(model, texts_name, [blob[start:end] for start, end in zip(starts, ends, strict=True)])
    model.classes_ = _classes(head["classes"])
    for name in arrays:
        setattr(model, name, _from_npy(archive.read(f"{name}.npy")))
    _check_state(model, len(ends))
    _check_parameters(model, len(ends))
    return model


def _classes(labels: Any) -> NDArray[Any]:
    """The labels as `fit` keeps them."""
    if not isinstance(labels, list) or len(labels) < 2:
        raise ValueError(f"its classes are {labels!r}: a list of two labels or more is needed")
    if len({type(label) for label in labels}) > 1 or not isinstance(labels[0], _LABELS):
        raise ValueError("its classes are not all str, all int, all float or all bool")
    classes = np.asarray(labels)
    if classes.tolist() != labels or not all(a < b for a, b in pairwise(labels)):
        raise ValueError("its classes are not sorted, or one is there twice")
    return classes


def _check_state(model: Any, n_texts: int) -> None:
    """Raise unless the arrays fit the texts, the classes and each other."""
    n_classes = len(model.classes_)
    owners = "codes_" if isinstance(model, NCDClassifier) else "owners_"
    sizes = {owners: n_texts}
    if isinstance(model, CodeLengthClassifier):
        sizes |= {"deals_": n_texts, "counts_": n_classes}
    for name, size in sizes.items():
        array = getattr(model, name)
        if len(array) != size:
            raise ValueError(f"{name} has {len(array)} entries where {size} are needed")
        if (array < (name == "counts_")).any():
            raise ValueError(f"{name} has an entry that is too small ({array.min()})")
    if not np.array_equal(np.unique(getattr(model, owners)), np.arange(n_classes)):
        raise ValueError(f"{owners} does not name each of the {n_classes} classes, and no other")


def _check_parameters(model: Any, n_texts: int) -> None:
    """Raise for parameters that `fit` refuses, by a trial on texts of one byte."""
    params = model.get_params(deep=False)
    n_jobs = params["n_jobs"]
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0):
        raise ValueError(f"n_jobs is {n_jobs!r}: a whole number other than 0, or nothing, is needed")
    for key in ("progress", "remove_overhead"):
        if not isinstance(params.get(key), bool | None):
            raise ValueError(f"{key} is {params[key]!r}: true or false is needed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WindowWarning)
        count = n_texts if isinstance(model, NCDClassifier) else 2  # n_neighbors is at most the number of texts
        type(model)(**params).fit([b"x"] * count, [0] + [1] * (count - 1))


def _release() -> str:
    """This release's number."""
    from ncd import __version__

    return __version__


def _plain(key: str, value: Any) -> Any:
    """A parameter as JSON can hold it."""
    if key == "compressor" and value != "auto":
        return _spec(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": bytes(value).hex()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.integer):
        return int(value)
    raise TypeError(f"{key} is {value!r}, which a model file cannot hold: give a name or a number")


def _used(model: Any) -> Any:
    """The compressor that a model's code lengths are made with."""
    return getattr(model, "compressor_", model.compressor)


def _spec(compressor: Any) -> str:
    """A name that makes the compressor again."""
    codec = get_compressor(compressor)
    try:
        if get_compressor(codec.name) == codec:
            return codec.name
    except Exception:
        pass  # the name is that of no compressor
    if isinstance(compressor, str):  # registered; each look-up may make another object
        return compressor
    raise TypeError(
        f"compressor is {compressor!r}, and its name {codec.name!r} does not make it again: register it with "
        "ncd.register_compressor and give it by name"
    )


def _from_plain(value: Any) -> Any:
    """The inverse of `_plain`."""
    return bytes.fromhex(value["bytes"]) if isinstance(value, dict) else value


def _labels(classes: NDArray[Any]) -> list[Any]:
    """Labels as JSON can hold them."""
    labels: list[Any] = classes.tolist()
    if not all(isinstance(label, _LABELS) for label in labels):
        raise TypeError(f"labels are {type(labels[0]).__name__}: a model file holds str, int, float and bool")
    return labels


def _to_npy(array: NDArray[Any]) -> bytes:
    """An array as an .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_npy(data: bytes) -> NDArray[Any]:
    """The inverse of `_to_npy`."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind != "i":
        raise ValueError("an array of it is not one-dimensional or not of integers")
    return array.astype(np.int64)
