"""What whitening does to a sample of sentences, setting by setting: the explorer's data."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from .._check import integer, one_of, refuse, refuse_type
from .._provenance import data_hash, provenance
from .._threads import one_thread_if_small
from ._describe import describe, label_coord
from ._fitting import fit_rows
from ._grid import DEFAULT_GRID, allowed_specs, plain_texts
from ._layers import read_chunk
from ._slice import (
    Settings,
    Statistics,
    bin_centres,
    moments_of,
    slice_variables,
    statistics_of,
)
from .maps import PROJECTIONS
from .named import transform_family
from .spectrum import spectrum

__all__ = ["DEFAULT_GRID", "effect_of", "whitening_effect"]

_WORDING = {
    "embedding": ("embeddings of the sample", "1", ""),
    "mean": ("mean of the rows fitted on", "1", ""),
    "covariance": ("covariance of the rows fitted on (n - 1)", "1", ""),
    "n_fit": ("rows fitted on", "1", "[2, inf)"),
    "ledoit_wolf": ("Ledoit-Wolf shrinkage towards a multiple of the identity", "1", "[0, 1]"),
    "eigenvalues": ("eigenvalues of the covariance, descending", "1", "[0, inf)"),
    "rank": ("numerical rank of the covariance", "1", "[0, d]"),
    "cosine_density": ("density of cosines between random pairs", "1", "[0, inf)"),
    "average_cosine": ("average cosine over all pairs of the sample", "1", "[-1, 1]"),
    "map": ("flat map of the normalised embeddings", "1", ""),
    "trustworthiness": ("trustworthiness of the map for cosine neighbours", "1", "[0, 1]"),
    "neighbour": ("position of the nearest examples by cosine, itself left out", "1", ""),
    "neighbour_cosine": ("cosine with those neighbours", "1", "[-1, 1]"),
    "transformed_eigenvalues": ("eigenvalues of the transformed covariance", "1", "[0, inf)"),
    "bin": ("centre of the bin of cosine", "1", "[-1, 1]"),
    "row": ("row of the example in the embeddings given", "1", ""),
    "k": ("components kept, or removed by abtt; -1 where that does not apply", "1", ""),
}


def whitening_effect(
    embeddings: Any,
    *,
    texts: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    transforms: Sequence[str] = DEFAULT_GRID,
    sample: int = 400,
    neighbours: int = 6,
    bins: int = 80,
    n_pairs: int = 20000,
    projections: Sequence[str] = ("pca",),
    seed: int = 0,
    fit_on: Any = None,
) -> xr.Dataset:
    """Cosines, map, neighbours and spectrum of a sample under each transform of each layer.

    Transforms are fitted on all rows and shown on a random sample of them. The result also
    holds the moments that they were fitted from, so that `effect_of` gives any other setting.

    Parameters
    ----------
    embeddings
        (n, d), mapping layer -> (n, d), or DataArray (layer, example, feature).
    texts, labels
        n texts and n class names of the examples, kept for those sampled; row numbers and empty
        labels if None. A NUL or a lone surrogate, which files cannot hold, becomes U+FFFD or ?.
    transforms
        Specs of `make_transform` that have a fit from moments. Of `DEFAULT_GRID` those that
        some layer's rank does not allow are left out, which attrs ``notes`` tells.
    sample
        Examples shown, drawn without replacement (all of them if there are fewer).
    neighbours
        Nearest examples listed for each example, among the sample.
    bins, n_pairs
        Bins of cosine over [-1, 1], and distinct pairs of the sample counted in them; the same
        pairs for every setting.
    projections
        ``"pca"``, ``"umap"`` or both; see `flat_map`.
    seed
        Of the sample, the pairs and UMAP.
    fit_on
        Other rows to fit on: embeddings of the same layers, or ``(name, embeddings)``.

    Returns
    -------
    xr.Dataset
        Over ``layer, transform``: ``cosine_density(bin)``, ``average_cosine`` (all pairs of the
        sample), ``map(projection, example, axis)``, ``trustworthiness(projection)``,
        ``neighbour(example, neighbour)`` with ``neighbour_cosine``, and
        ``transformed_eigenvalues(component)``, zeros past the last. Over ``layer``: ``embedding,
        mean, covariance, n_fit, ledoit_wolf, eigenvalues, rank``. Coordinates ``text, label,
        row`` of the examples, ``family, k`` of the transforms.

    Raises
    ------
    ValueError
        If lengths differ, there are fewer than 4 examples, a transform's `k` exceeds a layer's
        rank, or a transformed row is zero.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 6)) + 5
    >>> ds = whitening_effect(x, transforms=["raw", "whiten"], sample=20)
    >>> ds.average_cosine.sel(layer=0, transform="raw").item() > 0.9
    True
    >>> abs(ds.average_cosine.sel(layer=0, transform="whiten").item()) < 0.1
    True
    """
    started = time.perf_counter()
    measured = read_chunk(embeddings, min_rows=4)
    states = measured.layers
    kept = list(states)
    n, d = states[kept[0]].shape
    rows = _sampled(n, integer("sample", sample, low=4), seed)
    settings = _settings(bins, n_pairs, neighbours, projections, seed, len(rows))
    fit_name, (fit_states, dtype) = fit_rows(fit_on, measured, kept)
    with one_thread_if_small(d):
        stats = [statistics_of(states[layer][rows], fit_states[layer], dtype) for layer in kept]
        spectra = [spectrum(moments_of(each), dtype=dtype) for each in stats]
        ranks = [each.rank for each in spectra]
        specs, notes = allowed_specs(transforms, min(ranks))
        slices = [
            [_slice(stats[j], spec, settings, kept[j]) for spec in specs] for j in range(len(kept))
        ]
    found: dict[str, Any] = {
        "embedding": (("layer", "example", "feature"), np.stack([s.embedding for s in stats])),
        "mean": (("layer", "feature"), np.stack([s.mean for s in stats])),
        "covariance": (
            ("layer", "feature", "feature_other"),
            np.stack([s.covariance for s in stats]),
        ),
        "n_fit": ("layer", [s.n_fit for s in stats]),
        "ledoit_wolf": ("layer", [s.ledoit_wolf for s in stats]),
        "eigenvalues": (("layer", "component"), np.stack([each.eigenvalues for each in spectra])),
        "rank": ("layer", ranks),
    }
    for name, (dims, _) in slices[0][0].items():
        inner = (dims,) if isinstance(dims, str) else dims
        grid = np.stack([np.stack([each[name][1] for each in line]) for line in slices])
        found[name] = (("layer", "transform", *inner), grid)
    families = [transform_family(spec) for spec in specs]
    coords = {
        "layer": label_coord(kept),
        "transform": specs,
        "family": ("transform", [family for family, _ in families]),
        "k": ("transform", [-1 if k is None else k for _, k in families]),
        "text": ("example", plain_texts("texts", texts, n, rows, numbered=True)),
        "label": ("example", plain_texts("labels", labels, n, rows)),
        "row": ("example", rows),
        "bin": bin_centres(settings.bins),
        "projection": list(settings.projections),
    }
    attrs = provenance(
        "whitening.effect",
        paper="arXiv:2103.15316",
        parameters={"n_pairs": n_pairs, "sample": sample, "fit_on": fit_name},
        data=data_hash(states[layer] for layer in kept),
        seed=seed,
        started=started,
    )
    attrs |= {"fit_on": fit_name, "fit_dtype": dtype, "notes": notes, "n_features": d}
    return describe(xr.Dataset(found, coords=coords, attrs=attrs), _WORDING)


def effect_of(
    ds: xr.Dataset, layer: Any, transform: str, *, projections: Sequence[str] | None = None
) -> xr.Dataset:
    """One layer under any transform, from the statistics that a `whitening_effect` result holds.

    Parameters
    ----------
    ds
        Result of `whitening_effect`, as it was or read from a file.
    layer
        One of its layers.
    transform
        Any spec of `make_transform`, in the grid or not.
    projections
        Maps to make; those of `ds` if None.

    Returns
    -------
    xr.Dataset
        The variables over ``layer, transform`` of `ds` without those dims; the same numbers as
        there where the setting is in the grid. About 0.1 s for 400 examples of 384 features.

    Raises
    ------
    ValueError
        If `ds` is another result, or the layer or transform is unknown, or `k` exceeds the rank.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 6)) + 5
    >>> ds = whitening_effect(x, transforms=["raw"], sample=20)
    >>> sorted(effect_of(ds, 0, "whiten-3").cosine_density.dims)
    ['bin']
    """
    if not isinstance(ds, xr.Dataset):
        refuse_type("ds", "be a result of whitening_effect", ds)
    if ds.attrs.get("probe") != "whitening.effect":
        refuse("ds", "be a result of whitening_effect", f"probe {ds.attrs.get('probe')!r}")
    one_of("layer", layer, ds.layer.values.tolist())
    family, k = transform_family(transform)
    at = ds.sel(layer=layer)
    stats = Statistics(
        at.embedding.values,
        at["mean"].values,
        at["covariance"].values,
        int(at.n_fit),
        float(at.ledoit_wolf),
        ds.attrs["fit_dtype"],
    )
    settings = _settings(
        ds.sizes["bin"],
        json.loads(ds.attrs["parameters"])["n_pairs"],
        ds.sizes["neighbour"],
        ds.projection.values.tolist() if projections is None else projections,
        int(ds.attrs["seed"]),
        ds.sizes["example"],
    )
    coords = {name: ds.coords[name] for name in ("text", "label", "row", "bin")} | {
        "projection": list(settings.projections),
        "layer": layer,
        "transform": transform,
        "family": family,
        "k": -1 if k is None else k,
    }
    found = _slice(stats, transform, settings, layer)
    return describe(xr.Dataset(found, coords=coords, attrs=ds.attrs), _WORDING)


def _settings(
    bins: int, n_pairs: int, neighbours: int, projections: Sequence[str], seed: int, n: int
) -> Settings:
    wanted = [projections] if isinstance(projections, str) else list(projections)
    for each in wanted:
        one_of("projections", each, PROJECTIONS)
    if not wanted or len(set(wanted)) < len(wanted):
        refuse("projections", "name at least one projection, each once", wanted)
    return Settings(
        integer("bins", bins, low=2),
        integer("n_pairs", n_pairs, low=1),
        integer("neighbours", neighbours, low=1, high=n - 1),
        tuple(wanted),
        seed,
    )


def _sampled(n: int, sample: int, seed: int) -> np.ndarray:
    """Rows of the sample, ascending."""
    if n <= sample:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, sample, replace=False))


def _slice(stats: Statistics, spec: str, settings: Settings, layer: Any) -> dict[str, Any]:
    try:
        return slice_variables(stats, spec, settings)
    except ValueError as error:
        raise ValueError(f"transform {spec!r} on layer {layer!r}: {error}") from error
