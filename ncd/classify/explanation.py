"""What an explanation of a decision is: bits for every byte of a text, which add up to the decision."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ncd.classify.base import check_choice, check_whole
from ncd.tokens import decoded, encoded
from ncd.visible import characters, quoted, shown
from ncd.words import split_alternating

__all__ = ["UNITS", "ExpertBits", "Explanation", "Stretch", "Unit"]

Unit = Literal["words", "characters"]
UNITS = ("words", "characters")
_NAME = 18  # characters of a word's name in a picture


class ExpertBits(NamedTuple):
    """
    What one expert adds to a decision.

    Attributes
    ----------
    bits : ndarray of float64, shape (n_bytes,)
    constant : float
        What it cannot charge to a byte.
    """

    bits: NDArray[np.float64]
    constant: float

    @property
    def total(self) -> float:
        """All that it adds, in bits."""
        return float(self.bits.sum() + self.constant)


@dataclass(frozen=True, repr=False)
class Stretch:
    """
    A run of bytes, such as a word, and what it decides.

    Attributes
    ----------
    text : bytes
    bits : float
        Sum over its bytes, wherever it stands; positive: it speaks for the predicted class.
    places : tuple of (int, int)
        First byte, and the one after the last, of every place.
    """

    text: bytes
    bits: float
    places: tuple[tuple[int, int], ...]

    def __repr__(self) -> str:
        times = f" in {len(self.places)} places" if len(self.places) > 1 else ""
        return f"<Stretch {quoted(self.text)} {self.bits:+.2f} bits{times}>"


@dataclass(frozen=True, repr=False, eq=False)
class Explanation:
    """
    Why a text has been given to one class and not to another, in bits for each of its bytes.

    Attributes
    ----------
    text : bytes
    label : object
        The predicted class.
    against : object
        The other class: the second best one, or the one that was asked for.
    bits : ndarray of float64, shape (n_bytes,)
        What each byte says: positive for `label`, negative for `against`.
    constant : float
        What no byte can be charged with: the biases, and the code lengths of the end of the text.
    experts : dict of str to ExpertBits
        The same for each expert. The bits of the experts add up to `bits`; their constants and the class biases of
        their combination (`class_bias`) to `constant`.
    measure : {"log2 odds", "bits saved"}
        What the total is: the logarithm of p(label) / p(against), or the code length under `against` less that under
        `label`.

    Examples
    --------
    >>> import ncd
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
    >>> model = ncd.CodeLengthClassifier().fit(texts, ["en", "fr", "en", "fr"])
    >>> why = model.explain("the dog")
    >>> why
    <Explanation of 7 bytes: 'en' against 'fr', +2.90 bits saved>
    >>> lengths = model.code_lengths(["the dog"])[0]
    >>> bool(np.isclose(why.bits.sum() + why.constant, lengths[1] - lengths[0]))
    True
    >>> why.top(1)
    [<Stretch 'dog' +2.04 bits>]
    """

    text: bytes
    label: Any
    against: Any
    bits: NDArray[np.float64]
    constant: float
    experts: dict[str, ExpertBits]
    measure: Literal["log2 odds", "bits saved"]

    @property
    def total(self) -> float:
        """The decision in bits: ``bits.sum() + constant``."""
        return float(self.bits.sum() + self.constant)

    @property
    def class_bias(self) -> float:
        """The part of `constant` that no expert has said: the biases of the two classes."""
        return float(self.constant - sum(expert.constant for expert in self.experts.values()))

    def stretches(self, unit: Unit = "words") -> list[Stretch]:
        """
        The text cut into pieces, with the bits of each.

        Parameters
        ----------
        unit : {"words", "characters"}
            "words": words, and what stands between them, as `ncd.words.split_alternating` cuts. "characters": code
            points with their combining marks.

        Returns
        -------
        list of Stretch
            In the order of the text, each in one place; their bits add up to those of the text.
        """
        check_choice("unit", unit, UNITS)
        pieces = [encoded(piece) for piece in _pieces(self.text, unit)]
        ends = list(accumulate(map(len, pieces)))
        places = list(zip([0, *ends], ends, strict=False))
        sums = np.add.reduceat(self.bits, [start for start, _ in places]).tolist()
        return [Stretch(piece, bits, (place,)) for piece, bits, place in zip(pieces, sums, places, strict=True)]

    def top(self, n: int = 10, unit: Unit = "words") -> list[Stretch]:
        """
        The pieces of the text that decide most, for either class.

        Parameters
        ----------
        n : int
            How many, at most.
        unit : {"words", "characters"}
            As in `stretches`.

        Returns
        -------
        list of Stretch
            Equal pieces are one, with all its places; the largest sums of bits first, whatever their sign.
        """
        check_whole("n", n, 1)
        places: dict[bytes, list[tuple[int, int]]] = {}
        bits: dict[bytes, float] = {}
        for piece in self.stretches(unit):
            places.setdefault(piece.text, []).extend(piece.places)
            bits[piece.text] = bits.get(piece.text, 0.0) + piece.bits
        best = sorted(bits, key=lambda text: -abs(bits[text]))[:n]
        return [Stretch(text, bits[text], tuple(places[text])) for text in best]

    def to_html(self, unit: Unit = "words", *, page: bool = False) -> str:
        """
        The text, coloured by its bits: blue speaks for the predicted class, orange, underlined, for the other.

        The stronger the colour, the more bits; it is full at the 95th percentile of the bits of the pieces, so that a
        few strong ones do not hide the others. Each word tells its bits when pointed at. Nothing is loaded from
        elsewhere, and everything is escaped; what cannot be printed is shown as ``\\xNN`` (bytes that are not UTF-8)
        or ``\\uNNNN``.

        Parameters
        ----------
        unit : {"words", "characters"}
            What has one colour; characters are the better choice where no spaces are written.
        page : bool
            A whole page, and not a fragment for another one.

        Returns
        -------
        str
        """
        from ncd.classify.explained_html import fragment_of, page_of

        check_choice("unit", unit, UNITS)
        return page_of([self], unit) if page else fragment_of(self, unit)

    def _repr_html_(self) -> str:
        return self.to_html()

    def save(self, path: os.PathLike[str] | str, *, unit: Unit = "words", force: bool = False) -> None:
        """
        Write `to_html` to a file, as a whole page.

        Parameters
        ----------
        path : path-like
        unit : {"words", "characters"}
        force : bool
            Replace an existing file.

        Raises
        ------
        OSError
            If the file exists and `force` is false, or cannot be written.
        """
        from ncd.files import atomic_write

        html = self.to_html(unit, page=True)
        with atomic_write(path, force=force) as file:
            file.write(html.encode())

    def plot(self, ax: Any = None, *, names: int = 8) -> Any:
        """
        The bits along the text, added up: from the constant at its left end to the decision at its right end.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        names : int
            How many of the deciding words are named; long ones are cut short.

        Returns
        -------
        matplotlib Axes
        """
        from ncd.plot import running_bits

        check_whole("names", names, 0)
        best = sorted(self.stretches(), key=lambda piece: -abs(piece.bits))[:names]
        named = [(*piece.places[0], _short(shown(decoded(piece.text)).strip())) for piece in best]
        ax = running_bits(self.bits, start=self.constant, names=named, ax=ax)
        ax.set_title(f"{self.label} against {self.against}: {self.total:+.1f} bits", parse_math=False)
        ax.set_ylabel("bits saved" if self.measure == "bits saved" else "bits (log2 odds)")
        return ax

    def to_dict(self) -> dict[str, Any]:
        """
        Everything by name, in types that JSON has (labels are as they were).

        The text is a str in which a lone surrogate, U+DC80 to U+DCFF, stands for a byte that is not UTF-8.
        """
        return {
            "label": self.label,
            "against": self.against,
            "measure": self.measure,
            "total": self.total,
            "constant": self.constant,
            "text": decoded(self.text),
            "bits": self.bits.tolist(),
            "experts": {
                name: {"bits": said.bits.tolist(), "constant": said.constant} for name, said in self.experts.items()
            },
        }

    def __repr__(self) -> str:
        size = f"{len(self.text):,} byte{'s' * (len(self.text) != 1)}"
        measure = "bits saved" if self.measure == "bits saved" else "bits (log2 odds)"
        return f"<Explanation of {size}: {self.label!r} against {self.against!r}, {self.total:+.2f} {measure}>"


def _short(name: str) -> str:
    """A name that fits into a picture."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}\u2026"


def _pieces(text: bytes, unit: Unit) -> Iterator[str]:
    """The words, and what stands between them, or the characters of a text."""
    for part in split_alternating(text):
        if unit == "characters":
            yield from characters(part)
        elif part:
            yield part
