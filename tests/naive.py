"""Slow, obvious versions of what ncd computes: one library call a pair, plain Python numbers."""

import bz2
import gzip
import lzma
import math
import zlib
from typing import NamedTuple

OVERHEAD = {
    "gzip": 18,
    "zlib": 6,
    "deflate": 0,
    "bz2": 14,
    "xz": 32,
    "lzma": 1,
    "zstd": 6,
    "brotli": 0,
    "lz4": 11,
    "ppmd": 0,
    "ppm": 0,
    "wb": 0,
    "kn": 0,
    "ngram": 0,
    "ctw": 0,
    "dirichlet": 0,
}


class Spec(NamedTuple):
    family: str
    level: int | float
    options: dict


def parse(spec):
    family, _, rest = spec.partition(":")
    level, *others = rest.split(",")
    return Spec(family, float(level) if "." in level else int(level), dict(part.split("=") for part in others))


def zstd_library():
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd


def _xz_options(level, options):
    extreme = lzma.PRESET_EXTREME if options.get("extreme") == "True" else 0
    check = getattr(lzma, "CHECK_" + options.get("check", "crc64").upper())
    return level | extreme, check


def _zstd_options(level, options):
    parameter = zstd_library().CompressionParameter
    chosen = {parameter.compression_level: level}
    if "window_log" in options:
        chosen[parameter.window_log] = int(options["window_log"])
    return chosen


def compress(spec, data):
    family, level, options = parse(spec)
    if family == "gzip":
        return gzip.compress(data, level, mtime=0)
    if family == "zlib":
        return zlib.compress(data, level)
    if family == "deflate":
        coder = zlib.compressobj(level, zlib.DEFLATED, -15)
        return coder.compress(data) + coder.flush()
    if family == "bz2":
        return bz2.compress(data, level)
    if family == "xz":
        preset, check = _xz_options(level, options)
        return lzma.compress(data, check=check, preset=preset)
    if family == "lzma":
        preset, _ = _xz_options(level, options)
        return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": preset}])
    if family == "zstd":
        if not options:
            return zstd_library().compress(data, level)
        return zstd_library().compress(data, options=_zstd_options(level, options))
    if family == "brotli":
        import brotli

        mode = getattr(brotli, "MODE_" + options.get("mode", "generic").upper())
        return brotli.compress(data, mode=mode, quality=level, lgwin=int(options.get("lgwin", 22)))
    if family == "lz4":
        import lz4.frame

        return lz4.frame.compress(data, compression_level=level, store_size=False)
    if family == "ppmd":
        import pyppmd

        coder = pyppmd.Ppmd8Encoder(level, int(options.get("memory", 1 << 24)))
        return coder.encode(data) + coder.flush()
    raise ValueError(spec)


def decompress(spec, stream):
    family, level, options = parse(spec)
    if family == "gzip":
        return gzip.decompress(stream)
    if family == "zlib":
        return zlib.decompress(stream)
    if family == "deflate":
        return zlib.decompress(stream, -15)
    if family == "bz2":
        return bz2.decompress(stream)
    if family == "xz":
        return lzma.decompress(stream, lzma.FORMAT_XZ)
    if family == "lzma":
        preset, _ = _xz_options(level, options)
        return lzma.decompress(stream, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": preset}])
    if family == "zstd":
        return zstd_library().decompress(stream)
    if family == "brotli":
        import brotli

        return brotli.decompress(stream)
    if family == "lz4":
        import lz4.frame

        return lz4.frame.decompress(stream)
    if family == "ppmd":
        import pyppmd

        return pyppmd.decompress(stream, max_order=level, mem_size=int(options.get("memory", 1 << 24)), variant="I")
    raise ValueError(spec)


def length(spec, data):
    return len(compress(spec, data))


def overhead(spec):
    return OVERHEAD[parse(spec).family]


def primed(spec, x, y):
    """L(y|x) without header and trailer."""
    family, level, options = parse(spec)
    if family == "zstd":
        zstd = zstd_library()
        chosen = _zstd_options(level, options)
        if len(x) < 8:
            return len(zstd.compress(y, options=chosen)) - 6
        bits = 10  # of tables that hold every position of x
        while 2**bits < len(x):
            bits += 1
        sizes = zstd.CompressionParameter
        chosen |= {sizes.window_log: bits + 1, sizes.hash_log: bits, sizes.chain_log: bits}
        dictionary = zstd.ZstdDict(x, is_raw=True).as_undigested_dict
        return len(zstd.compress(y, options=chosen, zstd_dict=dictionary)) - 6
    assert family in ("gzip", "zlib", "deflate")
    coder = zlib.compressobj(level, zlib.DEFLATED, -15, zdict=x)
    return len(coder.compress(y) + coder.flush())


# distances


def _over(a, b):
    if b == 0:
        return 0.0 if a == 0 else math.copysign(math.inf, a)
    return a / b


def ncd(x, y, xy):
    return _over(xy - min(x, y), max(x, y))


def ncd_conditional(x, y, xy):
    return _over(xy - x, max(x, y))


def cdm(x, y, xy):
    return _over(xy, x + y)


def clm(x, y, xy):
    return 1 - _over(x + y - xy, xy)


def cosine(x, y, xy):
    return 1 - _over(x + y - xy, math.sqrt(x * y))


def savings(x, y, xy):
    return (xy - x - y) / math.log(max(y, 2))


def nrc(x, y, xy):
    return _over(xy - x, y)


METRICS = {
    "ncd": ncd,
    "ncd_conditional": ncd_conditional,
    "cdm": cdm,
    "clm": clm,
    "cosine": cosine,
    "savings": savings,
    "nrc": nrc,
}


# matrices


def lengths(spec, texts):
    return [length(spec, text) for text in texts]


def joint_length(spec, x, y, *, separator=b" ", order="xy", joint="concat"):
    """L(xy) in the chosen order of x and y."""
    first, second = (y, x) if order == "yx" or (order == "sorted" and y < x) else (x, y)
    if joint == "primed":
        return length(spec, first) + primed(spec, first, second)
    return length(spec, first + separator + second)


def joint_lengths(spec, xs, ys, **options):
    return [[joint_length(spec, x, y, **options) for y in ys] for x in xs]


def distance(spec, x, y, metric, *, symmetrize=None, remove_overhead=False, clip=False, **options):
    cut = overhead(spec) if remove_overhead else 0

    def one_way(a, b):
        # removed from every length that is a whole stream; a primed coder's conditional part has none
        return METRICS[metric](length(spec, a) - cut, length(spec, b) - cut, joint_length(spec, a, b, **options) - cut)

    value = one_way(x, y)
    if symmetrize is not None:
        other = one_way(y, x)
        value = {"min": min(value, other), "max": max(value, other), "mean": (value + other) / 2}[symmetrize]
    return min(max(value, 0.0), 1.0) if clip else value


def pairwise(spec, xs, ys, metric, **options):
    return [[distance(spec, x, y, metric, **options) for y in ys] for x in xs]


def nearest(row, k, *, leave_out=None):
    """The k smallest values of a row with their places; equal values in the order of their places."""
    ranked = sorted((value, j) for j, value in enumerate(row) if j != leave_out)
    return [value for value, _ in ranked[:k]], [j for _, j in ranked[:k]]


def neighbors(spec, xs, ys, k, metric, *, own=False, **options):
    rows = pairwise(spec, xs, ys, metric, **options)
    found = [nearest(row, k, leave_out=i if own else None) for i, row in enumerate(rows)]
    return [values for values, _ in found], [places for _, places in found]


# prefilter


def shingles(text, size):
    """The different shingles of a text: a bucket for each place, zero bytes after the end."""
    padded = text + bytes(size)
    codes = {int.from_bytes(padded[i : i + size], "little") for i in range(len(text))}
    return {(code * 0x9E3779B97F4A7C15) % 2**64 >> 42 for code in codes}


def overlaps(xs, ys):
    """Summed weights of the shingles that two texts share, for each pair."""
    mean = sum(map(len, ys)) / len(ys)
    size = 3 if mean < 16 else 4 if mean < 256 else 5
    sets = [shingles(y, size) for y in ys]

    def weight(shingle):
        return math.sqrt(math.log(1 + len(ys) / sum(shingle in found for found in sets)))

    return [[sum(map(weight, sorted(shingles(x, size) & found))) for found in sets] for x in xs]
