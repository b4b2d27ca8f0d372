"""
Families of adaptive context models: compressors of our own that predict each symbol from those before.

They differ in the rule by which counts become probabilities; `ncd.compressors.context_model` makes code lengths and
streams of these.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from ncd.compressors.context_model import ContextModel
from ncd.tokens import ALPHABETS, Bytes

if TYPE_CHECKING:
    from ncd.compressors.learners import Learner
    from ncd.compressors.text_learners import TextLearner
    from ncd.subwords import Tokens

__all__ = ["Ctw", "Dirichlet", "KneserNey", "Ngram", "Ppm", "WittenBell"]

_MOST_ORDER = 24  # so that no probability is too small for a number: each order may cost 31 bits
_BYTES, _OPEN = 256, 0  # sizes of alphabets
_COMMON = {"frozen": False, "alphabet": "bytes", "tokenizer": ""}
_SPELLING_ORDER = 3


class _Counting(ContextModel):
    """Models that count what follows each context."""

    _kind: ClassVar[str]

    def __init__(self, frozen: bool, alphabet: str, tokenizer: str | os.PathLike[str], **params: Any) -> None:
        super().__init__(**params, frozen=frozen, alphabet=alphabet, tokenizer=os.fspath(tokenizer))
        self._check_switch("frozen")
        self._check_choice("alphabet", ALPHABETS)
        path = self._params["tokenizer"]
        if "," in path:
            raise ValueError(f"{self.family}: tokenizer is {path!r}: the names of compressors have no room for commas")
        if (alphabet == "tokens") != bool(path):
            raise ValueError(
                f"{self.family}: alphabet is {alphabet!r} and tokenizer is {path!r}: give the path of a tokenizer.json "
                "with alphabet=tokens, and only then (ncd.subwords.Tokens trains one)"
            )

    @property
    def version(self) -> str:
        tokens = self._tokens
        return super().version if tokens is None else f"{super().version}, tokenizer {tokens.digest[:16]}"

    @property
    def _tokens(self) -> Tokens | None:
        """The tokenizer, which must lose nothing."""
        if self._params["alphabet"] != "tokens":
            return None
        from ncd.subwords import from_file

        path = self._params["tokenizer"]
        tokens = from_file(path)
        if not tokens.lossless:
            raise ValueError(
                f"{self.family}: tokenizer {path!r} loses a part of texts, so that lengths would not be true: take a "
                "byte-level one, such as ncd.subwords.Tokens('bpe') trains"
            )
        return tokens

    def symbol_counts(self, texts: Iterable[bytes]) -> list[int]:
        tokens = self._tokens
        return super().symbol_counts(texts) if tokens is None else [len(tokens.encode(text)) for text in texts]

    def _rule(self, order: int, alpha: float = 0.0, single: bool = False) -> Learner:
        """A learner by the rule of this family."""
        from ncd.compressors.context_learners import CountLearner
        from ncd.kernels import context_counts

        tokens = self._tokens
        size = tokens.size if tokens is not None else _OPEN if self._params["alphabet"] == "words" else _BYTES
        return CountLearner(context_counts.Rule(getattr(context_counts, self._kind), order, size, alpha, single))

    def _texts(self) -> TextLearner:
        from ncd.compressors.text_learners import Symbolwise, Wordwise

        if self._params["alphabet"] == "words":
            return Wordwise(self._learner, _speller)
        return Symbolwise(self._learner(), self._tokens or Bytes())


def _speller() -> Learner:
    """PPM of the bytes of new words, each with an end."""
    from ncd.compressors.context_learners import CountLearner
    from ncd.kernels.context_counts import PPM, Rule

    return CountLearner(Rule(PPM, _SPELLING_ORDER, _BYTES + 1, 0.0, True))


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
        0 to 24, the longest context in symbols.
    update_exclusion : bool
        Whether shorter contexts leave out what a longer one has predicted.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    alphabet : {"bytes", "words", "tokens"}
        What symbols are; the order counts them.
    tokenizer : str or path
        With ``alphabet="tokens"``: the ``tokenizer.json`` of a byte-level tokenizer.
    """

    family = "ppm"
    defaults: ClassVar = {"order": 5, "update_exclusion": True, **_COMMON}
    _kind = "PPM"

    def __init__(
        self,
        order: int = 5,
        update_exclusion: bool = True,
        frozen: bool = False,
        alphabet: str = "bytes",
        tokenizer: str | os.PathLike[str] = "",
    ) -> None:
        super().__init__(frozen, alphabet, tokenizer, order=order, update_exclusion=update_exclusion)
        self._check_range("order", 0, _MOST_ORDER)
        self._check_switch("update_exclusion")

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
        0 to 24: K, the longest context in symbols.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    alphabet : {"bytes", "words", "tokens"}
        What symbols are; the order counts them.
    tokenizer : str or path
        With ``alphabet="tokens"``: the ``tokenizer.json`` of a byte-level tokenizer.
    """

    family = "wb"
    defaults: ClassVar = {"order": 5, **_COMMON}
    _kind = "WITTEN_BELL"

    def __init__(
        self,
        order: int = 5,
        frozen: bool = False,
        alphabet: str = "bytes",
        tokenizer: str | os.PathLike[str] = "",
    ) -> None:
        super().__init__(frozen, alphabet, tokenizer, order=order)
        self._check_range("order", 0, _MOST_ORDER)

    def _learner(self) -> Learner:
        return self._rule(self._params["order"])


class Ngram(WittenBell):
    """
    The mean of the probabilities P_1 ... P_K of Witten and Bell (see `WittenBell`): a mixture of orders.

    Parameters
    ----------
    order : int
        1 to 24: K, the longest context in symbols.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    alphabet : {"bytes", "words", "tokens"}
        What symbols are; the order counts them.
    tokenizer : str or path
        With ``alphabet="tokens"``: the ``tokenizer.json`` of a byte-level tokenizer.
    """

    family = "ngram"
    defaults: ClassVar = {"order": 6, **_COMMON}
    _kind = "NGRAM"

    def __init__(
        self,
        order: int = 6,
        frozen: bool = False,
        alphabet: str = "bytes",
        tokenizer: str | os.PathLike[str] = "",
    ) -> None:
        super().__init__(order, frozen, alphabet, tokenizer)
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
        0 to 24: K, the longest context in symbols.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    alphabet : {"bytes", "words", "tokens"}
        What symbols are; the order counts them.
    tokenizer : str or path
        With ``alphabet="tokens"``: the ``tokenizer.json`` of a byte-level tokenizer.
    """

    family = "kn"
    _kind = "KNESER_NEY"

    def _learner(self) -> Learner:
        return self._rule(self._params["order"], single=True)


class Dirichlet(_Counting):
    """
    Order 0 with a Dirichlet prior: P(s) = (n(s) + alpha) / (n + A alpha) after n symbols of an alphabet of A.

    alpha = 1/2 is the estimator of Krichevsky & Trofimov (1981), also known as ``kt``. Of words, after n words of which
    V were different, a known one has the probability (n(s) + alpha) / (n + V + alpha (V + 1)), a new one (V + alpha)
    divided by the same. The module ncd.kernels.dirichlet has the code for a vocabulary that is known beforehand.

    Parameters
    ----------
    alpha : float
        1e-6 to 1e6, the prior's weight for each byte.
    frozen : bool
        Whether a primed coder stays with what it has learned from x.
    alphabet : {"bytes", "words", "tokens"}
        What symbols are; the order counts them.
    tokenizer : str or path
        With ``alphabet="tokens"``: the ``tokenizer.json`` of a byte-level tokenizer.
    """

    family = "dirichlet"
    defaults: ClassVar = {"alpha": 0.5, **_COMMON}
    _kind = "DIRICHLET"

    def __init__(
        self,
        alpha: float = 0.5,
        frozen: bool = False,
        alphabet: str = "bytes",
        tokenizer: str | os.PathLike[str] = "",
    ) -> None:
        super().__init__(frozen, alphabet, tokenizer, alpha=alpha)
        self._check_number("alpha", 1e-6, 1e6)

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
