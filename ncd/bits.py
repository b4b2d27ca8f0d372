"""Bits per byte and perplexity: one measure for compressors of bytes and for models of text."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ncd.compressors.base import Compressor
from ncd.compressors.registry import get_compressor
from ncd.corpus import Text, Texts, as_bytes, as_corpus
from ncd.exceptions import EmptyTextError
from ncd.pairwise import lengths as code_lengths
from ncd.tokens import Alphabet, decoded, get_alphabet

__all__ = ["BitsPerByte", "bits_per_byte"]

_SYMBOLS = {"bytes": "byte", "characters": "character", "words": "word", "tokens": "token"}
_LARGEST = 1024  # 2.0**1024 is too large for a float


@dataclass(frozen=True, repr=False)
class BitsPerByte:
    """
    What texts cost under a compressor.

    Micro averages divide sums over all texts, so that long texts count for more; macro averages are means of the texts'
    own figures.

    Attributes
    ----------
    compressor, version : str
        Its name, and the library that made the code lengths.
    symbol : str
        What perplexity is counted by: "byte", "character", "word" or "token".
    texts : int
        Number of texts.
    bits : float
        Sum of the code lengths, in bits.
    bytes, symbols : int
        Size of all texts.
    bits_per_byte, bits_per_symbol : float
        ``bits / bytes`` and ``bits / symbols``.
    perplexity : float
        ``2 ** bits_per_symbol``, for each symbol; infinite above 2**1024.
    macro_bits_per_byte, macro_bits_per_symbol : float
        Means over the texts.
    macro_perplexity : float
        ``2 ** macro_bits_per_symbol``, the geometric mean of the texts' perplexities.
    """

    compressor: str
    version: str
    symbol: str
    texts: int
    bits: float
    bytes: int
    symbols: int
    bits_per_byte: float
    bits_per_symbol: float
    perplexity: float
    macro_bits_per_byte: float
    macro_bits_per_symbol: float
    macro_perplexity: float

    def to_dict(self) -> dict[str, Any]:
        """Every field by name."""
        return asdict(self)

    def __repr__(self) -> str:
        return (
            f"<BitsPerByte {self.compressor}: {self.bits_per_byte:.4g} bits per byte, perplexity {self.perplexity:.4g} "
            f"per {self.symbol}, {self.texts:,} text{'s' * (self.texts != 1)} of {self.bytes:,} bytes>"
        )


def bits_per_byte(
    texts: Text | Texts,
    compressor: Any = "gzip",
    *,
    symbol: str | Alphabet = "bytes",
    given: Text | None = None,
    remove_overhead: bool = False,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> BitsPerByte:
    """
    Bits that a compressor spends on each byte of texts, and its perplexity.

    A code length of b bits for n symbols is a perplexity of ``2 ** (b / n)``: as uncertain as a fair choice among so
    many symbols each time. Each text is coded by itself, so that short texts cost more with compressors that learn as
    they go; with `given` all of them have seen that text before. Figures of compressors that give whole bytes are
    rounded up in each text.

    Parameters
    ----------
    texts : text, or iterable of texts
        One text, or many: `str`, `bytes`, paths. None may be empty.
    compressor : str or object
        As in `ncd.get_compressor`.
    symbol : {"bytes", "characters", "words", "tokens"} or Alphabet
        What perplexity is counted by. "characters" are Unicode code points (a byte that is not UTF-8 counts as one);
        "words" are those of `ncd.words.Words`, punctuation marks included; "tokens" are the compressor's own, as neural
        language models have them, and context models with ``alphabet=tokens``. The bits are those of the whole text,
        spaces included, whatever is counted.
    given : text, optional
        Conditional code lengths L(text | given), from a coder primed with it. Header and trailer are then left out.
    remove_overhead : bool
        Subtract the constant header and trailer from every code length.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: a bar on a terminal after a second.

    Returns
    -------
    BitsPerByte

    Raises
    ------
    EmptyTextError
        If a text is empty.
    ValueError
        If `symbol` is not known, or a text has none of them, or `remove_overhead` is asked for with `given`.
    TypeError
        If `given` is there and the compressor cannot be primed, or it has no tokens of its own.

    Examples
    --------
    >>> bits_per_byte("to be or not to be, that is the question " * 20)
    <BitsPerByte gzip:9: 0.6244 bits per byte, perplexity 1.542 per byte, 1 text of 820 bytes>
    >>> bits_per_byte(["to be or not to be", "that is the question"], "deflate", symbol="words").bits_per_symbol
    31.2
    """
    codec = get_compressor(compressor)
    one = isinstance(texts, str | bytes | bytearray | memoryview | os.PathLike)
    corpus = as_corpus([texts] if one else texts, name="texts", allow_empty=True)  # type: ignore[list-item, arg-type]
    empty = next((i for i, text in enumerate(corpus) if not text), None)
    if empty is not None:
        raise EmptyTextError(f"texts[{empty}] is empty, and has no bits per byte: leave it out")
    label, counts = _counts(corpus, symbol, codec)
    if given is None:
        lengths = code_lengths(corpus, compressor=codec, n_jobs=n_jobs, progress=progress).astype(np.float64)
        lengths -= codec.overhead if remove_overhead else 0
    elif remove_overhead:
        raise ValueError("remove_overhead goes without given: conditional code lengths have no overhead")
    else:
        lengths = codec.primed(as_bytes(given, name="given")).lengths(corpus).astype(np.float64)
    bits = lengths if codec.unit == "bits" else lengths * 8
    sizes = np.array([len(text) for text in corpus])
    total, by_symbol, macro = float(bits.sum()), float(bits.sum() / counts.sum()), float((bits / counts).mean())
    return BitsPerByte(
        compressor=codec.name,
        version=codec.version,
        symbol=label,
        texts=len(corpus),
        bits=total,
        bytes=int(sizes.sum()),
        symbols=int(counts.sum()),
        bits_per_byte=total / int(sizes.sum()),
        bits_per_symbol=by_symbol,
        perplexity=_perplexity(by_symbol),
        macro_bits_per_byte=float((bits / sizes).mean()),
        macro_bits_per_symbol=macro,
        macro_perplexity=_perplexity(macro),
    )


def _perplexity(bits: float) -> float:
    """Two to that power."""
    return 2.0**bits if bits < _LARGEST else math.inf


def _counts(corpus: list[bytes], symbol: str | Alphabet, codec: Compressor) -> tuple[str, NDArray[np.int64]]:
    """What a symbol is called, and how many of them each text has."""
    if not isinstance(symbol, Alphabet) and symbol not in _SYMBOLS:
        choices = ", ".join(map(repr, _SYMBOLS))
        raise ValueError(f"symbol is {symbol!r}: choose from {choices}, or give an Alphabet")
    counts: Sequence[int]
    if symbol == "bytes":
        counts = [len(text) for text in corpus]
    elif symbol == "characters":
        counts = [len(decoded(text)) for text in corpus]
    elif symbol == "tokens":
        count = getattr(codec, "symbol_counts", None)
        if count is None:
            raise TypeError(f"{codec.name!r} has no tokens of its own: give an Alphabet as symbol, or choose 'words'")
        counts = count(corpus)
    else:
        alphabet = symbol if isinstance(symbol, Alphabet) else get_alphabet(symbol)
        _, offsets = alphabet.update_encode(corpus) if symbol == "words" else alphabet.encode_many(corpus)
        counts = np.diff(offsets).tolist()
    label = _SYMBOLS[symbol.kind if isinstance(symbol, Alphabet) else symbol]
    empty = next((i for i, count in enumerate(counts) if not count), None)
    if empty is not None:
        raise ValueError(f"texts[{empty}] has no {label}: choose symbol='bytes', or leave it out")
    return label, np.asarray(counts, np.int64)
