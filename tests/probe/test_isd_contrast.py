"""Matched and mismatched pairs, links by attention and by order, and examples to look at."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from data.records import Attended, GroundedPair
from data.scenes import mismatched, render_scenes
from probe.isd import contrast, isd, relation_examples

from .isd_truth import batch_of, distance, examples, matrices


def shuffled(rows):
    """The same attention with the links of each example turned round."""
    found = []
    for row in rows:
        k = len(row["links"]) - 1
        links = row["links"].copy()
        links[:k] = np.roll(links[:k], 1, axis=0)
        found.append(row | {"links": links, "name": f"other {row['name']}"})
    return found


def auc_by_hand(matched: np.ndarray, other: np.ndarray, counts, other_counts) -> float:
    won = compared = 0.0
    for a, k in zip(matched, counts, strict=True):
        for b, m in zip(other, other_counts, strict=True):
            if k == m:
                won += float(a < b) + 0.5 * float(a == b)
                compared += 1
    return won / compared


def test_planted_pairs_are_told_apart_and_others_are_not() -> None:
    rows = examples(30, seed=1, heads=1, planted=[(1, 0)])
    found = contrast(batch_of(rows), {"turned": batch_of(shuffled(rows))})
    assert found.kind.values.tolist() == ["matched", "turned"]
    turned = found.sel(kind="turned")
    assert float(turned.auc[1]) == float(turned.auc_gap[1]) == 1.0
    assert turned.auc_interval[1].values.tolist() == [1.0, 1.0]
    low, high = turned.auc_interval[0].values
    assert low < 0.5 < high
    assert found.auc.sel(kind="matched").isnull().all()
    assert float(found.isd.sel(kind="matched", layer=1)) < 1e-5
    assert found.attrs["probe"] == "isd.contrast"
    for name in found.data_vars:
        assert found[name].attrs["long_name"], name


def test_auc_compares_pairs_with_equally_many_objects() -> None:
    rows, others = examples(15, seed=2), examples(11, seed=3, objects=(3, 5, 6))
    found = contrast(batch_of(rows), {"other": batch_of(others)})
    sides = [found.sel(kind=kind, layer=0) for kind in found.kind.values]
    isds = [side.pair_isd.values[side.pair_objects.values > 0] for side in sides]
    counts = [side.pair_objects.values[side.pair_objects.values > 0] for side in sides]
    assert [len(each) for each in isds] == [15, 11]
    truth = auc_by_hand(*isds, *counts)
    assert float(found.auc.sel(kind="other", layer=0)) == pytest.approx(truth, abs=1e-12)
    ratios = [i / s.pair_permuted.values[: len(i)] for i, s in zip(isds, sides, strict=True)]
    truth = auc_by_hand(*ratios, *counts)
    assert float(found.auc_gap.sel(kind="other", layer=0)) == pytest.approx(truth, abs=1e-12)
    none = contrast(batch_of(rows), {"other": batch_of(examples(4, seed=4, objects=(7,)))})
    assert none.auc.isnull().all()
    assert none.auc_interval.isnull().all()


def test_pairs_without_links_are_linked_in_an_order_of_their_own() -> None:
    rows = examples(40, seed=5, objects=(3,), layers=1, heads=1)
    bare = batch_of([r | {"links": np.zeros_like(r["links"])} for r in rows])
    one = isd(bare, links="order")
    assert one.objects.values.tolist() == [4]  # all four phrases, all four regions
    again = [dataclasses.replace(bare, links=None)]
    assert float(isd(again, links="order").isd[0]) == float(one.isd[0])
    firsts = [row["phrases"].argmax(1) for row in rows]
    assert len({tuple(f) for f in firsts}) == 1  # what differs below is the drawn order
    found = relation_examples(bare, n=40, links="order")
    starts = {tuple(box[:, 0]) for box in found.box.values}
    assert len(starts) > 20
    with pytest.raises(ValueError, match="at least 2 linked objects"):
        isd(bare)
    linked = isd(batch_of(rows), links="order")
    np.testing.assert_allclose(linked.isd, isd(batch_of(rows)).isd)


def test_links_by_attention_follow_each_head() -> None:
    rows = examples(6, seed=6, objects=(3,))
    found = isd(batch_of(rows), links="attention")
    for head in (0, 2, None):
        total = []
        for row in rows:
            attention = row["attentions"][1]
            attention = attention.mean(0) if head is None else attention[head]
            words = [p.astype(float) for p in row["phrases"]]
            regions = [r.astype(float) for r in row["regions"]]

            def table(units, attention=attention):
                queries = [u / u.sum() for u in units]
                raw = np.array([[q @ attention @ k for k in units] for q in queries])
                return raw / raw.sum(1, keepdims=True)

            chosen = [int(np.argmax([w / w.sum() @ attention @ r for r in regions])) for w in words]
            queries = [regions[c] / regions[c].sum() for c in chosen]
            raw = np.array([[q @ attention @ regions[c] for c in chosen] for q in queries])
            total.append(distance(table(words), raw / raw.sum(1, keepdims=True)))
        value = found.isd[1] if head is None else found.isd_head[1, head]
        assert float(value) == pytest.approx(np.mean(total), rel=1e-5)


def test_layers_without_cross_attention_have_no_links_by_it() -> None:
    present = np.ones((2, 2, 2), bool)
    present[0, 0, 1] = False
    batch = batch_of(examples(5), present=present)
    found = isd(batch, links="attention")
    assert found.isd.isnull().values.tolist() == [True, False]
    assert "layers [0] lack text-text, image-image or text-image" in found.attrs["notes"]
    assert not isd(batch).isd.isnull().any()


@pytest.mark.parametrize(
    ("others", "error", "text"),
    [
        ([1], TypeError, "`others` must be streams by name"),
        ({}, ValueError, "`others` must name at least one kind"),
        ({"matched": []}, ValueError, "not 'matched'"),
        ({"x": batch_of(examples(4, layers=1))}, ValueError, "have as many layers"),
    ],
)
def test_contrast_refuses(others, error, text: str) -> None:
    with pytest.raises(error, match=text):
        contrast(batch_of(examples(4)), others)
    with pytest.raises(ValueError, match="`links` must be one of 'annotation', 'attention'"):
        contrast(batch_of(examples(4)), others, links="order")


def test_examples_hold_both_matrices_and_what_they_are_of() -> None:
    rows = examples(8, seed=7, objects=(1, 3, 4))
    stream = [batch_of(rows[:3], extra=2), batch_of(rows[3:])]
    found = relation_examples(stream, n=4)
    assert found.pair.values.tolist() == [1, 2, 4, 5]
    assert found.objects.values.tolist() == [3, 4, 3, 4]
    for e, place in enumerate(found.pair.values):
        k, row = int(found.objects[e]), rows[place]
        for head in (0, 2):
            a, b = matrices(row, 1, head)
            np.testing.assert_allclose(found.linguistic[e, 1, head, :k, :k], a, atol=1e-6)
            np.testing.assert_allclose(found.visual[e, 1, head, :k, :k], b, atol=1e-6)
            assert float(found.isd_head[e, 1, head]) == pytest.approx(distance(a, b), rel=1e-5)
        a, b = matrices(row, 0, None)
        np.testing.assert_allclose(found.linguistic_mean[e, 0, :k, :k], a, atol=1e-6)
        np.testing.assert_allclose(found.visual_mean[e, 0, :k, :k], b, atol=1e-6)
        assert found.linguistic[e, :, :, k:].isnull().all()
        words = [row["tokens"][j] for j in np.flatnonzero(row["phrases"][0])]
        assert str(found.phrase[e, 0].values) == " ".join(words)
        region = int(row["links"][0].argmax())
        np.testing.assert_allclose(found.box[e, 0], row["region_boxes"][region], atol=1e-6)
        own = found.object_position[e, 0].values
        size = row["attentions"].shape[-1]
        np.testing.assert_allclose(
            own[:size], np.maximum(row["phrases"][0], row["regions"][region])
        )
        assert not own[size:].any()
    assert found.attrs["probe"] == "isd.examples"
    assert "attention" not in found
    assert found.token.sizes["position"] == found.object_position.sizes["position"]
    both = isd(stream, n_permutations=0)
    everything = relation_examples(stream, n=99)
    np.testing.assert_allclose(everything.isd.mean("example"), both.isd, rtol=1e-6)
    np.testing.assert_allclose(everything.permuted.mean("example"), both.permuted, rtol=1e-6)


def test_an_object_of_several_phrases_and_regions_says_so() -> None:
    (row,) = examples(1, objects=(3,))
    row["links"][3] = row["links"][0] = row["links"][0] | row["links"][1]
    row["region_boxes"] = np.array([[0.1 * r, 0.2, 0.1 * r + 0.1, 0.4] for r in range(4)])
    found = relation_examples(batch_of([row]), diagonal=False)
    first, last = " ".join(row["tokens"][1:3]), row["tokens"][row["text"] - 2]
    assert str(found.phrase[0, 0].values) == f"{first} / {last}"
    linked = np.flatnonzero(row["links"][0])
    np.testing.assert_allclose(
        found.box[0, 0], [0.1 * linked[0], 0.2, 0.1 * linked[-1] + 0.1, 0.4], atol=1e-6
    )
    table = found.visual_mean[0, 0].values
    assert np.isnan(table.diagonal()).all()
    np.testing.assert_allclose(np.nansum(table, axis=1), 1, rtol=1e-6)


def test_examples_carry_their_pictures() -> None:
    rows = examples(3, objects=(1, 3, 3))
    pairs = [
        GroundedPair(
            image=np.full((4, 5, 3), 10 * i, np.uint8),
            words=("a", "b"),
            regions=row["region_boxes"],
            name=str(i),
        )
        for i, row in enumerate(rows)
    ]
    found = relation_examples(batch_of(rows), pairs, n=2)
    assert found.image[:, 0, 0, 0].values.tolist() == [10, 20]
    assert found.caption.values.tolist() == ["a b", "a b"]
    with pytest.raises(ValueError, match=r"`pairs` must be what was attended to.*only 2"):
        relation_examples(batch_of(rows), pairs[:2])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n": 0}, "`n` must be at least 1"),
        ({"links": "x"}, "`links` must be one of"),
        ({"renormalise": "x"}, "`renormalise` must be one of"),
        ({"reduce": "x"}, "`reduce` must be one of"),
    ],
)
def test_examples_refuse(options, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        relation_examples(batch_of(examples(2)), **options)
    with pytest.raises(ValueError, match="hold a pair with at least 2 linked objects; got none"):
        relation_examples(batch_of(examples(2, objects=(1,))))


def test_scenes_and_captions_of_other_scenes() -> None:
    """End to end on rendered scenes with a model of random weights: only controls differ."""
    from probe.subjects.vision_language import attended, scene_model

    pairs = render_scenes(12, objects=(4, 4), seed=3)
    model = scene_model("single", seed=0).eval()

    def stream(of) -> list[Attended]:
        return list(attended(model, of, batch_size=5, hidden_states=False))

    found = contrast(stream(pairs), {"mismatched": stream(mismatched(pairs))}, diagonal=False)
    assert found.n_pairs.values.tolist() == [12, 12]
    assert np.isfinite(found.isd).all()
    looked = relation_examples(stream(pairs), pairs, n=2)
    assert looked.image.shape[0] == 2
    assert looked.region_name.values[0, 0]
