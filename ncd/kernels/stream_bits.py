"""
Code lengths of many bytes from products of their probabilities: one logarithm a unit, the same on every platform.

A product that falls under 2^-512 is scaled by 2^512, and the times are counted. Only sums, products and quotients are
computed, which IEEE 754 rounds alike everywhere; the logarithms of the system libraries differ in their last bits.
"""

from __future__ import annotations

import math
from typing import Any

from ncd.kernels.jit import inlined

__all__ = ["SCALE", "TINY", "WHOLE", "bits_of"]

#: What a product is scaled by where it is under `TINY`: the next probability (over 2^-400) cannot make it a subnormal.
SCALE, TINY = 2.0**512, 2.0**-512

#: What probabilities are multiplied by where they are kept as whole numbers, from 1.
WHOLE = 65535.0

_ROOT = math.sqrt(0.5)
_PER_NAT = 2.0 / math.log(2.0)


@inlined
def bits_of(product: Any, times: Any) -> Any:
    """
    -log2 of ``product * SCALE**-times``, of a product from 2^-1022 to 2.

    log2 m = 2 artanh(y) / ln 2, y = (m - 1) / (m + 1), for m from sqrt(1/2) to sqrt(2): the series' first eleven terms
    leave an error under 2^-52.
    """
    part, exponent = math.frexp(product)
    if part < _ROOT:
        part *= 2.0
        exponent -= 1
    y = (part - 1.0) / (part + 1.0)
    square = y * y
    series = 0.0
    for k in range(10, -1, -1):
        series = series * square + 1.0 / (2 * k + 1)
    return 512.0 * times - exponent - _PER_NAT * y * series
