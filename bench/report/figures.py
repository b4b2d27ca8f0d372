"""What the scripts of the report's figures share: where pictures go, and how they look."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.common import ROOT

FOLDER = ROOT / "bench" / "results" / "report"
# Colours that colour-blind readers can tell apart (Okabe & Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MOST_BYTES = 60_000


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
