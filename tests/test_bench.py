"""The benchmarks' statistics, and their scripts on very small sets."""

import gzip
import importlib
import json
import subprocess
import sys
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, rankdata

from bench import (
    calibration,
    classification_tables as tables,
    common,
    few_labels,
    foreign,
    methods,
    paired,
    settings,
    training,
)

ROOT = Path(__file__).parent.parent


def test_wilson_is_scipys():
    for right, n in ((0, 5), (5, 5), (3, 7), (812, 1000)):
        interval = binomtest(right, n).proportion_ci(method="wilson")
        assert np.allclose(common.wilson(right, n), interval, atol=1e-6)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000])
def test_answers_survive_packing(n):
    hits = np.random.default_rng(n).random(n) < 0.7
    assert np.array_equal(paired.unpacked(paired.packed(hits), n), hits)


def mcnemar_by_hand(mine, other):
    """Sum of the binomial probabilities that are not above the one seen."""
    b = sum(m and not o for m, o in zip(mine, other, strict=True))
    n = b + sum(o and not m for m, o in zip(mine, other, strict=True))
    odds = [comb(n, k) / 2**n for k in range(n + 1)]
    return sum(p for p in odds if p <= odds[b] * (1 + 1e-9))


def test_mcnemar_by_hand():
    for bits in product((False, True), repeat=6):
        mine, other = np.array(bits), np.array([True, False, True, False, False, True])
        assert paired.mcnemar(mine, other) == pytest.approx(mcnemar_by_hand(mine, other))


def test_comparison_counts_texts_that_both_have():
    mine = np.array([True] * 20 + [False] * 80)
    other = np.array([False] * 20 + [False] * 30)
    found = paired.Comparison.of([(mine, other), (other, mine), (mine[:20], mine[:20])])
    assert found.points == pytest.approx((40 - 40 + 0) / 3)
    assert (found.won, found.lost, found.clearly_won, found.clearly_lost) == (1, 1, 1, 1)
    difference = mine[:50].astype(int) - other
    assert found.half == pytest.approx(100 * 1.959964 * np.sqrt(2 * difference.var() / 50) / 3)


def test_interval_of_the_difference_holds():
    """Of 400 comparisons of equally good methods about 95 % have zero inside."""
    random, inside = np.random.default_rng(0), 0
    for _ in range(400):
        pairs = [(random.random(n) < p, random.random(n) < p) for n, p in ((200, 0.9), (500, 0.6))]
        found = paired.Comparison.of(pairs)
        inside += abs(found.points) <= found.half
    assert 0.92 < inside / 400 < 0.98


def test_ranks_by_hand():
    table = [[0.9, 0.8, 0.9], [0.1, 0.2, 0.3]]
    assert paired.mean_ranks(np.array(table)).tolist() == [2.25, 2.5, 1.25]
    assert np.allclose(paired.mean_ranks(np.array(table)), np.mean([rankdata([-v for v in row]) for row in table], 0))


def test_mean_interval():
    mean, half = paired.mean_interval([1.0, 2.0, 3.0])
    assert (mean, half) == (2.0, pytest.approx(4.302653 / np.sqrt(3)))
    assert paired.mean_interval([5.0]) == (5.0, np.inf)


def test_lines_for_fasttext():
    assert foreign.FastText.line("Don't\nstop, (NOW)!") == "don ' t stop , ( now ) !"


def test_what_is_missing():
    assert foreign.missing(("json", "no_such_module")) == ["no_such_module"]


def test_ranked_methods_see_no_test_labels_and_no_pretrained_weights():
    assert {"majority", "gzip-knn optimistic", "minilm"}.isdisjoint(methods.RANKED)
    assert {"bits-saved", "svm-words", "svm-chars", "gzip-knn k=1"} <= set(methods.RANKED)
    assert len(methods.HEADS) == len(set(methods.HEADS.values()))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two sets in which a word tells the class."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for name, classes in (("two", 2), ("three", 3)):
        (folder / "classification" / name).mkdir(parents=True)
        for part, n in (("train", 90), ("test", 30)):
            with gzip.open(folder / "classification" / name / f"{part}.jsonl.gz", "wt") as file:
                for i in range(n):
                    words = [f"w{k}" for k in random.integers(0, 30, 8)] + [f"topic{i % classes}"]
                    file.write(json.dumps({"text": " ".join(words), "label": i % classes}) + "\n")
    return folder


def run(data, output, module, *words):
    """A benchmark's output and its rows."""
    command = [sys.executable, "-m", f"bench.{module}", "--output", str(output), *words]
    environment = {"NCD_DATA": str(data), "PATH": "/usr/bin:/bin", "HOME": str(output)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((output / f"{module}.json").read_text())["rows"]


def test_classification(data, tmp_path):
    chosen = ("bits-saved strings", "svm-words", "gzip-knn", "majority")
    printed, rows = run(data, tmp_path, "classification", "--methods", *chosen)
    assert "two: most frequent class 0.5000 (30 texts)" in printed
    found = {(row["set"], row["method"]): row for row in rows}
    assert len(found) == 2 * 6
    best = found["three", "svm-words"]
    assert best["accuracy"] == 1
    assert best["macro_f1"] == 1
    assert best["fit_ratio"] == best["predict_ratio"] == 1
    assert found["three", "bits-saved strings"]["accuracy"] == 1
    near, second = (found["three", f"gzip-knn {name}"] for name in ("k=1", "optimistic"))
    assert near["accuracy"] <= second["accuracy"]
    for row in rows:
        hits = paired.unpacked(row["right"], row["n_test"])
        assert hits.mean() == pytest.approx(row["accuracy"], abs=1e-5)
    table = (tmp_path / "classification.md").read_text()
    assert "| TF-IDF words 1-2 + linear SVM | 2 | 1.000 |" in table
    assert "Macro F1" in (tmp_path / "classification_costs.md").read_text()

    # What is there is not measured again, and nothing that was measured is lost.
    printed, again = run(data, tmp_path, "classification", "--methods", *chosen, "naive-bayes", "--missing")
    assert "majority" not in printed.split("Accuracy")[0]
    assert [row["run"] for row in again[:12]] == [row["run"] for row in rows]
    assert len(again) == 14


def test_tables_say_what_was_not_run(data, tmp_path):
    run(data, tmp_path, "classification", "--methods", "naive-bayes", "--sets", "two")
    run(data, tmp_path, "classification", "--methods", "majority")
    table = (tmp_path / "classification.md").read_text()
    assert "word counts + multinomial NB was not run on three." in table


def test_times_of_ratios():
    assert tables._times([2.0, 8.0]) == "4"
    assert tables._times([0.01, 0.04]) == "0.02"
    assert tables._times([1000.0, 1000.0]) == "1,000"


def error_by_hand(confidence, hits, bins=15):
    total = 0.0
    for b in range(bins):
        inside = [i for i, p in enumerate(confidence) if b / bins <= p < (b + 1) / bins or (p == 1 and b == bins - 1)]
        if inside:
            gap = np.mean([hits[i] for i in inside]) - np.mean([confidence[i] for i in inside])
            total += len(inside) / len(confidence) * abs(gap)
    return total


def test_calibration_measures():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([0.5, 1, 2], 300)
    probabilities[0] = [1, 0, 0]
    truth = random.integers(0, 3, 300)
    found = calibration.measures(probabilities, truth)
    confidence, hits = probabilities.max(1), probabilities.argmax(1) == truth
    assert found["calibration_error"] == pytest.approx(error_by_hand(confidence, hits), abs=1e-5)
    assert found["brier"] == pytest.approx(((probabilities - np.eye(3)[truth]) ** 2).sum(1).mean(), abs=1e-5)
    likely = np.clip(probabilities[np.arange(300), truth], 1e-15, None)
    assert found["log_loss_bits"] == pytest.approx(-np.log2(likely).mean(), abs=1e-5)
    assert sum(found["bins"]["count"]) == 300
    assert sum(found["bins"]["right"]) == hits.sum()


def test_calibrated_probabilities_show_the_error_of_chance():
    random = np.random.default_rng(0)
    confidence = random.uniform(0.3, 1, 4000)
    chance = calibration.error_by_chance(confidence)
    assert calibration.calibration_error(confidence, random.random(4000) < confidence) < 2 * chance
    assert calibration.calibration_error(confidence, random.random(4000) < confidence**2) > 4 * chance


def test_calibration(data, tmp_path):
    _, rows = run(data, tmp_path, "calibration")
    assert {(row["set"], row["method"]) for row in rows} == set(product(("two", "three"), ("bits-saved", "logistic")))
    assert "| mean |" in (tmp_path / "calibration.md").read_text()


def test_draws_are_nested_and_keep_to_their_number(data, monkeypatch):
    monkeypatch.setenv("NCD_DATA", str(data))
    split = common.load_set("three")
    small, large, other = (few_labels.draw(split, n, seed, 10) for n, seed in ((2, 0), (5, 0), (5, 1)))
    assert [small.train_labels.count(label) for label in "012"] == [2, 2, 2]
    assert set(small.train) < set(large.train)
    assert set(large.train) != set(other.train)
    assert large.test == split.test[:10]
    assert len(few_labels.draw(split, 1000, 0).train) == len(split.train)


def test_few_labels(data, tmp_path):
    chosen = ("svm-words", "logistic", "gzip-knn", "code-length")
    words = ("--methods", *chosen, "--per-class", "1", "20", "--draws", "3")
    _, rows = run(data, tmp_path, "few_labels", *words)
    assert len(rows) == 2 * 4 * 2
    for row in rows:
        assert len(row["accuracy"]) == 3
        assert row["n_train"] == row["per_class"] * row["classes"]
    table = (tmp_path / "few_labels.md").read_text()
    assert "| method | 1 per class | 20 per class |" in table
    _, again = run(data, tmp_path, "few_labels", *words, "--missing")
    assert again == rows


def test_training(data, monkeypatch):
    monkeypatch.setenv("NCD_DATA", str(data))
    for model, part in product(("code-length", "bits-saved strings"), ("fit", "predict")):
        row = training.in_fresh_process(part, model, "three", 1, 2)
        assert len(row["wall"]) == len(row["cpu"]) == 2
        assert min(row["wall"]) > 0
    row = training.in_fresh_process("whole", "bits-saved", "three", 0, 1)
    assert row["accuracy"] == 1
    assert row["peak_bytes"] is None or row["peak_bytes"] >= row["bytes_before"]
    row = training.in_fresh_process("weights", "bits-saved strings", "two", 0, 1)
    strings = [share["strings"] for share in row["shares"]]
    assert strings == [-(-strings[0] // part) for part in (1, 2, 4, 8)]
    assert training.tables([{"part": "weights", "model": "bits-saved", "set": "two", "jobs": 0, **row}])[0][2]


def test_settings_are_compared_on_the_same_texts(data, monkeypatch):
    monkeypatch.setenv("NCD_DATA", str(data))
    tried = ({}, {"order": 3})
    monkeypatch.setattr(settings, "SETTINGS", {"CodeLengthClassifier": tried})
    monkeypatch.setattr(settings, "_JUDGE", 30)
    rows = [settings.measure("CodeLengthClassifier", s, name, 0, 1) for s in tried for name in ("two", "three")]
    assert [row["setting"] for row in rows] == ["defaults", "defaults", "order=3", "order=3"]
    assert {row["n"] for row in rows} == {30}
    heads, lines = settings.table(rows, "CodeLengthClassifier")
    assert len(heads) == 3
    found = {line[0]: line for line in lines}
    mean = {s: np.mean([row["accuracy"] for row in rows if row["setting"] == s]) for s in ("defaults", "order=3")}
    assert float(found["order=3"][1]) == pytest.approx(mean["order=3"], abs=1e-4)
    difference = 100 * (mean["order=3"] - mean["defaults"])
    assert float(found["order=3"][2].split(" ")[0]) == pytest.approx(difference, abs=0.006)


@pytest.mark.parametrize(
    ("name", "arguments", "rows"),
    [
        ("stream_guarantee", ["--part", "exchangeable", "-n", "2"], 24),
        ("stream_speed", ["throughput", "memory", "--megabytes", "0.1"], 6),
    ],
)
def test_scripts_of_streams(name, arguments, rows, tmp_path, capsys):
    importlib.import_module(f"bench.{name}").main([*arguments, "--output", str(tmp_path)])
    found = json.loads((tmp_path / f"{name}.json").read_text())
    assert len(found["rows"]) == rows
    assert list(tmp_path.glob(f"{name}*.md"))
    assert "streams" in capsys.readouterr().out
