"""Code lengths of a text's growing prefixes: the curve that a position in a compressed stream is looked up in."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from ncd.compressors import get_compressor
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text

__all__ = ["prefix_lengths"]


def prefix_lengths(
    data: Text, ends: ArrayLike, compressor: str | SupportsLength = "gzip", *, start: int = 0
) -> NDArray[Any]:
    """
    Code lengths L(data[start:e]) of a text's prefixes, for each e of `ends`.

    The same as ``compressor.length(data[start:e])`` one after another. zlib, gzip, deflate and the context models pay
    only for the new bytes of each prefix (see `ncd.Compressor.prefix_lengths`); others compress every
    prefix from its beginning.

    Parameters
    ----------
    data : str, bytes-like or path
        Offsets count bytes (of UTF-8).
    ends : array_like of int, shape (n,)
        Ascending, from `start` to the number of bytes.
    compressor : str or Compressor
    start : int
        Where all prefixes begin.

    Returns
    -------
    ndarray, shape (n,)
        In the compressor's unit: int64 bytes, or float64 bits of a model.

    Raises
    ------
    TypeError
        If `ends` or `start` are not whole numbers.
    ValueError
        If `ends` do not ascend, or reach outside of the text.

    Examples
    --------
    >>> prefix_lengths("to be or not to be", [5, 10, 18], "gzip").tolist()
    [25, 30, 35]
    """
    return get_compressor(compressor).prefix_lengths(data, ends, start=start)
