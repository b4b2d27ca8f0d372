"""Small text collections that come with the package.

They are read from files inside the package. ``README.md`` beside this file
tells where the texts come from, under what terms, and how they were prepared.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from importlib.resources import files

__all__ = ["Corpus", "WebLog", "load_factbook", "load_udhr", "load_weblog"]

_SUBSETS = ("train", "test")


@dataclass(frozen=True, repr=False)
class Corpus:
    """Texts with one label each.

    Attributes
    ----------
    texts : list of str
        The texts.
    labels : list of str
        One label per text.
    name : str
        Name of the collection.
    groups : list of str
        A coarser label per text (the language family in :func:`load_udhr`),
        or an empty list where the collection has none.

    Examples
    --------
    >>> from ncd.data import Corpus
    >>> Corpus(texts=["abab", "cdcd"], labels=["x", "y"], name="toy")
    Corpus(name='toy', 2 texts, 2 labels)
    """

    texts: list[str]
    labels: list[str]
    name: str
    groups: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"Corpus(name={self.name!r}, {len(self)} texts, {len(set(self.labels))} labels)"


def load_udhr() -> Corpus:
    """Load the Universal Declaration of Human Rights in 37 languages.

    Each text is the preamble and articles in one language, a paragraph a line.

    Returns
    -------
    Corpus
        Labels are languages, groups their families, in order of ISO code.

    Examples
    --------
    >>> from ncd.data import load_udhr
    >>> corpus = load_udhr()
    >>> corpus
    Corpus(name='udhr', 37 texts, 37 labels)
    >>> i = corpus.labels.index("English")
    >>> corpus.groups[i], corpus.texts[i][:26]
    ('Germanic', 'Whereas recognition of the')
    """
    folder = files("ncd.data") / "udhr"
    rows = (folder / "languages.tsv").read_text(encoding="utf-8").splitlines()[1:]
    texts, labels, groups = [], [], []
    for row in rows:
        code, language, family, _script = row.split("\t")
        texts.append((folder / f"{code}.txt").read_text(encoding="utf-8"))
        labels.append(language)
        groups.append(family)
    return Corpus(texts=texts, labels=labels, name="udhr", groups=groups)


def load_factbook(subset: str = "train") -> Corpus:
    """Load short passages of The World Factbook, labelled by subject.

    Passages are 200 to 592 bytes of English; no country is in both subsets.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        Which part to load: 694 passages for training or 299 for testing.

    Returns
    -------
    Corpus
        Labels are "communications", "disputes", "economy", "geography",
        "government", "history", "military" and "symbols".

    Raises
    ------
    ValueError
        If `subset` is neither of them.

    Examples
    --------
    >>> from ncd.data import load_factbook
    >>> load_factbook()
    Corpus(name='factbook', 694 texts, 8 labels)
    >>> len(load_factbook(subset="test"))
    299
    """
    if subset not in _SUBSETS:
        raise ValueError(f"subset must be one of {_SUBSETS}; got {subset!r}")
    path = files("ncd.data") / "factbook" / f"{subset}.jsonl.gz"
    raw = gzip.decompress(path.read_bytes()).decode("utf-8")
    rows = [json.loads(line) for line in raw.split("\n") if line]
    return Corpus([row["text"] for row in rows], [row["label"] for row in rows], "factbook")


@dataclass(frozen=True, repr=False)
class WebLog:
    """A web server's access log with one change.

    Attributes
    ----------
    lines : list of str
        In the order of time, without line feeds.
    change : int
        Index of the first request of a program that looks for weak spots.
    """

    lines: list[str]
    change: int

    def __repr__(self) -> str:
        return f"WebLog({len(self.lines):,} lines, change at {self.change:,})"


def load_weblog() -> WebLog:
    """Load three minutes of a web server's log, in the second half of which a scanner is at work.

    Returns
    -------
    WebLog

    Examples
    --------
    >>> from ncd.data import load_weblog
    >>> log = load_weblog()
    >>> log
    WebLog(2,194 lines, change at 1,175)
    >>> "zgrab" in log.lines[log.change], any("zgrab" in line for line in log.lines[: log.change])
    (True, False)
    """
    packed = files(__package__).joinpath("weblog/access.log.gz").read_bytes()
    return WebLog(gzip.decompress(packed).decode().splitlines(), 1175)
