"""Whitening: the laws it must obey, the rank it must see, and what it must refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from probe.moments import Moments
from probe.whitening.named import make_transform
from probe.whitening.scaling import Centre, Raw, ZScore
from probe.whitening.transform import AllButTheTop, Whitening


def mixed_rows(n: int = 300, d: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 3 * rng.standard_normal(d)


def cosines(rows: np.ndarray) -> np.ndarray:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


# partial_fit cannot estimate Ledoit-Wolf's intensity and says so; these two checks call it.
NO_STREAM = {"check_fit_score_takes_y", "check_n_features_in_after_fitting"}


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (Whitening(), set()),
        (Whitening(kind="zca", power=0.5), set()),
        (Whitening(shrinkage=0.1), set()),
        (Whitening(shrinkage="ledoit-wolf"), NO_STREAM),
        (AllButTheTop(1), set()),
        (Centre(), set()),
        (ZScore(), set()),
        (Raw(), set()),
        (make_transform("naive"), set()),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore")
def test_conventions_of_scikit_learn(estimator: object, expected: set[str]) -> None:
    # The one skipped check is of array-API inputs, which these do not claim to take.
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {each["check_name"] for each in results if each["status"] == "failed"}
    skipped = {each["check_name"] for each in results if each["status"] == "skipped"}
    assert failed == expected
    assert skipped <= {"check_array_api_input"}
    assert len(results) > 40


@pytest.mark.parametrize("kind", ["pca", "zca"])
def test_whitened_rows_have_the_identity_as_covariance(kind: str) -> None:
    rows = mixed_rows()
    white = Whitening(kind=kind).fit_transform(rows)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=1e-10)


def test_on_a_lower_rank_it_is_the_identity_there_and_zero_elsewhere() -> None:
    rows = mixed_rows(d=4) @ np.random.default_rng(1).standard_normal((4, 9))
    pca, zca = Whitening().fit(rows), Whitening(kind="zca").fit(rows)
    assert pca.rank_ == zca.rank_ == 4
    np.testing.assert_allclose(np.cov(pca.transform(rows).T), np.eye(4), atol=1e-9)
    projector = pca.components_.T @ pca.components_
    np.testing.assert_allclose(np.cov(zca.transform(rows).T), projector, atol=1e-9)
    assert pca.null_directions_.shape == (5, 9)
    np.testing.assert_allclose((rows - rows.mean(0)) @ pca.null_directions_.T, 0, atol=1e-9)
    both = np.vstack([pca.components_, pca.null_directions_])
    np.testing.assert_allclose(both @ both.T, np.eye(9), atol=1e-10)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_components_variances_and_signs(k: int) -> None:
    rows = mixed_rows()
    fitted = Whitening(k).fit(rows)
    values = np.linalg.eigvalsh(np.cov(rows.T))[::-1][:k]
    np.testing.assert_allclose(fitted.explained_variance_, values, rtol=1e-10)
    assert fitted.components_.shape == (k, 6)
    assert fitted.transform(rows).shape == (300, k)
    largest = np.abs(fitted.components_).argmax(axis=1)
    assert (fitted.components_[np.arange(k), largest] > 0).all()
    assert (fitted.rank_, fitted.n_samples_seen_, fitted.n_features_in_) == (6, 300, 6)
    np.testing.assert_allclose(fitted.mean_, rows.mean(axis=0))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rotating_the_rows_or_their_order_changes_no_cosine(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = mixed_rows(60, 5, seed)
    before = cosines(Whitening().fit_transform(rows))
    turned = rows @ np.linalg.qr(rng.standard_normal((5, 5)))[0]
    np.testing.assert_allclose(cosines(Whitening().fit_transform(turned)), before, atol=1e-7)
    order = rng.permutation(60)
    shuffled = Whitening().fit(rows[order]).transform(rows)
    np.testing.assert_allclose(shuffled, Whitening().fit_transform(rows), atol=1e-8)


def test_pca_zca_and_cholesky_have_the_same_cosines_at_full_rank() -> None:
    rows = mixed_rows()
    factor = np.linalg.cholesky(np.linalg.inv(np.cov(rows.T)))
    reference = cosines((rows - rows.mean(axis=0)) @ factor)
    for kind in ("pca", "zca"):
        white = Whitening(kind=kind).fit_transform(rows)
        np.testing.assert_allclose(cosines(white), reference, atol=1e-9)


@pytest.mark.parametrize("kind", ["pca", "zca"])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("k", [None, 2])
def test_the_inverse_is_exact_on_what_was_kept(kind: str, power: float, k: int | None) -> None:
    rows = mixed_rows()
    fitted = Whitening(k, kind=kind, power=power).fit(rows)
    back = fitted.inverse_transform(fitted.transform(rows))
    projector = fitted.components_.T @ fitted.components_
    expected = (rows - rows.mean(axis=0)) @ projector + rows.mean(axis=0)
    np.testing.assert_allclose(back, expected, atol=1e-9)
    if k is None:
        np.testing.assert_allclose(back, rows, atol=1e-9)


def test_power_scales_by_variance_to_the_minus_half_power() -> None:
    rows = mixed_rows()
    values = np.linalg.eigvalsh(np.cov(rows.T))[::-1]
    for power in (0.0, 0.5, 1.0):
        moved = Whitening(power=power).fit_transform(rows)
        np.testing.assert_allclose(np.cov(moved.T), np.diag(values ** (1 - power)), atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 80), min_size=1, max_size=4),
    swap=st.booleans(),
    kind=st.sampled_from(["pca", "zca"]),
)
def test_parts_and_merged_shards_are_one_fit(cuts: list[int], swap: bool, kind: str) -> None:
    rows = mixed_rows(80, 4, seed=3)
    whole = Whitening(kind=kind).fit_transform(rows)
    parts = [part for part in np.split(rows, sorted(cuts)) if len(part)]
    streamed = Whitening(kind=kind)
    shards = []
    for part in parts:
        streamed.partial_fit(part)
        shards.append(Whitening(kind=kind).partial_fit(part))
    np.testing.assert_allclose(streamed.transform(rows), whole, atol=1e-8)
    merged = Whitening(kind=kind)
    for shard in shards[::-1] if swap else shards:
        merged.merge(shard)
    np.testing.assert_allclose(merged.transform(rows), whole, atol=1e-8)
    assert merged.n_samples_seen_ == 80


def test_more_rows_renew_the_map_and_a_new_fit_forgets_them() -> None:
    rows = mixed_rows()
    fitted = Whitening().partial_fit(rows[:100])
    first = fitted.transform(rows)
    fitted.partial_fit(rows[100:])
    assert not np.allclose(fitted.transform(rows), first)
    np.testing.assert_allclose(fitted.fit(rows[:100]).transform(rows), first)
    moments = Moments(6).update(rows[:100])
    fitted.fit_moments(moments)
    fitted.partial_fit(rows[100:])
    assert (fitted.n_samples_seen_, moments.n) == (300, 100)


@pytest.mark.parametrize("estimator", [Whitening(), AllButTheTop(2), Centre(), ZScore()])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_stay_what_they_are(estimator: Whitening, dtype: str) -> None:
    rows = torch.from_numpy(mixed_rows(200)).to(getattr(torch, dtype))
    fitted = clone(estimator).fit(rows)
    moved = fitted.transform(rows)
    assert (moved.dtype, moved.device) == (rows.dtype, rows.device)
    wide = rows.double().numpy()
    reference = fitted.transform(wide)
    assert reference.dtype == np.float64
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-6, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(
        moved.double().numpy(), reference, rtol=tolerance, atol=20 * tolerance
    )
    back = fitted.inverse_transform(moved)
    assert back.dtype == rows.dtype
    if dtype != "bfloat16":
        array = rows.numpy()
        assert fitted.transform(array).dtype == array.dtype
        np.testing.assert_allclose(fitted.transform(array), moved.numpy(), atol=tolerance)


def test_gradients_flow_through_a_fitted_map() -> None:
    rows = torch.from_numpy(mixed_rows())
    fitted = Whitening().fit(rows)
    asked = rows[:3].clone().requires_grad_()
    fitted.transform(asked).sum().backward()
    expected = (fitted.components_.T / np.sqrt(fitted.explained_variance_)).sum(axis=1)
    np.testing.assert_allclose(asked.grad.numpy()[0], expected)


def test_integers_are_read_as_float64() -> None:
    rows = np.random.default_rng(0).integers(0, 9, (50, 3))
    white = Whitening().fit_transform(rows)
    assert white.dtype == np.float64
    back = Whitening().fit(rows).inverse_transform(np.ones((1, 3), int))
    assert back.dtype == np.float64


def test_all_but_the_top_by_hand() -> None:
    # Mean (1, 1); variance lies 9:1 along (1, 1)/sqrt(2) and (1, -1)/sqrt(2).
    rows = np.array([[4.0, 4.0], [-2.0, -2.0], [2.0, 0.0], [0.0, 2.0]])
    fitted = AllButTheTop(1).fit(rows)
    np.testing.assert_allclose(fitted.components_, [[0.5**0.5, 0.5**0.5]])
    expected = [[0.0, 0.0], [0.0, 0.0], [1.0, -1.0], [-1.0, 1.0]]
    np.testing.assert_allclose(fitted.transform(rows), expected, atol=1e-12)
    np.testing.assert_allclose(fitted.inverse_transform(np.zeros((1, 2))), [[1.0, 1.0]])
    centred = AllButTheTop(0).fit_transform(rows)
    np.testing.assert_allclose(centred, rows - 1.0, atol=1e-12)
    assert AllButTheTop(0).fit(rows).components_.shape == (0, 2)


def test_all_but_the_top_removes_what_whitening_puts_first() -> None:
    rows = mixed_rows()
    left = AllButTheTop(2).fit_transform(rows)
    components = Whitening().fit(rows).components_
    np.testing.assert_allclose(left @ components[:2].T, 0, atol=1e-10)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(left @ components[2:].T, centred @ components[2:].T, atol=1e-10)
