"""
Compile all CUDA kernels for a compute capability; NVVM needs no card.

Prints, as JSON, whether each is a kernel and, where NVIDIA's assembler is installed, what it needs of a card.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ncd.corpus import Packed
from ncd.engines import cuda_kernels, cuda_nearest
from ncd.engines.cuda_device import cuda
from ncd.kernels.deflate_batch import Columns, Rows


def arguments() -> dict[str, tuple[Any, ...]]:
    """Arguments of every kernel, as the engine gives them; their types matter only."""
    packed = Packed.of([b"to be or not to be"] * 2)
    rows, columns = Rows.prepare(packed, 0, 2, b" ", False), Columns.prepare(packed, 0, 2, b" ")
    ints, shorts, longs, floats = (np.zeros(1, kind) for kind in (np.int32, np.uint16, np.int64, np.float64))
    parsed = ints, ints, shorts.reshape(1, 1), shorts.reshape(1, 1)
    cost = rows, columns, shorts, parsed, ints, ints.reshape(1, 1)
    lists = floats.reshape(1, 1, 1), ints.reshape(1, 1, 1)
    best = floats.reshape(1, 1), ints.reshape(1, 1)
    return {
        "parse_short": (rows, columns, ints, 0, 1, parsed),
        "parse_long": (rows, columns, ints, 0, 1, 1, shorts, longs, parsed),
        "cost": cost,
        "cost_crowded": cost,
        "nearest": (ints.reshape(1, 1), 0, floats, floats, floats, floats, 0, lists, ints.reshape(1, 1), ints, best),
    }


def assembled(ptx: str, capability: str) -> dict[str, int]:
    """What the assembler reports; nothing where there is none."""
    found = sorted(Path(sysconfig.get_paths()["purelib"]).glob("nvidia/**/bin/ptxas"))
    if not found:
        return {}
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        target = f"-arch=sm_{capability.replace('.', '')}"
        command = [str(found[0]), target, "-v", file.name, "-o", "/dev/null"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    patterns = {
        "registers": r"Used (\d+) registers",
        "local": r"(\d+) bytes stack frame",
        "spilled": r"(\d+) bytes spill stores",
        "shared": r"(\d+) bytes smem",
    }
    return {name: int(m.group(1)) if (m := re.search(pattern, text)) else 0 for name, pattern in patterns.items()}


def main(capability: str) -> None:
    """Compile everything."""
    import numba.cuda.dispatcher
    from numba.cuda.cudadrv import nvvm
    from numba.cuda.typing.typeof import typeof

    try:
        nvvm.NVVM()
    except Exception as error:
        print(json.dumps({"skipped": f"NVVM cannot be loaded: {error}"}))
        return
    number = tuple(int(part) for part in capability.split("."))
    # Device functions are compiled for the current card: this one.
    numba.cuda.dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=number)
    report = {}
    for name, given in arguments().items():
        signature = tuple(typeof(value) for value in given)
        ptx, _ = cuda.compile_ptx(
            getattr(cuda_nearest if name == "nearest" else cuda_kernels, name).py_func, signature, cc=number
        )
        report[name] = {"entry": ".visible .entry" in ptx, **assembled(ptx, capability)}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
