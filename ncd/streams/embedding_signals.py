"""Units of text under an embedder: how far they are from a reference, and whether they move away together."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.changepoint.gram import of_length_one
from ncd.embed.base import Embedder
from ncd.embed.registry import get_embedder
from ncd.embed.units import unit_vectors
from ncd.streams.base import State, StreamSignals, TextUnits, Units

__all__ = ["EmbeddingSignals", "stream_embedder"]

Floats = NDArray[np.float64]
_WINDOW: Final = 8
_MOST: Final = 2000  # units of a reference
_NEAREST: Final = 5
_FLAT: Final = 1e-9  # standard deviation of a witness below which it says nothing
_ARRAYS: Final = ("reference", "newest", "similar")


def stream_embedder(embedder: Any) -> Embedder:
    """
    An embedder that may watch a stream: by name or object, one that has nothing left to learn.

    Raises
    ------
    ValueError
        If it learns from texts and has not: units that it has learned from would look nearer than any new ones.
    """
    model = get_embedder(embedder)
    if not model.fitted:
        raise ValueError(
            f"embedder {model.name!r} learns from texts: fit it on other texts than the stream's and give the object; "
            "units that it has learned from would look more usual than new ones"
        )
    return model


class EmbeddingSignals(StreamSignals):
    r"""
    Signals of units of text: what their vectors say against those of the reference.

    Vectors are set to length one, so that products are cosines. A unit x is measured against a window W of the newest
    `window` units before it and a set O of the reference's units:

    - "novelty", the witness of the maximum mean discrepancy between window and reference,

      .. math:: f(z) = \frac{1}{|W|} \sum_{y \in W} y \cdot z - \frac{1}{|O|} \sum_{o \in O} o \cdot z ,

      at x, in standard deviations of f on O. It is large where x lies where the window has moved to.
    - "surprise", one minus the mean cosine of x with its 5 nearest units in O: it finds single units that are far out.
    - "plainness", the same with the sign changed.

    A unit of the reference meets all other units of it but those in its window; a new unit meets as many: all but the
    first `window` + 1, or those in its window and fewer of the first. Nothing is fitted, in particular no principal
    components: the reference's units would be better described by their own components than any unit after them.

    Units without a letter or digit, and those in which the embedder knows nothing, have a vector of zeros.

    Parameters
    ----------
    embedder : str or Embedder
        One that has nothing to learn, or has learned from other texts.
    window : int, default 8
        Units.

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
    >>> bool(signals.measure(TextUnits.of([b"cake and tea"] * 3))[-1, 0] > 3)
    True
    """

    names: ClassVar[tuple[str, ...]] = ("novelty", "surprise", "plainness")
    weights: ClassVar[tuple[float, ...]] = (0.5, 0.3, 0.2)
    measured_in: ClassVar[str] = "cosine distance"

    def __init__(self, embedder: Any, *, window: int = _WINDOW) -> None:
        self.embedder = stream_embedder(embedder)
        self.window = whole_number(window, "window", 1, _MOST // 2)
        self._take(np.zeros((0, 1)), np.zeros((0, 1)), np.zeros((0, 0)), 0)

    def _take(self, reference: Floats, newest: Floats, similar: Floats, seen: int) -> None:
        """Have another reference, and a window: its units, and their products with the reference's."""
        self._reference, self._newest, self._similar, self._seen = reference, newest, similar, seen
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
        sums, others = products.sum(axis=1), np.ones(n, np.bool_)
        for i in range(window, n):
            near = slice(i - window, i + 1)
            others[near] = False
            towards = products[i - window : i].mean(axis=0)
            usual = (sums - products[near].sum(axis=0)) / (n - window - 1)
            rows[i - window] = _signals(towards - usual, i, others, products[i])
            others[near] = True
        self._take(vectors, vectors[-window:].copy(), products[-window:].copy(), 0)
        return rows

    def measure(self, units: Units) -> Floats:
        """Signals of new units, (n_units, 3); the window moves on with each of them."""
        reference = self._learned()
        vectors = self._vectors(_text(units))
        products = vectors @ reference.T
        rows = np.empty((len(vectors), len(self.names)))
        for row, vector, product in zip(rows, vectors, products, strict=True):
            others = self._others()
            witness = self._similar.mean(axis=0)[others] - self._usual(others)
            own = float(self._newest.mean(axis=0) @ vector) - float(product[others].mean())
            row[:] = _signals(np.append(witness, own), -1, slice(0, -1), np.append(product[others], 0.0))
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
        """All that has been learned, and the window; of the embedder its name and digest alone."""
        arrays = {name: getattr(self, f"_{name}").copy() for name in _ARRAYS}
        return {
            "embedder": self.embedder.name,
            "digest": self._digest(),
            "window": self.window,
            "seen": self._seen,
            **arrays,
        }

    def restore(self, state: State) -> None:
        """Be as the object was that gave this state; ValueError if it cannot be that."""
        try:
            theirs = {name: state[name] for name in ("embedder", "digest", "window")}
            found = [np.array(state[name], np.float64) for name in _ARRAYS]
            seen = whole_number(state["seen"], "seen", 0)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no state of EmbeddingSignals: {error}") from None
        mine = {"embedder": self.embedder.name, "digest": self._digest(), "window": self.window}
        for name, value in mine.items():
            if theirs[name] != value:
                raise ValueError(
                    f"the state's {name} is {theirs[name]!r}, here it is {value!r}: make one with the same"
                )
        reference, newest, similar = found
        n, kept = len(reference), self.window if len(reference) else 0
        whole = [array.ndim == 2 and bool(np.isfinite(array).all()) for array in found]
        if not all(whole) or newest.shape != (kept, reference.shape[1]) or similar.shape != (kept, n):
            raise ValueError("this is no state of EmbeddingSignals: its arrays do not fit together")
        self._take(reference, newest, similar, seen)

    @property
    def nbytes(self) -> int:
        """Bytes of memory of what has been learned; the embedder is not counted."""
        arrays = [getattr(self, f"_{name}") for name in _ARRAYS]
        return sum(array.nbytes for array in (*arrays, *self._mean.values()))

    def _vectors(self, units: TextUnits) -> Floats:
        """Vectors of units, of length one."""
        return of_length_one(unit_vectors(self.embedder, units, progress=False).astype(np.float64))

    def _digest(self) -> str | None:
        """The embedder's fingerprint, where it has one."""
        try:
            return self.embedder.digest
        except NotImplementedError:
            return None

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


def _signals(witness: Floats, own: int, others: slice | NDArray[np.bool_], products: Floats) -> Floats:
    """The three signals, from the witness at the unit and the others, and the unit's products with these."""
    usual = witness[others]
    spread = float(usual.std())
    novelty = (float(witness[own]) - float(usual.mean())) / spread if spread > _FLAT else 0.0
    distance = _distance(products[others])
    return np.array([novelty, distance, -distance])


def _distance(products: Floats) -> float:
    """One minus the mean of the largest products."""
    largest = products if len(products) <= _NEAREST else np.partition(products, -_NEAREST)[-_NEAREST:]
    return 1.0 - float(largest.mean())
