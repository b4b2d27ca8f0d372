"""Texts made for the benchmarks of changepoints: where their change is, and what is left out."""

import numpy as np
import pytest

from bench import two_topics
from bench.two_topics import Document, Made


def document(label, sentences=60):
    """Sentences with a word of their own, and bytes of more than one."""
    return Document("20news", label, "\n".join(f"The {label} número {i} is here." for i in range(sentences)))


@pytest.fixture
def collections(monkeypatch):
    """Three documents in each collection."""

    def documents(source, part):
        return tuple(Document(source, f"{part}{i}", document(f"{source}{part}{i}").raw) for i in range(3))

    monkeypatch.setattr(two_topics, "documents", documents)


@pytest.mark.parametrize("kind", ["corpora", "any", "topics"])
@pytest.mark.parametrize("part", ["choose", "report"])
def test_change_is_where_it_is_said_to_be(collections, kind, part):
    made = two_topics.two_topic_texts(kind, 20, 900, part=part)
    assert len(made) == 20
    for text in made:
        assert text.cut is not None
        assert 0.97 * 900 <= len(text.text) <= 900
        assert 0.2 * 900 < text.cut < 0.8 * 900
        before, after = text.text[: text.cut], text.text[text.cut :]
        assert text.text.encode()[text.byte :].decode() == after
        assert before.endswith("here. ")
        assert after.startswith("The ")
        (one, label), (other, other_label) = (source.split("/") for source in text.sources)
        assert f"{one}{label}" in before
        assert f"{one}{label}" not in after
        assert f"{other}{other_label}" in after
        assert (one == other) == (kind == "topics")
        assert (one, label) != (other, other_label)
        assert label.startswith(part)


def test_one_source(collections):
    made = two_topics.one_source_texts(16, 600)
    assert [text.cut for text in made] == [None] * 16
    assert [text.collection for text in made] == [*two_topics.LONG] * 2
    assert all(580 < len(text.text) <= 600 for text in made)


def test_seeds(collections):
    one, same, other = (two_topics.two_topic_texts("any", 5, 900, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


def test_starts_of_sentences():
    text = document("x", 5)
    assert [text.text[start:].split()[2:4] for start in text.starts] == [["número", str(i)] for i in range(5)]


def test_whole_words():
    assert two_topics._first_words("one two three", 9) == "one two"
    assert two_topics._first_words("one two three", 7) == "one two"
    assert two_topics._first_words("one two", 7) == "one two"


def test_posts_without_header_and_quotations():
    post = "From: a@b\nSubject: x\n\nIn article <1> b writes:\n> quoted\nMy words.\n--\nsigned"
    assert two_topics._body(post).strip() == "My words."


def test_is_near():
    made = Made("x" * 100, 50, 50, ("a/1", "b/2"))
    assert [made.is_near(place) for place in (40, 60, 39.5, None)] == [True, True, False, False]
    assert not Made("x", None, None, ("a/1",)).is_near(0)
    assert np.isclose(two_topics.LEAST, 1 - two_topics.MOST)
