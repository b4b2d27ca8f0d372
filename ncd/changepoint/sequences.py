"""Changepoints of numeric sequences: a list of candidates, and a segmentation for a known number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from ncd.arguments import whole_number
from ncd.changepoint.grid import as_share
from ncd.changepoint.sequence_problem import Problem, SequenceMethod, significance
from ncd.distances.cells import Cells
from ncd.distances.distributional import Weights

__all__ = [
    "Candidate",
    "CandidateList",
    "SequenceMethod",
    "SequenceSegments",
    "find_changepoints",
    "list_estimator",
]


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

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values."""
        return asdict(self)


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
        A number from 0 for each segment: equal ones are taken for the same process. The number of the segment where
        the number of changepoints was given.
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
    proof: in simulations (see the guide) most sources have far fewer false alarms than that, and short sequences of
    complicated sources, 500 elements of a Markov chain of order 7, more. `change_test` has a bound for all sources of
    an order.

    The time is O(n log n) for every method, the memory O(n).

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
    n_processes: int | None = None,
    *,
    n_changepoints: int | None = None,
    method: SequenceMethod = "ctw",
    penalty: float | Literal["auto"] = "auto",
    bits: int = 2,
    depth: int = 8,
    weights: Weights = "papers",
    cells: Cells = "rank",
) -> SequenceSegments:
    """
    Changepoints of a sequence in which so many different processes take turns, or of a known number of changepoints.

    With `n_changepoints` the cuts are those with the least code length (``ctw``), or so many of the best candidates
    (``distributional``); ``ngram`` puts each cut where its statistic is largest.

    With `n_processes` the segments between the candidates of `list_estimator` are grouped: the first one is a centre,
    then each time the one that is farthest from all centres, until there are `n_processes`; each segment goes to the
    nearest centre, and changepoints are the borders between segments of different groups. ``distributional`` does so
    with all candidates and their distributional distances, as the papers do. ``ctw`` and ``ngram`` take for a distance
    the bits that one code for both costs more than two, times 1/m + 1/n of their lengths, and move segments to other
    groups as long as that saves bits. They do it with the accepted candidates and with the first 20, and return the
    answer that costs fewer bits with one code for each process and the penalty for each changepoint. So a change may be
    found that would not be accepted by itself: that there are so many processes is taken for granted.

    Parameters
    ----------
    x, min_distance, method, penalty, bits, depth, weights, cells
        As in `list_estimator`.
    n_processes : int, optional
        How many different processes there are. One process may come back: A, B, A are two processes.
    n_changepoints : int, optional
        How many changepoints there are. Give this or `n_processes`.

    Returns
    -------
    SequenceSegments

    Raises
    ------
    ValueError, TypeError
        As `list_estimator`, if there is no room for so many processes or changepoints, and unless one of both numbers
        is given.

    Examples
    --------
    >>> import numpy as np
    >>> from ncd.changepoint import find_changepoints
    >>> rng = np.random.default_rng(0)
    >>> x = np.concatenate([rng.random(500) < p for p in (0.8, 0.3, 0.8)])
    >>> find_changepoints(x, min_distance=0.2, n_processes=2)
    <SequenceSegments: changepoints [497, 1002] in 1,500 elements, processes [0, 1, 0]>
    >>> find_changepoints(x, min_distance=0.2, n_changepoints=2)
    <SequenceSegments: changepoints [497, 1002] in 1,500 elements, processes [0, 1, 2]>
    """
    problem = Problem.of(x, method, as_share(min_distance), penalty, bits, depth, weights, cells)
    if (n_processes is None) == (n_changepoints is None):
        given = "none" if n_processes is None else "both"
        raise ValueError(f"n_processes, n_changepoints: {given} of them given; give one")
    if n_processes is None:
        cuts = problem.known(whole_number(n_changepoints, "n_changepoints", 0))
        labels = list(range(len(cuts) + 1))
    else:
        cuts, labels = problem.of_processes(whole_number(n_processes, "n_processes", 1))
    return SequenceSegments(
        problem.n,
        tuple(cuts),
        tuple(labels),
        tuple(problem.gains.between(cuts)),
        tuple(problem.significances(cuts)),
    )
