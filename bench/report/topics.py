"""
Figure 6.7, the recipe's incremental verification, and a text on photosynthesis and then on artificial intelligence.

The text is ours (`photosynthesis.txt`, paragraphs of 1,000 and 2,000 characters, joined by a space, so that only words
tell where the subject changes).

- fig_6_7.png: code length of growing prefixes under gzip, the position that the recipe finds in the compressed bytes,
  the bracket that it ends with, and the true change; beside it, where the same estimator puts its answer on 300 streams
  of random bytes of the same length.
- fig_photosynthesis.png: the gain of a cut at every place by calibrated code lengths (`one_cut`), and the first
  principal component of the word vectors along the text with the cut that `SequenceChangepoints` makes of it.

``python -m bench.report.topics [--vectors FILE --output FOLDER]``
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import SEED, Row, markdown_table, print_table, provenance, write_text
from bench.report.figures import COLOURS, add_folders, panels, parsed, results_of
from bench.report.words import trained
from ncd.changepoint import (
    OneCut,
    ReportExperiment,
    SequenceChangepoints,
    list_estimator,
    one_cut,
    report_experiment,
    text_change_test,
)

TEXT = Path(__file__).with_name("photosynthesis.txt")
NOISE = 300
COMPONENTS = (1, 2, 5, 10)
METHODS = ("ctw", "distributional", "trend")


def text_and_change() -> tuple[str, int]:
    """The text, and the character with which its second subject begins; all characters are ASCII."""
    first, second = TEXT.read_text(encoding="ascii").strip().split("\n")
    return f"{first} {second}", len(first) + 1


def noise(n: int, draws: int) -> list[int]:
    """Answers of the recipe's estimator on random bytes."""
    random = np.random.default_rng(SEED)
    streams = (random.bytes(n) for _ in range(draws))
    found = (list_estimator(s, 0.5, method="distributional", weights="pychest", cells="raw") for s in streams)
    return [candidates[0].position for candidates in found]


def words_of(text: str, vectors: Path | None) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Characters at which the words that have a vector begin, and their vectors."""
    from ncd.embed.registry import get_embedder

    model = get_embedder(f"word2vec:{vectors or trained()}", empty="zero")
    words = list(re.finditer(r"[a-z]+", text.lower()))
    encoded = model.encode([word.group() for word in words], progress=False)
    known = encoded.any(1)
    return np.array([word.start() for word in words])[known], encoded[known]


def of_vectors(text: str, true: int, vectors: Path | None) -> tuple[list[Row], NDArray[Any], NDArray[Any]]:
    """The cut of each method for each number of components; and the first component along the text."""
    from sklearn.decomposition import PCA

    starts, encoded = words_of(text, vectors)
    components = PCA(max(COMPONENTS), svd_solver="full").fit_transform(encoded)
    rows = []
    for method in METHODS:
        for count in COMPONENTS:
            part = components[:, :count]
            cut = SequenceChangepoints(method, n_changepoints=1).fit(part).changepoints_  # type: ignore[arg-type]
            free = SequenceChangepoints(method).fit(part).changepoints_  # type: ignore[arg-type]
            rows.append(
                answer(
                    f"word vectors, first {count}, {method}",
                    int(starts[cut[0]]),
                    true,
                    len(text),
                )
                | {"unknown_number": starts[free].tolist(), "words": len(starts)}
            )
    return rows, starts, components[:, 0]


def answer(route: str, found: int, true: int, n: int) -> Row:
    """A row: what a route answers, in characters."""
    return {"route": route, "found": found, "true": true, "n": n, "off": (found - true) / n}


def draw_verification(experiment: ReportExperiment, answers: Sequence[int], true: int, output: Path | None) -> None:
    """Figure 6.7."""
    with panels("fig_6_7", 1, 2, output, (9.0, 3.6)) as (left, right):
        experiment.plot(left)
        left.axvline(true, color=COLOURS[2], linestyle="--", label="true change")
        left.legend(frameon=False, loc="lower right")
        right.hist(answers, bins=30, color="0.7")
        right.axvline(experiment.position, color=COLOURS[1], label="the text's stream")
        right.set_xlabel(f"answer on {experiment.n_stream:,} random bytes")
        right.set_ylabel(f"of {len(answers)} draws")
        right.legend(frameon=False)


def draw_topics(cut: OneCut, starts: NDArray[Any], first: NDArray[Any], row: Row, output: Path | None) -> None:
    """The text on two subjects."""
    with panels("fig_photosynthesis", 2, 1, output, (7.0, 4.8), sharex=True) as (upper, lower):
        cut.plot(upper)
        upper.set_xlabel("")
        lower.plot(starts, first, ".", color="0.6", markersize=3)
        smooth = np.convolve(first, np.ones(15) / 15, mode="valid")
        lower.plot(starts[7 : 7 + len(smooth)], smooth, color=COLOURS[0], linewidth=1, label="mean of 15 words")
        lower.axvline(row["found"], color=COLOURS[1], linewidth=1.2)
        lower.set_ylabel("first component of words")
        lower.set_xlabel("byte of the text")
        for ax in (upper, lower):
            ax.axvline(row["true"], color=COLOURS[2], linestyle="--", label="true change")
        lower.legend(frameon=False, fontsize=8)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Figure 6.7 of the report, and the text on two subjects.")
    parser.add_argument("--noise", type=int, default=NOISE, help="streams of random bytes (default: %(default)s)")
    add_folders(parser, vectors=True)
    given = parsed(parser, arguments)
    text, true = text_and_change()
    experiment, cut = report_experiment(text), one_cut(text)
    answers = noise(experiment.n_stream, given.noise)
    low, high = experiment.bracket
    share = float(np.mean([abs(one - experiment.position) <= 0.1 * experiment.n_stream for one in answers]))
    first = {"position": experiment.position, "n_stream": experiment.n_stream, "bracket": [low, high]}
    rows = [
        answer("the report's recipe", round(experiment.middle), true, len(text))
        | first
        | {"noise": answers, "noise_near": share, "verified": experiment.verification.verified},
        answer("one_cut (calibrated code lengths)", cut.character, true, len(text))
        | {"p_value": text_change_test(text).p_value},
        answer("always the middle", len(text) // 2, true, len(text)),
    ]
    vector_rows, starts, component = of_vectors(text, true, given.vectors)
    results = results_of("fig_6_7", ("route",), given.output, packages=("gensim",))
    results.extend([*rows, *vector_rows], noise=given.noise)
    draw_verification(experiment, answers, true, given.output)
    shown = next(row for row in vector_rows if row["route"] == "word vectors, first 1, ctw")
    draw_topics(cut, starts, component, shown, given.output)
    headers = ("answer", "character", "off, % of the text")
    cells = [(row["route"], f"{row['found']:,}", f"{100 * row['off']:+.1f}") for row in results.rows]
    print_table(f"one text of {len(text):,} characters; its subject changes at {true:,}", headers, cells)
    said = f"One text of {len(text):,} characters; its subject changes at {true:,}.\n\n"
    command = "python -m bench.report.topics"
    write_text(results.table_path, markdown_table(headers, cells) + "\n" + said + provenance(results, command))


if __name__ == "__main__":
    main()
