"""Per-head statistics: planted truths, a slow reference, and the laws all of them obey."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

from data.records import Attended
from probe import value
from probe.value import (
    Coreference,
    CrossModal,
    ModalityImportance,
    Relations,
    coreference,
    cross_modal,
    modality_importance,
    relations,
)

from .value_truth import (
    Plant,
    auc_by_hand,
    batch_of,
    coreference_by_hand,
    examples,
    uniform,
)

MEASURES = {
    modality_importance: ModalityImportance,
    cross_modal: CrossModal,
    coreference: Coreference,
    relations: Relations,
}
both = pytest.mark.parametrize("direction", ["text->image", "image->text"])
each = pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)


def same(a: xr.Dataset, b: xr.Dataset, rtol: float = 1e-6) -> None:
    """All variables agree, rounding of sums apart."""
    assert set(a.variables) == set(b.variables)
    for name in a.data_vars:
        if a[name].dtype.kind in "fc":
            # p-values magnify rounding: they are compared where they matter
            np.testing.assert_allclose(a[name], b[name], rtol=rtol, atol=1e-7, err_msg=str(name))
        else:
            np.testing.assert_array_equal(a[name], b[name], err_msg=str(name))


def numbers(ds: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): ds[name].values for name in ds.data_vars}


@both
def test_a_planted_head_is_found_with_its_exact_score_and_only_it(direction: str) -> None:
    rows = examples(60, seed=1, planted=[Plant(1, 2, direction, miss=4)])
    found = coreference(batch_of(rows))
    called = found.called.sel(direction=direction, kind="all")
    assert np.argwhere(called.values).tolist() == [[1, 2]]
    other = {"text->image": "image->text", "image->text": "text->image"}[direction]
    assert not found.called.sel(direction=other).any()
    mine = found.sel(direction=direction, kind="all")
    truth = coreference_by_hand(rows, 1, 2, direction)[0]
    assert float(mine.hit[1, 2]) == pytest.approx(truth, abs=1e-6)
    assert (int(mine.chosen_layer), int(mine.chosen_head)) == (1, 2)
    assert float(mine.held_out_p) < 0.01
    low, high = mine.held_out_interval.values
    assert float(mine.held_out_null) < low <= float(mine.held_out) <= high


def test_a_head_that_never_misses_scores_one() -> None:
    found = coreference(batch_of(examples(30, planted=[Plant(0, 1, "text->image")])))
    mine = found.sel(layer=0, head=1, direction="text->image")
    assert mine.hit.values.tolist() == [1.0, 1.0, 1.0]
    assert mine.lift.values == pytest.approx([6.0] * 3, rel=0.01)  # 1 of a region's 1.5 of 9


@both
def test_coreference_agrees_with_the_slow_reference(direction: str) -> None:
    rows = examples(25, seed=3)
    found = coreference(batch_of(rows)).sel(direction=direction, kind="all")
    for layer in range(2):
        for head in range(3):
            hit, mass, null, variance = coreference_by_hand(rows, layer, head, direction)
            here = found.sel(layer=layer, head=head)
            assert float(here.hit) == pytest.approx(hit, abs=1e-6)
            assert float(here.mass) == pytest.approx(mass, abs=1e-6)
            assert float(here.null) == pytest.approx(null, abs=1e-6)
            n = int(here.n_units)
            from scipy.stats import norm

            z = ((hit - null) * n - 0.5) / np.sqrt(variance)
            assert float(here.p) == pytest.approx(norm.sf(z), rel=1e-4)


def test_kinds_count_their_own_phrases_and_add_up() -> None:
    rows = examples(20, seed=4)
    found = coreference(batch_of(rows)).sel(direction="text->image")
    units = found.n_units.isel(layer=0, head=0)
    assert int(units.sel(kind="all")) == int(units.sel(kind="thing") + units.sel(kind="stuff"))
    weighted = (found.hit * found.n_units).sel(kind=["thing", "stuff"]).sum("kind")
    whole = (found.hit * found.n_units).sel(kind="all")
    np.testing.assert_allclose(weighted, whole, rtol=1e-6)


@pytest.mark.parametrize("label", ["left of", "same colour"])
def test_relations_agree_with_the_slow_reference(label: str) -> None:
    rows = examples(25, seed=5)
    found = relations(batch_of(rows)).sel(relation=label)
    for layer in range(2):
        for head in range(3):
            for role, back in (("subject->object", False), ("object->subject", True)):
                truth = auc_by_hand(rows, layer, head, label, back=back)
                here = found.auc.sel(layer=layer, head=head, role=role)
                assert float(here) == pytest.approx(truth, abs=1e-9)


def test_a_planted_relation_head_is_called_and_only_it() -> None:
    rows = examples(60, seed=6)
    for row in rows:
        start = int((row["modality"] == 0).sum())
        at = row["attentions"][1, 0]
        for s, o in np.argwhere(row["relation"] == 0):
            at[start + 2 * s : start + 2 * s + 2, start + 2 * o] = 3.0
    found = relations(batch_of(rows))
    called = found.called.sel(relation="left of")
    assert np.argwhere(called.values).tolist() == [[1, 0, 0]]
    mine = found.sel(role="subject->object", relation="left of")
    assert float(mine.auc[1, 0]) > 0.95
    assert (int(mine.chosen_layer), int(mine.chosen_head)) == (1, 0)
    assert float(mine.held_out) > 0.9


@each
def test_permuting_heads_permutes_the_result(measure) -> None:
    batch = batch_of(examples(20, seed=7))
    order = [2, 0, 1]
    moved = dataclasses.replace(batch, attentions=batch.attentions[:, :, order])
    plain, other = measure(batch), measure(moved)
    for name in plain.data_vars:
        if "head" in plain[name].dims:
            np.testing.assert_allclose(
                plain[name].isel(head=order).values.astype(float), other[name].astype(float)
            )
        elif not str(name).startswith(("chosen", "held")):  # the first of tied heads is chosen
            np.testing.assert_allclose(plain[name].astype(float), other[name].astype(float))


def test_even_attention_gives_the_null() -> None:
    batch = batch_of(uniform(examples(20, seed=8)))
    core = coreference(batch)
    assert not core.called.any()
    assert np.all(core.p == 1)
    np.testing.assert_allclose(core.hit, core.null, atol=1e-6)
    np.testing.assert_allclose(core.lift, 1, rtol=1e-5)
    related = relations(batch)
    np.testing.assert_allclose(related.auc, 0.5)
    np.testing.assert_allclose(related.lift, 1, atol=1e-5)
    assert not related.called.any()
    importance = modality_importance(batch)
    np.testing.assert_allclose(importance.per_token, 1, rtol=1e-5)
    np.testing.assert_allclose(importance.mass.sum("modality"), 1, rtol=1e-5)
    crossing = cross_modal(batch)
    np.testing.assert_allclose(crossing.share, crossing.even_share, rtol=1e-5)


@each
def test_any_batching_padding_and_order_of_merging_give_the_same(measure) -> None:
    rows = examples(23, seed=9)
    whole = measure(batch_of(rows))
    same(whole, measure([batch_of(rows[:5], extra=3), batch_of(rows[5:6]), batch_of(rows[6:])]))
    shards = [MEASURES[measure]().update(batch_of(rows[a:b])) for a, b in ((0, 9), (9, 23))]
    same(whole, shards[1].absorb(shards[0]).compute())
    again = MEASURES[measure]()
    again.load_state_dict(shards[0].state_dict())
    assert numbers(again.compute()).keys() == numbers(whole).keys()


@each
def test_tensors_and_arrays_give_the_same(measure) -> None:
    batch = batch_of(examples(12, seed=10))
    held = {
        f.name: torch.as_tensor(getattr(batch, f.name))
        for f in dataclasses.fields(Attended)
        if isinstance(getattr(batch, f.name), np.ndarray)
    }
    same(measure(batch), measure(dataclasses.replace(batch, **held)), rtol=1e-12)


@each
def test_memory_does_not_grow_with_examples(measure) -> None:
    probe = MEASURES[measure]()
    sizes = []
    for seed in range(3):
        probe.update(batch_of(examples(8, seed=seed)))
        sizes.append({name: each.nbytes for name, each in probe.state_dict().items()})
    assert sizes[0] == sizes[1] == sizes[2]


@each
def test_a_result_can_be_written_and_read(measure, tmp_path) -> None:
    found = measure(batch_of(examples(6)))
    found.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "x.nc", engine="h5netcdf")
    assert read.attrs["probe"] == f"value.{measure.__name__}"
    assert read.attrs["data_hash"] == found.attrs["data_hash"]
    for name in found.data_vars:
        assert found[name].attrs["long_name"], name


def test_a_head_that_a_stream_does_not_have_is_not_applicable() -> None:
    rng = np.random.default_rng(0)
    n, p = 30, 8
    attentions = rng.random((n, 1, 2, p, p))
    attentions /= attentions.sum(-1, keepdims=True)
    attentions[:, :, 1] = np.nan
    regions = np.zeros((n, 3, p))
    regions[:, [0, 1, 2], [4, 5, 6]] = 1
    batch = Attended(
        attentions=attentions,
        present=np.ones((1, 2, 2), bool),
        modality=np.tile([0] * 4 + [1] * 4, (n, 1)),
        special=np.tile([True] + [False] * 7, (n, 1)),
        boxes=np.full((n, p, 4), np.nan),
        pool=np.zeros(n, int),
        phrases=np.tile(np.eye(8, dtype=bool)[1:3], (n, 1, 1)),
        phrase_kind=np.zeros((n, 2), np.int16),
        kinds=("thing",),
        regions=regions,
        region_boxes=np.full((n, 3, 4), 0.5),
        links=np.tile(np.eye(2, 3, dtype=bool), (n, 1, 1)),
        relation=rng.integers(-1, 2, size=(n, 3, 3)).astype(np.int16),
        relation_names=("none", "left"),
        attrs={"example": np.arange(n)},
    )
    found = value.profile(batch, n_boot=20)
    for question, names in (
        ("modality_importance", ("mass", "per_token")),
        ("cross_modal", ("probability", "share")),
        ("coreference", ("hit", "mass", "p", "p_corrected")),
        ("relations", ("auc", "lift", "p", "p_corrected")),
    ):
        part = value.part_of(found, question)
        for name in names:
            assert np.isnan(part[name].sel(head=1)).all(), (question, name)
            assert np.isfinite(part[name].sel(head=0, layer=0)).any(), (question, name)
        if "called" in part:
            assert not part.called.sel(head=1).any()
            assert not (part.chosen_head == 1).any()
