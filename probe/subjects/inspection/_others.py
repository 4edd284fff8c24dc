"""What applies to arrays of embeddings, to models of images, and to any other module."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from data.records import LabelledImages

from ...whitening._layers import read_chunk
from ._generators import generator_findings, guessed_latent
from ._geometry import geometry_cost
from ._measuring import timed
from ._subject import GENERATOR, Subject
from ._texts import attribution_basis, attribution_time
from ._verdict import NO, NOT_YET, YES, Verdict, first_sentence

_ROWS = """\
from probe.whitening import anisotropy, whitening_effect
geometry = anisotropy(embeddings)
effect = whitening_effect(embeddings)"""
_CAPTURE = """\
from probe.subjects.capture import capture
with capture(model, {path!r}, "output") as acts:
    model(inputs)
states = acts[{path!r}]["output"]  # bring it to (example, feature), then anisotropy(states)"""
_IMAGES = """\
from probe.attribution import attribute
from probe.subjects.attributable import image_task
found = attribute(image_task(model, images), method="integrated_gradients", target=0)"""
_ADAPT = """\
from probe.subjects.generator import adapt_generator
generator = adapt_generator(model, latent_shape)"""


def row_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of embeddings."""
    try:
        layers = {name: _rows(each) for name, each in _layers(subject.data).items()}
        read_chunk({name: each[:2] for name, each in layers.items()})
    except (TypeError, ValueError) as error:
        missing = f"rows that can be read: {first_sentence(error)}"
        return {"whitening": Verdict(NOT_YET, missing, _ROWS)}, {}
    first = next(iter(layers.values()))
    n, width = (int(length) for length in first.shape)
    facts = {"layers": len(layers), "rows": n, "width": width}
    if not measure:
        return {"whitening": Verdict(YES, "", _ROWS, basis="not measured")}, facts
    cost = geometry_cost(examples, width, len(layers))
    basis = f"{cost.basis}; memory: covariances beside the rows, which may come in chunks"
    return {"whitening": Verdict(YES, "", _ROWS, cost.seconds, cost.bytes, basis)}, facts


def image_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of a model of images: run on those that were given."""
    model, data = subject.model, subject.data
    given = data.images if isinstance(data, LabelledImages) else data
    images = torch.as_tensor(given)[:16]
    facts: dict[str, Any] = {"image": " x ".join(map(str, images.shape[1:]))}
    weight = next((p for p in model.parameters() if p.is_floating_point()), None) if model else None
    if weight is not None:
        images = images.to(weight)

    def run(n: int) -> Any:
        with torch.no_grad():
            return model(images[[i % len(images) for i in range(n)]])  # type: ignore[misc]

    path = _last_linear(model)
    whitening = Verdict(YES, "", _CAPTURE.format(path=path), basis="not measured")
    if not measure:
        return {"whitening": whitening, "attribution": Verdict(YES, "", _IMAGES)}, facts
    try:
        out = run(2)
        found = timed(run, to=examples, sizes=(2, 8), unit="image")
    except Exception as error:  # a user's model may fail in any way
        missing = f"images that the model reads: {first_sentence(error)}"
        return {"attribution": Verdict(NOT_YET, missing, _IMAGES)}, facts
    if isinstance(out, torch.Tensor):
        facts["gives"] = " x ".join(map(str, out.shape[1:])) or "one number"
    seconds = attribution_time(found.each) * examples
    basis = attribution_basis(found.each, "image")
    return {
        "whitening": whitening._replace(seconds=found.seconds, basis=found.basis),
        "attribution": Verdict(YES, "", _IMAGES, seconds, basis=basis),
    }, facts


def module_findings(
    subject: Subject, examples: int, *, measure: bool
) -> tuple[dict[str, Verdict], dict[str, Any]]:
    """Verdicts and facts of a module that came alone; a generator if its first layer shows it."""
    model = subject.model
    shape = guessed_latent(model) if model is not None and measure else None
    if shape is not None:
        whole = Subject(GENERATOR, model, latent_shape=shape)
        found, facts = generator_findings(whole, examples, measure=measure)
        return found, facts | {"guessed": f"a generator of latents {shape}, as its images show"}
    step = _CAPTURE.format(path=_last_linear(model))
    wanted = "what it is given: (model, images), (model, tokenizer), (model, data)"
    found = {
        "whitening": Verdict(NOT_YET, wanted, step),
        "attribution": Verdict(NOT_YET, wanted, _IMAGES),
    }
    if _may_generate(model):
        found["lowrank"] = Verdict(NOT_YET, "the shape of a latent: (model, shape)", _ADAPT)
    else:
        found["lowrank"] = Verdict(NO, "wants a generator: latents in, images out")
    return found, {}


def _layers(data: Any) -> dict[Any, Any]:
    if isinstance(data, dict):
        return data
    if hasattr(data, "dims") and "layer" in data.dims:
        return {layer: data.sel(layer=layer) for layer in data.layer.values.tolist()}
    return {0: data}


def _rows(each: Any) -> Any:
    if isinstance(each, torch.Tensor):
        return each.detach().cpu().numpy()
    return getattr(each, "values", each)


def _last_linear(model: nn.Module | None) -> str:
    """The layer before the last one, whose input is what the model knows: a place to begin."""
    linear = [
        path
        for path, part in (model.named_modules() if model is not None else ())
        if path and isinstance(part, nn.Linear | nn.LayerNorm)
    ]
    return (linear[-2] if len(linear) > 1 else linear[-1]) if linear else "layer"


def _may_generate(model: nn.Module | None) -> bool:
    parts = list(model.modules()) if model is not None else []
    return any(
        isinstance(part, nn.ConvTranspose2d | nn.Upsample | nn.PixelShuffle) for part in parts
    )
