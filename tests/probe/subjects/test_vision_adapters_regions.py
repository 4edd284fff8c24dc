"""VisualBERT and LXMERT: a detector's regions, every block checked against the model's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.subjects.vision_adapters import adapt
from tests.probe.subjects.tiny_vision_models import (
    BODY,
    TEXT,
    TOKENS,
    build,
    features,
    pair,
    rows_sum_to_one,
    short,
    tokenizer,
)

N = len(TOKENS)


@pytest.fixture(scope="module")
def visual_bert():
    model = build("VisualBertForPreTraining", "VisualBertConfig", **TEXT, visual_embedding_dim=6)
    return adapt(model, tokenizer=tokenizer(), region_features=features)


@pytest.fixture(scope="module")
def lxmert():
    options = {k: v for k, v in TEXT.items() if k not in ("num_hidden_layers", "bos_token_id")}
    depth = {"l_layers": 3, "r_layers": 2, "x_layers": 2, "visual_feat_dim": 6}
    model = build("LxmertModel", "LxmertConfig", **options, **depth)
    return adapt(model, tokenizer=tokenizer(), region_features=features)


@pytest.mark.parametrize("which", ["visual_bert", "lxmert"])
def test_regions_stand_behind_the_words(which, request):
    batch = request.getfixturevalue(which)([pair(), short(regions=[[0.2, 0.2, 0.9, 0.9]])])
    assert batch.attentions.shape[-1] == N + 2
    assert batch.modality.tolist() == [[0] * N + [1, 1], [0] * 5 + [1] + [-1] * (N - 4)]
    assert batch.special[0].nonzero().ravel().tolist() == [0, N - 1]
    np.testing.assert_allclose(batch.boxes[0, N:], pair().regions)
    assert batch.regions[0, :, N:].tolist() == [[1, 0], [0, 1]]
    assert batch.tokens[1][:6] == ("[CLS]", "a", "cir", "cle", "[SEP]", "")
    assert batch.pool.tolist() == [0, 0]


def test_visual_bert_is_one_stream_and_may_have_a_head(visual_bert):
    batch = visual_bert([pair(), short()])
    assert batch.name == "VisualBertForPreTraining"
    assert batch.present.all()
    rows_sum_to_one(batch, 0, slice(N + 2), slice(N + 2))
    alone = visual_bert([short()])
    np.testing.assert_allclose(batch.attentions[1, ..., :7, :7], alone.attentions[0], atol=1e-5)
    np.testing.assert_allclose(batch.hidden_states[1, :, :7], alone.hidden_states[0], atol=1e-4)


def test_lxmert_has_four_blocks_from_the_cross_layers_on(lxmert):
    batch = lxmert([pair()])
    only_text = [[True, False], [False, False]]
    apart = [[True, False], [False, True]]
    assert batch.present.tolist() == [only_text, apart, apart, *[[[True] * 2] * 2] * 2]
    text, image = slice(N), slice(N, N + 2)
    rows_sum_to_one(batch, 0, text, text)
    rows_sum_to_one(batch, 0, image, image, slice(1, None))
    for queries, keys in ((text, image), (image, text)):
        rows_sum_to_one(batch, 0, queries, keys, slice(3, None))
        assert batch.attentions[0, :3, :, queries, keys].eq(0).all()


def test_lxmert_blocks_are_the_models_own_and_the_missing_one_is_right(lxmert):
    batch, model, one = lxmert([pair()]), lxmert.family.model, pair()
    ids = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 3]])
    with torch.no_grad():
        own = model(
            input_ids=ids,
            visual_feats=torch.from_numpy(features(one))[None],
            visual_pos=torch.from_numpy(one.regions.copy())[None],
            output_attentions=True,
            output_hidden_states=True,
        )
        layer, head = model.encoder.x_layers[0].visual_attention.att, slice(0, 4)
        words, seen = own.language_hidden_states[2], own.vision_hidden_states[1]
        scores = layer.query(seen)[0, :, head] @ layer.key(words)[0, :, head].T
    same = {"atol": 1e-6, "rtol": 1e-5}
    for number in range(3):
        found = batch.attentions[0, number, :, :N, :N]
        np.testing.assert_allclose(found, own.language_attentions[number][0], **same)
    for number in range(2):
        found = batch.attentions[0, number + 1, :, N:, N:]
        np.testing.assert_allclose(found, own.vision_attentions[number][0], **same)
        found = batch.attentions[0, number + 3, :, :N, N:]
        np.testing.assert_allclose(found, own.cross_encoder_attentions[number][0], **same)
    back = (scores / 2).softmax(dim=-1)  # image -> text, by hand: head of 4 features
    np.testing.assert_allclose(batch.attentions[0, 3, 0, N:, :N], back, atol=1e-5)


def test_lxmert_states_have_an_entry_before_every_layer(lxmert):
    batch, model = lxmert([pair()]), lxmert.family.model
    ids = torch.tensor([[2, 5, 6, 7, 8, 9, 10, 5, 11, 12, 13, 14, 3]])
    with torch.no_grad():
        words = model.embeddings(ids, torch.zeros_like(ids))
    assert batch.hidden_states.shape == (1, 6, N + 2, 16)
    np.testing.assert_allclose(batch.hidden_states[0, 0, :N], words[0], atol=1e-6)
    assert batch.hidden_states[0, 0, N:].isnan().all()  # one vision layer fewer
    assert not batch.hidden_states[0, 1:].isnan().any()
    assert lxmert([pair()], hidden_states=False).hidden_states is None


def test_lxmert_without_layers_of_one_stream_still_reads(lxmert):
    options = {k: v for k, v in TEXT.items() if k not in ("num_hidden_layers", "bos_token_id")}
    depth = {"l_layers": 1, "r_layers": 0, "x_layers": 1, "visual_feat_dim": 6}
    model = build("LxmertModel", "LxmertConfig", **options, **depth)
    batch = adapt(model, tokenizer=tokenizer(), region_features=features)([pair()])
    assert batch.present[:, 1, 1].tolist() == [False, True]


def test_a_detectors_own_boxes_meet_the_annotation_by_half_an_overlap():
    model = build("VisualBertModel", "VisualBertConfig", **TEXT, visual_embedding_dim=6)
    found = [[0.0, 0.0, 0.5, 0.45], [0.75, 0.75, 0.8, 0.8], [0.7, 0.7, 1.0, 1.0]]
    adapter = adapt(
        model,
        tokenizer=tokenizer(),
        region_features=lambda _: np.ones((3, 6), np.float32),
        region_boxes=lambda _: found,
    )
    batch = adapter([pair()])
    np.testing.assert_allclose(batch.boxes[0, N:], found)
    assert batch.regions[0, :, N:].tolist() == [[1, 0, 0], [0, 0, 1]]


def refusing(**options):
    model = build("VisualBertModel", "VisualBertConfig", **TEXT, visual_embedding_dim=6)
    return adapt(model, tokenizer=tokenizer(), **options)


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, None, "`region_features` must be a callable pair -> "),
        ({"region_features": lambda _: None}, {}, r"features of shape \(2, 6\), one row a box"),
        ({"region_features": lambda _: np.ones((2, 5))}, {}, r"got shape \(2, 5\)"),
        (
            {"region_features": lambda _: np.full((2, 6), np.nan)},
            {},
            "`region_features` must be fin",
        ),
        (
            {"region_features": features},
            {"regions": (), "phrases": (), "links": (), "relations": ()},
            "`region_boxes` must give 'pair' at least one box",
        ),
        (
            {"region_features": features, "region_boxes": lambda _: [[0, 0, 40, 40]]},
            {},
            "`region_boxes` must be x0 < x1",
        ),
        (
            {"region_features": features, "region_boxes": lambda _: [[0.5, 0, 0.4, 1]]},
            {},
            "`region_boxes` must be x0 < x1",
        ),
    ],
)
def test_missing_boxes_and_features_are_named(options, given, message):
    with pytest.raises(ValueError, match=message):
        refusing(**options)([pair(**given)])


def test_visual_bert_that_bypasses_its_layers_is_refused():
    options = {**TEXT, **BODY, "visual_embedding_dim": 6, "bypass_transformer": True}
    model = build("VisualBertModel", "VisualBertConfig", **options)
    with pytest.raises(ValueError, match="send its regions through all layers"):
        adapt(model, tokenizer=tokenizer(), region_features=features)
