"""``ncd list``: the compressors and the embedders."""

from __future__ import annotations

import argparse

from ncd.cli.output import json_line, print_table, sink

NAME = "list"
SUMMARY = "list the compressors and embedders, installed or not"
DESCRIPTION = """\
A compressor gives code lengths: L(x) is the number of bytes, or bits, that it needs for x.

  name      the default setting: 'zstd' is 'zstd:3', 'zstd:19' another level
  levels    what may stand after the colon; other parameters follow a comma,
            as in brotli:11,lgwin=24
  unit      what its code lengths are counted in: bytes of a stream, or bits
            where the compressor is a model
  primed    whether L(y|x) can be had directly (--joint primed) instead of
            as L(xy) - L(x)
  window    how far back, in bytes, matches are found: parts of longer texts
            are out of each other's sight
  overhead  constant bytes of header and trailer, which every code length
            includes (see --remove-overhead)
  library   library and version; where it is missing, how to install it

An embedder gives vectors, whose distances can stand where those of code lengths stand (--embedder). What is in brackets
may be left out. With --json, "kind" tells compressors and embedders apart."""
EXAMPLES = """\
  ncd list
  ncd list --json | grep zstd
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> None:
    """Print the table."""
    from ncd.compressors.registry import available
    from ncd.embed.registry import available_embedders

    rows, embedders = available(), available_embedders()
    if arguments.json:
        with sink(None, force=False) as out:
            out.writelines(json_line({"kind": "compressor"} | row.to_dict()) for row in rows)
            out.writelines(json_line({"kind": "embedder"} | row.to_dict()) for row in embedders)
        return
    print_table(
        ["name", "levels", "unit", "primed", "window", "overhead", "library"],
        [
            (
                row.name,
                row.levels,
                row.unit,
                "yes" if row.can_prime else "no",
                _window(row.window, row.installed),
                row.overhead,
                row.version if row.installed else f"missing: {row.version}",
            )
            for row in rows
        ],
        right=(4, 5),
    )
    print()
    print_table(
        ["name", "learns", "embedder"],
        [
            (
                _spelled(row.name, row.optional),
                "yes" if row.learns else "no",
                row.about if row.installed else f"missing: {row.about}",
            )
            for row in embedders
        ],
    )


def _spelled(name: str, optional: bool) -> str:
    """An embedder's name, with what may be left out in brackets."""
    family, colon, argument = name.partition(":")
    return f"{family}[{colon}{argument}]" if optional and colon else name


def _window(window: int | None, installed: bool) -> str:
    """The window in words; unknown where the library is missing."""
    if window is not None:
        return str(window)
    return "none" if installed else ""
