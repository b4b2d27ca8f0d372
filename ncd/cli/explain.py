"""``ncd explain``: why texts are classified as they are."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ncd.cli.options import (
    INPUTS,
    UsageError,
    add_input_options,
    add_work_options,
    neighbor_count,
    progress,
    read,
    refuse_two_stdin,
)
from ncd.cli.output import check_output, json_line, print_table, sink

if TYPE_CHECKING:
    from ncd.classify.explanation import Explanation

NAME = "explain"
SUMMARY = "why texts are classified as they are: bits for every byte"
DESCRIPTION = f"""\
The decision for the predicted class against the second best one (or --against) is divided among the bytes of the text,
in bits: log2 odds, or, for a model of --method code-length, the bits saved: L(x | texts of the other class) less
L(x | texts of the predicted one). The bits of all bytes and a constant add up to the decision.

Printed are, for each text, the stretches that decide most, and on a terminal the text in colour: blue speaks for the
predicted class, orange (underlined where it is strong) for the other. --html writes the coloured texts to a page.

--fingerprints N prints the strings that speak most for each class.

{INPUTS}"""
EXAMPLES = """\
  ncd explain --model model.ncd new.txt --html why.html
  ncd explain --train train.jsonl --text "the cat sat on the mat" --against fr
  ncd explain --model model.ncd --fingerprints 10
"""
_COLOURS = (0, 114, 178), (213, 94, 0)
_LINED = -3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files, or folders; see inputs above")
    parser.add_argument("--text", action="store_true", help="the arguments are texts themselves, not names of files")
    parser.add_argument("--model", metavar="FILE", help="a saved model")
    parser.add_argument("--train", metavar="PATH", help="texts with labels to learn from, instead of --model")
    parser.add_argument(
        "--against",
        metavar="LABEL",
        help="the class to compare with, where it is not the predicted one (default: the second best)",
    )
    parser.add_argument(
        "--top", type=neighbor_count, default=10, metavar="N", help="how many stretches are listed (default: 10)"
    )
    parser.add_argument(
        "--unit",
        choices=("words", "characters"),
        default="words",
        help="what a stretch is, and what has one colour (default: words)",
    )
    parser.add_argument("--html", metavar="FILE", help="write the coloured texts to a page")
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    parser.add_argument("--json", action="store_true", help="print one JSON object a text, with the bits of every byte")
    parser.add_argument(
        "--fingerprints", type=neighbor_count, metavar="N", help="print the N strongest strings of each class"
    )
    add_input_options(parser, empty=False)
    add_work_options(parser, engine=False)


def run(arguments: argparse.Namespace) -> None:
    """Load or train, explain, print."""
    _check(arguments)
    field = "label" if arguments.label_field is None else arguments.label_field
    texts = _texts(arguments, field)
    model = _model(arguments, field)
    if arguments.fingerprints is not None:
        _print_fingerprints(model.fingerprints(arguments.fingerprints))
    if not texts:
        return
    against = _against(arguments.against, model)
    found = []
    for name, text, label in texts:
        other = None if against is None or model.predict([text]).tolist()[0] == against else against
        found.append((name, label, model.explain(text, other)))
    if arguments.html is not None:
        from ncd.classify.explained_html import page_of

        page = page_of([why for _, _, why in found], arguments.unit, [name for name, _, _ in found])
        with sink(arguments.html, force=arguments.force) as out:
            out.write(page.encode())
    if arguments.json:
        with sink(None, force=False) as out:
            out.writelines(json_line({"name": name, **why.to_dict()}) for name, _, why in found)
        return
    for name, label, why in found:
        _print(name, label, why, arguments)


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before anything is read, options that do not go together and files that stand in the way."""
    if (arguments.train is None) == (arguments.model is None):
        raise UsageError("give either --model FILE or --train PATH")
    if not arguments.paths and arguments.fingerprints is None:
        raise UsageError("give texts to explain, or --fingerprints N")
    if not arguments.paths and (arguments.html is not None or arguments.json or arguments.against is not None):
        raise UsageError("--html, --json and --against need texts to explain")
    if arguments.json and arguments.fingerprints is not None:
        raise UsageError("--json goes without --fingerprints")
    given: list[str | None] = [] if arguments.text else [*arguments.paths]
    refuse_two_stdin([*given, arguments.train])
    if arguments.html == "-":
        raise UsageError("--html is '-': give the name of a file")
    check_output(arguments.html, force=arguments.force)


def _texts(arguments: argparse.Namespace, field: str) -> list[tuple[str, Any, str | None]]:
    """Name, text and label, if it is known, of everything that is to be explained."""
    if arguments.text:
        if not all(arguments.paths):
            raise UsageError("a text is empty: there is nothing to explain")
        return [(f"text {i}", text, None) for i, text in enumerate(arguments.paths, 1)]
    found: list[tuple[str, Any, str | None]] = []
    for path in arguments.paths:
        file = read(path, arguments, labels=field)
        labels: list[str | None] = [None] * len(file) if file.labels is None else [*file.labels]
        found += zip(file.names, file.texts, labels, strict=True)
    return found


def _model(arguments: argparse.Namespace, field: str) -> Any:
    """The classifier, which can explain itself."""
    if arguments.model is not None:
        from ncd.classify.store import load_model

        model = load_model(arguments.model)
        if not hasattr(model, "explain"):
            raise UsageError(
                f"{arguments.model} holds a {type(model).__name__}, which cannot say what a byte decides: train one "
                "with --method bits-saved"
            )
        return model.set_params(n_jobs=arguments.jobs, progress=progress(arguments))
    train = read(arguments.train, arguments, labels=field, require_labels=True)
    from ncd.classify.bits_saved import BitsSavedClassifier

    return BitsSavedClassifier(n_jobs=arguments.jobs, progress=progress(arguments)).fit(train.texts, train.labels)


def _against(name: str | None, model: Any) -> Any:
    """The label of that name."""
    if name is None:
        return None
    labels = model.classes_.tolist()
    found = [label for label in labels if str(label) == name]
    if not found:
        raise UsageError(f"--against is {name!r}, no class of the model: choose from {', '.join(map(str, labels))}")
    return found[0]


def _print(name: str, label: str | None, why: Explanation, arguments: argparse.Namespace) -> None:
    """What was decided, the text in colour, and the stretches that decide most."""
    from ncd.visible import quoted, shown

    known = f" (label {label})" if label is not None else ""
    measure = "bits saved" if why.measure == "bits saved" else "bits (log2 odds)"
    title = f"{shown(name)}: {why.label} against {why.against}, {why.total:+.2f} {measure}{known}"
    print(title)
    if sys.stdout.isatty():
        _print_coloured(why, arguments.unit)
    best = why.top(arguments.top, arguments.unit)
    rest = why.total - why.constant - sum(found.bits for found in best)
    rows: list[tuple[Any, ...]] = [(quoted(found.text), f"{found.bits:+.2f}", len(found.places)) for found in best]
    rows += [("other stretches", f"{round(rest, 2) + 0.0:+.2f}", ""), ("constant", f"{why.constant:+.2f}", "")]
    print_table(["stretch", "bits", "places"], rows)


def _print_coloured(why: Explanation, unit: Any) -> None:
    """The text on a terminal; black on tints, which can be read whatever the terminal's ground is."""
    from rich.console import Console
    from rich.text import Text

    from ncd.classify.explained_html import pieces_of
    from ncd.tokens import decoded
    from ncd.visible import shown

    console = Console(highlight=False)
    line = Text()
    for piece in pieces_of(why, unit)[0]:
        seen = "".join(c if c in "\n\t" else shown(c) for c in decoded(piece.text))
        line.append(seen, _style(piece.level, few=console.color_system in ("standard", "windows")))
    console.print(line)


def _style(level: int, *, few: bool) -> str:
    """How a shade looks, also where there are few colours."""
    from ncd.classify.explained_html import LEVELS

    if not level:
        return ""
    line = "underline " if level <= _LINED else ""
    if few:
        strong, weak = ("white on blue", "blue") if level > 0 else ("black on yellow", "yellow")
        return line + (strong if 2 * abs(level) > LEVELS else weak)
    strength = 0.1 + 0.55 * abs(level) / LEVELS
    red, green, blue = (round(255 + strength * (part - 255)) for part in _COLOURS[level < 0])
    return f"{line}black on rgb({red},{green},{blue})"


def _print_fingerprints(found: Any) -> None:
    """The strings of each class."""
    from ncd.tokens import decoded
    from ncd.visible import quoted, shown

    rows = [
        (
            label,
            quoted(one.string),
            shown(decoded(one.within)) if one.within != one.string else "",
            f"{one.bits:.1f}",
            f"{one.share:.1%}",
        )
        for label, several in found.items()
        for one in several
    ]
    print_table(["class", "string", "within", "bits", "texts"], rows, left=3)
