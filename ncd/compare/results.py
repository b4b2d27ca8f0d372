"""What a comparison finds, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from ncd.compare.collection import Task
from ncd.compare.intervals import Difference, Estimate

__all__ = [
    "FAMILIES",
    "Advice",
    "Agreement",
    "Cost",
    "Curve",
    "Duel",
    "Family",
    "Geometry",
    "Score",
    "TaskResult",
    "plain",
]

Family: TypeAlias = Literal["compression", "TF-IDF", "embedding", "baseline"]
FAMILIES: tuple[Family, ...] = ("compression", "TF-IDF", "embedding", "baseline")


@dataclass(frozen=True)
class Cost:
    """
    What a method takes. None: not measured, or there is no such step.

    Attributes
    ----------
    load : float
        Seconds until a model is ready for its first text.
    encode : float
        Seconds of processing by the clock for the vectors of 1,000 texts, measured on texts that were in no cache.
    index : float
        Seconds to learn from 1,000 texts, vectors at hand.
    query : float
        Seconds to answer for 1,000 texts (pairs, documents), vectors at hand.
    memory : int
        Largest resident memory in bytes of the process that did all of it, Python and the texts included.
    disk : int
        Bytes of what has to be kept: a model, and what was learned.
    pretrained : int
        Parameters that were trained beforehand on other texts.
    energy : float
        Joules of the processor for 1,000 answers, encoding included, all programs on the machine together.
    """

    load: float | None = None
    encode: float | None = None
    index: float | None = None
    query: float | None = None
    memory: int | None = None
    disk: int | None = None
    pretrained: int | None = None
    energy: float | None = None

    @property
    def answer(self) -> float | None:
        """Seconds for 1,000 new texts: encoding and query."""
        return None if self.query is None else self.query + (self.encode or 0.0)


@dataclass(frozen=True)
class Score:
    """
    One method on one task.

    Attributes
    ----------
    method : str
    family : {"compression", "TF-IDF", "embedding", "baseline"}
    estimate : Estimate
        The figure and its 95 % interval.
    to_best : Difference or None
        Figure of this method less that of the best one on the same texts, with the p-value adjusted for the number of
        methods (Holm), that of a baseline not; None for the best one itself.
    cost : Cost
    """

    method: str
    family: Family
    estimate: Estimate
    to_best: Difference | None
    cost: Cost


@dataclass(frozen=True)
class Curve:
    """
    Accuracy of a method with few labels.

    Attributes
    ----------
    method : str
    family : str
    per_class : tuple of int
        Texts of each class that were learned from.
    accuracies : tuple of tuple of float, shape (len(per_class), n_draws)
        The draws are the same for all methods.
    """

    method: str
    family: Family
    per_class: tuple[int, ...]
    accuracies: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Duel:
    """
    The best methods of two families on the same texts.

    Attributes
    ----------
    a, b : str
        The methods.
    families : tuple of two str
    difference : Difference
        Figure of `a` less that of `b`; the p-value is adjusted for the number of duels (Holm).
    """

    a: str
    b: str
    families: tuple[Family, Family]
    difference: Difference


@dataclass(frozen=True)
class TaskResult:
    """
    All methods on one task.

    Attributes
    ----------
    task : str
    measure : str
        What the figures are.
    higher_is_better : bool
    n : int
        Texts (pairs, documents) that the figures rest on.
    scores : tuple of Score
        Best first.
    duels : tuple of Duel
        The best method of each family against that of each other.
    left_out : dict of str to str
        Methods that were not measured, and why.
    curves : tuple of Curve
    curve_texts : int
        Test texts of the curves.
    unit : str
        What a query is about: texts, pairs, documents.
    leaked : int
        Test texts that are word for word among the training texts.
    """

    task: Task
    measure: str
    higher_is_better: bool
    n: int
    scores: tuple[Score, ...]
    duels: tuple[Duel, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    curve_texts: int = 0
    unit: str = "texts"
    leaked: int = 0

    @property
    def best(self) -> Score:
        """The method with the best figure; of equal ones, the one that answers soonest."""
        return self.scores[0]


@dataclass(frozen=True)
class Geometry:
    """
    What is near what, under one source of distances.

    Attributes
    ----------
    source : str
    family : str
    figures : dict of str to float
        Of its vectors, where it has any: dimension, anisotropy, mean cosine, intrinsic dimension, and with labels the
        ratio of distances between and within them, of all components and of the first ones.
    neighbours : tuple of (int, int, float)
        For some texts: the text, its nearest one, and their distance.
    """

    source: str
    family: Family
    figures: dict[str, float | None]
    neighbours: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True)
class Agreement:
    """
    How far two sources of distances agree on the same texts.

    Attributes
    ----------
    a, b : str
    n : int
        Texts.
    mantel : float
        Correlation of the distances, and the p-value of no relation.
    p_value : float
    overlap : Estimate
        Share of the `k` nearest neighbours that are the same.
    k : int
    trustworthiness : float
        1 where all neighbours under `b` are near under `a`.
    linearity : tuple of two Estimate, or None
        Where both have vectors: how much of b's is a linear function of a's, and of a's of b's
        (`ncd.compare.linearity`, on held-out texts), in their first n / 10 principal components.
    """

    a: str
    b: str
    n: int
    mantel: float
    p_value: float
    overlap: Estimate
    k: int
    trustworthiness: float
    linearity: tuple[Estimate, Estimate] | None = None


@dataclass(frozen=True)
class Advice:
    """
    A sentence of the recommendation, and the rule it follows from.

    Attributes
    ----------
    rule : str
        A key of `ncd.compare.recommend.RULES`.
    text : str
    about : str
        The task.
    """

    rule: str
    text: str
    about: str = ""


def plain(value: Any) -> Any:
    """Values as JSON has them: dictionaries, lists, numbers; what is not finite is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
