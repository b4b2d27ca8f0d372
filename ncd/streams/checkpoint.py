"""
States of detectors to one file and back, without pickle.

The file is

- 12 bytes: ``ncd-strm`` and the format's version, uint32;
- the arrays one after another, little-endian, rows first, in the order in which the tree names them;
- the tree, JSON in UTF-8: ``kind``, ``ncd`` (the release that wrote it) and ``state``, where ``{"$array": [dtype,
  shape]}`` stands for an array, ``$scalar`` for one number of NumPy, ``$bytes`` (hexadecimal) for bytes, ``$int`` for a
  whole number of more than 1,000 bits; a key of the state that begins with ``$`` has another one in front;
- 8 bytes: the size of the tree, uint64;
- 32 bytes: the BLAKE2b digest of all before.

The tree comes last, so that a state can be written while it is made. Reading runs no code from the file, allocates
nothing that the file does not hold, and starts with the digest: a damaged file gives nothing at all.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ncd.files import atomic_path
from ncd.streams.base import State

__all__ = ["CheckpointError", "pack", "read_checkpoint", "unpack", "write_checkpoint"]

_MAGIC = b"ncd-strm"
_VERSION = 1
_HEAD, _SIZE = struct.Struct("<8sI"), struct.Struct("<Q")
_DIGEST = 32
_CHUNK = 1 << 20
_LONG = 1000  # bits of a whole number; beyond 4,300 digits Python writes no decimals
_LEFT_BEHIND = 600  # seconds after which an unfinished file is that of a program that was killed
_DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}


class CheckpointError(ValueError):
    """A file is not a checkpoint, is damaged, or is one of a version or kind that is not looked for."""


def write_checkpoint(path: os.PathLike[str] | str, state: State, *, kind: str) -> None:
    """
    Write a state to a file, which replaces an earlier one in one step.

    The bytes are on the disk before the file appears under its name, and the name before the call returns: after a
    crash, of the program or of the machine, there is the earlier checkpoint or the new one, whole.

    Parameters
    ----------
    path : path-like
    state : dict
        Of str, bytes, int, float, bool, None, arrays (bool, whole, real or complex numbers), and of lists and dicts
        (keys: str) of these. Iterators are written as lists, one item at a time: the states of 10,000 detectors need
        not be in memory together.
    kind : str
        What the state is of; the reader must name the same.

    Raises
    ------
    TypeError
        If there is something else in the state; the message says where.
    ValueError
        If lists and dicts contain themselves, or are nested too deep.
    OSError
        If the file cannot be written; an earlier one stays as it was.

    Examples
    --------
    >>> import numpy as np
    >>> path = getfixture("tmp_path") / "detector.ckpt"
    >>> write_checkpoint(path, {"seen": 3, "counts": np.arange(4)}, kind="example")
    >>> read_checkpoint(path, kind="example")
    {'seen': 3, 'counts': array([0, 1, 2, 3])}
    """
    with atomic_path(path, force=True) as temporary, open(temporary, "wb", buffering=_CHUNK) as file:
        _write(file, state, kind)
    target = Path(os.path.realpath(path))
    _sync_folder(target.parent)
    _sweep(target)


def read_checkpoint(path: os.PathLike[str] | str, *, kind: str) -> State:
    """
    Read a state that `write_checkpoint` wrote.

    Parameters
    ----------
    path : path-like
    kind : str

    Returns
    -------
    dict
        Equal to what was written; arrays are in rows-first order and the machine's byte order.

    Raises
    ------
    CheckpointError
        If the file is none, is damaged or truncated, or is of another version or kind.
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        return _read(file, str(path), kind)


def pack(state: State, *, kind: str) -> bytes:
    """
    What `write_checkpoint` would write.

    Parameters
    ----------
    state : dict
    kind : str

    Returns
    -------
    bytes
    """
    file = io.BytesIO()
    _write(file, state, kind)
    return file.getvalue()


def unpack(data: bytes, *, kind: str, title: str = "the data") -> State:
    """
    Read a state from the bytes that `pack` gave.

    Parameters
    ----------
    data : bytes
    kind : str
    title : str
        What an error message calls the data.

    Returns
    -------
    dict

    Raises
    ------
    CheckpointError
        As `read_checkpoint`.

    Examples
    --------
    >>> unpack(pack({"seen": 3}, kind="example"), kind="example")
    {'seen': 3}
    >>> unpack(pack({"seen": 3}, kind="example")[:-1], kind="example")
    Traceback (most recent call last):
    ncd.streams.checkpoint.CheckpointError: the data: damaged or truncated (the digest does not fit)
    """
    return _read(io.BytesIO(data), title, kind)


class _Writer:
    """A file and the digest of what went into it; `text` gives JSON, and writes the arrays that it names."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.hash = file, hashlib.blake2b(digest_size=_DIGEST)

    def put(self, data: bytes | memoryview) -> None:
        """Write bytes that the digest covers."""
        self.hash.update(data)
        self.file.write(data)

    def text(self, value: Any, where: str) -> str:
        """JSON of a value."""
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return json.dumps(value)
        if kind is int:
            return repr(value) if value.bit_length() <= _LONG else f'{{"$int":"{value:x}"}}'
        if kind is str:
            return encode_basestring(value)
        if kind is dict:
            return "{" + ",".join(f"{self._key(key, where)}:{self.text(value[key], key)}" for key in value) + "}"
        if kind is list or isinstance(value, Iterator):
            return "[" + ",".join([self.text(item, where) for item in value]) + "]"
        if kind is np.ndarray:
            return self._array("$array", value, where)
        if isinstance(value, np.generic):
            return self._array("$scalar", np.asarray(value), where)
        if kind is bytes:
            return f'{{"$bytes":"{value.hex()}"}}'
        raise TypeError(
            f"the state's {where!r} is of type {kind.__name__}: a checkpoint holds str, bytes, int, float, bool, None, "
            "arrays of numbers, and lists and dicts of these"
        )

    @staticmethod
    def _key(key: Any, where: str) -> str:
        """JSON of a dict's key."""
        if type(key) is not str:
            raise TypeError(f"the state's {where!r} has the key {key!r}: keys of a checkpoint are str")
        return encode_basestring("$" + key if key.startswith("$") else key)

    def _array(self, tag: str, array: NDArray[Any], where: str) -> str:
        """Write an array; JSON of its dtype and shape."""
        name = array.dtype.name
        if name not in _DTYPES:
            raise TypeError(f"the state's {where!r} is an array of {name}: choose from {', '.join(_DTYPES)}")
        flat = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1)
        if flat.size:
            self.put(flat.view(np.uint8).data)
        return f'{{"{tag}":["{name}",{list(array.shape)}]}}'


def _write(file: BinaryIO, state: State, kind: str) -> None:
    """The whole checkpoint."""
    if type(state) is not dict:
        raise TypeError(f"state is of type {type(state).__name__}: give a dict")
    from ncd import __version__

    writer = _Writer(file)
    writer.put(_HEAD.pack(_MAGIC, _VERSION))
    try:
        text = writer.text({"kind": kind, "ncd": __version__, "state": state}, "state")
    except RecursionError:
        raise ValueError("the state's lists and dicts contain themselves, or are nested too deep") from None
    tree = text.encode("utf-8", "surrogatepass")
    del text
    writer.put(tree)
    writer.put(_SIZE.pack(len(tree)))
    file.write(writer.hash.digest())


def _read(file: BinaryIO, title: str, kind: str) -> State:
    """The state, after all checks."""
    end = file.seek(0, os.SEEK_END) - _DIGEST
    file.seek(0)
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(_MAGIC):
        raise CheckpointError(f"{title}: not a checkpoint of a stream's detector")
    version = _HEAD.unpack(head)[1]
    if version != _VERSION:
        raise CheckpointError(f"{title}: a checkpoint of format {version}; this release of ncd reads format {_VERSION}")
    if end < _HEAD.size + _SIZE.size or _digest(file, end) != file.read(_DIGEST):
        raise CheckpointError(f"{title}: damaged or truncated (the digest does not fit)")
    try:
        return _tree(file, end - _SIZE.size, title, kind)
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{title}: not written by ncd ({error or type(error).__name__})") from None


def _digest(file: BinaryIO, end: int) -> bytes:
    """Of the file up to `end`, where it is left."""
    found, buffer = hashlib.blake2b(digest_size=_DIGEST), memoryview(bytearray(min(_CHUNK, end)))
    file.seek(0)
    left = end
    while left:
        count = file.readinto(buffer[:left])  # type: ignore[attr-defined]
        if not count:
            return b""
        found.update(buffer[:count])
        left -= count
    return found.digest()


def _tree(file: BinaryIO, end: int, title: str, kind: str) -> State:
    """The state of an undamaged file whose tree ends at `end`."""
    file.seek(end)
    start = end - _SIZE.unpack(file.read(_SIZE.size))[0]
    if start < _HEAD.size:
        raise ValueError("its tree is larger than the file")
    file.seek(start)
    text = file.read(end - start).decode("utf-8", "surrogatepass")
    file.seek(_HEAD.size)
    room = start - _HEAD.size  # of arrays not yet read

    def value(found: dict[str, Any]) -> Any:
        nonlocal room
        if "$array" in found or "$scalar" in found:
            ((tag, (name, shape)),) = found.items()
            if not all(type(size) is int and size >= 0 for size in shape):
                raise ValueError(f"an array of the shape {shape}")
            room -= math.prod(shape) * _DTYPES[name].itemsize
            if room < 0:
                raise ValueError(f"an array of the shape {shape}, larger than the file")
            array = np.empty(shape, _DTYPES[name].newbyteorder("<"))
            if array.size:
                file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
            array = array.astype(_DTYPES[name], copy=False)
            return array if tag == "$array" else array[()]
        if "$bytes" in found:
            return bytes.fromhex(found["$bytes"])
        if "$int" in found:
            return int(found["$int"], 16)
        return {key.removeprefix("$"): item for key, item in found.items()}

    tree = json.loads(text, object_hook=value)
    if room:
        raise ValueError(f"{room} bytes of arrays that its tree does not name")
    if tree["kind"] != kind:
        raise CheckpointError(f"{title}: a checkpoint of a {tree['kind']!r}, where one of a {kind!r} is expected")
    if type(tree["state"]) is not dict:
        raise ValueError("its state is no dict")
    return tree["state"]


def _sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where the system can do that."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _sweep(target: Path) -> None:
    """Remove what programs left behind that were killed while they wrote this checkpoint."""
    ours = re.compile(re.escape(f".{target.name[:100]}.") + r"[0-9a-f]{8}\.tmp")
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if ours.fullmatch(name):
                path = target.parent / name
                with suppress(OSError):
                    if path.stat().st_mtime < time.time() - _LEFT_BEHIND:
                        path.unlink()
