"""A text cut into units, without loss: the places where a segment may begin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Text, as_bytes
from ncd.tokens import decoded

__all__ = ["Unit", "Units", "split_units"]

#: What a text may be cut into.
Unit = Literal["sentences", "lines", "words", "chars", "bytes"]

# A full stop, its closing quotes and brackets, then a space and no small letter; or the stops of scripts that write no
# space after them; or an empty line.
_CLOSING = r"[\"'”’»›)\]」』】）]*"
_SENTENCE = re.compile(
    rf"(?:(?<![^\W\d_]\.)(?<!\b[^\W\d_])[.]|[!?…;؟।॥]){_CLOSING}\s+(?=[^\s])|[。！？．]{_CLOSING}\s*|\n[^\S\n]*\n\s*"
)
_LINE = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r"\S+\s*")


@dataclass(frozen=True, eq=False)
class Units:
    """
    A text and where its units begin.

    What stands between two units (spaces, line breaks) belongs to the one before, so that the units' bytes, one after
    another, are the text.

    Attributes
    ----------
    text : bytes
    unit : {"sentences", "lines", "words", "chars", "bytes"}
    offsets : ndarray of int64, shape (n + 1,)
        Byte at which each unit begins, and the length of the text.

    Examples
    --------
    >>> units = split_units("One. Two? Three", "sentences")
    >>> len(units), units[1], units.offsets.tolist()
    (3, b'Two? ', [0, 5, 10, 15])
    """

    text: bytes
    unit: Unit
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """The bytes of a unit, or a list of them."""
        places = range(len(self))[index]
        if isinstance(places, int):
            return self.text[self.offsets[places] : self.offsets[places + 1]]
        return [self[i] for i in places]

    def between(self, start: int, stop: int) -> bytes:
        """The bytes of the units from `start` up to `stop`, which is not included."""
        return self.text[self.offsets[start] : self.offsets[stop]]

    @cached_property
    def characters(self) -> NDArray[np.int64]:
        """`offsets` counted in characters; a byte that is not UTF-8 counts as one."""
        if self.text.isascii():
            return self.offsets
        return np.searchsorted(_byte_offsets(decoded(self.text)), self.offsets)

    def __repr__(self) -> str:
        return f"<Units: {len(self):,} {self.unit} of {len(self.text):,} bytes>"


def _byte_offsets(characters: str) -> NDArray[np.int64]:
    """Byte at which each character begins, and the number of bytes."""
    codes = np.frombuffer(characters.encode("utf-32-le", "surrogatepass"), np.uint32)
    sizes = 1 + (codes >= 0x80) + (codes >= 0x800).astype(np.int8) + (codes >= 0x10000)
    sizes[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # bytes that are not UTF-8
    result = np.zeros(len(codes) + 1, np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


def _breaks(characters: str, unit: Unit) -> Iterable[int]:
    """Characters at which a unit may begin, ascending; units without a word may be among them."""
    if unit == "sentences":
        return (match.end() for match in _SENTENCE.finditer(characters) if not _goes_on(characters, match))
    if unit == "lines":
        return (match.end() for match in _LINE.finditer(characters))
    return (match.start() for match in _WORD.finditer(characters))


def _goes_on(characters: str, match: re.Match[str]) -> bool:
    """Whether a small letter follows what looks like the end of a sentence within a paragraph."""
    after = characters[match.end() : match.end() + 1]
    return after.islower() and "\n\n" not in match[0]


def _with_words(characters: str, breaks: Iterable[int]) -> list[int]:
    """Breaks after which something else than space comes: empty lines belong to the unit before."""
    edges = [0, *breaks, len(characters)]
    filled = [a for a, b in pairwise(edges) if a < b and not characters[a:b].isspace()]
    return [0, *filled[1:]]


def split_units(text: Text, unit: Unit = "sentences") -> Units:
    r"""
    Cut a text into units.

    - ``sentences`` end with a full stop, question or exclamation mark (and those of other scripts) before a space that
      no small letter follows, or with an empty line. A letter alone before a full stop is taken for an initial. There
      is no list of abbreviations, of any language.
    - ``lines`` end with a line break.
    - ``words`` are what stands between spaces.
    - ``chars`` are characters; a byte that is not UTF-8 is one.
    - ``bytes`` are bytes.

    Parameters
    ----------
    text : str, bytes-like or path
    unit : {"sentences", "lines", "words", "chars", "bytes"}

    Returns
    -------
    Units
        At least one unless the text is empty; none consists of space alone, unless the text does.

    Raises
    ------
    ValueError
        If `unit` is none of these.

    Examples
    --------
    >>> split_units("a b\n\nc\n", "lines")[:]
    [b'a b\n\n', b'c\n']
    """
    if unit not in get_args(Unit):
        raise ValueError(f"unit is {unit!r}: choose from {', '.join(map(repr, get_args(Unit)))}")
    data = as_bytes(text)
    if unit == "bytes" or (unit == "chars" and data.isascii()) or not data:
        return Units(data, unit, np.arange(len(data) + 1, dtype=np.int64))
    characters = decoded(data)
    bytes_of = None if data.isascii() else _byte_offsets(characters)
    if unit == "chars":
        assert bytes_of is not None
        return Units(data, unit, bytes_of)
    starts = np.array([*_with_words(characters, _breaks(characters, unit)), len(characters)], np.int64)
    return Units(data, unit, starts if bytes_of is None else bytes_of[starts])
