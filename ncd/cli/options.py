"""What several commands share: options, and the reading of their inputs."""

from __future__ import annotations

import argparse
import os
import re
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncd.readers import TextFile

__all__ = [
    "INPUTS",
    "UsageError",
    "add_distance_options",
    "add_download_option",
    "add_embedder_option",
    "add_input_options",
    "add_output_options",
    "add_prefilter_options",
    "add_work_options",
    "check_metric",
    "checked_codec",
    "checked_embedder",
    "distance_options",
    "neighbor_count",
    "progress",
    "read",
    "refuse_beside_embedder",
    "refuse_two_stdin",
]

INPUTS = """\
Inputs: .jsonl or .ndjson (one JSON object a line); .csv or .tsv (with a header row); each also with .gz or .zst after
it; a folder of class folders (every file is a text, the folder's name its label); a folder of plain files; any other
file is one text; - is standard input (JSON lines unless --format says otherwise)."""

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}

_DOWNLOADED = ("sentence", "hidden")
_CODED = ("compressor", "separator", "joint", "remove_overhead")


class UsageError(ValueError):
    """Options that do not go together."""


def _jobs(text: str) -> int:
    """A number of workers, or -1."""
    number = int(text)
    if number < 1 and number != -1:
        raise argparse.ArgumentTypeError(f"{number}: give a number of workers from 1, or -1 for all cores")
    return number


def neighbor_count(text: str) -> int:
    """A number of neighbours, from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: give a number from 1")
    return number


def _separator(text: str) -> str:
    """A separator, with the escapes that shells make hard to type."""
    return re.sub(r"\\([ntr0\\])", lambda match: _ESCAPES[match[1]], text)


# argparse names the function's role in its messages
_jobs.__name__ = neighbor_count.__name__ = "whole number"


def add_input_options(parser: argparse.ArgumentParser, *, labels: bool = True, empty: bool = True) -> None:
    """Options of every command that reads collections of texts."""
    group = parser.add_argument_group("reading")
    group.add_argument("--format", choices=("jsonl", "csv", "tsv", "plain"), help="what the inputs are, whatever names")
    group.add_argument(
        "--text-field", default="text", metavar="NAME", help="field or column of the text (default: text)"
    )
    if labels:
        group.add_argument("--label-field", metavar="NAME", help="field or column of the label (default: label)")
    group.add_argument("--encoding", default="utf-8", metavar="NAME", help="of JSON lines and tables (default: utf-8)")
    if empty:
        group.add_argument(
            "--allow-empty", action="store_true", help="let empty texts pass instead of stopping at the first"
        )
    else:
        parser.set_defaults(allow_empty=False)


def add_distance_options(parser: argparse.ArgumentParser, *, metric: bool = True, pairs: bool = True) -> None:
    """Options of a distance."""
    group = parser.add_argument_group("distance")
    group.add_argument(
        "--compressor",
        metavar="NAME",
        help="such as gzip, zstd:19, brotli:11; see 'ncd list' (default: gzip)",
    )
    if metric:
        group.add_argument(
            "--metric",
            metavar="NAME",
            help="ncd, ncd_conditional, cdm, clm, cosine, savings or nrc (default: ncd); with --embedder cosine "
            "(default) or euclidean",
        )
    group.add_argument(
        "--separator",
        type=_separator,
        metavar="TEXT",
        help=r"stands between the two texts (default: one space); \n, \t, \r, \0 and \\ are understood",
    )
    group.add_argument(
        "--joint",
        choices=("concat", "primed"),
        help="L(xy) from the concatenation (default), or L(x) + L(y|x) from a coder primed with x",
    )
    group.add_argument(
        "--remove-overhead", action="store_true", help="subtract the constant header and trailer from code lengths"
    )
    add_embedder_option(group)
    if pairs:
        group.add_argument(
            "--order",
            choices=("xy", "yx", "sorted"),
            help="which text comes first; sorted: the bytewise smaller one, which makes L(xy) symmetric (default: xy)",
        )
        group.add_argument(
            "--symmetrize",
            choices=("min", "mean", "max"),
            help="combine d(x, y) and d(y, x); twice the work (default: no)",
        )


def add_embedder_option(group: Any, *, only: str = "") -> None:
    """The option of commands that take distances of vectors in the place of code lengths."""
    group.add_argument(
        "--embedder",
        metavar="NAME",
        help=f"{only}distances of vectors instead of code lengths: tfidf, minilm, word2vec:FILE, sentence:FOLDER; see "
        "'ncd list'. Encodings by models that are trained already are kept in the cache folder ($NCD_CACHE, or ncd in "
        "the user's caches)",
    )
    group.add_argument("--no-cache", action="store_true", help=f"{only}with --embedder: keep no encodings, use none")
    add_download_option(group, only=only)


def add_download_option(group: Any, *, only: str = "") -> None:
    """The option of commands that may name an embedder of a hub."""
    group.add_argument(
        "--allow-download",
        action="store_true",
        help=f"{only}let the embedders sentence:NAME and hidden:NAME be fetched from the Hugging Face hub (default: "
        "only what is on this machine)",
    )


def add_prefilter_options(group: Any, *, only: str = "") -> None:
    """Options of commands that look for nearest neighbours."""
    group.add_argument(
        "--prefilter",
        choices=("shingles",),
        help=f"{only}compress only candidates, found by the short strings that texts share: much faster, and may miss "
        "neighbours (default: no)",
    )
    group.add_argument(
        "--candidates",
        type=neighbor_count,
        metavar="N",
        help=f"{only}with --prefilter: how many for each text (default: 100, or 10 for each neighbour if more)",
    )


def add_work_options(parser: argparse.ArgumentParser, *, engine: bool = True) -> None:
    """Options of every command that may take a while."""
    group = parser.add_argument_group("work")
    group.add_argument("--jobs", "-j", type=_jobs, metavar="N", help="number of workers (default: all cores)")
    if engine:
        group.add_argument(
            "--engine",
            choices=("auto", "host", "cuda"),
            default="auto",
            help="for many pairs of gzip, zlib or deflate: this machine's cores, or a GPU (default: a GPU if there is "
            "one and the work is long)",
        )
    group.add_argument(
        "--no-progress", action="store_true", help="no progress bar (there is none off a terminal anyway)"
    )


def add_output_options(parser: argparse.ArgumentParser, what: str, *, default: str | None = None) -> None:
    """Options of every command that writes a file."""
    group = parser.add_argument_group("output")
    group.add_argument("--output", "-o", default=default, metavar="FILE", help=what)
    group.add_argument("--force", action="store_true", help="replace files that exist")


def progress(arguments: argparse.Namespace) -> bool | None:
    """The library's `progress` for these arguments."""
    return False if arguments.no_progress else None


def checked_codec(name: str) -> Any:
    """The compressor of that name: a wrong name is best known before anything is read."""
    from ncd.compressors.registry import get_compressor

    return get_compressor(name)


def checked_embedder(name: str | None, arguments: argparse.Namespace, *, keep: bool = False) -> Any:
    """
    The embedder of that name, or None for none, as --allow-download says.

    With `keep`, encodings of one that is trained already are kept on disk, unless there is --no-cache.
    """
    family = "" if name is None else name.strip().partition(":")[0].strip()
    if arguments.allow_download and family not in _DOWNLOADED:
        raise UsageError(f"--allow-download goes with an embedder {' or '.join(f'{it}:NAME' for it in _DOWNLOADED)}")
    if keep and arguments.no_cache and name is None:
        raise UsageError("--no-cache goes with --embedder")
    if name is None:
        return None
    from ncd.embed.registry import get_embedder

    made = get_embedder(name, **({"allow_download": True} if arguments.allow_download else {}))
    if not keep or arguments.no_cache or made.learns:
        return made
    from ncd.embed.cache import Cached

    try:
        kept = Cached(made)
        kept.folder.mkdir(parents=True, exist_ok=True)
        if not os.access(kept.folder, os.W_OK):
            raise PermissionError(f"{kept.folder} may not be written")
    except TypeError:  # no digest
        return made
    except OSError as error:
        warnings.warn(f"encodings are not kept: {error}", stacklevel=2)
        return made
    return kept


def refuse_beside_embedder(arguments: argparse.Namespace, options: tuple[str, ...]) -> None:
    """Raise for options of code lengths that are given beside --embedder, at their defaults too."""
    for name in options:
        if getattr(arguments, name) not in (None, False):
            raise UsageError(
                f"--{name.replace('_', '-')} has no use with --embedder: "
                + (
                    "an empty text has no vector"
                    if name == "allow_empty"
                    else "vectors have no code lengths, leave one of them out"
                )
            )


def check_metric(arguments: argparse.Namespace) -> None:
    """Raise for a metric that is not known, of code lengths or of vectors as it is asked for."""
    if arguments.metric is not None:
        from ncd.distances.lengths import get_metric
        from ncd.distances.vectors import get_vector_metric

        (get_metric if arguments.embedder is None else get_vector_metric)(arguments.metric)


def distance_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of `ncd.pairwise` and `ncd.neighbors`, names checked."""
    check_metric(arguments)
    embedder = checked_embedder(arguments.embedder, arguments, keep=True)
    work = {"metric": arguments.metric, "n_jobs": arguments.jobs, "progress": progress(arguments)}
    if embedder is not None:
        refuse_beside_embedder(arguments, (*_CODED, "order", "symmetrize", "allow_empty"))
        if arguments.engine != "auto":
            raise UsageError("--engine has no use with --embedder: it is where code lengths are computed")
        return {"embedder": embedder, **work}
    return {
        "compressor": checked_codec(arguments.compressor or "gzip"),
        "separator": " " if arguments.separator is None else arguments.separator,
        "order": arguments.order or "xy",
        "joint": arguments.joint or "concat",
        "symmetrize": arguments.symmetrize,
        "remove_overhead": arguments.remove_overhead,
        "engine": arguments.engine,
        "allow_empty": arguments.allow_empty,
        **work,
    }


def read(path: str, arguments: argparse.Namespace, *, labels: str | None, require_labels: bool = False) -> TextFile:
    """Texts of one input; `labels` is the field of the labels, None to ignore them."""
    from ncd.readers import read_texts

    return read_texts(
        path,
        format=arguments.format,
        text_field=arguments.text_field,
        label_field=labels,
        require_labels=require_labels,
        allow_empty=arguments.allow_empty,
        encoding=arguments.encoding,
    )


def refuse_two_stdin(paths: list[str | None]) -> None:
    """Raise if standard input is asked for twice: it can be read once."""
    if paths.count("-") > 1:
        raise UsageError("- (standard input) is given twice, and can be read only once")
