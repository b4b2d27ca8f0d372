"""Text of a stream under any compressor that a reference has primed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import whole_number
from ncd.compressors.base import Compressor
from ncd.compressors.registry import get_compressor
from ncd.exceptions import WindowWarning
from ncd.streams.base import State, StreamSignals, TextUnits, Units

__all__ = ["CompressorSignals"]

_WINDOW: Final = 1024
_STEPS: Final = 8
_FOLDS: Final = 40
_WEIGHT_OF_GAIN: Final = 2.0
_END: Final = b"\n"

#: Bytes of a text after what has been seen, text by text.
_Lengths = Callable[[Sequence[bytes]], list[Any]]


class CompressorSignals(StreamSignals):
    """
    Signals of units of text under a compressor of the library, such as "zstd", "gzip", "brotli:5" or "ppm:4".

    With x the reference, w the newest `window` bytes before the unit z, and L the compressor's code length in bits,

    - b(z) = L(z|x) / bytes of z: what the unit costs under the reference;
    - gain(z) = [L(z|x) - L(z|w)] / bytes of z: what the newest window says of it that the reference does not.

    "novelty" is (b - mean b) / sd b + 2 (gain - mean gain) / sd gain, by means and standard deviations over the
    reference's left-out units; "plainness" is -b.

    L(z|x) is the compressor's own conditional code length (zlib, gzip, deflate, zstd, the context models: `primed`), or
    L(xz) - L(x) where it has none (brotli, bz2, xz, lzma and others), which compresses the whole reference for every
    unit: slow. w is renewed whenever an eighth of its bytes is new, so that the compressor need not be primed for every
    unit.

    Parameters
    ----------
    compressor : str or Compressor
    window : int, default 1024
        Bytes.
    gap : int, default 0
        Bytes on both sides of a unit of the reference that are left out with it.
    framed : bool, default True
        Whether a newline that ends the unit belongs to it.

    Warns
    -----
    WindowWarning
        If the reference has more bytes than the compressor sees (deflate, zlib and gzip: 32,768).

    Examples
    --------
    >>> from ncd.streams.base import TextUnits
    >>> from ncd.streams.compressor_signals import CompressorSignals
    >>> lines = [b"GET /item/%d HTTP/1.1 200 %d" % (i * 7919 % 1000, i * 31 % 997) for i in range(200)]
    >>> signals = CompressorSignals("zstd")
    >>> rows = signals.learn(TextUnits.of(lines))
    >>> signals.measure(TextUnits.of([lines[7], b"Traceback (most recent call last):"])).round(1)[:, 0] > 4
    array([False,  True])
    """

    names: ClassVar[tuple[str, ...]] = ("novelty", "plainness")
    weights: ClassVar[tuple[float, ...]] = (0.8, 0.2)
    bets: ClassVar[tuple[float, ...]] = (1.0, 1.5, 2.0)

    def __init__(
        self, compressor: str | Compressor, *, window: int = _WINDOW, gap: int = 0, framed: bool = True
    ) -> None:
        self.compressor = get_compressor(compressor)
        self.window = whole_number(window, "window", 1)
        self.gap = whole_number(gap, "gap", 0)
        self.framed = bool(framed)
        self._bits = 8.0 if self.compressor.unit == "bytes" else 1.0
        self._reference: bytes | None = None
        self._scales = np.array([[0.0, 1.0], [0.0, 1.0]])
        self._newest = self._primer = b""
        self._fresh = 0
        self._lengths: _Lengths | None = None
        self._lock = Lock()

    def learn(self, units: Units) -> NDArray[np.float64]:
        """
        Take the units as the reference, and give their own signals, each under what the others teach.

        The reference is dealt to up to 40 stretches; the units of one are measured with the stretch, the window before
        it and `gap` bytes on both sides taken out. The first row is that of the first unit with a full window
        before it; a reference without one gives none, and nothing is learned of it.

        Parameters
        ----------
        units : TextUnits

        Returns
        -------
        numpy.ndarray of float64, (n_used, 2)
        """
        texts = self._texts(units)
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        starts = np.concatenate([[0], ends[:-1]])
        first = int(np.searchsorted(starts, self.window))
        if first >= len(texts):
            return np.empty((0, 2))
        reference = b"".join(texts)
        self._warn(len(reference))

        sizes = np.array([len(text) for text in texts[first:]])
        alone = np.empty(len(sizes))
        stretch = -(-int(ends[-1] - starts[first]) // _FOLDS)
        i = first
        while i < len(texts):
            j = max(int(np.searchsorted(starts, starts[i] + stretch)), i + 1)
            low = max(int(starts[i]) - max(self.window, self.gap), 0)
            rest = reference[:low] + reference[int(ends[j - 1]) + self.gap :]
            alone[i - first : j - first] = _primed(self.compressor, rest)(texts[i:j])
            i = j
        alone *= self._bits / sizes

        self._newest = self._primer = b""
        self._fresh = 0
        gains = alone - self._under_window(texts)[first:]
        self._reference, self._lengths = reference, None
        both = np.stack([alone, gains])
        deviations = both.std(axis=1)
        floor = 1e-9 * np.maximum(np.abs(both.mean(axis=1)), 1.0)
        self._scales = np.stack([both.mean(axis=1), np.where(deviations > floor, deviations, 1.0)], axis=1)
        return self._columns(alone, gains)

    def measure(self, units: Units) -> NDArray[np.float64]:
        """Signals of new units, (n_units, 2); the window moves on with each of them."""
        texts = self._texts(units)
        alone = self._under_reference(texts)
        return self._columns(alone, alone - self._under_window(texts))

    def bits(self, units: Units) -> NDArray[np.float64]:
        """Bits a byte of each unit under the reference alone, (n_units,)."""
        return self._under_reference(self._texts(units))

    def state(self) -> State:
        """All that has been learned, and the window."""
        return {
            "compressor": self.compressor.name,
            "window": self.window,
            "gap": self.gap,
            "framed": self.framed,
            "reference": None if self._reference is None else np.frombuffer(self._reference, np.uint8).copy(),
            "scales": self._scales.copy(),
            "newest": np.frombuffer(self._newest, np.uint8).copy(),
            "primer": np.frombuffer(self._primer, np.uint8).copy(),
            "fresh": self._fresh,
        }

    def restore(self, state: State) -> None:
        """Be as the object was that gave this state; ValueError if it cannot be that."""
        try:
            given = {key: state[key] for key in ("compressor", "window", "gap", "framed")}
            reference = None if state["reference"] is None else _bytes(state["reference"])
            newest, primer = _bytes(state["newest"]), _bytes(state["primer"])
            scales, fresh = np.array(state["scales"], np.float64), int(state["fresh"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"this is no state of CompressorSignals: {error}") from None
        own = {"compressor": self.compressor.name, "window": self.window, "gap": self.gap, "framed": self.framed}
        for key, value in own.items():
            if given[key] != value:
                raise ValueError(f"the state has {key}={given[key]!r}, this object {value!r}: make one with the same")
        if scales.shape != (2, 2) or not np.isfinite(scales).all() or not (scales[:, 1] > 0).all():
            raise ValueError("this is no state of CompressorSignals: its scales are no means and positive deviations")
        if max(len(newest), len(primer)) > self.window or fresh < 0:
            raise ValueError(f"this is no state of CompressorSignals: its window has more than {self.window} bytes")
        self._reference, self._lengths = reference, None
        self._newest, self._primer, self._scales, self._fresh = newest, primer, scales, fresh

    @property
    def nbytes(self) -> int:
        """Bytes of memory of what has been learned (a primed coder has tables of its own besides)."""
        return len(self._reference or b"") + len(self._newest) + len(self._primer) + self._scales.nbytes

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lengths": None, "_lock": None}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept, _lock=Lock())

    def _texts(self, units: Units) -> list[bytes]:
        """Units with what ends them."""
        if not isinstance(units, TextUnits):
            raise TypeError(f"units are {type(units).__name__}: give TextUnits, as TextUnits.of([b'...'])")
        texts = [unit + _END for unit in units] if self.framed else list(units)
        if not self.framed and not all(texts):
            raise ValueError(f"unit {texts.index(b'')} is empty: units without a newline that ends them need a byte")
        return texts

    def _warn(self, size: int) -> None:
        """Say what the compressor will not see."""
        seen = self.compressor.primed_window if self.compressor.can_prime else self.compressor.window
        if seen is not None and size > seen:
            warnings.warn(
                f"the reference has {size:,} bytes, of which {self.compressor.name} sees the last {seen:,}: give a "
                "shorter reference, or choose a compressor with a larger window, such as 'zstd'",
                WindowWarning,
                stacklevel=3,
            )

    def _under_reference(self, texts: Sequence[bytes]) -> NDArray[np.float64]:
        """Bits a byte after the reference."""
        if self._reference is None:
            from sklearn.exceptions import NotFittedError  # late: a second

            raise NotFittedError("there is no reference yet: call learn() with more bytes than the window")
        with self._lock:
            if self._lengths is None:
                self._lengths = _primed(self.compressor, self._reference)
            lengths = self._lengths(texts)
        return np.array(lengths, np.float64) * self._bits / [len(text) for text in texts]

    def _under_window(self, texts: Sequence[bytes]) -> NDArray[np.float64]:
        """Bits a byte after the window, which moves on."""
        step = max(self.window // _STEPS, 1)
        lengths: list[Any] = []
        i = 0
        while i < len(texts):
            j, fresh = i, self._fresh
            while j < len(texts) and (fresh < step or j == i):
                fresh += len(texts[j])
                j += 1
            lengths += _primed(self.compressor, self._primer)(texts[i:j])
            self._newest = (self._newest + b"".join(texts[i:j]))[-self.window :]
            if fresh >= step:
                self._primer, fresh = self._newest, 0
            self._fresh, i = fresh, j
        return np.array(lengths, np.float64) * self._bits / [len(text) for text in texts]

    def _columns(self, alone: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of signals."""
        (mean, scale), (mean_gain, scale_gain) = self._scales
        novelty = (alone - mean) / scale + _WEIGHT_OF_GAIN * (gains - mean_gain) / scale_gain
        return np.column_stack([novelty, -alone])


def _primed(compressor: Compressor, seen: bytes) -> _Lengths:
    """What gives code lengths after `seen`."""
    if compressor.can_prime:
        return compressor.primed(seen)._prepared()
    own = compressor.length(seen)
    return lambda texts: [length - own for length in compressor._lengths(seen + text for text in texts)]


def _bytes(array: NDArray[np.uint8]) -> bytes:
    """Bytes from a state."""
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.ndim != 1:
        raise TypeError("bytes have to be arrays of uint8")
    return array.tobytes()
