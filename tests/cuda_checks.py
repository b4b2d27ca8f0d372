"""
What the CUDA engine computes in Numba's simulator, against zlib and the engine for CPUs.

Run by ``tests/test_cuda.py`` in a process of its own, in which ``NUMBA_ENABLE_CUDASIM=1``; prints counts as JSON.
"""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ncd import get_compressor
from ncd.distances.lengths import METRICS
from ncd.engines import cuda, exact
from ncd.engines.cuda_device import SIMULATED
from ncd.engines.host import Block, Job

WORDS = "the quick brown fox jumps over a lazy dog while seven naïve crows watch in silence, again and again".split()  # noqa: SIM905


def texts(seed: int) -> dict[str, list[bytes]]:
    """Texts of several kinds."""
    draw = random.Random(seed)

    def some(count: int, make: Callable[[], bytes]) -> list[bytes]:
        return [make() for _ in range(count)]

    return {
        "prose": some(8, lambda: " ".join(draw.choices(WORDS, k=draw.randrange(3, 24))).encode()),
        "bytes": some(4, lambda: draw.randbytes(draw.randrange(1, 220))),
        "letters": some(4, lambda: bytes(draw.choices(b"ab", k=draw.randrange(1, 150)))),
        "runs": [b"a" * 200, b"a" * 5, bytes(120), b"ab" * 60],
        "short": [b"", b"x", b"xy", b"xyz", b"xyzx"],
        "long": [" ".join(draw.choices(WORDS, k=130)).encode(), draw.randbytes(600)],
    }


def expected(xs: Sequence[bytes], ys: Sequence[bytes], **how: Any) -> np.ndarray[Any, Any]:
    """The lengths from the engine for CPUs, which other tests compare with zlib."""
    return exact.pairs(xs, ys, **how)


def blocks(xs: list[bytes], ys: list[bytes], **how: Any) -> np.ndarray[Any, Any]:
    """All lengths by way of blocks, each pair once."""
    result = np.zeros((len(xs), len(ys)), np.int64)
    for block, values in cuda.joint_lengths_blocks(xs, ys, **how):
        part = result[block.top : block.bottom, block.left : block.right]
        assert (part == 0).all()
        part[:] = values
    return result


def check_kinds() -> tuple[int, int]:
    """Pairs of all kinds, in both forms, with several separators."""
    kinds = texts(1)
    xs = [text for kind in kinds.values() for text in kind[:2]] + [b"xyz", b"xyzx"]
    ys = [text for kind in kinds.values() for text in kind]
    wrong = pairs = 0
    for how in ({"separator": b" "}, {"separator": b""}, {"separator": b"\n\n-"}, {"primed": True}):
        few = xs if how == {"separator": b" "} else xs[::3]
        wrong += int((blocks(few, ys, **how) != expected(few, ys, **how)).sum())
        pairs += len(few) * len(ys)
    return wrong, pairs


def check_tiles() -> tuple[int, int]:
    """Many tiles: more second texts than a group has, little memory, several ranges of columns."""
    draw = random.Random(2)
    ys = [" ".join(draw.choices(WORDS, k=draw.randrange(0, 5))).encode() for _ in range(300)]
    xs = [" ".join(draw.choices(WORDS, k=4)).encode() for _ in range(3)]
    return int((blocks(xs, ys, memory=3_000_000) != expected(xs, ys)).sum()), 900


def check_run() -> tuple[int, int]:
    """The form in which pairwise asks: given blocks, orders of texts, both at a time, framing."""
    kinds = texts(3)
    xs, ys = kinds["prose"][:2], [*kinds["prose"][3:6], *kinds["runs"][:2]]
    wrong = pairs = 0
    given = [Block(0, 1, 0, 5), Block(1, 2, 0, 2), Block(1, 2, 2, 5)]
    for order, joint, twice in (("xy", "concat", True), ("yx", "primed", False), ("sorted", "concat", False)):
        job = Job(get_compressor("gzip" if joint == "concat" else "deflate:9"), order=order, joint=joint)
        for block, values, back in cuda.run(job, xs, ys, given, twice=twice):
            wrong += int((values != job.block(exact.Packed.of(xs), exact.Packed.of(ys), block)).sum())
            pairs += block.pairs
            if twice:
                other = job.block(exact.Packed.of(ys), exact.Packed.of(xs), block.transposed).T
                wrong += int((back != other).sum())
    return wrong, pairs


def check_nearest() -> tuple[int, int]:
    """The nearest of every row by every metric, with ties and with pairs that the card leaves out."""
    kinds = texts(4)
    xs = [*kinds["prose"][:2], b"xy", b"x" * 2000]
    ys = [*kinds["prose"], *kinds["prose"][:5], *kinds["runs"], b"y", b"x" * 3000]
    few = [*ys[:4], *ys[8:10]]
    wrong = rows = 0
    for number, (metric, (formula, _)) in enumerate(METRICS.items()):
        first, second, own = (xs, ys, False) if number % 2 else (few, few, True)
        k = 1 + number % 5
        lx, ly = (exact.pairs([b""], side, separator=b"")[0] + 18 for side in (first, second))
        lxy = exact.pairs(first, second) + 18
        distances = formula(lx[:, None], ly[None], lxy)
        if own:
            np.fill_diagonal(distances, np.inf)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        found = cuda.top_k(first, second, k, metric=metric, lx=lx, ly=ly, add=18, own=own)
        same = (found[1] == order) & (found[0] == np.take_along_axis(distances, order, 1))
        wrong += int((~same.all(axis=1)).sum())
        rows += len(first)
    return wrong, rows


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # of Python's integers, where a card's wrap around
    if SIMULATED:
        import simulator  # noqa: F401
    checks = {"kinds": check_kinds, "tiles": check_tiles, "run": check_run, "nearest": check_nearest}
    print(json.dumps({name: check() for name, check in checks.items()}))
