"""
Decisions in colour: makes the pictures and coloured texts of the guide to explanations.

    python docs/gallery/explaining.py [FOLDER]

writes ``explained_subjects.html``, ``explained_languages.html`` and ``explained.png`` to the folder, docs/_static
without one; a few seconds, no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure

import ncd
from ncd.data import load_factbook, load_udhr
from ncd.files import atomic_path


def passages(label: str, right: bool) -> ncd.Explanation:
    """The first test passage of The World Factbook with the label that the model gets right, or wrong."""
    train, test = load_factbook("train"), load_factbook("test")
    model = ncd.BitsSavedClassifier().fit(train.texts, train.labels)
    texts = [text for text, known in zip(test.texts, test.labels, strict=True) if known == label]
    decided = model.predict(texts).tolist()
    text = next(text for text, found in zip(texts, decided, strict=True) if (found == label) == right)
    return model.explain(text, against=None if right else label)


def paragraph(language: str, against: str) -> ncd.Explanation:
    """A paragraph of the Universal Declaration of Human Rights; the model has read the first three quarters of it."""
    corpus = load_udhr()
    texts, labels, unseen = [], [], {}
    for text, label in zip(corpus.texts, corpus.labels, strict=True):
        parts = [part for part in text.splitlines() if part]
        known = parts[: 3 * len(parts) // 4]
        texts += known
        labels += [label] * len(known)
        unseen[label] = parts[len(known)]
    model = ncd.CodeLengthClassifier("ngram").fit(texts, labels)
    return model.explain(unseen[language], against=against)


def write(folder: Path) -> None:
    """Make everything."""
    right, wrong = passages("communications", right=True), passages("history", right=False)
    danish = paragraph("Danish", "Norwegian")
    pages = {
        "explained_subjects.html": f"{right.to_html()}\n{wrong.to_html()}\n",
        "explained_languages.html": f"{danish.to_html('characters')}\n",
    }
    for name, html in pages.items():
        with atomic_path(folder / name, force=True) as temporary:
            temporary.write_text(html, encoding="utf-8")
    figure = Figure(figsize=(9, 7), layout="constrained")
    for why, ax in zip((right, wrong), figure.subplots(2, 1), strict=True):
        why.plot(ax, names=9)
    with atomic_path(folder / "explained.png", force=True) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "_static")
