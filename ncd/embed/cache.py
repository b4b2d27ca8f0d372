"""Encodings on disk, so that a text is encoded once by each model."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from ncd.corpus import Texts
from ncd.embed.base import Embedder, Vectors, WordlessError
from ncd.progress import progress_bar

__all__ = ["Cached", "cache_folder"]

_AT_ONCE = 512  # texts that are encoded before their vectors are kept
_SAID = ("truncated_", "coverage_")  # what embedders count
_WAIT = 120.0  # seconds for another process that writes


def cache_folder() -> Path:
    """
    Where encodings and distilled models are kept unless a folder is given.

    Returns
    -------
    Path
        ``$NCD_CACHE``; without it the folder ``ncd`` in the user's cache: ``$XDG_CACHE_HOME`` or ``~/.cache``, on
        macOS ``~/Library/Caches``, on Windows ``%LOCALAPPDATA%``. It need not exist yet.
    """
    named = os.environ.get("NCD_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ncd"


class Cached(Embedder):
    """
    An embedder that keeps its encodings on disk, under the model's digest and the text's.

    Vectors are kept every 512 texts, so that what was interrupted goes on where it was. Several processes may write
    into one folder. Equal texts are encoded once. What the embedder says of the texts of a call (`truncated_`,
    `coverage_`, warnings, each once) is of those that were not kept already. Vectors of tokens are not kept.

    Parameters
    ----------
    embedder : str or Embedder, or object with ``encode(texts)`` and ``digest``
        One that learns is kept under the digest of what it has learned.
    folder : path-like, optional
        Default: `cache_folder`. It is made where there is none; one file holds the vectors of one model.

    Attributes
    ----------
    hits_, misses_ : int
        Different texts of the last `encode` that were found, and those that were encoded.

    Raises
    ------
    TypeError
        If `embedder` is none, or has no digest.
    NotADirectoryError
        If `folder` is a file.

    Examples
    --------
    >>> from ncd.embed import get_embedder
    >>> texts = ["the cat sat", "a dog sat", "stocks fell"]
    >>> cached = Cached(get_embedder("tfidf:2").fit(texts), getfixture("tmp_path"))
    >>> first, again = cached.encode(texts), cached.encode(texts)
    >>> cached.hits_, bool((first == again).all())
    (3, True)
    """

    def __init__(self, embedder: Any, folder: str | os.PathLike[str] | None = None) -> None:
        from ncd.embed.registry import get_embedder

        self.embedder = get_embedder(embedder)
        if not self.embedder.has_digest:
            raise TypeError(f"embedder {self.embedder.name!r} has no digest, under which its encodings could be kept")
        self.folder = cache_folder() if folder is None else Path(folder).expanduser()
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"folder is {os.fspath(self.folder)!r}, which is a file: give a folder")
        self.hits_ = self.misses_ = self._missing = 0

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def dim(self) -> int:
        return self.embedder.dim

    @property
    def learns(self) -> bool:  # type: ignore[override]
        return self.embedder.learns

    @property
    def fitted(self) -> bool:
        return self.embedder.fitted

    @property
    def n_parameters(self) -> int | None:
        return self.embedder.n_parameters

    @property
    def nbytes(self) -> int | None:
        return self.embedder.nbytes

    @property
    def digest(self) -> str:
        return self.embedder.digest

    @property
    def path(self) -> Path:
        """The file with the vectors of the model."""
        return self.folder / f"{self.digest[:32]}.sqlite"

    def fit(self, texts: Texts) -> Self:
        self.embedder.fit(texts)
        return self

    def tokens(self, text: str | bytes) -> list[str]:
        return self.embedder.tokens(text)

    def encode_tokens(self, text: str | bytes) -> Vectors:
        return self.embedder.encode_tokens(text)

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        dim = self.dim  # reads the model, before its digest is asked for: the key is that of what encodes
        path = self.path
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        wanted = dict(zip(digests, texts, strict=True))
        with self._table(path) as table:
            known = self._read(table, list(wanted), dim)
        missing = [key for key in wanted if key not in known]
        self.hits_, self.misses_ = len(known), len(missing)
        said: dict[str, Any] = {}
        title = f"Encoding ({self.name})"
        with progress_bar(title, len(wanted), show=progress if missing else False, unit="texts") as advance:
            advance(len(known))
            for start in range(0, len(missing), _AT_ONCE):
                keys = missing[start : start + _AT_ONCE]
                try:
                    vectors = self.embedder._encode_checked([wanted[key] for key in keys], False)
                except WordlessError as error:
                    wordless = {keys[i] for i in error.places}
                    places = [i for i, key in enumerate(digests) if key in wordless]
                    raise WordlessError(places, error.what, error.remedy) from None
                for key in _SAID:
                    if hasattr(self.embedder, key):
                        count = getattr(self.embedder, key)
                        said[key] = said[key] + count if key in said else count
                with self._table(path) as table, table:
                    table.executemany(
                        "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                        ((key, vector.astype("<f4").tobytes()) for key, vector in zip(keys, vectors, strict=True)),
                    )
                known.update(zip(keys, vectors, strict=True))
                advance(len(keys))
        for key in _SAID:
            if hasattr(self.embedder, key):
                count = said.get(key, type(getattr(self.embedder, key))())
                setattr(self, key, count)
                setattr(self.embedder, key, count)
        self._missing = len(missing)
        return np.array([known[key] for key in digests], np.float32)

    def _say(self, n: int) -> None:
        if self._missing:
            self.embedder._say(self._missing)

    @contextmanager
    def _table(self, path: Path) -> Iterator[sqlite3.Connection]:
        """The file of the vectors, made where there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(path, timeout=_WAIT)) as table:
                table.execute("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
                yield table
        except sqlite3.OperationalError as error:
            raise OSError(f"encodings cannot be kept in {os.fspath(path)!r}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{os.fspath(path)!r} is damaged or no file of encodings ({error}): remove it") from error

    def _read(self, table: sqlite3.Connection, keys: list[bytes], dim: int) -> dict[bytes, Vectors]:
        """The vectors that are kept; a damaged one counts as missing."""
        found: dict[bytes, Vectors] = {}
        size = 4 * dim
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            for key, vector in table.execute(f"SELECT text, vector FROM vectors WHERE text IN ({marks})", part):
                if len(vector) == size:
                    found[key] = np.frombuffer(vector, "<f4").astype(np.float32)
        return found
