"""
What context models gain from reading words or tokens in place of bytes.

Run ``python -m bench.alphabets --help`` from the project's root.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import ncd
from bench.common import Results, Row, load_set, markdown_table, print_table, provenance, write_text
from bench.context import seconds
from ncd.subwords import Tokens

_COMPRESSORS = (
    "ppmd:6",
    "ppm:5",
    "kn:5",
    "ctw:8",
    "dirichlet:0.5,alphabet=words",
    "ppm:2,alphabet=words",
    "ngram:2,alphabet=words",
    "kn:1,alphabet=words",
    "kn:2,alphabet=words",
    "kn:3,alphabet=words",
    "kn:2,alphabet=tokens",
)
_SETS = {"20news": "20 Newsgroups", "ag_news_part": "AG News", "masakhanews_yor": "Yoruba news"}
_BYTES = 1_000_000
_SINGLE = 300
_TOKENS, _TRAINING = 4096, 1000


def measure(spec: str, name: str, folder: Path, repeats: int) -> Row:
    """Bits per byte of one text of a megabyte and of many short ones, and speed."""
    texts = [text.encode() for text in load_set(name).train]
    whole = b"\n".join(texts)[:_BYTES]
    row: Row = {"compressor": spec, "set": name}
    if "tokens" in spec:
        path = folder / f"{name}.json"
        Tokens("bpe", vocab_size=_TOKENS).fit(texts[-_TRAINING:]).save(path, force=True)
        spec = f"{spec},tokenizer={path}"
    codec = ncd.get_compressor(spec)
    row["bits per byte"] = round(ncd.bits_per_byte(whole, codec, n_jobs=1).bits_per_byte, 4)
    row["single bits per byte"] = round(ncd.bits_per_byte(texts[:_SINGLE], codec, n_jobs=1).bits_per_byte, 4)
    # a text between two that are equal, since a model goes on from what it learned last
    row["MB/s"] = round(len(whole) / 1e6 / seconds(lambda: codec.lengths([b"\0", whole]), repeats), 3)
    return row


def report(results: Results) -> None:
    """The table."""
    found = {(row["compressor"], row["set"]): row for row in results.rows}
    headers = ["compressor", *(f"{title}, 1 MB" for title in _SETS.values()), "single texts of each", "MB/s"]
    rows = []
    for spec in dict.fromkeys(row["compressor"] for row in results.rows):
        own = [found[spec, name] for name in _SETS if (spec, name) in found]
        if len(own) < len(_SETS):
            continue
        speeds = [row["MB/s"] for row in own]
        single = " / ".join(f"{row['single bits per byte']:.2f}" for row in own)
        rows.append(
            [spec, *(f"{row['bits per byte']:.3f}" for row in own), single, f"{min(speeds):.2g} to {max(speeds):.2g}"]
        )
    print_table("alphabets", headers, rows)
    write_text(
        results.table_path, markdown_table(headers, rows) + "\n" + provenance(results, "python -m bench.alphabets")
    )


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.alphabets", description=__doc__)
    parser.add_argument("--compressors", nargs="+", default=_COMPRESSORS, help="specifications (default: a selection)")
    parser.add_argument("--repeats", type=int, default=3, help="timings of each (default 3)")
    parser.add_argument("--output", type=Path, help="another folder for the results")
    options = parser.parse_args()
    results = Results("alphabets", ("compressor", "set"), options.output, ("tokenizers",))
    with tempfile.TemporaryDirectory() as folder:
        for spec in options.compressors:
            for name in _SETS:
                results.add(measure(spec, name, Path(folder), options.repeats), repeats=options.repeats)
            print(f"{spec}: done", flush=True)
    report(results)


if __name__ == "__main__":
    main()
