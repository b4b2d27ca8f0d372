"""Hidden states of any transformer: contextual vectors of tokens, and their means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ncd.arguments import whole_number
from ncd.embed.base import Embedder, Vectors, digest_of, refuse_wordless, spelled
from ncd.embed.local import device_of, existing, file_bytes, file_digest, load_errors, model_files, quiet, require
from ncd.embed.subwords import count_cut, padded, token_windows, warn_cut
from ncd.progress import progress_bar

__all__ = ["Hidden"]

_REACHED = "a model of the hub that can be reached"
_WHAT = "the folder of a model of transformers, with its tokenizer"
_POOLINGS = ("mean", "first", "last")
_NO_LIMIT = 1 << 20  # tokenizers say so with larger numbers


class Hidden(Embedder):
    """
    The states of a layer of a transformer of the library `transformers`, from a folder.

    A text's vector is the mean of the states of its tokens, special ones included, or that of its first token
    (``[CLS]`` in BERT) or last one. The model reads the first `max_tokens` tokens of a text: `truncated_` counts the
    texts that are cut, with a `WindowWarning` the first time; `encode_tokens` reads long texts in windows.

    Parameters
    ----------
    path : str or path
        Folder as `save_pretrained` writes it; the name of a model of the Hugging Face hub only with `allow_download`.
    layer : int
        Which states: 0 are the inputs of the first layer, -1 the outputs of the last.
    pooling : {"mean", "first", "last"}
        How the states of tokens become one of the text.
    max_tokens : int, optional
        Tokens that are read of a text, special ones included. Default: what model and tokenizer are made for.
    device : str
        As PyTorch names it.
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
        If transformers or torch is not installed.

    Examples
    --------
    >>> Hidden("models/bert-base-uncased", layer=-2).encode(["A man is eating."]).shape  # doctest: +SKIP
    (1, 768)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layer: int = -1,
        pooling: Literal["mean", "first", "last"] = "mean",
        max_tokens: int | None = None,
        device: str = "cpu",
        batch: int = 32,
        allow_download: bool = False,
    ) -> None:
        require("the embedder 'hidden'", "transformers", "torch")
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling is {pooling!r}: choose from {', '.join(_POOLINGS)}")
        self.path, self.pooling = os.fspath(path), pooling
        self.layer = whole_number(layer, "layer", -1024)
        self.max_tokens = None if max_tokens is None else whole_number(max_tokens, "max_tokens", 3)
        self.device, self.batch = str(device), whole_number(batch, "batch", 1)
        self.allow_download = bool(allow_download)
        self.truncated_ = 0
        self._warned = False
        self._loaded: tuple[Any, Any, int | None] | None = None
        self._folder = None if self.allow_download and not Path(self.path).exists() else self._checked_folder()

    def _checked_folder(self) -> Path:
        """The folder of the model, which must have one in it."""
        folder = existing(self.path, "hidden", f"{_WHAT}, or a name of the hub with allow_download=true")
        if not (folder / "config.json").is_file():
            raise ValueError(f"hidden: path is {self.path!r}, in which there is no config.json: give {_WHAT}")
        return folder

    def _load(self) -> tuple[Any, Any, int | None]:
        """Network, tokenizer, and how many tokens are read."""
        if self._loaded is None:
            from transformers import AutoModel, AutoTokenizer

            place = self._folder or self.path
            device, local = device_of(self.device), self._folder is not None
            with load_errors("hidden", self.path, _WHAT if local else _REACHED), quiet():
                network = AutoModel.from_pretrained(place, local_files_only=local).to(device).eval()
                tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local, use_fast=True)
            layers = network.config.num_hidden_layers
            if not -layers - 1 <= self.layer <= layers:
                raise ValueError(f"layer is {self.layer}: the model of {self.path!r} has the layers 0 to {layers}")
            places = getattr(network.config, "max_position_embeddings", None)
            if self.max_tokens is not None and places is not None and self.max_tokens > places:
                raise ValueError(
                    f"max_tokens is {self.max_tokens}: the model of {self.path!r} has places for {places:,}"
                )
            most = min((n for n in (tokenizer.model_max_length, places) if n and n < _NO_LIMIT), default=None)
            self._loaded = network, tokenizer, self.max_tokens or most
        return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    @property
    def name(self) -> str:
        return spelled(
            "hidden",
            self.path,
            layer=(self.layer, -1),
            pooling=(self.pooling, "mean"),
            max_tokens=(self.max_tokens, None),
            device=(self.device, "cpu"),
        )

    @property
    def dim(self) -> int:
        return int(self._load()[0].config.hidden_size)

    @property
    def n_parameters(self) -> int | None:
        return sum(weight.numel() for weight in self._load()[0].parameters())

    @property
    def nbytes(self) -> int | None:
        """Bytes of the model's files; of a model from the hub, of its numbers."""
        if self._folder is not None:
            return file_bytes(model_files(self._folder))
        return sum(weight.numel() * weight.element_size() for weight in self._load()[0].parameters())

    @property
    def digest(self) -> str:
        if self._folder is None:
            raise NotImplementedError(f"{self.name} comes from the hub, so its encodings are not kept: save it first")
        files = file_digest(model_files(self._folder), self._folder)
        return digest_of("hidden", files, self.layer, self.pooling, self.max_tokens)

    def _states(self, features: dict[str, Any]) -> Any:
        """States of the layer, shape (texts, tokens, dim)."""
        return self._load()[0](**features, output_hidden_states=True).hidden_states[self.layer]

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        import torch

        _, tokenizer, limit = self._load()
        self.truncated_ = count_cut(tokenizer, texts, limit)
        self._warned = warn_cut(self, len(texts), limit)
        rows = tokenizer(list(texts), truncation=limit is not None, max_length=limit, verbose=False)["input_ids"]
        silent = [i for i, row in enumerate(rows) if not row]
        refuse_wordless(silent, "no token that the model knows", "leave it out")
        vectors = np.empty((len(texts), self.dim), np.float32)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))  # of like lengths, so that little is filled up
        with (
            torch.inference_mode(),
            progress_bar(f"Encoding ({self.name})", len(texts), show=progress, unit="texts") as advance,
        ):
            for start in range(0, len(rows), self.batch):
                places = order[start : start + self.batch]
                features = padded([rows[i] for i in places], tokenizer.pad_token_id or 0, self.device)
                states, seen = self._states(features).float(), features["attention_mask"]
                vectors[places] = self._pooled(states, seen).cpu().numpy()
                advance(len(places))
        return vectors

    def _pooled(self, states: Any, seen: Any) -> Any:
        """One vector of each text."""
        import torch

        if self.pooling == "first":
            return states[:, 0]
        if self.pooling == "last":
            return states[torch.arange(len(states)), seen.sum(1) - 1]
        weights = seen.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    def tokens(self, text: str | bytes) -> list[str]:
        _, tokenizer, limit = self._load()
        return token_windows(tokenizer, text, limit).tokens

    def encode_tokens(self, text: str | bytes) -> Vectors:
        _, tokenizer, limit = self._load()
        return token_windows(tokenizer, text, limit).vectors(self._states, self.device, self.batch)
