"""The strings that occur in several training texts, as features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.classify.framed import Frame, Framed
from ncd.classify.parallel import in_threads, runs
from ncd.classify.strings import sorted_strings, string_groups
from ncd.kernels.ngram_features import FeatureScan, Strings, features_of, scan_strings

__all__ = ["TextFeatures", "Vocabulary", "find_strings"]

_SEED = np.uint64(0x9E3779B97F4A7C15)
_MOST = 1 << 27  # features that fit in 32 bits beside a step


@dataclass(frozen=True)
class TextFeatures:
    """Which features each text has and how often (`STEPS`), one text after another, and where each one's end."""

    ends: NDArray[np.int64]
    features: NDArray[np.uint32]
    steps: NDArray[np.uint8]


@dataclass(frozen=True)
class Vocabulary:
    """
    The strings, which feature each is, and how many strings each feature stands for.

    Attributes
    ----------
    strings : Strings
    multiplicity : ndarray of int64, shape (n_features,)
    n_texts : ndarray of int64, shape (n_features,)
        Training texts that have it; descending.
    order : int
    """

    strings: Strings
    multiplicity: NDArray[np.int64]
    n_texts: NDArray[np.int64]
    order: int

    @property
    def size(self) -> int:
        """Number of features."""
        return len(self.multiplicity)

    def features(self, texts: Framed, *, each_string: bool, n_jobs: int | None) -> TextFeatures:
        """The features of texts; see `ncd.kernels.ngram_features.features_of`. Ascending unless `each_string`."""

        def find(edge: tuple[int, int]) -> TextFeatures:
            begin, end = edge
            ends = np.empty(end - begin, np.int64)
            room = np.empty(int(texts.offsets[end] - texts.offsets[begin]) * self.order, np.uint32)
            places = np.full(len(self.strings.labels), -1)
            nodes = np.empty(self.order + 1, np.int64)
            count = features_of(
                self.strings,
                texts.symbols,
                texts.offsets,
                begin,
                end,
                self.order,
                leaders,
                nodes,
                places,
                np.empty_like(room),
                ends,
                room,
            )
            found = room[:count]
            if not each_string:  # near ones are near in the tables that they are looked up in, again and again
                for start, stop in pairwise([0, *ends.tolist()]):
                    found[start:stop].sort()
            return TextFeatures(ends, found >> np.uint32(5), (found & np.uint32(31)).astype(np.uint8))

        leaders = np.empty(0, np.int64)
        if not each_string:
            leaders = np.empty(self.size, np.int64)
            known = np.flatnonzero(self.strings.feature >= 0)[::-1]
            leaders[self.strings.feature[known]] = known
        parts = in_threads(find, runs(texts.offsets), n_jobs)
        before = np.cumsum([0, *(len(part.features) for part in parts)])
        ends = np.concatenate([part.ends + start for part, start in zip(parts, before, strict=False)])
        features, steps = np.empty(before[-1], np.uint32), np.empty(before[-1], np.uint8)
        for start in reversed(before[:-1].tolist()):  # each part is forgotten once it is copied
            part = parts.pop()
            features[start : start + len(part.features)] = part.features
            steps[start : start + len(part.steps)] = part.steps
        return TextFeatures(ends, features, steps)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All of it, for a file."""
        nodes = self.strings
        sizes = np.diff(nodes.children.astype(np.int64))
        return {
            "labels": nodes.labels,
            "n_children": sizes.astype(np.uint16),
            "feature": nodes.feature,
            "multiplicity": self.multiplicity,
            "n_texts": self.n_texts,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], order: int) -> Vocabulary:
        """The vocabulary of bytes that `to_arrays` has taken apart; ValueError for what cannot be one."""
        labels, sizes, feature = arrays["labels"], arrays["n_children"].astype(np.int64), arrays["feature"]
        multiplicity, n_texts = arrays["multiplicity"], arrays["n_texts"]
        kinds = [array.dtype.str[1:] for array in (labels, feature, multiplicity, n_texts)]
        n_first = len(labels) - int(sizes.sum())
        if kinds != ["u1", "i4", "i8", "i8"] or not len(labels) == len(sizes) == len(feature):
            raise ValueError("its strings are damaged")
        if not 0 < n_first <= 256 or not (np.diff(labels[:n_first].astype(int)) > 0).all() or (sizes > 256).any():
            raise ValueError("its tree of strings is damaged")
        n_features = len(multiplicity)
        if len(n_texts) != n_features or (multiplicity < 1).any() or (n_texts < 1).any():
            raise ValueError("its features are damaged")
        if feature.min(initial=-1) < -1 or feature.max(initial=-1) >= n_features:
            raise ValueError("a string of it is a feature that is not there")
        first = np.full(256, -1, np.int32)
        first[labels[:n_first]] = np.arange(n_first)
        children = np.full(len(labels) + 1, n_first, np.uint32)
        children[1:] += np.cumsum(sizes).astype(np.uint32)
        return cls(Strings(first, labels, children, feature), multiplicity, n_texts, order)


def _digests(n: int) -> NDArray[np.uint64]:
    """A random number for each text (splitmix64)."""
    z = np.arange(1, n + 1, dtype=np.uint64) * _SEED
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def find_strings(
    texts: Framed, frame: Frame, order: int, *, least: int, most: int | None, n_jobs: int | None
) -> Vocabulary:
    """
    The strings of up to `order` symbols that at least `least` texts have; those of the same texts are one feature.

    No more than `most` features are kept, those that most texts have.
    """
    levels, bits, n = order, frame.bits, len(texts)
    digests = _digests(n)

    def scanned(places: NDArray[np.uint32]) -> tuple[FeatureScan, NDArray[np.int64]]:
        keys, owners = sorted_strings(texts, places, levels, bits)
        at = np.zeros(levels + 2, np.int64)
        for fill in (False, True):
            size = int(at[-1])
            scan = FeatureScan(
                np.zeros((levels + 1, n), np.int64),
                np.zeros(levels + 1, np.int64),
                np.zeros(levels + 1, np.int64),
                np.zeros(levels + 1, np.uint64),
                np.zeros(levels + 1, np.int64),
                at[:-1].copy(),
                np.empty(size, texts.symbols.dtype),
                np.empty(size, np.uint32),
                np.empty(size, np.uint32),
                np.empty(size, np.uint64),
            )
            scan_strings(keys, owners, digests, levels, bits, least, fill, scan)
            if not fill:
                at[1:] = np.cumsum(scan.kept)
        return scan, at

    parts = in_threads(scanned, string_groups(texts.symbols, frame.size), n_jobs)

    def gathered(name: str) -> NDArray[Any]:
        """One array of all parts, level by level."""
        return np.concatenate(
            [getattr(scan, name)[at[level] : at[level + 1]] for level in range(1, levels + 1) for scan, at in parts]
        )

    labels, n_texts, digest = gathered("labels"), gathered("n_texts"), gathered("digests")
    if len(labels) >= 1 << 31:
        raise ValueError(
            f"{len(labels):,} strings are in at least {least} of the training texts: fewer than 2,147,483,648 can be "
            "counted: choose a larger min_texts or a lower order"
        )
    n_first = sum(int(at[2] - at[1]) for _, at in parts)
    first = np.full(frame.size, -1, np.int32)
    first[labels[:n_first]] = np.arange(n_first)
    children = np.full(len(labels) + 1, n_first, np.uint32)
    children[1:] += np.cumsum(gathered("n_children"), dtype=np.uint32)
    _, index, inverse, multiplicity = np.unique(digest, return_index=True, return_inverse=True, return_counts=True)
    ranked = np.lexsort((index, -n_texts[index].astype(np.int64)))
    rank = np.empty(len(ranked), np.int32)
    rank[ranked] = np.arange(len(ranked))
    feature, multiplicity, n_texts = rank[inverse], multiplicity[ranked], n_texts[index][ranked].astype(np.int64)
    if most is not None and most < len(ranked):
        feature[feature >= most] = -1
        multiplicity, n_texts = multiplicity[:most], n_texts[:most]
    if len(multiplicity) > _MOST:
        raise ValueError(
            f"{len(multiplicity):,} different strings are in at least {least} of the training texts: at most {_MOST:,} "
            "can be told apart: choose a smaller max_weights, a larger min_texts or a lower order"
        )
    return Vocabulary(Strings(first, labels, children, feature), multiplicity, n_texts, levels)
