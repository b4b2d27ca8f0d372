"""
The exact deflate kernel: against `gzip.compress`, with one core and all, and 5 nearest neighbours on AG News.

Run ``python -m bench.exact --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ncd
from bench.common import (
    Results,
    Row,
    interleaved,
    load_set,
    markdown_table,
    median,
    print_table,
    provenance,
    wilson,
    write_text,
)
from ncd.engines import exact

LENGTHS = (50, 100, 250, 500, 1200, 2500, 5000, 10000)
COUNTS = (250, 500, 1000, 2000, 4000)
PARTS = ("lengths", "cores", "counts", "ag")
_NEIGHBORS = 5


def texts_of(length: int, n: int) -> list[bytes]:
    """News: as they are where they have about that length, else cut from several in a row."""
    pool = [text.encode() for text in load_set("ag_news_part").train]
    if length == 250:
        return [text for text in pool if 230 <= len(text) < 270][:n]
    whole = b" ".join(pool)
    step = len(whole) // n
    return [whole[i * step : i * step + length] for i in range(n)]


def cpu_seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of this thread on a core, and the result."""
    start = time.thread_time()
    value = function()
    return time.thread_time() - start, value


def by_length(length: int, seconds: float, repeats: int) -> Row:
    """One core: our kernel against ``len(gzip.compress(x + b" " + y))`` on the same pairs, in turn."""
    texts = texts_of(length, 1000)
    firsts, seconds_texts = texts[::2], texts[1::2]
    start = time.perf_counter()
    gzip.compress(texts[0] + b" " + texts[1])
    loop_pairs = max(256, int(seconds / max(time.perf_counter() - start, 1e-5)))
    side = min(len(firsts), max(16, int(loop_pairs**0.5)))
    xs, ys = firsts[:side], seconds_texts[:side]
    exact.pairs(xs[:2], ys[:2])
    ratios, rates, differ, loops = [], [], 0, []
    for _ in range(repeats):
        ours, lengths = cpu_seconds(lambda: exact.pairs(xs, ys) + 18)
        loop, reference = cpu_seconds(lambda: np.array([[len(gzip.compress(x + b" " + y)) for y in ys] for x in xs]))
        differ += int((lengths != reference).sum())
        ratios.append(loop / ours)
        rates.append(side * side / ours)
        loops.append(side * side / loop)
    return {
        "part": "lengths",
        "value": length,
        "pairs": side * side,
        "mean_bytes": float(np.mean([len(text) for text in (*xs, *ys)])),
        "ratio": median(ratios),
        "ratios": ratios,
        "pairs_per_second": round(median(rates)),
        "gzip_pairs_per_second": round(median(loops)),
        "mismatches": differ,
    }


def by_cores(length: int, n: int, repeats: int) -> Row:
    """`ncd.joint_lengths` with one worker and with two, and the bare kernel, on the same texts in turn."""
    texts = texts_of(length, 2 * n)
    xs, ys = texts[:n], texts[n:]
    routes = {
        "kernel": lambda: exact.pairs(xs, ys) + 18,
        "one": lambda: ncd.joint_lengths(xs, ys, n_jobs=1, progress=False),
        "two": lambda: ncd.joint_lengths(xs, ys, n_jobs=2, progress=False),
    }
    exact.pairs(xs[:2], ys[:2])
    seconds, results = interleaved(routes, repeats)
    return {
        "part": "cores",
        "value": length,
        "pairs": n * n,
        "seconds": {name: median(values) for name, values in seconds.items()},
        "two_against_one": median([a / b for a, b in zip(seconds["one"], seconds["two"], strict=True)]),
        "overhead": median([a / b - 1 for a, b in zip(seconds["one"], seconds["kernel"], strict=True)]),
        "equal": all(bool((results[name] == results["kernel"]).all()) for name in routes),
    }


def by_count(n: int, repeats: int) -> Row:
    """Seconds of a whole matrix of texts of about 250 bytes with `ncd.pairwise` and its defaults."""
    texts = texts_of(250, n)
    seconds, _ = interleaved({"ncd": lambda: ncd.pairwise(texts, progress=False)}, repeats)
    return {"part": "counts", "value": n, "pairs": len(texts) ** 2, "seconds": median(seconds["ncd"])}


_AG = """
import json, resource, sys, time
import numpy as np, ncd
from bench.common import load_set
data = load_set("ag_news_part")
rows = int(sys.argv[1]) or len(data.test)
start = time.perf_counter()
found = ncd.neighbors(data.test[:rows], data.train, 5, compressor="gzip", progress=False)
seconds = time.perf_counter() - start
labels = np.array(data.train_labels)[found.indices]
right = 0
for near, label in zip(labels.tolist(), data.test_labels):
    votes = {name: near.count(name) for name in near}
    best = max(votes.values())
    right += next(name for name in near if votes[name] == best) == label
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"rows": rows, "columns": len(data.train), "seconds": seconds, "peak_bytes": peak, "right": right}))
"""


def on_ag(rows: int) -> Row:
    """Exact 5 nearest neighbours by gzip's NCD of the test rows of AG News' part, in a process of its own."""
    command = [sys.executable, "-c", _AG, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench.exact: the run on AG News failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    low, high = wilson(found["right"], found["rows"])
    return {
        "part": "ag",
        "value": found["rows"],
        "pairs": found["rows"] * found["columns"],
        "seconds": found["seconds"],
        "peak_bytes": found["peak_bytes"],
        "accuracy": found["right"] / found["rows"],
        "interval": [low, high],
    }


def tables(rows: Sequence[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Titles, headers and lines."""
    chosen = {part: sorted((r for r in rows if r["part"] == part), key=lambda r: r["value"]) for part in PARTS}
    return [
        (
            "One core, exact lengths of pairs, against `len(gzip.compress(x + b' ' + y))`",
            ["bytes a text", "pairs", "gzip, pairs/s", "ncd, pairs/s", "ratio", "least and most", "mismatches"],
            [
                [
                    f"{r['value']:,}",
                    f"{r['pairs']:,}",
                    f"{r['gzip_pairs_per_second']:,}",
                    f"{r['pairs_per_second']:,}",
                    f"{r['ratio']:.2f}",
                    f"{min(r['ratios']):.2f} to {max(r['ratios']):.2f}",
                    str(r["mismatches"]),
                ]
                for r in chosen["lengths"]
            ],
        ),
        (
            "`ncd.joint_lengths` with one worker and two, against the bare kernel",
            ["bytes a text", "pairs", "two against one", "overhead of tiles, one worker", "equal"],
            [
                [
                    f"{r['value']:,}",
                    f"{r['pairs']:,}",
                    f"{r['two_against_one']:.2f}",
                    f"{100 * r['overhead']:.1f} %",
                    "yes" if r["equal"] else "NO",
                ]
                for r in chosen["cores"]
            ],
        ),
        (
            "A whole matrix of texts of 250 bytes, `ncd.pairwise(texts)`",
            ["texts", "pairs", "seconds", "pairs/s"],
            [
                [f"{r['value']:,}", f"{r['pairs']:,}", f"{r['seconds']:.2f}", f"{r['pairs'] / r['seconds']:,.0f}"]
                for r in chosen["counts"]
            ],
        ),
        (
            "Exact 5 nearest neighbours, gzip's NCD, test rows of AG News' part against 41,970 training texts",
            ["rows", "pairs", "minutes", "pairs/s", "peak memory, MB", "accuracy", "95 % interval"],
            [
                [
                    f"{r['value']:,}",
                    f"{r['pairs']:,}",
                    f"{r['seconds'] / 60:.1f}",
                    f"{r['pairs'] / r['seconds']:,.0f}",
                    f"{r['peak_bytes'] / 1e6:,.0f}",
                    f"{r['accuracy']:.3f}",
                    f"{r['interval'][0]:.3f} to {r['interval'][1]:.3f}",
                ]
                for r in chosen["ag"]
            ],
        ),
    ]


def figure(rows: Sequence[Row], path: Path) -> None:
    """Time against the number of texts, and pairs a second against their length."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = sorted((row for row in rows if row["part"] == "counts"), key=lambda row: row["value"])
    lengths = sorted((row for row in rows if row["part"] == "lengths"), key=lambda row: row["value"])
    if not (counts and lengths):
        return
    drawing, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    left.loglog([row["value"] for row in counts], [row["seconds"] for row in counts], "o-")
    left.set(xlabel="texts of 250 bytes", ylabel="seconds", title="ncd.pairwise(texts), all cores")
    sizes = [row["value"] for row in lengths]
    right.loglog(sizes, [row["pairs_per_second"] for row in lengths], "o-", label="ncd's kernel")
    right.loglog(sizes, [row["gzip_pairs_per_second"] for row in lengths], "s--", label="loop over gzip.compress")
    right.set(xlabel="bytes a text", ylabel="pairs a second", title="gzip's lengths of pairs, one core")
    right.legend()
    for axes in (left, right):
        axes.grid(which="both", alpha=0.25)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=110)


def report(results: Results) -> None:
    """Print the tables and write them for the docs, with a figure."""
    figure(results.rows, results.table_path.parent.parent / "_static" / "scaling.png")
    text = ""
    for title, headers, lines in tables(results.rows):
        if lines:
            print_table(title, headers, lines)
            text += f"{title}:\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, f"{text}{provenance(results, 'python -m bench.exact')}")


def main() -> None:
    """Measure, save after every row, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.exact", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=1.0, help="of the loop over gzip, in each repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rows", type=int, default=0, help="test rows of AG News; 0: all 7,600, about ten minutes")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    arguments = parser.parse_args()
    results = Results("exact", ("part", "value"), arguments.output, ("numba", "llvmlite"))
    parts = [] if arguments.table else arguments.parts
    if "lengths" in parts:
        for length in LENGTHS:
            results.add(by_length(length, arguments.seconds, arguments.repeats), repeats=arguments.repeats)
    if "cores" in parts:
        for length, n in ((250, 1500), (1200, 700)):
            results.add(by_cores(length, n, arguments.repeats), repeats=arguments.repeats)
    if "counts" in parts:
        for n in COUNTS:
            results.add(by_count(n, 3), repeats=3)
    if "ag" in parts:
        results.add(on_ag(arguments.rows))
    report(results)


if __name__ == "__main__":
    main()
