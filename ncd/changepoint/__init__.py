"""Changepoints of texts and sequences. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

_EXPORTS = {
    "ncd.changepoint.brackets": ["Step"],
    "ncd.changepoint.bytestream": [
        "StreamInterval",
        "TextInterval",
        "byte_stream",
        "framing",
        "stream_to_text",
        "text_to_stream",
    ],
    "ncd.changepoint.calibrated": ["CalibratedCost"],
    "ncd.changepoint.change_test": ["ChangeTest", "change_test"],
    "ncd.changepoint.costs": ["SegmentCost"],
    "ncd.distances.distributional": ["distributional_distance"],
    "ncd.changepoint.drift": ["DriftReference", "TextChange", "effect", "reference_p_value", "text_change_test"],
    "ncd.changepoint.embedding_cost": ["EmbeddingCost"],
    "ncd.changepoint.estimator": ["SequenceChangepoints"],
    "ncd.changepoint.evidence": ["Agreement", "Gain"],
    "ncd.changepoint.gram": ["KernelCost", "gram_of", "rank_transform"],
    "ncd.changepoint.metrics": [
        "boundary_f1",
        "boundary_similarity",
        "covering",
        "f1_score",
        "hausdorff",
        "pk",
        "window_diff",
    ],
    "ncd.changepoint.novelty": ["Novelty", "depth_scores", "novelty"],
    "ncd.changepoint.onecut": ["OneCut", "one_cut"],
    "ncd.changepoint.prefixes": ["prefix_lengths"],
    "ncd.changepoint.report": ["ReportExperiment", "report_experiment"],
    "ncd.changepoint.rupture": ["CodeLengthCost"],
    "ncd.changepoint.search": ["best_segmentation"],
    "ncd.changepoint.segment": ["TextSegmenter"],
    "ncd.changepoint.segments": ["Segment", "Segmentation"],
    "ncd.changepoint.sequences": [
        "Candidate",
        "CandidateList",
        "SequenceSegments",
        "find_changepoints",
        "list_estimator",
    ],
    "ncd.changepoint.tree": ["ContextTreeCode"],
    "ncd.changepoint.trend": ["LinearTrendCost"],
    "ncd.changepoint.units": ["Units", "split_units"],
    "ncd.changepoint.verify": ["Verification", "verify"],
    "ncd.changepoint.words_cost": ["CharCost", "U00Cost", "WordCost"],
}
_HOME = homes(__name__, _EXPORTS)

__all__ = sorted(_HOME)


if TYPE_CHECKING:
    from ncd.changepoint.brackets import Step as Step
    from ncd.changepoint.bytestream import (
        StreamInterval as StreamInterval,
        TextInterval as TextInterval,
        byte_stream as byte_stream,
        framing as framing,
        stream_to_text as stream_to_text,
        text_to_stream as text_to_stream,
    )
    from ncd.changepoint.calibrated import CalibratedCost as CalibratedCost
    from ncd.changepoint.change_test import ChangeTest as ChangeTest, change_test as change_test
    from ncd.changepoint.costs import SegmentCost as SegmentCost
    from ncd.changepoint.drift import (
        DriftReference as DriftReference,
        TextChange as TextChange,
        effect as effect,
        reference_p_value as reference_p_value,
        text_change_test as text_change_test,
    )
    from ncd.changepoint.embedding_cost import EmbeddingCost as EmbeddingCost
    from ncd.changepoint.estimator import SequenceChangepoints as SequenceChangepoints
    from ncd.changepoint.evidence import Agreement as Agreement, Gain as Gain
    from ncd.changepoint.gram import KernelCost as KernelCost, gram_of as gram_of, rank_transform as rank_transform
    from ncd.changepoint.metrics import (
        boundary_f1 as boundary_f1,
        boundary_similarity as boundary_similarity,
        covering as covering,
        f1_score as f1_score,
        hausdorff as hausdorff,
        pk as pk,
        window_diff as window_diff,
    )
    from ncd.changepoint.novelty import Novelty as Novelty, depth_scores as depth_scores, novelty as novelty
    from ncd.changepoint.onecut import OneCut as OneCut, one_cut as one_cut
    from ncd.changepoint.prefixes import prefix_lengths as prefix_lengths
    from ncd.changepoint.report import ReportExperiment as ReportExperiment, report_experiment as report_experiment
    from ncd.changepoint.rupture import CodeLengthCost as CodeLengthCost
    from ncd.changepoint.search import best_segmentation as best_segmentation
    from ncd.changepoint.segment import TextSegmenter as TextSegmenter
    from ncd.changepoint.segments import Segment as Segment, Segmentation as Segmentation
    from ncd.changepoint.sequences import (
        Candidate as Candidate,
        CandidateList as CandidateList,
        SequenceSegments as SequenceSegments,
        find_changepoints as find_changepoints,
        list_estimator as list_estimator,
    )
    from ncd.changepoint.tree import ContextTreeCode as ContextTreeCode
    from ncd.changepoint.trend import LinearTrendCost as LinearTrendCost
    from ncd.changepoint.units import Units as Units, split_units as split_units
    from ncd.changepoint.verify import Verification as Verification, verify as verify
    from ncd.changepoint.words_cost import CharCost as CharCost, U00Cost as U00Cost, WordCost as WordCost
    from ncd.distances.distributional import distributional_distance as distributional_distance


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
