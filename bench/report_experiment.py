"""
The experiment of `ncd.changepoint.report_experiment`, repeated on texts of which the change is known.

60 texts of two collections each and 60 of two topics of one collection each, of 1,800 characters
(`bench.two_topics`). Answers: the middle of the recipe's last bracket; the same estimator on uniform random bytes as
many as the stream has, which is chance; a place drawn evenly from the range of these; always the middle; and
`one_cut`, the calibrated way. Nothing is tuned. The table says how the answer goes with the true cut (correlation of
both as shares of the text, 95 % interval by Fisher's z), and how often it is within a tenth of the text.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.common import SEED, Results, Row, markdown_table, print_table, provenance, wilson, write_text
from bench.two_topics import Made, two_topic_texts
from ncd.changepoint import byte_stream, list_estimator, one_cut, report_experiment

KINDS = ("corpora", "topics")
NOISE = 40  # draws of random bytes for each text
NEAR = 0.1
ROUTES = {
    "recipe": "the report's recipe",
    "noise": "the same estimator on random bytes (chance)",
    "range": "evenly from the range of these",
    "middle": "always the middle",
    "one_cut": "one_cut (calibrated)",
}


def answers(text: Made, rng: np.random.Generator) -> dict[str, list[float]]:
    """Every route's answers as shares of the text, in bytes."""
    found = report_experiment(text.text, codes=(), shuffles=2)
    size = found.verification.within[1]
    low, high = found.bracket
    n = byte_stream(text.text).size
    noise = [_on_noise(rng.integers(0, 256, n, dtype=np.uint8)) for _ in range(NOISE)]
    return {
        "recipe": [found.middle / size],
        "bracket": [float(low <= (text.byte or 0) < high)],
        "noise": noise,
        "middle": [0.5],
        "one_cut": [one_cut(text.text).byte / size],
    }


def _on_noise(stream: np.ndarray) -> float:
    """The recipe's estimator on random bytes: share of the stream."""
    found = list_estimator(stream, 0.5, method="distributional", weights="pychest", cells="raw")
    return found[0].position / len(stream)


def correlation(true: np.ndarray, found: np.ndarray) -> tuple[float, float, float] | None:
    """Pearson's correlation with its 95 % interval; None where one does not vary."""
    if np.ptp(found) == 0 or np.ptp(true) == 0:
        return None
    r = float(np.corrcoef(true, found)[0, 1])
    half = 1.959964 / math.sqrt(len(true) - 3)
    return r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def measured(kind: str, n: int, characters: int) -> list[Row]:
    """A row for each route."""
    rng = np.random.default_rng(SEED)
    texts = two_topic_texts(kind, n, characters)  # type: ignore[arg-type]
    true = np.array([text.byte / len(text.text.encode()) for text in texts])
    every = [answers(text, rng) for text in texts]
    noise = np.array([one["noise"] for one in every])
    low, high = float(noise.min()), float(noise.max())
    rows: list[Row] = []
    for route in ROUTES:
        row: Row = {"kind": kind, "route": route, "n": n, "characters": characters}
        if route == "range":  # exactly, without drawing
            span = np.clip(true + NEAR, low, high) - np.clip(true - NEAR, low, high)
            left = (np.clip(true - low, 0, None) ** 2 + np.clip(high - true, 0, None) ** 2) / 2
            row |= {"near": float(np.mean(span / (high - low))), "error": float(np.mean(left / (high - low)))}
            row |= {"low": low, "high": high}
        elif route == "noise":
            row["near"] = float(np.mean(np.abs(noise - true[:, None]) <= NEAR))
            row["error"] = float(np.mean(np.abs(noise - true[:, None])))
        else:
            found = np.array([one[route][0] for one in every])
            near = int(np.sum(np.abs(found - true) <= NEAR))
            row |= {"near": near / n, "interval": wilson(near, n), "error": float(np.mean(np.abs(found - true)))}
            row["correlation"] = correlation(true, found)
        if route == "recipe":
            row["in_bracket"] = float(np.mean([one["bracket"][0] for one in every]))
        rows.append(row)
    return rows


def report(results: Results) -> None:
    """Print the table, and write it into the docs."""
    headers = (
        "answer",
        *(f"{kind}: {what}" for kind in KINDS for what in ("within 10 %", "mean error", "correlation")),
    )
    rows: list[Sequence[str]] = []
    found = {(row["kind"], row["route"]): row for row in results.rows}
    for route, title in ROUTES.items():
        cells = [title]
        for kind in KINDS:
            row = found[kind, route]
            near = f"{100 * row['near']:.0f} %"
            if "interval" in row:
                near += " ({:.0f}-{:.0f})".format(*(100 * bound for bound in row["interval"]))
            r = row.get("correlation")
            cells += [near, f"{100 * row['error']:.0f} %", "{:.2f} ({:.2f} to {:.2f})".format(*r) if r else "-"]
        rows.append(cells)
    first = found["corpora", "recipe"]
    n, characters = first["n"], first["characters"]
    print_table(f"The report's experiment on 2 x {n} texts of {characters:,} characters with one change", headers, rows)
    inside = ", ".join(f"{kind} {100 * found[kind, 'recipe']['in_bracket']:.0f} %" for kind in KINDS)
    note = f"\nThe true change lies in the recipe's last bracket: {inside}. {n} texts each, 95 % intervals.\n\n"
    print(note)
    text = markdown_table(headers, rows) + note + provenance(results, "python -m bench.report_experiment")
    write_text(results.table_path, text)


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.report_experiment", description=__doc__)
    parser.add_argument("-n", type=int, default=60, help="texts of each kind (default %(default)s)")
    parser.add_argument("--characters", type=int, default=1800, help="of each text (default %(default)s)")
    parser.add_argument("--table", action="store_true", help="write the table again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("report_experiment", ("kind", "route"), options.output, ("numba",))
    if not options.table:
        for kind in KINDS:
            results.extend(measured(kind, options.n, options.characters), noise=NOISE, seed=SEED)
    report(results)


if __name__ == "__main__":
    main()
