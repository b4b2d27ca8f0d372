"""The experiment that this library began with, as one call: a change of the compressed bytes, found in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ncd.changepoint.bytestream import Strip, byte_stream
from ncd.changepoint.sequences import CandidateList, SequenceMethod, list_estimator
from ncd.changepoint.units import Unit
from ncd.changepoint.verify import Verification, verify
from ncd.compressors.base import SupportsLength
from ncd.corpus import Text
from ncd.distances.cells import Cells
from ncd.distances.distributional import Weights

__all__ = ["AT_CHANCE", "ReportExperiment", "report_experiment"]

#: What every result says.
AT_CHANCE = (
    "This recipe is at chance: on texts with one known change its answer does not depend on where the change is "
    "(bench/report_experiment.py). The bracket says where in the text the position lies, not that there is a change."
)


@dataclass(frozen=True, eq=False, repr=False)
class ReportExperiment:
    """
    What `report_experiment` found.

    Attributes
    ----------
    position : int
        Of the first candidate, in the byte stream.
    n_stream : int
        Bytes of the stream, after stripping.
    strip : (int, int), "auto" or None
    min_distance : float
    candidates : CandidateList
        All of the estimator's, best first.
    verification : Verification
        Of the position: brackets of growing prefixes, and evidence.
    """

    position: int
    n_stream: int
    strip: Strip
    min_distance: float
    candidates: CandidateList
    verification: Verification

    @property
    def bracket(self) -> tuple[int, int]:
        """Bytes of the text between which the position lies."""
        return self.verification.bracket

    @property
    def middle(self) -> float:
        """The middle of the bracket, in bytes of the text: the recipe's answer."""
        return sum(self.bracket) / 2

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain lists and numbers."""
        return {
            "position": self.position,
            "n_stream": self.n_stream,
            "strip": list(self.strip) if isinstance(self.strip, tuple) else self.strip,
            "min_distance": self.min_distance,
            "bracket": list(self.bracket),
            "candidates": self.candidates.to_dict(),
            "verification": self.verification.to_dict(),
            "note": AT_CHANCE,
        }

    def plot(self, ax: Any = None) -> Any:
        """Code length of the prefixes over the text, with position and bracket; returns the matplotlib Axes."""
        return self.verification.plot(ax)

    def __repr__(self) -> str:
        return (
            f"<ReportExperiment: position {self.position:,} of {self.n_stream:,} bytes of the stream; "
            f"{AT_CHANCE}>\n{self.verification!r}"
        )


def report_experiment(
    text: Text,
    *,
    compressor: str | SupportsLength = "gzip",
    strip: Strip = (10, 15),
    min_distance: float = 0.5,
    steps: Sequence[int] = (100, 80, 50, 20, 10),
    unit: Unit = "words",
    method: SequenceMethod = "distributional",
    weights: Weights = "pychest",
    cells: Cells = "raw",
    codes: Sequence[str | SupportsLength] = ("zlib", "ppm:3", "words"),
    shuffles: int = 16,
    tolerance: float = 0.1,
    alpha: float = 0.05,
    random_state: int = 0,
) -> ReportExperiment:
    """
    Compress a text, look for a changepoint of the bytes, and find the place in the text by growing prefixes.

    The recipe: ``byte_stream(text, "gzip", (10, 15))``; the first candidate of the list estimator with
    ``min_distance=0.5`` and the distances of the PyChest package; then `verify` in steps of 100, 80, 50, 20 and 10
    words. It is here so that it can be repeated. **Its answer is at chance**: deflate's codes are not aligned to bytes,
    so that the bytes of a stream are close to noise whatever the text, and on noise the estimator answers somewhere
    near the middle. To find where a text changes use `one_cut` or `TextSegmenter`.

    Parameters
    ----------
    text : str, bytes-like or path
    compressor : str or Compressor
    strip : (int, int), "auto" or None
        Bytes taken off both ends of the stream.
    min_distance : float
        Of the list estimator, in (0, 0.5].
    steps : sequence of int
        Units by which prefixes grow, descending.
    unit : {"words", "chars", "bytes", "sentences", "lines"}
    method, weights, cells
        Of the list estimator; see `list_estimator`.
    codes, shuffles, tolerance, alpha, random_state
        Of the evidence; see `verify`.

    Returns
    -------
    ReportExperiment

    Raises
    ------
    ValueError
        If the stream is too short for the estimator to answer, or an argument is none of the choices.

    References
    ----------
    A. Khaleghi, L. Zierahn, "PyChEst: a Python package for the consistent retrospective estimation of distributional
    changes in piece-wise stationary time series", arXiv:2112.10565 (the estimator).

    Examples
    --------
    >>> import ncd.data
    >>> udhr = ncd.data.load_udhr()
    >>> english, finnish = (udhr.texts[udhr.labels.index(name)][:900] for name in ("English", "Finnish"))
    >>> found = report_experiment(english + finnish)
    >>> found.bracket[0] < found.middle < found.bracket[1]
    True
    """
    stream = byte_stream(text, compressor, strip)
    if not stream.size:
        raise ValueError("text is too short: nothing is left of its stream")
    candidates = list_estimator(stream, min_distance, method=method, weights=weights, cells=cells)
    if not candidates:
        raise ValueError(
            f"text is too short: its stream has {stream.size} bytes, in which no changepoint was looked for"
        )
    position = candidates[0].position
    verification = verify(
        text,
        position,
        compressor,
        steps,
        unit,
        strip=strip,
        codes=codes,
        shuffles=shuffles,
        tolerance=tolerance,
        alpha=alpha,
        random_state=random_state,
    )
    return ReportExperiment(position, int(stream.size), strip, min_distance, candidates, verification)
