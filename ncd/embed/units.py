"""Vectors of the pieces of a text or a stream, some of which may say nothing."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from ncd.embed import registry
from ncd.embed.base import Embedder, Vectors, WordlessError
from ncd.exceptions import EmptyTextError

__all__ = ["shared_embedder", "unit_texts", "unit_vectors"]

_loaded: weakref.WeakValueDictionary[tuple[Any, ...], Embedder] = weakref.WeakValueDictionary()
_loading = threading.Lock()


def shared_embedder(spec: Any) -> Embedder:
    """
    An embedder as `get_embedder` makes it; one that has nothing to learn is loaded once for all that name it.

    It is kept as long as anybody uses it. One that learns is made anew for each who asks.

    Examples
    --------
    >>> shared_embedder("tfidf") is shared_embedder("tfidf")
    False
    """
    if not isinstance(spec, str):
        return registry.get_embedder(spec)
    family = spec.strip().partition(":")[0].strip()
    key = (spec, registry._factory(family), os.getcwd())  # paths are relative, and a family can be replaced
    with _loading:
        model = _loaded.get(key)
        if model is None:
            model = registry.get_embedder(spec)
            if not model.learns:
                _loaded[key] = model
        return model


def unit_texts(units: Iterable[bytes]) -> list[str]:
    """
    Units as an embedder reads them: without space around them; bytes that are not UTF-8 become U+FFFD.

    Examples
    --------
    >>> unit_texts([b"A line\\n"])
    ['A line']
    """
    return [unit.decode("utf-8", "replace").strip() for unit in units]


def unit_vectors(embedder: Embedder, units: Iterable[bytes], *, progress: bool | None = None) -> Vectors:
    """
    A vector of each unit; zeros for a unit without a letter or digit, or in which the embedder knows nothing.

    A blank line or a row of stars is no error in a text that is to be cut, nor in a stream that goes on for weeks.

    Parameters
    ----------
    embedder : Embedder
        One that has learned.
    units : iterable of bytes
    progress : bool or None
        As in `Embedder.encode`.

    Returns
    -------
    ndarray of float32, shape (n, dim)

    Examples
    --------
    >>> from ncd.embed.tfidf import Tfidf
    >>> embedder = Tfidf(2).fit(["a cat", "a dog"])
    >>> unit_vectors(embedder, [b"cat", b"* * *"]).any(axis=1).tolist()
    [True, False]
    """
    texts = unit_texts(units)
    saying = [i for i, text in enumerate(texts) if any(map(str.isalnum, text))]
    vectors = np.zeros((len(texts), embedder.dim), np.float32)
    if not saying:
        return vectors
    pending = [saying]
    while pending:
        part = pending.pop()
        try:
            vectors[part] = embedder.encode([texts[i] for i in part], progress=progress if part is saying else False)
        except WordlessError as error:
            wordless = set(error.places)
            rest = [i for place, i in enumerate(part) if place not in wordless]
            pending += [rest] if rest else []
        except EmptyTextError:  # of an embedder that does not say which: halves, until they are found
            half = len(part) // 2
            pending += [part[half:], part[:half]] if half else []
    return vectors
