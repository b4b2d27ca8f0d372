"""The library on the texts that it ships: languages, subjects, a text that changes its own, a log as it comes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ncd import data, plot
from ncd.pairwise import pairwise

__all__ = ["run"]

_STORY = ("geography", "history", "government", "economy", "communications", "military")
_PASSAGES = 8
_REFERENCE = 400


def run(folder: Path, *, show: Callable[..., None] = print) -> None:
    """
    Show what the library does, in under a minute, without network.

    Prints short tables, and writes ``languages.png`` (heat map and dendrogram), ``subjects.png`` (confusion matrix),
    ``changepoints.png`` (where a text changes its subject) and ``stream.png`` (a log, as it comes).

    Parameters
    ----------
    folder : Path
        Where the pictures go; made if it does not exist, pictures of an earlier demo are replaced.
    show : callable
        Takes lines of text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [
        _languages(folder / "languages.png", show),
        _subjects(folder / "subjects.png", show),
        _changepoints(folder / "changepoints.png", show),
        _stream(folder / "stream.png", show),
    ]
    show("Pictures: " + ", ".join(str(picture) for picture in pictures))


def _save(figure: Any, path: Path) -> Path:
    """Write a picture whole or not at all."""
    from ncd.files import atomic_path

    with atomic_path(path, force=True) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
    return path


def _languages(path: Path, show: Callable[..., None]) -> Path:
    """Distances between translations of one text."""
    from matplotlib.figure import Figure
    from scipy.cluster.hierarchy import leaves_list

    corpus = data.load_udhr()
    start = time.perf_counter()
    distances = pairwise(corpus.texts, compressor="xz:6", symmetrize="mean")
    seconds = time.perf_counter() - start
    others = distances + np.diag(np.full(len(corpus), np.inf))
    nearest = others.argmin(1)
    show("1. Languages by compression distance")
    show(f"   The Universal Declaration of Human Rights in {len(corpus)} languages, NCD with xz:6,")
    show(f"   {len(corpus) ** 2} pairs in {seconds:.1f} s. Nothing is known of any language; nearest neighbours:")
    for family in dict.fromkeys(corpus.groups):
        members = [i for i, group in enumerate(corpus.groups) if group == family]
        pairs = ", ".join(f"{corpus.labels[i]} -> {corpus.labels[nearest[i]]}" for i in members)
        show(f"   {family}: {pairs}")
    alone = [family for family in set(corpus.groups) if corpus.groups.count(family) == 1]
    counted = [i for i, group in enumerate(corpus.groups) if group not in alone]
    hits = sum(corpus.groups[i] == corpus.groups[nearest[i]] for i in counted)
    show(f"   {hits} of {len(counted)} have their nearest neighbour in their own family;")
    show(f"   {len(corpus) - len(counted)} that are alone in theirs are left out of the count.\n")
    figure = Figure(figsize=(15, 7.5), layout="constrained")
    tree, heat = figure.subplots(1, 2, width_ratios=(1, 1.15))
    plot.dendrogram(distances, corpus.labels, groups=corpus.groups, ax=tree)
    plot.heatmap(distances, corpus.labels, order=leaves_list(plot.linkage_of(distances))[::-1], ax=heat)
    tree.set_title("average linkage; label colour = language family")
    heat.set_title("NCD, xz:6")
    return _save(figure, path)


def _subjects(path: Path, show: Callable[..., None]) -> Path:
    """Passages of an encyclopaedia by subject."""
    from matplotlib.figure import Figure
    from sklearn.metrics import confusion_matrix

    from ncd.classify.bits_saved import BitsSavedClassifier
    from ncd.compare.intervals import wilson

    train, test = data.load_factbook("train"), data.load_factbook("test")
    start = time.perf_counter()
    model = BitsSavedClassifier().fit(train.texts, train.labels)
    predicted = model.predict(test.texts)
    seconds = time.perf_counter() - start
    matrix = confusion_matrix(test.labels, predicted, labels=model.classes_)
    right = int(np.trace(matrix))
    interval = wilson(right, len(test))
    show("2. Passages of the World Factbook by subject")
    show(f"   {len(train)} passages to learn from, {len(test)} of other countries to classify, by the bits that each")
    show(f"   subject saves on their strings, and by code lengths. Fit and predict {seconds:.1f} s.")
    accuracy = f"accuracy {right / len(test):.3f}"
    show(f"   {accuracy} (95 % interval {interval.low:.3f} to {interval.high:.3f}, n = {len(test)})")
    width = max(map(len, model.classes_))
    columns = " ".join(f"{name[:7]:>7}" for name in model.classes_)
    show(f"   {'true / predicted':<{width}}  {columns}")
    for name, row in zip(model.classes_, matrix, strict=True):
        cells = " ".join(f"{count or '.':>7}" for count in row)
        show(f"   {name:<{width}}  {cells}")
    show("")
    figure = Figure(figsize=(7, 6), layout="constrained")
    ax = plot.confusion(matrix, model.classes_.tolist(), ax=figure.subplots())
    ax.set_title(f"World Factbook, {len(test)} passages, {accuracy}")
    return _save(figure, path)


def _changepoints(path: Path, show: Callable[..., None]) -> Path:
    """A text made of passages on one subject after another."""
    from ncd.changepoint import TextSegmenter
    from ncd.changepoint.overview import overview

    corpus = data.load_factbook("test")
    parts = {
        name: [t for t, label in zip(corpus.texts, corpus.labels, strict=True) if label == name] for name in _STORY
    }
    text = "".join(f"{passage}\n" for passages in parts.values() for passage in passages[:_PASSAGES])
    true = [_PASSAGES * i for i in range(len(_STORY))]
    start = time.perf_counter()
    segmenter = TextSegmenter(unit="lines").fit(text)
    found = segmenter.segmentation_
    seconds = time.perf_counter() - start
    show("3. Where a text changes its subject")
    show(f"   One text of {len(found.units)} passages, {_PASSAGES} on each of {len(_STORY)} subjects. How many there")
    show("   are is not told.")
    show(f"   {len(found)} segments in {seconds:.1f} s; the bits that each cut saves, and the first words:")
    for segment in found:
        bits = "" if segment.score is None else f"{segment.score:.1f}"
        name = _STORY[true.index(segment.start)] if segment.start in true else "(no change)"
        show(f"   {segment.start:>4} {bits:>6}  {name:<15} {segment.opening(60)}")
    hits = len(set(found.cuts) & set(true))
    show(f"   {hits} of {len(true) - 1} changes found, {len(found.cuts) - hits} cuts where there is none.\n")
    figure = overview(found, segmenter.cost_)
    figure.suptitle(", ".join(_STORY))
    return _save(figure, path)


def _stream(path: Path, show: Callable[..., None]) -> Path:
    """A web server's log, line by line."""
    from matplotlib.figure import Figure

    from ncd.exceptions import DependenceWarning
    from ncd.streams import StreamDetector

    log = data.load_weblog()
    detector = StreamDetector(reference=_REFERENCE, arl=10_000)
    statistic, bits = np.zeros(len(log.lines)), np.zeros(len(log.lines))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DependenceWarning)  # readers go from page to page
        for i, line in enumerate(log.lines):
            detector.update(line)
            if detector.n_units == _REFERENCE:
                bits = -detector.score_samples(log.lines)
            change = detector.last_change if detector.drift_detected else None
            statistic[i] = change.statistic if change is not None else detector.statistic
    show("4. A stream: a web server's log, line by line")
    show(f"   {len(log.lines):,} lines, of which the first {_REFERENCE} are the reference. A false alarm within t")
    show("   lines has a probability of t / 10,000 at most, if lines do not depend on each other. A scanner sets in")
    show(f"   in line {log.change + 1:,}.")
    for change in detector.changes:
        new = " | ".join(piece.shown[:40] for piece in change.novel[:4])
        show(f"   change at line {change.start + 1:,}, known at {change.unit + 1:,}; new: {new}")
    show("")
    figure = Figure(figsize=(9, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(bits, ".", color="0.4", markersize=2)
    above.axvline(_REFERENCE, color="0.6", linewidth=0.8)
    above.text(_REFERENCE, above.get_ylim()[1], " reference until here", va="top", color="0.4", fontsize=8)
    above.set_ylabel("bits a byte under the reference")
    above.spines[["top", "right"]].set_visible(False)
    plot.statistic(statistic, detector.threshold, detector.changes, ax=below).set_xlabel("line")
    figure.suptitle("A scanner in a web server's log")
    return _save(figure, path)
