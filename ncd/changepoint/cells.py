"""A sequence of numbers, checked and read as symbols: ranks in a few steps, or cells of fixed width."""

from __future__ import annotations

from numbers import Real
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Cells", "as_sequence", "cells_of_level", "levels_of", "places_of", "symbols_of"]

#: How values become cells: by rank, or by ``trunc(x 2^(level + 1))``.
Cells = Literal["rank", "raw"]

#: A sequence with at most so many different values keeps them as its symbols.
FEW_VALUES = 16
_ENOUGH = 8  # elements for each of few values
_MOST_LEVELS = 5


def as_sequence(x: ArrayLike, name: str = "x") -> NDArray[np.generic]:
    """
    A sequence as an array of shape (n, d) of booleans, integers or floats, with nothing in it that is no number.

    Raises
    ------
    TypeError
        If it holds text, objects or complex numbers.
    ValueError
        If it is ragged, has more than two dimensions or no coordinates, or holds NaN or an infinite value.
    """
    if isinstance(x, str):
        raise TypeError(f"{name} is a string: give numbers, or the bytes of the text, {name}.encode()")
    if isinstance(x, (bytes, bytearray, memoryview)):
        x = np.frombuffer(x, np.uint8)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} is ragged: give a sequence of numbers, or of vectors of one length") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} holds values of type {array.dtype}: give booleans, integers or floats")
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise ValueError(f"{name} has shape {array.shape}: give (n,), or (n, d) for n vectors")
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


def as_share(min_distance: float, name: str = "min_distance") -> float:
    """A least distance between changepoints, as a share of the length in (0, 0.5]."""
    if isinstance(min_distance, bool) or not isinstance(min_distance, Real) or not 0 < min_distance <= 0.5:
        raise ValueError(f"{name} is {min_distance!r}: give a share of the sequence's length, above 0 and at most 0.5")
    return float(min_distance)


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
    if cells not in get_args(Cells):
        raise ValueError(f"cells is {cells!r}: choose from {', '.join(map(repr, get_args(Cells)))}")
    levels = 1
    for j in range(x.shape[1]):
        values = np.unique(x[:, j]).astype(np.float64)
        if len(values) < 2:
            continue
        needed = (len(values) - 1).bit_length() if cells == "rank" else int(np.ceil(-np.log2(np.diff(values).min())))
        levels = max(levels, min(needed, _MOST_LEVELS))
    return levels


def cells_of_level(x: NDArray[np.generic], level: int, cells: Cells) -> tuple[NDArray[np.int32], int]:
    """
    The cell of each element at a level, numbered from 0, and how many there are.

    ``rank``: the mean rank in 2^(level + 1) cells; ``raw``: trunc(x 2^(level + 1)). A vector's cell is that of all its
    coordinates.
    """
    result, count = np.zeros(len(x), np.int64), 1
    for column in x.T:
        if cells == "rank":
            own = ranks_in_cells(*places_of(column), 2 << level)
        else:
            own = np.trunc(column.astype(np.float64) * (2 << level))
        places, counts = places_of(own)
        joint, all_counts = places_of(result * len(counts) + places)
        result, count = joint, len(all_counts)
    return result.astype(np.int32), count
