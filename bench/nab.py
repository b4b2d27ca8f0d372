"""
The Numenta Anomaly Benchmark's 58 series of numbers: labelled windows found, against river's detectors.

Every detector sees the values alone, one after another. The first 15 % of a series, at most 750 values, is NAB's
probationary period: what is raised there does not count, and ours takes it as its reference. The first alarm in a
labelled window detects it, further ones in it do not count, alarms outside of all windows are false. NAB's own score
(its "standard" profile) gives an early detection more than a late one, and a false alarm soon after a window less
blame: 0 is a detector that says nothing, 100 one that detects every window at once and raises nothing else.

Each method has one knob. Series are numbered by name: on the odd ones the knob is set (to the best score), the even
ones are reported, with the whole curve of detected windows against false alarms. "An alarm every k values" knows
nothing: windows are long, and it finds many.

Run ``python -m bench.nab --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, floor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import SEED, Results, Row, data_folder, markdown_table, print_table, provenance, spent, write_text

_PROBATION, _LONGEST_PROBATION = 0.15, 750
_FALSE_ALARM = 0.11  # NAB's standard profile; a detected window counts 1, a missed one -1
OURS = "StreamDetector"
#: False alarms in 1,000 values at which curves are compared.
MOST = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Series:
    """
    A series with its labelled windows.

    Attributes
    ----------
    name : str
    values : numpy.ndarray of float64
    windows : list of (int, int)
        First and last row of each.
    """

    name: str
    values: NDArray[np.float64]
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        """Rows at the start on which nothing is judged."""
        return min(floor(_PROBATION * len(self.values)), _LONGEST_PROBATION)


@cache
def load() -> list[Series]:
    """All series, by name."""
    folder = data_folder("streams/nab")
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text(encoding="utf-8"))
    result = []
    for name, windows in sorted(labels.items()):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        times = np.array([row["timestamp"] for row in rows], "datetime64[us]")
        places = [tuple(np.searchsorted(times, np.array(window, "datetime64[us]")).tolist()) for window in windows]
        values = np.array([float(row["value"]) for row in rows])
        result.append(Series(name, values, [(first, min(last, len(values) - 1)) for first, last in places]))
    return result


def numbered(parity: str) -> list[Series]:
    """The series of odd or even number, from one."""
    return load()[0 if parity == "odd" else 1 :: 2]


def _sigmoid(place: float) -> float:
    """NAB's weight of an alarm: near 1 at the start of a window (-1), 0 at its end, -1 far behind it."""
    return 2.0 / (1.0 + exp(min(5.0 * place, 700.0))) - 1.0


def judged(series: Series, alarms: Sequence[int]) -> Row:
    """Windows detected, false alarms, rows that were judged, and NAB's raw score."""
    score, detected, false = 0.0, set(), 0
    for alarm in sorted(alarms):
        if alarm < series.probation:
            continue
        inside = [i for i, (first, last) in enumerate(series.windows) if first <= alarm <= last]
        if inside:
            (window,) = inside
            if window not in detected:
                first, last = series.windows[window]
                score += _sigmoid((alarm - last) / (last - first + 1)) / _sigmoid(-1.0)
                detected.add(window)
            continue
        false += 1
        before = [(first, last) for first, last in series.windows if last < alarm]
        if not before:
            score -= _FALSE_ALARM
        else:
            first, last = max(before)
            score += _FALSE_ALARM * _sigmoid((alarm - last) / max(last - first, 1))
    windows = [i for i, (_, last) in enumerate(series.windows) if last >= series.probation]
    score -= len(windows) - len(detected)
    rows = len(series.values) - series.probation
    return {"windows": len(windows), "detected": len(detected), "false": false, "rows": rows, "raw": score}


def total(rows: Sequence[Row]) -> Row:
    """Over many series: share of windows detected, false alarms per 1,000 rows, NAB's score."""
    windows, detected, false, n = (sum(row[key] for row in rows) for key in ("windows", "detected", "false", "rows"))
    score = 100.0 * (sum(row["raw"] for row in rows) + windows) / (2.0 * windows)
    return {"detected": detected / windows, "windows": windows, "false_per_1000": 1000.0 * false / n, "score": score}


def ours(series: Series, arl: float) -> list[int]:
    """Ours, with the probationary period, and as much after each alarm, as its reference.

    The series depend on their past in ways that no autoregression takes out: the bound does not hold for them.
    """
    from ncd.exceptions import DependenceWarning
    from ncd.streams import StreamDetector

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DependenceWarning)
        detector = StreamDetector(reference=series.probation, arl=arl)
        return [change.unit for change in detector.update_many(series.values.tolist())]


def _river(detector: Any, series: Series) -> list[int]:
    """Alarms of one of river's detectors."""
    alarms = []
    for i, value in enumerate(series.values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            alarms.append(i)
    return alarms


def adwin(series: Series, delta: float) -> list[int]:
    """ADWIN."""
    from river.drift import ADWIN

    return _river(ADWIN(delta=delta), series)


def kswin(series: Series, alpha: float) -> list[int]:
    """KSWIN."""
    from river.drift import KSWIN

    return _river(KSWIN(alpha=alpha, seed=SEED), series)


def page_hinkley(series: Series, threshold: float) -> list[int]:
    """Page-Hinkley on values in robust standard deviations of the probationary period: its knobs have a scale."""
    from river.drift import PageHinkley

    first = series.values[: series.probation]
    scale = 1.4826 * float(np.median(np.abs(first - np.median(first)))) or float(first.std()) or 1.0
    scaled = Series(series.name, (series.values - np.median(first)) / scale, series.windows)
    return _river(PageHinkley(threshold=threshold), scaled)


def clockwork(series: Series, k: float) -> list[int]:
    """An alarm every k values, whatever they are."""
    return list(range(series.probation, len(series.values), int(k)))


Method = Callable[[Series, float], list[int]]
#: Detectors, and the values of their knobs from many alarms to few.
METHODS: dict[str, tuple[Method, str, tuple[float, ...]]] = {
    OURS: (ours, "arl", (30, 100, 300, 1_000, 3_000, 10_000, 30_000, 1e5, 3e5, 1e6, 1e7, 1e8)),
    "river ADWIN": (adwin, "delta", (0.5, 0.1, 0.02, 2e-3, 1e-4, 1e-6, 1e-9, 1e-15, 1e-20, 1e-30, 1e-50)),
    "river KSWIN": (kswin, "alpha", (1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 1e-13)),
    "river Page-Hinkley": (page_hinkley, "threshold", (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)),
    "an alarm every k values": (clockwork, "k", (100, 150, 200, 300, 500, 1_000, 2_000)),
}


def measured(method: str) -> list[Row]:
    """A row for each value of a method's knob, on odd and on even series."""
    detect, knob, values = METHODS[method]
    rows = []
    for value in values:
        for part in ("odd", "even"):
            series = numbered(part)
            time, alarms = spent(lambda series=series, value=value: [detect(one, value) for one in series])
            row = total([judged(one, those) for one, those in zip(series, alarms, strict=True)])
            n = sum(len(one.values) for one in series)
            rows.append({"method": method, "knob": knob, "value": value, "part": part, **row})
            rows[-1]["microseconds_a_value"] = 1e6 * time.cpu / n
    return rows


def chosen(rows: Sequence[Row], method: str) -> Row:
    """The row of the even series with the knob that does best on the odd ones."""
    own = [row for row in rows if row["method"] == method]
    best = max((row for row in own if row["part"] == "odd"), key=lambda row: row["score"])
    return next(row for row in own if row["part"] == "even" and row["value"] == best["value"])


def detected_at(rows: Sequence[Row], method: str, most: float) -> float | None:
    """The largest share of windows of even series detected with at most so many false alarms in 1,000 values."""
    own = [row for row in rows if row["method"] == method and row["part"] == "even" and row["false_per_1000"] <= most]
    return max((row["detected"] for row in own), default=None)


def _table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Each method with its knob set, and points of its curve."""
    lines = []
    for method in METHODS:
        if not any(row["method"] == method for row in rows):
            continue
        row = chosen(rows, method)
        curve = [detected_at(rows, method, most) for most in MOST]
        lines.append(
            [
                method,
                f"{row['knob']}={row['value']:g}",
                f"{row['score']:.1f}",
                f"{100 * row['detected']:.0f} %",
                f"{row['false_per_1000']:.2f}",
                *("-" if share is None else f"{100 * share:.0f} %" for share in curve),
            ]
        )
    headers = ["method", "knob, set on odd series", "NAB score", "windows detected", "false alarms in 1,000"]
    return [*headers, *(f"detected at {most:g}" for most in MOST)], lines


def report(results: Results) -> None:
    """The table on the terminal and for the documentation."""
    headers, lines = _table(results.rows)
    print_table("NAB, series of even number", headers, lines)
    write_text(results.table_path, markdown_table(headers, lines) + "\n" + provenance(results, "python -m bench.nab"))


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.nab", description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), help="default: all")
    parser.add_argument("--table", action="store_true", help="write the table again and measure nothing")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("nab", ("method", "value", "part"), options.output, ("numpy", "river"))
    for method in () if options.table else options.methods:
        results.extend(measured(method))
    report(results)


if __name__ == "__main__":
    main()
