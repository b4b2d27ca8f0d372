"""One progress bar for everything that may take a while."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress_bar"]

_QUIET_SECONDS = 1.0


@contextmanager
def progress_bar(
    description: str, total: int, *, show: bool | None = None, unit: str = "pairs"
) -> Iterator[Callable[[int], None]]:
    """
    Progress on stderr, with rate and time left.

    Parameters
    ----------
    description : str
        What is being done.
    total : int
        Number of steps.
    show : bool or None
        None: only on a terminal, and only once a second has passed. True: at once, anywhere. False: never.
    unit : str
        What a step is.

    Yields
    ------
    callable
        Call it with the number of steps just done.
    """
    if show is False or (show is None and not sys.stderr.isatty()):
        yield lambda steps: None
        return
    bar: Any = None
    task: Any = None
    done, start = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal bar, task, done
        done += steps
        if bar is None and (show or time.monotonic() - start > _QUIET_SECONDS) and done < total:
            bar = _bar()
            task = bar.add_task(description, total=total, rate="")
            bar.start()
        if bar is not None:
            elapsed = max(time.monotonic() - start, 1e-9)
            bar.update(task, completed=done, rate=f"{done / elapsed:,.0f} {unit}/s")

    try:
        advance(0)
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _bar() -> Any:
    """A rich progress bar on stderr; on a terminal it goes away when done, elsewhere its last state stays."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=console.is_terminal,
    )
