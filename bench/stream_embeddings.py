"""
Streams of embedded texts: false alarms and delays of `StreamDetector(embedder="minilm")`, and of other ways to do it.

Units are the first 250 bytes of documents of four collections (1,000 each, the first ones of the shuffled training
parts), drawn at random: without a change they are exchangeable. The reference has 100 units. False alarms are streams
of one collection with an alarm within 300 units at ``arl=1000``, where the bound allows 30 %. A change is to another
collection, or from one label of a collection to another; it is found if there is an alarm within 8 units.

Streams of units that repeat, as lines of a log do, are drawn independently from a few vectors, or from six lines under
TF-IDF that has learned them; the reference has 100 or 300 units.

Other ways are a Gaussian code (`VectorSignals`) of the vectors themselves, of their principal components, learned from
the reference, and of random projections.

Run ``python -m bench.stream_embeddings --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import ncd
from bench.common import Results, Row, load_set, markdown_table, print_table, provenance, wilson, write_text
from ncd.embed import Cached, Embedder, Tfidf, get_embedder
from ncd.streams.base import TextUnits
from ncd.streams.edetector import EDetector
from ncd.streams.embedding_signals import EmbeddingSignals
from ncd.streams.vector_signals import VectorSignals

Vectors = NDArray[np.float64]

COLLECTIONS = ("ag_news_part", "20news", "R8", "ohsumed")
DOCUMENTS, BYTES, LEAST = 1000, 250, 150
REFERENCE, CALM, AFTER, SOON, ARL = 100, 300, 60, 8, 1000


class Collection(NamedTuple):
    """Beginnings of documents, and their labels."""

    texts: list[str]
    labels: NDArray[np.str_]


class Stream(NamedTuple):
    """Texts; the first 100 are the reference."""

    kind: str
    texts: list[str]


@cache
def collection(name: str) -> Collection:
    """A collection's units."""
    split = load_set(name)
    found: dict[str, str] = {}
    for text, label in zip(split.train, split.train_labels, strict=True):
        short = " ".join(text.split()).encode()[:BYTES].decode("utf-8", "ignore").strip()
        if len(short) > LEAST and len(found) < DOCUMENTS:
            found[short] = label
    return Collection(list(found), np.array(list(found.values())))


@cache
def vectors() -> dict[str, Vectors]:
    """MiniLM's vectors of all units."""
    texts = [text for name in COLLECTIONS for text in collection(name).texts]
    return dict(zip(texts, Cached(get_embedder("minilm")).encode(texts).astype(np.float64), strict=True))


class _Known(Embedder):
    """The same vectors, looked up."""

    name, dim = "minilm, looked up", 384

    def _encode(self, texts: object, progress: bool | None) -> Vectors:
        return np.array([vectors()[text] for text in texts])  # type: ignore[attr-defined]


def stream(kind: str, number: int) -> Stream | None:
    """A stream; None where no label of the collection has enough documents."""
    rng = np.random.default_rng([number, 7])
    one, other = (collection(COLLECTIONS[i]) for i in rng.choice(len(COLLECTIONS), 2, replace=False))
    order = rng.permutation(len(one.texts))
    if kind == "none":
        return Stream(kind, [one.texts[i] for i in order[: REFERENCE + CALM]])
    if kind == "collections":
        later = rng.permutation(len(other.texts))[:AFTER]
        return Stream(kind, [*(one.texts[i] for i in order[:REFERENCE]), *(other.texts[i] for i in later)])
    labels, counts = np.unique(one.labels, return_counts=True)
    if counts.max() < REFERENCE or len(labels) < 2:
        return None
    first = rng.choice(labels[counts >= REFERENCE])
    second = rng.choice(labels[labels != first])
    before = [i for i in order if one.labels[i] == first][:REFERENCE]
    after = [i for i in order if one.labels[i] == second][:AFTER]
    return Stream(kind, [one.texts[i] for i in (*before, *after)])


# Ways to watch: the unit of the alarm behind the reference, counted from 1, or None


def by_detector(texts: list[str], embedded: bool) -> int | None:
    """`ncd.StreamDetector`."""
    detector = ncd.StreamDetector(
        embedder=_Known() if embedded else None, reference=texts[:REFERENCE], unit="items", arl=ARL, relearn=False
    )
    for count, text in enumerate(texts[REFERENCE:], 1):
        detector.update(text)
        if detector.drift_detected:
            return count
    return None


def by_gaussian(texts: list[str], projection: Callable[[Vectors], Vectors] | None) -> int | None:
    """A Gaussian code of projected vectors."""
    rows = np.array([vectors()[text] for text in texts])
    if projection is not None:
        rows = rows @ projection(rows[:REFERENCE])
    signals = VectorSignals(order=0)
    known = signals.learn(np.ascontiguousarray(rows[:REFERENCE]))
    detector = EDetector(signals.weights, arl=ARL, bets=signals.bets)
    detector.calibrate(known)
    taken = detector.update(signals.measure(np.ascontiguousarray(rows[REFERENCE:])))
    return taken if detector.alarm else None


def _components(reference: Vectors, r: int) -> Vectors:
    return np.asarray(np.linalg.svd(reference - reference.mean(0), full_matrices=False)[2][:r].T)


def _random(reference: Vectors, r: int) -> Vectors:
    return np.random.default_rng(0).normal(size=(reference.shape[1], r))


METHODS: dict[str, Callable[[list[str]], int | None]] = {
    "ncd.StreamDetector, MiniLM": partial(by_detector, embedded=True),
    "ncd.StreamDetector, ngram": partial(by_detector, embedded=False),
    "Gaussian code, all 384 components": partial(by_gaussian, projection=None),
    **{
        f"Gaussian code, {r} principal components": partial(by_gaussian, projection=partial(_components, r=r))
        for r in (8, 16, 32)
    },
    **{
        f"Gaussian code, {r} random components": partial(by_gaussian, projection=partial(_random, r=r))
        for r in (16, 64)
    },
}


def measured(method: str, n: int) -> Row:
    """A method on n streams of each kind."""
    row: Row = {"method": method}
    for kind in ("none", "collections", "labels"):
        streams = [one for number in range(n) if (one := stream(kind, number)) is not None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ncd.DependenceWarning)
            found = [METHODS[method](one.texts) for one in streams]
        row[f"{kind}_n"] = len(found)
        if kind == "none":
            row["false"] = sum(alarm is not None for alarm in found)
        else:
            row[kind] = sum(alarm is not None and alarm <= SOON for alarm in found)
            row[f"{kind}_median"] = float(np.median([alarm or AFTER + 1 for alarm in found]))
    return row


def _few(weights: list[float], dimension: int) -> Callable[[np.random.Generator, int], Vectors]:
    """Independent draws from a few normal vectors."""
    own = np.random.default_rng(5).normal(size=(len(weights), dimension))
    return lambda rng, n: own[rng.choice(len(weights), n, p=weights)]


def _lines(rng: np.random.Generator, n: int) -> Vectors:
    """Independent draws from six lines of a log."""
    lines = ["GET /index.html 200", "GET /help.html 200", "user login ok", "disk cleanup finished"]
    lines += ["connection timeout error", "worker restarted"]
    return Tfidf(4).fit(lines).encode(lines)[rng.integers(len(lines), size=n)].astype(np.float64)


REPEATED: dict[str, Callable[[np.random.Generator, int], Vectors]] = {
    "3 vectors, 90/5/5 %": _few([0.9, 0.05, 0.05], 20),
    "2 vectors, 95/5 %": _few([0.95, 0.05], 20),
    "50 orthogonal vectors": lambda rng, n: np.eye(50)[rng.integers(50, size=n)],
    "6 lines, TF-IDF": _lines,
}


class _Rows(Embedder):
    """Text I has the I-th row."""

    name, dim = "rows", 1

    def __init__(self, rows: Vectors) -> None:
        self.rows, self.dim = rows, rows.shape[1]

    def _encode(self, texts: object, progress: bool | None) -> Vectors:
        return self.rows[[int(text) for text in texts]]  # type: ignore[attr-defined]


def repeated(name: str, reference: int, n: int) -> Row:
    """False alarms where units repeat."""
    false = 0
    for number in range(n):
        rows = REPEATED[name](np.random.default_rng([number, reference]), reference + CALM)
        signals = EmbeddingSignals(_Rows(rows), random_state=number)
        texts = TextUnits.of([str(i).encode() for i in range(len(rows))])
        detector = EDetector(signals.weights, arl=ARL, bets=signals.bets, random_state=number)
        detector.calibrate(signals.learn(texts[:reference]))
        detector.update(signals.measure(texts[reference:]))
        false += detector.alarm
    return {"method": f"EmbeddingSignals, {name}, reference of {reference}", "none_n": n, "false": false}


def _share(count: int, n: int) -> str:
    low, high = wilson(count, n)
    return f"{100 * count / n:.0f} % ({100 * low:.0f}-{100 * high:.0f})"


def report(results: Results) -> None:
    """A table on the terminal and for the documentation."""
    headers = ["way", f"false alarms in {CALM} units", f"collections: within {SOON}", "median delay"]
    headers += [f"labels: within {SOON}", "median delay", "streams"]
    lines = [
        [
            row["method"],
            _share(row["false"], row["none_n"]),
            *(
                cell
                for kind in ("collections", "labels")
                for cell in (
                    (_share(row[kind], row[f"{kind}_n"]), f"{row[f'{kind}_median']:g}") if kind in row else ("", "")
                )
            ),
            " / ".join(str(row[key]) for key in ("none_n", "collections_n", "labels_n") if key in row),
        ]
        for row in results.rows
    ]
    print_table("Streams of embedded texts", headers, lines)
    text = markdown_table(headers, lines) + "\n" + provenance(results, "python -m bench.stream_embeddings")
    write_text(results.table_path, text)


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.stream_embeddings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--streams", type=int, default=200, help="of each kind (default 200)")
    parser.add_argument("--repeated", action="store_true", help="measure streams of units that repeat, and no methods")
    parser.add_argument("--table", action="store_true", help="write the table again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    packages = ("numba", "sentence-transformers", "torch")
    results = Results("stream_embeddings", ("method",), options.output, packages)
    for name in REPEATED if options.repeated else ():
        for reference in (100, 300):
            results.add(row := repeated(name, reference, options.streams), streams=options.streams)
            print(row, flush=True)
    for method in () if options.table or options.repeated else options.methods:
        results.add(row := measured(method, options.streams), streams=options.streams)
        print(row, flush=True)
    report(results)


if __name__ == "__main__":
    main()
