"""
How the classifiers' defaults were chosen: held-out validation inside the training parts; test parts are not read.

Run ``python -m bench.defaults --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ncd
from bench.common import Results, load_set, markdown_table, print_table, provenance, set_names, write_text
from ncd.distances.lengths import METRICS

_CLASS_COMPRESSORS = ("deflate:9", "zstd:3", "zstd:9", "zstd:12")
_DEALS: tuple[dict[str, int], ...] = (
    {"dictionaries": 1},
    {"dictionaries": 3},
    {"dictionary_size": 32_768, "deals": 1},
    {"dictionary_size": 131_072, "deals": 1},
    {"dictionary_size": 131_072, "deals": 3},
    {"dictionary_size": 524_288, "deals": 3},
)
#: Compressor, way to L(xy), order: those that are worth their time.
_ROUTES = (
    ("gzip", "concat", "xy"),
    ("deflate", "concat", "xy"),
    ("deflate", "concat", "yx"),
    ("deflate", "primed", "yx"),
    ("zstd:3", "concat", "xy"),
    ("zstd:3", "primed", "yx"),
    ("zstd:12", "primed", "yx"),
)
_NEIGHBORS = (1, 3, 5)
_KNN_BYTES = 400_000  # of training text, so that sets of long texts take no longer than others

Part = tuple[list[str], NDArray[np.str_], list[str], NDArray[np.str_]]


def validation(name: str, learn: int, judge: int, draw: int) -> Part:
    """Texts to learn from and texts to judge by, both from the training part."""
    split = load_set(name)
    order = np.random.default_rng(draw).permutation(len(split.train))
    texts, labels = [split.train[i] for i in order], np.asarray(split.train_labels)[order]
    return texts[judge : judge + learn], labels[judge : judge + learn], texts[:judge], labels[:judge]


def class_models(name: str, draw: int) -> Iterator[tuple[str, float, int]]:
    """Accuracy of CodeLengthClassifier for every compressor and deal."""
    texts, labels, judged, truth = validation(name, 4000, 400, draw)
    for compressor in _CLASS_COMPRESSORS:
        for deals in _DEALS:
            model = ncd.CodeLengthClassifier(compressor, **deals).fit(texts, labels)
            setting = ", ".join([compressor, *(f"{name}={value}" for name, value in deals.items())])
            yield setting, float((model.predict(judged) == truth).mean()), len(judged)


def vote(distances: NDArray[np.float64], classes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Majority of the k nearest, a tie to the class of the nearest."""
    return majority(classes[np.argsort(distances, axis=1, kind="stable")[:, :k]])


def majority(nearest: NDArray[Any]) -> NDArray[Any]:
    """The class with most votes among neighbours, nearest first; of equal ones that of the nearest."""
    votes = (nearest[:, :, None] == nearest[:, None, :]).sum(2)
    return nearest[np.arange(len(nearest)), votes.argmax(1)]


def neighbours(name: str, draw: int) -> Iterator[tuple[str, float, int]]:
    """Accuracy of nearest neighbours for every route, metric and k."""
    texts, labels, judged, truth = validation(name, 800, 150, draw)
    most = max(200, int(np.searchsorted(np.cumsum([len(text) for text in texts]), _KNN_BYTES)))
    texts, labels = texts[:most], labels[:most]
    names, codes = np.unique(labels, return_inverse=True)
    for compressor, joint, order in _ROUTES:
        lxy = ncd.joint_lengths(judged, texts, compressor=compressor, joint=joint, order=order)
        lx = ncd.lengths(judged, compressor=compressor)[:, None]
        ly = ncd.lengths(texts, compressor=compressor)[None, :]
        for metric, (function, _) in METRICS.items():
            distances = function(lx, ly, lxy)
            for k in _NEIGHBORS:
                right = names[vote(distances, codes, k)] == truth
                yield f"{compressor} {joint} {order}, {metric}, k={k}", float(right.mean()), len(judged)


def report(results: Results, show: int) -> None:
    """The settings, best first."""
    settings: dict[tuple[str, str], dict[str, list[float]]] = {}
    for row in results.rows:
        settings.setdefault((row["model"], row["setting"]), {}).setdefault(row["set"], []).append(row["accuracy"])
    text = ""
    for model in ("CodeLengthClassifier", "NCDClassifier"):
        means = {
            setting: float(np.mean([np.mean(values) for values in sets.values()]))
            for (kind, setting), sets in settings.items()
            if kind == model
        }
        best = sorted(means, key=lambda setting: -means[setting])[:show]
        rows = [[setting, f"{means[setting]:.4f}"] for setting in best]
        headers = [f"{model} (best {len(rows)} of {len(means)})", "mean accuracy"]
        print_table("validation inside the training parts", headers, rows)
        text += markdown_table(headers, rows) + "\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.defaults"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.defaults", description=__doc__)
    parser.add_argument("--sets", nargs="+", help="sets (default: all)")
    parser.add_argument("--draws", type=int, default=2, help="random halves of a training part (default 2)")
    parser.add_argument("--show", type=int, default=12, help="settings in the table (default 12)")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("defaults", ("model", "set", "draw", "setting"), options.output)
    warnings.simplefilter("ignore", ncd.WindowWarning)
    for name in options.sets or set_names():
        for draw in range(options.draws):
            for model, measure in (("CodeLengthClassifier", class_models), ("NCDClassifier", neighbours)):
                rows = [
                    {"model": model, "set": name, "draw": draw, "setting": setting, "accuracy": round(value, 4), "n": n}
                    for setting, value, n in measure(name, draw)
                ]
                results.extend(rows, draws=options.draws)
        print(f"{name}: done", flush=True)
    report(results, options.show)


if __name__ == "__main__":
    main()
