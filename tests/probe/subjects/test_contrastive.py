from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.python_prose import load_python_prose
from data.records import Corpus
from probe.subjects.contrastive import (
    contrastive_loss,
    contrastive_training,
    pair_batches,
    pair_loss,
    train_small_encoder,
)
from probe.subjects.small_encoder import SmallEncoder
from probe.subjects.tensor_files import weights_hash
from probe.subjects.vocabulary import Vocabulary
from probe.subjects.watching import split_corpus, watch

# Two topics with words of their own: sentences of one topic share few words, topics none.
TOPIC_WORDS = {
    "cooking": "soup pan salt oven stir taste dish spoon",
    "sea": "wave sail wind tide harbour deck rope salt2",
}


def toy_corpus(n: int = 80, seed: int = 0) -> Corpus:
    rng = np.random.default_rng(seed)
    topics = [("cooking", "sea")[i % 2] for i in range(n)]
    texts = [" ".join(rng.choice(TOPIC_WORDS[t].split(), size=rng.integers(4, 8))) for t in topics]
    return Corpus(tuple(texts), tuple(topics), "toy")


def toy_encoder(corpus: Corpus, **options) -> SmallEncoder:
    options = {"d_model": 16, "n_heads": 2, "n_layers": 1, "word_dropout": 0.5, **options}
    return SmallEncoder(Vocabulary.from_texts(corpus.texts), **options)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6), st.sampled_from([0.05, 0.3, 1.0]))
def test_the_loss_is_the_paper_s_equation(seed: int, n: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, n, 4, generator=generator, dtype=torch.float64)
    total = 0.0
    for i in range(n):
        cosines = [float(a[i] @ b[j] / a[i].norm() / b[j].norm()) for j in range(n)]
        shares = [math.exp(c / temperature) for c in cosines]
        total -= math.log(shares[i] / sum(shares))
    got = contrastive_loss(a, b, temperature=temperature).item()
    assert got == pytest.approx(total / n, rel=1e-9)
    # Lengths of rows do not matter, nor does the order of the texts.
    order = torch.randperm(n, generator=generator)
    other = contrastive_loss(3 * a[order], b[order], temperature=temperature).item()
    assert other == pytest.approx(got, rel=1e-9)


def test_the_loss_of_equal_rows_is_log_n_and_of_orthogonal_ones_is_known() -> None:
    assert contrastive_loss(torch.ones(8, 3), torch.ones(8, 3)).item() == pytest.approx(math.log(8))
    expected = math.log(1 + 3 * math.exp(-2))
    got = contrastive_loss(torch.eye(4), torch.eye(4), temperature=0.5).item()
    assert got == pytest.approx(expected, rel=1e-6)


def test_losses_of_what_is_no_pair_are_refused() -> None:
    rows = torch.eye(3)
    with pytest.raises(ValueError, match=r"`a and b` must both be \(batch, d_model\)"):
        contrastive_loss(rows, rows[:2])
    with pytest.raises(ValueError, match=r"at least two texts; got shapes \(1, 3\) and \(1, 3\)"):
        contrastive_loss(rows[:1], rows[:1])
    with pytest.raises(ValueError, match="`temperature` must be above 0; got 0"):
        contrastive_loss(rows, rows, temperature=0)


def test_a_round_of_batches_holds_every_text_once_and_little_padding() -> None:
    corpus = toy_corpus(64)
    encoder = toy_encoder(corpus)
    batches = list(islice(pair_batches(encoder, corpus.texts, batch_size=8, seed=3), 16))
    rows = [ids[mask].tolist() for b in batches for ids, mask in zip(b.ids, b.mask, strict=True)]
    wanted = sorted(encoder.vocabulary.ids(text).tolist() for text in corpus.texts)
    assert sorted(rows[:64]) == wanted
    assert sorted(rows[64:]) == wanted
    assert rows[:64] != rows[64:]
    # Sorted by length inside a bucket, so batches are nearly full.
    assert np.mean([b.mask.float().mean() for b in batches]) > 0.9
    again = list(islice(pair_batches(encoder, corpus.texts, batch_size=8, seed=3), 16))
    assert all(
        torch.equal(x.ids, y.ids) and x.seed == y.seed for x, y in zip(batches, again, strict=True)
    )


def test_batches_larger_than_the_corpus_are_refused() -> None:
    corpus = toy_corpus(8)
    with pytest.raises(ValueError, match="`batch_size` must be between 2 and 8; got 9"):
        pair_batches(toy_encoder(corpus), corpus.texts, batch_size=9)
    with pytest.raises(ValueError, match="`texts` must hold at least one text"):
        pair_batches(toy_encoder(corpus), [], batch_size=2)


def test_dropout_makes_the_readings_differ_and_leaves_the_global_state() -> None:
    corpus = toy_corpus(16)
    seen = []

    def look(a, b):
        seen.append((a.detach(), b.detach()))
        return contrastive_loss(a, b)

    encoder = toy_encoder(corpus).train()
    batch = next(pair_batches(encoder, corpus.texts, batch_size=8))
    before = torch.get_rng_state()
    for _ in range(2):
        pair_loss(encoder, batch, loss=look)
    assert torch.equal(torch.get_rng_state(), before)
    (a, b), (c, d) = seen
    assert not torch.allclose(a, b)
    assert torch.equal(a, c)
    assert torch.equal(b, d)
    pair_loss(encoder.eval(), batch, loss=look)
    torch.testing.assert_close(*seen[-1])


def test_training_learns_the_topics_of_held_out_texts() -> None:
    known, new = split_corpus(toy_corpus(240), held_out=60)
    encoder = toy_encoder(known)
    training = contrastive_training(encoder, known.texts, steps=60, batch_size=32)
    result = watch(encoder, training, new, every=25, k=5)
    assert result.step.values.tolist() == [0, 25, 50, 60]
    assert result.step_update.values.tolist() == list(range(1, 61))
    last = result.isel(layer=-1)
    low = last.precision_at_k_interval.sel(bound="low")
    high = last.precision_at_k_interval.sel(bound="high")
    assert low.sel(step=60) > high.sel(step=0)
    assert last.precision_at_k.sel(step=60) > 0.8
    assert result.loss[-10:].mean() < result.loss[:10].mean()


def test_watching_gives_the_measures_by_step_and_layer_and_changes_nothing() -> None:
    corpus = toy_corpus(40)
    plain, watched = toy_encoder(corpus), toy_encoder(corpus)
    options = {"steps": 4, "batch_size": 8}
    losses = [step.loss for step in contrastive_training(plain, corpus.texts, **options)]
    training = contrastive_training(watched, corpus.texts, **options)
    torch.manual_seed(99)  # the caller's draws do not matter either
    result = watch(watched, training, corpus, every=2, k=3)
    assert weights_hash(plain) == weights_hash(watched)
    np.testing.assert_array_equal(result.loss.values, losses)
    assert result.loss.dims == ("step_update",)
    assert result.attrs["probe"] == "whitening.training"
    assert result.attrs["model"] == "SmallEncoder-1x16"
    assert result.layer.values.tolist() == [0, 1]
    assert result.average_cosine.dims == ("step", "layer")
    assert result.precision_at_k.dims == ("step", "layer")
    assert result.precision_at_k_interval.dims == ("step", "layer", "bound")
    assert all("long_name" in v.attrs and "units" in v.attrs for v in result.data_vars.values())
    untrained = watch(
        toy_encoder(corpus),
        contrastive_training(toy_encoder(corpus), corpus.texts, **options),
        corpus,
        every=4,
        k=3,
    )
    np.testing.assert_array_equal(untrained.average_cosine[0], result.average_cosine[0])
    np.testing.assert_array_equal(untrained.average_cosine[1], result.average_cosine[0])


def test_a_training_that_has_been_run_cannot_be_watched() -> None:
    corpus = toy_corpus(20)
    encoder = toy_encoder(corpus)
    training = contrastive_training(encoder, corpus.texts, steps=1, batch_size=4)
    list(training)
    with pytest.raises(RuntimeError, match="`training` gave no step; make a new one"):
        watch(encoder, training, corpus, k=3)
    with pytest.raises(ValueError, match="`every` must be at least 1; got 0"):
        watch(encoder, training, corpus, every=0)


def test_another_loss_can_take_its_place() -> None:
    corpus = toy_corpus(20)
    encoder = toy_encoder(corpus)

    def zero(a, b):
        return 0 * (a - b).sum() + 2.5

    steps = contrastive_training(encoder, corpus.texts, steps=3, batch_size=4, loss=zero)
    assert [step.loss for step in steps] == [2.5, 2.5, 2.5]


def test_a_small_encoder_is_trained_and_goes_on_from_its_checkpoint(tmp_path, monkeypatch) -> None:
    corpus = toy_corpus(40)
    options = {"batch_size": 8, "progress": False, "seed": 5}
    whole = train_small_encoder(corpus.texts, steps=3, **options)
    assert not whole.training
    path = tmp_path / "run.safetensors"
    first = train_small_encoder(corpus.texts, steps=3, checkpoint=path, **options)
    again = train_small_encoder(corpus.texts, steps=3, checkpoint=path, **options)
    assert weights_hash(first) == weights_hash(again) == weights_hash(whole)
    assert weights_hash(train_small_encoder(corpus.texts, steps=3, **{**options, "seed": 6})) != (
        weights_hash(whole)
    )


def test_splitting_keeps_every_text_once() -> None:
    corpus = toy_corpus(30)
    known, new = split_corpus(corpus, held_out=10, seed=1)
    assert (len(known), len(new)) == (20, 10)
    assert sorted(known.texts + new.texts) == sorted(corpus.texts)
    assert split_corpus(corpus, held_out=10, seed=1)[1].texts == new.texts
    assert split_corpus(corpus, held_out=10, seed=2)[1].texts != new.texts
    with pytest.raises(ValueError, match="`held_out` must be between 1 and 29; got 30"):
        split_corpus(corpus, held_out=30)
    with pytest.raises(ValueError, match="`steps` must be at least 1; got 0"):
        train_small_encoder(corpus.texts, steps=0)


@pytest.mark.slow
def test_real_sentences_are_learned_from_and_their_states_spread() -> None:
    known, new = split_corpus(load_python_prose(), held_out=2000)
    encoder = SmallEncoder(Vocabulary.from_texts(known.texts), word_dropout=0.6)
    training = contrastive_training(encoder, known.texts, steps=200)
    result = watch(encoder, training, new.with_topics(min_size=11), every=200).isel(layer=-1)
    low = result.precision_at_k_interval.sel(bound="low", step=200)
    assert low > result.precision_at_k_interval.sel(bound="high", step=0)
    assert result.average_cosine.sel(step=200) < result.average_cosine.sel(step=0) - 0.1
