"""Compression against embeddings: tasks, figures with intervals, geometry, a report. Names are imported when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

_EXPORTS = {
    "ncd.compare.agreement": ["MantelTest", "mantel", "neighbor_overlap", "trustworthiness"],
    "ncd.compare.collection": ["Collection", "collection_of", "read_collection"],
    "ncd.compare.comparison": ["Comparison", "compare", "compare_collection"],
    "ncd.compare.diagnostics": [
        "ClusterRatio",
        "anisotropy",
        "cluster_ratio",
        "cluster_ratios",
        "intrinsic_dimension",
        "linearity",
        "mean_cosine",
    ],
    "ncd.compare.intervals": [
        "Difference",
        "Estimate",
        "accuracy",
        "bootstrap",
        "holm",
        "mcnemar",
        "mean_interval",
        "paired_means",
        "paired_spearman",
        "spearman",
        "wilson",
    ],
    "ncd.compare.recommend": ["RULES", "recommended"],
}
_HOME = homes(__name__, _EXPORTS)

__all__ = sorted(_HOME)


if TYPE_CHECKING:
    from ncd.compare.agreement import (
        MantelTest as MantelTest,
        mantel as mantel,
        neighbor_overlap as neighbor_overlap,
        trustworthiness as trustworthiness,
    )
    from ncd.compare.collection import (
        Collection as Collection,
        collection_of as collection_of,
        read_collection as read_collection,
    )
    from ncd.compare.comparison import (
        Comparison as Comparison,
        compare as compare,
        compare_collection as compare_collection,
    )
    from ncd.compare.diagnostics import (
        ClusterRatio as ClusterRatio,
        anisotropy as anisotropy,
        cluster_ratio as cluster_ratio,
        cluster_ratios as cluster_ratios,
        intrinsic_dimension as intrinsic_dimension,
        linearity as linearity,
        mean_cosine as mean_cosine,
    )
    from ncd.compare.intervals import (
        Difference as Difference,
        Estimate as Estimate,
        accuracy as accuracy,
        bootstrap as bootstrap,
        holm as holm,
        mcnemar as mcnemar,
        mean_interval as mean_interval,
        paired_means as paired_means,
        paired_spearman as paired_spearman,
        spearman as spearman,
        wilson as wilson,
    )
    from ncd.compare.recommend import RULES as RULES, recommended as recommended


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
