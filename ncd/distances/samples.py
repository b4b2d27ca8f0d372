"""Distances between samples of vectors and between sequences: of two, or of each two of many."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.distances.cells import Cells
from ncd.distances.density import DensityDistance, kde_l1
from ncd.distances.discrepancy import (
    Kernel,
    checked_samples,
    distance_tiles,
    energy_distance,
    kernel_tiles,
    median_distance,
    mmd,
    pooled_samples,
)
from ncd.distances.distributional import Weights, WordSpace, distributional_distance
from ncd.distances.sample_tests import SampleTest, energy_test, linear_time_mmd, mmd_test
from ncd.distances.tiles import in_blas_threads

__all__ = [
    "SAMPLE_DISTANCES",
    "DensityDistance",
    "SampleTest",
    "distributional_distance",
    "energy_distance",
    "energy_test",
    "kde_l1",
    "linear_time_mmd",
    "median_distance",
    "mmd",
    "mmd_test",
    "sample_distances",
]

Floats = NDArray[np.float64]


def _by_mmd(
    samples: Sequence[ArrayLike],
    n_jobs: int | None,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: float | str = "median",
    random_state: int = 0,
) -> Floats:
    """Distances of the mean embeddings, all under one bandwidth."""
    vectors, sizes = pooled_samples(samples, _names(samples))
    tiles, _ = kernel_tiles(vectors, kernel, bandwidth, random_state)
    sums = tiles.group_sums(sizes, n_jobs)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    sums[np.diag_indices(len(sizes))] += np.add.reduceat(tiles.diagonal, starts)
    return _of_means(sums, sizes)


def _by_energy(samples: Sequence[ArrayLike], n_jobs: int | None) -> Floats:
    """Energy distances; those of numbers by sorting them, pair by pair."""
    vectors, sizes = pooled_samples(samples, _names(samples))
    if vectors.shape[1] == 1:
        return _pair_by_pair(np.split(vectors, np.cumsum(sizes)[:-1]), n_jobs, energy_distance)
    tiles, unit = distance_tiles(vectors)
    return _of_means(-tiles.group_sums(sizes, n_jobs), sizes) * math.sqrt(unit)


def _of_means(sums: Floats, sizes: Sequence[int]) -> Floats:
    """Roots of the discrepancies from sums over all pairs of each two samples."""
    means = sums / np.outer(sizes, sizes)
    within = np.diagonal(means)
    squares = within[:, None] + within - 2 * means
    np.fill_diagonal(squares, 0)
    return np.sqrt(np.maximum(squares, 0))


def _by_words(
    samples: Sequence[ArrayLike],
    n_jobs: int | None,
    *,
    weights: Weights = "papers",
    cells: Cells = "rank",
    max_length: int | None = None,
    levels: int | None = None,
) -> Floats:
    """Distributional distances, with the cells of all sequences together."""
    arrays = checked_samples(samples, _names(samples))
    sizes = [len(array) for array in arrays]
    if max_length is None:
        max_length = max(1, int(math.log(max(sum(sorted(sizes)[-2:]), 3))))
    ends = np.cumsum(sizes)
    parts = np.column_stack([ends - sizes, ends]).astype(np.int64)
    return WordSpace.of(np.concatenate(arrays), weights, cells, max_length, levels).matrix(parts, n_jobs)


def _by_densities(samples: Sequence[ArrayLike], n_jobs: int | None, **options: Any) -> Floats:
    """L1 distances of kernel density estimates."""
    checked_samples(samples, _names(samples))
    return _pair_by_pair(samples, n_jobs, lambda a, b: kde_l1(a, b, **options))


def _pair_by_pair(samples: Sequence[ArrayLike], n_jobs: int | None, distance: Callable[[Any, Any], Any]) -> Floats:
    """A symmetric distance of each two samples."""
    k = len(samples)
    result = np.zeros((k, k))

    def between(i: int, j: int) -> float:
        value = distance(samples[i], samples[j])
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"samples[{i}] and samples[{j}]: the distance gave {value!r}, which is no number") from None
        if not math.isfinite(number):
            raise ValueError(f"samples[{i}] and samples[{j}]: the distance gave {number}, which is no distance")
        return number

    rows = in_blas_threads(lambda i: [between(i, j) for j in range(i + 1, k)], range(k), n_jobs)
    for i, row in enumerate(rows):
        result[i, i + 1 :] = result[i + 1 :, i] = row
    return result


#: Distances of many samples by name.
SAMPLE_DISTANCES: dict[str, Callable[..., Floats]] = {
    "mmd": _by_mmd,
    "energy": _by_energy,
    "distributional": _by_words,
    "kde_l1": _by_densities,
}


def sample_distances(
    samples: Sequence[ArrayLike],
    distance: str | Callable[[Any, Any], Any] = "mmd",
    *,
    n_jobs: int | None = None,
    **options: Any,
) -> Floats:
    """
    Distances of each two of many samples: what clustering of samples starts from.

    Parameters
    ----------
    samples : sequence of array_like, each of shape (n_i, d) or (n_i,)
        For "distributional" sequences, whose order matters.
    distance : {"mmd", "energy", "distributional", "kde_l1"} or callable, default "mmd"
        - mmd: the root of the biased `mmd`, the distance of the mean embeddings, with options `kernel`, `bandwidth`,
          `random_state`. One bandwidth for all, by the median rule of all samples together, makes it a metric. Small
          samples are farther from everything: take equal sizes where sizes should not matter.
        - energy: `energy_distance`; samples of numbers are sorted, and their pairs take turns.
        - distributional: `distributional_distance`, with its options. Cells are of the ranks in all samples together
          (for raw ones this makes no difference) and words as long as suits the two longest.
        - kde_l1: `kde_l1`, with its options.
        - a function of two samples that returns a number, symmetric.
    n_jobs : int or None
        Threads; None: one for each core.
    **options
        Of the distance.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_samples)
        Symmetric, 0 on the diagonal.

    Raises
    ------
    TypeError, ValueError
        For samples that are empty, hold what is not finite, or have vectors of different dimension: the message says
        which; an unknown distance or option; a function that does not return a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> samples = [rng.normal(mean, 1, (100, 2)) for mean in (0, 0, 3)]
    >>> sample_distances(samples, "energy").round(1).tolist()
    [[0.0, 0.2, 2.3], [0.2, 0.0, 2.4], [2.3, 2.4, 0.0]]
    """
    if isinstance(samples, np.ndarray) and samples.ndim < 2:
        raise TypeError("samples is an array of numbers: give a list of samples, one array for each")
    if isinstance(samples, str | bytes):
        raise TypeError("samples is one text: give a list of samples, one array for each")
    try:
        samples = list(samples)
    except TypeError:
        raise TypeError(f"samples is of type {type(samples).__name__}: give a list of samples") from None
    if not samples:
        raise ValueError("samples is empty: give at least one sample")
    if callable(distance):
        if options:
            raise TypeError(f"distance is a function, which takes no option {next(iter(options))!r}: use a lambda")
        return _pair_by_pair(samples, n_jobs, distance)
    if distance not in SAMPLE_DISTANCES:
        near = difflib.get_close_matches(str(distance), SAMPLE_DISTANCES, n=1)
        hint = f"did you mean {near[0]!r}? Choose" if near else "choose"
        raise ValueError(
            f"distance is {distance!r}: {hint} from {', '.join(map(repr, SAMPLE_DISTANCES))}, or give a function"
        )
    known = _options_of(kde_l1 if distance == "kde_l1" else SAMPLE_DISTANCES[distance])
    for name in options:
        if name not in known:
            takes = f"choose from {', '.join(map(repr, known))}" if known else "it takes none"
            raise TypeError(f"distance {distance!r} has no option {name!r}: {takes}")
    return SAMPLE_DISTANCES[distance](samples, n_jobs, **options)


def _options_of(distance: Callable[..., Any]) -> list[str]:
    """Names of what a distance takes by name."""
    parameters = inspect.signature(distance).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def _names(samples: Sequence[ArrayLike]) -> list[str]:
    """What errors call the samples."""
    return [f"samples[{i}]" for i in range(len(samples))]
