"""Shares of attributes against a linear generator and reader, where they are known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from probe.lowrank.attributes import attribute_shares

REGION = [[1, 1], [0, 0]]
NAMES = ["top", "top", "bottom", "bottom"]


def generate(latent: Tensor) -> Tensor:
    return latent.reshape(-1, 1, 2, 2)


def read(images: Tensor) -> Tensor:
    return images.flatten(1)


def shares(directions, *, reader=read, generator=generate, **options):
    given = {"intended": "top", "n_boot": 50} | options
    names = given.pop("attributes", NAMES)
    latents = given.pop("latents", torch.zeros(3, 4, dtype=torch.float64))
    return attribute_shares(generator, reader, names, directions, latents, REGION, **given)


def test_shares_are_those_of_squares() -> None:
    ds = shares([[1.0, 2.0, 2.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(ds.share_mean.sel(attribute="top"), [5 / 9, 1])
    np.testing.assert_allclose(ds.share.sum("attribute"), 1)
    assert float(ds.intended_mean) == pytest.approx(7 / 9)
    np.testing.assert_allclose(ds.intended_mean_interval, 7 / 9)
    assert ds.reached.values.tolist() == [1, 1]
    assert ds.attrs["probe"] == "lowrank.attributes"
    assert (ds.attrs["intended"], ds.attrs["step"]) == ("top", 0.2)


def test_both_ways_count_by_their_size() -> None:
    def curved(latent: Tensor) -> Tensor:
        return generate(torch.cat([latent[:, :2], latent[:, 2:].clamp_min(0)], dim=1))

    # Forth all of the bottom changes, back none of it.
    ds = shares([[1.0, 0.0, 1.0, 0.0]], generator=curved)
    np.testing.assert_allclose(ds.share_mean.sel(attribute="top"), [2 / 3])


def test_a_step_that_is_not_reached_is_no_share() -> None:
    def bounded(latent: Tensor) -> Tensor:
        return 0.05 * torch.tanh(generate(latent) / 0.05)

    latents = torch.zeros(2, 4, dtype=torch.float64)
    ds = shares([[1.0, 0.0, 1.0, 0.0]], generator=bounded, latents=latents)
    assert np.isnan(ds.share.values).all()
    assert np.isnan(float(ds.intended_mean))
    assert ds.reached.values.tolist() == [0]


def test_one_latent_has_no_interval() -> None:
    ds = shares([[1.0, 0, 0, 0]], latents=torch.zeros(1, 4))
    assert "share_mean_interval" not in ds
    assert "intended_mean_interval" not in ds


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`intended` must be one of 'top', 'bottom'; got 'eyes'"):
        shares([[1.0, 0, 0, 0]], intended="eyes")
    with pytest.raises(ValueError, match=r"`step` must be above 0; got 0"):
        shares([[1.0, 0, 0, 0]], step=0)
    with pytest.raises(ValueError, match=r"`chunk` must be at least 1; got 0"):
        shares([[1.0, 0, 0, 0]], chunk=0)
    with pytest.raises(ValueError, match=r"`read` must give finite numbers \(3, 3\); got shape"):
        shares([[1.0, 0, 0, 0]], attributes=["top", "top", "bottom"])
    with pytest.raises(ValueError, match=r"`read` must give finite numbers"):
        shares([[1.0, 0, 0, 0]], reader=lambda images: read(images) * np.nan)
