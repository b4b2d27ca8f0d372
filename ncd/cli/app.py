"""The parser of the whole command line, and what becomes of errors, warnings and signals."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import textwrap
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from ncd import __version__
from ncd.cli import bits, changepoints, classify, compare, demo, distance, explain, listing, matrix, neighbors, stream

__all__ = ["main"]

_COMMANDS = (listing, distance, bits, matrix, classify, compare, explain, neighbors, changepoints, stream, demo)
OK, FAILURE, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
_EXIT_CODES = """\
exit codes:
    0  done
    1  failure: a missing library, a full disk, an error in the program
    2  wrong usage or bad input
  130  interrupted (Ctrl-C)
NCD_DEBUG=1 in the environment shows where an error comes from."""
_DESCRIPTION = """\
Text analysis by compression: two texts are alike when a compressor needs little more for both than for one.

Everything follows from code lengths: L(x) is the number of bytes (of bits, for models of text) that a compressor needs
for x, L(xy) for x followed by y. The normalized compression distance is
  NCD(x, y) = (L(xy) - min(L(x), L(y))) / max(L(x), L(y)),
about 0 for equal texts and about 1 for texts with nothing in common."""
_EXAMPLES = """\
examples:
  ncd distance one.txt two.txt
  ncd matrix texts/ -o distances.csv
  ncd classify --train train.jsonl --test test.jsonl -o predictions.jsonl

'ncd COMMAND --help' explains a command.
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors take one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"ncd: error: {message} (see '{self.prog} --help')\n")


def _wrapped(text: str) -> str:
    """The text filled to the terminal's width; lines that start with a space stay as they are."""
    width = min(shutil.get_terminal_size().columns - 2, 100)
    pieces: list[str] = []
    for line in text.split("\n"):
        if pieces and line[:1].strip() and pieces[-1][:1].strip() and not pieces[-1].endswith(":"):
            pieces[-1] += f" {line}"
        else:
            pieces.append(line)
    return "\n".join(p if p[:1] in ("", " ") else textwrap.fill(p, width, break_on_hyphens=False) for p in pieces)


class _Terminated(BaseException):
    """The process has been asked to end (SIGTERM, SIGHUP)."""


def _parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(prog="ncd", description=_wrapped(_DESCRIPTION), epilog=_wrapped(f"{_EXAMPLES}\n{_EXIT_CODES}"))
    parser.add_argument("--version", action="version", version=f"ncd {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for module in _COMMANDS:
        name, summary = module.NAME, module.SUMMARY
        description = _wrapped(f"{summary[0].upper()}{summary[1:]}.\n\n{module.DESCRIPTION.rstrip()}")
        epilog = _wrapped(f"examples:\n{module.EXAMPLES.rstrip()}\n\n{_EXIT_CODES}")
        command = commands.add_parser(name, help=summary, description=description, epilog=epilog)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process without it.

    Returns
    -------
    int
        Exit code: 0 done, 1 failure, 2 wrong usage or bad input, 130 interrupted.

    Examples
    --------
    >>> main(["distance", "--text", "to be or not to be", "to be or to be not", "--json"])
    {"compressor": "gzip:9", ...}}
    0
    """
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has printed what there is to say
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return BAD_INPUT
    with _signals(), warnings.catch_warnings():
        _show_warnings()
        return _guarded(arguments)


def _guarded(arguments: argparse.Namespace) -> int:
    """Run the command and turn whatever is raised into one line and an exit code."""
    try:
        arguments.run(arguments)
        sys.stdout.flush()
        return OK
    except BrokenPipeError:
        # Whoever read our output has gone; nothing may be written to it any more, not even at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED)
    except _Terminated:
        return _failed("terminated", TERMINATED)
    except (ValueError, TypeError) as error:
        return _failed(str(error), BAD_INPUT)
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        return _failed(_os_message(error), BAD_INPUT)
    except OSError as error:
        return _failed(_os_message(error), FAILURE)
    except ImportError as error:
        return _failed(str(error), FAILURE)
    except MemoryError as error:
        return _failed(f"out of memory ({error})" if str(error) else "out of memory", FAILURE)
    except Exception as error:
        hint = "" if _debugging() else "; NCD_DEBUG=1 in the environment shows where this comes from"
        return _failed(f"unexpected {type(error).__name__}: {error}{hint}", FAILURE)


def _debugging() -> bool:
    return os.environ.get("NCD_DEBUG", "") not in ("", "0")


def _failed(message: str, code: int) -> int:
    """Print one line for an error, after the traceback if that is wanted."""
    if _debugging():
        traceback.print_exc()
    with suppress(OSError, ValueError):
        print(f"ncd: error: {' '.join(message.split())}", file=sys.stderr, flush=True)
    return code


def _os_message(error: OSError) -> str:
    """What the operating system says, file first."""
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return error.strerror or str(error)


def _show_warnings() -> None:
    """One line a warning; those meant for programmers stay out of sight."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        with suppress(OSError, ValueError):
            print(f"ncd: warning: {' '.join(str(message).split())}", file=sys.stderr, flush=True)

    warnings.showwarning = show
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.simplefilter("default", RuntimeWarning)


@contextmanager
def _signals() -> Iterator[None]:
    """Let a request to end run the same clean-up as Ctrl-C, where signals can be had at all."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        names = []

    def stop(number: int, frame: Any) -> NoReturn:
        raise _Terminated

    before = {number: signal.signal(number, stop) for number in (getattr(signal, name) for name in names)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
