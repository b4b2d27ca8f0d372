"""The classifiers that `bench.classification` compares, and how much of a set each is given."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import ncd
from bench.common import Split, timed

#: Most weights (classes x features) of a linear baseline: what is beyond would take gigabytes.
_MOST_WEIGHTS = 40_000_000
_MOST_WEIGHTS_LBFGS = 5_000_000  # L-BFGS keeps twenty such vectors
_CHARS_SECONDS = 120
_LEAST_TEXTS = 100  # test rows for a class model, some of which take over a second a text

#: Rows that the published kNN gives, all from one pass over the pairs: name, column head, note.
GZIP_KNN_ROWS = (
    ("gzip-knn k=1", "gzip kNN, k=1", "the same as k=2 with ties to the nearest neighbour"),
    ("gzip-knn k=5", "gzip kNN, k=5", "ties to the nearest neighbour"),
    ("gzip-knn optimistic", "gzip kNN, optimistic (looks at the test label)", "k=2, right if either neighbour is"),
)


@dataclass(frozen=True)
class Method:
    """
    One classifier.

    Attributes
    ----------
    name : str
        For ``--methods`` and in the JSON.
    head : str
        Column head.
    make : callable
        From the set to an unfitted estimator.
    cost : {"pairs", "texts", "all"}
        "pairs": time grows with test rows x training rows, both may be sampled; "texts": with test rows, which
        may be sampled; "all": never sampled.
    note : str
        Stands in the table.
    """

    name: str
    head: str
    make: Callable[[Split], Any]
    cost: Literal["pairs", "texts", "all"] = "all"
    note: str = ""

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Name, column head and note of every row that the method gives."""
        return GZIP_KNN_ROWS if self.name == "gzip-knn" else ((self.name, self.head, self.note),)

    def left_out(self, split: Split) -> str | None:
        """Why the method is not run on a set, or None."""
        if self.name == "svm-chars":
            megabytes = sum(len(text.encode()) for text in split.train) / 1e6
            seconds = megabytes * (2.5 + 0.35 * split.classes)  # rough, as measured on two cores
            if seconds > _CHARS_SECONDS:
                return f"left out: would take about {seconds:,.0f} s, over {_CHARS_SECONDS} s"
        return None


def _majority(_: Split) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="most_frequent")


def _tfidf(split: Split, weights: int = _MOST_WEIGHTS, **options: Any) -> Any:
    """TF-IDF at scikit-learn's defaults, the rarest features dropped where they would not fit into memory."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    classes = split.classes if split.classes > 2 else 1
    return TfidfVectorizer(max_features=weights // classes, **options)


def _svm_words(split: Split) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(_tfidf(split, ngram_range=(1, 2)), LinearSVC())


def _svm_chars(split: Split) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(_tfidf(split, analyzer="char", ngram_range=(2, 5)), LinearSVC())


def _logistic(split: Split) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_tfidf(split, _MOST_WEIGHTS_LBFGS, ngram_range=(1, 2)), LogisticRegression())


def _naive_bayes(split: Split) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    return make_pipeline(CountVectorizer(), MultinomialNB())


def _published_knn(_: Split) -> Any:
    """Jiang et al. (2023): gzip, NCD, test text first, one space between."""
    return ncd.NCDClassifier("gzip", metric="ncd", joint="concat", order="xy", n_neighbors=5)


METHODS: tuple[Method, ...] = (
    Method("majority", "most frequent class", _majority),
    Method("code-length", "CodeLengthClassifier()", lambda _: ncd.CodeLengthClassifier(), "texts"),
    Method("knn", "NCDClassifier()", lambda _: ncd.NCDClassifier(), "pairs"),
    Method(
        "code-length zstd 1",
        "zstd:9, 1 dictionary a class",
        lambda _: ncd.CodeLengthClassifier("zstd:9", dictionaries=1),
        "texts",
        "like FTCC",
    ),
    Method(
        "code-length zstd 5",
        "zstd:9, 5 dictionaries a class",
        lambda _: ncd.CodeLengthClassifier("zstd:9", dictionaries=5),
        "texts",
        "like FTCC",
    ),
    Method(
        "code-length gzip",
        "gzip, classes concatenated",
        lambda _: ncd.CodeLengthClassifier("gzip", dictionaries=1, joint="concat"),
        "texts",
        "L(class + text) - L(class); gzip sees the last 32 KB of a class",
    ),
    Method("gzip-knn", "gzip kNN", _published_knn, "pairs"),
    Method("svm-words", "TF-IDF words 1-2 + linear SVM", _svm_words),
    Method("svm-chars", "TF-IDF characters 2-5 + linear SVM", _svm_chars),
    Method("logistic", "TF-IDF words 1-2 + logistic regression", _logistic),
    Method("naive-bayes", "word counts + multinomial NB", _naive_bayes),
)

#: Column heads by row name, in the order of the table; and notes.
HEADS = {name: head for method in METHODS for name, head, _ in method.rows}
NOTES = {name: note for method in METHODS for name, _, note in method.rows}


@dataclass(frozen=True)
class Sample:
    """How many rows of a set are used: the first so many of the shuffled ones."""

    n_train: int
    n_test: int


def plan(method: Method, split: Split, budget: float, least: int) -> Sample:
    """
    Rows that fit the budget of seconds, from the measured cost of a few.

    Test rows go first (that only widens the interval), down to `least`; then training rows, for methods that look at
    every pair.
    """
    full = Sample(len(split.train), len(split.test))
    if method.cost == "all" or method.left_out(split):
        return full
    if method.cost == "texts":
        return Sample(full.n_train, _affordable_texts(method, split, budget, min(least, _LEAST_TEXTS, full.n_test)))
    some_train, some_test = min(400, full.n_train), min(50, full.n_test)
    model = method.make(split).fit(split.train[:some_train], split.train_labels[:some_train])
    seconds, _ = timed(lambda: model.predict(split.test[:some_test]))
    pairs = budget * some_train * some_test / seconds
    if pairs >= full.n_train * full.n_test:
        return full
    n_test = min(full.n_test, max(min(least, full.n_test), _two_digits(pairs / full.n_train)))
    return Sample(min(full.n_train, max(some_train, _two_digits(pairs / n_test))), n_test)


def _affordable_texts(method: Method, split: Split, budget: float, least: int) -> int:
    """
    Test rows for a class model, whose time is a constant (preparing the classes) and a part for each text.

    Ever more rows are timed, until the part for each text has doubled the time and so stands out from the constant.
    """
    model, n = method.make(split).fit(split.train, split.train_labels), len(split.test)
    few = rows = min(4, n)
    first, _ = seconds, _ = timed(lambda: model.predict(split.test[:few]))
    while seconds * n / rows > budget:
        if seconds >= 2 * first or seconds > budget / 5:
            if rows == few:
                each, constant = seconds / rows, 0.0
            else:
                each = max((seconds - first) / (rows - few), 1e-9)
                constant = max(first - few * each, 0.0)
            affordable = (budget - constant) / each
            return n if affordable >= n else max(least, _two_digits(affordable))
        rows = min(2 * rows, n)
        seconds, _ = timed(lambda rows=rows: model.predict(split.test[:rows]))  # type: ignore[misc]
    return n


def _two_digits(value: float) -> int:
    """Rounded down to two significant digits."""
    if value < 100:
        return max(int(value), 1)
    unit = 10 ** (int(math.log10(value)) - 1)
    return int(value // unit * unit)


def model_bytes(model: Any) -> int:
    """Bytes of the saved model: `ncd.save_model`, or joblib with zlib for scikit-learn's."""
    import joblib

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        if isinstance(model, ncd.NCDClassifier | ncd.CodeLengthClassifier):
            ncd.save_model(model, path)
        else:
            joblib.dump(model, path, compress=("zlib", 3))
        return path.stat().st_size


def remarks(name: str, model: Any) -> list[str]:
    """What the defaults are, or what a fitted scikit-learn pipeline did otherwise than asked."""
    if name == "code-length":
        size = f"dictionaries of {model.dictionary_size:,} bytes at most"
        return [f"defaults: {model.compressor_}, {size}, {model.deals} deals"]
    if name == "knn":
        return [f"defaults: {model.compressor}, {model.metric}, k={model.n_neighbors}, ties: {model.tie}"]
    said = []
    for _, step in getattr(model, "steps", []):
        limit, iterations = getattr(step, "max_features", None), getattr(step, "n_iter_", 0)
        if limit and len(step.vocabulary_) == limit:
            said.append(f"the {limit:,} most frequent features only")
        if np.max(iterations) >= getattr(step, "max_iter", np.inf):
            said.append(f"stopped at {step.max_iter:,} iterations")
    return said


def parameters(model: Any) -> dict[str, str]:
    """Every parameter of one of our classifiers, for the record."""
    if isinstance(model, ncd.NCDClassifier | ncd.CodeLengthClassifier):
        return {key: str(value) for key, value in model.get_params().items()}
    return {}
