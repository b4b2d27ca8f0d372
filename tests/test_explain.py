"""Explanations: bits of bytes that add up to decisions, and strings that speak for classes."""

import json
import random
import re
import unicodedata
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib as mpl
import naive_explain as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.figure import Figure
from naive_classes import MARK
from sklearn.exceptions import NotFittedError
from support import make_text

import ncd
from ncd import plot
from ncd.classify import explain, strongest
from ncd.classify.explained_html import page_of, pieces_of
from ncd.classify.spans import spans_of
from ncd.cli import main
from ncd.tokens import decoded, get_alphabet
from ncd.visible import characters, quoted, shown
from ncd.words import Words

mpl.use("Agg")

WORDS = [
    "wheat corn harvest grain bushel tonnes crop",
    "naïve café crème brûlée élève",
    "oil barrel crude opec",
    "rate bank prime discount",
    "κόσμος Ὀδυσσεύς ΟΔΟΣ",
    "ship port strike cargo",
    "gold ounce mine silver",
    "trade tariff import deficit",
    "coffee quota export bean",
    "profit share dividend quarter",
]
TEXTS = [
    b"x",
    b"\xff",
    b"\n",
    b" ",
    b"   \n\t ",
    b"\x00\x01\x02",  # no string of the training texts
    "İstanbul ISSIZ ß ẞ ﬁ e\u0301te\u0301 ΑΣ ΑΣΑ".encode(),
    "हिन्दी 中文 👩🏽‍🚀 \u202e".encode(),
    b"\xc3(\xff wheat \xe2\x82 the bank\xc3",
    bytes(range(256)),
    b"the bank and the wheat and the bank",
    b"aaaaaaaaaaaaaaaaaaaa",
    b"<script>alert('&amp;')</script>",
    make_text(77, 800).encode(),
]


def made(n_classes, seed=0, per_class=12):
    """Texts of classes that have words of their own, and their classes."""
    pick = random.Random(seed)
    texts, codes = [], []
    for i in range(per_class * n_classes):
        own = WORDS[i % n_classes].split()
        words = [pick.choice(own) if pick.random() < 0.4 else word for word in make_text(1000 + i, 14).split()]
        texts.append(" ".join(words) + pick.choice((".", "!", "")))
        codes.append(i % n_classes)
    return texts, codes


def fitted(model, n_classes, labels=None, per_class=12):
    texts, codes = made(n_classes, per_class=per_class)
    return model.fit(texts, [labels[code] if labels else f"class {code}" for code in codes])


MODELS = {
    "all experts": lambda: fitted(ncd.BitsSavedClassifier(), 3),
    "two classes": lambda: fitted(ncd.BitsSavedClassifier(), 2),
    "two blocks": lambda: fitted(ncd.BitsSavedClassifier(), 10, list(range(10)), per_class=5),
    "strings": lambda: fitted(ncd.BitsSavedClassifier("strings", order=4), 3, [1.0, 2.0, 3.0]),
    "few strings": lambda: fitted(ncd.BitsSavedClassifier("strings", max_weights=150), 3),
    "bytes and words": lambda: fitted(ncd.BitsSavedClassifier(["words", "bytes"]), 2, [False, True]),
    "ngram": lambda: fitted(ncd.CodeLengthClassifier(), 3),
    "ngram 2": lambda: fitted(ncd.CodeLengthClassifier(order=2, alpha=0.5, shared=1), 2),
    "words": lambda: fitted(ncd.CodeLengthClassifier("words"), 10),
}


@pytest.fixture(scope="module")
def models():
    """Models, each made when it is first asked for."""
    kept = {}

    def get(name):
        if name not in kept:
            kept[name] = MODELS[name]()
        return kept[name]

    return get


def decision(model, text, why):
    """The decision as the classifier itself gives it."""
    mine, other = (model.classes_.tolist().index(label) for label in (why.label, why.against))
    scores = model.decision_function([text])[0]
    if len(model.classes_) == 2:
        return float(scores) * (1 if mine == 1 else -1)
    return float(scores[mine] - scores[other])


def assert_adds_up(model, text, why):
    size = np.abs(why.bits).sum() + abs(why.constant) + sum(np.abs(said.bits).sum() for said in why.experts.values())
    exact = isinstance(model, ncd.CodeLengthClassifier)
    allowed = (1e-12 if exact else 2e-6) * size + 1e-9  # separators are added up in 32 bits
    assert why.bits.sum() + why.constant == pytest.approx(decision(model, text, why), rel=1e-6, abs=allowed)
    assert why.total == why.bits.sum() + why.constant
    assert sum(said.bits for said in why.experts.values()) == pytest.approx(why.bits, abs=1e-9)
    assert sum(said.constant for said in why.experts.values()) + why.class_bias == pytest.approx(why.constant)


@pytest.mark.parametrize("name", MODELS)
def test_adds_up(models, name):
    model = models(name)
    labels = model.classes_.tolist()
    for text in [*TEXTS, *(text.encode() for text in made(len(labels), seed=5)[0][:4])]:
        why = model.explain(text)
        assert why.text == text
        assert why.bits.shape == (len(text),)
        assert why.bits.dtype == np.float64
        assert why.label == model.predict([text]).tolist()[0]
        assert_adds_up(model, text, why)
        assert why.total >= -1e-4
        for other in labels[:3]:
            if other != why.label:
                against = model.explain(text, against=other)
                assert (against.label, against.against) == (why.label, other)
                assert_adds_up(model, text, against)
                assert against.total >= why.total - 1e-4  # the other class is otherwise the second best


@settings(max_examples=60)
@given(text=st.binary(min_size=1, max_size=60))
@pytest.mark.parametrize("name", ["all experts", "words"])
def test_adds_up_for_any_bytes(models, name, text):
    model = models(name)
    assert_adds_up(model, text, model.explain(text))


def test_adds_up_for_long_texts(models):
    text = " ".join(made(3, seed=9, per_class=300)[0]).encode()
    assert len(text) > 60_000
    for name in ("all experts", "ngram"):
        assert_adds_up(models(name), text, models(name).explain(text))


def test_tokens_add_up():
    pytest.importorskip("tokenizers")
    for model in (ncd.CodeLengthClassifier("tokens"), ncd.BitsSavedClassifier(["tokens", "strings"])):
        fitted(model, 3)
        for text in TEXTS:
            assert_adds_up(model, text, model.explain(text))


def test_blocks_of_long_texts_change_nothing(models, monkeypatch):
    text = TEXTS[-1] + "İé".encode()
    before = {name: models(name).explain(text).bits for name in ("ngram", "words", "ngram 2")}
    for block in (1, 3, 70):
        monkeypatch.setattr(explain, "_BLOCK", block)
        for name, bits in before.items():
            np.testing.assert_array_equal(models(name).explain(text).bits, bits)


@pytest.mark.parametrize("name", ["ngram", "ngram 2", "words"])
def test_class_models_against_the_naive_ones(models, name):
    model = models(name)
    alphabet = "words" if name == "words" else "bytes"
    order, alpha, weight = (2, 4.0, 0.25) if name == "words" else (6, 2.0, 0.5) if name == "ngram" else (2, 0.5, 1)
    for text in ("İstanbul: the WHEAT ß naïve. ΑΣ".encode(), b"\xff the\n corn\xc3"):
        why = model.explain(text)
        labels = [model.classes_.tolist().index(label) for label in (why.label, why.against)]
        bits, constant = naive.by_model(
            model.texts_, model.codes_.tolist(), text, *labels, alphabet, order=order, alpha=alpha, weight=weight
        )
        np.testing.assert_allclose(why.bits, bits, atol=1e-9)
        assert why.constant == pytest.approx(constant, abs=1e-9)
        assert list(why.experts) == [model.model]


@pytest.mark.parametrize("name", ["two classes", "strings", "few strings", "two blocks"])
def test_strings_against_the_naive_ones(models, name):
    model = models(name)
    labels = model.classes_.tolist()
    for text in (b"the bank\nand the wheat and the\n", b"\n", b"aaaa corn aaaa", b"\xffthe opec."):
        why = model.explain(text)
        mine, other = labels.index(why.label), labels.index(why.against)
        scale = model.combination_.weights[model.experts_.index("strings")] / np.log(2)
        if len(labels) == 2:
            scores = {v: (4 * mine - 2) * s for v, s in naive.string_score(model._machine, text, 0).items()}
        else:
            own, others = (naive.string_score(model._machine, text, c) for c in (mine, other))
            scores = {v: own[v] - others[v] for v in own}
        bits, constant = naive.spread_strings(scores, text)
        said = why.experts["strings"]
        np.testing.assert_allclose(said.bits, scale * bits, atol=1e-9)
        bias = model._machine.bias.astype(float)
        bias = (4 * mine - 2) * bias[0] if len(labels) == 2 else bias[mine] - bias[other]
        assert said.constant == pytest.approx(scale * (constant + bias), abs=1e-9)


@given(st.one_of(st.text(max_size=30), st.text("İßẞΣσς Aa'ǰ\u0307\u0301-.", max_size=12), st.binary(max_size=20)))
def test_spans_of_words(text):
    text = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    for words in (Words(), Words(lower=False)):
        spans = spans_of(words.fit([text]), text).tolist()
        symbols = words.split(text)
        assert len(spans) == len(symbols) == len(words.encode(text))
        for (start, stop), symbol in zip(spans, symbols, strict=True):
            piece = decoded(text[start:stop])
            read = piece.lower() if words.lower else piece
            assert symbol.replace("ς", "σ") in read.replace("ς", "σ")  # its form depends on what follows
            assert start < stop
    assert [tuple(span) for span in spans_of(Words().fit([text]), text).tolist()] == naive.word_spans(text)


def test_spans_of_other_alphabets():
    assert spans_of(None, b"ab").tolist() == [[0, 1], [1, 2]]
    assert spans_of(Words(), b" \n").shape == (0, 2)
    pytest.importorskip("tokenizers")
    text = "naïve \udcff the the".encode("utf-8", "surrogateescape")
    tokens = get_alphabet("tokens", vocab_size=270).fit([text])
    spans = spans_of(tokens, text).tolist()
    assert [text[start:stop] for start, stop in spans] == [tokens.symbol(i) for i in tokens.encode(text).tolist()]
    assert spans[-1][1] == len(text)
    pieces = get_alphabet("tokens", tokenizer="wordpiece", vocab_size=60).fit(["the naive"])
    with pytest.raises(TypeError, match="tokens of kind 'bpe' do"):
        spans_of(pieces, b"the")


def test_words_charge_their_bytes_and_nothing_else(models):
    why = models("words").explain("  wheat, wheat ")
    assert why.bits[:2].tolist() == [0, 0]
    assert len(set(why.bits[2:7].round(12))) == 1
    assert why.bits[2] > 0
    assert [piece.bits for piece in why.stretches() if piece.text == b" "] == [0]


# Errors


def test_bad_arguments(models):
    model = models("ngram")
    label = model.predict(["the wheat"]).tolist()[0]
    rest = ", ".join(repr(other) for other in model.classes_.tolist() if other != label)
    with pytest.raises(ValueError, match=f"against is {label!r}, the predicted class itself: choose from {rest}"):
        model.explain("the wheat", against=label)
    with pytest.raises(ValueError, match=f"against is 'clas', no class of the model: choose from {rest}"):
        model.explain("the wheat", against="clas")
    with pytest.raises(ncd.EmptyTextError, match="text is empty"):
        model.explain("")
    with pytest.raises(TypeError, match="text is a list"):
        model.explain(["the wheat"])
    with pytest.raises(TypeError, match="missing value"):
        models("all experts").explain(None)
    with pytest.raises(ValueError, match="no class of the model"):
        models("two blocks").explain("the wheat", against=True)
    assert models("two blocks").explain("the wheat", against=np.int64(7)).against == 7
    why = model.explain("the wheat")
    for call in (why.top, model.fingerprints, lambda n: why.plot(names=n - 1)):
        with pytest.raises(ValueError, match=r"is -?[01]: give a whole number from"):
            call(0)
    with pytest.raises(ValueError, match="unit is 'bytes': choose from 'words', 'characters'"):
        why.to_html("bytes")
    with pytest.raises(ValueError, match="unit is 'x'"):
        why.stretches("x")


def test_compressors_cannot_be_explained():
    model = fitted(ncd.CodeLengthClassifier("deflate"), 2)
    with pytest.raises(TypeError, match=r"model is 'deflate', a compressor, .*choose 'ngram', 'words' or 'tokens'"):
        model.explain("the wheat")
    with pytest.raises(TypeError, match="model is 'deflate', a compressor"):
        model.fingerprints()
    for unfitted in (ncd.CodeLengthClassifier(), ncd.BitsSavedClassifier()):
        with pytest.raises(NotFittedError):
            unfitted.explain("x")
        with pytest.raises(NotFittedError):
            unfitted.fingerprints()


def test_classes_without_texts():
    model = ncd.CodeLengthClassifier().partial_fit(["the wheat", "the corn"], ["a", "a"], classes=["a", "b"])
    with pytest.raises(ValueError, match="only one class, 'a', has training texts"):
        model.explain("the")
    assert model.fingerprints()["b"] == []
    model.partial_fit(["oil and gas"], ["c"])
    assert model.explain("the wheat").against == "c"
    with pytest.raises(ValueError, match="against is 'b', a class without training texts: choose from 'c'"):
        model.explain("the wheat", against="b")


# What an explanation gives


def test_stretches_make_up_the_text(models):
    for text in TEXTS:
        why = models("all experts").explain(text)
        for unit in ("words", "characters"):
            pieces = why.stretches(unit)
            assert b"".join(piece.text for piece in pieces) == text
            assert sum(piece.bits for piece in pieces) == pytest.approx(why.bits.sum(), abs=1e-9)
            for piece in pieces:
                ((start, stop),) = piece.places
                assert text[start:stop] == piece.text
                assert piece.bits == pytest.approx(why.bits[start:stop].sum(), abs=1e-12)


def test_top():
    bits = np.zeros(11)
    bits[[0, 5, 8]] = 1.0, -3.0, 1.5
    why = ncd.Explanation(b"ab cd ef ab", "x", "y", bits, 0.25, {}, "log2 odds")
    found = why.top(3)
    assert [(piece.text, piece.bits) for piece in found] == [(b" ", -1.5), (b"ab", 1.0), (b"cd", 0.0)]
    assert found[0].places == ((2, 3), (5, 6), (8, 9))
    assert found[1].places == ((0, 2), (9, 11))
    assert repr(found[:2]) == "[<Stretch ' ' -1.50 bits in 3 places>, <Stretch 'ab' +1.00 bits in 2 places>]"
    assert len(why.top(100)) == 4
    assert repr(why) == "<Explanation of 11 bytes: 'x' against 'y', -0.25 bits (log2 odds)>"


def test_to_dict_is_json(models):
    why = models("all experts").explain(TEXTS[8])
    read = json.loads(json.dumps(why.to_dict()))
    assert read["text"].encode("utf-8", "surrogateescape") == TEXTS[8]
    assert sum(read["bits"]) + read["constant"] == pytest.approx(read["total"]) == pytest.approx(why.total)
    assert list(read["experts"]) == ["strings", "bytes", "words"]
    assert [read[key] for key in ("label", "against", "measure")] == [why.label, why.against, "log2 odds"]


class Page(HTMLParser):
    """Elements that are opened and closed in turn, and what the text is coloured with."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.pieces, self.titles, self.tags = [], "", [], [], set()
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attrs = dict(attrs)
        assert not {"src", "href", "onload", "onclick"} & attrs.keys()
        if tag != "meta":
            self.open.append((tag, attrs.get("class", "")))
        if "title" in attrs:
            self.titles.append(attrs["title"])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if ("div", "ncd-text") in self.open:
            self.text += data
            shade = [name for _, name in self.open if name.startswith(("ncd-p", "ncd-m"))]
            self.pieces.append((data, shade[0] if shade else ""))


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_html_shows_every_text_whole(models, unit):
    for text in TEXTS:
        why = models("all experts").explain(text)
        page = Page(why.to_html(unit))
        assert "script" not in page.tags
        seen = page.text.replace("\u21b5\n", "\n").replace("\u21e5\t", "\t")
        expected = "".join(c if c in "\n\t" else shown(c) for c in decoded(text))
        assert seen == expected
        assert "http" not in why.to_html(unit)
        told = [float(re.search(r": ([+-][\d.]+) bits(\n|$)", title)[1]) for title in page.titles]
        assert sum(told) == pytest.approx(why.bits.sum(), abs=0.006 * len(told))


def test_html_colours_say_who_is_spoken_for():
    bits = np.array([1.0, 1, 0, -1, -1, 0, 0.001, -0.001])
    why = ncd.Explanation("ab cd é".encode(), "<b>", "&", bits, 0, {}, "bits saved")
    page = Page(why.to_html("words"))
    assert page.pieces == [("ab", "ncd-p8"), (" ", ""), ("cd", "ncd-m8"), (" ", ""), ("é", "")]
    assert page.titles[0] == "ab: +2.00 bits\na +1.00  b +1.00"
    assert page.titles[-1] == "é: +0.00 bits"  # two bytes, one character
    html = why.to_html("characters")
    assert "<b>&lt;b&gt;</b> against <b>&amp;</b>: <b>+0.00 bits saved</b>" in html
    assert "full colour: 1 bits or more a character" in html
    assert pieces_of(why, "characters")[0][0].level == 8
    zero = ncd.Explanation(b"ab", "x", "y", np.zeros(2), 1.0, {}, "bits saved")
    assert [shade for _, shade in Page(zero.to_html()).pieces] == [""]


def test_html_pages(models, tmp_path):
    why = models("two classes").explain("the wheat <naïve>")
    assert why._repr_html_() == why.to_html()
    path = tmp_path / "why.html"
    why.save(path)
    page = path.read_text("utf-8")
    assert page == why.to_html(page=True)
    assert page.startswith("<!DOCTYPE html>")
    assert Page(page).text == "the wheat <naïve>"
    with pytest.raises(FileExistsError, match="force=True"):
        why.save(path, unit="characters")
    assert path.read_text("utf-8") == page
    why.save(path, unit="characters", force=True)
    assert path.read_text("utf-8") != page
    assert [file.name for file in tmp_path.iterdir()] == ["why.html"]
    both = Page(page_of([why, why], "words", ["one", "<two>"]))
    assert both.text == "the wheat <naïve>" * 2
    assert "h2" in both.tags


def test_plots(models):
    ax = Figure().subplots()
    why = models("all experts").explain("the wheat $x$ and the harvest of the year")
    assert why.plot(ax, names=3) is ax
    lines = ax.get_lines()
    assert lines[1].get_ydata()[0] == pytest.approx(why.constant)
    assert lines[1].get_ydata()[-1] == pytest.approx(why.total)
    assert {text.get_text() for text in ax.texts} == {piece.text.decode() for piece in why.top(3)}
    with pytest.raises(ValueError, match=r"bits have shape \(2, 2\)"):
        plot.running_bits([[1, 2], [3, 4]])
    ax = Figure().subplots()
    assert plot.bars(["a$", "b$"], [1, -2], ax=ax) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a$", "b$"]
    assert [patch.get_width() for patch in ax.patches] == [1, -2]
    assert ax.patches[0].get_facecolor() != ax.patches[1].get_facecolor()
    ax.figure.savefig("/dev/null", format="png")  # a dollar sign is no formula
    with pytest.raises(ValueError, match="1 names"):
        plot.bars(["a"], [1, 2])


def test_loaded_models_explain_the_same(models, tmp_path):
    for name in ("all experts", "two blocks", "words"):
        model = models(name)
        ncd.save_model(model, tmp_path / f"{name}.ncd")
        again = ncd.load_model(tmp_path / f"{name}.ncd")
        for text in TEXTS[8:11]:
            np.testing.assert_allclose(again.explain(text).bits, model.explain(text).bits, atol=1e-9)
        assert again.fingerprints(3) == model.fingerprints(3)


# Fingerprints


@pytest.mark.parametrize(("name", "alphabet"), [("ngram", "bytes"), ("ngram 2", "bytes"), ("words", "words")])
def test_saved_bits_of_strings_against_the_naive_ones(models, name, alphabet):
    model = models(name)
    counted = model._prepared()
    rule = counted.model.rule
    order = min(rule.order, 3)  # longer strings are too many for the naive models
    expected = naive.saved_by_string(
        model.texts_, model.codes_.tolist(), alphabet, order=order, alpha=rule.alpha, weight=rule.weight
    )
    saved, there = strongest._entries(counted, counted.frame.read(model.texts_), model.codes_, 2)
    counts, found = counted.model.counts, {}
    words = None if alphabet == "bytes" else counted.frame.alphabet.symbols
    for entry, c in enumerate(counts.classes.tolist()):
        node = int(np.searchsorted(counts.entries, entry, "right")) - 1
        symbols = strongest._symbols_of(counts, node)
        if words is not None:
            symbols = tuple(MARK if s > len(words) else words[s - 1] for s in symbols)
        if len(symbols) <= order + 1:
            found[c, symbols] = float(saved[entry]), int(there[entry])
    assert found.keys() == expected.keys()
    for key, (bits, texts) in expected.items():
        assert found[key] == (pytest.approx(bits, abs=1e-4), texts), key


def occurrences(string, text):
    """How often a text has a string, overlapping ones too."""
    return sum(text.startswith(string, at) for at in range(len(text)))


@pytest.mark.parametrize("name", ["strings", "two classes", "two blocks"])
def test_fingerprints_of_strings_against_the_naive_ones(models, name):
    model = models(name)
    labels = model.classes_.tolist()
    separators = [(0, -1), (0, 1)] if len(labels) == 2 else [(c, 1) for c in range(len(labels))]
    expected = naive.fingerprint_bits(model, separators)
    scale = model.combination_.weights[model.experts_.index("strings")] / np.log(2)
    texts = [b"\n" + text + b"\n" for text in model.texts_]
    for c, (label, several) in enumerate(model.fingerprints(6).items()):
        assert label == labels[c]
        own = [text for text, code in zip(texts, model.codes_, strict=True) if code == c]
        by_texts = {}
        for (code, v), bits in expected.items():
            if code == c:  # strings of the same texts, equally often in each, are one
                key = tuple((i, occurrences(v, text)) for i, text in enumerate(texts) if v in text)
                by_texts.setdefault(key, []).append((v, bits))
        most = {key: sum(bits for _, bits in found) for key, found in by_texts.items()}
        first = several[0]
        assert scale * max(most.values()) == pytest.approx(first.bits, rel=1e-5)
        assert [found.bits for found in several] == sorted((found.bits for found in several), reverse=True)
        for found in several:
            key = tuple((i, occurrences(found.string, text)) for i, text in enumerate(texts) if found.string in text)
            assert scale * most[key] == pytest.approx(found.bits, rel=1e-5)
            assert len(found.string) == max(len(v) for v, _ in by_texts[key])
            assert found.texts == sum(found.string in text for text in own)
            assert found.share == found.texts / len(own)
            assert found.string in found.within
            assert any(found.within in text for text in own)


def test_fingerprints_find_the_words_of_the_classes(models):
    for name in ("all experts", "ngram", "words"):
        found = models(name).fingerprints(8)
        for label, several in found.items():
            own = WORDS[int(label.split()[1])].casefold()
            inside = [one.within.decode().strip(" \n.!").casefold() in own for one in several]
            assert sum(inside) >= 3, (name, label, several)
    assert found["class 4"][0].string.decode() == found["class 4"][0].within.decode()


def test_fingerprints_are_different_strings(models):
    for several in models("two classes").fingerprints(20).values():
        strings = [found.string for found in several]
        assert len(strings) == len(set(strings)) <= 20
        for i, a in enumerate(strings):
            for b in strings[:i]:
                size = max(len(a), len(b)) // 2 + 1
                assert not {a[k : k + size] for k in range(len(a) - size + 1)} & {
                    b[k : k + size] for k in range(len(b) - size + 1)
                }
        assert len({found.within.strip() for found in several}) == len(several)


def test_the_largest_come_first_however_many_are_asked_for():
    bits = np.random.default_rng(0).integers(-5, 50, 1000).astype(float)
    expected = [i for i in np.argsort(-bits, kind="stable").tolist() if bits[i] > 0]
    for first in (1, 16, 999, 1000, 5000):
        assert list(strongest._descending(bits, first)) == expected
    assert list(strongest._descending(np.zeros(0), 16)) == []


def test_fingerprints_without_strings(models):
    model = models("bytes and words")
    heaviest = model.experts_[int(model.combination_.weights.argmax())]
    rule = {"bytes": "ngram", "words": "words"}[heaviest]
    alone = ncd.CodeLengthClassifier(rule).fit(model.texts_, model.classes_[model.codes_])
    assert model.fingerprints(4) == alone.fingerprints(4)


def test_fingerprints_as_table(models):
    found = models("two classes").fingerprints(3)
    lines = repr(found).splitlines()
    assert len(lines) == 8
    assert lines[0].split() == ["class", "0", "bits", "texts"]
    assert quoted(found["class 0"][0].string) in lines[1]
    assert Page(found._repr_html_()).tags == {"table", "tr", "th", "td", "code"}
    assert json.loads(json.dumps(found.to_dict(), default=bytes.decode))["class 1"][0]["texts"] > 0
    assert re.match(r"<Fingerprint '.*' \d+\.\d bits, \d+% of the texts>", repr(found["class 0"][0]))
    ax = Figure().subplots()
    assert found.plot("class 1", ax) is ax
    assert [patch.get_width() for patch in ax.patches] == [one.bits for one in found["class 1"]]
    with pytest.raises(ValueError, match="label is 'z': choose from 'class 0', 'class 1'"):
        found.plot("z")


# Texts made visible


@given(st.text(max_size=40))
def test_characters_and_what_is_shown(text):
    assert "".join(characters(text)) == text
    seen = shown(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Cn", "Zl", "Zp") for c in seen)
    assert not {"\u202e", "\u2066", "\ufeff", "\u200b"} & set(seen)


def test_characters_are_what_is_read():
    assert characters("a\u0301b👩🏽‍🚀\n\u0301") == ["a\u0301", "b", "👩🏽‍🚀", "\n", "\u0301"]
    assert shown("a\\b\x00\x85\u202e\U000e0001\udcff¡") == "a\\b\\x00\\x85\\u202e\\U000e0001\\xff¡"
    assert quoted(b"a\\\xff\xc3\xa9") == "'a\\\\\\xffé'"


# The command


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, models):
    """Run a command in a folder with a model and a training file; exit code and what is printed."""
    monkeypatch.chdir(tmp_path)
    ncd.save_model(models("all experts"), "model.ncd")
    texts, codes = made(2)
    rows = [{"text": text, "label": str(code)} for text, code in zip(texts, codes, strict=True)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (tmp_path / "one.txt").write_bytes(b"the wheat \xff <of> the harvest\n")

    def call(*arguments):
        code = main(["explain", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_command_prints_what_decides(run, models):
    code, out, err = run("--model", "model.ncd", "one.txt", "--top", "2")
    assert (code, err) == (0, "")
    why = models("all experts").explain(b"the wheat \xff <of> the harvest\n")
    lines = out.splitlines()
    assert lines[0] == f"one.txt: {why.label} against {why.against}, {why.total:+.2f} bits (log2 odds)"
    assert lines[1] == "stretch\tbits\tplaces"
    assert lines[2].split("\t") == [quoted(why.top()[0].text), f"{why.top()[0].bits:+.2f}", "1"]
    assert [line.split("\t")[0] for line in lines[4:]] == ["other stretches", "constant"]
    assert sum(float(line.split("\t")[1]) for line in lines[2:]) == pytest.approx(why.total, abs=0.03)


def test_command_reads_labelled_texts_and_trains(run):
    code, out, err = run("--train", "train.jsonl", "train.jsonl", "--against", "1", "--top", "1")
    assert (code, err) == (0, "")
    assert "train.jsonl:1: 0 against 1, +" in out
    assert "train.jsonl:2: 1 against 0, +" in out
    assert "(log2 odds) (label 0)" in out


def test_command_writes_json_and_pages(run, tmp_path):
    arguments = ("--model", "model.ncd", "--text", "the wheat", "naïve café", "--html", "why.html")
    code, out, err = run(*arguments, "--json", "--unit", "characters")
    assert (code, err) == (0, "")
    first, second = map(json.loads, out.splitlines())
    assert (first["name"], first["text"], second["text"]) == ("text 1", "the wheat", "naïve café")
    assert sum(first["bits"]) + first["constant"] == pytest.approx(first["total"])
    assert Page((tmp_path / "why.html").read_text("utf-8")).text == "the wheatnaïve café"
    code, _, err = run(*arguments)
    assert code == 2
    assert "why.html exists already" in err
    assert run(*arguments, "--force")[0] == 0


def test_command_prints_fingerprints(run, models):
    code, out, err = run("--model", "model.ncd", "--fingerprints", "2")
    assert (code, err) == (0, "")
    found = models("all experts").fingerprints(2)
    rows = [line.split("\t") for line in out.splitlines()]
    assert rows[0] == ["class", "string", "within", "bits", "texts"]
    assert [(row[0], row[1]) for row in rows[1:]] == [(k, quoted(one.string)) for k, v in found.items() for one in v]


def test_command_colours_on_a_terminal(run, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    import rich.console

    monkeypatch.setattr(rich.console.Console, "is_terminal", property(lambda self: True))
    monkeypatch.setattr("ncd.cli.explain.sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    out = run("--model", "model.ncd", "one.txt")[1]
    assert re.search(r"\x1b\[30;48;2;\d+;\d+;\d+mwheat\x1b\[0m", out)
    assert "\\xff" in out
    monkeypatch.setenv("COLORTERM", "")
    monkeypatch.setenv("TERM", "linux")
    out = run("--model", "model.ncd", "one.txt")[1]
    assert "\x1b[37;44mwheat\x1b[0m" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --model FILE or --train PATH"),
        (["--model", "model.ncd", "--train", "train.jsonl", "one.txt"], "give either --model FILE or --train PATH"),
        (["--model", "model.ncd"], "give texts to explain, or --fingerprints N"),
        (["--model", "model.ncd", "--fingerprints", "3", "--json"], "--html, --json and --against need texts"),
        (["--model", "model.ncd", "--fingerprints", "3", "--json", "one.txt"], "--json goes without --fingerprints"),
        (["--model", "model.ncd", "nothing.txt"], "nothing.txt: no such file or folder"),
        (["--model", "model.ncd", "--text", ""], "a text is empty"),
        (["--model", "model.ncd", "one.txt", "--html", "-"], "--html is '-'"),
        (
            ["--model", "model.ncd", "one.txt", "--against", "corn"],
            "--against is 'corn', no class of the model: choose",
        ),
        (["--train", "-", "-"], "given twice"),
        (["--model", "train.jsonl", "one.txt"], "train.jsonl is not a readable model file"),
    ],
)
def test_command_refuses(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_command_refuses_neighbours(run):
    ncd.save_model(ncd.NCDClassifier(n_neighbors=1).fit(["a b", "c d"], [0, 1]), "neighbours.ncd")
    code, _, err = run("--model", "neighbours.ncd", "one.txt")
    assert code == 2
    assert "neighbours.ncd holds a NCDClassifier, which cannot say what a byte decides" in err
