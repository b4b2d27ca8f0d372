"""Exact deflate lengths as an engine: who uses the kernel, and that nobody can tell."""

import math
import random
import shutil
import time
import zlib
from pathlib import Path
from unittest.mock import Mock

import naive
import pytest
from support import finish, make_bytes, make_text

import ncd
from ncd.compressors import deflate
from ncd.compressors.deflate import is_classic
from ncd.engines import exact, host, tuning

classic = pytest.mark.skipif(not is_classic(), reason="the standard library's zlib is not classic zlib")

X = [make_text(seed, 5 + 9 * seed).encode() for seed in range(9)]
Y = [X[3], b"ab", b"a" * 1500, X[2] * 30, *[make_text(seed, 30).encode() for seed in range(20, 26)], make_bytes(0, 50)]
LABELS = list("abcabcabc")


@pytest.fixture
def engine(monkeypatch):
    """Use the kernel or do not, whatever work there is; what it has computed is noted."""
    return Switch(monkeypatch)


class Switch:
    def __init__(self, monkeypatch):
        self.monkeypatch, self.pairs, self.original = monkeypatch, 0, exact.pairs
        monkeypatch.setattr(exact, "pairs", self._note)

    def _note(self, firsts, seconds, **options):
        self.pairs += len(firsts) * len(seconds)
        return self.original(firsts, seconds, **options)

    def use(self, kernel):
        for name in ("_KERNEL_FROM_SECONDS", "_LOADED_FROM_SECONDS", "_COMPILE_FROM_SECONDS"):
            self.monkeypatch.setattr(tuning, name, 0.0 if kernel else math.inf)
        self.pairs = 0

    def both(self, function, *args, **options):
        """The result, which must be the same with the kernel and without."""
        self.use(False)
        plain = function(*args, **options)
        assert self.pairs == 0
        self.use(True)
        fast = function(*args, **options)
        assert self.pairs > 0
        for one, other in zip(_arrays(plain), _arrays(fast), strict=True):
            assert one.dtype == other.dtype
            assert one.tolist() == other.tolist()
        return fast


def _arrays(result):
    return result if isinstance(result, tuple) else (result,)


# the same result


@pytest.mark.parametrize("compressor", ["gzip", "zlib:9", "deflate"])
@pytest.mark.parametrize("order", ["xy", "yx", "sorted"])
@pytest.mark.parametrize("separator", [b"", " ", "--"])
def test_joint_lengths(compressor, order, separator, engine):
    options = {"compressor": compressor, "order": order, "separator": separator}
    found = engine.both(ncd.joint_lengths, X, Y, **options)
    between = separator if isinstance(separator, bytes) else separator.encode()
    spec = ncd.get_compressor(compressor).name
    wanted = naive.joint_lengths(spec, X, Y, order=order, separator=between)
    if is_classic():
        assert found.tolist() == wanted
    engine.both(ncd.joint_lengths, Y, **options)


@pytest.mark.parametrize("compressor", ["gzip", "zlib:9", "deflate"])
@pytest.mark.parametrize("order", ["xy", "yx"])
def test_primed_joint_lengths(compressor, order, engine):
    found = engine.both(ncd.joint_lengths, X, Y, compressor=compressor, order=order, joint="primed")
    if is_classic():
        spec = ncd.get_compressor(compressor).name
        firsts = [(x, y) if order == "xy" else (y, x) for x in X for y in Y]
        alone = {text: naive.length(spec, text) for text in X + Y}
        assert found.ravel().tolist() == [naive.primed(spec, *pair) + alone[pair[0]] for pair in firsts]


@pytest.mark.parametrize("joint", ["concat", "primed"])
def test_conditional_lengths(joint, engine):
    engine.both(ncd.conditional_lengths, X, Y, compressor="gzip", joint=joint)


@pytest.mark.parametrize("symmetrize", [None, "min", "max", "mean"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": "yx"},
        {"order": "sorted"},
        {"joint": "primed"},
        {"joint": "primed", "order": "yx"},
        {"remove_overhead": True, "metric": "cdm"},
    ],
    ids=str,
)
def test_pairwise(symmetrize, options, engine):
    options = {"compressor": "gzip", "symmetrize": symmetrize, **options}
    engine.both(ncd.pairwise, X, **options)
    engine.both(ncd.pairwise, X, Y, **options)


@pytest.mark.parametrize("options", [{}, {"order": "sorted"}, {"joint": "primed"}, {"symmetrize": "mean"}], ids=str)
def test_neighbors(options, engine):
    engine.both(ncd.neighbors, X, k=3, compressor="gzip", **options)
    engine.both(ncd.neighbors, X, Y, 4, compressor="zlib", **options)
    engine.both(ncd.neighbors, X, Y, 3, compressor="gzip", prefilter="shingles", candidates=5, **options)


def test_classifier(engine):
    def probabilities(**options):
        model = ncd.NCDClassifier(compressor="gzip", n_neighbors=3, **options).fit(X, LABELS)
        return model.predict_proba(Y), model.kneighbors(Y)[1]

    engine.both(probabilities)
    engine.both(probabilities, joint="primed", order="yx")
    engine.both(probabilities, symmetrize="max")


def test_result_does_not_depend_on_workers(engine, monkeypatch):
    texts = [make_text(seed, 3 + seed % 50).encode() for seed in range(90)]
    engine.use(True)
    monkeypatch.setattr(host, "_PARALLEL_FROM_SECONDS", 0.0)
    monkeypatch.setattr(host, "_LEAST_TILE_SECONDS", 1e-4)
    one, two, four = (ncd.joint_lengths(texts, compressor="gzip", n_jobs=jobs) for jobs in (1, 2, 4))
    assert one.tolist() == two.tolist() == four.tolist()
    assert engine.pairs >= 3 * 90 * 90
    assert one[3, 80] == ncd.get_compressor("gzip").length(texts[3] + b" " + texts[80])


# who is asked


@pytest.mark.parametrize("compressor", ["gzip:6", "zlib:8", "deflate:1", "zstd:3", "bz2"])
def test_other_compressors_have_no_kernel(compressor, engine):
    engine.use(True)
    ncd.joint_lengths(X, Y, compressor=compressor)
    assert engine.pairs == 0


def test_long_texts_are_not_worth_it(engine):
    engine.use(True)
    texts = [make_text(seed, 6000) for seed in range(3)]
    ncd.joint_lengths(texts, compressor="gzip")
    assert engine.pairs == 0


def test_subclasses_have_no_kernel(engine):
    class Shorter(deflate.Gzip):
        def _lengths(self, texts):
            return [length - 1 for length in super()._lengths(texts)]

    engine.use(True)
    lengths = ncd.joint_lengths(X, Y, compressor=Shorter())
    assert engine.pairs == 0
    assert (lengths + 1 == ncd.joint_lengths(X, Y, compressor="gzip")).all()


@classic
def test_little_work_needs_no_compiler(python):
    uses = [
        "ncd.lengths(texts, compressor='gzip')",
        "ncd.pairwise(texts, compressor='gzip')",
        "ncd.neighbors(texts, k=2, compressor='gzip')",
        "ncd.NCDClassifier(compressor='gzip').fit(texts, labels).predict(texts)",
    ]
    code = ["import sys, ncd", "texts, labels = ['to be', 'or not', 'that is'] * 5, list('aab') * 5"]
    for use in ["pass", *uses]:
        code += [use, f"assert not {{'numba', 'llvmlite'}} & set(sys.modules), {use!r}"]
    finish(python("\n".join(code)))


# pairs that the kernel for pairs leaves out


@classic
def test_where_the_window_slides():
    """zlib, given a text in two pieces, slides its window a byte earlier if the first one ends at 65,535."""
    differs = 0
    for seed in range(12):
        text = bytearray(random.Random(seed).choices(range(128), k=66_000))
        text[65_274:65_294] = text[32_768:32_788]  # as far back as a match may be
        first, second = bytes(text[:65_535]), bytes(text[65_535:])
        whole = len(zlib.compress(text, 9, -15))
        assert exact.pairs([first], [second], separator=b"").tolist() == [[whole]]
        assert exact.single([bytes(text)]) == [whole]
        coder = zlib.compressobj(9, zlib.DEFLATED, -15)
        differs += len(coder.compress(first) + coder.compress(second) + coder.flush()) != whole
    assert differs > 3


# where zlib is not classic


@pytest.fixture
def foreign(monkeypatch):
    """Make zlib look like a successor, and forbid to ask it for lengths."""

    def begin():
        broken = Mock(side_effect=AssertionError("zlib was asked"))
        monkeypatch.setattr(deflate, "is_classic", lambda: False)
        monkeypatch.setattr(
            deflate, "zlib", Mock(compress=broken, compressobj=broken, ZLIB_RUNTIME_VERSION="2.2.zlib-ng")
        )

    return begin


@classic
@pytest.mark.parametrize("spec", ["gzip:9", "zlib:6", "deflate:1", "gzip:4"])
def test_lengths_without_classic_zlib(spec, foreign):
    texts = [*X, *Y, b"", make_text(1, 30_000).encode()]
    plain = ncd.lengths(texts, compressor=spec)
    primed = ncd.conditional_lengths(X, Y, compressor=spec, joint="primed")
    matrix = ncd.pairwise(X, Y, compressor=spec)
    foreign()
    assert ncd.lengths(texts, compressor=spec).tolist() == plain.tolist()
    assert ncd.conditional_lengths(X, Y, compressor=spec, joint="primed").tolist() == primed.tolist()
    assert ncd.pairwise(X, Y, compressor=spec).tolist() == matrix.tolist()


@classic
@pytest.mark.parametrize("joint", ["concat", "primed"])
def test_pairs_without_classic_zlib(joint, foreign, engine):
    engine.use(False)
    plain = ncd.joint_lengths(X, Y, compressor="gzip", joint=joint)
    foreign()
    engine.use(True)
    assert ncd.joint_lengths(X, Y, compressor="gzip", joint=joint).tolist() == plain.tolist()
    assert engine.pairs > 0


def test_version_names_what_made_the_lengths(foreign):
    assert ("lengths" in ncd.get_compressor("gzip").version) == (not is_classic())
    foreign()
    assert ncd.get_compressor("gzip").version == "zlib 1.2.13 (lengths; streams: zlib 2.2.zlib-ng)"


# compilation


def test_slow_compilation_is_announced(monkeypatch, capfd):
    from ncd.kernels import jit

    monkeypatch.setattr(jit, "_SAY_SECONDS", 0.02)
    with jit.announced("the model"):
        time.sleep(0.3)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "ncd: compiling the model (once: later runs find it on disk)\n"


def test_fast_loading_is_not_announced(capfd):
    from ncd.kernels import jit

    with jit.announced("the model"):
        pass
    time.sleep(0.01)
    assert capfd.readouterr() == ("", "")
    exact.single([b"a"])  # compiled by now
    exact.pairs([b"a"], [b"b"])
    exact.single([b"to be"])
    exact.pairs([b"to be"], [b"or not"])
    assert capfd.readouterr().out == ""


@pytest.fixture
def copied(tmp_path, python, monkeypatch):
    """A copy of the package, which nothing has been compiled for: its folder, and how to run Python with it."""
    shutil.copytree(Path(ncd.__file__).parent, tmp_path / "ncd", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return tmp_path / "ncd", lambda code: python(code, path=[tmp_path], cwd=tmp_path)


def test_without_a_folder_for_compiled_code(copied, monkeypatch):
    folder, run = copied
    nowhere = folder.parent / "cache"
    for path in (nowhere, folder / "kernels" / "__pycache__"):
        path.write_text("not a folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(nowhere))
    process = run("from ncd.engines import exact; print(exact.single([b'to be or not to be', b'a' * 1000]))")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out == "[17, 11]\n"
    assert err == "ncd: compiling the kernel of exact deflate lengths (once: later runs find it on disk)\n"


def test_changed_kernels_are_compiled_again(copied):
    """Also where the change is in another file than the kernel that is called."""
    folder, run = copied
    code = """
import numpy as np
from ncd.kernels.deflate_prepare import most_alike
from ncd.kernels.jit import is_cached
known = is_cached(most_alike)
print(known, most_alike(np.frombuffer(b"ab\\x80-ac\\xa0", np.uint8), 0, 7, np.zeros(32768, np.uint16)))
"""
    assert finish(run(code)) == "False 2\n"  # ab80 and aca0 have the same hash
    assert finish(run(code)) == "True 2\n"
    source = folder / "kernels" / "deflate_oneshot.py"
    text = source.read_text("utf-8")
    source.write_text(text.replace("(second << 5)", "(second << 6)"), "utf-8")
    assert source.read_text("utf-8") != text
    assert finish(run(code)) == "False 1\n"


@pytest.mark.exhaustive
def test_no_array_is_left(copied, monkeypatch):
    """Every place in an array that is read or written is within it, but for words, which are read beyond the end."""
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import deflate_cases as cases"
    code += """
for form, name in cases.KINDS:
    for number in range(12):
        case = cases.make(form, name, number)
        assert case.by_kernel() == case.by_zlib(), (form, name, number)
print("done")
"""
    assert finish(copied[1](code), timeout=1200) == "done\n"
