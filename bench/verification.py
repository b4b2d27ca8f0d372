"""
What `ncd.changepoint.verify` says of true changes, of wrong places, and of texts without a change.

Texts of 1,800 characters (`bench.two_topics`): 60 of two collections each, 60 of two topics of one collection each, and
120 without a change. Places: the true change; the best cut (`one_cut`); the answer of the report's recipe
(`bench.report_experiment`); and, in texts with a change, a wrong place: the middle of the longer part. Counted is how
often the place is stable, how often its reference p-value is at most 5 %, and how often it is verified (both). The
reference p-values come from texts of the same collections, other documents. Nothing is tuned here.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.common import Results, Row, markdown_table, print_table, provenance, wilson, write_text
from bench.two_topics import Made, one_source_texts, two_topic_texts
from ncd.changepoint import one_cut, report_experiment, verify

KINDS = {"corpora": "two collections", "topics": "two topics", "none": "no change"}
PLACES = {"true": "the true change", "best": "the best cut", "recipe": "the report's recipe", "wrong": "a wrong place"}
COUNTS = ("stable", "low_p", "verified")


def places(text: Made) -> dict[str, int]:
    """Bytes to be verified."""
    found = {
        "best": one_cut(text.text).byte,
        "recipe": report_experiment(text.text, codes=(), shuffles=2).verification.cut,
    }
    if text.byte is not None:
        size = len(text.text.encode())
        found |= {"true": text.byte, "wrong": text.byte // 2 if 2 * text.byte > size else (text.byte + size) // 2}
    return found


def measured(kind: str, n: int, characters: int) -> list[Row]:
    """A row for each place."""
    texts = one_source_texts(2 * n, characters) if kind == "none" else two_topic_texts(kind, n, characters)  # type: ignore[arg-type]
    counts: dict[str, dict[str, int]] = {}
    for text in texts:
        for place, byte in places(text).items():
            found = verify(text.text, byte, counted="text")
            low = found.p_value is not None and found.p_value <= 0.05
            count = counts.setdefault(place, dict.fromkeys(COUNTS, 0))
            for key, value in zip(COUNTS, (found.stable, low, found.verified), strict=True):
                count[key] += value
    return [
        {"kind": kind, "place": place, "n": len(texts), "characters": characters, **counts[place]}
        for place in PLACES
        if place in counts
    ]


def report(results: Results) -> None:
    """Print the table, and write it into the docs."""
    headers = ("texts", "place", "n", "stable", "p at most 5 %", "verified")
    rows = []
    for kind, title in KINDS.items():
        for row in sorted(
            (row for row in results.rows if row["kind"] == kind), key=lambda r: list(PLACES).index(r["place"])
        ):
            shares = [
                "{:.0f} % ({:.0f}-{:.0f})".format(
                    100 * row[key] / row["n"], *(100 * bound for bound in wilson(row[key], row["n"]))
                )
                for key in COUNTS
            ]
            rows.append((title, PLACES[row["place"]], str(row["n"]), *shares))
    print_table("What verify says of places", headers, rows)
    write_text(
        results.table_path, markdown_table(headers, rows) + "\n" + provenance(results, "python -m bench.verification")
    )


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.verification", description=__doc__)
    parser.add_argument("-n", type=int, default=60, help="texts of each kind with a change (default %(default)s)")
    parser.add_argument("--characters", type=int, default=1800, help="of each text (default %(default)s)")
    parser.add_argument("--table", action="store_true", help="write the table again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("verification", ("kind", "place"), options.output, ("numba",))
    if not options.table:
        for kind in KINDS:
            results.extend(measured(kind, options.n, options.characters))
    report(results)


if __name__ == "__main__":
    main()
