"""The explorer's grid: a slice computed live equals it, its numbers are true, files keep it."""

import json

import numpy as np
import pytest
import xarray as xr
from sklearn.decomposition import PCA

from probe.whitening import effect_of, make_transform, whitening_effect
from probe.whitening._grid import DEFAULT_GRID
from probe.whitening.maps import trust
from probe.whitening.neighbours import nearest, unit_rows

SLICED = (
    "cosine_density",
    "average_cosine",
    "map",
    "trustworthiness",
    "neighbour",
    "neighbour_cosine",
    "transformed_eigenvalues",
)


def states(n=120, d=20, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, d)) * np.linspace(3, 0.3, d) + 2
    return {0: base.astype(np.float32), 2: (base @ rng.normal(size=(d, d))).astype(np.float32)}


@pytest.fixture(scope="module")
def effect():
    return whitening_effect(
        states(),
        transforms=[
            "raw",
            "centre",
            "zscore",
            "abtt-2",
            "whiten",
            "whiten-5",
            "power-0.5",
            "shrunk",
        ],
        sample=50,
        n_pairs=300,
        bins=40,
        texts=[f"text {i}" for i in range(120)],
        labels=[f"label {i % 3}" for i in range(120)],
    )


def test_a_live_slice_equals_the_grid(effect):
    for layer in effect.layer.values.tolist():
        for spec in effect["transform"].values.tolist():
            live = effect_of(effect, layer, spec)
            grid = effect.sel(layer=layer, transform=spec)
            assert set(SLICED) <= set(live.variables)
            for name in SLICED:
                assert live[name].dims == grid[name].dims
                np.testing.assert_array_equal(live[name], grid[name], err_msg=f"{name} {spec}")
                assert live[name].attrs == grid[name].attrs
            assert live["family"].item() == grid["family"].item()
            assert live["k"].item() == grid["k"].item()


@pytest.mark.parametrize("spec", ["whiten", "whiten-5", "abtt-2", "power-0.5", "shrunk", "zscore"])
def test_statistics_stand_for_the_rows(effect, spec):
    """The slice from stored moments equals a transform fitted on the rows themselves."""
    full = states()[2]
    fitted = make_transform(spec).fit(full)
    rows = effect.row.values
    unit = unit_rows(np.asarray(fitted.transform(full[rows]), dtype=np.float64))
    got = effect.sel(layer=2, transform=spec)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -np.inf)
    best = np.sort(similar, axis=1)[:, ::-1][:, :6]
    np.testing.assert_allclose(got.neighbour_cosine, best, atol=2e-5)
    np.testing.assert_array_equal(got.neighbour[:, 0], similar.argmax(1))
    np.fill_diagonal(similar, 0)
    assert got.average_cosine.item() == pytest.approx(similar.sum() / (50 * 49), abs=1e-5)


def test_stored_statistics(effect):
    full = states()[2].astype(np.float64)
    at = effect.sel(layer=2)
    np.testing.assert_allclose(at["mean"], full.mean(0), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(at["covariance"], np.cov(full.T), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(at.embedding, states()[2][effect.row.values])
    eigenvalues = np.linalg.eigvalsh(np.cov(full.T))[::-1]
    np.testing.assert_allclose(at.eigenvalues, eigenvalues, rtol=1e-6, atol=1e-4)
    assert at["rank"].item() == 20
    assert at.n_fit.item() == 120
    assert 0 < at.ledoit_wolf.item() < 1
    assert effect.text.values.tolist() == [f"text {i}" for i in effect.row.values]
    assert effect.label.values.tolist() == [f"label {i % 3}" for i in effect.row.values]
    assert len(set(effect.row.values.tolist())) == 50


def test_density_integrates_to_one_and_counts_all_pairs_where_few(effect):
    width = 2 / effect.sizes["bin"]
    np.testing.assert_allclose(effect.cosine_density.sum("bin") * width, 1.0, rtol=1e-12)
    ds = whitening_effect(states(), transforms=["centre"], sample=30, bins=10, n_pairs=10**6)
    rows = ds.embedding.values[0].astype(np.float64) - ds["mean"].values[0]
    unit = unit_rows(rows)
    cosines = (unit @ unit.T)[np.triu_indices(30, 1)]
    counts = np.histogram(cosines, 10, (-1, 1))[0]
    np.testing.assert_allclose(ds.cosine_density.values[0, 0], counts / counts.sum() / 0.2)
    np.testing.assert_allclose(ds.bin, np.linspace(-0.9, 0.9, 10), atol=1e-12)


def test_all_pairs_one_way_end_in_the_last_bin():
    rows = np.random.default_rng(0).normal(size=(40, 3)) * 1e-9 + 1
    ds = whitening_effect(rows, transforms=["raw"])
    assert ds.cosine_density.values[0, 0, -1] == pytest.approx(40.0)
    assert ds.average_cosine.item() == pytest.approx(1.0)


def test_spectrum_after_the_transform(effect):
    after = effect.transformed_eigenvalues.sel(layer=2)
    before = effect.eigenvalues.sel(layer=2).values
    np.testing.assert_allclose(after.sel(transform="raw"), before, rtol=1e-6)
    np.testing.assert_allclose(after.sel(transform="centre"), before, rtol=1e-6)
    np.testing.assert_allclose(after.sel(transform="whiten"), 1.0, rtol=1e-6)
    np.testing.assert_allclose(after.sel(transform="whiten-5"), [1.0] * 5 + [0.0] * 15, atol=1e-6)
    np.testing.assert_allclose(after.sel(transform="power-0.5"), np.sqrt(before), rtol=1e-6)
    np.testing.assert_allclose(after.sel(transform="abtt-2")[:18], before[2:], rtol=1e-5)
    np.testing.assert_allclose(after.sel(transform="abtt-2")[18:], 0.0, atol=1e-6)


def test_map_is_a_principal_component_analysis(effect):
    got = effect.sel(layer=2, transform="centre")
    unit = unit_rows(got.embedding.values.astype(np.float64) - got["mean"].values)
    scores = PCA(2, svd_solver="full").fit_transform(unit)
    flat = got["map"].sel(projection="pca").values
    np.testing.assert_allclose(np.abs(flat), np.abs(scores), atol=1e-5)
    assert got.trustworthiness.item() == pytest.approx(trust(unit, flat))


def test_neighbours_leave_themselves_out(effect):
    own = np.arange(effect.sizes["example"])[:, None]
    assert (effect.neighbour != own).all()
    np.testing.assert_array_less(-1e-7, -np.diff(effect.neighbour_cosine, axis=-1))


def test_default_grid_leaves_out_what_the_rank_forbids():
    ds = whitening_effect(states(), sample=20)
    kept = ds["transform"].values.tolist()
    assert kept == [
        s for s in DEFAULT_GRID if s not in {"whiten-32", "whiten-64", "whiten-128", "whiten-256"}
    ]
    assert "whiten-32, whiten-64" in ds.attrs["notes"]
    assert ds["k"].sel(transform="whiten-16").item() == 16
    assert ds["k"].sel(transform="raw").item() == -1
    assert ds["family"].sel(transform="whiten-16").item() == "whiten"


def test_any_other_setting_is_live(effect):
    live = effect_of(effect, 0, "whiten-7")
    assert live["k"].item() == 7
    np.testing.assert_allclose(live.transformed_eigenvalues, [1.0] * 7 + [0.0] * 13, atol=1e-6)
    again = effect_of(effect, 0, "whiten-7", projections=["pca"])
    assert live.equals(again)


HOSTILE = [
    "</script><img onerror=alert(1) src=x>",
    "naïve — 日本語 🙂 \u202e",
    "quotes \" and ' and \\ and \n",
    "",
]


def test_a_file_keeps_it_all(tmp_path):
    texts = HOSTILE * 5
    ds = whitening_effect(
        {"first_last": states(20)[0]}, texts=texts, labels=texts, transforms=["raw", "whiten-4"]
    )
    path = tmp_path / "effect.nc"
    ds.to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        back = opened.load()
    assert back.text.values.tolist() == texts
    assert back.label.values.tolist() == texts
    assert back["transform"].values.tolist() == ["raw", "whiten-4"]
    assert back.attrs == ds.attrs
    for name in ds.data_vars:
        np.testing.assert_array_equal(back[name], ds[name])
    live = effect_of(back, "first_last", "whiten-4")
    for name in SLICED:
        np.testing.assert_array_equal(live[name], ds[name].values[0, 1])


def test_what_no_file_can_hold_is_replaced():
    ds = whitening_effect(
        states(4)[0], texts=["a\0b", "\ud800", "c", "d"], transforms=["raw"], neighbours=2
    )
    assert ds.text.values.tolist() == ["a\N{REPLACEMENT CHARACTER}b", "?", "c", "d"]


def test_fit_on_other_rows():
    other = {layer: rows * 2 + 1 for layer, rows in states(300, seed=3).items()}
    ds = whitening_effect(states(), transforms=["whiten"], sample=20, fit_on=("books", other))
    assert ds.attrs["fit_on"] == "books"
    assert (ds.n_fit == 300).all()
    np.testing.assert_allclose(ds["mean"].sel(layer=0), other[0].mean(0), rtol=1e-4)
    rows = states()[0][ds.row.values]
    moved = make_transform("whiten").fit(other[0]).transform(rows)
    index = nearest(unit_rows(np.asarray(moved, dtype=np.float64)), 6)[0]
    np.testing.assert_array_equal(ds.neighbour.values[0, 0, :, 0], index[:, 0])


def test_same_call_same_numbers(effect):
    call = {"transforms": ["raw", "whiten"], "sample": 30}
    a, b = whitening_effect(states(), **call), whitening_effect(states(), **call)
    assert a.equals(b)
    assert a.attrs["data_hash"] == b.attrs["data_hash"]
    c = whitening_effect(states(), **call, seed=1)
    assert (a.row != c.row).any()
    assert json.loads(a.attrs["parameters"])["n_pairs"] == 20000
    assert all(a[v].attrs["long_name"] and a[v].attrs["units"] == "1" for v in a)


@pytest.mark.slow
def test_umap_is_seeded_and_beside_its_trustworthiness():
    ds = whitening_effect(
        states(60), transforms=["raw", "whiten"], projections=["pca", "umap"], sample=60
    )
    assert ds.projection.values.tolist() == ["pca", "umap"]
    assert ((ds.trustworthiness > 0.5) & (ds.trustworthiness <= 1)).all()
    live = effect_of(ds, 2, "whiten")
    np.testing.assert_array_equal(live["map"], ds["map"].sel(layer=2, transform="whiten"))


class TestRefusals:
    def test_lengths(self):
        with pytest.raises(ValueError, match="`texts` must have one entry for each of 120"):
            whitening_effect(states(), texts=["a"], transforms=["raw"])
        with pytest.raises(ValueError, match="`labels` must have one entry for each of 120"):
            whitening_effect(states(), labels=["a"], transforms=["raw"])

    def test_numbers(self):
        with pytest.raises(ValueError, match="must hold at least 4 examples"):
            whitening_effect(np.ones((3, 2)))
        with pytest.raises(ValueError, match="`sample` must be at least 4"):
            whitening_effect(states(), sample=3)
        with pytest.raises(ValueError, match="`neighbours` must be between 1 and 9"):
            whitening_effect(states(), sample=10, neighbours=10)
        with pytest.raises(ValueError, match="`bins` must be at least 2"):
            whitening_effect(states(), bins=1)
        with pytest.raises(ValueError, match="`n_pairs` must be at least 1"):
            whitening_effect(states(), n_pairs=0)

    def test_projections(self):
        with pytest.raises(ValueError, match="`projections` must be one of 'pca', 'umap'; got 't"):
            whitening_effect(states(), projections=["tsne"])
        with pytest.raises(ValueError, match="`projections` must name at least one projection"):
            whitening_effect(states(), projections=[])

    def test_transforms(self, effect):
        with pytest.raises(TypeError, match="`transforms` must be a sequence of specs; got dict"):
            whitening_effect(states(), transforms={"raw": "raw"})
        for call in (
            lambda: whitening_effect(states(), transforms=["naive"]),
            lambda: effect_of(effect, 0, "naive"),
        ):
            with pytest.raises(ValueError, match="must have a fit from stored moments"):
                call()

    def test_rank_of_a_setting_asked_for(self, effect):
        with pytest.raises(ValueError, match="transform 'whiten-21' on layer 0: "):
            whitening_effect(states(), transforms=["whiten-21"])
        with pytest.raises(ValueError, match="transform 'whiten-21' on layer 2: "):
            effect_of(effect, 2, "whiten-21")

    def test_other_results(self, effect):
        with pytest.raises(TypeError, match="`ds` must be a result of whitening_effect"):
            effect_of({}, 0, "raw")
        with pytest.raises(
            ValueError, match="must be a result of whitening_effect; got probe None"
        ):
            effect_of(xr.Dataset(), 0, "raw")
        with pytest.raises(ValueError, match="`layer` must be one of 0, 2; got 1"):
            effect_of(effect, 1, "raw")
        with pytest.raises(ValueError, match="whitten"):
            effect_of(effect, 0, "whitten")
