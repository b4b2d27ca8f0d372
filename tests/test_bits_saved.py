"""`BitsSavedClassifier` and its parts: strings, separators and weights of experts against naive ones; hostile input."""

import functools
import math
import random
import warnings
from importlib.util import find_spec
from itertools import pairwise, permutations

import naive_classes as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import check_grad, minimize
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from support import make_text

import ncd
from ncd import data
from ncd.classify import bits_saved, combination, vocabulary
from ncd.classify.bits_saved import _folds
from ncd.classify.combination import Combination, centred
from ncd.classify.framed import new_frame
from ncd.classify.saved_bits import FACTORS, MachineRule, factors_of, fit_machine
from ncd.classify.vocabulary import find_strings
from ncd.kernels.ngram_features import STEPS

FACTS, MORE = data.load_factbook("train"), data.load_factbook("test")
EXPERTS = ["strings", "bytes", "words"]
if find_spec("tokenizers"):
    EXPERTS.append("tokens")


def quiet(model, texts, labels):
    """Fitted on texts so few that it says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ncd.FewLabelsWarning)
        return model.fit(texts, labels)


def made_up(seed, n, n_classes=2, longest=8):
    """Texts of words, some of which tell their class."""
    rng = random.Random(seed)
    codes = [i % n_classes for i in range(n)]
    words = ["aba", "cab", "b", "zz", "hello", *(f"w{c}" for c in range(n_classes))]
    weights = [[1] * 5 + [9 if c == code else 0.5 for c in range(n_classes)] for code in range(n_classes)]
    texts = [" ".join(rng.choices(words, weights[code], k=rng.randint(1, longest))) for code in codes]
    return [text.encode() for text in texts], codes


def signs_of(codes, columns):
    return np.where(np.array(codes)[:, None] == columns, 1, -1).astype(np.int8)


# Strings


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(list(b"aab\n\x00\xff")), max_size=10).map(bytes), min_size=1, max_size=7),
    st.integers(1, 7),
    st.integers(1, 4),
)
def test_strings_of_several_texts(texts, order, least):
    frame = new_frame("bytes")
    found = find_strings(frame.learn(texts), frame, order, least=least, most=None, n_jobs=1)
    reference = naive.BitsSaved(texts, [1] * len(texts), order, least)
    times = [reference.times(text) for text in [*texts, b"bab\x01a"]]
    owners = {v: frozenset((i, times[i][v]) for i in range(len(texts)) if times[i][v]) for v in reference.saved}
    # one feature for each set of texts and numbers, ranked by the number of texts
    assert found.multiplicity.sum() == len(owners)
    assert found.size == len(set(owners.values()))
    assert found.n_texts.tolist() == sorted(map(len, set(owners.values())), reverse=True)
    one_each = found.features(frame.read(texts), each_string=False, n_jobs=1)
    every = found.features(frame.read([*texts, b"bab\x01a"]), each_string=True, n_jobs=1)
    sets, everyone = (
        [
            list(zip(parts.features[start:stop].tolist(), (parts.steps[start:stop] + 1).tolist(), strict=True))
            for start, stop in pairwise([0, *parts.ends.tolist()])
        ]
        for parts in (one_each, every)
    )
    assert all(len({feature for feature, _ in features}) == len(features) for features in sets)  # none twice
    of_feature = [frozenset((i, t) for i, has in enumerate(sets) for f, t in has if f == g) for g in range(found.size)]
    assert sorted(map(sorted, of_feature)) == sorted(map(sorted, set(owners.values())))
    assert found.multiplicity.tolist() == [list(owners.values()).count(texts_of) for texts_of in of_feature]
    for mine, own in zip(everyone, times, strict=True):
        expected = [(sorted(owners[v]), t) for v, t in own.items() if v in owners]
        assert sorted((sorted(of_feature[f]), t) for f, t in mine) == sorted(expected)


def test_how_often_a_text_has_a_string():
    texts = [b"a" * n for n in (1, 2, 15, 16, 17, 19, 20, 24, 25, 567, 568, 5000)]
    frame = new_frame("bytes")
    found = find_strings(frame.learn(texts), frame, 1, least=2, most=None, n_jobs=1)
    a = found.strings.feature[found.strings.first[97]]
    had = found.features(frame.read(texts), each_string=True, n_jobs=1)
    steps = had.steps[had.features == a]
    assert STEPS[steps].tolist() == [1, 2, 15, 16, 16, 16, 20, 20, 25, 454, 568, 568]
    np.testing.assert_allclose(FACTORS[steps], [naive.factor(len(text)) for text in texts], rtol=1e-6)
    np.testing.assert_allclose(factors_of(np.array([len(text) for text in texts])), FACTORS[steps])


def test_the_strings_of_fewest_texts_are_left_out():
    texts, _ = made_up(3, 40)
    frame = new_frame("bytes")
    framed = frame.learn(texts)
    every = find_strings(framed, frame, 6, least=2, most=None, n_jobs=1)
    for most in (1, 5, every.size - 1, every.size, every.size + 1):
        some = find_strings(framed, frame, 6, least=2, most=most, n_jobs=1)
        assert some.size == min(most, every.size)
        np.testing.assert_array_equal(some.multiplicity, every.multiplicity[:most])
        np.testing.assert_array_equal(some.n_texts, every.n_texts[:most])
        np.testing.assert_array_equal(
            some.strings.feature, np.where(every.strings.feature < most, every.strings.feature, -1)
        )
    model = ncd.BitsSavedClassifier("strings", max_weights=50)
    labels = [i % 3 for i in range(40)]
    assert model.fit(texts, labels)._machine.vocabulary.size == 50 // 3
    assert model.set_params(max_weights=1).fit(texts, labels)._machine.vocabulary.size == 1
    two = model.set_params(max_weights=50).fit(texts, [i % 2 for i in range(40)])
    assert two._machine.vocabulary.size == 50


def test_more_strings_than_can_be_told_apart(monkeypatch):
    texts, codes = made_up(4, 30)
    monkeypatch.setattr(vocabulary, "_MOST", 50)
    with pytest.raises(ValueError, match=r"different strings are in at least 2 .* at most 50 .* smaller max_weights"):
        ncd.BitsSavedClassifier("strings").fit(texts, codes)
    assert ncd.BitsSavedClassifier("strings", max_weights=50).fit(texts, codes)._machine.vocabulary.size == 50


# Separators


EXACT = MachineRule(rounds=20_000, tolerance=1e-6)


@pytest.mark.parametrize(("order", "least", "cost"), [(6, 2, 3.0), (1, 1, 0.1), (7, 3, 1.0), (3, 2, 30.0)], ids=str)
def test_separators_are_those_of_liblinear(order, least, cost):
    texts, codes = made_up(order, 40, 3)
    queries, _ = made_up(100, 30, 3)
    queries += [b"", b"\x00", b"hello" * 40, b"qqq"]
    frame = new_frame("bytes")
    columns = np.arange(3)
    signs = signs_of(codes, columns)
    partly = signs.copy()
    partly[::4] = 0
    rule = MachineRule(order, least, cost, EXACT.rounds, EXACT.tolerance)
    machine, unseen = fit_machine(frame.learn(texts), signs, frame, rule, 1, left_out=[np.arange(0, 40, 4)])
    found = machine.scores(frame.read(queries), 1)
    assert machine.bias.shape == (3,)
    for c in range(3):
        whole = naive.BitsSaved(texts, signs[:, c], order, least)
        expected = whole.separator(texts, signs[:, c], cost).decision_function(whole.vectors(queries))
        np.testing.assert_allclose(found[:, c], expected, atol=0.01)  # weights have eight bits
        part = naive.BitsSaved(texts, partly[:, c], order, least)
        others = part.separator(texts, partly[:, c], cost).decision_function(part.vectors(texts[::4]))
        np.testing.assert_allclose(unseen[::4, c], others, atol=2e-5)
    np.testing.assert_array_equal(np.delete(unseen, np.s_[::4], 0), 0)


@pytest.mark.parametrize("cost", [1.0, 3.0])
def test_a_few_rounds_come_near_the_optimum(cost):
    texts, codes = [text.encode() for text in FACTS.texts[:200]], FACTS.labels[:200]
    columns = np.array(sorted(set(codes)))
    frame, signs = new_frame("bytes"), signs_of(codes, columns)
    framed = frame.learn(texts)
    usual, _ = fit_machine(framed, signs, frame, MachineRule(order=3, cost=cost), 1)
    exact, _ = fit_machine(framed, signs, frame, MachineRule(3, 2, cost, 3000, 1e-5), 1)

    def objective(machine):
        """What each separator minimises; v = weight / value of a string."""
        halves = (machine.rows.astype(np.uint32) << 16).view(np.float32).astype(float)
        weights, squares = halves[:, :, :8], halves[:, :, 8:]
        size = np.divide(weights**2, squares, out=np.zeros_like(weights), where=squares > 0)
        norm = (size * machine.vocabulary.multiplicity[:, None]).sum(1).ravel()[: len(columns)]
        lost = np.maximum(0, 1 - signs * machine.scores(framed, 1)) ** 2
        return (norm + machine.bias.astype(float) ** 2) / 2 + cost * lost.sum(0)

    assert (objective(usual) <= 1.01 * objective(exact)).all()


def test_bits_saved_are_the_formula():
    texts, codes = made_up(7, 60, 2)
    signs = signs_of(codes, np.array([1]))
    frame = new_frame("bytes")
    machine, _ = fit_machine(frame.learn(texts), signs, frame, MachineRule(), 1)
    reference = naive.BitsSaved(texts, signs[:, 0])
    squares = (machine.rows[0, :, 8].astype(np.uint32) << 16).view(np.float32)
    strings = machine.vocabulary.strings
    for v, saved in reference.saved.items():
        node, seen = int(strings.first[v[0]]), [v[0]]
        for symbol in v[1:]:
            first, end = strings.children[node], strings.children[node + 1]
            node = int(first) + strings.labels[first:end].tolist().index(symbol)
            seen.append(symbol)
        feature = strings.feature[node]
        assert machine.vocabulary.n_texts[feature] == reference.texts_with[v]
        assert math.isclose(squares[feature], saved**2, rel_tol=2**-8, abs_tol=1e-12)


def test_rounding_weights_to_eight_bits_changes_scores_by_little():
    texts, labels = FACTS.texts[:150], FACTS.labels[:150]
    columns = np.array(sorted(set(labels)))
    frame = new_frame("bytes")
    signs = signs_of(labels, columns)
    signs[100:] = 0  # unseen ones are scored before the rounding
    machine, exact = fit_machine(frame.learn([t.encode() for t in texts]), signs, frame, MachineRule(), 2)
    asked = frame.read([text.encode() for text in texts[100:]])
    rounded, exact = machine.scores(asked, 1), exact[100:]
    found = machine.vocabulary.features(asked, each_string=True, n_jobs=1)
    halves = machine.rows.reshape(-1, machine.vocabulary.size, 2, 8)
    sizes = np.abs((halves[:, :, 0].astype(np.uint32) << 16).view(np.float32)).transpose(1, 0, 2)
    sizes = sizes.reshape(machine.vocabulary.size, -1)[:, : len(columns)]
    _, squares = machine.sums(found, 1)
    for i, (first, end) in enumerate(pairwise([0, *found.ends.tolist()])):
        weight = (sizes[found.features[first:end]].T @ FACTORS[found.steps[first:end]]) / np.sqrt(squares[i])
        bound = 2**-8 * 1.01 * weight + 2**-9 * 1.01 * np.abs(exact[i] - machine.bias) + 1e-5
        assert (np.abs(rounded[i] - exact[i]) <= bound).all()
    assert np.abs(rounded - exact).max() < 0.02 * np.abs(exact).mean()
    assert np.abs(rounded - exact).max() > 1e-6  # they are rounded
    assert (rounded.argmax(1) == exact.argmax(1)).mean() > 0.95


def test_separators_do_not_depend_on_jobs_nor_on_their_neighbours():
    texts, codes = made_up(11, 60, 10)
    columns = np.arange(10)
    frame = new_frame("bytes")
    framed, signs = frame.learn(texts), signs_of(codes, columns)
    machines = [fit_machine(framed, signs, frame, MachineRule(), jobs)[0] for jobs in (1, 2, 3)]
    for machine in machines[1:]:
        np.testing.assert_array_equal(machine.rows, machines[0].rows)
        np.testing.assert_array_equal(machine.bias, machines[0].bias)
        for array, first in zip(machine.vocabulary.strings, machines[0].vocabulary.strings, strict=True):
            np.testing.assert_array_equal(array, first)
    few, _ = fit_machine(framed, signs[:, :8], frame, MachineRule(), 1)
    np.testing.assert_array_equal(few.rows[0], machines[0].rows[0])
    assert not (machines[0].rows[1, :, 2:8] != 0).any()  # of the second eight there are two


# Combination


def scores_of(seed, n, n_classes, strength):
    """Scores of experts of such strengths, and labels drawn from the probabilities that they give."""
    rng = np.random.default_rng(seed)
    scores = [centred(rng.normal(size=(n, n_classes))) for _ in strength]
    logits = sum(s * score for s, score in zip(strength, scores, strict=True))
    probable = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    codes = (probable.cumsum(1) < rng.random((n, 1))).sum(1)
    return scores, codes


def naive_cost(point, scores, codes):
    """The sum that is minimised, term by term."""
    weights, bias = point[: len(scores)], point[len(scores) :]
    total = 3 * (sum((w - 1 / len(weights)) ** 2 for w in weights) + sum(b**2 for b in bias))
    for i, code in enumerate(codes):
        logits = [
            sum(w * s[i, c] / s.std() for w, s in zip(weights, scores, strict=True)) + b for c, b in enumerate(bias)
        ]
        total += math.log(sum(map(math.exp, logits))) - logits[code]
    return total


@pytest.mark.parametrize("n_classes", [2, 5])
def test_gradient(n_classes):
    scores, codes = scores_of(0, 30, n_classes, (1.0, 0.3, 2.0))
    table = np.stack([score / score.std() for score in scores])
    rng = np.random.default_rng(1)
    for _ in range(5):
        point = rng.normal(size=3 + n_classes)
        value, gradient = combination._cost(point, table, codes)
        assert math.isclose(value * 30, naive_cost(point, scores, codes), rel_tol=1e-12)
        assert check_grad(*(lambda p, i=i: combination._cost(p, table, codes)[i] for i in (0, 1)), point) < 1e-6
        assert gradient.shape == point.shape


def test_weights_are_the_optimum():
    scores, codes = scores_of(2, 30, 3, (1.5, 0.2))
    made = Combination.fitted(scores, codes, usable=np.ones(30, bool))
    sizes = np.array([score.std() for score in scores])
    found = np.concatenate([made.weights * sizes, made.bias])
    best = minimize(naive_cost, np.ones(5), (scores, codes), method="Powell", options={"xtol": 1e-6, "ftol": 1e-12})
    assert naive_cost(found, scores, codes) < best.fun + 1e-5
    np.testing.assert_allclose(found, best.x, atol=2e-3)


def test_known_strengths_are_found():
    scores, codes = scores_of(3, 20_000, 4, (2.0, 0.5, 0.0))
    made = Combination.fitted(scores, codes, usable=np.ones(len(codes), bool))
    np.testing.assert_allclose(made.weights, [2.0, 0.5, 0.0], atol=0.06)
    np.testing.assert_allclose(made.bias, 0, atol=0.06)
    assert (made.weights >= 0).all()
    harmful, codes = scores_of(4, 500, 4, (2.0, -1.0))
    assert Combination.fitted(harmful, codes, usable=np.ones(500, bool)).weights[1] == 0


def test_few_texts_weigh_experts_alike():
    scores, codes = scores_of(5, 40, 3, (1.0, 1.0))
    none = Combination.fitted(scores, codes, usable=np.zeros(40, bool))
    np.testing.assert_allclose(none.weights * [score.std() for score in scores], 1 / 2)
    assert not none.bias.any()
    one = Combination.fitted(scores, codes, usable=np.arange(40) == 7)
    np.testing.assert_allclose(one.weights * [score.std() for score in scores], 1 / 2, atol=0.15)
    usable = codes != 1
    without = Combination.fitted(scores, codes, usable=usable)
    assert without.bias[1] == 0
    assert without.bias[0] != 0


def test_an_expert_that_says_nothing_weighs_nothing():
    scores, codes = scores_of(6, 50, 3, (1.0,))
    for dull in (np.zeros((50, 3)), np.full((50, 3), 0.1) + np.arange(50)[:, None] * 1e-16):
        made = Combination.fitted([*scores, dull], codes, usable=np.ones(50, bool))
        assert made.weights[1] == 0
        assert made.weights[0] > 0
        np.testing.assert_allclose(made.probabilities([*scores, dull]).sum(1), 1)


def test_logits_and_probabilities():
    made = Combination(np.array([2.0, 0.5]), np.array([0.1, -0.1]))
    scores = [np.array([[1.0, -1.0], [800.0, -800.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])]
    np.testing.assert_allclose(made.logits(scores), [[2.1, -0.1], [1600.1, -1600.1]])
    odds = math.exp(2.2)
    np.testing.assert_allclose(made.probabilities(scores), [[odds / (1 + odds), 1 / (1 + odds)], [1, 0]], atol=1e-15)


# The classifier


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80))
def test_folds_deal_out_every_class(codes):
    _, codes = np.unique(codes, return_inverse=True)
    folds = _folds(codes)
    for of_class in ([codes == c for c in range(codes.max() + 1)], [np.full(len(codes), True)]):
        for mine in of_class:
            counts = np.bincount(folds[mine], minlength=5)
            assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_training_texts_are_of_texts_not_seen(n_classes, monkeypatch):
    monkeypatch.setattr(bits_saved, "MachineRule", functools.partial(MachineRule, rounds=20_000, tolerance=1e-6))
    texts, codes = made_up(9, 30, n_classes)
    model = ncd.BitsSavedClassifier(EXPERTS[:3]).fit(texts, codes)
    folds = _folds(np.array(codes))
    said = model._fit_strings(folds, range(5), lambda steps: None)
    expected = np.zeros((30, n_classes))
    for fold in range(5):
        for c in range(n_classes):
            signs = [0 if folds[i] == fold else 1 if codes[i] == c else -1 for i in range(30)]
            machine = naive.BitsSaved(texts, signs)
            left = np.flatnonzero(folds == fold)
            separator = machine.separator(texts, signs, 3.0)
            expected[left, c] = separator.decision_function(machine.vectors([texts[i] for i in left]))
    expected = centred(expected)
    np.testing.assert_allclose(said, expected, atol=1e-4)
    roots = np.sqrt([[len(text) + 1] for text in texts])
    scores = [expected]
    for alphabet, rule in (("bytes", (6, 2.0, 0.5)), ("words", (2, 4.0, 0.25))):
        scores.append(centred(-naive.leave_one_out(texts, codes, n_classes, alphabet, *rule) / roots))
    whole = Combination.fitted(scores, np.array(codes), usable=np.ones(30, bool))
    np.testing.assert_allclose(model.combination_.weights, whole.weights, rtol=2e-3)
    np.testing.assert_allclose(model.combination_.bias, whole.bias, atol=2e-3)


def test_only_some_folds_are_left_out_of_many_texts(monkeypatch):
    monkeypatch.setattr(bits_saved, "_ENOUGH", 20)
    monkeypatch.setattr(bits_saved, "_ENOUGH_OF_EACH", 1)
    texts, codes = made_up(12, 80)
    asked = []
    inner = Combination.fitted

    def noted(scores, codes, *, usable):
        asked.append((len(codes), [score.shape for score in scores], int(usable.sum())))
        assert all(np.abs(score).max(1).all() for score in scores)  # each was left out somewhere
        return inner(scores, codes, usable=usable)

    monkeypatch.setattr(Combination, "fitted", noted)
    model = ncd.BitsSavedClassifier().fit(texts, codes)
    assert asked == [(32, [(32, 2)] * 3, 32)]  # two fifths of 80
    assert model.score(texts, codes) > 0.9


def test_scores_are_what_the_parts_say():
    texts, codes = made_up(13, 50, 4)
    queries, _ = made_up(14, 20, 4)
    model = ncd.BitsSavedClassifier(EXPERTS).fit(texts, codes)
    assert model.experts_ == tuple(EXPERTS)
    scores = model.expert_scores(queries)
    assert list(scores) == EXPERTS
    roots = np.sqrt([[len(text) + 1] for text in queries])
    for expert, name in zip(EXPERTS[1:], ["ngram", "words", "tokens"], strict=False):
        bits = ncd.CodeLengthClassifier(name).fit(texts, codes).code_lengths(queries)
        np.testing.assert_allclose(scores[expert], centred(-bits / roots), atol=1e-12)
    np.testing.assert_allclose(sum(scores.values()).sum(1), 0, atol=1e-9)
    weights, bias = model.combination_.weights, model.combination_.bias
    logits = sum(w * scores[expert] for w, expert in zip(weights, EXPERTS, strict=True)) + bias
    np.testing.assert_allclose(model.decision_function(queries), logits / math.log(2), rtol=1e-12)
    probable = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(queries), probable, rtol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3, 9])
def test_decisions_agree(n_classes):
    texts, codes = made_up(15, 60, n_classes)
    queries = [*made_up(16, 40, n_classes)[0], b"\xff", b"\x00" * 50, b"hello " * 5000]
    labels = [f"class {c}" for c in codes]
    model = ncd.BitsSavedClassifier().fit(texts, labels)
    probable, decided, said = model.predict_proba(queries), model.decision_function(queries), model.predict(queries)
    np.testing.assert_allclose(probable.sum(1), 1, rtol=1e-12)
    assert ((probable >= 0) & (probable <= 1)).all()
    assert said.tolist() == model.classes_[probable.argmax(1)].tolist()
    if n_classes == 2:
        assert decided.shape == (43,)
        assert said.tolist() == np.where(decided > 0, "class 1", "class 0").tolist()
        np.testing.assert_allclose(decided, np.log2(probable[:, 1] / probable[:, 0]), rtol=1e-9)
    else:
        assert decided.shape == (43, n_classes)
        assert (probable.argmax(1) == decided.argmax(1)).all()
        odds = np.log2(probable / probable[:, :1])
        np.testing.assert_allclose(decided - decided[:, :1], odds, atol=1e-8)


def test_jobs_and_repetition_do_not_change_a_bit():
    texts = [*made_up(17, 90, 9)[0], make_text(0, 5000).encode()]
    codes = [i % 9 for i in range(91)]
    first = ncd.BitsSavedClassifier(n_jobs=1).fit(texts, codes)
    expected = first.predict_proba(texts)
    for n_jobs in (1, 2, 3, None):
        again = ncd.BitsSavedClassifier(n_jobs=n_jobs).fit(texts, codes)
        np.testing.assert_array_equal(again.combination_.weights, first.combination_.weights)
        np.testing.assert_array_equal(again.combination_.bias, first.combination_.bias)
        np.testing.assert_array_equal(again.predict_proba(texts), expected)
    one_by_one = np.concatenate([first.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-12, atol=1e-300)


def test_experts_alone_and_in_any_order():
    texts, codes = made_up(18, 60, 3)
    queries, truth = made_up(19, 40, 3)
    for expert in EXPERTS:
        alone = ncd.BitsSavedClassifier(expert).fit(texts, codes)
        assert alone.experts_ == (expert,)
        assert alone.score(queries, truth) > 0.6
        listed = ncd.BitsSavedClassifier([expert]).fit(texts, codes)
        np.testing.assert_array_equal(listed.predict_proba(queries), alone.predict_proba(queries))
    expected = ncd.BitsSavedClassifier(EXPERTS[:3]).fit(texts, codes)
    for order in permutations(EXPERTS[:3]):
        turned = ncd.BitsSavedClassifier(np.array(order)).fit(texts, codes)
        assert turned.experts_ == order
        np.testing.assert_allclose(turned.predict_proba(queries), expected.predict_proba(queries), atol=1e-5)


@pytest.mark.parametrize("labels", [[3, -1, 7], ["b", "a", "long name"], [True, False, True], [2.0, 1.0, 3.0]], ids=str)
def test_labels_of_any_kind(labels):
    texts, codes = made_up(20, 60, 3)
    y = [labels[c] for c in codes]
    model = ncd.BitsSavedClassifier().fit(texts, y)
    assert model.classes_.tolist() == sorted(set(labels))
    assert model.counts_.tolist() == [y.count(label) for label in model.classes_]
    assert model.predict(texts).dtype == np.array(labels).dtype
    assert model.score(texts, y) > 0.9


def test_of_equally_probable_classes_the_larger_one_is_predicted():
    texts, _ = made_up(25, 20)
    model = ncd.BitsSavedClassifier("words").fit([*texts, texts[1]], ["c", "a"] * 10 + ["b"])
    assert model.counts_.tolist() == [10, 1, 10]
    chances = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.4, 0.2, 0.4], [0.3, 0.4, 0.3]])
    assert model.most_probable(chances).tolist() == ["a", "c", "a", "b"]


def test_two_classes_are_the_same_either_way_round():
    texts, codes = made_up(21, 60)
    one = ncd.BitsSavedClassifier().fit(texts, codes)
    other = ncd.BitsSavedClassifier().fit(texts, [1 - c for c in codes])
    np.testing.assert_allclose(one.predict_proba(texts), other.predict_proba(texts)[:, ::-1], atol=0.02)


@pytest.mark.parametrize("n_classes", [2, 3, 40])
def test_one_text_of_each_class(n_classes):
    rng = random.Random(0)
    words = [[f"{rng.randrange(10**6):x}" for _ in range(12)] for _ in range(n_classes)]
    texts, labels = [" ".join(own) for own in words], [f"l{i}" for i in range(n_classes)]
    with pytest.warns(
        ncd.FewLabelsWarning,
        match=rf"{n_classes} training texts in {n_classes} classes \({n_classes} of them with one text\)",
    ):
        model = ncd.BitsSavedClassifier().fit(texts, labels)
    assert np.isfinite(model.decision_function(texts)).all()
    assert model.predict(texts).tolist() == labels
    halves = [" ".join(own[::2]) for own in words]
    assert (model.predict(halves) == labels).mean() > 0.9
    np.testing.assert_allclose(model.predict_proba([*halves, "?"]).sum(1), 1)
    assert not model.combination_.bias.any()  # no label could be sent


def test_few_labels_are_spoken_of_only_if_they_are_few():
    texts, codes = made_up(22, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ncd.BitsSavedClassifier().fit(texts, codes)
    with pytest.warns(ncd.FewLabelsWarning, match=r"8 training texts in 2 classes are few") as caught:
        ncd.BitsSavedClassifier().fit(texts[:8], codes[:8])
    assert caught[0].filename == __file__


def test_a_rare_class_among_many_texts():
    texts = [make_text(i, 8) for i in range(600)] + ["alpha beta gamma", "beta alpha delta"]
    labels = ["common"] * 600 + ["rare"] * 2
    model = ncd.BitsSavedClassifier().fit(texts, labels)
    assert (
        model.predict(["alpha beta gamma", "gamma delta alpha", *texts[:50]]).tolist() == ["rare"] * 2 + ["common"] * 50
    )
    alone = ncd.BitsSavedClassifier().fit(texts[:601], labels[:601])
    assert alone.predict(texts[:50]).tolist() == ["common"] * 50
    assert np.isfinite(alone.decision_function(texts)).all()


HOSTILE = [
    b"\x00",
    b"\n",
    b"\xff\xfe\x00",
    b"a",
    b" ",
    b"a" * 20_000,
    bytes(range(256)) * 3,
    b"\xed\xa0\x80",
    b"\n" * 99,
]


def test_hostile_texts():
    texts = [*HOSTILE, *HOSTILE, make_text(1, 20_000).encode()]
    model = quiet(ncd.BitsSavedClassifier(EXPERTS), texts, [i % 3 for i in range(19)])
    for asked in (texts, [b"q"], [b"\x00" * 10_000], [make_text(2, 30_000).encode()]):
        probable = model.predict_proba(asked)
        assert np.isfinite(probable).all()
        np.testing.assert_allclose(probable.sum(1), 1)
        assert np.isfinite(model.decision_function(asked)).all()


@pytest.mark.parametrize(
    "texts", [["\n", "\n"], ["a", "a"], ["ab" * 20] * 9, [" ", "  "], ["a", "b"], ["same"] * 30], ids=str
)
def test_texts_that_tell_nothing(texts):
    labels = [0] + [1] * (len(texts) - 1)
    model = quiet(ncd.BitsSavedClassifier(EXPERTS), texts, labels)
    probable = model.predict_proba([*texts, "q", "\x00"])
    assert np.isfinite(probable).all()
    assert model.predict(texts[:1]).tolist() == [1] or len(texts) == 2


@pytest.mark.parametrize("least", [1, 3, 30, 1000])
def test_texts_that_must_have_a_string(least):
    texts, codes = made_up(23, 30, 3)
    model = ncd.BitsSavedClassifier(min_texts=least).fit(texts, codes)
    reference = naive.BitsSaved(texts, [1] * 30, 6, least)
    assert model._machine.vocabulary.multiplicity.sum() == len(reference.saved)
    assert np.isfinite(model.predict_proba([*texts, b"q"])).all()
    assert model.score(texts, codes) > 0.9


def test_a_thousand_classes():
    words = [f"{random.Random(i).randrange(10**9):x}" for i in range(1000)]
    texts = [f"{words[i // 3]} {make_text(i, 3)}" for i in range(3000)]
    labels = [i // 3 for i in range(3000)]
    model = ncd.BitsSavedClassifier(("strings", "words"), order=2).fit(texts, labels)
    assert model.predict_proba(texts[:3]).shape == (3, 1000)
    assert model.score([f"{words[i]} {make_text(-i, 3)}" for i in range(0, 1000, 9)], range(0, 1000, 9)) > 0.9


def test_it_learns_and_its_probabilities_are_fair():
    model = ncd.BitsSavedClassifier().fit(FACTS.texts, FACTS.labels)
    assert model.score(MORE.texts, MORE.labels) > 0.9
    chances = model.predict_proba(MORE.texts)
    assert log_loss(MORE.labels, chances, labels=model.classes_) < 0.4
    assert abs(chances.max(1).mean() - model.score(MORE.texts, MORE.labels)) < 0.06


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"experts": "string"}, ValueError, "experts is 'string': choose from 'strings', 'bytes', 'words', 'tokens'"),
        ({"experts": ["bytes", 3]}, ValueError, "experts is 3"),
        ({"experts": []}, ValueError, "experts is empty: choose from 'strings'"),
        ({"experts": None}, TypeError, "experts is None: give a list"),
        ({"experts": 7}, TypeError, "experts is 7: give a list of some of 'strings'"),
        ({"experts": {"bytes", "words"}}, TypeError, "give a list of some of 'strings'"),
        ({"experts": iter(["bytes"])}, TypeError, "give a list of some of 'strings'"),
        ({"experts": ("words", "words")}, ValueError, "name each once"),
        ({"order": 8}, ValueError, "order is 8: give a whole number from 1 to 7"),
        ({"order": 0}, ValueError, "order is 0"),
        ({"order": 2.0}, TypeError, "order is 2.0"),
        ({"min_texts": 0}, ValueError, "min_texts is 0: give a whole number from 1"),
        ({"max_weights": 0}, ValueError, "max_weights is 0"),
        ({"max_weights": None}, TypeError, "max_weights is None"),
        ({"cost": 0}, ValueError, "cost is 0: give a number above 0"),
        ({"cost": math.inf}, ValueError, "cost is inf"),
        ({"cost": math.nan}, ValueError, "cost is nan"),
        ({"cost": "1"}, ValueError, "cost is '1'"),
        ({"cost": True}, ValueError, "cost is True"),
        ({"n_jobs": 0}, ValueError, "n_jobs is 0: give a number of workers, -1 for all cores, or None"),
        ({"n_jobs": 1.5}, ValueError, r"n_jobs is 1\.5"),
    ],
    ids=str,
)
def test_parameters(wrong, error, words):
    with pytest.raises(error, match=words):
        ncd.BitsSavedClassifier(**wrong).fit(["some words", "other words"], [0, 1])


@pytest.mark.parametrize(
    ("texts", "labels", "error", "words"),
    [
        ([], [], ValueError, "X is empty"),
        (["a", ""], [0, 1], ncd.EmptyTextError, r"X\[1\] is empty"),
        (["a", "b"], [0, 0], ValueError, "one class only"),
        (["a", "b"], [0, math.nan], ValueError, r"y\[1\] is nan, a missing value"),
        (["a", "b"], ["x", math.nan], ValueError, r"y\[1\] is nan, a missing value"),
        (["a", "b"], ["x", None], ValueError, r"y\[1\] is None, a missing value"),
        (["a", "b"], ["x", 1], TypeError, "y mixes str"),
        (["a", "b"], ["x"], ValueError, "y has 1 labels and X 2 texts"),
        (["a", 5], [0, 1], TypeError, r"X\[1\] is"),
    ],
)
def test_training_data(texts, labels, error, words):
    with pytest.raises(error, match=words):
        ncd.BitsSavedClassifier().fit(texts, labels)


def test_not_fitted():
    for ask in ("predict", "predict_proba", "decision_function", "expert_scores"):
        with pytest.raises(NotFittedError):
            getattr(ncd.BitsSavedClassifier(), ask)(["text"])


def test_conventions_of_scikit_learn():
    texts, codes = made_up(24, 60, 3)
    texts = np.array([text.decode() for text in texts])
    y = np.array(codes)
    model = ncd.BitsSavedClassifier(("strings", "words"), cost=np.int64(2), order=np.int32(4))
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert again.set_params(experts="words").experts == "words"
    fitted = clone(model).fit(texts, y)
    assert fitted.experts == ("strings", "words")  # parameters stay as given
    grid = {"experts": ["words", ("strings", "bytes")], "cost": np.logspace(-1, 1, 2)}
    search = GridSearchCV(
        ncd.BitsSavedClassifier(n_jobs=1), grid, cv=2, error_score="raise", scoring="neg_log_loss"
    ).fit(texts, y)
    assert set(search.best_params_) == {"experts", "cost"}
    assert search.predict(texts).shape == (60,)
    upper = FunctionTransformer(lambda some: np.char.upper(some))
    piped = make_pipeline(upper, clone(model)).fit(texts, y)
    direct = clone(model).fit(np.char.upper(texts), y)
    np.testing.assert_array_equal(piped.predict_proba(texts), direct.predict_proba(np.char.upper(texts)))
    probable = cross_val_predict(clone(model), texts, y, cv=3, method="predict_proba")
    np.testing.assert_allclose(probable.sum(1), 1)
    assert (probable.argmax(1) == y).mean() > 0.7
