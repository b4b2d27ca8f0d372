"""TF-IDF and a truncated singular value decomposition (latent semantic analysis): the floor without any download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import seed, whole_number
from ncd.corpus import Texts
from ncd.embed.base import Embedder, Vectors, as_strings, digest_of, refuse_wordless, spelled
from ncd.embed.local import versions
from ncd.exceptions import EmptyTextError
from ncd.words import split_alternating

__all__ = ["Tfidf", "words_of"]

_ANALYZERS = ("words", "chars")
_CHARS = (2, 4)  # lengths of character n-grams
_MOST_FEATURES = 200_000
_FORMAT = 1  # of words and weights, as a part of digests
_NO_DIRECTION = 1e-5  # of the largest singular value: what float32 leaves of a direction without variance


def words_of(text: str) -> list[str]:
    """
    The words of a text in lower case, combining marks included, punctuation left out.

    Examples
    --------
    >>> words_of("To be, or not to be?")
    ['to', 'be', 'or', 'not', 'to', 'be']
    """
    return [word for word in split_alternating(text.lower())[::2] if word]


class Tfidf(Embedder):
    r"""
    TF-IDF vectors of the texts that it is fitted on, projected to `dim` dimensions by a truncated SVD.

    A text d has the weights :math:`w_{t,d} = (1 + \ln n_{t,d})\,(1 + \ln\frac{1 + N}{1 + N_t})` for its terms t, with
    :math:`n_{t,d}` occurrences in d and :math:`N_t` of N texts that have t. Its row of the matrix of all texts, set to
    length 1, is projected on the matrix's first right singular vectors, and set to length 1 again (Deerwester et al.
    1990, Indexing by latent semantic analysis).

    A text none of whose terms is known has the vector zero unless `empty` is "error": that is a matter of the texts
    that it was fitted on.

    Parameters
    ----------
    dim : int
        Dimension. It falls to the rank of the texts' matrix after `fit` where that is less.
    analyzer : {"words", "chars"}
        Terms: words in lower case, or character 2- to 4-grams inside words. The most frequent 200,000 are taken.
    empty : {"zero", "error"}
        What texts without a known term get: the vector zero, or an error.
    random_state : int
        Seed of the randomised decomposition.

    Raises
    ------
    TypeError, ValueError
        If a parameter is none of these.

    Examples
    --------
    >>> texts = ["the cat sat", "a cat and a dog", "stocks fell today", "stocks and bonds fell"]
    >>> embedder = Tfidf(2).fit(texts)
    >>> vectors = embedder.encode(["cat", "dog", "bonds"])
    >>> vectors.shape, bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
    ((3, 2), True)
    >>> embedder.name
    'tfidf:2'
    """

    learns = True

    def __init__(
        self,
        dim: int = 100,
        *,
        analyzer: Literal["words", "chars"] = "words",
        empty: Literal["zero", "error"] = "zero",
        random_state: int = 0,
    ) -> None:
        self._asked = whole_number(dim, "dim", 1)
        if analyzer not in _ANALYZERS:
            raise ValueError(f"analyzer is {analyzer!r}: choose from {', '.join(_ANALYZERS)}")
        if empty not in ("zero", "error"):
            raise ValueError(f"empty is {empty!r}: choose from zero, error")
        self.analyzer, self.empty, self.random_state = analyzer, empty, seed(random_state)
        self._vectorizer: Any = None
        self._components: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        return spelled(
            "tfidf", self._asked, analyzer=(self.analyzer, "words"), empty=(self.empty, "zero"),
            random_state=(self.random_state, 0),
        )  # fmt: skip

    @property
    def dim(self) -> int:
        return self._asked if self._components is None else len(self._components)

    @property
    def fitted(self) -> bool:
        return self._components is not None

    @property
    def n_parameters(self) -> int | None:
        """Numbers of the projection and inverse document frequencies; None before `fit`."""
        return None if self._components is None else self._components.size + self._components.shape[1]

    @property
    def nbytes(self) -> int | None:
        """Bytes of these numbers and of the terms; None before `fit`."""
        if self._components is None:
            return None
        terms = sum(len(term.encode()) for term in self._vectorizer.vocabulary_)
        return int(self._components.nbytes + self._vectorizer.idf_.nbytes + terms)

    @property
    def digest(self) -> str:
        terms = "\n".join(self._vectorizer_fitted().get_feature_names_out())
        learnt = terms, self._vectorizer.idf_, self._components
        return digest_of("tfidf", _FORMAT, versions("scikit-learn"), self.analyzer, self.empty, *learnt)

    def fit(self, texts: Texts) -> Self:
        """
        Learn terms, their frequencies and the projection.

        Parameters
        ----------
        texts : iterable of str or bytes

        Returns
        -------
        self

        Raises
        ------
        EmptyTextError
            If no text has a term, or there is no text.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        strings = as_strings(texts)
        options: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, "max_features": _MOST_FEATURES}
        if self.analyzer == "words":
            options |= {"analyzer": words_of}
        else:
            options |= {"analyzer": "char_wb", "ngram_range": _CHARS}
        vectorizer = TfidfVectorizer(**options)
        try:
            matrix = vectorizer.fit_transform(strings)
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            raise EmptyTextError(f"texts have not a single word in {len(strings):,}: give others") from None
        rank = min(self._asked, *matrix.shape)
        svd = TruncatedSVD(rank, algorithm="randomized", random_state=self.random_state)
        if min(matrix.shape) == 1:  # the library refuses these, whose direction is the row itself
            components = matrix.toarray()[:1] if matrix.shape[0] == 1 else np.ones((1, 1), np.float32)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):  # shares of the variance, where there is none
                svd.fit(matrix)
            components = svd.components_[svd.singular_values_ > _NO_DIRECTION * svd.singular_values_[0]]
        self._vectorizer, self._components = vectorizer, np.ascontiguousarray(components, np.float32)
        return self

    def _vectorizer_fitted(self) -> Any:
        """The vectorizer, which must have learned."""
        if self._vectorizer is None:
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"{self.name} learns from texts: call fit(texts) first")
        return self._vectorizer

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        matrix = self._vectorizer_fitted().transform(texts)
        assert self._components is not None
        if self.empty == "error":
            refuse_wordless(
                np.flatnonzero(np.diff(matrix.indptr) == 0).tolist(),
                "no known term",
                "leave it out, or let it be zero (empty=zero)",
            )
        vectors = matrix @ self._components.T
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)

    def tokens(self, text: str | bytes) -> list[str]:
        """
        The terms of a text that are known, in their order.

        Raises
        ------
        EmptyTextError
            If there is none.
        """
        known = self._vectorizer_fitted().vocabulary_
        found = [
            term for term in self._vectorizer.build_analyzer()(as_strings([text], name="text")[0]) if term in known
        ]
        if not found:
            raise EmptyTextError("text has no known term: fit the embedder on texts like it")
        return found

    def encode_tokens(self, text: str | bytes) -> Vectors:
        """The projections of the terms, each with its inverse document frequency; see `Embedder.encode_tokens`."""
        places = [self._vectorizer_fitted().vocabulary_[term] for term in self.tokens(text)]
        assert self._components is not None
        weighted = self._components[:, places] * self._vectorizer.idf_[places]
        return np.ascontiguousarray(weighted.T, np.float32)
