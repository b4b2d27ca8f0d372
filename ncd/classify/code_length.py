"""Classification by code length: the class whose texts help most to compress a text."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import TextClassifier, check_choice
from ncd.compressors.base import Compressor
from ncd.compressors.registry import get_compressor
from ncd.corpus import Text, Texts, as_bytes, as_corpus
from ncd.engines.host import Engine
from ncd.exceptions import WindowWarning
from ncd.pairwise import conditional_lengths

__all__ = ["CodeLengthClassifier"]

_LARGE, _LONG = 5 << 20, 1000  # bytes of all training texts, and of one on average, up to which "auto" takes deflate


class CodeLengthClassifier(TextClassifier):
    """
    The class under which a text has the shortest code: argmin over c of L(text | texts of c).

    The training texts of a class are joined into one or several dictionaries. A codec that can be primed (zstd,
    deflate) has each dictionary prepared once; for any other, L(dictionary + separator + text) - L(dictionary) is
    computed.

    Parameters
    ----------
    compressor : str or object
        As in `ncd.get_compressor`. "auto": "deflate" for short texts (training texts of up to 1,000 bytes on average,
        5 MiB in all), where it is the more accurate, and "zstd:9" otherwise, where deflate with its many dictionaries
        of 32,768 bytes would be slow.
    dictionaries : int, optional
        Into how many dictionaries the texts of a class are dealt, in turn. None: as many as `dictionary_size` asks for,
        so that dictionaries of large and of small classes are about equally long, and can be compared.
    dictionary_size : int or None
        Greatest size of a dictionary in bytes if `dictionaries` is None. It is never more than what the compressor sees
        (gzip and deflate: 32,768); None: just that.
    deals : int
        If `dictionaries` is None: how many times the texts are dealt, each time into one dictionary more than before;
        the code length is the mean over the deals.
    reduce : {"mean", "min"}
        How the code lengths under the dictionaries of a class (and deal) become one.
    joint : {"auto", "primed", "concat"}
        "primed": L(text | dictionary) from a primed coder. "concat": L(dictionary + separator + text) -
        L(dictionary). "auto": primed where the compressor can.
    separator : str or bytes
        Stands between the training texts of a dictionary, and before the text of a concatenation.
    engine : {"auto", "host", "cuda"}
        As in `ncd.pairwise`.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    compressor_ : str or object
        The compressor that is used.
    dictionaries_ : list of bytes
        The dictionaries of all classes.
    owners_, deals_ : ndarray of int64
        For each dictionary, the index of its class in `classes_`, and of the deal that it belongs to.
    counts_ : ndarray of int64
        Training texts of each class; a tie goes to the class that has more.

    Notes
    -----
    Code lengths are whole bytes, so that under one dictionary short texts often tie between classes; the mean over
    several dictionaries is finer.

    References
    ----------
    Frank, Chui, Witten, Text categorization using compression models, DCC 2000; Benedetto, Caglioti, Loreto, Language
    trees and zipping, Phys. Rev. Lett. 88 (2002) for L(dictionary + text) - L(dictionary); several dictionaries a
    class with zstd as in FTCC (Fast Text Classification with Compressors dictionary, software, 2023).

    Examples
    --------
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
    >>> model = CodeLengthClassifier().fit(texts, ["en", "fr", "en", "fr"])
    >>> model.predict(["the dog sat on the cat", "le chien est sur le chat"]).tolist()
    ['en', 'fr']
    """

    def __init__(
        self,
        compressor: Any = "auto",
        *,
        dictionaries: int | None = None,
        dictionary_size: int | None = 131_072,
        deals: int = 3,
        reduce: Literal["mean", "min"] = "mean",
        joint: Literal["auto", "primed", "concat"] = "auto",
        separator: Text = b"\n",
        engine: Engine = "auto",
        n_jobs: int | None = None,
        progress: bool | None = None,
    ) -> None:
        self.compressor = compressor
        self.dictionaries = dictionaries
        self.dictionary_size = dictionary_size
        self.deals = deals
        self.reduce = reduce
        self.joint = joint
        self.separator = separator
        self.engine = engine
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: Texts, y: Any) -> CodeLengthClassifier:
        """
        Join the texts of each class into dictionaries.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)
        y : array_like, shape (n,)
            Labels.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For texts or labels that are missing, empty, mixed or of unequal number, and parameters out of range.

        Warns
        -----
        WindowWarning
            If a dictionary is longer than the compressor's window.
        """
        check_choice("reduce", self.reduce, ("mean", "min"))
        check_choice("joint", self.joint, ("auto", "primed", "concat"))
        check_choice("engine", self.engine, get_args(Engine))
        for name in ("dictionaries", "dictionary_size", "deals"):
            value = getattr(self, name)
            number = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1
            if not number and (value is not None or name == "deals"):
                raise ValueError(f"{name} is {value!r}: give a whole number from 1")
        if self.compressor != "auto":
            self._mode(get_compressor(self.compressor))
        texts, codes = self._read(X, y)
        total = sum(map(len, texts))
        chosen = "deflate" if total <= min(_LARGE, _LONG * len(texts)) else "zstd:9"
        self.compressor_ = chosen if self.compressor == "auto" else self.compressor
        codec = get_compressor(self.compressor_)
        separator = as_bytes(self.separator, name="separator")
        dictionaries: list[bytes] = []
        owners: list[tuple[int, int]] = []
        for c in range(len(self.classes_)):
            own = [text for text, code in zip(texts, codes, strict=True) if code == c]
            for deal, count in enumerate(self._counts(own, codec, len(separator))):
                parts = [own[i::count] for i in range(min(count, len(own)))]
                dictionaries += [separator.join(part) + separator for part in parts]
                owners += [(c, deal)] * len(parts)
        self.dictionaries_ = dictionaries
        self.owners_, self.deals_ = np.array(owners, np.int64).T
        self.counts_ = np.bincount(codes, minlength=len(self.classes_))
        self._warn_of_window(codec)
        return self

    def _mode(self, codec: Compressor) -> Literal["primed", "concat"]:
        """Whether the codec is primed with the dictionaries."""
        if self.joint == "auto":
            return "primed" if codec.can_prime else "concat"
        if self.joint == "primed" and not codec.can_prime:
            codec.primed(b"")  # raises, and says which can
        return self.joint

    def _window(self, codec: Compressor) -> int | None:
        """How much of a dictionary is seen."""
        return codec.primed_window if self._mode(codec) == "primed" else codec.window

    def _counts(self, texts: list[bytes], codec: Compressor, between: int) -> range:
        """Into how many dictionaries the texts of one class are dealt, for each deal."""
        if self.dictionaries is not None:
            return range(self.dictionaries, self.dictionaries + 1)
        sizes = [size for size in (self.dictionary_size, self._window(codec)) if size is not None]
        total = sum(map(len, texts)) + between * len(texts)
        least = math.ceil(total / min(sizes)) if sizes else 1
        return range(least, least + self.deals)

    def _warn_of_window(self, codec: Compressor) -> None:
        """Say what the compressor will not see."""
        window = self._window(codec)
        slack = 1 if self.dictionaries else 2  # dealing in turn leaves dictionaries a little uneven
        over = [i for i, text in enumerate(self.dictionaries_) if window is not None and len(text) > slack * window]
        if over:
            longest = max(over, key=lambda i: len(self.dictionaries_[i]))
            remedy = "pass dictionaries=None, or " if self.dictionaries else ""
            warnings.warn(
                f"class {self.classes_.tolist()[self.owners_[longest]]!r} has a dictionary of "
                f"{len(self.dictionaries_[longest]):,} bytes, of which {codec.name} sees the last {window:,} "
                f"({len(over)} of {len(self.dictionaries_)} dictionaries are too long): {remedy}choose a compressor "
                "with a larger window, such as 'zstd:19'",
                WindowWarning,
                stacklevel=3,
            )

    def code_lengths(self, X: Texts) -> NDArray[np.float64]:
        """
        Code length of each text under each class.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Bytes; columns in the order of `classes_`.
        """
        check_is_fitted(self)
        codec = get_compressor(self.compressor_)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WindowWarning)  # fit has spoken of the dictionaries
            each = conditional_lengths(
                self.dictionaries_,
                as_corpus(X),
                compressor=codec,
                separator=b"",  # the dictionaries end in one
                joint=self._mode(codec),
                engine=self.engine,
                n_jobs=self.n_jobs,
                progress=self.progress,
            )
        reduce = np.mean if self.reduce == "mean" else np.min
        lengths = np.empty((each.shape[1], len(self.classes_)))
        for c in range(len(self.classes_)):
            own = self.owners_ == c
            deals = [reduce(each[own & (self.deals_ == deal)], axis=0) for deal in np.unique(self.deals_[own])]
            lengths[:, c] = np.mean(deals, axis=0)
        return lengths

    def decision_function(self, X: Texts) -> NDArray[np.float64]:
        """
        Bytes saved: minus the code lengths; for two classes, those of the first minus those of the second.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            Larger is better; for two classes positive means the second.
        """
        lengths = self.code_lengths(X)
        return lengths[:, 0] - lengths[:, 1] if len(self.classes_) == 2 else -lengths

    def predict(self, X: Texts) -> NDArray[Any]:
        """
        Label of each text: the class with the shortest code, of equally short ones that with more training texts.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n,)
        """
        lengths = self.code_lengths(X)
        tied = lengths == lengths.min(1, keepdims=True)
        return self.classes_[np.where(tied, self.counts_, -1).argmax(1)]
