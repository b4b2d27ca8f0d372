"""
All strings of a text up to some length, in a trie of nodes that link to their suffixes.

A node stands for a string u; its children are the strings us, so that the successors of a context and their counts are
side by side. The suffix of a node is its string without the first symbol. Of the strings that end at a position, each
is the suffix of the next longer one: what follows the longest context leads to what follows all others.

Nodes are rows of eight words in one array, in the order in which they were made. Children are found through one hash
table of all children whose parent has more than one; a chain of siblings, the newest first, lists them. Whatever is
done can be undone, the last thing first: no entry of the table stands in the way of a younger one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import inlined, kernel

__all__ = [
    "CAPACITY",
    "CHILD",
    "COUNT",
    "DISTINCT",
    "NEXT",
    "NODE",
    "NONE",
    "SUFFIX",
    "SYMBOL",
    "TOTAL",
    "USED",
    "WORDS",
    "Trie",
    "Walk",
    "create",
    "descend",
    "enter",
    "is_open",
    "remove",
    "stand_at",
    "table_again",
]

WORDS = 8  # of a node
NODE = np.uint64(3)  # a node's first word is its number, shifted by this
NONE = np.uint64(0)  # the root, where a child is asked for
PARENT, SYMBOL, SUFFIX, COUNT, CHILD, NEXT, TOTAL, DISTINCT = (np.uint64(word) for word in range(WORDS))

USED, TABLED, SHIFT, CAPACITY = 0, 1, 2, 3

_ONE, _TWO, _HIGH = np.uint64(1), np.uint64(2), np.uint64(32)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: its products differ most in their high bits
_MOST_NODES = 1 << 32
_NO_SYMBOL = np.uint32(0xFFFFFFFF)


def _slots(nodes: int) -> int:
    """Size of the table for so many nodes, about half of which are in it."""
    return 1 << max(nodes - 1, 15).bit_length()


class Trie(NamedTuple):
    """A trie; where it is full, `larger` gives one that has room."""

    nodes: NDArray[np.uint32]  # parent, symbol, suffix, count, newest child, next sibling, total and number of children
    table: NDArray[np.uint32]  # children by parent and symbol
    sizes: NDArray[np.int64]  # nodes, entries of the table, 64 - log2 of its length, most nodes
    tally: NDArray[np.int64]  # by length of string: how many have a count of 1, and of 2

    @classmethod
    def empty(cls, longest: int, nodes: int) -> Trie:
        """Memory for strings of so many symbols and for so many nodes, the root included."""
        trie = cls(
            np.empty(nodes * WORDS, np.uint32),
            np.empty(_slots(nodes), np.uint32),
            np.zeros(4, np.int64),
            np.zeros(2 * (longest + 1), np.int64),
        )
        trie.clear(nodes)
        return trie

    def clear(self, nodes: int) -> None:
        """Begin a trie of at most so many nodes; what is cleared grows with them, not with the memory."""
        slots = _slots(nodes)
        self.sizes[:] = 1, 0, 65 - slots.bit_length(), nodes
        self.table[:slots] = 0
        self.nodes[:WORDS] = 0
        self.nodes[int(SYMBOL)] = _NO_SYMBOL
        self.tally[:] = 0

    def fits(self, nodes: int) -> bool:
        """Whether `clear` may be called with so many nodes."""
        return nodes * WORDS <= len(self.nodes) and _slots(nodes) <= len(self.table)

    def has_room(self, longest: int) -> bool:
        """Whether one more symbol can be learned in any case."""
        return bool(is_open.py_func(self.sizes, longest))

    def larger(self) -> Trie:
        """The same trie with twice the room."""
        used, nodes = int(self.sizes[USED]), 2 * int(self.sizes[CAPACITY])
        trie = self
        if nodes > _MOST_NODES:
            raise MemoryError(f"a context model of {nodes:,} strings: {_MOST_NODES:,} are the most; take a lower order")
        if not self.fits(nodes):
            trie = Trie.empty(len(self.tally) // 2 - 1, nodes)
            trie.nodes[: used * WORDS] = self.nodes[: used * WORDS]
            trie.tally[:] = self.tally
        trie.sizes[:] = used, 0, 65 - _slots(nodes).bit_length(), nodes
        table_again(trie)
        return trie


class Walk(NamedTuple):
    """Where a text is in a trie."""

    chain: NDArray[np.uint64]  # nodes of the contexts: the last 0, 1, 2 ... symbols
    found: NDArray[np.uint64]  # their children with the current symbol
    depth: NDArray[np.int64]  # [0]: the longest of these contexts

    @classmethod
    def empty(cls, longest: int) -> Walk:
        """The start of a text."""
        return cls(np.zeros(longest + 1, np.uint64), np.zeros(longest + 1, np.uint64), np.zeros(1, np.int64))


@inlined
def is_open(sizes: Any, longest: Any) -> Any:
    """Whether there is room for one more symbol in any case: a node and two entries of the table for each length."""
    slots = 1 << (64 - sizes[SHIFT])
    return sizes[USED] + longest <= sizes[CAPACITY] and sizes[TABLED] + 2 * longest <= slots - (slots >> 2)


@inlined
def _slot(trie: Trie, parent: Any, symbol: Any) -> Any:
    """Where the table is entered."""
    return ((parent << _HIGH | symbol) * _GOLDEN) >> np.uint64(trie.sizes[SHIFT])


@inlined
def _mask(trie: Trie) -> Any:
    """The last slot of the table."""
    return (_ONE << (np.uint64(64) - np.uint64(trie.sizes[SHIFT]))) - _ONE


@inlined
def _child(trie: Trie, parent: Any, symbol: Any) -> Any:
    """The child of a node by symbol, or `NONE`."""
    nodes, table = trie.nodes, trie.table
    at = parent << NODE
    if nodes[at + DISTINCT] < 2:
        only = np.uint64(nodes[at + CHILD])
        return only if nodes[(only << NODE) + SYMBOL] == symbol else NONE
    slot, mask = _slot(trie, parent, symbol), _mask(trie)
    node = np.uint64(table[slot])
    while node != NONE:
        at = node << NODE
        if nodes[at + SYMBOL] == symbol and nodes[at + PARENT] == parent:
            break
        slot = (slot + _ONE) & mask
        node = np.uint64(table[slot])
    return node


@inlined
def _put(trie: Trie, node: Any) -> None:
    """Enter a node into the table."""
    nodes, table = trie.nodes, trie.table
    at = node << NODE
    slot, mask = _slot(trie, np.uint64(nodes[at + PARENT]), np.uint64(nodes[at + SYMBOL])), _mask(trie)
    while table[slot] != 0:
        slot = (slot + _ONE) & mask
    table[slot] = node
    trie.sizes[TABLED] += 1


@inlined
def _take(trie: Trie, node: Any) -> None:
    """Take the node out of the table that was entered last."""
    nodes, table = trie.nodes, trie.table
    at = node << NODE
    slot, mask = _slot(trie, np.uint64(nodes[at + PARENT]), np.uint64(nodes[at + SYMBOL])), _mask(trie)
    while table[slot] != node:
        slot = (slot + _ONE) & mask
    table[slot] = 0
    trie.sizes[TABLED] -= 1


@inlined
def create(trie: Trie, parent: Any, symbol: Any, suffix: Any) -> Any:
    """Add a child, with a count of 0."""
    nodes = trie.nodes
    node = np.uint64(trie.sizes[USED])
    trie.sizes[USED] += 1
    at, above = node << NODE, parent << NODE
    sibling, distinct = np.uint64(nodes[above + CHILD]), nodes[above + DISTINCT]
    nodes[at + PARENT] = parent
    nodes[at + SYMBOL] = symbol
    nodes[at + SUFFIX] = suffix
    nodes[at + COUNT] = 0
    nodes[at + CHILD] = 0
    nodes[at + NEXT] = sibling
    nodes[at + TOTAL] = 0
    nodes[at + DISTINCT] = 0
    nodes[above + CHILD] = node
    nodes[above + DISTINCT] = distinct + 1
    if distinct != 0:
        if distinct == 1:
            _put(trie, sibling)
        _put(trie, node)
    return node


@inlined
def remove(trie: Trie) -> None:
    """Undo the last `create`."""
    nodes = trie.nodes
    trie.sizes[USED] -= 1
    node = np.uint64(trie.sizes[USED])
    at = node << NODE
    above = np.uint64(nodes[at + PARENT]) << NODE
    sibling, distinct = np.uint64(nodes[at + NEXT]), nodes[above + DISTINCT]
    if distinct != 1:
        _take(trie, node)
        if distinct == 2:
            _take(trie, sibling)
    nodes[above + CHILD] = sibling
    nodes[above + DISTINCT] = distinct - 1


@kernel
def table_again(trie: Trie) -> None:
    """Fill a table of new size, in the order in which its entries were made."""
    nodes, table, sizes = trie.nodes, trie.table, trie.sizes
    for slot in range(1 << (64 - sizes[SHIFT])):
        table[slot] = 0
    sizes[TABLED] = 0
    for number in range(1, sizes[USED]):
        node = np.uint64(number)
        sibling = np.uint64(nodes[(node << NODE) + NEXT])
        if sibling != NONE:
            if nodes[(sibling << NODE) + NEXT] == 0:
                _put(trie, sibling)
            _put(trie, node)


@inlined
def descend(trie: Trie, walk: Walk, symbol: Any, top: Any) -> Any:
    """
    Find what follows each context of up to `top` symbols, in `found`.

    Returns the longest context that the symbol has followed, -1 if it is new: it has followed all shorter ones too.
    """
    chain, found, nodes = walk.chain, walk.found, trie.nodes
    k = top
    node = NONE
    while k >= 0:
        node = _child(trie, chain[k], symbol)
        if node != NONE:
            break
        k -= 1
    reached = k
    while k >= 0:
        found[k] = node
        node = np.uint64(nodes[(node << NODE) + SUFFIX])
        k -= 1
    return reached


@inlined
def enter(walk: Walk, top: Any, longest: Any) -> None:
    """Go on to the contexts that end with the current symbol: from those `found` up to `top`, of at most `longest`."""
    chain, found = walk.chain, walk.found
    deepest = min(top + 1, longest)
    for k in range(deepest):
        chain[k + 1] = found[k]
    walk.depth[0] = deepest


@inlined
def stand_at(trie: Trie, walk: Walk, node: Any, depth: Any) -> None:
    """Go to the contexts of which the longest is a node of `depth` symbols."""
    chain, nodes = walk.chain, trie.nodes
    walk.depth[0] = depth
    for k in range(depth, -1, -1):
        chain[k] = node
        node = np.uint64(nodes[(node << NODE) + SUFFIX])
