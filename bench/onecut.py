"""
One cut in a short text: how often within 10 % of the text's length of the true one.

``python -m bench.onecut`` makes texts of two real documents (bench/two_topics.py, documents of the part "report";
settings were chosen on others) and compares the sum of standardised gains with each of its parts, with code lengths
as they are, with counts of character 3-grams and KernelCPD of ruptures, and with cuts that never look at the text.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.common import SEED, Results, Row, markdown_table, print_table, provenance, wilson, write_text
from bench.two_topics import Made, two_topic_texts
from ncd.changepoint import one_cut
from ncd.changepoint.sweeps import short_units

Method = Callable[[Made], float]
KINDS = {
    "corpora": "two collections, English",
    "any": "two collections, any language",
    "topics": "two topics of a collection",
}
NEAR = 0.1


def _ours(*costs: str) -> Method:
    """The sum of the standardised gains of codes."""
    return lambda made: one_cut(made.text, costs=costs).character


def _plain(cost: str) -> Method:
    """The largest gain as it is, without shuffles."""

    def cut(made: Made) -> float:
        found = one_cut(made.text, costs=[cost], shuffles=2)
        gains = next(iter(found.parts.values())).gains
        return float(found.units.characters[int(gains.argmax()) + 1])

    return cut


def _kernel_cpd(kernel: str) -> Method:
    """Counts of character 3-grams in each unit, and the exact search of ruptures."""

    def cut(made: Made) -> float:
        import ruptures
        from sklearn.feature_extraction.text import CountVectorizer

        units = short_units(made.text)
        pieces = [unit.decode("utf-8", "replace") for unit in units]
        counts = CountVectorizer(analyzer="char", ngram_range=(3, 3)).fit_transform(pieces).toarray().astype(float)
        counts += 1e-9  # cosine has no direction for a unit of fewer than three characters
        search = ruptures.KernelCPD(kernel=kernel, min_size=1)
        return float(units.characters[search.fit(counts).predict(n_bkps=1)[0]])

    return cut


def _chance(made: Made) -> float:
    """Anywhere, the same for the same text."""
    rng = np.random.default_rng([SEED, *made.text.encode()[:64]])
    return float(rng.uniform(0, len(made.text)))


METHODS: dict[str, Method] = {
    "zlib + PPM-3 + words, standardised": _ours("zlib", "ppm:3", "words"),
    "PPM-3": _ours("ppm:3"),
    "zlib": _ours("zlib"),
    "words": _ours("words"),
    "PPM-3, gain as it is": _plain("ppm:3"),
    "zlib, gain as it is": _plain("zlib"),
    "3-grams, KernelCPD linear": _kernel_cpd("linear"),
    "3-grams, KernelCPD cosine": _kernel_cpd("cosine"),
    "always the middle": lambda made: len(made.text) / 2,
    "chance": _chance,
}


def _row(kind: str, method: str, texts: Sequence[Made]) -> Row:
    """What one method finds."""
    cut = METHODS[method]
    cut(texts[0])
    start = time.process_time()
    cuts = [cut(text) for text in texts]
    seconds = (time.process_time() - start) / len(texts)
    near = sum(text.is_near(place, NEAR) for text, place in zip(texts, cuts, strict=True))
    errors = [abs(place - (text.cut or 0)) / len(text.text) for text, place in zip(texts, cuts, strict=True)]
    low, high = wilson(near, len(texts))
    return {
        "kind": kind,
        "method": method,
        "texts": len(texts),
        "near": near / len(texts),
        "low": low,
        "high": high,
        "median_error": float(np.median(errors)),
        "cpu_seconds": seconds,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all methods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=240, help="texts of each kind (default: %(default)s)")
    parser.add_argument("--characters", type=int, default=1800)
    parser.add_argument("--output", type=Path, help="folder for JSON and table")
    options = parser.parse_args(arguments)
    results = Results("onecut", ("kind", "method"), options.output, packages=("ruptures",))
    for kind in KINDS:
        texts = two_topic_texts(kind, options.n, options.characters)  # type: ignore[arg-type]
        results.extend([_row(kind, method, texts) for method in METHODS], n=options.n, characters=options.characters)
    found = {(row["kind"], row["method"]): row for row in results.rows}
    headers = ["method", *KINDS.values(), "CPU ms a text"]
    cells = []
    for method in METHODS:
        rows = [found[kind, method] for kind in KINDS]
        shares = [f"{100 * row['near']:.1f} ({100 * row['low']:.0f}-{100 * row['high']:.0f})" for row in rows]
        cells.append([method, *shares, f"{1000 * np.median([row['cpu_seconds'] for row in rows]):.1f}"])
    print_table(f"within 10 % of the length, % (95 % interval), {options.n} texts each", headers, cells)
    text = markdown_table(headers, cells) + "\n" + provenance(results, "python -m bench.onecut")
    write_text(results.table_path, text)


if __name__ == "__main__":
    main()
