"""Checkpoints: every state comes back as it was, and no damaged file gives anything."""

import hashlib
import json
import os
import struct
import time

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import killed

import ncd
from ncd.streams.checkpoint import CheckpointError, pack, read_checkpoint, unpack, write_checkpoint

DTYPES = """
bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128
""".split()  # noqa: SIM905 - easier to read
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda name: arrays.arrays(np.dtype(name), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)  # lone surrogates too
KEYS = TEXT | st.sampled_from(["$", "$array", "$$array", "$int", "$bytes", "$scalar", ""])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=9) | ARRAYS
SCALARS = ARRAYS.filter(lambda array: array.size > 0).map(lambda array: array.reshape(-1)[0])
LONG = st.integers(-(2**20000), 2**20000)
VALUES = st.recursive(
    PLAIN | SCALARS | LONG, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)
STATES = st.dictionaries(KEYS, VALUES, max_size=5)


def same(a, b):
    """Whether two states are the same to the bit, types included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return repr(a) == repr(b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@given(STATES)
def test_every_state_comes_back(state):
    assert same(unpack(pack(state, kind="k"), kind="k"), state)


def test_files_hold_what_pack_gives(tmp_path):
    state = {"rows": np.arange(6.0).reshape(2, 3), "name": "größer \udc80", "left": None, "long": 2**4000}
    write_checkpoint(tmp_path / "c", state, kind="k")
    assert (tmp_path / "c").read_bytes() == pack(state, kind="k")
    assert same(read_checkpoint(tmp_path / "c", kind="k"), state)


def test_order_in_memory_and_of_bytes_does_not_matter():
    square = np.arange(12, dtype=np.int32).reshape(3, 4)
    for array in (np.asfortranarray(square), square[::-1, ::2], square.astype(">i4"), square.T):
        (back,) = unpack(pack({"a": array}, kind="k"), kind="k").values()
        assert back.dtype == np.dtype("int32")
        assert back.flags.c_contiguous
        assert back.flags.writeable
        np.testing.assert_array_equal(back, array)


def test_iterators_are_written_as_lists_one_item_at_a_time():
    alive = []

    def states():
        for number in range(5):
            alive.append(number)
            yield {"number": number, "row": np.full(3, number)}

    state = unpack(pack({"all": states(), "after": np.arange(2)}, kind="k"), kind="k")
    assert alive == list(range(5))
    assert same(state["all"], [{"number": n, "row": np.full(3, n)} for n in range(5)])
    assert same(state["after"], np.arange(2))


SMALL = pack({"a": np.arange(5, dtype=np.int16), "b": [1, "x", {"c": 2.5}]}, kind="k")


def test_every_flipped_bit_and_byte_is_refused():
    for place in range(len(SMALL)):
        for mask in (1, 128, 255):
            damaged = bytearray(SMALL)
            damaged[place] ^= mask
            with pytest.raises(CheckpointError):
                unpack(bytes(damaged), kind="k")


def test_every_truncation_and_addition_is_refused():
    for size in range(len(SMALL)):
        with pytest.raises(CheckpointError):
            unpack(SMALL[:size], kind="k")
    with pytest.raises(CheckpointError, match="damaged or truncated"):
        unpack(SMALL + b"\0", kind="k")


@given(st.binary(max_size=200))
def test_other_data_are_refused(data):
    with pytest.raises(CheckpointError, match="the data: not a checkpoint"):
        unpack(data, kind="k")


def forged(tree, body=b"", version=1, size=None):
    """A file with a right digest around anything."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    data = b"ncd-strm" + struct.pack("<I", version) + body + text
    data += struct.pack("<Q", len(text) if size is None else size)
    return data + hashlib.blake2b(data, digest_size=32).digest()


def tree(state):
    return {"kind": "k", "ncd": "0", "state": state}


def test_forging_gives_what_is_written():
    assert unpack(forged(tree({"a": 1})), kind="k") == {"a": 1}
    assert unpack(forged(tree({"a": {"$array": ["uint8", [2]]}}), b"hi"), kind="k")["a"].tolist() == [104, 105]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (forged(tree({}), version=7), "format 7; this release of ncd reads format 1"),
        (forged(tree({}) | {"kind": "other"}), "a checkpoint of a 'other', where one of a 'k' is expected"),
        (forged(tree({}), size=10**15), "tree is larger than the file"),
        (forged(tree([])), "its state is no dict"),
        (forged([1]), "not written by ncd"),
        (forged({}), "not written by ncd"),
        (forged(b"{"), "not written by ncd"),
        (forged(b"\xff"), "not written by ncd"),
        (forged(b"[" * 100_000), "not written by ncd"),
        (forged(tree({"a": {"$array": ["object", [1]]}}), bytes(8)), "not written by ncd .'object'"),
        (forged(tree({"a": {"$array": ["float64", [2**60]]}}), bytes(8)), "larger than the file"),
        (forged(tree({"a": {"$array": ["float64", [2**40, 2**40, 0]]}})), "not written by ncd"),
        (forged(tree({"a": {"$array": ["float64", [-1]]}}), bytes(8)), "of the shape .-1."),
        (forged(tree({"a": {"$array": ["float64", [1.0]]}}), bytes(8)), "of the shape .1.0."),
        (forged(tree({"a": {"$array": ["uint8", [True]]}}), b"1"), "of the shape .True."),
        (forged(tree({"a": {"$array": ["uint8", "12"]}}), b"1"), "of the shape 12"),
        (forged(tree({"a": {"$array": ["uint8", [1]], "b": 1}}), b"1"), "not written by ncd"),
        (forged(tree({"a": {"$array": 3}}), b"1"), "not written by ncd"),
        (forged(tree({"a": [{"$array": ["uint8", [1]]}] * 2}), b"1"), "larger than the file"),
        (forged(tree({}), b"1"), "1 bytes of arrays that its tree does not name"),
        (forged(tree({"a": {"$bytes": "zz"}})), "not written by ncd"),
        (forged(tree({"a": {"$int": "0x_"}})), "not written by ncd"),
    ],
)
def test_what_was_not_written_is_refused(data, words):
    with pytest.raises(CheckpointError, match=words):
        unpack(data, kind="k")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ([], "give a dict"),
        ({"a": {"deep": object()}}, "the state's 'deep' is of type object: a checkpoint holds"),
        ({"a": (1, 2)}, "the state's 'a' is of type tuple"),
        ({"a": {1: 2}}, "the state's 'a' has the key 1"),
        ({"a": np.array(["x", None])}, "the state's 'a' is an array of object: choose from bool, int8"),
        ({"a": np.array(["x"])}, "an array of str"),
        ({"a": [np.datetime64("2020-01-01")]}, "an array of datetime64"),
    ],
)
def test_other_states_are_refused(tmp_path, state, words):
    (tmp_path / "c").write_bytes(SMALL)
    with pytest.raises(TypeError, match=words):
        write_checkpoint(tmp_path / "c", state, kind="k")
    assert os.listdir(tmp_path) == ["c"]
    assert (tmp_path / "c").read_bytes() == SMALL


def test_endless_states_are_refused():
    state = {}
    state["itself"] = state
    with pytest.raises(ValueError, match="contain themselves"):
        pack(state, kind="k")


def test_missing_files_and_folders_are_the_systems_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none", kind="k")
    with pytest.raises(IsADirectoryError):
        read_checkpoint(tmp_path, kind="k")
    with pytest.raises(FileNotFoundError, match="the folder"):
        write_checkpoint(tmp_path / "none" / "c", {}, kind="k")


def test_the_release_that_wrote_it_is_named():
    assert f'"ncd":"{ncd.__version__}"'.encode() in SMALL


def test_what_killed_programs_left_behind_is_removed(tmp_path):
    old, new, other = (tmp_path / name for name in (".c.0123abcd.tmp", ".c.4567abcd.tmp", ".cc.0123abcd.tmp"))
    for path in (old, new, other):
        path.write_bytes(b"")
    for path in (old, other):
        os.utime(path, (time.time() - 3600,) * 2)
    write_checkpoint(tmp_path / "c", {}, kind="k")
    assert sorted(os.listdir(tmp_path)) == [".c.4567abcd.tmp", ".cc.0123abcd.tmp", "c"]


WRITER = """
import itertools, numpy as np
from ncd.streams.checkpoint import write_checkpoint
for number in itertools.count(1):
    write_checkpoint(PATH, {"number": number, "rows": np.full(200_000, number)}, kind="k")
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_whole_checkpoint(tmp_path, python):
    path = tmp_path / "c"
    for delay in (0.0, 0.003, 0.007, 0.02):
        process = python(WRITER.replace("PATH", repr(str(path))))
        said = int(process.stdout.readline())
        time.sleep(delay)
        said = max([said, *map(int, killed(process).split())])
        state = read_checkpoint(path, kind="k")
        assert state["number"] in (said, said + 1)
        assert (state["rows"] == state["number"]).all()


@settings(max_examples=20)
@given(st.lists(STATES, min_size=1, max_size=3))
def test_the_last_one_counts(tmp_path_factory, states):
    path = tmp_path_factory.mktemp("last") / "c"
    for state in states:
        write_checkpoint(path, state, kind="k")
    assert same(read_checkpoint(path, kind="k"), states[-1])
