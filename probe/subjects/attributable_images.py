"""Image classifiers as tasks of attribution: what does a class owe to which pixel?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._check import number, one_of, refuse, refuse_type
from ..attribution import AttributionTask
from .batching import evaluating

BASELINES = ("mean", "blur")


def image_task(
    model: nn.Module,
    images: Any,
    *,
    labels: Sequence[str] | None = None,
    baseline: float | str | Tensor = 0.0,
    score: Callable[[Any], Tensor] | None = None,
    shown: np.ndarray | None = None,
    layers: Sequence[str] | None = None,
    patch: int | None = None,
    name: str = "",
) -> AttributionTask:
    """The classes of an image classifier, to be attributed to pixels.

    Parameters
    ----------
    model
        ``model(images)`` gives log-odds (n, class), or something with ``logits``.
    images
        (n, channel, row, column), as the model reads them.
    labels
        Name of each class; None takes those of the model's config, else numbers.
    baseline
        What stands where nothing is shown: a number, ``"mean"`` (each image's mean colour),
        ``"blur"`` (the image without what is smaller than an eighth of it), or a tensor of images.
    score
        What the model gives, as scores (n, class); where it is neither of the above.
    shown
        (n, row, column, channel), what a view draws; None takes the images, moved into [0, 1].
    layers
        Module paths that are offered; None takes the convolutions.
    patch
        Side of the squares of pixels that are taken away together; None takes 1/8 of the side.
    name
        What the task is called; None takes the model's class.

    Returns
    -------
    AttributionTask
        Input ``image`` of kind pixel.

    Raises
    ------
    TypeError, ValueError
        If an argument or what the model gives is not as said.

    Examples
    --------
    >>> from probe.subjects.digits_classifier import DigitsClassifier
    >>> task = image_task(DigitsClassifier(width=4), torch.zeros(2, 1, 16, 16), baseline=-1.0)
    >>> task.layers, task.targets[:3]
    (['first', 'second'], ['0', '1', '2'])
    """
    if not isinstance(model, nn.Module):
        refuse_type("model", "be a torch module", model)
    given = torch.as_tensor(np.asarray(images) if not isinstance(images, Tensor) else images)
    if given.ndim != 4:
        refuse("images", "have axes (n, channel, row, column)", f"shape {tuple(given.shape)}")
    weight = next(model.parameters(), torch.zeros(()))
    given = given.detach().to(weight.device, weight.dtype)

    def forward(pixels: Tensor) -> Tensor:
        found = model(pixels)
        if score is not None:
            return score(found)
        return getattr(found, "logits", found)

    with evaluating(model), torch.no_grad():
        first = forward(given)
    if not isinstance(first, Tensor) or first.ndim != 2 or len(first) != len(given):
        got = f"shape {tuple(first.shape)}" if isinstance(first, Tensor) else type(first).__name__
        hint = "Give score=, a function of what the model gives."
        refuse("model", f"give log-odds ({len(given)}, class)", got, hint)
    names = class_names(model, labels, first.shape[1])
    return AttributionTask(
        model,
        forward,
        {"image": given},
        {"image": _baseline(baseline, given)},
        {"image": "pixel"},
        names,
        layers=convolutions(model) if layers is None else list(layers),
        patch=patch,
        images=_shown(given) if shown is None else np.asarray(shown),
        prediction=[names[i] for i in first.argmax(1).tolist()],
        name=name or type(model).__name__,
    )


def class_names(model: nn.Module, labels: Sequence[str] | None, n: int) -> list[str]:
    """Given names, those of a transformers config, or numbers.

    Raises
    ------
    ValueError
        If there is not one name for each class, or two are the same.
    """
    if labels is None:
        known = getattr(getattr(model, "config", None), "id2label", None) or {}
        found = [str(known.get(i, i)) for i in range(n)]
        return found if len(set(found)) == n else [str(i) for i in range(n)]
    found = [str(each) for each in labels]
    if len(found) != n or len(set(found)) < n:
        refuse("labels", f"name each of {n} classes, each once", f"{found[:12]}")
    return found


def convolutions(model: nn.Module) -> list[str]:
    """Paths of the two-dimensional convolutions, the last eight of many."""
    return [p for p, module in model.named_modules() if isinstance(module, nn.Conv2d)][-8:]


def _baseline(baseline: float | str | Tensor, images: Tensor) -> Tensor:
    if isinstance(baseline, Tensor):
        return baseline.detach().to(images)
    if isinstance(baseline, str):
        if one_of("baseline", baseline, BASELINES) == "mean":
            return images.mean((2, 3), keepdim=True).expand_as(images)
        return _blurred(images)
    return torch.full_like(images[:1], number("baseline", baseline))


def _blurred(images: Tensor) -> Tensor:
    """Means over squares of an eighth of the shorter side or more, twice."""
    side = max(min(images.shape[2:]) // 8, 1) * 2 + 1
    for _ in range(2):
        wide = nn.functional.pad(images, (side // 2,) * 4, mode="replicate")
        images = nn.functional.avg_pool2d(wide, side, 1)
    return images


def _shown(images: Tensor) -> np.ndarray:
    """(n, row, column, channel) in [0, 1]: from the darkest to the brightest number of each."""
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    seen = (images - low) / (high - low).clamp(min=1e-12)
    seen = seen if images.shape[1] in (1, 3) else seen.mean(1, keepdim=True)
    return seen.permute(0, 2, 3, 1).cpu().float().numpy()
