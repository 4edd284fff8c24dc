"""A user's own objects as tasks of attribution: texts, images, pairs, graphs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from probe.attribution import attribute, grid
from probe.subjects.attributable import image_task, text_task, vision_language_task
from probe.subjects.digits_classifier import DigitsClassifier, trained_digits
from probe.subjects.small_encoder import SmallEncoder
from probe.subjects.vocabulary import Vocabulary
from tests.probe.subjects.tiny_encoders import WORDS, tiny_bert, tiny_encoder, tiny_tokenizer
from tests.probe.subjects.tiny_vision_models import (
    EXACT,
    PATCHES,
    TEXT,
    build,
    pair,
    short,
    tokenizer,
)
from tests.probe.subjects.vision_language_toys import model_of, squares

QUICK = {"draws": 10, "sensitivity_draws": 0, "depths": 0, "n_boot": 10}
TEXTS = ["the cat sat on the mat", "a cat"]


def test_a_sentence_encoder_s_cosine_is_attributed_to_tokens():
    encoder = tiny_encoder()
    task = text_task(encoder, None, TEXTS, references=["the mat", "b c"])
    assert task.targets == ["the mat", "b c"]
    assert list(task.tokens[1]) == ["[CLS]", "a", "cat", "[SEP]"]
    methods = ["integrated_gradients", "input_x_gradient"]
    ds = grid(task, methods=methods, layers=["input", task.layers[1]], n_steps=100, **QUICK)
    states = encoder.encode([*TEXTS, "the mat", "b c"], progress=False).values[-1]
    states = states / np.linalg.norm(states, axis=1, keepdims=True)
    np.testing.assert_allclose(ds.score.values.T, states[:2] @ states[2:].T, atol=1e-5)
    gaps = ds.completeness_gap.sel(algorithm="integrated_gradients")
    np.testing.assert_allclose(gaps.values, 0, atol=2e-3)
    # Marks are their own baseline, so nothing is owed to them; padding is no token.
    found = ds.attribution_text.sel(algorithm="integrated_gradients", layer="input").values
    np.testing.assert_allclose(found[:, 1, [0, 3]], 0, atol=1e-7)
    assert np.isnan(found[:, 1, 4:]).all()
    assert (np.abs(found[:, 1, 1:3]) > 1e-6).all()
    assert (ds.why == "").all()


def test_a_classifier_of_transformers_is_attributed_by_class():
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=32, max_position_embeddings=32, id2label={0: "bad", 1: "good"},
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval()
    task = text_task(model, tiny_tokenizer(), TEXTS, baseline="mean")
    assert task.targets == ["bad", "good"]
    assert task.layers[0] == "bert.encoder.layer.0"
    ds = grid(task, methods=["feature_ablation", "shapley_sampling"], n_samples=2, **QUICK)
    made = tiny_tokenizer()(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(
            input_ids=made["input_ids"], attention_mask=made["attention_mask"]
        ).logits.numpy()
    np.testing.assert_allclose(ds.score.values.T, expected, atol=1e-5)
    gap = ds.completeness_gap.sel(algorithm="shapley_sampling")
    np.testing.assert_allclose(gap.values, 0, atol=1e-5)


def test_our_small_encoder_and_a_score_of_one_s_own():
    encoder = SmallEncoder(Vocabulary(WORDS[4:]), d_model=8, n_heads=2, n_layers=2)
    task = text_task(encoder, None, TEXTS, references=["mat"], pooling="cls", baseline="zero")
    assert list(task.tokens[1]) == ["[CLS]", "a", "cat"]
    assert task.made_by == ("words",)
    ds = attribute(task, method="integrated_gradients", n_steps=200, **QUICK)
    np.testing.assert_allclose(ds.completeness_gap.values, 0, atol=5e-3)

    def norms(output, mask):
        return output.last_hidden_state.square().sum((1, 2))[:, None]

    own = text_task(tiny_bert(), tiny_tokenizer(), TEXTS, score=norms, labels=["size"])
    assert own.targets == ["size"]
    assert attribute(own, method="saliency", **QUICK).why.item() == ""


def test_an_image_classifier_s_baselines_and_names():
    images = torch.rand(3, 1, 16, 16) * 2 - 1
    model = DigitsClassifier(width=4)
    task = image_task(model, images.numpy(), baseline="mean", labels=[f"d{i}" for i in range(10)])
    assert task.targets[3] == "d3"
    assert task.images.shape == (3, 16, 16, 1)
    means = task.baselines["image"].flatten(1)
    torch.testing.assert_close(means[:, 0], images.mean((1, 2, 3)))
    blurred = image_task(model, images, baseline="blur").baselines["image"]
    assert blurred.shape == images.shape
    assert float(blurred.var()) < float(images.var()) / 3
    own = torch.full((1, 1, 16, 16), 0.5)
    assert float(image_task(model, images, baseline=own).baselines["image"].mean()) == 0.5
    shown = image_task(nn.Sequential(nn.Conv2d(4, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                       torch.rand(2, 4, 8, 8))  # fmt: skip
    assert shown.images.shape == (2, 8, 8, 1)
    assert shown.layers == ["0"]


def test_a_transformers_image_classifier_gives_logits():
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        image_size=16, patch_size=4, num_labels=3,
    )  # fmt: skip
    model = ViTForImageClassification(config)
    task = image_task(model, torch.rand(2, 3, 16, 16), layers=["vit"])
    assert task.targets == ["LABEL_0", "LABEL_1", "LABEL_2"]
    ds = grid(
        task, methods=["input_x_gradient"], layers=["input", "vit.embeddings"], targets=[0], **QUICK
    )
    assert ds.why.values[0].tolist()[0] == ""
    assert "belong to no unit" in ds.why.values[0, 1]


def test_the_digits_classifier_learns_and_is_kept(tmp_path):
    first = trained_digits(steps=120, folder=tmp_path, progress=False)
    assert first.accuracy > 0.9
    assert first.path.exists()
    again = trained_digits(steps=120, folder=tmp_path, progress=False)
    assert again.accuracy == first.accuracy
    assert len(again.images) == len(again.labels) == 360


@pytest.mark.parametrize("kind", ["single", "dual"])
def test_our_scene_models_match_words_and_regions(kind):
    model = model_of(kind)
    pairs = squares(3)
    task = vision_language_task(model, pairs)
    ds = grid(
        task, methods=["integrated_gradients", "random"], layers=["input", *task.layers[:2]],
        n_steps=100, **QUICK,
    )  # fmt: skip
    gaps = ds.completeness_gap.sel(algorithm="integrated_gradients", layer="input")
    np.testing.assert_allclose(gaps.values, 0, atol=5e-3)
    regions = [len(each.regions) for each in pairs]
    known = np.isfinite(ds.attribution_image.values[0, 0, 0]).sum(-1).tolist()
    assert known == regions
    assert ds.box.shape[:2] == ds.attribution_image.shape[-2:]
    assert ds.image.dims == ("example", "y", "x", "channel")
    assert ds.target.values == ["match"]


@pytest.mark.parametrize("kind", ["blip", "vilt"])
def test_matching_heads_are_known(kind):
    import transformers as hf

    if kind == "blip":
        text = TEXT | {"bos_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
        text |= {"encoder_hidden_size": 16, "num_hidden_layers": 1}
        options = {"text_config": text, "vision_config": PATCHES}
        model = build("BlipForImageTextRetrieval", "BlipConfig", **options)
        images: object = hf.BlipImageProcessorPil(**EXACT)
    else:
        options = {k: v for k, v in (TEXT | PATCHES).items() if k != "bos_token_id"}
        model = build("ViltForImageAndTextRetrieval", "ViltConfig", **options)
        images = hf.ViltImageProcessorPil(do_resize=False, do_normalize=False)
    task = vision_language_task(
        model, [pair(), short()], tokenizer=tokenizer(), image_processor=images
    )
    ds = grid(
        task,
        methods=["integrated_gradients"],
        layers=["input", task.layers[0]],
        n_steps=64,
        **QUICK,
    )
    gaps = ds.completeness_gap.sel({"layer": "input"}).values
    assert np.abs(gaps).max() < 0.05 * max(1, float(np.abs(ds.score - ds.baseline_score).max()))
    assert np.isfinite(ds.attribution_text.values[0, 0, 0, 1]).sum() == len(task.tokens[1])


def clip():
    from transformers import CLIPImageProcessorPil

    text = TEXT | {"eos_token_id": 3, "bos_token_id": 2}
    model = build("CLIPModel", "CLIPConfig", text_config=text, vision_config=PATCHES)
    return model, tokenizer(), CLIPImageProcessorPil(**EXACT)


def test_a_transformers_model_s_match_is_owed_to_tokens_and_pixels():
    from probe.subjects.vision_adapters import adapt

    model, words, images = clip()
    pairs = [pair(), short()]
    task = vision_language_task(model, pairs, tokenizer=words, image_processor=images)
    ds = attribute(task, method="integrated_gradients", n_steps=100, **QUICK)
    np.testing.assert_allclose(ds.completeness_gap.values, 0, atol=2e-2)
    assert ds.attribution_image.dims[-2:] == ("row", "column")
    assert list(task.tokens[1]) == ["[CLS]", "a", "cir", "##cle", "[SEP]"]
    same = vision_language_task(adapt(model, tokenizer=words, image_processor=images), pairs)
    given = (*same.inputs.values(), *same.context)
    with torch.no_grad():
        torch.testing.assert_close(same.forward(*given), task.forward(*given))
    own = vision_language_task(
        model, pairs, tokenizer=words, image_processor=images, score=lambda o: o.text_embeds[:, 0]
    )
    assert attribute(own, method="saliency", **QUICK).score.shape == (1, 2)
