"""What a method takes: seconds, memory of its process, energy, bytes on disk."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = ["Spent", "joules", "kept_bytes", "peak_memory", "reset_peak", "spent", "too_slow"]

_PROC = Path("/proc/self")
_POWERCAP = Path("/sys/class/powercap")

T = TypeVar("T")


@dataclass(frozen=True)
class Spent(Generic[T]):
    """What a call returned, and what it took."""

    value: T
    seconds: float
    energy: float | None

    def per_thousand(self, n: int) -> float:
        """Seconds for 1,000 of n things."""
        return 1000 * self.seconds / max(n, 1)


def spent(function: Callable[[], T]) -> Spent[T]:
    """Call a function; seconds by the clock, and joules where the machine counts them."""
    before, start = joules(), time.perf_counter()
    value = function()
    seconds, after = time.perf_counter() - start, joules()
    used = None
    if before is not None and after is not None and before.keys() == after.keys():
        used = sum((after[zone][0] - before[zone][0]) % after[zone][1] for zone in after) / 1e6
    return Spent(value, seconds, used)


def joules(folder: Path = _POWERCAP) -> dict[str, tuple[int, int]] | None:
    """Microjoules of each processor so far and where the counter begins anew (Linux, RAPL); None if not readable."""
    found = {}
    with suppress(OSError, ValueError):
        for zone in sorted(folder.glob("intel-rapl:[0-9]*")):
            if zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package"):
                limit = int((zone / "max_energy_range_uj").read_text())
                found[zone.name] = (int((zone / "energy_uj").read_text()), limit)
        return found or None
    return None


def reset_peak() -> None:
    """Begin a new peak of resident memory, where the system allows it (Linux)."""
    with suppress(OSError):
        (_PROC / "clear_refs").write_text("5")


def peak_memory() -> int | None:
    """
    Largest resident memory of this process in bytes, since `reset_peak` on Linux; None where it is not known.

    On Linux not by getrusage: a child begins with its parent's peak there.
    """
    with suppress(OSError, ValueError, StopIteration, IndexError):
        line = next(one for one in (_PROC / "status").read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


def too_slow(what: str, expected: float, patience: float) -> str:
    """Why something was not waited for."""
    return (
        f"its {what} would take about {max(1, round(expected / 60)):,} minutes, and patience is {patience:,.0f} s: "
        "give fewer texts, or more patience"
    )


def kept_bytes(model: Any) -> int | None:
    """Bytes of a fitted model as it is saved: `ncd.save_model`, or joblib with zlib; None if it cannot be."""
    import joblib

    from ncd.classify.base import TextClassifier
    from ncd.classify.store import save_model

    with tempfile.TemporaryDirectory() as folder, suppress(TypeError, ValueError, AttributeError, OSError):
        path = os.path.join(folder, "model")
        if isinstance(model, TextClassifier):
            save_model(model, path)
        else:
            joblib.dump(model, path, compress=("zlib", 3))
        return os.path.getsize(path)
    return None
