"""Texts from files: JSON lines, tables, folders, plain files, standard input."""

from __future__ import annotations

import csv
import json
import os
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from ncd.exceptions import ReadError
from ncd.files import PACKED, opened

__all__ = ["Format", "TextFile", "read_rows", "read_texts"]

#: How the bytes of a file are to be understood.
Format: TypeAlias = Literal["jsonl", "csv", "tsv", "plain"]
#: A row of a file: the number of its first line and its fields.
_Row: TypeAlias = tuple[int, dict[str, Any]]

_SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv"}
_LARGEST_FIELD = 2**31 - 1  # what a C long holds everywhere
_field_limit = threading.Lock()  # the csv module has one limit for the whole process


@dataclass(frozen=True, repr=False)
class TextFile:
    """
    Texts as `read_texts` found them.

    Attributes
    ----------
    texts : list of str or list of bytes
        `str` from JSON lines and tables, `bytes` from plain files.
    labels : list of str or None
        One label a text, or None where the input has none.
    names : list of str
        Where each text stands: ``train.jsonl:17`` (file and line) or a file's path.
    path : str
        What was read.
    fields : tuple of str
        Names of the fields of the first row; of plain files none.
    """

    texts: list[str] | list[bytes]
    labels: list[str] | None
    names: list[str]
    path: str
    fields: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        labels = "no labels" if self.labels is None else f"{len(set(self.labels))} labels"
        return f"TextFile({self.path!r}, {len(self)} texts, {labels})"


def read_texts(
    path: os.PathLike[str] | str,
    *,
    format: Format | None = None,
    text_field: str = "text",
    label_field: str | None = "label",
    require_labels: bool = False,
    allow_empty: bool = False,
    encoding: str = "utf-8",
) -> TextFile:
    """
    Read texts, and their labels where there are any.

    Parameters
    ----------
    path : path-like
        One of: a ``.jsonl`` or ``.ndjson`` file (one JSON object a line); a ``.csv`` or ``.tsv`` file with a header
        row; a folder of class folders (each file is a text, the class folder's name its label); a folder of plain
        files; any other file (one text); ``"-"`` for standard input. A file whose name ends further in ``.gz`` or
        ``.zst`` is decompressed. Folders are read in the order of names; names that start with a dot are left out.
    format : {"jsonl", "csv", "tsv", "plain"}, optional
        How to understand the file, whatever its name. Without it the name decides; standard input is JSON lines.
    text_field, label_field : str
        Names of the fields, or columns, of text and label; ``label_field=None`` ignores labels. Labels become strings:
        the JSON numbers ``7`` and ``7.0`` both give ``"7"``, ``true`` gives ``"true"``. A label is missing where it is
        null or ``""``, or its field is not there.
    require_labels : bool
        Raise if there are no labels. That some texts have one and others not is an error anyway.
    allow_empty : bool
        Whether empty texts may pass.
    encoding : str
        Of JSON lines and tables. Plain files are bytes, and stay so.

    Returns
    -------
    TextFile

    Raises
    ------
    ReadError
        If the content is not what it should be: malformed or empty, a field missing or of a wrong type, an empty text,
        bytes that are not in `encoding`, a damaged or truncated compressed file. The message names file and line.
    OSError
        If the file does not exist or may not be read.
    MissingLibraryError
        For ``.zst`` without the zstd library.

    Notes
    -----
    Tables are as Python's `csv` module and pandas write them: fields that hold the delimiter, a quote or a line break
    stand in double quotes, in ``.tsv`` files as well.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "words.csv"
    >>> _ = file.write_text("text,label\\nthe cat,en\\nle chat,fr\\n")
    >>> words = read_texts(file)
    >>> words.texts, words.labels
    (['the cat', 'le chat'], ['en', 'fr'])
    """
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format is {format!r}: choose from {', '.join(map(repr, get_args(Format)))}")
    where = os.fspath(path)
    folder = where != "-" and Path(where).is_dir()
    if where != "-" and not folder and not Path(where).exists():
        raise FileNotFoundError(f"{where}: no such file or folder")
    form = format or ("jsonl" if where == "-" else "plain" if folder else _format_of(where))
    title = "stdin" if where == "-" else where
    if form == "plain":
        found = _folder(Path(where), format is not None) if folder else [(where, title, None)]
        names = [name for _, name, _ in found]
        raw = [_contents(file, name) for file, name, _ in found]
        _refuse_empty(raw, names, allow_empty)
        given = [None if label_field is None else label for _, _, label in found]
        return TextFile(raw, _labels(given, names, title, None, require_labels), names, title)
    if folder:
        raise ReadError(f"{title} is a folder and cannot be read as {form}: give a file")
    texts: list[str] = []
    names, given = [], []
    first: dict[str, Any] = {}
    for number, fields in _fields(form, _lines(where, title, encoding), title, text_field, label_field):
        first = first or fields
        names.append(f"{title}:{number}")
        texts.append(_text(fields, text_field, names[-1]))
        given.append(_label(fields, label_field, names[-1]))
    if not texts:
        raise ReadError(f"{title}: holds no texts")
    _refuse_empty(texts, names, allow_empty)
    return TextFile(texts, _labels(given, names, title, label_field, require_labels), names, title, tuple(first))


def read_rows(
    path: os.PathLike[str] | str, *, format: Format | None = None, encoding: str = "utf-8"
) -> Generator[tuple[str, dict[str, Any]], None, None]:
    """
    The rows of a file of JSON lines or a table, with all their fields.

    Parameters
    ----------
    path : path-like
        A file as in `read_texts`, or ``"-"``.
    format : {"jsonl", "csv", "tsv"}, optional
        Without it the name decides; standard input is JSON lines.
    encoding : str

    Yields
    ------
    name : str
        File and line: ``pairs.jsonl:17``.
    fields : dict
        In tables all values are strings.

    Raises
    ------
    ReadError
        If the content is malformed, or the file is not one of rows.
    OSError
        If the file does not exist or may not be read.

    Examples
    --------
    >>> file = getfixture("tmp_path") / "pairs.csv"
    >>> _ = file.write_text("text1,text2,score\\na cat,the cat,4.5\\n")
    >>> [fields for _, fields in read_rows(file)]
    [{'text1': 'a cat', 'text2': 'the cat', 'score': '4.5'}]
    """
    where = os.fspath(path)
    title = "stdin" if where == "-" else where
    form = format or ("jsonl" if where == "-" else _format_of(where))
    if form == "plain" or (where != "-" and Path(where).is_dir()):
        raise ReadError(f"{title}: holds no rows: give JSON lines or a table")
    for number, fields in _fields(form, _lines(where, title, encoding), title, None, None):
        yield f"{title}:{number}", fields


def _format_of(where: str) -> Format:
    """What a file is, by its name."""
    path = Path(where)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix.lower(), "plain")


def _folder(folder: Path, anything: bool) -> list[tuple[str, str, str | None]]:
    """File, name and class of every text in a folder."""
    entries = sorted((entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=Path.as_posix)
    classes = [entry for entry in entries if entry.is_dir()]
    files = [entry for entry in entries if not entry.is_dir()]
    if classes and files:
        raise ReadError(
            f"{folder}: holds both folders ({classes[0].name}) and files ({files[0].name}): "
            "give a folder of class folders or a folder of texts"
        )
    found: list[tuple[Path, str | None]] = [(file, None) for file in files]
    for one in classes:
        members = sorted((file for file in one.rglob("*") if file.is_file()), key=Path.as_posix)
        shown = [m for m in members if not any(part.startswith(".") for part in m.relative_to(folder).parts)]
        if not shown:
            raise ReadError(f"{one}: this class folder holds no files")
        found += [(file, one.name) for file in shown]
    if not found:
        raise ReadError(f"{folder}: this folder holds no files")
    table = next((file for file, _ in found if _format_of(str(file)) != "plain"), None)
    if table is not None and not anything:
        raise ReadError(
            f"{folder}: {table.name} looks like a file of many texts, and here each file would be one text: "
            "give that file itself, or format='plain' (--format plain)"
        )
    return [(str(file), str(file), mark) for file, mark in found]


def _contents(where: str, title: str) -> bytes:
    """All bytes of a file."""
    with opened(where, title) as stream:
        return stream.read()


def _lines(where: str, title: str, encoding: str) -> Iterator[str]:
    """The lines of a file, decoded one by one so that a wrong byte has a line number."""
    try:
        plain = "\n".encode(encoding) == b"\n"
    except LookupError:
        raise ValueError(f"encoding is {encoding!r}: no such encoding; the usual one is 'utf-8'") from None
    if not plain:
        raise ValueError(f"encoding is {encoding!r}: files are read line by line, which it does not allow; use 'utf-8'")
    with opened(where, title) as stream:
        for number, raw in enumerate(stream, 1):
            try:
                line = raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise ReadError(
                    f"{title}:{number}: not {encoding}: byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the "
                    "line; give the file's encoding=... (--encoding)"
                ) from None
            yield line.removeprefix("\ufeff") if number == 1 else line


def _fields(
    form: Format, lines: Iterator[str], title: str, text_field: str | None, label_field: str | None
) -> Iterator[_Row]:
    """The rows of a file."""
    if form == "jsonl":
        yield from _json_rows(lines, title)
        return
    with _field_limit:
        before = csv.field_size_limit(_LARGEST_FIELD)
        try:
            yield from _table_rows(lines, title, "\t" if form == "tsv" else ",", (text_field, label_field))
        finally:
            csv.field_size_limit(before)


def _json_rows(lines: Iterator[str], title: str) -> Iterator[_Row]:
    """One JSON object a line; blank lines are passed over."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise ReadError(
                f"{title}:{number}: malformed JSON ({error.msg} at column {error.colno}); each line is one object, "
                'such as {"text": "...", "label": "..."}'
            ) from None
        except (RecursionError, ValueError) as error:  # nested without end; integers of thousands of digits
            raise ReadError(f"{title}:{number}: JSON that cannot be read ({error})") from None
        if not isinstance(fields, dict):
            raise ReadError(f"{title}:{number}: found {_kind(fields)} where a JSON object is expected")
        yield number, fields


def _table_rows(lines: Iterator[str], title: str, delimiter: str, wanted: tuple[str | None, ...]) -> Iterator[_Row]:
    """Records under a header; blank lines are passed over."""
    records = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        number = records.line_num + 1
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            raise ReadError(f"{title}:{number}: malformed table ({error})") from None
        if not record:
            continue
        if not header:
            header = record
            asked = [name for name in wanted if name is not None]
            twice = [name for name in asked if header.count(name) > 1]
            if twice:
                raise ReadError(f"{title}:{number}: the header names column {twice[0]!r} twice")
            if wanted[0] is not None and wanted[0] not in header:
                raise ReadError(f"{title}:{number}: {_no_field('column', wanted[0], header)}")
            continue
        if len(record) != len(header):
            raise ReadError(f"{title}:{number}: {len(record)} columns where the header has {len(header)}")
        yield number, dict(zip(header, record, strict=True))


def _no_field(kind: str, name: str | None, found: list[str]) -> str:
    """What to say where the field of the texts is not there."""
    names = ", ".join(map(repr, found[:8])) + (", ..." if len(found) > 8 else "") if found else "none"
    return f"no {kind} {name!r} (found: {names}); name the right one with text_field=... (--text-field)"


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    kinds = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _text(fields: dict[str, Any], field: str, name: str) -> str:
    """The text of a row."""
    if field not in fields:
        raise ReadError(f"{name}: {_no_field('field', field, list(fields))}")
    text = fields[field]
    if not isinstance(text, str):
        raise ReadError(f"{name}: field {field!r} is {_kind(text)} where a string is expected")
    return text


def _label(fields: dict[str, Any], field: str | None, name: str) -> str | None:
    """The label of a row as a string, or None where it is missing."""
    label = None if field is None else fields.get(field)
    if label is None or label == "":
        return None
    if isinstance(label, bool):
        return "true" if label else "false"
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if isinstance(label, str | int):
        return str(label)
    kind = "a fraction" if isinstance(label, float) else _kind(label)
    raise ReadError(f"{name}: field {field!r} is {kind} where a label (a string or a whole number) is expected")


def _refuse_empty(texts: list[str] | list[bytes], names: list[str], allow_empty: bool) -> None:
    """Raise at the first empty text, unless such texts may pass."""
    empty = [] if allow_empty else [name for name, text in zip(names, texts, strict=True) if not text]
    if empty:
        more = f" ({len(empty)} such texts)" if len(empty) > 1 else ""
        raise ReadError(f"{empty[0]}: empty text{more}; remove it, or pass allow_empty=True (--allow-empty)")


def _labels(
    given: list[str | None], names: list[str], title: str, field: str | None, required: bool
) -> list[str] | None:
    """All labels or None; an error where some are missing."""
    missing = [name for name, label in zip(names, given, strict=True) if label is None]
    if not missing:
        return [label for label in given if label is not None]
    if len(missing) < len(given):
        raise ReadError(
            f"{missing[0]}: no label in field {field!r}, and others have one "
            f"({len(missing)} of {len(given)} have none): label all texts or none"
        )
    if required:
        remedy = "name the field with label_field=... (--label-field)"
        raise ReadError(
            f"{title}: no labels in field {field!r}; {remedy}"
            if field is not None
            else f"{title}: no labels; give JSON lines or a table with labels, or a folder of class folders"
        )
    return None
