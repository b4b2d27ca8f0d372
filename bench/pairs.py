"""
Pairs of texts a second: ncd.pairwise against the loop that people write, threads over the codec, other packages.

Run ``python -m bench.pairs --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ncd
from bench.codecs import OneShot, one_shot
from bench.common import (
    Results,
    Row,
    interleaved,
    load_set,
    markdown_table,
    median,
    print_table,
    provenance,
    write_text,
)
from bench.peers import PEERS

Matrix = np.ndarray[Any, Any]

COMPRESSORS = (
    *("gzip", "zlib:9", "deflate:9", "deflate:1", "bz2", "xz", "lzma"),
    *("zstd:-5", "zstd:1", "zstd:3", "zstd:9", "zstd:19"),
    *("brotli:1", "brotli:5", "brotli:11", "lz4", "ppmd"),
)
FULL_COMPRESSORS = ("gzip", "deflate:1", "zstd:-5", "zstd:1", "zstd:3", "brotli:1", "lz4")
ROUTES = ("plain", "threads", "ncd", "ncd n_jobs=1", "primed")
FULL_ROUTES = ("plain", "threads", "ncd")
FULL_TEXTS = 2000
LENGTHS = {"short": 250, "long": 1200}
_FEWEST, _MOST = 30, 2000
_LEAKING = {"ppmd": 30}  # most texts: pyppmd loses kilobytes at every call


def cpus() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_texts(kind: str, n: int) -> list[str]:
    """ASCII texts: "short", news of 200 to 300 bytes as they are; "long", abstracts and news cut to 1,200 bytes."""
    if kind == "short":
        pool = [text for text in load_set("ag_news_part").train if text.isascii() and 200 <= len(text) <= 300]
    else:
        # From both sets in turn, so that few texts are a mixture too.
        halves = [[text[:1200] for text in load_set(name).train if len(text) >= 1200] for name in ("R8", "ohsumed")]
        pool = [text for pair in zip(*halves, strict=False) for text in pair if text.isascii()]
    return list(dict.fromkeys(pool))[:n]


def plain_loop(texts: Sequence[bytes], compress: OneShot) -> Matrix:
    """The loop that people write today: one thread, one pair after the other."""
    alone = [len(compress(x)) for x in texts]
    rows = []
    for i, x in enumerate(texts):
        row = []
        for j, y in enumerate(texts):
            both = len(compress(x + b" " + y))
            row.append((both - min(alone[i], alone[j])) / max(alone[i], alone[j]))
        rows.append(row)
    return np.array(rows)


def threads_over_rows(texts: Sequence[bytes], compress: OneShot) -> Matrix:
    """The best simple alternative: a thread pool over the rows, the formula on whole arrays."""

    def row(x: bytes) -> list[int]:
        head = x + b" "
        return [len(compress(head + y)) for y in texts]

    alone = np.array([len(compress(x)) for x in texts])
    with ThreadPoolExecutor(cpus()) as pool:
        both = np.array(list(pool.map(row, texts)))
    distances: Matrix = (both - np.minimum(alone[:, None], alone)) / np.maximum(alone[:, None], alone)
    return distances


def routes_of(spec: str, texts: list[bytes], wanted: Sequence[str]) -> dict[str, Callable[[], Matrix]]:
    """What is measured for one compressor, by name."""
    compress, codec = one_shot(spec), ncd.get_compressor(spec)
    every: dict[str, Callable[[], Matrix]] = {
        "plain": lambda: plain_loop(texts, compress),
        "threads": lambda: threads_over_rows(texts, compress),
        "ncd": lambda: ncd.pairwise(texts, compressor=codec, progress=False),
        "ncd n_jobs=1": lambda: ncd.pairwise(texts, compressor=codec, progress=False, n_jobs=1),
    }
    if codec.can_prime:
        every["primed"] = lambda: ncd.pairwise(texts, compressor=codec, progress=False, joint="primed")
    return {name: every[name] for name in wanted if name in every}


def choose_n(spec: str, texts: Sequence[bytes], seconds: float) -> int:
    """How many texts keep the plain loop busy for about so many seconds."""
    compress, spent, pairs = one_shot(spec), 0.0, 0
    while spent < 0.1 and pairs < 2000:
        x, y = texts[pairs % len(texts)], texts[(7 * pairs + 1) % len(texts)]
        start = time.perf_counter()
        compress(x + b" " + y)
        spent += time.perf_counter() - start
        pairs += 1
    texts_wanted = math.sqrt(seconds * pairs / spent)
    return 10 * round(min(max(texts_wanted, _FEWEST), _MOST) / 10)


def measure(spec: str, kind: str, texts: list[str], wanted: Sequence[str], repeats: int, peers: bool) -> Row:
    """One row: every route on the same texts, in the same run; other packages on half as many, for they are slow."""
    raw = [text.encode() for text in texts]
    part = texts[: max(len(texts) // 2, 10)]
    others = {peer.name: peer for peer in PEERS.get(spec, [])} if peers else {}
    refusals = {name: peer.refusal() for name, peer in others.items()}
    routes = routes_of(spec, raw, wanted)
    able = {name: partial(peer.matrix, part) for name, peer in others.items() if not refusals[name]}
    seconds, matrices = interleaved({**routes, **able}, repeats)
    pairs, plain, base = len(raw) ** 2, matrices["plain"], median(seconds["plain"])
    row: Row = {"compressor": spec, "texts": kind, "n_texts": len(raw), "pairs": pairs}
    row["version"] = ncd.get_compressor(spec).version
    row["mean_bytes"] = round(float(np.mean([len(x) for x in raw])), 1)
    row["routes"] = {
        name: {
            "seconds": [round(s, 4) for s in seconds[name]],
            "pairs_per_second": round(pairs / median(seconds[name])),
            "ratio": round(base / median(seconds[name]), 3),
            # a primed coder gives another quantity, L(x) + L(y|x)
            "equal": None if name == "primed" else bool(np.array_equal(matrices[name], plain)),
        }
        for name in routes
    }
    row["peers"] = []
    for name, peer in others.items():
        other: Row = {"name": name, "differs": peer.differs, "refusal": refusals[name]}
        if name in able:
            rate = len(part) ** 2 / median(seconds[name])
            other |= {"n_texts": len(part), "seconds": [round(s, 4) for s in seconds[name]]}
            other |= {"pairs_per_second": round(rate), "ratio": round(rate * base / pairs, 3)}
            same = np.array_equal(matrices[name], plain[: len(part), : len(part)])
            other["equal"] = None if peer.differs else bool(same)
        row["peers"].append(other)
    return row


_HEADERS = ["compressor", "texts", "n", "pairs", "plain, pairs/s", "threads", "ncd", "ncd, 1 job", "primed"]


def table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The main table."""
    lines = []
    for row in rows:
        routes = row["routes"]
        ratios = [f"{routes[name]['ratio']:.2f}" if name in routes else "" for name in ROUTES[1:]]
        checks = [route["equal"] for route in routes.values() if route["equal"] is not None]
        rival = (
            f"{routes['ncd']['ratio'] / routes['threads']['ratio']:.2f}" if {"ncd", "threads"} <= set(routes) else ""
        )
        kind = f"{row['mean_bytes']:,.0f} B"
        counts = [f"{row['n_texts']:,}", f"{row['pairs']:,}", f"{routes['plain']['pairs_per_second']:,}"]
        lines.append([row["compressor"], kind, *counts, *ratios, rival, "yes" if all(checks) else "NO"])
    return [*_HEADERS, "ncd / threads", "equal"], lines


def peer_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Other packages, as ratios to the plain loop of the same codec."""
    lines = []
    for row in rows:
        ours = row["routes"].get("ncd", {}).get("ratio")
        for peer in row["peers"]:
            start = [peer["name"], row["compressor"], f"{row['mean_bytes']:,.0f} B"]
            if peer["refusal"]:
                lines.append([*start, "", "", "", peer["refusal"]])
                continue
            what = peer["differs"] or ("equal to the plain loop" if peer["equal"] else "NOT equal to the plain loop")
            speed = f"{peer['pairs_per_second']:,}"
            lines.append([*start, speed, f"{peer['ratio']:.2f}", f"{ours:.2f}" if ours else "", what])
    return ["package", "codec", "texts", "pairs/s", "x plain loop", "ncd x plain loop", "its distance"], lines


_EXPLAINED = """Pairs of texts a second, as multiples of the plain loop's on the same texts in the same run (medians of
repeats taken in turn). *plain*: `len(compress(x + b" " + y))` with the codec's one-shot function and the formula, pair
by pair, one thread. *threads*: the same function in a thread pool over rows. *ncd*: `ncd.pairwise` with defaults.
*primed*: `joint="primed"`, another quantity. *equal*: every matrix but the primed one is equal to the plain loop's to
the last bit. Starting threads or worker processes counts.
"""


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    order = [*COMPRESSORS, *(row["compressor"] for row in results.rows)]
    kinds = [*LENGTHS, *(row["texts"] for row in results.rows)]
    rows = sorted(results.rows, key=lambda row: (kinds.index(row["texts"]), order.index(row["compressor"])))
    print_table("Pairs of texts a second (ratios to the plain loop)", *table(rows))
    text = f"{_EXPLAINED}\n{markdown_table(*table(rows))}"
    others = peer_table(rows)
    if others[1]:
        print_table("Other packages", *others)
        text += "\nOther packages in the same run, on half as many texts (ratios of pairs a second):\n\n"
        text += markdown_table(*others)
    write_text(results.table_path, f"{text}\n{provenance(results, 'python -m bench.pairs')}")


def _arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__)
    parser.add_argument("--compressors", nargs="+", metavar="NAME", help=f"default: {' '.join(COMPRESSORS)}")
    parser.add_argument("--lengths", nargs="+", choices=LENGTHS, default=list(LENGTHS), help="about 250, 1,200 bytes")
    parser.add_argument("--routes", nargs="+", choices=ROUTES, help="the plain loop is always among them")
    parser.add_argument("--seconds", type=float, default=4.0, help="aim for the plain loop, sets the number of texts")
    parser.add_argument("--texts", type=int, help="number of texts, instead of --seconds")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="leave the other packages out")
    parser.add_argument("--full", action="store_true", help=f"{FULL_TEXTS:,} short texts, fast codecs, no peers")
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    return parser.parse_args()


def main() -> None:
    """Measure, save after every row, print."""
    arguments = _arguments()
    warnings.simplefilter("ignore", ncd.WindowWarning)
    packages = ("textdistance", "npc-gzip", "zgli")
    results = Results("pairs", ("compressor", "texts"), arguments.output, packages)
    full = arguments.full
    installed = {row.name.partition(":")[0] for row in ncd.available() if row.installed}
    wanted = list(dict.fromkeys(["plain", *(arguments.routes or (FULL_ROUTES if full else ROUTES))]))
    for spec in [] if arguments.table else arguments.compressors or (FULL_COMPRESSORS if full else COMPRESSORS):
        if spec.partition(":")[0] not in installed:
            print(f"{spec}: not installed, left out")
            continue
        for kind in ["short"] if full else arguments.lengths:
            texts = read_texts(kind, _MOST)
            n = FULL_TEXTS if full else arguments.texts
            n = n or choose_n(spec, [text.encode() for text in texts], arguments.seconds)
            n = min(n, len(texts), _LEAKING.get(spec, _MOST))
            row = measure(spec, kind, texts[:n], wanted, arguments.repeats, not (arguments.no_peers or full))
            row["texts"] = f"{kind}, {FULL_TEXTS:,}" if full else kind
            results.add(row, repeats=arguments.repeats, seconds=arguments.seconds, full=full)
            ratios = "  ".join(f"{name} {route['ratio']:.2f}" for name, route in row["routes"].items())
            print(
                f"{spec} {kind}, {row['pairs']:,} pairs: {row['routes']['plain']['pairs_per_second']:,}/s; {ratios}",
                flush=True,
            )
    report(results)


if __name__ == "__main__":
    main()
