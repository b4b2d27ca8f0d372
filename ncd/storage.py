"""Formats of matrix files: numpy's .npy, and zarr's chunks in a folder."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncd.engines.host import Block, Grid
from ncd.exceptions import MissingLibraryError
from ncd.files import check_target

__all__ = ["STORAGES", "Npy", "Storage", "Zarr"]


class Storage(ABC):
    """
    The numbers of a matrix under construction, under a temporary name.

    Parameters
    ----------
    path : Path
        The temporary name.
    grid : Grid
    dtype : numpy.dtype
    """

    ending: ClassVar[str]
    most_blocks: ClassVar[int] = 100_000  # that it can do with

    def __init__(self, path: Path, grid: Grid, dtype: np.dtype[Any]) -> None:
        self.path, self.grid, self.dtype = path, grid, dtype

    @classmethod
    @abstractmethod
    def check(cls, target: Path) -> None:
        """Raise unless a matrix may be written at `target`, in place of an earlier one."""

    @abstractmethod
    def begin(self, *, anew: bool) -> None:
        """Make room for the matrix; `anew`: in place of what is there under the temporary name."""

    @abstractmethod
    def take_up(self, done: Collection[int]) -> str | None:
        """Open what an earlier run has left, or say what is wrong with it."""

    @abstractmethod
    def write(self, block: Block, values: NDArray[Any]) -> None:
        """Put a block's values in place."""

    @abstractmethod
    def sync(self) -> None:
        """Wait until all that is written has reached the disk."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the data."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the data, if there are any."""

    @abstractmethod
    def publish(self, target: Path) -> None:
        """Move the closed data to their name."""

    @classmethod
    @abstractmethod
    def load(cls, target: Path) -> Any:
        """The finished matrix, read only, and not read before it is asked for."""


class Npy(Storage):
    """An ``.npy`` file."""

    ending = ".npy"
    _file: Any = None

    @classmethod
    def check(cls, target: Path) -> None:
        check_target(target, force=True)

    def _header(self) -> bytes:
        """The file's first bytes; sets where the numbers begin, and the size that follows."""
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(  # type: ignore[no-untyped-call,unused-ignore]
            head, {"descr": self.dtype.str, "fortran_order": False, "shape": self.grid.shape}
        )
        n, m = self.grid.shape
        self._start = head.tell()
        self._size = self._start + n * m * self.dtype.itemsize
        return head.getvalue()

    def begin(self, *, anew: bool) -> None:
        header = self._header()
        self._file = open(self.path, "w+b" if anew else "x+b")  # noqa: SIM115
        self._file.write(header)
        self._file.truncate(self._size)

    def take_up(self, done: Collection[int]) -> str | None:
        self._header()
        if (found := self.path.stat().st_size) != self._size:
            return f"has {found:,} bytes instead of {self._size:,}"
        self._file = open(self.path, "r+b")  # noqa: SIM115
        return None

    def write(self, block: Block, values: NDArray[Any]) -> None:
        m, size = self.grid.shape[1], self.dtype.itemsize
        data = np.ascontiguousarray(values, self.dtype)
        if block.left == 0 and block.right == m:
            self._file.seek(self._start + block.top * m * size)
            self._file.write(data.data)
            return
        for i, row in enumerate(data, start=block.top):
            self._file.seek(self._start + (i * m + block.left) * size)
            self._file.write(row.data)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def publish(self, target: Path) -> None:
        os.replace(self.path, target)

    @classmethod
    def load(cls, target: Path) -> NDArray[Any]:
        return np.load(target, mmap_mode="r")


class Zarr(Storage):
    """
    A zarr array (format 3): a folder with a file for every block, so that blocks never share one.

    Numbers that are not there yet are NaN.
    """

    ending = ".zarr"
    most_blocks = 10_000  # each is a file
    _array: Any = None

    def __init__(self, path: Path, grid: Grid, dtype: np.dtype[Any]) -> None:
        super().__init__(path, grid, dtype)
        self._written = set[Path]()

    @classmethod
    def check(cls, target: Path) -> None:
        _zarr()
        if not target.is_dir():
            check_target(target, force=True)
            if target.exists():
                raise FileExistsError(f"{target} is a file, and a zarr array is a folder: choose another name")
            return
        if not _is_array(target):
            raise FileExistsError(
                f"{target} is a folder and no zarr array, which could be replaced: choose another name"
            )
        around = Path(os.path.realpath(target)).parent
        if not os.access(around, os.W_OK | os.X_OK):
            raise PermissionError(f"{target}: may not write into the folder {around}")

    def begin(self, *, anew: bool) -> None:
        if anew:
            self.remove()
        self._array = _zarr().create_array(
            self.path, shape=self.grid.shape, chunks=self._chunks, dtype=self.dtype, fill_value=np.nan
        )
        self._written = {self.path / "zarr.json"}

    @property
    def _chunks(self) -> tuple[int, int]:
        return self.grid.rows, self.grid.columns

    def take_up(self, done: Collection[int]) -> str | None:
        for torn in self.path.rglob("*.partial"):  # which zarr writes first, and then renames
            torn.unlink()
        blocks = self.grid.blocks()
        lost = [index for index in done for file in self._files(blocks[index]) if not file.is_file()]
        if lost:
            return f"lacks {len(lost):,} of its files"
        try:
            self._array = _zarr().open_array(self.path, mode="r+")
        except Exception as error:
            return f"cannot be read ({error})"
        if (self._array.shape, self._array.chunks) != (self.grid.shape, self._chunks):
            return f"has shape {self._array.shape} in chunks of {self._array.chunks}"
        return None

    def _file(self, block: Block) -> Path:
        """Where zarr puts the block's numbers."""
        return self.path / "c" / str(block.top // self.grid.rows) / str(block.left // self.grid.columns)

    def _files(self, block: Block) -> set[Path]:
        """Where the block's numbers are, and its mirror image's."""
        return {self._file(part) for part in ((block, block.transposed) if self.grid.mirrored else (block,))}

    def write(self, block: Block, values: NDArray[Any]) -> None:
        self._array[block.top : block.bottom, block.left : block.right] = np.asarray(values, self.dtype)
        self._written.add(self._file(block))

    def sync(self) -> None:
        folders = {folder for file in self._written for folder in (file.parent, file.parent.parent)}
        for path in (*self._written, *folders, self.path):
            with suppress(PermissionError):  # folders on Windows
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        self._written.clear()

    def close(self) -> None:
        self._array = None

    def remove(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    def publish(self, target: Path) -> None:
        earlier = None
        if target.exists():  # a folder cannot be replaced in one step
            earlier = target.with_name(f".{target.name[:50]}.{secrets.token_hex(4)}.earlier")
            os.rename(target, earlier)
        try:
            os.replace(self.path, target)
        except BaseException:
            if earlier is not None:
                os.rename(earlier, target)
            raise
        if earlier is not None:
            shutil.rmtree(earlier)

    @classmethod
    def load(cls, target: Path) -> Any:
        return _zarr().open_array(target, mode="r")


def _zarr() -> Any:
    """The library for zarr arrays."""
    try:
        import zarr
    except ModuleNotFoundError:  # any other ImportError says itself what is wrong
        raise MissingLibraryError.of("a matrix in .zarr", "zarr") from None
    return zarr


def _is_array(folder: Path) -> bool:
    """Whether a folder holds a zarr array, and not a group of them."""
    try:
        _zarr().open_array(folder, mode="r")
    except Exception:  # zarr has many of its own
        return False
    return True


#: What the ending of a file's name asks for.
STORAGES: dict[str, type[Storage]] = {storage.ending: storage for storage in (Npy, Zarr)}
