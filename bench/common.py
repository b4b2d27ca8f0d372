"""What the benchmarks share: data, machine record, statistics, timing, results as JSON and as tables."""

from __future__ import annotations

import gzip
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SEED = 0
_PACKAGES = ("numpy", "scipy", "scikit-learn", "joblib", "brotli", "backports.zstd", "lz4", "pyppmd")

Row = dict[str, Any]


class MissingData(SystemExit):
    """Data that are not where they are looked for; ends the program with a plain message."""


def data_folder(part: str) -> Path:
    """A folder of the benchmark data: under $NCD_DATA, or ../shared/data beside the project."""
    given = os.environ.get("NCD_DATA")
    base = Path(given) if given else ROOT.parent / "shared" / "data"
    folder = base / part
    if not folder.is_dir():
        where = f"NCD_DATA is {given!r}" if given else f"NCD_DATA is not set, so {base} was tried"
        raise MissingData(
            f"bench: the folder {folder} is missing ({where}). Set NCD_DATA to the folder that holds {part!r}; "
            "bench/README.md says what is expected in it."
        )
    return folder


@dataclass(frozen=True)
class Split:
    """A classification set: training and test texts with labels, each in a fixed shuffled order."""

    name: str
    train: list[str]
    train_labels: list[str]
    test: list[str]
    test_labels: list[str]

    @property
    def classes(self) -> int:
        """Number of labels in the training part."""
        return len(set(self.train_labels))

    @property
    def leaked(self) -> int:
        """Test texts that are also in the training part."""
        known = set(self.train)
        return sum(text in known for text in self.test)


def _read_part(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of one file, shuffled with the fixed seed."""
    if not path.is_file():
        raise MissingData(f"bench: the file {path} is missing")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    order = np.random.default_rng(SEED).permutation(len(rows))
    return [rows[i]["text"] for i in order], [str(rows[i]["label"]) for i in order]


def set_names() -> list[str]:
    """Names of the classification sets that are there."""
    return sorted(p.name for p in data_folder("classification").iterdir() if (p / "train.jsonl.gz").is_file())


def load_set(name: str) -> Split:
    """A classification set by name."""
    folder = data_folder("classification") / name
    return Split(name, *_read_part(folder / "train.jsonl.gz"), *_read_part(folder / "test.jsonl.gz"))


def wilson(right: float, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion."""
    p = right / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Wall-clock seconds of one call, and what it returned."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


@dataclass(frozen=True)
class Spent:
    """Seconds of one call: by the clock, and of processor time in all threads, which other programs disturb less."""

    wall: float
    cpu: float


def spent(function: Callable[[], Any]) -> tuple[Spent, Any]:
    """Seconds of one call, and what it returned."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = function()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu), value


def interleaved(routes: dict[str, Callable[[], Any]], repeats: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of every repeat of every route, taken in turn from another start each round; and the last results."""
    names = list(routes)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    results: dict[str, Any] = {}
    for r in range(repeats):
        for name in names[r % len(names) :] + names[: r % len(names)]:
            spent, results[name] = timed(routes[name])
            seconds[name].append(spent)
    return seconds, results


def median(values: Sequence[float]) -> float:
    """The median."""
    return float(statistics.median(values))


def _cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """The commit of the working tree, with "+" if code differs from it (not results or docs); None without git."""
    try:
        run = [
            subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True, timeout=10)
            for words in (
                ["rev-parse", "--short=12", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/bench/results", ":!/docs"],
            )
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return run[0].stdout.strip() + ("+" if run[1].stdout.strip() else "")


def package_version(name: str) -> str | None:
    """The version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def environment(packages: Sequence[str] = ()) -> Row:
    """Machine and versions, for the record."""
    import ncd

    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ncd": ncd.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": {name: package_version(name) for name in (*_PACKAGES, *packages)},
        "codecs": {row.name: row.version for row in ncd.available()},
    }


class Results:
    """
    Rows of a benchmark in bench/results/NAME.json, each with the run that made it.

    A row replaces the row with the same values of `key`, so that parts of a benchmark can be run again.
    """

    def __init__(self, name: str, key: Sequence[str], output: Path | None = None, packages: Sequence[str] = ()) -> None:
        self.name, self.key = name, tuple(key)
        self.path = (output or ROOT / "bench" / "results") / f"{name}.json"
        self.table_path = (output or ROOT / "docs" / "_tables") / f"{name}.md"
        self.packages = packages
        self.rows: list[Row] = []
        self.runs: dict[str, Row] = {}
        self._run: str | None = None
        if self.path.is_file():
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.rows, self.runs = stored["rows"], stored["runs"]

    def add(self, row: Row, **settings: Any) -> None:
        """Put a row in, in the place of its predecessor, and save."""
        self.extend([row], **settings)

    def extend(self, rows: Sequence[Row], **settings: Any) -> None:
        """Put rows in, in the place of their predecessors, and save."""
        if self._run is None:
            record = environment(self.packages)
            self._run = record["date"]
            self.runs[self._run] = {**record, "settings": settings}
        known = {tuple(old[k] for k in self.key): old for old in self.rows}
        known |= {tuple(row[k] for k in self.key): {**row, "run": self._run} for row in rows}
        self.rows = list(known.values())
        used = {old["run"] for old in self.rows}
        self.runs = {run: record for run, record in self.runs.items() if run in used}
        text = json.dumps({"benchmark": self.name, "runs": self.runs, "rows": self.rows}, indent=1, allow_nan=False)
        write_text(self.path, text + "\n")

    def used_runs(self) -> list[Row]:
        """The runs that made the rows, oldest first."""
        return [self.runs[run] for run in sorted(self.runs)]


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether a column holds numbers, which go to the right: no cell starts with a letter."""
    return column > 0 and not any(row[column][:1].isalpha() for row in rows)


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (headers, *rows)]
    rule = ["--:" if _numeric(rows, i) else ":--" for i in range(len(headers))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (cells[0], rule, *cells[1:])) + "\n"


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for i, header in enumerate(headers):
        table.add_column(Text(header), justify="right" if _numeric(rows, i) else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    width = None if sys.stdout.isatty() else 200
    Console(width=width).print(table)


def provenance(results: Results, command: str) -> str:
    """Sentences under a table: what made it, where, and how to repeat it."""
    lines = []
    for run in results.used_runs():
        packages = ", ".join(f"{name} {number}" for name, number in run["packages"].items() if number)
        codecs = ", ".join(sorted({text for text in run["codecs"].values() if text.startswith(("zlib", "libzstd"))}))
        lines.append(
            f"{run['date'][:10]}: ncd {run['ncd']} (commit {run['commit'] or 'unknown'}), Python {run['python']}, "
            f"{run['cpus']} cores of {run['cpu']}; {codecs}; {packages}."
        )
    text = "Measured by `" + command + "`. " + " ".join(dict.fromkeys(lines))
    return text + f" All figures: `bench/results/{results.name}.json`.\n"
