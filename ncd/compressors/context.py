"""
Adaptive context models: compressors of our own that predict each byte from those before, and give its bits.

A code length is the sum of -log2 P(byte | bytes before), a fraction of a bit exactly; `compress` turns the same
probabilities into a stream by arithmetic coding.
"""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor, Primed
from ncd.corpus import Text, as_bytes

if TYPE_CHECKING:
    from ncd.compressors.learners import Learner, Symbols

__all__ = ["ContextModel", "Ctw", "Dirichlet", "KneserNey", "Ngram", "Ppm", "PrimedContextModel", "WittenBell"]

_MOST_ORDER = 24  # so that no probability is too small for a number: each order may cost 31 bits
_CHECKSUM = 4
_ALPHABET = 256


class ContextModel(Compressor):
    """
    What the adaptive context models have in common; see the families for their formulas.

    Lengths are in **bits**: L(x) = sum over i of -log2 P(x_i | x_1 ... x_{i-1}), a float64, no header counted. The
    first byte of a text costs 8 bits. ``compress(x)`` is a real stream of this length: a header (the number of bytes,
    1 to 5, and a checksum, 4) and at most ``ceil(L(x) / 8) + 1`` bytes, to which arithmetic coding adds less than 2e-7
    bits for each byte of x. It may be shorter where bytes had probabilities below 2^-32.

    `primed(x)` has learned x and goes on learning in y, so that L(x) + L(y|x) = L(xy) up to rounding. With
    ``frozen=True`` it knows the counts of x and learns nothing from y.

    Results do not depend on the number of threads or on earlier calls. Texts may have 2^31 - 1 bytes. Memory: 36 to 44
    bytes for each different string of at most order + 1 bytes, and 20 bytes for each byte of the text.
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
        return self.family, *(value for key, value in self._params.items() if key != "frozen")

    @abstractmethod
    def _learner(self) -> Learner:
        """A learner that knows nothing."""

    @contextmanager
    def _borrowed(self) -> Iterator[Learner]:
        """A learner for one call."""
        from ncd.compressors.learners import borrowed

        with borrowed(self._model, self._learner) as learner:
            yield learner

    def _check_switch(self, key: str) -> None:
        """Raise unless a parameter is true or false."""
        self._check_choice(key, (False, True))
        self._params[key] = bool(self._params[key])

    def _lengths(self, texts: Iterable[bytes]) -> list[Any]:
        with self._borrowed() as learner:
            return [learner.bits(_symbols(text)) for text in texts]

    def code_lengths(self, data: Text) -> NDArray[np.float64]:
        """
        Bits of each byte of a text, shape (n,); their sum is `length`.

        Examples
        --------
        >>> import ncd
        >>> ncd.get_compressor("ppm:2").code_lengths("abab").round(2).tolist()
        [8.0, 8.99, 2.0, 1.0]
        """
        with self._borrowed() as learner:
            return -np.log2(learner.shares(_symbols(as_bytes(data, name="data"))))

    def distribution(self, past: Text = b"") -> NDArray[np.float64]:
        """
        Probabilities of the 256 bytes that may follow a text, shape (256,); their sum is 1.

        Examples
        --------
        >>> import ncd
        >>> shares = ncd.get_compressor("ppm:2").distribution("abab")
        >>> float(shares[ord("a")])
        0.5
        """
        with self._borrowed() as learner:
            learner.stand(_symbols(as_bytes(past, name="past")))
            return learner.distribution()

    def _compress(self, data: bytes) -> bytes:
        with self._borrowed() as learner:
            payload = learner.encode(_symbols(data))
        size = _number(len(data))
        return size + self._checksum(size, payload) + payload

    def _decompress(self, stream: bytes) -> bytes:
        size, at = _read_number(stream)
        payload = stream[at + _CHECKSUM :]
        symbols = None
        if stream[at : at + _CHECKSUM] == self._checksum(stream[:at], payload):
            with self._borrowed() as learner:
                symbols = learner.decode(payload, size)
        if symbols is None:
            raise ValueError(
                f"stream of {len(stream):,} bytes: it was not made by {self.name}, or it is damaged or cut short"
            )
        return symbols.astype(np.uint8).tobytes()

    def _checksum(self, size: bytes, payload: bytes) -> bytes:
        """CRC-32 of the model and everything in the stream."""
        return zlib.crc32(payload, zlib.crc32(f"{self.version} {self._model} ".encode() + size)).to_bytes(4, "little")

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
        learner = self._learned()
        if self._frozen:
            learner.settle()
        self._idle = deque([learner])

    def __reduce__(self) -> tuple[Any, ...]:
        return PrimedContextModel, (self._compressor, self._x)

    def _learned(self) -> Learner:
        """A learner that knows x."""
        learner = self._compressor._learner()
        learner.stand(_symbols(self._x))
        return learner

    @contextmanager
    def _borrowed(self) -> Iterator[Learner]:
        """A learner that knows x, for one call."""
        try:
            learner = self._idle.pop()
        except IndexError:
            learner = self._learned()
        yield learner
        self._idle.append(learner)

    def _lengths(self, texts: Sequence[bytes]) -> list[Any]:
        if self._frozen:
            from ncd.compressors.learners import bits_of

            return [bits_of(self._idle[0].read(_symbols(text))) for text in texts]
        with self._borrowed() as learner:
            return [learner.bits(_symbols(text), len(self._x)) for text in texts]

    def code_lengths(self, data: Text) -> NDArray[np.float64]:
        """Bits of each byte of a text after x, shape (n,); their sum is `length`."""
        symbols = _symbols(as_bytes(data, name="data"))
        if self._frozen:
            return -np.log2(self._idle[0].read(symbols))
        with self._borrowed() as learner:
            return -np.log2(learner.shares(symbols, len(self._x)))


def _symbols(text: bytes) -> Symbols:
    """The bytes as numbers."""
    return np.frombuffer(text, np.uint8).astype(np.uint32)


def _number(value: int) -> bytes:
    """A number in bytes of seven bits, the lowest first, all but the last one marked."""
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes([*result, value])


def _read_number(stream: bytes) -> tuple[int, int]:
    """The number that a stream begins with, and where it ends; whatever stands there."""
    value, at = 0, 0
    for at, byte in enumerate(stream[:5], 1):
        value |= (byte & 127) << 7 * (at - 1)
        if byte < 128:
            break
    return value, at


class _Counting(ContextModel):
    """Models that count what follows each context."""

    _kind: ClassVar[str]

    def _rule(self, order: int, alpha: float = 0.0, single: bool = False) -> Learner:
        """A learner by the rule of this family."""
        from ncd.compressors.context_learners import CountLearner
        from ncd.kernels import context_counts

        return CountLearner(context_counts.Rule(getattr(context_counts, self._kind), order, _ALPHABET, alpha, single))


class Ppm(_Counting):
    """
    Prediction by partial matching (Cleary & Witten 1984), escape by method D (Howard 1993), full exclusion.

    From the longest context down: with n(s) the counts of the symbols that no longer context has offered, T their sum
    and D their number,

        P(s) = (2 n(s) - 1) / (2 T),    P(escape) = D / (2 T);

    a context that offers nothing new is passed over, one that offers all that is left has no escape, and at the end
    all bytes never seen are equally likely. With update exclusion (Moffat 1990) a byte is counted in the context
    that knew it and in longer ones only, which saves about 4 % on English text.

    Parameters
    ----------
    order : int
        0 to 24, the longest context in bytes.
    update_exclusion : bool
        Whether shorter contexts leave out what a longer one has predicted.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "ppm"
    defaults: ClassVar = {"order": 5, "update_exclusion": True, "frozen": False}
    _kind = "PPM"

    def __init__(self, order: int = 5, update_exclusion: bool = True, frozen: bool = False) -> None:
        super().__init__(order=order, update_exclusion=update_exclusion, frozen=frozen)
        self._check_range("order", 0, _MOST_ORDER)
        self._check_switch("update_exclusion")
        self._check_switch("frozen")

    def _learner(self) -> Learner:
        return self._rule(self._params["order"], single=self._params["update_exclusion"])


class WittenBell(_Counting):
    """
    Interpolation after Witten & Bell (1991): each order counts as one more event for every different successor.

        P_k(s) = [n(u_k s) + D(u_k) P_{k-1}(s)] / [T(u_k) + D(u_k)],    P_{-1} = 1/256,

    with u_k the last k bytes, n counts, T(u) their sum after u, D(u) the number of different successors; P_k = P_{k-1}
    where u_k has never been followed by anything. The probability is P_K.

    Parameters
    ----------
    order : int
        0 to 24: K, the longest context in bytes.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "wb"
    defaults: ClassVar = {"order": 5, "frozen": False}
    _kind = "WITTEN_BELL"

    def __init__(self, order: int = 5, frozen: bool = False) -> None:
        super().__init__(order=order, frozen=frozen)
        self._check_range("order", 0, _MOST_ORDER)
        self._check_switch("frozen")

    def _learner(self) -> Learner:
        return self._rule(self._params["order"])


class Ngram(WittenBell):
    """
    The mean of the probabilities P_1 ... P_K of Witten and Bell (see `WittenBell`): a mixture of orders.

    Parameters
    ----------
    order : int
        1 to 24: K, the longest context in bytes.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "ngram"
    defaults: ClassVar = {"order": 6, "frozen": False}
    _kind = "NGRAM"

    def __init__(self, order: int = 6, frozen: bool = False) -> None:
        super().__init__(order, frozen)
        self._check_range("order", 1, _MOST_ORDER)


class KneserNey(WittenBell):
    """
    Interpolated Kneser-Ney (Kneser & Ney 1995; Chen & Goodman 1999) with one discount an order.

        P_k(s) = [max(c(u_k s) - d_k, 0) + d_k D(u_k) P_{k-1}(s)] / C(u_k),    P_{-1} = 1/256.

    For the longest contexts c counts occurrences; for shorter ones the different bytes that have stood before the
    string (the start of the text is one more), C is the sum over s, D the number of different successors. Where c has
    the value 1 for n_1 strings of k + 1 bytes and 2 for n_2, the discount is d_k = (n_1 + 1) / (n_1 + 2 n_2 + 2). All
    this is kept up to date byte by byte.

    Parameters
    ----------
    order : int
        0 to 24: K, the longest context in bytes.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "kn"
    _kind = "KNESER_NEY"

    def _learner(self) -> Learner:
        return self._rule(self._params["order"], single=True)


class Dirichlet(_Counting):
    """
    Order 0 with a Dirichlet prior: P(s) = (n(s) + alpha) / (n + 256 alpha) after n bytes.

    alpha = 1/2 is the estimator of Krichevsky & Trofimov (1981), also known as ``kt``.

    Parameters
    ----------
    alpha : float
        1e-6 to 1e6, the prior's weight for each byte.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "dirichlet"
    defaults: ClassVar = {"alpha": 0.5, "frozen": False}
    _kind = "DIRICHLET"

    def __init__(self, alpha: float = 0.5, frozen: bool = False) -> None:
        super().__init__(alpha=alpha, frozen=frozen)
        self._check_number("alpha", 1e-6, 1e6)
        self._check_switch("frozen")

    def _learner(self) -> Learner:
        return self._rule(0, alpha=self._params["alpha"])


class Ctw(ContextModel):
    """
    Context-tree weighting (Willems, Shtarkov & Tjalkens 1995), bytes decomposed into bits (Volf 2002).

    A byte is eight binary decisions, each with a context tree of its own for each beginning of the byte; contexts are
    the last 0 to D whole bytes. A decision's probability is the mixture over all trees that prune the full one, a tree
    with l leaves above depth D and m inner nodes having the weight 2^-(l + m):

        P_w(u) = (P_e(u) + prod_a P_w(a u)) / 2,    P_w(u) = P_e(u) at depth D.

    The estimator P_e of z zeros and o ones is that of Krichevsky and Trofimov, KT(z, o) = (1/2)(3/2)...(z - 1/2)
    (1/2)(3/2)...(o - 1/2) / (z + o)!, or the zero-redundancy estimator (Willems et al.): KT(z, o)/2, plus 1/4 if z = 0,
    plus 1/4 if o = 0, which pays less for bits that never change.

    Memory is larger than that of other models: about 140 bytes for each byte of English text at depth 8.

    Parameters
    ----------
    depth : int
        0 to 24: D, the longest context in bytes.
    estimator : {"zr", "kt"}
        Zero redundancy, or Krichevsky and Trofimov.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    """

    family = "ctw"
    defaults: ClassVar = {"depth": 8, "estimator": "zr", "frozen": False}

    def __init__(self, depth: int = 8, estimator: str = "zr", frozen: bool = False) -> None:
        super().__init__(depth=depth, estimator=estimator, frozen=frozen)
        self._check_range("depth", 0, _MOST_ORDER)
        self._check_choice("estimator", ("zr", "kt"))
        self._check_switch("frozen")

    def _learner(self) -> Learner:
        from ncd.compressors.context_learners import CtwLearner
        from ncd.kernels.context_ctw import Tree

        return CtwLearner(Tree(self._params["depth"], self._params["estimator"] == "zr"))
