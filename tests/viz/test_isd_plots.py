"""Pictures of relation consistency: what holds for all of them."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import viz
from tests.viz import isd_results as results
from tests.viz.drawn import no_figure_is_left  # noqa: F401 (a fixture)
from viz import isd, style
from viz._registry import plot_function


def entropy(ds, ax=None):
    return isd.plot_isd_heads(ds, "entropy", ax, modality="visual")


def two_results(ds, ax=None):
    return isd.plot_before_after(ds, results.after(), ax, names=("none", "singular"))


def second_pair(ds, ax=None):
    return isd.plot_relation_pair(ds, ax, example=1)


def one_head(ds, ax=None):
    return isd.plot_relation_pair(ds, ax, layer=2, head=1)


# Each picture, the result that it draws, and its number of Axes.
ALL = [
    (isd.plot_isd, results.measured, 3),
    (isd.plot_isd, results.measured_of_two_streams, 3),
    (isd.plot_isd_heads, results.measured, 1),
    (isd.plot_isd_heads, results.measured_of_two_streams, 1),
    (entropy, results.measured, 1),
    (two_results, results.measured, 4),
    (isd.plot_contrast, results.contrasted, 2),
    (isd.plot_iais_study, results.study, 4),
    (isd.plot_relation_pair, results.related, 4),
    (second_pair, results.related_of_two_streams, 4),
    (one_head, results.related, 4),
]
IDS = [f"{function.__name__}-{result.__name__}" for function, result, _ in ALL]
every = pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
single = pytest.mark.parametrize(
    ("plot", "result", "panels"),
    [each for each in ALL if each[0] is not two_results],
    ids=[each for each in IDS if not each.startswith("two_results")],
)


def out_of_view(ax):
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@every
def test_every_picture_draws_speaks_and_cuts_no_text(plot, result, panels) -> None:
    with style.theme("dark"):
        axes = np.ravel(plot(result()))
    assert len(axes) == panels
    assert len(plt.get_fignums()) == 1
    figure = axes[0].figure
    figure.canvas.draw()
    assert figure.get_label() == style.describe(figure)
    for ax in axes:
        assert ax.get_title(loc="left")
        assert any(char.isdigit() for char in style.describe(ax))
    everywhere = [*figure.axes, *(child for ax in figure.axes for child in ax.child_axes)]
    hidden = {id(label) for ax in everywhere for label in out_of_view(ax)}
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


@every
def test_every_picture_keeps_to_the_axes_given(plot, result, panels) -> None:
    figure = Figure(figsize=(4 * panels, 4), dpi=50)
    given = np.ravel(figure.subplots(1, panels))
    drawn = np.ravel(plot(result(), ax=given[0] if panels == 1 else given))
    assert [id(ax) for ax in drawn] == [id(ax) for ax in given]
    assert figure.axes == list(given)
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="`ax` must hold one Axes for each of"):
        plot(result(), ax=np.ravel(Figure().subplots(1, panels + 1)))


@every
def test_every_picture_names_what_is_missing(plot, result, panels) -> None:
    empty = xr.Dataset({"other": ("node", [1.0])}, {dim: ["a"] for dim in ("layer", "head")})
    with pytest.raises(ValueError, match=r"`(ds|before)` must hold .*; got other\. probe\.\w+"):
        plot(empty)
    with pytest.raises(TypeError, match=r"`(ds|before)` must be an xarray.Dataset"):
        plot([1, 2])
    assert plt.get_fignums() == []


@single
def test_every_result_finds_its_picture(plot, result, panels) -> None:
    assert viz.has_plot(result())
    assert plot_function(result()).__name__ in isd.__all__


def test_all_names_are_there() -> None:
    assert dir(isd) == isd.__all__
    assert all(callable(getattr(isd, name)) for name in isd.__all__)
    with pytest.raises(AttributeError, match=r"'viz\.isd' has no attribute 'plot_nothing'"):
        _ = isd.plot_nothing
