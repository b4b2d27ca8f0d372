"""Other packages on PyPI that compute compression distances, each asked for the matrix of all pairs in its own way."""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import package_version

Texts = list[str]


@dataclass(frozen=True)
class Peer:
    """A package at one codec."""

    package: str
    call: str
    differs: str  # how its distance differs from the plain loop's; empty where it is the same
    make: Callable[[], Callable[[Texts], Any]]

    @property
    def name(self) -> str:
        """Package, version and what is called."""
        return f"{self.package} {package_version(self.package) or ''} {self.call}"

    def matrix(self, texts: Texts) -> np.ndarray[Any, Any]:
        """The distances of all pairs; what the package prints is swallowed."""
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return np.asarray(self.make()(texts), dtype=np.float64)

    def refusal(self) -> str | None:
        """Why the package cannot do it here, or None."""
        if package_version(self.package) is None:
            return "not installed"
        try:
            self.matrix(["to be or not to be", "that is the question", "whether tis nobler"])
        except Exception as error:  # whatever a foreign package does wrong is the answer here
            return f"{type(error).__name__}: {error}"
        return None


def _textdistance(cls: str) -> Callable[[], Callable[[Texts], Any]]:
    """textdistance: one call a pair, which compresses both orders and both texts."""

    def make() -> Callable[[Texts], Any]:
        distance = getattr(importlib.import_module("textdistance"), cls)()
        return lambda texts: [[distance(x, y) for y in texts] for x in texts]

    return make


def _npc_gzip(module: str, cls: str) -> Callable[[], Callable[[Texts], Any]]:
    """npc-gzip: its classifier's `predict` gives the distances (test, train), the training text first in each pair."""

    def make() -> Callable[[Texts], Any]:
        codec = getattr(importlib.import_module(f"npc_gzip.compressors.{module}"), cls)()
        classifier = importlib.import_module("npc_gzip.knn_classifier").KnnClassifier

        def matrix(texts: Texts) -> Any:
            model = classifier(codec, texts, [0] * len(texts))
            # It would put the training texts in random order, and not say which.
            model.sample_data = lambda _: (model.training_inputs, model.training_labels, np.arange(len(texts)))
            return model.predict(np.array(texts), top_k=1)[0].T

        return matrix

    return make


def _zgli(codec: str) -> Callable[[], Callable[[Texts], Any]]:
    """zgli: a folder of files; its notebook-only progress bar is replaced by one that does nothing."""

    def make() -> Callable[[Texts], Any]:
        module: Any = importlib.import_module("zgli.folder")
        module.tqdm = _Silent

        def matrix(texts: Texts) -> Any:
            with tempfile.TemporaryDirectory() as folder:
                for i, text in enumerate(texts):
                    Path(folder, f"{i:06d}.txt").write_text(text, encoding="latin-1")
                files = module.Folder(folder)
                values = np.asarray(files.distance_matrix(codec, verbose=0))
                order = np.argsort(files.file_names)
                return values[np.ix_(order, order)]

        return matrix

    return make


class _Silent:
    """A progress bar that shows nothing."""

    def __init__(self, iterable: Any = (), **_: Any) -> None:
        self.iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, _: int = 1) -> None: ...


_BOTH = "smaller of both orders, no separator, header bytes removed"
_FILES = "no separator, diagonal set to 0, rounded to 6 digits"

#: Peers by the compressor whose plain loop they are measured against.
PEERS: dict[str, list[Peer]] = {
    "gzip": [
        Peer("npc-gzip", "KnnClassifier(GZipCompressor())", "", _npc_gzip("gzip_compressor", "GZipCompressor")),
        Peer("zgli", "Folder.distance_matrix('gzip')", _FILES, _zgli("gzip")),
    ],
    "zlib:9": [
        Peer("textdistance", "ZLIBNCD()", f"{_BOTH}, level 6", _textdistance("ZLIBNCD")),
        Peer("zgli", "Folder.distance_matrix('zlib')", f"{_FILES}, level 6", _zgli("zlib")),
    ],
    "bz2": [
        Peer("textdistance", "BZ2NCD()", _BOTH, _textdistance("BZ2NCD")),
        Peer("npc-gzip", "KnnClassifier(Bz2Compressor())", "", _npc_gzip("bz2_compressor", "Bz2Compressor")),
        Peer("zgli", "Folder.distance_matrix('bzlib')", _FILES, _zgli("bzlib")),
    ],
    "xz": [
        Peer("textdistance", "LZMANCD()", _BOTH, _textdistance("LZMANCD")),
        Peer("npc-gzip", "KnnClassifier(LzmaCompressor())", "", _npc_gzip("lzma_compressor", "LzmaCompressor")),
        Peer("zgli", "Folder.distance_matrix('lzma')", _FILES, _zgli("lzma")),
    ],
}
