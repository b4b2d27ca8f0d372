"""The examples of the documentation: Python's are run as doctests, the command line's as commands."""

import doctest
import re
import shlex
import zlib
from pathlib import Path

import pytest

from ncd.cli import main

DOCS = Path(__file__).parent.parent / "docs"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = [
    page
    for page in (DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md")))
    if "_build" not in page.parts and ">>> " in page.read_text("utf-8")
]
COMMANDS = re.findall(r"```console\n(.*?)```", (DOCS / "guide" / "command-line.md").read_text("utf-8"), re.DOTALL)
FILES = {
    "texts/one.txt": "to be or not to be, that is the question\n",
    "texts/two.txt": "to be or to be not, this is a question\n",
    "texts/three.txt": "la vie en rose, et la nuit en bleu\n",
    "train.jsonl": '{"text":"the cat sat on the mat","label":"en"}\n{"text":"le chat est sur le tapis","label":"fr"}\n'
    '{"text":"the dog and the cat","label":"en"}\n{"text":"le chien et le chat","label":"fr"}\n',
    "test.jsonl": '{"text":"the dog sat on the cat","label":"en"}\n{"text":"le chien est sur le chat","label":"fr"}\n',
    "new.csv": "text\nle chien est sur le tapis\n",
    "minutes.txt": "".join(
        f"The {a} sat on the {b}. A {b} and a {a} slept.\n" for a in ("cat", "dog") for b in ("mat", "bed")
    )
    + "".join(
        f"Rain fell in {a}. Snow and rain came to {a} from the {b}.\n"
        for a in ("Rome", "Oslo")
        for b in ("west", "north")
    ),
    "values.txt": "".join(f"{i * 7 % 5 if i < 120 else i * 7 % 11}\n" for i in range(240)),
}

pytestmark = pytest.mark.skipif("-ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng has other code lengths")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS.parent).as_posix())
def test_python(page, registry):
    """What a page shows is what comes out."""
    found = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0, "see the captured output"


@pytest.mark.parametrize("session", COMMANDS, ids=lambda session: " ".join(session.split()[1:3]))
def test_command_line(session, tmp_path, monkeypatch, capsys):
    """What a console session shows is what is printed, errors included."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for step in session.removeprefix("$ ").split("\n$ "):
        command, _, wanted = step.partition("\n")
        program, *arguments = shlex.split(command)
        if program == "cat":
            printed = Path(arguments[0]).read_text("utf-8")
        else:
            assert program == "ncd"
            main(arguments)
            printed = "".join(capsys.readouterr())
        wanted = f"{wanted.rstrip()}\n" if wanted.strip() else ""
        assert doctest.OutputChecker().check_output(wanted, printed, FLAGS), f"{command} printed\n{printed}"


def test_something_is_tested():
    assert {"README.md", "index.md", "extending.md"} <= {page.name for page in PAGES}
    assert len(COMMANDS) >= 4
