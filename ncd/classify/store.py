"""
Models to a file and back, without pickle.

The file is a zip archive of

- ``model.json``: ``format`` ("ncd-model"), ``version`` (2), ``class``, ``ncd`` (the release that wrote it),
  ``params`` (those of the constructor), ``classes`` (the labels), ``made_with`` (library and version that made the
  code lengths or vectors, or cut texts into words or tokens; the fingerprint of an embedder of a path; or nothing);
- ``texts.bin``, ``ends.npy``, ``codes.npy``: the training texts one after another, where each ends, and the class of
  each (int64); counts and dictionaries are made of them again;
- for a `BitsSavedClassifier` also ``model.json``'s ``expert_weights`` and ``class_bias`` and, with the
  expert "strings", arrays: ``labels`` and ``n_children`` (the tree of strings), ``feature`` (which feature each is),
  ``multiplicity`` and ``n_texts`` (of each feature), ``weights``, ``squares`` (upper halves of float32, a row a
  feature and a column a separator), ``machine_bias``.

Reading it runs no code from the file, opens no other file and no connection, and makes no embedder; what is not known
is refused. Of embedders the file holds the name alone: one that needs a path or a download is given by who reads it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import unicodedata
import warnings
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import TextClassifier
from ncd.classify.bits_saved import BitsSavedClassifier
from ncd.classify.code_length import CodeLengthClassifier
from ncd.classify.combination import Combination
from ncd.classify.counted import is_class_model
from ncd.classify.knn import NCDClassifier
from ncd.classify.saved_bits import Machine
from ncd.classify.saved_embedder import check_spec, is_self_contained, made_with, spec_of
from ncd.compressors.registry import get_compressor
from ncd.exceptions import FewLabelsWarning, ModelFileError, WindowWarning
from ncd.files import atomic_path

__all__ = ["load_model", "save_model"]

_FORMAT = "ncd-model"
_VERSION = 2
_CLASSES = (NCDClassifier, CodeLengthClassifier, BitsSavedClassifier)
_NAMES = {cls.__name__: cls for cls in _CLASSES}
_LABELS = str | int | float | bool
_MACHINE = ("labels", "n_children", "feature", "multiplicity", "n_texts", "weights", "squares", "machine_bias")


def save_model(model: TextClassifier, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """
    Write a fitted classifier to a file.

    The file holds the training texts.

    Parameters
    ----------
    model : BitsSavedClassifier, CodeLengthClassifier or NCDClassifier
        Its compressor and its embedder must be given by name, or have a name that makes an equal one; its metric must
        be given by name, and its labels be str, int, float or bool.
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
    if type(model) not in _CLASSES:
        raise TypeError(f"model is a {type(model).__name__}: choose from {', '.join(_NAMES)}")
    check_is_fitted(model)
    head = {
        "format": _FORMAT,
        "version": _VERSION,
        "class": type(model).__name__,
        "ncd": _release(),
        "params": {key: _plain(key, value) for key, value in model.get_params(deep=False).items()},
        "classes": _labels(model.classes_),
        "made_with": _made_with(model),
    }
    arrays: dict[str, NDArray[Any]] = {
        "ends": np.cumsum([len(text) for text in model.texts_], dtype=np.int64),
        "codes": model.codes_,
    }
    if isinstance(model, BitsSavedClassifier):
        head |= {"expert_weights": model.combination_.weights.tolist(), "class_bias": model.combination_.bias.tolist()}
        if "strings" in model.experts_:
            arrays |= model._machine.to_arrays()
    with atomic_path(path, force=force) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", json.dumps(head, indent=1, ensure_ascii=False))
        archive.writestr("texts.bin", b"".join(model.texts_))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def load_model(path: str | os.PathLike[str], *, embedder: Any = None) -> Any:
    """
    Read a classifier that `save_model` wrote.

    Nothing but this file is read: no path and no address in it is followed, and no embedder is made before the model
    is asked for something.

    Parameters
    ----------
    path : path-like
    embedder : str or object, optional
        As in `ncd.pairwise`, in the place of the one that the file names. It must be given where that has a path, may
        download, or is registered with an argument; "tfidf", "word2vec" that learns, "minilm" and "model2vec:minilm"
        need none.

    Returns
    -------
    BitsSavedClassifier, CodeLengthClassifier or NCDClassifier

    Raises
    ------
    ModelFileError
        If the file is no such model, is damaged, or comes from a version or holds a class that this release does not
        know; if its embedder has to be given, and is not.
    ValueError
        If an embedder is given to a model that has none.

    Warns
    -----
    UserWarning
        If the library of the compressor or embedder has another version than the one that the model was made with, or
        the given embedder has other vectors.
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
            model, made = _restore(archive, head), head["made_with"]
    except (ModelFileError, OSError):
        raise
    except Exception as error:
        raise ModelFileError(f"{path} is not a readable model file: {error}") from error
    _give_embedder(model, embedder, path)
    version = _made_with(model)
    if version != made:
        what = "code lengths" if getattr(model, "embedder", None) is None else "vectors"
        here = f"this machine has {version}" if embedder is None else f"{version} takes its place"
        warnings.warn(f"the model was made with {made}, {here}: {what} may differ", stacklevel=2)
    return model


def _give_embedder(model: Any, embedder: Any, path: Path) -> None:
    """The caller's embedder in the place of the file's, or an error where only the caller can name it."""
    named = getattr(model, "embedder", None)
    if embedder is not None:
        if named is None:
            raise ValueError(f"embedder is {embedder!r}, and {path} holds a model without one: leave it out")
        model.embedder = embedder
    elif named is not None and not is_self_contained(named):
        raise ModelFileError(
            f"{path} names the embedder {named!r}, and no path or address is taken from a model file, which anybody "
            f"may have written: if you trust it, say load_model(path, embedder={named!r}), or 'ncd classify --embedder "
            "NAME'"
        )


def _restore(archive: zipfile.ZipFile, head: dict[str, Any]) -> Any:
    """The classifier from the parts of its file; raises for anything that `fit` could not have made."""
    cls = _NAMES[head["class"]]
    known, found = set(cls().get_params(deep=False)), set(head["params"])
    if not known - {"embedder"} <= found <= known:  # which came later
        raise ValueError(f"its parameters are {sorted(found)}, this release's are {sorted(known)}")
    model: Any = cls(**{key: _from_plain(value) for key, value in head["params"].items()})
    blob, ends = archive.read("texts.bin"), _whole_numbers(archive, "ends")
    starts = np.concatenate([[0], ends[:-1]])
    if len(ends) == 0 or ends[-1] != len(blob) or (ends <= starts).any():
        raise ValueError("its texts are damaged")
    texts = [blob[start:end] for start, end in zip(starts, ends, strict=True)]
    classes, codes = _classes(head["classes"]), _whole_numbers(archive, "codes")
    if len(codes) != len(texts) or codes.min() < 0 or codes.max() >= len(classes):
        raise ValueError(f"its codes do not name one of the {len(classes)} classes for each of its {len(texts)} texts")
    if cls is not CodeLengthClassifier and len(np.unique(codes)) < len(classes):
        raise ValueError("a class of it has no text")
    _check_parameters(model, len(texts))
    model.classes_ = classes
    if isinstance(model, CodeLengthClassifier):
        model._keep(texts, codes)
        return model
    model.texts_, model.codes_ = texts, codes
    if isinstance(model, BitsSavedClassifier):
        _restore_experts(model, archive, head)
    return model


def _restore_experts(model: BitsSavedClassifier, archive: zipfile.ZipFile, head: dict[str, Any]) -> None:
    """What a `BitsSavedClassifier` has beside its texts; its class models are counted again."""
    model._check()
    n_classes = len(model.classes_)
    model.counts_ = np.bincount(model.codes_, minlength=n_classes)
    weights, bias = (np.asarray(head[key], np.float64) for key in ("expert_weights", "class_bias"))
    if (
        weights.shape != (len(model.experts_),)
        or bias.shape != (n_classes,)
        or not np.isfinite([*weights, *bias]).all()
    ):
        raise ValueError("the weights of its experts are damaged")
    model.combination_ = Combination(weights, bias)
    model._models = {}
    for expert in model.experts_:
        if expert == "strings":
            model._machine = Machine.from_arrays({name: _array(archive, name) for name in _MACHINE}, model.order)
            if len(model._machine.bias) != (n_classes if n_classes > 2 else 1):
                raise ValueError(f"it has {len(model._machine.bias)} separators for {n_classes} classes")
        else:
            model._count(expert)


def _classes(labels: Any) -> NDArray[Any]:
    """The labels as `fit` keeps them."""
    if not isinstance(labels, list) or len(labels) < 1:
        raise ValueError(f"its classes are {labels!r}: a list of labels is needed")
    if len({type(label) for label in labels}) > 1 or not isinstance(labels[0], _LABELS):
        raise ValueError("its classes are not all str, all int, all float or all bool")
    classes = np.asarray(labels)
    if classes.tolist() != labels or not all(a < b for a, b in pairwise(labels)):
        raise ValueError("its classes are not sorted, or one is there twice")
    return classes


def _check_parameters(model: Any, n_texts: int) -> None:
    """Raise for parameters that `fit` refuses: they are checked, or tried on texts of one byte."""
    params = model.get_params(deep=False)
    n_jobs = params["n_jobs"]
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0):
        raise ValueError(f"n_jobs is {n_jobs!r}: a whole number other than 0, or nothing, is needed")
    for key in ("progress", "remove_overhead"):
        if not isinstance(params.get(key), bool | None):
            raise ValueError(f"{key} is {params[key]!r}: true or false is needed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WindowWarning)
        warnings.simplefilter("ignore", FewLabelsWarning)
        if isinstance(model, NCDClassifier):
            if model.embedder is not None:
                check_spec(model.embedder)
            model._check(n_texts)
        else:
            type(model)(**params).fit([b"x", b"x"], [0, 1])


def _release() -> str:
    """This release's number."""
    from ncd import __version__

    return __version__


def _plain(key: str, value: Any) -> Any:
    """A parameter as JSON can hold it."""
    if key == "compressor" or (key == "model" and not is_class_model(value)):
        return _spec(key, value)
    if key == "embedder" and value is not None:
        return spec_of(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if key == "experts":
        return list(value)
    raise TypeError(f"{key} is {value!r}, which a model file cannot hold: give a name or a number")


def _made_with(model: Any) -> str | None:
    """What code lengths or vectors are made with and may change with its version; None if there is no such thing."""
    if isinstance(model, BitsSavedClassifier):
        return ", ".join(filter(None, map(_alphabet_version, model.experts_))) or None
    if isinstance(model, CodeLengthClassifier) and is_class_model(model.model):
        return _alphabet_version(model.model)
    if isinstance(model, NCDClassifier) and model.embedder is not None:
        return made_with(model.embedder, getattr(model, "embedder_", None))
    return get_compressor(model.compressor if isinstance(model, NCDClassifier) else model.model).version


def _alphabet_version(name: str) -> str | None:
    """What cuts texts into the symbols of a class model."""
    if name == "words":
        return f"Unicode {unicodedata.unidata_version}"
    if name == "tokens":
        return f"tokenizers {importlib.metadata.version('tokenizers')}"
    return None


def _spec(key: str, compressor: Any) -> str:
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
        f"{key} is {compressor!r}, and its name {codec.name!r} does not make it again: register it with "
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


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of the file."""
    with archive.open(f"{name}.npy") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _whole_numbers(archive: zipfile.ZipFile, name: str) -> NDArray[np.int64]:
    """A one-dimensional array of integers of the file."""
    array = _array(archive, name)
    if array.ndim != 1 or array.dtype.kind != "i":
        raise ValueError(f"{name} is not one-dimensional or not of integers")
    return array.astype(np.int64)
