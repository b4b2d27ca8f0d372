"""Files of word vectors: which format one is in, and the vectors, read through gensim."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Sequence
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
_ROWS_LOOKED_AT = 20
_LONGEST_WORD = 1000  # bytes
_LARGEST = 1e10  # number of a vector: letters that are read as numbers are larger
_CONTROLS = [chr(code) for code in (*range(1, 9), *range(14, 32), 127)]


def _n_floats(parts: Sequence[bytes]) -> int:
    """How many numbers there are at the end of a row, behind its word."""
    n = 0
    for part in reversed(parts[1:]):
        try:
            float(part)
        except ValueError:
            break
        n += 1
    return n


def _opened(path: Path) -> Any:
    """A file of vectors, decompressed if its name says so."""
    return gzip.open(path) if path.suffix == ".gz" else open(path, "rb")


def format_of(path: Path) -> VectorFormat:
    """
    The format of a file of word vectors, from its content.

    Text is what can be printed and has numbers at the end of its first rows; binary what cannot, and whose first
    records have the dimension that the header says.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    wrong = ValueError(f"word2vec: {os.fspath(path)!r} is no file of word vectors that is known: give {_WHAT}")
    try:
        with _opened(path) as file:
            start = file.read(_SAMPLE)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise wrong from None
    if start.startswith(_FASTTEXT):
        return "fasttext"
    if start.startswith(_PICKLE):
        return "gensim"
    first, newline, rest = start.partition(b"\n")
    head = first.split()
    if not newline or not _printable(first):
        raise wrong
    if len(head) != 2 or not all(part.isdigit() for part in head):
        if _printable(start) and _rows_dim([first, *_rows(rest)]) >= 2:
            return "glove"
        raise wrong
    n, dim = map(int, head)
    if n < 1 or dim < 1:
        raise wrong
    if not _printable(rest):
        if _is_binary(rest, n, dim):
            return "binary"
        raise wrong
    rows = _rows(rest)
    if not rows or _rows_dim(rows) < 1:
        raise wrong
    return "text"


def _printable(data: bytes) -> bool:
    """Whether bytes are those of a text, of whose characters one in ten may be damaged."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd") + sum(text.count(control) for control in _CONTROLS)
    return "\0" not in text and damaged <= 1 + len(text) // 10


def _rows(rest: bytes) -> list[bytes]:
    """The first rows of a text; the last one may be cut where it is the only one."""
    return [row for row in rest.split(b"\n", _ROWS_LOOKED_AT)[:_ROWS_LOOKED_AT] if row.strip()]


def _rows_dim(rows: Sequence[bytes]) -> int:
    """Numbers at the end of every row; the last row does not count unless it is the only one, as it may be cut."""
    return min(_n_floats(row.split()) for row in (rows[:-1] or rows))


def _is_binary(rest: bytes, n: int, dim: int) -> bool:
    """Whether the first records are each a word, a space, and `dim` float32 as vectors have them."""
    place = 0
    for i in range(min(n, _ROWS_LOOKED_AT)):
        space = rest.find(b" ", place, place + _LONGEST_WORD)
        word, numbers = rest[place:space].lstrip(b"\n"), rest[space + 1 : space + 1 + 4 * dim]
        if space < 0 or len(numbers) < 4 * dim:
            return i > 0 and len(rest) - place < _LONGEST_WORD + 4 * dim  # the sample or the file ends here
        vector = np.frombuffer(numbers, "<f4")
        if not word or b"\n" in word or not np.isfinite(vector).all() or abs(vector).max() > _LARGEST:
            return False
        place = space + 1 + 4 * dim
    return True


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
        elif kind == "binary":
            keyed = KeyedVectors.load_word2vec_format(str(file), binary=True, limit=limit, unicode_errors="replace")
        else:
            keyed = _text(file, limit, headed=kind == "text")
        if not len(keyed) or keyed.vector_size < 1 or any(word is None for word in keyed.index_to_key):
            raise ValueError("it has fewer words than it says, or none")
    if limit is not None and len(keyed) > limit and kind == "gensim":
        keyed = _first(keyed, limit)
    for start in range(0, len(keyed), _ROWS_AT_ONCE):
        good = np.isfinite(keyed.vectors[start : start + _ROWS_AT_ONCE]).all(axis=1)
        if not good.all():
            word = keyed.index_to_key[start + int(np.argmin(good))]
            raise ValueError(f"word2vec: the vector of {word!r} in {os.fspath(path)!r} has a number that is not finite")
    return keyed


def _text(path: Path, limit: int | None, *, headed: bool) -> Any:
    """Vectors of a text, some of whose entries have spaces in them; with a header, of as many as it says."""
    from gensim.models import KeyedVectors

    entries: dict[str, NDArray[np.float32]] = {}
    with _opened(path) as file:
        if headed:
            n, dim = map(int, file.readline().split())
        else:
            n, dim = None, _rows_dim(_rows(file.read(_SAMPLE)))
            file.seek(0)
        most = min((count for count in (n, limit) if count is not None), default=None)
        read = 0
        for number, line in enumerate(file, 1 + headed):
            if read == most:
                break
            if not line.strip():
                continue
            word, *numbers = line.rsplit(None, dim)
            try:
                vector = np.array([float(part) for part in numbers], np.float32)
            except ValueError:
                vector = np.empty(0, np.float32)
            if len(vector) != dim:
                raise ValueError(
                    f"line {number:,} has {_n_floats(line.split()):,} numbers behind its word, not {dim:,} as the "
                    f"{'header says' if headed else 'first ones'}"
                )
            entries.setdefault(word.strip().decode("utf-8", "replace"), vector)
            read += 1
    if most is not None and n is not None and read < most:
        raise ValueError(f"it has {read:,} words, where its header says {n:,}")
    keyed = KeyedVectors(dim)
    keyed.add_vectors(list(entries), np.array(list(entries.values())))
    return keyed


def _first(keyed: Any, limit: int) -> Any:
    """The first vectors."""
    from gensim.models import KeyedVectors

    shorter = KeyedVectors(keyed.vector_size)
    shorter.add_vectors(keyed.index_to_key[:limit], keyed.vectors[:limit])
    return shorter
