"""Subword tokens of the Hugging Face library `tokenizers`: trained on texts, or read from a tokenizer.json."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ncd.corpus import Texts, as_corpus
from ncd.tokenizer import Tokenizer, library, plain, train_bpe, train_wordpiece
from ncd.tokens import Alphabet, Ids, blocks_of, decoded, offsets_of

__all__ = ["Tokens", "from_file"]

_KINDS = ("bpe", "wordpiece")


class Tokens(Alphabet):
    """
    Tokens of a subword tokenizer.

    A byte-level BPE tokenizer (``"bpe"``) keeps case, spaces and every byte, UTF-8 or not; a WordPiece tokenizer
    (``"wordpiece"``) turns texts to lower case and drops spaces, as BERT's does, and takes words of more than 100
    characters for unknown. Both are trained on the texts that `fit` is given, and the same texts always give the same
    tokens. A tokenizer that is trained already is read from its file. Special tokens are never added, and their names
    in a text are ordinary characters.

    Parameters
    ----------
    tokenizer : {"bpe", "wordpiece"} or path
        How to train one, or a ``tokenizer.json``, or a folder that holds one.
    vocab_size : int
        Tokens at most when one is trained; more where the texts have more different characters. The 256 bytes are
        among the tokens of "bpe", [UNK] among those of "wordpiece".

    Raises
    ------
    MissingLibraryError
        If the library `tokenizers` is not installed.
    ValueError
        If `tokenizer` is neither a known kind nor a file, its file cannot be read, or `vocab_size` is too small.

    References
    ----------
    R. Sennrich, B. Haddow, A. Birch (2016), Neural machine translation of rare words with subword units, ACL.
    M. Schuster, K. Nakajima (2012), Japanese and Korean voice search, ICASSP.

    Examples
    --------
    >>> tokens = Tokens("bpe", vocab_size=260).fit(["hello hello hello"])
    >>> [tokens.symbol(i) for i in tokens.encode("hello")]
    [b'hello']
    """

    kind = "tokens"

    def __init__(self, tokenizer: str | os.PathLike[str] = "bpe", *, vocab_size: int = 8192) -> None:
        library()
        self._json: str | None = None
        self.vocab_size = vocab_size
        if tokenizer in _KINDS:
            self.tokenizer = str(tokenizer)
            low = 257 if tokenizer == "bpe" else 2
            if isinstance(vocab_size, bool) or not isinstance(vocab_size, int | np.integer) or vocab_size < low:
                raise ValueError(f"vocab_size is {vocab_size!r}: give a whole number of at least {low}")
            self.vocab_size = int(vocab_size)
            return
        self.tokenizer = "file"
        if not isinstance(tokenizer, str | os.PathLike):
            raise TypeError(f"tokenizer is {tokenizer!r}: give 'bpe', 'wordpiece', or the path of a tokenizer.json")
        path = Path(tokenizer)
        if path.is_dir():
            path /= "tokenizer.json"
        if not path.is_file():
            raise ValueError(
                f"tokenizer is {os.fspath(tokenizer)!r}: choose 'bpe' or 'wordpiece', "
                f"or give the path of a tokenizer.json (there is no file {os.fspath(path)!r})"
            )
        try:
            self._json = plain(path.read_text("utf-8"))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)!r} cannot be taken: {error}") from None

    def fit(self, texts: Texts) -> Self:
        """
        Train a tokenizer on `texts`; one that was read from a file stays as it is.

        Parameters
        ----------
        texts : iterable of str, or of bytes-like, or of paths
            Bytes that are not UTF-8 are left out of the training.

        Returns
        -------
        Tokens
            Itself.
        """
        corpus = as_corpus(texts, name="texts", allow_empty=True)
        if self.tokenizer != "file":
            vars(self).pop("_trained", None)
            train = train_bpe if self.tokenizer == "bpe" else train_wordpiece
            self._json = train(corpus, self.vocab_size)
        return self

    def update(self, texts: Texts) -> Self:
        """Train a tokenizer if there is none yet; otherwise texts change nothing, since every number would change."""
        if self._json is None:
            return self.fit(texts)
        as_corpus(texts, name="texts", allow_empty=True)
        return self

    @cached_property
    def _trained(self) -> Tokenizer:
        """The tokenizer as an object, made when it is first used in a process."""
        if self._json is None:
            raise ValueError("the alphabet of tokens is empty: call fit with texts first")
        return Tokenizer.of(library().Tokenizer.from_str(self._json))

    def __getstate__(self) -> dict[str, Any]:
        """What goes to other processes: the tokenizer as text."""
        return {key: value for key, value in vars(self).items() if key != "_trained"}

    @property
    def size(self) -> int:
        """Number of tokens; 0 before training."""
        return 0 if self._json is None else len(self._trained.symbols)

    @property
    def unknown(self) -> int | None:  # type: ignore[override]
        """The tokenizer's own token for the unknown, if it has one."""
        return None if self._json is None else self._trained.unknown

    @property
    def lossless(self) -> bool:  # type: ignore[override]
        """Whether `decode` gives back every text: a byte-level tokenizer that changes no character."""
        return self.tokenizer == "bpe" if self._json is None else self._trained.lossless

    def _encode(self, texts: Sequence[bytes]) -> Ids:
        lengths: list[int] = []
        arrays = [np.empty(0, np.uint32)]
        for block in blocks_of(texts):
            found = self._trained.tokenized(block)
            lengths += map(len, found)
            arrays.append(np.fromiter(chain.from_iterable(found), np.uint32, sum(map(len, found))))
        return np.concatenate(arrays), offsets_of(lengths, len(texts))

    def keeps(self, text: bytes, ids: ArrayLike) -> bool:
        """Whether the library turns the tokens of a text back into it."""
        if self.lossless:
            return True
        found = self._trained.tokenizer.decode(np.asarray(ids).tolist(), skip_special_tokens=False)
        return bool(found == decoded(text))

    def symbol(self, index: int) -> bytes:
        """The bytes of a token; of one that does not stand for bytes its name, such as ``##ing``."""
        if not 0 <= index < self.size:
            raise IndexError(f"index is {index}: choose from the tokens 0 to {self.size - 1}")
        return self._trained.symbols[index]

    def to_dict(self) -> dict[str, Any]:
        """Settings and the whole tokenizer; its file is not needed again."""
        state = None if self._json is None else json.loads(self._json)
        return {"alphabet": self.kind, "tokenizer": self.tokenizer, "vocab_size": self.vocab_size, "state": state}

    @property
    def digest(self) -> str:
        """SHA-256 of the tokenizer, 64 hexadecimal digits."""
        if self._json is None:
            raise ValueError("the alphabet of tokens is empty: call fit with texts first")
        return hashlib.sha256(self._json.encode()).hexdigest()

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """
        Write the tokenizer to a ``tokenizer.json``, which this and other libraries read.

        Parameters
        ----------
        path : path-like
        force : bool
            Replace a file that exists.

        Raises
        ------
        FileExistsError
            If the file exists and `force` is false.
        """
        from ncd.files import atomic_write

        if self._json is None:
            raise ValueError("the alphabet of tokens is empty: call fit with texts first")
        with atomic_write(path, force=force) as file:
            file.write(self._json.encode())

    @classmethod
    def from_json(cls, text: str) -> Tokens:
        """The alphabet of a tokenizer whose ``tokenizer.json`` has this content."""
        made = cls()
        made.tokenizer, made._json = "file", plain(text)
        return made

    @classmethod
    def _from_dict(cls, state: Mapping[str, Any]) -> Tokens:
        """The alphabet whose `to_dict` this is."""
        kind = state["tokenizer"]
        if kind not in (*_KINDS, "file"):
            raise ValueError(f"its tokenizer is {kind!r}")
        made = cls("bpe" if kind == "file" else kind, vocab_size=state["vocab_size"])
        made.tokenizer = kind
        if state["state"] is not None:
            made._json = plain(json.dumps(state["state"]))
        return made


def from_file(path: str) -> Tokens:
    """The tokenizer of a file, read once as long as it does not change; not to be changed."""
    file = Path(path) / "tokenizer.json" if Path(path).is_dir() else Path(path)
    stamp = (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else None
    return _from_file(path, stamp)


@lru_cache(maxsize=8)
def _from_file(path: str, stamp: tuple[int, int] | None) -> Tokens:
    """The tokenizer of a file with this size and time."""
    del stamp
    return Tokens(path)
