"""What applies to a generator: an object with `synthesize`, or a module and its latents' shape."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from ...lowrank._products import DOUBLE, columns
from ...lowrank._reading import read_generator
from ...lowrank.derivative import plan_for
from ...lowrank.gram import MEMORY
from ..generator_adapter import AdaptedGenerator
from ..generator_protocol import normal_latents
from ._geometry import geometry_cost
from ._measuring import timed
from ._quantities import size
from ._subject import Subject
from ._verdict import NO, NOT_YET, YES, Verdict, first_sentence

_TRIED = 4  # products that are timed
_OWN = """\
from probe import lowrank
gram = lowrank.region_gram(generator, generator.sample(8), mask)  # mask (row, column), True inside
found = lowrank.region_directions(gram)"""
_ADAPT = "from probe.subjects.generator import adapt_generator\ngenerator = {line}\n"
_IMAGES = """\
from probe.whitening import anisotropy
images = generator.synthesize(generator.sample({n})).detach()
geometry = anisotropy(images.flatten(1))"""
_SMALLER = "small = torch.nn.functional.adaptive_avg_pool2d(images, 16)\n"
_MOST = 4e9  # bytes of a covariance that is still suggested


def generator_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of a generator; a few products with its Jacobian are timed."""
    made = subject.data
    lines = ""
    if made is None:
        shape = subject.latent_shape
        written = shape if isinstance(shape, int) else tuple(shape)
        lines = _ADAPT.format(line=f"adapt_generator(model, {written})")
        made = as_generator(subject.model, shape)
    try:
        dim = int(made.dim)
        with torch.no_grad():
            latents = _latents(made, dim)
            generator, flat, images = read_generator(made, latents)
            again = made.synthesize(latents)
    except Exception as error:  # a user's generator may fail in any way
        missing = f"images of latents that the measures can read: {first_sentence(error)}"
        return {
            "lowrank": Verdict(
                NOT_YET, missing, _ADAPT.format(line="adapt_generator(model, latent_shape)")
            )
        }, {}
    c, h, w = generator.image_shape
    facts = {"latent": dim, "image": f"{c} x {h} x {w}"}
    facts["range"] = f"{float(images.min()):.2f} to {float(again.max()):.2f}"
    held = min(generator.values * dim * flat.element_size(), MEMORY) + 4 * dim * dim * 8
    seconds, basis = math.nan, "not measured"
    if measure:
        try:
            seconds, basis = _gram_time(generator, flat[0], dim)
        except Exception as error:
            basis = f"not measured: {first_sentence(error)}"
    missing = "" if hasattr(made, "sample") else "latents of your own: it has no `sample`"
    step = lines + (_OWN if not missing else _OWN.replace("generator.sample(8)", "latents"))
    found = {
        "lowrank": Verdict(
            YES,
            "; ".join(filter(None, ["a mask of the region you ask about", missing])),
            step,
            seconds,
            held,
            f"{basis}; for one image. Memory: Jacobian of {generator.values:,} values x {dim} "
            f"in float{8 * flat.element_size()}, in blocks of {MEMORY / 1e6:.0f} MB at most",
        )
    }
    if not missing:
        found["whitening"] = _whitening(made, generator.values, lines, examples, measure=measure)
    found["attribution"] = Verdict(NO, "see lowrank.region_attribution, for generators")
    return found, facts


def _whitening(made: Any, values: int, lines: str, examples: int, *, measure: bool) -> Verdict:
    """The geometry of the images' values, if they are few enough for a covariance."""
    step = lines + _IMAGES.format(n=examples)
    held = values**2 * 8.0
    if held > _MOST:
        missing = f"smaller images: a covariance of {values:,} values would take {size(held)}"
        pooled = step.replace("images.flatten", "small.flatten")
        pooled = pooled.replace("geometry =", _SMALLER + "geometry =")
        return Verdict(NOT_YET, missing, pooled)
    if not measure:
        return Verdict(YES, "", step, bytes=held, basis="not measured")

    def run(n: int) -> None:
        with torch.no_grad():
            made.synthesize(made.sample(n))

    making = timed(run, to=examples, sizes=(2, 8), unit="image")
    cost = geometry_cost(examples, values, 1)
    basis = f"{making.basis}; {cost.basis}"
    return Verdict(YES, "", step, making.seconds + cost.seconds, cost.bytes, basis)


def as_generator(model: Any, shape: Any) -> AdaptedGenerator:
    """A module behind the protocol, without the checks of `adapt_generator` and its `eval()`."""
    return AdaptedGenerator(
        model,
        (shape,) if isinstance(shape, int) else tuple(shape),
        image_of=None,
        options={},
        noise_seed=None,
        draw=None,
        name=type(model).__name__,
    )


def guessed_latent(model: nn.Module) -> int | tuple[int, ...] | None:
    """The shape of a latent that a module makes images of, tried by its first layer; else None.

    Examples
    --------
    >>> guessed_latent(nn.Sequential(nn.Linear(6, 48), nn.Unflatten(1, (3, 4, 4))))
    6
    >>> guessed_latent(nn.Linear(6, 2)) is None
    True
    """
    for part in model.modules():
        if isinstance(part, nn.Linear):
            shape: int | tuple[int, ...] = part.in_features
        elif isinstance(part, nn.ConvTranspose2d):
            shape = (part.in_channels, 1, 1)
        elif next(iter(part.parameters(recurse=False)), None) is not None:
            return None
        else:
            continue
        flat = (shape,) if isinstance(shape, int) else shape
        try:
            with torch.no_grad():
                images = model(torch.zeros(2, *flat).to(part.weight))
        except Exception:  # then it is none
            return None
        good = isinstance(images, torch.Tensor) and images.ndim == 4 and images.shape[1] in (1, 3)
        return shape if good else None
    return None


def _latents(made: Any, dim: int) -> torch.Tensor:
    return made.sample(2) if hasattr(made, "sample") else normal_latents(2, dim, 0)


def _gram_time(generator: Any, latent: torch.Tensor, dim: int) -> tuple[float, str]:
    """Seconds of one Gram matrix: all products with the Jacobian, from a few that are timed."""
    plan = plan_for(generator, latent, generator.values, method="auto")
    mode = plan.mode if plan.mode in ("forward", DOUBLE) else "forward"
    eye = torch.eye(dim, dtype=latent.dtype, device=latent.device)

    def run(n: int) -> None:
        for _ in columns(generator, latent, eye[:n], chunk=n, mode=mode):
            pass

    few = min(_TRIED, max(dim // 2, 1))
    found = timed(run, to=dim, sizes=(few, min(2 * few, dim)), unit="product")
    return found.seconds, f"{plan.mode} mode ({plan.reason}): {found.basis}, of {dim}"
