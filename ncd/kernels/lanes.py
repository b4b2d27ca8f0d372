"""Eight float32 numbers at a time: sums and changes of many rows of a table, as vector instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic
from numpy.typing import NDArray

from ncd.kernels.jit import kernel

__all__ = ["LANES", "add_rows", "change_rows", "sum_rows"]

LANES = 8
_AHEAD = 12  # rows between the one that is used and the one that is fetched
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _pointer(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Where the data of an array begin."""
    return context.make_array(kind)(context, builder, value).data


def _vector_at(builder: Any, data: Any, at: Any) -> Any:
    """Eight floats from a position."""
    return builder.bitcast(builder.gep(data, [at]), _VECTOR.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    """The vector at a pointer, which need not be aligned."""
    value = builder.load(pointer)
    value.align = 4
    return value


def _widened(builder: Any, data: Any, at: Any) -> Any:
    """Eight floats from their upper halves."""
    halves = ir.VectorType(ir.IntType(16), LANES)
    words = ir.VectorType(ir.IntType(32), LANES)
    pointer = builder.bitcast(builder.gep(data, [at]), halves.as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 2
    sixteen = ir.Constant(words, [16] * LANES)
    return builder.bitcast(builder.shl(builder.zext(loaded, words), sixteen), _VECTOR)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    """Put a vector there."""
    builder.store(value, pointer).align = 4


def _row(builder: Any, features: Any, at: Any) -> Any:
    """Where row ``features[at]`` of sixteen floats begins."""
    word = builder.load(builder.gep(features, [at]))
    return builder.shl(builder.zext(word, ir.IntType(64)), ir.Constant(ir.IntType(64), 4))


def _fetch(builder: Any, rows: Any, features: Any, at: Any, stop: Any) -> None:
    """Ask for a row that is needed soon."""
    ahead = builder.add(at, ir.Constant(at.type, _AHEAD))
    last = builder.sub(stop, ir.Constant(at.type, 1))
    ahead = builder.select(builder.icmp_signed("<", ahead, last), ahead, last)
    pointer = builder.bitcast(builder.gep(rows, [_row(builder, features, ahead)]), ir.IntType(8).as_pointer())
    flag = ir.IntType(32)
    prefetch = builder.module.declare_intrinsic(
        "llvm.prefetch", [pointer.type], ir.FunctionType(ir.VoidType(), [pointer.type, flag, flag, flag])
    )
    builder.call(prefetch, [pointer, ir.Constant(flag, 0), ir.Constant(flag, 3), ir.Constant(flag, 1)])


def _factor(context: Any, builder: Any, signature: Any, args: Any, first: int) -> Any:
    """Gives the factor of a place as a vector; `first` is the argument `steps`, which `factors` follows."""
    steps = _pointer(context, builder, signature.args[first], args[first])
    factors = _pointer(context, builder, signature.args[first + 1], args[first + 1])

    def of(at: Any) -> Any:
        step = builder.zext(builder.load(builder.gep(steps, [at])), ir.IntType(64))
        factor = builder.load(builder.gep(factors, [step]))
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), factor, ir.Constant(ir.IntType(32), 0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), places)

    return of


@intrinsic
def add_rows(
    context: Any, rows: Any, half: Any, features: Any, steps: Any, factors: Any, begin: Any, stop: Any, sums: Any
) -> Any:
    """
    Sum of the first (`half` 0) or second (8) halves of rows, each times a factor, into ``sums[:8]``.

    The rows are ``features[begin:stop]``, their factors ``factors[steps[begin:stop]]``.

    `rows` is a contiguous table of sixteen columns, of float32, or of uint16, which are the upper halves of float32
    numbers; `features` is a contiguous uint32 array.
    """
    del context
    short = rows.dtype == types.uint16

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _pointer(context, builder, signature.args[0], args[0])
        which = _pointer(context, builder, signature.args[2], args[2])
        scale = _factor(context, builder, signature, args, 3)
        total = cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, [0.0] * LANES))
        with cgutils.for_range_slice(builder, args[5], args[6], ir.Constant(args[5].type, 1)) as (at, _):
            _fetch(builder, data, which, at, args[6])
            row = builder.add(_row(builder, which, at), args[1])
            value = _widened(builder, data, row) if short else _load(builder, _vector_at(builder, data, row))
            value = builder.fmul(scale(at), value)
            builder.store(builder.fadd(builder.load(total), value), total)
        out = _pointer(context, builder, signature.args[7], args[7])
        _store(builder, builder.load(total), _vector_at(builder, out, ir.Constant(ir.IntType(64), 0)))
        return context.get_dummy_value()

    return types.void(rows, types.int64, features, steps, factors, types.int64, types.int64, sums), generate


@intrinsic
def change_rows(
    context: Any, rows: Any, features: Any, steps: Any, factors: Any, begin: Any, stop: Any, changes: Any
) -> Any:
    """Add ``changes[:8]`` times the second half, times the factor, to the first half of rows, which are as above."""
    del context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = _pointer(context, builder, signature.args[0], args[0])
        which = _pointer(context, builder, signature.args[1], args[1])
        scale = _factor(context, builder, signature, args, 2)
        change_data = _pointer(context, builder, signature.args[6], args[6])
        change = _load(builder, _vector_at(builder, change_data, ir.Constant(ir.IntType(64), 0)))
        with cgutils.for_range_slice(builder, args[4], args[5], ir.Constant(args[4].type, 1)) as (at, _):
            _fetch(builder, data, which, at, args[5])
            row = _row(builder, which, at)
            first = _vector_at(builder, data, row)
            second = _vector_at(builder, data, builder.add(row, ir.Constant(row.type, LANES)))
            added = builder.fmul(builder.fmul(change, scale(at)), _load(builder, second))
            _store(builder, builder.fadd(_load(builder, first), added), first)
        return context.get_dummy_value()

    return types.void(rows, features, steps, factors, types.int64, types.int64, changes), generate


@kernel
def sum_rows(
    ends: NDArray[np.int64],
    features: NDArray[np.uint32],
    steps: NDArray[np.uint8],
    factors: NDArray[np.float32],
    rows: Any,
    half: int,
    sums: NDArray[np.float32],
) -> None:
    """For each text the sum of one half, 0 or 8, of its features' rows, times their factors: shape (n_texts, 8)."""
    begin = 0
    for text in range(len(ends)):
        add_rows(rows, half, features, steps, factors, begin, ends[text], sums[text])
        begin = ends[text]
