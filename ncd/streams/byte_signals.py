"""Units of text under a byte model of the reference, and under the newest window of the stream."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.kernels.jit import announced
from ncd.kernels.stream_bits import WHOLE
from ncd.kernels.stream_counts import counted, left_out
from ncd.kernels.stream_model import Automaton, bits_of_bytes, bits_of_units, frozen, signals_of_units
from ncd.kernels.stream_window import MOST, NEWLINE, empty_window, pairs_of, refill
from ncd.kernels.stream_witnesses import ASIDE, N_WITNESSES, Witnesses
from ncd.streams.base import State, StreamSignals, TextUnits, Units

__all__ = ["ByteSignals"]

#: Standard deviations (bits per byte) below which the reference's units count as alike.
_LEAST_SCALE = 1e-3
_HIGHEST_ORDER = 16
_LARGEST_GAP = 1 << 40
_MARGIN = 0.9  # quantile of what units save by being in the reference themselves
_BEYOND = 0.5  # how much larger novelty can be than that of any unit of the reference
_KIND = "ByteSignals"


class ByteSignals(StreamSignals):
    r"""
    Bits of units of text under a byte model of the reference that does not learn, and what the newest bytes save.

    The model blends the contexts of 0 to `order` bytes before a byte s (Witten and Bell's estimate, method C)::

        p_k(s) = [n(us) + D(u) p_{k-1}(s)] / [T(u) + D(u)],   p_{-1} = 1/256,

    with n(us), how often s followed the context u of k bytes in the reference, T(u), how often any byte did, and D(u),
    how many different ones did; a context without a count passes p_{k-1} on. Each unit begins afresh, after a newline.
    For a unit z of \|z\| coded bytes, b(z) = -sum log2 p / \|z\|.

    The window holds the `window` newest bytes of the units before z. Its contexts of 0 and 1 bytes, on top of the
    reference's p as q_{-1}, give q; gain(z) = sum (log2 q - log2 p) / \|z\| is what the newest stream saves.

    - "novelty": let news = [b - mean b] / sd b and saved = [gain - mean gain] / sd gain, with means and standard
      deviations over the reference's units, each measured without itself and its neighbours. It is news for most units.
      One for which news + 2 saved is among the largest eighth of the reference's, and which at most 4 of 32 units of
      the reference are under the same window, ranks above all others, in the order of that sum, but no higher than so
      many units of the reference do. (A window that happens to hold something rare makes all units novel that have it:
      without the comparison, units that come together would be no independent ranks.)
    - "plainness" = -b, less a margin: a stream that became simpler. The margin is what units of the reference save by
      being part of it (the quantile .9, and 0.001 bits): new units meet all of the reference, its own all but
      themselves.

    Where a standard deviation is under 0.001 bits per byte, the reference's units are alike: differences are then
    counted in whole multiples of 0.001 bits, so that an equal unit is none and any other one is large.

    Parameters
    ----------
    window : int
        Bytes, 1 to 65,535; newlines that end units count.
    gap : int
        Bytes on both sides of a unit of the reference: units with a byte there are left out of the reference while the
        unit is measured, beside those in its window.
    framed : bool
        Whether a newline ends each unit and is coded too: for lines, and for documents of their own. Blocks of a longer
        text have none.
    order : int
        Bytes of the longest context, 0 to 16.

    Attributes
    ----------
    names : ("novelty", "plainness")
    weights : (0.8, 0.2)

    Raises
    ------
    TypeError, ValueError
        If an argument is no whole number, or out of range.

    Notes
    -----
    Memory grows with the number of different strings of up to order + 1 bytes in the reference: 16 bytes for each, at
    most; 8 kB of log lines need about 100 kB, 20 kB of English 400 kB.

    References
    ----------
    I. H. Witten and T. C. Bell, "The zero-frequency problem: estimating the probabilities of novel events in adaptive
    text compression", IEEE Transactions on Information Theory 37(4), 1991.

    Examples
    --------
    >>> signals = ByteSignals(window=64)
    >>> lines = [b"GET /item/%d 200" % (i * i % 97) for i in range(100)]
    >>> rows = signals.learn(TextUnits.of(lines))
    >>> rows.shape
    (96, 2)
    >>> old, new = signals.bits(TextUnits.of([b"GET /item/12 200", b"PANIC: out of memory"]))
    >>> bool(old < 1 < 5 < new)
    True
    """

    names: ClassVar[tuple[str, ...]] = ("novelty", "plainness")
    weights: ClassVar[tuple[float, ...]] = (0.8, 0.2)
    bets: ClassVar[tuple[float, ...]] = (1.0, 1.5, 2.0)

    def __init__(self, *, window: int = 1024, gap: int = 0, framed: bool = True, order: int = 4) -> None:
        self.window = whole_number(window, "window", 1, MOST)
        self.gap = whole_number(gap, "gap", 0, _LARGEST_GAP)
        if not isinstance(framed, bool | np.bool_):
            raise TypeError(f"framed is {framed!r}: give True or False")
        self.framed = bool(framed)
        self.order = whole_number(order, "order", 0, _HIGHEST_ORDER)
        self._reference: TextUnits | None = None
        self._model = Automaton(np.zeros(0, np.uint32), np.zeros(0, np.float32), 0)
        self._window = empty_window(self.window)
        self._scales = np.zeros((2, 3))
        self._witnesses = _no_witnesses()
        self._margin = 0.0

    def learn(self, units: Units) -> NDArray[np.float64]:
        """
        Take the units as the reference, and give their own signals, each under what the others teach.

        While a unit is measured, it, all units that have a byte in its window, and those with a byte within `gap` bytes
        of it are taken out of the model. The first units, without `window` bytes before them, give no row.

        Parameters
        ----------
        units : TextUnits

        Returns
        -------
        numpy.ndarray of float64, (n_used, 2)
            Of the last `n_used` units. None if the reference is not longer than the window.

        Raises
        ------
        TypeError
            If the units are no text.
        ValueError
            If there is none, or one is not within the data.
        """
        units = _packed(_checked(units))
        if not len(units):
            raise ValueError("units is empty: a reference has at least one unit")
        window = empty_window(self.window)
        found = np.empty((len(units), 2))
        with _said_if_new(left_out):
            trie, path, firsts = counted(units.data, units.starts, units.ends, self.framed, self.order)
            codes = np.empty(len(path), np.uint16)
            left_out(
                trie,
                path,
                firsts,
                units.data,
                units.starts,
                units.ends,
                self.order,
                max(self.window, self.gap),
                self.gap,
                window,
                found,
                codes,
            )
            model = frozen(trie)
        full = int(np.searchsorted(firsts[:-1], self.window))
        coded = np.diff(firsts) > 0
        used = coded if not coded[full:].any() else coded & (np.arange(len(units)) >= full)
        self._reference, self._model, self._window, self._scales = units, model, window, _scales(found[used])
        values = np.where(coded[:, None], found, self._scales[:, 0])[full:]
        differences = (values - self._scales[:, 0]) / self._scales[:, 1]
        differences = np.where(self._scales[:, 2] > 0, np.floor(differences + 0.5), differences)
        news = differences[:, 0]
        novelty = news + 2 * differences[:, 1]
        self._witnesses = self._chosen(codes, firsts, full, news, novelty)
        inside = np.empty(len(units))
        bits_of_units(*model, units.data, units.starts, units.ends, int(self.framed), inside)
        gained = (found[:, 0] - inside)[used]
        self._margin = _LEAST_SCALE + (float(np.quantile(gained, _MARGIN)) if len(gained) else 0.0)
        if not len(news):
            return np.zeros((0, 2))
        aside = min(ASIDE, len(self._witnesses.ends))
        lift, limit = self._witnesses.limits[-1], self._witnesses.limits[aside]
        signal = np.where(novelty > limit, lift + novelty - limit, np.minimum(news, lift))
        return np.stack([signal, -(self._scales[0, 0] + self._scales[0, 1] * news)], 1)

    def _chosen(
        self,
        codes: NDArray[np.uint16],
        firsts: NDArray[np.int64],
        full: int,
        news: NDArray[np.float64],
        novelty: NDArray[np.float64],
    ) -> Witnesses:
        """Witnesses out of the units from `full` on, whose standardised bits and novelty are given."""
        n = min(len(novelty), N_WITNESSES)
        if not n:
            return _no_witnesses()
        assert self._reference is not None
        rows = np.linspace(0, len(novelty) - 1, n).astype(np.int64)
        texts = [
            self._reference.data[self._reference.starts[unit] : self._reference.ends[unit]].tobytes()
            + bytes([NEWLINE]) * self.framed
            for unit in (rows + full).tolist()
        ]
        kept = [codes[firsts[unit] : firsts[unit + 1]] for unit in rows + full]
        ranks = -(-np.arange(1, n + 1) * len(novelty) // n) - 1
        return Witnesses(
            np.frombuffer(b"".join(texts), np.uint8),
            np.concatenate(kept),
            np.cumsum([len(text) for text in texts], dtype=np.int64),
            news[rows],
            np.array([-np.log2(chances / WHOLE).sum() for chances in kept]),
            np.concatenate([[novelty.max() + _BEYOND], np.sort(novelty)[::-1][ranks], [news.max()]]),
        )

    def measure(self, units: Units) -> NDArray[np.float64]:
        """
        Novelty and plainness of new units; the window moves on with each of them.

        Parameters
        ----------
        units : TextUnits

        Returns
        -------
        numpy.ndarray of float64, (n_units, 2)
            A unit without a coded byte is measured as one with the reference's means.

        Raises
        ------
        NotFittedError
            If no reference has been learned.
        TypeError
            If the units are no text.
        ValueError
            If one is not within the data: the window has moved on with those before it.
        """
        units, model = _checked(units), self._learned()
        rows = np.empty((len(units), 2))
        read = signals_of_units(
            *model,
            self._window,
            self._scales,
            self._witnesses,
            units.data,
            units.starts,
            units.ends,
            int(self.framed),
            rows,
        )
        if read < len(rows):
            raise _outside(units, read)
        rows[:, 1] -= self._margin
        return rows

    def bits(self, units: Units) -> NDArray[np.float64]:
        """
        Bits per coded byte of each unit under the reference alone; 0 for one without a coded byte.

        Parameters
        ----------
        units : TextUnits

        Returns
        -------
        numpy.ndarray of float64, (n_units,)

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `measure` does.
        """
        units, model = _checked(units), self._learned()
        found = np.empty(len(units))
        read = bits_of_units(*model, units.data, units.starts, units.ends, int(self.framed), found)
        if read < len(found):
            raise _outside(units, read)
        return found

    def byte_bits(self, unit: bytes) -> NDArray[np.float32]:
        """
        Bits of each byte of a unit under the reference alone.

        Parameters
        ----------
        unit : bytes

        Returns
        -------
        numpy.ndarray of float32, (n_bytes,)
            With one more for the newline if units are framed.

        Raises
        ------
        NotFittedError
            If no reference has been learned.
        """
        model = self._learned()
        found = np.empty(len(unit) + self.framed, np.float32)
        bits_of_bytes(*model, np.frombuffer(unit, np.uint8), int(self.framed), found)
        return found

    @property
    def reference(self) -> TextUnits:
        """The units that were learned; NotFittedError before."""
        self._learned()
        assert self._reference is not None
        return self._reference

    def state(self) -> State:
        """
        Parameters, the reference's text, means and scales, and the window: what `restore` makes the model of again.

        Returns
        -------
        dict
            Of whole numbers and arrays; it shares no memory with the object.
        """
        state: State = {
            "kind": _KIND,
            "window": self.window,
            "gap": self.gap,
            "framed": self.framed,
            "order": self.order,
            "reference": None,
        }
        if self._reference is not None:
            state["reference"] = {
                "text": self._reference.data.copy(),
                "ends": self._reference.ends.copy(),
                "scales": self._scales.copy(),
                "margin": self._margin,
                "newest": pairs_of(self._window),
                "witnesses": {name: array.copy() for name, array in self._witnesses._asdict().items()},
            }
        return state

    def restore(self, state: State) -> None:
        """
        Be as the object was that gave this state; measures the same to the last bit.

        Raises
        ------
        ValueError
            If the state is not one that `state` gives; the object stays as it was.
        """
        try:
            made = _restored(state)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"state is none of {_KIND}: {error}") from None
        self.__dict__.update(made.__dict__)

    @property
    def nbytes(self) -> int:
        """Bytes of memory of the model, of the reference's text and of the window."""
        own = self._window.nbytes + self._scales.nbytes + self._model.nbytes + self._witnesses.nbytes
        if self._reference is not None:
            own += self._reference.data.nbytes + self._reference.starts.nbytes + self._reference.ends.nbytes
        return own

    def _learned(self) -> Automaton:
        """The model."""
        if self._reference is None:
            from sklearn.exceptions import NotFittedError  # late: a second

            raise NotFittedError("no reference has been learned: call learn(units) first")
        return self._model


def _said_if_new(kernel: Any) -> AbstractContextManager[None]:
    """Say on stderr if a kernel takes long to compile; the thread that this takes costs more than a short reference."""
    return nullcontext() if kernel.signatures else announced("the byte model of streams")


def _checked(units: object) -> TextUnits:
    """Units of text, with the arrays that the kernels are compiled for."""
    if not isinstance(units, TextUnits):
        raise TypeError(
            f"units is a {type(units).__name__}: give TextUnits, as TextUnits.of([b'one', b'two']) makes them"
        )
    data, starts, ends = units.data, units.starts, units.ends
    if data.dtype != np.uint8 or data.ndim != 1:
        raise TypeError(f"units.data has {data.ndim} dimensions of {data.dtype}: give one of uint8")
    if starts.shape != ends.shape or starts.ndim != 1:
        raise ValueError(
            f"units.starts has shape {starts.shape}, units.ends {ends.shape}: give one number a unit to both"
        )
    if data.flags.writeable or not data.flags.c_contiguous:
        data = np.ascontiguousarray(data)
        data = data.view()
        data.flags.writeable = False
    return TextUnits(data, _numbers(starts), _numbers(ends))


def _numbers(values: NDArray[Any]) -> NDArray[np.int64]:
    """An array of int64 that may be written to and is in one piece: kernels are compiled anew for any other."""
    if values.dtype == np.int64 and values.flags.writeable and values.flags.c_contiguous:
        return values
    if values.dtype.kind not in "iu":
        raise TypeError(f"units has places of {values.dtype}: give whole numbers")
    return np.array(values, np.int64)


def _packed(units: TextUnits) -> TextUnits:
    """A copy of the units, one after another."""
    inside = (units.starts >= 0) & (units.starts <= units.ends) & (units.ends <= len(units.data))
    if not inside.all():
        raise _outside(units, int(np.argmin(inside)))
    return _checked(TextUnits.of(list(units)))


def _outside(units: TextUnits, unit: int) -> ValueError:
    """Error for a unit that is not within the data."""
    start, end = units.starts[unit], units.ends[unit]
    return ValueError(f"units has {start} to {end} as its unit {unit}: the data have {len(units.data)} bytes")


def _scales(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, scale, and whether to count in whole scales, of bits and of gain."""
    mean, deviation = (values.mean(0), values.std(0)) if len(values) else (np.array([8.0, 0.0]), np.zeros(2))
    return np.stack([mean, np.maximum(deviation, _LEAST_SCALE), (deviation < _LEAST_SCALE).astype(float)], 1)


def _restored(state: Any) -> ByteSignals:
    """The object of a state."""
    if not isinstance(state, Mapping) or state["kind"] != _KIND:
        raise ValueError(f"state is none of {_KIND}")
    made = ByteSignals(
        window=state["window"],
        gap=state["gap"],
        framed=state["framed"],
        order=state["order"],
    )
    kept = state["reference"]
    if kept is None:
        return made
    text, ends, scales, newest = (
        _array(kept, name, dtype)
        for name, dtype in (("text", np.uint8), ("ends", np.int64), ("scales", np.float64), ("newest", np.uint16))
    )
    if not len(ends) or ends[-1] != len(text) or ends[0] < 0 or (np.diff(ends) < 0).any():
        raise ValueError(f"state['reference']['ends'] does not cut its text of {len(text)} bytes into units")
    if scales.shape != (2, 3) or not np.isfinite(scales).all() or (scales[:, 1] < _LEAST_SCALE).any():
        raise ValueError("state['reference']['scales'] has no mean and scale for bits and gain")
    if newest.size > made.window:
        raise ValueError(f"state['reference']['newest'] has {newest.size} bytes, the window {made.window}")
    units = _checked(TextUnits(text, np.concatenate([np.zeros(1, np.int64), ends[:-1]]), ends))
    with _said_if_new(refill):
        made._model = frozen(counted(units.data, units.starts, units.ends, made.framed, made.order)[0])
        refill(made._window, newest)
    margin = float(kept["margin"])
    if not np.isfinite(margin):
        raise ValueError(f"state['reference']['margin'] is {margin}")
    made._reference, made._scales, made._witnesses = units, scales, _restored_witnesses(kept["witnesses"])
    made._margin = margin
    return made


def _no_witnesses() -> Witnesses:
    """Of a reference without a row."""
    nothing = np.zeros(0, np.uint8)
    limits = np.full(2, np.inf)
    return Witnesses(nothing, np.zeros(0, np.uint16), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), limits)


def _restored_witnesses(kept: Any) -> Witnesses:
    """The witnesses of a state."""
    dtypes = (np.uint8, np.uint16, np.int64, np.float64, np.float64, np.float64)
    made = Witnesses(*(_array(kept, name, dtype) for name, dtype in zip(Witnesses._fields, dtypes, strict=True)))
    ends, n = made.ends, len(made.symbols)
    inside = (np.diff(ends, prepend=0) >= 0).all() and (int(ends[-1]) if len(ends) else 0) == n == len(made.codes)
    if not inside or not len(made.news) == len(made.bits) == len(ends) == len(made.limits) - 2:
        raise ValueError("state['reference']['witnesses'] are not those of a reference")
    if np.isnan(made.limits).any() or not np.isfinite([*made.news, *made.bits]).all() or (made.codes == 0).any():
        raise ValueError("state['reference']['witnesses'] have numbers that no reference has")
    return Witnesses(_fixed(made.symbols), *made[1:])


def _fixed(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Read only, as the kernels are compiled for it."""
    array.flags.writeable = False
    return array


def _array(kept: Any, name: str, dtype: type) -> NDArray[Any]:
    """A copy of one array of a state."""
    array = kept[name]
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != (2 if name == "scales" else 1):
        raise ValueError(f"state['reference'][{name!r}] is no such array of {np.dtype(dtype)} as `state` gives")
    return np.array(array, order="C")
