"""How far a clustering is from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["clustering_error"]

_NOISE = -1


def _codes(values: Any, name: str) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Labels as numbers from 0, and the different labels."""
    if isinstance(values, str | bytes):
        raise TypeError(f"{name} is {values!r}: give a sequence of labels")
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: give one label for each sample")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name}[{int(np.argmin(np.isfinite(array)))}] is not finite: every sample needs a label")
    if array.dtype.kind == "O":
        different = list(dict.fromkeys(array.tolist()))
        for i, label in enumerate(array.tolist()):
            if label is None or label != label:  # nan
                raise ValueError(f"{name}[{i}] is {label}: every sample needs a label")
        number = {label: i for i, label in enumerate(different)}
        return np.array([number[label] for label in array.tolist()], np.int64), np.array(different, object)
    labels, codes = np.unique(array, return_inverse=True)
    return codes.reshape(-1).astype(np.int64), labels


def clustering_error(y_true: Any, y_pred: Any) -> float:
    r"""
    Share of the samples in a wrong cluster, under the naming of the clusters that makes it smallest.

    .. math:: 1 - \frac{1}{n} \max_\pi \sum_c |\{i : y_i = \pi(c), \hat y_i = c\}|

    over all one-to-one assignments of clusters to classes (found by the Hungarian method). The numbers of clusters and
    classes may differ: samples of a cluster that has no class, and of a class that has no cluster, are wrong.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        Classes: numbers or strings.
    y_pred : array_like of shape (n,)
        Clusters. Samples of cluster -1, which is how scikit-learn marks noise, are wrong.

    Returns
    -------
    float
        0 to 1; 0 if and only if nothing is noise and the two divide the samples in the same way.

    Raises
    ------
    ValueError, TypeError
        If one of them is empty or has a label that is missing, or they are of different length.

    Examples
    --------
    >>> clustering_error(["a", "a", "b", "b"], [1, 1, 0, 0])
    0.0
    >>> clustering_error([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2])
    0.3333333333333333
    """
    from scipy.optimize import linear_sum_assignment

    true, classes = _codes(y_true, "y_true")
    predicted, clusters = _codes(y_pred, "y_pred")
    if len(true) != len(predicted):
        raise ValueError(f"y_true has {len(true):,} labels and y_pred {len(predicted):,}: give the same samples")
    if not len(true):
        raise ValueError("y_true is empty: give at least one label")
    counts = np.zeros((len(clusters), len(classes)), np.int64)
    np.add.at(counts, (predicted, true), 1)
    counts[[not isinstance(cluster, str | bytes) and bool(cluster == _NOISE) for cluster in clusters]] = 0
    right = int(counts[linear_sum_assignment(counts, maximize=True)].sum())
    return (len(true) - right) / len(true)
