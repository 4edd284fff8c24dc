"""The families known, and the choice among them by the class of a model's body."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from typing import Any

from torch import nn

from ..._check import refuse, refuse_type
from .adapter import VisionLanguageAdapter
from .family import Family, RegionFeatures, Tools

# Class name of the body (`model.base_model`): module here and the family in it.
FAMILIES = {
    "ViltModel": ("vilt", "Vilt"),
    "CLIPModel": ("two_towers", "Clip"),
    "SiglipModel": ("two_towers", "Siglip"),
    "VisualBertModel": ("visual_bert", "VisualBert"),
    "LxmertModel": ("lxmert", "Lxmert"),
    "BlipForImageTextRetrieval": ("blip", "Blip"),
    "Blip2ForConditionalGeneration": ("blip2", "Blip2"),
    "BridgeTowerModel": ("bridgetower", "BridgeTower"),
    "FlavaModel": ("flava", "Flava"),
    "LlavaModel": ("decoders", "Llava"),
    "PaliGemmaModel": ("decoders", "PaliGemma"),
    "Qwen2VLModel": ("decoders", "QwenVL"),
    "Qwen2_5_VLModel": ("decoders", "QwenVL"),
    "Qwen3VLModel": ("decoders", "QwenVL"),
}


def adapt(
    model: nn.Module,
    processor: Any = None,
    *,
    tokenizer: Any = None,
    image_processor: Any = None,
    region_features: RegionFeatures | None = None,
    region_boxes: RegionFeatures | None = None,
    prompt: str | None = None,
    name: str = "",
) -> VisionLanguageAdapter:
    """A transformers model as a function from grounded pairs to `Attended`.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known family, with any head; the families are the keys of `FAMILIES`.
    processor : transformers.ProcessorMixin, optional
        The model's own; gives tokenizer and image processor.
    tokenizer, image_processor : optional
        In place of a processor, or of one of its parts.
    region_features : callable, optional
        ``pair -> (region, feature)`` array, for models that read a detector's regions (VisualBERT,
        LXMERT).
    region_boxes : callable, optional
        ``pair -> (region, 4)`` boxes of those regions. Default: the pair's annotated regions.
    prompt : str, optional
        For decoders: text with ``{image}`` and ``{caption}``.
    name : str
        What the model is called in results; default its class.

    Raises
    ------
    TypeError, ValueError
        If the model is of no known family, or the tools are missing or belong to another model.
    """
    if not isinstance(model, nn.Module):
        refuse_type("model", "be a transformers model", model)
    body = getattr(model, "base_model", model)
    known = [base.__name__ for base in type(body).__mro__ if base.__name__ in FAMILIES]
    if not known:
        refuse(
            "model",
            f"be of a supported family ({', '.join(FAMILIES)}, with any head)",
            type(model).__name__,
        )
    home, title = FAMILIES[known[0]]
    family: type[Family] = getattr(import_module(f"{__package__}.{home}"), title)
    if processor is not None:
        _goes_with(family, processor)
        tokenizer = tokenizer if tokenizer is not None else processor.tokenizer
        if image_processor is None:
            image_processor = getattr(processor, "image_processor", None)
    tools = Tools(tokenizer, image_processor, region_features, region_boxes, prompt)
    for each in fields(tools):
        value = getattr(tools, each.name)
        if value is not None and each.name not in ("tokenizer", *family.reads):
            refuse(each.name, f"be left out: {family.title} does not read it", type(value).__name__)
    return VisionLanguageAdapter(family(body, tools), name=name or type(model).__name__)


def _goes_with(family: type[Family], processor: Any) -> None:
    if not hasattr(processor, "tokenizer"):
        refuse_type(
            "processor",
            "hold a tokenizer",
            processor,
            "Give a bare tokenizer or image processor by its keyword.",
        )
    names = {base.__name__ for base in type(processor).__mro__}
    if not names & set(family.processors):
        wanted = " or ".join(family.processors)
        refuse(
            "processor",
            f"be {wanted} for a {family.title} model" if wanted else "be left out here",
            type(processor).__name__,
            "Give its parts by `tokenizer` and `image_processor` if they do belong to the model.",
        )
