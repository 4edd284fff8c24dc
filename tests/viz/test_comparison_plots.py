"""Pictures of comparisons: scales are shared, marks are those of the result, words are numbers."""

from __future__ import annotations

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes

import viz
from probe.comparison import difference
from tests.viz import (
    attribution_results,
    isd_results,
    lowrank_results,
    totoro_results,
    value_results,
    whitening_results,
)
from tests.viz import comparison_results as results
from tests.viz.drawn import (
    assert_cuts_no_text,
    assert_keeps_to_axes,
    assert_speaks_and_cuts_no_text,
    bars,
    lines,
    no_figure_is_left,  # noqa: F401
)
from viz import style
from viz.comparison import plot_difference, plot_film_strip, plot_series


@pytest.mark.parametrize(
    ("plot", "make", "panels"),
    [
        (plot_difference, results.lines, 2),
        (plot_difference, results.cells, 3),
        (plot_difference, results.rows, 2),
        (plot_difference, results.number, 2),
        (plot_series, results.steps, 1),
        (plot_series, results.models, 2),
        (plot_series, results.numbers, 1),
        (plot_film_strip, results.film, 5),
    ],
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_speak_and_cut_no_text(plot, make, panels: int, theme: str) -> None:
    with style.theme(theme):
        assert_speaks_and_cuts_no_text(plot(make()), panels)
    plt.close("all")
    assert_keeps_to_axes(plot, make, panels)


def test_lines_draw_the_numbers_and_fill_what_is_called() -> None:
    ds = results.lines()
    both, change = plot_difference(ds)
    name = json.loads(ds.attrs["variables"])[0]
    drawn = lines(both)
    np.testing.assert_array_equal(drawn["before"], ds[f"{name}_a"])
    np.testing.assert_array_equal(drawn[r"after \$"], ds[f"{name}_b"])
    np.testing.assert_array_equal(lines(change)["difference"], ds[f"{name}_difference"])
    np.testing.assert_allclose(bars(change)[0], ds[f"{name}_difference_interval"])
    assert "_not called" in lines(change)
    assert lines(change)["_not called"].size == int((~ds[f"{name}_called"]).sum())
    assert change.get_ylim()[0] < 0 < change.get_ylim()[1]
    assert "independent, MOVER" in style.describe(change)


def test_cells_share_one_scale_and_the_difference_is_centred_on_zero() -> None:
    ds = results.cells()
    axes = plot_difference(ds, at={"direction": "text->image"})
    own = ds.sel(direction="text->image", kind="all")
    meshes = [ax.collections[0] for ax in axes]
    assert meshes[0].get_clim() == meshes[1].get_clim()
    assert meshes[0].get_cmap() is meshes[1].get_cmap()
    low, high = meshes[2].get_clim()
    assert low == -high < 0
    middle = meshes[2].get_cmap()(0.5)
    np.testing.assert_allclose(middle[:3], meshes[2].to_rgba(0.0)[:3], atol=0.02)
    for mesh, kind in zip(meshes, ("a", "b", "difference"), strict=True):
        np.testing.assert_allclose(mesh.get_array(), own[f"hit_{kind}"], atol=1e-12)
    rings = [patch for patch in axes[2].patches if patch.get_gid() == "ring"]
    assert len(rings) == int(own.hit_called.sum()) == 1
    assert "Holm over 72" in style.describe(axes[2])
    assert "Called: layer 1 head 2" in style.describe(axes[2])
    other = plot_difference(ds, at={"direction": "image->text", "kind": "all", "layer": 2})
    assert other[1].get_title(loc="left") == "model less twin"


@pytest.mark.parametrize("half", [0.5, 0.01])
def test_differences_inside_their_intervals_are_pale(half: float) -> None:
    effects = 0.02 * np.random.default_rng(0).normal(size=(2, 3, 4))
    dims = ("layer", "head")
    one, two = (
        xr.Dataset(
            {
                "effect": (dims, each),
                "effect_interval": ((*dims, "bound"), np.add.outer(each, [-half, half])),
            },
            {"layer": range(3), "head": range(4), "bound": ["low", "high"]},
            {"probe": "value.head_ablation"},
        )
        for each in effects
    )
    found = difference(one, two)
    mesh = plot_difference(found)[2].collections[0]
    gap = np.abs(found.effect_difference.values)
    # Equal half widths add in squares, so every interval is this wide.
    wide = 2 * half * np.sqrt(2)
    assert mesh.get_clim()[1] == pytest.approx(max(gap.max(), wide))
    far_from_page = np.abs(mesh.to_rgba(mesh.get_array())[..., :3] - mesh.to_rgba(0.0)[:3]).max()
    full = np.abs(np.array(mesh.to_rgba(mesh.get_clim()[1]))[:3] - mesh.to_rgba(0.0)[:3]).max()
    assert (far_from_page < 0.35 * full) == (wide > gap.max())


def test_rows_draw_one_number_each_and_hollow_what_is_not_called() -> None:
    ds = results.rows()
    both, change = plot_difference(ds)
    assert both.get_xlim()[0] < float(ds.accuracy_a.min())
    assert [t.get_text() for t in both.get_yticklabels()] == ["identification", "classification"]
    assert "classification: undefined" in style.describe(change)
    assert change.get_lines()[0].get_xdata() == [float(ds.accuracy_difference[0])]
    np.testing.assert_allclose(bars_across(change), ds.accuracy_difference_interval[:1])
    hollow = {"_not called": 1 - int(ds.accuracy_called[0])}
    assert {k: v.size for k, v in lines(change).items() if k in hollow} == hollow
    alone = plot_difference(results.number())[1]
    assert alone.get_lines()[0].get_xdata() == [float(results.number().totoro_difference)]


def test_no_interval_says_why() -> None:
    ds = value_results.watched()
    axes = viz.compare(ds, ds, variable="loss")
    assert "no interval: the results hold none" in style.describe(axes[1])
    assert "called" not in style.describe(axes[1])


def bars_across(ax: Axes) -> list[list[float]]:
    """Left and right end of every level interval."""
    segments = [s for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()]
    return [np.array(s)[:, 0].tolist() for s in segments]


PAIRS = {
    "attribution.grid": attribution_results.pixels,
    "value.coreference": value_results.hits,
    "value.cross_modal": value_results.crossing,
    "value.fusion_degree": value_results.fused,
    "value.attention_prober": value_results.of_attention,
    "value.embedding_prober": value_results.of_states,
    "value.linguistic": value_results.of_captions,
    "value.head_ablation": value_results.ablated,
    "value.modality_importance": value_results.importance,
    "value.profile": value_results.profiled,
    "value.relations": value_results.related,
    "value.training": value_results.watched,
    "totoro.imbalance": totoro_results.imbalance,
    "totoro.map": totoro_results.conflicts,
    "totoro.splits": totoro_results.scan,
    "totoro.study": totoro_results.study,
    "totoro.training": totoro_results.training,
    "isd.isd": isd_results.measured,
    "isd.contrast": isd_results.contrasted,
    "isd.study": isd_results.study,
    "whitening.anisotropy": whitening_results.geometry,
    "whitening.classification": whitening_results.classes,
    "whitening.contextuality": whitening_results.tokens,
    "whitening.effect": whitening_results.effect,
    "whitening.film": results.film,
    "whitening.sts": whitening_results.sts,
    "whitening.topics": whitening_results.topics,
    "whitening.training": whitening_results.training,
    "lowrank.locality": lambda: lowrank_results.compared()[0]["principal"],
    "lowrank.region_directions": lambda: lowrank_results.compared()[1]["generalised"],
    "lowrank.attributes": lambda: lowrank_results.attributed()["principal"],
}


@pytest.mark.parametrize("probe", PAIRS)
def test_results_of_every_probe_are_compared_at_once(probe: str) -> None:
    ds = PAIRS[probe]()
    assert ds.attrs["probe"] == probe
    axes = viz.compare(ds, ds, names=("one", "two"))
    assert len(axes) in (2, 3)
    assert all(ax.get_title(loc="left") for ax in axes)
    assert any(char.isdigit() for char in style.describe(axes[0].figure))
    assert_cuts_no_text(axes[0].figure)


def test_every_probe_with_a_picture_is_compared_or_refused_with_a_hint() -> None:
    from probe.comparison._defaults import COMPARED, SHOWN
    from viz._registry import PLOTS

    assert set(PLOTS) - {"value.training"} <= set(COMPARED) | set(SHOWN)
    assert set(PLOTS) - set(PAIRS) - set(SHOWN) <= {"attribution.attribution"}


def test_series_are_coloured_in_order_and_thinned_when_many() -> None:
    (ax,) = plot_series(results.steps())
    assert list(lines(ax)) == ["0", "10", "20"]
    colours = [line.get_color() for line in ax.get_lines()]
    assert colours == style.ordered(3, style.LIGHT)
    (many,) = plot_series(results.steps(20))
    assert len(many.get_lines()) == 9
    assert {"0", "190"} <= set(lines(many))
    assert "9 of 20 steps" in many.get_title(loc="left")
    axes = plot_series(results.models())
    assert axes[0].collections[0].get_clim() == axes[1].collections[0].get_clim()
    (course,) = viz.compare({1: totoro_results.imbalance(), 2: totoro_results.imbalance()})
    assert lines(course)["totoro"].size == 2


def test_a_strip_draws_frames_on_one_scale_with_their_numbers() -> None:
    ds = results.film()
    axes = plot_film_strip(ds, projection="umap", frames=[0, 400])
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert axes[0].get_ylim() == axes[1].get_ylim()
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in axes[1].collections])
    own = ds["map"].sel(projection="umap", frame=400).values
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(own, axis=0), rtol=1e-6)
    assert f"trustworthiness {float(ds.trustworthiness[1, 0]):.2f}" in axes[0].texts[0].get_text()
    kept, chance = float(ds.kept_neighbours[-1]), float(ds.kept_chance)
    words = axes[1].texts[0].get_text().replace("\n", " ")
    assert f"{kept:.0%} of neighbours kept (chance {chance:.0%})" in words


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: plot_difference(3), TypeError, "`ds` must be an xarray.Dataset, such as"),
        (lambda: plot_difference(results.steps()), ValueError, "`ds` must be a comparison of two"),
        (lambda: plot_series(3), TypeError, "`ds` must be an xarray.Dataset"),
        (lambda: plot_series(results.lines()), ValueError, "`ds` must be a series of results"),
        (lambda: plot_difference(results.lines(), variable="x"), ValueError, "`variable` must be"),
        (lambda: plot_difference(results.cells(), at=["x"]), TypeError, "`at` must be a mapping"),
        (lambda: plot_difference(results.cells(), at={"x": 1}), ValueError, "`at` must be one of"),
        (
            lambda: plot_difference(results.cells(), at={"kind": "x"}),
            *(ValueError, "`at['kind']` must be one of"),
        ),
        (lambda: plot_film_strip(results.film(), projection="x"), ValueError, "`projection` must"),
        (lambda: plot_film_strip(results.film(), frames=[7]), ValueError, "`frame` must be one of"),
        (lambda: plot_film_strip(results.lines()), ValueError, "`ds` must hold map"),
        (lambda: viz.compare(results.lines()), TypeError, "`b` must be a result, or `a` results"),
        (
            lambda: viz.compare({}, xr.Dataset()),
            ValueError,
            "`b` must be left out, and pair_by too",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, kind, text) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)


def test_the_accessor_and_a_pairing_by_hand() -> None:
    ds = isd_results.contrasted().assign_attrs(data_hash="")
    axes = viz.compare(ds, ds, pair_by="example")
    assert "paired over" in style.describe(axes[-1])
    assert len(difference(ds, ds).viz.plot(variable="auc")) == 3
