"""Pairs of small results whose comparison takes each of the forms that pictures have."""

from __future__ import annotations

from functools import cache

import numpy as np
import xarray as xr

from probe.comparison import difference, series
from probe.whitening import aligned_maps
from tests.viz import totoro_results, value_results, whitening_results

HOSTILE = "</script><img src=x onerror=alert(1)>"


@cache
def lines() -> xr.Dataset:
    history = whitening_results.training()
    return difference(history.isel(step=0), history.isel(step=-1), names=("before", "after $"))


@cache
def cells() -> xr.Dataset:
    twin, model = value_results.twin_hits(), value_results.hits()
    return difference(twin, model, names=("twin", "model"))


@cache
def rows() -> xr.Dataset:
    twin, model = value_results.of_attention_twin(), value_results.of_attention()
    return difference(twin, model, names=("twin", "model"))


@cache
def number() -> xr.Dataset:
    one = totoro_results.imbalance()
    return difference(one, one.assign(totoro=one.totoro * 2).assign_attrs(one.attrs))


@cache
def steps(count: int = 3) -> xr.Dataset:
    history = whitening_results.training()
    return series({10 * i: history.isel(step=i % 3) for i in range(count)})


@cache
def models() -> xr.Dataset:
    return series({"twin": value_results.twin_hits(), "model": value_results.hits()})


@cache
def numbers() -> xr.Dataset:
    one = totoro_results.imbalance()
    return series({i: one.assign(totoro=one.totoro * i).assign_attrs(one.attrs) for i in (1, 2, 3)})


@cache
def film() -> xr.Dataset:
    """Five frames of three groups in which example 0 walks from one group to another.

    The second projection is made up, so that no test waits for UMAP.
    """
    rng = np.random.default_rng(0)
    groups = np.arange(45) % 3
    centres = 5 * rng.normal(size=(3, 8))
    noise = rng.normal(size=(45, 8))
    states = {}
    for i in range(5):
        rows_ = centres[groups] + noise + 0.3 * rng.normal(size=(45, 8))
        rows_[0] = (1 - i / 4) * centres[0] + i / 4 * centres[1]
        states[100 * i] = rows_
    texts = [f"sentence {i} {HOSTILE if i % 2 else 'plain'}" for i in range(45)]
    found = aligned_maps(
        states,
        over="step",
        projections=["pca"],
        texts=texts,
        labels=[f"group {g}" for g in groups],
        k=5,
    )
    other = found.assign_coords(projection=["umap"])
    other = other.assign(map=-2 * other["map"], trustworthiness=other.trustworthiness - 0.1)
    both = xr.concat([found, other], "projection", data_vars="minimal", combine_attrs="override")
    return both.assign_attrs(found.attrs)
