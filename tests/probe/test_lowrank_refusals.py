"""Generators, latents and regions that cannot be measured, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from probe.lowrank import (
    baseline_directions,
    jacobian,
    principal_angles,
    region_directions,
    region_gram,
)

TOP = np.array([[1, 1], [0, 0]], bool)


def plain(z):
    return z.reshape(-1, 1, 2, 2)


def normed(*, training: bool, tracked: bool = True) -> nn.Module:
    norm = nn.BatchNorm2d(1, track_running_stats=tracked)
    return nn.Sequential(nn.Unflatten(1, (1, 2, 2)), norm).train(training)


@pytest.mark.parametrize(
    ("region", "wording"),
    [
        (np.zeros((2, 2)), "`region` must hold at least one pixel; got none"),
        (np.ones((2, 2)), "`region` must leave pixels outside; got the whole image"),
        (np.ones((3, 2)), r"`region` must have the images' 2 rows and 2 columns; got \(3, 2\)"),
    ],
)
def test_regions(region, wording: str) -> None:
    with pytest.raises(ValueError, match=wording):
        region_gram(plain, torch.zeros(4), region)
    with pytest.raises(ValueError, match=wording):
        region_directions(plain, torch.zeros(4), region)


def test_the_whole_image_is_a_region_of_a_jacobian_alone() -> None:
    found = jacobian(plain, torch.zeros(4), region=np.ones((2, 2)))
    np.testing.assert_array_equal(found.jacobian, np.eye(4))


@pytest.mark.parametrize("net", [normed(training=True), normed(training=False, tracked=False)])
def test_batch_norm_in_training_mode(net: nn.Module) -> None:
    before = {name: each.clone() for name, each in net.state_dict().items()}
    with pytest.raises(ValueError, match="no batch norm in training mode; got BatchNorm2d"):
        jacobian(lambda z: net(z), torch.zeros(4))  # hidden in a function
    for name, each in net.state_dict().items():
        assert torch.equal(before[name], each)  # and its running statistics are not touched
    assert not nn.modules.module._global_forward_pre_hooks
    jacobian(normed(training=False), torch.zeros(4))


@pytest.mark.parametrize(
    ("net", "wording"),
    [
        (lambda z: torch.log(z).reshape(-1, 1, 2, 2), "`synthesize` must give finite images; got"),
        (
            lambda z: torch.sqrt(z).reshape(-1, 1, 2, 2),
            "`synthesize` must have a finite Jacobian; got",
        ),
        (lambda z: plain(z + torch.randn(4)), "give one latent the same image each time"),
        (
            lambda z: plain(z + z.mean(0, keepdim=True) + 1),
            "treat the latents of a batch one by one",
        ),
        (lambda z: z, r"give images \(n, channel, row, column\); got shape \(1, 4\)"),
        (lambda z: plain(z)[0], r"give images \(n, channel, row, column\); got shape \(1, 2, 2\)"),
    ],
)
def test_generators(net, wording: str) -> None:
    latent = torch.zeros(4)
    if "one by one" in wording:
        latent = torch.ones(4)
    with pytest.raises(ValueError, match=wording):
        jacobian(net, latent)


def test_noise_that_depends_on_the_place_in_a_batch() -> None:
    def noisy(z):
        torch.manual_seed(0)
        return plain(z + torch.randn(z.shape))

    with pytest.raises(ValueError, match=r"one by one; .* draws noise that depends on the place"):
        jacobian(noisy, torch.zeros(4))


def test_half_precision() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Unflatten(1, (1, 2, 2))).bfloat16().eval()
    with pytest.raises(TypeError, match=r"must work in float32 or float64; got bfloat16. Call flo"):
        jacobian(net, torch.zeros(4))


def test_what_is_no_generator() -> None:
    with pytest.raises(TypeError, match="`synthesize` must be a callable"):
        jacobian("generator", torch.zeros(4))
    with pytest.raises(TypeError, match="`synthesize` must give a tensor of images; got ndarray"):
        jacobian(lambda z: z.numpy(), torch.zeros(4))


@pytest.mark.parametrize(
    ("latent", "error", "wording"),
    [
        (torch.zeros(1, 1, 4), ValueError, r"`latent` must have axes \(d,\) or \(layers, d\)"),
        (torch.zeros(0), ValueError, "`latent` must have axes"),
        (torch.zeros(4, dtype=torch.int64), TypeError, "`latents` must hold floating-point"),
        (torch.full((4,), torch.nan), ValueError, "`latents` must be finite everywhere"),
    ],
)
def test_latents(latent, error, wording: str) -> None:
    with pytest.raises(error, match=wording):
        jacobian(plain, latent)


@pytest.mark.parametrize(
    ("options", "wording"),
    [
        ({"method": "finite"}, "`method` must be one of 'auto', 'forward', 'reverse'"),
        ({"chunk": 0}, "`chunk` must be at least 1"),
    ],
)
def test_options(options, wording: str) -> None:
    with pytest.raises(ValueError, match=wording):
        jacobian(plain, torch.zeros(4), **options)
    with pytest.raises(ValueError, match=wording):
        region_gram(plain, torch.zeros(4), TOP, **options)


def test_sources_of_a_gram() -> None:
    whole = jacobian(plain, torch.zeros(4))
    gram = region_gram(whole, region=TOP)
    with pytest.raises(ValueError, match="`memory` must be at least 1"):
        region_gram(plain, torch.zeros(4), TOP, memory=0)
    with pytest.raises(ValueError, match="`latents` must be None with a Jacobian"):
        region_gram(whole, torch.zeros(4), TOP)
    with pytest.raises(ValueError, match="`latents` must be given with a generator"):
        region_gram(plain, region=TOP)
    with pytest.raises(ValueError, match="`total` must be None with a generator"):
        region_gram(plain, torch.zeros(4), TOP, total=gram)
    for bad in (jacobian(plain, torch.zeros(4), region=TOP), gram, xr.Dataset()):
        with pytest.raises(ValueError, match="`source` must be a generator or the Jacobian of the"):
            region_gram(bad, region=TOP)
    other = region_gram(jacobian(plain, torch.ones(4)), region=TOP)
    with pytest.raises(ValueError, match="`total` must be region_gram's result at the same latent"):
        region_gram(whole, region=TOP, total=other)
    with pytest.raises(TypeError, match="`total` must be a result of region_gram"):
        region_gram(whole, region=TOP, total="gram")


@pytest.mark.parametrize(
    ("options", "wording"),
    [
        ({"method": "svd"}, "`method` must be one of 'generalised', 'null_space', 'robust_pca'"),
        ({"ridge": 0}, "`ridge` must be above 0"),
        ({"tolerance": 0}, "`tolerance` must be above 0"),
        ({"rank": 5}, "`rank` must be between 1 and 4"),
        ({"rank": 3, "method": "null_space"}, "`rank` must be at most 2, the null space's"),
        ({"method": "robust_pca", "lam": 1e-3}, "`lam` must give a principal space inside"),
        ({"method": "robust_pca", "lam": 2.0, "rank": 3}, "`rank` must be at most 2, the rank of"),
    ],
)
def test_directions(options, wording: str) -> None:
    with pytest.raises(ValueError, match=wording):
        region_directions(plain, torch.zeros(4), TOP, **options)


def test_directions_that_there_are_not() -> None:
    gram = region_gram(plain, torch.zeros(4), TOP)
    with pytest.raises(ValueError, match="`source` must come alone if it is a result of region_g"):
        region_directions(gram, torch.zeros(4))
    with pytest.raises(ValueError, match="`region` must change with the latent"):
        region_directions(lambda z: plain(z * torch.tensor([0, 0, 1.0, 1])), torch.zeros(4), TOP)
    coupled = lambda z: plain(z[:, :1].expand(-1, 4) + 0.5 * z[:, 1:2])  # noqa: E731
    with pytest.raises(ValueError, match="`region` must have directions outside the rest's space"):
        region_directions(coupled, torch.zeros(2), TOP, method="robust_pca", lam=5.0)
    with pytest.raises(ValueError, match=r"`tolerance` must leave a null space \(be at least"):
        region_directions(
            lambda z: plain(torch.cat([z, z], 1)), torch.zeros(2), TOP, method="null_space"
        )


@pytest.mark.parametrize(
    ("options", "wording"),
    [
        ({"method": "ica"}, "`method` must be one of 'principal', 'sefa', 'pca', 'random'"),
        ({"rank": 5}, "`rank` must be between 1 and 4"),
        ({"method": "sefa"}, "`weight` must be given for method 'sefa'"),
        ({"method": "sefa", "weight": np.ones((3, 3))}, r"`weight` must have axes \(out, 4 latent"),
        ({"method": "pca"}, "`samples` must be given for method 'pca'"),
        ({"method": "pca", "samples": np.ones((2, 4))}, "`samples` must be more than 2 latents"),
        (
            {"method": "pca", "samples": np.ones((5, 4)), "features": np.ones((4, 2))},
            "`samples` and `features` must have the same length",
        ),
        (
            {"method": "pca", "samples": np.ones((5, 4)), "features": np.eye(5)[:, :1]},
            "`rank` must be at most the rank of the features",
        ),
    ],
)
def test_baselines(options, wording: str) -> None:
    gram = region_gram(plain, torch.zeros(4), TOP)
    with pytest.raises(ValueError, match=wording):
        baseline_directions(gram, **{"rank": 2} | options)
    with pytest.raises(TypeError, match="`gram` must be a result of region_gram"):
        baseline_directions(xr.Dataset())


@pytest.mark.parametrize(
    ("a", "b", "wording"),
    [
        (np.eye(3), np.eye(2), "`b` must have 3 latent coordinates, as `a`; got 2"),
        (np.zeros((1, 3)), np.eye(3), "`a` must span at least one direction"),
        (np.ones(3), np.eye(3), "`a` must have axes"),
        (np.full((1, 3), np.nan), np.eye(3), "`a` must be finite"),
        (xr.Dataset(), np.eye(3), "`a` must have a variable `directions`"),
    ],
)
def test_angles(a, b, wording: str) -> None:
    with pytest.raises(ValueError, match=wording):
        principal_angles(a, b)
