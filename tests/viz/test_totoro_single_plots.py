"""Pictures of one node, of the graph, of splits and of trainings, by the numbers they draw."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from probe.totoro import setting_of
from tests.viz import totoro_results as results
from tests.viz.drawn import lines, no_figure_is_left  # noqa: F401 (a fixture)
from viz import style, totoro
from viz.totoro.classes import class_names

LIGHT = style.LIGHT


def graph_of(**options):
    return totoro.plot_graph(results.imbalance(), graph=results.graph(), **options)


def test_bars_of_a_node_are_its_exposure_beside_its_hypothetical_conflict() -> None:
    ds = results.imbalance()
    ax = totoro.plot_node(ds, 4)
    assert [bar.get_width() for bar in ax.patches] == ds.exposure.values[4].tolist()
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches] == list(LIGHT.series[:3])
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, False]
    assert [line.get_marker() for line in ax.get_lines()] == list(style.MARKERS[:3])
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == ["Neural Networks", r"Costs \$ (own)", "Theory"]
    assert [float(text.get_text()) for text in ax.texts[:3]] == pytest.approx(
        ds.conflict.values[4], rel=5e-3
    )
    share = 100 * ds.conflict_share.values[4]
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title == rf"Node 4, Costs \$: T = {ds.totoro.values[4]:.3g}, share {share:.0f} %"


def test_titles_of_nodes_say_what_they_are() -> None:
    ds = results.imbalance()
    title = totoro.plot_node(ds, 30).get_title(loc="left").replace("\n", " ")
    assert f"not labelled, T would be {ds.conflict.values[30, 0]:.3g}" in title
    lone = totoro.plot_node(ds, results.ALONE)
    assert "share undefined" in lone.get_title(loc="left").replace("\n", " ")
    assert "No labelled node in its component" in style.describe(lone)
    unknown = ds.assign(label_of=xr.full_like(ds.label_of, -1))
    assert totoro.plot_node(unknown, 0).get_title(loc="left") == "Node 0, of no known class"


def test_of_many_classes_those_that_reach_most_and_the_own_one_have_a_bar() -> None:
    ds = results.many_classes()
    exposure, own = ds.exposure.values[0], int(ds.label_of[0])
    shown = [bar.get_width() for bar in totoro.plot_node(ds, 0).patches]
    assert len(shown) == 14
    assert exposure[own] in shown
    others = np.delete(exposure, own)
    assert set(np.sort(others)[-13:]) == set(shown) - {exposure[own]}
    assert "33 classes that reach it less are left out" in style.describe(totoro.plot_node(ds, 0))


@pytest.mark.parametrize(
    ("node", "error", "told"),
    [
        (results.N, ValueError, "`node` must be between 0 and 62; got 63"),
        (-1, ValueError, "`node` must be between 0 and 62; got -1"),
        ("a", TypeError, "`node` must be an integer; got str"),
    ],
)
def test_a_node_that_is_not_there_is_refused(node, error, told) -> None:
    with pytest.raises(error, match=told):
        totoro.plot_node(results.imbalance(), node)


def test_the_graph_shows_every_node_edge_weight_and_conflict() -> None:
    ds, graph = results.imbalance(), results.graph()
    spots = np.random.default_rng(0).normal(size=(results.N, 2))
    ax = graph_of(positions=spots)
    edges, *dots, rings = ax.collections
    drawn = {tuple(map(tuple, segment)) for segment in np.array(edges.get_segments())}
    pairs = graph.edge_index[:, graph.edge_index[0] < graph.edge_index[1]].T
    assert drawn == {tuple(map(tuple, spots[pair])) for pair in pairs}
    plain, labelled = dots[:3], dots[3:]
    rows = [np.flatnonzero((graph.labels == c) & ~ds.train.values) for c in range(3)]
    for c in range(3):
        np.testing.assert_array_equal(plain[c].get_offsets(), spots[rows[c]])
        assert to_hex(plain[c].get_facecolor()[0]) == LIGHT.series[c]
    nodes = results.trained()
    assert sum(len(each.get_offsets()) for each in labelled) == len(nodes)
    circles = labelled[0]  # class 0 is drawn as circles, whose area is the scale itself
    own = nodes[graph.labels[nodes] == 0]
    areas = 16 + 74 * (ds.weight.values[own] - 0.5) / (np.nanmax(ds.weight.values) - 0.5)
    np.testing.assert_allclose(circles.get_sizes(), areas)
    widths = 2.6 * ds.totoro.values[np.sort(nodes)] / ds.totoro.max().item()
    np.testing.assert_allclose(rings.get_linewidths(), widths)
    np.testing.assert_array_equal(rings.get_offsets(), spots[np.sort(nodes)])
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == class_names(ds)
    assert ax.get_title(loc="left") == f"toy: 63 nodes, {len(pairs)} edges, 16 labelled"


def test_a_map_is_drawn_at_the_setting_asked_for() -> None:
    ds = results.conflicts()
    for options, setting in (
        ({}, {"alpha": 0.15, "per_class": 2, "seed": 3}),
        ({"alpha": 0.5, "per_class": 4}, {"alpha": 0.5, "per_class": 4, "seed": 3}),
        ({"alpha": 0.3, "seed": 8}, {"alpha": 0.3, "per_class": 2, "seed": 8}),
    ):
        rings = totoro.plot_graph(ds, **options).collections[-1]
        totoros = setting_of(ds, **setting).totoro.dropna("node")
        wanted = 2.6 * totoros / totoros.max()
        np.testing.assert_allclose(rings.get_linewidths(), wanted, rtol=1e-5)
    fixed = ds.assign(position=(("node", "axis"), np.arange(126.0).reshape(63, 2)))
    rings = totoro.plot_graph(fixed).collections[-1]
    assert set(np.asarray(rings.get_offsets())[:, 0]) <= set(np.arange(0.0, 126, 2))
    with pytest.raises(ValueError, match="`alpha` must be"):
        totoro.plot_graph(ds, alpha=0.0)


def test_a_graph_without_order_or_labels_is_drawn_all_the_same() -> None:
    ds = results.imbalance()
    level = ds.assign(totoro=ds.totoro * 0, weight=ds.weight * 0 + 1)
    rings = totoro.plot_graph(level, graph=results.graph()).collections[-1]
    assert set(rings.get_linewidths()) == {0.0}
    none = ds.assign(totoro=ds.totoro * np.nan, label_of=xr.full_like(ds.label_of, -1))
    ax = totoro.plot_graph(none, graph=results.graph().edge_index)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no known class"]
    assert "0 labelled" in style.describe(ax)
    assert to_hex(ax.collections[1].get_facecolor()[0]) == LIGHT.other


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, r"`graph` must hold the edges, .*; got none. Give the graph that was measured"),
        ({"graph": np.array([[0], [99]])}, "`graph` must hold nodes from 0 to 62; got node 99"),
        ({"graph": np.zeros((3, 3), int)}, r"`graph` must have axes \(2, edge\); got shape"),
        (
            {"graph": results.graph(), "positions": np.zeros((5, 2))},
            r"`positions` must have shape \(63, 2\); got shape \(5, 2\)",
        ),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(options, told) -> None:
    with pytest.raises(ValueError, match=told):
        totoro.plot_graph(results.imbalance(), **options)


def test_histograms_count_every_split_and_mark_three() -> None:
    ds = results.scan()
    axes = totoro.plot_splits(ds)
    for ax, name in zip(axes, ("graph_totoro", "mean_conflict_share"), strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == 40
        marks = {line.get_label(): line.get_xdata()[0] for line in ax.get_lines()}
        kinds = ("easiest", "median", "hardest")
        assert marks == {kind: ds[name].values[ds.attrs[kind]] for kind in kinds}
        counts, edges = np.histogram(ds[name], len(ax.patches))
        assert [bar.get_height() for bar in ax.patches] == counts.tolist()
        np.testing.assert_allclose([bar.get_x() for bar in ax.patches], edges[:-1])
    assert f"easiest split {ds.attrs['easiest']}" in style.describe(axes[0])
    bare = totoro.plot_splits(ds.drop_attrs())
    assert bare[0].get_lines()[:] == []


@pytest.mark.parametrize("metric", results.METRICS)
def test_a_study_shows_every_split_and_each_difference_from_plain(metric) -> None:
    ds = results.study()
    left, right = totoro.plot_study(ds, metric=metric)
    score = 100 * ds.score.sel(metric=metric).mean("seed").values
    drawn = [np.asarray(dots.get_offsets())[:, 1] for dots in left.collections[:3]]
    np.testing.assert_allclose(drawn, score)
    np.testing.assert_allclose([line.get_ydata() for line in left.get_lines()], score.T)
    means = [float(text.get_text()) for text in left.texts[:3]]
    np.testing.assert_allclose(means, score.mean(axis=1), atol=0.005)
    some = ds.sel(metric=metric, arm=["renode", "shuffled"])
    points = [line.get_xdata()[0] for line in right.get_lines()[:2]]
    np.testing.assert_allclose(points, 100 * some.difference.values)
    ends = [np.array(c.get_segments())[0, :, 0] for c in right.collections]
    np.testing.assert_allclose(ends, 100 * some.difference_interval.values)
    assert right.get_lines()[2].get_xdata() == [0, 0]
    assert right.texts[0].get_text().endswith("p < .001, better on 6 of 6")
    assert right.texts[1].get_text().endswith("p = .034, better on 0 of 6")
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["renode", "shuffled"]


def test_renode_is_compared_with_each_control() -> None:
    ds = results.study()
    left, right = totoro.plot_study(ds.isel(arm=[1, 2, 0]), against="renode")
    assert [tick.get_text() for tick in left.get_xticklabels()] == results.ARMS
    ahead = ds.renode_difference.sel(metric="weighted_f1")
    assert [line.get_xdata()[0] for line in right.get_lines()[:2]] == [
        100 * ahead.sel(arm="plain"),
        100 * ahead.sel(arm="shuffled"),
    ]
    assert right.texts[0].get_text().endswith("p < .001")
    assert right.get_title(loc="left") == "ReNode minus each other arm"


def test_a_study_without_extras_is_drawn_all_the_same() -> None:
    ds = results.study()
    bare = totoro.plot_study(ds.drop_vars(["p_corrected", "p_value", "wins"]))[1]
    assert "p " not in bare.texts[0].get_text()
    raw = totoro.plot_study(ds.drop_vars("p_corrected"))[1]
    assert "p = .017" in raw.texts[1].get_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"metric": "accuracy"}, "`metric` must be one of 'weighted_f1', 'macro_f1'"),
        ({"against": "shuffled"}, "`against` must be one of 'plain', 'renode'"),
    ],
)
def test_unknown_names_of_a_study_are_refused(options, told) -> None:
    with pytest.raises(ValueError, match=told):
        totoro.plot_study(results.study(), **options)
    with pytest.raises(ValueError, match="`ds` must hold the arm 'plain' and at least one other"):
        totoro.plot_study(results.study().sel(arm=["plain"]))


def test_a_training_shows_its_curves_and_the_epoch_judged() -> None:
    ds = results.training()
    loss, score = totoro.plot_history(ds)
    np.testing.assert_array_equal(lines(loss)["training"], ds.loss.values)
    np.testing.assert_array_equal(lines(loss)["validation"], ds.valid_loss.values)
    np.testing.assert_array_equal(lines(score)["test Macro-F1"], ds.test_macro_f1.values)
    assert len(score.get_lines()) == 5
    assert all(ax.get_lines()[-1].get_xdata() == [20, 20] for ax in (loss, score))
    assert "training 2 to 0.0667, 0.1 at epoch 20" in style.describe(loss)
    bare = totoro.plot_history(ds.drop_vars("best_step"), ax=Figure().subplots(1, 2))
    assert len(bare[0].get_lines()) == 2
