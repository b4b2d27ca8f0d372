"""The tables of `bench.classification`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bench.common import Results, Row, markdown_table, print_table, provenance, write_text
from bench.methods import CHAR_SVM, HEADS, RANKED, WORD_SVM
from bench.paired import Comparison, Hits, mean_ranks, unpacked

#: What must be known to read a set's figures.
_SET_NOTES = {
    "ag_news_part": "training part is 35 % of the published one, so these are not figures of full AG News",
    "20news": "messages with headers, which give the group away in part",
    "movie_reviews": "own split",
    "sms_spam": "own split",
    "langid_lingua": "own split; a few rows are double-encoded",
}
_EXPLAINED = """Training labels only, the same settings for all sets; ties never look at the label of a test text.
{gone}

- Points: mean over the sets of the difference of accuracies to the linear SVM, with a 95 % interval (over test texts,
  the sets being given). Won and lost: sets with the higher and the lower accuracy; in brackets those where McNemar's
  exact test gives p < .05. Both are over the sets that the two methods have, also where a method lacks some; means of
  accuracy and macro F1 over fewer sets cannot be compared.
- Rank: mean over the sets, 1 is best, among methods that use no pre-trained weights and have all sets.
- Fit and predict: processor seconds on one core per 1,000 texts, as multiples of the word SVM's in the same process,
  geometric mean over the sets. Model: median over the sets; scikit-learn's models are stored with zlib.

"""
_ACCURACY = """
Accuracy with 95 % Wilson interval; with each set the number of test texts. Bold: the best without pre-trained
weights. † a random sample of the test texts ({sampled}), with all training texts. "Optimistic" counts a tie of two
neighbours as right whenever one of them has the right label, as the published figures do; no classifier can do that,
since it would have to know the answer.

"""

Cells = dict[tuple[str, str], Row]


def share(value: float) -> str:
    """A proportion with three digits, without the leading zero."""
    return f"{value:.3f}".removeprefix("0")


def compared(cells: Cells, method: str, other: str) -> Comparison | None:
    """A method against another on the sets that both have."""
    pairs: list[tuple[Hits, Hits]] = []
    for (name, which), row in cells.items():
        rival = cells.get((name, other))
        if which == method and rival:
            pairs.append(tuple(unpacked(r["right"], r["n_test"]) for r in (row, rival)))  # type: ignore[arg-type]
    return Comparison.of(pairs) if pairs and method != other else None


def _against(found: Comparison | None) -> list[str]:
    """Points, and sets won and lost."""
    if found is None:
        return ["", ""]
    wins = f"{found.won} ({found.clearly_won}) – {found.lost} ({found.clearly_lost})"
    return [f"{found.points:+.1f} ± {found.half:.1f}", wins]


def ranks(cells: Cells, methods: Sequence[str], sets: Sequence[str]) -> dict[str, float]:
    """Mean ranks of the methods that have all sets."""
    whole = [m for m in methods if m in RANKED and all((name, m) in cells for name in sets)]
    if not whole:
        return {}
    table = np.array([[cells[name, m]["accuracy"] for m in whole] for name in sets])
    return dict(zip(whole, mean_ranks(table).tolist(), strict=True))


def _times(values: Sequence[float]) -> str:
    """The geometric mean of ratios, with two digits."""
    mean = float(np.exp(np.mean(np.log(np.maximum(values, 1e-4)))))
    return f"{mean:,.2g}" if mean < 10 else f"{mean:,.0f}"


def summary_table(cells: Cells, methods: Sequence[str], sets: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """A line a method over all sets; the best rank first, unranked methods last."""
    ranked = ranks(cells, methods, sets)
    lines = []
    for name in sorted(methods, key=lambda m: (ranked.get(m, np.inf), methods.index(m))):
        rows = [cells[key] for key in cells if key[1] == name]
        f1 = [row["macro_f1"] for row in rows if row["macro_f1"] is not None]
        lines.append(
            [
                HEADS[name],
                str(len(rows)),
                share(float(np.mean([row["accuracy"] for row in rows]))),
                share(float(np.mean(f1))) if f1 else "",
                f"{ranked[name]:.1f}" if name in ranked else "",
                *_against(compared(cells, name, WORD_SVM)),
                *_against(compared(cells, name, CHAR_SVM)),
                _times([row["fit_ratio"] for row in rows]),
                _times([row["predict_ratio"] for row in rows]),
                f"{np.median([row['model_bytes'] for row in rows]) / 1e6:,.1f}",
            ]
        )
    heads = ["method", "sets", "accuracy", "macro F1", "rank", "points to word SVM", "won – lost"]
    heads += ["points to char SVM", "won – lost", "fit, ×", "predict, ×", "model, MB"]
    return heads, lines


def grid(
    cells: Cells, methods: Sequence[str], sets: Sequence[str], cell: Callable[[Row], str], sizes: bool = False
) -> tuple[list[str], list[list[str]]]:
    """Methods x sets."""
    size = {name: max(row["n_test_full"] for key, row in cells.items() if key[0] == name) for name in sets}
    heads = ["method", *(f"{name} ({size[name]:,})" if sizes else name for name in sets)]
    return heads, [[HEADS[m], *(cell(cells[name, m]) if (name, m) in cells else "" for name in sets)] for m in methods]


def _accuracy_cell(cells: Cells) -> Callable[[Row], str]:
    """A cell of the table of accuracies."""
    best: dict[str, float] = {}
    for (name, method), row in cells.items():
        if method in RANKED:
            best[name] = max(best.get(name, 0.0), row["accuracy"])

    def cell(row: Row) -> str:
        text = share(row["accuracy"])
        if row["method"] in RANKED and row["accuracy"] == best[row["set"]]:
            text = f"**{text}**"
        mark = "†" if row["n_test"] < row["n_test_full"] else ""
        return f"{text} ({share(row['low'])}–{share(row['high'])}){mark}"

    return cell


def _halves(sets: Sequence[str]) -> list[list[str]]:
    """Two tables of sets that a page can hold."""
    middle = (len(sets) + 1) // 2
    return [part for part in (list(sets[:middle]), list(sets[middle:])) if part]


def _set_notes(cells: Cells) -> str:
    """What must be known of the sets."""
    notes = ""
    for name in sorted({key[0] for key in cells}):
        leaked = max(row["leaked"] for key, row in cells.items() if key[0] == name)
        said = [*filter(None, [_SET_NOTES.get(name)])]
        if leaked:
            said.append(f"{leaked} test texts are in the training part too")
        if said:
            notes += f"- {name}: {'; '.join(said)}.\n"
    return notes


def _method_notes(rows: Sequence[Row], methods: Sequence[str]) -> str:
    """What must be known of the methods, with the sets where it differs."""
    lines = ""
    for name in methods:
        mine = [row for row in rows if row["method"] == name and row["note"]]
        by_note: dict[str, list[str]] = {}
        for row in mine:
            by_note.setdefault(row["note"], []).append(row["set"])
        said = [
            note if len(where) == sum(row["method"] == name for row in rows) else f"{note} ({', '.join(sorted(where))})"
            for note, where in by_note.items()
        ]
        lines += f"- {HEADS[name]}: {'. '.join(said)}.\n" if said else ""
    return lines


def missing_text(rows: Sequence[Row], cells: Cells, methods: Sequence[str], sets: Sequence[str]) -> str:
    """Which methods lack which sets."""
    said = []
    for name in methods:
        gone = [s for s in sets if (s, name) not in cells]
        if gone:
            said.append(f"{HEADS[name]} was not run on {', '.join(gone)}.")
    absent = {row["method"]: row["note"] for row in rows if row["accuracy"] is None}
    said += [f"{HEADS[name]}: {note}." for name, note in absent.items() if name not in methods]
    return " ".join(said)


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    rows = [row for row in results.rows if row["accuracy"] is not None]
    if not rows:
        return
    cells: Cells = {(row["set"], row["method"]): row for row in rows}
    methods = [name for name in HEADS if any(row["method"] == name for row in rows)]
    sets = sorted({row["set"] for row in rows})
    plain: Any = lambda row: share(row["accuracy"]) + ("†" if row["n_test"] < row["n_test_full"] else "")  # noqa: E731
    print_table("Accuracy († sampled test rows)", *grid(cells, methods, sets, plain))
    print_table("All sets", *summary_table(cells, methods, sets))
    text = _EXPLAINED.format(gone=missing_text(results.rows, cells, methods, sets))
    sampled = sorted({row["n_test"] for row in rows if row["n_test"] < row["n_test_full"]})
    text += markdown_table(*summary_table(cells, methods, sets))
    text += _ACCURACY.format(sampled=", ".join(f"{n:,}" for n in sampled) or "none")
    for part in _halves(sets):
        text += markdown_table(*grid(cells, methods, part, _accuracy_cell(cells), sizes=True)) + "\n"
    text += f"{_set_notes(cells)}{_method_notes(rows, methods)}\n"
    made_by = provenance(results, "python -m bench.classification")
    write_text(results.table_path, text + made_by)
    write_text(results.table_path.with_name("classification_costs.md"), costs(cells, methods, sets) + made_by)


def costs(cells: Cells, methods: Sequence[str], sets: Sequence[str]) -> str:
    """Tables of macro F1, times and sizes for every set."""
    scored = [name for name in methods if name != "gzip-knn optimistic"]
    columns: dict[str, Callable[[Row], str]] = {
        "Macro F1": lambda row: share(row["macro_f1"]),
        "Fit, processor seconds per 1,000 texts, one core, one run each": lambda row: f"{row['fit_cpu_per_1000']:,.3g}",
        "Predict, likewise": lambda row: f"{row['predict_cpu_per_1000']:,.3g}",
        "Model, MB": lambda row: f"{row['model_bytes'] / 1e6:,.2f}",
    }
    return "".join(
        f"{title}:\n\n{markdown_table(*grid(cells, scored, sets, cell))}\n" for title, cell in columns.items()
    )
