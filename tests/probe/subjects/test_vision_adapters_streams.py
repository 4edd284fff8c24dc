"""ViLT, CLIP and SigLIP: patches where they lie, words where they stand, all their blocks."""

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

N = len(TOKENS)
CORNER = (0.25, 0.5, 0.5, 0.75)  # one patch: row 2, column 1


@pytest.fixture(scope="module")
def vilt():
    from transformers import ViltImageProcessorPil

    images = ViltImageProcessorPil(
        size={"shortest_edge": SIZE}, size_divisor=8, image_mean=[0] * 3, image_std=[1] * 3
    )
    model = build("ViltModel", "ViltConfig", **TEXT, image_size=SIZE, patch_size=8)
    return adapt(model, tokenizer=tokenizer(), image_processor=images)


def test_vilt_has_every_block_over_words_and_patches_in_order(vilt):
    batch = vilt([pair(), short()])
    assert batch.present.all()
    assert batch.attentions.shape == (2, 2, 4, N + 17, N + 17)
    for example in (0, 1):
        length = int((batch.modality[example] >= 0).sum())
        rows_sum_to_one(batch, example, slice(length), slice(length))
    assert batch.tokens[0][:N] == tuple(TOKENS)
    assert batch.pool.tolist() == [0, 0]
    assert batch.special[0].nonzero().ravel().tolist() == [0, N - 1, N]
    assert batch.phrases[0].int().tolist() == [
        [int(0 <= w < 3) for w in WORD_OF] + [0] * 17,
        [int(5 <= w < 8) for w in WORD_OF] + [0] * 17,
    ]
    patches = batch.regions[0, :, N + 1 :].reshape(2, 4, 4)
    assert patches[0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0] * 4, [0] * 4]
    assert patches[1].tolist() == [[0] * 4, [0] * 4, [0] * 4, [0, 0, 0, 1]]
    assert batch.links[0].tolist() == [[True, False], [False, True]]
    assert batch.relation[0].tolist() == [[-1, 0], [-1, -1]]
    assert batch.name == "ViltModel"


def test_vilt_shuffles_and_the_adapter_does_not(vilt):
    picture = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    raw = []
    for _ in range(2):
        reading = vilt.family.read([pair(picture)], hidden_states=True)
        raw.append(reading.hidden_states[0, 0, N + 1 :])
    assert not torch.equal(*raw)
    one, other = vilt([pair(picture)]), vilt([pair(picture)])
    torch.testing.assert_close(one.attentions, other.attentions, atol=1e-5, rtol=0)
    torch.testing.assert_close(one.hidden_states, other.hidden_states, atol=1e-4, rtol=0)
    assert one.attentions.std() > 1e-3


def test_vilt_drops_no_patch_and_leaves_the_model_as_it_was(vilt):
    embeddings, config = vilt.family.model.embeddings, vilt.family.model.config
    config.max_image_length = 3
    try:
        batch = vilt([pair()])
        assert config.max_image_length == 3
    finally:
        config.max_image_length = -1
    assert batch.image.sum() == 16
    assert "visual_embed" not in vars(embeddings)


def test_vilt_images_of_different_shapes_have_their_own_grids(vilt):
    wide = pair(image((0.5, 0.0, 2 / 3, 1 / 3), height=16, width=32), name="wide")
    dark = pair(image(height=16, width=32), name="dark")
    lit, unlit = vilt([wide, pair()]), vilt([dark, pair()])
    assert lit.image.sum(dim=1).tolist() == [3 * 6, 16]  # 26 x 53 floored to multiples of 8
    moved = (lit.hidden_states[0, 0] - unlit.hidden_states[0, 0]).abs().amax(dim=-1)
    assert int(moved.argmax()) == N + 1 + 3
    np.testing.assert_allclose(lit.boxes[0, N + 4], [1 / 2, 0, 2 / 3, 1 / 3], atol=1e-6)


def test_vilt_alone_and_in_a_batch_is_the_same(vilt):
    both, alone = vilt([pair(), short()]), vilt([short()])
    length = alone.attentions.shape[-1]
    np.testing.assert_allclose(
        both.attentions[1, ..., :length, :length], alone.attentions[0], atol=1e-5
    )
    assert both.modality[1, length:].eq(-1).all()
    assert both.attentions[1, ..., length:].eq(0).all()


@pytest.fixture(scope="module")
def clip():
    from transformers import CLIPImageProcessorPil

    vision = PATCHES | {"num_hidden_layers": 3, "num_attention_heads": 2, "hidden_size": 24}
    text = TEXT | {"bos_token_id": 2, "eos_token_id": 3}
    model = build("CLIPModel", "CLIPConfig", text_config=text, vision_config=vision)
    images = CLIPImageProcessorPil(**EXACT)
    return adapt(model, tokenizer=tokenizer(), image_processor=images, name="tiny clip")


@pytest.fixture(scope="module")
def siglip():
    from transformers import SiglipImageProcessorPil

    text = TEXT | {"bos_token_id": 2, "eos_token_id": 3}
    model = build("SiglipModel", "SiglipConfig", text_config=text, vision_config=PATCHES)
    images = SiglipImageProcessorPil(**EXACT)
    return adapt(model, tokenizer=tokenizer(first=""), image_processor=images)


def test_clip_has_its_own_blocks_and_no_cross_ones(clip):
    batch = clip([pair(), short()])
    assert batch.name == "tiny clip"
    assert batch.present.tolist() == [
        [[False, False], [False, True]],  # three layers of vision, two of text: they end together
        [[True, False], [False, True]],
        [[True, False], [False, True]],
    ]
    text, picture = slice(N), slice(N, N + 17)
    assert batch.attentions[0, ..., text, picture].eq(0).all()
    rows_sum_to_one(batch, 0, text, text, slice(1, 3))
    assert batch.attentions[0, 1:, :, text, text].triu(1).eq(0).all()  # text is causal
    vision = batch.attentions[0, :, :2, picture, picture].sum(dim=-1)
    torch.testing.assert_close(vision, torch.ones_like(vision), atol=1e-5, rtol=0)
    assert batch.attentions[0, :, 2:, picture, picture].isnan().all()  # no such heads
    assert batch.hidden_states[0, 0, text].isnan().all()
    assert batch.hidden_states[0, 1, text, 16:].eq(0).all()
    assert batch.pool.tolist() == [-1, -1]


def test_clip_weights_are_the_models_own(clip):
    batch, model = clip([pair()]), clip.family.model
    ids = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 3]])
    model.set_attn_implementation("eager")
    own = model.text_model(input_ids=ids, output_attentions=True).attentions
    model.set_attn_implementation("sdpa")
    np.testing.assert_allclose(batch.attentions[0, 2, :, :N, :N], own[1][0].detach(), atol=1e-6)


def test_siglip_reads_its_padding_and_says_so(siglip):
    batch = siglip([short()])
    assert batch.tokens[0][:5] == ("a", "cir", "cle", "[SEP]", "[PAD]")
    assert batch.special[0, :24].int().tolist() == [0, 0, 0] + [1] * 21
    assert batch.modality[0, :24].eq(0).all()
    rows_sum_to_one(batch, 0, slice(24), slice(24))
    assert batch.attentions[0, ..., :24, 4:24].min() > 0
    assert batch.image.sum() == 16
    assert not batch.present[:, 0, 1].any()
    assert not batch.present[:, 1, 0].any()


@pytest.mark.parametrize("which", ["vilt", "clip", "siglip"])
def test_boxes_lie_where_the_model_sees_the_light(which, request):
    adapter = request.getfixturevalue(which)
    batch = adapter([pair()])
    moved = lit_positions(adapter, CORNER)
    if which == "clip":  # the image's states start one layer before the text's: NaN moves nothing
        assert batch.hidden_states[0, 0, :N].isnan().all()
    assert moved.sum() == 1
    np.testing.assert_array_equal(moved, in_box(batch, CORNER))


@pytest.mark.parametrize("which", ["vilt", "clip", "siglip"])
def test_mode_and_attention_implementation_come_back(which, request):
    adapter = request.getfixturevalue(which)
    model = adapter.family.model
    before = model.config._attn_implementation
    model.train()
    try:
        adapter([pair()], hidden_states=False)
        assert model.training
    finally:
        model.eval()
    assert model.config._attn_implementation == before
    assert adapter([pair()], hidden_states=False).hidden_states is None
