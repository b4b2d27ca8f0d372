"""The benchmarks' statistics, and their scripts on very small sets."""

import gzip
import json
import subprocess
import sys
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, rankdata

from bench import classification_tables as tables, common, foreign, methods, paired

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
    assert paired.mean_interval([5.0]) == (5.0, 0.0)


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
