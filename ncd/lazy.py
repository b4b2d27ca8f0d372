"""Packages whose public names are imported when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["found", "homes"]


class _LazyPackage(ModuleType):
    """Python makes every imported submodule an attribute: one that shares its name with a public object stays that."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and self._HOME.get(name) == value.__name__:
            value = getattr(value, name)
        super().__setattr__(name, value)


def homes(package: str, exports: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The module of each public name of a package, which is made lazy; the package keeps them in ``_HOME``."""
    sys.modules[package].__class__ = _LazyPackage
    return {name: module for module, names in exports.items() for name in names}


def found(package: str, name: str, home: Mapping[str, str]) -> Any:
    """A public name's object, which is imported now and kept in the package; for its ``__getattr__``."""
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value = getattr(import_module(home[name]), name)
    setattr(sys.modules[package], name, value)
    return value
