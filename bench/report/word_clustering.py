"""
Figure 6.6: error of clustering words by their vectors, against the number of principal components.

Every run takes some groups of words (`bench.report.words`) in random order. Run ``python -m
bench.report.word_clustering --help`` from the project's root.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import Results, Row, print_table
from bench.report.figures import add_folders, panels, parsed, results_of
from bench.report.words import GROUPS, WordVectors, load
from ncd.cluster import OfflineClustering, clustering_error, linkage_clusters
from ncd.distances.vectors import cosine_distances

COMPONENTS = (1, 2, 3, 5, 10, 20, 50, 100, 150)
KINDS = (2, 3, len(GROUPS))
RUNS = 100

Vectors = NDArray[Any]


def _kmeans(vectors: Vectors, kinds: int) -> NDArray[np.int64]:
    """k-means of the directions."""
    from sklearn.cluster import KMeans

    if vectors.shape[1] == 1:  # two directions only
        return np.asarray(KMeans(kinds, n_init=10, random_state=0).fit_predict(vectors), np.int64)
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.asarray(KMeans(kinds, n_init=10, random_state=0).fit_predict(directions), np.int64)


METHODS: dict[str, Callable[[Vectors, int], NDArray[np.int64]]] = {
    "offline, cosine": lambda V, k: OfflineClustering(k, metric="cosine").fit_predict(V),
    "offline, Euclidean": lambda V, k: OfflineClustering(k, metric="euclidean").fit_predict(V),
    "average linkage, cosine": lambda V, k: linkage_clusters(cosine_distances(V, V), k),
    "k-means of directions": _kmeans,
}


def reduced(vectors: Vectors) -> dict[str, Vectors]:
    """The vectors in their first principal components (of all words of the lists), and as they are."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    parts = {str(m): centred @ axes[:m].T for m in COMPONENTS if m <= min(centred.shape)}
    return parts | {f"{vectors.shape[1]} as they are": vectors}


def measured(words: WordVectors, kinds: int, runs: int) -> list[Row]:
    """All methods and numbers of components on the same draws."""
    labels, spaces = np.array(words.labels), reduced(words.vectors)
    names = np.array(list(GROUPS))
    errors: dict[tuple[str, str], list[float]] = {}
    for run in range(runs):
        rng = np.random.default_rng([run, kinds])
        taken = rng.permutation(np.flatnonzero(np.isin(labels, rng.choice(names, kinds, replace=False))))
        for components, vectors in spaces.items():
            for method, cluster in METHODS.items():
                error = clustering_error(labels[taken], cluster(vectors[taken], kinds))
                errors.setdefault((method, components), []).append(error)
    return [
        {
            "groups": kinds,
            "method": method,
            "components": components,
            "n_runs": runs,
            "words": len(labels),
            "error": float(np.mean(values)),
            "error_95": float(1.96 * np.std(values, ddof=1) / runs**0.5),
            "vectors": words.source,
        }
        for (method, components), values in errors.items()
    ]


def draw_figure(results: Results) -> None:
    """The picture beside the file."""
    with panels("fig_6_6", 1, len(KINDS), results.path.parent, (9.6, 3.4)) as axes:
        _draw(axes, results)


def _draw(axes: Any, results: Results) -> None:
    """A panel for each number of groups, a line a method."""
    for ax, kinds in zip(axes, KINDS, strict=True):
        rows = [row for row in results.rows if row["groups"] == kinds]
        ticks = list(dict.fromkeys(row["components"] for row in rows))
        for method, marker in zip(METHODS, "osD^", strict=True):
            own = {row["components"]: row for row in rows if row["method"] == method}
            y, half = (np.array([own[tick][key] for tick in ticks]) for key in ("error", "error_95"))
            (line,) = ax.plot(range(len(ticks)), y, marker=marker, markersize=4, linewidth=1.2, label=method)
            ax.fill_between(range(len(ticks)), y - half, y + half, color=line.get_color(), alpha=0.15, linewidth=0)
        ax.set_xticks(range(len(ticks)), [tick.partition(" ")[0] for tick in ticks[:-1]] + ["all"], fontsize=8)
        ax.set_title(f"{kinds} groups of words", fontsize=10)
        ax.set_xlabel("principal components")
        ax.set_ylim(0, 1)
    axes[0].set_ylabel("clustering error")
    axes[0].legend(fontsize=8, frameon=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    add_folders(parser, vectors=True)
    parser.add_argument("--table", action="store_true", help="draw and print again, measure nothing")
    options = parsed(parser, arguments)
    results = results_of("fig_6_6", ("groups", "method", "components"), options.output, ("gensim",))
    if not options.table:
        words = load(options.vectors)
        for kinds in KINDS:
            results.extend(measured(words, kinds, options.runs), runs=options.runs)
    draw_figure(results)
    rows = [
        [row["method"], str(row["groups"]), row["components"], f"{row['error']:.3f} ± {row['error_95']:.3f}"]
        for row in results.rows
    ]
    print_table("clustering of words", ["method", "groups", "components", "error"], rows)


if __name__ == "__main__":
    main()
