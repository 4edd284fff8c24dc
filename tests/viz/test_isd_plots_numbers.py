"""Pictures of relation consistency: the numbers they draw, and what they refuse."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.viz import isd_results as results
from tests.viz.drawn import bars, lines, no_figure_is_left  # noqa: F401 (a fixture)
from viz import isd, style
from viz.isd.pair import objects_of
from viz.isd.spans import spans_of, spans_of_tokens, tones_of, words_of


def words_in(ax):
    return [text.get_text() for text in ax.texts]


# ISD by layer


def test_isd_and_permuted_links_are_drawn_with_intervals() -> None:
    ds = results.measured()
    isd_ax, gap_ax, even_ax = isd.plot_isd(ds)
    drawn = lines(isd_ax)
    np.testing.assert_allclose(drawn["true links"], ds.isd)
    np.testing.assert_allclose(drawn["permuted links"], ds.permuted)
    np.testing.assert_allclose(bars(isd_ax)[0], ds.isd_interval)
    np.testing.assert_allclose(lines(gap_ax)["gap"], ds.gap)
    np.testing.assert_allclose(bars(gap_ax)[0], ds.gap_interval)
    np.testing.assert_allclose(
        lines(even_ax)["visual"], ds.entropy.mean("head").sel(modality="visual")
    )
    low, high = (getattr(ds.entropy, f)("head").sel(modality="linguistic") for f in ("min", "max"))
    np.testing.assert_allclose(bars(even_ax)[0], np.stack([low, high], axis=-1))
    assert "p below .05 at layers 2, 3" in style.describe(gap_ax)
    assert "74 pairs" in isd_ax.texts[0].get_text()


def test_p_values_stand_beside_where_they_fit_and_stars_where_they_do_not() -> None:
    ds = results.measured()
    _, gap_ax, _ = isd.plot_isd(ds)
    assert {"p = .710", "p = .220", "p < .001", "p = .034"} <= set(words_in(gap_ax))
    bold = [text for text in gap_ax.texts if text.get_fontweight() == "bold"]
    assert [text.get_text() for text in bold] == ["p < .001", "p = .034"]
    narrow = Figure(figsize=(4, 3)).subplots(1, 3)
    _, gap_ax, _ = isd.plot_isd(ds, narrow)
    assert words_in(gap_ax).count("*") == 2
    assert any("p < .05" in text.replace("\n", " ") for text in words_in(gap_ax))
    _, gap_ax = isd.plot_isd(ds.drop_vars(["p", "entropy"]))
    assert not any(text.startswith("p ") for text in words_in(gap_ax))
    corrected = ds.assign(p_corrected=ds.p * 0 + 0.5)
    assert "p = .500" in words_in(isd.plot_isd(corrected)[1])


def test_layers_without_a_block_are_gaps() -> None:
    axes = isd.plot_isd(results.measured_of_two_streams())
    for ax in axes:
        assert all(np.isnan(line[0]) for line in lines(ax).values() if len(line) == results.LAYERS)
    assert "undefined" in style.describe(axes[0])
    nothing = results.measured() * np.nan
    nothing = nothing.assign(n_pairs=3)
    assert "not applicable in any layer" in style.describe(isd.plot_isd(nothing)[1])


# Heads


def test_heads_are_ringed_where_called_and_framed_where_chosen() -> None:
    ds = results.measured()
    ax = isd.plot_isd_heads(ds)
    (mesh,) = [c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh)]
    np.testing.assert_allclose(mesh.get_array().reshape(ds.gap_head.shape), ds.gap_head)
    rings = [patch.center for patch in ax.patches if patch.get_gid() == "ring"]
    layer, head = results.BEST
    assert rings == [(head + 0.5, layer + 0.5)]
    assert len([patch for patch in ax.patches if patch.get_gid() == "frame"]) == 2
    assert "called 1: layer 2 head 1" in style.describe(ax)
    assert "it has 0.37 (0.27 to 0.45) on the other, p = .003." in style.describe(ax)
    assert mesh.cmap(mesh.norm(0.0))[:3] == pytest.approx(mpl.colors.to_rgb("#f6f6f4"), abs=0.02)
    plain = isd.plot_isd_heads(ds.drop_vars("called_head"), "isd_head", vmin=0, vmax=3)
    (mesh,) = [c for c in plain.collections if isinstance(c, mpl.collections.QuadMesh)]
    assert (mesh.norm.vmin, mesh.norm.vmax) == (0, 3)
    assert not [patch for patch in plain.patches if patch.get_gid() == "ring"]


def test_a_matrix_of_heads_refuses_what_it_cannot_draw() -> None:
    ds = results.measured()
    with pytest.raises(ValueError, match=r"`modality` must be one of 'linguistic', 'visual'; got"):
        isd.plot_isd_heads(ds, "entropy")
    with pytest.raises(ValueError, match=r"`modality` must be None where gap_head has no dim"):
        isd.plot_isd_heads(ds, modality="visual")
    with pytest.raises(ValueError, match=r"`ds` must hold other; got"):
        isd.plot_isd_heads(ds, "other")
    with pytest.raises(ValueError, match=r"`variable` must have dims layer and head; got isd with"):
        isd.plot_isd_heads(ds, "isd")
    with pytest.raises(ValueError, match=r"`vmax` must be above `vmin`"):
        isd.plot_isd_heads(ds, vmin=1, vmax=0)


def test_before_and_after_share_a_scale() -> None:
    before, after = results.measured(), results.after()
    isd_ax, gap_ax, *heads = isd.plot_before_after(before, after, names=("none", "singular"))
    drawn = lines(isd_ax)
    np.testing.assert_allclose(drawn["none"], before.isd)
    np.testing.assert_allclose(drawn["singular, permuted"], after.permuted)
    np.testing.assert_allclose(lines(gap_ax)["singular"], after.gap)
    norms = [ax.collections[0].norm for ax in heads]
    assert {(norm.vmin, norm.vmax) for norm in norms} == {
        (float(before.gap_head.min()), float(after.gap_head.max()))
    }
    assert heads[1].get_title(loc="left").endswith("singular")


def test_before_and_after_are_refused_where_they_differ() -> None:
    before = results.measured()
    with pytest.raises(ValueError, match=r"`after` must have the labels of `before` along layer"):
        isd.plot_before_after(before, before.isel(layer=[0, 1]))
    with pytest.raises(ValueError, match=r"`after` must hold gap_head; got"):
        isd.plot_before_after(before, before.drop_vars("gap_head"))
    with pytest.raises(TypeError, match=r"`after` must be an xarray.Dataset"):
        isd.plot_before_after(before, [1])
    with pytest.raises(ValueError, match=r"`names` must be two different names"):
        isd.plot_before_after(before, before, names=("a", "a"))


# Contrast


def test_pairs_are_dots_with_quartiles_and_auc_in_words() -> None:
    ds = results.contrasted()
    pairs_ax, auc_ax = isd.plot_contrast(ds, layer=2)
    dots = [
        c.get_offsets()
        for c in pairs_ax.collections
        if hasattr(c, "get_sizes") and len(c.get_sizes())
    ]
    hard = ds.pair_isd.sel(kind="hard negative", layer=2).dropna("example")
    np.testing.assert_allclose(dots[2][:, 0], hard)
    assert np.abs(dots[2][:, 1] - 2).max() < 0.301
    middle = bars_across(pairs_ax)
    np.testing.assert_allclose(middle, ds.pair_isd.sel(layer=2).median("example"))
    assert words_in(pairs_ax)[:-1] == [
        f"median {float(ds.pair_isd.sel(kind='matched', layer=2).median()):.3g} of 60",
        "AUC 0.74\n(0.7 to 0.79)",
        "AUC 0.53\n(0.49 to 0.58)",
    ]
    np.testing.assert_allclose(lines(auc_ax)["mismatched"], ds.auc.sel(kind="mismatched"))
    np.testing.assert_allclose(bars(auc_ax)[1], ds.auc_interval.sel(kind="hard negative"))
    np.testing.assert_allclose(
        lines(auc_ax)["mismatched, by gap"], ds.auc_gap.sel(kind="mismatched")
    )


def bars_across(ax) -> list[float]:
    """Places of the medians: the last vertical line of each kind."""
    found = {}
    for collection in ax.collections:
        for segment in getattr(collection, "get_segments", list)():
            if segment[0, 0] == segment[1, 0]:
                found[round(float(segment[:, 1].mean()))] = float(segment[0, 0])
    return [found[y] for y in sorted(found)]


def test_the_last_layer_with_pairs_is_shown_and_narrow_ranges_are_linear() -> None:
    ds = results.contrasted()
    ds = ds.assign(pair_isd=ds.pair_isd.where(ds.layer < 3).clip(0.2, 1))
    ax, _ = isd.plot_contrast(ds)
    assert ax.get_title(loc="left") == "Pairs in layer 2"
    assert (ax.get_xscale(), ax.get_xlim()[0]) == ("linear", 0)
    assert isd.plot_contrast(results.contrasted(), layer=3)[0].get_xscale() == "log"
    unsorted = results.contrasted().isel(kind=[2, 0, 1])
    labels = isd.plot_contrast(unsorted)[0].get_yticklabels()
    assert labels[0].get_text() == "matched\n60 pairs"


def test_a_contrast_needs_matched_pairs_and_others() -> None:
    ds = results.contrasted()
    with pytest.raises(ValueError, match=r"`ds` must hold the kind 'matched' and at least one"):
        isd.plot_contrast(ds.isel(kind=[1, 2]))
    with pytest.raises(ValueError, match=r"`ds` must hold the kind 'matched' and at least one"):
        isd.plot_contrast(ds.isel(kind=[0]))
    with pytest.raises(ValueError, match=r"`layer` must be one of 0, 1, 2, 3; got 9"):
        isd.plot_contrast(ds, layer=9)
    with pytest.raises(ValueError, match=r"`ds` must hold an ISD of some pair in some layer"):
        isd.plot_contrast(ds.assign(pair_isd=ds.pair_isd * np.nan))
    with pytest.raises(ValueError, match=r"`layer` must have an ISD of some pair; got 3"):
        isd.plot_contrast(ds.assign(pair_isd=ds.pair_isd.where(ds.layer < 3)), layer=3)


# Study


def test_differences_of_recall_have_a_dot_for_each_seed() -> None:
    ds = results.study()
    axes = isd.plot_iais_study(ds, k=5, layer=2)
    back, forth, isd_ax, gap_ax = axes
    assert "Recall@5, text → image" in forth.get_title(loc="left")
    one = 100 * ds.recall.sel(k=5, direction="text->image")
    dots = [c.get_offsets()[:, 0] for c in forth.collections if not hasattr(c, "get_segments")]
    expected = (one.sel(arm="singular") - one.sel(arm="none")).values
    np.testing.assert_allclose(np.asarray(dots[0]), expected)
    assert lines(forth)["singular"] == pytest.approx([0])
    means = [line.get_xdata()[0] for line in forth.get_lines()[:3]]
    wanted = 100 * ds.recall_difference.sel(k=5, direction="text->image")
    np.testing.assert_allclose(means, wanted[1:])
    assert words_in(back)[0].endswith("p < .001\nbetter with 4 of 4")
    assert [text.get_text() for text in gap_ax.get_yticklabels()] == results.ARMS
    assert words_in(gap_ax)[:-1] == [f"{float(v):.3g}" for v in ds.gap.sel(layer=2).mean("seed")]
    assert words_in(isd_ax)[:-1] == [f"{float(v):.3g}" for v in ds.isd.sel(layer=2).mean("seed")]


def test_a_study_needs_an_arm_without_and_one_with() -> None:
    ds = results.study()
    with pytest.raises(ValueError, match=r"`ds` must hold the arm 'none' and at least one other"):
        isd.plot_iais_study(ds.isel(arm=[1, 2]))
    with pytest.raises(ValueError, match=r"`k` must be one of 1, 5, 10; got 7"):
        isd.plot_iais_study(ds, k=7)
    with pytest.raises(ValueError, match=r"`layer` must be one of 0, 1, 2, 3; got -1"):
        isd.plot_iais_study(ds, layer=-1)
    with pytest.raises(ValueError, match=r"`ds` must hold an ISD in some layer"):
        isd.plot_iais_study(ds.assign(isd=ds.isd * np.nan))
    bare = ds.drop_vars([name for name in ds if str(name).startswith("recall_difference_")])
    assert words_in(isd.plot_iais_study(bare)[0])[0].startswith("+")


# One pair


def test_both_matrices_and_their_difference_are_drawn() -> None:
    ds = results.related()
    picture, *tables = isd.plot_relation_pair(ds, example=1, layer=2, head=1)
    values = [ds[name].values[1, 2, 1] for name in ("linguistic", "visual")]
    for ax, wanted in zip(tables, [*values, values[0] - values[1]], strict=True):
        np.testing.assert_allclose(ax.collections[0].get_array().reshape(4, 4), wanted, atol=1e-7)
    assert tables[0].collections[0].norm is tables[1].collections[0].norm
    assert "ISD 0, permuted links" in words_in(tables[2])[0]
    boxes = [patch for patch in picture.patches if isinstance(patch, mpl.patches.Rectangle)]
    assert boxes[-1].get_x() == pytest.approx(float(ds.box[1, 3, 0]))
    said = [text for text in words_in(picture) if text.strip() and not text.startswith("Example")]
    assert {"a green tile 1", "a red box 2", "a red box 4"} <= set(said)
    chips = [label.get_bbox_patch().get_facecolor() for label in tables[0].get_yticklabels()]
    assert chips[1] == mpl.colors.to_rgba(style.LIGHT.series[1])


@pytest.mark.parametrize("links", ["annotation", "attention"])
def test_a_result_of_the_measure_is_drawn(links: str) -> None:
    ds = results.measured_examples(links)
    axes = isd.plot_relation_pair(ds, example=2)
    boxes = [p for p in axes[0].patches if isinstance(p, mpl.patches.Rectangle)]
    assert len(boxes) == (4 if links == "annotation" else 0)
    assert {"a blue tile 1", "a green square 2"} <= set(words_in(axes[0]))
    # Without an image and by wording alone it is the same.
    bare = ds.drop_vars(["image", "token"])
    assert objects_of(bare.isel(example=1)).spans == objects_of(ds.isel(example=1)).spans
    assert len(isd.plot_relation_pair(bare)[0].images) == 1


def test_a_pair_is_refused_where_nothing_is_known() -> None:
    ds = results.related_of_two_streams()
    with pytest.raises(ValueError, match=r"`layer` must have relations of words and of regions"):
        isd.plot_relation_pair(ds, layer=0)
    with pytest.raises(ValueError, match=r"`example` must be between 0 and 2; got 3"):
        isd.plot_relation_pair(ds, example=3)
    with pytest.raises(TypeError, match=r"`example` must be an integer; got str"):
        isd.plot_relation_pair(ds, example="1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`head` must be one of 0, 1, .*; got 6"):
        isd.plot_relation_pair(ds, head=6)
    with pytest.raises(ValueError, match=r"`layer` must be one of 0, 1, 2, 3; got 4"):
        isd.plot_relation_pair(ds, layer=4)
    nothing = ds.assign(visual_mean=ds.visual_mean * np.nan)
    with pytest.raises(ValueError, match=r"`ds` must hold relations of the example in some layer"):
        isd.plot_relation_pair(nothing)


def test_phrases_are_found_where_they_stand() -> None:
    caption = "Two cats, a dog and the dog (asleep) see a  dog."
    found = spans_of(caption, ["two cats", "a dog / the dog", "a dog", "a bird"])
    assert [[caption[a:b] for a, b in own] for own in found] == [
        ["Two cats"],
        ["a dog", "the dog"],
        ["a  dog"],
        [],
    ]
    assert tones_of(found) == [0, 1, 2, -1]
    words, places = words_of(caption, [span for own in found for span in own])
    assert ["".join(words[a:b]) for a, b in places] == ["Twocats", "adog", "thedog", "adog"]
    members = np.array([[1, 1, 0], [0, 0, 1]], bool)
    assert spans_of_tokens("big dogs", ["big", "##dog", "s"], members) == [[(0, 7)], [(7, 8)]]
    assert spans_of_tokens("big dogs", ["big", "[UNK]", "s"], members) is None


def test_an_object_without_phrase_is_grey() -> None:
    ds = results.related().copy(deep=True)
    ds["phrase"][0, 1] = "nowhere"
    picture, words, *_ = isd.plot_relation_pair(ds)
    face = words.get_yticklabels()[1].get_bbox_patch().get_facecolor()
    assert face == mpl.colors.to_rgba(style.LIGHT.other)
    assert "2: nowhere" in style.describe(picture)
