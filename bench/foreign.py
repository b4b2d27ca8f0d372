"""Text classifiers of other packages, which are optional: fastText, and embeddings with a linear model."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

_FASTTEXT = {"lr": 1.0, "epoch": 25, "wordNgrams": 2, "bucket": 200_000, "thread": 1, "seed": 0, "verbose": 0}
_MARKS = re.compile(r"([.!?,'/()\";:])")


def missing(modules: Sequence[str]) -> list[str]:
    """Those of the modules that are not installed."""
    return [name for name in modules if find_spec(name) is None]


class FastText:
    """
    fastText's classifier (Joulin et al., 2017) with the settings of its tutorial.

    Texts are lower-cased and marks set apart, as there; learning rate 1, 25 epochs, words and pairs of words. One
    thread, so that a run can be repeated. Its tutorial's table of two million rows for pairs is cut to 200,000, as
    the same tutorial does for speed.
    """

    @staticmethod
    def line(text: str) -> str:
        """A text as one line of words."""
        return " ".join(_MARKS.sub(r" \1 ", text.lower()).split())

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> FastText:
        """Train, from a file of lines."""
        import fasttext

        self.classes_, codes = np.unique(np.asarray(labels), return_inverse=True)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            with path.open("w", encoding="utf-8") as lines:
                lines.writelines(f"__label__{c} {self.line(t)}\n" for c, t in zip(codes, texts, strict=True))
            self.model_ = fasttext.train_supervised(str(path), **_FASTTEXT)
        return self

    def predict(self, texts: Sequence[str]) -> Any:
        """The most probable label; that of the largest class where no word is known."""
        found, _ = self.model_.predict([self.line(text) for text in texts])
        by_count = self.model_.labels[0]
        return self.classes_[[int((said[0] if said else by_count).removeprefix("__label__")) for said in found]]

    def model_bytes(self) -> int:
        """Bytes of its own file, not compressed."""
        with tempfile.TemporaryDirectory() as folder:
            self.model_.save_model(str(Path(folder, "model.bin")))
            return Path(folder, "model.bin").stat().st_size


class OnVectors:
    """
    A logistic regression on the vectors of an embedder, as users of embeddings do it.

    The regression is that of `ncd compare`: C is chosen by cross-validation on the training texts, since for vectors of
    length 1 scikit-learn's default of 1 is far too small; where a class has fewer than three texts C is 10. Encodings
    are kept on disk, so that time is that of the first run only.
    """

    def __init__(self, embedder: str, threads: int | None) -> None:
        self.embedder, self.threads = embedder, threads

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> OnVectors:
        """Embed, and train the regression."""
        from ncd.compare.sources import Logistic

        self.encoder_ = encoder(self.embedder, self.threads)
        if not self.encoder_.fitted:
            self.encoder_.fit(texts)
        self.model_ = Logistic().fit(self.encoder_.encode(texts, progress=False), labels).model_
        return self

    def predict(self, texts: Sequence[str]) -> Any:
        """Labels."""
        return self.model_.predict(self.encoder_.encode(texts, progress=False))

    def model_bytes(self) -> int:
        """Bytes of the embedder on disk, and of the regression."""
        return int((self.encoder_.nbytes or 0) + 8 * (self.model_.coef_.size + self.model_.intercept_.size))


def encoder(name: str, threads: int | None = None) -> Any:
    """An embedder for benchmarks; trained ones keep their encodings on disk."""
    from ncd.embed import get_embedder
    from ncd.embed.cache import Cached

    if threads and find_spec("torch") is not None:
        import torch

        torch.set_num_threads(threads)
    model = get_embedder(name)
    return model if model.learns else Cached(model)
