"""Tiny random encoders and a tiny tokenizer, made in code."""

from __future__ import annotations

import torch
from torch import nn

from probe.subjects.sentence import SentenceEncoder

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "the",
    "cat",
    "sat",
    "on",
    "mat",
]
TEXTS = [
    "the cat sat on the mat",
    "a",
    "a b c d e f g h",
    "the cat",
    "b a b a b a b a b a b a",
    "unknown words here",
    "mat",
]


def tiny_tokenizer(**options):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(WORDS)}
    inner = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special, **options)


def tiny_bert(layers: int = 3, seed: int = 0, **options) -> nn.Module:
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=32,
        **options,
    )
    return BertModel(config)


def tiny_encoder(layers: int = 3, seed: int = 0, **options) -> SentenceEncoder:
    return SentenceEncoder(tiny_bert(layers, seed), tiny_tokenizer(), **options)
