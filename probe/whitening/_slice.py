"""One layer under one transform, from stored statistics alone: what every slider setting shows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..moments import Moments
from ._fitting import moments_transform
from .maps import flat_map, trust
from .neighbours import nearest, unit_rows
from .transform import ledoit_wolf


class Statistics(NamedTuple):
    """A layer's sample and the moments that its transforms are fitted from."""

    embedding: np.ndarray  # (example, feature) float32
    mean: np.ndarray  # (feature,) float64
    covariance: np.ndarray  # (feature, feature) float64, n - 1
    n_fit: int
    ledoit_wolf: float
    dtype: str  # of the rows that were fitted on: sets the tolerance of the rank


class Settings(NamedTuple):
    """What is shown of each setting."""

    bins: int
    n_pairs: int
    neighbours: int
    projections: tuple[str, ...]
    seed: int


def statistics_of(shown: np.ndarray, fitted_on: np.ndarray, dtype: str) -> Statistics:
    """The statistics of a layer: the rows shown and those fitted on, (n, d) each."""
    moments = Moments(fitted_on.shape[1]).update(fitted_on)
    return Statistics(
        shown.astype(np.float32),
        moments.mean,
        moments.covariance(),
        moments.n,
        ledoit_wolf(fitted_on, moments.mean),
        dtype,
    )


def moments_of(stats: Statistics) -> Moments:
    """The moments that the statistics came from."""
    return Moments.from_arrays(stats.n_fit, stats.mean, stats.covariance * (stats.n_fit - 1))


def slice_variables(stats: Statistics, spec: str, settings: Settings) -> dict[str, Any]:
    """Variables of one slice as ``name: (dims, array)``."""
    fitted = moments_transform(
        spec, moments_of(stats), dtype=stats.dtype, shrinkage=stats.ledoit_wolf
    )
    moved = np.asarray(fitted.transform(stats.embedding.astype(np.float64)))
    unit = unit_rows(moved, name=f"sample under transform {spec!r}")
    index, cosine = nearest(unit, settings.neighbours)
    maps = [flat_map(unit, each, seed=settings.seed) for each in settings.projections]
    n = len(unit)
    total = unit.sum(axis=0)
    return {
        "cosine_density": ("bin", _density(unit, settings)),
        "average_cosine": ((), (total @ total - n) / (n * (n - 1))),
        "map": (("projection", "example", "axis"), np.stack(maps)),
        "trustworthiness": ("projection", np.array([trust(unit, flat) for flat in maps])),
        "neighbour": (("example", "neighbour"), index),
        "neighbour_cosine": (("example", "neighbour"), cosine.astype(np.float32)),
        "transformed_eigenvalues": ("component", _spectrum_after(fitted, stats)),
    }


def bin_centres(bins: int) -> np.ndarray:
    """Centres of `bins` equal bins of [-1, 1]."""
    edges = np.linspace(-1.0, 1.0, bins + 1)
    return (edges[1:] + edges[:-1]) / 2


@lru_cache(maxsize=1)
def _pairs(n: int, n_pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `n_pairs` distinct pairs of n rows; kept, since every setting asks for the same."""
    first, second = np.triu_indices(n, 1)
    if len(first) > n_pairs:
        drawn = np.random.default_rng(seed).choice(len(first), n_pairs, replace=False)
        first, second = first[drawn], second[drawn]
    return first, second


def _density(unit: np.ndarray, settings: Settings) -> np.ndarray:
    """Density of the cosines of distinct pairs, drawn alike for every setting; integrates to 1."""
    first, second = _pairs(len(unit), settings.n_pairs, settings.seed)
    cosines = np.clip(np.einsum("pd,pd->p", unit[first], unit[second]), -1.0, 1.0)
    return np.histogram(cosines, settings.bins, range=(-1.0, 1.0), density=True)[0]


def _spectrum_after(fitted: Any, stats: Statistics) -> np.ndarray:
    """Eigenvalues of the fitted covariance after the transform, descending, zeros to d."""
    # Every transform here is affine, so images of the mean plus unit vectors give its matrix.
    d = len(stats.mean)
    images = fitted.transform(np.vstack([stats.mean, stats.mean + np.eye(d)]))
    matrix = np.asarray(images[1:] - images[0], dtype=np.float64)
    values = np.linalg.eigvalsh(matrix.T @ stats.covariance @ matrix)[::-1]
    return np.pad(np.maximum(values, 0.0), (0, d - len(values)))
