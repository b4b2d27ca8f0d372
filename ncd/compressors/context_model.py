"""
What the adaptive context models have in common: bits from a learner's probabilities, streams by arithmetic coding.

A code length is the sum of -log2 P(symbol | symbols before), a fraction of a bit exactly; `compress` turns the same
probabilities into a stream. Symbols are bytes, words, or the tokens of a tokenizer.
"""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor, Primed
from ncd.corpus import Text, as_bytes
from ncd.tokens import Bytes

if TYPE_CHECKING:
    from ncd.compressors.learners import Learner
    from ncd.compressors.text_learners import TextLearner

__all__ = ["ContextModel", "PrimedContextModel"]

_CHECKSUM = 4


class ContextModel(Compressor):
    """
    What the adaptive context models have in common; see the families for their formulas.

    Lengths are in **bits**: L(x) = sum over i of -log2 P(x_i | x_1 ... x_{i-1}), a float64, no header counted. The
    first byte of a text costs 8 bits. ``compress(x)`` is a real stream of this length: a header (the number of bytes,
    1 to 5, and a checksum, 4) and at most ``ceil(L(x) / 8) + 1`` bytes, to which arithmetic coding adds less than 2e-7
    bits for each byte of x. It may be shorter where bytes had probabilities below 2^-32.

    With ``alphabet="words"`` a text is two sequences, its words and what stands between them
    (`ncd.words.split_alternating`), each with a model of its own in which "a new one" may come at any time; new words
    and gaps are spelled by two more models, PPM of order 3 over bytes and an end. L(x) is the sum of all four, and so
    is the stream, with a longer header (10 to 30 bytes). x and y are cut each by itself: L(x) + L(y|x) is the length of
    both where no word reaches over the seam, and a gap there is one more. With ``alphabet="tokens"`` it is the sequence
    of tokens of the byte-level tokenizer in the file `tokenizer`.

    `primed(x)` has learned x and goes on learning in y, so that L(x) + L(y|x) = L(xy) up to rounding. With
    ``frozen=True`` it knows the counts of x and learns nothing from y.

    Results do not depend on the number of threads or on earlier calls. Texts may have 2^31 - 1 bytes. Memory: 36 to 44
    bytes for each different string of at most order + 1 symbols, and 20 bytes for each symbol of the text.
    """

    unit = "bits"
    dtype = np.dtype(np.float64)
    can_prime = True

    @property
    def version(self) -> str:
        return "ncd context 1"

    @property
    def _model(self) -> Hashable:
        """What tells models apart: all parameters but whether they stay frozen."""
        return self.version, self.family, *(value for key, value in self._params.items() if key != "frozen")

    @abstractmethod
    def _learner(self) -> Learner:
        """A learner of symbols that knows nothing."""

    def _texts(self) -> TextLearner:
        """A learner of texts that knows nothing."""
        from ncd.compressors.text_learners import Symbolwise

        return Symbolwise(self._learner(), Bytes())

    @contextmanager
    def _borrowed(self) -> Iterator[TextLearner]:
        """A learner for one call."""
        from ncd.compressors.learners import borrowed

        with borrowed(self._model, self._texts) as learner:
            yield learner

    def _check_switch(self, key: str) -> None:
        """Raise unless a parameter is true or false."""
        self._check_choice(key, (False, True))
        self._params[key] = bool(self._params[key])

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        with self._borrowed() as learner:
            return [learner.bits(text) for text in texts]

    def _prefix_lengths(self, data: bytes, ends: list[int]) -> list[Any]:
        with self._borrowed() as learner:
            return learner.prefix_bits(data, ends)

    def code_lengths(self, data: Text) -> NDArray[np.float64]:
        """
        Bits of each byte of a text, shape (n,); their sum is `length`.

        With ``alphabet="words"`` those of each word and gap in turn, spelling included; with "tokens" of each token.

        Examples
        --------
        >>> import ncd
        >>> ncd.get_compressor("ppm:2").code_lengths("abab").round(2).tolist()
        [8.0, 8.99, 2.0, 1.0]
        """
        with self._borrowed() as learner:
            return learner.each(as_bytes(data, name="data"))

    def symbol_counts(self, texts: Iterable[bytes]) -> list[int]:
        """
        How many tokens each text has.

        Raises
        ------
        TypeError
            Unless the alphabet is "tokens".
        """
        del texts
        raise TypeError(f"{self.name!r} has no tokens of its own: give an Alphabet as symbol, or choose 'words'")

    def distribution(self, past: Text = b"") -> NDArray[np.float64]:
        """
        Probabilities of the 256 bytes that may follow a text, shape (256,); their sum is 1.

        With ``alphabet="tokens"`` those of all tokens.

        Raises
        ------
        TypeError
            With ``alphabet="words"``: there is no list of all words that may come.

        Examples
        --------
        >>> import ncd
        >>> shares = ncd.get_compressor("ppm:2").distribution("abab")
        >>> float(shares[ord("a")])
        0.5
        """
        with self._borrowed() as learner:
            return learner.distribution(as_bytes(past, name="past"))

    def _compress(self, data: bytes) -> bytes:
        from ncd.compressors.text_learners import number

        with self._borrowed() as learner:
            count, payload = learner.encode(data)
        size = number(count)
        return size + self._checksum(size, payload) + payload

    def _decompress(self, stream: bytes) -> bytes:
        from ncd.compressors.text_learners import read_number

        size, at = read_number(stream)
        payload = stream[at + _CHECKSUM :]
        text = None
        if stream[at : at + _CHECKSUM] == self._checksum(stream[:at], payload):
            with self._borrowed() as learner:
                text = learner.decode(size, payload)
        if text is None:
            raise ValueError(
                f"stream of {len(stream):,} bytes: it was not made by {self.name}, or it is damaged or cut short"
            )
        return text

    def _checksum(self, size: bytes, payload: bytes) -> bytes:
        """CRC-32 of the model and everything in the stream."""
        return zlib.crc32(payload, zlib.crc32(f"{self._model} ".encode() + size)).to_bytes(4, "little")

    def _primed(self, x: bytes) -> PrimedContextModel:
        return PrimedContextModel(self, x)


class PrimedContextModel(Primed):
    """
    A context model that has learned a text.

    Adaptive, it learns each y and forgets it again, which takes half as long as learning it; a thread that finds it
    busy learns x once more for itself. Frozen, all threads read the same counts.
    """

    def __init__(self, compressor: ContextModel, x: bytes) -> None:
        self._compressor, self._x = compressor, x
        self._frozen = bool(compressor.params["frozen"])
        self._idle = deque([self._learned()])

    def __reduce__(self) -> tuple[Any, ...]:
        return PrimedContextModel, (self._compressor, self._x)

    def _learned(self) -> TextLearner:
        """A learner that knows x."""
        learner = self._compressor._texts()
        learner.prime(self._x, settle=self._frozen)
        return learner

    @contextmanager
    def _borrowed(self) -> Iterator[TextLearner]:
        """A learner that knows x, for one call."""
        try:
            learner = self._idle.pop()
        except IndexError:
            learner = self._learned()
        yield learner
        self._idle.append(learner)

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        if self._frozen:
            return [self._idle[0].bits(text, frozen=True) for text in texts]
        with self._borrowed() as learner:
            return [learner.bits(text) for text in texts]

    def code_lengths(self, data: Text) -> NDArray[np.float64]:
        """Bits of each byte, token, or word and gap of a text after x, shape (n,); their sum is `length`."""
        text = as_bytes(data, name="data")
        if self._frozen:
            return self._idle[0].each(text, frozen=True)
        with self._borrowed() as learner:
            return learner.each(text)
