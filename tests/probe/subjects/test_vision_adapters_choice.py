"""Choosing a family and its tools, streams, and what is said when something does not fit."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

import probe.subjects.vision_adapters as package
from probe.subjects.vision_adapters import FAMILIES, VisionLanguageAdapter, adapt, adapter
from probe.subjects.vision_adapters.reading import joint_square
from tests.probe.subjects.tiny_vision_models import (
    EXACT,
    PATCHES,
    TEXT,
    TOKENS,
    build,
    features,
    pair,
    short,
    tokenizer,
)


@pytest.fixture(scope="module")
def model():
    text = TEXT | {"bos_token_id": 2, "eos_token_id": 3}
    return build("CLIPModel", "CLIPConfig", text_config=text, vision_config=PATCHES)


@pytest.fixture(scope="module")
def images():
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(**EXACT)


@pytest.fixture(scope="module")
def clip(model, images):
    return adapt(model, tokenizer=tokenizer(), image_processor=images)


def test_a_processor_gives_its_parts_and_parts_go_before_it(model, images):
    from transformers import CLIPProcessor

    processor = CLIPProcessor(image_processor=images, tokenizer=tokenizer())
    assert adapt(model, processor)([pair()]).tokens[0][: len(TOKENS)] == tuple(TOKENS)
    plain = adapt(model, processor, tokenizer=tokenizer(first=""))
    assert plain([pair()]).tokens[0][0] == "a"
    assert repr(plain) == "VisionLanguageAdapter('CLIPModel', CLIP)"
    assert isinstance(plain, VisionLanguageAdapter)


def test_a_processor_of_another_model_is_refused(model, images):
    from transformers import CLIPProcessor, ViltImageProcessorPil, ViltProcessor

    other = ViltProcessor(image_processor=ViltImageProcessorPil(), tokenizer=tokenizer())
    with pytest.raises(ValueError, match="be CLIPProcessor for a CLIP model; got ViltProcessor"):
        adapt(model, other)
    bert = build("VisualBertModel", "VisualBertConfig", **TEXT, visual_embedding_dim=6)
    with pytest.raises(ValueError, match="`processor` must be left out here; got CLIPProcessor"):
        adapt(bert, CLIPProcessor(image_processor=images, tokenizer=tokenizer()))
    with pytest.raises(TypeError, match="`processor` must hold a tokenizer; got CLIPImageProc"):
        adapt(model, images)


def test_unknown_models_are_told_the_families(model):
    with pytest.raises(ValueError, match=r"of a supported family .ViltModel, CLIPModel.* Linear"):
        adapt(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="got CLIPTextModel"):
        adapt(model.text_model)
    with pytest.raises(TypeError, match="`model` must be a transformers model; got str"):
        adapt("CLIPModel")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"tokenizer": None}, ValueError, "`tokenizer` must be given"),
        ({"tokenizer": str.split}, TypeError, "`tokenizer` must be a tokenizer"),
        ({"tokenizer": tokenizer(extra=30)}, ValueError, "at most 40 tokens; got 45 tokens"),
        ({"image_processor": None}, ValueError, "`image_processor` must be given"),
        ({"image_processor": np.asarray}, TypeError, "`image_processor` must be an image proc"),
        ({"prompt": "{image}{caption}"}, ValueError, "`prompt` must be left out: CLIP does not"),
        ({"region_features": features}, ValueError, "`region_features` must be left out"),
    ],
)
def test_tools_are_checked_before_anything_runs(change, error, message, model, images):
    with pytest.raises(error, match=message):
        adapt(model, **{"tokenizer": tokenizer(), "image_processor": images} | change)


def test_siglip_needs_padding_and_poolers_their_mark(images):
    from transformers import SiglipImageProcessorPil

    text = TEXT | {"bos_token_id": 2, "eos_token_id": 3}
    siglip = build("SiglipModel", "SiglipConfig", text_config=text, vision_config=PATCHES)
    options = {"image_processor": SiglipImageProcessorPil(**EXACT)}
    with pytest.raises(ValueError, match="have a padding token"):
        adapt(siglip, tokenizer=tokenizer(pad_token=None), **options)
    bert = build("VisualBertModel", "VisualBertConfig", **TEXT, visual_embedding_dim=6)
    for words in (tokenizer(first=""), tokenizer(first="", cls_token=None)):
        with pytest.raises(ValueError, match=r"write \[CLS\] in every caption"):
            adapt(bert, tokenizer=words, region_features=features)([pair()])


def test_images_of_another_size_and_long_captions_are_refused(model, clip):
    from transformers import CLIPImageProcessorPil

    other = adapt(model, tokenizer=tokenizer(), image_processor=CLIPImageProcessorPil())
    with pytest.raises(ValueError, match="make images of 32 x 32 for this model; got 224 x 224"):
        other([pair()])
    with pytest.raises(ValueError, match=r"caption of 'pair'` must have at most 24 tokens .* 25"):
        clip([pair(words=("a",) * 23, phrases=(), links=())])


def test_no_attentions_is_an_error_and_not_an_empty_result(clip, monkeypatch):
    monkeypatch.setattr(adapter, "weights_seen", lambda _: nullcontext())
    with pytest.raises(RuntimeError, match="CLIP's text model gave no attentions"):
        clip([pair()])


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ([], ValueError, "`pairs` must hold at least one pair; got none"),
        ([pair(), "pair"], TypeError, r"`pairs\[1\]` must be a GroundedPair; got str"),
        (pair(), TypeError, r"`pairs` must be a sequence of GroundedPair.* Write \[pair\]"),
    ],
)
def test_pairs_are_checked(pairs, error, message, clip):
    with pytest.raises(error, match=message):
        clip(pairs)
    with pytest.raises(error, match=message):
        clip.stream(pairs)


def test_a_stream_gives_what_one_batch_gives_and_codes_alike(clip):
    pairs = [short(), pair(), short(attrs={"order": 3})]
    whole, parts = clip(pairs), list(clip.stream(pairs, batch_size=1))
    assert [len(part) for part in parts] == [1, 1, 1]
    assert {part.kinds for part in parts} == {("shape",)} == {whole.kinds}
    assert {part.relation_names for part in parts} == {("above",)}
    for number, part in enumerate(parts):
        n = part.attentions.shape[-1]
        np.testing.assert_allclose(
            part.attentions[0], whole.attentions[number, ..., :n, :n], atol=1e-5
        )
        np.testing.assert_allclose(
            part.hidden_states[0], whole.hidden_states[number, :, :n], atol=1e-5
        )
    assert parts[2].attrs["order"].tolist() == [3]
    with pytest.raises(ValueError, match="`batch_size` must be at least 1; got 0"):
        clip.stream(pairs, batch_size=0)


def test_a_square_needs_a_block():
    with pytest.raises(ValueError, match="`blocks` must hold at least one layer"):
        joint_square({(0, 0): [None]}, (1, 1))


def test_blocks_of_fewer_heads_are_not_filled_with_zeros():
    few, many = torch.ones(1, 1, 2, 2), torch.ones(1, 3, 1, 1)
    square, present = joint_square({(0, 0): [few], (1, 1): [many, many]}, (2, 1))
    assert present[:, 0, 0].tolist() == [False, True]
    assert square[0, 1, 0, :2, :2].eq(1).all()
    assert square[0, 1, 1:, :2, :2].isnan().all()
    assert square[0, :, :, 2, 2].eq(1).all()


def test_the_package_is_lazy_and_lists_itself():
    assert dir(package) == ["FAMILIES", "VisionLanguageAdapter", "adapt"]
    assert "ViltModel" in FAMILIES
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing
