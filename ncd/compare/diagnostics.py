"""The shape of a cloud of vectors: direction, dimension, groups, and how linearly one cloud follows from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ncd.arguments import real_number, seed, whole_number, whole_numbers
from ncd.compare.intervals import Estimate, bootstrap, confidence
from ncd.distances.vectors import euclidean_distances

__all__ = [
    "ClusterRatio",
    "anisotropy",
    "cluster_ratio",
    "cluster_ratios",
    "intrinsic_dimension",
    "linearity",
    "mean_cosine",
]

_BLOCK = 1 << 22  # distances held at a time
#: Mean distances that are none: vectors of one direction differ in their last digit after they are brought to length 1.
_SAME = {"euclidean": 0.0, "cosine": 1e-28}

Floats = NDArray[np.float64]
DimensionMethod: TypeAlias = Literal["twonn", "mle"]
Alignment: TypeAlias = Literal["linear", "orthogonal"]
Metric: TypeAlias = Literal["euclidean", "cosine"]


def anisotropy(vectors: ArrayLike, *, center: bool = True) -> float:
    """
    The share of the vectors' variance along one direction: sigma_1^2 / sum_i sigma_i^2.

    The sigma_i are the singular values of the matrix of vectors. 1 says that all vectors lie on a line, 1/dim that no
    direction is preferred.

    Parameters
    ----------
    vectors : array_like of float, shape (n, dim)
        n >= 2.
    center : bool
        Whether the mean vector is taken off first, as the source does. Without it a mean far from the origin, which
        most models have, is the one direction that is found.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    TypeError, ValueError
        For vectors of different dimension, or not finite, or too few, or all equal.

    References
    ----------
    A. Razzhigaev et al., The shape of learning: anisotropy and intrinsic dimensions in transformer-based models,
    Findings of EACL 2024, section 3.

    Examples
    --------
    >>> round(anisotropy([[3, 0], [-3, 0], [0, 1], [0, -1]]), 6)
    0.9
    """
    cloud, _ = _near_one(_vectors(vectors, "vectors", 2))
    cloud = _scaled(_centred(cloud, "vectors") if center else cloud, "vectors")
    gram = cloud @ cloud.T if len(cloud) < cloud.shape[1] else cloud.T @ cloud
    return float(min(1.0, np.linalg.eigvalsh(gram)[-1] / np.trace(gram)))


def mean_cosine(vectors: ArrayLike) -> float:
    """
    The mean cosine of two different vectors, over all pairs: 0 where directions are spread evenly, 1 where all agree.

    It is computed from the sum of the unit vectors, ``(|sum_i u_i|^2 - n) / (n (n - 1))``, in O(n dim).

    Parameters
    ----------
    vectors : array_like of float, shape (n, dim)
        n >= 2; none may be zero.

    Returns
    -------
    float
        In [-1/(n - 1), 1].

    References
    ----------
    K. Ethayarajh, How contextual are contextualized word representations?, EMNLP 2019, section 3.4 (there over a
    sample of pairs).

    Examples
    --------
    >>> mean_cosine([[1, 0], [2, 0], [0, 3]])
    0.3333333333333333
    """
    units = _units(_vectors(vectors, "vectors", 2), "vectors")
    n, total = len(units), units.sum(0)
    return float((total @ total - n) / (n * (n - 1)))


def intrinsic_dimension(
    vectors: ArrayLike,
    *,
    method: DimensionMethod = "twonn",
    k: int = 20,
    discard: float = 0.1,
    level: float = 0.95,
    random_state: int = 0,
) -> Estimate:
    """
    How many coordinates the vectors need locally.

    With T_j the distance of a vector to its j-th nearest neighbour, and d the dimension:

    - ``"twonn"``: mu = T_2/T_1 has the distribution 1 - mu^-d; d is the slope, through the origin, of -ln(1 - F)
      against ln mu, where F is the empirical distribution and the largest `discard` of the mu are left out (Facco).
    - ``"mle"``: d = n (k - 1) / sum_i sum_{j<k} ln(T_k/T_j): Levina and Bickel's estimate from k neighbours, of which
      the inverses are averaged over the vectors, as MacKay and Ghahramani correct it.

    Both take the density as constant as far as the neighbours used; both say too little in dimensions beyond about 20,
    where the vectors of any sample that fits into memory are too few. Distances are Euclidean (take unit vectors for
    cosines). Equal vectors count once.

    Parameters
    ----------
    vectors : array_like of float, shape (n, dim)
        At least 3 different ones for ``"twonn"``, k + 1 for ``"mle"``.
    method : {"twonn", "mle"}
    k : int
        Neighbours that ``"mle"`` uses, at least 2.
    discard : float
        Share of the largest ratios that ``"twonn"`` leaves out, in [0, 1).
    level : float
        Confidence level.
    random_state : int
        Seed of the draws of the interval.

    Returns
    -------
    Estimate
        The interval is a bootstrap of the vectors with their neighbours held fixed: it has sampling in it, no bias.
        The dimension is infinite where the neighbours of each are equally far away.

    Raises
    ------
    TypeError, ValueError
        For bad vectors, or too few different ones.

    References
    ----------
    E. Facco, M. d'Errico, A. Rodriguez, A. Laio, Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information, Scientific Reports 7, 2017. E. Levina, P. Bickel, Maximum likelihood estimation of
    intrinsic dimension, NIPS 2004, equations 7-9. D. MacKay, Z. Ghahramani, Comments on it, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> plane = np.random.default_rng(0).random((1000, 2)) @ np.ones((2, 50))  # on a line in 50 dimensions
    >>> round(intrinsic_dimension(plane).value, 1)
    1.0
    """
    if method not in get_args(DimensionMethod):
        raise ValueError(f"method is {method!r}: choose from {', '.join(get_args(DimensionMethod))}")
    seed(random_state)
    k = whole_number(k, "k", 2)
    discard = real_number(discard, "discard", "give a share from 0 up to 1", lambda share: 0 <= share < 1)
    points = np.unique(_near_one(_vectors(vectors, "vectors", 1))[0], axis=0)
    if method == "twonn":
        ratios = np.log(_ratios(points, 2)[:, 0])
        return bootstrap(lambda logs: _slope(logs, discard), ratios, level=level, random_state=random_state)
    means = np.log(_ratios(points, k)).mean(1)
    return bootstrap(_inverse_mean, means, level=level, random_state=random_state)


@dataclass(frozen=True)
class ClusterRatio:
    """
    Distances between groups beside distances within them.

    Attributes
    ----------
    inter : float
        Mean over pairs of groups of the mean distance between a member of one and a member of the other.
    intra : float
        Mean over groups (of two members or more) of the mean distance between two members.
    ratio : Estimate
        inter / intra: 1 where groups are no groups. Its interval is the jackknife's over members, the groups being
        fixed.
    dim : int
        Dimension of the vectors.
    """

    inter: float
    intra: float
    ratio: Estimate
    dim: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {**asdict(self), "ratio": self.ratio.to_dict()}


def cluster_ratio(
    vectors: ArrayLike, labels: Sequence[Any] | NDArray[Any], *, metric: Metric = "euclidean", level: float = 0.95
) -> ClusterRatio:
    """
    How far apart groups of vectors are, measured by how far apart the members of a group are.

    Every group counts the same, whatever its size.

    Parameters
    ----------
    vectors : array_like of float, shape (n, dim)
    labels : sequence of n labels
        At least two groups, one of which has two members or more.
    metric : {"euclidean", "cosine"}
    level : float
        Confidence level.

    Returns
    -------
    ClusterRatio

    Raises
    ------
    TypeError, ValueError
        For bad vectors, labels of another number, fewer than two groups, or groups of one member only.

    Examples
    --------
    >>> found = cluster_ratio([[0, 0], [0, 1], [5, 0], [5, 1]], ["a", "a", "b", "b"])
    >>> found.intra, round(found.inter, 2), round(found.ratio.value, 2)
    (1.0, 5.05, 5.05)
    """
    from scipy.stats import t

    if metric not in get_args(Metric):
        raise ValueError(f"metric is {metric!r}: choose from {', '.join(get_args(Metric))}")
    cloud = _vectors(vectors, "vectors", 3)
    # Squares of numbers near 1 neither overflow nor vanish; the ratio has no unit.
    cloud, unit = (_units(cloud, "vectors"), 0) if metric == "cosine" else _near_one(cloud)
    codes = _codes(_labels(labels, len(cloud)))
    sizes = np.bincount(codes)
    if len(sizes) < 2 or sizes.max() < 2:
        raise ValueError(
            f"labels make {len(sizes)} groups, the largest of {sizes.max()}: give two groups or more, one of two"
        )
    sums = _sums_to_groups(cloud, codes, len(sizes), metric)
    totals: Floats = np.stack([np.bincount(codes, column, len(sizes)).astype(np.float64) for column in sums.T], axis=1)
    inter, intra = _between(totals, sizes), _within(totals, sizes)
    if intra <= _SAME[metric]:
        raise ValueError("all vectors of a group are equal in every group: there is no distance within to compare with")
    left_out = _without_each(totals, sizes, sums, codes)
    left_out = left_out[np.isfinite(left_out)]
    n = len(left_out)
    # Tukey's jackknife: the variance of n values of which each leaves one member out.
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())) if n > 1 else np.inf
    half = float(t.ppf((1 + confidence(level)) / 2, max(1, n - 1))) * error
    value = inter / intra
    ratio = Estimate(value, value - half, value + half, len(cloud), level)
    return ClusterRatio(float(np.ldexp(inter, unit)), float(np.ldexp(intra, unit)), ratio, cloud.shape[1])


def cluster_ratios(
    vectors: ArrayLike,
    labels: Sequence[Any] | NDArray[Any],
    n_components: Sequence[int],
    *,
    method: Literal["pca", "random"] = "pca",
    metric: Metric = "euclidean",
    level: float = 0.95,
    random_state: int = 0,
) -> list[ClusterRatio]:
    """
    `cluster_ratio` after the vectors are reduced to fewer dimensions, for several numbers of them.

    Parameters
    ----------
    vectors, labels, metric, level
        As in `cluster_ratio`.
    n_components : sequence of int
        Numbers of dimensions.
    method : {"pca", "random"}
        As in `ncd.embed.reduce`; labels are never used for it.
    random_state : int
        Seed of a random projection.

    Returns
    -------
    list of ClusterRatio
        One for each number, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> cloud = np.random.default_rng(0).standard_normal((40, 10)) + np.repeat([[0], [3]], 20, axis=0)
    >>> [found.dim for found in cluster_ratios(cloud, [0] * 20 + [1] * 20, [1, 2, 5])]
    [1, 2, 5]
    """
    from ncd.embed.reduction import reduce

    cloud = _vectors(vectors, "vectors", 3)
    counts = [whole_number(n, "n_components", 1) for n in whole_numbers(n_components, "n_components").tolist()]
    return [
        cluster_ratio(
            reduce(cloud, count, method=method, random_state=random_state), labels, metric=metric, level=level
        )
        for count in counts
    ]


def linearity(
    source: ArrayLike,
    target: ArrayLike,
    *,
    method: Alignment = "linear",
    folds: int | None = 5,
    level: float = 0.95,
    random_state: int = 0,
) -> Estimate:
    """
    How much of one representation is a linear function of another one of the same texts.

    ``1 - |Y - X A|^2 / |Y|^2`` in Frobenius norms, where X and Y are the two matrices with their mean vectors taken off
    and A is the best matrix: any one for ``"linear"``, a rotation or reflection times a number for ``"orthogonal"``,
    where the smaller of two dimensions is filled up with zeros. The first is the linearity score of the source. The
    second does not depend on which of the two comes first when no rows are held out: it is the square of the nuclear
    norm of X'Y over ``|X|^2 |Y|^2``.

    A matrix with as many rows as there are texts fits anything: with ``folds=None`` and fewer texts than dimensions the
    linear score is 1 whatever the vectors. So by default mean vectors and A come from the other folds, and the score is
    of rows that they have not seen; it is below 0 where the mean vector would have been a better guess.

    Parameters
    ----------
    source, target : array_like of float, shapes (n, d1) and (n, d2)
        Vectors of the same n >= 3 texts in the same order; d1 and d2 may differ.
    method : {"linear", "orthogonal"}
    folds : int or None
        Number of folds, 2 to n; None for the score of the source, of the rows that A is made from.
    level : float
        Confidence level.
    random_state : int
        Seed of the folds and of the interval's draws.

    Returns
    -------
    Estimate
        Its interval is a bootstrap over texts with the fitted matrices held fixed.

    Raises
    ------
    TypeError, ValueError
        For bad vectors, different numbers of texts, or vectors that are all equal.

    References
    ----------
    A. Razzhigaev et al., Your transformer is secretly linear, ACL 2024, section 3. P. H. Schonemann, A generalized
    solution of the orthogonal Procrustes problem, Psychometrika 31, 1966.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((50, 3))
    >>> round(linearity(x, x @ np.array([[1.0, 2], [0, 1], [3, 0]]) + 7).value, 6)
    1.0
    """
    if method not in get_args(Alignment):
        raise ValueError(f"method is {method!r}: choose from {', '.join(get_args(Alignment))}")
    x, y = (_near_one(_vectors(cloud, name, 3))[0] for cloud, name in ((source, "source"), (target, "target")))
    if len(x) != len(y):
        raise ValueError(f"source has {len(x):,} vectors and target {len(y):,}: give those of the same texts")
    _centred(x, "source")
    _centred(y, "target")
    if folds is None:
        splits = [(np.arange(len(x)), np.arange(len(x)))]
    else:
        count = whole_number(folds, "folds", 2, len(x), of=f"with {len(x)} texts")
        order = np.random.default_rng(seed(random_state)).permutation(len(x))
        parts = np.array_split(order, count)
        splits = [(np.setdiff1d(order, part), part) for part in parts]
    if method == "orthogonal":
        dim = max(x.shape[1], y.shape[1])
        x, y = (np.pad(cloud, ((0, 0), (0, dim - cloud.shape[1]))) for cloud in (x, y))
    missed, spread = np.empty(len(x)), np.empty(len(x))
    for known, asked in splits:
        x_mean, y_mean = x[known].mean(0), y[known].mean(0)
        matrix = _alignment(x[known] - x_mean, y[known] - y_mean, method)
        offset = y[asked] - y_mean
        missed[asked] = ((offset - (x[asked] - x_mean) @ matrix) ** 2).sum(1)
        spread[asked] = (offset**2).sum(1)
    return bootstrap(_explained, missed, spread, level=level, random_state=random_state)


def _explained(missed: Floats, spread: Floats) -> float:
    """The share of squares that is not missed; not a number where there are none."""
    total = float(spread.sum())
    return 1 - float(missed.sum()) / total if total else float("nan")


def _alignment(x: Floats, y: Floats, method: Alignment) -> Floats:
    """The matrix that takes centred x nearest to centred y."""
    if method == "linear":
        return np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], np.float64)
    left, singular, right = np.linalg.svd(x.T @ y, full_matrices=False)
    return np.asarray(left @ right * (singular.sum() / max(float((x**2).sum()), 1e-300)), np.float64)


def _ratios(points: Floats, k: int) -> Floats:
    """T_k / T_j of every point for j < k, shape (n, k - 1)."""
    from sklearn.neighbors import NearestNeighbors

    n = len(points)
    if n < max(3, k + 1):
        raise ValueError(
            f"vectors has {n} different ones, and {k} neighbours of each are looked at: give {max(3, k + 1)} or more"
        )
    near = NearestNeighbors(n_neighbors=k, algorithm="auto").fit(points).kneighbors(return_distance=False)
    # Distances from products lose digits where points are close: those of the neighbours are computed from differences.
    distances = np.sqrt(np.stack([((points - points[near[:, j]]) ** 2).sum(1) for j in range(k)], axis=1))
    distances = np.maximum(np.sort(distances, axis=1), np.finfo(np.float64).tiny)
    return np.asarray(distances[:, -1:] / distances[:, :-1], np.float64)


def _inverse_mean(values: Floats) -> float:
    """1 over the mean; infinite where all are 0, as between points that are equally far from each other."""
    mean = float(values.mean())
    return 1 / mean if mean > 0 else float("inf")


def _slope(logs: Floats, discard: float) -> float:
    """Slope through the origin of -ln(1 - F) against the logarithms of the ratios, without the largest."""
    n = len(logs)
    kept = min(n - 1, max(2, int(np.floor(n * (1 - discard)))))  # 1 - F is 0 at the largest
    x = np.sort(logs)[:kept]
    y = -np.log1p(-np.arange(1, kept + 1) / n)
    squares = float(x @ x)
    return float(x @ y) / squares if squares > 0 else float("inf")


def _between(totals: Floats, sizes: NDArray[Any]) -> float:
    """Mean over pairs of groups of the mean distance between their members."""
    there = np.flatnonzero(sizes)
    means = totals[np.ix_(there, there)] / np.outer(sizes[there], sizes[there])
    pairs = np.triu_indices(len(there), 1)
    return float(means[pairs].mean()) if len(pairs[0]) else float("nan")


def _within(totals: Floats, sizes: NDArray[Any]) -> float:
    """Mean over groups of two or more of the mean distance between two members."""
    many = np.flatnonzero(sizes > 1)
    if not len(many):
        return float("nan")
    return float((totals[many, many] / (sizes[many] * (sizes[many] - 1))).mean())


def _without_each(totals: Floats, sizes: NDArray[Any], sums: Floats, codes: NDArray[Any]) -> Floats:
    """
    The ratio without each vector in turn; not a number where no distance within is left.

    A vector changes only the means of its own group: from the sums over all pairs of groups, those are taken off and
    put back as they are without it.
    """
    n, groups = len(codes), len(sizes)
    rows = np.arange(n)
    means = totals / np.outer(sizes, sizes)
    pairs = (means.sum() - np.trace(means)) / 2
    to_others = means.sum(1) - np.diagonal(means)
    fewer = (sizes[codes] - 1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (totals[codes] - sums) / (fewer[:, None] * sizes)
        rest[rows, codes] = 0.0
        alone = fewer == 0  # its group goes with it
        changed = np.where(alone, 0.0, rest.sum(1))
        counted = np.where(alone, (groups - 1) * (groups - 2) / 2, groups * (groups - 1) / 2)
        inter = (pairs - to_others[codes] + changed) / counted
        own = np.diagonal(totals)
        within = np.where(sizes > 1, own / (sizes * np.maximum(sizes - 1, 1)), 0.0)
        # The distance to itself, counted twice on the diagonal, is 0.
        left = np.where(fewer > 1, (own[codes] - 2 * sums[rows, codes]) / (fewer * (fewer - 1)), 0.0)
        many = np.count_nonzero(sizes > 1)
        counted = many - (fewer == 1)
        intra = (within.sum() - within[codes] + left) / counted
        ratio = inter / intra
    return np.where(intra > 1e-12 * within.max(), ratio, np.nan)  # what is left of a difference may be noise


def _sums_to_groups(cloud: Floats, codes: NDArray[Any], groups: int, metric: Metric) -> Floats:
    """Sums of the distances of every vector to the members of every group, shape (n, groups)."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(groups))
    members = cloud[order]
    step = max(1, _BLOCK // len(cloud))
    sums = np.empty((len(cloud), groups))
    for start in range(0, len(cloud), step):
        block = euclidean_distances(cloud[start : start + step], members)
        if metric == "cosine":  # 1 - cos of vectors of length 1, with all digits where they are close
            block = block**2 / 2
        sums[start : start + step] = np.add.reduceat(block, starts, axis=1)
    return sums


def _vectors(vectors: ArrayLike, name: str, least: int) -> Floats:
    """A matrix of finite numbers with at least so many rows."""
    try:
        array = np.asarray(vectors)
        if array.dtype.kind == "c":
            raise TypeError(f"{name} holds complex numbers: give real ones")
        cloud = array.astype(np.float64)
    except ValueError as error:
        raise ValueError(f"{name} is no array of vectors of one dimension: {error}") from error
    if cloud.ndim != 2 or not cloud.shape[1]:
        raise ValueError(f"{name} has shape {cloud.shape}: give an array of shape (n, dim)")
    if len(cloud) < least:
        raise ValueError(f"{name} has {len(cloud)} vectors: give {least} or more")
    finite = np.isfinite(cloud).all(1)
    if not finite.all():
        raise ValueError(f"{name}[{int(np.argmin(finite))}] is not finite")
    return cloud


def _centred(cloud: Floats, name: str) -> Floats:
    """Vectors without their mean."""
    if not np.ptp(cloud, axis=0).any():
        raise ValueError(f"{name} has equal vectors only: they differ in no direction")
    return cloud - cloud.mean(0)


def _scaled(cloud: Floats, name: str) -> Floats:
    """Vectors over their largest number, so that squares neither overflow nor vanish."""
    largest = float(np.abs(cloud).max())
    if largest == 0:
        raise ValueError(f"{name} has zeros only: they have no direction")
    return cloud / largest


def _near_one(cloud: Floats) -> tuple[Floats, int]:
    """Vectors times a power of two that makes the largest number lie around 1, which is exact; and the exponent."""
    exponent = int(np.frexp(np.abs(cloud).max())[1])
    return np.ldexp(cloud, -exponent), exponent


def _units(cloud: Floats, name: str) -> Floats:
    """Vectors of length 1."""
    sizes = np.abs(cloud).max(1, keepdims=True)
    if not sizes.all():
        raise ValueError(f"{name}[{int(np.argmin(sizes[:, 0] != 0))}] is zero: it has no direction")
    cloud = cloud / sizes
    return np.asarray(cloud / np.linalg.norm(cloud, axis=1, keepdims=True), np.float64)


def _labels(labels: Sequence[Any] | NDArray[Any], n: int) -> NDArray[Any]:
    """A row of n labels."""
    array = np.asarray(labels)
    if array.shape != (n,):
        raise ValueError(f"labels have shape {array.shape} and there are {n:,} vectors: give one label each")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"labels[{int(np.argmin(np.isfinite(array)))}] is not finite: give every vector a label")
    return array


def _codes(labels: NDArray[Any]) -> NDArray[Any]:
    """A number for every label, from 0."""
    numbers: dict[Any, int] = {}
    try:
        return np.array([numbers.setdefault(label, len(numbers)) for label in labels.tolist()])
    except TypeError as error:
        raise TypeError(f"labels cannot be told apart: {error}") from error
