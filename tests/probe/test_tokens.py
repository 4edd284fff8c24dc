"""Contextuality equals its definition over all pairs of tokens, however batched and padded."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.whitening import contextuality
from probe.whitening.tokens import Contextuality


def sentences(n: int = 12, d: int = 5, seed: int = 0, shared: float = 1.0) -> list[np.ndarray]:
    """Token vectors (m, d) of n sentences of unlike length, each around a point of its own."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 7, size=n)
    return [rng.normal(size=(m, d)) + shared * rng.normal(size=d) + 0.3 for m in lengths]


def batch(*layers: list[np.ndarray], pad: int = 0, left: bool = False):
    """The sentences of each layer padded with rubbish to one length, and the mask."""
    width = max(len(tokens) for tokens in layers[0]) + pad
    mask = np.zeros((len(layers[0]), width), dtype=bool)
    for row, tokens in zip(mask, layers[0], strict=True):
        row[width - len(tokens) if left else 0 :][: len(tokens)] = True
    states = {}
    for label, each in enumerate(layers):
        states[label] = np.full((*mask.shape, each[0].shape[1]), np.nan)
        states[label][mask] = np.concatenate(each)
    return states, mask


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def by_definition(texts: list[np.ndarray]) -> tuple[float, float]:
    """Intra-sentence similarity and baseline, pair by pair."""
    intra = [np.mean([unit(t) @ unit(tokens.mean(axis=0)) for t in tokens]) for tokens in texts]
    pairs = [
        unit(a) @ unit(b)
        for i, one in enumerate(texts)
        for j, other in enumerate(texts)
        if i != j
        for a in one
        for b in other
    ]
    return float(np.mean(intra)), float(np.mean(pairs))


def same(found: xr.Dataset, expected: xr.Dataset) -> None:
    xr.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    assert found.attrs["data_hash"] == expected.attrs["data_hash"]


def test_closed_forms_equal_their_definitions() -> None:
    one, other = sentences(), sentences(seed=0, shared=4.0)
    found = contextuality([batch(one, other)])
    for layer, texts in enumerate((one, other)):
        intra, baseline = by_definition(texts)
        at = found.sel(layer=layer)
        assert float(at["intra_sentence_similarity"]) == pytest.approx(intra)
        assert float(at["token_baseline"]) == pytest.approx(baseline)
        assert float(at["adjusted_similarity"]) == pytest.approx(intra - baseline)
    assert int(found["n_sentences"]) == 12
    assert int(found["n_tokens"]) == sum(len(t) for t in one)


def test_known_truths() -> None:
    # Every token of a sentence alike, sentences orthogonal: all similarity is context.
    states = np.repeat(np.eye(4)[:, None], 3, axis=1)
    found = contextuality([({"last": states}, np.ones((4, 3)))])
    assert found["intra_sentence_similarity"].values == pytest.approx([1.0])
    assert found["token_baseline"].values == pytest.approx([0.0])
    # All tokens alike: similarity says nothing once adjusted.
    found = contextuality([({"last": np.ones((4, 3, 2))}, np.ones((4, 3)))])
    assert found["token_baseline"].values == pytest.approx([1.0])
    assert found["adjusted_similarity_interval"].values == pytest.approx(np.zeros((1, 2)))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 99),
    st.lists(st.integers(1, 11), max_size=4),
    st.randoms(use_true_random=False),
    st.integers(2, 14),
)
def test_any_batching_padding_and_order_gives_the_same(seed, cuts, random, sample) -> None:
    one, other = sentences(seed=seed), sentences(seed=seed, shared=2)
    whole = contextuality([batch(one, other)], sample=sample)
    edges = [0, *sorted(set(cuts)), 12]
    probes = []
    for a, b in itertools.pairwise(edges):
        part = batch(one[a:b], other[a:b], pad=random.randint(0, 3), left=random.random() < 0.5)
        probes.append(Contextuality(sample=sample).update(part))
    while len(probes) > 1:
        random.shuffle(probes)
        probes.append(probes.pop().absorb(probes.pop()))
    same(probes[0].compute(), whole)


def test_data_hash_knows_the_order_of_tokens_but_not_of_sentences() -> None:
    texts = sentences()
    whole = contextuality([batch(texts)]).attrs["data_hash"]
    assert contextuality([batch(texts[::-1])]).attrs["data_hash"] == whole
    assert contextuality([batch([t[::-1] for t in texts])]).attrs["data_hash"] != whole


def test_batches_may_carry_an_index_and_be_tensors() -> None:
    states, mask = batch(sentences())
    whole = contextuality([(states, mask)])
    kept = {0: torch.tensor(states[0], requires_grad=True)}
    same(contextuality([(np.arange(12), kept, torch.tensor(mask))]), whole)
    same(contextuality([(states, mask.astype(int))]), whole)
    halves = contextuality([({0: torch.tensor(np.nan_to_num(states[0])).bfloat16()}, mask)])
    np.testing.assert_allclose(halves["token_baseline"], whole["token_baseline"], atol=0.01)


def test_intervals_cover_what_repetition_centres_on() -> None:
    names = ("intra_sentence_similarity", "token_baseline", "adjusted_similarity")
    found = [
        contextuality([batch(sentences(40, 4, seed=i))], sample=30 if i % 2 else 40)
        for i in range(200)
    ]
    for name in names:
        estimates = np.array([float(f[name][0]) for f in found])
        ends = np.stack([f[f"{name}_interval"].values[0] for f in found])
        covered = np.mean((ends[:, 0] <= estimates.mean()) & (estimates.mean() <= ends[:, 1]))
        assert 0.88 <= covered <= 0.99, name
        width = np.mean(ends[:, 1] - ends[:, 0]) / 2 / 2.03
        assert width == pytest.approx(estimates.std(), rel=0.2), name


def test_a_state_goes_on_from_what_was_saved() -> None:
    texts = sentences()
    first = Contextuality(sample=5).update(batch(texts[:5]))
    resumed = Contextuality(sample=5)
    resumed.load_state_dict(first.state_dict())
    same(resumed.update(batch(texts[5:])).compute(), first.update(batch(texts[5:])).compute())


def test_result_is_labelled_and_survives_a_file(tmp_path: Path) -> None:
    found = contextuality([batch(sentences(), [2 * t + 1 for t in sentences()])])
    for name, variable in found.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
        assert name in found.coords or "range" in variable.attrs, name
    assert found.attrs["probe"] == "whitening.contextuality"
    found.to_netcdf(tmp_path / "found.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "found.nc", engine="h5netcdf") as read:
        xr.testing.assert_identical(read.load(), found)


ONES = np.ones((2, 3, 4))
MASK = np.ones((2, 3), dtype=bool)


@pytest.mark.parametrize(
    ("batches", "error", "text"),
    [
        ([], ValueError, "`batches` must hold at least one batch; got none"),
        ({0: ONES}, TypeError, "`batches` must be an iterable of (states, mask)"),
        (3, TypeError, "`batches` must be an iterable of (states, mask)"),
        ([ONES], TypeError, "each must be (states, mask) or (index, states, mask)"),
        ([(ONES, MASK)], TypeError, "`states` must be a mapping from layer"),
        ([({}, MASK)], TypeError, "`states` must be a mapping from layer"),
        ([({0: ONES.tolist()}, MASK)], TypeError, "`states[0]` must be a numpy array"),
        ([({0: ONES.astype(int)}, MASK)], TypeError, "`states[0]` must hold one of float16"),
        ([({0: ONES[0]}, MASK)], ValueError, "`states[0]` must have axes (batch, seq, d_model)"),
        ([({0: ONES}, MASK[:, :2])], ValueError, "`states[0]` must have (batch, seq) (2, 2)"),
        ([({0: ONES, 1: ONES[..., 1:]}, MASK)], ValueError, "must have one d_model for all layers"),
        ([({0: ONES}, MASK[0])], ValueError, "`mask` must have axes (batch, seq)"),
        ([({0: ONES}, 2.0 * MASK)], ValueError, "`mask` must hold booleans, or 0 and 1"),
        (
            [({0: ONES}, MASK * [[1], [0]])],
            ValueError,
            "`mask` must keep a token of every sentence; got none of sentence 1",
        ),
        ([({0: 0 * ONES}, MASK)], ValueError, "hold no zero token vector"),
        (
            [({0: ONES * [[[1], [-1], [0.0]]]}, MASK * [[1, 1, 0]])],
            ValueError,
            "hold no zero sentence mean",
        ),
        ([({0: np.nan * ONES}, MASK)], ValueError, "`states[0]` must be finite everywhere"),
        ([({0: ONES[:1]}, MASK[:1])], ValueError, "must hold at least 2 sentences; got 1"),
        ([({0: ONES}, MASK), ({1: ONES}, MASK)], ValueError, "must have layers [0] as before"),
        (
            [({0: ONES}, MASK), ({0: ONES[..., 1:]}, MASK)],
            ValueError,
            "must have 4 features as before; got 3",
        ),
    ],
)
def test_refusals(batches, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=r"must") as caught:
        contextuality(batches)
    assert text in str(caught.value)


def test_refused_options() -> None:
    with pytest.raises(ValueError, match=r"`level` must be in \(0, 1\); got 0\.0"):
        contextuality([], level=0.0)
    with pytest.raises(ValueError, match=r"`sample` must be at least 2; got 1"):
        contextuality([], sample=1)
