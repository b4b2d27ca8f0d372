"""Class models: counts of the strings of all classes, and the code lengths of texts that follow from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.classify.framed import Frame, Framed
from ncd.classify.parallel import in_threads, runs
from ncd.classify.strings import sorted_strings, string_groups
from ncd.kernels.class_bits import Own, Rule, Work, bits_by_class, bits_by_position
from ncd.kernels.class_counts import Counts, Part, Scan, count_nodes, fill_nodes

__all__ = ["ClassModel"]

_PRODUCT_BITS = 880  # of a product that is still a float, after one of 1e-40


def _part(
    texts: Framed,
    places: NDArray[np.uint32],
    codes: NDArray[np.int64],
    n_classes: int,
    levels: int,
    bits: int,
) -> tuple[Part, NDArray[np.int64], NDArray[np.int64]]:
    """Nodes and entries of one group of strings, and where each level begins in them."""
    symbols = texts.symbols
    keys, owners = sorted_strings(texts, places, levels, bits)
    nodes, entries = np.zeros(levels + 1, np.int64), np.zeros(levels + 1, np.int64)
    count_nodes(keys, owners, codes, levels, bits, np.full((levels + 1, n_classes), -1), nodes, entries)
    node_at, entry_at = (np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64) for sizes in (nodes, entries))
    inner = int(entry_at[levels])
    part = Part(
        labels=np.empty(node_at[-1], symbols.dtype),
        n_children=np.zeros(node_at[levels], np.uint32),
        n_entries=np.empty(node_at[-1], np.uint32),
        classes=np.empty(entry_at[-1], np.uint16),
        n=np.empty(entry_at[-1], np.uint32),
        followed=np.empty(inner, np.uint32),
        distinct=np.empty(inner, np.uint16 if symbols.dtype == np.uint8 else np.uint32),
        next_node=node_at[:-1].copy(),
        next_entry=entry_at[:-1].copy(),
    )
    empty = np.zeros((levels + 1, n_classes), np.int64)
    scan = Scan(
        np.full_like(empty, -1), empty, empty.copy(), empty.copy(), empty.copy(), np.zeros(levels + 1, np.int64)
    )
    fill_nodes(keys, owners, codes, levels, bits, scan, part)
    return part, node_at, entry_at


def _starts(sizes: NDArray[Any]) -> NDArray[np.uint32]:
    """Where things of such sizes begin, and the end."""
    result = np.zeros(len(sizes) + 1, np.uint32)
    total = np.cumsum(sizes, dtype=np.int64)
    if len(total) and total[-1] >= 1 << 32:
        raise ValueError(f"the class models would have {total[-1]:,} entries: fewer than 4,294,967,296 can be counted")
    result[1:] = total
    return result


def _gathered(parts: list[tuple[dict[str, Any], dict[str, NDArray[np.int64]]]], name: str, by: str) -> NDArray[Any]:
    """One array of all parts, level by level; the parts forget theirs."""
    arrays = [part.pop(name) for part, _ in parts]
    ends = [at[by] for _, at in parts]
    levels = len(ends[0]) - 1
    pieces = [
        array[end[level] : end[level + 1]]
        for level in range(1, levels)
        for array, end in zip(arrays, ends, strict=True)
        if end[level] < len(array)
    ]
    return np.concatenate(pieces) if pieces else arrays[0]


@dataclass(frozen=True)
class ClassModel:
    """
    Counts of the strings of up to K + 1 symbols in the texts of each class, and code lengths under them.

    Attributes
    ----------
    counts : Counts
    rule : Rule
        K, a, w and G_{-1}.
    n_classes : int
    """

    counts: Counts
    rule: Rule
    n_classes: int

    @classmethod
    def of(
        cls,
        texts: Framed,
        codes: NDArray[np.int64],
        n_classes: int,
        rule: Rule,
        frame: Frame,
        *,
        n_jobs: int | None,
        done: Callable[[int], None] = lambda n: None,
    ) -> ClassModel:
        """Count the strings of texts; `codes` has the class of each. `done` hears of symbols."""
        if n_classes > 1 << 16:
            raise ValueError(f"y has {n_classes:,} classes: class models count 65,536 at most")
        levels, bits = rule.order + 1, frame.bits
        if levels * bits > 64:
            raise ValueError(
                f"order is {rule.order}: {frame.size:,} symbols take {bits} bits each, and {levels} of them more than "
                f"64: choose an order of at most {64 // bits - 1}"
            )

        def part(places: NDArray[np.uint32]) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
            made, node_at, entry_at = _part(texts, places, codes, n_classes, levels, bits)
            done(len(places))
            return made._asdict(), {"nodes": node_at, "entries": entry_at}

        parts = in_threads(part, string_groups(texts.symbols, frame.size), n_jobs)
        labels = _gathered(parts, "labels", "nodes")
        n_first = sum(int(at["nodes"][2] - at["nodes"][1]) for _, at in parts)
        first = np.full(frame.size, -1, np.int32)
        first[labels[:n_first]] = np.arange(n_first)
        children = _starts(_gathered(parts, "n_children", "nodes"))
        children += np.uint32(n_first)
        entries = _starts(_gathered(parts, "n_entries", "nodes"))
        classes, n = _gathered(parts, "classes", "entries"), _gathered(parts, "n", "entries")
        top = slice(0, int(entries[n_first]))
        root_followed = np.append(np.bincount(classes[top], n[top], n_classes), n[top].sum()).astype(np.int64)
        root_distinct = np.append(np.bincount(classes[top], minlength=n_classes), n_first).astype(np.int64)
        followed, distinct = _gathered(parts, "followed", "entries"), _gathered(parts, "distinct", "entries")
        counts = Counts(first, labels, children, entries, classes, n, followed, distinct, root_followed, root_distinct)
        made = cls(counts, rule, n_classes)
        if made._most_bits()[-1] > _PRODUCT_BITS:
            raise ValueError(
                f"alpha is {rule.alpha:g}: with order {rule.order} and {made.counts.root_followed[-1]:,} symbols "
                "probabilities may be too small for a float: choose a larger alpha or a lower order"
            )
        return made

    def bits(
        self,
        texts: Framed,
        *,
        left_out: NDArray[np.int64] | None = None,
        shrinks: bool = False,
        n_jobs: int | None,
        done: Callable[[int], None] = lambda n: None,
    ) -> NDArray[np.float64]:
        """
        Code lengths in bits, shape (n_texts, n_classes); `done` hears of symbols.

        With `left_out`, the class of each text: the texts are among those counted, and each leaves the counts first,
        and the alphabet as well if that `shrinks`.
        """
        result = np.empty((len(texts), self.n_classes))
        classes = np.full(len(texts), -1) if left_out is None else left_out
        careful = sum(self._most_bits()) > _PRODUCT_BITS

        def score(edge: tuple[int, int]) -> None:
            begin, end = edge
            longest = int(np.diff(texts.offsets[begin : end + 1]).max())
            work = self._work(longest, leave_out=left_out is not None)
            how = classes, shrinks, careful, self.rule, work
            bits_by_class(self.counts, texts.symbols, texts.offsets, begin, end, *how, result)
            done(int(texts.offsets[end] - texts.offsets[begin]))

        in_threads(score, runs(texts.offsets), n_jobs)
        return result

    def positions(self, symbols: NDArray[Any]) -> NDArray[np.float64]:
        """Bits of each symbol of one text under each class, shape (n_symbols, n_classes); the first row is 0."""
        result = np.empty((len(symbols), self.n_classes))
        work = self._work(len(symbols), leave_out=False)
        bits_by_position(self.counts, symbols, 0, len(symbols), self.rule, work, result)
        return result

    def _most_bits(self) -> list[float]:
        """More bits than H of order 1 ... K can give to a symbol."""
        k, alpha, weight, base = self.rule
        n = float(self.counts.root_followed[-1])
        context, unseen = math.log2(n / alpha + 1), math.log2(n + 1)
        bits, result = -math.log2(base) + unseen + context, []
        for order in range(1, k + 1):
            own = math.inf if weight == 1 else bits - math.log2(1 - weight)
            bits = min(own, -math.log2(base) + (order + 1) * unseen - math.log2(weight)) + context
            result.append(bits)
        return result

    def _work(self, longest: int, *, leave_out: bool) -> Work:
        """Scratch for texts of up to so many symbols."""
        rows = 0
        if leave_out:
            start, stop = 0, int(self.counts.children[0])
            for _ in range(self.rule.order + 1):
                rows += min(longest, stop - start)  # different strings of each length
                start, stop = stop, int(self.counts.children[min(stop, len(self.counts.children) - 1)])
        table = np.full(1 << (2 * rows).bit_length(), -1, np.int32)
        zeros = [np.zeros(rows, np.int64) for _ in range(7)]
        own = Own(table, zeros[0], zeros[1], zeros[2], zeros[3], zeros[4], zeros[5], zeros[6], np.zeros(4, np.int64))
        empty = np.zeros(self.rule.order + 2, np.int64)
        h, product, n = (np.zeros(self.n_classes) for _ in range(3))
        return Work(h, product, n, empty, empty.copy(), own)
