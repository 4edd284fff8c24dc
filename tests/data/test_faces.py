"""Drawn faces: each parameter changes its own part of the picture, and that it does change."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from data.faces import (
    FACE_PARAMETERS,
    FACE_REGIONS,
    draw_faces,
    face_regions,
    random_parameters,
    render_faces,
)

NAMES = list(FACE_PARAMETERS)


def some(n: int = 24, seed: int = 5) -> torch.Tensor:
    """Random parameters in float64."""
    return torch.from_numpy(random_parameters(n, seed=seed))


def moved(parameters: torch.Tensor, name: str, by: float) -> torch.Tensor:
    """The same parameters with one of them changed, within [0, 1]."""
    other = parameters.clone()
    column = other[:, NAMES.index(name)]
    other[:, NAMES.index(name)] = torch.where(column + by > 1, column - by, column + by)
    return other


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_changes_its_own_region_and_nothing_else(name: str, size: int) -> None:
    before, after = some(), moved(some(), name, 0.4)
    change = (draw_faces(after, size) - draw_faces(before, size)).abs().amax(1)
    region = FACE_PARAMETERS[name]
    own = face_regions(before, size)[region] | face_regions(after, size)[region]
    assert (change * ~own).max() == 0.0  # the share of change inside is exactly 1
    assert (change.amax((1, 2)) > 0.05).all()  # of a range of 2: seen in every face


@pytest.mark.parametrize("name", NAMES)
def test_a_small_step_stays_within_the_region_before_it(name: str) -> None:
    before = some()
    change = (draw_faces(moved(before, name, 1e-6)) - draw_faces(before)).abs().amax(1)
    own = face_regions(before)[FACE_PARAMETERS[name]]
    inside = (change * own).sum((1, 2)) / change.sum((1, 2))
    assert inside.min() > 1 - 1e-6


def test_derivatives_agree_with_finite_differences() -> None:
    at = some(3).requires_grad_()
    weights = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 3, 32, 32)))
    (slope,) = torch.autograd.grad((weights * draw_faces(at)).sum(), at)
    step = 1e-6
    for i in range(len(NAMES)):
        by = torch.zeros_like(at)
        by[:, i] = step
        ends = [(weights * draw_faces(at.detach() + sign * by)).sum((1, 2, 3)) for sign in (1, -1)]
        torch.testing.assert_close(
            (ends[0] - ends[1]) / (2 * step), slope[:, i], rtol=1e-4, atol=1e-4
        )


def test_derivatives_are_finite_at_the_ends_of_the_ranges() -> None:
    for value in (0.0, 0.5, 1.0):
        at = torch.full((1, len(NAMES)), value, requires_grad=True)
        (slope,) = torch.autograd.grad(draw_faces(at).sum(), at)
        assert slope.isfinite().all()


def test_forward_mode_works_under_vmap() -> None:
    at = some(1)
    by = torch.eye(len(NAMES), dtype=at.dtype)

    weights = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 32, 32)))

    def push(tangent: torch.Tensor) -> torch.Tensor:
        return (torch.func.jvp(draw_faces, (at,), (tangent[None],))[1][0] * weights).sum()

    forward = torch.func.vmap(push)(by)
    at.requires_grad_()
    (reverse,) = torch.autograd.grad((draw_faces(at)[0] * weights).sum(), at)
    torch.testing.assert_close(forward, reverse[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [32, 64])
def test_every_pixel_has_a_region_and_features_do_not_touch_each_other(size: int) -> None:
    regions = face_regions(some(300), size)
    assert tuple(regions) == FACE_REGIONS
    assert torch.stack(list(regions.values())).any(0).all()
    for a, b in (("eyes", "brows"), ("eyes", "nose"), ("nose", "mouth"), ("brows", "hair")):
        shared = (regions[a] & regions[b]).sum() / regions[a].sum()
        assert shared < 0.002, (a, b)
    # A region is as large in pixels as it looks at either size.
    share = {name: mask.double().mean().item() for name, mask in regions.items()}
    assert 0.01 < share["eyes"] < 0.06
    assert 0.01 < share["mouth"] < 0.08
    assert share["skin"] > 0.2
    assert share["hair"] > 0.15
    assert share["background"] > 0.15


def test_both_eyes_look_the_same_way_and_the_rest_is_a_mirror_image() -> None:
    at = some(8)
    images, flipped = draw_faces(at), draw_faces(at).flip(-1)
    other = at.clone()
    gaze = NAMES.index("eye_gaze")
    other[:, gaze] = 1 - other[:, gaze]
    torch.testing.assert_close(flipped, draw_faces(other))
    assert (images - flipped).abs().max() > 0.1


def test_colours_are_those_of_the_parts() -> None:
    at = torch.full((1, len(NAMES)), 0.5)
    at[0, NAMES.index("hair_colour")] = 0.0
    image = (draw_faces(at, 64)[0] + 1) / 2
    torch.testing.assert_close(image[:, 6, 32], torch.tensor([0.12, 0.09, 0.10]))
    skin = torch.tensor([0.98 + 0.55, 0.85 + 0.37, 0.72 + 0.26]) / 2
    torch.testing.assert_close(image[:, 45, 20], skin)
    ground = 0.925 * torch.tensor([0.40, 0.445, 0.585])
    torch.testing.assert_close(image[:, 0, 0], ground)


def test_a_face_depends_on_seed_and_number_alone() -> None:
    many, few = render_faces(300, seed=2), render_faces(7, seed=2)
    assert np.array_equal(many.images[:7], few.images)
    assert np.array_equal(many.regions["hair"][:7], few.regions["hair"])
    assert np.array_equal(many.parameters[:7], few.parameters)
    assert not np.array_equal(render_faces(7, seed=3).images, few.images)
    assert many.names == tuple(NAMES)
    assert few.attrs == {"seed": 2, "size": 32}
    assert not many.images.flags.writeable


def test_parameters_are_uniform_and_independent() -> None:
    drawn = random_parameters(20_000)
    assert np.allclose(drawn.mean(0), 0.5, atol=0.01)
    assert np.allclose(drawn.var(0), 1 / 12, atol=0.003)
    off = np.corrcoef(drawn.T) - np.eye(len(NAMES))
    assert np.abs(off).max() < 0.04


def test_drawing_is_fast_enough() -> None:
    # 20,000 in 60 s of one core; a tenth of that at most here, whatever else runs.
    started = time.process_time()
    render_faces(500, size=64)
    assert time.process_time() - started < 500 * 60 / 20_000 * 4


def test_a_backdrop_shows_in_the_background_only() -> None:
    at = some(4)
    with_it = draw_faces(at, backdrop=torch.full((1, 1, 32, 32), 0.1, dtype=at.dtype))
    change = (with_it - draw_faces(at)).abs().amax(1)
    background = face_regions(at)["background"]
    assert (change * ~background).max() == 0
    assert (change[background] > 0).all()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: render_faces(0), ValueError, "`n` must be at least 1; got 0"),
        (lambda: render_faces(2.0), TypeError, "`n` must be a whole number; got float"),  # type: ignore[arg-type]
        (lambda: render_faces(1, seed=-1), ValueError, "`seed` must be at least 0; got -1"),
        (lambda: render_faces(1, size=16), ValueError, "`size` must be at least 32; got 16"),
        (lambda: draw_faces(some(1), True), TypeError, "`size` must be a whole number; got bool"),
        (
            lambda: draw_faces(torch.zeros(20)),
            ValueError,
            r"`parameters` must have axes \(n, 20 parameters\); got shape \(20,\)",
        ),
        (
            lambda: face_regions(torch.zeros(2, 20, dtype=torch.int64)),
            TypeError,
            "`parameters` must be floating-point numbers; got torch.int64",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()
