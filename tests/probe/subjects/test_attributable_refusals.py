"""What is no task: texts, images and pairs that a model cannot be asked about."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from probe.subjects._swapping import embedding_of, giving
from probe.subjects.attributable import image_task, text_task, vision_language_task
from probe.subjects.digits_classifier import DigitsClassifier
from tests.probe.subjects.tiny_encoders import WORDS, tiny_bert, tiny_encoder, tiny_tokenizer
from tests.probe.subjects.tiny_vision_models import EXACT, PATCHES, TEXT, build, pair, tokenizer
from tests.probe.subjects.vision_language_toys import model_of, squares

TEXTS = ["the cat", "a"]


def refused(call, cases):
    for given, options, error, text in cases:
        with pytest.raises(error, match=re.escape(text)):
            call(*given, **options)


def classifier(**options):
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=8,
            max_position_embeddings=16,
            **options,
        )
    )


def test_texts_that_cannot_be_asked_about():
    encoder, model, words = tiny_encoder(), classifier(), tiny_tokenizer()
    to = {"references": ["the mat"]}
    refused(
        text_task,
        [
            ((3, words, TEXTS), to, TypeError, "`model` must be a torch module or a text encoder"),
            ((encoder, words, TEXTS), to, ValueError, "`tokenizer` must be None: the encoder has"),
            (
                (model, None, TEXTS),
                {},
                TypeError,
                "`tokenizer` must be a tokenizer of transformers",
            ),
            ((encoder, None, []), to, ValueError, "`texts` must hold at least one text"),
            ((encoder, None, TEXTS), {}, ValueError, "`references` must be given for an encoder"),
            (
                (encoder, None, TEXTS),
                to | {"baseline": "x"},
                ValueError,
                "`baseline` must be one of",
            ),
            ((encoder, None, TEXTS), to | {"pooling": "x"}, ValueError, "`pooling` must be one of"),
            (
                (encoder, None, TEXTS),
                to | {"labels": ["a"]},
                ValueError,
                "`labels` must be None beside",
            ),
            (
                (encoder, None, TEXTS),
                to | {"embedding": "no"},
                ValueError,
                "`embedding` must be a path",
            ),
            (
                (model, words, TEXTS),
                to,
                ValueError,
                "`references` must be None for a model of classes",
            ),
            ((model, words, TEXTS), {"labels": ["a"]}, ValueError, "`labels` must name each of 2"),
            (
                (model, words, TEXTS),
                {"labels": ["a", "a"]},
                ValueError,
                "`labels` must name each of 2",
            ),
            (
                (tiny_bert(), words, TEXTS),
                {"score": lambda output, mask: output.last_hidden_state[:, 0, 0]},
                ValueError,
                "`score` must give scores (2, target); got shape (2,)",
            ),
        ],
    )


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 3)

    def forward(self, input_ids, attention_mask):
        from types import SimpleNamespace

        return SimpleNamespace(logits=self.table(input_ids))


def test_log_odds_of_each_token_are_no_classes_of_a_text():
    with pytest.raises(ValueError, match=re.escape("`model` must give log-odds (text, class)")):
        text_task(Tagger(), tiny_tokenizer(), TEXTS)


def test_an_embedding_that_is_not_the_tokens():
    two = nn.ModuleDict({"a": nn.Embedding(3, 2), "b": nn.Embedding(3, 2)})
    with pytest.raises(ValueError, match="`embedding` must name the embedding of the tokens"):
        embedding_of(two, None)
    assert embedding_of(nn.ModuleDict({"a": nn.Embedding(3, 2)}), None)[0] == "a"
    table, ids = nn.Embedding(3, 2), torch.zeros(1, 4, dtype=torch.long)

    def run(shape, calls):
        with giving(table, torch.ones(shape)):
            for _ in range(calls):
                table(ids)

    with pytest.raises(RuntimeError, match=re.escape("gives (1, 4, 2) where (1, 3, 2) should")):
        run((1, 3, 2), 1)
    for calls in (0, 2):
        with pytest.raises(RuntimeError, match=f"was called {calls} times in one pass, not once"):
            run((1, 4, 2), calls)
    assert not table._forward_hooks


def test_images_that_cannot_be_asked_about():
    model, images = DigitsClassifier(width=2), torch.zeros(2, 1, 16, 16)
    refused(
        image_task,
        [
            ((3, images), {}, TypeError, "`model` must be a torch module"),
            (
                (model, images[0]),
                {},
                ValueError,
                "`images` must have axes (n, channel, row, column)",
            ),
            ((nn.Conv2d(1, 2, 3), images), {}, ValueError, "`model` must give log-odds (2, class)"),
            (
                (model, images),
                {"labels": ["a"]},
                ValueError,
                "`labels` must name each of 10 classes",
            ),
            ((model, images), {"baseline": "x"}, ValueError, "`baseline` must be one of 'mean'"),
            ((model, images / 0), {}, ValueError, "`inputs['image']` must be finite everywhere"),
        ],
    )
    with pytest.raises(ValueError, match=re.escape("`images` must have shape (n, 1, 16, 16)")):
        model(images[:, :, :8])


def test_pairs_that_cannot_be_asked_about():
    from transformers import CLIPImageProcessorPil

    scene, pairs = model_of("single"), squares(2)
    text = TEXT | {"eos_token_id": 3, "bos_token_id": 2}
    clip = build("CLIPModel", "CLIPConfig", text_config=text, vision_config=PATCHES)
    tools = {"tokenizer": tokenizer(), "image_processor": CLIPImageProcessorPil(**EXACT)}
    from probe.subjects.vision_adapters import adapt

    class Headless(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(40, 4)

        def forward(self, input_ids, attention_mask, pixel_values):
            return self.table(input_ids)

    refused(
        vision_language_task,
        [
            ((scene, []), {}, ValueError, "`pairs` must hold at least one GroundedPair"),
            ((scene, [3]), {}, ValueError, "`pairs` must hold at least one GroundedPair"),
            ((scene, pairs), {"score": len}, ValueError, "`score` must be None for a model of"),
            ((adapt(clip, **tools), pairs), tools, ValueError, "`tokenizer` must be None for an"),
            ((3, pairs), tools, TypeError, "`model` must be a torch module; got int"),
            ((clip, pairs), {}, ValueError, "`processor` must hold a tokenizer and an image"),
            ((Headless(), [pair()]), tools, ValueError, "`model` must give a score of the match"),
        ],
    )
