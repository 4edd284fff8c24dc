"""Pictures of edits: the numbers they draw, and what they refuse."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from probe.lowrank import region_directions, region_gram
from probe.lowrank.attribution import region_attribution
from tests.viz import lowrank_results as results
from tests.viz.drawn import lines, no_figure_is_left  # noqa: F401 (a fixture)
from viz import lowrank, style


@pytest.fixture(scope="module")
def edits() -> xr.Dataset:
    return results.edits(plus=True)


def height_of(bar: Any) -> float:
    return bar.get_height()


def words_in(ax):
    return [text.get_text() for text in ax.texts]


# Spectra


def test_spectra_are_drawn_with_their_cut_and_its_reason() -> None:
    gram = region_gram(results.generate, results.latents(1), results.masks()["left"])
    ds = region_directions(gram)
    ax = lowrank.plot_spectra(ds)
    drawn = lines(ax)
    for name, side in (("region", "inside"), ("rest", "outside")):
        values = ds[f"spectrum_{side}"].values
        known = values > 1e-9 * ds.spectrum_inside.values[0]
        np.testing.assert_allclose(drawn[name][known[: len(drawn[name])]], values[known])
        assert np.isnan(drawn[name][~known[: len(drawn[name])]]).all()
    assert ax.get_yscale() == "log"
    rank = ds.attrs["rank"]
    cut = np.asarray(ax.get_lines()[2].get_xdata())
    assert cut.tolist() == [rank + 0.5] * 2
    assert f"rank {rank}" in words_in(ax)
    assert ds.attrs["rank_reason"] in style.describe(ax)
    assert len(lines(lowrank.plot_spectra(ds, most=2))["region"]) == min(2, rank + 2)


def test_spectra_are_refused_where_they_are_missing() -> None:
    with pytest.raises(ValueError, match=r"`ds` must hold spectrum_inside, spectrum_outside; got"):
        lowrank.plot_spectra(xr.Dataset())
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        lowrank.plot_spectra([1])  # type: ignore[arg-type]


# Strips


def test_strips_show_each_frame_that_is_reached(edits: xr.Dataset) -> None:
    ax = lowrank.plot_directions(edits, mask="right", kind="w+")
    own = edits.isel(edit=np.flatnonzero((edits["name"] == "right") & (edits.space == "w+")))
    reached = np.isfinite(own.outside.values)
    shown = [image.get_array() for image in ax.images]
    wanted = own.frames.transpose("edit", "step", "row", "column", "channel").values[reached]
    np.testing.assert_array_equal(np.array(shown), wanted)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == ["direction 1", "direction 2", "principal", "random"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "−0.2",
        "−0.1",
        "0",
        "+0.1",
        "+0.2",
    ]
    outlines = [c for c in ax.collections if c.get_gid() == "outline"]
    assert len(outlines) == 2 * own.sizes["edit"]
    assert "Edits of right in w+, generalised" in style.describe(ax)


def test_near_empty_directions_say_so_in_place_of_a_ratio(edits: xr.Dataset) -> None:
    ax = lowrank.plot_directions(edits, mask="left")
    own = edits.isel(edit=np.flatnonzero((edits["name"] == "left") & (edits.space == "w")))
    texts = [text for text in ax.texts if text.get_text().startswith("keeps")]
    for text, empty in zip(texts, own.near_empty.values, strict=True):
        assert ("nearly empty" in text.get_text()) == empty
        assert ("in/out" in text.get_text()) != empty
        assert (text.get_color() == style.LIGHT.series[1]) == empty
    assert own.near_empty.values.any()
    assert not own.near_empty.values.all()


def test_an_unreached_step_is_left_blank(edits: xr.Dataset) -> None:
    ds = edits.copy(deep=True)
    ds["outside"][0, :] = np.nan
    ax = lowrank.plot_directions(ds)
    assert words_in(ax).count("not\nreached") == 5
    assert any("no step reached" in text for text in words_in(ax))


def test_edits_are_refused_that_are_not_there(edits: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"`mask` must be one of 'left', 'right'; got 'nose'"):
        lowrank.plot_directions(edits, mask="nose")
    with pytest.raises(ValueError, match=r"`kind` must be one of 'w', 'w\+'; got 'z'"):
        lowrank.plot_directions(edits, kind="z")
    with pytest.raises(ValueError, match=r"`ds` must hold frames, .*probe.lowrank.EditSource"):
        lowrank.plot_directions(xr.Dataset())


# Change


def test_changes_are_heat_maps_on_one_scale_with_the_region_outlined(edits: xr.Dataset) -> None:
    picture, own, principal, random = lowrank.plot_change(edits, mask="left", step=0.1)
    np.testing.assert_array_equal(
        picture.images[0].get_array(), edits.image[0].transpose("row", "column", "channel")
    )
    chosen = edits.isel(edit=np.flatnonzero((edits["name"] == "left") & (edits.space == "w")))
    change = chosen.change.sel(step=0.1).values[[0, 2, 3]]
    for ax, wanted in zip((own, principal, random), change, strict=True):
        np.testing.assert_allclose(ax.images[0].get_array(), wanted)
        assert ax.images[0].norm.vmax == pytest.approx(np.nanmax(change))
    edges = [c for c in own.collections if isinstance(c, LineCollection)]
    assert len(edges[0].get_segments()) == 16
    assert np.concatenate(edges[0].get_segments()).min(0).tolist() == [0.5, 1.5]
    assert own.get_title(loc="left") == "Direction 1"
    outside = float(chosen.outside.sel(step=0.1)[2])
    assert f"in/out {0.1 / outside:.2g}" in words_in(principal)[0].replace("\n", " ")


def test_the_farthest_step_that_all_reach_is_shown(edits: xr.Dataset) -> None:
    ds = edits.copy(deep=True)
    ds["outside"].values[:, -1] = np.nan
    axes = lowrank.plot_change(ds, mask="left")
    wanted = ds.change.sel(step=-0.2).values[0]
    np.testing.assert_allclose(axes[1].images[0].get_array(), wanted)
    with pytest.raises(ValueError, match=r"`direction` must be between 0 and 1; got 2"):
        lowrank.plot_change(edits, direction=2)
    with pytest.raises(ValueError, match=r"`step` must be one of -0.2, .*; got 0.3"):
        lowrank.plot_change(edits, step=0.3)
    with pytest.raises(ValueError, match=r"`ds` must hold an edit with a step that is reached"):
        lowrank.plot_change(edits.assign(outside=edits.outside * np.nan))


# Methods


def test_methods_stand_side_by_side_with_intervals_and_kept_effects() -> None:
    found, made = results.compared()
    ratios, kept = lowrank.plot_locality(found, effects=made, step=0.1)
    dots = [line for line in ratios.get_lines() if line.get_marker() in style.MARKERS]
    wanted = np.concatenate([ds.ratio_mean.sel(step=0.1).values for ds in found.values()])
    np.testing.assert_allclose([float(line.get_xdata()[0]) for line in dots], wanted)
    ends = [s[:, 0] for c in ratios.collections for s in c.get_segments()]
    bounds = np.concatenate([ds.ratio_mean_interval.sel(step=0.1).values for ds in found.values()])
    np.testing.assert_allclose(ends, bounds)
    shown = [line for line in kept.get_lines() if line.get_marker() in style.MARKERS]
    effects = np.concatenate([ds.kept_effect.values for ds in made.values()])
    np.testing.assert_allclose([float(line.get_xdata()[0]) for line in shown], effects)
    empty = np.concatenate([ds.near_empty.values for ds in made.values()])
    hollow = [line.get_markerfacecolor() == style.LIGHT.paper for line in shown]
    assert hollow == empty.tolist()
    assert empty.any()
    assert [t.get_text() for t in ratios.get_yticklabels()] == list(made)
    assert "generalised" in style.describe(ratios)


def test_the_largest_common_step_is_taken() -> None:
    found, _ = results.compared()
    short = {**found, "random": found["random"].sel(step=[0.1])}
    (ax,) = lowrank.plot_locality(short)
    assert "At a change of 0.1 inside" in style.describe(ax)
    (ax,) = lowrank.plot_locality(found["random"], Figure().subplots())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["directions"]


def test_methods_are_refused_that_do_not_fit() -> None:
    found, made = results.compared()
    with pytest.raises(ValueError, match=r"`ds` must hold at least one result; got none"):
        lowrank.plot_locality({})
    with pytest.raises(TypeError, match=r"`ds` must be a Dataset or Datasets by name; got"):
        lowrank.plot_locality([1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`ds` must have a step in common; got none"):
        lowrank.plot_locality(
            {"a": found["random"].sel(step=[0.1]), "b": found["random"].sel(step=[0.2])}
        )
    with pytest.raises(ValueError, match=r"`step` must be one of 0.1, 0.2; got 0.3"):
        lowrank.plot_locality(found, step=0.3)
    with pytest.raises(ValueError, match=r"`effects` must hold 'generalised'; got nothing"):
        lowrank.plot_locality(found, effects={})
    with pytest.raises(ValueError, match=r"`effects` must have 1 directions for 'random'; got 2"):
        lowrank.plot_locality({"random": found["random"]}, effects={"random": made["principal"]})


# Attributes


def test_attributes_are_stacked_with_the_intended_one_first() -> None:
    found = results.attributed()
    ax = lowrank.plot_attributes(found)
    bars = {
        str(group.get_label()): [patch.get_width() for patch in group.patches]
        for group in ax.containers
        if isinstance(group, BarContainer)
    }
    assert list(bars) == ["left", "right"]
    for name, widths in bars.items():
        wanted = [
            float(ds.share_mean.mean("direction").sel(attribute=name)) for ds in found.values()
        ]
        np.testing.assert_allclose(widths, wanted)
    held = [c for c in ax.collections if isinstance(c, LineCollection)]
    lasting = [c for c in held if np.ravel(c.get_linewidth())[0] == 2.0]
    ends = [c.get_segments()[0][:, 0] for c in lasting]
    np.testing.assert_allclose(ends, [ds.intended_mean_interval for ds in found.values()])
    means = [float(ds.intended_mean) for ds in found.values()]
    assert words_in(ax)[0].startswith(f"{means[0]:.2g} (")
    assert "What an edit of the left changes" in style.describe(ax)
    assert isinstance(lowrank.plot_attributes(found["random"]), Axes)


def test_attributes_are_refused_that_differ() -> None:
    found = results.attributed()
    with pytest.raises(ValueError, match=r"`ds` must hold at least one result; got none"):
        lowrank.plot_attributes({})
    with pytest.raises(TypeError, match=r"`ds` must be a Dataset or Datasets by name; got"):
        lowrank.plot_attributes(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`ds` must name their intended attribute in attrs"):
        lowrank.plot_attributes(found["random"].assign_attrs(intended="nose"))
    other = found["random"].assign_attrs(intended="right")
    with pytest.raises(ValueError, match=r"`ds` must have the same attributes and intention"):
        lowrank.plot_attributes({"a": found["random"], "b": other})


@pytest.mark.parametrize("name", ["light", "dark"])
def test_pictures_follow_the_theme(name: str, edits: xr.Dataset) -> None:
    with style.theme(name) as colours:
        for ax in (lowrank.plot_directions(edits), lowrank.plot_change(edits)[0]):
            assert to_hex(ax.figure.get_facecolor()) == colours.paper


# Attribution


def test_energy_and_attribution_stand_side_by_side() -> None:
    latent = results.latents(1)[0]
    plus = region_attribution(results.generate, results.broadcast(latent), results.masks()["left"])
    ax = lowrank.plot_attribution(plus)
    heights = [height_of(patch) for patch in ax.patches]
    wanted = [plus[f"{name}_share"].sum("feature") for name in ("energy", "attribution")]
    np.testing.assert_allclose(heights, np.concatenate(wanted))
    assert "What the region depends on, by layer of w+" in style.describe(ax)
    plain = region_attribution(results.generate, latent, results.masks()["left"])
    ax = lowrank.plot_attribution(plain, most=3)
    shares = np.maximum(plain.energy_share.values, plain.attribution_share.values)
    order = np.argsort(-shares)[:3]
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(i) for i in order]
    np.testing.assert_allclose(
        [height_of(patch) for patch in ax.patches[:3]], plain.energy_share[order]
    )
    with pytest.raises(ValueError, match=r"`ds` must hold energy_share, attribution_share, resi"):
        lowrank.plot_attribution(xr.Dataset())
