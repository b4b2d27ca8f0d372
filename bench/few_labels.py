"""
Accuracy with few labelled texts: 1 to 100 a class, several draws of the training texts.

Run ``python -m bench.few_labels --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.classification import answers, warm_up
from bench.classification_tables import share
from bench.common import Results, Row, Split, load_set, markdown_table, print_table, provenance, set_names, write_text
from bench.methods import HEADS, METHODS, Method, named
from bench.paired import mean_interval

_COUNTS = (1, 5, 10, 50, 100)
_METHODS = (
    "bits-saved",
    "code-length",
    "code-length words",
    "svm-words",
    "logistic",
    "naive-bayes",
    "code-length zstd 1",
    "gzip-knn",
    "tfidf-svd",
    "model2vec",
    "minilm",
    "minilm-knn",
)
#: What the others are compared with.
_RIVALS = ("logistic", "svm-words")
_MOST_TEST = 1000


def row_name(method: str) -> str:
    """The name of a method's row: of the neighbours, the nearest one decides."""
    return "gzip-knn k=1" if method == "gzip-knn" else method


def draw(split: Split, per_class: int, seed: int, most_test: int = _MOST_TEST) -> Split:
    """
    A few training texts of each class (all of a class that has fewer), and the first test texts.

    The texts of a smaller draw with the same seed are among those of a larger one.
    """
    order = np.random.default_rng(seed).permutation(len(split.train))
    seen: dict[str, int] = {}
    chosen = []
    for i in order.tolist():
        label = split.train_labels[i]
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= per_class:
            chosen.append(i)
    texts, labels = [split.train[i] for i in chosen], [split.train_labels[i] for i in chosen]
    return Split(split.name, texts, labels, split.test[:most_test], split.test_labels[:most_test])


def measure(method: Method, split: Split, per_class: int, draws: int, jobs: int | None) -> Row:
    """Accuracies of a method on a set, one for each draw."""
    accuracies, sizes = [], []
    for seed in range(draws):
        part = draw(split, per_class, seed)
        model = method.make(part, jobs).fit(part.train, part.train_labels)
        accuracies.append(float(answers(method, model, part)[1][row_name(method.name)].mean()))
        sizes.append(len(part.train))
    return {
        "set": split.name,
        "method": row_name(method.name),
        "per_class": per_class,
        "classes": split.classes,
        "n_train": sizes[0],
        "n_test": min(len(split.test), _MOST_TEST),
        "accuracy": [round(value, 5) for value in accuracies],
    }


Means = dict[tuple[str, int], "np.ndarray"]


def means_over_sets(rows: Sequence[Row]) -> Means:
    """
    For each method and number of texts: accuracies, shape (n_sets, n_draws), set by set in one order.

    A method that lacks one of the sets of others with as many texts is left out.
    """
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    for row in rows:
        found.setdefault((row["method"], row["per_class"]), {})[row["set"]] = row["accuracy"]
    every = {count: set().union(*(sets for key, sets in found.items() if key[1] == count)) for _, count in found}
    whole = {key: sets for key, sets in found.items() if set(sets) == every[key[1]]}
    return {key: np.array([sets[name] for name in sorted(sets)]) for key, sets in whole.items()}


def _pm(values: Sequence[float], sign: bool = False) -> str:
    """Mean and half interval in percentage points."""
    mean, half = mean_interval([100 * v for v in values])
    return f"{mean:{'+' if sign else ''}.1f} ± {half:.1f}"


def tables(rows: Sequence[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Titles, headers and lines."""
    means = means_over_sets(rows)
    counts = sorted({row["per_class"] for row in rows})
    methods = [name for name in HEADS if any(row["method"] == name for row in rows)]
    per_class = [f"{count} per class" for count in counts]
    result = []
    lines = [
        [HEADS[m], *(_pm(means[m, count].mean(0).tolist()) if (m, count) in means else "" for count in counts)]
        for m in methods
    ]
    result.append(("Accuracy in percent, mean over the sets; ± 95 % over draws", ["method", *per_class], lines))
    for rival in _RIVALS:
        lines = []
        for m in methods:
            if m == rival or rival not in methods:
                continue
            cells = []
            for count in counts:
                if (m, count) not in means or (rival, count) not in means:
                    cells.append("")
                    continue
                difference = means[m, count] - means[rival, count]
                by_set = difference.mean(1)
                won, lost = int((by_set > 0).sum()), int((by_set < 0).sum())
                over_sets = mean_interval((100 * by_set).tolist())[1]
                cells.append(f"{_pm(difference.mean(0).tolist(), sign=True)} (± {over_sets:.1f}), {won} – {lost}")
            lines.append([HEADS[m], *cells])
        title = f"Points to {HEADS[rival]}: mean ± 95 % over draws (± 95 % over sets), sets won – lost"
        result.append((title, ["method", *per_class], lines))
    cells_of = {(row["set"], row["method"], row["per_class"]): row for row in rows}
    for count in counts:
        sets = sorted({row["set"] for row in rows if row["per_class"] == count})
        lines = [
            [
                HEADS[m],
                *(share(np.mean(cells_of[s, m, count]["accuracy"])) if (s, m, count) in cells_of else "" for s in sets),
            ]
            for m in methods
        ]
        result.append((f"{count} per class, mean of the draws", ["method", *sets], lines))
    return result


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    draws = sorted({len(row["accuracy"]) for row in results.rows})
    n_sets = len({row["set"] for row in results.rows})
    text = (
        f"{n_sets} sets, {' or '.join(map(str, draws))} draws of training texts with fixed seeds, the same for all "
        f"methods; up to {_MOST_TEST:,} test texts. Classes that have fewer texts give all of theirs.\n\n"
    )
    for title, headers, lines in tables(results.rows):
        print_table(title, headers, lines)
        text += f"{title}:\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, f"{text}{provenance(results, 'python -m bench.few_labels')}")


def main() -> None:
    """Measure, save after every method, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.few_labels", description=__doc__)
    parser.add_argument("--sets", nargs="+", metavar="SET", help="default: all that are there")
    names = [method.name for method in METHODS]
    parser.add_argument("--methods", nargs="+", choices=names, default=list(_METHODS), metavar="METHOD")
    parser.add_argument("--per-class", nargs="+", type=int, default=list(_COUNTS), help="training texts of a class")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="workers of this library's classifiers (default 1)")
    parser.add_argument("--missing", action="store_true", help="only what the JSON does not have yet")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    arguments = parser.parse_args()
    results = Results("few_labels", ("set", "method", "per_class"), arguments.output, ("numba",))
    there = {(row["set"], row["method"], row["per_class"]) for row in results.rows} if arguments.missing else set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few labels and short dictionaries are the point here
        for name in [] if arguments.table else arguments.sets or set_names():
            split = load_set(name)
            for method in map(named, arguments.methods):
                if absent := method.not_installed():
                    print(f"{name}: {HEADS[row_name(method.name)]} is left out, {absent}", flush=True)
                    continue
                counts = [c for c in arguments.per_class if (name, row_name(method.name), c) not in there]
                if counts:
                    warm_up(method, split, arguments.jobs)
                for count in counts:
                    row = measure(method, split, count, arguments.draws, arguments.jobs)
                    results.add(row, draws=arguments.draws, jobs=arguments.jobs)
                    print(
                        f"{name}, {count} per class: {HEADS[row['method']]} {np.mean(row['accuracy']):.3f}", flush=True
                    )
    report(results)


if __name__ == "__main__":
    main()
