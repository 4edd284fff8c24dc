"""Transforms by name: the grammar, what each does, and why the papers' recipe is not used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from probe.moments import Moments
from probe.whitening.named import make_transform, transform_family
from probe.whitening.transform import AllButTheTop, Whitening

STREAMED = ("raw", "centre", "zscore", "abtt-2", "whiten", "whiten-3", "power-0.5", "power-0.5-3")


def mixed_rows(n: int = 300, d: int = 6) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 3 * rng.standard_normal(d)


def sentence_pairs(n_fit: int = 20_000, n_pairs: int = 500) -> tuple[torch.Tensor, ...]:
    """Post-LayerNorm float32 states to fit on, states of pairs, and the pairs' true cosines."""
    rng = np.random.default_rng(5)
    latent, d = 12, 64
    basis = rng.standard_normal((latent, d)) * np.linspace(3, 0.5, latent)[:, None]
    gamma = torch.from_numpy(0.3 + 2 * rng.random(d)).float()
    beta = torch.from_numpy(4 * rng.standard_normal(d)).float()

    def states(z: np.ndarray) -> torch.Tensor:
        hidden = torch.from_numpy(z @ basis + 0.3 * rng.standard_normal((len(z), d))).float()
        return torch.nn.functional.layer_norm(hidden, (d,), gamma, beta)

    one = rng.standard_normal((n_pairs, latent))
    mix = rng.random((n_pairs, 1))
    two = mix * one + (1 - mix) * rng.standard_normal((n_pairs, latent))
    gold = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    fit_on = states(rng.standard_normal((n_fit, latent)))
    return fit_on, states(one), states(two), torch.from_numpy(gold)


def order_kept(fitted: object, one: torch.Tensor, two: torch.Tensor, gold: torch.Tensor) -> float:
    """Spearman correlation of the transformed pairs' cosines with the true ones."""
    a, b = (fitted.transform(x).double() for x in (one, two))  # type: ignore[attr-defined]
    return float(spearmanr(torch.cosine_similarity(a, b), gold)[0])


@pytest.mark.parametrize(
    ("spec", "family", "k"),
    [
        ("raw", "raw", None),
        ("centre", "centre", None),
        ("zscore", "zscore", None),
        ("abtt-3", "abtt", 3),
        ("whiten", "whiten", None),
        ("whiten-64", "whiten", 64),
        ("power-0.5", "power-0.5", None),
        ("power-0.5-64", "power-0.5", 64),
        ("power-2", "power-2", None),
        ("shrunk", "shrunk", None),
        ("naive", "naive", None),
    ],
)
def test_family_and_size_of_each_name(spec: str, family: str, k: int | None) -> None:
    assert transform_family(spec) == (family, k)
    made = make_transform(spec)
    assert callable(made.fit)
    assert callable(made.transform)
    assert hasattr(made, "fit_moments") == (spec != "naive")


def test_names_become_the_options_they_name() -> None:
    assert make_transform("whiten-64").get_params() == Whitening(64).get_params()
    assert make_transform("power-0.5").get_params() == Whitening(power=0.5).get_params()
    assert make_transform("power-0.5-8").get_params() == Whitening(8, power=0.5).get_params()
    assert make_transform("abtt-3").get_params() == AllButTheTop(3).get_params()
    assert make_transform("shrunk").shrinkage == "ledoit-wolf"


@pytest.mark.parametrize(
    "spec",
    ["", "white", "whiten-0", "whiten-", "whiten-1.5", "abtt", "abtt-0", "power", "power-0",
     "power-0.0-3", "power--1", "zca", "Raw", "raw-3", "naive ", "whiten-3\n"],
)  # fmt: skip
def test_other_names_are_refused_with_the_grammar(spec: str) -> None:
    for use in (make_transform, transform_family):
        with pytest.raises(ValueError, match=r"`spec` must be one of raw, .* naive .*; got"):
            use(spec)


def test_a_name_is_a_string() -> None:
    with pytest.raises(TypeError, match="`spec` must be a string; got int"):
        make_transform(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", STREAMED)
def test_from_rows_or_from_moments_is_the_same(spec: str) -> None:
    rows = mixed_rows()
    moments = Moments(6).update(rows)
    one = make_transform(spec).fit(rows).transform(rows)
    two = make_transform(spec).fit_moments(moments, dtype="float64").transform(rows)
    np.testing.assert_allclose(one, two, atol=1e-10)
    tensor = torch.from_numpy(rows)
    moved = make_transform(spec).fit(tensor).transform(tensor)
    np.testing.assert_allclose(moved.numpy(), one, atol=1e-10)


def test_what_the_simple_ones_do() -> None:
    rows = mixed_rows()
    np.testing.assert_array_equal(make_transform("raw").fit_transform(rows), rows)
    np.testing.assert_array_equal(make_transform("raw").fit(rows).inverse_transform(rows), rows)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(make_transform("centre").fit_transform(rows), centred, atol=1e-12)
    scaled = make_transform("zscore").fit(rows)
    expected = centred / rows.std(axis=0, ddof=1)
    np.testing.assert_allclose(scaled.transform(rows), expected, atol=1e-12)
    np.testing.assert_allclose(scaled.inverse_transform(expected), rows, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_constant_feature_becomes_zero_not_infinite(dtype: str) -> None:
    rows = mixed_rows().astype(dtype)
    rows[:, 1] = 1000.1
    scaled = make_transform("zscore").fit_transform(rows)
    assert np.abs(scaled[:, 1]).max() < 1e-3
    np.testing.assert_allclose(scaled[:, 0].std(ddof=1, dtype=np.float64), 1, rtol=1e-3)


def test_shrunk_needs_rows_or_a_number() -> None:
    rows = mixed_rows()
    moments = Moments(6).update(rows)
    fitted = make_transform("shrunk").fit(rows)
    stored = make_transform("shrunk").fit_moments(moments, shrinkage=fitted.shrinkage_)
    np.testing.assert_allclose(stored.transform(rows), fitted.transform(rows), atol=1e-10)
    with pytest.raises(ValueError, match="`shrinkage` must be a number or None here"):
        make_transform("shrunk").fit_moments(moments)


def test_raw_refuses_another_width() -> None:
    fitted = make_transform("raw").fit(torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"`X` must have 3 features; got shape \(2, 4\)"):
        fitted.transform(torch.ones(2, 4))


def test_the_recipe_is_right_where_the_rank_is_full() -> None:
    rows = mixed_rows()
    white = make_transform("naive").fit_transform(rows)
    np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_recipe_collapses_on_layernorm_states_and_ours_does_not(dtype: str) -> None:
    fit_on, one, two, gold = sentence_pairs()
    # Statistics from float32 states, used on states in the precision they are served in.
    one, two = (x.to(getattr(torch, dtype)) for x in (one, two))
    raw = order_kept(make_transform("raw").fit(fit_on), one, two, gold)
    ours = order_kept(make_transform("whiten-12").fit(fit_on), one, two, gold)
    whole = order_kept(make_transform("whiten").fit(fit_on), one, two, gold)
    naive = order_kept(make_transform("naive").fit(fit_on), one, two, gold)
    assert make_transform("whiten").fit(fit_on).rank_ == 63
    assert ours > raw
    assert naive < whole - (0.05 if dtype == "float32" else 0.3)


def test_half_precision_goes_through_the_recipe_in_its_own_rounding() -> None:
    rows = torch.from_numpy(mixed_rows()).bfloat16()
    fitted = make_transform("naive").fit(rows)
    moved = fitted.transform(rows)
    assert moved.dtype == torch.bfloat16
    mean, kernel = (torch.from_numpy(each).bfloat16() for each in (fitted.mean_, fitted.kernel_))
    assert torch.equal(moved, (rows - mean) @ kernel)
    half = mixed_rows().astype(np.float16)
    assert make_transform("naive").fit_transform(half).dtype == np.float16


def test_what_the_recipe_refuses() -> None:
    naive = make_transform("naive")
    with pytest.raises(ValueError, match="`X` must have no singular value of exactly 0; got 1"):
        naive.fit(np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]]))
    with pytest.raises(ValueError, match="`X` must have at least 2 rows; got n_samples = 1"):
        naive.fit(np.ones((1, 2)))
    with pytest.raises(ValueError, match="`X` must be finite everywhere"):
        naive.fit(np.full((3, 2), np.nan))
    small = np.random.default_rng(0).standard_normal((9, 2)) * 1e-6
    fitted = naive.fit(small)
    with pytest.raises(ValueError, match="`X` must keep its whitened values within its dtype"):
        fitted.transform(np.full((1, 2), 100.0, np.float16))
