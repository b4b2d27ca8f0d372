"""
Compression, words and embeddings beside each other: one table a task, from what the other benchmarks have measured.

Run ``python -m bench.field`` from the project's root; it measures nothing itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import ROOT, Row, markdown_table, print_table, write_text
from bench.paired import mean_interval

_HEADS = ("compression", "TF-IDF", "word2vec", "model2vec", "MiniLM")
_SETS = {
    "ag_news_part": "AG News",
    "R8": "R8",
    "20news": "20 Newsgroups",
    "ohsumed": "Ohsumed",
    "banking77": "banking77",
    "sms_spam": "SMS spam",
    "MR": "MR (mood)",
    "movie_reviews": "movie reviews (mood)",
    "masakhanews_ibo": "Igbo news",
    "masakhanews_som": "Somali news",
    "masakhanews_yor": "Yoruba news",
    "langid_lingua": "79 languages",
}
_GROUPS = {
    "English subjects (AG News, R8, Ohsumed)": ("ag_news_part", "R8", "ohsumed"),
    "English mood (MR, movie reviews)": ("MR", "movie_reviews"),
    "Igbo, Somali, Yoruba news": ("masakhanews_ibo", "masakhanews_som", "masakhanews_yor"),
}
_CLASSIFIERS = ("bits-saved", "svm-words", "word2vec", "model2vec", "minilm")
_FEW = ("bits-saved", "svm-words", "", "model2vec", "minilm")
_COUNTS = (5, 10, 50, 100)
_SIMILAR = ("NCD wb:5", "TF-IDF, characters", "word2vec, trained here", "model2vec of MiniLM", "MiniLM")
_SEGMENTS = ("words", "TF-IDF", "word2vec, trained here", "model2vec of MiniLM", "MiniLM")
_CLUSTERS = ("ppm:4", "tfidf", "word2vec", "model2vec:minilm", "minilm")

Cells = Sequence[tuple[float, str] | None]


def rows_of(name: str, folder: Path) -> list[Row]:
    """Rows of a benchmark's JSON."""
    stored: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return stored["rows"]


def line(head: str, cells: Cells, *, least: bool = False) -> list[str]:
    """A line of a table, its best figure in bold."""
    values = [cell[0] for cell in cells if cell is not None]
    best = (min if least else max)(values, default=None)
    shown = ["" if cell is None else f"**{cell[1]}**" if cell[0] == best else cell[1] for cell in cells]
    return [head, *shown]


def _share(value: float, low: float, high: float) -> tuple[float, str]:
    """A share in percent with its interval."""
    return value, f"{100 * value:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def classification(rows: Sequence[Row]) -> list[list[str]]:
    """Accuracy with all labels."""
    found = {(row["set"], row["method"]): row for row in rows}
    lines = []
    for name, head in _SETS.items():
        cells = [found.get((name, method)) for method in _CLASSIFIERS]
        n = next(row["n_test"] for row in cells if row is not None)
        shown = [None if row is None else _share(row["accuracy"], row["low"], row["high"]) for row in cells]
        lines.append(line(f"{head}, {n:,}", shown))
    return lines


def few_labels(rows: Sequence[Row]) -> list[list[str]]:
    """Mean accuracy with few labels; the interval is over draws."""
    found = {(row["set"], row["method"], row["per_class"]): row["accuracy"] for row in rows}
    lines = []
    for head, sets in _GROUPS.items():
        for count in _COUNTS:
            cells: list[tuple[float, str] | None] = []
            for method in _FEW:
                draws = [found.get((name, method, count)) for name in sets]
                if any(one is None for one in draws):
                    cells.append(None)
                    continue
                mean, half = mean_interval((100 * np.mean(np.array(draws), axis=0)).tolist())
                cells.append((mean, f"{mean:.1f} ± {half:.1f}"))
            lines.append(line(f"{head}, {count} a class", cells))
    return lines


def similarity(rows: Sequence[Row]) -> list[list[str]]:
    """Spearman's correlation with human scores."""
    lines = []
    for part in ("test", "dev"):
        found: Mapping[str, Row] = {row["method"]: row for row in rows if row["part"] == part}
        cells = [
            (row["spearman"], f"{row['spearman']:.3f} ({row['low']:.2f}-{row['high']:.2f})")
            for row in map(found.__getitem__, _SIMILAR)
        ]
        lines.append(line(f"STS benchmark, {part}, {found['MiniLM']['n']:,} pairs", cells))
    return lines


def segmentation(rows: Sequence[Row]) -> list[list[str]]:
    """Pk in words, number of segments known and not."""
    found = {(row["set"], row["known"], row["method"]): row for row in rows}
    lines = []
    for known in (True, False):
        for name in dict.fromkeys(row["set"] for row in rows):
            cells = [found.get((name, known, method)) for method in _SEGMENTS]
            n = next(row["n"] for row in cells if row is not None)
            shown = [
                None if row is None else (row["pk_words"], f"{row['pk_words']:.1f} ± {row['pk_words_half']:.1f}")
                for row in cells
            ]
            number = "known" if known else "not known"
            lines.append(line(f"{name}, {n} texts, number {number}", shown, least=True))
    return lines


def clusters(rows: Sequence[Row]) -> list[list[str]]:
    """Clustering error by Ward's linkage."""
    found = {(row["collection"], row["method"]): row["error"] for row in rows if row["clustering"] == "Ward"}
    lines = []
    for name in dict.fromkeys(row["collection"] for row in rows):
        cells = [found.get((name, method)) for method in _CLUSTERS]
        shown = [None if one is None else _share(one["value"], one["low"], one["high"]) for one in cells]
        lines.append(line(name, shown, least=True))
    return lines


def main() -> None:
    """Print the tables and write them for the docs."""
    parser = argparse.ArgumentParser(prog="python -m bench.field", description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="folder of the JSON files")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "_tables" / "field.md", help="of the tables")
    arguments = parser.parse_args()
    tables = (
        ("Accuracy in percent with all labels (95 %)", "set, test texts", classification, "classification"),
        ("Accuracy in percent with few labels, mean of the sets", "sets, labels", few_labels, "few_labels"),
        ("Similarity: Spearman's correlation with human scores (95 %)", "pairs", similarity, "similarity"),
        ("Segmentation: Pk in percent, less is better", "texts", segmentation, "field_segmentation"),
        ("Clustering: error in percent, less is better (95 %, 20 draws)", "collection", clusters, "clustering"),
    )
    text = ""
    for title, first, make, name in tables:
        lines = make(rows_of(name, arguments.results))
        print_table(title, [first, *_HEADS], lines)
        text += f"{title}:\n\n{markdown_table([first, *_HEADS], lines)}\n"
    sources = ", ".join(f"`{name}.json`" for *_, name in tables)
    write_text(arguments.output, f"{text}Put together by `python -m bench.field` from {sources} in `bench/results/`.\n")


if __name__ == "__main__":
    main()
