"""Context models over other alphabets: open ones, words, tokens."""

import naive_context as naive
import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.compressors.context_learners import CountLearner
from ncd.kernels import context_counts as counts

RULES = {
    "ppm": (counts.PPM, True, naive.ppm),
    "ppm, full": (counts.PPM, False, naive.ppm_full),
    "wb": (counts.WITTEN_BELL, False, naive.wb),
    "kn": (counts.KNESER_NEY, True, naive.kn),
    "ngram": (counts.NGRAM, False, naive.ngram),
}


def numbered(symbols):
    """Symbols by the order in which they come."""
    seen = {}
    return [seen.setdefault(symbol, len(seen)) for symbol in symbols]


def relative(found, expected):
    """Greatest relative difference."""
    found, expected = np.asarray(found), np.asarray(expected)
    return float((np.abs(found - expected) / expected).max(initial=0))


# ---- symbols without end


@pytest.mark.parametrize("kind", RULES)
@given(order=st.integers(0, 4), symbols=st.lists(st.integers(0, 8), max_size=60).map(numbered))
def test_an_open_alphabet_is_the_limit_of_large_ones(kind, order, symbols):
    """Of very many symbols, all that have not come together have the probability of "a new one"."""
    if kind == "ngram":
        order += 1
    number, single, rule = RULES[kind]
    learner = CountLearner(counts.Rule(number, order, 0, 0.0, single))
    found = learner.shares(np.array(symbols, np.uint32))
    alphabet = 10**18
    expected = naive.shares(rule, order, symbols, alphabet=alphabet)
    known = 0
    for i, symbol in enumerate(symbols):
        if symbol == known:
            expected[i] *= alphabet - known
            known += 1
    assert relative(found, expected) < 1e-9
    distribution = learner.distribution()
    assert distribution.shape == (known + 1,)
    assert distribution.sum() == pytest.approx(1, abs=1e-12)
    assert (distribution > 0).all()
    past = naive.learned(order, symbols, alphabet)
    assert relative(distribution[:known], [rule(past, s) for s in range(known)]) < 1e-9


@given(symbols=st.lists(st.integers(0, 8), max_size=60).map(numbered), alpha=st.sampled_from([0.01, 0.5, 3.0]))
def test_dirichlet_without_end(symbols, alpha):
    learner = CountLearner(counts.Rule(counts.DIRICHLET, 0, 0, alpha, False))
    expected = []
    for i, symbol in enumerate(symbols):
        past = symbols[:i]
        known = len(set(past))
        own = past.count(symbol) if symbol < known else known
        expected.append((own + alpha) / (i + known + alpha * (known + 1)))
    assert relative(learner.shares(np.array(symbols, np.uint32)), expected) < 1e-12
    assert learner.distribution().sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", [*RULES, "dirichlet"])
@given(symbols=st.lists(st.integers(0, 30), max_size=300).map(numbered), order=st.integers(0, 3))
def test_streams_of_symbols_without_end(kind, symbols, order):
    number, single, _ = RULES.get(kind, (counts.DIRICHLET, False, None))
    order = {"dirichlet": 0, "ngram": order + 1}.get(kind, order)
    learner = CountLearner(counts.Rule(number, order, 0, 0.5, single))
    stream = learner.encode(np.array(symbols, np.uint32))
    assert learner.decode(stream, len(symbols)).tolist() == symbols
    bits = learner.bits(np.array(symbols, np.uint32))
    assert len(stream) <= np.ceil(bits / 8) + 1


def test_forgetting_new_symbols():
    """What is learned after a text and forgotten again was never there."""
    rng = np.random.default_rng(0)
    for number, single, _ in RULES.values():
        learner = CountLearner(counts.Rule(number, 2, 0, 0.0, single))
        first = np.array(numbered(rng.integers(0, 20, 80)), np.uint32)
        known = int(first.max()) + 1
        learner.stand(first)
        after = [np.array(numbered([*first, *rng.integers(0, 40, 30)]), np.uint32)[80:] for _ in range(5)]
        assert any(symbols.max() > known for symbols in after)
        for symbols in after:
            fresh = CountLearner(counts.Rule(number, 2, 0, 0.0, single))
            whole = fresh.shares(np.concatenate([first, symbols]))
            np.testing.assert_array_equal(learner.shares(symbols, len(first)), whole[80:])
