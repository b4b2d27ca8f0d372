"""``ncd distance``: two texts."""

from __future__ import annotations

import argparse
from typing import Any

from ncd.cli.options import UsageError, add_distance_options, checked_codec, refuse_two_stdin
from ncd.cli.output import json_line, print_table, sink

NAME = "distance"
SUMMARY = "code lengths and every distance of two files"
DESCRIPTION = """\
L(x) is the number of bytes that the compressor needs for the first text, L(y) for the second, L(xy) and L(yx) for one
followed by the other with the separator between them. From these:

  ncd              (L(xy) - min(L(x), L(y))) / max(L(x), L(y))
  ncd_conditional  (L(xy) - L(x)) / max(L(x), L(y))
  cdm              L(xy) / (L(x) + L(y))
  clm              1 - (L(x) + L(y) - L(xy)) / L(xy)
  cosine           1 - (L(x) + L(y) - L(xy)) / sqrt(L(x) L(y))
  savings          -(L(x) + L(y) - L(xy)) / ln L(y)
  nrc              (L(xy) - L(x)) / L(y)

Smaller means more alike. All but savings (bytes saved, negated) end near 1 for texts with nothing in common; cdm starts
at 1/2, the others near 0. Each is printed for (x, y) and for (y, x), which differ a little with real compressors.

Files are read as bytes, whatever their names; those that end in .gz or .zst are decompressed first."""
EXAMPLES = """\
  ncd distance one.txt two.txt --compressor zstd:19
  ncd distance --text "to be or not to be" "to be or to be not" --json
  head -c 10000 book.txt | ncd distance - other.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("a", metavar="A", help="a file, or - for standard input")
    parser.add_argument("b", metavar="B", help="another")
    parser.add_argument("--text", action="store_true", help="A and B are the texts themselves, not names of files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_distance_options(parser, metric=False, pairs=False)


def run(arguments: argparse.Namespace) -> None:
    """Print the lengths and distances."""
    codec = checked_codec(arguments.compressor)
    x, y = _texts(arguments)
    from ncd.distances.lengths import METRICS
    from ncd.pairwise import joint_lengths

    def joint(first: bytes, second: bytes) -> Any:
        options = {"compressor": codec, "separator": arguments.separator, "joint": arguments.joint, "n_jobs": 1}
        return joint_lengths([first], [second], **options)[0, 0].item()

    cut = codec.overhead if arguments.remove_overhead else 0
    lengths = {"x": codec.length(x) - cut, "y": codec.length(y) - cut, "xy": joint(x, y) - cut, "yx": joint(y, x) - cut}
    distances = {
        name: {
            "xy": float(metric(lengths["x"], lengths["y"], lengths["xy"])),
            "yx": float(metric(lengths["y"], lengths["x"], lengths["yx"])),
        }
        for name, (metric, _) in METRICS.items()
    }
    if arguments.json:
        with sink(None, force=False) as out:
            out.write(json_line({"compressor": codec.name, "lengths": lengths, "distances": distances}))
        return
    rows: list[tuple[str, Any]] = [(f"L({name})", length) for name, length in lengths.items()]
    for name, both in distances.items():
        rows += [(f"{name}(x,y)", f"{both['xy']:.6g}"), (f"{name}(y,x)", f"{both['yx']:.6g}")]
    print_table([codec.name, "value"], rows)


def _texts(arguments: argparse.Namespace) -> tuple[bytes, bytes]:
    """The two texts as bytes."""
    from ncd.corpus import as_bytes
    from ncd.readers import read_texts

    if not arguments.text:
        refuse_two_stdin([arguments.a, arguments.b])
        one, two = (
            as_bytes(_only(read_texts(path, format="plain").texts, path)) for path in (arguments.a, arguments.b)
        )
        return one, two
    for name in ("a", "b"):
        if not getattr(arguments, name):
            raise UsageError(f"{name.upper()} is empty: a distance to nothing says nothing")
    return as_bytes(arguments.a), as_bytes(arguments.b)


def _only(texts: list[str] | list[bytes], path: str) -> str | bytes:
    """The text of a file; a folder is none."""
    if len(texts) != 1:
        raise UsageError(f"{path} is a folder of {len(texts)} texts: give a file, or use 'ncd matrix'")
    return texts[0]
