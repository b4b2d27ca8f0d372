"""``ncd bits``: bits per byte and perplexity."""

from __future__ import annotations

import argparse

from ncd.cli.options import INPUTS, add_input_options, add_work_options, checked_codec, progress, read, refuse_two_stdin
from ncd.cli.output import json_line, print_table, sink

NAME = "bits"
SUMMARY = "bits per byte and perplexity of texts under several compressors"
DESCRIPTION = f"""\
L(x) is the code length of a text; each text is coded by itself. With b bits for all texts:

  bits/byte   b divided by the bytes of all texts
  macro       the mean of the texts' own bits per byte
  perplexity  2 to the power of b/n, for n symbols of all texts: as uncertain as a
              fair choice among so many symbols each time; --symbol says which

With --given FILE, conditional code lengths L(x|y): every text is coded by a compressor that has seen the texts of that
file, joined by line feeds.

{INPUTS}"""
EXAMPLES = """\
  ncd bits book.txt
  ncd bits test.jsonl --compressor zstd:19 --compressor ppmd --symbol words
  ncd bits test.jsonl --compressor zstd --given train.jsonl --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, or folders; see inputs above")
    parser.add_argument(
        "--compressor",
        action="append",
        metavar="NAME",
        help="such as gzip, zstd:19, brotli:11, several times if wanted; see 'ncd list' (default: gzip)",
    )
    parser.add_argument(
        "--symbol",
        choices=("bytes", "characters", "words", "tokens"),
        default="bytes",
        help="what perplexity is counted by; tokens are the compressor's own, where it has some (default: bytes)",
    )
    parser.add_argument("--given", metavar="FILE", help="code the texts after these")
    parser.add_argument(
        "--remove-overhead", action="store_true", help="subtract the constant header and trailer from code lengths"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a compressor")
    add_input_options(parser, labels=False, empty=False)
    add_work_options(parser, engine=False)


def run(arguments: argparse.Namespace) -> None:
    """Print one row a compressor."""
    codecs = [checked_codec(name) for name in arguments.compressor or ["gzip"]]
    refuse_two_stdin([*arguments.paths, arguments.given])
    from ncd.bits import bits_per_byte

    texts = [text for path in arguments.paths for text in _read(path, arguments)]
    given = None
    if arguments.given is not None:
        given = b"\n".join(_read(arguments.given, arguments))
    found = [
        bits_per_byte(
            texts,
            codec,
            symbol=arguments.symbol,
            given=given,
            remove_overhead=arguments.remove_overhead,
            n_jobs=arguments.jobs,
            progress=progress(arguments),
        )
        for codec in codecs
    ]
    if arguments.json:
        with sink(None, force=False) as out:
            out.writelines(json_line(one.to_dict()) for one in found)
        return
    print_table(
        ["compressor", "bits/byte", "macro", f"perplexity/{found[0].symbol}", "bytes"],
        [
            (
                one.compressor,
                f"{one.bits_per_byte:.4f}",
                f"{one.macro_bits_per_byte:.4f}",
                f"{one.perplexity:.6g}",
                f"{one.bits / 8:.0f}",
            )
            for one in found
        ],
    )


def _read(path: str, arguments: argparse.Namespace) -> list[bytes]:
    """The texts of one input: files of different kinds give str or bytes, which are not mixed."""
    from ncd.corpus import as_corpus

    return as_corpus(read(path, arguments, labels=None).texts)
