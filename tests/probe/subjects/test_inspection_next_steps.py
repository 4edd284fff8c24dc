"""The code that an inspection suggests runs as it stands, from top to bottom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from data.scenes import render_scenes
from probe.subjects.inspection import inspect_model
from tests.probe.subjects.tiny_encoders import TEXTS, tiny_bert, tiny_encoder, tiny_tokenizer

PROBES = ("whitening", "value", "isd", "totoro", "lowrank")


def follow(thing: Any, given: dict[str, Any], probes: tuple[str, ...] = PROBES) -> dict[str, Any]:
    """What the variables are after the suggested code of the probes was run."""
    found = inspect_model(thing, examples=8, measure=False)
    names = dict(given)
    for probe in probes:
        exec(str(found.next_step.sel(probe=probe).item()), names)
    return names


def test_of_an_encoder() -> None:
    given = {"texts": TEXTS, "query": "the cat"}
    model, tokenizer = tiny_bert().eval(), tiny_tokenizer()
    made = follow((model, tokenizer), given | {"model": model, "tokenizer": tokenizer})
    assert made["geometry"].sizes["layer"] == 4
    encoder = tiny_encoder()
    assert follow(encoder, given | {"encoder": encoder})["geometry"].sizes["layer"] == 4


@pytest.mark.slow
def test_of_an_encoder_whose_scores_are_attributed() -> None:
    model, tokenizer = tiny_bert().eval(), tiny_tokenizer()
    given = {"texts": TEXTS[:2], "query": "the cat", "model": model, "tokenizer": tokenizer}
    made = follow((model, tokenizer), given, ("attribution",))
    assert made["found"].attrs["probe"] == "attribution.attribution"


def test_of_a_model_of_scenes() -> None:
    from probe.subjects.vision_language import scene_model

    model = scene_model("single", parts={"d_model": 16, "n_layers": 2, "n_heads": 2})
    pairs = render_scenes(12, seed=3)
    made = follow((model, None, pairs), {"model": model, "pairs": pairs})
    assert made["states"].shape == (12, 3, 16)
    assert made["heads"].attrs["probe"] == "value.profile"
    assert made["found"].attrs["probe"] == "isd.isd"


@pytest.mark.parametrize("towers", [False, True])
def test_of_models_of_transformers(towers: bool) -> None:
    from transformers import (
        CLIPImageProcessorPil,
        CLIPProcessor,
        ViltImageProcessorPil,
        ViltProcessor,
    )

    from tests.probe.subjects import tiny_vision_models as tiny

    text = dict(tiny.TEXT) | {"max_position_embeddings": 80}
    size = {"height": tiny.SIZE, "width": tiny.SIZE}
    if towers:
        model = tiny.build(
            "CLIPModel",
            "CLIPConfig",
            text_config=text | {"eos_token_id": 3},
            vision_config=dict(tiny.PATCHES),
            projection_dim=8,
        )
        images = CLIPImageProcessorPil(size=size, crop_size=size)
        processor = CLIPProcessor(images, tiny.tokenizer())
    else:
        model = tiny.build(
            "ViltModel", "ViltConfig", **text, image_size=tiny.SIZE, patch_size=tiny.PATCH
        )
        images = ViltImageProcessorPil(size={"shortest_edge": tiny.SIZE}, size_divisor=tiny.PATCH)
        processor = ViltProcessor(images, tiny.tokenizer())
    pairs = render_scenes(12, seed=3)
    found = inspect_model((model, processor, pairs), examples=8)
    assert found.applies.sel(probe=["whitening", "value", "isd"]).values.tolist() == ["yes"] * 3
    names = {"model": model, "processor": processor, "pairs": pairs}
    for probe in ("whitening", "value", "isd"):
        exec(str(found.next_step.sel(probe=probe).item()), names)
    assert names["states"].shape == (12, 3, 16)
    assert names["heads"].attrs["probe"] == "value.profile"
    alone = inspect_model(model)
    assert alone.missing.sel(probe="value").item() == "its processor"


def test_of_a_graph() -> None:
    from torch_geometric.data import Data

    ends = torch.arange(200)
    edges = torch.stack([ends, (ends + 1) % 200])
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    data = Data(x=torch.randn(200, 3), edge_index=edges, y=ends % 2)
    made = follow(data, {"data": data})
    assert made["conflict"].attrs["probe"] == "totoro.imbalance"
    assert made["geometry"].sizes["feature"] == 3


def test_of_a_generator() -> None:
    module = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Unflatten(1, (3, 4, 4)))
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    made = follow((module, 6), {"model": module, "mask": mask})
    assert isinstance(made["found"], xr.Dataset)
    assert made["geometry"].sizes["feature"] == 48


def test_of_rows() -> None:
    made = follow(np.eye(5) + 1, {"embeddings": np.random.default_rng(0).normal(size=(30, 4))})
    assert made["effect"].attrs["probe"] == "whitening.effect"
