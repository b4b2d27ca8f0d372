"""The scripts of the report's figures, on small runs."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from bench.report import clustering, reduction, topics, word_clustering, words


def test_no_word_is_in_two_groups():
    counts = Counter(word for members in words.GROUPS.values() for word in members)
    assert counts.most_common(1)[0][1] == 1
    assert len(words.GROUPS) == 10
    assert all(word.isalpha() and word.islower() for word in counts)


def test_gaussians_have_the_ratio_that_can_be_calculated(tmp_path):
    options = ["--kinds", "gaussians", "--draws", "3", "--dimensions", "2", "9", "--output", str(tmp_path)]
    reduction.main(options)
    found = json.loads((tmp_path / "fig_5.json").read_text("utf-8"))
    rows = {(row["method"], row["dim"]): row for row in found["rows"]}
    assert rows["none", 300]["ratio"][0] == pytest.approx(np.sqrt(1 + reduction.SPREAD**2), abs=0.01)
    assert rows["pca", 2]["ratio"][0] > rows["pca", 9]["ratio"][0] > 2
    for part in ("inter", "intra"):
        assert rows["random", 9][part] == pytest.approx(rows["none", 300][part], rel=0.1)
    for name in ("fig_5_4", "fig_5_5", "fig_5_6"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "by `python -m bench.report.reduction`" in (tmp_path / "fig_5.md").read_text("utf-8")


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


def test_clustering_of_processes(tmp_path, capsys):
    options = ["--figure", "6.2", "6.5", "--lengths", "60", "600", "--runs", "4", "--output", str(tmp_path)]
    clustering.main(options)
    for name, kinds in (("fig_6_2", 2), ("fig_6_5", 3)):
        rows = {
            (row["method"], row["n"]): row for row in json.loads((tmp_path / f"{name}.json").read_text("utf-8"))["rows"]
        }
        assert rows["offline", 600]["error"] == 0
        assert rows["offline", 60]["error"] > 0
        assert rows["number unknown", 60]["error"] > 1 / 3
        assert rows["offline", 600]["n_runs"] == rows["offline", 600]["runs_with_right_number"] == 4
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert ("10 dimensions, PCA to 2", 600) in rows if kinds == 3 else ("offline, NCD by gzip", 600) in rows
    clustering.main([*options, "--table"])
    assert "4 of 4" in capsys.readouterr().out


@pytest.fixture
def vectors(tmp_path):
    """A file of vectors of the words of the groups and of the text, drawn around a centre of each group."""
    rng = np.random.default_rng(0)
    lines = [
        (word, 3 * centre + rng.normal(size=20))
        for group in words.GROUPS.values()
        for centre in [rng.normal(size=20)]
        for word in group
    ]
    known = {word for word, _ in lines}
    text, change = topics.text_and_change()
    for part, shift in ((text[:change], 0), (text[change:], 3)):
        for word in dict.fromkeys(re.findall(r"[a-z]+", part.lower())):
            if word not in known:
                known.add(word)
                lines.append((word, rng.normal(size=20) + shift))
    path = tmp_path / "vectors.txt"
    rows = [" ".join([word, *(f"{value:.4f}" for value in vector)]) for word, vector in lines]
    path.write_text("\n".join([f"{len(lines)} 20", *rows, ""]), encoding="utf-8")
    return path


def test_clustering_of_words(tmp_path, vectors, monkeypatch):
    pytest.importorskip("gensim")
    monkeypatch.setattr(word_clustering, "COMPONENTS", (1, 9))
    word_clustering.main(["--vectors", str(vectors), "--runs", "2", "--output", str(tmp_path)])
    rows = json.loads((tmp_path / "fig_6_6.json").read_text("utf-8"))["rows"]
    errors = {(row["groups"], row["method"], row["components"]): row["error"] for row in rows}
    assert errors[10, "average linkage, cosine", "9"] < 0.2 < errors[10, "average linkage, cosine", "1"]
    assert {row["vectors"] for row in rows} == {"vectors.txt"}
    assert (tmp_path / "fig_6_6.png").read_bytes().startswith(b"\x89PNG")


def test_the_text_on_two_subjects(tmp_path, vectors):
    pytest.importorskip("gensim")
    topics.main(["--vectors", str(vectors), "--noise", "5", "--output", str(tmp_path)])
    rows = {row["route"]: row for row in json.loads((tmp_path / "fig_6_7.json").read_text("utf-8"))["rows"]}
    assert abs(rows["one_cut (calibrated code lengths)"]["off"]) < 0.02
    assert abs(rows["word vectors, first 1, ctw"]["off"]) < 0.02
    assert len(rows["the report's recipe"]["noise"]) == 5
    for name in ("fig_6_7", "fig_photosynthesis"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("script", [reduction, topics, word_clustering])
def test_other_vectors_do_not_go_into_the_projects_figures(script, capsys):
    with pytest.raises(SystemExit):
        script.main(["--vectors", "file.bin"])
    assert "--vectors needs --output" in capsys.readouterr().err


def test_trained_vectors_are_kept_by_what_they_come_from(tmp_path, monkeypatch):
    pytest.importorskip("gensim")
    text = tmp_path / "text"
    text.write_text("one")
    monkeypatch.setattr(words, "training_files", lambda: [text])
    first = words.training_digest()
    assert words.training_digest() == first
    monkeypatch.setitem(words.TRAINING, "epochs", 6)
    second = words.training_digest()
    text.write_text("two")
    assert len({first, second, words.training_digest()}) == 3
