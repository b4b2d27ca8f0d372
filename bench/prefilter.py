"""
Nearest neighbours among candidates against all: neighbours kept, accuracy, time. Test parts are not read.

Run ``python -m bench.prefilter --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import ncd
from bench.common import (
    Results,
    Row,
    interleaved,
    load_set,
    markdown_table,
    median,
    print_table,
    provenance,
    set_names,
    wilson,
    write_text,
)
from bench.defaults import majority
from ncd.distances.lengths import get_metric
from ncd.engines import exact
from ncd.pairs import Distances, Pairs
from ncd.prefilter import Prefilter, smallest

#: NCDClassifier's defaults, and the published method.
ROUTES: dict[str, dict[str, Any]] = {
    "deflate primed, cosine": {"compressor": "deflate", "metric": "cosine", "order": "yx", "joint": "primed"},
    "gzip, ncd": {"compressor": "gzip", "metric": "ncd", "order": "xy", "joint": "concat"},
}
PARTS = ("candidates", "large", "rankings")
CANDIDATES = (5, 10, 30, 100, 300, 1000)
_USUAL = 100
_NEIGHBORS = 5
_JUDGED, _LEARNT = 600, 4000
LARGE = ("ag_news_part", "langid_lingua")  # also with ten times as many texts, since what is saved grows with them
_MANY = 40_000
_BYTES = 2_000_000_000  # of Y that are compressed once for every text of X


class Ranking(NamedTuple):
    """A way to choose candidates: by overlap, by overlap over the root of y's own, or by estimated distance."""

    by: str
    weights: str = "sqrt idf"
    size: int | None = None  # of shingles; None: by the rule

    def __str__(self) -> str:
        size = "" if self.size is None else f", shingles of {self.size} bytes"
        return f"{self.by}, weights {self.weights}{size}"


RANKINGS = (
    *(Ranking(by, weights) for by in ("overlap", "overlap / sqrt", "estimate") for weights in ("1", "sqrt idf", "idf")),
    *(Ranking("estimate", size=size) for size in (3, 4, 5, 6)),
)


class Parts(NamedTuple):
    """Two parts of a training part: texts to be found, and texts whose neighbours are wanted."""

    texts: list[str]
    labels: NDArray[np.str_]
    judged: list[str]
    truth: NDArray[np.str_]

    @classmethod
    def of(cls, name: str, most: int = _LEARNT) -> Parts:
        """At most 4,000 and 600 texts of the shuffled ones; fewer to be judged in small sets and of long texts."""
        split = load_set(name)
        texts, labels = split.train, np.asarray(split.train_labels)
        n = min(_JUDGED, len(texts) // 4)
        size = sum(len(text.encode()) for text in texts[n : n + most])
        end, judged = n + most, min(n, _BYTES // size)
        return cls(texts[n:end], labels[n:end], texts[:judged], labels[:judged])


def kept(every: NDArray[np.int64], found: NDArray[np.int64], k: int) -> float:
    """Share of the k exact neighbours that are among those found."""
    return round(float((every[:, :k, None] == found[:, None, :]).any(2).mean()), 4)


def by_candidates(name: str, route: str, repeats: int, part: str = "candidates") -> Iterator[Row]:
    """One row for each number of candidates, all searches in turn; part "large": for one number, among more texts."""
    parts = Parts.of(name, _MANY if part == "large" else _LEARNT)
    counts = [count for count in CANDIDATES if count < len(parts.texts) and (part != "large" or count == _USUAL)]

    def search(**options: Any) -> Callable[[], ncd.Neighbors]:
        return lambda: ncd.neighbors(parts.judged, parts.texts, _NEIGHBORS, **ROUTES[route], **options)

    searches = {0: search()} | {count: search(prefilter="shingles", candidates=count) for count in counts}
    seconds, results = interleaved({str(count): function for count, function in searches.items()}, repeats)
    every, whole = results["0"], seconds["0"]
    right = majority(parts.labels[every.indices]) == parts.truth
    for count in counts:
        found, spent = results[str(count)], seconds[str(count)]
        also = majority(parts.labels[found.indices]) == parts.truth
        yield {
            "part": part,
            "set": name,
            "route": route,
            "what": str(count),
            "n_x": len(parts.judged),
            "n_y": len(parts.texts),
            "kept_1": kept(every.indices, found.indices[:, :1], 1),
            "kept_5": kept(every.indices, found.indices, _NEIGHBORS),
            "as_near_5": round(float((found.distances <= every.distances[:, -1:]).mean()), 4),
            "right_exact": int(right.sum()),
            "right": int(also.sum()),
            "won": int((also & ~right).sum()),
            "lost": int((right & ~also).sum()),
            "seconds_exact": round(median(whole), 3),
            "seconds": round(median(spent), 3),
            "times_faster": round(median([a / b for a, b in zip(whole, spent, strict=True)]), 1),
        }


def by_ranking(name: str, route: str) -> Iterator[Row]:
    """Neighbours kept among 100 candidates, for every way to choose them."""
    parts, options = Parts.of(name), ROUTES[route]
    pairs = Pairs.read(
        parts.judged, parts.texts, options["compressor"], b" ", options["order"], options["joint"], False, "host"
    )
    distances = Distances(pairs, get_metric(options["metric"]), None, False, False)
    distances.measure_alone(None, None)
    every = ncd.neighbors(parts.judged, parts.texts, _NEIGHBORS, **options).indices
    for ranking in RANKINGS:
        places = _candidates(distances, ranking)
        yield {
            "part": "rankings",
            "set": name,
            "route": route,
            "what": str(ranking),
            "kept_1": kept(every, places, 1),
            "kept_5": kept(every, places, _NEIGHBORS),
        }


def _candidates(distances: Distances, ranking: Ranking) -> NDArray[np.int64]:
    """Candidates by one of the rankings."""
    xs, ys = distances.packed
    if ranking.size is None:
        prefilter = Prefilter(distances, None)
    else:
        with mock.patch("ncd.prefilter.shingle_size", return_value=ranking.size):
            prefilter = Prefilter(distances, None)
    index = prefilter.index
    power = {"1": 0.0, "sqrt idf": 1.0, "idf": 2.0}[ranking.weights]
    index.weights[:] = np.where(index.weights > 0, index.weights**power, 0)
    if ranking.by == "estimate":
        prefilter.constant, prefilter.slope = prefilter._line(None)
        return prefilter.candidates(0, len(xs), _USUAL)
    scores = index.overlaps(xs, 0, len(xs)).astype(np.float64)
    if ranking.by == "overlap / sqrt":
        counts, buckets = index._of(ys, 0, len(ys))
        own = np.add.reduceat(index.weights[buckets], np.cumsum(counts) - counts)
        scores /= np.sqrt(own)
    return smallest(-scores, _USUAL)


# tables


def _rows(rows: Sequence[Row], *values: str) -> list[Row]:
    """Rows of one part, route and setting."""
    return [row for row in rows if (row["part"], row["route"], row["what"]) == values]


def _difference(row: Row) -> str:
    """Difference of two accuracies on the same texts, with its 95 % interval."""
    n, won, lost = row["n_x"], row["won"], row["lost"]
    spread = 1.96 * np.sqrt(max(won + lost - (won - lost) ** 2 / n, 0)) / n
    return f"{(won - lost) / n:+.3f} ± {spread:.3f}"


def _accuracy(right: int, n: int) -> str:
    low, high = wilson(right, n)
    return f"{right / n:.3f} ({low:.3f}–{high:.3f})".replace("0.", ".")


def sets_table(rows: Sequence[Row], route: str) -> tuple[list[str], list[list[str]]]:
    """One line a set, with 100 candidates."""
    headers = ["set", "X x Y", "pairs", "kept, k=1", "kept, k=5", "accuracy, all", "candidates only", "difference"]
    lines = [
        [
            row["set"],
            f"{row['n_x']:,} x {row['n_y']:,}",
            f"{_USUAL / row['n_y']:.1%}",
            f"{row['kept_1']:.3f}",
            f"{row['kept_5']:.3f}",
            _accuracy(row["right_exact"], row["n_x"]),
            _accuracy(row["right"], row["n_x"]),
            _difference(row),
            f"{row['seconds_exact']:.2f}",
            f"{row['seconds']:.2f}",
            f"{row['times_faster']:.1f}",
        ]
        for part in ("candidates", "large")
        for row in _rows(rows, part, route, str(_USUAL))
    ]
    return [*headers, "all, s", "candidates, s", "times faster"], lines


def counts_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """One line a number of candidates: means over the sets that have all numbers of candidates."""
    headers = ["distance", "candidates", "sets", "kept, k=1", "kept, k=5", "least, k=5", "accuracy, all"]
    lines = []
    for route in ROUTES:
        for count in CANDIDATES:
            some = [
                row for row in rows if (row["part"], row["route"], row["what"]) == ("candidates", route, str(count))
            ]
            if some:
                mean = {key: np.mean([row[key] for row in some]) for key in ("kept_1", "kept_5", "times_faster")}
                before = np.mean([row["right_exact"] / row["n_x"] for row in some])
                after = np.mean([row["right"] / row["n_x"] for row in some])
                lines.append(
                    [
                        route,
                        f"{count:,}",
                        str(len(some)),
                        f"{mean['kept_1']:.3f}",
                        f"{mean['kept_5']:.3f}",
                        f"{min(row['kept_5'] for row in some):.3f}",
                        f"{before:.3f}",
                        f"{after:.3f}",
                        f"{mean['times_faster']:.1f}",
                    ]
                )
    return [*headers, "candidates only", "times faster (mean)"], lines


def rankings_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """One line a ranking: means over the sets."""
    lines = []
    for ranking in map(str, RANKINGS):
        cells = [ranking]
        for route in ROUTES:
            some = _rows(rows, "rankings", route, ranking)
            cells += [f"{np.mean([row[key] for row in some]):.3f}" if some else "" for key in ("kept_1", "kept_5")]
        lines.append(cells)
    return ["candidates by", *(f"{route}, k={k}" for route in ROUTES for k in (1, _NEIGHBORS))], lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    route = next(iter(ROUTES))
    tables = {
        f"{_USUAL} candidates, {route}": sets_table(results.rows, route),
        "by number of candidates, means over the sets": counts_table(results.rows),
        f"share of the exact neighbours among {_USUAL} candidates, means over the sets": rankings_table(results.rows),
    }
    text = ""
    for title, (headers, lines) in tables.items():
        print_table(title, headers, lines)
        text += f"**{title[0].upper()}{title[1:]}**\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.prefilter"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.prefilter", description=__doc__)
    parser.add_argument("--sets", nargs="+", help="sets (default: all)")
    parser.add_argument("--repeats", type=int, default=3, help="of every search (default 3)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("prefilter", ("part", "set", "route", "what"), options.output, ("numba",))
    warnings.simplefilter("ignore", ncd.WindowWarning)
    if not options.table:
        exact.compiled()  # now, and not while a search is timed
        ncd.neighbors(["warm up"] * 200, prefilter="shingles")
        for name in options.sets or set_names():
            for route in ROUTES:
                if "candidates" in options.parts:
                    results.extend(list(by_candidates(name, route, options.repeats)), repeats=options.repeats)
                if "large" in options.parts and name in LARGE:
                    results.extend(list(by_candidates(name, route, options.repeats, "large")), repeats=options.repeats)
                if "rankings" in options.parts:
                    results.extend(list(by_ranking(name, route)), repeats=options.repeats)
            print(f"{name}: done", flush=True)
    report(results)


if __name__ == "__main__":
    main()
