"""Word vectors of a file: word2vec, GloVe and fastText; and the embedders that specifications ask for."""

from __future__ import annotations

import os
from typing import Any, Literal, Self

from ncd.arguments import whole_number
from ncd.embed.base import digest_of, spelled
from ncd.embed.learned_words import LearnedWords
from ncd.embed.local import Stamps, file_bytes, stamped, stamped_digest, unchanged, versions
from ncd.embed.word_embedder import FORMAT, WordEmbedder
from ncd.embed.word_files import format_of, read_vectors, vector_files

__all__ = ["WordVectors", "word2vec"]


class WordVectors(WordEmbedder):
    """
    Word vectors of a file, or of gensim; a text's vector is the mean of those of its words.

    A word is looked for as it is, then in other cases, as a compound, and by its parts; fastText's models give words
    that they do not know a vector from their character n-grams. `coverage_` says how many were found in which way. If
    more than half have no vector, there is an `UnknownWordsWarning`.

    Parameters
    ----------
    source : str, path or gensim.models.KeyedVectors
        A file in word2vec's format (binary, such as GoogleNews, or text), GloVe's, fastText's (``.bin``, ``.vec``), or
        gensim's own (a pickle, which can run code: open those that you trust).
    limit : int, optional
        Read the first vectors only.
    empty : {"error", "zero"}
        What a text without a word that has a vector gets: an error, or the vector zero.

    Raises
    ------
    OSError, ValueError
        If there is no such file, it is damaged, or no file of word vectors, or a parameter is out of range.
    MissingLibraryError
        If gensim is not installed.

    Examples
    --------
    >>> words = WordVectors("GoogleNews-vectors-negative300.bin.gz", limit=500_000)  # doctest: +SKIP
    >>> words.encode(["New York is never asleep"]).shape, words.coverage_.unknown  # doctest: +SKIP
    ((1, 300), 0)
    """

    def __init__(
        self,
        source: Any,
        *,
        limit: int | None = None,
        empty: Literal["error", "zero"] = "error",
    ) -> None:
        super().__init__(empty)
        self.limit = None if limit is None else whole_number(limit, "limit", 1)
        self.path: str | None = None
        self._keyed: Any = None
        self._stamps: Stamps | None = None
        if isinstance(source, str | os.PathLike):
            self.path = os.fspath(source)
            if format_of(vector_files(self.path)[0]) == "fasttext" and limit is not None:
                raise ValueError(f"limit is {limit}: models of fastText are read whole")
        else:
            from gensim.models import KeyedVectors

            keyed = getattr(source, "wv", source)
            if not isinstance(keyed, KeyedVectors) or not len(keyed):
                raise TypeError(f"source is {source!r}: give the path of a file, or KeyedVectors that are not empty")
            self._keyed = keyed

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | ({"_keyed": None, "_stamps": None} if self.path is not None else {})

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = object.__new__(type(self))  # shares the vectors, which do not change
        made.__dict__ |= self.__dict__
        return made

    def _stamped(self) -> Stamps:
        """The files as they are now."""
        assert self.path is not None
        files = vector_files(self.path)
        return stamped(files, files[0])

    @property
    def keyed(self) -> Any:
        if self._keyed is None:
            assert self.path is not None
            before = self._stamped()
            keyed = read_vectors(self.path, self.limit)
            self._stamps = unchanged(before, self._stamped(), self.path)
            self._keyed = keyed
        return self._keyed

    @property
    def name(self) -> str:
        if self.path is None:
            return "word vectors"
        return spelled("word2vec", self.path, limit=(self.limit, None), empty=(self.empty, "error"))

    @property
    def nbytes(self) -> int | None:
        """Bytes of the file; of vectors that were given, of their numbers."""
        if self.path is not None:
            return file_bytes(vector_files(self.path))
        return int(self.keyed.vectors.nbytes)

    @property
    def digest(self) -> str:
        if self.path is not None:
            files = stamped_digest(self._stamped() if self._stamps is None else self._stamps)
            return digest_of("word vectors", FORMAT, versions("gensim"), files, self.limit, self.empty)
        parts = getattr(self.keyed, "vectors_ngrams", None)
        words = "\n".join(self.keyed.index_to_key)
        return digest_of("word vectors", FORMAT, versions("gensim"), words, self.keyed.vectors, parts, self.empty)


def word2vec(
    path: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = None,
    dim: int | None = None,
    window: int | None = None,
    min_count: int | None = None,
    epochs: int | None = None,
    empty: Literal["error", "zero"] = "error",
    random_state: int | None = None,
) -> WordEmbedder:
    """
    Word vectors of a file; without one, word2vec that learns from the texts.

    Parameters
    ----------
    path, limit
        As in `WordVectors`.
    dim, window, min_count, epochs, random_state
        As in `LearnedWords`, where no path is given.
    empty : {"error", "zero"}
        What a text without a word that has a vector gets.

    Returns
    -------
    WordEmbedder

    Raises
    ------
    TypeError
        If parameters of learning are given together with a path, or `limit` without one.
    """
    learning = {
        "dim": dim, "window": window, "min_count": min_count, "epochs": epochs, "random_state": random_state,
    }  # fmt: skip
    given = {key: value for key, value in learning.items() if value is not None}
    if path is None:
        if limit is not None:
            raise TypeError(f"limit is {limit}: it belongs to a path, as in 'word2vec:PATH,limit={limit}'")
        return LearnedWords(**given, empty=empty)
    if given:
        raise TypeError(
            f"{next(iter(given))} is of word2vec that learns: leave it out, or the path {os.fspath(path)!r}"
        )
    return WordVectors(path, limit=limit, empty=empty)
