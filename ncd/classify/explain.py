"""
Decisions divided among the bytes of a text.

A class model charges the bits of a symbol to the bytes that the symbol stands for, in equal parts. A string of the
bits-saved machine charges its weight to the places where it occurs, in equal parts, and there to its bytes. Texts are
read between two marks, which are no bytes of theirs: a string that reaches over an end charges those of its bytes that
the text has. What only the marks could be charged with is constant.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.counted import Counted
from ncd.classify.explanation import ExpertBits, Explanation
from ncd.classify.framed import new_frame
from ncd.classify.saved_bits import Machine, factors_of
from ncd.classify.spans import spans_of
from ncd.corpus import Text, as_bytes
from ncd.exceptions import EmptyTextError
from ncd.kernels.jit import announced
from ncd.kernels.ngram_features import Strings, nodes_of

if TYPE_CHECKING:
    from ncd.classify.bits_saved import BitsSavedClassifier
    from ncd.classify.code_length import CodeLengthClassifier

__all__ = ["explain_bits_saved", "explain_code_lengths"]

_BLOCK = 1 << 22  # code lengths of positions under classes that are in memory at one time


def explain_code_lengths(model: CodeLengthClassifier, text: Text, against: Any) -> Explanation:
    """See `CodeLengthClassifier.explain`."""
    check_is_fitted(model)
    counted = model._prepared()
    if not isinstance(counted, Counted):
        raise TypeError(
            f"model is {model.model!r}, a compressor, whose code lengths cannot be divided among the bytes of a text: "
            "choose 'ngram', 'words' or 'tokens', or BitsSavedClassifier"
        )
    data = _not_empty(text)
    mine, other = _pair(model, -model.code_lengths([data])[0], data, against, known=model.counts_ > 0)
    said = _by_model(counted, data, mine, other)
    labels = model.classes_.tolist()
    return Explanation(
        data, labels[mine], labels[other], said.bits, said.constant, {str(model.model): said}, "bits saved"
    )


def explain_bits_saved(model: BitsSavedClassifier, text: Text, against: Any) -> Explanation:
    """See `BitsSavedClassifier.explain`."""
    check_is_fitted(model)
    data = _not_empty(text)
    decision = model.decision_function([data])[0]
    scores = np.array([0.0, decision]) if len(model.classes_) == 2 else decision
    mine, other = _pair(model, scores, data, against, known=model.counts_ > 0)
    combination = model.combination_
    experts: dict[str, ExpertBits] = {}
    for expert, weight in zip(model.experts_, combination.weights.tolist(), strict=True):
        if expert == "strings":
            said, scale = _by_strings(model._machine, data, mine, other), weight / np.log(2)
        else:
            said, scale = _by_model(model._models[expert], data, mine, other), weight / np.log(2)
            scale /= np.sqrt(len(data) + 1)
        experts[expert] = ExpertBits(said.bits * scale, float(said.constant * scale))
    bias = float(combination.bias[mine] - combination.bias[other]) / np.log(2)
    return Explanation(
        data,
        model.classes_.tolist()[mine],
        model.classes_.tolist()[other],
        np.sum([said.bits for said in experts.values()], axis=0),
        float(bias + sum(said.constant for said in experts.values())),
        experts,
        "log2 odds",
    )


def _not_empty(text: Text) -> bytes:
    """A text as bytes, of which there is one at least."""
    data = as_bytes(text)
    if not data:
        raise EmptyTextError("text is empty: there is nothing that a decision could be charged to")
    return data


def _pair(
    model: Any, scores: NDArray[np.float64], text: bytes, against: Any, *, known: NDArray[np.bool_]
) -> tuple[int, int]:
    """The indices of the predicted class and of the other one."""
    labels = model.classes_.tolist()
    mine = labels.index(model.predict([text]).tolist()[0])
    others = [i for i in range(len(labels)) if known[i] and i != mine]
    if not others:
        raise ValueError(f"only one class, {labels[mine]!r}, has training texts: there is no other to compare it with")
    if against is None:
        return mine, max(others, key=lambda i: (scores[i], model.counts_[i]))
    if isinstance(against, np.generic):
        against = against.item()
    choices = f"choose from {', '.join(repr(labels[i]) for i in others)}"
    at = next(
        (
            i
            for i, label in enumerate(labels)
            if label == against and isinstance(label, bool) == isinstance(against, bool)
        ),
        None,
    )
    if at is None:
        raise ValueError(f"against is {against!r}, no class of the model: {choices}")
    if at == mine:
        raise ValueError(f"against is {against!r}, the predicted class itself: {choices}")
    if not known[at]:
        raise ValueError(f"against is {against!r}, a class without training texts: {choices}")
    return mine, at


def _by_model(counted: Counted, text: bytes, mine: int, other: int) -> ExpertBits:
    """The code length under one class model less that under another, in bits."""
    symbols, order = counted.frame.read([text]).symbols, counted.model.rule.order
    saved = np.zeros(len(symbols))
    step = max(1, _BLOCK // counted.model.n_classes)
    for start in range(0, len(symbols), step):
        seen = max(0, start - order)  # no more than the contexts that the block needs
        block = counted.model.positions(symbols[seen : start + step])[start - seen :]
        saved[start : start + len(block)] = block[:, other] - block[:, mine]
    spans = spans_of(counted.frame.alphabet, text)
    return ExpertBits(_spread(saved[1:-1], spans, len(text)), float(saved[-1]))


def _spread(bits: NDArray[np.float64], spans: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Bits of spans in equal parts on their bytes, which no span is without."""
    lengths = spans[:, 1] - spans[:, 0]
    at = np.arange(lengths.sum()) + np.repeat(spans[:, 0] - (np.cumsum(lengths) - lengths), lengths)
    return np.bincount(at, np.repeat(bits / lengths, lengths), minlength=size).astype(np.float64)


def _by_strings(machine: Machine, text: bytes, mine: int, other: int) -> ExpertBits:
    """The score of one separator less that of another."""
    _compiled()
    strings, order = machine.vocabulary.strings, machine.vocabulary.order
    symbols = new_frame("bytes").read([text]).symbols
    nodes = np.empty((len(symbols), order + 1), np.int64)
    nodes_of(strings, symbols, order, np.empty(order + 1, np.int64), nodes)
    found = [_occurrences(strings, nodes[:, size]) for size in range(1, order + 1)]
    features, often = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    weights, constant = _differences(machine, features, factors_of(often), mine, other)
    bits, first = np.zeros(len(symbols)), 0
    for size, (feature, times, ends, of) in enumerate(found, 1):
        share = (weights[first : first + len(feature)] / times)[of]
        first += len(feature)
        inside = size - (ends < size) - (ends == len(symbols) - 1)  # bytes that are no marks
        constant += float(share[inside == 0].sum())
        share /= np.maximum(inside, 1)
        for back in range(size):
            bits[ends - back] += share  # one string of a size ends at a byte
    return ExpertBits(bits[1:-1], constant)


def _occurrences(
    strings: Strings, nodes: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """The distinct strings of one size, as features, how often each is there, where it ends, and which one that is."""
    ends = np.flatnonzero(nodes >= 0)
    ends = ends[strings.feature[nodes[ends]] >= 0]
    distinct, of, times = np.unique(nodes[ends], return_inverse=True, return_counts=True)
    return strings.feature[distinct], times, ends.astype(np.int32), of.astype(np.int32)


def _differences(
    machine: Machine, features: NDArray[np.int32], factors: NDArray[np.float64], mine: int, other: int
) -> tuple[NDArray[np.float64], float]:
    """What each of a text's distinct strings adds to the score of a class less that of another; and the biases."""
    if len(machine.bias) == 1:  # two classes: the separator speaks for the second
        weights, bias = _weights(machine, features, factors, 0)
        sign = 2 if mine == 1 else -2
        return sign * weights, sign * bias
    own, own_bias = _weights(machine, features, factors, mine)
    others, other_bias = _weights(machine, features, factors, other)
    return own - others, own_bias - other_bias


def _weights(
    machine: Machine, features: NDArray[np.int32], factors: NDArray[np.float64], separator: int
) -> tuple[NDArray[np.float64], float]:
    """What each of a text's distinct strings adds to one separator's score; and the bias."""
    weights, squares = (column.astype(np.float64) for column in machine.columns(separator, features))
    norm = np.sqrt(max((squares * factors**2).sum(), float(np.finfo(np.float32).tiny)))
    return weights * factors / norm, float(machine.bias[separator])


@cache
def _compiled() -> None:
    """Compile the kernel, or load it from disk, once in a process."""
    with announced("the kernel of explanations"):
        node = np.zeros(1, np.int32)
        strings = Strings(np.full(256, -1, np.int32), node.astype(np.uint8), np.zeros(2, np.uint32), node)
        nodes_of(strings, np.zeros(1, np.uint8), 1, np.zeros(2, np.int64), np.empty((1, 2), np.int64))
