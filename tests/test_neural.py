"""Neural language models as compressors, against a model that is asked for one token at a time."""

import json
import math
import pickle
import socket
import sys
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from hypothesis import given, strategies as st

import ncd
from ncd.compressors import causal, neural
from ncd.compressors.neural import HuggingFace, _windows
from ncd.exceptions import MissingLibraryError
from ncd.subwords import Tokens

TEXTS = [
    "the cat sat on the mat and the dog sat on the log",
    "a",
    "to be or not to be, that is the question: whether it is nobler in the mind to suffer",
    "naïve café \U0001f600",
    "the the the the the the the the the the the the the the the the the the the the",
]
CONTEXT = 16


@pytest.fixture(scope="module")
def libraries():
    """torch and transformers."""
    torch = pytest.importorskip("torch", reason="needs the extra 'neural'")
    return torch, pytest.importorskip("transformers", reason="needs the extra 'neural'")


def _saved(folder, libraries, tokens, **options):
    """A tiny GPT-2 with random weights in a folder, with its tokenizer."""
    torch, transformers = libraries
    torch.manual_seed(0)
    settings = {"vocab_size": tokens.size, "n_positions": CONTEXT, "n_embd": 16, "n_layer": 2, "n_head": 2}
    settings |= {"bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.7, **options}
    transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings)).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokens.to_dict()["state"]), "utf-8")
    return folder


@pytest.fixture(scope="module")
def tokens(libraries):
    return Tokens("bpe", vocab_size=290).fit(TEXTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, libraries, tokens):
    return _saved(tmp_path_factory.mktemp("models") / "tiny", libraries, tokens)


@pytest.fixture(scope="module")
def bits_of(folder, libraries, tokens):
    """The slow way: for every token one run of the model over exactly what stands before it."""
    torch, transformers = libraries
    network = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()

    def bits(text, context=CONTEXT, stride=CONTEXT // 2, before=""):
        known = [0, *tokens.encode(before).tolist()]
        ids = [*known, *tokens.encode(text).tolist()]
        total = 0.0
        for i in range(len(known), len(ids)):
            later = i - max(context, len(known) + stride - 1)  # tokens behind the end of the first window
            end = i + (-later) % stride if later > 0 else max(context, len(known) + stride - 1)
            begin = max(0, min(end, len(ids) - 1) - context)
            with torch.inference_mode():
                logits = network(torch.tensor([ids[begin:i]])).logits[0, -1].numpy().astype(np.float64)
            top = logits.max()
            total += (top + math.log(np.exp(logits - top).sum()) - logits[ids[i]]) / math.log(2)
        return total

    return bits


@pytest.mark.parametrize(("context", "stride"), [(None, None), (16, 1), (16, 16), (7, 3), (5, 5), (1, 1), (2, 1)])
def test_lengths_are_those_of_single_tokens(folder, bits_of, context, stride):
    made = HuggingFace(folder, context=context, stride=stride)
    wanted = [bits_of(text, context or CONTEXT, stride or CONTEXT // 2) for text in TEXTS]
    found = made.lengths(TEXTS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert made.length("") == 0
    assert made.unit == "bits"


@pytest.mark.parametrize(("context", "stride"), [(16, 8), (16, 16), (6, 2), (1, 1)])
@pytest.mark.parametrize("before", ["", "the cat", TEXTS[2], TEXTS[4]])
def test_conditional_lengths_are_those_of_single_tokens(folder, bits_of, before, context, stride):
    primed = HuggingFace(folder, context=context, stride=stride).primed(before)
    wanted = [bits_of(text, context, stride, before) for text in TEXTS]
    np.testing.assert_allclose(primed.lengths(TEXTS), wanted, rtol=1e-5)
    assert primed.length(TEXTS[0]) == pytest.approx(wanted[0], rel=1e-5)


def test_what_is_shared_is_read_once(folder, bits_of, libraries, monkeypatch):
    """Behind one text, the model goes on from what it kept of it."""
    monkeypatch.setattr(causal, "_SHORTEST_SHARED", 1)
    kept, read = [], causal.CausalModel._read
    monkeypatch.setattr(causal.CausalModel, "_read", lambda self, ids: kept.append(read(self, ids)) or kept[-1])
    made, before = HuggingFace(folder, batch=3), "the cat sat"
    texts = ["a", " on the log", "", " mat", TEXTS[2], " the cat sat on", "to be", " the cat sat on the mat and"]
    found = made.primed(before).lengths(texts)
    assert len(kept) == 1
    assert kept[0] is not None or libraries[1].__version__.startswith("4.")  # GPT-2 has had another cache there
    np.testing.assert_allclose(found, [bits_of(text, before=before) for text in texts], rtol=1e-5)
    monkeypatch.setattr(causal.CausalModel, "_read", lambda self, ids: None)  # a model that keeps something else
    np.testing.assert_allclose(made.primed(before).lengths(texts), found, rtol=1e-5)


def test_a_text_in_two_parts_costs_the_same(folder, tokens):
    """The chain rule, where tokens do not reach over the seam and both parts fit into the context."""
    made = HuggingFace(folder)
    x, y = "the cat", " sat on the"
    assert tokens.encode(x + y).tolist() == [*tokens.encode(x), *tokens.encode(y)]
    assert len(tokens.encode(x + y)) < CONTEXT
    assert made.length(x) + made.primed(x).length(y) == pytest.approx(made.length(x + y), rel=1e-6)
    assert made.joint_length(x, y, separator="") == made.length(x + y)


@given(st.integers(1, 40), st.integers(0, 90), st.integers(1, 30), st.data())
def test_every_token_is_predicted_once(first, size, context, data):
    stride = data.draw(st.integers(1, context))
    seen = []
    for begin, end, start in _windows(first, size, context, stride):
        assert 0 <= begin < end <= begin + context
        assert end - begin == min(context, end)  # as much before as the context holds
        assert begin < start <= end < size
        if seen:
            assert end - start < stride
            assert start - begin > context - stride
        seen += range(start, end + 1)
    assert seen == list(range(first, size))


def test_perplexity_is_that_of_the_library(folder, libraries, tokens):
    """Within one context the library's own loss is the mean of the same numbers."""
    torch, transformers = libraries
    network = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
    text = "the cat sat on the mat"
    ids = [0, *tokens.encode(text).tolist()]
    assert len(ids) <= CONTEXT
    with torch.inference_mode():
        loss = network(torch.tensor([ids]), labels=torch.tensor([ids])).loss.item()
    found = ncd.bits_per_byte(text, f"hf:{folder}", symbol="tokens")
    assert found.perplexity == pytest.approx(math.exp(loss), rel=1e-5)
    assert found.symbols == len(ids) - 1
    assert found.bits == pytest.approx(loss * found.symbols / math.log(2), rel=1e-5)
    assert found.bits_per_byte == found.bits / len(text)


def test_without_a_token_for_the_beginning(tmp_path, libraries, tokens):
    folder = _saved(tmp_path, libraries, tokens, bos_token_id=None, eos_token_id=None)
    made = HuggingFace(folder)
    assert made.length("a") == math.log2(tokens.size)
    with_end = _saved(tmp_path / "end", libraries, tokens, bos_token_id=None, eos_token_id=[3, 4])
    with_start = _saved(tmp_path / "start", libraries, tokens, bos_token_id=3)
    assert HuggingFace(with_end).length("the cat") == HuggingFace(with_start).length("the cat")
    x, y = "the cat", " sat"
    assert made.length(x) + made.primed(x).length(y) == pytest.approx(made.length(x + y), rel=1e-6)
    assert made.primed("").length(x) == made.length(x)


def test_batches_do_not_matter(folder, monkeypatch):
    alone = [HuggingFace(folder, batch=1).length(text) for text in TEXTS]
    np.testing.assert_allclose(HuggingFace(folder, batch=50).lengths(TEXTS), alone, rtol=1e-5)
    monkeypatch.setattr(causal, "_LOGITS_AT_ONCE", 1)
    monkeypatch.setattr(causal, "_ROWS_AT_ONCE", 3)
    np.testing.assert_allclose(HuggingFace(folder, batch=50).lengths(TEXTS), alone, rtol=1e-5)


def test_a_row_in_every_table(folder):
    """Distances, conditional lengths and classes by a neural model."""
    spec = f"hf:{folder}"
    made = ncd.get_compressor(spec)
    own = ncd.pairwise(TEXTS[:3], compressor=spec, n_jobs=2)
    alone = [made.length(text) for text in TEXTS[:3]]
    joint = made.joint_length(TEXTS[0], TEXTS[2])
    assert own[0, 2] == pytest.approx((joint - min(alone[0], alone[2])) / max(alone[0], alone[2]), rel=1e-4)
    found = ncd.conditional_lengths(TEXTS[:2], TEXTS[2:], compressor=spec)
    assert found[0, 1] == pytest.approx(made.primed(TEXTS[0]).length(TEXTS[3]), rel=1e-5)


def test_nothing_goes_to_the_network(folder, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    causal._load.cache_clear()
    assert HuggingFace(folder).length("a") > 0
    with pytest.raises(ValueError, match=r"give a folder with config\.json"):
        HuggingFace("gpt2").length("a")


def test_bytes_that_are_not_text(folder, tokens):
    """Byte-level tokens code every byte."""
    made = HuggingFace(folder)
    data = b"\xff\xfe the cat \xc3"
    assert made.symbol_counts([data]) == [len(tokens.encode(data))]
    assert made.length(data) > made.length(b" the cat ")


def test_tokens_that_lose_something(tmp_path, libraries):
    lower = Tokens("wordpiece", vocab_size=60).fit(TEXTS)
    folder = _saved(tmp_path, libraries, lower)
    for text in ("The cat", "the  cat", b"\xff"):
        with pytest.raises(ValueError, match="do not give back the text"):
            HuggingFace(folder).length(text)
    lossy = ncd.get_compressor(f"hf:{folder},lossy=true")
    assert lossy.length("The cat") == lossy.length("the  cat") > 0
    assert lossy.name == f"hf:{folder},lossy=True"


@pytest.mark.parametrize("odd", ["a,b", "c:d,e=f", "context=5", "x y,batch=2,z", "1234"])
def test_paths_of_every_kind(folder, tmp_path, monkeypatch, odd):
    (tmp_path / odd).symlink_to(folder, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    made = ncd.get_compressor(f"hf:{odd},context=9,device=cpu,stride=2")
    assert dict(made.params) == {**HuggingFace.defaults, "path": odd, "context": 9, "stride": 2}
    assert made.name == f"hf:{odd},context=9,stride=2"
    assert made == ncd.get_compressor(made.name)
    assert made.length("the cat") == HuggingFace(folder, context=9, stride=2).length("the cat")


def test_values(folder):
    made = ncd.get_compressor(f"hf:{folder}")
    again = pickle.loads(pickle.dumps(made))
    assert made == again == HuggingFace(str(folder))
    assert hash(made) == hash(again)
    assert made != HuggingFace(folder, context=5)
    assert len(pickle.dumps(made)) < 1000
    assert again.length("the cat") == made.length("the cat")
    primed = pickle.loads(pickle.dumps(made.primed("the cat")))
    assert primed.length(" sat") == made.primed("the cat").length(" sat")
    assert made.can_prime
    assert made.window is None


def test_version_names_the_weights(tmp_path, libraries, tokens):
    _, transformers = libraries
    made = HuggingFace(_saved(tmp_path, libraries, tokens))
    before, length = made.version, made.length("the cat sat")
    assert f"transformers {transformers.__version__}" in before
    assert made.version == before
    _saved(tmp_path, libraries, tokens, initializer_range=0.1)
    assert made.version != before
    assert made.length("the cat sat") != length


@pytest.mark.filterwarnings("ignore:Deprecated in 0.9.0:DeprecationWarning")  # between its own two libraries
def test_older_files_of_tokenizers(tmp_path, libraries, folder, tokens):
    """vocab.json and merges.txt in place of tokenizer.json."""
    for file in folder.iterdir():
        if file.name != "tokenizer.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    model = tokens.to_dict()["state"]["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    made = HuggingFace(tmp_path)
    assert made.length(TEXTS[0]) == HuggingFace(folder).length(TEXTS[0])
    (tmp_path / "vocab.json").unlink()
    (tmp_path / "merges.txt").unlink()
    # Some versions of the library make an empty tokenizer of nothing.
    with pytest.raises(ValueError, match=r"no tokenizer can be read|do not give back"):
        made.length("a")


def test_errors(folder, tmp_path, libraries, tokens):
    with pytest.raises(TypeError, match="gives lengths only"):
        HuggingFace(folder).compress("a")
    with pytest.raises(ValueError, match="sees 16 tokens"):
        HuggingFace(folder, context=17).length("a")
    with pytest.raises(ValueError, match="choose from 1 to the context, 16"):
        HuggingFace(folder, stride=17).length("a")
    with pytest.raises(ValueError, match="device is 'odd'"):
        HuggingFace(folder, device="odd").length("a")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="no causal language model"):
        HuggingFace(tmp_path).length("a")
    small = _saved(tmp_path / "small", libraries, tokens, vocab_size=50)
    with pytest.raises(ValueError, match="its model knows 50 only"):
        HuggingFace(small).length("the cat")
    wrong = _saved(tmp_path / "wrong", libraries, tokens, bos_token_id=50256)
    with pytest.raises(ValueError, match="correct bos_token_id"):
        HuggingFace(wrong).length("a")
    broken = _saved(tmp_path / "broken", libraries, tokens, initializer_range=math.inf)
    with pytest.raises(ValueError, match="NaN"):
        HuggingFace(broken).length("the cat")


def test_errors_before_anything_is_read():
    with pytest.raises(ValueError, match="path is empty"):
        ncd.get_compressor("hf")
    with pytest.raises(ValueError, match="stride is 9: choose from 1 to the context, 5"):
        HuggingFace("x", context=5, stride=9)
    with pytest.raises(ValueError, match="context is 0"):
        HuggingFace("x", context=0)
    with pytest.raises(TypeError, match="batch is 'many'"):
        HuggingFace("x", batch="many")
    with pytest.raises(ValueError, match="'float32', 'bfloat16'"):
        HuggingFace("x", precision="int8")
    with pytest.raises(ValueError, match="lossy is 'maybe'"):
        HuggingFace("x", lossy="maybe")


def test_it_is_listed(monkeypatch):
    row = {row.name: row for row in ncd.available()}["hf:PATH"]
    assert row.can_prime
    assert row.installed == ("transformers" in row.version)

    def missing(_):
        raise PackageNotFoundError

    monkeypatch.setattr(neural, "version", missing)
    row = {row.name: row for row in ncd.available()}["hf:PATH"]
    assert (row.installed, row.version) == (False, "pip install 'ncd[neural]'")
    with pytest.raises(MissingLibraryError, match=r"ncd\[neural\]"):
        ncd.get_compressor("hf:folder")


def test_a_library_that_cannot_be_imported(folder, monkeypatch):
    causal._load.cache_clear()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingLibraryError, match=r"ncd\[neural\]"):
        HuggingFace(folder).length("a")
