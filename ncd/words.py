"""Words: where a text is cut into them, and the alphabet that numbers them."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, count, repeat
from typing import Any, Self

import numpy as np

from ncd.corpus import Text, Texts, as_bytes, as_corpus
from ncd.tokens import Alphabet, Ids, blocks_of, decoded, encoded, offsets_of

__all__ = ["WORDS", "Words", "split_alternating", "words_with_marks"]

#: The default pattern of a word: letters, digits and underscores, or one other character that is not a space.
WORDS = r"\w+|[^\w\s]"


@lru_cache(maxsize=1)
def _marks() -> str:
    """Combining marks and the two zero-width joiners, as ranges for a class of a regular expression."""
    codes = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "M"]
    codes = sorted([*codes, 0x200C, 0x200D])
    starts = [code for code, before in zip(codes, [-1, *codes], strict=False) if code != before + 1]
    stops = [code for code, after in zip(codes, [*codes[1:], -1], strict=True) if code + 1 != after]
    return "".join(
        chr(start) if start == stop else f"{chr(start)}-{chr(stop)}" for start, stop in zip(starts, stops, strict=True)
    )


def words_with_marks() -> str:
    r"""
    A pattern of words in which combining marks are parts of words.

    Python's ``\w`` leaves them out, so that `WORDS` breaks words of Devanagari, Bengali, Tamil or Thai at each vowel
    sign, and a word whose accents are characters of their own at each accent. The zero-width joiner and non-joiner
    count as marks too (Unicode Standard Annex 29, rule WB4).

    Returns
    -------
    str
        For the `pattern` of `Words`.

    Examples
    --------
    >>> re.findall(WORDS, "हिन्दी"), re.findall(words_with_marks(), "हिन्दी")
    (['ह', 'ि', 'न', '्', 'द', 'ी'], ['हिन्दी'])
    """
    return rf"[\w{_marks()}]+|[^\w\s{_marks()}]"


@lru_cache(maxsize=1)
def _gaps() -> re.Pattern[str]:
    """What stands between words, as a group, so that `re.split` keeps it."""
    return re.compile(rf"([^\w{_marks()}]+)")


def split_alternating(text: Text) -> list[str]:
    r"""
    A text cut into words and what stands between them, without loss.

    Case is kept, combining marks are parts of words, and bytes that are not UTF-8 stand between words.

    Parameters
    ----------
    text : str, bytes-like or path

    Returns
    -------
    list of str
        Words at 0, 2, 4 ..., gaps at 1, 3, 5 ...; always an odd number of parts. Only the first and the last one,
        which are words, can be empty. ``encoded("".join(parts))`` is the text; so is the joint of the parts' bytes.

    Examples
    --------
    >>> split_alternating("To be, or not")
    ['To', ' ', 'be', ', ', 'or', ' ', 'not']
    >>> split_alternating(b"(\xff)")
    ['', '(\udcff)', '']
    """
    return _gaps().split(decoded(as_bytes(text)))


class Words(Alphabet):
    """
    Words and marks of punctuation, numbered in the order in which they are first seen; 0 is for unknown ones.

    Spaces between words are dropped, and so is the case unless `lower` is false: this is an alphabet for scoring
    texts, not for storing them (see `split_alternating`). Bytes that are not UTF-8 are symbols of their own. The order
    of first sight makes `update` with more texts give the same numbers as fitting all of them at once.

    Which characters are letters is decided by the Unicode tables of the running Python.

    Parameters
    ----------
    lower : bool
        Turn texts to lower case first.
    pattern : str
        Regular expression of a symbol, without groups other than ``(?:...)``; see `words_with_marks` for scripts with
        combining marks. Scripts that write no spaces (Chinese, Japanese, Thai) are better served by bytes or tokens.

    Raises
    ------
    ValueError
        If `pattern` is no regular expression, has groups, or matches an empty text.

    Examples
    --------
    >>> words = Words().fit(["To be, or not to be"])
    >>> words.size, words.encode("To see or not?")
    (6, array([1, 0, 4, 5, 0], dtype=uint32))
    >>> words.symbol(3)
    b','
    """

    kind = "words"
    unknown = 0

    def __init__(self, *, lower: bool = True, pattern: str = WORDS) -> None:
        if not isinstance(pattern, str):
            raise TypeError(f"pattern is {pattern!r}: give a regular expression as str, such as {WORDS!r}")
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"pattern is {pattern!r}, which is no regular expression: {error}") from None
        if compiled.groups:
            raise ValueError(f"pattern is {pattern!r}: write its groups as (?:...), so that a match is one symbol")
        if compiled.search(""):
            raise ValueError(f"pattern is {pattern!r}, which matches an empty text: use + in place of *")
        self.lower, self.pattern = bool(lower), pattern
        self._compiled = compiled
        self._index: dict[str, int] | None = None

    @property
    def size(self) -> int:
        """Number of known symbols, and one for the unknown."""
        return 1 + len(self._index or ())

    @property
    def symbols(self) -> list[str]:
        """The known symbols, those of the numbers 1, 2 ...; bytes that are not UTF-8 as lone surrogates."""
        return list(self._index or ())

    def fit(self, texts: Texts) -> Self:
        """
        Learn the symbols of `texts`, forgetting what was known.

        Parameters
        ----------
        texts : iterable of str, or of bytes-like, or of paths

        Returns
        -------
        Words
            Itself.
        """
        corpus = as_corpus(texts, name="texts", allow_empty=True)
        self._index = None
        self._learn(corpus)
        return self

    def update(self, texts: Texts) -> Self:
        """
        Learn the symbols of more texts; those that are known keep their numbers.

        Parameters
        ----------
        texts : iterable of str, or of bytes-like, or of paths

        Returns
        -------
        Words
            Itself.
        """
        self._learn(as_corpus(texts, name="texts", allow_empty=True))
        return self

    def _update_encode(self, texts: Sequence[bytes]) -> Ids:
        return self._learn(texts)

    def split(self, text: Text) -> list[str]:
        """
        The symbols of a text as characters.

        Examples
        --------
        >>> Words().split("It's 5%")
        ['it', "'", 's', '5', '%']
        """
        return next(self._split([as_bytes(text)]))

    def _split(self, texts: Iterable[bytes]) -> Iterator[list[str]]:
        """The symbols of each text."""
        findall, lower = self._compiled.findall, self.lower
        for text in texts:
            characters = decoded(text)
            yield findall(characters.lower() if lower else characters)

    def _learn(self, texts: Sequence[bytes]) -> Ids:
        """Number the symbols of texts, new ones too."""
        known = self._index or {}
        grown = defaultdict(count(1 + len(known)).__next__, known)
        number = grown.__getitem__
        found = self._numbered(texts, lambda symbols: map(number, symbols))
        self._index = dict(grown)
        return found

    def _encode(self, texts: Sequence[bytes]) -> Ids:
        if self._index is None:
            raise ValueError("the alphabet of words is empty: call fit or update with texts first")
        get = self._index.get
        return self._numbered(texts, lambda symbols: map(get, symbols, repeat(0)))

    def _numbered(self, texts: Sequence[bytes], number: Any) -> Ids:
        """Ids and offsets, a block of texts at a time: words as Python objects take tens of times their bytes."""
        lengths: list[int] = []
        blocks = []
        for block in blocks_of(texts):
            split = list(self._split(block))
            lengths += map(len, split)
            blocks.append(np.fromiter(number(chain.from_iterable(split)), np.uint32, sum(map(len, split))))
        return np.concatenate([*blocks, np.empty(0, np.uint32)]), offsets_of(lengths, len(texts))

    def symbol(self, index: int) -> bytes:
        """The bytes of a symbol, in lower case if `lower`; none for the unknown one."""
        if not 0 <= index < self.size:
            raise IndexError(f"index is {index}: choose from 0 to {self.size - 1}")
        return encoded(self.symbols[index - 1]) if index else b""

    def to_dict(self) -> dict[str, Any]:
        """Settings and symbols; lone surrogates stand for bytes that are not UTF-8, so JSON must escape them."""
        symbols = None if self._index is None else list(self._index)
        return {"alphabet": self.kind, "lower": self.lower, "pattern": self.pattern, "symbols": symbols}

    @classmethod
    def _from_dict(cls, state: Mapping[str, Any]) -> Words:
        """The alphabet whose `to_dict` this is."""
        made = cls(lower=state["lower"], pattern=state["pattern"])
        symbols = state["symbols"]
        if symbols is not None:
            if not all(isinstance(symbol, str) for symbol in symbols) or len(set(symbols)) != len(symbols):
                raise ValueError("symbols are not different texts")
            made._index = {symbol: number for number, symbol in enumerate(symbols, 1)}
        return made
