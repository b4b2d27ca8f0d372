"""
Is there a change at all: false alarms on texts without one, power on texts with one.

``python -m bench.drift --make`` writes the reference table of the package, ncd/changepoint/drift_table.py, from texts
without a change: 200 runs of 1,800 characters from each of eight collections. ``python -m bench.drift`` measures on
documents of the part "report". The threshold for a text of a collection comes from the table's texts of the other
seven; for a text with a change, from those of collections that it is not from. The power of the length in the effect
was chosen on documents of the part "choose".
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.common import (
    ROOT,
    SEED,
    Results,
    Row,
    markdown_table,
    print_table,
    provenance,
    wilson,
    write_text,
)
from bench.two_topics import LONG, Made, one_source_texts, two_topic_texts
from ncd.changepoint.drift import effect, quantiles

COSTS = ("ppm:3", "zlib:9", "words")
TEXTS, CHARACTERS = 1600, 1800
LEVEL = 0.05
_TABLE = ROOT / "ncd" / "changepoint" / "drift_table.py"
_HEADER = '''"""
Effects of texts without a change: {n:,} runs of {characters:,} characters, as many from each of {sources} collections.

Written by ``python -m bench.drift --make``: {quantiles} quantiles at equal distances, the least and the largest effect
included. The collections:
{names}.
"""

TEXTS = {n}
# fmt: off
EFFECTS = {effects}
'''
_KINDS = {
    "corpora": "cut between collections, English",
    "any": "cut between collections, any language",
    "topics": "cut between topics",
}
#: Collections with documents of so many characters.
_LENGTHS = {
    900: LONG,
    3600: tuple(name for name in LONG if name != "ohsumed"),
    7200: ("wiki300", "lectures_physics", "movie_reviews", "masakhanews_som"),
    20_000: ("wiki300", "lectures_physics"),
}


def _collections(text: Made) -> set[str]:
    """The collections that a text is from."""
    return {source.partition("/")[0] for source in text.sources}


def _effects(texts: Sequence[Made], cost: str) -> NDArray[np.float64]:
    """Effect of every text."""
    return np.array([effect(text.text, cost) for text in texts])


def _table_texts() -> list[Made]:
    """The texts of the reference table."""
    parts = ("choose", "report")
    return [text for part in parts for text in one_source_texts(TEXTS // 2, CHARACTERS, seed=SEED + 1, part=part)]


def _wrapped(cost: str, numbers: Sequence[float]) -> str:
    """A row of the table as code."""
    body = textwrap.fill(", ".join(map(str, numbers)), 118, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return f'    "{cost}": [\n{body},\n    ],\n'


def make() -> None:
    """Write the reference table."""
    texts = _table_texts()
    kept = {cost: quantiles(_effects(texts, cost)) for cost in COSTS}
    lines = "{\n" + "".join(_wrapped(cost, numbers) for cost, numbers in kept.items()) + "}"
    names = textwrap.fill(", ".join(LONG), 118)
    text = _HEADER.format(
        n=TEXTS, characters=CHARACTERS, sources=len(LONG), quantiles=len(kept[COSTS[0]]), names=names, effects=lines
    )
    write_text(_TABLE, text)
    print(f"{_TABLE}: {', '.join(f'{cost} {np.quantile(kept[cost], 1 - LEVEL):.3f}' for cost in COSTS)} at 5 %")


class Thresholds:
    """The effect that a share of the reference texts exceeds, without some collections."""

    def __init__(self, cost: str) -> None:
        texts = _table_texts()
        self._effects = _effects(texts, cost)
        self._from = np.array([text.collection for text in texts])

    def without(self, collections: set[str]) -> float:
        """The threshold from texts of the other collections."""
        kept = ~np.isin(self._from, list(collections))
        return float(np.quantile(self._effects[kept], 1 - LEVEL))

    def alarms(self, texts: Sequence[Made], cost: str) -> NDArray[np.bool_]:
        """Whether each text has an alarm."""
        return np.array(
            [found > self.without(_collections(text)) for text, found in zip(texts, _effects(texts, cost), strict=True)]
        )


def _row(cost: str, kind: str, characters: int, texts: Sequence[Made], alarms: NDArray[np.bool_]) -> Row:
    """What was found, as a row."""
    low, high = wilson(float(alarms.sum()), len(alarms))
    by = {
        name: round(float(np.mean([a for a, text in zip(alarms, texts, strict=True) if text.collection == name])), 3)
        for name in sorted({text.collection for text in texts})
    }
    return {
        "cost": cost,
        "kind": kind,
        "characters": characters,
        "texts": len(texts),
        "alarms": float(alarms.mean()),
        "low": low,
        "high": high,
        "by_collection": by,
    }


def measure(n: int, output: Path | None) -> None:
    """False alarms and power of every cost."""
    results = Results("drift", ("cost", "kind", "characters"), output)
    none, kinds = one_source_texts(4 * n), {kind: two_topic_texts(kind, n) for kind in ("corpora", "any", "topics")}
    longer = {size: one_source_texts(n, size, sources=names) for size, names in _LENGTHS.items()}
    for cost in COSTS:
        thresholds = Thresholds(cost)
        sets = [("no change", CHARACTERS, none), *((kind, CHARACTERS, texts) for kind, texts in kinds.items())]
        if cost == COSTS[0]:
            sets += [("no change", size, texts) for size, texts in longer.items()]
            sets += [(kind, 3600, two_topic_texts(kind, n // 2, 3600)) for kind in ("corpora", "any", "topics")]
        results.extend(
            [_row(cost, kind, size, texts, thresholds.alarms(texts, cost)) for kind, size, texts in sets], n=n
        )
    rows = sorted(results.rows, key=lambda row: (row["characters"], COSTS.index(row["cost"])))
    headers = ["cost", "texts", "characters", "n", "alarms %", "95 %", "collection with most"]
    cells = []
    for row in rows:
        most = max(row["by_collection"], key=row["by_collection"].get)
        cells.append(
            [
                row["cost"],
                _KINDS.get(row["kind"], row["kind"]),
                f"{row['characters']:,}",
                str(row["texts"]),
                f"{100 * row['alarms']:.1f}",
                f"{100 * row['low']:.1f}-{100 * row['high']:.1f}",
                f"{most} {100 * row['by_collection'][most]:.0f}" if row["kind"] == "no change" else "",
            ]
        )
    print_table("alarms at a nominal 5 %, sources left out one by one", headers, cells)
    text = markdown_table(headers, cells) + "\n" + provenance(results, "python -m bench.drift")
    write_text(results.table_path, text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the table, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", action="store_true", help="write the reference table of the package")
    parser.add_argument(
        "-n",
        type=int,
        default=240,
        help="texts with a change of each kind (default: %(default)s); four times as many without",
    )
    parser.add_argument("--output", type=Path, help="folder for JSON and table")
    options = parser.parse_args(arguments)
    if options.make:
        make()
    else:
        measure(options.n, options.output)


if __name__ == "__main__":
    main()
