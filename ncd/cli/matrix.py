"""``ncd matrix``: the distances of all pairs."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from ncd.cli.options import (
    INPUTS,
    UsageError,
    add_distance_options,
    add_input_options,
    add_output_options,
    add_work_options,
    distance_options,
    read,
    refuse_two_stdin,
)
from ncd.cli.output import check_output, print_table, sink
from ncd.exceptions import MissingLibraryError

NAME = "matrix"
SUMMARY = "the distances of all pairs of texts"
DESCRIPTION = f"""\
Row i, column j is the distance of text i from text j,
  NCD(x, y) = (L(xy) - min(L(x), L(y))) / max(L(x), L(y)),
with L the code length, or another distance with --metric. The diagonal is computed like everything else and is above
0. d(x, y) and d(y, x) differ a little; --order sorted or --symmetrize make the matrix symmetric.

  -o FILE.npy      the matrix alone, for numpy.load; written block by block,
                   so that it may be larger than memory
  -o FILE.zarr     the same as a zarr array, a folder; needs
                   pip install 'ncd[zarr]'
  -o FILE.csv      names as first column and as header
  -o FILE.parquet  the same; needs pip install 'ncd[parquet]'
  without -o       standard output: tab-separated, or a table if it is small
                   and goes to a terminal

With --checkpoint, an interrupted run keeps what it has (FILE.npy.partial and FILE.npy.progress) and the same command
goes on from there. Texts of several PATHs are put one after another. A text's name is the path of its file, with the
line number in files of many texts; --names FILE writes the names, one a line.

{INPUTS}"""
EXAMPLES = """\
  ncd matrix chapters/*.txt --compressor zstd:19 -o distances.csv
  ncd matrix articles.jsonl.gz -o distances.npy --names names.txt --checkpoint
"""
_BLOCKWISE = (".npy", ".zarr")
_ENDINGS = (*_BLOCKWISE, ".csv", ".parquet")
_WIDEST_TABLE = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or a folder; see inputs above")
    add_input_options(parser, labels=False)
    add_distance_options(parser)
    add_work_options(parser)
    add_output_options(parser, "a name in .npy, .zarr, .csv or .parquet (default: standard output)")
    parser.add_argument("--names", metavar="FILE", help="also write the names of the texts, one a line, in order")
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="of numbers (default: float64)"
    )
    parser.add_argument(
        "--checkpoint", action="store_true", help="keep and take up an interrupted run (.npy and .zarr)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Compute and write the matrix."""
    ending = _ending(arguments)
    refuse_two_stdin(arguments.paths)
    options = distance_options(arguments)
    texts, names = _texts(arguments)
    if ending in (".csv", ".parquet"):
        _refuse_equal(names)
    from ncd.pairwise import pairwise

    if ending in _BLOCKWISE:
        options |= {"out": arguments.output, "checkpoint": arguments.checkpoint}
    try:
        matrix = pairwise(texts, dtype=arguments.dtype, **options)
    except KeyboardInterrupt:
        if arguments.checkpoint:
            print(
                f"ncd: note: what is done is kept beside {arguments.output}; the same command goes on from there",
                file=sys.stderr,
            )
        raise
    if ending == "":
        _show(matrix, names)
    elif ending not in _BLOCKWISE:
        write: Callable[..., None] = _write_csv if ending == ".csv" else _write_parquet
        with sink(arguments.output, force=arguments.force) as out:
            write(out, matrix, names)
    if arguments.names is not None:
        with sink(arguments.names, force=arguments.force) as out:
            out.writelines(name.encode("utf-8", "surrogateescape") + b"\n" for name in names)


def _ending(arguments: argparse.Namespace) -> str:
    """Check where things go; the ending of the output's name, or nothing for standard output."""
    output = None if arguments.output == "-" else arguments.output
    ending = "" if output is None else Path(output).suffix.lower()
    if output is not None and ending not in _ENDINGS:
        raise UsageError(f"--output is {output!r}: its name must end in one of {', '.join(_ENDINGS)}")
    if arguments.checkpoint and ending not in _BLOCKWISE:
        raise UsageError("--checkpoint goes with -o FILE.npy or FILE.zarr only")
    if output is not None and ending in _BLOCKWISE and Path(output).suffix != ending:
        raise UsageError(f"--output is {output!r}: write the ending as {ending}")
    if output is not None and arguments.names == output:
        raise UsageError(f"--names and --output are both {output!r}: choose two files")
    if ending == ".zarr":
        _check_folder(Path(arguments.output), arguments.force)
    else:
        check_output(output, force=arguments.force)
    check_output(arguments.names, force=arguments.force)
    if ending == ".parquet":
        _pyarrow()
    return ending


def _check_folder(path: Path, force: bool) -> None:
    """Raise unless a zarr array may be written."""
    from ncd.storage import Zarr

    if path.exists() and not force:
        raise UsageError(f"{path} exists already: choose another name, or replace it with --force")
    Zarr.check(path)


def _texts(arguments: argparse.Namespace) -> tuple[list[bytes], list[str]]:
    """Texts of all inputs, one after another, and their names."""
    from ncd.corpus import as_bytes

    texts: list[bytes] = []
    names: list[str] = []
    for path in arguments.paths:
        found = read(path, arguments, labels=None)
        texts += map(as_bytes, found.texts)
        names += found.names
    return texts, names


def _refuse_equal(names: list[str]) -> None:
    """Raise where two rows, or two columns, would have one name."""
    seen = {"name"}  # the first column's own
    for name in names:
        if name in seen:
            raise UsageError(f"two columns would be named {name!r}: give each PATH once, or write .npy with --names")
        seen.add(name)


def _show(matrix: Any, names: list[str]) -> None:
    """Print the matrix."""
    terminal = sys.stdout.isatty()
    if terminal and len(names) <= _WIDEST_TABLE:
        body = ((name, *(f"{value:.3f}" for value in row)) for name, row in zip(names, matrix.tolist(), strict=True))
        print_table(["", *(str(i + 1) for i in range(len(names)))], _numbered(body))
        return
    with sink(None, force=False) as out:
        _write_csv(out, matrix, names, delimiter="\t")


def _numbered(rows: Any) -> Any:
    """Rows whose names carry the number of their column."""
    return ((f"{i} {name}", *values) for i, (name, *values) in enumerate(rows, 1))


def _write_csv(out: BinaryIO, matrix: Any, names: list[str], delimiter: str = ",") -> None:
    """Names as header and first column; numbers in full, so that reading gives the same ones."""
    text = io.TextIOWrapper(out, "utf-8", "surrogateescape", newline="", write_through=False)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["name", *names])
    writer.writerows((name, *map(str, row)) for name, row in zip(names, matrix, strict=True))
    text.flush()
    text.detach()  # the file is closed by who opened it


def _write_parquet(out: BinaryIO, matrix: Any, names: list[str]) -> None:
    """A column of names, then a column a text."""
    arrow, parquet = _pyarrow()
    columns = {"name": arrow.array(names)} | {name: arrow.array(matrix[:, j]) for j, name in enumerate(names)}
    parquet.write_table(arrow.table(columns), out)


def _pyarrow() -> tuple[Any, Any]:
    """The library that writes parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:  # any other ImportError says itself what is wrong
        raise MissingLibraryError.of("writing .parquet", "parquet") from None
    return pyarrow, pyarrow.parquet
