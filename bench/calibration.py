"""
Are the probabilities of BitsSavedClassifier to be believed? Beside those of logistic regression.

Run ``python -m bench.calibration --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.classification_tables import share
from bench.common import ROOT, Results, Row, load_set, markdown_table, print_table, provenance, set_names, write_text
from bench.methods import HEADS, named

_METHODS = ("bits-saved", "logistic")
_BINS = 15
_SIMULATIONS = 1000
_DRAWN = ("R8", "ohsumed", "movie_reviews", "MR", "20news", "ag_news_part", "banking77", "masakhanews_som")

Floats = NDArray[np.float64]


def bins_of(confidence: Floats) -> NDArray[np.int64]:
    """Equally wide bins of confidence, from 0 to 14."""
    return np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)


def calibration_error(confidence: Floats, hits: NDArray[Any]) -> float:
    """Expected calibration error: sum over bins of (texts in it / n) |accuracy - mean confidence|."""
    gaps = np.bincount(bins_of(confidence), weights=hits - confidence, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def error_by_chance(confidence: Floats) -> float:
    """The calibration error that a perfectly calibrated model with these confidences would show on average."""
    random, n = np.random.default_rng(0), len(confidence)
    return float(np.mean([calibration_error(confidence, random.random(n) < confidence) for _ in range(_SIMULATIONS)]))


def measures(probabilities: Floats, truth: NDArray[np.int64]) -> Row:
    """
    Accuracy, calibration error, Brier score and log loss.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
    truth : ndarray of int64, shape (n,)
        Columns.
    """
    n, rows = len(truth), np.arange(len(truth))
    confidence, hits = probabilities.max(1), probabilities.argmax(1) == truth
    right = probabilities[rows, truth]
    # sum over classes of (p - 1[true class])^2
    brier = (probabilities**2).sum(1) - 2 * right + 1
    bins = bins_of(confidence)
    count = np.bincount(bins, minlength=_BINS)
    return {
        "n_test": n,
        "accuracy": round(float(hits.mean()), 5),
        "confidence": round(float(confidence.mean()), 5),
        "calibration_error": round(calibration_error(confidence, hits), 5),
        "error_by_chance": round(error_by_chance(confidence), 5),
        "brier": round(float(brier.mean()), 5),
        "log_loss_bits": round(float(-np.log2(np.maximum(right, 1e-15)).mean()), 5),
        "bins": {
            "count": count.tolist(),
            "confidence": np.bincount(bins, weights=confidence, minlength=_BINS).round(4).tolist(),
            "right": np.bincount(bins, weights=hits, minlength=_BINS).astype(int).tolist(),
        },
    }


def measure(name: str, method: str, jobs: int | None) -> Row:
    """One method on one set."""
    split = load_set(name)
    model = named(method).make(split, jobs).fit(split.train, split.train_labels)
    truth = np.searchsorted(model.classes_, split.test_labels)
    found = measures(np.asarray(model.predict_proba(split.test)), truth)
    return {"set": name, "method": method, "classes": split.classes, "n_train": len(split.train), **found}


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """A line a set, the methods side by side; the means last."""
    cells = {(row["set"], row["method"]): row for row in rows}
    sets = [name for name in sorted({row["set"] for row in rows}) if all((name, m) in cells for m in _METHODS)]
    kinds = ("calibration_error", "error_by_chance", "brier", "log_loss_bits")
    heads = ["set", "n"]
    for kind in ("ECE", "by chance", "Brier", "log loss, bits"):
        heads += [f"{kind}, bits saved", f"{kind}, LR"]
    lines = [
        [name, f"{cells[name, _METHODS[0]]['n_test']:,}", *(share(cells[name, m][k]) for k in kinds for m in _METHODS)]
        for name in sets
    ]
    means = [share(float(np.mean([cells[name, m][k] for name in sets]))) for k in kinds for m in _METHODS]
    return heads, [*lines, ["mean", "", *means]] if sets else []


def figure(rows: Sequence[Row], path: Path) -> None:
    """Reliability diagrams: accuracy against confidence."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in _DRAWN if any(row["set"] == name for row in rows)]
    if not names:
        return
    columns = min(4, len(names))
    height = -(-len(names) // columns)
    drawing, grid = pyplot.subplots(
        height,
        columns,
        figsize=(2.6 * columns, 2.7 * height),
        layout="constrained",
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for axes in grid.flat[len(names) :]:
        axes.axis("off")
    for name, axes in zip(names, grid.flat, strict=False):
        axes.plot([0, 1], [0, 1], color="0.7", lw=1)
        for method, style, label in (("bits-saved", "o-", "bits saved"), ("logistic", "s--", "logistic regression")):
            row = next((r for r in rows if r["set"] == name and r["method"] == method), None)
            if row is None:
                continue
            count = np.array(row["bins"]["count"])
            enough = count >= 10
            x, y = (np.array(row["bins"][key])[enough] / count[enough] for key in ("confidence", "right"))
            axes.plot(x, y, style, ms=3.5, lw=1.2, label=label)
        axes.set(title=name, xlim=(0, 1), ylim=(0, 1))
        axes.grid(alpha=0.25)
    grid[0, 0].legend(fontsize=7)
    drawing.supxlabel("probability of the predicted class", fontsize=10)
    drawing.supylabel("right", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=110)


def report(results: Results, pictures: Path) -> None:
    """Print the table and write it for the docs, with a figure."""
    heads, lines = table(results.rows)
    figure(results.rows, pictures / "calibration.png")
    if not lines:
        return
    print_table("Calibration", heads, lines)
    text = (
        f"Test texts; {HEADS['bits-saved']} against {HEADS['logistic']}. ECE: expected calibration error of the "
        f"predicted class, {_BINS} equally wide bins; by chance: what a perfectly calibrated model with the same "
        "confidences would show on so many texts. Brier: sum over the classes of squared errors. Lower is better "
        "everywhere.\n\n"
    )
    text += markdown_table(heads, lines)
    write_text(results.table_path, f"{text}\n{provenance(results, 'python -m bench.calibration')}")


def main() -> None:
    """Measure, save after every method, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.calibration", description=__doc__)
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that are there")
    parser.add_argument("--methods", nargs="+", choices=_METHODS, default=list(_METHODS), metavar="METHOD")
    parser.add_argument("--jobs", type=int, default=1, help="workers of BitsSavedClassifier (default 1)")
    parser.add_argument("--missing", action="store_true", help="only what the JSON does not have yet")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write table and figure again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    arguments = parser.parse_args()
    results = Results("calibration", ("set", "method"), arguments.output, ("numba",))
    there = {(row["set"], row["method"]) for row in results.rows} if arguments.missing else set()
    warnings.simplefilter("ignore")  # iterations of the regression
    for name in [] if arguments.table else arguments.sets or set_names():
        for method in arguments.methods:
            if (name, method) in there:
                continue
            row = measure(name, method, arguments.jobs)
            results.add(row, jobs=arguments.jobs)
            print(f"{name}: {HEADS[method]}: ECE {row['calibration_error']:.3f}", flush=True)
    report(results, arguments.output or ROOT / "docs" / "_static")


if __name__ == "__main__":
    main()
