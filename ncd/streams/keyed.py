"""One detector for each key of a stream: each user, service or sensor."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol, Self

from ncd.arguments import whole_number
from ncd.streams.base import State
from ncd.streams.checkpoint import CheckpointError, read_checkpoint, write_checkpoint

__all__ = ["Detector", "EvictionWarning", "KeyedDetectors", "KeyedUpdateError"]

_KIND = "KeyedDetectors"


class Detector(Protocol):
    """What watches one stream, such as a `StreamDetector`."""

    def update_many(self, xs: Any, /) -> list[Any]:
        """Take units; the changes that were found."""

    def state(self) -> State:
        """All that it is."""

    def restore(self, state: State, /) -> None:
        """Be what the state says."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""


class EvictionWarning(UserWarning):
    """There are more keys than detectors may be kept: the one not seen for the longest time is forgotten."""


class KeyedUpdateError(ValueError):
    """
    Units of some keys of a batch could not be taken; those of all others have been.

    Attributes
    ----------
    errors : dict
        What each of these keys' detectors raised.
    changes : list of (str, change)
        What was found in the other keys' units.
    """

    def __init__(self, errors: dict[str, Exception], changes: list[tuple[str, Any]], n_keys: int) -> None:
        key, error = next(iter(errors.items()))
        super().__init__(
            f"key {key!r}: {error} ({len(errors)} of {n_keys} keys of the batch refused; the units of the others have "
            "been taken, and their changes are in .changes)"
        )
        self.errors, self.changes = errors, changes


class KeyedDetectors(Mapping[str, Any]):
    """
    Detectors by key, made when a key is first seen.

    At most `max_keys` of them are kept. When another key comes, the detector of the key that was not updated for the
    longest time is forgotten: it is counted in `evicted`, and the first time there is an `EvictionWarning`. A key that
    comes again later starts anew, with learning. As a mapping this gives the detectors, the longest unseen first;
    looking one up does not count as seeing it, and ``del`` forgets one.

    Parameters
    ----------
    make : callable, or detector
        Returns a new detector; or a detector that is copied for each key, with all that it has learned. A detector has
        ``update_many(xs)``, ``state()``, ``restore(state)`` and ``nbytes``. An embedder of `StreamDetector` is loaded
        once, and shared by all keys.
    max_keys : int

    Attributes
    ----------
    evicted : int
        Detectors forgotten so far to make room.

    Examples
    --------
    >>> from ncd.streams.detector import StreamDetector
    >>> users = KeyedDetectors(lambda: StreamDetector(arl=100_000), max_keys=1_000)
    >>> users.update("ann", "GET /index.html")
    >>> users.update_many(["bob", "ann"], ["GET /help.html", "GET /news.html"])
    []
    >>> list(users), users["ann"].n_units
    (['bob', 'ann'], 2)
    """

    def __init__(self, make: Callable[[], Any] | Any, *, max_keys: int = 10_000) -> None:
        if not callable(make) and not _is_detector(make):
            raise TypeError(f"make is {make!r:.80}: give a detector, or a function that returns a new one")
        self.max_keys = whole_number(max_keys, "max_keys", 1)
        self.evicted = 0
        self._make: Callable[[], Any] = (lambda: deepcopy(make)) if _is_detector(make) else make
        self._detectors: OrderedDict[str, Any] = OrderedDict()

    def update(self, key: str | bytes, x: Any) -> Any:
        """
        Take one unit.

        Parameters
        ----------
        key : str or bytes
            Bytes are read as UTF-8; what is none stays recognisable ("surrogateescape").
        x : object
            What the detector takes.

        Returns
        -------
        change or None
            The last one, if the unit brought several (a text of several lines).

        Raises
        ------
        TypeError
            If the key is neither str nor bytes, or the detector refuses the unit.
        """
        key = _text(key, "key")
        detector, is_new = self._detector(key)
        try:
            changes = detector.update_many([x])
        except Exception as error:
            error.add_note(f"key {key!r}")
            raise
        if is_new:
            self._add(key, detector)
        return changes[-1] if changes else None

    def update_many(self, keys: Iterable[str | bytes], xs: Iterable[Any]) -> list[tuple[str, Any]]:
        """
        Take a batch of units: the units of a key together and in their order, which is much faster.

        Parameters
        ----------
        keys : iterable of str or bytes
        xs : iterable
            As many.

        Returns
        -------
        list of (str, change)
            In order of time for each key.

        Raises
        ------
        KeyedUpdateError
            If detectors refuse units; all others have been taken.
        TypeError, ValueError
            If a key is neither str nor bytes, or there is not one unit for each key. Nothing has been taken then.

        Notes
        -----
        A batch is one moment: where it has more keys than may be kept, the units of a key that had to go are not
        divided between an old and a new detector.
        """
        groups: dict[str, list[Any]] = {}
        keys, xs = list(keys), list(xs)
        if len(keys) != len(xs):
            raise ValueError(f"keys and xs are {len(keys)} and {len(xs)}: give one key for each unit")
        names = [key if type(key) is str else _text(key, f"keys[{i}]") for i, key in enumerate(keys)]
        for key, x in zip(names, xs, strict=True):
            groups.setdefault(key, []).append(x)
        for key in groups:  # before any of them could be forgotten for a new one
            if key in self._detectors:
                self._detectors.move_to_end(key)
        found: list[tuple[str, Any]] = []
        errors: dict[str, Exception] = {}
        for key in _by_last(names):
            try:
                detector, is_new = self._detector(key)
                changes = detector.update_many(groups[key])
            except Exception as error:
                errors[key] = error
                continue
            if is_new:
                self._add(key, detector)
            found += [(key, change) for change in changes]
        if errors:
            raise KeyedUpdateError(errors, found, len(groups))
        return found

    def _detector(self, key: str) -> tuple[Any, bool]:
        """The key's detector, the newest now; or one that was made, to be added once it has taken a unit."""
        detector = self._detectors.get(key)
        if detector is not None:
            self._detectors.move_to_end(key)
            return detector, False
        detector = self._make()
        if not _is_detector(detector):
            raise TypeError(f"make() returned {detector!r:.80}: a detector has update_many, state, restore and nbytes")
        return detector, True

    def _add(self, key: str, detector: Any) -> None:
        """Keep a new key's detector; others may have to go."""
        while len(self._detectors) >= self.max_keys:
            self._evict(self._detectors)
        self._detectors[key] = detector

    def _evict(self, detectors: OrderedDict[str, Any]) -> None:
        """Forget the detector that was not updated for the longest time."""
        key, _ = detectors.popitem(last=False)
        self.evicted += 1
        if self.evicted == 1:
            warnings.warn(
                f"more than {self.max_keys:,} keys: {key!r}, not seen for the longest time, is forgotten, and others "
                "will be; `evicted` counts them. Give a larger max_keys, or coarser keys",
                EvictionWarning,
                stacklevel=4,
            )

    # Mapping

    def __getitem__(self, key: str | bytes) -> Any:
        return self._detectors[_text(key, "key")]

    def __delitem__(self, key: str | bytes) -> None:
        del self._detectors[_text(key, "key")]

    def __iter__(self) -> Iterator[str]:
        return iter(self._detectors)

    def __len__(self) -> int:
        return len(self._detectors)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str | bytes) and _text(key, "key") in self._detectors

    def __repr__(self) -> str:
        return f"<KeyedDetectors: {len(self):,} of {self.max_keys:,} keys, {self.evicted:,} evicted>"

    @property
    def nbytes(self) -> int:
        """Bytes of memory of all detectors."""
        return sum(detector.nbytes for detector in self._detectors.values())

    # Checkpoints

    def state(self, *, lazily: bool = False) -> State:
        """
        All that the detectors are, for `restore`.

        Parameters
        ----------
        lazily : bool
            For `write_checkpoint`: an iterator in place of the list of the detectors' states, so that they are never
            in memory together. No update may come in between.

        Returns
        -------
        dict
        """
        states = (detector.state() for detector in self._detectors.values())
        return {
            "max_keys": self.max_keys,
            "evicted": self.evicted,
            "keys": list(self._detectors),
            "detectors": states if lazily else list(states),
        }

    def restore(self, state: State) -> None:
        """
        Be what gave this state; detectors are made by this object's `make`.

        Parameters
        ----------
        state : dict
            If it has more than `max_keys` keys, those seen last are kept.

        Raises
        ------
        ValueError
            If the state is none of keyed detectors, or a detector refuses its part; nothing has changed then.
        """
        try:
            keys, states, evicted = state["keys"], state["detectors"], state["evicted"]
            if len(keys) != len(states) or not all(type(key) is str for key in keys):
                raise ValueError("there is not one state for each key")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"state is not that of KeyedDetectors: {error!r}") from None
        self._restore(keys, iter(states), evicted)

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Write a checkpoint, in place of an earlier one, in one step; one detector after another.

        Parameters
        ----------
        path : path-like
        """
        write_checkpoint(path, self.state(lazily=True), kind=_KIND)

    @classmethod
    def load(cls, path: str | os.PathLike[str], make: Callable[[], Any] | Any, *, max_keys: int | None = None) -> Self:
        """
        The detectors of a checkpoint, as they were.

        Parameters
        ----------
        path : path-like
        make : callable, or detector
            As for the class: a checkpoint holds states, and no code.
        max_keys : int, optional
            By default as it was.

        Returns
        -------
        KeyedDetectors

        Raises
        ------
        CheckpointError
            If the file is damaged, of another version, or no checkpoint of KeyedDetectors.
        ValueError
            If the detectors that `make` gives are not like those that were saved.
        """
        state = read_checkpoint(path, kind=_KIND)
        try:
            detectors = cls(make, max_keys=state["max_keys"] if max_keys is None else max_keys)
            keys, states, evicted = state["keys"], state.pop("detectors"), state["evicted"]
        except KeyError as error:
            raise CheckpointError(f"{path}: it has no {error}") from None
        states.reverse()
        detectors._restore(keys, (states.pop() for _ in range(len(states))), evicted)  # each is freed when it is used
        return detectors

    def _restore(self, keys: Sequence[str], states: Iterator[State], evicted: int) -> None:
        """Make detectors of their states; all of them or none."""
        detectors: OrderedDict[str, Any] = OrderedDict()
        for number, (key, state) in enumerate(zip(keys, states, strict=True)):
            if number < len(keys) - self.max_keys:
                detectors[key] = None  # to be forgotten
                continue
            detectors[key] = self._make()
            try:
                detectors[key].restore(state)
            except ValueError as error:
                raise ValueError(f"key {key!r}: {error}") from error
        self.evicted = evicted
        while len(detectors) > self.max_keys:
            self._evict(detectors)
        self._detectors = detectors


def _is_detector(value: Any) -> bool:
    """Whether it has what a detector has; a class has not."""
    return not isinstance(value, type) and all(hasattr(value, name) for name in ("update_many", "state", "restore"))


def _text(key: str | bytes, name: str) -> str:
    """A key as text; all bytes stay different."""
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("utf-8", "surrogateescape")
    raise TypeError(f"{name} is {key!r:.80}: give str or bytes")


def _by_last(keys: Sequence[str]) -> list[str]:
    """Different keys in the order in which they are last seen."""
    return list(reversed(dict.fromkeys(reversed(keys))))
