"""Pictures of whitening results, by the numbers they draw."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from tests.viz import whitening_results as results
from tests.viz.drawn import (
    assert_cuts_no_text,
    assert_keeps_to_axes,
    bars,
    lines,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import style, whitening
from viz.whitening.panel import PANELS

LIGHT = style.LIGHT
# Each picture, the result that it draws, and its number of Axes.
ALL = [
    (whitening.plot_spectrum, results.geometry, 1),
    (whitening.plot_anisotropy, results.geometry, len(PANELS)),
    (whitening.plot_rogue_dimensions, results.geometry, 1),
    (whitening.plot_cosines, results.effect, 1),
    (whitening.plot_transformed_spectrum, results.effect, 1),
    (whitening.plot_map, results.effect, 1),
    (whitening.plot_effect, results.effect, 3),
    (whitening.plot_sts, results.sts, 1),
    (whitening.plot_topics, results.topics, 1),
    (whitening.plot_classification, results.classes, 1),
    (whitening.plot_contextuality, results.tokens, 1),
    (whitening.plot_training, results.training, 5),
]
IDS = [function.__name__ for function, _, _ in ALL]


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_every_picture_makes_one_figure_that_draws_and_speaks(plot, result, panels) -> None:
    axes = np.ravel(plot(result()))
    assert len(axes) == panels
    assert len(plt.get_fignums()) == 1
    figure = axes[0].figure
    figure.canvas.draw()
    said = style.describe(figure)
    assert figure.get_label() == said
    assert any(char.isdigit() for char in said)
    for ax in axes:
        assert ax.get_title(loc="left")
        assert style.describe(ax) in said


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_every_picture_keeps_to_the_axes_given(plot, result, panels) -> None:
    assert_keeps_to_axes(plot, result, panels)


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_no_text_is_cut_off_or_covers_another(plot, result, panels) -> None:
    assert_cuts_no_text(np.ravel(plot(result()))[0].figure)


@pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)
def test_every_picture_names_what_is_missing(plot, result, panels) -> None:
    empty = xr.Dataset(
        {"other": ("layer", [1.0])}, {"layer": [0], "step": [0], "transform": ["raw"]}
    )
    with pytest.raises(ValueError, match=r"`ds` must (hold|have) .*; got .*"):
        plot(empty)
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        plot([1, 2])
    assert plt.get_fignums() == []


def test_tiny_and_huge_values_leave_no_factor_over_the_axis() -> None:
    ds = results.geometry()
    ds = ds.assign(
        partition_isotropy=ds.partition_isotropy * 0 + [1e-5, 2e-5, 4e-6],
        partition_isotropy_interval=ds.partition_isotropy_interval * 0,
        twonn_dimension=ds.twonn_dimension * 1e6,
        twonn_dimension_interval=ds.twonn_dimension_interval * 1e6,
    )
    for panels in (["partition"], ["partition", "intrinsic_dimension", "null"]):
        axes = whitening.plot_anisotropy(ds, panels=panels)
        assert_cuts_no_text(axes[0].figure)
        assert [ax.yaxis.get_offset_text().get_text() for ax in axes] == [""] * len(panels)
        assert "1e−05" in [label.get_text() for label in axes[0].get_yticklabels()]


def test_spectrum_ends_at_the_rank_and_marks_what_lies_beyond() -> None:
    ds = results.geometry()
    ax = whitening.plot_spectrum(ds)
    assert ds.numerical_rank.values.tolist() == [6, 5, 6]
    for layer, rank in enumerate([6, 5, 6]):
        curve, ring, null = ax.get_lines()[3 * layer : 3 * layer + 3]
        np.testing.assert_array_equal(curve.get_ydata(), ds.explained_share.values[layer, :rank])
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (
            rank,
            ds.explained_share.values[layer, rank - 1],
        )
        assert list(null.get_xdata()) == list(range(rank + 1, 7))
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert "6 of 6 in layer 0 and 2; 5 of 6 in layer 1." in ax.texts[0].get_text().replace(
        "\n", " "
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "1", "2"]


def test_spectrum_of_an_effect_shows_variances_of_the_layers_asked_for() -> None:
    ds = results.effect()
    ax = whitening.plot_spectrum(ds, layers=[2, 0])
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), ds.eigenvalues.values[2])
    with pytest.raises(ValueError, match="`layers` must be one of 0, 1, 2; got 7"):
        whitening.plot_spectrum(ds, layers=[7])
    with pytest.raises(ValueError, match="`layers` must name at least one layer; got none"):
        whitening.plot_spectrum(ds, layers=[])


def test_a_layer_without_variance_is_drawn_as_null() -> None:
    share = np.array([[0.7, 0.3], [np.nan, np.nan]])
    ds = xr.Dataset(
        {"explained_share": (("layer", "component"), share), "numerical_rank": ("layer", [2, 0])},
        {"layer": ["a", "b"]},
    )
    ax = whitening.plot_spectrum(ds)
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [2, 1, 0, 0, 2]


def test_whitened_spectrum_is_flat() -> None:
    ax = whitening.plot_transformed_spectrum(results.effect(), 0)
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["whiten"], 1, rtol=1e-6)
    np.testing.assert_allclose(drawn["raw"], results.effect().eigenvalues.values[0])


@pytest.mark.parametrize("name", PANELS)
def test_each_panel_draws_its_measures_and_intervals(name) -> None:
    ds = results.geometry()
    (ax,) = whitening.plot_anisotropy(ds, panels=[name])
    drawn = lines(ax)
    intervals = []
    for variable, label in PANELS[name].variables:
        np.testing.assert_array_equal(drawn[label], ds[variable].values)
        if f"{variable}_interval" in ds:
            intervals.append(ds[f"{variable}_interval"].values.tolist())
    assert bars(ax) == intervals
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "2"]
    if PANELS[name].zero and min(map(np.nanmin, drawn.values())) >= 0:
        assert ax.get_ylim()[0] <= 0


def test_unknown_panels_are_refused() -> None:
    with pytest.raises(ValueError, match="`panels` must be one of 'average_cosine'"):
        whitening.plot_anisotropy(results.geometry(), panels=["speed"])
    with pytest.raises(ValueError, match="`panels` must name at least one panel"):
        whitening.plot_anisotropy(results.geometry(), panels=[])


def test_a_selected_layer_is_drawn_alone() -> None:
    one = results.geometry().sel(layer=2)
    (ax,) = whitening.plot_anisotropy(one, panels=["isoscore"])
    np.testing.assert_array_equal(lines(ax)["corrected"], [one.isoscore_corrected.item()])


def test_rogue_dimensions_are_the_largest_contributions() -> None:
    ds = results.geometry()
    ax = whitening.plot_rogue_dimensions(ds, 0, top=4)
    contribution = ds.cosine_contribution.values[0]
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_array_equal(heights, np.sort(contribution)[::-1][:4])
    assert ax.get_xticklabels()[0].get_text() == "2"
    share = contribution[2] / ds.average_cosine.values[0]
    assert ax.texts[0].get_text() == f"{100 * share:.0f} %"
    # One feature alone makes half: its bar alone is coloured.
    assert ax.get_title(loc="left") == "Average cosine of layer 0: 1 feature makes half of it"
    colours = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours == [LIGHT.series[1], *[LIGHT.other] * 3]
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), ds.average_cosine.values[0] / 6)


@pytest.mark.parametrize(
    ("contribution", "said"),
    [
        ([0.3, 0.2, 0.2, 0.2, 0.1], "2 of 5 features make half"),
        ([0.4, -0.1, 0.1, -0.1, 0.0], "1 feature makes half"),
        ([-0.3, 0.1, 0.0, 0.0, 0.0], "no sum to make half of"),
    ],
)
def test_half_of_the_cosine(contribution, said) -> None:
    ds = xr.Dataset(
        {
            "cosine_contribution": (("layer", "feature"), [contribution]),
            "average_cosine": ("layer", [sum(contribution)]),
        },
        {"layer": [0]},
    )
    ax = whitening.plot_rogue_dimensions(ds, 0)
    assert said in ax.get_title(loc="left").replace("\n", " ")
    with pytest.raises(ValueError, match="`top` must be at least 1"):
        whitening.plot_rogue_dimensions(ds, 0, top=0)
    with pytest.raises(ValueError, match="`layer` must be one of 0; got 4"):
        whitening.plot_rogue_dimensions(ds, 4)


def test_contextuality_lines_and_intervals() -> None:
    ds = results.tokens()
    ax = whitening.plot_contextuality(ds)
    np.testing.assert_array_equal(lines(ax)["difference"], ds.adjusted_similarity.values)
    assert bars(ax)[1] == ds.token_baseline_interval.values.tolist()


def test_training_curves_and_measures() -> None:
    ds = results.training()
    loss, cosine, _, rank, retrieval = whitening.plot_training(ds)
    np.testing.assert_array_equal(lines(loss)["loss"], [2.0, 1.0, 0.5])
    assert loss.get_ylabel() == "nat"
    for i in range(3):
        np.testing.assert_array_equal(lines(cosine)[str(i)], ds.average_cosine.values[:, i])
        band = cosine.collections[i].get_paths()[0].vertices[:, 1]
        assert band.max() == ds.average_cosine_interval.values[:, i].max()
    assert rank.get_title(loc="left") == "Effective rank"
    np.testing.assert_allclose(lines(retrieval)["chance"], 0.05)
    (_, only) = whitening.plot_training(ds, measures=["uniformity"])
    np.testing.assert_array_equal(lines(only)["0"], ds.uniformity.values[:, 0])
    with pytest.raises(ValueError, match=r"`measures` must name some of .*; got speed"):
        whitening.plot_training(ds, measures=["speed"])


@pytest.mark.parametrize(("plot", "result", "panels"), ALL[:3], ids=IDS[:3])
def test_dark_pictures_use_dark_colours(plot, result, panels) -> None:
    with style.theme("dark"):
        ax = np.ravel(plot(result()))[0]
    assert to_hex(ax.figure.get_facecolor()) == style.DARK.paper
    assert ax.title.get_color() == ax.xaxis.label.get_color() == style.DARK.ink
