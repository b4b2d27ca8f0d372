"""Static vectors of tokens, distilled from a transformer by model2vec."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from ncd.arguments import whole_number
from ncd.embed.base import Embedder, Vectors, as_strings, digest_of, refuse_wordless, spelled
from ncd.embed.cache import cache_folder
from ncd.embed.local import (
    Stamps,
    existing,
    file_bytes,
    file_digest,
    load_errors,
    model_files,
    quiet,
    require,
    stamped,
    stamped_digest,
    unchanged,
    versions,
)
from ncd.embed.sentence import minilm_folder
from ncd.exceptions import EmptyTextError, MissingLibraryError
from ncd.progress import progress_bar

__all__ = ["Static", "distill", "static"]

_WHAT = "the folder of a model2vec model"
_EXTRA = "pip install 'model2vec[distill]'"
_AT_ONCE = 4096
_FORMAT = 1  # of what is done with texts, as a part of digests
_ALL = 1 << 30  # tokens of a text: no limit


class Static(Embedder):
    """
    A model of the library `model2vec`, from a folder: a vector for each subword token, which a text's is the mean of.

    Tokens that are not in the vocabulary are left out; texts are read whole.

    Parameters
    ----------
    path : str or path
        Folder as `StaticModel.save_pretrained` or `distill` writes it.
    empty : {"error", "zero"}
        What a text without a known token gets: an error, or the vector zero.

    Raises
    ------
    FileNotFoundError, ValueError
        If the path does not exist or is no model, or a parameter is out of range.
    MissingLibraryError
        If model2vec is not installed.

    Examples
    --------
    >>> Static("models/potion-base-8M").encode(["A man is eating."]).shape  # doctest: +SKIP
    (1, 256)
    """

    def __init__(self, path: str | os.PathLike[str], *, empty: Literal["error", "zero"] = "error") -> None:
        require("the embedder 'model2vec'", "model2vec")
        if empty not in ("error", "zero"):
            raise ValueError(f"empty is {empty!r}: choose from error, zero")
        self.path, self.empty = os.fspath(path), empty
        self._folder = existing(self.path, "model2vec", _WHAT)
        self._argument = self.path
        self._loaded: Any = None
        self._stamps: Stamps | None = None
        self._check()

    def _check(self) -> None:
        """Refuse what is no folder of a model, and name the remedy for a transformer's."""
        try:
            config = json.loads((self._folder / "config.json").read_text("utf-8"))
        except (OSError, ValueError):
            raise ValueError(f"model2vec: path is {self.path!r}, in which there is no model: give {_WHAT}") from None
        if not isinstance(config, dict):
            raise ValueError(f"model2vec: path is {self.path!r}, whose config.json is no object: give {_WHAT}")
        kinds = config.get("architectures") or ["StaticModel"]
        if "StaticModel" not in kinds:
            kind = kinds[0] if isinstance(kinds, list) else kinds
            raise ValueError(
                f"model2vec: path is {self.path!r}, a model of the kind {kind}: distil it first, "
                "with ncd.embed.distill(path, folder)"
            )

    @property
    def _model(self) -> Any:
        """The loaded model."""
        if self._loaded is None:
            from model2vec import StaticModel

            before = stamped(model_files(self._folder), self._folder)
            with load_errors("model2vec", self.path, _WHAT):
                model = StaticModel.from_pretrained(self._folder)
            model.embedding = model.embedding.astype(np.float32, copy=False)
            self._stamps = unchanged(before, stamped(model_files(self._folder), self._folder), self.path)
            self._loaded = model
        return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None, "_stamps": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = object.__new__(type(self))  # shares the vectors, which do not change
        made.__dict__ |= self.__dict__
        return made

    @property
    def name(self) -> str:
        return spelled("model2vec", self._argument, empty=(self.empty, "error"))

    @property
    def dim(self) -> int:
        return int(self._model.dim)

    @property
    def n_parameters(self) -> int | None:
        return int(self._model.embedding.size)

    @property
    def nbytes(self) -> int | None:
        """Bytes of the model's files."""
        return file_bytes(model_files(self._folder))

    @property
    def digest(self) -> str:
        stamps = stamped(model_files(self._folder), self._folder) if self._stamps is None else self._stamps
        return digest_of("model2vec", _FORMAT, versions("model2vec"), stamped_digest(stamps), self.empty)

    def _encode(self, texts: Sequence[str], progress: bool | None) -> Any:
        model = self._model
        vectors = np.empty((len(texts), self.dim), np.float32)
        with progress_bar(f"Encoding ({self.name})", len(texts), show=progress, unit="texts") as advance:
            for start in range(0, len(texts), _AT_ONCE):
                part = list(texts[start : start + _AT_ONCE])
                vectors[start : start + len(part)] = model.encode(part, max_length=_ALL, use_multiprocessing=False)
                advance(len(part))
        if self.empty == "error":
            silent = np.flatnonzero(~vectors.any(axis=1)).tolist()
            refuse_wordless(
                silent,
                "no token that the model knows",
                "leave it out, or take zeros, as in 'model2vec:minilm,empty=zero'",
            )
        return vectors

    def _ids(self, text: str | bytes) -> list[int]:
        """The known tokens of a text."""
        ids: list[int] = self._model.tokenize(as_strings([text], name="text"))[0]
        if not ids:
            raise EmptyTextError(f"text has no token that {self.name} knows: give another")
        return ids

    def tokens(self, text: str | bytes) -> list[str]:
        return [self._model.tokenizer.id_to_token(i) for i in self._ids(text)]

    def encode_tokens(self, text: str | bytes) -> Vectors:
        self._ids(text)
        string = as_strings([text], name="text")
        return np.asarray(self._model.encode_as_sequence(string, max_length=_ALL)[0], np.float32)


def distill(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None, *, dim: int = 256) -> Static:
    """
    Static vectors from a transformer: each token's vector is that of the token alone (Tulkens and van Dongen 2024,
    Model2Vec), reduced to `dim` principal components and weighted by the token's rank. Takes a minute or two.

    Parameters
    ----------
    path : str or path
        Folder of a sentence-transformers model, or ``"minilm"``.
    folder : path-like, optional
        Where the model is written; it must not exist yet. Default: a folder in `cache_folder` that is named after the
        digest of the transformer, and taken as it is if it exists.
    dim : int
        Dimension.

    Returns
    -------
    Static

    Raises
    ------
    FileExistsError
        If `folder` exists.
    FileNotFoundError, ValueError
        If the path does not exist or is no model, or it has fewer dimensions.
    MissingLibraryError
        If model2vec is not installed with what it needs to distil.

    Examples
    --------
    >>> distill("minilm", "minilm-static").dim  # doctest: +SKIP
    256
    """
    whole_number(dim, "dim", 1)
    known = os.fspath(path) == "minilm"
    source = minilm_folder() if known else existing(path, "model2vec", "the folder of a sentence-transformers model")
    if folder is None:
        target = cache_folder() / "models" / f"model2vec-{file_digest(model_files(source), source)[:16]}-{dim}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _distill(source, target, dim)
    else:
        target = Path(folder).expanduser()
        if target.exists():
            raise FileExistsError(f"folder is {os.fspath(target)!r}, which exists already: choose another name")
        _distill(source, target, dim)
    return Static(target)


def _distill(source: Path, target: Path, dim: int) -> None:
    """Write a distilled model; its folder appears when it is complete."""
    require("distilling", "model2vec", "transformers", "torch")
    try:
        from model2vec.distill import distill_from_model
    except ImportError as error:
        raise MissingLibraryError(f"distilling needs a library that is not installed: {_EXTRA}") from error
    from transformers import AutoModel, AutoTokenizer

    with load_errors("model2vec", os.fspath(source), "the folder of a transformer"), quiet():
        model = AutoModel.from_pretrained(source, local_files_only=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True, trust_remote_code=False, use_fast=True)
    width = model.config.hidden_size
    if dim > width:
        raise ValueError(f"dim is {dim}: the vectors of {os.fspath(source)!r} have {width}")
    made = distill_from_model(model, tokenizer, device="cpu", pca_dims=dim)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        made.save_pretrained(temporary)
        try:
            os.replace(temporary, target)
        except OSError:
            if not target.is_dir():  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def static(
    path: str | os.PathLike[str], *, dim: int | None = None, empty: Literal["error", "zero"] = "error"
) -> Static:
    """
    A model of model2vec; ``"minilm"`` is distilled from all-MiniLM-L6-v2 the first time, and kept in `cache_folder`.

    Parameters
    ----------
    path, empty
        As in `Static`.
    dim : int, optional
        Dimension of what is distilled, 256 by default.

    Returns
    -------
    Static

    Raises
    ------
    ValueError
        If `dim` is given with the path of a model, which has its own.
    """
    if os.fspath(path) != "minilm":
        if dim is not None:
            raise ValueError(f"dim is {dim}: the model in {os.fspath(path)!r} has its own dimension; leave it out")
        return Static(path, empty=empty)
    made = Static(distill("minilm", dim=256 if dim is None else dim).path, empty=empty)
    made._argument = "minilm" if dim in (None, 256) else f"minilm,dim={dim}"
    return made
