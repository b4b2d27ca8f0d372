"""
Texts of many topics cut into segments: Choi's documents, Wikipedia articles, lectures; and a text of a million words.

Our cost of words was made looking at the documents with even numbers of each set (0, 2, 4 ... in order of their names),
but for the last choice among seven forms; the tables have all documents, and those with odd numbers apart.

Run ``python -m bench.segmentation --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.common import ROOT, Results, Row, data_folder, markdown_table, print_table, provenance, write_text
from bench.segmenters import NUMBER_GIVEN, PEERS, WITH_LISTS, Segmenter
from ncd.changepoint import TextSegmenter
from ncd.changepoint.metrics import boundary_f1, pk, window_diff

SETS = {
    "choi 3-11": "choi/[123]_3-11_*.txt",
    "choi 3-5": "choi/[123]_3-5_*.txt",
    "choi 6-8": "choi/[123]_6-8_*.txt",
    "choi 9-11": "choi/[123]_9-11_*.txt",
    "wiki300": "wiki300/wiki_*.txt",
    "lectures_physics": "lectures_physics/*.txt",
}
MEAN_OVER = ("choi 3-11", "wiki300", "lectures_physics")
OURS = {"words": "words", "words, one code": "single", "chars": "chars", "U00, no lists": "u00", "PPM-3 bytes": "ppm:3"}
_SLOW = frozenset({"PPM-3 bytes"})
_MEASURES = ("pk_words", "wd_words", "pk_lines", "wd_lines", "f1")


class Document(NamedTuple):
    """Lines of a text, and where its segments end."""

    lines: list[str]
    ends: NDArray[np.int64]


@cache
def documents(name: str) -> list[Document]:
    """The documents of a set with more than one segment."""
    folder = data_folder("segmentation")
    found = []
    for path in sorted(folder.glob(SETS[name])):
        parts: list[list[str]] = []
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.startswith("=========="):
                parts.append([])
            elif line.strip():
                if not parts:
                    parts.append([])
                parts[-1].append(" ".join(line.split()))
        parts = [part for part in parts if part]
        if len(parts) > 1:
            found.append(Document([line for part in parts for line in part], np.cumsum([len(p) for p in parts])))
    return found


def _ours(cost: str) -> Segmenter:
    """Our segmenter with a cost."""
    from ncd.changepoint import WordCost

    def segment(lines: Sequence[str], number: int | None) -> Sequence[int]:
        made = TextSegmenter(WordCost(single=True) if cost == "single" else cost, number, unit="lines", p_values=False)
        return made.fit_predict("\n".join(lines)).bounds[1:]

    return segment


METHODS: dict[str, Segmenter] = PEERS | {name: _ours(cost) for name, cost in OURS.items()}


def scores(document: Document, found: Sequence[int]) -> dict[str, float]:
    """All measures of one segmentation, in percent."""
    words = np.array([len(line.split()) for line in document.lines])
    n, number = len(document.lines), len(document.ends)
    values = {
        "pk_words": pk(document.ends, found, sizes=words),
        "wd_words": window_diff(document.ends, found, sizes=words),
        "pk_lines": pk(document.ends, found),
        "wd_lines": window_diff(document.ends, found),
        "f1": boundary_f1(document.ends, found, n / number / 8),
        "number": len(found) / number,
    }
    return {key: 100 * value for key, value in values.items()}


def measured(name: str, method: str, known: bool) -> Row:
    """One row: a method on a set."""
    segment = METHODS[method]
    given = documents(name)
    begun = time.process_time()
    found = [segment(document.lines, len(document.ends) if known else None) for document in given]
    seconds = time.process_time() - begun
    rows = [scores(document, ends) for document, ends in zip(given, found, strict=True)]
    row: Row = {"part": "sets", "set": name, "method": method, "known": known, "n": len(rows)}
    row["cpu_ms"] = round(1000 * seconds / len(rows), 1)
    for key in (*_MEASURES, "number"):
        values = np.array([one[key] for one in rows])
        row[key] = round(float(values.mean()), 2)
        row[f"{key}_odd"] = round(float(values[1::2].mean()), 2)
        row[f"{key}_spread"] = round(float(1.96 * values.std(ddof=1) / np.sqrt(len(values))), 2)
    return row


def long_text(name: str) -> tuple[str, NDArray[np.int64]]:
    """The documents of a set one after another, and where they end."""
    found = documents(name)
    return "\n".join(line for document in found for line in document.lines), np.cumsum([len(d.lines) for d in found])


def long_run(known: bool) -> Row:
    """All Wikipedia articles as one text, in a process of its own: boundaries are those of articles."""
    code = f"from bench.segmentation import _long_run; _long_run({known})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _long_run(known: bool) -> None:
    text, ends = long_text("wiki300")
    TextSegmenter(unit="lines").fit("a b\n" * 9)  # compiled kernels are read from disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    found = TextSegmenter(n_segments=len(ends) if known else None, unit="lines").fit_predict(text)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cuts = found.bounds[1:]
    row = {
        "part": "long",
        "set": "wiki300 as one text",
        "method": "words",
        "known": known,
        "n": 1,
        "words": len(text.split()),
        "lines": len(found.units),
        "articles": len(ends),
        "segments": len(found),
        "places": found.places,
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mb": round(peak / 1024),
        "peak_mb_before": round(before / 1024),
        "pk_lines": round(100 * pk(ends, cuts), 2),
        "f1": round(100 * boundary_f1(ends, cuts, len(found.units) / len(ends) / 8), 1),
    }
    print(json.dumps(row))


# tables


def _title(method: str) -> str:
    return f"{method} *" if method in WITH_LISTS else method


def _rows(results: Results, known: bool) -> dict[tuple[str, str], Row]:
    return {(row["method"], row["set"]): row for row in results.rows if row["part"] == "sets" and row["known"] is known}


def _table(results: Results, known: bool, key: str, odd: bool = False) -> tuple[list[str], list[list[str]]]:
    """One line a method, one column a set."""
    rows = _rows(results, known)
    sets = [name for name in SETS if any(s == name for _, s in rows)]
    lines = []
    for method in METHODS:
        cells = [
            (f"{row[f'{key}_odd']:.1f}" if odd else f"{row[key]:.1f} ± {row[f'{key}_spread']:.1f}")
            if (row := rows.get((method, name)))
            else ""
            for name in sets
        ]
        if any(cells):
            lines.append([_title(method), *cells])
    return ["method", *sets], lines


def _means(results: Results) -> tuple[list[str], list[list[str]]]:
    """Means over three kinds of text."""
    lines = []
    for known in (True, False):
        rows = _rows(results, known)
        for method in METHODS:
            some = [rows[method, name] for name in MEAN_OVER if (method, name) in rows]
            if len(some) == len(MEAN_OVER):
                values = [f"{np.mean([row[key] for row in some]):.1f}" for key in _MEASURES]
                numbers = "" if known else " / ".join(f"{row['number'] / 100:.2f}" for row in some)
                cpu = " / ".join(f"{row['cpu_ms']:.0f}" for row in some)
                lines.append(["known" if known else "not known", _title(method), *values, numbers, cpu])
    headers = ["number", "method", "Pk, words", "WD, words", "Pk, lines", "WD, lines", "F1", "found / true number"]
    return [*headers, "CPU ms a text"], lines


def _long(results: Results) -> tuple[list[str], list[list[str]]]:
    lines = [
        [
            "known" if row["known"] else "not known",
            f"{row['words']:,}",
            f"{row['lines']:,}",
            f"{row['places']:,}",
            f"{row['segments']:,} / {row['articles']:,}",
            f"{row['pk_lines']:.1f}",
            f"{row['f1']:.1f}",
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            f"{row['peak_mb']:,}",
        ]
        for row in results.rows
        if row["part"] == "long"
    ]
    return ["number", "words", "lines", "places", "segments / articles", "Pk", "F1", "s", "CPU s", "peak MB"], lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    tables = {
        "Means over choi 3-11, wiki300 and lectures_physics, in percent": _means(results),
        "Pk in percent, k in words, number of segments known": _table(results, True, "pk_words"),
        "Pk in percent, k in words, number not known": _table(results, False, "pk_words"),
        "Pk in percent, k in lines, number known": _table(results, True, "pk_lines"),
        "Pk in percent, k in words, number known, odd documents alone": _table(results, True, "pk_words", odd=True),
        "Pk in percent, k in words, number not known, odd documents alone": _table(
            results, False, "pk_words", odd=True
        ),
        "F1 of boundaries within 1/8 of the mean segment, in percent, number known": _table(results, True, "f1"),
        "F1, number not known": _table(results, False, "f1"),
        "300 articles as one text": _long(results),
    }
    text = ""
    for title, (headers, lines) in tables.items():
        if lines:
            print_table(title, headers, lines)
            text += f"**{title}**\n\n{markdown_table(headers, lines)}\n"
    text += (
        "\\* with a list of English stop words and Porter's stemmer. Intervals are 95 %, of the mean over documents.\n"
    )
    text += "\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.segmentation"))


def _wanted(options: argparse.Namespace) -> Iterator[Row]:
    """Rows, as they are measured."""
    for name in SETS if options.sets is None else options.sets:
        for method in options.methods or METHODS:
            for known in (True, False):
                if not known and method in NUMBER_GIVEN:
                    continue
                if method in _SLOW and name != "choi 3-11" and not options.methods:
                    continue
                yield measured(name, method, known)
    if options.long:
        for known in (True, False):
            yield long_run(known)


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.segmentation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sets", nargs="*", choices=SETS, help="default: all; without a name: none")
    parser.add_argument("--methods", nargs="+", choices=METHODS, help="default: all; PPM-3 on choi 3-11 alone")
    parser.add_argument("--long", action=argparse.BooleanOptionalAction, default=True, help="the long text")
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    packages = ("numba", "snowballstemmer")
    results = Results("segmentation", ("part", "set", "method", "known"), options.output, packages)
    if not options.table:
        for row in _wanted(options):
            results.add(row)
            print(row["set"], row["method"], "known" if row["known"] else "not known", row["pk_lines"], flush=True)
    report(results)


if __name__ == "__main__":
    main()
