"""Faces whose latent directions are known: what each method recovers of them."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
import xarray as xr

from data.faces import FaceOracle, face_oracle, face_regions
from probe.lowrank import (
    EmptyEditWarning,
    baseline_directions,
    locality,
    principal_angles,
    region_directions,
    region_gram,
)

PARTS = ["mouth", "eyes", "brows", "nose"]


@cache
def gram_of(part: str, rest: str) -> tuple[FaceOracle, xr.Dataset]:
    """The Gram of a part of the face, over all pixels that it takes in four faces."""
    oracle = face_oracle(dim=64, size=32, rest=rest)
    latents = oracle.sample(4, seed=1).double()
    mask = face_regions(oracle.parameters(latents), 32)[part].numpy().any(0)
    return oracle, region_gram(oracle, latents, mask)


def overlap(oracle: FaceOracle, part: str, found: xr.Dataset) -> float:
    return float(principal_angles(found, oracle.subspace(part).T).overlap)


@pytest.mark.parametrize(
    ("part", "rest"), [*((part, "none") for part in PARTS), ("mouth", "background")]
)
def test_the_default_method_finds_the_true_subspace(part: str, rest: str) -> None:
    oracle, gram = gram_of(part, rest)
    truth = oracle.subspace(part)
    found = region_directions(gram, rank=truth.shape[1])
    assert overlap(oracle, part, found) > 0.99
    assert region_directions(gram).attrs["rank"] == truth.shape[1]
    null = region_directions(gram, method="null_space", rank=truth.shape[1])
    assert overlap(oracle, part, null) > 0.99
    # Half of what a part shows is skin: the most change is not the part's own.
    plain = baseline_directions(gram, rank=truth.shape[1])
    assert overlap(oracle, part, plain) < 0.85
    random = baseline_directions(gram, method="random", rank=truth.shape[1])
    assert overlap(oracle, part, random) < 0.2


@pytest.mark.parametrize("part", PARTS)
def test_the_published_method_finds_less_of_it(part: str) -> None:
    oracle, gram = gram_of(part, "none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptyEditWarning)
        found = region_directions(gram, method="robust_pca")
    assert 0.5 < overlap(oracle, part, found) < 0.99


def test_the_edit_stays_in_the_mouth_at_other_faces() -> None:
    oracle, gram = gram_of("mouth", "none")
    others = oracle.sample(5, seed=7).double()
    mask = gram.region.values
    ours = locality(oracle, region_directions(gram), others, mask, [0.1], n_boot=200)
    plain = locality(oracle, baseline_directions(gram, rank=4), others, mask, [0.1], n_boot=200)
    ratios = [float(np.exp(np.log(each.ratio_mean).mean())) for each in (ours, plain)]
    assert ratios[0] > 3 * ratios[1]
    assert "transfer" in ours


def test_an_edit_of_pixels_that_only_the_skin_fills_is_empty() -> None:
    # One pixel of the cheek: what moves it moves the whole face. Little that is left is local.
    oracle = face_oracle()
    latents = oracle.sample(4, seed=1).double()
    masks = face_regions(oracle.parameters(latents), 32)
    parts = [masks[name].numpy().any(0) for name in (*PARTS, "hair", "background")]
    cheek = masks["skin"].numpy().all(0) & ~np.any(parts, axis=0)
    pixel = np.zeros((32, 32), bool)
    pixel[tuple(np.argwhere(cheek)[0])] = True
    with pytest.warns(EmptyEditWarning):
        found = region_directions(oracle, latents, pixel, method="null_space")
    assert bool(found.near_empty.all())
