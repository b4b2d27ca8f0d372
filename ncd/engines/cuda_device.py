"""
The functions of `ncd.kernels` as device functions of CUDA, and the only place that knows numba.cuda.

A function for a device is the same code with other globals: what it calls is for a device too, and the two functions
that Numba has no name for are those below.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from ncd.kernels import jit

__all__ = ["SIMULATED", "cuda", "device", "launched", "on_device"]

cuda: Any = import_module("numba.cuda")  # of numba-cuda, where that is installed

#: Whether kernels run in Numba's simulator, in Python.
SIMULATED = bool(import_module("numba.core.config").ENABLE_CUDASIM)


def _intrinsics() -> tuple[Any, Any]:
    """What stands on a device for `trailing_zeros` and `load64`."""
    if SIMULATED:

        def simulated_zeros(word: Any) -> Any:
            word = int(word)
            return np.uint64((word & -word).bit_length() - 1 if word else 64)

        def simulated_load(data: Any, at: Any) -> Any:
            return np.uint64(int.from_bytes(data[at : at + 8].tobytes(), "little"))

        return simulated_zeros, simulated_load

    from llvmlite import ir

    types = import_module("numba.cuda.types")
    intrinsic: Any = import_module("numba.cuda.extending").intrinsic

    def trailing_zeros(context: Any, word: Any) -> Any:
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.uint64(types.uint64), generate

    def load64(context: Any, data: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            # A load must be aligned: the three words around, and two shifts through neighbouring ones.
            half, word = ir.IntType(32), ir.IntType(64)
            array = context.make_array(signature.args[0])(context, builder, args[0])
            address = builder.ptrtoint(builder.gep(array.data, [args[1]]), word)
            bits = builder.shl(builder.trunc(address, half), ir.Constant(half, 3))
            base = builder.inttoptr(builder.and_(address, ir.Constant(word, ~3)), half.as_pointer())
            first, second, third = (builder.load(builder.gep(base, [ir.Constant(half, i)])) for i in range(3))
            signature = ir.FunctionType(half, [half, half, half])
            funnel = ir.InlineAsm(signature, "shf.r.wrap.b32 $0, $1, $2, $3;", "=r,r,r,r")
            low, high = builder.call(funnel, [first, second, bits]), builder.call(funnel, [second, third, bits])
            return builder.or_(builder.zext(low, word), builder.shl(builder.zext(high, word), ir.Constant(word, 32)))

        return types.uint64(data, types.int64), generate

    return intrinsic(trailing_zeros), intrinsic(load64)


_trailing_zeros, _load64 = _intrinsics()
_known: dict[Any, Any] = {jit.trailing_zeros: _trailing_zeros, jit.load64: _load64}


def device(function: Any) -> Any:
    """A function of `ncd.kernels`, and all that it calls, for a device: the same code with other globals."""
    if function not in _known:
        plain = function.py_func
        names = dict(plain.__globals__)
        for name in plain.__code__.co_names:
            called = names.get(name)
            if isinstance(called, Dispatcher) or called is jit.load64 or called is jit.trailing_zeros:
                names[name] = device(called)
        _known[function] = on_device(FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__))
    return _known[function]


def launched(function: Callable[..., None]) -> Any:
    """A kernel, compiled at its first launch and for every later process."""
    if SIMULATED:
        return cuda.jit(function)
    try:
        compiled = cuda.jit(cache=True)(function)
        file = compiled._cache._cache_file
        assert file._source_stamp is not None
        # Numba looks at this file only; a kernel consists of others' functions too.
        folders = Path(__file__).parent.glob("cuda*.py"), Path(jit.__file__).parent.glob("*.py")
        files = sorted(file for folder in folders for file in folder)
        file._source_stamp = tuple(f"{f.name}:{f.stat().st_mtime_ns}:{f.stat().st_size}" for f in files)
    except (RuntimeError, AttributeError, AssertionError, OSError):  # no folder to write to, or another Numba
        return cuda.jit(function)
    return compiled


def on_device(function: Any) -> Any:
    """A plain function for a device, put into its callers."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)
