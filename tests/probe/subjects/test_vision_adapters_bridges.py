"""BridgeTower: four blocks by hooks, beside what the model returns itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.subjects.vision_adapters import adapt
from tests.probe.subjects.tiny_vision_models import (
    BODY,
    PATCH,
    SIZE,
    TEXT,
    TOKENS,
    build,
    image,
    in_box,
    pair,
    rows_sum_to_one,
    short,
    tokenizer,
)

N = len(TOKENS)
CORNER = (0.25, 0.5, 0.5, 0.75)
IDS = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 3]])
EDGE = {"shortest_edge": SIZE}


@pytest.fixture(scope="module")
def images():
    from transformers import BridgeTowerImageProcessorPil

    return BridgeTowerImageProcessorPil(
        size=EDGE, crop_size=EDGE, size_divisor=8, do_normalize=False
    )


@pytest.fixture(scope="module")
def bridgetower(images):
    vision = {"hidden_size": 64, "num_hidden_layers": 2, "patch_size": PATCH, "image_size": SIZE}
    body = {key: value for key, value in BODY.items() if key != "hidden_size"}
    model = build(
        "BridgeTowerForImageAndTextRetrieval",
        "BridgeTowerConfig",
        text_config=TEXT | {"bos_token_id": 2, "eos_token_id": 3},
        vision_config=vision,
        **body,
        hidden_size=16,
    )
    return adapt(model, tokenizer=tokenizer(), image_processor=images)


def test_bridgetower_has_four_blocks_and_attends_as_the_model_says(bridgetower):
    batch, model = bridgetower([pair()]), bridgetower.family.model
    assert batch.present.all()
    assert batch.attentions.shape == (1, 2, 4, N + 17, N + 17)
    text, picture = slice(N), slice(N, N + 17)
    for queries in (text, picture):
        for keys in (text, picture):
            rows_sum_to_one(batch, 0, queries, keys)
    pixels = bridgetower.family.images(images=[pair().image.copy()], return_tensors="pt")
    with torch.no_grad():
        own = model(input_ids=IDS, pixel_values=pixels["pixel_values"])
    for number, (words, seen) in enumerate(own.attentions):
        found = batch.attentions[0, number]
        np.testing.assert_allclose(found[:, text, text], words[0], atol=1e-5)
        np.testing.assert_allclose(found[:, picture, picture], seen[0], atol=1e-5)
    np.testing.assert_allclose(batch.hidden_states[0, -1, text], own.text_features[0], atol=1e-4)
    found = batch.hidden_states[0, -1, picture]
    np.testing.assert_allclose(found, own.image_features[0], atol=1e-4)


def test_bridgetower_words_look_at_the_image_as_computed_by_hand(bridgetower):
    batch, model = bridgetower([pair()]), bridgetower.family.model
    layer, seen = model.cross_modal_image_layers[1].crossattention.self, {}
    handle = layer.register_forward_pre_hook(
        lambda _, args, options: seen.update(options, query=args[0] if args else None),
        with_kwargs=True,
    )
    try:
        bridgetower([pair()])
    finally:
        handle.remove()
    query = seen["query"] if seen["query"] is not None else seen["hidden_states"]
    with torch.no_grad():
        scores = layer.query(query)[0, :, :4] @ (
            layer.key(seen["encoder_hidden_states"])[0, :, :4].T
        )
    by_hand = (scores / 2).softmax(dim=-1)
    np.testing.assert_allclose(batch.attentions[0, 1, 0, N:, :N], by_hand, atol=1e-5)


def test_bridgetower_batches_and_sees_the_light_where_it_is(bridgetower):
    batch, alone = bridgetower([pair(), short()]), bridgetower([short()])
    n = alone.attentions.shape[-1]
    np.testing.assert_allclose(batch.attentions[1, ..., :n, :n], alone.attentions[0], atol=1e-5)
    lit = bridgetower([pair(image(CORNER))])
    dark = bridgetower([pair()])
    moved = (dark.hidden_states[0, 0] - lit.hidden_states[0, 0]).abs().amax(dim=-1)
    # the encoder has mixed patches before the first cross layer
    assert int(moved.argmax()) == int(in_box(dark, CORNER).argmax())
    assert moved[:N].max() == 0


def test_long_captions_leave_room_for_the_offset_of_positions(bridgetower):
    bridgetower([pair(words=("a",) * 21, phrases=(), links=())])
    with pytest.raises(ValueError, match="at most 23 tokens for this model; got 24"):
        bridgetower([pair(words=("a",) * 22, phrases=(), links=())])
