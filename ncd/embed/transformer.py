"""Embedders in scikit-learn's pipelines."""

from __future__ import annotations

import copy
from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ncd.corpus import Texts
from ncd.embed.base import Vectors, learned
from ncd.embed.registry import get_embedder

__all__ = ["EmbeddingTransformer"]


class EmbeddingTransformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """
    Vectors of texts, as a step of a scikit-learn pipeline.

    Parameters
    ----------
    embedder : str or object
        As in `get_embedder`. One that learns does so in `fit`, on a copy; one that has learned already stays as it is.
    progress : bool or None
        None: a bar on a terminal after a second.

    Attributes
    ----------
    embedder_ : Embedder
        What encodes.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
    >>> model = make_pipeline(EmbeddingTransformer("tfidf:3"), LogisticRegression())
    >>> model.fit(texts, ["en", "fr", "en", "fr"]).predict(["the mat", "le tapis"]).tolist()
    ['en', 'fr']
    """

    def __init__(self, embedder: Any = "tfidf", *, progress: bool | None = None) -> None:
        self.embedder = embedder
        self.progress = progress

    def fit(self, X: Texts, y: Any = None) -> Self:
        """Learn what the embedder learns from texts; labels are not looked at."""
        del y
        self.embedder_ = learned(get_embedder(self.embedder), X)
        return self

    def fit_transform(self, X: Texts, y: Any = None, **fit_params: Any) -> Vectors:
        """Learn from texts and give their vectors; they are encoded once where that can be."""
        del y, fit_params
        embedder = get_embedder(self.embedder)
        if embedder.fitted:
            self.embedder_ = embedder
            return embedder.encode(X, progress=self.progress)
        self.embedder_ = copy.deepcopy(embedder)
        return self.embedder_.fit_encode(X, progress=self.progress)

    def transform(self, X: Texts) -> Vectors:
        """Vectors of texts, float32 of shape (n, dim)."""
        check_is_fitted(self)
        return self.embedder_.encode(X, progress=self.progress)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Names of the components: the class's name with a number."""
        import numpy as np

        del input_features
        check_is_fitted(self)
        return np.array([f"embedding{i}" for i in range(self.embedder_.dim)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: the input is texts."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
