"""What the compressors are measured to be on texts whose answer is known."""

import numpy as np
import pytest

import ncd
from ncd import data
from ncd.normality import NormalityRow

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


def test_any_spelling_of_a_compressor_of_the_report():
    class Mine:
        name = "mine"

        def length(self, data):
            return len(set(data))

    mine = Mine()
    report = ncd.normality(["gzip", "gzip:9", mine], ["to be or not to be " * 21], n_samples=1, tolerance=0.9)
    assert repr(report) == "<Normality of 2 compressors, 4 rows>"
    assert repr(ncd.normality("gzip", ["to be " * 40])) == "<Normality of 1 compressor, 1 row>"
    for spelling in ("gzip", "gzip:level=9", ncd.get_compressor("gzip")):
        assert report.trusted_up_to(spelling) == report.trusted_up_to("gzip:9") == 128
    assert report.trusted_range("mine") == report.trusted_range(mine)
    for wrong in ("bz2", "gzip:6", "no such", 3):
        with pytest.raises(ValueError, match=r"the report is not about .*: choose from gzip:9, mine"):
            report.trusted_up_to(wrong)
    with pytest.raises(ValueError, match="several of one name"):
        ncd.normality([Mine(), Mine()], TEXTS)


@pytest.mark.parametrize(
    ("normal", "wanted", "verdict"),
    [
        ("nyyn", (128, 256), "from 128 to 256 bytes a text"),
        ("nyyy", (128, 512), "from 128 to 512 bytes a text (the longest measured)"),
        ("nyny", (128, 128), "at 128 bytes a text"),
        ("yynn", (64, 128), "up to 128 bytes a text"),
        ("ynyy", (64, 64), "up to 64 bytes a text"),
        ("yyyy", (64, 512), "up to 512 bytes a text (the longest measured)"),
        ("nnnn", None, "at no measured length"),
    ],
)
def test_the_first_unbroken_run(normal, wanted, verdict):
    rows = [NormalityRow("gzip:9", 64 << i, 1, 0, 0, 0, 0, letter == "y") for i, letter in enumerate(normal)]
    report = ncd.Normality(tuple(rows), 0.1)
    assert report.trusted_range("gzip") == wanted
    assert report.trusted_up_to("gzip") == (wanted and wanted[1])
    assert str(report).splitlines()[-1] == f"gzip:9: normal {verdict}"


def test_jobs_and_progress(capsys):
    one = ncd.normality("zstd", TEXTS, n_samples=2, n_jobs=1, progress=False)
    assert one == ncd.normality("zstd", TEXTS, n_samples=2, n_jobs=2, progress=True)
    assert "zstd:3" in "".join(capsys.readouterr())


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
