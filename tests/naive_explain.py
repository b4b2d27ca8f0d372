"""Slow, obvious versions of explanations and fingerprints: loops over strings, occurrences and bytes."""

import math
import re
import struct
from collections import Counter, defaultdict

import numpy as np
from naive_classes import ClassModels, factor, strings_of, symbols

from ncd.tokens import decoded, encoded


def strings_of_tree(strings):
    """The bytes of every node, found by walking down from the single bytes."""
    found = {}

    def down(node, text):
        found[node] = text
        for child in range(int(strings.children[node]), int(strings.children[node + 1])):
            down(child, text + bytes([int(strings.labels[child])]))

    for byte in range(256):
        if strings.first[byte] >= 0:
            down(int(strings.first[byte]), bytes([byte]))
    return found


def upper_half(number):
    """The float32 whose upper half this is."""
    return struct.unpack("<f", struct.pack("<I", int(number) << 16))[0]


def weights_of(machine, separator):
    """Weight and square of every string that the machine knows."""
    block, lane = divmod(separator, 8)
    strings = machine.vocabulary.strings
    return {
        text: tuple(upper_half(machine.rows[block][strings.feature[node], lane + half]) for half in (0, 8))
        for node, text in strings_of_tree(strings).items()
        if strings.feature[node] >= 0
    }


def string_score(machine, text, separator):
    """What each known string of the text adds to a separator's score."""
    weights = weights_of(machine, separator)
    times = Counter(bytes(v) for v in strings_of([10, *text, 10], machine.vocabulary.order))
    there = {v: factor(times[v]) for v in times.keys() & weights.keys()}
    norm = math.sqrt(sum(weights[v][1] * f * f for v, f in there.items())) or 1.0
    return {v: weights[v][0] * f / norm for v, f in there.items()}


def spread_strings(scores, text):
    """Scores of strings on the bytes of their occurrences; what only the marks could take is the second result."""
    framed = b"\n" + text + b"\n"
    bits, constant = np.zeros(len(text)), 0.0
    for v, score in scores.items():
        starts = [i for i in range(len(framed)) if framed.startswith(v, i)]
        for start in starts:
            mine = [i - 1 for i in range(start, start + len(v)) if 1 <= i <= len(text)]
            for i in mine:
                bits[i] += score / len(starts) / len(mine)
            if not mine:
                constant += score / len(starts)
    return bits, constant


def word_spans(text):
    """Bytes of each word: characters are turned to lower case one by one, and remember where they come from."""
    lowered, owners, at = "", [], 0
    whole = decoded(text).lower()
    for character in decoded(text):
        size = len(encoded(character))
        for _ in character.lower():
            lowered += whole[len(lowered)]  # a sigma at the end of a word has another form
            owners.append((at, at + size))
        at += size
    assert lowered == whole
    return [(owners[m.start()][0], owners[m.end() - 1][1]) for m in re.finditer(r"\w+|[^\w\s]", whole)]


def spread_symbols(saved, spans, size):
    """Bits of symbols between two marks on their bytes; those of the last mark are the second result."""
    bits = np.zeros(size)
    for one, (start, stop) in zip(saved[1:-1], spans, strict=True):
        for i in range(start, stop):
            bits[i] += one / (stop - start)
    return bits, saved[-1]


def by_model(texts, codes, text, mine, other, alphabet="bytes", **options):
    """Bits by the class models of `naive_classes`."""
    saved = ClassModels(texts, codes, max(codes) + 1, alphabet, **options).positions(text)
    spans = word_spans(text) if alphabet == "words" else [(i, i + 1) for i in range(len(text))]
    return spread_symbols(saved[:, other] - saved[:, mine], spans, len(text))


def saved_by_string(texts, codes, alphabet="bytes", **options):
    """For each class and string the bits saved on one occurrence against all classes, and the texts that have it."""
    models = ClassModels(texts, codes, max(codes) + 1, alphabet, **options)
    there = defaultdict(set)
    for i, (text, code) in enumerate(zip(texts, codes, strict=True)):
        for v in strings_of(symbols(text, alphabet), models.order + 1):
            there[code, v].add(i)
    return {
        (c, v): (
            sum(
                math.log2(models.probabilities(c, v[:j], v[j])[j] / models.shared(v[:j], v[j])[j])
                for j in range(len(v))
            ),
            len(found),
        )
        for (c, v), found in there.items()
    }


def fingerprint_bits(model, separators):
    """For each class and string of a `BitsSavedClassifier` what it adds to its training texts' scores, once in each."""
    found = defaultdict(float)
    for text, code in zip(model.texts_, model.codes_, strict=True):
        separator, sign = separators[code]
        for v, score in string_score(model._machine, text, separator).items():
            found[code, v] += sign * score
    return found
