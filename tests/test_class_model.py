"""Class models and `CodeLengthClassifier`: counts and code lengths against the naive ones, and hostile input."""

import math
import random
from collections import Counter
from importlib.util import find_spec

import naive_classes as naive
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from support import make_text

import ncd
from ncd.classify import class_model
from ncd.classify.class_model import ClassModel
from ncd.classify.counted import Counted
from ncd.classify.framed import Frame, Framed, new_frame
from ncd.classify.parallel import in_threads, runs
from ncd.classify.strings import sorted_strings, string_groups
from ncd.kernels.class_bits import Rule
from ncd.kernels.ngrams import radix_sort
from ncd.tokens import offsets_of

RULES = {
    "bytes": [(6, 2.0, 0.5), (1, 0.3, 1.0), (4, 7.0, 0.05), (2, 1e-3, 0.5)],
    "words": [(2, 4.0, 0.25), (3, 0.1, 0.9), (1, 4.0, 1.0), (5, 2.0, 0.5)],
}
rules = pytest.mark.parametrize(
    ("alphabet", "rule"), [(name, rule) for name, chosen in RULES.items() for rule in chosen], ids=str
)
needs_tokens = pytest.mark.skipif(find_spec("tokenizers") is None, reason="needs the extra 'tokens'")
TOKENS = pytest.param("tokens", marks=needs_tokens)
MODELS = ["ngram", "words", TOKENS]
models = pytest.mark.parametrize("model", MODELS)
#: Few bytes, so that strings come again: two letters, a space, a newline, NUL, and one that is not UTF-8.
some_bytes = st.lists(st.sampled_from(list(b"aab \n\x00\xff")), max_size=12).map(bytes)
some_words = st.lists(st.sampled_from(["the", "THE", "cat", ",", "\xe9t\xe9", "\ud800"]), max_size=8).map(
    lambda words: " ".join(words).encode("utf-8", "surrogatepass")
)


def made_up(seed, n, n_classes, letters=b"ab c,", longest=25):
    """Texts of few letters, and the class of each; every class has one."""
    rng = random.Random(seed)
    texts = [bytes(rng.choices(letters, k=rng.randint(0, longest))) for _ in range(n)]
    return texts, [*range(n_classes), *(rng.randrange(n_classes) for _ in range(n - n_classes))]


def counted(texts, codes, n_classes, alphabet="bytes", order=6, alpha=2.0, weight=0.5, n_jobs=1):
    return Counted.of(
        texts,
        np.array(codes, np.int64),
        n_classes,
        alphabet,
        order=order,
        alpha=alpha,
        weight=weight,
        n_jobs=n_jobs,
    )


def check_bits(texts, codes, n_classes, queries, alphabet, rule):
    """Bits of positions, of texts, and of the training texts left out, against the naive ones."""
    model = counted(texts, codes, n_classes, alphabet, *rule)
    reference = naive.ClassModels(texts, codes, n_classes, alphabet, *rule)
    for query in queries:
        np.testing.assert_allclose(model.positions(query)[1], reference.positions(query), rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(model.bits(queries, n_jobs=1), reference.bits(queries), rtol=1e-11, atol=1e-9)
    own = model.left_out(texts, np.array(codes, np.int64), n_jobs=1)
    expected = naive.leave_one_out(texts, codes, n_classes, alphabet, *rule)
    known = np.isfinite(expected)
    np.testing.assert_allclose(own[known], expected[known], rtol=1e-11, atol=1e-9)


@rules
def test_code_lengths_are_the_formulas(alphabet, rule):
    texts, codes = made_up(1, 16, 3)
    queries = [*made_up(2, 6, 1, b"ab cd,\xff\x00")[0], b"", b"\n", b"d", b"dddd", texts[0]]
    check_bits(texts, codes, 3, queries, alphabet, rule)


@pytest.mark.parametrize(("alphabet", "text"), [("bytes", some_bytes), ("words", some_words)])
@settings(max_examples=40)
@given(st.data())
def test_any_texts(alphabet, text, data):
    n_classes = data.draw(st.integers(1, 4))
    labelled = data.draw(st.lists(st.tuples(text, st.integers(0, n_classes - 1)), min_size=2, max_size=6))
    queries = data.draw(st.lists(text, min_size=1, max_size=3))
    texts, codes = [text for text, _ in labelled], [code for _, code in labelled]
    rule = data.draw(st.tuples(st.integers(1, 6), st.floats(0.01, 100), st.floats(0.01, 1)))
    check_bits(texts, codes, n_classes, queries, alphabet, rule)


def tree(model):
    """Strings and their nodes, walked down from the root."""
    counts = model.counts
    found = {(symbol,): int(node) for symbol, node in enumerate(counts.first) if node >= 0}
    level = list(found)
    while level:
        below = []
        for u in level:
            node = found[u]
            if node + 1 < len(counts.children):
                first, end = int(counts.children[node]), int(counts.children[node + 1])
                assert (np.diff(counts.labels[first:end].astype(np.int64)) > 0).all()
                for child in range(first, end):
                    found[(*u, int(counts.labels[child]))] = child
                    below.append((*u, int(counts.labels[child])))
        level = below
    return found


@pytest.mark.parametrize("order", [1, 3, 6])
@pytest.mark.parametrize("alphabet", ["bytes", "words"])
def test_counts(alphabet, order):
    texts, codes = made_up(order, 30, 4)
    made = counted(texts, codes, 4, alphabet, order, n_jobs=2)
    counts, frame = made.model.counts, made.frame

    def named(u):
        """Numbers of words as words."""
        if alphabet == "bytes":
            return u
        return tuple(naive.MARK if s == frame.size - 1 else frame.alphabet.symbol(s).decode() for s in u)

    nodes = {named(u): node for u, node in tree(made.model).items()}
    assert sorted(nodes.values()) == list(range(len(counts.labels)))  # each has a string, and no other one
    reference = naive.ClassModels(texts, codes, 4, alphabet, order)
    assert set(nodes) == set(reference.all.n)
    for u, node in nodes.items():
        first, end = int(counts.entries[node]), int(counts.entries[node + 1])
        owners = counts.classes[first:end].tolist()
        assert owners == [c for c in range(4) if reference.classes[c].n[u]]
        assert counts.n[first:end].tolist() == [reference.classes[c].n[u] for c in owners]
        if len(u) <= order:
            assert counts.followed[first:end].tolist() == [reference.classes[c].followed(u) for c in owners]
            assert counts.distinct[first:end].tolist() == [reference.classes[c].distinct(u) for c in owners]
            assert counts.children[node + 1] - counts.children[node] == reference.all.distinct(u)
    every = [*reference.classes, reference.all]
    assert counts.root_followed.tolist() == [model.followed(()) for model in every]
    assert counts.root_distinct.tolist() == [model.distinct(()) for model in every]


@rules
def test_probabilities_sum_to_one(alphabet, rule):
    texts, codes = made_up(3, 20, 3)
    order, *others = rule
    orders = [counted(texts, codes, 3, alphabet, k, *others) for k in (order - 1, order) if k]
    frame = orders[0].frame
    text = frame.read([b"a b ab, cab abc a"]).symbols
    for size in (1, 2, order, order + 1, len(text) - 1):
        context = text[:size]

        def total(model, context=context):
            """Bits of each next symbol, summed over the orders."""
            ends = [
                model.model.positions(np.append(context, np.array(s, context.dtype)))[-1] for s in range(frame.size)
            ]
            return np.array(ends) * model.model.rule.order

        longest = total(orders[-1]) - (total(orders[0]) if order > 1 else 0)  # of the order K alone
        np.testing.assert_allclose((2.0**-longest).sum(0), 1, rtol=1e-9)


@pytest.mark.parametrize("alphabet", ["bytes", "words", TOKENS])
def test_results_do_not_depend_on_jobs_nor_on_the_order_of_texts(alphabet):
    texts = [make_text(i, 3 + i % 40).encode() for i in range(200)] + [make_text(999, 20_000).encode()]
    codes = np.arange(201) % 7
    queries = [make_text(1000 + i, 30).encode() for i in range(50)]
    results = []
    for n_jobs in (1, 2, 3, None):
        model = counted(texts, codes, 7, alphabet, RULES.get(alphabet, [(2,)])[0][0], n_jobs=n_jobs)
        results.append(
            (model.bits(queries, n_jobs=n_jobs), model.left_out(texts, codes, n_jobs=n_jobs), model.model.counts)
        )
    for bits, own, counts in results[1:]:
        np.testing.assert_array_equal(bits, results[0][0])
        np.testing.assert_array_equal(own, results[0][1])
        for array, first in zip(counts, results[0][2], strict=True):
            np.testing.assert_array_equal(array, first)
    turned = np.random.default_rng(0).permutation(201)
    if alphabet != "tokens":  # whose subwords may depend on it
        model = counted([texts[i] for i in turned], codes[turned], 7, alphabet, RULES[alphabet][0][0])
        np.testing.assert_array_equal(model.bits(queries, n_jobs=1), results[0][0])


def test_names_of_classes_do_not_matter():
    texts, codes = made_up(5, 40, 4)
    other = np.array([2, 0, 3, 1])
    bits = counted(texts, codes, 4).bits(texts, n_jobs=1)
    np.testing.assert_allclose(counted(texts, other[codes], 4).bits(texts, n_jobs=1)[:, other], bits, rtol=1e-13)


def test_no_product_is_too_small_for_a_float(monkeypatch):
    texts, codes = [b"a" * 2000, b"a" * 1000], [0, 1]
    rule = (6, 1e-9, 1e-60)
    queries = [b"a" * 50 + b"b" + b"a" * 9 + b"bcd", b"ab"]
    model = counted(texts, codes, 2, "bytes", *rule)
    assert 6 * model.positions(queries[0])[1].max() > 1074  # all orders of one symbol multiplied
    bits = model.bits(queries, n_jobs=1)
    np.testing.assert_allclose(bits, naive.ClassModels(texts, codes, 2, "bytes", *rule).bits(queries), rtol=1e-11)
    monkeypatch.setattr(class_model, "_PRODUCT_BITS", math.inf)
    assert model.bits(queries, n_jobs=1).max() == np.inf  # so the bound is needed


@pytest.mark.parametrize("rule", [(6, 2.0, 0.5), (3, 1e-3, 1.0), (6, 1e-2, 1e-3), (1, 50.0, 0.5)], ids=str)
def test_no_symbol_takes_more_bits_than_the_bound(rule):
    texts = [b"a" * 3000, b"ab" * 20, b"b"]
    model = counted(texts, [0, 1, 1], 2, "bytes", *rule).model
    bound = model._most_bits()
    assert len(bound) == rule[0]
    worst = max(
        model.positions(new_frame("bytes").read([query]).symbols).max() for query in (b"aaaaaaac", b"ababc", b"c", b"")
    )
    assert worst * rule[0] <= sum(bound) < 40 * worst * rule[0]


def test_careful_products_are_the_same(monkeypatch):
    texts, codes = made_up(8, 40, 3)
    quick = counted(texts, codes, 3).bits(texts, n_jobs=1)
    monkeypatch.setattr(class_model, "_PRODUCT_BITS", 200)
    careful = counted(texts, codes, 3)
    assert max(careful.model._most_bits()) < 200 < sum(careful.model._most_bits())
    np.testing.assert_allclose(careful.bits(texts, n_jobs=1), quick, rtol=1e-13)


def test_probabilities_too_small_are_refused():
    with pytest.raises(ValueError, match=r"alpha is 1e-300: with order 6 and 8 symbols .* choose a larger alpha"):
        ncd.CodeLengthClassifier(alpha=1e-300).fit(["ab", "cd"], [0, 1])


class Wide(Frame):
    """A frame of as many symbols as one likes."""

    def __init__(self, size):
        super().__init__(None)
        self._size = size

    @property
    def size(self):
        return self._size


def framed(rows, mark):
    symbols = np.array([s for row in rows for s in (mark, *row, mark)], np.uint32)
    return Framed(symbols, offsets_of((len(row) + 2 for row in rows), len(rows)))


def test_the_largest_alphabet():
    frame = Wide((1 << 21) - 1)
    top = frame.size - 1
    rows = [[0, 1, top - 1, top - 2], [top - 1, top - 2, 0], [1, 0, top - 1]]
    texts = framed(rows, top)
    assert frame.bits == 21
    model = ClassModel.of(texts, np.array([0, 1, 1]), 2, Rule(2, 4.0, 0.25, 1 / frame.size), frame, n_jobs=2)
    every = Counter(u for row in rows for u in naive.strings_of([top, *row, top], 3))
    assert set(tree(model)) == set(every)
    for u, node in tree(model).items():
        first, end = model.counts.entries[node], model.counts.entries[node + 1]
        assert model.counts.n[first:end].sum() == every[u]
    assert np.isfinite(model.bits(texts, n_jobs=1)).all()
    with pytest.raises(ValueError, match=r"2,097,152 symbols take 22 bits each.*order of at most 1"):
        ClassModel.of(texts, np.array([0, 1, 1]), 2, Rule(2, 4.0, 0.25, 1e-6), Wide(1 << 21), n_jobs=1)


def test_too_many_classes_are_refused():
    texts = framed([[0], [1]], 255)
    with pytest.raises(ValueError, match="y has 65,537 classes"):
        ClassModel.of(texts, np.array([0, 65_536]), 65_537, Rule(1, 1.0, 0.5, 1 / 256), Frame(None), n_jobs=1)
    model = ClassModel.of(texts, np.array([0, 65_535]), 65_536, Rule(1, 1.0, 0.5, 1 / 256), Frame(None), n_jobs=1)
    assert set(model.counts.classes.tolist()) == {0, 65_535}


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 64))
def test_radix_sort(keys, bits):
    keys = np.array([key >> (64 - bits) for key in keys], np.uint64)
    order = np.argsort(keys, kind="stable")
    one, owners = keys.copy(), np.arange(len(keys), dtype=np.uint32)
    two, others = np.empty_like(one), np.empty_like(owners)
    if radix_sort(one, owners, two, others, np.zeros((bits + 10) // 11 * 2048, np.int64), bits):
        one, owners = two, others
    np.testing.assert_array_equal(one, keys[order])
    np.testing.assert_array_equal(owners, order)


@given(st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=1, max_size=6), st.integers(1, 5))
def test_sorted_strings(rows, order):
    texts, frame = framed(rows, 5), Wide(6)
    groups = string_groups(texts.symbols, frame.size)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(texts.symbols)))
    found = []
    for places in groups:
        keys, owners = sorted_strings(texts, places, order, frame.bits)
        digits = [[int(key) >> (frame.bits * (order - 1 - i)) & 7 for i in range(order)] for key in keys]
        found += [([d - 1 for d in row if d], owner) for row, owner in zip(digits, owners.tolist(), strict=True)]
    marked = [[5, *row, 5] for row in rows]
    expected = [(row[at : at + order], i) for i, row in enumerate(marked) for at in range(len(row))]
    assert found == sorted(expected)


@given(st.lists(st.integers(2, 400), min_size=1, max_size=60))
def test_runs_cover_all_texts(sizes):
    edges = runs(offsets_of(sizes, len(sizes)))
    assert [i for first, last in edges for i in range(first, last)] == list(range(len(sizes)))
    assert all(first < last for first, last in edges)


def test_more_symbols_than_can_be_counted():
    with pytest.raises(ValueError, match=r"the training texts have 4,294,967,296 symbols in all"):
        string_groups(np.broadcast_to(np.uint8(97), 1 << 32), 256)


def test_results_of_threads_are_in_order():
    assert in_threads(lambda i: i * i, range(100), 3) == [i * i for i in range(100)]
    assert in_threads(lambda i: i, [], 3) == []


def test_texts_are_selected():
    texts = new_frame("bytes").read([b"one", b"", b"three"])
    part = texts.select(np.array([2, 1, 2]))
    assert part.symbols.tobytes() == b"\nthree\n\n\n\nthree\n"
    assert part.offsets.tolist() == [0, 7, 9, 16]


# The classifier


@models
def test_training_in_pieces_is_training_at_once(model):
    texts = [make_text(i, 12) + " né" * (i % 3) for i in range(40)]
    labels = [f"class {i % 5}" for i in range(40)]
    whole = ncd.CodeLengthClassifier(model).fit(texts, labels)
    pieces = ncd.CodeLengthClassifier(model)
    for start in (0, 3, 4, 20):
        stop = {0: 3, 3: 4, 4: 20, 20: 40}[start]
        assert pieces.partial_fit(texts[start:stop], labels[start:stop]) is pieces
        assert pieces.code_lengths(texts[:2]).shape == (2, min(5, stop))
    assert pieces.classes_.tolist() == whole.classes_.tolist()
    assert pieces.counts_.tolist() == whole.counts_.tolist()
    np.testing.assert_array_equal(pieces.code_lengths(texts), whole.code_lengths(texts))
    np.testing.assert_array_equal(pieces.leave_one_out(), whole.leave_one_out())
    fitted = ncd.CodeLengthClassifier(model).fit(texts[:20], labels[:20]).partial_fit(texts[20:], labels[20:])
    np.testing.assert_array_equal(fitted.code_lengths(texts), whole.code_lengths(texts))
    again = fitted.fit(texts[:20], labels[:20])
    assert again.counts_.sum() == 20


@pytest.mark.parametrize("model", [*MODELS, "zstd:3", "gzip"])
def test_a_class_without_texts_is_never_predicted(model):
    texts = ["spam and eggs", "eggs and ham"] * 3
    known = ncd.CodeLengthClassifier(model).partial_fit(texts, ["b", "d"] * 3)
    wide = ncd.CodeLengthClassifier(model).partial_fit(texts, ["b", "d"] * 3, classes=list("abcde"))
    assert wide.classes_.tolist() == list("abcde")
    assert wide.counts_.tolist() == [0, 3, 0, 3, 0]
    queries = ["ham", "zzz", "\x00"]
    lengths = wide.code_lengths(queries)
    assert (lengths[:, [0, 2, 4]] == np.inf).all()
    np.testing.assert_array_equal(lengths[:, [1, 3]], known.code_lengths(queries))
    assert wide.predict(queries).tolist() == known.predict(queries).tolist()
    assert (wide.leave_one_out()[:, [0, 2, 4]] == np.inf).all()
    wide.partial_fit(["green"], ["c"])
    assert np.isfinite(wide.code_lengths(queries)[:, 2]).all()


def test_labels_in_pieces():
    model = ncd.CodeLengthClassifier().partial_fit(["aa", "bb"], [1, 2])
    assert model.partial_fit(["cc"], [-7]).classes_.tolist() == [-7, 1, 2]
    assert model.counts_.tolist() == [1, 1, 1]
    assert model.predict(["cc"]).tolist() == [-7]
    with pytest.raises(TypeError, match="mix str, bool and numbers"):
        model.partial_fit(["dd"], ["x"])
    with pytest.raises(TypeError, match="mix str"):
        ncd.CodeLengthClassifier().partial_fit(["dd"], ["x"], classes=[1])
    assert model.classes_.tolist() == [-7, 1, 2]  # nothing has changed
    long = ncd.CodeLengthClassifier().partial_fit(["aa", "bb"], ["x", "y"]).partial_fit(["cc"], ["a long label"])
    assert long.predict(["cc"]).tolist() == ["a long label"]
    for none in ([], np.array([])):
        assert ncd.CodeLengthClassifier().partial_fit(["aa"], [3], classes=none).classes_.tolist() == [3]
        assert ncd.CodeLengthClassifier().partial_fit(["aa"], ["x"], classes=none).classes_.tolist() == ["x"]
    with pytest.raises(ValueError, match=r"classes\[1\] is None, a missing value"):
        ncd.CodeLengthClassifier().partial_fit(["dd"], ["x"], classes=["x", None])
    truths = ncd.CodeLengthClassifier().partial_fit(["aa"], [True], classes=[False, True])
    assert truths.predict(["zz"]).tolist() == [True]


@pytest.mark.parametrize(
    "options", [{}, {"model": "words"}, {"model": "zstd:3", "deals": 2}, {"model": "ppm:3"}], ids=str
)
def test_leaving_one_out_is_fitting_without_it(options):
    texts = [make_text(i, 3 + i % 7) + f" w{i}" * (i % 2) for i in range(14)]
    labels = [0, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 2]
    own = ncd.CodeLengthClassifier(**options).fit(texts, labels).leave_one_out()
    for i in range(14):
        others = [j for j in range(14) if j != i]
        without = ncd.CodeLengthClassifier(**options).partial_fit(
            [texts[j] for j in others], [labels[j] for j in others], classes=[0, 1, 2]
        )
        np.testing.assert_allclose(own[i], without.code_lengths([texts[i]])[0], rtol=1e-12)
    assert own[0, 0] == np.inf


HOSTILE = [
    b"\x00",
    b"\n",
    b"\xff\xfe\x00",
    b"a",
    b" ",
    b"a" * 60_000,
    bytes(range(256)) * 3,
    "\u0928\u092e\u0938\u094d\u0924\u0947 \U0001f600".encode(),
    b"\xed\xa0\x80",
]


@models
def test_hostile_texts(model):
    training = [*HOSTILE, *HOSTILE, b"b"]
    labels = [i % 3 for i in range(len(training))]
    fitted = ncd.CodeLengthClassifier(model).fit(training, labels)
    for texts in (HOSTILE, [b"q"], [b"b" * 100_000], [b"\x00" * 99]):
        lengths = fitted.code_lengths(texts)
        assert np.isfinite(lengths).all()
        assert (lengths >= 0).all()
        np.testing.assert_array_equal(fitted.decision_function(texts), -lengths)
        together = np.concatenate([fitted.code_lengths([text]) for text in texts])
        np.testing.assert_array_equal(together, lengths)
    own = fitted.leave_one_out()
    assert (own[np.isfinite(own)] >= 0).all()
    assert np.isfinite(own).all()


@pytest.mark.parametrize("texts", [["\n", "\n"], ["a", "a"], ["ab" * 20] * 9, [" ", "  "], ["a", "b"]], ids=str)
@models
def test_texts_that_tell_nothing(model, texts):
    labels = [0] + [1] * (len(texts) - 1)
    fitted = ncd.CodeLengthClassifier(model).fit(texts, labels)
    assert np.isfinite(fitted.code_lengths([*texts, "q"])).all()
    assert set(fitted.predict([*texts, "q"]).tolist()) <= {0, 1}


def test_equal_texts_in_two_classes_go_to_the_larger_class():
    texts = ["the same text"] * 6
    for labels in (["a", "b", "b", "b", "b", "b"], ["a", "a", "a", "a", "a", "b"]):
        fitted = ncd.CodeLengthClassifier().fit(texts, labels)
        assert fitted.predict(["the same text"]).tolist() == [max(labels, key=labels.count)]
    tied = ncd.CodeLengthClassifier().fit(["xx", "xx"], ["b", "a"])
    assert tied.decision_function(["xx", "q"]).tolist() == [0, 0]
    assert tied.predict(["xx", "q"]).tolist() == ["a", "a"]


def test_a_text_a_thousand_times_as_long_as_the_others():
    texts = [make_text(0, 30_000), *(make_text(i, 30) for i in range(1, 20))]
    fitted = ncd.CodeLengthClassifier().fit(texts, ["long", *(["short"] * 10), *(["brief"] * 9)])
    own = fitted.leave_one_out()
    assert own[0, 1] == np.inf  # "long" has no other text
    assert np.isfinite(np.delete(own, 0, axis=0)).all()
    reference = ncd.CodeLengthClassifier().partial_fit(texts[1:], [*(["short"] * 10), *(["brief"] * 9)])
    np.testing.assert_allclose(own[0, [0, 2]], reference.code_lengths(texts[:1])[0], rtol=1e-12)


def test_scratch_for_leaving_out_is_for_different_strings():
    texts = [b"ab" * 50_000, b"ba" * 30]
    model = counted(texts, [0, 1], 2).model
    own = model._work(100_002, leave_out=True).own
    assert len(own.nodes) == len(model.counts.labels) < 100
    assert 2 * len(own.nodes) <= len(own.table)
    assert model._work(4, leave_out=True).own.nodes.shape[0] <= 4 * 7
    assert len(model._work(100_002, leave_out=False).own.nodes) == 0
    np.testing.assert_array_less(0, model.bits(new_frame("bytes").read(texts), left_out=np.array([0, 1]), n_jobs=1))


@models
def test_a_thousand_classes(model):
    words = [f"{random.Random(i).randrange(10**9):x}" for i in range(1000)]
    texts = [f"{words[i // 3]} {make_text(i, 4)} {words[i // 3]}" for i in range(3000)]
    labels = [i // 3 for i in range(3000)]
    fitted = ncd.CodeLengthClassifier(model).fit(texts, labels)
    assert fitted.code_lengths(texts[:5]).shape == (5, 1000)
    assert fitted.score(texts[::10], labels[::10]) > 0.95
    if model == "ngram":
        assert (fitted.leave_one_out().argmin(1) == labels).mean() > 0.9


def test_one_text_against_a_thousand():
    texts = ["alpha beta gamma delta"] + [make_text(i, 8) for i in range(1000)]
    fitted = ncd.CodeLengthClassifier().fit(texts, ["rare", *["common"] * 1000])
    assert fitted.predict(["beta gamma", make_text(5000, 8)]).tolist() == ["rare", "common"]


def test_of_equal_code_lengths_the_larger_class_is_predicted():
    fitted = ncd.CodeLengthClassifier().fit(["xx", "xx", "yy"], ["a", "b", "c"])
    lengths = fitted.code_lengths(["xx"])[0]
    assert lengths[0] == lengths[1] < lengths[2]
    fitted.counts_ = np.array([1, 2, 3])
    assert fitted.predict(["xx"]).tolist() == ["b"]


def test_decisions():
    texts, labels = ["aaaa", "bbbb", "cccc", "aabb"], ["x", "y", "z", "x"]
    three = ncd.CodeLengthClassifier().fit(texts, labels)
    queries = ["aa", "bbb", "c"]
    np.testing.assert_array_equal(three.decision_function(queries), -three.code_lengths(queries))
    assert three.predict(queries).tolist() == three.classes_[three.code_lengths(queries).argmin(1)].tolist()
    two = ncd.CodeLengthClassifier().fit(texts[:2], labels[:2])
    lengths = two.code_lengths(queries)
    np.testing.assert_array_equal(two.decision_function(queries), lengths[:, 0] - lengths[:, 1])
    assert (two.predict(queries) == np.where(two.decision_function(queries) > 0, "y", "x")).all()


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"order": 7}, ValueError, "order is 7: 256 symbols take 9 bits each, and 8 of them more than 64"),
        ({"model": "words", "order": 40}, ValueError, "order is 40: .* choose an order of at most"),
        ({"order": 0}, ValueError, "order is 0: give a whole number from 1"),
        ({"order": 2.5}, TypeError, "order is 2.5"),
        ({"order": True}, TypeError, "order is True"),
        ({"alpha": 0}, ValueError, "alpha is 0: give a number above 0, at most 1,000,000"),
        ({"alpha": -1.0}, ValueError, "alpha is -1.0"),
        ({"alpha": math.nan}, ValueError, "alpha is nan"),
        ({"alpha": math.inf}, ValueError, "alpha is inf"),
        ({"alpha": "2"}, ValueError, "alpha is '2'"),
        ({"shared": 1.5}, ValueError, "shared is 1.5: give a number above 0, at most 1"),
        ({"shared": True}, ValueError, "shared is True"),
        ({"n_jobs": 0}, ValueError, "n_jobs is 0: give a number of workers, -1 for all cores, or None"),
        ({"n_jobs": "two"}, ValueError, "n_jobs is 'two'"),
        ({"model": "word"}, ValueError, "'word'"),
        ({"model": None}, TypeError, "None"),
        ({"model": 3}, TypeError, "3"),
    ],
    ids=str,
)
def test_parameters(wrong, error, words):
    with pytest.raises(error, match=words):
        ncd.CodeLengthClassifier(**wrong).fit(["some words", "other words"], [0, 1])


def test_parameters_are_taken():
    texts, codes = made_up(4, 20, 2, longest=30)
    texts = [text or b"x" for text in texts]
    for alphabet, model in (("bytes", "ngram"), ("words", "words")):
        for rule in RULES[alphabet]:
            order, alpha, shared = rule
            fitted = ncd.CodeLengthClassifier(model, order=np.int32(order), alpha=alpha, shared=np.float32(shared))
            found = fitted.fit(texts, codes).code_lengths(texts)
            expected = naive.ClassModels(texts, codes, 2, alphabet, order, alpha, float(np.float32(shared))).bits(texts)
            np.testing.assert_allclose(found, expected, rtol=1e-11)
        usual = naive.ClassModels(texts, codes, 2, alphabet, *RULES[alphabet][0]).bits(texts)
        np.testing.assert_allclose(ncd.CodeLengthClassifier(model).fit(texts, codes).code_lengths(texts), usual)


@pytest.mark.exhaustive
def test_millions_of_words_shorten_the_context():
    half = 1_050_000
    texts = [" ".join(map(str, range(half))), " ".join(map(str, range(half, 2 * half)))]
    model = ncd.CodeLengthClassifier("words").fit(texts, [0, 1])
    assert model._made.model.rule.order == 1
    assert model.predict(["5 6 7", f"{half + 5} {half + 6}"]).tolist() == [0, 1]
    with pytest.raises(ValueError, match="order is 2: 2,100,002 symbols take 22 bits"):
        ncd.CodeLengthClassifier("words", order=2).fit(texts, [0, 1])
