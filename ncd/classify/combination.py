"""Several experts, weighed by the bits that are needed to send the training labels once their scores are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

__all__ = ["Combination", "centred"]

_PRIOR = 3.0
_LEAST = 1e-9  # deviation of scores that are equal but for rounding


@dataclass(frozen=True)
class Combination:
    """
    p(c | text) = softmax_c(bias_c + sum_e weight_e score_{e,c}(text)).

    Attributes
    ----------
    weights : ndarray of float64, shape (n_experts,)
        Not negative.
    bias : ndarray of float64, shape (n_classes,)
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    @classmethod
    def fitted(
        cls, scores: Sequence[NDArray[np.float64]], codes: NDArray[np.int64], *, usable: NDArray[np.bool_]
    ) -> Combination:
        """
        The weights that send the labels in the fewest bits.

        With scores divided by their standard deviation, they minimise the sum of -ln p(label) + 3 (sum of
        (weight - 1/experts)^2 + sum of bias^2), by L-BFGS: without texts all experts count alike. A class without
        texts keeps the bias 0. An expert that says the same of all texts and classes has the weight 0.

        Parameters
        ----------
        scores : sequence of ndarrays, shape (n_texts, n_classes)
            Of texts that the experts have not learned from.
        codes : ndarray of int64, shape (n_texts,)
        usable : ndarray of bool, shape (n_texts,)
            Whether the expert knew the text's class from other texts. The others serve for the deviations only.
        """
        n_classes = scores[0].shape[1]
        deviations = np.array([score.std() for score in scores])
        sizes = np.where(deviations > _LEAST, deviations, np.inf)
        table = np.stack([score[usable] / size for score, size in zip(scores, sizes, strict=True)])
        codes = codes[usable]
        point = np.concatenate([np.full(len(table), 1 / len(table)), np.zeros(n_classes)])
        seen = np.bincount(codes, minlength=n_classes) > 0
        bounds = [(0, None)] * len(table) + [(None, None) if there else (0, 0) for there in seen]
        if len(codes):
            point = minimize(_cost, point, (table, codes), jac=True, method="L-BFGS-B", bounds=bounds).x
        return cls(point[: len(table)] / sizes, point[len(table) :])

    def logits(self, scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Unnormalised ln p, shape (n_texts, n_classes)."""
        return np.tensordot(self.weights, np.stack(scores), 1) + self.bias

    def probabilities(self, scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """p(c | text), shape (n_texts, n_classes)."""
        return softmax(self.logits(scores), axis=1)


def _cost(
    point: NDArray[np.float64], table: NDArray[np.float64], codes: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """What `Combination.fitted` minimises, a text, and its gradient; `point` has the weights, then the biases."""
    n, rows = len(codes), np.arange(len(codes))
    weights, bias = point[: len(table)], point[len(table) :]
    logs = log_softmax(np.tensordot(weights, table, 1) + bias, axis=1)
    error = np.exp(logs)
    error[rows, codes] -= 1
    off = np.concatenate([weights - 1 / len(weights), bias])
    gradient = np.concatenate([np.tensordot(table, error, 2), error.sum(0)]) + 2 * _PRIOR * off
    return float(_PRIOR * off @ off - logs[rows, codes].sum()) / n, gradient / n


def centred(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores less their mean over the classes."""
    return scores - scores.mean(1, keepdims=True)
