"""Tiny random transformers models, one of each way that attention is built there."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from probe.subjects.attention_kinds import attention_kind, is_attention
from probe.subjects.attention_visibility import _HELD, _configs
from probe.subjects.capture import capture

IDS = torch.tensor([[5, 9, 33, 7, 2, 41, 8], [11, 3, 60, 4, 9, 1, 1]])
MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2])
TEXT = {"input_ids": IDS, "attention_mask": MASK}
IMAGE = {"pixel_values": torch.linspace(-1, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)}
BODY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
}
NO_MARKS = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
WORDS = {"vocab_size": 99, "max_position_embeddings": 40, **BODY, **NO_MARKS}
GROUPED = {**WORDS, "num_key_value_heads": 2}
PATCHES = {"image_size": 16, "patch_size": 4, **BODY}
GPT2 = {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 40, **NO_MARKS}
T5 = {"vocab_size": 99, "d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 4}
TWO_TOWERS = {"text_config": {**WORDS, "eos_token_id": 2}, "vision_config": PATCHES}
BART = {
    "vocab_size": 99,
    "max_position_embeddings": 40,
    "d_model": 32,
    **{f"{side}_layers": 1 for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": 4 for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": 32 for side in ("encoder", "decoder")},
}
DISTIL = {"vocab_size": 99, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 32}
DEBERTA = {**WORDS, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
REGIONS = {"visual_feats": torch.ones(2, 3, 20), "visual_pos": torch.rand(2, 3, 4)}
LXMERT = {
    **{k: v for k, v in WORDS.items() if k not in ("num_hidden_layers", "bos_token_id")},
    **{"l_layers": 1, "x_layers": 1, "r_layers": 1, "visual_feat_dim": 20},
}

# family: (configuration, its options, inputs, attention modules)
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], int]] = {
    "Bert": ("BertConfig", WORDS, TEXT, 2),
    "Albert": ("AlbertConfig", {**WORDS, "embedding_size": 16}, TEXT, 1),
    "MPNet": ("MPNetConfig", WORDS, TEXT, 2),
    "DebertaV2": ("DebertaV2Config", DEBERTA, TEXT, 2),
    "DistilBert": ("DistilBertConfig", DISTIL, TEXT, 2),
    "ModernBert": (
        "ModernBertConfig",
        {**WORDS, "cls_token_id": None, "sep_token_id": None},
        TEXT,
        2,
    ),
    "GPT2": ("GPT2Config", GPT2, TEXT, 2),
    "GPTNeoX": ("GPTNeoXConfig", WORDS, TEXT, 2),
    "Llama": ("LlamaConfig", GROUPED, TEXT, 2),
    "Phi3": ("Phi3Config", GROUPED, TEXT, 2),
    "T5": ("T5Config", T5, {**TEXT, "decoder_input_ids": IDS[:, :4]}, 6),
    "Bart": ("BartConfig", BART, TEXT, 3),
    "ViT": ("ViTConfig", PATCHES, IMAGE, 2),
    "BlipVision": ("BlipVisionConfig", PATCHES, IMAGE, 2),
    "CLIP": ("CLIPConfig", TWO_TOWERS, {**TEXT, **IMAGE}, 4),
    "Siglip": ("SiglipConfig", TWO_TOWERS, {**TEXT, **IMAGE}, 5),
    "Vilt": ("ViltConfig", {**WORDS, **PATCHES}, {**TEXT, **IMAGE}, 2),
    "Lxmert": ("LxmertConfig", LXMERT, {**TEXT, **REGIONS}, 5),
}


def build(family: str) -> tuple[nn.Module, dict[str, Any], int]:
    config, options, inputs, count = CASES[family]
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()  # of token ids that tiny vocabularies lack
    config = getattr(transformers, config)(**options)
    model = getattr(transformers, f"{family}Model")(config).eval()
    for parameter in model.parameters():  # biases start at zero and would hide a lost one
        if parameter.dim() == 1:
            nn.init.normal_(parameter.data, std=0.2)
    return model, inputs, count


def implementations(model: nn.Module) -> list[Any]:
    return [config._attn_implementation for config in _configs(model)]


@pytest.mark.parametrize("family", CASES)
def test_weights_come_out_and_the_model_gives_the_same(family: str) -> None:
    model, inputs, count = build(family)
    before = implementations(model)
    torch.manual_seed(1)  # ViLT draws the order of its patches
    with torch.no_grad():
        expected = model(**inputs)
    torch.manual_seed(1)
    with torch.no_grad(), capture(model, is_attention) as acts:
        assert set(implementations(model)) == {"eager"}
        found = model(**inputs)
    assert len(acts) == count
    assert acts.not_run == []
    assert max(acts.residuals.values()) < 1e-5
    for captured in acts.values():
        for call in captured.calls:
            assert (call["pattern"] >= 0).all()
            sums = call["pattern"].sum(-1)
            torch.testing.assert_close(sums, torch.ones_like(sums))
            batch, head, _, key = call["pattern"].shape
            assert call["value"].shape[:3] == (batch, head, key)
    first = [out[0] for out in (found, expected)]
    hidden = MASK.bool() if first[0].shape[:2] == MASK.shape else ...
    torch.testing.assert_close(first[0][hidden], first[1][hidden], atol=1e-5, rtol=1e-5)
    assert implementations(model) == before
    assert found.keys() == expected.keys()  # no attentions that nobody asked for
    assert _HELD == {}


@pytest.mark.parametrize("family", ["Bert", "GPT2", "Llama", "T5", "Albert", "Bart", "DistilBert"])
def test_in_training_the_weights_are_those_after_dropout(family: str) -> None:
    model, inputs, _ = build(family)
    model.train()
    with capture(model, is_attention) as acts:
        model(**inputs)
    assert max(acts.residuals.values()) < 1e-5
    if family not in ("Llama", "Albert", "Bart"):  # whose dropout on weights is 0 by default
        sums = [call["pattern"].sum(-1) for captured in acts.values() for call in captured.calls]
        assert any((each - 1).abs().max() > 0.01 for each in sums)
    assert model.training


@pytest.mark.parametrize("family", ["Bert", "GPT2", "Llama", "ViT", "DistilBert", "Vilt", "MPNet"])
def test_weights_are_those_that_the_model_reports(family: str) -> None:
    model, inputs, _ = build(family)
    with torch.no_grad(), capture(model, is_attention, "pattern") as acts:
        torch.manual_seed(1)
        model(**inputs)
    model.config._attn_implementation = "eager"
    with torch.no_grad():
        torch.manual_seed(1)
        reported = model(**inputs, output_attentions=True).attentions
    for captured, expected in zip(acts.values(), reported, strict=True):
        torch.testing.assert_close(captured["pattern"], expected)
    with torch.no_grad(), capture(model, is_attention) as acts:  # and when asked for beside
        torch.manual_seed(1)
        beside = model(**inputs, output_attentions=True).attentions
    torch.testing.assert_close(beside, reported)


def test_bert_weights_and_values_by_hand() -> None:
    model, inputs, _ = build("Bert")
    layer = "encoder.layer.1.attention.self"
    with torch.no_grad(), capture(model, "encoder.layer.0", "output") as states:
        model(**inputs)
    with torch.no_grad(), capture(model, layer) as acts:
        model(**inputs)
    x = states["encoder.layer.0"]["output"]
    x = x[0] if isinstance(x, tuple) else x
    attention = model.get_submodule(layer)
    q, k, v = (
        (x @ linear.weight.T + linear.bias).reshape(2, 7, 4, 8)
        for linear in (attention.query, attention.key, attention.value)
    )
    for n in range(2):
        seen = int(MASK[n].sum())
        for h in range(4):
            weights = torch.exp(q[n, :, h] @ k[n, :seen, h].T / math.sqrt(8))
            weights = weights / weights.sum(1, keepdim=True)
            found = acts[layer]["pattern"][n, h]
            torch.testing.assert_close(found[:, :seen], weights, atol=1e-6, rtol=1e-4)
            assert found[:, seen:].abs().sum() == 0
    torch.testing.assert_close(acts[layer]["value"], v.transpose(1, 2), atol=1e-5, rtol=1e-4)


def test_a_key_value_cache_is_refused_and_decoding_without_one_works() -> None:
    model, _, _ = build("GPT2")
    past = model(input_ids=IDS[:1, :4], use_cache=True).past_key_values
    with (
        pytest.raises(RuntimeError, match=r"`h.0.attn` \(GPT2Attention\).*use_cache=False"),
        capture(model, "h.*.attn"),
    ):
        model(input_ids=IDS[:1, 4:], past_key_values=past)
    with capture(model, "h.*.attn") as acts:
        model(input_ids=IDS[:1], use_cache=False)
    assert acts["h.0.attn"]["pattern"].triu(1).abs().max() == 0


def test_cross_attention_of_gpt2() -> None:
    torch.manual_seed(0)
    config = transformers.GPT2Config(**GPT2, add_cross_attention=True)
    model = transformers.GPT2Model(config).eval()
    with torch.no_grad(), capture(model, "h.*.crossattention") as acts:
        model(input_ids=IDS, encoder_hidden_states=torch.randn(2, 3, 32))
    assert acts["h.1.crossattention"]["pattern"].shape == (2, 4, 7, 3)
    assert acts["h.1.crossattention"]["value"].shape == (2, 4, 3, 8)


def test_the_switch_is_noted_and_undone_on_errors_and_at_any_depth(caplog) -> None:
    model, inputs, _ = build("CLIP")
    wrapped = nn.ModuleDict({"clip": model})
    model.config.text_config._attn_implementation = "eager"
    before = implementations(model)
    assert len(before) == 3
    assert sorted(before) == ["eager", "sdpa", "sdpa"]

    def run() -> None:
        with capture(wrapped, "clip.vision_model.**.self_attn") as acts:
            assert set(implementations(model)) == {"eager"}
            with capture(model.text_model, "**.self_attn"):
                model(**inputs)
            assert set(implementations(model)) == {"eager"}
            assert acts.notes == [note]
            assert f"note: {note}" in repr(acts)
            raise ZeroDivisionError

    note = "attention implementation sdpa is eager while the capture is open"
    with caplog.at_level(logging.INFO), pytest.raises(ZeroDivisionError):
        run()
    assert implementations(model) == before
    assert note in caplog.text


def test_outputs_alone_switch_nothing() -> None:
    model, inputs, _ = build("Bert")
    before = implementations(model)
    with capture(model, "encoder.layer.*", "output") as acts:
        assert implementations(model) == before
        result = model(**inputs)
    assert acts.notes == []
    assert torch.equal(acts["encoder.layer.1"]["output"], result[0])


def test_weights_that_stay_hidden_are_an_error(monkeypatch) -> None:
    model, inputs, _ = build("Bert")
    # a model whose attention was fixed to a fused kernel when it was built
    for config in _configs(model):
        monkeypatch.setattr(type(config), "_attn_implementation", "sdpa")
    with (
        pytest.raises(RuntimeError, match=r"BertSelfAttention\) returned no attention weights"),
        capture(model, "encoder.layer.0.attention.self"),
    ):
        model(**inputs)


def test_a_wrapper_names_the_attention_inside() -> None:
    model, _, _ = build("Bert")
    with (
        pytest.raises(ValueError, match=r"inside it: 'encoder.layer.0.attention.self'\."),
        capture(model, "encoder.layer.0.attention"),
    ):
        pass


def test_kinds_do_not_claim_what_is_no_attention() -> None:
    model, _, _ = build("Bert")
    known = [path for path, module in model.named_modules() if attention_kind(module)]
    assert known == ["encoder.layer.0.attention.self", "encoder.layer.1.attention.self"]
