"""Slow, obvious versions of the adaptive context models: dictionaries of counts, sums over the whole past."""

import itertools
import math
from collections import Counter, defaultdict
from fractions import Fraction

START = "start"  # what stands before the first symbol


class Counts:
    """Counts of what followed each context of up to `order` symbols, each kind by its definition."""

    def __init__(self, order, alphabet=256):
        self.order, self.alphabet = order, alphabet
        self.text = []
        self.every = defaultdict(Counter)  # all occurrences
        self.before = defaultdict(lambda: defaultdict(set))  # the symbols that stood before a context and symbol
        self.updated = defaultdict(Counter)  # with update exclusion
        self.how_many = [Counter() for _ in range(order + 1)]  # contexts and symbols by Kneser and Ney's counts

    def contexts(self):
        """The last 0, 1 ... symbols."""
        longest = min(self.order, len(self.text))
        return [tuple(self.text[len(self.text) - k :]) for k in range(longest + 1)]

    def add(self, symbol):
        contexts = self.contexts()
        for u in reversed(contexts):
            known = symbol in self.updated[u]
            self.updated[u][symbol] += 1
            if known:
                break
        for u in contexts:
            self.how_many[len(u)][self.continued(u).get(symbol, 0)] -= 1
            self.every[u][symbol] += 1
            self.before[u][symbol].add(self.text[-len(u) - 1] if len(u) < len(self.text) else START)
            self.how_many[len(u)][self.continued(u)[symbol]] += 1
        self.text.append(symbol)

    def continued(self, u):
        """Counts for Kneser-Ney: occurrences after the longest contexts, different symbols before shorter ones."""
        if len(u) == self.order:
            return self.every[u]
        return {symbol: len(before) for symbol, before in self.before[u].items()}


def _witten_bell(model, symbol, counts):
    """P_0 ... P_K; an unseen context has the value of the next shorter one."""
    shares, share = [], 1 / model.alphabet
    for u in model.contexts():
        found = counts[u]
        total, distinct = sum(found.values()), len(found)
        if total:
            share = (found[symbol] + distinct * share) / (total + distinct)
        shares.append(share)
    return shares + [share] * (model.order + 1 - len(shares))


def wb(model, symbol):
    return _witten_bell(model, symbol, model.every)[-1]


def ngram(model, symbol):
    return sum(_witten_bell(model, symbol, model.every)[1:]) / model.order


def kn(model, symbol):
    """Interpolated Kneser-Ney with one discount an order."""
    share = 1 / model.alphabet
    for u in model.contexts():
        counts = model.continued(u)
        if counts:
            ones, twos = model.how_many[len(u)][1], model.how_many[len(u)][2]
            discount = (ones + 1) / (ones + 2 * twos + 2)
            total = sum(counts.values())
            share = (max(counts.get(symbol, 0) - discount, 0) + discount * len(counts) * share) / total
    return share


def _ppm(model, symbol, counts, one=1.0):
    """PPM: escape by method D, full exclusion."""
    share, excluded = one, set()
    for u in reversed(model.contexts()):
        found = {s: n for s, n in counts[u].items() if s not in excluded}
        if not found:
            continue
        total, distinct = sum(found.values()), len(found)
        if distinct + len(excluded) == model.alphabet:  # nothing is left to escape to
            return share * (2 * found[symbol] - 1) / (2 * total - distinct)
        if symbol in found:
            return share * (2 * found[symbol] - 1) / (2 * total)
        share = share * distinct / (2 * total)
        excluded |= set(found)
    return share / (model.alphabet - len(excluded))


def ppm(model, symbol):
    return _ppm(model, symbol, model.updated)


def ppm_full(model, symbol, one=1.0):
    """Without update exclusion."""
    return _ppm(model, symbol, model.every, one)


def dirichlet(alpha):
    def share(model, symbol):
        counts = model.every[()]
        return (counts[symbol] + alpha) / (sum(counts.values()) + alpha * model.alphabet)

    return share


def learned(order, past, alphabet=256):
    """Counts of a past."""
    model = Counts(order, alphabet)
    for symbol in past:
        model.add(symbol)
    return model


def shares(rule, order, text, past=(), *, frozen=False, alphabet=256):
    """Probability of each symbol after a past; a frozen model counts nothing more, and its contexts reach on."""
    model, result = learned(order, past, alphabet), []
    for symbol in text:
        result.append(rule(model, symbol))
        if frozen:
            model.text.append(symbol)
        else:
            model.add(symbol)
    return result


# context-tree weighting


def kt(zeros, ones):
    """Block probability of Krichevsky and Trofimov."""
    half = Fraction(1, 2)
    upper = math.prod((i + half for i in range(zeros)), start=Fraction(1))
    upper *= math.prod((i + half for i in range(ones)), start=Fraction(1))
    return upper / math.factorial(zeros + ones)


def zr(zeros, ones):
    """The zero-redundancy estimator: half of it for sources that give the same bit for ever."""
    if zeros + ones == 0:
        return Fraction(1)
    return kt(zeros, ones) / 2 + Fraction(zeros == 0, 4) + Fraction(ones == 0, 4)


def counted(events):
    """Zeros and ones among the bits that followed."""
    ones = sum(bit for _, bit in events)
    return len(events) - ones, ones


def decisions(text):
    """For each string of bits that a byte may begin with: the bytes before, the last one first, and the next bit."""
    result = defaultdict(list)
    for i, byte in enumerate(text):
        bits = f"{byte:08b}"
        past = (*reversed(text[:i]), START)
        for place in range(8):
            result[bits[:place]].append((past, int(bits[place])))
    return result


def _by_symbol(events, k):
    """Events by the symbol k + 1 places before."""
    groups = defaultdict(list)
    for past, bit in events:
        groups[past[k]].append((past, bit))
    return groups


def weighted(events, depth, estimator, k=0):
    """P_w of the bits that followed a context of k bytes."""
    own = estimator(*counted(events))
    if k == depth:
        return own
    product = Fraction(1)
    for symbol, group in _by_symbol(events, k).items():
        # nothing stands before the start
        product *= estimator(*counted(group)) if symbol == START else weighted(group, depth, estimator, k + 1)
    return (own + product) / 2


def ctw(text, depth, estimator):
    """Probability of a whole text."""
    return math.prod((weighted(events, depth, estimator) for events in decisions(text).values()), start=Fraction(1))


def ctw_shares(text, depth, estimator):
    """Probability of each byte after those before."""
    whole = [ctw(text[:i], depth, estimator) for i in range(len(text) + 1)]
    return [after / before for before, after in itertools.pairwise(whole)]


def ctw_frozen_shares(text, depth, estimator, past):
    """Probability of each byte by what a past has taught; contexts reach on into the text."""
    known, result = decisions(past), []
    for i, byte in enumerate(text):
        before, bits, share = (*reversed(text[:i]), *reversed(past), START), f"{byte:08b}", Fraction(1)
        for place in range(8):
            events = known.get(bits[:place], [])
            after = weighted([*events, (before, int(bits[place]))], depth, estimator)
            share *= after / weighted(events, depth, estimator)
        result.append(share)
    return result


def trees(events, depth, k=0):
    """Every way to prune the tree of the contexts that occur: events at its leaves, and bits that tell the tree."""
    if k == depth:
        return [([events], 0)]
    combined = [([], 1)]
    for symbol, group in _by_symbol(events, k).items():
        below = [([group], 0)] if symbol == START else trees(group, depth, k + 1)
        combined = [(leaves + more, cost + extra) for leaves, cost in combined for more, extra in below]
    return [([events], 1), *combined]


def mixture(events, depth, estimator):
    """Sum over all trees of 2^-bits times the product of the estimates at its leaves."""
    return sum(
        math.prod((estimator(*counted(leaf)) for leaf in leaves), start=Fraction(1)) / 2**cost
        for leaves, cost in trees(events, depth)
    )


def kt_bits(zeros, ones):
    """-log2 of `kt`, for long texts."""
    gamma = math.lgamma(zeros + 0.5) + math.lgamma(ones + 0.5) - math.log(math.pi) - math.lgamma(zeros + ones + 1)
    return -gamma / math.log(2)


def zr_bits(zeros, ones):
    """-log2 of `zr`."""
    bits = kt_bits(zeros, ones) + 1
    if zeros == 0 or ones == 0:
        bits = _sum_bits(bits, 2.0) if zeros + ones else 0.0
    return bits


def _sum_bits(one, other):
    """-log2 of the sum of two probabilities given by -log2."""
    least, most = min(one, other), max(one, other)
    return least - math.log2(1 + 2 ** (least - most))


def _weighted_bits(events, depth, estimator, k=0):
    """-log2 of `weighted`."""
    own = estimator(*counted(events))
    if k == depth:
        return own
    product = 0.0
    for symbol, group in _by_symbol(events, k).items():
        product += estimator(*counted(group)) if symbol == START else _weighted_bits(group, depth, estimator, k + 1)
    return _sum_bits(own, product) + 1


# by name

RULES = {"ppm": ppm, "wb": wb, "kn": kn, "ngram": ngram}


def bits(spec, text, past=b""):
    """Code length of a text after a past, by the compressor's name."""
    family, _, rest = spec.partition(":")
    first, *options = rest.split(",")
    if family == "ctw":
        estimator = kt_bits if "estimator=kt" in options else zr_bits

        def whole(data):
            return sum(_weighted_bits(events, int(first), estimator) for events in decisions(data).values())

        return whole(past + text) - whole(past)
    rule, order = (dirichlet(float(first)), 0) if family == "dirichlet" else (RULES[family], int(first))
    if "update_exclusion=False" in options:
        rule = ppm_full
    return -sum(map(math.log2, shares(rule, order, text, past, frozen="frozen=True" in options)))
