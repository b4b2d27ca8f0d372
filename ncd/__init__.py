"""
ncd: text analysis by compression.

Code lengths of real compressors, the distances that follow from them, and what can be done with the distances:
classification, nearest neighbours, clustering. Public names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "ncd.classify.code_length": ["CodeLengthClassifier"],
    "ncd.classify.knn": ["NCDClassifier"],
    "ncd.classify.store": ["load_model", "save_model"],
    "ncd.compressors.base": ["Compressor", "Primed"],
    "ncd.compressors.registry": ["CompressorInfo", "available", "get_compressor", "register_compressor"],
    "ncd.exceptions": ["EmptyTextError", "MissingLibraryError", "ModelFileError", "ReadError", "WindowWarning"],
    "ncd.normality": ["Normality", "normality"],
    "ncd.pairwise": ["Neighbors", "conditional_lengths", "joint_lengths", "lengths", "neighbors", "pairwise"],
    "ncd.readers": ["TextFile", "read_texts"],
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]

if TYPE_CHECKING:
    from ncd.classify.code_length import CodeLengthClassifier as CodeLengthClassifier
    from ncd.classify.knn import NCDClassifier as NCDClassifier
    from ncd.classify.store import load_model as load_model
    from ncd.classify.store import save_model as save_model
    from ncd.compressors.base import Compressor as Compressor
    from ncd.compressors.base import Primed as Primed
    from ncd.compressors.registry import (
        CompressorInfo as CompressorInfo,
    )
    from ncd.compressors.registry import (
        available as available,
    )
    from ncd.compressors.registry import (
        get_compressor as get_compressor,
    )
    from ncd.compressors.registry import (
        register_compressor as register_compressor,
    )
    from ncd.exceptions import (
        EmptyTextError as EmptyTextError,
    )
    from ncd.exceptions import (
        MissingLibraryError as MissingLibraryError,
    )
    from ncd.exceptions import (
        ModelFileError as ModelFileError,
    )
    from ncd.exceptions import (
        ReadError as ReadError,
    )
    from ncd.exceptions import (
        WindowWarning as WindowWarning,
    )
    from ncd.normality import Normality as Normality
    from ncd.normality import normality as normality
    from ncd.pairwise import (
        Neighbors as Neighbors,
    )
    from ncd.pairwise import (
        conditional_lengths as conditional_lengths,
    )
    from ncd.pairwise import (
        joint_lengths as joint_lengths,
    )
    from ncd.pairwise import (
        lengths as lengths,
    )
    from ncd.pairwise import (
        neighbors as neighbors,
    )
    from ncd.pairwise import (
        pairwise as pairwise,
    )
    from ncd.readers import TextFile as TextFile
    from ncd.readers import read_texts as read_texts


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'ncd' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
