"""Attention of one sequence to another: both paths, masks, gates."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from probe.subjects.multimodal_attention import (
    AttentionLayer,
    FeedForwardLayer,
    HeadAttention,
    layer_makers,
)
from probe.subjects.small_encoder import FeedForwardNetwork


def made(d_model: int = 12, n_heads: int = 3) -> HeadAttention:
    torch.manual_seed(0)
    return HeadAttention(d_model, n_heads, 0.0)


def sequences() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    mask = torch.ones(2, 4, dtype=torch.bool)
    mask[1, 2:] = False
    return torch.randn(2, 5, 12, generator=rng), torch.randn(2, 4, 12, generator=rng), mask


def test_fused_attention_equals_the_one_spelled_out() -> None:
    states, context, mask = sequences()
    attention = made()
    torch.testing.assert_close(
        attention(states, context, mask), attention.observe(states, context, mask)[0]
    )
    torch.testing.assert_close(
        attention(context, context, mask), attention.observe(context, context, mask)[0]
    )


def test_weights_equal_the_formula_head_by_head() -> None:
    states, context, mask = sequences()
    attention = made()
    out, weights = attention.observe(states, context, mask)
    q_weight, k_weight, v_weight = attention.project.weight.chunk(3)
    rows = []
    for b in range(2):
        heads = []
        for h in range(3):
            own = slice(4 * h, 4 * h + 4)
            q, k = states[b] @ q_weight[own].T, context[b] @ k_weight[own].T
            scores = (q @ k.T / 2.0)[:, mask[b]]
            expected = torch.zeros(5, 4)
            expected[:, mask[b]] = scores.softmax(dim=1)
            torch.testing.assert_close(weights[b, h], expected)
            heads.append(expected @ (context[b] @ v_weight[own].T))
        rows.append(torch.cat(heads, dim=1) @ attention.out.weight.T)
    torch.testing.assert_close(out, torch.stack(rows))


def test_a_sequence_that_attends_to_a_copy_of_itself_gives_the_same() -> None:
    states, _, _ = sequences()
    mask = torch.ones(2, 5, dtype=torch.bool)
    attention = made()
    torch.testing.assert_close(
        attention(states, states, mask), attention(states, states.clone(), mask)
    )


def test_gates_put_the_resting_output_in_a_heads_place() -> None:
    states, context, mask = sequences()
    attention = made()
    outputs = attention.outputs(states, context, mask)
    attention.resting.copy_(torch.arange(12.0).reshape(3, 4))
    expected = outputs.clone()
    expected[:, 1] = attention.resting[1]
    found = attention(states, context, mask, torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(found, attention.out(expected.transpose(1, 2).flatten(2)))
    for_each = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    both = attention.observe(states, context, mask, for_each)[0]
    torch.testing.assert_close(both[0], attention(states, context, mask)[0])
    torch.testing.assert_close(both[1], found[1])


def test_dropout_acts_while_training_only_and_not_on_what_is_shown() -> None:
    states, context, mask = sequences()
    torch.manual_seed(0)
    attention = HeadAttention(12, 3, 0.5)
    shown = attention.observe(states, context, mask)[1]
    torch.testing.assert_close(shown.sum(dim=-1), torch.ones(2, 3, 5))
    assert not torch.allclose(attention(states, context, mask), attention(states, context, mask))
    attention.eval()
    torch.testing.assert_close(
        attention(states, context, mask), attention.observe(states, context, mask)[0]
    )


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_layer_adds_what_it_found_and_norms_on_the_side_it_should(norm_first: bool) -> None:
    states, context, mask = sequences()
    norm = nn.LayerNorm(12)
    layer = AttentionLayer(made(), norm, dropout=0.0, norm_first=norm_first)
    seen: list[torch.Tensor] = []
    found = layer(states, context, mask, seen=seen)
    if norm_first:
        expected = states + layer.attention(norm(states), norm(context), mask)
    else:
        expected = norm(states + layer.attention(states, context, mask))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found, layer(states, context, mask))
    assert [tuple(weights.shape) for weights in seen] == [(2, 3, 5, 4)]
    feed = FeedForwardLayer(FeedForwardNetwork(12, 0.0), norm, dropout=0.0, norm_first=norm_first)
    inner = feed.feed_forward
    expected = states + inner(norm(states)) if norm_first else norm(states + inner(states))
    torch.testing.assert_close(feed(states), expected)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="`n_heads` must divide `d_model` 10; got 3"):
        HeadAttention(10, 3, 0.0)


def test_an_attention_that_shows_no_weights_is_refused() -> None:
    attending, _ = layer_makers(
        8,
        2,
        dropout=0.0,
        norm_first=True,
        norm=nn.LayerNorm,
        attention=lambda d_model, n_heads, dropout: nn.Linear(d_model, d_model),  # pyright: ignore
        feed_forward=FeedForwardNetwork,
    )
    with pytest.raises(TypeError, match="`attention` must make an ObservableAttention; got Linear"):
        attending()
