"""Deflate, slow and obvious: what is in a stream, and zlib's choice of codes (trees.c) step by step."""

from typing import NamedTuple

STORED, FIXED, DYNAMIC = range(3)
END = 256
LITERALS, DISTANCES = 286, 30  # symbols that occur
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]  # of the header's own code
EXTRA_LENGTH = [0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0]
EXTRA_DISTANCE = [0, 0] + [i // 2 for i in range(28)]
EXTRA_HEADER = {16: 2, 17: 3, 18: 7}
FIXED_LITERALS = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
FIXED_DISTANCES = [5] * 30


def _bases(extra, first):
    bases = [first]
    for bits in extra[:-1]:
        bases.append(bases[-1] + 2**bits)
    return bases


BASE_LENGTH = [*_bases(EXTRA_LENGTH[:28], 3), 258]
BASE_DISTANCE = _bases(EXTRA_DISTANCE, 1)


# what is in a stream (RFC 1951)


class Block(NamedTuple):
    kind: int
    text: bytes
    literal_lengths: list[int]  # of codes, by symbol
    distance_lengths: list[int]
    literals: list[int]  # how often each symbol occurs
    distances: list[int]
    matches: list[tuple[int, int]]  # length and distance


class _Bits:
    def __init__(self, stream):
        self.stream, self.at = stream, 0

    def take(self, count):
        value = sum((self.stream[(self.at + i) // 8] >> (self.at + i) % 8 & 1) << i for i in range(count))
        self.at += count
        return value

    def symbol(self, codes):
        code = 1
        while True:
            code = code << 1 | self.take(1)
            if code in codes:
                return codes[code]


def _codes(lengths):
    """Symbol by code, with a one bit in front of it."""
    codes, code = {}, 0
    for bits in range(1, 16):
        for symbol, length in enumerate(lengths):
            if length == bits:
                codes[code | 1 << bits] = symbol
                code += 1
        code <<= 1
    return codes


def inflate(stream, dictionary=b""):
    """The blocks of a raw deflate stream."""
    bits, out, blocks, last = _Bits(stream), bytearray(dictionary), [], False
    while not last:
        begin, last, kind = len(out), bits.take(1), bits.take(2)
        literals, distances, matches = [0] * LITERALS, [0] * DISTANCES, []
        if kind == STORED:
            bits.at = -(-bits.at // 8) * 8
            size, _ = bits.take(16), bits.take(16)
            out += stream[bits.at // 8 : bits.at // 8 + size]
            bits.at += 8 * size
            blocks.append(Block(kind, bytes(out[begin:]), [], [], literals, distances, matches))
            continue
        literal_lengths, distance_lengths = FIXED_LITERALS, FIXED_DISTANCES
        if kind == DYNAMIC:
            literal_lengths, distance_lengths = _lengths(bits)
        literal_codes, distance_codes = _codes(literal_lengths), _codes(distance_lengths)
        while (symbol := bits.symbol(literal_codes)) != END:
            literals[symbol] += 1
            if symbol < END:
                out.append(symbol)
                continue
            length = BASE_LENGTH[symbol - 257] + bits.take(EXTRA_LENGTH[symbol - 257])
            code = bits.symbol(distance_codes)
            distances[code] += 1
            distance = BASE_DISTANCE[code] + bits.take(EXTRA_DISTANCE[code])
            matches.append((length, distance))
            for _ in range(length):
                out.append(out[-distance])
        literals[END] += 1
        blocks.append(Block(kind, bytes(out[begin:]), literal_lengths, distance_lengths, literals, distances, matches))
    return blocks


def _lengths(bits):
    """A dynamic block's header: lengths of both codes."""
    literals, distances, header = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    own = [0] * 19
    for symbol in ORDER[:header]:
        own[symbol] = bits.take(3)
    codes, lengths = _codes(own), []
    while len(lengths) < literals + distances:
        symbol = bits.symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            lengths += [lengths[-1]] * (3 + bits.take(2))
        elif symbol == 17:
            lengths += [0] * (3 + bits.take(3))
        else:
            lengths += [0] * (11 + bits.take(7))
    return lengths[:literals], lengths[literals:]


# zlib's codes


def depths(frequencies):
    """
    Depth of each leaf of zlib's tree (build_tree), before any code is cut short; None where a symbol has none.

    Also the nodes in the order in which they left the heap, and the two children of each node that is no leaf.
    """
    nodes = [symbol for symbol, count in enumerate(frequencies) if count]
    weight = {symbol: frequencies[symbol] for symbol in nodes}
    while len(nodes) < 2:
        most = max(nodes, default=-1)
        nodes.append(most + 1 if most < 2 else 0)
        weight[nodes[-1]] = 1
    heap = [None, *nodes]
    height = dict.fromkeys(nodes, 0)

    def smaller(one, other):
        return weight[one] < weight[other] or (weight[one] == weight[other] and height[one] <= height[other])

    def sink(place):
        moving = heap[place]
        while 2 * place < len(heap):
            child = 2 * place
            if child + 1 < len(heap) and smaller(heap[child + 1], heap[child]):
                child += 1
            if smaller(moving, heap[child]):
                break
            heap[place] = heap[child]
            place = child
        heap[place] = moving

    for place in range((len(heap) - 1) // 2, 0, -1):
        sink(place)
    children, left = {}, []
    new = len(frequencies)
    while len(heap) > 2:
        first = heap[1]
        last = heap.pop()
        heap[1] = last
        sink(1)
        second = heap[1]
        left += [first, second]
        weight[new], height[new] = weight[first] + weight[second], max(height[first], height[second]) + 1
        children[new] = first, second
        heap[1] = new
        sink(1)
        new += 1
    depth = {heap[1]: 0}
    for parent in sorted(children, reverse=True):
        for child in children[parent]:
            depth[child] = depth[parent] + 1
    return [depth.get(symbol) for symbol in range(len(frequencies))], left, children


def deepest(frequencies):
    """Length of the longest code, if it could be as long as it likes."""
    return max(depth or 0 for depth in depths(frequencies)[0])


def code_lengths(frequencies, longest):
    """Length of each symbol's code (build_tree and gen_bitlen); 0 where it has none."""
    lengths, left, children = depths(frequencies)
    if deepest(frequencies) <= longest:
        return [length or 0 for length in lengths]
    # Nodes that are too deep are brought up, from the root down, and counted; then leaves make room for them.
    root = max(children)
    depth, overflow = {root: 0}, 0
    for node in reversed([*left, root]):
        for child in children.get(node, ()):
            depth[child] = depth[node] + 1
            if depth[child] > longest:
                depth[child] = longest
                overflow += 1
    leaves = [node for node in left if node not in children]
    count = [sum(depth[leaf] == bits for leaf in leaves) for bits in range(longest + 1)]
    while overflow > 0:
        bits = longest - 1
        while count[bits] == 0:
            bits -= 1
        count[bits] -= 1
        count[bits + 1] += 2
        count[longest] -= 1
        overflow -= 2
    result = [0] * len(frequencies)
    waiting = iter(leaves)  # those that left the heap first get the longest codes
    for bits in range(longest, 0, -1):
        for _ in range(count[bits]):
            result[next(waiting)] = bits
    return result


def runs(lengths):
    """The header's symbols for the lengths of a code (scan_tree), as it is sent: up to the last that is not 0."""
    lengths = lengths[: max(symbol for symbol, length in enumerate(lengths) if length) + 1]
    symbols, at, before = [], 0, None
    while at < len(lengths):
        this = lengths[at]
        run = 1
        # A length that has not just been sent must be sent once before it can be repeated 3 to 6 times.
        most = 138 if this == 0 else 6 if this == before else 7
        while run < most and at + run < len(lengths) and lengths[at + run] == this:
            run += 1
        if this == 0 and run >= 3:
            symbols.append(17 if run <= 10 else 18)
        elif this and this == before and run >= 3:
            symbols.append(16)
        elif this and this != before and run >= 4:
            symbols += [this, 16]
        else:
            symbols += [this] * run
        at, before = at + run, this
    return symbols


def dynamic_bits(literals, distances):
    """
    Bits of a block with codes of its own, from how often symbols occur.

    Without the three of its type, and without the extra bits of lengths and distances.
    """
    total, symbols = 5 + 5 + 4, []
    for frequencies in (literals, distances):
        lengths = code_lengths(frequencies, 15)
        total += sum(count * length for count, length in zip(frequencies, lengths, strict=True))
        symbols += runs(lengths)
    own = code_lengths([symbols.count(symbol) for symbol in range(19)], 7)
    total += sum(own[symbol] + EXTRA_HEADER.get(symbol, 0) for symbol in symbols)
    return total + 3 * (max(place for place, symbol in enumerate(ORDER) if own[symbol]) + 1)


def fixed_bits(literals, distances):
    """As `dynamic_bits`, with the fixed codes."""
    return sum(
        count * length
        for frequencies, lengths in ((literals, FIXED_LITERALS), (distances, FIXED_DISTANCES))
        for count, length in zip(frequencies, lengths, strict=False)
    )


def extra_bits(literals, distances):
    """Extra bits of lengths and distances."""
    lengths = sum(count * bits for count, bits in zip(literals[257:], EXTRA_LENGTH, strict=True))
    return lengths + sum(count * bits for count, bits in zip(distances, EXTRA_DISTANCE, strict=True))


def flush_block(position, dynamic, fixed, size, in_window, last):
    """
    The form of a block, and the bits of the stream after it (_tr_flush_block).

    `dynamic` and `fixed` are its bits without the three of its type, extra bits included; `size` its bytes of text,
    which can be stored if they are still in the window.
    """
    least, of_fixed = (dynamic + 3 + 7) // 8, (fixed + 3 + 7) // 8
    least = min(least, of_fixed)
    if in_window and size + 4 <= least:
        kind, position = STORED, -(-(position + 3) // 8) * 8 + 8 * (4 + size)
    elif of_fixed == least:
        kind, position = FIXED, position + 3 + fixed
    else:
        kind, position = DYNAMIC, position + 3 + dynamic
    return kind, -(-position // 8) * 8 if last else position
