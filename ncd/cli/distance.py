"""``ncd distance``: two texts."""

from __future__ import annotations

import argparse
from typing import Any

from ncd.cli.options import (
    UsageError,
    add_distance_options,
    checked_codec,
    checked_embedder,
    refuse_beside_embedder,
    refuse_two_stdin,
)
from ncd.cli.output import json_line, print_table, sink

NAME = "distance"
SUMMARY = "code lengths and every distance of two files"
DESCRIPTION = """\
L(x) is the number of bytes that the compressor needs for the first text, L(y) for the second, L(xy) and L(yx) for one
followed by the other with the separator between them; for models, such as ppm, it is the number of bits. From these:

  ncd              (L(xy) - min(L(x), L(y))) / max(L(x), L(y))
  ncd_conditional  (L(xy) - L(x)) / max(L(x), L(y))
  cdm              L(xy) / (L(x) + L(y))
  clm              1 - (L(x) + L(y) - L(xy)) / L(xy)
  cosine           1 - (L(x) + L(y) - L(xy)) / sqrt(L(x) L(y))
  savings          -(L(x) + L(y) - L(xy)) / ln L(y)
  nrc              (L(xy) - L(x)) / L(y)

Smaller means more alike. All but savings (what is saved, negated) end near 1 for texts with nothing in common; cdm
starts at 1/2, the others near 0. Each is printed for (x, y) and for (y, x), which differ a little with real
compressors.

With --embedder it is the distances of the texts' vectors, cosine and euclidean, and nothing is compressed. An embedder
that learns, such as tfidf, has only these two texts to learn from.

Files are read as bytes, whatever their names; those that end in .gz or .zst are decompressed first."""
EXAMPLES = """\
  ncd distance one.txt two.txt --compressor zstd:19
  ncd distance --text "to be or not to be" "to be or to be not" --json
  ncd distance one.txt two.txt --embedder minilm
  head -c 10000 book.txt | ncd distance - other.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("a", metavar="A", help="a file, or - for standard input")
    parser.add_argument("b", metavar="B", help="another")
    parser.add_argument("--text", action="store_true", help="A and B are the texts themselves, not names of files")
    parser.add_argument("--allow-empty", action="store_true", help="let an empty text pass")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_distance_options(parser, metric=False, pairs=False)


def run(arguments: argparse.Namespace) -> None:
    """Print the lengths and distances."""
    embedder = checked_embedder(arguments.embedder, arguments, keep=True)
    if embedder is not None:
        refuse_beside_embedder(arguments, ("compressor", "separator", "joint", "remove_overhead", "allow_empty"))
        _of_vectors(embedder, arguments)
        return
    codec = checked_codec(arguments.compressor or "gzip")
    x, y = _texts(arguments)
    from ncd.distances.lengths import METRICS
    from ncd.pairwise import joint_lengths

    options: dict[str, Any] = {
        "separator": " " if arguments.separator is None else arguments.separator,
        "joint": arguments.joint or "concat",
        "allow_empty": True,
        "n_jobs": 1,
    }
    cut = codec.overhead if arguments.remove_overhead else 0
    lengths = {
        "x": codec.length(x) - cut,
        "y": codec.length(y) - cut,
        "xy": joint_lengths([x], [y], compressor=codec, **options)[0, 0].item() - cut,
        "yx": joint_lengths([y], [x], compressor=codec, **options)[0, 0].item() - cut,
    }
    distances = {
        name: {
            "xy": float(metric(lengths["x"], lengths["y"], lengths["xy"])),
            "yx": float(metric(lengths["y"], lengths["x"], lengths["yx"])),
        }
        for name, (metric, _) in METRICS.items()
    }
    if arguments.json:
        with sink(None, force=False) as out:
            out.write(
                json_line({"compressor": codec.name, "unit": codec.unit, "lengths": lengths, "distances": distances})
            )
        return
    rows: list[tuple[str, Any]] = [("unit", codec.unit), *((f"L({name})", length) for name, length in lengths.items())]
    for name, both in distances.items():
        rows += [(f"{name}(x,y)", f"{both['xy']:.6g}"), (f"{name}(y,x)", f"{both['yx']:.6g}")]
    print_table([codec.name, "value"], rows)


def _of_vectors(embedder: Any, arguments: argparse.Namespace) -> None:
    """Print the distances of the texts' vectors."""
    from ncd.distances.vectors import VECTOR_METRICS
    from ncd.embed.base import as_strings, learned

    texts = as_strings(_texts(arguments))
    vectors = learned(embedder, texts).encode(texts)
    distances = {name: float(metric(vectors[:1], vectors[1:])[0, 0]) for name, metric in VECTOR_METRICS.items()}
    if arguments.json:
        with sink(None, force=False) as out:
            out.write(json_line({"embedder": embedder.name, "dim": vectors.shape[1], "distances": distances}))
        return
    rows = [("dimensions", vectors.shape[1]), *((name, f"{value:.6g}") for name, value in distances.items())]
    print_table([embedder.name, "value"], rows)


def _texts(arguments: argparse.Namespace) -> list[bytes]:
    """The two texts as bytes."""
    from ncd.corpus import as_bytes
    from ncd.readers import read_texts

    given = {"A": arguments.a, "B": arguments.b}
    if arguments.text:
        for name, text in given.items():
            if not text and not arguments.allow_empty:
                raise UsageError(f"{name} is empty: a distance to nothing says nothing; give a text, or --allow-empty")
        return [as_bytes(text, name=name) for name, text in given.items()]
    refuse_two_stdin(list(given.values()))
    found = [read_texts(path, format="plain", allow_empty=arguments.allow_empty) for path in given.values()]
    for file in found:
        if len(file) != 1 or file.names != [file.path]:
            raise UsageError(f"{file.path} is a folder of {len(file)} texts: give a file, or use 'ncd matrix'")
    return [as_bytes(file.texts[0]) for file in found]
