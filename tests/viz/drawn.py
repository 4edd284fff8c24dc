"""What a picture drew, as numbers, and the check that it left nothing behind."""

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from viz import style


@pytest.fixture(autouse=True)
def no_figure_is_left() -> Iterator[None]:
    plt.switch_backend("agg")
    before = mpl.rcParams.copy()
    yield
    plt.close("all")
    assert mpl.rcParams == before


def lines(ax: Axes) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_ydata()) for line in ax.get_lines()}


def bars(ax: Axes) -> list[list[list[float]]]:
    """Low and high end of every interval, in the order drawn."""
    segments = [c.get_segments() for c in ax.collections if hasattr(c, "get_segments")]
    return [[np.array(s)[:, 1].tolist() for s in group] for group in segments]


def labels_out_of_view(ax: Axes) -> Iterator[mpl.text.Text]:
    """Tick labels beyond the ends of an axis: matplotlib keeps them and draws none."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def assert_speaks_and_cuts_no_text(axes: np.ndarray, panels: int) -> None:
    """One figure of so many panels, each titled and told; no text cut off or over another."""
    assert len(axes) == panels
    assert len(plt.get_fignums()) == 1
    figure = axes[0].figure
    assert figure.get_label() == style.describe(figure)
    for ax in axes:
        assert ax.get_title(loc="left")
        assert any(char.isdigit() for char in style.describe(ax))
    assert_cuts_no_text(figure)


def assert_cuts_no_text(figure: Figure) -> None:
    """Every visible text lies within the figure, and no level one over another."""
    figure.canvas.draw()
    everywhere = [*figure.axes, *(child for ax in figure.axes for child in ax.child_axes)]
    hidden = {id(label) for ax in everywhere for label in labels_out_of_view(ax)}
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    texts = [t for t in texts if id(t) not in hidden]
    whole = figure.bbox.padded(1)
    for text in texts:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text
    level = [t for t in texts if not t.get_rotation()]
    shrunk = [t.get_window_extent().padded(-1) for t in level]
    met = [
        (level[i].get_text(), level[j].get_text())
        for i, a in enumerate(shrunk)
        for j, b in enumerate(shrunk[:i])
        if a.overlaps(b)
    ]
    assert met == []


def assert_keeps_to_axes(plot: Any, result: Any, panels: int) -> None:
    """Drawn into the axes given and nowhere else; the wrong number of them is refused."""
    figure = Figure(figsize=(4 * panels, 4), dpi=50)
    given = np.ravel(figure.subplots(1, panels))
    drawn = np.ravel(plot(result(), ax=given[0] if panels == 1 else given))
    assert [id(ax) for ax in drawn] == [id(ax) for ax in given]
    assert figure.axes == list(given)
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="`ax` must hold one Axes for each of"):
        plot(result(), ax=np.ravel(Figure().subplots(1, panels + 1)))
