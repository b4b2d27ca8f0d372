"""Pictures of changepoints: what is drawn, where, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from ncd.changepoint import pictures


@pytest.fixture
def ax():
    return Figure().subplots()


def test_curve_with_cuts_and_brackets(ax) -> None:
    assert pictures.curve([0, 5, 9], [1.0, 4.0, 2.0], cuts=(5,), brackets=((4, 7),), ax=ax) is ax
    line, cut = ax.lines
    assert line.get_xdata().tolist() == [0, 5, 9]
    assert line.get_ydata().tolist() == [1, 4, 2]
    assert list(cut.get_xdata()) == [5, 5]
    (bracket,) = ax.patches
    assert (bracket.get_x(), bracket.get_x() + bracket.get_width()) == (4, 7)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("byte of the text", "gain in bits")
    ax.figure.draw_without_rendering()


def test_prefix_curve(ax) -> None:
    pictures.prefix_curve([10, 20], [30, 45], position=40, bracket=(10, 20), ax=ax)
    assert list(ax.lines[1].get_ydata()) == [40, 40]
    assert ax.get_ylabel() == "code length in bytes"
    alone = pictures.prefix_curve([10, 20], [30, 45], unit="bits", ax=Figure().subplots())
    assert len(alone.lines) == 1
    assert not alone.patches


def test_ribbon(ax) -> None:
    pictures.ribbon([0, 10, 40], names=["$a", "b"], kinds=[1, 1], ax=ax)
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 10), (10, 30)]
    assert len({bar.get_facecolor() for bar in ax.patches}) == 1
    assert [text.get_text() for text in ax.texts] == ["$a", "b"]
    assert ax.get_xlim() == (0, 40)
    ax.figure.draw_without_rendering()
    plain = pictures.ribbon([0, 10, 40], ax=Figure().subplots())
    assert len({bar.get_facecolor() for bar in plain.patches}) == 2


def test_dot_plot(ax) -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    pictures.dot_plot(matrix, cuts=(2,), label="distance", unit="line", ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), matrix)
    assert list(ax.lines[0].get_ydata()) == [1.5, 1.5]
    ax.figure.draw_without_rendering()
    pictures.dot_plot([[0.1]], ax=Figure().subplots())


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: pictures.curve([1, 2], [1]), "offsets have shape .2,. and values .1,."),
        (lambda: pictures.ribbon([1]), "bounds have shape .1,."),
        (lambda: pictures.ribbon([1, 2], names=["a", "b"]), "there are 2 names for 1 segments"),
        (lambda: pictures.dot_plot([[1, 2]]), "matrix has shape .1, 2.: give a square one"),
    ],
)
def test_wrong_shapes(draw, message) -> None:
    with pytest.raises(ValueError, match=message):
        draw()


def test_axes_are_made() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    ax = pictures.ribbon([0, 1])
    assert ax.figure is plt.gcf()
    plt.close(ax.figure)
