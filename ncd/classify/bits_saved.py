"""The best classifier without pre-training: bits saved by strings, code lengths, and their combination."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import TextClassifier, check_choice, check_whole
from ncd.classify.combination import Combination, centred
from ncd.classify.counted import AlphabetName, Counted
from ncd.classify.framed import new_frame
from ncd.classify.saved_bits import MachineRule, fit_machine
from ncd.corpus import Text, Texts, as_corpus
from ncd.exceptions import FewLabelsWarning
from ncd.progress import progress_bar

if TYPE_CHECKING:
    from ncd.classify.explanation import Explanation
    from ncd.classify.fingerprints import Fingerprints

__all__ = ["EXPERTS", "BitsSavedClassifier", "Expert"]

Expert = Literal["strings", "bytes", "words", "tokens"]
EXPERTS = ("strings", "bytes", "words", "tokens")
_FOLDS = 5
_STEPS = 1_000  # of the progress bar, for each expert
_ENOUGH, _ENOUGH_OF_EACH = 1_000, 20  # texts to weigh the experts on: so many folds are left out in turn


class BitsSavedClassifier(TextClassifier):
    """
    Class models and a linear separator on the bits that each class saves, weighed by the bits to send the labels.

    Three experts look at a text:

    - "strings": all byte strings of up to `order` bytes, each scaled by the bits that a class saves on it against the
      other classes, and a linear support vector machine a class;
    - "bytes": the code length of the text under a model of each class that predicts a byte from up to six before it
      (`CodeLengthClassifier` with ``model="ngram"``), in bits per square root of a byte;
    - "words": the same with words and up to two before.

    Their scores are weighed so that the training labels could be sent in the fewest bits. For that, each expert scores
    training texts that it has not learned from: code lengths leave out the text itself, exactly; separators are trained
    without a fifth of the texts, as often as it takes to have scores of 1,000 texts and of 20 a class (of all texts, if
    there are fewer).

    Parameters
    ----------
    experts : {"strings", "bytes", "words", "tokens"} or list of them
        "tokens" (subwords learned from the training texts) needs ``pip install 'ncd[tokens]'``.
    order : int
        Length of the longest strings in bytes, 1 to 7.
    min_texts : int
        Training texts that must have a string.
    cost : float
        C of the support vector machines.
    max_weights : int
        Strings (those equally often in the same texts count once) times classes that are kept, at most; beyond, the
        strings in the fewest texts are left out. A weight takes 4 bytes, and 64 / 8 while it is trained.
    n_jobs : int or None
        Number of threads; None: all cores. Results do not depend on it.
    progress : bool or None
        None: a bar on a terminal after a second.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    counts_ : ndarray of int64, shape (n_classes,)
        Training texts of each class.
    experts_ : tuple of str
        The experts.
    combination_ : Combination
        Weights of the experts and biases of the classes.

    Notes
    -----
    With V the strings of up to `order` bytes found in at least `min_texts` training texts, f_v(d) = 1 + ln t if text d
    has v t times (t rounded down to 1, 2 ... 16, 20, 25, 31 ... 568, by a quarter each) and 0 if it has not, n_c(v) the
    texts of class c that have v, N_c = sum_v n_c(v), and ~c all other classes, the bits (here: nats) saved are::

        r_c(v) = log[(n_c(v) + 1) / (N_c + |V|)] - log[(n_~c(v) + 1) / (N_~c + |V|)]
        x_{c,v}(d) = f_v(d) r_c(v) / sqrt(sum_u f_u(d)^2 r_c(u)^2)

    and the separator of class c has squared hinge loss, trained by dual coordinate descent. The probability is
    p(c|d) ~ exp(beta_c + sum_e lambda_e s_{e,c}(d)) with scores s centred over the classes and lambda >= 0, pulled
    towards equal weights with the force of a few texts.

    Memory while fitting: about 25 times the bytes of the training texts, 128 bytes a string, and 8 bytes a text and
    class. Kept: 13 times the bytes of the texts, and 4 bytes a string and class.

    References
    ----------
    Scaling by log-count ratios: Wang & Manning, Baselines and bigrams, ACL 2012. Dual coordinate descent: Hsieh et al.,
    ICML 2008. Class models: see `CodeLengthClassifier`.

    Examples
    --------
    >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"] * 5
    >>> model = BitsSavedClassifier().fit(texts, ["en", "fr", "en", "fr"] * 5)
    >>> model.predict(["the dog sat on the cat", "le chien est sur le chat"]).tolist()
    ['en', 'fr']
    """

    def __init__(
        self,
        experts: Expert | Sequence[Expert] = ("strings", "bytes", "words"),
        *,
        order: int = 6,
        min_texts: int = 2,
        cost: float = 3.0,
        max_weights: int = 100_000_000,
        n_jobs: int | None = None,
        progress: bool | None = None,
    ) -> None:
        self.experts = experts
        self.order = order
        self.min_texts = min_texts
        self.cost = cost
        self.max_weights = max_weights
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: Texts, y: Any) -> BitsSavedClassifier:
        """
        Learn from labelled texts.

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
        FewLabelsWarning
            If there are too few texts to weigh the experts: then all count alike.
        """
        self._check()
        texts, codes = self._read(X, y)
        n_classes = len(self.classes_)
        self.texts_, self.codes_ = texts, codes
        self.counts_ = np.bincount(codes, minlength=n_classes)
        folds = _folds(codes)
        enough = max(_ENOUGH, _ENOUGH_OF_EACH * n_classes)
        used = range(min(_FOLDS, -(-_FOLDS * enough // len(texts))))
        unseen = np.flatnonzero(np.isin(folds, used))
        self._models: dict[str, Counted] = {}
        said = []
        with progress_bar("learning", _STEPS * len(self.experts_), show=self.progress, unit="steps") as done:
            for expert in self.experts_:
                if expert == "strings":
                    said.append(self._fit_strings(folds, used, done)[unseen])
                else:
                    said.append(self._fit_model(expert, unseen))
                    done(_STEPS)
        usable = self.counts_[codes[unseen]] > 1
        self.combination_ = Combination.fitted(said, codes[unseen], usable=usable)
        self._warn_of_few(int(usable.sum()))
        return self

    def _warn_of_few(self, usable: int) -> None:
        """Say that the experts' weights, and the probabilities, rest on next to nothing."""
        n_classes, alone = len(self.classes_), int((self.counts_ == 1).sum())
        if usable < max(10, 2 * n_classes):
            single = f" ({alone} of them with one text)" if alone else ""
            warnings.warn(
                f"{len(self.texts_)} training texts in {n_classes} classes{single} are few: the experts "
                f"({', '.join(self.experts_)}) count nearly alike, and probabilities are rough",
                FewLabelsWarning,
                stacklevel=3,
            )

    def _check(self) -> None:
        """Raise for parameters out of range; sets `experts_`."""
        if not isinstance(self.experts, str | list | tuple | np.ndarray):  # others give another order, or give it once
            raise TypeError(f"experts is {self.experts!r}: give a list of some of {', '.join(map(repr, EXPERTS))}")
        named = [self.experts] if isinstance(self.experts, str) else list(self.experts)
        if not named:
            raise ValueError("experts is empty: choose from " + ", ".join(map(repr, EXPERTS)))
        for expert in named:
            check_choice("experts", expert, EXPERTS)
        if len(set(named)) < len(named):
            raise ValueError(f"experts is {self.experts!r}: name each once")
        self.experts_: tuple[Expert, ...] = tuple(str(expert) for expert in named)  # type: ignore[misc]
        for name, low, high in (("order", 1, 7), ("min_texts", 1, None), ("max_weights", 1, None)):
            check_whole(name, getattr(self, name), low, high)
        number = isinstance(self.cost, int | float | np.number) and not isinstance(self.cost, bool)
        if not (number and 0 < self.cost < np.inf):
            raise ValueError(f"cost is {self.cost!r}: give a number above 0")

    def _fit_strings(
        self, folds: NDArray[np.int64], used: Iterable[int], done: Callable[[int], None]
    ) -> NDArray[np.float64]:
        """Train the separators; what they say of texts that they have not seen."""
        n_classes = len(self.classes_)
        columns = np.arange(n_classes) if n_classes > 2 else np.array([1])
        signs = np.where(self.codes_[:, None] == columns, 1, -1).astype(np.int8)
        frame = new_frame("bytes")
        rule = MachineRule(self.order, self.min_texts, float(self.cost), most=int(self.max_weights))
        self._machine, said = fit_machine(
            frame.learn(self.texts_),
            signs,
            frame,
            rule,
            self.n_jobs,
            left_out=[np.flatnonzero(folds == fold) for fold in used],
            done=lambda step, steps: done(_STEPS // steps * step),
        )
        return _per_class(said)

    def _fit_model(self, alphabet: AlphabetName, unseen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Count the strings of the classes; the scores of some of the training texts, each left out of the counts."""
        counted = self._count(alphabet)
        texts = [self.texts_[i] for i in unseen]
        return _per_root(counted.left_out(texts, self.codes_[unseen], n_jobs=self.n_jobs), texts)

    def _count(self, alphabet: AlphabetName) -> Counted:
        """Count the strings of the classes, and keep the counts."""
        counted = Counted.of(self.texts_, self.codes_, len(self.classes_), alphabet, n_jobs=self.n_jobs)
        self._models[alphabet] = counted
        return counted

    def expert_scores(self, X: Texts) -> dict[str, NDArray[np.float64]]:
        """
        What each expert says.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        dict of str to ndarray of shape (n, n_classes)
            Scores, centred over the classes: larger is better.
        """
        check_is_fitted(self)
        return dict(zip(self.experts_, self._scores(as_corpus(X)), strict=True))

    def _scores(self, texts: list[bytes]) -> list[NDArray[np.float64]]:
        """The scores of the experts, in their order."""
        result = []
        with progress_bar("classifying", len(self.experts_), show=self.progress, unit="experts") as done:
            for expert in self.experts_:
                if expert == "strings":
                    said = self._machine.scores(new_frame("bytes").read(texts), self.n_jobs)
                    result.append(_per_class(said))
                else:
                    result.append(_per_root(self._models[expert].bits(texts, n_jobs=self.n_jobs), texts))
                done(1)
        return result

    def decision_function(self, X: Texts) -> NDArray[np.float64]:
        """
        Bits: log2 of the probability of each class, up to a constant of the text; for two classes the log2 odds.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
            Larger is better; for two classes positive means the second.
        """
        check_is_fitted(self)
        bits = self.combination_.logits(self._scores(as_corpus(X))) / np.log(2)
        return bits[:, 1] - bits[:, 0] if len(self.classes_) == 2 else bits

    def predict_proba(self, X: Texts) -> NDArray[np.float64]:
        """
        Probability of each class.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Rows sum to 1; columns in the order of `classes_`.
        """
        check_is_fitted(self)
        return self.combination_.probabilities(self._scores(as_corpus(X)))

    def predict(self, X: Texts) -> NDArray[Any]:
        """
        Label of each text: the most probable class, of equally probable ones that with more training texts.

        Parameters
        ----------
        X : iterable of str or bytes, shape (n,)

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.most_probable(self.predict_proba(X))

    def most_probable(self, probabilities: NDArray[np.float64]) -> NDArray[Any]:
        """
        Labels from probabilities: what `predict` says where `predict_proba` says these.

        Parameters
        ----------
        probabilities : ndarray of shape (n, n_classes)

        Returns
        -------
        ndarray of shape (n,)
        """
        tied = probabilities == probabilities.max(1, keepdims=True)
        return self.classes_[np.where(tied, self.counts_, -1).argmax(1)]

    def explain(self, text: Text, against: Any = None) -> Explanation:
        """
        Why a text is given to its class and not to another: log2 odds, divided among its bytes.

        The bytes and a constant add up to the log2 of p(label) / p(against), as `decision_function` gives it: up to the
        rounding of its sums of 32-bit numbers, a few millionths of the bits that go either way.

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
        EmptyTextError
            If the text is empty.
        ValueError
            If `against` is no class, or the predicted one.

        Notes
        -----
        A string v of the text with the weights W_c(v) adds lambda f_v [W_a(v) / norm_a - W_b(v) / norm_b] / ln 2 to
        class a against class b, in equal parts for every place where v occurs, and there for every byte. A symbol that
        takes bits_c under the model of class c adds lambda [bits_b - bits_a] / [sqrt(bytes + 1) ln 2], in equal parts
        for each of its bytes. A text is read between two marks: strings that reach over an end of it charge those of
        its bytes that the text has. Constant are the biases of separators and classes, and what the marks alone say.
        Memory: about 150 bytes a byte of the text.

        Examples
        --------
        >>> texts = ["the cat sat on the mat", "le chat est sur le tapis", "the dog and the cat", "le chien et le chat"]
        >>> model = BitsSavedClassifier().fit(texts * 5, ["en", "fr", "en", "fr"] * 5)
        >>> why = model.explain("the chat")
        >>> why.label, why.against, bool(np.isclose(why.total, model.decision_function(["the chat"])[0]))
        ('fr', 'en', True)
        >>> [stretch.text for stretch in why.top(2)]
        [b'chat', b'the']
        """
        from ncd.classify.explain import explain_bits_saved

        return explain_bits_saved(self, text, against)

    def fingerprints(self, n: int = 20) -> Fingerprints:
        """
        The strings that add most to the scores of each class, over its training texts.

        Parameters
        ----------
        n : int
            How many a class, at most.

        Returns
        -------
        Fingerprints
            A dict of label to list of `Fingerprint`, the strongest first. Of strings that occur in the very same texts,
            the longest stands for all. Left out are strings that share a stretch of more than half of the longer one
            with a stronger one, or are found within the same words.

        Notes
        -----
        The bits of a string v (and those of the same texts) for class c are the sum over the training texts d of the
        class that have v of lambda W_c(v) / [norm_c(d) ln 2], what v adds to the score of the class: its weight, times
        the number of texts, as far as longer texts do not divide it by more. Without the expert "strings" (or if it has
        no weight), the class model with the largest weight tells, as in `CodeLengthClassifier.fingerprints`.
        """
        from ncd.classify.strongest import bits_saved_fingerprints

        return bits_saved_fingerprints(self, n)


def _folds(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold for each text, the classes dealt out evenly, in an order that depends on their number only."""
    shuffled = np.random.RandomState(0).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    folds = np.empty(len(codes), np.int64)
    folds[by_class] = np.arange(len(codes)) % _FOLDS
    return folds


def _per_class(said: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of the classes from those of the separators, of which two classes have one, for the second."""
    return centred(said) if said.shape[1] > 1 else np.concatenate([-said, said], 1)


def _per_root(bits: NDArray[np.float64], texts: list[bytes]) -> NDArray[np.float64]:
    """Scores from code lengths: bits saved per square root of a byte."""
    sizes = np.array([len(text) + 1 for text in texts])
    return centred(-bits / np.sqrt(sizes)[:, None])
