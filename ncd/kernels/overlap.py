"""Overlaps of sets: which of many sets have a member, and the summed weights of the members that two sets share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.kernels.jit import kernel

__all__ = ["add_overlaps", "invert"]


@kernel
def invert(ends: NDArray[np.int64], members: NDArray[np.int32], starts: NDArray[np.int64], owners: Any) -> None:
    """
    For each member the sets that have it, ascending.

    Parameters
    ----------
    ends : ndarray of int64, shape (n,)
        Where each set ends in `members`.
    members : ndarray of int32
        The sets one after another.
    starts : ndarray of int64, shape (v + 1,)
        Where the sets of member i begin in `owners`, at i + 1. At the end: where they end, so that those of member i
        are owners[starts[i] : starts[i + 1]].
    owners : ndarray of int32, the size of `members`
        Filled in.
    """
    begin = 0
    for owner in range(len(ends)):
        for place in range(begin, ends[owner]):
            next_place = starts[members[place] + 1]
            owners[next_place] = owner
            starts[members[place] + 1] = next_place + 1
        begin = ends[owner]


@kernel
def add_overlaps(
    ends: NDArray[np.int64],
    members: NDArray[np.int32],
    weights: NDArray[np.float32],
    starts: NDArray[np.int64],
    owners: NDArray[np.int32],
    result: NDArray[np.float32],
) -> None:
    """
    Add to ``result[i, j]`` the weights of the members that set i and set j share.

    Parameters
    ----------
    ends, members
        Sets i, as in `invert`.
    weights : ndarray of float32, shape (v,)
    starts, owners
        Sets j, as `invert` leaves them.
    result : ndarray of float32, shape (n, m)
    """
    begin = 0
    for i in range(len(ends)):
        row = result[i]
        for place in range(begin, ends[i]):
            member = members[place]
            weight = weights[member]
            for owner in range(starts[member], starts[member + 1]):
                row[owners[owner]] += weight
        begin = ends[i]
