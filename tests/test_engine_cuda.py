"""engine="cuda" through the public functions, on Numba's simulator in a process of its own."""

import pytest
from support import finish

pytest.importorskip("numba")

SCRIPT = """
import random, warnings
import numpy as np
import simulator
import ncd

warnings.simplefilter("ignore", RuntimeWarning)  # of Python's integers, where a card's wrap around

generator = random.Random(0)
words = "the cat sat on a mat there catalogue été".split()
X, Y = ([" ".join(generator.choices(words, k=generator.randrange(1, 20))) for _ in range(n)] for n in (4, 3))


def both(function, *arguments, **options):
    results = [function(*arguments, engine=engine, **options) for engine in ("cuda", "host")]
    for there, here in zip(*results) if isinstance(results[0], tuple) else [results]:
        assert np.array_equal(there, here), (function, options, there, here)


both(ncd.joint_lengths, X, Y, compressor="gzip")
both(ncd.joint_lengths, X, Y, compressor="deflate", joint="primed", order="yx")
both(ncd.joint_lengths, X[:3], compressor="zlib", order="sorted")
both(ncd.conditional_lengths, X, Y, compressor="deflate")
both(ncd.pairwise, X[:3], compressor="gzip", symmetrize="max")
both(ncd.pairwise, X, Y, compressor="gzip", out="d.npy")
both(ncd.neighbors, X, Y, 3, compressor="gzip")
both(ncd.neighbors, X, None, 2, compressor="gzip", metric="cosine")
both(ncd.neighbors, X, Y, 2, compressor="deflate", joint="primed", order="yx")
print("equal")
"""


def test_every_route_gives_the_cpus_numbers(tmp_path, python, monkeypatch):
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert finish(python(SCRIPT, cwd=tmp_path), timeout=300) == "equal\n"
