"""A function in a process of its own, so that its peak of memory is its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["UnsentError", "called", "isolated"]

T = TypeVar("T")


class UnsentError(RuntimeError):
    """Another process could not read what it was sent, such as an object of a class of the script that is run."""


def called(function: Callable[..., T], *arguments: Any) -> tuple[T, list[str]]:
    """What a function returns, and the warnings meant for users that it gave."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("ignore")
        for kind in (UserWarning, RuntimeWarning):
            warnings.simplefilter("always", kind)
        value = function(*arguments)
    return value, list(dict.fromkeys(" ".join(str(one.message).split()) for one in heard))


def isolated(function: Callable[..., T], *arguments: Any) -> tuple[T, list[str]]:
    """
    The same by another Python process, which sees the same files and standard error.

    Raises
    ------
    pickle.PicklingError, TypeError, AttributeError
        For arguments that cannot be sent.
    UnsentError
        For arguments that the other process cannot read.
    RuntimeError
        If the process ends without an answer (killed for its memory, for example).
    """
    order = pickle.dumps((function, arguments))
    with tempfile.TemporaryDirectory(prefix="ncd-compare-") as folder:
        asked, answered = Path(folder, "asked"), Path(folder, "answered")
        asked.write_bytes(order)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        run = subprocess.run(
            [sys.executable, "-m", "ncd.compare.worker", str(asked), str(answered)], env=environment, check=False
        )
        if run.returncode or not answered.exists():
            raise RuntimeError(
                f"its process ended with exit code {run.returncode} (-9: killed, perhaps for its memory)"
            )
        value, remarks = pickle.loads(answered.read_bytes())
    if isinstance(value, BaseException):
        raise value
    return value, remarks


def _main(asked: str, answered: str) -> None:
    """Do what is asked, and write what came of it."""
    answer: Any
    try:
        function, arguments = pickle.loads(Path(asked).read_bytes())
    except Exception as error:  # whatever a user's class raises here
        answer = (_unsent(f"{type(error).__name__}: {error}"), [])
    else:
        try:
            answer = called(function, *arguments)
        except Exception as error:
            answer = (error, [])
    try:
        data = pickle.dumps(answer)
    except Exception:  # an error of a library that cannot be sent
        data = pickle.dumps((RuntimeError(f"{type(answer[0]).__name__}: {answer[0]}"), []))
    Path(answered).write_bytes(data)


def _unsent(message: str) -> Exception:
    """The error under the module's importable name, which is not that of the program that runs."""
    from ncd.compare.worker import UnsentError as Unsent

    return Unsent(message)


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
