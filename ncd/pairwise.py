"""Code lengths and distances of all pairs: in memory, in a file, or only the nearest."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ncd.compressors.registry import get_compressor
from ncd.corpus import Text, Texts, as_bytes, as_corpus
from ncd.distances.lengths import get_metric
from ncd.embedded import EmbeddedDistances, refuse_code_options
from ncd.engines.host import Engine, Joint, Order
from ncd.matrixfile import MatrixFile
from ncd.memory import new_matrix
from ncd.nearest import Nearest, nearest_on_gpu
from ncd.pairs import Array, Distances, Pairs, Symmetrize, alone, computed
from ncd.prefilter import Prefilter, checked_candidates
from ncd.progress import progress_bar
from ncd.storage import STORAGES

__all__ = ["Neighbors", "conditional_lengths", "joint_lengths", "lengths", "neighbors", "pairwise"]

_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
_PAIRS_AT_ONCE = 1 << 20  # of candidates, whose places and code lengths are in memory
_IN_PARTS = "give X in parts, or use pairwise(out=PATH) for distances"


class Neighbors(NamedTuple):
    """
    Nearest texts, nearest first; equal distances in the order of Y.

    Attributes
    ----------
    distances : ndarray of float64, shape (n, k)
    indices : ndarray of int64, shape (n, k)
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]


def lengths(X: Texts, *, compressor: Any = "gzip", n_jobs: int | None = None, progress: bool | None = None) -> Array:
    """
    Code length L(x) of every text.

    Parameters
    ----------
    X : iterable of str or bytes, shape (n,)
        Empty texts are allowed.
    compressor : str or object
        As in `ncd.get_compressor`.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.

    Returns
    -------
    ndarray, shape (n,)
        In the compressor's unit: bytes, int64; bits or fractions of bytes, float64, for models.

    Examples
    --------
    >>> lengths(["ab", "ab" * 100]).tolist()
    [22, 25]
    """
    return alone(get_compressor(compressor), as_corpus(X, allow_empty=True), n_jobs, progress)


def joint_lengths(
    X: Texts,
    Y: Texts | None = None,
    *,
    compressor: Any = "gzip",
    separator: Text = b" ",
    order: Order = "xy",
    joint: Joint = "concat",
    engine: Engine = "auto",
    n_jobs: int | None = None,
    progress: bool | None = None,
    allow_empty: bool = False,
) -> Array:
    """
    Joint code length of every pair, ``[i, j] = L(x_i + separator + y_j)``.

    Parameters
    ----------
    X, Y : iterable of str or bytes, shapes (n,) and (m,)
        Without Y, all pairs within X.
    compressor : str or object
        As in `ncd.get_compressor`.
    separator : str or bytes
        Stands between the two texts; one space as in Jiang et al. (2023).
    order : {"xy", "yx", "sorted"}
        Which text comes first. "sorted" puts the bytewise smaller one first: the matrix of X with itself is then
        symmetric and takes half the time.
    joint : {"concat", "primed"}
        "primed": L(first) + L(second|first) from a primed coder, without separator.
    engine : {"auto", "host", "cuda"}
        Where gzip, zlib and deflate at level 9 are computed if many pairs are wanted: "host" on this machine's cores
        (or where joblib sends the work), "cuda" on its GPUs (``pip install 'ncd[cuda12]'``). "auto" takes a GPU if
        there is one and the work is long enough. The lengths are the same.
    n_jobs : int or None
        Number of workers; None: all cores. Inside ``joblib.parallel_config(backend=...)`` the work goes there.
    progress : bool or None
        None: a bar on a terminal after a second.
    allow_empty : bool
        Whether empty texts may pass.

    Returns
    -------
    ndarray, shape (n, m)
        In the compressor's unit: bytes, int64; bits or fractions of bytes, float64, for models.

    Examples
    --------
    >>> joint_lengths(["to be or not to be"], ["to be or not to be", "that is the question"]).tolist()
    [[38, 54]]
    """
    pairs = Pairs.read(X, Y, compressor, separator, order, joint, allow_empty, engine)
    result = new_matrix(pairs.shape, pairs.job.compressor.dtype, _IN_PARTS)
    mirrored = pairs.own and order == "sorted"
    for block, values, _ in computed(
        pairs.job, pairs.xs, pairs.ys, mirrored=mirrored, n_jobs=n_jobs, progress=progress
    ):
        result[block.top : block.bottom, block.left : block.right] = values
        if mirrored:
            result[block.left : block.right, block.top : block.bottom] = values.T
    if joint == "primed":
        firsts = alone(pairs.job.compressor, pairs.xs if order == "xy" else pairs.ys, n_jobs, progress)
        result += firsts[:, None] if order == "xy" else firsts[None, :]
    return result


def conditional_lengths(
    X: Texts,
    Y: Texts,
    *,
    compressor: Any = "zstd",
    separator: Text = b" ",
    joint: Joint = "primed",
    engine: Engine = "auto",
    n_jobs: int | None = None,
    progress: bool | None = None,
    allow_empty: bool = False,
) -> Array:
    """
    Conditional code length of every pair, ``[i, j] = L(y_j | x_i)``.

    Parameters
    ----------
    X, Y : iterable of str or bytes, shapes (n,) and (m,)
    compressor : str or object
        As in `ncd.get_compressor`.
    separator : str or bytes
        Stands between the texts of a concatenation.
    joint : {"primed", "concat"}
        "primed": the coder has seen x, header and trailer are left out. "concat": L(x + separator + y) - L(x), for
        every compressor.
    engine : {"auto", "host", "cuda"}
        As in `ncd.pairwise`.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.
    allow_empty : bool
        Whether empty texts may pass.

    Returns
    -------
    ndarray, shape (n, m)
        In the compressor's unit.

    Examples
    --------
    >>> conditional_lengths(["to be or not to be"], ["to be or not", "a b c"], compressor="deflate").tolist()
    [[5, 7]]
    """
    pairs = Pairs.read(X, Y, compressor, separator, "xy", joint, allow_empty, engine)
    result = new_matrix(pairs.shape, pairs.job.compressor.dtype, _IN_PARTS)
    for block, values, _ in computed(pairs.job, pairs.xs, pairs.ys, n_jobs=n_jobs, progress=progress):
        result[block.top : block.bottom, block.left : block.right] = values
    if joint == "concat":
        result -= alone(pairs.job.compressor, pairs.xs, n_jobs, progress)[:, None]
    return result


def pairwise(
    X: Texts,
    Y: Texts | None = None,
    *,
    compressor: Any = "gzip",
    embedder: Any = None,
    metric: str | Callable[..., Any] | None = None,
    separator: Text = b" ",
    order: Order = "xy",
    joint: Joint = "concat",
    symmetrize: Symmetrize | None = None,
    remove_overhead: bool = False,
    clip: bool = False,
    dtype: DTypeLike | None = None,
    out: str | os.PathLike[str] | Array | None = None,
    checkpoint: bool = False,
    engine: Engine = "auto",
    n_jobs: int | None = None,
    progress: bool | None = None,
    allow_empty: bool = False,
) -> Array:
    """
    Distance of every pair of texts.

    Parameters
    ----------
    X, Y : iterable of str or bytes, shapes (n,) and (m,)
        Without Y, all pairs within X; the diagonal is computed too (d(x, x) > 0 for real compressors).
    compressor : str or object
        As in `ncd.get_compressor`.
    embedder : str or object, optional
        As in `ncd.embed.get_embedder`, or any object with ``encode(texts)``: distances are those of the texts' vectors,
        and nothing is compressed. One that learns, and has not, learns from Y, or from X where that is alone. Equal
        texts are encoded once. Encodings are kept on disk by `ncd.embed.Cached` only.
    metric : str or callable, optional
        With a compressor a name of `ncd.distances.lengths.METRICS`, "ncd" by default, or a function of L(x), L(y),
        L(xy). With an embedder a name of `ncd.distances.vectors.VECTOR_METRICS`, "cosine" by default, or a function of
        two arrays of vectors, (n, d) and (m, d).
    separator : str or bytes
        Stands between the two texts; one space as in Jiang et al. (2023).
    order : {"xy", "yx", "sorted"}
        Which text of a pair comes first. "sorted" puts the bytewise smaller one first, which makes L(xy) symmetric
        and, without Y, halves the work.
    joint : {"concat", "primed"}
        How L(xy) is obtained: by compressing the concatenation, or as L(first) + L(second|first) from a primed coder.
    symmetrize : {None, "min", "mean", "max"}
        Combine d(x, y) and d(y, x), each with its own order of concatenation. Both are computed (without Y they are
        all there anyway).
    remove_overhead : bool
        Subtract the compressor's constant header and trailer from every code length.
    clip : bool
        Clip distances to 0..1.
    dtype : dtype, optional
        float64 (the default) or float32; an array given as `out` keeps its own.
    out : path or ndarray, optional
        Where the matrix goes. A path: an ``.npy`` file, or a ``.zarr`` array (a folder; ``pip install 'ncd[zarr]'``),
        written block by block, of which only a little is ever in memory; it appears under its name when it is
        complete, and replaces an earlier matrix of that name. An array of float64 or float32 (also a `numpy.memmap`)
        is filled in place.
    checkpoint : bool
        With a path: keep what an interrupted or killed run has finished (``out.partial``, ``out.progress``); the same
        call resumes there. Without it an interrupted run leaves nothing.
    engine : {"auto", "host", "cuda"}
        Where gzip, zlib and deflate at level 9 are computed if many pairs are wanted: "host" on this machine's cores
        (or where joblib sends the work), "cuda" on its GPUs (``pip install 'ncd[cuda12]'``). "auto" takes a GPU if
        there is one and the work is long enough. The lengths are the same.
    n_jobs : int or None
        Number of workers; None: all cores. Inside ``joblib.parallel_config(backend=...)`` the work goes there.
    progress : bool or None
        None: a bar on a terminal after a second.
    allow_empty : bool
        Whether empty texts may pass.

    Returns
    -------
    ndarray, shape (n, m)
        The matrix; for a path, mapped read only: a `numpy.memmap`, or a `zarr.Array`.

    Raises
    ------
    TypeError, ValueError
        For texts that are none, empty lists, unknown names, options that do not fit, an `out` of another shape, or a
        checkpoint of other texts or options, or one that is damaged.
    OSError
        If `out` is a folder (of another kind than ``.zarr``) or may not be written, or another run is at work on its
        checkpoint.
    MissingLibraryError
        If a ``.zarr`` is asked for and zarr is not installed.
    MemoryError
        Before anything is computed, if `out` is None and the matrix is larger than the memory that is available.

    Warns
    -----
    WindowWarning
        If a text is longer than the compressor's window.

    Examples
    --------
    >>> d = pairwise(["to be or not to be", "to be or to be not", "la vie en rose"])
    >>> d.shape, bool(d[0, 1] < d[0, 2])
    ((3, 3), True)
    """
    distances: Distances | EmbeddedDistances
    if embedder is not None:
        options: dict[str, Any] = {"symmetrize": symmetrize, "remove_overhead": remove_overhead, "clip": clip}
        _refuse_beside_embedder(compressor, separator, order, joint, engine, allow_empty, **options)
        distances = EmbeddedDistances.read(X, Y, embedder, metric)
    else:
        pairs = Pairs.read(X, Y, compressor, separator, order, joint, allow_empty, engine)
        distances = Distances(pairs, get_metric("ncd" if metric is None else metric), symmetrize, remove_overhead, clip)
    wanted = None if dtype is None else _float_dtype(dtype)
    if checkpoint and "<" in getattr(distances.metric, "__qualname__", "<"):
        raise ValueError(
            "checkpoint=True needs a metric by name, or a function that can be told from others by its name"
        )
    if checkpoint and not isinstance(out, str | os.PathLike):
        raise ValueError("checkpoint=True needs a path as out=, beside which it can keep its notes")
    if isinstance(out, str | os.PathLike):
        return _to_file(distances, Path(out), wanted or np.dtype(np.float64), checkpoint, n_jobs, progress)
    if out is None:
        remedy = 'give a file to write it to, out="PATH.npy", which needs memory for some blocks only'
        out = new_matrix(distances.shape, wanted or np.float64, remedy)
    elif (
        not isinstance(out, np.ndarray)
        or out.shape != distances.shape
        or out.dtype not in _DTYPES
        or (wanted is not None and wanted != out.dtype)
    ):
        found = f"shape {out.shape} and dtype {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        kind = "float64 or float32" if wanted is None else str(wanted)
        raise ValueError(f"out has {found}: give a path or a {kind} array of shape {distances.shape}")
    for _, parts in distances.blocks(distances.grid(n_jobs), (), n_jobs, progress):
        for block, values in parts:
            out[block.top : block.bottom, block.left : block.right] = values
    return out


def _refuse_beside_embedder(
    compressor: Any, separator: Text, order: str, joint: str, engine: str, allow_empty: bool, **more: Any
) -> None:
    """Raise for options of code lengths that are not as `neighbors` has them, which has all of them but `clip`."""
    usual = {name: parameter.default for name, parameter in inspect.signature(neighbors).parameters.items()}
    given = {"compressor": compressor, "separator": as_bytes(separator, name="separator"), "order": order}
    given |= {"joint": joint, "engine": engine, "allow_empty": allow_empty, **more}
    refuse_code_options({name: (value, usual.get(name, False)) for name, value in given.items()})


def _float_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """One of the two dtypes that there are, or an error."""
    with suppress(TypeError, ValueError, SyntaxError):
        result = np.dtype(dtype)
        if result in _DTYPES:
            return result
    raise ValueError(f"dtype is {dtype!r}: choose float64 or float32")


def _to_file(
    distances: Distances | EmbeddedDistances,
    path: Path,
    dtype: np.dtype[Any],
    checkpoint: bool,
    n_jobs: int | None,
    progress: bool | None,
) -> Array:
    """Fill the file at `path`; leave nothing, or a checkpoint, if that fails."""
    storage = STORAGES.get(path.suffix)
    if storage is None:
        raise ValueError(f"out is {str(path)!r}: the file's name must end in {' or '.join(STORAGES)}")
    storage.check(path)
    grid = distances.grid(n_jobs, most=storage.most_blocks)
    digest = distances.digest(n_jobs, progress) if isinstance(distances, EmbeddedDistances) else distances.digest()
    file = MatrixFile(path, grid, dtype, digest, storage, checkpoint=checkpoint)
    try:
        for index, parts in distances.blocks(file.grid, file.done, n_jobs, progress):
            for block, values in parts:
                file.write(block, values)
            file.finish(index)
        return file.commit()
    except BaseException:
        file.abandon()
        raise


def neighbors(
    X: Texts,
    Y: Texts | None = None,
    k: int = 1,
    *,
    compressor: Any = "gzip",
    embedder: Any = None,
    metric: str | Callable[..., Any] | None = None,
    separator: Text = b" ",
    order: Order = "xy",
    joint: Joint = "concat",
    symmetrize: Symmetrize | None = None,
    remove_overhead: bool = False,
    prefilter: Literal["shingles"] | None = None,
    candidates: int | None = None,
    engine: Engine = "auto",
    n_jobs: int | None = None,
    progress: bool | None = None,
    allow_empty: bool = False,
) -> Neighbors:
    """
    The k nearest texts of Y for every text of X, without holding the matrix.

    Parameters
    ----------
    X, Y : iterable of str or bytes, shapes (n,) and (m,)
        Without Y, neighbours within X, a text itself left out.
    k : int
        Number of neighbours, 1 to m (to n - 1 without Y).
    compressor, embedder, metric, separator, order, joint, symmetrize, remove_overhead, engine, n_jobs
        As in `ncd.pairwise`.
    progress, allow_empty
        As in `ncd.pairwise`.
    prefilter : {None, "shingles"}
        None: every pair is compressed. "shingles": for each text of X only some texts of Y are, those with the
        smallest distance by an estimate of L(xy) from the strings of a few bytes that both texts have (see
        the guide). The distances are exact; a neighbour that is not among the candidates is missed. A metric of
        one's own is then also asked about estimates, which are fractions.
    candidates : int, optional
        With `prefilter`: how many texts of Y, at least k. Default: 100, or 10 k if that is more. Where there are no
        more texts than that, every pair is compressed.

    Returns
    -------
    Neighbors
        ``distances`` and ``indices``, both (n, k), nearest first; equal distances in the order of Y.

    Raises
    ------
    ValueError
        If k is out of range, X alone has one text only, or there are fewer candidates than k; if a GPU is asked for
        together with a prefilter, whose pairs are computed on this machine's cores.

    Examples
    --------
    >>> neighbors(["to be or not"], ["la vie en rose", "to be or to be not"]).indices.tolist()
    [[1]]
    """
    distances: Distances | EmbeddedDistances
    if embedder is not None:
        options: dict[str, Any] = {"symmetrize": symmetrize, "remove_overhead": remove_overhead}
        options |= {"prefilter": prefilter, "candidates": candidates}
        _refuse_beside_embedder(compressor, separator, order, joint, engine, allow_empty, **options)
        distances = EmbeddedDistances.read(X, Y, embedder, metric)
    else:
        pairs = Pairs.read(X, Y, compressor, separator, order, joint, allow_empty, engine)
        distances = Distances(
            pairs, get_metric("ncd" if metric is None else metric), symmetrize, remove_overhead, False
        )
    m = distances.shape[1]
    most = m - 1 if distances.own else m
    if most < 1:
        raise ValueError("X has one text, which is not its own neighbour: X needs at least two texts, or give Y")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= most:
        raise ValueError(f"k is {k!r}: with {m} texts choose from 1 to {most}")
    count = checked_candidates(prefilter, candidates, k)
    if isinstance(distances, Distances):
        if count is not None and count < most:
            if engine == "cuda":
                raise ValueError("engine='cuda' computes all pairs, not those of a prefilter: leave one of them out")
            return _among_candidates(distances, int(k), count, n_jobs, progress)
        if pairs.job.device == "cuda" and (found := nearest_on_gpu(distances, int(k), n_jobs, progress)) is not None:
            return Neighbors(*found)
    return nearest(distances, int(k), n_jobs, progress)


def nearest(distances: Distances | EmbeddedDistances, k: int, n_jobs: int | None, progress: bool | None) -> Neighbors:
    """The k nearest columns of every row, from all blocks of distances."""
    found = Nearest(distances.shape, k, own=distances.own)
    for _, parts in distances.blocks(distances.grid(n_jobs), (), n_jobs, progress):
        for block, values in parts:
            found.add(block, values)
    return Neighbors(found.distances, found.indices)


def _among_candidates(
    distances: Distances, k: int, candidates: int, n_jobs: int | None, progress: bool | None
) -> Neighbors:
    """The k nearest texts among so many candidates of each text."""
    n, codec = distances.pairs.shape[0], distances.pairs.job.compressor
    best, index = np.empty((n, k)), np.empty((n, k), np.int64)
    distances.measure_alone(n_jobs, progress)
    step = max(1, _PAIRS_AT_ONCE // candidates)
    with progress_bar(
        f"compressing candidates with {codec.name}", n * candidates * (1 + distances.twice), show=progress
    ) as advance:
        prefilter = Prefilter(distances, n_jobs)
        for top in range(0, n, step):
            rows = slice(top, min(top + step, n))
            columns = prefilter.candidates(rows.start, rows.stop, candidates)
            values = distances.chosen(top, columns, n_jobs, advance)
            nearest = np.argsort(values, axis=1, kind="stable")[:, :k]  # candidates are in the order of Y
            best[rows] = np.take_along_axis(values, nearest, 1)
            index[rows] = np.take_along_axis(columns, nearest, 1)
    return Neighbors(best, index)
