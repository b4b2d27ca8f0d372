"""Units of text under an embedder: how far they are from a reference, and whether they move away together."""

from __future__ import annotations

import warnings
from statistics import NormalDist
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import seed, whole_number
from ncd.changepoint.gram import of_length_one
from ncd.embed.base import Embedder
from ncd.embed.units import shared_embedder, unit_vectors
from ncd.exceptions import UnknownWordsWarning
from ncd.streams.base import State, StreamSignals, TextUnits, Units

__all__ = ["EmbeddingSignals", "agree", "fingerprint", "stream_embedder"]

Floats = NDArray[np.float64]
_WINDOW: Final = 8
_MOST: Final = 2000  # units of a reference
_NEAREST: Final = 5
_ALIKE: Final = 1e-6  # cosines that differ by less are equal: encoders are float32, and batches change the last digits
_DECIMALS: Final = 5  # of a distance, for the same reason
_LEAST: Final = 1e-9  # p-value
_REPEATED: Final = 0.2  # share of the reference's units with an equal, above which units repeat
_PROBES: Final = (b"a", b"The cat sat on the mat.", b"GET /index.html 200", b"rain, wind and sun")
_SAME: Final = 1e-3  # of the largest number of a vector
_ARRAYS: Final = ("reference", "newest", "similar")


def stream_embedder(embedder: Any) -> Embedder:
    """
    An embedder that may watch a stream: by name or object, one that has nothing left to learn.

    Raises
    ------
    ValueError
        If it learns from texts and has not: units that it has learned from would look nearer than any new ones.
    """
    model = shared_embedder(embedder)
    if not model.fitted:
        raise ValueError(
            f"embedder {model.name!r} learns from texts: fit it on other texts than the stream's and give the object; "
            "units that it has learned from would look more usual than new ones"
        )
    return model


def fingerprint(embedder: Embedder) -> State:
    """What tells an embedder from another of its name: its digest, or vectors of a few texts where it has none."""
    try:
        return {"digest": embedder.digest}
    except NotImplementedError:
        pass
    try:
        return {"probes": unit_vectors(embedder, _PROBES, progress=False)}
    except (LookupError, ValueError):  # one that knows a few texts only, and not these
        return {}


def agree(mine: State, theirs: object) -> bool:
    """Whether two fingerprints are of one embedder; vectors may differ in their last digits."""
    if not isinstance(theirs, dict) or mine.keys() != theirs.keys():
        return False
    if "probes" not in mine:
        return mine == theirs
    one, other = mine["probes"], np.asarray(theirs["probes"])
    if one.shape != other.shape or other.dtype.kind != "f":
        return False
    return bool(np.allclose(one, other, rtol=0.0, atol=_SAME * float(np.abs(one).max(initial=0.0))))


class EmbeddingSignals(StreamSignals):
    r"""
    Signals of units of text: what their vectors say against those of the reference.

    Vectors are set to length one, so that products are cosines. A unit x is measured against a window W of the newest
    `window` units before it and a set O of the reference's units:

    - "novelty", from the witness of the maximum mean discrepancy between window and reference,

      .. math:: f(z) = \frac{1}{|W|} \sum_{y \in W} y \cdot z - \frac{1}{|O|} \sum_{o \in O} o \cdot z .

      It is large where x lies where the window has moved to. With g units o of O of which f(o) > f(x), q of which
      f(o) = f(x), and U uniform on (0, 1), the signal is the normal deviate that is exceeded
      with the probability ``(g + U (q + 1)) / (|O| + 1)``.
    - "surprise", one minus the mean cosine of x with its 5 nearest units in O: it finds single units that are far out.
    - "plainness", the same with the sign changed.

    A unit of the reference meets all other units of it but those in its window; a new unit meets as many: all but the
    first `window` + 1, or those in its window and fewer of the first. Nothing is fitted, in particular no principal
    components: the reference's units would be better described by their own components than any unit after them.

    Ranks are what keeps the bound on false alarms where units repeat, as lines of a log do. In standard deviations of f
    on O, f(x) has a distribution that changes with the window: hardly any unit stands out until a rare one is in it,
    and then all of its kind do, as long as it stays there. So neighbours would depend on each other. The rank is
    uniform for every window, as far as O is like the stream. Where more than 20 % of the reference's units have an
    equal among the others, the mean over O is left out of f: it is the same for all windows, so that kinds which the
    reference happens to have too few of would stand out for ever.

    Cosines that differ by less than 1e-6 are equal, and distances are rounded to 5 decimals: encoders give the same
    text other last digits in another batch.

    Units without a letter or digit, and those in which the embedder knows nothing, have a vector of zeros.

    Parameters
    ----------
    embedder : str or Embedder
        One that has nothing to learn, or has learned from other texts.
    window : int, default 8
        Units.
    random_state : int, default 0
        Seed of U.

    Attributes
    ----------
    embedder : Embedder

    Raises
    ------
    ValueError
        If the embedder learns and has not.

    Notes
    -----
    Of a longer reference the newest 2,000 units count. A unit takes one encoding, and for n units of the reference
    n (d + window) operations; the reference takes 8 n (d + window) bytes, 0.3 MB for 100 units of 384 dimensions.
    `bench/stream_embeddings.py` measures false alarms, also where principal components are learned from the reference.

    References
    ----------
    A. Gretton et al. (2012), A kernel two-sample test, JMLR 13 (the witness function).

    Examples
    --------
    >>> from ncd.embed.tfidf import Tfidf
    >>> embedder = Tfidf(4).fit(["rain and sun", "sun and wind", "tea and cake", "cake and milk"])
    >>> signals = EmbeddingSignals(embedder, window=2)
    >>> weather = [b"rain and sun", b"sun", b"wind and sun", b"wind", b"rain"] * 10
    >>> signals.learn(TextUnits.of(weather)).shape
    (48, 3)
    >>> bool(signals.measure(TextUnits.of([b"cake and tea"] * 3))[-1, 0] > 2)
    True
    """

    names: ClassVar[tuple[str, ...]] = ("novelty", "surprise", "plainness")
    weights: ClassVar[tuple[float, ...]] = (0.5, 0.3, 0.2)
    measured_in: ClassVar[str] = "cosine distance"

    def __init__(self, embedder: Any, *, window: int = _WINDOW, random_state: int = 0) -> None:
        self.embedder = stream_embedder(embedder)
        self.window = whole_number(window, "window", 1, _MOST // 2)
        self.random_state = seed(random_state)
        self._take(np.zeros((0, 1)), np.zeros((0, 1)), np.zeros((0, 0)), 0, False)

    def _take(self, reference: Floats, newest: Floats, similar: Floats, seen: int, repeat: bool) -> None:
        """Have another reference, and a window: its units, and their products with the reference's."""
        self._reference, self._newest, self._similar, self._seen = reference, newest, similar, seen
        self._repeat = repeat  # whether its units do
        self._mean: dict[int, Floats] = {}  # of products with O, for each number of its units in the window

    def learn(self, units: Units) -> Floats:
        """
        Take the units as the reference, and give their own signals, each without itself and its window.

        Parameters
        ----------
        units : TextUnits

        Returns
        -------
        numpy.ndarray of float64, (n_used, 3)
            Of the newest 2,000 units at most, without the first `window` of them.

        Raises
        ------
        TypeError
            If they are no units of text.
        """
        vectors = self._vectors(_text(units)[-_MOST:])
        n, window = len(vectors), self.window
        if n < window + 3:
            return np.empty((0, len(self.names)))
        products = vectors @ vectors.T
        rows = np.empty((n - window, len(self.names)))
        luck = np.random.default_rng(self.random_state).random(n)
        sums, others = products.sum(axis=1), np.ones(n, np.bool_)
        repeat = _repeat(products)
        for i in range(window, n):
            near = slice(i - window, i + 1)
            others[near] = False
            towards = products[i - window : i].mean(axis=0)
            usual = 0.0 if repeat else (sums - products[near].sum(axis=0)) / (n - window - 1)
            rows[i - window] = _signals(towards - usual, i, others, products[i], float(luck[i]))
            others[near] = True
        self._take(vectors, vectors[-window:].copy(), products[-window:].copy(), 0, repeat)
        return rows

    def measure(self, units: Units) -> Floats:
        """Signals of new units, (n_units, 3); the window moves on with each of them."""
        reference = self._learned()
        with warnings.catch_warnings():  # the reference's share of unknown words was warned of; not that of every unit
            warnings.simplefilter("ignore", UnknownWordsWarning)
            vectors = self._vectors(_text(units))
        products = vectors @ reference.T
        rows = np.empty((len(vectors), len(self.names)))
        for row, vector, product in zip(rows, vectors, products, strict=True):
            others = self._others()
            witness = self._similar.mean(axis=0)[others]
            own = float(self._newest.mean(axis=0) @ vector)
            if not self._repeat:
                witness = witness - self._usual(others)
                own -= float(product[others].mean())
            luck = float(np.random.default_rng([self.random_state, self._seen]).random())
            row[:] = _signals(np.append(witness, own), -1, slice(0, -1), np.append(product[others], 0.0), luck)
            at = self._seen % self.window
            self._newest[at], self._similar[at] = vector, product
            self._seen += 1
        return rows

    def _others(self) -> slice:
        """The reference's units that a new unit meets: as many as one of the reference meets, none in the window."""
        inside = max(self.window - self._seen, 0)
        return slice(self.window + 1 - inside, len(self._reference) - inside)

    def _usual(self, others: slice) -> Floats:
        """Mean products of some of the reference's units with each other."""
        if others.start not in self._mean:
            some = self._reference[others]
            self._mean = {others.start: some @ some.mean(axis=0)}
        return self._mean[others.start]

    def bits(self, units: Units) -> Floats:
        """Cosine distance of each unit to its nearest ones in the reference, (n_units,): "surprise"."""
        products = self._vectors(_text(units)) @ self._learned()[self.window + 1 :].T
        return np.array([_distance(product) for product in products])

    def state(self) -> State:
        """All that has been learned, and the window; of the embedder only what tells it from others."""
        arrays = {name: getattr(self, f"_{name}").copy() for name in _ARRAYS}
        return {
            "embedder": self.embedder.name,
            "fingerprint": fingerprint(self.embedder),
            "window": self.window,
            "random_state": self.random_state,
            "seen": self._seen,
            "repeat": self._repeat,
            **arrays,
        }

    def restore(self, state: State) -> None:
        """Be as the object was that gave this state; ValueError if it cannot be that."""
        try:
            theirs = {name: state[name] for name in ("embedder", "window", "random_state")}
            found = [np.array(state[name], np.float64) for name in _ARRAYS]
            seen, print_ = whole_number(state["seen"], "seen", 0), state["fingerprint"]
            repeat = bool(state["repeat"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no state of EmbeddingSignals: {error}") from None
        mine = {"embedder": self.embedder.name, "window": self.window, "random_state": self.random_state}
        for name, value in mine.items():
            if theirs[name] != value:
                raise ValueError(
                    f"the state's {name} is {theirs[name]!r}, here it is {value!r}: make one with the same"
                )
        if not agree(fingerprint(self.embedder), print_):
            raise ValueError(
                f"the state is of another embedder of the name {self.embedder.name!r}: its digest, or its vectors, are "
                "not the same"
            )
        reference, newest, similar = found
        n, kept = len(reference), self.window if len(reference) else 0
        whole = [array.ndim == 2 and bool(np.isfinite(array).all()) for array in found]
        if not all(whole) or newest.shape != (kept, reference.shape[1]) or similar.shape != (kept, n):
            raise ValueError("this is no state of EmbeddingSignals: its arrays do not fit together")
        self._take(reference, newest, similar, seen, repeat)

    @property
    def nbytes(self) -> int:
        """Bytes of memory of what has been learned; the embedder is not counted."""
        arrays = [getattr(self, f"_{name}") for name in _ARRAYS]
        return sum(array.nbytes for array in (*arrays, *self._mean.values()))

    def _vectors(self, units: TextUnits) -> Floats:
        """Vectors of units, of length one."""
        return of_length_one(unit_vectors(self.embedder, units, progress=False).astype(np.float64))

    def _learned(self) -> Floats:
        """The reference."""
        if not len(self._reference):
            from sklearn.exceptions import NotFittedError  # late: a second

            raise NotFittedError("there is no reference yet: call learn() with more units than the window has")
        return self._reference


def _text(units: Units) -> TextUnits:
    """Units of text."""
    if not isinstance(units, TextUnits):
        raise TypeError(f"units are of {type(units).__name__}: an embedder takes text")
    return units


def _repeat(products: Floats) -> bool:
    """Whether many units have an equal among the others; those without a vector are equal."""
    size = np.diag(products)
    equal = (products >= 1.0 - _ALIKE) | ((size[:, None] == 0.0) & (size == 0.0))
    return bool(np.mean(equal.sum(axis=1) > 1) > _REPEATED)


def _signals(witness: Floats, own: int, others: slice | NDArray[np.bool_], products: Floats, luck: float) -> Floats:
    """The three signals, from the witness at the unit and the others, and the unit's products with these."""
    above = witness[others] - witness[own]
    greater, least = np.count_nonzero(above > _ALIKE), np.count_nonzero(above >= -_ALIKE)
    p_value = (greater + luck * (least - greater + 1)) / (len(above) + 1)
    novelty = -NormalDist().inv_cdf(min(max(p_value, _LEAST), 1.0 - _LEAST))
    distance = _distance(products[others])
    return np.array([novelty, distance, -distance])


def _distance(products: Floats) -> float:
    """One minus the mean of the largest products."""
    largest = products if len(products) <= _NEAREST else np.partition(products, -_NEAREST)[-_NEAREST:]
    return round(1.0 - float(largest.mean()), _DECIMALS)
