"""Memory that kernels write into: compiled code lets other threads run meanwhile, so that each thread has its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

__all__ = ["Scratch"]


class Scratch:
    """
    An array for each thread, made when the thread first asks for it; copies make their own.

    Parameters
    ----------
    make : callable
        Makes the array.
    *arguments
        Of `make`.
    """

    def __init__(self, make: Callable[..., NDArray[Any]], *arguments: Any) -> None:
        self._make, self._arguments, self._own = make, arguments, threading.local()

    def array(self) -> NDArray[Any]:
        """The calling thread's array."""
        found: NDArray[Any] | None = getattr(self._own, "array", None)
        if found is None:
            found = self._own.array = self._make(*self._arguments)
        return found

    def __reduce__(self) -> tuple[type[Scratch], tuple[Any, ...]]:
        return type(self), (self._make, *self._arguments)
