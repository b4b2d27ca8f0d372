"""Tokenizers of the Hugging Face library `tokenizers`: trained, read, and asked for the tokens of any bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ncd.exceptions import MissingLibraryError
from ncd.tokens import decoded, encoded

__all__ = ["Tokenizer", "library", "plain", "train_bpe", "train_wordpiece"]

_UNKNOWN = "[UNK]"
_NOT_UTF8 = re.compile("([\udc80-\udcff]+)")


def library() -> Any:
    """The module `tokenizers`, or an error that names its extra."""
    try:
        import tokenizers
    except ImportError:
        raise MissingLibraryError.of("the alphabet 'tokens'", "tokens") from None
    return tokenizers


@lru_cache(maxsize=1)
def _byte_of() -> dict[str, int]:
    """The characters that stand for bytes in byte-level tokenizers, as GPT-2 has chosen them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = sorted(set(range(256)) - set(printable))
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


class Tokenizer(NamedTuple):
    """A tokenizer, and what is looked up in it once."""

    tokenizer: Any
    symbols: list[bytes]
    unknown: int | None
    stray: list[int | None]  # tokens of the 256 bytes, for those that are not UTF-8
    lossless: bool

    @classmethod
    def of(cls, tokenizer: Any) -> Tokenizer:
        tokenizer.encode_special_tokens = True  # a text that holds "<|endoftext|>" holds these characters
        state = json.loads(tokenizer.to_str())
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        added = {token["id"]: token for token in state["added_tokens"]}
        unknown = tokenizer.token_to_id(state["model"].get("unk_token") or "")
        steps = _steps(state["pre_tokenizer"])
        byte_level = any(step["type"] == "ByteLevel" for step in steps)
        byte_of = _byte_of()
        symbols = [b""] * (1 + max(vocabulary.values(), default=-1))
        for name, index in vocabulary.items():
            raw = not byte_level or index in added or any(character not in byte_of for character in name)
            symbols[index] = name.encode() if raw else bytes(byte_of[character] for character in name)
        names = [(character if byte_level else f"<0x{byte:02X}>") for character, byte in byte_of.items()]
        tokens = dict(zip(byte_of.values(), map(tokenizer.token_to_id, names), strict=True))
        stray = [unknown if tokens[byte] is None else tokens[byte] for byte in range(256)]
        lossless = (
            byte_level
            and state["normalizer"] is None
            and None not in tokens.values()
            and not any(step.get("add_prefix_space") for step in steps)
            and all(step["type"] in ("ByteLevel", "Split", "Digits") for step in steps)
            and not any(step.get("behavior") == "Removed" for step in steps)
            and not any(token["lstrip"] or token["rstrip"] for token in added.values() if not token["special"])
        )
        return cls(tokenizer, symbols, unknown, stray, lossless)

    def tokenized(self, texts: Sequence[bytes]) -> list[list[int]]:
        """The tokens of each text: stretches of UTF-8 by the library, other bytes one by one."""
        parts = [_NOT_UTF8.split(decoded(text)) for text in texts]
        stretches = [stretch for split in parts for stretch in split[::2]]
        coded = iter(self.tokenizer.encode_batch_fast(stretches, add_special_tokens=False))
        found = []
        for split in parts:
            tokens = next(coded).ids
            for others in split[1::2]:
                for byte in encoded(others):
                    token = self.stray[byte]
                    if token is None:
                        raise ValueError(f"a text has the byte 0x{byte:02X}, which is not UTF-8 and has no token")
                    tokens.append(token)
                tokens += next(coded).ids
            found.append(tokens)
        return found


def _steps(pre_tokenizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The steps of a pre-tokenizer as its JSON form has them."""
    if pre_tokenizer is None:
        return []
    inner = pre_tokenizer.get("pretokenizers")
    return [pre_tokenizer] if inner is None else [step for part in inner for step in _steps(part)]


def plain(text: str) -> str:
    """A tokenizer.json without what would cut, fill up or vary the tokens of a text."""
    try:
        state = json.loads(text)
        state["truncation"] = state["padding"] = None
        if state["model"].get("dropout") is not None:
            state["model"]["dropout"] = None
        return str(library().Tokenizer.from_str(json.dumps(state)).to_str())
    except MissingLibraryError:
        raise
    except Exception as error:  # the library raises plain Exception
        raise ValueError(f"this is no tokenizer.json that can be read: {error}") from None


def _characters(texts: Sequence[bytes]) -> Iterator[str]:
    """Texts for training, without the bytes that are not UTF-8."""
    return (text.decode("utf-8", "ignore") for text in texts)


def train_bpe(texts: Sequence[bytes], vocab_size: int) -> str:
    """A byte-level BPE tokenizer."""
    hub = library()
    tokenizer = hub.Tokenizer(hub.models.BPE())
    tokenizer.pre_tokenizer = hub.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = hub.decoders.ByteLevel()
    trainer = hub.trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=sorted(_byte_of()), show_progress=False)
    tokenizer.train_from_iterator(_characters(texts), trainer)
    return str(tokenizer.to_str())


def train_wordpiece(texts: Sequence[bytes], vocab_size: int) -> str:
    """
    A WordPiece tokenizer, in two passes.

    The library numbers characters inside words in the order of a hash table, which differs from run to run, and
    breaks ties by these numbers. So the first pass finds the characters only, and the second is told their order.
    """
    hub = library()
    tokenizer = hub.Tokenizer(hub.models.WordPiece(unk_token=_UNKNOWN))
    tokenizer.normalizer = hub.normalizers.BertNormalizer(strip_accents=False, lowercase=True)
    tokenizer.pre_tokenizer = hub.pre_tokenizers.BertPreTokenizer()

    def train(size: int, first: list[str]) -> dict[str, Any]:
        trainer = hub.trainers.WordPieceTrainer(vocab_size=size, special_tokens=first, show_progress=False)
        tokenizer.train_from_iterator(_characters(texts), trainer)
        return json.loads(tokenizer.to_str())

    found = train(0, [_UNKNOWN])["model"]["vocab"]
    state = train(vocab_size, [_UNKNOWN, *sorted(set(found) - {_UNKNOWN})])
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] == _UNKNOWN]
    return plain(json.dumps(state))
