"""Class models of texts in one alphabet: what the classifiers ask for code lengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ncd.classify.class_model import ClassModel
from ncd.classify.framed import Frame, new_frame
from ncd.kernels.class_bits import Rule
from ncd.kernels.jit import announced
from ncd.memory import give_back

__all__ = ["MODELS", "RULES", "AlphabetName", "Counted", "is_class_model"]

AlphabetName = Literal["bytes", "words", "tokens"]

#: Class models by name, and their alphabets.
MODELS: dict[str, AlphabetName] = {"ngram": "bytes", "words": "words", "tokens": "tokens"}

#: K, a and w of the class models.
RULES: dict[AlphabetName, tuple[int, float, float]] = {
    "bytes": (6, 2.0, 0.5),
    "words": (2, 4.0, 0.25),
    "tokens": (2, 4.0, 0.25),
}


def is_class_model(model: Any) -> bool:
    """Whether this is the name of a class model, not a compressor."""
    return isinstance(model, str) and model in MODELS


@cache
def _compiled(alphabet: AlphabetName) -> None:
    """Compile the kernels, or load them from disk, once in a process."""
    with announced("the kernels of class models"):
        texts, codes = [b"to be", b"or not"], np.arange(2)
        Counted._of(texts, codes, 2, alphabet, 1, None, None, 1).left_out(texts, codes, n_jobs=1)


def _silent(steps: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Counted:
    """
    The strings of the training texts of each class, counted.

    Attributes
    ----------
    frame : Frame
    model : ClassModel
    """

    frame: Frame
    model: ClassModel

    @classmethod
    def of(
        cls,
        texts: Sequence[bytes],
        codes: NDArray[np.int64],
        n_classes: int,
        alphabet: AlphabetName,
        *,
        order: int | None = None,
        alpha: float | None = None,
        weight: float | None = None,
        n_jobs: int | None,
        done: Callable[[int], None] = _silent,
    ) -> Counted:
        """
        Count, telling `done` of symbols.

        K, a and w are those of `RULES` unless given, K lower where so many different words fit no key.
        """
        _compiled(alphabet)
        made = cls._of(texts, codes, n_classes, alphabet, order, alpha, weight, n_jobs, done)
        give_back()
        return made

    @classmethod
    def _of(
        cls,
        texts: Sequence[bytes],
        codes: NDArray[np.int64],
        n_classes: int,
        alphabet: AlphabetName,
        order: int | None,
        alpha: float | None,
        weight: float | None,
        n_jobs: int | None,
        done: Callable[[int], None] = _silent,
    ) -> Counted:
        """Count, with kernels that may have to be compiled."""
        frame = new_frame(alphabet)
        framed = frame.learn(texts)
        usual = RULES[alphabet]
        rule = Rule(
            min(usual[0], 64 // frame.bits - 1) if order is None else int(order),
            usual[1] if alpha is None else float(alpha),
            usual[2] if weight is None else float(weight),
            1 / frame.size,
        )
        return cls(frame, ClassModel.of(framed, codes, n_classes, rule, frame, n_jobs=n_jobs, done=done))

    def bits(
        self, texts: Sequence[bytes], *, n_jobs: int | None, done: Callable[[int], None] = _silent
    ) -> NDArray[np.float64]:
        """Code lengths in bits, shape (n_texts, n_classes); `done` hears of symbols."""
        return self.model.bits(self.frame.read(texts), n_jobs=n_jobs, done=done)

    def left_out(
        self,
        texts: Sequence[bytes],
        codes: NDArray[np.int64],
        *,
        n_jobs: int | None,
        done: Callable[[int], None] = _silent,
    ) -> NDArray[np.float64]:
        """Code lengths in bits of texts that are counted in classes `codes`: each leaves the counts first."""
        words = self.frame.alphabet is not None and self.frame.alphabet.kind == "words"
        return self.model.bits(self.frame.read(texts), left_out=codes, shrinks=words, n_jobs=n_jobs, done=done)

    def positions(self, text: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The symbols of a text with its marks, and the bits of each under each class; the first has none."""
        symbols = self.frame.read([text]).symbols
        return symbols, self.model.positions(symbols)
