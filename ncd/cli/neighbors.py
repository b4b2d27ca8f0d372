"""``ncd neighbors``: the texts that are nearest to each text."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ncd.cli.options import (
    INPUTS,
    UsageError,
    add_distance_options,
    add_input_options,
    add_output_options,
    add_prefilter_options,
    add_work_options,
    distance_options,
    neighbor_count,
    read,
    refuse_two_stdin,
)
from ncd.cli.output import check_output, json_line, print_table, sink

if TYPE_CHECKING:
    from ncd.pairwise import Neighbors
    from ncd.readers import TextFile

NAME = "neighbors"
SUMMARY = "the nearest texts of each text"
DESCRIPTION = f"""\
For every text of --query the k texts of --index with the smallest distance, nearest first; equal distances in the
order of the index. Without --query, for every text of --index its nearest ones among the others. The distance of a
query x from an indexed text y is
  NCD(x, y) = (L(xy) - min(L(x), L(y))) / max(L(x), L(y)),
or another with --metric. The matrix of distances is never held in memory.

Written is one JSON object a query; a name is the path of the file, with the line number in files of many texts:
  {{"name": ..., "neighbors": [{{"name": ..., "distance": ...}}, ...]}}
With --label-field the labels are written too. Without -o, a terminal gets a table.

{INPUTS}"""
EXAMPLES = """\
  ncd neighbors --index articles.jsonl -k 3
  ncd neighbors --index train.csv.gz --query new.csv -o nearest.jsonl
  ncd neighbors --index train.csv.gz --query new.csv --prefilter shingles --candidates 200
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--index", required=True, metavar="PATH", help="where neighbours are looked for")
    parser.add_argument("--query", metavar="PATH", help="whose neighbours are wanted (default: --index itself)")
    parser.add_argument("-k", "--neighbors", type=neighbor_count, default=5, metavar="K", help="how many (default: 5)")
    add_input_options(parser)
    add_distance_options(parser)
    add_prefilter_options(parser.add_argument_group("prefilter"))
    add_work_options(parser)
    add_output_options(parser, "JSON lines (default: standard output)")


def run(arguments: argparse.Namespace) -> None:
    """Find and write the neighbours."""
    check_output(arguments.output, force=arguments.force)
    refuse_two_stdin([arguments.index, arguments.query])
    if arguments.candidates is not None and arguments.prefilter is None:
        raise UsageError("--candidates goes with --prefilter")
    options = distance_options(arguments)
    options |= {"prefilter": arguments.prefilter, "candidates": arguments.candidates}
    index = read(arguments.index, arguments, labels=arguments.label_field)
    query = index if arguments.query is None else read(arguments.query, arguments, labels=arguments.label_field)
    from ncd.pairwise import neighbors

    within = query is index
    found = neighbors(query.texts, None if within else index.texts, arguments.neighbors, **options)
    if arguments.output is None and sys.stdout.isatty():
        _table(query, index, found)
        return
    with sink(arguments.output, force=arguments.force) as out:
        out.writelines(json_line(_record(i, query, index, found)) for i in range(len(query)))


def _record(i: int, query: TextFile, index: TextFile, found: Neighbors) -> dict[str, Any]:
    """What is written for one text."""
    nearest = [
        {"name": index.names[j], "distance": distance} | ({"label": index.labels[j]} if index.labels else {})
        for j, distance in zip(found.indices[i].tolist(), found.distances[i].tolist(), strict=True)
    ]
    label = {"label": query.labels[i]} if query.labels else {}
    return {"name": query.names[i], **label, "neighbors": nearest}


def _table(query: TextFile, index: TextFile, found: Neighbors) -> None:
    """What a terminal gets."""
    rows = [
        (
            query.names[i] if rank == 0 else "",
            index.names[j],
            index.labels[j] if index.labels else "",
            f"{distance:.4f}",
        )
        for i in range(len(query))
        for rank, (j, distance) in enumerate(zip(found.indices[i].tolist(), found.distances[i].tolist(), strict=True))
    ]
    print_table(["text", "neighbour", "label", "distance"], rows, left=3)
