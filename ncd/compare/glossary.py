"""The words of a comparison's report, explained."""

from __future__ import annotations

from html import escape

__all__ = ["glossary_of"]

#: A word that the page may have, and what it means. A word stands for all that begins with it.
_WORDS = {
    "compression": "Texts are alike if a compressor needs few bytes for one of them once it has seen the other. "
    "Nothing is learned from other texts.",
    "embedding": "A model that was trained on many other texts turns a text into a vector, a row of numbers; texts are "
    "alike if their vectors point the same way.",
    "TF-IDF": "Texts are alike if they share words; rare words count more. With SVD (tfidf:100) these weights are "
    "reduced to a vector of that many numbers.",
    "baseline": "What costs nothing, such as giving all texts the most frequent label. A method has to beat it.",
    "accuracy": "The share of test texts that get their own label.",
    "95 % interval": "Where the figure of a method would lie on many more texts of this kind: intervals made like this "
    "hold it 95 times in 100. Few texts make it wide.",
    "to best": "The figure of the method less that of the best one.",
    "p (adjusted)": "How often a difference as large as this one to the best method would come about by chance, if the "
    "two were equally good; made larger for the number of methods that are tried (Holm). Below 0.05: clearly worse.",
    "McNemar": "The test behind p for two methods on the same texts: it looks only at the texts that one gets right "
    "and the other wrong.",
    "-NN": "Nearest neighbours: the labels of the texts that are nearest decide.",
    "Ward": "A way to put texts into clusters: the two clusters are joined that stay most compact, again and again.",
    "average linkage": "The same, but the two clusters are joined whose texts are nearest to each other on average.",
    "farthest points": "A way to put texts into clusters: centres are texts as far from each other as can be, and each "
    "other text joins the nearest one.",
    "Spearman": "Whether the order of the pairs by nearness is that of their scores: 1 the same, 0 unrelated, -1 the "
    "opposite.",
    "bootstrap": "An interval from drawing the same number of texts, with repeats, many times.",
    "Pk": "How often two lines, half a segment apart, are wrongly said to be in the same segment or in different ones. "
    "0 is perfect.",
    "in common": "Of the nearest texts of each text, the share that two sources name both.",
    "Mantel": "The correlation of two sources' distances, with a p by shuffling the texts of one.",
    "trustworthiness": "Whether texts that are near for the second source are near for the first: 1 if all are.",
    "linearity": "How much of one embedder's vectors can be computed from another's by a matrix: 1 all, 0 nothing.",
    "between / within labels": "How much farther apart texts of different labels are than texts of one label; 1 is no "
    "farther.",
    "anisotropy": "The share of the spread of the vectors that lies along one direction.",
    "mean cosine": "How far the vectors of two texts point the same way on average: 1 the same way, 0 no relation.",
    "intrinsic dimension": "How many numbers would do to say where a vector lies among its neighbours. TwoNN judges by "
    "the two nearest vectors, MLE by the 20 nearest.",
    "pre-trained parameters": "Numbers that a model learned from other texts before it saw yours.",
    "seed": "The number that chance starts from: the same seed, the same draws.",
}


def glossary_of(page: str) -> str:
    """The words that occur in a page, as a list of definitions."""
    found = "".join(
        f"<dt>{escape(word.removeprefix('-'))}</dt><dd>{escape(meaning)}</dd>"
        for word, meaning in _WORDS.items()
        if escape(word) in page
    )
    return f'<h2 id="words">Words</h2><dl class="small">{found}</dl>' if found else ""
