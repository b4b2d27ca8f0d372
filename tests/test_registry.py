"""Compressors by name, registered, plugged in, missing."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from support import Slow, finish, make_text

import ncd

CODECS = ["gzip", "zlib", "deflate", "bz2", "xz", "lzma", "zstd", "brotli", "lz4", "ppmd"]
FAMILIES = [*CODECS, "ppm", "wb", "kn", "ngram", "ctw", "dirichlet"]  # and "hf", which needs a path


# names


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("gzip", "gzip:9"),
        (" gzip : 9 ", "gzip:9"),
        ("gzip:+6", "gzip:6"),
        ("gzip:level=6", "gzip:6"),
        ("zstd", "zstd:3"),
        ("zstd:-5", "zstd:-5"),
        ("brotli:5,mode=text,lgwin=20", "brotli:5,lgwin=20,mode=text"),
        ("brotli:11,lgwin=22", "brotli:11"),
        ("xz:6,extreme=true", "xz:6,extreme=True"),
        ("lzma:6,extreme=False", "lzma:6"),
        ("ppmd:memory=65536", "ppmd:6,memory=65536"),
    ],
)
def test_spellings(spec, name):
    assert ncd.get_compressor(spec).name == name


@pytest.mark.parametrize(
    ("wrong", "near"), [("gzp", "'gzip'"), ("zst", "'zstd'"), ("brotly:5", "'brotli'"), ("GZIP", "'gzip'")]
)
def test_unknown_family_names_nearest_and_all(wrong, near):
    with pytest.raises(ValueError, match=rf"is not known; did you mean .*{near}.*\? Choose from") as caught:
        ncd.get_compressor(wrong)
    for family in FAMILIES:
        assert family in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "qqqqqqqq", ":9"])
def test_unknown_family_without_neighbours(wrong):
    with pytest.raises(ValueError, match="is not known; choose from gzip, zlib, deflate"):
        ncd.get_compressor(wrong)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gzip:10", "gzip: level is 10: choose from 0 to 9"),
        ("deflate:-1", "deflate: level is -1"),
        ("bz2:0", "bz2: level is 0: choose from 1 to 9"),
        ("xz:10", "xz: level is 10"),
        ("xz:6,check=md5", "xz: check is 'md5': choose from 'none', 'crc32', 'crc64', 'sha256'"),
        ("lzma:6,extreme=2", "lzma: extreme is 2"),
        ("zstd:23", "zstd: level is 23: choose from -131072 to 22"),
        ("zstd:3,window_log=40", "zstd: window_log is 40: choose from 10 to 31"),
        ("brotli:12", "brotli: quality is 12"),
        ("brotli:11,lgwin=9", "brotli: lgwin is 9"),
        ("brotli:11,mode=poem", "brotli: mode is 'poem': choose from 'generic', 'text', 'font'"),
        ("lz4:17", "lz4: level is 17"),
        ("ppmd:1", "ppmd: order is 1: choose from 2 to 64"),
        ("ppmd:6,memory=1", "ppmd: memory is 1"),
        ("gzip:9,8", "after the first value write key=value, not '8'"),
    ],
)
def test_values_out_of_range(spec, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ncd.get_compressor(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gzip:best", "gzip: level is 'best': give a whole number"),
        ("gzip:true", "gzip: level is True: give a whole number"),
        ("gzip:9.0", "level is '9.0'"),
        ("gzip:9,speed=1", "has no parameter 'speed'; choose from level"),
        ("brotli:9,window=20", "has no parameter 'window'; choose from quality, lgwin, mode"),
        ("gzip:9,level=3", "compressor 'gzip:9,level=3' gives 'level' twice, by place and by name"),
        ("brotli:5,lgwin=20,lgwin=22", "gives 'lgwin' twice: give it once"),
    ],
)
def test_values_of_the_wrong_kind(spec, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        ncd.get_compressor(spec)


@pytest.mark.parametrize("thing", [None, 3, ["gzip"], Slow, object()])
def test_neither_name_nor_compressor(thing):
    with pytest.raises(TypeError, match="give a name such as 'gzip'"):
        ncd.get_compressor(thing)


def test_parameters_by_name():
    assert ncd.get_compressor("ppm:5", alphabet="words").name == "ppm:5,alphabet=words"
    assert ncd.get_compressor("zstd", level=3) == ncd.get_compressor("zstd:3")
    with pytest.raises(TypeError, match="has 'level' in its name and as an argument: give it once"):
        ncd.get_compressor("zstd:level=3", level=4)
    with pytest.raises(TypeError, match="gives 'level' twice"):
        ncd.get_compressor("zstd:3", level=4)
    with pytest.raises(TypeError, match="has no parameter 'lewel'; choose from level"):
        ncd.get_compressor("zstd", lewel=4)
    with pytest.raises(TypeError, match="compressor 'gzip:9' is made already: give 'level' to its class"):
        ncd.get_compressor(ncd.get_compressor("gzip"), level=4)


def test_numpy_level():
    from ncd.compressors.deflate import Gzip

    made = Gzip(np.int64(6))
    assert made.name == "gzip:6"
    assert type(made.params["level"]) is int


# registration


class Vowels:
    name = "vowels"

    def length(self, data):
        return sum(data.count(letter) for letter in b"aeiou")


def test_register_a_class(registry):
    ncd.register_compressor("vowels", Vowels)
    assert ncd.get_compressor("vowels").length("to be") == 2
    assert ncd.pairwise(["abe", "obi"], compressor="vowels").tolist() == [[1, 1], [1, 1]]
    assert [row.name for row in ncd.available()][-1] == "vowels"


def test_register_a_function_with_parameters(registry):
    ncd.register_compressor("hard", lambda level=1: ncd.get_compressor(f"gzip:{level}"))
    assert ncd.get_compressor("hard:5") == ncd.get_compressor("gzip:5")


def test_register_an_object(registry):
    thing = Vowels()
    ncd.register_compressor("mine", thing)
    assert ncd.get_compressor("mine") == ncd.get_compressor(thing)


def test_taken_names_need_force(registry):
    for family in ("gzip", "zstd"):
        with pytest.raises(ValueError, match=f"'{family}' exists already: pass force=True"):
            ncd.register_compressor(family, Vowels)
    assert ncd.get_compressor("gzip").length("aaa") == 23
    ncd.register_compressor("gzip", Vowels, force=True)
    assert ncd.get_compressor("gzip").length("aaa") == 3
    ncd.register_compressor("vowels", Vowels)
    with pytest.raises(ValueError, match="exists already"):
        ncd.register_compressor("vowels", Vowels)


@pytest.mark.parametrize("family", ["", "a b", "a:b", "a,b", "a=b", 3, None])
def test_names_that_no_specification_could_hold(registry, family):
    with pytest.raises(ValueError, match="family is"):
        ncd.register_compressor(family, Vowels)


def test_factories_that_make_nothing_of_use(registry):
    with pytest.raises(TypeError, match="factory is 3"):
        ncd.register_compressor("three", 3)
    ncd.register_compressor("nothing", lambda: 3)
    with pytest.raises(TypeError, match="'nothing' made no object with name and length"):
        ncd.get_compressor("nothing")


def test_a_broken_factory_hides_nothing(registry):
    def broken():
        raise RuntimeError("no luck today")

    before = [row.name for row in ncd.available()]
    ncd.register_compressor("broken", broken)
    ncd.register_compressor("gzip", broken, force=True)
    rows = {row.name: row for row in ncd.available()}
    assert set(before) - set(rows) == {"gzip:9"}
    for name in ("broken", "gzip"):
        assert not rows[name].installed
        assert rows[name].version == "no luck today"


def test_available():
    rows = ncd.available()
    assert [row.name.partition(":")[0] for row in rows][: len(FAMILIES)] == FAMILIES
    for row in rows[: len(FAMILIES)]:
        made = ncd.get_compressor(row.name)
        assert row.installed
        assert row.levels
        assert (made.name, made.version, made.window, made.overhead, made.can_prime, made.unit) == (
            row.name,
            row.version,
            row.window,
            row.overhead,
            row.can_prime,
            row.unit,
        )
        assert row.unit == ("bytes" if row.name.partition(":")[0] in CODECS else "bits")
        assert json.loads(json.dumps(row.to_dict()))["name"] == row.name


# anything with name and length()


class Everything:
    """An object with more than it needs."""

    name = "every:thing"
    overhead = 3
    window = 1000
    version = "7"
    prefer = "processes"
    dtype = np.int32
    unit = "bits"

    def length(self, data):
        return len(data) + 3

    def compress(self, data):
        return b"abc" + data

    def decompress(self, stream):
        return stream[3:]

    def primed(self, x):
        return Everything()


def test_adapted_least():
    adapted = ncd.get_compressor(Slow())
    assert isinstance(adapted, ncd.Compressor)
    assert (adapted.name, adapted.family, adapted.overhead, adapted.window) == ("slow", "slow", 0, None)
    assert (adapted.version, adapted.can_prime, adapted.prefer, dict(adapted.params)) == (
        "unknown",
        False,
        "threads",
        {},
    )
    assert adapted.length("aabc") == 3.5
    assert adapted.lengths(["aabc", ""]).tolist() == [3.5, 0.0]
    assert adapted.lengths(["a"]).dtype == np.float64
    assert adapted.unit == "bytes"
    with pytest.raises(TypeError, match="slow gives lengths only"):
        adapted.compress("abc")
    with pytest.raises(TypeError, match="slow does not decompress: its object has no decompress"):
        adapted.decompress(b"abc")
    with pytest.raises(TypeError, match="cannot be primed"):
        adapted.primed("abc")


def test_adapted_most():
    thing = Everything()
    adapted = ncd.get_compressor(thing)
    assert (adapted.name, adapted.family, adapted.overhead, adapted.window) == ("every:thing", "every", 3, 1000)
    assert (adapted.version, adapted.can_prime, adapted.prefer) == ("7", True, "processes")
    assert adapted.lengths(["ab"]).dtype == np.int32
    assert adapted.compress("é") == b"abc\xc3\xa9"
    assert adapted.decompress(b"abc\xc3\xa9") == "é".encode()
    assert adapted.unit == "bits"
    assert adapted.primed("x").length("yy") == 5
    assert adapted.primed("x").lengths(["yy", ""]).tolist() == [5, 3]
    assert adapted == ncd.get_compressor(thing)
    assert hash(adapted) == hash(ncd.get_compressor(thing))
    assert adapted != ncd.get_compressor(Everything())
    assert adapted != ncd.get_compressor("gzip")


def test_objects_are_taken_wherever_names_are():
    texts = [make_text(seed) for seed in range(4)]
    gzip = ncd.get_compressor("gzip")

    class Duck:
        name = "duck"

        def length(self, data):
            return gzip.length(data)

    duck = Duck()
    for call in (ncd.lengths, ncd.joint_lengths, ncd.pairwise):
        expected = call(texts, compressor="gzip")
        assert np.array_equal(call(texts, compressor=gzip), expected)
        assert np.array_equal(call(texts, compressor=duck), expected)
    expected = ncd.neighbors(texts, k=2, compressor="gzip")
    assert np.array_equal(ncd.neighbors(texts, k=2, compressor=duck).indices, expected.indices)
    concat = ncd.conditional_lengths(texts, texts, compressor=duck, joint="concat")
    assert np.array_equal(concat, ncd.conditional_lengths(texts, texts, compressor="gzip", joint="concat"))


def test_fractional_lengths_stay_fractions():
    texts = ["abc", "abcd", "xyz"]
    slow = Slow()
    assert ncd.lengths(texts, compressor=slow).tolist() == [slow.length(text.encode()) for text in texts]
    joint = ncd.joint_lengths(texts, compressor=slow)
    assert joint.tolist() == [[slow.length(f"{x} {y}".encode()) for y in texts] for x in texts]
    assert joint.dtype == np.float64


# plug-ins


def _can_build():
    """Whether the plug-in can be built from what is installed here."""
    if not (importlib.util.find_spec("pip") and importlib.util.find_spec("setuptools")):
        return False
    return int(version("setuptools").partition(".")[0]) >= 77


@pytest.mark.skipif(not _can_build(), reason="building the plug-in takes pip and setuptools>=77")
def test_plug_in(tmp_path, python):
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(Path(__file__).parent / "plugin", source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", target, source], check=True)
    code = """
import json, ncd
upper = ncd.get_compressor("upper:6")
try:
    ncd.get_compressor("fails")
except RuntimeError as caught:
    error = str(caught)
try:
    ncd.get_compressor("uper")
except ValueError as caught:
    nearest = str(caught)
try:
    ncd.register_compressor("upper", lambda: upper)
except ValueError as caught:
    taken = str(caught)
print(json.dumps({
    "name": upper.name,
    "lengths": [upper.length("To Be"), upper.length("TO BE"), upper.length("tx be")],
    "distances": ncd.pairwise(["to be", "TO BE"], compressor="upper").tolist(),
    "shout": ncd.get_compressor("shout").length(b"hey! you!"),
    "error": error,
    "nearest": nearest,
    "taken": taken,
    "available": {row.name: [row.installed, row.version] for row in ncd.available()},
}))
"""
    found = json.loads(finish(python(code, path=[target])))
    assert found["name"] == "upper:6"
    assert found["lengths"][0] == found["lengths"][1]
    assert found["distances"][0][0] == found["distances"][0][1]
    assert found["shout"] == 2
    assert found["error"] == "this plug-in is broken"
    assert "did you mean 'upper'" in found["nearest"]
    assert "exists already" in found["taken"]
    rows = found["available"]
    assert list(rows)[-3:] != FAMILIES[-3:]
    assert rows["upper:9"][0]
    assert rows["shout"][0]
    assert rows["fails"] == [False, "this plug-in is broken"]
    assert {name.partition(":")[0] for name in rows} >= set(FAMILIES)


def test_entry_points_without_a_build(tmp_path, python):
    """The same with metadata written by hand: runs where nothing can be built."""
    plugin = Path(__file__).parent / "plugin"
    for module in plugin.glob("*.py"):
        shutil.copy(module, tmp_path)
    info = tmp_path / "ncd_upper-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: ncd-upper\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(
        "[ncd.compressors]\nfails = ncd_upper_fails:X\nupper = ncd_upper:Upper\n"
    )
    code = "import ncd; print([r.name for r in ncd.available()]); print(ncd.get_compressor('upper').length('Abc'))"
    names, length = finish(python(code, path=[tmp_path])).splitlines()
    assert "'upper:9'" in names
    assert "'fails'" in names
    assert int(length) == 11


# missing libraries

BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED or name in BLOCKED:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
"""


@pytest.mark.parametrize(
    ("family", "blocked"),
    [
        ("brotli", ["brotli", "_brotli"]),
        ("zstd", ["backports.zstd", "compression.zstd"]),
        ("lz4", ["lz4"]),
        ("ppmd", ["pyppmd"]),
    ],
)
def test_missing_library(family, blocked, python):
    code = f"""
BLOCKED = {blocked}
{BLOCK}
import json, ncd
errors = []
for use in (lambda: ncd.get_compressor({family!r}), lambda: ncd.pairwise(["a", "b"], compressor="{family}:5")):
    try:
        use()
    except ncd.MissingLibraryError as caught:
        errors.append(str(caught))
rows = {{row.name.partition(":")[0]: row.to_dict() for row in ncd.available()}}
print(json.dumps([errors, rows, ncd.get_compressor("gzip").length("abc")]))
"""
    errors, rows, length = json.loads(finish(python(code)))
    command = f"pip install 'ncd[{family}]'"
    assert errors == [f"the compressor '{family}' needs a library that is not installed: {command}"] * 2
    assert not rows[family]["installed"]
    assert rows[family]["version"] == command
    assert rows[family]["window"] is None
    assert all(rows[other]["installed"] for other in FAMILIES if other != family)
    assert length == 23
