"""Whitening: the laws it must obey, the rank it must see, and what it must refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.covariance import LedoitWolf
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from probe.moments import Moments
from probe.whitening.named import make_transform
from probe.whitening.scaling import Centre, Raw, ZScore
from probe.whitening.spectrum import spectrum
from probe.whitening.transform import AllButTheTop, Whitening, numerical_rank

HALF = ("float16", "bfloat16")


def mixed_rows(n: int = 300, d: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 3 * rng.standard_normal(d)


def normed_rows(
    dtype: str, n: int = 3000, d: int = 48, seed: int = 0
) -> tuple[torch.Tensor, np.ndarray]:
    """States after a LayerNorm with random gamma and beta, and their null direction."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n, d, generator=generator, dtype=torch.float64)
    hidden = hidden @ torch.randn(d, d, generator=generator, dtype=torch.float64)
    gamma = 0.2 + 2 * torch.rand(d, generator=generator, dtype=torch.float64)
    beta = torch.randn(d, generator=generator, dtype=torch.float64)
    kind = getattr(torch, dtype)
    rows = torch.nn.functional.layer_norm(
        hidden.to(kind), (d,), gamma.to(kind), beta.to(kind), eps=1e-5
    )
    null = 1 / gamma.to(kind).double().numpy()
    return rows, null / np.linalg.norm(null)


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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_a_layernorm_leaves_exactly_one_null_direction(dtype: str, seed: int) -> None:
    rows, null = normed_rows(dtype, seed=seed)
    fitted = Whitening().fit(rows)
    assert fitted.rank_ == 47
    assert abs(fitted.null_directions_[0] @ null) > (0.999 if dtype in HALF else 1 - 1e-6)
    assert "47 of 48 directions" in fitted.report()
    assert "LayerNorm" in fitted.report()
    assert "1 / gamma" in fitted.report()
    white = fitted.transform(rows).double().numpy()
    atol = 0.02 if dtype in HALF else 1e-4
    np.testing.assert_allclose(np.cov(white.T), np.eye(47), atol=atol)
    # Stored statistics know the same rank if they know the dtype.
    moments = Moments(48).update(rows)
    stored = Moments.from_arrays(moments.n, moments.mean, moments.M2)
    assert Whitening().fit_moments(stored, dtype=dtype).rank_ == 47


def test_a_huge_feature_hides_no_small_direction() -> None:
    # Relative to the largest variance the others are 1e-8, below float32's own rounding.
    rows, _ = normed_rows("float32")
    rows[:, 5] = 1e4 * torch.randn(len(rows), generator=torch.Generator().manual_seed(9))
    assert Whitening().fit(rows).rank_ == 48
    assert numerical_rank(spectrum(Moments(48).update(rows)).eigenvalues, "float32") < 48


def test_rounding_around_a_large_mean_makes_no_rank() -> None:
    # Rounded anew around 30 the relation holds no longer exactly, yet nothing real was added.
    rows, _ = normed_rows("float32", seed=4)
    assert Whitening().fit(rows + 30.0).rank_ == 47


def test_reports_name_constant_features_and_too_few_rows() -> None:
    rows = mixed_rows()
    rows[:, 2] = 7.0
    fitted = Whitening().fit(rows)
    assert fitted.rank_ == 5
    assert "1 because features are constant." in fitted.report()
    assert "LayerNorm" not in fitted.report()
    few = Whitening().fit(mixed_rows(4, 6))
    assert few.rank_ == 3
    assert "3 because 4 rows span at most 3 directions" in few.report()
    assert "All 6 directions carry variance" in Whitening().fit(mixed_rows()).report()


def test_numerical_rank_by_dtype_and_by_tolerance() -> None:
    values = np.array([1.0, 1e-3, 1e-5, 1e-9, 0.0])
    assert [numerical_rank(values, d) for d in ("bfloat16", "float32", "float64")] == [2, 3, 4]
    assert numerical_rank(values, rank_tol=1e-4) == 2
    assert numerical_rank(np.zeros(3)) == 0
    assert Whitening(rank_tol=0.5).fit(np.diag([3.0, 2.0, 1.0]) - 1.0).rank_ <= 2
    with pytest.raises(ValueError, match="`eigenvalues` must be finite"):
        numerical_rank(np.array([np.nan]))
    with pytest.raises(ValueError, match=r"`eigenvalues` must have axes \(component\)"):
        numerical_rank(np.eye(2))
    with pytest.raises(ValueError, match="`dtype` must be one of float16"):
        numerical_rank(values, "int8")
    with pytest.raises(ValueError, match="`rank_tol` must be at least 0"):
        numerical_rank(values, rank_tol=-1.0)


def test_shrinkage_is_towards_the_mean_variance() -> None:
    rows = mixed_rows(40, 6)
    covariance = np.cov(rows.T)
    fitted = Whitening(shrinkage=0.3).fit(rows)
    shrunk = 0.7 * covariance + 0.3 * np.trace(covariance) / 6 * np.eye(6)
    values = np.linalg.eigvalsh(shrunk)[::-1]
    np.testing.assert_allclose(fitted.explained_variance_, values)
    matrix = fitted.transform(np.eye(6)) - fitted.transform(np.zeros((6, 6)))
    np.testing.assert_allclose(matrix.T @ shrunk @ matrix, np.eye(6), atol=1e-9)
    assert fitted.shrinkage_ == 0.3
    # It makes a rank of its own, even of fewer rows than features.
    assert Whitening(shrinkage=0.3).fit(mixed_rows(4, 6)).rank_ == 6


@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_ledoit_wolf_is_the_published_estimate(kind: str) -> None:
    rows = mixed_rows(50, 6)
    given = torch.from_numpy(rows) if kind == "tensor" else rows
    fitted = Whitening(shrinkage="ledoit-wolf").fit(given)
    assert fitted.shrinkage_ == pytest.approx(LedoitWolf().fit(rows).shrinkage_)
    moments = Moments(6).update(rows)
    again = Whitening(shrinkage="ledoit-wolf").fit_moments(moments, shrinkage=fitted.shrinkage_)
    np.testing.assert_allclose(again.transform(rows), fitted.transform(given))
    with pytest.raises(ValueError, match=r"`shrinkage` must be a number or None here.*fourth mom"):
        Whitening(shrinkage="ledoit-wolf").partial_fit(rows)
    with pytest.raises(ValueError, match="`shrinkage` must be a number or None here"):
        Whitening(shrinkage="ledoit-wolf").fit_moments(moments)
    with pytest.raises(ValueError, match="`shrinkage` must be a number or None here"):
        fitted.merge(again)
    # A number given for it does not stand in for another option.
    plain = Whitening().fit_moments(moments, shrinkage=0.5)
    assert plain.shrinkage_ == 0.0


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


def test_refused_options() -> None:
    rows = mixed_rows()
    for options, text in [
        ({"kind": "cholesky"}, "`kind` must be one of 'pca', 'zca'; got 'cholesky'"),
        ({"power": -1.0}, "`power` must be at least 0"),
        ({"power": float("nan")}, "`power` must be finite"),
        ({"n_components": 0}, "`n_components` must be at least 1"),
        ({"n_components": 7}, "`n_components` must be at most the rank 6; got 7"),
        ({"shrinkage": 1.5}, "`shrinkage` must be between 0"),
        ({"shrinkage": "oas"}, "`shrinkage` must be one of 'ledoit-wolf'; got 'oas'"),
        ({"rank_tol": -0.1}, "`rank_tol` must be at least 0"),
    ]:
        with pytest.raises(ValueError, match=text):
            Whitening(**options).fit(rows)
    with pytest.raises(TypeError, match="`n_components` must be an integer; got float"):
        Whitening(2.0).fit(rows)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`n_remove` must be below the rank 6; got 6"):
        AllButTheTop(6).fit(rows)
    with pytest.raises(ValueError, match="`n_remove` must be at least 0"):
        AllButTheTop(-1).fit(rows)
    normed, _ = normed_rows("float32")
    with pytest.raises(ValueError, match=r"at most the rank 47; got 48.*LayerNorm"):
        Whitening(48).fit(normed)
    with pytest.raises(ValueError, match=r"at most the rank 0; got None.*features are constant"):
        Whitening().fit(np.ones((5, 2)))


def test_refused_rows() -> None:
    rows = mixed_rows()
    fitted = Whitening().fit(rows)
    tensor = torch.from_numpy(rows)
    spoilt = rows.copy()
    spoilt[3, 1] = np.nan
    for bad in (spoilt, torch.from_numpy(spoilt)):
        with pytest.raises(ValueError, match=r"finite everywhere; got 1 NaN .* \(3, 1\)"):
            Whitening().fit(bad)
        with pytest.raises(ValueError, match=r"`X` must be finite everywhere; .* \(3, 1\)"):
            fitted.transform(bad)
        with pytest.raises(ValueError, match=r"`X` must be finite everywhere; .* \(3, 1\)"):
            fitted.inverse_transform(bad)
    with pytest.raises(ValueError, match=r"`n` must be at least 2 .* got n_samples = 1"):
        Whitening().fit(rows[:1])
    with pytest.raises(ValueError, match=r"`X` must have 6 features; got shape \(300, 5\)"):
        fitted.transform(tensor[:, :5])
    with pytest.raises(ValueError, match=r"`X` must have axes \(example, feature\)"):
        fitted.transform(tensor[0])
    with pytest.raises(ValueError, match=r"`X` must have at least one row; got shape \(0, 6\)"):
        fitted.transform(tensor[:0])
    with pytest.raises(TypeError, match=r"`X` must hold one of float16, .*; got int64"):
        fitted.transform(torch.ones(2, 6, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"`X` must have 6 components; got shape \(2, 5\)"):
        fitted.inverse_transform(np.ones((2, 5)))
    with pytest.raises(ValueError, match=r"`X` must have axes \(example, component\)"):
        fitted.inverse_transform(np.ones(6))
    with pytest.raises(ValueError, match="`batch` must be float64 like the rows before"):
        Whitening().partial_fit(rows).partial_fit(rows.astype(np.float32))


def test_refused_order_of_calls_and_merges() -> None:
    rows = mixed_rows()
    fresh = Whitening()
    for use in (
        lambda: fresh.transform(rows),
        lambda: fresh.inverse_transform(rows),
        lambda: fresh.components_,
        lambda: fresh.mean_,
        lambda: fresh.report(),
        lambda: Whitening().merge(fresh),
    ):
        with pytest.raises(NotFittedError, match="not fitted"):
            use()
    with pytest.raises(TypeError, match="`other` must be a Whitening; got Centre"):
        fresh.merge(Centre().fit(rows))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`moments` must be a Moments; got ndarray"):
        fresh.fit_moments(rows)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`shrinkage` must be between"):
        fresh.fit_moments(Moments(6).update(rows), shrinkage=2.0)
    with pytest.raises(ValueError, match="`other` must have dim 6; got 4"):
        Whitening().fit(rows).merge(Whitening().fit(mixed_rows(d=4)))
