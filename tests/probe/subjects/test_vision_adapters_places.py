"""Words among tokens and patches on images: where each piece comes from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from probe.subjects.vision_adapters import adapt
from probe.subjects.vision_adapters.captions import read_captions
from probe.subjects.vision_adapters.pictures import seen_boxes
from tests.probe.subjects.tiny_vision_models import (
    EXACT,
    PATCHES,
    SIZE,
    TEXT,
    WORD_OF,
    WORDS,
    build,
    image,
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


def test_byte_level_pieces_belong_to_the_word_they_are_of():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {letter: i for i, letter in enumerate(sorted({*"".join(WORDS), "\u0120"}))}
    ids |= {"sq": 100, "\u0120sq": 101, "ar": 102, "are": 103}
    merges = [("s", "q"), ("\u0120", "sq"), ("a", "r"), ("ar", "e")]
    inner = Tokenizer(models.BPE(ids, merges))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words = PreTrainedTokenizerFast(tokenizer_object=inner)
    (caption,) = read_captions(words, [pair(words=("red", "square"))], limit=20)
    named = list(zip(caption.tokens, caption.word.tolist(), strict=True))
    assert named == [("r", 0), ("e", 0), ("d", 0), ("sq", 1), ("u", 1), ("are", 1)]


class Slow:
    """A tokenizer that tells no offsets."""

    is_fast = False

    def __init__(self, **options):
        self.inner = tokenizer(**options)

    def __len__(self):
        return len(self.inner)

    def __call__(self, texts, **options):
        return self.inner(texts, **options)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_without_offsets_words_are_cut_one_by_one(model, images):
    slow = adapt(model, tokenizer=Slow(), image_processor=images)
    fast = adapt(model, tokenizer=tokenizer(), image_processor=images)
    one, other = slow([pair(), short()]), fast([pair(), short()])
    torch.testing.assert_close(one.phrases, other.phrases)
    torch.testing.assert_close(one.special, other.special)
    assert one.tokens[0][3:5] == ("squ", "##are")


def test_a_tokenizer_that_cuts_words_otherwise_than_captions_is_refused():
    class Joining(Slow):
        def __call__(self, texts, **options):
            if isinstance(texts, list):
                texts = [text.replace("a red", "red") for text in texts]
            return self.inner(texts, **options)

    with pytest.raises(ValueError, match="cut the words of 'pair' as it cuts the caption; got J"):
        read_captions(Joining(), [pair()], limit=20)


def test_words_inside_a_template_are_found_and_the_template_is_not():
    template = "a red {caption} is ."
    (caption,) = read_captions(tokenizer(), [pair()], limit=20, template=template)
    assert caption.word.tolist() == [-1, -1, -1, *WORD_OF[1:-1], -1, -1, -1]


def test_a_tokenizer_that_drops_a_word_is_refused_but_may_drop_punctuation(model, images):
    from tokenizers import normalizers

    dropping = tokenizer()
    dropping._tokenizer.normalizer = normalizers.Replace(".", "")
    batch = adapt(model, tokenizer=dropping, image_processor=images)([pair()])
    assert batch.tokens[0][10:13] == ("cle", "[SEP]", "[IMAGE MARK]")
    dropping._tokenizer.normalizer = normalizers.Replace("blue", "")
    with pytest.raises(ValueError, match=r"none for word 6 .'blue'.. A truncated caption"):
        adapt(model, tokenizer=dropping, image_processor=images)([pair()])


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 40), (32, 32)])
@pytest.mark.parametrize("how", ["crop", "square", "stretch", "small", "divisor"])
def test_patches_lie_where_the_processor_puts_the_light(how, height, width):
    from transformers import (
        BridgeTowerImageProcessorPil,
        CLIPImageProcessorPil,
        LlavaImageProcessorPil,
    )

    options = {"do_normalize": False, "crop_size": {"height": SIZE, "width": SIZE}}
    processor = {
        "crop": CLIPImageProcessorPil(**options, size={"shortest_edge": SIZE}),
        "square": LlavaImageProcessorPil(**options, do_pad=True, size={"shortest_edge": SIZE}),
        "stretch": CLIPImageProcessorPil(
            **options | {"do_center_crop": False}, size={"height": SIZE, "width": SIZE}
        ),
        "divisor": BridgeTowerImageProcessorPil(
            do_normalize=False,
            do_pad=False,
            size={"shortest_edge": 40},
            size_divisor=16,
            crop_size={"shortest_edge": SIZE},
        ),
        "small": CLIPImageProcessorPil(**options, do_resize=False),
    }[how]
    record = pair(image(height=height, width=width))
    boxes = seen_boxes(processor, record, 4, 4)
    for number in np.flatnonzero(~np.isnan(boxes[:, 0])):
        x0, y0, x1, y1 = boxes[number] * [width, height, width, height]
        if min(x1 - x0, y1 - y0) < 4:
            continue  # a sliver at the border, thinner than the interpolation
        lit = np.full((height, width, 3), 60, np.uint8)
        lit[round(float(y0)) : round(float(y1)), round(float(x0)) : round(float(x1))] = 250
        made = processor(images=[lit], return_tensors="np")["pixel_values"][0, 0]
        dark = processor(images=[record.image.copy()], return_tensors="np")["pixel_values"][0, 0]
        lighter = (made - dark).reshape(4, 8, 4, 8).mean(axis=(1, 3)).ravel()
        assert lighter.argmax() == number
        others = np.delete(lighter, number)
        assert np.abs(others).max() < 0.35 * lighter[number]


def test_sizes_that_cannot_be_placed_are_refused():
    from transformers import CLIPImageProcessorPil

    size = {"shortest_edge": 32, "longest_edge": 40}
    with pytest.raises(ValueError, match="or by the shortest edge alone before it crops"):
        seen_boxes(CLIPImageProcessorPil(size=size), pair(), 4, 4)
