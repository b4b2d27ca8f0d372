"""
Pairs of many first and second texts in few arrays, for a device where every thread works on a pair of its own.

`LANES` threads take second texts of like length beside each other through the same steps. What they read at the same
place of their texts lies side by side in memory, and the arrays of one text are views with a stride.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.kernels.deflate_codes import FARTHEST, SLIDE
from ncd.kernels.deflate_pairs import Pair, enter_first, is_ordinary, parsed
from ncd.kernels.deflate_prepare import CHAIN, First, Seconds, bucket_bits, prepare_seconds
from ncd.kernels.deflate_trees import DISTANCES, SYMBOLS
from ncd.kernels.jit import inlined, kernel

__all__ = ["LANES", "PLACE", "Columns", "Rows", "alphabet_of", "first_of", "parse_lane"]

#: Threads that work beside each other.
LANES = 128
#: What `First.places` are.
PLACE = First.empty(0).places.dtype

_HASHES = 32768


class Rows(NamedTuple):
    """First texts, prepared; those of which no pair is ordinary have no more than their sizes."""

    edges: NDArray[np.int64]  # where each text's entries begin in prefix, starts (present), places (words)
    size: NDArray[np.int64]
    coded: NDArray[np.int64]
    alike: NDArray[np.int64]
    state: NDArray[np.int64]
    literal: NDArray[np.uint16]
    distance: NDArray[np.uint16]
    prefix: NDArray[np.uint8]
    starts: NDArray[np.uint16]
    present: NDArray[np.uint8]
    places: NDArray[Any]
    words: NDArray[np.uint64]

    @staticmethod
    def edges_of(xs: Packed, top: int, bottom: int, separator: int) -> NDArray[np.int64]:
        """Where the entries of each text begin, and in the last row where those of the last one end."""
        edges = np.zeros((bottom - top + 1, 3), np.int64)
        _measure(xs.offsets[top : bottom + 1], separator, edges)
        return np.cumsum(edges, axis=0, out=edges)

    @staticmethod
    def bytes_of(edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Bytes of memory for all texts before each one."""
        each = 2 * (SYMBOLS + DISTANCES) + 8 * 12
        return edges @ np.array([1, 3, PLACE.itemsize + 8]) + each * np.arange(len(edges))

    @classmethod
    def prepare(cls, xs: Packed, top: int, bottom: int, separator: bytes, primed: bool) -> Rows:
        """The texts top..bottom, end not included."""
        between = np.frombuffer(separator, np.uint8)
        edges = cls.edges_of(xs, top, bottom, len(between))
        count = bottom - top
        prefix, starts, places = edges[-1].tolist()
        rows = cls(
            edges,
            np.empty(count, np.int64),
            np.empty(count, np.int64),
            np.empty(count, np.int64),
            np.empty((count, 6), np.int64),
            np.empty((count, SYMBOLS), np.uint16),
            np.empty((count, DISTANCES), np.uint16),
            np.zeros(prefix, np.uint8),
            np.empty(starts, np.uint16),
            np.empty(starts, np.uint8),
            np.empty(places, PLACE),
            np.empty(places, np.uint64),
        )
        _prepare_rows(xs.data, xs.offsets[top : bottom + 1], between, primed, rows, np.zeros(_HASHES, np.uint16))
        return rows


class Columns(NamedTuple):
    """Second texts, prepared and sorted by length, in groups of `LANES`."""

    place: NDArray[np.int64]  # number of each text before they were sorted
    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # where each text begins and ends in data
    alike: NDArray[np.int64]
    own: NDArray[np.uint32]  # by byte
    edges: NDArray[np.int64]  # where each group begins in key and mark
    key: NDArray[np.uint16]  # by place and lane, for each group
    mark: NDArray[np.uint8]
    literals: NDArray[np.uint16]  # shape (groups, 256, LANES)

    @staticmethod
    def bytes_of(ys: Packed, left: int, right: int) -> int:
        """At most so many bytes of memory on the device for the texts left..right."""
        sizes = _sizes(ys, left, right)
        size = int(sizes.sum())
        return 5 * size + (right - left + LANES) * 600 + 3 * (size + LANES * int(sizes.max() + 1))

    @classmethod
    def prepare(cls, ys: Packed, left: int, right: int, separator: bytes) -> Columns:
        """The texts left..right, end not included; `separator` stands before each."""
        sizes = _sizes(ys, left, right)
        place = np.argsort(sizes, kind="stable")
        starts = ys.offsets[left:right][place]
        offsets = np.zeros(right - left + 1, np.int64)
        np.cumsum(sizes[place], out=offsets[1:])
        data = np.zeros(offsets[-1] + 16, np.uint8)
        _gather(ys.data, starts, offsets, data)
        seconds = Seconds.of(data, offsets)
        prepare_seconds(seconds, np.frombuffer(separator[-2:], np.uint8))
        seconds.alike[np.diff(ys.offsets[left : right + 1])[place] > FARTHEST] = CHAIN + 1
        groups = -(-(right - left) // LANES)
        depths = sizes[place][np.minimum(np.arange(1, groups + 1) * LANES, right - left) - 1] + 1
        edges = np.zeros(groups + 1, np.int64)
        np.cumsum(depths * LANES, out=edges[1:])
        columns = cls(
            place,
            data,
            np.stack([offsets[:-1], offsets[1:]], axis=1),
            seconds.alike,
            seconds.own,
            edges,
            np.zeros(edges[-1], np.uint16),
            np.zeros(edges[-1], np.uint8),
            np.zeros((groups, 256, LANES), np.uint16),
        )
        _interleave(seconds, columns)
        return columns


def _sizes(ys: Packed, left: int, right: int) -> NDArray[np.int64]:
    """Bytes of the texts left..right, 0 for those too long for an ordinary pair."""
    sizes = np.diff(ys.offsets[left : right + 1])
    return np.where(sizes > FARTHEST, 0, sizes)


def alphabet_of(texts: list[Packed], separator: bytes) -> NDArray[np.uint16]:
    """Symbols in order, among which all are that occur in any pair."""
    used = np.zeros(SYMBOLS, np.bool_)
    used[256:] = True
    for packed in texts:
        used[:256] |= np.bincount(packed.data[packed.offsets[0] : packed.offsets[-1]], minlength=256) > 0
    used[list(separator)] = True
    return np.flatnonzero(used).astype(np.uint16)


@kernel
def _measure(offsets: Any, separator: Any, edges: Any) -> None:
    """Entries of each text, one row further down."""
    for row in range(len(offsets) - 1):
        size = offsets[row + 1] - offsets[row] + separator
        if size < SLIDE:
            edges[row + 1, 0] = (size + 16 + 15) & ~15
            edges[row + 1, 1] = (1 << bucket_bits(size)) + 1
            edges[row + 1, 2] = size + 2


@inlined
def first_of(rows: Rows, row: Any, alike: Any) -> First:
    """One of the first texts; `alike` is scratch memory for who prepares it."""
    prefix, starts, places = rows.edges[row, 0], rows.edges[row, 1], rows.edges[row, 2]
    starts_end, places_end = rows.edges[row + 1, 1], rows.edges[row + 1, 2]
    return First(
        rows.prefix[prefix : rows.edges[row + 1, 0]],
        rows.starts[starts:starts_end],
        rows.places[places:places_end],
        rows.words[places:places_end],
        rows.present[starts:starts_end],
        rows.state[row],
        rows.literal[row],
        rows.distance[row],
        alike,
    )


@kernel
def _prepare_rows(data: Any, offsets: Any, separator: Any, primed: Any, rows: Rows, alike: Any) -> None:
    """Prepare all first texts."""
    for row in range(len(offsets) - 1):
        rows.size[row], rows.coded[row], rows.alike[row] = enter_first(
            first_of(rows, row, alike), data, offsets[row], offsets[row + 1], separator, primed
        )


@kernel
def _gather(data: Any, starts: Any, offsets: Any, result: Any) -> None:
    """Texts one after the other in their new order."""
    for text in range(len(starts)):
        for at in range(offsets[text + 1] - offsets[text]):
            result[offsets[text] + at] = data[starts[text] + at]


@kernel
def _interleave(seconds: Seconds, columns: Columns) -> None:
    """Bring what lanes read at the same time together."""
    for text in range(len(columns.offsets)):
        group, lane = text // LANES, text % LANES
        begin, end = columns.offsets[text, 0], columns.offsets[text, 1]
        target = columns.edges[group] + lane
        for at in range(begin, end):
            columns.key[target] = seconds.key[at]
            columns.mark[target] = seconds.mark[at]
            target += LANES
        for symbol in range(256):
            columns.literals[group, symbol, lane] = seconds.literals[text, symbol]


@inlined
def _seconds_of(columns: Columns, group: Any, lane: Any) -> Seconds:
    """One of the second texts, as the only one there is."""
    text = group * LANES + lane
    begin, end = columns.edges[group], columns.edges[group + 1]
    return Seconds(
        columns.data,
        columns.offsets[text],
        columns.own[columns.offsets[text, 0] :],
        columns.key[begin + lane : end : LANES],
        columns.mark[begin + lane : end : LANES],
        columns.literals[group : group + 1, :, lane],
        columns.alike,
        columns.place,
        columns.place,
        columns.place,
    )


@inlined
def parse_lane(rows: Rows, row: Any, first: First, columns: Columns, group: Any, lane: Any, pair: Pair) -> Any:
    """
    Parse the pair of one lane into the frequencies of `pair`; returns symbols (-1: not ordinary) and extra bits.

    `first` is what `first_of` gives for the row, wherever it has been copied to.
    """
    text = group * LANES + lane
    after = columns.offsets[text, 1] - columns.offsets[text, 0]
    size, alike = rows.size[row], rows.alike[row]
    if alike > CHAIN or not is_ordinary(size, alike, after, columns.alike[text]):
        return np.int64(-1), np.int64(0)
    _, symbols, extra = parsed(first, size, _seconds_of(columns, group, lane), 0, pair)
    return np.int64(-1) if pair.doubt[0] else symbols, extra
