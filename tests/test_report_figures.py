"""The scripts of the report's figures, on small runs."""

import json
from collections import Counter

import numpy as np
import pytest

from bench.report import reduction, topics, words


def test_no_word_is_in_two_groups():
    counts = Counter(word for members in words.GROUPS.values() for word in members)
    assert counts.most_common(1)[0][1] == 1
    assert len(words.GROUPS) == 10
    assert all(word.isalpha() and word.islower() for word in counts)


def test_gaussians_have_the_ratio_that_can_be_calculated(tmp_path):
    options = ["--kinds", "gaussians", "--draws", "3", "--dimensions", "2", "9", "--output", str(tmp_path)]
    reduction.main(options)
    found = json.loads((tmp_path / "report" / "fig_5.json").read_text("utf-8"))
    rows = {(row["method"], row["dim"]): row for row in found["rows"]}
    assert rows["none", 300]["ratio"][0] == pytest.approx(np.sqrt(1 + reduction.SPREAD**2), abs=0.01)
    assert rows["pca", 2]["ratio"][0] > rows["pca", 9]["ratio"][0] > 2
    for part in ("inter", "intra"):
        assert rows["random", 9][part] == pytest.approx(rows["none", 300][part], rel=0.1)
    for name in ("fig_5_4", "fig_5_5", "fig_5_6"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "by `python -m bench.report.reduction`" in (tmp_path / "report" / "fig_5.md").read_text("utf-8")


def test_the_text_changes_its_subject_where_it_says():
    text, change = topics.text_and_change()
    assert text[change:].startswith("Artificial intelligence")
    assert text[: change - 1].endswith(".")
    assert "photosynthesis" not in text[change:].lower()
    assert "\n" not in text


def test_answers_on_noise_are_inside_the_stream():
    answers = topics.noise(400, 5)
    assert answers == topics.noise(400, 5)
    assert all(0 < answer < 400 for answer in answers)
