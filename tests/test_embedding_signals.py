"""Streams of text under an embedder: signals against obvious ones, the bound on false alarms, changes, checkpoints."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy.stats import norm

import ncd
from ncd.embed.base import Embedder
from ncd.embed.tfidf import Tfidf
from ncd.embed.units import unit_vectors
from ncd.exceptions import EmptyTextError, UnknownWordsWarning
from ncd.streams.base import TextUnits
from ncd.streams.edetector import EDetector
from ncd.streams.embedding_signals import EmbeddingSignals

DIM = 12


class Table(Embedder):
    """Text ``N/I`` has the I-th vector of a fixed cloud around the N-th centre."""

    dim = DIM

    def __init__(self, name="table", spread=1.0):
        self._name, self._spread = name, spread

    @property
    def name(self):
        return self._name

    @property
    def digest(self):
        return f"{self._name} {self._spread}"

    def _encode(self, texts, progress):
        rows = []
        for text in texts:
            if text == "unknown":
                raise EmptyTextError("texts[0] has no known word")
            cloud, _, number = text.partition("/")
            centre = np.random.default_rng(int(cloud)).normal(size=DIM) * self._spread
            rows.append(centre + np.random.default_rng([int(cloud), int(number)]).normal(size=DIM))
        return np.array(rows)


def units(cloud, start, stop):
    return [f"{cloud}/{i}".encode() for i in range(start, stop)]


def unit_rows(texts, embedder=None):
    vectors = (embedder or Table()).encode(texts).astype(float)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def deviate(x, window, others, luck):
    """The documented novelty of one vector among different ones."""
    f = lambda z: np.mean([y @ z for y in window]) - np.mean([o @ z for o in others])  # noqa: E731
    return norm.isf((sum(f(o) > f(x) for o in others) + luck) / (len(others) + 1))


def obvious(x, window, others, luck):
    """The documented signals of one vector."""
    near = np.mean(sorted(o @ x for o in others)[-5:])
    return [deviate(x, window, others, luck), 1 - near, near - 1]


def test_signals_of_the_reference_and_of_new_units_follow_the_definition():
    window, n = 3, 15
    old, new = units(1, 0, n), [*units(1, n, n + 3), *units(2, 0, 4)]
    signals = EmbeddingSignals(Table(), window=window)
    rows = signals.learn(TextUnits.of(old))
    x, luck = unit_rows(old), np.random.default_rng(0).random(n)
    expected = [
        obvious(x[i], x[i - window : i], [x[j] for j in range(n) if not i - window <= j <= i], luck[i])
        for i in range(window, n)
    ]
    np.testing.assert_allclose(rows, expected, atol=1e-5)  # distances are rounded
    found = signals.measure(TextUnits.of(new))
    everything = np.concatenate([x, unit_rows(new)])
    expected = []
    for i in range(n, n + len(new)):
        inside = max(n - (i - window), 0)  # of the reference, in the window
        others = everything[window + 1 - inside : n - inside]
        assert len(others) == n - window - 1
        chance = np.random.default_rng([0, i - n]).random()
        expected.append(obvious(everything[i], everything[i - window : i], others, chance))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_by_one_is_the_same_as_together():
    one, together = (EmbeddingSignals(Table()) for _ in range(2))
    for signals in (one, together):
        signals.learn(TextUnits.of(units(1, 0, 30)))
    new = [*units(1, 30, 40), *units(3, 0, 20)]
    rows = np.concatenate([one.measure(TextUnits.of([unit])) for unit in new])
    np.testing.assert_allclose(rows, together.measure(TextUnits.of(new)), atol=1e-12)


def test_bits_are_distances_and_leave_the_window():
    signals = EmbeddingSignals(Table(), window=2)
    signals.learn(TextUnits.of(units(1, 0, 20)))
    before = signals.state()
    distances = signals.bits(TextUnits.of(units(2, 0, 3)))
    x, new = unit_rows(units(1, 0, 20)), unit_rows(units(2, 0, 3))
    expected = [1 - np.sort(x[3:] @ row)[-5:].mean() for row in new]
    np.testing.assert_allclose(distances, expected, atol=1e-5)
    after = signals.state()
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_the_newest_2000_units_are_the_reference():
    signals = EmbeddingSignals(Table(), window=1)
    rows = signals.learn(TextUnits.of(units(1, 0, 2010)))
    assert len(rows) == 1999
    other = EmbeddingSignals(Table(), window=1)
    other.learn(TextUnits.of(units(1, 10, 2010)))
    assert np.array_equal(other.state()["reference"], signals.state()["reference"])
    assert signals.nbytes > 2000 * DIM * 8


def test_too_few_units_are_no_reference():
    signals = EmbeddingSignals(Table(), window=8)
    assert signals.learn(TextUnits.of(units(1, 0, 10))).shape == (0, 3)
    with pytest.raises(ValueError, match="no reference yet"):
        signals.measure(TextUnits.of(units(1, 0, 1)))
    assert signals.learn(TextUnits.of(units(1, 0, 11))).shape == (3, 3)


def test_state_comes_back():
    signals = EmbeddingSignals(Table())
    signals.learn(TextUnits.of(units(1, 0, 40)))
    signals.measure(TextUnits.of(units(1, 40, 45)))
    state = pickle.loads(pickle.dumps(signals.state()))
    again = EmbeddingSignals(Table())
    again.restore(state)
    new = TextUnits.of(units(2, 0, 10))
    assert np.array_equal(signals.measure(new), again.measure(new))
    with pytest.raises(ValueError, match="window is 8, here it is 4"):
        EmbeddingSignals(Table(), window=4).restore(state)
    with pytest.raises(ValueError, match="another embedder of the name 'table'"):
        EmbeddingSignals(Table(spread=2.0)).restore(state)
    with pytest.raises(ValueError, match="do not fit together"):
        EmbeddingSignals(Table()).restore({**state, "newest": state["newest"][:3]})
    with pytest.raises(ValueError, match="no state of EmbeddingSignals"):
        EmbeddingSignals(Table()).restore({"window": 8})


def test_units_that_say_nothing_are_zeros():
    vectors = unit_vectors(Table(), [b"1/1", b"* *", b"", b"unknown", b"1/2\n"])
    assert vectors.any(axis=1).tolist() == [True, False, False, False, True]
    assert np.array_equal(vectors[4], Table().encode(["1/2"])[0])
    assert not unit_vectors(Table(), [b"--"]).any()


def test_a_stream_of_blank_lines_and_equal_lines_is_watched():
    detector = ncd.StreamDetector(embedder=Table(), reference=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ncd.DependenceWarning)
        detector.update_many(["***"] * 30 + ["1/1"] * 30 + ["***", "1/1", "unknown"] * 20)
    assert detector.n_units == 120


def kinds(name, rng, n):
    """Vectors of a stream of few kinds, drawn independently."""
    if name == "one of fifty":
        return np.eye(50)[rng.integers(50, size=n)]
    shares = {"90/5/5": [0.9, 0.05, 0.05], "95/5": [0.95, 0.05]}[name]
    return np.random.default_rng(5).normal(size=(len(shares), 20))[rng.choice(len(shares), n, p=shares)]


class Rows(Embedder):
    """Text I has the I-th row."""

    name, dim = "rows", 1

    def __init__(self, rows):
        self.rows, self.dim = rows, rows.shape[1]

    def _encode(self, texts, progress):
        return self.rows[[int(text) for text in texts]]


@pytest.mark.parametrize("name", ["90/5/5", "95/5", "one of fifty"])
def test_false_alarms_are_rare_where_units_repeat(name):
    """30 % are allowed; standard deviations and the reference's mean in the signal gave 44 to 55 %."""
    alarms = 0
    for run in range(40):
        rows = kinds(name, np.random.default_rng([run, 100]), 400)
        signals = EmbeddingSignals(Rows(rows), random_state=run)
        texts = TextUnits.of([str(i).encode() for i in range(400)])
        detector = EDetector(signals.weights, arl=1000, bets=signals.bets, random_state=run)
        detector.calibrate(signals.learn(texts[:100]))
        detector.update(signals.measure(texts[100:]))
        alarms += detector.alarm
    assert alarms <= 12


def test_the_mean_of_a_reference_whose_units_repeat_is_left_out():
    rows = np.eye(9)[np.random.default_rng(1).integers(9, size=40)]
    signals = EmbeddingSignals(Rows(rows), window=3)
    found = signals.learn(TextUnits.of([str(i).encode() for i in range(40)]))[:, 0]
    luck, expected = np.random.default_rng(0).random(40), []
    for i in range(3, 40):
        f = rows @ rows[i - 3 : i].mean(axis=0)
        others = np.delete(f, range(i - 3, i + 1))
        greater, equal = np.sum(others > f[i] + 1e-9), np.sum(np.abs(others - f[i]) < 1e-9)
        expected.append(norm.isf((greater + luck[i] * (equal + 1)) / (len(others) + 1)))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_encodings_that_differ_in_their_last_digits_are_equal():
    rng = np.random.default_rng(0)
    rows = np.array([[1.0, 0.2], [0.3, 1.0]])[rng.integers(2, size=120)]
    exact, noisy = (EmbeddingSignals(Rows(x)) for x in (rows, rows * (1 + rng.normal(size=rows.shape) * 1e-7)))
    texts = TextUnits.of([str(i).encode() for i in range(120)])
    np.testing.assert_array_equal(exact.learn(texts[:60]), noisy.learn(texts[:60]))
    np.testing.assert_array_equal(exact.measure(texts[60:]), noisy.measure(texts[60:]))


def test_false_alarms_are_as_rare_as_the_bound_says():
    """Within 300 units at arl=1,000 30 % are allowed; the reference is the shortest that users are advised to."""
    alarms = 0
    for run in range(60):
        embedder = Table(spread=float(run % 3))
        detector = ncd.StreamDetector(embedder=embedder, reference=100, arl=1000, unit="items", random_state=run)
        order = np.random.default_rng(run).permutation(2000)[:400]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ncd.DependenceWarning)  # a few references of a thousand look so by chance
            alarms += bool(detector.update_many([f"{run % 5}/{i}" for i in order]))
    assert alarms <= 18


@pytest.mark.parametrize("unit", ["lines", "items"])
def test_a_change_is_found_where_it_is(unit):
    stream = [*units(1, 0, 200), *units(2, 0, 40)]
    detector = ncd.StreamDetector(embedder=Table(), arl=10_000, unit=unit)
    changes = detector.update_many([text.decode() for text in stream])
    assert len(changes) == 1
    change = changes[0]
    assert abs(change.start - 200) <= 5
    assert change.unit < 215
    assert change.bits_before < change.bits_after <= 2
    assert change.measured_in == "cosine distance"
    assert "cosine distance" in str(change)
    assert change.novel == ()
    assert detector.is_learning


def test_default_reference_is_100_units():
    detector = ncd.StreamDetector(embedder=Table())
    detector.update_many([text.decode() for text in units(1, 0, 99)])
    assert detector.is_learning
    detector.update("1/99")
    assert not detector.is_learning
    assert detector.dependence is None


def test_checkpoints(tmp_path):
    stream = [text.decode() for text in [*units(1, 0, 150), *units(2, 0, 30)]]
    whole = ncd.StreamDetector(embedder=Table(), reference=100)
    parts = ncd.StreamDetector(embedder=Table(), reference=100)
    parts.update_many(stream[:130])
    parts.save(tmp_path / "a.ckpt")
    again = ncd.StreamDetector.load(tmp_path / "a.ckpt", embedder=Table())
    assert [*again.update_many(stream[130:])] == [*whole.update_many(stream)]
    with pytest.raises(ValueError, match="table"):  # no such name
        ncd.StreamDetector.load(tmp_path / "a.ckpt")
    with pytest.raises(ValueError, match="embedder"):
        ncd.StreamDetector.load(tmp_path / "a.ckpt", embedder=Table("chair"))


def test_scores_and_given_reference():
    detector = ncd.StreamDetector(embedder=Table(), reference=[text.decode() for text in units(1, 0, 60)])
    scores = detector.score_samples(["1/900", "2/0"])
    assert scores[0] > scores[1]


def test_what_does_not_go_together():
    with pytest.raises(ValueError, match="compressor is 'zstd' together with an embedder"):
        ncd.StreamDetector("zstd", embedder=Table())
    with pytest.raises(ValueError, match="gap is 10 together with an embedder"):
        ncd.StreamDetector(embedder=Table(), gap=10)
    with pytest.raises(ValueError, match="learns from texts"):
        ncd.StreamDetector(embedder="tfidf")
    with pytest.raises(ValueError, match="word3vec"):
        ncd.StreamDetector(embedder="word3vec")
    with pytest.raises(ValueError, match="window is 5000"):
        ncd.StreamDetector(embedder=Table(), window=5000)
    with pytest.raises(TypeError, match="an embedder takes text"):
        ncd.StreamDetector(embedder=Table()).update(3.0)
    with pytest.raises(TypeError, match="an embedder takes text"):
        EmbeddingSignals(Table()).learn(np.zeros((50, 2)))
    detector = ncd.StreamDetector(embedder=Table())
    with pytest.raises(ValueError, match="learns from texts"):
        detector.set_params(embedder="tfidf")
    assert detector.get_params()["embedder"].name == "table"
    detector.set_params(embedder=None)
    detector.update_many(np.zeros(3))


def test_an_embedder_that_has_learned_elsewhere():
    rng = np.random.default_rng(0)
    subjects = ["rain sun wind snow cloud storm fog hail", "tea cake milk bread sugar jam honey butter"]

    def said(subject, n):
        return [" ".join(rng.choice(subjects[subject].split(), 5)) for _ in range(n)]

    embedder = Tfidf(8).fit([*said(0, 50), *said(1, 50)])
    changes = ncd.StreamDetector(embedder=embedder, reference=80).update_many([*said(0, 150), *said(1, 20)])
    assert [change.interval[0] <= 150 <= change.interval[1] + 1 for change in changes] == [True]


class Plain:
    """Has encode alone."""

    name = "plain"

    def __init__(self, sign=1.0):
        self.sign = sign

    def encode(self, texts):
        return np.array([[len(text), self.sign * text.count("a") + 1] for text in texts], float)


def test_a_checkpoint_of_another_embedder_is_refused_also_while_a_reference_is_collected(tmp_path):
    one, other = (Tfidf(4).fit(["rain and sun", "wind and rain", "tea and cake", last]) for last in ("milk", "butter"))
    for first, second in ((one, other), (Plain(), Plain(-1.0))):
        detector = ncd.StreamDetector(embedder=first)
        detector.update_many(["rain", "sun"])
        detector.save(tmp_path / "b.ckpt")
        again = ncd.StreamDetector.load(tmp_path / "b.ckpt", embedder=first)
        assert again.n_units == 2
        with pytest.raises(ValueError, match="another embedder of the name"):
            ncd.StreamDetector.load(tmp_path / "b.ckpt", embedder=second)
        detector.update_many([f"rain {i}" for i in range(120)])
        with pytest.raises(ValueError, match="another embedder of the name"):
            ncd.StreamDetector(embedder=second).restore(detector.state())


def test_keys_share_one_model():
    from ncd.embed.registry import register_embedder

    loaded = []

    class Counted(Plain):
        def __init__(self):
            loaded.append(1)
            super().__init__()

    register_embedder("counted", Counted, force=True)
    by_name = ncd.KeyedDetectors(lambda: ncd.StreamDetector(embedder="counted"))
    copied = ncd.KeyedDetectors(ncd.StreamDetector(embedder="counted"))
    for keyed in (by_name, copied):
        for key in "abc":
            keyed.update(key, "a unit")
    models = {id(keyed[key]._embedder) for keyed in (by_name, copied) for key in "abc"}
    assert len(models) == len(loaded) == 1
    assert copied["a"].n_units == copied["b"].n_units == 1


def test_unknown_words_are_warned_of_with_the_reference_only(tmp_path):
    pytest.importorskip("gensim", reason="needs the extra 'embed'")
    (tmp_path / "v.txt").write_text("rain 1 0\nsun 0 1\ntea 1 1\n")
    detector = ncd.StreamDetector(embedder=f"word2vec:{tmp_path / 'v.txt'}", reference=40)
    lines = [f"rain {'sun tea'[i % 7 :]} nobody knows these {i}" for i in range(60)]
    with pytest.warns(UnknownWordsWarning, match="%"):
        detector.update_many(lines[:50])
    for line in lines[50:]:
        detector.update(line)
    assert detector.n_units == 60
