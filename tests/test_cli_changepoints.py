"""``ncd changepoints``: what it prints, writes and refuses."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from ncd.changepoint import TextSegmenter
from ncd.cli import main
from ncd.data import load_udhr


@pytest.fixture(scope="module")
def text() -> str:
    udhr = load_udhr()
    return "".join(
        udhr.texts[udhr.labels.index(name)][:1200].rpartition(" ")[0] + "\n" for name in ("English", "Welsh")
    )


@pytest.fixture
def file(tmp_path, text):
    path = tmp_path / "text.txt"
    path.write_text(text, encoding="utf-8")
    return path


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["changepoints", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_segments_are_those_of_the_segmenter(capsys, file, text):
    code, out, _ = run(capsys, file, "--segments", 2, "--method", "ppm:3", "--unit", "words")
    assert code == 0
    title, header, *rows = out.splitlines()
    found = TextSegmenter("ppm:3", 2, unit="words").fit_predict(text)
    assert title.startswith(f"2 segments of {len(found.units)} words, cost 'ppm:3'")
    assert header.split("\t") == ["word", "byte", "bits", "p", "begins"]
    assert [int(row.split("\t")[1]) for row in rows] == [segment.byte_start for segment in found]
    assert rows[0].split("\t")[2] == ""
    assert float(rows[1].split("\t")[2]) == pytest.approx(found[1].score, abs=0.06)
    assert rows[1].split("\t")[4] == found[1].opening(60)


def test_json_is_that_of_the_segmenter(capsys, file, text):
    code, out, _ = run(capsys, file, "--json", "--penalty", 2, "--unit", "words", "--max-length", 300)
    assert code == 0
    found = TextSegmenter(penalty=2, unit="words", max_length=300).fit_predict(text)
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))


def test_standard_input(capsys, monkeypatch, file, text):
    class Input:
        buffer = io.BytesIO(text.encode())

    monkeypatch.setattr("sys.stdin", Input)
    _, piped, _ = run(capsys, "-", "--segments", 2, "--unit", "lines")
    _, named, _ = run(capsys, file, "--segments", 2, "--unit", "lines")
    assert piped == named
    assert piped.startswith("2 segments")


def test_verify_tests_every_cut(capsys, file, text):
    code, out, _ = run(capsys, file, "--segments", 2, "--verify", "--compressor", "zlib", "--json", "--unit", "lines")
    assert code == 0
    record = json.loads(out)
    (check,) = record["verification"]
    assert check["compressor"] == "zlib:9"
    assert check["cut"] == record["segments"][1]["byte_start"]
    assert check["within"] == [0, len(text.encode())]
    assert check["bracket"][0] <= check["cut"] < check["bracket"][1]
    code, out, _ = run(capsys, file, "--segments", 3, "--verify", "--unit", "lines")
    assert out.count("<Verification by gzip:9") == 2


def test_picture(capsys, tmp_path, file):
    picture = tmp_path / "cuts.png"
    code, _, err = run(capsys, file, "--plot", picture, "--unit", "lines")
    assert code == 0
    assert f"picture: {picture}" in err
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, _, err = run(capsys, file, "--plot", picture)
    assert code == 2
    assert "--force" in err
    assert run(capsys, file, "--plot", picture, "--force", "--unit", "lines")[0] == 0
    svg = tmp_path / "report.svg"
    assert run(capsys, file, "--method", "report", "--plot", svg)[0] == 0
    assert b"<svg" in svg.read_bytes()


def test_the_reports_recipe_says_what_it_is(capsys, file):
    code, out, _ = run(capsys, file, "--method", "report")
    assert code == 0
    assert "at chance" in out
    assert "steps of 100 words" in out
    record = json.loads(run(capsys, file, "--method", "report", "--json", "--compressor", "zlib")[1])
    assert record["verification"]["compressor"] == "zlib:9"


@pytest.fixture
def numbers(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "numbers.csv"
    rows = [f"{rng.normal(0, 1 if i < 300 else 4):.4f};{rng.random():.3f}" for i in range(700)]
    path.write_text("one;two\n" + "\n".join(rows) + "\n\n")
    return path


def test_numbers(capsys, tmp_path, numbers):
    picture = tmp_path / "numbers.pdf"
    code, out, _ = run(capsys, numbers, "--numbers", "--plot", picture)
    assert code == 0
    title, header, row = out.splitlines()
    assert title == "1 change in 700 elements of 2 columns, method 'ctw'"
    assert header.split("\t") == ["position", "bits", "significance"]
    assert abs(int(row.split("\t")[0]) - 300) < 20
    assert picture.read_bytes().startswith(b"%PDF")
    record = json.loads(run(capsys, numbers, "--numbers", "--method", "trend", "--segments", 3, "--json")[1])
    assert record["method"] == "trend"
    assert len(record["changepoints"]) == 2
    assert record["changepoints"][0]["significance"] is None


def test_no_change_is_an_answer(capsys, tmp_path):
    path = tmp_path / "noise.txt"
    path.write_text("\n".join(map(str, np.random.default_rng(1).normal(size=400))))
    assert run(capsys, path, "--numbers")[1].splitlines()[0] == "no change in 400 elements, method 'ctw'"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "nosuch", "--unit", "lines"], "cost is 'nosuch': choose from 'auto', 'words'"),
        (["--method", "trend"], "--method trend is for numbers: add --numbers"),
        (["--method", "ppm:3", "--numbers"], "--method ppm:3: with --numbers choose from ctw, distributional"),
        (["--numbers", "--unit", "lines"], "--unit has no use with --numbers"),
        (["--compressor", "zlib"], "it is for --verify and --method report"),
        (["--verify", "--compressor", "nosuch"], "compressor 'nosuch' is not known"),
        (["--segments", "2", "--penalty", "2"], "--penalty has no use with --segments"),
        (["--method", "report", "--segments", "2"], "--segments has no use with --method report"),
        (["--segments", "0"], "give a number from 1"),
        (["--segments", "10000", "--unit", "lines"], "n_segments is 10000, but the text has"),
        (["--penalty", "-1", "--unit", "lines"], "penalty is -1.0"),
        (["--unit", "paragraphs"], "invalid choice: 'paragraphs'"),
        (["--plot", "cuts.jpg"], "give a name that ends in .png, .pdf or .svg"),
        (["--numbers"], "is not a line of numbers"),
    ],
)
def test_what_is_refused(capsys, file, options, message):
    code, out, err = run(capsys, file, *options)
    assert code == 2
    assert message in err
    assert err.startswith("ncd: error:")
    assert not out


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", [], "the text is empty"),
        (b"one word", [], "the text is one unit"),
        (b"", ["--numbers"], "holds no numbers"),
        (b"1,2\n3\n", ["--numbers"], "line 2: 1 columns, where the first line has 2"),
        (b"1,,3\n2,7,\n", ["--numbers"], "line 1: column 2 is empty"),
        (b"1,2,3", ["--numbers"], "is one line of 3 numbers: put one element on a line"),
        (b"12abc\n3\n4\n", ["--numbers"], "line 1: '12abc' is not a line of numbers"),
        (b"1\nnan\n", ["--numbers"], "nan"),
    ],
)
def test_contents_that_cannot_be_cut(capsys, tmp_path, content, options, message):
    path = tmp_path / "file"
    path.write_bytes(content)
    code, _, err = run(capsys, path, *options)
    assert code == 2
    assert message in err


def test_missing_file_and_folder(capsys, tmp_path):
    assert run(capsys, tmp_path / "none")[0] == 2
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    code, _, err = run(capsys, tmp_path)
    assert code == 2
    assert "is a folder: give a file" in err


def test_bytes_that_are_not_utf8(capsys, tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(128, 256)) * 4 + b"plain text, plain text again. " * 16)
    code, out, _ = run(capsys, path, "--method", "zlib", "--unit", "bytes", "--segments", 2)
    assert code == 0
    assert abs(int(out.splitlines()[3].split("\t")[1]) - 512) <= 30


@pytest.mark.parametrize(
    "content",
    ["\ufeff1.5\n2\n1\n3\n", "# made by hand\nvalue\n1.5\n2\n1\n\n3\n", '"1,5";\n'.replace(";", "") + "2\n1\n3\n"],
    ids=["byte order mark", "comment and header", "quotes"],
)
def test_tables_of_numbers_as_they_come(capsys, tmp_path, content):
    path = tmp_path / "numbers.csv"
    path.write_text(content.replace("1,5", "1.5"), encoding="utf-8")
    code, out, _ = run(capsys, path, "--numbers", "--json")
    assert code == 0
    assert json.loads(out)["n"] == 4


def test_decimal_commas_between_semicolons(capsys, tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("1,5;2\n2;3,25\n")
    assert "2 elements of 2 columns" in run(capsys, path, "--numbers")[1]


def test_changes_of_a_log_are_found_beside_drift(capsys, tmp_path):
    rng = np.random.default_rng(0)
    words = [["connect", "login", "session", "user"], ["disk", "error", "sector", "retry"]]
    rows = [
        f"12:{i // 60:02}:{i % 60:02} {' '.join(rng.choice(words[i >= 200], 3))} {rng.integers(99)}" for i in range(400)
    ]
    path = tmp_path / "app.log"
    path.write_text("\n".join(rows))
    code, out, _ = run(capsys, path, "--unit", "lines", "--segments", 2, "--verify", "--json")
    assert code == 0
    record = json.loads(out)
    assert abs(record["segments"][1]["start"] - 200) <= 2
    assert record["p_value"] < 0.05
    assert record["verification"][0]["verified"]


def test_missing_glyphs_are_one_line(capsys, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("需要是发明之母。\n" * 6 + "天下没有白吃的午餐。\n" * 6, encoding="utf-8")
    code, _, err = run(capsys, path, "--unit", "lines", "--segments", 2, "--plot", tmp_path / "a.png")
    assert code == 0
    assert err.count("warning") <= 1


def test_vectors_of_units(capsys, file, text):
    code, out, _ = run(capsys, file, "--segments", 2, "--method", "embedding:tfidf:5", "--unit", "lines", "--json")
    assert code == 0
    found = TextSegmenter("embedding:tfidf:5", 2, unit="lines").fit_predict(text)
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))
    for method, message in (("embedding:nothing", "'nothing' is not known"), ("embedding:", "name an embedder")):
        code, _, err = run(capsys, file, "--method", method, "--unit", "lines")
        assert code == 2
        assert message in err
