"""What texts are compared by: compressors, learners on code lengths, TF-IDF, embedders; and classifiers on each."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ncd.compare.collection import Task
from ncd.compare.measure import spent
from ncd.compare.results import Family

__all__ = [
    "Classifier",
    "NearestVote",
    "Source",
    "classifiers_of",
    "embedder_of",
    "encoding_time",
    "sources_of",
    "uncached",
]

_LEARNERS = {"bits-saved": "bits saved", "code-length": "class models"}
_NEIGHBORS = 5
_FRESH = 100  # texts whose encoding is timed
_STRENGTHS = (1, 10, 100)  # C of logistic regressions: on vectors of length 1 the library's default of 1 is too small
#: Compressors where none are named.
_COMPRESSORS: dict[Task, tuple[str, ...]] = {"segment": ("zlib", "ppm:3")}
_DEFAULT_COMPRESSORS = ("gzip", "zstd")


@dataclass(frozen=True)
class Source:
    """
    One source of distances or of classifiers.

    Attributes
    ----------
    kind : {"learner", "compressor", "words", "embedder"}
    spec : object
        A name, or an object that can serve as compressor or embedder.
    name : str
    family : {"compression", "TF-IDF", "embedding"}
    """

    kind: Literal["learner", "compressor", "words", "embedder"]
    spec: Any
    name: str
    family: Family

    @property
    def registered_here(self) -> bool:
        """Whether it is a name that only this process knows, because it was registered in it."""
        from ncd.compressors import registry as compressors
        from ncd.embed import registry as embedders

        if not isinstance(self.spec, str):
            return False
        known = embedders._registered if self.kind == "embedder" else compressors._registered
        return self.spec.strip().partition(":")[0].strip() in known


@dataclass(frozen=True)
class Classifier:
    """A classifier on a source: its name, and what makes an unfitted estimator (of texts, or of vectors)."""

    name: str
    make: Callable[[], Any]


def embedder_of(source: Source, cache: str | os.PathLike[str] | bool | None) -> Any:
    """The source's embedder (a copy of a user's that learns); encodings are kept unless it does or `cache` is false."""
    from ncd.embed.registry import get_embedder

    embedder = _loaded(source.spec) if isinstance(source.spec, str) else get_embedder(source.spec)
    if embedder.learns:
        return get_embedder(source.spec) if isinstance(source.spec, str) else copy.deepcopy(embedder)
    from ncd.embed.cache import Cached

    if cache is False or not embedder.has_digest or isinstance(embedder, Cached):
        return embedder
    return Cached(embedder, None if cache is None or cache is True else cache)


def uncached(embedder: Any) -> Any:
    """What encodes anew each time."""
    from ncd.embed.cache import Cached

    while isinstance(embedder, Cached):
        embedder = embedder.embedder
    return embedder


def encoding_time(embedder: Any, texts: Sequence[str]) -> float:
    """Seconds for the vectors of 1,000 texts, measured on the first few past any cache."""
    from ncd.embed.units import unit_vectors

    bare = uncached(embedder)
    few = [text.encode("utf-8", "surrogatepass") for text in texts[:_FRESH]]
    with warnings.catch_warnings():  # of these few texts; all of them were warned of
        warnings.simplefilter("ignore")
        unit_vectors(bare, [min(few, key=len)], progress=False)
        return spent(lambda: unit_vectors(bare, few, progress=False)).per_thousand(len(few))


@lru_cache(maxsize=1)
def _loaded(name: str) -> Any:
    """An embedder whose model is loaded once for all tasks of a source."""
    from ncd.embed.registry import get_embedder

    return get_embedder(name)


def sources_of(task: Task | None, embedders: Sequence[Any] | None, compressors: Sequence[Any] | None) -> list[Source]:
    """
    The sources that are compared, names checked.

    Parameters
    ----------
    task : str or None
        Decides which compressors are taken where none are named.
    embedders : sequence of str or object, or None
        None: "tfidf", and "minilm" where it is installed.
    compressors : sequence of str or object, or None
        None: "gzip" and "zstd"; for documents "zlib" and "ppm:3".

    Raises
    ------
    ValueError, TypeError, FileNotFoundError, MissingLibraryError
        For a name that is not known, is given twice, or whose library or file is not there.
    """
    from ncd.compressors.registry import get_compressor
    from ncd.embed.registry import available_embedders, get_embedder

    if compressors is None:
        compressors = _COMPRESSORS.get(task, _DEFAULT_COMPRESSORS) if task else _DEFAULT_COMPRESSORS
    if embedders is None:
        installed = {row.name.partition(":")[0] for row in available_embedders() if row.installed}
        embedders = ["tfidf", *(["minilm"] if "minilm" in installed else [])]
    for name, given in (("embedders", embedders), ("compressors", compressors)):
        if isinstance(given, str):
            raise TypeError(f"{name} is {given!r}: give a list of names, such as [{given!r}]")
    made = [Source("learner", key, name, "compression") for key, name in _LEARNERS.items()]
    if task == "segment":
        made = [Source("learner", "words", "word code", "compression")]
    elif task in ("similarity", "geometry", "cluster"):
        made = []
    made += [Source("compressor", spec, get_compressor(spec).name, "compression") for spec in compressors]
    if task != "segment":
        made.append(Source("words", "", "TF-IDF", "TF-IDF"))
    for spec in embedders:
        name = get_embedder(spec).name
        made.append(Source("embedder", spec, name, "TF-IDF" if name.partition(":")[0] == "tfidf" else "embedding"))
    names = [source.name for source in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is given twice: name each embedder and compressor once")
    return made


def classifiers_of(source: Source, n_train: int, n_jobs: int | None) -> list[Classifier]:
    """The classifiers on a source: of texts, or for embedders of vectors."""
    k = min(_NEIGHBORS, n_train)
    if source.kind == "learner":
        return [Classifier(source.name, lambda: _learner(source.spec, n_jobs))]
    if source.kind == "compressor":
        return [
            Classifier(f"{source.name} {k}-NN", lambda: _neighbours(source.spec, k, n_jobs)),
            Classifier(f"{source.name} dictionaries", lambda: _dictionaries(source.spec, n_jobs)),
        ]
    if source.kind == "words":
        return [
            Classifier("TF-IDF + linear SVM", _words_svm),
            Classifier(f"TF-IDF {k}-NN", lambda: WordsNearestVote(k)),
        ]
    return [
        Classifier(f"{source.name} + logistic", Logistic),
        Classifier(f"{source.name} {k}-NN", lambda: NearestVote(k)),
    ]


def _learner(key: str, n_jobs: int | None) -> Any:
    """A classifier that learns code lengths."""
    from ncd.classify.bits_saved import BitsSavedClassifier
    from ncd.classify.code_length import CodeLengthClassifier

    made: Any = BitsSavedClassifier if key == "bits-saved" else CodeLengthClassifier
    return made(n_jobs=n_jobs, progress=False)


def _neighbours(compressor: Any, k: int, n_jobs: int | None) -> Any:
    """Nearest neighbours with the library's defaults."""
    from ncd.classify.knn import NCDClassifier

    return NCDClassifier(compressor, n_neighbors=k, n_jobs=n_jobs, progress=False)


def _dictionaries(compressor: Any, n_jobs: int | None) -> Any:
    """Code lengths after the texts of each class."""
    from ncd.classify.code_length import CodeLengthClassifier

    return CodeLengthClassifier(compressor, n_jobs=n_jobs, progress=False)


def _words_svm() -> Any:
    """TF-IDF of words and pairs of words, and a linear support vector machine."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC(random_state=0))


class NearestVote:
    """k nearest neighbours by cosine; of classes with equally many votes, the one with the nearest neighbour."""

    def __init__(self, k: int) -> None:
        self.k = k

    def fit(self, X: Any, y: Any) -> NearestVote:
        """Keep the vectors."""
        from sklearn.neighbors import NearestNeighbors

        self.classes_, self.codes_ = np.unique(y, return_inverse=True)
        self.index_ = NearestNeighbors(n_neighbors=self.k, metric="cosine", algorithm="brute").fit(X)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels."""
        near = self.codes_[self.index_.kneighbors(X, return_distance=False)]
        votes = np.zeros((len(near), len(self.classes_)), np.int64)
        np.add.at(votes, (np.arange(len(near))[:, None], near), 1)
        leads = np.take_along_axis(votes == votes.max(1, keepdims=True), near, 1)
        return self.classes_[np.take_along_axis(near, leads.argmax(1)[:, None], 1)[:, 0]]


class WordsNearestVote(NearestVote):
    """The same with the weights of TF-IDF."""

    def fit(self, X: Any, y: Any) -> WordsNearestVote:
        """Learn the weights, and keep those of the texts."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.weights_ = TfidfVectorizer(sublinear_tf=True)
        super().fit(self.weights_.fit_transform(X), y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels."""
        return super().predict(self.weights_.transform(X))


class Logistic:
    """Logistic regression whose C is chosen by cross-validation on the training texts, where each class has three."""

    def fit(self, X: Any, y: Any) -> Logistic:
        """Choose C, and learn."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV
        from threadpoolctl import threadpool_limits

        folds = 3
        self.model_: Any = LogisticRegression(C=_STRENGTHS[1], max_iter=1000)
        if np.unique(y, return_counts=True)[1].min() >= folds:
            self.model_ = GridSearchCV(self.model_, {"C": list(_STRENGTHS)}, cv=folds)
        with threadpool_limits(1):  # more threads wait for each other on matrices this small, up to 100 times as long
            self.model_ = self.model_.fit(X, y)
        self.model_ = getattr(self.model_, "best_estimator_", self.model_)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Labels."""
        return np.asarray(self.model_.predict(X))
