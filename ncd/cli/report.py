"""How good predictions are: accuracy with an interval, a table of classes, the confusion matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from ncd.cli.output import print_table
from ncd.compare.intervals import wilson

__all__ = ["print_report"]

_WIDEST_MATRIX = 20
_CONFUSIONS_SHOWN = 20


def print_report(
    labels: Sequence[str], predictions: Sequence[str], classes: Sequence[str], *, times: str, stream: TextIO
) -> None:
    """
    Print accuracy, classes and confusions.

    Parameters
    ----------
    labels, predictions : sequences of str
        What is right and what was said, text by text.
    classes : sequence of str
        Classes that the model knows; a label that is none of them cannot be predicted and counts as an error.
    times : str
        How long it took.
    stream : text file
    """
    counts = Counter(zip(labels, predictions, strict=True))
    right, n = sum(counts[name, name] for name in classes), len(labels)
    share = wilson(right, n)
    interval = f"95 % interval {share.low:.4f} to {share.high:.4f}"
    stream.write(f"accuracy {share.value:.4f} ({interval}; {right} of {n} right; {times})\n")
    unknown = sorted(set(labels) - set(classes))
    if unknown:
        lost = sum(label in unknown for label in labels)
        stream.write(f"{lost} texts have labels that the training does not have: {', '.join(unknown)}\n")
    shown = [*classes, *unknown]
    have, said = Counter(labels), Counter(predictions)
    _print_classes(shown, counts, have, said, stream)
    if len(shown) <= _WIDEST_MATRIX:
        rows = [(label, *(counts[label, prediction] for prediction in shown)) for label in shown if have[label]]
        print_table(["label / prediction", *shown], rows, title="confusion matrix", stream=stream)
    else:
        wrong = [(pair, count) for pair, count in counts.most_common() if pair[0] != pair[1]]
        rows = [(*pair, count) for pair, count in wrong[:_CONFUSIONS_SHOWN]]
        title = (
            f"most frequent confusions ({len(rows)} of {len(wrong)}; {len(shown)} classes are too many for a matrix)"
        )
        print_table(["label", "prediction", "texts"], rows, title=title, left=2, stream=stream)
    stream.flush()


def _print_classes(
    shown: Sequence[str],
    counts: Counter[tuple[str, str]],
    have: Counter[str],
    said: Counter[str],
    stream: TextIO,
) -> None:
    """Precision, recall and F1 of every class; a dash where there is nothing to divide by."""

    def share(part: int, whole: int) -> str:
        return f"{part / whole:.3f}" if whole else "-"

    rows = [
        (
            name,
            have[name],
            said[name],
            share(counts[name, name], said[name]),
            share(counts[name, name], have[name]),
            share(2 * counts[name, name], said[name] + have[name]),
        )
        for name in shown
    ]
    print_table(["class", "texts", "predicted", "precision", "recall", "f1"], rows, title="classes", stream=stream)
