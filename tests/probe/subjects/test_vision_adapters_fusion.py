"""BLIP, BLIP-2 and FLAVA: cross attention, products through queries, the fusion encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.subjects.vision_adapters import adapt
from tests.probe.subjects.tiny_vision_models import (
    EXACT,
    PATCHES,
    TEXT,
    TOKENS,
    build,
    in_box,
    lit_positions,
    pair,
    rows_sum_to_one,
    short,
    tokenizer,
)

N, PATCHED = len(TOKENS), 17
CORNER = (0.25, 0.5, 0.5, 0.75)
MARKED = TEXT | {"bos_token_id": 2, "eos_token_id": 3}
IDS = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 3]])


@pytest.fixture(scope="module")
def blip():
    from transformers import BlipImageProcessorPil

    text = MARKED | {"sep_token_id": 3, "encoder_hidden_size": 16, "num_hidden_layers": 1}
    options = {"text_config": text, "vision_config": PATCHES}
    model = build("BlipForImageTextRetrieval", "BlipConfig", **options)
    return adapt(model, tokenizer=tokenizer(), image_processor=BlipImageProcessorPil(**EXACT))


@pytest.fixture(scope="module")
def blip2():
    from transformers import BlipImageProcessorPil

    text = MARKED | {"model_type": "opt", "ffn_dim": 16, "word_embed_proj_dim": 16}
    asking = {**TEXT, "encoder_hidden_size": 16, "cross_attention_frequency": 2}
    model = build(
        "Blip2ForConditionalGeneration",
        "Blip2Config",
        text_config=text | {"max_position_embeddings": 32},
        vision_config=PATCHES,
        qformer_config=asking | {"num_hidden_layers": 4},
        num_query_tokens=3,
        image_text_hidden_size=16,
        image_token_index=4,
    )
    return adapt(model, tokenizer=tokenizer(), image_processor=BlipImageProcessorPil(**EXACT))


@pytest.fixture(scope="module")
def flava():
    from transformers import FlavaImageProcessorPil

    fusion = {key: PATCHES[key] for key in ("hidden_size", "intermediate_size")}
    fusion |= {"num_hidden_layers": 3, "num_attention_heads": 2}
    model = build(
        "FlavaModel",
        "FlavaConfig",
        text_config=MARKED,
        image_config=PATCHES,
        multimodal_config=fusion,
        hidden_size=16,
    )
    return adapt(model, tokenizer=tokenizer(), image_processor=FlavaImageProcessorPil(**EXACT))


@pytest.mark.parametrize("which", ["blip", "blip2", "flava"])
def test_words_first_then_marks_and_patches_where_the_light_is(which, request):
    adapter = request.getfixturevalue(which)
    batch = adapter([pair(), short()])
    assert batch.tokens[0][:N] == tuple(TOKENS)
    marks = 2 if which == "flava" else 1
    assert batch.special[0].nonzero().ravel().tolist() == [0, N - 1, *range(N, N + marks)]
    assert batch.image.sum(dim=1).tolist() == [16, 16]
    alone = adapter([short()])
    length = alone.attentions.shape[-1]
    np.testing.assert_allclose(
        batch.attentions[1, ..., :length, :length], alone.attentions[0], atol=1e-5
    )
    if which == "flava":  # its encoders have mixed the patches before the first fusion layer
        return
    np.testing.assert_array_equal(lit_positions(adapter, CORNER), in_box(batch, CORNER))


def test_blip_words_look_at_the_image_and_not_back(blip):
    batch = blip([pair()])
    assert batch.present.tolist() == [  # one text layer beside the last of two vision layers
        [[False, False], [False, True]],
        [[True, True], [False, True]],
    ]
    text, image = slice(N), slice(N, N + PATCHED)
    rows_sum_to_one(batch, 0, text, text, slice(1, 2))
    rows_sum_to_one(batch, 0, text, image, slice(1, 2))
    rows_sum_to_one(batch, 0, image, image)
    assert batch.attentions[0, ..., image, text].eq(0).all()
    assert batch.pool.tolist() == [0]


def test_blip_cross_attention_by_hand(blip):
    batch, model = blip([pair()]), blip.family.model
    layer = model.text_encoder.encoder.layer[0].crossattention.self
    seen = {}
    handle = layer.register_forward_pre_hook(
        lambda _, args, options: seen.update(query=args[0], **options), with_kwargs=True
    )
    try:
        blip([pair()])
    finally:
        handle.remove()
    with torch.no_grad():
        scores = layer.query(seen["query"])[0, :, 4:8] @ (
            layer.key(seen["encoder_hidden_states"])[0, :, 4:8].T
        )
    by_hand = (scores / 2).softmax(dim=-1)
    np.testing.assert_allclose(batch.attentions[0, 1, 1, :N, N:], by_hand, atol=1e-5)


def test_blip2_text_to_image_is_the_product_through_the_queries(blip2):
    batch, model = blip2([pair()]), blip2.family.model
    assert batch.derived == ("text->image",)
    assert batch.present.tolist() == [[[True, True], [False, True]]] * 2
    text, image = slice(N), slice(N, N + PATCHED)
    rows_sum_to_one(batch, 0, image, image)
    assert batch.attentions[0, ..., image, text].eq(0).all()
    rows_sum_to_one(batch, 0, text, slice(N + PATCHED))
    assert batch.pool.tolist() == [N - 1]
    pixels = blip2.family.images(images=[pair().image.copy()], return_tensors="pt")
    ids = torch.cat([torch.full((1, 3), 4), IDS], dim=1)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        out = model(**pixels, input_ids=ids, output_attentions=True)
        seen = model.vision_model(**pixels).last_hidden_state
        asked = model.qformer(
            query_embeds=model.query_tokens, encoder_hidden_states=seen, output_attentions=True
        )
    model.set_attn_implementation("sdpa")
    own = out.language_model_outputs.attentions[1][0]
    looks = torch.zeros(3, PATCHED)
    for layer in asked.cross_attentions:  # 2 of 4 layers, 4 heads
        for head in range(4):
            looks += layer[0, head] / 8
    assert len(asked.cross_attentions) == 2
    by_hand = torch.stack([own[head, 3:, :3] @ looks for head in range(4)])
    np.testing.assert_allclose(batch.attentions[0, 1, :, text, image], by_hand, atol=1e-5)
    np.testing.assert_allclose(batch.attentions[0, 1, :, text, text], own[:, 3:, 3:], atol=1e-5)


def test_blip2_needs_a_decoder(blip2):
    from transformers import BlipImageProcessorPil

    config = blip2.family.model.config
    config.use_decoder_only_language_model = False
    try:
        with pytest.raises(ValueError, match="have a decoder-only language model"):
            adapt(
                blip2.family.model,
                tokenizer=tokenizer(),
                image_processor=BlipImageProcessorPil(**EXACT),
            )
    finally:
        config.use_decoder_only_language_model = True


def test_flava_reads_the_fusion_encoder_as_the_model_calls_it(flava):
    batch, model = flava([pair()]), flava.family.model
    assert batch.present.all()
    assert batch.attentions.shape == (1, 3, 2, N + 18, N + 18)
    rows_sum_to_one(batch, 0, slice(N + 18), slice(N + 18))
    assert batch.pool.tolist() == [N]
    pixels = flava.family.images(images=[pair().image.copy()], return_tensors="pt")
    with torch.no_grad():
        own = model(input_ids=IDS, attention_mask=torch.ones_like(IDS), **pixels)
    normed = model.multimodal_model.layernorm(batch.hidden_states[0, -1])
    theirs = own.multimodal_embeddings[0]  # fusion's [CLS], image's [CLS], patches, words
    order = torch.cat([theirs[18:], theirs[:18]])
    np.testing.assert_allclose(normed.detach(), order, atol=1e-4)


def test_flava_without_its_own_mark_is_refused(flava):
    fusion = flava.family.model.multimodal_model
    fusion.use_cls_token = False
    try:
        with pytest.raises(ValueError, match=r"have a fusion encoder with a \[CLS\]"):
            adapt(
                flava.family.model,
                tokenizer=tokenizer(),
                image_processor=flava.family.images,
            )
    finally:
        fusion.use_cls_token = True


def test_flava_patches_lie_row_by_row():
    from transformers import FlavaImageProcessorPil

    model = build(
        "FlavaModel",
        "FlavaConfig",
        text_config=MARKED,
        image_config=PATCHES | {"num_hidden_layers": 0},  # so that no patch sees another
        multimodal_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        hidden_size=16,
    )
    images = FlavaImageProcessorPil(**EXACT)
    adapter = adapt(model, tokenizer=tokenizer(), image_processor=images)
    lit = lit_positions(adapter, CORNER)
    np.testing.assert_array_equal(lit, in_box(adapter([pair()]), CORNER))
    assert lit.sum() == 1
