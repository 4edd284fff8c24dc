"""What whitening refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from probe.moments import Moments
from probe.whitening.scaling import Centre
from probe.whitening.transform import AllButTheTop, Whitening


def mixed_rows(n: int = 300, d: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 3 * rng.standard_normal(d)


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
    states = torch.randn(300, 48, generator=torch.Generator().manual_seed(0))
    normed = torch.nn.functional.layer_norm(states @ torch.diag(torch.arange(1.0, 49)), (48,))
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
