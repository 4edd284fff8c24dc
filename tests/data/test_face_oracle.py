"""The oracle: its subspaces are what changes each region, by its own Jacobian."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from data.faces import FACE_PARAMETERS, FACE_REGIONS, draw_faces, face_oracle, face_regions


def jacobian(oracle, latent: torch.Tensor) -> torch.Tensor:
    """(channel, y, x, dim) at one latent."""
    return torch.func.jacfwd(lambda z: oracle(z)[0])(latent)


@pytest.mark.parametrize("rest", ["none", "background"])
def test_the_subspaces_are_one_orthonormal_basis(rest: str) -> None:
    oracle = face_oracle(rest=rest)
    assert oracle.names == FACE_REGIONS
    assert oracle.dim == 64
    parts = [oracle.subspace(name) for name in oracle.names]
    parts += [oracle.subspace("rest")] if rest == "none" else []
    whole = np.concatenate(parts, axis=1)
    assert whole.shape == (64, 64)
    assert np.allclose(whole.T @ whole, np.eye(64), atol=1e-12)
    sizes = {name: part.shape[1] for name, part in zip(oracle.names, parts, strict=False)}
    assert sizes["mouth"] == 4
    assert sizes["eyes"] == 5
    assert sizes["background"] == (2 if rest == "none" else 46)


@pytest.mark.parametrize("name", ["eyes", "brows", "mouth", "nose"])
@pytest.mark.parametrize("rest", ["none", "background"])
def test_what_changes_a_region_is_its_subspace_and_that_of_its_neighbour(
    name: str, rest: str
) -> None:
    oracle = face_oracle(seed=1, rest=rest)
    latent = oracle.sample(1, seed=2)[0].double()
    there = jacobian(oracle, latent)
    inside = face_regions(oracle.parameters(latent))[name][0]
    # The skin shows through edges; nothing else does.
    known = np.concatenate([oracle.subspace(name), oracle.subspace("skin")], axis=1)
    rows = there[:, inside].flatten(0, 1).numpy()
    assert np.linalg.norm(rows - rows @ known @ known.T) < 1e-9 * np.linalg.norm(rows)
    # Its own directions change it, and nothing outside.
    own = there @ torch.from_numpy(oracle.subspace(name))
    assert own[:, ~inside].abs().max() < 1e-9
    assert np.linalg.matrix_rank(own[:, inside].flatten(0, 1).numpy()) == own.shape[-1]


def test_dimensions_that_belong_to_nothing_change_nothing() -> None:
    oracle = face_oracle()
    there = jacobian(oracle, oracle.sample(1)[0].double())
    assert (there @ torch.from_numpy(oracle.subspace("rest"))).abs().max() < 1e-12


def test_waves_change_the_background_only_and_each_its_own_way() -> None:
    oracle = face_oracle(rest="background")
    latent = oracle.sample(1)[0].double()
    waves = jacobian(oracle, latent) @ torch.from_numpy(oracle.subspace("rest"))
    background = face_regions(oracle.parameters(latent))["background"][0]
    assert waves[:, ~background].abs().max() < 1e-12
    assert waves[0, background].abs().amax(0).min() > 0.01
    assert np.linalg.matrix_rank(waves[0, background].numpy(), tol=1e-3) == 44


def test_images_are_those_of_the_parameters() -> None:
    oracle = face_oracle(dim=20, size=64, seed=4)
    latents = oracle.sample(3, seed=1)
    assert latents.dtype == torch.float32
    assert latents.shape == (3, 20)
    torch.testing.assert_close(oracle(latents), draw_faces(oracle.parameters(latents), 64))
    torch.testing.assert_close(oracle.synthesize(latents[1]), oracle(latents)[1:2])
    assert oracle.subspace("rest").shape == (20, 0)


def test_standard_normal_latents_give_uniform_parameters() -> None:
    found = face_oracle().parameters(face_oracle().sample(20_000)).double()
    levels = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
    for level in levels:
        assert ((found < level).double().mean(0) - level).abs().max() < 0.02


def test_a_step_along_a_parameter_moves_that_parameter() -> None:
    oracle = face_oracle(seed=9)
    latent = oracle.sample(1)[0].double()
    for i, name in enumerate(FACE_PARAMETERS):
        (direction,) = oracle.subspace(name).T
        change = oracle.parameters(latent + 0.5 * torch.from_numpy(direction))
        change = (change - oracle.parameters(latent))[0]
        assert change[i] > 0.01
        assert change.abs().sum() - change[i] < 1e-12


def test_the_map_depends_on_the_seed_alone() -> None:
    assert np.array_equal(face_oracle().subspace("nose"), face_oracle().subspace("nose"))
    assert not np.allclose(face_oracle(seed=1).subspace("nose"), face_oracle().subspace("nose"))
    assert repr(face_oracle()) == "FaceOracle(dim=64, size=32, seed=0, rest='none')"


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: face_oracle(dim=19), ValueError, "`dim` must be at least 20; got 19"),
        (lambda: face_oracle(size=8), ValueError, "`size` must be at least 32; got 8"),
        (lambda: face_oracle(seed=-1), ValueError, "`seed` must be at least 0; got -1"),
        (lambda: face_oracle(rest="x"), ValueError, "`rest` must be one of 'none', 'background'"),
        (
            lambda: face_oracle().subspace("ear"),
            ValueError,
            "`name` must be one of 'eyes', .*'ear'",
        ),
        (lambda: face_oracle().sample(0), ValueError, "`n` must be at least 1; got 0"),
        (
            lambda: face_oracle()(torch.zeros(2, 3)),
            ValueError,
            r"`latent` must have axes \(n, 64\) or \(64,\); got shape \(2, 3\)",
        ),
        (
            lambda: face_oracle()(np.zeros(64, int)),
            TypeError,
            "`latent` must be floating-point numbers; got torch.int64",
        ),
    ],
)
def test_what_the_oracle_cannot_do_is_refused(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()
