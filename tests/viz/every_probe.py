"""One small result for every probe that has a picture or an explorer.

A new probe adds its line here; without it the tests of words and of accessibility fail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import xarray as xr

from probe.comparison import difference, series
from probe.lowrank.attribution import region_attribution
from probe.whitening import aligned_maps
from tests.viz import (
    attention_examples,
    attribution_results,
    isd_results,
    lowrank_results,
    totoro_maps,
    totoro_results,
    value_results,
    whitening_results,
)


@cache
def _edits() -> xr.Dataset:
    return lowrank_results.edits(plus=True)


@cache
def _localities() -> tuple[dict[str, xr.Dataset], dict[str, xr.Dataset]]:
    return lowrank_results.compared()


@cache
def _attributed() -> dict[str, xr.Dataset]:
    return lowrank_results.attributed()


@cache
def _attribution() -> xr.Dataset:
    latent = lowrank_results.latents(1)[0]
    mask = lowrank_results.masks()["left"]
    return region_attribution(lowrank_results.generate, latent, mask)


@cache
def _film() -> xr.Dataset:
    labels = whitening_results.TOPICS
    texts = [f"sentence {i}" for i in range(len(labels))]
    return aligned_maps(
        whitening_results.states(), projections=("pca",), texts=texts, labels=labels
    )


@cache
def _difference() -> xr.Dataset:
    return difference(isd_results.measured(), isd_results.after(), n_boot=50, n_permutations=99)


@cache
def _series() -> xr.Dataset:
    return series({"before": isd_results.measured(), "after": isd_results.after()})


def _one_cell() -> xr.Dataset:
    one = attribution_results.words_and_regions().isel(algorithm=[0], layer=[0], target=[1])
    return one.assign_attrs(probe="attribution.attribution")


RESULTS: dict[str, Callable[[], xr.Dataset]] = {
    "attribution.attribution": _one_cell,
    "attribution.grid": cache(attribution_results.words_and_regions),
    "comparison.difference": _difference,
    "comparison.series": cache(
        lambda: series({"a": isd_results.measured(), "b": isd_results.after()})
    ),
    "whitening.film": _film,
    "whitening.anisotropy": whitening_results.geometry,
    "whitening.classification": whitening_results.classes,
    "whitening.contextuality": whitening_results.tokens,
    "whitening.effect": whitening_results.effect,
    "whitening.sts": whitening_results.sts,
    "whitening.topics": whitening_results.topics,
    "whitening.training": whitening_results.training,
    "isd.contrast": isd_results.contrasted,
    "isd.examples": cache(isd_results.related),
    "isd.isd": isd_results.measured,
    "isd.study": isd_results.study,
    "lowrank.attributes": lambda: _attributed()["random"],
    "lowrank.attribution": _attribution,
    "lowrank.edits": _edits,
    "lowrank.locality": lambda: _localities()[0]["generalised"],
    "lowrank.region_directions": lambda: _localities()[1]["generalised"],
    "totoro.imbalance": totoro_results.imbalance,
    "totoro.map": cache(totoro_maps.small_map),
    "totoro.splits": totoro_results.scan,
    "totoro.study": totoro_results.study,
    "totoro.training": totoro_results.training,
    "value.attention_prober": value_results.of_attention,
    "value.coreference": value_results.hits,
    "value.cross_modal": value_results.crossing,
    "value.embedding_prober": value_results.of_states,
    "value.examples": cache(attention_examples.planted_examples),
    "value.fusion_degree": value_results.fused,
    "value.head_ablation": value_results.ablated,
    "value.linguistic": value_results.of_captions,
    "value.modality_importance": value_results.importance,
    "value.profile": value_results.profiled,
    "value.relations": value_results.related,
    "value.training": value_results.watched,
}
