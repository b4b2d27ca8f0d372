"""What the text classifiers share: reading texts and labels, and scikit-learn's conventions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from ncd.corpus import Texts, as_corpus, is_missing

__all__ = ["TextClassifier", "as_labels", "check_choice", "check_whole", "read_labelled"]


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Raise unless the value of a parameter is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}: choose from {', '.join(map(repr, choices))}")


def check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Raise unless the value of a parameter is a whole number within bounds."""
    within = f"from {low} to {high}" if high is not None else f"from {low}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}: give a whole number {within}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} is {value}: give a whole number {within}")


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """
    A scikit-learn classifier whose X is a collection of texts instead of a matrix.

    Attributes
    ----------
    classes_ : ndarray
        The labels seen by `fit`, sorted.
    """

    classes_: NDArray[Any]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def _read(self, X: Texts, y: Any) -> tuple[list[bytes], NDArray[np.int64]]:
        """Texts as bytes and labels as indices into `classes_`, which this sets."""
        texts, labels = read_labelled(X, y)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_.tolist()[0]!r}): at least two are needed")
        return texts, codes.astype(np.int64)


def read_labelled(X: Texts, y: Any) -> tuple[list[bytes], NDArray[Any]]:
    """Texts as bytes and one label for each."""
    texts, labels = as_corpus(X, name="X"), as_labels(y, "y")
    if len(labels) != len(texts):
        raise ValueError(f"y has {len(labels)} labels and X {len(texts)} texts: give one label a text")
    return texts, labels


def as_labels(y: Any, name: str) -> NDArray[Any]:
    """Labels of one kind, none missing, as an array of shape (n,)."""
    items: Any = list(y) if isinstance(y, list | tuple) or hasattr(y, "to_list") else np.asarray(y)
    # Looked for before the list becomes an array, in which NaN beside strings is the string "nan".
    several = isinstance(items, list) or items.ndim > 0
    missing = next((i for i, label in enumerate(items) if is_missing(label)), None) if several else None
    if missing is not None:
        raise ValueError(f"{name}[{missing}] is {items[missing]}, a missing value: drop it or give it a label")
    labels = np.asarray(items)
    if labels.ndim != 1:
        raise ValueError(f"{name} has shape {labels.shape}: give one label a text")
    if len({isinstance(label, str) for label in items}) > 1:
        raise TypeError(f"{name} mixes str with other labels: make them all str")
    with warnings.catch_warnings():  # a class for nearly every text is no sign of a regression here
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        check_classification_targets(labels)
    return np.asarray(labels.tolist()) if labels.dtype == object else labels
