"""A matrix on disk that is filled block by block, appears only when complete, and can be resumed."""

from __future__ import annotations

import io
import json
import os
import secrets
import time
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.engines.host import Block, Grid
from ncd.storage import Npy, Storage

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["MatrixFile"]

_FORMAT = "ncd-matrix-progress"
_VERSION = 1
_SAVE_SECONDS = 1.0
_locks = weakref.WeakSet[io.FileIO]()


def _drop_locks() -> None:
    """Let go of locks in a forked worker, which would hold them when its parent has been killed."""
    for lock in list(_locks):
        lock.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_locks)


class MatrixFile:
    """
    A matrix under construction.

    Data go to a temporary file or folder of its own, or with `checkpoint` to ``PATH.partial``. Finished blocks are
    then noted in ``PATH.progress``, which is locked, after their data have reached the disk; a later `MatrixFile`
    with the same digest takes up from there. `commit` moves the data to their name.

    Parameters
    ----------
    path : path-like
        Name of the finished matrix; a symbolic link is followed, so that the link stays.
    grid : Grid
        Shape and blocks; on resuming, `grid` and `done` are those of the earlier run.
    dtype : dtype
    digest : str
        Identifies texts and options; another digest is refused.
    storage : type of Storage
        The format.
    checkpoint : bool
        Keep and use what an interrupted run has finished.
    """

    def __init__(
        self,
        path: os.PathLike[str] | str,
        grid: Grid,
        dtype: Any,
        digest: str,
        storage: type[Storage] = Npy,
        *,
        checkpoint: bool,
    ) -> None:
        self.path, self.checkpoint = Path(os.path.realpath(path)), checkpoint
        name = self.path.name
        own = f".{name[:50]}.{secrets.token_hex(4)}.partial"
        self.partial = self.path.with_name(f"{name}.partial" if checkpoint else own)
        self.progress = self.path.with_name(f"{name}.progress")
        self.done = set[int]()
        self._storage = storage(self.partial, grid, np.dtype(dtype))
        self._pending: list[int] = []
        self._saved = time.monotonic()
        self._lock = self._locked() if checkpoint else None
        resumed = checkpoint and self.progress.stat().st_size > 0 and self.partial.exists()
        header = {"format": _FORMAT, "version": _VERSION, "digest": digest, "dtype": self._storage.dtype.str}
        header |= {"shape": grid.shape}
        try:
            if resumed:
                self._resume(header)
            else:
                self._begin(header)
        except BaseException:
            self.abandon(keep=resumed)
            raise

    @property
    def grid(self) -> Grid:
        """Shape and blocks."""
        return self._storage.grid

    def _locked(self) -> io.FileIO | None:
        """The notes, kept open under a lock that ends with this process; None where there are no locks."""
        while True:
            lock = open(self.progress, "ab", buffering=0)  # noqa: SIM115 - closed by commit or abandon
            if fcntl is None:
                lock.close()
                return None
            _locks.add(lock)
            try:
                with suppress(FileNotFoundError):
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        raise BlockingIOError(
                            f"another run is writing {self.path}: wait until it has ended, or choose another out="
                        ) from None
                    except OSError:  # a file system without locks
                        return lock
                    if os.path.samestat(os.fstat(lock.fileno()), os.stat(self.progress)):
                        return lock
            except BaseException:
                lock.close()
                raise
            lock.close()  # the other run has just ended, and removed what we have locked

    def _begin(self, header: dict[str, Any]) -> None:
        """Make room for the data, and say what they will be."""
        if self.checkpoint:
            with open(self.progress, "wb") as notes:  # old notes must not be taken for notes on the new data
                os.fsync(notes.fileno())
        self._storage.begin(anew=self.checkpoint)
        if self.checkpoint:
            self._storage.sync()
            header |= {"rows": self.grid.rows, "columns": self.grid.columns, "mirrored": self.grid.mirrored}
            self.progress.write_text(json.dumps(header) + "\n", encoding="utf-8")

    @property
    def _remedy(self) -> str:
        """What to do about a checkpoint that is no use."""
        return f"delete {self.progress.name} and {self.partial.name}, or choose another out="

    def _resume(self, header: dict[str, Any]) -> None:
        """Open what an earlier run has finished; refuse one about something else."""
        lines = self.progress.read_text(encoding="utf-8").split("\n")
        try:
            found = json.loads(lines[0])
            known = found["format"] == _FORMAT and found["version"] == _VERSION
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise ValueError(f"{self.progress} is not a checkpoint of this release: {self._remedy}")
        if any(found[key] != json.loads(json.dumps(value)) for key, value in header.items()):
            raise ValueError(f"{self.progress} belongs to other texts or options: {self._remedy}")
        self._storage.grid = Grid(tuple(found["shape"]), found["rows"], found["columns"], found["mirrored"])
        self.done = {int(line) for line in lines[1:-1]}
        if damage := self._storage.take_up(self.done):
            raise ValueError(f"{self.partial} {damage}, so that finished blocks may be lost: {self._remedy}")
        if lines[-1]:  # torn by a kill: the next note must not be written onto it
            with open(self.progress, "r+b") as notes:
                notes.truncate(notes.read().rfind(b"\n") + 1)

    def write(self, block: Block, values: NDArray[Any]) -> None:
        """Put a block's values in place."""
        self._storage.write(block, values)

    def finish(self, index: int) -> None:
        """Note that a block of the grid is complete."""
        self._pending.append(index)
        if self.checkpoint and time.monotonic() - self._saved > _SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        """Data first, then the note that they are there."""
        pending, self._pending = self._pending, []  # after a failure nothing is noted any more
        if pending:
            self._storage.sync()
            with open(self.progress, "a", encoding="utf-8") as notes:
                notes.write("".join(f"{index}\n" for index in pending))
        self._saved = time.monotonic()

    def commit(self) -> Any:
        """Move the finished matrix to its name and map it, read only."""
        if self.checkpoint:
            self._save()  # should the next steps fail
        self._storage.sync()
        self._storage.close()
        self._storage.publish(self.path)
        if self.checkpoint:
            self.progress.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
        return self._storage.load(self.path)

    def abandon(self, *, keep: bool | None = None) -> None:
        """Stop without a result: keep what is done (the default with `checkpoint`), or remove every trace."""
        keep = self.checkpoint if keep is None else keep
        with ExitStack() as last:  # all of this happens, whatever fails; the last line first
            if self._lock is not None:
                last.callback(self._lock.close)
            if not keep and self.checkpoint:
                last.callback(self.progress.unlink, missing_ok=True)
            if not keep:
                last.callback(self._storage.remove)
            last.callback(self._close)
            if keep:
                self._save()

    def _close(self) -> None:
        """Close the data; what a full disk does not take any more was never noted."""
        with suppress(OSError):
            self._storage.close()
