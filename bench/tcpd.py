"""
The Turing Change Point Dataset: cover and F1 of one default for all series, beside saying nothing.

Run ``python -m bench.tcpd --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import Results, Row, data_folder, markdown_table, print_table, provenance, spent, write_text
from ncd.changepoint import SequenceChangepoints, covering, f1_score

Series = NDArray[np.float64]
_MARGIN = 5
#: Settings of the trend cost among which each series' is chosen on the others: floor, times log2 n bits a change.
GRID = tuple(product((0.1, 0.03, 0.01, 0.003, 0.001), (3, 4, 6, 8, 10)))
#: Means over all univariate series, default settings, from the benchmark's stored table.
STORED = {"binseg (stored)": (0.672, 0.698), "amoc (stored)": (0.668, 0.653), "pelt (stored)": (0.652, 0.674)}


def load() -> dict[str, tuple[Series, list[list[int]]]]:
    """Univariate series with the ends of every annotator's segments; missing values lie on the line between others."""
    folder = data_folder("tcpd")
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    result = {}
    for path in sorted(folder.glob("*.json")):
        if path.stem == "annotations":
            continue
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["n_dim"] != 1:
            continue
        raw = content["series"][0]["raw"]
        y = np.array([np.nan if value is None else value for value in raw], np.float64)
        there = np.flatnonzero(np.isfinite(y))
        y = np.interp(np.arange(len(y)), there, y[there])
        ends = [
            [place for place in places if 0 < place < len(y)] + [len(y)] for places in annotations[path.stem].values()
        ]
        result[path.stem] = (y, ends)
    return result


def methods() -> dict[str, Callable[[Series], list[int]]]:
    """What is compared, each with its defaults."""
    import ruptures

    def pelt(y: Series) -> list[int]:
        z = (y - y.mean()) / (y.std() or 1)
        return list(ruptures.KernelCPD("rbf", min_size=2).fit(z[:, None]).predict(pen=2 * np.log(len(y))))

    def binseg(y: Series) -> list[int]:
        z = (y - y.mean()) / (y.std() or 1)
        return list(ruptures.Binseg("l2", min_size=2, jump=1).fit(z[:, None]).predict(pen=2 * np.log(len(y))))

    return {
        "zero (say nothing)": lambda y: [len(y)],
        'method="trend"': lambda y: SequenceChangepoints("trend").fit_predict(y),
        "ctw (the default)": lambda y: SequenceChangepoints("ctw").fit_predict(y),
        "distributional": lambda y: SequenceChangepoints("distributional").fit_predict(y),
        "ngram": lambda y: SequenceChangepoints("ngram").fit_predict(y),
        "ruptures KernelCPD rbf, 2 ln n": pelt,
        "ruptures Binseg l2 on z-scores, 2 ln n": binseg,
    }


def scores(ends: list[list[int]], found: list[int]) -> tuple[float, float]:
    """Cover and F1 with a margin of 5, over the annotators as in TCPDBench."""
    return float(covering(ends, found)), float(f1_score(ends, found, _MARGIN))


def measured() -> list[Row]:
    """One row for each method and series, and one for each series with settings chosen on the others."""
    data, rows = load(), []
    for method, predict in methods().items():
        for name, (y, ends) in data.items():
            time, found = spent(lambda y=y, predict=predict: predict(y))
            cover, f1 = scores(ends, found)
            row = {"method": method, "series": name, "n": len(y), "cover": cover, "f1": f1, "seconds": time.cpu}
            rows.append({**row, "found": [int(cut) for cut in found[:-1]]})
    table = np.zeros((len(GRID), len(data), 2))
    for i, (floor, times) in enumerate(GRID):
        for j, (y, ends) in enumerate(data.values()):
            bits = float(times * np.log2(len(y)))
            table[i, j] = scores(ends, SequenceChangepoints("trend", floor=floor, penalty=bits).fit_predict(y))
    for j, (name, (y, _)) in enumerate(data.items()):
        others = np.delete(table, j, axis=1).mean((1, 2))
        cover, f1 = table[others.argmax(), j]
        setting = dict(zip(("floor", "times"), GRID[others.argmax()], strict=True))
        row = {"method": "trend, settings chosen on the other series", "series": name, "n": len(y), "seconds": None}
        rows.append({**row, "cover": float(cover), "f1": float(f1), **setting})
    return rows


def _table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Means over the series, with intervals, and the differences from saying nothing."""
    by_method: dict[str, list[Row]] = {}
    for row in rows:
        by_method.setdefault(row["method"], []).append(row)
    zero = {row["series"]: row for row in by_method["zero (say nothing)"]}
    lines: list[list[Any]] = []
    for method, own in by_method.items():
        cells = []
        for key in ("cover", "f1"):
            values = np.array([row[key] for row in own])
            less = values - np.array([zero[row["series"]][key] for row in own])
            spread, spread_less = (1.96 * v.std(ddof=1) / len(v) ** 0.5 for v in (values, less))
            cells += [f"{values.mean():.3f} ± {spread:.3f}", f"{less.mean():+.3f} ± {spread_less:.3f}"]
        lines.append([method, str(len(own)), *cells])
    lines += [[name, "", f"{cover:.3f}", "", f"{f1:.3f}", ""] for name, (cover, f1) in STORED.items()]
    return ["method", "series", "cover", "above zero", "F1", "above zero"], lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    headers, lines = _table(results.rows)
    print_table("TCPD, univariate series, margin 5", headers, lines)
    write_text(results.table_path, markdown_table(headers, lines) + "\n" + provenance(results, "python -m bench.tcpd"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.tcpd", description=__doc__)
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("tcpd", ("method", "series"), options.output, ("numba", "ruptures"))
    if not options.table:
        results.extend(measured())
    report(results)


if __name__ == "__main__":
    main()
