"""Each method as captum's call: attributions of some rows, as large as the input or the layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ._state import seeded
from .task import AttributionTask

# Rows of a random draw that are evaluated together, whatever the batch size: draws must not
# depend on it.
_DRAWN = 5


class Part(NamedTuple):
    """Some rows to be explained, and the row of the task that each one is a copy of."""

    inputs: tuple[Tensor, ...]
    baselines: tuple[Tensor, ...]
    context: tuple[Tensor, ...]
    examples: Tensor


class Options(NamedTuple):
    """What methods may be told: steps of a path, samples of what is random, and the seed."""

    n_steps: int
    n_samples: int
    noise: float
    seed: int


class Scored(nn.Module):
    """A task's `forward` as the module that captum wants to hook, with the weights inside."""

    def __init__(self, task: AttributionTask) -> None:
        super().__init__()
        self.held = task.model
        self.call = task.forward
        self.count = len(task.inputs)

    def forward(self, *given: Tensor) -> Tensor:
        """Scores (row, target)."""
        # Copies, since some models change what they are given in place.
        scores = self.call(*(each.clone() for each in given[: self.count]), *given[self.count :])
        # An input that the score does not read has gradient 0, where autograd would refuse.
        unread = sum(0 * each.flatten(1).sum(1) for each in given[: self.count])
        return scores + unread[:, None] if scores.ndim == 2 else scores  # pyright: ignore


def by_input(
    method: str,
    scored: Scored,
    part: Part,
    target: int,
    groups: Sequence[tuple[Tensor, ...]],
    *,
    batch: int,
    options: Options,
) -> tuple[Tensor, ...]:
    """Attributions (row, ...) as large as the inputs. `groups`: for each row, by input."""
    from captum.attr import DeepLift, InputXGradient, IntegratedGradients, Saliency

    given: dict[str, Any] = {
        "inputs": part.inputs,
        "target": target,
        "additional_forward_args": part.context or None,
    }
    if method == "saliency":
        return Saliency(scored).attribute(**given, abs=True)
    if method == "input_x_gradient":
        return InputXGradient(scored).attribute(**given)
    given["baselines"] = part.baselines
    if method == "deep_lift":
        return DeepLift(scored).attribute(**given)
    if method == "integrated_gradients":
        size = max(batch, len(part.examples))
        return IntegratedGradients(scored).attribute(
            **given, n_steps=options.n_steps, internal_batch_size=size
        )
    rows = [
        _ONE_BY_ONE[method](scored, _row(part, i), target, groups[i], batch, options)
        for i in range(len(part.examples))
    ]
    return tuple(torch.cat(each) for each in zip(*rows, strict=True))


def by_layer(
    method: str,
    scored: Scored,
    module: nn.Module,
    part: Part,
    target: int,
    *,
    batch: int,
    options: Options,
) -> Tensor:
    """Attributions as large as the layer's output (of the first, if it has several)."""
    from captum.attr import LayerGradCam, LayerGradientXActivation, LayerIntegratedGradients

    given: dict[str, Any] = {
        "inputs": part.inputs,
        "target": target,
        "additional_forward_args": part.context or None,
    }
    if method == "grad_cam":
        found: Any = LayerGradCam(scored, module).attribute(**given)
    elif method == "input_x_gradient":
        found = LayerGradientXActivation(scored, module).attribute(**given)
    else:
        size = max(batch, len(part.examples))
        found = LayerIntegratedGradients(scored, module).attribute(
            **given,
            baselines=part.baselines,
            n_steps=options.n_steps,
            internal_batch_size=size,
        )
    return found if isinstance(found, Tensor) else found[0]


def _row(part: Part, i: int) -> Part:
    one = slice(i, i + 1)
    return Part(
        tuple(each[one] for each in part.inputs),
        tuple(each[one] for each in part.baselines),
        tuple(each[one] for each in part.context),
        part.examples[one],
    )


def _shap(
    scored: Scored,
    part: Part,
    target: int,
    groups: tuple[Tensor, ...],
    batch: int,
    options: Options,
) -> tuple[Tensor, ...]:
    from captum.attr import GradientShap

    total = [torch.zeros_like(each, dtype=torch.float64) for each in part.inputs]
    left, number = options.n_samples, 0
    scales = _spreads(part, options.noise)
    while left:
        several = min(_DRAWN, left)
        seeded(options.seed, int(part.examples[0]), number)
        found = GradientShap(scored).attribute(
            part.inputs,
            baselines=part.baselines,
            n_samples=several,
            stdevs=scales,
            target=target,
            additional_forward_args=part.context or None,
        )
        for sum_, each in zip(total, found, strict=True):
            sum_ += each.double() * (several / options.n_samples)
        left, number = left - several, number + 1
    return tuple(total)


def _spreads(part: Part, noise: float) -> tuple[float, ...]:
    """Standard deviation of the noise on each input: a share of its distance to the baseline."""
    pairs = zip(part.inputs, part.baselines, strict=True)
    return tuple(noise * float((x - b).double().square().mean().sqrt()) for x, b in pairs)


def _ablation(
    scored: Scored,
    part: Part,
    target: int,
    groups: tuple[Tensor, ...],
    batch: int,
    options: Options,
) -> tuple[Tensor, ...]:
    from captum.attr import FeatureAblation

    found = FeatureAblation(scored).attribute(
        part.inputs,
        baselines=part.baselines,
        target=target,
        additional_forward_args=part.context or None,
        feature_mask=groups,
        perturbations_per_eval=batch,
    )
    return _shared(found, groups)


def _shapley(
    scored: Scored,
    part: Part,
    target: int,
    groups: tuple[Tensor, ...],
    batch: int,
    options: Options,
) -> tuple[Tensor, ...]:
    from captum.attr import ShapleyValueSampling

    seeded(options.seed, int(part.examples[0]))
    found = ShapleyValueSampling(scored).attribute(
        part.inputs,
        baselines=part.baselines,
        target=target,
        additional_forward_args=part.context or None,
        feature_mask=groups,
        n_samples=options.n_samples,
        perturbations_per_eval=batch,
    )
    return _shared(found, groups)


def _occlusion(
    scored: Scored,
    part: Part,
    target: int,
    groups: tuple[Tensor, ...],
    batch: int,
    options: Options,
) -> tuple[Tensor, ...]:
    from captum.attr import Occlusion

    # The groups are squares: the first one's size is their side, as for the other methods.
    channels, height, width = part.inputs[0].shape[1:]
    side = int((groups[0][0, 0] == groups[0][0, 0, 0, 0]).sum(0).max())
    window = (channels, min(side, height), min(side, width))
    found = Occlusion(scored).attribute(
        part.inputs,
        sliding_window_shapes=(window,),
        strides=((channels, max(window[1] // 2, 1), max(window[2] // 2, 1)),),
        baselines=part.baselines,
        target=target,
        additional_forward_args=part.context or None,
        perturbations_per_eval=batch,
    )
    return tuple(each.double() / (window[0] * window[1] * window[2]) for each in found)


def _shared(found: Sequence[Tensor], groups: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What taking a group away does, shared equally among the numbers that were taken away."""
    most = max(int(each.max()) for each in groups) + 1
    shared = []
    for values, group in zip(found, groups, strict=True):
        index = group.expand_as(values)
        count = torch.bincount(index.flatten(), minlength=most)
        shared.append(values.double() / count[index])
    return tuple(shared)


_ONE_BY_ONE: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "gradient_shap": _shap,
    "feature_ablation": _ablation,
    "shapley_sampling": _shapley,
    "occlusion": _occlusion,
}
