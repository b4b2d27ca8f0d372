"""Compressors by name: ``get_compressor("zstd:19")``, registration, plug-ins."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ncd.compressors.base import Compressor, Unit, as_compressor
from ncd.exceptions import MissingLibraryError

__all__ = ["CompressorInfo", "available", "get_compressor", "register_compressor"]

ENTRY_POINT_GROUP = "ncd.compressors"

#: Family -> where its class is, and the values that its first parameter takes.
_BUILT_IN = {
    "gzip": ("ncd.compressors.deflate:Gzip", "0..9"),
    "zlib": ("ncd.compressors.deflate:Zlib", "0..9"),
    "deflate": ("ncd.compressors.deflate:Deflate", "0..9"),
    "bz2": ("ncd.compressors.stdlib:Bz2", "1..9"),
    "xz": ("ncd.compressors.stdlib:Xz", "0..9"),
    "lzma": ("ncd.compressors.stdlib:Lzma", "0..9"),
    "zstd": ("ncd.compressors.zstd:Zstd", "-131072..22"),
    "brotli": ("ncd.compressors.brotli:Brotli", "0..11"),
    "lz4": ("ncd.compressors.extras:Lz4", "-65537..16"),
    "ppmd": ("ncd.compressors.extras:Ppmd", "2..64"),
    "ppm": ("ncd.compressors.context:Ppm", "0..24"),
    "wb": ("ncd.compressors.context:WittenBell", "0..24"),
    "kn": ("ncd.compressors.context:KneserNey", "0..24"),
    "ngram": ("ncd.compressors.context:Ngram", "1..24"),
    "ctw": ("ncd.compressors.context:Ctw", "0..24"),
    "dirichlet": ("ncd.compressors.context:Dirichlet", "1e-06..1e+06"),
    "hf": ("ncd.compressors.neural:HuggingFace", ""),
}
#: Other names of built-in families at one setting.
_ALIASES = {"kt": "dirichlet:0.5"}
_registered: dict[str, Callable[..., Any]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class CompressorInfo:
    """
    One row of `available`: a family of compressors at its default setting.

    Attributes
    ----------
    name : str
        The default specification, such as ``zstd:3``; ``hf:PATH`` where something has to be named first.
    levels : str
        Range of the parameter after the colon; empty where there is none or it is not known.
    installed : bool
        Whether its library is there.
    version : str
        Library and version; where it is missing, the command that installs it.
    window : int or None
        Bytes of history at the default setting; None for no limit.
    overhead : int
        Constant bytes of header and trailer.
    can_prime : bool
        Whether conditional code lengths are to be had.
    unit : {"bytes", "bits"}
        What its code lengths are counted in.
    """

    name: str
    levels: str
    installed: bool
    version: str
    window: int | None
    overhead: int
    can_prime: bool
    unit: Unit = "bytes"

    def to_dict(self) -> dict[str, Any]:
        """The row as a dictionary."""
        return asdict(self)


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """Plug-ins that installed packages announce, by family."""
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


def _families() -> list[str]:
    """Every known family, built-in ones first."""
    return list(dict.fromkeys([*_BUILT_IN, *_registered, *_entry_points()]))


def _factory(family: str) -> Callable[..., Any]:
    """What makes the compressors of a family; a registered one goes before a built-in one."""
    if family in _registered:
        return _registered[family]
    if family in _BUILT_IN:
        module, _, cls = _BUILT_IN[family][0].partition(":")
        return getattr(importlib.import_module(module), cls)
    plug_ins = _entry_points()
    if family in plug_ins:
        loaded = plug_ins[family].load()
        return loaded if callable(loaded) else lambda: loaded
    choices = [*_families(), *_ALIASES]
    lower = {choice.lower(): choice for choice in choices}
    near = [lower[match] for match in difflib.get_close_matches(family.lower(), lower, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(map(repr, near))}? Choose" if near else "choose"
    raise ValueError(f"compressor {family!r} is not known; {hint} from {', '.join(choices)}")


def _value(text: str) -> Any:
    """A parameter's value from its text in a specification."""
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text.lower(), text)


def get_compressor(spec: Any, **params: Any) -> Compressor:
    """
    A compressor by name, or any object that can serve as one.

    Parameters
    ----------
    spec : str or object
        ``family``, ``family:level`` or ``family:level,key=value``, such as ``"gzip"``, ``"zstd:-5"``,
        ``"brotli:11,lgwin=24,mode=text"``; or an object with `name` and `length()`. The path of ``hf:PATH`` is all
        that comes before the first of its parameters, commas and colons included.
    **params
        More parameters by name, such as ``alphabet="words"``.

    Returns
    -------
    Compressor
        Its `name` reproduces it.

    Raises
    ------
    ValueError
        If the family is not known (the message lists the choices) or a parameter is out of range.
    TypeError
        If `spec` is neither a name nor an object with `name` and `length()`, if it is an object and parameters are
        given, or if a parameter does not exist or is given twice.
    MissingLibraryError
        If the codec's library is not installed; the message says how to install it.

    Examples
    --------
    >>> gzip = get_compressor("gzip:9")
    >>> gzip.length(b"abracadabra " * 20), gzip.overhead, gzip.window
    (34, 18, 32768)
    >>> get_compressor("ppm:5", alphabet="words") == get_compressor("ppm:5,alphabet=words")
    True
    """
    compressor = as_compressor(spec)
    if compressor is not None:
        if params:
            raise TypeError(f"compressor {compressor.name!r} is made already: give {next(iter(params))!r} to its class")
        return compressor
    if not isinstance(spec, str):
        raise TypeError(
            f"compressor is {spec!r}: give a name such as 'gzip' or 'zstd:19', or an object with name and length()"
        )
    family, _, rest = spec.strip().partition(":")
    family = family.strip()
    if family in _ALIASES and family not in _registered:
        family, _, value = _ALIASES[family].partition(":")
        rest = f"{value},{rest}"
    factory = _factory(family)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    if getattr(factory, "argument", None):
        argument, rest = _split_argument(rest, factory.defaults)  # type: ignore[attr-defined]
        positional.append(argument)
    for part in filter(None, rest.split(",")):
        key, equals, text = part.partition("=")
        if equals:
            if key.strip() in named:
                raise TypeError(f"compressor {spec!r} gives {key.strip()!r} twice: give it once")
            named[key.strip()] = _value(text.strip())
        elif named or positional:
            raise ValueError(f"compressor {spec!r}: after the first value write key=value, not {part!r}")
        else:
            positional.append(_value(key.strip()))
    for key in params.keys() & named.keys():
        raise TypeError(f"compressor {spec!r} has {key!r} in its name and as an argument: give it once")
    made = _make(family, spec, positional, {**named, **params})
    _ = made.version  # raises where the library is missing: better here than in the middle of a matrix
    return made


def _split_argument(rest: str, known: Mapping[str, Any]) -> tuple[str, str]:
    """A path, in which anything may stand, and the parameters behind it."""
    parts = rest.split(",")
    end = len(parts)
    while end > 1 and parts[end - 1].partition("=")[1] and parts[end - 1].partition("=")[0].strip() in known:
        end -= 1
    return ",".join(parts[:end]), ",".join(parts[end:])


def _make(family: str, spec: str, positional: list[Any], named: dict[str, Any]) -> Compressor:
    """Call a family's factory and check what it returns."""
    factory = _factory(family)
    known = getattr(factory, "defaults", None)
    wrong = [key for key in named if known is not None and key not in known]
    if wrong:
        choices = ", ".join(known) if known else "none"
        raise TypeError(f"compressor {spec!r} has no parameter {wrong[0]!r}; choose from {choices}")
    first = next(iter(known), None) if known else None
    if positional and first in named:
        raise TypeError(f"compressor {spec!r} gives {first!r} twice, by place and by name: give it once")
    made = as_compressor(factory(*positional, **named))
    if made is None:
        raise TypeError(f"the factory of compressor {family!r} made no object with name and length()")
    return made


def register_compressor(family: str, factory: Any, *, force: bool = False) -> None:
    """
    Make a compressor known by name.

    Parameters
    ----------
    family : str
        The name; what follows a colon in a specification goes to the factory.
    factory : callable or object
        A class or function that returns an object with `name` and `length()` (best a `Compressor`), or such an
        object itself.
    force : bool
        Replace a family of the same name.

    Raises
    ------
    ValueError
        If the family exists already and `force` is false, or its name has a colon, comma, equals sign or space.
    TypeError
        If `factory` is neither callable nor an object with `name` and `length()`.

    Examples
    --------
    >>> class CountWords:
    ...     name = "words"
    ...     def length(self, data):
    ...         return len(set(data.split()))
    >>> register_compressor("words", CountWords, force=True)
    >>> get_compressor("words").length(b"to be or not to be")
    4
    """
    if not isinstance(family, str) or not re.fullmatch(r"[^\s:,=]+", family):
        raise ValueError(f"family is {family!r}: give a name without spaces, colons, commas and equals signs")
    instance = as_compressor(factory)
    if instance is None and not callable(factory):
        raise TypeError(f"factory is {factory!r}: give a class, a function, or an object with name and length()")
    with _lock:
        if not force and family in [*_families(), *_ALIASES]:
            raise ValueError(f"compressor {family!r} exists already: pass force=True to replace it")
        _registered[family] = factory if instance is None else lambda: instance


def available() -> list[CompressorInfo]:
    """
    Every known compressor family at its default setting, whether its library is installed or not.

    Returns
    -------
    list of CompressorInfo

    Examples
    --------
    >>> [row.name for row in available()][:3]
    ['gzip:9', 'zlib:9', 'deflate:9']
    """
    return [_describe(family) for family in _families()]


def _describe_with(family: str, argument: str) -> CompressorInfo:
    """The row of a family of which nothing can be made before its argument is known."""
    factory: Any = _factory(family)
    try:
        version, installed = factory.library_version(), True
    except MissingLibraryError as error:
        version, installed = str(error).rpartition("not installed: ")[2], False
    return CompressorInfo(f"{family}:{argument}", "", installed, version, None, 0, factory.can_prime, factory.unit)


def _describe(family: str) -> CompressorInfo:
    """The row of one family; a plug-in that fails is listed with its error."""
    levels = _BUILT_IN[family][1] if family in _BUILT_IN and family not in _registered else ""
    argument = getattr(_factory(family), "argument", None) if family in _BUILT_IN else None
    if argument:
        return _describe_with(family, argument)
    try:
        made = _make(family, family, [], {})
        version, window, installed = made.version, made.window, True
    except Exception as error:  # a broken plug-in must not hide the others
        version = str(error).rpartition("not installed: ")[2] or type(error).__name__
        if family not in _BUILT_IN or family in _registered:
            return CompressorInfo(family, levels, False, version, None, 0, False)
        made, window, installed = _make(family, family, [], {}), None, False
    return CompressorInfo(made.name, levels, installed, version, window, made.overhead, made.can_prime, made.unit)
