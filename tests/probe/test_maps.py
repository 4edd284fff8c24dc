"""Flat maps: fixed signs, and a trustworthiness that knows good maps from random ones."""

import numpy as np
import pytest

from probe.whitening.maps import flat_map, trust
from probe.whitening.neighbours import unit_rows


def test_map_signs_do_not_depend_on_the_solver():
    unit = unit_rows(np.random.default_rng(0).normal(size=(30, 5)) * [3, 2, 1, 1, 1])
    flat = flat_map(unit, "pca")
    np.testing.assert_allclose(flat_map(unit[::-1], "pca")[::-1], flat, atol=1e-6)
    for seed in range(8):
        unit = unit_rows(np.random.default_rng(seed).normal(size=(30, 5)) * [3, 2, 1, 1, 1])
        loadings = (unit - unit.mean(0)).T @ flat_map(unit, "pca")
        assert (loadings[np.abs(loadings).argmax(0), [0, 1]] > 0).all()
    narrow = flat_map(np.array([[1.0], [-1.0], [1.0], [1.0]]), "pca")
    assert narrow.shape == (4, 2)
    assert (narrow[:, 1] == 0).all()


def test_trust_of_a_perfect_and_of_a_random_map():
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 3, 200))
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert trust(circle, circle) == 1.0
    assert trust(circle, rng.normal(size=(200, 2))) == pytest.approx(0.5, abs=0.06)


def test_unknown_projection():
    with pytest.raises(ValueError, match="`projection` must be one of 'pca', 'umap'; got 'tsne'"):
        flat_map(np.eye(4), "tsne")
