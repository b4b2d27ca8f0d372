"""Changepoints of numeric sequences: a list of candidates, and a segmentation for a known number of processes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.changepoint.cells import Cells, as_filled, as_share
from ncd.changepoint.distributional import Weights, WordSpace, grid_estimates
from ncd.changepoint.onehot import NgramCusum
from ncd.changepoint.seeded import Gains, Room, Scorer, fill, known_number, resplit, unknown_number
from ncd.changepoint.tree import ContextTreeCode

__all__ = [
    "Candidate",
    "CandidateList",
    "SequenceMethod",
    "SequenceSegments",
    "find_changepoints",
    "list_estimator",
]

#: How candidates are found.
SequenceMethod = Literal["ctw", "distributional", "ngram"]
_NO_DISTANCE = 0.05  # for the grids of method="distributional"


@dataclass(frozen=True)
class Candidate:
    """
    A place where a sequence may change.

    Attributes
    ----------
    position : int
        The first element after the change.
    score : float
        The method's own: bits saved (``ctw``), distance of the halves of a grid cell (``distributional``), or the
        squared CUSUM (``ngram``).
    gain : float
        Bits of the context-tree code that the cut saves between the accepted changepoints around it.
    significance : float
        ``min(1, m 2**-gain)`` for m places between them: see `list_estimator`.
    accepted : bool
        Whether it is one of the changepoints that are left when those whose gain is not above the penalty are taken
        out, the worst first.
    """

    position: int
    score: float
    gain: float
    significance: float
    accepted: bool


@dataclass(frozen=True, eq=False)
class CandidateList(Sequence[Candidate]):
    """
    Candidates of a sequence, best first.

    Attributes
    ----------
    n : int
        Length of the sequence.
    method : {"ctw", "distributional", "ngram"}
    penalty : float
        Bits that a changepoint has to save.
    candidates : tuple of Candidate
    """

    n: int
    method: str
    penalty: float
    candidates: tuple[Candidate, ...]

    @property
    def positions(self) -> list[int]:
        """Positions of all candidates, best first."""
        return [candidate.position for candidate in self.candidates]

    @property
    def changepoints(self) -> list[int]:
        """Positions of the accepted candidates, ascending; none: no change."""
        return sorted(candidate.position for candidate in self.candidates if candidate.accepted)

    def __len__(self) -> int:
        return len(self.candidates)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        return self.candidates[index]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values."""
        return asdict(self) | {"changepoints": self.changepoints}

    def plot(self, ax: Any = None) -> Any:
        """Gains of the candidates over their positions, the accepted ones marked; returns the Axes."""
        from ncd.changepoint import pictures

        ordered = sorted(self.candidates, key=lambda candidate: candidate.position)
        places = [0, *(candidate.position for candidate in ordered), self.n]
        gains = [0.0, *(candidate.gain for candidate in ordered), 0.0]
        return pictures.curve(places, gains, cuts=self.changepoints, xlabel="position in the sequence", ax=ax)

    def __repr__(self) -> str:
        found = self.changepoints
        answer = f"changepoints {found}" if found else "no change"
        return f"<CandidateList: {len(self)} candidates in {self.n:,} elements by {self.method}: {answer}>"


@dataclass(frozen=True, eq=False)
class SequenceSegments(Sequence[int]):
    """
    Changepoints of a sequence, ascending, and which process each segment is of.

    Attributes
    ----------
    n : int
        Length of the sequence.
    positions : tuple of int
        First elements of all segments but the first.
    processes : tuple of int
        A number from 0 for each segment: equal ones are taken for the same process.
    gains : tuple of float
        Bits of the context-tree code that each changepoint saves between its neighbours.
    significances : tuple of float
        See `list_estimator`.
    """

    n: int
    positions: tuple[int, ...]
    processes: tuple[int, ...]
    gains: tuple[float, ...]
    significances: tuple[float, ...]

    @property
    def ends(self) -> list[int]:
        """Ends of all segments, the last one n, as ruptures gives them."""
        return [*self.positions, self.n]

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return self.positions[index]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values."""
        return asdict(self)

    def plot(self, ax: Any = None) -> Any:
        """Segments as a ribbon, one colour a process; returns the Axes."""
        from ncd.changepoint import pictures

        bounds = [0, *self.ends]
        return pictures.ribbon(bounds, kinds=self.processes, xlabel="position in the sequence", ax=ax)

    def __repr__(self) -> str:
        answer = f"changepoints {list(self.positions)}" if self.positions else "no change"
        return f"<SequenceSegments: {answer} in {self.n:,} elements, processes {list(self.processes)}>"


def significance(gain: float, places: int) -> float:
    """An upper bound of how often a sequence without change has a cut that saves so much: min(1, places 2^-gain)."""
    return min(1.0, 2.0 ** (math.log2(max(places, 1)) - gain)) if gain > 0 else 1.0


@dataclass(frozen=True, eq=False)
class Problem:
    """A checked sequence with what is needed to find its changepoints, computed when it is asked for."""

    x: NDArray[np.generic]
    method: SequenceMethod
    min_distance: float | None
    penalty: float
    bits: int
    depth: int
    weights: Weights
    cells: Cells

    @classmethod
    def of(
        cls,
        x: ArrayLike,
        method: SequenceMethod,
        min_distance: float | None,
        penalty: float | Literal["auto"],
        bits: int,
        depth: int,
        weights: Weights,
        cells: Cells,
    ) -> Problem:
        """With everything checked."""
        if method not in get_args(SequenceMethod):
            raise ValueError(f"method is {method!r}: choose from {', '.join(map(repr, get_args(SequenceMethod)))}")
        sequence = as_filled(x)
        share = None if min_distance is None else as_share(min_distance)
        return cls(sequence, method, share, bits_of(penalty, len(sequence)), bits, depth, weights, cells)

    @property
    def n(self) -> int:
        return len(self.x)

    @cached_property
    def code(self) -> ContextTreeCode:
        return ContextTreeCode.of(self.x, bits=self.bits, depth=self.depth)

    @cached_property
    def gains(self) -> Gains:
        return Gains(self.code)

    @cached_property
    def scorer(self) -> Scorer:
        return self.code if self.method == "ctw" else NgramCusum.of(self.x, self.bits)

    @cached_property
    def room(self) -> Room:
        return Room.of(self.n, self.min_distance)

    @cached_property
    def space(self) -> WordSpace:
        return WordSpace.of(self.x, self.weights, self.cells, None, None)

    @cached_property
    def is_constant(self) -> bool:
        return bool((self.x == self.x[0]).all())

    def ranked(self) -> tuple[list[tuple[int, float]], list[int]]:
        """Candidates with the method's scores, best first; and which of them each save more than the penalty."""
        if self.is_constant or self.n < 5:
            return [], []
        if self.method == "distributional":
            found = grid_estimates(self.space, self.min_distance or _NO_DISTANCE)
            return found, self.gains.prune([cut for cut, _ in found], self.penalty)
        accepted = unknown_number(self.code, self.scorer, self.room, self.penalty)
        return self._scored(accepted) + fill(self.scorer, accepted, self.room), accepted

    def _scored(self, accepted: list[int]) -> list[tuple[int, float]]:
        """Accepted cuts with the scorer's scores between their neighbours, best first."""
        bounds = [0, *accepted, self.n]
        around = np.array([[bounds[i], bounds[i + 2]] for i in range(len(accepted))], np.int64).reshape(-1, 2)
        scores = [float(self.scorer.best_cuts(around[i : i + 1], cut, cut, 1)[1][0]) for i, cut in enumerate(accepted)]
        return sorted(zip(accepted, scores, strict=True), key=lambda pair: -pair[1])

    def known(self, number: int) -> list[int]:
        """So many changepoints, ascending."""
        if self.method == "distributional":
            found = [cut for cut, _ in grid_estimates(self.space, self.min_distance or _NO_DISTANCE)]
            most = len(found)
        else:
            most = self.room.most
        if number > most:
            raise ValueError(
                f"n_changepoints is {number}: {most} fit into {self.n:,} elements with min_distance "
                f"{self.min_distance}; take fewer, or a smaller min_distance"
            )
        if self.method == "distributional":
            return sorted(found[:number])
        return known_number(self.code, self.scorer, self.room, number)

    def of_processes(self, n_processes: int) -> tuple[list[int], list[int]]:
        """Changepoints between segments of different processes, ascending; and the process of each segment."""
        found, accepted = self.ranked()
        if self.method == "distributional":
            cuts = sorted(cut for cut, _ in found)
        else:
            cuts = sorted(cut for cut, _ in found[: max(len(accepted), n_processes - 1)])
        if len(cuts) + 1 < n_processes:
            raise ValueError(
                f"n_processes is {n_processes}: there are {len(cuts) + 1} segments in {self.n:,} elements with "
                f"min_distance {self.min_distance}; take fewer, or a smaller min_distance"
            )
        labels = farthest_points(self._distances(cuts), n_processes)
        kept = [i for i in range(len(cuts)) if labels[i] != labels[i + 1]]
        cuts, labels = [cuts[i] for i in kept], [labels[0], *(labels[i + 1] for i in kept)]
        return (cuts if self.method == "distributional" else resplit(self.scorer, cuts, self.room)), labels

    def _distances(self, cuts: list[int]) -> NDArray[np.float64]:
        """Distances of the segments from each other."""
        bounds = np.array([0, *cuts, self.n], np.int64)
        parts = np.stack([bounds[:-1], bounds[1:]], 1)
        if self.method == "distributional":
            return self.space.between(parts)
        sizes, alone = np.diff(bounds), [self.code.pooled([part]) for part in parts]
        result = np.zeros((len(parts), len(parts)))
        for i in range(len(parts)):
            for j in range(i):
                saved = self.code.pooled(parts[[j, i]]) - alone[i] - alone[j]
                result[i, j] = result[j, i] = saved * (1 / sizes[i] + 1 / sizes[j])
        return result

    def significances(self, cuts: list[int]) -> list[float]:
        """Of each cut between its neighbours."""
        bounds = [0, *cuts, self.n]
        return [significance(gain, bounds[i + 2] - bounds[i] - 1) for i, gain in enumerate(self.gains.between(cuts))]


def bits_of(penalty: float | Literal["auto"], n: int) -> float:
    """Bits that a cut must save: log2 n unless they are given."""
    if isinstance(penalty, str):
        if penalty != "auto":
            raise ValueError(f"penalty is {penalty!r}: give 'auto' or bits per changepoint")
        return math.log2(max(n, 2))
    if isinstance(penalty, bool) or not penalty >= 0 or math.isinf(penalty):
        raise ValueError(f"penalty is {penalty!r}: give 'auto' or bits per changepoint, at least 0")
    return float(penalty)


def as_count(name: str, value: int, least: int) -> int:
    """A number of something."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r}: give an integer of at least {least}")
    return int(value)


def farthest_points(distances: NDArray[np.float64], number: int) -> list[int]:
    """Segments grouped around centres: the first one, then each time the one farthest from all centres."""
    centres = [0]
    while len(centres) < number:
        nearest = distances[:, centres].min(1)
        nearest[centres] = -np.inf
        centres.append(int(nearest.argmax()))
    own = distances.copy()
    np.fill_diagonal(own, -np.inf)
    return [int(label) for label in own[:, centres].argmin(1)]


def list_estimator(
    x: ArrayLike,
    min_distance: float,
    *,
    method: SequenceMethod = "ctw",
    penalty: float | Literal["auto"] = "auto",
    bits: int = 2,
    depth: int = 8,
    weights: Weights = "papers",
    cells: Cells = "rank",
) -> CandidateList:
    """
    Candidates for changepoints of a sequence, best first.

    The answer depends on nothing but the order of the values (unless ``cells="raw"``): not on their scale, not on
    chance. The sequence may consist of any stationary ergodic processes; nothing is assumed about their form, and
    elements may depend on each other. A random walk or a trend is not stationary, and will be cut.

    Parameters
    ----------
    x : array_like of shape (n,) or (n, d), or bytes
        Booleans, integers or floats.
    min_distance : float
        A lower bound of the distance of any two changepoints, as a share of n, in (0, 0.5]. Candidates are at least so
        far from each other; from the two ends they are a third of that away.
    method : {"ctw", "distributional", "ngram"}, default "ctw"
        ``ctw``: where the code length of the two sides under context-tree weighting is least, by dynamic programming
        over candidates of seeded intervals, then wherever there is room (at most 200 more). ``distributional``: the
        list estimator of the papers, by distributional distances of the cells of two grids. ``ngram``: largest squared
        CUSUM of n-grams.
    penalty : float or "auto", default "auto"
        Bits that an accepted changepoint has to save; ``auto`` is log2 n.
    bits, depth : int, default 2 and 8
        Of the context-tree code: see `ContextTreeCode`.
    weights, cells
        Of the distributional distance: see `distributional_distance`.

    Returns
    -------
    CandidateList
        Its `changepoints` are the accepted ones; an empty list says that there is no change. Empty for sequences of one
        value or of fewer than five elements.

    Raises
    ------
    ValueError, TypeError
        If x is empty, ragged, not finite or not of numbers, or another argument is none of the above.

    Notes
    -----
    All methods judge their candidates by the same code. For a cut t between neighbours a and b the gain is L(a, b) -
    L(a, t) - L(t, b) bits, and the significance min(1, (b - a - 1) 2^-gain). Were the elements from a to b drawn from
    the code's own mixture, with no change among them, then the probability that any cut has a significance of at most
    p would be at most p (Markov's inequality for the mean of 2^gain over all t). For one fixed source there is no such
    proof, and simulations show fewer false alarms than that; `change_test` has a bound for all sources of an order.

    The time is O(n log n) for ``ctw`` and ``ngram`` and O(n log n) for ``distributional``, the memory O(n).

    References
    ----------
    .. [1] A. Khaleghi, D. Ryabko (2012), Locating changes in highly dependent data with unknown number of change
       points, NeurIPS.
    .. [2] A. Khaleghi, L. Zierahn (2021), PyChEst: a Python package for the consistent retrospective estimation of
       distributional changes in piece-wise stationary time series, arXiv 2112.10565.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.changepoint import list_estimator
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.random(500) < 0.8, rng.random(500) < 0.3])
    >>> found = list_estimator(x, min_distance=0.25)
    >>> found
    <CandidateList: 3 candidates in 1,000 elements by ctw: changepoints [497]>
    >>> found[0].position, round(found[0].gain)
    (497, 92)
    """
    problem = Problem.of(x, method, as_share(min_distance), penalty, bits, depth, weights, cells)
    found, accepted = problem.ranked()
    bounds = [0, *accepted, problem.n]
    result = []
    for cut, score in found:
        at = int(np.searchsorted(bounds, cut))
        start, stop = bounds[at - 1], bounds[at + 1 if cut in accepted else at]
        gain = problem.gains.of(start, cut, stop)
        result.append(Candidate(cut, score, gain, significance(gain, stop - start - 1), cut in accepted))
    return CandidateList(problem.n, method, problem.penalty, tuple(result))


def find_changepoints(
    x: ArrayLike,
    min_distance: float,
    n_processes: int,
    *,
    method: SequenceMethod = "ctw",
    penalty: float | Literal["auto"] = "auto",
    bits: int = 2,
    depth: int = 8,
    weights: Weights = "papers",
    cells: Cells = "rank",
) -> SequenceSegments:
    """
    Changepoints of a sequence in which so many different processes take turns.

    The segments between the candidates of `list_estimator` are grouped: the first one is a centre, then each time the
    one that is farthest from all centres, until there are `n_processes`; each segment goes to the nearest centre, and
    changepoints are the borders between segments of different groups. ``distributional`` uses all candidates and their
    distributional distances. ``ctw`` and ``ngram`` use the accepted ones (and the next best if there are fewer than
    `n_processes` - 1) and as the distance the bits that one code for both costs more than two, times 1/|a| + 1/|b|.

    Parameters
    ----------
    x, min_distance, method, penalty, bits, depth, weights, cells
        As in `list_estimator`.
    n_processes : int
        How many different processes there are. One process may come back: A, B, A are two processes.

    Returns
    -------
    SequenceSegments

    Raises
    ------
    ValueError, TypeError
        As `list_estimator`, and if there are fewer segments than processes.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.changepoint import find_changepoints
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.random(500) < p for p in (0.8, 0.3, 0.8)])
    >>> find_changepoints(x, min_distance=0.2, n_processes=2)
    <SequenceSegments: changepoints [497, 1002] in 1,500 elements, processes [0, 1, 0]>
    """
    problem = Problem.of(x, method, as_share(min_distance), penalty, bits, depth, weights, cells)
    cuts, labels = problem.of_processes(as_count("n_processes", n_processes, 1))
    return SequenceSegments(
        problem.n,
        tuple(cuts),
        tuple(labels),
        tuple(problem.gains.between(cuts)),
        tuple(problem.significances(cuts)),
    )
