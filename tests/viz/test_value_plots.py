"""Pictures of what heads do: what holds for all of them."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import viz
from tests.viz import value_results as results
from tests.viz.drawn import (
    assert_keeps_to_axes,
    assert_speaks_and_cuts_no_text,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import style, value
from viz._registry import plot_function


def heads(ds, ax=None):
    return value.plot_heads(ds, "hit", ax, direction="text->image")


def per_token(ds, ax=None):
    return value.plot_heads(ds, "per_token", ax, at={"modality": "image"})


def coreference_beside_twin(ds, ax=None):
    return value.plot_coreference(ds, results.twin_hits(), ax, kind="thing")


def fusion_beside_twin(ds, ax=None):
    return value.plot_fusion(ds, results.twin_fused(), ax)


def probers_beside_twin(ds, ax=None):
    return value.plot_probers(ds, results.of_attention_twin(), ax)


def ablation_along_scores(ds, ax=None):
    return value.plot_ablation(ds, ax, against=results.scores())


# Each picture, the result that it draws, and its number of Axes.
ALL = [
    (heads, results.hits, 1),
    (per_token, results.importance_of_two_streams, 1),
    (value.plot_modality, results.importance, 2),
    (value.plot_modality, results.importance_of_two_streams, 2),
    (value.plot_cross_modal, results.crossing, 2),
    (value.plot_coreference, results.hits_of_two_streams, 3),
    (coreference_beside_twin, results.hits, 3),
    (value.plot_relations, results.related, 3),
    (value.plot_fusion, results.fused, 3),
    (fusion_beside_twin, results.fused, 3),
    (value.plot_probers, results.of_attention, 1),
    (probers_beside_twin, results.of_attention, 1),
    (value.plot_probers, results.of_states, 2),
    (value.plot_probers, results.of_captions, 5),
    (value.plot_ablation, results.ablated, 1),
    (ablation_along_scores, results.ablated, 2),
    (value.plot_steps, results.watched, 3),
    (value.plot_profile, results.profiled, 9),
]
IDS = [f"{function.__name__}-{result.__name__}" for function, result, _ in ALL]
every = pytest.mark.parametrize(("plot", "result", "panels"), ALL, ids=IDS)


@every
def test_every_picture_draws_speaks_and_cuts_no_text(plot, result, panels) -> None:
    # Places of texts do not depend on the theme.
    with style.theme("dark"):
        axes = np.ravel(plot(result()))
    assert_speaks_and_cuts_no_text(axes, panels)


@every
def test_every_picture_keeps_to_the_axes_given(plot, result, panels) -> None:
    assert_keeps_to_axes(plot, result, panels)


@every
def test_every_picture_names_what_is_missing(plot, result, panels) -> None:
    dims = ("step", "layer", "head", "direction", "kind", "role", "relation", "modality", "task")
    empty = xr.Dataset({"other": ("node", [1.0])}, {dim: ["a"] for dim in dims})
    with pytest.raises(ValueError, match=r"`ds` must hold .*; got other\."):
        plot(empty)
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        plot([1, 2])
    assert plt.get_fignums() == []


@every
def test_every_result_finds_its_picture(plot, result, panels) -> None:
    assert viz.has_plot(result())
    assert plot_function(result()).__name__ in value.__all__


def test_the_accessor_takes_the_twin() -> None:
    axes = results.fused().viz.plot(twin=results.twin_fused())
    assert "random weights" in style.describe(axes[0])


TWINS = [
    (value.plot_fusion, results.fused),
    (value.plot_coreference, results.hits),
    (value.plot_probers, results.of_attention),
]


@pytest.mark.parametrize(("plot", "result"), TWINS)
def test_a_twin_is_of_the_same_measure_with_the_same_labels(plot, result) -> None:
    with pytest.raises(TypeError, match=r"`twin` must be an xarray.Dataset: .*; got list"):
        plot(result(), [1])
    with pytest.raises(ValueError, match=r"`twin` must be a result of value\.\w+, as `ds` is"):
        plot(result(), result().assign_attrs(probe="value.other"))
    with pytest.raises(ValueError, match=r"`twin` must hold .*; got no variables"):
        plot(result(), xr.Dataset())
    assert plt.get_fignums() == []


def test_a_twin_of_other_layers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`twin` must have the labels of `ds` along layer, \[0"):
        value.plot_fusion(results.fused(), results.twin_fused().isel(layer=[0, 1]))


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK], ids=lambda theme: theme.name)
def test_both_sides_of_a_diverging_map_gain_contrast_alike(theme) -> None:
    from viz.value.scale import diverging

    light = [style.luminance(colour) for colour in diverging(theme)]
    sign = 1 if theme.name == "dark" else -1
    away = [sign * light[3 + side * i] for side in (-1, 1) for i in range(4)]
    assert away[:4] == sorted(away[:4])
    assert away[4:] == sorted(away[4:])
    for i in range(1, 4):
        brighter, darker = sorted([light[3 - i] + 0.05, light[3 + i] + 0.05], reverse=True)
        assert brighter / darker < 1.6
