"""What a head gives on average: what ablation leaves of it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from .._check import refuse
from .batching import evaluating
from .multimodal_attention import HeadAttention
from .vision_language_model import Inputs, VisionLanguageModel


def rest_heads(model: VisionLanguageModel, batches: Iterable[Inputs]) -> None:
    """Set every head's resting output to its mean over all queries of `batches`, in place.

    From then on a `head_mask` of 0 puts this mean in a head's place (mean ablation); before, it
    puts 0 there. Padding does not count.

    Parameters
    ----------
    model
        Its attentions must be `HeadAttention`.
    batches
        Inputs, such as ``tensors.inputs(range(64))`` of `pair_tensors`; at least one.

    Raises
    ------
    TypeError
        If the model has no `HeadAttention`.
    ValueError
        If there is no batch.
    """
    found = [module for module in model.modules() if isinstance(module, HeadAttention)]
    if not found:
        raise TypeError("`model` must have HeadAttention modules; this one has another attention.")
    sums = {module: torch.zeros_like(module.resting, dtype=torch.float64) for module in found}
    counts = dict.fromkeys(found, 0)
    masks: list[Inputs] = []

    def add(module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(module, HeadAttention)  # hooks are put on these only
        states, context, mask = given[:3]
        inputs = masks[-1]
        # A stream that looks at the other one has the mask that was not given.
        kept = mask
        if states is not context:
            kept = inputs.image_mask if mask is inputs.mask else inputs.mask
        heads = module.outputs(states, context, mask).transpose(1, 2)[kept]
        sums[module] += heads.double().sum(dim=0)
        counts[module] += len(heads)

    handles = [module.register_forward_pre_hook(add) for module in found]
    try:
        with evaluating(model), torch.inference_mode():
            for inputs in batches:
                masks.append(inputs)
                model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    if not masks:
        refuse("batches", "hold at least one batch", "none")
    for module in found:
        with torch.no_grad():
            module.resting.copy_(sums[module] / counts[module])
