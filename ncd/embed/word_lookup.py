"""Words of texts, found among words that have vectors: variants, compounds, and a count of what is not found."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from ncd.exceptions import UnknownWordsWarning
from ncd.words import words_with_marks

__all__ = ["Coverage", "Lookup", "warn_unknown", "words_and_compounds"]

_SEAMS = re.compile(r"[-‐‑_'’]")
_REMEMBERED = 100_000  # words of a stream that are not in the vocabulary
_DIGITS = re.compile(r"\d{2,}")


@lru_cache(maxsize=1)
def _compounds() -> re.Pattern[str]:
    """A word, with what hyphens and apostrophes bind to it."""
    word = words_with_marks().partition("|")[0]
    return re.compile(rf"{word}(?:[-‐‑'’]{word})*")


def words_and_compounds(text: str) -> list[str]:
    """
    The words of a text, with their case; those bound by hyphens, apostrophes or underscores are one.

    Examples
    --------
    >>> words_and_compounds("The state-of-the-art New_York doesn't sleep.")
    ['The', 'state-of-the-art', 'New_York', "doesn't", 'sleep']
    """
    return _compounds().findall(text)


@dataclass(frozen=True)
class Coverage:
    """
    How the words of texts were found.

    Attributes
    ----------
    tokens : int
        All words; the sum of the others.
    exact : int
        Found as they are.
    variants : int
        Found in another case, or with another apostrophe, or with a # for each digit of numbers of two and more.
    joined : int
        Found as one entry: the parts of a compound joined by _ or nothing (New-York as New_York), or an unknown word
        together with the next one (then both count).
    split : int
        Compounds of which only parts were found.
    subwords : int
        Given a vector from their character n-grams (fastText).
    unknown : int
        Without a vector.

    Examples
    --------
    >>> Coverage(tokens=10, exact=6, unknown=4).unknown_share
    0.4
    """

    tokens: int = 0
    exact: int = 0
    variants: int = 0
    joined: int = 0
    split: int = 0
    subwords: int = 0
    unknown: int = 0

    @property
    def unknown_share(self) -> float:
        """Unknown words per word; 0 where there is no word."""
        return self.unknown / self.tokens if self.tokens else 0.0

    def __add__(self, other: Coverage) -> Coverage:
        mine, others = asdict(self), asdict(other)
        return Coverage(**{key: mine[key] + others[key] for key in mine})

    def to_dict(self) -> dict[str, Any]:
        """The counts as a dictionary."""
        return asdict(self)


def warn_unknown(name: str, coverage: Coverage) -> None:
    """Warn where more than half of the words have no vector."""
    if 2 * coverage.unknown > coverage.tokens:
        warnings.warn(
            f"{name} has no vector for {coverage.unknown_share:.0%} of the words ({coverage.unknown:,} of "
            f"{coverage.tokens:,}): its vectors say little of these texts",
            UnknownWordsWarning,
            stacklevel=4,
        )


class Lookup:
    """
    Words of texts as entries of a vocabulary.

    A word is looked for as it is; then as a variant (lower case, first letter upper, all upper; a straight apostrophe;
    a # for each digit of a number of two digits or more, as in GoogleNews); then, if it is a compound, with its parts
    joined by _ or by nothing; then, joined by _ to the word behind it; then as the parts of the compound, those that
    are found; then by its character n-grams, if `subwords` knows any. What is found first counts.

    Parameters
    ----------
    index : mapping from str to int
        The vocabulary.
    lower : bool
        Whether texts are turned to lower case first.
    subwords : callable, optional
        Whether a word that is not in the vocabulary has a vector nevertheless.
    """

    def __init__(
        self, index: Mapping[str, int], *, lower: bool = False, subwords: Callable[[str], bool] | None = None
    ) -> None:
        self._index, self._lower, self._subwords = index, lower, subwords
        self._known: dict[str, tuple[str, list[str]]] = {}

    def words(self, text: str) -> tuple[list[str], Coverage]:
        """The entries that stand for a text, in its order, and how they were found."""
        tokens = words_and_compounds(text.lower() if self._lower else text)
        found: list[str] = []
        counts = dict.fromkeys(("exact", "variants", "joined", "split", "subwords", "unknown"), 0)
        i = 0
        while i < len(tokens):
            token = tokens[i]
            if token in self._index:
                counts["exact"] += 1
                found.append(token)
                i += 1
                continue
            way, entries = self._known.get(token) or self._found(token)
            if way not in ("variants", "joined") and i + 1 < len(tokens):
                pair = self._entry(f"{token}_{tokens[i + 1]}")
                if pair is not None:
                    counts["joined"] += 2
                    found.append(pair)
                    i += 2
                    continue
            counts[way] += 1
            found += entries
            i += 1
        return found, replace(Coverage(tokens=len(tokens)), **counts)

    def _found(self, token: str) -> tuple[str, list[str]]:
        """How a word that is not in the vocabulary is found without its neighbours; the last ones are remembered."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[token] = answer = self._search(token)
        return answer

    def _search(self, token: str) -> tuple[str, list[str]]:
        entry = self._entry(token)
        if entry is not None:
            return "variants", [entry]
        parts = [part for part in _SEAMS.split(token) if part]
        if len(parts) > 1:
            for seam in ("_", ""):
                entry = self._entry(seam.join(parts))
                if entry is not None:
                    return "joined", [entry]
            entries = [entry for part in parts if (entry := self._entry(part)) is not None]
            if entries:
                return "split", entries
        if self._subwords is not None and self._subwords(token):
            return "subwords", [token]
        return "unknown", []

    def _entry(self, token: str) -> str | None:
        """The entry of a word or of one of its variants."""
        return next((variant for variant in _variants(token) if variant in self._index), None)


def _variants(token: str) -> Iterator[str]:
    """A word, and other ways to write it."""
    straight = token.replace("’", "'").replace("‐", "-").replace("‑", "-")
    hidden = _DIGITS.sub(lambda digits: "#" * len(digits[0]), straight)
    for form in dict.fromkeys((token, straight, hidden)):
        yield form
        yield form.lower()
        yield form[:1].upper() + form[1:].lower()
        yield form.title()
        yield form.upper()
