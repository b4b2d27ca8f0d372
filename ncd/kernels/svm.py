"""
Linear support vector machines, eight at a time, on features that each machine scales in its own way.

Machine l minimises 1/2 |v|^2 + C sum_i max(0, 1 - y_i (v . x_i + b))^2, with the bias b as one more weight, by dual
coordinate descent (Hsieh et al., ICML 2008). Its x_i are of norm 1: feature f of text i has the value
factor s_l(f) / norm_{l,i}, the factor by how often the text has it. A row of `rows` has, for each of the eight
machines, s_l(f) v_l(f), then s_l(f)^2, both times the feature's multiplicity: one line of the cache.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel
from ncd.kernels.lanes import LANES, add_rows, change_rows

__all__ = ["count_signs", "train"]


@inlined
def _next_random(state: NDArray[np.uint64]) -> np.uint64:
    """xorshift64* (Vigna, 2016)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(0x2545F4914F6CDD1D)


@kernel
def train(
    ends: NDArray[np.int64],
    features: NDArray[np.uint32],
    steps: NDArray[np.uint8],
    factors: NDArray[np.float32],
    rows: NDArray[np.float32],
    scale: NDArray[np.float32],
    signs: NDArray[np.int8],
    duals: NDArray[np.float32],
    bias: NDArray[np.float32],
    order: NDArray[np.int64],
    state: NDArray[np.uint64],
    cost: float,
    epochs: int,
    tolerance: float,
    violations: NDArray[np.float32],
    sums: NDArray[np.float32],
    changes: NDArray[np.float32],
) -> int:
    """
    Go over the texts in random order until no machine gains, or so many times.

    Parameters
    ----------
    ends, features, steps
        The features of each text, and how often it has each (`ncd.kernels.ngram_features.STEPS`).
    factors : ndarray of float32, shape (32,)
        What each step multiplies a feature's value by.
    rows : ndarray of float32, shape (n_features, 16)
        The first halves 0; at the end: the weights.
    scale : ndarray of float32, shape (n_texts, 8)
        1 / norm.
    signs : ndarray of int8, shape (n_texts, 8)
        y; 0: the machine does not see the text.
    duals : ndarray of float32, shape (n_texts, 8)
        0; at the end: the dual variables.
    bias : ndarray of float32, shape (8,)
    order : ndarray of int64, shape (n_texts,)
        The texts.
    state : ndarray of uint64, shape (1,)
        State of the random numbers, not 0.
    cost : float
        C.
    epochs : int
    tolerance : float
        Enough if no projected gradient was larger.
    violations : ndarray of float32, shape (8,)
        The largest projected gradient of each machine in the last round.
    sums, changes : ndarrays of float32, shape (8,)
        Scratch.

    Returns
    -------
    int
        Rounds.
    """
    half = np.float32(0.5 / cost)
    curvature = np.float32(2.0) + half
    zero, one = np.float32(0.0), np.float32(1.0)
    for epoch in range(epochs):
        for i in range(len(order) - 1, 0, -1):
            j = np.int64((_next_random(state) >> np.uint64(11)) % np.uint64(i + 1))
            order[i], order[j] = order[j], order[i]
        for lane in range(LANES):
            violations[lane] = zero
        for text in order:
            begin = ends[text - 1] if text > 0 else 0
            stop = ends[text]
            add_rows(rows, 0, features, steps, factors, begin, stop, sums)
            moved = False
            for lane in range(LANES):
                step_lane = zero
                sign = np.float32(signs[text, lane])
                if sign != zero:
                    dual = duals[text, lane]
                    gradient = sign * (sums[lane] * scale[text, lane] + bias[lane]) - one + half * dual
                    projected = min(gradient, zero) if dual == zero else gradient
                    violations[lane] = max(violations[lane], abs(projected))
                    if projected != zero:
                        new = max(dual - gradient / curvature, zero)
                        duals[text, lane] = new
                        step_lane = (new - dual) * sign
                        bias[lane] += step_lane
                        moved = moved or step_lane != zero
                        step_lane *= scale[text, lane]
                changes[lane] = step_lane
            if moved:
                change_rows(rows, features, steps, factors, begin, stop, changes)
        worst = zero
        for lane in range(LANES):
            worst = max(worst, violations[lane])
        if worst <= tolerance:
            return epoch + 1
    return epochs


@kernel
def count_signs(
    ends: NDArray[np.int64], features: NDArray[np.uint32], signs: NDArray[np.int8], rows: NDArray[np.float32]
) -> None:
    """Count for each feature the texts of sign 1 in the first half of its row, those of sign -1 in the second."""
    begin = 0
    for text in range(len(ends)):
        for at in range(begin, ends[text]):
            row = np.uint64(features[at])
            for lane in range(LANES):
                rows[row, lane] += np.float32(signs[text, lane] > 0)
                rows[row, LANES + lane] += np.float32(signs[text, lane] < 0)
        begin = ends[text]
