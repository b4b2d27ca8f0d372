"""
The CUDA engine on a card: exactness, pairs a second, what the card could do, nvCOMP on the same pairs, AG News.

Run ``python -m bench.cuda --help`` from the project's root. Every part stands for itself: one that fails is reported,
and the next one runs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import (
    ROOT,
    MissingData,
    Results,
    Row,
    load_set,
    markdown_table,
    median,
    print_table,
    provenance,
    write_text,
)
from ncd.corpus import Packed
from ncd.engines import cuda
from ncd.engines.host import Block

PARTS = ("exactness", "speed", "occupancy", "ceiling", "nvcomp", "ag")
LENGTHS = (250, 1200)
_KERNELS = {"parse_short": 128, "parse_long": 128, "cost": 64, "cost_crowded": 128, "nearest": 128}
_PACKAGES = (
    "numba",
    "numba-cuda",
    "cuda-bindings",
    "nvidia-cuda-nvcc-cu12",
    "nvidia-nvcomp-cu12",
    "nvidia-nvcomp-cu13",
)


def pool() -> tuple[str, list[bytes]]:
    """Where texts come from: AG News if it is there, else the demo's."""
    try:
        return "AG News", [text.encode() for text in load_set("ag_news_part").train]
    except MissingData:
        files = sorted((ROOT / "ncd" / "data").rglob("*.txt"))
        words = b" ".join(file.read_bytes() for file in files).split()
        draw = random.Random(0)
        return "words of the demo's texts in any order", [b" ".join(draw.choices(words, k=40)) for _ in range(40_000)]


def texts_of(length: int, n: int) -> tuple[str, list[bytes]]:
    """Texts of about a length: as they are, or cut from several in a row; again from the start where there are few."""
    source, texts = pool()
    if length == 250:
        texts = [text for text in texts if 230 <= len(text) < 270]
    else:
        whole = b" ".join(texts)
        texts = [whole[at : at + length] for at in range(0, len(whole) - length, length)]
    return source, [texts[i % len(texts)] for i in range(n)]


def by_zlib(xs: Sequence[bytes], ys: Sequence[bytes], primed: bool) -> np.ndarray[Any, Any]:
    """Raw lengths from the running zlib, on all cores."""

    def row(x: bytes) -> list[int]:
        lengths = []
        for y in ys:
            coder = (
                zlib.compressobj(9, zlib.DEFLATED, -15, zdict=x) if primed else zlib.compressobj(9, zlib.DEFLATED, -15)
            )
            lengths.append(len(coder.compress(y if primed else x + b" " + y)) + len(coder.flush()))
        return lengths

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.array(list(threads.map(row, xs)))


def on_card(xs: Sequence[bytes], ys: Sequence[bytes], primed: bool = False) -> np.ndarray[Any, Any]:
    """All lengths from the card."""
    result = np.empty((len(xs), len(ys)), np.int64)
    for block, values in cuda.joint_lengths_blocks(xs, ys, primed=primed):
        result[block.top : block.bottom, block.left : block.right] = values
    return result


def exactness() -> list[Row]:
    """A million pairs of several kinds against zlib itself."""
    from ncd.compressors.deflate import is_classic

    if not is_classic():
        raise RuntimeError(f"zlib {zlib.ZLIB_RUNTIME_VERSION} is not classic zlib and has lengths of its own")
    draw = random.Random(1)
    mixed = [b" ".join(texts_of(250, 60)[1][i : i + draw.randrange(1, 16)]) for i in range(40) for _ in range(8)]
    kinds: dict[str, tuple[list[bytes], list[bytes], bool]] = {
        "250 bytes": (texts_of(250, 800)[1], texts_of(250, 1600)[1][800:], False),
        "1,200 bytes": (texts_of(1200, 200)[1], texts_of(1200, 1000)[1][200:], False),
        "primed": (texts_of(250, 200)[1], texts_of(250, 1000)[1][200:], True),
        "mixed lengths": (mixed[:120], mixed[120:320], False),
        "bytes": (
            [draw.randbytes(300) for _ in range(60)],
            [draw.randbytes(draw.randrange(400)) for _ in range(200)],
            False,
        ),
        "two letters": (
            [bytes(draw.choices(b"ab", k=200)) for _ in range(60)],
            [bytes(draw.choices(b"ab", k=draw.randrange(700))) for _ in range(200)],
            False,
        ),
        "runs": ([b"a" * i for i in range(0, 1500, 50)], [b"a" * i for i in range(0, 3000, 60)], False),
    }
    rows = []
    for name, (xs, ys, primed) in kinds.items():
        wrong = int((on_card(xs, ys, primed) != by_zlib(xs, ys, primed)).sum())
        rows.append({"part": "exactness", "value": name, "pairs": len(xs) * len(ys), "mismatches": wrong})
    rows.append(
        {
            "part": "exactness",
            "value": "all",
            "pairs": sum(int(row["pairs"]) for row in rows),
            "mismatches": sum(int(row["mismatches"]) for row in rows),
        }
    )
    return rows


def _stages(xs: list[bytes], ys: list[bytes]) -> dict[str, float]:
    """Seconds of the card in each stage of a single tile, and its pairs."""
    from ncd.engines import cuda_plan as plans, cuda_tiles as tiles
    from ncd.engines.cuda_device import cuda as api
    from ncd.kernels.deflate_batch import alphabet_of

    work = plans.Work.of(Packed.of(xs), Packed.of(ys), b" ", False)
    plan = plans.Plan.of(work, plans.free_memory())
    block = next(iter(plan.split(work, Block(0, len(xs), 0, len(ys)))))
    events: list[tuple[str, Any]] = []

    def clock(stage: str, stream: Any) -> None:
        event = api.event()
        event.record(stream)
        events.append((stage, event))

    seconds: dict[str, list[float]] = {}
    for _ in range(4):
        events.clear()
        list(tiles.run(plan, [plans.Task(work, block, 0)], alphabet_of([work.xs, work.ys], b" "), clock=clock))
        for (_, before), (stage, after) in pairwise(events):
            seconds.setdefault(stage, []).append(api.event_elapsed_time(before, after) / 1e3)
    return {"pairs": float(block.pairs)} | {stage: median(values[1:]) for stage, values in seconds.items()}


def speed() -> list[Row]:
    """Wall clock of many pairs with everything but compiling, and the card's time in each stage."""
    rows = []
    for length in LENGTHS:
        n, m = (4000, 24_000) if length == 250 else (1500, 12_000)
        source, texts = texts_of(length, n + m)
        xs, ys = texts[:n], texts[n:]
        list(cuda.joint_lengths_blocks(xs[:256], ys[:256]))  # compiles
        walls = []
        for _ in range(3):
            start = time.perf_counter()
            pairs = sum(block.pairs for block, _ in cuda.joint_lengths_blocks(xs, ys))
            walls.append(time.perf_counter() - start)
        row: Row = {
            "part": "speed",
            "value": length,
            "texts": source,
            "pairs": pairs,
            "seconds": median(walls),
            "walls": walls,
        }
        row["pairs_per_second"] = pairs / row["seconds"]
        try:
            row["stages"] = stages = _stages(xs, ys)
            row["kernel_pairs_per_second"] = stages["pairs"] / (stages["parse"] + stages["cost"])
        except Exception as error:
            row["stages_failed"] = repr(error)
        rows.append(row)
    return rows


def occupancy() -> list[Row]:
    """What every kernel that has run needs, and how many threads of it a processor of the card holds."""
    from ncd.engines import cuda_kernels as kernels, cuda_nearest
    from ncd.engines.cuda_device import cuda as api

    device = api.get_current_device()
    most = int(device.MAX_THREADS_PER_MULTI_PROCESSOR)
    registers = int(device.MAX_REGISTERS_PER_MULTIPROCESSOR)
    shared = int(device.MAX_SHARED_MEMORY_PER_MULTIPROCESSOR)
    list(cuda.joint_lengths_blocks(*(texts_of(250, 64)[1],) * 2))
    rows = []
    for name, threads in _KERNELS.items():
        kernel = getattr(cuda_nearest if name == "nearest" else kernels, name)
        for compiled in kernel.overloads.values():
            used = int(compiled.regs_per_thread)
            block_shared = int(compiled.shared_mem_per_block) + 1024
            blocks = min(most // threads, registers // (-(-used // 8) * 8 * threads), shared // block_shared, 32)
            rows.append(
                {
                    "part": "occupancy",
                    "value": name,
                    "registers": used,
                    "shared_bytes": block_shared - 1024,
                    "local_bytes": int(compiled.local_mem_per_thread),
                    "threads": blocks * threads,
                    "occupancy": blocks * threads / most,
                }
            )
    return rows


def ceiling() -> list[Row]:
    """
    The rate at which memory alone would bound the engine, from a copy on the card.

    A pair reads what is prepared of its second text (8 bytes a byte, and 512 of frequencies), and its own frequencies
    are written and read once (632 bytes each way). The table also says how many instructions a pair may have taken.
    """
    from ncd.engines.cuda_device import cuda as api

    source = api.device_array(1 << 29, np.uint8)
    target = api.device_array(1 << 29, np.uint8)
    seconds = []
    for _ in range(6):
        before, after = api.event(), api.event()
        before.record()
        target.copy_to_device(source)
        after.record()
        after.synchronize()
        seconds.append(api.event_elapsed_time(before, after) / 1e3)
    device = api.get_current_device()
    bandwidth = 2 * (1 << 29) / median(seconds[1:])
    issue = int(device.MULTIPROCESSOR_COUNT) * 4 * int(device.CLOCK_RATE) * 1e3  # warp instructions a second
    return [
        {
            "part": "ceiling",
            "value": length,
            "bandwidth": bandwidth,
            "pairs_per_second": bandwidth / (8 * length + 512 + 2 * 632),
            "thread_instructions_per_second": 32 * issue,
        }
        for length in LENGTHS
    ]


def nvcomp() -> list[Row]:
    """nvCOMP's batched deflate on concatenations of the same kind of pairs; its lengths are not zlib's."""
    try:
        from nvidia import nvcomp as library
    except ImportError:
        raise RuntimeError("nvCOMP is not installed: pip install nvidia-nvcomp-cu13 (or -cu12)") from None
    rows = []
    for length in LENGTHS:
        _, texts = texts_of(length, 640)
        pairs = [x + b" " + y for x in texts[:320] for y in texts[320:]]
        codec = library.Codec(algorithm="Deflate", bitstream_kind=library.BitstreamKind.RAW)
        arrays = [library.as_array(np.frombuffer(pair, np.uint8)).cuda() for pair in pairs]
        codec.encode(arrays[:1000])
        start = time.perf_counter()
        encoded = codec.encode(arrays)
        sizes = [int(array.buffer_size) for array in encoded]
        seconds = time.perf_counter() - start
        ours = [len(zlib.compress(pair, 9)) - 6 for pair in pairs[:2000]]
        rows.append(
            {
                "part": "nvcomp",
                "value": length,
                "pairs": len(pairs),
                "pairs_per_second": len(pairs) / seconds,
                "mean_bytes": float(np.mean(sizes[:2000])),
                "zlib_bytes": float(np.mean(ours)),
            }
        )
    return rows


_AG = """
import json, time
import numpy as np, ncd
from bench.common import load_set
data = load_set("ag_news_part")
seconds = []
for _ in range(2):
    start = time.perf_counter()
    found = ncd.neighbors(data.test, data.train, 5, compressor="gzip", engine="cuda", progress=False)
    seconds.append(time.perf_counter() - start)
check = ncd.neighbors(data.test[:20], data.train, 5, compressor="gzip", engine="host", progress=False)
same = bool((check.indices == found.indices[:20]).all() and (check.distances == found.distances[:20]).all())
print(json.dumps({"pairs": len(data.test) * len(data.train), "first": seconds[0], "again": seconds[1], "same": same}))
"""


def ag() -> list[Row]:
    """Exact 5 nearest neighbours on AG News' part, in a process of its own; the first call compiles or loads."""
    done = subprocess.run([sys.executable, "-c", _AG], capture_output=True, text=True, timeout=400, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [{"part": "ag", "value": "AG News", **json.loads(done.stdout.splitlines()[-1])}]


def tables(rows: Sequence[Row]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Titles, headers and lines."""
    chosen = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    top = {row["value"]: row for row in chosen["ceiling"]}

    def share(row: Row) -> str:
        """Of the ceiling."""
        limit = top.get(row["value"])
        return f"{100 * row['pairs_per_second'] / limit['pairs_per_second']:.1f} %" if limit else ""

    def left(row: Row) -> str:
        """Thread instructions that a pair may have taken at most."""
        limit = top.get(row["value"])
        return f"{limit['thread_instructions_per_second'] / row['pairs_per_second']:,.0f}" if limit else ""

    return [
        (
            "Lengths against zlib's",
            ["texts", "pairs", "mismatches"],
            [[row["value"], f"{row['pairs']:,}", str(row["mismatches"])] for row in chosen["exactness"]],
        ),
        (
            "Exact lengths, wall clock with everything; kernels alone; share of what memory would allow",
            ["bytes a text", "pairs", "pairs/s", "kernels, pairs/s", "of the ceiling", "instructions a pair at most"],
            [
                [
                    f"{row['value']:,}",
                    f"{row['pairs']:,}",
                    f"{row['pairs_per_second']:,.0f}",
                    f"{row.get('kernel_pairs_per_second', 0):,.0f}",
                    share(row),
                    left(row),
                ]
                for row in chosen["speed"]
            ],
        ),
        (
            "Seconds of the card for a tile",
            ["bytes a text", "pairs", "send", "parse", "cost", "keep"],
            [
                [f"{row['value']:,}", f"{row['stages']['pairs']:,.0f}"]
                + [f"{row['stages'].get(stage, 0):.4f}" for stage in ("send", "parse", "cost", "keep")]
                for row in chosen["speed"]
                if "stages" in row
            ],
        ),
        (
            "What the kernels need",
            ["kernel", "registers", "shared bytes", "local bytes", "threads a processor", "occupancy"],
            [
                [
                    row["value"],
                    str(row["registers"]),
                    f"{row['shared_bytes']:,}",
                    f"{row['local_bytes']:,}",
                    f"{row['threads']:,}",
                    f"{100 * row['occupancy']:.0f} %",
                ]
                for row in chosen["occupancy"]
            ],
        ),
        (
            "nvCOMP's batched deflate on concatenations",
            ["bytes a text", "pairs", "pairs/s", "mean bytes", "zlib's"],
            [
                [
                    f"{row['value']:,}",
                    f"{row['pairs']:,}",
                    f"{row['pairs_per_second']:,.0f}",
                    f"{row['mean_bytes']:.1f}",
                    f"{row['zlib_bytes']:.1f}",
                ]
                for row in chosen["nvcomp"]
            ],
        ),
        (
            "Exact 5 nearest neighbours on AG News' part, seconds",
            ["pairs", "first call", "again", "same as the CPU's"],
            [
                [f"{row['pairs']:,}", f"{row['first']:.1f}", f"{row['again']:.1f}", "yes" if row["same"] else "NO"]
                for row in chosen["ag"]
            ],
        ),
    ]


def report(results: Results) -> None:
    """Print the tables and write them for the docs."""
    text = ""
    for title, headers, lines in tables(results.rows):
        if lines:
            print_table(title, headers, lines)
            text += f"{title}:\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, f"{text}{provenance(results, 'python -m bench.cuda')}")


def machine() -> Row:
    """The card, for the record."""
    from ncd.engines.cuda_device import cuda as api

    device = api.get_current_device()
    record: Row = {"cards": cuda.devices(), "processors": int(device.MULTIPROCESSOR_COUNT)}
    record["capability"] = ".".join(map(str, device.compute_capability))
    try:
        record["memory"] = int(api.current_context().get_memory_info().total)
        record["driver"] = ".".join(map(str, api.driver.driver.get_version()))
    except Exception as error:
        record["unknown"] = repr(error)
    return record


def main() -> None:
    """Measure, save after every part, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.cuda", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--table", action="store_true", help="measure nothing, only write the tables again")
    parser.add_argument("--output", type=Path, help="folder for JSON and table, instead of the project's own")
    arguments = parser.parse_args()
    if not arguments.table and (reason := cuda.why_not()) is not None:
        raise SystemExit(f"bench.cuda: nothing to measure: {reason}")
    results = Results("cuda", ("part", "value"), arguments.output, _PACKAGES)
    steps: dict[str, Callable[[], list[Row]]] = {
        "exactness": exactness,
        "speed": speed,
        "occupancy": occupancy,
        "ceiling": ceiling,
        "nvcomp": nvcomp,
        "ag": ag,
    }
    failed = []
    for name in [] if arguments.table else arguments.parts:
        start = time.perf_counter()
        try:
            results.extend(steps[name](), **machine())
            print(f"bench.cuda: {name} took {time.perf_counter() - start:.1f} s", flush=True)
        except (Exception, SystemExit) as error:
            failed.append(name)
            traceback.print_exc()
            print(f"bench.cuda: {name} failed: {error}", flush=True)
    if results.rows:
        report(results)
    if failed:
        raise SystemExit(f"bench.cuda: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
