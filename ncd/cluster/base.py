"""What the clusterings share: where their distances come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ncd.cluster.sources import Source, source_of
from ncd.parameters import Parameters

__all__ = ["Clustering"]


class Clustering(Parameters, ABC):
    """A clustering over any distance."""

    metric: Any
    compressor: Any
    embedder: Any
    n_jobs: int | None
    progress: bool | None
    labels_: NDArray[np.int64]

    def _source(self, X: Any) -> Source:
        """Distances as the parameters ask for them."""
        return source_of(X, self.metric, self.compressor, self.embedder, self.n_jobs, self.progress)

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster samples."""

    def fit_predict(self, X: Any, y: Any = None) -> NDArray[np.int64]:
        """Cluster samples; returns `labels_`."""
        return self.fit(X, y).labels_
