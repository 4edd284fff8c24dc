"""Pictures of what heads do, by the numbers they draw."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.text import Text

from tests.viz import value_results as results
from tests.viz.drawn import (
    assert_cuts_no_text,
    lines,
    no_figure_is_left,  # noqa: F401 (a fixture)
)
from viz import style, value
from viz.value.held import most_counted
from viz.value.scale import scale_of

LIGHT = style.LIGHT


def cells(ax) -> np.ndarray:
    (mesh, *_) = ax.collections
    shape = (results.LAYERS, results.HEADS)
    return np.ma.asarray(mesh.get_array()).reshape(shape).filled(np.nan)


def marked(ax, sign: str) -> list[tuple[int, int]]:
    """Layer and head of every ring or frame."""
    found = [patch for patch in ax.patches if patch.get_gid() == sign]
    centres = [patch.get_center() for patch in found]
    return sorted({(int(y), int(x)) for x, y in centres})


def numbers(ax) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_fontsize() == 8.0]


def hatched(ax) -> int:
    return sum(bool(patch.get_hatch()) for patch in ax.patches)


def direction(label: str) -> xr.Dataset:
    return results.hits().sel(direction=label, kind="all")


def test_cells_hold_the_statistic_its_numbers_and_the_planted_head() -> None:
    ax = value.plot_heads(results.hits(), "hit", direction="text->image")
    wanted = direction("text->image")
    np.testing.assert_array_equal(cells(ax), wanted.hit)
    assert [float(text) for text in numbers(ax)] == pytest.approx(
        wanted.hit.values.ravel(), abs=6e-3
    )
    assert marked(ax, "ring") == marked(ax, "frame") == [results.AHEAD]
    assert "highest 0.75 at layer 1 head 2" in style.describe(ax)
    assert "called 1: layer 1 head 2" in style.describe(ax)
    assert ax.get_title(loc="left").replace("\n", " ") == "Hits on the linked partner, text → image"
    # The middle of the colours is what permuted links give.
    (mesh, *_) = ax.collections
    null = float(wanted.null.mean())
    middle = mesh.cmap(mesh.norm(null))
    np.testing.assert_allclose(middle[:3], [0.965, 0.965, 0.957], atol=0.03)
    assert mesh.get_clim() == (wanted.hit.min(), wanted.hit.max())


def test_what_is_not_applicable_is_hatched_and_named() -> None:
    ax = value.plot_heads(results.hits_of_two_streams(), "hit", direction="image->text")
    assert hatched(ax) == results.HEADS
    assert np.isnan(cells(ax)[0]).all()
    assert len(numbers(ax)) == (results.LAYERS - 1) * results.HEADS
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[-1] == "not applicable"
    assert "not applicable: 4 heads" in style.describe(ax)


@pytest.mark.parametrize("kind", ["pairs", "array"])
def test_heads_of_the_callers_choice_are_ringed(kind) -> None:
    chosen = [(0, 1), (2, 3)]
    mask = xr.DataArray(np.zeros((results.LAYERS, results.HEADS), bool), dims=("layer", "head"))
    for at in chosen:
        mask[at] = True
    selected = chosen if kind == "pairs" else mask.T
    ax = value.plot_heads(results.hits(), "lift", direction="image->text", selected=selected)
    assert marked(ax, "ring") == chosen
    assert marked(ax, "frame") == []
    assert "selected 2" in style.describe(ax)


def test_two_pictures_can_share_one_scale() -> None:
    options = {"direction": "text->image", "vmin": 0.0, "vmax": 1.0}
    for ds in (results.hits(), results.twin_hits()):
        ax = value.plot_heads(ds, "hit", **options)
        assert ax.collections[0].get_clim() == (0.0, 1.0)
    zero = value.plot_heads(results.hits(), "hit", direction="text->image", null=0.3)
    assert "Palest: 0.3." in zero.texts[0].get_text()
    plain = value.plot_heads(results.hits(), "hit", direction="text->image", null=None)
    assert to_hex(plain.collections[0].cmap(0.0)) == LIGHT.heat[0]


def test_a_scale_keeps_equal_distances_equal_and_noise_pale() -> None:
    scale = scale_of([0.4, 0.9], LIGHT, null=0.5)
    # A quarter of the reach above the null, and as far below: the same weight on both sides.
    weights = [style.luminance(colour) for colour in scale.shade(np.array([0.4, 0.6]))]
    assert weights[0] == pytest.approx(weights[1], abs=0.08)
    pale = scale_of([0.48, 0.52], LIGHT, null=0.5, reach=0.25)
    assert min(map(style.luminance, pale.shade(np.array([0.48, 0.52])))) > 0.75
    ratio = scale_of([0.0, 8.0], LIGHT, null=1.0, ratio=True)
    assert ratio.norm.vmin == pytest.approx(1 / 16)
    assert ratio.ticks() == [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]
    same = scale_of([0.0, 0.0], LIGHT)
    assert (same.norm.vmin, same.norm.vmax) == (0.0, 1.0)
    assert scale_of([np.nan], LIGHT, null=1.0, ratio=True).norm.vmax == 2.0


WRONG = [
    ({}, "`direction` must be one of 'text->image', 'image->text'; got none"),
    ({"direction": "up"}, "`direction` must be one of 'text->image', 'image->text'; got 'up'"),
    ({"at": {"role": "x"}}, "`role` must be None where hit has no dim role; got 'x'"),
    ({"vmin": 2.0}, "`vmax` must be above `vmin`; got vmin 2"),
    ({"null": "chance"}, "`null` must be one of 'known'; got 'chance'"),
    ({"selected": [(9, 0)]}, "`selected layer` must be one of 0, 1, 2; got 9"),
    ({"selected": [(0, 7)]}, "`selected head` must be one of 0, 1, 2, 3; got 7"),
    ({"selected": [3]}, "`selected` must hold pairs of layer and head; got 3"),
    ({"selected": xr.DataArray([True])}, "`selected` must have dims layer and head; got dims"),
    (
        {"selected": xr.DataArray([[True]], dims=("layer", "head"))},
        r"`selected` must be 3 layers by 4 heads; got \(1, 1\)",
    ),
]


@pytest.mark.parametrize(("options", "told"), WRONG, ids=[told[:36] for _, told in WRONG])
def test_wrong_options_of_a_matrix_are_refused(options, told) -> None:
    options = options if told.startswith("`direction`") else {"direction": "text->image"} | options
    with pytest.raises(ValueError, match=told):
        value.plot_heads(results.hits(), "hit", **options)


def test_what_has_no_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="`variable` must have dims layer and head; got held"):
        value.plot_heads(results.hits(), "held_out")
    with pytest.raises(TypeError, match=r"`selected` must be a bool DataArray .*; got str"):
        value.plot_heads(results.hits(), "hit", direction="text->image", selected="all")
    with pytest.raises(
        ValueError, match=r"`at\['modality'\]` must be one of 'text', 'image', .*none"
    ):
        value.plot_heads(results.importance(), "mass")
    with pytest.raises(ValueError, match="`vmin` must be above 0 for a ratio; got 0"):
        value.plot_heads(results.importance(), "per_token", at={"modality": "text"}, vmin=0)


def test_matrices_of_both_directions_share_a_scale_around_their_own_chance() -> None:
    axes = value.plot_coreference(results.hits(), results.twin_hits())
    for ax, label in zip(axes, ("text->image", "image->text"), strict=False):
        one = direction(label)
        np.testing.assert_allclose(cells(ax), one.hit - one.null)
        assert float(numbers(ax)[5]) == pytest.approx(float(one.hit[1, 1]), abs=6e-3)
    clims = {ax.collections[0].get_clim() for ax in axes[:2]}
    assert len(clims) == 1
    assert marked(axes[0], "ring") == [results.AHEAD]
    assert marked(axes[1], "ring") == [results.BACK]


@pytest.mark.parametrize("count", [3, 8, 14])
def test_many_kinds_make_the_picture_taller_and_no_text_smaller(count: int) -> None:
    one, *others = (results.hits().isel(kind=[i % 3]) for i in range(count))
    named = [ds.assign_coords(kind=[f"kind {i}"]) for i, ds in enumerate(others)]
    ds = xr.concat([one, *named], "kind", data_vars="minimal", coords="minimal", compat="override")
    axes = value.plot_coreference(ds, ds)
    figure = axes[0].figure
    assert_cuts_no_text(figure)
    width, height = figure.get_size_inches()
    assert width < 10
    assert height > 0.37 * 2 * min(count, 12) + 3
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(text.get_fontsize() for text in texts) >= 8
    boxes = [ax.get_position() for ax in axes]
    assert boxes[2].y1 < min(boxes[0].y0, boxes[1].y0)
    assert boxes[2].width > 1.8 * boxes[0].width


def test_held_out_scores_stand_beside_chance_and_twin() -> None:
    ds, twin = results.hits(), results.twin_hits()
    (*_, ax) = value.plot_coreference(ds, twin)
    dots = {name: [] for name in ("trained", "random weights")}
    for line in ax.get_lines():
        if line.get_label() in dots:
            dots[line.get_label()].append(float(line.get_xdata()[0]))
    assert dots["trained"] == pytest.approx(ds.held_out.values.ravel())
    assert dots["random weights"] == pytest.approx(twin.held_out.values.ravel())
    drawn = [c.get_segments()[0] for c in ax.collections]
    level = [segment[:, 0].tolist() for segment in drawn if segment[0, 1] == segment[1, 1]]
    wanted = np.concatenate([ds.held_out_interval, twin.held_out_interval], axis=1)
    np.testing.assert_allclose(sorted(level), sorted(wanted.reshape(-1, 2).tolist()))
    chance = sorted(segment[0, 0] for segment in drawn if segment[0, 0] == segment[1, 0])
    assert chance == pytest.approx(sorted(ds.held_out_null.values.ravel()))
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names[0] == "all\nlayer 1 head 2"
    assert "text → image, all layer 1 head 2: trained" in style.describe(ax)
    assert "p < .001" in ax.texts[0].get_text()
    assert f"{int(ds.n_units[1, 2, 0, 0])} counted" in ax.texts[0].get_text()


def test_relations_stand_around_one_half() -> None:
    ds = results.related()
    axes = value.plot_relations(ds, relation="left of")
    one = ds.sel(relation="left of")
    for i in (0, 1):
        np.testing.assert_allclose(cells(axes[i]), one.auc.isel(role=i) - 0.5)
    assert len(axes[2].get_yticklabels()) == ds.sizes["role"] * ds.sizes["relation"]
    with pytest.raises(ValueError, match=r"`relation` must be one of 'any', 'left of', .*'under'"):
        value.plot_relations(ds, relation="under")


def test_rows_have_room_for_the_commonest_relations_only() -> None:
    counts = xr.DataArray(np.arange(30.0)[None], dims=("role", "relation"))
    ds = xr.Dataset({"n": counts}, {"relation": [f"r{i}" for i in range(30)], "role": ["a"]})
    assert most_counted(ds, "role", "relation", "n") == ["r0", *(f"r{i}" for i in range(7, 30))]
    assert most_counted(ds.isel(relation=[3, 1]), "role", "relation", "n") == ["r3", "r1"]


def test_looking_across_has_one_scale_from_none_to_all() -> None:
    axes = value.plot_cross_modal(results.crossing())
    for ax, label in zip(axes, results.crossing().direction.values, strict=True):
        wanted = results.crossing().probability.sel(direction=label)
        np.testing.assert_array_equal(cells(ax), wanted)
        assert ax.collections[0].get_clim() == (0.0, 1.0)
        assert marked(ax, "ring") == [tuple(at) for at in np.argwhere(wanted.values > 0.5)]
        assert hatched(ax) == results.HEADS


def test_profile_has_a_matrix_for_each_question_and_direction() -> None:
    ds = results.profiled()
    axes = value.plot_profile(ds)
    np.testing.assert_allclose(cells(axes[5]), ds["coreference.hit"].isel(direction=0, kind=0))
    np.testing.assert_allclose(cells(axes[8]), ds["relations.auc"].isel(role=1, relation=0))
    assert axes[5].collections[0].get_clim() == axes[6].collections[0].get_clim()
    assert "chosen: layer 1 head 2" in style.describe(axes[5])
    assert lines(axes[5]) == {}
