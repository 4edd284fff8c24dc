"""Two clusters of many sets at once: what Lloyd's algorithm ends in, alike in any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.value import _two_means
from probe.value._two_means import two_means

SETS, POINTS = 40, 12


def sets(
    *, dtype: torch.dtype = torch.float64, shift: float = 0.0, features: int = 5
) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(SETS, POINTS, features)) + shift
    points[:, : POINTS // 2] += rng.normal(scale=2, size=(SETS, 1, features))
    mask = rng.random((SETS, POINTS)) < 0.8
    mask[:, :2] = True
    keys = rng.integers(2**63, size=SETS, dtype=np.uint64)
    return torch.tensor(points, dtype=dtype), torch.tensor(mask), keys


@pytest.mark.parametrize("features", [5, 40])
def test_every_point_is_nearest_to_the_mean_of_its_own_cluster(features: int) -> None:
    points, mask, keys = sets(features=features)
    member = two_means(points, mask, keys, steps=100).numpy()
    for x, keep, own in zip(points.numpy(), mask.numpy(), member, strict=True):
        assert not own[~keep].any()
        centres = [x[keep & (own == k)].mean(0) for k in (False, True)]
        assert np.isfinite(centres).all(), "neither cluster is empty"
        far = np.stack([((x - centre) ** 2).sum(1) for centre in centres], axis=1)
        np.testing.assert_array_equal(far.argmin(1)[keep], own[keep])


def test_a_set_is_clustered_alike_alone_in_parts_and_whatever_is_masked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points, mask, keys = sets()
    whole = two_means(points, mask, keys)
    alone = [two_means(points[i : i + 1], mask[i : i + 1], keys[i : i + 1]) for i in range(SETS)]
    assert torch.equal(torch.cat(alone), whole)
    noisy = torch.where(mask[..., None], points, 1e3 * points)
    assert torch.equal(two_means(noisy, mask, keys), whole)
    monkeypatch.setattr(_two_means, "_ROOM", 3 * POINTS * POINTS)
    assert torch.equal(two_means(points, mask, keys), whole)


def test_single_precision_and_an_offset_change_nothing() -> None:
    points, mask, keys = sets()
    whole = two_means(points, mask, keys)
    assert torch.equal(two_means(points.float(), mask, keys), whole)
    moved = two_means((points + 100).float(), mask, keys)
    # Of two starts that end alike but for the order of clusters, rounding may take either.
    assert torch.equal((moved ^ moved[:, :1]) & mask, (whole ^ whole[:, :1]) & mask)


def test_more_starts_never_end_in_a_larger_spread() -> None:
    points, mask, keys = sets()

    def spread(starts: int) -> np.ndarray:
        member = two_means(points, mask, keys, starts=starts)
        total = torch.zeros(SETS, dtype=torch.float64)
        for own in (mask & member, mask & ~member):
            weights = own.double()[..., None]
            mean = (points * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
            total += ((points - mean) ** 2 * weights).sum((1, 2))
        return total.numpy()

    few, many = spread(1), spread(16)
    assert (many <= few * (1 + 1e-9)).all()
    assert (many < few * (1 - 1e-3)).any()


def test_points_that_are_all_equal_are_one_cluster() -> None:
    points = torch.full((3, 4, 2), 7.0)
    member = two_means(points, torch.ones(3, 4, dtype=torch.bool), np.arange(3, dtype=np.uint64))
    assert not member.any()
