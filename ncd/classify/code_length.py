"""Classification by code length: the class whose texts help most to compress a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import TextClassifier, as_labels, check_choice, check_whole, read_labelled
from ncd.classify.counted import MODELS, Counted, is_class_model
from ncd.classify.dictionaries import Dealing, Dictionaries
from ncd.compressors.registry import get_compressor
from ncd.corpus import Text, Texts, as_bytes, as_corpus
from ncd.engines.host import Engine
from ncd.progress import progress_bar

if TYPE_CHECKING:
    from ncd.classify.explanation import Explanation
    from ncd.classify.fingerprints import Fingerprints

__all__ = ["CodeLengthClassifier"]

_KINDS = {"U": "str", "S": "str", "b": "bool"}


class CodeLengthClassifier(TextClassifier):
    """
    The class under which a text has the shortest code: argmin over c of L(text | texts of c).

    Nothing is learned but counts. A class is a context model that backs off to the model of all classes together, or
    the dictionary of any compressor.

    Parameters
    ----------
    model : {"ngram", "words", "tokens"} or compressor
        "ngram": bytes, predicted from the `order` bytes before; "words": lower-cased words and marks; "tokens":
        subwords learned from the training texts (``pip install 'ncd[tokens]'``). Or a compressor, as in
        `ncd.get_compressor`: its dictionaries are the training texts of a class joined.
    order : int, optional
        K, the longest context: 6 bytes, which is the most, or 2 words or tokens (1 where there are more than two
        million different ones).
    alpha : float, optional
        Weight of what a shorter context predicts: 2 for bytes, 4 for words and tokens.
    shared : float, optional
        Weight w of the model of all classes against the shorter context of the same class: 1/2 for bytes, 1/4 for words
        and tokens.
    dictionaries : int, optional
        For compressors: into how many dictionaries the texts of a class are dealt, in turn. None: as many as
        `dictionary_size` asks for, so that dictionaries of large and of small classes are about equally long, and can
        be compared; one for context models such as "ppm:5".
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
        Number of workers; None: all cores. Results do not depend on it.
    progress : bool or None
        None: a bar on a terminal after a second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    counts_ : ndarray of int64, shape (n_classes,)
        Training texts of each class; a tie goes to the class that has more.

    Notes
    -----
    A text is scored between two newlines (words and tokens: between two marks), the first of which is not coded. With
    n_c(u) occurrences of u in class c, T_c(u) = sum_s n_c(us), D_c(u) the distinct symbols that follow u, g all classes
    together, u_k the k symbols before and A the number of symbols (256 bytes; or the words or tokens, the mark and one
    for all that are not known),

        G_{-1} = 1/A;  G_k(s) = [n_g(u_k s) + D_g(u_k) G_{k-1}(s)] / [T_g(u_k) + D_g(u_k)]
        B_0 = G_0;     B_k = (1-w) H_{c,k-1} + w G_k
        H_{c,k}(s) = [n_c(u_k s) + alpha D_c(u_k) B_k(s)] / [T_c(u_k) + alpha D_c(u_k)]
        bits_c = (1/K) sum_{k=1..K} sum_i -log2 H_{c,k}(x_i)

    where a context that was not seen leaves G or B as it is. Code lengths are averaged over the orders: the order that
    compresses best is not the one that classifies best.

    The texts are kept: `partial_fit` adds to them, and the counts are made anew when they are next needed (about 20
    million bytes a second on two cores). Memory: 20 to 30 times the bytes of the texts while they
    are counted, then half of that; 180 times if they are random bytes.

    References
    ----------
    Frank, Chui, Witten, Text categorization using compression models, DCC 2000; Teahan & Harper 2003; Benedetto,
    Caglioti, Loreto, Language trees and zipping, Phys. Rev. Lett. 88 (2002) for L(dictionary + text) - L(dictionary);
    the estimate of G: Witten & Bell, IEEE Trans. Inf. Theory 37 (1991); several dictionaries a class with zstd as in
    FTCC (Fast Text Classification with Compressors dictionary, software, 2023).

    Examples
    --------
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
    >>> model = CodeLengthClassifier().fit(texts, ["en", "fr", "en", "fr"])
    >>> model.predict(["the dog sat on the cat", "le chien est sur le chat"]).tolist()
    ['en', 'fr']
    >>> model.code_lengths(["the dog"]).round(1)
    array([[12.5, 15.4]])
    """

    def __init__(
        self,
        model: Any = "ngram",
        *,
        order: int | None = None,
        alpha: float | None = None,
        shared: float | None = None,
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
        self.model = model
        self.order = order
        self.alpha = alpha
        self.shared = shared
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
        Count the strings of each class, or join its texts into dictionaries.

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
        self._check()
        texts, codes = self._read(X, y)
        self._keep(texts, codes)
        self._prepared()
        return self

    def partial_fit(self, X: Texts, y: Any, classes: Any = None) -> CodeLengthClassifier:
        """
        Add texts, of classes known or new; the result is that of fitting all texts at once.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)
        y : array_like, shape (n,)
        classes : array_like, optional
            Labels that must be known though no text may have them yet. Under a class without texts every code length is
            infinite, so that it is never predicted.

        Returns
        -------
        self
        """
        self._check()
        texts, labels = read_labelled(X, y)
        fitted = hasattr(self, "texts_")
        named = as_labels([] if classes is None else classes, "classes")
        parts = [labels, *([self.classes_] if fitted else []), *([named] if len(named) else [])]
        if len({_KINDS.get(part.dtype.kind, "number") for part in parts if part.size}) > 1:
            raise TypeError(
                "y and classes mix str, bool and numbers, or do so with labels known before: make them all of one kind"
            )
        together = np.concatenate([self.classes_[self.codes_], labels]) if fitted else labels
        self.classes_ = np.unique(np.concatenate(parts))
        self._keep([*self.texts_, *texts] if fitted else texts, np.searchsorted(self.classes_, together))
        return self

    def _keep(self, texts: list[bytes], codes: NDArray[np.int64]) -> None:
        """Set the training texts; what was made of earlier ones is forgotten."""
        self.texts_, self.codes_ = texts, codes
        self.counts_ = np.bincount(codes, minlength=len(self.classes_))
        self._made: Counted | Dictionaries | None = None

    def _check(self) -> None:
        """Raise for parameters out of range."""
        check_choice("reduce", self.reduce, ("mean", "min"))
        check_choice("joint", self.joint, ("auto", "primed", "concat"))
        check_choice("engine", self.engine, get_args(Engine))
        check_whole("deals", self.deals, 1)
        for name in ("dictionaries", "dictionary_size", "order"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)
        for name, value, most in (("alpha", self.alpha, 10**6), ("shared", self.shared, 1)):
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if value is not None and not (number and 0 < value <= most):
                raise ValueError(f"{name} is {value!r}: give a number above 0, at most {most:,}")
        others = ("dictionaries",) if is_class_model(self.model) else ("order", "alpha", "shared")
        for name in others:
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}, and model {self.model!r} has no use for it: order, alpha and "
                    f"shared are those of {', '.join(map(repr, MODELS))}, dictionaries those of compressors"
                )
        if not is_class_model(self.model):
            self._dealing().mode  # noqa: B018  raises if the compressor cannot do what is asked

    def _dealing(self) -> Dealing:
        """How texts become dictionaries."""
        return Dealing(
            get_compressor(self.model),
            self.dictionaries,
            self.dictionary_size,
            self.deals,
            self.reduce,
            self.joint,
            as_bytes(self.separator, name="separator"),
            self.engine,
        )

    def _prepared(self) -> Counted | Dictionaries:
        """Counts or dictionaries of the training texts, made when they are first needed."""
        if self._made is None:
            n_classes = len(self.classes_)
            if is_class_model(self.model):
                size = sum(map(len, self.texts_))
                with progress_bar("counting", size, show=self.progress, unit="bytes") as done:
                    self._made = Counted.of(
                        self.texts_,
                        self.codes_,
                        n_classes,
                        MODELS[self.model],
                        order=self.order,
                        alpha=self.alpha,
                        weight=self.shared,
                        n_jobs=self.n_jobs,
                        done=done,
                    )
            else:
                self._made = Dictionaries.of(self.texts_, self.codes_, n_classes, self._dealing())
                self._made.warn_of_window(self.classes_.tolist())
        return self._made

    def code_lengths(self, X: Texts) -> NDArray[np.float64]:
        """
        Code length of each text under each class.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Bits; columns in the order of `classes_`. Infinite under a class without training texts.
        """
        check_is_fitted(self)
        return self._lengths(as_corpus(X), None)

    def leave_one_out(self) -> NDArray[np.float64]:
        """
        Code lengths of the training texts, each under models from which it has been left out; exact.

        Class models take out what a text has contributed, at about the cost of a prediction; only the subwords of
        "tokens" stay as all texts have made them. With a compressor, the dictionaries of its class are made anew for
        each text.

        Returns
        -------
        ndarray of shape (n_training_texts, n_classes)
            Bits, in the order of the training texts. Infinite under a class that has no other text.

        Examples
        --------
        >>> texts = ["to be or not", "or not to be", "il y a un", "un il y a"]
        >>> model = CodeLengthClassifier().fit(texts, [0, 0, 1, 1])
        >>> model.leave_one_out().argmin(1).tolist()
        [0, 0, 1, 1]
        """
        check_is_fitted(self)
        return self._lengths(self.texts_, self.codes_)

    def _lengths(self, texts: list[bytes], left_out: NDArray[np.int64] | None) -> NDArray[np.float64]:
        """Code lengths in bits, of texts of the classes `left_out` without themselves."""
        made = self._prepared()
        if isinstance(made, Dictionaries):
            if left_out is None:
                return made.bits(texts, n_jobs=self.n_jobs, progress=self.progress)
            return made.left_out(texts, left_out, n_jobs=self.n_jobs, progress=self.progress)
        with progress_bar("code lengths", sum(map(len, texts)), show=self.progress, unit="bytes") as done:
            if left_out is None:
                bits = made.bits(texts, n_jobs=self.n_jobs, done=done)
            else:
                bits = made.left_out(texts, left_out, n_jobs=self.n_jobs, done=done)
        bits[:, self.counts_ == 0] = np.inf
        if left_out is not None:
            alone = np.flatnonzero(self.counts_[left_out] == 1)
            bits[alone, left_out[alone]] = np.inf
        return bits

    def decision_function(self, X: Texts) -> NDArray[np.float64]:
        """
        Bits saved: minus the code lengths; for two classes, those of the first minus those of the second.

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

    def explain(self, text: Text, against: Any = None) -> Explanation:
        """
        Why a text is given to its class and not to another: bits of code length saved, divided among its bytes.

        The bytes and a constant add up to the code length under the other class less that under the predicted one.

        Parameters
        ----------
        text : str, bytes-like or path
        against : label, optional
            The class to compare with; without it the second best one.

        Returns
        -------
        Explanation

        Raises
        ------
        TypeError
            If `model` is a compressor: only class models ("ngram", "words", "tokens") code symbol by symbol.
        EmptyTextError
            If the text is empty.
        ValueError
            If `against` is no class with training texts, or the predicted one.

        Notes
        -----
        A symbol that takes bits_c under the model of class c saves bits_b - bits_a for class a against class b, in
        equal parts for each of its bytes; spaces between words save nothing. Constant is what the mark after the text
        saves.
        """
        from ncd.classify.explain import explain_code_lengths

        return explain_code_lengths(self, text, against)

    def fingerprints(self, n: int = 20) -> Fingerprints:
        """
        The strings on which the model of each class saves most against the model of all classes.

        Parameters
        ----------
        n : int
            How many a class, at most.

        Returns
        -------
        Fingerprints
            A dict of label to list of `Fingerprint`, the strongest first. Left out are strings that share a stretch of
            more than half of the longer one with a stronger one, or are found within the same words.

        Raises
        ------
        TypeError
            If `model` is a compressor.

        Notes
        -----
        The bits of a string v = x_1 ... x_m (m up to `order` + 1) for class c are::

            t_c(v) sum_j log2[H_{c,j-1}(x_j) / G_{j-1}(x_j)]

        with t_c(v) training texts of the class that have v, and each symbol given those of v before it: what the model
        of the class saves on v, counted once in each text, so that no text makes a fingerprint by repeating itself.
        Memory: 16 bytes an entry of the counts, and 12 bytes a string.
        """
        from ncd.classify.strongest import code_length_fingerprints

        return code_length_fingerprints(self, n)
