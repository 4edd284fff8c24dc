"""Pictures of topology imbalance: what holds for all of them, and those of a single result."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import viz
from tests.viz import totoro_results as results
from tests.viz.drawn import (
    assert_keeps_to_axes,
    assert_speaks_and_cuts_no_text,
    lines,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import style, totoro
from viz.totoro.classes import class_names, sign_of, signs


def plot_one_node(ds, ax=None):
    return totoro.plot_node(ds, 3, ax)


def plot_toy_graph(ds, ax=None):
    return totoro.plot_graph(ds, ax, graph=results.graph())


# Each picture, the result that it draws, and its number of Axes.
ALL = [
    (totoro.plot_imbalance, results.imbalance, 2),
    (totoro.plot_imbalance, results.many_classes, 2),
    (totoro.plot_conflict, results.imbalance, 1),
    (totoro.plot_class_conflict, results.imbalance, 1),
    (plot_one_node, results.imbalance, 1),
    (plot_one_node, results.many_classes, 1),
    (plot_toy_graph, results.imbalance, 1),
    (totoro.plot_graph, results.conflicts, 1),
    (totoro.plot_splits, results.scan, 2),
    (totoro.plot_study, results.study, 2),
    (totoro.plot_history, results.training, 2),
]
IDS = [f"{function.__name__}-{result.__name__}" for function, result, _ in ALL]


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_picture_draws_speaks_and_cuts_no_text(plot, result, panels, theme) -> None:
    with style.theme(theme):
        axes = np.ravel(plot(result()))
    assert_speaks_and_cuts_no_text(axes, panels)


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_every_picture_keeps_to_the_axes_given(plot, result, panels) -> None:
    assert_keeps_to_axes(plot, result, panels)


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_every_picture_names_what_is_missing(plot, result, panels) -> None:
    empty = xr.Dataset({"other": ("node", [1.0])}, {"step": [0], "arm": ["a"], "metric": ["m"]})
    with pytest.raises(ValueError, match=r"`ds` must hold .*; got other\. probe\..* gives such a"):
        plot(empty)
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        plot([1, 2])
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    "result", [results.imbalance, results.conflicts, results.scan, results.study, results.training]
)
def test_every_result_finds_its_picture(result) -> None:
    assert viz.has_plot(result())
    assert all(isinstance(ax, Axes) for ax in np.ravel(result().viz.plot()))


def test_every_class_has_a_sign_of_its_own() -> None:
    found = signs(100, style.DARK)
    assert len(set(found)) == 100
    assert len({each.marker for each in found[:10]}) == 10
    assert len({each.colour for each in found[:10]}) == 10
    assert all(0.7 < each.even < 1.7 for each in found)
    assert [each.colour for each in found[:8]] == list(style.DARK.series)
    assert [each.marker for each in found[:8]] == list(style.MARKERS[:8])
    assert sign_of(9, style.LIGHT) == signs(12, style.LIGHT)[9]
    assert sign_of(-1, style.LIGHT).colour == style.LIGHT.other
    assert class_names(results.imbalance()) == ["Neural Networks", r"Costs \$", "Theory"]


def test_conflict_is_drawn_in_order_with_its_weights() -> None:
    ds = results.imbalance()
    ax = totoro.plot_conflict(ds)
    nodes = results.trained()
    order = nodes[np.argsort(ds.totoro.values[nodes], kind="stable")]
    points = {}
    for dots in ax.collections:
        for x, y in np.asarray(dots.get_offsets()):
            points[int(x)] = (y, dots.get_label())
    names = class_names(ds)
    wanted = [(ds.totoro.values[v], names[ds.label_of.values[v]]) for v in order]
    assert [points[i] for i in range(len(order))] == wanted
    (right,) = ax.child_axes
    to_weight = right._functions[0]  # what its scale reads off the left one
    np.testing.assert_allclose(to_weight(lines(ax)["weight"]), ds.weight.values[order])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    # Node 60 meets no other class: hollow, T = 0, and the largest weight.
    paper = mpl.colors.to_rgba(style.LIGHT.paper)
    hollow = [tuple(face) == paper for dots in ax.collections for face in dots.get_facecolors()]
    assert sum(hollow) == ds.attrs["n_zero_conflict"] == 1
    assert points[0] == (0.0, "Neural Networks")
    assert f"sum {ds.attrs['graph_totoro']:.3g}" in style.describe(ax)
    none = ds.assign(totoro=ds.totoro * np.nan)
    with pytest.raises(ValueError, match="conflict of at least one labelled node; got none"):
        totoro.plot_conflict(none)


def test_class_conflict_shares_one_scale_without_the_own_class() -> None:
    ds = results.imbalance()
    ax = totoro.plot_class_conflict(ds)
    table = ds.class_conflict.values
    (mesh,) = ax.collections
    drawn = np.ma.asarray(mesh.get_array()).reshape(3, 3)
    assert drawn.mask.tolist() == np.eye(3, dtype=bool).tolist()
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_array_equal(drawn[off], table[off])
    assert mesh.get_clim() == (0.0, table[off].max())
    assert len(ax.patches) == 3
    assert all(patch.get_hatch() for patch in ax.patches)
    power = 1 - int(np.floor(np.log10(table[off].max())))
    texts = [text.get_text() for text in ax.texts[:9]]
    assert texts == [f"{value * 10.0**power:.1f}" for value in table.ravel()]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == class_names(ds)
    row, column = np.argwhere((table == table[off].max()) & off)[0]
    pair = f"between {class_names(ds)[row]} and {class_names(ds)[column]}"
    assert pair.replace(r"\$", "$") in style.describe(ax)


def test_numbers_of_many_classes_give_way_to_the_scale() -> None:
    ax = totoro.plot_class_conflict(results.many_classes())
    (note,) = ax.texts
    assert "strongest" in note.get_text()
    shown = [tick.get_text() for tick in ax.get_yticklabels()]
    assert 8 < len(shown) < 47
    ax = totoro.plot_conflict(results.many_classes())
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[0] == "category 0"
    assert legend[16:] == ["and 31 more"]


def test_a_class_without_labelled_others_has_no_conflict_to_show() -> None:
    ds = results.imbalance().isel(label=[0], label_other=[0])
    ax = totoro.plot_class_conflict(ds)
    assert "none" in style.describe(ax)
