"""Costs and codes whose kernels write into memory: parts beyond the text, several threads, copies."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ncd.changepoint import ContextTreeCode, WordCost, split_units


def words(n=4000):
    return WordCost().fit(split_units(" ".join(f"Word{i % 97} thing{i % 13}." for i in range(n))))


def tree(n=12_000):
    return ContextTreeCode.of(np.random.default_rng(0).random(n))


@pytest.mark.parametrize("make", [words, tree])
def test_one_object_in_several_threads(make):
    cost = make()
    n = len(cost.units) if hasattr(cost, "units") else cost.n
    expected = cost.growing(0, n), cost.gains(1, n)

    def work(_):
        return cost.growing(0, n), cost.gains(1, n)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(24)):
            assert all((a == b).all() for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("make", [words, tree])
def test_copies(make):
    cost = make(200)
    expected = cost.gains(0, 200)
    for other in (copy.deepcopy(cost), copy.copy(cost), pickle.loads(pickle.dumps(cost))):
        assert (other.gains(0, 200) == expected).all()
    assert len(pickle.dumps(tree(200))) < 20_000  # not the trees


@pytest.mark.parametrize("d", [1, 2])
def test_trees_refuse_what_is_beyond_the_sequence(d):
    code = ContextTreeCode.of(np.random.default_rng(0).random((100, d)))
    before = code.gains(0, 100)
    for start, stop in ((-1, 3), (-5, 100), (0, 101), (0, 10**7), (5, 3), (101, 101), (0, 2**70)):
        for method in (code.growing, code.gains):
            with pytest.raises(ValueError, match="of 100 elements"):
                method(start, stop)
        if stop < 2**60:
            for call in (
                lambda a, b: code.best_cuts([[0, 9], [a, b]], 1, 99, 1),
                lambda a, b: code.pooled([[0, 9], [a, b]]),
            ):
                with pytest.raises(ValueError, match=r"\[1\] is .*give 0 <= start <= stop <= 100"):
                    call(start, stop)
    for start, stop in (("a", 3), (0, 2.5), (None, 2)):
        with pytest.raises(TypeError, match="whole number"):
            code.growing(start, stop)
    with pytest.raises(TypeError, match="parts holds float64: give whole numbers"):
        code.pooled([[0.5, 3]])
    with pytest.raises(ValueError, match=r"intervals has shape \(1, 3\)"):
        code.best_cuts([[1, 2, 3]], 1, 99, 1)
    for options, message in (((0, 99, 1), "low is 0"), ((1, 99, 0), "edge is 0"), ((1, 99, -1), "edge is -1")):
        with pytest.raises(ValueError, match=message):
            code.best_cuts([[0, 100]], *options)
    assert code.growing(3, 3).shape == code.gains(3, 3).shape == code.gains(3, 4).shape == (0,)
    assert code.pooled([]) == 0.0
    assert code.best_cuts([], 1, 99, 1)[0].shape == (0,)
    cuts, gains = code.best_cuts([[0, 100], [50, 51], [0, 100]], 1, 10**30, 1)
    assert cuts.tolist() == [int(before.argmax()) + 1, -1, int(before.argmax()) + 1]
    assert gains.tolist() == [before.max(), -np.inf, before.max()]
    assert code.best_cuts([[0, 100]], 10**30, 10**31, 10**30)[0].tolist() == [-1]
    assert (code.gains(0, 100) == before).all()
