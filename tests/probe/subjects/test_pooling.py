from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.subjects.pooling import (
    first_token,
    layer_labels,
    masked_mean,
    needed_layers,
    pool_states,
)


def ragged(seed: int, lengths: list[int], seq: int, d_model: int = 3):
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(len(lengths), seq, d_model, generator=generator)
    mask = torch.arange(seq)[None] < torch.tensor(lengths)[:, None]
    return states, mask


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_masked_mean_is_the_hand_loop(seed: int, lengths: list[int]) -> None:
    states, mask = ragged(seed, lengths, seq=6)
    got = masked_mean(states, mask)
    for row, length in enumerate(lengths):
        total = torch.zeros(3)
        for token in range(length):
            total = total + states[row, token]
        torch.testing.assert_close(got[row], total / length)


def test_what_the_mask_hides_may_be_nan() -> None:
    states, mask = ragged(0, [2, 3], seq=3)
    expected = masked_mean(states, mask)
    states[0, 2] = torch.nan
    torch.testing.assert_close(masked_mean(states, mask), expected)


def test_half_precision_is_averaged_in_single() -> None:
    # 4096 ones and one 0.5: in float16 the running sum would stop at 2048.
    states = torch.ones(1, 4096, 1, dtype=torch.float16)
    got = masked_mean(states, torch.ones(1, 4096, dtype=torch.bool))
    assert got.dtype == torch.float32
    assert got.item() == 1.0


def test_first_token_is_the_first_kept_one_wherever_the_padding_is() -> None:
    states = torch.arange(8.0).reshape(2, 4, 1)
    mask = torch.tensor([[True, True, False, False], [False, False, True, True]])
    assert first_token(states, mask).flatten().tolist() == [0.0, 6.0]


def test_first_last_averages_block_one_and_the_last_not_the_embedding_layer() -> None:
    states = {layer: torch.full((1, 2, 1), float(10**layer)) for layer in range(4)}
    mask = torch.ones(1, 2, dtype=torch.bool)
    for pooling, expected in (("first_last", (10 + 1000) / 2), ("last2", (100 + 1000) / 2)):
        labels = layer_labels(pooling, None, 3)
        got = pool_states(states, mask, pooling=pooling, labels=labels, n_layers=3)
        assert got.shape == (1, 1, 1)
        assert got.item() == expected


def test_layers_come_in_the_wanted_order() -> None:
    states = {layer: torch.full((1, 1, 1), float(layer)) for layer in range(4)}
    mask = torch.ones(1, 1, dtype=torch.bool)
    labels = layer_labels("cls", [3, 0], 3)
    assert needed_layers(labels, 3) == (0, 3)
    got = pool_states(states, mask, pooling="cls", labels=labels, n_layers=3)
    assert got.flatten().tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("max", None, 3), ValueError, "`pooling` must be one of 'mean', 'cls'"),
        (("last2", None, 1), ValueError, "`pooling` must suit the model; got 'last2' for a model"),
        (("last2", [1], 3), ValueError, "`layers` must be None with pooling 'last2'"),
        (("mean", [4], 3), ValueError, r"from 0 to 3; got \[4\]. 0 is the embedding"),
        (("mean", [-1], 3), ValueError, r"from 0 to 3; got \[-1\]"),
        (("mean", [1, 1], 3), ValueError, "`layers` must name different layers"),
        (("mean", [], 3), ValueError, r"`layers` must name different layers .* got \[\]"),
        (("mean", 2, 3), TypeError, "`layers` must be a sequence of layer numbers; got int"),
        (("mean", ["last"], 3), TypeError, "`layers` must be an integer; got str"),
    ],
)
def test_what_is_not_known_is_refused(arguments, error, text) -> None:
    with pytest.raises(error, match=text):
        layer_labels(*arguments)
