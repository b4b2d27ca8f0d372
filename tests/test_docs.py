"""The examples of the documentation, run as doctests."""

import doctest
import zlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = [
    page for page in sorted(DOCS.rglob("*.md")) if "_build" not in page.parts and ">>> " in page.read_text("utf-8")
]


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng has other code lengths")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_examples(page, registry):
    """What a page shows is what comes out."""
    found = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0, "see the captured output"


def test_pages_with_examples_are_found():
    assert {"index.md", "extending.md"} <= {page.name for page in PAGES}
