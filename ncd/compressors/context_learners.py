"""Learners over the context kernels: models that count, and context-tree weighting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.learners import Learner, Symbols, run
from ncd.kernels.arithmetic import Coder
from ncd.kernels.context_coder import all_shares, transcode
from ncd.kernels.context_counts import Rule, forget, learn, read_only
from ncd.kernels.context_ctw import ALPHABET, Tree, Weights, forget_bytes, learn_bytes
from ncd.kernels.context_ctw_coder import all_bytes, read_bytes, transcode_bytes
from ncd.kernels.context_trie import CAPACITY, DISTINCT, Walk

__all__ = ["CountLearner", "CtwLearner"]

_LOGGED_TEXT = 1 << 15  # bytes of a text that is logged, in case that the next one begins alike
_LOG_ENTRIES, _ENTRY_BYTES = 5, 16  # a byte and context, on texts
_LOG_BYTES = 1 << 26  # after a primed text, or as many as the model has


class CountLearner(Learner):
    """PPM, Witten-Bell, Kneser-Ney, their mixture, Dirichlet; over an alphabet, or an open one."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.order, rule.order + 1, rule.alphabet)
        self._rule = rule

    def _learn(self, start: int, stop: int, undo: bool) -> int:
        del undo  # takes nothing more than the counts
        state = self._trie, self._walk, self._rule
        return int(run(learn, *state, self._symbols, start, stop, self._ends, self._shares))

    def _forget(self, position: int) -> None:
        run(forget, self._trie, self._walk, self._rule, self._ends, position, self._position)

    def _transcode(self, symbols: Symbols, start: int, stop: int, coder: Coder, reading: bool) -> int:
        shares = np.empty(self._alphabet or stop + 1)
        return int(run(transcode, self._trie, self._walk, self._rule, symbols, start, stop, coder, shares, reading))

    def _read(self, walk: Walk, symbols: Symbols, shares: NDArray[np.float64]) -> None:
        run(read_only, self._trie, walk, self._rule, symbols, 0, len(symbols), shares)

    def distribution(self) -> NDArray[np.float64]:
        shares = np.empty(self._alphabet or int(self._trie.nodes[int(DISTINCT)]) + 1)
        run(all_shares, self._trie, self._walk, self._rule, shares)
        return shares


class CtwLearner(Learner):
    """Context-tree weighting of bytes; what is to be forgotten is logged, which takes much memory for long texts."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree.depth, tree.depth, ALPHABET)
        self._tree = tree
        self._weights = Weights.empty(tree)
        self._marks = np.empty((0, 2), np.int64)
        self._logged_from: int | None = None

    def _clear(self, size: int) -> None:
        super()._clear(size)
        self._weights.clear()
        self._weights = self._weights.fitted(self._tree, self._capacity)
        self._logged_from = None

    @property
    def _capacity(self) -> int:
        """Nodes for which the trie has room."""
        return int(self._trie.sizes[CAPACITY])

    def _enlarge(self) -> bool:
        larger = super()._enlarge()
        before, self._weights = self._weights, self._weights.fitted(self._tree, self._capacity)
        return larger or any(one is not other for one, other in zip(before, self._weights, strict=True))

    def _may_undo(self, size: int, base: int) -> bool:
        entries = max(_LOG_BYTES, self.nbytes) // _ENTRY_BYTES
        return size <= _LOGGED_TEXT if base == 0 else _LOG_ENTRIES * (self._order + 1) * size <= entries

    def _can_forget(self, position: int) -> bool:
        return self._logged_from is not None and self._logged_from <= position

    def _arrays(self) -> list[NDArray[Any]]:
        return [*super()._arrays(), *self._weights, self._marks]

    def _reserve(self, size: int) -> None:
        super()._reserve(size)
        more = len(self._symbols) - len(self._marks)
        self._marks = np.concatenate([self._marks, np.empty((more, 2), np.int64)]) if more > 0 else self._marks

    def settle(self) -> None:
        super().settle()
        self._marks = np.empty((0, 2), np.int64)

    def _learn(self, start: int, stop: int, undo: bool) -> int:
        if not undo or self._logged_from is None:
            self._logged_from = start if undo else None
            self._weights.drop_log()
        state = self._trie, self._walk, self._weights, self._tree
        kept = self._ends, self._marks, self._shares
        return int(run(learn_bytes, *state, self._symbols, start, stop, *kept, undo))

    def _forget(self, position: int) -> None:
        run(forget_bytes, self._trie, self._walk, self._weights, self._tree, self._ends, self._marks, position)

    def _transcode(self, symbols: Symbols, start: int, stop: int, coder: Coder, reading: bool) -> int:
        state = self._trie, self._walk, self._weights, self._tree
        return int(run(transcode_bytes, *state, symbols, start, stop, coder, reading))

    def _read(self, walk: Walk, symbols: Symbols, shares: NDArray[np.float64]) -> None:
        state = self._trie, walk, self._weights, self._tree
        cursor = np.zeros_like(self._weights.cursor)
        run(read_bytes, *state, cursor, symbols, 0, len(symbols), shares)

    def distribution(self) -> NDArray[np.float64]:
        shares = np.empty(ALPHABET)
        run(all_bytes, self._trie, self._walk, self._weights, self._tree, self._weights.cursor, shares)
        return shares
