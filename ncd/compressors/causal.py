"""Causal language models of `transformers`: read from a folder, and asked what tokens cost."""

from __future__ import annotations

import copy
import hashlib
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.exceptions import MissingLibraryError
from ncd.subwords import Tokens

__all__ = ["CausalModel", "Window", "digest", "load"]

_LOGITS_AT_ONCE = 1 << 27  # numbers, half a gigabyte in single precision
_ROWS_AT_ONCE = 256  # positions whose logits are turned to double precision together
_FILES = (".json", ".txt", ".model", ".safetensors", ".bin")
_SHORTEST_SHARED = 8  # tokens that are worth a run of their own
_lock = threading.Lock()


class Window(NamedTuple):
    """A piece ``begin:end`` of a text's tokens that predicts the tokens ``first:end + 1``."""

    text: int
    begin: int
    end: int
    first: int


class CausalModel(NamedTuple):
    """A language model in memory."""

    path: str
    network: Any
    tokens: Tokens
    start: int | None
    vocabulary: int
    limit: int | None
    device: str

    def costs(
        self, sequences: Sequence[NDArray[np.int64]], windows: Sequence[Window], shared: int, batch: int
    ) -> Iterator[tuple[Window, float]]:
        """
        Bits of the tokens that each window predicts.

        The first `shared` tokens are the same in all sequences. The model reads them once, and goes on from what it
        kept of them in all windows that begin with them and predict nothing of them.
        """
        behind = [window for window in windows if window.begin == 0 and window.first == shared > _SHORTEST_SHARED]
        others = [window for window in windows if not (window.begin == 0 and window.first == shared)]
        kept = None
        if len(behind) > 1:
            kept = self._read(sequences[0][: shared - 1])  # the last one has to predict
        if kept is None:
            behind, others = [], list(windows)
        yield from self._batches(sequences, behind, shared - 1, kept, batch)
        yield from self._batches(sequences, others, 0, None, batch)

    def _read(self, ids: NDArray[np.int64]) -> Any:
        """What the model keeps of tokens, if that can be copied to the rows of a batch."""
        import torch

        with torch.inference_mode():
            kept = self.network(torch.from_numpy(ids)[None].to(self.device), use_cache=True).past_key_values
        return kept if hasattr(kept, "batch_repeat_interleave") else None

    def _batches(
        self, sequences: Sequence[NDArray[np.int64]], windows: Sequence[Window], skip: int, kept: Any, batch: int
    ) -> Iterator[tuple[Window, float]]:
        """Costs of windows, those of like sizes together; the first `skip` tokens of each are in `kept`."""
        ordered = sorted(windows, key=lambda window: window.end - window.begin, reverse=True)
        done = 0
        while done < len(ordered):
            widest = ordered[done].end - ordered[done].begin - skip
            together = ordered[done : done + max(1, min(batch, _LOGITS_AT_ONCE // (widest * self.vocabulary)))]
            yield from zip(together, self._run(sequences, together, skip, kept, widest), strict=True)
            done += len(together)

    def _run(
        self, sequences: Sequence[NDArray[np.int64]], windows: Sequence[Window], skip: int, kept: Any, widest: int
    ) -> list[float]:
        """Costs of the windows of one batch."""
        import torch

        ids = torch.zeros((len(windows), widest), dtype=torch.long)
        seen = torch.zeros((len(windows), skip + widest), dtype=torch.long)
        for row, window in enumerate(windows):
            part = sequences[window.text][window.begin + skip : window.end]
            ids[row, : len(part)] = torch.from_numpy(part)
            seen[row, : skip + len(part)] = 1
        options: dict[str, Any] = {"use_cache": False}
        with torch.inference_mode():
            if kept is not None:
                options = {"use_cache": True, "past_key_values": copy.deepcopy(kept)}  # it grows
                options["past_key_values"].batch_repeat_interleave(len(windows))
            logits = self.network(ids.to(self.device), attention_mask=seen.to(self.device), **options).logits
            return [
                self._cost(
                    logits[row, window.first - 1 - window.begin - skip : window.end - window.begin - skip],
                    torch.from_numpy(sequences[window.text][window.first : window.end + 1]),
                )
                for row, window in enumerate(windows)
            ]

    def _cost(self, logits: Any, targets: Any) -> float:
        """Bits of tokens, each under its row of logits."""
        if self.device.startswith("mps"):  # which has no double precision
            logits = logits.cpu()
        nats = 0.0
        for part, wanted in zip(logits.split(_ROWS_AT_ONCE), targets.split(_ROWS_AT_ONCE), strict=True):
            wide = part.double()
            picked = wide.gather(1, wanted.to(wide.device)[:, None])[:, 0]
            nats += float((wide.logsumexp(1) - picked).sum())
        return nats / math.log(2)


def load(path: str, device: str, precision: str) -> CausalModel:
    """The model of a folder, one in a process for all that use it."""
    with _lock:
        return _load(path, digest(path), device, precision)


@lru_cache(maxsize=2)
def _load(path: str, stamp: str, device: str, precision: str) -> CausalModel:
    """Model and tokenizer of a folder whose files have that stamp."""
    del stamp
    try:
        import torch
        import transformers
    except ImportError:
        raise MissingLibraryError.of("the compressor 'hf'", "neural") from None
    try:
        with _quiet(transformers):
            network = transformers.AutoModelForCausalLM.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"hf: no causal language model can be read from {path!r}: {error}") from None
    try:
        network = network.to(device=device, dtype=getattr(torch, precision)).eval()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"hf: device is {device!r}, which PyTorch cannot use here: {error}") from None
    config = network.config
    start = next((i for i in (config.bos_token_id, config.eos_token_id) if i is not None), None)
    start = start[0] if isinstance(start, list | tuple) else start
    if start is not None and not 0 <= start < config.vocab_size:
        raise ValueError(
            f"hf: the token {start} that begins texts in {path!r} is none of its {config.vocab_size} tokens: "
            "correct bos_token_id and eos_token_id in its config.json"
        )
    limit = getattr(config, "max_position_embeddings", None)
    return CausalModel(path, network, _tokenizer(path, transformers), start, config.vocab_size, limit, device)


def _tokenizer(path: str, transformers: Any) -> Tokens:
    """The tokenizer of a folder, also where it has the files of older versions."""
    if (Path(path) / "tokenizer.json").is_file():
        return Tokens(path)
    try:
        made = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True, use_fast=True)
        return Tokens.from_json(made.backend_tokenizer.to_str())
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise ValueError(f"hf: no tokenizer can be read from {path!r}: {error}") from None


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bars while a model is loaded."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def digest(path: str) -> str:
    """SHA-256 of the files of a model, read once as long as they do not change."""
    folder = Path(path)
    if not (folder / "config.json").is_file():
        raise ValueError(f"hf: path is {path!r}: give a folder with config.json, weights and tokenizer")
    files = sorted(file for file in folder.iterdir() if file.suffix in _FILES and file.is_file())
    return _digest_of(tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=16)
def _digest_of(files: tuple[tuple[str, int, int], ...]) -> str:
    """SHA-256 of the names, sizes and contents of files."""
    whole = hashlib.sha256()
    for name, size, _ in files:
        whole.update(f"{Path(name).name}\0{size}\0".encode("utf-8", "surrogateescape"))
        with open(name, "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
