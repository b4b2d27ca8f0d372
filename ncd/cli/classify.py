"""``ncd classify``: learn labels from one file, predict those of another."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ncd.cli.options import (
    INPUTS,
    UsageError,
    add_embedder_option,
    add_input_options,
    add_output_options,
    add_prefilter_options,
    add_work_options,
    check_metric,
    checked_codec,
    checked_embedder,
    neighbor_count,
    progress,
    read,
    refuse_beside_embedder,
    refuse_two_stdin,
)
from ncd.cli.output import check_output, json_line, sink

if TYPE_CHECKING:
    from ncd.readers import TextFile

NAME = "classify"
SUMMARY = "learn labels from one file, predict those of another"
DESCRIPTION = f"""\
--method bits-saved (default): a linear separator on the bits that each class saves on every string of the text, and
the code lengths of the text under a model of each class, weighed so that the training labels could be sent in the
fewest bits. The most accurate; needs no tuning; gives probabilities; 'ncd explain' shows its reasons.

--method code-length: a text gets the class under which its code is shortest, argmin over c of L(text | texts of c);
by a context model of each class, or by a compressor whose dictionaries are the texts of the class.

--method knn: the k training texts y with the smallest distance from the text x vote, by default
  1 - (L(x) + L(y) - L(xy)) / sqrt(L(x) L(y)),
or another distance with --metric ('ncd distance --help' has the formulas). Each text is compressed together with every
training text: slow for large training sets, for which there is --prefilter. With --embedder the distances are those of
vectors of the texts ('ncd list' shows the embedders), and nothing is compressed.

Written is one JSON object a text of --test, the label where it is known:
  {{"name": ..., "prediction": ..., "label": ..., "probability": ...}}
(the probability of the prediction, by bits-saved only; with --probabilities, those of all classes).
If --test has labels, standard error gets the accuracy with its 95 % interval (Wilson), a table of the classes and the
confusion matrix. Labels are compared as strings; the labels of --test never enter a prediction.

A saved model holds the name of its embedder alone: give one that has a path again, with --model and --embedder.

With --allow-empty, empty texts are left out of the training and classified as a single space (not with --embedder).

{INPUTS}"""
EXAMPLES = """\
  ncd classify --train train.jsonl.gz --test test.jsonl.gz -o predictions.jsonl
  ncd classify --train train.csv --test test.csv --method code-length --compressor zstd:19
  ncd classify --train train.csv --test test.csv --method knn -k 3 > out.jsonl
  ncd classify --train train.csv --test test.csv --method knn --compressor gzip --metric ncd --order xy --joint concat
  ncd classify --train train.csv --test test.csv --method knn --embedder minilm
  ncd classify --train folder/ --save model.ncd
  ncd classify --model model.ncd --test new.csv --text-field body
"""

_METHODS = ("bits-saved", "code-length", "knn")

#: Option -> parameter of the estimator, and the methods that have it.
_PARAMETERS = {
    "experts": ("experts", ("bits-saved",)),
    "compressor": ("compressor", ("code-length", "knn")),
    "dictionaries": ("dictionaries", ("code-length",)),
    "dictionary_size": ("dictionary_size", ("code-length",)),
    "deals": ("deals", ("code-length",)),
    "metric": ("metric", ("knn",)),
    "neighbors": ("n_neighbors", ("knn",)),
    "tie": ("tie", ("knn",)),
    "order": ("order", ("knn",)),
    "joint": ("joint", ("knn", "code-length")),
    "prefilter": ("prefilter", ("knn",)),
    "candidates": ("candidates", ("knn",)),
}


def _names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",")]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("--train", metavar="PATH", help="texts with labels")
    parser.add_argument("--test", metavar="PATH", help="texts to be classified (may be left out with --save)")
    parser.add_argument("--model", metavar="FILE", help="a saved model, instead of --train")
    parser.add_argument("--save", metavar="FILE", help="write the trained model to a file")
    group = parser.add_argument_group("method")
    group.add_argument("--method", choices=_METHODS, help=f"(default: {_METHODS[0]})")
    group.add_argument(
        "--experts",
        type=_names,
        metavar="NAMES",
        help="bits-saved: strings, bytes, words, tokens, separated by commas (default: strings,bytes,words)",
    )
    group.add_argument(
        "--compressor",
        metavar="NAME",
        help="see 'ncd list'; code-length: also ngram, words and tokens, which are models of the classes "
        "(default: ngram; deflate for knn)",
    )
    group.add_argument(
        "--dictionaries",
        type=neighbor_count,
        metavar="N",
        help="code-length: into how many dictionaries a class is dealt (default: as --dictionary-size asks)",
    )
    group.add_argument(
        "--dictionary-size",
        type=neighbor_count,
        metavar="BYTES",
        help="code-length: greatest size of a dictionary, at most what the compressor sees (default: 131072)",
    )
    group.add_argument(
        "--deals",
        type=neighbor_count,
        metavar="N",
        help="code-length: average over so many deals, each into one dictionary more (default: 3)",
    )
    add_embedder_option(group, only="knn: ")
    group.add_argument(
        "--metric",
        metavar="NAME",
        help="knn: ncd, ncd_conditional, cdm, clm, cosine, savings or nrc (default: cosine); with --embedder cosine or "
        "euclidean",
    )
    group.add_argument(
        "-k", "--neighbors", type=neighbor_count, metavar="K", help="knn: how many neighbours vote (default: 5)"
    )
    group.add_argument(
        "--tie", choices=("nearest", "first", "random"), help="knn: which class wins an equal vote (default: nearest)"
    )
    group.add_argument(
        "--order", choices=("yx", "xy", "sorted"), help="knn: yx puts the training text first (default: yx)"
    )
    group.add_argument(
        "--joint",
        choices=("auto", "primed", "concat"),
        help="primed: the compressor is primed with the training texts; concat: they stand before the text "
        "(default: auto, primed where the compressor can)",
    )
    add_prefilter_options(group, only="knn: ")
    add_input_options(parser)
    add_work_options(parser)
    add_output_options(parser, "predictions as JSON lines (default: standard output)")
    parser.add_argument("--probabilities", action="store_true", help="bits-saved: write those of all classes")
    parser.add_argument("--quiet", "-q", action="store_true", help="no report on standard error")


def run(arguments: argparse.Namespace) -> None:
    """Train or load, save, predict, report."""
    _check(arguments)
    field = "label" if arguments.label_field is None else arguments.label_field
    start = time.perf_counter()
    model = _loaded(arguments) if arguments.model is not None else _trained(arguments, field)
    fitted = time.perf_counter()
    if arguments.save is not None:
        from ncd.classify.store import save_model

        save_model(model, arguments.save, force=arguments.force)
    if arguments.test is None:
        return
    from ncd.corpus import as_bytes

    test = read(arguments.test, arguments, labels=field)
    model.set_params(progress=progress(arguments))
    if "engine" in model.get_params():
        model.set_params(engine=arguments.engine)
    if arguments.jobs is not None:
        model.set_params(n_jobs=arguments.jobs)
    begun = time.perf_counter()
    texts = [as_bytes(text) or b" " for text in test.texts]
    probable = model.predict_proba(texts) if hasattr(model, "most_probable") else None
    decided = model.predict(texts) if probable is None else model.most_probable(probable)
    predictions = [str(label) for label in decided.tolist()]
    done = time.perf_counter()
    records = _records(test, predictions)
    if probable is not None:
        _add_probabilities(records, probable, model, every=arguments.probabilities)
    elif arguments.probabilities:
        warnings.warn(f"{type(model).__name__} has no calibrated probabilities: none are written", stacklevel=2)
    with sink(arguments.output, force=arguments.force) as out:
        out.writelines(json_line(record) for record in records)
    if not arguments.quiet:
        times = f"{'load' if arguments.model else 'fit'} {fitted - start:.1f} s, predict {done - begun:.1f} s"
        _report(test, predictions, [str(label) for label in model.classes_.tolist()], times)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before anything is read, options that do not go together and files that stand in the way."""
    from ncd.classify.counted import is_class_model

    if (arguments.train is None) == (arguments.model is None):
        raise UsageError("give either --train PATH or --model FILE")
    if arguments.test is None and arguments.save is None:
        raise UsageError("give --test PATH, or --save FILE to keep the trained model")
    if arguments.test is None and arguments.output is not None:
        raise UsageError("--output needs --test PATH: without it nothing is predicted")
    if arguments.model is not None and arguments.save is not None:
        raise UsageError("--save goes with --train: the model of --model is saved already")
    method = arguments.method or _METHODS[0]
    for option, (_, methods) in _PARAMETERS.items():
        if getattr(arguments, option) is None:
            continue
        if arguments.model is not None:
            raise UsageError(f"--{option.replace('_', '-')} goes with --train: a saved model has its own")
        if method not in methods:
            raise UsageError(f"--{option.replace('_', '-')} goes with --method {' or '.join(methods)} only")
    if arguments.candidates is not None and arguments.prefilter is None:
        raise UsageError("--candidates goes with --prefilter")
    if arguments.model is not None and arguments.method is not None:
        raise UsageError("--method goes with --train: a saved model has its own")
    refuse_two_stdin([arguments.train, arguments.test])
    outputs = [path for path in (arguments.output, arguments.save) if path is not None]
    if len({os.path.realpath(path) for path in outputs}) < len(outputs):
        raise UsageError(f"--output and --save are both {arguments.save!r}: choose two files")
    if arguments.save == "-":
        raise UsageError("--save is '-': a model is written to a file, not to standard output")
    for path in outputs:
        check_output(path, force=arguments.force)
    if arguments.compressor is not None and not (method == "code-length" and is_class_model(arguments.compressor)):
        checked_codec(arguments.compressor)
    if arguments.embedder is not None:
        if arguments.model is None and method != "knn":
            raise UsageError("--embedder goes with --method knn only")
        refuse_beside_embedder(arguments, ("compressor", "order", "joint", "prefilter", "allow_empty"))
        if arguments.engine != "auto":
            raise UsageError("--engine has no use with --embedder: it is where code lengths are computed")
    arguments.made = checked_embedder(arguments.embedder, arguments, keep=True)
    check_metric(arguments)
    if arguments.test not in (None, "-") and not os.path.exists(arguments.test):
        raise FileNotFoundError(f"{arguments.test}: no such file or folder")


def _loaded(arguments: argparse.Namespace) -> Any:
    """A saved model."""
    from ncd.classify.store import load_model

    model = load_model(arguments.model, embedder=arguments.made)
    if getattr(model, "embedder", None) is not None and arguments.allow_empty:
        raise UsageError(
            f"--allow-empty has no use with {arguments.model}, which has an embedder: an empty text has no vector"
        )
    return model


def _trained(arguments: argparse.Namespace, field: str) -> Any:
    """An estimator with what the user asked for, and its defaults otherwise, fitted."""
    train = read(arguments.train, arguments, labels=field, require_labels=True)
    from ncd.classify.bits_saved import BitsSavedClassifier
    from ncd.classify.code_length import CodeLengthClassifier
    from ncd.classify.knn import NCDClassifier

    estimators = {"bits-saved": BitsSavedClassifier, "code-length": CodeLengthClassifier, "knn": NCDClassifier}
    estimator: Any = estimators[arguments.method or _METHODS[0]]
    given = {name: getattr(arguments, option) for option, (name, _) in _PARAMETERS.items()}
    if estimator is CodeLengthClassifier:
        given["model"] = given.pop("compressor")
    given |= {"n_jobs": arguments.jobs, "progress": progress(arguments)}
    if estimator is NCDClassifier:
        given |= {"engine": arguments.engine, "embedder": arguments.made}
    pairs = [(text, label) for text, label in zip(train.texts, train.labels or [], strict=True) if text]
    empty = len(train) - len(pairs)
    if empty:
        warnings.warn(f"{train.path}: {empty} empty texts are left out of the training", stacklevel=2)
    if not pairs:
        raise UsageError(f"{train.path}: every text is empty: nothing to learn from")
    classes = {label for _, label in pairs}
    if len(classes) < 2:
        raise UsageError(f"{train.path}: all labels are {classes.pop()!r}: at least two classes are needed")
    model = estimator(**{name: value for name, value in given.items() if value is not None})
    model.fit([text for text, _ in pairs], [label for _, label in pairs])
    here = {"n_jobs": None, "progress": None} | ({"engine": "auto"} if estimator is NCDClassifier else {})
    return model.set_params(**here)  # a saved model keeps nothing of this machine


def _add_probabilities(records: list[dict[str, Any]], probable: Any, model: Any, *, every: bool) -> None:
    """The probability of each prediction, to four digits, or those of all classes."""
    names = [str(label) for label in model.classes_.tolist()]
    for record, row in zip(records, probable.round(4).tolist(), strict=True):
        record["probability"] = row[names.index(record["prediction"])]
        if every:
            record["probabilities"] = dict(zip(names, row, strict=True))


def _records(test: TextFile, predictions: Sequence[str]) -> list[dict[str, Any]]:
    """What is written, text by text."""
    records: list[dict[str, Any]] = [
        {"name": name, "prediction": label} for name, label in zip(test.names, predictions, strict=True)
    ]
    for record, label in zip(records, test.labels or [], strict=False):
        record["label"] = label
    return records


def _report(test: TextFile, predictions: Sequence[str], classes: Sequence[str], times: str) -> None:
    """The report on standard error."""
    from ncd.cli.report import print_report

    if test.labels is None:
        print(f"{len(test)} texts classified ({times}); no labels in {test.path}, so no accuracy", file=sys.stderr)
        return
    print_report(test.labels, predictions, classes, times=times, stream=sys.stderr)
