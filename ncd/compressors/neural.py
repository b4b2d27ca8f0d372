"""Neural language models as compressors: the code length of a text is its cross-entropy under the model."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor, Primed
from ncd.compressors.causal import CausalModel, Window, digest, load
from ncd.exceptions import MissingLibraryError

__all__ = ["HuggingFace"]

_PRECISIONS = ("float32", "bfloat16", "float16")
_DEFAULT_CONTEXT = 1024


class HuggingFace(Compressor):
    r"""
    A causal language model of the library `transformers`, from a folder; nothing is ever downloaded.

    The code length of a text with tokens :math:`t_1 \dots t_n` is its cross-entropy in bits,

    .. math:: L = -\sum_i \log_2 P(t_i \mid t_{i-k} \dots t_{i-1}),

    which an arithmetic coder would need, but for a bit or two. The first token is predicted from the model's token for
    the beginning of a text, or for the end of one if it has none; without either it costs the logarithm of the size of
    the vocabulary. That the text ends is not coded. Texts of more than `context` tokens are read through a window that
    moves by `stride`: the first window scores all its tokens, each later one its last `stride`, so that every token is
    scored once, and behind the first window after at least ``context - stride + 1`` others.

    ``primed(x).length(y)`` is the cross-entropy of the tokens of y behind those of x, of which the last ones that fit
    into the context are seen. ``length(x) + primed(x).length(y)`` can differ from ``length(x + y)``, whose tokens may
    reach over the seam.

    Probabilities are computed in `precision` and summed in double precision. Batches are filled up to equal
    lengths, and matrix products are rounded differently for each shape, so that a length can change by about one part
    in a million with the texts beside it.

    Parameters
    ----------
    path : str or path
        Folder with ``config.json``, weights and tokenizer, as `save_pretrained` writes it. Colons, commas and equals
        signs in it are allowed.
    context : int, optional
        Tokens that the model sees at most. Default: 1,024, or as many as the model can if that is less.
    stride : int, optional
        Tokens that a window moves, 1 to `context`. Default: half of the context. Smaller is slower, and lengths are
        shorter.
    device : str
        Where the model runs, as PyTorch names it: "cpu", "cuda", "cuda:1", "mps".
    precision : {"float32", "bfloat16", "float16"}
        Of the weights and the model's arithmetic.
    batch : int
        Windows that are computed together at most; fewer where their logits would take more than half a gigabyte.
    lossy : bool
        Take texts that their tokens do not give back, such as upper case for a model that knows lower case only; what
        is coded then is what the model sees. Otherwise such texts are refused, and so are bytes that are not UTF-8
        unless the tokenizer is byte-level.

    Raises
    ------
    MissingLibraryError
        If transformers or torch is not installed.
    ValueError
        If the folder has no causal language model, or a parameter is out of range.

    Examples
    --------
    >>> model = get_compressor("hf:models/gpt2,context=512")  # doctest: +SKIP
    >>> model.length("To be or not to be, that is the question.")  # doctest: +SKIP
    """

    family = "hf"
    argument = "PATH"
    defaults: ClassVar = {
        "path": "",
        "context": None,
        "stride": None,
        "device": "cpu",
        "precision": "float32",
        "batch": 8,
        "lossy": False,
    }
    unit = "bits"
    dtype = np.dtype(np.float64)
    can_prime = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        context: int | None = None,
        stride: int | None = None,
        device: str = "cpu",
        precision: str = "float32",
        batch: int = 8,
        lossy: bool = False,
    ) -> None:
        super().__init__(
            path=os.fspath(path),
            context=context,
            stride=stride,
            device=str(device),
            precision=precision,
            batch=batch,
            lossy=lossy,
        )
        if not self._params["path"]:
            raise ValueError("hf: path is empty: give the folder of a model, as in 'hf:models/gpt2'")
        self._check_range("batch", 1, 1 << 16)
        for key in ("context", "stride"):
            if self._params[key] is not None:
                self._check_range(key, 1, 1 << 24)
        if context is not None and stride is not None and stride > context:
            raise ValueError(f"hf: stride is {stride}: choose from 1 to the context, {context}")
        self._check_choice("precision", _PRECISIONS)
        self._check_choice("lossy", (True, False))

    @staticmethod
    def library_version() -> str:
        """Versions of the libraries, without importing them."""
        try:
            return f"transformers {version('transformers')}, torch {version('torch')}"
        except PackageNotFoundError:
            raise MissingLibraryError.of("the compressor 'hf'", "neural") from None

    @property
    def version(self) -> str:
        """Versions of the libraries, and the first 16 digits of the SHA-256 of the model's files."""
        return f"{self.library_version()}, model {digest(self._params['path'])[:16]}"

    def _compress(self, data: bytes) -> bytes:
        raise TypeError(
            f"{self.name} gives lengths only: floating point differs from machine to machine, so that its bytes could "
            "not be read elsewhere; use a context model, such as ppm, to store texts"
        )

    @property
    def _model(self) -> CausalModel:
        """The loaded model."""
        return load(*(self._params[key] for key in ("path", "device", "precision")))

    def _window(self, model: CausalModel) -> tuple[int, int]:
        """Context and stride, the model's limits known."""
        context, stride, limit = self._params["context"], self._params["stride"], model.limit
        if context is None:
            context = min(_DEFAULT_CONTEXT, limit or _DEFAULT_CONTEXT)
        elif limit is not None and context > limit:
            raise ValueError(f"hf: context is {context}: the model of {self._params['path']!r} sees {limit} tokens")
        stride = max(1, context // 2) if stride is None else stride
        if stride > context:
            raise ValueError(f"hf: stride is {stride}: choose from 1 to the context, {context}")
        return context, stride

    def symbol_counts(self, texts: Iterable[bytes]) -> list[int]:
        """
        How many tokens each text has.

        Parameters
        ----------
        texts : iterable of bytes

        Returns
        -------
        list of int
        """
        return [len(ids) for ids in self._tokens(self._model, texts)]

    def _tokens(self, model: CausalModel, texts: Iterable[bytes]) -> list[NDArray[np.int64]]:
        """Tokens of each text, which must give it back."""
        found = []
        corpus = list(texts)
        joined, offsets = model.tokens._encode(corpus)
        for text, start, stop in zip(corpus, offsets[:-1], offsets[1:], strict=True):
            ids = joined[start:stop].astype(np.int64)
            if not self._params["lossy"] and not model.tokens.keeps(text, ids):
                raise ValueError(
                    f"hf: the tokens of {model.path!r} do not give back the text {text[:40]!r}...: what they lose "
                    "would cost nothing; take a model with a byte-level tokenizer, or allow it with lossy=true"
                )
            if len(ids) and ids.max() >= model.vocabulary:
                raise ValueError(f"hf: token {ids.max()} of {model.path!r}: its model knows {model.vocabulary} only")
            found.append(ids)
        return found

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        return self._bits(np.empty(0, np.int64), texts)

    def _primed(self, x: bytes) -> Primed:
        return _PrimedModel(self, self._tokens(self._model, [x])[0])

    def _bits(self, before: NDArray[np.int64], texts: Iterable[bytes]) -> list[float]:
        """Cross-entropies in bits behind the tokens `before`."""
        model = self._model
        context, stride = self._window(model)
        start = [] if model.start is None else [model.start]
        known = np.array([*start, *before[max(0, len(before) - context) :]], np.int64)  # more are in no window
        sequences, windows = [], []
        bits: list[float] = []
        for i, ids in enumerate(self._tokens(model, texts)):
            free = not len(known) and len(ids)  # nothing to predict the first token from
            bits.append(math.log2(model.vocabulary) if free else 0.0)
            sequences.append(np.concatenate([known, ids]))
            windows += [Window(i, *places) for places in _windows(len(known) or 1, len(sequences[i]), context, stride)]
        for window, cost in model.costs(sequences, windows, len(known), self._params["batch"]):
            bits[window.text] += cost
        if any(map(math.isnan, bits)):
            raise ValueError(f"hf: the model of {model.path!r} gives no probabilities (NaN); try precision=float32")
        return bits


class _PrimedModel(Primed):
    """A language model behind a text."""

    def __init__(self, model: HuggingFace, before: NDArray[np.int64]) -> None:
        self._model, self._before = model, before

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        return self._model._bits(self._before, texts)


def _windows(first: int, size: int, context: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Begin, end and first target of the windows that predict the tokens first:size, each once."""
    while first < size:
        end = min(max(context, first + stride - 1), size - 1)
        yield max(0, end - context), end, first
        first = end + 1
