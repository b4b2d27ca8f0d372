"""
CUDA kernels: the functions of `ncd.kernels`, as device functions, with one pair of texts a thread.

A parse kernel leaves the frequencies of literals, lengths and distances of every pair, a second kernel what their block
costs: each has the registers and the shared memory that it alone needs. Pairs are numbered so that the threads of a
warp have numbers side by side, and every array by pair has the pair's number last.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from ncd.kernels import deflate_batch, deflate_pairs, deflate_trees, jit
from ncd.kernels.deflate_batch import LANES, PLACE
from ncd.kernels.deflate_pairs import Pair
from ncd.kernels.deflate_prepare import First, bucket_bits
from ncd.kernels.deflate_trees import SYMBOLS, Trees
from ncd.kernels.huffman import Huffman

__all__ = [
    "COST_THREADS",
    "SHORT",
    "SIMULATED",
    "cost",
    "cost_crowded",
    "cuda",
    "device",
    "nearest",
    "parse_long",
    "parse_short",
]

cuda: Any = import_module("numba.cuda")  # of numba-cuda, where that is installed

#: Whether kernels run in Numba's simulator, in Python.
SIMULATED = bool(import_module("numba.core.config").ENABLE_CUDASIM)
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


def _intrinsics() -> tuple[Any, Any]:
    """What stands on a device for `trailing_zeros` and `load64`."""
    if SIMULATED:

        def simulated_zeros(word: Any) -> Any:
            word = int(word)
            return np.uint64((word & -word).bit_length() - 1 if word else 64)

        def simulated_load(data: Any, at: Any) -> Any:
            return np.uint64(int.from_bytes(data[at : at + 8].tobytes(), "little"))

        return simulated_zeros, simulated_load

    from llvmlite import ir

    types = import_module("numba.cuda.types")
    intrinsic: Any = import_module("numba.cuda.extending").intrinsic

    def trailing_zeros(context: Any, word: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.uint64(types.uint64), generate

    def load64(context: Any, data: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # A load must be aligned: the three words around, and two shifts through neighbouring ones.
            half, word = ir.IntType(32), ir.IntType(64)
            array = context.make_array(signature.args[0])(context, builder, args[0])
            address = builder.ptrtoint(builder.gep(array.data, [args[1]]), word)
            bits = builder.shl(builder.trunc(address, half), ir.Constant(half, 3))
            base = builder.inttoptr(builder.and_(address, ir.Constant(word, ~3)), half.as_pointer())
            first, second, third = (builder.load(builder.gep(base, [ir.Constant(half, i)])) for i in range(3))
            signature = ir.FunctionType(half, [half, half, half])
            funnel = ir.InlineAsm(signature, "shf.r.wrap.b32 $0, $1, $2, $3;", "=r,r,r,r")
            low, high = builder.call(funnel, [first, second, bits]), builder.call(funnel, [second, third, bits])
            return builder.or_(builder.zext(low, word), builder.shl(builder.zext(high, word), ir.Constant(word, 32)))

        return types.uint64(data, types.int64), generate

    return intrinsic(trailing_zeros), intrinsic(load64)


_trailing_zeros, _load64 = _intrinsics()
_known: dict[Any, Any] = {jit.trailing_zeros: _trailing_zeros, jit.load64: _load64}


def device(function: Any) -> Any:
    """A function of `ncd.kernels`, and all that it calls, for a device: the same code with other globals."""
    if function not in _known:
        plain = function.py_func
        names = dict(plain.__globals__)
        for name in plain.__code__.co_names:
            called = names.get(name)
            if isinstance(called, Dispatcher) or called is jit.load64 or called is jit.trailing_zeros:
                names[name] = device(called)
        _known[function] = _on_device(FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__))
    return _known[function]


def _launched(function: Callable[..., None]) -> Any:
    """A kernel, compiled at its first launch and for every later process."""
    if SIMULATED:
        return cuda.jit(function)
    try:
        compiled = cuda.jit(cache=True)(function)
        file = compiled._cache._cache_file
        assert file._source_stamp is not None
        # Numba looks at this file only; a kernel consists of others' functions too.
        files = sorted([Path(__file__), *Path(jit.__file__).parent.glob("*.py")])
        file._source_stamp = tuple(f"{f.name}:{f.stat().st_mtime_ns}:{f.stat().st_size}" for f in files)
    except (RuntimeError, AttributeError, AssertionError, OSError):  # no folder to write to, or another Numba
        return cuda.jit(function)
    return compiled


def _on_device(function: Any) -> Any:
    """A plain function for a device, put into its callers."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


_first_of = device(deflate_batch.first_of)
_parse_lane = device(deflate_batch.parse_lane)
_block_costs = device(deflate_trees.block_costs)
_stream_bytes = device(deflate_pairs.stream_bytes)


@_on_device
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


@_launched
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


@_launched
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


@_on_device
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


@_launched
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


@_launched
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


@_on_device
def _ratio(numerator: Any, denominator: Any) -> Any:
    """As in `ncd.distances.lengths`."""
    return 0.0 if denominator == 0.0 and numerator == 0.0 else numerator / denominator


@_on_device
def _distance(metric: Any, x: Any, y: Any, xy: Any, log_y: Any) -> Any:
    """
    A distance of `ncd.distances.lengths`, by its place in `ncd.engines.cuda.METRICS`.

    The same operations on the same numbers in the same order. IEEE 754 leaves none of them a choice, and the logarithm,
    which it would, comes from where it always does.
    """
    if metric == 0:
        return _ratio(xy - min(x, y), max(x, y))
    if metric == 1:
        return _ratio(xy - x, max(x, y))
    if metric == 2:
        return _ratio(xy, x + y)
    if metric == 3:
        return 1.0 - _ratio(x + y - xy, xy)
    if metric == 4:
        return 1.0 - _ratio(x + y - xy, np.float64(math.sqrt(x * y)))
    if metric == 5:
        return _ratio(xy - x - y, log_y)
    return _ratio(xy - x, y)


@_on_device
def _enter(distances: Any, places: Any, held: Any, distance: Any, place: Any) -> Any:
    """Enter a candidate into a list of the nearest, sorted by distance and place; returns how many there are."""
    most = distances.shape[0]
    if held == most:
        last = distances[most - 1]
        if distance > last or (distance == last and place > places[most - 1]):
            return held
    else:
        held += 1
    at = held - 1
    while at > 0 and (distance < distances[at - 1] or (distance == distances[at - 1] and place < places[at - 1])):
        distances[at], places[at] = distances[at - 1], places[at - 1]
        at -= 1
    distances[at], places[at] = distance, place
    return held


@_launched
def nearest(
    lengths: Any,
    metric: Any,
    lx: Any,
    ly: Any,
    log_y: Any,
    add: Any,
    own: Any,
    lists: Any,
    counts: Any,
    rare: Any,
    best: Any,
) -> None:
    """
    The nearest texts of every row.

    Parameters
    ----------
    lengths : int32 array, shape (n, m)
        From `cost`. Pairs without a length are listed in `rare`, behind their number.
    metric : int
    lx, ly, log_y : float64 arrays, shapes (n,), (m,), (m,)
    add : float64 array, shape (n,)
        What makes L(xy) of a length in a row.
    own : int
        The column in which the first row's own text is; columns beyond the last one if it is in none.
    lists : pair of arrays, float64 and int32, shape (blocks, k, LANES)
        Scratch memory.
    counts : int32 array, shape (blocks, LANES)
        Scratch memory.
    rare : int32 array
    best : pair of arrays, float64 and int32, shape (n, k)
        Distances and columns; column -1 where there are no more.
    """
    lane, block = cuda.threadIdx.x, cuda.blockIdx.x
    n, m = lengths.shape
    most = best[0].shape[1]
    distances, places = lists[0][block, :, lane], lists[1][block, :, lane]
    for row in range(block, n, cuda.gridDim.x):
        held = 0
        for column in range(lane, m, LANES):
            length = lengths[row, column]
            if column == own + row:
                continue
            if length < 0:
                rare[1 + cuda.atomic.add(rare, 0, 1)] = row * m + column
                continue
            distance = _distance(metric, lx[row], ly[column], np.float64(length) + add[row], log_y[column])
            held = _enter(distances, places, held, distance, column)
        counts[block, lane] = held
        step = LANES // 2
        while step > 0:
            cuda.syncthreads()
            if lane < step:
                for i in range(counts[block, lane + step]):
                    distance = lists[0][block, i, lane + step]
                    held = _enter(distances, places, held, distance, lists[1][block, i, lane + step])
                counts[block, lane] = held
            step //= 2
        if lane == 0:
            for i in range(most):
                best[0][row, i] = distances[i] if i < held else np.inf
                best[1][row, i] = places[i] if i < held else -1
        cuda.syncthreads()
