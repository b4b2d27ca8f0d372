"""Where clustering takes its distances from: texts, vectors, samples or a matrix, a column at a time or all."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.cluster.matrix import Floats, as_matrix
from ncd.distances.vectors import VECTOR_METRICS, get_vector_metric

__all__ = ["Family", "FunctionSource", "MatrixSource", "Source", "family_of", "of_vectors", "source_of"]

#: What samples are.
Family = Literal["texts", "vectors", "samples", "any", "matrix", "auto"]
_AnyText = TypeVar("_AnyText", str, bytes)

#: Distances of samples of numbers by name, as in `ncd.distances.samples.sample_distances`.
SAMPLE_METRICS = ("distributional", "mmd", "energy", "kde_l1")


class Source(ABC):
    """Symmetric distances of n samples; the distance of a sample from itself is 0."""

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError("X is empty: give at least one sample")
        self.n = n
        self._columns: dict[int, Floats] = {}

    def column(self, i: int) -> Floats:
        """Distances of all samples from one, kept."""
        if i not in self._columns:
            column = np.array(self._column(i), np.float64)
            column[i] = 0.0
            self._columns[i] = column
        return self._columns[i]

    def matrix(self) -> Floats:
        """All distances."""
        matrix = self._matrix()
        np.fill_diagonal(matrix, 0.0)
        self._columns = dict(enumerate(matrix))
        return matrix

    def _matrix(self) -> Floats:
        return np.stack([self.column(i) for i in range(self.n)])

    @abstractmethod
    def _column(self, i: int) -> Floats:
        """Distances of all samples from one."""

    def halves(self) -> Floats:
        """For each sample the distance of its first half from its second."""
        raise ValueError(
            'rule="halves" cuts samples in two, which a matrix or single vectors do not allow: give a '
            'number, "gap" or "silhouette"'
        )


class MatrixSource(Source):
    """A matrix that is there already."""

    def __init__(self, distances: ArrayLike, name: str = "X") -> None:
        self._distances = as_matrix(distances, name)
        super().__init__(len(self._distances))

    def _column(self, i: int) -> Floats:
        return self._distances[i]

    def _matrix(self) -> Floats:
        return self._distances.copy()


class VectorSource(Source):
    """Vectors and a distance of them; where they are of texts, halves of these can be encoded too."""

    def __init__(self, vectors: ArrayLike, metric: Any, halves: Callable[[], tuple[Any, Any]] | None = None) -> None:
        self._vectors = np.asarray(vectors)
        self._distance = get_vector_metric(metric)
        self._halves = halves
        super().__init__(len(self._vectors))

    def _between(self, A: Any, B: Any) -> Floats:
        """Distances of vectors, checked, since a user's function may have made them."""
        values = np.array(self._distance(A, B), np.float64)
        if values.shape != (len(A), len(B)):
            raise ValueError(f"the metric gave shape {values.shape} for {len(A):,} and {len(B):,} vectors")
        if not np.isfinite(values).all():
            raise ValueError("the metric gave a value that is not finite, which is no distance")
        return values

    def _column(self, i: int) -> Floats:
        return self._between(self._vectors, self._vectors[i : i + 1])[:, 0]

    def _matrix(self) -> Floats:
        return self._between(self._vectors, self._vectors)

    def halves(self) -> Floats:
        if self._halves is None:
            return super().halves()
        first, second = self._halves()
        pairs = zip(first, second, strict=True)
        return np.array([self._between(a[None, :], b[None, :])[0, 0] for a, b in pairs])


class TextSource(Source):
    """Texts and a compressor; of two texts the bytewise smaller one stands first, so that L(xy) = L(yx)."""

    def __init__(self, texts: Any, compressor: Any, metric: Any, n_jobs: int | None, progress: bool | None) -> None:
        from ncd.corpus import as_corpus
        from ncd.distances.lengths import get_metric

        self._texts = as_corpus(texts, name="X")
        self._metric = get_metric(metric)
        self._work: dict[str, Any] = {"compressor": compressor, "n_jobs": n_jobs, "progress": progress}
        self._alone: Any = None
        super().__init__(len(self._texts))

    def _lengths(self) -> Any:
        from ncd.pairwise import lengths

        if self._alone is None:
            self._alone = lengths(self._texts, **self._work)
        return self._alone

    def _both_ways(self, lx: Any, ly: Any, joint: Any) -> Floats:
        """The mean of d(x, y) and d(y, x), which are one number for most distances."""
        there, back = self._metric(lx, ly, joint), self._metric(ly, lx, joint)
        return np.asarray((there + back) / 2, np.float64)

    def _column(self, i: int) -> Floats:
        from ncd.pairwise import joint_lengths

        alone = self._lengths()
        joint = joint_lengths(self._texts, [self._texts[i]], order="sorted", **self._work)
        return self._both_ways(alone, alone[i], joint[:, 0])

    def _matrix(self) -> Floats:
        from ncd.pairwise import joint_lengths

        alone = self._lengths()
        return self._both_ways(alone[:, None], alone[None, :], joint_lengths(self._texts, order="sorted", **self._work))

    def halves(self) -> Floats:
        from ncd.compressors.registry import get_compressor

        codec, result = get_compressor(self._work["compressor"]), []
        for i, text in enumerate(self._texts):
            first, second = sorted(_cut(text, i, b" "))
            lx, ly, lxy = codec.length(first), codec.length(second), codec.length(first + b" " + second)
            result.append(float(self._both_ways(lx, ly, lxy)))
        return np.array(result)


class SampleSource(Source):
    """Samples of numbers and a distance of them by name; all distances are computed together."""

    def __init__(self, samples: list[Any], distance: str, n_jobs: int | None) -> None:
        self._samples, self._distance, self._n_jobs = samples, distance, n_jobs
        super().__init__(len(samples))

    def _between(self, samples: list[Any]) -> Floats:
        from ncd.distances.samples import sample_distances

        return sample_distances(samples, self._distance, n_jobs=self._n_jobs)

    def _column(self, i: int) -> Floats:
        return self.matrix()[i]

    def _matrix(self) -> Floats:
        return self._between(self._samples)

    def halves(self) -> Floats:
        pairs = [_cut_samples(sample, i) for i, sample in enumerate(self._samples)]
        return np.diagonal(self._between([half for pair in pairs for half in pair]), 1)[::2]


class FunctionSource(Source):
    """Samples and a function of two of them, which is taken to be symmetric and asked once for a pair."""

    def __init__(self, samples: Sequence[Any], distance: Callable[[Any, Any], Any]) -> None:
        self._samples = samples
        self._distance = distance
        super().__init__(len(samples))

    def _between(self, a: Any, b: Any, where: str) -> float:
        try:
            value = self._distance(a, b)
        except Exception as error:
            error.add_note(f"The metric was asked for {where}.")
            raise
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"{where}: the metric gave {value!r}, which is no number") from None
        if not math.isfinite(number):
            raise ValueError(f"{where}: the metric gave {number}, which is no distance")
        return number

    def _column(self, i: int) -> Floats:
        result = np.zeros(self.n)
        for j in range(self.n):
            if j in self._columns:
                result[j] = self._columns[j][i]
            elif i != j:
                first, second = min(i, j), max(i, j)
                where = f"X[{first}] and X[{second}]"
                result[j] = self._between(self._samples[first], self._samples[second], where)
        return result

    def halves(self) -> Floats:
        result = []
        for i, sample in enumerate(self._samples):
            if isinstance(sample, str):
                halves: tuple[Any, Any] = _cut(sample, i, " ")
            else:
                halves = _cut(sample, i, b" ") if isinstance(sample, bytes) else _cut_samples(sample, i)
            result.append(self._between(*halves, f"the halves of X[{i}]"))
        return np.array(result)


def _cut_samples(sample: Any, i: int) -> tuple[Any, Any]:
    """A sequence in two."""
    half = len(sample) // 2
    if not half:
        raise _too_short(i)
    return sample[:half], sample[half:]


def _too_short(i: int) -> ValueError:
    return ValueError(f'X[{i}] is too short to be cut in two, as rule="halves" does: leave it out or take another rule')


def _cut(text: _AnyText, i: int, space: _AnyText) -> tuple[_AnyText, _AnyText]:
    """A text in two, at the space nearest to its middle if there is one."""
    if len(text) < 2:
        raise _too_short(i)
    middle = len(text) // 2
    places = [place for place in (text.rfind(space, 1, middle), text.find(space, middle, -1)) if place > 0]
    if not places:
        return text[:middle], text[middle:]
    place = min(places, key=lambda place: abs(place - middle))
    return text[:place], text[place + 1 :]


def family_of(metric: Any, embedder: Any) -> Family:
    """What the samples of a metric are: "any" is for a function of them, and "auto" is seen from the samples."""
    from ncd.distances.lengths import METRICS

    if not (isinstance(metric, str) or callable(metric)):
        raise TypeError(f"metric is {metric!r}: give a name, or a function of two samples")
    if embedder is not None:
        if isinstance(metric, str) and metric == "precomputed":
            raise ValueError(
                f'embedder is {embedder!r} together with metric="precomputed", which embeds nothing: leave one out'
            )
        return "texts"
    if callable(metric):
        return "any"
    if metric in ("auto", "precomputed"):
        return "auto" if metric == "auto" else "matrix"
    if metric in SAMPLE_METRICS:
        return "samples"
    if metric in VECTOR_METRICS:  # "cosine" of code lengths is not to be had by a slip
        return "vectors"
    if metric in METRICS:
        return "texts"
    choices = ", ".join(map(repr, dict.fromkeys(["auto", "precomputed", *METRICS, *VECTOR_METRICS, *SAMPLE_METRICS])))
    raise ValueError(f"metric is {metric!r}: choose from {choices}, or give a function of two samples")


def source_of(X: Any, metric: Any, compressor: Any, embedder: Any, n_jobs: int | None, progress: bool | None) -> Source:
    """Distances as the parameters of a clustering ask for them."""
    family = family_of(metric, embedder)
    if isinstance(X, Iterator):
        X = list(X)
    if family == "auto":
        family, metric = _seen(X)
    if (embedder is not None or family != "texts") and not (compressor is None or compressor == "gzip"):
        beside = "an embedder" if embedder is not None else f"metric={metric!r}"
        raise ValueError(
            f"compressor is {compressor!r} together with {beside}, which compresses nothing: leave one of them out"
        )
    if family == "matrix":
        return MatrixSource(X)
    if embedder is not None:
        return _embedded(X, "cosine" if metric == "auto" else metric, embedder, progress)
    if family == "any":
        return FunctionSource(_listed(X), metric)
    if family == "samples":
        return SampleSource(_numbers(X), metric, n_jobs)
    if family == "vectors":
        if not _numeric(X):
            raise ValueError(of_vectors(metric, "X holds texts"))
        return VectorSource(_vectors(X), metric)
    return TextSource(X, compressor, metric, n_jobs, progress)


def of_vectors(metric: str, found: str) -> str:
    """What to do about a distance of vectors without vectors."""
    from ncd.distances.lengths import METRICS

    message = f"metric is {metric!r}, of vectors, and {found}: give an embedder"
    if metric in METRICS:
        message += f', or metric="precomputed" with ncd.pairwise(X, metric={metric!r}) for that of code lengths'
    return message


def _seen(X: Any) -> tuple[Family, str]:
    """What metric="auto" makes of samples."""
    if not _numeric(X):
        return "texts", "ncd"
    if isinstance(X, np.ndarray) and X.ndim == 2:
        raise ValueError(
            f"X is an array of shape {X.shape}, whose rows may be vectors or sequences: give metric='euclidean' or "
            "'cosine' for vectors, 'distributional' for sequences, or 'precomputed' for a matrix of distances"
        )
    return "samples", "distributional"


def _listed(X: Any) -> list[Any]:
    """Samples as a list."""
    if isinstance(X, str | bytes):
        raise TypeError(f"X is one text of {len(X):,} characters: give a list of samples")
    try:
        return list(X)
    except TypeError:
        raise TypeError(f"X is of type {type(X).__name__}: give a list of samples") from None


def _numeric(X: Any) -> bool:
    """Whether X holds numbers and not texts."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        return True
    return isinstance(X, list | tuple) and bool(len(X)) and isinstance(X[0], np.ndarray | list | tuple)


def _numbers(X: Any) -> list[Any]:
    """Sequences of numbers or vectors, checked."""
    from ncd.distances.cells import as_filled

    samples = [as_filled(x, f"X[{i}]") for i, x in enumerate(_listed(X))]
    for i, sample in enumerate(samples):
        if sample.shape[1] != samples[0].shape[1]:
            raise ValueError(f"X[{i}] has {sample.shape[1]} coordinates and X[0] has {samples[0].shape[1]}")
    return samples


def _vectors(X: Any) -> NDArray[np.generic]:
    """Vectors of one dimension, finite."""
    from ncd.distances.cells import as_filled

    return as_filled(X, "X")


def _embedded(X: Any, metric: Any, embedder: Any, progress: bool | None) -> VectorSource:
    """Texts under an embedder, which learns from them if it learns at all."""
    from ncd.embed.base import as_strings, learned
    from ncd.embed.registry import get_embedder

    texts = as_strings(X, name="X")
    model = learned(get_embedder(embedder), texts)

    def halves() -> tuple[Any, Any]:
        parts = [_cut(text, i, " ") for i, text in enumerate(texts)]
        return model.encode([a for a, _ in parts]), model.encode([b for _, b in parts])

    return VectorSource(model.encode(texts, progress=progress), metric, halves)
