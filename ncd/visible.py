"""Texts made visible: characters as they are read, and escapes for what cannot be printed."""

from __future__ import annotations

import unicodedata

from ncd.tokens import decoded

__all__ = ["characters", "quoted", "shown"]

_JOINER, _NON_JOINER = "\u200d", "\u200c"
_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def characters(text: str) -> list[str]:
    r"""
    A text cut into what is read as one character: a code point with its combining marks, joiners and skin tones.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Their joint is the text.

    Examples
    --------
    >>> [len(character) for character in characters("e\u0301te\u0301")]
    [2, 1, 2]
    """
    found: list[str] = []
    for character in text:
        if found and (found[-1][-1] == _JOINER or _continues(character)) and found[-1] not in ("\n", "\r"):
            found[-1] += character
        else:
            found.append(character)
    return found


def _continues(character: str) -> bool:
    """Whether it changes the character before it."""
    return (
        unicodedata.category(character)[0] == "M"
        or character in (_JOINER, _NON_JOINER)
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def shown(text: str) -> str:
    r"""
    A text in which nothing is hidden or changes the direction of writing.

    Bytes that are not UTF-8 (lone surrogates, as `ncd.tokens.decoded` gives them) become ``\xNN``; control characters,
    unassigned ones, and formatting characters but for the zero-width joiners, become ``\n``, ``\xNN``, ``\uNNNN`` or
    ``\UNNNNNNNN``.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> print(shown("na\u00efve\tone\udcff"))
    naïve\tone\xff
    """
    return text if text.isprintable() and text.isascii() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    """One code point."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character in (_JOINER, _NON_JOINER) or unicodedata.category(character) not in _HIDDEN:
        return character
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(data: bytes) -> str:
    r"""
    Bytes in single quotes, so that spaces at both ends are seen; made visible as by `shown`.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    str

    Examples
    --------
    >>> print(quoted(b" na\xc3\xafve\n"), quoted(b"\xc3"))
    ' naïve\n' '\xc3'
    """
    return "'" + shown(decoded(data).replace("\\", "\\\\")) + "'"
