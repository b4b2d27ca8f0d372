"""
Streams of real documents with one change of source, and without: what benchmarks of streams share.

A stream is a reference of 20 kB of one source's documents, then 6 kB of another's ("corpora": two collections in any
language; "topics": two labels of one collection), or as much again of the same source as wanted. Three ways to lay the
documents: "short", each cut at a space to 200-300 bytes and a unit; "blocks", the same in 256-byte blocks that know
nothing of documents; "whole", documents as long as they are, in 256-byte blocks.

White space is made single spaces, so that no line break gives a source away. Documents of the part "choose" (training
parts of the classification sets, even documents elsewhere) are never in streams of the part "report".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from bench.common import SEED
from bench.two_topics import Document, Part, documents

Kind = Literal["corpora", "topics", "none"]
Layout = Literal["short", "blocks", "whole"]

#: Collections whose pairs make the streams "corpora".
COLLECTIONS = (
    "ag_news_part",
    "R8",
    "20news",
    "ohsumed",
    "movie_reviews",
    "wiki300",
    "lectures_physics",
    "masakhanews_ibo",
    "masakhanews_som",
    "masakhanews_yor",
)
#: Collections with labels of topics.
LABELLED = ("ag_news_part", "R8", "20news", "ohsumed", "masakhanews_ibo", "masakhanews_som", "masakhanews_yor")
SHORT = (200, 300)
BLOCK = 256
REFERENCE = 20_000
AFTER = 6_000


@dataclass(frozen=True)
class Stream:
    """
    Units of a stream.

    Attributes
    ----------
    units : list of bytes
    reference : int
        The number of units at its start that nothing has changed in: at least 20 kB.
    change : int or None
        The first unit of the second source; None without a change.
    sources : tuple of str
    """

    units: list[bytes]
    reference: int
    change: int | None
    sources: tuple[str, ...]


def _short(text: str, rng: np.random.Generator) -> bytes | None:
    """The first 200-300 bytes of a document, cut at a space; None if it is shorter."""
    raw = text.encode()
    if len(raw) < SHORT[0]:
        return None
    limit = int(rng.integers(SHORT[0], SHORT[1] + 1))
    if len(raw) <= limit:
        return raw
    end = raw.rfind(b" ", SHORT[0], limit + 1)
    return raw[: end if end > 0 else limit].decode("utf-8", "ignore").encode()


@cache
def _by_label(collection: str, part: Part) -> dict[str, tuple[Document, ...]]:
    """A collection's documents of at least 200 bytes, label by label."""
    found: dict[str, list[Document]] = {}
    for document in documents(collection, part):
        if len(document.text.encode()) >= SHORT[0]:
            found.setdefault(document.label, []).append(document)
    return {label: tuple(those) for label, those in sorted(found.items())}


def _pieces(those: Sequence[Document], size: int, layout: Layout, rng: np.random.Generator) -> list[bytes] | None:
    """Documents in a random order until there are `size` bytes; None if there are too few."""
    pieces: list[bytes] = []
    total = 0
    for i in rng.permutation(len(those)):
        piece = those[i].text.encode() if layout == "whole" else _short(those[i].text, rng)
        assert piece is not None
        pieces.append(piece)
        total += len(piece)
        if total >= size:
            return pieces
    return None


def _blocks(pieces: Sequence[bytes]) -> list[bytes]:
    """Blocks of 256 bytes of the documents, a space between them; the last one may be shorter by up to half."""
    whole = b" ".join(pieces)
    cut = [whole[i : i + BLOCK] for i in range(0, len(whole), BLOCK)]
    return cut if len(cut[-1]) >= BLOCK // 2 else cut[:-1]


def made_stream(kind: Kind, layout: Layout, part: Part, number: int, after: int = AFTER) -> Stream:
    """The stream of that number: the same at every call."""
    rng = np.random.default_rng([SEED, number, ("corpora", "topics", "none").index(kind), len(part)])
    while True:
        if kind == "topics" or (kind == "none" and rng.random() < 0.5):
            collection = str(rng.choice(LABELLED))
            labels = sorted(_by_label(collection, part))
            chosen = [str(label) for label in rng.choice(labels, 2, replace=False)]
            pools = [list(_by_label(collection, part)[label]) for label in chosen]
            names = [f"{collection}/{label}" for label in chosen]
        else:
            names = [str(name) for name in rng.choice(COLLECTIONS, 2, replace=False)]
            pools = [[d for those in _by_label(name, part).values() for d in those] for name in names]
        if kind == "none":
            whole = _pieces(pools[0], REFERENCE + after, layout, rng)
            if whole is None:
                continue
            units = whole if layout == "short" else _blocks(whole)
            reference = int(np.searchsorted(np.cumsum([len(u) for u in units]), REFERENCE)) + 1
            return Stream(units, reference, None, (names[0],))
        first, second = (_pieces(pool, size, layout, rng) for pool, size in zip(pools, (REFERENCE, after), strict=True))
        if first is None or second is None:
            continue
        if layout == "short":
            return Stream([*first, *second], len(first), len(first), tuple(names))
        if (
            layout == "whole"
        ):  # the second source begins where the reference is long enough, as a rule within a document
            first = [b" ".join(first)[: -(-REFERENCE // BLOCK) * BLOCK]]
        before = _blocks(first)
        return Stream([*before, *_blocks(second)], len(before), len(before), tuple(names))
