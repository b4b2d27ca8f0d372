"""Configuration of the documentation; everything is local, the build needs no network."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole

import ncd
from ncd.cli import main

HERE = Path(__file__).parent

project = "ncd"
author = "The ncd developers"
project_copyright = "2026, the ncd developers"
release = version = ncd.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_tables", "api/generated"]
nitpicky = True
default_role = "code_or_object"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"member-order": "bysource"}
autosummary_generate = False  # numpydoc loads autosummary; the pages are written by hand
autodoc_typehints = "none"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = False


html_theme = "furo"
html_title = "ncd"
html_static_path = ["_static"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

COMMANDS = (
    "list",
    "distance",
    "bits",
    "matrix",
    "classify",
    "compare",
    "explain",
    "neighbors",
    "changepoints",
    "stream",
    "demo",
)


class CodeOrObject(PyXRefRole):
    """Single backticks in docstrings: a link where the name starts with ``ncd.``, code anywhere else."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        name = self.text.removeprefix("~")
        if not self.text.startswith(("ncd.", "~ncd.")):
            return [nodes.literal(self.rawtext, name, classes=["code"])], []
        self.name = "py:obj"
        return super().run()


def write_help_texts(app: Sphinx) -> None:
    """What ``ncd COMMAND --help`` prints, for the page about the command line."""
    folder = HERE / "api" / "generated" / "help"
    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        for name in COMMANDS:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                main([name, "--help"])
            (folder / f"{name}.txt").write_text(printed.getvalue(), encoding="utf-8")
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def setup(app: Sphinx) -> None:
    """Register the role and the help texts."""
    app.add_role("code_or_object", CodeOrObject())
    app.connect("builder-inited", write_help_texts)
