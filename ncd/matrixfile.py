"""A matrix on disk that is filled block by block, appears only when complete, and can be resumed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.engines.host import Block, Grid

__all__ = ["MatrixFile"]

_FORMAT = "ncd-matrix-progress"
_VERSION = 1
_SAVE_SECONDS = 1.0


class MatrixFile:
    """
    An ``.npy`` file under construction.

    Data go to ``PATH.partial``. With `checkpoint`, finished blocks are noted in ``PATH.progress``, after their data
    have reached the disk; a later `MatrixFile` with the same digest takes up from there. `commit` moves the file to
    its name.

    Parameters
    ----------
    path : path-like
        Name of the finished file.
    grid : Grid
        Shape and blocks; on resuming, `grid` and `done` are those of the earlier run.
    dtype : dtype
    digest : str
        Identifies texts and options; another digest is refused.
    checkpoint : bool
        Keep and use what an interrupted run has finished.
    """

    def __init__(self, path: os.PathLike[str] | str, grid: Grid, dtype: Any, digest: str, *, checkpoint: bool) -> None:
        self.path, self.dtype, self.checkpoint = Path(path), np.dtype(dtype), checkpoint
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.progress = self.path.with_name(self.path.name + ".progress")
        self.grid, self.done = grid, set[int]()
        self._pending: list[int] = []
        self._saved = time.monotonic()
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "digest": digest,
            "dtype": self.dtype.str,
            "shape": grid.shape,
        }
        resumed = checkpoint and self.progress.exists() and self.partial.exists()
        if resumed:
            self._resume(header)
        self._file = open(self.partial, "r+b" if resumed else "w+b")  # noqa: SIM115 - closed by commit or abandon
        try:
            # write_array_header pads to a fixed size, so the data start at the same place in both cases
            np.lib.format.write_array_header_1_0(  # type: ignore[no-untyped-call,unused-ignore]
                self._file, {"descr": self.dtype.str, "fortran_order": False, "shape": self.grid.shape}
            )
            self._start = self._file.tell()
            n, m = self.grid.shape
            self._file.truncate(self._start + n * m * self.dtype.itemsize)
            if checkpoint and not resumed:
                header |= {"rows": grid.rows, "columns": grid.columns, "mirrored": grid.mirrored}
                self.progress.write_text(json.dumps(header) + "\n", encoding="utf-8")
        except BaseException:
            self.abandon(keep=resumed)
            raise

    def _resume(self, header: dict[str, Any]) -> None:
        """Read which blocks an earlier run has finished; refuse one about something else."""
        lines = self.progress.read_text(encoding="utf-8").split("\n")
        try:
            found = json.loads(lines[0])
            known = found["format"] == _FORMAT and found["version"] == _VERSION
        except (ValueError, KeyError, TypeError):
            known = False
        remedy = f"delete {self.progress.name} and {self.partial.name}, or choose another out="
        if not known:
            raise ValueError(f"{self.progress} is not a checkpoint of this release: {remedy}")
        if any(found[key] != json.loads(json.dumps(value)) for key, value in header.items()):
            raise ValueError(f"{self.progress} belongs to other texts or options: {remedy}")
        self.grid = Grid(tuple(found["shape"]), found["rows"], found["columns"], found["mirrored"])
        self.done = {int(line) for line in lines[1:-1]}
        if lines[-1]:  # torn by a kill: the next note must not be written onto it
            with open(self.progress, "r+b") as notes:
                notes.truncate(notes.read().rfind(b"\n") + 1)

    def write(self, block: Block, values: NDArray[Any]) -> None:
        """Put a block's values in place."""
        m, size = self.grid.shape[1], self.dtype.itemsize
        data = np.ascontiguousarray(values, self.dtype)
        if block.left == 0 and block.right == m:
            self._file.seek(self._start + block.top * m * size)
            self._file.write(data.data)
            return
        for i, row in enumerate(data, start=block.top):
            self._file.seek(self._start + (i * m + block.left) * size)
            self._file.write(row.data)

    def finish(self, index: int) -> None:
        """Note that a block of the grid is complete."""
        self._pending.append(index)
        if self.checkpoint and time.monotonic() - self._saved > _SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        """Data first, then the note that they are there."""
        self._file.flush()
        os.fsync(self._file.fileno())
        with open(self.progress, "a", encoding="utf-8") as notes:
            notes.write("".join(f"{index}\n" for index in self._pending))
        self._pending.clear()
        self._saved = time.monotonic()

    def commit(self) -> NDArray[Any]:
        """Move the finished matrix to its name and map it, read only."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self.partial, self.path)
        self.progress.unlink(missing_ok=True)
        return np.load(self.path, mmap_mode="r")

    def abandon(self, *, keep: bool | None = None) -> None:
        """Stop without a result: keep what is done (the default with `checkpoint`), or remove every trace."""
        if self.checkpoint if keep is None else keep:
            self._save()
            self._file.close()
            return
        self._file.close()
        self.partial.unlink(missing_ok=True)
        self.progress.unlink(missing_ok=True)
