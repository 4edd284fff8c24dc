"""ISD over streams: a slow reference, planted truths, and the laws of a streaming measure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import xarray as xr

from data.records import Attended
from probe.isd import Isd, isd

from .isd_truth import batch_of, distance, enumerated, even, examples, kl, matrices


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """All variables agree, rounding of sums apart."""
    assert set(a.variables) == set(b.variables)
    for name in a.data_vars:
        np.testing.assert_allclose(
            a[name].astype(float), b[name].astype(float), rtol=1e-6, atol=1e-7, err_msg=str(name)
        )


def by_hand(rows, layer: int, head: int | None, of=distance, **options) -> float:
    mean = options.pop("mean", False)
    return float(np.mean([of(*matrices(row, layer, head, mean=mean), **options) for row in rows]))


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_every_layer_and_head_agrees_with_the_slow_reference(diagonal: bool, reduce: str) -> None:
    rows = examples(7, seed=1)
    found = isd(batch_of(rows), diagonal=diagonal, reduce=reduce, n_permutations=0)
    options = {"diagonal": diagonal, "mean": reduce == "mean"}
    for layer in range(2):
        assert float(found.isd[layer]) == pytest.approx(by_hand(rows, layer, None, **options), 1e-6)
        for head in range(3):
            mine = float(found.isd_head[layer, head])
            assert mine == pytest.approx(by_hand(rows, layer, head, **options), rel=1e-6)


@pytest.mark.parametrize("diagonal", [True, False])
def test_the_permuted_mean_is_that_of_all_permutations(diagonal: bool) -> None:
    rows = examples(6, seed=2, objects=(3, 4, 5), layers=1, heads=2)
    found = isd(batch_of(rows), diagonal=diagonal, n_permutations=0)
    for head in range(2):
        truth = by_hand(rows, 0, head, enumerated, diagonal=diagonal)
        assert float(found.permuted_head[0, head]) == pytest.approx(truth, rel=1e-6)
    truth = by_hand(rows, 0, None, enumerated, diagonal=diagonal)
    assert float(found.permuted[0]) == pytest.approx(truth, rel=1e-6)
    assert float(found.gap[0]) == pytest.approx(1 - float(found.isd[0]) / truth, abs=1e-6)


def test_consistent_heads_are_called_and_only_they() -> None:
    rows = examples(40, seed=3, planted=[(1, 2)])
    found = isd(batch_of(rows))
    assert np.argwhere(found.called_head.values).tolist() == [[1, 2]]
    mine = found.sel(layer=1, head=2)
    assert float(mine.isd_head) < 1e-6
    assert float(mine.gap_head) > 0.999999
    assert float(mine.p_head) == pytest.approx(1 / 201)
    assert float(mine.p_head_corrected) <= 0.02
    assert (int(found.chosen_layer), int(found.chosen_head)) == (1, 2)
    assert float(found.held_out) > 0.999999
    assert float(found.held_out_p) == pytest.approx(1 / 201)
    assert float(found.held_out_null) == 0
    others = found.gap_head.values.ravel()[:-1]
    assert np.abs(others).max() < 0.25
    low, high = found.gap_interval.sel(layer=1).values
    assert low <= float(found.gap[1]) <= high


def test_even_attention_looks_perfect_and_is_not_called() -> None:
    """The misleading example: ISD says 0, as of perfect agreement; the gap says nothing."""
    rows = even(examples(20, seed=4))
    found = isd(batch_of(rows), reduce="mean")
    np.testing.assert_allclose(found.isd_head, 0, atol=1e-10)
    assert found.gap_head.isnull().all()
    assert found.gap.isnull().all()
    assert (found.p_head == 1).all()
    assert (found.p_head_corrected == 1).all()
    assert not found.called_head.any()
    assert int(found.chosen_head) == -1
    assert found.held_out_p.isnull()
    np.testing.assert_allclose(found.entropy, 1, rtol=1e-6)


def test_a_random_model_scores_far_better_than_a_model_with_opinions() -> None:
    opinionated = examples(10, seed=5)
    indifferent = [r | {"attentions": r["attentions"] ** 0.02} for r in opinionated]
    options = {"reduce": "mean", "n_permutations": 0}
    ratio = isd(batch_of(indifferent), **options).isd / isd(batch_of(opinionated), **options).isd
    assert (ratio < 0.01).all()


def test_sizes_show_under_even_attention_with_sums() -> None:
    rows = even(examples(1, seed=6, objects=(3,), layers=1, heads=1)) * 2
    found = isd(batch_of(rows))
    words = np.array([2, 1, 2]) / 5  # tokens of the three phrases
    order = rows[0]["links"][:3].argmax(1)
    areas = rows[0]["regions"].sum(1)[order]
    truth = 3 * (kl(words, areas / areas.sum()) + kl(areas / areas.sum(), words))
    assert float(found.isd[0]) == pytest.approx(truth, rel=1e-6)


def test_entropy_by_hand() -> None:
    rows = examples(3, seed=7, objects=(3,), layers=1, heads=1)
    found = isd(batch_of(rows), n_permutations=0).entropy.values[0, 0]
    for side in (0, 1):
        tables = [matrices(row, 0, 0)[side] for row in rows]
        truth = np.mean([-(t * np.log(t)).sum(1).mean() / np.log(3) for t in tables])
        assert found[side] == pytest.approx(truth, rel=1e-5)


def test_by_number_of_objects_and_what_is_skipped() -> None:
    rows = examples(12, seed=8, objects=(1, 2, 3, 5), layers=1, heads=2)
    found = isd(batch_of(rows))
    assert found.objects.values.tolist() == [2, 3, 5]
    assert found.n_objects.values.tolist() == [3, 3, 3]
    assert (int(found.n_pairs), int(found.n_skipped)) == (9, 3)
    assert float(found.isd_objects[0, 1]) == pytest.approx(by_hand(rows[2::4], 0, None), rel=1e-6)
    weighted = (found.isd_objects * found.n_objects).sum("objects") / 9
    np.testing.assert_allclose(weighted, found.isd, rtol=1e-9)
    off = isd(batch_of(rows), diagonal=False)
    assert off.objects.values.tolist() == [3, 5]
    assert int(off.n_skipped) == 6
    np.testing.assert_array_equal(
        found.pair_objects.sortby(found.pair_objects), [2] * 3 + [3] * 3 + [5] * 3
    )


def test_phrases_of_the_same_regions_are_one_object() -> None:
    rows = examples(4, seed=9, objects=(4,))
    for row in rows:
        row["links"][4] = row["links"][1]  # the word linked to nothing becomes a pronoun
        row["links"][0] |= row["links"][2]  # a plural phrase, shown by two regions
    found = isd(batch_of(rows), n_permutations=0)
    assert found.objects.values.tolist() == [4]
    assert float(found.isd[1]) == pytest.approx(by_hand(rows, 1, None), rel=1e-6)


def test_renormalising_changes_the_size_of_the_value() -> None:
    rows = examples(5, seed=10)
    by_sum = isd(batch_of(rows), n_permutations=0)
    softmax = isd(batch_of(rows), renormalise="softmax", n_permutations=0)
    assert (softmax.isd < by_sum.isd / 5).all()
    assert '"renormalise": "softmax"' in softmax.attrs["parameters"]


def test_any_batching_padding_and_order_of_merging_give_the_same() -> None:
    rows = examples(23, seed=11, objects=(2, 6, 3, 1))
    options = {"n_boot": 30, "n_permutations": 40, "sample": 9}
    whole = isd(batch_of(rows), **options)
    cut = [batch_of(rows[:5], extra=3), batch_of(rows[5:6]), batch_of(rows[6:])]
    same(whole, isd(cut, **options))
    shards = [Isd(**options).update(batch_of(rows[a:b])) for a, b in ((0, 9), (9, 23))]
    again = Isd(**options)
    again.load_state_dict(shards[1].state_dict())
    assert all(each.dtype.kind in "fiu" for each in again.state_dict().values())
    same(whole, again.absorb(shards[0]).compute())
    assert whole.pair_isd.shape == (9, 2)


def test_memory_does_not_grow_with_pairs() -> None:
    probe, sizes = Isd(n_boot=20, n_permutations=19, sample=5), []
    for seed in range(3):
        probe.update(batch_of(examples(8, seed=seed)))
        sizes.append({name: each.nbytes for name, each in probe.state_dict().items()})
    assert sizes[0] == sizes[1] == sizes[2]


def test_tensors_and_arrays_give_the_same() -> None:
    batch = batch_of(examples(6, seed=12))
    held = {
        f.name: torch.as_tensor(getattr(batch, f.name))
        for f in dataclasses.fields(Attended)
        if isinstance(getattr(batch, f.name), np.ndarray)
    }
    same(isd(batch), isd(dataclasses.replace(batch, **held)))


def test_permuting_heads_permutes_the_result() -> None:
    batch, order = batch_of(examples(12, seed=13)), [2, 0, 1]
    moved = isd(dataclasses.replace(batch, attentions=batch.attentions[:, :, order]))
    plain = isd(batch).isel(head=order)
    for name in ("isd_head", "gap_head", "p_head", "p_head_corrected", "entropy"):
        np.testing.assert_allclose(plain[name], moved[name], rtol=1e-6)
    np.testing.assert_allclose(plain.isd, moved.isd, rtol=1e-6)


def test_a_result_can_be_written_and_read(tmp_path) -> None:
    found = isd(batch_of(examples(6)))
    found.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "x.nc", engine="h5netcdf")
    assert read.attrs["probe"] == "isd.isd"
    assert read.attrs["paper"] == "arXiv:2105.13868"
    for name in found.data_vars:
        assert found[name].attrs["long_name"], name
        assert "units" in found[name].attrs, name


def test_the_sample_holds_what_the_means_are_of() -> None:
    rows = examples(9, seed=14)
    found = isd(batch_of(rows))
    np.testing.assert_allclose(found.pair_isd.mean("example"), found.isd, rtol=1e-9)
    np.testing.assert_allclose(found.pair_permuted.mean("example"), found.permuted, rtol=1e-9)
    assert not found.pair_isd.isnull().any()


def test_without_draws_there_is_no_p() -> None:
    rows = examples(6, seed=15, planted=[(0, 0)])
    found = isd(batch_of(rows), n_permutations=0)
    for name in ("p", "p_head", "p_head_corrected", "held_out_p"):
        assert found[name].isnull().all(), name
    assert not found.called_head.any()
    assert float(found.gap_head[0, 0]) > 0.999
