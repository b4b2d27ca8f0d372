"""``ncd demo``: what the library does, on texts that come with it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ncd.cli.options import UsageError

NAME = "demo"
SUMMARY = "show what the library does, in under a minute"
DESCRIPTION = """\
Runs on texts that come with the package (the Universal Declaration of Human Rights in 37 languages, passages of The
World Factbook) and needs no network: distances between languages, with heat map and dendrogram, a classification by
subject, with accuracy and confusion matrix, and the places where a text changes its subject. Prints short tables and
writes pictures to a folder.

The distance is NCD(x, y) = (L(xy) - min(L(x), L(y))) / max(L(x), L(y)), with L the code length in bytes."""
EXAMPLES = """\
  ncd demo
  ncd demo --out pictures
"""
_FOLDER = "ncd-demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help=f"where the pictures go (default: {_FOLDER}, or {_FOLDER}-2 and so on)",
    )
    parser.add_argument("--force", action="store_true", help="replace pictures in a folder that is not empty")


def run(arguments: argparse.Namespace) -> None:
    """Choose a folder and run the demo."""
    folder = _free_folder() if arguments.out is None else arguments.out
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is a file: give a folder")
    if arguments.out is not None and _used(folder) and not arguments.force:
        raise UsageError(f"--out {folder} is not empty: choose another folder, or replace pictures in it with --force")
    from ncd.demo import run as run_demo

    run_demo(folder)


def _used(folder: Path) -> bool:
    """Whether there is something in the folder."""
    return folder.is_dir() and any(folder.iterdir())


def _free_folder() -> Path:
    """The first folder of the usual name that is free."""
    folder, number = Path(_FOLDER), 1
    while folder.exists() and (not folder.is_dir() or _used(folder)):
        number += 1
        folder = Path(f"{_FOLDER}-{number}")
    return folder
