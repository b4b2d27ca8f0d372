"""Means of word vectors, wherever these come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.embed.base import Embedder, Vectors, as_strings, refuse_wordless
from ncd.embed.local import require
from ncd.embed.word_lookup import Coverage, Lookup, warn_unknown
from ncd.exceptions import EmptyTextError
from ncd.progress import progress_bar

__all__ = ["FORMAT", "WordEmbedder"]

FORMAT = 1  # of how words are looked for and their vectors made one, as a part of digests

_AT_ONCE = 4096  # texts whose words are summed together


class WordEmbedder(Embedder):
    """
    The mean of the vectors of a text's words; `WordVectors` and `LearnedWords` say where these come from.

    Attributes
    ----------
    coverage_ : Coverage
        How the words of the texts of the last call were found; see `ncd.embed.Lookup` for compounds and variants.
    """

    _lower = False

    def __init__(self, empty: str) -> None:
        require("the embedder 'word2vec'", "gensim")
        if empty not in ("error", "zero"):
            raise ValueError(f"empty is {empty!r}: choose from error, zero")
        self.empty = empty
        self.coverage_ = Coverage()
        self._looked: tuple[int, Lookup] | None = None

    @property
    @abstractmethod
    def keyed(self) -> Any:
        """The vectors, as gensim's `KeyedVectors`."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_looked": None}

    @property
    def dim(self) -> int:
        return int(self.keyed.vector_size)

    @property
    def n_parameters(self) -> int | None:
        """Numbers of all vectors, those of parts of words included."""
        keyed = self.keyed
        return int(keyed.vectors.size + getattr(keyed, "vectors_ngrams", np.empty(0)).size)

    @property
    def lookup(self) -> Lookup:
        """How words of texts are found among the vectors."""
        keyed = self.keyed
        if self._looked is None or self._looked[0] != id(keyed):
            subwords = _has_parts(keyed) if getattr(keyed, "bucket", 0) else None
            self._looked = id(keyed), Lookup(keyed.key_to_index, lower=self._lower, subwords=subwords)
        return self._looked[1]

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        keyed, lookup = self.keyed, self.lookup
        vectors = np.zeros((len(texts), self.dim), np.float32)
        empty: list[int] = []
        coverage = Coverage()
        with progress_bar(f"Encoding ({self.name})", len(texts), show=progress, unit="texts") as advance:
            for start in range(0, len(texts), _AT_ONCE):
                found = [lookup.words(text) for text in texts[start : start + _AT_ONCE]]
                coverage = sum((how for _, how in found), coverage)
                empty += [start + i for i, (words, _) in enumerate(found) if not words]
                vectors[start : start + len(found)] = _means(keyed, [words for words, _ in found])
                advance(len(found))
        self.coverage_ = coverage
        if self.empty == "error":
            refuse_wordless(
                empty, "no word that has a vector", "leave it out, or take zeros, as in 'word2vec:PATH,empty=zero'"
            )
        return vectors

    def _say(self, n: int) -> None:
        warn_unknown(self.name, self.coverage_)

    def tokens(self, text: str | bytes) -> list[str]:
        found, self.coverage_ = self.lookup.words(as_strings([text], name="text")[0])
        if not found:
            raise EmptyTextError(f"text has no word that has a vector in {self.name}: give another")
        return found

    def encode_tokens(self, text: str | bytes) -> Vectors:
        return np.array(self.keyed[self.tokens(text)], np.float32)


def _has_parts(keyed: Any) -> Callable[[str], bool]:
    """Whether a word has character n-grams as long as those of a model of fastText."""
    from gensim.models.fasttext import ft_ngram_hashes

    return lambda word: len(ft_ngram_hashes(word, keyed.min_n, keyed.max_n, keyed.bucket)) > 0


def _means(keyed: Any, texts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """The mean vector of each text's words; zero where there is none."""
    from scipy.sparse import csr_array

    places: dict[str, int] = {}
    columns = np.array([places.setdefault(word, len(places)) for words in texts for word in words], np.int64)
    if not len(columns):
        return np.zeros((len(texts), keyed.vector_size), np.float32)
    ends = np.cumsum([0, *map(len, texts)])
    shares = np.repeat(1 / np.maximum(np.diff(ends), 1), np.diff(ends))
    members = csr_array((shares, columns, ends), shape=(len(texts), len(places)))
    return (members @ np.asarray(keyed[list(places)], np.float64)).astype(np.float32)
