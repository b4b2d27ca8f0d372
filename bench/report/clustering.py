"""
Figures 6.2-6.5: clustering error against the length of the sequences, 2 and 3 Bernoulli processes and Gaussians.

Every run draws sequences of each process in random order, and clusters them. Run ``python -m bench.report.clustering
--help`` from the project's root.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import ROOT, Results, Row, markdown_table, print_table, wilson, write_text
from bench.report.figures import add_folders, parsed, picture, results_of
from ncd.cluster import OfflineClustering, OnlineClustering, clustering_error, threshold_clusters
from ncd.cluster.sources import source_of
from ncd.distances.samples import sample_distances

LENGTHS = (50, 100, 200, 500, 1000, 1500, 2000, 2500, 3000)
RUNS, EACH = 100, 5
SHOWN = (50, 100, 200, 500, 1000, 3000)
BERNOULLI = (0.3, 0.6, 0.9)
STEP = 0.5  # between the means of neighbouring Gaussians of standard deviation 1
WIDE, WIDE_STEP = 10, 1.0  # the same with vectors, the means along one direction
KEY = ("method", "n")

Samples = list[NDArray[Any]]
Draw = Callable[[np.random.Generator, NDArray[np.int64], int], Samples]
Answers = dict[str, tuple[NDArray[np.int64], int]]  # by method: clusters, and how many were found


def bernoulli(rng: np.random.Generator, truth: NDArray[np.int64], n: int) -> Samples:
    """Independent zeros and ones."""
    return [(rng.random(n) < BERNOULLI[kind]).astype(np.uint8) for kind in truth]


def gaussian(rng: np.random.Generator, truth: NDArray[np.int64], n: int) -> Samples:
    """Independent normal numbers."""
    return [rng.normal(STEP * kind, 1.0, n) for kind in truth]


def wide(rng: np.random.Generator, truth: NDArray[np.int64], n: int) -> Samples:
    """Independent normal vectors."""
    direction = rng.normal(size=WIDE)
    direction *= WIDE_STEP / np.linalg.norm(direction)
    return [rng.normal(size=(n, WIDE)) + kind * direction for kind in truth]


def by_distributional(X: Samples, kinds: int) -> Answers:
    """The algorithms of the papers with the library's defaults; the matrix is computed once for all of them."""
    source = source_of(X, "distributional", None, None, 1, False)
    matrix, threshold = source.matrix(), float(source.halves().max())
    unknown = threshold_clusters(matrix, threshold)
    return {
        "offline": (OfflineClustering(kinds, metric="precomputed").fit_predict(matrix), kinds),
        "online": (OnlineClustering(kinds, metric="precomputed").fit_predict(matrix), kinds),
        "number unknown": (unknown, int(unknown.max()) + 1),
    }


def by_pychest(X: Samples, kinds: int) -> Answers:
    """The offline algorithm with the cells and weights of PyChest, which depend on scale and shift."""
    matrix = sample_distances(X, "distributional", cells="raw", weights="pychest", n_jobs=1)
    return {"offline, as PyChest": (OfflineClustering(kinds, metric="precomputed").fit_predict(matrix), kinds)}


def by_gzip(X: Samples, kinds: int) -> Answers:
    """The offline algorithm with NCD of the symbols as text."""
    texts = [(x + ord("0")).astype(np.uint8).tobytes() for x in X]
    return {
        "offline, NCD by gzip": (
            OfflineClustering(kinds, metric="ncd", n_jobs=1, progress=False).fit_predict(texts),
            kinds,
        )
    }


def by_vectors(X: Samples, kinds: int) -> Answers:
    """Vectors as they are, and their first two principal components."""
    both = np.concatenate(X)
    axes = np.linalg.svd(both - both.mean(axis=0), full_matrices=False)[2][:2]
    reduced = [x @ axes.T for x in X]
    return {
        f"{WIDE} dimensions": (OfflineClustering(kinds, n_jobs=1).fit_predict(X), kinds),
        f"{WIDE} dimensions, PCA to 2": (OfflineClustering(kinds, n_jobs=1).fit_predict(reduced), kinds),
    }


#: Figure: title, processes, how they are drawn and with what they are clustered.
FIGURES: dict[str, tuple[str, int, list[tuple[Draw, list[Callable[[Samples, int], Answers]]]]]] = {
    "6.2": ("2 Bernoulli processes, p = .3, .6", 2, [(bernoulli, [by_distributional, by_pychest, by_gzip])]),
    "6.3": ("3 Bernoulli processes, p = .3, .6, .9", 3, [(bernoulli, [by_distributional, by_pychest, by_gzip])]),
    "6.4": ("2 Gaussians, means 0, .5", 2, [(gaussian, [by_distributional, by_pychest]), (wide, [by_vectors])]),
    "6.5": ("3 Gaussians, means 0, .5, 1", 3, [(gaussian, [by_distributional, by_pychest]), (wide, [by_vectors])]),
}


def measured(figure: str, n: int, runs: int) -> Iterator[Row]:
    """The methods of one figure on sequences of one length."""
    _, kinds, parts = FIGURES[figure]
    for draw, methods in parts:
        errors: dict[str, list[float]] = {}
        numbers: dict[str, list[int]] = {}
        for run in range(runs):
            rng = np.random.default_rng([run, n, kinds])
            truth = rng.permutation(np.repeat(np.arange(kinds), EACH))
            X = draw(rng, truth, n)
            for method in methods:
                for name, (labels, number) in method(X, kinds).items():
                    errors.setdefault(name, []).append(clustering_error(truth, labels))
                    numbers.setdefault(name, []).append(number)
        for name, values in errors.items():
            wrong = sum(value > 0 for value in values)
            yield {
                "method": name,
                "n": n,
                "n_runs": runs,
                "sequences_per_process": EACH,
                "error": float(np.mean(values)),
                "error_95": float(1.96 * np.std(values, ddof=1) / runs**0.5) if runs > 1 else None,
                "runs_with_error": wrong,
                "runs_with_error_95": wilson(wrong, runs),
                "runs_with_right_number": sum(number == kinds for number in numbers[name]),
            }


def name_of(figure: str) -> str:
    """The name of its files."""
    return f"fig_{figure.replace('.', '_')}"


def draw_figure(results: Results, figure: str) -> None:
    """The picture beside the file."""
    title = f"{figure}  {FIGURES[figure][0]}"
    names = list(dict.fromkeys(row["method"] for row in results.rows))
    with picture(name_of(figure), results.path.parent, (6.4, 3.8)) as ax:
        _draw(ax, results, names)
        ax.set_title(title, fontsize=10)


def _draw(ax: Any, results: Results, names: list[str]) -> None:
    """A line a method, the first one on top."""
    for i, name in enumerate(names):
        rows = sorted((row for row in results.rows if row["method"] == name), key=lambda row: row["n"])
        x, y = [row["n"] for row in rows], np.array([row["error"] for row in rows])
        half = np.array([row["error_95"] or 0 for row in rows])
        (line,) = ax.plot(x, y, marker="osD^vP"[i], markersize=4, linewidth=1.2, label=name, zorder=9 - i)
        ax.fill_between(x, np.maximum(y - half, 0), y + half, color=line.get_color(), alpha=0.15, linewidth=0)
    ax.set_xscale("log")
    ticks = [n for n in LENGTHS if n not in (1500, 2500)]
    ax.set_xticks(ticks, [f"{n:,}" for n in ticks])
    ax.set_xticks([], minor=True)
    ax.set_ylim(-0.01, None)
    ax.set_xlabel("elements of each sequence")
    ax.set_ylabel("clustering error")
    ax.legend(fontsize=8, frameon=False)


def table(folder: Path | None) -> list[list[str]]:
    """Errors in % of all figures that are there, a row a method."""
    cells = []
    for figure, (title, *_) in FIGURES.items():
        rows = results_of(name_of(figure), KEY, folder).rows
        for method in dict.fromkeys(row["method"] for row in rows):
            own = {row["n"]: row for row in rows if row["method"] == method}
            cells.append([title, method, *(_percent(own.get(n)) for n in SHOWN)])
    return cells


def _percent(row: Row | None) -> str:
    """An error with half of its 95 % interval; without one where no run had an error."""
    if row is None:
        return "-"
    return f"{100 * row['error']:.1f} ± {100 * row['error_95']:.1f}" if row["error"] else "0"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--figure", nargs="*", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--lengths", nargs="*", type=int, default=list(LENGTHS))
    parser.add_argument("--runs", type=int, default=RUNS)
    add_folders(parser)
    parser.add_argument("--table", action="store_true", help="draw and print again, measure nothing")
    options = parsed(parser, arguments)
    for figure in options.figure:
        results = results_of(name_of(figure), KEY, options.output)
        for n in () if options.table else options.lengths:
            results.extend(list(measured(figure, n, options.runs)), runs=options.runs)
        draw_figure(results, figure)
        rows = [
            [row["method"], f"{row['n']:,}", f"{row['error']:.4f}", f"{row['runs_with_error']} of {row['n_runs']}"]
            for row in sorted(results.rows, key=lambda row: (row["method"], row["n"]))
        ]
        print_table(FIGURES[figure][0], ["method", "n", "error", "runs with an error"], rows)
    if not options.output:
        text = markdown_table(("processes", "method", *(f"n = {n:,}" for n in SHOWN)), table(options.output))
        text += "\nMeasured by `python -m bench.report.clustering`. All figures: `bench/results/report/fig_6_*.json`.\n"
        write_text(ROOT / "docs" / "_tables" / "report_clustering.md", text)


if __name__ == "__main__":
    main()
