"""
What the settings of BitsSavedClassifier and of class models do: held-out validation inside the training parts.

Test parts are not read. Run ``python -m bench.settings --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ncd
from bench.common import Results, Row, markdown_table, print_table, provenance, set_names, spent, write_text
from bench.defaults import validation
from bench.paired import Comparison, packed, unpacked

_LEARN, _JUDGE = 3000, 400
_EXPERTS: tuple[tuple[str, ...], ...] = (
    ("strings",),
    ("bytes",),
    ("words",),
    ("strings", "bytes"),
    ("strings", "words"),
    ("bytes", "words"),
)

#: For each model the settings that are tried, each beside the defaults.
SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {
    "BitsSavedClassifier": (
        {},
        *({"experts": experts} for experts in _EXPERTS),
        *({"order": order} for order in (4, 5, 7)),
        *({"cost": cost} for cost in (0.3, 1.0, 10.0)),
        {"min_texts": 1},
        {"min_texts": 3},
    ),
    "CodeLengthClassifier": (
        {},
        *({"order": order} for order in (3, 4, 5)),
        *({"alpha": alpha} for alpha in (1.0, 4.0)),
        *({"shared": shared} for shared in (0.25, 0.75, 1.0)),
        {"model": "words"},
        {"model": "words", "order": 1},
        {"model": "words", "order": 3},
        {"model": "words", "alpha": 2.0},
        {"model": "words", "alpha": 8.0},
        {"model": "words", "shared": 0.5},
    ),
}
_MAKE = {"BitsSavedClassifier": ncd.BitsSavedClassifier, "CodeLengthClassifier": ncd.CodeLengthClassifier}


def words(setting: dict[str, Any]) -> str:
    """A setting in a table."""
    said = ", ".join(f"{k}={' + '.join(v) if isinstance(v, tuple) else v}" for k, v in setting.items())
    return said or "defaults"


def measure(model: str, setting: dict[str, Any], name: str, draw: int, jobs: int | None) -> Row:
    """Which of the judged texts are right."""
    texts, labels, judged, truth = validation(name, _LEARN, _JUDGE, draw)
    fit, fitted = spent(lambda: _MAKE[model](**setting, n_jobs=jobs).fit(texts, labels))
    hits = fitted.predict(judged) == truth
    found = {"accuracy": round(float(hits.mean()), 5), "n": len(hits), "fit_cpu": round(fit.cpu, 3)}
    return {"model": model, "set": name, "draw": draw, "setting": words(setting), **found, "right": packed(hits)}


def table(rows: Sequence[Row], model: str) -> tuple[list[str], list[list[str]]]:
    """A line a setting: mean accuracy, and points to the defaults on the same texts."""
    hits = {(r["setting"], r["set"], r["draw"]): unpacked(r["right"], r["n"]) for r in rows if r["model"] == model}
    lines = []
    for setting in map(words, SETTINGS[model]):
        keys = [key for key in hits if key[0] == setting and ("defaults", *key[1:]) in hits]
        if not keys:
            continue
        found = Comparison.of([(hits[key], hits["defaults", *key[1:]]) for key in keys])
        against = "" if setting == "defaults" else f"{found.points:+.2f} ± {found.half:.2f}"
        lines.append([setting, f"{np.mean([hits[key].mean() for key in keys]):.4f}", against])
    lines.sort(key=lambda line: -float(line[1]))
    return [f"{model}()", "mean accuracy", "points to the defaults"], lines


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    sets = {row["set"] for row in results.rows}
    draws = {row["draw"] for row in results.rows}
    text = (
        f"Mean accuracy over {len(sets)} sets and {len(draws)} random cuts of their training parts, up to {_LEARN:,} "
        f"texts to learn from and {_JUDGE} to judge by; points with a 95 % interval over the judged texts.\n\n"
    )
    for model in SETTINGS:
        heads, lines = table(results.rows, model)
        if lines:
            print_table("validation inside the training parts", heads, lines)
            text += markdown_table(heads, lines) + "\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.settings"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.settings", description=__doc__)
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that are there")
    parser.add_argument("--models", nargs="+", choices=list(SETTINGS), default=list(SETTINGS), metavar="MODEL")
    parser.add_argument("--draws", type=int, default=2, help="random cuts of a training part (default 2)")
    parser.add_argument("--jobs", type=int, default=None, help="workers (default: all cores)")
    parser.add_argument("--missing", action="store_true", help="only what the JSON does not have yet")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("settings", ("model", "set", "draw", "setting"), options.output, ("numba",))
    there = {tuple(row[key] for key in results.key) for row in results.rows} if options.missing else set()
    warnings.simplefilter("ignore", ncd.FewLabelsWarning)
    for name in [] if options.table else options.sets or set_names():
        for draw in range(options.draws):
            for model in options.models:
                for setting in SETTINGS[model]:
                    if (model, name, draw, words(setting)) not in there:
                        results.add(measure(model, setting, name, draw, options.jobs), draws=options.draws)
        print(f"{name}: done", flush=True)
    report(results)


if __name__ == "__main__":
    main()
