"""The rules of the recommendation, on made-up results."""

import pytest

from ncd.compare.intervals import Difference, Estimate
from ncd.compare.recommend import RULES, recommended
from ncd.compare.results import Agreement, Cost, Curve, Duel, Score, TaskResult


def score(method, family, value, half=0.01, p=None, behind=None, query=1.0, encode=None, disk=None):
    """A made-up score; `p` and `behind` to the best."""
    held = None if p is None else Difference(-(behind or 0.0), -1.0, 1.0, p, 1000)
    estimate = Estimate(value, value - half, value + half, 1000)
    return Score(method, family, estimate, held, Cost(query=query, encode=encode, disk=disk))


def result(*scores, duel=None, curves=(), task="classify", higher=True, n=1000, **options):
    """A made-up result; `duel` is how much compression reaches more than embeddings, and p."""
    duels = ()
    if duel is not None:
        value, p = duel
        duels = (Duel("c", "e", ("compression", "embedding"), Difference(value, value - 0.01, value + 0.01, p, 1000)),)
    return TaskResult(task, "accuracy", higher, n, scores, duels, curves=curves, **options)


def said(*results, agreements=()):
    """Rule -> sentence."""
    advice = recommended(results, agreements)
    assert all(one.rule in RULES and one.about for one in advice)
    return {one.rule: one.text for one in advice}


def test_the_best_is_taken_where_all_others_are_worse():
    text = said(result(score("c", "compression", 0.9), score("e", "embedding", 0.8, p=0.001, behind=0.1)))
    assert text["best"] == "The best is c with 90.0 % [89.0, 91.0]."
    assert text["equal"] == "All other methods are clearly worse."
    assert text["take"] == "Take c: the best (1 s for 1,000 texts)."
    assert "small" not in text


@pytest.mark.parametrize(
    ("p", "behind", "query", "taken"),
    [
        (0.3, 0.01, 0.1, "e"),  # not clearly worse, near, faster
        (0.3, 0.03, 0.6, "c"),  # too far behind, though not clearly worse
        (0.01, 0.01, 0.1, "c"),  # clearly worse
        (0.3, 0.01, 5.0, "c"),  # slower
    ],
)
def test_a_faster_method_is_taken_only_if_near_and_not_clearly_worse(p, behind, query, taken):
    text = said(result(score("c", "compression", 0.9), score("e", "embedding", 0.89, p=p, behind=behind, query=query)))
    assert text["take"].startswith(f"Take {taken}: ")


def test_encoding_counts_as_time():
    other = score("e", "embedding", 0.9, p=1.0, behind=0.0, query=0.1, encode=30.0)
    assert said(result(score("c", "compression", 0.9), other))["take"].startswith("Take c: the best, and the fastest")


def test_nothing_is_recommended_at_chance_level():
    text = said(
        result(score("c", "compression", 0.31), score("most frequent label", "baseline", 0.3, p=0.4, behind=0.01))
    )
    assert set(text) == {"best", "chance"}
    for ahead in (0.31, 0.3):
        text = said(result(score("always", "baseline", ahead), score("c", "compression", 0.3, p=1.0)))
        assert set(text) == {"chance"}
        assert "The baseline 'always'" in text["chance"]
        assert "better than every method, or as good" in text["chance"]
    beaten = score("always", "baseline", 0.2, p=0.001, behind=0.2)
    assert "take" in said(result(score("c", "compression", 0.4), beaten))


def test_wide_intervals_are_said():
    text = said(result(score("c", "compression", 0.8, half=0.06)))
    assert (
        text["small"] == "With 1,000 test texts that figure is only known to ± 6.0 points: more test texts would help."
    )


@pytest.mark.parametrize(
    ("n", "task", "unit", "words"),
    [
        (1, "classify", "texts", "1 test text: far too few"),
        (15, "classify", "texts", "15 test texts: far too few"),
        (3, "similarity", "pairs", "3 pairs: far too few"),
        (6, "segment", "documents", "6 documents: far too few"),
    ],
)
def test_few_texts_are_the_only_thing_said(n, task, unit, words):
    perfect = score("gzip", "compression", 1.0, half=0.0), score("always", "baseline", 0.5, p=0.9)
    text = said(result(*perfect, n=n, task=task, unit=unit))
    assert set(text) == {"too few"}
    assert text["too few"].startswith(words)
    assert "take" in said(result(*perfect[:1], n=30, task=task, unit=unit))


def test_test_texts_that_were_learned_from_are_no_ground_for_a_choice():
    perfect = score("e", "embedding", 1.0, half=0.0), score("always", "baseline", 0.5, p=0.001, behind=0.5)
    text = said(result(*perfect, n=100, leaked=100))
    assert set(text) == {"leak", "best"}
    assert text["leak"].startswith("100 of 100 test texts are word for word among the training texts")
    text = said(result(*perfect, n=100, leaked=3))
    assert "too high" in text["leak"]
    assert "take" in text


def test_what_figures_cannot_decide_is_said_with_the_faster_one():
    far = score("b", "embedding", 0.812, p=0.3, behind=0.088, query=1 / 60)
    text = said(result(score("a", "compression", 0.9), far))
    assert text["take"] == (
        "These test texts cannot decide between a and b (8.8 points apart): take a for its figure, or b, which is 60 "
        "times as fast."
    )
    near = score("b", "embedding", 0.895, p=0.3, behind=0.005, query=1 / 60)
    assert said(result(score("a", "compression", 0.9), near))["take"].startswith(
        "Take b: it cannot be told apart from a, the best (0.5 points apart), and is 60 times as fast"
    )
    many = [score(f"m{i}", "embedding", 0.895, p=0.3, behind=0.005) for i in range(9)]
    assert said(result(score("a", "compression", 0.9), *many))["equal"].endswith("here: m0, m1, m2, m3, m4 and 4 more.")


def test_what_was_left_out_is_in_the_recommendation():
    task = result(score("c", "compression", 0.9), left_out={"gzip 5-NN": "too slow"})
    advice = recommended([task], left_out={"minilm": "its model fell over"})
    assert [one.text for one in advice if one.rule == "left out"] == [
        "gzip 5-NN was left out: too slow.",
        "minilm was left out: its model fell over.",
    ]


@pytest.mark.parametrize(
    ("duel", "higher", "words"),
    [
        ((0.05, 0.001), True, "Compression (c) beats embeddings (e) by 5.0 points"),
        ((-0.05, 0.001), True, "Embeddings (e) beat compression (c) by 5.0 points"),
        ((-0.05, 0.001), False, "Compression (c) beats embeddings (e) by 5.0 points"),
        ((0.05, 0.2), True, "cannot be told apart (5.0 points, "),
    ],
)
def test_families(duel, higher, words):
    scores = (
        score("c", "compression", 0.9, disk=10**6),
        score("e", "embedding", 0.8, p=0.001, query=10.0, disk=9 * 10**7),
    )
    text = said(result(*scores, duel=duel, higher=higher))
    assert words in text["families"]
    assert text["cost"] == (
        "For an answer e takes 10.0 times as long as c; on disk they take 90.0 MB (e) and 1.0 MB (c)."
    )


def test_few_labels():
    curves = (
        Curve("c", "compression", (5, 10, 50), ((0.5, 0.52, 0.51), (0.5, 0.5, 0.51), (0.9, 0.91, 0.92))),
        Curve("e", "embedding", (5, 10, 50), ((0.7, 0.73, 0.7), (0.7, 0.7, 0.71), (0.9, 0.93, 0.88))),
        Curve("f", "embedding", (5, 10, 50), ((0.1, 0.1, 0.1), (0.1, 0.1, 0.1), (0.2, 0.2, 0.2))),
    )
    text = said(result(score("c", "compression", 0.9), curves=curves))["few"]
    assert text == (
        "With 5 (e, by 20.0 points) and 10 (e, by 20.0 points) labelled texts a class embeddings lead; with 50 "
        "labelled texts a class neither leads clearly."
    )
    one_draw = tuple(Curve(c.method, c.family, (5,), ((c.accuracies[0][0],),)) for c in curves)
    assert "few" not in said(result(score("c", "compression", 0.9), curves=one_draw))


def test_geometry():
    def agreement(a, b, overlap):
        return Agreement(a, b, 100, 0.5, 0.001, Estimate(overlap, overlap - 0.05, overlap + 0.05, 100), 10, 0.8)

    text = said(agreements=[agreement("a", "b", 0.6), agreement("a", "c", 0.1)])["geometry"]
    assert "a and b agree most (60 %" in text
    assert "a and c least (10 %)" in text
    assert "mostly disagree" in text
    assert "disagree" not in said(agreements=[agreement("a", "b", 0.6)])["geometry"]
    text = said(agreements=[agreement("a", "b", 1.0), agreement("a", "c", 1.0)])["geometry"]
    assert text == "Every two sources share 100 % of their 10 nearest neighbours."


def test_similarity_counts_in_correlations():
    scores = score("e", "embedding", 0.9), score("c", "compression", 0.4, p=0.001)
    text = said(result(*scores, task="similarity", duel=(-0.5, 0.001)))
    assert text["best"] == "The best is e with 0.900 [0.890, 0.910]."
    assert "beat compression (c) by 0.500" in text["families"]


def test_no_result_no_advice():
    assert recommended([], []) == []
    assert said(result(score("always", "baseline", 0.3)))["best"] == "No method was measured."
