"""Comparisons from beginning to end: collections, splits, figures, the report, the command."""

import json
import pickle
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from support import make_text

from ncd.cli import main
from ncd.cli.compare import _save
from ncd.compare import Collection, Comparison, compare, compare_collection, read_collection, segmentation
from ncd.compare.classification import curve_sizes
from ncd.compare.clusters import matched
from ncd.compare.collection import collection_of, document_of
from ncd.compare.intervals import wilson
from ncd.compare.measure import joules, peak_memory, spent
from ncd.compare.recommend import RULES
from ncd.compare.run import _one
from ncd.compare.sources import Logistic, NearestVote, Source, sources_of
from ncd.compare.splitting import draw, sample, split_of
from ncd.compare.worker import isolated
from ncd.embed import get_embedder, registry
from ncd.exceptions import EmptyTextError, ReadError
from ncd.readers import read_texts

ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat", "hen", "duck", "mouse", "lion"]
METALS = ["iron", "copper", "gold", "tin", "zinc", "lead", "silver", "nickel", "cobalt", "steel"]


def topic_text(seed, words):
    """A few words of a topic among common words."""
    random = np.random.default_rng(seed)
    return " ".join([*random.choice(words, 6), make_text(seed, 4)])


def labelled(n=40):
    """Texts of two topics, in turn."""
    texts = [topic_text(i, (ANIMALS, METALS)[i % 2]) for i in range(n)]
    return texts, ["animals", "metals"] * (n // 2)


QUICK = {"embedders": ["tfidf:5"], "compressors": ["gzip"], "isolate": False, "cache": False, "progress": False}


@pytest.fixture(scope="module")
def comparison():
    """A small comparison of labelled texts."""
    texts, labels = labelled(60)
    return compare(texts, labels, draws=2, per_class=(2, 5), **QUICK)


# Collections


def test_collections_by_what_they_hold(tmp_path):
    (tmp_path / "labelled.jsonl").write_text('{"text": "a cat", "label": 1}\n{"text": "iron", "label": 2}\n')
    (tmp_path / "plain.jsonl").write_text('{"text": "a cat"}\n{"text": "iron"}\n')
    (tmp_path / "pairs.csv").write_text("sentence1,sentence2,score\na cat,the cat,4\na cat,iron,0.5\nx,y,1\n")
    rows = [{"text": ["a", "b"], "label": i / 2} for i in range(3)]
    (tmp_path / "listed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "one.txt").write_text("========\na\nb\n\n========\nc\n")
    kinds = {name: read_collection(tmp_path / name).kind for name in ("labelled.jsonl", "plain.jsonl", "pairs.csv")}
    assert kinds == {"labelled.jsonl": "labelled", "plain.jsonl": "unlabelled", "pairs.csv": "pairs"}
    assert read_collection(tmp_path / "listed.jsonl").scores == [0.0, 0.5, 1.0]
    documents = read_collection(tmp_path / "documents").documents
    assert [(one.lines, one.ends) for one in documents] == [(("a", "b", "c"), (2, 3))]
    assert read_collection(tmp_path / "labelled.jsonl", tmp_path / "labelled.jsonl").test_labels == ["1", "2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text1": "a", "text2": "", "score": 1}\n', "hold no two texts"),
        ('{"text1": "a", "text2": "b", "score": "high"}\n', "'high' where a finite number"),
        ('{"text1": "a", "text2": "b", "score": NaN}\n', "finite number"),
        ('{"text1": "a", "text2": "b", "score": true}\n', "finite number"),
        ('{"text1": "a", "text2": "b", "score": 1}\n', "1 pair: a rank"),
        ('{"text": ""}\n', "an empty text has no vector; take it out"),
        ('{"q": "a", "a": "b", "gold": 1}\n', "text1, text2 and score"),
        ('{"text": "a"\n', "malformed JSON"),
        ("", "holds no texts"),
    ],
)
def test_bad_rows_are_named(tmp_path, content, message):
    (tmp_path / "data.jsonl").write_text(content)
    with pytest.raises(ReadError, match=message):
        read_collection(tmp_path / "data.jsonl")


def test_pairs_and_labels_under_other_names(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("q,a,gold,label\none cat,two cats,4,x\nice,snow,3,x\nsun,moon,1,y\n")
    found = read_collection(path, text_field="q,a", score_field="gold")
    assert (found.kind, found.seconds, found.scores) == ("pairs", ["two cats", "snow", "moon"], [4.0, 3.0, 1.0])
    for wrong in ({"text_field": "q,a", "score_field": "silver"}, {"text_field": "q", "score_field": "gold"}):
        with pytest.raises(ReadError, match="text1, text2 and score"):
            read_collection(path, **wrong)
    path.write_text('Review,Sentiment\n"a cat, of course",good\niron,bad\n')
    found = read_collection(path, text_field="Review")
    assert found.described == "2 texts without labels"
    assert "No field 'label' (found: 'Sentiment')" in found.notes[0]
    assert "--label-field Sentiment" in found.notes[0]
    named = read_collection(path, text_field="Review", label_field="Sentiment")
    assert (named.labels, named.notes) == (["good", "bad"], ())
    with pytest.raises(ReadError, match="no field 'Mood'"):
        read_collection(path, text_field="Review", label_field="Mood")


def test_one_text_and_labels_of_missing_values():
    with pytest.raises(ValueError, match=r"two or more are needed; .*======== stand"):
        compare(["a cat sat on the mat"], **QUICK)
    texts, labels = labelled(20)
    odd = compare(texts, [*labels[:-2], "NaN", "NaN"], task="cluster", **QUICK)
    assert "2 texts with the label 'NaN', as missing values are written: it is taken as a label." in odd.notes


def test_a_task_that_does_not_fit_is_refused(tmp_path):
    (tmp_path / "data.jsonl").write_text('{"text": "a cat"}\n{"text": "iron"}\n')
    for task in ("classify", "cluster", "similarity"):
        with pytest.raises(ReadError, match=f"task '{task}' needs"):
            read_collection(tmp_path / "data.jsonl", task=task)
    with pytest.raises(ReadError, match="no line begins with"):
        read_collection(tmp_path / "data.jsonl", task="segment")
    with pytest.raises(ReadError, match="a test set goes with labelled texts"):
        read_collection(tmp_path / "data.jsonl", tmp_path / "data.jsonl")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ReadError, match="not UTF-8"):
        read_collection(tmp_path / "latin.txt")


def test_collections_from_python_are_checked():
    with pytest.raises(ValueError, match="2 labels for 1 text:"):
        collection_of(["a"], ["x", "y"])
    with pytest.raises(ValueError, match="without labels"):
        collection_of(["a"], test=["b"])
    with pytest.raises(EmptyTextError):
        collection_of(["a", ""])
    with pytest.raises(ValueError, match=r"texts\[1\] is no pair"):
        collection_of([("a", "b"), "ab"], [1, 2], task="similarity")
    with pytest.raises(ValueError, match="is not a finite number"):
        collection_of([("a", "b")] * 3, [1, float("nan"), 2], task="similarity")
    with pytest.raises(ValueError, match="choose from 'classify'"):
        collection_of(["a"], task="guess")
    with pytest.raises(ValueError, match="needs 2 or more"):
        document_of("========\none\n")


# Splits and draws


def test_a_split_holds_out_a_fifth_of_each_label():
    texts, labels = [f"text {i}" for i in range(100)], ["a"] * 80 + ["b"] * 15 + ["c"] * 4 + ["d"]
    split = split_of(Collection("labelled", "x", texts, labels), max_train=None, max_test=None, random_state=3)
    assert {label: split.test_labels.count(label) for label in "abcd"} == {"a": 16, "b": 3, "c": 1, "d": 0}
    assert sorted(split.train + split.test) == sorted(texts)
    assert all(labels[texts.index(text)] == label for text, label in zip(split.test, split.test_labels, strict=True))
    again = split_of(Collection("labelled", "x", texts, labels), max_train=None, max_test=None, random_state=3)
    assert again.test == split.test
    assert "held out (seed 3)" in split.notes[0]


def test_a_split_says_what_was_sampled_and_what_cannot_be_right():
    texts, labels = [f"text {i}" for i in range(40)], ["a", "b"] * 20
    collection = Collection("labelled", "x", texts, labels, test=[texts[0], "new"], test_labels=["a", "z"])
    split = split_of(collection, max_train=10, max_test=1000, random_state=0)
    assert len(split.train) == 10
    assert split.train_labels.count("a") == 5
    assert any("Of 40 training texts 10 were sampled" in note for note in split.notes)
    assert "1 test text has a label that no training text has ('z'); no method can be right on it." in split.notes
    with pytest.raises(ValueError, match="no test text has a label that a training text has: 'y', 'z' in the test set"):
        split_of(replace(collection, test_labels=["y", "z"]), max_train=10, max_test=9, random_state=0)
    with pytest.raises(ValueError, match=r"all labels are 'a'.*--task geometry"):
        split_of(Collection("labelled", "x", texts, ["a"] * 40), max_train=None, max_test=None, random_state=0)
    with pytest.raises(ValueError, match="one text only"):
        split_of(Collection("labelled", "x", ["p", "q"], ["a", "b"]), max_train=None, max_test=None, random_state=0)


def test_samples_keep_every_label_and_draws_are_nested():
    labels = ["a"] * 90 + ["b"] * 9 + ["c"]
    chosen = sample(labels, 20, 0)
    assert len(chosen) == len(set(chosen)) == 20
    counts = [sum(labels[i] == label for i in chosen) for label in "abc"]
    assert counts[2] == 1
    assert counts[0] > 5 * counts[1] > 0
    assert sample(labels, None, 0) == list(range(100))
    small, large = draw(labels, 2, 7), draw(labels, 5, 7)
    assert set(small) < set(large)
    assert [sum(labels[i] == label for i in large) for label in "abc"] == [5, 5, 1]
    assert curve_sizes(labels, (100, 5, 50, 5)) == (5,)


# Parts


def test_nearest_vote_and_its_ties():
    vectors, labels = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]]), ["x", "y", "y", "y"]
    assert NearestVote(2).fit(vectors, labels).predict([[1, 0.01]]).tolist() == ["x"]
    assert NearestVote(3).fit(vectors, labels).predict([[1, 0.01]]).tolist() == ["y"]


def test_logistic_learns_from_one_text_of_a_label():
    model = Logistic().fit(np.eye(4), ["a", "a", "b", "b"])
    assert model.predict(np.eye(4)).tolist() == ["a", "a", "b", "b"]


def test_matched_against_all_namings():
    random = np.random.default_rng(0)
    for _ in range(20):
        labels, clusters = random.integers(0, 3, 12), random.integers(0, 4, 12)
        best = max(
            sum(order[c] == y for c, y in zip(clusters, labels, strict=True)) for order in permutations(range(4))
        )
        assert matched(labels, clusters).sum() == best


def test_what_a_call_takes(tmp_path):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    assert joules(tmp_path) is None
    for name, content in (("name", "package-0"), ("energy_uj", "123"), ("max_energy_range_uj", "1000")):
        (zone / name).write_text(content)
    assert joules(tmp_path) == {"intel-rapl:0": (123, 1000)}
    found = spent(lambda: sum(range(1000)))
    assert found.value == 499500
    assert found.per_thousand(1) == 1000 * found.seconds >= 0
    assert (peak_memory() or 1 << 30) > 1 << 20


def test_errors_come_back_from_another_process():
    with pytest.raises(FileNotFoundError, match="no such file"):
        isolated(read_texts, "nowhere.jsonl")


class Lengths:
    """An embedder as a user writes one."""

    name = "lengths"

    def encode(self, texts):
        return np.array([[len(text), 1.0] for text in texts])


def test_a_class_of_the_script_works_in_the_main_process(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "Lengths", Lengths, raising=False)
    monkeypatch.setattr(Lengths, "__module__", "__main__")
    asked = pickle.loads(pickle.dumps(Lengths()))  # it can be sent; only the other process cannot read it
    source = Source("embedder", asked, "lengths", "embedding")
    limits = SimpleNamespace(isolate=True)
    answer, remarks = _one(source, repr, asked, limits)
    assert "Lengths" in answer
    assert remarks == ["worked in the main process, because it cannot be sent to another one"]


def test_names_that_were_registered_here_are_not_sent(monkeypatch):
    monkeypatch.setitem(registry._registered, "lengths", Lengths)
    assert Source("embedder", "lengths", "lengths", "embedding").registered_here
    assert not Source("embedder", "tfidf", "tfidf", "TF-IDF").registered_here


def test_sources_are_checked_before_anything_is_computed():
    assert [one.name for one in sources_of("similarity", ["tfidf:3"], ["zlib"])] == ["zlib:9", "TF-IDF", "tfidf:3"]
    with pytest.raises(ValueError, match="given twice"):
        sources_of("classify", [], ["gzip", "gzip:9"])
    with pytest.raises(TypeError, match="give a list"):
        sources_of("classify", "minilm", None)
    with pytest.raises(ValueError, match="not known"):
        sources_of("classify", ["minilmm"], None)


# Whole comparisons


def test_figures_follow_from_predictions(comparison):
    result = comparison.results[0]
    names = {score.method for score in result.scores}
    assert {"bits saved", "class models", "gzip:9 5-NN", "TF-IDF + linear SVM", "tfidf:5 + logistic"} < names
    assert result.n == 12
    for score in result.scores:
        one = score.estimate
        assert one == wilson(round(one.value * 12), 12)
    values = [score.estimate.value for score in result.scores]
    assert values == sorted(values, reverse=True)
    assert result.scores[-1].method == "most frequent label"
    assert values[0] == 1.0
    assert result.scores[0].to_best is None
    assert all(0 <= score.to_best.p_value <= 1 for score in result.scores[1:])
    for curve in result.curves:
        assert curve.per_class == (2, 5)
        assert np.shape(curve.accuracies) == (2, 2)
    costs = [score.cost for score in result.scores if score.family != "baseline"]
    assert all(cost.index > 0 and cost.query > 0 and cost.disk > 0 and cost.memory is None for cost in costs)


def test_geometry_and_clusters(comparison):
    cluster = comparison.results[1]
    assert cluster.task == "cluster"
    assert {"tfidf:5, Ward", "one cluster"} < {score.method for score in cluster.scores}
    pairs = {(one.a, one.b) for one in comparison.agreements}
    assert pairs == {("gzip:9", "TF-IDF"), ("gzip:9", "tfidf:5"), ("TF-IDF", "tfidf:5")}
    assert all(0 <= one.overlap.value <= 1 for one in comparison.agreements)
    for geometry in comparison.geometries:
        assert all(place != near for place, near, _ in geometry.neighbours)


def test_the_same_seed_gives_the_same_figures(comparison):
    texts, labels = labelled(60)
    again = compare(texts, labels, draws=2, per_class=(2, 5), task=["classify"], **QUICK)
    first = {score.method: score.estimate for score in comparison.results[0].scores}
    assert {score.method: score.estimate for score in again.results[0].scores} == first
    assert again.results[0].curves[0].accuracies in [one.accuracies for one in comparison.results[0].curves]


def test_json_has_no_numbers_that_json_lacks(comparison, tmp_path):
    comparison.save_json(tmp_path / "c.json")
    text = (tmp_path / "c.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text)["results"][0]["measure"] == "accuracy"
    with pytest.raises(FileExistsError):
        comparison.save_json(tmp_path / "c.json")


def test_unlabelled_texts(tmp_path):
    found = compare(labelled(30)[0], task=None, **QUICK)
    assert found.results == ()
    assert len(found.agreements) == 3
    assert found.advice[0].rule == "geometry"
    assert "Nearest neighbours" in found.to_html()


def test_pairs_are_ranked_and_equal_distances_left_out():
    texts = [(make_text(i, 30), make_text(i + (i % 3), 30)) for i in range(24)]
    found = compare(texts, [-(i % 3) for i in range(24)], task="similarity", **QUICK)
    result = found.results[0]
    assert result.unit == "pairs"
    assert {score.method for score in result.scores} == {"gzip:9", "TF-IDF", "tfidf:5"}
    gzip = next(score for score in result.scores if score.method == "gzip:9")
    assert gzip.estimate.value > 0.5
    with pytest.raises(ValueError, match="all scores are 1"):
        compare(texts, [1.0] * 24, task="similarity", **QUICK)


def test_documents_are_cut():
    def document(i):
        halves = [[topic_text(10 * i + j, words) for j in range(8)] for words in (ANIMALS, METALS)]
        return "\n".join([*halves[0], "========", *halves[1]])

    found = compare(
        [document(i) for i in range(4)],
        task="segment",
        embedders=[],
        **{k: v for k, v in QUICK.items() if k != "embedders"},
    )
    known = found.results[0]
    assert not known.higher_is_better
    assert {score.method for score in known.scores} == {"word code", "gzip:9", "no cut", "equal parts"}
    assert known.best.estimate.value < next(s for s in known.scores if s.method == "no cut").estimate.value


def test_test_texts_that_were_learned_from_are_counted():
    texts, labels = labelled(60)
    found = compare(texts, labels, test=texts[:40], test_labels=labels[:40], task="classify", draws=0, **QUICK)
    assert found.results[0].leaked == 40
    assert [one.rule for one in found.advice] == ["leak", "best"]


def test_a_user_s_embedder_is_not_trained(comparison):
    mine = get_embedder("tfidf:3")
    compare(labelled(20)[0], **(QUICK | {"embedders": [mine]}))
    assert not mine.fitted


def test_one_source_that_fails_does_not_stop_the_others():
    class Broken:
        name = "broken"

        def encode(self, texts):
            raise RuntimeError("the model fell over")

    lines = []
    texts, labels = labelled(40)
    options = QUICK | {"embedders": [Broken()]}
    found = compare(texts, labels, task=["classify"], draws=0, report=lines.append, **options)
    assert found.left_out == {"broken": "the model fell over"}
    assert found.results[0].scores
    assert any("left out: the model fell over" in line for line in lines)
    assert "fell over" in found.to_html()
    assert "broken was left out: the model fell over." in str(found)


def test_impatience_leaves_slow_methods_out():
    texts, labels = labelled(400)
    found = compare(texts, labels, task=["classify"], draws=0, patience=1e-9, **QUICK)
    result = found.results[0]
    assert "patience is" in result.left_out["gzip:9 5-NN"]
    assert "patience is" in found.to_html()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_train": 1}, "max_train is 1"),
        ({"draws": -1}, "draws is -1"),
        ({"patience": 0}, "patience is 0"),
        ({"task": "segment"}, "needs 2 or more"),
        ({"task": ["similarity"]}, "is no pair"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        compare(*labelled(20), **(QUICK | options))
    with pytest.raises(TypeError, match="no parameter 'tasks'; it is called 'task'"):
        compare(*labelled(20), tasks=["cluster"])
    with pytest.raises(ValueError, match="task is 'segment'"):
        compare_collection(collection_of(*labelled(20)), tasks=["segment"])


# The command


@pytest.fixture
def data(tmp_path):
    """A file of labelled texts."""
    path = tmp_path / "topics.jsonl"
    rows = (json.dumps({"text": text, "label": label}) for text, label in zip(*labelled(40), strict=True))
    path.write_text("\n".join(rows))
    return path


def test_the_command_in_processes_of_their_own(tmp_path, capsys):
    pairs, report, record = tmp_path / "pairs.jsonl", tmp_path / "report.html", tmp_path / "report.json"
    rows = [{"text1": make_text(i, 20), "text2": make_text(i + i % 3, 20), "score": -(i % 3)} for i in range(30)]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--compressor", "zlib", "--embedder", "tfidf:4", "--cache", str(tmp_path / "cache")]
    assert main(["compare", str(pairs), "-o", str(report), "--json", str(record), *options]) == 0
    out, err = capsys.readouterr()
    assert "similarity: Spearman correlation, n = 30 pairs" in out
    assert "ake TF-IDF" in out or "ake zlib:9" in out
    assert "1/3 zlib:9: done" in err
    found = json.loads(record.read_text())
    if sys.platform == "linux":
        assert all(score["cost"]["memory"] > 1 << 24 for score in found["results"][0]["scores"])
    assert report.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "a.html", "--patience", "-3"], "more than 0"),
        (["-o", "a.html", "--allow-download", "--embedder", "tfidf"], "goes with --embedder sentence:NAME"),
        (["-o", "a.html", "--json", "a.html"], "choose two files"),
        (["-o", "-"], "no file for a report"),
        (["-o", "a.html", "--cache", "x", "--no-cache"], "give one of them"),
        (["-o", "a.html", "--embedder", "nothing"], "'nothing' is not known"),
        (["-o", "a.html", "--compressor", "nothing"], "'nothing' is not known"),
        (["-o", "a.html", "--max-train", "1"], "from 2, or all"),
        (["-o", "nowhere/a.html"], "does not exist"),
    ],
)
def test_wrong_usage_is_found_before_any_work(data, options, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(data), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()


def test_a_file_that_appears_meanwhile_is_left_alone(comparison, tmp_path, capsys):
    (tmp_path / "r.html").write_text("mine")
    _save(str(tmp_path / "r.html"), comparison.save_html, False)
    assert (tmp_path / "r.html").read_text() == "mine"
    assert (tmp_path / "r-2.html").read_text().startswith("<!DOCTYPE html>")
    assert "written to" in capsys.readouterr().err


def test_errors_of_documents_have_bounds_and_p_too():
    assert segmentation._mean(np.array([0.0, 0.0, 0.5])).low == 0
    assert segmentation._difference(np.full(6, 0.4), np.full(6, 0.1)).p_value == 2.0**-5


# The page


def test_the_page_loads_nothing_and_ends_with_the_recommendation(comparison):
    page = comparison.to_html()
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|https?://", page)
    assert page.count("<h1>") == 1
    place = page.index("Recommendation</h2>")
    assert place > page.index("How it was done")
    for one in comparison.advice:
        assert RULES[one.rule]
    assert page.count("<table") == page.count("</table>") == page.count('<div class="box"')


def test_the_page_escapes_what_texts_hold():
    texts = [f"<script>alert({i})</script> & {topic_text(i, ANIMALS)}" for i in range(12)]
    found = compare(texts, **QUICK)
    page = Comparison(**(vars(found) | {"name": "<b>&\u202e"})).to_html()
    assert "<script>" not in page
    assert "&lt;script&gt;alert" in page
    assert "\u202e" not in page


def _chromium():
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@pytest.mark.skipif(_chromium() is None, reason="there is no Chromium")
def test_the_page_in_chromium(comparison, tmp_path):
    api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "report.html"
    comparison.save_html(path)
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        grounds = {}
        for width, scheme in ((375, "light"), (375, "dark"), (1200, "light")):
            page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
            said, asked = [], []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(path.as_uri())
            assert said == []
            assert asked == [path.as_uri()]
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert page.evaluate(
                "[...document.querySelectorAll('svg, p, h1, h2, .box')]"
                ".every(e => e.getBoundingClientRect().right <= window.innerWidth + 1)"
            )
            grounds[width, scheme] = page.evaluate(
                "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
            )
        browser.close()
    assert grounds[375, "light"] != grounds[375, "dark"]


def test_names_are_lazy():
    code = "import ncd.compare, sys; print('sklearn' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


class _Plain:
    """An embedder with a name and nothing else; or one that fails in its own way."""

    def __init__(self, name, fails=False):
        self.name, self.fails = name, fails

    def encode(self, texts):
        if self.fails:
            raise KeyError("a word")
        return [[len(text), text.count("e"), 1.0] for text in texts]


def test_objects_without_a_digest_are_encoded_and_foreign_errors_end_only_their_own(tmp_path):
    texts = [f"{'a tale of the sea' if i % 2 else 'stocks'} {i}" for i in range(60)]
    labels = ["odd" if i % 2 else "even" for i in range(60)]
    found = compare(
        texts,
        labels,
        task="classify",
        embedders=[_Plain("mine"), _Plain("broken", fails=True)],
        compressors=["gzip"],
        cache=tmp_path,
        isolate=False,
        draws=0,
        progress=False,
    )
    assert {"mine + logistic", "mine 5-NN"} <= {one.method for one in found.results[0].scores}
    assert found.left_out == {"broken": "KeyError: 'a word'"}


def test_geometry_has_the_diagnostics_of_vectors_and_of_two_of_them():
    rng = np.random.default_rng(0)
    words = {"sea": "ship wave sand salt fish", "city": "tram road bank roof lamp"}
    labels = [label for label in words for _ in range(40)]
    texts = [" ".join(rng.choice(words[label].split(), 6)) + f" {i}" for i, label in enumerate(labels)]
    found = compare(
        texts,
        labels,
        task="geometry",
        embedders=["tfidf:20", "tfidf:20,analyzer=chars"],
        compressors=["gzip"],
        cache=False,
        isolate=False,
        progress=False,
    )
    of = {one.source: one.figures for one in found.geometries}
    assert of["gzip:9"] == {}
    ratios = of["tfidf:20"]
    assert ratios["at 2 components"] > ratios["at 10 components"] > ratios["between / within labels"] > 1.05
    linear = {(one.a, one.b): one.linearity for one in found.agreements}
    assert linear["gzip:9", "tfidf:20"] is None
    assert all(0.3 < there.value <= 1 for there in linear["tfidf:20", "tfidf:20,analyzer=chars"])
    assert "linearity" in found.to_dict()["agreements"][0]
