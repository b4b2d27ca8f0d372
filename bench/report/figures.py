"""What the scripts of the report's figures share: where pictures go, and how they look."""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.common import ROOT, Results

FOLDER = ROOT / "bench" / "results" / "report"
# Colours that colour-blind readers can tell apart (Okabe & Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MOST_BYTES = 60_000


def results_of(name: str, key: Sequence[str], output: Path | None, packages: Sequence[str] = ()) -> Results:
    """The file of a figure beside its picture: in the project's folder, or in one given by path."""
    return Results(name if output else f"report/{name}", key, output, packages)


def add_folders(parser: argparse.ArgumentParser, *, vectors: bool = False) -> None:
    """Where everything goes; and the word vectors, if the figure is of such."""
    parser.add_argument("--output", type=Path, help="folder for everything, in place of the project's")
    if vectors:
        parser.add_argument("--vectors", type=Path, metavar="FILE", help="word vectors in place of those trained here")


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; other vectors do not go beside those trained here into the project's figures."""
    given = parser.parse_args(arguments)
    if getattr(given, "vectors", None) and not given.output:
        parser.error("--vectors needs --output: the project's figures are of the vectors trained here")
    return given


@contextmanager
def panels(
    name: str, rows: int, columns: int, output: Path | None, size: tuple[float, float], *, sharex: bool = False
) -> Iterator[Any]:
    """The Axes of a figure that is written as NAME.png afterwards."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from PIL import Image

    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", sharex=sharex)
    try:
        for ax in figure.axes:
            ax.spines[["top", "right"]].set_visible(False)
        yield axes
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=110)
    finally:
        plt.close(figure)
    path = (output or FOLDER) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True)  # a third of the bytes
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, and pictures have {MOST_BYTES:,} at most")


@contextmanager
def picture(name: str, output: Path | None = None, size: tuple[float, float] = (6.0, 3.6)) -> Iterator[Any]:
    """The one Axes of a figure that is written as NAME.png afterwards."""
    with panels(name, 1, 1, output, size) as ax:
        yield ax
