"""Texts of every kind, and what is no text."""

from array import array

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, strategies as st

import ncd
from ncd.corpus import Packed, as_bytes, as_corpus

WANTED = [b"one", b"tw\xc3\xb6", b"three"]
STRINGS = ["one", "twö", "three"]


@pytest.mark.parametrize(
    "texts",
    [
        STRINGS,
        tuple(STRINGS),
        (text for text in STRINGS),
        dict.fromkeys(STRINGS).keys(),
        map(str, STRINGS),
        WANTED,
        [bytearray(text) for text in WANTED],
        [memoryview(text) for text in WANTED],
        np.array(STRINGS),
        np.array(WANTED),
        np.array(STRINGS, dtype=object),
        np.array(WANTED, dtype=object),
        list(np.array(WANTED)),
        pd.Series(STRINGS),
        pd.Series(STRINGS, index=[7, 5, 3]),
        pd.Series(STRINGS, dtype=object),
        pd.Series(STRINGS, dtype="category"),
        pd.Series(WANTED),
        pd.Index(STRINGS),
        pl.Series(STRINGS),
        pl.Series(STRINGS, dtype=pl.Categorical),
        pl.Series(WANTED),
        pd.DataFrame({"text": STRINGS})["text"],
        pl.DataFrame({"text": STRINGS})["text"],
    ],
    ids=lambda texts: type(texts).__name__,
)
def test_kinds_of_collections(texts):
    found = as_corpus(texts)
    assert found == WANTED
    assert all(type(text) is bytes for text in found)


def test_rows_of_uint8():
    rows = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert as_corpus(rows) == [bytes([0, 1, 2, 3]), bytes([4, 5, 6, 7]), bytes([8, 9, 10, 11])]
    assert as_corpus(rows.T) == [bytes([0, 4, 8]), bytes([1, 5, 9]), bytes([2, 6, 10]), bytes([3, 7, 11])]


def test_paths(tmp_path):
    for name, content in (("a.txt", b"\xff\x00"), ("b.txt", "ä".encode())):
        (tmp_path / name).write_bytes(content)
    assert as_corpus([tmp_path / "a.txt", tmp_path / "b.txt"]) == [b"\xff\x00", b"\xc3\xa4"]
    assert as_bytes(tmp_path / "a.txt") == b"\xff\x00"
    with pytest.raises(FileNotFoundError):
        as_corpus([tmp_path / "c.txt"])


def test_a_str_is_never_a_path(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    assert as_bytes(str(tmp_path / "a.txt")) == str(tmp_path / "a.txt").encode()


@given(st.text(), st.text())
def test_different_strings_give_different_bytes(a, b):
    assert (as_bytes(a) == as_bytes(b)) == (a == b)
    assert as_bytes(a).decode("utf-8", "surrogatepass") == a


def test_surrogates():
    assert as_bytes("\udcff") == b"\xed\xb3\xbf"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", None], r"X\[1\] is None, a missing value"),
        (["a", float("nan")], r"X\[1\] is nan, a missing value"),
        (["a", np.float32("nan")], r"X\[1\] is .*nan.*, a missing value"),
        (["a", 3], r"X\[1\] is a int: a text is str"),
        (["a", 3.5], r"X\[1\] is a float"),
        ([["a"]], r"X\[0\] is a list"),
        (["a", "b", b"c"], r"X mixes str \(X\[0\]\) and bytes \(X\[2\]\)"),
        ([b"a", "b"], r"X mixes str \(X\[1\]\) and bytes \(X\[0\]\)"),
        ([bytearray(b"a"), "b"], "X mixes str"),
        ("abc", r"X is a single str: give a list of texts, such as \[X\]"),
        (b"abc", "X is a single bytes"),
        (bytearray(b"abc"), "X is a single bytearray"),
        ({"a": "b"}, r"X is a dict: .*list\(X.values\(\)\)"),
        (pd.DataFrame({"a": ["b"]}), r"X is a table \(DataFrame\): give one of its columns"),
        (pl.DataFrame({"a": ["b"]}), r"X is a table \(DataFrame\)"),
        (pd.Series(["a", None]), r"X\[1\] is (nan|None), a missing value"),
        (pd.Series(["a", pd.NA]), r"X\[1\] is .*, a missing value"),
        (["a", pd.NA], r"X\[1\] is <NA>, a missing value"),
        (["a", pd.NaT], r"X\[1\] is NaT, a missing value"),
        (["a", np.datetime64("NaT", "s")], r"X\[1\] is .*NaT.*, a missing value"),
        ({"a", "b"}, r"X is a set, whose order is arbitrary: give a list, such as sorted\(X\)"),
        (frozenset("ab"), "X is a frozenset, whose order"),
        (pl.Series(["a", None]), r"X\[1\] is None, a missing value"),
        (pl.Series([1, 2]), r"X\[0\] is a int"),
        (np.array([1.5, 2.5]), r"X\[0\] is a float64"),
        (np.array([65, 66], dtype=np.uint8), r"X\[0\] is a uint8"),
        (array("i", [1, 2]), r"X\[0\] is a int"),
        (3, "X is a int: give a list of texts"),
        (None, "X is a NoneType: give a list of texts"),
    ],
    ids=str,
)
def test_what_is_no_text(texts, message):
    with pytest.raises(TypeError, match=message):
        as_corpus(texts)


def test_single_path(tmp_path):
    with pytest.raises(TypeError, match=r"X is a single .*Path"):
        as_corpus(tmp_path)


@pytest.mark.parametrize(
    "texts", [[], (), np.array([], dtype=str), pd.Series([], dtype=str), pl.Series([], dtype=pl.String)]
)
def test_no_texts(texts):
    with pytest.raises(ValueError, match="train is empty: at least one text is needed"):
        as_corpus(texts, name="train")


@pytest.mark.parametrize("shape", [(), (2, 2), (1, 2, 3)])
def test_arrays_of_other_shapes(shape):
    with pytest.raises(ValueError, match="X has shape"):
        as_corpus(np.full(shape, "a"))


def test_empty_texts():
    with pytest.raises(ncd.EmptyTextError, match=r"Y\[1\] is empty: a distance to nothing says nothing"):
        as_corpus(["a", "", "b"], name="Y")
    with pytest.raises(ncd.EmptyTextError) as caught:
        as_corpus(["a", ""])
    assert "allow_empty" not in str(caught.value)  # estimators have no such option
    with pytest.raises(ncd.EmptyTextError, match=r"X\[0\] is empty \(3 such texts\)"):
        as_corpus([b"", b"a", b"", b""])
    with pytest.raises(ncd.EmptyTextError):
        as_corpus(np.empty((2, 0), np.uint8))
    assert as_corpus(["a", "", "b"], allow_empty=True) == [b"a", b"", b"b"]
    assert issubclass(ncd.EmptyTextError, ValueError)


def test_errors_of_one_text():
    with pytest.raises(TypeError, match="separator is None, a missing value"):
        as_bytes(None, name="separator")
    with pytest.raises(TypeError, match="text is a list"):
        as_bytes([])


@pytest.mark.parametrize(
    "call",
    [
        lambda bad: ncd.pairwise(["a"], bad),
        lambda bad: ncd.joint_lengths(["a"], bad),
        lambda bad: ncd.conditional_lengths(["a"], bad),
        lambda bad: ncd.neighbors(["a"], bad),
    ],
)
def test_public_functions_name_the_argument(call):
    with pytest.raises(TypeError, match=r"Y\[1\] is None"):
        call(["b", None])
    with pytest.raises(ValueError, match="Y is empty"):
        call([])
    with pytest.raises(ncd.EmptyTextError, match=r"Y\[0\] is empty"):
        call([""])


@pytest.mark.parametrize("call", [ncd.pairwise, ncd.joint_lengths, ncd.lengths, ncd.neighbors])
def test_public_functions_name_x(call):
    with pytest.raises(TypeError, match=r"X\[0\] is None"):
        call([None, "a"])
    with pytest.raises(ValueError, match="X is empty"):
        call([])
    with pytest.raises(TypeError, match="X is a single str"):
        call("text")


# packed texts


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(-10, 10), st.integers(-10, 10))
def test_packed_texts_are_a_sequence(texts, start, stop):
    packed = Packed.of(texts)
    assert list(packed) == texts
    assert len(packed) == len(texts)
    assert packed[start:stop] == texts[start:stop]
    assert packed[start:stop:2] == texts[start:stop:2]
    assert packed[::-1] == texts[::-1]
    assert packed.size(0, len(texts)) == sum(map(len, texts))
    assert packed.data.tobytes() == b"".join(texts) + bytes(16)
    assert packed.offsets.tolist() == [sum(map(len, texts[:i])) for i in range(len(texts) + 1)]
    assert Packed.of(packed) is packed
    assert not packed.data.flags.writeable
    assert not packed.offsets.flags.writeable


def test_packed_texts_one_by_one():
    packed = Packed.of([b"ab", b"", b"c"])
    assert (packed[0], packed[1], packed[-1]) == (b"ab", b"", b"c")
    for index in (3, -4):
        with pytest.raises(IndexError):
            packed[index]
    with pytest.raises(TypeError):
        packed["1"]
