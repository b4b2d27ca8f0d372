"""
CUDA kernels that find the lengths of pairs, one pair a thread.

A parse kernel leaves the frequencies of literals, lengths and distances of every pair, a second kernel what their block
costs: each has the registers and the shared memory that it alone needs. Pairs are numbered so that the threads of a
warp have numbers side by side, and every array by pair has the pair's number last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncd.engines.cuda_device import cuda, device, launched, on_device
from ncd.kernels import deflate_batch, deflate_pairs, deflate_trees
from ncd.kernels.deflate_batch import LANES, PLACE
from ncd.kernels.deflate_pairs import Pair
from ncd.kernels.deflate_prepare import First, bucket_bits
from ncd.kernels.deflate_trees import SYMBOLS, Trees
from ncd.kernels.huffman import Huffman

__all__ = ["COST_THREADS", "SHORT", "cost", "cost_crowded", "parse_long", "parse_short"]

#: Bytes of a text whose pairs need no memory but a thread's and a block's own.
SHORT = 512
COST_THREADS = 64

_PREFIX = SHORT + 32
_BUCKETS = (1 << int(bucket_bits(SHORT))) + 1
_PLACES = SHORT + 2
_FOLLOWING = SHORT + 1
_MATCHES = SHORT // 3 + 2
_HEAP = 128  # of shared memory; a code of up to 126 symbols
_HEAP_NODES = 2 * _HEAP
_CROWDED_HEAP = 512
_CROWDED_NODES = 2 * SYMBOLS
_CROWDED_LEAVES = SYMBOLS + 1
_CODES, _HEADER = 16, 19

_first_of = device(deflate_batch.first_of)
_parse_lane = device(deflate_batch.parse_lane)
_block_costs = device(deflate_trees.block_costs)
_stream_bytes = device(deflate_pairs.stream_bytes)


@on_device
def _parse(
    rows: Any, row: Any, first: Any, columns: Any, group: Any, following: Any, matches: Any, doubt: Any, parsed: Any
) -> None:
    """Parse one pair."""
    symbols, extra, literal, distance = parsed
    lane = cuda.threadIdx.x
    groups = columns.edges.shape[0] - 1
    pair = (row * groups + group) * LANES + lane
    count, bits = np.int64(-1), np.int64(0)
    if group * LANES + lane < columns.place.shape[0]:
        memory = Pair(
            following=following,
            matches=matches,
            literal=literal[:, pair],
            distance=distance[:, pair],
            also=literal[:0, pair],
            doubt=doubt,
            trees=matches,
        )
        count, bits = _parse_lane(rows, row, first, columns, group, lane, memory)
    symbols[pair] = count
    extra[pair] = bits


@launched
def parse_short(rows: Any, columns: Any, chosen: Any, first_group: Any, groups: Any, parsed: Any) -> None:
    """Parse the pairs of chosen rows and of groups of second texts, none of them longer than `SHORT`."""
    lane = cuda.threadIdx.x
    prefix = cuda.shared.array(_PREFIX, np.uint8)
    starts = cuda.shared.array(_BUCKETS, np.uint16)
    present = cuda.shared.array(_BUCKETS, np.uint8)
    places = cuda.shared.array(_PLACES, PLACE)
    words = cuda.shared.array(_PLACES, np.uint64)
    following = cuda.local.array(_FOLLOWING, np.uint16)
    matches = cuda.local.array(_MATCHES, np.int64)
    doubt = cuda.local.array(1, np.uint8)
    for item in range(cuda.blockIdx.x, chosen.shape[0] * groups, cuda.gridDim.x):
        row = chosen[item // groups]
        there = _first_of(rows, row, rows.literal[row])
        cuda.syncthreads()
        for at in range(lane, there.prefix.shape[0], LANES):
            prefix[at] = there.prefix[at]
        for at in range(lane, there.starts.shape[0], LANES):
            starts[at] = there.starts[at]
            present[at] = there.present[at]
        for at in range(lane, there.places.shape[0], LANES):
            places[at] = there.places[at]
            words[at] = there.words[at]
        cuda.syncthreads()
        first = First(
            prefix=prefix,
            starts=starts,
            places=places,
            words=words,
            present=present,
            state=there.state,
            literal=there.literal,
            distance=there.distance,
            alike=there.alike,
        )
        _parse(rows, row, first, columns, first_group + item % groups, following, matches, doubt, parsed)


@launched
def parse_long(
    rows: Any,
    columns: Any,
    chosen: Any,
    first_group: Any,
    groups: Any,
    blocks: Any,
    following: Any,
    matches: Any,
    parsed: Any,
) -> None:
    """As `parse_short`, for texts of any length; `following` and `matches` are shared by the threads of `blocks`."""
    thread, threads = cuda.grid(1), blocks * LANES
    doubt = cuda.local.array(1, np.uint8)
    if cuda.blockIdx.x >= blocks:
        return
    for item in range(cuda.blockIdx.x, chosen.shape[0] * groups, blocks):
        row = chosen[item // groups]
        first = _first_of(rows, row, rows.literal[row])
        group = first_group + item % groups
        _parse(rows, row, first, columns, group, following[thread::threads], matches[thread::threads], doubt, parsed)


@on_device
def _finish(rows: Any, columns: Any, alphabet: Any, pair: Any, trees: Any, parsed: Any, result: Any) -> None:
    """The length of one pair."""
    symbols, extra, literal, distance = parsed
    width = (columns.edges.shape[0] - 1) * LANES
    row, text = pair // width, pair % width
    own, fixed = _block_costs(trees, literal[:, pair], alphabet, distance[:, pair])
    whole = rows.coded[row] + columns.offsets[text, 1] - columns.offsets[text, 0]
    result[row, columns.place[text]] = _stream_bytes(
        False, whole, np.int64(symbols[pair]), np.int64(extra[pair]), own, fixed
    )


@launched
def cost(rows: Any, columns: Any, alphabet: Any, parsed: Any, crowded: Any, result: Any) -> None:
    """
    Lengths of all pairs, -1 for those that are not ordinary.

    Pairs with more symbols than there is room for are listed in `crowded`, behind their number.
    """
    lane = cuda.threadIdx.x
    heap = cuda.shared.array((_HEAP, COST_THREADS), np.uint32)
    parent = cuda.local.array(_HEAP_NODES, np.uint8)
    order = cuda.local.array(_HEAP_NODES, np.uint8)
    length = cuda.local.array(_HEAP_NODES, np.uint8)
    symbol = cuda.local.array(_HEAP, np.uint16)
    weight = cuda.local.array(_HEAP, np.uint16)
    lengths = cuda.local.array(_CODES, np.uint16)
    header = cuda.local.array(_HEADER, np.uint16)
    trees = Trees(
        tree=Huffman(
            heap=heap[:, lane],
            parent=parent,
            order=order,
            length=length,
            symbol=symbol,
            weight=weight,
            lengths=lengths,
        ),
        header=header,
    )
    symbols, _extra, literal, _distance = parsed
    width = (columns.edges.shape[0] - 1) * LANES
    for pair in range(cuda.grid(1), symbols.shape[0], cuda.gridsize(1)):
        row, text = pair // width, pair % width
        if text >= columns.place.shape[0]:
            continue
        if symbols[pair] < 0:
            result[row, columns.place[text]] = -1
            continue
        leaves = 0
        for i in range(alphabet.shape[0]):
            leaves += literal[alphabet[i], pair] != 0
        if leaves > _HEAP - 2:
            crowded[1 + cuda.atomic.add(crowded, 0, 1)] = pair
        else:
            _finish(rows, columns, alphabet, pair, trees, parsed, result)


@launched
def cost_crowded(rows: Any, columns: Any, alphabet: Any, parsed: Any, crowded: Any, result: Any) -> None:
    """Lengths of the pairs that `cost` has listed."""
    heap = cuda.local.array(_CROWDED_HEAP, np.uint32)
    parent = cuda.local.array(_CROWDED_NODES, np.uint16)
    order = cuda.local.array(_CROWDED_NODES, np.uint16)
    length = cuda.local.array(_CROWDED_NODES, np.uint8)
    symbol = cuda.local.array(_CROWDED_LEAVES, np.uint16)
    weight = cuda.local.array(_CROWDED_LEAVES, np.uint16)
    lengths = cuda.local.array(_CODES, np.uint16)
    header = cuda.local.array(_HEADER, np.uint16)
    trees = Trees(
        tree=Huffman(
            heap=heap, parent=parent, order=order, length=length, symbol=symbol, weight=weight, lengths=lengths
        ),
        header=header,
    )
    for i in range(cuda.grid(1), crowded[0], cuda.gridsize(1)):
        _finish(rows, columns, alphabet, crowded[1 + i], trees, parsed, result)
