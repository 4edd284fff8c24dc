from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from probe.subjects.pooling import masked_mean
from probe.subjects.small_encoder import SmallEncoder
from probe.subjects.tensor_files import weights_hash
from probe.subjects.vocabulary import CLS, PAD, UNKNOWN, Vocabulary

TEXTS = ["The cat sat.", "a cat", "the the the the dog", "sat on a mat, the cat sat", "zebra"]
VOCABULARY = Vocabulary.from_texts(TEXTS)


def small(**options) -> SmallEncoder:
    return SmallEncoder(VOCABULARY, **{"d_model": 16, "n_layers": 2, "max_length": 12, **options})


def encode(encoder: SmallEncoder, texts=TEXTS, **options) -> np.ndarray:
    return encoder.encode(texts, progress=False, **options).values


def test_vocabulary_counts_words_whatever_their_case_and_the_order_of_texts() -> None:
    assert VOCABULARY.words == ("the", "cat", "sat", "a")
    assert Vocabulary.from_texts(TEXTS[::-1]).words == VOCABULARY.words
    assert Vocabulary.from_texts(TEXTS, max_size=2).words == ("the", "cat")
    assert Vocabulary.from_texts(TEXTS, min_count=6).words == ("the",)
    assert len(VOCABULARY) == 7
    assert VOCABULARY.ids("The zebra, cat").tolist() == [CLS, 3, UNKNOWN, UNKNOWN, 4]
    assert PAD not in VOCABULARY.ids("the cat")


def test_vocabularies_that_hold_nothing_or_a_word_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="`texts` must hold a word that occurs 9 times; got 10"):
        Vocabulary.from_texts(TEXTS, min_count=9)
    with pytest.raises(ValueError, match="`words` must differ; got 'a' twice"):
        Vocabulary(["a", "b", "a"])
    with pytest.raises(ValueError, match="`min_count` must be at least 1; got 0"):
        Vocabulary.from_texts(TEXTS, min_count=0)
    with pytest.raises(ValueError, match="`max_size` must be at least 1; got 0"):
        Vocabulary.from_texts(TEXTS, max_size=0)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_batching_and_order_change_nothing(norm_first, batch_size) -> None:
    encoder = small(norm_first=norm_first, word_dropout=0.9)
    whole = encoder.encode(TEXTS, progress=False)
    assert whole.dims == ("layer", "example", "feature")
    assert whole.shape == (3, 5, 16)
    assert whole.attrs["model"] == "SmallEncoder-2x16"
    mixed = encode(encoder, TEXTS[::-1], batch_size=batch_size)[:, ::-1]
    np.testing.assert_allclose(mixed, whole.values, atol=1e-5)


def test_a_block_is_the_published_formula() -> None:
    """Post-norm: x = norm(x + f(x)); one head of attention written out by hand."""
    encoder = small(n_heads=1, n_layers=1).eval()
    ids, mask = torch.tensor([[CLS, 3, 4, PAD]]), torch.tensor([[True, True, True, False]])
    with torch.no_grad():
        (x, got), _ = encoder(ids, mask)
        block = encoder.blocks[0]
        heads = block.attention.heads
        query, key, value = (x[0] @ heads.in_proj_weight.T + heads.in_proj_bias).chunk(3, dim=1)
        scores = (query @ key.T / 16**0.5)[:, :3].softmax(dim=1)
        mixed = scores @ value[:3] @ heads.out_proj.weight.T + heads.out_proj.bias
        x = block.attention_norm(x[0] + mixed)
        first, _, second = block.feed_forward
        x = block.feed_forward_norm(x + second(nn.functional.gelu(first(x))))
    torch.testing.assert_close(got[0, :3], x[:3])


def test_post_norm_states_have_the_null_direction_of_layer_norm() -> None:
    """sum((h - beta) / gamma) = 0 for every state that a LayerNorm gives."""
    for layer in encode(small()):
        np.testing.assert_allclose(layer.sum(axis=1), 0, atol=1e-4)


class Doubling(nn.Module):
    def __init__(self, d_model: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.made_with = (d_model, n_heads, dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return states


def test_every_part_can_be_exchanged() -> None:
    encoder = small(
        norm=lambda d_model: nn.Identity(),
        attention=Doubling,
        feed_forward=lambda d_model, dropout: nn.Identity(),
        dropout=0.25,
    )
    assert encoder.blocks[0].attention.made_with == (16, 4, 0.25)
    # Each block is x -> (x + x) + (x + x): four times the state.
    states = encode(encoder)
    np.testing.assert_allclose(states[1], 4 * states[0], rtol=1e-5)
    np.testing.assert_allclose(states[2], 16 * states[0], rtol=1e-5)
    assert encoder.recipe != small(dropout=0.25).recipe


def test_the_recipe_tells_apart_what_the_weights_do_not() -> None:
    one, other = small(n_heads=2), small(n_heads=4)
    assert weights_hash(one) == weights_hash(other)
    assert one.recipe != other.recipe


def test_word_dropout_hides_words_while_training_only_and_never_the_mark() -> None:
    encoder = small(word_dropout=0.5, dropout=0.0)
    ids = torch.full((200, 11), 3)
    ids[:, 0] = CLS
    full = torch.ones_like(ids, dtype=torch.bool)
    torch.manual_seed(0)
    _, mask = encoder.train()(ids, full)
    assert mask[:, 0].all()
    # 2000 draws at 1/2: six standard deviations are 0.067.
    assert mask[:, 1:].sum().item() / 2000 == pytest.approx(0.5, abs=0.067)
    _, mask = encoder.eval()(ids, full)
    assert mask.all()
    assert mask.shape == ids.shape
    _, mask = small(word_dropout=1.0).train()(ids, full)
    assert mask.shape == (200, 1)


def test_taking_hidden_words_out_is_masking_them() -> None:
    encoder = small(word_dropout=0.5, dropout=0.0)
    ids = torch.tensor([[CLS, 3, 4, 5, 6, 3], [CLS, 6, 5, PAD, PAD, PAD]])
    full = ids != PAD
    torch.manual_seed(2)
    drawn = torch.rand(ids.shape) >= 0.5
    kept = full & (drawn | (ids == CLS))
    assert 2 < kept.sum() < full.sum()
    torch.manual_seed(2)
    short, left = encoder.train()(ids, full)
    assert left.shape[1] < ids.shape[1]
    masked, same = encoder.eval()(ids, kept)
    for one, other in zip(short, masked, strict=True):
        torch.testing.assert_close(masked_mean(one, left), masked_mean(other, same))


def test_the_seed_decides_the_weights_and_leaves_the_global_state() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    hashes = [weights_hash(small(seed=seed)) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert hashes[0] == hashes[1] != hashes[2]


def test_long_texts_are_cut_counted_and_warned_of() -> None:
    encoder = small(max_length=4)
    with pytest.warns(UserWarning, match="3 of 5 texts are longer than 4 tokens"):
        got = encoder.encode(TEXTS, progress=False)
    assert got.attrs["truncated"] == 3
    np.testing.assert_allclose(got.values[:, 2], encode(encoder, ["the the the"])[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_heads": 3}, ValueError, "`n_heads` must divide `d_model` 16; got 3"),
        ({"n_layers": 0}, ValueError, "`n_layers` must be at least 1; got 0"),
        ({"d_model": 1.5}, TypeError, "`d_model` must be an integer; got float"),
        ({"max_length": 1}, ValueError, "`max_length` must be at least 2; got 1"),
        ({"dropout": 1.5}, ValueError, "`dropout` must be between 0.0 and 1.0; got 1.5"),
        ({"word_dropout": -1}, ValueError, "`word_dropout` must be between 0.0 and 1.0; got -1"),
    ],
)
def test_bad_sizes_are_refused(options, error, text) -> None:
    with pytest.raises(error, match=text):
        small(**options)
