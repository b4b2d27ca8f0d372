"""``ncd compare``: compression against embeddings on one collection, with a report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from ncd.cli.options import (
    INPUTS,
    UsageError,
    add_download_option,
    add_input_options,
    add_output_options,
    add_work_options,
    checked_codec,
    progress,
    refuse_two_stdin,
)
from ncd.cli.output import check_output, print_table

NAME = "compare"
SUMMARY = "compression, TF-IDF and embeddings on your texts, side by side"
DESCRIPTION = f"""\
Which to use on these texts: methods by compression, TF-IDF, or embeddings? Each does the same tasks on the same texts,
with intervals, tests against the best, few-label curves, and what it takes: time, memory, size, parameters, energy.
Figures and a recommendation in plain words are printed; the report is one HTML page without anything from elsewhere.

The collection decides what it is used for:

  texts with labels        classify, cluster, and which sources agree
  texts without labels     which sources agree, and nearest neighbours
  pairs with scores        similarity: text1, text2 (or sentence1, sentence2) and score, or --text-field a,b
                           --score-field c
  plain files with lines that begin with ========    segment: each line a unit

Without --test a fifth of each label is held out. Large collections are sampled, and the report says so; --max-train,
--max-test and --max-texts set how many texts are taken. Encodings are kept on disk, so that an interrupted or repeated
comparison does not compute them again. Nothing is downloaded unless --allow-download is given.

{INPUTS}"""
EXAMPLES = """\
  ncd compare reviews.csv -o report.html
  ncd compare train.jsonl.gz --test test.jsonl.gz --embedder minilm --embedder tfidf -o report.html --json report.json
  ncd compare pairs.csv --compressor ppm:4 --embedder word2vec:vectors.bin -o similarity.html
  ncd compare documents/ --task segment -o segments.html
"""
_DOWNLOADED = ("sentence", "hidden")
_TASKS = ("classify", "cluster", "geometry", "similarity", "segment")


def _count(text: str) -> int | None:
    """A number from 2, or all."""
    if text == "all":
        return None
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{number}: give a number from 2, or all")
    return number


def _natural(text: str) -> int:
    """A number from 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number}: give a number from 0")
    return number


def _ten(text: str) -> int:
    """A number from 10."""
    number = int(text)
    if number < 10:
        raise argparse.ArgumentTypeError(f"{number}: give a number from 10")
    return number


def _seconds(text: str) -> float:
    """A number of seconds above 0."""
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text}: give seconds, more than 0")
    return number


_seconds.__name__ = "number"
_count.__name__ = _natural.__name__ = _ten.__name__ = "whole number"  # argparse names the function in its messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("data", metavar="DATA", help="the collection")
    parser.add_argument("--test", metavar="FILE", help="test texts with labels (default: a fifth of DATA)")
    group = parser.add_argument_group("comparison")
    group.add_argument(
        "--embedder",
        action="append",
        metavar="NAME",
        help="such as tfidf, minilm, word2vec:FILE, sentence:FOLDER; may be repeated (default: tfidf, and minilm if "
        "installed)",
    )
    group.add_argument(
        "--compressor",
        action="append",
        metavar="NAME",
        help="such as gzip, zstd:19, ppm:4; may be repeated (default: gzip and zstd; zlib and ppm:3 to segment)",
    )
    group.add_argument(
        "--task", action="append", choices=_TASKS, help="may be repeated (default: all that DATA is fit for)"
    )
    group.add_argument("--max-train", type=_count, default=5000, metavar="N", help="at most, or all (default: 5000)")
    group.add_argument(
        "--max-test", type=_count, default=1000, metavar="N", help="texts, pairs or documents, or all (default: 1000)"
    )
    group.add_argument(
        "--max-texts",
        type=_ten,
        default=400,
        metavar="N",
        help="for clusters and geometry, of those that --max-train and --max-test allow (default: 400)",
    )
    group.add_argument(
        "--draws", type=_natural, default=5, metavar="N", help="of the few-label curves; 0: no curves (default: 5)"
    )
    group.add_argument(
        "--patience",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="a method whose answers would take longer, as estimated from the first few, is left out (default: 600)",
    )
    group.add_argument("--seed", type=_natural, default=0, metavar="N", help="of samples and draws (default: 0)")
    group.add_argument("--cache", metavar="FOLDER", help="where encodings are kept (default: the user's cache folder)")
    group.add_argument("--no-cache", action="store_true", help="keep no encodings")
    add_download_option(group)
    add_input_options(parser, empty=False)
    parser.add_argument("--score-field", metavar="NAME", help="of pairs: the field of the scores (default: score)")
    add_work_options(parser, engine=False)
    add_output_options(parser, "the report as HTML")
    parser.add_argument("--json", metavar="FILE", help="the same as JSON")
    parser.add_argument("--quiet", "-q", action="store_true", help="nothing on standard error")


def run(arguments: argparse.Namespace) -> None:
    """Compare, write the report, print the figures and the recommendation."""
    _check(arguments)
    from ncd.compare.collection import read_collection
    from ncd.compare.comparison import compare_collection

    collection = read_collection(
        arguments.data,
        arguments.test,
        task=arguments.task[0] if arguments.task else None,
        format=arguments.format,
        text_field=arguments.text_field,
        label_field=arguments.label_field,
        score_field=arguments.score_field,
        encoding=arguments.encoding,
    )

    def say(line: str) -> None:
        if not arguments.quiet:
            print(f"ncd: {line}", file=sys.stderr, flush=True)

    say(f"{collection.name}: {collection.described}")
    try:
        found = compare_collection(
            collection,
            embedders=_embedders(arguments),
            compressors=arguments.compressor,
            tasks=arguments.task,
            max_train=arguments.max_train,
            max_test=arguments.max_test,
            max_texts=arguments.max_texts,
            draws=arguments.draws,
            patience=arguments.patience,
            cache=False if arguments.no_cache else arguments.cache,
            random_state=arguments.seed,
            n_jobs=arguments.jobs,
            progress=False if arguments.quiet else progress(arguments),
            report=say,
        )
    except KeyboardInterrupt:
        if not arguments.no_cache:
            say("what is encoded is kept: run the same command again, and it is not encoded again")
        raise
    for note in found.notes:
        say(note)
    _print(found)
    sys.stdout.flush()
    for path, save in ((arguments.output, found.save_html), (arguments.json, found.save_json)):
        if path is not None:
            _save(path, save, arguments.force)


def _save(path: str, save: Callable[..., None], force: bool) -> None:
    """Write a file, beside one that appeared while the work was done."""
    try:
        save(path, force=force)
    except FileExistsError:
        stem, ending = os.path.splitext(path)
        other = next(name for i in count(2) if not os.path.lexists(name := f"{stem}-{i}{ending}"))
        save(other)
        print(f"ncd: {path} appeared meanwhile: written to {other}", file=sys.stderr, flush=True)


def _embedders(arguments: argparse.Namespace) -> list[str] | None:
    """Names of the embedders, those of the hub with leave to be fetched where that is given."""
    if not arguments.embedder or not arguments.allow_download:
        return arguments.embedder
    from ncd.embed.registry import get_embedder

    return [get_embedder(name, allow_download=True).name if _of_hub(name) else name for name in arguments.embedder]


def _of_hub(name: str) -> bool:
    """Whether the embedder may be one of the hub."""
    return name.strip().partition(":")[0].strip() in _DOWNLOADED


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before anything is read, options that do not go together and files that stand in the way."""
    for path in (arguments.data, arguments.test):
        if path is not None and path != "-" and not os.path.exists(path):
            raise FileNotFoundError(f"{path}: no such file or folder")
    if arguments.allow_download and not any(map(_of_hub, arguments.embedder or ())):
        raise UsageError("--allow-download goes with --embedder sentence:NAME or hidden:NAME")
    refuse_two_stdin([arguments.data, arguments.test])
    outputs = [path for path in (arguments.output, arguments.json) if path is not None]
    if "-" in outputs:
        raise UsageError("- is no file for a report: give a name")
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise UsageError(f"--output and --json are both {arguments.json!r}: choose two files")
    for path in outputs:
        check_output(path, force=arguments.force)
    if arguments.cache is not None and arguments.no_cache:
        raise UsageError("--cache and --no-cache: give one of them")
    for name in arguments.compressor or ():
        checked_codec(name)
    if arguments.embedder:
        from ncd.embed.registry import get_embedder

        for name in _embedders(arguments) or ():
            get_embedder(name)


def _print(found: Any) -> None:
    """Figures and recommendation on standard output."""
    for result in found.results:
        rows = []
        for score in result.scores:
            one, held, answer = score.estimate, score.to_best, score.cost.answer
            rows.append(
                (
                    score.method,
                    score.family,
                    f"{one.value:.3f}",
                    f"{one.low:.3f} to {one.high:.3f}",
                    "" if held is None else f"{held.p_value:.2g}",
                    "" if answer is None else f"{answer:.3g}",
                )
            )
        head = ["method", "family", result.measure, "95 % interval", "p to best", f"s / 1,000 {result.unit}"]
        title = f"{result.task}: {result.measure}, n = {result.n:,} {result.unit}"
        print_table(head, rows, title=title, left=2)
    print(found)
