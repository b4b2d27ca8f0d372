"""Who computes the lengths: the compressor's library, the kernel, or a GPU."""

from unittest import mock

import pytest
from support import make_text

import ncd
from ncd.engines import cuda, exact, host
from ncd.engines.host import Job
from ncd.engines.tuning import tuned

TEXTS = [make_text(seed).encode() for seed in range(10)]


@pytest.fixture(autouse=True)
def _millisecond():
    """A pair takes the library a millisecond."""
    with mock.patch.object(host, "seconds_per_pair", return_value=1e-3):
        yield


@pytest.mark.parametrize(
    ("loaded", "compiled", "least"), [(True, True, 0.05), (False, True, 1.0), (False, False, 30.0)]
)
def test_the_kernel_is_taken_where_it_is_worth_its_start(loaded, compiled, least):
    job = Job(ncd.get_compressor("gzip"))
    with (
        mock.patch.object(exact, "is_loaded", return_value=loaded),
        mock.patch.object(exact, "is_compiled", return_value=compiled),
    ):
        assert not tuned(job, TEXTS, TEXTS, int(900 * least), "host").kernel
        assert tuned(job, TEXTS, TEXTS, int(1100 * least), "host").kernel


@pytest.mark.parametrize(
    ("engine", "pairs", "refusal", "device"),
    [
        ("auto", 19_000, None, "host"),
        ("auto", 21_000, None, "cuda"),
        ("auto", 21_000, "there is no card", "host"),
        ("host", 21_000, None, "host"),
        ("cuda", 1, None, "cuda"),
    ],
)
def test_a_gpu_is_taken_where_it_is_worth_its_start(engine, pairs, refusal, device):
    with (
        mock.patch.object(exact, "is_loaded", return_value=True),
        mock.patch.object(cuda, "why_not", return_value=refusal),
    ):
        job = tuned(Job(ncd.get_compressor("gzip")), TEXTS, TEXTS, pairs, engine)
    assert job.kernel
    assert job.device == device


def test_what_is_in_the_way_is_said():
    with pytest.raises(ValueError, match="engine is 'gpu': choose from 'auto', 'host', 'cuda'"):
        tuned(Job(ncd.get_compressor("gzip")), TEXTS, TEXTS, 100, "gpu")
    with pytest.raises(ValueError, match=r"engine='cuda' computes gzip:9, zlib:9 and deflate:9 only.* 'zstd:3'"):
        tuned(Job(ncd.get_compressor("zstd:3")), TEXTS, TEXTS, 100, "cuda")
    with (
        mock.patch.object(cuda, "why_not", return_value="there is no card"),
        pytest.raises(RuntimeError, match="engine='cuda': there is no card"),
    ):
        tuned(Job(ncd.get_compressor("gzip")), TEXTS, TEXTS, 100, "cuda")
