"""The strings of training texts, sorted, a group at a time: those that begin with the same symbols."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.classify.framed import Framed
from ncd.kernels.ngrams import count_first, fill_keys, places_of, radix_sort

__all__ = ["sorted_strings", "string_groups"]

_GROUPS = 32


def string_groups(symbols: NDArray[Any], alphabet: int) -> list[NDArray[np.uint32]]:
    """The places of the strings that begin with the same few symbols, group by group, in the order of the symbols."""
    if len(symbols) >= 1 << 32:
        raise ValueError(
            f"the training texts have {len(symbols):,} symbols in all: at most 4,294,967,295 can be counted"
        )
    counts = np.zeros(alphabet, np.int64)
    count_first(symbols, counts)
    before = np.cumsum(counts) - counts
    _, group_of = np.unique(before // -(-len(symbols) // _GROUPS), return_inverse=True)
    sizes = np.bincount(group_of, weights=counts).astype(np.int64)
    edges = np.concatenate([[0], np.cumsum(sizes)])
    places = np.empty(len(symbols), np.uint32)
    places_of(symbols, group_of.astype(np.int32), edges[:-1].copy(), places)
    return [places[start:stop] for start, stop in pairwise(edges.tolist()) if stop > start]


def sorted_strings(
    texts: Framed, places: NDArray[np.uint32], order: int, bits: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """The strings of `order` symbols at the places as sorted keys, and the text of each."""
    keys, owners = np.empty(len(places), np.uint64), np.empty(len(places), np.uint32)
    fill_keys(texts.symbols, texts.offsets, places, order, bits, keys, owners)
    others = np.empty_like(keys), np.empty_like(owners)
    swapped = radix_sort(keys, owners, *others, np.zeros((order * bits + 10) // 11 * 2048, np.int64), order * bits)
    return others if swapped else (keys, owners)
