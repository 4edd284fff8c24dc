"""Aligned maps: turned frames keep their distances, what is kept is counted by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from probe.whitening import aligned_maps
from probe.whitening.maps import flat_map
from probe.whitening.neighbours import nearest, unit_rows

N, D, K = 40, 6, 4


def frames(count: int = 3, seed: int = 0) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(N, D)) * np.linspace(3, 1, D)
    return {10 * i: first + 0.3 * i * rng.normal(size=(N, D)) for i in range(count)}


def pca(states, **options) -> xr.Dataset:
    return aligned_maps(states, over="step", projections=["pca"], k=K, **options)


def test_a_turned_frame_is_its_own_map_rotated() -> None:
    film = pca(frames())
    for at, rows in enumerate(frames().values()):
        own = flat_map(unit_rows(rows), "pca").astype(float)
        shown = film["map"].isel(projection=0, frame=at).values.astype(float)
        gram = [each @ each.T for each in (own, shown)]
        np.testing.assert_allclose(gram[0], gram[1], atol=1e-5)
    # Exact turn: a frame that is the one before, with features in another order, does not move.
    same = frames(1)[0]
    still = pca({0: same, 1: same[:, ::-1].copy()})["map"].values
    np.testing.assert_allclose(still[0, 0], still[0, 1], atol=1e-5)


def test_turning_brings_frames_nearer_than_they_were() -> None:
    film = pca(frames(2))["map"].values[0].astype(float)
    own = [flat_map(unit_rows(rows), "pca").astype(float) for rows in frames(2).values()]
    apart = ((own[1] - own[0]) ** 2).sum()
    assert ((film[1] - film[0]) ** 2).sum() <= apart + 1e-9
    angles = np.linspace(0, np.pi, 200)
    turns = np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
    best = min(((film[1] @ turns[..., i] - film[0]) ** 2).sum() for i in range(len(angles)))
    assert ((film[1] - film[0]) ** 2).sum() <= best + 1e-9


def test_the_share_of_neighbours_kept_is_counted_by_hand() -> None:
    states = frames()
    film = pca(states)
    near = [
        [set(row) for row in nearest(unit_rows(rows), K)[0].tolist()] for rows in states.values()
    ]
    kept = [
        np.mean([len(a & b) / K for a, b in zip(one, two, strict=True)])
        for one, two in pairwise(near)
    ]
    assert np.isnan(film.kept_neighbours[0])
    np.testing.assert_allclose(film.kept_neighbours[1:], kept)
    assert float(film.kept_chance) == K / (N - 1)
    assert float(pca({0: states[0], 1: states[0]}).kept_neighbours[1]) == 1
    rng = np.random.default_rng(1)
    alone = pca({0: rng.normal(size=(400, 30)), 1: rng.normal(size=(400, 30))})
    assert abs(float(alone.kept_neighbours[1] - alone.kept_chance)) < 0.01


def test_an_array_by_layer_is_a_film_and_a_sample_is_the_same_in_all_frames() -> None:
    states = xr.DataArray(
        np.stack(list(frames().values())), {"layer": [0, 1, 5]}, ("layer", "example", "feature")
    )
    film = aligned_maps(
        states.transpose("example", "feature", "layer"),
        projections=["pca"],
        texts=[f"text {i}" for i in range(N)],
        labels=[i % 2 for i in range(N)],
        sample=15,
        k=K,
    )
    assert film.frame.values.tolist() == [0, 1, 5]
    assert film.sizes["example"] == 15
    assert film.text.values.tolist() == [f"text {i}" for i in film.row.values]
    assert film.label.values.tolist() == [str(i % 2) for i in film.row.values]
    assert film.attrs["over"] == "layer"
    whole = pca({0: frames()[0][film.row.values], 1: frames()[10][film.row.values]})
    np.testing.assert_allclose(whole["map"][0, 1], film["map"][0, 1], atol=1e-6)


@pytest.mark.slow
def test_umap_gives_the_same_film_twice_and_holds_frames_together() -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(36) % 3
    centres = 4 * rng.normal(size=(3, 8))
    states = {i: centres[groups] + rng.normal(size=(36, 8)) for i in range(2)}
    one, two = (aligned_maps(states, over="step", k=5, seed=3) for _ in range(2))
    xr.testing.assert_equal(one, two)
    assert one.projection.values.tolist() == ["pca", "umap"]
    places = one["map"].sel(projection="umap").values
    middles = np.stack([places[:, groups == g].mean(axis=1) for g in range(3)])
    moved = np.linalg.norm(middles[:, 1:] - middles[:, :-1], axis=-1).max()
    between = np.linalg.norm(middles[0] - middles[1], axis=-1).min()
    assert moved < between / 2
    assert float(one.trustworthiness.sel(projection="umap").min()) > 0.7
    np.testing.assert_allclose(places.mean(axis=(0, 1)), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("states", "options", "kind", "text"),
    [
        ([1], {}, TypeError, "`states` must be a DataArray or a mapping of frames to rows"),
        ({0: frames()[0]}, {}, ValueError, "`states` must hold at least two frames; got 1"),
        ({0: np.ones(4), 1: np.ones(4)}, {}, ValueError, "must have axes (example, feature)"),
        ({0: np.ones((4, 2), int)} | {1: np.ones((4, 2))}, {}, TypeError, "must hold real numbers"),
        (
            {0: frames()[0], 1: frames()[0][:-1]},
            *({}, ValueError, "`states` must hold the same examples in each frame; got lengths"),
        ),
        (frames(), {"projections": ["tsne"]}, ValueError, "`projections` must be one of 'pca'"),
        (frames(), {"projections": []}, ValueError, "`projections` must name at least one"),
        (frames(), {"k": 20}, ValueError, "`states` must hold at least 42 examples for k = 20"),
        (frames(), {"alignment": -1}, ValueError, "`alignment` must be at least 0"),
        (frames(), {"texts": ["a"]}, ValueError, "`texts` and `states` must have the same length"),
        (frames(), {"sample": 3}, ValueError, "`sample` must be at least 4"),
        ({0: frames()[0], 1: 0 * frames()[0]}, {}, ValueError, "`layer 1` must be finite and hold"),
        (
            xr.DataArray(np.ones((2, 3, 4)), dims=("step", "example", "feature")),
            *({}, ValueError, "`states` must have dims layer, example and feature; got dims"),
        ),
    ],
)
def test_what_makes_no_film_is_refused(states, options, kind, text) -> None:
    with pytest.raises(kind) as caught:
        aligned_maps(states, **{"projections": ["pca"], "k": K, **options})
    assert text in str(caught.value)
