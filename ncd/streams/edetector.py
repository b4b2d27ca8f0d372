"""The statistic that raises alarms, with a bound on how often it does so without a change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, seed, whole_number
from ncd.kernels.edetector import (
    ALARM,
    BAG,
    BINS,
    COUNTERS,
    CURRENT,
    NEWEST,
    RANDOM,
    ROWS,
    SHARE,
    fill_bag,
    seeded,
    take,
    take_p,
)
from ncd.streams.base import State
from ncd.streams.starts import StartInterval, start_interval, start_shares
from ncd.streams.whitening import whitening

__all__ = ["EDetector"]

_ARL: Final = 10_000.0
_MOST: Final = 1e15
_ARRAYS: Final = ("setup", "tree", "running", "newest", "counters", "autocorrelation")


class EDetector:
    """
    Alarms on rows of signals, with a bound on false ones that holds at all times.

    A row has one number a signal, large where the stream has changed. Each becomes a conformal p-value, its rank among
    the reference and all rows so far (a growing bag), ties at random. While the rows are exchangeable, these p-values
    are independent and uniform [1]_. With z the normal deviate that is exceeded with probability p,

        e = exp(lambda z - lambda^2 / 2)

    has mean 1 then, and grows where p-values are small. Per signal and lambda a Shiryaev-Roberts sum R <- (R + 1) e
    adds up the products of e over all starts of a change [2]_; the signal's statistic is the mean over lambda, the
    detector's the largest of weight x statistic over the signals.

    - ``arl=A``: alarm at A. Without a change P(alarm within n rows) <= n / A, and for one signal the mean run length
      is at least A. (For several the first bound gives (A + 1) / 2. A weighted sum of signals would not keep either:
      what is a martingale given its own past need not be one given another signal's [3]_.)
    - ``alpha=a``: the t-th row as a start has the weight 1 / (t (t + 1)) instead of 1. The statistic is a test
      martingale then, alarm at 1 / a, and P(ever an alarm) <= a.

    Quantising to 1/32 of the reference's standard deviation makes ties; it keeps the memory constant.

    Parameters
    ----------
    weights : sequence of float, default (1.0,)
        One a signal, positive; they are divided by their sum.
    arl : float, optional
        Average run length in rows without a change, from 1 to 1e15. 10,000 if alpha is not given either.
    alpha : float, optional
        Probability that there is ever an alarm without a change, from 1e-15 to 1.
    bets : sequence of float, default (0.5, 1.0, 1.5, 2.0)
        The values of lambda, positive: by how many standard deviations a change may move a signal.
    whiten : "auto", True or False, default "auto"
        Whether to watch z_t - rho z_(t-1) instead of z_t, rho being the reference's lag-1 autocorrelation, corrected
        for its bias [4]_: "auto" where it is significantly positive (over 1.645 / sqrt(n)). Neighbours that are alike
        break the bound.
    random_state : int, default 0
        Seed of the ties.

    Attributes
    ----------
    weights, bets : numpy.ndarray of float64
    arl, alpha : float or None
        The one that was given is a number.
    threshold : float
        Of the statistic: arl, or 1 / alpha.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer: Algorithmic Learning in a Random World, second edition, 2022, chapter 8.
    .. [2] J. Shin, A. Ramdas, A. Rinaldo: E-detectors: a nonparametric framework for sequential change detection. New
       England Journal of Statistics in Data Science 2, 2024.
    .. [3] Y. J. Choe, A. Ramdas: Combining evidence across filtrations. arXiv:2402.09698, 2024.
    .. [4] M. G. Kendall: Note on bias in the estimation of autocorrelation. Biometrika 41, 1954.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.streams.edetector import EDetector
    >>> rng = np.random.default_rng(1)
    >>> detector = EDetector(arl=1000)
    >>> detector.calibrate(rng.normal(size=(100, 1)))
    >>> rows = np.concatenate([rng.normal(size=(50, 1)), rng.normal(3, size=(50, 1))])
    >>> detector.update(rows), detector.alarm
    (54, True)
    >>> detector.when()
    StartInterval(start=50, low=48, high=51)
    """

    def __init__(
        self,
        weights: Sequence[float] = (1.0,),
        *,
        arl: float | None = None,
        alpha: float | None = None,
        bets: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
        whiten: str | bool = "auto",
        random_state: int = 0,
    ) -> None:
        if arl is not None and alpha is not None:
            raise ValueError(
                f"arl is {arl!r} and alpha is {alpha!r}: give one of them, a mean run length without a change or the "
                "probability that there is ever a false alarm"
            )
        if alpha is None:
            give = "give a number of rows from 1 to 1e15"
            self.arl: float | None = real_number(_ARL if arl is None else arl, "arl", give, lambda a: 1.0 <= a <= _MOST)
            self.alpha: float | None = None
            self.threshold = self.arl
        else:
            give = "give a probability from 1e-15 to below 1"
            self.arl = None
            self.alpha = real_number(alpha, "alpha", give, lambda a: 1.0 / _MOST <= a < 1.0)
            self.threshold = 1.0 / self.alpha
        shares = _positive(weights, "weights")
        self.weights = shares / shares.sum()
        self.bets = _positive(bets, "bets", most=8.0)
        if not any(whiten is choice for choice in (True, False)) and whiten != "auto":
            raise ValueError(f"whiten is {whiten!r}: choose from 'auto', True and False")
        self.whiten = whiten
        self.random_state = seed(random_state)
        k = len(self.weights)
        self._setup = np.stack([np.zeros(k), np.ones(k), np.zeros(k), self.weights])
        self._tree = np.zeros((k, BINS), np.int64)
        self._running = np.zeros((k, CURRENT + len(self.bets)))
        self._newest = np.zeros((k, NEWEST), np.float32)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._counters[RANDOM] = seeded(self.random_state)
        self._autocorrelation = np.zeros((3, k))
        self.reset()

    def calibrate(self, rows: ArrayLike) -> None:
        """
        Take rows without a change as the reference; all earlier ones are forgotten.

        A signal's smallest scale is 1e-9 of its mean: if the reference is constant, any larger value is the largest.

        Parameters
        ----------
        rows : array_like of float, shape (n, n_signals)
            In the order of time, the last one just before the first row to be watched; 40 or more.

        Raises
        ------
        ValueError
            If there are too few rows, another number of columns, or a number that is not finite. The detector is left
            as it was.
        """
        reference = self._checked(rows)
        found = whitening(reference, self.whiten)
        self._autocorrelation = np.stack([found.autocorrelation, found.limit, found.residual])
        self._setup = np.stack([found.mean, found.scale, found.rho, self.weights])
        first = int(found.rho.any())
        self._tree[:] = 0
        self._running[:] = 0.0
        fill_bag(reference, first, self._setup, self._tree, self._running)
        self._counters[BAG] = len(reference) - first
        self.reset()

    def update(self, rows: ArrayLike) -> int:
        """
        Take rows one after another until one of them raises the alarm.

        After an alarm the next call goes on with the statistic as it is: call `reset` or `calibrate` before it.

        Parameters
        ----------
        rows : array_like of float, shape (n, n_signals)

        Returns
        -------
        int
            How many rows were taken: n, or fewer if the last one of them raised the alarm.

        Raises
        ------
        ValueError
            If a number is not finite or there is another number of columns; no row is taken then.
        RuntimeError
            Before `calibrate`.
        """
        if not self._counters[BAG]:
            raise RuntimeError("the detector has no reference: call calibrate first")
        checked = self._checked(rows)
        taken: int = take(
            checked,
            self._setup,
            self._tree,
            self._running,
            self._newest,
            self._counters,
            self.bets,
            self.threshold,
            self.alpha is not None,
        )
        if taken < 0:
            raise ValueError(f"row {-1 - taken} has a number that is not finite: {checked[-1 - taken].tolist()}")
        return taken

    def update_p(self, p_values: ArrayLike) -> int:
        """
        Take p-values of one's own instead of signals, until one row raises the alarm; no reference is needed.

        The bound holds if they are independent and uniform without a change, or if given its predecessors each one
        exceeds u with a probability of at least 1 - u, for all u.

        Parameters
        ----------
        p_values : array_like of float, shape (n, n_signals), or (n,) for one signal
            Above 0 and at most 1.

        Returns
        -------
        int
            How many rows were taken.

        Raises
        ------
        ValueError
            If a number is no p-value, or there is another number of columns; no row is taken then.
        """
        given = np.asarray(p_values, dtype=np.float64)
        checked = self._checked(given[:, None] if given.ndim == 1 else given)
        taken: int = take_p(
            checked,
            self._setup,
            self._running,
            self._newest,
            self._counters,
            self.bets,
            self.threshold,
            self.alpha is not None,
        )
        if taken < 0:
            raise ValueError(f"row {-1 - taken} is {checked[-1 - taken].tolist()}: give p-values above 0 and at most 1")
        return taken

    def reset(self) -> None:
        """
        Begin again with no evidence of a change; the bag keeps its rows.

        So the bound holds anew for what follows: the next p-values do not depend on those before. If rows after a
        change are in the bag, calibrate instead.
        """
        self._running[:, CURRENT:] = 0.0
        self._running[:, SHARE] = 0.0 if self.alpha is None else self.weights
        self._counters[ROWS] = self._counters[ALARM] = 0

    @property
    def alarm(self) -> bool:
        """Whether the last row raised the alarm: the statistic is at the threshold or above."""
        return bool(self._counters[ALARM])

    @property
    def statistic(self) -> float:
        """The largest of weight x statistic over the signals."""
        return float(self._running[:, SHARE].max())

    @property
    def strongest(self) -> int:
        """Which signal that is."""
        return int(self._running[:, SHARE].argmax())

    @property
    def warning(self) -> bool:
        """Whether the statistic is at a tenth of the threshold, or at its square root if that is more, or above."""
        return self.statistic >= max(self.threshold / 10, math.sqrt(self.threshold))

    @property
    def n_rows(self) -> int:
        """Rows taken since `calibrate` or `reset`."""
        return int(self._counters[ROWS])

    @property
    def autocorrelation(self) -> NDArray[np.float64]:
        """Lag-1 autocorrelation of each signal in the reference, shape (n_signals,)."""
        return self._autocorrelation[0]

    @property
    def autocorrelation_limit(self) -> float:
        """What independent rows exceed with a probability of 5 %: 1.645 / sqrt(n)."""
        return float(self._autocorrelation[1, 0])

    @property
    def residual_autocorrelation(self) -> NDArray[np.float64]:
        """What is left of it after whitening."""
        return self._autocorrelation[2]

    @property
    def whitened(self) -> NDArray[np.bool_]:
        """Which signals are whitened, shape (n_signals,)."""
        return self._setup[2] != 0.0

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Those of the newest 1,024 rows at most, the newest last, shape (n, n_signals); to six digits."""
        from scipy.special import ndtr

        return ndtr(-self._deviates().T)

    def when(self, level: float = 0.95) -> StartInterval:
        """
        The row with which the change began, if there was one.

        The statistic is a sum over starts, and each one's share of it is its weight. The estimate has the largest; the
        interval is the shortest run of rows around it that have `level` of all.

        Parameters
        ----------
        level : float, default 0.95
            From above 0 to below 1.

        Returns
        -------
        StartInterval
            Row numbers ``start``, ``low`` and ``high``, from 0 for the first row after `calibrate` or `reset`; the
            last row is ``n_rows - 1``. Starts more than 1,024 rows back are counted with the oldest of these.

        Raises
        ------
        ValueError
            If no row has been taken.
        """
        share = real_number(level, "level", "give a share from above 0 to below 1", lambda a: 0.0 < a < 1.0)
        n = self.n_rows
        if not n:
            raise ValueError("no row has been taken: there is no start of a change among none")
        j = self.strongest
        deviates = self._deviates()[j]
        rows = np.arange(n - len(deviates) + 1.0, n + 1.0)
        prior = np.ones(len(rows)) if self.alpha is None else 1.0 / (rows * (rows + 1.0))
        found = start_interval(
            start_shares(deviates, self.bets, float(self._running[j, CURRENT:].mean()), prior), share
        )
        return StartInterval(*(n - len(deviates) + row for row in found))

    def false_alarm_bound(self, n_rows: int) -> float:
        """
        A bound on the probability of an alarm within so many rows of which none is after a change.

        ``min(1, n / arl)``; with `alpha` it is that for all n > 0.

        Parameters
        ----------
        n_rows : int

        Returns
        -------
        float
        """
        n = whole_number(n_rows, "n_rows", 0)
        if self.alpha is not None:
            return self.alpha if n else 0.0
        return min(1.0, n / self.threshold)

    def state(self) -> State:
        """All that has been set and taken."""
        return {**self._settings(), **{name: getattr(self, f"_{name}").copy() for name in _ARRAYS}}

    def restore(self, state: State) -> None:
        """
        Be as the detector was that gave this state; the next rows do to it what they would have done to that one.

        Raises
        ------
        ValueError
            If it is the state of something else, or of a detector with other settings. This one is left as it was.
        """
        for name, value in self._settings().items():
            if name not in state or state[name] != value:
                raise ValueError(
                    f"the state's {name} is {state.get(name)!r}, this detector's {value!r}: make the detector with the "
                    "settings of the one that was saved"
                )
        found = {}
        for name in _ARRAYS:
            own = getattr(self, f"_{name}")
            array = np.asarray(state.get(name))
            if array.shape != own.shape or array.dtype != own.dtype:
                raise ValueError(
                    f"the state's {name} is {array.dtype} of shape {array.shape}, not {own.dtype} of shape {own.shape}"
                )
            found[f"_{name}"] = array.copy()
        counts = np.append(found["_tree"].ravel(), found["_counters"][[BAG, ROWS]])
        whole = (found["_tree"][:, -1] == found["_counters"][BAG]).all()
        if not whole or (counts < 0).any() or not all(np.isfinite(array).all() for array in found.values()):
            raise ValueError("the state has numbers that no detector has: it is damaged")
        self.__dict__.update(found)

    @property
    def nbytes(self) -> int:
        """Bytes of memory of the arrays: 12.5 kB a signal."""
        return sum(getattr(self, f"_{name}").nbytes for name in _ARRAYS) + self.weights.nbytes + self.bets.nbytes

    def _settings(self) -> State:
        """What a state has to agree with."""
        return {
            "weights": self.weights.tolist(),
            "bets": self.bets.tolist(),
            "arl": self.arl,
            "alpha": self.alpha,
            "whiten": self.whiten if isinstance(self.whiten, str) else str(self.whiten),
        }

    def _deviates(self) -> NDArray[np.float64]:
        """Normal deviates of the newest rows, the newest last, (n_signals, n)."""
        n = self.n_rows
        kept = np.arange(max(0, n - NEWEST), n) % NEWEST
        return self._newest[:, kept].astype(np.float64)

    def _checked(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Rows of as many numbers as there are signals."""
        try:
            checked = np.ascontiguousarray(rows, np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the rows are no numbers: {error}") from error
        if checked.ndim != 2 or checked.shape[1] != len(self.weights):
            raise ValueError(f"the rows have shape {checked.shape}: give (n, {len(self.weights)}), one column a signal")
        return checked


def _positive(values: Sequence[float], name: str, most: float = math.inf) -> NDArray[np.float64]:
    """One or more positive numbers."""
    limit = "finite" if most == math.inf else f"at most {most:g}"
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {values!r}: give positive numbers") from error
    if array.ndim != 1 or not len(array) or not (np.isfinite(array) & (array > 0.0) & (array <= most)).all():
        raise ValueError(f"{name} is {values!r}: give one or more positive numbers, {limit}")
    return array
