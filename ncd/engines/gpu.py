"""Blocks of a grid, and nearest neighbours, from the exact kernel on GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.corpus import Packed
from ncd.engines import cuda
from ncd.engines.host import Block, Job

__all__ = ["run"]

Result = tuple[Block, NDArray[Any], NDArray[Any] | None]


def run(
    job: Job, xs: Sequence[bytes], ys: Sequence[bytes], blocks: Sequence[Block], *, twice: bool = False
) -> Iterator[Result]:
    """
    Compute blocks on all GPUs; the counterpart of `ncd.engines.host.run`.

    Parameters
    ----------
    job : Job
    xs, ys : sequences of bytes
    blocks : sequence of Block
    twice : bool
        Also give each block for the opposite order of its texts.

    Yields
    ------
    block, lengths, lengths of the opposite order or None
        In no particular order.
    """
    if not blocks:
        return
    first = Packed.of(xs)
    second = first if ys is xs else Packed.of(ys)
    if not twice and job.order != "sorted":
        for block, lengths in _assembled(job, first, second, blocks):
            yield block, lengths, None
        return
    for block in blocks:
        rows, columns = first[block.top : block.bottom], second[block.left : block.right]
        forward, backward = _whole(job, rows, columns), _whole(job, columns, rows).T
        if job.order == "sorted":
            later = np.array([[x > y for y in columns] for x in rows])
            yield block, np.where(later, backward, forward), None
        elif job.order == "yx":
            yield block, backward, forward
        else:
            yield block, forward, backward


def _stream(job: Job, firsts: Sequence[bytes], seconds: Sequence[bytes]) -> Iterator[tuple[Block, NDArray[Any]]]:
    """Code lengths of all pairs, in the card's own tiles."""
    primed = job.joint == "primed"
    frame = 0 if primed else job.compressor.overhead
    for block, raw in cuda.joint_lengths_blocks(firsts, seconds, separator=job.separator, primed=primed):
        yield block, raw + frame


def _whole(job: Job, firsts: Sequence[bytes], seconds: Sequence[bytes]) -> NDArray[Any]:
    """Code lengths of all pairs, in one array."""
    result = np.empty((len(firsts), len(seconds)), job.compressor.dtype)
    for block, lengths in _stream(job, firsts, seconds):
        result[block.top : block.bottom, block.left : block.right] = lengths
    return result


def _assembled(job: Job, xs: Packed, ys: Packed, blocks: Sequence[Block]) -> Iterator[tuple[Block, NDArray[Any]]]:
    """Blocks put together from the card's own tiles; rows that no block needs are left out."""
    turned = job.order == "yx"
    wanted = np.zeros(len(ys) if turned else len(xs), np.bool_)
    for block in blocks:
        wanted[slice(block.left, block.right) if turned else slice(block.top, block.bottom)] = True
    rows = np.flatnonzero(wanted)
    heads, tails = (ys, xs) if turned else (xs, ys)
    if len(rows) < len(heads):
        heads = Packed.of([heads[int(row)] for row in rows])
    begun: dict[Block, tuple[NDArray[Any], int]] = {}  # with the number of pairs that are missing
    waiting = list(blocks)
    for tile, lengths in _stream(job, heads, tails):
        span = rows[tile.top : tile.bottom]
        for block in waiting.copy():
            low, high = (block.left, block.right) if turned else (block.top, block.bottom)
            begin, end = (block.top, block.bottom) if turned else (block.left, block.right)
            a, b = np.searchsorted(span, [low, high])
            c, d = max(begin, tile.left), min(end, tile.right)
            if a >= b or c >= d:
                continue
            if block not in begun:
                begun[block] = np.empty(_shape(block), job.compressor.dtype), block.pairs
            array, missing = begun.pop(block)
            part = array.T if turned else array
            part[span[a] - low : span[b - 1] + 1 - low, c - begin : d - begin] = lengths[
                a:b, c - tile.left : d - tile.left
            ]
            missing -= int((b - a) * (d - c))
            if missing:
                begun[block] = array, missing
            else:
                waiting.remove(block)
                yield block, array


def _shape(block: Block) -> tuple[int, int]:
    """Rows and columns."""
    return block.bottom - block.top, block.right - block.left
