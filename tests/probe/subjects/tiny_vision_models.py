"""Tiny random vision-and-language models, tokenizers and image processors, made in code."""

from __future__ import annotations

import numpy as np
import torch

from data.records import GroundedPair, Phrase, Relation

SIZE, PATCH = 32, 8  # images of 4 x 4 patches
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<image>"]
PIECES = ["a", "red", "squ", "##are", "is", "above", "blue", "cir", "##cle", "."]
WORDS = ("a", "red", "square", "is", "above", "a", "blue", "circle", ".")
# [CLS] a red squ ##are is above a blue cir ##cle . [SEP], written out by hand
WORD_OF = [-1, 0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, -1]
TOKENS = ["[CLS]", "a", "red", "squ", "are", "is", "above", "a", "blue", "cir", "cle", ".", "[SEP]"]
BODY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 16,
}
NO_MARKS = {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": None}
TEXT = {"vocab_size": 40, "max_position_embeddings": 24, **BODY, **NO_MARKS}
PATCHES = {"image_size": SIZE, "patch_size": PATCH, **BODY}
EXACT = {"do_resize": False, "do_center_crop": False, "do_normalize": False}


def tokenizer(*, first="[CLS]", last="[SEP]", extra=0, **options):
    """Words cut into pieces, with a mark before and behind; `extra` more words than models have."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    more = [f"more{i}" for i in range(extra)]
    ids = {piece: number for number, piece in enumerate(MARKS + PIECES + more)}
    inner = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    marks = [mark for mark in (first, last) if mark]
    form = " ".join(part for part in (first, "$A", last) if part)
    inner.post_processor = processors.TemplateProcessing(
        single=form, special_tokens=[(mark, ids[mark]) for mark in marks]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    special["sep_token"] = "[SEP]"
    special["additional_special_tokens"] = ["<image>"]
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special | options)


def image(box=None, *, height=SIZE, width=SIZE):
    """A grey image, bright within a box in [0, 1]."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    if box is not None:
        x0, x1 = round(box[0] * width), round(box[2] * width)
        y0, y1 = round(box[1] * height), round(box[3] * height)
        pixels[y0:y1, x0:x1] = 250
    return pixels


def pair(picture=None, *, words=WORDS, name="pair", **options):
    """A red square above a blue circle; the first covers four patches, the second one."""
    given = {
        "image": image() if picture is None else picture,
        "words": words,
        "regions": [[0.0, 0.0, 0.5, 0.5], [0.75, 0.75, 1.0, 1.0]],
        "name": name,
    }
    if words == WORDS:
        given["phrases"] = (Phrase(0, 3, "shape"), Phrase(5, 8, "shape"))
        given["links"] = [[0, 0], [1, 1]]
        given["relations"] = (Relation(0, 1, "above"),)
    return GroundedPair(**given | options)


def short(picture=None, **options):
    """A shorter caption, so that batches have padding."""
    return pair(picture, words=("a", "circle"), name="short", **options)


def features(pair, width=6):
    """Features of the annotated regions: their mean colour and where they lie."""
    found = []
    for x0, y0, x1, y1 in (pair.regions * SIZE).astype(int):
        found.append([*pair.image[y0:y1, x0:x1].mean(axis=(0, 1)) / 255, x0, y0, x1])
    return np.array(found, np.float32).reshape(-1, width)


def build(name, config, **options):
    """A model of transformers with seeded random weights, in evaluation mode."""
    import transformers

    torch.manual_seed(0)
    made = getattr(transformers, name)(getattr(transformers, config)(**options))
    with torch.no_grad():  # initial weights are so small that all attention is uniform
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
    return made.eval()


def rows_sum_to_one(batch, example, queries, keys, layers=slice(None)):
    """Attention of the queries over the keys adds up to 1 in the layers, for every head."""
    rows = batch.attentions[example][layers][:, :, queries][..., keys].sum(dim=-1)
    torch.testing.assert_close(rows, torch.ones_like(rows), atol=1e-5, rtol=0)


def lit_positions(adapter, box, make=pair):
    """Positions whose state before the first layer depends on what the box of the image shows."""
    dark, bright = adapter([make()]), adapter([make(image(box))])
    moved = (dark.hidden_states[0, 0] - bright.hidden_states[0, 0]).abs().amax(dim=-1) > 1e-4
    return moved.numpy()


def in_box(batch, box, example=0):
    """Image positions whose own box lies within another."""
    boxes = batch.boxes[example].numpy()
    low = (boxes[:, :2] >= np.array(box[:2]) - 1e-6).all(axis=1)
    return low & (boxes[:, 2:] <= np.array(box[2:]) + 1e-6).all(axis=1)
