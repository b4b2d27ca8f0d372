"""What the compressors are measured to be on texts whose answer is known."""

import numpy as np
import pytest

import ncd
from ncd import data

TEXTS = data.load_udhr().texts


def test_the_window_of_deflate_is_found():
    report = ncd.normality("gzip", TEXTS, n_samples=3)
    assert report.trusted_up_to("gzip:9") == 16384
    assert min(row.length for row in report.rows if not row.normal) == 32768


def test_larger_windows_and_a_block_sorter():
    report = ncd.normality(["zstd:19", "bz2"], TEXTS, n_samples=2)
    assert report.trusted_up_to("zstd:19") == max(row.length for row in report.rows)
    assert report.trusted_up_to("bz2:9") is None
    assert "bz2:9: normal at no measured length" in str(report)
    columns = report.to_dict()
    assert len(columns["compressor"]) == len(report.rows)


def test_rows_are_the_definitions():
    texts = ["ab" * 300]
    row = ncd.normality("deflate", texts, n_samples=1).rows[0]
    codec = ncd.get_compressor("deflate")
    piece = b"ab" * 32
    x, xx = codec.length(piece), codec.length(piece * 2)
    assert row.idempotency == pytest.approx((xx - x) / x)
    assert row.symmetry == 0
    assert row.n == 1


def test_a_compressor_that_breaks_everything():
    class Odd:
        name = "odd"

        def length(self, data):
            return 1000.0 / (1 + len(data)) + data[0]

    row = ncd.normality(Odd(), ["".join(chr(33 + (i * i) % 90) for i in range(900))]).rows[0]
    assert not row.normal
    assert row.monotonicity > 0
    assert row.symmetry > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"texts": ["short"]}, "texts have 5 bytes altogether"),
        ({"texts": TEXTS, "tolerance": 2}, "tolerance is 2"),
        ({"texts": TEXTS, "n_samples": 0}, "n_samples is 0"),
        ({"texts": TEXTS, "compressor": []}, "compressor is empty"),
        ({"texts": []}, "texts is empty"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        ncd.normality(**{"compressor": "gzip", **arguments})


def test_repeatable():
    first, second = (ncd.normality("zstd", TEXTS, n_samples=2, random_state=5) for _ in range(2))
    assert first == second
    assert not np.isnan([row.idempotency for row in first.rows]).any()
