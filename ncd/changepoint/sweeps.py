"""Gain of every single cut of a text from two sweeps, and of the same text with its units in random order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import seed
from ncd.changepoint.symbols import word_symbols
from ncd.changepoint.units import Unit, Units, split_units
from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text
from ncd.exceptions import EmptyTextError

__all__ = [
    "CompressorSweep",
    "Null",
    "Sweep",
    "WordSweep",
    "check_two",
    "null_of",
    "several_codes",
    "short_units",
    "sweep_of",
    "units_of",
]

Bits = NDArray[np.float64]
Order = NDArray[np.int64]

_LINES = 5  # as many lines as sentences: a log, a table or a poem
_SHARE = 20  # a unit is at most the text's length by this
_LEAST = 24  # bytes of a unit that is never cut
_PLACES = 256  # of a shuffled text where its gain is looked at, at most


class Sweep(ABC):
    """
    Gain of one cut, at any place, by one code.

    With L the code length of what comes from the left, and L' that of the same text coded backwards,

        gain(t) = [L(0..n) + L'(0..n)] / 2 - L(0..t) - L'(t..n),

    so that all places take two sweeps. The halves' mean differs from either whole by a constant, which is the same
    for the text and, but for noise, for its shuffles.
    """

    name: str

    @abstractmethod
    def gains(self, order: Order, places: NDArray[np.int64]) -> Bits:
        """Bits saved by a cut after the first `places` units of the text in this order."""


class CompressorSweep(Sweep):
    """The gain by a compressor."""

    def __init__(self, units: Units, compressor: str | SupportsLength) -> None:
        self._pieces = units[:]
        self._compressor = get_compressor(compressor)
        self._scale = 8.0 if self._compressor.unit == "bytes" else 1.0
        self.name = self._compressor.name

    def gains(self, order: Order, places: NDArray[np.int64]) -> Bits:
        text = b"".join(self._pieces[i] for i in order.tolist())
        ends = np.cumsum([len(self._pieces[i]) for i in order.tolist()])
        cuts, whole = ends[places - 1], len(text)
        ahead = self._compressor.prefix_lengths(text, [*cuts, whole])
        back = self._compressor.prefix_lengths(text[::-1], [*(whole - cuts[::-1]), whole])
        return np.asarray(self._scale * ((ahead[-1] + back[-1]) / 2 - ahead[:-1] - back[-2::-1]), np.float64)


class WordSweep(Sweep):
    """
    The gain by an adaptive code of words, cut to 5 letters: a Dirichlet prior of `alpha` for each different one.

    The order of the words within a part does not matter to its code length.
    """

    def __init__(self, units: Units, alpha: float) -> None:
        symbols = word_symbols(units)
        self._parts = np.split(symbols.ids, symbols.bounds[1:-1])
        self._sizes = np.diff(symbols.bounds)
        self._alpha, self._kinds = alpha, symbols.kinds
        self.name = "words"

    def _sweep(self, ids: NDArray[np.uint32]) -> Bits:
        """Bits of the first 0, 1, 2 ... words."""
        from ncd.kernels.dirichlet import dirichlet_growing

        bits = np.empty(len(ids) + 1)
        counts = np.zeros(self._kinds, np.int64)
        dirichlet_growing(ids, 0, np.array([self._alpha]), self._alpha * self._kinds, counts, bits)
        return bits

    def gains(self, order: Order, places: NDArray[np.int64]) -> Bits:
        ids = np.concatenate([self._parts[i] for i in order.tolist()])
        before = np.cumsum(self._sizes[order])[places - 1]
        ahead, back = self._sweep(ids), self._sweep(np.ascontiguousarray(ids[::-1]))
        return np.asarray(ahead[-1] - ahead[before] - back[len(ids) - before])


def several_codes(codes: object, name: str) -> list[Any]:
    """Codes that are given in a sequence."""
    if isinstance(codes, str | bytes) or not isinstance(codes, Iterable):
        raise TypeError(f"{name} is {codes!r}: give a sequence of names, such as ('zlib', 'ppm:3', 'words')")
    return list(codes)


def sweep_of(units: Units, cost: str | SupportsLength, alpha: float) -> Sweep:
    """The gain by a cost's name, ``"words"`` or a compressor's."""
    if isinstance(cost, str) and cost == "words":
        return WordSweep(units, alpha)
    try:
        return CompressorSweep(units, cost)
    except ValueError as error:
        raise ValueError(f"cost is {cost!r}: choose 'words' or a compressor ({error})") from None


@dataclass(frozen=True, eq=False)
class Null:
    """
    Gain of the cuts of a text, and what it would be were its units in random order.

    Attributes
    ----------
    gains : ndarray of float64, shape (n - 1,)
        Bits that a cut after the first 1 ... n - 1 units saves.
    means : ndarray of float64, shape (n - 1,)
        The mean over the shuffles, at the same byte of the text.
    spread : float
        Standard deviation over the shuffles, the mean over all places.
    """

    gains: Bits
    means: Bits
    spread: float

    @property
    def excess(self) -> Bits:
        """Bits beyond those of the shuffles."""
        return self.gains - self.means

    @property
    def standardised(self) -> Bits:
        """The same in standard deviations; zeros where the shuffles do not differ."""
        if self.spread <= 1e-9 * max(1.0, float(np.abs(self.gains).max())):
            return np.zeros_like(self.gains)
        return self.excess / self.spread


def null_of(units: Units, sweep: Sweep, shuffles: int, random_state: int) -> Null:
    """The gains of a text's cuts, and those of its shuffles; between looked-at places of these they are linear."""
    n, whole = len(units), float(units.offsets[-1])
    sizes = np.diff(units.offsets)
    inside = np.arange(1, n)
    gains = sweep.gains(np.arange(n), inside)
    looked = inside if n <= _PLACES else np.unique(np.linspace(1, n - 1, _PLACES).astype(np.int64))
    rng = np.random.default_rng(seed(random_state))
    curves = np.empty((shuffles, n - 1))
    for row in range(shuffles):
        order = rng.permutation(n)
        ends = np.cumsum(sizes[order])[looked - 1]
        curve = sweep.gains(order, looked)
        curves[row] = np.interp(units.offsets[1:-1], [0, *ends, whole], [0.0, *curve, 0.0])
    spread = float(curves.std(axis=0, ddof=1).mean()) if n > 1 else 0.0
    return Null(gains, curves.mean(axis=0), spread)


def check_two(units: Units) -> None:
    """Raise unless there is a place to cut."""
    if not units.text:
        raise EmptyTextError("text is empty: there is nothing to cut")
    if len(units) < 2:
        raise ValueError(
            f"text has one unit of {units.unit} ({len(units.text):,} bytes): a cut needs two at least; "
            "choose a smaller unit, such as 'words' or 'bytes'"
        )


def short_units(text: Text) -> Units:
    """
    Sentences, or short lines if there are five times as many, as in logs; long ones cut into parts of equal length.

    Those longer than 1/20 of the text are cut between words, and where words are longer than that too, or none are
    marked by spaces, between characters.

    Parameters
    ----------
    text : str, bytes-like or path

    Returns
    -------
    Units
        Of which `unit` is "sentences".
    """
    sentences = split_units(text, "sentences")
    data = sentences.text
    most = max(len(data) / _SHARE, _LEAST)
    lines = split_units(data, "lines")
    if len(lines) >= _LINES * len(sentences) and len(data) <= most * len(lines):
        sentences = lines
    finer: list[Any] = []
    edges: list[int] = [0]
    for begin, end in zip(sentences.offsets[:-1].tolist(), sentences.offsets[1:].tolist(), strict=True):
        if end - begin > most:
            if not finer:
                finer = [split_units(data, unit).offsets for unit in ("words", "chars")]
            edges += _between(finer, begin, end, most)
        edges.append(end)
    return Units(data, "sentences", np.array(edges if data else [0], np.int64))


def _between(finer: Sequence[NDArray[np.int64]], begin: int, end: int, most: float) -> list[int]:
    """Places that cut a stretch of text into parts of about equal length."""
    parts = int(np.ceil((end - begin) / most))
    wanted = begin + (end - begin) * np.arange(1, parts) / parts
    chosen: NDArray[np.int64] = np.empty(0, np.int64)
    for offsets in finer:
        inside = offsets[(offsets > begin) & (offsets < end)]
        if len(inside):
            chosen = np.unique(inside[np.abs(inside[None, :] - wanted[:, None]).argmin(axis=1)])
        if np.diff([begin, *chosen, end]).max() <= 2 * most:
            break
    return [int(place) for place in chosen]


def units_of(text: Text | Units, unit: str) -> Units:
    """The units of a text; those that are given as they are."""
    if isinstance(text, Units):
        return text
    if unit == "auto":
        return short_units(text)
    if unit not in get_args(Unit):
        raise ValueError(f"unit is {unit!r}: choose from 'auto', {', '.join(map(repr, get_args(Unit)))}")
    return split_units(text, cast(Unit, unit))
