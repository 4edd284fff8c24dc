"""What `iais_loss` refuses, and in which words."""

from __future__ import annotations

import pytest
import torch

from probe.isd.regulariser import IAIS_KINDS, iais_loss

from .iais_truth import drawn


@pytest.fixture
def batch():
    attention, text, image = drawn(0, batch=3)
    return {"attention": attention, "text_mask": text, "image_mask": image}


def changed(batch, name, value):
    return {**batch, name: value(batch[name].clone())}


def put(index, value):
    def change(tensor):
        tensor[index] = value
        return tensor

    return change


REFUSED = {
    "array": ("attention", lambda a: a.numpy(), TypeError, "`attention` must be a torch tensor"),
    "integers": ("attention", lambda a: a.long(), TypeError, "must be floating; got torch.int64"),
    "axes": ("attention", lambda a: a[0], ValueError, r"have axes \(batch, position, position\)"),
    "square": ("attention", lambda a: a[:, :-1], ValueError, "square in its last two axes"),
    "empty": ("attention", lambda a: a[:0], ValueError, "and not empty; got shape"),
    "list": ("text_mask", lambda m: m.tolist(), TypeError, "`text_mask` must be a torch tensor"),
    "numbers": ("image_mask", lambda m: m.float(), TypeError, "`image_mask` must be bool, True ="),
    "shape": ("text_mask", lambda m: m[:, 1:], ValueError, r"\(batch, position\) = \(3, 11\); got"),
    "device": ("image_mask", lambda m: m.to("meta"), ValueError, "be on cpu as `attention` is"),
    "no text": (
        "text_mask",
        put(1, False),
        ValueError,
        "`text_mask` must be True at .* none in example 1",
    ),
    "no image": (
        "image_mask",
        put(2, False),
        ValueError,
        "`image_mask` must be .* none in example 2. Leave",
    ),
    "both": ("text_mask", put(0, True), ValueError, "not overlap `image_mask`; .* of example 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_inputs(batch, case):
    name, value, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        iais_loss(**changed(batch, name, value))


@pytest.mark.parametrize("kind", IAIS_KINDS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -0.5])
def test_attention_that_is_read(batch, bad, kind):
    place = int(batch["text_mask"][1].nonzero()[0, 0])
    spoilt = changed(batch, "attention", put((1, place, place), bad))
    with pytest.raises(ValueError, match=rf"finite and at least 0 .* got {bad:.3g} in example 1"):
        iais_loss(**spoilt, kind=kind)
    heads = {**spoilt, "attention": torch.stack([batch["attention"], spoilt["attention"]], dim=1)}
    with pytest.raises(ValueError, match=r"in example 1\. Give attention after its softmax"):
        iais_loss(**heads, kind=kind)


def test_options(batch):
    with pytest.raises(ValueError, match="`kind` must be one of 'singular', 'distributed', 'con"):
        iais_loss(**batch, kind="plural")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="`anchor` must be one of 'language', 'vision'; got 'L'"):
        iais_loss(**batch, anchor="L")  # pyright: ignore[reportArgumentType]
