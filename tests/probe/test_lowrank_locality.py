"""How local edits are: closed forms for linear generators, and steps that bend."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.lowrank import locality, region_directions

from .lowrank_truth import OldStyle, linear

TOP = np.array([[1, 1], [0, 0]], bool)


def test_a_linear_generator_in_closed_form() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((4, 3))
    directions = rng.standard_normal((2, 3))
    latents = rng.standard_normal((4, 3))
    found = locality(linear(matrix, (1, 2, 2)), directions, latents, TOP, [0.1, 2.0])
    moved = matrix @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    inside, outside = (np.sqrt((part**2).mean(0)) for part in (moved[:2], moved[2:]))
    np.testing.assert_allclose(found.inside_linear, np.tile(inside, (4, 1)))
    np.testing.assert_allclose(found.ratio_linear_mean, inside / outside)
    lengths = found.step.values / inside[:, None]
    # The step is found to 1/1000 of itself; the ratio is that of the step taken.
    np.testing.assert_allclose(found.length.isel(example=0, sign=1), lengths, rtol=2e-3)
    np.testing.assert_allclose(
        found.ratio_mean, np.repeat((inside / outside)[:, None], 2, axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(found.ratio_mean_interval.sel(bound="low"), found.ratio_mean)
    assert (found.reached == 1).all()
    assert "transfer" not in found
    assert found.ratio_mean.attrs["units"] == "1"


def test_steps_of_equal_change_where_the_image_bends() -> None:
    def net(z):  # inside moves by z + z^2 from 0, outside by z
        a, b = z[:, :1], 0 * z[:, :1]
        return torch.cat([a + a.square(), b, a, b], dim=1).reshape(-1, 1, 2, 2)

    mask = np.array([[1, 0], [0, 0]])
    latent = torch.zeros(1, 2, dtype=torch.float64)
    found = locality(net, [[1.0, 0.0]], latent, mask, [0.1, 0.75])
    plus = (np.sqrt(1 + 4 * found.step.values) - 1) / 2
    np.testing.assert_allclose(found.length[0, 0].sel(sign=1), plus, rtol=2e-3)
    # Backwards z + z^2 = -0.1 at z = -0.1127; -0.75 lies below its least value, but -1.5 gives
    # +0.75 again.
    minus = [(1 - np.sqrt(1 - 0.4)) / 2, 1.5]
    np.testing.assert_allclose(found.length[0, 0].sel(sign=-1), minus, rtol=2e-3)
    outside = found.length / 3**0.5
    np.testing.assert_allclose(found.outside, outside, rtol=1e-6)
    ratio = np.exp(np.log(found.step / found.outside[0, 0]).mean("sign"))
    np.testing.assert_allclose(found.ratio[0, 0], ratio, rtol=3e-3)
    np.testing.assert_allclose(found.ratio_linear[0, 0], 3**0.5)
    assert "ratio_mean_interval" not in found  # one latent tells nothing of others


def test_a_change_that_is_never_reached_is_not_made_up() -> None:
    found = locality(
        lambda z: torch.tanh(z).reshape(-1, 1, 2, 2),
        np.eye(4)[:1],
        torch.zeros(2, 4),
        TOP,
        [0.1, 5.0],
    )
    assert found.reached.values.tolist() == [[1, 0]]
    assert np.isfinite(found.ratio_mean[0, 0])
    assert np.isnan(found.ratio_mean[0, 1])
    assert np.isnan(found.ratio_mean_interval[0, 1]).all()


def test_a_direction_that_does_nothing_is_never_local() -> None:
    matrix = np.diag([1.0, 1.0, 0.0, 1.0])
    latents = torch.zeros(2, 4, dtype=torch.float64)
    found = locality(linear(matrix, (1, 2, 2)), np.eye(4)[1:], latents, TOP, [0.1])
    assert float(found.ratio_linear_mean[0]) > 1e6  # inside alone
    assert float(found.ratio_linear_mean[1]) == pytest.approx(1)  # nowhere
    assert float(found.ratio_linear_mean[2]) < 1e-6  # outside alone
    assert found.reached.values.ravel().tolist() == [1, 0, 0]


def test_transfer_compares_with_the_source() -> None:
    def net(z):  # outside moves by z1 times coordinate 2's size: 1 at the source, 2 at the others
        return torch.stack([z[:, 0], 0 * z[:, 0], z[:, 0] * z[:, 1], 0 * z[:, 0]], 1).reshape(
            -1, 1, 2, 2
        )

    source = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    found = region_directions(net, source, TOP, rank=1)
    np.testing.assert_allclose(abs(found.directions), [[1.0, 0.0]], atol=1e-9)
    others = torch.tensor([[0.0, 2.0], [0.0, -2.0], [0.0, 2.0]], dtype=torch.float64)
    ds = locality(net, found, others, TOP, [0.1])
    np.testing.assert_allclose(ds.transfer, [0.5])
    np.testing.assert_allclose(ds.transfer_interval, [[0.5, 0.5]])


def test_latents_of_layers() -> None:
    net = linear(np.arange(24.0).reshape(4, 6), (1, 2, 2))
    latents = torch.zeros(2, 2, 3)
    directions = np.eye(6).reshape(6, 2, 3)[:2]
    found = locality(lambda w: net(w.flatten(1)), directions, latents, TOP, [1.0], chunk=2)
    np.testing.assert_allclose(found.inside_linear[0], [18**0.5, 25**0.5])


def test_generators_without_forward_mode() -> None:
    def net(z):
        return OldStyle.apply(z).reshape(-1, 1, 2, 2)

    found = locality(net, np.eye(4)[:1], torch.ones(1, 4), TOP, [0.1])
    np.testing.assert_allclose(found.inside_linear, [[2**0.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "wording"),
    [
        ({"directions": np.eye(3)}, ValueError, "`directions` must have the latents' 4 coord"),
        ({"directions": np.zeros((1, 4))}, ValueError, "`directions` must have no zero direction"),
        ({"directions": np.ones(4)}, ValueError, r"`directions` must have axes \(direction, coord"),
        ({"steps": [0.1, -1]}, ValueError, "`steps` must be numbers above 0"),
        ({"steps": []}, ValueError, "`steps` must be numbers above 0"),
        ({"steps": [np.nan]}, ValueError, "`steps` must be finite"),
        ({"chunk": 0}, ValueError, "`chunk` must be at least 1"),
        ({"region": np.ones((2, 2))}, ValueError, "`region` must leave pixels outside"),
        ({"latents": torch.zeros(1, 4, dtype=torch.int64)}, TypeError, "hold floating-point"),
    ],
)
def test_bad_input_is_refused(change, error, wording) -> None:
    given = {"directions": np.eye(4)[:1], "latents": torch.zeros(2, 4), "region": TOP} | change
    with pytest.raises(error, match=wording):
        locality(lambda z: z.reshape(-1, 1, 2, 2), **given)
