"""Models of transformers in folders: found, read when they are first needed, and never fetched unasked."""

from __future__ import annotations

import copy
import os
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from ncd.arguments import whole_number
from ncd.embed.base import Embedder, Vectors, digest_of, refuse_wordless
from ncd.embed.local import (
    Stamps,
    device_of,
    existing,
    file_bytes,
    hub_answers,
    load_errors,
    model_files,
    quiet,
    require,
    stamped,
    stamped_digest,
    unchanged,
    versions,
)
from ncd.embed.subwords import warn_cut

__all__ = ["FolderModel", "places_of"]

_REACHED = "a model of the hub that can be reached"
_FORMAT = 2  # of pooling and of what is done with texts, as a part of digests


def places_of(network: Any) -> int | None:
    """
    How many tokens a transformer has positions for; None where it has no table of them.

    RoBERTa and its like count positions from behind that of padding, so that those up to it are never used.
    """
    most = getattr(network.config, "max_position_embeddings", None)
    if most is None or most < 1:
        return None
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(most) - int(module.padding_idx) - 1
    return int(most)


class FolderModel(Embedder):
    """
    A network and its tokenizer from a folder; `Sentence` and `Hidden` say which library reads it.

    Weights do not change: copies share them, and pickles leave them out and read them again.
    """

    _family: str
    _what: str  # what to give as a path
    _needed: tuple[str, ...]  # one of these files is in a folder with a model
    _libraries: tuple[str, ...]

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_tokens: int | None,
        device: str,
        batch: int,
        empty: Literal["error", "zero"],
        allow_download: bool,
    ) -> None:
        require(f"the embedder {self._family!r}", *(library.replace("-", "_") for library in self._libraries))
        if not isinstance(allow_download, bool | np.bool_):
            raise TypeError(f"allow_download is {allow_download!r}: give true or false")
        if empty not in ("error", "zero"):
            raise ValueError(f"empty is {empty!r}: choose from error, zero")
        self.path, self.empty = os.fspath(path), empty
        self.max_tokens = None if max_tokens is None else whole_number(max_tokens, "max_tokens", 3)
        self.device, self.batch = str(device), whole_number(batch, "batch", 1)
        self.allow_download = bool(allow_download)
        self.truncated_ = 0
        self._warned = False
        self._loaded: Any = None
        self._stamps: Stamps | None = None
        here = not self.allow_download or Path(self.path).expanduser().exists()
        self._folder = self._checked_folder() if here else None

    def _checked_folder(self) -> Path:
        """The folder of the model, which must have one in it."""
        folder = existing(self.path, self._family, f"{self._what}, or a name of the hub with allow_download=true")
        if not any((folder / name).is_file() for name in self._needed):
            raise ValueError(
                f"{self._family}: path is {self.path!r}, in which there is no {self._needed[-1]}: give {self._what}"
            )
        return folder

    @abstractmethod
    def _read(self, place: str, device: str, local: bool) -> Any:
        """The model; `local` says that nothing may be fetched."""

    def _limited(self, loaded: Any) -> Any:
        """The model, once what is asked of it was compared with what it has."""
        return loaded

    def _load(self) -> Any:
        """The model, read the first time; the fingerprint is that of the files which were read then."""
        if self._loaded is None:
            device, local = device_of(self.device), self._folder is not None or not hub_answers()
            before = self._stamped()
            with load_errors(self._family, self.path, _REACHED if self._folder is None else self._what), quiet():
                loaded = self._read(str(self._folder or self.path), device, local)
            loaded = self._limited(loaded)
            self._stamps = unchanged(before, self._stamped(), self.path)
            self._loaded = loaded
        return self._loaded

    def _stamped(self) -> Stamps:
        """The model's files as they are now; none of a model from the hub."""
        return () if self._folder is None else stamped(model_files(self._folder), self._folder)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None, "_stamps": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = object.__new__(type(self))
        made.__dict__ |= self.__dict__
        return made

    def __copy__(self) -> Self:
        return copy.deepcopy(self)

    @property
    @abstractmethod
    def _network(self) -> Any:
        """What has the weights."""

    @property
    def n_parameters(self) -> int | None:
        return sum(weight.numel() for weight in self._network.parameters())

    @property
    def nbytes(self) -> int | None:
        """Bytes of the model's files; of a model from the hub, of its numbers."""
        if self._folder is not None:
            return file_bytes(model_files(self._folder))
        return sum(weight.numel() * weight.element_size() for weight in self._network.parameters())

    @property
    def has_digest(self) -> bool:
        """Whether the model is in a folder: one of the hub is not fingerprinted."""
        return self._folder is not None

    def _spelled(self) -> dict[str, tuple[object, object]]:
        """Parameters of the name, and their defaults."""
        return {
            "max_tokens": (self.max_tokens, None),
            "device": (self.device, "cpu"),
            "empty": (self.empty, "error"),
            "allow_download": (self._folder is None, False),
        }

    def _digest_of(self, *parts: object) -> str:
        """The fingerprint of the files that were read, or are there to be read, and of parameters."""
        if self._folder is None:
            raise NotImplementedError(f"{self.name} comes from the hub, so its encodings are not kept: save it first")
        files = stamped_digest(self._stamped() if self._stamps is None else self._stamps)
        library = self._libraries[0]  # not the family: MiniLM is a sentence-transformer like others
        return digest_of(library, _FORMAT, versions(*self._libraries), files, self.max_tokens, self.empty, *parts)

    def _told(self, n: int, silent: Sequence[int], known: Any) -> Vectors:
        """Vectors of n texts: zeros for those without a token, which must be allowed; `known` gives the others."""
        if self.empty == "error":
            refuse_wordless(
                silent, "no token that the model knows", "leave it out, or take zeros, as in 'minilm:empty=zero'"
            )
        if not silent:
            return np.asarray(known(range(n)), np.float32)
        vectors = np.zeros((n, self.dim), np.float32)
        without = set(silent)
        rest = [i for i in range(n) if i not in without]
        if rest:
            vectors[rest] = known(rest)
        return vectors

    @property
    @abstractmethod
    def _limit(self) -> int | None:
        """Tokens that are read of a text."""

    def _say(self, n: int) -> None:
        self._warned = warn_cut(self, n, self._limit)
