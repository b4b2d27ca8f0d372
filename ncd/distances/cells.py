"""A sequence of numbers, checked and read as symbols: ranks in a few steps, or cells of fixed width."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Cells",
    "as_filled",
    "as_sequence",
    "cells_of_level",
    "checked_cells",
    "levels_of",
    "places_of",
    "symbols_of",
]

#: How values become cells: by rank, or by ``trunc(x 2^(level + 1))``.
Cells = Literal["rank", "raw"]

#: A sequence with at most so many different values keeps them as its symbols.
FEW_VALUES = 16
_ENOUGH = 8  # elements for each of few values
_MOST_LEVELS = 5
_WHOLE = 2.0**53  # from which on floats are whole numbers


def as_sequence(x: ArrayLike, name: str = "x") -> NDArray[np.generic]:
    """
    A sequence as an array of shape (n, d) of booleans, integers or floats, with nothing in it that is no number.

    Raises
    ------
    TypeError
        If it holds text, objects or complex numbers.
    ValueError
        If it is ragged, has more than two dimensions or no coordinates, or holds NaN, an infinite or a masked value.
    """
    if isinstance(x, str):
        raise TypeError(f"{name} is a string: give numbers, or the bytes of the text, {name}.encode()")
    if isinstance(x, (bytes, bytearray, memoryview)):
        x = np.frombuffer(x, np.uint8)
    if np.ma.is_masked(x):
        place = np.argwhere(np.ma.getmaskarray(np.ma.asarray(x)))[0]
        raise ValueError(f"{name}[{', '.join(map(str, place))}] is masked: replace or leave out what is missing")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} is ragged: give a sequence of numbers, or of vectors of one length") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds values of type {array.dtype}: give booleans, integers or floats")
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise ValueError(f"{name} has shape {array.shape}: give (n,), or (n, d) for n vectors")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}] is {array[tuple(place)]}: replace or leave out what is not finite"
        )
    return array[:, None] if array.ndim == 1 else array


def as_filled(x: ArrayLike, name: str = "x") -> NDArray[np.generic]:
    """The same, and not empty."""
    sequence = as_sequence(x, name)
    if not len(sequence):
        raise ValueError(f"{name} is empty: give at least one element")
    return sequence


def checked_cells(cells: Cells) -> Cells:
    """How values become cells."""
    if cells not in get_args(Cells):
        raise ValueError(f"cells is {cells!r}: choose from {', '.join(map(repr, get_args(Cells)))}")
    return cells


def places_of(column: NDArray[np.generic]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each element which of the different values it is, ascending; and how often each comes."""
    _, places, counts = np.unique(column, return_inverse=True, return_counts=True)
    return places.reshape(-1).astype(np.int64), counts.astype(np.int64)


def ranks_in_cells(places: NDArray[np.int64], counts: NDArray[np.int64], cells: int) -> NDArray[np.int64]:
    """Each element's mean rank, from 0 to 1, in so many cells of equal width; equal values stay together."""
    twice = 2 * np.cumsum(counts) - counts
    return (twice * cells // (2 * counts.sum()))[places]


def symbols_of(x: NDArray[np.generic], bits: int = 2) -> tuple[NDArray[np.uint8], int]:
    """
    Symbols of each coordinate, shape (d, n), and the bits of the largest one.

    Few values (16 at most, each of them 8 times on average) are numbered in ascending order; others are put into
    ``2**bits`` cells by rank.
    """
    n, d = x.shape
    symbols = np.zeros((d, n), np.uint8)
    largest = 1
    for j in range(d if n else 0):
        places, counts = places_of(x[:, j])
        few = len(counts) <= FEW_VALUES and len(counts) * _ENOUGH <= n
        symbols[j] = places if few or len(counts) <= 2 else ranks_in_cells(places, counts, 1 << bits)
        largest = max(largest, int(symbols[j].max()))
    return symbols, largest.bit_length()


def levels_of(x: NDArray[np.generic], cells: Cells) -> int:
    """
    Levels of cells that tell values apart, from 1 to 5.

    By rank as many as the number of different values asks for; raw ones until their width is at most the smallest gap.
    """
    checked_cells(cells)
    levels = 1
    for j in range(x.shape[1]):
        values = np.unique(x[:, j])
        if len(values) < 2:
            continue
        needed = (len(values) - 1).bit_length() if cells == "rank" else _halvings(values)
        levels = max(levels, min(needed, _MOST_LEVELS))
    return levels


def _halvings(values: NDArray[np.generic]) -> int:
    """How often 1 is halved until it is at most the smallest gap of ascending values."""
    if values.dtype.kind != "f":
        return 0
    with np.errstate(over="ignore"):
        gap = min(float(np.diff(values.astype(np.float64)).min()), 1.0)
    return math.ceil(-math.log2(gap))


def cells_of_level(x: NDArray[np.generic], level: int, cells: Cells) -> tuple[NDArray[np.int32], int]:
    """
    The cell of each element at a level, numbered from 0, and how many there are.

    ``rank``: the mean rank in 2^(level + 1) cells; ``raw``: trunc(x 2^(level + 1)). A vector's cell is that of all its
    coordinates.
    """
    result, count = np.zeros(len(x), np.int64), 1
    for column in x.T:
        own: NDArray[np.generic] = column  # raw cells of whole numbers are the numbers
        if cells == "rank":
            own = ranks_in_cells(*places_of(column), 2 << level)
        elif column.dtype.kind == "f":
            own = _cut_off(column.astype(np.float64), 2 << level)
        places, counts = places_of(own)
        joint, all_counts = places_of(result * len(counts) + places)
        result, count = joint, len(all_counts)
    return result.astype(np.int32), count


def _cut_off(values: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    """trunc(x parts) / parts for a power of two, without overflow: the ends of cells nearest to zero."""
    small = np.abs(values) < _WHOLE
    return np.where(small, np.trunc(np.where(small, values, 0) * parts) / parts, values)
