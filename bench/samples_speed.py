"""
How fast and how exact distances between samples are, on vectors drawn at random.

- mmd: the unbiased estimate on two samples of normal vectors, against plain numpy (the formula, with three whole
  matrices of the kernel) in float32 and in float64, and against scikit-learn's `rbf_kernel`; each route in a process of
  its own, which says its seconds and by how much its largest memory grew (Linux only). The routes take turns.
- test: `mmd_test`, by the number of permutations.
- error: how far the estimate is from that of float64, by the kernel and its bandwidth, beside the bound.
- matrix: `sample_distances` of 40 samples.

Seconds are the least of the repeats: other programs only make them longer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from bench.common import ROOT, SEED, Results, Row, markdown_table, print_table, provenance, timed, write_text
from ncd.distances.samples import median_distance, mmd, mmd_test, sample_distances
from ncd.distances.tiles import Tiles

SIZES = ((2_000, 300), (10_000, 300), (10_000, 10))
SHIFT = 0.02
ROUTES = {
    "ncd": "`mmd`",
    "ncd 1": "`mmd(n_jobs=1)`",
    "numpy32": "plain numpy, float32",
    "numpy64": "plain numpy, float64",
    "sklearn": "scikit-learn's `rbf_kernel`",
}


def normal_samples(n: int, d: int, dtype: str = "float32") -> tuple[NDArray[Any], NDArray[Any]]:
    """Two samples of n vectors, whose means are SHIFT apart in every coordinate."""
    rng = np.random.default_rng(SEED)
    return rng.normal(0, 1, (n, d)).astype(dtype), rng.normal(SHIFT, 1, (n, d)).astype(dtype)


def plain_mmd(x: NDArray[Any], y: NDArray[Any], h: float) -> float:
    """The unbiased estimate as one writes it in numpy, in the type of the vectors."""

    def kernel(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T
        return np.exp(-squares / a.dtype.type(2 * h * h))

    return _of_matrices(kernel(x, x), kernel(y, y), kernel(x, y))


def sklearn_mmd(x: NDArray[Any], y: NDArray[Any], h: float) -> float:
    """The same by scikit-learn's kernel."""
    from sklearn.metrics.pairwise import rbf_kernel

    gamma = 1 / (2 * h * h)
    return _of_matrices(rbf_kernel(x, gamma=gamma), rbf_kernel(y, gamma=gamma), rbf_kernel(x, y, gamma=gamma))


def _of_matrices(xx: NDArray[Any], yy: NDArray[Any], xy: NDArray[Any]) -> float:
    n, m = xy.shape
    within = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within - 2 * xy.mean())


def run_route(route: str, n: int, d: int) -> dict[str, float]:
    """One run in this process: seconds, megabytes more than before, and the estimate."""
    x, y = normal_samples(n, d, "float64" if route == "numpy64" else "float32")
    h = float(np.sqrt(2 * d))
    routes: dict[str, Callable[[], float]] = {
        "ncd": lambda: mmd(x, y, bandwidth=h),
        "ncd 1": lambda: mmd(x, y, bandwidth=h, n_jobs=1),
        "numpy32": lambda: plain_mmd(x, y, h),
        "numpy64": lambda: plain_mmd(x, y, h),
        "sklearn": lambda: sklearn_mmd(x, y, h),
    }
    if route.startswith("ncd"):
        mmd(x[:700], y[:700], n_jobs=2)  # libraries are loaded
    else:
        plain_mmd(x[:700], y[:700], h)
    before = _most_memory()
    seconds, value = timed(routes[route])
    after = _most_memory()
    return {"seconds": seconds, "megabytes": after - before, "peak": after, "value": value}


def _most_memory() -> float:
    """Megabytes that this process has had at most; getrusage would count what its parent had when it started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _in_process(route: str, n: int, d: int) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "bench.samples_speed", "--route", route, "--size", str(n), str(d)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def discrepancies(repeats: int) -> Iterator[Row]:
    """Seconds and memory of every route."""
    for n, d in SIZES:
        runs: dict[str, list[dict[str, float]]] = {route: [] for route in ROUTES}
        for _ in range(repeats):
            for route, found in runs.items():
                found.append(_in_process(route, n, d))
        for route, found in runs.items():
            seconds = [run["seconds"] for run in found]
            yield {
                "part": "mmd",
                "case": f"{n:,} x {n:,} x {d}",
                "route": route,
                "seconds": min(seconds),
                "slowest": max(seconds),
                "megabytes": max(run["megabytes"] for run in found),
                "peak": max(run["peak"] for run in found),
                "value": found[0]["value"],
                "repeats": repeats,
            }


def permutations(repeats: int) -> Iterator[Row]:
    """Seconds of tests."""
    for n, d in ((1_000, 300), (10_000, 300)):
        x, y = normal_samples(n, d)
        for count in (99, 999):
            seconds = []
            for _ in range(max(1, repeats // 2)):
                spent, found = timed(lambda x=x, y=y, count=count: mmd_test(x, y, n_permutations=count))
                seconds.append(spent)
            yield {
                "part": "test",
                "case": f"{n:,} x {n:,} x {d}",
                "route": f"{count} permutations",
                "seconds": min(seconds),
                "slowest": max(seconds),
                "value": found.p_value,
                "repeats": len(seconds),
            }


def errors(repeats: int) -> Iterator[Row]:
    """Differences to float64."""
    x, y = normal_samples(3_000, 300, "float64")
    both = np.concatenate([x, y])
    middle = median_distance(both)
    for share in (0.25, 1.0, 4.0):
        h = middle * share
        tiles = Tiles(both, "gaussian", h)
        part = slice(0, 1_000), slice(1_000, 2_000)
        exact = np.exp(-cdist(both[part[0]], both[part[1]], "sqeuclidean") / (2 * h * h)) - tiles.less_one
        unit = 2.0**-24 if tiles.dtype == np.float32 else 2.0**-53
        centred = (both - both.mean(0)) / h
        value = mmd(x, y, bandwidth=h)
        yield {
            "part": "error",
            "case": "3,000 x 3,000 x 300",
            "route": f"bandwidth {share:g} median distances",
            "dtype": str(tiles.dtype),
            "value": value,
            "difference": abs(value - plain_mmd(x, y, h)),
            "largest": float(np.abs(tiles.block(*part) - exact).max()),
            "bound": float(2 * 304 * unit * (centred**2).sum(1).max()),
        }


def matrices(repeats: int) -> Iterator[Row]:
    """Seconds of all distances of 40 samples."""
    rng = np.random.default_rng(SEED)
    samples: dict[str, list[NDArray[Any]]] = {
        "300 x 50": [rng.normal(i % 2, 1, (300, 50)) for i in range(40)],
        "3,000 bits": [rng.random(3_000) < (0.3, 0.6)[i % 2] for i in range(40)],
        "3,000 numbers": [rng.normal(i % 2, 1, 3_000) for i in range(40)],
    }
    for distance, case in (
        ("mmd", "300 x 50"),
        ("energy", "300 x 50"),
        ("mmd", "3,000 numbers"),
        ("distributional", "3,000 bits"),
        ("distributional", "3,000 numbers"),
        ("kde_l1", "3,000 numbers"),
    ):
        sample_distances(samples[case][:3], distance)
        seconds = [timed(lambda: sample_distances(samples[case], distance))[0] for _ in range(repeats)]  # noqa: B023
        yield {
            "part": "matrix",
            "case": f"40 samples of {case}",
            "route": distance,
            "seconds": min(seconds),
            "slowest": max(seconds),
            "repeats": repeats,
        }


#: What is measured, by name.
PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "mmd": discrepancies,
    "test": permutations,
    "error": errors,
    "matrix": matrices,
}


def _tables(results: Results) -> None:
    """What there is, on the terminal and in the docs."""
    rows = {part: [row for row in results.rows if row["part"] == part] for part in PARTS}
    plain = {row["case"]: row for row in rows["mmd"] if row["route"] == "numpy32"}
    text = ""

    def table(title: str, headers: list[str], cells: list[list[str]]) -> None:
        nonlocal text
        if cells:
            print_table(title, headers, cells)
            text += markdown_table(headers, cells) + "\n"

    table(
        "unbiased MMD, Gaussian kernel",
        ["vectors", "", "s", "times as fast as numpy, float32", "MB", "estimate"],
        [
            [
                row["case"],
                ROUTES[row["route"]],
                f"{row['seconds']:.2f}",
                f"{plain[row['case']]['seconds'] / row['seconds']:.1f}",
                f"{row['megabytes']:,.0f}",
                f"{row['value']:.9f}",
            ]
            for row in rows["mmd"]
        ],
    )
    table(
        "tests and matrices",
        ["what", "", "s"],
        [[row["case"], row["route"], f"{row['seconds']:.2f}"] for part in ("test", "matrix") for row in rows[part]],
    )
    keys = ("value", "difference", "largest", "bound")
    table(
        "error of the estimate",
        ["vectors", "", "type", "estimate", "difference to float64", "largest error of a value", "its bound"],
        [[row["case"], row["route"], row["dtype"], *(f"{row[key]:.2g}" for key in keys)] for row in rows["error"]],
    )
    write_text(results.table_path, text + provenance(results, "python -m bench.samples_speed"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all parts, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"default: {' '.join(PARTS)}")
    parser.add_argument("--repeats", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--table", action="store_true", help="write the tables again, measure nothing")
    parser.add_argument("--output", type=Path, help="folder for JSON and tables")
    parser.add_argument("--route", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.route:
        print(json.dumps(run_route(options.route, *options.size)))
        return
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    results = Results("samples_speed", ("part", "case", "route"), options.output, packages=("threadpoolctl",))
    if not options.table:
        for part in options.parts or PARTS:
            results.extend(list(PARTS[part](options.repeats)))
    _tables(results)


if __name__ == "__main__":
    main()
