"""Changes of a stream, found as they happen, with a bound on false alarms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from ncd.arguments import seed, whole_number
from ncd.compressors import get_compressor
from ncd.compressors.base import Compressor
from ncd.embed.base import Embedder
from ncd.parameters import Parameters
from ncd.streams.base import State, StreamSignals, TextUnits, Units
from ncd.streams.change import StreamChange
from ncd.streams.checkpoint import read_checkpoint, write_checkpoint
from ncd.streams.edetector import EDetector
from ncd.streams.learning import BLOCK, model_order, text_signals
from ncd.streams.masking import Mask, check_mask
from ncd.streams.observations import TEXT, Observed, observed, packed, unpacked
from ncd.streams.splitting import StreamUnit, UnitSplitter
from ncd.streams.watching import Plan, Watch
from ncd.streams.whitening import LEAST_ROWS

if TYPE_CHECKING:
    from ncd.streams.embedding_signals import EmbeddingSignals

__all__ = ["StreamDetector"]

_REFERENCE_UNITS, _REFERENCE_BYTES, _ENOUGH_UNITS = 100, 20_000, 400
_WINDOW, _LARGEST_WINDOW = 1024, 65_535
_KIND = "StreamDetector"
_SINGLE_TEXT = str | bytes | bytearray | memoryview


class StreamDetector(Parameters):
    """
    Watches a stream and raises an alarm when it changes.

    The first units, or a text that is given, are the reference: a compressor learns them and stays as it is then. A
    unit that costs more bits under it than the reference's own units do, or one that the newest window of the stream
    would save bits of, is a sign of change, and so is one that costs less. The rank of these signals among all units so
    far is a conformal p-value; p-values are turned into an e-detector, whose rate of false alarms is bounded whatever
    the texts are, as long as the units of an unchanged stream are exchangeable. After an alarm the reference is learned
    anew, from the first changed unit on.

    Parameters
    ----------
    compressor : str or Compressor
        "ngram", a byte model of order 4 ("ngram:3" has order 3), or any compressor of the library. Numbers and vectors
        are coded by a Gaussian, whatever this is.
    reference : int, text, sequence of units, or None
        What an unchanged stream is like: a text, which is cut into units; a list of units; an array of numbers. An
        int: that many first units of the stream. By default the first units: at least 100 and, of text, 20,000 bytes
        or 400 units.
    embedder : str or Embedder, optional
        Units of text are measured by their vectors instead (`ncd.streams.EmbeddingSignals`): a change
        of subject is found that keeps the words' form, and one of form is not. It must have nothing to learn.
    window : int, optional
        How much of the newest stream is compared with the reference, up to 65,535: bytes of text (1,024 by default),
        numbers or vectors; with an embedder, units of text (8 by default).
    arl : float, optional
        Average run length, 10,000 unless `alpha` is given: without a change an alarm comes within t units with a
        probability of t / arl at most, and after arl / 2 units or more on average (measured: more than 2 arl).
    alpha : float, optional
        In place of `arl`: probability that there is ever a false alarm, at most, for each reference that is learned.
    unit : {"lines", "chars", "bytes", "items"}
        What of the stream is a unit. Lines of text; blocks of characters or bytes; whatever one call of `update`
        brings. Numbers and vectors are always items.
    block : int or "auto"
        Lines, characters or bytes of a unit. "auto" is one line; or 256 characters or bytes, more where the
        reference's blocks depend on each other.
    mask : {"auto", "times", "digits", "nothing"}
        What of a unit of text is not looked at: "times" and dates, which go on in every log; all "digits"; "nothing".
        "auto" is "times" for lines.
    gap : int, optional
        Bytes on both sides of a unit of the reference that are left out of it while the unit is measured. By default
        0 for lines and items, a block for blocks; where neighbours are found to be more alike than distant units
        (sessions in a log, long documents), 2 kB, or more of a reference of more than 32 kB. With an embedder none are.
    relearn : bool
        Whether the reference is learned anew after an alarm. If not, the old one stays, and the statistic starts at 0.
    random_state : int
        Seed of what breaks ties.

    Attributes
    ----------
    drift_detected : bool
        Whether the last call found a change.

    See Also
    --------
    KeyedDetectors : One detector for each user, service or sensor.
    ncd.changepoint.TextSegmenter : Texts that are there as a whole.

    Notes
    -----
    Signals of text, p-values and the statistic are described in the guide, "What is guaranteed". Memory does not grow
    with the stream: of a unit longer than 65,536 bytes the first 65,536 are learned, all of it is measured; of the
    newest units at most 4 MB are kept for the next reference.

    References
    ----------
    J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", The New
    England Journal of Statistics in Data Science 2 (2024). V. Vovk, I. Nouretdinov, A. Gammerman, "Testing
    exchangeability on-line", ICML 2003.

    Examples
    --------
    >>> import random
    >>> pick = random.Random(1).choice
    >>> calm = [f"GET /{pick(['index', 'news', 'help'])}.html 200 {pick(range(900))}" for _ in range(900)]
    >>> storm = [f"worker {pick(range(90))} killed: out of memory" for _ in range(20)]
    >>> detector = StreamDetector(arl=10_000)
    >>> changes = detector.update_many(calm + storm)
    >>> [change.start for change in changes]
    [900]
    >>> changes[0].unit < 910, changes[0].novel[0].shown
    (True, 'killed: out of memory')
    """

    def __init__(
        self,
        compressor: str | Compressor = "ngram",
        *,
        reference: Any = None,
        embedder: Any = None,
        window: int | None = None,
        arl: float | None = None,
        alpha: float | None = None,
        unit: StreamUnit = "lines",
        block: int | Literal["auto"] = "auto",
        mask: Mask | Literal["auto"] = "auto",
        gap: int | None = None,
        relearn: bool = True,
        random_state: int = 0,
    ) -> None:
        self.compressor, self.reference, self.embedder, self.window = compressor, reference, embedder, window
        self.arl, self.alpha, self.unit, self.block = arl, alpha, unit, block
        self.mask, self.gap, self.relearn, self.random_state = mask, gap, relearn, random_state
        self._check()
        self.reset()

    def _check(self) -> None:
        """Refuse arguments that no stream could make right."""
        if self.unit not in get_args(StreamUnit):
            raise ValueError(f"unit is {self.unit!r}: choose from {', '.join(map(repr, get_args(StreamUnit)))}")
        if self.block != "auto":
            whole_number(self.block, "block", 1, 1 if self.unit == "items" else None)
        check_mask(self.mask)
        if self.window is not None:
            whole_number(self.window, "window", 1, _LARGEST_WINDOW)
        if self.gap is not None:
            whole_number(self.gap, "gap", 0)
        _check_reference(self.reference)
        if not isinstance(self.relearn, bool | np.bool_):
            raise TypeError(f"relearn is {self.relearn!r}: give True or False")
        seed(self.random_state)
        EDetector((1.0,), arl=self.arl, alpha=self.alpha)
        if model_order(self.compressor) is None:
            get_compressor(self.compressor)
        self._embedder = None if self.embedder is None else self._checked_embedder()

    def _checked_embedder(self) -> Embedder:
        """The embedder; what does not go together with one is refused."""
        for name, usual in (("compressor", "ngram"), ("gap", None)):
            if getattr(self, name) != usual:
                raise ValueError(f"{name} is {getattr(self, name)!r} together with an embedder: leave one of them out")
        return self._embedding_signals(self.embedder).embedder

    def _embedding_signals(self, embedder: Any) -> EmbeddingSignals:
        """What measures units by their vectors."""
        from ncd.streams.embedding_signals import EmbeddingSignals

        window = {} if self.window is None else {"window": self.window}
        return EmbeddingSignals(embedder, random_state=self.random_state, **window)

    def set_params(self, **params: Any) -> Self:
        """
        Set parameters; the stream is forgotten, as by `reset`.

        Returns
        -------
        StreamDetector
            Itself.

        Raises
        ------
        TypeError, ValueError
            As the constructor does; the detector stays as it was then.
        """
        if not params:
            return self
        before = self.get_params()
        try:
            super().set_params(**params)
            self._check()
        except Exception:
            vars(self).update(before)
            raise
        self.reset()
        return self

    def reset(self) -> None:
        """Forget the stream; the next update is its first."""
        self.drift_detected = False
        self._kind: Observed | None = None
        self._watch: Watch | None = None
        self._splitter = UnitSplitter(self.unit, self._block) if self.unit != "items" else None

    @property
    def _block(self) -> int:
        """Lines, characters or bytes that the splitter cuts off at a time."""
        if self.block != "auto":
            return int(self.block)
        return BLOCK if self.unit in ("chars", "bytes") else 1

    @property
    def _mask(self) -> Mask:
        """What of a unit of text is not looked at."""
        if self.mask != "auto":
            return self.mask
        return "times" if self.unit == "lines" else "nothing"

    @property
    def _is_given(self) -> bool:
        """Whether the user has given what the reference consists of."""
        return self.reference is not None and not isinstance(self.reference, int | np.integer)

    # What the user gives

    def update(self, x: Any) -> None:
        """
        Take what one step of the stream brings.

        Parameters
        ----------
        x : str, bytes, number or vector
            Text: with ``unit="lines"`` one line or several, with or without the last line feed; with "chars" and
            "bytes" any piece of the stream; with "items" a unit. A number or a vector is a unit.

        Raises
        ------
        TypeError
            If it is something else, or not of the kind that the stream has had so far.
        ValueError
            If a number is NaN, infinite or beyond 1e150, or a vector has another dimension than those before; if
            `reference` is too short; or, of lines, if `feed` has left an unfinished one. Nothing has been taken then.
        """
        self.update_many((x,))

    def update_many(self, xs: Iterable[Any]) -> list[StreamChange]:
        """
        Take many steps of the stream: the same as `update` with each, but faster.

        Parameters
        ----------
        xs : iterable
            In the order of time; a table of one column is that column.

        Returns
        -------
        list of StreamChange
            What was found.

        Raises
        ------
        TypeError, ValueError
            As `update` does; nothing of `xs` has been taken then.
        """
        xs = _several(xs, "xs", "give a list, or use update() or feed()")
        if not len(xs):
            self.drift_detected = False
            return []
        kind, values = observed(xs, self._kind, self.n_units)
        if self._splitter is not None and self._splitter.is_within_line:
            raise ValueError("feed() has left an unfinished line: feed its rest, or call finish(), before update()")
        watch = self._begin(kind)
        units = self._split_steps(values, self._splitter) if isinstance(values, list) else values
        return self._take(watch, units)

    def feed(self, data: bytes) -> list[StreamChange]:
        """
        Take bytes as they arrive, which may end in the middle of a unit.

        Parameters
        ----------
        data : bytes
            Of any length. They need not be UTF-8.

        Returns
        -------
        list of StreamChange
            What was found; the rest of an unfinished unit waits for the next call, or for `finish`.
        """
        if self._splitter is None:
            raise ValueError("unit is 'items': bytes cannot be cut into items; use update()")
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data is a {type(data).__name__}: feed() takes bytes; update() takes text")
        if self._kind is not None and not self._kind.is_text:
            raise TypeError(f"the stream so far is of {self._kind}: feed() takes text")
        return self._take(self._begin(TEXT), self._splitter.split(bytes(data)))

    def finish(self) -> list[StreamChange]:
        """The stream has ended: a last line without a line feed is taken; a block that is not full is no unit."""
        if self._splitter is None or self._watch is None:
            return []
        return self._take(self._watch, self._splitter.finish())

    def partial_fit(self, X: Iterable[Any], y: Any = None) -> Self:
        """Take units, as `update_many` does; returns itself. `y` has no use."""
        del y
        self.update_many(X)
        return self

    def score_samples(self, X: Iterable[Any]) -> NDArray[np.float64]:
        """
        How probable units are under the reference: minus their bits per byte (of numbers: per number).

        Parameters
        ----------
        X : iterable
            Units. The stream does not move.

        Returns
        -------
        ndarray of float64, shape (n,)
            The lower, the less a unit is like the reference, as of scikit-learn's outlier detectors.

        Raises
        ------
        ValueError
            If no reference has been learned yet.
        """
        if self._watch is None and not self._is_given:
            raise ValueError("there is no reference yet: give one (reference=...), or more of the stream")
        units = _several(X, "X", "give a list")
        if not len(units):
            return np.zeros(0)
        kind, values = observed(units, self._kind, 0)
        watch = self._begin(kind)
        if watch.learned is None:
            raise ValueError(f"the reference is not complete yet: {watch.share_learned:.0%} of it has been seen")
        return np.asarray(-watch.bits(list(values)))

    # What is known

    @property
    def n_units(self) -> int:
        """Units so far."""
        return 0 if self._watch is None else self._watch.n_units

    @property
    def n_bytes(self) -> int:
        """Bytes of the units so far; line feeds between them are not counted."""
        return 0 if self._watch is None else self._watch.n_bytes

    @property
    def n_changes(self) -> int:
        """Changes so far."""
        return 0 if self._watch is None else self._watch.n_changes

    @property
    def changes(self) -> list[StreamChange]:
        """The last 100 changes."""
        return [] if self._watch is None else list(self._watch.changes)

    @property
    def last_change(self) -> StreamChange | None:
        """The last change."""
        return self._watch.changes[-1] if self._watch is not None and self._watch.changes else None

    @property
    def is_learning(self) -> bool:
        """Whether a reference is being learned, so that no change can be found."""
        return self._watch is None or self._watch.is_learning

    @property
    def learned(self) -> float:
        """Share of the reference that has been seen: 1 once it is learned."""
        return 0.0 if self._watch is None else self._watch.share_learned

    @property
    def block_size(self) -> int:
        """Lines, characters or bytes of a unit."""
        return self._block * (1 if self._watch is None else self._watch.times)

    @property
    def _edetector(self) -> EDetector | None:
        return None if self._watch is None or self._watch.learned is None else self._watch.learned.edetector

    @property
    def statistic(self) -> float:
        """What is compared with the threshold; 0 while a reference is learned."""
        edetector = self._edetector
        return 0.0 if edetector is None or self.is_learning else edetector.statistic

    @property
    def threshold(self) -> float:
        """What the statistic has to reach for an alarm."""
        return EDetector(arl=self.arl, alpha=self.alpha).threshold

    @property
    def warning_detected(self) -> bool:
        """Whether the statistic is near its threshold (`EDetector.warning`)."""
        edetector = self._edetector
        return edetector is not None and not self.is_learning and edetector.warning

    @property
    def autocorrelation(self) -> float | None:
        """Lag 1, of the reference's novelty; None before there is a reference."""
        return None if self._edetector is None else float(self._edetector.autocorrelation[0])

    @property
    def dependence(self) -> float | None:
        """
        How much more alike neighbouring units of the reference are than distant ones, as a t statistic.

        Above 4 in a few of a thousand references whose units are exchangeable; None before there is one, for numbers,
        and where `gap` is given.
        """
        return None if self._watch is None or self._watch.learned is None else self._watch.learned.dependence

    @property
    def nbytes(self) -> int:
        """Bytes of memory: model, statistic and units that are kept."""
        waiting = 0 if self._splitter is None else self._splitter.waiting
        return waiting + (0 if self._watch is None else self._watch.nbytes)

    # How a stream is watched

    def _take(self, watch: Watch, units: Units) -> list[StreamChange]:
        """What is found in the next units."""
        found = watch.take(units)
        self.drift_detected = bool(found)
        return found

    def _split_steps(self, steps: list[bytes], splitter: UnitSplitter | None) -> TextUnits:
        """Units of what steps of a text stream bring."""
        if splitter is None:
            return TextUnits.of(steps)
        if self.unit == "lines":
            return splitter.split(b"\n".join([step.removesuffix(b"\n") for step in steps]) + b"\n")
        return splitter.split(b"".join(steps))

    def _begin(self, kind: Observed) -> Watch:
        """The watch; at the first unit a new one, which learns the reference if it was given."""
        if self._watch is None:
            watch = Watch(self._plan(kind))
            if self._is_given:
                self._learn_given(watch, kind)
            self._kind, self._watch = kind, watch
        return self._watch

    def _plan(self, kind: Observed) -> Plan:
        """What a watch has to know."""
        if self._embedder is not None and not kind.is_text:
            raise TypeError(f"the stream is of {kind}, and an embedder takes text: leave embedder out")
        is_count = self.reference is not None and not self._is_given
        return Plan(
            is_text=kind.is_text,
            mask=self._mask,
            signals=partial(self._new_signals, kind),
            gap=self._gap,
            edetector=self._new_edetector,
            n_reference=int(self.reference) if is_count else _REFERENCE_UNITS,
            n_reference_bytes=_REFERENCE_BYTES if kind.is_text and not is_count and self._embedder is None else 0,
            n_enough=_ENOUGH_UNITS,
            may_join=self.block == "auto" and self.unit in ("chars", "bytes"),
            relearn=self.relearn,
        )

    def _new_edetector(self, signals: StreamSignals, n_changes: int) -> EDetector:
        """What judges signals."""
        return EDetector(
            signals.weights,
            arl=self.arl,
            alpha=self.alpha,
            bets=signals.bets,
            random_state=self.random_state + n_changes,
        )

    def _new_signals(self, kind: Observed, gap: int) -> StreamSignals:
        """What measures units."""
        if self._embedder is not None:
            return self._embedding_signals(self._embedder)
        if kind.is_text:
            return text_signals(self.compressor, window=self._window, gap=gap, framed=self._is_framed)
        from ncd.streams.vector_signals import VectorSignals

        return VectorSignals() if self.window is None else VectorSignals(window=self.window)

    @property
    def _window(self) -> int:
        """Bytes of text in the window."""
        return _WINDOW if self.window is None else self.window

    @property
    def _is_framed(self) -> bool:
        """Whether the end of a unit is part of it."""
        return self.unit in ("lines", "items")

    def _gap(self, units: TextUnits, times: int) -> tuple[int, float | None]:
        """Bytes that are left out on both sides of a unit, and the dependence of neighbours."""
        if self.gap is not None or self._embedder is not None:
            return self.gap or 0, None
        from ncd.streams.dependence import chosen_gap

        least = 0 if self._is_framed else self._block * times
        return chosen_gap(units, gap=least, framed=self._is_framed, window=self._window)

    def _learn_given(self, watch: Watch, kind: Observed) -> None:
        """Learn the reference that the user has given."""
        given = self.reference
        if isinstance(given, _SINGLE_TEXT):
            if self._splitter is None:
                raise TypeError("reference is a single text: with unit='items' give a list of units")
            given = [given]
        given = _several(given, "reference", "give a list")
        if not len(given):
            raise ValueError("reference is empty: give at least 40 units, better 100 and 20 kB")
        other, values = observed(given, None, 0, name="unit of the reference")
        if other != kind:
            raise TypeError(f"reference is of {other}, the stream of {kind}: give the same kind")
        units: Sequence[Any] = list(values)
        if kind.is_text and self._splitter is not None:
            units = list(self._split_steps(list(units), UnitSplitter(self.unit, self._block)))
        lacking = watch.learn_from(units)
        if lacking:
            raise ValueError(
                f"reference has {len(units)} units: at least {len(units) + lacking} are needed, {LEAST_ROWS} of them "
                f"after those that fill the window; {_REFERENCE_UNITS} and 20 kB are advised"
            )

    # Checkpoints

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A twin that shares the embedder, a model of many megabytes which does not change."""
        memo.update((id(model), model) for model in (self.embedder, self._embedder) if model is not None)
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        vars(twin).update(deepcopy(vars(self), memo))
        return twin

    def clone(self) -> Self:
        """A detector of the same parameters that has seen nothing."""
        return type(self)(**self.get_params())

    def _described(self) -> State:
        """The parameters, as a checkpoint keeps them."""
        params = self.get_params()
        if isinstance(self.compressor, Compressor):
            params["compressor"] = self.compressor.name
        if self._embedder is not None:
            params["embedder"] = self._embedder.name
        if self._is_given:
            is_text = isinstance(self.reference, _SINGLE_TEXT)
            params["reference"] = packed(self.reference if is_text else _several(self.reference, "reference", ""))
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}

    def state(self) -> State:
        """
        All that the detector is, for `restore`.

        Returns
        -------
        dict
            Of strings, numbers, arrays, lists and dicts.
        """
        return {
            "params": self._described(),
            "embedder": self._fingerprint(),
            "drift_detected": self.drift_detected,
            "kind": None if self._kind is None else list(self._kind),
            "splitter": None if self._splitter is None else self._splitter.state(),
            "watch": None if self._watch is None else self._watch.state(),
        }

    def restore(self, state: State) -> None:
        """
        Be the detector that gave this state, to the last bit.

        Parameters
        ----------
        state : dict
            From `state`, of a detector with the same parameters.

        Raises
        ------
        ValueError
            If the parameters differ, or the state is none of a detector; nothing has changed then.
        """
        if not isinstance(state, dict) or not isinstance(state.get("params"), dict):
            raise ValueError("state is not that of a StreamDetector")
        mine, theirs = self._described(), state["params"]
        different = [name for name in mine if not _same(mine[name], theirs.get(name))]
        if different:
            raise ValueError(
                "the state is of a detector with other parameters: "
                + ", ".join(f"{name}={_brief(theirs.get(name))}, here {_brief(mine[name])}" for name in different)
            )
        self._check_embedder(state.get("embedder"))
        try:
            kind = None if state["kind"] is None else Observed(*state["kind"])
            watch = None if kind is None else Watch(self._plan(kind))
            if watch is not None:
                watch.restore(state["watch"])
            splitter = None if self._splitter is None else UnitSplitter(self.unit, self._block)
            if splitter is not None:
                splitter.restore(state["splitter"])
            drift_detected = bool(state["drift_detected"])
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"state is not that of a StreamDetector: {error!r}") from error
        self._kind, self._watch, self._splitter, self.drift_detected = kind, watch, splitter, drift_detected

    def _fingerprint(self) -> State | None:
        """What tells the embedder from another of its name."""
        if self._embedder is None:
            return None
        from ncd.streams.embedding_signals import fingerprint

        return fingerprint(self._embedder)

    def _check_embedder(self, theirs: Any) -> None:
        """Refuse the state of a detector with another embedder of the same name."""
        mine = self._fingerprint()
        if mine is None:
            return
        from ncd.streams.embedding_signals import agree

        if not agree(mine, theirs):
            name = self._described()["embedder"]
            raise ValueError(
                f"the state is of a detector with another embedder of the name {name!r}: its digest, or its vectors, "
                "are not the same; give the one that the stream was watched with"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Write a checkpoint, in place of an earlier one, in one step.

        Parameters
        ----------
        path : path-like
        """
        write_checkpoint(path, self.state(), kind=_KIND)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, embedder: Any = None) -> Self:
        """
        The detector of a checkpoint, as it was.

        Parameters
        ----------
        path : path-like
            As `save` wrote it.
        embedder : Embedder, optional
            That of the detector, where its name alone does not make it again; it is not in the file.

        Returns
        -------
        StreamDetector

        Raises
        ------
        CheckpointError
            If the file is damaged, of another version, or no checkpoint of a StreamDetector.
        ValueError
            If the embedder is not the one that the stream was watched with.
        """
        state = read_checkpoint(path, kind=_KIND)
        params = dict(state["params"])
        if isinstance(params["reference"], dict):
            params["reference"] = unpacked(params["reference"])
        if embedder is not None:
            params["embedder"] = embedder
        detector = cls(**params)
        detector.restore(state)
        return detector


def _check_reference(reference: Any) -> None:
    """Refuse what is no reference."""
    if reference is None or isinstance(reference, _SINGLE_TEXT):
        return
    if isinstance(reference, int | np.integer):
        whole_number(reference, "reference", LEAST_ROWS, of="to rank units,")
    elif isinstance(reference, os.PathLike):
        raise TypeError(f"reference is the path {os.fspath(reference)!r}: give what is in the file (read_bytes())")
    elif isinstance(reference, Sequence) or (hasattr(reference, "shape") and reference.shape):
        _several(reference, "reference", "")
    else:
        raise TypeError(
            f"reference is {reference!r:.80}: give a text, a list of units, an array, or how many first units it has"
        )


def _several(xs: Any, name: str, remedy: str) -> Sequence[Any] | NDArray[Any]:
    """Units that can be counted; a table of one column is that column."""
    if isinstance(xs, _SINGLE_TEXT | os.PathLike):
        raise TypeError(f"{name} is a single {type(xs).__name__}: {remedy}")
    if isinstance(xs, Mapping | AbstractSet):
        raise TypeError(f"{name} is a {type(xs).__name__}, which is no sequence: give a list of units")
    if hasattr(xs, "columns"):
        n = len(xs.columns)
        if n != 1:
            raise TypeError(f"{name} is a table of {n} columns: give one of them, or the rows of numbers (to_numpy())")
        return np.asarray(xs)[:, 0]
    if isinstance(xs, Sequence) or (isinstance(xs, np.ndarray) and xs.ndim):
        return xs
    try:
        return list(xs)
    except TypeError:
        raise TypeError(f"{name} is {xs!r:.80}: give a list of units") from None


def _same(mine: Any, theirs: Any) -> bool:
    """Whether two values of a parameter are equal, arrays included."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_same(mine[key], theirs[key]) for key in mine)
    return bool(np.array_equal(mine, theirs))


def _brief(value: Any) -> str:
    """A parameter in a message."""
    return "a reference of its own" if isinstance(value, dict) else repr(value)
