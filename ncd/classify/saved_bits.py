"""The bits-saved n-gram machine: strings scaled by what they save, a linear separator a class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.classify.framed import Frame, Framed, new_frame
from ncd.classify.parallel import in_threads
from ncd.classify.vocabulary import TextFeatures, Vocabulary, find_strings
from ncd.kernels.jit import announced
from ncd.kernels.lanes import LANES, sum_rows
from ncd.kernels.ngram_features import STEPS
from ncd.kernels.svm import count_signs, train
from ncd.memory import give_back

__all__ = ["FACTORS", "Machine", "MachineRule", "factors_of", "fit_machine"]

_SEED = 0x9E3779B97F4A7C15
_PART = 1 << 16  # rows

#: What a string's value is multiplied by, by how often the text has it.
FACTORS = (1 + np.log(STEPS)).astype(np.float32)


@dataclass(frozen=True)
class MachineRule:
    """
    How a machine is trained.

    Attributes
    ----------
    order : int
        Length of the longest strings.
    least : int
        Texts that must have a string.
    cost : float
        C of the support vector machines.
    rounds : int
        Rounds over the texts, at most.
    tolerance : float
        A round is the last one if no projected gradient in it is larger.
    most : int or None
        Numbers (features x classes) that may be kept; the features that fewest texts have are left out beyond.
    """

    order: int = 6
    least: int = 2
    cost: float = 3.0
    rounds: int = 12
    tolerance: float = 0.1
    most: int | None = None


@dataclass(frozen=True)
class Machine:
    """
    One linear separator a class (for two classes: one in all).

    Attributes
    ----------
    vocabulary : Vocabulary
    rows : ndarray of uint16, shape (n_blocks, n_features, 16)
        For eight separators each: the weight of a string, then the square of its value; the upper halves of float32.
    bias : ndarray of float32, shape (n_separators,)
    """

    vocabulary: Vocabulary
    rows: NDArray[np.uint16]
    bias: NDArray[np.float32]

    def scores(self, texts: Framed, n_jobs: int | None) -> NDArray[np.float64]:
        """Signed distances to the separators, shape (n_texts, n_separators)."""
        found = self.vocabulary.features(texts, each_string=True, n_jobs=n_jobs)
        weights, squares = self.sums(found, n_jobs)
        return weights / np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny)) + self.bias

    def sums(self, found: TextFeatures, n_jobs: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each text and separator the sums of its strings' weights and of their squared values."""

        def halves(block: int) -> NDArray[np.float32]:
            both = np.empty((2, len(found.ends), LANES), np.float32)
            for half in (0, 1):
                sum_rows(*_of(found, half), self.rows[block], half * LANES, both[half])
            return both

        both = np.concatenate(in_threads(halves, range(len(self.rows)), n_jobs), axis=2)
        used = both[:, :, : len(self.bias)].astype(np.float64)
        return used[0], used[1]

    def columns(self, separator: int, features: Any = slice(None)) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight and square of a string of each feature, or of those asked for, for one separator."""
        block, lane = divmod(separator, LANES)
        halves = self.rows[block][features][:, [lane, LANES + lane]].T.astype(np.uint32)
        weights, squares = (halves << np.uint32(16)).view(np.float32)
        return weights, squares

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, for a file."""
        n = len(self.bias)
        halves = self.rows.reshape(len(self.rows), -1, 2, LANES)
        weights, squares = (np.concatenate(list(halves[:, :, half]), axis=1)[:, :n] for half in (0, 1))
        return {**self.vocabulary.to_arrays(), "weights": weights, "squares": squares, "machine_bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], order: int) -> Machine:
        """The machine that `to_arrays` has taken apart; ValueError for what cannot be one."""
        vocabulary = Vocabulary.from_arrays(arrays, order)
        bias = arrays["machine_bias"]
        n, size = len(bias), vocabulary.size
        blocks = -(-n // LANES)
        rows = np.zeros((blocks, size, 2 * LANES), np.uint16)
        for half, name in enumerate(("weights", "squares")):
            table = arrays[name]
            if table.shape != (size, n) or table.dtype != np.uint16 or bias.dtype != np.float32:
                raise ValueError(f"its {name} are damaged")
            for block in range(blocks):
                part = table[:, block * LANES : (block + 1) * LANES]
                rows[block, :, half * LANES : half * LANES + part.shape[1]] = part
        return cls(vocabulary, rows, bias)


def fit_machine(
    texts: Framed,
    signs: NDArray[np.int8],
    frame: Frame,
    rule: MachineRule,
    n_jobs: int | None,
    *,
    left_out: Sequence[NDArray[np.int64]] = (),
    done: Callable[[int, int], None] = lambda step, steps: None,
) -> tuple[Machine, NDArray[np.float64]]:
    """
    Train separators, and train them again without some of the texts.

    Parameters
    ----------
    texts : Framed
    signs : ndarray of int8, shape (n_texts, n_separators)
        For each separator 1 for texts of its class, -1 for others, 0 for texts that it must not see.
    left_out : sequence of ndarrays of int64
        For each further training the texts that are left out; none of them twice.
    done : callable
        Hears of each of the steps.

    Returns
    -------
    Machine
    ndarray of float64, shape (n_texts, n_separators)
        What each separator says of the texts when it has not seen them; 0 for those that it always sees.
    """
    _compiled()
    made = _fit(texts, signs, frame, rule, n_jobs, left_out, done)
    give_back()
    return made


@cache
def _compiled() -> None:
    """Compile the kernels, or load them from disk, once in a process."""
    with announced("the kernels of the separators"):
        frame = new_frame("bytes")
        texts = frame.learn([b"to be", b"or not", b"or be"])
        signs = np.array([[1], [-1], [0]], np.int8)
        machine, _ = _fit(texts, signs, frame, MachineRule(), 1, (), lambda step, steps: None)
        machine.scores(texts, 1)


def _fit(
    texts: Framed,
    signs: NDArray[np.int8],
    frame: Frame,
    rule: MachineRule,
    n_jobs: int | None,
    left_out: Sequence[NDArray[np.int64]],
    done: Callable[[int, int], None],
) -> tuple[Machine, NDArray[np.float64]]:
    """`fit_machine`, with kernels that may have to be compiled."""
    n_separators = signs.shape[1]
    most = None if rule.most is None else max(1, rule.most // n_separators)
    vocabulary = find_strings(texts, frame, rule.order, least=rule.least, most=most, n_jobs=n_jobs)
    found = vocabulary.features(texts, each_string=False, n_jobs=n_jobs)
    give_back()
    multiplicity = vocabulary.multiplicity.astype(np.float32)[:, None]
    n_lanes = n_separators * (1 + len(left_out))
    n_blocks = -(-n_lanes // LANES)
    said = np.zeros(signs.shape)

    def separate(block: int) -> tuple[NDArray[np.uint16] | None, NDArray[np.float32]]:
        lanes = range(block * LANES, min((block + 1) * LANES, n_lanes))
        part = np.zeros((len(texts), LANES), np.int8)
        for place, lane in enumerate(lanes):
            part[:, place] = signs[:, lane % n_separators]
            if lane >= n_separators:
                part[left_out[lane // n_separators - 1], place] = 0
        rows, bias = _trained(found, part, multiplicity, rule)
        if (part[:, : len(lanes)] == 0).any():
            sums = np.empty((2, len(texts), LANES), np.float32)
            for half in (0, 1):
                sum_rows(*_of(found, half), rows, half * LANES, sums[half])
            scores = sums[0] / np.sqrt(np.maximum(sums[1], np.finfo(np.float32).tiny)) + bias
            for place, lane in enumerate(lanes):
                unseen = np.flatnonzero(part[:, place] == 0)
                said[unseen, lane % n_separators] = scores[unseen, place]
        done(1, n_blocks)
        return (_upper_halves(rows, multiplicity) if lanes[0] < n_separators else None), bias

    blocks = in_threads(separate, range(n_blocks), n_jobs)
    rows = [made for made, _ in blocks if made is not None]
    bias = np.concatenate([own for _, own in blocks])[:n_separators]
    return Machine(vocabulary, np.stack(rows), bias), said


def factors_of(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the value of a string is multiplied by that a text has so often: 1 + ln of it, rounded down to a step."""
    return FACTORS[np.searchsorted(STEPS, times, side="right") - 1].astype(np.float64)


def _of(
    found: TextFeatures, half: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint8], NDArray[np.float32]]:
    """Features of texts as the kernels take them: with the factors of weights (half 0), or of squares (1)."""
    return found.ends, found.features, found.steps, FACTORS ** np.float32(half + 1)


def _trained(
    found: TextFeatures, signs: NDArray[np.int8], multiplicity: NDArray[np.float32], rule: MachineRule
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows and biases of eight separators."""
    n = len(found.ends)
    rows = np.zeros((len(multiplicity), 2 * LANES), np.float32)
    count_signs(found.ends, found.features, signs, rows)
    _weigh(rows, multiplicity, rule.least)
    squares = np.empty((n, LANES), np.float32)
    sum_rows(*_of(found, 1), rows, LANES, squares)
    scale = np.divide(1, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
    bias, scratch = np.zeros(LANES, np.float32), [np.zeros(LANES, np.float32) for _ in range(3)]
    duals = np.zeros((n, LANES), np.float32)
    state = np.array([_SEED], np.uint64)
    order = np.arange(n)
    limits = rule.cost, rule.rounds, rule.tolerance
    train(*_of(found, 0), rows, scale, signs, duals, bias, order, state, *limits, *scratch)
    return rows, bias


def _weigh(rows: NDArray[np.float32], multiplicity: NDArray[np.float32], least: int) -> None:
    """
    From counts of texts with and without the sign to squares of the bits saved, in place.

    r(v) = log[(n(v) + 1) / (N + |V|)] - log[(n~(v) + 1) / (N~ + |V|)], 0 outside of V: the strings that enough of the
    texts seen have; times the multiplicity.
    """
    totals = np.zeros((3, LANES))
    for part, times in _parts(rows, multiplicity):
        own, other = part[:, :LANES], part[:, LANES:]
        known = own + other >= least
        for total, counts in zip(totals, (np.float32(1), own, other), strict=True):
            total += (times * known * counts).sum(0, dtype=np.float64)
    size, total, total_other = totals
    constant = np.log(np.maximum(total_other + size, 1) / np.maximum(total + size, 1)).astype(np.float32)
    for part, times in _parts(rows, multiplicity):
        own, other = part[:, :LANES], part[:, LANES:]
        saved = np.where(own + other >= least, np.log((own + 1) / (other + 1)) + constant, 0)
        part[:, LANES:] = times * saved * saved
        part[:, :LANES] = 0


def _upper_halves(rows: NDArray[np.float32], multiplicity: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Rows of single strings, rounded to the upper halves of the numbers' bits."""
    result = np.empty(rows.shape, np.uint16)
    for (part, times), (made, _) in zip(_parts(rows, multiplicity), _parts(result, multiplicity), strict=True):
        words = (part / times).view(np.uint32)
        made[:] = (words + np.uint32(0x8000)) >> np.uint32(16)
    return result


def _parts(rows: NDArray[Any], multiplicity: NDArray[np.float32]) -> Iterator[tuple[NDArray[Any], NDArray[np.float32]]]:
    """A table part by part, so that what is computed from it needs little memory."""
    for start in range(0, len(rows), _PART):
        yield rows[start : start + _PART], multiplicity[start : start + _PART]
