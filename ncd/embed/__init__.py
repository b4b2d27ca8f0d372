"""Embedders: vectors of texts, the rival of compression. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

_EXPORTS = {
    "ncd.embed.base": ["Embedder", "SupportsEncode", "Vectors", "as_embedder"],
    "ncd.embed.cache": ["Cached", "cache_folder"],
    "ncd.embed.hidden": ["Hidden"],
    "ncd.embed.learned_words": ["LearnedWords"],
    "ncd.embed.reduction": ["Reduced", "reduce"],
    "ncd.embed.registry": ["EmbedderInfo", "available_embedders", "get_embedder", "register_embedder"],
    "ncd.embed.sentence": ["Sentence", "minilm"],
    "ncd.embed.static": ["Static", "distill"],
    "ncd.embed.tfidf": ["Tfidf"],
    "ncd.embed.transformer": ["EmbeddingTransformer"],
    "ncd.embed.word_lookup": ["Coverage", "Lookup"],
    "ncd.embed.word_vectors": ["WordVectors", "word2vec"],
}
_HOME = homes(__name__, _EXPORTS)

__all__ = sorted(_HOME)


if TYPE_CHECKING:
    from ncd.embed.base import (
        Embedder as Embedder,
        SupportsEncode as SupportsEncode,
        Vectors as Vectors,
        as_embedder as as_embedder,
    )
    from ncd.embed.cache import Cached as Cached, cache_folder as cache_folder
    from ncd.embed.hidden import Hidden as Hidden
    from ncd.embed.learned_words import LearnedWords as LearnedWords
    from ncd.embed.reduction import Reduced as Reduced, reduce as reduce
    from ncd.embed.registry import (
        EmbedderInfo as EmbedderInfo,
        available_embedders as available_embedders,
        get_embedder as get_embedder,
        register_embedder as register_embedder,
    )
    from ncd.embed.sentence import Sentence as Sentence, minilm as minilm
    from ncd.embed.static import Static as Static, distill as distill
    from ncd.embed.tfidf import Tfidf as Tfidf
    from ncd.embed.transformer import EmbeddingTransformer as EmbeddingTransformer
    from ncd.embed.word_lookup import Coverage as Coverage, Lookup as Lookup
    from ncd.embed.word_vectors import WordVectors as WordVectors, word2vec as word2vec


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
