"""Robust PCA against the published values, planted splits, and a certificate of the least cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probe.lowrank import robust_pca
from probe.lowrank._alm import duality_gap, ialm

from .lowrank_truth import planted


def close(found, wanted) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def cost(low: np.ndarray, sparse: np.ndarray, lam: float) -> float:
    return np.abs(np.linalg.eigvalsh(low)).sum() + lam * np.abs(sparse).sum()


def test_the_official_codes_values(golden: Path) -> None:
    with np.load(golden / "rpca_0.npz") as file:
        official = {name: file[name] for name in file.files}
    found = robust_pca(official["gram"], lam=float(official["lam"]), method="admm")
    assert close(found.low_rank, official["low_rank"]) < 1e-5
    assert close(found.sparse, official["sparse"]) < 1e-5
    assert int(found["rank"]) == int(official["rank"])
    # The official rule stops long before the least cost, which is all sparse here.
    best = robust_pca(official["gram"], lam=float(official["lam"]), settle=1e-4)
    assert float(found.gap) > 0.2 > 1e-3 > float(best.gap)
    assert int(best["rank"]) == 0


@pytest.mark.parametrize("method", ["ialm", "admm"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_split_is_found(method: str, seed: int) -> None:
    low, sparse = planted(40, 2, 0.05, seed)
    found = robust_pca(low + sparse, lam=40**-0.5, method=method)
    assert close(found.low_rank, low) < 1e-5
    assert close(found.sparse, sparse) < 1e-5
    assert int(found["rank"]) == 2
    assert (found.eigenvalues[2:] < 1e-6).all()
    assert float(found.residual) <= 1e-7


@pytest.mark.parametrize("decay", [1.0, 2.0])
def test_both_solvers_agree_where_admm_has_converged(decay: float) -> None:
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    gram = (turn * np.arange(1, 25.0) ** -decay) @ turn.T
    lam = 24**-0.5
    fine = robust_pca(gram, lam=lam, settle=1e-4)
    fast = robust_pca(gram, lam=lam)
    official = robust_pca(gram, lam=lam, method="admm")
    assert float(fine.gap) < 1e-3
    assert close(fast.low_rank, fine.low_rank) < 2e-2
    costs = {
        name: cost(each.low_rank.values, gram - each.low_rank.values, lam)
        for name, each in (("fine", fine), ("fast", fast), ("official", official))
    }
    assert costs["fine"] <= costs["fast"] * (1 + 1e-6) <= costs["fine"] * (1 + float(fast.gap))
    assert costs["fine"] <= costs["official"] * (1 + 1e-6)


def test_the_gap_is_a_bound() -> None:
    gram = sum(planted(16, 2, 0.2))
    lam = 0.2
    best = robust_pca(gram, lam=lam, settle=1e-5)
    rough = ialm(gram, lam, tolerance=1e-7, settle=np.inf, max_iterations=500)
    least = cost(best.low_rank.values, best.sparse.values, lam)
    above = cost(rough.low_rank, rough.sparse, lam) / least - 1
    assert above <= duality_gap(gram, lam, rough) + 1e-6
    assert float(best.gap) < 1e-4


def test_size_of_the_matrix_does_not_matter() -> None:
    gram = sum(planted(20, 2, 0.1))
    small, large = robust_pca(gram * 1e-6), robust_pca(gram * 1e6)
    np.testing.assert_allclose(small.low_rank * 1e12, large.low_rank, rtol=1e-6, atol=1)
    assert int(small.iterations) == int(large.iterations)


def test_an_indefinite_matrix_is_split_too() -> None:
    low, sparse = planted(40, 2, 0.05)
    found = robust_pca(-low + sparse, lam=40**-0.5)
    assert close(found.low_rank, -low) < 1e-5


def test_lam_goes_with_the_width() -> None:
    assert robust_pca(np.eye(8) + 1).attrs["lam"] == pytest.approx((512 / 8) ** 0.5 / 60)


@pytest.mark.slow
def test_the_official_width_in_seconds() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((512, 512)))[0]
    found = robust_pca((turn / np.arange(1, 513.0)) @ turn.T)
    assert found.attrs["lam"] == pytest.approx(1 / 60)
    assert float(found.residual) <= 1e-7
    assert float(found.gap) < 0.05


@pytest.mark.parametrize(
    ("gram", "options", "error", "wording"),
    [
        (np.ones((2, 3)), {}, ValueError, r"`gram` must have axes \(d, d\)"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), {}, ValueError, "`gram` must be symmetric"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), {}, ValueError, "`gram` must be finite"),
        (np.zeros((2, 2)), {}, ValueError, "`gram` must have an entry that is not 0"),
        (np.eye(2), {"lam": 0.0}, ValueError, "`lam` must be above 0"),
        (np.eye(2), {"lam": "1"}, TypeError, "`lam` must be a real number"),
        (np.eye(2), {"tolerance": 0}, ValueError, "`tolerance` must be above 0"),
        (np.eye(2), {"settle": 0}, ValueError, "`settle` must be above 0"),
        (np.eye(2), {"method": "svd"}, ValueError, "`method` must be one of 'ialm', 'admm'"),
        (np.eye(2), {"max_iterations": 0}, ValueError, "`max_iterations` must be at least 1"),
        (
            np.eye(9) + 1,
            {"max_iterations": 2},
            RuntimeError,
            "has not converged after 2 iterations: residual",
        ),
    ],
)
def test_bad_input_is_refused(gram, options, error, wording) -> None:
    with pytest.raises(error, match=wording):
        robust_pca(gram, **options)
