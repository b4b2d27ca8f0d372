"""Slow, obvious versions of the class models and of the bits-saved machine: dictionaries, floats, the formulas."""

import math
import re
from collections import Counter, defaultdict

import numpy as np
from sklearn.svm import LinearSVC

MARK = "a mark"  # what stands before and after a text of words; no word has a space


def symbols(text, alphabet="bytes"):
    """A text between two marks."""
    if alphabet == "bytes":
        return [10, *text, 10]
    return [MARK, *re.findall(r"\w+|[^\w\s]", text.decode("utf-8", "surrogateescape").lower()), MARK]


def strings_of(sequence, longest):
    """Every occurrence of a string of 1 to `longest` symbols."""
    for start in range(len(sequence)):
        for stop in range(start + 1, min(start + longest, len(sequence)) + 1):
            yield tuple(sequence[start:stop])


class Counts:
    """n(u), and what follows from it: T(u) and D(u)."""

    def __init__(self, sequences, order):
        self.n = Counter(u for sequence in sequences for u in strings_of(sequence, order + 1))
        self.after = defaultdict(dict)
        for u, count in self.n.items():
            self.after[u[:-1]][u[-1]] = count

    def followed(self, u):
        """T(u) = sum_s n(us)."""
        return sum(self.after.get(u, {}).values())

    def distinct(self, u):
        """D(u), the number of symbols that follow u."""
        return len(self.after.get(u, {}))


class ClassModels:
    """The models of all classes, and the one of all texts together."""

    def __init__(self, texts, codes, n_classes, alphabet="bytes", order=6, alpha=2.0, weight=0.5):
        sequences = [symbols(text, alphabet) for text in texts]
        self.alphabet, self.order, self.alpha, self.weight = alphabet, order, alpha, weight
        self.all = Counts(sequences, order)
        self.classes = [
            Counts([sequence for sequence, code in zip(sequences, codes, strict=True) if code == c], order)
            for c in range(n_classes)
        ]
        words = {symbol for sequence in sequences for symbol in sequence} - {MARK}
        self.size = 256 if alphabet == "bytes" else len(words) + 2  # the mark, and one for all unknown words

    def shared(self, context, symbol):
        """G_0(symbol) ... G_K(symbol) after the symbols before."""
        g, result = 1 / self.size, []
        for k in range(self.order + 1):
            u = context[len(context) - k :] if k <= len(context) else None
            total = 0 if u is None else self.all.followed(u)
            if total:
                distinct = self.all.distinct(u)
                g = (self.all.n[(*u, symbol)] + distinct * g) / (total + distinct)
            result.append(g)
        return result

    def probabilities(self, c, context, symbol):
        """H_{c,0}(symbol) ... H_{c,K}(symbol) after the symbols before."""
        shared, result = self.shared(context, symbol), []
        for k in range(self.order + 1):
            h = shared[0] if k == 0 else (1 - self.weight) * result[-1] + self.weight * shared[k]
            u = context[len(context) - k :] if k <= len(context) else None
            total = 0 if u is None else self.classes[c].followed(u)
            if total:
                prior = self.alpha * self.classes[c].distinct(u)
                h = (self.classes[c].n[(*u, symbol)] + prior * h) / (total + prior)
            result.append(h)
        return result

    def positions(self, text):
        """Bits of each symbol of a text under each class; the first mark has none."""
        sequence = tuple(symbols(text, self.alphabet))
        result = np.zeros((len(sequence), len(self.classes)))
        for at in range(1, len(sequence)):
            for c in range(len(self.classes)):
                found = self.probabilities(c, sequence[max(0, at - self.order) : at], sequence[at])
                result[at, c] = sum(-math.log2(h) for h in found[1:]) / self.order
        return result

    def bits(self, texts):
        """Code lengths, shape (n_texts, n_classes)."""
        return np.array([self.positions(text).sum(0) for text in texts])


def leave_one_out(texts, codes, n_classes, *options):
    """Code lengths of each text under the models of all others; infinite under a class that has no other."""
    rows = []
    for i, text in enumerate(texts):
        others = [j for j in range(len(texts)) if j != i]
        model = ClassModels([texts[j] for j in others], [codes[j] for j in others], n_classes, *options)
        row = model.bits([text])[0]
        row[[c for c in range(n_classes) if c not in {codes[j] for j in others}]] = np.inf
        rows.append(row)
    return np.array(rows)


def factor(times):
    """1 + ln of how often a text has a string, rounded down to 1, 2 ... 16, 20, 25, 31 ... 568."""
    return 1 + math.log(max(step for step in [*range(1, 17), *(int(16 * 1.25**k) for k in range(17))] if step <= times))


class BitsSaved:
    """
    The strings of 1 to `order` bytes in at least `least` of the texts seen, and for each what a class saves on it.

    `signs` has 1 for a text of the class, -1 for one of the others, 0 for one that is not to be seen.
    """

    def __init__(self, texts, signs, order=6, least=2):
        self.order = order
        own, other = Counter(), Counter()
        for text, sign in zip(texts, signs, strict=True):
            (own if sign > 0 else other).update(self.strings(text) if sign else ())
        self.strings_known = sorted(v for v in own | other if own[v] + other[v] >= least)
        self.texts_with = {v: own[v] + other[v] for v in self.strings_known}
        size = len(self.strings_known)
        total, total_other = (sum(counts[v] for v in self.strings_known) for counts in (own, other))
        self.saved = {
            v: math.log((own[v] + 1) / (total + size)) - math.log((other[v] + 1) / (total_other + size))
            for v in self.strings_known
        }

    def strings(self, text):
        """The set of strings of a text."""
        return {bytes(v) for v in strings_of([10, *text, 10], self.order)}

    def times(self, text):
        """How often the text has each of its strings."""
        return Counter(bytes(v) for v in strings_of([10, *text, 10], self.order))

    def vectors(self, texts):
        """x(d), shape (n_texts, n_strings)."""
        result = np.zeros((len(texts), len(self.strings_known)))
        at = {v: i for i, v in enumerate(self.strings_known)}
        for row, text in zip(result, texts, strict=True):
            for v, times in self.times(text).items():
                if v in at:
                    row[at[v]] = self.saved[v] * factor(times)
            row /= math.sqrt((row**2).sum()) or 1
        return result

    def separator(self, texts, signs, cost):
        """The support vector machine that liblinear finds."""
        seen = [i for i, sign in enumerate(signs) if sign]
        machine = LinearSVC(
            loss="squared_hinge", C=cost, intercept_scaling=1, dual=True, tol=1e-8, max_iter=1_000_000, random_state=0
        )
        return machine.fit(self.vectors([texts[i] for i in seen]), [signs[i] for i in seen])
