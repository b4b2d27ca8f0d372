"""The embedder of a saved model: which specifications a file may ask for by itself, and what its vectors depend on."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from collections.abc import Callable
from typing import Any

from sklearn.exceptions import NotFittedError

from ncd.embed.base import Embedder
from ncd.embed.registry import available_embedders, get_embedder

__all__ = ["check_spec", "is_self_contained", "made_with", "spec_of"]

#: Embedders that need neither a path nor the network, and the package whose version their vectors depend on.
_PACKAGES = {
    "tfidf": "scikit-learn",
    "word2vec": "gensim",
    "minilm": "sentence-transformers",
    "model2vec:minilm": "model2vec",
}
_PLAIN = r"[\w.+-]+"
_REDUCED = re.compile(r" (pca|random) \d+(,random_state=\d+)?$")


def _parameters(start: str) -> list[str]:
    """The parameters that a specification may give by name."""
    from ncd.embed import Tfidf, minilm, word2vec
    from ncd.embed.static import static

    factories: dict[str, Callable[..., Any]] = {
        "tfidf": Tfidf,
        "word2vec": word2vec,
        "minilm": minilm,
        "model2vec:minilm": static,
    }
    return [p.name for p in inspect.signature(factories[start]).parameters.values() if p.kind is p.KEYWORD_ONLY]


def is_self_contained(spec: str) -> bool:
    """Whether a specification names no path and no download: all that a model file may ask for by itself."""
    spec = _REDUCED.sub("", spec)
    family, _, rest = spec.partition(":")
    start = "model2vec:minilm" if family == "model2vec" else family
    if start not in _PACKAGES:
        return not rest and family in _families()  # registered: code of the user's own, without any argument
    parts = rest.split(",") if rest else []
    if start == "model2vec:minilm" and (not parts or parts.pop(0) != "minilm"):
        return False
    if start == "tfidf" and parts and re.fullmatch(r"\d+", parts[0]):
        del parts[0]
    known = _parameters(start) if parts else []
    named = [re.fullmatch(rf"(\w+)=({_PLAIN})", part) for part in parts]
    return all(match is not None and match[1] in known for match in named)


def _families() -> set[str]:
    """Names of families that need no argument."""
    return {row.name.partition(":")[0] for row in available_embedders() if row.optional}


def check_spec(spec: Any) -> None:
    """Raise for what `save_model` could not have written, without making the embedder."""
    if not isinstance(spec, str):
        raise ValueError(f"embedder is {spec!r}: a name is needed")
    families = [row.name.partition(":")[0] for row in available_embedders()]
    if spec.partition(":")[0] not in families:
        raise ValueError(f"embedder is {spec!r}, whose family is not known here: it is not among {', '.join(families)}")


def spec_of(embedder: Any) -> str:
    """A name that makes the embedder again."""
    if isinstance(embedder, str):
        return embedder
    model = get_embedder(embedder)
    if model.learns and model.fitted:
        raise TypeError(
            f"embedder is {embedder!r}, which has learned from other texts than those of the model, and a model file "
            f"cannot hold that: give the name {model.name!r}, to learn from the texts of the model"
        )
    try:
        again = get_embedder(model.name)
        if again.learns == model.learns and (model.learns or again.digest == model.digest):
            return model.name
    except Exception:
        pass  # the name is that of no embedder, or there is no digest
    raise TypeError(
        f"embedder is {embedder!r}, and its name {model.name!r} does not make it again: register it with "
        "ncd.embed.register_embedder and give it by name"
    )


def made_with(embedder: Any, fitted: Embedder | None = None) -> str | None:
    """What the vectors depend on; `fitted` is the embedder where it has been made already."""
    spec = embedder if isinstance(embedder, str) else get_embedder(embedder).name
    learned = not isinstance(embedder, str) and get_embedder(embedder).learns and get_embedder(embedder).fitted
    if is_self_contained(spec) and not learned:
        start = "model2vec:minilm" if spec.startswith("model2vec") else spec.partition(":")[0]
        return _version(_PACKAGES[start]) if start in _PACKAGES else None
    model = get_embedder(embedder) if fitted is None else fitted
    try:
        return f"{model.name.partition(':')[0]} {model.digest[:16]}"
    except (NotImplementedError, NotFittedError):
        return model.name


def _version(package: str) -> str:
    """A package and its version here."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"
