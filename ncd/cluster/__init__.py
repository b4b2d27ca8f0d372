"""Clustering by any distance: of texts, of vectors, of samples. Names are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncd.lazy import found, homes

_EXPORTS = {
    "ncd.cluster.linkage": ["hdbscan_clusters", "linkage_clusters"],
    "ncd.cluster.number": ["gap_threshold", "silhouette_number", "threshold_clusters"],
    "ncd.cluster.offline": ["OfflineClustering"],
    "ncd.cluster.online": ["OnlineClustering"],
    "ncd.cluster.scores": ["clustering_error"],
}
_HOME = homes(__name__, _EXPORTS)

__all__ = sorted(_HOME)


if TYPE_CHECKING:
    from ncd.cluster.linkage import hdbscan_clusters as hdbscan_clusters, linkage_clusters as linkage_clusters
    from ncd.cluster.number import (
        gap_threshold as gap_threshold,
        silhouette_number as silhouette_number,
        threshold_clusters as threshold_clusters,
    )
    from ncd.cluster.offline import OfflineClustering as OfflineClustering
    from ncd.cluster.online import OnlineClustering as OnlineClustering
    from ncd.cluster.scores import clustering_error as clustering_error


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    return found(__name__, name, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
