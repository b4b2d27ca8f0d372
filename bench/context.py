"""
How well and how fast the adaptive context models code text, beside gzip, xz, zstd, brotli and PPMd.

Run ``python -m bench.context --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ncd
from bench.common import Results, Row, load_set, markdown_table, median, print_table, provenance, write_text
from ncd.compressors.context_model import ContextModel
from ncd.data import load_factbook

_COMPRESSORS = (
    "gzip:9",
    "xz:6",
    "zstd:19",
    "brotli:11",
    "ppmd:6",
    "dirichlet:0.5",
    "wb:5",
    "ngram:6",
    "ppm:4",
    "ppm:5",
    "ppm:5,update_exclusion=False",
    "kn:5",
    "kn:7",
    "ctw:5",
    "ctw:8",
    "ctw:8,estimator=kt",
)
_NEWS_BYTES = 1_000_000
_PASSAGES = 300
_PAIR_TEXTS = 40


def collections() -> dict[str, list[bytes]]:
    """Texts by name: one long text, one of a megabyte, many short ones."""
    passages = [text.encode() for text in load_factbook().texts]
    news = "\n".join(load_set("20news").train).encode()[:_NEWS_BYTES]
    return {"factbook": [b"\n".join(passages)], "20news": [news], "passages": passages[:_PASSAGES]}


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Median of the processor time of a call; a first one compiles and is not counted."""
    function()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        spent.append(time.process_time() - start)
    return median(spent)


def measure(spec: str, texts: dict[str, list[bytes]], repeats: int) -> Row:
    """Bits per byte of all collections, and speeds."""
    codec = ncd.get_compressor(spec)
    row: Row = {"compressor": spec, "version": codec.version}
    for name, part in texts.items():
        row[f"{name} bits per byte"] = round(ncd.bits_per_byte(part, codec, n_jobs=1).bits_per_byte, 4)
    news = texts["20news"][0]
    slow = 1 if spec.startswith(("xz", "zstd", "brotli")) else repeats
    # a text between two that are equal, since a model goes on from what it learned last
    row["MB/s"] = round(len(news) / 1e6 / seconds(lambda: codec.lengths([b"\0", news]), slow), 3)
    some = texts["passages"][:_PAIR_TEXTS]
    pairs = [x + b" " + y for x in some for y in some]
    row["us a pair"] = round(seconds(lambda: codec.lengths(pairs), slow) / len(pairs) * 1e6, 1)
    if isinstance(codec, ContextModel):
        row |= streams(codec, news, some)
    return row


def streams(codec: ContextModel, news: bytes, some: list[bytes]) -> Row:
    """Of a context model: its stream, its memory, and what a primed coder takes."""
    stream = codec.compress(news)
    assert codec.decompress(stream) == news
    learner = codec._learner()
    learner.stand(np.frombuffer(news, np.uint8).astype(np.uint32))
    primed, frozen = (codec.primed(news) for codec in (codec, ncd.get_compressor(f"{codec.name},frozen=true")))
    return {
        "stream bytes less bits / 8": round(len(stream) - codec.length(news) / 8, 2),
        "decompress MB/s": round(len(news) / 1e6 / seconds(lambda: codec.decompress(stream), 1), 3),
        "memory bytes a byte": round(learner.nbytes / len(news), 1),
        "us a text, primed": round(seconds(lambda: primed.lengths(some), 3) / len(some) * 1e6, 1),
        "us a text, frozen": round(seconds(lambda: frozen.lengths(some), 3) / len(some) * 1e6, 1),
    }


def report(results: Results) -> None:
    """The table."""
    columns = {
        "factbook, bits/byte": "factbook bits per byte",
        "20news, bits/byte": "20news bits per byte",
        "passages, bits/byte": "passages bits per byte",
        "MB/s": "MB/s",
        "us a pair": "us a pair",
        "us a text, primed": "us a text, primed",
        "memory, bytes/byte": "memory bytes a byte",
    }
    rows = [
        [row["compressor"], *(f"{row[column]:.4g}" if column in row else "" for column in columns.values())]
        for row in results.rows
    ]
    headers = ["compressor", *columns]
    print_table("context models", headers, rows)
    write_text(
        results.table_path, markdown_table(headers, rows) + "\n" + provenance(results, "python -m bench.context")
    )


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.context", description=__doc__)
    parser.add_argument("--compressors", nargs="+", default=_COMPRESSORS, help="specifications (default: a selection)")
    parser.add_argument("--repeats", type=int, default=5, help="timings of each (default 5)")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("context", ("compressor",), options.output)
    texts = collections()
    for spec in options.compressors:
        results.add(measure(spec, texts, options.repeats), repeats=options.repeats)
        print(f"{spec}: done", flush=True)
    report(results)


if __name__ == "__main__":
    main()
