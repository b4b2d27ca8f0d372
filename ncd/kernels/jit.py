"""How kernels are compiled: once, cached on disk, without the interpreter lock; and what Numba has no name for."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic

__all__ = ["announced", "inlined", "is_cached", "kernel", "load64", "trailing_zeros"]

F = TypeVar("F", bound=Callable[..., Any])


_SAY_SECONDS = 1.0


def _stamp() -> tuple[str, ...]:
    """Names, times and sizes of all kernel files: a change in one of them outdates what another has cached."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return tuple(f"{file.name}:{file.stat().st_mtime_ns}:{file.stat().st_size}" for file in files)


def kernel(function: F) -> F:
    """
    The function, compiled at its first call and for every later process.

    Numba looks at a function's own file only to see whether its cache is out of date; a kernel that calls one from
    another file would go on with the old one. So the stamp covers all of them.
    """
    return _compiled(function)


def inlined(function: F) -> F:
    """A part of kernels, always put into its callers: an array costs seven arguments of a real call."""
    return _compiled(function, forceinline=True)


def _compiled(function: Any, **options: Any) -> Any:
    """Numba's dispatcher, with the cache on disk where there is a folder for it."""
    try:
        cached: Any = numba.njit(nogil=True, cache=True, _nrt=False, **options)(function)
        file = cached._cache._cache_file
        assert file._source_stamp is not None
        file._source_stamp = _stamp()
    except (RuntimeError, AttributeError, AssertionError, OSError):  # no folder to write to, or another Numba
        return numba.njit(nogil=True, _nrt=False, **options)(function)
    return cached


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say on stderr that `what` is being compiled, if that takes more than a second."""

    def say() -> None:
        print(f"ncd: compiling {what} (once: later runs find it on disk)", file=sys.stderr, flush=True)

    timer = threading.Timer(_SAY_SECONDS, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_cached(function: Any) -> bool:
    """Whether a compiled form of a kernel is on disk."""
    try:
        return bool(function._cache._cache_file._load_index())
    except (AttributeError, OSError):
        return False


@intrinsic
def trailing_zeros(context: Any, word: Any) -> Any:
    """Number of zero bits below the lowest one bit of a uint64; 64 if there is none."""
    del context

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@intrinsic
def load64(context: Any, data: Any, at: Any) -> Any:
    """Eight bytes of a contiguous uint8 array from any position, the first one lowest (little endian)."""
    del context

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        word = ir.IntType(64)
        byte = builder.gep(array.data, [args[1]])
        result = builder.load(builder.bitcast(byte, word.as_pointer()))
        result.align = 1
        return result

    return types.uint64(data, types.int64), generate
