"""
Figures 5.1 to 5.6: distances between and within groups, and their ratio, against the number of dimensions kept.

5.1 (between), 5.2 (within) and 5.3 (ratio) are of words in ten groups (`bench.report.words`), 5.4 to 5.6 of made
vectors: ten groups of 40 in 300 dimensions, of which the centres are drawn from N(0, I/4) and the members from
N(centre, I). Reduced by PCA of the same vectors, by PCA of the 20,000 most frequent words (which does not know what
words were chosen), and by random projection (mean of 20). Distances are Euclidean, those of words between their vectors
as they are; every group counts the same (`ncd.compare.diagnostics.cluster_ratio`).

Intervals of words: the jackknife's over the words, the axes being as they are; of random projections Student's over
the projections, which says how far one is from the next. Of made vectors: Student's over 20 draws.

``python -m bench.report.reduction [--vectors FILE --output FOLDER]``; with a file of word vectors (GoogleNews) in place
of those that are trained here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.common import SEED, Row, markdown_table, print_table, provenance, write_text
from bench.report.figures import COLOURS, add_folders, parsed, picture, results_of
from bench.report.words import load
from ncd.compare.diagnostics import ClusterRatio, cluster_ratio, cluster_ratios
from ncd.compare.intervals import mean_interval

DIMENSIONS = (1, 2, 3, 5, 9, 15, 25, 50, 100, 200, 300)
DRAWS = 20
GROUPS, MEMBERS, DIM, SPREAD = 10, 40, 300, 0.5
METHODS = {"pca": "PCA", "pca_common": "PCA of 20,000 words", "random": "random projection"}
SAID = METHODS | {"none": "nothing"}
SHOWN = (2, 9, 50, 300)
KINDS = {"words": ("5_1", "5_2", "5_3"), "gaussians": ("5_4", "5_5", "5_6")}
PARTS = {"inter": "distance between groups", "intra": "distance within groups", "ratio": "between / within"}


def gaussians(random: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """Vectors in groups, and their groups."""
    centres = np.repeat(SPREAD * random.standard_normal((GROUPS, DIM)), MEMBERS, axis=0)
    return centres + random.standard_normal(centres.shape), np.repeat(np.arange(GROUPS), MEMBERS).tolist()


def kept(n: int, dim: int, dimensions: Sequence[int]) -> list[int]:
    """Those numbers of dimensions that n vectors have."""
    return [count for count in dimensions if count <= min(n - 1, dim)]


def of_words(path: Path | None, dimensions: Sequence[int], draws: int) -> Iterator[Row]:
    """A row for each method and number of dimensions of the words."""
    from sklearn.decomposition import PCA

    given = load(path)
    shared = {"kind": "words", "n": len(given.words), "source": given.source}
    counts = kept(*given.vectors.shape, dimensions)
    wide = kept(*given.common.shape, dimensions)
    common = PCA(max(wide), svd_solver="full").fit(given.common).transform(given.vectors)
    known = [("pca", found) for found in cluster_ratios(given.vectors, given.labels, counts)]
    known += [("pca_common", cluster_ratio(common[:, :count], given.labels)) for count in wide]
    known.append(("none", cluster_ratio(given.vectors, given.labels)))
    for method, found in known:
        ends = (found.ratio.value, found.ratio.low, found.ratio.high)
        yield shared | {"method": method, "dim": found.dim, "inter": found.inter, "intra": found.intra, "ratio": ends}
    projected = [
        cluster_ratios(given.vectors, given.labels, counts, method="random", random_state=SEED + draw)
        for draw in range(draws)
    ]
    for same in zip(*projected, strict=True):
        yield shared | {"method": "random"} | averaged(same)


def of_gaussians(dimensions: Sequence[int], draws: int) -> Iterator[Row]:
    """A row for each method and number of dimensions of made vectors."""
    shared = {"kind": "gaussians", "n": GROUPS * MEMBERS, "source": f"{draws} draws of N(centre, I)"}
    counts = kept(GROUPS * MEMBERS, DIM, dimensions)
    # Seeds of their own: a projection by the numbers that made the centres would find these.
    made = [gaussians(np.random.default_rng((SEED, draw, 1))) for draw in range(draws)]
    for method in ("pca", "random"):
        found = [
            cluster_ratios(vectors, labels, counts, method=method, random_state=SEED + draw)  # type: ignore[arg-type]
            for draw, (vectors, labels) in enumerate(made)
        ]
        for same in zip(*found, strict=True):
            yield shared | {"method": method} | averaged(same)
    yield shared | {"method": "none"} | averaged([cluster_ratio(*one) for one in made])


def averaged(found: Sequence[ClusterRatio]) -> Row:
    """Means over draws, the ratio with the interval of its mean."""
    ratio = mean_interval([one.ratio.value for one in found])
    return {
        "dim": found[0].dim,
        "inter": float(np.mean([one.inter for one in found])),
        "intra": float(np.mean([one.intra for one in found])),
        "ratio": (ratio.value, ratio.low, ratio.high),
    }


def draw(rows: Sequence[Row], kind: str, output: Path | None) -> None:
    """The three pictures of a kind."""
    for name, (part, label) in zip(KINDS[kind], PARTS.items(), strict=True):
        with picture(f"fig_{name}", output) as ax:
            for (method, said), colour in zip(METHODS.items(), COLOURS, strict=False):
                mine = sorted((row for row in rows if row["kind"] == kind and row["method"] == method), key=_dim)
                if not mine:
                    continue
                x = [row["dim"] for row in mine]
                y = np.array([row[part] if part != "ratio" else row[part][0] for row in mine])
                ax.plot(x, y, "o-", color=colour, markersize=3.5, label=said)
                if part == "ratio":
                    ax.fill_between(
                        x, *np.array([row[part][1:] for row in mine]).T, color=colour, alpha=0.2, linewidth=0
                    )
            whole = next(row for row in rows if row["kind"] == kind and row["method"] == "none")
            value = whole[part] if part != "ratio" else whole[part][0]
            ax.axhline(value, color="0.4", linestyle="--", linewidth=1, label=f"all {whole['dim']} dimensions")
            ax.set_xscale("log")
            ax.set_xticks(DIMENSIONS, list(map(str, DIMENSIONS)))
            ax.minorticks_off()
            ax.set_ylim(bottom=0 if part != "ratio" else None)
            ax.set_xlabel("dimensions kept")
            ax.set_ylabel(label)
            ax.legend(frameon=False)


def _dim(row: Row) -> int:
    return int(row["dim"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Figures 5.1 to 5.6 of the report.")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--dimensions", type=int, nargs="+", default=DIMENSIONS)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    add_folders(parser, vectors=True)
    given = parsed(parser, arguments)
    results = results_of("fig_5", ("kind", "method", "dim"), given.output, packages=("gensim",))
    for kind in given.kinds:
        rows = of_words(given.vectors, given.dimensions, given.draws) if kind == "words" else None
        results.extend(list(rows or of_gaussians(given.dimensions, given.draws)), draws=given.draws)
        draw(results.rows, kind, given.output)
    headers = ("vectors", "reduced by", "dimensions", "between", "within", "between / within")
    cells = [
        (row["kind"], SAID[row["method"]], str(row["dim"]), f"{row['inter']:.2f}", f"{row['intra']:.2f}", said)
        for row in results.rows
        for value, low, high in [row["ratio"]]
        for said in [f"{value:.3f} ({low:.3f} to {high:.3f})"]
    ]
    print_table("distances between and within groups", headers, cells)
    few = [row for row in cells if int(row[2]) in SHOWN]
    text = markdown_table(headers, few) + "\n" + provenance(results, "python -m bench.report.reduction")
    write_text(results.table_path, text)


if __name__ == "__main__":
    main()
