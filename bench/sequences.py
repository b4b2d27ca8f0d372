"""
Changepoints of the papers' processes: error, right count, false alarms, time and memory; beside PyChest if it is there.

Run ``python -m bench.sequences --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from bench.common import Results, Row, Spent, markdown_table, median, print_table, provenance, spent, wilson, write_text
from bench.processes import CHANGING, HARDER, MIN_DISTANCE, STEADY, Sample, changing, steady
from ncd.changepoint import find_changepoints, list_estimator
from ncd.changepoint.sequences import SequenceMethod

PARTS = ("changes", "steady", "scale", "peer")
METHODS: tuple[SequenceMethod, ...] = get_args(SequenceMethod)
LENGTH = 60_000
PUBLISHED = ("rotation", "Bernoulli .8/.5/.8")
SCALES = (60_000, 1_000_000)
PEER_RUNS = {2000: 50, 10_000: 10}  # at 60,000 it takes many gigabytes
STEADY_RUNS = {500: 200, 2000: 200, 20_000: 50}
#: Published for n = 60,000, 200 runs: error (against places that are not whole numbers), seconds of one run.
PYCHEST = {"Bernoulli .8/.5/.8": (1.51e-4, 68.7), "rotation": (1.43e-4, 67.8)}

_PEER = """
import json, sys, time, numpy as np, PyChest
rows = []
for x in np.load(sys.argv[1]).values():
    began = time.process_time()
    found = PyChest.find_changepoints(x.tolist(), float(sys.argv[2]), 2)
    rows.append([sorted(map(int, found)), time.process_time() - began])
json.dump(rows, open(sys.argv[3], "w"))
"""

_MEASURE = """
import json, resource, sys, time
from bench.sequences import scale_input
from ncd.changepoint import list_estimator
method, kind, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
list_estimator(scale_input(kind, 2000), 0.1, method=method)  # compiled code is loaded
x = scale_input(kind, n)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.process_time()
found = list_estimator(x, 0.1, method=method)
seconds = time.process_time() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, before / 1024, peak / 1024, found.changepoints]))
"""


def scale_input(kind: str, n: int) -> np.ndarray[Any, Any]:
    """A sequence of one process with two changes, or of normal noise without."""
    return np.random.RandomState(0).normal(size=n) if kind == "normal, no change" else changing(kind, n, 0).x


def _errors(samples: Sequence[Sample], found: Sequence[Sequence[int]]) -> Row:
    """Mean errors with the standard error; a wrong number of changes counts as 1, as published."""
    errors = np.array([sample.error(list(cuts)) for sample, cuts in zip(samples, found, strict=True)])
    meant = [sample.error(list(cuts), meant=True) for sample, cuts in zip(samples, found, strict=True)]
    return {
        "n_runs": len(samples),
        "error": float(errors.mean()),
        "error_95": float(1.96 * errors.std(ddof=1) / len(errors) ** 0.5) if len(errors) > 1 else None,
        "error_published_way": float(np.mean(meant)),
        "right_count": int(sum(len(cuts) == 2 for cuts in found)),
    }


def _timed(sample: Sample, method: SequenceMethod) -> tuple[Spent, list[int]]:
    """The answer for two processes, and how long it took."""
    time, found = spent(lambda: find_changepoints(sample.x, MIN_DISTANCE, 2, method=method))
    return time, list(found)


def changes(name: str, n: int, runs: int) -> Iterator[Row]:
    """Error with the number of processes known, and how often the number of changes is right when nothing is known."""
    samples = [changing(name, n, i) for i in range(runs)]
    for method in METHODS:
        answers = [_timed(sample, method) for sample in samples]
        unknown = [list_estimator(s.x, MIN_DISTANCE, method=method).changepoints for s in samples]
        blind = _errors(samples, unknown)
        yield {
            "part": "changes",
            "process": name,
            "method": method,
            "n": n,
            **_errors(samples, [found for _, found in answers]),
            "right_count_unknown": blind["right_count"],
            "error_unknown": blind["error"],
            "seconds": round(median([time.cpu for time, _ in answers]), 4),
        }


def without_change(name: str, n: int, runs: int) -> Iterator[Row]:
    """Sequences in which a change was reported, and those with a candidate of significance .05."""
    for method in METHODS:
        found = [list_estimator(steady(name, n, i), 0.05, method=method) for i in range(runs)]
        alarms = sum(bool(candidates.changepoints) for candidates in found)
        least = np.array([min((c.significance for c in candidates), default=1.0) for candidates in found])
        yield {
            "part": "steady",
            "process": name,
            "method": method,
            "n": n,
            "n_runs": runs,
            "harder": name in HARDER,
            "alarms": alarms,
            "significant_05": int((least <= 0.05).sum()),
        }


def scale(kind: str, n: int) -> Iterator[Row]:
    """Processor time and memory of one whole call, each in a process of its own."""
    for method in METHODS:
        run = subprocess.run(
            [sys.executable, "-c", _MEASURE, method, kind, str(n)], capture_output=True, text=True, check=True
        )
        seconds, before, peak, found = json.loads(run.stdout)
        yield {
            "part": "scale",
            "process": kind,
            "method": method,
            "n": n,
            "n_runs": 1,
            "seconds": round(seconds, 3),
            "megabytes": round(peak - before),
            "megabytes_process": round(peak),
            "found": found,
        }


def peer(python: str, name: str, n: int, runs: int) -> Iterator[Row]:
    """PyChest in another interpreter, and our methods, on the same sequences."""
    samples = [changing(name, n, i) for i in range(runs)]
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "x.npz", Path(folder) / "found.json"
        np.savez(data, *[sample.x for sample in samples])
        subprocess.run([python, "-c", _PEER, str(data), str(MIN_DISTANCE), str(out)], check=True, capture_output=True)
        answers = json.loads(out.read_text())
    rows = {"PyChest 1.22": ([found for found, _ in answers], [seconds for _, seconds in answers])}
    for method in METHODS:
        ours = [_timed(sample, method) for sample in samples]
        rows[method] = ([found for _, found in ours], [time.cpu for time, _ in ours])
    for method, (found, seconds) in rows.items():
        errors = _errors(samples, found)
        yield {"part": "peer", "process": name, "method": method, "n": n, **errors, "seconds": median(seconds)}


# tables


def _by_process(rows: Sequence[Row]) -> dict[tuple[str, int], dict[str, Row]]:
    """Rows of all methods for each process and length, in the order of lengths, then of processes."""
    order = list(dict.fromkeys([*CHANGING, *STEADY, *HARDER]))
    result: dict[tuple[str, int], dict[str, Row]] = {}
    for row in sorted(rows, key=lambda row: (row["n"], order.index(row["process"]))):
        result.setdefault((row["process"], row["n"]), {})[row["method"]] = row
    return result


def _error(row: Row, key: str = "error") -> str:
    """An error, in units of 1e-4 of the length, with its interval."""
    spread = f" ± {1e4 * row['error_95']:.2f}" if row["error_95"] is not None and key == "error" else ""
    return f"{1e4 * row[key]:.2f}{spread}"


def _changes_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    headers = ["process", "n", "runs", *METHODS, "published way (ctw)", "count right", "nothing known", "s (ctw)"]
    lines = []
    for (process, n), own in _by_process(rows).items():
        ours = own["ctw"]
        lines.append(
            [
                process,
                f"{n:,}",
                str(ours["n_runs"]),
                *(_error(own[method]) for method in METHODS),
                _error(ours, "error_published_way"),
                " / ".join(str(own[method]["right_count"]) for method in METHODS),
                " / ".join(str(own[method]["right_count_unknown"]) for method in METHODS),
                f"{ours['seconds']:.3f}",
            ]
        )
    return headers, lines


def _peer_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    lines = [
        [process, f"{n:,}", str(row["n_runs"]), method, _error(row), f"{row['right_count']}", f"{row['seconds']:.2f}"]
        for (process, n), own in _by_process(rows).items()
        for method, row in own.items()
    ]
    return ["process", "n", "runs", "method", "error", "count right", "s (processor)"], lines


def _steady_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    lines = []
    for (process, n), own in _by_process(rows).items():
        ours = own["ctw"]
        low, high = wilson(ours["alarms"], ours["n_runs"])
        lines.append(
            [
                process + (" (harder)" if ours["harder"] else ""),
                f"{n:,}",
                str(ours["n_runs"]),
                *(f"{own[method]['alarms'] / own[method]['n_runs']:.1%}" for method in METHODS),
                f"{low:.1%} to {high:.1%}",
                f"{ours['significant_05'] / ours['n_runs']:.1%}",
            ]
        )
    return ["process", "n", "runs", *METHODS, "95 % (ctw)", "significance at most .05 (ctw)"], lines


def _scale_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    lines = [
        [
            row["process"],
            row["method"],
            f"{row['n']:,}",
            f"{row['seconds']:.2f}",
            str(row["megabytes"]),
            str(row["megabytes_process"]),
        ]
        for row in rows
    ]
    return ["process", "method", "n", "s (processor)", "MB for the call", "MB of the process"], lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    makers = {
        "changes": ("two changes, two processes: mean error in 1e-4 of the length", _changes_table),
        "peer": ("PyChest on the same sequences: mean error in 1e-4 of the length", _peer_table),
        "steady": ("sequences without a change: a change reported", _steady_table),
        "scale": ("one call of list_estimator", _scale_table),
    }
    text = ""
    for part, (title, maker) in makers.items():
        rows = [row for row in results.rows if row["part"] == part]
        if rows:
            headers, lines = maker(rows)
            print_table(title, headers, lines)
            text += f"**{title[0].upper()}{title[1:]}**\n\n{markdown_table(headers, lines)}\n"
    published = "; ".join(f"{name} {error:.2e} in {seconds} s" for name, (error, seconds) in PYCHEST.items())
    text += f"PyChest's own figures for n = 60,000 and 200 runs (the published way): {published}.\n\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.sequences"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sequences", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--processes", nargs="+", help="processes (default: all)")
    parser.add_argument("--runs", type=int, default=200, help="for Bernoulli and rotation at n = 60,000 (default 200)")
    parser.add_argument("--other-runs", type=int, default=50, help="for the other processes (default 50)")
    parser.add_argument("--peer", help="a Python interpreter that has PyChest; default: no side by side")
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("sequences", ("part", "process", "method", "n"), options.output, ("numba",))

    def wanted(names: Sequence[str]) -> list[str]:
        return [name for name in names if not options.processes or name in options.processes]

    if not options.table:
        for method in METHODS:
            list_estimator(changing("rotation", 2000, 0).x, MIN_DISTANCE, method=method)  # compiled now
        for name in wanted(list(CHANGING)) if "changes" in options.parts else []:
            for n in (2000, LENGTH):
                runs = options.runs if name in PUBLISHED or n < LENGTH else options.other_runs
                results.extend(list(changes(name, n, runs)))
            print(f"{name}: done", flush=True)
        for name in wanted([*STEADY, *HARDER]) if "steady" in options.parts else []:
            for n, runs in STEADY_RUNS.items():
                results.extend(list(without_change(name, n, runs)))
            print(f"{name}, no change: done", flush=True)
        for kind in (*PUBLISHED, "hidden Bernoulli", "normal, no change") if "scale" in options.parts else ():
            for n in SCALES:
                results.extend(list(scale(kind, n)))
        for name in PUBLISHED if "peer" in options.parts and options.peer else ():
            for n, runs in PEER_RUNS.items():
                results.extend(list(peer(options.peer, name, n, runs)))
    report(results)


if __name__ == "__main__":
    main()
