"""Distances of embedded texts where distances of code lengths go: matrices, neighbours, classification, commands."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

import ncd
from ncd.cli import main
from ncd.distances.vectors import cosine_distances, euclidean_distances
from ncd.embed import get_embedder
from ncd.exceptions import EmptyTextError

TEXTS = [
    f"{a} {b} {c}" for a in ("the cat", "a dog", "no bird") for b in ("sat on", "ran to") for c in ("it", "me", "us")
]
LABELS = [text.split()[1] for text in TEXTS]


class Letters:
    """An object with `encode` alone: how often each letter is there."""

    def encode(self, texts):
        return np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], float)


def test_distances_of_vectors_are_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 7)), rng.normal(size=(20, 7))
    np.testing.assert_allclose(cosine_distances(a, b), cdist(a, b, "cosine"), atol=1e-14)
    np.testing.assert_allclose(euclidean_distances(a, b), cdist(a, b), atol=1e-13)


def test_near_and_equal_vectors_keep_their_digits():
    a = np.array([[1e6, 1.0], [1e6, 1.0], [1e6, 1.0 + 1e-6]])
    np.testing.assert_allclose(euclidean_distances(a, a), cdist(a, a), rtol=1e-9)
    assert np.diag(euclidean_distances(a, a)).tolist() == [0, 0, 0]
    b = np.vstack([a, [[-3e6, 1.7]]])  # whose mean is far away
    np.testing.assert_allclose(euclidean_distances(b, b), cdist(b, b), rtol=1e-9)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1e300])
def test_vectors_of_any_size(scale):
    a, b = np.array([[3.0, 4.0], [0.0, 0.0], [4.0, -3.0]]) * scale, np.array([[4.0, -3.0]]) * scale
    np.testing.assert_allclose(cosine_distances(a, b).ravel(), [1, 1, 0], atol=1e-15)
    assert cosine_distances([[scale, 0]], [[scale, 0]]).tolist() == [[0]]
    if scale < 1e-300:  # numbers of few digits
        assert euclidean_distances(a, b)[2, 0] == 0
        assert euclidean_distances(a, b)[1, 0] == 5 * scale
    else:
        np.testing.assert_allclose(euclidean_distances(a, b).ravel() / scale, [50**0.5, 5, 0], rtol=1e-14)


def test_vectors_far_from_zero_are_as_fast_and_exact():
    rng = np.random.default_rng(0)
    a = 1e3 + 1e-3 * rng.normal(size=(300, 200))
    np.testing.assert_allclose(euclidean_distances(a, a), cdist(a, a), rtol=1e-9)
    spread = rng.normal(size=(300, 200))
    times = {}
    for name, vectors in (("near", a), ("spread", spread)):
        took = []
        for _ in range(5):
            begun = time.perf_counter()
            euclidean_distances(vectors, vectors)
            took.append(time.perf_counter() - begun)
        times[name] = min(took)
    assert times["near"] < 4 * times["spread"]  # 30 times, if all differences are computed


@pytest.mark.parametrize("distances", [cosine_distances, euclidean_distances])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([1.0, 2.0], [[1.0, 2.0]], r"A has shape \(2,\)"),
        ([[1.0, 2.0]], [[1.0]], "A has vectors of 2 numbers and B of 1"),
        ([[1.0], [np.nan]], [[1.0]], r"A\[1\] holds NaN"),
        ([[1.0]], [[np.inf]], r"B\[0\] holds NaN or infinity"),
    ],
)
def test_bad_vectors(distances, a, b, message):
    with pytest.raises(ValueError, match=message):
        distances(a, b)


def test_zeros_have_no_direction():
    assert cosine_distances([[0, 0]], [[0, 0], [1, 2]]).tolist() == [[1, 1]]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_matrix_and_neighbors(metric):
    vectors = Letters().encode(TEXTS)
    expected = cdist(vectors, vectors, metric)
    matrix = ncd.pairwise(TEXTS, embedder=Letters(), metric=metric)
    np.testing.assert_allclose(matrix, expected, atol=1e-6)  # vectors are float32
    assert np.array_equal(matrix, matrix.T)
    found = ncd.neighbors(TEXTS, k=3, embedder=Letters(), metric=metric)
    np.fill_diagonal(expected, np.inf)
    np.testing.assert_allclose(found.distances, np.sort(expected, 1)[:, :3], atol=1e-6)
    two = ncd.pairwise(TEXTS[:4], TEXTS[2:9], embedder=Letters(), metric=metric)
    np.testing.assert_allclose(two, cdist(vectors[:4], vectors[2:9], metric), atol=1e-6)


def test_own_metric_may_depend_on_the_order():
    def first(a, b):
        return np.repeat(a[:, :1], len(b), axis=1)

    matrix = ncd.pairwise(TEXTS, embedder=Letters(), metric=first)
    assert np.array_equal(matrix, np.repeat(Letters().encode(TEXTS)[:, :1], len(TEXTS), axis=1))
    with pytest.raises(ValueError, match="NaN"):
        ncd.pairwise(TEXTS, embedder=Letters(), metric=lambda a, b: np.full((len(a), len(b)), np.nan))
    with pytest.raises(ValueError, match="shape"):
        ncd.pairwise(TEXTS, embedder=Letters(), metric=lambda a, b: np.zeros(3))


def test_a_file_of_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("ncd.embedded._SIDE", 5)
    matrix = ncd.pairwise(TEXTS, embedder="tfidf:3", out=tmp_path / "d.npy", dtype="float32", checkpoint=True)
    np.testing.assert_allclose(matrix, ncd.pairwise(TEXTS, embedder="tfidf:3"), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["d.npy"]


def test_what_learns_learns_from_y_and_stays_as_it_was():
    model = get_embedder("tfidf:3")
    given = ncd.pairwise(TEXTS[:5], TEXTS[5:], embedder=model)
    assert not model.fitted
    again = ncd.pairwise(TEXTS[:5], TEXTS[5:], embedder=get_embedder("tfidf:3").fit(TEXTS[5:]))
    np.testing.assert_array_equal(given, again)


def test_generators_are_read_once():
    assert ncd.pairwise((t for t in TEXTS), (t for t in TEXTS[:3]), embedder="tfidf:3").shape == (18, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compressor": "zstd"}, "compressor is 'zstd'"),
        ({"joint": "primed"}, "joint is 'primed'"),
        ({"symmetrize": "min"}, "symmetrize"),
        ({"clip": True}, "clip"),
        ({"allow_empty": True}, "allow_empty"),
        ({"separator": "\n"}, "separator"),
        ({"metric": "ncd"}, "cosine"),
        ({"metric": "euclidaen"}, "did you mean 'euclidean'"),
    ],
)
def test_options_of_code_lengths_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ncd.pairwise(TEXTS, embedder=Letters(), **options)


def test_bad_texts_and_vectors():
    with pytest.raises(EmptyTextError, match=r"X\[1\] is empty"):
        ncd.pairwise(["a", ""], embedder=Letters())
    with pytest.raises(ValueError, match=r"X\[1\] is not UTF-8 .*offset 1"):
        ncd.pairwise([b"a", b"a\xff"], embedder=Letters())
    with pytest.raises(TypeError, match="encode"):
        ncd.pairwise(TEXTS, embedder=3)

    class Bad:
        def encode(self, texts):
            return [[float("nan")]] * len(texts)

    with pytest.raises(ValueError, match=r"not finite for X\[0\]"):
        ncd.pairwise(TEXTS, embedder=Bad())

    class Ragged:
        def encode(self, texts):
            return [[1.0] * (i + 1) for i in range(len(texts))]

    with pytest.raises(ValueError, match="one dimension"):
        ncd.pairwise(TEXTS, embedder=Ragged())


class Counting(Letters):
    """How often, and for which texts, it is asked."""

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        return super().encode(texts)


@pytest.mark.parametrize("call", [ncd.pairwise, ncd.neighbors])
def test_a_single_string_is_no_collection(call):
    with pytest.raises(TypeError, match="X is a single str"):
        call("abc", embedder=Letters())
    with pytest.raises(TypeError, match="Y is a single str"):
        call(["abc"], "abc", embedder=Letters())
    with pytest.raises(EmptyTextError, match=r"Y\[1\] is empty"):
        call(["abc"], ["abc", ""], embedder=Letters())


@pytest.mark.parametrize(
    ("call", "options"),
    [
        (ncd.pairwise, {"out": "matrix.txt"}),
        (ncd.pairwise, {"out": np.zeros((2, 2))}),
        (ncd.pairwise, {"dtype": "int8"}),
        (ncd.pairwise, {"checkpoint": True}),
        (ncd.pairwise, {"metric": "euclid"}),
        (ncd.pairwise, {"Y": ["a", ""]}),
        (ncd.neighbors, {"k": 99}),
        (ncd.neighbors, {"k": "three"}),
    ],
)
def test_nothing_is_encoded_before_the_arguments_are_right(call, options):
    model = Counting()
    with pytest.raises(ValueError):
        call(TEXTS, embedder=model, **options)
    assert model.asked == []


def test_equal_texts_are_encoded_once_and_are_equal():
    class Drifting(Counting):
        """Vectors that depend on the batch, as those of transformers do in their last digits."""

        def encode(self, texts):
            return super().encode(texts) + 1e-3 * np.arange(len(texts))[:, None]

    model = Drifting()
    x, y = ["ab", "cd", "ab"], ["cd", "ef", "ab", "cd"]
    distances = ncd.pairwise(x, y, embedder=model, metric="euclidean")
    assert model.asked == [["cd", "ef", "ab"]]
    assert [distances[0, 2], distances[2, 2], distances[1, 0], distances[1, 3]] == [0, 0, 0, 0]
    learner = ncd.NCDClassifier(embedder=Drifting(), metric="euclidean", n_neighbors=1).fit(y, list("cefc"))
    assert learner.kneighbors(x)[0].ravel().tolist() == [0, 0, 0]


def test_errors_of_the_model_name_the_users_text():
    class Wordless(Letters):
        def encode(self, texts):
            for i, text in enumerate(texts):
                if not any(map(str.isalpha, text)):
                    raise EmptyTextError(f"texts[{i}] has no letter")
            return super().encode(texts)

    with pytest.raises(EmptyTextError, match=r"^Y\[3\] has no letter"):
        ncd.pairwise(["a", "b"], ["b", "b", "c", "12"], embedder=Wordless())
    with pytest.raises(EmptyTextError, match=r"^X\[2\] has no letter"):
        ncd.neighbors(["a", "a", "12"], embedder=Wordless())


def test_vectors_of_another_dimension_are_refused():
    class Growing(Letters):
        """As many numbers as the longest text has letters."""

        def encode(self, texts):
            return np.ones((len(texts), max(map(len, texts))))

    model = ncd.NCDClassifier(embedder=Growing(), n_neighbors=1).fit(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match="vectors of 3 numbers for X, and of 1 before"):
        model.predict(["abc"])


def test_jobs_reach_the_embedder():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    seen = []

    class Looking(Letters):
        def encode(self, texts):
            seen.append({info["num_threads"] for info in threadpoolctl.threadpool_info()})
            return super().encode(texts)

    with threadpoolctl.threadpool_limits(2):
        ncd.pairwise(TEXTS, embedder=Looking(), n_jobs=1)
    assert seen == [{1}]


def test_jobs_reach_torch():
    torch = pytest.importorskip("torch")
    seen = []

    class Looking(Letters):
        def encode(self, texts):
            seen.append(torch.get_num_threads())
            return super().encode(texts)

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        ncd.pairwise(TEXTS, embedder=Looking(), n_jobs=1)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_classifier_forgets_what_it_was_fitted_with():
    model = ncd.NCDClassifier(embedder=Letters(), n_neighbors=1).fit(TEXTS, LABELS)
    model.set_params(embedder=None).fit(TEXTS[::3], LABELS[::3])
    assert not hasattr(model, "vectors_")
    model.set_params(embedder=Letters())
    assert model.kneighbors(TEXTS[:9:3])[1].ravel().tolist() == [0, 1, 2]
    assert model.vectors_.shape == (6, 26)
    model.set_params(embedder="tfidf:3")
    model.predict(TEXTS)
    assert model.vectors_.shape == (6, 3)


@pytest.mark.parametrize("option", [{"engine": "cuda"}, {"prefilter": "shingles"}, {"joint": "primed"}])
def test_classifier_checks_what_was_set_after_fit(option):
    model = ncd.NCDClassifier(embedder=Letters(), n_neighbors=1).fit(TEXTS, LABELS).set_params(**option)
    with pytest.raises(ValueError, match="together with an embedder"):
        model.predict(TEXTS)


def test_classifier_is_scikit_learns_on_the_same_vectors():
    half = TEXTS[::2], LABELS[::2]
    ours = ncd.NCDClassifier(embedder=Letters(), n_neighbors=1).fit(*half)
    theirs = KNeighborsClassifier(1, metric="cosine").fit(Letters().encode(half[0]), half[1])
    assert ours.predict(TEXTS).tolist() == theirs.predict(Letters().encode(TEXTS)).tolist()
    distances, indices = ours.kneighbors(n_neighbors=2)
    assert distances.shape == (9, 2)
    assert (indices != np.arange(9)[:, None]).all()


def test_classifier_clones_saves_and_loads(tmp_path):
    model = ncd.NCDClassifier(embedder="tfidf:4", n_neighbors=1).fit(TEXTS, LABELS)
    assert clone(model).embedder == "tfidf:4"
    ncd.save_model(model, tmp_path / "m.ncd")
    loaded = ncd.load_model(tmp_path / "m.ncd")
    assert loaded.predict(TEXTS).tolist() == model.predict(TEXTS).tolist() == LABELS
    with pytest.raises(ValueError, match="joint is 'primed'"):
        ncd.NCDClassifier(embedder="tfidf", joint="primed").fit(TEXTS, LABELS)


def test_commands(tmp_path, capsys):
    data = tmp_path / "texts.jsonl"
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, LABELS, strict=True)]
    data.write_text("\n".join(rows))
    assert main(["matrix", str(data), "--embedder", "tfidf:3", "-o", str(tmp_path / "d.npy")]) == 0
    np.testing.assert_allclose(np.load(tmp_path / "d.npy"), ncd.pairwise(TEXTS, embedder="tfidf:3"))
    assert main(["neighbors", "--index", str(data), "--embedder", "tfidf:3", "--metric", "euclidean", "-k", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(TEXTS)
    command = ["classify", "--train", str(data), "--test", str(data), "--method", "knn", "--embedder", "tfidf:4"]
    assert main([*command, "-k", "1"]) == 0
    assert "accuracy 1.0000" in capsys.readouterr().err
    assert main(["matrix", str(data), "--embedder", "tfidf", "--compressor", "zstd"]) == 2
    assert "--compressor has no use with --embedder" in capsys.readouterr().err
    assert main(["matrix", str(data), "--embedder", "nothing"]) == 2
    assert main(["classify", "--train", str(data), "--test", str(data), "--embedder", "tfidf"]) == 2


@pytest.fixture
def texts(tmp_path):
    data = tmp_path / "texts.jsonl"
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, LABELS, strict=True)]
    data.write_text("\n".join(rows))
    return str(data)


@pytest.fixture
def vectors(tmp_path):
    """A file of word vectors."""
    words = sorted({word for text in TEXTS for word in text.split()})
    rows = [f"{word} " + " ".join(str(len(word) * (i + 1) % 7 + 0.5) for i in range(4)) for word in words]
    (tmp_path / "vectors.txt").write_text("\n".join([f"{len(rows)} 4", *rows]))
    return f"word2vec:{tmp_path / 'vectors.txt'}"


@pytest.mark.parametrize(
    "options",
    [
        ["--compressor", "gzip"],
        ["--separator", " "],
        ["--joint", "concat"],
        ["--order", "xy"],
        ["--symmetrize", "min"],
        ["--remove-overhead"],
        ["--allow-empty"],
        ["--engine", "cuda"],
        ["--allow-download"],
    ],
)
def test_commands_refuse_what_does_nothing(texts, capsys, options):
    for command in (["matrix", texts], ["neighbors", "--index", texts]):
        assert main([*command, "--embedder", "tfidf:3", *options]) == 2
        assert options[0] in capsys.readouterr().err
    if options[0] not in ("--order", "--symmetrize", "--engine"):
        assert main(["distance", "--text", "one", "two", "--embedder", "tfidf", *options]) == 2
        assert options[0] in capsys.readouterr().err
    if options[0] in ("--compressor", "--order", "--engine", "--allow-empty", "--allow-download"):
        command = ["classify", "--train", texts, "--test", texts, "--method", "knn", "--embedder", "tfidf:3"]
        assert main([*command, *options]) == 2
        assert options[0] in capsys.readouterr().err


def test_commands_refuse_downloads_and_caches_of_nothing(texts, capsys):
    for command in (["matrix", texts], ["neighbors", "--index", texts], ["distance", "--text", "a", "b"]):
        assert main([*command, "--allow-download"]) == 2
        assert "--allow-download goes with an embedder sentence:NAME or hidden:NAME" in capsys.readouterr().err
        assert main([*command, "--no-cache"]) == 2
        assert "--no-cache goes with --embedder" in capsys.readouterr().err
    assert main(["stream", texts, "--allow-download", "--embedder", "tfidf"]) == 2
    assert main(["changepoints", texts, "--allow-download", "--method", "embedding:tfidf"]) == 2
    assert main(["classify", "--train", texts, "--test", texts, "--allow-download"]) == 2
    assert capsys.readouterr().err.count("--allow-download goes with") == 3


def test_downloads_are_allowed_to_the_embedder(texts, monkeypatch):
    given = []

    class Asked(Letters):
        def __init__(self, path, *, allow_download=False):
            given.append((path, allow_download))

    monkeypatch.setattr("ncd.embed.registry._registered", {"sentence": Asked})
    assert main(["distance", "--text", "one", "two", "--embedder", "sentence:some/model", "--allow-download"]) == 0
    assert main(["distance", "--text", "one", "two", "--embedder", "sentence:some/model"]) == 0
    method = ["--method", "embedding:sentence:some/model", "--unit", "lines"]
    assert main(["changepoints", texts, *method, "--allow-download"]) == 0
    assert given == [("some/model", True), ("some/model", False), ("some/model", True)]


def test_command_distance(capsys):
    assert main(["distance", "--text", "the cat sat", "a cat ran", "--embedder", "tfidf:2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    vectors = get_embedder("tfidf:2").fit(["the cat sat", "a cat ran"]).encode(["the cat sat", "a cat ran"])
    assert found["embedder"] == "tfidf:2"
    assert found["distances"] == {
        "cosine": pytest.approx(cdist(vectors[:1], vectors[1:], "cosine")[0, 0], abs=1e-6),
        "euclidean": pytest.approx(cdist(vectors[:1], vectors[1:])[0, 0], abs=1e-6),
    }
    assert main(["distance", "--text", "the cat sat", "a cat ran", "--embedder", "tfidf:2"]) == 0
    assert "euclidean" in capsys.readouterr().out


def test_commands_keep_encodings_of_trained_embedders(texts, vectors, tmp_path, monkeypatch):
    pytest.importorskip("gensim")
    monkeypatch.setenv("NCD_CACHE", str(tmp_path / "cache"))
    command = ["matrix", texts, "-o", str(tmp_path / "d.npy"), "--force"]
    assert main([*command, "--embedder", "tfidf:3"]) == 0
    assert main([*command, "--embedder", vectors, "--no-cache"]) == 0
    assert not (tmp_path / "cache").exists()
    plain = np.load(tmp_path / "d.npy")
    for _ in range(2):
        assert main([*command, "--embedder", vectors]) == 0
        assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".sqlite"]
        np.testing.assert_array_equal(np.load(tmp_path / "d.npy"), plain)


def test_command_classify_saves_and_is_given_the_embedder_again(texts, vectors, tmp_path, monkeypatch, capsys):
    pytest.importorskip("gensim")
    monkeypatch.setenv("NCD_CACHE", str(tmp_path / "cache"))
    saved = str(tmp_path / "m.ncd")
    command = ["classify", "--train", texts, "--method", "knn", "--embedder", vectors, "-k", "1", "--save", saved]
    assert main(command) == 0
    assert main(["classify", "--model", saved, "--test", texts]) == 2
    assert "--embedder" in capsys.readouterr().err
    assert main(["classify", "--model", saved, "--test", texts, "--embedder", vectors]) == 0
    assert "accuracy" in capsys.readouterr().err
    assert main([*command[:6], "tfidf:4", *command[7:], "--force"]) == 0
    assert main(["classify", "--model", saved, "--test", texts, "--allow-empty"]) == 2
    assert "an empty text has no vector" in capsys.readouterr().err
    assert main(["classify", "--model", saved, "--test", texts, "--engine", "cuda"]) != 0
    assert "engine is 'cuda' together with an embedder" in capsys.readouterr().err


def test_texts_without_known_words_are_named_as_the_user_gave_them(tmp_path, capsys):
    pytest.importorskip("gensim", reason="needs the extra 'embed'")
    (tmp_path / "v.txt").write_text("rain 1 0\nsun 0 1\n")
    name = f"word2vec:{tmp_path / 'v.txt'}"
    with pytest.raises(EmptyTextError, match=r"Y\[1\] has no word that has a vector \(2 such texts\)"):
        ncd.pairwise(["rain", "sun"], ["rain", "nobody", "knows"], embedder=name)
    assert ncd.pairwise(["rain"], ["sun", "nobody"], embedder=f"{name},empty=zero").tolist() == [[1, 1]]
    (tmp_path / "x.jsonl").write_text('{"text": "rain"}\n{"text": "nobody"}\n')
    assert main(["matrix", str(tmp_path / "x.jsonl"), "--embedder", name]) == 2
    assert "X[1] has no word that has a vector" in capsys.readouterr().err
