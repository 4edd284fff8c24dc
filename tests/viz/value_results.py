"""Small results about heads: of the real measures on planted attention, and made-up ones."""

from functools import cache

import numpy as np
import xarray as xr

from probe.value import coreference, cross_modal, modality_importance, profile, relations
from tests.probe.value_truth import Plant, batch_of, examples

LAYERS, HEADS = 3, 4
AHEAD, BACK = (1, 2), (2, 0)  # layer and head planted in each direction
_N, _BOOT = 40, 20
_BOUND = {"bound": ["low", "high"]}


@cache
def batch(*, planted: bool = True):
    """Attention of 3 x 4 heads, of which one looks at the partner each way; or of none."""
    plants = [Plant(*AHEAD, "text->image", miss=4), Plant(*BACK, "image->text", miss=5)]
    rows = examples(_N, seed=1, layers=LAYERS, heads=HEADS, planted=plants if planted else ())
    return batch_of(rows)


@cache
def two_streams():
    """The same with a first layer in which neither modality sees the other."""
    rows = examples(_N, seed=1, layers=LAYERS, heads=HEADS)
    present = np.ones((LAYERS, 2, 2), bool)
    present[0] = np.eye(2, dtype=bool)
    attended = batch_of(rows)
    mixed = np.array(attended.attentions)
    apart = np.asarray(attended.modality)[:, :, None] != np.asarray(attended.modality)[:, None]
    mixed[:, 0] = np.where(apart[:, None], 0.0, mixed[:, 0])
    return batch_of(rows, attentions=mixed, present=present)


@cache
def hits() -> xr.Dataset:
    return coreference(batch(), n_boot=_BOOT)


@cache
def twin_hits() -> xr.Dataset:
    return coreference(batch(planted=False), n_boot=_BOOT)


@cache
def hits_of_two_streams() -> xr.Dataset:
    return coreference(two_streams(), n_boot=_BOOT)


@cache
def related() -> xr.Dataset:
    return relations(batch(), n_boot=_BOOT)


@cache
def importance() -> xr.Dataset:
    return modality_importance(batch(), n_boot=_BOOT)


@cache
def importance_of_two_streams() -> xr.Dataset:
    return modality_importance(two_streams(), n_boot=_BOOT)


@cache
def crossing() -> xr.Dataset:
    return cross_modal(two_streams(), n_boot=_BOOT)


@cache
def profiled() -> xr.Dataset:
    return profile(batch(), n_boot=_BOOT)


def _fusion(nmi: list[float], gap: list[float], apart: list[float]) -> xr.Dataset:
    found = {}
    for name, values in (("nmi", nmi), ("gap", gap), ("separability", apart)):
        ends = np.add.outer(values, [-0.03, 0.04])
        found |= {name: ("layer", values), f"{name}_interval": (("layer", "bound"), ends)}
    coords = {"layer": np.arange(len(nmi)), **_BOUND}
    return xr.Dataset(found, coords, {"probe": "value.fusion_degree"})


@cache
def fused() -> xr.Dataset:
    return _fusion([0.9, 0.52, 0.31, 0.2], [3.1, 2.0, 1.2, 0.9], [1.0, 0.97, 0.91, 0.84])


@cache
def twin_fused() -> xr.Dataset:
    return _fusion([0.97, 0.96, 0.95, 0.95], [3.0, 2.9, 2.9, 2.8], [1.0, 1.0, 1.0, 0.99])


def _probing(shape: dict[str, list], accuracy: np.ndarray, probe: str, pairs: str) -> xr.Dataset:
    """Accuracies with baselines of 0.5 and 0.55, and the first alone half way to them."""
    values = {
        "accuracy": accuracy,
        "majority": np.full(accuracy.shape, 0.5),
        "control": np.full(accuracy.shape, 0.55),
        "selectivity": accuracy - 0.55,
        "alone": (accuracy + 0.5) / 2 if pairs else np.full(accuracy.shape, np.nan),
    }
    found = {}
    for name, each in values.items():
        ends = np.stack([each - 0.04, each + 0.05], axis=-1)
        found |= {name: (tuple(shape), each), f"{name}_interval": ((*shape, "bound"), ends)}
    parameters = f'{{"pairs": "{pairs}"}}' if pairs else "{}"
    attrs = {"probe": probe, "parameters": parameters}
    return xr.Dataset(found, {**shape, **_BOUND}, attrs)


_TASKS = ["identification", "classification"]


@cache
def of_attention() -> xr.Dataset:
    return _probing(
        {"task": _TASKS}, np.array([0.83, np.nan]), "value.attention_prober", "phrase-region"
    )


@cache
def of_attention_twin() -> xr.Dataset:
    return _probing(
        {"task": _TASKS}, np.array([0.61, 0.52]), "value.attention_prober", "phrase-region"
    )


@cache
def of_states() -> xr.Dataset:
    accuracy = np.array([[0.6, 0.7], [0.7, 0.9], [0.84, 0.93], [0.8, 0.92]])
    shape = {"layer": [0, 1, 2, 3], "task": _TASKS}
    return _probing(shape, accuracy, "value.embedding_prober", "region-region")


@cache
def of_captions() -> xr.Dataset:
    tasks = ["colours", "n_objects", "relation", "shape_swapped", "size"]
    accuracy = 0.6 + 0.03 * np.arange(20).reshape(4, 5) % 0.3
    shape = {"layer": [0, 1, 2, 3], "task": tasks}
    return _probing(shape, accuracy, "value.linguistic", "")


@cache
def ablated() -> xr.Dataset:
    """Effects of which the planted head's is by far the largest."""
    effect = np.random.default_rng(0).normal(0, 0.01, size=(LAYERS, HEADS))
    effect[AHEAD] = 0.2
    ends = np.stack([effect - 0.02, effect + 0.02], axis=-1)
    found = {
        "effect": (("layer", "head"), effect),
        "effect_interval": (("layer", "head", "bound"), ends),
        "full": 0.93,
        "rank_correlation": 0.41,
        "rank_correlation_interval": ("bound", [0.2, 0.62]),
        "rank_correlation_p": 0.0312,
    }
    coords = {"layer": np.arange(LAYERS), "head": np.arange(HEADS), **_BOUND}
    return xr.Dataset(found, coords, {"probe": "value.head_ablation"})


def scores() -> xr.DataArray:
    """What the ablated heads were scored by."""
    return hits().hit.sel(direction="text->image", kind="all")


@cache
def watched() -> xr.Dataset:
    """Statistics of heads along four steps, and the loss of every update."""
    steps = [0, 50, 100, 150]
    grow = [hits().assign(hit=hits().hit * step / 150) for step in steps]
    found = xr.concat([each[["hit", "called"]] for each in grow], "step")
    found = found.rename({name: f"links_{name}" for name in found.data_vars})
    updates = np.arange(1, 151)
    return (
        found.assign_coords(step=steps, step_update=updates)
        .assign(loss=("step_update", 2 / updates))
        .assign_attrs(probe="value.training")
    )
