"""Texts as tokens of a transformer: how many are cut, and windows in which none is."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncd.embed.base import Vectors, as_strings
from ncd.exceptions import EmptyTextError, WindowWarning

__all__ = ["TokenWindows", "padded", "read_rows", "read_whole", "token_windows", "warn_cut"]

_AT_ONCE = 1024  # texts that are cut into tokens together


def read_rows(tokenizer: Any, texts: Sequence[str], limit: int | None) -> tuple[list[list[int]], int, list[int]]:
    """The tokens that are read of texts, how many texts have more, and which have none but special ones."""
    rows: list[list[int]] = []
    silent: list[int] = []
    n_cut = 0
    for start in range(0, len(texts), _AT_ONCE):
        part = list(texts[start : start + _AT_ONCE])
        found = tokenizer(part, truncation=False, return_special_tokens_mask=True, verbose=False)
        read = found["input_ids"]
        cut = [i for i, row in enumerate(read) if limit is not None and len(row) > limit]
        if cut:  # by the tokenizer, which keeps the special tokens at the end
            short = tokenizer([part[i] for i in cut], truncation=True, max_length=limit, verbose=False)["input_ids"]
            for i, row in zip(cut, short, strict=True):
                read[i] = row
        rows += read
        n_cut += len(cut)
        silent += [start + i for i, marks in enumerate(found["special_tokens_mask"]) if all(marks)]
    return rows, n_cut, silent


def read_whole(tokenizer: Any, texts: Sequence[str], limit: int | None) -> tuple[int, list[int]]:
    """How many texts have more tokens than `limit`, special ones included, and which have none but special ones."""
    cut, silent = 0, []
    for start in range(0, len(texts), _AT_ONCE):
        found = tokenizer(
            list(texts[start : start + _AT_ONCE]), truncation=False, return_special_tokens_mask=True, verbose=False
        )["special_tokens_mask"]
        cut += sum(limit is not None and len(marks) > limit for marks in found)
        silent += [start + i for i, marks in enumerate(found) if all(marks)]
    return cut, silent


def warn_cut(embedder: Any, n: int, limit: int | None) -> bool:
    """Warn of texts that were cut, once for an embedder; whether it has been warned of."""
    if embedder.truncated_ and not embedder._warned:
        warnings.warn(
            f"{embedder.name} reads {limit} tokens of a text: {embedder.truncated_:,} of {n:,} texts are longer, and "
            "what stands behind is not seen (attribute truncated_; max_tokens sets the number)",
            WindowWarning,
            stacklevel=4,
        )
        return True
    return bool(embedder._warned)


def padded(rows: Sequence[Sequence[int]], padding: int, device: str) -> dict[str, Any]:
    """Rows of tokens as a rectangle, filled up on the right, and which of them are to be seen."""
    import torch

    shape = len(rows), max(map(len, rows))
    ids, seen = torch.full(shape, padding, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        seen[i, : len(row)] = 1
    return {"input_ids": ids.to(device), "attention_mask": seen.to(device)}


@dataclass(frozen=True)
class TokenWindows:
    """A text's tokens in windows of what a model reads at once; special tokens frame each window."""

    rows: list[list[int]]
    special: list[list[int]]
    tokens: list[str]
    padding: int

    def vectors(self, forward: Callable[[dict[str, Any]], Any], device: str, batch: int) -> Vectors:
        """The states that the model has at all tokens but the special ones."""
        import torch

        parts = []
        with torch.inference_mode():
            for start in range(0, len(self.rows), batch):
                special = self.special[start : start + batch]
                features = padded(self.rows[start : start + batch], self.padding, device)
                states = forward(features).float().cpu().numpy()
                for i, marks in enumerate(special):
                    parts.append(states[i, : len(marks)][np.asarray(marks) == 0])
        return np.concatenate(parts).astype(np.float32, copy=False)


def token_windows(tokenizer: Any, text: str | bytes, limit: int | None) -> TokenWindows:
    """
    The tokens of one text, in windows of `limit` tokens that do not overlap.

    Raises
    ------
    EmptyTextError
        If the text has no token but special ones.
    """
    string = as_strings([text], name="text")[0]
    found = tokenizer(
        [string],
        truncation=limit is not None,
        max_length=limit,
        return_overflowing_tokens=limit is not None,
        return_special_tokens_mask=True,
        verbose=False,
    )
    rows, special = found["input_ids"], found["special_tokens_mask"]
    plain = [
        i for row, marks in zip(rows, special, strict=True) for i, mark in zip(row, marks, strict=True) if not mark
    ]
    if not plain:
        raise EmptyTextError("text has no token that the model knows: give another")
    return TokenWindows(rows, special, tokenizer.convert_ids_to_tokens(plain), tokenizer.pad_token_id or 0)
