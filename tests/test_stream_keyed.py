"""Detectors by key: the same as one detector for each key, bounded in number, saved and restored."""

import warnings
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.streams.checkpoint import CheckpointError, write_checkpoint
from ncd.streams.keyed import EvictionWarning, KeyedDetectors, KeyedUpdateError


class Sums:
    """A detector that is simple enough to check by hand: a change at each multiple of `step` that the sum passes."""

    def __init__(self, step=10):
        self.step, self.seen, self.total = step, [], 0

    def update_many(self, xs):
        if not all(isinstance(x, int) for x in xs):
            raise TypeError(f"{xs} are not all whole numbers")
        found = []
        for x in xs:
            before, self.total = self.total, self.total + x
            self.seen.append(x)
            if self.total // self.step > before // self.step:
                found.append((len(self.seen), self.total))
        return found

    def state(self):
        return {"step": self.step, "seen": np.array(self.seen, np.int64), "total": self.total}

    def restore(self, state):
        if state["step"] != self.step:
            raise ValueError(f"it has step {state['step']}, and this one {self.step}")
        self.seen, self.total = state["seen"].tolist(), state["total"]

    @property
    def nbytes(self):
        return 8 * len(self.seen)


UNITS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9)), max_size=60)


def naive(units, max_keys):
    """One by one, with the simplest bookkeeping."""
    detectors, found, evicted = OrderedDict(), [], 0
    for key, x in units:
        detector = detectors.pop(key, None)
        if detector is None:
            detector = Sums()
            if len(detectors) == max_keys:
                detectors.popitem(last=False)
                evicted += 1
        detectors[key] = detector
        found += [(key, change) for change in detector.update_many([x])]
    return {key: detector.seen for key, detector in detectors.items()}, found, evicted


def contents(keyed):
    return {key: detector.seen for key, detector in keyed.items()}


@pytest.mark.filterwarnings("ignore::ncd.streams.keyed.EvictionWarning")
@given(UNITS, st.integers(1, 8))
def test_single_updates_are_those_of_one_detector_for_each_key(units, max_keys):
    keyed = KeyedDetectors(Sums, max_keys=max_keys)
    found = [(key, change) for key, x in units if (change := keyed.update(key, x)) is not None]
    seen, changes, evicted = naive(units, max_keys)
    assert (found, keyed.evicted) == (changes, evicted)
    assert list(contents(keyed).items()) == list(seen.items())  # in the same order


@given(st.lists(UNITS, max_size=4))
def test_batches_are_single_updates(batches):
    keyed = KeyedDetectors(Sums, max_keys=6)
    found = [change for batch in batches for change in keyed.update_many([k for k, _ in batch], [x for _, x in batch])]
    seen, changes, _ = naive([unit for batch in batches for unit in batch], 6)
    assert list(contents(keyed).items()) == list(seen.items())
    for key in seen:
        assert [c for k, c in found if k == key] == [c for k, c in changes if k == key]


def test_keys_of_a_batch_are_not_forgotten_for_new_ones():
    keyed = KeyedDetectors(Sums, max_keys=3)
    keyed.update_many("abc", [1, 1, 1])
    with pytest.warns(EvictionWarning, match="more than 3 keys: 'b'"):
        keyed.update_many("dca", [1, 2, 2])
    assert contents(keyed) == {"d": [1], "c": [1, 2], "a": [1, 2]}


def test_eviction_is_said_once_and_counted():
    keyed = KeyedDetectors(Sums, max_keys=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for key in "abcdabcd":
            keyed.update(key, 1)
    assert [warning.category for warning in caught] == [EvictionWarning]
    assert caught[0].filename == __file__
    assert keyed.evicted == 6
    assert contents(keyed) == {"c": [1], "d": [1]}
    assert repr(keyed) == "<KeyedDetectors: 2 of 2 keys, 6 evicted>"


def test_looking_up_is_not_seeing():
    keyed = KeyedDetectors(Sums, max_keys=2)
    keyed.update_many("ab", [1, 2])
    assert keyed["a"].total == 1
    assert "a" in keyed
    assert 3 not in keyed
    with pytest.warns(EvictionWarning, match="'a'"):
        keyed.update("c", 3)
    del keyed["b"]
    assert list(keyed) == ["c"]
    with pytest.raises(KeyError):
        keyed["b"]
    assert keyed.nbytes == 8


def test_bytes_are_keys_too():
    keyed = KeyedDetectors(Sums)
    keyed.update_many([b"a", "a", b"\xff", b"\xfe"], [1, 2, 3, 4])
    assert list(contents(keyed).items()) == [("a", [1, 2]), ("\udcff", [3]), ("\udcfe", [4])]
    assert keyed[b"\xff"].total == 3
    assert b"\xff" in keyed


def test_a_prototype_is_copied():
    prototype = Sums(step=5)
    prototype.update_many([3])
    keyed = KeyedDetectors(prototype)
    assert keyed.update_many(["a", "b"], [1, 2]) == [("b", (2, 5))]
    assert prototype.total == 3


def test_bad_units_of_one_key_cost_the_others_nothing():
    keyed = KeyedDetectors(Sums)
    keyed.update("a", 1)
    with pytest.raises(KeyedUpdateError, match=r"key 'c': .* \(2 of 3 keys of the batch refused") as caught:
        keyed.update_many("abcab", [1, 10, "x", None, 1])
    assert list(caught.value.errors) == ["c", "a"]
    assert caught.value.changes == [("b", (1, 10))]
    assert contents(keyed) == {"a": [1], "b": [10, 1]}
    with pytest.raises(TypeError, match="not all whole numbers") as raised:
        keyed.update("new", "x")
    assert raised.value.__notes__ == ["key 'new'"]
    assert "new" not in keyed


def test_a_refused_unit_of_a_new_key_costs_no_other_key():
    keyed = KeyedDetectors(Sums, max_keys=1)
    keyed.update("a", 1)
    with pytest.raises(TypeError):
        keyed.update("b", None)
    with pytest.raises(KeyedUpdateError):
        keyed.update_many("cb", [None, None])
    assert contents(keyed) == {"a": [1]}
    assert keyed.evicted == 0


def test_bad_arguments():
    keyed = KeyedDetectors(Sums)
    with pytest.raises(ValueError, match="keys and xs are 2 and 1: give one key for each unit"):
        keyed.update_many("ab", [1])
    with pytest.raises(TypeError, match=r"keys\[1\] is 5: give str or bytes"):
        keyed.update_many(["a", 5], [1, 2])
    with pytest.raises(TypeError, match="key is None"):
        keyed.update(None, 1)
    assert len(keyed) == 0
    with pytest.raises(ValueError, match="max_keys is 0"):
        KeyedDetectors(Sums, max_keys=0)
    with pytest.raises(TypeError, match="make is 3: give a detector"):
        KeyedDetectors(3)
    with pytest.raises(TypeError, match=r"make\(\) returned 'x'"):
        KeyedDetectors(lambda: "x").update("a", 1)


@given(UNITS, UNITS)
def test_saved_and_loaded_it_goes_on_as_it_was(tmp_path_factory, before, after):
    path = tmp_path_factory.mktemp("keyed") / "c"
    keyed = KeyedDetectors(Sums, max_keys=6)
    for key, x in before:
        keyed.update(key, x)
    keyed.save(path)
    loaded, restored = KeyedDetectors.load(path, Sums), KeyedDetectors(Sums, max_keys=6)
    restored.restore(keyed.state())
    assert loaded.max_keys == 6
    wanted = [keyed.update(key, x) for key, x in after]
    for other in (loaded, restored):
        assert [other.update(key, x) for key, x in after] == wanted
        assert list(contents(other).items()) == list(contents(keyed).items())


def test_a_lazy_state_is_the_same(tmp_path):
    keyed = KeyedDetectors(Sums)
    keyed.update_many("abc", [1, 2, 3])
    state = keyed.state(lazily=True)
    assert not isinstance(state["detectors"], list)
    write_checkpoint(tmp_path / "c", state, kind="KeyedDetectors")
    keyed.save(tmp_path / "d")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "d").read_bytes()


def test_fewer_keys_may_be_kept_than_were_saved(tmp_path):
    keyed = KeyedDetectors(Sums)
    keyed.update_many("abc", [1, 2, 3])
    keyed.save(tmp_path / "c")
    with pytest.warns(EvictionWarning, match="more than 2 keys: 'a'"):
        loaded = KeyedDetectors.load(tmp_path / "c", Sums, max_keys=2)
    assert contents(loaded) == {"b": [2], "c": [3]}
    assert loaded.evicted == 1


def test_other_states_change_nothing(tmp_path):
    keyed = KeyedDetectors(Sums)
    keyed.update_many("ab", [1, 2])
    keyed.save(tmp_path / "c")
    with pytest.raises(ValueError, match="key 'a': it has step 10, and this one 5"):
        KeyedDetectors.load(tmp_path / "c", lambda: Sums(5))
    for state in (
        {},
        None,
        {"keys": ["a"], "detectors": [], "evicted": 0},
        {"keys": [1], "detectors": [{}], "evicted": 0},
    ):
        with pytest.raises(ValueError, match="state is not that of KeyedDetectors"):
            keyed.restore(state)
    with pytest.raises(ValueError, match="key 'b'"):
        keyed.restore({"keys": ["c", "b"], "detectors": [Sums().state(), Sums(3).state()], "evicted": 0, "max_keys": 9})
    assert contents(keyed) == {"a": [1], "b": [2]}
    write_checkpoint(tmp_path / "other", {}, kind="StreamDetector")
    with pytest.raises(CheckpointError, match="a checkpoint of a 'StreamDetector'"):
        KeyedDetectors.load(tmp_path / "other", Sums)
