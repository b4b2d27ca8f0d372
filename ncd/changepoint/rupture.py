"""Costs of segments for the searches of ruptures: ``rpt.Dynp(custom_cost=CodeLengthCost("zstd"), jump=1)``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from ruptures.base import BaseCost  # type: ignore[import-untyped]
from ruptures.costs import NotEnoughPoints  # type: ignore[import-untyped]

from ncd.arguments import whole_number
from ncd.changepoint.calibrated import CalibratedCost
from ncd.changepoint.costs import SegmentCost
from ncd.changepoint.units import Units
from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text, as_bytes
from ncd.distances.cells import as_filled, symbols_of
from ncd.exceptions import EmptyTextError

__all__ = ["CodeLengthCost"]

_BITS = 2  # of a number's rank
_ONE_BY_ONE = 3  # segments with one beginning, after which all of them are computed
_MOST_BYTES = 10**8  # of the costs that are kept


class CodeLengthCost(BaseCost):  # type: ignore[misc]
    r"""
    Cost of a segment by code length, for any search of ruptures that takes a `custom_cost`.

    By default the calibrated code length of `CalibratedCost`, in bits: with a plain code length, ``calibrated=False``,
    every segment pays again for what its compressor has to learn, and cuts are put near the ends.

    A signal is a sequence of texts (each a unit, such as a line), or numbers:

    - a list, or an array of one column, of str or bytes: give lists to ruptures as ``CodeLengthCost.as_signal(texts)``,
      because it asks a signal for its shape;
    - an array of uint8, shape (n,): each byte is a unit;
    - other numbers, shape (n,) or (n, d): each becomes a byte, its rank among the values of its column in four steps
      (16 different values or fewer, each of them often enough, are kept apart).

    Take ``jump=1``: the default of ruptures, 5, looks at every fifth place only. `ruptures.Dynp` is exact;
    `ruptures.Pelt` discards places by a rule that such costs may break, so that its result may be slightly worse than
    the best. `ruptures.KernelCPD` takes no custom cost.

    Costs are kept, 100 MB of them at most: those that were not asked for longest are computed anew.

    Parameters
    ----------
    cost : str, Compressor or SegmentCost
        A compressor; or any cost of segments of this package, such as ``WordCost()``.
    calibrated : bool
        Whether the code length is calibrated by shuffles. Not used with a SegmentCost.
    min_size : int
        Fewest units of a segment. The searches have a `min_size` of their own, 2 by default; the larger one counts.
    separator : str or bytes
        Put after each text that does not end with white space, but for the last.

    Attributes
    ----------
    signal : ndarray
        What `fit` was given.
    model : str
        ``"codelength"``.

    Examples
    --------
    >>> import ruptures as rpt
    >>> lines = ["to be or not to be", "that is the question"] * 4 + ["0110 1001 0110", "1001 0110 1001"] * 4
    >>> signal = CodeLengthCost.as_signal(lines)
    >>> rpt.Dynp(custom_cost=CodeLengthCost("zstd"), jump=1).fit(signal).predict(n_bkps=1)
    [8, 16]
    """

    model = "codelength"

    def __init__(
        self,
        cost: str | SupportsLength | SegmentCost = "ppm:3",
        *,
        calibrated: bool = True,
        min_size: int = 1,
        separator: str | bytes = "\n",
    ) -> None:
        self.min_size = whole_number(min_size, "min_size", 1)
        self.separator = as_bytes(separator, name="separator")
        self.cost = cost if isinstance(cost, SegmentCost) else _cost(cost, calibrated)

    def __repr__(self) -> str:
        return f"<CodeLengthCost {self.cost.name!r}>"

    @staticmethod
    def as_signal(texts: Sequence[Text] | Units) -> NDArray[np.object_]:
        """
        Texts as an array of bytes objects, shape (n,): what a search of ruptures takes for a signal.

        Parameters
        ----------
        texts : sequence of str or bytes, or Units

        Examples
        --------
        >>> CodeLengthCost.as_signal(["one", "two"])
        array([b'one', b'two'], dtype=object)
        """
        if isinstance(texts, str | bytes):
            raise TypeError(
                "texts is a single text: give its units, such as ncd.changepoint.split_units(text, 'lines')"
            )
        if not isinstance(texts, Sequence | Units):
            raise TypeError(f"texts is {texts!r:.60}: give a sequence of texts")
        if any(isinstance(texts[i], int | float | np.number) for i in range(len(texts))):
            raise TypeError("texts holds numbers: give texts, or an array of numbers as the signal")
        signal = np.empty(len(texts), object)
        signal[:] = [as_bytes(texts[i], name="signal") for i in range(len(texts))]
        return signal

    def fit(self, signal: Any) -> Self:
        """
        Take a signal; returns itself.

        Parameters
        ----------
        signal : array or sequence of texts, or Units
            See above.

        Raises
        ------
        EmptyTextError, ValueError
            If it is empty, or its numbers are not finite.
        TypeError
            If it holds anything else.
        """
        units = signal if isinstance(signal, Units) else self._units(signal)
        if not len(units):
            raise EmptyTextError("signal is empty: there is nothing to cut")
        self.signal = signal if isinstance(signal, np.ndarray) else self.as_signal(signal)
        self.cost.fit(units)
        self._n = len(units)
        self._known: dict[tuple[int, int], float] = {}
        self._asked = np.zeros(self._n, np.int64)
        self._rows: OrderedDict[int, NDArray[np.float64]] = OrderedDict()
        self._kept = 0
        return self

    def _units(self, signal: Any) -> Units:
        """A signal as units."""
        array = signal if isinstance(signal, np.ndarray) else None
        if array is not None and array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array is not None and array.dtype.kind in "biuf":
            sequence = as_filled(array, "signal")
            if array.dtype != np.uint8 or array.ndim != 1:
                sequence = np.ascontiguousarray(symbols_of(sequence, _BITS)[0].T)
            width = sequence.shape[1]
            return Units(sequence.tobytes(), "bytes", np.arange(len(sequence) + 1, dtype=np.int64) * width)
        if array is not None and (array.ndim != 1 or array.dtype.kind not in "OSU"):
            raise TypeError(
                f"signal has shape {array.shape} and type {array.dtype}: give texts in one column, or numbers"
            )
        texts = self.as_signal(signal if array is None else array.tolist())
        pieces = [text if text[-1:].isspace() else text + self.separator for text in texts[:-1]] + [*texts[-1:]]
        return Units(b"".join(pieces), "lines", np.cumsum([0, *map(len, pieces)], dtype=np.int64))

    def error(self, start: int, end: int) -> float:
        """
        Cost of ``signal[start:end]`` in bits.

        Parameters
        ----------
        start, end : int

        Raises
        ------
        ruptures.exceptions.NotEnoughPoints
            If the segment has fewer than `min_size` units.
        """
        if not hasattr(self, "_rows"):
            raise ValueError("the cost has no signal yet: call fit(signal) first")
        start = whole_number(start, "start", 0, self._n, of=f"with {self._n} units")
        end = whole_number(end, "end", start, self._n, of=f"with {self._n} units")
        if end - start < self.min_size:
            raise NotEnoughPoints
        row = self._rows.get(start)
        if row is not None:
            self._rows.move_to_end(start)
            return float(row[end - start - 1])
        value = self._known.get((start, end))
        if value is None:
            self._asked[start] += 1
            if self._asked[start] > _ONE_BY_ONE:
                row = self.cost.growing(start, self._n)
                self._keep(start, row)
                return float(row[end - start - 1])
            value = float(self.cost.evaluate(np.array([start]), np.array([end]))[0])
            self._known[start, end] = value
        return value

    def _keep(self, start: int, row: NDArray[np.float64]) -> None:
        """Keep the costs of all segments with a beginning, and drop those that were not asked for longest."""
        self._rows[start] = row
        self._kept += row.nbytes
        while self._kept > _MOST_BYTES and len(self._rows) > 1:
            self._kept -= self._rows.popitem(last=False)[1].nbytes


class _PlainCost(CalibratedCost):
    """The code length itself."""

    def ordinary(self, sizes: NDArray[np.int64] | Sequence[int]) -> NDArray[np.float64]:
        return np.zeros(len(sizes))


def _cost(compressor: str | SupportsLength, calibrated: bool) -> SegmentCost:
    """The cost by a compressor."""
    coder = get_compressor(compressor)
    return CalibratedCost(coder) if calibrated else _PlainCost(coder)
