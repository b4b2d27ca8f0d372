"""
Speed and memory of the classifiers that learn class models and separators, and what fewer strings cost.

Run ``python -m bench.training --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ncd
from bench.common import (
    ROOT,
    Results,
    Row,
    load_set,
    markdown_table,
    median,
    print_table,
    provenance,
    spent,
    wilson,
    write_text,
)

PARTS = ("fit", "whole", "predict", "weights")
#: What is fitted on which set, for megabytes a second.
_FITTED = (
    ("code-length", "20news"),
    ("code-length words", "20news"),
    ("bits-saved strings", "R8"),
    ("bits-saved", "R8"),
)
_PREDICTED = ("code-length", "bits-saved strings", "bits-saved")
_WHOLE = ("bits-saved strings", "bits-saved")
_PRUNED = ("MR", "R8", "masakhanews_som")
_SHARES = (1, 2, 4, 8)

_MODELS: dict[str, Callable[..., Any]] = {
    "code-length": lambda **options: ncd.CodeLengthClassifier(**options),
    "code-length words": lambda **options: ncd.CodeLengthClassifier("words", **options),
    "bits-saved strings": lambda **options: ncd.BitsSavedClassifier("strings", **options),
    "bits-saved": lambda **options: ncd.BitsSavedClassifier(**options),
}
_HEADS = {
    "code-length": "CodeLengthClassifier()",
    "code-length words": 'CodeLengthClassifier("words")',
    "bits-saved strings": 'BitsSavedClassifier("strings")',
    "bits-saved": "BitsSavedClassifier()",
}


def compiled(model: str) -> None:
    """Compile the kernels, or load them from disk, before anything is timed."""
    texts = ["to be or not to be", "that is the question"] * 6
    _MODELS[model](n_jobs=1).fit(texts, ["a", "b"] * 6).predict(texts[:2])


def megabytes(texts: Sequence[str]) -> float:
    """Size of texts in UTF-8, in millions of bytes."""
    return sum(len(text.encode()) for text in texts) / 1e6


def peak_bytes(reset: bool = False) -> int | None:
    """The most memory that this process has held, from the last reset on; None if the system does not say."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)


def fit_speed(model: str, name: str, jobs: int | None, repeats: int) -> Row:
    """Seconds of fitting, several times."""
    split = load_set(name)
    compiled(model)
    times = [spent(lambda: _MODELS[model](n_jobs=jobs).fit(split.train, split.train_labels))[0] for _ in range(repeats)]
    return {
        "megabytes": round(megabytes(split.train), 3),
        "classes": split.classes,
        "n_train": len(split.train),
        "wall": [round(seconds.wall, 4) for seconds in times],
        "cpu": [round(seconds.cpu, 4) for seconds in times],
    }


def whole_fit(model: str, name: str, jobs: int | None, _: int) -> Row:
    """Time and memory of one fit in this process, which has done nothing else; the model's file; accuracy."""
    split = load_set(name)
    test, test_labels = split.test, split.test_labels
    compiled(model)
    gc.collect()
    before = peak_bytes(reset=True)
    fit, fitted = spent(lambda: _MODELS[model](n_jobs=jobs).fit(split.train, split.train_labels))
    peak = peak_bytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.ncd")
        saving, _ = spent(lambda: ncd.save_model(fitted, path))
        size = path.stat().st_size
        loading, _ = spent(lambda: ncd.load_model(path))
    predict, predicted = spent(lambda: fitted.predict(test))
    right = sum(a == b for a, b in zip(predicted.tolist(), test_labels, strict=True))
    low, high = wilson(right, len(test))
    return {
        "megabytes": round(megabytes(split.train), 3),
        "classes": split.classes,
        "n_train": len(split.train),
        "n_test": len(test),
        "wall": [round(fit.wall, 3)],
        "cpu": [round(fit.cpu, 3)],
        "bytes_before": before,
        "peak_bytes": peak,
        "file_bytes": size,
        "save_seconds": round(saving.wall, 3),
        "load_seconds": round(loading.wall, 3),
        "predict_wall": round(predict.wall, 3),
        "accuracy": round(right / len(test), 5),
        "low": round(low, 5),
        "high": round(high, 5),
    }


def predict_speed(model: str, name: str, jobs: int | None, repeats: int) -> Row:
    """Seconds of predicting 1,000 test texts, several times; the model is fitted on all cores."""
    split = load_set(name)
    compiled(model)
    fitted = _MODELS[model]().fit(split.train, split.train_labels).set_params(n_jobs=jobs)
    texts = split.test[:1000]
    times = [spent(lambda: fitted.predict(texts))[0] for _ in range(repeats)]
    scale = 1000 / len(texts)
    return {
        "megabytes": round(megabytes(texts), 3),
        "classes": split.classes,
        "n_test": len(texts),
        "wall": [round(scale * seconds.wall, 4) for seconds in times],
        "cpu": [round(scale * seconds.cpu, 4) for seconds in times],
    }


def fewer_weights(model: str, name: str, jobs: int | None, _: int) -> Row:
    """Accuracy with all strings, a half, a quarter and an eighth of them."""
    split = load_set(name)
    lanes = split.classes if split.classes > 2 else 1
    fitted = _MODELS[model](n_jobs=jobs).fit(split.train, split.train_labels)
    strings, rows = n_features(fitted), []
    for part in _SHARES:
        most = -(-strings // part)
        if part > 1:
            fitted = _MODELS[model](n_jobs=jobs, max_weights=most * lanes).fit(split.train, split.train_labels)
        right = int((fitted.predict(split.test) == split.test_labels).sum())
        with tempfile.TemporaryDirectory() as folder:
            ncd.save_model(fitted, Path(folder, "model.ncd"))
            size = Path(folder, "model.ncd").stat().st_size
        low, high = wilson(right, len(split.test))
        row = {"share": part, "strings": n_features(fitted), "right": right, "file_bytes": size}
        rows.append({**row, "low": round(low, 5), "high": round(high, 5)})
    return {"classes": split.classes, "n_test": len(split.test), "shares": rows}


def n_features(model: Any) -> int:
    """Strings that a fitted model weighs; those in the same texts count once."""
    return int(model._machine.vocabulary.size)


_MEASURES = {"fit": fit_speed, "whole": whole_fit, "predict": predict_speed, "weights": fewer_weights}


def jobs_of(part: str) -> tuple[int, ...]:
    """Numbers of workers; 0: all cores."""
    return {"fit": (0, 1), "whole": (0,), "predict": (1,), "weights": (0,)}[part]


def items(part: str) -> list[tuple[str, str]]:
    """Models and sets."""
    return {
        "fit": list(_FITTED),
        "whole": [(model, "20news") for model in _WHOLE],
        "predict": [(model, name) for name in ("ag_news_part", "20news") for model in _PREDICTED],
        "weights": [(model, name) for name in _PRUNED for model in _WHOLE],
    }[part]


def in_fresh_process(part: str, model: str, name: str, jobs: int, repeats: int) -> Row:
    """A measurement in a process of its own."""
    order = [sys.executable, "-m", "bench.training", "--child", part, model, name, str(jobs), str(repeats)]
    done = subprocess.run(order, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _seconds(row: Row, kind: str) -> str:
    """Median, and the range of several."""
    values = row[kind]
    text = f"{median(values):,.3g}"
    return f"{text} ({min(values):,.3g}–{max(values):,.3g})" if len(values) > 1 else text


def _jobs(row: Row) -> str:
    """Number of workers in words."""
    return str(row["jobs"] or "all")


def tables(rows: Sequence[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Titles, headers and lines."""
    chosen = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    result = [
        (
            "Fitting; seconds: median (least–most)",
            ["model", "set", "MB", "classes", "workers", "wall, s", "MB/s", "processor, s"],
            [
                [
                    _HEADS[r["model"]],
                    r["set"],
                    f"{r['megabytes']:.1f}",
                    str(r["classes"]),
                    _jobs(r),
                    _seconds(r, "wall"),
                    f"{r['megabytes'] / median(r['wall']):.1f}",
                    _seconds(r, "cpu"),
                ]
                for r in chosen["fit"]
            ],
        ),
        (
            "One whole fit in a fresh process, all cores; memory includes Python, libraries and the texts",
            [
                "model",
                "set",
                "MB",
                "wall, s",
                "processor, s",
                "memory before, MB",
                "peak, MB",
                "file, MB",
                "save, s",
                "load, s",
            ],
            [
                [
                    _HEADS[r["model"]],
                    r["set"],
                    f"{r['megabytes']:.1f}",
                    _seconds(r, "wall"),
                    _seconds(r, "cpu"),
                    *("?" if r[key] is None else f"{r[key] / 1e6:,.0f}" for key in ("bytes_before", "peak_bytes")),
                    f"{r['file_bytes'] / 1e6:,.1f}",
                    f"{r['save_seconds']:.1f}",
                    f"{r['load_seconds']:.1f}",
                ]
                for r in chosen["whole"]
            ],
        ),
        (
            "Predicting 1,000 documents, one core; seconds: median (least–most)",
            ["model", "set", "MB", "classes", "wall, s", "processor, s"],
            [
                [
                    _HEADS[r["model"]],
                    r["set"],
                    f"{r['megabytes']:.2f}",
                    str(r["classes"]),
                    _seconds(r, "wall"),
                    _seconds(r, "cpu"),
                ]
                for r in chosen["predict"]
            ],
        ),
    ]
    lines = []
    for row in chosen["weights"]:
        cells = [
            f"{s['right'] / row['n_test']:.4f} ({s['low']:.3f}–{s['high']:.3f}), {s['file_bytes'] / 1e6:.1f} MB"
            for s in row["shares"]
        ]
        lines.append([_HEADS[row["model"]], row["set"], f"{row['shares'][0]['strings']:,}", *cells])
    heads = ["model", "set", "strings", "all of them", *(f"1/{part}" for part in _SHARES[1:])]
    result.append(("Fewer strings (`max_weights`): accuracy on the test texts, size of the file", heads, lines))
    return [table for table in result if table[2]]


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    text = ""
    for title, headers, lines in tables(results.rows):
        print_table(title, headers, lines)
        text += f"{title}:\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, f"{text}{provenance(results, 'python -m bench.training')}")


def main() -> None:
    """Measure, save after every row, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.training", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that a part is about")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--missing", action="store_true", help="only what the JSON does not have yet")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        part, model, name, jobs, repeats = arguments.child
        warnings.simplefilter("ignore", ncd.FewLabelsWarning)  # of the text that compiles
        print(json.dumps(_MEASURES[part](model, name, int(jobs) or None, int(repeats))))
        return
    results = Results("training", ("part", "model", "set", "jobs"), arguments.output, ("numba", "llvmlite"))
    there = {tuple(row[key] for key in results.key) for row in results.rows} if arguments.missing else set()
    for part in [] if arguments.table else arguments.parts:
        for model, name in items(part):
            if arguments.sets and name not in arguments.sets:
                continue
            for jobs in jobs_of(part):
                key = {"part": part, "model": model, "set": name, "jobs": jobs}
                if tuple(key.values()) in there:
                    continue
                found = in_fresh_process(part, model, name, jobs, arguments.repeats)
                results.add({**key, **found}, repeats=arguments.repeats)
                print(f"{part}, {name}, {_HEADS[model]}, workers {jobs or 'all'}: done", flush=True)
    report(results)


if __name__ == "__main__":
    main()
