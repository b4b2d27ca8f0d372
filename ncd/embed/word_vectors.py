"""Means of word vectors: word2vec, GloVe and fastText from files, or word2vec learned from the texts."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ncd.changepoint.arguments import seed, whole_number
from ncd.corpus import Texts
from ncd.embed.base import Embedder, Vectors, as_strings, digest_of, refuse_wordless, spelled
from ncd.embed.local import file_bytes, file_digest, require
from ncd.embed.word_files import format_of, read_vectors, vector_files
from ncd.embed.word_lookup import Coverage, Lookup, warn_unknown, words_and_compounds
from ncd.exceptions import EmptyTextError
from ncd.progress import progress_bar

__all__ = ["LearnedWords", "WordEmbedder", "WordVectors", "word2vec"]

_AT_ONCE = 4096  # texts whose words are summed together
_WORDS_TO_READ = 5_000_000
_LONGEST = 10_000  # words of a sentence: gensim drops what is behind


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
            refuse_wordless(empty, "no word that has a vector", "leave it out, or take empty=zero")
        warn_unknown(self.name, coverage)
        return vectors

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
        return super().__getstate__() | ({"_keyed": None} if self.path is not None else {})

    @property
    def keyed(self) -> Any:
        if self._keyed is None:
            assert self.path is not None
            self._keyed = read_vectors(self.path, self.limit)
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
            files = vector_files(self.path)
            return digest_of("word vectors", file_digest(files, files[0]), self.limit, self.empty)
        parts = getattr(self.keyed, "vectors_ngrams", None)
        return digest_of("word vectors", "\n".join(self.keyed.index_to_key), self.keyed.vectors, parts, self.empty)


class LearnedWords(WordEmbedder):
    """
    Word2vec learned from the texts: skip-grams with negative sampling (Mikolov et al. 2013, Distributed
    representations of words and phrases), by gensim; a text's vector is the mean of those of its words.

    Words are read in lower case. One thread learns, so that the same texts and seed give the same vectors.

    Parameters
    ----------
    dim : int
        Dimension.
    window : int
        Words to each side that are predicted.
    min_count : int
        Words that occur less often get no vector.
    epochs : int, optional
        How often the texts are read. Default: until five million words are read, but 5 times at least and 50 at most.
    empty : {"error", "zero"}
        What a text without a word that has a vector gets: an error, or the vector zero.
    random_state : int
        Seed.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.
    MissingLibraryError
        If gensim is not installed.

    Examples
    --------
    >>> texts = ["the cat sat on the mat", "a dog sat on the log"] * 20
    >>> LearnedWords(dim=16).fit(texts).encode(["cat and dog"]).shape  # doctest: +SKIP
    (1, 16)
    """

    learns = True
    _lower = True

    def __init__(
        self,
        *,
        dim: int = 100,
        window: int = 5,
        min_count: int = 2,
        epochs: int | None = None,
        empty: Literal["error", "zero"] = "error",
        random_state: int = 0,
    ) -> None:
        super().__init__(empty)
        self._dim = whole_number(dim, "dim", 1)
        self.window, self.min_count = whole_number(window, "window", 1), whole_number(min_count, "min_count", 1)
        self.epochs = None if epochs is None else whole_number(epochs, "epochs", 1)
        self.random_state = seed(random_state)
        self._keyed: Any = None

    @property
    def name(self) -> str:
        return spelled(
            "word2vec",
            dim=(self._dim, 100),
            window=(self.window, 5),
            min_count=(self.min_count, 2),
            epochs=(self.epochs, None),
            empty=(self.empty, "error"),
            random_state=(self.random_state, 0),
        )

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def fitted(self) -> bool:
        return self._keyed is not None

    @property
    def keyed(self) -> Any:
        if self._keyed is None:
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"{self.name} learns from texts: call fit(texts) first, or give the path of a file")
        return self._keyed

    @property
    def n_parameters(self) -> int | None:
        return super().n_parameters if self.fitted else None

    @property
    def nbytes(self) -> int | None:
        """Bytes of the vectors and the words; None before `fit`."""
        if not self.fitted:
            return None
        return int(self.keyed.vectors.nbytes) + sum(len(word.encode()) for word in self.keyed.index_to_key)

    @property
    def digest(self) -> str:
        return digest_of("learned words", "\n".join(self.keyed.index_to_key), self.keyed.vectors, self.empty)

    def fit(self, texts: Texts) -> Self:
        """
        Learn vectors of the words that occur `min_count` times or more.

        Parameters
        ----------
        texts : iterable of str or bytes

        Returns
        -------
        self

        Raises
        ------
        EmptyTextError
            If no word occurs that often.
        """
        from gensim.models import Word2Vec

        read = [words_and_compounds(text.lower()) for text in as_strings(texts)]
        n_words = sum(map(len, read))
        sentences = [words[i : i + _LONGEST] for words in read for i in range(0, len(words), _LONGEST)]
        epochs = self.epochs or min(50, max(5, math.ceil(_WORDS_TO_READ / max(1, n_words))))
        model = Word2Vec(
            vector_size=self._dim,
            window=self.window,
            min_count=self.min_count,
            sg=1,
            negative=5,
            workers=1,
            seed=self.random_state + 1,  # 0 is none
        )
        model.build_vocab(sentences)
        if not len(model.wv):
            raise EmptyTextError(
                f"texts have {n_words:,} words, none of which occurs {self.min_count} times: give more, or a lower "
                "min_count"
            )
        model.train(sentences, total_examples=len(sentences), epochs=epochs)
        self._keyed, self._looked = model.wv, None
        return self


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
