"""Explanations as HTML: texts coloured by their bits, with nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np

from ncd.classify.explanation import Explanation, Stretch, Unit
from ncd.tokens import decoded
from ncd.visible import shown

__all__ = ["LEVELS", "Piece", "fragment_of", "page_of", "pieces_of"]

#: Shades of a colour.
LEVELS = 8
_FULL = 0.95  # quantile of the bits at which the colour is full
_LINED = 3  # level from which on the colour against is underlined too, for those who see no colours
_STRONGEST = 0.65  # opacity of the full colour: letters stay legible on it, on light ground and on dark

_STYLE = (
    ".ncd-x{max-width:60em;margin:1em 0;line-height:1.5}"
    ".ncd-x p{margin:.4em 0}"
    ".ncd-x .ncd-text{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.8;padding:.6em .8em;"
    "border:1px solid rgba(128,128,128,.4);border-radius:4px}"
    ".ncd-x .ncd-esc{font-family:monospace;font-size:85%;opacity:.8}"
    ".ncd-x .ncd-key{padding:0 .4em;white-space:nowrap}"
    ".ncd-x .ncd-small{font-size:85%}"
    + "".join(
        f".ncd-x .ncd-p{level}{{background:rgba(0,114,178,{_STRONGEST * level / LEVELS:.3f})}}"
        f".ncd-x .ncd-m{level}{{background:rgba(213,94,0,{_STRONGEST * level / LEVELS:.3f})"
        f"{';text-decoration:underline 1px;text-underline-offset:.2em' if level >= _LINED else ''}}}"
        for level in range(1, LEVELS + 1)
    )
)


P = TypeVar("P", "Piece", Stretch)


class Piece(NamedTuple):
    """A word, or a character, that has one colour."""

    text: bytes
    bits: float
    level: int  # -8 to 8


def pieces_of(explanation: Explanation, unit: Unit) -> tuple[list[Piece], float]:
    """The pieces of a text with their shades, and the bits from which on the colour is full."""
    stretches = explanation.stretches(unit)
    sizes = np.abs([stretch.bits for stretch in stretches])
    full = float(np.quantile(sizes, _FULL)) or float(sizes.max()) or 1.0
    levels = [round(max(-1.0, min(1.0, stretch.bits / full)) * LEVELS) for stretch in stretches]
    return [Piece(stretch.text, stretch.bits, level) for stretch, level in zip(stretches, levels, strict=True)], full


def fragment_of(explanation: Explanation, unit: Unit) -> str:
    """A division with its own style."""
    return f'<div class="ncd-x"><style>{_STYLE}</style>{_content(explanation, unit)}</div>'


def page_of(explanations: Iterable[Explanation], unit: Unit, names: Iterable[str] = ()) -> str:
    """A whole page of one explanation, or several, each below its name."""
    explanations, names = list(explanations), list(names)
    titles = [f"<h2>{escape(shown(name))}</h2>" for name in names] or [""] * len(explanations)
    body = "\n".join(
        f'<div class="ncd-x">{title}{_content(explanation, unit)}</div>'
        for title, explanation in zip(titles, explanations, strict=True)
    )
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>ncd: explanation</title>'
        "<style>:root{color-scheme:light dark}body{font-family:sans-serif;margin:2em auto;max-width:60em;"
        f"padding:0 1em}}{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _content(explanation: Explanation, unit: Unit) -> str:
    """Heading, legend, text, and what each expert says."""
    pieces, full = pieces_of(explanation, unit)
    label, against = (escape(shown(str(name))) for name in (explanation.label, explanation.against))
    measure = "bits saved" if explanation.measure == "bits saved" else "bits (log2 odds)"
    one = "character" if unit == "characters" else "word"
    said = [f"{escape(name)} {expert.total:+.2f}" for name, expert in explanation.experts.items()]
    experts = f"By expert: {', '.join(said)}, classes {explanation.class_bias:+.2f}. " if len(said) > 1 else ""
    return (
        f"<p><b>{label}</b> against <b>{against}</b>: <b>{explanation.total:+.2f} {measure}</b></p>"
        f'<p class="ncd-small"><span class="ncd-key ncd-p{LEVELS // 2}">for {label}</span> '
        f'<span class="ncd-key ncd-m{LEVELS // 2}">for {against}</span> '
        f"full colour: {full:.2g} bits or more a {one}. {experts}"
        f"By place: text {explanation.bits.sum():+.2f}, constant {explanation.constant:+.2f}.</p>"
        f'<div class="ncd-text" dir="auto">{"".join(_words(explanation, pieces, unit))}</div>'
    )


def _words(explanation: Explanation, pieces: list[Piece], unit: Unit) -> Iterator[str]:
    """The text, word by word; each tells its bits, and those of its characters."""
    rest = iter(pieces)
    letters = iter(explanation.stretches("characters"))
    for word in explanation.stretches():
        inner = [next(rest)] if unit == "words" else list(_until(rest, word))
        each = [f"{shown(decoded(letter.text))} {letter.bits:+.2f}" for letter in _until(letters, word)]
        told = f"\n{'  '.join(each)}" if len(each) > 1 else ""
        title = escape(f"{shown(decoded(word.text))}: {word.bits:+.2f} bits{told}", quote=True)
        yield f'<span title="{title}">{"".join(_coloured(inner))}</span>'


def _until(pieces: Iterator[P], word: Stretch) -> Iterator[P]:
    """The next pieces that make up a word."""
    left = len(word.text)
    while left:
        piece = next(pieces)
        yield piece
        left -= len(piece.text)


def _coloured(pieces: list[Piece]) -> Iterator[str]:
    """Pieces of the same shade in one element."""
    for level, group in groupby(pieces, key=lambda piece: piece.level):
        content = "".join(_escaped(character, level) for piece in group for character in decoded(piece.text))
        yield f'<span class="ncd-{"p" if level > 0 else "m"}{abs(level)}">{content}</span>' if level else content


def _escaped(character: str, level: int) -> str:
    """A character as HTML; one that cannot be seen as its escape."""
    if character in "\n\t":
        return {"\n": "\u21b5\n", "\t": "\u21e5\t"}[character] if level else character
    visible = shown(character)
    return escape(visible) if visible == character else f'<span class="ncd-esc">{visible}</span>'
