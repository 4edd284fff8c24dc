"""Agreement of methods: Spearman by hand, its laws, its interval, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.stats import spearmanr

from probe.attribution import agreement

DIMS = ("algorithm", "layer", "target", "example", "token")


def result(values: np.ndarray) -> xr.Dataset:
    names = [f"m{i}" for i in range(len(values))]
    coords = {"algorithm": names, "layer": ["input", "body"][: values.shape[1]]}
    return xr.Dataset({"attribution_x": (DIMS, values)}, coords)


@pytest.fixture
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.normal(size=(3, 2, 2, 5, 7))
    found[..., 3:, 5:] = np.nan  # two shorter examples
    return found


def test_it_is_spearmans_mean_over_targets_and_examples(values: np.ndarray) -> None:
    found = agreement(result(values), layer="body").rank_correlation
    kept = values[:, 1].reshape(3, 10, 7)
    for i, j in np.ndindex(3, 3):
        wanted = np.mean(
            [
                spearmanr(a[np.isfinite(a)], b[np.isfinite(b)]).statistic
                for a, b in zip(kept[i], kept[j], strict=True)
            ]
        )
        assert float(found[i, j]) == pytest.approx(wanted)


def test_only_ranks_count_and_the_matrix_is_symmetric(values: np.ndarray) -> None:
    found = agreement(result(values))
    again = agreement(result(np.exp(values)))
    np.testing.assert_allclose(found.rank_correlation, again.rank_correlation)
    np.testing.assert_allclose(found.rank_correlation, found.rank_correlation.values.T)
    np.testing.assert_allclose(np.diag(found.rank_correlation), 1)
    low, high = np.moveaxis(found.rank_correlation_interval.values, -1, 0)
    assert (low <= found.rank_correlation.values + 1e-12).all()
    assert (high >= found.rank_correlation.values - 1e-12).all()


def test_a_method_that_is_not_there_or_ranks_nothing_has_no_correlation(
    values: np.ndarray,
) -> None:
    values[1] = np.nan
    values[2] = 1.0
    found = agreement(result(values)).rank_correlation.values
    assert found[0, 0] == pytest.approx(1)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[2]).all()


def test_one_example_has_no_interval(values: np.ndarray) -> None:
    found = agreement(result(values[:, :, :, :1]))
    assert np.isfinite(found.rank_correlation).all()
    assert np.isnan(found.rank_correlation_interval).all()


def test_what_is_refused(values: np.ndarray) -> None:
    ds = result(values)
    with pytest.raises(TypeError, match=r"`ds` must be an xarray.Dataset"):
        agreement(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`ds` must hold attributions"):
        agreement(ds.drop_vars("attribution_x"))
    with pytest.raises(ValueError, match="`layer` must be one of 'input', 'body'; got 'x'"):
        agreement(ds, layer="x")
    with pytest.raises(ValueError, match=r"`part` must be one of 'x'; got 'y'"):
        agreement(ds, part="y")
