"""The demo and the pictures."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from ncd import demo, plot

mpl.use("Agg")
MATRIX = np.array([[0.1, 0.2, 0.9], [0.3, 0.1, 0.8], [0.9, 0.8, 0.1]])
LABELS = ["a", "b", "c"]


def test_demo_runs_and_writes_whole_pictures(tmp_path):
    lines = []
    demo.run(tmp_path / "new" / "folder", show=lines.append)
    pictures = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert pictures == ["changepoints.png", "languages.png", "stream.png", "subjects.png"]
    for name in pictures:
        content = (tmp_path / "new" / "folder" / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert content.rstrip().endswith(b"IEND\xaeB`\x82")
    text = "\n".join(lines)
    assert "Spanish -> " in text
    assert "accuracy 0." in text
    assert "5 of 5 changes found" in text
    assert "languages.png" in lines[-1]


def test_pictures_take_and_return_axes():
    axes = Figure().subplots(1, 3)
    assert plot.heatmap(MATRIX, LABELS, order=[2, 0, 1], ax=axes[0]) is axes[0]
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["c", "a", "b"]
    np.testing.assert_allclose(axes[0].images[0].get_array()[0], MATRIX[2, [2, 0, 1]])
    assert plot.dendrogram(MATRIX, LABELS, groups=["x", "x", "y"], ax=axes[1]) is axes[1]
    colours = {label.get_text(): label.get_color() for label in axes[1].get_yticklabels()}
    assert colours["a"] == colours["b"] != colours["c"]
    assert plot.confusion([[5, 0], [1, 4]], ["x", "y"], ax=axes[2]) is axes[2]
    assert sorted(text.get_text() for text in axes[2].texts) == ["1", "4", "5"]


def test_pictures_make_their_own_axes():
    import matplotlib.pyplot as plt

    ax = plot.heatmap(MATRIX, LABELS)
    assert ax.figure is not None
    plt.close(ax.figure)


def test_linkage_takes_the_mean_of_both_directions():
    tree = plot.linkage_of(MATRIX)
    assert tree[0, 2] == pytest.approx(0.25)


def test_wrong_shapes():
    with pytest.raises(ValueError, match="2 labels"):
        plot.heatmap(MATRIX, ["a", "b"])
