"""Pictures of what whitening does, by the numbers they draw: cosines, maps and scores."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Rectangle

from tests.viz import whitening_results as results
from tests.viz.drawn import bars, lines, no_figure_is_left  # noqa: F401 (a fixture)
from viz import whitening
from viz.whitening.maps import grouped


def test_cosines_before_and_after() -> None:
    ds = results.effect()
    ax = whitening.plot_cosines(ds, 0)
    for i, name in enumerate(["raw", "whiten"]):
        density = ds.cosine_density.sel(layer=0, transform=name).values
        filled, outline = (patch.get_data() for patch in ax.patches[2 * i : 2 * i + 2])
        np.testing.assert_array_equal(outline.values, np.trim_zeros(density))
        np.testing.assert_array_equal(outline.values, filled.values)
        area = outline.values @ np.diff(outline.edges)
        assert area == pytest.approx(1)
        average = ds.average_cosine.sel(layer=0, transform=name).item()
        assert ax.get_lines()[i].get_xdata()[0] == average
        assert ax.get_legend().get_texts()[i].get_text().startswith(f"{name}, average ")
    with pytest.raises(ValueError, match="`transforms` must be one of 'raw', 'centre', 'whiten'"):
        whitening.plot_cosines(ds, 0, ["zca"])


def test_map_draws_every_example_once_with_its_label() -> None:
    ds = results.effect()
    both = xr.concat([ds, ds.assign_coords(projection=["umap"])], "projection", data_vars="minimal")
    axes = whitening.plot_map(both, 1, "whiten")
    assert [ax.get_title(loc="left").split(",")[0] for ax in axes] == ["PCA", "UMAP"]
    one = ds.sel(layer=1, transform="whiten", projection="pca")
    trust = one.trustworthiness.item()
    assert axes[0].get_title(loc="left") == f"PCA, trustworthiness {trust:.2f}"
    groups = grouped(ds.label.values)
    for name, rows in [(name, rows) for _, name, rows in groups]:
        (drawn,) = [c for c in axes[0].collections if c.get_label() == name]
        np.testing.assert_allclose(drawn.get_offsets(), one["map"].values[rows], rtol=1e-6)
    assert sum(len(rows) for *_, rows in groups) == ds.sizes["example"]
    listed = [text.get_text() for text in axes[-1].get_legend().get_texts()]
    assert listed == [name for _, name, _ in groups]


def test_the_most_frequent_labels_have_colours_and_the_rest_is_other() -> None:
    labels = np.array([f"t{min(i, 11)}" for i in range(20)])
    groups = grouped(labels)
    assert [name for _, name, _ in groups][:3] == ["t11", "t0", "t1"]
    assert groups[-1][:2] == (8, "other (4)")
    assert sorted(np.concatenate([rows for *_, rows in groups])) == list(range(20))
    assert grouped(np.array(["", ""]))[0][1] == ""


def test_a_map_without_labels_has_no_legend() -> None:
    ds = results.effect().drop_vars("label")
    (ax,) = whitening.plot_map(ds)
    assert ax.get_legend() is None
    assert len(ax.collections[0].get_offsets()) == ds.sizes["example"]


def test_effect_shows_two_transforms() -> None:
    axes = whitening.plot_effect(results.effect(), layer=2, transforms=["raw", "centre"])
    heads = [ax.get_title(loc="left").split(":")[0] for ax in axes]
    assert heads == ["Layer 2", "raw", "centre"]
    for wrong in (["raw"], ["raw", "raw"], ["raw", "centre", "whiten"]):
        with pytest.raises(ValueError, match="`transforms` must name two transforms"):
            whitening.plot_effect(results.effect(), transforms=wrong)


@pytest.mark.parametrize("protocol", ["all", "wmean"])
def test_sts_cells_hold_score_and_interval(protocol) -> None:
    ds = results.sts()
    ax = whitening.plot_sts(ds, protocol=protocol)
    at = ds.sel(protocol=protocol).transpose("dataset", "layer", "transform", ...)
    score = 100 * at.spearman.values.reshape(6, 3)
    low, high = np.moveaxis(100 * at.spearman_interval.values.reshape(6, 3, 2), -1, 0)
    np.testing.assert_allclose(ax.collections[0].get_array(), score)
    expected = [
        f"{s:.1f}\n[{a:.1f}, {b:.1f}]"
        for s, a, b in zip(score.ravel(), low.ravel(), high.ravel(), strict=True)
    ]
    assert [text.get_text() for text in ax.texts[:18]] == expected


def test_sts_frames_the_best_of_a_row_only_if_its_gain_is_certain() -> None:
    ds = results.sts().sel(protocol="all")
    ax = whitening.plot_sts(ds)
    drawn = {
        (int(patch.get_y()), int(patch.get_x()))
        for patch in ax.patches
        if isinstance(patch, Rectangle)
    }
    score = ds.spearman.values.reshape(6, 3)
    sure = ds.gain_interval.sel(bound="low").values.reshape(6, 3) > 0
    best = {(row, int(score[row].argmax())) for row in range(6)}
    assert drawn == {cell for cell in best if sure[cell]}
    assert drawn
    assert drawn != best
    bold = {i for i, text in enumerate(ax.texts[:18]) if text.get_fontweight() == "bold"}
    assert bold == {3 * row + column for row, column in drawn}


def test_sts_without_raw_frames_nothing_and_one_set_is_named_in_the_title() -> None:
    ds = results.sts().drop_vars(["gain", "gain_interval"])
    ax = whitening.plot_sts(ds, datasets=["noise"])
    assert list(ax.patches) == []
    assert "on noise" in ax.get_title(loc="left")
    assert ax.collections[0].get_array().shape == (3, 3)
    with pytest.raises(ValueError, match="`protocol` must be one of 'all', 'wmean'"):
        whitening.plot_sts(ds, protocol="mean")
    with pytest.raises(ValueError, match="`datasets` must be one of 'true', 'noise'"):
        whitening.plot_sts(ds, datasets=["sts12"])


@pytest.mark.parametrize(
    ("plot", "result", "measure", "floor", "name"),
    [
        (whitening.plot_topics, results.topics, "precision_at_k", "chance", "chance"),
        (whitening.plot_classification, results.classes, "accuracy", "majority", "majority label"),
    ],
)
def test_scores_with_intervals_beside_their_baseline(plot, result, measure, floor, name) -> None:
    ds = result()
    ax = plot(ds)
    drawn = lines(ax)
    for t, transform in enumerate(results.TRANSFORMS):
        np.testing.assert_array_equal(drawn[transform], ds[measure].values[:, t])
    assert bars(ax)[:3] == [ds[f"{measure}_interval"].values[:, t].tolist() for t in range(3)]
    base = ds[floor].mean("transform") if "transform" in ds[floor].dims else ds[floor]
    np.testing.assert_allclose(drawn[name], np.broadcast_to(base, 3))
    band = ax.collections[-1].get_paths()[0].vertices[:, 1]
    assert band.min() == ds[f"{floor}_interval"].sel(bound="low").min()
    assert band.max() == ds[f"{floor}_interval"].sel(bound="high").max()
    assert {text.get_text() for text in ax.texts} == {*results.TRANSFORMS, name}
    assert ax.get_ylim()[0] == 0


def test_scores_of_one_layer_are_points() -> None:
    ds = results.topics().sel(layer=1)
    ax = whitening.plot_topics(ds)
    points = [lines(ax)[name][0] for name in results.TRANSFORMS]
    np.testing.assert_array_equal(points, ds.precision_at_k.values)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == results.TRANSFORMS
    assert "layer 1" in ax.get_title(loc="left")
    assert ax.get_ylabel() == "precision at 3"
