"""Numbers and vectors of a stream under a Gaussian code that a reference has taught."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.streams.base import State, StreamSignals, Units
from ncd.streams.gaussian import GaussianCode

__all__ = ["VectorSignals"]

_WINDOW: Final = 16
_LARGEST_INPUT: Final = 1e150
_OF_NUMBERS: Final = (("upward", "downward", "surprise", "plainness"), (0.25, 0.25, 0.3, 0.2))
_OF_VECTORS: Final = (("novelty", "surprise", "plainness"), (0.5, 0.3, 0.2))
_OF_ATOMS: Final = (("surprise", "plainness"), (0.6, 0.4))
_ATOM: Final = 0.2  # of the reference's units, with the same value
_REPEATED: Final = 8  # times that a vector is there in the mean, where vectors are few different ones


class VectorSignals(StreamSignals):
    """
    Signals of numbers and vectors: what a Gaussian code of the reference says of them.

    The code has two parts. An autoregression takes out what the units before tell of a unit: standardised by the
    reference's median and median absolute deviation, y_t = sum_k a_k y_(t-k) + e_t, with one set of coefficients for
    all components (Yule-Walker; the order, up to 8, has the least BIC on the reference). What is left, e, has a normal
    distribution whose covariance is shrunk to a multiple of the identity as much as the reference advises [1]_.
    Values beyond what is usual in the reference, five robust standard deviations or 1.5 times what 95 % of its values
    keep to, are cut to that where moments are taken and where they would explain later ones: a few outliers leave the
    code as it is, and a jump of the level beyond everything known stays a surprise for as long as it lasts.

    Signals of numbers: "upward", e in standard deviations of the reference, and "downward", the same with the sign
    changed. Signals of vectors of two and more: "novelty", the component of e along the mean of the newest `window`
    units' e, in standard deviations; it finds shifts in any direction. That is the part of the gain from moving the
    code's mean m by d to theirs,

        log N(e; m + d, S) - log N(e; m, S) = d' S^-1 (e - m) - d' S^-1 d / 2,

    which depends on e, with d at length one. (The gain itself is large and small with the window's luck, for many units
    at once: where 15 % false alarms were allowed there were 30 %.)

    Vectors with a component that has one value in more than 20 % of the reference (zeros and ones, counts) have no
    "novelty": the few units that differ give the window its direction and are far out in the same direction (there were
    77 % false alarms where 30 % were allowed). "surprise" and "plainness" have the weights 0.6 and 0.4 then. Signals of
    all:

    - "surprise": bits a number, -log2 N(e; m, S) / d. It finds wider spread, and single units that are far out.
    - "plainness": the same with the sign changed. It finds less spread.

    Independent numbers have exchangeable signals (without an autoregression; its coefficients know the reference).
    Those of independent vectors are so as far as e has the same distribution in all directions.

    Parameters
    ----------
    window : int, default 16
        Vectors whose direction "novelty" follows. Longer windows find smaller shifts, later.
    order : int, optional
        Of the autoregression, from 0 to 64; chosen on the reference if not given.

    Notes
    -----
    False alarms of the e-detector within 300 units at ``arl=1000``, where 30 % are allowed, in 150 simulations each:
    independent numbers (normal, exponential, Student's t, lognormal, whole, 0 and 1) 7 to 14 %. Numbers that depend on
    the one before with a coefficient of 0.9: 18 % after a reference of 500 (48 % without the autoregression), but 40 %
    after one of 116, which tells too little of so slow a series. With 0.99: 28 and 79 %; vectors of five numbers 51 %
    after 500. Seasons longer than the order are not taken out. Vectors of zeros and ones, after references of 100
    and of 300, in 200 simulations each: with 5 % ones 13 % (two numbers), 14 and 16 % (three), 22 and 18 % (five); with
    half ones 15 to 30 % (two to five numbers, and ten). The bound does not hold for categories as vectors with a single
    one: 18 and 20 % for three of them, but 44 and 28 % for ten, 22 and 48 % for twenty.

    References
    ----------
    .. [1] O. Ledoit, M. Wolf: A well-conditioned estimator for large-dimensional covariance matrices, Journal of
       Multivariate Analysis 88, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.streams.vector_signals import VectorSignals
    >>> numbers = np.random.default_rng(0).normal(size=(300, 1))
    >>> signals = VectorSignals()
    >>> signals.learn(numbers[:200]).shape
    (200, 4)
    >>> signals.names
    ('upward', 'downward', 'surprise', 'plainness')
    >>> signals.measure(numbers[200:] + 2).mean(axis=0).round(1).tolist()
    [1.9, -1.9, 4.9, -4.9]
    """

    names: tuple[str, ...]  # type: ignore[misc]  # numbers and vectors have others
    weights: tuple[float, ...]  # type: ignore[misc]

    def __init__(self, *, window: int = _WINDOW, order: int | None = None) -> None:
        self.window = whole_number(window, "window", 1)
        self.order = None if order is None else whole_number(order, "order", 0, 64)
        self._take(None)

    def _take(self, code: GaussianCode | None) -> None:
        """Have another code, and the signals of its dimension."""
        self._code = code
        if code is None or (len(code.centre) > 1 and len(code.newest)):
            self.names, self.weights = _OF_VECTORS
        else:
            self.names, self.weights = _OF_NUMBERS if len(code.centre) == 1 else _OF_ATOMS

    @property
    def coefficients(self) -> NDArray[np.float64]:
        """Of the autoregression, lag 1 first; its length is the order."""
        return self._learned().coefficients.copy()

    def learn(self, units: Units) -> NDArray[np.float64]:
        """
        Take the units as the reference, and give their own signals, each under what the others teach.

        A vector is left out of mean and covariance, exactly and in closed form (the amount of shrinkage stays), and the
        vectors in its window are left out of the mean that their direction is taken from. A number is not: it moves
        mean and variance little, and equal numbers have to have equal signals, in the reference and after it; nor are
        vectors without "novelty" of which each is there eight times in the mean. The first `order` units have no row,
        and of vectors with "novelty" the next `window`; if none is left, nothing is learned.

        Parameters
        ----------
        units : numpy.ndarray of float64, (n_units, dimension)

        Returns
        -------
        numpy.ndarray of float64, (n_used, n_signals)

        Raises
        ------
        TypeError, ValueError
            If they are not finite numbers, one row a unit.
        """
        values = _rows(units)
        window = 0 if values.shape[1] == 1 or _has_atoms(values) else self.window
        left_out = window > 0 or (values.shape[1] > 1 and not _few_are_distinct(values))
        found = GaussianCode.learned(values, self.order, window, left_out=left_out)
        if found is None:
            return np.empty((0, len(self.names)))
        code, bits, drift = found
        self._take(code)
        return _columns(bits, drift, values.shape[1], self.names)

    def measure(self, units: Units) -> NDArray[np.float64]:
        """Signals of new units, (n_units, n_signals); the window moves on with each of them."""
        code = self._learned()
        values = _rows(units, len(code.centre))
        return _columns(*code.follow(values), len(code.centre), self.names)

    def bits(self, units: Units) -> NDArray[np.float64]:
        """
        Bits a number of each unit, -log2 N / dimension, (n_units,).

        They are of a density, in the units' own scale: negative where it is above one. The units are taken to follow
        the newest ones one after another; the window stays where it is.
        """
        code = self._learned()
        values = _rows(units, len(code.centre))
        return code.bits(values) / values.shape[1]

    def state(self) -> State:
        """All that has been learned, and the window."""
        code = None if self._code is None else {key: value.copy() for key, value in vars(self._code).items()}
        return {"window": self.window, "order": self.order, "code": code}

    def restore(self, state: State) -> None:
        """Be as the object was that gave this state; ValueError if it cannot be that."""
        try:
            given, kept = (state["window"], state["order"]), state["code"]
            code = None if kept is None else GaussianCode(**kept)
            if code is not None and given == (self.window, self.order):
                code = code.checked(self.window if len(code.centre) > 1 and len(code.newest) else 0)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"this is no state of VectorSignals: {error}") from None
        if given != (self.window, self.order):
            raise ValueError(
                f"the state is of window={given[0]} and order={given[1]}, this object has window={self.window} and "
                f"order={self.order}: make one with the same"
            )
        self._take(code)

    @property
    def nbytes(self) -> int:
        """Bytes of memory of what has been learned."""
        return 0 if self._code is None else sum(value.nbytes for value in vars(self._code).values())

    def _learned(self) -> GaussianCode:
        """The code."""
        if self._code is None:
            from sklearn.exceptions import NotFittedError  # late: a second

            raise NotFittedError("there is no reference yet: call learn() with more units than that takes")
        return self._code


def _rows(units: Units, dimension: int | None = None) -> NDArray[np.float64]:
    """Units as rows of finite numbers."""
    if not isinstance(units, np.ndarray) or units.dtype.kind not in "fiu":
        found = f"an array of {units.dtype}" if isinstance(units, np.ndarray) else type(units).__name__
        raise TypeError(f"units are {found}: give an array of numbers, one row a unit")
    if units.ndim != 2 or not units.shape[1]:
        raise ValueError(f"units have shape {units.shape}: give one row a unit")
    if dimension is not None and units.shape[1] != dimension:
        raise ValueError(f"units have {units.shape[1]} numbers each, those of the reference {dimension}")
    values = np.ascontiguousarray(units, np.float64)
    bad = np.argwhere(~(np.abs(values) <= _LARGEST_INPUT))
    if len(bad):
        row, column = bad[0].tolist()
        raise ValueError(f"unit {row} is {values[row, column]} (number {column}): give finite numbers up to 1e150")
    return values


def _columns(
    bits: NDArray[np.float64], drift: NDArray[np.float64], d: int, names: tuple[str, ...]
) -> NDArray[np.float64]:
    """Rows of signals, by their names."""
    each = bits / d
    found = {"upward": drift, "downward": -drift, "novelty": drift, "surprise": each, "plainness": -each}
    return np.column_stack([found[name] for name in names])


def _has_atoms(values: NDArray[np.float64]) -> bool:
    """Whether a component has one value in more than a fifth of the units."""
    return any(np.unique(column, return_counts=True)[1].max() > _ATOM * len(column) for column in values.T)


def _few_are_distinct(values: NDArray[np.float64]) -> bool:
    """Whether the units are mostly repeats of each other."""
    return _REPEATED * len(np.unique(values, axis=0)) <= len(values)
