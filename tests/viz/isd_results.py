"""Small made-up results about relation consistency, of the form that `probe.isd` gives."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from probe.isd import relation_examples
from tests.viz.attention_examples import attended, pair_of

LAYERS, HEADS = 4, 6
BEST = (2, 1)  # layer and head whose words and regions relate alike
ARMS = ["none", "singular", "distributed", "congruence"]
WAYS = ["image->text", "text->image"]
SCENES = (
    (("red", "square", (1, 1)), ("blue", "box", (4, 3)), ("green", "tile", (0, 4))),
    (
        *(("green", "tile", (0, 4)), ("red", "box", (3, 0))),
        *(("blue", "square", (4, 4)), ("red", "box", (0, 1))),
    ),
    (("blue", "tile", (2, 2)), ("green", "square", (4, 0))),
)
_GRID = ("layer", "head")
_BOUND = {"bound": ["low", "high"]}


def _with_ends(name: str, dims: tuple[str, ...], values: Any, low: float, high: float) -> Any:
    values = np.asarray(values, dtype=float)
    ends = np.stack([values - low, values + high], axis=-1)
    return {name: (dims, values), f"{name}_interval": ((*dims, "bound"), ends)}


@cache
def measured(*, gain: float = 0.0, seed: int = 0) -> xr.Dataset:
    """An ISD by layer and head that links explain best at the planted head; `gain` more of it."""
    rng = np.random.default_rng(seed)
    permuted = np.array([0.42, 0.97, 0.6, 0.31])
    gap = np.array([-0.02, 0.03, 0.12 + gain, 0.06 + gain / 2])
    heads = rng.uniform(0.3, 1.4, size=(LAYERS, HEADS))
    gap_head = rng.normal(0, 0.03, size=(LAYERS, HEADS))
    gap_head[BEST] = 0.4 + gain
    p_head = np.where(gap_head > 0.3, 0.002, rng.uniform(0.1, 1, size=gap_head.shape))
    found = {
        **_with_ends("isd", ("layer",), permuted * (1 - gap), 0.04, 0.05),
        **_with_ends("gap", ("layer",), gap, 0.05, 0.05),
        **_with_ends("isd_head", _GRID, heads * (1 - gap_head), 0.05, 0.05),
        **_with_ends("gap_head", _GRID, gap_head, 0.06, 0.06),
        "permuted": ("layer", permuted),
        "permuted_head": (_GRID, heads),
        "p": ("layer", [0.71, 0.22, 0.0004, 0.034]),
        "p_head": (_GRID, p_head),
        "p_head_corrected": (_GRID, np.minimum(24 * p_head, 1)),
        "called_head": (_GRID, 24 * p_head < 0.05),
        "entropy": ((*_GRID, "modality"), rng.uniform(0.5, 0.99, size=(LAYERS, HEADS, 2))),
        "isd_objects": (("layer", "objects"), rng.uniform(0.2, 1, size=(LAYERS, 3))),
        "n_objects": ("objects", [40, 25, 9]),
        **_with_ends("held_out", (), 0.37 + gain, 0.1, 0.08),
        "held_out_null": 0.01,
        "held_out_p": 0.003,
        "chosen_layer": BEST[0],
        "chosen_head": BEST[1],
        "n_pairs": 74,
        "n_skipped": 6,
    }
    coords = {
        "layer": np.arange(LAYERS),
        "head": np.arange(HEADS),
        "modality": ["linguistic", "visual"],
        "objects": [2, 3, 4],
        **_BOUND,
    }
    return xr.Dataset(found, coords, {"probe": "isd.isd", "model": "made up"})


@cache
def after() -> xr.Dataset:
    return measured(gain=0.3, seed=0)


@cache
def measured_of_two_streams() -> xr.Dataset:
    """The same of a model whose first layer lacks a block."""
    ds = measured().copy(deep=True)
    for name, values in ds.data_vars.items():
        if "layer" in values.dims and values.dtype.kind == "f":
            ds[name][{"layer": 0}] = np.nan
    return ds.assign(called_head=ds.called_head & (ds.layer > 0))


@cache
def contrasted() -> xr.Dataset:
    """Matched pairs with the smallest ISD, hard negatives hardly larger; kinds of unlike size."""
    rng = np.random.default_rng(1)
    kinds = ["matched", "mismatched", "hard negative"]
    shift = np.array([0.0, 0.9, 0.1])[:, None, None]
    log = rng.normal(-1, 0.6, size=(3, 60, LAYERS)) + shift * np.linspace(0.2, 1, LAYERS)
    pairs = np.exp(log)
    pairs[2, 45:] = np.nan
    auc = np.array([[np.nan] * 4, [0.55, 0.62, 0.74, 0.88], [0.49, 0.51, 0.53, 0.56]])
    found = {
        **_with_ends("isd", ("kind", "layer"), np.nanmean(pairs, axis=1), 0.05, 0.06),
        **_with_ends("auc", ("kind", "layer"), auc, 0.04, 0.05),
        **_with_ends("auc_gap", ("kind", "layer"), (auc + 0.5) / 2, 0.03, 0.03),
        "pair_isd": (("kind", "example", "layer"), pairs),
    }
    coords = {"kind": kinds, "layer": np.arange(LAYERS), **_BOUND}
    return xr.Dataset(found, coords, {"probe": "isd.contrast"})


@cache
def study() -> xr.Dataset:
    """Three terms against none on four seeds: two points better, one worse, and no difference."""
    rng = np.random.default_rng(2)
    seeds = 4
    base = np.array([0.2, 0.5, 0.65])
    gain = np.array([0.0, 0.02, -0.01, 0.0])[:, None, None, None]
    recall = base + gain + rng.normal(0, 0.004, size=(len(ARMS), seeds, 2, 3))
    difference = (recall - recall[:1]).mean(axis=1)
    p = np.full(difference.shape, np.nan)
    p[1], p[2], p[3] = 0.0004, 0.034, 0.8
    permuted = np.array([0.42, 0.97, 0.6, 0.31])
    gap = np.array([0.02, 0.4, 0.3, 0.1])[:, None, None] * np.linspace(0.3, 1, LAYERS)
    gap = gap + rng.normal(0, 0.01, size=(len(ARMS), seeds, LAYERS))
    found = {
        "recall": (("arm", "seed", "direction", "k"), recall),
        **_with_ends("recall_difference", ("arm", "direction", "k"), difference, 0.006, 0.005),
        "recall_difference_p": (("arm", "direction", "k"), p / 2),
        "recall_difference_p_corrected": (("arm", "direction", "k"), p),
        "recall_difference_wins": (
            ("arm", "direction", "k"),
            np.where(np.isfinite(p), (recall > recall[:1]).sum(axis=1), np.nan),
        ),
        "accuracy": (("arm", "seed"), recall[:, :, 0, 2]),
        "isd": (("arm", "seed", "layer"), permuted * (1 - gap)),
        "gap": (("arm", "seed", "layer"), gap),
    }
    coords = {
        **{"arm": ARMS, "seed": np.arange(seeds), "direction": WAYS, "k": [1, 5, 10]},
        **{"layer": np.arange(LAYERS), **_BOUND},
    }
    return xr.Dataset(found, coords, {"probe": "isd.study"})


@cache
def related(*, layers: int = LAYERS, heads: int = HEADS, hostile: bool = False) -> xr.Dataset:
    """Relations of the objects of a few scenes; alike for words and regions at the best head."""
    rng = np.random.default_rng(3)
    pairs = [pair_of(scene) for scene in SCENES]
    n, most = len(pairs), max(len(scene) for scene in SCENES)
    shape = (n, layers, heads, most, most)
    linguistic, visual = (rng.gamma(1.5, size=shape) + 0.2 * np.eye(most) for _ in range(2))
    if layers > BEST[0]:
        visual[(slice(None), *BEST)] = linguistic[(slice(None), *BEST)]
    counts = np.array([len(scene) for scene in SCENES])
    inside = np.arange(most) < counts[:, None]
    able = (inside[:, :, None] & inside[:, None])[:, None, None]
    phrase = np.full((n, most), "", dtype="U40")
    box = np.full((n, most, 4), np.nan, np.float32)
    for i, pair in enumerate(pairs):
        for k, (start, end, _) in enumerate(pair.phrases):
            phrase[i, k] = " ".join(pair.words[start:end])
            box[i, k] = pair.regions[k]
    caption = [pair.caption for pair in pairs]
    if hostile:
        bad = "</script><img src=x onerror=alert(1)>"
        caption[0] = caption[0].replace("a red square", bad)
        phrase[0, 0] = bad
    tables = {}
    for name, raw in (("linguistic", linguistic), ("visual", visual)):
        for label, table in ((name, raw), (f"{name}_mean", raw.mean(axis=2))):
            kept = np.where(able if label == name else able[:, 0], table, 0)
            rows = kept / np.maximum(kept.sum(axis=-1, keepdims=True), 1e-9)
            rows = np.where(able if label == name else able[:, 0], rows, np.nan)
            tables[label] = rows.astype(np.float32)
    dims = ("example", "layer", "head", "object", "partner")
    short = tuple(dim for dim in dims if dim != "head")
    isd_head = _kl(tables["linguistic"], tables["visual"])
    isd = _kl(tables["linguistic_mean"], tables["visual_mean"])
    found = {
        "linguistic": (dims, tables["linguistic"]),
        "visual": (dims, tables["visual"]),
        "linguistic_mean": (short, tables["linguistic_mean"]),
        "visual_mean": (short, tables["visual_mean"]),
        "isd_head": (dims[:3], isd_head),
        "isd": (dims[:2], isd),
        "permuted_head": (dims[:3], rng.uniform(0.9, 1.3, size=shape[:3]) * (isd_head + 0.1)),
        "permuted": (dims[:2], rng.uniform(0.9, 1.3, size=shape[:2]) * isd),
        "phrase": (("example", "object"), phrase),
        "box": (("example", "object", "corner"), box),
        "caption": ("example", caption),
        "objects": ("example", counts),
        "image": (("example", "y", "x", "channel"), np.stack([pair.image for pair in pairs])),
        "image_size": (("example", "axis"), np.array([pair.image.shape[:2] for pair in pairs])),
    }
    coords = {
        **{"layer": np.arange(layers), "head": np.arange(heads)},
        "corner": ["x0", "y0", "x1", "y1"],
    }
    return xr.Dataset(found, coords, {"probe": "isd.examples", "model": "made up"})


@cache
def measured_examples(links: str = "annotation") -> xr.Dataset:
    """What the measure itself gives of attention drawn at random."""
    pairs = [pair_of(scene) for scene in SCENES]
    return relation_examples([attended(pairs)], pairs, links=links)


@cache
def related_of_two_streams() -> xr.Dataset:
    """The same of a model whose first layer lacks a block."""
    ds = related().copy(deep=True)
    for name, values in ds.data_vars.items():
        if "layer" in values.dims:
            ds[name][{"layer": 0}] = np.nan
    return ds


def _kl(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The symmetric matrix KL, written out."""
    a, b = (np.where(np.isfinite(each), each, 1).astype(float) for each in (a, b))
    return ((a - b) * np.log(a / b)).sum(axis=(-2, -1))
