"""The report of a comparison: what it says first, how to use what it recommends, pictures, tables, words."""

import json
import re
import shlex
import shutil
from dataclasses import replace
from html import unescape
from importlib import import_module

import numpy as np
import pytest
from support import make_text

import ncd
from ncd.cli import main
from ncd.compare import compare
from ncd.compare.glossary import glossary_of
from ncd.compare.intervals import Estimate
from ncd.compare.recommend import RULES
from ncd.compare.results import Advice, Cost, Score, TaskResult
from ncd.compare.svg import bounds, decades, ticks
from ncd.compare.tables import costs_table, scores_table
from ncd.compare.usage import usage_of
from ncd.compare.verdict import taken

ANIMALS = ["cat", "dog", "horse", "cow", "sheep", "goat", "hen", "duck", "mouse", "lion"]
METALS = ["iron", "copper", "gold", "tin", "zinc", "lead", "silver", "nickel", "cobalt", "steel"]
_SKLEARN = (
    ("feature_extraction.text", "TfidfVectorizer"),
    ("linear_model", "LogisticRegression"),
    ("metrics.pairwise", "cosine_distances"),
    ("neighbors", "KNeighborsClassifier"),
    ("pipeline", "make_pipeline"),
    ("svm", "LinearSVC"),
)
QUICK = {"embedders": ["tfidf:5"], "compressors": ["gzip"], "isolate": False, "cache": False, "progress": False}


def texts_of(n, seed=0):
    """Texts of two topics, in turn, and their labels."""
    random = np.random.default_rng(seed)
    texts = [" ".join([*random.choice((ANIMALS, METALS)[i % 2], 6), make_text(seed + i, 4)]) for i in range(n)]
    return texts, ["animals", "metals"] * (n // 2)


@pytest.fixture(scope="module")
def labelled():
    """A comparison of labelled texts."""
    return compare(*texts_of(180), draws=2, per_class=(2, 5), **QUICK)


@pytest.fixture(scope="module")
def pairs():
    """A comparison of pairs."""
    texts, _ = texts_of(40)
    return compare(
        [*zip(texts, texts[1:] + texts[:1], strict=True)], [i % 3 for i in range(40)], task="similarity", **QUICK
    )


def made(method, value, low, high, **cost):
    """A score."""
    return Score(method, "compression", Estimate(value, low, high, 100), None, Cost(**cost))


# The verdict


def test_the_verdict_comes_first_and_says_how_to_use_what_it_takes(labelled):
    page = labelled.to_html()
    first = unescape(page[page.index("<body>") : page.index("<h2")])
    for advice in labelled.advice:
        if advice.rule == "take":
            assert advice.text.replace(" %", "\xa0%") in first
    result = labelled.results[0]
    methods = taken(result, [one for one in labelled.advice if one.about.startswith("Classification")])
    assert methods
    for score in methods:
        assert usage_of("classify", score.method, score.family).python in first


def test_a_recommendation_may_take_one_method_two_or_none():
    scores = tuple(made(name, 0.9, 0.8, 1) for name in ("gzip:9", "gzip:9 5-NN", "minilm, Ward", "minilm"))
    result = TaskResult("classify", "accuracy", True, 100, scores)

    def names(text):
        return [score.method for score in taken(result, [Advice("take", text)])]

    assert names("Take gzip:9 5-NN: the best (1 s).") == ["gzip:9 5-NN"]
    assert names("Take minilm, Ward: the best.") == ["minilm, Ward"]
    assert names("They cannot decide: take minilm for its figure, or gzip:9, which is faster.") == ["minilm", "gzip:9"]
    assert taken(result, [Advice("best", "Take gzip:9: no.")]) == []


def test_nothing_follows_from_nothing(labelled):
    assert "Nothing follows" in replace(labelled, advice=()).to_html()


# How to use a method


def namespace(texts, labels, new_texts):
    """What the lines of Python take for granted."""
    known = {"ncd": ncd, "texts": texts, "labels": labels, "new_texts": new_texts, "n_clusters": 2}
    for module, name in _SKLEARN:
        known[name] = getattr(import_module(f"sklearn.{module}"), name)
    return known | {"text": "\n".join(texts)}


def ran(python, known):
    """The value of a line."""
    *before, last = python.partition("  # ")[0].split("; ")
    for line in before:
        exec(line, known)
    return eval(last, known)


def test_every_line_of_python_runs_and_gives_what_was_measured(labelled):
    texts, labels = texts_of(60)
    known = namespace(texts, labels, new := texts_of(40, 500)[0])
    for result in labelled.results:
        for score in result.scores:
            python = usage_of(result.task, score.method, score.family).python
            if score.family == "baseline":
                assert python == ""
                continue
            found = ran(python, known)
            if result.task == "classify":
                right = np.mean(np.asarray(found) == np.array(["animals", "metals"] * 20))
                assert right > 0.6, score.method
                assert len(found) == len(new)
            else:
                assert sorted(set(np.asarray(found).tolist())) == [0, 1]


def test_lines_for_pairs_and_documents_run(pairs):
    texts, labels = texts_of(12)
    known = namespace(texts, labels, texts)
    for score in pairs.results[0].scores:
        matrix = np.asarray(ran(usage_of("similarity", score.method, score.family).python, known))
        assert matrix.shape == (12, 12)
    for method, family in (("word code", "compression"), ("zlib:9", "compression"), ("tfidf:5", "TF-IDF")):
        assert ran(usage_of("segment", method, family).python, known).bounds[-1] == 12


def test_every_command_runs(labelled, pairs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [json.dumps({"text": t, "label": y}) for t, y in zip(*texts_of(40), strict=True)]
    for name in ("train.jsonl", "new.jsonl", "texts.jsonl"):
        (tmp_path / name).write_text("\n".join(rows))
    (tmp_path / "document.txt").write_text("\n".join(texts_of(12)[0]))
    asked = [(r.task, s.method, s.family) for one in (labelled, pairs) for r in one.results for s in r.scores]
    asked += [("segment", "word code", "compression"), ("segment", "zlib:9", "compression")]
    asked += [("segment", "tfidf:5", "TF-IDF")]
    used = [usage_of(*one) for one in asked]
    commands = {line for one in used for line in (one.command, one.instead) if line}
    assert len(commands) > 8
    for command in sorted(commands):
        program, *arguments = shlex.split(command)
        assert program == "ncd"
        assert main([*arguments, *(["--force"] if "-o" in arguments else [])]) == 0, command
    capsys.readouterr()


def test_objects_of_the_user_have_no_command():
    used = usage_of("classify", "Mine 5-NN", "embedding")
    assert used.python.startswith("ncd.NCDClassifier(embedder=your_object")
    assert used.command == ""
    assert usage_of("classify", "Mine dictionaries", "compression").command == ""
    assert "your_object" in usage_of("segment", "Mine", "embedding").python


# Tables, words and rules


def test_tables_begin_with_method_figure_and_interval():
    one = made("gzip", 0.5, 0.4, 0.6)
    result = TaskResult("classify", "accuracy", True, 1, (one,))
    heads = re.findall(r"<th scope[^>]*>(.*?)</th>", scores_table(result))
    assert heads == ["method", "accuracy, %", "95 % interval", "to best", "p (adjusted)", "family"]
    assert "Scrolls sideways" in scores_table(result)


@pytest.mark.parametrize(
    ("disk", "said"), [(6000, "6.0 kB"), (12, "12 B"), (91_613_669, "91.6 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes_have_units(disk, said):
    assert f">{said}<" in costs_table([made("gzip", 0.5, 0.4, 0.6, disk=disk)])


def test_words_are_those_of_the_page(labelled):
    assert "<dt>Ward</dt>" in labelled.to_html()
    assert "<dt>Pk</dt>" not in labelled.to_html()
    assert glossary_of("nothing") == ""


def test_rules_are_numbered_and_sentences_lead_to_them(labelled):
    page = labelled.to_html()
    assert re.findall(r'<li id="rule(\d+)">', page) == [str(i + 1) for i in range(len(RULES))]
    leading = [int(number) for number in re.findall(r"href='#rule(\d+)'", page)]
    assert leading == [[*RULES].index(one.rule) + 1 for one in labelled.advice]
    for anchor in re.findall(r"href=[\"']#(\w+)", page):
        assert f'id="{anchor}"' in page


def test_how_it_was_done_is_said_in_sentences(labelled):
    done = labelled.to_html().split('id="done"')[1].split("<h2")[0]
    assert "Seed of all samples and draws: 0." in done
    assert "Training texts: 5,000 at most." in done
    for raw in ("isolate", "random_state", "per_class", "max_", "None", "n_jobs"):
        assert raw not in done


# Pictures


@pytest.mark.parametrize(
    ("low", "high", "limits"), [(12, 88.1, (0, 100)), (97, 99.9, (0, 100)), (0.86, 0.86, (-1, 1)), (0, 0, (0, 100))]
)
def test_axes_hold_the_figures_and_end_at_ticks(low, high, limits):
    under, over = bounds(low, high, limits)
    assert limits[0] <= under <= low <= high <= over <= limits[1]
    assert over > under
    assert len(ticks(under, over)) >= 2


@pytest.mark.parametrize("span", [(0.1, 100), (2, 5), (0.9, 1.4), (1e-3, 1e4)])
def test_axes_of_time_have_ticks(span):
    assert decades(*span)
    assert all(span[0] * 0.99 <= tick <= span[1] * 1.01 for tick in decades(*span))


def chromium():
    """Where the browser is."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


_TEXTS = """[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width).map(s => ({
  frame: s.getBoundingClientRect().toJSON(),
  scale: s.getBoundingClientRect().width / s.viewBox.baseVal.width,
  texts: [...s.querySelectorAll('text')].map(t => ({size: parseFloat(getComputedStyle(t).fontSize),
    words: t.textContent, box: t.getBoundingClientRect().toJSON()}))}))"""


@pytest.mark.skipif(chromium() is None, reason="there is no Chromium")
@pytest.mark.parametrize("width", [320, 375, 600, 900, 1200])
def test_pictures_are_legible_at_every_width(labelled, tmp_path, width):
    api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "report.html"
    labelled.save_html(path)
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(path.as_uri())
        pictures = page.evaluate(_TEXTS)
        seen = page.evaluate("document.querySelector('.take').getBoundingClientRect().bottom")
        wide = page.evaluate("document.documentElement.scrollWidth")
        hint = page.evaluate("getComputedStyle(document.querySelector('.hint')).display")
        third = page.evaluate("document.querySelector('table').rows[1].cells[2].getBoundingClientRect().right")
        browser.close()
    assert seen < 800
    assert wide <= width
    assert third <= width
    assert (hint == "block") == (width <= 600)
    assert len(pictures) == 6
    for picture in pictures:
        frame = picture["frame"]
        assert frame["width"] >= min(0.85 * width, 480)
        for one in picture["texts"]:
            assert one["size"] * picture["scale"] >= 11
            assert one["box"]["left"] >= frame["left"] - 1
            assert one["box"]["right"] <= frame["right"] + 1
        boxes = [(one["box"], one["words"]) for one in picture["texts"]]
        for i, (a, first) in enumerate(boxes):
            for b, second in boxes[:i]:
                across = min(a["right"], b["right"]) - max(a["left"], b["left"])
                down = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
                assert across < 2 or down < 4, (first, second)
