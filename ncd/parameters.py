"""Parameters of estimators, as scikit-learn asks for them, without its import of more than a second."""

from __future__ import annotations

import inspect
from typing import Any, Self

__all__ = ["Parameters"]


class Parameters:
    """
    An object whose constructor keeps each of its arguments under the argument's own name.

    Examples
    --------
    >>> class Scale(Parameters):
    ...     def __init__(self, factor=2, *, offset=None):
    ...         self.factor, self.offset = factor, offset
    >>> Scale(3)
    Scale(factor=3)
    >>> Scale().set_params(offset=1).get_params()
    {'factor': 2, 'offset': 1}
    """

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, as scikit-learn's `clone` asks for them."""
        del deep
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; returns itself."""
        names = self._names()
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"parameter {name!r} is not known: choose from {', '.join(names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self.get_params().items() if value is not None)
        return f"{type(self).__name__}({', '.join(given)})"
