"""
One change of topic, found in the word vectors of a text.

A text's words become vectors (word2vec, trained on the texts of the data folder, which knows no labels and no changes;
or a file given by path), these their first principal components within the text, and an estimator of changepoints of
sequences with one change known puts it at a word. Texts are those of `bench.two_topics` from collections in English, of
1,800 characters, whose changes are between 1/4 and 3/4 of them. "distributional .5" is the list estimator with
min_distance=0.5, as the report has used it: it knows that the ends are far. Beside these: always the middle, and
`one_cut` (calibrated code lengths of the text itself). Methods and numbers of components are all reported, none is
chosen.

Run ``python -m bench.word_changes [--vectors FILE]`` from the project's root.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from bench.common import Results, Row, markdown_table, print_table, provenance, wilson, write_text
from bench.report.words import trained
from bench.two_topics import ENGLISH, Kind, Made, two_topic_texts
from ncd.changepoint import SequenceChangepoints, list_estimator, one_cut
from ncd.embed import get_embedder, reduce

KINDS: tuple[Kind, ...] = ("corpora", "topics")
METHODS = ("distributional", "distributional .5", "ngram", "ctw", "trend")
COMPONENTS = (1, 2, 5, 10)
NEAR = 0.1


def english_texts(kind: Kind, n: int) -> list[Made]:
    """The first n texts whose parts are both in English."""
    assert kind in get_args(Kind)
    made = two_topic_texts(kind, 3 * n)
    return [text for text in made if all(source.partition("/")[0] in ENGLISH for source in text.sources)][:n]


def word_vectors(text: str, model: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where the words that have a vector begin, and their vectors."""
    words = list(re.finditer(r"[a-z]+", text.lower()))
    vectors = model.encode([word.group() for word in words], progress=False)
    known = vectors.any(1)
    return np.array([word.start() for word in words])[known], vectors[known]


def one_change(components: NDArray[np.float32], method: str) -> int:
    """Where a method puts the one change."""
    if method == "distributional .5":
        return list_estimator(components, 0.5, method="distributional")[0].position
    return int(SequenceChangepoints(method, n_changepoints=1).fit(components).changepoints_[0])  # type: ignore[arg-type]


def measured(kind: Kind, n: int, model: Any) -> list[Row]:
    """A row for each route."""
    texts = english_texts(kind, n)
    found: dict[str, list[float]] = {"always the middle": [0.5] * len(texts), "one_cut": []}
    for text in texts:
        found["one_cut"].append(one_cut(text.text).character / len(text.text))
        starts, vectors = word_vectors(text.text, model)
        for count in COMPONENTS:
            components = reduce(vectors, count)
            for method in METHODS:
                cut = one_change(components, method)
                route = f"{method}, {count} component{'s' if count > 1 else ''}"
                found.setdefault(route, []).append(float(starts[cut]) / len(text.text))
    true = np.array([(text.cut or 0) / len(text.text) for text in texts])
    rows = []
    for route, answers in found.items():
        errors = np.abs(np.array(answers) - true)
        near = int((errors <= NEAR).sum())
        rows.append(
            {
                "kind": kind,
                "route": route,
                "n": len(texts),
                "near": near / len(texts),
                "interval": wilson(near, len(texts)),
                "error": float(errors.mean()),
            }
        )
    return rows


def report(results: Results) -> None:
    """Print the table, and write it into the docs."""
    found = {(row["kind"], row["route"]): row for row in results.rows}
    routes = list(dict.fromkeys(row["route"] for row in results.rows))
    order = ["always the middle", *(route for route in routes if "," in route), "one_cut"]
    order[1:-1] = sorted(order[1:-1], key=lambda route: METHODS.index(route.partition(",")[0]))
    cells = []
    for route in order:
        row = [f"`{route}`" if route == "one_cut" else route]
        for kind in KINDS:
            one = found[kind, route]
            low, high = (100 * bound for bound in one["interval"])
            row += [f"{100 * one['near']:.0f} % ({low:.0f}-{high:.0f})", f"{100 * one['error']:.0f} %"]
        cells.append(row)
    headers = ["method", *(f"{kind}: {what}" for kind in KINDS for what in ("within 10 %", "mean error"))]
    n = ", ".join(f"{found[kind, 'one_cut']['n']} {kind}" for kind in KINDS)
    print_table("One change of topic, from word vectors", headers, cells)
    note = f"\nTexts of 1,800 characters: {n}. 95 % intervals.\n\n"
    text = markdown_table(headers, cells) + note + provenance(results, "python -m bench.word_changes")
    write_text(results.table_path, text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100, help="of each kind (default: %(default)s)")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="word vectors in place of those trained here")
    parser.add_argument("--table", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--output", type=Path, help="folder for JSON and table")
    options = parser.parse_args(arguments)
    results = Results("word_changes", ("kind", "route"), options.output, packages=("gensim",))
    if not options.table:
        model = get_embedder(f"word2vec:{options.vectors or trained()}", empty="zero")
        for kind in KINDS:
            results.extend(measured(kind, options.texts, model), texts=options.texts, vectors=bool(options.vectors))
    report(results)


if __name__ == "__main__":
    main()
