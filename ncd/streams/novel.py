"""What is new in a stream: the texts that cost most bits under what it was like before."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.streams.base import State, TextUnits
from ncd.streams.byte_signals import ByteSignals
from ncd.tokens import decoded, encoded
from ncd.visible import characters, shown
from ncd.words import split_alternating

__all__ = ["NovelText", "novel_texts"]

_MOST_BYTES = 1 << 14  # of new units
_MOST_REFERENCE = 1 << 16
_FOLDS = 4
_RAISED = 1.5  # bits per byte, above the reference's mean, from which on a text is surprising
_USUAL = 0.95  # quantile of the most surprising texts of the reference
_LONGEST = 64  # words and marks of a text
_PHRASE = 16  # words and marks that are looked for as a part of longer texts
_SHOWN = 100  # characters

#: Scripts that put no spaces between words: their characters stand for themselves.
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class NovelText:
    """
    A text that units have had since a change and that costs many bits under the reference.

    Attributes
    ----------
    text : bytes
        Whole words, where the text has words.
    count : int
        How often it was found.
    bits : float
        What it cost each time under the reference, in the mean.
    share : float
        Its part of all bits by which surprising texts exceed what is usual.
    """

    text: bytes
    count: int
    bits: float
    share: float

    @property
    def shown(self) -> str:
        """The text without hidden characters; shortened if it has more than 100."""
        whole = shown(decoded(self.text))
        return whole if len(whole) <= _SHOWN else whole[: _SHOWN - 1] + "…"

    def to_dict(self) -> dict[str, Any]:
        """Attributes for JSON, the text as it is shown."""
        return {**asdict(self), "text": self.shown}

    def to_state(self) -> State:
        """Attributes, the text's bytes as an array."""
        return {**asdict(self), "text": np.frombuffer(self.text, np.uint8).copy()}

    @classmethod
    def from_state(cls, state: State) -> NovelText:
        """What gave this state."""
        return cls(**{**state, "text": np.asarray(state["text"], np.uint8).tobytes()})


def novel_texts(signals: ByteSignals, units: Sequence[bytes], n: int = 10) -> list[NovelText]:
    """
    The texts in new units that cost most bits under the reference.

    A word or mark is surprising if its bytes cost more bits than ``m + min(1.5, (8 - m) / 2)`` each, where m is the
    mean of the reference's bytes by models of its other parts. Runs of words with the largest sums of such extra bits
    (all maximal ones: Ruzzo and Tompa 1999) are candidates, and so is each part of at most 16 words and marks that
    several runs share. The candidate with most extra bits in all units together is taken first, then the one with most
    in what is left. A text is new if it has more extra bits than the most surprising run in 95 % of the reference's own
    units; one that is there only once, than the most surprising run in as many units of the reference, 95 times of 100.

    Parameters
    ----------
    signals : ByteSignals
        Which has learned the reference.
    units : sequence of bytes
        Those since the change; of longer ones the first 16 kB are looked at.
    n : int
        Texts to return at most.

    Returns
    -------
    list of NovelText
        Those with most extra bits first; empty if nothing stands out.

    Raises
    ------
    NotFittedError
        If no reference has been learned.
    ValueError
        If `n` is out of range.

    References
    ----------
    W. L. Ruzzo and M. Tompa, "A linear time algorithm for finding all maximal scoring subsequences", ISMB 1999.

    Examples
    --------
    >>> lines = [b"INFO request %d served in %d ms" % (i * i % 997, i * 7 % 50) for i in range(200)]
    >>> signals = ByteSignals()
    >>> rows = signals.learn(TextUnits.of(lines))
    >>> new = [b"INFO request %d failed: ERROR connection refused" % i for i in range(5)]
    >>> for found in novel_texts(signals, new):
    ...     print(found.shown, found.count)
    failed: ERROR connection refused 5
    """
    n = whole_number(n, "n", 1)
    usual, rare, level = _usual(signals, max(len(units), 1))
    runs = [run for unit, bits in _measured(signals, units) for run in _runs(unit, bits, level)]
    everything = sum(run.extra for run in runs)
    pool = _Pool(runs)
    found: list[NovelText] = []
    while len(found) < n:
        best = pool.best()
        if best is None or pool.totals[best] <= usual:
            break
        count, bits, extra = pool.take(best)
        if extra > (usual if count > 1 else rare):  # places that overlap count once
            found.append(NovelText(encoded("".join(best)), count, bits / count, extra / everything))
    return sorted(found, key=lambda novel: novel.share, reverse=True)


class _Run(NamedTuple):
    """Words and marks that follow each other, with their bits and those above the level."""

    tokens: tuple[str, ...]
    bits: tuple[float, ...]
    extras: tuple[float, ...]

    @property
    def extra(self) -> float:
        """Bits above the level."""
        return sum(self.extras)

    def part(self, start: int, end: int) -> _Run:
        """Some of its tokens, without space or what is not surprising at both ends."""
        while start < end and (self.extras[start] <= 0 or self.tokens[start].isspace()):
            start += 1
        while start < end and (self.extras[end - 1] <= 0 or self.tokens[end - 1].isspace()):
            end -= 1
        return _Run(self.tokens[start:end], self.bits[start:end], self.extras[start:end])

    def phrases(self, again: Container[tuple[str, str]]) -> Iterator[tuple[tuple[str, ...], float]]:
        """The whole run, and those of its parts whose neighbours all are neighbours `again`; with their extra bits."""
        yield self.tokens, self.extra
        sums = [0.0, *accumulate(self.extras)]
        size = len(self.tokens)
        is_end = [extra > 0 and not token.isspace() for token, extra in zip(self.tokens, self.extras, strict=True)]
        for start in range(size):
            if is_end[start]:
                for end in range(start, min(start + _PHRASE, size)):
                    if end > start and self.tokens[end - 1 : end + 1] not in again:
                        break
                    if is_end[end] and end - start + 1 < size:
                        yield self.tokens[start : end + 1], sums[end + 1] - sums[start]


class _Pool:
    """Runs, and the sums of extra bits of those of their parts that others may have too."""

    def __init__(self, runs: Sequence[_Run]) -> None:
        self.runs: dict[int, _Run] = {}
        self.totals: dict[tuple[str, ...], float] = defaultdict(float)
        self.holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._next = 0
        pairs = Counter(pair for run in runs for pair in pairwise(run.tokens))
        self._again = {pair for pair, count in pairs.items() if count > 1}
        for run in runs:
            self._add(run)

    def _add(self, run: _Run) -> None:
        if run.extra <= 0:
            return
        self.runs[self._next] = run
        for phrase, extra in run.phrases(self._again):
            self.totals[phrase] += extra
            self.holders[phrase].add(self._next)
        self._next += 1

    def _remove(self, number: int) -> _Run:
        run = self.runs.pop(number)
        for phrase, extra in run.phrases(self._again):
            self.totals[phrase] -= extra
            self.holders[phrase].discard(number)
            if not self.holders[phrase]:
                del self.holders[phrase]
                del self.totals[phrase]
        return run

    def best(self) -> tuple[str, ...] | None:
        """The phrase with most extra bits; of equal ones the longest, then the first by its text."""
        most = max(self.totals.values(), default=None)
        alike = [phrase for phrase, total in self.totals.items() if total == most]
        return min(alike, key=lambda phrase: (-len(phrase), phrase), default=None)

    def take(self, phrase: tuple[str, ...]) -> tuple[int, float, float]:
        """Cut a phrase out of all runs: how often it was there, its bits and its extra bits."""
        count, bits, extra, size = 0, 0.0, 0.0, len(phrase)
        for number in sorted(self.holders[phrase]):
            run = self._remove(number)
            done = at = 0
            while at + size <= len(run.tokens):
                if run.tokens[at : at + size] != phrase:
                    at += 1
                    continue
                count += 1
                bits += sum(run.bits[at : at + size])
                extra += sum(run.extras[at : at + size])
                self._add(run.part(done, at))
                done = at = at + size
            self._add(run.part(done, len(run.tokens)))
        return count, bits, extra


def _usual(signals: ByteSignals, n: int) -> tuple[float, float, float]:
    """
    The most extra bits of a run in one and in `n` units of the reference, as a rule; bits per byte that are not extra.

    Each quarter of the reference is measured by a model of the others.
    """
    known = signals.reference
    newest = int(np.count_nonzero(known.ends[-1] - known.starts <= _MOST_REFERENCE))
    units = [unit[:_MOST_BYTES] for unit in known[-max(newest, 2) :]]
    held: list[tuple[bytes, NDArray[np.float32]]] = []
    folds = min(_FOLDS, len(units))
    cuts = [len(units) * fold // folds for fold in range(folds + 1)]
    model = ByteSignals(window=1, framed=signals.framed, order=signals.order)
    for start, end in pairwise(cuts):
        others = units[:start] + units[end:]
        model.learn(TextUnits.of(others or units))
        held += _measured(model, units[start:end])
    size = sum(len(unit) for unit, _ in held)
    mean = min(sum(float(bits.sum()) for _, bits in held) / size, 8.0) if size else 8.0
    level = mean + min(_RAISED, (8 - mean) / 2)
    most = [max((run.extra for run in _runs(unit, bits, level)), default=0.0) for unit, bits in held]
    usual, rare = np.quantile(most, [_USUAL, _USUAL ** (1 / n)]).tolist()
    return usual, rare, level


def _measured(signals: ByteSignals, units: Sequence[bytes]) -> list[tuple[bytes, NDArray[np.float32]]]:
    """Units and the bits of their bytes, until there are enough of them."""
    found, left = [], _MOST_BYTES
    for unit in units:
        piece = unit[:left]
        found.append((piece, signals.byte_bits(piece)[: len(piece)]))
        left -= len(piece) + 1
        if left <= 0:
            break
    return found


def _tokens(unit: bytes) -> list[str]:
    """Words, runs of space, and all else character by character; their joint is the unit."""
    tokens: list[str] = []
    for i, part in enumerate(split_alternating(unit)):
        if i % 2:
            tokens += re.findall(r"\s+|\S", part)
        elif _WITHOUT_SPACES.search(part):
            tokens += characters(part)
        elif part:
            tokens.append(part)
    return tokens


def _runs(unit: bytes, bits: NDArray[np.float32], level: float) -> list[_Run]:
    """All maximal runs of words and marks by their bits above the level."""
    tokens = _tokens(unit)
    if not tokens:
        return []
    sizes = np.array([len(encoded(token)) for token in tokens])
    costs = np.add.reduceat(bits.astype(np.float64), np.cumsum(sizes) - sizes)
    extras = costs - level * sizes
    whole = _Run(tuple(tokens), tuple(costs.tolist()), tuple(extras.tolist()))
    runs = [
        whole.part(at, min(at + _LONGEST, end))
        for start, end in _maximal(whole.extras)
        for at in range(start, end, _LONGEST)
    ]
    return [run for run in runs if run.extra > 0]


def _maximal(scores: Sequence[float]) -> list[tuple[int, int]]:
    """
    Start and end of all maximal runs by the sum of their scores, from left to right (Ruzzo and Tompa).

    A run is a candidate with the sum of scores before it, L, and up to its end, R. A new one joins the last one of
    lower L, and all between, if its R is higher.
    """
    found: list[tuple[int, int, float, float]] = []
    total = 0.0
    for i, score in enumerate(scores):
        if score > 0:
            start, low, high = i, total, total + score
            while True:
                j = len(found) - 1
                while j >= 0 and found[j][2] >= low:
                    j -= 1
                if j < 0 or found[j][3] >= high:
                    break
                start, low = found[j][0], found[j][2]
                del found[j:]
            found.append((start, i + 1, low, high))
        total += score
    return [(start, end) for start, end, _, _ in found]
