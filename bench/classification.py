"""
Accuracy, time and size of text classifiers: ours, gzip kNN as published, and scikit-learn's usual ones.

Run ``python -m bench.classification --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ncd
from bench.common import (
    Results,
    Row,
    Split,
    load_set,
    markdown_table,
    print_table,
    provenance,
    set_names,
    timed,
    wilson,
    write_text,
)
from bench.methods import HEADS, METHODS, NOTES, Method, Sample, model_bytes, parameters, plan, remarks

#: What must be known to read a set's figures.
_SET_NOTES = {
    "ag_news_part": "training part is 35 % of the published one, so these are not figures of full AG News",
    "20news": "messages with headers, which give the group away in part",
    "movie_reviews": "own split",
    "sms_spam": "own split",
    "langid_lingua": "own split; a few rows are double-encoded",
}


def cut(split: Split, sample: Sample) -> Split:
    """The first rows of a set, which are in random order."""
    train, test = sample.n_train, sample.n_test
    return Split(
        split.name, split.train[:train], split.train_labels[:train], split.test[:test], split.test_labels[:test]
    )


def right_by_row(method: Method, model: Any, part: Split) -> tuple[float, dict[str, int]]:
    """Seconds of prediction, and the number of right answers of every row that the method gives."""
    truth = np.asarray(part.test_labels)
    if method.name != "gzip-knn":
        seconds, predicted = timed(lambda: model.predict(part.test))
        return seconds, {method.name: int((np.asarray(predicted) == truth).sum())}
    k = min(5, len(part.train))
    seconds, nearest = timed(lambda: model.kneighbors(part.test, k, return_distance=False))
    labels = np.asarray(part.train_labels)[nearest]
    right = {
        "gzip-knn k=1": labels[:, 0] == truth,
        "gzip-knn k=5": np.array([_vote(row) for row in labels]) == truth,
        "gzip-knn optimistic": (labels[:, :2] == truth[:, None]).any(1),
    }
    return seconds, {name: int(hits.sum()) for name, hits in right.items()}


def _vote(labels: np.ndarray[Any, Any]) -> str:
    """The most frequent label, of several the one that comes first (nearest)."""
    seen = labels.tolist()
    return str(max(dict.fromkeys(seen), key=seen.count))


def measure(method: Method, split: Split, sample: Sample) -> list[Row]:
    """The rows of one method on one set."""
    base: Row = {"set": split.name, "classes": split.classes, "leaked": split.leaked}
    base |= {"n_train_full": len(split.train), "n_test_full": len(split.test)}
    part = cut(split, sample)
    reason = method.left_out(part)
    if reason:
        return [{**base, "method": method.name, "accuracy": None, "note": reason}]
    fit_seconds, model = timed(lambda: method.make(part).fit(part.train, part.train_labels))
    seconds, right = right_by_row(method, model, part)
    base |= {"parameters": parameters(model), "model_bytes": model_bytes(model)}
    said = remarks(method.name, model)
    rows = []
    for name, hits in right.items():
        low, high = wilson(hits, sample.n_test)
        rows.append(
            {
                **base,
                "method": name,
                "accuracy": round(hits / sample.n_test, 5),
                "low": round(low, 5),
                "high": round(high, 5),
                "n_train": sample.n_train,
                "n_test": sample.n_test,
                "fit_seconds": round(fit_seconds, 3),
                "predict_seconds_per_1000": round(1000 * seconds / sample.n_test, 3),
                "note": "; ".join([*filter(None, [NOTES[name]]), *said]),
            }
        )
    return rows


def mark(row: Row) -> str:
    """What stands behind a figure that is not of the full set."""
    if row["n_train"] < row["n_train_full"]:
        return "‡"
    return "†" if row["n_test"] < row["n_test_full"] else ""


def _share(value: float) -> str:
    """A proportion with three digits, without the leading zero."""
    return f"{value:.3f}".removeprefix("0")


def accuracy_table(rows: Sequence[Row], intervals: bool) -> tuple[list[str], list[list[str]]]:
    """Sets x methods."""
    cells = {(row["set"], row["method"]): row for row in rows}
    methods = [name for name in HEADS if any(row["method"] == name for row in rows)]
    lines = []
    for name in sorted({row["set"] for row in rows}):
        line = [name]
        for method in methods:
            row = cells.get((name, method))
            text = ""
            if row:
                text = "–"
            if row and row["accuracy"] is not None:
                text = _share(row["accuracy"])
                text += f" ({_share(row['low'])}–{_share(row['high'])})" if intervals else ""
                text += mark(row)
            line.append(text)
        lines.append(line)
    return ["set", *(HEADS[method] for method in methods)], lines


def cost_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """A row for every set and method: what was used, time, size."""
    order = list(HEADS)
    lines = []
    for row in sorted(rows, key=lambda row: (row["set"], order.index(row["method"]))):
        start = [row["set"], HEADS[row["method"]]]
        if row["accuracy"] is None:
            lines.append([*start, *[""] * 6, row["note"]])
            continue
        lines.append(
            [
                *start,
                _share(row["accuracy"]) + mark(row),
                _part(row["n_train"], row["n_train_full"]),
                _part(row["n_test"], row["n_test_full"]),
                f"{row['fit_seconds']:,.2f}",
                f"{row['predict_seconds_per_1000']:,.3g}",
                f"{row['model_bytes'] / 1e6:,.2f}",
                row["note"],
            ]
        )
    heads = ["set", "method", "accuracy", "n_train", "n_test", "fit, s", "predict, s per 1,000", "model, MB", "note"]
    return heads, lines


def _part(used: int, full: int) -> str:
    """A number of rows, with the whole where it is a sample."""
    return f"{used:,}" if used == full else f"{used:,} of {full:,}"


_EXPLAINED = """Accuracy with 95 % Wilson interval. † a random sample of the test rows; ‡ a random sample of the
training rows too, so that the figure is not the method's on the full set: the costs below give both numbers.
"Optimistic" counts a tie of two neighbours as right whenever one of them has the right label, as the published figures
do; no classifier can do that, since it would have to know the answer.
"""


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    rows = results.rows
    print_table("Costs", *cost_table(rows))
    print_table("Accuracy († sampled test rows, ‡ sampled training rows)", *accuracy_table(rows, intervals=False))
    leaked = {row["set"]: row["leaked"] for row in rows}
    notes = []
    for name in sorted(leaked):
        said = [*filter(None, [_SET_NOTES.get(name)])]
        if leaked[name]:
            said.append(f"{leaked[name]} test texts are in the training part too")
        if said:
            notes.append(f"- {name}: {'; '.join(said)}.\n")
    text = f"{_EXPLAINED}\n{markdown_table(*accuracy_table(rows, intervals=True))}\n{''.join(notes)}"
    text += "\nCosts: one run each; ncd uses all cores, scikit-learn one; models are stored with zlib.\n\n"
    text += f"{markdown_table(*cost_table(rows))}\n{provenance(results, 'python -m bench.classification')}"
    write_text(results.table_path, text)


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.classification", description=__doc__)
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that are there")
    parser.add_argument(
        "--methods", nargs="+", choices=[m.name for m in METHODS], metavar="METHOD", help="default: all"
    )
    parser.add_argument(
        "--budget-seconds", type=float, default=45.0, help="prediction time of a method on a set; more is sampled"
    )
    parser.add_argument("--min-test", type=int, default=250, help="test rows that are taken whatever they cost")
    parser.add_argument("--max-train", type=int, help="training rows at most, for trying things out")
    parser.add_argument("--max-test", type=int, help="test rows at most, for trying things out")
    parser.add_argument("--list", action="store_true", help="list sets and methods")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    return parser.parse_args()


def main() -> None:
    """Measure, save after every row, print."""
    from sklearn.exceptions import ConvergenceWarning

    arguments = _arguments()
    warnings.simplefilter("ignore", ncd.WindowWarning)  # the note in the table says it
    warnings.simplefilter("ignore", ConvergenceWarning)  # so does this one's
    results = Results("classification", ("set", "method"), arguments.output)
    if arguments.list:
        print("sets:", *set_names(), "\nmethods:", *[method.name for method in METHODS], sep="\n  ")
        return
    for name in [] if arguments.table else arguments.sets or set_names():
        whole = load_set(name)
        most = Sample(arguments.max_train or len(whole.train), arguments.max_test or len(whole.test))
        for method in METHODS:
            if arguments.methods and method.name not in arguments.methods:
                continue
            sample = plan(method, cut(whole, most), arguments.budget_seconds, arguments.min_test)
            for row in measure(method, whole, sample):
                results.add(row, budget_seconds=arguments.budget_seconds, min_test=arguments.min_test)
                said = "–" if row["accuracy"] is None else f"{_share(row['accuracy'])}{mark(row)}"
                print(f"{name}: {HEADS[row['method']]}: {said}", flush=True)
    report(results)


if __name__ == "__main__":
    main()
