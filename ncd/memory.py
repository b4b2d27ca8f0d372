"""How much memory there is: asked before a long computation, not found out at its end."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["available", "give_back", "new_matrix"]

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
_SMALL = 1 << 26  # bytes for which nobody asks


def available() -> int | None:
    """
    Bytes that this process may still take.

    What Linux counts as available, swap included, within the limit of a container; the machine's memory on other
    Unix systems; None where nobody can tell.
    """
    found = list(_container())
    with suppress(OSError, ValueError, KeyError):
        lines = (_PROC / "meminfo").read_text().splitlines()
        kilobytes = {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines)}
        return min([(kilobytes["MemAvailable"] + kilobytes["SwapFree"]) * 1024, *found])
    with suppress(AttributeError, OSError, ValueError):
        return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *found])
    return None


def _container() -> Iterator[int]:
    """Bytes left under the memory limits of the control groups that this process is in."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (_PROC / "self" / "cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if controllers == "":
            root, files = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):  # version 1
            root = _CGROUPS / "memory"
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        own = root / name.lstrip("/")
        for group in (own, *own.parents[: len(own.parents) - len(root.parents)]):
            with suppress(OSError, ValueError):  # without a limit a file says "max", or is not there
                yield _left(group, *files)


def _left(group: Path, most: str, used: str, cached: str) -> int:
    """Bytes left under one group's limit; cached files make room where it is needed."""
    limit, usage = (int((group / name).read_text()) for name in (most, used))
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return max(0, limit - usage + int(stat.get(cached, 0)))


def new_matrix(shape: tuple[int, int], dtype: DTypeLike, remedy: str) -> NDArray[Any]:
    """
    An array for a matrix that fits in memory.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    remedy : str
        What the error tells the user to do.

    Returns
    -------
    ndarray
        Not initialised.

    Raises
    ------
    MemoryError
        If it does not fit. Systems that promise more memory than they have would kill the process when the matrix is
        half full.
    """
    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    room = available() if size > _SMALL else None
    if room is None or size <= room:
        with suppress(MemoryError, ValueError):  # ValueError: more than addresses can name
            return np.empty(shape, dtype)
    left = "" if room is None else f" of {room / 1e9:,.1f} GB available"
    raise MemoryError(
        f"a matrix of {shape[0]:,} x {shape[1]:,} {np.dtype(dtype)} numbers takes {size / 1e9:,.1f} GB{left}: {remedy}"
    )


def give_back() -> None:
    """
    Return what was freed to the system, where the C library can be told to (glibc).

    Its threads each keep what they have freed, which after a long computation of several threads is as much as is used.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
