"""Collections of texts as they are compared: labelled, unlabelled, pairs with scores, or documents with marks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ncd.classify.base import as_labels
from ncd.corpus import Texts
from ncd.embed.base import as_strings
from ncd.exceptions import ReadError
from ncd.readers import Format, TextFile, read_rows, read_texts

__all__ = [
    "MARK",
    "Collection",
    "Document",
    "Kind",
    "Task",
    "collection_of",
    "counted",
    "document_of",
    "read_collection",
]

Kind: TypeAlias = Literal["labelled", "unlabelled", "pairs", "documents"]
Task: TypeAlias = Literal["classify", "cluster", "geometry", "similarity", "segment"]

#: What a line begins with that stands between two segments of a document.
MARK = "========"
_PAIRS = (("text1", "text2"), ("sentence1", "sentence2"))
_SCORES = ("score", "label", "similarity")
_PAIRED = (
    "pairs have the fields text1, text2 and score, or those of text_field='a,b' and score_field='c' (--text-field a,b "
    "--score-field c)"
)
_TASKS: dict[Kind, tuple[Task, ...]] = {
    "labelled": ("classify", "cluster", "geometry"),
    "unlabelled": ("geometry",),
    "pairs": ("similarity",),
    "documents": ("segment",),
}


@dataclass(frozen=True)
class Document:
    """
    Lines of a text, and where its segments end.

    Attributes
    ----------
    lines : tuple of str
    ends : tuple of int
        One after the last line of each segment, ascending; the last is the number of lines.
    """

    lines: tuple[str, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, repr=False)
class Collection:
    """
    What is compared on.

    Attributes
    ----------
    kind : {"labelled", "unlabelled", "pairs", "documents"}
    name : str
    texts : list of str
        All texts; those to learn from where a test set is given; of pairs, the first ones.
    labels : list of str or None
    test, test_labels : list of str
        A test set that was given; empty otherwise.
    seconds : list of str
        Of pairs.
    scores : list of float
        Of pairs: what the distances are held against.
    documents : list of Document
    notes : tuple of str
        What is to be said of it.
    """

    kind: Kind
    name: str
    texts: list[str] = field(default_factory=list)
    labels: list[str] | None = None
    test: list[str] = field(default_factory=list)
    test_labels: list[str] = field(default_factory=list)
    seconds: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What such a collection can be used for."""
        return _TASKS[self.kind]

    def __len__(self) -> int:
        return len(self.documents) if self.kind == "documents" else len(self.texts) + len(self.test)

    def __repr__(self) -> str:
        return f"<Collection {self.name!r}: {self.described}>"

    @property
    def described(self) -> str:
        """One line: how many of what."""
        if self.kind == "pairs":
            return f"{counted(len(self), 'pairs')} of texts with scores"
        if self.kind == "documents":
            segments = sum(len(document.ends) for document in self.documents)
            return f"{counted(len(self), 'documents')} of {counted(segments, 'segments')}"
        labels = f" with {counted(len(set(self.labels)), 'labels')}" if self.labels is not None else " without labels"
        given = f" ({len(self.test):,} of them given as test texts)" if self.test else ""
        return f"{counted(len(self), 'texts')}{labels}{given}"


def counted(n: int, things: str) -> str:
    """
    A number of things; of one, without the plural's last letter.

    Examples
    --------
    >>> counted(1, "texts"), counted(2000, "texts")
    ('1 text', '2,000 texts')
    """
    return f"{n:,} {things.removesuffix('s') if n == 1 else things}"


def collection_of(
    texts: Any, labels: Any = None, *, test: Texts | None = None, test_labels: Any = None, task: Task | None = None
) -> Collection:
    """
    A collection from what Python holds.

    Parameters
    ----------
    texts : iterable of str or bytes, or of pairs of them, shape (n,)
        For ``task="similarity"`` pairs of texts; for ``task="segment"`` documents whose segments are parted by lines
        that begin with ``========``.
    labels : array_like of shape (n,), optional
        Labels; for pairs, scores.
    test, test_labels : optional
        A test set; it needs labels.
    task : str, optional
        What the collection is for.

    Returns
    -------
    Collection

    Raises
    ------
    TypeError, ValueError, EmptyTextError
        For texts and labels that are missing, empty, of unequal number, not UTF-8, or do not fit the task.

    Examples
    --------
    >>> collection_of(["a cat", "un chat"], ["en", "fr"])
    <Collection 'texts': 2 texts with 2 labels>
    >>> collection_of([("a cat", "the cat"), ("a cat", "snow"), ("hail", "snow")], [4, 0, 3], task="similarity")
    <Collection 'texts': 3 pairs of texts with scores>
    """
    if task is not None and task not in get_args(Task):
        raise ValueError(f"task is {task!r}: choose from {', '.join(map(repr, get_args(Task)))}")
    if task == "similarity":
        return _pairs_of(texts, labels)
    strings = as_strings(texts)
    if task == "segment":
        return Collection("documents", "texts", documents=[document_of(text) for text in strings])
    if test is not None and (labels is None or test_labels is None):
        raise ValueError("test is given without labels: give labels and test_labels, or texts alone")
    if labels is None:
        return Collection("unlabelled", "texts", strings)
    collection = Collection("labelled", "texts", strings, _strings_of(labels, len(strings), "labels"))
    if test is None:
        return collection
    tested = as_strings(test, name="test")
    return replace(collection, test=tested, test_labels=_strings_of(test_labels, len(tested), "test_labels"))


def _strings_of(labels: Any, n: int, name: str) -> list[str]:
    """Labels as strings, one a text."""
    found = [str(label) for label in as_labels(labels, name).tolist()]
    if len(found) != n:
        raise ValueError(f"{name} has {counted(len(found), 'labels')} for {counted(n, 'texts')}: give one label a text")
    return found


def _pairs_of(pairs: Any, scores: Any) -> Collection:
    """A collection of pairs with scores."""
    rows = list(pairs)
    wrong = next((i for i, row in enumerate(rows) if isinstance(row, str | bytes) or len(row) != 2), None)
    if wrong is not None:
        raise ValueError(f"texts[{wrong}] is no pair: for task 'similarity' give pairs of texts")
    numbers = np.asarray([] if scores is None else scores, np.float64)
    if numbers.shape != (len(rows),):
        raise ValueError(f"labels has shape {numbers.shape} for {len(rows):,} pairs: give one score a pair")
    if not np.isfinite(numbers).all():
        raise ValueError(f"labels[{int(np.argmin(np.isfinite(numbers)))}] is not a finite number")
    if len(rows) < 3:
        raise ValueError(f"texts has {counted(len(rows), 'pairs')}: a rank correlation needs 3 or more")
    firsts, seconds = (as_strings([row[side] for row in rows], name=f"texts[:, {side}]") for side in (0, 1))
    return Collection("pairs", "texts", firsts, seconds=seconds, scores=numbers.tolist())


def document_of(text: str, *, name: str = "text") -> Document:
    """
    A document from a text with marks; a line is a unit, empty lines are none.

    Raises
    ------
    ValueError
        If fewer than two lines are left.

    Examples
    --------
    >>> document_of("one\\ntwo\\n========\\nthree\\n")
    Document(lines=('one', 'two', 'three'), ends=(2, 3))
    """
    segments: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith(MARK):
            segments.append([])
        elif line.strip():
            segments[-1].append(" ".join(line.split()))
    filled = [segment for segment in segments if segment]
    lines = tuple(chain.from_iterable(filled))
    if len(lines) < 2:
        raise ValueError(f"{name} has {counted(len(lines), 'lines')} beside its marks: a document needs 2 or more")
    return Document(lines, tuple(np.cumsum([len(segment) for segment in filled]).tolist()))


def read_collection(
    path: os.PathLike[str] | str,
    test: os.PathLike[str] | str | None = None,
    *,
    task: Task | None = None,
    format: Format | None = None,
    text_field: str = "text",
    label_field: str | None = None,
    score_field: str | None = None,
    encoding: str = "utf-8",
) -> Collection:
    """
    Read a collection; what it is for is seen from it, unless `task` says so.

    Parameters
    ----------
    path : path-like
        As in `ncd.read_texts`. Rows with ``text1`` and ``text2`` (or ``sentence1`` and ``sentence2``, or a list of
        two texts) and a number in ``score``, ``label`` or ``similarity`` are pairs; plain files in which a line
        begins with ``========`` are documents.
    test : path-like, optional
        A test set of labelled texts.
    task : str, optional
    format, encoding
        As in `ncd.read_texts`.
    text_field : str
        The field of the text; of pairs, the two fields of the texts with a comma between them: ``"question,answer"``.
    label_field : str, optional
        The field of the label, which must be there. Default: ``label``, if there is such a field.
    score_field : str, optional
        The field of the scores of pairs. Default: the first of ``score``, ``label`` and ``similarity``.

    Returns
    -------
    Collection

    Raises
    ------
    ReadError
        As in `ncd.read_texts`; for a `task` that the collection does not fit; for plain files that are not UTF-8; for
        empty texts.
    OSError
        If a file does not exist or may not be read.
    """
    where = os.fspath(path)
    first = None if where == "-" or os.path.isdir(where) else _first_row(where, format, encoding)
    collection = None if first is None else _read_pairs(where, first, format, encoding, text_field, score_field)
    if collection is None:
        if score_field is not None:
            raise ReadError(f"{where}: score_field is {score_field!r}, and these are no pairs of texts: {_PAIRED}")
        label = None if task == "segment" else label_field or "label"
        found = read_texts(
            where, format=format, text_field=text_field, label_field=label, allow_empty=True, encoding=encoding
        )
        collection = _from_file(found, task)
        if label is not None and collection.kind == "unlabelled" and found.fields and label not in found.fields:
            collection = _without_labels(collection, label, label_field is not None, found.fields, text_field)
    if task is not None and task not in collection.tasks:
        raise ReadError(f"{collection.name}: {_unfit(task, collection)}")
    if test is None:
        return collection
    if collection.kind != "labelled":
        raise ReadError(f"{collection.name}: a test set goes with labelled texts, and these are {collection.described}")
    tested = read_texts(
        test,
        format=format,
        text_field=text_field,
        label_field=label_field or "label",
        require_labels=True,
        allow_empty=True,
        encoding=encoding,
    )
    return replace(collection, test=_decoded(tested), test_labels=list(tested.labels or []))


def _without_labels(
    collection: Collection, label: str, named: bool, fields: Sequence[str], text_field: str
) -> Collection:
    """Texts without labels, with a word on where labels might be; an error where the field was named."""
    others = [name for name in fields if name != text_field]
    found = ", ".join(map(repr, others[:8])) or "none"
    if named:
        raise ReadError(f"{collection.name}: no field {label!r} (found: {found}): name that of the labels")
    if not others:
        return collection
    note = (
        f"No field {label!r} (found: {found}): these are texts without labels. If they have labels, name the field: "
        f"label_field={others[0]!r} (--label-field {others[0]})."
    )
    return replace(collection, notes=(*collection.notes, note))


def _unfit(task: Task, collection: Collection) -> str:
    """Why a collection is not for a task."""
    needs = {
        "classify": "labelled texts",
        "cluster": "labelled texts, to be held against",
        "geometry": "texts",
        "similarity": f"pairs of texts with scores ({_PAIRED})",
        "segment": f"documents in which lines that begin with {MARK} part the segments",
    }
    return f"task {task!r} needs {needs[task]}, and these are {collection.described}"


def _from_file(found: TextFile, task: Task | None) -> Collection:
    """Texts, or documents where there are marks."""
    texts = _decoded(found)
    plain = found.labels is None and bool(found.texts) and isinstance(found.texts[0], bytes)
    marked = [f"\n{text}".find(f"\n{MARK}") >= 0 for text in texts]
    if task == "segment" or (task is None and plain and any(marked)):
        if not any(marked):
            raise ReadError(f"{found.path}: no line begins with {MARK}: mark where the segments of a document end")
        documents = [document_of(text, name=name) for text, name in zip(texts, found.names, strict=True)]
        return Collection("documents", found.path, documents=documents)
    labels = None if found.labels is None else list(found.labels)
    return Collection("unlabelled" if labels is None else "labelled", found.path, texts, labels)


def _decoded(found: TextFile) -> list[str]:
    """Texts as strings; embedders read characters."""
    strings = []
    empty = [name for text, name in zip(found.texts, found.names, strict=True) if not text]
    if empty:
        more = f" ({len(empty):,} such texts)" if len(empty) > 1 else ""
        raise ReadError(f"{empty[0]}: empty text{more}: an empty text has no vector; take it out")
    texts: Sequence[str | bytes] = found.texts
    for text, name in zip(texts, found.names, strict=True):
        try:
            strings.append(text.decode() if isinstance(text, bytes) else text)
        except UnicodeDecodeError as error:
            raise ReadError(
                f"{name}: not UTF-8 (byte 0x{error.object[error.start]:02x} at offset {error.start:,}), and embedders "
                "read characters: convert the file, or compare compressors with 'ncd classify'"
            ) from None
    return strings


def _first_row(where: str, format: Format | None, encoding: str) -> tuple[str, dict[str, Any]] | None:
    """The first row of a file; None where it has none, and where it cannot be read."""
    try:
        with closing(read_rows(where, format=format, encoding=encoding)) as rows:  # an open table locks others out
            return next(rows, None)
    except ReadError:
        return None  # said better where texts are read


def _read_pairs(
    where: str,
    first: tuple[str, dict[str, Any]],
    format: Format | None,
    encoding: str,
    text_field: str,
    score_field: str | None,
) -> Collection | None:
    """The pairs in a file, or None where its first row is none."""
    keys = _pair_keys(*first, text_field, score_field)
    if keys is None:
        if text_field not in first[1]:
            names = ", ".join(map(repr, list(first[1])[:8])) or "none"
            raise ReadError(
                f"{first[0]}: no field {text_field!r} (found: {names}): name that of the texts with text_field=... "
                f"(--text-field); {_PAIRED}"
            )
        return None
    firsts, seconds, scores = [], [], []
    for name, fields in read_rows(where, format=format, encoding=encoding):
        one, two, score = _pair(name, fields, keys)
        firsts.append(one)
        seconds.append(two)
        scores.append(score)
    if len(firsts) < 3:
        raise ReadError(f"{where}: {counted(len(firsts), 'pairs')}: a rank correlation needs 3 or more")
    return Collection("pairs", where, firsts, seconds=seconds, scores=scores)


def _pair_keys(
    row: str, fields: dict[str, Any], text_field: str, score_field: str | None
) -> tuple[tuple[str, ...], str] | None:
    """The fields of the texts and of the score, if a row is a pair."""
    texts: Sequence[str] | None = next((names for names in _PAIRS if all(name in fields for name in names)), None)
    named = tuple(name.strip() for name in text_field.split(","))
    if text_field not in fields and len(named) == 2:
        texts = named if all(name in fields for name in named) else None
    both = fields.get(text_field)
    if texts is None and isinstance(both, list) and len(both) == 2:
        texts = (text_field,)
    wanted = _SCORES if score_field is None else (score_field,)
    score = next((name for name in wanted if name in fields), None)
    if texts is not None and score is None and (score_field is not None or len(named) == 2):
        found = ", ".join(map(repr, fields))
        raise ReadError(f"{row}: no field {' or '.join(map(repr, wanted))} (found: {found}) for the scores: {_PAIRED}")
    return None if texts is None or score is None else (tuple(texts), score)


def _pair(name: str, fields: dict[str, Any], keys: tuple[tuple[str, ...], str]) -> tuple[str, str, float]:
    """The texts and the score of one row."""
    names, score = keys
    texts = fields.get(names[0]) if len(names) == 1 else [fields.get(key) for key in names]
    if not isinstance(texts, list) or len(texts) != 2 or not all(isinstance(text, str) and text for text in texts):
        raise ReadError(f"{name}: {' and '.join(names)} hold no two texts")
    value = fields.get(score)
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ReadError(f"{name}: field {score!r} is {value!r} where a finite number is expected")
    return texts[0], texts[1], number
