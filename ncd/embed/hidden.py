"""Hidden states of any transformer: contextual vectors of tokens, and their means."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ncd.arguments import whole_number
from ncd.embed.base import Vectors, spelled
from ncd.embed.folder import FolderModel, places_of
from ncd.embed.subwords import padded, read_rows, token_windows
from ncd.progress import progress_bar

__all__ = ["Hidden"]

_POOLINGS = ("mean", "first", "last")
_NO_LIMIT = 1 << 20  # tokenizers say so with larger numbers


class Hidden(FolderModel):
    """
    The states of a layer of a transformer of the library `transformers`, from a folder.

    A text's vector is the mean of the states of its tokens, special ones included, or that of its first token
    (``[CLS]`` in BERT) or last one. Of models with an encoder and a decoder, such as T5, the encoder is read. The model
    reads the first `max_tokens` tokens of a text: `truncated_` counts the texts that are cut, with a `WindowWarning`
    the first time; `encode_tokens` reads long texts in windows.

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
    empty : {"error", "zero"}
        What a text without a token but special ones gets (of space only, say): an error, or the vector zero.
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
        If transformers or torch is not installed.

    Examples
    --------
    >>> Hidden("models/bert-base-uncased", layer=-2).encode(["A man is eating."]).shape  # doctest: +SKIP
    (1, 768)
    """

    _family = "hidden"
    _what = "the folder of a model of transformers, with its tokenizer"
    _needed = ("config.json",)
    _libraries = ("transformers", "torch")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layer: int = -1,
        pooling: Literal["mean", "first", "last"] = "mean",
        max_tokens: int | None = None,
        device: str = "cpu",
        batch: int = 32,
        empty: Literal["error", "zero"] = "error",
        allow_download: bool = False,
    ) -> None:
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling is {pooling!r}: choose from {', '.join(_POOLINGS)}")
        self.pooling, self.layer = pooling, whole_number(layer, "layer", -1024)
        super().__init__(path, max_tokens, device, batch, empty, allow_download)

    def _read(self, place: str, device: str, local: bool) -> Any:
        from transformers import AutoModel, AutoTokenizer

        network = AutoModel.from_pretrained(place, local_files_only=local, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=local, trust_remote_code=False, use_fast=True)
        if network.config.is_encoder_decoder:
            network = network.get_encoder()
        return network.to(device).eval(), tokenizer

    def _limited(self, loaded: Any) -> Any:
        """Network, tokenizer, and how many tokens are read."""
        network, tokenizer = loaded
        layers = network.config.num_hidden_layers
        if not -layers - 1 <= self.layer <= layers:
            raise ValueError(f"layer is {self.layer}: the model of {self.path!r} has the layers 0 to {layers}")
        places = places_of(network)
        if self.max_tokens is not None and places is not None and self.max_tokens > places:
            raise ValueError(f"max_tokens is {self.max_tokens}: the model of {self.path!r} has places for {places:,}")
        most = min((n for n in (tokenizer.model_max_length, places) if n and n < _NO_LIMIT), default=None)
        return network, tokenizer, self.max_tokens or most

    @property
    def _network(self) -> Any:
        return self._load()[0]

    @property
    def _limit(self) -> int | None:
        return self._load()[2]

    @property
    def name(self) -> str:
        return spelled("hidden", self.path, layer=(self.layer, -1), pooling=(self.pooling, "mean"), **self._spelled())

    @property
    def dim(self) -> int:
        return int(self._load()[0].config.hidden_size)

    @property
    def digest(self) -> str:
        return self._digest_of(self.layer, self.pooling)

    def _states(self, features: dict[str, Any]) -> Any:
        """States of the layer, shape (texts, tokens, dim)."""
        return self._load()[0](**features, output_hidden_states=True).hidden_states[self.layer]

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        _, tokenizer, limit = self._load()
        rows, self.truncated_, silent = read_rows(tokenizer, texts, limit)
        return self._told(len(texts), silent, lambda places: self._vectors([rows[i] for i in places], progress))

    def _vectors(self, rows: Sequence[Sequence[int]], progress: bool | None) -> Vectors:
        """Vectors of texts that are tokens; those of like lengths together, so that little is filled up."""
        import torch

        padding = self._load()[1].pad_token_id or 0
        vectors = np.empty((len(rows), self.dim), np.float32)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        with (
            torch.inference_mode(),
            progress_bar(f"Encoding ({self.name})", len(rows), show=progress, unit="texts") as advance,
        ):
            for start in range(0, len(rows), self.batch):
                places = order[start : start + self.batch]
                features = padded([rows[i] for i in places], padding, self.device)
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
