"""How far a compressor keeps the promises that the NCD is built on, measured on the user's own texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.compressors.registry import get_compressor
from ncd.corpus import Texts, as_corpus
from ncd.pairwise import lengths as code_lengths

__all__ = ["Normality", "NormalityRow", "normality"]

_SHORTEST = 64


@dataclass(frozen=True)
class NormalityRow:
    """
    Mean violations at one length of text, each as a share of a single code length (0 is ideal).

    Attributes
    ----------
    compressor : str
    length : int
        Bytes of each text.
    n : int
        Texts of this length that were measured.
    idempotency : float
        (L(xx) - L(x)) / L(x): what saying "again" costs. It is NCD(x, x).
    monotonicity : float
        max(0, L(x) - L(xy)) / L(x).
    symmetry : float
        abs(L(xy) - L(yx)) / L(xy).
    distributivity : float
        max(0, L(xy) + L(z) - L(xz) - L(yz)) / (L(xy) + L(z)).
    normal : bool
        Whether all four are at most the tolerance.
    """

    compressor: str
    length: int
    n: int
    idempotency: float
    monotonicity: float
    symmetry: float
    distributivity: float
    normal: bool


@dataclass(frozen=True, repr=False)
class Normality:
    """
    What `normality` found.

    Attributes
    ----------
    rows : tuple of NormalityRow
        One row a compressor and length.
    tolerance : float
    """

    rows: tuple[NormalityRow, ...]
    tolerance: float

    def trusted_range(self, compressor: Any) -> tuple[int, int] | None:
        """
        Least and greatest length of the first unbroken run of normal lengths; None if no length is normal.

        Parameters
        ----------
        compressor : str or object
            One of the report, in any spelling that `ncd.get_compressor` takes.

        Raises
        ------
        ValueError
            If the report is not about this compressor.
        """
        run = None
        for row in self._rows_of(compressor):
            if row.normal:
                run = (row.length if run is None else run[0], row.length)
            elif run is not None:
                break
        return run

    def trusted_up_to(self, compressor: Any) -> int | None:
        """
        Greatest measured length up to which the compressor may be trusted as a distance.

        The end of `trusted_range`; None if there is none. Where it is the greatest length measured, the limit may lie
        further out. Texts shorter than the start of the range may not be normal.

        Parameters
        ----------
        compressor : str or object
            One of the report, in any spelling that `ncd.get_compressor` takes.

        Raises
        ------
        ValueError
            If the report is not about this compressor.
        """
        run = self.trusted_range(compressor)
        return None if run is None else run[1]

    @property
    def _names(self) -> list[str]:
        """The compressors of the report."""
        return list(dict.fromkeys(row.compressor for row in self.rows))

    def _rows_of(self, compressor: Any) -> list[NormalityRow]:
        """The rows of one compressor, the shortest length first."""
        name = compressor
        if name not in self._names:  # another spelling; an object's own name need not be one that can be looked up
            try:
                name = get_compressor(compressor).name
            except (ImportError, TypeError, ValueError):
                name = None
        if name not in self._names:
            raise ValueError(f"the report is not about {compressor!r}: choose from {', '.join(self._names)}")
        return [row for row in self.rows if row.compressor == name]

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns by name, ready for ``pandas.DataFrame``."""
        names = list(NormalityRow.__dataclass_fields__)
        return {name: [getattr(row, name) for row in self.rows] for name in names}

    def __repr__(self) -> str:
        count = len(self._names)
        return (
            f"<Normality of {count} compressor{'s' * (count != 1)}, {len(self.rows)} row{'s' * (len(self.rows) != 1)}>"
        )

    def __str__(self) -> str:
        lines = [
            f"{'compressor':<14}{'bytes':>9}{'n':>4}{'idempotency':>13}{'monotonicity':>14}{'symmetry':>10}"
            f"{'distributivity':>16}  normal"
        ]
        lines += [
            f"{row.compressor:<14}{row.length:>9,}{row.n:>4}{row.idempotency:>13.3f}{row.monotonicity:>14.3f}"
            f"{row.symmetry:>10.3f}{row.distributivity:>16.3f}  {'yes' if row.normal else 'no'}"
            for row in self.rows
        ]
        lines += [f"{name}: normal {self._verdict(name)}" for name in self._names]
        return "\n".join(lines)

    def _verdict(self, name: str) -> str:
        """At which lengths a compressor is normal, in words."""
        run, measured = self.trusted_range(name), [row.length for row in self._rows_of(name)]
        if run is None:
            return "at no measured length"
        first, last = run
        if first == measured[0]:
            words = f"up to {last:,}"
        else:
            words = f"at {last:,}" if first == last else f"from {first:,} to {last:,}"
        return f"{words} bytes a text{' (the longest measured)' if last == measured[-1] else ''}"


def normality(
    compressor: Any,
    texts: Texts,
    *,
    tolerance: float = 0.1,
    n_samples: int = 8,
    random_state: int = 0,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> Normality:
    """
    Measure whether compressors are "normal" on given texts, and up to which length.

    The NCD is a similarity metric up to an additive O(log n) if, up to that error: L(xx) = L(x) (idempotency), L(xy)
    >= L(x) (monotonicity), L(xy) = L(yx) (symmetry), and L(xy) + L(z) <= L(xz) + L(yz) (distributivity). A window or
    block that the texts outgrow breaks the first, mostly suddenly. The texts are joined, and pieces of doubling
    lengths are cut from the whole.

    Parameters
    ----------
    compressor : str, object, or list of them
        As in `ncd.get_compressor`.
    texts : iterable of str or bytes
        The more bytes, the longer the lengths that can be measured: up to a third of the total.
    tolerance : float
        Greatest mean violation that counts as normal.
    n_samples : int
        Triples of pieces at each length; fewer where the texts do not suffice.
    random_state : int
        Seed of the choice of pieces.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.

    Returns
    -------
    Normality
        Prints as a table; `rows`, `trusted_range(name)`, `trusted_up_to(name)`, `to_dict()`.

    Raises
    ------
    ValueError
        If the texts have fewer than 192 bytes altogether, or a parameter is out of range, or two compressors
        that differ have one name.

    References
    ----------
    Cilibrasi, Vitanyi, Clustering by compression, IEEE Trans. Inf. Theory 51 (2005), definition 3.1.

    Examples
    --------
    >>> texts = [f"{i} little monkeys, jumping on the bed number {i * i}" for i in range(40)]
    >>> report = normality(["gzip", "bz2"], texts)
    >>> report
    <Normality of 2 compressors, 8 rows>
    >>> report.trusted_up_to("gzip") is None
    False
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance is {tolerance!r}: choose from above 0 to below 1")
    if n_samples < 1:
        raise ValueError(f"n_samples is {n_samples!r}: choose 1 or more")
    specs = list(compressor) if isinstance(compressor, Sequence) and not isinstance(compressor, str) else [compressor]
    if not specs:
        raise ValueError("compressor is empty: at least one is needed")
    codecs = list(dict.fromkeys(map(get_compressor, specs)))
    names = [codec.name for codec in codecs]
    if len(set(names)) < len(names):
        raise ValueError(f"compressor has several of one name ({', '.join(names)}): give each a name of its own")
    whole = b"\n".join(as_corpus(texts, name="texts"))
    if len(whole) < 3 * _SHORTEST:
        raise ValueError(f"texts have {len(whole)} bytes altogether: at least {3 * _SHORTEST} are needed")
    rng = np.random.default_rng(random_state)
    rows: list[NormalityRow] = []
    lengths = [_SHORTEST << i for i in range(40) if 3 * (_SHORTEST << i) <= len(whole)]
    triples = {length: _triples(whole, length, n_samples, rng) for length in lengths}
    for codec in codecs:
        pieces = [piece for length in lengths for triple in triples[length] for piece in _pieces(*triple)]
        coded = code_lengths(pieces, compressor=codec, n_jobs=n_jobs, progress=progress).astype(np.float64)
        ends = np.cumsum([len(triples[length]) for length in lengths])
        each = np.split(coded.reshape(-1, 7), ends[:-1])
        rows += [_row(codec, length, part, tolerance) for length, part in zip(lengths, each, strict=True)]
    return Normality(tuple(rows), tolerance)


def _triples(whole: bytes, length: int, count: int, rng: np.random.Generator) -> list[tuple[bytes, ...]]:
    """Triples of disjoint pieces, drawn without replacement."""
    pieces = rng.permutation(len(whole) // length)
    used = pieces[: 3 * min(count, len(pieces) // 3)].reshape(-1, 3)
    return [tuple(whole[i * length : (i + 1) * length] for i in triple) for triple in used]


def _pieces(x: bytes, y: bytes, z: bytes) -> tuple[bytes, ...]:
    """What is coded of one triple."""
    return x, x + x, x + y, y + x, z, x + z, y + z


def _row(codec: Compressor, length: int, coded: NDArray[np.float64], tolerance: float) -> NormalityRow:
    """Mean violations from the code lengths of `_pieces`, one row a triple."""
    x, xx, xy, yx, z, xz, yz = coded.T
    violations: list[NDArray[Any]] = [
        (xx - x) / x,
        np.maximum(0, x - xy) / x,
        np.abs(xy - yx) / xy,
        np.maximum(0, xy + z - xz - yz) / (xy + z),
    ]
    idempotency, monotonicity, symmetry, distributivity = means = [float(v.mean()) for v in violations]
    normal = max(means) <= tolerance
    return NormalityRow(codec.name, length, len(coded), idempotency, monotonicity, symmetry, distributivity, normal)
