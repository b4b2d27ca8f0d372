"""What one step of a stream brings: text, a number or a vector; never a mixture."""

from __future__ import annotations

import numbers
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import as_bytes, is_missing
from ncd.streams.base import State, TextUnits

__all__ = ["LARGEST", "TEXT", "Observed", "observed", "packed", "unpacked"]

#: The largest number of a stream: its square is still a number.
LARGEST = 1e150


class Observed(NamedTuple):
    """What the steps of a stream are: of one kind, for as long as it runs."""

    name: str  # "text" or "vector"
    dimension: int

    @property
    def is_text(self) -> bool:
        return self.name == "text"

    def __str__(self) -> str:
        if self.is_text:
            return "text"
        return "numbers" if self.dimension == 1 else f"vectors of {self.dimension} numbers"


#: Of a stream of text.
TEXT = Observed("text", 0)


def observed(
    xs: Sequence[Any] | NDArray[Any], kind: Observed | None, first: int, *, name: str = "unit"
) -> tuple[Observed, list[bytes] | NDArray[np.float64]]:
    """
    The kind of some steps, and the steps as bytes or as rows of an array.

    Parameters
    ----------
    xs : sequence, not empty
    kind : Observed, optional
        Of the stream so far.
    first : int
        The number of the first of them, for messages.
    name : str
        What messages call one.

    Raises
    ------
    TypeError, ValueError
        If one of them is missing, not finite, beyond 1e150, or of another kind than the others or the stream so far.
    """
    is_text = isinstance(xs[0], str | bytes | bytearray | memoryview)
    new, values = (TEXT, _texts(xs, first, name)) if is_text else _rows(xs, first, name)
    if kind is not None and new != kind:
        raise (TypeError if new.name != kind.name else ValueError)(
            f"{name} {first} is of {new}, the stream so far of {kind}: one detector watches one kind; make another one"
        )
    return new, values


def _texts(xs: Sequence[Any] | NDArray[Any], first: int, name: str) -> list[bytes]:
    """Bytes of all of them."""
    values: list[bytes] = []
    for x in xs:
        if isinstance(x, str):
            values.append(x.encode("utf-8", "surrogatepass"))
        elif isinstance(x, os.PathLike):
            raise TypeError(f"{name} {first + len(values)} is a path: give the text, or read the file")
        else:
            values.append(as_bytes(x, name=f"{name} {first + len(values)}"))
    return values


def _rows(xs: Sequence[Any] | NDArray[Any], first: int, name: str) -> tuple[Observed, NDArray[np.float64]]:
    """Numbers as rows of one, vectors as rows."""
    for i, x in enumerate(xs):
        if is_missing(x):
            raise ValueError(f"{name} {first + i} is {x!r}, a missing value: leave it out or fill it in")
        if isinstance(x, str | bytes) or not isinstance(x, numbers.Real | np.bool_ | np.ndarray | list | tuple):
            raise TypeError(
                f"{name} {first + i} is a {type(x).__name__}: give str or bytes, numbers, or vectors of numbers, "
                "and only one of these"
            )
    try:
        rows = np.asarray(xs, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"{name}s {first} to {first + len(xs) - 1} are not numbers, or vectors of one dimension"
        ) from None
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or not rows.shape[1]:
        raise ValueError(f"{name} {first} has shape {np.shape(xs[0])}: give a number or a vector of at least one")
    bad = np.flatnonzero(~np.isfinite(rows).all(1))
    if bad.size:
        raise ValueError(f"{name} {first + int(bad[0])} is {xs[int(bad[0])]!r}: give finite numbers")
    bad = np.flatnonzero((np.abs(rows) > LARGEST).any(1))
    if bad.size:
        raise ValueError(f"{name} {first + int(bad[0])} is {xs[int(bad[0])]!r}: give numbers up to {LARGEST:g}")
    return Observed("vector", rows.shape[1]), rows


def packed(units: Sequence[Any] | NDArray[Any] | str | bytes) -> State:
    """Units as arrays, for a checkpoint."""
    if isinstance(units, str | bytes | bytearray | memoryview):
        return {"kind": "single", "data": np.frombuffer(as_bytes(units), np.uint8)}
    if not len(units):
        return {"kind": "none"}
    kind, values = observed(units, None, 0)
    if not kind.is_text:
        return {"kind": "rows", "data": values}
    together = TextUnits.of(values)  # type: ignore[arg-type]
    return {"kind": "texts", "data": together.data, "ends": together.ends}


def unpacked(state: State) -> Any:
    """The units again."""
    kind = state["kind"]
    if kind == "none":
        return []
    if kind == "single":
        return state["data"].tobytes()
    if kind == "rows":
        return list(state["data"])
    ends = state["ends"]
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    return list(TextUnits(state["data"], starts, ends))
