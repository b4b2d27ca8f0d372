"""Changepoints of texts and sequences. Names are imported when they are first used."""

from __future__ import annotations

from typing import Any

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
    "ncd.changepoint.distributional": ["distributional_distance"],
    "ncd.changepoint.drift": ["DriftReference", "TextChange", "effect", "reference_p_value", "text_change_test"],
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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
