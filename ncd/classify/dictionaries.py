"""Classes as dictionaries of a compressor: their texts joined, into one or several a class."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.engines.host import Engine
from ncd.exceptions import WindowWarning
from ncd.pairwise import conditional_lengths

__all__ = ["Dealing", "Dictionaries"]


@dataclass(frozen=True)
class Dealing:
    """
    How the texts of a class become dictionaries, and code lengths under these become one.

    Attributes
    ----------
    compressor : Compressor
    dictionaries, dictionary_size, deals, reduce, joint
        As in `CodeLengthClassifier`.
    separator : bytes
    engine : {"auto", "host", "cuda"}
    """

    compressor: Compressor
    dictionaries: int | None
    dictionary_size: int | None
    deals: int
    reduce: Literal["mean", "min"]
    joint: Literal["auto", "primed", "concat"]
    separator: bytes
    engine: Engine

    @property
    def mode(self) -> Literal["primed", "concat"]:
        """Whether the compressor is primed with the dictionaries."""
        if self.joint == "auto":
            return "primed" if self.compressor.can_prime else "concat"
        if self.joint == "primed" and not self.compressor.can_prime:
            self.compressor.primed(b"")  # raises, and says which can
        return self.joint

    @property
    def window(self) -> int | None:
        """How much of a dictionary is seen."""
        return self.compressor.primed_window if self.mode == "primed" else self.compressor.window

    def counts(self, texts: Sequence[bytes]) -> range:
        """Into how many dictionaries the texts of one class are dealt, for each deal."""
        if self.dictionaries is not None:
            return range(self.dictionaries, self.dictionaries + 1)
        if self.compressor.unit == "bits":  # a model, which forgets nothing
            return range(1, 2)
        sizes = [size for size in (self.dictionary_size, self.window) if size is not None]
        total = sum(map(len, texts)) + len(self.separator) * len(texts)
        least = math.ceil(total / min(sizes)) if sizes else 1
        return range(least, least + self.deals)

    def of(self, texts: Sequence[bytes]) -> list[list[bytes]]:
        """The dictionaries of one class, deal by deal."""
        return [
            [self.separator.join(texts[i::count]) + self.separator for i in range(min(count, len(texts)))]
            for count in self.counts(texts)
        ]

    def reduced(self, lengths: NDArray[Any], deals: NDArray[np.int64]) -> NDArray[np.float64]:
        """One code length a text, in bits, from those under the dictionaries of a class, shape (n_dictionaries, n)."""
        reduce = np.mean if self.reduce == "mean" else np.min
        per_deal = [reduce(lengths[deals == deal], axis=0) for deal in np.unique(deals)]
        return np.asarray(np.mean(per_deal, axis=0) * (1 if self.compressor.unit == "bits" else 8))


@dataclass(frozen=True)
class Dictionaries:
    """
    The dictionaries of all classes.

    Attributes
    ----------
    dealing : Dealing
    texts : list of bytes
    owners, deals : ndarray of int64
        For each dictionary, the class and the deal that it belongs to.
    n_classes : int
    """

    dealing: Dealing
    texts: list[bytes]
    owners: NDArray[np.int64]
    deals: NDArray[np.int64]
    n_classes: int

    @classmethod
    def of(cls, texts: Sequence[bytes], codes: NDArray[np.int64], n_classes: int, dealing: Dealing) -> Dictionaries:
        """Deal the texts."""
        made: list[bytes] = []
        owners: list[tuple[int, int]] = []
        for c in range(n_classes):
            own = [texts[i] for i in np.flatnonzero(codes == c).tolist()]
            for deal, part in enumerate(dealing.of(own) if own else []):
                made += part
                owners += [(c, deal)] * len(part)
        owner, of_deal = np.array(owners, np.int64).T
        return cls(dealing, made, owner, of_deal, n_classes)

    def warn_of_window(self, labels: Sequence[Any]) -> None:
        """Say what the compressor will not see."""
        window, given = self.dealing.window, self.dealing.dictionaries
        slack = 1 if given else 2  # dealing in turn leaves dictionaries a little uneven
        over = [i for i, text in enumerate(self.texts) if window is not None and len(text) > slack * window]
        if over:
            longest = max(over, key=lambda i: len(self.texts[i]))
            remedy = "pass dictionaries=None, or " if given else ""
            warnings.warn(
                f"class {labels[self.owners[longest]]!r} has a dictionary of {len(self.texts[longest]):,} bytes, of "
                f"which {self.dealing.compressor.name} sees the last {window:,} ({len(over)} of {len(self.texts)} "
                f"dictionaries are too long): {remedy}choose a compressor with a larger window, such as 'zstd:19'",
                WindowWarning,
                stacklevel=4,
            )

    def bits(self, texts: Sequence[bytes], *, n_jobs: int | None, progress: bool | None) -> NDArray[np.float64]:
        """Code lengths in bits, shape (n_texts, n_classes); infinite under a class without texts."""
        each = self._each(self.texts, texts, n_jobs, progress)
        lengths = np.full((len(texts), self.n_classes), np.inf)
        for c in np.unique(self.owners):
            own = self.owners == c
            lengths[:, c] = self.dealing.reduced(each[own], self.deals[own])
        return lengths

    def left_out(
        self, texts: Sequence[bytes], codes: NDArray[np.int64], *, n_jobs: int | None, progress: bool | None
    ) -> NDArray[np.float64]:
        """The same of the training texts themselves, each under the dictionaries of its class without it."""
        lengths = self.bits(texts, n_jobs=n_jobs, progress=progress)
        for i, c in enumerate(codes.tolist()):
            others = [texts[j] for j in np.flatnonzero(codes == c).tolist() if j != i]
            lengths[i, c] = np.inf
            if others:
                parts = self.dealing.of(others)
                deals = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
                each = self._each([text for part in parts for text in part], [texts[i]], 1, False)
                lengths[i, c] = self.dealing.reduced(each, deals)[0]
        return lengths

    def _each(
        self, dictionaries: list[bytes], texts: Sequence[bytes], n_jobs: int | None, progress: bool | None
    ) -> NDArray[Any]:
        """Code lengths of texts under dictionaries, shape (n_dictionaries, n_texts)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WindowWarning)  # it was spoken of when the dictionaries were made
            return conditional_lengths(
                dictionaries,
                texts,
                compressor=self.dealing.compressor,
                separator=b"",  # the dictionaries end in one
                joint=self.dealing.mode,
                engine=self.dealing.engine,
                n_jobs=n_jobs,
                progress=progress,
            )
