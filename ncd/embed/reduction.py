"""Fewer dimensions: principal components, or a random projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import seed, whole_number
from ncd.corpus import Texts
from ncd.embed.base import Embedder, Vectors, as_strings, digest_of, learned

__all__ = ["Reduced", "ReductionMethod", "reduce"]

ReductionMethod: TypeAlias = Literal["pca", "random"]

_METHODS = ("pca", "random")
_FORMAT = 1  # of the projection, as a part of digests


def _checked(n_components: object, method: object, random_state: object) -> tuple[int, int]:
    """Components and seed."""
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}: choose from {', '.join(_METHODS)}")
    return whole_number(n_components, "n_components", 1), seed(random_state)


def _principal(vectors: NDArray[np.floating[Any]], n_components: int, random_state: int) -> tuple[Any, Any]:
    """Mean and principal axes, those of largest variance first."""
    from sklearn.decomposition import PCA

    most = min(vectors.shape)
    if n_components > most:
        raise ValueError(
            f"n_components is {n_components}: {len(vectors):,} vectors of dimension {vectors.shape[1]} have "
            f"{most} principal components at most"
        )
    with np.errstate(divide="ignore", invalid="ignore"):  # shares of the variance, where there is none
        pca = PCA(n_components, random_state=random_state).fit(vectors)
    return pca.mean_, pca.components_


def _random(dim: int, n_components: int, random_state: int) -> NDArray[np.float64]:
    """Axes whose numbers are independent Gaussians of variance 1 / n_components."""
    return np.random.default_rng(random_state).normal(scale=n_components**-0.5, size=(n_components, dim))


def reduce(
    vectors: ArrayLike, n_components: int, *, method: ReductionMethod = "pca", random_state: int = 0
) -> NDArray[np.floating[Any]]:
    r"""
    Vectors with fewer dimensions.

    Parameters
    ----------
    vectors : array-like of float, shape (n, d)
    n_components : int
        Dimension of the result: for "pca" at most min(n, d).
    method : {"pca", "random"}
        "pca": coordinates, about the mean, along the directions of largest variance. "random": :math:`V R^T` with
        independent :math:`R_{ij} \sim N(0, 1/k)`, k the components, which keeps squared distances in the mean
        (Johnson and Lindenstrauss 1984); it looks at no vector.
    random_state : int
        Seed of the projection, and of the randomised decomposition of large matrices.

    Returns
    -------
    ndarray of float32 or float64, shape (n, n_components)
        float32 where `vectors` are.

    Raises
    ------
    ValueError
        If `vectors` are no finite matrix, or there are fewer components than asked for.

    Examples
    --------
    >>> vectors = np.arange(12.0).reshape(4, 3)
    >>> reduce(vectors, 1).round(3).ravel().tolist()
    [-7.794, -2.598, 2.598, 7.794]
    """
    n_components, random_state = _checked(n_components, method, random_state)
    array = np.asarray(vectors)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"vectors have shape {array.shape}: give a matrix, one row for each vector")
    array = array if array.dtype == np.float32 else array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"vectors[{int(np.argwhere(~np.isfinite(array))[0][0])}] is not finite")
    if method == "random":
        return array @ _random(array.shape[1], n_components, random_state).T.astype(array.dtype)
    mean, axes = _principal(array, n_components, random_state)
    return ((array - mean) @ axes.T).astype(array.dtype)


class Reduced(Embedder):
    """
    An embedder whose vectors have fewer dimensions.

    Parameters
    ----------
    embedder : str or Embedder, or object with ``encode(texts)``
    n_components : int
        Dimension.
    method : {"pca", "random"}
        As in `reduce`. Principal components are learned from the texts of `fit`, the random projection from none.
    random_state : int
        Seed.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> from ncd.embed import get_embedder
    >>> texts = ["the cat sat", "a dog sat", "stocks fell", "stocks rose"]
    >>> Reduced(get_embedder("tfidf:4"), 2).fit(texts).encode(["a cat"]).shape
    (1, 2)
    """

    def __init__(
        self, embedder: Any, n_components: int, method: ReductionMethod = "pca", *, random_state: int = 0
    ) -> None:
        from ncd.embed.registry import get_embedder

        self.embedder = self._given = get_embedder(embedder)
        self.n_components, self.random_state = _checked(n_components, method, random_state)
        self.method = method
        self._axes: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def name(self) -> str:
        """That of the embedder, a space, the method, a space, and the components: ``tfidf:100 pca 10``."""
        made = f"{self.embedder.name} {self.method} {self.n_components}"
        return f"{made},random_state={self.random_state}" if self.random_state else made

    @property
    def dim(self) -> int:
        return self.n_components

    @property
    def learns(self) -> bool:  # type: ignore[override]
        return self.method == "pca" or self.embedder.learns

    @property
    def fitted(self) -> bool:
        return self.embedder.fitted and (self._axes is not None or self.method == "random")

    @property
    def n_parameters(self) -> int | None:
        inner = self.embedder.n_parameters
        return None if inner is None or not self.fitted else inner + sum(part.size for part in self._projection())

    @property
    def nbytes(self) -> int | None:
        inner = self.embedder.nbytes
        return None if inner is None or not self.fitted else inner + sum(part.nbytes for part in self._projection())

    @property
    def digest(self) -> str:
        return digest_of("reduced", _FORMAT, self.embedder.digest, *self._projection())

    @property
    def has_digest(self) -> bool:
        return self.embedder.has_digest

    def fit(self, texts: Texts) -> Self:
        """
        Find the principal components of the texts' vectors; an embedder that learns, and has not, does so on a copy.

        Parameters
        ----------
        texts : iterable of str or bytes

        Returns
        -------
        self
        """
        self._fit(as_strings(texts), None)
        return self

    def fit_encode(self, texts: Texts, *, progress: bool | None = None) -> Vectors:
        """Learn from texts and give their vectors, which the embedder encodes once; see `Embedder.fit_encode`."""
        strings = as_strings(texts)
        vectors = self._fit(strings, progress)
        if vectors is None:
            vectors = self.embedder.encode(strings, progress=progress)
        return self._project(vectors)

    def _fit(self, strings: list[str], progress: bool | None) -> Vectors | None:
        """Learn; the texts' vectors before they are reduced, where they were needed."""
        self.embedder = learned(self._given, strings)
        self._axes = None
        if self.method == "random":
            return None
        vectors = self.embedder.encode(strings, progress=progress)
        mean, axes = _principal(vectors, self.n_components, self.random_state)
        self._axes = np.asarray(mean, np.float32), np.asarray(axes, np.float32)
        return vectors

    def _projection(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What is taken off, and the axes."""
        if self._axes is None:
            if self.method == "pca":
                from sklearn.exceptions import NotFittedError

                raise NotFittedError(f"{self.name} learns from texts: call fit(texts) first")
            axes = _random(self.embedder.dim, self.n_components, self.random_state).astype(np.float32)
            self._axes = np.zeros(self.embedder.dim, np.float32), axes
        return self._axes

    def _project(self, vectors: Vectors) -> Vectors:
        mean, axes = self._projection()
        return np.asarray((vectors - mean) @ axes.T, np.float32)

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        self._projection()
        return self._project(self.embedder.encode(texts, progress=progress))

    def tokens(self, text: str | bytes) -> list[str]:
        return self.embedder.tokens(text)

    def encode_tokens(self, text: str | bytes) -> Vectors:
        return self._project(self.embedder.encode_tokens(text))
