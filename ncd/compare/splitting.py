"""Which texts are learned from, and which are asked about: by seed and label alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ncd.compare.collection import Collection, counted

__all__ = ["Split", "draw", "sample", "split_of"]

_TEST_SHARE = 0.2


@dataclass(frozen=True, repr=False)
class Split:
    """
    Texts to learn from and texts to be classified, with labels; and what is to be said of them.

    The test texts are in random order, so that the first ones are a sample; `leaked` of them are among the others.
    """

    train: list[str]
    train_labels: list[str]
    test: list[str]
    test_labels: list[str]
    notes: tuple[str, ...] = ()
    leaked: int = 0


def _shuffled(labels: Sequence[str], random_state: int) -> dict[str, NDArray[np.int64]]:
    """The places of each label in random order."""
    order = np.random.default_rng(random_state).permutation(len(labels))
    of = np.asarray(labels)[order]
    return {label: order[of == label] for label in sorted(set(labels))}


def sample(labels: Sequence[str], most: int | None, random_state: int) -> list[int]:
    """Places of at most so many texts, in their order, each label by its share (at least one, as far as it goes)."""
    n = len(labels)
    if most is None or n <= most:
        return list(range(n))
    places = _shuffled(labels, random_state)
    # The first of every label, then the second ... by rank within the label, relative to its size.
    ranked = sorted(
        (((i + 0.5) / len(own) if i else 0.0, int(p)) for own in places.values() for i, p in enumerate(own))
    )
    return sorted(place for _, place in ranked[:most])


def draw(labels: Sequence[str], per_class: int, random_state: int) -> list[int]:
    """
    Places of so many texts of each label, of all that it has if there are fewer.

    The texts of a smaller draw with the same seed are among those of a larger one.
    """
    places = _shuffled(labels, random_state)
    return sorted(int(place) for own in places.values() for place in own[:per_class])


def split_of(collection: Collection, *, max_train: int | None, max_test: int | None, random_state: int) -> Split:
    """
    The test set that was given, or a fifth of each label; and at most so many texts of either.

    Raises
    ------
    ValueError
        If there is one label only, or too few texts of a label to learn from one and ask about another.
    """
    labels = collection.labels or []
    if len(set(labels)) < 2:
        raise ValueError(
            f"{collection.name}: all labels are {labels[0]!r}: two or more are needed to classify; what is near "
            "what can be asked without: task 'geometry' (--task geometry)"
        )
    notes = []
    train, test = list(range(len(labels))), list(range(len(collection.test)))
    pool, pool_labels = collection.texts, labels
    if collection.test:
        tested, tested_labels = collection.test, collection.test_labels
    else:
        tested, tested_labels = pool, pool_labels
        test = sorted(
            int(place)
            for own in _shuffled(labels, random_state).values()
            if len(own) > 1
            for place in own[: max(1, round(_TEST_SHARE * len(own)))]
        )
        if not test:
            raise ValueError(f"{collection.name}: every label has one text only: give two or more of each to classify")
        held = set(test)
        train = [place for place in train if place not in held]
        notes.append(
            f"No test set was given: a fifth of each label, {counted(len(test), 'texts')}, held out (seed "
            f"{random_state})."
        )
    for name, places, its_labels, most in (
        ("training", train, pool_labels, max_train),
        ("test", test, tested_labels, max_test),
    ):
        if most is not None and len(places) > most:
            kept = sample([its_labels[place] for place in places], most, random_state)
            notes.append(f"Of {len(places):,} {name} texts {most:,} were sampled by label with seed {random_state}.")
            places[:] = [places[i] for i in kept]
    test = [test[i] for i in np.random.default_rng(random_state).permutation(len(test))]
    split = Split(
        [pool[i] for i in train],
        [pool_labels[i] for i in train],
        [tested[i] for i in test],
        [tested_labels[i] for i in test],
    )
    known, learned = set(split.train), set(split.train_labels)
    leaked = sum(text in known for text in split.test)
    if leaked:
        are = "text is" if leaked == 1 else "texts are"
        notes.append(f"{leaked:,} test {are} word for word among the training texts as well.")
    strange = [label for label in split.test_labels if label not in learned]
    if len(strange) == len(split.test):
        raise ValueError(
            f"{collection.name}: no test text has a label that a training text has: {_few(strange)} in the test set, "
            f"{_few(split.train_labels)} in the training texts; are they written alike?"
        )
    if strange:
        have = "text has a label" if len(strange) == 1 else "texts have labels"
        notes.append(
            f"{len(strange):,} test {have} that no training text has ({_few(strange)}); no method can be right on "
            f"{'it' if len(strange) == 1 else 'them'}."
        )
    return replace(split, notes=tuple(notes), leaked=leaked)


def _few(labels: Sequence[str]) -> str:
    """The first of the different labels, for a message."""
    names = sorted(set(labels))
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
