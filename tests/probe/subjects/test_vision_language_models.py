"""Single- and dual-stream models: shapes, masks, order, seeds, parts that can be exchanged."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from probe.subjects.dual_stream import DualStream
from probe.subjects.multimodal_attention import HeadAttention
from probe.subjects.resting_heads import rest_heads
from probe.subjects.single_stream import SingleStream
from probe.subjects.small_encoder import FeedForwardNetwork
from probe.subjects.tensor_files import weights_hash
from probe.subjects.vision_language_model import Inputs, Output, VisionLanguageModel
from probe.subjects.vocabulary import Vocabulary
from tests.probe.subjects.vision_language_toys import model_of, random_inputs

both = pytest.mark.parametrize("kind", ["single", "dual"])


def asked(model: VisionLanguageModel, inputs: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    output = model(inputs, detail=True)
    assert output.attentions is not None
    assert output.hidden is not None
    return output.attentions, output.hidden


@both
def test_shapes_and_what_is_not_asked_for(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    plain = model(inputs)
    assert [None if part is None else tuple(part.shape) for part in plain] == [
        (2,),
        (2, 6, 16),
        (2, 3, 16),
        None,
        None,
    ]
    attentions, hidden = asked(model, inputs)
    assert attentions.shape == (2, model.n_layers, 2, 9, 9)
    assert hidden.shape == (2, model.n_layers + 1, 9, 16)
    assert model.present.shape == (model.n_layers, 2, 2)
    assert (model.n_layers, model.d_model) == ({"single": 2, "dual": 4}[kind], 16)


@both
@pytest.mark.parametrize("norm_first", [True, False])
def test_the_fused_path_gives_the_same_as_the_one_that_shows_weights(
    kind: str, norm_first: bool
) -> None:
    model = model_of(kind, norm_first=norm_first)
    inputs = random_inputs(model)
    plain, shown = model(inputs), model(inputs, detail=True)
    for fused, explicit in zip(plain[:3], shown[:3], strict=True):
        torch.testing.assert_close(fused, explicit)
    last = shown.hidden[:, -1]
    torch.testing.assert_close(torch.cat([plain.text, plain.image], dim=1), last)


@both
def test_rows_of_present_blocks_sum_to_one_and_padding_gets_nothing(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    attentions, _ = asked(model, inputs)
    kept = torch.cat([inputs.mask, inputs.image_mask], dim=1)
    assert (attentions.movedim(-1, 1)[~kept] == 0).all()
    sides = (slice(0, 6), slice(6, 9))
    for layer in range(model.n_layers):
        blocks = model.present[layer]
        for i, rows in enumerate(sides):
            if kind == "single":
                total = attentions[:, layer, :, rows].sum(-1)
                torch.testing.assert_close(total, torch.ones_like(total))
                continue
            for j, columns in enumerate(sides):
                total = attentions[:, layer, :, rows, columns].sum(-1)
                torch.testing.assert_close(total, torch.full_like(total, float(blocks[i, j])))


def test_states_of_a_stream_that_rests_are_missing_and_not_zero() -> None:
    model = model_of("dual")
    _, hidden = asked(model, random_inputs(model))
    missing = hidden.isnan().all(dim=-1)
    assert missing.equal(hidden.isnan().any(dim=-1))
    # Two language layers, one vision layer: the image has no state after the second.
    assert missing[0].nonzero()[:, 0].unique().tolist() == [2]
    assert missing[:, 2, 6:].all()


@both
def test_what_stands_at_padding_does_not_matter(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    other = Inputs(*(part.clone() for part in inputs))
    other.ids[~inputs.mask] = 7
    other.features[~inputs.image_mask] = 9.0
    other.boxes[~inputs.image_mask] = 0.5
    first, second = model(inputs), model(other)
    torch.testing.assert_close(first.match, second.match)
    torch.testing.assert_close(first.text[inputs.mask], second.text[inputs.mask])
    short = Inputs(*(part[1:, :4] if i < 2 else part[1:, :2] for i, part in enumerate(inputs)))
    torch.testing.assert_close(model(short).match, first.match[1:])


@both
def test_permuting_regions_permutes_what_is_said_of_them(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    order = torch.tensor([1, 2, 0])
    moved = Inputs(*inputs[:2], *(part[:, order] for part in inputs[2:]))
    first, second = model(inputs), model(moved)
    torch.testing.assert_close(first.match, second.match)
    torch.testing.assert_close(first.image[:, order], second.image)
    whole = torch.cat([torch.arange(6), 6 + order])
    before, after = asked(model, inputs)[0], asked(model, moved)[0]
    torch.testing.assert_close(before[..., whole[:, None], whole], after)


@both
def test_the_order_of_words_matters(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    swapped = inputs._replace(ids=inputs.ids[:, [0, 2, 1, 3, 4, 5]])
    assert not torch.allclose(model(inputs).match, model(swapped).match)


@both
def test_weights_follow_the_seed_alone(kind: str) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    model = model_of(kind, seed=3)
    assert torch.get_rng_state().equal(state)
    torch.manual_seed(6)
    assert weights_hash(model) == weights_hash(model_of(kind, seed=3))
    twin = model.twin(4)
    assert type(twin) is type(model)
    assert twin.recipe.replace("'4'", "'3'") == model.recipe
    assert weights_hash(twin) == weights_hash(model_of(kind, seed=4)) != weights_hash(model)


@both
def test_a_head_that_is_masked_gives_its_mean(kind: str) -> None:
    model = model_of(kind)
    inputs = random_inputs(model)
    whole = torch.ones(model.n_layers, 2)
    torch.testing.assert_close(model(inputs, head_mask=whole).match, model(inputs).match)
    less = whole.clone()
    less[-1, 1] = 0
    for_each = torch.stack([whole, less])
    mixed = model(inputs, head_mask=for_each).match
    torch.testing.assert_close(mixed[0], model(inputs).match[0])
    torch.testing.assert_close(mixed[1], model(inputs, head_mask=less).match[1])
    assert not torch.allclose(mixed[1], model(inputs).match[1])
    assert not model.state_dict().keys() & {"resting"}
    before = model(inputs, head_mask=less).match
    rest_heads(model, [inputs, random_inputs(model, seed=1)])
    assert not torch.allclose(before, model(inputs, head_mask=less).match)


def test_resting_outputs_are_means_over_kept_queries() -> None:
    model = model_of("single", n_layers=1)
    inputs = random_inputs(model)
    rest_heads(model, [inputs])
    attention = next(m for m in model.modules() if isinstance(m, HeadAttention))
    text, image = model._embedded(inputs)
    states = next(iter(model.attentions)).norm(torch.cat([text, image], dim=1))  # pyright: ignore
    mask = torch.cat([inputs.mask, inputs.image_mask], dim=1)
    heads = attention.outputs(states, states, mask).transpose(1, 2)[mask]
    torch.testing.assert_close(attention.resting, heads.mean(dim=0))


def test_resting_outputs_of_cross_attention_count_the_queries_of_both_streams() -> None:
    model = model_of("dual", n_cross=1)
    # As many words as regions: lengths alone would not tell whose queries they are.
    inputs = random_inputs(model, text=4, places=4)
    cross = next(iter(model.cross)).attention  # pyright: ignore
    calls: list[tuple[torch.Tensor, ...]] = []
    handle = cross.register_forward_pre_hook(lambda _, given: calls.append(given[:3]))
    model(inputs)
    handle.remove()
    kept = (inputs.mask, inputs.image_mask)
    heads = [
        cross.outputs(*given).transpose(1, 2)[mask] for given, mask in zip(calls, kept, strict=True)
    ]
    rest_heads(model, [inputs])
    torch.testing.assert_close(cross.resting, torch.cat(heads).mean(dim=0))


def test_resting_needs_batches_and_heads_of_the_known_kind() -> None:
    model = model_of("single")
    with pytest.raises(ValueError, match="`batches` must hold at least one batch; got none"):
        rest_heads(model, [])
    model.attentions = nn.ModuleList()
    with pytest.raises(TypeError, match="`model` must have HeadAttention modules"):
        rest_heads(model, [random_inputs(model)])


@both
def test_parts_can_be_exchanged(kind: str) -> None:
    made: list[str] = []

    def norm(d_model: int) -> nn.Module:
        made.append("norm")
        return nn.Identity()

    def attention(d_model: int, n_heads: int, dropout: float) -> HeadAttention:
        made.append("attention")
        return HeadAttention(d_model, n_heads, dropout)

    def feed_forward(d_model: int, dropout: float) -> nn.Module:
        made.append("feed_forward")
        return FeedForwardNetwork(d_model, dropout)

    model = model_of(kind, norm=norm, attention=attention, feed_forward=feed_forward)
    assert isinstance(model(random_inputs(model)), Output)
    assert not any(isinstance(module, nn.LayerNorm) for module in model.modules())
    count = {"single": (2, 2), "dual": (9, 7)}[kind]
    assert (made.count("attention"), made.count("feed_forward")) == count


@both
def test_heads_for_words_and_features(kind: str) -> None:
    model = model_of(kind)
    states = torch.randn(3, 16)
    assert model.word_logits(states).shape == (3, len(model.vocabulary))
    assert model.guessed_features(states).shape == (3, model.n_features)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`vocabulary` must begin with \[SEP\] and \[MASK\]"):
        SingleStream(Vocabulary(["a"]), 3)
    with pytest.raises(ValueError, match="`positions` must be one of 'regions', 'patches'"):
        model_of("single").twin(0).__class__(model_of("single").vocabulary, 3, positions="pixels")
    with pytest.raises(ValueError, match="`n_heads` must divide `d_model` 16; got 3"):
        model_of("single", n_heads=3)
    with pytest.raises(ValueError, match="`n_layers` must be at least 1; got 0"):
        model_of("single", n_layers=0)
    for name in ("n_language", "n_vision", "n_cross"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1; got 0"):
            model_of("dual", **{name: 0})
    with pytest.raises(ValueError, match="`n_features` must be at least 1; got 0"):
        DualStream(model_of("dual").vocabulary, 0)
    with pytest.raises(ValueError, match=r"`dropout` must be between 0\.0 and 1\.0; got 2"):
        model_of("dual", dropout=2.0)


@both
def test_inputs_of_another_model_are_refused(kind: str) -> None:
    model = model_of(kind, max_words=4)
    with pytest.raises(ValueError, match="`ids` must hold at most 4 words; got 5"):
        model(random_inputs(model, text=7))
    inputs = random_inputs(model)
    narrow = inputs._replace(features=inputs.features[..., :5])
    with pytest.raises(ValueError, match=f"`features` must have {model.n_features} columns"):
        model(narrow)
    with pytest.raises(ValueError, match=r"`head_mask` must have axes .* got shape"):
        model(inputs, head_mask=torch.ones(3, 3))


def test_boxes_are_read_as_corners_sides_and_area() -> None:
    from probe.subjects.vision_language_model import _box_features

    found = _box_features(torch.tensor([0.1, 0.2, 0.5, 0.7])).numpy()
    np.testing.assert_allclose(found, [0.1, 0.2, 0.5, 0.7, 0.4, 0.5, 0.2], rtol=1e-6)
