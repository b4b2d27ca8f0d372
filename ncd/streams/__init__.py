"""Streams: changes found as they happen, with a bound on false alarms. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

_EXPORTS = {
    "ncd.streams.base": ["State", "StreamSignals", "TextUnits"],
    "ncd.streams.byte_signals": ["ByteSignals"],
    "ncd.streams.change": ["StreamChange"],
    "ncd.streams.checkpoint": ["CheckpointError", "read_checkpoint", "write_checkpoint"],
    "ncd.streams.compressor_signals": ["CompressorSignals"],
    "ncd.streams.conformal": ["Autocorrelation", "conformal_p_values", "lag1_autocorrelation"],
    "ncd.streams.dependence": ["neighbour_dependence"],
    "ncd.streams.detector": ["StreamDetector"],
    "ncd.streams.edetector": ["EDetector"],
    "ncd.streams.embedding_signals": ["EmbeddingSignals"],
    "ncd.streams.follow": ["Position", "follow"],
    "ncd.streams.keyed": ["EvictionWarning", "KeyedDetectors", "KeyedUpdateError"],
    "ncd.streams.novel": ["NovelText", "novel_texts"],
    "ncd.streams.pipes": ["read_chunks"],
    "ncd.streams.redis_source": ["RedisSource"],
    "ncd.streams.redis_store": ["RedisStateError", "RedisStore"],
    "ncd.streams.sources": ["FileSource", "Source", "Store", "watch"],
    "ncd.streams.starts": ["StartInterval"],
    "ncd.streams.vector_signals": ["VectorSignals"],
}
_HOME = homes(__name__, _EXPORTS)

__all__ = sorted(_HOME)


if TYPE_CHECKING:
    from ncd.streams.base import State as State, StreamSignals as StreamSignals, TextUnits as TextUnits
    from ncd.streams.byte_signals import ByteSignals as ByteSignals
    from ncd.streams.change import StreamChange as StreamChange
    from ncd.streams.checkpoint import (
        CheckpointError as CheckpointError,
        read_checkpoint as read_checkpoint,
        write_checkpoint as write_checkpoint,
    )
    from ncd.streams.compressor_signals import CompressorSignals as CompressorSignals
    from ncd.streams.conformal import (
        Autocorrelation as Autocorrelation,
        conformal_p_values as conformal_p_values,
        lag1_autocorrelation as lag1_autocorrelation,
    )
    from ncd.streams.dependence import neighbour_dependence as neighbour_dependence
    from ncd.streams.detector import StreamDetector as StreamDetector
    from ncd.streams.edetector import EDetector as EDetector
    from ncd.streams.embedding_signals import EmbeddingSignals as EmbeddingSignals
    from ncd.streams.follow import Position as Position, follow as follow
    from ncd.streams.keyed import (
        EvictionWarning as EvictionWarning,
        KeyedDetectors as KeyedDetectors,
        KeyedUpdateError as KeyedUpdateError,
    )
    from ncd.streams.novel import NovelText as NovelText, novel_texts as novel_texts
    from ncd.streams.pipes import read_chunks as read_chunks
    from ncd.streams.redis_source import RedisSource as RedisSource
    from ncd.streams.redis_store import RedisStateError as RedisStateError, RedisStore as RedisStore
    from ncd.streams.sources import FileSource as FileSource, Source as Source, Store as Store, watch as watch
    from ncd.streams.starts import StartInterval as StartInterval
    from ncd.streams.vector_signals import VectorSignals as VectorSignals


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
