"""
Texts with one change of topic, and texts without, made from real documents: what changepoint benchmarks share.

``python -m bench.two_topics`` prints a few. A text with a change is a run of whole sentences of one document, then a
run of another's; "corpora": from two collections in English, "any": from two collections in any of four languages,
"topics": from two documents of one collection whose labels differ (two articles, two lectures). The first part's share
of the text is uniform between 1/4 and 3/4, moved to the end of its nearest sentence. A text without a change is a run
of one document. White space is made single spaces, so that no line break gives the seam away; headers and quoted lines
of newsgroup posts are left out. Collections whose texts are a few lines long are not used: a part that were made of
several of them would change its subject within.

Documents of the part "choose" (training parts of the classification sets, documents of even number elsewhere) are never
in texts of the part "report".
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np

from bench.common import SEED, data_folder, load_set
from ncd.changepoint.units import split_units

Kind = Literal["corpora", "any", "topics"]
Part = Literal["choose", "report"]

#: Collections in English; pairs of them make the texts "corpora".
ENGLISH = ("wiki300", "lectures_physics", "20news", "ohsumed", "movie_reviews")
#: Collections with labels that differ in topic.
LABELLED = (
    "wiki300",
    "lectures_physics",
    "20news",
    "ohsumed",
    "masakhanews_ibo",
    "masakhanews_som",
    "masakhanews_yor",
)
#: Collections with documents long enough for a text without a change.
LONG = (
    "wiki300",
    "lectures_physics",
    "20news",
    "ohsumed",
    "movie_reviews",
    "masakhanews_ibo",
    "masakhanews_som",
    "masakhanews_yor",
)
LEAST, MOST = 0.25, 0.75  # share of the first part
_SEGMENTED = ("wiki300", "lectures_physics")
_QUOTED = re.compile(r"^\s*([>|:}]|\w{0,3}>|In article|.*\bwrites:\s*$|.*\bwrote:\s*$)")
_A_LINE = ("wiki300", "lectures_physics", "movie_reviews")  # where a line is a sentence


@dataclass(frozen=True)
class Document:
    """A document of a collection."""

    source: str
    label: str
    raw: str

    @cached_property
    def text(self) -> str:
        """With single spaces for white space."""
        return _clean(self.raw)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Characters of `text` at which its sentences begin."""
        units = split_units(self.raw, "lines" if self.source in _A_LINE else "sentences")
        lengths = [len(_clean(piece.decode())) for piece in units]
        return tuple(np.cumsum([0, *(length + 1 for length in lengths if length)])[:-1].tolist())


@dataclass(frozen=True)
class Made:
    """
    A text and where its topic changes.

    Attributes
    ----------
    text : str
    cut : int or None
        Character before which the second part begins; None without a change.
    byte : int or None
        The same in bytes of UTF-8.
    sources : tuple of str
        ``collection/label`` of each part.
    """

    text: str
    cut: int | None
    byte: int | None
    sources: tuple[str, ...]

    @property
    def collection(self) -> str:
        """The first part's collection."""
        return self.sources[0].partition("/")[0]

    def is_near(self, character: float | None, share: float = 0.1) -> bool:
        """Whether a cut is within a share of the text's length from the true one."""
        return character is not None and self.cut is not None and abs(character - self.cut) <= share * len(self.text)


def _body(post: str) -> str:
    """A newsgroup post without header, quotations and signature."""
    _, _, body = post.partition("\n\n")
    body = re.split(r"\n--+\s*\n", body)[0]
    return "\n".join(line for line in body.split("\n") if not _QUOTED.match(line))


def _clean(text: str) -> str:
    """Single spaces."""
    return " ".join(text.split())


@cache
def documents(source: str, part: Part) -> tuple[Document, ...]:
    """The documents of a collection, in a fixed shuffled order."""
    if source in _SEGMENTED:
        paths = sorted((data_folder("segmentation") / source).glob("*.txt"))
        paths = [path for path in paths if path.name[0].isalnum() and path.name != "SOURCE.md"]
        chosen = paths[part == "report" :: 2]
        order = np.random.default_rng(SEED).permutation(len(chosen))
        texts = [chosen[i].read_text(encoding="utf-8") for i in order]
        return tuple(
            Document(source, chosen[i].stem, re.sub(r"(?m)^={10}.*$", "", text))
            for i, text in zip(order, texts, strict=True)
        )
    split = load_set(source)
    rows = (split.train, split.train_labels) if part == "choose" else (split.test, split.test_labels)
    prepared = _body if source == "20news" else str
    return tuple(Document(source, label, prepared(text)) for text, label in zip(*rows, strict=True))


def _endless(source: str, part: Part, least: int, rng: np.random.Generator) -> Iterator[Document]:
    """Documents of at least so many characters in a random order, again and again."""
    long = [document for document in documents(source, part) if len(document.text) >= least]
    while True:
        for i in rng.permutation(len(long)):
            yield long[i]


def _run(document: Document, least: int, rng: np.random.Generator) -> tuple[str, list[int]]:
    """A document from a random sentence on, so that `least` characters are left; and where its sentences end."""
    starts = np.array(document.starts)
    start = int(rng.choice(starts[starts <= max(len(document.text) - least, 0)]))
    return document.text[start:], [*(starts[starts > start] - start).tolist(), len(document.text) - start]


def _first_words(text: str, size: int) -> str:
    """As many whole words as have room in `size` characters."""
    if len(text) <= size:
        return text
    return text[: size + 1].rpartition(" ")[0] or text[:size]


def _two(one: Document, other: Document, characters: int, rng: np.random.Generator) -> Made | None:
    """The beginning of one document followed by another's; None where sentences are too long for it."""
    wanted = characters * rng.uniform(LEAST, MOST)
    text, ends = _run(one, round(characters * MOST), rng)
    first = text[: min(ends, key=lambda end: abs(end - wanted))].strip()
    cut = len(first) + 1
    if not LEAST / 2 * characters <= cut <= (1 - LEAST / 2) * characters:
        return None
    second, _ = _run(other, characters - cut, rng)
    whole = f"{first} {_first_words(second.strip(), characters - cut)}"
    if len(whole) < characters * 0.97:
        return None
    return Made(whole, cut, len(whole[:cut].encode()), (f"{one.source}/{one.label}", f"{other.source}/{other.label}"))


def two_topic_texts(
    kind: Kind = "corpora", n: int = 60, characters: int = 1800, seed: int = SEED, part: Part = "report"
) -> list[Made]:
    """
    Texts with one change.

    Parameters
    ----------
    kind : {"corpora", "any", "topics"}
        Whether the parts come from two collections in English, from any two, or from two documents of one that differ
        in topic.
    n : int
    characters : int
        Of each text, at most; at least 97 % of them.
    seed : int
    part : {"choose", "report"}
        Which documents.

    Returns
    -------
    list of Made
    """
    if kind not in ("corpora", "any", "topics"):
        raise ValueError(f"kind is {kind!r}: choose from 'corpora', 'any', 'topics'")
    rng = np.random.default_rng([seed, {"corpora": 0, "topics": 1, "any": 3}[kind], part == "report", characters])
    least = round(characters * MOST)
    names = {"corpora": ENGLISH, "any": LONG, "topics": LABELLED}[kind]
    queues = {name: _endless(name, part, least, rng) for name in names}
    made: list[Made] = []
    turn = 0
    while len(made) < n:
        source = names[turn % len(names)]
        one = next(queues[source])
        if kind != "topics":
            other = next(queues[str(rng.choice([name for name in names if name != source]))])
        else:
            other = next(found for found in queues[source] if found.label != one.label)
        text = _two(one, other, characters, rng)
        if text is not None:
            made.append(text)
            turn += 1
    return made


def one_source_texts(
    n: int = 240, characters: int = 1800, seed: int = SEED, part: Part = "report", sources: Sequence[str] = LONG
) -> list[Made]:
    """
    Texts without a change: runs of one document each, as many from every collection.

    Parameters
    ----------
    n : int
    characters : int
        Of each text, at most; at least 97 % of them.
    seed : int
    part : {"choose", "report"}
        Which documents.
    sources : sequence of str
        Collections.

    Returns
    -------
    list of Made
    """
    rng = np.random.default_rng([seed, 2, part == "report", characters])
    queues = {name: _endless(name, part, characters, rng) for name in sources}
    made: list[Made] = []
    while len(made) < n:
        document = next(queues[sources[len(made) % len(sources)]])
        text, _ = _run(document, characters, rng)
        text = _first_words(text, characters)
        if len(text) >= characters * 0.97:
            made.append(Made(text, None, None, (f"{document.source}/{document.label}",)))
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a few texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("corpora", "any", "topics", "none"), default="corpora")
    parser.add_argument("-n", type=int, default=3, help="texts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    made = (
        one_source_texts(options.n, seed=options.seed)
        if options.kind == "none"
        else two_topic_texts(options.kind, options.n, seed=options.seed)
    )
    for text in made:
        parts = (text.text[: text.cut], text.text[text.cut :]) if text.cut is not None else (text.text,)
        print(f"--- {' + '.join(text.sources)}, {len(text.text)} characters, cut at {text.cut}")
        print("\n[CUT]\n".join(parts))


if __name__ == "__main__":
    main()
