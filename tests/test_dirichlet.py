"""Code lengths under a Dirichlet prior: the closed form, the sequential form, and exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ncd.kernels.dirichlet import (
    add_counts,
    dirichlet_block,
    dirichlet_blocks,
    dirichlet_growing,
    dirichlet_steps,
)


def exact_bits(symbols, weights, seen):
    """The product of (a_v + n_v) / (A + t) as a fraction, one symbol after the other."""
    counts = [Fraction(w) + int(n) for w, n in zip(weights, seen, strict=True)]
    product = Fraction(1)
    for symbol in symbols:
        product *= counts[symbol] / sum(counts)
        counts[symbol] += 1
    return math.log2(product.denominator) - math.log2(product.numerator)


def no_counts(size):
    return np.zeros(size, np.int64)


@st.composite
def cases(draw):
    size = draw(st.integers(1, 6))
    symbols = np.array(draw(st.lists(st.integers(0, size - 1), max_size=40)), np.uint32)
    seen = np.array(draw(st.lists(st.integers(0, 20), min_size=size, max_size=size)), np.int64)
    one = draw(st.booleans())
    weights = draw(st.lists(st.sampled_from([0.01, 0.5, 1.0, 3.25, 100.0]), min_size=size, max_size=size))
    return symbols, np.array(weights[:1] if one else weights), np.array(weights[:1] * size if one else weights), seen


@given(cases())
def test_all_forms_are_the_exact_one(case):
    symbols, weights, each, seen = case
    size = len(each)
    wanted = exact_bits(symbols, each, seen)
    total = float(each.sum() + seen.sum())
    scratch = no_counts(size)
    closed = dirichlet_block(symbols, 0, len(symbols), weights, total, seen, scratch)
    assert closed == pytest.approx(wanted, rel=1e-10, abs=1e-9)
    assert not scratch.any()
    counts, steps = seen.copy(), np.empty(len(symbols))
    dirichlet_steps(symbols, weights, total, counts, steps)
    assert steps.sum() == pytest.approx(wanted, rel=1e-10, abs=1e-9)
    np.testing.assert_array_equal(counts, seen + np.bincount(symbols, minlength=size))
    counts, growing = seen.copy(), np.empty(len(symbols) + 1)
    dirichlet_growing(symbols, 0, weights, total, counts, growing)
    np.testing.assert_allclose(growing, [0, *np.cumsum(steps)], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(counts, seen)


@given(cases(), st.data())
def test_parts_add_up(case, data):
    """L(xy) = L(x) + L(y|x), wherever the cut is."""
    symbols, weights, each, seen = case
    cut = data.draw(st.integers(0, len(symbols)))
    total, scratch = float(each.sum() + seen.sum()), no_counts(len(each))
    whole = dirichlet_block(symbols, 0, len(symbols), weights, total, seen, scratch)
    first = dirichlet_block(symbols, 0, cut, weights, total, seen, scratch)
    add_counts(symbols[:cut], seen)
    second = dirichlet_block(symbols, cut, len(symbols), weights, total + cut, seen, scratch)
    assert first + second == pytest.approx(whole, rel=1e-10, abs=1e-9)


def test_many_pieces_are_single_pieces():
    rng = np.random.default_rng(0)
    symbols = rng.integers(0, 50, 500).astype(np.uint32)
    starts = rng.integers(0, 400, 30)
    stops = starts + rng.integers(0, 100, 30)
    weights, none = np.array([0.5]), np.empty(0, np.int64)
    scratch, bits = no_counts(50), np.empty(30)
    dirichlet_blocks(symbols, starts, stops, weights, 25.0, none, scratch, bits)
    for start, stop, found in zip(starts, stops, bits, strict=True):
        assert found == pytest.approx(exact_bits(symbols[start:stop], [0.5] * 50, [0] * 50), rel=1e-10)
        growing = np.empty(stop - start + 1)
        dirichlet_growing(symbols, start, weights, 25.0, no_counts(50), growing)
        assert growing[-1] == pytest.approx(found, rel=1e-10)


def test_krichevsky_and_trofimov():
    """Their estimator by hand: 1/2, then 3/4, 1/6."""
    steps = np.empty(3)
    dirichlet_steps(np.array([0, 0, 1], np.uint32), np.array([0.5]), 1.0, no_counts(2), steps)
    np.testing.assert_allclose(2**-steps, [1 / 2, 3 / 4, 1 / 6])


def test_probabilities_sum_to_one():
    rng = np.random.default_rng(1)
    weights, counts = rng.random(9) + 0.01, rng.integers(0, 30, 9)
    total = float(weights.sum() + counts.sum())
    each = np.array(
        [dirichlet_block(np.array([v], np.uint32), 0, 1, weights, total, counts, no_counts(9)) for v in range(9)]
    )
    assert (2**-each).sum() == pytest.approx(1, rel=1e-12)


def test_large_counts_keep_their_digits():
    """A million symbols: both forms agree to a millionth of a bit."""
    symbols = (np.random.default_rng(2).random(1_000_000) ** 2 * 1000).astype(np.uint32)
    steps, weights = np.empty(len(symbols)), np.array([0.5])
    dirichlet_steps(symbols, weights, 500.0, no_counts(1000), steps)
    none = np.empty(0, np.int64)
    closed = dirichlet_block(symbols, 0, len(symbols), weights, 500.0, none, no_counts(1000))
    assert closed == pytest.approx(math.fsum(steps), abs=1e-5)
