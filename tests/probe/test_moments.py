"""Streamed moments against two passes in float64, in any batching, order, dtype and place."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe import _rows
from probe.moments import Moments

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def two_pass(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance the slow way, every sum in float64."""
    rows = rows.astype(np.float64)
    mean = rows.sum(axis=0) / len(rows)
    covariance = sum(np.outer(row - mean, row - mean) for row in rows) / (len(rows) - 1)
    return mean, np.asarray(covariance)


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def mixed_rows(n: int = 400, d: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiply float32 rows in float32 from the first on, as in the bulk of large data."""
    monkeypatch.setattr(_rows, "_WIDE_WORK", 0)


def test_a_hand_computed_case() -> None:
    moments = Moments(2).update(np.array([[1.0, 2.0], [3.0, 6.0]])).update(np.array([[5.0, 1.0]]))
    assert moments.n == 3
    np.testing.assert_allclose(moments.mean, [3.0, 3.0])
    np.testing.assert_allclose(moments.M2, [[8.0, -2.0], [-2.0, 14.0]])
    np.testing.assert_allclose(moments.covariance(), [[4.0, -1.0], [-1.0, 7.0]])
    np.testing.assert_allclose(moments.covariance(ddof=0), moments.M2 / 3)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("chunk", [7 * 8 * 3, 2**20])
@pytest.mark.parametrize("wide", [0, 200, 10**6])
def test_arrays_of_each_dtype(
    dtype: str, chunk: int, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(_rows, "_WIDE_WORK", wide * 49)
    rows = mixed_rows().astype(dtype)
    moments = Moments(7).update(rows[:150]).update(rows[150:])
    mean, covariance = two_pass(rows)
    tolerance = 1e-13 if dtype == "float64" else 3e-7
    assert relative(moments.mean, mean) < tolerance
    assert relative(moments.covariance(), covariance) < tolerance
    assert moments.dtype == dtype
    assert moments.mean.dtype == moments.M2.dtype == np.float64
    np.testing.assert_array_equal(moments.M2, moments.M2.T)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_of_each_dtype(dtype: str, device: str) -> None:
    rows = torch.from_numpy(mixed_rows()).to(device, getattr(torch, dtype)).requires_grad_()
    moments = Moments(7).update(rows[:150]).update(rows[150:])
    mean, covariance = two_pass(rows.detach().double().cpu().numpy())
    assert relative(moments.mean, mean) < 3e-7
    assert relative(moments.covariance(), covariance) < 3e-7
    assert moments.dtype == dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_the_path_of_devices_gives_the_same(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What runs on CUDA is plain torch, so the CPU can run it.
    monkeypatch.setattr(_rows, "CHUNK_BYTES", 7 * 8 * 30)
    rows = torch.from_numpy(mixed_rows()).to(getattr(torch, dtype))
    here = Moments(7).update(rows)
    with monkeypatch.context() as patch:
        patch.setattr(_rows, "keeps_place", lambda device: True)
        there = Moments(7).update(rows[:150]).update(rows[150:])
        with pytest.raises(ValueError, match=r"1 NaN or infinite values near the first at index"):
            there.update(
                torch.full((1, 7), 1.0, dtype=rows.dtype).index_fill(1, torch.tensor(2), torch.nan)
            )
    assert isinstance(there._mean, torch.Tensor)
    assert relative(there.mean, here.mean) < 1e-7
    assert relative(there.M2, here.M2) < 1e-7
    # Shards of two places merge, whichever takes in the other.
    for one, other in ((there, here), (here, there)):
        both = Moments(7).merge(one)
        both.merge(other)
        assert both.n == 800
        assert relative(both.covariance(0), here.covariance(0)) < 1e-7
    there.merge(here)
    assert there.n == 800
    assert relative(there.M2, 2 * here.M2) < 1e-7


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 60), max_size=6),
    order=st.randoms(use_true_random=False),
    offset=st.sampled_from([0.0, 1.0, 100.0, 1e4]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_any_sharding_and_any_order_of_merging_is_one_pass(
    cuts: list[int], order: object, offset: float, dtype: str
) -> None:
    rows = (mixed_rows(60, 4, seed=len(cuts)) + offset).astype(dtype)
    whole = Moments(4).update(rows)
    edges = [0, *sorted(cuts), 60]
    shards = [Moments(4).update(rows[a:b]) for a, b in itertools.pairwise(edges)]
    order.shuffle(shards)  # type: ignore[attr-defined]
    while len(shards) > 1:
        # A random tree: neighbours merge anywhere in the list.
        place = order.randrange(len(shards) - 1)  # type: ignore[attr-defined]
        shards[place].merge(shards.pop(place + 1))
    assert shards[0].n == whole.n
    assert relative(shards[0].mean, whole.mean) < 1e-7
    assert relative(shards[0].M2, whole.M2) < 1e-7


@pytest.mark.parametrize("n", [60, 2000, 20_000])
@pytest.mark.parametrize("work", [0, _rows._WIDE_WORK])
def test_float32_shards_merge_to_one_pass(n: int, work: int, monkeypatch: object) -> None:
    monkeypatch.setattr(_rows, "_WIDE_WORK", work)  # type: ignore[attr-defined]
    rows = mixed_rows(n, 16).astype(np.float32)
    whole = Moments(16).update(rows)
    parts = [Moments(16).update(part) for part in np.array_split(rows, 7)]
    for order in ([0, 1, 2, 3, 4, 5, 6], [6, 2, 4, 0, 1, 5, 3]):
        merged = Moments(16)
        for place in order:
            merged.merge(parts[place])
        # Products in float32 alone would not reach 1e-7 on few rows.
        assert relative(merged.covariance(), whole.covariance()) < (1e-7 if work else 4e-7)


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("offset", [0.0, 1.0, 10.0, 100.0, 1e3, 1e4])
def test_an_offset_costs_no_digits(offset: float) -> None:
    rng = np.random.default_rng(1)
    rows = (rng.standard_normal((5000, 12)) + offset).astype(np.float32)
    truth = np.cov(rows.astype(np.float64).T)
    moments = Moments(12)
    for start in range(0, 5000, 700):
        moments.update(rows[start : start + 700])
    assert relative(moments.covariance(), truth) <= 1e-6
    mean = rows.mean(axis=0, dtype=np.float64)
    assert np.abs(moments.mean - mean).max() < 1e-7 * (1 + offset * 1e-3)
    if offset >= 1e3:
        sums = rows.sum(axis=0, dtype=np.float32)
        naive = (rows.T @ rows - np.outer(sums, sums) / np.float32(5000)) / np.float32(4999)
        assert relative(naive, truth) > 0.1


@pytest.mark.usefixtures("narrow")
def test_the_residual_of_a_rounded_mean_is_corrected() -> None:
    # Around 3e7 float32 counts in twos, so every rounded mean is off by up to one.
    rng = np.random.default_rng(2)
    rows = (3e7 + 2.0 * rng.integers(0, 3, (999, 3))).astype(np.float32)
    moments = Moments(3).update(rows)
    assert np.abs(moments.mean - rows.mean(axis=0, dtype=np.float64)).max() < 1e-6
    assert relative(moments.covariance(), np.cov(rows.astype(np.float64).T)) < 1e-6


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_values_whose_squares_float32_cannot_hold(scale: float) -> None:
    rows = mixed_rows()
    moments = Moments(7).update((rows * scale).astype(np.float32))
    assert relative(moments.covariance() / scale**2, two_pass(rows)[1]) < 1e-6


@pytest.mark.usefixtures("narrow")
def test_layouts_that_are_not_contiguous() -> None:
    rows = mixed_rows(50, 8).astype(np.float32)
    truth = Moments(4).update(rows[:, ::2].copy())
    assert relative(Moments(4).update(rows[:, ::2]).M2, truth.M2) < 1e-6
    assert relative(Moments(4).update(np.asfortranarray(rows[:, ::2])).M2, truth.M2) < 1e-6
    assert relative(Moments(4).update(rows[::-1, ::2]).M2, truth.M2) < 1e-6
    assert relative(Moments(4).update(rows[:, ::2].astype(">f4")).M2, truth.M2) < 1e-6
    assert relative(Moments(4).update(torch.from_numpy(rows)[:, ::2]).M2, truth.M2) < 1e-6


def test_dimensions_beyond_one_block_of_the_sum() -> None:
    rows = mixed_rows(500, 300)
    moments = Moments(300).update(rows[:200]).update(rows[200:])
    np.testing.assert_allclose(moments.covariance(), np.cov(rows.T), atol=1e-9)
    np.testing.assert_array_equal(moments.M2, moments.M2.T)
    made = Moments.from_arrays(500, moments.mean, moments.M2)
    np.testing.assert_array_equal(made.M2, moments.M2)


def test_an_empty_batch_and_an_empty_shard_add_nothing() -> None:
    moments = Moments(2).update(np.zeros((0, 2))).update(np.array([[1.0, 2.0]]))
    moments.merge(Moments(2))
    assert moments.n == 1
    np.testing.assert_array_equal(moments.mean, [1.0, 2.0])


def test_what_is_read_is_a_copy() -> None:
    moments = Moments(2).update(np.array([[1.0, 2.0], [3.0, 0.0]]))
    moments.mean[:] = 9
    moments.M2[:] = 9
    other = Moments(2).merge(moments)
    other.update(np.array([[100.0, 0.0]]))
    np.testing.assert_array_equal(moments.mean, [2.0, 1.0])
    np.testing.assert_array_equal(moments.M2, [[2.0, -2.0], [-2.0, 2.0]])


def test_extra_memory_does_not_grow_with_the_batch() -> None:
    rows = np.zeros((200_000, 32), np.float32)
    rows[::2] = 1
    tracemalloc.start()
    try:
        Moments(32).update(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * _rows.CHUNK_BYTES < rows.nbytes / 2


def test_state_goes_through_a_file_and_on(tmp_path: object) -> None:
    rows = mixed_rows().astype(np.float32)
    path = tmp_path / "state.npz"  # type: ignore[operator]
    np.savez(path, **Moments(7).update(rows[:100]).state_dict())
    again = Moments(7)
    with np.load(path, allow_pickle=False) as saved:
        again.load_state_dict(dict(saved))
    assert again.dtype == "float32"
    again.update(rows[100:])
    np.testing.assert_allclose(again.M2, Moments(7).update(rows).M2, rtol=1e-6)
    fresh = Moments(7)
    fresh.load_state_dict(Moments(7).state_dict())
    assert (fresh.n, fresh.dtype) == (0, None)


def test_from_arrays_is_the_same_state() -> None:
    moments = Moments(7).update(mixed_rows())
    made = Moments.from_arrays(moments.n, moments.mean, moments.M2, dtype="float64")
    np.testing.assert_array_equal(made.covariance(), moments.covariance())
    assert made.dtype == "float64"
    # What knows no dtype merges with anything and learns it.
    unknown = Moments.from_arrays(moments.n, moments.mean, moments.M2)
    assert unknown.dtype is None
    assert unknown.merge(moments).dtype == "float64"
