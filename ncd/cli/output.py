"""What the commands print and write: tables and JSON lines."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, TextIO

__all__ = ["check_output", "json_line", "print_table", "sink"]


def check_output(path: str | None, *, force: bool) -> None:
    """Raise unless the file may be written; None and ``-`` are standard output."""
    from ncd.files import check_target

    if path is not None and path != "-":
        check_target(path, force=force)


@contextmanager
def sink(path: str | None, *, force: bool) -> Iterator[BinaryIO]:
    """Where bytes go: a file that appears when it is complete, or standard output (None and ``-``)."""
    from ncd.files import atomic_write

    if path is not None and path != "-":
        with atomic_write(path, force=force) as file:
            yield file
        return
    sys.stdout.flush()
    raw = getattr(sys.stdout, "buffer", None)
    if raw is not None:
        yield raw
        raw.flush()
        return
    held = io.BytesIO()  # standard output has been replaced by something that takes text only
    yield held
    sys.stdout.write(held.getvalue().decode())


def json_line(value: Any) -> bytes:
    """One line of JSON in UTF-8; what UTF-8 cannot hold (lone surrogates) is escaped."""
    try:
        return (json.dumps(value, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(value) + "\n").encode()


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str | None = None,
    left: int = 1,
    right: Sequence[int] | None = None,
    stream: TextIO | None = None,
) -> None:
    """
    Print a table: ruled on a terminal, tab-separated where another program reads.

    The first `left` columns hold words, the others numbers, which stand at the right; or `right` lists those columns.
    """
    stream = sys.stdout if stream is None else stream
    body = [["" if cell is None else _printable(str(cell)) for cell in row] for row in rows]
    if not stream.isatty():
        lines = ["\t".join(row) for row in [list(header), *body]]
        if title:
            lines.insert(0, title)
        _print("\n".join(lines), stream)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    numbers = range(left, len(header)) if right is None else right
    for i, name in enumerate(header):
        table.add_column(Text(name), justify="right" if i in numbers else "left", overflow="fold")
    for row in body:
        table.add_row(*map(Text, row))
    Console(file=stream).print(table)


def _printable(text: str) -> str:
    """A cell without what would break the table."""
    return text.translate({9: " ", 10: " ", 13: " "})


def _print(text: str, stream: TextIO) -> None:
    """Print, replacing characters that the stream's encoding does not have."""
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
