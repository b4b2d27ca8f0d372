"""
ncd: text analysis by compression.

Code lengths of real compressors, the distances that follow from them, and what can be done with the distances:
classification, nearest neighbours, clustering, changepoints; and the rival, embeddings. Public names are imported when
they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

__version__ = "0.1.0"

_EXPORTS = {
    "ncd.bits": ["BitsPerByte", "bits_per_byte"],
    "ncd.classify.bits_saved": ["BitsSavedClassifier"],
    "ncd.classify.code_length": ["CodeLengthClassifier"],
    "ncd.classify.explanation": ["Explanation", "Stretch"],
    "ncd.classify.fingerprints": ["Fingerprint", "Fingerprints"],
    "ncd.classify.knn": ["NCDClassifier"],
    "ncd.classify.store": ["load_model", "save_model"],
    "ncd.compressors.base": ["Compressor", "Primed"],
    "ncd.compressors.registry": ["CompressorInfo", "available", "get_compressor", "register_compressor"],
    "ncd.exceptions": [
        "DependenceWarning",
        "EmptyTextError",
        "FewLabelsWarning",
        "MissingLibraryError",
        "ModelFileError",
        "ReadError",
        "UnknownWordsWarning",
        "WindowWarning",
    ],
    "ncd.normality": ["Normality", "normality"],
    "ncd.pairwise": ["Neighbors", "conditional_lengths", "joint_lengths", "lengths", "neighbors", "pairwise"],
    "ncd.readers": ["TextFile", "read_texts"],
    "ncd.streams.change": ["StreamChange"],
    "ncd.streams.detector": ["StreamDetector"],
    "ncd.streams.keyed": ["KeyedDetectors"],
}
_HOME = homes(__name__, _EXPORTS)

#: Submodules that are attributes without being imported, and the module in each that has the content.
_SUBMODULES = {
    "changepoint": "ncd.changepoint",
    "cluster": "ncd.cluster",
    "compare": "ncd.compare",
    "compressors": "ncd.compressors",
    "data": "ncd.data",
    "distances": "ncd.distances.lengths",
    "embed": "ncd.embed",
    "exceptions": "ncd.exceptions",
    "plot": "ncd.plot",
    "readers": "ncd.readers",
    "streams": "ncd.streams",
}

__all__ = ["__version__", *sorted(_HOME)]

if TYPE_CHECKING:
    from ncd import (
        changepoint as changepoint,
        cluster as cluster,
        compare as compare,
        compressors as compressors,
        data as data,
        distances as distances,
        embed as embed,
        exceptions as exceptions,
        plot as plot,
        readers as readers,
        streams as streams,
    )
    from ncd.bits import BitsPerByte as BitsPerByte, bits_per_byte as bits_per_byte
    from ncd.classify.bits_saved import BitsSavedClassifier as BitsSavedClassifier
    from ncd.classify.code_length import CodeLengthClassifier as CodeLengthClassifier
    from ncd.classify.explanation import Explanation as Explanation, Stretch as Stretch
    from ncd.classify.fingerprints import Fingerprint as Fingerprint, Fingerprints as Fingerprints
    from ncd.classify.knn import NCDClassifier as NCDClassifier
    from ncd.classify.store import load_model as load_model, save_model as save_model
    from ncd.compressors.base import Compressor as Compressor, Primed as Primed
    from ncd.compressors.registry import (
        CompressorInfo as CompressorInfo,
        available as available,
        get_compressor as get_compressor,
        register_compressor as register_compressor,
    )
    from ncd.exceptions import (
        DependenceWarning as DependenceWarning,
        EmptyTextError as EmptyTextError,
        FewLabelsWarning as FewLabelsWarning,
        MissingLibraryError as MissingLibraryError,
        ModelFileError as ModelFileError,
        ReadError as ReadError,
        UnknownWordsWarning as UnknownWordsWarning,
        WindowWarning as WindowWarning,
    )
    from ncd.normality import Normality as Normality, normality as normality
    from ncd.pairwise import (
        Neighbors as Neighbors,
        conditional_lengths as conditional_lengths,
        joint_lengths as joint_lengths,
        lengths as lengths,
        neighbors as neighbors,
        pairwise as pairwise,
    )
    from ncd.readers import TextFile as TextFile, read_texts as read_texts
    from ncd.streams.change import StreamChange as StreamChange
    from ncd.streams.detector import StreamDetector as StreamDetector
    from ncd.streams.keyed import KeyedDetectors as KeyedDetectors


def __getattr__(name: str) -> Any:
    """Import a public name or submodule when it is first asked for (PEP 562)."""
    if name in _SUBMODULES:
        import_module(_SUBMODULES[name])
        return import_module(f"ncd.{name}")
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
