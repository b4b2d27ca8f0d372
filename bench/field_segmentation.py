"""
Texts of many topics cut into segments by compression and by embeddings: Choi's documents and Wikipedia articles.

The costs of compression are the segmenter's own (`TextSegmenter`); embeddings are `EmbeddingCost` and, where the number
of segments is given, the plain kernel of cosines (`KernelCost.of_embeddings`), which is what users of ruptures take.
TF-IDF learns from the lines of the document alone; word2vec was trained on texts of the data folder with the articles
among them (`bench.report.words`), never on borders; MiniLM was trained by its makers, and model2vec is distilled from
it. Neither was tuned here: `EmbeddingCost` was made looking at 60 of Choi's documents (3-11, even numbers) and 25 of
the first 60 articles (even numbers); the table of documents with odd numbers has none of these.

Encodings are kept in `ncd`'s cache folder. Run ``python -m bench.field_segmentation --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import base64
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.common import Results, Row, markdown_table, print_table, provenance, write_text
from bench.segmentation import SETS, documents, scores
from ncd.changepoint import EmbeddingCost, KernelCost, SegmentCost, best_segmentation, split_units
from ncd.changepoint.segment import get_cost
from ncd.changepoint.units import Units
from ncd.compare.intervals import holm, mean_interval, paired_means
from ncd.embed.base import Embedder, learned
from ncd.embed.cache import Cached
from ncd.embed.registry import get_embedder
from ncd.embed.units import unit_texts, unit_vectors

EMBEDDERS = {
    "TF-IDF": "tfidf:100",
    "word2vec, trained here": "word2vec",
    "model2vec of MiniLM": "model2vec:minilm",
    "MiniLM": "minilm",
}
COMPRESSION = {"words": "words", "chars": "chars", "PPM-3 bytes": "ppm:3", "zlib": "zlib:9"}
FIELD = ("choi 3-11", "choi 3-5", "choi 6-8", "choi 9-11", "wiki300")
_MEASURES = ("pk_words", "wd_words", "pk_lines", "wd_lines", "f1", "number")


@cache
def _embedder(name: str) -> Embedder:
    """An embedder of the table; the encodings of one that has nothing to learn are kept on disk."""
    spec = EMBEDDERS[name]
    if spec == "word2vec":
        from bench.report.words import trained

        spec = f"word2vec:{trained()},empty=zero"
    made = get_embedder(spec)
    return Cached(made) if made.fitted else made


def _by_vectors(name: str, units: Units) -> SegmentCost:
    """Our cost of vectors."""
    return EmbeddingCost(_embedder(name)).fit(units)


def _by_kernel(name: str, units: Units) -> SegmentCost:
    """The kernel of cosines."""
    texts = unit_texts(units[:])
    return KernelCost.of_embeddings(unit_vectors(learned(_embedder(name), texts), units[:])).fit(units)


def _by_code(name: str, units: Units) -> SegmentCost:
    """A cost of code lengths."""
    return get_cost(COMPRESSION[name], units).fit(units)


#: Name of a method -> what gives the fitted cost of a text.
METHODS: dict[str, Callable[[Units], SegmentCost]] = {
    **{name: partial(_by_code, name) for name in COMPRESSION},
    **{name: partial(_by_vectors, name) for name in EMBEDDERS},
    **{f"{name}, kernel": partial(_by_kernel, name) for name in EMBEDDERS},
}
SAY_NOTHING = "say nothing"


def _packed(values: Sequence[float]) -> str:
    """Percentages, to two decimals, as text."""
    return base64.b64encode(np.rint(100 * np.array(values)).astype("<u2").tobytes()).decode()


def _unpacked(text: str) -> NDArray[np.float64]:
    """The inverse of `_packed`."""
    return np.frombuffer(base64.b64decode(text), "<u2") / 100


def _row(name: str, method: str, known: bool, found: Sequence[dict[str, float]], seconds: float) -> Row:
    """Means over documents with their intervals; Pk of each document for paired tests."""
    row: Row = {"set": name, "method": method, "known": known, "n": len(found)}
    row["cpu_ms"] = round(1000 * seconds / len(found), 1)
    for key in _MEASURES:
        mean = mean_interval([one[key] for one in found])
        row |= {key: round(mean.value, 2), f"{key}_half": round(mean.high - mean.value, 2)}
        row[f"{key}_odd"] = round(float(np.mean([one[key] for one in found[1::2]])), 2)
    return {**row, "documents": _packed([one["pk_words"] for one in found])}


def measured(name: str, method: str, most: int | None) -> list[Row]:
    """Rows of a method on a set: with the number of segments known, where it can, without it, too."""
    given = documents(name)[:most]
    if method == SAY_NOTHING:
        return [_row(name, method, True, [scores(one, [len(one.lines)]) for one in given], 0.0)]
    numbers = (True,) if method.endswith("kernel") else (True, False)
    found: dict[bool, list[dict[str, float]]] = {known: [] for known in numbers}
    seconds = dict.fromkeys(numbers, 0.0)
    for one in given:
        units = split_units("\n".join(one.lines), "lines")
        if method in EMBEDDERS:
            unit_vectors(learned(_embedder(method), unit_texts(units[:])), units[:])  # encodings are kept from here on
        begun = time.process_time()
        cost = METHODS[method](units)
        fitted = time.process_time() - begun
        for known in numbers:
            begun = time.process_time()
            bounds = best_segmentation(cost, len(one.ends) if known else None).bounds[1:]
            seconds[known] += fitted + time.process_time() - begun
            found[known].append(scores(one, bounds))
    return [_row(name, method, known, found[known], seconds[known]) for known in numbers]


# Tables


def _compared(rows: Sequence[Row]) -> list[list[str]]:
    """Lines from the best to the worst in Pk; the others against the best on the same documents."""
    ordered = sorted(rows, key=lambda row: row["pk_words"])
    best = _unpacked(ordered[0]["documents"])
    differences = [
        paired_means(mine[: len(best)], best[: len(mine)])
        for row in ordered[1:]
        for mine in [_unpacked(row["documents"])]
    ]
    adjusted = [None, *holm([one.p_value for one in differences])]
    lines = []
    for row, one, p in zip(ordered, [None, *differences], adjusted, strict=True):
        lines.append(
            [
                row["method"],
                str(row["n"]),
                *(f"{row[key]:.1f} ± {row[f'{key}_half']:.1f}" for key in ("pk_words", "wd_words", "pk_lines", "f1")),
                f"{row['pk_words_odd']:.1f}",
                f"{row['number'] / 100:.2f}",
                "" if one is None else f"+{one.value:.1f} ({one.low:.1f}-{one.high:.1f})",
                "" if p is None else "<0.05" if p < 0.05 else f"{p:.2f}",
                f"{row['cpu_ms']:.0f}",
            ]
        )
    return lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    headers = ["method", "n", "Pk, words", "WD, words", "Pk, lines", "F1", "Pk, odd documents", "found / true number"]
    headers += ["Pk more than the best", "p (Holm)", "CPU ms a text"]
    text = ""
    for known, said in ((True, "number of segments known"), (False, "number not known")):
        for name in FIELD:
            rows = [row for row in results.rows if row["set"] == name and row["known"] is known]
            if len(rows) > 1:
                title, lines = f"{name}, {said}", _compared(rows)
                print_table(title, headers, lines)
                text += f"**{title}**\n\n{markdown_table(headers, lines)}\n"
    text += (
        "In percent; intervals are 95 %, of the mean over documents; k of Pk is half the mean segment, in words or "
        "lines; F1 is that of borders within 1/8 of the mean segment. CPU time is without encoding.\n\n"
    )
    write_text(results.table_path, text + provenance(results, "python -m bench.field_segmentation"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.field_segmentation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every = [SAY_NOTHING, *METHODS]
    parser.add_argument("--sets", nargs="+", choices=SETS, default=FIELD, help="default: Choi's and wiki300")
    parser.add_argument("--methods", nargs="+", choices=every, default=every, metavar="METHOD", help="default: all")
    parser.add_argument("--documents", type=int, help="of each set, the first ones (default: all)")
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    packages = ("numba", "gensim", "sentence-transformers", "model2vec", "torch")
    results = Results("field_segmentation", ("set", "method", "known"), options.output, packages)
    for name in () if options.table else options.sets:
        for method in options.methods:
            results.extend(rows := measured(name, method, options.documents), documents=options.documents)
            print(name, method, *(f"{row['pk_words']} ({row['number'] / 100:.2f})" for row in rows), flush=True)
    report(results)


if __name__ == "__main__":
    main()
