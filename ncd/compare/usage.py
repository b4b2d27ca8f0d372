"""How to use a method of a comparison: what it is, one line of Python, one of the command line."""

from __future__ import annotations

import json
import re
import shlex
from typing import NamedTuple

from ncd.compare.collection import Task
from ncd.compare.results import Family

__all__ = ["Usage", "usage_of"]

_OWN = "your_object"  # stands for an object of the user's, which no name leads to


class Usage(NamedTuple):
    """
    What a method is, and how to have it.

    Attributes
    ----------
    words : str
        What it does, in plain words.
    python : str
        A line; names of texts and labels are the reader's own. Empty for a baseline.
    command : str
        A command line; empty where there is none.
    instead : str
        Where there is none: the command of a method that is close.
    """

    words: str
    python: str = ""
    command: str = ""
    instead: str = ""


_CLASSIFY = "ncd classify --train train.jsonl --test new.jsonl"
_FIT = ".fit(texts, labels).predict(new_texts)"
_VECTORIZER = "TfidfVectorizer(sublinear_tf=True)"
_BASELINES = {
    "most frequent label": "Says of every text that it has the label that is most frequent in the training texts.",
    "one cluster": "Puts all texts into one cluster.",
    "no cut": "Cuts nowhere.",
    "equal parts": "Cuts into as many equally long parts as there are.",
}
_LINKAGE = {
    "Ward": (
        "ward",
        "Starting from single texts, joins those two clusters that stay most compact (Ward's method), on {}.",
    ),
    "average linkage": (
        "average",
        "Starting from single texts, joins those two clusters whose texts are nearest on average, on {}.",
    ),
}


def usage_of(task: Task, method: str, family: Family, n_clusters: int | str = "n_clusters") -> Usage:
    """
    How to use a method.

    Parameters
    ----------
    task : str
    method : str
    family : str
        Method and family as the scores of the task name them.
    n_clusters : int or str
        Number of clusters.

    Returns
    -------
    Usage

    Examples
    --------
    >>> usage_of("classify", "gzip:9 5-NN", "compression").python
    'ncd.NCDClassifier("gzip:9", n_neighbors=5).fit(texts, labels).predict(new_texts)'
    >>> usage_of("cluster", "minilm, Ward", "embedding", 4).command
    'ncd matrix texts.jsonl --embedder minilm -o distances.csv'
    """
    if method in _BASELINES:
        return Usage(_BASELINES[method])
    if task == "classify":
        return _classifier(method, family)
    if task == "cluster":
        return _clusters(method, family, n_clusters)
    if task == "segment":
        return _segments(method, family)
    return _nearness(method, family)


def _classifier(method: str, family: Family) -> Usage:
    """A classifier."""
    if method == "bits saved":
        words = (
            "Counts for each label the strings of its texts, and learns which of them save bits under one label and "
            "not under the others."
        )
        return Usage(words, f"ncd.BitsSavedClassifier(){_FIT}", _CLASSIFY)
    if method == "class models":
        words = (
            "Learns for each label to predict the next byte of its texts; a text gets the label whose model needs the "
            "fewest bits for it."
        )
        return Usage(words, f"ncd.CodeLengthClassifier(){_FIT}", f"{_CLASSIFY} --method code-length")
    if method == "TF-IDF + linear SVM":
        vectorizer = "TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)"
        words = "Weighs words and pairs of words (TF-IDF) and draws a straight border between the labels."
        return Usage(words, f"make_pipeline({vectorizer}, LinearSVC(random_state=0)){_FIT}  # scikit-learn")
    if method.endswith(" + logistic"):
        source = method.removesuffix(" + logistic")
        words = f"Turns each text into a vector ({source}) and draws a straight border between the labels."
        made = f"ncd.embed.get_embedder({_object(source, family)}).fit(texts)"
        learned = "LogisticRegression(C=10, max_iter=1000).fit(e.encode(texts), labels)"
        python = f"e = {made}; {learned}.predict(e.encode(new_texts))  # scikit-learn"
        return Usage(words, python, "", _command(f"{_CLASSIFY} --method knn --embedder", source, family))
    if method.endswith(" dictionaries"):
        source = method.removesuffix(" dictionaries")
        words = f"{source} compresses a text after the training texts of each label; the shortest result decides."
        python = f"ncd.CodeLengthClassifier({_object(source, family)}){_FIT}"
        return Usage(words, python, _command(f"{_CLASSIFY} --method code-length --compressor", source, family))
    found = re.fullmatch(r"(.+) (\d+)-NN", method, re.DOTALL)
    if not found:
        return Usage("A method that this page does not know.")
    source, k = found[1], found[2]
    vote = f"the {k} nearest training texts vote" if k != "1" else "the nearest training text decides"
    if source == "TF-IDF":
        neighbors = f'KNeighborsClassifier({k}, metric="cosine")'
        return Usage(
            f"Weighs words (TF-IDF); {vote}.", f"make_pipeline({_VECTORIZER}, {neighbors}){_FIT}  # scikit-learn"
        )
    if family != "compression":
        python = f"ncd.NCDClassifier(embedder={_object(source, family)}, n_neighbors={k}){_FIT}"
        command = _command(f"{_CLASSIFY} --method knn --embedder", source, family, f"-k {k}")
        return Usage(f"Turns each text into a vector ({source}); {vote}.", python, command)
    python = f"ncd.NCDClassifier({_object(source, family)}, n_neighbors={k}){_FIT}"
    command = _command(f"{_CLASSIFY} --method knn --compressor", source, family, f"-k {k}")
    return Usage(f"Texts are near that {source} compresses well together; {vote}.", python, command)


def _clusters(method: str, family: Family, n_clusters: int | str) -> Usage:
    """A clustering."""
    source, _, way = method.rpartition(", ")
    matrix, command, words = _matrix(source, family)
    if way in _LINKAGE:
        linkage, told = _LINKAGE[way]
        python = f'ncd.cluster.linkage_clusters({matrix}, {n_clusters}, method="{linkage}")'
        return Usage(told.format(words), python, command)
    told = f"Takes as centres texts that are as far from each other as can be; each other text joins one, on {words}."
    python = f'ncd.cluster.OfflineClustering({n_clusters}, metric="precomputed").fit_predict({matrix})'
    return Usage(told, python, command)


def _nearness(method: str, family: Family) -> Usage:
    """Distances of texts."""
    if method == "TF-IDF":
        python = f"cosine_distances({_VECTORIZER}.fit_transform(texts))  # scikit-learn"
        return Usage("Cosine of the weights of words (TF-IDF).", python)
    if family == "compression":
        words = f"How much shorter {method} makes two texts together than apart, the mean of both orders."
        options, flags = f'compressor={_object(method, family)}, symmetrize="mean"', "--symmetrize mean "
    else:
        words, options, flags = (
            f"Cosine of the vectors of two texts ({method}).",
            f"embedder={_object(method, family)}",
            "",
        )
    return Usage(words, f"ncd.pairwise(texts, {options})", _distances(method, family, flags))


def _distances(source: str, family: Family, flags: str = "") -> str:
    """The command for all distances."""
    option = "compressor" if family == "compression" else "embedder"
    return _command(f"ncd matrix texts.jsonl --{option}", source, family, f"{flags}-o distances.csv")


def _matrix(source: str, family: Family) -> tuple[str, str, str]:
    """Python for all distances, the command for the same, and words for them."""
    if source == "TF-IDF":
        return f"cosine_distances({_VECTORIZER}.fit_transform(texts))", "", "distances of weighed words (TF-IDF)"
    if family != "compression":
        made = f"ncd.pairwise(texts, embedder={_object(source, family)})"
        return made, _distances(source, family), f"distances of vectors ({source})"
    made = f'ncd.pairwise(texts, compressor={_object(source, family)}, order="sorted")'
    return made, _distances(source, family, "--order sorted "), f"compression distances ({source})"


def _segments(method: str, family: Family) -> Usage:
    """A segmentation."""
    start = "ncd changepoints document.txt --unit lines --method"
    if method == "word code":
        words, cost, command = "A segment is cheap if its words repeat.", '"words"', f"{start} words"
    elif family == "compression":
        words = f"A segment is cheap if {method} makes it shorter than the same lines shuffled."
        cost, command = _object(method, family), _command(start, method, family)
    else:
        words = f"A segment is cheap if the vectors of its lines ({method}) are alike."
        known = _known(method, family)
        cost = (
            json.dumps(f"embedding:{method}", ensure_ascii=False) if known else f"ncd.changepoint.EmbeddingCost({_OWN})"
        )
        command = f"{start} {shlex.quote(f'embedding:{method}')}" if known else ""
    words += " The cuts are those for which the bits of all segments together are fewest."
    return Usage(words, f'ncd.changepoint.TextSegmenter({cost}, unit="lines").fit_predict(text)', command)


def _known(source: str, family: Family) -> bool:
    """Whether a name leads to the embedder or compressor that is meant; objects of the user's have any name."""
    from ncd.compressors.registry import get_compressor
    from ncd.embed.registry import available_embedders

    if family != "compression":
        return source.partition(":")[0] in {row.name.partition(":")[0] for row in available_embedders()}
    try:
        return bool(get_compressor(source).name == source)
    except Exception:  # whatever the registry, or a library behind it, says of a name that leads nowhere
        return False


def _object(source: str, family: Family) -> str:
    """A name as Python has it."""
    return json.dumps(source, ensure_ascii=False) if _known(source, family) else _OWN


def _command(before: str, source: str, family: Family, after: str = "") -> str:
    """A command that names a source; none where it has no name."""
    return f"{before} {shlex.quote(source)} {after}".rstrip() if _known(source, family) else ""
