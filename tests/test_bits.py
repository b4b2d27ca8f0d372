"""Bits per byte and perplexity, against the arithmetic written down text by text."""

import gzip
import json
import math
import pickle

import pytest

import ncd
from ncd.cli import main
from ncd.subwords import Tokens
from ncd.words import Words

TEXTS = ["to be or not to be, that is the question", "la vie en rose", "naïve école " * 30]


class Uniform:
    """A model that spends the same number of bits on every byte, and on every text."""

    unit = "bits"

    def __init__(self, each, start=0.0):
        self.each, self.start, self.name = each, start, "uniform"

    def length(self, data):
        return self.each * len(data) + self.start

    def symbol_counts(self, texts):
        return [2 * len(text) for text in texts]


def sizes(text):
    data = text if isinstance(text, bytes) else text.encode()
    return len(gzip.compress(data, 9)) * 8, len(data)


def test_figures_are_those_of_each_text():
    found = ncd.bits_per_byte(TEXTS)
    bits, size = zip(*map(sizes, TEXTS), strict=True)
    assert (found.bits, found.bytes, found.symbols, found.texts) == (sum(bits), sum(size), sum(size), 3)
    assert found.bits_per_byte == found.bits_per_symbol == sum(bits) / sum(size)
    assert found.perplexity == pytest.approx(math.exp(math.log(2) * sum(bits) / sum(size)))
    each = [b / n for b, n in zip(bits, size, strict=True)]
    assert found.macro_bits_per_byte == pytest.approx(sum(each) / 3)
    assert found.macro_perplexity == pytest.approx(math.prod(2**b for b in each) ** (1 / 3))
    assert (found.compressor, found.symbol) == ("gzip:9", "byte")
    assert "zlib" in found.version


@pytest.mark.parametrize(
    ("symbol", "count", "label"),
    [
        ("characters", len, "character"),
        ("words", lambda text: len(Words().split(text)), "word"),
        (Words(lower=False, pattern=r"\S+").fit(TEXTS), lambda text: len(text.split()), "word"),
    ],
)
def test_perplexity_by_other_symbols(symbol, count, label):
    found = ncd.bits_per_byte(TEXTS, symbol=symbol)
    counts = [count(text) for text in TEXTS]
    bits, size = zip(*map(sizes, TEXTS), strict=True)
    assert (found.symbol, found.symbols) == (label, sum(counts))
    assert found.bits_per_byte == sum(bits) / sum(size)
    assert found.perplexity == pytest.approx(2 ** (sum(bits) / sum(counts)))
    assert found.macro_bits_per_symbol == pytest.approx(sum(b / n for b, n in zip(bits, counts, strict=True)) / 3)


def test_tokens_of_a_tokenizer():
    pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")
    tokens = Tokens("bpe", vocab_size=280).fit(TEXTS)
    found = ncd.bits_per_byte(TEXTS, symbol=tokens)
    assert (found.symbol, found.symbols) == ("token", sum(len(tokens.encode(text)) for text in TEXTS))


def test_units_of_a_model(registry):
    """A uniform model over bytes has 8 bits per byte and a perplexity of 256, whatever the texts."""
    ncd.register_compressor("uniform", Uniform(8.0), force=True)
    found = ncd.bits_per_byte(TEXTS, "uniform")
    assert (found.bits_per_byte, found.macro_bits_per_byte, found.perplexity) == (8, 8, 256)


def test_tokens_of_a_model(tmp_path):
    pytest.importorskip("tokenizers", reason="needs the extra 'tokens'")
    tokens = Tokens("bpe", vocab_size=280).fit(TEXTS)
    tokens.save(tmp_path / "tokenizer.json")
    spec = f"kn:2,alphabet=tokens,tokenizer={tmp_path}"
    found = ncd.bits_per_byte(TEXTS, spec, symbol="tokens")
    assert (found.symbol, found.symbols) == ("token", sum(len(tokens.encode(text)) for text in TEXTS))
    assert found.bits == pytest.approx(sum(ncd.get_compressor(spec).length(text) for text in TEXTS))
    with pytest.raises(TypeError, match="'kn:2' has no tokens of its own"):
        ncd.bits_per_byte(TEXTS, "kn:2", symbol="tokens")


def test_bits_of_a_model_are_not_times_eight():
    found = ncd.bits_per_byte(TEXTS, "ppm:2", given=TEXTS[0])
    primed = ncd.get_compressor("ppm:2").primed(TEXTS[0])
    assert found.bits == pytest.approx(sum(primed.length(text) for text in TEXTS))


def test_one_text_of_every_kind(tmp_path):
    (tmp_path / "text").write_text(TEXTS[0])
    for one in (TEXTS[0], TEXTS[0].encode(), tmp_path / "text", bytearray(TEXTS[0].encode())):
        assert ncd.bits_per_byte(one) == ncd.bits_per_byte([TEXTS[0]])
    assert ncd.bits_per_byte(b"\xff\xfe \x00", symbol="characters").symbols == 4


def test_texts_already_seen_cost_little():
    alone = ncd.bits_per_byte(TEXTS, "deflate")
    after = ncd.bits_per_byte(TEXTS, "deflate", given=TEXTS[2])
    primed = ncd.get_compressor("deflate").primed(TEXTS[2])
    assert after.bits == 8 * sum(primed.length(text) for text in TEXTS)
    assert after.bits < alone.bits
    with pytest.raises(TypeError, match="cannot be primed"):
        ncd.bits_per_byte(TEXTS, "bz2", given="a")
    with pytest.raises(ValueError, match="goes without given"):
        ncd.bits_per_byte(TEXTS, "deflate", given="a", remove_overhead=True)


def test_overhead():
    plain, without = ncd.bits_per_byte(TEXTS), ncd.bits_per_byte(TEXTS, remove_overhead=True)
    assert plain.bits - without.bits == 8 * 18 * len(TEXTS)
    assert without.bits_per_byte == ncd.bits_per_byte(TEXTS, "deflate").bits_per_byte


def test_a_perplexity_too_large_for_a_number():
    found = ncd.bits_per_byte("x" + "0123456789" * 200_000, symbol="words")
    assert found.bits_per_symbol > 1024
    assert found.perplexity == found.macro_perplexity == math.inf


def test_values():
    found = ncd.bits_per_byte(TEXTS)
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert ncd.BitsPerByte(**found.to_dict()) == found == pickle.loads(pickle.dumps(found))
    assert "bits per byte" in repr(found)
    assert "3 texts" in repr(found)


def test_errors():
    with pytest.raises(ValueError, match="choose from 'bytes', 'characters', 'words', 'tokens'"):
        ncd.bits_per_byte(TEXTS, symbol="letters")
    with pytest.raises(TypeError, match="no tokens of its own"):
        ncd.bits_per_byte(TEXTS, symbol="tokens")
    with pytest.raises(ncd.EmptyTextError, match=r"texts\[1\] is empty"):
        ncd.bits_per_byte(["a", ""])
    with pytest.raises(ValueError, match=r"texts\[1\] has no word"):
        ncd.bits_per_byte(["a", "  "], symbol="words")
    with pytest.raises(ValueError, match="at least one text"):
        ncd.bits_per_byte([])
    with pytest.raises(TypeError, match="missing value"):
        ncd.bits_per_byte(["a", None])
    with pytest.raises(ValueError, match="not known"):
        ncd.bits_per_byte(TEXTS, "gzzip")


# ---- the command


@pytest.fixture
def files(tmp_path):
    (tmp_path / "one.txt").write_text(TEXTS[0])
    (tmp_path / "rest.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS[1:]))
    return [str(tmp_path / "one.txt"), str(tmp_path / "rest.jsonl")]


def test_command_prints_a_table(files, capsys):
    assert main(["bits", *files, "--compressor", "gzip", "--compressor", "deflate", "--symbol", "words"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["compressor", "bits/byte", "macro", "perplexity/word", "bytes"]
    for name, line in zip(["gzip:9", "deflate:9"], lines[1:], strict=True):
        found = ncd.bits_per_byte(TEXTS, name, symbol="words")
        assert line[:3] == [name, f"{found.bits_per_byte:.4f}", f"{found.macro_bits_per_byte:.4f}"]
        assert float(line[3]) == pytest.approx(found.perplexity, rel=1e-5)
        assert int(line[4]) * 8 == found.bits


def test_command_prints_json(files, capsys):
    assert main(["bits", *files, "--json", "--compressor", "deflate", "--given", files[1], "-j", "1"]) == 0
    found = ncd.bits_per_byte(TEXTS, "deflate", given="\n".join(TEXTS[1:]))
    assert json.loads(capsys.readouterr().out) == found.to_dict()


def test_command_refuses(files, capsys):
    assert main(["bits", files[0], "--compressor", "gzzip"]) == 2
    assert main(["bits", "-", "--given", "-"]) == 2
    assert main(["bits", files[0], "--compressor", "bz2", "--given", files[1]]) == 2
    errors = capsys.readouterr().err
    assert "not known" in errors
    assert "only once" in errors
    assert "cannot be primed" in errors
