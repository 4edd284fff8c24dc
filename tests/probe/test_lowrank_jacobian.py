"""Jacobians and Gram matrices against autograd's own, in every mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.lowrank import jacobian, region_gram

from .lowrank_truth import D, OldStyle, OnceOnly, generators, linear, reference

NAMES = ["conv_transpose", "batch_norm", "modulated", "interpolation", "attention"]
MODES = ["auto", "forward", "reverse", "double_reverse"]


def corner(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape[-2:], bool)
    mask[1:3, :2] = True
    return mask


@pytest.mark.parametrize("name", NAMES)
def test_every_mode_gives_autograds_jacobian(name: str) -> None:
    net = generators()[name]
    latent = torch.randn(D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    truth = reference(net, latent)
    for mode in MODES:
        found = jacobian(net, latent, method=mode, chunk=4)
        assert found.jacobian.dims == ("channel", "row", "column", "feature")
        np.testing.assert_allclose(found.jacobian, truth, rtol=1e-9, atol=1e-12, err_msg=mode)
    np.testing.assert_allclose(found.image, net(latent[None])[0].detach())


@pytest.mark.parametrize("name", NAMES)
def test_the_gram_is_that_of_autograds_jacobian(name: str) -> None:
    net = generators()[name]
    latents = torch.randn(3, D, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    truths = [reference(net, each) for each in latents]
    mask = corner(truths[0].shape[:3])
    found = region_gram(net, latents, mask)
    for side, keep in (("inside", mask), ("outside", ~mask)):
        rows = [truth[:, keep].reshape(-1, D) for truth in truths]
        wanted = np.mean([each.T @ each / len(each) for each in rows], axis=0)
        np.testing.assert_allclose(found[side], wanted, rtol=1e-5, atol=1e-9 * abs(wanted).max())
        assert int(found[f"n_{side}"]) == len(rows[0])


def test_forward_and_reverse_agree_in_single_precision() -> None:
    net = generators()["modulated"].float()
    latent = torch.randn(D, generator=torch.Generator().manual_seed(3))
    forward = jacobian(net, latent, method="forward").jacobian
    assert forward.dtype == np.float32
    reverse = jacobian(net, latent, method="reverse").jacobian
    assert float(abs(forward - reverse).max()) < 1e-6 * float(abs(forward).max())


def test_a_region_has_the_rows_of_the_whole() -> None:
    net = generators()["interpolation"]
    latent = torch.ones(D, dtype=torch.float64)
    whole = jacobian(net, latent).jacobian
    mask = corner(whole.shape[:3])
    for mode in MODES:
        part = jacobian(net, latent, region=mask, method=mode, chunk=5)
        assert part.jacobian.dims == ("value", "feature")
        at = (part.value_channel, part.value_row, part.value_column)
        np.testing.assert_allclose(part.jacobian, whole.values[at], rtol=1e-9, atol=1e-12)
        assert mask[part.value_row, part.value_column].all()


@pytest.mark.parametrize(
    ("pixels", "mode"), [(1, "reverse"), (4, "reverse"), (5, "forward"), (64, "forward")]
)
def test_the_cheaper_way_is_taken(pixels: int, mode: str) -> None:
    net = generators()["interpolation"]
    mask = np.zeros(64, bool)
    mask[:pixels] = True
    found = jacobian(net, torch.zeros(D), region=mask.reshape(8, 8))
    assert found.attrs["mode"] == mode  # reverse while 3 * pixels <= 2 * 6
    assert f"{3 * pixels} values" in found.attrs["mode_reason"]


@pytest.mark.parametrize("memory", [1, 2 * 8 * 192, 4 * 8 * 192, 2**27])
def test_blocks_of_columns_change_nothing(memory: int) -> None:
    net = generators()["conv_transpose"]
    latent = torch.ones(1, D, dtype=torch.float64)
    mask = corner((8, 8))
    found = region_gram(net, latent, mask, memory=memory, chunk=2)
    whole = region_gram(jacobian(net, latent[0]), region=mask)
    for side in ("inside", "outside"):
        np.testing.assert_allclose(found[side], whole[side], rtol=1e-12, atol=1e-14)
    blocks = {1: 6, 2 * 8 * 192: 3, 4 * 8 * 192: 2}.get(memory)
    assert (f"{blocks} blocks" in found.attrs["mode_reason"]) == (blocks is not None)


@pytest.mark.parametrize("region", [corner((8, 8)), ~corner((8, 8))])
def test_an_earlier_total_spares_the_rest(region: np.ndarray) -> None:
    found = jacobian(generators()["conv_transpose"], torch.ones(D))
    first = region_gram(found, region=np.eye(8))
    again = region_gram(found, region=region, total=first)
    plain = region_gram(found, region=region)
    for side in ("inside", "outside", "n_inside", "n_outside"):
        np.testing.assert_allclose(again[side], plain[side], rtol=1e-9, atol=1e-14)


def test_layers_are_named() -> None:
    net = generators()["conv_transpose"]
    latent = torch.arange(12.0, dtype=torch.float64).reshape(2, 6) / 10

    def layered(w):
        return net(w[:, 0]) + 2 * net(w[:, 1])

    found = jacobian(layered, latent)
    assert found.jacobian.dims[-2:] == ("layer", "feature")
    np.testing.assert_allclose(found.jacobian, reference(layered, latent), rtol=1e-9, atol=1e-12)
    gram = region_gram(layered, latent[None], corner((8, 8)))
    assert gram.latents.dims == ("example", "layer", "feature")
    assert gram.coordinate_layer.values.tolist() == [0] * 6 + [1] * 6
    assert gram.coordinate_feature.values.tolist() == [*range(6)] * 2
    rows = found.jacobian.values[:, corner((8, 8))].reshape(-1, 12)
    np.testing.assert_allclose(gram.inside, rows.T @ rows / len(rows), rtol=1e-9, atol=1e-12)


def test_a_function_without_forward_mode_falls_back() -> None:
    net = generators()["conv_transpose"]
    latent = torch.ones(D, dtype=torch.float64)
    truth = reference(lambda z: net(z).square(), latent)
    found = jacobian(lambda z: OldStyle.apply(net(z)), latent)
    assert found.attrs["mode"] == "double_reverse"
    assert found.attrs["mode_reason"].startswith("fallback. Forward mode cannot differentiate")
    np.testing.assert_allclose(found.jacobian, truth, rtol=1e-9, atol=1e-12)
    found = jacobian(lambda z: OnceOnly.apply(net(z)), latent)
    assert found.attrs["mode"] == "reverse"
    np.testing.assert_allclose(found.jacobian, truth, rtol=1e-9, atol=1e-12)
    gram = region_gram(lambda z: OnceOnly.apply(net(z)), latent[None], corner((8, 8)), chunk=7)
    rows = truth[:, corner((8, 8))].reshape(-1, D)
    np.testing.assert_allclose(gram.inside, rows.T @ rows / len(rows), rtol=1e-9, atol=1e-12)


def test_forward_mode_that_is_not_there_names_the_fallback() -> None:
    net = generators()["conv_transpose"]
    with pytest.raises(RuntimeError, match=r"Forward mode cannot .* Take method='double_reverse'"):
        jacobian(lambda z: OldStyle.apply(net(z)), torch.ones(D).double(), method="forward")


def test_the_latent_takes_the_weights_type() -> None:
    found = jacobian(generators()["batch_norm"], np.ones(D, np.float32))
    assert found.jacobian.dtype == np.float64


def test_an_object_with_synthesize_will_do() -> None:
    class Subject:
        synthesize = staticmethod(linear(np.arange(24.0).reshape(8, 3), (2, 2, 2)))

    found = jacobian(Subject(), torch.zeros(3))
    np.testing.assert_allclose(found.jacobian.values.reshape(8, 3), np.arange(24).reshape(8, 3))
    assert found.attrs["probe"] == "lowrank.jacobian"
    assert found.jacobian.attrs["units"] == "image / latent"
