"""Word2vec, learned from the texts."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

from ncd.arguments import seed, whole_number
from ncd.corpus import Texts
from ncd.embed.base import as_strings, digest_of, spelled
from ncd.embed.local import versions
from ncd.embed.word_embedder import FORMAT, WordEmbedder
from ncd.embed.word_lookup import words_and_compounds
from ncd.exceptions import EmptyTextError

__all__ = ["LearnedWords"]

_WORDS_TO_READ = 5_000_000
_LONGEST = 10_000  # words of a sentence: gensim drops what is behind


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
        words = "\n".join(self.keyed.index_to_key)
        return digest_of("learned words", FORMAT, versions("gensim"), words, self.keyed.vectors, self.empty)

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
