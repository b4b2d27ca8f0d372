"""Is there a change at all: a test whose false alarms are bounded for every source of a given order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import whole_number
from ncd.changepoint.tree import ContextTreeCode
from ncd.distances.cells import as_sequence

__all__ = ["ChangeTest", "change_test"]


@dataclass(frozen=True)
class ChangeTest:
    """
    Result of `change_test`.

    Attributes
    ----------
    p_value : float
        Bound of the probability of such a sequence without a change.
    position : int
        The most likely place of a change: the first element after it.
    bits : float
        Bits that a code with one change saves over the best source without one; the p-value is 2^-bits, at most 1.
    order : int
    curve : ndarray of float64, shape (n - 1,)
        The same bits for a change at each place: of the code with a change there, not of the mixture of all.
    """

    p_value: float
    position: int
    bits: float
    order: int
    curve: NDArray[np.float64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the curve as plain Python values."""
        return {"p_value": self.p_value, "position": self.position, "bits": self.bits, "order": self.order}

    def plot(self, ax: Any = None) -> Any:
        """Bits that a change saves at each place, with the most likely one; returns the matplotlib Axes."""
        from ncd.changepoint.pictures import curve

        places = range(1, len(self.curve) + 1)
        label = "bits saved by one change"
        return curve(places, self.curve, cuts=[self.position], xlabel="position in the sequence", ylabel=label, ax=ax)


def change_test(x: ArrayLike, order: int = 1, *, bits: int = 2, depth: int = 8) -> ChangeTest:
    r"""
    A strict test for a change, by universal inference.

    .. math:: p = \min\left(1, \frac{\max_\theta P_\theta(x)}{Q(x)}\right), \quad
              Q(x) = \frac{1}{n - 1} \sum_t 2^{-L(0, t) - L(t, n)}

    with the largest likelihood of all Markov sources of the given order over the symbols, and the code lengths L of
    `ContextTreeCode`. Q is a probability of sequences, so that for every such source P(p <= a) <= a (Markov's
    inequality), for any length. The price is power: the likelihood is fitted to the very sequence, which costs about
    1/2 log2 n bits for each parameter, and there are k^order (k - 1) for k symbols. So it suits low orders and long
    sequences; the penalty of `list_estimator` finds more, without this guarantee.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d), or bytes
        The bound is exact for few different values. Others are put into cells by their rank in the whole sequence,
        which makes the symbols depend on each other slightly: there it is an approximation.
    order : int, default 1
        Symbols of the past on which the next one may depend, 0 to 4.
    bits, depth : int
        As in `ContextTreeCode`.

    Returns
    -------
    ChangeTest

    Raises
    ------
    ValueError, TypeError
        If x has fewer than two elements, is not finite or not of numbers, or order is out of range.

    References
    ----------
    .. [1] L. Wasserman, A. Ramdas, S. Balakrishnan (2020), Universal inference, PNAS 117.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.changepoint import change_test
    >>> rng = np.random.default_rng(0)
    >>> change_test(rng.random(1000) < 0.5).p_value
    1.0
    >>> found = change_test(np.concatenate([rng.random(500) < 0.5, rng.random(500) < 0.8]))
    >>> found.p_value < 1e-9, found.position
    (True, 499)
    """
    order, depth = whole_number(order, "order", 0, 4), whole_number(depth, "depth", 0, 16)
    sequence = as_sequence(x)
    n = len(sequence)
    if n < 2:
        raise ValueError(f"x has {n} elements: a test for a change needs two")
    code = ContextTreeCode.of(sequence, bits=bits, depth=max(depth, min(4 * order, 16)))
    changed = code.growing(0, n)[-1] - code.gains(0, n)
    least = float(changed.min())
    mixed = least - float(np.log2(np.exp2(least - changed).mean()))
    single = _least_bits(code.symbols, order, code.given)
    saved = single - mixed
    return ChangeTest(
        1.0 if saved <= 0 else float(2.0**-saved), int(changed.argmin()) + 1, saved, order, single - changed
    )


def _least_bits(symbols: NDArray[np.uint8], order: int, given: int) -> float:
    """Minus log2 of the largest likelihood of the symbols from `given` on, under Markov sources of an order."""
    states = np.unique(symbols, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)
    count = int(states.max()) + 1
    contexts = np.zeros(len(states), np.int64)
    for back in range(1, order + 1):
        contexts[back:] = contexts[back:] * count + states[:-back]
        contexts = np.unique(contexts, return_inverse=True)[1].reshape(-1)
    pairs = np.unique(contexts[given:] * count + states[given:], return_counts=True)[1]
    alone = np.unique(contexts[given:], return_counts=True)[1]
    return float((alone * np.log2(alone)).sum() - (pairs * np.log2(pairs)).sum())
