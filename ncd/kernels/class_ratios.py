"""
What sets the strings of a class apart: how much more probable they are in it than in all classes together, by the
models of `ncd.kernels.class_bits`, and how many of its texts have them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.class_bits import Rule
from ncd.kernels.class_counts import Counts, child_of
from ncd.kernels.jit import inlined, kernel

__all__ = ["class_ratios", "texts_of_entries"]


@inlined
def _rate(
    counts: Counts, node: int, below: int, above: int, rule: Rule, g: Any, h: NDArray[np.float32], ratio: Any
) -> None:
    """Probabilities of the last symbol of one string; `below` lacks its first symbol, `above` its last one, or -1."""
    n_all = np.int64(0)
    for entry in range(np.int64(counts.entries[node]), np.int64(counts.entries[node + 1])):
        n_all += np.int64(counts.n[entry])
    if above < 0:
        t_all = counts.root_followed[-1]
        d_all = counts.root_distinct[-1]
        lower = rule.base
    else:
        t_all = np.int64(0)
        for entry in range(np.int64(counts.entries[above]), np.int64(counts.entries[above + 1])):
            t_all += np.int64(counts.followed[entry])
        d_all = np.int64(counts.children[above + 1]) - np.int64(counts.children[above])
        lower = np.float64(g[below])
    shared = (np.float64(n_all) + np.float64(d_all) * lower) / np.float64(t_all + d_all)
    g[node] = shared
    before, shorter = np.int64(0), np.int64(0)
    if above >= 0:
        before, shorter = np.int64(counts.entries[above]), np.int64(counts.entries[below])
    for entry in range(np.int64(counts.entries[node]), np.int64(counts.entries[node + 1])):
        c = np.int64(counts.classes[entry])
        if above < 0:
            t, d, prior, sum_before = counts.root_followed[c], counts.root_distinct[c], shared, 0.0
        else:  # a class that has a string has it without its first and without its last symbol
            while np.int64(counts.classes[before]) < c:
                before += 1
            while np.int64(counts.classes[shorter]) < c:
                shorter += 1
            t, d = np.int64(counts.followed[before]), np.int64(counts.distinct[before])
            prior = (1.0 - rule.weight) * np.float64(h[shorter]) + rule.weight * shared
            sum_before = np.float64(ratio[before])
        strength = rule.alpha * np.float64(d)
        own = (np.float64(counts.n[entry]) + strength * prior) / (np.float64(t) + strength)
        h[entry] = own
        ratio[entry] = sum_before + np.log2(own / shared)


@kernel
def class_ratios(
    counts: Counts,
    rule: Rule,
    suffix: NDArray[np.int64],
    g: NDArray[np.float32],
    h: NDArray[np.float32],
    ratio: NDArray[np.float32],
) -> None:
    """
    For each entry log2 of the probability of the string in the class over that in all classes together.

    The probability of a string is the product of those of its symbols, each given the symbols of the string before it.

    Parameters
    ----------
    counts : Counts
    rule : Rule
    suffix : ndarray of int64, shape (nodes,)
        Scratch: the node of the string without its first symbol, or -1.
    g : ndarray of float32, shape (nodes,)
        Scratch: G of the last symbol.
    h : ndarray of float32, shape (entries,)
        Scratch: H of the last symbol.
    ratio : ndarray of float32, shape (entries,)
        Filled in.
    """
    n_first = np.int64(counts.children[0])
    for node in range(n_first):
        suffix[node] = -1
        _rate(counts, node, -1, -1, rule, g, h, ratio)
    for above in range(len(counts.children) - 1):
        rest = suffix[above]
        for node in range(np.int64(counts.children[above]), np.int64(counts.children[above + 1])):
            symbol = np.int64(counts.labels[node])
            below = np.int64(counts.first[symbol]) if rest < 0 else child_of(counts, rest, symbol)
            suffix[node] = below
            _rate(counts, node, below, above, rule, g, h, ratio)


@kernel
def texts_of_entries(
    counts: Counts,
    symbols: Any,
    offsets: NDArray[np.int64],
    c: int,
    levels: int,
    nodes: NDArray[np.int64],
    stamp: NDArray[np.int32],
    found: NDArray[np.uint32],
) -> None:
    """
    For each entry of one class the texts that have its string.

    Parameters
    ----------
    counts : Counts
    symbols, offsets
        The texts of the class that have been counted, as in `ncd.kernels.ngrams.fill_keys`.
    c : int
        The class.
    levels : int
        Length of the longest strings.
    nodes : ndarray of int64, shape (levels + 1,)
        Scratch.
    stamp : ndarray of int32, shape (entries,)
        Scratch, all -1.
    found : ndarray of uint32, shape (entries,)
        Filled in for the class; 0 before.
    """
    for text in range(len(offsets) - 1):
        nodes[:] = -1
        for at in range(offsets[text], offsets[text + 1]):
            symbol = np.int64(symbols[at])
            longest = min(levels, at - offsets[text] + 1)
            for level in range(longest, 1, -1):  # all strings of the texts are in the tree
                nodes[level] = child_of(counts, nodes[level - 1], symbol)
            nodes[1] = np.int64(counts.first[symbol])
            for level in range(1, longest + 1):
                low, high = np.int64(counts.entries[nodes[level]]), np.int64(counts.entries[nodes[level] + 1])
                while low < high:
                    middle = (low + high) >> 1
                    if np.int64(counts.classes[middle]) < c:
                        low = middle + 1
                    else:
                        high = middle
                if stamp[low] != text:
                    stamp[low] = text
                    found[low] += 1
