"""Models in folders and files: found, fingerprinted, and read without the network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from ncd.exceptions import MissingLibraryError

__all__ = [
    "Stamps",
    "device_of",
    "existing",
    "file_bytes",
    "file_digest",
    "hub_answers",
    "load_errors",
    "model_files",
    "quiet",
    "require",
    "stamped",
    "stamped_digest",
    "unchanged",
    "versions",
]

#: Of each file of a model its path, its name in the model, its size, and when it was written, in nanoseconds.
Stamps: TypeAlias = tuple[tuple[str, str, int, int], ...]


_PATIENCE = 10.0  # seconds
#: Endings of the files of a model: what else lies in its folder does not change its vectors.
_ENDINGS = (".json", ".txt", ".model", ".safetensors", ".bin", ".npy")


def require(feature: str, *libraries: str) -> None:
    """Raise unless libraries are installed; they are not imported."""
    if any(find_spec(library) is None for library in libraries):
        raise MissingLibraryError.of(feature, "embed")


def hub_answers() -> bool:
    """Whether the Hugging Face hub can be reached: its libraries take more than a minute to say that it cannot."""
    import urllib.error
    import urllib.request

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def existing(path: str | os.PathLike[str], family: str, what: str) -> Path:
    """A path that is there, or an error that says what to give."""
    text = os.fspath(path)
    if not text:
        raise ValueError(f"{family}: path is empty: give {what}")
    found = Path(text).expanduser()
    if not found.exists():
        raise FileNotFoundError(f"{family}: path is {text!r}, which does not exist: give {what}")
    return found


def model_files(path: Path) -> list[Path]:
    """The files of a model: the file itself, or those of a folder and of its folders."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if not name.startswith((".", "onnx", "openvino")))
        found += (Path(folder) / name for name in sorted(names) if name.endswith(_ENDINGS))
    return sorted(found)


def file_bytes(files: list[Path]) -> int:
    """How much room files take."""
    return sum(file.stat().st_size for file in files)


def stamped(files: list[Path], root: Path) -> Stamps:
    """Files as they are now."""
    base = root if root.is_dir() else root.parent
    return tuple(
        (str(file), str(file.relative_to(base)), file.stat().st_size, file.stat().st_mtime_ns) for file in files
    )


def unchanged(before: Stamps, now: Stamps, path: str) -> Stamps:
    """The stamps of files that were read, unless they were written meanwhile."""
    if before != now:
        raise ValueError(f"the files of {path!r} were written while the model was read: make the embedder again")
    return now


@lru_cache(maxsize=64)
def stamped_digest(stamps: Stamps) -> str:
    """SHA-256 of the names and contents of files, which must still be as they were."""
    whole = hashlib.sha256()
    for path, name, size, written in stamps:
        whole.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
        with open(path, "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
            found = os.fstat(file.fileno())
        if (found.st_size, found.st_mtime_ns) != (size, written):
            raise ValueError(f"{path!r} was written after the model was read from it: make the embedder again")
    return whole.hexdigest()


def file_digest(files: list[Path], root: Path) -> str:
    """SHA-256 of the names and contents of files, read once as long as they do not change."""
    return stamped_digest(stamped(files, root))


def versions(*libraries: str) -> tuple[str, ...]:
    """The versions of libraries, as parts of a digest: another version may compute other vectors."""
    return tuple(_version(library) for library in libraries)


@lru_cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and reports of `transformers` while a model is loaded."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


@contextmanager
def load_errors(family: str, path: str, what: str) -> Iterator[None]:
    """Whatever a library raises while it reads a model becomes one error that names the path."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ValueError(f"{family}: no model can be read from {path!r}: give {what} ({reason})") from error


def device_of(device: Any) -> str:
    """A device as PyTorch names it, which must be one."""
    import torch

    try:
        return str(torch.device(device))
    except RuntimeError:
        raise ValueError(f"device is {device!r}: give one that PyTorch knows, such as 'cpu' or 'cuda'") from None
