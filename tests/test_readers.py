"""Inputs of every kind, good and bad, and output that is all or nothing."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from contextlib import suppress

import pytest

from ncd import ReadError, read_texts
from ncd.compressors.zstd import library
from ncd.files import atomic_path, atomic_write, check_target

ROWS = [('a cat, "sleeping"\nin the sun', "en"), ("ein Hund schläft", "de"), ("\u2028 line separator", "en")]


def as_jsonl(rows):
    return "".join(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in rows)


def as_table(rows, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "text", "label"])
    writer.writerows((i, text, label) for i, (text, label) in enumerate(rows))
    return out.getvalue()


CONTENT = {
    "jsonl": as_jsonl(ROWS),
    "ndjson": as_jsonl(ROWS),
    "csv": as_table(ROWS, ","),
    "tsv": as_table(ROWS, "\t"),
}
PACK = {"": bytes, ".gz": gzip.compress, ".zst": lambda data: library().compress(data)}


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("kind", CONTENT)
def test_texts_and_labels_come_back(tmp_path, kind, packed):
    path = tmp_path / f"rows.{kind}{packed}"
    path.write_bytes(PACK[packed](CONTENT[kind].encode()))
    found = read_texts(path)
    assert list(zip(found.texts, found.labels, strict=True)) == ROWS
    first, last = (2, 5) if kind in ("csv", "tsv") else (1, 3)  # the first text of a table spans two lines
    assert found.names[0] == f"{path}:{first}"
    assert found.names[-1] == f"{path}:{last}"
    assert repr(found) == f"TextFile({str(path)!r}, 3 texts, 2 labels)"
    assert read_texts(path, label_field=None).labels is None


def test_blank_lines_byte_order_mark_and_line_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n\n   \n{"text": "two"}')
    found = read_texts(path)
    assert found.texts == ["one", "two"]
    assert found.names == [f"{path}:1", f"{path}:4"]
    assert found.labels is None
    assert repr(found).endswith("2 texts, no labels)")


def test_other_fields_and_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("body,topic\nélan,mot\n".encode("latin-1"))
    found = read_texts(path, text_field="body", label_field="topic", encoding="latin-1")
    assert (found.texts, found.labels) == (["élan"], ["mot"])


def test_labels_become_strings(tmp_path):
    path = tmp_path / "a.jsonl"
    labels = [7, 7.0, "7", True, False, -1]
    path.write_text("".join(json.dumps({"text": "t", "label": label}) + "\n" for label in labels))
    assert read_texts(path).labels == ["7", "7", "7", "true", "false", "-1"]


def test_huge_csv_fields_pass_and_the_limit_is_restored(tmp_path):
    path = tmp_path / "a.csv"
    text = "x" * 300_000
    path.write_text(f"text\n{text}\n")
    before = csv.field_size_limit()
    assert read_texts(path).texts == [text]
    assert csv.field_size_limit() == before


def test_folder_of_class_folders(tmp_path):
    for label, name, text in [("b", "2.txt", b"two"), ("b", "10.txt", b"ten"), ("a", "sub/1.txt", b"\xff\x00")]:
        file = tmp_path / label / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    (tmp_path / "a" / ".hidden").write_bytes(b"no")
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "packed.txt.gz").write_bytes(gzip.compress(b"plain"))
    found = read_texts(tmp_path)
    assert found.texts == [b"plain", b"\xff\x00", b"ten", b"two"]
    assert found.labels == ["a", "a", "b", "b"]
    assert found.names == [str(tmp_path / name) for name in ("a/packed.txt.gz", "a/sub/1.txt", "b/10.txt", "b/2.txt")]


def test_folder_of_plain_files_and_single_files(tmp_path):
    (tmp_path / "b").write_bytes(b"two")
    (tmp_path / "a.txt").write_bytes(b"one")
    found = read_texts(tmp_path)
    assert (found.texts, found.labels) == ([b"one", b"two"], None)
    one = read_texts(tmp_path / "a.txt")
    assert (one.texts, one.labels, one.names) == ([b"one"], None, [str(tmp_path / "a.txt")])
    with pytest.raises(ReadError, match="no labels; give JSON lines"):
        read_texts(tmp_path, require_labels=True)


def test_format_decides_against_the_name(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("not json")
    assert read_texts(path, format="plain").texts == [b"not json"]
    (tmp_path / "b.txt").write_text('{"text": "t"}\n')
    assert read_texts(tmp_path / "b.txt", format="jsonl").texts == ["t"]
    assert len(read_texts(tmp_path, format="plain")) == 2


@pytest.mark.parametrize(
    ("form", "content", "texts"),
    [(None, b'{"text": "t"}\n', ["t"]), ("csv", b"text\nu\n", ["u"]), ("plain", b"raw\n", [b"raw\n"])],
)
def test_standard_input(monkeypatch, form, content, texts):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    found = read_texts("-", format=form)
    assert found.texts == texts
    assert found.path == "stdin"
    assert not sys.stdin.closed


BAD = {
    "malformed": ("a.jsonl", b'{"text": "t"}\n{"text": \n', r"a\.jsonl:2: malformed JSON"),
    "pretty": ("a.jsonl", b'[\n{"text": "t"}]\n', r"a\.jsonl:1: malformed JSON"),
    "nested": ("a.jsonl", b"[" * 200_000 + b"\n", r"a\.jsonl:1: JSON that cannot be read"),
    "array": ("a.jsonl", b'["t"]\n', r"a\.jsonl:1: found an array"),
    "no field": (
        "a.jsonl",
        b'{"text": "t"}\n{"body": "t"}\n',
        r"a\.jsonl:2: no field 'text' \(found: 'body'\).*--text-field",
    ),
    "no fields": ("a.jsonl", b"{}\n", r"found: none"),
    "number": ("a.jsonl", b'{"text": 3}\n', r"a\.jsonl:1: field 'text' is a number where a string"),
    "null": ("a.jsonl", b'{"text": null}\n', r"a\.jsonl:1: field 'text' is null"),
    "label fraction": ("a.jsonl", b'{"text": "t", "label": 0.5}\n', r"a\.jsonl:1: field 'label' is a fraction"),
    "label list": ("a.jsonl", b'{"text": "t", "label": ["x"]}\n', r"a\.jsonl:1: field 'label' is an array"),
    "label nan": ("a.jsonl", b'{"text": "t", "label": NaN}\n', r"a\.jsonl:1: field 'label'"),
    "some labels": (
        "a.jsonl",
        b'{"text": "t", "label": "x"}\n{"text": "u", "label": null}\n{"text": "v"}\n',
        r"a\.jsonl:2: no label in field 'label', and others have one \(2 of 3",
    ),
    "empty text": ("a.jsonl", b'{"text": "t"}\n{"text": ""}\n', r"a\.jsonl:2: empty text; .*--allow-empty"),
    "empty file": ("a.jsonl", b"", r"a\.jsonl: holds no texts"),
    "empty plain": ("a.txt", b"", r"a\.txt: empty text"),
    "encoding": ("a.jsonl", b'{"text": "t"}\n{"text": "\xe9"}\n', r"a\.jsonl:2: not utf-8: byte 0xe9 at byte 11"),
    "csv columns": ("a.csv", b'text,label\n"t\nt",x\nu\n', r"a\.csv:4: 1 columns where the header has 2"),
    "csv field": ("a.csv", b"body,label\nt,x\n", r"a\.csv:1: no column 'text' \(found: 'body', 'label'\)"),
    "csv twice": ("a.csv", b"text,text\nt,x\n", r"a\.csv:1: the header names column 'text' twice"),
    "csv label twice": ("a.csv", b"text,label,label\nt,x,y\n", r"a\.csv:1: the header names column 'label' twice"),
    "csv quote": ("a.csv", b'text,label\nt,x\n"open,x\n', r"a\.csv:3: malformed table \(unexpected end of data\)"),
    "csv empty text": ("a.csv", b"text,label\nt,x\n,x\n", r"a\.csv:3: empty text"),
    "csv some labels": ("a.csv", b"text,label\nt,x\nu,\n", r"a\.csv:3: no label"),
    "csv empty": ("a.csv", b"", r"a\.csv: holds no texts"),
    "csv header only": ("a.csv", b"text,label\n", r"a\.csv: holds no texts"),
    "truncated gz": (
        "a.jsonl.gz",
        gzip.compress(CONTENT["jsonl"].encode())[:-12],
        r"a\.jsonl\.gz: damaged or truncated",
    ),
    "no gz": ("a.jsonl.gz", CONTENT["jsonl"].encode(), r"a\.jsonl\.gz: damaged or truncated"),
    "torn gz": ("a.txt.gz", gzip.compress(b"x" * 99)[:15] + b"\xff" * 20, r"a\.txt\.gz: damaged or truncated"),
    "truncated zst": ("a.csv.zst", library().compress(CONTENT["csv"].encode())[:-4], r"a\.csv\.zst: damaged or trunc"),
    "no zst": ("a.csv.zst", CONTENT["csv"].encode(), r"a\.csv\.zst: damaged or truncated"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_content_is_named_with_file_and_line(tmp_path, case):
    name, content, message = BAD[case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=message):
        read_texts(tmp_path / name)


def test_bad_folders(tmp_path):
    with pytest.raises(ReadError, match="holds no files"):
        read_texts(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="class folder holds no files"):
        read_texts(tmp_path)
    (tmp_path / "file").write_text("t")
    with pytest.raises(ReadError, match="both folders"):
        read_texts(tmp_path)
    with pytest.raises(ReadError, match="is a folder and cannot be read as csv"):
        read_texts(tmp_path, format="csv")
    (tmp_path / "empty").rmdir()
    (tmp_path / "train.csv.gz").write_bytes(b"")
    with pytest.raises(ReadError, match=r"train\.csv\.gz looks like a file of many texts"):
        read_texts(tmp_path)


def test_bad_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.jsonl: no such file or folder"):
        read_texts(tmp_path / "gone.jsonl")
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "t"}\n')
    with pytest.raises(ValueError, match="format is 'xml': choose from 'jsonl'"):
        read_texts(path, format="xml")
    with pytest.raises(ValueError, match="encoding is 'latin-77': no such encoding"):
        read_texts(path, encoding="latin-77")
    with pytest.raises(ValueError, match="encoding is 'utf-16'"):
        read_texts(path, encoding="utf-16")
    with pytest.raises(ReadError, match=r"no labels in field 'topic'; name the field with .*--label-field"):
        read_texts(path, label_field="topic", require_labels=True)


def test_empty_texts_pass_where_allowed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": ""}\n{"text": ""}\n')
    assert read_texts(path, allow_empty=True).texts == ["", ""]
    with pytest.raises(ReadError, match=r"\(2 such texts\)"):
        read_texts(path)


def test_a_file_appears_only_when_complete(tmp_path):
    target = tmp_path / "out.bin"
    with atomic_write(target) as file:
        file.write(b"first")
        assert not target.exists()
    assert target.read_bytes() == b"first"
    with pytest.raises(FileExistsError, match="--force"), atomic_write(target):
        pass
    with suppress(KeyboardInterrupt), atomic_write(target, force=True) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"first"
    with atomic_write(target, force=True) as file:
        file.write(b"second")
    assert target.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["out.bin"]


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path):
    target = tmp_path / "out.bin"

    def write_beside_another():
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"mine")
            target.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        write_beside_another()
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["out.bin"]


def test_links_stay_links_and_modes_follow_the_umask(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with atomic_write(link, force=True) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    (tmp_path / "ordinary").write_bytes(b"")
    assert real.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_devices_are_written_to_and_not_replaced():
    before = os.stat(os.devnull)
    with atomic_write(os.devnull) as file:
        file.write(b"gone")
    assert os.stat(os.devnull).st_ino == before.st_ino


def test_bad_targets(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_target(tmp_path / "no" / "file")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):
        with pytest.raises(PermissionError, match="may not write into"):
            check_target(closed / "file")
