"""Errors and warnings that the library raises beside the built-in ones."""

from __future__ import annotations

__all__ = [
    "DependenceWarning",
    "EmptyTextError",
    "FewLabelsWarning",
    "MissingLibraryError",
    "ModelFileError",
    "ReadError",
    "UnknownWordsWarning",
    "WindowWarning",
]


class MissingLibraryError(ImportError):
    """A library that the request needs is not installed; the message says how to install it."""

    @classmethod
    def of(cls, feature: str, extra: str) -> MissingLibraryError:
        """Error for `feature`, which the optional dependencies `extra` would bring."""
        return cls(f"{feature} needs a library that is not installed: pip install 'ncd[{extra}]'")


class EmptyTextError(ValueError):
    """A text without a single byte stands where its distances are asked for."""


class ReadError(ValueError):
    """An input file cannot be read as what it claims to be; the message names file and line."""


class ModelFileError(ValueError):
    """A file is not a saved model, or one of a version or kind that this release does not know."""


class WindowWarning(UserWarning):
    """A text is longer than what is read: a compressor's stretch of history, or a model's number of tokens."""


class FewLabelsWarning(UserWarning):
    """There are too few labelled texts for a part of what a classifier would learn."""


class DependenceWarning(UserWarning):
    """Units of a stream depend on each other, so that a bound for exchangeable units is in doubt."""


class UnknownWordsWarning(UserWarning):
    """More than half of the words of the texts have no vector, so that vectors of texts say little of them."""
