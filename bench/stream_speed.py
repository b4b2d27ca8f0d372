"""
How fast and how large what watches a stream is.

Text is lines of a made log of about 100 bytes: six kinds of lines with times, addresses, numbers, words and identifiers
drawn at random, so that no two are equal. Figures are medians of repeats on one thread; compiling is not in them.

- throughput: megabytes a second where many lines come at once;
- latency: microseconds of one call with one line, median and 99th percentile; milliseconds that a reference takes;
- memory: bytes of what is kept;
- detector: both for the whole detector, masks and statistic included, with the byte model and with zstd;
- command: ``ncd stream`` at the end of a pipe, and its memory after a tenth, at most, and at the end.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import psutil

from bench.common import SEED, Results, Row, markdown_table, median, print_table, provenance, timed, write_text
from ncd.streams.base import State, TextUnits
from ncd.streams.byte_signals import ByteSignals
from ncd.streams.detector import StreamDetector
from ncd.streams.masking import masked

# fmt: off
_WORDS = (
    "billing", "cache", "cart", "catalog", "checkout", "cluster", "database", "disk", "email", "frontend",
    "gateway", "index", "inventory", "invoice", "leader", "ledger", "login", "mailer", "node", "order",
    "payment", "pool", "profile", "proxy", "queue", "quota", "region", "replica", "report", "retry", "router",
    "scheduler", "search", "session", "shard", "shipping", "snapshot", "storage", "token", "upload", "user",
    "volume", "webhook", "worker",
)
# fmt: on
_AGENTS = ("Mozilla/5.0", "curl/8.5.0", "python-requests/2.32", "Go-http-client/2.0", "okhttp/4.12.0")
REPEATS = 5
REFERENCE = {"100 lines": 100, "250 lines": 250}


def log_line(rng: random.Random, second: int) -> bytes:
    """A line of a made log."""
    stamp = (
        f"2026-05-{1 + second // 86400 % 28:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    )
    stamp += f".{rng.randrange(1000):03d}Z"
    kind, word, other = rng.randrange(6), rng.choice(_WORDS), rng.choice(_WORDS)
    if kind == 0:
        address = f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}"
        what = f"INFO http {address} GET /api/v1/{word}/{rng.randrange(100_000)} 200 {rng.randrange(9999)}"
        what += f' {rng.random():.3f} "{rng.choice(_AGENTS)}"'
    elif kind == 1:
        what = f"DEBUG {word} {other} hit id={rng.getrandbits(64):016x} took {rng.randrange(300)} ms"
    elif kind == 2:
        what = f"WARN slow query on {word}: {rng.randrange(200, 5000)} ms, {rng.randrange(1000)} rows, plan {other}"
    elif kind == 3:
        what = (
            f"INFO worker-{rng.randrange(16)} finished job {rng.randrange(100_000)} of {word} in {rng.random():.2f} s"
        )
    elif kind == 4:
        what = f"INFO connection from 192.168.{rng.randrange(4)}.{rng.randrange(256)} port {rng.randrange(1024, 65536)}"
        what += f" accepted by {word}"
    else:
        what = f"INFO heartbeat of {word} and {other}: {rng.randrange(100)} % of memory, {rng.randrange(64)} threads"
    return f"{stamp} {what}".encode()


@cache
def log_lines(n: int, seed: int = SEED) -> TextUnits:
    """So many lines of a log, without the newlines between them."""
    rng = random.Random(seed)
    return TextUnits.of([log_line(rng, i // 4) for i in range(n)])


def _megabytes(units: TextUnits) -> float:
    """Bytes of the units and of the newline after each, in 10^6."""
    return float(units.ends[-1] + len(units)) / 1e6


def _looked_at(n: int, seed: int = SEED) -> TextUnits:
    """So many lines of a log as a detector measures them, without times."""
    return masked(log_lines(n, seed), "times")


def _learned(lines: int) -> ByteSignals:
    """Signals of a log."""
    signals = ByteSignals()
    signals.learn(_looked_at(lines, SEED + 1))
    return signals


def _restored(state: State) -> ByteSignals:
    """Signals of a state."""
    signals = ByteSignals()
    signals.restore(state)
    return signals


def throughput(megabytes: float) -> Iterator[Row]:
    """Megabytes a second of log, in batches of 8,192 lines."""
    units = _looked_at(int(megabytes * 1e4))
    for name, lines in REFERENCE.items():
        signals = _learned(lines)
        for what, measure in (("signals", signals.measure), ("bits alone", signals.bits)):

            def all_of_it(measure: Callable[[TextUnits], object] = measure) -> None:
                for at in range(0, len(units), 8192):
                    measure(units[at : at + 8192])

            all_of_it()
            seconds = [timed(all_of_it)[0] for _ in range(REPEATS)]
            yield {
                "part": "throughput",
                "case": f"ngram {what}, {name}",
                "value": _megabytes(units) / median(seconds),
                "unit": "MB/s",
                "megabytes": _megabytes(units),
                "low": _megabytes(units) / max(seconds),
                "high": _megabytes(units) / min(seconds),
            }


def latency(megabytes: float) -> Iterator[Row]:
    """One line a call, and what a reference takes."""
    units = _looked_at(20_000)
    singles = [units[i : i + 1] for i in range(len(units))]
    for name, lines in REFERENCE.items():
        signals = _learned(lines)
        seconds = np.empty(len(singles))
        for i, single in enumerate(singles):
            start = time.perf_counter()
            signals.measure(single)
            seconds[i] = time.perf_counter() - start
        yield {
            "part": "latency",
            "case": f"ngram signals of one line, {name}",
            "value": 1e6 * float(np.median(seconds)),
            "unit": "us",
            "high": 1e6 * float(np.quantile(seconds, 0.99)),
        }
        state = signals.state()
        routes: dict[str, Callable[[], object]] = {
            "learns": lambda lines=lines: _learned(lines),
            "restored": lambda state=state: _restored(state),
        }
        for what, route in routes.items():
            taken = [timed(route) for _ in range(10 * REPEATS)]  # what they give is kept: freeing it is not measured
            milliseconds = 1e3 * median([seconds for seconds, _ in taken])
            yield {"part": "latency", "case": f"ngram {what}, {name}", "value": milliseconds, "unit": "ms"}


def memory(megabytes: float) -> Iterator[Row]:
    """Bytes of what is kept."""
    for name, lines in REFERENCE.items():
        text = log_lines(lines, SEED + 1)
        yield {
            "part": "memory",
            "case": f"ngram signals, {name}",
            "value": _learned(lines).nbytes / 1e3,
            "unit": "kB",
            "reference_bytes": int(text.ends[-1]),
        }


def detector(megabytes: float) -> Iterator[Row]:
    """The whole detector: bytes as they come in pieces of a megabyte, and single lines."""
    for compressor, share in (("ngram", 1.0), ("zstd", 0.2)):
        units = log_lines(int(megabytes * share * 1e4))
        data = b"\n".join(units) + b"\n"
        watched = StreamDetector(compressor, reference=250, arl=1e15)
        watched.update_many([line.decode() for line in log_lines(300, SEED + 1)])

        def all_of_it(watched: StreamDetector = watched, data: bytes = data) -> None:
            for at in range(0, len(data), 1 << 20):
                watched.feed(data[at : at + (1 << 20)])

        seconds = [timed(all_of_it)[0] for _ in range(REPEATS)]
        yield {
            "part": "detector",
            "case": f"{compressor}, 250 lines",
            "value": len(data) / 1e6 / median(seconds),
            "unit": "MB/s",
            "megabytes": len(data) / 1e6,
            "low": len(data) / 1e6 / max(seconds),
            "high": len(data) / 1e6 / min(seconds),
        }
        taken = np.empty(5_000)
        for i, line in enumerate(log_lines(len(taken))):
            text = line.decode()
            taken[i] = timed(lambda watched=watched, text=text: watched.update(text))[0]
        yield {
            "part": "detector",
            "case": f"{compressor}, update of one line",
            "value": 1e6 * float(np.median(taken)),
            "unit": "us",
            "high": 1e6 * float(np.quantile(taken, 0.99)),
        }


def command(megabytes: float) -> Iterator[Row]:
    """``ncd stream`` in a process of its own, on 200 times as much text: 10 GB where nothing else is said."""
    lines = list(log_lines(200_000))
    wanted, written = int(megabytes * 200e6), 0
    rng = np.random.default_rng(SEED)
    process = subprocess.Popen(
        [sys.executable, "-m", "ncd", "stream", "--arl", "1e15", "--learn", "250", "--quiet"], stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    memory: list[float] = []
    start = time.perf_counter()
    while written < wanted:
        data = b"\n".join([lines[i] for i in rng.permutation(len(lines))]) + b"\n"
        process.stdin.write(data)
        written += len(data)
        memory.append(psutil.Process(process.pid).memory_info().rss / 1e6)
    process.stdin.close()
    process.wait()
    seconds = time.perf_counter() - start
    what = f"ncd stream, {written / 1e9:.1f} GB"
    yield {"part": "command", "case": what, "value": written / 1e6 / seconds, "unit": "MB/s", "seconds": seconds}
    yield {
        "part": "command",
        "case": f"{what}, memory at the end",
        "value": memory[-1],
        "unit": "MB",
        "low": memory[len(memory) // 10],
        "high": max(memory),
    }


#: What is measured, by name: rows of "part", "case", "value" and "unit", for a megabytes of text.
PARTS: dict[str, Callable[[float], Iterator[Row]]] = {
    "throughput": throughput,
    "latency": latency,
    "memory": memory,
    "detector": detector,
    "command": command,
}


def _table(results: Results) -> None:
    """All rows that there are."""
    headers = ["", "what", "", "unit", "range"]
    cells = []
    for row in results.rows:
        limits = [f"{row[name]:.3g}" for name in ("low", "high") if name in row]
        cells.append([row["part"], row["case"], f"{row['value']:.3g}", row["unit"], " to ".join(limits)])
    print_table("streams: speed and size", headers, cells)
    write_text(
        results.table_path, markdown_table(headers, cells) + "\n" + provenance(results, "python -m bench.stream_speed")
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all parts, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"default: {' '.join(PARTS)}")
    parser.add_argument("--megabytes", type=float, default=50, help="of text (default: %(default)s)")
    parser.add_argument("--table", action="store_true", help="write the table again, measure nothing")
    parser.add_argument("--output", type=Path, help="folder for JSON and table")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    results = Results("stream_speed", ("part", "case"), options.output, packages=("numba",))
    if not options.table:
        for part in options.parts or PARTS:
            results.extend(list(PARTS[part](options.megabytes)), megabytes=options.megabytes)
    _table(results)


if __name__ == "__main__":
    main()
