"""Pictures of attributions: the numbers they draw, and what they refuse."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import spearmanr

import viz
from tests.viz import attribution_results as results
from tests.viz.drawn import (
    assert_cuts_no_text,
    assert_keeps_to_axes,
    assert_speaks_and_cuts_no_text,
    lines,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import attribution, style
from viz.attribution.reading import cell_of, signed
from viz.value.scale import diverging


def collection(ax, gid):
    return next(each for each in ax.collections if each.get_gid() == gid)


# One cell


def test_words_have_the_colour_and_the_number_of_their_attribution() -> None:
    ds = results.words_and_regions()
    words, _ = attribution.plot_attribution(ds, target="yes", example=1)
    wanted = ds.attribution_tokens.sel(algorithm="integrated_gradients").sel(
        layer="input", target="yes", example=1
    )
    mesh = collection(words, "words")
    np.testing.assert_allclose(mesh.get_array(), wanted.values)
    reach = float(np.abs(wanted).max())
    assert (mesh.norm.vmin, mesh.norm.vmax) == (-reach, reach)
    texts = [text.get_text() for text in words.texts][:10]
    assert texts[::2] == ds.token.values[1].tolist()
    assert texts[1::2] == [signed(float(value)) for value in wanted]
    words, _ = attribution.plot_attribution(ds, example=2)
    assert len(collection(words, "words").get_array()) == 3, "padding is no word"


def test_the_middle_of_the_colours_is_zero() -> None:
    ds = results.words_and_regions()
    ds["attribution_tokens"].values[:] = [0.0, 1.0, -1.0, 0.25, -0.25]
    for name in ("light", "dark"):
        with style.theme(name) as colours:
            words, _ = attribution.plot_attribution(ds)
            mesh = collection(words, "words")
            shades = [style.luminance(c) for c in mesh.cmap(mesh.norm(mesh.get_array()))]
            middle = style.luminance(diverging(colours)[3])
            assert shades[0] == pytest.approx(middle, abs=0.03)
            away = [abs(shade - middle) for shade in shades]
            assert away[1] > away[3] > away[0]
            assert away[2] > away[4] > away[0]


def test_regions_lie_in_their_boxes() -> None:
    ds = results.words_and_regions()
    _, picture = attribution.plot_attribution(ds, method="saliency", target="no", example=0)
    wanted = ds.attribution_regions.sel(algorithm="saliency").sel(
        layer="input", target="no", example=0
    )
    share = wanted.values / np.abs(wanted.values).max()
    for k in range(2):
        box = next(p for p in picture.patches if p.get_gid() == f"region {k}")
        x0, y0, x1, y1 = ds.box.values[0, k]
        assert [*box.get_xy(), box.get_width(), box.get_height()] == pytest.approx(
            [x0, y0, x1 - x0, y1 - y0]
        )
        *rgb, alpha = box.get_facecolor()
        assert alpha == pytest.approx(0.51 * abs(share[k]))
        assert (rgb[0] > rgb[2]) == (share[k] > 0), "orange for, blue against"
    assert f"1: {signed(float(wanted[0]))}" in [text.get_text() for text in picture.texts]
    _, picture = attribution.plot_attribution(ds, example=2)
    assert [p.get_gid() for p in picture.patches if p.get_gid()] == ["region 0"]


def test_pixels_are_as_opaque_as_they_matter() -> None:
    ds = results.pixels()
    (ax,) = attribution.plot_attribution(ds, method="grad_cam", target="yes", example=2)
    wanted = ds.attribution_pixels.sel(algorithm="grad_cam").sel(
        layer="body", target="yes", example=2
    )
    layer = next(image for image in ax.images if image.get_gid() == "attribution").get_array()
    share = wanted.values / np.abs(wanted.values).max()
    np.testing.assert_allclose(layer[..., 3], 0.85 * np.abs(share), atol=1e-6)
    np.testing.assert_array_equal(layer[..., 0] > layer[..., 2], share > 0)
    assert "layer body" in style.describe(ax)


def test_nodes_and_edges_are_as_large_as_they_matter() -> None:
    ds = results.nodes_and_edges()
    (ax,) = attribution.plot_attribution(ds, example=0)
    one = ds.sel(algorithm="integrated_gradients").sel(layer="input", target="no", example=0)
    nodes = collection(ax, "nodes")
    share = np.abs(one.attribution_nodes.values)
    sizes = 14 + 170 * share / share.max()
    np.testing.assert_allclose(nodes.get_sizes(), sizes, rtol=1e-5)
    np.testing.assert_allclose(
        nodes.get_offsets(), np.stack([ds["x"].values, ds["y"].values], axis=1)
    )
    edges = np.sort(np.abs(one.attribution_edges.values))
    np.testing.assert_allclose(
        collection(ax, "edges").get_linewidths(), 0.5 + 4.5 * edges / edges.max(), rtol=1e-5
    )
    ds["attribution_edges"].values[:] = 0
    (ax,) = attribution.plot_attribution(ds.isel(example=[0]))
    assert len(collection(ax, "nodes").get_sizes()) == 6, "what counts nothing is left out"


@pytest.mark.parametrize("make", [results.words_and_regions, results.pixels])
def test_a_cell_is_told_and_keeps_to_its_axes(make) -> None:
    ds = make()
    axes = attribution.plot_attribution(ds)
    assert_speaks_and_cuts_no_text(axes, len(axes))
    said = style.describe(axes[0])
    assert "Example 0, predicted yes. Target no, output" in said
    assert "Strongest" in said
    assert_keeps_to_axes_after(make, len(axes))


def assert_keeps_to_axes_after(make, panels: int) -> None:
    import matplotlib.pyplot as plt

    plt.close("all")
    assert_keeps_to_axes(attribution.plot_attribution, make, panels)


def test_the_result_draws_itself() -> None:
    assert viz.has_plot(results.pixels())
    (ax,) = results.pixels().viz.plot(method="random", example=1)
    assert ax.get_title(loc="left") == "Random: pixels"
    one = (
        results.pixels()
        .isel(algorithm=[0], layer=[0], target=[1])
        .assign_attrs(probe="attribution.attribution")
    )
    (ax,) = one.viz.plot()
    assert "Target yes" in style.describe(ax)


def test_what_cannot_be_drawn_is_refused() -> None:
    ds = results.pixels()
    for options, words in [
        ({"method": "grad_cam", "layer": "input"}, r"\(Grad-CAM reads the maps of a layer\)"),
        ({"method": "none"}, r"`method` must be one of 'integrated_gradients', .*; got 'none'"),
        ({"layer": "head"}, r"`layer` must be one of 'input', 'body'; got 'head'"),
        ({"target": "maybe"}, r"`target` must be one of 'no', 'yes'; got 'maybe'"),
        ({"example": 3}, r"`example` must be between 0 and 2; got 3"),
    ]:
        with pytest.raises(ValueError, match=words):
            attribution.plot_attribution(ds, **options)
    with pytest.raises(ValueError, match=r"`ds` must hold attributions; got score"):
        attribution.plot_attribution(ds[["score", "why"]].assign_coords(algorithm=results.METHODS))
    wrong = ds.rename(row="line")
    with pytest.raises(ValueError, match=r"`attribution_pixels` must lie along one of: token;"):
        attribution.plot_attribution(wrong)
    with pytest.raises(ValueError, match=r"`ds` must hold x, to draw a graph"):
        attribution.plot_attribution(results.nodes_and_edges().drop_vars("x"))
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        attribution.plot_attribution(3)


def test_the_first_combination_that_can_be_is_taken() -> None:
    ds = results.pixels()
    assert cell_of(ds, method="grad_cam").layer == "body"
    assert cell_of(ds, layer="body").method == "integrated_gradients"
    assert cell_of(ds, method="saliency", layer="body").why
    ds["attribution_pixels"].values[0, 0, 0, 0] = np.nan
    assert cell_of(ds).why == "it was not computed"


# Checks


def test_faithfulness_stands_beside_the_control() -> None:
    ds = results.pixels()
    axes = attribution.plot_faithfulness(ds)
    assert_speaks_and_cuts_no_text(axes, 2)
    for ax, name in zip(axes, ("infidelity", "sensitivity"), strict=True):
        known = ["integrated_gradients", "saliency", "random"]
        marks = {line.get_label(): line for line in ax.lines if line.get_label() in known}
        assert list(marks) == known, "what needs a layer is left out"
        whole = 0.9 if name == "infidelity" else 1.0  # shares of what zeros miss
        mean = ds[name].sel(layer="input").mean(["target", "example"]) / whole
        bounds = ds[f"{name}_interval"].sel(layer="input").mean(["target", "example"]) / whole
        spans = [c.get_segments() for c in ax.collections]
        for label in known:
            assert marks[label].get_xdata()[0] == pytest.approx(float(mean.sel(algorithm=label)))
            wanted = bounds.sel(algorithm=label).values
            assert any(np.allclose(np.array(s[0])[:, 0], wanted) for s in spans)
        assert [tick.get_text() for tick in ax.get_yticklabels()] == [
            *("integrated gradients", "saliency", "random"),
        ]
    assert "shuffled 0.556" in style.describe(axes[0])
    assert "shuffled" not in style.describe(axes[1])
    (one, _) = attribution.plot_faithfulness(ds, layer="body", target="yes")
    assert "grad cam" in style.describe(one)
    with pytest.raises(ValueError, match=r"`target` must be one of 'no', 'yes'; got 'x'"):
        attribution.plot_faithfulness(ds, target="x")


def test_agreement_is_spearmans_mean_over_examples_and_targets() -> None:
    ds = results.words_and_regions()
    ax = attribution.plot_agreement(ds)
    assert_cuts_no_text(ax.figure)
    drawn = np.asarray(ax.images[0].get_array())
    values = ds.attribution_tokens.sel(layer="input").values[[0, 1, 3]]
    for i in range(3):
        for j in range(3):
            wanted = np.mean(
                [
                    spearmanr(a[np.isfinite(a)], b[np.isfinite(b)]).statistic
                    for a, b in zip(values[i].reshape(-1, 5), values[j].reshape(-1, 5), strict=True)
                ]
            )
            assert drawn[i, j] == pytest.approx(wanted)
    assert f"saliency and integrated gradients {drawn[0, 1]:.2f}"[:40] in style.describe(ax)
    ax = attribution.plot_agreement(ds, part="regions", layer="body")
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        *("integrated gradients", "grad cam", "random"),
    ]
    with pytest.raises(ValueError, match=r"`part` must be one of 'tokens', 'regions'; got 'x'"):
        attribution.plot_agreement(ds, part="x")


def test_the_randomisation_check_is_drawn_with_its_interval() -> None:
    ds = results.pixels()
    ax = attribution.plot_randomisation(ds)
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["integrated gradients"], [1.0, 0.5, 0.1])
    np.testing.assert_allclose(drawn["saliency"], [1.0, 0.9, 0.8])
    assert "grad cam" not in drawn
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (pytest.approx(0.08), pytest.approx(1.03))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["trained", "head", "body"]
    assert "saliency 1, 0.9, 0.8" in style.describe(ax)
    assert_cuts_no_text(ax.figure)
    only = lines(attribution.plot_randomisation(ds, methods="random", layer="body"))
    assert "integrated gradients" not in only
    with pytest.raises(ValueError, match=r"`ds` must hold randomised"):
        attribution.plot_randomisation(ds.drop_vars("randomised"))
    with pytest.raises(ValueError, match=r"`methods` must be one of"):
        attribution.plot_randomisation(ds, methods=["lime"])


@pytest.mark.parametrize("plot", [attribution.plot_agreement, attribution.plot_randomisation])
def test_checks_keep_to_the_axes_given(plot) -> None:
    ax = Figure(figsize=(5, 4)).subplots()
    assert plot(results.pixels(), ax=ax) is ax
    assert isinstance(results.pixels(), xr.Dataset)
