"""Numbers that users give, checked."""

from __future__ import annotations

import numpy as np

__all__ = ["whole_number"]


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
