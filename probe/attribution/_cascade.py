"""The model-randomisation check: do attributions depend on what the model learned?

Source: Adebayo et al. 2018 (arXiv:1810.03292), section 3.1, cascading randomisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ._explain import Explainer
from ._ranks import rank_correlations
from ._state import seeded
from ._units import Values

TRAINED = "trained"


def steps_down(explainer: Explainer, depths: int) -> list[list[str]]:
    """Modules whose own weights the scores read, from the output down, in at most `depths` steps.

    The order is that of a forward pass, backwards. A module that holds weights but is not called
    by itself stands beside the one that holds it.
    """
    task = explainer.task
    order: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, path=path: order.append(path))
        for path, module in task.model.named_modules()
    ]
    weights = [w for w in task.model.parameters() if w.is_floating_point()]
    try:
        for weight in weights:
            weight.requires_grad_(True)
        score = explainer.scored(*explainer.first()).sum()
        found = torch.autograd.grad(score, weights, allow_unused=True) if weights else ()
    finally:
        for hook in hooks:
            hook.remove()
        for weight in weights:
            weight.requires_grad_(False)
    read = {id(w) for w, gradient in zip(weights, found, strict=True) if gradient is not None}
    place = {path: number for number, path in enumerate(order)}  # the last call counts
    owners = {
        path: _called(path, place)
        for path, module in task.model.named_modules()
        if any(id(p) in read for p in module._parameters.values())
        and not any(f"{path}.".startswith(f"{made}.") for made in task.made_by)
    }
    names = sorted(owners, key=lambda path: owners[path])[::-1]
    cuts = np.array_split(np.arange(len(names)), min(depths, len(names)) or 1)
    return [[names[i] for i in cut] for cut in cuts if len(cut)]


def _called(path: str, place: dict[str, int]) -> int:
    """When a module, or else the one that holds it, was called; before all if none was."""
    while path not in place:
        if not path:
            return -1
        path = path.rpartition(".")[0]
    return place[path]


@contextmanager
def weights_kept(model: nn.Module) -> Iterator[None]:
    """Whatever happens to weights and buffers inside, they are as before outside."""
    held = [(tensor, tensor.detach().clone()) for tensor in (*model.parameters(), *model.buffers())]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in held:
                tensor.copy_(before)


def randomise(modules: Sequence[nn.Module], *seeds: int) -> None:
    """New weights for each module's own: by its `reset_parameters`, else normal ones.

    Those are drawn with the mean and standard deviation that a tensor's entries have.
    """
    seeded(*seeds)
    for module in modules:
        reset = getattr(module, "reset_parameters", None)
        # A container's reset would reach into children that are not to be touched yet.
        if callable(reset) and not any(True for _ in module.children()):
            reset()
            continue
        for parameter in module._parameters.values():
            if parameter is not None:
                with torch.no_grad():
                    _redraw(parameter)


def _redraw(parameter: Tensor) -> None:
    values = parameter.detach().float()
    spread = float(values.std(correction=0)) if values.numel() > 1 else float(values.abs().mean())
    parameter.copy_(torch.randn_like(values) * spread + float(values.mean()))


def rank_agreement(a: Values, b: Values) -> np.ndarray:
    """(example,) Spearman's rank correlation over all units of all inputs, ties by mean rank.

    0 where one of them is constant: it ranks nothing.
    """
    found = []
    for row in range(len(next(iter(a.values())))):
        pair = [np.concatenate([v[row].numpy().ravel() for v in each.values()]) for each in (a, b)]
        known = np.isfinite(pair[0]) & np.isfinite(pair[1])
        agreed = float(rank_correlations(np.stack(pair)[:, known])[0, 1])
        found.append(0.0 if np.isnan(agreed) else agreed)
    return np.array(found)
