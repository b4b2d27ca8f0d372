"""
Words in ten groups, and their vectors: trained here on the texts of the data folder, or from a file given by path.

The groups were written before any vector was looked at. They are common words of news, of newsgroups and of medicine,
without words that belong to two groups (an orange is a colour and a fruit). A word counts only if the vectors have it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import SEED, data_folder

_LISTS = {
    "countries": (
        "france germany italy spain england canada mexico brazil russia india pakistan japan korea australia egypt "
        "israel iran iraq syria greece poland sweden norway netherlands switzerland austria cuba nigeria kenya "
        "thailand"
    ),
    "animals": (
        "dog cat horse cow pig sheep goat bird shark whale lion tiger bear wolf rabbit mouse monkey elephant snake "
        "spider bee dolphin deer frog camel donkey"
    ),
    "colours": "red green blue yellow purple pink brown black white grey violet crimson beige turquoise",
    "body": (
        "head neck shoulder arm elbow wrist finger chest stomach knee ankle foot leg skin bone muscle brain heart "
        "liver kidney lung tongue tooth nose ear eye"
    ),
    "family": (
        "father mother son daughter brother sister uncle aunt cousin nephew niece grandfather grandmother husband "
        "wife parents child grandson"
    ),
    "food": (
        "bread butter cheese milk egg meat beef pork rice pasta soup salad fruit apple banana potato tomato sugar "
        "salt coffee tea wine beer chocolate cake"
    ),
    "professions": (
        "doctor nurse lawyer teacher engineer scientist soldier farmer carpenter plumber dentist surgeon "
        "accountant journalist actor singer painter writer priest mechanic secretary professor judge"
    ),
    "vehicles": (
        "car truck bus train bicycle motorcycle boat ship ferry airplane helicopter jet tractor van taxi submarine "
        "yacht limousine ambulance minivan"
    ),
    "months": "january february april june july august september october november december",
    "sports": (
        "football basketball baseball hockey tennis golf soccer rugby boxing swimming wrestling volleyball cycling "
        "gymnastics skiing softball badminton"
    ),
}
GROUPS: dict[str, tuple[str, ...]] = {group: tuple(words.split()) for group, words in _LISTS.items()}

_CLASSIFICATION = ("20news", "ag_news_part", "R8", "ohsumed", "MR", "movie_reviews")
_SEGMENTATION = ("choi", "wiki300")
DIM, EPOCHS = 300, 5
#: Of word2vec; one thread, so that the vectors are the same wherever they are trained.
TRAINING: dict[str, Any] = {
    "vector_size": DIM,
    "window": 5,
    "min_count": 5,
    "sg": 1,
    "negative": 5,
    "epochs": EPOCHS,
    "seed": SEED + 1,
    "workers": 1,
}
COMMON = 20_000


@dataclass(frozen=True)
class WordVectors:
    """
    Vectors of words in groups.

    Attributes
    ----------
    words, labels : list of str
        Every word with the name of its group.
    vectors : ndarray of float32, shape (n, dim)
    source : str
        Where the vectors are from, for the record.
    common : ndarray of float32, shape (m, dim)
        Vectors of the first words of the file, which are the most frequent ones in the usual files.
    """

    words: list[str]
    labels: list[str]
    vectors: NDArray[np.float32]
    source: str
    common: NDArray[np.float32]


def texts() -> Iterator[str]:
    """Training texts: training parts of the English classification sets, and the articles of two segmentation sets."""
    for name in _CLASSIFICATION:
        with gzip.open(data_folder("classification") / name / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
            yield from (json.loads(line)["text"] for line in lines)
    for name in _SEGMENTATION:
        for path in sorted(data_folder("segmentation").joinpath(name).glob("*.txt")):
            lines = path.read_text(encoding="utf-8").splitlines()
            yield "\n".join(line for line in lines if not line.startswith("====="))


def load(path: Path | None = None) -> WordVectors:
    """
    The words that have vectors, and these.

    Parameters
    ----------
    path : path, optional
        A file of word vectors (GoogleNews and its like). Without one, word2vec is trained on `texts()`, once: the
        vectors are kept in $NCD_CACHE or the user's cache folder. Training takes about ten minutes on one core.
    """
    from ncd.embed.registry import get_embedder

    model = get_embedder(f"word2vec:{path or trained()}", empty="zero")
    pairs = [(word, group) for group, members in GROUPS.items() for word in members]
    vectors = model.encode([word for word, _ in pairs], progress=False)
    known = vectors.any(1)
    words = [word for (word, _), has in zip(pairs, known, strict=True) if has]
    labels = [group for (_, group), has in zip(pairs, known, strict=True) if has]
    source = path.name if path else f"word2vec, {DIM} dimensions, {EPOCHS} epochs, trained on {_said()}"
    return WordVectors(words, labels, vectors[known], source, np.asarray(model.keyed.vectors[:COMMON], np.float32))


def _said() -> str:
    """What the vectors are trained on."""
    return ", ".join((*_CLASSIFICATION, *_SEGMENTATION))


def training_files() -> list[Path]:
    """Files that the training texts are in."""
    files = [data_folder("classification") / name / "train.jsonl.gz" for name in _CLASSIFICATION]
    return files + [
        p for name in _SEGMENTATION for p in sorted(data_folder("segmentation").joinpath(name).glob("*.txt"))
    ]


def training_digest() -> str:
    """Of all that the vectors come from: the texts, the settings and the library's version."""
    import gensim

    digest = hashlib.sha256(json.dumps([TRAINING, gensim.__version__], sort_keys=True).encode())
    for path in training_files():
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def trained() -> Path:
    """The file of the vectors trained here; they are the same wherever they are trained (one thread, one seed)."""
    from gensim.models import Word2Vec
    from gensim.utils import simple_preprocess

    from ncd.embed.cache import cache_folder

    target = cache_folder() / f"bench-word2vec-{training_digest()}.kv"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    sentences = [simple_preprocess(text, min_len=1, max_len=30) for text in texts()]
    model = Word2Vec(sentences, **TRAINING)
    partial = target.with_name(f".{os.getpid()}-{target.name}")
    model.wv.save(str(partial), separately=[])
    os.replace(partial, target)
    return target
