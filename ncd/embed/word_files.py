"""Files of word vectors: which format one is in, and the vectors, read through gensim."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ncd.embed.local import existing, load_errors

__all__ = ["VectorFormat", "format_of", "read_vectors", "vector_files"]

#: word2vec's text with a header, the same without one (GloVe), word2vec's binary, fastText's, or gensim's own.
VectorFormat: TypeAlias = Literal["text", "glove", "binary", "fasttext", "gensim"]

_WHAT = "a file of word vectors: word2vec's (binary or text), GloVe's, fastText's (.bin or .vec), or gensim's (.kv)"
_FASTTEXT = struct.pack("<i", 793712314)
_PICKLE = b"\x80"
_SAMPLE = 1 << 20
_ROWS_AT_ONCE = 1 << 16


def _floats(parts: Sequence[str]) -> bool:
    """Whether all of these are numbers, and there are some."""
    try:
        return len([float(part) for part in parts]) > 0
    except ValueError:
        return False


def _opened(path: Path) -> Any:
    """A file of vectors, decompressed if its name says so."""
    return gzip.open(path) if path.suffix == ".gz" else open(path, "rb")


def format_of(path: Path) -> VectorFormat:
    """
    The format of a file of word vectors, from its content.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    wrong = ValueError(f"word2vec: {os.fspath(path)!r} is no file of word vectors that is known: give {_WHAT}")
    try:
        with _opened(path) as file:
            start = file.read(_SAMPLE)
    except (gzip.BadGzipFile, EOFError):
        raise wrong from None
    if start.startswith(_FASTTEXT):
        return "fasttext"
    if start.startswith(_PICKLE):
        return "gensim"
    first, newline, rest = start.partition(b"\n")
    try:
        head = first.decode().split()
    except UnicodeDecodeError:
        raise wrong from None
    if not newline:
        raise wrong
    if len(head) == 2 and head[0].isdigit() and head[1].isdigit():
        n, dim = map(int, head)
        if n < 1 or dim < 1:
            raise wrong
        line = rest.partition(b"\n")[0].decode("utf-8", "replace").split()
        if len(line) == dim + 1 and _floats(line[1:]):
            return "text"
        _, space, numbers = rest.partition(b" ")
        if space and len(numbers) >= 4 * dim and np.isfinite(np.frombuffer(numbers[: 4 * dim], "<f4")).all():
            return "binary"
        raise wrong
    if len(head) > 2 and _floats(head[1:]):
        return "glove"
    raise wrong


def vector_files(path: str | os.PathLike[str]) -> list[Path]:
    """The file of vectors, and those that gensim writes beside it."""
    file = existing(path, "word2vec", _WHAT)
    if file.is_dir():
        raise IsADirectoryError(f"word2vec: path is {os.fspath(path)!r}, a folder: give {_WHAT}")
    return [file, *sorted(file.parent.glob(f"{file.name}.*.npy"))]


def read_vectors(path: str | os.PathLike[str], limit: int | None = None) -> Any:
    """
    Word vectors as gensim's `KeyedVectors`, or `FastTextKeyedVectors` where words have parts with vectors.

    Parameters
    ----------
    path : str or path
        The format is found out from the content; text and binary files may be compressed (``.gz``). Files of gensim
        are pickles, which can run code: open those that you trust.
    limit : int, optional
        Read the first vectors only: files are sorted by frequency.

    Returns
    -------
    gensim.models.KeyedVectors

    Raises
    ------
    OSError, ValueError
        If there is no such file, or it is damaged, or of another kind, or a number in it is not finite.
    """
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import load_facebook_vectors

    file = vector_files(path)[0]
    kind = format_of(file)
    with load_errors("word2vec", os.fspath(path), _WHAT):
        if kind == "fasttext":
            keyed = load_facebook_vectors(str(file))
        elif kind == "gensim":
            loaded = KeyedVectors.load(str(file))
            keyed = getattr(loaded, "wv", loaded)
            if not isinstance(keyed, KeyedVectors):
                raise ValueError(f"it holds a {type(keyed).__name__}")
        elif kind == "glove":
            keyed = _glove(file, limit)
        else:
            keyed = KeyedVectors.load_word2vec_format(
                str(file), binary=kind == "binary", limit=limit, unicode_errors="replace"
            )
    if limit is not None and len(keyed) > limit and kind == "gensim":
        keyed = _first(keyed, limit)
    for start in range(0, len(keyed), _ROWS_AT_ONCE):
        good = np.isfinite(keyed.vectors[start : start + _ROWS_AT_ONCE]).all(axis=1)
        if not good.all():
            word = keyed.index_to_key[start + int(np.argmin(good))]
            raise ValueError(f"word2vec: the vector of {word!r} in {os.fspath(path)!r} has a number that is not finite")
    return keyed


def _glove(path: Path, limit: int | None) -> Any:
    """Vectors of a text without a header, some of whose entries have spaces in them."""
    from gensim.models import KeyedVectors

    entries: dict[str, NDArray[np.float32]] = {}
    dim = None
    with _opened(path) as file:
        for number, line in enumerate(islice(file, limit), 1):
            parts = line.decode("utf-8", "replace").rstrip().rsplit(" ", -1 if dim is None else dim)
            dim = len(parts) - 1 if dim is None else dim
            try:
                vector = np.array(parts[1:], np.float32)
            except ValueError:
                vector = np.empty(0, np.float32)
            if len(vector) != dim:
                raise ValueError(f"line {number:,} has not the {dim} numbers of the first one")
            entries.setdefault(parts[0], vector)
    keyed = KeyedVectors(dim)
    keyed.add_vectors(list(entries), np.array(list(entries.values())))
    return keyed


def _first(keyed: Any, limit: int) -> Any:
    """The first vectors."""
    from gensim.models import KeyedVectors

    shorter = KeyedVectors(keyed.vector_size)
    shorter.add_vectors(keyed.index_to_key[:limit], keyed.vectors[:limit])
    return shorter
