"""The rank that whitening sees: LayerNorm states, constant features, few rows, shrinkage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.covariance import LedoitWolf

from probe.moments import Moments
from probe.whitening.spectrum import spectrum
from probe.whitening.transform import Whitening, numerical_rank

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
    # Not even without a tolerance do 4 rows span more.
    assert Whitening(rank_tol=0.0).fit(mixed_rows(4, 6)).rank_ == 3
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
