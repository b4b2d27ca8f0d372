"""Slow, obvious versions of the costs by code length."""

import numpy as np


def bits(compressor, text):
    """Code length in bits."""
    return compressor.length(text) * (8 if compressor.unit == "bytes" else 1)


def ordinary(compressor, pieces, size, shuffles, starts, seed):
    """Mean bits of `size` bytes of shuffled pieces, linear between their ends."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(pieces)) for _ in range(shuffles)]
    step = max(1, -(-len(pieces) // starts))
    values = []
    for order in orders:
        for start in range(0, len(pieces), step):
            text, before, length = b"", 0.0, 0
            for place in range(len(pieces)):
                piece = pieces[order[(start + place) % len(pieces)]]
                after = bits(compressor, text + piece)
                if length + len(piece) >= size:
                    values.append(before + (after - before) * (size - length) / len(piece))
                    break
                text, before, length = text + piece, after, length + len(piece)
    return sum(values) / len(values)


def calibrated(compressor, pieces, start, stop, shuffles, starts, seed):
    """Cost of a segment."""
    text = b"".join(pieces[start:stop])
    return bits(compressor, text) - ordinary(compressor, pieces, len(text), shuffles, starts, seed)
