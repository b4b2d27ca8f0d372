"""Which strings speak most for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ncd.classify.base import check_whole
from ncd.classify.counted import AlphabetName, Counted
from ncd.classify.fingerprints import Fingerprint, Fingerprints
from ncd.classify.framed import Frame, Framed, new_frame
from ncd.classify.parallel import in_threads
from ncd.classify.saved_bits import FACTORS
from ncd.kernels.class_ratios import class_ratios, texts_of_entries
from ncd.kernels.jit import announced

if TYPE_CHECKING:
    from ncd.classify.bits_saved import BitsSavedClassifier
    from ncd.classify.code_length import CodeLengthClassifier

__all__ = ["bits_saved_fingerprints", "code_length_fingerprints"]

_SAMPLE = 1000  # texts of a class that are searched for the words around a string
_IN_WORDS = frozenset(f"{ascii_letters}{digits}_".encode()) | frozenset(range(0x80, 0x100))


def code_length_fingerprints(model: CodeLengthClassifier, n: int) -> Fingerprints:
    """See `CodeLengthClassifier.fingerprints`."""
    check_is_fitted(model)
    check_whole("n", n, 1)
    counted = model._prepared()
    if not isinstance(counted, Counted):
        raise TypeError(
            f"model is {model.model!r}, a compressor, which does not tell what it knows of a class: choose 'ngram', "
            "'words' or 'tokens', or BitsSavedClassifier"
        )
    return _by_model(counted, model, n)


def bits_saved_fingerprints(model: BitsSavedClassifier, n: int) -> Fingerprints:
    """See `BitsSavedClassifier.fingerprints`."""
    check_is_fitted(model)
    check_whole("n", n, 1)
    weights = dict(zip(model.experts_, model.combination_.weights.tolist(), strict=True))
    if weights.get("strings", 0) > 0 or not model._models:
        return _by_strings(model, weights["strings"] / np.log(2), n)
    return _by_model(model._models[max(model._models, key=weights.__getitem__)], model, n)


def _by_strings(model: BitsSavedClassifier, scale: float, n: int) -> Fingerprints:
    """What strings add to the scores of the training texts of each class, times `scale`."""
    machine, labels = model._machine, model.classes_.tolist()
    vocabulary = machine.vocabulary
    framed = new_frame("bytes").read(model.texts_)
    result = Fingerprints()
    for c, label in enumerate(labels):
        separator, sign = (c, 1) if len(machine.bias) > 1 else (0, 2 * c - 1)
        weights, squares = (
            column.astype(np.float64) * vocabulary.multiplicity for column in machine.columns(separator)
        )
        own = np.flatnonzero(model.codes_ == c)
        found = vocabulary.features(framed.select(own), each_string=False, n_jobs=model.n_jobs)
        sizes = np.diff(found.ends, prepend=0)
        text = np.repeat(np.arange(len(own)), sizes)
        factors = FACTORS.astype(np.float64)[found.steps]
        norms = np.sqrt(np.bincount(text, squares[found.features] * factors**2, minlength=len(own)))
        shares = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        sums = np.bincount(found.features, factors * shares[text], minlength=vocabulary.size)
        texts = np.bincount(found.features, minlength=vocabulary.size)
        longest = _longest(vocabulary.strings.feature, vocabulary.size)

        def spelled(feature: int, longest: NDArray[np.int64] = longest) -> bytes:
            return bytes(_symbols_of(vocabulary.strings, int(longest[feature])))

        chosen = _chosen(scale * sign * weights * sums, spelled, [model.texts_[i] for i in own], n)
        result[label] = [
            Fingerprint(string, bits, int(texts[at]), float(texts[at] / len(own)), within)
            for at, string, within, bits in chosen
        ]
    return result


def _longest(feature: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """The node of the longest string of each feature; nodes of longer strings come later."""
    result = np.zeros(size, np.int64)
    known = np.flatnonzero(feature >= 0)
    result[feature[known]] = known
    return result


def _by_model(counted: Counted, model: Any, n: int) -> Fingerprints:
    """What the models of the classes save on strings of their training texts, against the shared model."""
    _compiled("bytes" if counted.frame.alphabet is None else "words")
    counts, frame = counted.model.counts, counted.frame
    words_cut = frame.alphabet is None or frame.alphabet.lossless
    saved, there = _entries(counted, frame.read(model.texts_), model.codes_, model.n_jobs)
    result = Fingerprints()
    for c, label in enumerate(model.classes_.tolist()):
        own = np.flatnonzero(model.codes_ == c)
        entries = np.flatnonzero(counts.classes == c)

        def spelled(at: int, entries: NDArray[np.int64] = entries) -> bytes:
            return _bytes_of(frame, _symbols_of(counts, _before(counts.entries, int(entries[at]))))

        texts = [model.texts_[i] for i in own] if words_cut else []
        chosen = _chosen(saved[entries].astype(np.float64) * there[entries], spelled, texts, n)
        result[label] = [
            Fingerprint(string, bits, int(there[entries[at]]), float(there[entries[at]] / len(own)), within)
            for at, string, within, bits in chosen
        ]
    return result


def _entries(
    counted: Counted, texts: Framed, codes: NDArray[np.int64], n_jobs: int | None
) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """For each entry of the counts the bits that the class saves on the string, and its texts that have it."""
    counts, levels = counted.model.counts, counted.model.rule.order + 1
    nodes, entries = len(counts.labels), len(counts.classes)
    saved, there = np.empty(entries, np.float32), np.zeros(entries, np.uint32)
    scratch = np.empty(nodes, np.int64), np.empty(nodes, np.float32), np.empty(entries, np.float32)
    class_ratios(counts, counted.model.rule, *scratch, saved)
    del scratch
    stamp = np.full(entries, -1, np.int32)

    def count(c: int) -> None:
        own = texts.select(np.flatnonzero(codes == c))
        texts_of_entries(counts, own.symbols, own.offsets, c, levels, np.empty(levels + 1, np.int64), stamp, there)

    in_threads(count, range(counted.model.n_classes), n_jobs)  # each class has entries of its own
    return saved, there


def _chosen(
    bits: NDArray[np.float64], spelled: Callable[[int], bytes], texts: list[bytes], n: int
) -> list[tuple[int, bytes, bytes, float]]:
    """The indices of the largest, with strings, the words around them and bits, none nearly the same as one before."""
    step = -(-len(texts) // _SAMPLE) if texts else 1
    sample = [b"\n" + text + b"\n" for text in texts[::step]]
    taken: list[tuple[int, bytes, bytes, float]] = []
    for at in _descending(bits, 16 * n):
        string = spelled(at)
        if any(_alike(string, other) for _, other, _, _ in taken):
            continue
        within = _words_around(string, sample)
        if all(within.strip() != other.strip() for _, _, other, _ in taken):
            taken.append((at, string, within, float(bits[at])))
            if len(taken) == n:
                break
    return taken


def _words_around(string: bytes, texts: list[bytes]) -> bytes:
    """The string and the rest of its first and last word, as it is found most often at its first place in the texts."""
    found: Counter[bytes] = Counter()
    for text in texts:
        start = text.find(string)
        if start >= 0:
            stop = start + len(string)
            if text[start] in _IN_WORDS:
                while text[start - 1] in _IN_WORDS:  # a text begins and ends with a mark
                    start -= 1
            if text[stop - 1] in _IN_WORDS:
                while text[stop] in _IN_WORDS:
                    stop += 1
            found[text[start:stop]] += 1
    return max(found, key=lambda words: (found[words], words), default=string)


def _descending(bits: NDArray[np.float64], first: int) -> Iterator[int]:
    """Indices of positive numbers, the largest first; not many more are sorted than are asked for."""
    done, size = 0, first
    while done < len(bits):
        least = np.partition(bits, len(bits) - size)[len(bits) - size] if size < len(bits) else bits.min()
        best = np.flatnonzero(bits >= least)  # all that are equal to the least one too, so that the order is one
        best = best[np.argsort(-bits[best], kind="stable")]
        for at in best[done:].tolist():
            if bits[at] <= 0:
                return
            yield at
        done, size = len(best), 8 * size


def _alike(a: bytes, b: bytes) -> bool:
    """Whether two strings share a stretch of more than half of the longer one."""
    short, long = sorted((a, b), key=len)
    size = len(long) // 2 + 1
    return any(long[i : i + size] in short for i in range(len(long) - size + 1))


def _before(starts: NDArray[Any], at: int) -> int:
    """Which of the things that begin at `starts` the place is in; a number of another type would copy the array."""
    return int(np.searchsorted(starts, starts.dtype.type(at), "right")) - 1


def _symbols_of(tree: Any, node: int) -> tuple[int, ...]:
    """The symbols of a node's string."""
    symbols = []
    while True:
        symbols.append(int(tree.labels[node]))
        if node < int(tree.children[0]):
            return tuple(reversed(symbols))
        node = _before(tree.children, node)


def _bytes_of(frame: Frame, symbols: Sequence[int]) -> bytes:
    """What symbols stand for; words are joined by spaces, and the marks are line feeds."""
    if frame.alphabet is None:
        return bytes(symbols)
    parts = [b"\n" if symbol == frame.size - 1 else frame.alphabet.symbol(symbol) for symbol in symbols]
    if frame.alphabet.lossless:
        return b"".join(parts)
    return b" ".join(parts).replace(b"\n ", b"\n").replace(b" \n", b"\n")


@cache
def _compiled(alphabet: AlphabetName) -> None:
    """Compile the kernels, or load them from disk, once in a process."""
    with announced("the kernels of fingerprints"):
        texts, codes = [b"to be", b"or not"], np.arange(2)
        counted = Counted.of(texts, codes, 2, alphabet, order=1, n_jobs=1)
        _entries(counted, counted.frame.read(texts), codes, 1)
