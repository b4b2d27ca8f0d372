"""Files: input that may be compressed, and output that appears under its name only when it is complete."""

from __future__ import annotations

import gzip
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from ncd.exceptions import ReadError

__all__ = ["PACKED", "atomic_path", "atomic_write", "check_target", "opened"]

#: Endings of the names of compressed files.
PACKED = (".gz", ".zst")


def check_target(path: os.PathLike[str] | str, *, force: bool = False) -> None:
    """
    Raise unless a file may be written at `path`; to be called before a long computation.

    Parameters
    ----------
    path : path-like
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If there is such a file and `force` is false.
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If `path` is a folder.
    PermissionError
        If the folder, or the device at `path`, may not be written to.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder: give the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target}: the folder {target.parent} does not exist")
    if _is_special(target):
        if not os.access(target, os.W_OK):
            raise PermissionError(f"{target}: may not be written to")
        return
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists already: choose another name, or replace it with --force (force=True)")
    folder = Path(os.path.realpath(target)).parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{target}: may not write into the folder {folder}")


@contextmanager
def atomic_path(path: os.PathLike[str] | str, *, force: bool = False) -> Iterator[Path]:
    """
    A temporary name to write to; the file moves to `path` when the block ends well, and is removed otherwise.

    The temporary file is in the same folder, and is forced to the disk before it is moved, in one step. Devices and
    pipes, which must not be replaced by a file, are given as they are.

    Parameters
    ----------
    path : path-like
        A symbolic link is followed, so that the link stays.
    force : bool
        Replace an existing file.

    Yields
    ------
    Path

    Raises
    ------
    OSError
        As in `check_target`.

    Examples
    --------
    >>> target = getfixture("tmp_path") / "greeting.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("hello")
    ...     target.exists()
    False
    >>> target.read_text()
    'hello'
    """
    check_target(path, force=force)
    if _is_special(Path(path)):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        check_target(path, force=force)  # another program may have been faster
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_write(path: os.PathLike[str] | str, *, force: bool = False) -> Iterator[BinaryIO]:
    """
    A binary file to write to, whose content appears at `path` as by `atomic_path`.

    Parameters
    ----------
    path : path-like
    force : bool
        Replace an existing file.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        As in `check_target`.
    """
    with atomic_path(path, force=force) as temporary, open(temporary, "wb") as file:
        yield file


@contextmanager
def opened(where: str, title: str) -> Iterator[BinaryIO]:
    """
    Open a file, or standard input, for reading bytes, decompressed where its name says so.

    Parameters
    ----------
    where : str
        A path, or ``"-"``.
    title : str
        What an error message calls the file.

    Yields
    ------
    binary file

    Raises
    ------
    ReadError
        If a compressed file turns out to be damaged or truncated.
    OSError
        If the file cannot be opened.
    """
    damage: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
    manager: Any
    if where == "-":
        manager = nullcontext(sys.stdin.buffer)
    elif where.lower().endswith(".gz"):
        manager = gzip.open(where, "rb")  # noqa: SIM115 - closed below
    elif where.lower().endswith(".zst"):
        from ncd.compressors.zstd import library

        damage += (library().ZstdError,)
        manager = library().open(where, "rb")
    else:
        manager = open(where, "rb")  # noqa: SIM115 - closed below
    with manager as stream:
        try:
            yield stream
        except damage as error:
            raise ReadError(f"{title}: damaged or truncated compressed file ({error})") from None


def _is_special(path: Path) -> bool:
    """Whether the path is a device, pipe or socket, which must never be replaced by a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
