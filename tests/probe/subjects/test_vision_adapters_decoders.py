"""LLaVA, PaliGemma and Qwen-VL: image tokens among the words, masks, grids and grouped heads."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.subjects.vision_adapters import adapt
from tests.probe.subjects.tiny_vision_models import (
    EXACT,
    PATCHES,
    SIZE,
    TEXT,
    TOKENS,
    WORD_OF,
    build,
    image,
    in_box,
    lit_positions,
    pair,
    rows_sum_to_one,
    short,
    tokenizer,
)

LENGTH = len(TOKENS) - 2  # of the caption without marks
CORNER = (0.25, 0.5, 0.5, 0.75)
GROUPED = TEXT | {"num_key_value_heads": 2, "max_position_embeddings": 64}
ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
# [CLS] is <bos>; the prompt: [CLS] is <image> above CAPTION . (in words that the tokenizer has)
PROMPT = "is {image} above {caption} ."


def llava_model(**options):
    config = {
        "text_config": GROUPED | {"model_type": "llama", "head_dim": 4},
        "vision_config": PATCHES | {"model_type": "clip_vision_model"},
        "image_token_id": 4,
        "vision_feature_layer": -1,
    }
    return build("LlavaForConditionalGeneration", "LlavaConfig", **config | options)


def llava_with(model, **options):
    from transformers import CLIPImageProcessorPil

    words, images = tokenizer(last=""), CLIPImageProcessorPil(**EXACT)
    return adapt(model, tokenizer=words, image_processor=images, **options)


@pytest.fixture(scope="module")
def llava():
    return llava_with(llava_model(), prompt=PROMPT)


@pytest.fixture(scope="module")
def paligemma():
    from transformers import SiglipImageProcessorPil

    text = GROUPED | {"model_type": "gemma", "head_dim": 4}
    model = build(
        "PaliGemmaForConditionalGeneration",
        "PaliGemmaConfig",
        text_config=text,
        vision_config=PATCHES | {"model_type": "siglip_vision_model"},
        projection_dim=16,
        image_token_index=4,
    )
    words = tokenizer(last="", bos_token="[CLS]")
    return adapt(model, tokenizer=words, image_processor=SiglipImageProcessorPil(**EXACT))


def qwen(version):
    from transformers import Qwen2VLImageProcessorPil

    vision = {"depth": 2, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2}
    vision |= {
        "Qwen2VL": {"embed_dim": 16, "hidden_size": 32},
        "Qwen2_5_VL": {
            "hidden_size": 16,
            "out_hidden_size": 32,
            "intermediate_size": 16,
            "fullatt_block_indexes": [1],
            "window_size": 16,
        },
        "Qwen3VL": {
            "hidden_size": 16,
            "out_hidden_size": 32,
            "intermediate_size": 16,
            "deepstack_visual_indexes": [0],
            "num_position_embeddings": 64,
        },
    }[version]
    text = GROUPED | {"rope_parameters": ROPE, "hidden_size": 32}
    if version == "Qwen3VL":
        text |= {"head_dim": 8}
    model = build(
        f"{version}ForConditionalGeneration",
        f"{version}Config",
        text_config=text,
        vision_config=vision,
        image_token_id=4,
        vision_start_token_id=2,
        vision_end_token_id=3,
        video_token_id=39,
    )
    size = {"shortest_edge": 64, "longest_edge": SIZE * SIZE}
    images = Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, size=size, do_normalize=False)
    return adapt(model, tokenizer=tokenizer(first="", last=""), image_processor=images)


@pytest.fixture(scope="module")
def qwen2():
    return qwen("Qwen2VL")


def test_llava_positions_by_hand(llava):
    batch = llava([pair(), short()])
    word = [-1, -1] + [-1] * 16 + [-1] + WORD_OF[1:-1] + [-1]
    n = len(word)
    assert batch.attentions.shape == (2, 2, 4, n, n)  # four query heads over two of keys
    assert batch.modality[0].tolist() == [0, 0] + [1] * 16 + [0] * (LENGTH + 2)
    assert batch.special[0].nonzero().ravel().tolist() == [0, 1, 18, n - 1]
    assert batch.tokens[0][:2] + batch.tokens[0][18:] == (
        "[CLS]",
        "is",
        "above",
        *TOKENS[1:-1],
        ".",
    )
    assert batch.phrases[0].int().tolist() == [
        [int(0 <= w < 3) for w in word],
        [int(5 <= w < 8) for w in word],
    ]
    assert batch.regions[0, 1].nonzero().ravel().tolist() == [2 + 15]
    assert batch.pool.tolist() == [n - 1, 2 + 16 + 1 + 3]
    np.testing.assert_allclose(batch.boxes[0, 2 + 5], [0.25, 0.25, 0.5, 0.5])


def test_llava_is_causal_and_its_image_never_sees_the_caption(llava):
    batch = llava([pair()])
    assert batch.present.tolist() == [[[True, True], [False, True]]] * 2
    n = batch.attentions.shape[-1]
    rows_sum_to_one(batch, 0, slice(n), slice(n))
    assert batch.attentions[0].triu(1).eq(0).all()
    image, words = batch.image[0], batch.text[0]
    assert batch.attentions[0][:, :, image][..., words].eq(0).all()
    assert (batch.attentions[0][:, :, words][..., image] > 0).all()


def test_llava_with_the_caption_first_has_the_other_direction():
    batch = llava_with(llava_model(), prompt="{caption} {image}")([pair()])
    assert batch.present[0].tolist() == [[True, False], [True, True]]
    assert batch.attentions[0][:, :, batch.text[0]][..., batch.image[0]].eq(0).all()


def test_llava_weights_are_the_models_own_with_keys_shared_by_two_heads(llava):
    batch, model = llava([pair()]), llava.family.model
    ids = torch.tensor([[2, 9, *[4] * 16, 10, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 14]])
    pixels = llava.family.images(images=[pair().image.copy()], return_tensors="pt")
    layer, seen = model.language_model.layers[0].self_attn, {}
    handle = layer.register_forward_pre_hook(
        lambda _, args, options: seen.update(options), with_kwargs=True
    )
    try:
        with torch.no_grad():
            model(input_ids=ids, **pixels)
    finally:
        handle.remove()
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    with torch.no_grad():
        states, n = seen["hidden_states"], ids.shape[1]
        query = layer.q_proj(states).view(1, n, 4, 4).transpose(1, 2)
        key = layer.k_proj(states).view(1, n, 2, 4).transpose(1, 2)
        query, key = apply_rotary_pos_emb(query, key, *seen["position_embeddings"])
    causal = torch.ones(n, n, dtype=torch.bool).tril()
    for head in range(4):
        scores = query[0, head] @ key[0, head // 2].T / 2
        by_hand = scores.masked_fill(~causal, -torch.inf).softmax(dim=-1)
        np.testing.assert_allclose(batch.attentions[0, 0, head], by_hand, atol=1e-5)


def test_llava_may_keep_the_towers_mark():
    batch = llava_with(llava_model(vision_feature_select_strategy="full"))([pair()])
    assert batch.modality[0].eq(1).sum() == 17
    assert batch.image[0].sum() == 16
    assert batch.special[0, 1]
    assert batch.boxes[0, 1].isnan().all()


def test_paligemma_attends_both_ways(paligemma):
    batch = paligemma([pair(), short()])
    assert batch.present.all()
    n = 16 + 1 + LENGTH
    assert batch.tokens[0][16:] == ("[CLS]", *TOKENS[1:-1])
    assert batch.special[0].nonzero().ravel().tolist() == [16]
    rows_sum_to_one(batch, 0, slice(n), slice(n))
    assert (batch.attentions[0, ..., :n, :n] > 0).all()
    assert batch.attentions[1, ..., 16 + 1 + 3 :].eq(0).all()
    assert batch.pool.tolist() == [n - 1, 16 + 3]


def test_qwen_has_a_grid_of_each_images_own(qwen2):
    wide = pair(image(height=16, width=32), name="wide")
    batch = qwen2([wide, pair()])
    assert batch.image.sum(dim=1).tolist() == [2 * 4, 4 * 4]
    np.testing.assert_allclose(batch.boxes[0, 1 + 5], [0.25, 0.5, 0.5, 1.0])
    assert batch.tokens[0][0] == "[CLS]"
    assert batch.tokens[0][9:] == ("[SEP]", *TOKENS[1:-1], *[""] * 8)
    assert batch.present.tolist() == [[[True, True], [False, True]]] * 2
    alone = qwen2([wide])
    n = alone.attentions.shape[-1]
    np.testing.assert_allclose(batch.attentions[0, ..., :n, :n], alone.attentions[0], atol=1e-5)


@pytest.mark.parametrize("version", ["Qwen2_5_VL", "Qwen3VL"])
def test_later_qwen_models_read_alike(version):
    adapter = qwen(version)
    batch = adapter([pair(image(height=16, width=32)), short()])
    assert batch.image.sum(dim=1).tolist() == [8, 16]
    length = int((batch.modality[0] >= 0).sum())
    rows_sum_to_one(batch, 0, slice(length), slice(length))
    assert batch.attentions.shape[2] == 4
    dark, lit = adapter([pair()]), adapter([pair(image(CORNER))])
    moved = (dark.hidden_states[0, 0] - lit.hidden_states[0, 0]).abs().amax(dim=-1)
    assert int(moved.argmax()) == int(in_box(dark, CORNER).argmax())


@pytest.mark.parametrize("which", ["llava", "paligemma", "qwen2"])
def test_boxes_lie_where_the_model_sees_the_light(which, request):
    adapter = request.getfixturevalue(which)
    batch = adapter([pair()])
    dark, lit = adapter([pair()]), adapter([pair(image(CORNER))])
    moved = (dark.hidden_states[0, 0] - lit.hidden_states[0, 0]).abs().amax(dim=-1)
    # the vision tower mixes patches a little before the language model reads them
    assert int(moved.argmax()) == int(in_box(batch, CORNER).argmax())
    assert not lit_positions(adapter, CORNER)[batch.text[0]].any()


def test_prompts_and_image_tokens_are_checked(llava):
    with pytest.raises(ValueError, match=r"`prompt` must hold .image. and .caption. once each"):
        llava_with(llava.family.model, prompt="{caption}")
    model = llava_model()
    model.config.image_token_id = 400
    with pytest.raises(ValueError, match="have the model's image token at 400"):
        llava_with(model)


def test_a_caption_with_the_image_token_is_refused(llava):
    with pytest.raises(ValueError, match="become ids with one image token; got 2"):
        llava([pair(words=("a", "<image>"), phrases=(), links=())])


def test_long_captions_are_refused_with_the_image_counted(llava):
    words = ("a",) * 47
    llava([pair(words=words[:-3])])
    with pytest.raises(ValueError, match="at most 49 tokens for this model; got 52"):
        llava([pair(words=words)])


def test_wrong_towers_and_patches_are_refused(qwen2):
    model = llava_model()
    model.config.vision_config.model_type = "pixtral"
    with pytest.raises(ValueError, match="have a vision tower of clip_vision_model or"):
        llava_with(model)
    from transformers import Qwen2VLImageProcessorPil

    with pytest.raises(ValueError, match="`image_processor` must have patch_size 4"):
        adapt(
            qwen2.family.model,
            tokenizer=tokenizer(),
            image_processor=Qwen2VLImageProcessorPil(patch_size=8, merge_size=2),
        )
