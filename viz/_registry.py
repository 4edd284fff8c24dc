"""Which picture shows which result: a new probe adds one line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import xarray as xr

from probe._check import one_of, refuse

# `probe` of a result -> module and function that draw it; loaded on first use.
PLOTS = {
    "whitening.anisotropy": "viz.whitening:plot_anisotropy",
    "whitening.classification": "viz.whitening:plot_classification",
    "whitening.contextuality": "viz.whitening:plot_contextuality",
    "whitening.effect": "viz.whitening:plot_effect",
    "whitening.film": "viz.comparison:plot_film_strip",
    "whitening.sts": "viz.whitening:plot_sts",
    "whitening.topics": "viz.whitening:plot_topics",
    "whitening.training": "viz.whitening:plot_training",
    "comparison.difference": "viz.comparison:plot_difference",
    "comparison.series": "viz.comparison:plot_series",
    "attribution.attribution": "viz.attribution:plot_attribution",
    "attribution.grid": "viz.attribution:plot_attribution",
    "isd.contrast": "viz.isd:plot_contrast",
    "isd.examples": "viz.isd:plot_relation_pair",
    "isd.isd": "viz.isd:plot_isd",
    "isd.study": "viz.isd:plot_iais_study",
    "lowrank.attributes": "viz.lowrank:plot_attributes",
    "lowrank.attribution": "viz.lowrank:plot_attribution",
    "lowrank.edits": "viz.lowrank:plot_directions",
    "lowrank.locality": "viz.lowrank:plot_locality",
    "lowrank.region_directions": "viz.lowrank:plot_spectra",
    "totoro.imbalance": "viz.totoro:plot_imbalance",
    "totoro.map": "viz.totoro:plot_graph",
    "totoro.splits": "viz.totoro:plot_splits",
    "totoro.study": "viz.totoro:plot_study",
    "totoro.training": "viz.totoro:plot_history",
    "value.attention_prober": "viz.value:plot_probers",
    "value.coreference": "viz.value:plot_coreference",
    "value.cross_modal": "viz.value:plot_cross_modal",
    "value.embedding_prober": "viz.value:plot_probers",
    "value.examples": "viz.value:plot_examples",
    "value.fusion_degree": "viz.value:plot_fusion",
    "value.head_ablation": "viz.value:plot_ablation",
    "value.linguistic": "viz.value:plot_probers",
    "value.modality_importance": "viz.value:plot_modality",
    "value.profile": "viz.value:plot_profile",
    "value.relations": "viz.value:plot_relations",
    "value.training": "viz.value:plot_steps",
}

# Plots of these show one of the views that their explorer walks through.
ONE_OF_MANY = (
    *("attribution.attribution", "attribution.grid", "isd.examples", "lowrank.edits"),
    *("value.examples", "whitening.film"),
)


def plot_function(ds: xr.Dataset) -> Callable[..., Any]:
    """The function that draws results of the probe that made `ds`.

    Raises
    ------
    ValueError
        If `ds` does not say which probe made it, or no picture of it is known.

    Examples
    --------
    >>> plot_function(xr.Dataset(attrs={"probe": "whitening.sts"})).__name__
    'plot_sts'
    >>> plot_function(xr.Dataset(attrs={"probe": "novel"}))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: `attrs["probe"]` must be one of 'whitening.anisotropy', ...; got 'novel'.
    """
    if "probe" not in ds.attrs:
        known = ", ".join(map(repr, PLOTS))
        hint = "Arithmetic drops attrs: keep them with xarray.set_options(keep_attrs=True)."
        refuse('attrs["probe"]', f"be one of {known}", "none", hint)
    one_of('attrs["probe"]', ds.attrs["probe"], tuple(PLOTS))
    module, _, name = PLOTS[ds.attrs["probe"]].partition(":")
    return getattr(import_module(module), name)


def draw(ds: xr.Dataset, ax: Any, options: dict[str, Any]) -> Any:
    """The picture of `ds`, with options of its function.

    Raises
    ------
    TypeError
        If its function has no such option.
    """
    function = plot_function(ds)
    known = [name for name in inspect.signature(function).parameters if name not in ("ds", "ax")]
    for name in options:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise TypeError(f"`{name}` is no option of {function.__name__}; its options: {listed}.")
    return function(ds, ax=ax, **options)
