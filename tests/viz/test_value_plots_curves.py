"""Bars, curves, rows and dots of what heads do, by the numbers they draw."""

import numpy as np
import pytest
import xarray as xr

from probe.value import head_ablation
from tests.viz import value_results as results
from tests.viz.drawn import lines, no_figure_is_left  # noqa: F401 (a fixture)
from viz import style, value
from viz.value.lines import Curve, told_curves


def test_bars_are_means_over_heads_and_dots_the_heads() -> None:
    ds = results.importance()
    for ax, name in zip(value.plot_modality(ds), ("mass", "per_token"), strict=True):
        means = ds[name].mean("head").transpose("modality", "layer").values
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(means.ravel())
        heads = lines(ax)["heads of image"]
        assert heads == pytest.approx(ds[name].sel(modality="image").values.ravel())
        assert "image" in style.describe(ax)
    assert ax.get_lines()[-1].get_ydata() == [1, 1]  # even attention


def test_a_block_that_is_not_there_is_no_bar_of_height_0() -> None:
    ds = results.importance_of_two_streams()
    for ax in value.plot_modality(ds):
        assert len(ax.patches) == 3 * results.LAYERS - 1
        assert lines(ax)["image, not applicable"].tolist() == [0.0]
        assert ax.get_legend().get_texts()[-1].get_text() == "not applicable"
        assert "image undefined" in style.describe(ax)


def test_fusion_stands_beside_its_twin() -> None:
    ds, twin = results.fused(), results.twin_fused()
    axes = value.plot_fusion(ds, twin)
    for ax, name in zip(axes, ("nmi", "separability", "gap"), strict=True):
        assert lines(ax)["trained"].tolist() == ds[name].values.tolist()
        assert lines(ax)["random weights"].tolist() == twin[name].values.tolist()
        intervals = [s[:, 1].tolist() for s in ax.collections[0].get_segments()]
        assert intervals == ds[f"{name}_interval"].values.tolist()
    assert "0.9, 0.52, 0.31, 0.2" in style.describe(axes[0])
    (alone,) = value.plot_fusion(ds[["nmi"]])
    assert alone.get_legend() is None


def test_a_prober_of_all_heads_has_a_row_for_each_task() -> None:
    ds, twin = results.of_attention(), results.of_attention_twin()
    (ax,) = value.plot_probers(ds, twin)
    drawn = {}
    for line in ax.get_lines():
        drawn.setdefault(line.get_label(), []).append(float(line.get_xdata()[0]))
    assert drawn["prober"] == [0.83]
    assert drawn["random weights"] == [0.61, 0.52]
    assert drawn["random labels"] == [0.55, 0.55]
    assert drawn["phrase alone"] == [pytest.approx(0.665)]
    ticks = [
        c.get_segments()[0][0, 0]
        for c in ax.collections
        if len(set(c.get_segments()[0][:, 0])) == 1
    ]
    assert ticks == [0.5, 0.5]
    words = [text.get_text() for text in ax.texts]
    assert words == ["selectivity 0.28\n[0.24, 0.33]", "not applicable"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["prober", "random weights", "majority", "random labels", "phrase alone"]


def test_probers_of_layers_have_a_panel_for_each_task() -> None:
    ds = results.of_states()
    axes = value.plot_probers(ds)
    for ax, task in zip(axes, ds.task.values, strict=True):
        one = ds.sel(task=task)
        drawn = lines(ax)
        assert drawn["prober"].tolist() == one.accuracy.values.tolist()
        assert drawn["region alone"].tolist() == one.alone.values.tolist()
        assert drawn["majority"].tolist() == [0.5] * 4
        assert drawn["random labels"].tolist() == [0.55] * 4
        assert ax.get_ylim()[0] == 0
        assert "Most selective: layer 2" in style.describe(ax)
    assert axes[0].get_legend() is not None
    assert axes[1].get_legend() is None
    captions = value.plot_probers(results.of_captions())
    assert "first alone" not in lines(captions[0])
    with pytest.raises(ValueError, match="`ds` must have no dims but layer and task; got step"):
        value.plot_probers(ds.expand_dims(step=[0, 1]))


def test_effects_are_ringed_where_their_interval_is_above_0() -> None:
    ds = results.ablated()
    (ax,) = value.plot_ablation(ds)
    drawn = np.asarray(ax.collections[0].get_array()).reshape(results.LAYERS, results.HEADS)
    np.testing.assert_array_equal(drawn, ds.effect)
    rings = [patch.get_center() for patch in ax.patches if patch.get_gid() == "ring"]
    assert rings == [(results.AHEAD[1] + 0.5, results.AHEAD[0] + 0.5)]
    assert "interval above 0 1: layer 1 head 2" in style.describe(ax)
    assert "0.93 with all heads" in style.describe(ax)


def test_effects_are_drawn_along_the_scores_with_their_correlation() -> None:
    ds, scores = results.ablated(), results.scores()
    _, ax = value.plot_ablation(ds, against=scores.transpose("head", "layer"))
    (dots,) = [line for line in ax.get_lines() if line.get_label() == "heads"]
    np.testing.assert_array_equal(dots.get_xdata(), scores.values.ravel())
    np.testing.assert_array_equal(dots.get_ydata(), ds.effect.values.ravel())
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 1], ds.effect_interval.values.reshape(-1, 2))
    texts = [text.get_text().replace("\n", " ") for text in ax.texts]
    # One head stands out of the noise: only it is named.
    assert texts == ["layer 1 head 2", "Rank correlation 0.41 [0.2, 0.62], p = .031."]
    assert ax.get_xlabel() == "hit of the head"
    none = value.plot_ablation(
        ds.assign(effect=0 * ds.effect).drop_vars("effect_interval"), against=scores
    )
    assert [text.get_text()[:5] for text in none[1].texts] == ["Rank "]
    held = value.plot_ablation(ds.assign(against=scores.drop_vars(["direction", "kind"])))
    assert held[1].get_xlabel() == "score of the head"
    measured = head_ablation(
        lambda mask: mask.sum() + 0 * mask[0], *scores.shape, against=scores, n_boot=20
    )
    _, ax = value.plot_ablation(measured)
    assert ax.get_xlabel() == "hit of the head"
    (dots,) = [line for line in ax.get_lines() if line.get_label() == "heads"]
    np.testing.assert_array_equal(dots.get_xdata(), scores.values.ravel())


def test_scores_of_other_heads_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`against` must be a DataArray .*; got list"):
        value.plot_ablation(results.ablated(), against=[1])
    with pytest.raises(ValueError, match="`against` must have dims layer and head; got dims kind"):
        value.plot_ablation(results.ablated(), against=xr.DataArray([1.0], dims="kind"))
    with pytest.raises(ValueError, match=r"`against` must be 3 layers by 4 heads; got \(2, 4\)"):
        value.plot_ablation(results.ablated(), against=results.scores()[:2])


def test_steps_draw_the_highest_head_of_each_layer_after_the_loss() -> None:
    ds = results.watched()
    loss, ahead, back = value.plot_steps(ds)
    assert lines(loss)["loss"].tolist() == ds.loss.values.tolist()
    for ax, label in ((ahead, "text->image"), (back, "image->text")):
        best = ds.links_hit.sel(direction=label, kind="all").max("head").transpose("layer", "step")
        np.testing.assert_array_equal([lines(ax)[str(i)] for i in range(3)], best)
    assert "layer 1 0 to 0.75" in style.describe(ahead)
    assert ahead.get_title(loc="left") == "Links hit, text → image"
    with pytest.raises(ValueError, match="`measures` must name some of links_hit; got speed"):
        value.plot_steps(ds, measures=["speed"])


def test_a_layer_without_the_block_is_no_line_along_steps() -> None:
    values = xr.DataArray(np.full((2, 2, 2), np.nan), dims=("step", "layer", "head"), name="a_hit")
    values[:, 1] = 0.5
    (ax,) = value.plot_steps(
        values.to_dataset().assign_coords(step=[0, 1], layer=[0, 1], head=[0, 1])
    )
    assert np.isnan(lines(ax)["0"]).all()
    assert lines(ax)["1"].tolist() == [0.5, 0.5]


def test_many_layers_are_told_by_their_extremes() -> None:
    values = np.r_[np.nan, np.arange(10.0)]
    said = told_curves(list(range(11)), [Curve("a", values, None, "red", "o")])
    assert said == (
        "a first 0 at layer 1, last 9 at layer 10, highest 9 at layer 10, lowest 0 at layer 1."
    )
    none = told_curves(list(range(11)), [Curve("b", values * np.nan, None, "red", "o")])
    assert none == "b not applicable."
