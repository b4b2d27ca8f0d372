"""
Do alarms on streams keep their bounds: by simulation, and on real text without a change.

``python -m bench.stream_guarantee`` runs all parts (half an hour), ``--part`` one of them:

- exchangeable: rows of normal, heavy-tailed and discrete signals; the share of streams with any alarm in 10,000 rows at
  three settings of alpha, and mean run lengths at three settings of arl;
- reference: short references, the growing bag against one that is frozen;
- dependent: autocorrelated rows, documents of several rows, cycles and drift, with and without whitening;
- text: real documents of one source, in three layouts, through the byte model; alarms within 6 and 30 kB;
- lines: short lines drawn independently, which share windows; alarms within 1,500 of them;
- when: how often the interval of `when` holds the true start, simulated and on real changes;
- delay: rows from a change to its alarm;
- peers: the Shiryaev-Roberts sum of online-cp and the p-values of crepes, where they are installed.
"""

from __future__ import annotations

import argparse
import math
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import SEED, Results, Row, markdown_table, print_table, provenance, timed, wilson, write_text
from bench.made_streams import BLOCK, REFERENCE as REFERENCE_BYTES, Kind, Layout, Stream, made_stream
from bench.stream_speed import log_lines
from ncd.data import load_weblog
from ncd.exceptions import DependenceWarning
from ncd.streams.base import TextUnits
from ncd.streams.byte_signals import ByteSignals
from ncd.streams.conformal import conformal_p_values
from ncd.streams.dependence import chosen_gap
from ncd.streams.edetector import EDetector
from ncd.streams.learning import Learned, learn, text_signals, warn_of_dependence
from ncd.streams.masking import masked
from ncd.streams.starts import StartInterval

Rows = NDArray[np.float64]

KINDS = ("normal", "heavy", "discrete", "two signals")
ALPHAS = (0.01, 0.05, 0.2)
ARLS = (100, 1000, 10_000)
REFERENCE = 100
HORIZON = 10_000
_WINDOW = 1024
_WEIGHTS: dict[int, tuple[float, ...]] = {1: (1.0,), 2: (0.8, 0.2)}
_Z99 = 2.575829
_LONGEST = 40  # times arl: longer runs count as this long


def rows_of(kind: str, n: int, rng: np.random.Generator) -> Rows:
    """Rows without a change; of one signal, but for "two signals", of which one falls where the other rises."""
    if kind == "two signals":
        first, second = rng.normal(size=(2, n))
        return np.column_stack([first, 0.5 * second - first])
    if kind == "heavy":
        return rng.standard_t(1.5, (n, 1))
    if kind == "discrete":
        return rng.poisson(1.0, (n, 1)).astype(float)
    noise = rng.normal(size=n)
    name, _, number = kind.partition(" ")
    if name == "AR(1)":
        rho = float(number)
        for i in range(1, n):
            noise[i] = rho * noise[i - 1] + math.sqrt(1.0 - rho * rho) * noise[i]
    elif name == "documents":  # of so many rows each, which share three tenths of their variance
        shared = np.repeat(rng.normal(size=-(-n // int(number)) + 1), int(number))
        noise = math.sqrt(0.7) * noise + math.sqrt(0.3) * shared[int(rng.integers(int(number))) :][:n]
    elif name == "cycle":
        noise += 0.7 * np.sin(2 * np.pi * (np.arange(n) / int(number) + rng.random()))
    elif name == "drift":
        noise += np.arange(n) / int(number)
    return noise[:, None]


def _stream(kind: str, n: int, number: int) -> Rows:
    """The stream of that number."""
    return rows_of(kind, n, np.random.default_rng([SEED, number, len(kind)]))


def _share(part: str, case: str, setting: str, hits: int, n: int, bound: float | None) -> Row:
    """A share with its 99 % interval, and what it should not exceed."""
    low, high = wilson(hits, n, _Z99)
    return {
        "part": part,
        "case": case,
        "setting": setting,
        "n": n,
        "value": hits / n,
        "low": low,
        "high": high,
        "bound": bound,
    }


def _alarmed(rows: Rows, reference: int, number: int, **options: Any) -> bool:
    """Whether a detector raises the alarm on the rows after the reference."""
    detector = EDetector(_WEIGHTS[rows.shape[1]], random_state=number, **options)
    detector.calibrate(rows[:reference])
    detector.update(rows[reference:])
    return detector.alarm


def _run_length(kind: str, arl: int, number: int, reference: int = REFERENCE, **options: Any) -> int:
    """Rows until the first alarm, at most 40 arl."""
    rng = np.random.default_rng([SEED + 1, number, len(kind)])
    longest = _LONGEST * arl
    piece = max(1000, 2 * arl)
    rows = rows_of(kind, reference + piece, rng)
    detector = EDetector(_WEIGHTS[rows.shape[1]], arl=arl, random_state=number, **options)
    detector.calibrate(rows[:reference])
    rows = rows[reference:]
    while detector.n_rows < longest:
        detector.update(rows[: longest - detector.n_rows])
        if detector.alarm:
            break
        rows = rows_of(kind, piece, rng)  # of exchangeable kinds only: others would begin anew
    return detector.n_rows


def _mean_length(part: str, case: str, arl: int, lengths: Sequence[int]) -> Row:
    """The mean run length with its 99 % interval; runs that were cut off count as long as they got."""
    array = np.asarray(lengths, dtype=float)
    half = _Z99 * array.std(ddof=1) / math.sqrt(len(array))
    return {
        "part": part,
        "case": case,
        "setting": f"arl {arl:,}",
        "n": len(array),
        "value": array.mean(),
        "low": array.mean() - half,
        "high": array.mean() + half,
        "bound": float(arl),
        "cut_off": int((array >= _LONGEST * arl).sum()),
    }


def exchangeable(n: int) -> Iterator[Row]:
    """Exchangeable rows: alarms at settings of alpha, run lengths at settings of arl."""
    for kind in KINDS:
        for alpha in ALPHAS:
            hits = sum(_alarmed(_stream(kind, REFERENCE + HORIZON, i), REFERENCE, i, alpha=alpha) for i in range(n))
            yield _share("exchangeable", kind, f"alpha {alpha:g}", hits, n, alpha)
        for arl in ARLS:
            yield _mean_length("exchangeable", kind, arl, [_run_length(kind, arl, i) for i in range(n)])


def _frozen(rows: Rows, reference: int, number: int, **options: Any) -> bool:
    """As `_alarmed`, but p-values are ranks in the reference alone."""
    kept, new = np.sort(rows[:reference, 0]), rows[reference:, 0]
    upto, below = np.searchsorted(kept, new, "right"), np.searchsorted(kept, new, "left")
    uniform = np.random.default_rng([SEED, number]).random(len(new))
    detector = EDetector(random_state=number, **options)
    detector.update_p((reference - upto + (1.0 - uniform) * (upto - below + 1)) / (reference + 1))
    return detector.alarm


def reference(n: int) -> Iterator[Row]:
    """Short references: alarms with the growing bag, and with a frozen one."""
    for size in (40, 100, 400, 1600):
        for name, judge in (("growing", _alarmed), ("frozen", _frozen)):
            case = f"{name} bag, reference of {size:,}"
            for rows, options in ((50, {"arl": 1000}), (200, {"arl": 1000}), (HORIZON, {"alpha": 0.05})):
                streams = (_stream("normal", size + rows, i) for i in range(n))
                hits = sum(judge(stream, size, i, **options) for i, stream in enumerate(streams))
                bound = EDetector(**options).false_alarm_bound(rows)
                what = ", ".join(f"{key} {value:,}" for key, value in options.items())
                yield _share("reference", case, f"{what}, {rows:,} rows", hits, n, bound)


_DEPENDENT = {
    **{f"AR(1) {rho}": f"autoregression, {rho}" for rho in (0.0, 0.1, 0.3, 0.5, 0.7)},
    "documents 5": "documents of 5 rows",
    "documents 20": "documents of 20 rows",
    "cycle 50": "a cycle of 50 rows, 0.7 sd",
    "cycle 1000": "a cycle of 1,000 rows, 0.7 sd",
    "drift 1000": "a drift of 1 sd in 1,000 rows",
}


def dependent(n: int) -> Iterator[Row]:
    """Rows that are not exchangeable: alarms within 200 rows at arl 1,000."""
    for size in (100, 400):
        for kind in _DEPENDENT:
            for whiten in (False, "auto"):
                hits = sum(_alarmed(_stream(kind, size + 200, i), size, i, arl=1000, whiten=whiten) for i in range(n))
                way = f"{'whitened' if whiten else 'as it is'}, {size} rows"
                yield _share("dependent", _DEPENDENT[kind], way, hits, n, 0.2)


@dataclass(frozen=True)
class Measured:
    """
    Signals of a stream: rows of the reference and after it, bytes up to the end of each of the latter.

    Weights and bets are those of the signals; `warned` says whether a detector would have warned of dependent units.
    """

    reference: Rows
    rows: Rows
    ends: NDArray[np.int64]
    weights: tuple[float, ...]
    bets: tuple[float, ...]
    warned: bool


def _measured(stream: Stream, layout: Layout, first: int, joined: bool = False) -> Measured:
    """The stream as a `StreamDetector` measures it, its first units being the reference."""
    framed = layout == "short"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DependenceWarning)
        found = learn(
            stream.units[:first],
            lambda gap: text_signals("ngram", window=_WINDOW, gap=gap, framed=framed),
            lambda signals: EDetector(signals.weights, arl=1e15),
            lambda units, times: chosen_gap(units, gap=0 if framed else BLOCK * times, framed=framed, window=_WINDOW),
            may_join=joined,
        )
        assert isinstance(found, Learned), f"{found} units are lacking"
        warn_of_dependence(found)
    times = found.times
    units = [b"".join(stream.units[i : i + times]) for i in range(0, len(stream.units) - times + 1, times)]
    known, new = TextUnits.of(units[: first // times]), units[first // times :]
    return Measured(
        found.signals.learn(known),
        found.signals.measure(TextUnits.of(new)),
        np.cumsum([len(unit) for unit in new]),
        found.signals.weights,
        found.signals.bets,
        bool(caught),
    )


#: Name, layout, bytes of the reference, whether blocks may be joined, whether signals may be whitened.
_TEXTS: tuple[tuple[str, Layout, int, bool, bool], ...] = (
    ("short documents", "short", 20_000, False, True),
    ("blocks of short documents, not whitened", "blocks", 20_000, False, False),
    ("blocks of short documents", "blocks", 20_000, False, True),
    ("blocks of whole documents, not whitened", "whole", 20_000, False, False),
    ("blocks of whole documents", "whole", 20_000, False, True),
    ("blocks of whole documents, 60 kB", "whole", 60_000, False, True),
    ("joined blocks of whole documents, 60 kB", "whole", 60_000, True, True),
)
_WITHIN = (6000, 30_000)
_OPTIONS: tuple[dict[str, Any], ...] = ({"arl": 1000}, {"arl": 10_000}, {"alpha": 0.05})


@cache
def _unchanged(layout: Layout, size: int, joined: bool, number: int) -> Measured:
    """A stream of one source with a reference of so many bytes."""
    stream = made_stream("none", layout, "report", number, size - REFERENCE_BYTES + _WITHIN[-1])
    first = int(np.searchsorted(np.cumsum([len(unit) for unit in stream.units]), size)) + 1
    return _measured(stream, layout, first, joined)


def text(n: int) -> Iterator[Row]:
    """Documents of one source: alarms within 6 and 30 kB after the reference, and what bounds them."""
    for case, layout, size, joined, whiten in _TEXTS:
        alarms = np.zeros((len(_OPTIONS), len(_WITHIN), n), bool)
        bounds = np.zeros(alarms.shape)
        warned = np.zeros(n, bool)
        for i in range(n):
            measured = _unchanged(layout, size, joined, i)
            warned[i] = measured.warned
            within = np.searchsorted(measured.ends, _WITHIN)
            for j, option in enumerate(_OPTIONS):
                whitening = "auto" if whiten else False
                detector = EDetector(measured.weights, bets=measured.bets, whiten=whitening, random_state=i, **option)
                detector.calibrate(measured.reference)
                taken = detector.update(measured.rows)
                alarms[j, :, i] = detector.alarm & (taken <= within)
                bounds[j, :, i] = [detector.false_alarm_bound(int(rows)) for rows in within]
        for j, option in enumerate(_OPTIONS):
            for k, within_bytes in enumerate(_WITHIN):
                setting = ", ".join([*(f"{key} {value:,}" for key, value in option.items()), f"{within_bytes:,} bytes"])
                yield {
                    **_share("text", case, setting, int(alarms[j, k].sum()), n, float(bounds[j, k].mean())),
                    "warned": float(warned.mean()),
                    "alarms_not_warned": int(alarms[j, k][~warned].sum()),
                }


_LINES = 1500


def lines(n: int) -> Iterator[Row]:
    """Short lines drawn independently, of which many are in one window: alarms within 1,500 lines."""
    pools = {
        "a made log, 87 bytes": list(masked(log_lines(60_000), "times")),
        "the web server's log, 184 bytes": list(
            masked(TextUnits.of([line.encode() for line in load_weblog().lines[: load_weblog().change]]), "times")
        ),
    }
    for name, pool in pools.items():
        for size in (100, 250):
            hits = dict.fromkeys((10_000, 100_000), 0)
            for i in range(n):
                rng = np.random.default_rng([SEED, i])
                drawn = [pool[j] for j in rng.integers(0, len(pool), size + _LINES)]
                signals = ByteSignals(window=_WINDOW)
                known = signals.learn(TextUnits.of(drawn[:size]))
                rows = signals.measure(TextUnits.of(drawn[size:]))
                for arl in hits:
                    detector = EDetector(signals.weights, arl=arl, bets=signals.bets, random_state=i)
                    detector.calibrate(known)
                    detector.update(rows)
                    hits[arl] += detector.alarm
            for arl, count in hits.items():
                yield _share("lines", f"{name}, reference of {size}", f"arl {arl:,}", count, n, _LINES / arl)


LEVELS = (0.5, 0.8, 0.95)


def _judged(case: str, found: Sequence[tuple[int, list[StartInterval]]], n: int) -> Iterator[Row]:
    """Coverage of intervals: for each stream with an alarm after its change, where that was and what `when` said."""
    for j, level in enumerate(LEVELS):
        hits = sum(those[j].low <= true <= those[j].high for true, those in found)
        row = _share("when", case, f"{level:.0%}", hits, max(len(found), 1), level)
        widths = [those[j].high - those[j].low + 1 for _, those in found]
        errors = [abs(those[j].start - true) for true, those in found]
        yield {
            **row,
            "detected": len(found) / n,
            "width": float(np.median(widths)),
            "error": float(np.median(errors)),
            "error_90": float(np.quantile(errors, 0.9)),
        }


def when(n: int) -> Iterator[Row]:
    """Coverage of the interval of `when`, if the alarm came after the change."""
    for size in (1.0, 2.0, 3.0):
        for arl in (1000, 10_000):
            found = []
            for i in range(n):
                rows = _stream("normal", REFERENCE + 200, i)
                rows[REFERENCE + 100 :] += size
                detector = EDetector(arl=arl, random_state=i)
                detector.calibrate(rows[:REFERENCE])
                taken = detector.update(rows[REFERENCE:])
                if detector.alarm and taken > 100:
                    found.append((100, [detector.when(level) for level in LEVELS]))
            yield from _judged(f"normal, moved by {size:g} sd, arl {arl:,}", found, n)
    before = 16
    kinds: tuple[Kind, ...] = ("corpora", "topics")
    layouts: tuple[Layout, ...] = ("short", "blocks")
    for layout in layouts:
        for kind in kinds:
            found = []
            for i in range(n // 2):
                stream = made_stream(kind, layout, "report", i)
                assert stream.change is not None
                measured = _measured(stream, layout, stream.change - before)
                detector = EDetector(measured.weights, bets=measured.bets, arl=1000, random_state=i)
                detector.calibrate(measured.reference)
                taken = detector.update(measured.rows)
                if detector.alarm and taken > before:
                    found.append((before, [detector.when(level) for level in LEVELS]))
            yield from _judged(f"{layout}, {kind}, arl 1,000", found, n // 2)


def delay(n: int) -> Iterator[Row]:
    """Rows from the change to the alarm: the median, and what nine tenths stay within."""
    for size in (40, 100, 400):
        for moved in (2.0, 10.0):
            for options in ({"arl": 1000}, {"arl": 10_000}, {"arl": 1_000_000}, {"alpha": 0.05}, {"alpha": 0.001}):
                taken = []
                for i in range(n):
                    rows = _stream("normal", size + 500, i)
                    rows[size + 100 :] += moved
                    detector = EDetector(random_state=i, **options)
                    detector.calibrate(rows[:size])
                    taken.append(detector.update(rows[size:]) - 100)
                after = np.array(taken)[np.array(taken) > 0]
                yield {
                    "part": "delay",
                    "case": f"moved by {moved:g} sd, reference of {size}",
                    "setting": ", ".join(f"{key} {value:,}" for key, value in options.items()),
                    "n": len(after),
                    "value": float(np.median(after)),
                    "high": float(np.quantile(after, 0.9)),
                }


def peers(n: int) -> Iterator[Row]:
    """Time and memory of the same statistic and the same p-values elsewhere."""
    try:
        from crepes.martingales import semi_online_p_values
        from online_cp.betting import FixedStrategy
        from online_cp.martingale import PluginMartingale, ShiryaevRobertsWrapper
    except ImportError as error:
        print(f"peers: left out, {error}")
        return
    from scipy.special import ndtri

    p_values = np.random.default_rng(SEED).random(20 * n)

    def theirs() -> float:
        strategy = FixedStrategy(pdf=lambda p: math.exp(-ndtri(p) - 0.5), check_integration=False)
        peer = ShiryaevRobertsWrapper(PluginMartingale(strategy, store_p_values=False))
        for p in p_values:
            peer.update(p)
        return float(peer.R)

    def ours() -> float:
        detector = EDetector(arl=1e15, bets=(1.0,))
        detector.update_p(p_values)
        return detector.statistic

    routes: dict[str, Callable[[], float]] = {
        "Shiryaev-Roberts, online-cp": theirs,
        "Shiryaev-Roberts, ncd": ours,
        "p-values, crepes": lambda: float(semi_online_p_values(p_values, seed=SEED).mean()),
        "p-values, ncd": lambda: float(conformal_p_values(p_values, 0).mean()),
    }
    for name, route in routes.items():
        route()
        seconds, value = timed(route)
        tracemalloc.start()
        route()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        yield {
            "part": "peers",
            "case": name,
            "setting": f"{len(p_values):,} numbers",
            "n": 1,
            "value": value,
            "microseconds": 1e6 * seconds / len(p_values),
            "bytes": peak,
        }


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "exchangeable": exchangeable,
    "reference": reference,
    "dependent": dependent,
    "text": text,
    "lines": lines,
    "when": when,
    "delay": delay,
    "peers": peers,
}


def _percent(row: Row) -> str:
    """A share in per cent with its interval."""
    return f"{100 * row['value']:.1f} ({100 * row['low']:.1f}-{100 * row['high']:.1f})"


def _pivoted(rows: Sequence[Row], cell: Callable[[Row], str]) -> tuple[list[str], list[list[str]]]:
    """A line for each case, a column for each setting."""
    settings, cases = (list(dict.fromkeys(row[key] for row in rows)) for key in ("setting", "case"))
    found = {(row["case"], row["setting"]): cell(row) for row in rows}
    return ["streams", *settings], [[case, *(found[case, setting] for setting in settings)] for case in cases]


def _exchangeable_cell(row: Row) -> str:
    """Alarms in per cent, or a mean run length."""
    if row["setting"].startswith("alpha"):
        return _percent(row)
    return f"{row['value']:,.0f} ({row['low']:,.0f}-{row['high']:,.0f})"


def _text_cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Alarms, bounds, and how many streams were warned about."""
    cells = [
        [
            row["case"],
            row["setting"],
            _percent(row),
            f"{100 * row['bound']:.1f}",
            f"{100 * row['warned']:.0f}",
            f"{100 * row['alarms_not_warned'] / max(1, round(row['n'] * (1 - row['warned']))):.1f}",
        ]
        for row in rows
    ]
    return ["units", "setting", "alarms % (99 %)", "bound %", "warned %", "alarms % of the others"], cells


def _when_cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Coverage of all levels in a line."""
    headers, cells = _pivoted(rows, _percent)
    last = {row["case"]: row for row in rows}
    more = [
        [
            f"{100 * last[case]['detected']:.0f}",
            f"{last[case]['width']:.0f}",
            f"{last[case]['error']:.0f}, {last[case]['error_90']:.0f}",
        ]
        for case in last
    ]
    headers = ["change", *(f"covered by {name} (99 %)" for name in headers[1:])]
    headers += ["detected %", "median rows of the last", "error: median, 90 %"]
    return headers, [[*line, *added] for line, added in zip(cells, more, strict=True)]


def _cells(part: str, rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """The table of a part."""
    if part == "text":
        return _text_cells(rows)
    if part == "when":
        return _when_cells(rows)
    if part == "delay":
        return _pivoted(rows, lambda row: f"{row['value']:.0f}, {row['high']:.0f}")
    if part == "peers":
        cells = [
            [row["case"], row["setting"], f"{row['value']:.6g}", f"{row['microseconds']:.2f}", f"{row['bytes']:,}"]
            for row in rows
        ]
        return ["what", "of", "result", "µs each", "peak bytes"], cells
    headers, cells = _pivoted(rows, _exchangeable_cell if part == "exchangeable" else _percent)
    if part in ("reference", "lines"):
        bounds = {row["setting"]: row["bound"] for row in rows}
        headers = [headers[0], *(f"{name}: bound {100 * bounds[name]:.3g} %" for name in headers[1:])]
    return headers, cells


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=PARTS, action="append", help="one part (several times: several)")
    parser.add_argument("-n", "--n", type=int, default=1000, help="streams of each kind (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="folder for JSON and tables")
    options = parser.parse_args(arguments)
    results = Results("stream_guarantee", ("part", "case", "setting"), options.output, ("online-cp", "crepes"))
    for part in options.part or PARTS:
        results.extend(list(PARTS[part](options.n)), n=options.n)
        headers, cells = _cells(part, [row for row in results.rows if row["part"] == part])
        print_table(part, headers, cells)
    for part in PARTS:
        rows = [row for row in results.rows if row["part"] == part]
        if rows:
            made = copy(results)
            made.runs = {row["run"]: results.runs[row["run"]] for row in rows}
            source = provenance(made, f"python -m bench.stream_guarantee --part {part}")
            path = results.table_path.with_name(f"stream_guarantee_{part}.md")
            write_text(path, markdown_table(*_cells(part, rows)) + "\n" + source)


if __name__ == "__main__":
    main()
