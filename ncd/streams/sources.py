"""Units from anywhere to a detector, and a checkpoint before anything is acknowledged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from ncd.arguments import real_number
from ncd.streams.base import State
from ncd.streams.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from ncd.streams.follow import Follower, Position
from ncd.streams.keyed import Detector, KeyedDetectors
from ncd.streams.pipes import Stop
from ncd.streams.splitting import UnitSplitter

__all__ = ["FileSource", "Source", "Store", "watch"]


@runtime_checkable
class Source(Protocol):
    """
    A queue behind an iterator.

    A source that can be told where to go on has two more methods, ``position(token)``, which gives what a checkpoint
    can hold, and ``seek(position)``. Then units are counted exactly once; otherwise those between a checkpoint and its
    acknowledgement come again after a crash in that moment.
    """

    def __iter__(self) -> Iterator[tuple[Any, Sequence[Any]]]:
        """
        Batches: a token, and the units that are there now, in their order.

        A batch that is empty says that nothing came for a while: it is the time to write a checkpoint that is due.
        """

    def acknowledge(self, token: Any) -> None:
        """This batch and all before it are in a checkpoint, and need not be delivered again."""


class Store(Protocol):
    """Where `watch` keeps its state, if that is not a file."""

    def load(self) -> State | None:
        """The last state saved, or None."""

    def save(self, state: State, changes: Sequence[Any], token: Any) -> None:
        """Keep a state, all of it or nothing, that covers the batches up to a token, and the changes found in them."""


class FileSource:
    """
    The lines of a file that grows and is rotated, as `follow` reads it.

    Parameters
    ----------
    path : path-like
    start : int, "end" or Position
        A checkpoint has precedence.
    interval : float
        Seconds between two looks.
    stop : threading.Event or callable, optional
    say : callable, optional

    See Also
    --------
    follow : For the parameters.

    Examples
    --------
    >>> log = getfixture("tmp_path") / "app.log"
    >>> _ = log.write_bytes(b"one\\ntwo\\nthr")
    >>> position, lines = next(iter(FileSource(log)))
    >>> lines, position.offset
    ([b'one', b'two'], 8)
    """

    def __init__(
        self,
        path: os.PathLike[str] | str,
        *,
        start: int | Literal["end"] | Position = 0,
        interval: float = 0.1,
        stop: Stop = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._options: dict[str, Any] = {"interval": interval, "idle": 1.0, "stop": stop, "say": say}
        self._path, self._start = path, start

    def __iter__(self) -> Iterator[tuple[Position, list[bytes]]]:
        follower, splitter = Follower(self._path, **self._options), UnitSplitter("lines")
        token: Position | None = None
        for chunk, _ in follower.chunks(self._start):
            lines = list(splitter.split(chunk)) if chunk else []
            if lines or token is None:
                token = follower.earlier(splitter.waiting)
            yield token, lines

    def acknowledge(self, token: Position) -> None:
        """Nothing: a file keeps its lines."""

    def position(self, token: Position) -> list[int]:
        """The token, for a checkpoint."""
        return list(token)

    def seek(self, position: list[int]) -> None:
        """Go on there at the next iteration."""
        self._start = Position(*position)


def watch(
    source: Source | Iterable[Any],
    detector: Detector | KeyedDetectors,
    *,
    key: Callable[[Any], str | bytes] | None = None,
    checkpoint: os.PathLike[str] | str | Store | None = None,
    every: float = 10.0,
) -> Iterator[Any]:
    """
    Bring the units of a source to a detector; give its changes the moment they are known.

    With a checkpoint that is there already the detector becomes what it was then, and the source goes on from there. A
    source's units are acknowledged after the checkpoint that covers them has been written, never before.

    Parameters
    ----------
    source : Source, or iterable of units
        A `Source` gives batches; of another iterable each item is a unit.
    detector : StreamDetector, KeyedDetectors, or the like
    key : callable, optional
        The key of a unit, for `KeyedDetectors`.
    checkpoint : path-like or Store, optional
        Without one, batches are acknowledged as soon as their changes have been taken.
    every : float
        Seconds between two checkpoints, at least; 0 for one after each batch. There is one at the end of the source
        too.

    Yields
    ------
    change
        Of `KeyedDetectors`: (key, change). A change counts as taken when the next one is asked for: changes found
        after the last checkpoint are given again after a crash, with the same `unit`.

    Raises
    ------
    CheckpointError
        If the checkpoint is damaged, or is not one of `watch` with such a detector.
    ValueError
        If the detector has other parameters than the one of the checkpoint.

    Examples
    --------
    >>> from ncd.streams.detector import StreamDetector
    >>> import random
    >>> pick = random.Random(1).choice
    >>> calm = [f"GET /{pick(['index', 'news', 'help'])}.html 200 {pick(range(900))}" for _ in range(900)]
    >>> storm = [f"worker {pick(range(90))} killed: out of memory" for _ in range(20)]
    >>> [change.start for change in watch(calm + storm, StreamDetector(arl=10_000))]
    [900]
    """
    if isinstance(detector, KeyedDetectors) != (key is not None):
        raise TypeError("key and KeyedDetectors go together: key says which of the detectors a unit is for")
    every = real_number(every, "every", "give seconds, 0 or more", lambda seconds: 0 <= seconds < 1e9)
    if isinstance(source, str | bytes | bytearray | memoryview):
        raise TypeError(f"source is a single {type(source).__name__}: give an iterable of units")
    queue = source if isinstance(source, Source) else _Plain(source)
    store = _store(checkpoint, queue, detector)
    return _watch(queue, detector, key, store, every)


def _watch(
    source: Source,
    detector: Detector | KeyedDetectors,
    key: Callable[[Any], str | bytes] | None,
    store: Store | None,
    every: float,
) -> Iterator[Any]:
    """See `watch`."""
    saved = None if store is None else store.load()
    if saved is not None:
        detector.restore(saved)
    changes: list[Any] = []  # since the last checkpoint
    last, due, is_new = None, time.monotonic() + every, False
    for token, units in source:
        if len(units):
            if isinstance(detector, KeyedDetectors):
                assert key is not None
                found = detector.update_many([key(unit) for unit in units], units)
            else:
                found = detector.update_many(units)
            yield from found
            if store is not None:
                changes += found
        last, is_new = token, is_new or len(units) > 0
        if store is None:
            source.acknowledge(token)
        elif is_new and time.monotonic() >= due:
            _save(source, store, detector, changes, token)
            changes, is_new, due = [], False, time.monotonic() + every
    if store is not None and is_new:
        _save(source, store, detector, changes, last)


def _save(
    source: Source, store: Store, detector: Detector | KeyedDetectors, changes: Sequence[Any], token: Any
) -> None:
    """Write a checkpoint, then acknowledge what it covers."""
    state = detector.state(lazily=True) if isinstance(detector, KeyedDetectors) else detector.state()
    store.save(state, changes, token)
    source.acknowledge(token)


class _Plain:
    """An iterable of units as a source; whether its next item is there already is not known: batches are of one."""

    def __init__(self, units: Iterable[Any]) -> None:
        self._units = units

    def __iter__(self) -> Iterator[tuple[None, tuple[Any]]]:
        for unit in self._units:
            yield None, (unit,)

    def acknowledge(self, token: None) -> None:
        """Nobody to tell."""


class _FileStore:
    """A checkpoint in a file, with the source's position if it has one."""

    def __init__(self, path: Path, source: Any, kind: str) -> None:
        self._path, self._source, self._kind = path, source, kind
        self._seeks = hasattr(source, "position") and hasattr(source, "seek")

    def load(self) -> State | None:
        """The detector's state; the source goes to its position."""
        if not self._path.exists():
            return None
        saved = read_checkpoint(self._path, kind=self._kind)
        if saved["seeks"] != self._seeks:
            one = "no position" if self._seeks else "a position"
            raise CheckpointError(f"{self._path}: it has {one} of its source: it is that of another kind of source")
        if self._seeks:
            self._source.seek(saved["position"])
        state: State = saved["detector"]
        return state

    def save(self, state: State, changes: Sequence[Any], token: Any) -> None:
        """Write the file; changes have been given to the user."""
        position = self._source.position(token) if self._seeks else None
        write_checkpoint(self._path, {"seeks": self._seeks, "position": position, "detector": state}, kind=self._kind)


def _store(checkpoint: Any, source: Source, detector: Any) -> Store | None:
    """Where the state is kept."""
    if checkpoint is None or (hasattr(checkpoint, "load") and hasattr(checkpoint, "save")):
        return checkpoint
    return _FileStore(Path(checkpoint), source, f"watch of a {type(detector).__name__}")
