"""Numbers that users give, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["real_number", "seed", "whole_number", "whole_numbers"]


def whole_number(value: object, name: str, low: int, high: int | None = None, *, of: str = "") -> int:
    """A whole number from `low` to `high`; `of` says what it is limited by, as in "with 9 words"."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}: give a whole number")
    if high is not None and high < low:
        raise ValueError(f"{name} is {value}: {of or 'here'} there is none to choose")
    if value < low or (high is not None and value > high):
        choices = f"give {low} or more" if high is None else f"choose from {low} to {high}"
        raise ValueError(f"{name} is {value}: {of + ' ' if of else ''}{choices}")
    return int(value)


def real_number(
    value: object, name: str, give: str = "give a finite number", allowed: Callable[[float], bool] = math.isfinite
) -> float:
    """A number that is allowed; `give` says which ones are, as in "give a share from 0 to 1"."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}: {give}")
    try:
        number = float(value)
    except OverflowError:  # of a whole number
        number = math.copysign(math.inf, value)
    if not allowed(number):
        raise ValueError(f"{name} is {value!r}: {give}")
    return number


def seed(value: object, name: str = "random_state") -> int:
    """The seed of random numbers: the same one gives the same numbers."""
    return whole_number(value, name, 0)


def whole_numbers(values: ArrayLike, name: str) -> NDArray[np.int64]:
    """An array of whole numbers."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} holds {array.dtype.name}: give whole numbers")
    return array.astype(np.int64, copy=False)
