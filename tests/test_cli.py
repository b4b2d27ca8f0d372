"""The command line on real files: every command, every kind of bad input, signals and pipes."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import ncd
from ncd import data
from ncd.cli import app, main, report
from ncd.distances.lengths import METRICS
from ncd.embed import available_embedders

COMMANDS = ("list", "distance", "bits", "matrix", "classify", "explain", "neighbors", "demo")


def size(text):
    """Code length by the standard library alone."""
    return len(gzip.compress(text.encode() if isinstance(text, str) else text, 9))


def naive_ncd(x, y, between=" "):
    """The distance written down once more, text by text."""
    lx, ly, lxy = size(x), size(y), size(x + between + y)
    return (lxy - min(lx, ly)) / max(lx, ly)


@pytest.fixture(scope="module")
def passages():
    """Forty passages with their labels."""
    corpus = data.load_factbook("test")
    return list(zip(corpus.texts[:40], corpus.labels[:40], strict=True))


@pytest.fixture
def folder(tmp_path, passages, monkeypatch):
    """A folder, the current one, with a training and a test file."""
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "train.jsonl", passages[:28])
    write_jsonl(tmp_path / "test.jsonl", passages[28:])
    return tmp_path


def write_jsonl(path, rows):
    path.write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows), encoding="utf-8"
    )


@pytest.fixture
def run(capsysbinary):
    """Run the command line in this process: exit code, output, errors."""

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return call


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def process():
    """Start the command line in a process of its own, which does not outlive the test."""
    running = []

    def start(*arguments, **options):
        command = [sys.executable, "-m", "ncd", *map(str, arguments)]
        running.append(subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, **options))
        return running[-1]

    yield start
    for one in running:
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        for pipe in (one.stdout, one.stderr):
            if pipe is not None:
                pipe.close()
        one.wait()


# ---- help, usage, errors


def test_help_teaches(run):
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert all(name in out for name in COMMANDS)
    for name in COMMANDS:
        code, out, _ = run(name, "--help")
        assert code == 0
        assert "L(x" in out
        assert len(re.findall(rf"^  ncd {name}", out, re.MULTILINE)) >= 2
        assert "exit codes" in out
    for name in ("matrix", "neighbors", "classify"):
        _, out, _ = run(name, "--help")
        assert all(metric in " ".join(out.split()) for metric in METRICS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from ncd.cli import main; main(['matrix', '--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'ncd.cli.matrix'" in done.stderr
    for heavy in ("numpy", "scipy", "sklearn", "joblib", "rich", "matplotlib"):
        assert f"'{heavy}'" not in done.stderr


def test_version_and_no_command(run):
    assert run("--version") == (0, f"ncd {ncd.__version__}\n", "")
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "commands:" in err


def one_line(err):
    """An error takes one line, and is the last."""
    last = err.splitlines()[-1]
    assert last.startswith("ncd: error: ")
    assert "Traceback" not in err
    return last


USAGE = {
    "command": (["matrx"], "invalid choice: 'matrx'"),
    "option": (["list", "--nope"], "unrecognized arguments: --nope"),
    "argument": (["distance", "test.jsonl"], "required: B"),
    "k": (["neighbors", "--index", "test.jsonl", "-k", "0"], "0: give a number from 1"),
    "k word": (["neighbors", "--index", "test.jsonl", "-k", "five"], "invalid whole number value: 'five'"),
    "k large": (["neighbors", "--index", "test.jsonl", "-k", "12"], "k is 12: with 12 texts choose from 1 to 11"),
    "jobs": (["matrix", "test.jsonl", "--jobs", "0"], "0: give a number of workers"),
    "order": (["matrix", "test.jsonl", "--order", "zx"], "invalid choice: 'zx'"),
    "compressor": (["matrix", "test.jsonl", "--compressor", "gzpi"], "did you mean 'gzip'"),
    "level": (["matrix", "test.jsonl", "--compressor", "gzip:11"], "level is 11: choose from 0 to 9"),
    "metric": (["matrix", "test.jsonl", "--metric", "ncdd"], "did you mean 'ncd'"),
    "primed": (["matrix", "test.jsonl", "--compressor", "bz2", "--joint", "primed"], "cannot be primed"),
    "ending": (["matrix", "test.jsonl", "-o", "a.txt"], "must end in one of .npy, .zarr, .csv, .parquet"),
    "ending case": (["matrix", "test.jsonl", "-o", "a.NPY"], "write the ending as .npy"),
    "zarr case": (["matrix", "test.jsonl", "-o", "a.Zarr"], "write the ending as .zarr"),
    "checkpoint": (
        ["matrix", "test.jsonl", "-o", "a.csv", "--checkpoint"],
        "--checkpoint goes with -o FILE.npy or FILE.zarr",
    ),
    "names": (["matrix", "test.jsonl", "-o", "a.csv", "--names", "a.csv"], "both 'a.csv'"),
    "twice": (["matrix", "test.jsonl", "test.jsonl", "-o", "a.csv"], "two columns would be named 'test.jsonl:1'"),
    "stdin twice": (["distance", "-", "-"], "standard input) is given twice"),
    "missing": (["matrix", "gone.txt"], "gone.txt: no such file or folder"),
    "no folder": (["matrix", "test.jsonl", "-o", "no/a.npy"], "the folder no does not exist"),
    "a folder": (["distance", ".", "test.jsonl"], ". is a folder"),
    "empty text": (["distance", "--text", "", "b"], "A is empty"),
    "field": (["matrix", "test.jsonl", "--text-field", "body"], "test.jsonl:1: no field 'body'"),
    "train": (["classify", "--test", "test.jsonl"], "give either --train PATH or --model FILE"),
    "train, model": (["classify", "--train", "a", "--model", "b", "--test", "c"], "give either --train"),
    "test": (["classify", "--train", "train.jsonl"], "give --test PATH, or --save FILE"),
    "output": (["classify", "--train", "train.jsonl", "--save", "m", "-o", "p"], "--output needs --test"),
    "model, save": (["classify", "--model", "m", "--test", "test.jsonl", "--save", "n"], "--save goes with --train"),
    "model, k": (["classify", "--model", "m", "--test", "test.jsonl", "-k", "3"], "--neighbors goes with --train"),
    "model, method": (["classify", "--model", "m", "--test", "t", "--method", "knn"], "--method goes with --train"),
    "candidates": (
        ["neighbors", "--index", "test.jsonl", "--candidates", "5"],
        "--candidates goes with --prefilter",
    ),
    "few candidates": (
        ["neighbors", "--index", "test.jsonl", "--prefilter", "shingles", "--candidates", "4", "-k", "5"],
        "candidates is 4 and k is 5: give at least 5 candidates",
    ),
    "knn candidates": (
        ["classify", "--train", "train.jsonl", "--test", "t", "--method", "knn", "--candidates", "5"],
        "--candidates goes with --prefilter",
    ),
    "method, prefilter": (
        ["classify", "--train", "t", "--test", "t", "--prefilter", "shingles"],
        "--prefilter goes with --method knn only",
    ),
    "model, prefilter": (
        ["classify", "--model", "m", "--test", "t", "--prefilter", "shingles"],
        "--prefilter goes with --train",
    ),
    "method, k": (["classify", "--train", "t", "--test", "t", "-k", "3"], "--neighbors goes with --method knn"),
    "method, compressor": (
        ["classify", "--train", "t", "--test", "t", "--compressor", "zip"],
        "code-length or knn only",
    ),
    "method, experts": (
        ["classify", "--train", "t", "--test", "t", "--method", "knn", "--experts", "words"],
        "--experts goes with --method bits-saved only",
    ),
    "experts": (
        ["classify", "--train", "train.jsonl", "--test", "test.jsonl", "--experts", "stars"],
        "experts is 'stars'",
    ),
    "method, dictionaries": (
        ["classify", "--train", "t", "--test", "t", "--method", "knn", "--dictionaries", "3"],
        "--dictionaries goes with --method code-length",
    ),
    "save, output": (["classify", "--train", "t", "--test", "t", "-o", "x", "--save", "./x"], "both './x'"),
    "save stdout": (["classify", "--train", "t", "--save", "-"], "a model is written to a file"),
    "labels": (
        ["classify", "--train", "train.jsonl", "--label-field", "topic", "--test", "test.jsonl"],
        "no labels in field 'topic'",
    ),
    "no model": (["classify", "--model", "test.jsonl", "--test", "test.jsonl"], "test.jsonl is not a"),
    "model gone": (["classify", "--model", "gone.ncd", "--test", "test.jsonl"], "gone.ncd"),
    "classify compressor": (
        ["classify", "--train", "t", "--test", "t", "--method", "code-length", "--compressor", "zip"],
        "'zip' is not known",
    ),
    "classify metric": (
        ["classify", "--train", "t", "--test", "t", "--method", "knn", "--metric", "x"],
        "metric 'x' is not known",
    ),
    "demo file": (["demo", "--out", "test.jsonl"], "is a file: give a folder"),
    "demo folder": (["demo", "--out", "."], "is not empty"),
}


@pytest.mark.parametrize("case", USAGE)
def test_bad_input_takes_one_line_and_code_2(folder, run, case):
    arguments, message = USAGE[case]
    before = sorted(os.listdir(folder))
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in one_line(err)
    assert len(err.splitlines()) == 1
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (ZeroDivisionError("x"), 1, "unexpected ZeroDivisionError: x; NCD_DEBUG=1"),
        (OSError(28, "No space left on device", "out.npy"), 1, "out.npy: No space left on device"),
        (PermissionError(13, "Permission denied", "a"), 2, "a: Permission denied"),
        (ncd.MissingLibraryError.of("this", "lz4"), 1, "pip install 'ncd[lz4]'"),
        (MemoryError(), 1, "out of memory"),
        (MemoryError("8 EiB"), 1, "out of memory (8 EiB)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("two\nlines"), 2, "two lines"),
    ],
)
def test_errors_become_exit_codes(run, monkeypatch, raised, code, message):
    def fail(arguments):
        raise raised

    monkeypatch.setattr(app.listing, "run", fail)
    found, out, err = run("list")
    assert (found, out) == (code, "")
    assert message in one_line(err)
    monkeypatch.setenv("NCD_DEBUG", "1")
    found, _, err = run("list")
    assert found == code
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("ncd: error: ")


def test_missing_libraries_are_named(folder, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    code, _, err = run("matrix", "test.jsonl", "-o", "a.parquet")
    assert code == 1
    assert "pip install 'ncd[parquet]'" in one_line(err)
    monkeypatch.setitem(sys.modules, "lz4", None)
    monkeypatch.setitem(sys.modules, "lz4.block", None)
    monkeypatch.setitem(sys.modules, "lz4.frame", None)
    code, _, err = run("matrix", "test.jsonl", "--compressor", "lz4")
    assert code == 1
    assert "pip install 'ncd[lz4]'" in one_line(err)


def test_warnings_take_one_line(folder, run):
    (folder / "long.txt").write_bytes(os.urandom(40_000))
    (folder / "short.txt").write_text("short")
    code, _, err = run("matrix", "long.txt", "short.txt")
    assert code == 0
    assert err.startswith("ncd: warning: X[0] has 40,000 bytes")
    assert len(err.splitlines()) == 1


# ---- never overwrite


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["matrix", "gone.jsonl", "-o", "x.npy"], "x.npy"),
        (["matrix", "gone.jsonl", "-o", "x.csv"], "x.csv"),
        (["matrix", "gone.jsonl", "--names", "x.txt"], "x.txt"),
        (["neighbors", "--index", "gone.jsonl", "-o", "x.jsonl"], "x.jsonl"),
        (["classify", "--train", "gone.jsonl", "--test", "gone.jsonl", "-o", "x.jsonl"], "x.jsonl"),
        (["classify", "--train", "gone.jsonl", "--save", "x.ncd"], "x.ncd"),
    ],
)
def test_existing_files_are_refused_before_anything_is_read(folder, run, arguments, target):
    (folder / target).write_bytes(b"precious")
    code, _, err = run(*arguments)
    assert code == 2
    assert f"{target} exists already" in one_line(err)
    assert "--force" in err
    code, _, err = run(*arguments, "--force")
    assert "gone.jsonl: no such file" in one_line(err)
    assert (folder / target).read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("x.npy", ["matrix", "test.jsonl", "-o", "x.npy"]),
        ("x.csv", ["matrix", "test.jsonl", "-o", "x.csv"]),
        ("x.jsonl", ["neighbors", "--index", "test.jsonl", "-o", "x.jsonl"]),
        ("x.ncd", ["classify", "--train", "train.jsonl", "--save", "x.ncd"]),
    ],
)
def test_force_replaces(folder, run, target, arguments):
    (folder / target).write_bytes(b"old")
    assert run(*arguments, "--force")[0] == 0
    assert len((folder / target).read_bytes()) > 100
    assert sorted(os.listdir(folder)) == sorted(["train.jsonl", "test.jsonl", target])


# ---- list


def test_list(run):
    code, out, _ = run("list")
    assert code == 0
    compressors, _, embedders = out.partition("\n\n")
    rows = list(csv.DictReader(io.StringIO(compressors), delimiter="\t"))
    assert [row["name"] for row in rows] == [row.name for row in ncd.available()]
    assert rows[0]["window"] == "32768"
    assert {row["name"]: row["unit"] for row in rows}.items() >= {"gzip:9": "bytes", "ppm:5": "bits"}.items()
    rows = list(csv.DictReader(io.StringIO(embedders), delimiter="\t"))
    assert {row["name"]: row["learns"] for row in rows}.items() >= {"tfidf[:DIM]": "yes", "minilm": "no"}.items()
    _, out, _ = run("list", "--json")
    found = [{"kind": "compressor"} | row.to_dict() for row in ncd.available()]
    assert lines(out) == found + [{"kind": "embedder"} | row.to_dict() for row in available_embedders()]


def test_list_shows_how_to_install(run, monkeypatch):
    missing = ncd.CompressorInfo("lz4:0", "0..16", False, "pip install 'ncd[lz4]'", None, 11, False)
    monkeypatch.setattr("ncd.compressors.registry.available", lambda: [missing])
    _, out, _ = run("list")
    assert out.splitlines()[1] == "lz4:0\t0..16\tbytes\tno\t\t11\tmissing: pip install 'ncd[lz4]'"


def on_terminal(process, *arguments):
    """What the command line prints to a terminal."""
    import pty  # there is none on Windows

    main_end, other_end = pty.openpty()
    environment = os.environ | {"COLUMNS": "100", "TERM": "xterm"}
    running = process(*arguments, stdout=other_end, stdin=subprocess.DEVNULL, env=environment)
    os.close(other_end)
    shown = b""
    while True:
        try:
            piece = os.read(main_end, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(main_end)
    errors = running.communicate()[1]
    assert running.returncode == 0, errors
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminals_get_tables(folder, process):
    shown = on_terminal(process, "list")
    assert "───" in shown
    assert "gzip:9" in shown
    (folder / "a.txt").write_text("to be or not to be")
    (folder / "b.txt").write_text("to be or to be not")
    shown = on_terminal(process, "matrix", "a.txt", "b.txt")
    assert re.search(rf"1 a\.txt +{naive_ncd('to be or not to be', 'to be or not to be'):.3f} ", shown)
    shown = on_terminal(process, "neighbors", "--index", "test.jsonl", "-k", "1", "--label-field", "label")
    assert "neighbour" in shown
    assert "test.jsonl:12" in shown


# ---- distance


def test_distance_of_files(folder, run, passages):
    x, y = passages[0][0], passages[1][0]
    (folder / "x.txt").write_text(x, encoding="utf-8")
    (folder / "y.txt.gz").write_bytes(gzip.compress(y.encode()))
    code, out, err = run("distance", "x.txt", "y.txt.gz")
    assert (code, err) == (0, "")
    shown = dict(line.split("\t") for line in out.splitlines()[1:])
    lengths = {"x": size(x), "y": size(y), "xy": size(x + " " + y), "yx": size(y + " " + x)}
    assert {name: int(shown[f"L({name})"]) for name in lengths} == lengths
    assert float(shown["ncd(x,y)"]) == pytest.approx(naive_ncd(x, y), rel=1e-5)
    assert float(shown["cdm(y,x)"]) == pytest.approx(lengths["yx"] / (lengths["x"] + lengths["y"]), rel=1e-5)


def test_distance_by_a_model_is_in_bits(run):
    _, out, _ = run("distance", "--text", "to be or not", "not to be", "--compressor", "ppm:3")
    shown = dict(line.split("\t") for line in out.splitlines()[1:])
    assert shown["unit"] == "bits"
    assert float(shown["L(x)"]) == pytest.approx(ncd.get_compressor("ppm:3").length("to be or not"), rel=1e-5)
    _, out, _ = run("distance", "--text", "to be or not", "not to be", "--json")
    assert json.loads(out)["unit"] == "bytes"


@pytest.mark.parametrize("joint", ["concat", "primed"])
@pytest.mark.parametrize("remove", [[], ["--remove-overhead"]])
def test_distance_equals_pairwise(run, passages, joint, remove):
    x, y = passages[2][0], passages[3][0]
    options = ["--compressor", "zstd:9", "--separator", r"\n", "--joint", joint, *remove]
    code, out, _ = run("distance", "--text", "--json", *options, "--", x, y)
    assert code == 0
    found = json.loads(out)
    assert found["compressor"] == "zstd:9"
    for name in METRICS:
        for one, two, both in ((x, y, "xy"), (y, x, "yx")):
            (expected,) = ncd.pairwise(
                [one],
                [two],
                compressor="zstd:9",
                metric=name,
                separator="\n",
                joint=joint,
                remove_overhead=bool(remove),
            )[0]
            assert found["distances"][name][both] == expected


def test_distance_reads_standard_input(folder):
    (folder / "y.txt").write_text("second text")
    done = subprocess.run(
        [sys.executable, "-m", "ncd", "distance", "-", "y.txt", "--json"],
        input=b"first text",
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["lengths"]["xy"] == size("first text second text")


def test_distance_of_empty_texts_only_if_asked(folder, run):
    (folder / "empty").write_bytes(b"")
    code, _, err = run("distance", "empty", "test.jsonl")
    assert code == 2
    assert "empty: empty text" in one_line(err)
    assert run("distance", "empty", "test.jsonl", "--allow-empty")[0] == 0


# ---- matrix


def expected_matrix(texts):
    return np.array([[naive_ncd(x, y) for y in texts] for x in texts])


def test_matrix_to_npy_with_names(folder, run, passages):
    texts = [text for text, _ in passages[28:]]
    code, out, err = run("matrix", "test.jsonl", "-o", "a.npy", "--names", "names.txt", "--jobs", "2")
    assert (code, out, err) == (0, "", "")
    np.testing.assert_array_equal(np.load(folder / "a.npy"), expected_matrix(texts))
    assert (folder / "names.txt").read_text().splitlines() == [f"test.jsonl:{i}" for i in range(1, 13)]
    assert sorted(os.listdir(folder)) == ["a.npy", "names.txt", "test.jsonl", "train.jsonl"]


@pytest.mark.parametrize("flags", [[], ["--checkpoint"]])
def test_matrix_to_zarr(folder, run, passages, flags):
    zarr = pytest.importorskip("zarr")
    texts = [text for text, _ in passages[28:]]
    arguments = ["matrix", "test.jsonl", "-o", "a.zarr", *flags]
    assert run(*arguments) == (0, "", "")
    np.testing.assert_array_equal(zarr.open_array("a.zarr", mode="r")[:], expected_matrix(texts))
    code, _, err = run(*arguments)
    assert code == 2
    assert "a.zarr exists already" in one_line(err)
    assert run(*arguments, "--force", "--dtype", "float32") == (0, "", "")
    assert zarr.open_array("a.zarr", mode="r").dtype == "float32"
    (folder / "mine.zarr").mkdir()
    code, _, err = run("matrix", "test.jsonl", "-o", "mine.zarr", "--force")
    assert code == 2
    assert "mine.zarr is a folder and no zarr array" in one_line(err)
    assert sorted(os.listdir(folder)) == ["a.zarr", "mine.zarr", "test.jsonl", "train.jsonl"]


@pytest.fixture
def four_files(folder, passages):
    """Names of four files, with a comma in each, and their distances."""
    texts = [text for text, _ in passages[:4]]
    for i, text in enumerate(texts):
        (folder / f"{i},x.txt").write_text(text, encoding="utf-8")
    return [f"{i},x.txt" for i in range(4)], expected_matrix(texts)


def test_matrix_to_parquet(folder, run, four_files):
    parquet = pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    names, expected = four_files
    assert run("matrix", *names, "-o", "a.parquet", "--dtype", "float32") == (0, "", "")
    table = parquet.read_table(folder / "a.parquet").to_pydict()
    assert list(table) == ["name", *names]
    assert table["name"] == names
    np.testing.assert_array_equal(np.array([table[name] for name in names]).T, expected.astype(np.float32))


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_matrix_to_csv_and_standard_output(folder, run, four_files, delimiter):
    names, expected = four_files
    code, out, err = run("matrix", *names, "-o", "a.csv" if delimiter == "," else "-")
    assert (code, err) == (0, "")
    content = (folder / "a.csv").read_text() if delimiter == "," else out
    header, *rows = csv.reader(io.StringIO(content), delimiter=delimiter)
    assert header == ["name", *names]
    assert [row[0] for row in rows] == names
    np.testing.assert_array_equal([[float(cell) for cell in row[1:]] for row in rows], expected)


@pytest.mark.parametrize("order", ["yx", "sorted"])
def test_matrix_order_and_dtype(folder, run, passages, order):
    texts = [text for text, _ in passages[28:]]
    assert run("matrix", "test.jsonl", "--order", order, "--dtype", "float32", "-o", "a.npy")[0] == 0
    found = np.load(folder / "a.npy")
    pairs = [[(y, x) if order == "yx" else sorted((x, y), key=str.encode) for y in texts] for x in texts]
    expected = np.array([[naive_ncd(x, y) for x, y in row] for row in pairs])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    assert not np.array_equal(expected, expected_matrix(texts))


def test_matrix_options_reach_the_library(folder, run, passages):
    texts = [text for text, _ in passages[28:]]
    options = {"compressor": "zstd:5", "metric": "cdm", "separator": "\t", "order": "yx", "symmetrize": "max"}
    flags = [part for name, value in options.items() for part in (f"--{name}", value.replace("\t", r"\t"))]
    assert run("matrix", "test.jsonl", *flags, "--remove-overhead", "--no-progress", "-o", "a.npy")[0] == 0
    expected = ncd.pairwise(texts, **options, remove_overhead=True)
    np.testing.assert_array_equal(np.load(folder / "a.npy"), expected)
    assert not np.array_equal(expected, ncd.pairwise(texts, compressor="zstd:5", metric="cdm"))


def test_matrix_joins_inputs_of_several_kinds(folder, run):
    write_jsonl(folder / "a.jsonl", [("one text", "x"), ("", "x")])
    (folder / "b.bin").write_bytes(b"\xff\xfe other")
    code, out, _ = run("matrix", "a.jsonl", "b.bin", "--allow-empty")
    assert code == 0
    assert out.splitlines()[0] == "name\ta.jsonl:1\ta.jsonl:2\tb.bin"


def test_a_failed_write_leaves_nothing(folder, run, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ncd.cli.matrix._write_csv", fail)
    code, _, err = run("matrix", "test.jsonl", "-o", "a.csv")
    assert code == 1
    assert "No space left" in one_line(err)
    assert sorted(os.listdir(folder)) == ["test.jsonl", "train.jsonl"]


# ---- signals and pipes


@pytest.fixture
def long_run(tmp_path, monkeypatch):
    """Arguments of a matrix that takes minutes."""
    monkeypatch.chdir(tmp_path)
    corpus = data.load_factbook("train")
    write_jsonl(
        tmp_path / "long.jsonl", [(text * 3, label) for text, label in zip(corpus.texts, corpus.labels, strict=True)]
    )
    return ["matrix", "long.jsonl", "--compressor", "brotli:11", "-o", "a.npy"]


def when_at_work(running, sign):
    """The process, once a file shows that it is at work."""
    limit = time.monotonic() + 30
    while not sign():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    return running


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_interrupts_stop_promptly_and_leave_nothing(tmp_path, long_run, process, number, code, word):
    running = when_at_work(
        process(*long_run, stdout=subprocess.PIPE, text=True), lambda: any(tmp_path.glob("*.partial"))
    )
    time.sleep(0.5)
    start = time.monotonic()
    os.killpg(running.pid, number)
    out, err = running.communicate(timeout=20)
    assert time.monotonic() - start < 3
    assert (running.returncode, out, err) == (code, "", f"ncd: error: {word}\n")
    assert os.listdir(tmp_path) == ["long.jsonl"]


def first_finished_pair(notes):
    """Row and column where the first block begins that a checkpoint counts as finished."""
    head, first = notes.splitlines()[:2]
    grid = json.loads(head)
    across = -(-grid["shape"][1] // grid["columns"])
    return int(first) // across * grid["rows"], int(first) % across * grid["columns"]


def test_an_interrupted_run_resumes(tmp_path, long_run, process):
    write_jsonl(tmp_path / "long.jsonl", [(text, "") for text in data.load_factbook("train").texts[:60]])
    arguments = [*long_run, "--checkpoint", "--jobs", "1"]
    notes, partial = tmp_path / "a.npy.progress", tmp_path / "a.npy.partial"
    running = when_at_work(process(*arguments, text=True), lambda: notes.exists() and notes.read_text().count("\n") > 1)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "the same command goes on from there" in err
    assert sorted(os.listdir(tmp_path)) == ["a.npy.partial", "a.npy.progress", "long.jsonl"]
    row, column = first_finished_pair(notes.read_text())
    with open(partial, "r+b") as file:  # a mark in a finished block: it stays only if the block is not computed again
        file.seek(partial.stat().st_size - (60 * 60 - 60 * row - column) * 8)
        file.write(np.float64(-1).tobytes())
    done = process(*arguments, text=True)
    _, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, "")
    found = np.load(tmp_path / "a.npy")
    assert found[row, column] == -1
    expected = ncd.pairwise(data.load_factbook("train").texts[:60], compressor="brotli:11")
    found[row, column] = expected[row, column]
    np.testing.assert_array_equal(found, expected)
    assert sorted(os.listdir(tmp_path)) == ["a.npy", "long.jsonl"]


def test_a_closed_pipe_is_no_error(folder, process):
    write_jsonl(folder / "many.jsonl", [(f"text {i} {i * i}", "") for i in range(150)])
    for arguments in (["matrix", "many.jsonl"], ["neighbors", "--index", "many.jsonl"], ["list"]):
        running = process(*arguments, stdout=subprocess.PIPE)
        running.stdout.close()
        assert running.stderr.read() == b""
        running.stderr.close()
        assert running.wait() == 1


def test_the_installed_command_works():
    script = os.path.join(os.path.dirname(sys.executable), "ncd")
    if not os.path.exists(script):
        pytest.skip("the package's command is not installed beside this Python")
    assert subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout.startswith("ncd ")


# ---- neighbors


def naive_neighbors(query, index, k, own):
    """Indices and distances by sorting a full row."""
    for i, x in enumerate(query):
        row = sorted((naive_ncd(x, y), j) for j, y in enumerate(index) if not (own and i == j))
        yield row[:k]


@pytest.mark.parametrize("own", [True, False])
def test_neighbors(folder, run, passages, own):
    index = [text for text, _ in (passages[28:] if own else passages[:28])]
    query = [text for text, _ in passages[28:]]
    arguments = ["--index", "test.jsonl"] if own else ["--index", "train.jsonl", "--query", "test.jsonl"]
    name = "test" if own else "train"
    assert run("neighbors", *arguments, "-k", 3, "-o", "out.jsonl", "--label-field", "label") == (0, "", "")
    found = lines((folder / "out.jsonl").read_text())
    assert [record["name"] for record in found] == [f"test.jsonl:{i}" for i in range(1, 13)]
    assert [record["label"] for record in found] == [label for _, label in passages[28:]]
    labels = [label for _, label in (passages[28:] if own else passages[:28])]
    for record, expected in zip(found, naive_neighbors(query, index, 3, own), strict=True):
        assert record["neighbors"] == [
            {"name": f"{name}.jsonl:{j + 1}", "distance": distance, "label": labels[j]} for distance, j in expected
        ]


def test_neighbors_to_standard_output_without_labels(folder, run):
    code, out, _ = run("neighbors", "--index", "test.jsonl", "-k", 1)
    assert code == 0
    assert set(lines(out)[0]) == {"name", "neighbors"}
    assert set(lines(out)[0]["neighbors"][0]) == {"name", "distance"}


def test_neighbors_among_candidates(folder, run, passages):
    command = ["neighbors", "--index", "train.jsonl", "--query", "test.jsonl", "-k", 2, "--prefilter", "shingles"]
    train, test = [text for text, _ in passages[:28]], [text for text, _ in passages[28:]]
    for more, candidates in ([], None), (["--candidates", 6], 6):
        code, out, _ = run(*command, *more)
        assert code == 0
        expected = ncd.neighbors(test, train, 2, prefilter="shingles", candidates=candidates)
        for i, record in enumerate(lines(out)):
            assert [row["name"] for row in record["neighbors"]] == [f"train.jsonl:{j + 1}" for j in expected.indices[i]]
            assert [row["distance"] for row in record["neighbors"]] == expected.distances[i].tolist()


# ---- classify


def nearest_label(text, train):
    """Label of the nearest training text; bz2 cannot be primed, so that L(xy) is that of the concatenation."""

    def distance(other):
        lx, ly, lxy = (len(bz2.compress(part.encode())) for part in (text, other, other + " " + text))
        return (lxy - min(lx, ly)) / max(lx, ly)

    return min(train, key=lambda row: distance(row[0]))[1]


def test_the_help_tells_the_defaults(run):
    _, out, _ = run("classify", "--help")
    out = " ".join(out.split())
    knn, lengths = ncd.NCDClassifier(), ncd.CodeLengthClassifier()
    assert f"(default: {lengths.model}; {knn.compressor} for knn)" in out
    assert f"separated by commas (default: {','.join(ncd.BitsSavedClassifier().experts)})" in out
    assert f"savings or nrc (default: {knn.metric})" in out
    assert f"how many neighbours vote (default: {knn.n_neighbors})" in out
    assert f"wins an equal vote (default: {knn.tie})" in out


def test_classify_by_candidates(folder, run, passages):
    options = ["--method", "knn", "-k", 3, "--prefilter", "shingles", "--candidates", 5]
    code, out, _ = run("classify", "--train", "train.jsonl", "--test", "test.jsonl", *options)
    assert code == 0
    model = ncd.NCDClassifier(n_neighbors=3, prefilter="shingles", candidates=5)
    model.fit(*zip(*passages[:28], strict=True))
    assert [row["prediction"] for row in lines(out)] == model.predict([text for text, _ in passages[28:]]).tolist()


def test_classify_by_nearest_neighbour(folder, run, passages):
    options = ["--method", "knn", "-k", 1, "--compressor", "bz2", "--metric", "ncd", "--tie", "first"]
    code, out, err = run("classify", "--train", "train.jsonl", "--test", "test.jsonl", *options)
    assert code == 0
    expected = [nearest_label(text, passages[:28]) for text, _ in passages[28:]]
    assert lines(out) == [
        {"name": f"test.jsonl:{i}", "prediction": prediction, "label": label}
        for i, (prediction, (_, label)) in enumerate(zip(expected, passages[28:], strict=True), 1)
    ]
    right = sum(prediction == label for prediction, (_, label) in zip(expected, passages[28:], strict=True))
    low, high = wilson_by_hand(right, 12)
    assert err.startswith(f"accuracy {right / 12:.4f} (95 % interval {low:.4f} to {high:.4f}; {right} of 12 right; fit")
    assert "confusion matrix" in err


def wilson_by_hand(right, n):
    z, p = 1.959963984540054, right / n
    middle, width = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - width) / (1 + z * z / n), (middle + width) / (1 + z * z / n)


def test_classify_by_code_length_equals_the_estimator(folder, run, passages):
    train, test = passages[:28], passages[28:]
    arguments = ["classify", "--train", "train.jsonl", "--test", "test.jsonl", "--jobs", "1", "--quiet"]
    for extra, options in (
        ([], {}),
        (["--compressor", "words"], {"model": "words"}),
        (["--compressor", "deflate", "--dictionaries", "1"], {"model": "deflate", "dictionaries": 1}),
        (["--compressor", "zstd", "--dictionary-size", "500"], {"model": "zstd", "dictionary_size": 500}),
        (["--compressor", "zstd", "--joint", "concat"], {"model": "zstd", "joint": "concat"}),
    ):
        code, out, err = run(*arguments, "--method", "code-length", *extra)
        assert (code, err) == (0, "")
        model = ncd.CodeLengthClassifier(**options).fit([text for text, _ in train], [label for _, label in train])
        expected = model.predict([text for text, _ in test]).tolist()
        assert [record["prediction"] for record in lines(out)] == expected


@pytest.mark.parametrize("extra", [[], ["--experts", "strings"], ["--experts", "words,bytes", "--probabilities"]])
def test_classify_by_bits_saved_equals_the_estimator(folder, run, passages, extra):
    train, test = passages[:28], passages[28:]
    code, out, err = run("classify", "--train", "train.jsonl", "--test", "test.jsonl", "--quiet", *extra)
    assert (code, err) == (0, "")
    options = {"experts": extra[1].split(",")} if extra else {}
    model = ncd.BitsSavedClassifier(**options).fit([text for text, _ in train], [label for _, label in train])
    probable = model.predict_proba([text for text, _ in test])
    assert [record["prediction"] for record in lines(out)] == model.predict([text for text, _ in test]).tolist()
    assert [record["probability"] for record in lines(out)] == probable.max(1).round(4).tolist()
    for record, row in zip(lines(out), probable.round(4).tolist(), strict=True):
        expected = dict(zip(model.classes_.tolist(), row, strict=True)) if len(extra) == 3 else None
        assert record.get("probabilities") == expected


@pytest.mark.parametrize("method", ["bits-saved", "code-length", "knn"])
def test_a_saved_model_predicts_the_same(folder, run, method):
    arguments = ["classify", "--train", "train.jsonl", "--method", method]
    assert run(*arguments, "--test", "test.jsonl", "-o", "a.jsonl", "--save", "m.ncd")[0] == 0
    assert run(*arguments, "--save", "n.ncd") == (0, "", "")
    code, out, err = run("classify", "--model", "n.ncd", "--test", "test.jsonl", "--jobs", "2")
    assert code == 0
    assert out == (folder / "a.jsonl").read_text()
    assert "load " in err.splitlines()[0]
    assert ncd.load_model("n.ncd").n_jobs is None


def test_classify_reads_other_fields_tables_and_folders(folder, run, passages):
    with gzip.open(folder / "train.csv.gz", "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("body", "topic"), *passages[:28]])
    for i, (text, label) in enumerate(passages[:28]):
        (folder / "classes" / label).mkdir(parents=True, exist_ok=True)
        (folder / "classes" / label / f"{i:02}.txt").write_text(text, encoding="utf-8")
    with open(folder / "new.tsv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([("body",), *((text,) for text, _ in passages[28:])])
    fields = ["--text-field", "body", "--label-field", "topic"]
    code, from_table, err = run("classify", "--train", "train.csv.gz", "--test", "new.tsv", *fields)
    assert code == 0
    assert err.startswith("12 texts classified (fit ")
    assert "no labels in new.tsv" in err
    assert all(set(record) == {"name", "prediction", "probability"} for record in lines(from_table))
    counts = ["--method", "code-length", "--quiet"]  # which do not depend on the order of the texts
    _, from_folder, _ = run("classify", "--train", "classes", "--test", "test.jsonl", *counts)
    _, from_lines, _ = run("classify", "--train", "train.jsonl", "--test", "test.jsonl", *counts)
    assert from_folder == from_lines


def test_classify_reads_standard_input(folder):
    with open(folder / "test.jsonl", "rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "ncd", "classify", "--train", "train.jsonl", "--test", "-"],
            stdin=file,
            capture_output=True,
            check=True,
        )
    records = lines(done.stdout.decode())
    assert records[0]["name"] == "stdin:1"
    assert len(records) == 12


def test_classify_with_empty_texts(folder, run, passages):
    write_jsonl(folder / "train.jsonl", [*passages[:28], ("", "geography"), ("", "economy")])
    write_jsonl(folder / "test.jsonl", [passages[30], ("", "geography")])
    arguments = ["classify", "--train", "train.jsonl", "--test", "test.jsonl"]
    code, _, err = run(*arguments)
    assert code == 2
    assert "train.jsonl:29: empty text (2 such texts)" in one_line(err)
    code, out, err = run(*arguments, "--allow-empty")
    assert code == 0
    assert len(lines(out)) == 2
    assert "ncd: warning: train.jsonl: 2 empty texts are left out of the training" in err
    write_jsonl(folder / "empty.jsonl", [("", "a"), ("", "b")])
    code, _, err = run("classify", "--train", "empty.jsonl", "--save", "m", "--allow-empty")
    assert code == 2
    assert "every text is empty" in one_line(err)
    write_jsonl(folder / "one.jsonl", [("t", "a"), ("u", "a")])
    code, _, err = run("classify", "--train", "one.jsonl", "--save", "m")
    assert code == 2
    assert "all labels are 'a'" in one_line(err)


def test_the_report_counts():
    out = io.StringIO()
    report.print_report(["a", "a", "b", "z"], ["a", "b", "b", "a"], ["a", "b"], times="t", stream=out)
    shown = out.getvalue().splitlines()
    assert shown[0].startswith("accuracy 0.5000 (95 % interval 0.1500 to 0.8500; 2 of 4 right; t)")
    assert shown[1] == "1 texts have labels that the training does not have: z"
    assert shown[2:7] == [
        "classes",
        "class\ttexts\tpredicted\tprecision\trecall\tf1",
        "a\t2\t2\t0.500\t0.500\t0.500",
        "b\t1\t2\t0.500\t1.000\t0.667",
        "z\t1\t0\t-\t0.000\t0.000",
    ]
    assert shown[7:] == ["confusion matrix", "label / prediction\ta\tb\tz", "a\t1\t1\t0", "b\t0\t1\t0", "z\t1\t0\t0"]


def test_the_report_lists_confusions_of_many_classes():
    classes = [f"c{i:02}" for i in range(30)]
    out = io.StringIO()
    report.print_report([*classes, "c01"], ["c00"] * 31, classes, times="t", stream=out)
    assert "most frequent confusions (20 of 29; 30 classes are too many for a matrix)" in out.getvalue()
    assert "c01\tc00\t2\n" in out.getvalue()


# ---- demo


def test_demo_is_handed_a_folder(folder, run, monkeypatch):
    import ncd.demo

    used = []
    monkeypatch.setattr(ncd.demo, "run", lambda out: used.append(str(out)))
    assert run("demo")[0] == 0
    (folder / "ncd-demo").mkdir()
    (folder / "ncd-demo" / "a.png").write_bytes(b"")
    assert run("demo")[0] == 0
    assert run("demo", "--out", "ncd-demo")[0] == 2
    assert run("demo", "--out", "ncd-demo", "--force")[0] == 0
    assert run("demo", "--out", "new")[0] == 0
    assert used == ["ncd-demo", "ncd-demo-2", "ncd-demo", "new"]
