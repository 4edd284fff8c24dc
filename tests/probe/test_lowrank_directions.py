"""Directions with a closed form, laws that they obey, and the empty edit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.lowrank import (
    EmptyEditWarning,
    baseline_directions,
    principal_angles,
    region_directions,
    region_gram,
)

from .lowrank_truth import linear

HALF = np.zeros((4, 4), bool)
HALF[:2] = True


def separable(d: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A matrix (16, d) whose upper half two known directions move, alone, and four both halves."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    responses = np.zeros((16, d))
    responses[:8, :2] = rng.standard_normal((8, 2))
    responses[:, 2:6] = rng.standard_normal((16, 4))
    responses[8:] *= 10
    return responses @ turn.T, turn[:, :2], turn


@pytest.mark.parametrize("method", ["generalised", "null_space"])
def test_known_directions_are_found(method: str) -> None:
    matrix, alone, _ = separable()
    latent = torch.zeros(8, dtype=torch.float64)
    found = region_directions(linear(matrix, (1, 4, 4)), latent, HALF, method=method, ridge=1e-9)
    assert found.attrs["rank"] == 2
    assert "not near empty" in found.attrs["rank_reason"]
    assert float(principal_angles(found, alone.T).overlap) == pytest.approx(1, abs=1e-6)
    vectors = found.directions.values
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    moved = matrix @ vectors.T
    np.testing.assert_allclose(found.gain_inside, np.sqrt((moved[:8] ** 2).mean(0)), rtol=1e-9)
    np.testing.assert_allclose(found.gain_outside, np.sqrt((moved[8:] ** 2).mean(0)), atol=1e-6)
    largest = np.linalg.norm(matrix[:8], 2) / 8**0.5
    np.testing.assert_allclose(found.kept_effect, found.gain_inside / largest, rtol=1e-9)
    np.testing.assert_allclose(found.share, 1, atol=1e-6)
    spectrum = np.linalg.svd(matrix[:8], compute_uv=False) ** 2 / 8
    np.testing.assert_allclose(found.spectrum_inside, spectrum, rtol=1e-9, atol=1e-12)


def test_two_coordinates_by_hand() -> None:
    # Inside moves by 2a + b, outside by b: M_in = [[4, 2], [2, 1]], M_out = diag(0, 1), mean 1/2.
    net = linear(np.array([[2.0, 1.0], [0.0, 1.0]]), (1, 1, 2))
    found = region_directions(net, torch.zeros(2), [[1, 0]], ridge=1.0, rank=1)
    # (M_out + I/2)^-1 (2, 1) = (4, 2/3); s = (2, 1).(4, 2/3) = 26/3.
    wanted = np.array([4, 2 / 3])
    np.testing.assert_allclose(abs(found.directions[0]), wanted / np.linalg.norm(wanted), rtol=1e-9)
    assert float(found.score[0]) == pytest.approx(26 / 3)
    # Rank 1: the principal space is spanned by (2, 1), the direction by (6, 1).
    assert float(found.kept_norm[0]) == pytest.approx(13 / (5 * 37) ** 0.5)
    assert float(found.kept_effect[0]) == pytest.approx(13 / (5 * 37) ** 0.5)
    assert float(found.ratio[0]) == pytest.approx(13)
    assert float(found.share[0]) == pytest.approx(169 / 170)


def test_robust_pca_projects_the_principal_into_the_null_space() -> None:
    # Few latent coordinates move each half, so that both Grams are of low rank alone.
    rng = np.random.default_rng(1)
    inside, outside = rng.standard_normal((2, 40, 2))
    matrix = np.zeros((800, 40))
    matrix[:400] = rng.standard_normal((400, 2)) @ inside.T
    matrix[400:] = rng.standard_normal((400, 2)) @ outside.T
    net = linear(matrix, (1, 2, 400))
    mask = np.zeros((2, 400), bool)
    mask[0] = True
    found = region_directions(net, torch.zeros(40), mask, method="robust_pca", lam=1.0)
    assert found.attrs["rank"] == 2
    assert "rank of the region's part of low rank, 2" in found.attrs["rank_reason"]
    principal = np.linalg.svd(matrix[:400])[2][:2]
    basis = np.linalg.qr(outside)[0]
    kept = principal - principal @ basis @ basis.T
    norms = np.linalg.norm(kept, axis=1)
    np.testing.assert_allclose(found.kept_norm, norms, rtol=1e-5)
    angles = principal_angles(found, kept / norms[:, None])
    np.testing.assert_allclose(angles.angle, 0, atol=1e-5)
    assert float(found.gain_outside.max()) < 1e-5 * float(found.gain_inside.min())


def empty() -> tuple[np.ndarray, np.ndarray]:
    """Whatever moves the inside moves the outside, but for 1 % of one direction."""
    rng = np.random.default_rng(2)
    strong, hidden = np.linalg.qr(rng.standard_normal((30, 2)))[0].T
    inside = strong + 0.01 * hidden
    matrix = np.zeros((200, 30))
    matrix[:100] = rng.standard_normal((100, 1)) * inside
    matrix[100:] = 5 * rng.standard_normal((100, 1)) * strong
    mask = np.zeros((2, 100), bool)
    mask[0] = True
    return matrix, mask


@pytest.mark.parametrize("method", ["generalised", "null_space", "robust_pca"])
def test_the_empty_edit_warns(method: str) -> None:
    matrix, mask = empty()
    net = linear(matrix, (1, 2, 100))
    options = {"lam": 1.0, "ridge": 1e-9, "rank": 1}
    with pytest.warns(EmptyEditWarning, match="1 of 1 directions are near empty"):
        found = region_directions(net, torch.zeros(30), mask, method=method, **options)
    assert float(found.ratio[0]) > 1e3  # superb, and worth nothing
    assert float(found.kept_effect[0]) == pytest.approx(0.01, rel=0.01)
    assert bool(found.near_empty[0])
    if method == "robust_pca":
        assert float(found.kept_norm[0]) == pytest.approx(0.01, rel=0.01)


def test_the_automatic_rank_leaves_the_empty_out() -> None:
    matrix, mask = empty()
    found = region_directions(linear(matrix, (1, 2, 100)), torch.zeros(30), mask, ridge=1.0)
    assert found.attrs["rank"] == 1
    assert not bool(found.near_empty.any())


def test_an_edit_of_nothing_but_empty_directions_says_so() -> None:
    matrix, mask = empty()
    gram = region_gram(linear(matrix, (1, 2, 100)), torch.zeros(30), mask)
    with pytest.warns(EmptyEditWarning):
        found = region_directions(gram, method="null_space")
    assert found.attrs["rank_reason"] == "every direction is near empty: the first alone"


def test_a_region_that_is_never_alone_gives_the_best() -> None:
    matrix = np.ones((16, 1)) * np.array([1.0, 0.0])
    matrix[8:] *= 3
    found = region_directions(linear(matrix, (1, 4, 4)), torch.zeros(2), HALF)
    assert found.attrs["rank_reason"].startswith("no direction changes the region more")
    assert float(found.share[0]) == pytest.approx(0.1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_turning_the_latent_turns_the_directions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = separable(seed=seed)[0] + 0.1 * rng.standard_normal((16, 8))
    turn = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    plain = region_gram(linear(matrix, (1, 4, 4)), torch.zeros(8), HALF)
    turned = region_gram(linear(matrix @ turn.T, (1, 4, 4)), torch.zeros(8), HALF)
    for method, options in (("generalised", {}), ("null_space", {"tolerance": 0.2})):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EmptyEditWarning)
            a = region_directions(plain, method=method, rank=2, **options)
            b = region_directions(turned, method=method, rank=2, **options)
        np.testing.assert_allclose(a.score, b.score, rtol=1e-6)
        np.testing.assert_allclose(a.gain_inside, b.gain_inside, rtol=1e-5)
        signs = np.sign(np.sum(a.directions.values @ turn.T * b.directions.values, axis=1))
        np.testing.assert_allclose(
            a.directions.values @ turn.T * signs[:, None], b.directions, atol=1e-5
        )


def test_a_gram_and_a_generator_give_the_same() -> None:
    net = linear(separable()[0], (1, 4, 4))
    gram = region_gram(net, torch.zeros(2, 8), HALF)
    a, b = region_directions(gram), region_directions(net, torch.zeros(2, 8), HALF)
    np.testing.assert_array_equal(a.directions, b.directions)
    assert a.source_latents.shape == (2, 8)
    assert a.attrs["probe"] == "lowrank.region_directions"


def test_baselines_are_what_they_are_called() -> None:
    matrix, _, _ = separable()
    gram = region_gram(linear(matrix, (1, 4, 4)), torch.zeros(8), HALF)
    rng = np.random.default_rng(0)
    top = baseline_directions(gram, method="principal", rank=3)
    np.testing.assert_allclose(
        abs(np.sum(top.directions.values * np.linalg.svd(matrix[:8])[2][:3], axis=1)), 1
    )
    weight = rng.standard_normal((20, 8))
    sefa = baseline_directions(gram, method="sefa", weight=weight, rank=3)
    size, rows = np.linalg.svd(weight)[1:]
    np.testing.assert_allclose(abs(np.sum(sefa.directions.values * rows[:3], axis=1)), 1)
    np.testing.assert_allclose(sefa.score, size[:3] ** 2)
    samples = rng.standard_normal((50, 8)) * np.arange(1, 9)
    pca = baseline_directions(gram, method="pca", samples=samples, rank=2)
    rows = np.linalg.svd(samples - samples.mean(0))[2]
    np.testing.assert_allclose(abs(np.sum(pca.directions.values * rows[:2], axis=1)), 1)
    # Features that are a turned copy of the latents: the same axes by regression.
    turned = samples @ np.linalg.qr(rng.standard_normal((8, 8)))[0]
    again = baseline_directions(gram, method="pca", samples=samples, features=turned, rank=2)
    assert float(principal_angles(again, pca).overlap) == pytest.approx(1)
    np.testing.assert_allclose(again.score, pca.score)
    random = baseline_directions(gram, method="random", rank=4, seed=3)
    unit = random.directions.values
    np.testing.assert_allclose(unit @ unit.T, np.eye(4), atol=1e-12)
    assert random.attrs["seed"] == 3
    assert set(random.data_vars) == set(top.data_vars)


def test_principal_angles_by_hand() -> None:
    angle = 0.3
    plane = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [2.0, 1.0, 0.0]]  # two dimensions, three rows
    tilted = [[np.cos(angle), 0.0, np.sin(angle)]]
    found = principal_angles(plane, tilted)
    np.testing.assert_allclose(found.angle, [angle])
    assert float(found.overlap) == pytest.approx(np.cos(angle) ** 2)
    assert float(found.chance) == pytest.approx(2 / 3)
    tiny = principal_angles([[1.0, 0.0]], [[1.0, 1e-9]])
    np.testing.assert_allclose(tiny.angle, [1e-9], rtol=1e-6)
    layered = principal_angles(np.eye(6)[:1].reshape(1, 2, 3), torch.eye(6)[:2])
    assert float(layered.overlap) == 1
