"""
Thousands of detectors, one for each key: memory, updates a second, and checkpoints.

Every key is a service with a log of its own (lines of `bench.stream_speed`, about 100 bytes); its detector has the byte
model and a reference of 100 lines. All is done on one thread of a process of its own, so that its resident memory is
that of the detectors and what they need; compiling and the making of lines are not in the times.

- memory: resident memory when all detectors have learned, and of it what came with them;
- updates: a second, in batches of several sizes, with keys drawn uniformly or by Zipf's law (1/rank);
- checkpoint: seconds to write and to read all of it, size of the file, and memory beyond that while it is written.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.common import (
    ROOT,
    SEED,
    Results,
    Row,
    Spent,
    markdown_table,
    median,
    print_table,
    provenance,
    spent,
    timed,
    write_text,
)
from bench.stream_speed import log_line
from ncd.exceptions import DependenceWarning
from ncd.streams.detector import StreamDetector
from ncd.streams.keyed import KeyedDetectors

N_KEYS, N_REFERENCE, ARL = 10_000, 100, 1_000_000
BATCHES = ((50_000, "uniform"), (50_000, "zipf"), (5_000, "uniform"), (5_000, "zipf"), (1, "uniform"))
_POOL, _UPDATES, _REPEATS = 50_000, 150_000, 3


def resident() -> float:
    """Megabytes of memory that the process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def highest() -> float:
    """Megabytes of memory that the process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def new_detector() -> StreamDetector:
    """What watches one key."""
    return StreamDetector(reference=N_REFERENCE, arl=ARL)


def drawn(keys: Sequence[str], law: str, rng: random.Random) -> Callable[[int], list[str]]:
    """Draws of keys."""
    weights = None if law == "uniform" else [1 / rank for rank in range(1, len(keys) + 1)]
    return lambda n: rng.choices(keys, weights, k=n)


def taking(detectors: KeyedDetectors, batches: list[tuple[list[str], list[bytes]]]) -> tuple[Spent, int]:
    """Seconds that batches take, and how many alarms they raise."""
    return spent(lambda: sum(len(detectors.update_many(*batch)) for batch in batches))


def measured(n_keys: int) -> Iterator[Row]:
    """All figures, in this process."""
    warnings.simplefilter("ignore", DependenceWarning)  # of 10,000 references some look dependent by chance
    rng = random.Random(SEED)
    lines = [log_line(rng, second) for second in range(_POOL)]
    new_detector().update_many(lines[: 2 * N_REFERENCE])  # compiled
    keys = [f"service-{number}" for number in range(n_keys)]
    gc.collect()
    before = resident()
    detectors = KeyedDetectors(new_detector, max_keys=n_keys)
    seconds = 0.0
    for first in range(0, n_keys, 100):
        some = keys[first : first + 100]
        batch = [key for key in some for _ in range(N_REFERENCE)]
        seconds += taking(detectors, [(batch, rng.choices(lines, k=len(batch)))])[0].cpu
    assert not any(detector.is_learning for detector in detectors.values())
    gc.collect()
    yield {"what": "learning", "updates": n_keys * N_REFERENCE, "cpu_ms_per_key": 1e3 * seconds / n_keys}
    yield {
        "what": "memory",
        "resident_mb": resident(),
        "with_detectors_mb": resident() - before,
        "kb_per_key": (resident() - before) * 1e3 / n_keys,
        "nbytes_mb": detectors.nbytes / 1e6,
        "line_bytes": sum(map(len, lines)) / len(lines),
    }
    for size, law in BATCHES:
        draw, rates, alarms = drawn(keys, law, rng), [], 0
        for _ in range(_REPEATS):
            batches = [
                (draw(size), rng.choices(lines, k=size)) for _ in range(max(min(_UPDATES, 5_000 * size) // size, 1))
            ]
            time, found = taking(detectors, batches)
            rates.append((len(batches) * size / time.wall, len(batches) * size / time.cpu))
            alarms += found
        wall, cpu = (median(rate) for rate in zip(*rates, strict=True))
        row = {"what": "updates", "batch": size, "keys": law, "per_second": wall, "per_cpu_second": cpu}
        yield row | {"alarms": alarms}
    yield {"what": "memory after", "resident_mb": resident()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detectors"
        most = highest()
        written, _ = timed(partial(detectors.save, path))
        extra = highest() - most
        n_bytes = path.stat().st_size
        del detectors
        gc.collect()
        read, again = timed(lambda: KeyedDetectors.load(path, new_detector))
        assert len(again) == n_keys
    yield {"what": "checkpoint", "write_s": written, "read_s": read, "mb": n_bytes / 1e6, "extra_mb": extra}


def said(row: Row) -> tuple[str, str]:
    """A row as words."""
    if row["what"] == "learning":
        return f"learning {N_REFERENCE} lines", f"{row['cpu_ms_per_key']:.2f} ms of processor time a key"
    if row["what"] == "memory":
        return "memory", f"{row['resident_mb']:,.0f} MB resident, {row['kb_per_key']:.0f} kB a key"
    if row["what"] == "memory after":
        return "memory after all updates", f"{row['resident_mb']:,.0f} MB resident"
    if row["what"] == "updates":
        rates = f"{row['per_second']:,.0f} updates/s, {row['per_cpu_second']:,.0f} a second of processor time"
        return f"batches of {row['batch']:,}, keys {row['keys']}", rates
    return "checkpoint", f"{row['mb']:,.0f} MB, written in {row['write_s']:.1f} s, read in {row['read_s']:.1f} s"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in a fresh process, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=N_KEYS, help="keys (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="folder for JSON and table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        for row in measured(options.n):
            print(json.dumps(row), flush=True)
        return
    command: list[Any] = [sys.executable, "-m", "bench.stream_keys", "--here", "-n", str(options.n)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    results = Results("stream_keys", ("n_keys", "what", "batch", "keys"), options.output, ("numba",))
    results.extend([{"n_keys": options.n, "batch": None, "keys": None} | row for row in rows], n_keys=options.n)
    headers, cells = [f"{options.n:,} keys", ""], [list(said(row)) for row in rows]
    print_table("detectors by key", headers, cells)
    write_text(
        results.table_path, markdown_table(headers, cells) + "\n" + provenance(results, "python -m bench.stream_keys")
    )


if __name__ == "__main__":
    main()
