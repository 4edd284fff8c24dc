"""The closed forms equal their definitions, in any batching, and what is not so is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.whitening import Anisotropy, anisotropy
from probe.whitening._closed_forms import corrected_isoscore, unbiased_traces
from probe.whitening._layer_geometry import cosine_interval

TIMED = ("seconds",)


def cloud(n: int = 80, d: int = 6, seed: int = 0) -> np.ndarray:
    """Off-centre rows of uneven variance."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.linspace(2, 0.3, d) + np.linspace(1, -0.5, d)


def number(found: xr.Dataset, name: str) -> float:
    return float(found[name].values[0])


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def isoscore_by_definition(points: np.ndarray) -> float:
    """Rudman et al. 2022, step by step: rotate by PCA, scale the variances, isotropy defect."""
    d = points.shape[1]
    centred = points - points.mean(axis=0)
    rotated = centred @ np.linalg.svd(centred)[2].T
    diagonal = np.var(rotated, axis=0, ddof=1)
    scaled = np.sqrt(d) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(scaled - np.ones(d)) / np.sqrt(2 * (d - np.sqrt(d)))
    occupied = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return (d * occupied - 1) / (d - 1)


def test_closed_forms_equal_their_definitions() -> None:
    rows = cloud()
    found = anisotropy(rows)
    cosines = (unit(rows) @ unit(rows).T)[~np.eye(len(rows), dtype=bool)]
    assert number(found, "average_cosine") == pytest.approx(cosines.mean())
    assert float(found["cosine_contribution"].sum()) == pytest.approx(cosines.mean())
    u = unit(rows)[:, 2]
    pairs = [a * b for a, b in itertools.permutations(u, 2)]
    assert float(found["cosine_contribution"][0, 2]) == pytest.approx(np.mean(pairs))
    eigenvalues = np.linalg.eigvalsh(np.cov(rows.T))[::-1]
    np.testing.assert_allclose(found["eigenvalues"][0], eigenvalues)
    shares = eigenvalues / eigenvalues.sum()
    np.testing.assert_allclose(found["explained_share"][0], shares)
    assert number(found, "effective_rank") == pytest.approx(
        np.exp(-(shares * np.log(shares)).sum())
    )
    assert number(found, "participation_ratio") == pytest.approx(1 / (shares**2).sum())
    ratio = np.linalg.norm(rows.mean(axis=0)) / np.sqrt((rows**2).sum(axis=1).mean())
    assert number(found, "mean_norm_ratio") == pytest.approx(ratio)
    assert number(found, "numerical_rank") == 6
    assert number(found, "null_dimensions") == 0
    assert number(found, "n_samples") == 80


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(3, 40), st.integers(0, 99), st.floats(0.1, 30))
def test_isoscore_equals_its_published_definition(d: int, n: int, seed: int, top: float) -> None:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    rows[:, 0] *= top
    found = anisotropy(rows, sample=2)
    assert number(found, "isoscore") == pytest.approx(isoscore_by_definition(rows), abs=1e-9)


def test_isoscore_of_the_papers_extremes() -> None:
    corners = np.vstack([np.eye(5), -np.eye(5)])
    assert number(anisotropy(corners), "isoscore") == pytest.approx(1.0)
    line = np.outer(np.arange(1.0, 9.0), np.ones(5))
    assert number(anisotropy(line), "isoscore") == pytest.approx(0.0, abs=1e-12)


def test_unbiased_traces_are_the_u_statistics() -> None:
    rows = np.random.default_rng(1).standard_t(4, size=(6, 3))
    centred = rows - rows.mean(axis=0)
    s = np.cov(rows.T)
    quartic = float((np.square(centred).sum(axis=1) ** 2).sum())
    square, product = unbiased_traces(6, np.trace(s), float((s * s).sum()), quartic)
    quadruples = [
        (a - b, c - d)
        for a, b, c, d in (rows[list(i)] for i in itertools.permutations(range(6), 4))
    ]
    assert square == pytest.approx(np.mean([(x @ y) ** 2 for x, y in quadruples]) / 4)
    assert product == pytest.approx(np.mean([(x @ x) * (y @ y) for x, y in quadruples]) / 4)


@pytest.mark.parametrize("heavy", [False, True], ids=["gaussian", "t8"])
@pytest.mark.parametrize("spike", [1.0, 20.0], ids=["isotropic", "spiked"])
def test_corrected_isoscore_is_unbiased(spike: float, heavy: bool) -> None:
    rng = np.random.default_rng(3)
    d, n, sets = 32, 60, 300
    variance = np.r_[spike, np.ones(d - 1)]
    truth = (variance.sum() ** 2 / (variance**2).sum() - 1) / (d - 1)
    raw, corrected = np.empty((2, sets))
    for i in range(sets):
        rows = rng.normal(size=(n, d)) * np.sqrt(variance)
        if heavy:
            rows *= np.sqrt(6 / rng.chisquare(8, size=(n, 1)))
        centred = rows - rows.mean(axis=0)
        eigenvalues = np.maximum(np.linalg.eigvalsh(centred.T @ centred)[::-1] / (n - 1), 0)
        raw[i] = (eigenvalues.sum() ** 2 / (eigenvalues**2).sum() - 1) / (d - 1)
        corrected[i] = corrected_isoscore(n, eigenvalues, (np.square(centred).sum(1) ** 2).sum())
    noise = corrected.std() / sets**0.5
    assert abs(corrected.mean() - truth) < 3 * noise + 0.01 * truth
    assert raw.mean() < truth - (5 * noise if spike == 1 else 0), "else nothing was corrected"
    if spike == 1 and not heavy:
        ratio = raw.mean() * (d - 1) + 1
        assert ratio == pytest.approx(d / (1 + (d + 1) / (n - 1)), rel=0.01), "as documented"


def test_uneven_sampling_is_flagged_and_enough_rows_are_not() -> None:
    few, many = (np.random.default_rng(0).normal(size=(n, 20)) for n in (40, 4000))
    assert "isoscore is low for want of rows" in anisotropy(few).attrs["notes"]
    assert anisotropy(many, sample=100).attrs["notes"] == ""


# Rows of two layers, where to cut them, and in which order to merge the pieces.
@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 99),
    st.lists(st.integers(1, 59), max_size=6),
    st.randoms(use_true_random=False),
    st.integers(5, 80),
)
def test_any_batching_and_order_of_merging_gives_the_same(seed, cuts, random, sample) -> None:
    layers = {1: cloud(60, 4, seed), 2: cloud(60, 4, seed + 1) + 1e3}
    whole = anisotropy(layers, sample=sample, seed=seed)
    edges = [0, *sorted(set(cuts)), 60]
    probes = [
        Anisotropy(sample=sample, seed=seed).update({k: v[a:b] for k, v in layers.items()})
        for a, b in itertools.pairwise(edges)
    ]
    while len(probes) > 1:
        random.shuffle(probes)
        probes.append(probes.pop().absorb(probes.pop()))
    same(probes[0].compute(), whole)


def same(found: xr.Dataset, expected: xr.Dataset, *, rtol: float = 1e-7) -> None:
    xr.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-9)
    for name in set(expected.attrs) - set(TIMED):
        assert found.attrs[name] == expected.attrs[name], name


def test_chunks_arrays_mappings_and_data_arrays_agree() -> None:
    rows = cloud(50)
    whole = anisotropy(rows)
    same(anisotropy(iter([rows[:7], rows[7:8], rows[8:]])), whole)
    same(anisotropy({0: rows}), whole)
    same(anisotropy(torch.tensor(rows)), whole)
    array = xr.DataArray(rows[None], dims=("layer", "example", "feature"))
    same(anisotropy(array), whole)
    same(anisotropy(chunk for chunk in (array[:, :20], array[:, 20:])), whole)


def test_float32_in_batches_agrees_to_its_precision() -> None:
    rows = (cloud(400) + 50).astype(np.float32)
    parts = anisotropy([rows[:3], rows[3:200], rows[200:]])
    xr.testing.assert_allclose(parts, anisotropy(rows), rtol=1e-5, atol=1e-6)


def test_a_state_goes_on_from_what_was_saved(tmp_path: Path) -> None:
    layers = {"first_last": cloud(30).astype(np.float32), "cls": cloud(30, seed=9).astype("f4")}
    half = Anisotropy(sample=20).update({k: v[:11] for k, v in layers.items()})
    np.savez(tmp_path / "state.npz", **half.state_dict())
    resumed = Anisotropy(sample=20)
    with np.load(tmp_path / "state.npz") as arrays:
        resumed.load_state_dict(dict(arrays))
    rest = {k: v[11:] for k, v in layers.items()}
    same(resumed.update(rest).compute(), half.update(rest).compute())


def test_merging_changes_neither_part() -> None:
    probe = Anisotropy()
    a, b = probe.measure(cloud(20)), probe.measure(cloud(9, seed=4))
    before = probe.finish(a)
    probe.merge(a, b)
    same(probe.finish(a), before, rtol=0)


def test_rotation_and_row_order_change_nothing_they_should_not() -> None:
    rows = cloud(120)
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0]
    whole, turned, shuffled = anisotropy(rows), anisotropy(rows @ rotation), anisotropy(rows[::-1])
    by_axis = ["cosine_contribution"]
    # A sample of all rows is the same rows; but the halves behind these intervals are drawn anew.
    drawn = ["twonn_dimension_interval", "hubness_skew_interval", "partition_isotropy_interval"]
    xr.testing.assert_allclose(turned.drop_vars(by_axis + drawn), whole.drop_vars(by_axis + drawn))
    assert float(turned["cosine_contribution"].sum()) == pytest.approx(
        float(whole["cosine_contribution"].sum())
    )
    same(shuffled, whole)


def test_interval_of_the_average_cosine_covers_it() -> None:
    truth = number(anisotropy(cloud(20_000, 4, seed=99), sample=2), "average_cosine")
    found = []
    for seed in range(300):
        rows = cloud(80, 4, seed)
        u = unit(rows)
        average = ((u @ u.T).sum() - 80) / (80 * 79)
        found.append(cosine_interval(average, 80, u.sum(axis=0), rows[:40], 0.95))
    covered = np.mean([f.low <= truth <= f.high for f in found])
    assert 0.91 <= covered <= 0.98
    spread = np.std([f.estimate for f in found])
    assert np.mean([f.high - f.low for f in found]) == pytest.approx(2 * 2.02 * spread, rel=0.15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layer_norm_leaves_a_null_dimension_that_is_named(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    norm = torch.nn.LayerNorm(16)
    torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    states = norm(torch.randn(400, 16) * torch.linspace(1, 3, 16) + 1).detach().to(dtype)
    found = anisotropy({4: states})
    assert number(found, "null_dimensions") == 1
    assert number(found, "numerical_rank") == 15
    assert found.attrs["notes"].startswith("layer 4: 15 of 16 directions carry variance")
    assert "sum((x - beta) / gamma) = 0" in found.attrs["notes"]
    assert number(anisotropy(states, rank_tol=0.9), "numerical_rank") < 15


def test_few_or_equal_rows_are_said_to_be_so() -> None:
    pair = anisotropy(cloud(2, 3))
    assert number(pair, "average_cosine") == pytest.approx(
        (unit(cloud(2, 3)) @ unit(cloud(2, 3)).T)[0, 1]
    )
    assert np.isnan(number(pair, "isoscore_corrected"))
    assert "2 rows are too few to correct isoscore" in pair.attrs["notes"]
    assert "twonn_dimension is undefined here: `rows` must hold at least 10" in pair.attrs["notes"]
    equal = anisotropy({0: np.full((30, 3), 0.7), 1: cloud(30, 3)})
    assert equal["average_cosine"].values[0] == pytest.approx(1.0)
    assert np.isnan(equal["effective_rank"].values[0])
    assert not np.isnan(equal["effective_rank"].values[1])
    assert "layer 0: all rows are equal to rounding" in equal.attrs["notes"]


def test_result_is_labelled_and_survives_a_file(tmp_path: Path) -> None:
    found = anisotropy({"a": cloud(40), "b": cloud(40, seed=2)})
    for name, variable in found.variables.items():
        assert {"long_name", "units"} <= set(variable.attrs), name
        assert name in found.coords or "range" in variable.attrs, name
    assert found.attrs["probe"] == "whitening.anisotropy"
    assert found["average_cosine_interval"].dims == ("layer", "bound")
    found.to_netcdf(tmp_path / "found.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "found.nc", engine="h5netcdf") as read:
        xr.testing.assert_identical(read.load(), found)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: anisotropy(cloud(1)), "`embeddings` must hold at least 2 examples; got 1"),
        (lambda: anisotropy(cloud(5, 1)), "`embeddings` must have at least 2 features; got 1"),
        (
            lambda: anisotropy({"x": np.vstack([cloud(3), np.zeros((1, 6))])}),
            "`embeddings['x']` must hold no zero row, since its cosines are undefined; "
            "got 1 of them, the first at index 3",
        ),
        (lambda: anisotropy(cloud() * np.nan), "`embeddings` must be finite everywhere"),
        (lambda: anisotropy(cloud(), sample=1), "`sample` must be at least 2"),
        (lambda: anisotropy(cloud(), level=1.5), "`level` must be in (0, 1)"),
        (lambda: anisotropy(cloud(), seed=-1), "`seed` must be at least 0"),
        (lambda: anisotropy(cloud(), rank_tol=-1.0), "`rank_tol` must be at least 0"),
        (lambda: anisotropy([]), "`embeddings` must hold at least one chunk"),
        (
            lambda: Anisotropy().update(cloud()).update(cloud(d=5)),
            "`embeddings` must have 6 features as before; got 5",
        ),
        (
            lambda: Anisotropy().update({0: cloud()}).absorb(Anisotropy().update({1: cloud()})),
            "`embeddings` must have layers [0] as before",
        ),
    ],
)
def test_refusals(call, text: str) -> None:
    with pytest.raises(ValueError, match=r"must") as caught:
        call()
    assert text in str(caught.value)
