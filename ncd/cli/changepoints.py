"""``ncd changepoints``: where a text or a sequence of numbers changes."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncd.cli.options import UsageError, add_download_option, checked_codec, checked_embedder, neighbor_count
from ncd.cli.output import check_output, json_line, print_table, sink

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ncd.changepoint import Segmentation, Verification

NAME = "changepoints"
SUMMARY = "where the subject, author, language or format of a text changes"
DESCRIPTION = """\
Cuts a text into segments so that the sum of their code lengths is smallest. The number of segments is chosen by the
bits that a message about the cuts would take, unless --segments gives it. --penalty multiplies these bits: above 1,
fewer segments.

--method is what the code length of a segment is:

  auto        words, or chars where a script writes no spaces (default)
  words       Dirichlet code of words: subjects, in any language
  chars       the same of runs of characters
  u00         Utiyama & Isahara's word code
  kernel      compression distances of the units to each other
  embedding:NAME
              vectors of the units, such as embedding:tfidf or embedding:minilm
  COMPRESSOR  such as ppm:3 or zlib: its code length, less that of the same text
              shuffled: authors, languages, formats, any bytes
  report      gzip's byte stream, list estimator, prefixes: for comparison only,
              no better than chance

Printed is a line a segment: its first unit and byte, the bits that the cut before it saves (what joining it with the
segment before would cost), its p-value, and its first words. A cut always saves bits. The p-value says how often
ordinary texts without a change have a cut that saves as much (a reference, made from other texts, for whole texts: of a
cut between two short segments it says little).

With --numbers the file holds numbers, one line an element, with semicolons, tabs, commas or spaces between columns;
lines that begin with # and a header are passed over, and positions count elements from 0.
--method is then ctw (default: code lengths by context trees), distributional (the distance of PyChest's papers), ngram
or trend (a series with trends and noise); --penalty is the bits that a change has to save. "No change" is an answer.

--verify tests every cut: the bits that it saves against shuffles of the text and against ordinary drift, whether other
compressors and half of the units say the same, and the bracket of prefixes whose compressed length reaches it.

FILE is read as bytes, whatever its name; those that end in .gz or .zst are decompressed first; - is standard input."""
EXAMPLES = """\
  ncd changepoints minutes.txt
  ncd changepoints book.txt --segments 12 --plot book.png
  ncd changepoints firmware.bin --method ppm:3 --unit bytes --segments 3    # some seconds for 100 KB
  cat chat.log | ncd changepoints - --unit lines --verify --json
  ncd changepoints sensor.csv --numbers
"""
_SEQUENCES = ("ctw", "distributional", "ngram", "trend")
_MOST_PANELS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", metavar="FILE", help="a text, or - for standard input")
    parser.add_argument("--method", metavar="NAME", help="see above (default: auto; ctw with --numbers)")
    add_download_option(parser)
    parser.add_argument("--segments", type=neighbor_count, metavar="N", help="number of segments (default: chosen)")
    parser.add_argument(
        "--penalty",
        type=float,
        metavar="X",
        help="multiplies the bits of number and places (default: 1); with --numbers, bits",
    )
    parser.add_argument(
        "--unit",
        choices=("sentences", "lines", "words", "chars", "bytes"),
        help="what segments consist of (default: sentences)",
    )
    parser.add_argument("--max-length", type=neighbor_count, metavar="N", help="units that a segment has at most")
    parser.add_argument("--numbers", action="store_true", help="the file holds numbers, not text")
    parser.add_argument("--verify", action="store_true", help="test every cut")
    parser.add_argument(
        "--compressor", metavar="NAME", help="of --verify and of --method report; see 'ncd list' (default: gzip)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a picture: png, pdf or svg")
    parser.add_argument("--force", action="store_true", help="replace the picture")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> None:
    """Find changepoints, verify and draw them if wanted, print."""
    _check(arguments)
    data = _content(arguments.file)
    if arguments.numbers:
        _sequence(data, arguments)
    elif arguments.method == "report":
        _report(data, arguments)
    else:
        _text(data, arguments)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that have no use here, before anything is read."""
    method = arguments.method
    refused: dict[str, Any] = {}
    if arguments.numbers:
        if method not in (None, *_SEQUENCES):
            raise UsageError(f"--method {method}: with --numbers choose from {', '.join(_SEQUENCES)}")
        names = ("unit", "max_length", "verify", "compressor")
        refused = dict.fromkeys(names, "--numbers")
    elif method in ("distributional", "trend"):
        raise UsageError(f"--method {method} is for numbers: add --numbers")
    elif method == "report":
        refused = dict.fromkeys(("segments", "penalty", "max_length", "verify"), "--method report")
    elif not arguments.verify:
        refused = {"compressor": "this method: it is for --verify and --method report"}
    if arguments.segments is not None and arguments.penalty is not None:
        refused["penalty"] = "--segments, which gives the number"
    for name, other in refused.items():
        if getattr(arguments, name) not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')} has no use with {other}")
    arguments.made = checked_embedder(_embedder_name(arguments), arguments)
    if arguments.compressor is not None:
        checked_codec(arguments.compressor)
    if arguments.plot is not None:
        if arguments.plot.suffix.lower() not in (".png", ".pdf", ".svg"):
            raise UsageError(f"--plot {arguments.plot}: give a name that ends in .png, .pdf or .svg")
        check_output(str(arguments.plot), force=arguments.force)


def _embedder_name(arguments: argparse.Namespace) -> str | None:
    """What --method embedding:NAME names."""
    kind, _, name = (arguments.method or "").partition(":")
    return name if kind == "embedding" and name else None


def _content(path: str) -> bytes:
    """The bytes of a file or of standard input."""
    from ncd.corpus import as_bytes
    from ncd.readers import read_texts

    if path != "-" and Path(path).is_dir():
        raise UsageError(f"{path} is a folder: give a file")
    return as_bytes(read_texts(path, format="plain", allow_empty=True).texts[0])


def _text(data: bytes, arguments: argparse.Namespace) -> None:
    """Segments of a text."""
    from ncd.changepoint import TextSegmenter
    from ncd.changepoint.overview import overview

    cost: Any = arguments.method or "auto"
    if arguments.made is not None:
        from ncd.changepoint.embedding_cost import EmbeddingCost

        cost = EmbeddingCost(arguments.made)
    segmenter = TextSegmenter(
        cost,
        arguments.segments,
        penalty="auto" if arguments.penalty is None else arguments.penalty,
        unit=arguments.unit or "sentences",
        max_length=arguments.max_length,
    ).fit(data)
    found = segmenter.segmentation_
    checks = _verified(found, arguments) if arguments.verify else []
    if arguments.plot is not None:
        _save(overview(found, segmenter.cost_), arguments)
    if arguments.json:
        record = found.to_dict()
        if arguments.verify:
            record["verification"] = [check.to_dict() for check in checks]
        _print_json(record)
        return
    print_table(
        [found.units.unit[:-1] if found.units.unit != "bytes" else "unit", "byte", "bits", "p", "begins"],
        [
            (
                segment.start,
                segment.byte_start,
                "" if segment.score is None else f"{segment.score:.1f}",
                "" if segment.p_value is None else f"{segment.p_value:.2g}",
                segment.opening(60),
            )
            for segment in found
        ],
        title=repr(found).partition("\n")[0].strip("<>").removeprefix("Segmentation: "),
        left=0,
        right=(0, 1, 2, 3),
    )
    for check in checks:
        print(f"\n{check!r}")


def _verified(found: Segmentation, arguments: argparse.Namespace) -> list[Verification]:
    """Each cut, tested within the two segments that it parts."""
    from ncd.changepoint.verify import verify

    edges = [*(segment.byte_start for segment in found), len(found.units.text)]
    return [
        verify(
            found.units.text,
            edges[i],
            arguments.compressor or "gzip",
            counted="text",
            within=(edges[i - 1], edges[i + 1]),
        )
        for i in range(1, len(edges) - 1)
    ]


def _report(data: bytes, arguments: argparse.Namespace) -> None:
    """The report's experiment."""
    from matplotlib.figure import Figure

    from ncd.changepoint import report_experiment

    found = report_experiment(data, compressor=arguments.compressor or "gzip", unit=arguments.unit or "words")
    if arguments.plot is not None:
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        found.plot(figure.subplots())
        _save(figure, arguments)
    if arguments.json:
        _print_json(found.to_dict())
    else:
        print(found)


def _sequence(data: bytes, arguments: argparse.Namespace) -> None:
    """Changepoints of numbers."""
    from ncd.changepoint import SequenceChangepoints

    values = _numbers(data, arguments.file)
    model = SequenceChangepoints(
        arguments.method or "ctw",
        n_changepoints=None if arguments.segments is None else arguments.segments - 1,
        penalty="auto" if arguments.penalty is None else arguments.penalty,
    ).fit(values)
    cuts, gains = model.changepoints_.tolist(), model.gains_.tolist()
    bounds: list[float | None] = [None] * len(cuts) if model.significances_ is None else model.significances_.tolist()
    if arguments.plot is not None:
        _save(_series(values, cuts), arguments)
    if arguments.json:
        found = [{"position": c, "gain": g, "significance": p} for c, g, p in zip(cuts, gains, bounds, strict=True)]
        _print_json({"method": model.method, "n": len(values), "changepoints": found})
        return
    columns = f" of {values.shape[1]} columns" if values.shape[1] > 1 else ""
    answer = "no change" if not cuts else "1 change" if len(cuts) == 1 else f"{len(cuts)} changes"
    print_table(
        ["position", "bits", "significance"],
        [
            (cut, f"{gain:.1f}", "" if bound is None else f"{bound:.2g}")
            for cut, gain, bound in zip(cuts, gains, bounds, strict=True)
        ],
        title=f"{answer} in {len(values):,} elements{columns}, method {model.method!r}",
        left=0,
    )


def _numbers(data: bytes, name: str) -> NDArray[np.float64]:
    """Numbers of a table, shape (lines, columns); a first line without any digit is a header."""
    import numpy as np

    lines = [
        (number, line)
        for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if lines and not any(map(str.isdigit, lines[0][1])) and len(lines) > 1:
        del lines[0]
    if not lines:
        raise UsageError(f"{name} holds no numbers")
    delimiter = next((mark for mark in ";\t," if mark in lines[0][1]), None)
    rows = [_row(line, delimiter, f"{name}, line {number}") for number, line in lines]
    for (number, _), row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise UsageError(f"{name}, line {number}: {len(row)} columns, where the first line has {len(rows[0])}")
    if len(rows) == 1 < len(rows[0]):
        raise UsageError(f"{name} is one line of {len(rows[0])} numbers: put one element on a line")
    return np.array(rows)


def _row(line: str, delimiter: str | None, where: str) -> list[float]:
    """The numbers of a line; between semicolons a comma is a decimal point."""
    numbers = []
    for column, field in enumerate(line.split(delimiter), 1):
        cell = field.strip().strip('"')
        if not cell:
            raise UsageError(f"{where}: column {column} is empty")
        try:
            numbers.append(float(cell.replace(",", ".") if delimiter == ";" else cell))
        except ValueError:
            raise UsageError(f"{where}: {line[:40]!r} is not a line of numbers") from None
    return numbers


def _series(values: NDArray[np.float64], cuts: list[int]) -> Figure:
    """The numbers, a panel a column, with the cuts."""
    import numpy as np
    from matplotlib.figure import Figure

    from ncd.changepoint.pictures import curve

    columns = values.shape[1]
    if columns > _MOST_PANELS:
        raise UsageError(f"--plot: {columns} columns are too many for a picture, {_MOST_PANELS} at most")
    figure = Figure(figsize=(9, 1.5 + 2 * columns), layout="constrained")
    for column, ax in enumerate(figure.subplots(columns, 1, sharex=True, squeeze=False)[:, 0]):
        last = column == columns - 1
        curve(
            np.arange(len(values)),
            values[:, column],
            cuts=cuts,
            xlabel="position" if last else "",
            ylabel="value" if columns == 1 else f"column {column + 1}",
            ax=ax,
        )
    return figure


def _save(figure: Figure, arguments: argparse.Namespace) -> None:
    """Write the picture whole or not at all."""
    from ncd.files import atomic_path

    path: Path = arguments.plot
    with atomic_path(path, force=arguments.force) as temporary, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure.savefig(temporary, dpi=150, format=path.suffix[1:].lower())
    if any("missing from font" in str(one.message) for one in said):
        print(
            "ncd: warning: no installed font has some of the characters: they are boxes in the picture", file=sys.stderr
        )
    print(f"picture: {path}", file=sys.stderr)


def _print_json(record: dict[str, Any]) -> None:
    """One line of JSON."""
    with sink(None, force=False) as out:
        out.write(json_line(record))
