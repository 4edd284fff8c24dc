"""Pictures along edits against a linear generator, where every one is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from probe.lowrank import region_directions, region_gram
from probe.lowrank.frames import EditSource

ROWS, COLUMNS = 3, 4
MASK = np.zeros((ROWS, COLUMNS), bool)
MASK[:2, :2] = True


def weight() -> Tensor:
    torch.manual_seed(3)
    return torch.randn(5, ROWS * COLUMNS, dtype=torch.float64) * 0.1


def generate(latent: Tensor) -> Tensor:
    return (latent @ weight()).reshape(-1, 1, ROWS, COLUMNS)


def layered(latent: Tensor) -> Tensor:
    plus = latent if latent.ndim == 3 else latent.unsqueeze(1).expand(-1, 2, -1)
    return generate(plus[:, 0] + 0.5 * plus[:, 1])


def made(**options) -> EditSource:
    latents = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(3, 5)
    return EditSource(generate, latents, steps=(0.05, 0.1), **options)


def test_frames_are_the_images_at_equal_change_inside() -> None:
    source = made(span=(-2.0, 2.0))
    ds = source({"corner": MASK}, rank=2)
    assert ds.method.values.tolist() == ["generalised"] * 2 + ["principal", "random"]
    assert ds.step.values.tolist() == [-0.1, -0.05, 0, 0.05, 0.1]
    first = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(3, 5)[:1]
    for i in range(ds.sizes["edit"]):
        vector = torch.from_numpy(ds.vector.values[i, 0])
        for j, step in enumerate(ds.step.values):
            moved = generate(first + float(ds.length[i, j]) * vector)
            change = (moved - generate(first))[0, 0].numpy()
            assert np.sqrt((change[MASK] ** 2).mean()) == pytest.approx(abs(step), rel=2e-3)
            outside = np.sqrt((change[~MASK] ** 2).mean())
            assert float(ds.outside[i, j]) == pytest.approx(outside, rel=1e-6, abs=1e-12)
            np.testing.assert_allclose(ds.change[i, j], np.abs(change), atol=1e-7)
            shown = np.rint((moved[0].numpy() + 2) / 4 * 255)
            assert np.array_equal(ds.frames[i, j], shown.astype(np.uint8))
            assert np.sign(float(ds.length[i, j])) == np.sign(step)


def test_directions_are_those_of_the_method() -> None:
    source = made(baselines=())
    ds = source({"corner": MASK}, rank=3)
    latent = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(3, 5)[:1]
    own = region_directions(region_gram(generate, latent, MASK), rank=3)
    np.testing.assert_allclose(ds.vector[:, 0], own.directions, atol=1e-9)
    np.testing.assert_allclose(ds.ratio_linear, own.ratio)
    np.testing.assert_allclose(ds.spectrum_inside[0, 0], own.spectrum_inside, atol=1e-15)
    assert ds.n_directions.item() == 3
    assert ds.rank_reason.values.tolist() == [["asked for"]]
    # A second region uses the products of the first.
    again = source(~MASK, rank=3)
    other = region_directions(region_gram(generate, latent, ~MASK), rank=3)
    np.testing.assert_allclose(again.ratio_linear, other.ratio)
    assert again["name"].values.tolist() == ["drawn"] * 3


def test_the_methods_own_choice_is_cut() -> None:
    def plain(latent: Tensor) -> Tensor:
        return latent.reshape(-1, 1, 2, 2)

    ways = [EditSource(plain, torch.zeros(1, 4), steps=(0.1,), most=most) for most in (5, 1)]
    whole, cut = (way([[1, 1], [0, 0]]) for way in ways)
    assert (whole.n_directions.item(), cut.n_directions.item()) == (2, 1)
    reason = str(cut.rank_reason.values[0, 0])
    assert reason.startswith("the first 1 of 2: directions that")


def test_other_images_are_edited_both_ways() -> None:
    ds = made()({"corner": MASK}, rank=1)
    latents = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(3, 5)
    vector = torch.from_numpy(ds.vector.values[0, 0])
    assert ds.attrs["transfer"] == 0.1
    gain = (generate(vector)[0, 0].numpy()[MASK] ** 2).mean() ** 0.5
    for k in range(2):
        for way, sign in enumerate((-1, 1)):
            moved = generate(latents[k + 1] + sign * 0.1 / gain * vector)
            shown = np.rint((moved[0].numpy() + 1) / 2 * 255)
            difference = ds.transfer_frames.values[0, k, way] - shown
            assert np.abs(difference).max() <= 1
    # The generator is linear: as local there as here.
    np.testing.assert_allclose(ds.transfer_outside[0], float(ds.outside[0, -1]), rtol=2e-3)


def test_a_change_that_is_not_reached_leaves_the_image() -> None:
    def bounded(latent: Tensor) -> Tensor:
        return 0.08 * torch.tanh(generate(latent) / 0.08)

    latents = torch.zeros(1, 5, dtype=torch.float64)
    ds = EditSource(bounded, latents, steps=(0.01, 0.2), baselines=())({"corner": MASK}, rank=1)
    assert np.isnan(ds.outside.values[0]).tolist() == [True, False, False, False, True]
    assert np.isnan(ds.change.values[0, 0]).all()
    assert np.array_equal(ds.frames[0, 0], ds.image[0])
    assert ds.transfer_frames.shape[1:3] == (0, 2)


def test_layers_may_move_by_themselves() -> None:
    latents = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(2, 5)
    plus = EditSource(
        layered, latents, broadcast=lambda w: w.unsqueeze(1).expand(-1, 2, -1), steps=(0.1,)
    )
    assert plus.spaces == ("w", "w+")
    ds = plus({"corner": MASK}, rank=1)
    assert ds.sizes["component"] == 10
    assert np.isnan(ds.spectrum_inside.sel(kind="w")[0]).sum() == 5
    one = ds.isel(edit=ds.space.values == "w")
    np.testing.assert_allclose(one.vector.isel(layer=0), one.vector.isel(layer=1))
    both = ds.isel(edit=ds.space.values == "w+")
    np.testing.assert_allclose((both.vector**2).sum(["layer", "feature"]), 1)
    only = plus(MASK, rank=1, spaces=["w+"])
    assert set(only.space.values) == {"w+"}


def test_near_empty_is_marked_without_a_warning() -> None:
    def faint(latent: Tensor) -> Tensor:
        scale = torch.tensor([1.0, 0.001, 0.5, 0.5, 0.0])
        return (latent * scale)[:, :4].reshape(-1, 1, 2, 2)

    ds = EditSource(faint, torch.zeros(1, 5), steps=(0.1,), baselines=())([[1, 1], [0, 0]], rank=3)
    assert ds.near_empty.values.tolist() == [False, True, True]
    assert float(ds.kept_effect[1]) == pytest.approx(0.001)
    # What changes nothing is not followed out of all bounds.
    assert np.isfinite(ds.outside.values).all(1).tolist() == [True, True, False]


def test_what_cannot_be_is_refused() -> None:
    source = made()
    with pytest.raises(ValueError, match=r"`steps` must be rising numbers above 0; got \[0.2, 0"):
        EditSource(generate, torch.zeros(1, 5), steps=(0.2, 0.1))
    with pytest.raises(ValueError, match=r"`steps` must be rising numbers above 0; got \[\]"):
        EditSource(generate, torch.zeros(1, 5), steps=())
    with pytest.raises(ValueError, match=r"`transfer` must be one of 0.05, 0.1; got 0.3"):
        made(transfer=0.3)
    with pytest.raises(ValueError, match=r"`method` must be one of 'generalised', .*; got 'pca'"):
        made(method="pca")
    with pytest.raises(ValueError, match=r"`baselines` must be one of 'principal', 'random'; got"):
        made(baselines=["sefa"])
    with pytest.raises(ValueError, match=r"`span` must be a lower and a higher number; got"):
        made(span=(1.0, 1.0))
    with pytest.raises(TypeError, match=r"`broadcast` must be a callable or None; got int"):
        made(broadcast=1)
    with pytest.raises(ValueError, match=r"`most` must be at least 1; got 0"):
        made(most=0)
    with pytest.raises(ValueError, match=r"`regions` must hold at least one mask; got none"):
        source({})
    with pytest.raises(ValueError, match=r"`region` must hold at least one pixel; got none"):
        source(~np.ones_like(MASK))
    with pytest.raises(ValueError, match=r"`spaces` must be one of 'w'; got 'w\+'"):
        source(MASK, spaces=["w+"])
    with pytest.raises(ValueError, match=r"`rank` must be between 1 and 5; got 6"):
        source(MASK, rank=6)
