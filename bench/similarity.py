"""
Similarity of sentences: the STS benchmark, 1,379 pairs with human scores, by compression, words and embeddings.

The figure is Spearman's rank correlation between a method's similarity and the human score, with a bootstrap interval,
and its difference to the best method on the same pairs. No method sees a score. Compression sees the two sentences
only. TF-IDF knows the sentences of the training part, and word2vec texts of the data folder (`bench.report.words`);
MiniLM was trained by its makers on a billion pairs of sentences, and model2vec is distilled from it.

Run ``python -m bench.similarity --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

import ncd
from bench.common import Results, Row, data_folder, markdown_table, print_table, provenance, write_text
from ncd.compare.intervals import holm, paired_spearman, spearman
from ncd.distances.lengths import ncd as distance

Scores = NDArray[np.float64]

COMPRESSORS = (
    "gzip:9", "zlib:9", "deflate:9", "bz2:9", "xz:6", "lzma:6", "zstd:3", "zstd:19", "brotli:11", "lz4:0", "ppmd:6",
)  # fmt: skip
MODELS = ("ppm:3", "ppm:5", "wb:5", "kn:5", "ngram:4", "ctw:8", "dirichlet:0.5")
EMBEDDERS = {
    "TF-IDF, words": "tfidf:300",
    "TF-IDF, characters": "tfidf:300,analyzer=chars",
    "word2vec, trained here": "word2vec",
    "model2vec of MiniLM": "model2vec:minilm",
    "MiniLM": "minilm",
}
_PARTS = ("test", "dev")


class Pairs(NamedTuple):
    """Pairs of sentences and what people say of them, from 0 to 5."""

    left: list[str]
    right: list[str]
    truth: Scores


def pairs(part: str) -> Pairs:
    """A part of the STS benchmark."""
    with gzip.open(data_folder("sts") / f"sts-{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return Pairs([r["text"][0] for r in rows], [r["text"][1] for r in rows], np.array([r["label"] for r in rows]))


# Methods: similarities of pairs, and the seconds that they take without what is learned or loaded before


def _timed(similar: Callable[[], Scores]) -> tuple[Scores, float]:
    begun = time.process_time()
    found = similar()
    return found, time.process_time() - begun


def by_compressor(given: Pairs, compressor: str) -> tuple[Scores, float]:
    """Minus the NCD, the mean of both orders."""
    lengths = partial(ncd.lengths, compressor=compressor, n_jobs=1, progress=False)
    lengths(given.left[:1])  # kernels are compiled, or read from disk

    def similar() -> Scores:
        lx, ly = lengths(given.left), lengths(given.right)
        both = [
            distance(lx, ly, lengths([f"{a} {b}" for a, b in zip(*sides, strict=True)]))
            for sides in ((given.left, given.right), (given.right, given.left))
        ]
        return -(both[0] + both[1]) / 2

    return _timed(similar)


def by_words(given: Pairs) -> tuple[Scores, float]:
    """Jaccard's share of common words: the floor."""
    from ncd.embed.tfidf import words_of

    def similar() -> Scores:
        sets = [[set(words_of(text)) for text in side] for side in (given.left, given.right)]
        return np.array([len(a & b) / max(len(a | b), 1) for a, b in zip(*sets, strict=True)])

    return _timed(similar)


def by_embedder(given: Pairs, spec: str) -> tuple[Scores, float]:
    """Cosine; what learns has learned from the sentences of the training part."""
    from ncd.embed.registry import get_embedder

    if spec == "word2vec":
        from bench.report.words import trained

        embedder = get_embedder(f"word2vec:{trained()}", empty="zero")
    else:
        embedder = get_embedder(spec)
    if not embedder.fitted:
        known = pairs("train")
        embedder.fit([*known.left, *known.right])
    embedder.encode(given.left[:2], progress=False)

    def similar() -> Scores:
        both = embedder.encode([*given.left, *given.right], progress=False).astype(np.float64)
        a, b = both[: len(given.left)], both[len(given.left) :]
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1)

    return _timed(similar)


METHODS: dict[str, tuple[str, Callable[[Pairs], tuple[Scores, float]]]] = {
    **{f"NCD {name}": ("compressor", partial(by_compressor, compressor=name)) for name in COMPRESSORS},
    **{f"NCD {name}": ("context model", partial(by_compressor, compressor=name)) for name in MODELS},
    "common words (Jaccard)": ("words", by_words),
    **{name: ("embedder", partial(by_embedder, spec=spec)) for name, spec in EMBEDDERS.items()},
}


def _packed(scores: Scores) -> str:
    """Twice the mean ranks of scores, as text: all that a rank correlation looks at."""
    ranks = np.rint(2 * rankdata(scores)).astype("<u2")
    return base64.b64encode(ranks.tobytes()).decode()


def _unpacked(text: str) -> Scores:
    """Ranks from `_packed`."""
    return np.frombuffer(base64.b64decode(text), "<u2") / 2


def measured(part: str, methods: Sequence[str]) -> list[Row]:
    """A row for each method."""
    given = pairs(part)
    rows = []
    for name in methods:
        kind, similar = METHODS[name]
        found, seconds = similar(given)
        value = spearman(found, given.truth)
        row: Row = {"part": part, "method": name, "kind": kind, "n": len(found), "spearman": round(value.value, 4)}
        row |= {"low": round(value.low, 4), "high": round(value.high, 4)}
        row["cpu_s_per_1000"] = round(1000 * seconds / len(found), 3)
        row["ranks"] = _packed(found)
        rows.append(row)
        print(part, name, value, flush=True)
    return rows


# Tables


def compared(rows: Sequence[Row], truth: Scores) -> list[dict[str, Any]]:
    """Rows from the best to the worst, each with its difference to the best, p-values adjusted for their number."""
    ordered = sorted(rows, key=lambda row: -row["spearman"])
    best, others = ordered[0], ordered[1:]
    found = [paired_spearman(_unpacked(row["ranks"]), _unpacked(best["ranks"]), truth) for row in others]
    adjusted = holm([one.p_value for one in found])
    result: list[dict[str, Any]] = [{**best, "difference": None, "p": None}]
    for row, one, p in zip(others, found, adjusted, strict=True):
        result.append({**row, "difference": one, "p": float(p)})
    return result


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    text = ""
    headers = ["method", "kind", "Spearman", "95 %", "less than the best", "p (Holm)", "CPU s per 1,000 pairs"]
    for part in _PARTS:
        rows = [row for row in results.rows if row["part"] == part]
        if len(rows) < 2:
            continue
        lines = [
            [
                row["method"],
                row["kind"],
                f"{row['spearman']:.3f}",
                f"{row['low']:.3f}-{row['high']:.3f}",
                "" if (d := row["difference"]) is None else f"{-d.value:.3f} ({-d.high:.3f}-{-d.low:.3f})",
                "" if row["p"] is None else "<0.05" if row["p"] < 0.05 else f"{row['p']:.2f}",
                f"{row['cpu_s_per_1000']:.2f}",
            ]
            for row in compared(rows, pairs(part).truth)
        ]
        title = f"STS benchmark, part {part}, {rows[0]['n']:,} pairs"
        print_table(title, headers, lines)
        text += f"**{title}**\n\n{markdown_table(headers, lines)}\n"
    text += "Intervals are 95 %, by 2,000 bootstrap draws of pairs, the same for all methods.\n\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.similarity"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.similarity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    packages = ("numba", "gensim", "sentence-transformers", "model2vec", "torch")
    results = Results("similarity", ("part", "method"), options.output, packages)
    for part in () if options.table else options.parts:
        for method in options.methods:
            results.extend(measured(part, [method]))
    report(results)


if __name__ == "__main__":
    main()
