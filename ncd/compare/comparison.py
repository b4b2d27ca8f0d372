"""Compression against embeddings on one collection of texts."""

from __future__ import annotations

import inspect
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from ncd.arguments import real_number, seed, whole_number
from ncd.compare.collection import MARK, Collection, Task, collection_of, counted
from ncd.compare.results import Advice, Agreement, Geometry, TaskResult, plain
from ncd.files import atomic_write

__all__ = ["Comparison", "compare", "compare_collection"]

_PACKAGES = ("numpy", "scikit-learn", "sentence-transformers", "torch", "gensim", "model2vec", "transformers")
_MISSING = ("nan", "none", "null", "n/a")  # labels of values that were missing where the file was written


@dataclass(frozen=True, repr=False)
class Comparison:
    """
    What a comparison found.

    Attributes
    ----------
    name : str
        Of the collection.
    described : str
        How many texts of what kind.
    notes : tuple of str
        How texts were split and sampled, and what libraries warned of.
    results : tuple of TaskResult
    geometries : tuple of Geometry
    agreements : tuple of Agreement
    texts : tuple of str
        The texts that the neighbours of `geometries` count.
    left_out : dict of str to str
        Sources that were not measured at all, and why.
    advice : tuple of Advice
        The recommendation, sentence by sentence.
    settings : dict
        Parameters of the call.
    machine : dict
        Machine and versions.
    seconds : float
        The whole comparison took so long.
    """

    name: str
    described: str
    notes: tuple[str, ...]
    results: tuple[TaskResult, ...]
    geometries: tuple[Geometry, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    texts: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        return plain(self)

    def to_html(self) -> str:
        """The report: one page without anything from elsewhere."""
        from ncd.compare.report import page_of

        return page_of(self)

    def save_html(self, path: os.PathLike[str] | str, *, force: bool = False) -> None:
        """
        Write the report; the file appears when it is complete.

        Raises
        ------
        FileExistsError
            If there is such a file and `force` is false.
        OSError
            If it may not be written.
        """
        with atomic_write(path, force=force) as file:
            file.write(self.to_html().encode("utf-8", "backslashreplace"))

    def save_json(self, path: os.PathLike[str] | str, *, force: bool = False) -> None:
        """
        Write everything as JSON.

        Raises
        ------
        OSError
            As in `save_html`.
        """
        with atomic_write(path, force=force) as file:
            file.write(json.dumps(self.to_dict(), indent=1).encode())

    def __str__(self) -> str:
        lines = []
        for about, group in groupby(self.advice, key=lambda one: one.about):
            lines += [about, *(f"  {one.text}" for one in group)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        best = "; ".join(
            f"{result.task}: {result.best.method} {result.best.estimate}" for result in self.results if result.scores
        )
        return f"<Comparison of {self.name!r}, {self.described}{': ' if best else ''}{best}>"


def compare(
    texts: Any,
    labels: Any = None,
    *,
    test: Any = None,
    test_labels: Any = None,
    embedders: Sequence[Any] | None = None,
    compressors: Sequence[Any] | None = None,
    task: Task | Sequence[Task] | None = None,
    **options: Any,
) -> Comparison:
    """
    Compare compression, TF-IDF and embeddings on texts.

    Parameters
    ----------
    texts : iterable of str or bytes, shape (n,)
        Texts; for ``task="similarity"`` pairs of them; for ``task="segment"`` documents whose segments are parted by
        lines that begin with ``========``. Or a `Collection`.
    labels : array_like of shape (n,), optional
        Labels; of pairs, the scores that distances are held against.
    test, test_labels : optional
        A test set. Without it a fifth of each label is held out by seed.
    embedders : sequence of str or object, optional
        As in `ncd.embed.get_embedder`. Default: "tfidf", and "minilm" where it is installed.
    compressors : sequence of str or object, optional
        As in `ncd.get_compressor`. Default: "gzip" and "zstd"; "zlib" and "ppm:3" for documents.
    task : {"classify", "cluster", "geometry", "similarity", "segment"} or sequence of them, optional
        Default: what the texts are fit for; with labels "classify", "cluster" and "geometry", without "geometry".
    **options
        As in `compare_collection`.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError, ValueError, EmptyTextError, MissingLibraryError, FileNotFoundError
        For texts, labels, names and options that are not what they should be, before anything is computed. What goes
        wrong with one method later is in the result, and the others go on.

    Examples
    --------
    >>> from ncd.data import load_factbook
    >>> passages = load_factbook("train")
    >>> found = compare(passages.texts, passages.labels, embedders=["tfidf"])  # doctest: +SKIP
    >>> found.results[0].best.method  # doctest: +SKIP
    'bits saved'
    """
    known = [name for name in inspect.signature(compare_collection).parameters if name != "tasks"][3:]
    wrong = next((name for name in options if name not in known), None)
    if wrong is not None:
        meant = "; it is called 'task'" if wrong == "tasks" else f": choose from {', '.join(known)}"
        raise TypeError(f"compare has no parameter {wrong!r}{meant}")
    tasks = (task,) if isinstance(task, str) else task
    first = tasks[0] if tasks else None
    if isinstance(texts, Collection):
        collection = texts
    else:
        collection = collection_of(texts, labels, test=test, test_labels=test_labels, task=first)
    return compare_collection(collection, embedders=embedders, compressors=compressors, tasks=tasks, **options)


def compare_collection(
    collection: Collection,
    *,
    embedders: Sequence[Any] | None = None,
    compressors: Sequence[Any] | None = None,
    tasks: Sequence[Task] | None = None,
    max_train: int | None = 5000,
    max_test: int | None = 1000,
    max_texts: int = 400,
    per_class: Sequence[int] = (5, 10, 20, 50, 100),
    draws: int = 5,
    patience: float = 600.0,
    isolate: bool = True,
    cache: os.PathLike[str] | str | bool | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    progress: bool | None = None,
    report: Callable[[str], None] | None = None,
) -> Comparison:
    """
    Compare compression, TF-IDF and embeddings on a collection.

    Parameters
    ----------
    collection : Collection
    embedders, compressors
        As in `compare`.
    tasks : sequence of str, optional
        Default: all that the collection is fit for.
    max_train, max_test : int or None
        Texts to learn from and to be asked about, at most; more are sampled by label, and the report says so. None:
        all. `max_test` is the limit of pairs and documents too.
    max_texts : int
        Texts for clustering and for the agreement of distances, at most; nor more than `max_train` and `max_test`
        together.
    per_class : sequence of int
        Sizes of the few-label curves; those are left out that most classes do not have.
    draws : int
        Draws of training texts for each size; 0: no curves.
    patience : float
        Seconds that the answers of one method may be expected to take, judged by the first few; a method that would
        take longer is left out, and the report says so.
    isolate : bool
        Whether each source works in a process of its own, so that its memory can be measured. Objects that cannot be
        sent there work in this one, without that figure.
    cache : path, bool or None
        Folder of encodings, so that the next comparison need not compute them again; None: the usual one; False: none.
    random_state : int
        Seed of all samples and draws.
    n_jobs : int or None
        Number of workers; None: all cores.
    progress : bool or None
        None: bars on a terminal after a second.
    report : callable, optional
        Is called with a line after each source.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError, ValueError, MissingLibraryError, FileNotFoundError
        As in `compare`.
    """
    from ncd.compare.recommend import recommended
    from ncd.compare.run import Limits, run_tasks

    start = time.perf_counter()
    wanted = collection.tasks if tasks is None else tuple(dict.fromkeys(tasks))
    wrong = next((task for task in wanted if task not in collection.tasks), None)
    if wrong is not None:
        raise ValueError(f"task is {wrong!r}: {collection.described} are for {', '.join(map(repr, collection.tasks))}")
    limits = Limits(
        max_train=None if max_train is None else whole_number(max_train, "max_train", 2),
        max_test=None if max_test is None else whole_number(max_test, "max_test", 1),
        max_texts=whole_number(max_texts, "max_texts", 10),
        per_class=tuple(whole_number(size, "per_class", 1) for size in per_class),
        draws=whole_number(draws, "draws", 0),
        patience=real_number(patience, "patience", "give seconds, more than 0", lambda value: value > 0),
        isolate=bool(isolate),
        cache=os.fspath(cache) if isinstance(cache, os.PathLike) else cache,
        random_state=seed(random_state),
        n_jobs=n_jobs,
        progress=progress,
    )
    if collection.kind in ("labelled", "unlabelled") and len(collection) < 2:
        raise ValueError(
            f"{collection.name}: one text: two or more are needed; a single plain file is compared on where its lines "
            f"change topic, if lines that begin with {MARK} stand between its segments"
        )
    found = run_tasks(collection, wanted, embedders, compressors, limits, report or (lambda line: None))
    return Comparison(
        name=collection.name,
        described=collection.described,
        advice=tuple(recommended(found.results, found.agreements, found.left_out)),
        settings={"tasks": list(wanted), **plain(limits)},
        machine=_machine(),
        seconds=time.perf_counter() - start,
        **(vars(found) | {"notes": (*_remarks(collection), *found.notes)}),
    )


def _remarks(collection: Collection) -> list[str]:
    """What is to be said of the collection itself."""
    labels = Counter([*(collection.labels or ()), *collection.test_labels])
    odd = [label for label in labels if label.strip().lower() in _MISSING]
    return [
        *collection.notes,
        *(
            f"{counted(labels[label], 'texts')} with the label {label!r}, as missing values are written: it is taken "
            "as a label."
            for label in odd
        ),
    ]


def _machine() -> dict[str, Any]:
    """Machine and versions."""
    import ncd

    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "ncd": ncd.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": versions,
    }


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
